# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 03 Evaluation
#
# **How good are the pictures, and how sure are we?**
#
# Chapter 02 ended with generators that draw garments and heads. Are they good? Better than last week's? This chapter
# builds the numbers with which the field answers, and then does to each of them what one does to a new thermometer: it
# puts them into ice and into boiling water, reads them twice, and compares them with two others.
#
# | | |
# | --- | --- |
# | **You will learn** | what the inception score, the Fréchet distance, the kernel distance, precision and recall measure; where each is blind; why a score means nothing without its network and its number of pictures; to put an error bar on it; to tell a gain from luck and from flattery; to look for copies |
# | **You need** | chapters 00 to 02; mean, covariance, eigenvalues. No GPU and no network |
# | **It takes** | about 80 minutes to read. The machine needs about three minutes on two CPU cores |

# %%
import math
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minigan import data, hardware, plot
from minigan.backbones import Backbone
from minigan.course import checking, pick
from minigan.course.checking import NotYet
from minigan.data import ImageSet, check_images
from minigan.nets import Discriminator, Generator
from minigan.plot import FAKE, GOLD, GREEN, PINK, REAL
from minigan.train import TrainConfig, TrainState, draw, start, step
from minigan.weights import shipped

# %% [markdown]
# ## 1. First, look
#
# **Predict.** Both sheets show garments of 28 x 28 pixels. One sheet is real. Which one?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two of these four rows were never photographed
#
# Which two?
#
# ???
# (4 min) Let everybody vote by raising a hand: the upper two rows, or the lower two. Expect a divided room. The upper
# two are drawn; look for a smeared sleeve or a shoe with a hole. Looking is the first evaluation and nothing replaces
# it, but it can't see what is not there: something is missing from the generated garments, and no single picture shows
# it. Everybody writes down a guess what it is. The paper is opened again later.

# %% slideshow={"slide_type": "-"}
fashion, held_out = data.load("fashion"), data.load("fashion", "test")
generator, facts = shipped("fashion")


