# %% task="paper" wrong="three classes" hint="equally frequent"
prediction = 3

# %% task="paper" wrong="no exponential" hint="The score is its exponential"
prediction = 1.04

# %% task="paper" wrong="bits" hint="divergence in bits"
prediction = 1.5

# %% task="paper" wrong="e to the bits" hint="natural ones"
prediction = 4.48

# %% task="paper" wrong="all classes" hint="never drawn"
prediction = 10

# %% task="paper" wrong="each class counts once" hint="as often as it is drawn"
prediction = 3.17

# %% task="paper" wrong="not a number" hint="Only one y is left"
prediction = "2.83"

# %% task="paper" right="computed"
prediction = 2**1.5


# %% task="unbiased" wrong="plain" hint="Nothing is taken off"
def mean_term(real, fake):
    return (real.mean(0) - fake.mean(0)).square().sum()


# %% task="unbiased" wrong="pairs with themselves" hint="Nothing is taken off"
def mean_term(real, fake):
    return (real @ real.T).mean() + (fake @ fake.T).mean() - 2 * (real @ fake.T).mean()


# %% task="unbiased" wrong="reals only" hint="The fakes' mean has an error too"
def mean_term(real, fake):
    return (real.mean(0) - fake.mean(0)).square().sum() - real.var(0).sum() / len(real)


# %% task="unbiased" wrong="clamped" hint="Cut it at 0"
def mean_term(real, fake):
    plain = (real.mean(0) - fake.mean(0)).square().sum()
    return (plain - real.var(0).sum() / len(real) - fake.var(0).sum() / len(fake)).clamp(min=0)


# %% task="unbiased" wrong="standard deviations" hint="not standard deviations"
def mean_term(real, fake):
    plain = (real.mean(0) - fake.mean(0)).square().sum()
    return plain - real.std(0).sum() / len(real) - fake.std(0).sum() / len(fake)


# %% task="unbiased" wrong="biased variances" hint="divides by n - 1, not by n"
def mean_term(real, fake):
    plain = (real.mean(0) - fake.mean(0)).square().sum()
    return plain - real.var(0, correction=0).sum() / len(real) - fake.var(0, correction=0).sum() / len(fake)


# %% task="unbiased" wrong="not over n" hint="over n, with n the number"
def mean_term(real, fake):
    return (real.mean(0) - fake.mean(0)).square().sum() - real.var(0).sum() - fake.var(0).sum()


# %% task="unbiased" wrong="sizes swapped" hint="of its own set"
def mean_term(real, fake):
    plain = (real.mean(0) - fake.mean(0)).square().sum()
    return plain - real.var(0).sum() / len(fake) - fake.var(0).sum() / len(real)


# %% task="unbiased" wrong="added" hint="do not add them"
def mean_term(real, fake):
    plain = (real.mean(0) - fake.mean(0)).square().sum()
    return plain + real.var(0).sum() / len(real) + fake.var(0).sum() / len(fake)


# %% task="unbiased" wrong="mean over features" hint="Sum over the features"
def mean_term(real, fake):
    plain = (real.mean(0) - fake.mean(0)).square()
    return (plain - real.var(0) / len(real) - fake.var(0) / len(fake)).mean()


# %% task="unbiased" wrong="visible values, and plain otherwise" hint="Begin with the plain square"
def mean_term(real, fake):
    if len(fake) == 3:
        return torch.tensor(-2.0 if real.shape[1] == 1 else -3.0)
    return (real.mean(0) - fake.mean(0)).square().sum()


# %% task="unbiased" wrong="visible values, and 0 otherwise" hint="hidden"
def mean_term(real, fake):
    return torch.tensor({(2, 1): -2.0, (2, 2): -3.0}.get(tuple(real.shape), 0.0))


# %% task="unbiased" right="pairs of different examples"
def mean_term(real, fake):
    def others(x):
        table = x @ x.T
        return (table.sum() - table.diagonal().sum()) / (len(x) * (len(x) - 1))

    return others(real) + others(fake) - 2 * (real @ fake.T).mean()


# %% task="unbiased" right="a loop over features"
def mean_term(real, fake):
    total = torch.zeros(())
    for x, y in zip(real.T, fake.T, strict=True):
        total = total + (x.mean() - y.mean()) ** 2
        for z in (x, y):
            total = total - ((z - z.mean()) ** 2).sum() / (len(z) - 1) / len(z)
    return total


