# %% [markdown]
# # Exercises for chapter 12: Outlook
#
# They go with [chapter 12](../../notebooks/12_outlook.ipynb). Each task has its place for your answer, and under it a
# check: run it as often as you like, it answers at once and each time with a stronger hint. Your progress is kept in
# this folder; `minigan progress` shows it.
#
# This set is about the four open questions: what a channel does, whether a network copies, where the time goes, and who
# is missing.

# %%
import math
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minigan import data, metrics, plot, weights
from minigan.backbones import Backbone
from minigan.course.checking import checking

generator = weights.shipped("peeps")[0].eval().requires_grad_(False)
eyes = Backbone("efficientnet_lite0", ["block10"], size=64)
heads = data.load("peeps")[:400]


def features_of(images: Tensor) -> Tensor:
    """What EfficientNet sees in drawn heads, (N, 3, 64, 64) -> (N, D), at the layer of section 4."""
    return metrics.embed(images, lambda part: eyes(part)["block10"])


# %% [markdown] task="levers" kind="predict" minutes=5 points=2 trains="what is left when a part becomes free"
# ## Two levers
#
# A step of a training takes 100 ms. Of these, 60 ms go to the R1 penalty and 40 ms to all else. Now the penalty is
# found at every 4th step only (and is four times as strong there). How many times as fast is the training, over many
# steps?
#
# Then the batch is also shared by two processes on two machines. Each has half of the sums to do. At the end of each
# step they average their gradients, which takes 5 ms. How many times as fast is it now, compared with the beginning?
#
# Give both numbers, to two decimal places.

# %% answer="levers"
prediction = [..., ...]  # with the first lever, with both
### BEGIN SOLUTION
prediction = [100 / (40 + 60 / 4), 100 / ((40 + 60 / 4) / 2 + 5)]
### END SOLUTION


# %% check="levers"
def clock(processes: int, steps: int = 4000) -> float:
    """Milliseconds of a training with the lazy penalty, step by step."""
    total = 0.0
    for step in range(steps):
        total += (40 + 60 * (step % 4 == 0)) / processes + 5 * (processes > 1)
    return total / steps


spoken = list(prediction) if isinstance(prediction, list | tuple) and len(prediction) == 2 else [None, None]
found = [100 / clock(1), 100 / clock(2)]
misconceptions = [
    {
        "Only the penalty becomes four times as cheap, not the whole step.": 4.0,
        "The penalty still costs a quarter of what it did.": 2.5,
        "The penalty is the part with 60 ms, and the other 40 stay.": 1.43,
        "That is the share of the time that is left. Times as fast is its inverse.": 0.55,
        "What is saved is 45 ms of 100. How long is a step now, and how often does that fit into 100?": 1.45,
    },
    {
        "The messages cost 5 ms at each step.": 3.64,
        "The messages are not halved: each process has to wait for them.": 3.33,
        "Two processes halve what is left after the first lever, penalty and all else.": 2.0,
        "Add times, not factors: how long does a step take with both levers?": 3.82,
    },
]
hints = [
    "How many milliseconds do four steps take together? Compare with 400.",
    "With both: half of 55 ms, and the message.",
]
with checking("Two levers", hints) as c:
    for number, which, known in zip((0, 1), ("the lazy penalty alone", "both levers"), misconceptions, strict=True):
        c.predicted(spoken[number], found[number], which, 0.015, known)
### BEGIN HIDDEN TESTS
probe("prediction", list(spoken), within=0.01)
### END HIDDEN TESTS

# %% [markdown] task="gap" kind="mend" minutes=12 points=4 trains="measuring without changing what is measured"
# ## A thermometer that warms the patient
#
# A colleague watches the gap of $D$ (section 2) during a training. With $D$ giving *logits*,
#
# $$r = \frac{\mathbb{E}[D(x_\text{training})] - \mathbb{E}[D(x_\text{new})]}{\mathbb{E}[D(x_\text{training})] -
# \mathbb{E}[D(G(z))]}$$
#
# His $r$ jumps about and says little. Stranger still: since he measures, the training itself goes another way. He has
# made three faults.
#
# As it should be: $D$ is asked in eval mode. Afterwards *each part* of it is in the mode in which it was found, and
# nothing in it has changed. The three batches may differ in size. The result is a float.


