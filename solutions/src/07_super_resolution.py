# %% [markdown]
# # Exercises for chapter 07: Super-resolution
#
# They go with [chapter 07](../../notebooks/07_super_resolution.ipynb). Each task has its place for your answer, and under
# it a check: run it as often as you like, it answers at once and each time with a stronger hint. Your progress is kept in
# this folder; `minigan progress` shows it.
#
# This set is about pairs that belong together, answers to a question with many answers, and how far one gets without a
# network.

# %%
import math
import time
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minigan import data, metrics, plot, weights
from minigan.apps.superres import Upscaler, enlarge, enlarged, shrunk
from minigan.course.checking import checking
from minigan.course.spectrum import drawn_and_right

# %% [markdown] task="hair" kind="predict" minutes=6 points=3 trains="which answer an error asks for"
# ## Hair or gap
#
# A small picture leaves one pixel of the large one open. Three of four photographs that fit have a bright hair there,
# with the value 1. The fourth has a dark gap, with the value -1. Five numbers, before you run anything:
#
# 1. Which value has the smallest mean **squared** error?
# 2. How large is that error?
# 3. One painter always draws the likeliest value. What is the mean squared error of that?
# 4. Another one draws hairs and gaps at random, as often as they are there. What is the mean squared error of that?
# 5. Which value has the smallest mean **absolute** error? That is the error which the pixel net of the chapter was trained
#    with.

# %% answer="hair"
prediction = [..., ..., ..., ..., ...]
### BEGIN SOLUTION
prediction = [0.5, 0.75, 1.0, 1.5, 1.0]
### END SOLUTION

# %% check="hair"
hints = [
    "The mean squared error of a value a is 3/4 (1 - a)^2 + 1/4 (-1 - a)^2. Where is it smallest?",
    "For number 4 look at the price of a picture that exists, in section 6.",
    "The absolute error of a is 3/4 |1 - a| + 1/4 |-1 - a|. Try a = 0.5 and a = 1: it is a straight line between -1 and 1.",
]
chance = torch.Generator().manual_seed(0)
truth = 1 - 2.0 * (torch.rand(400_000, generator=chance) < 0.25)
another = truth[torch.randperm(len(truth), generator=chance)]
candidates = torch.linspace(-1, 1, 41)
squared = torch.stack([(truth - value).square().mean() for value in candidates])
absolute = torch.stack([(truth - value).abs().mean() for value in candidates])
measured = [
    ("the value with the smallest squared error", float(candidates[squared.argmin()])),
    ("its squared error", float(squared.min())),
    ("the error of the likeliest value", float((truth - 1).square().mean())),
    ("the error of a value drawn at random", float((truth - another).square().mean())),
    ("the value with the smallest absolute error", float(candidates[absolute.argmin()])),
]
mistakes = [
    {
        "The likeliest value is not the best one: it pays four for each gap that it misses.": 1.0,
        "The mean counts the hairs three times, since there are three times as many.": 0.0,
    },
    {
        "Even the best value is always wrong, for it is neither hair nor gap.": 0.0,
        "That is the squared distance to a hair. A quarter of the photographs have a gap there.": 0.25,
        "That is the error of the likeliest value; the best one has less.": 1.0,
    },
    {
        "The likeliest value is wrong in a quarter of the cases, and each time by 2. What is the square of that?": 0.25,
        "Where there is a gap it is wrong by 2, and the error is squared.": 0.5,
        "The likeliest value is wrong wherever there is a gap.": 0.0,
    },
    {
        "How often do two draws differ, and by how much? The difference is 2, and squared it is 4.": 0.375,
        "The difference of a hair and a gap is squared.": 0.75,
        "To draw at random is more wrong than to draw the likeliest value.": 1.0,
    },
    {
        "The mean has the smallest squared error. The absolute error has its least at the median.": 0.5,
        "Half way between the two values would be the median if there were as many gaps as hairs.": 0.0,
    },
]
spoken = list(prediction) if isinstance(prediction, list | tuple | Tensor) and len(prediction) == 5 else [None] * 5
spoken = [float(one) if isinstance(one, int | float) or getattr(one, "numel", int)() == 1 else None for one in spoken]
with checking("Hair or gap", hints) as c:
    for number, (name, value), known in zip(spoken, measured, mistakes, strict=True):
        c.close(number, value, f"{name}, measured", 0.02, mistakes=known)