def pictures_of(generator: nn.Module, count: int, seed: int = 0) -> Tensor:
    """Images that a generator makes of `count` random latents."""
    latents = torch.randn(count, generator.latents, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        return torch.cat([generator.eval()(part) for part in latents.split(50)])


two_sheets = torch.cat([pictures_of(generator, 12, seed=1), pictures_of(generator, 12, seed=2), held_out[:24]])
alt = "Four rows of twelve small grey garments: shirts, trousers, shoes, dresses. It is hard to say which are photographs."
plot.grid(two_sheets, alt=alt, columns=12, zoom=2)

# %% [markdown]
# <details><summary>The answer</summary>
#
# The upper two rows are drawn by a generator, the lower two are real. Some of the drawn ones give themselves away by a
# smeared sleeve or a shoe with a hole.
#
# </details>
#
# Looking is the first evaluation, and nothing below replaces it. But it has limits. It is slow, it tires, it takes the
# best sample for the typical one. And it can't see what is *not there*: **something is missing from the generated
# garments, and no single picture shows it.** You could stare at a thousand of them. Which of the numbers of this
# chapter will find it?
#
# Write down a guess, and go on. The answer comes in section 8.
#
# ## 2. The inception score: let a classifier look
#
# The first number that the field agreed on ([Salimans et al. 2016](https://arxiv.org/abs/1606.03498), section 4) asks
# a classifier. It gives each picture $x$ a distribution $p(y | x)$ over classes $y$. Two things are wanted:
#
# - each picture is clearly something: $p(y | x)$ is sharp;
# - all together are many things: their mean $p(y) = \mathbb{E}_x\, p(y | x)$ is broad.
#
# Both at once say that $p(y | x)$ differs much from $p(y)$. The Kullback-Leibler divergence measures how much:
#
# $$\mathrm{IS} = \exp\, \mathbb{E}_{x} \, \mathrm{KL}\big(p(y | x) \,\|\, p(y)\big)$$
#
# With ten classes it lies between 1 and 10. The original uses the thousand classes of ImageNet and a network named
# Inception, hence the name. Garments need a classifier of garments. One comes with this course, trained on the ten
# classes of the training set.


# %% [markdown] slideshow={"slide_type": "slide"}
# ## The inception score asks a classifier
#
# $$\mathrm{IS} = \exp\, \mathbb{E}_{x} \, \mathrm{KL}\big(p(y | x) \,\|\, p(y)\big)$$
#
# Each picture clearly something, all together many things: from 1 to the number of classes.
#
# ???
# (4 min) Read the formula aloud as two wishes: each p(y|x) sharp, their mean broad. Then ask the room to order five
# sets by their score: held-out garments, generated ones, nothing but sneakers, noise, and ten held-out pictures
# repeated over and over, for each class the one of which the classifier is surest. The usual answer puts the held-out
# garments first, because they are real.


# %%
def inception_score(logits: Tensor) -> float:
    """exp of the mean KL(p(y|x) || p(y)): logits (N, classes) -> a number from 1 to the number of classes."""
    each = logits.double().softmax(1)
    overall = each.mean(0)
    return float((each * (each.log() - overall.log())).sum(1).mean().exp())


n = pick(quick=60, cpu=2000, full=2000)  # images on each side, wherever nothing else is said
classes = Backbone("fashion_classifier", ["logits"])


def logits_of(images: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.cat([classes(part)["logits"] for part in images.split(50)])


fakes = pictures_of(generator, n)
answers = logits_of(held_out[:n])
surest = answers.softmax(1).argmax(0)  # of each class the picture that looks most like it

# %% [markdown]
# **Predict.** Order these five sets by their inception score: the held-out garments, the generated ones, *ten* held-out
# pictures (one for each class, the one of which the classifier is surest) repeated over and over, nothing but sneakers,
# and noise.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Ten pictures, repeated, beat reality
#
# The score has never seen a real picture. It asks what the classifier likes.
#
# ???
# (3 min) Compare with the order on the board. Ask: which line of the formula would notice that there are only ten
# pictures? None. Variety inside a class counts for nothing, likeness to the data counts for nothing, and a missing
# class costs at most a tenth. What we need compares two sets.

# %% slideshow={"slide_type": "-"}
sneakers = held_out.only("sneaker")[:n]
noise = torch.rand((min(n, 500), 1, 28, 28), generator=torch.Generator().manual_seed(0)) * 2 - 1
inception = {
    "noise": inception_score(logits_of(noise)),
    "only sneakers": inception_score(logits_of(sneakers)),
    "generated": inception_score(logits_of(fakes)),
    "held out": inception_score(answers),
    "ten pictures, repeated": inception_score(answers[surest]),
}
alt = "Bars of five inception scores. Ten repeated pictures score highest, above the real held-out garments and the generated ones; sneakers alone and noise score lowest."
with plot.figure(alt=alt, size=(6.2, 2.4)) as axis:
    axis.barh(list(inception), list(inception.values()), color=["0.7", "0.7", FAKE, REAL, GOLD])
    for place, value in enumerate(inception.values()):
        axis.text(value + 0.1, place, f"{value:.2f}", va="center")
    axis.set(xlim=(0, 10.8), xlabel="inception score, by the Fashion classifier (1 to 10)")

# %% [markdown]
# Ten pictures beat reality. The score has never seen a real picture: it asks what the *classifier* likes, and real
# garments are less typical than the most typical ones. Its blind spots follow from its formula:
#
# - **Variety inside a class counts for nothing.** One picture for each class is enough.
# - **Likeness to the data counts for nothing.** Whatever pleases the classifier is right.
# - **A class that is missing** costs at most a tenth of the value here, and nobody would notice.
# - **The classes must fit.** Garments judged by ImageNet's thousand classes get a number too, and it means nothing
#   ([Barratt and Sharma 2018](https://arxiv.org/abs/1801.01973)).
#
# What is needed compares two *sets*: the real pictures and the generated ones.
#
# ## 3. The Fréchet distance by hand
#
# Start where everything can be drawn: points in the plane, real ones in blue, fake ones in orange. Describe each cloud
# by its mean $m$ and its covariance $S$, as if it were Gaussian. The distance between two Gaussians that
# [Heusel et al. 2017](https://arxiv.org/abs/1706.08500) brought to generators is the one of Fréchet:
#
# $$d^2 = \| m_r - m_f \|^2 + \mathrm{tr}\big( S_r + S_f - 2\,(S_r S_f)^{1/2} \big)$$
#
# ($r$ for real, $f$ for fake, $\mathrm{tr}$ for the trace, the sum of the diagonal.) In one dimension $S = \sigma^2$,
# and the second term is $\sigma_r^2 + \sigma_f^2 - 2 \sigma_r \sigma_f$, so that
#
# $$d^2 = (m_r - m_f)^2 + (\sigma_r - \sigma_f)^2 .$$
#
# It has a meaning that needs no formula: move the one cloud onto the other along the shortest way, and average the
# *squared* length of the moves. So $d^2$ is a squared distance. The field calls it "the Fréchet distance" all the same,
# or FID when the points are a network's features.
#
# **Predict** for each of the five fakes below: is the first term 0? Is the second? Is there one that fools both?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Compare two sets: their means and covariances
#
# $$d^2 = \| m_r - m_f \|^2 + \mathrm{tr}\big( S_r + S_f - 2\,(S_r S_f)^{1/2} \big)$$
#
# In one dimension: $(m_r - m_f)^2 + (\sigma_r - \sigma_f)^2$
#
# ???
# (4 min) The Fréchet distance of two Gaussians, r for real and f for fake. Its meaning needs no formula: move one cloud
# onto the other along the shortest way, and average the squared length of the moves. So it is a squared distance,
# although the field says "distance". Ask which term is 0 for a fake that is only wider.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two of these five fakes are at distance 0
#
# Real points in blue, fakes in orange.
#
# ???
# (4 min) Let the room point at the two before anybody computes. Expect "wider", because its mean is right. Do two by
# hand: moved is 1.5² + 0.8² = 2.89; wider is 0.8² (1.4 + 0.35) = 1.12. The two are lopsided and the ring, whose
# ellipses coincide with the real one. The Fréchet distance sees two moments and nothing else. Keep these clouds in
# mind, every number to come is tried on them.

# %% slideshow={"slide_type": "-"} tags=["slide-title-1"]
torch.manual_seed(0)


def with_moments(points: Tensor, mean: Tensor, covariance: Tensor) -> Tensor:
    """The same cloud, moved and stretched until its mean and covariance are exactly these."""
    centred = points - points.mean(0)
    whitened = torch.linalg.solve_triangular(torch.linalg.cholesky(centred.T.cov()), centred.T, upper=False)
    return (torch.linalg.cholesky(covariance) @ whitened).T + mean


count = 1500
middle, shape = torch.zeros(2), torch.tensor([[1.4, 0.0], [0.0, 0.35]])
cloud = with_moments(torch.randn(count, 2), middle, shape)
angle = torch.rand(count) * 2 * math.pi
turn = torch.tensor([[0.5, -math.sqrt(0.75)], [math.sqrt(0.75), 0.5]])  # by 60 degrees
other = with_moments(torch.randn(count, 2), middle, shape)
cases = {
    "moved": other + torch.tensor([1.5, 0.8]),
    "wider": 1.8 * other,
    "turned": other @ turn.T,
    "lopsided": with_moments(torch.randn(count, 2).exp(), middle, shape),
    "a ring": with_moments(torch.stack([angle.cos(), angle.sin()], 1) + 0.08 * torch.randn(count, 2), middle, shape),
}


def outline(points: Tensor) -> Tensor:
    """The ellipse at two standard deviations of the Gaussian with the mean and covariance of a cloud: (100, 2)."""
    values, axes = torch.linalg.eigh(points.T.cov())
    round_ = torch.linspace(0, 2 * math.pi, 100)
    circle = torch.stack([round_.cos(), round_.sin()], 1)
    return points.mean(0) + 2 * circle * values.sqrt() @ axes.T


alt = "Five pairs of point clouds with ellipses of their Gaussians: moved, wider, turned, lopsided and a ring. In the last two the ellipses coincide although the points do not."
with plot.figure(5, alt=alt, size=(2.0, 1.9)) as panels:
    for panel, (name, fake) in zip(panels, cases.items(), strict=True):
        for points, colour in ((cloud, REAL), (fake, FAKE)):
            panel.plot(*points[:350].T, ".", color=colour, ms=2, alpha=0.6)
            panel.plot(*outline(points).T, color=colour, lw=2.2 if points is cloud else 1.4)
        panel.set(title=name, xlim=(-4, 4), ylim=(-2.9, 3.6), aspect="equal", xticks=[], yticks=[])
        panel.spines[:].set_visible(False)

# %% [markdown]
# For clouds with axes along the same directions the second term is a sum over these directions, of the squared
# differences of standard deviations. Take the case *wider* by hand. The variances are 1.4 and 0.35, the standard
# deviations become 1.8 times as large, so $d^2 = (1.8 - 1)^2 \cdot 1.4 + (1.8 - 1)^2 \cdot 0.35 = 0.64 \cdot 1.75 =
# 1.12$. And *moved*: $1.5^2 + 0.8^2 = 2.89$.
#
# *Turned* is harder. Its two covariances have different axes, and here the root $(S_r S_f)^{1/2}$ is needed in earnest.
#
# ## 4. A root that is not needed
#
# $S_r S_f$ is not symmetric, though both factors are. Most programs call a general matrix square root for it, a slow
# routine whose answer comes out complex, and drop the imaginary part. There is a better way. Let $A$ hold the real
# features less their mean, divided by $\sqrt{n - 1}$, one row for each picture; then $S_r = A^\top A$. In the same way
# $S_f = B^\top B$. Two facts of linear algebra do the rest:
#
# - $XY$ and $YX$ have the same eigenvalues, up to zeros. So $S_r S_f = A^\top A B^\top B$ has those of
#   $A B^\top B A^\top = (A B^\top)(A B^\top)^\top$.
# - The eigenvalues of $M M^\top$ are the squares of the singular values of $M$.
#
# The trace of the root is the sum of the roots of the eigenvalues, hence **the sum of the singular values of**
# $A B^\top$. That sum is known as the *nuclear norm*. It is real, it is never negative, and no square root of a matrix
# has been taken.
#
# What the function returns is not a bare number but a `Score`. For reasons that sections 6 and 9 will show, it carries
# how it was made, and prints it: `FID[efficientnet_lite0, n=2000] = 41.3`.

# %% minigan="metrics"
# Score

# %% minigan="metrics"
# frechet_distance, covariance_factor, nuclear_norm, gram

# %% [markdown]
# The rest is checks of what comes in: two sets of features of the same width, without gaps and holes, two pictures or
# more.

# %% minigan="metrics"
# check_features, check_pair, sizes

# %% [markdown]
# **Predict.** 80 pictures, 128 features: $S_r$ and $S_f$ have rank 79, so 49 of 128 eigenvalues of $S_r S_f$ are 0.
# What does the general route make of these zeros? And what do the roots make of *that*?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The matrix root invents numbers, singular values do not
#
# $$\mathrm{tr}\,(S_r S_f)^{1/2} = \lVert A B^\top \rVert_*$$
#
# 80 pictures, 128 features: from rank 79 on all should be 0.
#
# ???
# (3 min) A and B hold the features less their mean, over the root of n - 1, so that S = AᵀA. The star is the nuclear
# norm, the sum of the singular values. Ask what the square root of a rounding error of one in ten million is: about
# three in ten thousand, and there are dozens of them. This is where complex "distances" come from, and the small number
# that some programs add to the diagonal.

# %% slideshow={"slide_type": "-"}
generator_of_points = torch.Generator().manual_seed(3)
mixing = torch.randn(128, 128, generator=generator_of_points) / 8
first, second = (torch.randn(80, 128, generator=generator_of_points) @ mixing for _ in range(2))
found = {}
for dtype in (torch.float32, torch.float64):
    a, b = ((x - x.mean(0)).to(dtype) / math.sqrt(79) for x in (first, second))
    found[dtype] = torch.linalg.eigvals(a.T @ a @ (b.T @ b)), torch.linalg.svdvals(a @ b.T)

alt = "Two charts of 128 ordered values. Singular values fall smoothly and stop at rank 79; the roots of the eigenvalues go on behind it as a plateau of rounding errors, high in float32, lower in float64."
with plot.figure(2, alt=alt, size=(4.0, 2.7)) as panels:
    for panel, (dtype, (squares, values)) in zip(panels, found.items(), strict=True):
        roots = squares.sqrt().abs().sort(descending=True).values
        panel.semilogy(range(1, 129), roots, ".", color=FAKE, ms=4, label="roots of eigenvalues of $S_r S_f$")
        panel.semilogy(range(1, 80), values[:79], color=REAL, label="singular values of $A B^T$")
        panel.axvline(79, color="0.7", lw=1)
        panel.set(title=str(dtype).removeprefix("torch."), xlabel="rank", ylim=(1e-10, 20))
    panels[0].legend(fontsize=8, loc="lower left")

squares, values = found[torch.float32]
print(
    f"float32: {int((squares.real < 0).sum())} eigenvalues have a negative real part, "
    f"{int((squares.imag.abs() > 0).sum())} are complex; none should be"
)
print(f"sum of their roots {squares.sqrt().real.sum():.5f}, nuclear norm {found[torch.float64][1].sum():.5f}")

# %% [markdown]
# Rounding moves an eigenvalue that should be 0 to about $10^{-7}$ of the largest in `float32`, in any direction of the
# complex plane. Its root is $\sqrt{10^{-7}} \approx 0.0003$, and there are dozens of them. This is where negative or
# complex "distances" come from, and the small number that some programs add to the diagonal against them. Singular
# values lose nothing: those behind the rank are 0 to the last digit.
#
# Where there are more pictures than features, `frechet_distance` works with the $d \times d$ triangle that has the same
# $S$, and takes eigenvalues of the *symmetric* $M M^\top$. That is faster than singular values, and the function checks
# that it is as good. For 2,048 features, as people usually take them, the recipe with a matrix root needs six times as
# long at 5,000 pictures, and nearly forty times at 1,000 ([measured beside five programs](../benchmarks/results/metrics_speed.md)).
#
# Now the five cases again:

# %% tags=["nbval-check-output"]
for name, fake in cases.items():
    print(
        f"{name:10} mean term {float((cloud.mean(0) - fake.mean(0)).square().sum()):.2f}   "
        f"all {float(frechet_distance(cloud, fake)):.2f}"
    )

# %% [markdown]
# *Lopsided* and *a ring* have exactly the mean and covariance of the real cloud. Their distance is 0, and nobody would
# take them for it. **The Fréchet distance sees two moments and nothing else.** Keep the five clouds in mind. Each
# number to come is tried on them.
#
# ## 5. From points to pictures
#
# A picture is a point too, with one coordinate for each pixel. But means of pixels are blurs, and covariances of pixels
# know nothing of sleeves. So the pictures go through a pretrained network first, and its last features take the place
# of $x$ and $y$: a vector of a thousand numbers that were learnt to tell things apart. (Chapter 04 opens these
# networks. Here they are instruments.)
#
# Features are computed once, and everything else works on tensors $(N, D)$.

# %% minigan="metrics"
# embed, in_batches, pooled

# %% [markdown]
# Three judges take part in this chapter.
#
# - **EfficientNet-Lite0**, trained on the photographs of ImageNet. It has never seen a Fashion-MNIST picture.
# - **Our Fashion classifier**, trained on just these garments.
# - **A control**: the architecture of the first with random weights, which has learnt nothing at all.
#
# Most papers use Inception v3, which is not on this machine. Where you have a network, `network, layer = "vgg16",
# "relu5_3"` or `"resnet50", "pool"` in the next cell brings another judge in. All numbers change, as they must.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Three judges, and one of them knows nothing
#
# $$x \;\mapsto\; F(x) \in \mathbb{R}^D$$
#
# - **EfficientNet-Lite0**, trained on photographs
# - **our classifier**, trained on garments
# - **a control** with random weights
#
# ???
# (3 min) Pixels make poor points: their means are blurs. So a network turns each picture into a vector first, and a
# score carries the network's name. Ask: which of the three would you trust with garments? Write the votes on the board
# for the ladder of damages. Chapter 04 opens these networks, here they are instruments.

# %%
network, layer = "efficientnet_lite0", "pool"
control = torch.Generator().manual_seed(0)
judges = {
    network: Backbone(network, [layer], size=64),
    "fashion_classifier": Backbone("fashion_classifier", ["features"]),
    "random": Backbone(network, [layer], weights=None, size=64, generator=control),
}
for judge in judges.values():
    judge.to(memory_format=torch.channels_last)  # faster on most machines


def fid(real: Tensor, fake: Tensor, extractor: str = network) -> Score:
    """The Fréchet distance without its warning, which section 6 looks at."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return frechet_distance(real, fake, extractor)


photo_net = judges[network]
real = embed(fashion[:n], photo_net)
new = embed(held_out[:n], photo_net)
fake = embed(fakes, photo_net)
print(
    f"{len(real):,} training, {len(new):,} held-out and {len(fake):,} generated pictures, {real.shape[1]} features each"
)
print(fid(real, fake))

# %% [markdown]
# Is that good? **A distance alone says nothing.** Two marks make a scale of it. The *floor* is what real pictures get
# that the generator has never seen: no honest generator should do better. Something plainly wrong gives the upper mark.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A distance alone says nothing: put the floor beside it
#
# The floor: real pictures that the generator has never seen.
#
# ???
# (3 min) Before the numbers come up: what is the distance between real pictures and other real pictures? Expect "zero".
# It is far from that, and the next slide says why. No honest generator should come below this floor, and something
# plainly wrong gives the upper mark.

# %% slideshow={"slide_type": "-"} tags=["slide-text"]
noisy = (held_out[:n] + 0.5 * torch.randn((n, 1, 28, 28), generator=torch.Generator().manual_seed(1))).clamp(-1, 1)
marks = {
    "held out (the floor)": new,
    "generated": fake,
    "held out, with strong noise": embed(noisy, photo_net),
}
for name, features in marks.items():
    print(f"{name:28}", fid(real, features))
del noisy, marks
hardware.return_unused_memory()

# %% [markdown]
# The floor is not 0, though both sides are drawn from the same distribution. Why it is not is the most common source of
# wrong numbers in this field.
#
# ## 6. How sure are we? The number of pictures
#
# **Predict.** Training and held-out pictures have the same distribution, so the true distance is 0. Compute FID between
# $n$ pictures of each. How does it change from $n = 100$ to $n = 2000$? And what happens to the generator's score on
# the same way?


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Fewer pictures, a worse score
#
# Real against real: the true distance is 0. Draw the curve over $n$, from 100 to 2,000 pictures.
#
# ???
# (5 min) Everybody draws two curves, one for held-out pictures and one for the generator, then press the key. Expect
# level lines with noise. A perfect generator would follow the blue line: errors of the mean and the covariance always
# add, for the distance is a square. The bias is nearly proportional to 1/n, so the line on the right can be continued
# to infinitely many pictures.


# %% slideshow={"slide_type": "fragment"}
def some(features: Tensor, count: int, seed: int) -> Tensor:
    """`count` different rows, drawn at random."""
    return features[torch.randperm(len(features), generator=torch.Generator().manual_seed(seed))[:count]]


counts = [m for m in (100, 200, 400, 700, 1000, 1400, 2000) if m <= n] or [20, 40, 60]
sides = {"held out": (new, REAL), "generated": (fake, FAKE)}
by_count = {
    name: torch.tensor(
        [[float(fid(some(real, m, seed), some(features, m, seed))) for seed in range(3)] for m in counts]
    )
    for name, (features, _) in sides.items()
}

inverse = 1 / torch.tensor(counts, dtype=torch.float64)
alt = "Left: the distances of both sets fall steeply with the number of pictures, and neither has settled at the end. Right: over one over n they are nearly straight lines, which can be continued to infinitely many pictures."
with plot.figure(2, alt=alt, size=(4.3, 3.2)) as (left, right):
    for name, (_, colour) in sides.items():
        values = by_count[name].double()
        left.plot(counts, values, ".", color=colour, ms=4)
        left.plot(counts, values.mean(1), color=colour, label=name)
        right.plot(inverse, values.mean(1), "o", color=colour, ms=4)
        slope, limit = np.polyfit(inverse[-3:], values.mean(1)[-3:], 1)
        right.plot([0, inverse[-3]], [limit, limit + slope * inverse[-3]], color=colour, lw=1.2)
        right.text(0, 1.1 * limit, f"  {limit:.0f}", color=colour, va="bottom", fontsize=9)
    left.set(title="FID falls with n", xlabel="n, pictures on each side", ylim=(0, None))
    right.set(title="over 1/n: continued to infinity", xlabel="1 / n")
    right.set_xlim(0, 1.1 * float(inverse[-3]))
    right.set_ylim(0, 1.15 * float(by_count["generated"][-3].mean()))
    left.legend(loc="upper right")
hardware.return_unused_memory()

# %% [markdown]
# A *perfect* generator would follow the blue line. Fewer pictures mean worse estimates of $m$ and $S$. Errors in
# opposite directions do not cancel, because the distance is a square: they always add. The bias is about proportional
# to $1/n$, and grows with the number of features. It differs from generator to generator, so that even a comparison at
# equal $n$ may be wrong. Continuing the straight line to $1/n = 0$ takes most of it away
# ([Chong and Forsyth 2020](https://arxiv.org/abs/1911.07023)); the numbers at the axis are these limits.
#
# ### Trap: four digits of 500 pictures
#
# Here is a line as many a report has it, and what stands behind it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Behind the point noise, before it bias
#
# $$\mathrm{FID}_n \;\approx\; \mathrm{FID}_\infty + \frac{c}{n}$$
#
# - the same $n$ on both sides, and stated
# - the floor at that $n$ beside it
# - no more digits than the spread allows
#
# ???
# (3 min) Show a line like "FID = 34.6217" from any paper and ask what is missing: the network, the number of pictures,
# the spread. In the notebook eight draws of 500 pictures differ in the second digit, and 2,000 pictures give little
# more than half of it. The generator is the same, only the arithmetic has changed.

# %%
small = min(500, n // 2)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    reported = float(frechet_distance(real[:small], fake[:small], network))
print(f"FID: {reported:.4f}")
print()
again = torch.tensor([float(fid(some(real, small, seed), some(fake, small, seed + 50))) for seed in range(8)])
print(f"the same generator, other {small} pictures:", " ".join(f"{value:.4f}" for value in again.tolist()))
print(f"their standard deviation: {again.std():.1f}")
print(f"with {n} pictures: {float(fid(real, fake)):.1f}")
print()
print("what frechet_distance said:", caught[0].message if caught else "nothing")

# %% [markdown]
# The digits behind the point are noise. Worse: the digits in front of it are mostly bias. A generator that is reported
# with 500 pictures looks far worse than the same one with 2,000, and all that has changed is arithmetic. Hence the
# rules:
#
# - the same $n$ on both sides of a comparison, stated; more pictures than features;
# - the floor at that $n$ beside it;
# - no more digits than the spread allows. `Score` prints three.
#
# ## 7. The kernel distance: no bias, and a third moment
#
# The second measure needs no Gaussian. A *kernel* $k(x, y)$ says how alike two feature vectors are. If real and fake
# have the same distribution, then two reals, two fakes, and a real and a fake are on average equally alike
# ([Bińkowski et al. 2018](https://arxiv.org/abs/1801.01401)):
#
# $$\mathrm{KID} = \mathbb{E}\, k(x, x') + \mathbb{E}\, k(y, y') - 2\, \mathbb{E}\, k(x, y),
# \qquad k(x, y) = \Big(\frac{x^\top y}{D} + 1\Big)^3$$
#
# with different real $x, x'$ and different fake $y, y'$. It is a mean over pairs, so no $n$ makes it too large or too
# small on average. It may even come out negative, which is a good sign for an estimate of 0. The cube compares moments
# up to the third.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A mean over pairs has no bias
#
# $$\mathrm{KID} = \mathbb{E}\, k(x, x') + \mathbb{E}\, k(y, y') - 2\, \mathbb{E}\, k(x, y),
# \qquad k(x, y) = \Big(\frac{x^\top y}{D} + 1\Big)^3$$
#
# Which cloud will it see: *lopsided*, or *the ring*?
#
# ???
# (4 min) If both sets come from one distribution, two reals, two fakes, and a real and a fake are equally alike on
# average. Ask for the prediction, and for a reason: the cube compares moments up to the third. It sees the lopsided
# cloud. The ring is symmetric, so its third moments are 0, and KID is blind to it too.

# %% minigan="metrics"
# BLOCK, kernel_distance, cubic_kernel, random_subsets, sum_over_pairs, sum_over_others

# %% [markdown]
# **Predict.** Which of the two clouds that fooled FID will KID see, *lopsided* or *a ring*?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## KID stays level from a few hundred pictures on
#
# Same pictures as before, same network.
#
# ???
# (3 min) Ask the room to compare with the curves of FID: what is gained, what is lost? The level is right at any n, so
# with few pictures KID is the better choice. Its price is a number without a natural scale, and a spread that narrows
# slowly. It may come out negative, which is a good sign for an estimate of 0.

# %% slideshow={"slide_type": "-"}
print("cloud        FID      KID")
for name, points in {"the same": other, **cases}.items():
    print(f"{name:10}{float(frechet_distance(cloud, points)):6.2f} {float(kernel_distance(cloud, points)):8.3f}")

sweep = {
    name: [kernel_distance(some(real, m, 0), some(features, m, 0), network) for m in counts]
    for name, (features, _) in sides.items()
}
alt = "Kernel distances of the same two sets over the number of pictures: level lines, at 0 for the held-out pictures, clearly above it for the generated ones, with bands that narrow."
with plot.figure(alt=alt, size=(5.6, 2.7)) as axis:
    for name, (_, colour) in sides.items():
        values = torch.tensor([float(score) for score in sweep[name]])
        width = torch.tensor([score.spread for score in sweep[name]])
        axis.plot(counts, values, color=colour, label=name)
        axis.fill_between(counts, values - width, values + width, color=colour, alpha=0.15, lw=0)
    axis.axhline(0, color="0.7", lw=1, zorder=0)
    axis.set(title="KID with its spread", xlabel="n, pictures on each side")
    axis.legend(fontsize=8.5)
print(sweep["generated"][-1])

# %% [markdown]
# KID sees the lopsided cloud by its third moment. The ring is symmetric, its third moments are 0 like those of the
# cloud, and KID is blind to it as well. But it is level in $n$: at a few hundred pictures it is the better choice. Its
# price is a number without a natural scale, and a spread that shrinks slowly.
#
# ## 8. Two numbers instead of one
#
# A generator can fail in two ways: its pictures are bad, or they are always the same. One number mixes the two. So ask
# two questions ([Kynkäänniemi et al. 2019](https://arxiv.org/abs/1904.06991)):
#
# - **Precision**: which share of the fakes lies where real pictures are?
# - **Recall**: which share of the reals lies where fake pictures are?
#
# "Where the pictures are" is made of balls: each picture claims a ball that reaches to its $k$-th nearest neighbour in
# its own set.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Bad pictures and missing pictures are two faults
#
# $$\text{precision} = \frac{\text{fakes near reals}}{\text{fakes}} \qquad
# \text{recall} = \frac{\text{reals near fakes}}{\text{reals}}$$
#
# Near: in a ball that reaches to the third neighbour.
#
# ???
# (3 min) Ask for a generator with perfect precision and no recall (one good picture, repeated), and for the reverse
# (much noise and by luck everything). "Where the pictures are" is made of balls: each picture claims one that reaches
# to its third neighbour. One number such as FID mixes the two faults.

# %% minigan="metrics"
# precision_recall, reach, balls_around

# %% [markdown]
# A weak point shows already in the plane. One stray real picture has its neighbours far away, so it claims a huge ball,
# and every bad fake inside counts as good. *Density* counts in how many balls a fake lies, and *coverage* asks which
# share of the real balls is hit ([Naeem et al. 2020](https://arxiv.org/abs/2002.09797)).

# %% minigan="metrics"
# density_coverage, nearest, flat

# %% [markdown]
# **Predict.** Reals form two groups, fakes hit one of them well, and eight stray fakes lie far off. Estimate precision
# and recall by eye. Then a single outlier joins the reals, at the upper right. Which numbers change?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One stray real picture, and bad fakes count as good
#
# ???
# (4 min) Cover nothing: let the room estimate precision on the left and recall in the middle by eye, about four fifths
# and two fifths. Then ask what has changed on the right. A single outlier has its neighbours far away, claims a huge
# ball, and precision becomes full although not one fake is better. Density and coverage, which count balls, hardly
# move.

# %% slideshow={"slide_type": "-"}
random = torch.Generator().manual_seed(4)
group = 0.45 * torch.randn(60, 2, generator=random)
group[30:] += torch.tensor([3.0, 0.0])
inliers = 0.4 * torch.randn(40, 2, generator=random)
strays = torch.tensor([1.8, 2.6]) + 0.5 * torch.randn(8, 2, generator=random)
toy_fake = torch.cat([inliers, strays])
outlier = torch.cat([group, torch.tensor([[3.2, 4.2]])])


def balls(axis: Any, centres: Tensor, colour: str, k: int = 3) -> None:
    """Each point's ball, that reaches to its k-th nearest neighbour."""
    turns = torch.linspace(0, 2 * math.pi, 60)
    rim = torch.stack([turns.cos(), turns.sin()], 1)
    for centre, radius in zip(centres, reach(centres, k), strict=True):
        axis.fill(*(centre + radius * rim).T, color=colour, alpha=0.07, lw=0)


panels_of = {
    "precision: fakes in real balls": (group, group, REAL),
    "recall: reals in fake balls": (group, toy_fake, FAKE),
    "with one real outlier": (outlier, outlier, REAL),
}
alt = "Three charts of blue and orange points with discs. Blue discs hold most orange points but not the strays; orange discs hold one of two blue groups; with one outlier a huge blue disc swallows all strays."
with plot.figure(3, alt=alt, size=(3.1, 3.4)) as axes:
    for axis, (title, (reals, centres, colour)) in zip(axes, panels_of.items(), strict=True):
        balls(axis, centres, colour)
        axis.plot(*reals.T, ".", color=REAL, ms=5)
        axis.plot(*toy_fake.T, ".", color=FAKE, ms=5)
        axis.set(title=title, xlim=(-2, 5.2), ylim=(-2.4, 5.2), aspect="equal", xticks=[], yticks=[])

print("                       precision  recall  density  coverage")
for name, reals in {"two groups": group, "with one real outlier": outlier}.items():
    numbers = [float(one) for one in (*precision_recall(reals, toy_fake), *density_coverage(reals, toy_fake))]
    print(f"{name:24}{numbers[0]:7.2f} {numbers[1]:8.2f} {numbers[2]:8.2f} {numbers[3]:9.2f}")

# %% [markdown]
# The outlier lifts precision to the full, although not one fake has become better. Density and coverage hardly move.
# And the ring? In the plane both pairs of numbers see it at once: they look at places, not at moments.

# %%
print("cloud       precision  recall  density  coverage")
for name, points in {"the same": other, "lopsided": cases["lopsided"], "a ring": cases["a ring"]}.items():
    numbers = [float(one) for one in (*precision_recall(cloud, points), *density_coverage(cloud, points))]
    print(f"{name:12}{numbers[0]:8.2f} {numbers[1]:8.2f} {numbers[2]:8.2f} {numbers[3]:9.2f}")

# %% [markdown]
# ### What is missing?
#
# Now the garments. And because recall is a share of *real* pictures, it can be asked of each class by itself: which
# trousers, which shirts are covered?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Asked class by class, recall names what is missing
#
# Take out your guess from the beginning.
#
# ???
# (3 min) Hear the guesses first, then press the key: bags. FID and KID are larger for it, but no single number says why.
# Mind that real held-out pictures do not reach 1 either: theirs is the ceiling.

# %% slideshow={"slide_type": "fragment"} tags=["slide-figure-1"]
fashion_net = judges["fashion_classifier"]
by_fashion = {
    "train": embed(fashion[:n], fashion_net),
    "held out": embed(held_out[:n], fashion_net),
    "generated": embed(fakes, fashion_net),
}
reals, labels = by_fashion["train"], fashion.labels[:n]
print("fashion_classifier, n =", n, "  precision  recall  density  coverage")
by_class: dict[str, dict[str, list[float]]] = {"recall": {}, "coverage": {}}
for name in ("held out", "generated"):
    fake_side = by_fashion[name]
    numbers = [float(one) for one in (*precision_recall(reals, fake_side), *density_coverage(reals, fake_side))]
    print(f"{name:30}{numbers[0]:7.2f} {numbers[1]:8.2f} {numbers[2]:8.2f} {numbers[3]:9.2f}")
    inside = {
        "recall": balls_around(reals, fake_side, reach(fake_side, 3)) > 0,
        "coverage": nearest(reals, fake_side)[0] <= reach(reals, 5),
    }
    for measure, mask in inside.items():
        by_class[measure][name] = [float(mask[labels == number].float().mean()) for number in range(10)]

alt = "Recall and coverage of ten classes of garments, held out and generated. Held-out pictures cover about the same share of every class; the generated ones leave one class, the bags, nearly uncovered."
with plot.figure(1, 2, alt=alt, size=(7.6, 2.1)) as axes:
    places = torch.arange(10)
    for axis, (measure, shares) in zip(axes, by_class.items(), strict=True):
        axis.bar(places - 0.2, shares["held out"], 0.38, color=REAL, label="held out")
        axis.bar(places + 0.2, shares["generated"], 0.38, color=FAKE, label="generated")
        axis.set_xticks(places, fashion.classes, fontsize=8.5)
        axis.set(title=f"{measure} of each class", ylim=(0, 1.2), yticks=[0, 0.5, 1])
    axes[0].legend(loc="upper right", ncols=2, fontsize=8.5)

missing = min(range(10), key=lambda number: by_class["coverage"]["generated"][number])
print(f"least covered: {fashion.classes[missing]}")
alt = f"Eight real pictures of the class that the generator covers least: {fashion.classes[missing]}."
plot.grid(held_out.only(fashion.classes[missing])[:8], alt=alt, zoom=2)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-figure-2"]
# ## It has never been shown a bag
#
# The generator was trained on nine of the ten classes.
#
# ???
# (1 min) Whose guess was it? A mean over all hides what happens to a few; in chapter 12 the few are people.

# %% [markdown]
# **Bags.** The generator was trained on nine of ten classes; its card in `minigan/weights/fashion.md` says so. The inception score cannot know. FID and KID are larger for it, but nothing
# in one number says *why*. Recall and coverage as a whole are low, and could be low for any reason. Only asked class by
# class do they name what is missing. That holds beyond bags: a mean over all hides what happens to a few, and in
# chapter 12 the few are people.
#
# Two things to take along. Real held-out pictures do not reach 1: their values are the *ceiling* at this $n$, as their
# FID is the floor. And all this is seen through one network.

# %% [markdown]
# ## 9. Which judge? A ladder of known damages
#
# So far two judges have spoken. How far can they be trusted? Give all three the same *known* damages, and see who
# notices what. Each damage is done to the held-out pictures; the undamaged ones are the floor.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Give the judges damage that is known
#
# Who notices a little noise, a little blur, mirroring, or that bags are missing?
#
# ???
# (3 min) A thermometer is put into ice and into boiling water. Each row is a damage; two more are made by leaving out
# classes, where not a single picture is bad. Collect votes for each judge, for the control too: does a net that has
# learnt nothing notice anything? The usual answer is no.

# %% slideshow={"slide_type": "-"}
m = min(n, 1500)
pool = held_out[:m]


def blurred(images: Tensor, times: int) -> Tensor:
    """Smoothed by a 3 x 3 binomial filter, so many times."""
    weights = torch.tensor([1.0, 2.0, 1.0]) / 4
    kernel = (weights[:, None] * weights)[None, None]
    for _ in range(times):
        images = F.conv2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), kernel)
    return images


