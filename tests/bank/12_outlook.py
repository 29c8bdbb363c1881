# %% task="levers" wrong="four times" hint="not the whole step"
prediction = [4.0, 7.27]


# %% task="levers" wrong="the penalty for nothing" hint="still costs a quarter"
prediction = [2.5, 4.0]


# %% task="levers" wrong="messages for nothing" hint="cost 5 ms at each step"
prediction = [1.82, 3.64]


# %% task="levers" wrong="messages halved" hint="are not halved"
prediction = [1.82, 3.33]


# %% task="levers" wrong="the share of the time" hint="Times as fast is its inverse"
prediction = [0.55, 0.325]


# %% task="gap" wrong="only the denominator mended" hint="A sigmoid squeezes"
def gap_of_d(discriminator, training, new, fake):
    modes = [(part, part.training) for part in discriminator.modules()]
    discriminator.eval()
    with torch.no_grad():
        known, unknown, low = (discriminator(images).sigmoid().mean() for images in (training, new, fake))
    for part, mode in modes:
        part.training = mode
    return float((known - unknown) / (known - low))


# %% task="gap" wrong="the denominator not mended" hint="see the denominator"
def gap_of_d(discriminator, training, new, fake):
    modes = [(part, part.training) for part in discriminator.modules()]
    discriminator.eval()
    with torch.no_grad():
        known, unknown, low = (discriminator(images).mean() for images in (training, new, fake))
    for part, mode in modes:
        part.training = mode
    return float((known - unknown) / (unknown - low))


# %% task="gap" wrong="asked in training mode" hint="ask D in eval mode"
def gap_of_d(discriminator, training, new, fake):
    with torch.no_grad():
        known, unknown, low = (discriminator(images).mean() for images in (training, new, fake))
    return float((known - unknown) / (known - low))


# %% task="gap" wrong="statistics put back, but used" hint="ask D in eval mode"
def gap_of_d(discriminator, training, new, fake):
    state = {name: value.clone() for name, value in discriminator.state_dict().items()}
    with torch.no_grad():
        known, unknown, low = (discriminator(images).mean() for images in (training, new, fake))
    discriminator.load_state_dict(state)
    return float((known - unknown) / (known - low))


# %% task="gap" wrong="left in eval mode" hint="Set each part back to its own mode"
def gap_of_d(discriminator, training, new, fake):
    discriminator.eval()
    with torch.no_grad():
        known, unknown, low = (discriminator(images).mean() for images in (training, new, fake))
    return float((known - unknown) / (known - low))


# %% task="gap" wrong="always back to training" hint="some are frozen"
def gap_of_d(discriminator, training, new, fake):
    discriminator.eval()
    with torch.no_grad():
        known, unknown, low = (discriminator(images).mean() for images in (training, new, fake))
    discriminator.train()
    return float((known - unknown) / (known - low))


# %% task="gap" wrong="the mode of the whole" hint="some are frozen"
def gap_of_d(discriminator, training, new, fake):
    mode = discriminator.training
    discriminator.eval()
    with torch.no_grad():
        known, unknown, low = (discriminator(images).mean() for images in (training, new, fake))
    discriminator.train(mode)
    return float((known - unknown) / (known - low))


# %% task="gap" wrong="the sign" hint="seen from the fakes"
def gap_of_d(discriminator, training, new, fake):
    modes = [(part, part.training) for part in discriminator.modules()]
    discriminator.eval()
    with torch.no_grad():
        known, unknown, low = (discriminator(images).mean() for images in (training, new, fake))
    for part, mode in modes:
        part.training = mode
    return float((unknown - known) / (known - low))


# %% task="gap" wrong="clamped" hint="Nothing is to be clamped"
def gap_of_d(discriminator, training, new, fake):
    modes = [(part, part.training) for part in discriminator.modules()]
    discriminator.eval()
    with torch.no_grad():
        known, unknown, low = (discriminator(images).mean() for images in (training, new, fake))
    for part, mode in modes:
        part.training = mode
    return float(((known - unknown) / (known - low)).clamp(0, 1))


