# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 07 Super-resolution
#
# **Which detail can be recovered, and which is invented?**
#
# A small picture is to become four times as wide and four times as high. Fifteen of sixteen pixels are missing. A
# network that has seen many photographs fills them in, and the result can be astonishing. This chapter builds such a
# network, trains it with three losses one after the other, and then asks of each detail where it came from. The
# formula of the course has its three terms here, and each can be watched at work:
#
# $$L = L_\mathrm{pixel} + \lambda\, L_{FD} + \mu\, L_\mathrm{adv}, \qquad
# L_{FD} = \sum_i d\big(F_i(x), F_i(G(y))\big)$$
#
# $x$ is a photograph, $y$ the same photograph made small, $G(y)$ the enlargement. Each $y$ comes with its $x$: these
# are the pairs that chapter 06 found missing.
#
# | | |
# | --- | --- |
# | **You will learn** | why many large pictures fit one small one; to make pairs for nothing; to enlarge without a checkerboard; how much of the detail a network *knows*, frequency by frequency; what a feature loss and a discriminator add; why likeness and realism cannot both be had |
# | **You need** | chapters 02 and 06. No GPU and no network |
# | **It takes** | about 70 minutes to read. The machine needs about a minute on two CPU cores |

# %%
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor, nn

from minigan import hardware, metrics, plot, train, weights
from minigan.backbones import Backbone
from minigan.course import checking, measured, pick, plane
from minigan.course.checking import NotYet
from minigan.course.spectrum import comb, drawn_and_right, windowed_spectrum
from minigan.data import downscale, known, load, photo, resize, to_pixels, to_signed
from minigan.nets import initialise_for_leaky_relu, upsample
from minigan.perceptual import FeatureDistance
from minigan.plot import FAKE, GREEN, REAL
from minigan.train import Batch, Terms, TrainConfig, TrainState

device = hardware.device()

# %% [markdown]
# ## 1. One small picture, many large ones
#
# The two ways: `shrunk` makes a small picture, with the low-pass filter of chapter 00 and rounded to the 256 levels of
# a file. `enlarged` is the classical way back, bicubic interpolation: a smooth surface through the given points.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Fifteen of sixteen pixels are missing
#
# $$L = L_\mathrm{pixel} + \lambda\, L_{FD} + \mu\, L_\mathrm{adv}$$
#
# Which detail can be recovered, and which is invented?
#
# ???
# (3 min) Four times as wide, four times as high. The three terms of the course's formula come one after the other, and
# each can be watched at work. Ask for uses where invented detail does no harm (a picture on the wall) and where it does
# (a number plate, an X-ray). Come back to the list at the end.

# %% minigan="apps.superres"
# enlarged, shrunk

# %% [markdown]
# Is there *one* way back? Take a photograph and add a pattern to it, a question mark of fine stripes. Take from the
# pattern whatever of it the small picture would show, again and again, until nothing is left of that. What remains is
# invisible at the small size.
#
# **Predict.** The large pictures differ plainly. In how many of their pixels do the small ones differ?

# %%
large = photo("chelsea")[..., 60:188, 110:238] / 2  # half its contrast, to leave room for a pattern


