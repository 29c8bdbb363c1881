# %% [markdown]
# # Exercises for chapter 08: Style transfer
#
# They go with [chapter 08](../../notebooks/08_style_transfer.ipynb). Each task has its place for your answer, and under it
# a check: run it as often as you like, it answers at once and each time with a stronger hint. Your progress is kept in this
# folder; `minigan progress` shows it.
#
# This set is about what counts as style: products of channels, their means and spreads, and the size of a stroke.

# %%
import math
from collections.abc import Callable

import torch
from torch import Tensor

from minigan import data, plot, weights
from minigan.apps.style import Stylist, relative, within
from minigan.course.checking import checking
from minigan.perceptual import gram

# %% [markdown] task="louder" kind="predict" minutes=6 points=3 trains="what a Gram matrix notices, and how much"
# ## Louder, silent, turned over
#
# Three odd painters. Whatever the features $F$ of the target are, the first one makes a picture that has the features
# $2F$, the second $0$, and the third $-F$. Each of them is compared with the target by the two terms of section 1: the
# content term is `relative(F, found)`, the style term is `relative(gram(F), gram(found))`, where `relative` is the mean
# squared difference, divided by the mean square of the target.
#
# Six numbers, before you run anything: the content term of the three, then their style term.

# %% answer="louder"
content_terms = [..., ..., ...]  # of 2 F, 0 and -F
style_terms = [..., ..., ...]
### BEGIN SOLUTION
content_terms = [1, 1, 4]
style_terms = [9, 1, 0]
### END SOLUTION

# %% check="louder"
hints = [
    "Put found = 2 F into ||found - F||^2 / ||F||^2. Then do the same for 0 and for -F.",
    "What becomes of a product of two channels when both are twice as large? And when both change their sign?",
    "The Gram matrix of 2 F is 4 times that of F, and the Gram matrix of -F is that of F.",
]
features = torch.randn(2, 5, 8, 8, generator=torch.Generator().manual_seed(0))
painters = {"2 F": 2 * features, "0": 0 * features, "-F": -features}
measured_content = [float(relative(features, found)) for found in painters.values()]
measured_style = [float(relative(gram(features), gram(found))) for found in painters.values()]


def three(spoken: object) -> list[float | None]:
    """Three numbers of an answer; None for what is no number."""
    found = list(spoken) if isinstance(spoken, list | tuple | Tensor) and len(spoken) == 3 else [None] * 3
    return [float(number) if isinstance(number, int | float | Tensor) else None for number in found]


content_mistakes = [
    {
        "From F to 2 F it is as far as from F to 0: the difference is F, not 2 F.": 4.0,
        "Twice as loud is not the same: places are compared by their numbers.": 0.0,
    },
    {"Where nothing is found, the whole target is missing.": 0.0},
    {
        "From F to -F it is twice as far as to 0, and the distance is squared.": 2.0,
        "Place by place the sign counts.": 0.0,
    },
]
style_mistakes = [
    {
        "A Gram matrix holds products: when both factors double, the product is four times as large.": 1.0,
        "The difference of 4 and 1 is squared, too.": 3.0,
        "The Gram matrix of the target is taken away before the square.": 16.0,
        "Gram matrices forget places, and not how strong the features are.": 0.0,
    },
    {"Where nothing is found, the whole target is missing.": 0.0},
    {
        "When both factors of a product change their sign, the product keeps it.": 4.0,
        "The products of -F are those of F, so nothing is missing.": 1.0,
    },
]
with checking("Louder, silent, turned over", hints) as c:
    for kind, spoken, values, mistakes in (
        ("content", three(content_terms), measured_content, content_mistakes),
        ("style", three(style_terms), measured_style, style_mistakes),
    ):
        for painter, number, value, known in zip(painters, spoken, values, mistakes, strict=True):
            c.close(number, value, f"the {kind} term of {painter}, measured", 1e-3, mistakes=known)