### BEGIN HIDDEN TESTS
probe("prediction", spoken, within=0.01)
### END HIDDEN TESTS

# %% [markdown] task="looks" kind="complete" minutes=12 points=4 trains="undoing what was done to a picture, in the right order"
# ## Eight looks
#
# A network that has learnt from turned and mirrored crops should enlarge a turned picture as it enlarges the picture
# itself. It does so only nearly, and its small mistakes differ. So let it look eight times and take the mean ([Lim et al.
# 2017](https://arxiv.org/abs/1707.02921), section 3.3):
#
# $$G_8(y) = \frac18 \sum_{k=0}^{7} T_k^{-1}\, G(T_k\, y)$$
#
# $T_0 \ldots T_7$ are the eight ways to lay a square tile: turned by 0, 90, 180 or 270 degrees, and each of them mirrored
# or not. $T_k^{-1}$ undoes $T_k$. The pictures need not be square. For the pixel net of the course this is worth 0.05
# dB on the held-out photographs, without a minute of training.


# %% answer="looks"
def eight_looks(network: Callable[[Tensor], Tensor], small: Tensor) -> Tensor:
    """The mean of the network's answers to the eight turned and mirrored pictures: (N, 3, H, W) -> (N, 3, sH, sW)."""
    ### BEGIN SOLUTION
    answers = []
    for turns in range(4):
        turned = small.rot90(turns, (2, 3))
        answers.append(network(turned).rot90(-turns, (2, 3)))
        answers.append(network(turned.flip(3)).flip(3).rot90(-turns, (2, 3)))
    return torch.stack(answers).mean(0)
    ### END SOLUTION


# %% check="looks"
hints = [
    "small.rot90(turns, (2, 3)) turns pictures, .flip(3) mirrors them. Undo it on the network's answer.",
    "Who first puts on socks and then shoes has to take off the shoes first.",
    "Four turns, each with and without mirroring: eight answers, undone, stacked, and their mean.",
]


def zoom(images: Tensor) -> Tensor:
    """Each pixel as four: turned pictures give turned answers, exactly."""
    return images.repeat_interleave(2, 2).repeat_interleave(2, 3)


def dot(images: Tensor) -> Tensor:
    """An odd network: black, with a 1 in the second pixel of the first row, whatever it is shown."""
    answer = torch.zeros_like(zoom(images))
    answer[:, :, 0, 1] = 1
    return answer


asked: list[tuple[int, ...]] = []


def counting(images: Tensor) -> Tensor:
    asked.append(tuple(images.shape))
    return zoom(images)


random = torch.Generator().manual_seed(0)
picture = torch.rand(2, 3, 4, 6, generator=random) * 2 - 1
kept = picture.clone()


def dots(*places: tuple[int, int]) -> Tensor:
    """What is left of the odd network's dot in answers of 6 x 6 that have it at these places in equal parts."""
    answer = torch.zeros(1, 3, 6, 6)
    for row, column in places:
        answer[:, :, row, column] = 1 / len(places)
    return answer


