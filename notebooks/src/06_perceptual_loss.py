# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 06 Perceptual loss
#
# **How is distance measured as people see it?**
#
# A photograph that has moved by two pixels is the same photograph to you. To the mean squared error it can be as wrong
# as a blurred one. A pretrained network stands between the two: chapter 04 opened it, chapter 05 built with it. This
# chapter lets it *measure*. The distance of two pictures becomes the distance of what the network sees in them, and
# that is the second formula of the course:
#
# $$L_{FD} = \sum_i \lVert F_i(G(z)) - F_i(x) \rVert^2, \qquad L = L_\mathrm{adv} + \lambda L_{FD}$$
#
# It is a fine loss, and the commonest way to use it is wrong. The wrong way is shown failing first, on points and on
# faces, after the mathematics has said how.
#
# | | |
# | --- | --- |
# | **You will learn** | where pixel error is blind; to write the feature distance and weigh its layers; three silent mistakes with it; why it needs pairs, and what to do without them; what $\lambda$ costs; Gram matrices and LPIPS as settings of the same module |
# | **You need** | chapters 02 and 04. No GPU and no network |
# | **It takes** | about 75 minutes to read. The machine needs about a minute and a half on two CPU cores |

# %%
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.vgg import make_layers

from minigan import data, hardware, metrics, nets, plot, toy, train, weights
from minigan.backbones import Backbone
from minigan.course import checking, pick
from minigan.course.checking import NotYet
from minigan.data import known
from minigan.plot import FAKE, REAL, tile

network = "efficientnet_lite0"  # its weights come with the course; "vgg16" is fetched once where a network is
layers = ("block0", "block2", "block4", "block10", "block15")  # of VGG-16: relu1_2, relu2_2, relu3_3, relu4_3, relu5_3
device = hardware.device()

# %% [markdown]
# ## 1. Where pixel error is blind
#
# Seven versions of one photograph. Each strength has been chosen so that **all seven have the same mean squared
# error**: it is that of moving the picture by two pixels.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Seven versions, one squared error
#
# Rank the seven by how much is wrong with them to you.
#
# ???
# (4 min) Everybody writes an order down; compare with a neighbour. Expect agreement on the lower right corner and on
# the upper row. Only then say it: each strength has been chosen so that all seven have the same mean squared error,
# that of moving the picture by two pixels.

# %% slideshow={"slide_type": "-"}
MARGIN = 48  # pixels around the part that is shown, so that a move brings in real picture


def middle(pictures: Tensor) -> Tensor:
    return pictures[..., MARGIN:-MARGIN, MARGIN:-MARGIN]


def shift(pictures: Tensor, pixels: float) -> Tensor:
    return pictures.roll(int(pixels), -1)


def blur(pictures: Tensor, sigma: float) -> Tensor:
    """Weighted by a Gaussian, along rows and then along columns."""
    radius = math.ceil(3 * sigma)
    kernel = torch.exp(-torch.arange(-radius, radius + 1).square() / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).repeat(3, 1)
    padded = F.pad(pictures, [radius] * 4, mode="reflect")
    return F.conv2d(F.conv2d(padded, kernel[:, None, None], groups=3), kernel[:, None, :, None], groups=3)


def look_elsewhere(pictures: Tensor, angle: float, scatter: float) -> Tensor:
    """Each pixel is fetched from another place: the picture turned, and the places scattered by so many pixels."""
    turn = torch.tensor([[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0]])
    places = F.affine_grid(turn.expand(len(pictures), -1, -1), pictures.shape, align_corners=False)
    jitter = torch.randn(places.shape, generator=torch.Generator().manual_seed(1)) * (2 / pictures.shape[-1])
    return F.grid_sample(pictures, places + scatter * jitter, mode="bilinear", align_corners=False)


def add_grain(pictures: Tensor, strength: float) -> Tensor:
    return pictures + strength * torch.randn(pictures.shape[1:], generator=torch.Generator().manual_seed(0))


DISTORTIONS: dict[str, tuple[Callable[[Tensor, float], Tensor], float]] = {  # and the greatest strength that is tried
    "brighter": (lambda pictures, strength: pictures + strength, 2.0),
    "paler": (lambda pictures, strength: (1 - strength) * pictures, 1.0),
    "turned": (lambda pictures, angle: look_elsewhere(pictures, angle, 0), 0.5),
    "frosted": (lambda pictures, scatter: look_elsewhere(pictures, 0, scatter), 20.0),
    "noise": (add_grain, 2.0),
    "blur": (blur, 20.0),
}


def squared_error(picture: Tensor, other: Tensor) -> float:
    return float((picture - other).square().mean())


def as_wrong(picture: Tensor, name: str, error: float) -> Tensor | None:
    """The picture with a distortion of just this squared error, found by halving; None where it cannot get so far."""
    change, high = DISTORTIONS[name]
    low, changed = 1e-3, picture
    for _ in range(16):
        middle_strength = (low + high) / 2
        changed = middle(change(picture, middle_strength)).clamp(-1, 1)
        if squared_error(middle(picture), changed) < error:
            low = middle_strength
        else:
            high = middle_strength
    return changed if abs(squared_error(middle(picture), changed) / error - 1) < 0.01 else None


def equally_wrong(picture: Tensor) -> dict[str, Tensor] | None:
    """All distortions of a picture, as wrong as a shift by two pixels. None where one of them cannot get so far."""
    shifted = middle(shift(picture, 2))
    error = squared_error(middle(picture), shifted)
    changed = {name: as_wrong(picture, name, error) for name in DISTORTIONS}
    found = {name: image for name, image in changed.items() if image is not None}
    return {"original": middle(picture), "shifted": shifted, **found} if len(found) == len(changed) else None