### BEGIN HIDDEN TESTS
probe("content terms", three(content_terms), within=0.01)
probe("style terms", three(style_terms), within=0.01)
### END HIDDEN TESTS

# %% [markdown] task="clothes" kind="complete" minutes=12 points=4 trains="statistics of a channel, over the right axes"
# ## Other clothes
#
# Instance norm takes the contrast of each channel away. [Huang & Belongie 2017](https://arxiv.org/abs/1703.06868) (eq. 8)
# put another one on: that of a style picture. Their *adaptive* instance norm gives the features $F$ of a photograph the
# mean and the spread of the features $S$ of a style, channel by channel:
#
# $$\mathrm{AdaIN}(F, S) = \sigma(S)\, \frac{F - \mu(F)}{\sigma(F)} + \mu(S)$$
#
# $\mu$ and $\sigma$ are the mean and the standard deviation of one channel of one picture over its places. The style may have
# another size than the photograph. Divide by the number of places for the variance (not by one less), and use
# $\sqrt{\text{variance} + 10^{-5}}$ for both $\sigma$, so that a channel that is the same everywhere does no harm.


# %% answer="clothes"
def adaptive_norm(content: Tensor, style: Tensor) -> Tensor:
    """The content's features with the style's mean and spread: (N, C, H, W), (N, C, h, w) -> (N, C, H, W)."""
    ### BEGIN SOLUTION

    def statistics(features: Tensor) -> tuple[Tensor, Tensor]:
        mean = features.mean((2, 3), keepdim=True)
        return mean, ((features - mean).square().mean((2, 3), keepdim=True) + 1e-5).sqrt()

    (mean, spread), (new_mean, new_spread) = statistics(content), statistics(style)
    return new_spread * (content - mean) / spread + new_mean
    ### END SOLUTION


# %% check="clothes"
hints = [
    "Two numbers for each channel of each picture: (N, C, 1, 1). Which axes does the mean run over?",
    "features.mean((2, 3), keepdim=True), and features.var((2, 3), correction=0, keepdim=True).",
    "Take the content's mean away, divide by its spread, multiply by the style's spread, add the style's mean.",
]
plain = torch.tensor([-1.0, 1.0, 1.0, -1.0]).view(1, 1, 2, 2)  # mean 0, spread 1
dressed = torch.tensor([2.0, 8.0]).view(1, 1, 1, 2)  # mean 5, spread 3
exchanged = torch.tensor([-1.0, 1.0]).view(1, 1, 1, 2)  # the style with the photograph's mean and spread
wavy = torch.tensor([0.0, 0.0, 2.0, 2.0]).view(1, 1, 2, 2)  # mean 1, spread 1
pair = torch.cat([wavy, 10 * wavy + 4], 1)  # two channels
with checking("Other clothes", hints) as c:
    found = adaptive_norm(plain, dressed)
    c.close(
        found,
        3 * plain + 5,
        "a channel of -1 and 1 gets the mean 5 and the spread 3, whatever the style's size",
        1e-3,
        mistakes={
            "The two are exchanged: the photograph keeps its places and gets the style's statistics.": exchanged,
            "The mean of the style is not added.": 3 * plain,
            "The spread is the root of the variance.": 9 * plain + 5,
            "The variance is divided by the number of places, not by one less.": 3 * math.sqrt(1.5) * plain + 5,
            "The photograph's own contrast is kept: multiply by the spread of the style.": plain + 5,
            "Divide by the spread of the photograph, and multiply by that of the style.": plain / 3 + 5,
        },
    )
    c.close(
        adaptive_norm(wavy, dressed),
        3 * (wavy - 1) + 5,
        "a channel of mean 1 does so, too",
        1e-3,
        mistakes={
            "Take the photograph's mean away first.": 3 * wavy + 5,
        },
    )
    c.close(
        adaptive_norm(pair, torch.cat([dressed, 2 * dressed], 1)),
        torch.cat([3 * (wavy - 1) + 5, 6 * (wavy - 1) + 10], 1),
        "each channel has its own mean and spread",
        1e-3,
        hint="Mean and spread belong to one channel: the axes are those of the places, 2 and 3.",
    )
    c.close(
        adaptive_norm(torch.cat([wavy, 5 * wavy]), torch.cat([dressed, dressed - 9])),
        torch.cat([3 * (wavy - 1) + 5, 3 * (wavy - 1) - 4]),
        "each picture of a batch, too",
        1e-3,
        hint="Mean and spread belong to one picture: batch norm mixes the pictures, instance norm does not.",
    )
    c.close(
        adaptive_norm(torch.full((1, 1, 2, 2), 7.0), dressed),
        torch.full((1, 1, 2, 2), 5.0),
        "a channel that is the same everywhere becomes the style's mean",
        1e-3,
        hint="A channel without spread divides 0 by 0: add 1e-5 to the variance before the root.",
    )