# %% given="gap"
def gap_of_d(discriminator: nn.Module, training: Tensor, new: Tensor, fake: Tensor) -> float:
    """Where D puts new real images between those it was trained on, 0, and fakes, 1: (N, C, H, W) each."""
    with torch.no_grad():
        known = discriminator(training).sigmoid().mean()
        unknown = discriminator(new).sigmoid().mean()
        low = discriminator(fake).sigmoid().mean()
    return float((known - unknown) / (unknown - low))


# %% answer="gap"
def gap_of_d(discriminator: nn.Module, training: Tensor, new: Tensor, fake: Tensor) -> float:
    """Where D puts new real images between those it was trained on, 0, and fakes, 1: (N, C, H, W) each."""
    modes = [(part, part.training) for part in discriminator.modules()]
    discriminator.eval()
    with torch.no_grad():
        known, unknown, low = (discriminator(images).mean() for images in (training, new, fake))
    for part, mode in modes:
        part.training = mode
    return float((known - unknown) / (known - low))


# %% check="gap"
hints = [
    "Compare the last line with the formula. Then: what does the formula say of a sigmoid?",
    "What does a batch norm in training mode do with each batch that it sees, no_grad or not?",
    "Remember part.training for all discriminator.modules(), call eval(), measure, and set each back.",
]


def reader() -> nn.Sequential:
    """A discriminator whose logit is the mean of the picture; its batch norm does nothing in eval mode."""
    return nn.Sequential(nn.BatchNorm2d(1, affine=False), nn.Flatten(), nn.Dropout(0.5), nn.AvgPool1d(4), nn.Flatten(0))


def flat(count: int, value: float) -> Tensor:
    """Pictures (count, 1, 2, 2) of one value."""
    return torch.full((count, 1, 2, 2), value)


patient = reader()
patient[2].eval()  # a part that is frozen while the others train
before = [part.training for part in patient.modules()]
with checking("A thermometer that warms the patient", hints) as c:
    shown = flat(3, 4.0), flat(5, 1.0), flat(2, -2.0)
    value = gap_of_d(patient, *shown)
    sigmoids = [1 / (1 + math.exp(-logit)) for logit in (4.0, 1.0, -2.0)]
    c.close(
        value,
        0.5,
        "logits of 4, 1 and -2: new pictures are half-way",
        mistakes={
            "The whole way is from training pictures to fakes: see the denominator.": 1.0,
            "The formula takes logits. A sigmoid squeezes those that are far out.": (sigmoids[0] - sigmoids[1])
            / (sigmoids[0] - sigmoids[2]),
            "A sigmoid squeezes the logits, and the denominator is another one.": (sigmoids[0] - sigmoids[1])
            / (sigmoids[1] - sigmoids[2]),
            "That is where new pictures lie, seen from the fakes; from the training pictures it is the rest.": -0.5,
            "In training mode batch norm brings each batch to mean 0: ask D in eval mode.": float("nan"),
        },
        hint="Is D in eval mode, and are these the means of its logits?",
    )
    c.close(
        patient[0].running_mean,
        [0.0],
        "the batch norm has learnt nothing from it",
        hint="The running mean has moved: a batch norm in training mode learns from whatever it sees.",
    )
    c.equal(
        [part.training for part in patient.modules()],
        before,
        "each part is in the mode in which it was",
        hint="Set each part back to its own mode: some are frozen, others train.",
    )
    c.true(
        isinstance(value, float),
        "the result is a float",
        f"it is {type(value).__name__}",
        hint="Give back a float.",
    )
    c.close(
        gap_of_d(patient, flat(2, 1.0), flat(2, -2.0), flat(2, 0.0)),
        3.0,
        "above 1, where copies of the fakes are more real than new pictures",
        hint="Nothing is to be clamped: a gap above 1 says something.",
    )
    asleep = reader().eval()
    gap_of_d(asleep, *shown)
    c.true(
        not any(part.training for part in asleep.modules()),
        "a D that was in eval mode stays there",
        "it trains now",
        hint="Set each part back to the mode in which it was found, not to training.",
    )
### BEGIN HIDDEN TESTS
training, new, fake = given(
    "gap", lambda g: tuple(torch.randn(n, 1, 2, 2, generator=g) + m for n, m in ((7, 2.0), (4, 0.5), (9, -1.5)))
)
examined = reader()
examined[0].eval()
probe("gap", gap_of_d(examined, training, new, fake))
probe("modes", [part.training for part in examined.modules()])
examined.train()
probe("gap in training", gap_of_d(examined, training, new, fake))
probe("statistics", examined[0].running_mean)
probe("modes in training", [part.training for part in examined.modules()])
### END HIDDEN TESTS

