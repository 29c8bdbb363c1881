# %% [markdown]
# # Exercises for chapter 11: Generation
#
# They go with [chapter 11](../../notebooks/11_generation.ipynb). Each task has its place for your answer, and under it
# a check: run it as often as you like, it answers at once and each time with a stronger hint. Your progress is kept in
# this folder; `minigan progress` shows it.
#
# This set is about steering: what a label has to reach, what lies between two classes, and how to walk and to edit
# among latents.

# %%
import math
import time

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minigan import data, plot, weights
from minigan.apps.generate import ConditionalBatchNorm, ConditionalGenerator, slerp, walk, with_labels
from minigan.course.checking import checking
from minigan.nets import Generator

peeps = weights.shipped("peeps")[0].eval()

# %% [markdown] task="apart" kind="predict" minutes=4 points=2 trains="lengths in many dimensions"
# ## Far from each other
#
# Two latents of `peeps` are drawn, each with 128 coordinates from the standard normal distribution. Both have a length
# of about 11.3. How far are they from *each other*, about? Give one number. The sum of squares of section 4 is all that
# it takes.

# %% answer="apart"
prediction = ...  # the distance of two random latents
### BEGIN SOLUTION
prediction = math.sqrt(2 * 128)  # each coordinate of the difference has the variance 2
### END SOLUTION


# %% check="apart"
one, other = torch.randn(2, 2000, 128, generator=torch.Generator().manual_seed(0))
measured = float((one - other).norm(dim=1).mean())
misconceptions = {
    "That is the length of one of them, and the way from the origin. Two latents do not lie there.": math.sqrt(128),
    "So far apart are opposite points of the shell. Two random ones are not opposite.": 2 * math.sqrt(128),
    "They are on the same thin shell, but the shell is wide: they may lie anywhere on it.": 0.0,
    "Independent numbers add their variances, not their standard deviations.": 22.6,
    "Take the square root: 256 is the squared distance.": 256.0,
    "A difference of two independent numbers varies more than one of them, not less.": 8.0,
}
hints = [
    "Take one coordinate of the difference. What are its mean and its variance?",
    "The difference is a normal vector too, with variance 2 in each of 128 coordinates. What is the mean of its squared length?",
]
with checking("Far from each other", hints) as c:
    c.predicted(prediction, measured, "as measured on 2,000 pairs", 0.35, misconceptions)
### BEGIN HIDDEN TESTS
probe("prediction", prediction if isinstance(prediction, int | float) else None, within=0.02)
### END HIDDEN TESTS

# %% [markdown] task="between" kind="explain" minutes=8 points=4 trains="what a network was never asked"
# ## Half a boot
#
# `fashion_classes` has a scale and a shift for each class in its batch norms. Nothing forbids mixing the numbers of two
# classes. In the rows A below, the scales and shifts go in a straight line from those of one class to those of another,
# with the same $z$. In the rows B the two *pictures* at the ends are mixed, in the same shares.

# %%
garments = weights.shipped_app("fashion_classes", ConditionalGenerator)[0].eval()


@torch.no_grad()
def between(start: int, end: int, share: float) -> Tensor:
    """A garment whose class lies between two: the scales and shifts of the batch norms are mixed."""
    features = torch.randn(1, 64, 1, 1, generator=torch.Generator().manual_seed(3))
    for layer in (*garments.start, *garments.blocks):
        if isinstance(layer, ConditionalBatchNorm):
            scale, shift = (torch.lerp(*table.weight[[start, end]], share) for table in (layer.scale, layer.shift))
            features = scale[:, None, None] * layer.norm(features) + shift[:, None, None]
        else:
            features = layer(features)
    return garments.to_image(features).tanh()


shares = [step / 6 for step in range(7)]
rows = {}
for start, end in (("sneaker", "ankle boot"), ("trouser", "dress"), ("T-shirt", "bag")):
    way = torch.cat([between(data.FASHION.index(start), data.FASHION.index(end), share) for share in shares])
    rows[f"A: {start} to {end}"] = way
    rows[f"B: {start} to {end}"] = torch.cat([torch.lerp(way[:1], way[-1:], share) for share in shares])
