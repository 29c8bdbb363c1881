# %% [markdown]
# # Exercises for chapter 03: Evaluation
#
# They go with [chapter 03](../../notebooks/03_evaluation.ipynb). Each task has its place for your answer, and under it a
# check: run it as often as you like, it answers at once and each time with a stronger hint. Your progress is kept in this
# folder; `minigan progress` shows it.
#
# This set is about numbers that mislead: a score that counts classes, a distance with a bias, a recall that hides who is
# missing, and a thief whom every judge of the chapter lets go.

# %%
import math
import time

import torch
from torch import Tensor

from minigan import data, plot
from minigan.course.checking import checking
from minigan.metrics import frechet_distance, nearest
from minigan.plot import FAKE, REAL

# %% [markdown] task="paper" kind="predict" minutes=4 points=1 trains="what the inception score counts"
# ## A score on paper
#
# A generator draws half sneakers, a quarter bags and a quarter shirts. Each picture is so clear that the classifier is
# certain of it: $p(y | x)$ is 1 for one of the ten classes of section 2, and 0 for the others.
#
# What is its inception score? Work it out with a pencil, to two decimal places. (A class with $p(y | x) = 0$ adds
# nothing to the divergence, for $0 \log 0$ counts as 0.)

# %% answer="paper"
prediction = ...
### BEGIN SOLUTION
prediction = 2.83  # one half times log 2 and two quarters times log 4 are 1.5 log 2, and exp of it is 2 to the 1.5
### END SOLUTION


# %% check="paper"
def inception_score(logits: Tensor) -> float:
    """The function of section 2."""
    each = logits.double().softmax(1)
    overall = each.mean(0)
    return float((each * (each.log() - overall.log())).sum(1).mean().exp())


hints = [
    "The divergence of one picture is the sum over y of p(y|x) log(p(y|x) / p(y)). Only one y is left in it.",
    "For a sneaker it is log(1 / (1/2)). Take the mean over all pictures, and its exponential at the end.",
]
certain = torch.zeros(400, 10)
for place, number in enumerate([7, 7, 8, 6]):
    certain[100 * place : 100 * place + 100, number] = 200.0  # a sneaker, a sneaker, a bag, a shirt
mistakes = {
    "Three classes count as 3 only where they are equally frequent.": 3.0,
    "Seven of the ten classes are never drawn. The score cannot be that of all.": 10.0,
    "This is the mean divergence. The score is its exponential.": 1.5 * math.log(2),
    "This is the mean divergence in bits. The score is the exponential of the one with natural logarithms.": 1.5,
    "The logarithms are natural ones. With bits, the base of the power is 2.": math.exp(1.5),
    "The mean runs over pictures, and half of them are sneakers: a class counts as often as it is drawn.": math.exp(
        5 / 3 * math.log(2)
    ),
    "The sign is turned: the divergence is log(1 / p(y)), which is not negative.": 2**-1.5,
}
with checking("A score on paper", hints) as c:
    found = inception_score(certain)
    c.close(prediction, found, "what the function of section 2 finds", tolerance=0.01, mistakes=mistakes)
### BEGIN HIDDEN TESTS
probe("prediction", prediction, within=0.01)
### END HIDDEN TESTS

# %% [markdown] task="unbiased" kind="complete" minutes=15 points=4 trains="where a bias comes from, and how to take it off"
# ## The first term, without its bias
#
# Section 6 found that FID is too large, even for a perfect generator. Its first term shows why. Real and fake features
# have the true means $\mu_r$ and $\mu_f$. We have only the means $m_r$ and $m_f$ of $n_r$ and $n_f$ examples, and each
# number in them is off by a random error. Squared errors do not cancel, so $\lVert m_r - m_f \rVert^2$ is on average too
# large. By how much is known: the mean of $n$ independent numbers with variance $v$ has a squared error of $v / n$, on
# average.
#
# Write an estimate of $\lVert \mu_r - \mu_f \rVert^2$ that is right *on average*, for any numbers of examples from two
# up. It uses all examples alike, whatever their order. Like KID it may come out negative.
#
# There are two ways. Take off what the errors add, which needs variances that are right on average themselves. Or leave
# variances alone, and look at section 7: its formula for KID holds for other kernels too, and with
# $k(x, y) = x^\top y$ it estimates just this.


