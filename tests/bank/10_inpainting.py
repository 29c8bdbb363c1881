# %% task="middle" wrong="top and bottom only" hint="have a say too"
prediction = 0.0


# %% task="middle" wrong="the majority" hint="no vote"
prediction = -1.0


# %% task="middle" wrong="black as 0 and white as -1" hint="black is -1"
prediction = -0.75


# %% task="middle" wrong="a quarter" hint="which mean of 1 and -1"
prediction = 0.25


# %% task="inside" wrong="only the mask turned" hint="three times too large"
def hole_error(real, fake, known):
    wrong = (1 - known) * (real - fake)
    return (wrong.square().sum((1, 2, 3)) / (1 - known).sum((1, 2, 3)).clamp(min=1)).mean()


# %% task="inside" wrong="the known pixels" hint="the hole is where the mask is 0"
def hole_error(real, fake, known):
    wrong = known * (real - fake)
    return (wrong.square().sum((1, 2, 3)) / (known.sum((1, 2, 3)) * real.shape[1]).clamp(min=1)).mean()


# %% task="inside" wrong="holes pooled" hint="Each picture has its own mean"
def hole_error(real, fake, known):
    hole = (known == 0).expand_as(real)
    return (real - fake)[hole].square().mean()


# %% task="inside" wrong="holes pooled, channels not counted" hint="and the channels are not counted"
def hole_error(real, fake, known):
    wrong = (1 - known) * (real - fake)
    return wrong.square().sum() / (1 - known).sum()


# %% task="inside" wrong="mean over everything" hint="not by those of the whole picture"
def hole_error(real, fake, known):
    return ((1 - known) * (real - fake)).square().mean()


# %% task="inside" wrong="0 divided by 0" hint="divides 0 by 0"
def hole_error(real, fake, known):
    wrong = (1 - known) * (real - fake)
    return (wrong.square().sum((1, 2, 3)) / ((1 - known).sum((1, 2, 3)) * real.shape[1])).mean()


# %% task="inside" wrong="pictures without a hole left out" hint="counts among the N"
def hole_error(real, fake, known):
    wrong = (1 - known) * (real - fake)
    numbers = (1 - known).sum((1, 2, 3)) * real.shape[1]
    return (wrong.square().sum((1, 2, 3))[numbers > 0] / numbers[numbers > 0]).mean()


# %% task="inside" wrong="sum over the pictures" hint="not their mean"
def hole_error(real, fake, known):
    wrong = (1 - known) * (real - fake)
    return (wrong.square().sum((1, 2, 3)) / ((1 - known).sum((1, 2, 3)) * real.shape[1]).clamp(min=1)).sum()


# %% task="inside" wrong="absolute" hint="are to be squared"
def hole_error(real, fake, known):
    wrong = (1 - known) * (real - fake)
    return (wrong.abs().sum((1, 2, 3)) / ((1 - known).sum((1, 2, 3)) * real.shape[1]).clamp(min=1)).mean()


# %% task="inside" wrong="a float" hint="no float"
def hole_error(real, fake, known):
    wrong = (1 - known) * (real - fake)
    return (wrong.square().sum((1, 2, 3)) / ((1 - known).sum((1, 2, 3)) * real.shape[1]).clamp(min=1)).mean().item()


# %% task="inside" wrong="three channels assumed" hint="hidden"
def hole_error(real, fake, known):
    wrong = (1 - known) * (real - fake)
    return (wrong.square().sum((1, 2, 3)) / (3 * (1 - known).sum((1, 2, 3))).clamp(min=1)).mean()


# %% task="inside" right="picture by picture"
def hole_error(real, fake, known):
    errors = []
    for one, other, mask in zip(real, fake, known, strict=True):
        hole = (mask == 0).expand_as(one)
        errors.append((one - other)[hole].square().mean() if hole.any() else (0 * other).sum())
    return torch.stack(errors).mean()


# %% task="inside" right="weights that sum to one"
def hole_error(real, fake, known):
    weights = (1 - known).expand_as(real)
    weights = weights / weights.sum((1, 2, 3), keepdim=True).clamp(min=1)
    return (weights * (real - fake) ** 2).sum() / len(real)


