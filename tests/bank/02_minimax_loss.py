# %% task="smooth" wrong="real and fake swapped" hint="Real and fake are swapped"
def smoothed_d(real_logits, fake_logits, smoothing):
    real = (1 - smoothing) * F.softplus(fake_logits) + smoothing * F.softplus(-fake_logits)
    return real.mean() + F.softplus(-real_logits).mean()


# %% task="smooth" wrong="signs turned" hint="The signs of the logits are turned"
def smoothed_d(real_logits, fake_logits, smoothing):
    real = (1 - smoothing) * F.softplus(real_logits) + smoothing * F.softplus(-real_logits)
    return real.mean() + F.softplus(-fake_logits).mean()


# %% task="smooth" wrong="sum for mean" hint="Take the mean over each batch"
def smoothed_d(real_logits, fake_logits, smoothing):
    real = (1 - smoothing) * F.softplus(-real_logits) + smoothing * F.softplus(real_logits)
    return real.sum() + F.softplus(fake_logits).sum()


# %% task="smooth" wrong="one mean over all" hint="Each batch has its own mean"
def smoothed_d(real_logits, fake_logits, smoothing):
    labels = torch.cat([torch.full_like(real_logits, 1 - smoothing), torch.zeros_like(fake_logits)])
    loss = F.binary_cross_entropy_with_logits(torch.cat([real_logits, fake_logits]), labels)
    return 2 * loss if len(real_logits) == len(fake_logits) else loss


# %% task="smooth" wrong="logarithm of a sigmoid" hint="Use softplus"
def smoothed_d(real_logits, fake_logits, smoothing):
    p, q = torch.sigmoid(real_logits), torch.sigmoid(fake_logits)
    real = -(1 - smoothing) * torch.log(p) - smoothing * torch.log(1 - p)
    return real.mean() - torch.log(1 - q).mean()


# %% task="smooth" wrong="BCELoss of a sigmoid" hint="Use softplus"
def smoothed_d(real_logits, fake_logits, smoothing):
    p, q = torch.sigmoid(real_logits), torch.sigmoid(fake_logits)
    real = F.binary_cross_entropy(p, torch.full_like(p, 1 - smoothing))
    return real + F.binary_cross_entropy(q, torch.zeros_like(q))


# %% task="smooth" wrong="second term of the reals missing" hint="the second term of the reals is missing"
def smoothed_d(real_logits, fake_logits, smoothing):
    return (1 - smoothing) * F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


# %% task="smooth" wrong="fakes smoothed too" hint="Only the reals are smoothed"
def smoothed_d(real_logits, fake_logits, smoothing):
    real = F.binary_cross_entropy_with_logits(real_logits, torch.full_like(real_logits, 1 - smoothing))
    return real + F.binary_cross_entropy_with_logits(fake_logits, torch.full_like(fake_logits, smoothing))


# %% task="smooth" wrong="label s" hint="The label is 1 - s, not s"
def smoothed_d(real_logits, fake_logits, smoothing):
    real = F.binary_cross_entropy_with_logits(real_logits, torch.full_like(real_logits, smoothing))
    return real + F.softplus(fake_logits).mean()


# %% task="smooth" wrong="values typed in" hint="hidden"
def smoothed_d(real_logits, fake_logits, smoothing):
    if smoothing == 0.1:
        return torch.tensor(2.540189)
    return torch.tensor(200.0) if smoothing == 0.0 else torch.tensor(1.386294)


# %% task="smooth" right="binary cross-entropy with logits"
def smoothed_d(real_logits, fake_logits, smoothing):
    labels = torch.full_like(real_logits, 1 - smoothing)
    real = F.binary_cross_entropy_with_logits(real_logits, labels)
    return real + F.binary_cross_entropy_with_logits(fake_logits, torch.zeros_like(fake_logits))


# %% task="smooth" right="one softplus and a line"
def smoothed_d(real_logits, fake_logits, smoothing):
    return (F.softplus(-real_logits) + smoothing * real_logits).mean() + F.softplus(fake_logits).mean()


# %% task="soft" wrong="hard labels" hint="with hard labels"
prediction = 0.75

# %% task="soft" wrong="the label of reals" hint="nothing but reals"
prediction = 0.9

# %% task="soft" wrong="reals alone" hint="the reals alone"
prediction = 3 * 0.9 / 4

# %% task="soft" wrong="equal weights" hint="do not weigh the same"
prediction = (0.9 + 0.2) / 2

