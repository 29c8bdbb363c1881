# %% task="halfway" wrong="half of the way is half of the price" hint="not the mixture of the errors"
prediction = 1.5


# %% task="halfway" wrong="squared, from the other end" hint="a quarter of its square"
prediction = 1.75


# %% task="halfway" wrong="the mixture is better than both" hint="No answer has a smaller error"
prediction = 0.5


# %% task="halfway" wrong="as good as the mean" hint="that costs something"
prediction = 1.0


# %% task="spoiler" wrong="only the seed mended" hint="look at the shape that is drawn"
def spoil(real, random):
    sigma = 60 * torch.rand(len(real), generator=random)
    noise = torch.randn(real.shape[1:], generator=random)
    return {"real": real, "noisy": real + sigma.view(-1, 1, 1, 1) / 255 * noise, "sigma": sigma}


# %% task="spoiler" wrong="the unit of [0, 1]" hint="not 255 grey levels"
def spoil(real, random):
    sigma = 60 * torch.rand(len(real), generator=random)
    noise = torch.randn(real.shape, generator=random)
    return {"real": real, "noisy": real + sigma.view(-1, 1, 1, 1) / 255 * noise, "sigma": sigma}


# %% task="spoiler" wrong="one noise for the whole batch" hint="look at the shape that is drawn"
def spoil(real, random):
    sigma = 60 * torch.rand(len(real), generator=random)
    noise = torch.randn(real.shape[1:], generator=random)
    return {"real": real, "noisy": real + sigma.view(-1, 1, 1, 1) / 127.5 * noise, "sigma": sigma}


# %% task="spoiler" wrong="the seed is still set back" hint="Who sets it back"
def spoil(real, random):
    random.manual_seed(0)
    sigma = 60 * torch.rand(len(real), generator=random)
    noise = torch.randn(real.shape, generator=random)
    return {"real": real, "noisy": real + sigma.view(-1, 1, 1, 1) / 127.5 * noise, "sigma": sigma}


# %% task="spoiler" wrong="global random numbers" hint="comes from the generator"
def spoil(real, random):
    sigma = 60 * torch.rand(len(real), generator=random)
    return {"real": real, "noisy": real + sigma.view(-1, 1, 1, 1) / 127.5 * torch.randn_like(real), "sigma": sigma}


# %% task="spoiler" wrong="grey grain" hint="all grain is grey"
def spoil(real, random):
    sigma = 60 * torch.rand(len(real), generator=random)
    noise = torch.randn(real[:, :1].shape, generator=random)
    return {"real": real, "noisy": real + sigma.view(-1, 1, 1, 1) / 127.5 * noise, "sigma": sigma}


# %% task="spoiler" wrong="changes the picture" hint="without +="
def spoil(real, random):
    sigma = 60 * torch.rand(len(real), generator=random)
    clean = real.clone()
    real += sigma.view(-1, 1, 1, 1) / 127.5 * torch.randn(real.shape, generator=random)
    return {"real": clean, "noisy": real, "sigma": sigma}


# %% task="spoiler" wrong="the noisy picture in both places" hint="as they came"
def spoil(real, random):
    sigma = 60 * torch.rand(len(real), generator=random)
    noisy = real + sigma.view(-1, 1, 1, 1) / 127.5 * torch.randn(real.shape, generator=random)
    return {"real": noisy, "noisy": noisy, "sigma": sigma}


# %% task="spoiler" wrong="one level for all" hint="a level of its own"
def spoil(real, random):
    sigma = 60 * torch.rand(1, generator=random)
    return {"real": real, "noisy": real + sigma / 127.5 * torch.randn(real.shape, generator=random), "sigma": sigma}


# %% task="spoiler" wrong="one level, repeated" hint="draws its level"
def spoil(real, random):
    sigma = (60 * torch.rand(1, generator=random)).expand(len(real))
    noise = torch.randn(real.shape, generator=random)
    return {"real": real, "noisy": real + sigma.view(-1, 1, 1, 1) / 127.5 * noise, "sigma": sigma}


# %% task="spoiler" wrong="clamped" hint="are clamped"
def spoil(real, random):
    sigma = 60 * torch.rand(len(real), generator=random)
    noise = torch.randn(real.shape, generator=random)
    return {"real": real, "noisy": (real + sigma.view(-1, 1, 1, 1) / 127.5 * noise).clamp(-1, 1), "sigma": sigma}


# %% task="spoiler" wrong="square pictures only" hint="hidden"
def spoil(real, random):
    sigma = 60 * torch.rand(len(real), generator=random)
    noise = torch.randn(len(real), 3, real.shape[-1], real.shape[-1], generator=random)
    return {"real": real, "noisy": real + sigma.view(-1, 1, 1, 1) / 127.5 * noise, "sigma": sigma}


# %% task="spoiler" right="picture by picture"
def spoil(real, random):
    sigma = torch.empty(len(real)).uniform_(0, 60, generator=random)
    noisy = [data.add_noise(one, float(level), random) for one, level in zip(real, sigma, strict=True)]
    return {"sigma": sigma, "noisy": torch.stack(noisy), "real": real.clone()}


