# %% [markdown]
# # Exercises for chapter 06: Perceptual loss
#
# They go with [chapter 06](../../notebooks/06_perceptual_loss.ipynb). Each task has its place for your answer, and under
# it a check: run it as often as you like, it answers at once and each time with a stronger hint. Your progress is kept in
# this folder; `minigan progress` shows it.
#
# This set is about what a distance rewards, what it is blind to, and how it is lost without an error.

# %%
from collections.abc import Callable, Collection

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minigan import data, plot
from minigan.backbones import Backbone
from minigan.course.checking import checking
from minigan.perceptual import FeatureDistance

# %% [markdown] task="variety" kind="predict" minutes=8 points=3 trains="what a loss asks for, in numbers"
# ## The price of variety
#
# Think of a feature that is one number. Three quarters of the real pictures have the feature 0, one quarter has the
# feature 4. Its mean is 1 and its variance 3. Four generators, and what each of them pays on average:
#
# 1. A **perfect** one draws 0 and 4 as often as they are real. Its fakes are compared with unrelated real pictures.
# 2. A **lazy** one always draws a picture with the feature 0, the commonest one. Compared in the same way.
# 3. A **collapsed** one always draws a picture with the feature 1, which no real picture has. Compared in the same way.
# 4. The **perfect** one again, but its loss is that of feature matching, with the means over batches of three.
#
# Each comparison is a squared difference. Which of them does training prefer? Work the four numbers out before you run
# anything: section 5 has the formula for the first three, section 6 for the last.

# %% answer="variety"
prediction = [..., ..., ..., ...]  # what the four pay: perfect, lazy, collapsed, perfect with matched means
### BEGIN SOLUTION
prediction = [3 + 3, 1 + 3, 3, (3 + 3) / 3]
### END SOLUTION

# %% check="variety"
hints = [
    "Three parts: the squared distance of the two means, the spread of the fakes, the spread of the real pictures.",
    "The spread of the real pictures, 3, is paid by everybody. Who has a spread of his own, and whose mean is not 1?",
    "With means over n pictures both spreads are divided by n, and the squared distance of the means stays whole.",
]
chance = torch.Generator().manual_seed(0)


def drawn(count: int) -> Tensor:
    """Features of so many real pictures: three quarters are 0, one quarter is 4."""
    return 4.0 * (torch.rand(count, generator=chance) < 0.25)


many = 600_000
measured = [
    float((drawn(many) - drawn(many)).square().mean()),
    float(drawn(many).square().mean()),
    float((drawn(many) - 1).square().mean()),
    float((drawn(many).view(-1, 3).mean(1) - drawn(many).view(-1, 3).mean(1)).square().mean()),
]
spoken = list(prediction) if isinstance(prediction, list | tuple | Tensor) and len(prediction) == 4 else [None] * 4
spoken = [float(one) if isinstance(one, int | float) or getattr(one, "numel", int)() == 1 else None for one in spoken]
whose = ("the perfect generator", "the lazy one", "the collapsed one", "the perfect one, with matched means")
mistakes = [
    {
        "A perfect generator does not pay nothing: its fake and the real picture of the batch are unrelated.": 0.0,
        "Two draws differ, not one: the fakes have a spread as well, and it is paid too.": 3.0,
    },
    {
        "Its mean is 0 and not 1: that distance is paid as well.": 3.0,
        "The distance of the means is not all: the real pictures are spread around theirs.": 1.0,
        "To draw the commonest picture is no spread, but the comparison is with pictures of both kinds.": 0.0,
    },
    {
        "Its mean is right, and still each single comparison is with a 0 or a 4, never with a 1.": 0.0,
        "A generator that always draws the same has no spread of its own.": 6.0,
    },
    {
        "Equal distributions have equal means, but the means over a batch of three are not the means.": 0.0,
        "Both batches are drawn at random: two spreads are divided by three.": 1.0,
        "A mean over three is three times as steady: the spread is divided by the size of the batch.": 6.0,
        "The variance of a mean falls with n, not with n squared.": 6 / 9,
    },
]
with checking("The price of variety", hints) as c:
    for number, value, name, known in zip(spoken, measured, whose, mistakes, strict=True):
        c.close(number, value, f"what {name} pays, measured", 0.02, mistakes=known)
