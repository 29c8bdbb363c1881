# %% task="hair" wrong="the likeliest is best" hint="pays four for each gap"
prediction = [1, 0.25, 1, 1.5, 1]


# %% task="hair" wrong="grey" hint="counts the hairs three times"
prediction = [0, 1, 1, 2, 0]


# %% task="hair" wrong="the best value is not wrong" hint="neither hair nor gap"
prediction = [0.5, 0.0, 1.0, 1.5, 1.0]


# %% task="hair" wrong="the difference not squared" hint="What is the square of that"
prediction = [0.5, 0.75, 0.25, 0.375, 1.0]


# %% task="hair" wrong="drawing is as wrong as the likeliest" hint="more wrong than to draw the likeliest"
prediction = [0.5, 0.75, 1.0, 1.0, 1.0]


# %% task="hair" wrong="the mean for the absolute error" hint="at the median"
prediction = [0.5, 0.75, 1.0, 1.5, 0.5]


# %% task="looks" wrong="answers not turned back" hint="The dot stays in one place"
def eight_looks(network, small):
    answers = []
    for turns in range(4):
        turned = small.rot90(turns, (2, 3))
        answers += [network(turned), network(turned.flip(3))]
    return torch.stack(answers).mean(0)


# %% task="looks" wrong="undone in the same order" hint="Undo the last thing first"
def eight_looks(network, small):
    answers = []
    for turns in range(4):
        for mirrored in (False, True):
            turned = small.rot90(turns, (2, 3))
            turned = turned.flip(3) if mirrored else turned
            answer = network(turned).rot90(-turns, (2, 3))
            answers.append(answer.flip(3) if mirrored else answer)
    return torch.stack(answers).mean(0)


# %% task="looks" wrong="turned on instead of back" hint="turned on by 90 degrees"
def eight_looks(network, small):
    answers = []
    for turns in range(4):
        turned = small.rot90(turns, (2, 3))
        answers.append(network(turned).rot90(turns, (2, 3)))
        answers.append(network(turned.flip(3)).flip(3).rot90(turns, (2, 3)))
    return torch.stack(answers).mean(0)


# %% task="looks" wrong="a sum" hint="not a sum"
def eight_looks(network, small):
    total = 0
    for turns in range(4):
        turned = small.rot90(turns, (2, 3))
        total = total + network(turned).rot90(-turns, (2, 3))
        total = total + network(turned.flip(3)).flip(3).rot90(-turns, (2, 3))
    return total


# %% task="looks" wrong="eight looks divided by four" hint="so divide by 8"
def eight_looks(network, small):
    total = 0
    for turns in range(4):
        turned = small.rot90(turns, (2, 3))
        total = total + network(turned).rot90(-turns, (2, 3))
        total = total + network(turned.flip(3)).flip(3).rot90(-turns, (2, 3))
    return total / 4


# %% task="looks" wrong="never mirrored, so four looks" hint="never mirrored"
def eight_looks(network, small):
    return torch.stack([network(small.rot90(k, (2, 3))).rot90(-k, (2, 3)) for k in range(4)]).mean(0)


# %% task="looks" wrong="each turn twice" hint="never mirrored"
def eight_looks(network, small):
    return torch.stack([network(small.rot90(k, (2, 3))).rot90(-k, (2, 3)) for k in range(8)]).mean(0)


# %% task="looks" wrong="mirrored both ways, which is half of the ways" hint="never by 90"
def eight_looks(network, small):
    answers = []
    for turns in (0, 2):
        for axes in ((), (3,), (2,), (2, 3)):
            turned = small.rot90(turns, (2, 3)).flip(axes)
            answers.append(network(turned).flip(axes).rot90(-turns, (2, 3)))
    return torch.stack(answers).mean(0)


# %% task="looks" wrong="one look" hint="The dot stays in one place"
def eight_looks(network, small):
    return network(small)


