# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 05 Fine-tuning
#
# **How little data is enough when we start from what is known?**
#
# A generator that draws heads was trained on 2,400 pictures for hundreds of thousands of looks at them. Now somebody
# brings a hundred pictures in another style, and has a minute. Chapter 04 asked what a pretrained network knows. This
# chapter uses it as a *start*: its layers become the structure of $G$ or of $D$, its parameters the first guess, and
# training goes on from there. Four ways to do that follow, and each stands beside a control that starts from random
# numbers. Some ways help much, some do nothing, and some do harm. The last table says which.
#
# | | |
# | --- | --- |
# | **You will learn** | to freeze and thaw by depth, with a proof that what is frozen stays; learning rates by depth; to fine-tune a GAN on 100, 30 and 10 pictures; to test the rules that are in every recipe; to see memorisation; a classifier as a discriminator, frozen (projected GAN) and fine-tuned; a U-Net with a pretrained encoder; a classifier run backwards |
# | **You need** | chapters 02 to 04. No GPU and no network |
# | **It takes** | about 80 minutes to read. The machine needs about two minutes on two CPU cores, most of it for training that you can watch |

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Start from what is known, and beside it start from nothing
#
# $$\theta_0 = \theta_\text{pretrained} \qquad \text{or} \qquad \theta_0 \text{ random}$$
#
# Pretrained layers become the structure of $G$ or $D$, pretrained parameters the first guess.
#
# ???
# (3 min) A generator of heads has seen 2,400 pictures for hundreds of thousands of looks. Somebody brings a hundred in
# another style, and has a minute. Ask what the generator knows that the hundred pictures need not say: what a head is,
# and that heads differ. Announce that some ways of this chapter help much, some do nothing, and some do harm, and that
# the room will bet on each.

# %%
import gc
import math
import warnings
from collections.abc import Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minigan import data, hardware, metrics, plot, train, weights
from minigan.backbones import Backbone
from minigan.course import checking, fewshot, measured, pick
from minigan.course.checking import NotYet
from minigan.course.measured import RESULTS
from minigan.data import ImageSet
from minigan.nets import Discriminator, Generator, initialise, initialise_for_leaky_relu, upsample
from minigan.plot import FAKE, GOLD, GREEN, REAL
from minigan.train import TrainConfig, TrainState

found = measured("fine_tuning")  # by benchmarks/fine_tuning.py
print(f"The benchmark that this chapter quotes: {len(found['runs'])} trainings, over several seeds.")

# %% [markdown]
# One run shows that something can happen. Whether it is the rule takes several seeds, styles and numbers of pictures,
# and hours. The chapter does both: you watch short runs here, and `benchmarks/fine_tuning.py` has made the long series.
# What comes from the series says so.
#
# ## 1. What is kept, and the proof
#
# A network learns with its convolutions and linear layers, each with the norm behind it. This is the unit in which
# depth is counted.

# %% minigan="transfer"
# Layer, Network, layers, choose

# %% [markdown]
# **Freezing** is two things, and most code does only the first. The weights must get no gradient. And the statistics of
# batch norm must not move. They are no parameters and need no gradient: a forward pass in training mode changes them
# (chapter 04). A `Backbone` is frozen as a whole. Here a network is frozen *in part*, so its `train()` must keep
# working for the rest. The frozen layers undo it for themselves, just before they compute.

# %% minigan="transfer"
# freeze, thaw, allow_to_learn, stay_in_eval

# %% [markdown]
# **Predict.** Two copies of the shipped generator. In the first, all weights get `requires_grad_(False)` and nothing
# else is done. The second goes through `freeze`. Both are set to `train()`, as every training loop does, and draw one
# batch. What is left of each?


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Frozen weights, and the network draws other pictures
#
# Two copies, both set to `train()`, draw one batch. How many of their tensors stay the same?
#
# ???
# (4 min) The first copy has `requires_grad_(False)` everywhere and nothing else, the second went through `freeze`.
# Expect "all of both". Press the key: four batch norms have moved three tensors each, the mean, the variance and the
# count of batches. They are no parameters and need no gradient. Freezing is two things, and most code does only the
# first.


# %% slideshow={"slide_type": "fragment"} tags=["nbval-check-output", "slide-text"]
def unchanged(network: nn.Module, origin: nn.Module) -> str:
    """How many tensors of a network's state, weights and statistics, are bit for bit those of another."""
    pairs = list(zip(network.state_dict().values(), origin.state_dict().values(), strict=True))
    return f"{sum(torch.equal(one, other) for one, other in pairs)} of {len(pairs)} tensors unchanged"


origin, origin_d = weights.shipped_pair("peeps")
copies = {"requires_grad_(False)": deepcopy(origin).requires_grad_(False), "freeze": freeze(deepcopy(origin))}
for name, network in copies.items():
    with torch.no_grad():
        network.train()(torch.randn(32, network.latents, generator=torch.Generator().manual_seed(0)))
    print(f"{name:22} {unchanged(network, origin)}")
del copies, network

# %% [markdown]
# Four batch norms have moved three tensors each: mean, variance, and the count of batches. One batch, and the network
# that was called frozen draws other pictures.
#
# **Learning rates by depth** are the softer form of freezing. Early layers hold what most pictures share, so they should
# move less. [Howard and Ruder 2018](https://arxiv.org/abs/1801.06146), who fine-tuned language models, divide the rate
# by 2.6 from each layer to the one before it.

# %% minigan="transfer"
# parameter_groups

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Early layers share the most, so they move the least
#
# Layer $l$ of $L$ learns at the rate $\eta \, \gamma^{L-l}$, here with $\gamma = 0.6$
#
# ???
# (3 min) Learning rates by depth are the softer form of freezing. Ask for the rate of the layer before the last when
# the last has 2e-4: 1.2e-4. Read down the right column; two layers are frozen altogether. Whether it helps is tested
# later in the chapter. Let the room bet now and write the bet down.

# %% slideshow={"slide_type": "-"} tags=["nbval-check-output", "slide-text"]
half_frozen = freeze(deepcopy(origin_d), 2)
rates = {id(group["params"][0]): group["lr"] for group in parameter_groups(half_frozen, 2e-4, decay=0.6)}
print("D's layers, two of them frozen     weights   its rate")
for layer in layers(half_frozen):
    module = layer[0]
    count = sum(weight.numel() for part in layer for weight in part.parameters(recurse=False))
    shape = f"{type(module).__name__} {module.in_channels} -> {module.out_channels}"
    print(f"{shape:30} {count:11,}   {rates.get(id(module.weight), 0):.2e}")
del half_frozen

# %% [markdown]
# And the **proof**. "Pretrained parameters are kept" is easily said. A wrong key in a state dict, an initialisation that
# runs a line too late, and they are gone without an error: the network trains, only worse. So ask the numbers.

# %% minigan="transfer"
# kept

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Everything moves, from a good place
#
# How many of the pretrained numbers are still the same after one step?
#
# ???
# (3 min) Expect "nearly all". Press the key. Adam moves every weight that has a gradient by about its rate, so
# fine-tuning is no gentle retouching of a few weights. The first line is the proof that many programs lack: that the
# pretrained numbers were there at the start. A wrong key in a state dict loses them without an error.

# %% slideshow={"slide_type": "fragment"} tags=["slide-text"]
peeps, micah = data.load("peeps"), data.load("micah")
HEADS = ("brightness", "saturation", "translation")


def few(pictures: ImageSet, count: int, seed: int = 0) -> ImageSet:
    """So many random pictures of a set."""
    chosen = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(seed))[:count]
    return replace(pictures, pixels=pictures.pixels[chosen])