seeded = torch.Generator().manual_seed(2)
others = data.load("peeps", size=28)[:m].mean(1, keepdim=True)
damaged = {
    "held out (floor)": pool,
    "a little noise": data.add_noise(pool, 8, seeded).clamp(-1, 1),
    "noise": data.add_noise(pool, 32, seeded).clamp(-1, 1),
    "a little blur": blurred(pool, 1),
    "blur": blurred(pool, 3),
    "mirrored": pool.flip(-1),
    "generated": fakes[:m],
    "another set": others,
}
alt = "Eight rows of ten grey pictures: garments as they are, with little and with much noise, slightly and strongly blurred, mirrored, generated garments, and drawn heads."
plot.compare({name: images[:10] for name, images in damaged.items()}, alt=alt, width=6.4)

# %% [markdown]
# Two more damages are made by choice alone: *no bags* leaves out one class, *half the classes* leaves out five. Not one
# of their pictures is bad.
#
# **Predict.** One column for each judge. Who notices a little noise? Who notices that bags are missing? And the net
# that has learnt nothing: does it notice anything at all?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Three judges, three orders
#
# ???
# (5 min) Read it row by row against the votes. EfficientNet is an expert for surfaces: a little noise costs it about as
# much as half of the classes. The garment classifier sees above all what is about classes. The control notices blur and
# another set, hardly noise, and finds our generator nearly perfect: a network that has learnt nothing gives a number
# too, and nothing in the number warns you.