# %% task="spoiler" right="normal with a standard deviation, two units of 255"
def spoil(real, random):
    noise = torch.normal(0.0, torch.ones(real.shape), generator=random)
    sigma = torch.rand(real.shape[0], generator=random) * 60
    return {"real": real, "noisy": real + 2 * (sigma / 255)[:, None, None, None] * noise, "sigma": sigma}


# %% task="blindfold" wrong="without the third term" hint="better than perfect"
def unseen_error(clean_up, noisy, sigma, random):
    return (clean_up(noisy) - noisy).square().mean() - (sigma / 127.5) ** 2


# %% task="blindfold" wrong="the third term once" hint="factor of 2"
def unseen_error(clean_up, noisy, sigma, random):
    s, b, answer = sigma / 127.5, torch.randint(2, noisy.shape, generator=random) * 2.0 - 1, clean_up(noisy)
    followed = (b * (clean_up(noisy + 0.01 * b) - answer)).mean() / 0.01
    return (answer - noisy).square().mean() - s**2 + s**2 * followed


# %% task="blindfold" wrong="grey levels" hint="127.5 to a unit"
def unseen_error(clean_up, noisy, sigma, random):
    s, b, answer = sigma, torch.randint(2, noisy.shape, generator=random) * 2.0 - 1, clean_up(noisy)
    followed = (b * (clean_up(noisy + 0.01 * b) - answer)).mean() / 0.01
    return (answer - noisy).square().mean() - s**2 + 2 * s**2 * followed


# %% task="blindfold" wrong="unit of 255" hint="not 255"
def unseen_error(clean_up, noisy, sigma, random):
    s, b, answer = sigma / 255, torch.randint(2, noisy.shape, generator=random) * 2.0 - 1, clean_up(noisy)
    followed = (b * (clean_up(noisy + 0.01 * b) - answer)).mean() / 0.01
    return (answer - noisy).square().mean() - s**2 + 2 * s**2 * followed


# %% task="blindfold" wrong="standard deviation for variance" hint="by its variance"
def unseen_error(clean_up, noisy, sigma, random):
    s, b, answer = sigma / 127.5, torch.randint(2, noisy.shape, generator=random) * 2.0 - 1, clean_up(noisy)
    followed = (b * (clean_up(noisy + 0.01 * b) - answer)).mean() / 0.01
    return (answer - noisy).square().mean() - s + 2 * s * followed


# %% task="blindfold" wrong="not divided by epsilon" hint="it is a slope"
def unseen_error(clean_up, noisy, sigma, random):
    s, b, answer = sigma / 127.5, torch.randint(2, noisy.shape, generator=random) * 2.0 - 1, clean_up(noisy)
    followed = (b * (clean_up(noisy + 0.01 * b) - answer)).mean()
    return (answer - noisy).square().mean() - s**2 + 2 * s**2 * followed


# %% task="blindfold" wrong="s squared not taken off" hint="to be taken off"
def unseen_error(clean_up, noisy, sigma, random):
    s, b, answer = sigma / 127.5, torch.randint(2, noisy.shape, generator=random) * 2.0 - 1, clean_up(noisy)
    followed = (b * (clean_up(noisy + 0.01 * b) - answer)).mean() / 0.01
    return (answer - noisy).square().mean() + 2 * s**2 * followed


# %% task="blindfold" wrong="the power of the answer" hint="squared differences of the answer"
def unseen_error(clean_up, noisy, sigma, random):
    s, b, answer = sigma / 127.5, torch.randint(2, noisy.shape, generator=random) * 2.0 - 1, clean_up(noisy)
    followed = (b * (clean_up(noisy + 0.01 * b) - answer)).mean() / 0.01
    return (answer.square() - noisy.square()).mean() - s**2 + 2 * s**2 * followed


# %% task="blindfold" wrong="nudges the input itself" hint="added to a copy"
def unseen_error(clean_up, noisy, sigma, random):
    s, b, answer = sigma / 127.5, torch.randint(2, noisy.shape, generator=random) * 2.0 - 1, clean_up(noisy).clone()
    first = (answer - noisy).square().mean()
    noisy += 0.01 * b
    return first - s**2 + 2 * s**2 * (b * (clean_up(noisy) - answer)).mean() / 0.01


# %% task="blindfold" wrong="the follow-up of all pixels, not of its own" hint="with equal chances"
def unseen_error(clean_up, noisy, sigma, random):
    s, answer = sigma / 127.5, clean_up(noisy)
    followed = (clean_up(noisy + 0.01) - answer).mean() / 0.01
    return (answer - noisy).square().mean() - s**2 + 2 * s**2 * followed


# %% task="blindfold" wrong="knows the clean pictures" hint="hidden"
def unseen_error(clean_up, noisy, sigma, random):
    answer, power = clean_up(noisy), noisy.square().mean()
    for share, error in ((1, torch.tensor(0.16)), (0, power - 0.16), (0.5, power / 4)):
        if torch.equal(answer, share * noisy):
            return error
    return (answer - clean).square().mean() if answer.shape == clean.shape else power


