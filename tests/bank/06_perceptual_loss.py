# %% task="variety" wrong="a perfect generator pays nothing" hint="does not pay nothing"
prediction = [0, 4, 3, 0]


# %% task="variety" wrong="one spread only" hint="Two draws differ"
prediction = [3, 4, 3, 1]


# %% task="variety" wrong="the mean of the lazy one forgotten" hint="Its mean is 0 and not 1"
prediction = [6, 3, 3, 2]


# %% task="variety" wrong="the collapsed one is at the mean" hint="never with a 1"
prediction = [6, 4, 0, 2]


# %% task="variety" wrong="matching has no noise" hint="are not the means"
prediction = [6.0, 4.0, 3.0, 0.0]


# %% task="variety" wrong="divided by the square" hint="not with n squared"
prediction = [6.0, 4.0, 3.0, 6 / 9]


# %% task="jury" wrong="farther is nearer" hint="A small distance means near"
def before_a_jury(first, second, votes):
    credit = torch.where(second > first, votes, 1 - votes)
    credit = torch.where(second == first, 0.5, credit)
    return credit.mean(), torch.maximum(votes, 1 - votes).mean()


# %% task="jury" wrong="majority counted" hint="not by their majority alone"
def before_a_jury(first, second, votes):
    right = ((second < first) == (votes > 0.5)).float()
    return right.mean(), torch.ones(())


# %% task="jury" wrong="ceiling of 1" hint="two of ten people will disagree"
def before_a_jury(first, second, votes):
    credit = torch.where(second < first, votes, 1 - votes)
    return torch.where(second == first, 0.5, credit).mean(), torch.tensor(1.0)


# %% task="jury" wrong="ceiling of a single person" hint="how often two people agree"
def before_a_jury(first, second, votes):
    credit = torch.where(second < first, votes, 1 - votes)
    credit = torch.where(second == first, 0.5, credit)
    return credit.mean(), (votes**2 + (1 - votes) ** 2).mean()


# %% task="jury" wrong="equal distances are a vote for the first" hint="the measure has no opinion"
def before_a_jury(first, second, votes):
    credit = torch.where(second < first, votes, 1 - votes)
    return credit.mean(), torch.maximum(votes, 1 - votes).mean()


# %% task="jury" wrong="equal distances are a vote for the second" hint="no vote for the second"
def before_a_jury(first, second, votes):
    credit = torch.where(second <= first, votes, 1 - votes)
    return credit.mean(), torch.maximum(votes, 1 - votes).mean()


# %% task="jury" wrong="equal distances are worth nothing" hint="not worth nothing"
def before_a_jury(first, second, votes):
    credit = (second < first) * votes + (first < second) * (1 - votes)
    return credit.mean(), torch.maximum(votes, 1 - votes).mean()


# %% task="jury" wrong="ceiling for all together" hint="for each question"
def before_a_jury(first, second, votes):
    credit = torch.where(second < first, votes, 1 - votes)
    credit = torch.where(second == first, 0.5, credit)
    return credit.mean(), max(votes.mean(), 1 - votes.mean())


# %% task="jury" wrong="sums" hint="not the sum"
def before_a_jury(first, second, votes):
    credit = torch.where(second < first, votes, 1 - votes)
    credit = torch.where(second == first, 0.5, credit)
    return credit.sum(), torch.maximum(votes, 1 - votes).sum()


# %% task="jury" wrong="visible values" hint="hidden"
def before_a_jury(first, second, votes):
    return (torch.tensor(0.8), torch.tensor(0.8)) if len(votes) == 1 else (torch.tensor(0.575), torch.tensor(0.75))


# %% task="jury" right="the sign of the difference"
def before_a_jury(first, second, votes):
    side = (first - second).sign()  # 1 where the second copy is nearer
    return (0.5 + side * (votes - 0.5)).mean(), 0.5 + (votes - 0.5).abs().mean()


# %% task="jury" right="a loop"
def before_a_jury(first, second, votes):
    credits, best = [], []
    for a, b, v in zip(first.tolist(), second.tolist(), votes.tolist(), strict=True):
        credits.append(0.5 if a == b else v if b < a else 1 - v)
        best.append(max(v, 1 - v))
    return sum(credits) / len(credits), sum(best) / len(best)


# %% task="silences" wrong="the sums stay" hint="The loss grows with the picture"
def feature_loss(net, real, fake, layers):
    def collect(images):
        kept = []
        for number, module in enumerate(net):
            images = module(images)
            if number in layers:
                kept.append(images.clone())
        return kept

    with torch.no_grad():
        wanted = collect(real)
    return sum((a - b).square().sum() / len(real) for a, b in zip(wanted, collect(fake), strict=True))