# %% slideshow={"slide_type": "-"}
kept = held_out.labels[: len(pool)]
ladder: dict[str, dict[str, float]] = {}
references = {network: real[:m], "fashion_classifier": reals[:m], "random": embed(fashion[:m], judges["random"])}
known_features = {network: {"held out (floor)": new[:m], "generated": fake[:m]}}
for name, judge in judges.items():
    reference, seen = references[name], known_features.get(name, {})
    seen |= {damage: embed(images, judge) for damage, images in damaged.items() if damage not in seen}
    seen["no bags"] = seen["held out (floor)"][kept != fashion.classes.index("bag")]
    seen["half the classes"] = seen["held out (floor)"][kept < 5]
    ladder[name] = {damage: float(fid(reference, features, name)) for damage, features in seen.items()}
    hardware.return_unused_memory()

rungs = [
    "held out (floor)",
    "mirrored",
    "no bags",
    "half the classes",
    "a little noise",
    "noise",
    "a little blur",
    "blur",
]
rungs += ["generated", "another set"]
looks = dict(zip(judges, (("o", REAL), ("s", FAKE), ("^", "0.55")), strict=True))
alt = "A ladder of ten damages, for three networks, as distances over each network's floor. The networks disagree on noise, blur and missing classes by factors of ten and more."
with plot.figure(alt=alt, size=(7.4, 3.9)) as axis:
    for name, (marker, colour) in looks.items():
        times_floor = [ladder[name][rung] / ladder[name]["held out (floor)"] for rung in rungs]
        axis.plot(times_floor, range(len(rungs)), marker, color=colour, ms=7, label=name)
    axis.set_yticks(range(len(rungs)), rungs)
    axis.invert_yaxis()
    axis.set_xscale("log")
    axis.grid(axis="y", color="0.92")
    axis.set(xlabel="FID, as a multiple of the floor of the same network", title="who sees what")
    axis.legend(loc="lower right", fontsize=9)