# %% task="guided" wrong="weights not divided by" hint="Divide by the sum of the weights"
def guided_sweep(images, known, guide, width=0.05):
    h, w = images.shape[-2:]
    u, g = (F.pad(one, [1] * 4, mode="replicate") for one in (images, guide))
    total = 0
    for a, b in ((0, 1), (2, 1), (1, 0), (1, 2)):
        there = (..., slice(a, a + h), slice(b, b + w))
        total = total + (1e-4 + torch.exp(-((guide - g[there]) ** 2) / (2 * width**2))) * u[there]
    return torch.where(known > 0, images, total)


# %% task="guided" wrong="the pixel itself counts" hint="the pixel itself has none"
def guided_sweep(images, known, guide, width=0.05):
    h, w = images.shape[-2:]
    u, g = (F.pad(one, [1] * 4, mode="replicate") for one in (images, guide))
    total, weights = 0, 0
    for a, b in ((0, 1), (2, 1), (1, 0), (1, 2), (1, 1)):
        there = (..., slice(a, a + h), slice(b, b + w))
        weight = 1e-4 + torch.exp(-((guide - g[there]) ** 2) / (2 * width**2))
        total, weights = total + weight * u[there], weights + weight
    return torch.where(known > 0, images, total / weights)


# %% task="guided" wrong="difference not squared" hint="is squared in the exponent"
def guided_sweep(images, known, guide, width=0.05):
    h, w = images.shape[-2:]
    u, g = (F.pad(one, [1] * 4, mode="replicate") for one in (images, guide))
    total, weights = 0, 0
    for a, b in ((0, 1), (2, 1), (1, 0), (1, 2)):
        there = (..., slice(a, a + h), slice(b, b + w))
        weight = 1e-4 + torch.exp(-(guide - g[there]).abs() / (2 * width))
        total, weights = total + weight * u[there], weights + weight
    return torch.where(known > 0, images, total / weights)


# %% task="guided" wrong="2 missing" hint="The 2 in the exponent"
def guided_sweep(images, known, guide, width=0.05):
    h, w = images.shape[-2:]
    u, g = (F.pad(one, [1] * 4, mode="replicate") for one in (images, guide))
    total, weights = 0, 0
    for a, b in ((0, 1), (2, 1), (1, 0), (1, 2)):
        there = (..., slice(a, a + h), slice(b, b + w))
        weight = 1e-4 + torch.exp(-((guide - g[there]) ** 2) / width**2)
        total, weights = total + weight * u[there], weights + weight
    return torch.where(known > 0, images, total / weights)


# %% task="guided" wrong="the exponent positive" hint="mind the sign"
def guided_sweep(images, known, guide, width=0.05):
    h, w = images.shape[-2:]
    u, g = (F.pad(one, [1] * 4, mode="replicate") for one in (images, guide))
    total, weights = 0, 0
    for a, b in ((0, 1), (2, 1), (1, 0), (1, 2)):
        there = (..., slice(a, a + h), slice(b, b + w))
        weight = 1e-4 + torch.exp((guide - g[there]) ** 2 / (2 * width**2))
        total, weights = total + weight * u[there], weights + weight
    return torch.where(known > 0, images, total / weights)


# %% task="guided" wrong="an even mean" hint="compare the guide"
def guided_sweep(images, known, guide, width=0.05):
    return sweep(images, known)


# %% task="guided" wrong="zeros beyond the border" hint="the nearest pixel is repeated"
def guided_sweep(images, known, guide, width=0.05):
    h, w = images.shape[-2:]
    u, g = (F.pad(one, [1] * 4) for one in (images, guide))
    total, weights = 0, 0
    for a, b in ((0, 1), (2, 1), (1, 0), (1, 2)):
        there = (..., slice(a, a + h), slice(b, b + w))
        weight = 1e-4 + torch.exp(-((guide - g[there]) ** 2) / (2 * width**2))
        total, weights = total + weight * u[there], weights + weight
    return torch.where(known > 0, images, total / weights)