everywhere = dots((0, 1), (0, 4), (5, 1), (5, 4), (1, 0), (1, 5), (4, 0), (4, 5))
with checking("Eight looks", hints) as c:
    c.close(
        eight_looks(dot, torch.zeros(1, 3, 3, 3)),
        everywhere,
        "the odd network's dot is found in eight places",
        mistakes={
            "The dot stays in one place: the answers are not turned back, or nothing was turned.": dots((0, 1)),
            "Turned, but never mirrored.": dots((0, 1), (1, 5), (5, 4), (4, 0)),
            "Mirrored both ways and turned by 180 degrees, but never by 90.": dots((0, 1), (0, 4), (5, 1), (5, 4)),
            "It is a mean of eight, not a sum.": 8 * everywhere,
            "Eight answers, so divide by 8.": 2 * everywhere,
        },
        hint="The eight answers are not those of eight different ways to lay the picture.",
    )
    result, zoomed = eight_looks(counting, picture), zoom(kept)
    mixed = (6 * zoomed + 2 * zoomed.flip(2, 3)) / 8
    c.shape(
        result,
        (2, 3, 8, 12),
        "two pictures of 4 x 6, enlarged to 8 x 12",
        hint="Some answer is not turned back: a picture that was turned by 90 degrees is 6 x 4.",
    )
    c.close(
        result,
        zoomed,
        "a network that does not care how pictures lie: nothing changes",
        mistakes={
            "Undo the last thing first: what was turned and then mirrored is mirrored and then turned back.": mixed,
            "Some answers were turned on by 90 degrees in place of back.": (zoomed + zoomed.flip(2, 3)) / 2,
        },
        hint="Some answers are not undone rightly.",
    )
    c.true(
        len(asked) == 8,
        "the network looked eight times",
        f"it looked {len(asked)} times",
        hint="Four turns, each mirrored and not mirrored, are eight looks.",
    )
    c.close(picture, kept, "the small pictures are left as they were", hint="The input was changed in place.")
### BEGIN HIDDEN TESTS
small, kernel, shift = given(
    "looks",
    lambda g: [
        torch.randn(2, 3, 5, 8, generator=g),
        torch.randn(12, 3, 3, 3, generator=g),
        torch.randn(12, generator=g),
    ],
)


def uneven(images: Tensor) -> Tensor:
    return F.pixel_shuffle(torch.tanh(F.conv2d(images, kernel, shift, padding=1)), 2)


small.requires_grad_()
looked = eight_looks(uneven, small)
probe("looked", looked)
probe("gradient", torch.autograd.grad(looked.square().sum(), small)[0])
probe("turned", eight_looks(uneven, small.rot90(1, (2, 3))).rot90(-1, (2, 3)))
### END HIDDEN TESTS

# %% [markdown] task="together" kind="mend" minutes=12 points=4 trains="crops that show the same place"
# ## What belongs together
#
# A folder holds photographs in two sizes, `large` and `small`, made by somebody else. A colleague cuts pairs of squares
# from them and trains. His network gives blurred pictures, however long it is trained. No wonder, says the chapter: where
# many large pictures may belong to a small one, the best answer is their mean.
#
# There are three faults in his function. What it ought to do: cut the same place out of both, so that the two show the
# same thing; every place of the small picture equally likely, up to the very border; and in half of the cases mirror the
# pair, left and right. All that is random comes from `random`. The factor between the sizes is 2, 3, 4 or more.


