# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 10 Inpainting
#
# **What belongs in the hole, when many things could?**
#
# An old photograph has a scratch. A wire runs through the view. Somebody stands where nobody should. A part of the
# picture is to be painted anew, from what is around it. In chapter 09 every pixel was a little wrong; here most pixels
# are right, and some are *gone*. Nothing of them is left in the input. So the answer of a network is a guess, and often
# there are many good ones: the missing half of a face may smile or not. A loss that compares with the one true picture
# has to do something about that, and what it does is the subject of this chapter.
#
# In the formula of the course $y$ is the picture with its hole, $m$ the mask, and $G$ the network:
#
# $$L = L_\mathrm{pixel} + \lambda L_\mathrm{adv}, \qquad L_\mathrm{pixel} = \lVert (1 - m) \odot (x - G(y, m)) \rVert^2$$
#
# The mask $m$ is 1 where the picture is known and 0 in the hole, so the error is taken in the hole alone. Why there?
# That is one of the questions.
#
# | | |
# | --- | --- |
# | **You will learn** | to fill a hole with the heat equation, quickly; to let a network start there; what the loss in the hole is worth; how much of the surroundings matters; what a pretrained encoder brings; to remove a seam with the same equation; to find many fills for one hole; what an adversarial term buys |
# | **You need** | chapters 02, 05 and 06. No GPU and no network |
# | **It takes** | about 70 minutes to read. The machine needs about two minutes on two CPU cores |

# %%
import math
import time
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minigan import data, hardware, plot, train, weights
from minigan.apps.holes import filled
from minigan.apps.photographs import Spoil, Task, begin, learn, pairs, terms, whole_photographs
from minigan.backbones import Backbone
from minigan.course import checking, pick, plane
from minigan.course.checking import NotYet
from minigan.course.judge import judge
from minigan.data import hole_masks, to_pixels, to_signed
from minigan.nets import Generator
from minigan.train import Batch, TrainConfig
from minigan.transfer import UNet, trainable

device = hardware.device()
heads, new_heads = data.load("peeps"), data.load("peeps", "test")
names = data.load("photos", "test").names

# %% [markdown]
# ## 1. What is gone
#
# `data.hole_masks` of chapter 00 cuts square holes. Two kinds of pictures will be used: the drawn heads of `peeps`,
# where a network can know what heads are like, and photographs, which may show anything. All comparisons are made on
# pictures that no network has seen.


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Some holes have one answer, others only what could be
#
# ???
# (4 min) Let them look at the lower row and name what belongs in each hole, with the upper row covered by a hand. For
# which heads do you *know* it? Most feel sure of many. Then uncover and compare: a shoulder is known, a mouth is a
# guess. Nothing of the missing part is in the input. That makes this task different from noise, where each pixel still
# said a little.


