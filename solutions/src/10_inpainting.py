# %% [markdown]
# # Exercises for chapter 10: Inpainting
#
# They go with [chapter 10](../../notebooks/10_inpainting.ipynb). Each task has its place for your answer, and under it
# a check: run it as often as you like, it answers at once and each time with a stronger hint. Your progress is kept in
# this folder; `minigan progress` shows it.
#
# This set is about heat that flows into holes: where it ends, how it can be led along edges, and what it cannot know.

# %%
import time

import torch
import torch.nn.functional as F
from torch import Tensor

from minigan import data, plot, weights
from minigan.apps.inpaint import Inpainter, blend, diffuse, inpaint, paste, sweep
from minigan.course.checking import checking

# %% [markdown] task="middle" kind="predict" minutes=4 points=2 trains="thinking in harmonic surfaces"
# ## One white side
#
# A square hole is to be filled by diffusion. All that is known above it is white, the value 1. All that is known to its
# left, to its right and below is black, -1. The heat flows until it rests.
#
# Which value has the fill in the very middle of the hole? No computer is needed. Turn the picture by 90, 180 and 270
# degrees, and think of the sum of the four fills.

# %% answer="middle"
prediction = ...  # the value in the middle, from -1 to 1
### BEGIN SOLUTION
prediction = (1 - 1 - 1 - 1) / 4  # the four turned fills have the same middle, and their sum is -2 on all sides
### END SOLUTION


# %% check="middle"
sides = -torch.ones(1, 1, 65, 65)
sides[..., :16, :] = 1
rim = torch.ones(1, 1, 65, 65)
rim[..., 16:49, 16:49] = 0
measured = float(diffuse(sides, rim, 300)[0, 0, 32, 32])
misconceptions = {
    "Half-way between top and bottom would be 0. The left and the right have a say too.": 0.0,
    "Black has the majority, but heat is no vote: the white side flows in too.": -1.0,
    "One of four sides is white, yes. A quarter of white and three quarters of black is which mean of 1 and -1?": 0.25,
    "A quarter of white is right for values from 0 to 1. Here black is -1.": -0.75,
    "The sign: three of the sides are black.": 0.5,
}
hints = [
    "The sum of two harmonic surfaces is harmonic too, and fits the sum of their rims.",
    "The four turned pictures have the same value in the middle. What is their sum on each side, and so in the middle?",
]
with checking("One white side", hints) as c:
    c.predicted(prediction, measured, "as the diffusion fill says", 0.02, misconceptions)
### BEGIN HIDDEN TESTS
probe("prediction", prediction if isinstance(prediction, int | float) else None, within=0.01)
### END HIDDEN TESTS

# %% [markdown] task="inside" kind="mend" minutes=10 points=4 trains="masks, channels and means"
# ## A network that copies very well
#
# A colleague trains an inpainter. The loss falls quickly, the known part comes back to perfection, and what is in the
# holes is noise. His loss ought to be the mean squared error in the hole: for each picture the mean over all numbers of
# its hole, and of these the mean over the $N$ pictures. With the mask $m$, 1 where the picture is known, and $|h_i|$
# pixels in the hole of picture $i$, of which each has $C$ channels:
#
# $$L = \frac{1}{N} \sum_{i=1}^{N} \frac{1}{C\, |h_i|} \sum \big((1 - m_i) \odot (x_i - G_i)\big)^2$$
#
# A picture without any hole has an error of 0. It still counts among the $N$. There are three faults.


# %% given="inside"
def hole_error(real: Tensor, fake: Tensor, known: Tensor) -> Tensor:
    """The mean squared error in the hole: images (N, C, H, W), masks (N, 1, H, W) -> scalar."""
    wrong = known * (real - fake)
    pixels = (1 - known).sum()
    return wrong.square().sum() / pixels


# %% answer="inside"
def hole_error(real: Tensor, fake: Tensor, known: Tensor) -> Tensor:
    """The mean squared error in the hole: images (N, C, H, W), masks (N, 1, H, W) -> scalar."""
    wrong = (1 - known) * (real - fake)
    numbers = (1 - known).sum((1, 2, 3)) * real.shape[1]
    return (wrong.square().sum((1, 2, 3)) / numbers.clamp(min=1)).mean()