# %% task="gap" wrong="a tensor" hint="Give back a float"
def gap_of_d(discriminator, training, new, fake):
    modes = [(part, part.training) for part in discriminator.modules()]
    discriminator.eval()
    with torch.no_grad():
        known, unknown, low = (discriminator(images).mean() for images in (training, new, fake))
    for part, mode in modes:
        part.training = mode
    return (known - unknown) / (known - low)


# %% task="gap" wrong="only the first picture of each batch" hint="hidden"
def gap_of_d(discriminator, training, new, fake):
    modes = [(part, part.training) for part in discriminator.modules()]
    discriminator.eval()
    with torch.no_grad():
        known, unknown, low = (discriminator(images)[0] for images in (training, new, fake))
    for part, mode in modes:
        part.training = mode
    return float((known - unknown) / (known - low))


# %% task="gap" right="a copy is measured"
def gap_of_d(discriminator, training, new, fake):
    from copy import deepcopy

    with torch.inference_mode():
        asked = deepcopy(discriminator).eval()
        known, unknown, low = (asked(images).mean().item() for images in (training, new, fake))
    return (known - unknown) / (known - low)


# %% task="gap" right="modes by name, one batch"
def gap_of_d(discriminator, training, new, fake):
    modes = {name: part.training for name, part in discriminator.named_modules()}
    try:
        logits = discriminator.eval()(torch.cat([training, new, fake])).detach()
    finally:
        for name, part in discriminator.named_modules():
            part.training = modes[name]
    known, unknown, low = (part.mean() for part in logits.split([len(training), len(new), len(fake)]))
    return 1 - float((unknown - low) / (known - low))


# %% task="silence" wrong="the sign" hint="mind the sign"
def silenced(maps, second_half, measure):
    maps = maps.detach().clone().requires_grad_()
    (slope,) = torch.autograd.grad(measure(second_half(maps)).sum(), maps)
    return (maps * slope).sum((2, 3)).detach()


# %% task="silence" wrong="the slope alone" hint="multiplied by the map"
def silenced(maps, second_half, measure):
    maps = maps.detach().clone().requires_grad_()
    (slope,) = torch.autograd.grad(measure(second_half(maps)).sum(), maps)
    return -slope.sum((2, 3)).detach()


# %% task="silence" wrong="mean over places" hint="do not take the mean"
def silenced(maps, second_half, measure):
    maps = maps.detach().clone().requires_grad_()
    (slope,) = torch.autograd.grad(measure(second_half(maps)).sum(), maps)
    return -(maps * slope).mean((2, 3)).detach()


# %% task="silence" wrong="mean over the pictures" hint="not their mean"
def silenced(maps, second_half, measure):
    maps = maps.detach().clone().requires_grad_()
    (slope,) = torch.autograd.grad(measure(second_half(maps)).mean(), maps)
    return -(maps * slope).sum((2, 3)).detach()


# %% task="silence" wrong="absolute" hint="no absolute values"
def silenced(maps, second_half, measure):
    maps = maps.detach().clone().requires_grad_()
    (slope,) = torch.autograd.grad(measure(second_half(maps)).sum(), maps)
    return (maps * slope).sum((2, 3)).abs().detach()


# %% task="silence" wrong="backward" hint="fills the .grad"
def silenced(maps, second_half, measure):
    maps = maps.detach().clone().requires_grad_()
    measure(second_half(maps)).sum().backward()
    return -(maps * maps.grad).sum((2, 3)).detach()


# %% task="silence" wrong="the given maps themselves" hint="Work on a copy"
def silenced(maps, second_half, measure):
    maps.requires_grad_()
    (slope,) = torch.autograd.grad(measure(second_half(maps)).sum(), maps)
    return -(maps * slope).sum((2, 3)).detach()


# %% task="silence" wrong="summed over the pictures" hint="One number for each picture"
def silenced(maps, second_half, measure):
    maps = maps.detach().clone().requires_grad_()
    (slope,) = torch.autograd.grad(measure(second_half(maps)).sum(), maps)
    return -(maps * slope).sum((0, 2, 3)).detach()


