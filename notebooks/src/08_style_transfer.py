# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 08 Style transfer
#
# **What is style, when a network looks at it?**
#
# Here is a photograph. Paint it as if it were made of brush strokes, or of coloured glass. Nobody can write down a
# formula for "made of brush strokes", and there is no pair to learn from: no photograph comes with its painted twin.
# In 2015 three researchers found that a network trained to tell dogs from teapots had the formula inside it ([Gatys et
# al. 2016](https://doi.org/10.1109/CVPR.2016.265)). Nothing in this chapter is trained to paint, until the last third.
#
# In the formulas of the course this is a loss without an adversary, and without a generator. What is changed is the
# picture itself, $y$. Two feature distances pull at it, one to the photograph $x$ and one to the style picture $s$:
#
# $$L(y) = \alpha\, L_\mathrm{content}(x, y) + \beta\, L_\mathrm{style}(s, y) + \gamma\, TV(y)$$
#
# | | |
# | --- | --- |
# | **You will learn** | what two sums over the same features call content and style; to paint by descent, and what to paint *on*; which layers and weights, which start, which optimiser; two traps; to train a network that paints in one pass, and what that costs |
# | **You need** | chapters 04 and 06. No GPU and no network |
# | **It takes** | about 60 minutes to read. The machine needs two to four minutes on two CPU cores |

# %%
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minigan import data, hardware, plot, train, weights
from minigan.apps import patterns
from minigan.apps.photographs import Task, begin, learn, whole_photographs
from minigan.backbones import Backbone
from minigan.course import checking, measured, pick
from minigan.course.checking import NotYet
from minigan.course.gallery import gallery
from minigan.data import resize, to_pixels, to_signed
from minigan.perceptual import gram, total_variation
from minigan.train import Batch, TrainConfig

device = hardware.device()

# %% [markdown]
# The pack has photographs and no paintings. So the styles of this chapter are drawn by code, a few lines each in
# `minigan.apps.patterns`: strokes that follow a stream, coloured glass in lead, an engraving. Any picture of yours will
# do as well; section 9 says how.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Nobody can write down "made of brush strokes"
#
# No formula, and no pairs to learn from.
#
# ???
# (3 min) Ask: you may write ten lines of code that turn a photograph into strokes like those on the left. What do the
# lines say? Most people propose a filter: blur along edges, fewer colours. That gives one effect, and the next style
# needs ten new lines. Say: these three are drawn by code, because the pack has no paintings. The method
# of today is given one such picture, and no explanation. No photograph comes with its painted twin, so there is
# nothing to copy.

# %% slideshow={"slide_type": "-"}
whirls, mosaic, engraving = (draw(256) for draw in patterns.PATTERNS.values())
alt = (
    "Three patterns: brush strokes in blues and white that flow around four golden whirls; glass pieces in many colours "
    "set in black lead; black waving lines on yellowed paper that swell and thin out."
)
gallery({"whirls": whirls, "mosaic": mosaic, "engraving": engraving}, alt=alt, width=200)

# %% [markdown]
# ## 1. The same features, summed in two ways
#
# Take the features of a layer: $C$ channels, each a map of $H \times W$ places. Chapter 06 knows two ways to compare
# two pictures by them.
#
# - **Place by place.** Squared differences. The eye must be where the eye was. That is *content*.
# - **By Gram matrices.** For each two channels, how often they are active together, anywhere. Places are forgotten.
#   That is *style*.
#
# Both losses get a unit here, and a simple one. Features have none, and a Gram matrix is of the order of features
# squared: one layer's term can be a thousand times another's. So each term is divided by its target's own size:

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One picture is pulled by two others
#
# $$L(y) = \alpha\, L_\mathrm{content}(x, y) + \beta\, L_\mathrm{style}(s, y) + \gamma\, TV(y)$$
#
# $x$ the photograph, $s$ the style, $y$ the picture that is painted
#
# ???
# (2 min) Ask: which network is trained here? The usual answer is "a painter". None is. The feature network is frozen,
# and gradient descent moves the pixels of y itself. There is no adversary and no generator in this loss. A network
# that paints comes in the last third.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Content keeps the places, style forgets them
#
# $$L_\mathrm{content}:\; \lVert F(x) - F(y) \rVert^2 \qquad L_\mathrm{style}:\; \lVert K(s) - K(y) \rVert^2$$
#
# $$K_{ij} = \frac{1}{HW} \sum_{\text{places } p} F_{i,p}\, F_{j,p}$$
#
# ???
# (3 min) Ask: I cut the photograph into tiles and shuffle them. Which of the two losses notices? Content does, at
# once. The Gram matrix K is a mean over places, so it hardly does. Most people think of K as a description of one
# brush stroke. It is not. It says how often two channels are active at the same place, anywhere in the picture. Same
# features, two sums.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Divide by the target's size: weights become plain numbers
#
# $$\frac{\lVert \text{found} - \text{target} \rVert^2}{\lVert \text{target} \rVert^2}$$
#
# 0: all is there. 1: what an answer of zeros gets.
#
# ???
# (3 min) Ask who has met style weights of a million. Most people take such a number for a strong style. It is a
# correction of units: a Gram matrix is of the order of features squared, and one layer can be a thousand times
# another. After the division every layer has an equal voice, and one set of weights serves all styles and sizes. Ours
# are 1, 50 and 0.1.

# %% minigan="apps.style"
# relative

# %% [markdown]
# 0 means that all is there. 1 is what an answer of all zeros gets. Now every layer has an equal voice, all weights are
# plain numbers, and they are the same for each style, each size of picture and each network. (Gatys and his followers
# have style weights of $10^3$ to $10^6$: mostly a correction of units.)