# %% check="inside"
hints = [
    "Which pixels does `known * ...` keep?",
    "A mask has one channel. How many numbers of a picture belong to a hole of four pixels?",
    "Two pictures, a small and a large hole: each is to count the same. Over which axes does each sum run?",
]
known = torch.ones(2, 1, 4, 4)
known[0, :, :1, :1] = 0  # a hole of 1 pixel
known[1, :, :2, :2] = 0  # and one of 4
real = torch.zeros(2, 3, 4, 4)
fake = torch.full((2, 3, 4, 4), 0.5)
fake[0, :, :1, :1], fake[1, :, :2, :2] = 1.0, 3.0  # squared: 1 and 9 in the holes, 0.25 elsewhere
fake.requires_grad_()
with checking("A network that copies very well", hints) as c:
    loss = hole_error(real, fake, known)
    c.close(
        loss,
        5.0,
        "two holes with errors of 1 and 9: 5",
        mistakes={
            "`known` keeps what is known. The hole is where the mask is 0.": 0.75 * 27 / 5,
            "Still the known pixels: the hole is where the mask is 0.": 0.25,
            "A pixel has three numbers, one for each channel: the result is three times too large.": 15.0,
            "All holes are thrown together, so a large hole counts more. Each picture has its own mean.": 37 / 5,
            "All holes are thrown together, and the channels are not counted.": 3 * 37 / 5,
            "This is the sum over the pictures, not their mean.": 10.0,
            "Divide by the numbers in the hole, not by those of the whole picture.": 37 / 32,
            "The errors are to be squared.": 2.0,
        },
    )
    twice = hole_error(torch.cat([real, real]), torch.cat([fake, fake]), torch.cat([known, torch.ones(2, 1, 4, 4)]))
    c.close(
        twice,
        2.5,
        "with two pictures more that have no hole: 2.5",
        mistakes={
            "A picture without a hole divides 0 by 0.": float("nan"),
            "A picture without a hole counts among the N.": 5.0,
        },
    )
    if isinstance(loss, Tensor) and loss.requires_grad:
        slope = torch.autograd.grad(loss, fake)[0]
        c.close(slope * known, torch.zeros_like(slope), "no gradient reaches what is known")
        c.close(slope[0, :, 0, 0], [1 / 3] * 3, "in the hole of one pixel it is 2 / (2 * 3)")
    else:
        c.true(
            False, "the loss can be trained with", "it has no gradient", hint="Stay with tensors: no float, no detach."
        )
### BEGIN HIDDEN TESTS
real, fake, known = given(
    "inside",
    lambda g: (
        torch.randn(5, 2, 7, 9, generator=g),
        torch.randn(5, 2, 7, 9, generator=g),
        (torch.rand(5, 1, 7, 9, generator=g) < torch.tensor([0.2, 0.5, 0.9, 0.7, 2.0]).view(5, 1, 1, 1)).float(),
    ),
)
fake.requires_grad_()
loss = hole_error(real, fake, known)
probe("loss", loss)
probe("gradient", torch.autograd.grad(loss, fake)[0])
### END HIDDEN TESTS

# %% [markdown] task="glasses" kind="explain" minutes=8 points=4 trains="reading what a network takes from the context"
# ## Half a pair of sunglasses
#
# Five held-out heads wear sunglasses. First the right half of the face is hidden, and one lens with it. Then the whole
# band of the eyes is hidden. The network is `inpaint_peeps` of the chapter, trained with the squared error.

# %%
heads = data.load("peeps", "test")[[260, 188, 71, 254, 145]]
network = weights.shipped_app("inpaint_peeps", Inpainter)[0]
pink = torch.tensor([0.6, -0.05, 0.31]).view(1, 3, 1, 1)
rows = {"heads": heads}
for name, left in (("A", 40), ("B", 24)):
    hidden = torch.ones(5, 1, 64, 64)
    hidden[..., 26:42, left:56] = 0
    rows[f"hole {name}"] = torch.where(hidden > 0, heads, pink)
    rows[f"{name}, diffusion"] = diffuse(heads, hidden).clamp(-1, 1)
    rows[f"{name}, network"] = inpaint(network, heads, hidden)
alt = (
    "Five heads with sunglasses. In hole A one lens is hidden: diffusion smears it to the right, the network draws a dark spot at the "
    "place of the second lens. In hole B both are hidden: the network draws a bare face of skin with faint brown spots for eyes."
)
plot.compare(rows, alt=alt, width=6.6)

# %% [markdown]
# What does the network know with hole A that the heat equation does not, and how could it have come to know it? Why
# does it leave the glasses away with hole B, on all five heads? Is that a mistake of the training? And why is the
# second lens in A a dark cloud without an edge? Four to seven sentences.

