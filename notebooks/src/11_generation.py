# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 11 Generation
#
# **How good do pictures from noise become with everything learnt?**
#
# Since chapter 07 every picture began with another picture. This chapter goes back to the beginning: a vector of random
# numbers goes in, a picture comes out. Much has been learnt since chapter 02, and here it comes together. The networks
# are told *which* picture is wanted. Each lever of the course is asked what it brought, in numbers. Then the generator
# is finished, and the question is how to *use* it: how to walk from one picture to another, how to ask for fewer
# mishaps, how to give a head longer hair and leave the rest alone.
#
# | | |
# | --- | --- |
# | **You will learn** | to tell a GAN the class, and why it is not enough to tell $G$; what averaging, augmentation and pretrained features brought, and where they did not; where latents live, lerp and slerp; truncation as a trade of variety for quality; to find the direction of an attribute, and to measure what else moves with it |
# | **You need** | chapters 02, 03 and 05. No GPU and no network |
# | **It takes** | about 60 minutes to read. The machine needs about a minute on two CPU cores |

# %% [markdown] slideshow={"slide_type": "slide"}
# ## None of these people exists, and nobody has drawn them
#
# ???
# (2 min) The first row was learnt from 2,400 heads, each of the others from a hundred, beginning with the first. Ask:
# what would you want to do with such a network? Collect the wishes: a certain kind, fewer mishaps, one thing changed,
# one head turned into another. Each of them is a section of this chapter.

# %% slideshow={"slide_type": "-"}
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from functools import partial
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minigan import data, hardware, metrics, plot, train, weights
from minigan.backbones import Backbone
from minigan.course import checking, fewshot, gallery, measured, pick
from minigan.course.checking import NotYet
from minigan.data import ImageSet
from minigan.nets import Discriminator, Generator
from minigan.plot import FAKE, REAL
from minigan.train import Batch, TrainConfig, TrainState


