# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 12 Outlook
#
# **What is still hard?**
#
# Eleven chapters have built a course that works on a laptop. This one asks what it has left open, and what nobody has
# closed. Four questions: what has the generator *understood*, if that is the word? When does it invent, and when does it
# repeat? Where does the time go? And whom does it leave out? Each question gets an experiment of less than a minute, on
# the networks of this course. None of them gets a full answer. You will be able to say how far the answers reach, and
# you can tell from that what to believe of larger networks.
#
# After that come the three questions that people ask first, answered with what this course has measured: what do
# pretrained models bring, how do I choose one, and how do I use it?
#
# | | |
# | --- | --- |
# | **You will learn** | to take a generator apart, channel by channel; to find directions without labels; the order in which memorisation shows; which levers make training faster on your machine; to train one network with several processes, and to prove that it is the same training; to ask for each group by itself, and to distrust the ruler |
# | **You need** | chapters 02, 03 and 05. No GPU and no network |
# | **It takes** | about 75 minutes to read. The machine needs about a minute and a half on two CPU cores |

# %%
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from statistics import fmean, median
from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle

from minigan import data, hardware, metrics, nets, plot, train, weights
from minigan.backbones import Backbone
from minigan.course import checking, fewshot, levers, measured, pick, plane
from minigan.course.checking import NotYet
from minigan.course.measured import RESULTS
from minigan.data import ImageSet, to_pixels
from minigan.plot import FAKE, GOLD, GREEN, REAL
from minigan.processes import Agreement, count, heard, rank
from minigan.train import Batch, TrainConfig, TrainState, learning, update_average

device = hardware.device()
peeps, held_out = data.load("peeps"), data.load("peeps", "test")
generator = weights.shipped("peeps")[0].to(device)


def latents(number: int, seed: int, size: int = 128) -> Tensor:
    """Standard normal latents (number, size), the same at every call."""
    return torch.randn(number, size, generator=torch.Generator().manual_seed(seed)).to(device)