# %% [markdown] explain="glasses"
# The heat equation sees the rim of the hole and nothing else: the dark of the first lens flows in from the left and
# fades. The network has seen in 2,400 heads that lenses come in pairs and where the second one sits. From the first
# lens, at the left rim of the hole, it knows that this head has them, and it draws dark where diffusion has faded long
# since. With hole B nothing in the known part speaks of glasses. The answer with the smallest squared error is the mean
# of all heads that fit, and most of those wear none. So it is no mistake of the training: it is what the loss asks for,
# and for heads with glasses it is wrong every time. In A the glasses are all but certain, but their shape and place
# differ by a pixel or two from head to head, and the mean of many sharp edges is a soft one.
#
# **Rubric.**
#
# - 1 point: with A the network takes the first lens as a sign, and knows from training heads where the second sits;
#   diffusion only continues colours from the rim.
# - 1 point: with B nothing known tells of the glasses, and the squared error asks for the mean of all that fit, in
#   which heads without glasses are the many.
# - 1 point: it is what the loss asks for (more training would not bring the glasses back), and rare attributes lose by
#   it.
# - 1 point: the cloud is a mean over lenses of different shape or place: the blur shows what is uncertain.

# %% [markdown] task="guided" kind="complete" minutes=20 points=5 trains="a stencil with weights"
# ## Heat that stops at edges
#
# An old photograph is grey, and somebody has painted colours onto a few pixels of it. [Levin et al.
# 2004](https://doi.org/10.1145/1015706.1015780) let the colours flow into the rest, with one idea: *neighbours of like
# grey have like colours*. So colour is a hole to be filled, and the grey picture, which is known everywhere, says where
# heat passes and where it does not.
#
# Write one sweep of it. It is that of section 2, but each of the four neighbours $q$ of a pixel $p$ has a weight, by
# how much the `guide` $g$ differs between the two:
#
# $$u_p \leftarrow \frac{\sum_q w_{pq}\, u_q}{\sum_q w_{pq}}, \qquad
# w_{pq} = 10^{-4} + \exp\Big(-\frac{(g_p - g_q)^2}{2 s^2}\Big)$$
#
# $s$ is `width`. Known pixels stay as they are. Beyond the border of the picture the nearest pixel is repeated, in $u$
# and in $g$, as in `sweep`. (Padding with `mode="replicate"` does it.)


# %% answer="guided"
def guided_sweep(images: Tensor, known: Tensor, guide: Tensor, width: float = 0.05) -> Tensor:
    """One step of heat that stops at edges of the guide: (N, C, H, W), masks and guide (N, 1, H, W) -> (N, C, H, W)."""
    ### BEGIN SOLUTION
    height, across = images.shape[-2:]
    wide, wide_guide = (F.pad(one, [1] * 4, mode="replicate") for one in (images, guide))
    total, weight_sum = torch.zeros_like(images), torch.zeros_like(guide)
    for down, right in ((0, 1), (2, 1), (1, 0), (1, 2)):
        place = (..., slice(down, down + height), slice(right, right + across))
        weight = 1e-4 + torch.exp(-(guide - wide_guide[place]).square() / (2 * width**2))
        total, weight_sum = total + weight * wide[place], weight_sum + weight
    return torch.where(known > 0, images, total / weight_sum)
    ### END SOLUTION


# %% check="guided"
hints = [
    "Pad images and guide by one pixel. The four neighbours are four slices of the padded tensor, as in `sweep`.",
    "For each of the four: the weight from the two guides, then add weight * neighbour to one sum and weight to another.",
    "At the end divide the sums, and keep the known pixels with torch.where.",
]
cross = torch.zeros(1, 2, 3, 3)
cross[0, :, 0, 1], cross[0, :, 2, 1], cross[0, :, 1, 0], cross[0, :, 1, 2] = 1.0, 2.0, 3.0, 6.0
cross[:, 1] *= -1
hole = torch.ones(1, 1, 3, 3)
hole[..., 1, 1] = 0
flat, edge = torch.zeros(1, 1, 3, 3), torch.zeros(1, 1, 3, 3)
edge[..., 2] = 0.1  # the pixel on the right lies behind a small step, two widths high
leak = 1e-4 + 0.1353352832
kept = cross.clone()
random = torch.Generator().manual_seed(0)


def middle_of(answer: object) -> object:
    """The numbers of the middle pixel, where the answer has the shape that it should have."""
    return answer[0, :, 1, 1] if isinstance(answer, Tensor) and answer.shape == (1, 2, 3, 3) else answer