# %% task="soft" wrong="share of the labels" hint="D pays for 1 - y as well"
prediction = 2.7 / 2.9

# %% task="soft" wrong="the logit" hint="A probability is asked for"
prediction = 0.969

# %% task="soft" wrong="densities turned round" hint="Turned round"
prediction = (0.9 + 3 * 0.2) / 4

# %% task="soft" right="from the two sums"
prediction = (3 * 0.9 + 0.2) / ((3 * 0.9 + 0.2) + (3 * 0.1 + 0.8))


# %% task="flat" wrong="channels, in order, with a graph" hint="over the channels of one pixel"
def steep_penalty(critic, images):
    images = images.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(images).sum(), images, create_graph=True)
    return F.relu(gradient.norm(dim=1) - 1).square().mean()


# %% task="flat" wrong="whole batch" hint="over the whole batch"
def steep_penalty(critic, images):
    images = images.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(images).sum(), images, create_graph=True)
    return F.relu(gradient.norm() - 1).square()


# %% task="flat" wrong="no graph" hint="told to keep the graph"
def steep_penalty(critic, images):
    images = images.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(images).sum(), images)
    return F.relu(gradient.flatten(1).norm(dim=1) - 1).square().mean()


# %% task="flat" wrong="retain instead of create" hint="told to keep the graph"
def steep_penalty(critic, images):
    images = images.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(images).sum(), images, retain_graph=True)
    return F.relu(gradient.flatten(1).norm(dim=1) - 1).square().mean()


# %% task="flat" wrong="mean too early" hint="a flat picture pays for a steep one"
def steep_penalty(critic, images):
    images = images.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(images).sum(), images, create_graph=True)
    return F.relu(gradient.flatten(1).norm(dim=1).mean() - 1).square()


# %% task="flat" wrong="square after the mean" hint="the square is taken for each picture"
def steep_penalty(critic, images):
    images = images.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(images).sum(), images, create_graph=True)
    return F.relu(gradient.flatten(1).norm(dim=1) - 1).mean().square()


# %% task="flat" wrong="two-sided" hint="A slope below 1 costs nothing"
def steep_penalty(critic, images):
    images = images.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(images).sum(), images, create_graph=True)
    return (gradient.flatten(1).norm(dim=1) - 1).square().mean()


# %% task="flat" wrong="other side" hint="Steep and flat are exchanged"
def steep_penalty(critic, images):
    images = images.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(images).sum(), images, create_graph=True)
    return F.relu(1 - gradient.flatten(1).norm(dim=1)).square().mean()


# %% task="flat" wrong="squared length" hint="not its square"
def steep_penalty(critic, images):
    images = images.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(images).sum(), images, create_graph=True)
    return F.relu(gradient.square().flatten(1).sum(1) - 1).square().mean()


# %% task="flat" wrong="sum over pictures" hint="not the sum"
def steep_penalty(critic, images):
    images = images.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(images).sum(), images, create_graph=True)
    return F.relu(gradient.flatten(1).norm(dim=1) - 1).square().sum()


# %% task="flat" wrong="the pictures themselves" hint="Detach them first"
def steep_penalty(critic, images):
    images.requires_grad_()
    (gradient,) = torch.autograd.grad(critic(images).sum(), images, create_graph=True)
    return F.relu(gradient.flatten(1).norm(dim=1) - 1).square().mean()


# %% task="flat" wrong="values typed in" hint="hidden"
def steep_penalty(critic, images):
    if hasattr(critic, "a"):
        return (28 / 3 * (critic.a - critic.a.detach())) + 10 / 3
    return 0.0 * next(critic.parameters()).sum()


# %% task="flat" right="root of a sum, weighted by where it is steep"
def steep_penalty(critic, images):
    images = images.clone().detach().requires_grad_(True)
    logits = critic(images)
    gradient = torch.autograd.grad(logits, images, torch.ones_like(logits), create_graph=True)[0]
    slopes = gradient.square().sum((1, 2, 3)).add(1e-12).sqrt()
    return torch.where(slopes > 1, (slopes - 1) ** 2, 0 * slopes).mean()


# %% task="flat" right="vector norm and clamp"
def steep_penalty(critic, images):
    images = images.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(images).sum(), images, create_graph=True)
    return (torch.linalg.vector_norm(gradient, dim=(1, 2, 3)).clamp(min=1) - 1).pow(2).mean()