# %% answer="unbiased"
def mean_term(real: Tensor, fake: Tensor) -> Tensor:
    """||mu_r - mu_f||^2 of two feature sets (N, D) and (M, D), right on average: a scalar, which may be negative."""
    ### BEGIN SOLUTION
    plain = (real.mean(0) - fake.mean(0)).square().sum()
    return plain - real.var(0).sum() / len(real) - fake.var(0).sum() / len(fake)
    ### END SOLUTION


# %% check="unbiased"
hints = [
    "Begin with the plain square of the difference of means. What do the errors of both means add to it?",
    "For each feature and each set, v / n too much: v is the variance over the set, n its number of examples.",
    "Tensor.var divides by n - 1, which makes it right on average. Sum over the features, and take both parts off.",
]
two, three = torch.tensor([[0.0], [4.0]]), torch.tensor([[1.0], [4.0], [10.0]])
# by hand: means 2 and 5, variances 8 and 21
mistakes = {
    "This is the plain square, which is too large. Nothing is taken off: not the errors, or not the pairs with itself.": 9.0,
    "Only the reals' share is taken off. The fakes' mean has an error too.": 5.0,
    "Only the fakes' share is taken off. The reals' mean has an error too.": 2.0,
    "The estimate may be negative. Cut it at 0, and it is too large on average again.": 0.0,
    "Take variances off, not standard deviations.": 9 - math.sqrt(8) / 2 - math.sqrt(21) / 3,
    "A variance that is right on average divides by n - 1, not by n.": 9 - 4 / 2 - 14 / 3,
    "The error of a mean is the variance over n, with n the number of examples.": 9 - 8 - 21.0,
    "A mean of n numbers has the squared error v / n. Here it was divided by n - 1 once more.": 9 - 8 - 21 / 2,
    "The errors are in the plain square already: take them off, do not add them.": 20.0,
    "Each variance belongs to the number of examples of its own set.": 9 - 8 / 3 - 21 / 2,
}
with checking("The first term, without its bias", hints) as c:
    c.close(mean_term(two, three), -2.0, "two reals and three fakes by hand", mistakes=mistakes)
    wide_two, wide_three = torch.tensor([[0.0, 1.0], [4.0, 3.0]]), torch.tensor([[1.0, 2.0], [4.0, 2.0], [10.0, 2.0]])
    mistakes = {"Sum over the features, do not average.": -1.5}
    c.close(mean_term(wide_two, wide_three), -3.0, "a second feature by hand", mistakes=mistakes)
    random = torch.Generator().manual_seed(0)
    draws = [mean_term(*torch.randn(2, 5, 8, generator=random)) for _ in range(1500)]
    try:
        average = sum(float(draw) for draw in draws) / len(draws)
    except (TypeError, ValueError, RuntimeError):
        average = math.nan
    c.true(
        abs(average) < 0.15,
        "0 on average, where both sets of five have one distribution",
        f"the average of 1,500 draws is {average:.2f}",
    )
### BEGIN HIDDEN TESTS
reals, fakes = given(
    "features", lambda g: (2 * torch.randn(9, 6, generator=g), 1 + torch.randn(14, 6, generator=g).square())
)
probe("estimate", mean_term(reals, fakes))
probe("few", mean_term(reals[:2], fakes))
probe("the same", mean_term(fakes[:7], fakes[7:]))
### END HIDDEN TESTS

# %% [markdown] task="missing" kind="mend" minutes=15 points=4 trains="neighbours, axes and shares"
# ## Who is missing?
#
# Section 8 asked class by class which share of the real pictures is covered. A colleague has made a function of it. Each
# fake claims a ball that reaches to its $k$-th nearest *other* fake; a real picture is covered where at least one ball
# holds it, rim included; the recall of a class is the share of *its* reals that are covered.
#
# "It runs, and the numbers lie between 0 and 1", says the colleague, who has tried it on 2,000 reals and 2,000 fakes.
# There are three faults. (`torch.cdist(a, b)` is a table of distances. Its rows belong to the rows of `a`, its columns
# to the rows of `b`.)


# %% given="missing"
def recall_by_class(real: Tensor, labels: Tensor, fake: Tensor, classes: int, k: int = 3) -> Tensor:
    """The share of each class's reals that are covered: (N, D), labels (N,), (M, D) -> (classes,)."""
    radii = torch.cdist(fake, fake).kthvalue(k).values
    covered = (torch.cdist(real, fake) <= radii[:, None]).any(1)
    return torch.stack([(covered & (labels == number)).float().mean() for number in range(classes)])