alt = (
    "Three pairs of rows of seven garments. In A a sneaker's shaft grows, a slit between trouser legs closes, a shirt turns to a bag, each with a "
    "woven grid of dots near the middle. In B the two ends shine through each other."
)
plot.compare(rows, titles=[f"{share:.2f}" for share in shares], alt=alt, width=7)

# %% [markdown]
# What is the difference between A and B in the middle column, and what does it say about what the mixed numbers of A
# mean? Both ends are clean garments. Why does the middle of A have faults that neither end has? And what would you
# change in the *training* to get a good half boot? Four to seven sentences.

# %% [markdown] explain="between"
# In B the two pictures lie on top of each other like a double exposure: two outlines, and no garment has both. In A
# there is one outline in between: the shaft of the shoe has grown half-way and the slit has closed in part. So scales
# and shifts steer what is drawn, not how bright pixels are. The grid in the middle comes from asking what was never
# asked. In training each class was one of ten, so the later layers have never seen maps of such sizes, and no
# discriminator has ever judged such a picture. It is the hole in the middle of the shell again. To get good middles,
# train on them: give G mixed labels now and then, and let D judge the results, told the mixture, or without a label.
#
# **Rubric.**
#
# - 1 point: B is a double exposure of pixels, A has one outline in between: the mixed numbers steer form.
# - 1 point: the faults are there because such mixtures never occurred in training (and D never punished them).
# - 1 point: a link to what the chapter knows: the hole between latents, "a network learns what its loss can see", or
#   the like.
# - 1 point: a remedy in which mixtures take part in the training and reach the loss, through D.

# %% [markdown] task="matching" kind="mend" minutes=15 points=4 trains="letting a label reach the loss"
# ## A picture and the wrong name
#
# There are two ways to fail: to draw badly, and to draw something else than was asked for. [Reed et al.
# 2016](https://arxiv.org/abs/1605.05396) (section 4.2) show $D$ both. Beside real pictures $x$ with their label $y$,
# and fakes $G(z, y)$ with the label that they were drawn for, it gets real pictures with a *wrong* label $y' \neq y$,
# each of the other classes equally likely. Only the first are to be called real:
#
# $$L_D = \mathbb{E}\, \mathrm{softplus}(-D(x, y)) + \tfrac12 \big( \mathbb{E}\, \mathrm{softplus}(D(G(z, y), y)) + \mathbb{E}\,
# \mathrm{softplus}(D(x, y')) \big)$$
#
# A colleague has written it. The loss never comes below some value, and the steps of $D$ leave gradients in $G$. There are
# three faults. `with_labels(images, labels, classes)` of the chapter puts the label behind the picture. The labels of
# the fakes are those of the reals beside them.


# %% given="matching"
def matching_d(
    discriminator: nn.Module, real: Tensor, fake: Tensor, labels: Tensor, classes: int, random: torch.Generator
) -> Tensor:
    """The loss of D with wrong names: images (N, C, H, W) real and fake, their common labels (N,) -> scalar."""
    wrong = torch.randint(classes, labels.shape, generator=random)
    of_real = discriminator(with_labels(real, labels, classes))
    of_fake = discriminator(with_labels(fake, labels, classes))
    of_wrong = discriminator(with_labels(real, wrong, classes))
    return F.softplus(-of_real).mean() + F.softplus(of_fake).mean() + F.softplus(of_wrong).mean()


# %% answer="matching"
def matching_d(
    discriminator: nn.Module, real: Tensor, fake: Tensor, labels: Tensor, classes: int, random: torch.Generator
) -> Tensor:
    """The loss of D with wrong names: images (N, C, H, W) real and fake, their common labels (N,) -> scalar."""
    wrong = (labels + torch.randint(1, classes, labels.shape, generator=random)) % classes
    of_real = discriminator(with_labels(real, labels, classes))
    of_fake = discriminator(with_labels(fake.detach(), labels, classes))
    of_wrong = discriminator(with_labels(real, wrong, classes))
    return F.softplus(-of_real).mean() + (F.softplus(of_fake).mean() + F.softplus(of_wrong).mean()) / 2


