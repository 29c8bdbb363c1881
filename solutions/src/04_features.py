# %% [markdown]
# # Exercises for chapter 04: Pretrained features
#
# They go with [chapter 04](../../notebooks/04_features.ipynb). Each task has its place for your answer, and under it a
# check: run it as often as you like, it answers at once and each time with a stronger hint. Your progress is kept in this
# folder; `minigan progress` shows it.
#
# This set is about what a feature network does besides being right: how fast it forgets, where exactly it looks, what it
# must be given, how its neighbours can be improved, and what it goes by.

# %%
import time

import torch
from torch import Tensor, nn
from torchvision.models import get_model_weights  # for ImageNet's names

from minigan import data, plot
from minigan.backbones import Backbone
from minigan.course.checking import checking
from minigan.course.suitability import distances, sketches

# %% [markdown] task="forget" kind="predict" minutes=4 points=1 trains="running statistics"
# ## How fast it forgets
#
# A pretrained network is called frozen, but some `.train()` has put its batch norms into training mode (section 7). One
# channel has the running mean 0 from its photographs. Now it sees batch after batch of drawings, and in each of them the
# mean of this channel is 1. Each batch moves the running mean a tenth of what is left of the way.
#
# After how many batches has it gone *more than* nine tenths of the way? A pocket calculator is allowed, torch is not.

# %% answer="forget"
prediction = ...
### BEGIN SOLUTION
prediction = 22  # what is left is 0.9 to the power of n: 0.109 after 21 batches, 0.098 after 22
### END SOLUTION

# %% check="forget"
hints = [
    "After one batch 0.9 of the way is left. After two, 0.9 of that.",
    "You look for the first n with 0.9 to the power of n below 0.1.",
]
straight = "It does not move by 0.1 each time, but by a tenth of what is left. The steps get smaller."
mistakes = {
    straight: 9,
    straight + " ": 10,
    "This is half of the way. Nine tenths are asked.": 7,
    "One more: after 21 batches 0.109 of the way is left, which is more than a tenth.": 21,
    "After twelve batches it has gone seven tenths of the way, as in the chapter. Nine tenths are asked.": 12,
    "One less is enough.": 23,
}
with checking("How fast it forgets", hints) as c:
    norm, batches = nn.BatchNorm1d(1), 0
    while norm.running_mean <= 0.9:
        norm(torch.tensor([[0.5], [1.5]]))  # a batch whose mean is 1
        batches += 1
    c.equal(prediction, batches, "counted with a batch norm of torch", mistakes=mistakes)
### BEGIN HIDDEN TESTS
probe("prediction", prediction, within=0.001)
### END HIDDEN TESTS

# %% [markdown] task="where" kind="complete" minutes=15 points=4 trains="strides, paddings and places"
# ## Where a unit looks
#
# Section 4 says how *large* a receptive field is. Where is it? You need that to draw a frame around what a unit has
# seen.
#
# Take one direction of the picture only, and count pixels and places from 0. A layer is a triple
# `(kernel, stride, padding)`. Its unit at place $p$ looks at `kernel` neighbouring places of the map before it, and the
# first of them is $p \cdot \text{stride} - \text{padding}$. Places below 0 lie in the padding.
#
# Write `window`. It gets the layers in order, the one at the picture first, and a place in the map of the *last* one. It
# gives the first and the last pixel that this unit can see, as `(first, last)`, both counted in. Do not cut the window at
# the edge of the picture: numbers below 0, and numbers behind the last pixel, are right answers.


# %% answer="where"
def window(layers: list[tuple[int, int, int]], place: int) -> tuple[int, int]:
    """The first and the last pixel that a unit of the last layer sees; layers are (kernel, stride, padding)."""
    ### BEGIN SOLUTION
    first = last = place
    for kernel, stride, padding in reversed(layers):
        first = first * stride - padding
        last = last * stride - padding + kernel - 1
    return first, last
    ### END SOLUTION


# %% check="where"
hints = [
    "Begin at the unit, with first = last = place, and go back to the picture, layer by layer.",
    "If the unit sees places first to last of one map, which places of the map before it do these two look at?",
    "In front of place p stands p * stride - padding; the last that it looks at lies kernel - 1 further.",
]