### BEGIN HIDDEN TESTS
probe("prediction", spoken, within=0.01)
### END HIDDEN TESTS

# %% [markdown] task="jury" kind="complete" minutes=10 points=3 trains="how a measure is compared with people"
# ## A measure before a jury
#
# How does one find out whether a measure sees as people do? [Zhang et al. 2018](https://arxiv.org/abs/1801.03924) showed
# people a picture and two damaged copies of it, again and again, and asked: which copy is nearer to the picture? People
# do not agree. So the answer to question $q$ is a share: $v_q$ of them, from 0 to 1, chose the *second* copy.
#
# A measure answers the same question with two distances from the picture, $a_q$ of the first copy and $b_q$ of the
# second. It gets the share of people who agree with it: $v_q$ where it finds the second copy nearer, $1 - v_q$ where it
# finds the first one nearer, and $\frac12$ where its two distances are equal. Its **score** is the mean over all
# questions.
#
# No measure can get 1 where people disagree. The **ceiling** is the score of the best imaginable measure, which always
# sides with the majority. Give both.


# %% answer="jury"
def before_a_jury(first: Tensor, second: Tensor, votes: Tensor) -> tuple[Tensor, Tensor]:
    """The score of a measure and its ceiling, two scalars.

    first, second: the distances of the two copies from the picture, (Q,). votes: the share of people who found the
    second copy nearer, (Q,).
    """
    ### BEGIN SOLUTION
    credit = torch.where(second < first, votes, 1 - votes)
    credit = torch.where(second == first, 0.5, credit)
    return credit.mean(), torch.maximum(votes, 1 - votes).mean()
    ### END SOLUTION


# %% check="jury"
hints = [
    "Make a tensor of what each question brings, (Q,), and take its mean at the end.",
    "torch.where(second < first, votes, ...) says it for all questions at once. What about equal distances?",
    "The ceiling takes for each question the larger of votes and 1 - votes.",
]


def verdict(first: list[float], second: list[float], votes: list[float]) -> tuple[object, object]:
    """Score and ceiling of an answer; None where it gives no pair."""
    found = before_a_jury(torch.tensor(first), torch.tensor(second), torch.tensor(votes))
    return tuple(found) if isinstance(found, tuple | list) and len(found) == 2 else (None, None)


with checking("A measure before a jury", hints) as c:
    score, ceiling = verdict([3.0], [1.0], [0.8])
    c.close(
        score,
        0.8,
        "the second copy is nearer, and 8 of 10 people say so",
        mistakes={
            "A small distance means near: the copy with the smaller distance is the one that the measure chooses.": 0.2,
            "People count by their share, not by their majority alone.": 1.0,
            "Return the mean over the questions, not the sum, and first the score.": 8.0,
        },
        hint="Where the second copy is nearer to the measure, it gets the share of people who chose the second.",
    )
    c.close(
        ceiling,
        0.8,
        "no measure gets more than 0.8 there",
        mistakes={
            "Not 1: two of ten people will disagree with whatever a measure says.": 1.0,
            "That is how often two people agree. A measure can always side with the majority.": 0.68,
            "The ceiling knows nothing of the distances. It sides with the majority, whichever copy that is.": 0.2,
        },
    )
    score, ceiling = verdict([3.0, 1.0, 2.0, 0.0], [1.0, 4.0, 2.0, 0.5], [0.9, 0.7, 0.2, 0.4])
    c.close(
        score,
        (0.9 + 0.3 + 0.5 + 0.6) / 4,
        "four questions, one of them with equal distances",
        mistakes={
            "Equal distances: the measure has no opinion, and gets 1/2.": (0.9 + 0.3 + 0.8 + 0.6) / 4,
            "Equal distances are no vote for the second copy: the measure gets 1/2.": (0.9 + 0.3 + 0.2 + 0.6) / 4,
            "A question with equal distances is not left out, and it is not worth nothing.": (0.9 + 0.3 + 0.6) / 4,
            "A question with equal distances counts in the mean: it brings 1/2.": (0.9 + 0.3 + 0.6) / 3,
            "Return the mean over the questions, not the sum.": 0.9 + 0.3 + 0.5 + 0.6,
        },
        hint="Each question brings the share of people who agree with the measure. Take the mean at the end.",
    )
    c.close(
        ceiling,
        (0.9 + 0.7 + 0.8 + 0.6) / 4,
        "their ceiling",
        mistakes={
            "The majority is found for each question, not for all together.": 0.55,
            "Return the mean over the questions, not the sum.": 3.0,
            "The majority may be for the first copy: then it is 1 - v of the people.": (0.9 + 0.7 + 0.2 + 0.4) / 4,
        },
    )