def begin(generator: nn.Module, discriminator: nn.Module, images: int, **settings: Any) -> TrainState:
    """A training run of heads; without other settings those of fine-tuning: a low rate, an average from the start on."""
    usual = {"rate": 1e-4, "augment": HEADS, "ema_half_life": 1_000, "ema_ramp_up": 0.0}
    return train.start(TrainConfig(images=images, **(usual | settings)), generator, discriminator)


state = begin(*weights.shipped_pair("peeps"), images=32)
before = kept(state.generator, origin)
train.fit(state, few(micah, 100), quiet=True)
after = kept(state.generator, origin)
print(f"kept of the pretrained generator at the start: {before[0]:,} of {before[1]:,} numbers")
print(f"after one step of training:                    {after[0]:,}")
del state

# %% [markdown]
# All of them at the start, hardly one after a single step. Adam moves every weight that has a gradient by about its
# rate. Fine-tuning is no gentle retouching of a few weights: *everything* moves, from a good place.
#
# ## 2. A hundred pictures, a minute
#
# The start: `peeps`, whose generator came with the installation. The target: 100 pictures of `micah`, heads by another
# hand, with other lines, other colours, no black hair, and coloured collars. Both networks are kept, and both learn on,
# at a quarter of the usual rate. On both sides the augmentation of chapter 02 hides from $D$ how few pictures there are.
#
# **Predict.** How many of the 100 pictures, in a minute, until a stranger would name the style? What will a head with
# black hair turn into? And what will the same minute give from random numbers?


# %%
class Trained(NamedTuple):
    """What is wanted of a finished run. Its gradients and its optimisers' moments go, for they fill memory."""

    average: nn.Module
    discriminator: nn.Module
    seen: int
    seconds: float


def trained(
    networks: Sequence[nn.Module], pictures: ImageSet, images: int, title: str = "", **settings: Any
) -> Trained:
    """Train a generator and a discriminator on heads; with a title, show how they get on."""
    gc.collect()  # the run before
    hardware.return_unused_memory()
    state = train.fit(begin(*networks, images, **settings), pictures, title=title, quiet=not title, log_every=500)
    state.discriminator.zero_grad()
    return Trained(state.average, state.discriminator, state.seen, state.seconds)


hundred = few(micah, 100)
images = pick(quick=64, cpu=2_200, full=12_000)
tuned = trained(weights.shipped_pair("peeps"), hundred, images, "peeps, fine-tuned on 100 micah")

# %% [markdown]
# Now the same from scratch: the same networks with random weights, the same pictures, the same number of looks. The
# rate is four times as high, the one that suits a start from nothing.

# %%
torch.manual_seed(0)
usual = {"rate": 4e-4, "ema_ramp_up": 0.05}
scratch = trained([Generator(64), Discriminator(64)], hundred, images, "from scratch on 100 micah", **usual)


# %% [markdown] slideshow={"slide_type": "slide"}
# ## A head stays a head and takes the new style
#
# A hundred pictures, seconds of training. What becomes of black hair? And from random numbers?
#
# ???
# (5 min) Take predictions for both, then press the key. Compare the second row with the third, column by column: the
# latents are the same. A bun often stays a bun; skin, shoulders and the line are those of the new style. The hundred
# pictures only had to say how heads differ here. The last row had to learn all of it at once.


# %% slideshow={"slide_type": "fragment"}
def heads(generator: nn.Module, count: int = 8, seed: int = 3) -> Tensor:
    """What a generator draws from latents that are the same for all."""
    latents = torch.randn(count, generator.latents, generator=torch.Generator().manual_seed(seed))
    device = next(generator.parameters()).device
    with torch.no_grad():
        return torch.cat([generator.eval()(part.to(device)).float().cpu() for part in latents.split(50)])


rows = {"100 real": hundred[:8], "before": heads(origin), "fine-tuned": heads(tuned.average)}
rows["from scratch"] = heads(scratch.average)
alt = (
    "Real micah heads; eight heads of the peeps generator; the same eight latents after fine-tuning, where each head keeps its "
    "pose and outline and takes the new style; and training from scratch, where there are only blurred heads."
)
plot.compare(rows, alt=alt, width=5.4)

# %% [markdown]
# Compare the second row with the third, column by column: the latents are the same. A head stays a head, a bun often
# stays a bun. Skin tones, shoulders and the line are those of the new style. This is what was *known*: what a head is,
# and that heads differ. The hundred pictures only had to say how they differ here. The last row had to learn all of it
# at once.
#
# Now in numbers, and chapter 03 has warned us. The judge must not be a network that any training used, and one judge is
# none. Here are three: EfficientNet-Lite0, which knows photographs; our classifier, which knows garments; and a ResNet-18
# with random weights, which knows nothing and still sees colours and shapes
# ([Naeem et al. 2020](https://arxiv.org/abs/2002.09797) judge with a random VGG, for pictures far from ImageNet's).

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-figure-1"]
# ## Two judges say nearer, the third says worse than before
#
# - a ResNet-18 with random weights: nearer
# - a classifier of garments: nearer
# - EfficientNet-Lite0: farther away
#
# ???
# (3 min) Ask who is right, and let them look at the heads once more. Before: clean drawings in the wrong style. After:
# rough drawings in the right one. A network trained on photographs minds speckle and broken lines more than it minds a
# style. Which judge is right depends on what the pictures are for. None of them has taken part in training.

# %%
n = pick(quick=24, cpu=100, full=300)
judges = {
    "random_resnet18": Backbone("resnet18", ["layer3"], weights=None, generator=torch.Generator().manual_seed(0)),
    "fashion_classifier": Backbone("fashion_classifier", ["features"]),
    "efficientnet_lite0": Backbone("efficientnet_lite0", ["pool"], size=128),
}
judge_size = {"fashion_classifier": 28}


def look(judge: str, images: Tensor) -> Tensor:
    """Features of images as one judge sees them."""
    return metrics.embed(data.resize(images, judge_size.get(judge, 64)), judges[judge], batch=8)


held_out = data.load("micah", "test")[:n]
real = {judge: look(judge, held_out) for judge in judges}