### BEGIN HIDDEN TESTS
content, style = given(
    "clothes", lambda g: [torch.randn(3, 4, 6, 5, generator=g) * 3 + 1, torch.randn(3, 4, 3, 7, generator=g).exp()]
)
content.requires_grad_()
style.requires_grad_()
dressed_up = adaptive_norm(content, style)
gradients = torch.autograd.grad(dressed_up.square().sum() + dressed_up[:, :, 0, 0].sum(), [content, style])
probe("features", dressed_up)
probe("gradients", list(gradients))
probe("own clothes", adaptive_norm(content, content))
probe("faint", adaptive_norm(1e-3 * content, style))
### END HIDDEN TESTS

# %% [markdown] task="descent" kind="mend" minutes=15 points=4 trains="what is moved, and what must not be"
# ## The picture that would not be painted
#
# To paint is to walk downhill with a picture as the parameter. A colleague wrote the walk by himself. The loss falls at
# the first step and then no more. And when it is over, the photograph that he began with is another one. There are three
# faults, and one of them shows only when another has been mended.
#
# What it ought to do: begin with a copy of the start. At each step compute the gradient of the loss in the picture, move the
# picture by minus `rate` times that gradient, and cut it back to [-1, 1]. Return the picture after the last step, without
# its graph, and leave `start` as it was.


# %% given="descent"
def walk(start: Tensor, loss: Callable[[Tensor], Tensor], steps: int, rate: float = 0.5) -> Tensor:
    """Gradient descent on the pixels of a picture, kept in [-1, 1]: any shape -> the same."""
    picture = start.requires_grad_()
    optimizer = torch.optim.SGD([picture], rate)
    for _ in range(steps):
        loss(picture).backward()
        optimizer.step()
        picture = picture.detach().clamp(-1, 1).requires_grad_()
    return picture.detach()


# %% answer="descent"
def walk(start: Tensor, loss: Callable[[Tensor], Tensor], steps: int, rate: float = 0.5) -> Tensor:
    """Gradient descent on the pixels of a picture, kept in [-1, 1]: any shape -> the same."""
    picture = start.detach().clone().requires_grad_()
    optimizer = torch.optim.SGD([picture], rate)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(picture).backward()
        optimizer.step()
        with torch.no_grad():
            picture.clamp_(-1, 1)
    return picture.detach()


# %% check="descent"
hints = [
    "Which tensor does the optimiser move, and which one does the loss see at the second step? Are they still the same?",
    "What is in picture.grad when backward is called a second time?",
    "Clone the start, call zero_grad at each step, and clamp the parameter itself under no_grad: clamp_.",
]


def bowl(aim: float) -> Callable[[Tensor], Tensor]:
    """A loss that is least where all pixels are `aim`; its gradient is the distance to it."""
    return lambda picture: (picture - aim).square().sum() / 2


def plane(picture: Tensor) -> Tensor:
    """A loss with the same slope everywhere, 0.2 for each pixel."""
    return 0.2 * picture.sum()