@torch.no_grad()
def in_parts(network: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
    """What a network says to many inputs, fifty at a time."""
    return torch.cat([network(part).float().cpu() for part in inputs.split(50)])


# %% [markdown]
# ## 1. Interpretability: what does a channel do?
#
# The shipped generator holds 2.3 million numbers, and it draws heads. Somewhere in it must stand that a head has
# hair, and which. *Where?* Nobody has written it there. A direct way to ask is to take something away and to look at
# what is missing. [Bau et al. 2019](https://arxiv.org/abs/1811.10597) did so with the channels of large GANs. They found
# some that draw trees, and a scene without trees when these are silent.
#
# Our generator's maps grow from 4 to 32 pixels a side before the picture. In the middle there are 96 channels of 16 x 16.
# Each is set to 0 in turn, by changing the map on its way.
#
# **Predict.** Will you be able to name what a channel does: "hair", "glasses", "shirt"? For how many of the 96?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Silence one channel of 96: can you name what it drew?
#
# The 32 strongest; bright is where the pictures change.
#
# ???
# (4 min) The generator holds 2.3 million numbers. Somewhere must stand that a head has hair. Ask: hair, glasses,
# shirt: for how many of the channels will you find such a name? Guesses go up to most of them. Show, and let them
# count: a few fill a face, one fills a shirt, nearly all others follow lines all over the head.

# %% slideshow={"slide_type": "fragment"}
MIDDLE = 6  # so many modules of `generator.blocks` come before the 96 maps of 16 x 16


def to_middle(z: Tensor) -> Tensor:
    """The first half of the generator: latents -> maps (N, 96, 16, 16)."""
    return generator.blocks[:MIDDLE](generator.start(z[:, :, None, None]))


def from_middle(maps: Tensor) -> Tensor:
    """Its second half: maps -> pictures."""
    return generator.to_image(generator.blocks[MIDDLE:](maps)).tanh()


def scaled(maps: Tensor, channel: int, factor: float) -> Tensor:
    """The maps with one channel made weaker, stronger or silent."""
    changed = maps.clone()
    changed[:, channel] *= factor
    return changed


with torch.no_grad():
    maps = to_middle(latents(pick(quick=4, cpu=16, full=64), 3))
    pictures = from_middle(maps)
    silent = torch.stack([(from_middle(scaled(maps, c, 0)) - pictures).abs().mean(1) for c in range(maps.shape[1])])
strength = silent.mean((1, 2, 3))  # of each channel: how much a pixel changes in the mean
strongest = strength.argsort(descending=True)
print(
    f"{len(strength)} channels; the strongest alone makes {strength[strongest[0]] / strength.sum():.0%} of all change"
)

shown = silent[strongest[:32]].mean(1)
alt = (
    "Where the pictures change when one channel is silent, for the 32 strongest channels, bright is much. The first two fill the "
    "face, one in the second row fills the shirt, one in the third the face again; nearly all others follow outlines of head and hair."
)
plot.grid(shown[:, None] / shown.amax((1, 2))[:, None, None, None] * 2 - 1, alt=alt, columns=8, zoom=1)

# %% [markdown]
# A few channels fill an area. Most follow lines, all over the head. That can be put into a number. Each pixel of a head
# belongs to one of four regions that its colour and place give away: black *lines*, with black hair and all within a pixel of
# them; white *paper*; the coloured part of the *head*, most of it skin; and the *shirt*. How is the change that a channel
# causes shared between them?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Most channels have no meaning of their own
#
# ???
# (3 min) A dot for each channel: to the right how strong it is, upwards how much of its change lies in one region. Ask
# what a channel with a meaning would look like: high up, in the colour of the head or the shirt. High up are only the
# lines, that is, outlines everywhere. They are parts of a code, as a letter is part of many words.

# %% slideshow={"slide_type": "-"}
REGIONS = ("paper", "lines", "head", "shirt")


def regions(images: Tensor) -> Tensor:
    """Which region each pixel belongs to: (N, 4, H, W) of 0 and 1."""
    dark, white = images.amax(1) < -0.6, images.amin(1) > 0.85
    lines = F.max_pool2d(dark[:, None].float(), 3, 1, 1)[:, 0] > 0  # and what lies within a pixel of them
    high = (torch.arange(images.shape[2], device=images.device) < 49)[:, None]
    coloured = ~lines & ~white
    return torch.stack([white & ~lines, lines, coloured & high, coloured & ~high], 1).float()


where = regions(pictures)
shares = torch.einsum("cnhw,nrhw->cr", silent, where) / silent.sum((1, 2, 3))[:, None]
area = where.mean((0, 2, 3))
for number, region in enumerate(REGIONS):
    own = shares[:, number]
    print(
        f"{region:6} {area[number]:4.0%} of the area; {own.median():4.0%} of the change in the median channel; "
        f"over two thirds in {int((own > 2 / 3).sum())} channels"
    )

alt = (
    "A dot for each of 96 channels: its strength to the right, the largest share of its change that lies in one region upwards. Nearly "
    "all lie between 0.6 and 0.95, in the region of the lines. A few stand apart and lower, in the head or the shirt, among them the strongest."
)
with plot.figure(alt=alt, size=(5.4, 3.2)) as axis:
    largest = shares.max(1)
    for number, (region, colour) in enumerate(zip(REGIONS, (GOLD, "0.4", FAKE, REAL), strict=True)):
        mine = largest.indices == number
        axis.plot(
            100 * strength[mine].cpu() / float(strength.sum()),
            largest.values[mine].cpu(),
            "o",
            color=colour,
            ms=5,
            alpha=0.8,
            label=region,
        )
    axis.set(
        ylim=(0, 1),
        xlim=(0, None),
        xlabel="strength: per cent of the change by all",
        ylabel="largest share in one region",
    )
    axis.legend(title="region", ncols=2)

# %% [markdown]
# **Most channels have no meaning of their own.** Far more than half of their change lies along lines, wherever lines are,
# and the rest is spread. They are parts of a code, as a single letter is part of many words.
#
# The few exceptions stand apart in the chart, and can be *used*. Take the channel that changes most in the head and the one that changes most in the
# shirt; turn them down and up. Beside them an ordinary one: the median in strength.


# %% [markdown] slideshow={"slide_type": "slide"}
# ## One channel holds the skin's tone, none holds a hat
#
# Three channels, each silent (x 0) and doubled (x 2).
#
# ???
# (3 min) Three channels, turned off and doubled. Let them find in each pair of rows what has changed. Head: darker
# when silent, paler when doubled. Shirt: its colour. The ordinary one: nothing that can be seen. Ask where a hat
# stands. In no single place. Large networks are not simpler: some of their channels have names, most have none.


# %% slideshow={"slide_type": "-"}
def speaker(region: str) -> int:
    """The channel that changes most in a region, more than it should by the region's area."""
    number = REGIONS.index(region)
    return int((strength * (shares[:, number] - area[number])).argmax())


chosen = {"head": speaker("head"), "shirt": speaker("shirt"), "ordinary": int(strongest[len(strongest) // 2])}
rows = {"unchanged": pictures[:8]}
with torch.no_grad():
    for name, channel in chosen.items():
        rows |= {f"{name}, x {factor}": from_middle(scaled(maps[:8], channel, factor)) for factor in (0, 2)}
alt = (
    "Eight heads unchanged, then with one channel silent or doubled. The head channel makes skin darker when silent and paler when "
    "doubled; the shirt channel changes the colour of shirts; the ordinary one changes nothing that can be seen."
)
plot.compare({name: images.cpu() for name, images in rows.items()}, alt=alt, width=6.4)

# %% [markdown]
# So the answer to "where does it stand?" is uncomfortable. A colour of an area may stand in one channel. A *hat* stands
# in no single place. The larger networks are not simpler: Bau et al. name some of the channels, those that agree with a
# segmentation network's idea of "tree". The rest have no name that we know.
#
# ### Directions instead of channels
#
# Perhaps a channel is the wrong unit. A property may be a *direction*: many channels together, each a little.
# [Härkönen et al. 2020](https://arxiv.org/abs/2004.02546) look for directions without any labels. Take the features $f$
# of many latents $z$, and find the axes along which they vary most: principal components, with coordinates $x$. Then
# find the change of $z$ that goes along with each coordinate, by least squares:
#
# $$V = \arg\min_V \sum_j \lVert V x_j - z_j \rVert^2$$
#
# Column $k$ of $V$ is a direction in latent space. Add it to any latent, a little or much, and see.
#
# **Predict.** The axes along which the features of heads vary most: what do they change in a drawn head?


# %% [markdown] slideshow={"slide_type": "slide"}
# ## A property may be a direction: many channels, each a little
#
# $$V = \arg\min_V \sum_j \lVert V x_j - z_j \rVert^2$$
#
# $x_j$: coordinates along the axes where features vary most
#
# ???
# (3 min) Perhaps a channel is the wrong unit. Find the principal axes of the features of many latents, and for each the
# change of z that goes along with it, by least squares. A column of V is then a direction in latent space. Ask: which
# labels are needed? Most look for a list of hair and skin. None: nobody tells the method what a head is.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Nobody said hair: what do the strongest axes change?
#
# ???
# (3 min) Let everybody write down two guesses: light, position, size are the usual ones. Show, and let them name each
# row. Hair goes from long to a crest, skin from dark to pale. Some rows can be named at the first look. The last row is
# a random direction for comparison: it changes a little of everything.


# %% slideshow={"slide_type": "fragment"}
def directions(number: int, samples: int) -> tuple[Tensor, Tensor]:
    """Unit directions of latents (number, latents) by principal components, and the share of variance of each."""
    z = latents(samples, 0)
    features = in_parts(lambda part: to_middle(part).flatten(1), z)
    features -= features.mean(0)
    values, vectors = torch.linalg.eigh(features @ features.T)  # samples x samples: the features are far wider
    values, vectors = values.flip(0), vectors.flip(1)[:, :number]
    steps = torch.linalg.lstsq(vectors, z.cpu()).solution  # one row for each component
    return F.normalize(steps, dim=1).to(device), values[:number] / values.sum()


found, variance = directions(8, pick(quick=40, cpu=400, full=2_000))
random_ones = F.normalize(latents(8, 9), dim=1)
print("shares of the variance of the features:", ", ".join(f"{share:.0%}" for share in variance.tolist()))


def walk(z: Tensor, direction: Tensor, reach: float = 4, stops: int = 5) -> Tensor:
    """Pictures on the way from z - reach * direction to z + reach * direction."""
    return in_parts(generator, torch.stack([z + a * direction for a in torch.linspace(-reach, reach, stops).tolist()]))


walkers = latents(32, 3)[[3, 5]]
rows = {f"direction {k + 1}": torch.cat([walk(z, found[k]) for z in walkers]) for k in range(4)}
rows["random"] = torch.cat([walk(z, random_ones[0]) for z in walkers])
alt = (
    "Two heads, each walked along five directions. Among the first four, hair goes from long to a crest, hair grows and changes its colour, "
    "skin goes from dark to pale with all else kept; the random direction changes little of everything."
)
plot.compare(rows, alt=alt, width=7.6)
hardware.return_unused_memory()

# %% [markdown]
# Nobody told the network what hair is, nor what skin is. Some of the axes can be named all the same, at the first look.
# Does a direction do the *same* to every head? For each direction, take the change of the picture from one end to the
# other, for several heads, and compare the changes by their cosine: 1 is "just the same change", 0 is "nothing in common".

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A name for a direction sums up the heads we saw
#
# ???
# (3 min) To the right: how much a picture changes. Upwards: how far two heads agree in the change; 1 is the very same
# change. Ask where the directions should lie that deserve a name. Near 1, and none is there. The second makes one head
# blond and cuts the other's hair. They do more than random ones, and they do not do the same to everybody.

# %% slideshow={"slide_type": "-"}
crowd = latents(pick(quick=4, cpu=12, full=48), 5)


def effect(direction: Tensor) -> tuple[float, float]:
    """How much a picture changes along a direction, and how much the changes of two heads agree."""
    change = (in_parts(generator, crowd + 2 * direction) - in_parts(generator, crowd - 2 * direction)).flatten(1)
    alike = F.cosine_similarity(change[:, None], change[None], dim=2)
    return float(change.abs().mean()), float((alike.sum() - len(crowd)) / (len(crowd) * (len(crowd) - 1)))


effects = {"found": [effect(one) for one in found], "random": [effect(one) for one in random_ones]}
alt = (
    "Size and agreement of the change along sixteen directions. The eight random ones lie together at small changes and "
    "agreements below a quarter; the first five found ones change two to four times as much, and two of them agree above a half."
)
with plot.figure(alt=alt, size=(5.2, 3.2)) as axis:
    for (name, points), colour in zip(effects.items(), (REAL, "0.55"), strict=True):
        axis.plot(*zip(*points, strict=True), "o", color=colour, label=name)
    for number, point in enumerate(effects["found"], 1):
        axis.annotate(str(number), point, (4, 3), textcoords="offset points", fontsize=9)
    axis.set(xlabel="mean change of a pixel", ylabel="agreement of two heads", xlim=(0, None), ylim=(0, 1))
    axis.legend()
for name, points in effects.items():
    change, agreement = (fmean(values) for values in zip(*points, strict=True))
    print(f"{name:7} mean change {change:.2f}, agreement of two heads {agreement:.2f}")

# %% [markdown]
# The found directions do more than random ones, and they agree more. But look at the height: few come above a half, and
# none near 1. The second direction makes one head blond and only cuts the other's hair; the fourth gives one a bun and the
# other an afro. **A name that we give to a direction is a summary of what we saw**, on the heads that we looked at. The skin
# of a drawing is a simple case, one colour in one area. The open problem is everything that is not.
#
# ## 2. Generalisation: when does it begin to copy?
#
# Chapter 05 fine-tuned on ten heads, and its discriminator knew them by heart while the heads were not yet copies. What
# comes after that? Here is a world small enough to see it to the end in seconds: garments of 16 x 16 pixels. A small
# GAN first learns the nine classes without bags. Then it is fine-tuned on 5, 20, 100 and 500 **bags**.
#
# Four measures on the way, always against *new* bags that no training has seen:
#
# - **precision** and **recall** (chapter 03): do the drawn bags look real, and are the real ones covered?
# - the share of drawn bags that are **nearer** to a training picture than a new bag is. A half is healthy, 1 means copies.
# - the **gap of D**, after [Karras et al. 2020](https://arxiv.org/abs/2006.06676) (eq. 1). It asks where $D$ puts new real
#   pictures between those that it has seen and the fakes:
#
# $$r = \frac{\mathbb{E}[D(x_\text{training})] - \mathbb{E}[D(x_\text{new})]}{\mathbb{E}[D(x_\text{training})] -
# \mathbb{E}[D(G(z))]}$$
#
# At $r = 0$ new pictures are as real to $D$ as those it knows. At $r = 1$ they are fakes to it.
#
# **Predict.** Which of the four gives the alarm first? And is there one that *improves* as copying sets in?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Where does D put new pictures: known, or fakes?
#
# $$r = \frac{\mathbb{E}[D(x_\text{training})] - \mathbb{E}[D(x_\text{new})]}{\mathbb{E}[D(x_\text{training})] -
# \mathbb{E}[D(G(z))]}$$
#
# 0: new is as good as known. 1: new is a fake.
#
# ???
# (4 min) Fine-tuning on 5, 20, 100 and 500 bags, always judged against new bags. Four measures: precision, recall, the
# share of drawn bags that are nearer to a training picture than a new bag is, and this gap of D. Two predictions:
# which gives the alarm first? And which improves while copying sets in?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## From five pictures it draws the five
#
# ???
# (2 min) Under each drawn bag stands the nearest training picture; training sets of 5, 20, 100 and 500 pictures. Ask from
# which row on something new is drawn. From five pictures it draws the five. A hundred only take longer.

# %% slideshow={"slide_type": "-"} tags=["slide-figure-1"]
garments = data.load("fashion", size=16)
bags, new_bags = garments.only("bag"), data.load("fashion", "test", 16).only("bag")[:]
COUNTS = (5, 20, 100, 500)
SMALL = TrainConfig(
    rate=1e-3, betas=(0.5, 0.99), r1=0.0, ema_half_life=500, ema_ramp_up=0.0, channels_last=False, precision="float32"
)


def few(pictures: ImageSet, number: int, seed: int = 0) -> ImageSet:
    """So many random pictures of a set."""
    picked = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(seed))[:number]
    return replace(pictures, pixels=pictures.pixels[picked], labels=None)


def looked_at(state: TrainState, training: Tensor) -> dict[str, float]:
    """The four measures at one moment."""
    fake = in_parts(state.average.eval(), latents(len(new_bags), 5, 32))
    known, unknown, low = (
        float(in_parts(state.discriminator, images.to(device)).mean()) for images in (training, new_bags, fake)
    )
    precision, recall = metrics.precision_recall(new_bags.flatten(1), fake.flatten(1))
    return {
        "precision": precision.value,
        "recall": recall.value,
        "nearer to training than new": metrics.share_nearer(fake, training, new_bags),
        "gap of D": (known - unknown) / (known - low),
    }


def go_on(state: TrainState, pictures: ImageSet, steps: int, looks: int = 1) -> list[dict[str, float]]:
    """Train for so many steps, and look in between; the first look comes before the first step."""
    history = []
    for number in range(steps):
        if looks > 1 and number % (steps // (looks - 1)) == 0:
            history.append(looked_at(state, pictures[:]))
        train.step(state, train.draw(state, pictures))
    return [*history, looked_at(state, pictures[:])]


torch.manual_seed(0)
before = train.start(SMALL, nets.Generator(16, 1, 32, width=16), nets.Discriminator(16, 1, 16))
go_on(before, garments.only(*[name for name in garments.classes if name != "bag"]), pick(quick=20, cpu=500, full=4_000))

steps, looks = pick(quick=12, cpu=500, full=4_000), pick(quick=3, cpu=11, full=11)
memory, drawn = {}, {}
for number in COUNTS:
    some = few(bags, number)
    state = train.start(SMALL, deepcopy(before.generator), deepcopy(before.discriminator))
    memory[number] = go_on(state, some, steps, looks)
    fake = state.sample()[:12]
    drawn |= {f"drawn, from {number}": fake, f"nearest of {number}": some[metrics.nearest(fake, some[:])[1]]}
alt = (
    "For 5, 20, 100 and 500 training pictures a row of twelve drawn bags, over the training picture nearest to each. From five, each bag is a "
    "copy of one of the five, stroke by stroke; from 500 the drawn bags have shapes that their nearest picture has not."
)
plot.compare(drawn, alt=alt, width=6.2)

alt = (
    "Four charts over the steps of fine-tuning. From five pictures the gap of D and the share nearer to training shoot up at once, recall "
    "stays at 0 and precision rises; the more pictures, the slower the gap grows and the higher recall comes."
)
with plot.figure(2, 2, alt=alt, size=(3.9, 2.4)) as axes:
    for axis, name in zip(axes.flat, memory[COUNTS[0]][0], strict=True):
        for (number, history), colour in zip(memory.items(), (FAKE, GOLD, GREEN, REAL), strict=True):
            at = [steps * place / (len(history) - 1) for place in range(len(history))]
            axis.plot(at, [entry[name] for entry in history], color=colour, label=f"{number} pictures")
        axis.set(title=name)
        if name == "nearer to training than new":
            axis.axhline(0.5, color="0.6", ls=":", lw=1)
    axes[0, 1].legend(fontsize=8.5)
    for axis in axes[1]:
        axis.set_xlabel("steps")
for number, history in memory.items():
    print(f"{number:3} pictures: " + ", ".join(f"{name} {value:.2f}" for name, value in history[-1].items()))
del before, state
hardware.return_unused_memory()

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-figure-2"]
# ## Copies have the best precision of all
#
# ???
# (3 min) Look at the orange curves. Precision rises: each copy is a perfect bag. Recall is 0: the other bags of the world
# are not there. The gap of D is the loudest alarm, and needs no generated picture. For a large model nobody can look
# through two billion training pictures. The remedy that costs nothing: keep some pictures back.

# %% [markdown]
# From five pictures the generator draws the five, and nothing else. Read the curves of that run together.
#
# - **Precision rises.** Each copy is a perfect bag. Whoever looks at the drawn bags one by one is content.
# - **Recall is 0.** The other bags of the world are not there.
# - **D's gap is the loudest alarm**, and it needs no generated copies: it is there as soon as $D$ has learnt its
#   pictures by heart. It goes above 1: $D$ then takes a copy for more real than a new real picture. (Where it can go
#   wrong: with $G$ far away from all bags, the denominator is large and the gap looks small.)
# - It is a matter of *how few*, and not of whether. 100 pictures only take longer than 5.
#
# For large models the question is the same and the answer harder: nobody can look at the nearest of two billion
# training pictures by eye. [Carlini et al. 2023](https://arxiv.org/abs/2301.13188) searched, and found copies of single
# training pictures in the output of diffusion models: few, and most of them of pictures that stood in the data many
# times. They found GANs to copy less. The remedy that costs nothing is the one of chapter 05: **keep some pictures back.**
#
# ## 3. Training efficiency: where does the time go?
#
# The same training, faster. There are levers that change the speed and not the result, and everybody has a list of
# them. On *which* machine? A lever that doubles the speed of a data-centre GPU may do nothing on a laptop. So measure.
# The step is that of the GAN of heads, from a plain loop on; each contestant pulls one lever. They take turns, round by
# round, because a laptop has weather: another program, heat. The ratio is taken *within* each round.
#
# | lever | what it changes |
# | --- | --- |
# | `channels_last` | the order of a picture's numbers in memory: all channels of a pixel side by side, as convolutions read them |
# | fused Adam | one pass over all weights instead of many small operations for each tensor |
# | R1 every 4th step | the penalty, which needs a gradient of a gradient, four times as strong at a quarter of the steps (the course's own runs have 16) |
# | `bfloat16` | half the bits for convolutions; only where the processor computes with it |
#
# **Predict** the order.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Which lever makes a step faster on this machine?
#
# ???
# (4 min) Everybody has a list of such levers, mostly from a data-centre GPU. Ask for an order. Most put the memory
# format or the optimiser first. Show; the thin lines are the range over rounds, and the machine has weather. Two
# sorts: levers that let the machine do the same sums as it likes better, which depend on the hardware; and the lazy
# penalty, which leaves sums away and gains everywhere. The largest of that sort: keep the features of real pictures,
# they do not change.

# %% slideshow={"slide_type": "fragment"}
tried = {
    name: levers.gan_step(lever, *pick(quick=(8, 8), cpu=(24, 32), full=(64, 32)))
    for name, lever in levers.worthwhile().items()
}
seconds = levers.take_turns(tried, rounds=pick(quick=1, cpu=3, full=9))
ratios = levers.times_as_fast(seconds)
alt = "How many times as fast as a plain loop a step is with each lever, medians and range: " + "; ".join(
    f"{name} {middle:.2f}" for name, (middle, _, _) in ratios.items()
)
with plot.figure(alt=alt, size=(6, 2.4)) as axis:
    for place, (name, (middle, low, high)) in enumerate(ratios.items()):
        axis.barh(place, middle, color="0.7" if name == levers.PLAIN else REAL)
        axis.plot([low, high], [place, place], color="black", lw=1)
        axis.text(max(middle, high), place, f"  {middle:.2f}", va="center")
    axis.axvline(1, color="0.4", lw=1)
    axis.set_yticks(range(len(ratios)), list(ratios))
    axis.invert_yaxis()
    axis.set(xlabel="times as fast as the plain loop", xlim=(0, None))
print(f"a plain step: {1e3 * median(seconds[levers.PLAIN]):.0f} ms; ", end="")
print("bfloat16 is not tried, it is no faster here" if "bfloat16" not in tried else "bfloat16 is fast here")
del tried
hardware.return_unused_memory()

# %% [markdown]
# Two sorts of levers stand in that table. `channels_last`, fused Adam and `bfloat16` let the machine do the same sums
# in a way that it likes better. What they gain is decided by the hardware. The lazy penalty *leaves sums away*. Such
# levers gain on every machine, and they have to be shown to do no harm to the pictures
# ([Karras et al. 2020](https://arxiv.org/abs/1912.04958), section 3, did so for this one).
#
# The largest of the second sort in this course: **features of real pictures do not change.** The backbone is frozen and
# the pictures are the same tomorrow. Where pictures are not augmented or cropped anew, their features can be found once
# and kept.

# %%
seconds = levers.take_turns(levers.feature_steps(), rounds=pick(quick=1, cpu=5, full=9), each=2)
gain = levers.times_as_fast(seconds, "features found anew")["features kept"][0]
spent = {name: 1e3 * median(own) for name, own in seconds.items()}
print("the gradient of a feature loss: " + ", ".join(f"{name} {time:.0f} ms" for name, time in spent.items()))
print(f"kept features make it {gain:.2f} times as fast")
hardware.return_unused_memory()

# %% [markdown]
# What one might expect is a factor of two, for half of the pictures need not be looked at. It is less: the forward pass
# of the real pictures has no backward pass, so it never was half of the work.
#
# `torch.compile` translates a network into new code before the first step. That takes long and needs a compiler, so
# it stands in the benchmark (`benchmarks/levers.py`), with the other levers on the full networks. Here is what it found.

# %%
table = measured("levers")
print(f"benchmark, on {table['machine']}")
pairs = {name: list(pair["times as fast"].values())[-1] for name, pair in table["pairs"].items()}
for name, (middle, low, high) in (table["times as fast"] | pairs).items():
    print(f"{name:38} {middle:5.2f} times as fast ({low:.2f} to {high:.2f})")
compiled = table["not compiled because"] or f"first steps took {table['seconds until compiled']} s"
print(f"compile, with the penalty: {compiled}")

# %% [markdown]
# Two lines of it deserve a second look. The compiler refuses R1, because R1 needs a gradient of a gradient. And without
# R1 the compiled step was the *slower* one on our two cores. Most of a step's time is spent in convolutions
# ([the profile](../benchmarks/results/step_speed.md)), and those were fast libraries' work before. On a GPU the compiler
# saves the many small operations between them; there it is worth another trial.

# %% [markdown]
# ### Several processes
#
# The last lever is more machines. One way to use them stands above the others because it changes *nothing*: give each of
# $P$ processes an equal share of every batch. The loss is a mean over the $B$ images of the batch, and a mean of the means of equal
# shares is the mean of all. The same holds for its gradient:
#
# $$\nabla \frac1B \sum_{i=1}^{B} \ell_i = \frac1P \sum_{p=1}^{P} \nabla \frac{P}{B} \sum_{i \in \text{share } p} \ell_i$$
#
# So each process finds the gradient on its share, all average their gradients, and all take the same step. Their
# networks stay equal, and nobody has to send a network round. Three things are needed: the gradients, an average over
# processes, and the same start.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The mean of equal shares is the mean of all
#
# $$\nabla \frac1B \sum_{i=1}^{B} \ell_i = \frac1P \sum_{p=1}^{P} \nabla \frac{P}{B} \sum_{i \in \text{share } p} \ell_i$$
#
# ???
# (4 min) More machines, in the one way that changes nothing. Each process finds the gradient on its share, all average
# their gradients, all take the same step. Ask: what has to be sent? Usual answer: the weights. Only gradients, as one
# vector; the weights stay equal by themselves. Three things are needed: the gradients, an average, the same start. And
# the shares must be equal, of the same batch.

# %% minigan="distributed"
# networks, gradients, average

# %% [markdown]
# `all_reduce` adds a tensor over all processes and gives the sum to each. A message costs time for itself, however
# short it is, so all gradients travel as one vector. At the start process 0 gives its networks to the others. It
# gives its random stream as well: we shall need it.

# %% minigan="distributed"
# broadcast, statistics

# %% [markdown]
# (What forward passes change, such as the running mean of batch norm, has no gradient. It is averaged as it is.)
#
# The shares must be equal, or the mean of means is not the mean. And they must be shares of the *same* batch. Each
# process draws the whole batch from the same stream and keeps its part. That is a little wasteful, and it makes the run the
# same for any number of processes. The same holds for the latents and the augmentations. They are drawn deep inside of
# `train.step`, which knows nothing of processes. `SharedRandom` catches these calls on their way: when a function asks
# this stream for numbers for 16 images, numbers for all 32 are drawn, and 16 are handed out.

# %% minigan="distributed"
# check_shares, share, SharedRandom

# %% [markdown]
# The rest is book-keeping. A process counts the images that it has seen; the half-life of the moving average is counted
# in images too, and has to go by what *all* have seen. The losses in the log are means of the shares.

# %% minigan="distributed"
# count_the_others, average_new_losses

# %% [markdown]
# How do the gradients get averaged just before the optimiser uses them? PyTorch's optimisers have hooks: functions
# that they call before and after each step. So `train.step` of chapter 02 need not be changed by a single character.

# %% minigan="distributed"
# hooks

# %% [markdown]
# And all of it together, as a block in which the training of one becomes the training of many.

# %% minigan="distributed"
# together

# %% [markdown]
# **The proof.** A small script trains a GAN of emoji, and prints the losses of each step. It is run twice: as it is,
# and under `torchrun`, which starts it two times and tells the two about each other. One process takes batches of 32, two
# take 16 each. Three variants:
#
# - *no batch norm*: a generator without batch norm;
# - *batch norm*: one with it;
# - *not averaged*: without batch norm again, and with a mistake. The gradients are not averaged.
#
# Each process begins with weights of its own, so that the broadcast has something to do.
#
# **Predict.** How far will the losses of two processes be from those of one, in each variant?

# %%
SCRIPT = '''
"""Train a small GAN for some steps, alone or under torchrun. Process 0 prints what was found as a line of JSON."""

import json
import sys
import time

import torch
import torch.distributed as dist
from torch import nn

from minigan import data, distributed, nets, processes, train

steps, timed, width = map(int, sys.argv[1:])
emoji, peeps, average = data.load("noto", size=16), data.load("peeps"), distributed.average


class Draws(nn.Sequential):
    """Latents (N, 8) -> images (N, 3, 16, 16), without batch norm."""

    latents = 8

    def __init__(self):
        super().__init__(nn.Linear(8, 768), nn.ReLU(), nn.Unflatten(1, (12, 8, 8)), nn.PixelShuffle(2), nn.Tanh())


def start(generator, size, width=48):
    torch.manual_seed(processes.rank())  # each process begins with other weights: the broadcast has to mend that
    config = train.TrainConfig(batch=32, r1_every=4, precision="float32")
    return train.start(config, generator(), nets.Discriminator(size, width=width))


def learn(state, pictures, steps):
    """The losses of D and G in each step, averaged over the processes."""
    found = []
    with distributed.together(state) as share:
        for _ in range(steps):
            losses = train.step(state, share(train.draw(state, pictures)))
            means = torch.stack([losses["discriminator"], losses["adversarial"]])
            if processes.count() > 1:
                average([means])
            found.append(means.tolist())
    return found


def apart(state):
    """The largest difference of a weight of G between process 0 and any other."""
    mine = torch.cat([weight.detach().flatten() for weight in state.generator.parameters()])
    first = mine.clone()
    if processes.count() > 1:
        dist.broadcast(first, 0)
    gap = (mine - first).abs().max()
    if processes.count() > 1:
        dist.all_reduce(gap, dist.ReduceOp.MAX)
    return gap.item()


def speed(threads):
    """Images a second of the GAN of heads, all processes together."""
    torch.set_num_threads(threads)
    state = start(lambda: nets.Generator(64, width=width), 64, width)
    learn(state, peeps, 1)  # warms up
    began = time.perf_counter()
    learn(state, peeps, timed)
    return timed * state.config.batch / (time.perf_counter() - began)


torch.set_num_threads(1)
with processes.joined(patience=60):
    losses, gaps = {}, {}
    for name, generator in {"no batch norm": Draws, "batch norm": lambda: nets.Generator(16), "not averaged": Draws}.items():
        distributed.average = (lambda tensors: None) if name == "not averaged" else average  # the mistake
        state = start(generator, 16)
        losses[name], gaps[name] = learn(state, emoji, steps), apart(state)
    distributed.average = average
    images = {threads: speed(threads) for threads in ((1,) if processes.count() > 1 else (1, 2))}
    if processes.rank() == 0:
        print(json.dumps({"losses": losses, "apart": gaps, "images a second": images}))
'''


def found_by(launcher: Sequence[str], patience: float = 180) -> dict[str, Any] | None:
    """What the script prints, started by `python launcher... script`; None, and a word about it, where it fails."""
    wanted = pick(quick=(4, 1, 8), cpu=(24, 4, 48), full=(48, 12, 48))  # steps, timed steps, width of the GAN of heads
    environment = {**os.environ, "MINIGAN_DEVICE": "cpu", "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "shared.py"
        script.write_text(SCRIPT, encoding="utf-8")
        command = [sys.executable, *launcher, str(script), *map(str, wanted)]
        try:
            ended = subprocess.run(
                command, capture_output=True, encoding="utf-8", errors="replace", timeout=patience, env=environment
            )
        except subprocess.TimeoutExpired:
            print(f"the processes took longer than {patience:.0f} s and were stopped; the chapter goes on without them")
            return None
    if ended.returncode:
        said = (ended.stderr.strip() or "nothing").splitlines()[-1]
        print(f"the processes ended with code {ended.returncode} ({said}); the chapter goes on without them")
        return None
    return json.loads(ended.stdout.splitlines()[-1])


one = found_by([])
two = found_by(["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"])

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Without averaging nothing fails and nothing warns
#
# Two processes of 16 images each against one process of 32.
#
# ???
# (6 min) Three variants, and the room predicts the difference of the losses for each. Without batch norm they agree to
# the seventh digit, where float32 ends. With it each process normalises by its own 16 images: another training, no
# worse. Not averaged: curves that look healthy, and two networks that drift apart. Ask how one would notice. Not by
# the loss. Ask the weights: zero difference, to the last bit. Then a vote: how much faster are two cores? Most say
# twice. The two share one memory, and the notebook prints how far this machine is from it. Several processes show
# their worth where one machine is not enough.

# %% slideshow={"slide_type": "fragment"}
if one and two:
    alt = (
        "Left, the losses of D in each step: one process as a line and two processes as dots, which lie on the line. Right, on a log scale, "
        "the difference: about a ten-millionth without batch norm, a thousandth with it, and growing to hundredths without averaging."
    )
    with plot.figure(2, alt=alt, size=(4.2, 2.9)) as axes:
        name = "no batch norm"
        axes[0].plot([entry[0] for entry in one["losses"][name]], color="0.5", label="one process, 32 images")
        axes[0].plot([entry[0] for entry in two["losses"][name]], "o", color=REAL, ms=4, label="two, 16 images each")
        axes[0].set(title="loss of D", xlabel="step")
        axes[0].legend(fontsize=8.5)
        for name, colour in zip(one["losses"], (REAL, GOLD, FAKE), strict=True):
            pairs = zip(one["losses"][name], two["losses"][name], strict=True)
            axes[1].plot([max(map(abs, (a[0] - b[0], a[1] - b[1]))) + 1e-9 for a, b in pairs], color=colour, label=name)
        for axis in axes:
            axis.xaxis.get_major_locator().set_params(integer=True)
        axes[1].set(title="difference of the losses", xlabel="step", yscale="log", ylim=(3e-9, 10))
        axes[1].legend(fontsize=8.5, loc="center right", bbox_to_anchor=(1, 0.4))
    for name, gap in two["apart"].items():
        print(f"{name:14} largest difference of a weight between the two processes: {gap:.1e}")

# %% [markdown]
# *No batch norm*: the losses agree to the seventh digit, where float32 ends. Sums in another order round otherwise, and
# that is all. *Batch norm*: each process normalises by the statistics of its own 16 images, so the training is a slightly
# different one, no worse. (Where it matters, PyTorch has `SyncBatchNorm`, which averages them in every layer.) *Not
# averaged*: nothing fails, nothing warns, the curves look healthy. But there are now two networks, and the mean of their
# losses belongs to neither. **Ask the weights**: zero difference, to the last bit, is the proof that all have taken the
# same steps.
#
# And the speed? The script has also timed the GAN of heads. A core can be used in two ways. Two *threads* share each
# operation of one process, and wait for each other at the end of each. Two *processes* share the batch and wait once for
# each update, but each of them updates all the weights. **Predict** which is faster on two cores.

# %%
if one and two:
    speeds = {
        "one process, one thread": one["images a second"]["1"],
        "one process, two threads": one["images a second"]["2"],
        "two processes, a thread each": two["images a second"]["1"],
    }
    base = speeds["one process, one thread"]
    for name, speed in speeds.items():
        print(f"{name:29} {speed:6.1f} images a second, {speed / base:.2f} times as fast as one thread")

# %% [markdown]
# Twice the cores seldom give twice the speed. The cores of one machine share its memory, and the convolutions of a small
# network wait for it. Which of the two ways is ahead depends on the machine, and on what else it is doing just then. Several
# processes show their worth where one machine, or one GPU, is not enough. Then the messages are the bottleneck, and one
# message for each update is what one wants ([Goyal et al. 2017](https://arxiv.org/abs/1706.02677)).
#
# The command line does the same: `torchrun --nproc-per-node 2 -m minigan train peeps -o run`.
#
# ## 4. Diversity and bias: who is missing?
#
# A generator learns what there is *much* of. What there is little of costs it little to leave out. With garments that is a
# matter of taste. With faces it is not, for the pictures stand for people. So first some care with words.
#
# - These heads are drawings. None depicts a person, and nothing here is a statement about people.
# - A *group* is what somebody has decided to count. Here are two decisions, and who made them. The five **skin fills** were
#   chosen by the authors of the drawing kit; a program that drew heads at random used them equally often, and they can be
#   read from the pixels. **Masks** and **hats or scarves** were marked by eye, by an author of this course, in the
#   400 held-out heads.
# - Who is not counted cannot be found missing. The list below has no glasses, no beards, no age.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Who is not counted cannot be found missing
#
# $$\text{recall of a group} = \frac{\text{its heads near a sample}}{\text{its heads}}$$
#
# - five skin fills: chosen by the authors of the drawing kit
# - masks, hats and scarves: marked by eye, by an author of this course
# - not counted: glasses, beards, age
#
# ???
# (4 min) First some care with words. These heads are drawings; none depicts a person, and nothing here is a statement
# about people. A group is what somebody has decided to count. Ask: who decided here? And whom would you have counted?
# Write the answers on the board and come back to them at the end.

# %%
FILLS = torch.tensor([(255, 219, 180), (237, 185, 138), (208, 139, 91), (174, 93, 41), (105, 77, 61)])  # of skin
MASKS = [2, 39, 45, 55, 60, 73, 75, 88, 92, 94, 98, 118, 129, 130, 132, 135, 141, 146, 158, 163, 171, 215, 222, 229]
MASKS += [247, 259, 266, 276, 309, 316, 344, 357, 386, 388]
HATS = [9, 56, 57, 62, 71, 78, 83, 88, 90, 109, 131, 150, 151, 178, 183, 191, 245, 258, 263, 271, 279, 280, 288, 307]
HATS += [326, 365, 366, 371, 374]
NAMES = [f"fill {number}" for number in range(1, 6)]
TINTS = ["#{:02x}{:02x}{:02x}".format(*fill) for fill in FILLS.tolist()]


def exact_fill(pixels: Tensor) -> Tensor:
    """Which of the five fills a head of the data has: the one with most pixels of exactly this colour."""
    base = torch.tensor([65_536, 256, 1])  # of three bytes one number
    fills = []
    for part in pixels.split(50):  # few at a time, for memory
        numbers = (part.long() * base[:, None, None]).sum(1)
        fills.append(torch.stack([(numbers == fill).sum((1, 2)) for fill in (FILLS * base).sum(1)]).argmax(0))
    return torch.cat(fills)


def skin(images: Tensor) -> Tensor:
    """The colour of a drawn face, in 0..255: the median of what is neither ink nor paper in its middle, (N, 3)."""
    faces = to_pixels(images[..., 24:56, 22:44]).float().flatten(2)
    inked = (faces.mean(1) <= 50) | (faces.amin(1) >= 225)
    return faces.masked_fill(inked[:, None], torch.nan).nanmedian(2).values


def nearest_fill(images: Tensor) -> Tensor:
    """The fill nearest to the colour of each face."""
    return torch.cdist(skin(images), FILLS.float()).argmin(1)


def shares_of(fills: Tensor) -> list[float]:
    """Which share of the heads has each of the five fills."""
    return (torch.bincount(fills, minlength=5) / len(fills)).tolist()


truth = exact_fill(held_out.pixels)
print(
    f"found by colour alone for {float((nearest_fill(held_out[:]) == truth).float().mean()):.1%} of the held-out heads"
)
print("shares in the training data:", ", ".join(f"{s:.1%}" for s in shares_of(exact_fill(peeps.pixels))))

# %% [markdown]
# The data have been drawn with equal shares, a fifth each. That is a rare luxury. **Predict.** What shares does the
# generator draw, from equal data? And with truncation, which shrinks the latents by a factor $\psi$ to get tidier
# pictures? (This is its plain form, as most sample grids have it. Chapter 11 has the one inside the network, too.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Data with a fifth of each: what will be drawn?
#
# And with truncation, which makes the pictures tidier?
#
# ???
# (5 min) A rare luxury: the data are equal. Most expect a fifth each. Two findings. Equal data do not make equal
# samples: the palest comes out far too rarely. Nobody asked for it; the generator was paid for fooling D, head by
# head, never for shares. And truncation cuts away the ends, although each picture looks tidier. On the right: the data
# know five fills, the generator draws a continuum. The word group is our rounding.

# %% slideshow={"slide_type": "fragment"}
z = latents(pick(quick=60, cpu=400, full=4_000), 1)
PSI = (1.0, 0.8, 0.6)
samples = {psi: in_parts(generator, psi * z) for psi in PSI}
fills = {"data": exact_fill(peeps.pixels)} | {f"psi {psi:g}": nearest_fill(images) for psi, images in samples.items()}

alt = "Shares of the five skin fills, from pale to dark: " + "; ".join(
    f"{name} " + ", ".join(f"{share:.0%}" for share in shares_of(which)) for name, which in fills.items()
)
with plot.figure(2, alt=alt, size=(4.2, 3.0)) as axes:
    for place, which in enumerate(fills.values()):
        left = 0.0
        for share_of_all, tint in zip(shares_of(which), TINTS, strict=True):
            axes[0].barh(place, share_of_all, left=left, color=tint, edgecolor="white")
            left += share_of_all
    axes[0].set_yticks(range(len(fills)), list(fills))
    axes[0].invert_yaxis()
    axes[0].set(xlabel="share of the heads", title="the five fills")
    for name, images, colour in (
        ("data", held_out[:], REAL),
        ("psi 1", samples[1.0], FAKE),
        ("psi 0.6", samples[0.6], GREEN),
    ):
        light = skin(images).mean(1)
        heights = torch.histc(light, 36, 40, 250) / len(light)
        axes[1].stairs(heights.tolist(), torch.linspace(40, 250, 37).tolist(), color=colour, label=name, lw=1.5)
    axes[1].set(xlabel="lightness of the face", title="how light the faces are", ylabel="share of the heads")
    axes[1].legend(fontsize=8.5)
for name, which in fills.items():
    error = math.sqrt(0.2 * 0.8 / len(which))
    print(f"{name:8} " + ", ".join(f"{s:5.1%}" for s in shares_of(which)) + f"   (a fifth would be 20% ± {error:.1%})")

# %% [markdown]
# Two findings. **Equal data do not make equal samples.** The palest fill comes out half as often as it was shown. Nobody
# asked for it; the generator was paid for fooling $D$, head by head, and never for shares. And **truncation cuts
# away the ends.** The latents move towards 0, the pictures towards the middle, and the middle of five fills is the third.
# At $\psi = 0.6$ the palest has nearly gone, although each single picture looks tidier. The right chart shows something
# else: the data know five fills, the generator draws a continuum. Between two of them the word "group" is *our* rounding.
#
# The same happens where the data are a crowd from the web, only that nobody then knows the true shares.
#
# ### Who is not covered?
#
# A fill is one number. Ask now for whole heads, without any list of groups: which held-out heads have nothing like them
# among the samples? For each, take the distance to the nearest sample in the features of a network, over the
# distance to the nearest *training* head, which says how rare it is anyway.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Large and rare is what is missing
#
# ???
# (3 min) Now without any list: which held-out heads have nothing like them among the samples? Cover the labels and ask
# what the upper row has in common. Headscarves, large hair, many small buns. The lower row: short hair, bald. Compare
# with what the room wrote on the board.

# %% slideshow={"slide_type": "-"} tags=["slide-title-1"]
eyes = Backbone("efficientnet_lite0", ["block10"], size=64).to(device)
sets = {"held out": held_out[:], "training": peeps[: len(z)]} | {f"psi {psi:g}": samples[psi] for psi in (1.0, 0.6)}
features = {
    name: metrics.embed(images, lambda part: eyes(part.to(device))["block10"].cpu(), batch=16).double()
    for name, images in sets.items()
}
far = metrics.nearest(features["held out"], features["psi 1"])[0]
rare = metrics.nearest(features["held out"], features["training"])[0]
order = (far / rare).argsort(descending=True)
rows = {"missing": held_out[order[:12]], "covered": held_out[order[-12:]]}
alt = (
    "Twelve held-out heads that are least like any sample: round afros, headscarves, buns, braids and long straight hair. Twelve that are "
    "best covered: short hair, bald heads, a crest."
)
plot.compare(rows, alt=alt, width=7.4)
hardware.return_unused_memory()

# %% [markdown]
# Without a list of groups, one sees a group: headscarves, large hair, many small buns. What is large and rare is
# missing. Now with the list, as recall (chapter 03): the share of a group's heads that lie within reach of a sample.
# Beside it the control: the same recall when the samples are *real* heads, those of the training set.
#
# **Predict.** Should the control be 1 for every group?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Should real heads cover every group?
#
# Recall of seven groups: by real training heads, by samples, by truncated samples.
#
# ???
# (5 min) Ask: the blue bars are real heads against real heads. Should they be 1 everywhere? Most say yes. Show. Hats
# and scarves: real heads cover nearly all, samples none or hardly any; a mean over all heads would have hidden it. And
# the blue bars are lower for the darkest fill and for masks, where nothing is missing: it is the ruler. Black lines on
# a dark face give the network less to see. A bias can sit in the data, the training, the sampling, and the judge.

# %% slideshow={"slide_type": "fragment"}
member = {name: truth == number for number, name in enumerate(NAMES)}
for name, marked in {"mask": MASKS, "hat or scarf": HATS}.items():
    member[name] = torch.zeros(len(held_out), dtype=torch.bool).index_fill(0, torch.tensor(marked), True)


def covered(name: str) -> Tensor:
    """Which held-out heads lie in the ball of a sample of this set."""
    others = features[name]
    return metrics.balls_around(features["held out"], others, metrics.reach(others, 3)) > 0


recall = {name: covered(name) for name in ("training", "psi 1", "psi 0.6")}
alt = "Recall of seven groups of held-out heads. " + "; ".join(
    f"{name}: " + ", ".join(f"{group} {hit[chosen].float().mean():.2f}" for group, chosen in member.items())
    for name, hit in recall.items()
)
with plot.figure(alt=alt, size=(7.6, 2.9)) as axis:
    for number, ((name, hit), colour) in enumerate(zip(recall.items(), (REAL, FAKE, GREEN), strict=True)):
        places = [place + 0.27 * (number - 1) for place in range(len(member))]
        heights = [float(hit[chosen].float().mean()) for chosen in member.values()]
        axis.bar(places, heights, 0.25, color=colour, label="training heads" if name == "training" else name)
    axis.set_xticks(range(len(member)), [f"{group}\n{int(chosen.sum())}" for group, chosen in member.items()])
    axis.set(ylabel="recall of the group", ylim=(0, 1.18))
    axis.legend(ncols=3, loc="upper right", fontsize=8.5)

# %% [markdown]
# *Hats and scarves* are the clearest case: training heads cover nearly all of them, samples none, or hardly any. Some 7%
# of the heads wear one, of many shapes, and the generator has given them up. A mean over all heads would have hidden it.
#
# And the control is not 1 for every group. Dark heads and masks have a lower recall *even against real heads*. Nothing is
# missing there: it is the **ruler**. Black lines on a dark face give the network less to see, so its idea of likeness is
# another one there. EfficientNet learnt from photographs that people put on the web, and not all have been photographed
# equally often. If one had measured without the control, one would have blamed the generator. A bias can be in the
# data, in the training, in the sampling, and in the judge.
#
# What can be done? Count first, and by group. Do not truncate what has to stand for all. Draw the rare more often in
# training, or condition on the group (chapter 11), so that its share is *your* decision and not the network's. And
# say in the model card who has been counted ([Mitchell et al. 2019](https://arxiv.org/abs/1810.03993)). Whether the shares
# of the data are the right ones is no technical question. Somebody decides it, so it should be said who.
#
# ## 5. What people ask
#
# ### What do pretrained models bring?
#
# This course has measured it wherever it used one: with, and without, everything else equal. Each dot below is one
# such pair, as the error that is *left* when a pretrained network is used. Left of the line it helps.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## They bring most where the task asks what they know
#
# Left of the line, the pretrained network helps.
#
# ???
# (4 min) Each dot is one pair, with and without, everything else equal. Ask which row surprises. The start from a
# neighbouring task and the sense of likeness gain most. In the second row the judges disagree: there the pretrained
# network sits in the training and in one of the judges, and that is the judge who is delighted. For photographs at
# this scale the gain is small. They bring most at the beginning, when data and time are short.

# %% slideshow={"slide_type": "-"}
tuning, networks_found = measured("fine_tuning"), measured("backbones")
gains: dict[str, list[float]] = {}


def add_fine_tuning(title: str, way: str, against: str, images: int) -> None:
    """The ratio of distances by three judges, `way` over `against`, as the benchmark of chapter 05 found them."""
    _, ratio = fewshot.verdict(tuning, way, 100, images, baseline=against)
    if ratio:
        gains[title] = list(ratio.values())


scratch = fewshot.verdict(tuning, "from scratch", 100, 4_000)[1]
gains["a GAN of other heads as the start\nfor 100 heads, FID (05)"] = [1 / ratio for ratio in scratch.values()]
add_fine_tuning("frozen features as D\nagainst a new D, FID (05)", "projected D", "new D", 4_000)
for task, title in (
    ("partners", "features find the same thing\nin another style, errors (04)"),
    ("agreement", "a shift is less than a blur,\nerrors (04)"),
):
    row = next(row for row in networks_found["rows"] if row["network"] == "efficientnet_lite0")
    wrong = [100 - one[task]["per cent"] for one in row["random"]]
    least = 100 / (3 * networks_found["photos"])  # one error of all questions, where there was none
    gains[title] = [max(100 - row["pretrained"][task]["per cent"], least) / other for other in wrong]
applications = plane.points()
for title, methods in applications.items():
    for name, other in (("features", "pixel"), ("features", "blind"), ("pretrained", "scratch")):
        if name in methods and other in methods:
            gains[f"{title}: {name}\nagainst {other}, distance to the judge"] = [methods[name][1] / methods[other][1]]

alt = "The error that is left with a pretrained network, as a share of the error without: " + "; ".join(
    title.replace("\n", " ") + " " + ", ".join(f"{value:.2f}" for value in values) for title, values in gains.items()
)
with plot.figure(alt=alt, size=(7.2, 0.9 + 0.5 * len(gains))) as axis:
    for place, values in enumerate(gains.values()):
        axis.plot(values, [place] * len(values), "o", color=REAL, ms=7, alpha=0.7)
    axis.axvline(1, color="0.4", lw=1)
    axis.set_yticks(range(len(gains)), list(gains))
    axis.invert_yaxis()
    axis.set(xscale="log", xlabel="error with a pretrained network / error without", xlim=(0.01, 12))
    axis.set_xticks([0.01, 0.1, 1, 10], ["0.01", "0.1", "1", "10"])
    axis.margins(y=0.1)
    axis.grid(axis="y", color="0.9")

# %% [markdown]
# They bring most where the task asks for what they know: likeness, and a start from a neighbouring task. They bring
# most at the *beginning*, when data and time are short (chapter 05: the lead shrinks with every further image). And
# where three dots of one row lie on both sides of the line, the judges disagree. In that row the pretrained network
# sits in the training *and* in one of the judges, and that is the judge who is delighted.
#
# ### How do I choose one?
#
# Performance, cost, suitability: and the third decides. A network's accuracy on ImageNet says how well it tells dogs
# apart. Chapter 04 measured what *we* need: does it find the same thing in another style, does it agree with people
# about damage, and what does a gradient through it cost?

# %%
alt = "From the benchmark of chapter 04: cost of each network in milliseconds against partners found, left, and agreement with people, right; pretrained in blue, random weights in orange."
plot.Picture((RESULTS / "backbones.png").read_bytes(), alt).show()

row = next(row for row in networks_found["rows"] if row["network"] == "efficientnet_lite0")
alt = (
    "Two rising lines over the depth of the layer in EfficientNet-Lite0: partners found and agreement with people. Both are low at the first "
    "layer; agreement is near its top from the middle on."
)
with plot.figure(alt=alt, size=(5, 2.8)) as axis:
    for (task, by_layer), colour in zip(row["by layer"].items(), (REAL, GREEN), strict=True):
        axis.plot(list(by_layer), list(by_layer.values()), marker=".", color=colour, label=task)
    axis.set(ylim=(0, 105), ylabel="per cent", xlabel="layer, from early to late")
    axis.legend()

# %% [markdown]
# Three rules come out of it. The *layer* matters as much as the network: early ones see pixels, late ones see things.
# Small networks are enough as a loss; it is called thousands of times. And take **another one as the judge** than the one
# that trains: chapters 03, 05 and 06 have each caught a network praising its own pupils.
#
# ### How do I use it?
#
# That depends on what you *have*, more than on what you want.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you have decides, more than what you want
#
# ???
# (5 min) The page to take home. Let everybody find the row of a project of their own, and say it to a neighbour. Three
# rules beside it. The layer matters as much as the network: early ones see pixels, late ones see things. A small
# network is enough as a loss, which is called thousands of times. And take another one as the judge: three chapters
# have caught a network praising its own pupils.

# %% slideshow={"slide_type": "-"}
CHART = {
    "pairs: a spoilt picture\nand how it should be": "L = pixel + λ · features (+ adversarial)\nchapters 07, 09, 10",
    "one picture for content,\none for style": "Gram matrices of its features\nchapter 08",
    "few pictures, and a GAN\nof something similar": "keep G and D, fine-tune both\nchapter 05",
    "few pictures, and only\na classifier": "its layers as D, or as a U-Net's encoder\nchapter 05",
    "thousands of pictures": "train a GAN; features only to judge it\nchapters 02, 03, 11",
    "pictures to compare\nor to search": "distances of features at one layer\nchapters 04, 06",
}
alt = "A chart from what one has to what one does: " + "; ".join(
    f"{have}: {do}".replace("\n", " ") for have, do in CHART.items()
)
with plot.figure(alt=alt, size=(7.4, 4.3)) as axis:
    box = {"boxstyle": "round,pad=0.45", "lw": 1.2}
    for place, (have, do) in enumerate(CHART.items()):
        height = -place
        axis.annotate("", (0.5, height), (0.36, height), arrowprops={"arrowstyle": "->", "color": "0.4", "lw": 1.4})
        axis.text(0.19, height, have, ha="center", va="center", bbox={**box, "fc": "#eaf3fa", "ec": REAL})
        axis.text(0.76, height, do, ha="center", va="center", bbox={**box, "fc": "#fdf1e7", "ec": FAKE})
    axis.set(xlim=(0, 1.02), ylim=(0.6 - len(CHART), 1.0))
    axis.text(0.19, 0.72, "what you have", ha="center", weight="bold")
    axis.text(0.76, 0.72, "what to do", ha="center", weight="bold")
    axis.axis("off")

# %% [markdown]
# And how large should $\lambda$ be? Nobody can tell you, for it is a question of taste with two ends. More of it
# brings pictures nearer to what a feature network calls real, and farther from the truth, pixel by pixel
# ([Blau and Michaeli 2018](https://arxiv.org/abs/1711.06077) proved that one has to pay). The plane of chapters 07 to 10
# shows what is for sale: choose a point.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Nobody can tell you lambda: choose a point
#
# $$L = L_\mathrm{pixel} + \lambda L_{FD} \; (+ \; \lambda' L_\mathrm{adv})$$
#
# ???
# (4 min) To the right: farther from the truth. Up: farther for the judge. More features or an adversary bring a
# picture nearer to what a network calls real, and farther from the truth pixel by pixel; Blau and Michaeli have proved
# that one has to pay. Ask the last question of the course: stars, a family picture, a picture for a game: which point
# do you buy for each, and what do you write under the picture?

# %% slideshow={"slide_type": "-"}
if applications:
    plane.draw(applications)

# %% [markdown]
# ## Summary
#
# - **Interpretability.** A few channels colour an area; most have no meaning of their own. Directions found without labels
#   can be named at a glance, and do not do the same to two heads.
# - **Generalisation.** $D$ learns its pictures by heart first, then $G$ draws them. Precision praises the copies. Only
#   pictures that were kept back show it.
# - **Efficiency.** Levers of the machine depend on the machine: measure, in turns. Levers that leave sums away gain
#   everywhere. Several processes make the same training, to rounding, if they average the gradients; ask the weights.
# - **Diversity and bias.** Equal data do not make equal samples, truncation makes it worse, and the ruler has a bias as well.
#   Ask for each group, with a control.
# - A pretrained network is what somebody else has learnt from other pictures for another purpose. Where the purposes
#   meet, it saves most of the work.
#
# ## Try it
#
# **1. Shares that are not equal** (10 minutes). `check_shares` refuses a batch that does not divide. One could allow it: three
# processes with 3, 3 and 2 images. Each sends the mean gradient of *its* images. What is the gradient of the whole
# batch? Write it for gradients `(P, D)` and counts `(P,)`.


# %%
def whole_gradient(gradients_of_shares: Tensor, images: Tensor) -> Tensor:
    """The gradient of the mean over all images, from each share's mean gradient: (P, D), (P,) -> (D,)."""
    raise NotImplementedError


hints = [
    "Each share's gradient is a mean. Times its number of images it is a sum, and sums may be added.",
    "Divide the sum of all by the number of all images. Mind the shapes: images[:, None].",
]
unequal, counted = torch.tensor([[0.0, 0.0], [4.0, 6.0]]), torch.tensor([3, 1])
mistakes = {
    "A mean of means is the mean of all only where the shares are equal: weigh by the images.": [2.0, 3.0],
    "These are the sums over all images: divide by their number.": [4.0, 6.0],
    "Weigh each share by its own number of images, not by that of the others.": [3.0, 4.5],
}
mistakes = {hint: torch.tensor(value) for hint, value in mistakes.items()}
with suppress(NotYet), checking("Shares that are not equal", hints) as c:
    c.close(whole_gradient(unequal, counted), torch.tensor([1.0, 1.5]), "3 and 1 images, by hand", mistakes=mistakes)
    equal = torch.tensor([[1.0], [5.0], [3.0]])
    c.close(whole_gradient(equal, torch.tensor([2, 2, 2])), torch.tensor([3.0]), "equal shares: the plain mean")
    x, w = torch.randn(8, 3, generator=torch.Generator().manual_seed(0)), torch.zeros(3)
    by_share = torch.stack([2 * part.T @ (part @ w - 1) / len(part) for part in x.split([3, 3, 2])])
    c.close(
        whole_gradient(by_share, torch.tensor([3, 3, 2])),
        2 * x.T @ (x @ w - 1) / len(x),
        "a linear regression on 3 + 3 + 2 images has the gradient of all 8",
    )

# %% [markdown]
# **2. Name a channel** (20 minutes). Section 1 silenced channels of the 16 x 16 maps. Do the same at 8 x 8 (192
# channels; `MIDDLE = 3`) and at 32 x 32. Where are meanings easier to find, and why there? Then find the channels whose
# silence changes *glasses*: take four heads with glasses and four without, with the region around the eyes.
#
# **3. Hold the copies off** (30 minutes). Twenty bags, 500 steps, section 2. Try augmentation (`augment=("translation",)`),
# the R1 penalty (`r1=0.5`), a lower rate, freezing half of $D$ (chapter 05). Which holds the gap of $D$ down? Which
# raises recall? They need not be the same.
#
# **4. Another ruler** (20 minutes). Repeat the recall of section 4 with `Backbone("fashion_classifier", ["features"])` on heads
# resized to 28 pixels, and with a random ResNet-18. Is the control still lower for dark heads and masks? What may you
# still say about hats?
#
# **5. Your own list** (an hour). Mark glasses or beards in the held-out heads, on paper first: how many do you and a
# friend mark differently? Then ask for their recall.
#
# ## What you can do now
#
# You can write the loss of a GAN from its formula and say why each sign is there. You can tell a sick training from a
# healthy one, judge pictures with numbers whose limits you know, and ask a pretrained network what it sees. You can fine-tune
# with a hundred pictures, build a loss that sees as people do, and put both to work on photographs. And you have seen,
# many times, a sensible recipe fail at a measurement. That habit is worth more than any of the recipes.
#
# Where to go on from here:
#
# - **Diffusion models** draw most of what you see today. They learn to denoise (chapter 09) at every level of noise, and
#   draw by denoising noise step by step: [Ho et al. 2020](https://arxiv.org/abs/2006.11239); in the latents of an
#   autoencoder that was trained with a perceptual and an adversarial loss (chapters 06 and 07):
#   [Rombach et al. 2022](https://arxiv.org/abs/2112.10752).
# - **GANs at full size**: [StyleGAN2](https://arxiv.org/abs/1912.04958), and [its training with limited
#   data](https://arxiv.org/abs/2006.06676).
# - **Pretrained features inside of $D$**: [Projected GANs](https://arxiv.org/abs/2111.01007); several networks at once, chosen
#   one by one: [Vision-aided GANs, Kumari et al. 2022](https://arxiv.org/abs/2112.09130).
# - **Features that nobody labelled**: [DINO, Caron et al. 2021](https://arxiv.org/abs/2104.14294) and
#   [DINOv2, Oquab et al. 2023](https://arxiv.org/abs/2304.07193); as the judge of generators, with a study of people's
#   judgement: [Stein et al. 2023](https://arxiv.org/abs/2306.04675).
#
# More tasks, each with its check, stand in [the exercises to this chapter](../exercises/12_outlook/12_outlook.ipynb).
#
# ## References
#
# - D. Bau et al., [GAN Dissection: Visualizing and Understanding Generative Adversarial
#   Networks](https://arxiv.org/abs/1811.10597), 2019.
# - E. Härkönen, A. Hertzmann, J. Lehtinen, S. Paris, [GANSpace: Discovering Interpretable GAN
#   Controls](https://arxiv.org/abs/2004.02546), 2020.
# - T. Karras et al., [Training Generative Adversarial Networks with Limited Data](https://arxiv.org/abs/2006.06676), 2020.
# - T. Karras et al., [Analyzing and Improving the Image Quality of StyleGAN](https://arxiv.org/abs/1912.04958), 2020.
# - N. Carlini et al., [Extracting Training Data from Diffusion Models](https://arxiv.org/abs/2301.13188), 2023.
# - P. Goyal et al., [Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour](https://arxiv.org/abs/1706.02677), 2017:
#   averaging gradients over many machines.
# - M. Mitchell et al., [Model Cards for Model Reporting](https://arxiv.org/abs/1810.03993), 2019.
# - T. Kynkäänniemi et al., [Improved Precision and Recall Metric for Assessing Generative
#   Models](https://arxiv.org/abs/1904.06991), 2019.
# - Y. Blau, T. Michaeli, [The Perception-Distortion Tradeoff](https://arxiv.org/abs/1711.06077), 2018.
#
# **The end**, and a start: [00 Start here](00_start_here.ipynb) is where somebody you know could begin.