# %% minigan="apps.style"
# LAYERS, CONTENT_LAYER, WEIGHTS, StyleLoss

# %% [markdown]
# The layers are those *inside* the blocks of EfficientNet-Lite0, where each block has made its channels six times as
# many and applied its ReLU. With VGG, which everybody takes, they would be `relu1_2` to `relu4_3`. The network is
# frozen; the targets are computed once.
#
# ## 2. What the Gram matrices know
#
# Leave the content away. Start from a little noise, and descend: the picture that comes is all that the Gram matrices
# know of the style, and nothing else. This is how they were found, as a way to make texture ([Gatys et al.
# 2015](https://arxiv.org/abs/1505.07376)). What it is painted *on* is the subject of section 4: for now, a canvas is
# something with parameters that shows a picture.
#
# **Predict.** The first picture uses the first layer only, the next one the first three, the last one all five. In
# which will you recognise the strokes? And the whirls?

# %% minigan="apps.style"
# LIMIT, lay_over, Canvas, paint

# %% [markdown] slideshow={"slide_type": "slide"}
# ## In which texture will you recognise the strokes?
#
# Painted on noise from Gram matrices alone: of one layer, of three, of five.
#
# ???
# (3 min) No content term now: what comes out is all that the Gram matrices know. Let everybody vote for one of the
# three before you press the key. Then ask about the whirls. Many expect the golden whirls in the last one. They do not
# come back: a whirl is a composition, and larger than the places that these layers see. The first layer knows colours
# and grain. Each further layer adds marks of its own size. Style, for this loss, is a statistic of local patterns.
# (For those who know chapter 03: a kernel distance between two bags of feature vectors, with the squared inner product
# as the kernel.)

# %% slideshow={"slide_type": "fragment"}
strokes = pick(quick=2, cpu=110, full=400)


def texture(style: Tensor, layers: Sequence[str], size: int = pick(quick=48, cpu=144, full=192)) -> Tensor:
    """A picture with the Gram matrices of the style at these layers, painted on a little noise."""
    loss = StyleLoss(style, Backbone("efficientnet_lite0", layers), layers[-1])
    noise = 0.2 * torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(0))
    canvas = Canvas(noise.clamp(-1, 1).to(device))
    for _ in paint(canvas, loss, None, {"style": 50.0, "variation": 0.1}, strokes, rate=0.05):
        pass
    return canvas().detach()


whirls, mosaic, engraving = whirls.to(device), mosaic.to(device), engraving.to(device)
textures = {f"to {LAYERS[count - 1]}": texture(whirls, LAYERS[:count]) for count in (1, 3, 5)}
alt = (
    "A piece of the style, and three textures. From the first layer alone comes coloured grain; with three layers "
    "the grain joins into short marks; with all five there are brush strokes that lie side by side and bend."
)
gallery({"a piece of the style": whirls[..., 40:184, 40:184], **textures}, alt=alt, columns=4, width=144)
hardware.return_unused_memory()

# %% [markdown]
# The first layer knows colours and the sharpness of edges, and makes grain of them. Each further layer sees larger
# places, and adds marks of that size. Style, for this loss, is a *statistic of local patterns at several scales*: what
# kinds of marks there are, in which colours, and what lies beside what. Nothing else. A composition, a horizon, a
# meaning are not in it.
#
# Why should products of two channels be enough? One answer: to match Gram matrices is to match the *distributions* of
# feature vectors, as far as their second moments go. In the language of chapter 03: a kernel distance between two
# bags of vectors, with the kernel $(f^\top g)^2$ ([Li et al. 2017](https://arxiv.org/abs/1701.01036)). The places are
# the samples. Style transfer and the evaluation of GANs measure with the same kind of ruler.
#
# ## 3. The first painting
#
# Now both terms at once, from the photograph itself. `paint` is a generator: it gives the terms at each step, so that
# whoever asks can draw a curve, show a bar, or stop.

# %% minigan="apps.style"
# within

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Strokes fill the sky, and every roof stays in its place
#
# ???
# (4 min) Ask before you show: where does the descent begin? Many say "from noise". It begins with the photograph. Let
# the room find what changed first: the colours, then the strokes in the flat sky, last the edges. Say: twenty steps
# give most of it, and the rest of the time goes into details. That is why the code hands out the picture after each
# step.

# %% slideshow={"slide_type": "-"}
SIZE = pick(quick=64, cpu=256, full=512)


def photograph(name: str, longest: int = SIZE) -> Tensor:
    """One of the held-out photographs: (1, 3, h, w)."""
    return within(data.photo(name), longest).to(device)


def painted(content: Tensor, loss: StyleLoss, steps: int, start: Tensor | None = None, **changes: float) -> Tensor:
    """A photograph in a style, begun from itself where no `start` is given; `changes` are weights other than the usual."""
    canvas = Canvas(content if start is None else start)
    for _ in paint(canvas, loss, loss.target(content), {**WEIGHTS, **changes}, steps):
        pass
    return canvas().detach()