with checking("Heat that stops at edges", hints) as c:
    c.close(
        middle_of(guided_sweep(cross, hole, flat)),
        [3.0, -3.0],
        "a guide without edges: the mean of the four neighbours, in each channel",
        mistakes={
            "Divide by the sum of the weights.": [12.0012, -12.0012],
            "Four neighbours have a say, the pixel itself has none.": [2.4, -2.4],
            "The four at the corners are no neighbours here.": [1.5, -1.5],
        },
    )
    c.close(cross, kept, "the picture given is left as it was", hint="Do not write into the picture that was given.")
    c.close(
        middle_of(guided_sweep(cross, hole, edge)),
        [(6 * 1.0001 + 6 * leak) / (3.0003 + leak), -(6 * 1.0001 + 6 * leak) / (3.0003 + leak)],
        "one neighbour behind a step of two widths, by hand",
        mistakes={
            "The difference of the guides is squared in the exponent, over 2 s squared.": [2.43699, -2.43699],
            "The 2 in the exponent is missing.": [2.0244, -2.0244],
            "The weights compare the guide, not the picture to be filled.": [3.0, -3.0],
            "A weight is small where the guides differ: mind the sign of the exponent.": [4.84487, -4.84487],
        },
        hint="Is the weight that of the two guides, at p and at its neighbour, with s = width?",
    )
    if all(row.passed for row in c.rows):
        noise, some = (
            torch.randn(1, 3, 6, 5, generator=random),
            (torch.rand(1, 1, 6, 5, generator=random) < 0.4).float(),
        )
        swept, shade = (
            guided_sweep(noise, some, torch.full((1, 1, 6, 5), 0.3)),
            torch.rand(1, 1, 6, 5, generator=random),
        )
        c.close(
            swept * some,
            noise * some,
            "known pixels stay",
            hint="Known pixels stay as they are: torch.where(known > 0, ...).",
        )
        c.close(
            swept,
            sweep(noise, some),
            "an even guide gives the sweep of section 2, also at the border",
            hint="At the border the nearest pixel is repeated.",
        )
        c.close(
            guided_sweep(torch.full((1, 3, 6, 5), 0.7), 0 * some, shade, 0.01),
            torch.full((1, 3, 6, 5), 0.7),
            "a single colour stays, even where all edges are high",
            hint="Where all four weights are tiny, 0.0001 must keep the division whole.",
        )
    photograph = data.load("photos", "test", 128)
    photograph = photograph[[photograph.names.index("coffee")]]
    grey = photograph.mean(1, keepdim=True)
    colour, dots = photograph - grey, (torch.rand(1, 1, 128, 128, generator=random) < 0.01).float()
    by_heat = painted = diffuse(colour, dots, 100)
    if all(row.passed for row in c.rows):
        for _ in range(200):
            painted = guided_sweep(painted, dots, grey)
        plain, led = (float((one - colour).square().mean()) for one in (by_heat, painted))
        c.true(
            led < 0.75 * plain,
            "with one pixel in a hundred painted, the cup is coloured better than by plain heat",
            f"the error is {led:.4f}, that of plain heat {plain:.4f}",
        )
### BEGIN HIDDEN TESTS
images, known, guide = given(
    "guided",
    lambda g: (
        torch.randn(2, 3, 8, 7, generator=g),
        (torch.rand(2, 1, 8, 7, generator=g) < 0.3).float(),
        torch.rand(2, 1, 8, 7, generator=g),
    ),
)
probe("swept", guided_sweep(images, known, guide, 0.3))
probe("narrow", guided_sweep(images, known, guide))
probe("other shape", guided_sweep(images[:1, :1, :, :4], known[:1, :, :, :4], guide[:1, :, :, :4], 1.0))
### END HIDDEN TESTS

# %% [markdown] task="wallpaper" kind="improve" minutes=30 points=6 trains="a fill that is found in the picture itself"
# ## The torn wallpaper
#
# A wallpaper repeats its pattern, but nobody knows after how many pixels. A lamp in a corner lights it, less and less
# towards the others. A square is torn out. The heat equation gives fog, and a network that has learnt heads is no help.
# Yet everything that is missing can be seen: it hangs a little further along, in another light.
#
# Write `restore(image, known)` for a wallpaper (3, 96, 96) in [-1, 1] and its mask (1, 96, 96). The period is 12 to 20
# pixels along each axis, and may differ between the two. The hole is a square of 24 pixels, 6 to 16 away from the left
# border. Two ideas are enough. *Where to copy from*: move the picture by all shifts (`torch.roll`), and see which one
# agrees best around the hole, apart from the light. *How to paste*: by section 6 (`blend` of the chapter is imported).
#
# The score is the PSNR in the hole. Diffusion has about 20 dB. A copy of the right place in the wrong light has 20
# to 38, by the direction in which it was found. The check asks for 40 dB, within 20 seconds.


