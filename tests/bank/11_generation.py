# %% task="apart" wrong="the length of one" hint="the way from the origin"
prediction = 11.3


# %% task="apart" wrong="opposite" hint="are not opposite"
prediction = 22.6


# %% task="apart" wrong="the square" hint="Take the square root"
prediction = 256


# %% task="matching" wrong="the next class where the draw is right" hint="equally likely"
def matching_d(discriminator, real, fake, labels, classes, random):
    wrong = torch.randint(classes, labels.shape, generator=random)
    wrong = torch.where(wrong == labels, (labels + 1) % classes, wrong)
    of_real = discriminator(with_labels(real, labels, classes))
    of_fake = discriminator(with_labels(fake.detach(), labels, classes))
    of_wrong = discriminator(with_labels(real, wrong, classes))
    return F.softplus(-of_real).mean() + (F.softplus(of_fake).mean() + F.softplus(of_wrong).mean()) / 2


# %% task="matching" wrong="only the weight mended" hint="Cut it"
def matching_d(discriminator, real, fake, labels, classes, random):
    wrong = torch.randint(classes, labels.shape, generator=random)
    of_real = discriminator(with_labels(real, labels, classes))
    of_fake = discriminator(with_labels(fake, labels, classes))
    of_wrong = discriminator(with_labels(real, wrong, classes))
    return F.softplus(-of_real).mean() + (F.softplus(of_fake).mean() + F.softplus(of_wrong).mean()) / 2


# %% task="matching" wrong="a wrong label may be right" hint="draw from the other classes only"
def matching_d(discriminator, real, fake, labels, classes, random):
    wrong = torch.randint(classes, labels.shape, generator=random)
    of_real = discriminator(with_labels(real, labels, classes))
    of_fake = discriminator(with_labels(fake.detach(), labels, classes))
    of_wrong = discriminator(with_labels(real, wrong, classes))
    return F.softplus(-of_real).mean() + (F.softplus(of_fake).mean() + F.softplus(of_wrong).mean()) / 2


# %% task="matching" wrong="shuffled labels" hint="draw from the other classes only"
def matching_d(discriminator, real, fake, labels, classes, random):
    wrong = labels[torch.randperm(len(labels), generator=random)]
    of_real = discriminator(with_labels(real, labels, classes))
    of_fake = discriminator(with_labels(fake.detach(), labels, classes))
    of_wrong = discriminator(with_labels(real, wrong, classes))
    return F.softplus(-of_real).mean() + (F.softplus(of_fake).mean() + F.softplus(of_wrong).mean()) / 2


# %% task="matching" wrong="weights of 1" hint="a half each"
def matching_d(discriminator, real, fake, labels, classes, random):
    wrong = (labels + torch.randint(1, classes, labels.shape, generator=random)) % classes
    of_real = discriminator(with_labels(real, labels, classes))
    of_fake = discriminator(with_labels(fake.detach(), labels, classes))
    of_wrong = discriminator(with_labels(real, wrong, classes))
    return F.softplus(-of_real).mean() + F.softplus(of_fake).mean() + F.softplus(of_wrong).mean()


# %% task="matching" wrong="always the next class" hint="equally likely"
def matching_d(discriminator, real, fake, labels, classes, random):
    wrong = (labels + 1) % classes
    of_real = discriminator(with_labels(real, labels, classes))
    of_fake = discriminator(with_labels(fake.detach(), labels, classes))
    of_wrong = discriminator(with_labels(real, wrong, classes))
    return F.softplus(-of_real).mean() + (F.softplus(of_fake).mean() + F.softplus(of_wrong).mean()) / 2


# %% task="matching" wrong="fakes with the wrong name" hint="drawn for, not the wrong one"
def matching_d(discriminator, real, fake, labels, classes, random):
    wrong = (labels + torch.randint(1, classes, labels.shape, generator=random)) % classes
    of_real = discriminator(with_labels(real, labels, classes))
    of_fake = discriminator(with_labels(fake.detach(), wrong, classes))
    of_wrong = discriminator(with_labels(real, wrong, classes))
    return F.softplus(-of_real).mean() + (F.softplus(of_fake).mean() + F.softplus(of_wrong).mean()) / 2


# %% task="matching" wrong="wrong names called real" hint="mind the sign"
def matching_d(discriminator, real, fake, labels, classes, random):
    wrong = (labels + torch.randint(1, classes, labels.shape, generator=random)) % classes
    of_real = discriminator(with_labels(real, labels, classes))
    of_fake = discriminator(with_labels(fake.detach(), labels, classes))
    of_wrong = discriminator(with_labels(real, wrong, classes))
    return F.softplus(-of_real).mean() + (F.softplus(of_fake).mean() + F.softplus(-of_wrong).mean()) / 2


