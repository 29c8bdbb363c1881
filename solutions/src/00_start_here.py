# %% [markdown]
# # Exercises for chapter 00: Start here
#
# They go with [chapter 00](../../notebooks/00_start_here.ipynb). Each task has its place for your answer, and under it
# a check: run it as often as you like, it answers at once and each time with a stronger hint. Your progress is kept in
# this folder; `minigan progress` shows it.
#
# This set is about pictures as numbers: their range, their axes, and what gets lost where nobody looks.

# %%
import math

import torch
from torch import Tensor

from minigan import data, plot
from minigan.course.checking import checking

peeps = data.load("peeps")

# %% [markdown] task="twice" kind="predict" minutes=4 points=2 trains="what a wrong range costs"
# ## Converted twice
#
# A colleague's loader gives pictures in [-1, 1]. He takes them for [0, 1] and applies $2x - 1$ once more, "to make them
# signed". There is no error. Then he writes one to a file. `to_pixels` takes every value below -1 for black, and every
# value above 1 for full light.
#
# A grey ramp holds each of the 256 bytes once. How many *different* bytes are left in the file? Give the number before
# you run anything. The two formulas of section 3 are enough: follow the byte 255, then 254, and go on until
# it is black.

# %% answer="twice"
prediction = ...
### BEGIN SOLUTION
prediction = 129  # 255, 253, ... 1 from the bytes 255 to 128, which are 128 values; black for all others
### END SOLUTION


# %% check="twice"
def is_number(value: object, number: int) -> bool:
    return isinstance(value, int | float) and value == number


everything = torch.arange(256, dtype=torch.uint8)
in_the_file = data.to_pixels(2 * data.to_signed(everything) - 1)
measured = len(in_the_file.unique())
misconceptions = {
    "Nothing would be lost then. Where does the middle grey, x = 0, go?": 256,
    "Almost: those that become black share one byte more.": 128,
    "Half of the bytes stay different. Count what the others become, too.": 127,
    "The bright half is stretched over the whole range, and so there are gaps between its bytes.": 255,
    "Only a few bytes are lost? All that is darker than the middle grey falls below -1.": 192,
    "The dark half falls below -1, not three quarters.": 65,
}
hints = [
    "255 is x = 1, and 2x - 1 is 1 again. What does 254 become: 254, or 253?",
    "Each byte from 128 to 255 gets a place of its own, two apart. All bytes below 128 become the same one.",
]
hint = next((said for said, wrong in misconceptions.items() if is_number(prediction, wrong)), "")
with checking("Converted twice", hints) as c:
    c.true(is_number(prediction, measured), "as counted on the ramp", "running gives another number", hint)
### BEGIN HIDDEN TESTS
probe("prediction", prediction if isinstance(prediction, int | float) else None, within=1e-3)
### END HIDDEN TESTS

# %% [markdown] task="paper" kind="complete" minutes=10 points=4 trains="axes, types and ranges at the door"
# ## A drawing on glass
#
# Many drawings are kept with a fourth channel, their *opacity* $a$: 255 where there is colour, 0 where nothing was
# drawn, something in between at soft edges. What the colour channels say where $a = 0$ means nothing; often they are
# black there. Who drops the fourth channel gets heads in front of a black wall.
#
# Put such drawings on white paper. With the colour $c$, the opacity $a$ and the result $r$, all as parts of 1,
#
# $$r = a\,c + (1 - a) .$$
#
# The drawings come as picture libraries hold them: bytes of the shape (N, H, W, 4), red, green, blue, opacity. Return
# what the course asks for: floats (N, 3, H, W) in [-1, 1].


# %% answer="paper"
def on_paper(drawings: Tensor) -> Tensor:
    """Drawings with opacity, uint8 (N, H, W, 4) -> images on white, float32 (N, 3, H, W) in [-1, 1]."""
    ### BEGIN SOLUTION
    parts = drawings.permute(0, 3, 1, 2).float() / 255
    colour, opacity = parts[:, :3], parts[:, 3:]
    return 2 * (opacity * colour + 1 - opacity) - 1
    ### END SOLUTION


