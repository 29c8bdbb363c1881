# %% [markdown]
# # Exercises for chapter 09: Denoising
#
# They go with [chapter 09](../../notebooks/09_denoising.ipynb). Each task has its place for your answer, and under it a
# check: run it as often as you like, it answers at once and each time with a stronger hint. Your progress is kept in
# this folder; `minigan progress` shows it.
#
# This set is about what is known of the noise: how to make it, how to measure an error without the truth, and how to
# use four looks at one thing.

# %%
import math
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from minigan import data, metrics, plot, weights
from minigan.apps.denoise import Denoiser, denoise, non_local_means
from minigan.course.checking import checking

network = weights.shipped_app("denoise", Denoiser)[0]


def blur(images: Tensor, width: float) -> Tensor:
    """Weighted by a Gaussian of standard deviation `width` in pixels, as in the chapter: (N, 3, H, W)."""
    radius = math.ceil(3 * width)
    kernel = torch.exp(-torch.arange(-radius, radius + 1).square() / (2 * width**2))
    kernel = (kernel / kernel.sum()).repeat(3, 1)
    padded = F.pad(images, [radius] * 4, mode="replicate")
    return F.conv2d(F.conv2d(padded, kernel[:, None, None], groups=3), kernel[:, None, :, None], groups=3)


# %% [markdown] task="halfway" kind="predict" minutes=4 points=2 trains="the arithmetic of means and draws"
# ## Half of the way
#
# In the small world of section 5, noise of 200 leaves several pictures possible. Their mean $m$ has the smallest
# squared error that there is; call it 1. A picture $x'$ that is drawn from those that fit has an error of 2, in the
# same unit.
#
# Mix the two half and half, $a = (m + x')/2$. What is the error of $a$? Give the number before you run anything. One
# line of section 5 is enough to work it out.

# %% answer="halfway"
prediction = ...
### BEGIN SOLUTION
prediction = 1.25  # 1 for the spread of x around m, and a quarter of the spread of x' around m
### END SOLUTION


# %% check="halfway"
random = torch.Generator().manual_seed(0)
kinds = torch.tensor([-90.0, -60.0, 20.0, 130.0])  # a world of four pictures of one pixel
truth = kinds[torch.randint(4, (400_000,), generator=random)]
seen = truth + 200 * torch.randn(truth.shape, generator=random)
chances = (-(seen[:, None] - kinds).square() / (2 * 200**2)).softmax(1)
mean, drawn = chances @ kinds, kinds[torch.multinomial(chances, 1, generator=random)[:, 0]]
measured = float((truth - (mean + drawn) / 2).square().mean() / (truth - mean).square().mean())
misconceptions = {
    "The error of a mixture is not the mixture of the errors, for an error is a square.": 1.5,
    "Half of a difference has a quarter of its square.": 1.75,
    "No answer has a smaller error than the mean of all that fit.": 0.5,
    "The mean leaves an error of 1, and the mixture is away from the mean: that costs something.": 1.0,
    "Only the drawn picture itself costs that much. The mixture is nearer to the mean.": 2.0,
}
hints = [
    "Take the formula of section 5 with a in the place of the answer: the error is 1 and the squared distance from m to a.",
    "How far is a from m, compared with how far x' is? And the squared distance from m to x' is 1 on average.",
]
with checking("Half of the way", hints) as c:
    c.predicted(prediction, measured, "as measured in a world of four pictures", 0.03, misconceptions)
### BEGIN HIDDEN TESTS
probe("prediction", prediction if isinstance(prediction, int | float) else None, within=0.02)
### END HIDDEN TESTS

# %% [markdown] task="spoiler" kind="mend" minutes=12 points=4 trains="noise as it should be, and as it goes wrong"
# ## A denoiser that is perfect in training
#
# A colleague's loss falls and falls. On new photographs his network removes next to nothing. The fault is not in the
# network. It is in the function that spoils the pictures, and there are three faults in it.
#
# What it ought to do: draw a level from 0 to 60 grey levels for each picture, all levels equally likely, and add white
# noise of that level, new for each picture, pixel and channel and at each call. All that is random comes from `random`.
# Nothing is clamped. The batch holds `"real"` as it came, `"noisy"` (N, 3, H, W) and `"sigma"` (N,) in grey levels. The
# pictures are in [-1, 1], as ever.