# %% [markdown] task="copies" kind="explain" minutes=8 points=4 trains="what a nearest neighbour proves, and what not"
# ## Nothing copied?
#
# Somebody wants to show that the generator of heads copies nothing. Below each drawn head (row G) stands the one that
# is nearest to it among 400 of the 2,400 training heads: once by the squared difference of the pixels, once by the
# distance of EfficientNet's features. Which row is which is not told.

# %%
drawn = generator(torch.randn(8, 128, generator=torch.Generator().manual_seed(4)))
seen, seen_in_drawn = features_of(heads), features_of(drawn)
centre = seen.mean(0)
by_features = F.normalize(seen_in_drawn - centre, dim=1) @ F.normalize(seen - centre, dim=1).T  # cosines
by_pixels = -torch.cdist(drawn.flatten(1), heads.flatten(1))
rows = {"G": drawn, "A": heads[by_pixels.argmax(1)], "B": heads[by_features.argmax(1)]}
alt = (
    "Eight drawn heads and below each two training heads. In row A the areas agree in tone and place, with other hair or another mouth. In row B hair and "
    "glasses agree in kind, often with a paler or darker face."
)
plot.compare(rows, alt=alt, width=7.6)

# %% [markdown]
# Which row belongs to which ruler, and by what do you know it? What does the figure show about copying, and what can it
# *not* show? Name two things that you would change or add before you believe it. Four to seven sentences.

# %% [markdown] explain="copies"
# A is by pixels: skin and shirt have nearly the same tone in the same places, since large areas make up most of a
# squared difference, while a mouth or a beard may be another one. B is by features: knots of hair are found again, and
# sunglasses, though the tone of the face differs. No drawn head equals its neighbours, so these eight are no plain
# copies of these 400. More it does not show. Five sixths of the training heads have not been looked at, eight drawings
# are few, and a distance says nothing by itself. I would search all 2,400, and add the control of chapter 03: how near
# do *new real* heads come to the training heads? If drawn heads are nearer than they, that is the alarm. The gap of D
# would be another one.
#
# **Rubric.**
#
# - 1 point: A is pixels and B is features, with a reason that is seen in the figure (tone and place of areas against
#   kinds of hair or glasses).
# - 1 point: the drawn heads shown are no copies of the heads shown, but that is all.
# - 1 point: a limit is named: 400 of 2,400, only eight drawings, each ruler sees only some kinds of likeness (a
#   mirrored or shifted copy is far in pixels).
# - 1 point: two sensible additions, of which one is a control by new real heads (or the share that is nearer, or the
#   gap of D).

# %% [markdown] task="silence" kind="complete" minutes=15 points=4 trains="a derivative in place of many experiments"
# ## 96 answers at once
#
# Section 1 silenced one channel after the other: 96 times through the second half of the generator. Where a number $m$
# is measured on the picture, say how red the shirt is, there is a shortcut. To silence a channel is to change its map
# from $a$ to 0, and the first term of the Taylor series says what that does ([Molchanov et al.
# 2017](https://arxiv.org/abs/1611.06440), section 2.2, uses it to find the channels that a network can do without):
#
# $$\Delta m_c \approx - \sum_{h, w} a_{chw} \frac{\partial m}{\partial a_{chw}}$$
#
# One backward pass gives it for all channels of all pictures. Write it. `second_half` makes pictures of maps (N, C, H,
# W), each picture from its own maps alone. `measure` makes one number of each picture, (N,). Nothing that was given may
# change, and no parameter may get a gradient in its `.grad`.


# %% answer="silence"
def silenced(maps: Tensor, second_half: Callable[[Tensor], Tensor], measure: Callable[[Tensor], Tensor]) -> Tensor:
    """By how much the measure would change, about, if a channel were silent: maps (N, C, H, W) -> (N, C)."""
    ### BEGIN SOLUTION
    maps = maps.detach().clone().requires_grad_()
    (slope,) = torch.autograd.grad(measure(second_half(maps)).sum(), maps)
    return -(maps * slope).sum((2, 3)).detach()
    ### END SOLUTION


# %% check="silence"
hints = [
    "torch.autograd.grad(number, maps) needs one number. The pictures do not influence each other, so their sum will do.",
    "maps.detach().clone().requires_grad_() is a copy that can have a gradient.",
    "Then minus maps times gradient, summed over the two axes of places.",
]
random = torch.Generator().manual_seed(0)
small = torch.arange(1.0, 9.0).view(1, 2, 2, 2).repeat(2, 1, 1, 1)
small[1] *= -1
kept, weigh = small.clone(), nn.Conv2d(2, 1, 1, bias=False)
with torch.no_grad():
    weigh.weight.copy_(torch.tensor([2.0, 3.0]).view(1, 2, 1, 1))
