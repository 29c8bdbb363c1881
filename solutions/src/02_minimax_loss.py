# %% [markdown]
# # Exercises for chapter 02: The minimax game as code
#
# They go with [chapter 02](../../notebooks/02_minimax_loss.ipynb). Each task has its place for your answer, and under
# it a check: run it as often as you like, it answers at once and each time with a stronger hint. Your progress is kept
# in this folder; `minigan progress` shows it.
#
# This set is about a discriminator that is kept modest: by softer labels, by a penalty, by more pictures. One task is
# about a batch that does not fit into the memory.

# %%
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minigan import data, losses, nets, plot, weights
from minigan.course import pick
from minigan.course.checking import checking

torch.set_num_threads(1)  # the networks here are tiny

# %% [markdown] task="smooth" kind="complete" minutes=8 points=3 trains="a formula as stable code"
# ## Smoothed labels
#
# A discriminator that is too sure of itself teaches little. [Salimans et al.
# 2016](https://arxiv.org/abs/1606.03498) (section 3.4) let it answer $1 - s$ for a real picture instead of 1, and leave
# the label of fakes at 0. The loss is a mean over the batch of reals, plus one over the batch of fakes:
#
# $$L_D = \mathbb{E}_x\big[-(1 - s) \log \sigma(\ell_x) - s \log(1 - \sigma(\ell_x))\big]
#       + \mathbb{E}_z\big[-\log(1 - \sigma(\ell_{G(z)}))\big]$$
#
# Here $x$ is a real picture and $G(z)$ a fake. $\ell$ are their logits, and $\sigma$ is the sigmoid. Write the loss so
# that no logit makes it infinite: a fake with the logit 200 costs 200.


# %% answer="smooth"
def smoothed_d(real_logits: Tensor, fake_logits: Tensor, smoothing: float) -> Tensor:
    """The loss of D with the label 1 - smoothing for reals and 0 for fakes. Logits of any shape -> scalar."""
    ### BEGIN SOLUTION
    real = (1 - smoothing) * F.softplus(-real_logits) + smoothing * F.softplus(real_logits)
    return real.mean() + F.softplus(fake_logits).mean()
    ### END SOLUTION


# %% check="smooth"
hints = [
    "The chapter turned -log sigmoid(t) and -log(1 - sigmoid(t)) into one function each. Which?",
    "-log sigmoid(t) = softplus(-t), and -log(1 - sigmoid(t)) = softplus(t). Weigh the two for reals, take means, add.",
]
one, two = torch.tensor([1.0]), torch.tensor([2.0])
# softplus at -1, 1 and 2
low, high, fake = math.log1p(math.exp(-1)), math.log1p(math.exp(1)), math.log1p(math.exp(2))
mistakes = {
    "Only the reals are smoothed: the label of fakes stays 0.": 0.9 * low + 0.1 * high + 0.9 * fake + 0.1 * (fake - 2),
    "Real and fake are swapped: the smoothed label belongs to the reals.": 0.9 * fake + 0.1 * (fake - 2) + low,
    "The signs of the logits are turned: a high logit means real, and should cost a real picture little.": 0.9 * high
    + 0.1 * low
    + fake
    - 2,
    "A label of 1 - s leaves s for the other answer: the second term of the reals is missing.": 0.9 * low + fake,
    "The label is 1 - s, not s: a real picture is still mostly real.": 0.1 * low + 0.9 * high + fake,
    "The smoothing is not used: this is the loss with the labels 1 and 0.": low + fake,
    "The loss of the fakes is missing.": 0.9 * low + 0.1 * high,
    "The two means are added. No half stands before them.": (0.9 * low + 0.1 * high + fake) / 2,
}
with checking("Smoothed labels", hints) as c:
    c.close(smoothed_d(one, two, 0.1), 0.9 * low + 0.1 * high + fake, "one pair by hand, s = 0.1", mistakes=mistakes)
    c.close(
        smoothed_d(torch.zeros(3), torch.zeros(5), 0.3),
        2 * math.log(2),
        "undecided logits cost 2 log 2, whatever s",
        mistakes={"Each batch has its own mean: do not throw reals and fakes into one.": math.log(2)},
        hint="Take the mean over each batch, not the sum: batches may differ in size.",
    )
    c.close(
        smoothed_d(200 * one, 200 * one, 0.0),
        200.0,
        "a fake with the logit 200 costs 200",
        hint="The logarithm of a sigmoid loses large logits. Use softplus.",
    )
    c.close(
        smoothed_d(one[None], two[None], 0.1),
        0.9 * low + 0.1 * high + fake,
        "logits of another shape do too",
        hint="The answer is one number, whatever the shape of the logits.",
    )
