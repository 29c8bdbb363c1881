# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 00 Start here
#
# **Is this machine ready, and what is a picture to a network?**
#
# This course teaches networks to draw. By the end of its first hour yours will have drawn heads like those below,
# which nobody ever drew before. First the ground: this machine, the pictures, and how a chapter works.
#
# | | |
# | --- | --- |
# | **You will learn** | what an image tensor is; the one range, [-1, 1], that the whole course keeps; three ways to spoil a picture without an error message; how to load, look at and degrade pictures |
# | **You need** | Python, and what a tensor is in PyTorch. No GPU and no network: data and weights came with the installation |
# | **It takes** | about 20 minutes to read. The machine needs less than half a minute |

# %% slideshow={"slide_type": "-"}
import torch

from minigan import plot, weights

generator, facts = weights.shipped("peeps")
with torch.no_grad():
    heads = generator(torch.randn(24, generator.latents, generator=torch.Generator().manual_seed(2)))
plot.grid(
    heads,
    alt="Three rows of eight heads with varied hair, skin and clothes, drawn by the generator that comes with the course.",
)
print(f"drawn by a network that learnt from {facts['images']:,} images of {facts['data']}, seen again and again")

# %% [markdown]
# The line above that begins with `heads` is all it takes, once a network is trained. Change the number 2 in it and run
# the cell again with Shift and Enter: other numbers, other heads. How the network came to know heads is chapter 02.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is every laptop ready?
#
# `minigan doctor`
#
# It names each thing that is missing, with its remedy, and the minutes that each chapter will take on this machine.
#
# ???
# (2 min) The heads on the first slide were drawn by a network, which nobody told what a head is. Now let everybody run
# this command in a terminal, and read out the last line. Whoever is not ready gets the remedy that it names, and a
# neighbour to look on with until the break. After the set-up no laptop needs the network.

# %% [markdown]
# ## 1. Is this machine ready?
#
# In a terminal, `minigan doctor` looks at everything that the course needs, and gives a remedy for each thing that is
# missing. Here is its verdict, and what it expects each chapter to take on this machine. It measures the speed of a small
# training step for two seconds, and compares it with the machine on which the chapters were last timed.

# %% slideshow={"slide_type": "-"}
from minigan.course.doctor import examine

report = examine()
print(report.verdict)
expected = {name: seconds / 60 for name, seconds in report.seconds.items() if seconds}
if expected:  # nothing is expected of the scale `quick`, which is for tests
    alt = "Bars: the minutes that each written chapter is expected to take on this machine."
    with plot.figure(alt=alt, size=(7, 3.4)) as axis:
        axis.barh(list(expected), list(expected.values()), color=plot.REAL)
        axis.invert_yaxis()
        axis.set_xlabel("expected minutes on this machine")

# %% [markdown]
# Every notebook of the course runs at one of three scales. `quick` is for tests, and its pictures are poor. `cpu` suits a
# laptop and is the default without a GPU. `full` is the default with one. A cell says what it does at each of them:

# %%
from minigan.course import pick

steps = pick(quick=3, cpu=400, full=20_000)
print(f"at this scale, a training of 3, 400 or 20,000 steps would take {steps:,}")

# %% [markdown]
# ### What the machine is good at
#
# The library asks four questions about the machine. The cell after the imports is the library itself: it shows code that
# stands in `minigan/hardware.py`, character for character, and a test keeps it so. Change a function here and this
# notebook uses your version, while the library keeps its own. Such cells need the names that their module imports, so
# the list is long; there is no need to read it.

# %%
import ctypes
import io
import os
import sys
import time
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import torch.nn.functional as F
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor, nn

from minigan import data
from minigan.course import checking
from minigan.files import PACK, answers_within, cache_folder, picture_files, read_folder, read_image, square
from minigan.names import known

# %% minigan="hardware"
# device, bf16_speedup, precision, autocast, keep_freed_memory, return_unused_memory

# %% [markdown]
# **Predict.** A number in `bfloat16` has the range of `float32` but only 8 of its 24 bits of precision, and takes half the
# memory. Will training with it be faster on this machine? Twice as fast?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Half the memory: twice the speed?
#
# A number in `bfloat16` has the range of `float32`, with 8 of its 24 bits. **Predict:** will training be faster?
#
# ???
# (1 min) Take a show of hands: slower, equal, twice as fast, more. Most people say twice. Then show what one machine
# said; on another it is another number. A processor without instructions for it emulates each product and is slower. So
# the library measures for a moment instead of believing.