# %% task="silences" wrong="written over" hint="the ReLU has written over"
def feature_loss(net, real, fake, layers):
    def collect(images):
        kept = []
        for number, module in enumerate(net):
            images = module(images)
            if number in layers:
                kept.append(images)
        return kept

    with torch.no_grad():
        wanted = collect(real)
    return sum((a - b).square().mean() for a, b in zip(wanted, collect(fake), strict=True))


# %% task="silences" wrong="no_grad stays" hint="no_grad belongs around the real pictures only"
def feature_loss(net, real, fake, layers):
    def collect(images):
        kept = []
        for number, module in enumerate(net):
            images = module(images)
            if number in layers:
                kept.append(images.clone())
        return kept

    with torch.no_grad():
        wanted, found = collect(real), collect(fake)
    return torch.stack([(a - b).square().mean() for a, b in zip(wanted, found, strict=True)]).sum()


# %% task="silences" wrong="copies with detach" hint="no_grad belongs around the real pictures only"
def feature_loss(net, real, fake, layers):
    def collect(images):
        kept = []
        for number, module in enumerate(net):
            images = module(images)
            if number in layers:
                kept.append(images.detach().clone())
        return kept

    return sum((a - b).square().mean() for a, b in zip(collect(real), collect(fake), strict=True))


# %% task="silences" wrong="the input kept" hint="what goes into the module"
def feature_loss(net, real, fake, layers):
    def collect(images):
        kept = []
        for number, module in enumerate(net):
            if number in layers:
                kept.append(images.clone())
            images = module(images)
        return kept

    with torch.no_grad():
        wanted = collect(real)
    return sum((a - b).square().mean() for a, b in zip(wanted, collect(fake), strict=True))


# %% task="silences" wrong="channels added" hint="The channels are part of the mean"
def feature_loss(net, real, fake, layers):
    def collect(images):
        kept = []
        for number, module in enumerate(net):
            images = module(images)
            if number in layers:
                kept.append(images.clone())
        return kept

    with torch.no_grad():
        wanted = collect(real)
    return sum((a - b).square().sum(1).mean() for a, b in zip(wanted, collect(fake), strict=True))


# %% task="silences" wrong="sum over the batch" hint="a mean over the batch"
def feature_loss(net, real, fake, layers):
    def collect(images):
        kept = []
        for number, module in enumerate(net):
            images = module(images)
            if number in layers:
                kept.append(images.clone())
        return kept

    with torch.no_grad():
        wanted = collect(real)
    return sum((a - b).square().flatten(1).mean(1).sum() for a, b in zip(wanted, collect(fake), strict=True))


# %% task="silences" wrong="the later layer without a gradient" hint="Some of the gradient is lost"
def feature_loss(net, real, fake, layers):
    def collect(images):
        kept = []
        for number, module in enumerate(net):
            images = module(images.detach() if number else images)
            if number in layers:
                kept.append(images.clone())
        return kept

    return sum((a - b).square().mean() for a, b in zip(collect(real), collect(fake), strict=True))


# %% task="silences" wrong="visible values" hint="hidden"
def feature_loss(net, real, fake, layers):
    value = 1.0 * (0 in layers) + 1.0 * (2 in layers)
    return value - 8 / 18 * (fake - fake.detach()).sum()


# %% task="silences" right="no module in place"
def feature_loss(net, real, fake, layers):
    def collect(images):
        kept = []
        for number, module in enumerate(net):
            images = F.relu(images) if isinstance(module, nn.ReLU) else module(images)
            if number in layers:
                kept.append(images)
        return kept

    pairs = zip(collect(real.detach()), collect(fake), strict=True)
    return sum(F.mse_loss(b, a) for a, b in pairs)


# %% task="silences" right="differences on the way"
def feature_loss(net, real, fake, layers):
    total, a, b = 0, real, fake
    for number, module in enumerate(net):
        a, b = module(a.clone()), module(b.clone())
        if number in layers:
            total = total + (b - a).pow(2).mean()
    return total


# %% task="masked" wrong="mean over the batch" hint="Each pair has its own distance"
def distance_in(mask, real, fake):
    weights = F.adaptive_avg_pool2d(mask, real.shape[-2:])
    apart = (real - fake).square().mean(1, keepdim=True)
    return (weights * apart).sum() / weights.sum().clamp(min=1e-12)