def by_gradient(layers: list[tuple[int, int, int]], place: int, side: int) -> list[int]:
    """The first and the last pixel of a line of pixels that changes this unit, asked of a real network."""
    line = torch.zeros(1, 1, side, requires_grad=True)
    maps = line
    for kernel, stride, padding in layers:
        maps = nn.functional.conv1d(maps, torch.ones(1, 1, kernel), stride=stride, padding=padding)
    (gradient,) = torch.autograd.grad(maps[0, 0, place], line)
    seen = gradient[0, 0].nonzero()
    return [int(seen.min()), int(seen.max())]


stem = [(3, 2, 1), (3, 2, 1), (3, 1, 1)]
with checking("Where a unit looks", hints) as c:
    mistakes = {
        "Padding moves the window: place 5 begins one pixel before 2 * 5.": (10, 12),
        "Both ends are counted in: three pixels, so the last is the first plus 2.": (9, 12),
        "Padding begins before the picture, so it is taken off and not added.": (11, 13),
        "The second number is the last pixel, not the size.": (9, 3),
    }
    c.equal(window([(3, 2, 1)], 5), (9, 11), "one layer of stride 2", mistakes=mistakes)
    mistakes = {
        "Go from the unit back to the picture: the last layer comes first.": (3, 9),
        "Both ends are counted in: a kernel of k adds k - 1 places.": (3, 16),
        "Padding is missing: the first place is p * stride - padding.": (4, 14),
        "The window need not lie around p times all strides: that is so only where padding is half of the kernel.": (
            -1,
            9,
        ),
        "The second number is the last pixel, not the size.": (3, 11),
    }
    c.equal(window([(3, 2, 1), (5, 1, 0)], 2), (3, 13), "two layers, the second without padding", mistakes=mistakes)
    mistakes = {
        "The paddings of deep layers count in their own places, which lie several pixels apart.": (13, 27),
        "Padding is missing: the first place is p * stride - padding.": (16, 30),
        "The stride of a layer acts on what comes before it: multiply first, then add the kernel.": (9, 35),
    }
    c.equal(window(stem, 4), (9, 23), "three layers, 15 pixels", mistakes=mistakes)
    c.equal(
        window(stem, 0),
        (-7, 7),
        "the window of place 0 begins outside the picture",
        hint="Do not cut the window at the edge of the picture.",
    )
    c.equal(window([], 6), (6, 6), "without any layer a unit is a pixel")
    odd = [(5, 2, 0), (2, 2, 0), (4, 3, 1)]
    c.equal(window(odd, 1), by_gradient(odd, 1, 80), "as the gradient of a real network says")
### BEGIN HIDDEN TESTS
for number in range(3):
    rows = given(
        f"layers {number}",
        lambda g: torch.stack([torch.randint(low, high, (4,), generator=g) for low, high in ((1, 8), (1, 4), (0, 4))]),
    )
    spot = given(f"place {number}", lambda g: int(torch.randint(0, 30, (), generator=g)))
    probe(f"window {number}", torch.tensor(window([tuple(row) for row in rows.T.tolist()], spot)))
probe("a unit of VGG-16", torch.tensor(window([(3, 1, 1), (3, 1, 1), (2, 2, 0)] * 3, 20)))
### END HIDDEN TESTS

# %% [markdown] task="door" kind="mend" minutes=12 points=4 trains="ranges, buffers and in-place changes"
# ## A door with three faults
#
# A colleague wants to use a network of torchvision by itself, without `Backbone`, and has written the door in front of
# it: images in [-1, 1] go in, and what comes out is $(x - \mu) / \sigma$, where $x$ is the picture in [0, 1], and $\mu$
# and $\sigma$ are the mean and the standard deviation of ImageNet's colours.
#
# "The names of my three photographs are right", says the colleague. There are three faults in it. One changes what the
# network sees, one shows on another device, and one does damage outside the module. Mend them. Gradients must reach the
# images, and nothing in the door may learn.


# %% given="door"
class Door(nn.Module):
    """Images (N, 3, H, W) in [-1, 1] -> the same, standardised with ImageNet's statistics."""

    def __init__(self) -> None:
        super().__init__()
        self.mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
        self.std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)

    def forward(self, images: Tensor) -> Tensor:
        return images.sub_(self.mean).div_(self.std)