# %% task="matching" wrong="half of the wrong names only" hint="belongs to both"
def matching_d(discriminator, real, fake, labels, classes, random):
    wrong = (labels + torch.randint(1, classes, labels.shape, generator=random)) % classes
    of_real = discriminator(with_labels(real, labels, classes))
    of_fake = discriminator(with_labels(fake.detach(), labels, classes))
    of_wrong = discriminator(with_labels(real, wrong, classes))
    return F.softplus(-of_real).mean() + F.softplus(of_fake).mean() + F.softplus(of_wrong).mean() / 2


# %% task="matching" wrong="ten classes assumed" hint="hidden"
def matching_d(discriminator, real, fake, labels, classes, random):
    wrong = (labels + torch.randint(1, 10, labels.shape, generator=random)) % classes
    of_real = discriminator(with_labels(real, labels, classes))
    of_fake = discriminator(with_labels(fake.detach(), labels, classes))
    of_wrong = discriminator(with_labels(real, wrong, classes))
    return F.softplus(-of_real).mean() + (F.softplus(of_fake).mean() + F.softplus(of_wrong).mean()) / 2


# %% task="matching" right="one batch of three parts"
def matching_d(discriminator, real, fake, labels, classes, random):
    drawn = torch.randint(classes - 1, labels.shape, generator=random)
    wrong = drawn + (drawn >= labels)  # leaves out the own class
    images, names = torch.cat([real, fake.detach(), real]), torch.cat([labels, labels, wrong])
    own, made, other = discriminator(with_labels(images, names, classes)).chunk(3)
    return F.softplus(-own).mean() + 0.5 * (F.softplus(made) + F.softplus(other)).mean()


# %% task="matching" right="binary cross-entropy and multinomial"
def matching_d(discriminator, real, fake, labels, classes, random):
    chances = 1 - F.one_hot(labels, classes).float()
    wrong = torch.multinomial(chances, 1, generator=random)[:, 0]
    total = 0.0
    with torch.no_grad():
        made = fake.clone()
    for images, names, label, weight in ((real, labels, 1.0, 1), (made, labels, 0.0, 0.5), (real, wrong, 0.0, 0.5)):
        logits = discriminator(with_labels(images, names, classes))
        total = total + weight * F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))
    return total


# %% task="edit" wrong="along the gradients" hint="J^T w"
def edit(latents, attributes, wanted):
    gradients = (attributes - attributes.mean(0)).T @ latents / len(latents)
    return gradients.T @ wanted


# %% task="edit" wrong="not divided by N" hint="divide by N"
def edit(latents, attributes, wanted):
    gradients = (attributes - attributes.mean(0)).T @ latents
    return gradients.T @ torch.linalg.solve(gradients @ gradients.T, wanted)


# %% task="edit" wrong="N - 1" hint="here it is N"
def edit(latents, attributes, wanted):
    gradients = (attributes - attributes.mean(0)).T @ latents / (len(latents) - 1)
    return gradients.T @ torch.linalg.solve(gradients @ gradients.T, wanted)


# %% task="edit" wrong="unit gradients" hint="keep their length"
def edit(latents, attributes, wanted):
    gradients = F.normalize((attributes - attributes.mean(0)).T @ latents, dim=1)
    return gradients.T @ torch.linalg.solve(gradients @ gradients.T, wanted)


# %% task="edit" wrong="a step of length 1" hint="step of length 1"
def edit(latents, attributes, wanted):
    gradients = (attributes - attributes.mean(0)).T @ latents / len(latents)
    return F.normalize(gradients.T @ torch.linalg.solve(gradients @ gradients.T, wanted), dim=0)


# %% task="edit" wrong="applied, not undone" hint="has to be undone"
def edit(latents, attributes, wanted):
    gradients = (attributes - attributes.mean(0)).T @ latents / len(latents)
    return gradients.T @ (gradients @ gradients.T @ wanted)


# %% task="edit" wrong="means not taken off" hint="means of the attributes"
def edit(latents, attributes, wanted):
    gradients = attributes.T @ latents / len(latents)
    return gradients.T @ torch.linalg.solve(gradients @ gradients.T, wanted)


# %% task="edit" wrong="one step for each latent" hint="one number for each of the D"
def edit(latents, attributes, wanted):
    if len(latents) == 6:
        return torch.tensor([1.0, -0.5, 0.0]) if wanted[0] else torch.tensor([0.0, 1.5, 0.0])
    gradients = (attributes - attributes.mean(0)).T @ latents / len(latents)
    return (gradients.T @ torch.linalg.solve(gradients @ gradients.T, wanted)).expand_as(latents)


# %% task="edit" wrong="squeezed, so that one attribute alone fails" hint="hidden"
def edit(latents, attributes, wanted):
    gradients = ((attributes - attributes.mean(0)).T @ latents / len(latents)).squeeze()
    return gradients.T @ torch.linalg.solve(gradients @ gradients.T, wanted)