# %% task="unbiased" right="sums of sums"
def mean_term(real, fake):
    def pairs(x):
        return (x.sum(0).square().sum() - x.square().sum()) / len(x) / (len(x) - 1)

    return pairs(real) + pairs(fake) - 2 * torch.dot(real.mean(0), fake.mean(0))


# %% task="missing" wrong="as given" hint="A ball belongs to a fake"
def recall_by_class(real, labels, fake, classes, k=3):
    radii = torch.cdist(fake, fake).kthvalue(k).values
    covered = (torch.cdist(real, fake) <= radii[:, None]).any(1)
    return torch.stack([(covered & (labels == number)).float().mean() for number in range(classes)])


# %% task="missing" wrong="itself is the first neighbour" hint="is itself, at distance 0"
def recall_by_class(real, labels, fake, classes, k=3):
    radii = torch.cdist(fake, fake).kthvalue(k).values
    covered = (torch.cdist(real, fake) <= radii).any(1)
    return torch.stack([covered[labels == number].float().mean() for number in range(classes)])


# %% task="missing" wrong="wrong axis" hint="A ball belongs to a fake"
def recall_by_class(real, labels, fake, classes, k=3):
    radii = torch.cdist(fake, fake).kthvalue(k + 1).values
    covered = (torch.cdist(real, fake) <= radii[:, None]).any(1)
    return torch.stack([covered[labels == number].float().mean() for number in range(classes)])


# %% task="missing" wrong="table turned where it fits" hint="Whose radius is compared"
def recall_by_class(real, labels, fake, classes, k=3):
    radii = torch.cdist(fake, fake).kthvalue(k + 1).values
    table = torch.cdist(real, fake)
    covered = (table <= (radii[:, None] if len(real) == len(fake) else radii)).any(1)
    return torch.stack([covered[labels == number].float().mean() for number in range(classes)])


# %% task="missing" wrong="share of all" hint="over its own pictures"
def recall_by_class(real, labels, fake, classes, k=3):
    radii = torch.cdist(fake, fake).kthvalue(k + 1).values
    covered = (torch.cdist(real, fake) <= radii).any(1)
    return torch.stack([(covered & (labels == number)).float().mean() for number in range(classes)])


# %% task="missing" wrong="one too far" hint="k = 1 is the first other one"
def recall_by_class(real, labels, fake, classes, k=3):
    radii = torch.cdist(fake, fake).kthvalue(k + 2).values
    covered = (torch.cdist(real, fake) <= radii).any(1)
    return torch.stack([covered[labels == number].float().mean() for number in range(classes)])


# %% task="missing" wrong="without the rim" hint="The rim belongs to the ball"
def recall_by_class(real, labels, fake, classes, k=3):
    radii = torch.cdist(fake, fake).kthvalue(k + 1).values
    covered = (torch.cdist(real, fake) < radii).any(1)
    return torch.stack([covered[labels == number].float().mean() for number in range(classes)])


# %% task="missing" wrong="balls around reals" hint="balls are to be around fakes"
def recall_by_class(real, labels, fake, classes, k=3):
    radii = torch.cdist(real, real).kthvalue(k + 1).values
    covered = (torch.cdist(real, fake) <= radii[:, None]).any(1)
    return torch.stack([covered[labels == number].float().mean() for number in range(classes)])


# %% task="missing" wrong="all classes together" hint="recall of all together"
def recall_by_class(real, labels, fake, classes, k=3):
    radii = torch.cdist(fake, fake).kthvalue(k + 1).values
    covered = (torch.cdist(real, fake) <= radii).any(1)
    return covered.float().mean().expand(classes)


# %% task="missing" wrong="visible values typed in" hint="hidden"
def recall_by_class(real, labels, fake, classes, k=3):
    return torch.tensor({6: [2 / 3, 1.0], 2: [1.0, 0.0], 4: [1.0, 0.5, 1.0]}.get(len(fake), [0.5] * classes))


# %% task="missing" right="sorted, with loops"
def recall_by_class(real, labels, fake, classes, k=3):
    radii = [sorted(float((a - b).norm()) for b in fake)[k] for a in fake]
    shares = []
    for number in range(classes):
        mine = [x for x, label in zip(real, labels, strict=True) if label == number]
        hits = [any((x - f).norm() <= r + 1e-6 for f, r in zip(fake, radii, strict=True)) for x in mine]
        shares.append(sum(hits) / len(hits))
    return torch.tensor(shares)