# %% slideshow={"slide_type": "fragment"} tags=["slide-text"]
speedup = bf16_speedup(device().type)
print(f"this machine trains a convolution {speedup:.1f} times as fast in bfloat16 as in float32")
print(f"so the course uses {str(precision()).removeprefix('torch.')} here")

# %% [markdown]
# **Explain.** A processor gains from it only if it has instructions for bfloat16, and memory traffic and small operations take
# their part of the time all the same. Others must emulate each product. That is why the library measures instead of believing:
# a setting that speeds up one laptop can slow down another.

# %% [markdown]
# ## 2. A picture is a tensor
#
# `peeps` are drawn heads that come with the course: 2,400 to learn from, 400 held out. They are small,
# clean and full of variety, and a laptop can learn to draw them. You will meet them in every chapter.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 2,400 heads to learn from
#
# They come with the course. Another 400 are held out.
#
# ???
# (1 min) These are real drawings: Open Peeps by Pablo Stanley, free for any use. Small, clean, full of variety, and a
# laptop can learn them. We meet them in every chapter.

# %% slideshow={"slide_type": "-"}
peeps = data.load("peeps")
print(peeps)
plot.grid(
    peeps[:24],
    columns=8,
    alt="Three rows of eight drawn heads on white, with many kinds of hair, glasses, hats and moods.",
)

# %% [markdown]
# To a network, a picture is a block of numbers. A batch of them has the shape **(N, C, H, W)**: N pictures, C colour channels
# (3 for red, green, blue; 1 for grey), H rows, W columns.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A batch of pictures is a block of numbers
#
# $$(N,\; C,\; H,\; W)$$
#
# $N$ pictures, $C$ colour channels, $H$ rows, $W$ columns. **Predict** the shape of the 24 heads.
#
# ???
# (1 min) Let the room say the four numbers before the key. The usual slip is to put the channels last: picture libraries
# do that, networks do not. Remember it for the next quiz.

# %% slideshow={"slide_type": "fragment"} tags=["nbval-check-output", "slide-text"]
batch = peeps[:24]
print(tuple(batch.shape), batch.dtype)

# %% [markdown]
# Look closer. Below, one head, then its left eye, then the numbers of the eye's red channel. Nothing else is in there:
# no line, no eye, no head. Whatever a network knows of these, it must find in the numbers.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Nothing but numbers
#
# ???
# (2 min) From left to right: a head, the square around its eye, and the eye's red channel. Ask where the eye is in the
# numbers on the right. There is no line, no eye, no head in there. Whatever a network knows of these, it must find in the
# numbers.

# %% slideshow={"slide_type": "-"}
head = peeps[23]
eye = head[:, 30:40, 35:45]
alt = "A head with a square around its eye; the eye enlarged to ten by ten coloured squares; the same squares as numbers from -1 to 1."
with plot.figure(columns=3, size=(3.1, 3.1), alt=alt) as axes:
    for axis, picture in zip(axes, (head, eye, eye[:1]), strict=True):
        axis.imshow(plot.tile(picture[None]), interpolation="nearest")
        axis.axis("off")
    axes[0].add_patch(mpl.patches.Rectangle((34.5, 29.5), 10, 10, fill=False, edgecolor=plot.FAKE, linewidth=2))
    axes[0].set_title("64 x 64 pixels")
    axes[1].set_title("10 x 10 of them")
    axes[2].set_title("their red channel")
    for (row, column), value in np.ndenumerate(eye[0].numpy()):
        colour = "black" if value > 0 else "white"
        axes[2].text(column, row, f"{value:.1f}", ha="center", va="center", fontsize=6.5, color=colour)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One range for all: $[-1, 1]$
#
# $$x = \frac{p}{127.5} - 1$$
#
# Files hold bytes from 0 to 255, tutorials use $[0, 1]$, ImageNet networks want $-2.1$ to $2.6$. **Mixing them raises no
# error.**
#
# ???
# (1 min) p is the byte of a pixel, x what the network sees. Minus one is black, one is full light. Ask why not 0 to 1: a
# generator ends in tanh, whose range this is, and layers like values around zero. Mixing ranges is the most common bug of
# the field, because nothing crashes and the pictures only get worse.