# %% answer="door"
class Door(nn.Module):
    """Images (N, 3, H, W) in [-1, 1] -> the same, standardised with ImageNet's statistics."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        return ((images + 1) / 2 - self.mean) / self.std


# %% check="door"
hints = [
    "What does a white pixel hold when it comes in, and what when mu is taken off?",
    "Call door.to('meta') and look where door.mean is. What would make it move with the module?",
    "A method whose name ends in an underscore writes into its tensor. To whom does that tensor belong?",
]
colours = torch.tensor([1.0, -1.0, 0.2]).view(1, 3, 1, 1).expand(1, 3, 2, 2).contiguous()
# by hand: red (1 - 0.485) / 0.229, green (0 - 0.456) / 0.224, blue (0.6 - 0.406) / 0.225
by_hand = torch.tensor([2.248908, -2.035714, 0.862222])
mistakes = {
    "The statistics are those of pictures in [0, 1], and these come in [-1, 1].": torch.tensor(
        [2.248908, -6.5, -0.915556]
    ),
    "First to [0, 1], then the statistics: here the halving comes after them.": torch.tensor(
        [1.624454, -2.75, 0.042222]
    ),
    "[-1, 1] becomes [0, 1] by adding 1 and halving; one of the two is missing.": torch.tensor(
        [6.615721, -2.035714, 3.528889]
    ),
    "[-1, 1] becomes [0, 1] by adding 1 and halving; only the half is there.": torch.tensor(
        [0.065502, -4.267857, -1.36]
    ),
    "Divide by the standard deviation, do not multiply.": torch.tensor([0.117935, -0.102144, 0.04365]),
    "This is [0, 1]: the statistics are missing.": torch.tensor([1.0, 0.0, 0.6]),
}
with checking("A door with three faults", hints) as c:
    door, own = Door(), colours.clone()
    seen = door(own)
    c.shape(seen, (1, 3, 2, 2), "the shape stays")
    if getattr(seen, "shape", None) == (1, 3, 2, 2):
        c.close(seen[0, :, 1, 0], by_hand, "three colours by hand", mistakes=mistakes)
    c.equal(
        own,
        colours,
        "the images that came in are as they were",
        hint="The images of the caller are overwritten: sub_ and div_ work in place.",
    )
    try:
        with torch.device("meta"):
            elsewhere = torch.zeros(1, 3, 2, 2)
        device = Door().to("meta")(elsewhere).device.type
    except (RuntimeError, NotImplementedError) as error:
        device = f"an error: {str(error)[:80]}"
    c.equal(
        device,
        "meta",
        "moved to another device, it works there",
        hint="A plain tensor stays behind when the module moves. Make a buffer of it.",
    )
    c.true(
        not any(weight.requires_grad for weight in door.parameters()),
        "nothing in it learns",
        "the statistics are parameters with a gradient",
        hint="Parameters are what an optimizer moves. Statistics are buffers.",
    )
    wanted = colours.clone().requires_grad_()
    try:
        (gradient,) = torch.autograd.grad(door(wanted).sum(), wanted)
    except RuntimeError as error:
        c.true(
            False,
            "a gradient reaches the images",
            str(error)[:80],
            hint="A gradient must reach the images: neither no_grad nor detach, and nothing in place.",
        )
    else:
        c.close(
            gradient[0, :, 0, 0],
            [2.183406, 2.232143, 2.222222],
            "the gradient is that of a division by 2 sigma",
            hint="The gradient of each colour is 1 / (2 sigma).",
        )
### BEGIN HIDDEN TESTS
images = given("images", lambda g: 2 * torch.rand(2, 3, 4, 5, generator=g) - 1)
before = images.clone()
entrance = Door()
probe("standardised", entrance(images))
probe("untouched", (images - before).abs().max())
probe("tensors that move", len(list(entrance.buffers())) + len(list(entrance.parameters())) > 0)
probe("learning", sum(weight.requires_grad for weight in entrance.parameters()))
### END HIDDEN TESTS

# %% [markdown] task="partners" kind="improve" minutes=25 points=5 trains="neighbours, and what is wrong with them"
# ## Better partners
#
# In section 8 a drawing of one studio looked for its partner among those of another. Here are 120 things, drawn by both,
# and the features of a *cheap* layer: `block0` of EfficientNet-Lite0 at 64 pixels, which knows edges and colours. The
# second set has been shuffled. Your start takes the nearest by the cosine, and finds 36% of the partners.
#
# Find 56% or more with these features, within 10 seconds. No other network, no picture. There are two things that the
# start does not use:
#
# - All drawings of a studio share its style. It stands in the features of each of them, and says nothing about the thing.
# - Each drawing has exactly *one* partner. An all-purpose answer, as the grey receipt in section 8 was, can be right once.
#
# The library [scipy](https://docs.scipy.org/doc/scipy/reference/generated/scipy.optimize.linear_sum_assignment.html) has
# a function that gives each row its own column at the lowest cost. It is not needed: a loop of four lines does nearly as
# well.

# %%
things = torch.randperm(889, generator=torch.Generator().manual_seed(0))[:240]
edges = Backbone("efficientnet_lite0", ["block0"], size=64)
noto, twemoji = (sketches(edges, data.load(studio)[things])["block0"] for studio in ("noto", "twemoji"))


def puzzle(random: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Features of 120 drawings, of the others in another order, (120, 256) each, and which of the others is whose."""
    asked = torch.randperm(240, generator=random)[:120]
    order = torch.randperm(120, generator=random)
    return noto[asked], twemoji[asked][order], order.argsort()