# %% check="matching"
hints = [
    "How often does a label that is drawn from all classes happen to be the right one?",
    "Whose weights does this loss move, if nothing cuts the way from it to the fakes?",
    "Compare the last line with the formula, weight by weight.",
]


class Clerk(nn.Module):
    """A discriminator that reads: 1 for a real with its label, 2 for a real with another, -0.5 for a fake with its own, else 3."""

    def __init__(self, classes: int):
        super().__init__()
        self.classes, self.wrong = classes, torch.empty(0, 2, dtype=torch.long)

    def forward(self, pairs: Tensor) -> Tensor:
        number, told = pairs[:, 0].mean((1, 2)), pairs[:, 1:].mean((2, 3)).argmax(1)
        own = (number.detach().abs() * 20).round().long() - 1
        real, right = number.detach() > 0, own == told
        self.wrong = torch.cat([self.wrong, torch.stack([own, told], 1)[real & ~right]])
        logit = torch.where(real, torch.where(right, 1.0, 2.0), torch.where(right, -0.5, 3.0))
        return logit + number - number.detach()


def written(labels: Tensor, sign: int) -> Tensor:
    """Pictures (N, 1, 2, 2) on which the clerk can read the label, of a real (1) or a fake (-1)."""
    return (sign * (labels + 1) / 20.0).view(-1, 1, 1, 1).expand(-1, 1, 2, 2).clone()


clerk, random = Clerk(10), torch.Generator().manual_seed(0)
labels = torch.arange(3600) % 10
real, fake = written(labels, 1), written(labels, -1).requires_grad_()
own, made, other = (math.log1p(math.exp(logit)) for logit in (-1.0, -0.5, 2.0))  # softplus of what each is to be called
with checking("A picture and the wrong name", hints) as c:
    loss = matching_d(clerk, real, fake, labels, 10, random)
    pairs = clerk.wrong
    c.true(
        isinstance(loss, Tensor)
        and not (
            loss.requires_grad and torch.autograd.grad(loss, fake, retain_graph=True, allow_unused=True)[0] is not None
        ),
        "the loss of D does not move G",
        "a gradient reaches the fakes",
        hint="A gradient reaches the fakes, so a step of D would also train G, the wrong way. Cut it.",
    )
    c.true(
        len(pairs) == len(labels),
        "each real is shown once with a wrong label",
        f"{len(pairs)} of {len(labels)} wrong labels are wrong",
        hint="Some of the wrong labels are right: draw from the other classes only.",
    )
    c.close(
        loss,
        own + (made + other) / 2,
        "the loss, by hand",
        mistakes={
            "The two sorts that are no match share one weight: a half each.": own + made + other,
            "The fakes have the label that they were drawn for, not the wrong one.": own
            + (math.log1p(math.exp(3.0)) + other) / 2,
            "A real with a wrong label is to be called false, like a fake: mind the sign.": own
            + (made + math.log1p(math.exp(-2.0))) / 2,
            "Take means over the batch, not sums.": 3600 * (own + (made + other) / 2),
            "The reals with wrong labels are missing.": own + made / 2,
            "The half belongs to both sorts that are no match.": own + made + other / 2,
            "The half belongs to the fakes and to the wrong names, not to the reals.": (own + made + other) / 2,
        },
        hint="Compare with the formula, term by term: which pictures, which label, which sign, which weight?",
    )
    counts = (
        torch.bincount(pairs[:, 0] * 10 + pairs[:, 1], minlength=100).view(10, 10)
        if len(pairs) == len(labels)
        else torch.zeros(10, 10)
    )
    c.true(
        bool((((counts > 15) & (counts < 66)) | torch.eye(10, dtype=torch.bool)).all()),
        "all other classes come up, and equally often",
        f"some wrong names come {int((counts + 999 * torch.eye(10)).min())} times and some {int(counts.max())} times, "
        "where 40 are to be expected",
        hint="Each of the other classes is to be equally likely.",
    )