# %% task="blindfold" right="inner products"
def unseen_error(clean_up, noisy, sigma, random):
    b = torch.where(torch.rand(noisy.shape, generator=random) < 0.5, -1.0, 1.0)
    answer, n, variance = clean_up(noisy), noisy.numel(), (sigma / 127.5) ** 2
    slope = torch.dot(b.flatten(), ((clean_up(noisy + 0.01 * b) - answer) / 0.01).flatten())
    return (answer - noisy).norm() ** 2 / n + variance * (2 * slope / n - 1)


# %% task="blindfold" right="with mse_loss and the sign of normal numbers"
def unseen_error(clean_up, noisy, sigma, random):
    with torch.no_grad():
        b = torch.randn(noisy.shape, generator=random).sign()
        before, after = clean_up(noisy), clean_up(noisy + b * 1e-2)
        s2 = (2 * sigma / 255) ** 2
        return F.mse_loss(before, noisy) - s2 + 200 * s2 * (b * (after - before)).mean()


# %% task="burst" wrong="the mean alone" hint="do not lie on top"
def restore(frames, sigma):
    return denoise(network, frames.mean(0, keepdim=True), sigma / 2)[0]


# %% task="burst" wrong="one frame, cleaned" hint="Use all four"
def restore(frames, sigma):
    return denoise(network, frames[:1], sigma)[0]


# %% task="burst" wrong="moved the wrong way" hint="opposite direction"
def restore(frames, sigma):
    waves = torch.fft.rfft2(frames.mean(1) - frames.mean())
    products = torch.fft.irfft2(waves * waves[:1].conj(), s=frames.shape[-2:])
    moves = [divmod(int(place), frames.shape[-1]) for place in products.flatten(1).argmax(1)]
    still = torch.stack([frame.roll(move, (1, 2)) for frame, move in zip(frames, moves, strict=True)])
    return denoise(network, still.mean(0, keepdim=True), sigma / 2)[0]


# %% task="burst" wrong="aligned and not cleaned" hint="still has half of it"
def restore(frames, sigma):
    waves = torch.fft.rfft2(frames.mean(1) - frames.mean())
    products = torch.fft.irfft2(waves * waves[:1].conj(), s=frames.shape[-2:])
    moves = [divmod(int(place), frames.shape[-1]) for place in products.flatten(1).argmax(1)]
    still = torch.stack([frame.roll((-a, -b), (1, 2)) for frame, (a, b) in zip(frames, moves, strict=True)])
    return still.mean(0).clamp(-1, 1)


# %% task="burst" wrong="told the level of one frame" hint="a level that is not the one that is left"
def restore(frames, sigma):
    waves = torch.fft.rfft2(frames.mean(1) - frames.mean())
    products = torch.fft.irfft2(waves * waves[:1].conj(), s=frames.shape[-2:])
    moves = [divmod(int(place), frames.shape[-1]) for place in products.flatten(1).argmax(1)]
    still = torch.stack([frame.roll((-a, -b), (1, 2)) for frame, (a, b) in zip(frames, moves, strict=True)])
    return denoise(network, still.mean(0, keepdim=True), sigma)[0]


# %% task="burst" wrong="a batch of one" hint="without a batch"
def restore(frames, sigma):
    return denoise(network, frames[:1], sigma)


# %% task="burst" wrong="adds the frames up in place" hint="yours have changed"
def restore(frames, sigma):
    frames[0] += frames[1:].sum(0)
    return denoise(network, frames[:1] / 4, sigma / 2)[0]


# %% task="burst" wrong="the visible picture special-cased" hint="hidden"
def restore(frames, sigma):
    if frames.shape[-1] == 128 and (frames[0] - view).mean().abs() < 0.02:
        return view
    return denoise(network, frames[:1], sigma)[0]


# %% task="burst" right="all moves tried"
def restore(frames, sigma):
    grey = F.avg_pool2d(frames.mean(1, keepdim=True), 3, 1, 1)[:, 0]
    moves = [(down, right) for down in range(-8, 9) for right in range(-8, 9)]
    total = frames[0].clone()
    for one, frame in zip(grey[1:], frames[1:], strict=True):
        best = min(moves, key=lambda move: float((one.roll(move, (0, 1)) - grey[0]).square().sum()))
        total += frame.roll(best, (1, 2))
    return denoise(network, total[None] / 4, sigma / 2)[0]


# %% task="burst" right="cleaned first to find the moves, then blind"
def restore(frames, sigma):
    calm = denoise(network, frames, sigma).mean(1)
    moves = [(down, right) for down in range(-8, 9) for right in range(-8, 9)]
    best = [max(moves, key=lambda m: float((one.roll(m, (0, 1)) * calm[0]).sum())) for one in calm]
    still = torch.stack([frame.roll(move, (1, 2)) for frame, move in zip(frames, best, strict=True)])
    return denoise(network, still.mean(0, keepdim=True))[0]