# %% task="guided" wrong="known pixels flow too" hint="Known pixels stay"
def guided_sweep(images, known, guide, width=0.05):
    h, w = images.shape[-2:]
    u, g = (F.pad(one, [1] * 4, mode="replicate") for one in (images, guide))
    total, weights = 0, 0
    for a, b in ((0, 1), (2, 1), (1, 0), (1, 2)):
        there = (..., slice(a, a + h), slice(b, b + w))
        weight = 1e-4 + torch.exp(-((guide - g[there]) ** 2) / (2 * width**2))
        total, weights = total + weight * u[there], weights + weight
    return total / weights


# %% task="guided" wrong="no 0.0001" hint="must keep the division whole"
def guided_sweep(images, known, guide, width=0.05):
    h, w = images.shape[-2:]
    u, g = (F.pad(one, [1] * 4, mode="replicate") for one in (images, guide))
    total, weights = 0, 0
    for a, b in ((0, 1), (2, 1), (1, 0), (1, 2)):
        there = (..., slice(a, a + h), slice(b, b + w))
        weight = torch.exp(-((guide - g[there]) ** 2) / (2 * width**2))
        total, weights = total + weight * u[there], weights + weight
    return torch.where(known > 0, images, total / weights.clamp(min=1e-12))


# %% task="guided" wrong="writes into the picture" hint="Do not write"
def guided_sweep(images, known, guide, width=0.05):
    h, w = images.shape[-2:]
    u, g = (F.pad(one, [1] * 4, mode="replicate") for one in (images, guide))
    total, weights = 0, 0
    for a, b in ((0, 1), (2, 1), (1, 0), (1, 2)):
        there = (..., slice(a, a + h), slice(b, b + w))
        weight = 1e-4 + torch.exp(-((guide - g[there]) ** 2) / (2 * width**2))
        total, weights = total + weight * u[there], weights + weight
    images += (1 - known) * (total / weights - images)
    return images


# %% task="guided" wrong="the width is always 0.05" hint="hidden"
def guided_sweep(images, known, guide, width=0.05):
    h, w = images.shape[-2:]
    u, g = (F.pad(one, [1] * 4, mode="replicate") for one in (images, guide))
    total, weights = 0, 0
    for a, b in ((0, 1), (2, 1), (1, 0), (1, 2)):
        there = (..., slice(a, a + h), slice(b, b + w))
        weight = 1e-4 + torch.exp(-((guide - g[there]) ** 2) / (2 * 0.05**2))
        total, weights = total + weight * u[there], weights + weight
    return torch.where(known > 0, images, total / weights)


# %% task="guided" right="by unfold"
def guided_sweep(images, known, guide, width=0.05):
    def neighbours(one):
        patches = F.unfold(F.pad(one, [1] * 4, mode="replicate"), 3)
        return patches.view(len(one), one.shape[1], 9, *one.shape[-2:])[:, :, [1, 3, 5, 7]]

    weights = 1e-4 + torch.exp(-((neighbours(guide) - guide[:, :, None]) ** 2) / (2 * width**2))
    mean = (weights * neighbours(images)).sum(2) / weights.sum(2)
    return known * images + (1 - known) * mean


# %% task="guided" right="four shifted copies, weights as shares"
def guided_sweep(images, known, guide, width=0.05):
    def around(one):
        up = torch.cat([one[..., :1, :], one[..., :-1, :]], -2)
        down = torch.cat([one[..., 1:, :], one[..., -1:, :]], -2)
        left = torch.cat([one[..., :1], one[..., :-1]], -1)
        right = torch.cat([one[..., 1:], one[..., -1:]], -1)
        return torch.stack([up, down, left, right])

    weights = (-((around(guide) - guide) ** 2) / 2 / width**2).exp() + 1e-4
    return torch.where(known == 1, images, (around(images) * weights / weights.sum(0)).sum(0))


# %% task="wallpaper" wrong="a copy with the hole beside it" hint="Is the copy whole all around the hole"
def restore(image, known):
    hole = 1 - known
    ring = F.max_pool2d(hole[None], 9, 1, 4)[0] - hole
    best, chosen = float("inf"), image
    for down in range(-40, 41):
        for right in range(-40, 41):
            there = known.roll((down, right), (1, 2))
            if float((hole * (1 - there)).sum()):
                continue
            seen = (ring * there)[0] > 0
            gap = (image - image.roll((down, right), (1, 2)))[:, seen]
            misfit = float((gap - gap.mean(1, keepdim=True)).square().mean())
            if misfit < best:
                best, chosen = misfit, image.roll((down, right), (1, 2))
    return paste(image, blend(image[None], chosen[None], known[None])[0], known)