### BEGIN HIDDEN TESTS
hidden_clerk = Clerk(4)
hidden_labels = given("matching", lambda g: torch.randint(4, (1201,), generator=g))
hidden_real, hidden_fake = written(hidden_labels, 1), written(hidden_labels, -1).requires_grad_()
hidden_loss = matching_d(hidden_clerk, hidden_real, hidden_fake, hidden_labels, 4, torch.Generator().manual_seed(3))
probe("loss", hidden_loss)
probe("wrong names", len(hidden_clerk.wrong))
probe("kinds of wrong names", len(hidden_clerk.wrong.unique(dim=0)))
probe(
    "cut",
    bool(hidden_loss.requires_grad and torch.autograd.grad(hidden_loss, hidden_fake, allow_unused=True)[0] is not None),
)
### END HIDDEN TESTS

# %% [markdown] task="edit" kind="complete" minutes=20 points=5 trains="the smallest change that does what is asked"
# ## Longer hair, the same skin
#
# Section 6 takes the other directions out of one. It says nothing of *how far* to go, and cannot ask for two things at
# once. Here is the whole wish: change the $K$ measured attributes by $w = (w_1, \dots, w_K)$, say the hair by 0.2 and
# the skin by 0, and change the latent no more than that needs.
#
# Write $J$ for the $K$ covariances of section 6, one row each, not brought to length 1. With $N$ latents $z$ and their
# attributes $a$,
#
# $$J_k = \frac1N \sum_{n=1}^N z_n\, (a_{nk} - \bar a_k), \qquad \bar a_k = \frac1N \sum_n a_{nk}$$
#
# By Stein's identity $J_k$ is the mean gradient of attribute $k$. So a small step $\delta$ changes the attributes by
# about $J \delta$. Of all $\delta$ with $J \delta = w$, the shortest is
#
# $$\delta = J^\top (J J^\top)^{-1} w$$
#
# Write the function that gives $\delta$. Do not invert the matrix: `torch.linalg.solve(A, b)` is the $A^{-1} b$ that
# you need.


# %% answer="edit"
def edit(latents: Tensor, attributes: Tensor, wanted: Tensor) -> Tensor:
    """The shortest step (D,) that changes the attributes as wanted: (N, D), (N, K), (K,) -> (D,)."""
    ### BEGIN SOLUTION
    gradients = (attributes - attributes.mean(0)).T @ latents / len(latents)  # (K, D)
    return gradients.T @ torch.linalg.solve(gradients @ gradients.T, wanted)
    ### END SOLUTION