### BEGIN HIDDEN TESTS
real, fake = given("smooth", lambda g: (torch.randn(7, 1, generator=g), torch.randn(5, 1, generator=g)))
real.requires_grad_()
loss = smoothed_d(real, fake, 0.2)
probe("loss", loss)
probe("gradient", torch.autograd.grad(loss, real)[0])
probe("far", smoothed_d(torch.tensor([-90.0, 300.0]), torch.tensor([80.0]), 0.1))
### END HIDDEN TESTS

# %% [markdown] task="soft" kind="predict" minutes=5 points=2 trains="what a loss asks of the best discriminator"
# ## Soft on both sides
#
# A colleague softens both labels: 0.9 for reals and 0.2 for fakes. For a picture with the label $y$ her $D$ pays
# $-y \log D(x) - (1 - y) \log(1 - D(x))$.
#
# Take a place $x$ where reals are three times as dense as fakes. With hard labels the best $D$ answers $3/4$ there.
# What does it answer with hers? Give the probability $D(x)$, not the logit, before you run anything. The road is that
# of chapter 01, section 3: write down what $D$ pays at this one $x$, and find the answer that costs it the least.

# %% answer="soft"
prediction = ...
### BEGIN SOLUTION
prediction = 0.725  # (3 * 0.9 + 1 * 0.2) / 4: the mean label of the pictures that lie there
### END SOLUTION


# %% check="soft"
# Without any formula: 3 reals and 1 fake lie at one place, and D has one logit for all four. Walk downhill on its loss.
logit, labels = torch.zeros((), requires_grad=True), torch.tensor([0.9, 0.9, 0.9, 0.2])
for _ in range(300):
    (slope,) = torch.autograd.grad(F.binary_cross_entropy_with_logits(logit.expand(4), labels), logit)
    logit = (logit - 2 * slope).detach().requires_grad_()
measured = float(logit.detach().sigmoid())
misconceptions = {
    "That is the answer with hard labels. The labels move the minimum.": 0.75,
    "That is what it answers where nothing but reals lie. Here a quarter are fakes.": 0.9,
    "This softens the reals alone: a fake has a label of 0.2 here, not 0.": 0.675,
    "Reals and fakes do not weigh the same: reals are three times as dense here.": 0.55,
    "This is the share of the reals' labels in all labels. D pays for 1 - y as well.": 0.931,
    "Turned round: where there are more reals, the answer is nearer to the label of the reals.": 0.375,
    "A probability is asked for. This is the logit.": 0.969,
}
hints = [
    "At this x, D pays 3 times for a real and once for a fake. Collect what stands before log D, and before log(1 - D).",
    "a log t + b log(1 - t) is largest at t = a / (a + b). Here a = 3 * 0.9 + 1 * 0.2. What is b?",
]
with checking("Soft on both sides", hints) as c:
    c.predicted(prediction, measured, "as found by walking downhill", 0.004, misconceptions)
### BEGIN HIDDEN TESTS
probe("prediction", prediction if isinstance(prediction, int | float) else None, within=0.004)
### END HIDDEN TESTS

# %% [markdown] task="flat" kind="mend" minutes=12 points=4 trains="axes, order and graph of a gradient penalty"
# ## A penalty that punishes nobody
#
# The gradient penalty of the chapter punishes a slope above 1 and a slope below 1. [Petzka et al.
# 2018](https://arxiv.org/abs/1709.08894) leave the flat ones in peace, because the game only forbids what is too steep:
#
# $$P = \mathbb{E}_x \max\big(0,\; \lVert \nabla_x D(x) \rVert - 1\big)^2$$
#
# The maximum is taken for each picture $x$ by itself, and the mean over the pictures comes last. A colleague's code
# runs without an error. But her critic grows as steep as it likes, and the penalty stays near 0. There are three
# faults.