ours, theirs, solution = puzzle(torch.Generator().manual_seed(0))


# %% given="partners"
def partners(ours: Tensor, theirs: Tensor) -> Tensor:
    """For each of our drawings the number of its partner among theirs: (N, D), (N, D) -> (N,)."""
    return distances(ours, theirs).argmin(1)


# %% answer="partners"
def partners(ours: Tensor, theirs: Tensor) -> Tensor:
    """For each of our drawings the number of its partner among theirs: (N, D), (N, D) -> (N,)."""
    without_style = [(each - each.mean(0)) / each.std(0) for each in (ours, theirs)]
    table = distances(*without_style)
    found = torch.zeros(len(ours), dtype=torch.long)
    for _ in range(len(ours)):  # the surest pair first, and neither of the two is asked again
        row, column = divmod(int(table.argmin()), len(theirs))
        found[row] = column
        table[row], table[:, column] = torch.inf, torch.inf
    return found


# %% check="partners"
hints = [
    "How often is each of theirs chosen? torch.bincount(partners(ours, theirs)) tells.",
    "Take the surest pair of the whole table, cross out its row and its column, and go on.",
    "Before that, subtract from each set its own mean over the drawings, and divide by its standard deviation.",
]
with checking("Better partners", hints) as c:
    start = time.process_time()
    found = partners(ours.clone(), theirs.clone())
    seconds = time.process_time() - start
    whole = isinstance(found, Tensor) and found.shape == (120,) and not found.is_floating_point()
    c.true(
        whole,
        "a whole number for each of the 120",
        f"got {type(found).__name__} {tuple(getattr(found, 'shape', ()))}",
        hint="Give one whole number for each of our drawings, the place of its partner, as a tensor (N,). From an array: "
        "torch.from_numpy.",
    )
    if whole:
        share = float((found == solution).float().mean())
        other_way = float((found == solution.argsort()).float().mean())
        most = int(found.clamp(0, 119).bincount().max())
        if other_way > 0.3:
            told = "These are partners for each of theirs. Asked is, for each of ours, a number among theirs."
        elif most > 2:
            told = f"One of theirs is chosen {most} times, and can be right once. Let each be taken only once."
        else:
            told = "Each is taken once, good. Now take the style away: what all drawings of a studio have in common."
        c.true(share >= 0.56, "56% or more of the partners are found", f"the share is {share:.2f}", hint=told)
    c.true(
        seconds < 10,
        "within 10 seconds of computing",
        f"it took {seconds:.1f} s",
        hint="Compute the table of distances once.",
    )
### BEGIN HIDDEN TESTS
solved = []


def another(random):
    mine, others, right = puzzle(random)
    solved.append(right)
    return [mine, others, right]


mine, others, right = given("puzzle", another)
hits = (partners(mine, others) == right).float()
probe("hits", hits, truth=lambda: torch.ones(120), within=0.53, mean_square=True)
### END HIDDEN TESTS

# %% [markdown] task="scrambled" kind="explain" minutes=8 points=4 trains="what a network goes by"
# ## In pieces
#
# Five photographs whose names EfficientNet-Lite0 knows (its list calls the lemur a Madagascar cat, and the hedgehog a
# porcupine). Each is cut into squares, and the squares are laid out anew, at random. Under each picture stands the share that the network gives to the name it has given to the whole one.