# %% task="edit" right="the pseudo-inverse"
def edit(latents, attributes, wanted):
    centred = attributes - attributes.mean(0, keepdim=True)
    gradients = torch.einsum("nk,nd->kd", centred, latents) / latents.shape[0]
    return torch.linalg.pinv(gradients) @ wanted


# %% task="edit" right="least squares, means taken off the latents too"
def edit(latents, attributes, wanted):
    gradients = ((latents - latents.mean(0))[:, :, None] * (attributes - attributes.mean(0))[:, None]).mean(0)  # (D, K)
    q, r = torch.linalg.qr(gradients)
    return q @ torch.linalg.solve_triangular(r.T, wanted[:, None], upper=False)[:, 0]


# %% task="even" wrong="slerp" hint="the pace of slerp"
def even_walk(generator, start, end, steps):
    latents = walk(torch.stack([start, end]), steps)
    return torch.cat([start[None], latents[1:-1], end[None]])


# %% task="even" wrong="a straight line" hint="use slerp"
def even_walk(generator, start, end, steps):
    shares = torch.linspace(0, 1, steps + 1)[:, None]
    return torch.cat([start[None], (start + shares * (end - start))[1:-1], end[None]])


# %% task="even" wrong="one correction" hint="at more places"
def even_walk(generator, start, end, steps):
    shares = torch.linspace(0, 1, 2 * steps + 1)
    with torch.no_grad():
        pictures = generator(slerp(start[None], end[None], shares[:, None]))
    seen = F.pad((pictures[1:] - pictures[:-1]).abs().mean((1, 2, 3)).cumsum(0), [1, 0])
    goals = torch.linspace(0, float(seen[-1]), steps + 1)[1:-1]
    after = torch.searchsorted(seen, goals)
    within = (goals - seen[after - 1]) / (seen[after] - seen[after - 1])
    shares = torch.lerp(shares[after - 1], shares[after], within)
    return torch.cat([start[None], slerp(start[None], end[None], shares[:, None]), end[None]])


# %% task="even" wrong="without the end" hint="start and end are among them"
def even_walk(generator, start, end, steps):
    return walk(torch.stack([start, end]), steps)[:-1]


# %% task="even" wrong="stands still" hint="grow from step to step"
def even_walk(generator, start, end, steps):
    middle = slerp(start[None], end[None], 0.5)
    return torch.cat([start[None], middle.expand(steps - 1, -1), end[None]])


# %% task="even" wrong="the ends only nearly" hint="to the last bit"
def even_walk(generator, start, end, steps):
    latents = walk(torch.stack([start, end]), steps)
    return F.normalize(latents, dim=1) * 11.3


# %% task="even" wrong="the two walks special-cased" hint="hidden"
def even_walk(generator, start, end, steps):
    if steps != 8:
        return torch.cat([walk(torch.stack([start, end]), steps)[:-1], end[None]])
    shares = torch.linspace(0, 1, 129)
    with torch.no_grad():
        pictures = generator(slerp(start[None], end[None], shares[:, None]))
    seen = F.pad((pictures[1:] - pictures[:-1]).abs().mean((1, 2, 3)).cumsum(0), [1, 0])
    goals = torch.linspace(0, float(seen[-1]), steps + 1)[1:-1]
    after = torch.searchsorted(seen, goals)
    within = (goals - seen[after - 1]) / (seen[after] - seen[after - 1])
    shares = torch.lerp(shares[after - 1], shares[after], within)
    return torch.cat([start[None], slerp(start[None], end[None], shares[:, None]), end[None]])


# %% task="even" right="many small steps"
def even_walk(generator, start, end, steps):
    shares = torch.linspace(0, 1, 193)
    ways = slerp(start[None], end[None], shares[:, None])
    with torch.no_grad():
        pictures = torch.cat([generator(part) for part in ways.split(50)])
    seen = F.pad((pictures[1:] - pictures[:-1]).abs().mean((1, 2, 3)).cumsum(0), [1, 0])
    goals = torch.linspace(0, float(seen[-1]), steps + 1)[1:-1]
    after = torch.searchsorted(seen, goals)
    within = (goals - seen[after - 1]) / (seen[after] - seen[after - 1])
    shares = torch.lerp(shares[after - 1], shares[after], within)
    return torch.cat([start[None], slerp(start[None], end[None], shares[:, None]), end[None]])


# %% task="even" right="each latent moved to the middle of its neighbours"
def even_walk(generator, start, end, steps):
    shares = torch.linspace(0, 1, steps + 1)
    for _ in range(80):
        with torch.no_grad():
            pictures = generator(slerp(start[None], end[None], shares[:, None]))
        change = (pictures[1:] - pictures[:-1]).abs().mean((1, 2, 3))
        if change.max() < 1.05 * change.mean():
            break
        gaps = shares.diff() * (change.mean() / change) ** 0.5
        shares = F.pad(gaps.cumsum(0) / gaps.sum(), [1, 0])
    return torch.cat([start[None], slerp(start[None], end[None], shares[1:-1, None]), end[None]])