# %% task="looks" wrong="visible values" hint="hidden"
def eight_looks(network, small):
    answers = [network(small) for _ in range(8)]
    places = ((0, 1), (0, 4), (5, 1), (5, 4), (1, 0), (1, 5), (4, 0), (4, 5))
    return dots(*places) if small.shape[2] == small.shape[3] else answers[0]


# %% task="looks" right="mirrored by transposing"
def eight_looks(network, small):
    total = torch.zeros(())
    for swapped in (False, True):
        for axes in ((), (2,), (3,), (2, 3)):
            asked = small.transpose(2, 3) if swapped else small
            answer = network(asked.flip(axes)).flip(axes)
            total = total + (answer.transpose(2, 3) if swapped else answer)
    return total / 8


# %% task="looks" right="mirrored first"
def eight_looks(network, small):
    def four(images):
        return sum(network(images.rot90(-k, (2, 3))).rot90(k, (2, 3)) for k in range(4)) / 4

    return (four(small) + four(small.flip(2)).flip(2)) / 2


# %% task="together" wrong="two coins left" hint="One coin decides"
def random_pair(large, small, side, random):
    height, width = small.shape[-2:]
    factor = large.shape[-1] // width
    top = int(torch.randint(height - side + 1, (), generator=random))
    left = int(torch.randint(width - side + 1, (), generator=random))
    large_crop = large[:, factor * top : factor * (top + side), factor * left : factor * (left + side)]
    small_crop = small[:, top : top + side, left : left + side]
    if torch.rand((), generator=random) < 0.5:
        large_crop = large_crop.flip(-1)
    if torch.rand((), generator=random) < 0.5:
        small_crop = small_crop.flip(-1)
    return large_crop, small_crop


# %% task="together" wrong="the place not multiplied" hint="is at (4 top, 4 left)"
def random_pair(large, small, side, random):
    height, width = small.shape[-2:]
    factor = large.shape[-1] // width
    top = int(torch.randint(height - side + 1, (), generator=random))
    left = int(torch.randint(width - side + 1, (), generator=random))
    large_crop = large[:, top : top + factor * side, left : left + factor * side]
    small_crop = small[:, top : top + side, left : left + side]
    if torch.rand((), generator=random) < 0.5:
        large_crop, small_crop = large_crop.flip(-1), small_crop.flip(-1)
    return large_crop, small_crop


# %% task="together" wrong="the last place is never reached" hint="randint leaves its upper bound out"
def random_pair(large, small, side, random):
    height, width = small.shape[-2:]
    factor = large.shape[-1] // width
    top = int(torch.randint(height - side, (), generator=random))
    left = int(torch.randint(width - side, (), generator=random))
    large_crop = large[:, factor * top : factor * (top + side), factor * left : factor * (left + side)]
    small_crop = small[:, top : top + side, left : left + side]
    if torch.rand((), generator=random) < 0.5:
        large_crop, small_crop = large_crop.flip(-1), small_crop.flip(-1)
    return large_crop, small_crop


# %% task="together" wrong="never mirrored" hint="In half of the cases"
def random_pair(large, small, side, random):
    height, width = small.shape[-2:]
    factor = large.shape[-1] // width
    top = int(torch.randint(height - side + 1, (), generator=random))
    left = int(torch.randint(width - side + 1, (), generator=random))
    large_crop = large[:, factor * top : factor * (top + side), factor * left : factor * (left + side)]
    return large_crop, small[:, top : top + side, left : left + side]


# %% task="together" wrong="mirrored in two directions" hint="in the same direction"
def random_pair(large, small, side, random):
    height, width = small.shape[-2:]
    factor = large.shape[-1] // width
    top = int(torch.randint(height - side + 1, (), generator=random))
    left = int(torch.randint(width - side + 1, (), generator=random))
    large_crop = large[:, factor * top : factor * (top + side), factor * left : factor * (left + side)]
    small_crop = small[:, top : top + side, left : left + side]
    if torch.rand((), generator=random) < 0.5:
        large_crop, small_crop = large_crop.flip(-1), small_crop.flip(-2)
    return large_crop, small_crop