# %%
namer = Backbone("efficientnet_lite0", ["logits"])
categories = get_model_weights("resnet18")["IMAGENET1K_V1"].meta["categories"]


def middle(name: str) -> Tensor:
    """The middle of a photograph, as networks are asked for names: (1, 3, 224, 224)."""
    picture = data.photo(name)
    edge = min(picture.shape[-2:])
    top, left = ((side - edge) // 2 for side in picture.shape[-2:])
    return data.resize(picture[..., top : top + edge, left : left + edge], 256)[..., 16:-16, 16:-16]


def scrambled(image: Tensor, pieces: int, random: torch.Generator) -> Tensor:
    """The squares of an image, `pieces` along each side, in random order."""
    side = image.shape[-1] // pieces
    squares = image.unfold(2, side, side).unfold(3, side, side).flatten(2, 3)  # (1, 3, pieces^2, side, side)
    squares = squares[:, :, torch.randperm(pieces**2, generator=random)].unflatten(2, (pieces, pieces))
    return squares.transpose(3, 4).reshape(image.shape)


names = ["lemur", "hedgehog", "panda", "greatStupa", "scarlet_macaw"]
rows = [1, 2, 4, 7]
alt = "Five photographs, whole and in 4, 16 and 49 pieces. In 16 pieces lemur, hedgehog and panda keep their names with shares of 0.8 and more, a parrot has 0.38, a domed building lost its name in 4 pieces."
with plot.figure(5, 4, alt=alt, size=(1.5, 1.65)) as axes, torch.no_grad():
    for column, name in zip(axes.T, names, strict=True):
        picture, random = middle(name), torch.Generator().manual_seed(1)
        called = int(namer(picture)["logits"].argmax())
        for axis, pieces in zip(column, rows, strict=True):
            shown = scrambled(picture, pieces, random)
            share = float(namer(shown)["logits"].softmax(1)[0, called])
            axis.imshow(plot.tile(shown))
            axis.set(xticks=[], yticks=[], xlabel=f"{share:.2f}", title=categories[called] if pieces == 1 else "")
            axis.spines[:].set_visible(False)

# %% [markdown]
# 1. Cover the upper rows. Which of the pictures in 16 pieces could *you* name, and by what? What does the network seem
#    to go by?
# 2. Its last map has 7 x 7 places, and `pool` takes the mean over them. How does that help to explain the figure?
# 3. The building has lost its name in 4 pieces, the panda keeps it in 16 and loses it in 49, the hedgehog keeps half of
#    it in 49. What is different about the three?
# 4. Such features shall judge generated faces. Which fault will they forgive more easily than people do, and which not?
#
# One or two sentences for each. ([Brendel and Bethge 2019](https://arxiv.org/abs/1904.00760) built networks that see
# *only* small pieces. Pieces of 17 pixels were enough for what AlexNet had reached at ImageNet.)

# %% [markdown] explain="scrambled"
# A person finds fur, spines and a face here and there, but has to puzzle; the network is nearly as sure of lemur,
# hedgehog and panda as before. It goes by what is in a piece, fur, spines, a ringed tail, patches of black and white,
# and hardly by the outline or by where things are. The mean over all places forgets where each place was: as long as a
# piece is as large as what the units use, the same evidence is added up in another order. The stupa is known by the
# outline of its dome, which is larger than any piece, and its single pieces show only brick. The panda's evidence is
# patches of black and white with round borders: they fit into 56 pixels and not into 32. Spines are small, so each of 49
# pieces still holds some. In a face such features mind skin, hair and speckle, and forgive an eye or a mouth in the
# wrong place, or two eyes that do not match. So look at the pictures too, and compare earlier layers place by place.
#
# **Rubric.**
#
# - 1 point: the network goes by local texture or parts, and the global arrangement counts for little; with the figure's
#   evidence.
# - 1 point: the mean over places drops the order; it works as long as pieces are larger than what a unit uses.
# - 1 point: what names each has another size: the dome's outline is larger than a piece, the panda's patches are larger
#   than 32 pixels, spines are small.
# - 1 point: misplaced or mismatched parts are forgiven, wrong surface is not.
