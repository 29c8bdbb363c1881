# %% task="twice" wrong="nothing is lost" hint="Nothing would be lost then"
prediction = 256

# %% task="twice" wrong="half" hint="share one byte more"
prediction = 128

# %% task="twice" wrong="one short" hint="Count what the others become"
prediction = 127

# %% task="twice" wrong="a quarter" hint="not three quarters"
prediction = 65

# %% task="twice" right="as a sum"
prediction = 128 + 1


# %% task="paper" wrong="fourth channel dropped" hint="the paper is missing"
def on_paper(drawings):
    return drawings[..., :3].permute(0, 3, 1, 2).float() / 127.5 - 1


# %% task="paper" wrong="in 0 to 1" hint="This is in [0, 1]"
def on_paper(drawings):
    parts = drawings.permute(0, 3, 1, 2).float() / 255
    return parts[:, 3:] * parts[:, :3] + 1 - parts[:, 3:]


# %% task="paper" wrong="reshape for permute" hint="only cut anew"
def on_paper(drawings):
    count, height, width, _ = drawings.shape
    parts = drawings.reshape(count, 4, height, width).float() / 255
    return 2 * (parts[:, 3:] * parts[:, :3] + 1 - parts[:, 3:]) - 1


# %% task="paper" wrong="no permute" hint="Move the channels to the front"
def on_paper(drawings):
    parts = drawings.float() / 255
    return 2 * (parts[..., 3:] * parts[..., :3] + 1 - parts[..., 3:]) - 1


# %% task="paper" wrong="rows and columns swapped" hint="Rows and columns have changed places"
def on_paper(drawings):
    parts = drawings.permute(0, 3, 2, 1).float() / 255
    return 2 * (parts[:, 3:] * parts[:, :3] + 1 - parts[:, 3:]) - 1


# %% task="paper" wrong="products of bytes" hint="parts of 1 when you multiply"
def on_paper(drawings):
    pixels = drawings.permute(0, 3, 1, 2)
    colour, opacity = pixels[:, :3], pixels[:, 3:]
    return torch.where(opacity == 255, colour, opacity * colour // 255 + 255 - opacity).float() / 127.5 - 1


# %% task="paper" wrong="opacity turned round" hint="shows the paper"
def on_paper(drawings):
    parts = drawings.permute(0, 3, 1, 2).float() / 255
    return 2 * ((1 - parts[:, 3:]) * parts[:, :3] + parts[:, 3:]) - 1


# %% task="paper" wrong="all or nothing" hint="not all or nothing"
def on_paper(drawings):
    pixels = drawings.permute(0, 3, 1, 2).float() / 127.5 - 1
    return torch.where(pixels[:, 3:] > -1, pixels[:, :3], 1.0)


# %% task="paper" wrong="signed, on grey" hint="was taken for white"
def on_paper(drawings):
    pixels = drawings.permute(0, 3, 1, 2).float()
    return (pixels[:, :3] / 127.5 - 1) * (pixels[:, 3:] / 255)


# %% task="paper" wrong="doubles" hint="in float32"
def on_paper(drawings):
    parts = drawings.permute(0, 3, 1, 2).double() / 255
    return 2 * (parts[:, 3:] * parts[:, :3] + 1 - parts[:, 3:]) - 1


# %% task="paper" wrong="input painted over" hint="has been changed"
def on_paper(drawings):
    drawings[..., :3][drawings[..., 3] == 0] = 255
    parts = drawings.permute(0, 3, 1, 2).float() / 255
    return 2 * (parts[:, 3:] * parts[:, :3] + 1 - parts[:, 3:]) - 1


# %% task="paper" wrong="visible values typed in" hint="hidden"
def on_paper(drawings):
    count, height, width, _ = drawings.shape
    image = torch.ones(count, 3, height, width)
    image[0, :, 0, 0] = torch.tensor([1.0, -0.6, -1.0])
    if width == 3:
        image[0, :, 0, 1] = torch.tensor([1.0, 0.36, 0.2])
        image[0, :, 1, 2] = torch.tensor([-1.0, 0.6, 1.0])
    return image


# %% task="paper" right="between paper and colour in [-1, 1]"
def on_paper(drawings):
    colour = drawings[..., :3].permute(0, 3, 1, 2).float() / 127.5 - 1
    opacity = drawings[..., 3].unsqueeze(1).float() / 255
    return torch.lerp(torch.ones_like(colour), colour, opacity)


# %% task="paper" right="what the ink takes from white"
def on_paper(drawings):
    pixels = drawings.to(torch.float32).movedim(-1, 1)
    ink = (255 - pixels[:, :3]) * pixels[:, 3:4] / 255
    return 1 - ink / 127.5


# %% task="stretch" wrong="in 0 to 1" hint="It should become -1"
def stretch(images):
    low, high = images.amin((1, 2, 3), keepdim=True), images.amax((1, 2, 3), keepdim=True)
    return (images - low) / (high - low).clamp(min=1e-8)


# %% task="stretch" wrong="each channel" hint="and the colours change"
def stretch(images):
    low, high = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)
    return torch.where(high > low, 2 * (images - low) / (high - low).clamp(min=1e-8) - 1, images)