print("FID, n =", m, " " * 16, "".join(f"{name:>20}" for name in judges))
for rung in rungs:
    print(f"{rung:28}", "".join(f"{ladder[name][rung]:20.1f}" for name in judges))

# %% [markdown]
# Three instruments, three orders. Read the figure column by column, at the scale of the committed run:
#
# - **EfficientNet** is an expert for surfaces. A little noise, which the eye hardly notices, costs about as much as
#   half of all classes, and more than the faults of our generator. That bags are missing moves it by a fifth or so.
# - **The Fashion classifier** has learnt what garments are. It sees everything, most of all what is about classes:
#   without bags it is ten times its floor. Mirroring disturbs it, though its training mirrored pictures too: in this
#   set nearly every shoe points to the left, and it has noticed.
# - **The control** is no joke. A random network notices another set, blur and missing classes, because mean brightness
#   and outline survive in any convolution. But noise hardly reaches it, and our generator is nearly perfect in its
#   eyes. A network that has learnt nothing gives a number too, and nothing in the number warns you.
#
# None of them is *the* truth. The famous network is one judge more, with its own taste: FID on Inception features
# follows the classes of ImageNet, and can be lowered without better pictures ([Kynkäänniemi et al.
# 2023](https://arxiv.org/abs/2203.06026)). So a score names its network, and a claim needs two that are unrelated.
#
# ## 10. Luck: seeds and snapshots
#
# A training run is one draw of many. Here is a bold recipe, the DCGAN of chapter 02 at 28 pixels with four times its
# learning rate, run three times with nothing but the seed changed. Eight snapshots of each run are judged twice: the
# generator as it stands, and the moving average of its weights.
#
# **Predict.** How far apart do the three runs end? And how much better is the *best* of eight snapshots than the last?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One recipe, three seeds: the last snapshot is luck
#
# Best against best, or last against last.
#
# ???
# (4 min) Ask how one would show with these very runs that "our method" beats "the baseline": take the own best snapshot
# and the other's last. The averaged weights on the right hardly jump, so they give the good snapshot without choosing
# it. The spread over draws says how well one generator is measured; the spread over seeds says how well the recipe is
# known.