# %% check="paper"
hints = [
    "Turn the bytes into floats before you multiply, and move the axes with permute.",
    "parts[:, :3] are the colours, parts[:, 3:] is the opacity, and it keeps its axis: (N, 1, H, W) fits (N, 3, H, W).",
    "r is in [0, 1]. Which line brings it to [-1, 1]?",
]
drawing = torch.zeros(1, 2, 3, 4, dtype=torch.uint8)
drawing[0, 0, 0] = torch.tensor([255, 51, 0, 255])  # opaque
drawing[0, 0, 1] = torch.tensor([255, 51, 0, 102])  # two fifths
drawing[0, 1, 1] = torch.tensor([0, 0, 255, 0])  # nothing drawn, whatever the colour says
drawing[0, 1, 2] = torch.tensor([0, 204, 255, 255])
kept = drawing.clone()
with checking("A drawing on glass", hints) as c:
    image = on_paper(drawing)
    c.shape(
        image,
        (1, 3, 2, 3),
        "(N, H, W, 4) becomes (N, 3, H, W)",
        hint="Rows and columns have changed places."
        if getattr(image, "shape", 0) == (1, 3, 3, 2)
        else "Move the channels to the front: permute.",
    )
    c.true(
        getattr(image, "dtype", None) == torch.float32,
        "the image is float32",
        f"it is {getattr(image, 'dtype', type(image).__name__)}",
        hint="The course computes in float32: .float() makes it."
        if getattr(image, "dtype", 0) == torch.float64
        else "Bytes overflow above 255. Compute in floats.",
    )
    if all(row.passed for row in c.rows):
        c.close(
            image[0, :, 0, 0],
            [1.0, -0.6, -1.0],
            "an opaque pixel keeps its colour",
            mistakes={
                "This is in [0, 1]. The course wants [-1, 1].": [1.0, 0.2, 0.0],
                "These are bytes as floats. The course wants [-1, 1].": [255.0, 51.0, 0.0],
                "Red and blue have changed places.": [-1.0, -0.6, 1.0],
                "An opaque pixel shows the paper: opacity and transparency are exchanged.": [1.0, 1.0, 1.0],
            },
            hint="An opaque pixel has the wrong colour. Have the axes been moved, or only cut anew?",
        )
        c.close(
            image[0, :, 0, 2],
            [1.0, 1.0, 1.0],
            "where nothing was drawn is white",
            mistakes={
                "Where nothing was drawn is black: the paper is missing.": [-1.0, -1.0, -1.0],
                "Mix first, while colour and opacity are parts of 1, and go to [-1, 1] at the end.": [3.0, 3.0, 1.0],
                "Where nothing was drawn is grey: there 0 in [-1, 1] was taken for white, or for nothing.": [
                    0.0,
                    0.0,
                    0.0,
                ],
            },
            hint="Where a = 0 the result is 1 as a part, whatever the colour says.",
        )
        c.close(
            image[0, :, 0, 1],
            [1.0, 0.36, 0.2],
            "an opacity of two fifths mixes colour and paper",
            mistakes={
                "A soft edge is not all or nothing: mix by the opacity.": [1.0, -0.6, -1.0],
                "A soft edge is not all or nothing, so mix by the opacity.": [1.0, 1.0, 1.0],
                "The opacity has been applied twice.": [0.52, 0.264, 0.2],
                "The paper is missing its share 1 - a.": [-0.2, -0.84, -1.0],
            },
            hint="The mixture is wrong. Are a and c both parts of 1 when you multiply them?",
        )
        c.close(
            image[0, :, 1, 2], [-1.0, 0.6, 1.0], "the second row is in its place", hint="Rows and columns are mixed up."
        )
        c.equal(drawing, kept, "the drawing is left as it was", hint="The drawing that was given has been changed.")
        wide = on_paper(drawing[:, :, :1].repeat(2, 1, 5, 1))
        c.shape(wide, (2, 3, 2, 5), "two drawings of another size", hint="Take all sizes from the input's shape.")
### BEGIN HIDDEN TESTS
hidden_drawings = given("paper", lambda g: torch.randint(256, (3, 5, 7, 4), generator=g).to(torch.uint8))
copy = hidden_drawings.clone()
probe("images", on_paper(hidden_drawings))
probe("input", hidden_drawings, truth=lambda: copy)
### END HIDDEN TESTS