# %% given="flat"
def steep_penalty(critic: nn.Module, images: Tensor) -> Tensor:
    """E max(0, ||grad_x critic(x)|| - 1)^2 over images (N, C, H, W): a scalar for the critic to be trained with."""
    images = images.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(images).sum(), images)
    norms = gradient.norm(dim=1)
    return F.relu(norms.mean() - 1).square()


# %% answer="flat"
def steep_penalty(critic: nn.Module, images: Tensor) -> Tensor:
    """E max(0, ||grad_x critic(x)|| - 1)^2 over images (N, C, H, W): a scalar for the critic to be trained with."""
    images = images.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(images).sum(), images, create_graph=True)
    norms = gradient.flatten(1).norm(dim=1)
    return F.relu(norms - 1).square().mean()


# %% check="flat"
hints = [
    "Print the shape of norms. How many norms should there be?",
    "One steep picture and one flat one: may the flat one pay for the steep one? Look at what comes before the maximum.",
    "And what must the penalty do when you call backward on it? See how the chapter's penalties call autograd.grad.",
]


class Bowl(nn.Module):
    """D(x) = a / 2 ||x||^2. Its gradient at x is a x: as long as the picture itself, for a = 1."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.tensor(1.0))

    def forward(self, images: Tensor) -> Tensor:
        return self.a / 2 * images.flatten(1).square().sum(1)


bowl = Bowl()
lengths = torch.tensor([4.0, 0.4, 2.0])
pictures = (lengths / math.sqrt(12)).view(3, 1, 1, 1).expand(3, 3, 2, 2).contiguous()  # equal numbers, of these lengths
with checking("A penalty that punishes nobody", hints) as c:
    penalty = steep_penalty(bowl, pictures)
    mistakes = {
        "The norm runs over the channels of one pixel; it must run over the whole picture.": 1 / 3,
        "The norm runs over the channels of one pixel, so that each pixel looks flat. Over what should it run?": 1
        / 225,
        "The norm runs over the whole batch; each picture has its own.": (math.sqrt(20.16) - 1) ** 2,
        "The mean comes last: here a flat picture pays for a steep one.": (6.4 / 3 - 1) ** 2,
        "The mean comes last: the square is taken for each picture.": 16 / 9,
        "A slope below 1 costs nothing. Here it does.": 10.36 / 3,
        "What is above 1 is squared.": 4 / 3,
        "Take the mean over the pictures, not the sum.": 10.0,
        "The length is compared with 1, not its square.": 234 / 3,
        "The slope may be up to 1: subtract 1 before the maximum.": 20.16 / 3,
        "Steep and flat are exchanged: slopes above 1 are those that cost.": 0.36 / 3,
    }
    c.close(penalty, 10 / 3, "slopes of 4, 0.4 and 2 cost 9, 0 and 1: a mean of 10/3", mistakes=mistakes)
    trained = getattr(penalty, "requires_grad", False)
    c.true(
        trained,
        "the critic can be trained with it",
        "it has no gradient: backward would not reach the critic",
        hint="autograd.grad forgets how it got the gradient, unless it is told to keep the graph.",
    )
    if trained:
        (towards,) = torch.autograd.grad(penalty, bowl.a, allow_unused=True)
        c.close(towards, 28 / 3, "its gradient for a is the mean of 24, 0 and 4", hint="The graph was cut on the way.")
    c.true(
        not pictures.requires_grad,
        "the pictures are left as they were",
        "they ask for gradients now",
        hint="The pictures that were given ask for gradients now. Detach them first: that makes a new tensor.",
    )
### BEGIN HIDDEN TESTS
images, weight = given("flat", lambda g: (torch.randn(5, 2, 4, 4, generator=g), torch.randn(6, 32, generator=g) / 3))
critic = nn.Sequential(nn.Flatten(), nn.Linear(32, 6, bias=False), nn.Tanh(), nn.Linear(6, 1, bias=False))
with torch.no_grad():
    critic[1].weight.copy_(weight)
    critic[3].weight.copy_(2 * weight[:1, :6])
value = steep_penalty(critic, images)
probe("value", value)
probe("towards", torch.autograd.grad(value, critic[1].weight)[0])
probe("input", images.requires_grad)
### END HIDDEN TESTS

# %% [markdown] task="pieces" kind="mend" minutes=15 points=5 trains="where gradients go, and how they add up"
# ## A large batch in small pieces
#
# A batch of 64 pictures does not fit into the memory. So it goes through in pieces, one after the other. PyTorch adds
# up gradients, and after the last piece each optimizer takes *one* step. The weights should end where the whole batch
# would have taken them.
#
# The order is that of the chapter: $D$'s update with `losses.bce_d`, then $G$'s update with
# `losses.non_saturating_g`, from the same latents and against the $D$ that has just been updated. `pieces` divides the
# batch. The code below runs without an error. There are three faults in it.


# %% given="pieces"
def big_step(
    generator: nn.Module,
    discriminator: nn.Module,
    g_optimizer: torch.optim.Optimizer,
    d_optimizer: torch.optim.Optimizer,
    real: Tensor,
    latents: Tensor,
    pieces: int,
) -> None:
    """Update D, then G, as the whole batch would: `real` and `latents` go through in `pieces` equal parts."""
    g_optimizer.zero_grad()
    for some_real, some_latents in zip(real.chunk(pieces), latents.chunk(pieces), strict=True):
        d_optimizer.zero_grad()
        fake = generator(some_latents)
        losses.bce_d(discriminator(some_real), discriminator(fake)).backward()
    d_optimizer.step()
    for some_latents in latents.chunk(pieces):
        losses.non_saturating_g(discriminator(generator(some_latents))).backward()
    g_optimizer.step()


# %% answer="pieces"
def big_step(
    generator: nn.Module,
    discriminator: nn.Module,
    g_optimizer: torch.optim.Optimizer,
    d_optimizer: torch.optim.Optimizer,
    real: Tensor,
    latents: Tensor,
    pieces: int,
) -> None:
    """Update D, then G, as the whole batch would: `real` and `latents` go through in `pieces` equal parts."""
    d_optimizer.zero_grad()
    for some_real, some_latents in zip(real.chunk(pieces), latents.chunk(pieces), strict=True):
        fake = generator(some_latents).detach()
        loss = losses.bce_d(discriminator(some_real), discriminator(fake))
        (loss / pieces).backward()
    d_optimizer.step()
    g_optimizer.zero_grad()
    for some_latents in latents.chunk(pieces):
        loss = losses.non_saturating_g(discriminator(generator(some_latents)))
        (loss / pieces).backward(inputs=list(generator.parameters()))
    g_optimizer.step()


# %% check="pieces"
hints = [
    "Go through the code with pieces = 2, and write down what D's gradient holds after each line.",
    "Each loss is a mean over its piece. What is the mean over all, if four pieces of equal size have the means m1 to m4?",
    "Clear D once before its loop, G once before its own. Detach the fakes for D. Divide each loss by pieces.",
]
latents = torch.tensor([[2.0], [-1.0], [4.0], [3.0]])
real = torch.tensor([[1.0], [2.0], [3.0], [6.0]])


class Watched(nn.Linear):
    """One weight, and a note of the largest batch that came through."""

    largest = 0

    def forward(self, points: Tensor) -> Tensor:
        self.largest = max(self.largest, len(points))
        return super().forward(points)


class Game:
    """D(x) = d x, G(z) = g z, with d = -0.5 and g = 0.5; steps of size 1. Old gradients lie about."""

    def __init__(self, pieces: int, real: Tensor = real, latents: Tensor = latents) -> None:
        self.d, self.g = Watched(1, 1, bias=False), Watched(1, 1, bias=False)
        nn.init.constant_(self.d.weight, -0.5)
        nn.init.constant_(self.g.weight, 0.5)
        optimizers = [torch.optim.SGD(net.parameters(), 1.0) for net in (self.g, self.d)]
        for net in (self.d, self.g):
            net.weight.grad = torch.full((1, 1), 7.0)
        came: list[str] = []
        self.early = self.steps = 0
        self.g.weight.register_hook(lambda gradient: came.append("G"))
        optimizers[1].register_step_pre_hook(lambda *_: setattr(self, "early", len(came)))
        for optimizer in optimizers:
            optimizer.register_step_pre_hook(lambda *_: setattr(self, "steps", self.steps + 1))
        big_step(self.g, self.d, *optimizers, real, latents, pieces)


with checking("A large batch in small pieces", hints) as c:
    whole = Game(1)
    c.close(
        whole.d.weight,
        [[1.784294]],  # with the slopes -sigmoid(-l) for a real and sigmoid(l) for a fake, and a pocket calculator
        "in one piece: D's weight by hand",
        mistakes={
            "D's old gradient was not cleared.": [[1.784294 - 7]],
            "Real and fake are swapped: D learns to reject the reals.": [[-0.215706]],
        },
        hint="In one piece D's update is already wrong: bce_d(real logits, fake logits), one step.",
    )
    c.close(
        whole.g.weight,
        [[0.446934]],
        "in one piece: G's weight by hand",
        mistakes={
            "G's old gradient was not cleared.": [[0.446934 - 7]],
            "D's loss has left its gradient in G: the fakes are not detached.": [[0.725826]],
            "G learns from the D of before: D's step comes first.": [[-0.221108]],
            "This is G's minimax loss. The non-saturating one is asked for.": [[4.121655]],
        },
        hint="In one piece G's update is already wrong: what has been added to its gradient?",
    )
    c.equal(
        whole.early,
        0,
        "D's update sends no gradient into G",
        hint="The gradient of D's loss runs on into G. Clearing it later hides that: detach the fakes.",
    )
    halves, quarters = Game(2), Game(4)
    c.true(
        max(quarters.d.largest, quarters.g.largest) < 4,
        "in four pieces, no more than a piece goes through at once",
        "the whole batch went through at once",
        hint="The whole batch goes through at once: it would not fit. Take it in pieces.",
    )
    c.equal(
        [halves.steps, quarters.steps], [2, 2], "one step of each optimizer", hint="One step for all pieces together."
    )
    c.close(
        [halves.d.weight.item(), quarters.d.weight.item()],
        [1.784294, 1.784294],
        "D's weight is the same in two pieces and in four",
        mistakes={
            "The means of the pieces are added up: two pieces move D twice as far.": [4.068589, 8.637177],
            "Only D's last piece counts: its gradient is cleared between the pieces.": [3.074527, 4.734213],
            "Only a part of D's last piece counts: its gradient is cleared between the pieces.": [1.287263, 0.808553],
        },
        hint="The pieces of D do not add up to the whole.",
    )
    c.close(
        [halves.g.weight.item(), quarters.g.weight.item()],
        [0.446934, 0.446934],
        "and G's",
        mistakes={
            "G's means are added up: two pieces move G twice as far.": [0.393868, 0.287737],
            "Only G's last piece counts: its gradient is cleared between the pieces.": [0.770163, 0.844607],
            "Only a part of G's last piece counts: its gradient is cleared between the pieces.": [0.635082, 0.586152],
        },
        hint="The pieces of G do not add up to the whole.",
    )
### BEGIN HIDDEN TESTS
points, numbers = given("pieces", lambda g: (torch.randn(12, 1, generator=g) + 1, torch.randn(12, 1, generator=g)))
for pieces in (1, 3, 6):
    game = Game(pieces, points, numbers)
    probe(f"weights in {pieces}", [game.d.weight, game.g.weight])
    probe(f"early in {pieces}", game.early)
    probe(f"small in {pieces}", game.d.largest < 12 and game.g.largest < 12 if pieces > 1 else True)
### END HIDDEN TESTS

# %% [markdown] task="learnt" kind="explain" minutes=8 points=4 trains="reading logits of pictures that D has and has not seen"
# ## A discriminator that is sure
#
# Below two discriminators of the same kind are trained. No generator learns from them: the fakes come from the finished
# generator of garments that ships with the course. On the left $D$ sees 60 real pictures again and again, on the right
# 4,500. The curves are mean logits: of the real pictures it trains on, of other real pictures that it never sees, and
# of new fakes.

# %%
names = ("reals, trained on", "reals, held out", "fakes")
finished, facts = weights.shipped("fashion")  # it was trained without the bags
parts = [data.load("fashion", split) for split in ("train", "test")]
seen, unseen = (part[:6000][part.labels[:6000] != data.FASHION.index("bag")] for part in parts)
with torch.no_grad():
    latents = torch.randn(1300, finished.latents, generator=torch.Generator().manual_seed(0))
    fakes = torch.cat([finished(some) for some in latents.split(100)])
seen, unseen, fakes = (F.avg_pool2d(images, 2) for images in (seen[:4500], unseen[:500], fakes))  # half the size


def watch(count: int, steps: int = pick(quick=80, cpu=560, full=560), every: int = 20) -> list[list[float]]:
    """Train D on `count` real pictures; every 20 steps the three mean logits and D's loss on what it trains on."""
    torch.manual_seed(0)
    network = nets.Discriminator(14, channels=1, width=16)
    optimizer = torch.optim.Adam(network.parameters(), 1e-3, betas=(0.5, 0.99))
    rows = []
    for step in range(steps + 1):
        if step % every == 0:
            with torch.no_grad():
                logits = [network(images) for images in (seen[: min(count, 500)], unseen, fakes[1000:])]
                rows.append([float(one.mean()) for one in logits])
                rows[-1].append(float(losses.bce_d(logits[0], logits[2])))
        real, fake = (images[torch.randint(len(images), (32,))] for images in (seen[:count], fakes[:1000]))
        loss = losses.bce_d(network(real), network(fake))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return rows