# %% slideshow={"slide_type": "-"}
portion = pick(quick=32, cpu=1_024, full=12_000)  # images between two snapshots
judged = min(m, 600)


def distance_of(generator: nn.Module, seed: int) -> float:
    """FID[fashion_classifier] of fresh pictures."""
    return float(
        fid(references["fashion_classifier"][:judged], embed(pictures_of(generator, judged, seed), fashion_net))
    )


@dataclass
class Run:
    """The distances of one training run's snapshots, and two of these: the best and the last."""

    seen: list[int]
    as_it_stands: list[float]
    averaged: list[float]
    best: nn.Module
    last: nn.Module


def trained(seed: int) -> Run:
    """Train a small DCGAN on garments; judge it eight times."""
    torch.manual_seed(seed)
    config = TrainConfig(rate=2e-3, betas=(0.5, 0.999), r1=0.0, ema_half_life=2_000, seed=seed)
    state = start(config, Generator(28, 1, 64, width=32), Discriminator(28, 1, 32, norm="batch"))
    run = Run([], [], [], best=state.generator, last=state.generator)
    while state.seen < 8 * portion:
        step(state, draw(state, fashion))
        if state.seen % portion == 0:
            snapshot = deepcopy(state.generator)
            run.seen.append(state.seen)
            run.as_it_stands.append(distance_of(snapshot, seed=100))
            run.averaged.append(distance_of(state.average, seed=100))
            if run.as_it_stands[-1] == min(run.as_it_stands):
                run.best = snapshot
    hardware.return_unused_memory()
    return run


runs = [trained(seed) for seed in range(3)]

alt = "Distances over the images seen for three seeds. The generators as they stand jump up and down from snapshot to snapshot; the averaged ones fall smoothly and end nearer to each other."
with plot.figure(2, alt=alt, size=(4.3, 3.0)) as (left, right):
    for run, colour in zip(runs, (REAL, GOLD, PINK), strict=True):
        left.plot(run.seen, run.as_it_stands, color=colour)
        best = run.as_it_stands.index(min(run.as_it_stands))
        left.plot(run.seen[best], run.as_it_stands[best], "*", color=colour, ms=12)
        right.plot(run.seen, run.averaged, color=colour)
    left.set(title="as it stands (star: best snapshot)", xlabel="images seen", ylim=(0, None))
    right.set(title="moving average of the weights", xlabel="images seen", ylim=left.get_ylim())

last = torch.tensor([run.as_it_stands[-1] for run in runs])
best = torch.tensor([min(run.as_it_stands) for run in runs])
average = torch.tensor([run.averaged[-1] for run in runs])
print(f"FID[fashion_classifier, n={judged}]      three seeds            mean ± standard deviation")
for name, values in {"last": last, "best of eight": best, "average, last": average}.items():
    print(f"{name:30}{' '.join(f'{value:6.1f}' for value in values)}      {values.mean():.1f} ± {values.std():.1f}")
print(f"{'last, over best':30}{' '.join(f'{value:6.2f}' for value in last / best)}")