# %% [markdown] task="stretch" kind="mend" minutes=10 points=4 trains="over which axes a number is taken"
# ## Pale photographs
#
# Some photographs are pale: they use a part of the range only. The function below should stretch *each picture* so that
# its darkest value becomes -1 and its brightest 1. All channels of a picture are treated alike, because its colours
# should stay what they are. A picture that is one flat tone throughout has nothing to stretch and should come back
# unchanged.
#
# Its author has tried it on a single grey picture only. There are three faults in it.


# %% given="stretch"
def stretch(images: Tensor) -> Tensor:
    """Images (N, C, H, W) in [-1, 1] -> each with its darkest value at -1 and its brightest at 1."""
    low = images.amin((0, 2, 3), keepdim=True)
    high = images.amax((0, 2, 3), keepdim=True)
    return (images - low) / (high - low)


# %% answer="stretch"
def stretch(images: Tensor) -> Tensor:
    """Images (N, C, H, W) in [-1, 1] -> each with its darkest value at -1 and its brightest at 1."""
    low = images.amin((1, 2, 3), keepdim=True)
    high = images.amax((1, 2, 3), keepdim=True)
    room = torch.where(high > low, high - low, 1.0)
    return torch.where(high > low, 2 * (images - low) / room - 1, images)


# %% check="stretch"
hints = [
    "Which axis counts the pictures, which the channels? Over which of the four axes should the extremes be taken?",
    "What is the largest value that this function gives, and the smallest?",
    "For a flat picture high - low is 0. torch.where chooses between two results.",
]
pale = torch.tensor([-0.6, 0.0, 0.4, 0.1, 0.2, 0.3]).view(1, 3, 1, 2).repeat(2, 1, 1, 1)
pale[1] = pale[1] / 2 + 0.25  # the second picture is paler, and brighter
before = pale.clone()
by_hand = [-1.0, 0.2, 1.0, 0.4, 0.6, 0.8]
with checking("Pale photographs", hints) as c:
    wide = stretch(pale)
    c.shape(wide, (2, 3, 1, 2), "the shape is kept")
    if all(row.passed for row in c.rows):
        c.close(
            wide[0].flatten(),
            by_hand,
            "one picture from -0.6 to 0.4, by hand",
            mistakes={
                "The darkest value becomes 0. It should become -1.": [0.0, 0.6, 1.0, 0.7, 0.8, 0.9],
                "Each channel is stretched by itself, and the colours change.": [-1.0, 1.0, 1.0, -1.0, -1.0, 1.0],
                "Each channel is stretched by itself, and its darkest value becomes 0.": [0.0, 1.0, 1.0, 0.0, 0.0, 1.0],
                "The extremes are taken over the whole batch. Each picture has its own.": [
                    2 * (value + 0.6) / 1.05 - 1 for value in (-0.6, 0.0, 0.4, 0.1, 0.2, 0.3)
                ],
                "To divide by the largest size brings only one end to its place.": [-1, 0, 2 / 3, 1 / 6, 1 / 3, 1 / 2],
            },
            hint="The extremes of this picture are -0.6 and 0.4, over all its channels. Are those the ones you use?",
        )
        c.close(
            wide[1].flatten(),
            by_hand,
            "a paler copy of it becomes the same",
            hint="The second picture is stretched by the numbers of the first. Each picture has its own.",
        )
        flat = torch.stack([torch.full((3, 2, 2), 0.25), torch.linspace(-0.5, 0.5, 12).view(3, 2, 2)])
        stretched = stretch(flat)
        c.close(
            stretched[0],
            torch.full((3, 2, 2), 0.25),
            "a flat picture comes back as it was",
            mistakes={
                "A flat picture gives nan: 0 divided by 0.": torch.full((3, 2, 2), math.nan),
                "A flat picture has become black. It should come back unchanged.": torch.full((3, 2, 2), -1.0),
                "A flat picture has become grey. It should come back unchanged.": torch.zeros(3, 2, 2),
            },
            hint="A flat picture has changed. There is nothing to stretch in it.",
        )
        c.close(
            stretched[1],
            torch.linspace(-1, 1, 12).view(3, 2, 2),
            "its neighbour is stretched all the same",
            hint="One flat picture in a batch must not keep the others from being stretched.",
        )
        c.close(pale, before, "the pictures are left as they were", hint="The input was changed: work on a new tensor.")
        c.close(stretch(wide), wide, "stretched twice is stretched once")