# %% [markdown]
# ## 3. One range for all: [-1, 1]
#
# Files hold bytes from 0 to 255. Tutorials use [0, 1]. Networks trained on ImageNet want numbers from about -2.1 to 2.6. Each
# is fine, and mixing them is the most common bug of this field, because **nothing crashes**: the pictures just get worse.
#
# The course makes one rule. Inside `minigan` an image is in **[-1, 1]**, always: -1 is black, 1 is full light, 0 is in the
# middle. There are two reasons. A generator ends in tanh, whose range this is. And values around zero suit the layers that
# read them: a picture of only positive numbers pushes all weights of a neuron the same way.
#
# With $p$ the byte of a pixel and $x$ its value, the two conversions are
#
# $$x = \frac{p}{127.5} - 1, \qquad p = \mathrm{round}\big(127.5\,(x + 1)\big).$$

# %% minigan="data"
# to_signed, to_pixels, check_images

# %% [markdown]
# **Predict.** Will a picture survive the way there and back, byte for byte? A float32 has 24 bits of precision, a byte has 8.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## There and back: does every byte survive?
#
# A float32 has 24 bits of precision, a byte has 8.
#
# ???
# (1 min) Hands up for yes, then for no. Careful people say no, because of rounding. All 256 come back: the error of a
# float is far below half a step of a byte.

# %% slideshow={"slide_type": "fragment"} tags=["nbval-check-output", "slide-text"]
everything = torch.arange(256, dtype=torch.uint8)
print("all 256 bytes survive:", torch.equal(to_pixels(to_signed(everything)), everything))
print("black", to_signed(everything)[0].item(), "white", to_signed(everything)[255].item())

# %% [markdown]
# ### Three ways to spoil a picture without an error
#
# Each of the three pictures below comes from one wrong line that runs without complaint. **Predict** what went wrong
# before you read on.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Three wrong lines, and no error message
#
# ???
# (2 min) Each picture below comes from one wrong line of code that ran without complaint. Two minutes in pairs: what was
# the line? The first is found last, the third is often not seen as wrong at all.

# %% slideshow={"slide_type": "-"}
pixels = peeps.pixels[2].permute(1, 2, 0).contiguous()  # (H, W, 3), as picture libraries hold them

first = pixels.reshape(3, 64, 64)
second = pixels.permute(2, 1, 0)
third = to_signed(pixels.permute(2, 0, 1)) / 2 + 0.5

wrong = torch.stack([to_signed(first), to_signed(second), third])
plot.compare(
    {"as it is": peeps[[2, 2, 2]], "spoilt": wrong},
    titles=["1", "2", "3"],
    width=5,
    alt="Above, the same head three times. Below, the first is a chaos of coloured dashes, the second lies on its side, the third is pale.",
)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-figure-1"]
# ## What went wrong
#
# 1. `reshape` cuts memory anew; only `permute` moves axes
# 2. `permute(2, 1, 0)` also swaps rows with columns
# 3. $[0, 1]$, shown as if it were $[-1, 1]$: black is grey
#
# ???
# (1 min) The third is the treacherous one. All its numbers are allowed, so no check can find it. A discriminator that
# sees real pictures in one range and fakes in the other needs no knowledge of heads to tell them apart. Say it once more:
# look at what goes into the network, every time.

# %% [markdown]
# **Explain.**
#
# 1. `reshape` keeps the order of the numbers in memory and only cuts them anew. Picture libraries store (H, W, C), networks
#    want (C, H, W), and only `permute` moves the axes. Cut anew, every third number of a row lands in the wrong place.
# 2. `permute(2, 1, 0)` moves the channels and also swaps rows with columns: the picture is mirrored at its diagonal. With pictures
#    that are random crops of textures, nobody would notice for weeks.
# 3. The picture was changed to [0, 1] and shown as if it were in [-1, 1]: black has become grey. A generator that ends in tanh
#    would learn these pale pictures well. A discriminator that sees real images in one range and fakes in the other needs no
#    knowledge of heads to tell them apart. Chapter 02 shows what then becomes of training.
#
# The third is the treacherous one. So the library checks at its doors, and says what came, what was expected and what to do:

# %% tags=["nbval-check-output"]
for spoilt in (peeps.pixels[:1].float(), peeps[:1].permute(0, 2, 3, 1), peeps.pixels[:1]):
    try:
        check_images(spoilt)
    except (TypeError, ValueError) as error:
        print(f"{type(error).__name__}: {error}\n")