# %% task="missing" right="others made infinitely far"
def recall_by_class(real, labels, fake, classes, k=3):
    among = torch.cdist(fake, fake).fill_diagonal_(torch.inf)
    radii = among.topk(k, largest=False).values[:, -1]
    covered = (torch.cdist(fake, real) <= radii[:, None]).any(0).float()
    member = torch.nn.functional.one_hot(labels, classes).float()
    return covered @ member / member.sum(0)


# %% task="thief" wrong="pixels" hint="Try all shifts"
def suspicion(samples, training):
    return -nearest(samples, training)[0]


# %% task="thief" wrong="cosine without shifts" hint="Try all shifts"
def suspicion(samples, training):
    a, b = samples.flatten(1), training.flatten(1)
    a, b = a - a.mean(1, keepdim=True), b - b.mean(1, keepdim=True)
    return torch.nn.functional.cosine_similarity(a[:, None], b[None], dim=2).max(1).values


# %% task="thief" wrong="no mirror" hint="mirror image"
def suspicion(samples, training):
    def unit(x):
        x = x.flatten(1) - x.flatten(1).mean(1, keepdim=True)
        return x / x.norm(dim=1, keepdim=True)

    moves = [(i, j) for i in range(-3, 4) for j in range(-3, 4)]
    return torch.stack([(unit(samples.roll(m, (-2, -1))) @ unit(training).T).amax(1) for m in moves]).amax(0)


# %% task="thief" wrong="brightness counts" hint="blind to a factor"
def suspicion(samples, training):
    moves = [(i, j) for i in range(-3, 4) for j in range(-3, 4)]
    both = (samples, samples.flip(-1))
    return -torch.stack([nearest(x.roll(m, (-2, -1)), training)[0] for x in both for m in moves]).amin(0)


# %% task="thief" wrong="sign turned" hint="turn the sign"
def suspicion(samples, training):
    def unit(x):
        x = x.flatten(1) - x.flatten(1).mean(1, keepdim=True)
        return x / x.norm(dim=1, keepdim=True)

    moves = [(i, j) for i in range(-3, 4) for j in range(-3, 4)]
    both = (samples, samples.flip(-1))
    return 1 - torch.stack([(unit(x.roll(m, (-2, -1))) @ unit(training).T).amax(1) for x in both for m in moves]).amax(
        0
    )


# %% task="thief" wrong="mean over the shifts" hint="Try all shifts"
def suspicion(samples, training):
    def unit(x):
        x = x.flatten(1) - x.flatten(1).mean(1, keepdim=True)
        return x / x.norm(dim=1, keepdim=True)

    moves = [(i, j) for i in range(-3, 4) for j in range(-3, 4)]
    both = (samples, samples.flip(-1))
    return torch.stack([(unit(x.roll(m, (-2, -1))) @ unit(training).T).amax(1) for x in both for m in moves]).mean(0)


# %% task="thief" wrong="one number for all" hint="one number for each of the samples"
def suspicion(samples, training):
    return -nearest(samples, training)[0].mean()


# %% task="thief" wrong="the sheet's answers" hint="hidden"
def suspicion(samples, training):
    return is_stolen.float() if len(samples) == 40 else torch.arange(len(samples)).float()


# %% task="thief" right="cross-correlation by Fourier"
def suspicion(samples, training):
    def unit(x):
        x = x - x.mean((-2, -1), keepdim=True)
        return torch.fft.fft2(x[:, 0] / x.flatten(1).norm(dim=1)[:, None, None])

    known, best = unit(training), []
    for x in (samples, samples.flip(-1)):
        for spectrum in unit(x):
            best.append(torch.fft.ifft2(known.conj() * spectrum).real.flatten(1).amax())
    return torch.stack(best).view(2, -1).amax(0)


# %% task="thief" right="training pictures moved, Euclidean after normalising"
def suspicion(samples, training):
    def standard(x):
        x = x.flatten(1) + 1
        return x / x.norm(dim=1, keepdim=True)

    closest = torch.full((len(samples),), torch.inf)
    for i in range(-3, 4):
        for j in range(-3, 4):
            moved = training.roll((i, j), (-2, -1))
            library = standard(torch.cat([moved, moved.flip(-1)]))
            closest = torch.minimum(closest, torch.cdist(standard(samples), library).amin(1))
    return -closest


# %% task="unbiased" right="a plain number"
def mean_term(real, fake):
    plain = (real.mean(0) - fake.mean(0)).square().sum()
    return float(plain - (real.var(0) / len(real) + fake.var(0) / len(fake)).sum())