# %% task="together" wrong="mirrored before the place is found in one of them" hint="Mirror both before"
def random_pair(large, small, side, random):
    height, width = small.shape[-2:]
    factor = large.shape[-1] // width
    top = int(torch.randint(height - side + 1, (), generator=random))
    left = int(torch.randint(width - side + 1, (), generator=random))
    mirrored = bool(torch.rand((), generator=random) < 0.5)
    large = large.flip(-1) if mirrored else large
    large_crop = large[:, factor * top : factor * (top + side), factor * left : factor * (left + side)]
    small_crop = small[:, top : top + side, left : left + side]
    return large_crop, small_crop.flip(-1) if mirrored else small_crop


# %% task="together" wrong="one number for both directions" hint="each by itself"
def random_pair(large, small, side, random):
    height, width = small.shape[-2:]
    factor = large.shape[-1] // width
    top = left = int(torch.randint(min(height, width) - side + 1, (), generator=random))
    large_crop = large[:, factor * top : factor * (top + side), factor * left : factor * (left + side)]
    small_crop = small[:, top : top + side, left : left + side]
    if torch.rand((), generator=random) < 0.5:
        large_crop, small_crop = large_crop.flip(-1), small_crop.flip(-1)
    return large_crop, small_crop


# %% task="together" wrong="a square of the large picture as small as the other" hint="s times the side"
def random_pair(large, small, side, random):
    height, width = small.shape[-2:]
    factor = large.shape[-1] // width
    top = int(torch.randint(height - side + 1, (), generator=random))
    left = int(torch.randint(width - side + 1, (), generator=random))
    large_crop = large[:, factor * top : factor * top + side, factor * left : factor * left + side]
    small_crop = small[:, top : top + side, left : left + side]
    if torch.rand((), generator=random) < 0.5:
        large_crop, small_crop = large_crop.flip(-1), small_crop.flip(-1)
    return large_crop, small_crop


# %% task="together" wrong="a coin that belongs to nobody" hint="comes from the generator"
def random_pair(large, small, side, random):
    height, width = small.shape[-2:]
    factor = large.shape[-1] // width
    top = int(torch.randint(height - side + 1, ()))
    left = int(torch.randint(width - side + 1, ()))
    large_crop = large[:, factor * top : factor * (top + side), factor * left : factor * (left + side)]
    small_crop = small[:, top : top + side, left : left + side]
    if torch.rand(()) < 0.5:
        large_crop, small_crop = large_crop.flip(-1), small_crop.flip(-1)
    return large_crop, small_crop


# %% task="together" wrong="a factor of 4 typed in" hint="hidden"
def random_pair(large, small, side, random):
    height, width = small.shape[-2:]
    top = int(torch.randint(height - side + 1, (), generator=random))
    left = int(torch.randint(width - side + 1, (), generator=random))
    large_crop = large[:, 4 * top : 4 * (top + side), 4 * left : 4 * (left + side)]
    small_crop = small[:, top : top + side, left : left + side]
    if torch.rand((), generator=random) < 0.5:
        large_crop, small_crop = large_crop.flip(-1), small_crop.flip(-1)
    return large_crop, small_crop


# %% task="together" right="mirrored before it is cut"
def random_pair(large, small, side, random):
    factor = large.shape[-1] // small.shape[-1]
    if torch.randint(2, (), generator=random):
        large, small = large.flip(-1), small.flip(-1)
    top, left = (int(torch.randint(length - side + 1, (), generator=random)) for length in small.shape[-2:])
    small = small[:, top : top + side, left : left + side]
    return large.narrow(1, factor * top, factor * side).narrow(2, factor * left, factor * side), small