# %% [markdown]
# The generators as they stand jump from snapshot to snapshot, most of all at a rate like this. Whether a run ends on a
# peak or in a valley is luck, and the last line of numbers says how much luck can be worth. Two reports follow from the
# same runs: "our method improves on the baseline", for whoever compares the own best snapshot with the other's last.
# **Best against best, with as many snapshots on both sides, or last against last.**
#
# The averaged generators hardly jump. Averaging is the honest way to get the good snapshot without choosing it.
#
# Choosing has a price besides. The lowest of eight numbers is low partly because the pictures that were drawn for it
# happened to be kind. So the chosen snapshot is judged again, by pictures that had no part in the choice.

# %%
fresh = torch.tensor([distance_of(run.best, seed=7) for run in runs])
print("best snapshot, by the pictures that chose it:", " ".join(f"{value:6.1f}" for value in best))
print("best snapshot, by fresh pictures:            ", " ".join(f"{value:6.1f}" for value in fresh))
repeats = torch.tensor([distance_of(runs[0].last, seed=seed) for seed in range(8)])
print(f"one generator, eight draws of latents:         {repeats.mean():.1f} ± {repeats.std():.1f}")
hardware.return_unused_memory()

# %% [markdown]
# Here the price of choosing is small: snapshots differ by much more than draws do. With hundreds of snapshots, or few
# pictures, it is not.
#
# Two error bars stand here, and they answer different questions. The spread over *draws* is small: it says how well
# this one generator has been measured, and more pictures make it as small as you like. The spread over *seeds* says how
# well the *recipe* is known, and only more runs help. Who claims that a recipe is better needs the second ([Lucic et
# al. 2018](https://arxiv.org/abs/1711.10337) compared many losses, and found that with enough tuning and restarts most
# of them reach similar scores).
#
# ## 11. Flattery: a judge who was in the kitchen
#
# In the chapters to come, pretrained networks move into training: as a part of the discriminator, as a part of the
# loss. What is a score worth that is computed with the *same* network?
#
# Take the shipped generator and fine-tune it for a moment. The loss is simple: mean and covariance of a batch of fakes,
# in the features of the Fashion classifier, shall be those of the training pictures. That is *feature matching*
# ([Salimans et al. 2016](https://arxiv.org/abs/1606.03498), section 3.1), here with two moments. No discriminator looks
# at the pictures.
#
# **Predict.** What happens to the FID of the Fashion classifier? To that of EfficientNet? To the pictures?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A judge who was in the kitchen is no judge
#
# The generator learns to match the garment classifier's features. What will each judge say?
#
# ???
# (3 min) Let the room predict two curves and the look of the pictures, then press the key. The judge who took part is
# delighted, the other finds it worse. Who is right? Let them say what the pictures will show, before the next slide.

# %% slideshow={"slide_type": "fragment"} tags=["slide-figure-1"]
del damaged, seen, known_features, others, reference, new, fake, fakes
hardware.return_unused_memory()
flattered = deepcopy(generator).requires_grad_(True).eval()
with torch.no_grad():
    target = embed(fashion, fashion_net)