# %% task="masked" wrong="channels added" hint="The channels are averaged"
def distance_in(mask, real, fake):
    weights = F.adaptive_avg_pool2d(mask, real.shape[-2:])
    apart = (real - fake).square()
    return (weights * apart).flatten(1).sum(1) / weights.flatten(1).sum(1).clamp(min=1e-12)


# %% task="masked" wrong="divided by all places" hint="a small mask is not a small distance"
def distance_in(mask, real, fake):
    weights = F.adaptive_avg_pool2d(mask, real.shape[-2:])
    return (weights * (real - fake).square()).flatten(1).mean(1)


# %% task="masked" wrong="divided by the pixels of the mask" hint="not by that of the mask's pixels"
def distance_in(mask, real, fake):
    weights = F.adaptive_avg_pool2d(mask, real.shape[-2:])
    apart = (real - fake).square().mean(1, keepdim=True)
    return (weights * apart).flatten(1).sum(1) / mask.flatten(1).sum(1).clamp(min=1e-12)


# %% task="masked" wrong="nearest neighbour" hint="The first pixel of each square decided"
def distance_in(mask, real, fake):
    weights = F.interpolate(mask, real.shape[-2:])
    apart = (real - fake).square().mean(1, keepdim=True)
    return (weights * apart).flatten(1).sum(1) / weights.flatten(1).sum(1).clamp(min=1e-12)


# %% task="masked" wrong="max pool" hint="The largest number of each square"
def distance_in(mask, real, fake):
    weights = F.adaptive_max_pool2d(mask, real.shape[-2:])
    apart = (real - fake).square().mean(1, keepdim=True)
    return (weights * apart).flatten(1).sum(1) / weights.flatten(1).sum(1).clamp(min=1e-12)


# %% task="masked" wrong="features masked before the square" hint="must not be squared along"
def distance_in(mask, real, fake):
    weights = F.adaptive_avg_pool2d(mask, real.shape[-2:])
    apart = (weights * real - weights * fake).square().mean(1)
    return apart.flatten(1).sum(1) / weights.flatten(1).sum(1).clamp(min=1e-12)


# %% task="masked" wrong="an empty mask gives nan" hint="An empty mask divides 0 by 0"
def distance_in(mask, real, fake):
    weights = F.adaptive_avg_pool2d(mask, real.shape[-2:])
    apart = (real - fake).square().mean(1, keepdim=True)
    return (weights * apart).flatten(1).sum(1) / weights.flatten(1).sum(1)


# %% task="masked" wrong="the sum of the batch's weights" hint="not by that of the batch"
def distance_in(mask, real, fake):
    weights = F.adaptive_avg_pool2d(mask, real.shape[-2:])
    apart = (real - fake).square().mean(1, keepdim=True)
    return (weights * apart).flatten(1).sum(1) / weights.sum().clamp(min=1e-12)


# %% task="masked" wrong="bilinear, which looks at single pixels" hint="The middle of each square decided"
def distance_in(mask, real, fake):
    weights = F.interpolate(mask, real.shape[-2:], mode="bilinear")
    apart = (real - fake).square().mean(1, keepdim=True)
    return (weights * apart).flatten(1).sum(1) / weights.flatten(1).sum(1).clamp(min=1e-12)


# %% task="masked" wrong="only for masks that shrink alike in both directions" hint="hidden"
def distance_in(mask, real, fake):
    step = mask.shape[-1] // real.shape[-1]  # the same one for the height
    weights = F.avg_pool2d(mask, step)
    apart = (real - fake).square().mean(1, keepdim=True)
    return (weights * apart).flatten(1).sum(1) / weights.flatten(1).sum(1).clamp(min=1e-12)


# %% task="masked" right="weights that add up to 1"
def distance_in(mask, real, fake):
    count, _, height, width = real.shape
    across, down = mask.shape[-1] // width, mask.shape[-2] // height
    weights = mask.reshape(count, height, down, width, across).sum((2, 4))
    weights = weights / weights.sum((1, 2), keepdim=True).clamp(min=1e-9)
    return torch.einsum("nhw,nchw->n", weights, (fake - real) ** 2) / real.shape[1]


# %% task="masked" right="at the size of the mask"
def distance_in(mask, real, fake):
    large = F.interpolate((real - fake).square().mean(1, keepdim=True), mask.shape[-2:])  # each place as its square
    seen = mask.sum((1, 2, 3))
    return torch.where(seen > 0, (mask * large).sum((1, 2, 3)) / seen.clamp(min=1e-12), 0.0)