def noise(count: int, generator: nn.Module, seed: int = 0) -> Tensor:
    """Latents (count, D) for a generator."""
    return torch.randn(count, generator.latents, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def pictures_of(generator: nn.Module, latents: Tensor, labels: Tensor | None = None) -> Tensor:
    """What a generator draws, 50 at a time, on the CPU; with labels where it is told the class."""
    device = next(generator.parameters()).device
    given = [latents] if labels is None else [latents, labels]
    parts = zip(*(one.split(50) for one in given), strict=True)
    drawn = torch.cat([generator.eval()(*(one.to(device) for one in part)).float().cpu() for part in parts])
    hardware.return_unused_memory()
    return drawn


names = ("peeps", "micah", "adventurer", "pixelart")
artists = {name: weights.shipped(name)[0] for name in names}
alt = (
    "Four rows of ten drawn heads: clear ones with many kinds of hair, some with glasses; rounder ones with collars; "
    "round faces with large eyes; blocky heads of few pixels. No two are the same."
)
gallery.rows({name: pictures_of(artist, noise(10, artist, seed=4)) for name, artist in artists.items()}, alt=alt)

# %% [markdown]
# None of these people exists, and nobody has drawn them. The first row was learnt from 2,400 heads, the others from a
# hundred each, beginning with the first (chapter 05). They are what this course can do on two processor cores. What is
# behind them, and what can be done with them?
#
# ## 1. Ask for a dress
#
# The generator of chapter 02 draws garments, but which one is up to the dice. Fashion-MNIST has labels, ten of them.
# A *conditional* GAN ([Mirza and Osindero 2014](https://arxiv.org/abs/1411.1784)) plays the same game for each class
# $y$:
#
# $$\min_G \max_D \; \mathbb{E}_{(x, y) \sim p_\mathrm{data}} [\log D(x, y)] + \mathbb{E}_{z, y} [\log (1 - D(G(z, y), y))]$$
#
# $G$ is told the class by its batch norms. After a batch norm has brought each channel to mean 0 and variance 1, it
# multiplies by a learnt scale and adds a learnt shift. Give each class its own scales and shifts, and the same filters
# draw ten kinds of pictures ([de Vries et al. 2017](https://arxiv.org/abs/1707.00683)). The rest is the generator of
# chapter 02.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A conditional GAN plays the same game for every class
#
# $$\min_G \max_D \; \mathbb{E}_{(x, y)} [\log D(x, y)] + \mathbb{E}_{z, y} [\log (1 - D(G(z, y), y))]$$
#
# ???
# (2 min) Ask where y stands in this formula: four times. Both networks get it, with the real pictures and with the
# fakes. It looks like a detail, and it is the next prediction. The judge for today is the Fashion classifier of
# chapter 03, with which no generator here has been trained.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Same filters, ten kinds: each class has its scales
#
# $$h \;\mapsto\; \gamma_y\, \frac{h - \mu}{\sigma} + \beta_y$$
#
# ???
# (3 min) After a batch norm each channel has mean 0 and variance 1; then comes a learnt scale and a learnt shift. Give
# each class its own pair. Ask: how many filters are added for ten classes? Many say ten times as many. None: a class
# only says which channels are loud. The rest is the generator of chapter 02.

# %% minigan="apps.generate"
# ConditionalBatchNorm, through, ConditionalGenerator

# %% [markdown]
# $D$ has to answer two questions: is this a real picture, and is it one of class $y$? [Miyato and Koyama
# 2018](https://arxiv.org/abs/1802.05637) show what form the answer takes when it is best. By chapter 01 the best logit
# is the logarithm of a ratio of densities, and a density of pairs splits into two factors,
# $p(x, y) = p(y \mid x)\, p(x)$. So the logit is a sum of two terms:
#
# $$\log \frac{p_\mathrm{data}(x, y)}{p_g(x, y)} = \underbrace{\log \frac{p_\mathrm{data}(x)}{p_g(x)}}_{\psi(\phi(x))}
# + \underbrace{\log \frac{p_\mathrm{data}(y \mid x)}{p_g(y \mid x)}}_{y^\top V \phi(x)}$$
#
# The first is the discriminator that we have. The second is one linear function of the features $\phi(x)$ for each
# class, and the one-hot vector $y$ picks its own. In code that is a last layer with $1 + 10$ outputs in place of 1.
#
# One practical thing: `train.step` shows $D$ one tensor. So a label travels with its picture, as ten planes behind the
# channels, of which one is 1 everywhere.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The best logit is a sum: real at all, and of this class
#
# $$\log \frac{p_\mathrm{data}(x, y)}{p_g(x, y)} = \underbrace{\log \frac{p_\mathrm{data}(x)}{p_g(x)}}_{\psi(\phi(x))}
# + \underbrace{\log \frac{p_\mathrm{data}(y \mid x)}{p_g(y \mid x)}}_{y^\top V \phi(x)}$$
#
# ???
# (3 min) Chapter 01: the best logit is the logarithm of a ratio of densities. A density of pairs splits into two
# factors, so the logit splits into two terms. Ask what that means for the code. Usual answer: a second network. It is
# one last layer with 1 + 10 outputs in place of 1; of these two are added, and the label picks the second.

# %% minigan="apps.generate"
# with_labels, ConditionalDiscriminator

# %% [markdown]
# The training loop of chapter 02 needs no change. A batch brings labels along, and the fakes get the labels of the
# real pictures beside them.

# %% minigan="apps.generate"
# draw, learn

# %% tags=["nbval-check-output"]
fashion, held_out = data.load("fashion"), data.load("fashion", "test")
pair = with_labels(fashion[:2], fashion.labels[:2], 10)
generator, discriminator = ConditionalGenerator(width=8), ConditionalDiscriminator(width=8)
print("a labelled batch", tuple(pair.shape), "its logits", tuple(discriminator(pair).shape))
print("its labels:", [fashion.classes[label] for label in pair[:, 1:, 0, 0].argmax(1)])
print("D has", discriminator.to_logit.out_channels, "logits a picture, of which it adds two")

# %% [markdown]
# ### A label that only G is told
#
# Many first attempts tell $G$ the class and leave $D$ as it is. It seems enough: the information is there.
#
# **Predict.** How many of the pictures of such a generator will be of the class that it was asked for?
#
# The judge is the Fashion classifier of chapter 03. No generator here has been trained with it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Only G is told the class: how many will be right?
#
# ???
# (4 min) Everybody writes down a per cent. Common answers are 50 to 90, "the information is there". First key: the
# printed lines. Second key: the pictures of both. Chance is one in ten, and that is what G alone achieves. Nobody has
# asked it for more: D sees pictures without labels, so a sandal for a dress costs nothing. A network learns what its
# loss can see.

# %% slideshow={"slide_type": "fragment"} tags=["slide-text"]
judge = Backbone("fashion_classifier", ["features", "logits"])
labels_of_test = held_out.labels


def features(images: Tensor) -> Tensor:
    return metrics.embed(images, lambda part: judge(part)["features"], batch=100)


@torch.no_grad()
def classes_of(images: Tensor) -> Tensor:
    """The class of each picture, as the classifier sees it."""
    return torch.cat([judge(part)["logits"].argmax(1) for part in images.split(100)])


SHORT = {"rate": 1e-3, "betas": (0.5, 0.999), "r1": 0.0, "ema_half_life": 2_000}


def begin(discriminator: nn.Module, images: int, seed: int = 0) -> TrainState:
    """A conditional generator of half the shipped one's width against a discriminator, not yet trained."""
    torch.manual_seed(seed)
    return train.start(TrainConfig(images, **SHORT, seed=seed), ConditionalGenerator(width=32), discriminator)


def right(generator: nn.Module, count: int = pick(quick=50, cpu=500, full=2000), seed: int = 5) -> float:
    """The share of pictures that are of the class that was asked for."""
    asked = torch.arange(count) % 10
    return float((classes_of(pictures_of(generator, noise(count, generator, seed), asked)) == asked).float().mean())


def untold(batch: Batch) -> Tensor:
    """Fakes of known classes for a discriminator that does not hear of them."""
    return half_told.generator(
        half_told.noise(len(batch["real"])), torch.randint(10, (len(batch["real"]),)).to(half_told.device)
    )


briefly = pick(quick=64, cpu=8_000, full=40_000)
half_told = begin(Discriminator(28, 1, 32, "batch"), briefly)
train.fit(half_told, fashion, generate=untold, quiet=True)
told = learn(begin(ConditionalDiscriminator(width=32), briefly), fashion, quiet=True)
for name, state in (("only G is told", half_told), ("G and D are told", told)):
    print(f"{name:18} {right(state.average):.0%} of the class asked for, after {state.seen:,} images")

# %% slideshow={"slide_type": "fragment"}
asked = torch.arange(10)
alt = (
    "Two rows of ten small garments, one for each class by name. Where only G was told, the garment has nothing to do with the "
    "name above it; where D was told too, many are what the name says."
)
z = noise(1, told.average, seed=1).expand(10, -1)
rows = {name: pictures_of(state.average, z, asked) for name, state in (("G alone", half_told), ("G and D", told))}
names_above = [name.replace(" ", "\n") for name in fashion.classes]
gallery.rows(rows, titles=names_above, alt=alt, zoom=2)
del half_told
hardware.return_unused_memory()

# %% [markdown]
# Chance is one in ten, and that is what $G$ alone achieves. Nobody has asked it for more. $D$ sees pictures without
# labels, so a sandal for a dress costs nothing. **A network learns what its loss can see.** The label has to reach the
# loss.
#
# ## 2. What did each lever bring?
#
# Now the whole run. The samples take the ten classes in turn, from T-shirt to ankle boot and round again. At five
# places two generators are kept to be judged: the one that is being trained, and the moving average of its weights.
#
# **Predict.** Which of the two is better at first? Which at the end?

# %%
n = pick(quick=160, cpu=2000, full=2000)
real = features(held_out[:n])
asked_for = labels_of_test[:n]


def fid(generator: nn.Module, seed: int = 9) -> metrics.Score:
    """The distance to the held-out garments, of as many pictures of the same classes."""
    images = pictures_of(generator, noise(n, generator, seed), asked_for)
    return metrics.frechet_distance(real, features(images), "fashion_classifier")


del told
images = pick(quick=256, cpu=40_000, full=200_000)
state = begin(ConditionalDiscriminator(width=32), images)
kept: list[tuple[int, nn.Module, nn.Module]] = []


def draw_and_keep(state: TrainState) -> Batch:
    """A batch; and four times on the way, copies of both generators."""
    if state.seen >= images * (len(kept) + 1) // 5:
        kept.append((state.seen, deepcopy(state.average), deepcopy(state.generator)))
    return draw(state, fashion)


learn(state, draw_and_keep, title="a conditional GAN, ten classes in turn")
kept.append((state.seen, state.average, state.generator))

# %%
seen = [images for images, *_ in kept]
scores = {name: [fid(row[place]) for row in kept] for place, name in enumerate(("average", "last weights"), 1)}
for name, score in scores.items():
    print(f"{name:13} at the end: {score[-1]}")
print(f"of the average's pictures {right(state.average):.0%} are of the class asked for")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Last weights or their average: which is better, and when?
#
# ???
# (3 min) Ask for the two curves over the run. Most draw the average far below the last weights, to the end. The
# average remembers worse generators, and forgets the jitter of single steps. The two pull against each other, so the
# lines cross, and where they do is another place in another run. At the end they lie close together. The dotted line
# is what real pictures get, and it is far below: patience is the strong lever here, and a dull one.

# %% slideshow={"slide_type": "fragment"}
floor = metrics.frechet_distance(real, features(fashion[:n]), "fashion_classifier")
alt = "Two lines over the images seen, both falling, and close together at the end: the distance of the moving average and of the last weights; far below, the floor of real pictures."
with plot.figure(alt=alt, size=(5.6, 3.0)) as axis:
    for (name, score), colour in zip(scores.items(), (REAL, FAKE), strict=True):
        axis.plot(seen, [float(one) for one in score], "o-", color=colour, label=name)
    axis.axhline(float(floor), color="0.5", ls=":", label="other real pictures")
    axis.set(xlabel="images seen", title=f"FID[fashion_classifier, n={n}]", ylim=(0, None))
    axis.legend()
print("floor, training against held-out pictures:", floor)

# %% [markdown]
# At the end the two lines lie close together, and they may cross on the way. The average is a memory: early in a run it remembers worse
# generators, later it forgets the jitter of single steps. That is why its half-life must be short against the run, here
# a twentieth of it at most, and why a short run gains little by it. One thing is *not* averaged: the mean and variance
# in the batch norms are copied from the last weights (`train.update_average`), an approximation that works because both
# change slowly.
#
# That was one run. Chapter 03 says what one run is worth: large gaps mean something, small ones nothing. The shipped
# `fashion_classes` is nearly the same recipe: twice as wide, at half the rate, and with more images. Three draws of
# latents each:

# %%
shipped, facts = weights.shipped_app("fashion_classes", ConditionalGenerator)
unconditional = weights.shipped("fashion")[0]


def spread(generator: nn.Module, seeds: Sequence[int] = (0, 1, 2)) -> str:
    """Mean and standard deviation of the distance over draws of latents."""
    values = torch.tensor([float(fid(generator, seed)) for seed in seeds])
    return f"{values.mean():5.2f} ± {values.std():.2f}"


print(f"FID[fashion_classifier, n={n}], three draws of latents")
print(f"{'this run, ' + format(state.seen, ',') + ' images':34} {spread(state.average)}")
print(f"{'shipped, ' + format(facts['images'], ',') + ' images':34} {spread(shipped)}")
print(f"{'training pictures':34} {float(floor):5.2f}")
hardware.return_unused_memory()

# %% [markdown]
# Patience is a strong lever, and a dull one.
#
# ### Augmentation, and pretrained features in D
#
# These two have been measured in chapter 05, with several seeds, on 100 heads of `micah`: plain fine-tuning has both
# the pretrained generator and augmentation. What happens when augmentation is taken away, when $D$ begins anew, when
# $D$ stands on the frozen features of EfficientNet? Each number is a ratio of distances with the same seed: below 1 is
# better than plain fine-tuning.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Only a judge from the kitchen sees the gain
#
# | judge (plain fine-tuning = 1) | from scratch | projected D |
# | --- | --- | --- |
# | random ResNet | 42 | 4.4 |
# | Fashion classifier | 4.8 | 3.9 |
# | EfficientNet | 2.3 | 0.5 |
#
# ???
# (3 min) Measured in chapter 05 with several seeds, on 100 heads: the distance as a multiple of that of plain
# fine-tuning, so below 1 is better. Ask about the first column: all judges agree, a pretrained start is the largest
# gain. Then cover the last row of the second column: a projected discriminator is about four times worse. Uncover.
# EfficientNet is delighted, and it is the network that this D was built on. Which of the three would a paper have
# reported?

# %%
found = measured("fine_tuning")  # by benchmarks/fine_tuning.py
judged = {}
for seen in (4_000, 8_000):
    for way in ("from scratch", "not augmented", "new D", "projected D"):
        said, ratios = fewshot.verdict(found, way, 100, seen)
        if ratios:
            judged[f"{way}, {seen:,} images"] = [*(f"{ratio:.2f}" for ratio in ratios.values()), said]
fewshot.print_table("FID over that of fine-tuned", [*fewshot.JUDGES.values(), ""], judged)

# %% [markdown]
# - **Pretrained networks to begin with** are the largest gain, by every judge: from scratch the distance is several
#   times as large.
# - **Augmentation** helps the short run by every judge. In the longer one the judges no longer agree.
# - **Pretrained features in $D$** please EfficientNet and displease the two others by a wide margin. EfficientNet is the
#   network that this $D$ was built on. A judge who was in the kitchen (chapter 03) sees a gain that nobody else sees. On
#   64-pixel drawings and in minutes, a projected discriminator has not paid. Its fame comes from larger pictures and much
#   longer runs, which these machines cannot check.
#
# ## 3. One vector, ten garments
#
# What does $z$ mean when the class is told apart from it? Each row is one $z$, each column one class.
#
# **Predict.** What will the pictures of a row have in common?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A row is one z, a column one class: what will be alike?
#
# ???
# (3 min) Take guesses: the kind of garment? That is what the class says. The class has been taken out of z, and what
# is left in it is what the classes have in common: how bright, how wide, how patterned. Find the dark row. Point out
# mishaps as well, such as the holes in a bag.

# %% slideshow={"slide_type": "fragment"}
z = noise(5, shipped, seed=11)
alt = (
    "Five rows and ten columns of garments. Each column is one class, from T-shirt to ankle boot. Within a row brightness and width of "
    "the garments are alike: a dark row, a pale one."
)
rows = {f"z {place}": pictures_of(shipped, one.expand(10, -1), asked) for place, one in enumerate(z, 1)}
gallery.rows(rows, titles=names_above, alt=alt, zoom=2)

# %% [markdown]
# The class has been taken out of $z$. What is left there is what the classes share: how bright, how wide, how
# patterned.
#
# Does it draw what it is asked for? A judge with faults of its own is asked about real pictures too.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Where the generated bar is higher, something is missing
#
# ???
# (3 min) The classifier is asked about real pictures too, for it has faults of its own. Ask: at the shirt the
# generated bar is above the real one. Better than reality? Many nod. It means that the rare, doubtful shirts are not
# drawn. And find the shirt's confusions: T-shirt, pullover, coat. People make the same.

# %% slideshow={"slide_type": "-"}
images = pictures_of(shipped, noise(n, shipped, seed=2), asked_for)
answers, known_real = classes_of(images), classes_of(held_out[:n])
alt = "Bars for ten classes, real beside generated: the share that the classifier takes for its class. Shirts are low in both, trousers and boots high."
with plot.figure(alt=alt, size=(7.6, 2.8)) as axis:
    for shift, name, answer, colour in ((-0.2, "real", known_real, REAL), (0.2, "generated", answers, FAKE)):
        shares = [float((answer == asked_for)[asked_for == label].float().mean()) for label in range(10)]
        axis.bar([label + shift for label in range(10)], shares, 0.38, color=colour, label=name)
    axis.set_xticks(range(10), names_above, fontsize=8)
    axis.set(ylim=(0, 1.3), title=f"taken for the class asked for, {n} pictures in all")
    axis.legend(ncols=2, loc="upper right")
for name, answer in (("real", known_real), ("generated", answers)):
    print(f"{name:10} {float((answer == asked_for).float().mean()):.1%} of {n}")
wrong = torch.bincount(asked_for[answers != asked_for] * 10 + answers[answers != asked_for], minlength=100)
for place in wrong.argsort(descending=True)[:3].tolist():
    print(f"most often: {fashion.classes[place // 10]} taken for {fashion.classes[place % 10]}, {wrong[place]} times")

# %% [markdown]
# The mistakes are those that people make too: a T-shirt or a pullover taken for a shirt, a shirt for a coat. Where the generated bar is
# *higher* than the real one, that is no triumph: it means that the rare, doubtful pieces of that class are missing.
#
# Does telling the class improve the pictures themselves? The shipped `fashion` was trained without classes, on all
# garments but bags. Compare on the nine classes that both know. It also has to hit the right mixture by itself.

# %%
nine = asked_for != fashion.classes.index("bag")
count = int(nine.sum())
without_bags = real[nine]
alone = pictures_of(unconditional, noise(count, unconditional, seed=3))
for name, made in (("told the class", images[nine]), ("not told", alone)):
    print(f"{name:15} {metrics.frechet_distance(without_bags, features(made), 'fashion_classifier')}")
shares = torch.bincount(classes_of(alone), minlength=10) / count
print(
    f"not told: from {shares[shares > 0.02].min():.0%} to {shares.max():.0%} of its pictures in one class; 11% would be even"
)

# %% [markdown]
# Mind what the comparison is not: the two runs differ in length and settings too (see their cards in
# `minigan/weights`). What is certain is the mixture. Who is told the class cannot forget one.
#
# ## 4. Where do latents live?
#
# Back to heads. A latent of `peeps` has 128 coordinates, each drawn from the standard normal distribution. The most
# likely value of each is 0.
#
# **Predict.** Where is the bulk of the latents: near the origin, or somewhere else?
#
# The squared length is a sum of 128 squares, each with mean 1. So it is near 128, the length near $\sqrt{128} = 11.3$,
# and the law of large numbers leaves little room around it. **Nearly all latents lie on a thin shell**, and the origin,
# which is the single most likely point, is a place where $G$ has never been asked.
#
# How do we go from one latent to another? The straight way leaves the shell.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Nearly all latents lie on a thin shell
#
# $$\lVert z \rVert^2 = z_1^2 + \dots + z_{128}^2 \approx 128, \qquad \lVert z \rVert \approx \sqrt{128} = 11.3$$
#
# ???
# (3 min) Ask: the likeliest value of each coordinate is 0. So where is the bulk of the latents? Most say near the
# origin. The squared length is a sum of 128 squares, each with mean 1, and the law of large numbers leaves little room
# around 128. The origin is the single likeliest point, and G has never been asked there.

# %% minigan="apps.generate"
# lerp, slerp, walk

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The straight way leaves the shell
#
# ???
# (2 min) Lerp is the straight line, slerp walks along the sphere. The grey band holds 99 of 100 latents. Half way the
# straight line has 0.71 of the length. This figure is in every tutorial, and the sentence that comes with it says that
# pictures half way along a lerp are washed out. Ask who believes it.

# %% slideshow={"slide_type": "-"}
peeps = artists["peeps"]
start, end = noise(200, peeps, seed=5), noise(200, peeps, seed=6)
shares = torch.linspace(0, 1, 21)
ways: dict[str, Callable[[Tensor, Tensor, Any], Tensor]] = {"lerp": lerp, "slerp": slerp}
lengths = {
    name: torch.stack([way(start, end, float(share)).norm(dim=1).mean() for share in shares])
    for name, way in ways.items()
}
shell = noise(2000, peeps, seed=7).norm(dim=1)
alt = "Length of the latent along the way: slerp stays level at 11.3 in the narrow band of all latents, lerp sags to 8 in the middle, far outside it."
with plot.figure(alt=alt, size=(5.6, 2.8)) as axis:
    axis.axhspan(*torch.quantile(shell, torch.tensor([0.005, 0.995])).tolist(), color="0.9", label="99% of all latents")
    for (name, length), colour in zip(lengths.items(), (FAKE, REAL), strict=True):
        axis.plot(shares, length, color=colour, label=name)
    axis.set(xlabel="share of the way", title="length of the latent", ylim=(0, 14))
    axis.legend(loc="lower right")
middle = float(lengths["lerp"][10] / lengths["slerp"][10])
print(f"half way, lerp has {middle:.3f} of the length; 1 / sqrt(2) is {1 / math.sqrt(2):.3f}")

# %% [markdown]
# That figure is in every tutorial. The sentence that comes with it is that pictures half way along a lerp are washed
# out ([White 2016](https://arxiv.org/abs/1609.04468) recommends slerp). **Predict**, then look whether you can see it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Are pictures half way along a lerp washed out?
#
# ???
# (3 min) Every tutorial says so. Let them look at the middle of each pair of rows. Every step is a head, which is a good
# sign: a generator that knew its pictures by heart would have to jump. And the lerp is not washed out: this
# generator bears 0.71 of the length. How much less does it bear?

# %% slideshow={"slide_type": "fragment"}
steps = 10
rows = {}
for place, (one, other) in enumerate(((0, 3), (8, 14)), 1):
    for name, way in ways.items():
        rows[f"{name} {place}"] = pictures_of(peeps, walk(torch.stack([start[one], end[other]]), steps - 1, way))
alt = (
    "Two walks from one head to another, each by lerp and by slerp, ten heads a row. Both change hair, skin and glasses step by step "
    "and show a proper head at each; the two rows of a pair differ little."
)
gallery.rows(rows, alt=alt)

# %% [markdown]
# Every step is a head. That is a good sign: a generator that had learnt its pictures by heart would have to jump. And
# lerp is *not* washed out. Half way it has 0.71 of the usual length, and this generator bears that. How much less does
# it bear?
#
# Take the mean of $k$ latents. It is a normal vector too, but $\sqrt k$ times shorter. For two latents it is the middle
# of the lerp; for sixteen it has a quarter of the usual length. Who wants "the average of these sixteen heads" is
# tempted to compute just that.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The mean of sixteen latents is no head, until it is put back
#
# $$\text{the mean of } k \text{ latents is } \sqrt{k} \text{ times too short}$$
#
# ???
# (3 min) Ask: somebody wants the average of these sixteen heads and computes the mean of their latents. What comes
# out? Usual answer: an average face, blurred. What comes are stripes and dots: here is the hole in the middle of the
# shell. The lower row is the same means, pulled back to length 11.3, and all are heads. Use slerp for two, and put
# back what you average.

# %% slideshow={"slide_type": "-"}
crowd = noise(16, peeps, seed=25)
means = torch.stack([crowd[:count].mean(0) for count in (1, 2, 4, 8, 16)])
back = F.normalize(means, dim=1) * math.sqrt(peeps.latents)
alt = (
    "Means of 1, 2, 4, 8 and 16 latents. Above, as they are: the head of 4 is ragged, those of 8 and 16 dissolve into stripes and dots. "
    "Below, pulled back to the shell, all are proper heads."
)
gallery.rows(
    {"mean": pictures_of(peeps, means), "back on the shell": pictures_of(peeps, back)},
    titles=[f"of {count}" for count in (1, 2, 4, 8, 16)],
    alt=alt,
    zoom=2,
)

# %% [markdown]
# Here is the hole in the middle of the shell. The origin is the likeliest single latent, and $G$ has nothing to draw
# there, because it was never asked. Pulled back to length $\sqrt{128}$, each mean is a head again. **Stay on the
# shell**: use slerp for two, and put back what you average.
#
# ## 5. Truncation: fewer mishaps, fewer surprises
#
# Samples far from the average are the risky ones: rare hair, mishaps. So draw everything a little towards the average.
# It is called truncation, and many sample grids in papers have it. [Brock et al.
# 2019](https://arxiv.org/abs/1809.11096) draw latents without large coordinates. [Karras et al.
# 2019](https://arxiv.org/abs/1812.04948) (appendix B) move a layer *inside* the generator towards its mean:
#
# $$w' = \bar w + \psi\, (w - \bar w), \qquad 0 \le \psi \le 1$$
#
# In our generator let $w$ be the first map, 4 x 4 places, and $\bar w$ its mean over a thousand latents.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Truncation moves pictures towards the average
#
# $$w' = \bar w + \psi\, (w - \bar w), \qquad 0 \le \psi \le 1$$
#
# $w$ may be the latent itself, or the first map inside of $G$.
#
# ???
# (2 min) Samples far from the average are the risky ones: rare hair, mishaps. Many sample grids in papers are
# truncated without a word. Ask for a prediction at 0.4, for both places. After the last slide they have a chance to be
# right about the latent: short latents fall into the hole.

# %% minigan="apps.generate"
# Truncated

# %% [markdown]
# **Predict.** What will each do at $\psi = 0.4$: shortening the latents, $\psi z$, and shortening the way to the mean
# inside?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Short latents break, the mean inside is a head
#
# Upper half: shortened latents.
#
# Lower half: truncated inside.
#
# ???
# (3 min) The upper four rows are shortened latents, the lower four are truncated inside. Look at 0 and 0.4 in both.
# Ask why one idea fails in one place. Behind the first layer stands a batch norm that divides by the spread the
# features had in training; short latents give features too small for it, all the way up. The mean inside is an average
# of maps that later layers have seen: a head that nobody would look at twice.

# %% slideshow={"slide_type": "-"}
psis = (0.0, 0.4, 0.7, 1.0)
z = noise(9, peeps, seed=21)
rows = {f"z times {psi:g}": pictures_of(peeps, psi * z) for psi in psis}
rows |= {f"inside, psi {psi:g}": pictures_of(Truncated(peeps, psi), z) for psi in psis}
alt = (
    "Rows of nine heads from the same latents. Shortened latents: at 0 grey dots, at 0.4 torn heads, at 0.7 and 1 proper ones. "
    "Truncated inside: at 0 nine times the same clean average head, at 0.4 plain heads, at 0.7 and 1 more and more varied ones."
)
gallery.rows(rows, alt=alt)

# %% [markdown]
# The same idea in two places, and one of them fails. Shortened latents fall into the hole of section 4. It is worth
# knowing *why* this generator breaks where others only become plain. Behind its first layer stands a batch norm, which
# divides by the spread that features had in training. Short latents give features that are too small for it, all the
# way up. (Brock et al. report too that some of their networks bear truncation and others do not.)
#
# The mean of $w$ is no hole. It is an average of maps that later layers have seen, and the picture of it is a head that
# nobody would look at twice.
#
# Now in numbers. Precision is the share of pictures that look real, recall the share of real pictures that are covered
# (chapter 03). **Predict** both curves over $\psi$.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Inside, precision costs recall; outside, both fall
#
# ???
# (3 min) Ask before: draw precision and recall over psi. Blue: from right to left precision rises and recall falls.
# One generator has a whole curve, and who shows samples without saying psi has chosen a point on it. Orange: both
# fall. The black diamond is the middle of a lerp, where theory puts it. One seed, a few hundred heads: read the
# course, not the second digit.

# %% slideshow={"slide_type": "-"}
many = pick(quick=24, cpu=400, full=1000)
eyes = Backbone("efficientnet_lite0", ["pool"], size=64)
heads = data.load("peeps")
shuffled = torch.randperm(len(heads), generator=torch.Generator().manual_seed(0))
real_heads = metrics.embed(heads[shuffled[:many]], eyes)


def quality(generator: nn.Module, latents: Tensor) -> tuple[float, float]:
    """Precision and recall of the pictures of these latents."""
    fake = metrics.embed(pictures_of(generator, latents), eyes)
    precision, recall = metrics.precision_recall(real_heads, fake, "efficientnet_lite0")
    return float(precision), float(recall)


z = noise(many, peeps, seed=31)
psis = pick(quick=(0.5, 1.0), cpu=(0.4, 0.55, 0.7, 0.85, 1.0, 1.3), full=(0.4, 0.55, 0.7, 0.85, 1.0, 1.15, 1.3))
curve = {
    "z times psi": [quality(peeps, psi * z) for psi in psis],
    "inside": [quality(Truncated(peeps, psi), z) for psi in psis],
}
half_way = quality(peeps, lerp(z, noise(many, peeps, seed=32), 0.5))
alt = (
    "Precision and recall over psi. Truncated inside, precision falls and recall rises with psi. With shortened latents precision is "
    "near 0 at psi 0.4 and rises until 0.85; below that nothing is gained."
)
with plot.figure(2, alt=alt, size=(3.9, 3.0)) as axes:
    for column, (axis, title) in enumerate(zip(axes, ("precision", "recall"), strict=True)):
        for (name, row), colour in zip(curve.items(), (FAKE, REAL), strict=True):
            axis.plot(psis, [one[column] for one in row], "o-", color=colour, label=name)
        axis.plot(math.sqrt(0.5), half_way[column], "D", color="black", label="half way by lerp")
        axis.set(title=f"{title}[efficientnet_lite0, n={many}]", xlabel="psi", ylim=(0, 1))
    axes[0].legend(fontsize=9)
others = metrics.embed(heads[shuffled[-many:]], eyes)
limit = [float(score) for score in metrics.precision_recall(real_heads, others, "efficientnet_lite0")]
print(f"other real heads: precision {limit[0]:.2f}, recall {limit[1]:.2f}")
print(
    f"psi 1:            precision {curve['inside'][psis.index(1.0)][0]:.2f}, recall {curve['inside'][psis.index(1.0)][1]:.2f}"
)
print(f"half way by lerp: precision {half_way[0]:.2f}, recall {half_way[1]:.2f}")
hardware.return_unused_memory()

# %% [markdown]
# - **Truncated inside**, the generator moves along a trade: what it gains in precision it pays in recall. One
#   generator has a whole curve. Who shows samples without saying $\psi$ has chosen a point on it.
# - **With shortened latents there is no trade.** Both fall.
# - The middle of a lerp (black) lies on the curve of shortened latents, where theory puts it, at
#   $\sqrt{1/2}$. It has about the precision of fresh samples and less recall: walks by lerp pass through plainer heads.
#
# One seed of latents, one judge, a few hundred heads: read the course of the curves, not their second digit.
#
# ## 6. Longer hair, please
#
# Walks go from one picture to another. Now we want to change one thing and keep the rest. Nobody has told the network
# what hair is. But we can *measure* hair on the pictures that it draws: all heads of `peeps` sit at the same place, so
# a few rectangles will do.


# %% [markdown] slideshow={"slide_type": "slide"}
# ## To find the direction of hair, a ruler is enough
#
# $$\mathbb{E}[z\, (a(z) - \mathbb{E} a)] = \mathbb{E}[\nabla a(z)]$$
#
# $a(z)$: how much hair the picture $G(z)$ has
#
# ???
# (3 min) Nobody has told the network what hair is. But it can be measured on what it draws: the heads sit at the same
# place, so a dark rectangle behind the neck will do. The left side needs pictures and that ruler. The right side is
# the direction in which hair grows fastest, averaged over all heads. It is Stein's lemma. Ask what else could be the
# ruler: even a person's opinion.


# %%
def darkness(images: Tensor, rows: tuple[int, int], columns: tuple[int, int]) -> Tensor:
    """How dark a rectangle is, from 0 to 1: (N,)."""
    return (1 - images[:, :, rows[0] : rows[1], columns[0] : columns[1]].mean((1, 2, 3))) / 2


MEASURES: dict[str, Callable[[Tensor], Tensor]] = {
    "long hair": lambda images: darkness(images, (42, 52), (13, 19)),  # behind the neck
    "fringe": lambda images: darkness(images, (17, 24), (30, 46)),  # on the forehead
    "dark skin": lambda images: darkness(images, (48, 53), (29, 40)),  # at the throat
    "dark eyes": lambda images: darkness(images, (31, 36), (33, 49)),  # sunglasses
    "red shirt": lambda images: (images[:, 0] - images[:, 2])[:, 58:63, 12:50].mean((1, 2)),  # red less blue
}
sample = noise(pick(quick=200, cpu=900, full=4000), peeps, seed=41)
drawn = pictures_of(peeps, sample)
values = {name: measure(drawn) for name, measure in MEASURES.items()}
alt = "Five rows of nine heads, those with most of each measure: long hair, a fringe over the forehead, dark skin, dark glasses, red and yellow shirts."
gallery.rows({name: drawn[value.argsort(descending=True)[:9]] for name, value in values.items()}, alt=alt)

# %% [markdown]
# The measures measure what their names say. The simplest direction would be the mean latent of the half with long hair
# less that of the other half ([Radford et al. 2016](https://arxiv.org/abs/1511.06434) did so with faces). It throws
# away *how* long. The covariance keeps it, and there is a lovely reason to take it. For standard normal $z$ and any
# smooth $a$ ([Stein 1981](https://doi.org/10.1214/aos/1176345632)):
#
# $$\mathbb{E}[z\, (a(z) - \mathbb{E} a)] = \mathbb{E}[\nabla a(z)]$$
#
# Here $a(z)$ is the hair of $G(z)$. The left side needs pictures and a ruler. The right side is the direction in which
# hair grows fastest, averaged over all heads. No gradient has to be computed, and the measure may be anything, even a
# person's opinion.

# %% minigan="apps.generate"
# direction, along

# %% [markdown]
# The directions come from two thirds of the latents, and are tested on the last third. **Predict** how well a single
# straight direction can tell hair.

# %%
taught = len(sample) * 2 // 3
directions = {name: direction(sample[:taught], value[:taught]) for name, value in values.items()}
for name, towards in directions.items():
    together = torch.stack([sample[taught:] @ towards, values[name][taught:]])
    print(
        f"{name:10} correlation of the place along the direction with the measure, on new latents: {torch.corrcoef(together)[0, 1]:.2f}"
    )

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Longer hair, please: what else will change?
#
# ???
# (4 min) Five directions, two heads, five steps each. Ask for each row: what was asked for, and what came along? The
# usual impression is that it works well. Then send them to the row of the dark eyes: it has no sunglasses, the whole
# face is darker. A fringe brings long hair along. A straight line does what nobody has programmed, and more than was
# asked.

# %% slideshow={"slide_type": "fragment"}
STEPS = (-4, -2, 0, 2, 4)
some = noise(2, peeps, seed=52)
rows = {name: pictures_of(peeps, along(some, towards, STEPS).flatten(0, 1)) for name, towards in directions.items()}
alt = (
    "Two heads, each changed in five steps along five directions. Hair grows behind the neck and over the forehead; faces darken in the "
    "row of the skin and in that of the eyes as well; a shirt turns from blue or green to yellow."
)
titles = [f"{step:+d}" if step else "0" for step in STEPS] * 2
gallery.rows(rows, titles=titles, alt=alt)

# %% [markdown]
# A straight line in the space of latents does what nobody has programmed. (Four standard deviations along one
# direction make the latent longer, from 11.3 to 12: it stays near the shell.)
#
# But look again: what *else* changes in each row? Measure all five attributes along all five directions, on new
# heads. A unit is the attribute's own spread among heads.


# %%
def changes(
    directions: Mapping[str, Tensor], steps: Sequence[float] = (-2, 0, 2)
) -> tuple[Tensor, dict[str, list[float]]]:
    """By how many spreads each attribute changes from the first step to the last (directions, attributes); and the curves."""
    fresh = noise(pick(quick=12, cpu=60, full=300), peeps, seed=61)
    table, curves = [], {}
    for name, towards in directions.items():
        moved = pictures_of(peeps, along(fresh, towards, steps).flatten(0, 1))
        means = {
            other: measure(moved).unflatten(0, (len(fresh), -1)).mean(0) / values[other].std()
            for other, measure in MEASURES.items()
        }
        table.append([float(mean[-1] - mean[0]) for mean in means.values()])
        curves[name] = (means[name] - means[name][0]).tolist()
    return torch.tensor(table), curves


def show_changes(tables: Mapping[str, Tensor], alt: str) -> None:
    with plot.figure(len(tables), alt=alt, size=(4.2, 3.3)) as axes:
        for axis, (title, table) in zip(axes if len(tables) > 1 else [axes], tables.items(), strict=True):
            axis.imshow(table, cmap="RdBu_r", vmin=-2.5, vmax=2.5)
            for i, j in torch.cartesian_prod(torch.arange(5), torch.arange(5)).tolist():
                ink = "white" if table[i, j].abs() > 1.6 else "black"
                axis.text(j, i, f"{table[i, j]:.1f}", ha="center", va="center", fontsize=8.5, color=ink)
            axis.set_xticks(range(5), list(MEASURES), rotation=35, ha="right")
            axis.set_yticks(range(5), list(MEASURES))
            axis.set_title(title)


before, curves = changes(directions, (-3, -1.5, 0, 1.5, 3))
rising = {name: all(low < high for low, high in pairwise(curve)) for name, curve in curves.items()}
print(
    "the mean rises at each of four steps:",
    ", ".join(f"{name} {'yes' if up else 'no'}" for name, up in rising.items()),
)

# %% [markdown]
# **Predict** which pairs are entangled. A hint: sunglasses are dark, and where is the skin that the measure of the eyes
# sees between them?
#
# The remedy of [Shen et al. 2020](https://arxiv.org/abs/1907.10786) is linear algebra: take out of a direction what
# points along the others (`without`).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Take the other directions out, and little else moves
#
# $$d' = d - \text{what of it points along the others}$$
#
# ???
# (4 min) Each row is a direction, each column an attribute, in units of its own spread. Ask on the left: which pairs
# are entangled? Dark skin with dark eyes, long hair with fringe. The remedy is linear algebra. On the right the
# diagonal is left, weaker than before: about a quarter of the wanted change is the price. Only what is measured has
# been held. Curls and mouths may do as they like.

# %% slideshow={"slide_type": "-"}
apart = {
    name: direction(sample[:taught], values[name][:taught], [other for key, other in directions.items() if key != name])
    for name in directions
}
after, _ = changes(apart, (-3, -1.5, 0, 1.5, 3))
alt = (
    "Two tables of five directions by five attributes. On the left the diagonal is strong, and dark skin with dark eyes as well as long "
    "hair with fringe change together; on the right the fields beside the diagonal are nearly white."
)
show_changes({"as found": before, "without the others": after}, alt)
beside = ~torch.eye(5, dtype=torch.bool)
for name, table in (("as found", before), ("without the others", after)):
    print(
        f"{name:19} wanted {table.diagonal().mean():.2f}, unwanted {table[beside].abs().mean():.2f} spreads on average"
    )

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Left alone, the direction of dark eyes puts sunglasses on
#
# ???
# (3 min) Compare the first two rows. Of all that makes a rectangle over the eyes dark, skin is the commonest; with
# that taken out, glasses are left. Ask: is every coupling a fault of the network? No: some things go together because
# they do so in the training pictures. Chapter 12 asks what that means when the pictures are of people.

# %% slideshow={"slide_type": "-"}
pairs = {
    "dark eyes": directions["dark eyes"],
    "dark eyes alone": apart["dark eyes"],
    "fringe": directions["fringe"],
    "fringe alone": apart["fringe"],
}
rows = {name: pictures_of(peeps, along(some, towards, STEPS).flatten(0, 1)) for name, towards in pairs.items()}
alt = "Two heads changed along the direction of dark eyes and of the fringe, as found and alone. As found the whole face darkens; alone, sunglasses and a fringe appear while the skin stays."
gallery.rows(rows, titles=titles, alt=alt)

# %% [markdown]
# Most of the unwanted change goes, and the price is about a quarter of the wanted one. Look at the eyes. As found, their
# direction darkens the whole face and draws no glasses: of all that makes a rectangle over the eyes dark, skin is the
# commonest. Alone, it puts sunglasses on.
#
# Two warnings. Only what is measured has been held: curls, mouths and whatever else the five rulers do not see may change
# freely. And some things go together because they do so in the *training pictures*. Chapter 12 asks what that means when
# the pictures are of people.
#
# ## 7. Are they copies?
#
# The last question is the one to ask of every generator. For each class, how near are the generated garments to the
# training pictures, compared with new real ones (chapter 03)? A half is the honest answer. And does truncation, which
# goes for the ordinary, make copies?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## As alike as two plain pairs of trousers are
#
# ???
# (3 min) The ten nearest pairs, the closest calls of all. Ask: copies? Most say yes at the trousers. Pixels favour
# what is plain and smooth, so the nearest pairs are the dullest ones. Against new real pictures the share should be
# near a half: it is below. For truncated samples it is above, and that is no theft either: an average garment is near
# to many. Ask this of every generator.

# %% slideshow={"slide_type": "-"} tags=["slide-title-1"]
some_n = pick(quick=60, cpu=600, full=2000)
z, labels = noise(some_n, shipped, seed=71), held_out.labels[:some_n]
training = fashion[: pick(quick=500, cpu=10_000, full=10_000)]
made = {f"psi {psi:g}": pictures_of(Truncated(shipped, psi), z, labels) for psi in (1.0, 0.5)}
for name, pictures in made.items():
    share = metrics.share_nearer(pictures, training, held_out[:some_n])
    print(f"{name:8} nearer to the training pictures than a typical new one: {share:.2f}")
distance, where = metrics.nearest(made["psi 1"], training)
closest = distance.argsort()[:10]
alt = "The ten generated garments that lie nearest to a training picture, and below each that picture: plain trousers, tops and boots, alike but not equal."
gallery.rows({"generated": made["psi 1"][closest], "nearest": training[where[closest]]}, alt=alt, zoom=2)

# %% [markdown]
# Pixels favour what is plain and smooth, so a share above a half is no proof of theft, least of all for truncated ones:
# an average garment is near to many. Look at the pairs. They are as alike as two plain pairs of trousers are.
#
# ## 8. Use it
#
# What this chapter did is in one command:
#
#     minigan generate peeps -o heads.png --truncation 0.7
#     minigan generate fashion_classes -o garments.png --classes "dress, ankle boot"
#     minigan generate peeps -o walk.gif --interpolate 5 --columns 16
#     minigan generate peeps -o lighter.png --vary brightness
#
# It draws with every generator of `minigan train`, so with those of your own pictures too.
#
# ## Summary
#
# - A class-conditional GAN is a small change: class-wise scales and shifts in $G$, a last layer with one more logit for
#   each class in $D$. Tell both, or the label is ignored.
# - What helped here: a pretrained start, patience, augmentation where there is little data. Averaging gained little in a short
#   run. A projected $D$ pleased only the judge that it was built on.
# - Latents live on a shell, and there is a hole in its middle. Two heads may be mixed by lerp; slerp keeps to the shell; a mean of
#   many has to be put back on it.
# - Truncation trades recall for precision, if it is done inside the generator. Shortened latents lost both here. Say $\psi$
#   beside every sample.
# - The covariance of latents with any measured attribute is the direction of that attribute. Measure what else moves.
#
# ## Try it
#
# **1. A walk at constant speed** (10 minutes). A generator with latents on the *unit circle* ($D = 2$) is walked from
# angle 0 to 90 degrees by lerp, and each point is then pulled back to length 1. Write the angle that the walk has
# reached at share $t$, in degrees. Is that slerp?


# %%
def angle_of_lerp(share: float) -> float:
    """The angle, in degrees, of the point at this share of the straight way from (1, 0) to (0, 1)."""
    raise NotImplementedError


hints = [
    "The point is (1 - t, t). What is the tangent of its angle?",
    "math.atan2(y, x) gives radians; math.degrees helps.",
]
mistakes = {
    "That is slerp, which turns evenly.": 22.5,
    "Radians: the answer is wanted in degrees.": math.atan2(0.25, 0.75),
}
with suppress(NotYet), checking("A walk at constant speed", hints) as c:
    c.close(angle_of_lerp(0.5), 45.0, "half way")
    c.close(angle_of_lerp(0.25), math.degrees(math.atan2(1, 3)), "a quarter of the way", mistakes=mistakes)
    c.close(angle_of_lerp(0.0), 0.0, "the start")
    c.close(angle_of_lerp(1.0), 90.0, "the end")

# %% [markdown]
# So even back on the sphere, lerp hurries through the middle. By how much at most?
#
# **2. Your own attribute** (20 minutes). Measure something else on the heads: white teeth (rows 41 to 46, columns 38 to
# 46), tall hair (rows 4 to 10, columns 26 to 46), something that you find. Which measures give a direction with a
# correlation above 0.6, and which do not? Why?
#
# **3. Which direction is a class?** (30 minutes). The unconditional `fashion` was never told a label. Let the
# classifier measure "probability of being a boot" on its samples, take the direction, and walk. Does a T-shirt become a
# boot? Compare with switching the label of `fashion_classes`.
#
# **4. The best point on the curve** (an hour). Section 5 judged with EfficientNet. Judge with the random ResNet-18 of
# chapter 05. Is the trade the same? At which $\psi$ is FID lowest, and do the judges agree on it? Then try Brock's way:
# draw each coordinate again until it is below a threshold. In 128 dimensions, what is the difference from $\psi z$?
#
# More tasks, each with its check, stand in [the exercises to this chapter](../exercises/11_generation/11_generation.ipynb).
#
# ## References
#
# - M. Mirza, S. Osindero, [Conditional Generative Adversarial Nets](https://arxiv.org/abs/1411.1784), 2014.
# - H. de Vries et al., [Modulating early visual processing by language](https://arxiv.org/abs/1707.00683), 2017.
# - T. Miyato, M. Koyama, [cGANs with Projection Discriminator](https://arxiv.org/abs/1802.05637), 2018.
# - A. Sauer et al., [Projected GANs Converge Faster](https://arxiv.org/abs/2111.01007), 2021.
# - T. White, [Sampling Generative Networks](https://arxiv.org/abs/1609.04468), 2016.
# - K. Shoemake, [Animating rotation with quaternion curves](https://doi.org/10.1145/325165.325242), 1985.
# - A. Brock, J. Donahue, K. Simonyan,
#   [Large Scale GAN Training for High Fidelity Natural Image Synthesis](https://arxiv.org/abs/1809.11096), 2019.
# - T. Karras, S. Laine, T. Aila,
#   [A Style-Based Generator Architecture for Generative Adversarial Networks](https://arxiv.org/abs/1812.04948), 2019.
# - A. Radford, L. Metz, S. Chintala, [Unsupervised Representation Learning with Deep Convolutional Generative Adversarial
#   Networks](https://arxiv.org/abs/1511.06434), 2016.
# - C. Stein, [Estimation of the Mean of a Multivariate Normal Distribution](https://doi.org/10.1214/aos/1176345632), 1981.
# - Y. Shen et al., [Interpreting the Latent Space of GANs for Semantic Face
#   Editing](https://arxiv.org/abs/1907.10786), 2020.
#
# **Next:** [12 Outlook](12_outlook.ipynb). What is still hard?