### BEGIN HIDDEN TESTS
first, second, votes = given(
    "jury",
    lambda g: [torch.randint(5, (200,), generator=g).float() for _ in range(2)] + [torch.rand(200, generator=g)],
)
hidden_score, hidden_ceiling = before_a_jury(first, second, votes)
probe("score", hidden_score)
probe("ceiling", hidden_ceiling)
probe("scale", before_a_jury(first.exp(), second.exp(), votes)[0])
### END HIDDEN TESTS

# %% [markdown] task="silences" kind="mend" minutes=15 points=4 trains="features that stay what they were, and gradients that arrive"
# ## Three silences
#
# A colleague has cut the features out of a network by hand. In her training the feature loss stands in the sum and in the
# log, and it changes nothing. No error, no warning. There are three faults in her function, and two of them show only
# when the first has been mended. The numbers in `layers` say which modules of `net` count, the first one being 0.
#
# What it ought to do: for each of these modules the mean squared difference of what *it* puts out for the two batches,
# over all pictures, channels and places; then the sum over the modules. The gradient must reach the fakes. The weights
# of `net` are frozen already.


# %% given="silences"
def feature_loss(net: nn.Sequential, real: Tensor, fake: Tensor, layers: Collection[int]) -> Tensor:
    """The sum over the layers of the mean squared difference of features: images (N, C, H, W) -> scalar."""

    def collect(images: Tensor) -> list[Tensor]:
        kept = []
        for number, module in enumerate(net):
            images = module(images)
            if number in layers:
                kept.append(images)
        return kept

    with torch.no_grad():  # the network is not trained
        real_features, fake_features = collect(real), collect(fake)
    differences = [a - b for a, b in zip(real_features, fake_features, strict=True)]
    return torch.stack([one.square().sum() / len(real) for one in differences]).sum()


# %% answer="silences"
def feature_loss(net: nn.Sequential, real: Tensor, fake: Tensor, layers: Collection[int]) -> Tensor:
    """The sum over the layers of the mean squared difference of features: images (N, C, H, W) -> scalar."""

    def collect(images: Tensor) -> list[Tensor]:
        kept = []
        for number, module in enumerate(net):
            images = module(images)
            if number in layers:
                kept.append(images.clone())  # the next module may write over it
        return kept

    with torch.no_grad():  # the targets need no gradient
        real_features = collect(real)
    differences = [a - b for a, b in zip(real_features, collect(fake), strict=True)]
    return torch.stack([one.square().mean() for one in differences]).sum()


# %% check="silences"
hints = [
    "Follow a gradient backwards from the loss to the fakes. Where does it end?",
    "What does ReLU(inplace=True) do to a tensor that is in the list already?",
    "The third fault shows when the picture grows: the loss must not grow with it.",
]


def small_net() -> nn.Sequential:
    """Convolution, ReLU in place, convolution, on one pixel at a time, with weights that can be followed by hand."""
    net = nn.Sequential(nn.Conv2d(1, 2, 1, bias=False), nn.ReLU(inplace=True), nn.Conv2d(2, 1, 1, bias=False))
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([1.0, -1.0]).view(2, 1, 1, 1))  # x and -x
        net[2].weight.copy_(torch.tensor([1.0, 3.0]).view(1, 2, 1, 1))  # the first, and three times the second
    return net.requires_grad_(False)


def loss_of(side: int, layers: Collection[int]) -> tuple[object, Tensor]:
    """The loss of an even picture of 0.5 against one of -0.5, two of each, and the fakes."""
    real, fake = torch.full((2, 1, side, side), 0.5), torch.full((2, 1, side, side), -0.5, requires_grad=True)
    return feature_loss(small_net(), real, fake, layers), fake