# %% given="spoiler"
def spoil(real: Tensor, random: torch.Generator) -> dict[str, Tensor]:
    """Noise of a level from 0 to 60 for each image (N, 3, H, W) in [-1, 1]: "real", "noisy" and "sigma" (N,)."""
    random.manual_seed(0)  # the same for everybody, so that runs can be compared
    sigma = 60 * torch.rand(len(real), generator=random)
    noise = torch.randn(real.shape[1:], generator=random)
    noisy = real + sigma.view(-1, 1, 1, 1) / 255 * noise
    return {"real": real, "noisy": noisy, "sigma": sigma}


# %% answer="spoiler"
def spoil(real: Tensor, random: torch.Generator) -> dict[str, Tensor]:
    """Noise of a level from 0 to 60 for each image (N, 3, H, W) in [-1, 1]: "real", "noisy" and "sigma" (N,)."""
    sigma = 60 * torch.rand(len(real), generator=random)
    noise = torch.randn(real.shape, generator=random)
    noisy = real + sigma.view(-1, 1, 1, 1) / 127.5 * noise
    return {"real": real, "noisy": noisy, "sigma": sigma}


# %% check="spoiler"
hints = [
    "Call it twice, and look at the two noises. What could a network learn from noise that is always the same?",
    "Subtract the real pictures from the noisy ones, and look at the noise of two pictures of one batch.",
    "For the third fault: how many grey levels is one unit of a picture in [-1, 1]?",
]


def noise_of(batch: dict[str, Tensor]) -> Tensor:
    """The noise, divided by what its level should make of it: (N, 3 * H * W)."""
    return ((batch["noisy"] - batch["real"]) / batch["sigma"].view(-1, 1, 1, 1) * 127.5).flatten(1)


def likeness(one: Tensor, other: Tensor) -> float:
    """The largest correlation of noises that should have nothing in common; 0 is none."""
    return float(
        torch.stack([torch.corrcoef(torch.stack(pair))[0, 1] for pair in zip(one, other, strict=True)]).abs().max()
    )


grey, random = torch.zeros(40, 3, 24, 24), torch.Generator().manual_seed(1)
photographs = data.load("photos", "test", 32)[:3]
copy = photographs.clone()
with checking("A denoiser that is perfect in training", hints) as c:
    first, second, other = spoil(grey, random), spoil(grey, random), spoil(photographs, random)
    names = sorted(first) if isinstance(first, dict) else first
    c.equal(
        names,
        ["noisy", "real", "sigma"],
        "a batch with three names",
        hint='A dictionary is asked for: "real", "noisy" and "sigma".',
    )
    if c.rows[-1].passed:
        c.shape(first.get("sigma"), (40,), "one level for each picture", hint="Each picture has a level of its own.")
        c.shape(first.get("noisy"), (40, 3, 24, 24), "the noisy pictures have the shape of the real ones")
        c.close(
            photographs,
            copy,
            "the real pictures are left as they were",
            hint="The picture itself was changed: add without +=.",
        )
        c.close(
            other["real"], copy, "and they are in the batch", hint="The batch holds the real pictures as they came."
        )
    if all(row.passed for row in c.rows):
        sigma, noise, channels = first["sigma"], noise_of(first), noise_of(first).view(40, 3, -1)
        c.true(
            not torch.equal(first["noisy"], second["noisy"]),
            "a second call gives new noise",
            "it gives the same noise again",
            hint="The noise is the same at each call, so a network learns it by heart. Who sets it back?",
        )
        c.true(
            likeness(noise[:-1], noise[1:]) < 0.15,
            "no two pictures of a batch share their noise",
            "pictures of one batch have the same noise",
            hint="All pictures of a batch get the same noise; look at the shape that is drawn.",
        )
        c.true(
            likeness(channels[:, 0], channels[:, 2]) < 0.25,
            "nor do two channels",
            "the channels have the same noise",
            hint="The channels share their noise, so all grain is grey.",
        )
        c.close(
            noise.std(),
            1.0,
            "the noise has the level that the batch names",
            0.02,
            mistakes={
                "One unit of [-1, 1] is not 255 grey levels: from black to white are 2 units.": 0.5,
                "The variance is not the standard deviation: sigma stands before the noise as it is.": float(
                    sigma.square().mean().sqrt() / 127.5
                ),
            },
            hint="The noise is not as strong as sigma says. Look at the unit.",
        )
        c.true(
            sigma.min() < 8 and sigma.max() > 52 and sigma.max() <= 60 and 22 < sigma.mean() < 38,
            "levels from 0 to 60, all equally likely",
            f"they go from {sigma.min():.1f} to {sigma.max():.1f}, with a mean of {sigma.mean():.1f}",
            hint="Each picture draws its level from 0 to 60, all equally likely.",
        )
        c.true(
            spoil(grey + 1, random)["noisy"].max() > 1,
            "nothing is clamped",
            "noise on white stays below 1",
            hint="The noisy pictures are clamped; here nothing is to be.",
        )
        c.true(
            torch.equal(
                spoil(grey, torch.Generator().manual_seed(5))["noisy"],
                spoil(grey, torch.Generator().manual_seed(5))["noisy"],
            ),
            "generators with the same seed give the same noise",
            "they give two noises: some of it does not come from `random`",
            hint="All that is random comes from the generator `random`.",
        )