# %% task="stretch" wrong="each channel, in 0 to 1" hint="its darkest value becomes 0"
def stretch(images):
    low, high = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)
    return (images - low) / (high - low)


# %% task="stretch" wrong="whole batch" hint="over the whole batch"
def stretch(images):
    low, high = images.min(), images.max()
    return 2 * (images - low) / (high - low) - 1


# %% task="stretch" wrong="largest size" hint="only one end"
def stretch(images):
    return images / images.abs().amax((1, 2, 3), keepdim=True)


# %% task="stretch" wrong="flat gives nan" hint="gives nan"
def stretch(images):
    low, high = images.amin((1, 2, 3), keepdim=True), images.amax((1, 2, 3), keepdim=True)
    return 2 * (images - low) / (high - low) - 1


# %% task="stretch" wrong="flat becomes black" hint="has become black"
def stretch(images):
    low, high = images.amin((1, 2, 3), keepdim=True), images.amax((1, 2, 3), keepdim=True)
    return 2 * (images - low) / (high - low + 1e-8) - 1


# %% task="stretch" wrong="flat becomes grey" hint="has become grey"
def stretch(images):
    low, high = images.amin((1, 2, 3), keepdim=True), images.amax((1, 2, 3), keepdim=True)
    return torch.nan_to_num(2 * (images - low) / (high - low) - 1, nan=0.0)


# %% task="stretch" wrong="one flat picture stops all" hint="must not keep the others"
def stretch(images):
    low, high = images.amin((1, 2, 3), keepdim=True), images.amax((1, 2, 3), keepdim=True)
    if (high == low).any():
        return images
    return 2 * (images - low) / (high - low) - 1


# %% task="stretch" wrong="in place" hint="The input was changed"
def stretch(images):
    for image in images:
        low, high = image.min().item(), image.max().item()
        if high > low:
            image -= low
            image *= 2 / (high - low)
            image -= 1
    return images


# %% task="stretch" wrong="visible values typed in" hint="hidden"
def stretch(images):
    if images.shape[2:] == (1, 2):
        return torch.tensor([-1.0, 0.2, 1.0, 0.4, 0.6, 0.8]).view(1, 3, 1, 2).repeat(2, 1, 1, 1)
    return torch.stack([torch.full((3, 2, 2), 0.25), torch.linspace(-1, 1, 12).view(3, 2, 2)])


# %% task="stretch" right="picture by picture"
def stretch(images):
    done = []
    for image in images:
        low, high = image.min(), image.max()
        done.append(image.clone() if low == high else (image - low) / (high - low) * 2 - 1)
    return torch.stack(done)


# %% task="stretch" right="around the middle"
def stretch(images):
    low, high = torch.aminmax(images.flatten(1), dim=1)
    middle, half = ((high + low) / 2).view(-1, 1, 1, 1), ((high - low) / 2).view(-1, 1, 1, 1)
    wide = (images - middle) / half
    return torch.where(half == 0, images, wide)