# %% answer="missing"
def recall_by_class(real: Tensor, labels: Tensor, fake: Tensor, classes: int, k: int = 3) -> Tensor:
    """The share of each class's reals that are covered: (N, D), labels (N,), (M, D) -> (classes,)."""
    radii = torch.cdist(fake, fake).kthvalue(k + 1).values  # the first is the fake itself
    covered = (torch.cdist(real, fake) <= radii[None, :]).any(1)
    return torch.stack([covered[labels == number].float().mean() for number in range(classes)])


# %% check="missing"
hints = [
    "Ask the three lines one by one. What is the nearest row of fake to a row of fake?",
    "In the second line, does radii[:, None] belong to the reals or to the fakes? Try five reals and six fakes.",
    "In the third line: the mean over whom? A class with few pictures must be able to reach 1.",
]
on_a_line = torch.tensor([[0.0], [2.0], [3.0], [9.0], [9.5]])
drawn = torch.tensor([[0.2], [1.0], [1.2], [3.4], [4.0], [20.0]])
kinds = torch.tensor([0, 0, 0, 1, 1])
with checking("Who is missing?", hints) as c:
    try:
        other_way = recall_by_class(on_a_line, kinds, drawn, 2, k=1)
    except RuntimeError as error:
        c.true(
            False,
            "five reals and six fakes",
            f"RuntimeError: {str(error)[:90]}",
            hint="A ball belongs to a fake. The table of distances has the fakes as its columns.",
        )
    else:
        mistakes = {
            "The nearest fake to a fake is itself, at distance 0. The k-th other one comes one later.": [0.0, 0.0],
            "The share of a class is taken over its own pictures, not over all.": [0.4, 0.4],
            "This gives every fake the reach of its second neighbour; k = 1 is the first other one.": [1.0, 1.0],
            "Classes are mixed up: this is the recall of all together.": [0.8, 0.8],
            "This is coverage by the other side: balls are to be around fakes, not around reals.": [1.0, 0.0],
        }
        c.close(other_way, [2 / 3, 1.0], "five reals and six fakes on a line, by hand, k = 1", mistakes=mistakes)
        c.close(
            recall_by_class(torch.tensor([[2.0], [4.0]]), torch.tensor([0, 1]), torch.tensor([[0.0], [1.0]]), 2, k=1),
            [1.0, 0.0],
            "a real picture on the rim of a ball is covered",
            hint="The rim belongs to the ball: at most the radius, not less than it.",
        )
        corners = torch.tensor([[0.0, 0.0], [0.0, 5.0], [8.0, 8.0], [9.0, 11.5]])
        near = torch.tensor([[9.0, 8.0], [9.0, 10.0], [0.0, 2.0], [0.0, 1.0]])
        c.close(
            recall_by_class(corners, torch.tensor([0, 1, 1, 2]), near, 3, k=1),
            [1.0, 0.5, 1.0],
            "three classes in the plane, as many fakes as reals",
            hint="With as many fakes as reals a wrong axis gives no error. Whose radius is compared?",
        )
### BEGIN HIDDEN TESTS
reals, fakes = given("clouds", lambda g: (torch.randn(24, 3, generator=g), 0.7 * torch.randn(24, 3, generator=g)))
which = given("classes", lambda g: torch.cat([torch.arange(4), torch.randint(4, (20,), generator=g)]))
probe("square", recall_by_class(reals, which, fakes, 4))
probe("fewer fakes", recall_by_class(reals, which, fakes[:9], 4, k=1))
probe("wider", recall_by_class(reals, which, fakes[:15], 4, k=5))
### END HIDDEN TESTS

# %% [markdown] task="thief" kind="improve" minutes=25 points=5 trains="a distance made for one question"
# ## Catch the thief
#
# Section 12 found a thief in the features of a network. This one is more careful. He takes garments from the training
# set, moves each by up to three pixels up or down and by up to three left or right, mirrors about half of them, and
# makes all of them darker: what a pixel has above black is multiplied by a number from 0.6 to 1. Then he adds some
# grain. On the sheet below, 20 of 40 garments are stolen. The other 20 are honest: new ones, darkened and with grain
# in the same way.

# %%
training = data.load("fashion")[:400]
new_garments = data.load("fashion", "test")


def darker(images: Tensor, random: torch.Generator) -> Tensor:
    """Each picture multiplied, from black on, by its own number from 0.6 to 1, and with grain."""
    factors = 0.6 + 0.4 * torch.rand(len(images), 1, 1, 1, generator=random)
    return ((images + 1) * factors - 1 + 0.08 * torch.randn(images.shape, generator=random)).clamp(-1, 1)