### BEGIN HIDDEN TESTS
real = given("spoiler", lambda g: torch.rand(30, 3, 20, 28, generator=g) * 2 - 1)
kept, random = real.clone(), torch.Generator().manual_seed(2)
hidden_first, hidden_second = spoil(real, random), spoil(real, random)
probe("kept", hidden_first["real"])
probe("input", real, truth=lambda: kept)
probe("strength", noise_of(hidden_first).std(), within=0.04)
probe(
    "spread of the levels",
    [hidden_first["sigma"].max() <= 60, hidden_first["sigma"].max() > 40, hidden_first["sigma"].min() < 20],
)
probe("new", torch.equal(hidden_first["noisy"], hidden_second["noisy"]))
probe("alone", likeness(noise_of(hidden_first)[:-1], noise_of(hidden_first)[1:]) < 0.15)
probe(
    "channels",
    likeness(noise_of(hidden_first).view(30, 3, -1)[:, 0], noise_of(hidden_first).view(30, 3, -1)[:, 1]) < 0.25,
)
### END HIDDEN TESTS

# %% [markdown] task="removed" kind="explain" minutes=8 points=4 trains="judging a denoiser by what it takes away"
# ## What was taken away
#
# A denoiser can be known by its waste: what it was given less what it gives back, $y - G(y)$. [Buades et al.
# 2005](https://doi.org/10.1109/CVPR.2005.38) call it the method noise. Below it is drawn for two photographs, a cat and
# a bison, with noise of 25, in strong contrast around grey. First the clean photograph, then the noise itself, then the
# waste of three denoisers in an order that is not told: the Gaussian blur, non-local means, and the network that comes
# with the course.

# %%
places = {"1": ("chelsea", 50, 130), "2": ("bison", 130, 100)}
rows = {}
for name, (photograph, top, left) in places.items():
    piece = data.photo(photograph)[..., top : top + 144, left : left + 144]
    grainy = data.add_noise(piece, 25, torch.Generator().manual_seed(1))
    answers = (piece, non_local_means(grainy, 25), denoise(network, grainy, 25), blur(grainy, 0.9))
    coarse = [4 * F.avg_pool2d((grainy - one).mean(1, keepdim=True), 2) for one in answers]
    drawn = [one.clamp(-1, 1).repeat_interleave(2, -1).repeat_interleave(2, -2) for one in coarse]
    rows[name] = torch.cat([piece.mean(1, keepdim=True), *drawn])[..., 20:-20, 20:-20]
alt = (
    "Two rows: the eye of a cat, and a bison in grass. Beside each photograph are four squares of grain. The noise is even. In A "
    "a part of the bison's row is flat grey, where the grass is. B is nearly even. In C the eye's outline and the grass are drawn."
)
plot.compare(rows, titles=["clean", "the noise", "A", "B", "C"], alt=alt, width=8)