# %% answer="wallpaper"
def restore(image: Tensor, known: Tensor) -> Tensor:
    """The whole wallpaper: an image (3, H, W) with a hole, its mask (1, H, W) -> (3, H, W)."""
    ### BEGIN SOLUTION
    hole = 1 - known
    ring = F.max_pool2d(hole[None], 11, 1, 5)[0] - hole  # five pixels around the hole
    best, chosen = float("inf"), image
    for down in range(-10, 11):  # of 20 pixels at most: half a period up and down is enough
        for right in range(-44, -28):  # farther than hole and ring are wide, so that the hole is not copied
            moved = image.roll((down, right), (1, 2))
            gap = (image - moved)[:, ring[0] > 0]
            misfit = float((gap - gap.mean(1, keepdim=True)).square().mean())
            if misfit < best:
                best, chosen = misfit, moved
    fill = blend(image[None], chosen[None], known[None])[0]
    return paste(image, fill, known).clamp(-1, 1)
    ### END SOLUTION


# %% check="wallpaper"
hints = [
    "Which pixels around the hole can be compared? F.max_pool2d of the hole makes it larger; take the hole off.",
    "For each shift: image - image.roll(shift, (1, 2)) on that ring, less its mean, squared. Leave out shifts that bring the hole into the hole, or beside it.",
    "Then blend(image, moved, known) for batches of one: it takes the light from the rim, and the pattern from the copy. "
    "So the copy has to be whole around the hole, too.",
]


def wallpaper(random: torch.Generator) -> tuple[Tensor, Tensor]:
    """A wallpaper (3, 96, 96) lit from a corner, and the mask of its hole (1, 96, 96)."""
    tall, broad, top, left = (
        int(torch.randint(low, high, (), generator=random)) for low, high in ((12, 21), (12, 21), (6, 67), (6, 17))
    )
    leaf = F.interpolate(torch.rand(1, 3, 5, 5, generator=random) - 0.5, (tall, broad), mode="bilinear")[0]
    pattern = leaf.repeat(1, 8, 8)[:, :96, :96]
    down, right = torch.meshgrid(torch.linspace(-1, 1, 96), torch.linspace(-1, 1, 96), indexing="ij")
    above, aside = (2 * torch.rand(2, generator=random) - 1).sign().tolist()  # the lamp hangs in one of the corners
    light = 0.45 - 0.11 * ((down - above).square() + (right - aside).square())
    known = torch.ones(1, 96, 96)
    known[:, top : top + 24, left : left + 24] = 0
    return (pattern + light).clamp(-1, 1), known


def score(whole: Tensor, made: Tensor, known: Tensor) -> float:
    """PSNR in the hole."""
    gap = (whole - made.clamp(-1, 1))[:, known[0] == 0]
    return float(10 * torch.log10(4 / gap.square().mean().clamp(min=1e-8)))


with checking("The torn wallpaper", hints) as c:
    started = time.process_time()
    for number in (1, 2):
        whole, known = wallpaper(torch.Generator().manual_seed(number))
        torn = whole * known
        made = restore(torn.clone(), known.clone())
        c.shape(
            made,
            (3, 96, 96),
            "a wallpaper of the same size",
            hint="One picture (3, H, W) is asked for, without a batch.",
        )
        if not c.rows[-1].passed:
            break
        c.close(made * known, torn, "what is known has stayed", hint="Only the hole may change: paste at the end.")
        quality = score(whole, made, known)
        fog = score(whole, diffuse(torn[None], known[None])[0], known)
        advice = (
            "The hole is still empty, or a hole was copied into it: leave out such shifts."
            if quality < fog - 1.5
            else "That is about what the heat equation gives. Look for the pattern elsewhere in the picture."
            if quality < fog + 1
            else "The pattern is there. Is the copy whole all around the hole, too? If the light is off, fit the copy to the rim."
        )
        c.true(
            quality > 40,
            f"wallpaper {number}: 40 dB or more in the hole",
            f"it has {quality:.1f} dB; diffusion has {fog:.1f}",
            hint=advice,
        )
    seconds = time.process_time() - started
    c.true(
        seconds < 40,
        "within 20 seconds of computing each",
        f"both took {seconds:.0f}",
        hint="Too slow: compare the ring alone, not whole pictures.",
    )
### BEGIN HIDDEN TESTS
originals = []


def hidden_wallpaper(generator: torch.Generator) -> list[Tensor]:
    whole, known = wallpaper(generator)
    originals.append(whole)
    return [whole * known, known]


hidden_torn, hidden_known = given("wallpaper", hidden_wallpaper)
probe("restored", restore(hidden_torn, hidden_known), truth=lambda: originals[0], within=3e-5, mean_square=True)
### END HIDDEN TESTS