mean, covariance = target.mean(0), target.T.cov()
del target
optimizer = torch.optim.Adam(flattered.parameters(), 2e-4)
random = torch.Generator().manual_seed(0)
track = {name: [ladder[name]["generated"]] for name in (network, "fashion_classifier")}
steps = pick(quick=2, cpu=120, full=400)
for number in range(1, steps + 1):
    features = fashion_net(flattered(torch.randn(64, generator.latents, generator=random)))["features"]
    loss = (features.mean(0) - mean).square().sum() + (features.T.cov() - covariance).square().sum().sqrt()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if number % (steps // 2) == 0:
        optimizer.zero_grad()
        hardware.return_unused_memory()
        made = pictures_of(flattered, m)
        for name in (network, "fashion_classifier"):
            track[name].append(float(fid(references[name], embed(made, judges[name], batch=8), name)))

alt = "Distances over the steps of a fine-tuning, as shares of the start. The one in the network that the loss used falls far; the other rises."
with plot.figure(alt=alt, size=(5.6, 2.8)) as axis:
    for name, values in track.items():
        marker, colour = looks[name]
        shares = [value / values[0] for value in values]
        axis.plot([0, steps // 2, steps], shares, marker + "-", color=colour, label=name)
    axis.axhline(1, color="0.7", lw=1, zorder=0)
    axis.set(
        xlabel="steps of fine-tuning on the Fashion classifier's features",
        title="FID, as a share of the start",
        ylim=(0, None),
    )
    axis.legend(fontsize=8.5)
alt = "Two rows of garments from the same latents, before and after fine-tuning a generator on a judge's features."
plot.compare({"before": pictures_of(generator, 12, seed=1), "after": pictures_of(flattered, 12, seed=1)}, alt=alt)
for name, values in track.items():
    print(f"FID[{name}, n={m}]: {values[0]:.3g} before, {values[-1]:.3g} after")

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-figure-2"]
# ## The pictures agree with the judge from outside
#
# The same latents, before and after.
#
# ???
# (2 min) Ask what has grown over the garments: a fine grid. A score by the network that took part in training says that
# the optimiser works, and nothing else. In chapters 05 and 11 somebody else judges.

# %% [markdown]
# In the eyes of the Fashion classifier the generator has become much better within seconds: a gain that fills papers.
# EfficientNet finds it much *worse*, and the pictures agree with EfficientNet: a fine grid has grown over them, which
# the small classifier does not see or does not mind. The loss asked for two moments in one network, and got them by the
# cheapest way there was.
#
# **A score computed with the network that took part in training is no evaluation of it.** It says that the optimiser
# works. The same holds for a discriminator on frozen features, for a perceptual loss, and for choosing the snapshot by
# one score and then reporting that score. In chapters 05 and 11 every result is judged by a network that was not in the
# kitchen.
#
# ## 12. Has it copied?
#
# All numbers so far praise a copier. Chapter 01 asked for the nearest training picture, and found a thief who escapes:
# a copy that is moved by three pixels has another nearest neighbour. That was in pixels.

# %% minigan="metrics"
# share_nearer

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The nearest training pictures are cousins, not copies
#
# Every number so far praises a thief. So look at the nearest pairs.
#
# ???
# (4 min) Ask: would FID, KID or recall notice a generator that gives training pictures back? No. Distances to the
# nearest training picture do, if they are taken in features: a head that moves by three pixels escapes in pixels and is
# caught in features. Always look at the closest pairs, for one stolen picture in a hundred leaves every mean unmoved.

# %% slideshow={"slide_type": "-"}
del flattered, optimizer, features, loss, made, references, ladder, real
hardware.return_unused_memory()
peeps, new_peeps = data.load("peeps"), data.load("peeps", "test")
artist, _ = shipped("peeps")
many = pick(quick=24, cpu=240, full=400)
heads = pictures_of(artist, many, seed=3)
hardware.return_unused_memory()
stolen = peeps[:many].roll(3, dims=-1)
sets = {"generated": heads, "stolen, moved by 3 pixels": stolen, "held out": new_peeps[:many]}
library = replace(peeps, pixels=peeps.pixels[: pick(quick=200, cpu=2400, full=2400)])
training = {
    "pixels": data.load("peeps", size=32)[: len(library)],  # at half the size, which saves memory
    "features": embed(library, photo_net, batch=8),
}
hardware.return_unused_memory()
seen_in = {
    "pixels": {name: data.resize(images, 32) for name, images in sets.items()},
    "features": {name: embed(images, photo_net, batch=8) for name, images in sets.items()},
}

print(f"{'':28}{'original found':>24}{'share nearer than a typical new head':>42}")
for space, by_name in seen_in.items():
    for name, examples in by_name.items():
        share = share_nearer(examples, training[space], by_name["held out"])
        hits = (nearest(examples, training[space])[1] == torch.arange(many)).float().mean()
        original = f"{hits:.0%}" if name.startswith("stolen") else ""
        print(f"{space:10}{name:28}{original:>14}{share:42.2f}")

distance, found = nearest(seen_in["features"]["generated"], training["features"])
closest = distance.argsort()[:8]
alt = "The eight generated heads that lie nearest to a training head, and below each that training head: close relatives, with other hair, glasses or mouths."
plot.compare({"generated": heads[closest], "nearest": library[found[closest]]}, alt=alt)

# %% [markdown]
# In pixels nearly half of the stolen heads escape, and by the share of near ones the thief looks *more* original than
# an honest artist. In features most of them are caught. The reason is that EfficientNet was trained to call a thing by
# the same name wherever it stands; chapter 04 shows how.
#
# There is no sign that the shipped generator copies: its heads lie farther from the training set than new real heads
# do. That is a fault of another kind, for perfect samples would be as near as those, but it is not theft. The closest
# eight pairs above are cousins, not copies. Always look at these few: a generator that steals one picture in a hundred
# leaves every mean unmoved.
#
# ## 13. When there is a right answer
#
# In chapters 07 to 10 pictures are *restored*, and for each there is a target. Then two pictures are compared, not two
# sets. The classical measures are the peak signal-to-noise ratio, which is the squared error in decibels, and the
# structural similarity, which compares local means, variances and covariances
# ([Wang et al. 2004](https://doi.org/10.1109/TIP.2003.819861)).

# %% minigan="metrics"
# psnr, ssim, to_unit

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two pixels to the side score worst of all
#
# PSNR in decibels, and SSIM, where 1 is equal.
#
# ???
# (3 min) When there is a right answer, pictures are compared in pairs. Cover the numbers with your hand, let the room
# rank the four by how much is wrong with them, then compare. Both measures punish the move, which nobody would notice,
# more than the blur, which everybody sees. Chapter 06 builds a distance that does not.

# %% slideshow={"slide_type": "-"}
cat = data.resize(data.photo("chelsea")[..., 20:276, 110:366], 128)
brighter = (cat + 0.155).clamp(-1, 1)
variants = {
    "target": cat,
    "brighter": brighter,
    "noise": data.add_noise(cat, 20, torch.Generator().manual_seed(0)).clamp(-1, 1),
    "blur": blurred(cat.transpose(0, 1), 20).transpose(0, 1),
    "moved by 2": cat.roll(2, dims=-1),
}
alt = "A cat five times: as it is, brighter, with noise, blurred, and moved by two pixels."
titles = [
    name if name == "target" else f"{name}\n{float(psnr(cat, image)):.1f} dB, {float(ssim(cat, image)):.2f}"
    for name, image in variants.items()
]
plot.compare({"": torch.cat(list(variants.values()))}, titles=titles, alt=alt, width=8.6)

# %% [markdown]
# The first number is PSNR (larger is better), the second SSIM (1 is equal). PSNR puts all four within about two
# decibels of each other, because their squared errors are nearly equal. SSIM forgives the brightness. Neither forgives
# two pixels to the side, which nobody would notice. Chapter 06 builds a distance that does.
#
# ## What well-known treatments get wrong
#
# | you will read | what we measured |
# |---|---|
# | "FID = 34.6217." | Of which network, with how many pictures? At $n = 500$ even the first digit is mostly bias (section 6). |
# | "The inception score is high, so the pictures are real and varied." | Ten repeated pictures beat the real ones (section 2). |
# | "FID compares the distributions." | It compares two moments. A ring passes for a Gaussian (section 3). |
# | "Take the real part of the matrix root." | There is no imaginary part in the right formula (section 4). |
# | "Our final FID is 12, the baseline's is 36." | Last against last, or best against last? On how many seeds (section 10)? |
# | "FID falls, so the pictures get better." | It falls in the network that was trained on, and rises in another (section 11). |
#
# ## Summary
#
# - Look first. Then use a number that compares two sets, and print it with its recipe:
#   `FID[efficientnet_lite0, n=2000] = 41.3`.
# - FID sees mean and covariance of features. It is too large by about a constant over $n$; put the floor beside it. KID
#   has no such bias.
# - Precision and recall, or density and coverage, tell bad pictures from missing ones. Ask them of each group.
# - Every judge is blind to something. Use two unrelated ones, and never only the one that was trained on.
# - Several seeds, the same choice of snapshot for all, fresh pictures for the final number.
# - Look for copies in pixels and in features.
#
# ## Try it
#
# **1. Without covariances** (15 minutes). A colleague wants a distance for few pictures, and keeps only the *diagonal*
# of $S_r$ and $S_f$: features are treated as if they were independent. Section 3 has all that is needed. Write it, and
# run the check.


# %%
def diagonal_distance(real: Tensor, fake: Tensor) -> float:
    """The Fréchet distance of two feature sets (N, D) when all covariances between features are ignored."""
    raise NotImplementedError


hints = [
    "With diagonal S the distance is a sum over the features. What does one feature contribute, by section 3?",
    "(m_r - m_f)^2 + (sigma_r - sigma_f)^2 for each feature, with standard deviations, not variances; then the sum.",
]
one, two = torch.tensor([[0.0, 1.0], [2.0, 5.0]]).double(), torch.tensor([[1.0, 1.0], [5.0, 3.0]]).double()
deviations = one.std(0) - two.std(0)
between = one.mean(0) - two.mean(0)
mistakes = {
    "Take the difference of standard deviations, not of variances.": float(
        between.square().sum() + (one.var(0) - two.var(0)).square().sum()
    ),
    "The means belong in it too.": float(deviations.square().sum()),
    "Sum over the features, do not average.": float((between.square() + deviations.square()).mean()),
}
with suppress(NotYet), checking("Without covariances", hints) as c:
    c.close(diagonal_distance(one, one), 0.0, "a set has distance 0 from itself")
    by_hand = between.square().sum() + deviations.square().sum()
    c.close(diagonal_distance(one, two), float(by_hand), "two features by hand", mistakes=mistakes)
    columns = sum(float(frechet_distance(cloud[:, [i]], cases["turned"][:, [i]])) for i in range(2))
    c.close(diagonal_distance(cloud, cases["turned"]), columns, "on the turned cloud, the sum of both axes")

# %% [markdown]
# Then draw its bias over $n$ as in section 6, and try it on *turned* and on the ladder. What has been gained, what
# lost?
#
# **2. Predict, then run** (10 minutes). The real set is $n$ garments, the "generated" one the same garments, each of
# them twice. What do FID, precision, recall and `share_nearer` say? Which of them is *right*?
#
# **3. Choose the judge** (20 minutes). Rank these four generators with each of the three judges: the shipped one, and
# the last snapshots of the three runs of section 10. Do the judges agree on the order? Which pairs would you report as
# different, and with what error bar?
#
# **4. Cheat** (an hour). Get `FID[efficientnet_lite0]` of the generated garments as low as you can without training a
# generator: throw away samples, pick them, mix in others. Which of the other numbers gives you away?
#
# More tasks, each with its check, stand in [the exercises to this chapter](../exercises/03_evaluation/03_evaluation.ipynb).
#
# ## References
#
# - T. Salimans et al., [Improved Techniques for Training GANs](https://arxiv.org/abs/1606.03498), 2016.
# - S. Barratt, R. Sharma, [A Note on the Inception Score](https://arxiv.org/abs/1801.01973), 2018.
# - M. Heusel et al., [GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash
#   Equilibrium](https://arxiv.org/abs/1706.08500), 2017.
# - M. Bińkowski et al., [Demystifying MMD GANs](https://arxiv.org/abs/1801.01401), 2018.
# - M. J. Chong, D. Forsyth,
#   [Effectively Unbiased FID and Inception Score and where to find them](https://arxiv.org/abs/1911.07023), 2020.
# - T. Kynkäänniemi et al.,
#   [Improved Precision and Recall Metric for Assessing Generative Models](https://arxiv.org/abs/1904.06991), 2019.
# - M. F. Naeem et al., [Reliable Fidelity and Diversity Metrics for Generative
#   Models](https://arxiv.org/abs/2002.09797), 2020.
# - T. Kynkäänniemi et al.,
#   [The Role of ImageNet Classes in Fréchet Inception Distance](https://arxiv.org/abs/2203.06026), 2023.
# - M. Lucic et al., [Are GANs Created Equal? A Large-Scale Study](https://arxiv.org/abs/1711.10337), 2018.
# - Z. Wang et al., [Image Quality Assessment: From Error Visibility to Structural
#   Similarity](https://doi.org/10.1109/TIP.2003.819861), 2004.
#
# **Next:** [04 Pretrained features](04_features.ipynb). What does a pretrained network know?