def panels(pictures: Mapping[str, Tensor], columns: int, alt: str, size: float = 1.6) -> None:
    """Pictures with their names above them."""
    rows = -(-len(pictures) // columns)
    with plot.figure(columns, rows, alt=alt, size=(size, size * 1.12)) as axes:
        for axis, (name, picture) in zip(axes.flat, pictures.items(), strict=False):
            axis.imshow(tile(picture))
            axis.set_title(name)
        for axis in axes.flat:
            axis.axis("off")


photographs = data.load("photos", "test", 256)
cat = equally_wrong(photographs[photographs.names.index("chelsea")][None])
alt = (
    "A cat's face eight times. Brighter, paler, shifted and turned, it is the same clear photograph; frosted, grainy or "
    "blurred it is plainly damaged, the blurred one most."
)
panels(cat, 4, alt)

# %% [markdown]
# **Predict.** Rank the seven by how much is wrong with them *to you*. Write the order down. Then look at what PSNR
# says, which is the squared error in decibels, and SSIM, which was made to do better (both are built in chapter 03).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## PSNR cannot tell them apart, SSIM forgives only light
#
# Compare with your own order.
#
# ???
# (3 min) Read the left column: equal by construction. Ask which line of the right one goes against the room's order: a
# shift scores like a blur. SSIM compares places, and after a shift nothing is where it was. What would a measure have
# to know to forgive a shift and not a blur?

# %% slideshow={"slide_type": "-"} tags=["slide-text"]
for name, picture in cat.items():
    if name != "original":
        scores = float(metrics.psnr(cat["original"], picture)), float(metrics.ssim(cat["original"], picture))
        print(f"{name:10} PSNR {scores[0]:.2f} dB   SSIM {scores[1]:.2f}")

# %% [markdown]
# PSNR cannot tell them apart, by construction. SSIM forgives light, but it takes a shift for as bad as a blur: it
# compares places, and after a shift nothing is where it was.
#
# Now ask a network. Take its features at five layers, and measure how far they move, for all the photographs on which
# every distortion can be made this strong. Each distance is divided by that of the blur, so that 1 means "as bad as
# blurred". Beside it stands the control: the same architecture with random weights.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A trained network sorts them as you did
#
# Distance of the features, that of the blur being 1. What will the twin with random weights do?
#
# ???
# (5 min) All lines start at 1, where pixels put them. Let the room draw four solid lines (picture whole) and three
# dashed ones (picture damaged) for both networks, then press the key. The first layer is no better than pixels:
# "perceptual" is no property of a network but of a layer. The random network hardly sorts at all, so it is not the
# architecture that knows.

# %% slideshow={"slide_type": "fragment"}
backbones = {
    "pretrained": Backbone(network, layers),
    "random weights": Backbone(network, layers, weights=None, generator=torch.Generator().manual_seed(0)),
}


def all_equally_wrong(pictures: Tensor) -> dict[str, Tensor]:
    """The same for many photographs, {name: (N, 3, h, w)}; those that cannot get so far are left out."""
    found = [one for picture in pictures if (one := equally_wrong(picture[None]))]
    return {name: torch.cat([one[name] for one in found]) for name in found[0]}


changed = all_equally_wrong(photographs[: pick(quick=3, cpu=12, full=None)])


@torch.no_grad()
def seen_by(backbone: Backbone, pictures: Tensor) -> list[Tensor]:
    """The features at each layer, three pictures at a time: photographs take much memory."""
    parts = [backbone(part) for part in pictures.split(3)]
    return [torch.cat([part[layer] for part in parts]) for layer in backbone.layers]


def compared_with_blur(backbone: Backbone) -> dict[str, list[float]]:
    """How far each distortion moves the features of each layer, as a share of how far blur does; geometric means."""
    original = seen_by(backbone, changed["original"])
    moved = {}
    for name in ("shifted", *DISTORTIONS):
        maps = zip(original, seen_by(backbone, changed[name]), strict=True)
        moved[name] = torch.stack([(x - y).square().flatten(1).mean(1) for x, y in maps])
    return {name: (one / moved["blur"]).log().mean(1).exp().tolist() for name, one in moved.items()}


ratios = {name: compared_with_blur(backbone) for name, backbone in backbones.items()}
alt = (
    "Two charts over the depth of the layer. In the pretrained network shift, turn, brightness and paleness fall to a few "
    "hundredths of the blur's distance with depth, noise stays far above them. In the random network all lines stay near 1."
)
with plot.figure(2, alt=alt, size=(4.2, 3.3)) as axes:
    for axis, (name, ratio) in zip(axes, ratios.items(), strict=True):
        for distortion, values in ratio.items():
            harmless = distortion in ("brighter", "paler", "shifted", "turned")
            axis.plot(["pixels", *layers], [1, *values], ls="-" if harmless else "--", marker=".", label=distortion)
        axis.set(title=name, yscale="log", ylim=(0.01, 3))
        axis.tick_params(axis="x", rotation=30)
    axes[1].legend(loc="lower left", ncols=2, fontsize=9)
    axes[0].set_ylabel("distance, that of the blur being 1")
print(f"{len(changed['blur'])} photographs")
hardware.return_unused_memory()

# %% [markdown]
# All lines start at 1, where pixels put them. With depth the pretrained network sorts them as you did: what leaves the
# picture whole (solid lines) falls to a few hundredths, what damages it (dashed) stays. Two things are worth a second
# look.
#
# - **The first layer is no better than pixels.** It compares edges, and a shift moves every edge. "A perceptual loss"
#   is no property of a network, it is one of a *layer*.
# - **The random network hardly sorts at all.** The architecture alone, convolution and all, does not know a shift from
#   a blur. What knows is the training on photographs.
#
# Do people agree? [Zhang et al. 2018](https://arxiv.org/abs/1801.03924) collected 484,000 of their judgements of
# distorted patches. Deep features, whatever the network had been trained for, agreed with people clearly more often
# than squared error and SSIM did.
#
# ## 2. From the formula to the module
#
# One term of the sum compares two maps of features, $C$ channels at $H \times W$ places:
#
# $$d_i(x, G(z)) = \frac{1}{C_i H_i W_i} \lVert F_i(x) - F_i(G(z)) \rVert^2$$
#
# The division is the one addition to the formula ([Johnson et al. 2016](https://arxiv.org/abs/1603.08155), eq. 2).
# Without it the first layer, which has the largest map, would drown all the others, and a weight found at 64 pixels
# would be wrong at 128.
#
# The second distance compares directions only. A feature vector that is twice as long says the same thing more loudly.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Each layer is divided by the size of its map
#
# $$L_{FD} = \sum_i w_i\, \frac{1}{C_i H_i W_i} \lVert F_i(x) - F_i(G(z)) \rVert^2$$
#
# ???
# (3 min) The second formula of the course, with one addition. Ask what happens without the division: the first layer
# has the largest map and drowns the others, and a weight found at 64 pixels is wrong at 128. Point at the code: F is
# `backbone(images)[layer]`, the norm is `squared_distance`, w is a dictionary, the sum is in `from_features`.

# %% minigan="perceptual"
# squared_distance, unit, cosine_distance

# %% [markdown]
# A third forgets *where* a feature was found. Section 8 needs it.

# %% minigan="perceptual"
# gram, style_distance, DISTANCES

# %% [markdown]
# The sum over the layers, with a weight for each:
#
# $$L_{FD} = \sum_i w_i\, d_i(x, G(z))$$

# %% minigan="perceptual"
# one_for_each, check_maps, FeatureDistance

# %% [markdown]
# | in the formula | in the code |
# | --- | --- |
# | $F_i$ | `backbone(images)[layer]` |
# | $\lVert \cdot \rVert^2$ | `self.distance`, `squared_distance` by default |
# | $w_i$ | `self.weights[layer]` |
# | $\sum_i$ | the sum in `from_features` |
# | the mean over the batch | `forward` |
#
# **Predict.** The module against four plain lines. To how many digits?

# %% tags=["nbval-check-output"]
tiny = Backbone(network, [layers[0], layers[2]])
x, other = photographs[:2, :, 96:160, 96:160], photographs[2:4, :, 96:160, 96:160]
plain = torch.zeros(())
for layer, weight in ((layers[0], 1.0), (layers[2], 3.0)):
    difference = tiny(other)[layer] - tiny(x)[layer]
    plain += weight * difference.square().sum() / difference.numel()
module = FeatureDistance(tiny, {layers[0]: 1.0, layers[2]: 3.0})(x, other)
print("equal to six digits:", math.isclose(float(plain), float(module), rel_tol=1e-6))

# %% [markdown]
# ### What are the weights of the layers?
#
# Features have no unit. One layer's numbers may be ten times another's, by accident of training, and the square makes
# that a hundred. With all weights 1 the formula would then listen to one layer and call it a sum. A rule that needs no
# search: divide each layer by what it says about two *unrelated* pictures. Then each has an equal voice, and the total
# has a meaning too: **0 is the same picture, 1 is any other one.**

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 0 is the same picture, 1 is any other one
#
# $$w_i = \frac{1}{N\; \mathbb{E}\, d_i(x, x')}$$
#
# $x$ and $x'$ are two unrelated pictures, $N$ is the number of layers.
#
# ???
# (3 min) Features have no unit: one layer's numbers may be ten times another's by accident of training, and the square
# makes a hundred of that. Divide each layer by what it says about two unrelated pictures, so that each has an equal
# voice. It costs one batch. Ask the room what a value of 0.5 then means.

# %%
peeps = data.load("peeps")
eyes = Backbone(network, layers[:4]).to(device)  # the last map of a 64-pixel head would be 2 x 2


def unrelated_pairs(distance: FeatureDistance, images: Tensor) -> dict[str, float]:
    """The distance at each layer of a picture and another one: each image with the next of the batch."""
    with torch.no_grad():
        features = distance.backbone(images)
        others = {layer: one.roll(1, 0) for layer, one in features.items()}
        return {layer: float(one.mean()) for layer, one in distance.by_layer(features, others).items()}


some = peeps[: pick(quick=16, cpu=64, full=512)].to(device)
raw = unrelated_pairs(FeatureDistance(eyes), some)
L_FD = FeatureDistance(eyes, {layer: 1 / (len(raw) * distance) for layer, distance in raw.items()})
for layer, distance in raw.items():
    share = distance / sum(raw.values())
    print(
        f"{layer:8} distance of two heads {distance:6.1f}   share of a plain sum {share:4.0%}   weight {L_FD.weights[layer]:.4f}"
    )
print(f"L_FD of unrelated heads: {L_FD(some, some.roll(1, 0)):.3f}")
hardware.return_unused_memory()

# %% [markdown]
# Here a plain sum would have been tolerable, for no layer drowns the others. With another network, other layers or
# other pictures it may be different. It costs one batch to know.
#
# ## 3. Three ways to lose it without an error
#
# A feature distance is a few lines, and three of them are easy to get wrong. None of the three raises an exception.
#
# ### The in-place ReLU
#
# VGG as torchvision builds it applies its ReLUs *in place*: they overwrite their input to save memory. This loop,
# which stands in many tutorials, keeps the output of each convolution.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The next layer had already overwritten it
#
# ```python
# for layer in vgg:
#     x = layer(x)
#     found.append(x)
# ```
#
# Does the convolution's output hold negative numbers?
#
# ???
# (3 min) This loop stands in many tutorials. Ask what is in the list behind the first convolution once the loop has
# ended. Expect "its output, in part negative". The ReLU behind it works in place and has set all of that to 0 in the
# tensor that was already kept, so the distance "before the ReLU" is the one after it. No error, no warning. A backbone
# must replace such layers, and a test must hold it to that.

# %% tags=["nbval-check-output"]
torch.manual_seed(0)
vgg = make_layers([64, 64])  # the beginning of VGG-16: conv, ReLU, conv, ReLU; random weights will do


def walk(images: Tensor) -> dict[str, Tensor]:
    """The features after each layer, as many tutorials collect them."""
    found = {}
    for number, layer in enumerate(vgg):
        images = layer(images)
        found[f"{number} {type(layer).__name__}"] = images
    return found


def negative(features: Mapping[str, Tensor]) -> dict[str, bool]:
    return {name: bool(one.amin() < 0) for name, one in features.items()}


with torch.no_grad():
    print("are there negative features?")
    print("as it comes:   ", negative(walk(x)))
    for layer in vgg:
        if isinstance(layer, nn.ReLU):
            layer.inplace = False
    print("not in place:  ", negative(walk(x)))

# %% [markdown]
# A convolution's output is in part negative. The next layer had set all of that to 0 in the tensor that was already
# kept, so the distance "before the ReLU" was the one after it. `Backbone` replaces such layers, and a test holds it to
# that.
#
# ### The picture in another range
#
# A network has been trained on pictures in one range, with one mean and one spread. `Backbone` takes [-1, 1] and does
# the rest. Now give it targets in [0, 1], as torchvision's `ToTensor` makes them, and fakes in [-1, 1], as a tanh
# makes them. Numbers between 0 and 1 *are* numbers between -1 and 1: no check can object.
#
# To see what this loss asks for, paint a picture that has the least of it: no generator, only pixels, and the gradient
# of the loss. (The pixels are a sum of a coarse grid and finer ones, so that large areas move as easily as small
# ones.)

# %% minigan="perceptual"
# total_variation


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Targets in the wrong range: no error, and no black
#
# Targets in [0, 1], fakes in [-1, 1]. What does this loss ask for?
#
# ???
# (4 min) Paint a picture by going downhill on its pixels, with the features of the target as goal. Take predictions,
# then press the key. The loss falls in both cases; no check can object, for numbers between 0 and 1 are numbers between
# -1 and 1. Ask about the fine grain in the second picture: where a network sees nothing, anything may be.


# %% slideshow={"slide_type": "fragment"}
def paint(goal: Mapping[str, Tensor], distance: FeatureDistance, steps: int, calm: float = 0.0) -> Tensor:
    """The picture whose features come nearest to `goal`. `calm`: the weight of its total variation."""
    sides = (64, 32, 16, 8)
    grids = [torch.zeros(1, 3, side, side, device=device, requires_grad=True) for side in sides]
    optimizer = torch.optim.Adam(grids, 0.05)
    for _ in range(steps):
        picture = torch.stack([F.interpolate(grid, 64, mode="bilinear") for grid in grids]).sum(0).tanh()
        loss = distance.from_features(goal, distance.backbone(picture)).mean() + calm * total_variation(picture)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return picture.detach().cpu()


strokes = pick(quick=3, cpu=120, full=400)
target = some[2:3]
painted = {
    "the target": target.cpu(),
    "both in [-1, 1]": paint(eyes(target), L_FD, strokes),
    "target in [0, 1]": paint(eyes((target + 1) / 2), L_FD, strokes),
}
alt = (
    "A drawn head; the same head painted from its features, with its black lines; and the head painted from features of "
    "the picture in the wrong range, washed out, with grey where black should be."
)
panels(painted, 3, alt, 1.7)

# %% [markdown]
# The loss falls in both cases. In the second it falls towards a picture without blacks. This is patient 3 of chapter
# 02 with a network in between, and worse to find. The mend is not to normalise "in the loop" but once, at the door of
# the network that owns the statistics, for reals and fakes alike.
#
# Look at the second picture again. It is not the target: fine grain lies over it, although the features agree well.
# **Where a network sees nothing, anything may be.** Different pictures can be at no distance from one another. A
# little *total variation*, the mean difference of neighbouring pixels, holds the grain down. Chapter 08 uses it; a
# generator, which has learnt what pictures look like, needs it less.
#
# ### No gradient
#
# Networks that are not trained are often wrapped in `no_grad`. Around the target it does no harm. Around the fake it
# is fatal, and silent as soon as there is a second term.


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Freeze the weights, not the graph
#
# The gradient in the fake. What is wrong in the first row?
#
# ???
# (3 min) The length of the gradient, for the pixel term alone and with the feature term. Let the room find it: the two
# numbers of the first row are equal, so the feature term is in the sum, in the log, in the curves, and does nothing.
# `no_grad` around the target does no harm, around the fake it is fatal. `requires_grad_(False)` on the parameters is
# what is meant.


# %% slideshow={"slide_type": "-"} tags=["slide-text"]
def pull(features_of: Callable[[Tensor], Mapping[str, Tensor]]) -> tuple[float, float]:
    """The gradient's length in the fake, of a pixel term alone and of the pixel term plus the feature term."""
    fake = some[:1].roll(3, 3).clone().requires_grad_()
    pixel = (some[:1] - fake).square().mean()
    both = pixel + L_FD.from_features(eyes(some[:1]), features_of(fake)).mean()
    lengths = [float(torch.autograd.grad(loss, fake, retain_graph=True)[0].norm()) for loss in (pixel, both)]
    return lengths[0], lengths[1]


with_no_grad = pull(torch.no_grad()(eyes))
with_frozen_weights = pull(eyes)
print("gradient in the fake:       pixel term alone    with the feature term")
print(f"no_grad around the network  {with_no_grad[0]:16.5f} {with_no_grad[1]:24.5f}")
print(f"weights frozen, no no_grad  {with_frozen_weights[0]:16.5f} {with_frozen_weights[1]:24.5f}")

# %% [markdown]
# In the first row the feature term is in the sum, in the log, in the curves, and does nothing. **Freeze the weights,
# not the graph**: `requires_grad_(False)` on the parameters, which is what `Frozen` does.
#
# ## 4. A term of the step
#
# Chapter 02 ended with a step whose loss is a sum of named terms. It waited for this:
#
# $$L = L_\mathrm{adv} + \lambda L_{FD}$$
#
# `terms(fake, batch)` gives $L_{FD}$ a name, `config.weights` gives the name a $\lambda$, and the log has both terms
# unweighted.

# %%
generator, _ = weights.shipped("peeps")
discriminator, _ = weights.shipped("peeps-discriminator")
config = train.TrainConfig(batch=8, weights={"features": 10.0})
state = train.start(config, generator, discriminator)


def features_of_real(fake: Tensor, batch: train.Batch) -> dict[str, Tensor]:
    """F(G(z)) against F(x), the i-th fake with the i-th real picture of the batch."""
    return {"features": L_FD(batch["real"], fake)}


logged = train.step(state, train.draw(state, peeps), terms=features_of_real)
total = logged["adversarial"] + 10 * logged["features"]
print(f"L_adv {logged['adversarial']:.3f}   L_FD {logged['features']:.3f}   L = L_adv + 10 L_FD = {total:.3f}")
del state, generator, discriminator
hardware.return_unused_memory()

# %% [markdown]
# That is the whole recipe as one finds it: draw $z$, draw $x$, compare. Does it work?
#
# ## 5. What the common recipe gets wrong
#
# Nothing ties this $z$ to this $x$. The batch holds a random fake and a random real picture, and the loss asks the one
# to look like the other. What is the best answer to such a demand? Write $\mu_x$, $\mu_g$ for the mean features of
# real pictures and fakes, and $\Sigma_x$, $\Sigma_g$ for their covariances. For $x$ and $z$ drawn independently,
#
# $$\mathbb{E}\,\lVert F(G(z)) - F(x) \rVert^2 =
# \underbrace{\lVert \mu_g - \mu_x \rVert^2}_{\text{wanted}} +
# \underbrace{\operatorname{tr} \Sigma_g}_{\text{the spread of the fakes}} +
# \underbrace{\operatorname{tr} \Sigma_x}_{\text{a constant}}$$
#
# (Write $F(G(z)) - F(x) = (F(G(z)) - \mu_g) + (\mu_g - \mu_x) - (F(x) - \mu_x)$ and square. The mixed terms have mean
# 0, because $z$ and $x$ are independent.) The loss is least where the means agree **and the fakes have no spread**.
# One picture for all $z$, the one nearest to the mean of all features. The latents are noise, and the loss removes
# noise.
#
# Try it where $F$ is nothing at all: points in the plane, a ring of eight Gaussians, and $F(x) = x$. The generator
# starts as a round cloud.
#
# **Predict.** Where do the fakes end, and with which loss?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The common recipe asks the fakes to have no spread
#
# $$\mathbb{E}\,\lVert F(G(z)) - F(x) \rVert^2 =
# \underbrace{\lVert \mu_g - \mu_x \rVert^2}_{\text{wanted}} +
# \underbrace{\operatorname{tr} \Sigma_g}_{\text{spread of the fakes}} +
# \underbrace{\operatorname{tr} \Sigma_x}_{\text{constant}}$$
#
# Draw $z$, draw $x$, compare. Nothing ties the one to the other.
#
# ???
# (5 min) This is L = L_adv + λ L_FD as one finds it. Derive it on the board: add and subtract both means, square; the
# mixed terms vanish because z and x are independent. Ask which generator makes the right side least. One picture for
# all z, the nearest to the mean of all features. The latents are noise, and the loss removes noise.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The collapsed generator has half the loss of a perfect one
#
# Eight clusters, and $F(x) = x$. Where do the fakes end?
#
# ???
# (3 min) The room points at a place on the screen, then press the key. They sit in the middle, where no real point is.
# A perfect generator has as much spread as the data and pays for it twice. This is no failure of training: training has
# done its work on the wrong loss.

# %% slideshow={"slide_type": "fragment"}
ring = toy.GaussianMixture(toy.ring(8).centres + torch.tensor([1.0, 0.5]), 0.08)
PointLoss = Callable[[Tensor, Tensor], Tensor]


def unrelated(real: Tensor, fake: Tensor) -> Tensor:
    """The common recipe: the i-th fake against the i-th real point, which have nothing to do with one another."""
    return (real - fake).square().sum(1).mean()


class Cloud(nn.Module):
    """G(z) = z + mlp(z): points that start as the normal cloud of their latents."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nets.mlp(2, 2)

    def forward(self, latents: Tensor) -> Tensor:
        return latents + self.net(latents)


def play(loss: PointLoss, steps: int = pick(quick=5, cpu=500, full=2_000)) -> Tensor:
    """600 fakes of a generator of points that was trained with this loss alone."""
    torch.manual_seed(0)
    generator, random = Cloud(), torch.Generator().manual_seed(0)
    adam = torch.optim.Adam(generator.parameters(), 2e-3)
    for _ in range(steps):
        value = loss(ring.sample(128, random), generator(torch.randn(128, 2, generator=random)))
        adam.zero_grad()
        value.backward()
        adam.step()
    with torch.no_grad():
        return generator(torch.randn(600, 2, generator=random))


def show_points(panels: Mapping[str, Tensor], real: Tensor, alt: str) -> None:
    """Each set of fakes in orange over the real points in blue."""
    with plot.figure(len(panels), alt=alt, size=(2.5, 2.7)) as axes:
        for axis, (name, points) in zip(axes, panels.items(), strict=True):
            axis.scatter(*real.T, s=3, color=REAL, lw=0)
            axis.scatter(*points.T, s=3, color=FAKE, lw=0)
            axis.set(title=name, xlim=(-1.6, 3.6), ylim=(-2.1, 3.1), aspect="equal")
            axis.axis("off")


seed = torch.Generator().manual_seed(7)
real_points, more_points = ring.sample(600, seed), ring.sample(600, seed)
with torch.no_grad():
    at_first = Cloud()(torch.randn(600, 2, generator=seed))
collapsed_points = play(unrelated)
alt = (
    "Two panels with a ring of eight blue clusters. At first the orange fakes are a wide round cloud. After training with "
    "unrelated pairs they are one small spot in the empty middle of the ring."
)
show_points({"at first": at_first, "unrelated pairs": collapsed_points}, real_points, alt)
spread = float(real_points.var(0).sum())
print(f"the spread of the real points, tr Σ_x:        {spread:.2f}")
print(f"loss of the collapsed generator:              {unrelated(real_points, collapsed_points):.2f}")
print(f"loss of a perfect one, which draws the ring:  {unrelated(real_points, more_points):.2f}")

# %% [markdown]
# The fakes sit in the middle of the ring, where no real point is. And the last two lines say it sharper than the
# picture: **the collapsed generator has half the loss of a perfect one.** A perfect one has
# $\operatorname{tr} \Sigma_g = \operatorname{tr} \Sigma_x$ and pays twice. This is no failure of training. Training
# has done its work, on the wrong loss.
#
# ### The same with faces
#
# In pictures the middle of all features can be *painted*, before any generator is trained. Our distance was weighted
# so that two unrelated heads are 1 apart, which is $2 \operatorname{tr} \Sigma_x$. So the prediction has a number as
# well: a perfect generator pays 1, and the best constant picture not less than a half.
#
# **Predict.** What does the mean of 2,400 heads look like, in pixels? And in features?


# %% [markdown] slideshow={"slide_type": "slide"}
# ## The mean of all features is somebody
#
# The mean of 2,400 heads, in pixels and in features. Describe both.
#
# ???
# (4 min) Expect two ghosts. Press the key. In pixels it is a ghost; in features, under its grain, it is a person with
# short dark hair and brown skin. That is the prediction: the middle of all features can be painted before any generator
# is trained. What will a generator do that has this loss alone?


# %% slideshow={"slide_type": "fragment"}
@torch.no_grad()
def mean_features(count: int, batch: int = 32) -> dict[str, Tensor]:
    """The mean at each place of the features of the first `count` heads."""
    sums: dict[str, Tensor] = {}
    for start in range(0, count, batch):
        for layer, one in eyes(peeps[start : min(start + batch, count)].to(device)).items():
            sums[layer] = sums.get(layer, 0) + one.sum(0, keepdim=True)
    return {layer: one / count for layer, one in sums.items()}


mean_of_features = mean_features(pick(quick=64, cpu=768, full=2_400))
middle_of_all = {
    "mean of pixels": torch.stack([peeps[i::10].mean(0) for i in range(10)]).mean(0, keepdim=True),
    "mean of features": paint(mean_of_features, L_FD, strokes),
    "the same, calmed": paint(mean_of_features, L_FD, strokes, calm=0.3),
}
alt = (
    "The mean of all heads in pixels is a grey-brown ghost in a halo. Painted from the mean features it is one head with "
    "short dark hair and brown skin under grain; with total variation the grain is less."
)
panels(middle_of_all, 3, alt, 1.7)
hardware.return_unused_memory()

# %% [markdown]
# The mean of the pixels is a ghost. The mean of the features, under its grain, is *somebody*: short dark hair, brown
# skin, eyes and a mouth with edges. That is the prediction. Now the experiment. The shipped generator of chapter 02
# draws people of many kinds. Train it further with $F(G(z))$ against $F(x)$ for unrelated pairs, and nothing else. The
# latents stay the same from row to row.


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Person by person they turn into the predicted one
#
# Eight latents, from top to bottom more training with unrelated pairs.
#
# ???
# (3 min) Follow one column downwards. Ask which curve would have warned: none, the loss falls all the time, and at the
# end it is far better than that of real people. The sum of the two losses was introduced with pairs, to reconstruct a
# given picture. In many tutorials the pairs are missing.


# %% slideshow={"slide_type": "-"}
def retrain(
    terms: train.Terms, steps: int, lamda: float | None = None, show: Sequence[int] = (), rate: float = 4e-4
) -> tuple[nn.Module, list[Tensor]]:
    """The shipped generator trained on with these terms, and eight samples, at first and after each number of steps.

    `lamda`: the weight of the features beside the adversarial loss; None: there is no adversarial loss.
    """
    generator, _ = weights.shipped("peeps")
    discriminator = weights.shipped("peeps-discriminator")[0] if lamda is not None else None
    config = train.TrainConfig(
        batch=8,
        rate=rate,
        augment=("brightness", "saturation", "translation"),
        weights={"features": lamda} if lamda else {},
    )
    state = train.start(config, generator, discriminator)
    rows = [state.sample()[:8]]
    for number in range(1, steps + 1):
        train.step(state, train.draw(state, peeps), terms=terms if lamda != 0 else None)
        if number in show:
            rows.append(state.sample()[:8])
    hardware.return_unused_memory()
    return state.average.eval(), rows


moments = pick(quick=[1, 2], cpu=[20, 60, 160], full=[20, 100, 1_000])
wrong, rows = retrain(features_of_real, moments[-1], show=moments, rate=8e-4)
alt = (
    "Rows of eight heads for the same eight latents. At first eight different people; step by step hair, skin and shirts "
    "grow alike, until all eight are nearly the same short-haired brown head."
)
plot.compare({f"{n} steps": row for n, row in zip([0, *moments], rows, strict=True)}, alt=alt, width=7.2)


@torch.no_grad()
def draw_many(generator: nn.Module, count: int) -> Tensor:
    """Samples for latents that are the same at each call."""
    latents = torch.randn(count, 128, generator=torch.Generator().manual_seed(5)).to(device)
    return torch.cat([generator(part) for part in latents.split(32)]).float().cpu()


shipped = weights.shipped("peeps")[0].to(device)
count = pick(quick=24, cpu=256, full=2_000)
drawn = {"the shipped generator": draw_many(shipped, count), "unrelated pairs": draw_many(wrong, count)}
with torch.no_grad():
    costs = {"real heads": L_FD(some, some.roll(1, 0))}
    costs |= {name: L_FD(some, images[: len(some)].to(device)) for name, images in drawn.items()}
for name, cost in costs.items():
    print(f"L_FD of {name:22} against unrelated real heads: {cost:.2f}")
hardware.return_unused_memory()

# %% [markdown]
# Person by person they turn into the one that was predicted, with the same hair and skin whatever the latent. No curve
# would have warned: **the loss falls all the time**, and at its end it is far better than that of real people.
#
# The sum of the two losses was introduced *with* pairs ([Dosovitskiy and Brox
# 2016](https://arxiv.org/abs/1602.02644)), to reconstruct a given picture. In many a tutorial the pairs are missing.
# There the recipe comes with an adversarial term, so the collapse is not complete and the pictures stay crisp. Section
# 7 measures what it costs all the same.
#
# ## 6. Mended three ways
#
# The formula is innocent. It says $F_i(G(z)) - F_i(x)$, and for *that* it needs an $x$ that belongs to $z$. Each mend
# is an answer to the question: what does this fake have to do with that picture?
#
# ### Without pairs: compare statistics
#
# If no fake belongs to a picture, compare *all* fakes with *all* pictures. The wanted term of the sum above is
# $\lVert \mu_g - \mu_x \rVert^2$, and nothing hinders us from computing it alone, with the means over a batch
# ([Salimans et al. 2016](https://arxiv.org/abs/1606.03498), section 3.1).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The common recipe is a batch of one
#
# Compare means over a batch of $n$, which is feature matching:
#
# $$\lVert \mu_g - \mu_x \rVert^2 + \frac{\operatorname{tr} \Sigma_g + \operatorname{tr} \Sigma_x}{n}$$
#
# ???
# (3 min) The mend without pairs: if no fake belongs to a picture, compare the means over a batch of n. Ask what remains
# of the unwanted term: it is divided by n. Set n = 1, and the formula of the unrelated pairs is back. Two further
# mends: subtract what the fakes' own spread adds, or leave out the square, which gives the energy distance.

# %% minigan="perceptual"
# feature_matching

# %% [markdown]
# Means over a batch of $n$ are not the means. In expectation this loss is
# $\lVert \mu_g - \mu_x \rVert^2 + (\operatorname{tr} \Sigma_g + \operatorname{tr} \Sigma_x) / n$. So the unwanted term
# is still there, divided by $n$, and **the common recipe is feature matching with a batch of one.** Now one sees two
# further mends: subtract what the fakes' own spread adds,
#
# $$\mathbb{E}\,\lVert F(G(z)) - F(x) \rVert^2 - \tfrac12 \mathbb{E}\,\lVert F(G(z)) - F(G(z')) \rVert^2,$$
#
# which has the right expectation at any $n$; and, since means are a poor description of a ring, leave out the
# *square*. Twice this difference without the square is the energy distance ([Székely and Rizzo
# 2013](https://doi.org/10.1016/j.jspi.2013.03.018)), which is 0 only where the two *distributions* are equal.


# %% [markdown] slideshow={"slide_type": "slide"}
# ## A statistic mends what it measures, and no more
#
# ???
# (3 min) Ask what the middle loss has got right: the place. Its shape is nobody's business, and a ring it cannot
# become. The energy distance is 0 only where the distributions are equal, and it does draw the ring; in a feature space
# with thousands of dimensions it would need large batches to see as much.


# %% slideshow={"slide_type": "-"}
def means(real: Tensor, fake: Tensor) -> Tensor:
    """Feature matching where the features are the points themselves."""
    return (real.mean(0) - fake.mean(0)).square().sum()


def energy(real: Tensor, fake: Tensor) -> Tensor:
    """2 E|x - g| - E|g - g'|, the part of the energy distance that depends on the fakes."""
    others = len(fake) * (len(fake) - 1)
    return 2 * torch.cdist(real, fake).mean() - torch.cdist(fake, fake).sum() / others


mended_points = {"unrelated pairs": collapsed_points, "means of a batch": play(means), "energy distance": play(energy)}
alt = (
    "Three panels. Unrelated pairs: one orange spot in the middle of the ring. Means of a batch: a wedge around the middle, wider "
    "than the spot and of no particular shape. Energy distance: the orange points lie on the ring."
)
show_points(mended_points, real_points, alt)

# %% [markdown]
# Matched means bring the cloud to the right place. Its shape is nobody's business, but for the unwanted term over $n$,
# which still narrows it, slowly. A ring it cannot become: **a statistic mends what it measures.** As the only loss it
# is too little, beside a discriminator it may help. The energy distance does draw the ring. In a feature space with
# thousands of dimensions it would need large batches to see as much.
#
# ### With pairs: give each picture its latent
#
# The straight mend is to have pairs. Super-resolution, denoising and inpainting have them by nature (chapters 07, 09
# and 10). Generation can have them too. Give every picture $x_i$ a latent $z_i$ of its own, and *learn the latents
# with the generator* ([Bojanowski et al. 2018](https://arxiv.org/abs/1707.05776), GLO):
#
# $$\min_{G,\; z_1 \ldots z_n} \sum_i d(x_i, G(z_i))$$
#
# **Predict.** The same generator, the same number of steps, once with the squared error of pixels and once with
# $L_{FD}$. What will be different?


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Give each picture a latent of its own
#
# $$\min_{G,\; z_1 \ldots z_n} \sum_i d(x_i, G(z_i))$$
#
# Once with the error of pixels, once with $L_{FD}$: what will be different?
#
# ???
# (3 min) The mend with pairs. Super-resolution, denoising and inpainting have pairs by nature; here every picture gets
# a latent that is learnt with the generator. Take predictions for hair, colours, eyes and glasses, and keep them for
# the next slide.


# %% [markdown] slideshow={"slide_type": "slide"}
# ## The loss that made all the same makes each itself
#
# ???
# (4 min) It is one line of code in both experiments; only the picture now belongs to the fake. Compare the two lower
# rows with the predictions. The squared error has hair and colours, which fill large areas, and smears lines, for it
# hedges where it does not know. The features pay for a missing line: eyes, glasses, teeth, but a bun is lost. Where
# both matter, both become terms.


# %% slideshow={"slide_type": "-"} tags=["slide-title-1"]
class Paired(nn.Module):
    """A generator and a learnt latent for each of `count` pictures (Bojanowski et al. 2018)."""

    def __init__(self, generator: nn.Module, count: int):
        super().__init__()
        self.generator, self.latents = generator, generator.latents
        first = torch.randn(count, generator.latents, generator=torch.Generator().manual_seed(0))
        self.codes = nn.Parameter(first)

    def forward(self, latents: Tensor) -> Tensor:
        return self.generator(latents)


def learn_pairs(terms: train.Terms, images: Tensor, steps: int) -> nn.Module:
    """Train the shipped generator and one latent for each image, without a discriminator."""
    state = train.start(train.TrainConfig(batch=16), Paired(weights.shipped("peeps")[0], len(images)))
    paired = state.generator
    rates = [{"params": paired.generator.parameters()}, {"params": [paired.codes], "lr": 0.1}]
    state.g_optimizer = torch.optim.Adam(rates, lr=state.config.rate, betas=state.config.betas)
    for _ in range(steps):
        index = torch.randint(len(images), (16,), generator=state.random)
        batch = {"real": state.to_device(images[index]), "index": index.to(device)}
        train.step(state, batch, generate=lambda batch: paired(paired.codes[batch["index"]]), terms=terms)
    hardware.return_unused_memory()
    return state.average.eval()


def squared_error_of_pixels(fake: Tensor, batch: train.Batch) -> dict[str, Tensor]:
    return {"pixel": (batch["real"] - fake).square().mean()}


album = peeps[: pick(quick=16, cpu=48, full=512)]
learning = pick(quick=2, cpu=180, full=2_000)
pairs = {
    "pixels": learn_pairs(squared_error_of_pixels, album, learning),
    "L_FD": learn_pairs(features_of_real, album, learning),
}


@torch.no_grad()
def recalled(paired: nn.Module, count: int = 8) -> Tensor:
    """What the generator makes of the first codes: it should be the first pictures."""
    return paired(paired.codes[:count]).float().cpu()


rows = {name: recalled(paired) for name, paired in pairs.items()}
alt = (
    "Three rows of eight heads. The pictures; below them what was learnt with the squared error, with the right hair and colours and "
    "smeared faces; below that what was learnt with the feature distance, with clear eyes, glasses and teeth and some hair lost."
)
plot.compare({"pictures": album[:8], **{f"G(z), {name}": row for name, row in rows.items()}}, alt=alt, width=7.2)
with torch.no_grad():
    for name, row in rows.items():
        quality = float(metrics.psnr(album[:8], row).mean()), float(L_FD(album[:8].to(device), row.to(device)))
        print(f"learnt with {name:7} PSNR {quality[0]:.1f} dB   L_FD {quality[1]:.3f}")

# %% [markdown]
# The very loss that made everybody the same now makes everybody himself: it is one line, `features_of_real`, in both
# runs. What changed is that `batch["real"]` belongs to the fake.
#
# Compare the two lower rows, and the numbers: each is better at what it was asked for. The squared error has the hair
# and the colours, which fill large areas, and smears the faces: where it does not know yet which line belongs there,
# it hedges with a mean of lines. The features pay for a missing line, and so there are eyes, glasses and teeth. They
# have lost a bun, and they bring the colours more slowly. Neither is "better". Where both matter, both become terms,
# and chapters 07 to 10 add them up.
#
# ### A judge on the features
#
# The third mend asks no fake to be near any picture. It trains a discriminator on $F(G(z))$ and $F(x)$, which looks
# for *any* difference between the two distributions, not only for that of the means. Chapter 05 builds it, the
# projected GAN.
#
# ## 7. How much?
#
# Back to $L = L_\mathrm{adv} + \lambda L_{FD}$. From the shipped generator *and* its discriminator, train on with both
# terms, for several $\lambda$: with unrelated pairs, and with the statistics of the batch. Three numbers, from chapter
# 03, on fresh samples: **precision**, the share of fakes that look real; **recall**, the share of real pictures that
# the fakes cover; and a number without any network, the **diversity**: the squared pixel difference of two fakes, over
# that of two real pictures.
#
# **Predict** the three curves of the common recipe.


# %%
def matched(fake: Tensor, batch: train.Batch) -> dict[str, Tensor]:
    """The statistics of the batch, with the weights of the layers of L_FD."""
    real_features, fake_features = eyes(batch["real"]), eyes(fake)
    terms = [
        weight * feature_matching({layer: real_features[layer]}, {layer: fake_features[layer]})
        for layer, weight in L_FD.weights.items()
    ]
    return {"features": torch.stack(terms).sum()}


pool = Backbone("efficientnet_lite0", ["pool"]).to(device)
reference = peeps[torch.randperm(len(peeps), generator=torch.Generator().manual_seed(3))[:count]]


def embedded(images: Tensor) -> Tensor:
    return metrics.embed(images, lambda part: pool(part.to(device))["pool"], batch=32)


def spread_of(images: Tensor) -> float:
    return squared_error(images, images.roll(1, 0))


embedded_reference = embedded(reference)


def judge(images: Tensor) -> dict[str, float]:
    """Precision and recall in features, diversity in pixels."""
    precision, recall = metrics.precision_recall(embedded_reference, embedded(images), "efficientnet_lite0")
    return {
        "precision": float(precision),
        "recall": float(recall),
        "diversity": spread_of(images) / spread_of(reference),
    }


del wrong, shipped, drawn, pairs, backbones
hardware.return_unused_memory()
lamdas = pick(quick=[0, 10], cpu=[0, 1, 10, 100], full=[0, 0.1, 1, 10, 100])
duration = pick(quick=1, cpu=30, full=1_000)
recipes = {"unrelated pairs": features_of_real, "statistics of the batch": matched}
without = draw_many(retrain(matched, duration, 0)[0], count)
judged = {name: [judge(without)] for name in recipes}
rows = {"λ = 0": without[:8].clone()}
for name, terms in recipes.items():
    for lamda in lamdas[1:]:
        images = draw_many(retrain(terms, duration, lamda)[0], count)
        judged[name].append(judge(images))
        hardware.return_unused_memory()
    rows[f"{name.split()[0]}\nλ = {lamda:g}"] = images[:8].clone()  # a view would keep all of them

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Precision rewards the collapse
#
# $L = L_\mathrm{adv} + \lambda L_{FD}$ with unrelated pairs. Draw the three curves over $\lambda$.
#
# ???
# (3 min) Everybody draws precision, recall and diversity for the common recipe, then press the key. Precision rises:
# pictures near the mean look proper one by one. Recall and diversity say what it was paid with. Two cautions: the ruler
# took part in training, and these are short runs with one seed.

# %% slideshow={"slide_type": "fragment"} tags=["slide-figure-1"]
alt = (
    "Three charts over lambda. With unrelated pairs precision rises while recall falls to almost nothing and diversity to about "
    "half. With statistics of the batch precision rises too, and recall and diversity stay level."
)
places = range(len(lamdas))
with plot.figure(3, alt=alt, size=(3.2, 2.9)) as axes:
    for axis, score in zip(axes, ("precision", "recall", "diversity"), strict=True):
        for (name, values), colour in zip(judged.items(), (FAKE, REAL), strict=True):
            axis.plot(places, [value[score] for value in values], color=colour, marker="o", label=name)
        axis.set(title=score, ylim=(0, 1), xlabel="λ")
        axis.set_xticks(places, [f"{lamda:g}" for lamda in lamdas])
    axes[2].legend(loc="lower left", fontsize=8.5)

alt = (
    "Three rows of eight heads for the same latents: without a feature term; with unrelated pairs at the largest lambda, where "
    "the heads have grown alike; with statistics of the batch, where they differ as before."
)
plot.compare(rows, alt=alt, width=7.2)

# %% [markdown] slideshow={"slide_type": "slide"} tags=["slide-figure-2"]
# ## The middle row has moved towards the mean
#
# The same latents in each column.
#
# ???
# (2 min) Cover the labels, and ask what the middle row has lost. One by one its heads are proper, and the stray strokes
# are gone; side by side they have grown alike, most of all in colour. Whoever tunes λ by eye, or by precision alone, tunes
# towards collapse.

# %% [markdown]
# The orange curve of precision is the trap. The common recipe *raises* it: pictures near the mean look proper, one by
# one. A grid of eight samples looks tidier than before. Recall and diversity say what it was paid with. Whoever tunes
# $\lambda$ by eye, or by precision alone, tunes towards collapse. A small $\lambda$ does little harm, because the
# discriminator holds against it. That may be why the recipe survives.
#
# The statistics of the batch raise precision too, without that price. Two cautions before you believe it. The ruler is
# the network that also did the training, and such a ruler flatters (chapter 03); only diversity is independent of it.
# And these are short runs with one seed: the large gaps mean something, the small ones nothing.
#
# What $\lambda$ does *with* pairs, where likeness is traded against realism, is the plane of chapter 07.
#
# ## 8. When places do not matter
#
# Two pieces of the same lawn are the same to you, although no blade of grass stands where it stood. Every distance so
# far compares place by place, and must find them far apart. What do the two share? *Which features occur together*.
# The Gram matrix counts it: for channels $c$ and $c'$, the mean over all places $p$ of their product ([Gatys et al.
# 2016](https://doi.org/10.1109/CVPR.2016.265), eq. 3 without the mean):
#
# $$\mathrm{Gram}_{c c'} = \frac{1}{H W} \sum_{p=1}^{HW} F_{c p} F_{c' p}$$
#
# Two pieces each of eight photographs. For each piece of the first row: which one of the second row is nearest? The
# last three rows show the answers of three distances. The two of features use the same layer, place by place and by
# Gram matrices.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What two pieces of one lawn share is not a place
#
# $$\mathrm{Gram}_{c c'} = \frac{1}{H W} \sum_{p} F_{c p} F_{c' p}$$
#
# Which features occur together, and nowhere where.
#
# ???
# (3 min) No blade of grass stands where it stood, so every distance that compares place by place must find the two
# pieces far apart. Ask what survives when the sum over places is taken: which channels answer together. Ask also what
# is lost: a Gram matrix cannot tell a face from a heap of eyes and noses. Chapter 08 makes art of that.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Only the Gram matrices find the stuff every time
#
# Which of the second row belongs to each of the first? Below: three answers.
#
# ???
# (4 min) Cover the last three rows with your hand for a moment and let the room match the first two; then compare.
# Pixels match light with light, features place by place what happens to stand in one corner. The Gram matrices of the
# same layer match grass with grass and scales with scales.

# %% slideshow={"slide_type": "-"}
STUFF = {  # photograph: the upper left corners of two pieces
    "bison": ((235, 20), (225, 330)),
    "hedgehog": ((130, 120), (120, 215)),
    "hawaMahal": ((120, 130), (180, 240)),
    "narwhal": ((5, 20), (130, 10)),
    "greatPyramidOfGiza": ((140, 140), (160, 230)),
    "crocodile": ((60, 150), (90, 240)),
    "jaguar": ((125, 75), (150, 300)),
    "sheep": ((110, 180), (130, 215)),
}


def piece(name: str, corner: tuple[int, int], size: int = 96) -> Tensor:
    """A square of a photograph in grey, so that colour gives nothing away: (1, 1, size, size)."""
    top, left = corner
    return data.photo(name)[..., top : top + size, left : left + size].mean(1, keepdim=True)


first, second = (torch.cat([piece(name, corners[i]) for name, corners in STUFF.items()]) for i in (0, 1))
early = Backbone(network, layers[:3])
measures = {"pixels": lambda a, b: (a - b).square().mean()} | {
    name: FeatureDistance(early, {layers[0]: 0, layers[1]: 0, layers[2]: 1}, name) for name in ("euclidean", "style")
}
with torch.no_grad():
    nearest = {
        name: torch.tensor([[float(measure(a[None], b[None])) for b in second] for a in first]).argmin(1)
        for name, measure in measures.items()
    }
alt = (
    "Rows of eight grey pieces: grass, spines, a facade, water, stones, scales, a spotted coat, wool; below each the nearest of "
    "the second pieces by pixels, by features, by Gram matrices. Only the last row has the right stuff throughout."
)
plot.compare(
    {"a piece": first, "the other": second} | {name: second[index] for name, index in nearest.items()},
    alt=alt,
    width=6.2,
)
for name, index in nearest.items():
    print(f"{name:10} finds the right stuff for {int((index == torch.arange(len(first))).sum())} of {len(first)}")

# %% [markdown]
# Pixels match light with light. Features place by place match what happens to stand in the same corner. Gram matrices
# match the stuff: grass with grass, scales with scales. What they have forgotten is the place: a Gram matrix cannot
# tell a face from a heap of eyes and noses. Chapter 08 makes art of that.
#
# ### Divided twice
#
# The sum over the places grows with the picture, so it must be divided by their number, **once**. `gram` above does
# it. A popular way to get it wrong divides in the Gram function, and again in the loss. Another is not to divide at
# all. At one size nobody notices, for the style weight swallows the factor. Now let the size change and nothing else:
# stones and grass, each laid side by side like tiles, once, then two by two, and so on.
#
# **Predict** by what factor the three distances change when the side doubles.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Divide by the area once
#
# The side doubles, the stuff stays. By what factor does each distance change?
#
# ???
# (2 min) Take three numbers, then press the key. Divided once: by nothing. Not at all, or twice: by 16, for the area
# enters with its square. At one size nobody notices, the style weight swallows the factor; a weight tuned at 256 pixels
# is then useless at 512.

# %% slideshow={"slide_type": "fragment"}
stones, grass = (piece(name, STUFF[name][0], 64) for name in ("greatPyramidOfGiza", "bison"))
repeats = (1, 2, 3, 4)
kinds: dict[str, list[float]] = {"not divided": [], "divided once": [], "divided twice": []}
for repeat in repeats:
    with torch.no_grad():
        a, b = (early(one.repeat(1, 1, repeat, repeat))[layers[2]] for one in (stones, grass))
    area = a.shape[-1] * a.shape[-2]
    for times, name in enumerate(kinds):
        difference = (gram(a) - gram(b)) * area ** (1 - times)  # gram has divided by the area once
        kinds[name].append(float(difference.square().mean()))

alt = (
    "Three lines over the side of the picture from 64 to 256 pixels, as powers of two. Divided once stays level near 0, not divided rises "
    "to about 8, divided twice falls to about -8."
)
plot.curves(
    {name: [math.log2(value / values[0]) for value in values] for name, values in kinds.items()},
    alt=alt,
    x=[64 * repeat for repeat in repeats],
    labels=("side of the picture in pixels", "style distance, log2, 0 at 64 px"),
)

# %% [markdown]
# Divided once, the distance belongs to the stuff. In the other two cases the area enters with its square: each
# doubling of the side changes the loss by a factor of 16. A style weight that was tuned at 256 pixels is then useless
# at 512, and one asks oneself where the style has gone.
#
# ## 9. LPIPS: let people set the weights
#
# So far we have weighed layers by a rule. [Zhang et al. 2018](https://arxiv.org/abs/1801.03924) let *people* weigh,
# and not layers but single channels. Each feature vector is brought to length 1, and each channel of each layer has a
# weight of 0 or more, a *head*:
#
# $$d(x, x_0) = \sum_i \frac{1}{H_i W_i} \sum_{p} \lVert w_i \odot (\hat F_i(x)_p - \hat F_i(x_0)_p) \rVert^2$$
#
# With all heads 1 this is our cosine distance, twice. So LPIPS is no new module but a setting of the one above:
# another `between`. (The heads below are what multiplies the *squares*, as in the authors' code: $w_i^2$ of the
# formula.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## LPIPS lets people weigh the channels
#
# $$d(x, x_0) = \sum_i \frac{1}{H_i W_i} \sum_{p} \lVert w_i \odot (\hat F_i(x)_p - \hat F_i(x_0)_p) \rVert^2$$
#
# ???
# (3 min) The hat: each feature vector is brought to length 1. With all w = 1 it is our cosine distance, twice. Ask
# where the weights come from: hundreds of thousands of answers to "which of these two is nearer?". Heads fit one
# network only. In the notebook a few numbers learnt from your own ranking teach the first layer, which was no better
# than pixels, to tell a shift from a blur. A learnt measure is a model of a jury, with its blind spots.

# %% minigan="perceptual"
# LPIPS, learnt_heads

# %% tags=["nbval-check-output"]
lpips, cosine = LPIPS(tiny, heads=None), FeatureDistance(tiny, distance="cosine")
print("LPIPS without heads is twice the cosine distance:", bool(torch.isclose(lpips(x, other), 2 * cosine(x, other))))

# %% [markdown]
# Their heads belong to the default layers of VGG-16. Where its weights are at hand, `LPIPS()` is the published
# measure; with equal weights it agrees with the authors' package (a test, and `benchmarks/lpips_speed.py`). Heads fit
# one network only. On any other one they must be learnt anew, from judgements.
#
# We have judgements: yours, of section 1. Bright, pale, shifted, turned: hardly worse. Frosted, noisy, blurred:
# clearly worse. They give twelve questions for each photograph, "which of these two is farther from the original?".
# Take the layer that did no better than pixels, the very first, and learn its channels' weights on photographs of the
# training split. Then ask about those of the test split.
#
# **Predict.** How many of the questions does the first layer answer rightly: without heads, with them?

# %%
hardware.return_unused_memory()
WHOLE, DAMAGED = ("brighter", "paler", "shifted", "turned"), ("frosted", "noise", "blur")
shallow = Backbone(network, layers[:1])


@torch.no_grad()
def moved_channels(versions: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """How far each channel of the first layer has moved, from its unit vectors: {distortion: (N, C)}."""
    original = unit(shallow(versions["original"])[layers[0]])
    return {
        name: (unit(shallow(versions[name])[layers[0]]) - original).square().mean((2, 3)) for name in (*WHOLE, *DAMAGED)
    }


def questions(versions: Mapping[str, Tensor]) -> Tensor:
    """For each photograph and question: how much farther each channel takes the damaged picture to be (Q, C)."""
    channels = moved_channels(versions)
    return torch.cat([channels[bad] - channels[good] for bad in DAMAGED for good in WHOLE])


lessons = data.load("photos", "train", 256)[: pick(quick=3, cpu=20, full=None)]
taught = torch.cat([questions(one) for picture in lessons if (one := equally_wrong(picture[None]))])
asked = questions(changed)
taught, asked = taught / taught.abs().mean(), asked / taught.abs().mean()
logarithm = torch.zeros(taught.shape[1], requires_grad=True)  # of the heads, which must not be negative
adam = torch.optim.Adam([logarithm], 0.05)
for _ in range(300):
    loss = F.softplus(-taught @ logarithm.exp()).mean()  # of a logistic regression: the damaged one should be farther
    adam.zero_grad()
    loss.backward()
    adam.step()
heads = logarithm.detach().exp()

right = {
    name: float((asked @ head > 0).float().mean())
    for name, head in (("all heads 1", torch.ones_like(heads)), ("learnt heads", heads))
}
for name, share in right.items():
    print(f"{name:13} {share:.0%} of {len(asked)} questions about new photographs answered as you would")
learnt = LPIPS(shallow, [heads])
print(
    f"a shift and a blur, with learnt heads: {learnt(cat['original'], cat['shifted']):.3f} and {learnt(cat['original'], cat['blur']):.3f}"
)

# %% [markdown]
# A few numbers, one for each channel, and a layer that confused shift with blur tells them apart on photographs it has
# not seen. Section 1 said that being perceptual is a matter of the layer. It is one of the channel.
#
# What these heads have learnt is our list of seven distortions, and our opinion of them. The published ones have seen
# hundreds of thousands of answers, and still they know the distortions they were shown. A learnt measure is a model of
# a jury, with its blind spots, and section 3 has shown what an optimiser does with blind spots.
#
# ## Summary
#
# - At equal squared error a picture may be untouched or ruined. Deep features of a *trained* network sort the two; the
#   first layer and random weights do not.
# - $L_{FD}$ is a weighted sum over layers. Divide by the size of the maps, and weigh layers by their distance of
#   unrelated pictures: then 0 is equal and 1 is any other.
# - Three silent mistakes: features that an in-place ReLU has overwritten, a picture in another range, `no_grad` around
#   the fake.
# - $F(G(z))$ against $F(x)$ for an unrelated $x$ asks for the mean picture: the loss contains the spread of the fakes.
#   It needs pairs, or statistics of batches, or a discriminator.
# - Precision rewards the collapse. Always ask for recall or diversity too.
# - Gram matrices forget places: divide once. LPIPS weighs channels by people's judgement.
#
# ## Try it
#
# **1. Without the spread** (10 minutes). Section 6 wrote down a loss for unpaired batches that has the right
# expectation at any batch size, up to a constant:
# $\mathbb{E}\lVert F(x) - F(G(z)) \rVert^2 - \frac12 \mathbb{E}\lVert F(G(z)) - F(G(z')) \rVert^2$. Write it for
# features `(N, D)` and `(M, D)`: the first mean is over all pairs, the second over all pairs of two *different* fakes.


# %%
def without_spread(real: Tensor, fake: Tensor) -> Tensor:
    """Mean squared distance of real and fake, less half of that of two different fakes: (N, D), (M, D) -> scalar."""
    raise NotImplementedError


hints = [
    "torch.cdist(a, b) holds the distance of every row of a to every row of b. Square it.",
    "The matrix of fakes with fakes has M zeros on its diagonal, which are no pairs. Divide its sum by M (M - 1).",
]
real, fake = torch.tensor([[0.0], [2.0]]), torch.tensor([[1.0], [5.0]])
mistakes = {
    "Take half of the second mean.": -7.0,
    "A fake and itself are no pair: divide by M (M - 1), not by M squared.": 5.0,
    "The first mean is over all pairs of a real and a fake, not of the i-th with the i-th.": -3.0,
}
with suppress(NotYet), checking("Without the spread", hints) as c:
    c.close(without_spread(real, fake), 1.0, "by hand: 9 less half of 16", mistakes=mistakes)
    corners = torch.tensor([[-1.0, 0.0], [1.0, 0.0]])
    c.close(without_spread(corners, corners), 0.0, "equal sets of two")
    c.close(without_spread(corners, corners + torch.tensor([3.0, 4.0])), 25.0, "moved by (3, 4) costs 25")

# %% [markdown]
# Then `play(without_spread)` in section 5. Where do the points go, and why is it not the ring?
#
# **2. One layer** (15 minutes). Learn the pairs of section 6 with `block0` alone, then with `block10` alone. Predict
# what each gets right and wrong. Is the sum better than its best part?
#
# **3. A batch of one** (20 minutes). Section 6 says that the common recipe is feature matching with $n = 1$. Show it:
# measure recall after 60 steps of `matched` at batch sizes 1, 4 and 16, without a discriminator. Mind that the steps
# of small batches see fewer pictures.
#
# **4. Another pair of eyes** (an hour; VGG-16 needs a network once). Set `network = "vgg16"` and its five layers at
# the top. Which of the figures of this chapter change, and which claims? The ruler of section 7 is now another network
# than the one that trains. Do the blue curves still rise?
#
# More tasks, each with its check, stand in [the exercises to this chapter](../exercises/06_perceptual_loss/06_perceptual_loss.ipynb).
#
# ## References
#
# - R. Zhang et al., [The Unreasonable Effectiveness of Deep Features as a Perceptual
#   Metric](https://arxiv.org/abs/1801.03924), 2018.
# - J. Johnson, A. Alahi, L. Fei-Fei, [Perceptual Losses for Real-Time Style Transfer and
#   Super-Resolution](https://arxiv.org/abs/1603.08155), 2016.
# - A. Dosovitskiy, T. Brox, [Generating Images with Perceptual Similarity Metrics based on Deep
#   Networks](https://arxiv.org/abs/1602.02644), 2016.
# - T. Salimans et al., [Improved Techniques for Training GANs](https://arxiv.org/abs/1606.03498), 2016.
# - P. Bojanowski et al., [Optimizing the Latent Space of Generative Networks](https://arxiv.org/abs/1707.05776), 2018.
# - L. Gatys, A. Ecker, M. Bethge, [Image Style Transfer Using Convolutional Neural
#   Networks](https://doi.org/10.1109/CVPR.2016.265), 2016.
# - G. Székely, M. Rizzo, [Energy statistics: A class of statistics based on
#   distances](https://doi.org/10.1016/j.jspi.2013.03.018), 2013.
# - T. Kynkäänniemi et al., [Improved Precision and Recall Metric for Assessing Generative
#   Models](https://arxiv.org/abs/1904.06991), 2019.
# - Z. Wang et al., [Image Quality Assessment: From Error Visibility to Structural
#   Similarity](https://doi.org/10.1109/TIP.2003.819861), 2004.
# - L. Rudin, S. Osher, E. Fatemi, [Nonlinear total variation based noise removal
#   algorithms](https://doi.org/10.1016/0167-2789(92)90242-F), 1992.
#
# **Next:** [07 Super-resolution](07_super_resolution.ipynb). Which detail can be recovered, and which is invented?