# %% [markdown]
# No check can find the pale picture: all its numbers are allowed. Against that only one thing helps, which is to **look at
# what goes into the network**, every time.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A door that says what came
#
# ```text
# ValueError: images span [0.00, 255.00], expected [-1, 1];
# pass uint8 pixels through minigan.data.to_signed first,
# and clamp what a filter overshot
# ```
#
# **What came**, what was **expected**, **what to do**
#
# ???
# (1 min) The library checks wherever pictures enter. Each error says three things: what came, what was expected, what to
# do. It finds wrong shapes, wrong types and wrong ranges. It cannot find the pale head of a moment ago.

# %% [markdown]
# ## 4. The pictures of the course
#
# `load` finds a set by its name. The pictures are kept as bytes, a quarter of the memory, and become floats when they are asked
# for. What is known about them comes along: labels where there are any, the author, the licence.

# %% minigan="data"
# FASHION, PACKED, TORCHVISION, ImageSet, load, load_packed, load_photos, from_pack, load_folder, resize

# %%
for name in PACKED:
    print(load(name))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Eight sets, without a network
#
# 2,400 heads, and 100 each of three other styles
#
# The same signs in two hands; photographs; garments
#
# Each has a part that **training never sees**
#
# ???
# (2 min) From the top: peeps, micah, adventurer, pixelart, noto and twemoji, photographs, fashion. Ask which of the other
# heads lie nearest to peeps. Chapter 05 starts from a network that knows peeps and gives it only 100 pictures of another
# style. Then ask who has seen a tutorial that trains on all pictures, to have more data, and measures against the same
# ones. The score improves and means less. Here no training sees the second part, split="test".

# %% slideshow={"slide_type": "-"}
rows = {name: load(name, size=64)[:8] for name in PACKED}
rows["fashion"] = rows["fashion"].expand(-1, 3, -1, -1)
plot.compare(
    rows,
    width=7,
    alt="Eight pictures of each set: four styles of drawn heads, the same emoji in two styles, photographs, grey garments.",
)

# %% [markdown]
# Each set has a part in the story. `peeps` teach the generator that later chapters start from. `micah`, `adventurer` and
# `pixelart` have only 100 training pictures each, and lie nearer to and farther from `peeps`: can what was learnt on the many
# help with the few? `noto` and `twemoji` draw the same things in two hands. The photographs are for restoration, and `fashion`
# is small and fast.
#
# Every set has a second part, `split="test"`, which no training in this course ever sees. A result on pictures that were
# trained on says little: the network may know them by heart.
#
# **What well-known treatments get wrong.** Many GAN tutorials train on the test pictures too, "to have more data", and then
# measure against them. The score improves and means less.
#
# Your own pictures load the same way, from a folder: `load("./holiday", size=64)`. Files that cannot be read are skipped and named
# in `.skipped`. With a network, torchvision's sets come by name too:

# %% minigan="data"
# load_torchvision, photo

# %% [markdown]
# ## 5. Spoiling on purpose
#
# Half of this course repairs pictures: it enlarges them (chapter 07), cleans them (09), completes them (10). To learn repair one
# needs pairs, the spoilt and the whole, and there is an endless supply: take a good picture and spoil it.

# %% minigan="data"
# downscale, add_noise, hole_masks

# %% [markdown]
# **Predict.** The coffee below has 448 pixels a side. At a quarter of that, would you still know it? And with noise of standard
# deviation 50, of 255 grey levels?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One pixel in sixteen: would you know it?
#
# And with strong noise? And with a hole?
#
# ???
# (1 min) The picture that comes was shrunk to a quarter of its side, or drowned in noise of standard deviation 50, or cut.
# Let people say whether they will still recognise it. Then show. Everybody does, at once, each time.

# %% slideshow={"slide_type": "fragment"}
seed = torch.Generator().manual_seed(0)
coffee = resize(photo("coffee"), (256, 384))[:, :, :, 64:320]
small = downscale(coffee, 4)
noisy = add_noise(coffee, sigma=50, generator=seed).clamp(-1, 1)
mask = hole_masks(1, 256, hole=96, generator=seed)
plot.compare(
    {"": torch.cat([coffee, F.interpolate(small, scale_factor=4), noisy, coffee * mask + (1 - mask)])},
    titles=["whole", "a quarter of the size", "noise, sigma 50", "a hole"],
    alt="A cup of coffee four times: whole; as 64 by 64 coarse squares; under strong colour noise; with a white square missing.",
)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-figure-1"]
# ## You know what cups look like
#
# A network that repairs pictures needs such knowledge too. It may come **from networks that were trained before, for
# something else**.
#
# ???
# (1 min) That sentence is the subject of the course. Fifteen of sixteen pixels are gone and the cup is there, because you
# bring the cup along. Chapters 07 to 10 enlarge, paint, clean and complete pictures with borrowed knowledge.