stuck = "The picture moves at the first step only: after it, the optimiser holds another tensor than the loss sees."
with checking("The picture that would not be painted", hints) as c:
    start = torch.full((1, 1, 2, 2), 0.8)
    one, kept = torch.ones(1, 1, 2, 2), start.clone()
    first = walk(start, bowl(0.0), 1)
    c.close(
        first,
        0.4 * one,
        "one step goes half of the way",
        mistakes={
            "The picture goes uphill: the step is minus the rate times the gradient.": one,
            "Return the picture after the last step.": 0.8 * one,
            "The rate of the step is the argument `rate`.": 0.0 * one,
        },
    )
    c.close(
        start,
        kept,
        "the start is left as it was",
        hint="The photograph itself was painted over: begin with a copy of it.",
    )
    c.true(
        not start.requires_grad,
        "and it asks for no gradient",
        "it does now",
        "Begin with a copy: requires_grad_ changes the tensor itself.",
    )
    start = kept.clone()
    c.close(
        walk(start, bowl(0.0), 3),
        0.1 * one,
        "three steps halve the distance three times",
        mistakes={
            stuck: 0.4 * one,
            "The gradients of all steps so far are added up. Set them to zero before each step.": -0.5 * one,
        },
    )
    c.close(
        walk(kept.clone(), plane, 4),
        0.4 * one,
        "four steps on an even slope",
        mistakes={
            "The gradients of all steps so far are added up. Set them to zero before each step.": -0.2 * one,
            stuck: 0.7 * one,
        },
    )
    c.close(
        walk(kept.clone(), bowl(5.0), 6),
        one,
        "what is whiter than white is cut back",
        hint="The picture has left [-1, 1]: cut it back after each step.",
    )
    # uphill for two steps and then downhill: who has been cut back at 1 is sooner back
    calls: list[int] = []

    def turning(picture: Tensor) -> Tensor:
        calls.append(1)
        return (-1.0 if len(calls) <= 2 else 1.0) * picture.sum()

    c.close(
        walk(0 * one + 0.6, turning, 3),
        0.5 * one,
        "it is cut back at each step, not only at the end",
        mistakes={
            "Cut the picture back after each step: at the end it is too late.": one,
        },
    )
    graph = walk(kept.clone(), bowl(0.0), 1)
    c.true(
        isinstance(graph, Tensor) and graph.grad_fn is None and not graph.requires_grad,
        "the picture comes without its graph",
        "it still asks for gradients",
        "Return the picture detached from its graph.",
    )
### BEGIN HIDDEN TESTS
hidden_start, hidden_aim = given(
    "descent", lambda g: [torch.rand(2, 3, 4, 4, generator=g) * 2 - 1, torch.randn(2, 3, 4, 4, generator=g) * 1.5]
)
hidden_kept = hidden_start.clone()
hidden_end = walk(hidden_start, lambda picture: (picture - hidden_aim).pow(4).sum() / 40, 7, 0.3)
probe("end", hidden_end)
probe("start", hidden_start, truth=lambda: hidden_kept)
probe("graph", [hidden_start.requires_grad, hidden_end.requires_grad])
probe("no steps", walk(hidden_kept, bowl(0.0), 0))
### END HIDDEN TESTS

# %% [markdown] task="strokes" kind="explain" minutes=10 points=4 trains="what a network's reach makes of a picture's size"
# ## One network, three pagodas
#
# The trained network of the chapter, the same weights, the same photograph. It was given 96 pixels wide, 192 and 384. The
# three paintings are shown at one width.

# %%
stylist = weights.shipped_app("style_whirls", Stylist)[0]
pagoda = data.photo("china")
with torch.no_grad():
    paintings = {f"{side} pixels wide": stylist(within(pagoda, side)) for side in (96, 192, 384)}