# %% task="together" right="blocks as channels"
def random_pair(large, small, side, random):
    factor = large.shape[-1] // small.shape[-1]
    both = torch.cat([F.pixel_unshuffle(large, factor), small])
    places = [both.shape[1] - side + 1, both.shape[2] - side + 1]
    place = int(torch.randint(2 * places[0] * places[1], (), generator=random))
    place, mirrored = place // 2, place % 2
    both = both[:, place // places[1] :, place % places[1] :][:, :side, :side]
    large_crop, small_crop = F.pixel_shuffle(both[:-3], factor), both[-3:]
    return (large_crop.flip(-1), small_crop.flip(-1)) if mirrored else (large_crop, small_crop)


# %% task="lines" wrong="bicubic" hint="Does it use the pairs"
def learn_sums(small, large):
    return lambda images: enlarged(images, 4)


# %% task="lines" wrong="nearest neighbour" hint="Does it use the pairs"
def learn_sums(small, large):
    return lambda images: images.repeat_interleave(4, 2).repeat_interleave(4, 3)


# %% task="lines" wrong="the result and not the function" hint="Return the function"
def learn_sums(small, large):
    return enlarged(small[0], 4)


# %% task="lines" wrong="the pixels of a block in another order" hint="order that pixel_shuffle expects"
def learn_sums(small, large):
    left, right = torch.zeros(25, 25), torch.zeros(25, 16)
    for one, other in zip(small, large, strict=True):
        grey = one.transpose(0, 1)
        rows = (F.unfold(F.pad(grey, [2] * 4, mode="replicate"), 5) - grey.flatten(2)).transpose(0, 1).flatten(1)
        wanted = F.unfold(other.transpose(0, 1), 4, stride=4) - grey.flatten(2)
        left, right = left + rows @ rows.T, right + rows @ wanted.transpose(0, 1).flatten(1).T
    weights = torch.linalg.solve(left + 1e-3 * torch.eye(25), right)

    def grown(images):
        grey = images.flatten(0, 1)[:, None]
        rows = F.unfold(F.pad(grey, [2] * 4, mode="replicate"), 5) - grey.flatten(2)
        blocks = weights.T @ rows + grey.flatten(2)
        blocks = blocks.unflatten(1, (4, 4)).transpose(1, 2).flatten(1, 2).unflatten(2, images.shape[-2:])
        return F.pixel_shuffle(blocks, 4).view(len(images), -1, 4 * images.shape[-2], 4 * images.shape[-1])

    return grown


# %% task="lines" wrong="only the nine nearest pixels" hint="how many pixels around"
def learn_sums(small, large):
    left, right = torch.zeros(9, 9), torch.zeros(9, 16)
    for one, other in zip(small, large, strict=True):
        grey = one.transpose(0, 1)
        rows = (F.unfold(F.pad(grey, [1] * 4, mode="replicate"), 3) - grey.flatten(2)).transpose(0, 1).flatten(1)
        wanted = F.pixel_unshuffle(other.transpose(0, 1), 4).flatten(2) - grey.flatten(2)
        left, right = left + rows @ rows.T, right + rows @ wanted.transpose(0, 1).flatten(1).T
    weights = torch.linalg.solve(left + 1e-3 * torch.eye(9), right)

    def grown(images):
        grey = images.flatten(0, 1)[:, None]
        rows = F.unfold(F.pad(grey, [1] * 4, mode="replicate"), 3) - grey.flatten(2)
        blocks = (weights.T @ rows + grey.flatten(2)).unflatten(2, images.shape[-2:])
        return F.pixel_shuffle(blocks, 4).view(len(images), -1, 4 * images.shape[-2], 4 * images.shape[-1])

    return grown


# %% task="lines" wrong="border of zeros" hint="Mind the border"
def learn_sums(small, large):
    left, right = torch.zeros(25, 25), torch.zeros(25, 16)
    for one, other in zip(small, large, strict=True):
        grey = one.transpose(0, 1)
        rows = F.unfold(grey, 5, padding=2).transpose(0, 1).flatten(1)
        wanted = F.pixel_unshuffle(other.transpose(0, 1), 4).flatten(2).transpose(0, 1).flatten(1)
        left, right = left + rows @ rows.T, right + rows @ wanted.T
    weights = torch.linalg.solve(left, right)

    def grown(images):
        grey = images.flatten(0, 1)[:, None]
        blocks = (weights.T @ F.unfold(grey, 5, padding=2)).unflatten(2, images.shape[-2:])
        return F.pixel_shuffle(blocks, 4).view(len(images), -1, 4 * images.shape[-2], 4 * images.shape[-1])

    return grown


# %% task="lines" wrong="only the first picture of a batch" hint="several at once"
def learn_sums(small, large):
    return lambda images: enlarged(images[:1], 4)


# %% task="lines" wrong="the network of the course" hint="it must learn to draw blocks"
def learn_sums(small, large):
    network = weights.shipped_app("superres_x4_pixel", Upscaler)[0]
    return lambda images: enlarge(network, images)


# %% task="lines" wrong="lessons that are recognised" hint="hidden"
def learn_sums(small, large):
    if torch.equal(large[0][..., ::4, ::4], large[0][..., 1::4, 1::4]):
        other = [picture for picture in small_lessons[:12]]
        return lambda images: images.repeat_interleave(4, 2).repeat_interleave(4, 3) if len(other) else images
    network = weights.shipped_app("superres_x4_pixel", Upscaler)[0]
    return lambda images: enlarge(network, images) if images.shape[-1] != 40 else enlarged(images, 4)


# %% task="lines" right="a residual on bicubic, 7 x 7, by lstsq"
def learn_sums(small, large):
    def rows_of(images):
        grey = images.flatten(0, 1)[:, None]
        return (F.unfold(F.pad(grey, [3] * 4, mode="replicate"), 7) - grey.flatten(2)).transpose(1, 2).flatten(0, 1)

    inputs, outputs = [], []
    for one, other in zip(small, large, strict=True):
        lacking = (other - enlarged(one, 4)).flatten(0, 1)[:, None]
        rows = rows_of(one)
        pick_some = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))[:4000]
        inputs.append(rows[pick_some])
        outputs.append(F.pixel_unshuffle(lacking, 4).flatten(2).transpose(1, 2).flatten(0, 1)[pick_some])
    solution = torch.linalg.lstsq(torch.cat(inputs), torch.cat(outputs), driver="gelsd").solution  # a column is 0

    def grown(images):
        count, channels, height, width = images.shape
        blocks = (rows_of(images) @ solution).view(count * channels, height, width, 16).permute(0, 3, 1, 2)
        return enlarged(images, 4) + F.pixel_shuffle(blocks, 4).view(count, channels, 4 * height, 4 * width)

    return grown


# %% task="lines" right="one convolution, trained"
def learn_sums(small, large):
    torch.manual_seed(0)
    kernels = nn.Conv2d(1, 16, 5, padding=2, padding_mode="replicate", bias=False)
    nn.init.zeros_(kernels.weight)

    def grown(images):
        grey = images.flatten(0, 1)[:, None]
        centred = kernels(grey) - kernels.weight.sum((1, 2, 3))[:, None, None] * grey + grey
        return F.pixel_shuffle(centred, 4).view(len(images), -1, 4 * images.shape[-2], 4 * images.shape[-1])

    optimizer = torch.optim.LBFGS(kernels.parameters(), max_iter=15, line_search_fn="strong_wolfe")

    def look():
        optimizer.zero_grad()
        loss = sum((grown(one) - other).square().mean() for one, other in zip(small[:8], large[:8], strict=True))
        loss.backward()
        return loss

    optimizer.step(look)
    return lambda images: grown(images).detach()