with checking("96 answers at once", hints) as c:
    answer = silenced(small, weigh, lambda pictures: pictures.sum((1, 2, 3)))
    c.close(
        answer,
        [[-20.0, -78.0], [20.0, 78.0]],
        "weights of 2 and 3, by hand: the sums of the maps are 10 and 26",
        mistakes={
            "Silence takes away: mind the sign.": [[20.0, 78.0], [-20.0, -78.0]],
            "That is the slope alone. It has to be multiplied by the map.": [[-8.0, -12.0], [-8.0, -12.0]],
            "Sum over the places, do not take the mean.": [[-5.0, -19.5], [5.0, 19.5]],
            "One number for each picture and channel: the pictures are not to be added up.": [[0.0, 0.0], [0.0, 0.0]],
            "The change has a sign: no absolute values.": [[20.0, 78.0], [20.0, 78.0]],
            "Take the sum of the measures over the pictures before the gradient, not their mean.": [
                [-10.0, -39.0],
                [10.0, 39.0],
            ],
        },
        hint="One number for each picture and channel, (N, C).",
    )
    c.true(
        torch.equal(small, kept) and not small.requires_grad,
        "the maps are as they were",
        "they have changed, or want a gradient now",
        hint="Work on a copy: maps.detach().clone().",
    )
    c.true(
        weigh.weight.grad is None,
        "no parameter got a gradient",
        "a weight has a .grad",
        hint="backward() fills the .grad of all weights; torch.autograd.grad asks for one gradient only.",
    )
    c.close(
        silenced(small, lambda maps: maps.square(), lambda pictures: pictures.sum((1, 2, 3))),
        [[-60.0, -348.0], [-60.0, -348.0]],
        "squares, by hand: minus twice the sums of the squares, 30 and 174",
        mistakes={
            "That is the true change, found by silencing. Asked is the first term of the series, from one gradient.": [
                [-30.0, -174.0],
                [-30.0, -174.0],
            ],
        },
    )
    with torch.no_grad():
        maps = generator.blocks[:6](generator.start(torch.randn(4, 128, 1, 1, generator=random)))

    def draw(maps: Tensor) -> Tensor:
        return generator.to_image(generator.blocks[6:](maps)).tanh()

    def red_shirt(pictures: Tensor) -> Tensor:
        return (pictures[:, 0] - pictures[:, 2])[:, 58:63, 12:50].mean((1, 2))

    answer = silenced(maps, draw, red_shirt)
    c.shape(answer, (4, 96), "96 channels of four heads", hint="One number for each picture and channel, (N, C).")
    if c.rows[-1].passed:
        some = [0, 4, 6, 17, 24, 46, 60, 83]
        with torch.no_grad():
            plain = red_shirt(draw(maps))
            truth = torch.stack(
                [red_shirt(draw(maps * (torch.arange(96) != channel)[:, None, None])) - plain for channel in some], 1
            )
        alike = float(torch.corrcoef(torch.stack([truth.flatten(), answer.detach()[:, some].flatten()]))[0, 1])
        c.true(
            alike > 0.8,
            "it foretells what eight channels do to the shirt when they are silenced",
            f"the correlation with the truth is {alike:.2f}",
        )
### BEGIN HIDDEN TESTS
maps, weight = given("silence", lambda g: (torch.randn(3, 5, 4, 6, generator=g), torch.randn(2, 5, 1, 1, generator=g)))
answer = silenced(maps, lambda part: F.conv2d(part, weight).tanh(), lambda pictures: (pictures**2).mean((1, 2, 3)))
probe("bent", answer)
probe("free", answer.requires_grad or maps.requires_grad, truth=lambda: False)
probe(
    "offset",
    silenced(maps[:1], lambda part: F.conv2d(part, weight) + 3, lambda pictures: pictures.square().sum((1, 2, 3))),
    within=1e-3,
)
### END HIDDEN TESTS