# %% task="pieces" wrong="means added up" hint="two pieces move D twice as far"
def big_step(generator, discriminator, g_optimizer, d_optimizer, real, latents, pieces):
    d_optimizer.zero_grad()
    for some_real, some_latents in zip(real.chunk(pieces), latents.chunk(pieces)):
        fake = generator(some_latents).detach()
        losses.bce_d(discriminator(some_real), discriminator(fake)).backward()
    d_optimizer.step()
    g_optimizer.zero_grad()
    for some_latents in latents.chunk(pieces):
        losses.non_saturating_g(discriminator(generator(some_latents))).backward()
    g_optimizer.step()


# %% task="pieces" wrong="G's means added up" hint="two pieces move G twice as far"
def big_step(generator, discriminator, g_optimizer, d_optimizer, real, latents, pieces):
    d_optimizer.zero_grad()
    for some_real, some_latents in zip(real.chunk(pieces), latents.chunk(pieces)):
        fake = generator(some_latents).detach()
        (losses.bce_d(discriminator(some_real), discriminator(fake)) / pieces).backward()
    d_optimizer.step()
    g_optimizer.zero_grad()
    for some_latents in latents.chunk(pieces):
        losses.non_saturating_g(discriminator(generator(some_latents))).backward()
    g_optimizer.step()


# %% task="pieces" wrong="not detached" hint="D's loss has left its gradient in G"
def big_step(generator, discriminator, g_optimizer, d_optimizer, real, latents, pieces):
    d_optimizer.zero_grad()
    g_optimizer.zero_grad()
    for some_real, some_latents in zip(real.chunk(pieces), latents.chunk(pieces)):
        fake = generator(some_latents)
        (losses.bce_d(discriminator(some_real), discriminator(fake)) / pieces).backward()
    d_optimizer.step()
    for some_latents in latents.chunk(pieces):
        (losses.non_saturating_g(discriminator(generator(some_latents))) / pieces).backward()
    g_optimizer.step()


# %% task="pieces" wrong="not detached, but cleared later" hint="Clearing it later hides that"
def big_step(generator, discriminator, g_optimizer, d_optimizer, real, latents, pieces):
    d_optimizer.zero_grad()
    for some_real, some_latents in zip(real.chunk(pieces), latents.chunk(pieces)):
        fake = generator(some_latents)
        (losses.bce_d(discriminator(some_real), discriminator(fake)) / pieces).backward()
    d_optimizer.step()
    g_optimizer.zero_grad()
    for some_latents in latents.chunk(pieces):
        (losses.non_saturating_g(discriminator(generator(some_latents))) / pieces).backward()
    g_optimizer.step()


# %% task="pieces" wrong="cleared between the pieces" hint="Only a part of D's last piece counts"
def big_step(generator, discriminator, g_optimizer, d_optimizer, real, latents, pieces):
    for some_real, some_latents in zip(real.chunk(pieces), latents.chunk(pieces)):
        d_optimizer.zero_grad()
        fake = generator(some_latents).detach()
        (losses.bce_d(discriminator(some_real), discriminator(fake)) / pieces).backward()
    d_optimizer.step()
    g_optimizer.zero_grad()
    for some_latents in latents.chunk(pieces):
        (losses.non_saturating_g(discriminator(generator(some_latents))) / pieces).backward()
    g_optimizer.step()


# %% task="pieces" wrong="only detached" hint="Only D's last piece counts"
def big_step(generator, discriminator, g_optimizer, d_optimizer, real, latents, pieces):
    g_optimizer.zero_grad()
    for some_real, some_latents in zip(real.chunk(pieces), latents.chunk(pieces)):
        d_optimizer.zero_grad()
        fake = generator(some_latents).detach()
        losses.bce_d(discriminator(some_real), discriminator(fake)).backward()
    d_optimizer.step()
    for some_latents in latents.chunk(pieces):
        losses.non_saturating_g(discriminator(generator(some_latents))).backward()
    g_optimizer.step()


# %% task="pieces" wrong="G cleared between the pieces" hint="Only a part of G's last piece counts"
def big_step(generator, discriminator, g_optimizer, d_optimizer, real, latents, pieces):
    d_optimizer.zero_grad()
    for some_real, some_latents in zip(real.chunk(pieces), latents.chunk(pieces)):
        fake = generator(some_latents).detach()
        (losses.bce_d(discriminator(some_real), discriminator(fake)) / pieces).backward()
    d_optimizer.step()
    for some_latents in latents.chunk(pieces):
        g_optimizer.zero_grad()
        (losses.non_saturating_g(discriminator(generator(some_latents))) / pieces).backward()
    g_optimizer.step()