# %% check="edit"
hints = [
    "(K, N) times (N, D) is (K, D): the attributes, less their means, transposed, times the latents, divided by N.",
    "First solve the K equations (J J^T) u = w for u, then delta is J^T u.",
    "torch.linalg.solve(J @ J.T, wanted) gives u.",
]
axes = math.sqrt(3) * torch.cat([torch.eye(3), -torch.eye(3)])  # six latents with mean 0 and covariance 1
slopes = torch.tensor([[1.0, 0.0, 0.0], [1.0, 2.0, 0.0]])  # both attributes grow along the first axis
linear = axes @ slopes.T + torch.tensor([5.0, -1.0])
random = torch.Generator().manual_seed(0)
cloud = torch.randn(500, 6, generator=random) + 0.5
bent = torch.stack([cloud[:, 0] + cloud[:, 1], (cloud[:, 1] + cloud[:, 2]).tanh(), cloud[:, 3] ** 2], 1) + 7
wishes = torch.tensor([0.4, 0.0, -0.3])
with checking("Longer hair, the same skin", hints) as c:
    c.close(
        edit(axes, linear, torch.tensor([1.0, 0.0])),
        [1.0, -0.5, 0.0],
        "the first attribute by 1, the second by 0, by hand",
        mistakes={
            "That is J^T w: it goes along the first gradient, and the second attribute changes too.": [1.0, 0.0, 0.0],
            "J is a mean over the latents: divide by N.": [1 / 6, -0.5 / 6, 0.0],
            "Divided by N - 1, the covariances are a little too large: here it is N.": [5 / 6, -2.5 / 6, 0.0],
            "That is a step of length 1: how far to go is part of the answer.": [0.8944272, -0.4472136, 0.0],
            "J J^T has to be undone, not applied.": [2.0, 2.0, 0.0],
        },
    )
    step = edit(axes, linear, torch.tensor([0.0, 3.0]))
    c.close(
        step,
        [0.0, 1.5, 0.0],
        "the second by 3 and the first by 0",
        mistakes={"The gradients keep their length: without it, nobody knows how far to go.": [0.0, 3.354102, 0.0]},
    )
    step = edit(cloud, bent, wishes)
    c.shape(step, (6,), "one step for all latents: (D,)", hint="The step has one number for each of the D coordinates.")
    if c.rows[-1].passed:
        gradients = torch.stack(
            [
                torch.stack([torch.cov(torch.stack([cloud[:, i], bent[:, k]]), correction=0)[0, 1] for i in range(6)])
                for k in range(3)
            ]
        )
        c.close(
            gradients @ step,
            wishes,
            "three attributes change as wanted",
            1e-3,
            hint="Are the means of the attributes taken off? These latents do not have mean 0.",
        )
        rest = step - gradients.T @ torch.linalg.lstsq(gradients.T, step[:, None]).solution[:, 0]
        c.close(
            rest,
            torch.zeros(6),
            "and the step goes nowhere else",
            1e-3,
            hint="There is a shorter step: it is a mixture of the gradients.",
        )
    with torch.no_grad():
        z = torch.randn(200, 128, generator=random)
        drawn = torch.cat([peeps(part) for part in z.split(50)])
        hair = (1 - drawn[:, :, 42:52, 13:19].mean((1, 2, 3))) / 2  # behind the neck, as in the chapter
        skin = (1 - drawn[:, :, 48:53, 29:40].mean((1, 2, 3))) / 2
        measures = torch.stack([hair / hair.std(), skin / skin.std()], 1)
        step = edit(z, measures, torch.tensor([1.0, 0.0]))
        if all(row.passed for row in c.rows):
            moved = torch.cat([peeps(part + step) for part in z[:60].split(50)])
            longer = float(((1 - moved[:, :, 42:52, 13:19].mean((1, 2, 3))) / 2 - hair[:60]).mean() / hair.std())
            darker = float(((1 - moved[:, :, 48:53, 29:40].mean((1, 2, 3))) / 2 - skin[:60]).mean() / skin.std())
            c.true(
                longer > 0.4 and abs(darker) < 0.3 * longer,
                "heads get longer hair and keep their skin",
                f"hair changed by {longer:.2f} spreads, skin by {darker:.2f}",
            )
### BEGIN HIDDEN TESTS
latents, mix, wanted = given(
    "edit",
    lambda g: (torch.randn(90, 7, generator=g) + 0.3, torch.randn(7, 3, generator=g), torch.randn(3, generator=g)),
)
attributes = (latents @ mix).sin() + latents @ mix
probe("step", edit(latents, attributes, wanted), within=1e-3)
probe("one attribute", edit(latents, attributes[:, :1], wanted[:1]), within=1e-3)
probe("shifted attributes", edit(latents, attributes + 10, wanted), within=3e-3)
### END HIDDEN TESTS

# %% [markdown] task="even" kind="improve" minutes=30 points=6 trains="from equal steps of the latent to equal steps of the picture"
# ## A walk at an even pace
#
# Slerp turns the latent at constant speed. What one *sees* does not change at constant speed: for a while nothing, then
# a beard in one step. Films of such walks look jerky.
#
# Write `even_walk(generator, start, end, steps)`: latents (steps + 1, D) from `start` to `end`, both (D,), so that each
# step changes the *picture* by the same amount. The amount is the mean absolute difference of two pictures that follow
# each other. The score is the largest of the changes, divided by their mean: 1 is perfect. Slerp had between 1.3 and
# 2.9 on six walks. The check asks for 1.1.
#
# Rules. The walk begins and ends at the given latents, exactly. No latent leaves the shell: lengths stay within 3% of
# those of slerp. Each step goes on: no latent stands still or turns back, so its angle to `start` grows all the time.
# You have 15 seconds for a walk of 8 steps on two processor cores. It takes about 5 ms to draw a head.