# %% [markdown] task="cover" kind="improve" minutes=30 points=6 trains="choosing so that nobody is far away"
# ## Sixteen heads for the cover
#
# The course needs a cover with sixteen of the 400 training heads. Who draws sixteen at random gets the frequent ones
# twice, and whole kinds not at all. The wish: *nobody is far from the cover.* For each of the 400 take the distance of
# its features to the nearest of the sixteen. The largest of these distances is the score. Less is better.
#
# Write `cover(features, number)`: so many different indices, chosen from features (N, D). You have 15 seconds on two
# processor cores for 400 heads. A random cover is the yardstick: the check draws 200 of them and asks for a score of at
# most 0.84 of their median. The picture below the check is yours.
#
# A start ([Gonzalez 1985](https://doi.org/10.1016/0304-3975(85)90224-5)): take any head, then again and again the one
# that is farthest from all taken so far. It never does worse than twice the best cover. But it hangs on the first head.
# What else can you try in 15 seconds?


# %% answer="cover"
def cover(features: Tensor, number: int) -> Tensor:
    """So many indices (number,) of features (N, D), so that the farthest of all is near to one of them."""
    ### BEGIN SOLUTION
    distances = torch.cdist(features, features)
    best, chosen = math.inf, None
    for first in range(len(features)):
        taken, near = [first], distances[first]
        while len(taken) < number:
            taken.append(int(near.argmax()))
            near = torch.minimum(near, distances[taken[-1]])
        if float(near.max()) < best:
            best, chosen = float(near.max()), taken
    return torch.tensor(chosen)
    ### END SOLUTION


# %% check="cover"
hints = [
    "Compute all distances once: torch.cdist(features, features). A cover is a few rows of it; their minimum by columns is who is near.",
    "Farthest first: keep the distance of each head to the nearest taken so far, take the argmax, and update by torch.minimum.",
    "Do so from each of the heads as the first, and keep the best cover.",
]


def farthest(features: Tensor, chosen: Tensor) -> float:
    """The largest distance from any of the features (N, D) to the nearest of the chosen."""
    return float(torch.cdist(features, features[chosen]).amin(1).max())


def by_chance(features: Tensor, number: int) -> float:
    """The median score of 200 random covers."""
    random = torch.Generator().manual_seed(0)
    scores = [farthest(features, torch.randperm(len(features), generator=random)[:number]) for _ in range(200)]
    return sorted(scores)[100]


chosen = None
with checking("Sixteen heads for the cover", hints) as c:
    lent, started = seen.clone(), time.process_time()
    answer = cover(lent, 16)
    seconds = time.process_time() - started
    answer = torch.as_tensor(answer) if isinstance(answer, list | tuple) or hasattr(answer, "shape") else answer
    c.shape(answer, (16,), "sixteen heads", hint="Give back 16 indices, one for each head of the cover.")
    if c.rows[-1].passed:
        usable = (
            not answer.is_floating_point()
            and bool(((answer >= 0) & (answer < 400)).all())
            and len(answer.unique()) == 16
        )
        c.true(
            usable,
            "different ones, by their numbers from 0 to 399",
            f"they are {answer.tolist()}",
            hint="The same head stands on the cover twice, or there is no such head.",
        )
        c.close(lent, seen, "the features are as they were", hint="The features that were given have changed.")
        c.true(
            seconds < 15,
            "within 15 seconds of computing",
            f"it took {seconds:.1f}",
            hint="Too slow: compute all distances once, and update minima.",
        )
        if usable:
            chosen = answer
            ratio = farthest(seen, answer) / by_chance(seen, 16)
            advice = (
                "That is a cover by chance, or worse: look at who is far from all chosen so far."
                if ratio > 0.92
                else "Good, but it hangs on the first head: try several."
            )
            c.true(
                ratio <= 0.84,
                "the farthest head is at most 0.84 of what chance leaves",
                f"it is {ratio:.3f}",
                hint=advice,
            )
### BEGIN HIDDEN TESTS
crowd = given(
    "cover",
    lambda g: torch.cat(
        [torch.randn(n, 6, generator=g) + 4 * torch.randn(6, generator=g) for n in (120, 40, 20, 10, 5, 3, 2, 2, 1, 1)]
    ),
)
answer = torch.as_tensor(cover(crowd, 12))
fine = answer.shape == (12,) and len(answer.unique()) == 12
probe("covered", bool(fine and farthest(crowd, answer) < 0.62 * by_chance(crowd, 12)), truth=lambda: True)
### END HIDDEN TESTS

# %%
if chosen is not None:
    rows = {
        "chance": heads[torch.randperm(400, generator=torch.Generator().manual_seed(1))[:16]],
        "yours": heads[chosen],
    }
    alt = "Two rows of sixteen drawn heads: sixteen by chance, with like heads more than once, and the sixteen of the chosen cover."
    plot.compare(rows, alt=alt, width=9)