colours = (plot.REAL, plot.GREEN, plot.FAKE)
runs = {"60 real pictures": watch(60), "4,500 real pictures": watch(4500)}
alt = (
    "Two charts of mean logits over the steps. With 60 pictures the reals trained on rise above 1, while the held-out reals "
    "fall below 0 together with the fakes. With 4,500 pictures all three curves stay near 0."
)
with plot.figure(2, alt=alt, size=(4.4, 3.1)) as axes:
    for axis, (title, rows) in zip(axes, runs.items(), strict=True):
        for name, curve, colour, style in zip(names, zip(*rows, strict=True), colours, ("-", "--", "-"), strict=False):
            axis.plot(range(0, 20 * len(rows), 20), curve, color=colour, ls=style, label=name)
        axis.axhline(0, color="0.7", lw=0.8, zorder=0)
        axis.set(title=title, xlabel="step of D", ylim=(-2.2, 2.2))
    axes[0].set_ylabel("mean logit")
    axes[0].legend(loc="upper left", fontsize=8.5)
print("D's loss at the end: " + ", ".join(f"{rows[-1][3]:.2f} with {title}" for title, rows in runs.items()))

# %% [markdown]
# A colleague sees the run on the left and says: "D's loss falls well below $\log 4$, so the fakes must be bad." What
# has this $D$ learnt instead, and which curve shows it? What would a generator learn from it? And what would you change
# first? Four to six sentences.

# %% [markdown] explain="learnt"
# On the left $D$ has learnt its 60 pictures by heart. The held-out reals show it: they are real, and $D$ gives them the
# same low logits as the fakes. So what it tells apart is not real from fake, but known from unknown. The fakes are the
# same on the right, and there $D$ hardly sees a difference, so they are good. A generator that follows the left $D$ is
# pulled towards these 60 pictures; the best it can do is to copy them. First I would give $D$ more to look at: more
# pictures, or the augmentation of reals and fakes alike. R1, a smaller $D$ or fewer steps hold it back too. And I would
# keep held-out reals on the chart.
#
# **Rubric.**
#
# - 1 point: D has memorised the 60 pictures, and tells known from unknown.
# - 1 point: the curve of the held-out reals is the evidence: it runs with the fakes, not with the reals. (Or: the same fakes pass on
#   the right.)
# - 1 point: the generator would be driven to copy the training pictures, or gets no useful direction.
# - 1 point: a fitting remedy: more pictures, augmentation of reals *and* fakes, R1, a weaker D, stopping in time.
#   Augmentation of the reals alone loses this point.