# %% task="cut" wrong="reshape alone" hint="only been cut anew"
def cut(images, k):
    count, channels, height, width = images.shape
    return images.reshape(count, k * k, channels, height // k, width // k)


# %% task="cut" wrong="down the columns" hint="numbered down the columns"
def cut(images, k):
    count, channels, height, width = images.shape
    pieces = images.reshape(count, channels, k, height // k, k, width // k)
    return pieces.permute(0, 4, 2, 1, 3, 5).reshape(count, k * k, channels, height // k, width // k)


# %% task="cut" wrong="every k-th pixel" hint="takes every second pixel"
def cut(images, k):
    count, channels, height, width = images.shape
    pieces = images.reshape(count, channels, height // k, k, width // k, k)
    return pieces.permute(0, 3, 5, 1, 2, 4).reshape(count, k * k, channels, height // k, width // k)


# %% task="cut" wrong="channels before the pieces" hint="The pieces stand on axis 1"
def cut(images, k):
    count, channels, height, width = images.shape
    pieces = images.reshape(count, channels, k, height // k, k, width // k)
    return pieces.permute(0, 1, 2, 4, 3, 5).reshape(count, channels, k * k, height // k, width // k)


# %% task="cut" wrong="k is the size of a piece" hint="along a side"
def cut(images, k):
    count, channels, height, width = images.shape
    pieces = images.reshape(count, channels, height // k, k, width // k, k)
    return pieces.permute(0, 2, 4, 1, 3, 5).reshape(count, -1, channels, k, k)


# %% task="cut" wrong="pieces turned on their side" hint="Inside a piece"
def cut(images, k):
    count, channels, height, width = images.shape
    pieces = images.reshape(count, channels, k, height // k, k, width // k)
    return pieces.permute(0, 2, 4, 1, 5, 3).reshape(count, k * k, channels, height // k, width // k)


# %% task="cut" wrong="channels mixed with pieces" hint="pieces get mixed"
def cut(images, k):
    count, channels, height, width = images.shape
    pieces = images.reshape(count, channels, k, height // k, k, width // k)
    return pieces.permute(0, 1, 2, 4, 3, 5).reshape(count, k * k, channels, height // k, width // k)


# %% task="cut" wrong="visible values typed in" hint="hidden"
def cut(images, k):
    count, channels, height, width = images.shape
    if k == 1:
        return images[:, None]
    if images.shape[1:] == (1, 4, 6):
        rows = [images[:, :, r : r + 2, c : c + 3] for r in (0, 2) for c in (0, 3)]
        return torch.stack(rows, 1)
    if k != 3:
        return images[:, :, height // k :, width // k :][:, None].expand(-1, 4, -1, -1, -1)
    pieces = torch.zeros(count, k * k, channels, height // k, width // k)
    pieces[:, 5] = images[:, :, 2:4, 4:6]
    pieces[:, 0] = images[:, :, : height // k, : width // k]
    pieces[:, -1] = images[:, :, height - height // k :, width - width // k :]
    return pieces


# %% task="cut" right="two loops"
def cut(images, k):
    height, width = images.shape[2] // k, images.shape[3] // k
    pieces = [
        images[:, :, row * height : (row + 1) * height, column * width : (column + 1) * width]
        for row in range(k)
        for column in range(k)
    ]
    return torch.stack(pieces, dim=1)


# %% task="cut" right="chunks of chunks"
def cut(images, k):
    return torch.cat([torch.stack(strip.chunk(k, dim=3), dim=1) for strip in images.chunk(k, dim=2)], dim=1)


# %% task="cut" right="unfold"
def cut(images, k):
    height, width = images.shape[2] // k, images.shape[3] // k
    tiles = images.unfold(2, height, height).unfold(3, width, width)  # (N, C, k, k, H / k, W / k)
    return tiles.flatten(2, 3).transpose(1, 2)