def striped(text: str, side: int) -> Tensor:
    """A sign filled with stripes of three pixels: (1, 1, side, side), from -1 to 1 and 0 outside."""
    sheet = Image.new("L", (side, side))
    font = ImageFont.load_default(0.9 * side)
    ImageDraw.Draw(sheet).text((side // 2, side // 2), text, 255, font, anchor="mm", stroke_width=side // 25)
    shape = torch.from_numpy(np.array(sheet)).float()[None, None] / 255
    across = torch.arange(side)
    return shape * torch.sin(2 * math.pi * (across + across[:, None]) / 3)


hidden = 0.45 * striped("?", 128).expand(-1, 3, -1, -1)
for _ in range(40):
    hidden = hidden - enlarged(downscale(hidden, 4), 4)
twin = (large + hidden).clamp(-1, 1)
small = shrunk(large, 4)
for name, one, other in (("large", large, twin), ("small", small, shrunk(twin, 4))):
    levels = (to_pixels(one).int() - to_pixels(other).int()).abs()
    print(f"{name}: {(levels > 0).float().mean():.1%} of the numbers differ, by {int(levels.max())} of 255 at most")


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two large pictures, one small one
#
# The large ones differ plainly. How much do the small ones differ?
#
# ???
# (5 min) Take guesses in per cent of the pixels, then press the key. Whatever of the question mark the small picture
# would show has been taken away, again and again. What is left is rounding at most. There are as many twins as there
# are patterns, and they fill all but a sixteenth of the space of large pictures. Whoever enlarges must choose, by
# experience: cats have fur, seldom question marks.


# %% slideshow={"slide_type": "fragment"}
def zoomed(images: Tensor, times: int = 4) -> Tensor:
    """Each pixel as a square, to look at small pictures."""
    return images.repeat_interleave(times, -1).repeat_interleave(times, -2)


row = {"photograph": large, "its twin": twin, "both made small": zoomed(small), "bicubic": enlarged(small, 4)}
alt = (
    "A cat's face four times: the photograph; the same with a large striped question mark over it; coarse squares, "
    "which is what both become when made small, without a trace of the mark; and the bicubic enlargement, a blurred cat."
)
plot.compare({"": torch.cat(list(row.values()))}, titles=list(row), alt=alt, width=7)

# %% [markdown]
# What still distinguishes the small ones is rounding at most, and here not even that. No method can tell from the small
# picture which of the two it was. There are as many twins as there are patterns of this kind, and
# they fill all but a sixteenth of the space of large pictures. Whoever enlarges must *choose* one, and has nothing to
# choose by but experience: cats have fur, seldom question marks.
#
# ## 2. Experience: pairs that cost nothing
#
# Experience comes as pairs of a photograph and the same photograph made small. One needs only photographs. The three
# functions that follow serve chapters 08 to 10 as well: they differ only in how a photograph is spoiled.

# %% minigan="apps.photographs"
# Spoil, Draw, whole_photographs, random_crop, pairs

# %% minigan="apps.superres"
# shrinking

# %% [markdown]
# The 65 training photographs give crops without end: any place, turned by right angles and mirrored. All comparisons
# of this chapter are made on the 19 held-out ones, which no network here has seen.

# %% tags=["nbval-check-output"]
lessons = whole_photographs()
test_names = load("photos", "test").names
held_out = [
    to_signed(one[:, : one.shape[1] // 4 * 4, : one.shape[2] // 4 * 4])[None] for one in whole_photographs("test")
]
print(f"{len(lessons)} photographs to learn from, {len(held_out)} held out")
random = torch.Generator().manual_seed(0)
crops = to_signed(torch.stack([random_crop(lessons, 96, random) for _ in range(6)]))
print({name: tuple(images.shape) for name, images in ({"real": crops} | shrinking(4)(crops, random)).items()})

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Spoil a photograph, and the pair is there
#
# ???
# (3 min) Chapter 06 missed the pairs; here they come by themselves. Spoil a photograph, keep the original. Ask what the
# network will know, and what not: this one way of shrinking, and clean pictures. The last but one slide shows what it
# does with others. 65 photographs to learn from, turned and mirrored, 19 held out.

# %% slideshow={"slide_type": "-"} tags=["slide-title-1"]
alt = (
    "Six square pieces of photographs, of animals and buildings, some lying on their side, and below each the same as "
    "24 x 24 coarse pixels."
)
plot.compare({"real": crops, "small": zoomed(shrunk(crops, 4))}, alt=alt, width=6.4)

# %% [markdown]
# ## 3. A network that works at the small size
#
# Three decisions make a small network good enough:
#
# 1. **It predicts what bicubic enlargement lacks**, not the whole picture. The easy part is done already, and the last
#    layer starts at 0: an untrained network *is* bicubic enlargement.
# 2. **It thinks small.** Nearly all layers work on the small picture, where a layer costs a sixteenth of what it costs
#    at the large size ([Shi et al. 2016](https://arxiv.org/abs/1609.05158)). Only the last steps go up.
# 3. **Its blocks are residual and without batch norm** ([Lim et al. 2017](https://arxiv.org/abs/1707.02921)). Batch
#    norm would divide out contrast, and contrast is what is to be kept.

# %% minigan="apps.photographs"
# ResidualBlock

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Predict what bicubic lacks, and think small
#
# $$G(y) = \mathrm{bicubic}(y) + r_\theta(y), \qquad r_\theta = 0 \text{ at the start}$$
#
# Layers at the small size cost a sixteenth. No batch norm: contrast is to be kept.
#
# ???
# (4 min) Three decisions make a small network good enough. Ask what an untrained network of this kind draws: bicubic
# enlargement, exactly, so training can only add. Ask why not batch norm, which helped in chapter 02: it would divide
# out contrast, which is what is to be restored.

# %% minigan="apps.superres"
# Upscaler

# %% tags=["nbval-check-output"]
untrained = Upscaler(4)
print("an untrained network is bicubic:", torch.equal(untrained(small), enlarged(small, 4)))
print(
    f"{sum(weight.numel() for weight in untrained.parameters()):,} weights; {untrained.reach} pixels around one have a say in it"
)

# %% [markdown]
# ## 4. The smallest pixel error
#
# What it takes to train stands in one `Task`: the network, how a photograph is spoiled, what is made of it, the terms of
# the loss, the configuration. `learn` is `train.fit` of chapter 02 with a learning rate that falls as half a cosine:
# large steps first, small ones at the end, to take out the noise that the large ones leave in the weights.

# %% minigan="apps.photographs"
# Task, begin, learn, EYES, feature_distance, terms

# %% [markdown]
# `terms` gives the error of the pixels, and a feature distance where there is one. That is for section 7. For now the
# error alone, the mean absolute difference:
#
# $$L_\mathrm{pixel} = \frac{1}{3HW} \sum \lvert x - G(y) \rvert$$

# %% minigan="apps.superres"
# STYLES, LAYERS, FEATURES, ADVERSARIAL, R1, begun_with, PatchDiscriminator, task, magnified, enlarge

# %%
few = held_out[: pick(quick=2, cpu=6, full=None)]
Make = Callable[[Tensor], Tensor]


def quality(make: Make) -> float:
    """The mean PSNR of held-out photographs, made small and enlarged again."""
    return float(torch.stack([metrics.psnr(one, make(shrunk(one, 4)).clamp(-1, 1)) for one in few]).mean())


torch.manual_seed(0)
plan = task(4, images=pick(quick=32, cpu=2_400, full=60_000))
plan = replace(plan, config=replace(plan.config, ema_half_life=400))
state = learn(plan, begin(plan), lessons, title="pixel", log_every=pick(quick=16, cpu=240, full=1_600))
hardware.return_unused_memory()

# %% [markdown]
# **Predict.** By how many decibels does a network that has learnt for a minute beat bicubic on photographs that it has
# never seen? And one that has learnt ten times as long?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Outlines come back, fur does not
#
# A minute of training against bicubic, on photographs it has never seen. By how many decibels?
#
# ???
# (4 min) Expect several decibels; it is less than one, and the shipped network, which learnt far longer, does not reach
# one either. Press the key. The rim of the eye and the lines of the roof are there: an edge in the small picture leaves
# few doubts about the edge in the large one. In the fur the doubts are large, and the network has drawn nothing. More
# training does not change that. Why?

# %% slideshow={"slide_type": "fragment"}
pixel = weights.shipped_app("superres_x4_pixel", Upscaler)[0].to(device)
makers: dict[str, Make] = {
    "bicubic": lambda small: enlarged(small, 4),
    "after a minute": lambda small: enlarge(state.average, small),
    "shipped": lambda small: enlarge(pixel, small),
}
for name, make in makers.items():
    print(f"{name:15} {quality(make):.2f} dB")


def side_by_side(makers: dict[str, Make], pieces: dict[str, tuple[int, int]], alt: str, side: int = 96) -> None:
    """Pieces of held-out photographs as they are and as each of the makers enlarges them, at twice their size."""
    rows = {}
    for name, (top, left) in pieces.items():
        whole = held_out[test_names.index(name)]
        made = [whole] + [make(shrunk(whole, 4)).clamp(-1, 1) for make in makers.values()]
        rows[name] = torch.cat([one[..., top : top + side, left : left + side] for one in made])
    plot.compare(rows, titles=["photograph", *makers], alt=alt, width=1.35 * (len(makers) + 1))
    hardware.return_unused_memory()


alt = (
    "Pieces of a cat's face and of a palace: the photograph, bicubic, after a minute of training, and shipped. Bicubic "
    "is blurred; the others have clear outlines and lines, the shipped one the clearest; fur and carving stay smooth."
)
side_by_side(makers, {"chelsea": (96, 140), "mysorePalace": (130, 170)}, alt)

# %% [markdown]
# Outlines come back: the rim of the eye, the lines of a roof. An edge in the small picture leaves few doubts about the
# edge in the large one. Where the doubts are large, in the fur, the network has drawn *nothing*. More training does not
# change that, as the shipped network shows. Section 6 asks why.
#
# ## 5. Going up without a checkerboard
#
# How does a map of features become twice as wide and high? Chapter 02 built three ways into `nets.upsample`, and each
# can leave a pattern of its own on the picture, at the frequency of its grid. Give them a map *without any detail*, the
# same vector everywhere, and fresh random weights. Whatever pattern comes out is their own.
#
# | way | what it does |
# | --- | --- |
# | transposed 3 x 3 | each input pixel stamps a 3 x 3 kernel, two pixels apart: the stamps overlap at every second pixel |
# | transposed 4 x 4 | the kernel is twice the stride, so all pixels get equally many stamps ([Odena et al. 2016](https://doi.org/10.23915/distill.00003)) |
# | pixel shuffle | four channels become the four pixels of a block, each made by a kernel of its own |
# | ... with ICNR | the four kernels start equal ([Aitken et al. 2017](https://arxiv.org/abs/1707.02937)) |
# | resize | nearest neighbour, then an ordinary convolution |
#
# A slip that has been copied around is in the figure too. ICNR needs each kernel four times *in a row*, because pixel
# shuffle makes a block of four neighbouring channels: `repeat_interleave`. Plain `repeat` puts the equal kernels into
# four different channels of the picture.
#
# **Predict.** Which of the six show a pattern?


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Only two ways up leave a flat map flat
#
# A map without detail, fresh weights. Six ways: two transposed convolutions, pixel shuffle, ICNR by `repeat`, ICNR,
# resizing. Which show a pattern?
#
# ???
# (5 min) Whatever pattern comes out is the own one of the layer. Votes before the key. Expect only the first, for
# kernel 4 with stride 2 is known as the mend. It evens out the number of stamps, not their sum. The fourth is a slip
# that has been copied around: `repeat` in place of `repeat_interleave`. ICNR starts flat and may part in training;
# after resizing a flat map stays flat whatever the weights are.


# %% slideshow={"slide_type": "fragment"}
def fresh(way: str, inputs: int = 16, outputs: int = 16) -> nn.Module:
    """A layer that doubles the sides, with random weights."""
    if way == "transposed 3 x 3":
        return nn.ConvTranspose2d(inputs, outputs, 3, 2, 1, output_padding=1, bias=False)
    if way in ("resize", "transposed 4 x 4"):
        return upsample(inputs, outputs, way.split()[0])
    layer = upsample(inputs, outputs, "pixel_shuffle")  # with ICNR
    kernels = layer[0].weight.data
    if way == "shuffle, no ICNR":
        nn.init.kaiming_normal_(kernels)
    elif way == "ICNR by repeat":
        kernels.copy_(kernels[::4].repeat(4, 1, 1, 1))
    return layer


WAYS = ("transposed 3 x 3", "transposed 4 x 4", "shuffle, no ICNR", "ICNR by repeat", "ICNR", "resize")
flat = torch.randn(1, 16, 1, 1, generator=torch.Generator().manual_seed(3)).expand(-1, -1, 48, 48)
torch.manual_seed(0)
with torch.no_grad():
    own = {way: fresh(way)(flat)[:, :3, 16:80, 16:80] for way in WAYS}
own = {way: one - one.mean((2, 3), keepdim=True) for way, one in own.items()}
strength = {way: float(one.square().mean().sqrt()) for way, one in own.items()}

alt = (
    "Six patterns with their spectra below. Both transposed convolutions, pixel shuffle without ICNR and ICNR by repeat "
    "show a checkerboard, and bright dots at the edges of the spectrum. ICNR and resize are flat and their spectra empty."
)
with plot.figure(6, 2, alt=alt, size=(1.6, 1.75)) as axes:
    for (upper, lower), (way, one) in zip(axes.T, own.items(), strict=True):
        upper.imshow((one[0, :, :12, :12].permute(1, 2, 0) / (5 * max(strength.values())) + 0.5).clamp(0, 1))
        upper.set_title(way, fontsize=9)
        power = windowed_spectrum(one, 64).abs().square().mean(0)
        lower.imshow(torch.fft.fftshift(power + 1e-6).log10(), vmin=-6, vmax=3, cmap="magma")
        for axis in (upper, lower):
            axis.axis("off")
for way, deviation in strength.items():
    print(f"{way:16} {deviation:.3f}")

# %% [markdown]
# In the spectra the middle is the frequency 0, and the border is the highest that pixels can hold, one period in two
# pixels. A grid of period 2 is bright dots there and nothing else.
#
# Two ways have no pattern of their own: ICNR as it is meant, and resizing. The famous mending of transposed
# convolution, a kernel that is a multiple of the stride, evens out the *number* of stamps. With random weights it does
# not even out their *sum*: each of the four pixels of a block sees weights of its own.
#
# And there is a difference between those two. With ICNR the kernels *start* equal; training may part them. After
# resizing, a flat map stays flat **whatever the weights are**, since every pixel sees the same. Keep that in mind for
# section 7.
#
# ## 6. How much does it know?
#
# ### The smallest error is the mean of all that fits
#
# A world with two pictures: black and white stripes, and the same with black and white exchanged. Made small, both are
# the same even grey. What should $G(\text{grey})$ be? Say it draws stripes of contrast $a$, from $-1$, the one picture,
# over 0, grey, to 1, the other:
#
# $$\mathbb{E}\,(x - G)^2 = \tfrac12 (1 - a)^2 + \tfrac12 (1 + a)^2 = 1 + a^2$$
#
# The smallest error is at $a = 0$: grey, the mean of the two, a picture that *does not exist in this world*. It is
# not a matter of training or of size; it is what has been asked for. (Chapter 09 computes it in a richer world. For
# the absolute error the mean becomes a median, with the same effect.) And the price of a picture that does exist is
# known, too: at $a = \pm 1$ the error is **twice** the smallest one, 3 dB, since the guess is then as far from the mean
# as the truth is.
#
# ### Drawn and right
#
# Photographs are such a world at each frequency: coarse stripes are known, fine ones are not. Two numbers say it, for
# each ring of frequencies of the spectra $X$ of the photograph and $Y$ of the result, summed over ring and pictures:
#
# $$\text{drawn} = \frac{\sum |Y|^2}{\sum |X|^2}, \qquad
# \text{right} = \frac{\mathrm{Re} \sum X \bar Y}{\sqrt{\sum |X|^2 \sum |Y|^2}}$$
#
# *Drawn* is how much detail is there; 1 is as much as in reality. *Right* is the correlation of the details; 0 means
# that they have nothing to do with those of the photograph.
#
# If $Y$ is the mean of all $X$ that fit, then $\mathbb{E} X \bar Y = \mathbb{E} |Y|^2$. Put that in, and a law comes
# out: **drawn = right²**. A network with the smallest squared error draws exactly as much as it knows.


# %% [markdown] slideshow={"slide_type": "slide"}
# ## The smallest error is a picture that does not exist
#
# $$\mathbb{E}\,(x - G)^2 = \tfrac12 (1 - a)^2 + \tfrac12 (1 + a)^2 = 1 + a^2$$
#
# Two striped pictures, black and white exchanged. Both become the same grey.
#
# ???
# (5 min) Draw the two on the board. A network that draws stripes of contrast a has this error; ask where it is least.
# At a = 0: even grey, which does not exist in this world. It is no matter of training or of size, it is what has been
# asked for. At a = 1 or -1, a picture that does exist, the error is twice as large, 3 dB. Keep that number.


# %% [markdown] slideshow={"slide_type": "slide"}
# ## The best network draws exactly as much as it knows
#
# $$\text{drawn} = \frac{\sum |Y|^2}{\sum |X|^2}, \qquad
# \text{right} = \frac{\mathrm{Re} \sum X \bar Y}{\sqrt{\sum |X|^2 \sum |Y|^2}}, \qquad
# \text{drawn} = \text{right}^2$$
#
# $X$ the spectrum of the photograph, $Y$ that of the result.
#
# ???
# (4 min) For each ring of frequencies two numbers: how much detail is there, and how far it agrees with the true
# detail. If Y is the mean of all X that fit, E[X conj(Y)] = E[|Y|²]. Let the room put that in: the law follows in one
# line.


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Drawn and right follow the law on real photographs
#
# Grey line: the finest that the small picture can hold.
#
# ???
# (4 min) Ask what the two blue curves should do by the law: run together. Left of the line the network mends what the
# low-pass filter has weakened. Right of it nothing was left, so what is drawn there is experience, such as that edges
# are sharp; and it soon ends. So this much can be recovered. The rest can only be invented, or left out.


# %% slideshow={"slide_type": "-"}
def spectra_of(make: Make) -> tuple[Tensor, Tensor]:
    """How much is drawn and how much is right, over the frequencies, on held-out photographs."""
    return drawn_and_right(
        (one, make(shrunk(one, 4)).clamp(-1, 1))
        for one in (whole[..., :320, :320] for whole in held_out[: pick(quick=2, cpu=10, full=None)])
    )


frequencies = [(ring + 0.5) / 32 for ring in range(16)]
found = {name: spectra_of(make) for name, make in (("bicubic", makers["bicubic"]), ("pixel", makers["shipped"]))}
alt = (
    "Two curves over the frequency, from 1 on the left to 0: how much detail the pixel net draws, and the square of how "
    "much is right. They run close together. Bicubic draws less. A line marks the highest frequency of the small picture."
)
with plot.figure(alt=alt, size=(6.4, 3.4)) as axis:
    axis.plot(frequencies, found["bicubic"][0], color=plot.GOLD, label="bicubic: drawn")
    axis.plot(frequencies, found["pixel"][0], color=REAL, label="pixel net: drawn")
    axis.plot(
        frequencies, found["pixel"][1].clamp(min=0).square(), color=REAL, ls="--", label="pixel net: right, squared"
    )
    axis.axvline(1 / 8, color="grey", lw=1)
    axis.set(xlabel="frequency, periods in a pixel", ylabel="share", ylim=(-0.03, 1.08))
    axis.legend()
beyond = [number for number, frequency in enumerate(frequencies) if frequency > 1 / 8]
print(
    "just beyond the line, bicubic and the pixel net draw "
    f"{found['bicubic'][0][beyond[0]]:.0%} and {found['pixel'][0][beyond[0]]:.0%} of the detail"
)

# %% [markdown]
# The grey line is the finest that the small picture can hold, one period in eight pixels of the large one. Left of it
# the network mends what the low-pass filter has weakened. Right of it nothing was left to mend: whatever is drawn there
# comes from experience, such as that edges are sharp. It is real knowledge, for it is right more often than not; and
# it soon ends.
#
# The two blue curves belong together as the law says. So this is the answer to the first half of the question: **what
# can be recovered is what the pixel net draws**, a little beyond the line. The rest of the picture's texture, more than
# half of the range of frequencies, cannot be known. It can only be invented, or left out.
#
# ## 7. Ask for features: detail, and a trap
#
# Now $L_{FD}$ of chapter 06, with pairs at last, on three layers of EfficientNet-Lite0. Its deeper layers do not mind
# where exactly a hair is, as long as there are hairs. So the network may gain by drawing some.
#
# Feature networks look at every second pixel, then at every fourth. Seen through a window that never moves, always the
# same pixels would be pulled. `terms` therefore moves the window from batch to batch. Is that enough? Three short
# trainings, all of them from the shipped pixel net: with a fixed window; with a moving one; and with a moving one and
# a new way up, that of resizing.
#
# **Predict.** Where will a pattern grow?

# %%
images = pick(quick=16, cpu=800, full=8_000)


def with_features(upsampling: str, moving: bool) -> Upscaler:
    """The shipped pixel net after a short training with the feature loss as well."""
    torch.manual_seed(0)
    plan = task(4, "features", pixel, images)
    network = deepcopy(pixel).requires_grad_() if upsampling == "pixel_shuffle" else plan.network
    config = replace(plan.config, ema_half_life=200)
    plan = replace(plan, network=network, terms=terms(feature_distance(LAYERS), moving=moving), config=config)
    state = learn(plan, begin(plan), lessons, quiet=True)
    hardware.return_unused_memory()
    return state.average


short = {
    "fixed window": with_features("pixel_shuffle", moving=False),
    "moving window": with_features("pixel_shuffle", moving=True),
    "and resizing": with_features("resize", moving=True),
}


def grid(make: Make) -> float:
    """By how many decibels the grid of four pixels stands out of the spectrum; photographs have none."""
    return sum(comb(make(shrunk(one, 4)).clamp(-1, 1), 4) for one in few) / len(few)


hatched: dict[str, Make] = {"pixel net": makers["shipped"]}
hatched |= {name: (lambda small, network=network: enlarge(network, small)) for name, network in short.items()}
print(f"photographs    {sum(comb(one, 4) for one in few) / len(few):+5.1f} dB")
for name, make in hatched.items():
    print(f"{name:14} {grid(make):+5.1f} dB   PSNR {quality(make):.2f} dB")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## To a deep layer a lattice is nearly fur
#
# Three trainings with features: a fixed window, a moving one, a moving one with resizing. Where does a pattern grow?
#
# ???
# (4 min) Feature networks look at every second pixel, then at every fourth. Expect: only with the fixed window. Press
# the key, and go close to the screen: a faint lattice in both, none with resizing. Where the network has a weight of
# its own for each of the sixteen pixels it finds the cheap trick, and texture of any kind is nearer to fur than none.
# An optimiser finds what a measure is blind to.

# %% slideshow={"slide_type": "fragment"}
alt = (
    "Pieces of a cat's face and of a palace as photographs, by the pixel net, and after three short trainings with "
    "features: a fixed window, a moving window, and a moving window with a way up by resizing."
)
side_by_side(hatched, {"chelsea": (96, 140), "mysorePalace": (130, 170)}, alt, 72)

# %% [markdown]
# The window is not the whole answer. Where the network has a weight of its own for each of the sixteen pixels of a
# block, it finds the same cheap trick either way: a faint lattice, everywhere. To the deeper layers a lattice is
# *texture*, and texture is nearer to fur than no texture is. Look at the layers one by one, and they contradict each
# other:

# %%
with torch.no_grad():
    eyes = feature_distance(("block0", "block1.expand", "block2.expand", "block4.expand")).to(device)
    whole = few[0][..., :192, :192]
    seen = eyes.backbone(whole.to(device))
    for name in ("pixel net", "moving window", "and resizing"):
        by_layer = eyes.by_layer(seen, eyes.backbone(hatched[name](shrunk(whole, 4)).clamp(-1, 1).to(device)))
        print(f"{name:14}" + "".join(f"   {layer} {float(one):.3f}" for layer, one in by_layer.items()))
hardware.return_unused_memory()

# %% [markdown]
# The earliest layer, which sees single pixels, finds all this worse than the pixel net's picture, and the later ones
# find it better. An optimiser finds what a measure is blind to (section 3 of chapter 06 has met it). So `block0` stays in
# the sum as a counterweight. It does not suffice, as the figure shows; what does is a way up that cannot draw a lattice
# on a flat map, whatever it has learnt. `begun_with` keeps what the pixel net knows about small pictures and makes the
# way up anew.
#
# ## 8. Ask for a neighbourhood that looks real
#
# The third term of the formula. A discriminator looks at neighbourhoods of about forty pixels and votes: photograph or
# made ([Isola et al. 2017](https://arxiv.org/abs/1611.07004), [Ledig et al. 2017](https://arxiv.org/abs/1609.04802))?
# It need not know what the picture is of, and it is not asked whether the detail is *right*. It asks only whether
# there could be such detail.
#
# What does it see in the pixel net's results? Train the discriminator alone for a moment, and let it vote on a
# photograph that it does not know.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A discriminator sees which one was made
#
# It votes on each neighbourhood: could there be such detail?
#
# ???
# (4 min) It was trained alone for a moment, and has not seen this photograph. Bright means "photograph". Ask where on
# the real cat it is unsure, and whether the room would be. It need not know what the picture is of, and nobody asks it
# whether the detail is right. Its gradient tells G what to change where the votes are low.

# %% slideshow={"slide_type": "-"}
torch.manual_seed(0)
plan = task(4, "adversarial", begun_with(pixel, upsampling="resize"), images)
watch = begin(plan)
draw = pairs(lessons, 64, shrinking(4))
for _ in range(pick(quick=2, cpu=120, full=1_000)):
    batch = draw(watch)
    train.discriminator_step(watch, batch["real"], enlarge(pixel, batch["small"]).to(device))
    watch.steps += 1

hardware.return_unused_memory()
cat = held_out[test_names.index("chelsea")][..., 40:264, 100:324]
made = enlarge(pixel, shrunk(cat, 4))
with torch.no_grad():
    votes = [watch.discriminator(one.to(device))[0].sigmoid().cpu() for one in (cat, made)]
alt = (
    "The cat's face as a photograph and by the pixel net, each with a map of the discriminator's votes, from 0, made, "
    "to 1, photograph. The photograph's map is the brighter one."
)
with plot.figure(4, alt=alt, size=(2.3, 2.4)) as axes:
    for axis, shown, name in zip(axes[::2], (cat, made), ("photograph", "pixel net"), strict=True):
        axis.imshow(plot.tile(shown))
        axis.set_title(name)
    for axis, vote in zip(axes[1::2], votes, strict=True):
        axis.imshow(vote, vmin=0, vmax=1, cmap="magma")
        axis.set_title(f"votes, mean {float(vote.mean()):.2f}")
    for axis in axes:
        axis.axis("off")

# %% [markdown]
# Its gradient tells $G$ what to change where the votes are low. A game between two networks needs more than a minute,
# so from here on the shipped networks speak. They have the code of this chapter, and each began with the one before:
# pixel, features, adversarial (`benchmarks/shipped/apps.py`).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The crispest column is not the truest
#
# Which column would you hang on a wall? In which are the hairs *there*?
#
# ???
# (5 min) Cover the left column first and let the room choose a column for the wall. Then uncover it and look for single
# hairs and stones. The adversarial one is crisp, with some grain in fur and stone; none has the hairs. These are the
# shipped networks, each begun with the one before: pixel, features, adversarial.

# %% slideshow={"slide_type": "-"}
makers = {"bicubic": lambda small: enlarged(small, 4)}
for style in STYLES:
    network = weights.shipped_app(f"superres_x4_{style}", Upscaler)[0].to(device)
    makers[style] = lambda small, network=network: enlarge(network, small)
alt = (
    "Pieces of three held-out photographs as they are, by bicubic, blurred, and by the three shipped networks, with clear "
    "outlines. The adversarial ones are the crispest, with some grain in fur and stone; none has the single hairs of the fur."
)
shown = {"chelsea": (96, 140), "mysorePalace": (130, 170), "china": (120, 200)}
side_by_side(makers, shown, alt)

# %% [markdown]
# Cover the left column and ask yourself which column you would hang on a wall. Then uncover it, and look for single
# hairs and single stones. How many of them are *there*?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## More is drawn, and no more of it is right
#
# Draw two curves for each network: how much detail, and how right.
#
# ???
# (6 min) This is the answer to the chapter's question, so give the room time to draw, then press the key. On the left
# the losses differ by factors, on the right hardly at all. Features and adversary have not made the network know more.
# What they add is plausible, and unrelated to what was there. Take the list of uses from the beginning: an enlarged
# number plate is no evidence.

# %% slideshow={"slide_type": "fragment"}
del watch, draw, batch
hardware.return_unused_memory()
found = {name: spectra_of(make) for name, make in makers.items()}
hardware.return_unused_memory()
alt = (
    "Two charts over the frequency. Left: detail drawn, as a share of reality, least for bicubic, most for the "
    "adversarial net. Right: how right the detail is; the curves of the three networks lie close together and fall to 0."
)
with plot.figure(2, alt=alt, size=(4.4, 3.3)) as axes:
    for colour, (name, (drawn, right)) in zip((plot.GOLD, REAL, GREEN, FAKE), found.items(), strict=True):
        axes[0].plot(frequencies, drawn.clamp(min=1e-4), color=colour, label=name)
        axes[1].plot(frequencies, right, color=colour)
    axes[0].set(title="drawn", yscale="log", xlabel="periods in a pixel")
    axes[1].set(title="right", xlabel="periods in a pixel")
    for axis in axes:
        axis.axvline(1 / 8, color="grey", lw=1)
    axes[0].legend()

# %% [markdown]
# This figure is the answer to the question of the chapter. On the left the three losses differ by factors, on the right
# hardly at all. Features and adversary have not made the network *know* more. What they add to the picture's texture is
# invented: plausible, and unrelated to what was there.
#
# So an enlarged number plate is no evidence, and an enlarged X-ray is dangerous. For a picture on the wall it is just
# what one wants.
#
# ## 9. The plane of distortion and perception
#
# Section 6 gave the price of a picture that exists: at most 3 dB. [Blau & Michaeli
# 2018](https://arxiv.org/abs/1711.06077) proved that it is a law. Let *distortion* be any error against the original,
# and *perception* how far the results, as a whole, are from looking like photographs. Then no method can be best at
# both, and there is a curve that none can cross. For the squared error its far end, perfect realism, costs no more than
# twice the smallest error.
#
# In the world of stripes the whole curve can be written down, with $a$ from 0 to 1: distortion $1 + a^2$, and a lack of
# realism of $1 - a$. For photographs there are points, by `benchmarks/superres.py` on all held-out photographs in their
# full size. Distortion is the pixels' error. For perception a network is asked that trained nothing in this course
# (chapter 03 has shown why it must not), and it is asked in two ways:
#
# - **the judge**: how far are its features of the result from those of *the original*, place by place?
# - **realism**: how far are all its features of all results, as a crowd, from those of *other photographs*? It is the
#   Fréchet distance of chapter 03, on squares of 64 pixels. No original is needed.
#
# **Predict.** Which of the two will like the adversarial net? Remember what section 8 found about *right*.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Likeness and realism cannot both be best
#
# $$\text{distortion} = 1 + a^2, \qquad \text{lack of realism} = 1 - a$$
#
# The stripes again. The far end costs 3 dB, and never more.
#
# ???
# (4 min) Sketch the curve for a from 0 to 1 and ask for a method in the lower left corner. There is none, and Blau and
# Michaeli proved that this is a law: no method crosses the curve, and for the squared error perfect realism costs no
# more than twice the smallest error. Distortion is any error against the original; realism looks at the results as a
# crowd, and needs no original.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Realism sees the difference, the judge does not
#
# The judge compares with the original, place by place. Realism compares crowds.
#
# ???
# (5 min) Ask before the key which of the two will like the adversarial net, and remind them how little of its detail is
# right. Press the key. To a comparison place by place, a hair invented one pixel beside the true one is two mistakes.
# So the judge is a distortion too. To be honest: nearest neighbour, not shown, gets a realism as good as the
# adversarial net's, for squares have sharp edges. No single number is a judge.

# %% slideshow={"slide_type": "fragment"}
benchmark = measured("superres")
rows = {row["method"]: row for row in benchmark["rows"] if row["scale"] == 4}
print(f"{benchmark['photographs']} held-out photographs, x4 (benchmarks/superres.py)\n")
print(f"{'':12} PSNR   SSIM   judge   realism   grid")
for name, row in rows.items():
    means = {key: sum(row[key]) / len(row[key]) for key in ("psnr", "ssim", "distance", "grid")}
    print(
        f"{name:12} {means['psnr']:.2f}  {means['ssim']:.3f}  {means['distance']:.3f}   {row['realism']:7.3f}   {means['grid']:+.1f} dB"
    )
print(f"{'photographs':12}                         {benchmark['realism']:7.3f}")
judged = plane.points_of(plane.APPLICATIONS["superres"], benchmark["rows"])  # without nearest neighbour
alt = (
    "Three charts of perception against error. The world of stripes: a curve that falls from error 1 to error 2. The judge: the three "
    "networks lie level, bicubic far above. Realism: it falls from bicubic to pixel, features and adversarial, as the error rises."
)
with plot.figure(3, alt=alt, size=(3.7, 3.3)) as axes:
    contrast = torch.linspace(0, 1, 30)
    axes[0].plot(1 + contrast.square(), 1 - contrast, color=REAL)
    axes[0].set(title="stripes", xlabel="squared error", ylabel="lack of realism")
    for name, (error, distance) in judged.items():
        for axis, height in ((axes[1], distance), (axes[2], rows[name]["realism"])):
            axis.scatter(error, height, color=REAL, zorder=3)
            axis.annotate(f" {name}", (error, height), va="bottom")
    axes[2].axhline(benchmark["realism"], color="grey", ls=":", label="photographs")
    axes[1].set(title="judge", xlabel="error in grey levels")
    axes[2].set(title="realism", xlabel="error in grey levels")
    for axis in axes[1:]:
        axis.margins(0.25)
    axes[2].legend(fontsize=8)

# %% [markdown]
# Realism sees what the eye sees: from pixel to features to adversary the results come nearer to photographs, and each
# step costs decibels, as the law says. The judge sees hardly anything of it. It compares place by place, and to that
# comparison a hair that was invented one pixel beside the true one is two mistakes. So the judge, too, is a *distortion*,
# of a kind that agrees with people better than pixels do; what Blau and Michaeli mean by perception is realism.
#
# Two more things, to be honest. First, look at *nearest neighbour* in the table: coarse squares, and yet its realism is as good
# as the adversarial net's. Squares have sharp edges, and early features like sharp edges. No single number is a judge.
#
# Second, the gains are small. How much was there to gain? The benchmark has trained one more network of this size, with
# the *judge itself* as its feature loss. It is no judge for that network any more, so this is about the best that the judge
# would ever grant.

# %%
bound, base = measured("superres_bound"), rows["pixel"]
from_pixel = sum(base["distance"]) / len(base["distance"])
for name in ("features", "adversarial"):
    row = rows[name]
    nearer = 1 - sum(row["distance"]) / sum(base["distance"])
    cost = (sum(base["psnr"]) - sum(row["psnr"])) / len(base["psnr"])
    print(f"{name:22} {nearer:4.0%} nearer for the judge than the pixel net, and {cost:.2f} dB below it")
print(f"trained for the judge  {1 - bound['distance'] / from_pixel:4.0%}, after {bound['crops']:,} crops")

# %% [markdown]
# Fifteen of sixteen pixels are missing, and no loss brings them back. Networks that are famous for their invented
# detail have many times as many weights and see millions of crops ([ESRGAN, Wang et al.
# 2018](https://arxiv.org/abs/1809.00219)). Theirs is the same loss. One of them, Real-ESRGAN
# ([Wang et al. 2021](https://arxiv.org/abs/2107.10833)), has enlarged the same photographs.
#
# **Predict.** Is it above or below our pixel net: in decibels, for the judge, in realism?

# %%
for row in (base, *benchmark["peers"]):
    psnr, distance = (sum(row[key]) / len(row[key]) for key in ("psnr", "distance"))
    print(
        f"{row['method']:12} PSNR {psnr:.2f}  judge {distance:.3f}  realism {row['realism']:.3f}  {row['seconds']:5.0f} s"
    )

# %% [markdown]
# By the original it is the worse of the two, in decibels and for the judge. It is also much the sharpest of all
# ([look at it beside ours](../benchmarks/results/superres.png)) and the nearest to photographs, with strokes of a brush
# where the fur was. The law of section 9 holds for the famous as well. Which of the two is *better* depends on what the
# picture is for: a wallpaper, or a number plate.
#
# Chapters 09 and 10 will put their points on the plane of error and judge. The lower left corner stays empty.
#
# ## 10. Your own pictures
#
# ```text
# minigan upscale stamp.png -o large.png                        four times, nothing invented
# minigan upscale stamp.png -o large.png --style adversarial    with all three terms
# minigan upscale ./stamps -o ./large --scale 2                 a whole folder; four times, then halved
# ```
#
# A large picture goes through in tiles that overlap by the network's `reach`, so that no seam can be seen. Two
# surprises await you. The network has met one way of shrinking, and small pictures that were *clean*. Here are three
# others: shrunk without a filter, compressed, and noisy.


# %% [markdown] slideshow={"slide_type": "slide"}
# ## What is wrong in the small picture is drawn out
#
# The network has met one way of shrinking, and clean pictures.
#
# ???
# (3 min) Ask for the cause of each: shrunk without a filter, compressed as JPEG, noise. All that is wrong in the small
# picture is taken for detail. A network knows the world that it was shown. If yours has JPEG in it, the function that
# spoils is the place to say so.


# %% slideshow={"slide_type": "-"}
def compressed(images: Tensor, quality: int = 40) -> Tensor:
    """As a JPEG file would keep them: (1, 3, H, W)."""
    file = BytesIO()
    Image.fromarray(to_pixels(images)[0].permute(1, 2, 0).numpy()).save(file, "JPEG", quality=quality)
    return to_signed(torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1))[None]


whole = held_out[test_names.index("chelsea")]
noise = 10 / 127.5 * torch.randn(shrunk(whole, 4).shape, generator=torch.Generator().manual_seed(0))
ways = {
    "as in training": shrunk(whole, 4),
    "without a filter": whole[..., 1::4, 1::4],
    "as JPEG": compressed(shrunk(whole, 4)),
    "noisy": (shrunk(whole, 4) + noise).clamp(-1, 1),
}
pieces = [makers["adversarial"](small)[..., 96:224, 140:268] for small in ways.values()]
alt = (
    "The cat's eye and nose, enlarged from four small pictures: clean as in training; jagged and speckled from one "
    "that was shrunk without a filter; blotched from a JPEG; grainy from a noisy one."
)
plot.compare({"": torch.cat(pieces)}, titles=list(ways), alt=alt, width=6.4)

# %% [markdown]
# What is wrong in the small picture is taken for detail and drawn out. A network knows the world that it was shown. If
# yours has JPEG in it, `shrinking` is the place to say so, and the rest of the chapter stays as it is (Try it, 4).
#
# ## Summary
#
# - Fifteen of sixteen pixels are not in the small picture. Many large pictures fit it, and no method can tell them
#   apart.
# - A residual on bicubic enlargement, computed at the small size, with pixel shuffle and ICNR: a minute of training
#   beats bicubic.
# - The smallest squared error is the mean of all that fits. It draws as much detail as it knows: drawn = right².
# - A feature loss asks for detail, and is content with a lattice where the network can draw one. Keep an early layer in
#   the sum, and a way up that leaves flat maps flat.
# - A discriminator asks for neighbourhoods that could be real. Features and adversary draw more; what they draw is no
#   more right than before.
# - Distortion and realism cannot both be best. For the squared error, perfect realism costs 3 dB at most. A judge that
#   compares with the original is a distortion, too.
#
# ## Try it
#
# **1. Explain the small picture** (10 minutes). A result should become the small picture again when it is made small.
# Ours does so only nearly. Write the mending, *back-projection* ([Irani & Peleg
# 1991](https://doi.org/10.1016/1049-9652(91)90045-L)): enlarge what the small picture has and the shrunk result lacks,
# add it, and do so `times` times. Use `downscale`, which does not round, and `enlarged`.


# %%
def back_project(large: Tensor, small: Tensor, scale: int = 4, times: int = 10) -> Tensor:
    """The large images (N, 3, H, W) changed until they shrink to the small ones, nearly."""
    raise NotImplementedError


hints = [
    "What is lacking: small - downscale(large, scale). It has the size of the small picture.",
    "large = large + enlarged(lacking, scale), in a loop of `times` turns.",
]
greys = torch.zeros(1, 3, 32, 32)
target = shrunk(large, 4) * 0.5
with suppress(NotYet), checking("Explain the small picture", hints) as c:
    c.close(back_project(greys, greys[..., :8, :8] + 0.25, times=1), greys + 0.25, "a flat picture needs one turn")
    c.close(back_project(greys + 0.3, greys[..., :8, :8] + 0.3), greys + 0.3, "what fits stays as it is")
    c.close(downscale(back_project(0.5 * twin, target, times=40), 4), target, "after 40 turns it fits", tolerance=0.02)

# %% [markdown]
# Then apply it to the results of `makers["adversarial"]`. By how much does PSNR rise, and what does the judge say?
#
# **2. The order of kernels** (5 minutes). Mend this line without running it:
# `weight.copy_(kernels.repeat(factor**2, 1, 1, 1))`. Then say what `torch.nn.PixelShuffle` would have to do for it to
# be right.
#
# **3. Only the discriminator** (20 minutes). Set `FEATURES` to 0 in `task(4, "adversarial", ...)` by
# `replace(plan.config, weights=...)` and train from the pixel net for some minutes. Where on the plane do you land?
# What does the feature term do for the discriminator?
#
# **4. Your kind of small picture** (an hour). Write a `Spoil` that compresses the small picture as JPEG of a random
# quality, and train from the shipped pixel net. Does section 10 look better? What has become of clean pictures? The
# command for a folder of your own is `minigan train ./holiday -o run --task superres`.
#
# More tasks, each with its check, stand in [the exercises to this chapter](../exercises/07_super_resolution/07_super_resolution.ipynb).
#
# ## References
#
# - Y. Blau, T. Michaeli, [The Perception-Distortion Tradeoff](https://arxiv.org/abs/1711.06077), 2018.
# - B. Lim et al., [Enhanced Deep Residual Networks for Single Image
#   Super-Resolution](https://arxiv.org/abs/1707.02921), 2017.
# - W. Shi et al., [Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural
#   Network](https://arxiv.org/abs/1609.05158), 2016.
# - A. Odena, V. Dumoulin, C. Olah, [Deconvolution and Checkerboard
#   Artifacts](https://doi.org/10.23915/distill.00003), 2016.
# - A. Aitken et al., [Checkerboard artifact free sub-pixel convolution](https://arxiv.org/abs/1707.02937), 2017.
# - C. Ledig et al., [Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial
#   Network](https://arxiv.org/abs/1609.04802), 2017.
# - P. Isola et al., [Image-to-Image Translation with Conditional Adversarial
#   Networks](https://arxiv.org/abs/1611.07004), 2017.
# - X. Wang et al., [ESRGAN: Enhanced Super-Resolution Generative Adversarial
#   Networks](https://arxiv.org/abs/1809.00219), 2018.
# - X. Wang et al., [Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure Synthetic
#   Data](https://arxiv.org/abs/2107.10833), 2021.
# - I. Loshchilov, F. Hutter,
#   [SGDR: Stochastic Gradient Descent with Warm Restarts](https://arxiv.org/abs/1608.03983), 2017.
# - M. Irani, S. Peleg,
#   [Improving resolution by image registration](https://doi.org/10.1016/1049-9652(91)90045-L), 1991.
#
# **Next:** [08 Style transfer](08_style_transfer.ipynb). What is style, when a network looks at it?
