# %% [markdown]
# # Exercises for chapter 01: What can a GAN learn?
#
# They go with [chapter 01](../../notebooks/01_gan_theory.ipynb). Each task has its place for your answer, and under it
# a check: run it as often as you like, it answers at once and each time with a stronger hint. Your progress is kept in
# this folder; `minigan progress` shows it.
#
# This set is about what a discriminator knows: how to read it from counts, how to sift samples with it, where it sends
# a generator, and how to train one on few points.

# %%
import math
import time
from collections.abc import Callable

import torch
from torch import Tensor

from minigan import losses, nets, plot
from minigan.course import pick
from minigan.course.checking import checking
from minigan.toy import GaussianMixture, jensen_shannon, optimal_logit, ring

torch.set_num_threads(1)  # the networks here are tiny

# %% [markdown] task="bins" kind="complete" minutes=8 points=3 trains="a ratio of densities, not of counts"
# ## A discriminator made of bins
#
# Section 2 of the chapter cut the line into bins. With as many real points as fake ones, the share of reals in a bin
# was the belief of a discriminator. Now the two numbers differ: there are few photographs, and a generator makes as
# many samples as you like. A bin that holds 3 real and 2 fake points then says little by itself.
#
# Write the logit $\log p/q$ for each bin, where $p$ is estimated by the share of *all real points* that lie in the bin,
# and
# $q$ by the share of *all fake points*. Where a bin holds only reals the logit is $+\infty$, with only fakes $-\infty$.
# Where nobody has ever been, nothing is known: the logit is 0.


# %% answer="bins"
def logit_of_bins(real_counts: Tensor, fake_counts: Tensor) -> Tensor:
    """The logit log p/q of each bin from the counts of real and of fake points in it: twice (bins,) -> (bins,)."""
    ### BEGIN SOLUTION
    p, q = real_counts / real_counts.sum(), fake_counts / fake_counts.sum()
    nobody = (real_counts == 0) & (fake_counts == 0)
    return torch.where(nobody, 0.0, p.log() - q.log())
    ### END SOLUTION


# %% check="bins"
hints = [
    "How many real points are there in all, and how many fake ones? A share is a count divided by that.",
    "log(0) is minus infinity in PyTorch, and the difference of two infinities is nan. Only the bins of nobody need care.",
    "torch.where(condition, 0.0, value) puts a 0 wherever the condition holds.",
]
real_counts, fake_counts = torch.tensor([3.0, 1.0, 0.0]), torch.tensor([2.0, 4.0, 2.0])
mistakes = {
    "These are the logits of the counts. There are twice as many fakes as reals: use shares.": [
        math.log(3 / 2),
        math.log(1 / 4),
        -math.inf,
    ],
    "This is the belief, a number from 0 to 1. Its logit is asked for.": [3 / 4, 1 / 3, 0.0],
    "This is the share of reals in the bin, a number from 0 to 1. The logit of the ratio is asked for.": [
        0.6,
        0.2,
        0.0,
    ],
    "This is the ratio itself. Take its logarithm.": [3.0, 0.5, 0.0],
    "The ratio is turned round: a high logit means real.": [-math.log(3), math.log(2), math.inf],
    "This is the logarithm of the belief, not of the ratio p/q.": [math.log(3 / 4), math.log(1 / 3), -math.inf],
}
with checking("A discriminator made of bins", hints) as c:
    c.close(
        logit_of_bins(real_counts, fake_counts),
        [math.log(3), -math.log(2), -math.inf],
        "shares of 3/4 and 2/8, of 1/4 and 4/8, of 0 and 2/8",
        mistakes=mistakes,
        hint="A bin with fakes alone has the logit minus infinity. Add nothing to the counts.",
    )
    c.close(
        logit_of_bins(torch.tensor([5, 0, 5, 0]), torch.tensor([0, 7, 7, 0])),
        [math.inf, -math.inf, 0.0, 0.0],
        "reals alone, fakes alone, both, nobody; the counts are whole numbers",
        mistakes={
            "Where nobody has been, the logit is 0. Here it is nan.": [math.inf, -math.inf, 0.0, math.nan],
            "Only the bins of nobody get a 0, not each bin in which one of the two is missing.": [0.0, 0.0, 0.0, 0.0],
        },
    )
    many = logit_of_bins(1000 * real_counts, fake_counts)
    c.close(
        many,
        logit_of_bins(real_counts, fake_counts),
        "a thousand times as many reals change nothing",
        hint="How many points were drawn must not matter. Divide by the sum of each.",
    )
    c.close(real_counts, [3.0, 1.0, 0.0], "the counts are left as they were", hint="Your function changes the counts.")