# %% answer="even"
def even_walk(generator: Generator, start: Tensor, end: Tensor, steps: int) -> Tensor:
    """Latents (steps + 1, D) from start to end, (D,) each, whose pictures change by the same amount at each step."""
    ### BEGIN SOLUTION
    shares = torch.linspace(0, 1, steps + 1)
    for _ in range(12):
        with torch.no_grad():
            pictures = generator(slerp(start[None], end[None], shares[:, None]))
        seen = F.pad((pictures[1:] - pictures[:-1]).abs().mean((1, 2, 3)).cumsum(0), [1, 0])  # the way seen so far
        goals = torch.linspace(0, float(seen[-1]), steps + 1)[1:-1]
        after = torch.searchsorted(seen, goals)  # between which two latents each goal is passed
        within = (goals - seen[after - 1]) / (seen[after] - seen[after - 1])
        shares = torch.cat([shares[:1], torch.lerp(shares[after - 1], shares[after], within), shares[-1:]])
    latents = slerp(start[None], end[None], shares[:, None])
    return torch.cat([start[None], latents[1:-1], end[None]])
    ### END SOLUTION


# %% check="even"
hints = [
    "Walk by slerp first, and measure how much each step changes the picture. Where is too much, where too little?",
    "Sum the changes up: that is how far the eye has gone at each share. At which shares has it gone 1/8, 2/8, ... of the whole?",
    "Take many small steps, say 128, and interpolate the share for each goal (torch.searchsorted). Or repeat with few steps.",
]


def pace(latents: Tensor) -> tuple[float, bool, bool]:
    """The score of a walk; whether it stays on the shell; whether each step goes on."""
    with torch.no_grad():
        pictures = peeps(latents)
    changes = (pictures[1:] - pictures[:-1]).abs().mean((1, 2, 3))
    lengths = latents.norm(dim=1)
    # slerp's own lengths lie between those of its ends
    on_shell = bool(
        (lengths > 0.97 * min(lengths[0], lengths[-1])).all() and (lengths < 1.03 * max(lengths[0], lengths[-1])).all()
    )
    nearness = F.cosine_similarity(latents, latents[:1])
    return float(changes.max() / changes.mean()), on_shell, bool((nearness.diff() < -1e-6).all())


with checking("A walk at an even pace", hints) as c:
    for seed in (3, 5):
        first, last = torch.randn(2, 128, generator=torch.Generator().manual_seed(seed))
        kept, started = first.clone(), time.process_time()
        latents = even_walk(peeps, first, last, 8)
        seconds = time.process_time() - started
        c.shape(latents, (9, 128), "8 steps are 9 latents", hint="steps + 1 latents: start and end are among them.")
        if not c.rows[-1].passed:
            break
        latents = latents.detach()
        c.true(
            torch.equal(latents[0], kept) and torch.equal(latents[-1], last) and torch.equal(first, kept),
            "from start to end, exactly",
            "the first or last latent is another one",
            hint="Start and end are to be the given latents, to the last bit: put them in as they are.",
        )
        score, on_shell, forward = pace(latents)
        c.true(
            on_shell,
            "no latent leaves the shell",
            "some latents are too short or too long",
            hint="A straight line leaves the shell: use slerp.",
        )
        c.true(
            forward,
            "each step goes on",
            "a step stands still or turns back",
            hint="Shares have to grow from step to step.",
        )
        plain = pace(walk(torch.stack([first, last]), 8))[0]
        advice = (
            "That is the pace of slerp: measure the pictures, and move the shares."
            if score > 0.85 * plain
            else "Nearly even. Measure at more places, or go over the shares once more."
        )
        c.true(
            score < 1.1,
            f"walk {seed}: the largest change is at most 1.1 times the mean",
            f"it is {score:.2f}; slerp has {plain:.2f}",
            hint=advice,
        )
        c.true(
            seconds < 15,
            "within 15 seconds of computing",
            f"it took {seconds:.1f}",
            hint="Draw all heads of a round in one batch, without a graph (torch.no_grad).",
        )
### BEGIN HIDDEN TESTS
first, last = given("even", lambda g: torch.randn(2, 128, generator=g))
latents = even_walk(peeps, first, last, 6).detach()
score, on_shell, forward = pace(latents)
probe("steps", list(latents.shape))
probe("ends", latents[[0, -1]], truth=lambda: torch.stack([first, last]))
probe("even, on the shell, forward", [score < 1.15, on_shell, forward], truth=lambda: [True, True, True])
### END HIDDEN TESTS