def distances(images: Tensor) -> dict[str, float]:
    """The Fréchet distance to as many held-out pictures of the style, by each judge."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # few images in many dimensions: the same n on all sides
        found = {judge: float(metrics.frechet_distance(real[judge], look(judge, images))) for judge in judges}
    hardware.return_unused_memory()
    return found


def report(rows: dict[str, Tensor]) -> None:
    """A line of distances for each set of pictures."""
    found = {name: [f"{distance:.4g}" for distance in distances(one).values()] for name, one in rows.items()}
    fewshot.print_table(f"FID to held-out micah, n={n}", list(fewshot.JUDGES.values()), found)


report(
    {
        "before": heads(origin, n),
        f"fine-tuned, {tuned.seen:,} images": heads(tuned.average, n),
        f"scratch, {scratch.seen:,} images": heads(scratch.average, n),
        "other real pictures": micah[-n:],
    }
)
del scratch

# %% [markdown]
# All three place training from scratch far behind. But how far has fine-tuning come? Two judges say: about half and a
# third of the way, in some seconds. The third, EfficientNet-Lite0, says that it made things **worse** than doing nothing. Look at the pictures again. It is not
# blind. The heads before were clean drawings in the wrong style, those after are rough drawings in the right one. A
# network that was trained on photographs minds speckle and broken lines more than it minds a style. Which judge is right
# depends on what the pictures are for.
#
# There is a question that comes nearer to "would a stranger take it for that style?": is a head's nearest neighbour,
# among real pictures of four styles, one of `micah`? The benchmark asked all three judges.

# %%
snapshots = (0, 4_000, 8_000)
shares = {
    title: [
        fewshot.spread(fewshot.values(fewshot.runs(found, "fine-tuned"), images_seen, judge, "taken for it"), 2)
        for images_seen in snapshots
    ]
    for judge, title in fewshot.JUDGES.items()
}
fewshot.print_table("share taken for micah", [f"after {images_seen:,} images" for images_seen in snapshots], shares)
print(f"{snapshots[-1]:,} images take about {snapshots[-1] * tuned.seconds / tuned.seen:.0f} s here")

# %% [markdown]
# So the style is only beginning after the seconds of the race above. After a minute most heads are taken for it.
#
# ### The series
#
# One seed is an anecdote. The benchmark has made the same race with several, and has let training from scratch run on
# to 40,000 images. The dotted line is what other *real* pictures get: nobody can be better.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Fine-tuning buys the beginning
#
# Grey: from scratch. Colours: fine-tuned. Several seeds each.
#
# ???
# (5 min) One seed is an anecdote, so a benchmark has repeated the race. Ask how many times as many images training from
# scratch needs to catch up: at least about two to six times by two judges, up to 8,000 images; by the third it does
# not arrive within 40,000.
# When pictures and time are short, the beginning is all that one has.

# %% slideshow={"slide_type": "-"}
alt = (
    "Distance to held-out micah heads over the images seen, by three judges. By the random ResNet and the Fashion classifier the "
    "fine-tuned runs fall within 2,000 images to where training from scratch is after two to eight times as many. EfficientNet's curves rise first."
)
fewshot.draw_curves(found, alt)

catching_up = {}
for images_seen in (2_000, 4_000, 8_000):
    for judge, title in fewshot.JUDGES.items():
        rows_of = [
            row
            for row in found["catching up"]["micah"]
            if row["judge"] == judge and 0 <= row["images"] - images_seen < 32
        ]
        said = [
            f"{row['late']:,} to {row['there']:,}" if row["there"] is not None else f"not by {row['late']:,}"
            for row in rows_of
        ]
        least = min(row["times"] for row in rows_of)
        catching_up[f"{images_seen:,} images, {title}"] = [
            *said,
            f"at least {fewshot.at_least(least)} times",
        ]
fewshot.print_table("as near as fine-tuned", ["seed 0", "seed 1", "seed 2", "the images"], catching_up)

# %% [markdown]
# Read the left numbers as "still worse at" and the right ones as "there at the latest". Fine-tuning buys the beginning,
# and the beginning is all that one has when pictures and time are short. By the two judges that see training from
# scratch arrive, nothing is left of the gain after 24,000 images. With a hundred pictures it has by then also begun to
# know them by heart (section 5).
#
# ## 3. How few, and how far?
#
# Three styles: `micah` is near to `peeps`, `adventurer` has no shoulders and larger eyes, `pixelart` has no lines at
# all. And 10, 30 or 100 pictures of each.
#
# **Predict.** Which is worse: ten pictures of the near style, or a hundred of the far one?

# %%
for style, how_far in fewshot.DISTANCE_OF_STYLE.items():
    picture = RESULTS / f"fine_tuning_{style}.png"
    alt = f"Heads of the {how_far} style, {style}: real ones, those of the start, and those after fine-tuning on ever fewer pictures, from the same latents."
    plot.Picture(picture.read_bytes(), alt).show()

# %%
alt = (
    "Above, the distance after 8,000 images over the number of pictures, for three styles and by three judges; below, the share of "
    "heads that are nearer to the training pictures than new real ones are: it rises as the pictures get fewer."
)
fewshot.draw_counts(found, alt)

# %% [markdown]
# More pictures help, but ten times the pictures do not nearly give a tenth of the distance: the first ten have said most of
# what makes the style. Distances of different styles cannot be compared, for each style has a floor of its own, and the
# judges rank the styles differently. The lower row asks which share of heads lies nearer to the training pictures than a
# *new* picture of the style does. A half would be healthy (dotted), 1 would be copies. It rises as the pictures get
# fewer; how high, the judges do not agree.
#
# For `pixelart` EfficientNet-Lite0 is no judge at all: it puts training from scratch before fine-tuning, and even the
# noise of an untrained generator before both. Coarse squares are not what its photographs were made of. (Training from
# scratch was run with one seed on the middle and the far style.)
#
# ## 4. Must the discriminator be kept?
#
# A discriminator draws nothing, and after training it is usually thrown away. Whoever fine-tunes is told to keep it: a
# new one knows nothing, sends $G$ wherever chance has it, and what $G$ knew is lost before its teacher has learnt
# anything ([Wang et al. 2018](https://arxiv.org/abs/1805.01677) found $D$ to matter more than $G$). That sounds right.
# Many programs have no $D$ to keep, though.
#
# **Predict.** Fine-tuning again, with a new $D$ for the pretrained $G$. What has become of the heads after some thirty
# steps, when the new $D$ has hardly learnt anything?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A new discriminator does not destroy the generator
#
# The rule says: keep $D$, a new one sends $G$ wherever chance has it.
#
# ???
# (4 min) Ask for the look of the heads after some thirty steps against a D that knows nothing. Expect noise. Press the
# key: they are still heads, each in its own pose. To tell one simple style from another, colours and the width of a
# line are enough, and a new D learns these in some dozens of steps. Later the kept D is ahead by one judge, so the rule
# holds, but less than it sounds.

# %% slideshow={"slide_type": "fragment"}
torch.manual_seed(0)
beginning = pick(quick=64, cpu=1_024, full=4_000)
new_d = trained([weights.shipped("peeps")[0], Discriminator(64)], hundred, beginning)
rows = {"before": heads(origin), f"a new D, {new_d.seen:,} images": heads(new_d.average)}
alt = (
    "Heads from the same latents before, and after the first steps of fine-tuning against a new discriminator: they are still heads, "
    "each in its own pose and with its own hair."
)
plot.compare(rows, alt=alt, width=6)
del new_d, judges, real
hardware.return_unused_memory()

# %% [markdown]
# $G$ is not destroyed. The heads are still heads. And after longer training, over several seeds? The benchmark knows.

# %%
compared = {}
for images_seen in (2_000, 4_000, 8_000):
    said, ratios = fewshot.verdict(found, "new D", 100, images_seen)
    compared[f"after {images_seen:,} images"] = [*(f"{ratio:.2g}" for ratio in ratios.values()), said]
fewshot.print_table("FID, new D over kept D", [*fewshot.JUDGES.values(), ""], compared)

# %% [markdown]
# A ratio near 1 says that a new $D$ is as good. At 4,000 images it is, by two judges. At 8,000 the kept $D$ has the better
# of it by the Fashion classifier, and the random ResNet sees no difference. The heads themselves, which section 7
# shows, are rougher than those of the kept $D$. So the rule holds, but less than it sounds. To
# tell one *simple* style from another, colours and the width of a line are enough, and a new $D$ has learnt these after
# some dozens of steps. At a low rate $G$ has not gone far by then. Task 3 of "Try it" looks for the conditions under which the
# rule holds in earnest.
#
# ## 5. Does it know them by heart?
#
# Ten pictures. Each is looked at hundreds of times. Two things can happen, one after the other. First $D$ learns the ten
# by heart: it calls real what it has *seen*, and nothing else. Then $G$ has one best answer left, which is to draw the
# ten.
#
# **Predict.** A healthy $D$ gives new pictures of the style the same logits as its training pictures. What does a $D$
# give them that has seen ten pictures more than a hundred times each?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## With ten pictures the discriminator falls ill first
#
# A healthy $D$ gives new pictures of the style the same logits as its training pictures.
#
# ???
# (5 min) Let the room draw the dots for a D that has seen ten pictures more than a hundred times each, then press the
# key. Left, it is sure of the ten, all alike, and takes some new ones for fakes. Its curves look well all the same, for
# it separates reals from fakes. Only pictures that were kept back show it. So keep some back, even when there are few.

# %% slideshow={"slide_type": "fragment"}
ten = few(micah, 10)
narrow = trained(weights.shipped_pair("peeps"), ten, pick(quick=64, cpu=1_024, full=8_000), augment=())


def logits(discriminator: nn.Module, images: Tensor) -> Tensor:
    """What a discriminator says to images, without augmentation."""
    device = next(discriminator.parameters()).device
    with torch.no_grad():
        return torch.cat([discriminator(part.to(device)).float().cpu() for part in images.split(50)])


panels = {"10 pictures, not augmented": (narrow, ten), "100 pictures, augmented (section 2)": (tuned, hundred)}
alt = (
    "The discriminators' logits as dots, for training pictures, new pictures of the style and fakes. With ten pictures the training "
    "pictures lie high and close together and the new ones are scattered below them; with a hundred both lie at the same height."
)
with plot.figure(2, alt=alt, size=(3.9, 2.9)) as axes:
    for axis, (title, (run, pictures)) in zip(axes, panels.items(), strict=True):
        seen = {"training": pictures[:], "new": held_out, "fake": heads(run.average, 100)}
        for place, (shown, colour) in enumerate(zip(seen.values(), (GOLD, REAL, FAKE), strict=True)):
            heights = logits(run.discriminator, shown)
            across = place + 0.5 * (torch.rand(len(heights), generator=torch.Generator().manual_seed(0)) - 0.5)
            axis.plot(across, heights, "o", color=colour, ms=3, alpha=0.5)
            axis.plot([place - 0.33, place + 0.33], [heights.mean()] * 2, color="black", lw=1.5)
        axis.set(title=title, xticks=range(3))
        axis.set_xticklabels(list(seen))
    axes[0].set_ylabel("D's logit")
for title, (run, pictures) in panels.items():
    on_training, on_new = logits(run.discriminator, pictures[:]), logits(run.discriminator, held_out)
    print(
        f"{title:36} training {on_training.mean():.2f} ± {on_training.std():.2f}, new {on_new.mean():.2f} ± {on_new.std():.2f}"
    )
del narrow, panels, run, origin, origin_d
hardware.return_unused_memory()

# %% [markdown]
# Left, $D$ has sorted the world into the ten and the rest. It is sure of the ten, all of them alike. Of new pictures,
# which are as real, it thinks less, and of some it thinks that they are fakes. Such a $D$ still looks well on its curves:
# it separates reals from fakes. Only held-out pictures show the illness
# ([Karras et al. 2020](https://arxiv.org/abs/2006.06676) steer their augmentation by this very sign). So **keep some
# pictures back, even when there are few.**
#
# The second stage takes longer; the benchmark went on to 8,000 images. Is a head nearer to the training pictures than
# a *new* picture of the style is? Half of the heads would be healthy. Near 0 means that they are still far from any
# picture of the style, so that there is nothing yet to copy. Near 1 means copies.

# %%
shares = {
    f"{count} pictures, {images_seen:,} images": [
        fewshot.spread(fewshot.values(chosen, images_seen, judge, "nearer to training than new"), 2)
        for judge in fewshot.JUDGES
    ]
    for count in (10, 30, 100)
    for chosen in [fewshot.runs(found, "fine-tuned", "micah", count)]
    for images_seen in (4_000, 8_000)
}
fewshot.print_table("share nearer, benchmark", list(fewshot.JUDGES.values()), shares)

# %% [markdown]
# The share rises with every look, and it rises faster with fewer pictures. So the best moment to stop depends on what one
# wants: the distance may still be falling while the copies are already there. And it depends on the judge, as always:
# to EfficientNet-Lite0, which minds the rough lines, no head is near to anything.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## After 8,000 looks at ten pictures: relatives, no copies yet
#
# Above: what lies nearest to a training picture.
#
# ???
# (4 min) Ask which row would be in the upper one if the generator were a thief: the second. Skin and collar follow the
# ten, but the low rate and the augmentation hold copies off. The share of heads that are too near rises with every
# look, faster with fewer pictures, so the best moment to stop depends on what one wants. Neighbours are taken in
# features: in pixels a shift hides a copy.

# %% slideshow={"slide_type": "-"} tags=["slide-title-1"]
picture = RESULTS / "fine_tuning_copies.png"
if picture.exists():
    alt = "Heads drawn after fine-tuning on ten pictures, each over its nearest of the ten and its nearest picture that was not in training."
    plot.Picture(picture.read_bytes(), alt).show()

# %% [markdown]
# From the benchmark: after 8,000 looks at ten pictures, the heads that lie nearest to a training picture. Nearest neighbours
# are taken in features and not in pixels, where a shift of one pixel hides a copy. Skin and collar follow the ten, and
# yet these are no copies: the low rate and the augmentation hold them off. The discriminator shows the illness long
# before the pictures do.
#
# ## 6. What else helps?
#
# Three measures are often recommended for few pictures.
#
# - **Freezing D's early layers** ([FreezeD, Mo et al. 2020](https://arxiv.org/abs/2002.10964)): what edges and colours
#   are, $D$ knows. With fewer weights it has less room to learn ten pictures by heart.
# - **Augmentation of reals and fakes** ([Zhao et al. 2020](https://arxiv.org/abs/2006.10738)): $D$ never sees the same
#   picture twice. All runs above have it. What happens without?
# - **Learning rates by depth**: here 0.6 from layer to layer, in both networks.
#
# **Predict**, for 100 pictures and for 10: which helps, which does nothing, which harms?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Judges and seeds seldom agree that a recipe helps
#
# Left of the line is better. A dot for each seed; blue 100 pictures, yellow 10.
#
# ???
# (5 min) Compare with the bets. "Helps" is said only where all judges and all seeds agree, and no way on this chart
# gets it. Where a recommended measure does nothing, ask which illness it cures, and whether the run has it: freezing D
# holds back a D that knows too much, and in a short run it knows too little. All agree on "hurts" in two cases only:
# without augmentation at 100 pictures, and where G starts from scratch.

# %% slideshow={"slide_type": "-"}
alt = (
    "For each way of training a dot for each seed: its distance divided by that of plain fine-tuning with the same seed after 4,000 "
    "images, by three judges. Left of the line is better; blue dots have 100 pictures, yellow ones 10."
)
fewshot.draw_ways(found, alt)

for way in ("not augmented", "D's first 2 layers frozen", "D's first 4 layers frozen", "rates by depth"):
    for count in (100, 10):
        for when in (4_000, 8_000):
            said, ratios = fewshot.verdict(found, way, count, when)
            if ratios:
                numbers = ", ".join(f"{ratio:.2f}" for ratio in ratios.values())
                print(f"{way:26} {count:3} pictures, {when:,} images: FID ratios {numbers}: {said}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Freezing two layers of D changes hardly a head
#
# ???
# (4 min) Eight latents, a row for each way of training on a hundred pictures. Ask the room for the row that differs
# least from the one of plain fine-tuning: the one with a half-frozen D. Then let them rank the rows and compare with
# the judges. Without augmentation the lines break, which EfficientNet punishes. The papers behind these measures train
# for hundreds of thousands of images, at larger sizes; a short run has other illnesses.

# %% slideshow={"slide_type": "-"}
picture = RESULTS / "fine_tuning_ways.png"
alt = "Rows of eight heads from the same latents, a row for each way of training on a hundred micah pictures, under real heads and those of the start."
plot.Picture(picture.read_bytes(), alt).show()

# %% [markdown]
# "Helps" and "hurts" are said only where *all* judges and *all* seeds agree. That is a hard test, and a fair one: it is
# the question that a reader of a paper with one seed and one judge cannot ask.
#
# Where a recommended measure does nothing, or harm, ask which illness it cures, and whether the run has it. FreezeD and
# augmentation hold back a $D$ that learns its pictures by heart. That takes many looks at few pictures: section 5 saw it
# with ten pictures and without augmentation, not with a hundred. In a short run $D$ does not know too much but too
# little. It must learn a new style, and whoever holds half of it back slows it down. Rates by depth show it best: after
# 4,000 images the style has hardly come, after 8,000 it is there, and the lines are cleaner than with equal rates, as
# EfficientNet says. The papers train for hundreds of thousands of images, at larger sizes.
#
# Augmentation is the surprise. It was made to hold $D$ back in *long* runs, and here its absence shows in the first
# half minute, at a hundred pictures: without it the lines break, which EfficientNet punishes. Later, and at ten
# pictures, the judges no longer agree.
#
# ## 7. A classifier as the discriminator
#
# So far $D$ came from another GAN. Mostly there is none. But there are classifiers, trained on millions of pictures, and
# a classifier and a discriminator are nearly the same thing: a row of layers that ends in few numbers. **Replace the
# head, keep the rest.**

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A classifier is nearly a discriminator: replace its head
#
# Millions of labelled pictures have trained one already. The rest is kept, as the count proves.
#
# ???
# (3 min) Both are a row of layers that ends in few numbers. Ask what goes wrong with a D that can tell a thousand
# classes apart: it separates reals from fakes within a few steps, and then all logits are far from 0 and say nothing to
# G. A strong D is no gift.

# %% minigan="transfer"
# trainable, ClassifierDiscriminator, deepest, classifier_to_discriminator

# %% slideshow={"slide_type": "-"} tags=["nbval-check-output", "slide-text"]
lite = Backbone("efficientnet_lite0")
critic = classifier_to_discriminator(lite, frozen=20)
same, total = kept(critic, lite)
learning = sum(weight.numel() for weight in critic.parameters() if weight.requires_grad)
print(f"kept of the classifier: {same:,} of {total:,} numbers")
print(f"of these and the new head, {learning:,} learn; the first 20 of {len(layers(lite))} layers are frozen")
print("logits of two pictures of 97 x 131 pixels:", tuple(critic(torch.zeros(2, 3, 97, 131)).shape))
del critic

# %% [markdown]
# A strong $D$ is no gift to $G$. A network that tells a thousand classes apart separates reals from fakes within a few
# steps, and then all logits are far from 0 and say nothing. **Projected GANs**
# ([Sauer et al. 2021](https://arxiv.org/abs/2111.01007)) turn this round. The classifier stays *frozen*; only small
# heads on its maps learn. So $D$ cannot change what it looks at, only how it weighs it. And so that no head can lean on a
# few channels, which $G$ would satisfy while it neglects the others, the maps are first mixed: across channels, and from
# coarse to fine, by convolutions that are random and stay random.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Freeze the eyes, and let only small heads learn
#
# $$D(x) = \sum_l D_l\big(P_l(F_l(x))\big)$$
#
# $F$ pretrained and frozen, $P$ random and frozen, $D_l$ learns.
#
# ???
# (3 min) The projected GAN: D cannot change what it looks at, only how it weighs it. The random mixing P keeps a head
# from leaning on a few channels, which G would satisfy while it neglects the others. The paper adds the losses of the
# heads, here their logits are added. Bet: what is it worth in the race, for equal images and for equal seconds?

# %% minigan="transfer"
# ProjectedDiscriminator, voting_head, resized

# %% [markdown]
# (The paper adds the *losses* of the heads. Here their logits are added, so that $D$ is one number for each picture, as
# everywhere in this course.)
#
# **Predict.** Its heads are few and its eyes know a million photographs. What will it be worth in the race of section 2,
# for equal images, and for equal seconds?

# %%
eyes = Backbone("efficientnet_lite0", size=128)
projected = ProjectedDiscriminator(eyes, generator=torch.Generator().manual_seed(0))
learning = sum(weight.numel() for weight in projected.parameters() if weight.requires_grad)
print(f"{learning:,} of its {sum(weight.numel() for weight in projected.parameters()):,} weights learn")
glimpse = pick(quick=32, cpu=128, full=4_000)
run = trained([weights.shipped("peeps")[0], projected], hundred, glimpse, r1=0.0, batch=4)
per_thousand = {
    "projected D": 1000 * run.seconds / run.seen,
    "its own D": 1000 * tuned.seconds / tuned.seen,
}
print(", ".join(f"{name}: {seconds:.1f} s for 1,000 images" for name, seconds in per_thousand.items()))
del run, projected, eyes, tuned
hardware.return_unused_memory()

# %% [markdown]
# An image is many times as dear, because it passes through EfficientNet at 128 pixels, and the fakes come back through
# it. The batches of four, which save memory here, make it dearer still; in the benchmark, with batches of 32, it is
# several times as dear. How good are the pictures? The benchmark gave it 4,000 images.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## It pleases the judge that sits inside it
#
# EfficientNet-Lite0 finds this way the best of the chapter, the other two judges four times worse than plain
# fine-tuning.
#
# ???
# (5 min) Ask which row the projected D has made, before reading the labels. Its heads stay clean and have hardly taken
# a step towards the new style. EfficientNet-Lite0 sits in this D: it was in the kitchen, and G has learnt to please it.
# Each step is several times as dear besides, for every picture passes through the eyes. Whoever reports a projected GAN
# by a score on features of ImageNet should show another beside it.

# %% slideshow={"slide_type": "-"}
compared = {}
for against in ("fine-tuned", "new D"):
    said, ratios = fewshot.verdict(found, "projected D", 100, 4_000, baseline=against)
    compared[f"over that of {against!r}"] = [*(f"{ratio:.2f}" for ratio in ratios.values()), said]
fewshot.print_table("FID, projected D", [*fewshot.JUDGES.values(), ""], compared)
picture = RESULTS / "fine_tuning_discriminators.png"
alt = (
    "Rows of eight heads from the same latents, trained on a hundred micah pictures against a new discriminator, against a projected "
    "one, and with rates by depth, under real heads and those of the start."
)
plot.Picture(picture.read_bytes(), alt).show()

# %% [markdown]
# Read the three numbers of the first line once more. By EfficientNet-Lite0 the projected $D$ is by far the best of all
# ways in this chapter. By the other two judges it is four times *worse* than plain fine-tuning. EfficientNet-Lite0 sits
# in this $D$: it was in the kitchen (chapter 03), and $G$ has learnt to please it. The picture says the same as the two
# judges who saw nothing of the training: against the projected $D$ the heads stay clean and have hardly taken a step
# towards the new style. Whoever reports a projected GAN by a score
# on features of ImageNet should show another beside it
# ([Kynkäänniemi et al. 2023](https://arxiv.org/abs/2203.06026) found this at full size).
#
# The fair opponent of a projected $D$ is the *new* $D$, for both start without having seen a head. And the famous
# speed-up of the paper is counted in images, at 256 pixels, on large data, with a GPU that hides what the eyes cost.
#
# ### From scratch, by the minute
#
# Is fine-tuning the wrong test? A projected $D$ became famous for training from scratch. So a benchmark has trained one
# generator from scratch against four kinds of $D$. *Plain* starts at random and learns all its weights. The others are
# projected: on the frozen features of EfficientNet-Lite0 (*ImageNet*), on the same network with *random* weights, and,
# for garments, on our own small classifier of garments (*in-domain*). Three seeds each. The distance is taken after
# equal minutes of one core, for minutes are what a learner pays, and by two feature nets that no training has used.
#
# **Predict.** Which eyes serve best: those that know a thousand things, or those that know garments?

# %%
from_scratch = measured("from_scratch")  # by benchmarks/from_scratch.py
ways = list(dict.fromkeys(row["way"] for row in from_scratch["rows"]))
for judge, title in {"edge_vgg16": "VGG-16 for edges", "random_resnet18": "ResNet-18, random"}.items():
    by_data: dict[str, dict[str, str]] = {}
    for row in from_scratch["rows"]:
        where = f"{row['data']}, {row['size']} px, {row['equal minutes']:.1f} minutes"
        by_data.setdefault(where, dict.fromkeys(ways, ""))[row["way"]] = f"{row[judge]['equal']['mean']:,.0f}"
    fewshot.print_table(f"FID by {title}", ways, {where: list(cells.values()) for where, cells in by_data.items()})

# %% [markdown]
# The projected $D$ on ImageNet's features is behind everywhere, from twice to a hundred times as far, and least where all
# have only begun. One reason is the price. In the minutes in which the plain $D$ has judged 24,000 heads, this one has
# judged a few thousand. The other is what it asks for: in [the pictures](../benchmarks/results/from_scratch.md) its
# generator draws a texture that pleases EfficientNet-Lite0, and hardly a head. Between ImageNet's and random features
# the two judges do not agree. The eyes that know garments are another matter. They are small, so they are cheap, and
# they look at what matters: within twice the distance of the plain $D$, and far nearer than eyes that know a thousand
# things. What pretraining is worth depends on *what* was learnt.
#
# This does not refute the paper, which trains on more and larger pictures, and for far longer. It says what a laptop can
# expect of minutes.
#
# ## 8. A U-Net with a pretrained encoder
#
# Now the other half: pretrained layers in the *generator*. For generators that turn a picture into a picture, as in
# chapters 07 to 10, there is a natural place. The U-Net ([Ronneberger et al. 2015](https://arxiv.org/abs/1505.04597))
# has an encoder that shrinks the picture to a small map of what is in it, and a decoder that grows it back, and is
# handed the encoder's map of each size on the way. The encoder *is* a classifier without its head. Its strided layers
# get their counterparts in the decoder, transposed convolutions or pixel shuffle.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The encoder of a U-Net is a classifier without its head
#
# Shrink the picture to what is in it, grow it back, and hand over the map of each size on the way.
#
# ???
# (3 min) Draw the U on the board, with the bridges. Ask what happens to a picture of 97 pixels: its maps have 49, 25,
# 13, 7 and 4, and doubling 4 gives 8 where 7 is wanted. Many U-Nets crash there. The decoder must grow to the size of
# the map that it is handed, as the printed line shows.

# %% minigan="transfer"
# UNet, classifier_to_generator

# %% [markdown]
# `resized`, shown above, is a small thing that many U-Nets lack. A picture of 97 pixels has maps of 49, 25, 13, 7 and 4, and doubling
# gives 8 where 7 is wanted. Such nets crash on every photograph whose sides are no multiples of 32. (Which upsampling
# leaves a checkerboard, and how to see it, is a subject of chapter 07.)

# %% slideshow={"slide_type": "-"} tags=["nbval-check-output", "slide-text"]
net = classifier_to_generator(lite)
print(f"kept: {kept(net, lite)[0]:,} of {kept(net, lite)[1]:,} numbers")
with torch.no_grad():
    print("97 x 131 pixels in,", " x ".join(map(str, net.eval()(torch.zeros(1, 3, 97, 131)).shape[-2:])), "out")
del net, lite

# %% [markdown]
# The task: **give a grey photograph its colours.** Grass is green and the sky is blue, whoever knows what grass looks
# like. 65 photographs to learn from, 19 held out. The net sees the grey picture and gives two numbers for each pixel,
# the difference of red and of blue from grey. Its error is measured on the held-out photographs, as a share of the error
# of leaving the picture grey: 1 is worthless, 0 is perfect.
#
# Three encoders, the same decoder, the same crops, the same number of steps:
#
# - *random*: the same architecture with random weights, all learning;
# - *frozen*: pretrained, and only the decoder learns;
# - *fine-tuned*: pretrained, all learning, the encoder at a tenth of the decoder's rate and less with depth.
#
# **Predict** their order.

# %%
side = pick(quick=64, cpu=96, full=256)
photos, unseen = data.load("photos", size=side), data.load("photos", "test", size=side)


def grey_and_colour(images: Tensor) -> tuple[Tensor, Tensor]:
    """The brightness (N, 1, H, W), and what red and blue differ from it (N, 2, H, W)."""
    grey = (images * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    return grey, images[:, [0, 2]] - grey


def coloured(grey: Tensor, colour: Tensor) -> Tensor:
    """The picture of a brightness and its colours: green follows from the other two."""
    red, blue = (grey + colour).unbind(1)
    green = (grey[:, 0] - 0.299 * red - 0.114 * blue) / 0.587
    return torch.stack([red, green, blue], 1).clamp(-1, 1)


def crops(count: int, generator: torch.Generator) -> Tensor:
    """Random squares of 64 pixels of random photographs, half of them mirrored."""
    cut = []
    for number in torch.randint(len(photos), (count,), generator=generator).tolist():
        top, left = torch.randint(side - 63, (2,), generator=generator).tolist()
        piece = photos[number : number + 1][..., top : top + 64, left : left + 64]
        cut.append(piece.flip(-1) if torch.rand((), generator=generator) < 0.5 else piece)
    return torch.cat(cut)


grey, colour = grey_and_colour(unseen[:])


def guess(net: nn.Module) -> Tensor:
    """The colours that a net gives to the held-out photographs."""
    with torch.no_grad():
        return torch.cat([net.eval()(part) for part in grey.split(2)])


def learn_colours(kind: str, seed: int, steps: int) -> tuple[Tensor, list[float]]:
    """Train a U-Net to colour photographs: its colours for held-out ones, and its error three times on the way."""
    gc.collect()  # the run before
    hardware.return_unused_memory()
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    start_from = None if kind == "random" else "default"
    encoder = Backbone("efficientnet_lite0", weights=start_from, generator=generator)
    net = classifier_to_generator(encoder, channels=2, frozen=len(layers(encoder)) if kind == "frozen" else 0, width=8)
    decoder = [weight for part in (net.ups, net.joins, net.to_image) for weight in part.parameters()]
    groups = [{"params": decoder, "lr": 2e-3}]
    if kind == "fine-tuned":
        groups += parameter_groups(net.backbone, 2e-4, decay=0.95)
    elif kind == "random":
        groups += parameter_groups(net.backbone, 2e-3)
    optimizer, curve = torch.optim.Adam(groups), []
    for step in range(1, steps + 1):
        lesson, answer = grey_and_colour(crops(8, generator))
        loss = (net.train()(lesson) - answer).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % max(1, steps // 3) == 0:
            guessed = guess(net)
            curve.append(float((guessed - colour).square().mean() / colour.square().mean()))
    return guessed, curve


colour_steps, seeds = pick(quick=4, cpu=30, full=1_000), pick(quick=1, cpu=2, full=3)
learnt = {
    kind: [learn_colours(kind, seed, colour_steps) for seed in range(seeds)]
    for kind in ("random", "frozen", "fine-tuned")
}
hardware.return_unused_memory()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Whoever knows what grass looks like knows that it is green
#
# The encoder: random, pretrained and frozen, or fine-tuned. Which order?
#
# ???
# (3 min) The task: a grey photograph gets its colours back; 65 to learn from. Collect orders, then press the key. The
# training is short and the colours are faint. Ask where they begin, sky or grass, and in which row first.

# %% slideshow={"slide_type": "fragment"} tags=["slide-figure-1"]
shown = [2, 3, 15]
rows = {"grey": grey[shown].expand(-1, 3, -1, -1)}
rows |= {kind: coloured(grey[shown], runs[0][0][shown]) for kind, runs in learnt.items()}
rows["the photograph"] = unseen[shown]
alt = (
    "Three held-out photographs: grey, coloured by three U-Nets with a random, a frozen pretrained and a fine-tuned encoder, and as "
    "they are. After this short training the colours are faint; skies begin to be blue and buildings brown."
)
plot.compare(rows, alt=alt, width=3.6)

alt = (
    "The error on held-out photographs over the steps, as a share of that of grey pictures, for three encoders and each seed. "
    "The pretrained encoders come below 1, where colours are better than none, sooner than the random one."
)
with plot.figure(alt=alt, size=(5.6, 3.0)) as axis:
    for (kind, runs), tint in zip(learnt.items(), (FAKE, GREEN, REAL), strict=True):
        for number, (_, curve) in enumerate(runs):
            every = max(1, colour_steps // 3)
            places = [every * (i + 1) for i in range(len(curve))]
            axis.plot(places, curve, color=tint, label=None if number else kind)
    axis.axhline(1, color="0.6", ls=":", lw=1)
    axis.set(xlabel="steps", ylabel="error / error of grey", ylim=(0.6, 2.2))
    axis.legend()
for kind, runs in learnt.items():
    print(f"{kind:11} {fewshot.spread([curve[-1] for _, curve in runs])}")

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-figure-2"]
# ## In the end the pretrained encoders are ahead
#
# A line for each seed. At 1 the picture might as well stay grey.
#
# ???
# (2 min) The error is a share of that of leaving the photograph grey. Between frozen and fine-tuned there is little at
# this length, and frozen costs less. Ask what a longer training would change: the random encoder has only to learn first
# what the others know.

# %% [markdown]
# In the end the pretrained encoders are ahead, on every seed; on the way the lines may cross. Between the frozen and the
# fine-tuned one there is little at this length, and the frozen one costs less: no gradients are needed for three million
# weights. A random encoder is not useless, it has only to learn first what the others know.
#
# ## 9. A classifier run backwards
#
# The boldest use: a classifier that turns 28 x 28 pixels into ten numbers, run from its end to its start as the
# generator. Each convolution becomes the transposed convolution *with the very same kernel*: where the classifier asks
# "how much of this pattern is here?", the generator says "put so much of this pattern here". It is the step that
# backpropagation itself takes, and the deconvolutional networks that made classifiers visible took
# ([Zeiler and Fergus 2014](https://arxiv.org/abs/1311.2901)). Each pooling becomes a learnt upsampling.

# %% minigan="transfer"
# BackwardsGenerator, chain, backwards

# %% tags=["nbval-check-output"]
classifier = Backbone("fashion_classifier")
same, total = kept(BackwardsGenerator(classifier, 28, channels=1), classifier)
print(f"{same:,} of the classifier's {total:,} numbers stand in the generator: its kernels, all of them")

# %% [markdown]
# The kernels come from our own classifier of garments. It knows garments well. So will a generator that begins with its
# kernels draw garments sooner than one that begins with random ones?
#
# **Predict.** And say which judge you would *not* ask.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Naming garments does not teach drawing them
#
# The classifier run backwards, with its own kernels or with random ones. Which learns sooner?
#
# ???
# (4 min) Expect "its own". Press the key: they are behind, on every seed. A classifier learns to throw away what does
# not change the name, and a generator has to put back just that. Ask which judge you must not take here: the classifier
# itself, for its kernels make the very patterns that it responds to.

# %% slideshow={"slide_type": "fragment"}
garments = data.load("fashion")
photographic = Backbone("efficientnet_lite0", ["pool"], size=64)
m = pick(quick=24, cpu=200, full=1_000)
real_garments = metrics.embed(data.load("fashion", "test")[:m], photographic, batch=8)


def garment_generator(start_from: str | None, seed: int, images: int) -> nn.Module:
    """A GAN of garments whose generator is the classifier run backwards; None starts it with random kernels."""
    torch.manual_seed(seed)
    kernels = Backbone("fashion_classifier", weights=start_from, generator=torch.Generator().manual_seed(seed))
    generator = BackwardsGenerator(kernels, 28, channels=1)
    config = TrainConfig(images=images, rate=5e-4, betas=(0.5, 0.999), r1=0.0, ema_half_life=1_000, seed=seed)
    state = train.start(config, generator, Discriminator(28, 1, 32, norm="batch"))
    return train.fit(state, garments, quiet=True).average


looked = pick(quick=64, cpu=1_500, full=40_000)
by_start = {
    name: [garment_generator(start_from, seed, looked) for seed in range(seeds)]
    for name, start_from in (("pretrained kernels", "default"), ("random kernels", None))
}
rows = {name: heads(generators[0]) for name, generators in by_start.items()}
alt = "Garments after a short training, drawn by generators that began with a classifier's kernels and with random kernels: blurred shapes in both rows."
plot.compare({"real": garments[:8]} | rows, alt=alt, width=6)
for name, generators in by_start.items():
    scores = []
    for generator in generators:
        fakes = metrics.embed(heads(generator, m), photographic, batch=8)
        scores.append(metrics.kernel_distance(real_garments, fakes).value)
    print(f"{name:19} KID[efficientnet_lite0, n={m}] after {looked:,} images: {fewshot.spread(scores)}")

# %% [markdown]
# It does not. At this length the generator with the classifier's kernels is behind, on every seed. The classifier has
# learnt to throw away what does not change the name of a garment, and its kernels are the ones that do this well. A
# generator has to put back just that. Random kernels know nothing, but nothing has to be unlearnt.
#
# The judge is EfficientNet-Lite0 and not the classifier itself. A generator that starts with the classifier's kernels
# makes, from its first step, pictures of just the patterns that this classifier responds to. It would flatter them.
# (The kernel distance, because it has no bias at small $n$: chapter 03.)

# %% [markdown]
# ## 10. What longer training brings
#
# The three styles again, each fine-tuned for longer on all its pictures. These generators came with the installation.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One latent, drawn by three hands
#
# ???
# (3 min) Go down one column. Ask which properties are carried over from style to style, hair, glasses, pose, and why
# those. These generators saw all pictures of their style for longer, and they come with the installation.

# %% slideshow={"slide_type": "-"}
finished = {style: weights.shipped(style) for style in ("micah", "adventurer", "pixelart")}
for style, (_, facts) in finished.items():
    print(f"{style}: fine-tuned from peeps on {facts['images']:,} images")
rows = {style: heads(generator, 9) for style, (generator, _) in finished.items()}
alt = "Nine heads in each of three styles, micah, adventurer and pixelart, drawn from the same latents by generators that were fine-tuned from peeps."
plot.compare(rows, alt=alt, width=5.4)

# %% [markdown]
# ## Summary
#
# | what | against | seen |
# | --- | --- | --- |
# | fine-tuning $G$ and $D$ of another style | from scratch | for up to 8,000 images at least about two to six times fewer to the same distance by two judges; by the third, training from scratch does not arrive within 40,000 |
# | keeping $D$ | a new one | section 4: $G$ survives both; the kept $D$ is ahead later, by one judge |
# | 100 pictures | 10 | a smaller distance, not by much; a $D$ that knows less by heart |
# | FreezeD, augmentation, rates by depth | plain fine-tuning | section 6: the verdicts below |
# | frozen features as $D$ | a new $D$, or the kept one | section 7, on a hundred pictures: several times dearer for each image, and better only in the eyes of the network that it is made of |
# | a pretrained encoder | a random one | ahead in the end, on every seed |
# | fine-tuning that encoder | freezing it | section 8: little at this length |
# | a classifier run backwards | random kernels | section 9: no gain; at the start a loss |
#
# What is known helps where the new task asks the *same question*. A generator of heads knows what a head is. An encoder of photographs knows what is in a photograph. But how to *draw* a garment
# is not what a classifier has learnt by naming it.

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-figure-1"]
# ## What is known helps where the question is the same
#
# - a generator of heads knows what a head is
# - an encoder of photographs knows what is in one
# - naming garments is another question than drawing them
#
# ???
# (4 min) Return to the bets: who has won most? Ask for a case from the room's own work, and for the question which its
# pretrained network was trained to answer. Then for the control. The verdicts by three judges and several seeds stand
# in the last table of the chapter.

# %%
compared = {}
for way in [way for way in dict.fromkeys(run["way"] for run in found["runs"]) if way != "fine-tuned"]:
    for count in (100, 10):
        said, ratios = fewshot.verdict(found, way, count, 4_000)
        if ratios:
            compared[f"{way}, {count} pictures"] = [*(f"{ratio:.2f}" for ratio in ratios.values()), said]
fewshot.print_table("FID over that of fine-tuned", [*fewshot.JUDGES.values(), ""], compared)

# %% [markdown]
# ## Try it
#
# **1. A leash to the start** (10 minutes). Freezing forbids a weight to move. A softer leash lets it move and makes it
# pay: **L2-SP** ([Li et al. 2018](https://arxiv.org/abs/1802.01483)) adds half the squared distance from the starting
# point, $\frac12 \sum_k \lVert w_k - w_k^0 \rVert^2$, over all weights $w$ that a network had when training began.
# Write it so that gradients reach the network and not its origin.


# %%
def start_penalty(network: nn.Module, start: nn.Module) -> Tensor:
    """1/2 sum_k ||w_k - w_k^0||^2 over all parameters: a scalar."""
    raise NotImplementedError


hints = [
    "network.parameters() and start.parameters() come in the same order; zip(..., strict=True) pairs them.",
    "The origin is a constant: use weight.detach() of it. Sum, do not average, and take half.",
]
moved, home = nn.Linear(2, 2), nn.Linear(2, 2)
with torch.no_grad():
    for weight, first in zip(moved.parameters(), home.parameters(), strict=True):
        weight.copy_(first + 2)  # six numbers, each moved by 2
mistakes = {
    "Half of the sum: the gradient is then the distance itself.": 24.0,
    "Sum over all weights, do not average.": 2.0,
    "The squared norm has no root.": math.sqrt(24) / 2,
}
with suppress(NotYet), checking("A leash to the start", hints) as c:
    penalty = start_penalty(moved, home)
    c.close(start_penalty(home, home), 0.0, "at the start nothing is paid")
    c.close(penalty, 12.0, "six weights moved by 2 cost 12", mistakes=mistakes)
    penalty.backward()
    c.close(moved.weight.grad, torch.full((2, 2), 2.0), "the gradient pulls each weight back by how far it went")
    c.true(home.weight.grad is None, "the start gets no gradient", "its weights have one; detach them")

# %% [markdown]
# **2. Which latents survive?** (15 minutes) In section 2 heads keep their pose from style to style. Draw one latent with
# the three finished generators of section 10 and with `peeps`. Which properties are carried over: hair, glasses, mouth?
# Why those?
#
# **3. When does a new D do harm?** (30 minutes) In section 4 it did none. Find a setting in which it does: a higher rate,
# ten pictures, a style that is further away, the generator itself instead of its average. Then mend it: let the new $D$
# learn alone at first, while $G$ stands still. (`freeze` the generator, `train.fit`, `thaw` it.)
#
# **4. Gradual unfreezing** (30 minutes). Begin with all of $D$ frozen but its last layer, and `thaw` one layer more
# every 500 images. Is it better than thawing all at once, by which judge, and on how many seeds?
#
# **5. Your own style** (an hour). Draw or collect 30 heads on white, put them into a folder, and
# `data.load("./my_heads", size=64)`. Fine-tune. Which augmentation do they need?
#
# More tasks, each with its check, stand in [the exercises to this chapter](../exercises/05_fine_tuning/05_fine_tuning.ipynb).
#
# ## References
#
# - J. Howard, S. Ruder,
#   [Universal Language Model Fine-tuning for Text Classification](https://arxiv.org/abs/1801.06146), 2018.
# - Y. Wang et al., [Transferring GANs: generating images from limited data](https://arxiv.org/abs/1805.01677), 2018.
# - S. Mo, M. Cho, J. Shin,
#   [Freeze the Discriminator: a Simple Baseline for Fine-Tuning GANs](https://arxiv.org/abs/2002.10964), 2020.
# - S. Zhao et al.,
#   [Differentiable Augmentation for Data-Efficient GAN Training](https://arxiv.org/abs/2006.10738), 2020.
# - T. Karras et al.,
#   [Training Generative Adversarial Networks with Limited Data](https://arxiv.org/abs/2006.06676), 2020.
# - A. Sauer et al., [Projected GANs Converge Faster](https://arxiv.org/abs/2111.01007), 2021.
# - O. Ronneberger, P. Fischer, T. Brox, [U-Net](https://arxiv.org/abs/1505.04597), 2015.
# - P. Isola et al.,
#   [Image-to-Image Translation with Conditional Adversarial Networks](https://arxiv.org/abs/1611.07004), 2017.
# - M. D. Zeiler, R. Fergus,
#   [Visualizing and Understanding Convolutional Networks](https://arxiv.org/abs/1311.2901), 2014.
# - T. Kynkäänniemi et al.,
#   [The Role of ImageNet Classes in Fréchet Inception Distance](https://arxiv.org/abs/2203.06026), 2023.
# - M. F. Naeem et al.,
#   [Reliable Fidelity and Diversity Metrics for Generative Models](https://arxiv.org/abs/2002.09797), 2020.
# - X. Li, Y. Grandvalet, F. Davoine,
#   [Explicit Inductive Bias for Transfer Learning with Convolutional Networks](https://arxiv.org/abs/1802.01483), 2018.
#
# **Next:** [06 Perceptual loss](06_perceptual_loss.ipynb). How is distance measured as people see it?