### BEGIN HIDDEN TESTS
photographs = given(
    "stretch", lambda g: torch.rand(4, 3, 6, 5, generator=g) * torch.rand(4, 1, 1, 1, generator=g) - 0.4
)
photographs[2] = -0.3
copy = photographs.clone()
probe("stretched", stretch(photographs))
probe("grey", stretch(photographs[:, :1]))
probe("input", photographs, truth=lambda: copy)
### END HIDDEN TESTS

# %% [markdown] task="ranges" kind="explain" minutes=8 points=4 trains="knowing a batch by its numbers"
# ## Which batch may go in?
#
# The same heads, loaded in four ways. They were drawn by a program that stretches every batch to the full range of the
# screen before it shows it, as many do. Beside each batch are the numbers that a network would get, with dotted lines
# at -1 and 1. The heights are logarithmic.

# %%
heads = peeps[:8]
mean, deviation = (torch.tensor(three).view(1, 3, 1, 1) for three in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
loaded = {
    "A": heads / 2 + 0.5,
    "B": (2 * heads - 1).clamp(-1, 1),
    "C": heads,
    "D": (heads / 2 + 0.5 - mean) / deviation,  # the statistics of ImageNet
}
alt = (
    "Four rows: eight heads, and a histogram of their values. A and C look the same. In B brown skin has become dark red or black, and "
    "colours glow. D has bluish paper. The values of A lie from 0 to 1, those of B and C from -1 to 1, those of D from -2.1 to 2.6."
)
with plot.figure(2, 4, alt=alt, size=(4.3, 0.95)) as axes:
    for (name, batch), (shown, bars) in zip(loaded.items(), axes, strict=True):
        low, high = batch.min(), batch.max()
        shown.imshow(plot.tile(2 * (batch - low) / (high - low) - 1))
        shown.set(xticks=[], yticks=[])
        shown.set_ylabel(name, rotation=0, ha="right", va="center")
        shown.spines[:].set_visible(False)
        bars.hist(batch.flatten().numpy(), 96, range=(-2.4, 2.9), color=plot.REAL)
        bars.set(xlim=(-2.4, 2.9), yscale="log", yticks=[])
        bars.minorticks_off()
        bars.spines["left"].set_visible(False)
        for limit in (-1, 1):
            bars.axvline(limit, color=plot.FAKE, lw=1, ls=":")

# %% [markdown]
# Which batch may enter a network of this course, and what was done to each of the other three? Which of them can be
# brought back to what it was, and how? And which of the four would pass `check_images` although it is wrong? Four to
# seven sentences.

# %% [markdown] explain="ranges"
# C is right: it fills [-1, 1], and its colours are those of the drawings. A is in [0, 1], so its black is the middle
# grey of the course; $2x - 1$ brings it back. On the screen A and C are the same, because the stretching hides the
# range. D was normalised with the statistics of ImageNet, each channel with its own mean and deviation: it leaves
# [-1, 1] on both sides, and the paper is no longer white. It comes back with $x \cdot d + m$ for each channel, and then
# $2x - 1$. B was converted twice. In each channel, all that was darker than the middle has been cut off at -1: brown
# lost its green and blue, and became dark red. It cannot be brought back, for those numbers are gone. Its histogram
# looks innocent; here it is the picture that tells. A and B pass `check_images`, because all their numbers are allowed.
# So one has to look at both, the numbers and the picture.
#
# **Rubric.**
#
# - 1 point: C is right; A is in [0, 1] and comes back by 2x - 1.
# - 1 point: D is normalised by mean and standard deviation (of ImageNet), and can be undone for each channel.
# - 1 point: B has lost the dark half of each channel at -1 (converted twice, or darkened and clamped), and cannot be brought back.
# - 1 point: A and B pass the check, D does not.

# %% [markdown] task="cut" kind="complete" minutes=15 points=5 trains="reshape and permute, each for what it is good for"
# ## Cut into squares
#
# Networks of several kinds look at a picture in squares: a discriminator that judges each patch, a transformer that
# reads them like words. Cut each picture into $k \times k$ equal pieces.
#
# Images (N, C, H, W) become (N, $k^2$, C, H / $k$, W / $k$). The pieces of a picture are numbered as one reads: the top
# row from left to right, then the next row. $k$ divides H and W, which may differ. Loops are allowed, but the whole can
# be done with one `reshape`, one `permute` and one more `reshape`. Mind what the chapter says about the two.


# %% answer="cut"
def cut(images: Tensor, k: int) -> Tensor:
    """Images (N, C, H, W) -> their k * k pieces in reading order: (N, k * k, C, H / k, W / k)."""
    ### BEGIN SOLUTION
    count, channels, height, width = images.shape
    pieces = images.reshape(count, channels, k, height // k, k, width // k)  # rows and columns as (piece, within)
    return pieces.permute(0, 2, 4, 1, 3, 5).reshape(count, k * k, channels, height // k, width // k)
    ### END SOLUTION


# %% check="cut"
hints = [
    "reshape can split one axis into two without moving anything: H into (k, H / k). Which of the two counts the pieces?",
    "Split H into (k, H / k) and W into (k, W / k). Six axes. Now bring the two that count pieces behind N.",
    "After the permute the axes are N, k, k, C, H / k, W / k. The last reshape joins the two k.",
]
sheet = torch.arange(24.0).view(1, 1, 4, 6)  # 0 to 5 in the first row, 6 to 11 in the second ...
with checking("Cut into squares", hints) as c:
    pieces = cut(sheet, 2)
    c.shape(
        pieces,
        (1, 4, 1, 2, 3),
        "four pieces of 2 x 3 from a sheet of 4 x 6",
        hint="k is how many pieces lie along a side, not how many pixels a piece has."
        if getattr(pieces, "shape", 0) == (1, 6, 1, 2, 2)
        else "The pieces stand on axis 1, their channels on axis 2, and H and W are divided by k.",
    )
    if all(row.passed for row in c.rows):
        c.close(
            pieces[0, :, 0, 0, 0],
            [0.0, 3.0, 12.0, 15.0],
            "each piece begins with its upper left corner",
            mistakes={
                "The numbers have only been cut anew, in the order of the memory. Split H and W one by one, then permute.": [
                    0.0,
                    6.0,
                    12.0,
                    18.0,
                ],
                "The pieces are numbered down the columns. One reads along the rows.": [0.0, 12.0, 3.0, 15.0],
                "Each piece takes every second pixel. An axis is split into (k, H / k), not (H / k, k).": [
                    0.0,
                    1.0,
                    6.0,
                    7.0,
                ],
            },
            hint="The pieces begin with the wrong pixels.",
        )
        c.close(
            pieces[0, 1, 0],
            [[3.0, 4.0, 5.0], [9.0, 10.0, 11.0]],
            "the second piece, by hand",
            mistakes={
                "Each piece takes every second pixel. An axis is split into (k, H / k), not (H / k, k).": [
                    [1.0, 3.0, 5.0],
                    [13.0, 15.0, 17.0],
                ]
            },
            hint="Inside a piece the pixels are not in their places.",
        )
        coloured = torch.arange(2 * 3 * 6 * 6.0).view(2, 3, 6, 6)
        nine = cut(coloured, 3)
        c.shape(nine, (2, 9, 3, 2, 2), "nine pieces of two pictures with three channels")
        if all(row.passed for row in c.rows):
            c.close(
                nine[1, 5, 2],
                coloured[1, 2, 2:4, 4:6],
                "the sixth piece of the second picture, in blue",
                hint="With several pictures and channels, pieces get mixed. Which axes does the permute put where?",
            )
        c.close(cut(coloured, 1)[:, 0], coloured, "cut into one piece, a picture stays whole")
        c.close(
            cut(cut(coloured.repeat_interleave(2, 2).repeat_interleave(2, 3), 2)[:, 3], 3)[0, 0, 1],
            coloured[0, 1, 3, 3].expand(2, 2),
            "pieces can be cut again",
        )
### BEGIN HIDDEN TESTS
images = given("cut", lambda g: torch.randn(2, 3, 12, 8, generator=g))
probe("by two", cut(images, 2))
probe("by four", cut(images, 4))
probe("grey", cut(images[:, :1, :9, :6], 3))
### END HIDDEN TESTS