def steal(images: Tensor, random: torch.Generator) -> Tensor:
    """Moved by up to 3 pixels both ways; half of them mirrored."""
    taken = []
    for image in images:
        down, right = torch.randint(-3, 4, (2,), generator=random).tolist()
        image = image.roll((down, right), (-2, -1))
        taken.append(image.flip(-1) if torch.rand((), generator=random) < 0.5 else image)
    return torch.stack(taken)


def sheet(random: torch.Generator) -> tuple[Tensor, Tensor]:
    """40 garments (40, 1, 28, 28) in random order, and which of them are stolen (40,)."""
    stolen = steal(training[torch.randperm(400, generator=random)[:20]], random)
    honest = new_garments[torch.randperm(len(new_garments), generator=random)[:20]]
    order = torch.randperm(40, generator=random)
    return darker(torch.cat([stolen, honest]), random)[order], order < 20


garments, is_stolen = sheet(torch.Generator().manual_seed(1))
alt = "Forty dim, grainy garments in four rows: shirts, trousers, shoes, bags. By eye nobody can tell which are copies."
plot.grid(garments, alt=alt, columns=10, zoom=2)

# %% [markdown]
# Write `suspicion`: one number for each garment, larger where a theft is likelier. The 20 most suspicious are accused,
# and the score is the share of the 40 that are judged rightly. Guessing gives 0.5. Your start is the nearest training
# picture in pixels. It gives 0.30, which is worse than guessing. Features are no better than a coin here: the nearest
# in those of EfficientNet-Lite0 give 0.45, in those of the Fashion classifier 0.55. Grain and darkness disturb them more
# than another garment does. Get to 0.9 or more within 10 seconds.
#
# You know what the thief does. How can it be undone, or be made not to count?


# %% given="thief"
def suspicion(samples: Tensor, training: Tensor) -> Tensor:
    """How likely each sample is a copy: (N, 1, 28, 28), training pictures (M, 1, 28, 28) -> (N,)."""
    return -nearest(samples, training)[0]


# %% answer="thief"
def suspicion(samples: Tensor, training: Tensor) -> Tensor:
    """How likely each sample is a copy: (N, 1, 28, 28), training pictures (M, 1, 28, 28) -> (N,)."""

    def directions(images: Tensor) -> Tensor:
        """Less the mean and of length 1: neither a factor nor a constant counts any more."""
        centred = images.flatten(1) - images.flatten(1).mean(1, keepdim=True)
        return centred / centred.norm(dim=1, keepdim=True)

    known, best = directions(training), []
    for turned in (samples, samples.flip(-1)):
        for down in range(-3, 4):
            for right in range(-3, 4):
                moved = turned.roll((down, right), (-2, -1))
                best.append((directions(moved) @ known.T).max(1).values)
    return torch.stack(best).max(0).values