# %% task="wallpaper" wrong="diffusion" hint="what the heat equation gives"
def restore(image, known):
    return diffuse(image[None], known[None], 100)[0].clamp(-1, 1)


# %% task="wallpaper" wrong="left empty" hint="still empty"
def restore(image, known):
    return image


# %% task="wallpaper" wrong="a copy in the wrong light" hint="fit the copy to the rim"
def restore(image, known):
    hole = 1 - known
    ring = F.max_pool2d(hole[None], 11, 1, 5)[0] - hole
    best, chosen = 9.0, image
    for a in range(-44, 45):
        for b in range(-44, 45):
            if bool((known.roll((a, b), (1, 2)) < hole + ring).any()):
                continue
            moved = image.roll((a, b), (1, 2))
            misfit = float((image - moved)[:, ring[0] > 0].square().mean())
            if misfit < best:
                best, chosen = misfit, moved
    return paste(image, chosen, known)


# %% task="wallpaper" wrong="the best shift is none" hint="still empty"
def restore(image, known):
    hole = 1 - known
    ring = F.max_pool2d(hole[None], 11, 1, 5)[0] - hole
    moves = [(a, b) for a in range(-20, 21) for b in range(-20, 21)]
    best = min(moves, key=lambda m: float((image - image.roll(m, (1, 2)))[:, ring[0] > 0].square().mean()))
    return paste(image, image.roll(best, (1, 2)), known)


# %% task="wallpaper" wrong="changes what is known" hint="Only the hole may change"
def restore(image, known):
    return image.roll((0, 40), (1, 2))


# %% task="wallpaper" wrong="a batch of one" hint="without a batch"
def restore(image, known):
    return diffuse(image[None], known[None])


# %% task="wallpaper" wrong="knows the two wallpapers" hint="hidden"
def restore(image, known):
    if torch.equal(image, torn):
        return whole
    return diffuse(image[None], known[None])[0]


# %% task="wallpaper" right="only along the rows and columns, then both"
def restore(image, known):
    hole = 1 - known
    ring = (F.max_pool2d(hole[None], 7, 1, 3)[0] - hole)[0] > 0
    moves = [(a, b) for b in range(44, 23, -1) for a in range(-20, 21)]

    def misfit(move):
        if bool((known.roll(move, (1, 2)) < hole).any()):
            return 99.0
        seen = ring & (known.roll(move, (1, 2))[0] > 0)
        gap = (image.roll((move[0], -move[1]), (1, 2)) - image)[:, seen]
        return float(gap.var(1).sum())

    down, right = min(moves, key=misfit)
    moved = image.roll((down, -right), (1, 2))[None]
    return paste(image[None], blend(image[None], moved, known[None]), known[None])[0]


# %% task="wallpaper" right="the light found as a plane, the rest by the membrane"
def restore(image, known):
    hole = 1 - known
    ring = F.max_pool2d(hole[None], 9, 1, 4)[0] - hole
    here = ring[0] > 0
    down, right = torch.meshgrid(torch.linspace(-1, 1, 96), torch.linspace(-1, 1, 96), indexing="ij")
    plane = torch.stack([down, right, torch.ones_like(down)], -1)
    q = torch.linalg.qr(plane[here])[0]
    best, chosen = 99.0, image
    for a in range(-44, 45):
        for b in range(-44, 45):
            if bool((known.roll((a, b), (1, 2)) < hole + ring).any()):
                continue
            moved = image.roll((a, b), (1, 2))
            gap = (image - moved)[:, here]
            misfit = float((gap - gap @ q @ q.T).square().sum())
            if misfit < best:
                fit = torch.linalg.lstsq(plane[here], gap.T).solution
                best, chosen = misfit, moved + (plane @ fit).permute(2, 0, 1)
    return paste(image, chosen, known).clamp(-1, 1)