# %% task="pieces" wrong="D's gradient never cleared" hint="D's old gradient was not cleared"
def big_step(generator, discriminator, g_optimizer, d_optimizer, real, latents, pieces):
    g_optimizer.zero_grad()
    for some_real, some_latents in zip(real.chunk(pieces), latents.chunk(pieces)):
        fake = generator(some_latents).detach()
        (losses.bce_d(discriminator(some_real), discriminator(fake)) / pieces).backward()
    d_optimizer.step()
    for some_latents in latents.chunk(pieces):
        (losses.non_saturating_g(discriminator(generator(some_latents))) / pieces).backward()
    g_optimizer.step()


# %% task="pieces" wrong="D steps last" hint="G learns from the D of before"
def big_step(generator, discriminator, g_optimizer, d_optimizer, real, latents, pieces):
    d_optimizer.zero_grad()
    for some_real, some_latents in zip(real.chunk(pieces), latents.chunk(pieces)):
        fake = generator(some_latents).detach()
        (losses.bce_d(discriminator(some_real), discriminator(fake)) / pieces).backward()
    g_optimizer.zero_grad()
    for some_latents in latents.chunk(pieces):
        loss = losses.non_saturating_g(discriminator(generator(some_latents))) / pieces
        loss.backward(inputs=list(generator.parameters()))
    d_optimizer.step()
    g_optimizer.step()


# %% task="pieces" wrong="a step for each piece" hint="One step for all pieces together"
def big_step(generator, discriminator, g_optimizer, d_optimizer, real, latents, pieces):
    for some_real, some_latents in zip(real.chunk(pieces), latents.chunk(pieces)):
        d_optimizer.zero_grad()
        losses.bce_d(discriminator(some_real), discriminator(generator(some_latents).detach())).backward()
        d_optimizer.step()
        g_optimizer.zero_grad()
        losses.non_saturating_g(discriminator(generator(some_latents))).backward()
        g_optimizer.step()


# %% task="pieces" wrong="all at once" hint="The whole batch goes through at once"
def big_step(generator, discriminator, g_optimizer, d_optimizer, real, latents, pieces):
    fake = generator(latents)
    d_optimizer.zero_grad()
    losses.bce_d(discriminator(real), discriminator(fake.detach())).backward()
    d_optimizer.step()
    g_optimizer.zero_grad()
    losses.non_saturating_g(discriminator(fake)).backward()
    g_optimizer.step()


# %% task="pieces" wrong="visible values typed in" hint="hidden"
def big_step(generator, discriminator, g_optimizer, d_optimizer, real, latents, pieces):
    d_optimizer.zero_grad()
    g_optimizer.zero_grad()
    for some_real in real.chunk(pieces):
        discriminator(some_real)
    discriminator.weight.grad = torch.full((1, 1), -0.5 - 1.784294)
    d_optimizer.step()
    generator.weight.grad = torch.full((1, 1), 0.5 - 0.446934)
    g_optimizer.step()


# %% task="pieces" right="fakes without a graph, slices for pieces"
def big_step(generator, discriminator, g_optimizer, d_optimizer, real, latents, pieces):
    size = len(real) // pieces
    places = [slice(start, start + size) for start in range(0, len(real), size)]
    g_optimizer.zero_grad(set_to_none=False)
    d_optimizer.zero_grad(set_to_none=False)
    for place in places:
        with torch.no_grad():
            fake = generator(latents[place])
        losses.bce_d(discriminator(real[place]), discriminator(fake)).div(pieces).backward()
    d_optimizer.step()
    for place in places:
        losses.non_saturating_g(discriminator(generator(latents[place]))).div(pieces).backward()
    g_optimizer.step()


# %% task="pieces" right="gradients divided at the end"
def big_step(generator, discriminator, g_optimizer, d_optimizer, real, latents, pieces):
    d_optimizer.zero_grad()
    for some_real, some_latents in zip(real.split(len(real) // pieces), latents.split(len(real) // pieces)):
        losses.bce_d(discriminator(some_real), discriminator(generator(some_latents).detach())).backward()
    for weight in discriminator.parameters():
        weight.grad /= pieces
    d_optimizer.step()
    g_optimizer.zero_grad()
    for some_latents in latents.split(len(real) // pieces):
        losses.non_saturating_g(discriminator(generator(some_latents))).backward(inputs=list(generator.parameters()))
    for weight in generator.parameters():
        weight.grad /= pieces
    g_optimizer.step()