with checking("Three silences", hints) as c:
    c.close(
        loss_of(1, [2])[0],
        1.0,
        "one pixel, the last convolution alone: 0.5 against 1.5",
        mistakes={
            "The loss is a mean over the batch as well.": 2.0,
            "That is what goes into the module, not what comes out of it.": 0.25,
        },
    )
    c.close(
        loss_of(4, [2])[0],
        1.0,
        "16 equal pixels cost what one of them costs",
        mistakes={"The loss grows with the picture: the weight of a layer would depend on its size.": 16.0},
    )
    c.close(
        loss_of(1, [0])[0],
        1.0,
        "the first convolution alone: (0.5, -0.5) against (-0.5, 0.5)",
        mistakes={
            "The negative features are gone: the ReLU has written over what was kept.": 0.25,
            "The channels are part of the mean.": 2.0,
            "The negative features are gone, and the channels are part of the mean.": 0.5,
        },
    )
    value, fake = loss_of(3, [0, 2])
    c.close(value, 2.0, "both together")
    reached = isinstance(value, Tensor) and value.requires_grad
    c.true(
        reached,
        "the loss has a gradient",
        "it has none: in a sum with other terms nobody would notice",
        hint="The gradient never reaches the fakes: no_grad belongs around the real pictures only.",
    )
    if reached:
        (gradient,) = torch.autograd.grad(value, fake, allow_unused=True)
        # by hand, of one pixel: (0.5 - f)^2 and (0.5 + 3f)^2 have the slopes -2 and -6 at f = -0.5; 18 pixels share them
        c.close(
            gradient,
            torch.full((2, 1, 3, 3), -8 / 18),
            "and it reaches the fakes through both layers",
            hint="Some of the gradient is lost on its way to the fakes.",
        )
### BEGIN HIDDEN TESTS
real, fake, kernels = given(
    "silences",
    lambda g: [torch.rand(3, 1, 6, 5, generator=g) * 2 - 1 for _ in range(2)] + [torch.randn(80, generator=g)],
)
net = nn.Sequential(
    nn.Conv2d(1, 4, 3, bias=False), nn.ReLU(inplace=True), nn.Conv2d(4, 2, 1, bias=False), nn.ReLU(True)
)
with torch.no_grad():
    net[0].weight.copy_(kernels[:36].view(4, 1, 3, 3))
    net[2].weight.copy_(kernels[36:44].view(2, 4, 1, 1))
net.requires_grad_(False)
fake.requires_grad_()
for layers in ([0], [2], [0, 1, 2, 3]):
    found = feature_loss(net, real, fake, layers)
    probe(f"loss {layers}", found)
    probe(f"gradient {layers}", torch.autograd.grad(found, fake)[0])
### END HIDDEN TESTS

# %% [markdown] task="blind" kind="explain" minutes=10 points=4 trains="telling a distance by what it is blind to"
# ## Four measures without a name
#
# A cat's face, and five other pictures. Four measures say how far each of the five is from the first. They are the squared
# error of pixels; the squared distance of features, place by place, at an early layer (`block0`) and at a late one
# (`block10`) of the pretrained network; and the squared distance of Gram matrices at `block2`. In each chart the distance of
# the flower is 1. The order of the measures is not told.

# %%
SIDE = 192


def shuffled(picture: Tensor, side: int = 32) -> Tensor:
    """The picture cut into squares, which are put together again in another order."""
    squares = picture.unfold(2, side, side).unfold(3, side, side).flatten(2, 3)
    order = torch.randperm(squares.shape[2], generator=torch.Generator().manual_seed(2))
    flat = squares[:, :, order].permute(0, 1, 3, 4, 2).flatten(1, 3)
    return F.fold(flat, picture.shape[-2:], side, stride=side)