pagoda = photograph("china")
in_whirls = StyleLoss(whirls)
canvas = Canvas(pagoda)
steps = pick(quick=8, cpu=160, full=400)
moments, course, times = {"the photograph": pagoda}, [], [time.perf_counter()]
for step, terms in enumerate(paint(canvas, in_whirls, in_whirls.target(pagoda), steps=steps), 1):
    course.append({name: float(term) for name, term in terms.items()})
    times.append(time.perf_counter())
    if step in (steps // 8, steps):
        moments[f"step {step}, {times[-1] - times[0]:.0f} s"] = canvas().detach()
ms_a_step = 1000 * sorted(after - before for before, after in pairwise(times))[steps // 2]
alt = (
    "The style; a photograph of a pagoda by a lake; and its painting after few and after many steps. Blue comes "
    "first, then strokes fill the sky, and the roofs are edged with gold. Every roof stays in its place."
)
gallery({"the style": whirls[..., : pagoda.shape[-2], :], **moments}, alt=alt, columns=2)
hardware.return_unused_memory()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The two demands contradict each other
#
# ???
# (3 min) Ask: the content term starts at 0. Why does it jump? The usual answer: the learning rate is too large. But
# the start is the photograph, so content can only get worse, and any stroke costs some. The weights say where the two
# settle. The axis is logarithmic: the style term falls to a twentieth within the first steps.

# %% slideshow={"slide_type": "-"}
alt = (
    "Three curves over the steps, on a logarithmic axis. The style term falls to a twentieth within ten steps and "
    "then ever more slowly; the content term jumps up at once and then falls a little; the variation doubles early."
)
with plot.figure(alt=alt, size=(6.4, 3.2)) as axis:
    for name in ("style", "content", "variation"):
        axis.plot([max(terms[name], 1e-4) for terms in course], label=f"{name}, weight {WEIGHTS[name]:g}")
    axis.set(xlabel="step", ylabel="term, not weighted", yscale="log")
    axis.legend()
print(f"style left: {course[-1]['style'] / course[0]['style']:.1%} of the photograph's; {ms_a_step:.0f} ms a step")

# %% [markdown]
# Most of the style comes within the first tens of steps, and the rest of the time goes into details. The content term
# jumps from 0 and never returns: the two demands contradict each other, and the weights say where they settle.
#
# The same weights, for other photographs and styles:

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The lead follows the eyes, and nobody asked for that
#
# ???
# (3 min) Ask: which term says that lead belongs along the outline of an eye? Most look for it in the style term. None
# says so. Content wants an edge there, style wants its edges to be black lead, and one mark pleases both. The
# engraver's lines that bend with the folds of the robe come about in the same way.

# %% slideshow={"slide_type": "-"}
some = pick(quick=2, cpu=100, full=400)
more = {
    "chelsea in glass": painted(photograph("chelsea"), StyleLoss(mosaic), some),
    "statue of Liberty, engraved": painted(photograph("statueofLiberty"), StyleLoss(engraving), some),
}
alt = (
    "A cat's face made of pieces of coloured glass with black lead between them, the eyes whole and round; and "
    "the statue of Liberty drawn in dark waving lines on yellowed paper."
)
gallery(more, alt=alt, columns=2, width=256)
hardware.return_unused_memory()

# %% [markdown]
# Look at what was *not* asked for. No term says that the lead should follow the outline of the eyes, or that the engraver's
# lines should turn along the folds of the robe. It is what satisfies both demands at once: where the photograph has an edge,
# a mark of the style is laid along it.
#
# ## 4. What to paint on
#
# The loss says where to go. It does not say what is moved. Three candidates:
#
# 1. **Clamped pixels.** The picture itself is the parameter, cut back to [-1, 1] before each look. The usual way.
# 2. **Plain pixels.** Also one number for each value, but seen through a tanh, $y = \tanh(\operatorname{artanh} x +
#    c)$, so that nothing needs to be cut. $c$ is the *change*, 0 at first.
# 3. **A pyramid.** The change is a sum of grids: one of full size, one of half the side, and so on down to 8 pixels,
#    each enlarged. That is `Canvas`.
#
# Every picture that one of them can show, the others can show as well. **Predict**: after the same number of steps,
# what is different?


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Pixels or grids: the same pictures can be shown
#
# $$y = \tanh\Big(\operatorname{artanh} x + \sum_k \text{enlarge}(c_k)\Big)$$
#
# grids $c_k$ of full size, half, a quarter, … 8 pixels
#
# ???
# (3 min) The loss says where to go. It does not say what is moved. Say the three candidates: pixels that are cut back
# to the range after each step; pixels behind a tanh; a pyramid of grids behind a tanh. Ask: is there a picture that
# one can show and another cannot? There is none worth naming. Then let them predict: after the same number of steps,
# is there any difference? Most say no, since loss and pictures are the same.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A coarse cell adds up what hundreds of pixels wish
#
# ???
# (4 min) Show, and let the room describe the difference: on the left and in the middle the old cat behind a veil of
# grain, on the right glass in strong colours. To turn a white patch blue, thousands of pixels must agree, each from
# its own noisy gradient. The gradient of a coarse cell is their sum: the common wish adds up and the noise cancels.
# What is near has changed, not what is possible. Numerical mathematics calls it a preconditioner.


# %% slideshow={"slide_type": "-"}
class Clamped(nn.Module):
    """Plain pixels, cut to [-1, 1] before each look."""

    def __init__(self, start: Tensor):
        super().__init__()
        self.pixels = nn.Parameter(start.clone())

    def forward(self) -> Tensor:
        with torch.no_grad():
            self.pixels.clamp_(-1, 1)
        return self.pixels


small = pick(quick=64, cpu=192, full=256)
few = pick(quick=2, cpu=60, full=200)
cat = photograph("chelsea", small)
in_glass = StyleLoss(mosaic)
canvases: dict[str, nn.Module] = {
    "clamped pixels": Clamped(cat),
    "plain pixels": Canvas(cat, smallest=small),
    "pyramid": Canvas(cat),
}
results = {}
for name, canvas in canvases.items():
    *_, terms = paint(canvas, in_glass, in_glass.target(cat), steps=few)
    results[name] = canvas().detach().clamp(-1, 1)
    total = float(sum(WEIGHTS[key] * term for key, term in terms.items()))
    print(f"{name:15} after {few} steps: loss {total:.3f}, of it style {WEIGHTS['style'] * float(terms['style']):.3f}")
alt = (
    "The cat in glass three times. With clamped and with plain pixels thin lines of lead lie over the pale brown "
    "fur, under a fine grain; with the pyramid there are pieces of glass in strong colours."
)
gallery(results, alt=alt, width=192)
hardware.return_unused_memory()

# %% [markdown]
# The three can show the same pictures, and they do not find the same pictures. Single pixels have drawn lines and made
# grain: the eye sees the old cat through a veil. The pyramid has moved whole areas, and each piece of glass has its
# colour.
#
# Adam moves each parameter by about its rate, 0.02, in the direction that has lately been right *for that parameter*.
# To turn a white sky blue, thousands of pixels must agree, each from its own noisy gradient. A cell of the coarsest grid
# stands for hundreds of pixels: its gradient is their sum, in which the common wish adds up and the noise cancels.
# Nothing has been added to what can be shown. What has changed are the coordinates, and with them what is *near*:
# numerical mathematics calls it a preconditioner. How a picture is parameterised decides which pictures are found
# first ([Mordvintsev et al. 2018](https://doi.org/10.23915/distill.00012) make a whole art of it).
#
# ## 5. Which weights, which layer, which start
#
# The weight of the style, first: a hundredth of the usual, a tenth, the usual, ten times as much. **Predict** between
# which two the picture changes most.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Ten times more style: where will it change most?
#
# Weights of a hundredth of the usual, a tenth, the usual, ten times as much.
#
# ???
# (3 min) Vote by hands: first step, second, third. Many choose the last, since it adds the largest number. Hardly
# anything happens there. Adam cares for the direction of a gradient, not for its size: once the style prevails, more
# weight does not turn it. And each of these began as the photograph and cannot get far in so few steps.

# %% slideshow={"slide_type": "fragment"}
heavy = {f"style {weight:g}": painted(cat, in_whirls, few, style=weight) for weight in (0.5, 5.0, 50.0, 500.0)}
usual = heavy["style 50"]
with torch.no_grad():
    for name, picture in heavy.items():
        terms = in_whirls(in_whirls.target(cat), picture)
        print(f"{name:9} content {terms['content']:.3f}   style {terms['style']:.4f}")
alt = (
    "The cat in whirls with four weights of the style. With the smallest it is nearly a photograph in blue light; "
    "with the two largest it is a painting, and these two look alike."
)
gallery(heavy, alt=alt, columns=4, width=184)

# %% [markdown]
# One weight, and it is a matter of taste, up to a point. Beyond the usual weight hardly anything changes. Adam does not
# care for the size of a loss, only for the direction of its gradient, and once the style prevails, more weight does not
# turn it. And every painting began as the photograph: in so few steps it does not get far away.
#
# So the question which *layer* holds the content is asked without that help. Start from noise, and ask for little style:
# now all of the cat that is there has been found through one layer, an early one, the usual one, a late one.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Early layers keep the photograph, late ones lose it
#
# ???
# (3 min) These began as noise, so all of the cat that you see has come through one layer. Ask: which would you take
# for a portrait? The usual wrong answer is the earliest, "because it knows most". It holds on to light and colour and
# leaves the style no room. The late one knows that there is a cat with two eyes, and not quite where. Painters work in
# between.

# %% slideshow={"slide_type": "-"}
early, late = "block1.expand", "block10.expand"
kept = {}
longer = pick(quick=2, cpu=100, full=300)
noise = 0.3 * torch.randn(cat.shape, generator=torch.Generator().manual_seed(0)).clamp(-3, 3)
for layer in (early, CONTENT_LAYER, late):
    layers = tuple(dict.fromkeys((*LAYERS, layer)))
    backbone = Backbone("efficientnet_lite0", layers)
    loss = StyleLoss(whirls, backbone, layer)
    loss.grams = {name: loss.grams[name] for name in LAYERS}  # the style as always
    kept[f"content at {layer}"] = painted(cat, loss, longer, start=noise.to(device), style=1.0)
alt = (
    "Three paintings of the cat that began as noise. With the content at the earliest layer it is nearly the photograph, "
    "with its browns; at the usual layer a blue cat with all its lines; at the last one a cat whose lines have moved."
)
gallery(kept, alt=alt, width=192)
hardware.return_unused_memory()

# %% [markdown]
# An early layer holds on to light and colour, and leaves the style no room. A late one knows that there is a cat with two
# eyes and whiskers, and not quite where. In between lies what painters do: the eye stays an eye in its place, and how
# it is made is free.
#
# Gatys and his colleagues began with noise, to show that nothing is smuggled in. Most people begin with the photograph.
# A third start is the style picture itself. Here are the three with the usual weights.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The start decides into which valley the descent goes
#
# ???
# (3 min) Same loss, same weights. Ask: which of the three has the lowest loss? Most point at the painted cat on the
# left. In the notebook the third is the lowest: begun as the style picture it has the style to begin with, and found
# its eyes in the whirls. A loss with many valleys does not choose between them. The start does.

# %% slideshow={"slide_type": "-"}
begun = {
    "from the photograph": usual,
    "from noise": painted(cat, in_whirls, longer, start=noise.to(device)),
    "from the style picture": painted(cat, in_whirls, longer, start=resize(whirls, cat.shape[-2:])),
}
with torch.no_grad():
    for name, picture in begun.items():
        terms = in_whirls(in_whirls.target(cat), picture)
        print(f"{name:25} content {terms['content']:.3f}   style {terms['style']:.4f}")
alt = (
    "The cat begun from the photograph, from noise and from the style picture. The first is a painted cat; in the second "
    "there are strokes and hardly a cat; the third is the style picture still, with its golden whirls, and the eyes and "
    "the outline of a cat in it."
)
gallery(begun, alt=alt, width=192)
hardware.return_unused_memory()

# %% [markdown]
# Same loss, same number of steps, and other pictures. Such a loss has many valleys, and the start decides into which one
# the descent goes. From the photograph the content is there before the first step and must only be defended; from
# elsewhere it has to be found, which takes longer. From the style picture it is the other way round.
#
# ## 6. Adam against L-BFGS
#
# The paper used L-BFGS: it estimates the curvature of the loss from the last gradients, and searches along a line for
# a good length of step. Adam does neither, and each step costs it one look at the loss. So steps cannot be compared,
# only **time**. Two optimisers, two canvases, the same seconds.
#
# **Predict** which of the four is ahead at the end, and which is last.


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Adam or L-BFGS, pixels or pyramid: who is ahead?
#
# A step of L-BFGS looks at the loss many times, so seconds count, not steps.
#
# ???
# (3 min) Four contestants; let everybody name the first and the last. People who have read the paper say L-BFGS wins.
# Right at the end, and on both canvases; it is behind at the beginning, while it learns the curvature. The two gains
# add up: the pyramid helps either optimiser. The library takes Adam, since it can be stopped after any step with a
# better picture than before.


# %% slideshow={"slide_type": "fragment"}
def by_adam(canvas: nn.Module, seconds: float) -> tuple[list[float], list[float]]:
    """Paint the cat in glass for so long: the seconds, and the total loss at each of them."""
    began, times, values = time.perf_counter(), [], []
    for terms in paint(canvas, in_glass, in_glass.target(cat), steps=10_000):
        times.append(time.perf_counter() - began)
        values.append(float(sum(WEIGHTS[key] * term for key, term in terms.items())))
        if times[-1] > seconds:
            break
    return times, values


def by_lbfgs(canvas: nn.Module, seconds: float) -> tuple[list[float], list[float]]:
    """The same by L-BFGS, ten steps at a time; a step looks at the loss as often as its search asks for."""
    optimizer = torch.optim.LBFGS(canvas.parameters(), max_iter=10, history_size=20, line_search_fn="strong_wolfe")
    target, began, times, values = in_glass.target(cat), time.perf_counter(), [0.0], []

    def look() -> Tensor:
        optimizer.zero_grad()
        total = torch.stack([WEIGHTS[key] * term for key, term in in_glass(target, canvas()).items()]).sum()
        total.backward()
        times.append(time.perf_counter() - began)
        values.append(float(total.detach()))
        return total

    while times[-1] < seconds:
        optimizer.step(look)
    return times[1:], values


seconds = pick(quick=0.2, cpu=4, full=20)
alt = (
    "Total loss over the seconds for two optimisers on two canvases. With either optimiser the pyramid ends below "
    "plain pixels; on either canvas L-BFGS begins more slowly than Adam and ends below it."
)
with plot.figure(alt=alt, size=(6.4, 3.4)) as axis:
    for smallest, name, colour in ((small, "plain pixels", plot.FAKE), (8, "pyramid", plot.REAL)):
        for way, descend in (("Adam", by_adam), ("L-BFGS", by_lbfgs)):
            moments, values = descend(Canvas(cat, smallest), seconds)
            lowest = torch.tensor(values).cummin(0).values
            axis.plot(moments, lowest, color=colour, ls="-" if way == "Adam" else "--", label=f"{way}, {name}")
            print(f"{way:7} {name:13} {len(values):4} looks at the loss, lowest {float(lowest[-1]):.3f}")
    axis.set(xlabel="seconds", ylabel="total loss, the lowest so far", yscale="log")
    axis.legend()
hardware.return_unused_memory()

# %% [markdown]
# Two gains that add up. L-BFGS spends its first looks on its search and is behind; when it has learnt the curvature it
# overtakes, on both canvases. And with either optimiser the pyramid is ahead: better coordinates help a clever method
# as well. Why does this library use Adam then? It can be stopped after any step with a picture that is better than the
# one before, its first second is the better one, and it does not mind a loss that changes from step to step, as it
# does when a network is trained.
#
# ## 7. Two traps
#
# ### Divided twice
#
# Chapter 06 counted what happens when Gram matrices are divided by the number of places twice, once in the function
# and again in the loss: the style term of a picture falls with the square of its area. Nobody notices, for the weight
# is tuned at some size until it looks right. Now take that weight and paint a larger picture.


# %%
TUNED = SIZE * 3 // 8


class DividedTwice(StyleLoss):
    """The slip: the squared differences of the style carry a second division by the area.

    The weight was tuned to look right at TUNED pixels: there, and only there, nothing is wrong.
    """

    def forward(self, target: Tensor | None, images: Tensor) -> Batch:
        terms = super().forward(target, images)
        return {**terms, "style": terms["style"] * (TUNED**2 / images[0, 0].numel()) ** 2}


# %% [markdown]
# **Predict** the three pictures: small, where both are alike; large, divided once; large, divided twice.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Divided twice, large pictures lose their strokes
#
# The weight is tuned at 3/8 of the side: then $(8/3)^4 \approx 50$ times too small.
#
# ???
# (3 min) A slip that nobody notices: once in the Gram function, once more in the loss. Ask: what error message do you
# expect? None comes. The weight was tuned at the small size until it looked right. On the large picture some colour
# still comes, which is cheap, and the strokes do not. Somebody will then say that the method does not work on large
# pictures.

# %% slideshow={"slide_type": "-"}
squares = data.load("photos", "test", SIZE)
petra = squares[[squares.names.index("petra")]].to(device)
twice = {
    f"{TUNED} px, either": painted(resize(petra, TUNED), in_whirls, few),
    f"{SIZE} px, divided once": painted(petra, in_whirls, few),
    f"{SIZE} px, divided twice": painted(petra, DividedTwice(whirls), few),
}
alt = (
    "The rock front of Petra in whirls. Small, and large with the Gram matrices divided once, it is full of strokes, in "
    "the sky too; large and divided twice the sky is smooth, and the stone is that of the photograph in a blue light."
)
gallery(twice, alt=alt, width=192)
hardware.return_unused_memory()

# %% [markdown]
# The weight had been right, and at $8/3$ times the side it is $(8/3)^4$ or fifty times too small. Nothing crashes, and
# somebody will say that the method does not work on large pictures: a little of the colours still comes, which is
# cheap, the strokes do not.
#
# ### A network that knows nothing
#
# Is it the training on photographs that knows style, or would any stack of filters do? The control of chapters 04 and
# 06: the same architecture, the same layers, the same weights of the terms, random parameters.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Random filters match the colours, and draw no stroke
#
# ???
# (3 min) The control: same architecture, same layers, random parameters. Ask before: noise, colours, or strokes? Many
# expect pure noise. Random filters see colours and edges of a sort, and these can be matched. What they lack is
# channels that stand for something, such as a long bright mark beside a dark one. So it is the training on photographs
# that knows style.

# %% slideshow={"slide_type": "-"}
random = torch.Generator().manual_seed(0)
ignorant = StyleLoss(whirls, Backbone("efficientnet_lite0", LAYERS, weights=None, generator=random))
control = {"pretrained": usual, "random weights": painted(cat, ignorant, few)}
with torch.no_grad():
    for name, picture in {"the photograph": cat, **control}.items():
        own, other = (float(loss(None, picture)["style"]) for loss in (in_whirls, ignorant))
        print(f"{name:15} style left: {own:.4f} says the pretrained network, {other:.4f} the random one")
alt = (
    "The cat in whirls twice. With the pretrained network there are strokes; with random weights there are the "
    "colours of the style in fine speckles, and no stroke."
)
gallery(control, alt=alt, columns=2, width=192)

# %% [markdown]
# Random filters see colours and edges of a sort, and they can be matched. What they do not have is channels that stand
# for something, such as "a long bright mark beside a dark one". Their products say little.
#
# ## 8. One pass
#
# A painting takes hundreds of steps, and the next one as many again: nothing is learnt. [Johnson et al.
# 2016](https://arxiv.org/abs/1603.08155) and [Ulyanov et al. 2016](https://arxiv.org/abs/1603.03417) turned it round.
# Train a network $G$ on many photographs, with **the very same loss**, for one style:
#
# $$\min_G \; \mathbb{E}_x \big[ \alpha\, L_\mathrm{content}(x, G(x)) + \beta\, L_\mathrm{style}(s, G(x)) + \gamma\,
# TV(G(x)) \big]$$
#
# Here the pairs that chapter 06 found missing are free of charge: each photograph is its own content.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The very same loss trains a network that paints in one pass
#
# $$\min_G \; \mathbb{E}_x \big[ \alpha\, L_\mathrm{content}(x, G(x)) + \beta\, L_\mathrm{style}(s, G(x)) + \gamma\,
# TV(G(x)) \big]$$
#
# One style; each photograph is its own content.
#
# ???
# (3 min) Ask: chapter 06 missed pairs. Where do they come from now? Most look for painted photographs. None are
# needed: the content is the photograph itself, the style is the one picture. Mention instance norm: each channel of
# each picture is normalised by itself, so the contrast of the photograph is gone, and how bold the strokes are is left
# to the style.

# %% minigan="apps.style"
# block, Residual, Stylist

# %% [markdown]
# `block` holds the one idea that made such networks good. **Instance norm** ([Ulyanov et al.
# 2016b](https://arxiv.org/abs/1607.08022)) normalises each channel of each picture by itself. The contrast of the
# photograph is gone after the first layer, and rightly so: how bold the strokes are is a matter of the style. Batch
# norm does the same with the statistics of *other* pictures mixed in.
#
# How it is trained is a `Task`, as in chapter 07:

# %% minigan="apps.style"
# PAINTERS_STYLE, task

# %%
photographs = whole_photographs()
crops = pick(quick=4, cpu=320, full=6_000)


def short(network: nn.Module, title: str) -> train.TrainState:
    """A short training of a small network for the whirls, from random weights."""
    whole = task(whirls, network, images=crops)
    config = replace(whole.config, ema_half_life=20)
    whole = replace(whole, config=config, size=pick(quick=32, cpu=96, full=128))
    return learn(whole, begin(whole), photographs, log_every=20, title=title)


torch.manual_seed(0)
learnt = short(Stylist(8, 2), "instance norm")

# %% [markdown]
# Within half a minute the network has found the colours and the direction of some strokes.
#
# The same network with batch norm, from the same weights, on the same crops:


# %%
def with_batch_norm(network: nn.Module) -> nn.Module:
    """The network with each instance norm replaced."""
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.InstanceNorm2d):
                setattr(module, name, nn.BatchNorm2d(child.num_features))
    return network


torch.manual_seed(0)
rival = short(with_batch_norm(Stylist(8, 2)), "batch norm")
stylist, about = weights.shipped_app("style_whirls", Stylist)
stylist.to(device)
with torch.no_grad():
    painters = {
        "instance norm": learnt.average.eval(),
        "batch norm": rival.average.eval(),
        "trained longer": stylist,
    }
    small_cat = photograph("chelsea", 192)
    passes = {name: painter(small_cat) for name, painter in painters.items()}
    for name, picture in passes.items():
        terms = in_whirls(in_whirls.target(small_cat), picture)
        print(f"{name:15} content {terms['content']:.3f}   style {terms['style']:.4f}")
alt = (
    "The cat after one pass of three networks. The two with a short training have blue and white streaks all "
    "over; the one that was trained longer has strokes of different colours that follow the face."
)
gallery(passes, alt=alt, width=192)
del learnt, rival
hardware.return_unused_memory()

# %% [markdown]
# The loss says what the eye says: the short trainings are far from done. The network that comes with the course has
# trained longer on the same loss; its card says how.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One pass paints photographs that it has never seen
#
# ???
# (3 min) Ask: what is lost against the descent? Let them look: every picture gets the same marks of the same size. The
# network has learnt a way to paint; the descent looks for the best painting of this picture. And it is one style: the
# next one needs a training of its own. The gain is time, hundreds of steps for one pass.

# %% slideshow={"slide_type": "-"} tags=["slide-title-1"]
facts = measured("style")
with torch.inference_mode():
    stylist(pagoda)  # warm up
    began = time.perf_counter()
    for _ in range(5):
        stylist(pagoda)
    ms_a_pass = 1000 * (time.perf_counter() - began) / 5
    names = ("china", "flower", "petra", "eiffelTower")
    done = {name: stylist(photograph(name)) for name in names}
print(
    f"a step {ms_a_step:.0f} ms, a pass {ms_a_pass:.0f} ms: a pass is {500 * ms_a_step / ms_a_pass:.0f} times as fast as 500 steps"
)
speed = facts["speed"]
print(
    f"by benchmarks/style.py: {speed['times']:.0f} times ({speed['least']:.0f} to {speed['most']:.0f} in five rounds)\n"
)
print("style left, as a share of the photograph's       for the network that trained    for the judge")
for row in facts["passes"]:
    once, steps_later = (
        f"{row['style_left']:.3f}, {row['painted_style_left']:.3f}",
        f"{row['judge_left']:.3f}, {row['painted_judge_left']:.3f}",
    )
    print(f"{row['content']:8} one pass, {facts['steps']} steps of descent {once:>28} {steps_later:>16}")
alt = (
    "Four photographs after one pass of the network: a pagoda, a flower, the rock front of Petra and the Eiffel tower, "
    "all in strokes of blue, white and gold."
)
gallery(done, alt=alt, columns=4, width=184)

# %% [markdown]
# One network, one pass each, photographs that it has never seen. What is lost against the descent: one style only,
# fixed in size of stroke, and every picture gets the same marks, for the network has learnt *a way to paint*, and the
# descent looks for the best painting of this picture.
#
# The table holds a surprise. By the loss, 200 steps of descent have far more of the style. By the judge, a network that
# had no part in it, the single pass has more. The descent may do anything to *this* picture that pleases *this* network,
# and some of what it does, nobody else would call style. A way to paint that has to work for all photographs cannot
# use such tricks. It is the lesson of chapter 06 once more: what has been minimised is no judge any more.
#
# ## 9. Large pictures
#
# Both ways see a picture of some hundred pixels. A camera gives four thousand, and a stroke of eight pixels would be
# dust in it. So paint small, and lay only the *change* over the large picture:

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What has been minimised is no judge any more
#
# | style left in the cat | one pass | 200 steps |
# | --- | --- | --- |
# | by the network that trained | 0.025 | 0.003 |
# | by a second network | 0.099 | 0.446 |
#
# ???
# (3 min) Cover the last row first. Ask: who paints better? By the loss it is the descent, and by far. Then the judge,
# who had no part in it, turns the order round. The descent may do anything to this picture that pleases this network,
# and some of that nobody else would call style. A way to paint that has to work for all photographs cannot use such
# tricks. It was the lesson of chapter 06: ask a second judge.

# %% minigan="apps.style"
# over_pixels

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Paint small, and lay only the change over the large picture
#
# ???
# (2 min) Ask: a camera gives 4,000 pixels, a stroke is eight wide. What would you see? Dust. So the change is painted
# on a small copy, enlarged, and added. The large picture keeps its own fine detail. Half of the change gives the
# picture in the middle. Then the command: minigan stylize cat.jpg whirls -o cat_whirls.png.

# %% slideshow={"slide_type": "-"}
large = data.photo("chateaudeChambord")
with torch.no_grad():
    change = stylist.change(within(large, SIZE * 7 // 8).to(device)).cpu()
pixels = to_pixels(large)[0]
strengths = {
    f"strength {strength:g}": to_signed(over_pixels(pixels, change, strength))[None] for strength in (0, 0.5, 1)
}
alt = (
    "A castle on a lawn three times, with none, half and all of the change: a photograph, the photograph with strokes "
    "of blue and gold over it, and a painting in which the castle is still to be seen."
)
gallery(strengths, alt=alt, width=240)

# %% [markdown]
# The large picture keeps its own fine detail under strokes that were painted small.
#
# On your own pictures, with one of these styles or any picture of yours:
#
#     minigan stylize cat.jpg whirls -o cat_whirls.png              # the network: one pass
#     minigan stylize cat.jpg painting.jpg -o painted.png           # any style: 200 steps
#     minigan stylize ./holiday mosaic -o ./painted --size 384 --strength 0.7
#     minigan train ./holiday -o run --task style --style painting.jpg    # a network of your own, and then:
#     minigan stylize cat.jpg run -o painted.png
#
# ### Which is better?
#
# Chapters 07, 09 and 10 put their results on a plane: how far from the truth, how unlike real pictures. There is no
# place on it for these. Nobody knows the true painting of the cat in strokes, so there is no distance to it; what can be
# measured is how far two demands are met, and the weights between them are taste. `benchmarks/style.py` does that,
# with a second network as the judge.
#
# ## Summary
#
# - Content is features compared place by place, style is Gram matrices: which features come together, anywhere.
# - Divide each term by its target's size. Then one set of weights serves all layers, styles, sizes and networks.
# - What is painted on decides what is found: clamped pixels give noise, plain pixels grain, a pyramid of grids areas and
#   strokes.
# - Early content layers keep the photograph, late ones lose it. A start from noise takes longer and ends elsewhere.
# - Divide Gram matrices once: else the style is gone when the picture grows. Random weights know colours, no strokes.
# - The same loss trains a network, which then needs one pass, for one style.
#
# ## Try it
#
# **1. Keep the colours** (10 minutes). The cat in whirls is blue. Write the picture that has the *brightness* of the
# painting and the *colours* of the photograph. Brightness is $Y = 0.299 R + 0.587 G + 0.114 B$. Adding the same number
# to R, G and B of a pixel changes $Y$ by that number, and leaves the differences of the channels, its colour, alone.


# %%
def keep_colours(content: Tensor, painting: Tensor) -> Tensor:
    """The painting's brightness with the photograph's colours: two images (N, 3, H, W) -> (N, 3, H, W) in [-1, 1]."""
    raise NotImplementedError


hints = [
    "Y of each picture is a weighted sum over the channels, (N, 1, H, W): a tensor of three weights, viewed as (1, 3, 1, 1).",
    "content + (Y of the painting - Y of the photograph), clamped to [-1, 1].",
]
grey, red = torch.zeros(1, 3, 1, 1), torch.tensor([0.5, -0.5, -0.5]).view(1, 3, 1, 1)
mistakes = {
    "That is the painting's colour with the photograph's brightness: the other way round.": [-0.201, -0.201, -0.201],
    "The mean of the channels is not their brightness: green counts most.": [0.6667, -0.3333, -0.3333],
}
with suppress(NotYet), checking("Keep the colours", hints) as c:
    c.close(
        keep_colours(red, grey).flatten().tolist(),
        [0.701, -0.299, -0.299],
        "a red pixel, painted grey",
        mistakes=mistakes,
    )
    c.close(keep_colours(red, red), red, "nothing painted")
    c.close(float(keep_colours(red, grey + 1).max()), 1.0, "stays in [-1, 1]")

# %% [markdown]
# Then `gallery({"colours kept": keep_colours(cat, usual)}, alt=...)`. Which styles survive it, and which were nothing but colour?
# ([Gatys et al. 2016b](https://arxiv.org/abs/1606.05897) do the same before the painting. What is the difference?)
#
# **2. Two styles** (20 minutes). Mix whirls and mosaic: the mean of two style terms, or the distance to the mean of two
# sets of Gram matrices? Predict which of the two can reach 0. Paint both.
#
# **3. Coarse to fine** (an hour). Paint at 128 pixels, enlarge the change, go on at 256, then at 512. Strokes of the
# size of the small picture stay, and fine ones come on top. At equal seconds, is it better than 512 at once?
#
# **4. A film** (open). Pass the frames of a short film through `stylist` one by one. Why do the strokes flicker where
# the picture hardly moves? Add a term that punishes it, and train again.
#
# **5. A style of your own** (an hour of the machine). Draw a pattern as in `minigan.apps.patterns`, or take a photograph
# of something with a strong texture, and train a network for it with `minigan train --task style`.
#
# More tasks, each with its check, stand in [the exercises to this chapter](../exercises/08_style_transfer/08_style_transfer.ipynb).
#
# ## References
#
# - L. Gatys, A. Ecker, M. Bethge, [Texture Synthesis Using Convolutional Neural
#   Networks](https://arxiv.org/abs/1505.07376), 2015.
# - L. Gatys, A. Ecker, M. Bethge, [Image Style Transfer Using Convolutional Neural
#   Networks](https://doi.org/10.1109/CVPR.2016.265), 2016.
# - L. Gatys et al., [Preserving Color in Neural Artistic Style Transfer](https://arxiv.org/abs/1606.05897), 2016.
# - J. Johnson, A. Alahi, L. Fei-Fei, [Perceptual Losses for Real-Time Style Transfer and
#   Super-Resolution](https://arxiv.org/abs/1603.08155), 2016.
# - D. Ulyanov et al., [Texture Networks: Feed-forward Synthesis of Textures and Stylized
#   Images](https://arxiv.org/abs/1603.03417), 2016.
# - D. Ulyanov, A. Vedaldi, V. Lempitsky, [Instance Normalization: The Missing Ingredient for Fast
#   Stylization](https://arxiv.org/abs/1607.08022), 2016.
# - Y. Li et al., [Demystifying Neural Style Transfer](https://arxiv.org/abs/1701.01036), 2017.
# - A. Mordvintsev et al., [Differentiable Image Parameterizations](https://doi.org/10.23915/distill.00012), 2018.
#
# **Next:** [09 Denoising](09_denoising.ipynb). Why does the smallest error look blurred?