# %% check="thief"
def accused(numbers: Tensor) -> Tensor:
    """The more suspicious half."""
    return torch.zeros(len(numbers), dtype=torch.bool).scatter(0, numbers.topk(len(numbers) // 2).indices, True)


hints = [
    "Undo what he may have done: try each shift, take the best.",
    "He has two kinds of secrets: which shift, and whether mirrored. That makes 98 pairs of choices.",
    "Against darkness: subtract each picture's mean and divide by its length, then no factor counts. That is a cosine.",
]
honest = new_garments[:30]
tricks = {
    "moved by two pixels": training[[11]].roll((2, -2), (-2, -1)),
    "mirrored": training[[12]].flip(-1),
    "darker": (training[[16]] + 1) * 0.6 - 1,
}
undone = {
    "moved by two pixels": "He moves his pictures, and pixel by pixel distances mind it. Try all shifts, and take the best.",
    "mirrored": "A mirrored copy slips through. Compare with each picture's mirror image too.",
    "darker": "A darker copy slips through. Make the comparison blind to a factor: subtract the mean, divide by the length.",
}
with checking("Catch the thief", hints) as c:
    start = time.process_time()
    numbers = suspicion(garments.clone(), training.clone())
    seconds = time.process_time() - start
    c.shape(numbers, (40,), "one number for each garment", hint="Give one number for each of the samples: (N,).")
    if getattr(numbers, "shape", None) == (40,):
        share = float((accused(numbers) == is_stolen).float().mean())
        c.true(
            share > 0.2,
            "the accused are not mostly the honest ones",
            "four of five honest garments are accused",
            hint="Larger means likelier a theft. A small distance is suspicious: turn the sign.",
        )
        for trick, copy in tricks.items():
            told = suspicion(torch.cat([honest, copy]), training)
            c.equal(
                int(told.argmax()), 30, f"a copy that is only {trick} stands out from 30 new ones", hint=undone[trick]
            )
        c.true(share >= 0.9, "0.9 or more of the sheet are judged rightly", f"the share is {share:.2f}")
    c.true(
        seconds < 10,
        "within 10 seconds of computing",
        f"it took {seconds:.1f} s",
        hint="One matrix product compares all pairs at once.",
    )
### BEGIN HIDDEN TESTS
truths = []
for number in range(2):

    def make(random):
        images, guilty = sheet(random)
        truths.append(guilty)
        return images

    other = given(f"sheet {number}", make)
    judged = accused(suspicion(other, training))
    probe(f"verdicts {number}", judged, truth=lambda number=number: truths[number], within=0.16, mean_square=True)
### END HIDDEN TESTS

# %% [markdown] task="crossing" kind="explain" minutes=8 points=4 trains="reading a score over n"
# ## Two reports
#
# Two generators, A and B, are judged by FID, with $n$ pictures on each side. The figure shows the mean of five draws at
# each $n$, and grey the floor: as many other real pictures. (The features are made up, 64 numbers for each picture, so
# that the truth about A and B is known to whoever wrote this.)

# %%
random = torch.Generator().manual_seed(0)
varies = (torch.arange(64) < 50).float()
makers = {
    "A": lambda n: torch.randn(n, 64, generator=random) * varies,
    "B": lambda n: torch.randn(n, 64, generator=random) * 1.12 + 0.35,
    "floor": lambda n: torch.randn(n, 64, generator=random),
}
counts = [70, 100, 150, 220, 330, 500, 800, 1300, 2000]
scores = {
    name: [sum(float(frechet_distance(makers["floor"](n), make(n))) for _ in range(5)) / 5 for n in counts]
    for name, make in makers.items()
}
alt = "Three falling curves of FID over n, on a logarithmic axis. A begins below B. They cross at about n = 200, and at 2,000 A is at 15 and B at 10; the floor falls towards 0."
with plot.figure(alt=alt, size=(5.6, 3.4)) as axis:
    for (name, values), colour in zip(scores.items(), (REAL, FAKE, "0.6"), strict=True):
        axis.plot(counts, values, "o-", color=colour, ms=4)
        axis.text(1.04 * counts[-1], values[-1], f" {name}", color=colour, va="center")
    axis.set(xscale="log", xlabel="n, pictures on each side", ylabel="FID", ylim=(0, None), xlim=(60, 3100))
    axis.set_xticks([100, 200, 500, 1000, 2000], ["100", "200", "500", "1000", "2000"])
    axis.minorticks_off()

# %% [markdown]
# Report 1: "With 100 pictures for each, A has the lower FID. The comparison is fair, for $n$ is the same." Report 2: "We
# judged B with 100 pictures, and A with 2,000. A is twice as good."
#
# 1. What is wrong with each report?
# 2. Why do all three curves fall, and why can the order of A and B turn?
# 3. Which of the two is nearer to the real pictures, and how would you report it?
# 4. One of them hardly varies in 14 of the 64 directions. Which one do you suspect, and what in the figure says so?
#
# One or two sentences for each.

# %% [markdown] explain="crossing"
# Report 1 has the same $n$ on both sides, but at $n = 100$ most of both numbers is bias. Report 2 compares different
# $n$; B at 2,000 is better than A. The estimates of means and covariances have errors, which add to a squared distance
# and fall about like $1/n$, also for the floor, whose true distance is 0. How much they add differs from generator to
# generator. B has more bias and the smaller distance behind it, so it overtakes. At 2,000, and more so continued to
# $1/n = 0$, B is nearer: its true distance is 8.8, that of A is 14. I would report both at the largest $n$, with the
# floor at that $n$ and a spread over draws, and KID beside it, which has no bias. A is the one that varies less: what does not vary can't be
# misestimated, so its bias is smaller, and its curve levels off soonest and high above the floor.
#
# **Rubric.**
#
# - 1 point: report 1 compares biases (equal $n$ is not enough), and report 2 compares different $n$.
# - 1 point: errors of the estimated mean and covariance always add, by about $1/n$; their size differs by generator.
# - 1 point: B, with a sound way to say so: large and equal $n$ or continued to $1/n = 0$, with the floor, or KID.
# - 1 point: A, because its bias is smaller or its curve is flat while its limit is high: fewer directions to misestimate,
#   and what is missing does not go away with $n$.