whole = data.photo("chelsea")
face = whole[..., 60 : 60 + SIDE, 110 : 110 + SIDE]
others = {
    "moved": whole[..., 60 : 60 + SIDE, 116 : 116 + SIDE],
    "darker": 0.6 * face - 0.3,
    "blurred": data.resize(data.resize(face, SIDE // 6), SIDE),
    "in pieces": shuffled(face),
    "a flower": data.photo("flower")[..., 60 : 60 + SIDE, 160 : 160 + SIDE],
}
backbone = Backbone("efficientnet_lite0", ("block0", "block2", "block10"))


def only(layer: str, distance: str) -> Callable[[Tensor, Tensor], Tensor]:
    """The distance at one layer."""
    return FeatureDistance(backbone, {name: float(name == layer) for name in backbone.layers}, distance)


measures = {
    "A": only("block2", "style"),
    "B": only("block0", "euclidean"),
    "C": lambda real, fake: (real - fake).square().mean(),
    "D": only("block10", "euclidean"),
}
alt = "A cat's face; moved a little to the side; darker; blurred; cut into squares in another order; and a flower."
plot.compare({"": torch.cat([face, *others.values()])}, titles=["the face", *others], alt=alt, width=8)
alt = (
    "Four bar charts. A: blurred is the largest, moved and in pieces are nearly 0. B: moved and in pieces are both large. "
    "C: blurred is nearly 0, darker and moved are alike. D: in pieces is large, moved and darker are small."
)
with plot.figure(4, alt=alt, size=(2.3, 2.1)) as axes, torch.no_grad():
    for axis, (name, measure) in zip(axes, measures.items(), strict=True):
        far = [float(measure(face, other)) for other in others.values()]
        axis.barh(list(others), [one / far[-1] for one in far], color=plot.REAL)
        axis.set(title=name, xlim=(0, 1.4))
        axis.invert_yaxis()
        if axis is not axes[0]:
            axis.set_yticks([])

# %% [markdown]
# Which chart belongs to which measure? For each, name the bar that gives it away, and say why it must be so. Then: which
# of the four would you take to say whether a picture has been *damaged*, and which mistake would it still make? Six to
# eight sentences.

# %% [markdown] explain="blind"
# A is the Gram matrices: the pieces and the moved face are next to 0, for Gram matrices forget where things are. The blur
# is farther than a flower, because the fine marks are gone from everywhere. C is the squared error of pixels: the blurred
# face is almost no distance, although everybody sees the damage, and the change of light counts ten times as much. B is
# the early layer: it compares edges place by place, so a face that has moved by six pixels is nearly as far as one in
# pieces. D is the late layer: it forgives the move and the light, and it does not forgive the pieces, since parts of a
# face must stand in their places. For damage I would take D. It is a matter of degree, though: it takes pieces for worse
# than a blur, and it hardly sees the loss of light.
#
# **Rubric.**
#
# - 1 point: A is the Gram matrices, because the pieces (or the move) cost nothing: places are forgotten.
# - 1 point: C is the pixels, because a blur costs next to nothing, or because light counts for more than damage.
# - 1 point: B and D are told apart by the move: edges at an early layer have all moved, the late layer forgives it.
# - 1 point: a choice with a reason that follows from the charts, and a mistake of that measure that the charts show.

# %% [markdown] task="masked" kind="complete" minutes=20 points=5 trains="weights for places, at the size of each layer"
# ## Look here
#
# A face may matter more than the wall behind it. So let a mask say where to look, $m$ with one number from 0 to 1 for each
# pixel. The feature maps are smaller than the picture: a place $p$ of the map stands for a square of pixels, and its
# weight $w_p$ is **the mean of the mask over that square**. The distance of one pair of maps is then a weighted mean over
# the places:
#
# $$d = \frac{\sum_p w_p \, \frac1C \sum_c (F_{cp}(x) - F_{cp}(y))^2}{\sum_p w_p}$$
#
# $F(x)$ are the features of the real picture and $F(y)$ those of the fake, $C$ is the number of channels, $c$ counts them.
# Where the mask is 1 everywhere, this is the squared distance of the chapter. Where it is 0 everywhere, nothing is to be
# seen, and the distance is 0. Each picture of a batch has a mask of its own, and the sides of the mask are multiples of
# those of the map.


# %% answer="masked"
def distance_in(mask: Tensor, real: Tensor, fake: Tensor) -> Tensor:
    """The squared distance of two feature maps where the mask says: -> (N,), one number for each pair.

    mask: (N, 1, H, W) from 0 to 1. real, fake: features (N, C, h, w), with H and W multiples of h and w.
    """
    ### BEGIN SOLUTION
    weights = F.adaptive_avg_pool2d(mask, real.shape[-2:])
    apart = (real - fake).square().mean(1, keepdim=True)
    return (weights * apart).flatten(1).sum(1) / weights.flatten(1).sum(1).clamp(min=1e-12)
    ### END SOLUTION


# %% check="masked"
hints = [
    "Three steps: the mask at the size of the map, (N, 1, h, w); the squared difference at each place; a weighted mean.",
    "F.adaptive_avg_pool2d takes the mean over squares. F.interpolate would only look at single pixels.",
    "Divide by the sum of the weights of this picture, and keep that sum away from 0, as with clamp(min=1e-12).",
]
one = torch.ones(1, 1, 4, 4)
apart = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).view(1, 1, 2, 2)  # the differences of the four places of a map
nothing = torch.zeros(1, 1, 2, 2)


def single(found: object) -> object:
    """The only number of an answer of shape (1,), so that it can be compared with numbers."""
    return found.flatten()[0] if isinstance(found, Tensor) and found.numel() == 1 else found


with checking("Look here", hints) as c:
    found = distance_in(one, torch.cat([nothing, nothing], 1), torch.cat([apart, 3 * apart], 1))
    c.shape(
        found,
        (1,),
        "one number for each pair",
        hint="Each pair has its own distance, so the answer is (N,): no mean over the batch.",
    )
    c.close(
        single(found),
        5 * 7.5,
        "a mask of 1 gives the mean over channels and places",
        mistakes={
            "The channels are averaged, not added.": 75.0,
            "Divide by the sum of the weights at the size of the map, not by that of the mask's pixels.": 37.5 / 4,
            "It is a mean over the places, not a sum.": 150.0,
            "The difference is squared.": 5.0,
        },
    )
    left = one.clone()
    left[..., 2:] = 0
    c.close(
        single(distance_in(left, nothing, apart)),
        5.0,
        "the left half of the mask: the places 1 and 3",
        mistakes={
            "Divide by the sum of the weights, so that a small mask is not a small distance.": 2.5,
            "Divide by the sum of the weights at the size of the map, not by that of the mask's pixels.": 1.25,
            "That is the right half, where the mask is 0.": 10.0,
        },
    )
    dots = torch.zeros(1, 1, 8, 8)  # the first place has 1 of 16, the last one 1.5 of 16
    dots[0, 0, 0, 0], dots[0, 0, 7, 7], dots[0, 0, 6, 7] = 1, 0.5, 1
    c.close(
        single(distance_in(dots, nothing, apart)),
        (1 + 1.5 * 16) / 2.5,
        "single pixels count by their share of the square",
        mistakes={
            "The first pixel of each square decided. The weight is the mean over the whole square.": 1.0,
            "The middle of each square decided. The weight is the mean over the whole square.": 0.0,
            "The largest number of each square decided. The weight is the mean over the whole square.": 8.5,
            "The mask weighs squared differences. It must not be squared along with them.": 37 / 16 / 2.5,
        },
        hint="The weight of a place is the mean of the mask over the square of pixels that it stands for.",
    )
    c.close(
        single(distance_in(0 * one, nothing, apart)),
        0.0,
        "an empty mask gives 0",
        hint="An empty mask divides 0 by 0. Keep the sum of the weights away from 0.",
    )
    double = distance_in(torch.cat([left, one]), torch.cat([nothing] * 2), torch.cat([apart, 2 * apart]))
    c.close(
        double,
        torch.tensor([5.0, 30.0]),
        "two pictures, each with its own mask",
        mistakes={"Each picture is divided by the sum of its own weights, not by that of the batch.": [10 / 6, 20.0]},
        hint="Each picture has its own mask and its own sum of weights.",
    )
    c.close(single(distance_in(0.2 * left, nothing, apart)), 5.0, "a mask of 0.2 looks at the same places as one of 1")
### BEGIN HIDDEN TESTS
mask, real, fake = given(
    "masked",
    lambda g: [
        torch.rand(3, 1, 12, 8, generator=g) * (torch.rand(3, 1, 12, 8, generator=g) < 0.4),
        torch.randn(3, 5, 3, 4, generator=g),
        torch.randn(3, 5, 3, 4, generator=g),
    ],
)
fake.requires_grad_()
value = distance_in(mask, real, fake)
probe("value", value)
probe("gradient", torch.autograd.grad(value.sum(), fake)[0])
probe("empty", distance_in(0 * mask, real, fake))
probe("same size", distance_in(mask[..., :3, :4], real, fake))
### END HIDDEN TESTS