# %% [markdown]
# Say for A, B and C which denoiser it is, and by what you know it. What would the waste of a perfect denoiser look
# like? And does a waste without any trace of the picture prove that nothing of the picture was lost? Four to seven
# sentences.

# %% [markdown] explain="removed"
# C is the blur: it takes away whatever changes quickly, so its waste holds the outline of the eye and the blades of
# grass. A is non-local means. In the grass its waste is flat, so nothing was taken away there, and the noise has
# stayed. No blade looks like another, so each pixel finds nobody but itself to average with. B is the network: its
# waste is even grain, on edges and elsewhere. A perfect denoiser's waste would be the noise itself. An even waste
# proves little. Detail as fine and as faint as the grain, such as hairs, can hide in it, and so can grain that was not
# removed: the waste of B is a little fainter than the noise.
#
# **Rubric.**
#
# - 1 point: C is the blur, by the edges in its waste.
# - 1 point: A is non-local means, because where nothing looks alike it removes nothing.
# - 1 point: B is the network, and the perfect waste is the noise itself, which shows no trace of the picture.
# - 1 point: an even waste is no proof: faint fine detail may be hidden in it, or noise may be left.

# %% [markdown] task="blindfold" kind="complete" minutes=15 points=5 trains="an expectation estimated from one sample"
# ## The error, without the truth
#
# To know the error of a denoiser one compares with the clean picture. Of your own photographs there is no clean one.
# For white noise whose level is known there is a way all the same.
#
# The distance from the answer $G(y)$ to the noisy picture $y$ can be seen. It alone is no measure: who copies $y$ has
# distance 0. [Stein 1981](https://doi.org/10.1214/aos/1176345632) found what is missing: *how far does the answer
# follow the noise?* Nudge $y$ a little, by $\varepsilon b$, where each number of $b$ is $+1$ or $-1$ at random. Then
# see how much of the nudge the answer repeats ([Ramani et al. 2008](https://doi.org/10.1109/TIP.2008.2001404)). With
# the noise's standard deviation $s$ in the unit of the pictures, and $n$ numbers in $y$,
#
# $$\widehat E = \frac{1}{n} \lVert G(y) - y \rVert^2 - s^2 + \frac{2 s^2}{n} \sum_i b_i\,
# \frac{G(y + \varepsilon b)_i - G(y)_i}{\varepsilon}$$
#
# is on average the mean squared error against the clean picture, which nobody has shown to it. Write it, for images in
# [-1, 1], a level `sigma` in grey levels as in `data.add_noise`, and $\varepsilon = 0.01$.


# %% answer="blindfold"
def unseen_error(clean_up: Callable[[Tensor], Tensor], noisy: Tensor, sigma: float, random: torch.Generator) -> Tensor:
    """An estimate of the mean squared error of `clean_up(noisy)` in the unit of the images (N, C, H, W): a scalar."""
    ### BEGIN SOLUTION
    epsilon, noise = 0.01, sigma / 127.5
    nudge = torch.randint(2, noisy.shape, generator=random) * 2.0 - 1
    answer = clean_up(noisy)
    followed = (nudge * (clean_up(noisy + epsilon * nudge) - answer)).mean() / epsilon
    return (answer - noisy).square().mean() - noise**2 + 2 * noise**2 * followed
    ### END SOLUTION