alt = (
    "A photograph of a pagoda, and its painting three times. From 96 pixels it is made of a few broad, blurred strokes, and "
    "its storeys can hardly be counted; from 192 the strokes are half as broad; from 384 fine lines lie over all details."
)
with plot.figure(2, 2, alt=alt, size=(3.5, 2.6)) as axes:
    for axis, (name, picture) in zip(axes.flat, {"the photograph": pagoda, **paintings}.items(), strict=True):
        axis.imshow(plot.tile(picture), interpolation="bicubic")
        axis.set_title(name)
        axis.axis("off")

# %% [markdown]
# Why are the strokes of the three so different, although nothing was changed but the size of the photograph? You want a
# poster of 4,000 pixels in the manner of the first painting, with the detail of the camera: what do you do with this
# network, without training it again? And you may train a new one, for the same style: what would you change so that *it*
# paints broad strokes on a picture of 384 pixels? Five to seven sentences.

# %% [markdown] explain="strokes"
# A convolution counts pixels. The network has learnt strokes that are so and so many pixels broad, from a style picture
# whose strokes have that size, and it sees only a neighbourhood of fixed size. On a photograph of 96 pixels such a stroke
# covers a large part of the pagoda, on one of 384 a quarter of that, so the strokes are finer and more of the photograph
# is left between them. For the poster I paint small: give the network the picture at 96 pixels, take the *change* that it
# makes, enlarge the change and lay it over the large picture, which keeps its own detail (section 9). For a network with
# broad strokes I would enlarge the style picture, about four times, before its Gram matrices are taken, since they know
# strokes by their size in pixels. The strokes may then be larger than the early layers of the loss and the network's
# neighbourhood can see, so deeper layers or one more halving would be needed.
#
# **Rubric.**
#
# - 1 point: the network's strokes have a fixed size in pixels (convolutions, a fixed neighbourhood), so relative to the
#   picture they shrink as it grows.
# - 1 point: that size comes from the style picture at the size at which its Gram matrices were taken.
# - 1 point: for the poster the change is painted small, enlarged, and laid over the large picture.
# - 1 point: for the new network the style picture is enlarged (or the training pictures are made smaller), or the loss and
#   the network see farther, with a reason.

# %% [markdown] task="kernel" kind="complete" minutes=25 points=5 trains="the same number by another way"
# ## Style without a Gram matrix
#
# The chapter says in passing that matching Gram matrices is the same as matching two bags of feature vectors by a kernel
# distance, with the kernel $k(f, g) = (f^\top g)^2$ ([Li et al. 2017](https://arxiv.org/abs/1701.01036)). Make use of it.
# Let $f_1 \ldots f_P$ be the feature vectors at the $P$ places of the one picture and $g_1 \ldots g_Q$ those at the $Q$ places of the
# other, each with $C$ channels. Then the distance of the Gram matrices, as the chapter divides them, is
#
# $$\lVert \mathrm{Gram}(f) - \mathrm{Gram}(g) \rVert^2 = \frac{1}{P^2} \sum_{p, p'} k(f_p, f_{p'})
# - \frac{2}{PQ} \sum_{p, q} k(f_p, g_q) + \frac{1}{Q^2} \sum_{q, q'} k(g_q, g_{q'})$$
#
# The left side is the **sum** of the squared differences of all $C \times C$ entries. The right side never makes a matrix of
# $C \times C$ numbers. Where the channels are many and the places few, that is the only way: the check has a map of six million
# channels and two places, whose Gram matrix would take 144 terabytes.
#
# Write the right side, and divide it by $C^2$, so that it is the chapter's mean squared difference.


# %% answer="kernel"
def style_by_kernel(real: Tensor, fake: Tensor) -> Tensor:
    """The mean squared difference of two Gram matrices, from inner products: (N, C, H, W), (N, C, h, w) -> (N,)."""
    ### BEGIN SOLUTION
    f, g = real.flatten(2), fake.flatten(2)

    def similar(one: Tensor, other: Tensor) -> Tensor:
        return ((one.mT @ other) / one.shape[1]).square().mean((1, 2))

    return similar(f, f) - 2 * similar(f, g) + similar(g, g)
    ### END SOLUTION