### BEGIN HIDDEN TESTS
one, other = given("bins", lambda g: [torch.randint(0, high, (12,), generator=g) for high in (4, 30)])
probe("logits", logit_of_bins(one, other))
probe("the other way", logit_of_bins(other.float(), one.float()))
### END HIDDEN TESTS

# %% [markdown] task="boxes" kind="predict" minutes=5 points=2 trains="the value of the game where two densities overlap in part"
# ## Two boxes
#
# The real density $p$ is flat: 1/10 from 0 to 10, and 0 elsewhere. The density $q$ of the fakes is the same box moved
# to the right by 7: 1/10 from 7 to 17. So they share the stretch from 7 to 10.
#
# What is $V(D^*, q)$, the value of the game at the best discriminator, with natural logarithms? Give it as a number
# with two decimal places, before you run anything. The stretches from 0 to 7, from 7 to 10 and from 10 to 17
# can be taken one by one.

# %% answer="boxes"
prediction = ...
### BEGIN SOLUTION
prediction = -0.3 * math.log(4)  # D* is sure outside and pays nothing; in the shared stretch it says one half
### END SOLUTION


# %% check="boxes"
# Without the theorem: draw points, and let a discriminator of 34 bins, each half a unit wide, say what it can.
random = torch.Generator().manual_seed(0)
bins = torch.stack([(10 * torch.rand(200_000, generator=random) + move) // 0.5 for move in (0, 7)]).long()
in_bin = torch.stack([torch.bincount(side, minlength=34) for side in bins])
belief = in_bin[0] / in_bin.sum(0)
measured = float(belief[bins[0]].log().mean() + (1 - belief[bins[1]]).log().mean())
misconceptions = {
    "That is the value where p and q are equal everywhere. Here they share three tenths.": -1.39,
    "That is the value where they share nothing. From 7 to 10 D* is in doubt.": 0.0,
    "Seven tenths are those that they do not share. There D* is sure, and that costs nothing.": -0.97,
    "This is the Jensen-Shannon divergence. The value is -log 4 + 2 JS.": 0.49,
    "The logarithm of a belief is never above 0.": 0.42,
    "That counts the reals alone. Fakes lie in the shared stretch too.": -0.21,
    "That is log 2 of the whole, for one side. How much of each side lies where D* is in doubt?": -0.69,
    "This is with logarithms to the base 2. The course takes natural ones.": -0.6,
    "The stretch is 3 long, but the density in it is 1/10.": -4.16,
}
hints = [
    "What is D* from 0 to 7, where q = 0? And what does it cost there, log D* for a real?",
    "From 7 to 10 both densities are equal, so D* is one half. Which share of the reals lies there, and of the fakes?",
]
with checking("Two boxes", hints) as c:
    c.predicted(prediction, measured, "as measured on 200,000 points of each", 0.01, misconceptions)
### BEGIN HIDDEN TESTS
probe("prediction", prediction if isinstance(prediction, int | float) else None, within=0.01)
### END HIDDEN TESTS

# %% [markdown] task="sieve" kind="complete" minutes=12 points=4 trains="what a logit is worth: from samples of q to samples of p"
# ## A sieve for samples
#
# A finished GAN leaves two networks, and most people throw one away. [Azadi et al.
# 2019](https://arxiv.org/abs/1810.06758) keep it. If $D$ knows the logit $\ell(x) = \log p(x)/q(x)$, then it knows
# which of the generator's samples are too many. Keep a sample $x$ with a probability in proportion to $p(x)/q(x)$, and
# what is left is distributed like $p$.
#
# A probability must not exceed 1, and none should be smaller than it need be. So the sample with the largest logit
# $\ell_{\max}$ of all that were given is always kept. Each sample is kept or dropped by its own draw, with the probability
#
# $$P(\text{keep } x_i) = \frac{e^{\ell(x_i)}}{e^{\ell_{\max}}} .$$
#
# Return the kept points in the order in which they came. Logits may be as large as 1000. All that is random comes from
# `random`.


# %% answer="sieve"
def sift(points: Tensor, logits: Tensor, random: torch.Generator) -> Tensor:
    """The points (N, d) that pass the sieve of their logits (N,): a tensor (M, d) with M from 1 to N."""
    ### BEGIN SOLUTION
    chances = (logits - logits.max()).exp()
    return points[torch.rand(len(points), generator=random) < chances]
    ### END SOLUTION


# %% check="sieve"
hints = [
    "An event of probability P happens where torch.rand is below P. Draw one number for each point.",
    "exp(1000) is infinite. Write the quotient of two powers of e as one power.",
    "points[keep] with one yes or no for each point keeps the order.",
]
random = torch.Generator().manual_seed(0)
numbered = torch.arange(40_000.0)[:, None].repeat(1, 2)
steps = torch.tensor([0.0, -math.log(4), -math.log(20), -50.0]).repeat_interleave(10_000)
with checking("A sieve for samples", hints) as c:
    same = sift(numbered, torch.full((40_000,), -1.0), random)
    share = len(same) / 40_000 if isinstance(same, Tensor) and same.ndim else math.nan
    c.shape(
        same,
        (40_000, 2),
        "equal logits: every sample is kept",
        hint="This keeps the sigmoid of the logit, the belief. The ratio p/q is a power of e."
        if abs(share - 0.269) < 0.01
        else "This keeps e to the logit. It is to be divided by e to the largest logit."
        if abs(share - 0.368) < 0.01
        else "The sample with the largest logit is always kept. Here all are the largest, and some are gone.",
    )
    kept = sift(numbered, steps, random)
    c.shape(kept, (..., 2), "points (M, 2) come back", hint="Return the kept points, not a mask or their numbers.")
    if all(row.passed for row in c.rows):
        shares = torch.bincount((kept[:, 0] / 10_000).long(), minlength=4) / 10_000
        c.close(
            shares,
            [1.0, 0.25, 0.05, 0.0],
            "ratios of 1, 1/4, 1/20 and almost 0 keep these shares",
            0.015,
            mistakes={
                "Each sample has its own draw. A threshold keeps all or none of those that are alike.": [
                    1.0,
                    0.0,
                    0.0,
                    0.0,
                ],
                "One draw decides for all. Draw a number for each point.": [1.0, 1.0, 0.0, 0.0],
                "Here one draw decides for all: draw a number for each point.": [1.0, 1.0, 1.0, 0.0],
                "The sieve is turned round: a high logit is to be kept.": [0.0, 0.75, 0.95, 1.0],
            },
            hint="These shares are not in proportion to p/q.",
        )
        c.true(
            (kept[1:, 0] > kept[:-1, 0]).all(),
            "in their order, each once",
            "some come twice, or in another order",
            hint="No sample is copied, and the order stays. Do not draw with replacement.",
        )
        c.close(
            sift(numbered, steps, torch.Generator().manual_seed(1)),
            sift(numbered, steps, torch.Generator().manual_seed(1)),
            "the same seed keeps the same samples",
            hint="All that is random comes from the generator `random`.",
        )
        c.true(
            not torch.equal(sift(numbered, steps, random), sift(numbered, steps, random)),
            "a second call draws anew",
            "two calls keep the same samples",
            hint="The second call gives the same draws: do not set the seed yourself.",
        )
        c.close(
            sift(numbered, steps + 1000, torch.Generator().manual_seed(1)),
            sift(numbered, steps, torch.Generator().manual_seed(1)),
            "1000 on every logit changes nothing",
            hint="exp(1000) is infinite. Subtract the largest logit first.",
        )
        even, lopsided = ring(), GaussianMixture(ring().centres, 0.1, [8, 1, 1, 1, 1, 1, 1, 0.2])
        drawn = lopsided.sample(60_000, torch.Generator().manual_seed(2))
        sifted = sift(drawn, optimal_logit(even, lopsided, drawn), random)
        places = torch.cdist(sifted, even.centres).argmin(1).bincount(minlength=8) / len(sifted)
        c.close(
            places,
            [1 / 8] * 8,
            "a generator that makes one mode of eight much too often, one too rarely, is put right",
            0.025,
            hint="After the sieve the modes are not equally frequent.",
        )
### BEGIN HIDDEN TESTS
groups = given("sieve", lambda g: -3 * torch.rand(6, generator=g))
logits = groups.repeat_interleave(20_000)
random = torch.Generator().manual_seed(5)
for move in (0.0, 200.0):
    left = sift(numbered[:1].repeat(120_000, 1) + torch.arange(120_000.0)[:, None], logits + move, random)
    probe(f"shares at {move}", (left[:, 0] / 20_000).long().bincount(minlength=6) / 20_000, within=0.02)
    probe(f"order at {move}", bool((left[1:, 0] > left[:-1, 0]).all()))
probe("all", len(sift(numbered[:50], torch.full((50,), 7.0), random)))
### END HIDDEN TESTS

# %% [markdown] task="optimism" kind="mend" minutes=12 points=4 trains="what each player sees when it takes its step"
# ## Optimism that does not help
#
# In section 5 simultaneous steps on $f(x, y) = xy$ spiralled outwards. [Daskalakis et al.
# 2018](https://arxiv.org/abs/1711.00141) turn the spiral inwards with one more term. Each player expects that its
# slope will go on changing as it just did:
#
# $$x_{t+1} = x_t - 2 \eta\, g_t + \eta\, g_{t-1}, \qquad y_{t+1} = y_t + 2 \eta\, h_t - \eta\, h_{t-1} .$$
#
# Here $g_t = \partial f / \partial x$ and $h_t = \partial f / \partial y$, *both* at the point $(x_t, y_t)$, and $\eta$
# is the step size. At the first step there is no slope of before. It is taken to be equal to the first, so that the
# first step is a plain one. A colleague's version still runs away. There are three faults in it.


# %% given="optimism"
def optimistic(
    slopes: Callable[[float, float], tuple[float, float]], x: float, y: float, rate: float, steps: int
) -> Tensor:
    """Optimistic steps, x downhill and y uphill: the path from (x, y), (steps + 1, 2). `slopes` gives (g, h) at x, y."""
    path = [(x, y)]
    g_before, h_before = slopes(x, y)
    for _ in range(steps):
        g, _ = slopes(x, y)
        x = x - 2 * rate * g + rate * g_before
        _, h = slopes(x, y)
        g_before, h_before = g, h
        y = y + 2 * rate * h + rate * h_before
        path.append((x, y))
    return torch.tensor(path)


# %% answer="optimism"
def optimistic(
    slopes: Callable[[float, float], tuple[float, float]], x: float, y: float, rate: float, steps: int
) -> Tensor:
    """Optimistic steps, x downhill and y uphill: the path from (x, y), (steps + 1, 2). `slopes` gives (g, h) at x, y."""
    path = [(x, y)]
    g_before, h_before = slopes(x, y)
    for _ in range(steps):
        g, h = slopes(x, y)
        x = x - 2 * rate * g + rate * g_before
        y = y + 2 * rate * h - rate * h_before
        g_before, h_before = g, h
        path.append((x, y))
    return torch.tensor(path)


# %% check="optimism"
hints = [
    "Work out three steps of f = xy from (1, 0) with a pencil, and compare line by line.",
    "At which point is h taken? Which signs stand in the formula for y? When is the slope of before replaced?",
    "Ask for both slopes at once, move both players, and only then remember the slopes.",
]


def product(x: float, y: float) -> tuple[float, float]:
    """The slopes of f = xy."""
    return y, x


with checking("Optimism that does not help", hints) as c:
    path = optimistic(product, 1.0, 0.0, 0.1, 3)
    c.shape(path, (4, 2), "three steps make a path of four points", hint="The path holds the start and each step.")
    c.close(
        path,
        [[1.0, 0.0], [1.0, 0.1], [0.98, 0.2], [0.95, 0.296]],
        "three steps by hand, with a step size of 0.1",
        mistakes={
            "The slope of before is replaced before it is used, so these are plain steps.": [
                [1.0, 0.0],
                [1.0, 0.1],
                [0.99, 0.2],
                [0.97, 0.299],
            ],
            "For y only, the slope of before is replaced before it is used.": [
                [1.0, 0.0],
                [1.0, 0.1],
                [0.98, 0.2],
                [0.95, 0.298],
            ],
            "h is taken at the new x. Both players look at the same point.": [
                [1.0, 0.0],
                [1.0, 0.1],
                [0.98, 0.196],
                [0.9508, 0.28816],
            ],
            "For y the slope of before has the wrong sign.": [[1.0, 0.0], [1.0, 0.3], [0.94, 0.6], [0.85, 0.888]],
            "The slope of before is 0 at the first step. It should equal the first slope.": [
                [1.0, 0.0],
                [1.0, 0.2],
                [0.96, 0.3],
                [0.92, 0.392],
            ],
            "The weights are 2 and 1 for the new slope and the slope of before, not turned round.": [
                [1.0, 0.0],
                [1.0, -0.1],
                [1.01, -0.0],
                [0.99, 0.099],
            ],
            "y goes uphill, and here it goes downhill.": [[1.0, 0.0], [1.0, -0.1], [1.02, -0.2], [1.05, -0.304]],
        },
        hint="At least one fault is left.",
    )
    if all(row.passed for row in c.rows):
        end = optimistic(product, 1.0, 0.0, 0.1, 1000)[-1]
        c.true(end.norm() < 0.02, "after 1000 steps it is near the solution", f"its distance is {end.norm():.3f}")
        bowl = optimistic(lambda x, y: (x, -y), 2.0, -1.0, 0.1, 200)[-1]
        c.close(bowl, [0.0, 0.0], "players that do not touch each other find their own best point")
        curved = optimistic(lambda x, y: (y + x, x - y), 1.0, 1.0, 0.05, 1)[-1]
        c.close(curved, [0.9, 1.0], "one plain step on f = xy + x^2/2 - y^2/2")
### BEGIN HIDDEN TESTS
a, b, start = given("optimism", lambda g: [float(torch.randn((), generator=g)) for _ in range(3)])
probe("random game", optimistic(lambda x, y: (a * x + y, x - b * b * y), start, 1.0, 0.07, 12))
probe("product", optimistic(product, start, 2.0, 0.2, 30))
### END HIDDEN TESTS

# %% [markdown] task="field" kind="explain" minutes=8 points=4 trains="seeing through the generator's eyes"
# ## Where the generator is sent
#
# Three generators (orange) of the ring (blue) in different states. For each, a discriminator was trained until it is
# good. An arrow shows where its gradient $\nabla_x \ell$ sends a fake; all that the generator learns of the real data
# are these arrows. They are as long as the gradient, but cut where it is longer than 2. The shade is $D(x)$: bright
# where $D$ believes that a point is real.

# %%
states = {
    "A": GaussianMixture([[1.9, 1.6]], 0.15),
    "B": GaussianMixture(ring().centres[1:2], 0.1),
    "C": ring(),
}
cells = torch.linspace(-1.7, 2.5, 90)
plane = torch.cartesian_prod(cells, cells)
alt = (
    "Three squares with a ring of eight blue spots. In A the orange points lie far from the ring, and their arrows are parallel and "
    "point to it. In B they lie on one spot that is dark, and the arrows point away to all sides, mostly to the two neighbours. In C "
    "they lie on all spots, the arrows are too short to be seen, and the shade is even."
)
with plot.figure(3, alt=alt, size=(3.3, 3.4)) as axes:
    for axis, (title, fake) in zip(axes, states.items(), strict=True):
        torch.manual_seed(0)
        judge = nets.mlp(2, 1)
        optimizer = torch.optim.Adam(judge.parameters(), 3e-3)
        for _ in range(pick(quick=60, cpu=500, full=500)):
            real = ring().sample(256)
            loss = losses.bce_d(judge(real), judge(fake.sample(256))) + 0.02 * losses.r1_penalty(judge, real)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        points = fake.sample(24).requires_grad_()
        (pull,) = torch.autograd.grad(judge(points).sum(), points)
        pull = pull * (2 / pull.norm(dim=1, keepdim=True)).clamp(max=1)
        with torch.no_grad():
            shade = judge(plane).sigmoid().reshape(90, 90).T.numpy()
            value = -float(losses.bce_d(judge(ring().sample(5000)), judge(fake.sample(5000))))
        axis.imshow(shade, origin="lower", extent=(-1.7, 2.5, -1.7, 2.5), vmin=0, vmax=1, cmap="Greys_r", alpha=0.5)
        axis.plot(*ring().sample(250).T, ".", color=plot.REAL, ms=2)
        axis.quiver(
            *points.detach().T.numpy(),
            *pull.T.numpy(),
            color=plot.FAKE,
            angles="xy",
            scale_units="xy",
            scale=4,
            width=0.006,
        )
        axis.plot(*points.detach().T, ".", color=plot.FAKE, ms=4)
        axis.set(title=f"{title}: V = {value:.2f}", xticks=[], yticks=[])

# %% [markdown]
# For each of A, B and C: what will this generator do next, and how do the arrows say so? Why does B leave its spot with
# *all* of its samples at once, and where may that end? And what, in C, could you not conclude from the value alone?
# Five to eight sentences.

# %% [markdown] explain="field"
# A will move as a whole towards the ring, for all arrows point the same way. They say nothing of eight modes, so it
# will arrive at the nearest ones. B sits on one mode with everything. There are many more fakes than reals there, so
# $D$ rejects the very spot, and all arrows lead out of it, to other modes that lie empty. One network makes all
# samples, and a step that moves one moves its neighbours too, so they leave together and may gather on another mode:
# hopping. In C the arrows are too short to be seen, because $p = q$ and the best logit is 0 everywhere; the generator
# has nothing to gain, and only trembles. Its value is near $-\log 4$. By itself that number would also fit a $D$ that
# is too weak to see a difference. Here we know that $D$ is good, because the same network told A and B apart from the
# ring.
#
# **Rubric.**
#
# - 1 point: A moves as a whole towards the near side of the ring; the parallel arrows show no modes.
# - 1 point: B is rejected on its own mode because fakes are too dense there, and is sent to the empty ones.
# - 1 point: all samples of B share one network and one rejection, so they leave together: collapse that hops.
# - 1 point: C rests, with next to no arrows; a value of -log 4 alone could also be a weak D.

# %% [markdown] task="judge" kind="improve" minutes=30 points=6 trains="a lower bound that holds on points never seen"
# ## A judge from few points
#
# The boxed formula of section 3 can be turned round: any discriminator $D$ proves that
# $\mathrm{JS} \ge \log 2 + \tfrac12 V(D, q)$, as long as $V$ is measured on points that $D$ was not trained on. So the better
# the judge, the more of the divergence it can prove.
#
# You get 200 real and 200 fake points of the plane. Return a judge: a function from points (N, 2) to logits, (N,) or
# (N, 1). It is measured on 20,000 new points of each side. You have 10 seconds of the processor for each judge.
#
# In the check the real points come from a soft ring, the fakes from one blob, and the true divergence is 0.183. The
# network of the chapter, trained on all points for 1,000 steps of Adam, proves less than 0.1: it learns its 400 points
# by heart. The check asks for 0.128, as a mean of three draws. The hidden tests ask for about as much of another pair
# of densities, so use nothing but the points. As a first step, hold 50 points of each side back, and plot the bound on
# them over the steps.


# %% answer="judge"
def train_judge(real: Tensor, fake: Tensor) -> Callable[[Tensor], Tensor]:
    """A judge from real and fake points, twice (200, 2): a function of points (N, 2) that returns logits."""
    ### BEGIN SOLUTION
    torch.manual_seed(0)
    network = nets.mlp(2, 1, width=64)
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    slower = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.02, 600)
    for _ in range(600):  # points that tremble cannot be learnt by heart
        loss = losses.bce_d(*(network(points + 0.1 * torch.randn_like(points)) for points in (real, fake)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        slower.step()
    return network
    ### END SOLUTION


# %% check="judge"
hints = [
    "Measure the bound on points that you held back, at every 20th step. When is it largest?",
    "Stop early; or a smaller network; or weight decay; or the mean logit of several networks. Try one after the other.",
    "Let the points tremble: at each step add new noise to them, much smaller than the ring. Now train longer.",
]


@torch.no_grad()
def proven(judge: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> float:
    """The lower bound on the divergence that a judge proves on points; nan for what is no judge."""
    if not callable(judge):
        return math.nan
    logits = [judge(points) for points in (real, fake)]
    if any(not isinstance(one, Tensor) or one.numel() != len(real) for one in logits):
        return math.nan
    return math.log(2) - float(losses.bce_d(*logits)) / 2


truly_real, truly_fake = ring(sigma=0.2), GaussianMixture([[0.0, 0.0]], 0.7)
bounds, own, seconds = [], [], []
with checking("A judge from few points", hints) as c:
    for seed in range(3):
        random = torch.Generator().manual_seed(seed)
        sides = [side.sample(20_200, random) for side in (truly_real, truly_fake)]
        started = time.process_time()
        judge = train_judge(*(side[:200].clone() for side in sides))
        seconds.append(time.process_time() - started)
        bounds.append(proven(judge, *(side[200:] for side in sides)))
        own.append(proven(judge, *(side[:200] for side in sides)))
    c.true(
        all(math.isfinite(bound) for bound in bounds),
        "the judge gives one finite logit for each point",
        f"the bounds are {', '.join(f'{bound:.3f}' for bound in bounds)}",
        hint="Return a function. It gives one logit for each point, (N,) or (N, 1), and none is infinite or nan.",
    )
    c.true(
        max(seconds) < 10,
        "each within 10 seconds of the processor",
        f"the slowest took {max(seconds):.1f}",
        hint="Too slow: 200 points need no wide network and no thousands of steps.",
    )
    mean, on_own = sum(bounds) / 3, sum(own) / 3
    advice = (
        "A bound below 0 on its own points: real points come first in bce_d, and should get the high logits."
        if on_own < -0.02
        else "It is too weak, or not trained for long enough: even on its own points it proves little."
        if on_own < 0.14
        else "This judge has learnt its points by heart. Stop earlier, or make it harder to learn them."
        if mean < 0.115
        else "Nearly. Put two remedies together, or take the mean logit of several networks."
    )
    c.true(mean > 0.128, "it proves 0.128 or more", f"it proves {mean:.3f}, and {on_own:.3f} on its own points", advice)
    c.true(
        mean < jensen_shannon(truly_real, truly_fake, 4.0, 400) + 0.01,
        "and no more than is true",
        f"it claims {mean:.3f}",
    )
### BEGIN HIDDEN TESTS
few = given(
    "judge",
    lambda g: [
        side.sample(8_200, g)
        for side in (GaussianMixture([[-1.0, 0.0], [1.0, 0.5], [0.0, -1.5]], 0.25), GaussianMixture([[0.2, -0.3]], 0.9))
    ],
)
proof = proven(train_judge(*(side[:200].clone() for side in few)), *(side[200:] for side in few))
probe("proves enough", 0.285 < proof < 0.38)
### END HIDDEN TESTS