# %% [markdown]
# **Explain.** You know it at once each time. Fifteen of sixteen pixels are gone, or every pixel is wrong, and still there is the
# cup, because you know what cups look like. A network that repairs pictures needs such knowledge too. Where it may come from is
# the subject of this course: **from networks that were trained before, for something else**.
#
# ### A trap in shrinking
#
# To shrink a picture one could keep every fourth pixel. It is the fastest way, and a common one.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Which one kept every fourth pixel?
#
# ???
# (1 min) The figure has its titles; cover them with a hand or ask before you show. Dropped pixels do not remove detail
# that is too fine. It comes back as a coarse pattern that was never there: aliasing, here dots in the lattice. Whole
# leaderboards moved because a library shrank without a filter.

# %% slideshow={"slide_type": "fragment"}
tower = photo("eiffelTower")[:, :, 40:296, 96:352]
shrunk = torch.cat([tower[:, :, ::4, ::4], downscale(tower, 4)])
plot.compare(
    {"": F.interpolate(shrunk, scale_factor=4)},
    titles=["every fourth pixel", "filtered first"],
    width=6,
    alt="The Eiffel Tower shrunk twice: by dropping pixels its lattice becomes stray dots, by filtering it stays a smooth small tower.",
)

# %% [markdown]
# **Explain.** Detail finer than the new pixels cannot be kept. Dropped pixels do not remove it: it comes back as a coarse pattern that
# was never in the scene, which is called aliasing: the tower's lattice becomes dots. `resize` first averages it away. The trap is not only ugly. Scores for
# generated pictures change when somebody's library shrinks without a filter, and whole leaderboards did
# ([Parmar et al. 2022](https://arxiv.org/abs/2104.11222)). Chapter 03 returns to it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Predict, run, explain
#
# 1. **Predict:** stop, and write down what you expect
# 2. **Run** the cell: Shift and Enter
# 3. **Explain** why it differed
#
# ???
# (2 min) A guess that turns out wrong teaches more than a fact that was read. Let everybody do one now: the mean of all
# pixels in peeps, in section 6 of the notebook. The first check fails and gives a hint, the second passes.

# %% [markdown]
# ## 6. How a chapter works
#
# Each chapter has **one question** at its head. On the way you will find, again and again:
#
# - **Predict**: stop, and write down what you expect. A guess that turns out wrong teaches more than a fact that was read.
# - Then run the cell, with Shift and Enter.
# - **Explain**: what happened, and why it differed.
#
# At the end stands **Try it**. An answer is checked here, in the notebook, without a server. This is how it looks when an answer is
# wrong. The task: what is the mean value of all pixels in `peeps`, in [-1, 1]?

# %% slideshow={"slide_type": "fragment"} tags=["slide-text"]
from minigan.course.checking import NotYet

answer = peeps.pixels.float().mean()

with (
    suppress(NotYet),
    checking("Mean of peeps", hints=["In which range is `peeps.pixels`, and in which is `peeps[:]`?"]) as c,
):
    c.true(-1 <= answer <= 1, "the mean lies in [-1, 1]", f"got {answer:.1f}")
    c.close(answer, peeps[:].mean(), "the value is right")

# %% [markdown]
# And when it is right:

# %%
answer = peeps[:].mean()

with checking("Mean of peeps", hints=["In which range is `peeps.pixels`, and in which is `peeps[:]`?"]) as c:
    c.true(-1 <= answer <= 1, "the mean lies in [-1, 1]", f"got {answer:.1f}")
    c.close(answer, to_signed(peeps.pixels).mean(), "the value is right")