# %% given="together"
def random_pair(large: Tensor, small: Tensor, side: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """A random square of two pictures of one thing, perhaps mirrored: (3, sH, sW), (3, H, W) -> the same place of each.

    The square of the small picture is (3, side, side), that of the large one (3, s side, s side).
    """
    height, width = small.shape[-2:]
    factor = large.shape[-1] // width
    top = int(torch.randint(height - side, (), generator=random))
    left = int(torch.randint(width - side, (), generator=random))
    large_crop = large[:, top : top + factor * side, left : left + factor * side]
    small_crop = small[:, top : top + side, left : left + side]
    if torch.rand((), generator=random) < 0.5:
        large_crop = large_crop.flip(-1)
    if torch.rand((), generator=random) < 0.5:
        small_crop = small_crop.flip(-1)
    return large_crop, small_crop


# %% answer="together"
def random_pair(large: Tensor, small: Tensor, side: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """A random square of two pictures of one thing, perhaps mirrored: (3, sH, sW), (3, H, W) -> the same place of each.

    The square of the small picture is (3, side, side), that of the large one (3, s side, s side).
    """
    height, width = small.shape[-2:]
    factor = large.shape[-1] // width
    top = int(torch.randint(height - side + 1, (), generator=random))
    left = int(torch.randint(width - side + 1, (), generator=random))
    below, right = top + side, left + side
    large_crop = large[:, factor * top : factor * below, factor * left : factor * right]
    small_crop = small[:, top:below, left:right]
    if torch.rand((), generator=random) < 0.5:
        large_crop, small_crop = large_crop.flip(-1), small_crop.flip(-1)
    return large_crop, small_crop


# %% check="together"
hints = [
    "Where in the large picture is the pixel that stands at (top, left) in the small one?",
    "A pair is mirrored, or it is not. How many coins does that take?",
    "How many places has a square of 3 pixels in a row of 4? And one of 4 pixels?",
]


def numbered(height: int, width: int, factor: int) -> tuple[Tensor, Tensor]:
    """A small picture whose pixels are numbered row by row, and the large one in which each is a block."""
    small = torch.arange(float(height * width)).view(1, height, width).repeat(3, 1, 1)
    return small.repeat_interleave(factor, 1).repeat_interleave(factor, 2), small


def many_pairs(height: int, width: int, factor: int, side: int, count: int) -> list[tuple[Tensor, Tensor]]:
    """Pairs of squares of a numbered picture; none where the function gives anything but two pictures."""
    large, small = numbered(height, width, factor)
    random = torch.Generator().manual_seed(1)
    found = [random_pair(large, small, side, random) for _ in range(count)]
    pairs = [tuple(pair) for pair in found if isinstance(pair, tuple | list) and len(pair) == 2]
    return [pair for pair in pairs if all(isinstance(part, Tensor) for part in pair)]


def belong(pair: tuple[Tensor, Tensor], factor: int) -> bool:
    """Whether each pixel of the small square is a block in the large one."""
    large, small = pair
    return torch.equal(large, small.repeat_interleave(factor, 1).repeat_interleave(factor, 2))


def ways(found: list[tuple[Tensor, Tensor]]) -> dict[tuple[float, bool], int]:
    """How often each place was cut out: the smallest number in it, and whether the numbers run from right to left."""
    counts: dict[tuple[float, bool], int] = {}
    for _, small in found:
        way = float(small.min()), bool(small[0, 0, 0] > small[0, 0, -1])
        counts[way] = counts.get(way, 0) + 1
    return counts


with checking("What belongs together", hints) as c:
    found = many_pairs(4, 6, 4, 3, 400)  # 2 x 4 places, mirrored or not
    shapes = [tuple(tuple(part.shape) for part in pair) for pair in found]
    odd = next((shape for shape in shapes if shape != ((3, 12, 12), (3, 3, 3))), None)
    fitting = len(found) == 400 and odd is None
    c.true(
        fitting,
        "a square of 12 x 12 and one of 3 x 3",
        f"{odd[0]} and {odd[1]} came" if odd else "something else than two pictures came",
        "The large square has s times the side, along both axes.",
    )
    if fitting:
        counts = ways(found)
        mirrored = sum(count for (_, turned), count in counts.items() if turned)
        sides = [tuple(bool(part[0, 0, 0] > part[0, 0, -1]) for part in pair) for pair in found]
        for turned, name, said in (
            (
                False,
                "pairs that are not mirrored",
                "A pixel at (top, left) of the small picture is at (4 top, 4 left) of the large one.",
            ),
            (True, "pairs that are mirrored", "Mirror both before the place is found, or both after it."),
        ):
            those = [pair for pair, side in zip(found, sides, strict=True) if side == (turned, turned)]
            c.true(
                all(belong(pair, 4) for pair in those),
                f"{name} show the same place",
                "they show different places",
                said,
            )
        c.true(
            all(one == other for one, other in sides),
            "the two are mirrored together",
            "in some pairs only one of them is mirrored, or in another direction",
            "One coin decides for both squares of a pair, and both are mirrored in the same direction.",
        )
        c.true(
            120 < mirrored < 280,
            "half of the pairs are mirrored",
            f"{mirrored} of 400 are",
            "In half of the cases the pair is mirrored, left and right.",
        )
        places = {place for place, _ in counts}
        c.true(
            places == {0, 1, 2, 3, 6, 7, 8, 9},
            "all eight places of the picture are cut out",
            f"{len(places)} of 8 are",
            "Draw a row and a column, each by itself."
            if places <= {0, 7}
            else "The last row or column of places is never reached: randint leaves its upper bound out.",
        )
        c.true(
            min(counts.values(), default=0) > 8,
            "none of them is rare",
            "some are nearly never cut out",
            "All places should be equally likely.",
        )
        try:
            whole = many_pairs(3, 3, 4, 3, 2)
        except RuntimeError:
            whole = []
        c.true(
            len(whole) == 2 and all(belong(pair, 4) for pair in whole),
            "a picture that is just as large as the square is one place",
            "it cannot be cut",
            "A square of 3 pixels fits into a row of 3 in one way, not in none.",
        )
        large, small = numbered(9, 9, 2)
        pairs = [random_pair(large, small, 2, torch.Generator().manual_seed(3))[1] for _ in range(4)]
        c.true(
            all(torch.equal(pairs[0], other) for other in pairs),
            "generators with the same seed cut the same square",
            "they cut different ones",
            "All that is random comes from the generator `random`.",
        )
### BEGIN HIDDEN TESTS
for factor, side in ((2, 3), (3, 2), (4, 4)):
    hidden_found = many_pairs(5, 4, factor, side, 400)
    hidden_counts = ways(hidden_found)
    probe(f"together {factor}", all(belong(pair, factor) for pair in hidden_found))
    probe(f"places {factor}", sorted({place for place, _ in hidden_counts}))
    probe(f"mirrored {factor}", abs(sum(count for (_, turned), count in hidden_counts.items() if turned) - 200) < 80)
hidden_large, hidden_small = given(
    "together", lambda g: [torch.rand(3, 12, 16, generator=g), torch.rand(3, 3, 4, generator=g)]
)
hidden_one, hidden_other = random_pair(hidden_large, hidden_small, 3, torch.Generator().manual_seed(0))
probe("shapes", [list(hidden_one.shape), list(hidden_other.shape)])
### END HIDDEN TESTS

# %% [markdown] task="sharper" kind="explain" minutes=10 points=4 trains="telling recovered detail from invented detail"
# ## Sharper
#
# Four ways to enlarge a small picture four times: bicubic; bicubic and then **sharpened**, $y + 1.5\,(y -
# \mathrm{blur}(y))$, as any photo editor does it; the pixel net; and the adversarial net. Below is a piece of a
# photograph by each of them, and the two curves of sections 6 and 8: how much detail is *drawn*, as a share of reality,
# and how much of it is *right*. The order is not told. The grey line is the finest that the small picture can hold.


# %%
def blur(images: Tensor, sigma: float = 2.0) -> Tensor:
    """Weighted by a Gaussian, along rows and then along columns."""
    radius = math.ceil(3 * sigma)
    kernel = torch.exp(-torch.arange(-radius, radius + 1).square() / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).repeat(3, 1)
    padded = F.pad(images, [radius] * 4, mode="replicate")
    return F.conv2d(F.conv2d(padded, kernel[:, None, None], groups=3), kernel[:, None, :, None], groups=3)


def sharpened(images: Tensor) -> Tensor:
    return images + 1.5 * (images - blur(images))


nets = {name: weights.shipped_app(f"superres_x4_{name}", Upscaler)[0] for name in ("pixel", "adversarial")}
makers: dict[str, Callable[[Tensor], Tensor]] = {
    "A": lambda small: enlarge(nets["adversarial"], small),
    "B": lambda small: enlarged(small, 4),
    "C": lambda small: enlarge(nets["pixel"], small),
    "D": lambda small: sharpened(enlarged(small, 4)).clamp(-1, 1),
}
scenes = [data.photo(name)[..., :252, :320] for name in ("chelsea", "mysorePalace", "china", "petra")]
made = {name: [make(shrunk(scene, 4)) for scene in scenes] for name, make in makers.items()}
alt = (
    "A piece of a palace as a photograph and by four ways. A is crisp with fine grain, B is blurred, C has clear outlines and "
    "smooth areas, D is as coarse as B with strong contrasts and light seams along edges."
)
piece = (slice(None), slice(None), slice(120, 216), slice(160, 256))
shown = torch.cat([scenes[1][piece], *(results[1][piece] for results in made.values())])
plot.compare({"": shown}, titles=["photograph", *made], alt=alt, width=8)
frequencies = [(ring + 0.5) / 32 for ring in range(16)]
alt = (
    "Two charts over the frequency. Drawn: D rises above 1 and B lies lowest, both end soon after the line; A has the "
    "most beyond it. Right: B and D fall steeply together; A and C fall together and later."
)
with plot.figure(2, alt=alt, size=(4.4, 3.1)) as axes:
    for (name, results), style in zip(made.items(), ("-", "-", "-", "--"), strict=True):
        drawn, right = drawn_and_right(zip(scenes, results, strict=True))
        axes[0].plot(frequencies, drawn.clamp(min=1e-4), style, label=name)
        axes[1].plot(frequencies, right, style, label=name)
    axes[0].set(title="drawn", xlabel="periods in a pixel", ylim=(0, 1.7))
    axes[1].set(title="right", xlabel="periods in a pixel")
    for axis in axes:
        axis.axvline(1 / 8, color="grey", lw=1)
    axes[0].legend()

# %% [markdown]
# Say which letter is which way, from the curves and not from the pictures alone. In *right* two curves lie on one
# another, although their curves in *drawn* are far apart: why must that be so for these two? Which way draws just as
# much as it knows? And which of the four would you show to somebody who wants to read a number plate, which to somebody
# who wants a poster? Six to eight sentences.

# %% [markdown] explain="sharper"
# B is bicubic and D is bicubic sharpened. Sharpening multiplies each frequency of the picture by a number. It draws more,
# even more than reality has. But a correlation does not care for a factor, so *right* stays what it was: sharpening knows
# nothing. C is the pixel net: what it draws is about the square of what is right, as it must be for the smallest squared
# error. A is the adversarial net. At 0.3 periods in a pixel it draws a third of what is in a photograph, and hardly any
# of it is right; its *right* is nowhere better than that of C. That detail is invented. For the number plate I would take
# C: it knows the most and leaves out what it does not know, and even it is no evidence beyond the line. For the poster I
# would take A, whose texture looks like a photograph's.
#
# **Rubric.**
#
# - 1 point: B and D are bicubic and sharpened bicubic, A the adversarial and C the pixel net, with a reason from the
#   curves for at least two of them.
# - 1 point: a filter scales each frequency, and a correlation does not change by a factor; so sharpening adds nothing
#   that is right.
# - 1 point: C draws as much as it knows, drawn = right² (or: it has the smallest squared error).
# - 1 point: a choice for either purpose that tells recovered from invented detail.

# %% [markdown] task="lines" kind="improve" minutes=30 points=6 trains="learning from pairs, measured on held-out pictures"
# ## As far as sums go
#
# How much of super-resolution needs a network? Take no network at all. Let each of the 16 new pixels that stand in the
# place of a small one be a **weighted sum** of the 5 x 5 small pixels around it, with weights learnt from pairs. Red, green
# and blue are treated each by itself, with the same weights. That is least squares, which has a solution in closed form
# and takes about a second.
#
# Write `learn_sums`. It gets small pictures and the large ones that belong to them, and it returns a function that
# enlarges other pictures four times.
#
# - On the held-out photographs that function must beat bicubic enlargement by **0.25 dB** or more, on average.
# - Learning may take 20 seconds of computing, all cores together.
# - Everything is learnt from the pairs. In a world in which large pictures look otherwise, other weights must come out.
#
# Weighted sums are one way. Any other that keeps these rules is welcome, such as a small network of yours.
#
# Some tools. `F.unfold(images, 5)` gives all 5 x 5 squares of images (N, C, H, W) as columns. `F.pixel_unshuffle(images,
# 4)` turns each 4 x 4 block of pixels into 16 channels, and `F.pixel_shuffle(images, 4)` turns them back. Let $A$ hold the
# 25 small pixels of each place in a row, and $B$ its 16 wanted pixels. The best weights $W$, (25, 16), solve $(A^\top A)\,
# W = A^\top B$, which is `torch.linalg.solve`. Both products are sums over places, so pictures can be added one by one.
# And think of what should become of a flat picture: what would you subtract from $A$ and $B$ for it?

# %%
LESSONS = 20


def square_of(name: str) -> Tensor:
    """The middle of a photograph, 240 x 240 pixels or what there is: sides are multiples of 4."""
    photograph = data.photo(name)
    height, width = (min(240, side // 4 * 4) for side in photograph.shape[-2:])
    top, left = (photograph.shape[-2] - height) // 2, (photograph.shape[-1] - width) // 2
    return photograph[..., top : top + height, left : left + width]


lessons = [square_of(name) for name in data.load("photos", "train", 16).names[:LESSONS]]
held_out = [square_of(name) for name in data.load("photos", "test", 16).names]
small_lessons = [shrunk(large, 4) for large in lessons]
print(f"{len(lessons)} photographs to learn from, {len(held_out)} held out")


# %% answer="lines"
def learn_sums(small: Sequence[Tensor], large: Sequence[Tensor]) -> Callable[[Tensor], Tensor]:
    """A function (N, 3, H, W) -> (N, 3, 4H, 4W), learnt from pairs of pictures (1, 3, H, W) and (1, 3, 4H, 4W)."""
    ### BEGIN SOLUTION

    def squares(images: Tensor) -> tuple[Tensor, Tensor]:
        """Each channel as a picture (3 N, 1, H, W), and its 5 x 5 squares less their middle pixel, (3 N, 25, H W)."""
        grey = images.flatten(0, 1)[:, None]
        return grey, F.unfold(F.pad(grey, [2] * 4, mode="replicate"), 5) - grey.flatten(2)

    left, right = torch.zeros(25, 25, dtype=torch.double), torch.zeros(25, 16, dtype=torch.double)
    for one, other in zip(small, large, strict=True):
        grey, rows = squares(one)
        wanted = F.pixel_unshuffle(other.flatten(0, 1)[:, None], 4).flatten(2) - grey.flatten(2)
        rows, wanted = (part.transpose(0, 1).flatten(1).T.double() for part in (rows, wanted))
        left, right = left + rows.T @ rows, right + rows.T @ wanted
    solved = torch.linalg.solve(left + 1e-3 * torch.eye(25), right).float()

    def grown(images: Tensor) -> Tensor:
        grey, rows = squares(images)
        blocks = (solved.T @ rows + grey.flatten(2)).unflatten(2, images.shape[-2:])
        return F.pixel_shuffle(blocks, 4).view(len(images), -1, 4 * images.shape[-2], 4 * images.shape[-1])

    return grown
    ### END SOLUTION


# %% check="lines"
hints = [
    "Begin with one picture and one channel: the squares as rows (H W, 25), the wanted pixels as rows (H W, 16).",
    "Repeat the border pixels before unfold, F.pad(..., [2] * 4, mode='replicate'), so that each pixel has a square.",
    "Subtract the middle pixel of a square from its 25 pixels and from its 16 wanted ones; add it again in the end.",
    "Then the column of the middle pixel is 0 everywhere: add 1e-3 times a unit matrix, so that there is one solution.",
]


def in_blocks(photographs: Sequence[Tensor]) -> list[Tensor]:
    """Another world, in which each small pixel is a block of 4 x 4 equal ones in the large picture."""
    return [small.repeat_interleave(4, 2).repeat_interleave(4, 3) for small in photographs]


def gain(make: Callable[[Tensor], Tensor]) -> float:
    """By how many decibels the function beats bicubic enlargement on the held-out photographs, on average."""
    gained = []
    for large in held_out:
        small = shrunk(large, 4)
        ours, base = make(small), enlarged(small, 4)
        gained.append(float(metrics.psnr(large, ours.clamp(-1, 1)) - metrics.psnr(large, base)))
    return sum(gained) / len(gained)


with checking("As far as sums go", hints) as c:
    began = time.process_time()
    grow = learn_sums(small_lessons, lessons)
    seconds = time.process_time() - began
    c.true(
        callable(grow),
        "learning gives a function",
        f"it gives {grow!r:.60}",
        "Return the function that enlarges, not its result.",
    )
    if callable(grow):
        with torch.no_grad():
            odd = grow(shrunk(held_out[0][..., :40, :64], 4).repeat(2, 1, 1, 1))
        c.shape(
            odd,
            (2, 3, 40, 64),
            "two pictures of 10 x 16 become 40 x 64",
            "Pictures of any size, and several at once: (N, 3, 4H, 4W).",
        )
        if c.rows[-1].passed:
            with torch.no_grad():
                flat, better = grow(torch.full((1, 3, 8, 8), 0.4)), gain(grow)
            c.close(
                flat,
                torch.full((1, 3, 32, 32), 0.4),
                "a flat picture stays flat",
                0.02,
                hint="A flat picture should stay flat: learn the difference from the middle pixel. Mind the border, too.",
            )
            known = ""
            if better < 0.25:
                known = "It learns something, and not enough: how many pixels around does it look at?"
            if better < 0.05:
                known = "It is no better than bicubic. Does it use the pairs?"
            if better < -1:
                known = "It is worse than bicubic. Are the 16 new pixels put into the order that pixel_shuffle expects?"
            c.true(better >= 0.25, "0.25 dB or more better than bicubic", f"it is {better:+.2f} dB", known)
            small = [one[..., :24, :32] for one in small_lessons[:12]]
            other = learn_sums(small[:8], in_blocks(small[:8]))
            with torch.no_grad():
                errors = [
                    float((other(one) - truth).square().mean() / (enlarged(one, 4) - truth).square().mean())
                    for one, truth in zip(small[8:], in_blocks(small[8:]), strict=True)
                ]
            c.true(
                sum(errors) / len(errors) < 0.6,
                "it learns another world, too",
                f"there its squared error is {sum(errors) / len(errors):.2f} of bicubic's",
                "In a world of blocks it must learn to draw blocks: all weights come from the pairs.",
            )
        c.true(
            seconds < 20,
            "within 20 seconds of computing",
            f"it took {seconds:.0f}",
            "Too slow: add up both sides picture by picture, in place of one huge matrix.",
        )
### BEGIN HIDDEN TESTS


def cut(g: torch.Generator) -> list[Tensor]:
    """Squares of held-out photographs, made small, and the size of bicubic's error for each."""
    kept = []
    for large in held_out:
        height, width = large.shape[-2:]
        top, left = (4 * int(torch.randint((side - 160) // 4, (), generator=g)) for side in (height, width))
        kept.append(large[..., top : top + 160, left : left + 160])
    hidden_truth.extend(kept)
    pictures = torch.cat(kept)
    size = (enlarged(shrunk(pictures, 4), 4) - pictures).square().mean((1, 2, 3), keepdim=True).sqrt()
    return [shrunk(pictures, 4), size]


hidden_truth: list[Tensor] = []
hidden_small, hidden_size = given("crops", cut)
with torch.no_grad():
    hidden_large = grow(hidden_small)
probe(
    "better",
    hidden_large / hidden_size,
    truth=lambda: torch.cat(hidden_truth) / hidden_size,
    within=0.955,
    mean_square=True,
)
hidden_blocks = given("blocks", lambda g: torch.rand(6, 3, 12, 12, generator=g) * 1.6 - 0.8)
hidden_world = in_blocks(list(hidden_blocks[:, None]))
hidden_grow = learn_sums(list(hidden_blocks[:4, None]), hidden_world[:4])
with torch.no_grad():
    hidden_other = hidden_grow(hidden_blocks[4:])
hidden_far = float((enlarged(hidden_blocks[4:], 4) - torch.cat(hidden_world[4:])).square().mean().sqrt())
probe(
    "blocks",
    hidden_other / hidden_far,
    truth=lambda: torch.cat(hidden_world[4:]) / hidden_far,
    within=0.6,
    mean_square=True,
)
### END HIDDEN TESTS