# %% slideshow={"slide_type": "-"}
def middle(name: str, side: int = 160) -> Tensor:
    """The middle of a photograph, not scaled: (1, 3, side, side)."""
    picture = data.photo(name)
    top, left = ((length - side) // 2 for length in picture.shape[-2:])
    return picture[..., top : top + side, left : left + side]


def square_hole(size: int, side: int) -> Tensor:
    """A mask with a square hole in the middle: (1, 1, size, size)."""
    known = torch.ones(1, 1, size, size)
    first = (size - side) // 2
    known[..., first : first + side, first : first + side] = 0
    return known


def shown(images: Tensor, known: Tensor) -> Tensor:
    """Images with pink holes, to look at."""
    pink = torch.tensor([0.6, -0.05, 0.31]).view(1, 3, 1, 1)
    return torch.where(known > 0, images, pink)


some = new_heads[:8]
cut = hole_masks(8, 64, 28, torch.Generator().manual_seed(3))
alt = "Eight drawn heads, and below the same heads with a pink square in place of a part: eyes, mouths, half of a face are missing."
plot.compare({"heads": some, "to be filled": shown(some, cut)}, alt=alt)

# %% [markdown]
# **Predict.** Look at the lower row with the upper one covered. For which heads do you know what belongs in the hole?
# For which do you know only what *could*?
#
# To measure, we ask for the PSNR of the pixels in the hole. Those outside are right anyway, and would only flatter: a
# small hole would look like a good fill.


# %% [markdown] slideshow={"slide_type": "slide"}
# ## The error is taken in the hole alone
#
# $$L = L_\mathrm{pixel} + \lambda L_\mathrm{adv}, \qquad L_\mathrm{pixel} = \lVert (1 - m) \odot (x - G(y, m)) \rVert^2$$
#
# $m$ is 1 where the picture is known and 0 in the hole.
#
# ???
# (2 min) Ask: why not everywhere? It would be a larger error, and should teach more. Keep the question open, the
# chapter measures it. For the score it is clear at once: the pixels outside are right anyway, and a small hole would
# look like a good fill.


# %%
def in_the_hole(real: Tensor, fake: Tensor, known: Tensor) -> float:
    """PSNR of the pixels in the hole, of all images together; 2 is the range of a pixel."""
    hole = (known == 0).expand_as(real)
    return 10 * math.log10(4 / float((real - fake)[hole].square().mean()))


# %% [markdown]
# ## 2. The answer from the edge
#
# The oldest automatic answer needs no data. Let the colours at the edge of the hole *flow in*, as heat flows into a
# plate whose rim is kept at given temperatures. One small step of time: each pixel of the hole becomes the mean of its
# four neighbours.

# %% minigan="apps.inpaint"
# sweep

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Colours flow into the hole as heat flows into a plate
#
# Each pixel of the hole becomes the mean of its four neighbours, again and again.
#
# ???
# (4 min) The oldest automatic answer, without any data. Ask: how many steps until it is done, for a hole of 56 pixels?
# Usual guesses: 30 to 60, half the width or all of it. After 100 there is still grey in the middle. Heat walks like a
# drunkard: to come n pixels far it needs some n squared steps.

# %% slideshow={"slide_type": "-"}
coffee = middle("coffee")
hole = square_hole(160, 56)
flowing, fill, times = [shown(coffee, hole)], coffee * hole, (10, 100, 1000)
for step in range(1, times[-1] + 1):
    fill = sweep(fill, hole)
    if step in times:
        flowing.append(fill)
alt = (
    "A cup of coffee with a pink square hole, then the hole after 10, 100 and 1,000 steps of heat flow. After 10 only a rim is "
    "coloured, after 1,000 the whole hole is a soft mixture of the colours around it."
)
plot.compare({"coffee": torch.cat(flowing)}, titles=["the hole", *(f"{n:,} steps" for n in times)], alt=alt, width=6)

# %% [markdown]
# When does it end? When each pixel *is* the mean of its neighbours. Then nothing changes any more, and the surface is
# called **harmonic**. In the language of calculus the sum of the two second derivatives is zero (Laplace's equation):
#
# $$\frac{\partial^2 u}{\partial a^2} + \frac{\partial^2 u}{\partial b^2} = 0 \ \text{ in the hole}, \qquad u = x
# \ \text{ at its edge}$$
#
# Of all surfaces that fit at the edge it is the smoothest: it has the smallest sum of squared differences between
# neighbours. There is no bump in it, for a pixel that is a mean cannot be larger than all its neighbours.
#
# But 1,000 steps for one hole are too many, and were they enough? Heat walks like a drunkard: to come $n$ pixels far it
# needs some $n^2$ steps. Two ideas make it quick. **Fill a smaller picture first.** At half the side the way is half
# as long, and its fill, enlarged, is nearly right already; only what is wrong at small scale is left to do. That small
# picture begins with a still smaller one, and so on. **And keep going.** A step that goes on a little in the direction
# of the last one brings heat $n$ pixels far in some $n$ steps.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## At the end each pixel is the mean of its neighbours
#
# $$\frac{\partial^2 u}{\partial a^2} + \frac{\partial^2 u}{\partial b^2} = 0 \ \text{ in the hole}, \qquad u = x \ \text{ at its edge}$$
#
# the smoothest of all surfaces that fit
#
# ???
# (3 min) Ask: can there be a bump in such a surface? No: a pixel that is the mean of its neighbours cannot be larger
# than all of them. So there is no new line, no new spot in any such fill. It is called harmonic, and nothing that fits
# at the edge is smoother.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Small pictures first: n² steps become n
#
# $$\frac{1}{8} \text{ of the side} \;\to\; \frac{1}{4} \;\to\; \frac{1}{2} \;\to\; 1$$
#
# ???
# (2 min) Two ideas make it quick. At half the side the way is half as long, and its fill, enlarged, is nearly right;
# only the small scale is left to do. And a step that goes on a little in the direction of the last one brings heat n
# pixels far in some n steps. Ask how one would test that it is right: take a surface that is known to be harmonic, cut
# a hole, and look whether it comes back. It does.

# %% minigan="apps.inpaint"
# halved, diffuse

# %% [markdown]
# Is it right? Some harmonic surfaces are known in closed form: $a^2 - b^2$ is one, on the grid of pixels exactly. Cut a
# hole into it, and look whether it comes back.

# %% tags=["nbval-check-output"]
down, right = torch.meshgrid(torch.linspace(-1, 1, 65), torch.linspace(-1, 1, 65), indexing="ij")
saddle = (down.square() - right.square())[None, None]
cut_saddle = square_hole(65, 31)
found = diffuse(saddle, cut_saddle)
print("largest error with 30 sweeps a size below 0.02:", bool((found - saddle).abs().max() < 0.02))
print("with 300 below 0.0001:", bool((diffuse(saddle, cut_saddle, 300) - saddle).abs().max() < 1e-4))

# %% [markdown]
# The same is done for every kind of hole in a test, against a direct solution of the equations.
#
# **Predict.** For which holes is this a good answer? Think of a scratch, a coin, a hand.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A scratch, a coin, a hand: for which is that enough?
#
# ???
# (4 min) Let them say a size in pixels up to which they would trust it. To the right the side of the hole doubles with
# each tick, from 2 to 64 pixels. Most expect a sudden break. It falls steadily: a pixel resembles its neighbours, and
# each doubling costs some decibels. For a scratch it is nearly all one needs. In a large hole it is fog: right on
# average, without an edge.

# %% slideshow={"slide_type": "fragment"}
photographs = torch.cat([middle(name) for name in names[: pick(quick=2, cpu=12, full=None)]])
sides = (2, 4, 8, 16, 32, 64)
one_size = {side: hole_masks(len(photographs), 160, side, torch.Generator().manual_seed(side)) for side in sides}
by_diffusion = [in_the_hole(photographs, diffuse(photographs, one_size[side]), one_size[side]) for side in sides]
by_grey = [in_the_hole(photographs, torch.zeros_like(photographs), one_size[side]) for side in sides]
alt = (
    "Two lines over the side of a square hole from 2 to 64 pixels. The diffusion fill falls steadily from its best value at 2 "
    "pixels; plain grey stays low and flat. At 64 pixels the two are a few decibels apart."
)
plot.curves(
    {"diffusion": by_diffusion, "grey": by_grey},
    x=[math.log2(side) for side in sides],
    labels=("side of the hole, log2 of pixels", "PSNR in the hole, dB"),
    alt=alt,
)
print("   ".join(f"{side} px {quality:.1f} dB" for side, quality in zip(sides, by_diffusion, strict=True)))

# %% [markdown]
# A pixel resembles its neighbours, so a small hole is nearly solved by its edge. Each doubling of the side costs some
# decibels. In a large hole the fill is the fog that you have seen in the cup: right on average, and nothing in it has
# an edge.
#
# ## 3. A network that starts there
#
# What the heat equation cannot know is what *pictures* are like: that a line goes on behind a scratch, that a head has
# two eyes. That has to be learnt, from pairs that cost nothing: take a whole picture, cut a hole, ask for what was
# there.
#
# The net is the U-Net of chapter 05. A fill needs both of its ways: far context comes up through the small maps, and
# the exact place of an edge across the skips. Two things are new. The hole must be shown to the network as a **fourth
# channel**; a grey hole in a grey wall would else be no hole. And the network is not asked for the fill, but for the
# **change** of the diffusion fill. Its last layer starts at 0, so an untrained network is exactly the heat equation,
# and whatever it learns makes that better.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## An untrained network is already the heat equation
#
# $$G(y, m) = \underbrace{u}_{\text{diffusion fill}} + \underbrace{R(u, m)}_{\text{starts at } 0}$$
#
# ???
# (3 min) Same idea as in denoising: do not ask for the picture, ask for the change. The last layer starts at zero, so
# the first answer is the heat equation's, and whatever is learnt makes it better. Ask: why must the mask come in as a
# fourth channel? Because a grey hole in a grey wall would else be no hole.

# %% minigan="apps.inpaint"
# MaskedEncoder, Inpainter

# %% [markdown]
# `MaskedEncoder` has two lives. The second, with a pretrained backbone, is for section 5.
#
# Training needs holes of many shapes: who has seen only squares fills only squares well. So half of the holes are brush
# strokes. A stroke is made of straight pieces, and a pixel belongs to it where its distance to one of them is small.

# %% minigan="apps.inpaint"
# strokes, holes

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Who has seen only squares fills only squares well
#
# ???
# (2 min) Half of the training holes are brush strokes. Ask where pairs for training come from: any whole picture, cut.
# It costs nothing, and no labels are needed. Here are strokes of three straight pieces, thin and thick.

# %% slideshow={"slide_type": "-"}
drawn = strokes(8, 64, 12, torch.Generator().manual_seed(0))
alt = "Eight drawn heads below brush strokes: thin and thick pink lines of three straight pieces each, across hair and faces."
plot.compare({"strokes": shown(some, drawn)}, alt=alt)

# %% [markdown]
# The rest is a `Task` as in chapter 07: how a picture is spoiled, what the network makes of it, the loss, the
# configuration.

# %% minigan="apps.inpaint"
# paste, task

# %% [markdown]
# ### In the hole, or everywhere?
#
# Look at the line with `paste`. What the network says about known pixels is thrown away *before* the loss sees it. The
# obvious alternative asks it to give the whole picture back. That error is larger, so it should teach more?
#
# Three networks, the same pictures in the same order. The first sees a grey hole, and its error is taken everywhere:
# the naive way. The second is asked about the hole alone. The third starts from the diffusion fill.
#
# **Predict.** How many of the decibels come from each of the two changes?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What is the start worth, and what the place of the error?
#
# Three networks, the same heads in the same order.
#
# ???
# (4 min) Three contestants: a grey hole and the error everywhere; a grey hole and the error in the hole; a start from
# the diffusion fill. Let them say which of the two changes brings more. Many say the loss. Most is won by the start:
# that network need not find out first that skin is mostly like skin. Asked about everything, a network first learns to
# copy; once it can, the two losses ask nearly for the same. But why pay for the detour?

# %% slideshow={"slide_type": "fragment"}
pictures = list(heads.pixels)
watched = new_heads[: pick(quick=16, cpu=60, full=300)]
watched_holes = hole_masks(len(watched), 64, 28, torch.Generator().manual_seed(1))
watched_fill = diffuse(watched, watched_holes)
lessons = pick(quick=96, cpu=1_920, full=60_000)


def from_grey(network: nn.Module, batch: Batch) -> Tensor:
    """The network's picture where it is not given the diffusion fill: the hole is grey."""
    return network.change(batch["filled"] * batch["known"], batch["known"])


def from_grey_in_the_hole(network: nn.Module, batch: Batch) -> Tensor:
    return paste(batch["real"], from_grey(network, batch), batch["known"])


def course_of(task: Task, checks: int = 6) -> tuple[nn.Module, list[float]]:
    """Train on heads: the averaged network, and its PSNR in the hole of held-out heads at some places on the way."""
    state, course = begin(task), []
    draw = pairs(pictures, task.size, task.spoil, task.turned)
    batch = {"real": watched, "known": watched_holes, "filled": watched_fill}
    for step in range(1, lessons // task.config.batch + 1):
        train.step(state, draw(state), lambda drawn: task.mend(state.generator, drawn), task.terms)
        if step * task.config.batch >= (len(course) + 1) * lessons / checks:
            with torch.no_grad():
                parts = [
                    {name: part[at : at + 15] for name, part in batch.items()} for at in range(0, len(watched), 15)
                ]
                made = torch.cat(
                    [task.mend(state.average, {name: one.to(device) for name, one in part.items()}) for part in parts]
                )
            course.append(in_the_hole(watched, made.clamp(-1, 1).cpu(), watched_holes))
    hardware.return_unused_memory()
    return state.average, course


ways = {"grey, everywhere": from_grey, "grey, in the hole": from_grey_in_the_hole, "from diffusion, in the hole": None}
courses, nets_by_way = {}, {}
for name, mend in ways.items():
    torch.manual_seed(0)
    plan = task(Inpainter(), "peeps", images=lessons)
    nets_by_way[name], courses[name] = course_of(plan if mend is None else replace(plan, mend=mend))

baseline = in_the_hole(watched, watched_fill, watched_holes)
alt = (
    "Four lines over the heads seen. Diffusion is level. The network from diffusion starts beside it and ends well above it; the "
    "two that begin with grey start far below, the one asked about everything lowest, and reach it at the end."
)
seen = [lessons * check // 6 for check in range(1, 7)]
plot.curves(
    {**courses, "diffusion": [baseline] * len(seen)}, x=seen, labels=("heads seen", "PSNR in the hole, dB"), alt=alt
)
for name, course in {**courses, "diffusion": [baseline]}.items():
    print(f"{name:28} {course[-1]:.2f} dB")

# %%
batch = {"real": watched[:8], "known": watched_holes[:8], "filled": watched_fill[:8]}
rows = {"to be filled": shown(watched, watched_holes)[:8], "diffusion": watched_fill[:8].clamp(-1, 1)}
for name, mend in ways.items():
    with torch.no_grad():
        made = (mend or plan.mend)(nets_by_way[name], {key: part.to(device) for key, part in batch.items()})
    rows[name] = made[:8].clamp(-1, 1).cpu()
rows["as it was"] = watched[:8]
alt = (
    "Rows of eight heads: with holes, filled by diffusion, by the three short-trained networks, and as they were. The network "
    "asked about everything blurs the whole head; all three fills are soft, without eyes or mouths."
)
plot.compare(rows, alt=alt, width=6.6)

# %% [markdown]
# Most is won by the start. The network that begins with the diffusion fill need not find out first that skin is mostly
# like skin; it has that from the first step, and the others are still behind it at the end.
#
# The place of the error matters at first, and less than one may think later. Asked about everything, the network begins
# by learning to *copy* what it was given, far from the question. Once it can copy, the error that is left lies in the
# hole, for there it is hard, and the two losses ask nearly for the same. But why pay for the detour?
#
# ## 4. How much of the surroundings matters?
#
# The heat equation looks at the rim of the hole, one pixel wide, and at nothing else. And the network? A U-Net takes
# pictures of any size, so we can ask: cut the picture down to the hole and a margin, and fill that.
#
# From here on we use networks that have been trained for longer, which come with the course
# (`minigan.apps.tasks` has their recipes, `benchmarks/shipped/apps.py` trained them).

# %%
finished = {name: weights.shipped_app(f"inpaint_{name}", Inpainter)[0].to(device) for name in ("peeps", "photos")}


def filled_by(network: nn.Module, images: Tensor, known: Tensor, part: int = 4) -> Tensor:
    """What the network puts into the holes of many images, a few at a time."""
    both = zip(images.split(part), known.expand(len(images), -1, -1, -1).split(part), strict=True)
    return torch.cat([inpaint(network, one.to(device), mask.to(device)).cpu() for one, mask in both])


# %% minigan="apps.inpaint"
# DEEPEST, blend, inpaint

# %% [markdown]
# Why it blends, section 6 says. Now the margins, around a hole of 16 pixels in the middle of the head.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How much of the surroundings does each of them need?
#
# A hole of 16 pixels, and a margin that grows from 1 to 24.
#
# ???
# (4 min) Ask for two curves in the air: diffusion and the network. Diffusion is level, it sees the rim and nothing
# else; most get that right. The surprise is on the left: with a narrow margin the network is worse than the fill it
# began with. It has learnt what to do inside of heads, and a stamp of 20 pixels is none. It uses the other eye, the
# way the head looks. That is context.

# %% slideshow={"slide_type": "fragment"}
margins = (1, 2, 4, 8, 12, 16, 24)
by_margin: dict[str, list[float]] = {"network": [], "diffusion": []}
for margin in margins:
    first, side = 24 - margin, 16 + 2 * margin
    piece = watched[..., first : first + side, first : first + side]
    known = square_hole(side, 16)
    by_margin["network"].append(in_the_hole(piece, filled_by(finished["peeps"], piece, known, 20), known))
    by_margin["diffusion"].append(in_the_hole(piece, diffuse(piece, known), known))
alt = (
    "Two lines over the margin around a hole of 16 pixels, from 1 to 24. Diffusion is level throughout. The network lies below it up to "
    "12 pixels, and rises above it with 16 and 24."
)
plot.curves(by_margin, x=margins, labels=("pixels around the hole", "PSNR in the hole, dB"), alt=alt)
hardware.return_unused_memory()

# %% [markdown]
# For diffusion the first pixel is all there is. The network uses what is farther away: where the other eye is, which
# way the head looks, how dark the skin is elsewhere. It even *depends* on it. With a narrow margin it is worse than the
# fill that it began with, for it has learnt what to do inside of heads, and a stamp of 20 pixels is none. This is what
# *context* means, and why the encoder goes down to a sixteenth of the side: there, one step of a convolution sees half of
# the head.
#
# ## 5. An encoder that has seen the world
#
# Chapter 05 began a U-Net with a classifier's weights. EfficientNet-Lite0 knows fur, wheels and faces from a million
# photographs. But it has three input channels, and has never seen a hole. `MaskedEncoder` shows it the diffusion fill
# and adds a colour to the hole, three weights that start at 0 and are learnt: the network itself chooses how a hole
# looks to it. The mask goes past it to the last stage as well.
#
# It costs more time for each picture. So the fair question is: after the **same time**, which is better?
#
# **Predict** for drawn heads and for photographs.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A pretrained encoder has to earn the time that it costs
#
# In the same seconds, from scratch against EfficientNet: for photographs, for drawn heads?
#
# ???
# (4 min) Vote for each of the two. Most bet on the pretrained one for both. Three things pull: each step of the small
# network is several times cheaper, so it sees more pictures; what it must know about heads is in the heads; and a
# small hole in a photograph is a matter of edges, not of cats. The gain shows where pictures are few and the hole is
# large. Read the numbers with care: they hang on the seconds and on the machine.

# %% slideshow={"slide_type": "fragment"} tags=["slide-text"]
seconds = pick(quick=0.5, cpu=10, full=600)
crops = torch.cat([middle(name, 64) for name in names])
crop_holes = hole_masks(len(crops), 64, 12, torch.Generator().manual_seed(2))
tests = {"photos": (crops, crop_holes), "peeps": (watched, watched_holes)}
lots = {"photos": whole_photographs(), "peeps": pictures}
gains: dict[str, dict[str, float]] = {}
for data_name, (real, known) in tests.items():
    level = in_the_hole(real, diffuse(real, known), known)
    gains[data_name], lot = {}, lots.pop(data_name)  # the photographs take room
    for encoder in ("scratch", "efficientnet_lite0"):
        torch.manual_seed(0)
        plan = task(Inpainter(encoder, pretrained=True), data_name, images=10**6)  # no fall of the rate: time ends it
        plan = replace(plan, config=replace(plan.config, batch=3, ema_half_life=300))
        state = learn(plan, begin(plan), lot, seconds=seconds, quiet=True)
        made = filled_by(state.average, real, known)
        gains[data_name][encoder] = in_the_hole(real, made, known) - level
        print(
            f"{data_name:7} {encoder:19} {state.seen:6,} pictures  {gains[data_name][encoder]:+.2f} dB against diffusion"
        )
        del state, plan
        hardware.return_unused_memory()

# %% [markdown]
# Set the two tables against your prediction. Three things pull in different directions. Each step of the small network
# is several times cheaper, so in the same time it sees more pictures. What it has to know about heads is in 2,400 of
# them, and the classifier has never seen a drawing. And a hole of a few pixels in a photograph is a matter of edges:
# knowing what a cat is does not say which hair goes where. A pretrained encoder is worth most where pictures are few
# and the hole is large, so that one has to know *what* is missing. Chapter 05 had such a case: to colour a photograph
# one must know what it shows.
#
# ## 6. The seam
#
# A fill can be good in itself and still be seen at once, because it does not *fit*: a little too dark, a little to the
# left. The eye is keen on edges, and finds the straight rim of the hole. To see it clearly, fill a hole with the
# drawing of somebody who has not seen the picture at all: another head.


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Keep the differences, not the colours, and the seam goes
#
# $$\text{fill} + \text{diffuse}(x - \text{fill})$$
#
# ???
# (4 min) Another head is pasted into the hole, so that the seam is plain to see. Ask for remedies. The usual one is
# feathering, and it smears. The better one asks what was right about the fake: its differences from pixel to pixel.
# Around the hole we know by how much it is off. Let that error flow in, with our own heat equation, and add it. It
# fails in its own way: look at the dark tint where the rim runs through hair.


# %% slideshow={"slide_type": "-"}
def feather(known: Tensor, width: int) -> Tensor:
    """The mask with a soft rim inside the hole: 1 where known, down to 0 at `width` pixels from there."""
    soft = known
    for _ in range(width):
        soft = torch.maximum(known, F.avg_pool2d(soft, 3, 1, 1, count_include_pad=False))
    return soft


real, other = new_heads[5:6], new_heads[30:31]
hole = square_hole(64, 30)
mended = {
    "a head": real,
    "another": other,
    "pasted": paste(real, other, hole),
    "feathered": torch.lerp(other, real, feather(hole, 6)),
    "membrane": paste(real, blend(real, other, hole), hole),
}
alt = (
    "A head, another head, and the middle of the second in the first three times: pasted with a hard square rim, feathered with a "
    "soft one, and by the membrane, where the skin has the tone of the first head and no rim is seen."
)
plot.compare({"": torch.cat(list(mended.values())).clamp(-1, 1)}, titles=list(mended), alt=alt, width=7)

# %% [markdown]
# The usual remedy is **feathering**: near the rim take a bit of both. It hides a small error and smears a large one,
# and what it smears is a piece of the fill.
#
# The better one asks what was right about the fake. Not its colours, but its *differences from pixel to pixel*: the
# line of a nose. Keep those, and choose the colours so that they fit at the rim. This is Poisson image editing ([Pérez
# et al. 2003](https://doi.org/10.1145/882262.882269)), and it sounds harder than it is. Around the hole we know by how
# much the fake is wrong, $x - u$. Let that error *flow in*, and add it. What is added is harmonic, the smoothest thing
# that does it, so the drawing's own lines survive. `blend` in section 4 is this, in one line, with our `diffuse`.
#
# How much of a seam is left? Compare the step across the rim with that of the true picture.


# %%
def seam(real: Tensor, made: Tensor, known: Tensor) -> float:
    """How much larger the mean step across the rim of the hole is than in the real picture; 0 is no seam."""

    def steps(images: Tensor) -> float:
        total, count = 0.0, 0.0
        for axis in (-1, -2):
            rim = known.diff(dim=axis).abs()
            total += float((images.diff(dim=axis).abs() * rim).sum())
            count += 3 * float(rim.sum())
        return total / count

    return steps(made) - steps(real)


pairs_of_heads = len(watched) // 2
ones, others = watched[:pairs_of_heads], watched[pairs_of_heads : 2 * pairs_of_heads]
rim = square_hole(64, 30).expand(len(ones), -1, -1, -1)
for name, made in {
    "pasted": paste(ones, others, rim),
    "feathered": torch.lerp(others, ones, feather(rim, 6)),
    "membrane": paste(ones, blend(ones, others, rim), rim).clamp(-1, 1),
}.items():
    print(f"{name:10} seam {seam(ones, made, rim):+.3f}")

# %% [markdown]
# The membrane has its own way to fail. Where the rim runs through hair on one side and skin on the other, the error is
# large and changes quickly, and its harmonic continuation tints the fill. You will see it in the next section.
#
# And here is why the loss of section 3, which asks nothing about the known pixels, leaves a use for `blend`: the
# network's picture is free outside the hole, and what it is off by at the rim tells what it is off by inside.
#
# ## 7. Many fills for one hole
#
# The network gives one answer. Which one, when many are right? Chapter 09 has said it: the squared error is smallest
# for the **mean** of all pictures that fit. The mean of a smile and a frown is no mouth.
#
# To see the many, we need something that can draw them. The course has it: the generator of chapter 02's kind that
# comes with `peeps`. It has never seen a hole. But it draws heads, as many as one likes, and one can *search* among
# them for those that agree with what is known ([Yeh et al. 2017](https://arxiv.org/abs/1607.07539)). Draw a thousand,
# keep the eight that agree best around the hole, and improve their latents by gradient descent:
#
# $$\hat z = \arg\min_z \; \underbrace{\lVert W \odot (G(z) - x) \rVert_1}_\text{agree around the hole} \; + \; \lambda
# \underbrace{\log\big(1 + e^{-D(G(z))}\big)}_\text{look like a head}$$
#
# $W$ is 0 in the hole, and outside it is larger where the hole is near. The second term is the adversarial loss of
# chapter 02, the generator's side, with a discriminator whose training is over. What is found is put in with the
# membrane.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Search for drawn heads that agree around the hole
#
# $$\hat z = \arg\min_z \; \underbrace{\lVert W \odot (G(z) - x) \rVert_1}_\text{agree around the hole} \; + \; \lambda
# \underbrace{\log\big(1 + e^{-D(G(z))}\big)}_\text{look like a head}$$
#
# ???
# (3 min) The network gives one answer. To see the many, we need something that can draw them, and the course has it:
# the generator of heads. It has never seen a hole. Draw a thousand, keep the eight that agree best, improve their
# latents by descent. Ask: what does it train? Usual answer: G. Nothing is trained, only z moves. W is 0 in the hole
# and largest near its rim.

# %% minigan="apps.inpaint"
# search

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One hole, eight fills, and each is somebody else
#
# ???
# (4 min) Give them a minute to look along each row. None of the eight is the answer, and that is the answer to the
# question of the chapter: a good fill is one of many. Now the last two columns. Ask: why is the mean blurred, and why
# is the network's fill blurred in the same places? They have never met. The network's blur is a picture of what is
# uncertain. For the back row: the mean is sharp where the eight agree.

# %% slideshow={"slide_type": "-"} tags=["slide-title-1"]
origin, critic = (network.to(device).eval().requires_grad_(False) for network in weights.shipped_pair("peeps"))
asked = [new_heads[number][None] for number in (3, 17, 42)[: pick(quick=1, cpu=3, full=3)]]
large = square_hole(64, 28).roll(4, -2)
rows, found = {}, []
for number, real in enumerate(asked, 1):
    fills = search(
        origin,
        real.to(device),
        large.to(device),
        count=8,
        candidates=pick(quick=64, cpu=1_024, full=4_096),
        steps=pick(quick=2, cpu=60, full=300),
        critic=critic,
        random=torch.Generator().manual_seed(number),
    ).cpu()
    one = inpaint(finished["peeps"], real.to(device), large.to(device)).cpu()
    found.append({"fills": fills, "network": one, "mean": fills.mean(0, keepdim=True)})
    rows[f"head {number}"] = torch.cat([real, shown(real, large), *fills.split(1), fills.mean(0, keepdim=True), one])
alt = (
    "Three rows: a head, its hole over the face, eight different fills with other eyes, glasses, mouths and beards, the mean of the "
    "eight, and the network's answer. The mean and the network's answer are both blurred."
)
plot.compare(rows, titles=["truth", "hole", *map(str, range(1, 9)), "mean", "network"], alt=alt, width=8.5)
hardware.return_unused_memory()

# %% [markdown]
# Each of the eight agrees with what is known, and each is somebody else. None is *the* answer, and that is the answer
# to the question of this chapter: the known part leaves many pictures possible, and a good fill is one of them.
#
# Now look at the last two columns. The mean of the eight fills is blurred where they differ and sharp where they agree,
# and so is the network's. They have never met: one comes from a search among drawings, the other from a regression. **The
# network's blur is a picture of what is uncertain.**
#
# **Predict.** By PSNR in the hole, which is best: one of the fills, their mean, or the network?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## By PSNR: one fill, the mean of eight, or the network?
#
# Error of the pixels in the hole, the same three heads.
#
# ???
# (2 min) Everybody votes for one of the three. Many give it to one fill, because it looks best: it could be a picture.
# Show. The blurred ones are ahead. Ask for a reason before the next slide.

# %% slideshow={"slide_type": "fragment"} tags=["slide-text"]
scores: dict[str, list[float]] = {"one fill": [], "mean of eight": [], "network": []}
for real, one in zip(asked, found, strict=True):
    scores["one fill"] += [in_the_hole(real, fill[None], large) for fill in one["fills"]]
    scores["mean of eight"].append(in_the_hole(real, one["mean"], large))
    scores["network"].append(in_the_hole(real, one["network"], large))
for name, values in scores.items():
    print(f"{name:14} {sum(values) / len(values):.2f} dB")

# %% [markdown]
# The mean must win against the average fill; that is no finding but arithmetic (the squared error of a mean is the mean
# squared error less the spread). A measure that prefers the mean of eight good pictures to each of them does not measure
# what we want from a fill.
#
# ## 8. With and without an adversary
#
# Can a network be made to choose, in one pass and without a search? Add the adversarial term. The discriminator sees the
# whole picture, fill and all, and a blurred mouth gives a fill away. It has to know what heads look like, so it begins
# as the one that was trained with `peeps`. The network goes on from the weights of the squared error:
#
# $$L = \lVert (1 - m) \odot (x - G(y, m)) \rVert_1 + \lambda L_\mathrm{adv}$$
#
# A game between two networks needs more than a minute, so this one has been played before and comes with the course:
# `task(network, "peeps", adversarial=...)`, as in section 3.
#
# **Predict** what happens to the PSNR.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The mean has to win, whatever the pictures are
#
# $$\lVert x - \bar u \rVert^2 = \frac18 \sum_k \lVert x - u_k \rVert^2 - \frac18 \sum_k \lVert u_k - \bar u \rVert^2$$
#
# ???
# (3 min) Read it aloud: the error of the mean is the mean error of the eight fills, less their spread. It is arithmetic
# and no finding. Ask: so is the mean a better fill? Most hesitate, and rightly. A measure that prefers the mean of
# eight good pictures to each of them does not measure what we want from a fill.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What does an adversary do to the fog, and to the PSNR?
#
# $$L = \lVert (1 - m) \odot (x - G(y, m)) \rVert_1 + \lambda L_\mathrm{adv}$$
#
# ???
# (4 min) Predict both. Most say: sharper, and the PSNR falls by much. Show. There are hairlines, an eye, the rim of
# glasses: guesses, and many a stranger would not find the hole. The PSNR has hardly moved, as the notebook prints. The
# network went on learning for twice as long while it played, and what it learnt has paid for what it invents.

# %% slideshow={"slide_type": "fragment"}
finished["adversary"] = weights.shipped_app("inpaint_peeps_adversarial", Inpainter)[0].to(device)
rivals = {"squared error": finished["peeps"], "+ adversary": finished["adversary"]}
trial = hole_masks(len(watched), 64, 28, torch.Generator().manual_seed(4))
answers = {"to be filled": shown(watched, trial), "diffusion": diffuse(watched, trial).clamp(-1, 1)}
for name, network in rivals.items():
    answers[name] = filled_by(network, watched, trial, 20)
    print(f"{name:14} {in_the_hole(watched, answers[name], trial):.2f} dB")
answers["as it was"] = watched
alt = (
    "Rows of eight heads with holes: filled by diffusion, by the network of the squared error, by the network after training "
    "against an adversary, and as they were. With the adversary hair has an edge, and eyes and mouths are drawn, if not always as they were."
)
plot.compare({name: images[8:16] for name, images in answers.items()}, alt=alt, width=7)
hardware.return_unused_memory()

# %% [markdown]
# The fog has gone. There are hairlines, an eye, the rim of a pair of glasses. They are guesses, and many a stranger would
# not find the hole. And the PSNR has hardly moved: the network went on learning for twice as long while it played, and
# what it learnt has paid for what it invents.
#
# The plane of chapter 07 sets it beside the rest. To the right: the error in the hole. Upwards: how far the picture is from
# the true one for the **judge**, a feature network that trained nothing here. Left is better, and so is down. The
# searches of the last section, with and without the discriminator's term, are points as well. All methods fill the same
# holes of the same few heads, so only large distances mean anything; `benchmarks/inpaint.py` takes more.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The judge prefers a guess to fog, a mean to a guess
#
# ???
# (4 min) Right: error in the hole. Up: distance for a judge that trained nothing here. First pair: squared error and
# adversary, about the same error, much nearer for the judge. Second pair: a single search and the mean of searches.
# Ask: which should be better for the judge? The guess, most say. It is the mean, on both axes: the judge, too, has the
# one true picture in his hand and punishes another good guess. Only a measure without the original can see what the
# single fill has. Few heads: only large distances count.

# %% slideshow={"slide_type": "-"}
referee = judge().to(device)
few = slice(0, pick(quick=1, cpu=8, full=60))


def point(real: Tensor, made: Tensor, known: Tensor) -> tuple[float, float]:
    """The point of the plane: error in the hole in grey levels, and the judge's mean distance."""
    with torch.no_grad():
        both = zip(real.split(4), made.split(4), strict=True)
        parts = [float(referee(one.to(device), other.to(device))) for one, other in both]
    return plane.error_of(in_the_hole(real, made, known)), sum(parts) / len(parts)


def searched(critic: nn.Module | None) -> Tensor:
    """Four fills for each of a few heads: (N, 4, 3, 64, 64)."""
    settings = {
        "count": 4,
        "candidates": pick(quick=64, cpu=512, full=4_096),
        "steps": pick(quick=2, cpu=40, full=300),
        "critic": critic,
    }
    heads_and_holes = zip(watched[few].split(1), trial[few].split(1), strict=True)
    return torch.stack(
        [
            search(origin, real.to(device), known.to(device), **settings, random=torch.Generator().manual_seed(0)).cpu()
            for real, known in heads_and_holes
        ]
    )


points = {
    name: point(watched[few], made[few], trial[few])
    for name, made in answers.items()
    if name not in ("to be filled", "as it was")
}
spent = 0.0
for name, judged in (("search", None), ("search + adversary", critic)):
    began = time.perf_counter()
    many = searched(judged)
    spent += time.perf_counter() - began
    scored = [point(watched[few], one, trial[few]) for one in many.unbind(1)]
    points[name] = tuple(sum(values) / len(values) for values in zip(*scored, strict=True))
    points[f"mean of {name}"] = point(watched[few], many.mean(1), trial[few])
plane.draw({"inpainting of heads": points})
began = time.perf_counter()
filled_by(finished["peeps"], watched[few], trial[few])
print(
    f"a search {spent / (2 * len(watched[few])):.1f} s a hole, the network {(time.perf_counter() - began) / len(watched[few]) * 1000:.0f} ms"
)
hardware.return_unused_memory()

# %% [markdown]
# Three pairs of points tell three stories.
#
# **The squared error and the adversary**, the two networks: about the same error, and much nearer to the truth for the
# judge. What is drawn in lines pleases him, where it is right, more than fog that is right on average.
#
# **A fill and the mean of fills**, the searches: the mean wins on *both* axes, although half of it is fog. The error has to
# fall (the arithmetic above). The judge follows, because he, too, compares with the *one* true picture, and punishes a good
# guess that is another one. It was so in chapter 07: a judge with the original in his hand is a distortion of a kinder sort.
# By the law of [Blau and Michaeli 2018](https://arxiv.org/abs/1711.06077) only a measure without the original can see what
# the single fill has and the mean has not: that it could be a picture.
#
# **The network and the search**: the mean of a search has less error than either network, and a single fill is as near for
# the judge as the adversary's. Its generator has learnt from more than twenty times as many heads, and it takes its time
# for each hole: the line below the figure says how much. (On the three heads of section 7 the network was ahead. Eight
# heads decide little; the benchmark has more, and finds the same order.)
#
# One hope is missing here: to give the network a noise channel beside the picture, so that it draws another fill for
# each noise. It is the first idea of everybody, and mostly the network learns to ignore the noise, for the pixel term
# punishes it for every use ([Isola et al. 2017](https://arxiv.org/abs/1611.07004), section 3). Task 3 of “Try it” tries it.
#
# ## 9. Photographs
#
# A photograph may show anything, so nobody can know what belongs in a large hole of it. Scratches and spots are another
# matter. The network for photographs has learnt with many small holes at once, up to 20 pixels: a hole gives its error
# for a few hundred pixels only, and four holes in one crop teach as much as four crops.


# %%
def several_holes(side: int, number: int = 8) -> Tensor:
    """Masks (N, 1, 160, 160) with so many square holes in each photograph."""
    masks = [
        hole_masks(len(photographs), 160, side, torch.Generator().manual_seed(100 * side + one))
        for one in range(number)
    ]
    return torch.stack(masks).prod(0)


kinds = {f"{side} px": several_holes(side) for side in (4, 8, 16, 24)}
kinds["scratches"] = torch.stack(
    [strokes(len(photographs), 160, 6, torch.Generator().manual_seed(seed)) for seed in range(4)]
).prod(0)
fills = {
    name: (diffuse(photographs, known), filled_by(finished["photos"], photographs, known))
    for name, known in kinds.items()
}
for name, made in fills.items():
    plain, learnt = (in_the_hole(photographs, one, kinds[name]) for one in made)
    print(f"{name:10} diffusion {plain:.2f} dB   network {learnt:.2f} dB   {learnt - plain:+.2f}")
hardware.return_unused_memory()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## For scratches the heat equation is nearly as good
#
# ???
# (4 min) Ask: which row is the network's? Cover the labels. At this size hardly anybody can tell, and the table in the
# notebook gives a few tenths of a decibel. That is honest and useful: a scratch is a small hole, and a small hole is
# nearly solved by its edge. The command takes a mask, a picture that is white where something is to go: minigan
# inpaint portrait.jpg --mask scratches.png -o mended.png.

# %% slideshow={"slide_type": "-"}
shown_names = [name for name in ("chelsea", "coffee", "china", "bison") if name in names]
scratched = torch.cat([middle(name) for name in shown_names])
scratches = strokes(len(scratched), 160, 9, torch.Generator().manual_seed(21))
rows = {
    "scratched": shown(scratched, scratches),
    "diffusion": diffuse(scratched, scratches).clamp(-1, 1),
    "network": filled_by(finished["photos"], scratched, scratches),
}
alt = (
    "Photographs with pink scratches a few pixels wide, mended by diffusion and by the network. Both have removed the "
    "scratches, and at this size the two can hardly be told apart."
)
plot.compare(rows, alt=alt, width=5.2)
hardware.return_unused_memory()

# %% [markdown]
# And a large hole? The network has never seen one. So halve the picture until the hole is one of those that it knows,
# fill it there, enlarge the fill, and blend it into the hole. This is what `filled` of `apps.holes` does, and with it
# the command. Nothing of the rest of the picture is halved.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A large hole in a photograph stays fog
#
# ???
# (4 min) Ask what would be needed for the missing rim of the cup. "More layers" is the usual answer. Pictures:
# networks that paint a believable street into half a photograph have seen millions, this one 65. Halving the picture
# until the hole is of a size that it knows gives a little more shape. End with the question of the chapter: what
# belongs in the hole when many things could? One of them, and it should say that it is a guess.

# %% slideshow={"slide_type": "-"}
wide = square_hole(160, 48)
by_halves = to_signed(filled(finished["photos"], to_pixels(coffee)[0], to_pixels(2 * wide - 1)[0]))[None]
rows = {
    "the hole": shown(coffee, wide),
    "diffusion": diffuse(coffee, wide).clamp(-1, 1),
    "network": inpaint(finished["photos"], coffee.to(device), wide.to(device)).cpu(),
    "first at a quarter": by_halves,
    "truth": coffee,
}
alt = (
    "A cup with a large hole, filled by diffusion, by the network, by the network at a quarter of the size, and as it "
    "was. All three fills are soft; none of them draws the missing rim of the cup as it was."
)
plot.compare({"": torch.cat(list(rows.values()))}, titles=list(rows), alt=alt, width=6.4)

# %% [markdown]
# Be honest about this one: it is fog, with a little more shape. 65 photographs and some minutes on a laptop do not teach
# what the world looks like. Networks that paint a believable street into half a picture have seen millions. What is
# learnt here is the local part, and for scratches, spots, dates and wires that is the useful one:
#
#     minigan inpaint portrait.jpg --mask scratches.png -o mended.png
#
# The mask is a picture of the same size, white where something is to go. Everything outside it stays bit for bit.
#
# ## Summary
#
# - The heat equation fills a hole with the smoothest surface that fits its edge. At several sizes and with momentum it
#   takes a fraction of a second. Small holes need no more.
# - Let a network predict the *change* of that fill, starting at 0, and take the error in the hole alone: asked for
#   everything, it learns to copy.
# - A network uses context that diffusion cannot see. A pretrained encoder has to earn the time that it costs.
# - A fill is put in by its differences, not its colours: diffuse the misfit of the rim into the hole.
# - The squared error gives the mean of all fills that are possible. Its blur shows what is uncertain.
# - A search among a generator's drawings finds many fills; an adversarial term makes a network choose one. A measure that
#   compares with the one true picture prefers the mean of many fills to each of them.
#
# ## Try it
#
# **1. A mean that leaves out the hole** (10 minutes). `diffuse` begins with a small picture whose pixels are means of
# what is *known* of each 2 x 2 block. Write the same for a window of 3 x 3 around every pixel: the mean of its known
# pixels, and 0 where none is known. Images (N, C, H, W), a mask (N, 1, H, W); beyond the border nothing is known. (It is
# the heart of the partial convolution of [Liu et al. 2018](https://arxiv.org/abs/1804.07723).)


# %%
def mean_of_known(images: Tensor, known: Tensor) -> Tensor:
    """The mean over the known pixels of each 3 x 3 window; 0 where there is none: (N, C, H, W)."""
    raise NotImplementedError


hints = [
    "F.avg_pool2d(images * known, 3, 1, 1) is a ninth of the sum of the known pixels of each window.",
    "The same of the mask alone is a ninth of their number. Divide, and mind where it is 0.",
]
row = torch.tensor([2.0, 9.0, 4.0, 9.0, 9.0, 9.0]).view(1, 1, 1, 6)
told = torch.tensor([1.0, 0.0, 1.0, 0.0, 0.0, 0.0]).view(1, 1, 1, 6)
expected = torch.tensor([2.0, 3.0, 4.0, 4.0, 0.0, 0.0]).view(1, 1, 1, 6)
mistakes = {
    "Divide by how many pixels are known, not by nine.": expected * torch.tensor([1, 2, 1, 1, 0, 0]) / 9,
    "The unknown pixels have a say: multiply by the mask before you sum.": torch.tensor([11.0, 7.5, 22, 22, 0, 0]).view(
        1, 1, 1, 6
    ),
}
with suppress(NotYet), checking("A mean that leaves out the hole", hints) as c:
    c.close(mean_of_known(row, told), expected, "by hand", mistakes=mistakes)
    c.close(
        mean_of_known(saddle, torch.ones_like(saddle))[..., 1:-1, 1:-1], F.avg_pool2d(saddle, 3, 1), "nothing missing"
    )
    c.close(mean_of_known(saddle, torch.zeros_like(saddle)), torch.zeros_like(saddle), "nothing known")

# %% [markdown]
# Use it to fill a hole: where a pixel is unknown and its mean is not 0, take the mean and call the pixel known; repeat.
# Compare with `diffuse`. What does the fill look like along the middle of the hole, and why?
#
# **2. Bars** (15 minutes). Make a picture of black and white bars, 8 pixels wide, and cut a hole of 24. Predict the
# diffusion fill, then look. Train an `Inpainter` on random bars of any direction for a minute. Does it continue bars of
# another width? Of two crossing directions?
#
# **3. A noise channel** (30 minutes). Give the network noise in place of the diffusion fill inside the hole, and train
# with the adversarial term, starting from scratch. Fill one hole with eight noises. How different are the fills, against
# the eight of section 7? Then set the weight of the pixel term to 0.
#
# **4. Your own scratches** (20 minutes). Scan an old photograph, paint its scratches white on a black picture of the
# same size, and call `minigan inpaint`. Where does it fail? `minigan train ./photographs -o run --task inpaint` trains a
# network on pictures of your own.
#
# More tasks, each with its check, stand in [the exercises to this chapter](../exercises/10_inpainting/10_inpainting.ipynb).
#
# ## References
#
# - M. Bertalmio et al., [Image Inpainting](https://doi.org/10.1145/344779.344972), 2000.
# - D. Pathak et al., [Context Encoders: Feature Learning by Inpainting](https://arxiv.org/abs/1604.07379), 2016.
# - R. Yeh et al., [Semantic Image Inpainting with Deep Generative Models](https://arxiv.org/abs/1607.07539), 2017.
# - G. Liu et al.,
#   [Image Inpainting for Irregular Holes Using Partial Convolutions](https://arxiv.org/abs/1804.07723), 2018.
# - P. Pérez, M. Gangnet, A. Blake, [Poisson Image Editing](https://doi.org/10.1145/882262.882269), 2003.
# - G. Golub, R. Varga, [Chebyshev semi-iterative methods, successive overrelaxation iterative methods, and second order
#   Richardson iterative methods](https://doi.org/10.1007/BF01386013), 1961.
# - P. Isola et al.,
#   [Image-to-Image Translation with Conditional Adversarial Networks](https://arxiv.org/abs/1611.07004), 2017.
# - C. Zheng, T.-J. Cham, J. Cai, [Pluralistic Image Completion](https://arxiv.org/abs/1903.04227), 2019.
# - Y. Blau, T. Michaeli, [The Perception-Distortion Tradeoff](https://arxiv.org/abs/1711.06077), 2018.
# - O. Ronneberger, P. Fischer, T. Brox, [U-Net](https://arxiv.org/abs/1505.04597), 2015.
#
# **Next:** [11 Generation](11_generation.ipynb). How good do pictures from noise become with everything learnt?