# %% check="blindfold"
hints = [
    "Three terms. Try them on clean_up = lambda images: images: what should each of them be?",
    "The mean of a product over all numbers is the sum divided by n: (nudge * change).mean() / epsilon.",
    "b is torch.randint(2, shape, generator=random) * 2.0 - 1, and s is sigma / 127.5.",
]
random = torch.Generator().manual_seed(0)
clean = torch.cat([data.photo(name)[..., 60:156, 60:156] for name in ("chelsea", "coffee")])
noisy = data.add_noise(clean, 51, random)  # s = 0.4
power = float(noisy.square().mean())
copy = noisy.clone()
with checking("The error, without the truth", hints) as c:
    c.close(
        unseen_error(lambda images: images, noisy, 51, random),
        0.16,
        "who copies the noisy picture has the error of the noise, 0.4 squared",
        mistakes={
            "The third term is missing: who copies would be better than perfect.": -0.16,
            "The nudge counts twice: the third term has a factor of 2.": 0.0,
            "The noise's own s squared is to be taken off.": 0.32,
            "sigma is in grey levels, and the pictures in [-1, 1]: 127.5 to a unit.": 51.0**2,
            "From black to white are 2 units, so a unit is 127.5 grey levels, not 255.": 0.04,
            "The noise enters by its variance, s squared.": 0.4,
            "Divide the change by epsilon: it is a slope that is asked for.": -0.16 + 0.32 * 0.01,
        },
        hint="What does each of the three terms give for a copy: 0, -0.16 and 0.32? Nearly right is wrong, too: b is +1 or -1.",
    )
    c.close(
        unseen_error(lambda images: 0 * images, noisy, 51, random),
        power - 0.16,
        "a grey answer costs the power of the picture, which is that of the noisy one less the noise",
        hint="The first term is the mean of the squared differences of the answer and the noisy picture.",
    )
    c.close(
        unseen_error(lambda images: images / 2, noisy, 51, random),
        power / 4,
        "half of the noisy picture, by hand",
        hint="The first and third terms do not have the right share; work out the two by hand for images / 2.",
    )
    c.close(
        noisy,
        copy,
        "the noisy picture is left as it was",
        hint="The nudge is added to a copy: y + epsilon * b, not y += ...",
    )
    if all(row.passed for row in c.rows):
        with torch.no_grad():
            guess, error = (
                unseen_error(lambda images: network(images, 51.0), noisy, 51, random),
                (network(noisy, 51.0) - clean).square().mean(),
            )
            c.close(
                guess / error,
                1.0,
                "for the network it comes near to the true error",
                0.25,
                hint="Draw b as +1 and -1 for each number, with equal chances.",
            )
            widths = [0.5, 0.8, 1.1, 1.4, 1.7, 2.0, 2.3]
            guesses = [
                float(unseen_error(lambda images, w=width: blur(images, w), noisy, 51, random)) for width in widths
            ]
            errors = [float((blur(noisy, width) - clean).square().mean()) for width in widths]
            c.close(guesses, errors, "seven blurs, each judged without the truth", 0.006)
            c.equal(guesses.index(min(guesses)), errors.index(min(errors)), "and the best of them is found")
### BEGIN HIDDEN TESTS
noisy, gain, level = given(
    "blindfold",
    lambda g: (
        torch.randn(2, 3, 9, 12, generator=g),
        torch.rand(9, 12, generator=g),
        20 + 40 * float(torch.rand((), generator=g)),
    ),
)
random = torch.Generator().manual_seed(1)
kept = noisy.clone()
probe("a gain for each pixel", unseen_error(lambda images: gain * images, noisy, level, random), within=1e-3)
probe("bent", unseen_error(torch.tanh, noisy, level, random), within=5e-3)
probe("input", noisy, truth=lambda: kept)
probe(
    "neighbours",
    unseen_error(lambda images: images.roll(1, -1), noisy.repeat(1, 1, 20, 20), level, random),
    within=0.02,
)
### END HIDDEN TESTS

# %% [markdown] task="burst" kind="improve" minutes=30 points=6 trains="combining several looks at one thing"
# ## Four looks in the dark
#
# A telephone does not take one photograph at night. It takes several, in a burst, and the hand trembles between them.
# The mean of four has half the noise, as section 1 says, and a double image.
#
# You get four frames (4, 3, H, W) of one view, each with its own white noise of level `sigma`. The first is as it
# should be. The others are moved by whole pixels, up to 8 along each axis, and nobody knows by how many. What leaves at
# one side comes in at the other, as with `torch.roll`. Make the clean picture (3, H, W) that belongs to the first
# frame. The `network` of the course is at hand, and `denoise(network, images, sigma)`. You have 10 seconds for a burst
# of 128 x 128.
#
# How the moves can be found: two frames that lie on top of each other differ least. Try all moves, or compute the
# products of all moves at once with `torch.fft`. At a level of 60, cleaning one frame alone gives about 26 dB. The
# check asks for 28.5 dB on the eye of the cat, and the grader tries another view. As a first step, make a burst of your
# own whose moves you know.