# %% task="silence" wrong="each channel silenced by itself" hint="That is the true change, found by silencing."
def silenced(maps, second_half, measure):
    with torch.no_grad():
        plain = measure(second_half(maps))
        alone = [maps * (torch.arange(maps.shape[1]) != c)[:, None, None] for c in range(maps.shape[1])]
        return torch.stack([measure(second_half(one)) - plain for one in alone], 1)


# %% task="silence" right="the slope of a factor before each channel"
def silenced(maps, second_half, measure):
    factor = torch.ones(*maps.shape[:2], 1, 1, requires_grad=True)
    (slope,) = torch.autograd.grad(measure(second_half(maps.detach() * factor)).sum(), factor)
    return -slope[:, :, 0, 0]


# %% task="silence" right="picture by picture"
def silenced(maps, second_half, measure):
    rows = []
    for one in maps.detach().split(1):
        inside = one.clone().requires_grad_()
        slope = torch.autograd.grad(measure(second_half(inside))[0], inside)[0]
        rows.append(-torch.einsum("nchw,nchw->nc", one, slope))
    return torch.cat(rows)


# %% task="cover" wrong="by chance" hint="a cover by chance"
def cover(features, number):
    return torch.randperm(len(features), generator=torch.Generator().manual_seed(5))[:number]


# %% task="cover" wrong="farthest first, from one head" hint="hangs on the first head"
def cover(features, number):
    distances = torch.cdist(features, features)
    taken, near = [7], distances[7]
    while len(taken) < number:
        taken.append(int(near.argmax()))
        near = torch.minimum(near, distances[taken[-1]])
    return torch.tensor(taken)


# %% task="cover" wrong="the strangest heads" hint="a cover by chance, or worse"
def cover(features, number):
    return torch.cdist(features, features).mean(1).topk(number).indices


# %% task="cover" wrong="the same head again" hint="stands on the cover twice"
def cover(features, number):
    return torch.cdist(features, features).amax(1)[:number].argsort().clamp(max=number - 3)


# %% task="cover" wrong="features, not numbers" hint="Give back 16 indices"
def cover(features, number):
    return features[:number]


# %% task="cover" wrong="one head too many" hint="Give back 16 indices"
def cover(features, number):
    distances = torch.cdist(features, features)
    taken, near = [0], distances[0]
    while len(taken) <= number:
        taken.append(int(near.argmax()))
        near = torch.minimum(near, distances[taken[-1]])
    return torch.tensor(taken)


# %% task="cover" wrong="the features brought to length 1 in place" hint="have changed"
def cover(features, number):
    features /= features.norm(dim=1, keepdim=True)
    return torch.arange(number)


# %% task="cover" wrong="good for 400 only" hint="hidden"
def cover(features, number):
    if len(features) != 400:
        return torch.arange(number)
    distances = torch.cdist(features, features)
    best, chosen = 1e9, None
    for first in range(len(features)):
        taken, near = [first], distances[first]
        while len(taken) < number:
            taken.append(int(near.argmax()))
            near = torch.minimum(near, distances[taken[-1]])
        if float(near.max()) < best:
            best, chosen = float(near.max()), taken
    return torch.tensor(chosen)


# %% task="cover" right="all first heads at once"
def cover(features, number):
    distances = torch.cdist(features, features)
    taken, near = torch.arange(len(features))[:, None], distances.clone()
    for _ in range(number - 1):
        further = near.argmax(1)
        taken, near = torch.cat([taken, further[:, None]], 1), torch.minimum(near, distances[further])
    return taken[near.amax(1).argmin()]


# %% task="cover" right="farthest first, then swaps, as a list"
def cover(features, number):
    distances = torch.cdist(features, features)
    ways = []
    for first in range(0, len(features), 4):
        taken = [first]
        while len(taken) < number:
            taken.append(int(distances[taken].amin(0).argmax()))
        ways.append((float(distances[taken].amin(0).max()), taken))
    score, taken = min(ways)
    for _ in range(3):
        for place in range(number):
            others = distances[taken[:place] + taken[place + 1 :]].amin(0)
            reached = torch.minimum(others[None], distances).amax(1)
            if float(reached.min()) < score:
                score, taken[place] = float(reached.min()), int(reached.argmin())
    return taken