# %% [markdown]
# The mean is well above 0, because most of each picture is white paper. A generator has to learn even that.
#
# ## 7. The map
#
# Two formulas run through the course. The first is the game that a generator $G$ and a discriminator $D$ play
# ([Goodfellow et al. 2014](https://arxiv.org/abs/1406.2661), eq. 1): $D$ tells real images $x$ from generated ones $G(z)$, and $G$
# tries to make it fail. $z$ are random numbers, the *latents*.
#
# $$\min_G \max_D V(D, G) = \mathbb{E}_{x \sim p_\mathrm{data}}[\log D(x)] + \mathbb{E}_{z \sim p_z}[\log(1 - D(G(z)))]$$
#
# The second adds what a pretrained network knows. $F_i$ is the $i$-th of some of its layers, and $\lambda$ a weight:
#
# $$L_\mathrm{FD} = \sum_i \lVert F_i(G(z)) - F_i(x) \rVert^2, \qquad L = L_\mathrm{adv} + \lambda L_\mathrm{FD}$$
#
# Chapters 01 and 02 are about the first. Chapters 03 to 06 bring in the pretrained networks, and say honestly where they help and
# where they do not. Chapters 07 to 11 apply both, and 12 asks what is still open.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two formulas run through the course
#
# $$\min_G \max_D\; \mathbb{E}_{x}[\log D(x)] + \mathbb{E}_{z}[\log(1 - D(G(z)))]$$
#
# $$L = L_\mathrm{adv} + \lambda \sum_i \lVert F_i(G(z)) - F_i(x) \rVert^2$$
#
# ???
# (1 min) The first is a game: D tells real from generated, G tries to make it fail. Chapters 01 and 02. The second adds
# what a pretrained network F knows, as a distance of its layers. Chapters 03 to 06 say where that helps and where it does
# not, 07 to 11 use both, 12 asks what is still open.

# %% [markdown]
# ## Summary
#
# - A batch of images is a float tensor (N, C, H, W) in [-1, 1]. Pictures enter through `data` and leave through `plot`.
# - `reshape` does not move axes, `permute` does. A wrong range raises no error: look at what goes into the network.
# - Shrink with a filter. Keep a held-out part that training never sees.
# - The library measures what this machine is good at, instead of believing.
#
# ## Try it
#
# 1. (2 minutes) Which of the eight sets is the brightest, and which the darkest? Predict first. Then compute the mean of each
#    with `load(name)[:].mean()`.
# 2. (5 minutes) How much noise does a photograph bear before you no longer know what it shows? Try `sigma` 100, 200, 400 with
#    `add_noise(...).clamp(-1, 1)` on `photo("narwhal")`. Then shrink the noisy picture four times, and look again. Why does that help?
# 3. (5 minutes) Complete the function below, and run the check. Until then it shows a red line: that is meant so.


# %% tags=["raises-exception"]
def mirrored(images: Tensor) -> Tensor:
    """Images (N, C, H, W) -> the same, left and right exchanged."""
    raise NotImplementedError


hints = ["Axis 0 counts the pictures. Which one counts the columns?", "torch.flip takes a list of axes."]
with checking("Mirrored", hints) as c:
    small = torch.arange(12.0).reshape(1, 1, 3, 4) / 12
    c.shape(mirrored(small), (1, 1, 3, 4), "the shape is kept")
    c.close(mirrored(mirrored(small)), small, "mirrored twice, the picture is the old one")
    upside_down = "That exchanges top and bottom. Rows are axis 2, columns axis 3."
    first_row, last_row = [3 / 12, 2 / 12, 1 / 12, 0.0], [8 / 12, 9 / 12, 10 / 12, 11 / 12]
    c.close(mirrored(small)[0, 0, 0], first_row, "the first row runs backwards", mistakes={upside_down: last_row})

# %% [markdown]
# ## Appendix: how the pictures get out
#
# `plot` is the only place in the library that knows matplotlib. Every figure must have a text that says what is to be seen, for those
# who cannot see it. The colours are told apart by colour-blind readers
# ([Okabe and Ito 2008](https://jfly.uni-koeln.de/color/)).

# %%
from itertools import pairwise

from cycler import cycler
from IPython.core.getipython import get_ipython
from IPython.display import display

from minigan.data import check_images, to_pixels
from minigan.files import whole_file

# %% minigan="plot"
# REAL, STYLE, Picture, in_notebook, figure, rendered, tile, grid

# %% minigan="plot"
# compare, apart, curves, training

# %% [markdown]
# More tasks, each with its check, stand in [the exercises to this chapter](../exercises/00_start_here/00_start_here.ipynb).
#
# ## References
#
# - I. Goodfellow et al., [Generative Adversarial Nets](https://arxiv.org/abs/1406.2661), 2014.
# - G. Parmar, R. Zhang, J.-Y. Zhu, [On Aliased Resizing and Surprising Subtleties in GAN Evaluation](https://arxiv.org/abs/2104.11222), 2022.
# - M. Okabe, K. Ito, [Color Universal Design](https://jfly.uni-koeln.de/color/), 2008.
# - The authors of the pictures are named in `minigan/pack/ATTRIBUTION.md` and `minigan/pack/photos/ATTRIBUTION.csv`.
#
# **Next:** [01 GAN theory](01_gan_theory.ipynb). What can a GAN learn, and how would we know?