# %% answer="burst"
def restore(frames: Tensor, sigma: float) -> Tensor:
    """The clean picture (3, H, W) in [-1, 1] of four noisy, moved frames (4, 3, H, W); the first is not moved."""
    ### BEGIN SOLUTION
    grey = frames.mean(1) - frames.mean((1, 2, 3))[:, None, None]
    waves = torch.fft.rfft2(grey)
    products = torch.fft.irfft2(waves * waves[:1].conj(), s=grey.shape[-2:])  # of the first with each, for all moves
    moves = [divmod(int(place), grey.shape[-1]) for place in products.flatten(1).argmax(1)]
    still = torch.stack(
        [frame.roll((-down, -right), (1, 2)) for frame, (down, right) in zip(frames, moves, strict=True)]
    )
    return denoise(network, still.mean(0, keepdim=True), sigma / len(frames) ** 0.5)[0]
    ### END SOLUTION


# %% check="burst"
hints = [
    "First find the moves, then undo them, then take the mean, then clean what noise is left.",
    "For each move from -8 to 8 along both axes, compare frame.roll(move, (1, 2)) with the first frame. Keep the best.",
    "The mean of four frames has noise of half the level: tell the network so.",
]


def burst(view: Tensor, sigma: float, random: torch.Generator) -> Tensor:
    """Four noisy frames of a view (3, H, W), the last three moved: (4, 3, H, W)."""
    moves = torch.randint(-8, 9, (4, 2), generator=random)
    moves[0] = 0
    moved = torch.stack([view.roll(tuple(move), (1, 2)) for move in moves.tolist()])
    return data.add_noise(moved, sigma, random)


view = data.photo("chelsea")[0, :, 100:228, 120:248]
frames = burst(view, 60, torch.Generator().manual_seed(2))
copy = frames.clone()
with checking("Four looks in the dark", hints) as c:
    started = time.process_time()
    restored = restore(frames, 60)
    seconds = time.process_time() - started
    c.shape(
        restored, (3, 128, 128), "one picture (3, H, W)", hint="One picture is asked for, without a batch: (3, H, W)."
    )
    c.close(frames, copy, "the frames are left as they were", hint="Move copies of the frames: yours have changed.")
    c.true(
        seconds < 10,
        "within 10 seconds of computing",
        f"it took {seconds:.1f}",
        hint="Too slow: try the moves on one channel, or use torch.fft.",
    )
    if all(row.passed for row in c.rows):
        restored = restored.detach().clamp(-1, 1)
        quality = float(metrics.psnr(view[None], restored[None]))
        quiet = burst(view, 0, torch.Generator().manual_seed(3))
        sharp = float(metrics.psnr(view[None], restore(quiet, 0.0).detach().clamp(-1, 1)[None]))
        away = [float(metrics.psnr(view[None], one[None])) for one in (frames.mean(0).clamp(-1, 1), restored)]
        c.true(
            sharp > 28,
            "frames without noise come together",
            f"they give {sharp:.1f} dB, so the picture is doubled or moved",
            hint="The frames do not lie on top of each other: undo each move, in the opposite direction.",
        )
        advice = (
            "There is noise left: the mean of four frames still has half of it."
            if quality < 22
            else "This is what one frame gives. Use all four."
            if quality < 26.5
            else "Nearly. The network is told a level that is not the one that is left."
        )
        c.true(quality > 28.5, "28.5 dB or more on the cat", f"it has {quality:.2f} dB", hint=advice)
### BEGIN HIDDEN TESTS
hidden_view = data.photo("coffee")[0, :, 100:228, 120:248]
hidden_frames = given("burst", lambda g: burst(hidden_view, 50, g))
probe("restored", restore(hidden_frames, 50.0), truth=lambda: hidden_view, within=0.0045, mean_square=True)
### END HIDDEN TESTS