# %% check="kernel"
hints = [
    "Flatten the places: f is (N, C, P) and g is (N, C, Q). All inner products of a place of f with one of g are f.mT @ g.",
    "Three such matrices, (N, P, P), (N, P, Q) and (N, Q, Q). Square their numbers and take the mean of each.",
    "The first mean, minus twice the second, plus the third, all divided by C squared.",
]
f = torch.tensor([[1.0, 0.0], [0.0, 2.0]]).view(1, 2, 1, 2)  # two channels, two places: (1, 0) and (0, 2)
g = torch.tensor([3.0, 1.0]).view(1, 2, 1, 1)  # one place: (3, 1)
random = torch.Generator().manual_seed(0)
deep = torch.randn(2, 30, 3, 4, generator=random)
with checking("Style without a Gram matrix", hints) as c:
    found = style_by_kernel(f, g)
    c.shape(
        found,
        (1,),
        "one number for each pair",
        hint="Each pair has its own distance: the means run over places, not over the batch.",
    )
    if isinstance(found, Tensor) and found.numel() == 1:
        found = found.flatten()[0]
    # by hand: Gram(f) = [[1/2, 0], [0, 2]] and Gram(g) = [[9, 3], [3, 1]]
    c.close(
        found,
        (8.5**2 + 3**2 + 3**2 + 1) / 4,
        "two places against one, by hand",
        mistakes={
            "Divide by C squared: it is a mean over the entries of the Gram matrix.": 91.25,
            "Divide by C squared, not by C.": 91.25 / 2,
            "The middle term counts twice.": (17 / 4 - 13 / 2 + 100) / 4,
            "The middle term is taken away.": (17 / 4 + 13 + 100) / 4,
            "The kernel is the square of the inner product.": (5 / 4 - 5 + 10) / 4,
            "The sums are means: divide by P squared, by PQ and by Q squared.": (17 - 26 + 100) / 4,
            "The two sums of a picture with itself run over all pairs of places, p with p' as well.": (
                17 / 2 - 13 + 100
            )
            / 4,
        },
    )
    c.close(style_by_kernel(deep, deep), torch.zeros(2), "no distance of a picture to itself")
    c.close(
        style_by_kernel(deep, deep.flip(2, 3)),
        torch.zeros(2),
        "none to the same places in another order",
        hint="Places are compared one by one here. Style forgets them: every place meets every place.",
    )
    c.close(
        style_by_kernel(2 * torch.ones(2, 3, 2, 2), torch.ones(2, 3, 5, 1)),
        torch.full((2,), 9.0),
        "features of 2 against features of 1: (4 - 1) squared",
    )
    many = 6_000_000
    try:
        large = style_by_kernel(
            torch.ones(1, 1, 1, 1).expand(1, many, 1, 2), torch.zeros(1, 1, 1, 1).expand(1, many, 1, 1)
        )
    except (RuntimeError, MemoryError):
        large = None
    c.close(
        large,
        torch.ones(1),
        "six million channels at two places",
        1e-3,
        hint="A Gram matrix of six million channels has no room anywhere: use the inner products of places."
        if large is None
        else "",
    )
### BEGIN HIDDEN TESTS
real, fake = given(
    "kernel", lambda g: [torch.randn(3, 6, 4, 5, generator=g), 2 * torch.randn(3, 6, 2, 7, generator=g) + 1]
)
fake.requires_grad_()
apart = style_by_kernel(real, fake)
probe("apart", apart, within=1e-3)
probe("gradient", torch.autograd.grad(apart.sum(), fake)[0], within=1e-3)
probe("wide", style_by_kernel(real[:, :1], fake[:, :1]), within=1e-3)
### END HIDDEN TESTS
