# %% task="smooth" wrong="real and fake swapped" hint="Real and fake are swapped"
def smoothed_d(real_logits, fake_logits, smoothing):
    fake = (1 - smoothing) * F.softplus(real_logits) + smoothing * F.softplus(-real_logits)
    return fake.mean() + F.softplus(-fake_logits).mean()


# %% task="smooth" wrong="sum for mean" hint="Take the mean over each batch"
def smoothed_d(real_logits, fake_logits, smoothing):
    real = (1 - smoothing) * F.softplus(-real_logits) + smoothing * F.softplus(real_logits)
    return real.sum() + F.softplus(fake_logits).sum()


# %% task="smooth" wrong="logarithm of a sigmoid" hint="Use softplus"
def smoothed_d(real_logits, fake_logits, smoothing):
    p, q = torch.sigmoid(real_logits), torch.sigmoid(fake_logits)
    real = -(1 - smoothing) * torch.log(p) - smoothing * torch.log(1 - p)
    return real.mean() - torch.log(1 - q).mean()


# %% task="smooth" right="binary cross-entropy with logits"
def smoothed_d(real_logits, fake_logits, smoothing):
    labels = torch.full_like(real_logits, 1 - smoothing)
    real = F.binary_cross_entropy_with_logits(real_logits, labels)
    return real + F.binary_cross_entropy_with_logits(fake_logits, torch.zeros_like(fake_logits))


# %% task="smooth" right="one softplus and a line"
def smoothed_d(real_logits, fake_logits, smoothing):
    return (F.softplus(-real_logits) + smoothing * real_logits).mean() + F.softplus(fake_logits).mean()
