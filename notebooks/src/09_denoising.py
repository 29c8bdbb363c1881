# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 09 Denoising
#
# **Why does the smallest error look blurred?**
#
# A photograph taken in the dark is grainy. Remove the grain, and keep everything else. It is the simplest of the four
# tasks of chapters 07 to 10: nothing is missing from the picture, each pixel is only a little wrong. So it is the
# right place for a question that belongs to all four. Train a network until its error is as small as it can be, and
# its pictures are *smooth*. A larger network would not help, nor would more training. This chapter says exactly why,
# in a world so small that the best possible answer can be computed.
#
# In the formula of the course the network is $G$, and its input is no longer a latent $z$ but a noisy picture $y$:
#
# $$L = L_\mathrm{pixel} + \lambda L_{FD}, \qquad L_\mathrm{pixel} = \lVert x - G(y) \rVert^2, \quad
# L_{FD} = \sum_i \lVert F_i(x) - F_i(G(y)) \rVert^2$$
#
# Here $x$ is the clean picture. Each $y$ comes with its own $x$: these are the pairs that chapter 06 found missing.
#
# | | |
# | --- | --- |
# | **You will learn** | what noise takes away and where it can be had back; why a bottleneck is the wrong tool; to predict the noise instead of the picture; that the squared error asks for the mean of all pictures that fit, and what that looks like; what a feature loss changes; what a wrong noise level does, and noise of another kind |
# | **You need** | chapters 02 and 06; chapter 07 for the training on photographs. No GPU and no network |
# | **It takes** | about 60 minutes to read. The machine needs about a minute on two CPU cores |

# %%
import io
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from minigan import data, hardware, metrics, nets, plot, weights
from minigan.apps.photographs import (
    ResidualBlock,
    Spoil,
    Task,
    begin,
    feature_distance,
    learn,
    pairs,
    terms,
    whole_photographs,
)
from minigan.course import checking, measured, pick, plane
from minigan.course.checking import NotYet
from minigan.course.judge import judge
from minigan.data import to_pixels, to_signed
from minigan.plot import FAKE, GREEN, REAL
from minigan.train import Batch, TrainConfig

device = hardware.device()
found = measured("denoise")  # by benchmarks/denoise.py, on all held-out photographs in their own size

# %% [markdown]
# ## 1. What noise takes away
#
# A sensor counts light, and counts vary. The model of this chapter is the usual one. To each pixel and each colour a
# random number is added, normal with mean 0 and standard deviation $\sigma$, all of them independent:
#
# $$y = x + \sigma n, \qquad n \sim \mathcal{N}(0, 1) \text{ for each pixel}$$
#
# Such noise is called *white*. $\sigma$ is given in grey levels of 0 to 255, as in the literature. 10 is a good camera
# at dusk, 25 is grain that nobody overlooks, 50 is hardly a photograph any more. `data.add_noise` of chapter 00 does
# it.
#
# All comparisons of this chapter are made on photographs that no network here has learnt from.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## At level 50 the fur has drowned, and the eye is still there
#
# $$y = x + \sigma n, \qquad n \sim \mathcal{N}(0, 1) \text{ for each pixel}$$
#
# ???
# (3 min) Ask: which of the three have you taken yourself, and with what camera? 10 is a good camera at dusk, 25 is
# grain that nobody overlooks. Then ask what drowns first. Many say "the dark parts". It is the faint and fine: a hair
# has less contrast than the noise, the edge of the eye has more. Keep that in mind for the whole hour.

# %% slideshow={"slide_type": "-"}
names = data.load("photos", "test").names


def middle(name: str, side: int = 192) -> Tensor:
    """The middle of a photograph, not scaled: (1, 3, side, side)."""
    picture = data.photo(name)
    top, left = ((length - side) // 2 for length in picture.shape[-2:])
    return picture[..., top : top + side, left : left + side]


clean = torch.cat([middle(name) for name in names[: pick(quick=2, cpu=10, full=None)]])
noisy = {level: data.add_noise(clean, level, torch.Generator().manual_seed(level)) for level in (10, 25, 50)}

MARGIN = 20  # pixels around the piece that is shown, so that its border is cleaned as well as its middle
SHOWN = {"chelsea": (70, 150), "bison": (150, 120)}  # photograph: the upper left corner of a piece of 104 pixels
pieces = torch.cat(
    [
        data.photo(name)[..., top - MARGIN : top + 104 + MARGIN, left - MARGIN : left + 104 + MARGIN]
        for name, (top, left) in SHOWN.items()
    ]
)
grainy = data.add_noise(pieces, 25, torch.Generator().manual_seed(1))


def inner(images: Tensor) -> Tensor:
    """The part of a piece that is shown."""
    return images[..., MARGIN:-MARGIN, MARGIN:-MARGIN].clamp(-1, 1)


levels = (10, 25, 50)
seen = [inner(data.add_noise(pieces[:1], level, torch.Generator().manual_seed(1))) for level in levels]
alt = (
    "The eye of a cat with noise of 10, 25 and 50 grey levels. The hairs of the fur around it drown first; the eye is "
    "still there at 50."
)
plot.compare({"chelsea": torch.cat(seen)}, titles=[f"sigma {level}" for level in levels], alt=alt, width=4)

# %% [markdown]
# **Predict.** The mean squared error of the noisy picture is $\sigma^2$. What is its PSNR at $\sigma = 25$?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## White noise costs an error of exactly sigma squared
#
# $$\text{PSNR} = 20 \log_{10} \frac{255}{\sigma}$$
#
# How many decibels are left at a level of 25?
#
# ???
# (2 min) Let them work it out: the ratio is about 10, so about 20 dB. A frequent wrong answer is 25 dB, the level
# itself. Then the sure way against noise: look again. The mean of four photographs has half the noise, which is 6 dB.
# We have one photograph. So where can other looks at the same thing come from? From the neighbours, from the rest of
# the picture, from all pictures of the world.

# %% slideshow={"slide_type": "fragment"} tags=["nbval-check-output", "slide-text"]
for level in levels:
    print(f"sigma {level}: {20 * math.log10(255 / level):.2f} dB")

# %% [markdown]
# The sure way against noise is to look again: the mean of four photographs of the same thing has half the $\sigma$,
# which is 6 dB. We have one photograph. Where can other looks at the same thing come from? Three answers, and the
# history of the subject is in them:
#
# 1. **from the neighbours**: a pixel resembles the one beside it. That is blurring.
# 2. **from the same picture**: one hair of a fur looks like another. That is *non-local means*.
# 3. **from all the pictures of the world**: that is learning.
#
# ## 2. Two classical answers
#
# A blur takes the mean over the neighbourhood, weighted by a Gaussian. The wider it is, the more noise it removes, and
# the more picture. The best width for this noise is quickly found by trying.


# %%
def blur(images: Tensor, width: float) -> Tensor:
    """Weighted by a Gaussian of standard deviation `width` in pixels, along rows and then along columns."""
    radius = math.ceil(3 * width)
    kernel = torch.exp(-torch.arange(-radius, radius + 1).square() / (2 * width**2))
    kernel = (kernel / kernel.sum()).repeat(3, 1)
    padded = F.pad(images, [radius] * 4, mode="replicate")
    return F.conv2d(F.conv2d(padded, kernel[:, None, None], groups=3), kernel[:, None, :, None], groups=3)


def quality(cleaned: Tensor) -> float:
    """The mean PSNR of the held-out pieces, cleaned."""
    return float(metrics.psnr(clean, cleaned.clamp(-1, 1)).mean())


widths = [0.3 + 0.1 * step for step in range(13)]
by_width = [quality(blur(noisy[25], width)) for width in widths]
best_width = widths[max(range(len(widths)), key=by_width.__getitem__)]
print(f"noisy {quality(noisy[25]):.2f} dB; the best blur, {best_width:.1f} pixels wide, {max(by_width):.2f} dB")

# %% [markdown]
# Non-local means ([Buades et al. 2005](https://doi.org/10.1109/CVPR.2005.38)) asks for each pixel: where in the
# surroundings does it *look like here*? It compares small squares around the two pixels, and takes a mean in which
# like places count much and unlike ones little:
#
# $$\hat x_p = \frac{\sum_q w_{pq}\, y_q}{\sum_q w_{pq}}, \qquad
# w_{pq} = \exp\Big(-\frac{\max(d_{pq}^2 - 2 \sigma^2, 0)}{(s \sigma)^2}\Big)$$
#
# $d_{pq}^2$ is the mean squared difference of the squares around $p$ and $q$. Two squares that show the same thing
# still differ by their noise, by $2\sigma^2$ on average, and this is taken off. The strength $s$ is to be tuned.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Ask where else the picture looks like here
#
# $$\hat x_p = \frac{\sum_q w_{pq}\, y_q}{\sum_q w_{pq}}, \qquad
# w_{pq} = \exp\Big(-\frac{\max(d_{pq}^2 - 2 \sigma^2, 0)}{(s \sigma)^2}\Big)$$
#
# $d_{pq}^2$: how unlike the small squares around $p$ and $q$ are
#
# ???
# (3 min) The blur takes the mean over the neighbours. Non-local means takes it over the places that look alike. Ask:
# two squares show just the same thing. How large is their difference? Most say zero. Both have noise of their own, so
# it is two sigma squared on average, and this is taken off before the weight is found.

# %% minigan="apps.denoise"
# non_local_means

# %% [markdown]
# The two loops run over places of the neighbourhood, not over pixels: each turn treats all pixels at once.
# scikit-image has the same method in C; a test holds ours to the formula, and `benchmarks/denoise.py` uses theirs.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The blur pays with picture, non-local means pays less
#
# ???
# (2 min) Ask: where is the grain gone, and what has gone with it? The blur is soft and still spotted. Non-local means
# has a clear eye, since it does not average over an edge. Then let them look for single hairs on the right. There are
# none: a hair that lies like no other has no brothers in this picture.

# %% slideshow={"slide_type": "-"}
Method = Callable[[Tensor], Tensor]


@torch.no_grad()
def side_by_side(methods: Mapping[str, Method], alt: str, pictures: int = 1) -> None:
    """The pieces, clean and as each method makes them of those with noise of 25."""
    shown = {"clean": pieces} | {name: method(grainy) for name, method in methods.items()}
    rows = {name: torch.cat([inner(one[i : i + 1]) for one in shown.values()]) for i, name in enumerate(SHOWN)}
    plot.compare(dict(list(rows.items())[:pictures]), titles=list(shown), alt=alt, width=0.9 + 1.15 * len(shown))


def best_blur(images: Tensor) -> Tensor:
    return blur(images, best_width)


def means(images: Tensor) -> Tensor:
    return non_local_means(images, 25)


by_means = means(noisy[25])
print(f"best blur        {quality(best_blur(noisy[25])):.2f} dB")
print(f"non-local means  {quality(by_means):.2f} dB")
alt = (
    "The eye of a cat, clean, blurred and after non-local means. The blurred one is soft and still "
    "spotted. Non-local means has a clear eye and smooth fur without single hairs."
)
side_by_side({"best blur": best_blur, "non-local means": means}, alt)
hardware.return_unused_memory()

# %% [markdown]
# The blur pays for every bit of noise with as much picture. Non-local means pays less, because it does not average
# over an edge. But it finds only what this one picture repeats. A
# hair that lies like no other has no brothers.
#
# ## 3. Squeeze it through a bottleneck?
#
# The first idea with networks is the **denoising autoencoder** ([Vincent et al.
# 2008](https://doi.org/10.1145/1390156.1390294)). An encoder makes few numbers of the noisy picture, a decoder makes
# the clean picture of them. (Theirs was a means to learn features; as a way to clean pictures it lives on in
# tutorials.) The thought behind it: there is no room for noise in the bottleneck. With handwritten digits it works,
# because a few numbers say everything about a digit.


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Squeeze 192 numbers into 32: does noise stay out?
#
# $$\underbrace{8 \times 8 \times 3}_{192 \text{ numbers}} \;\longrightarrow\; \underbrace{1 \times 1 \times 32}_{32 \text{ numbers}}
# \;\longrightarrow\; \underbrace{8 \times 8 \times 3}_{192 \text{ numbers}}$$
#
# ???
# (2 min) The denoising autoencoder of many tutorials: there is no room for noise in the bottleneck. Ask: for which
# pictures do a sixth of the numbers say everything? Digits, which is why it works in the tutorials. Do not tell the
# end yet. It gets a fair trial against a network without a bottleneck.


# %%
class Autoencoder(nn.Module):
    """Noisy images -> a code with an eighth of the side, a sixth of the numbers -> images. The level is not used."""

    def __init__(self, width: int = 32, code: int = 32):
        super().__init__()
        self.arguments = {"width": width, "code": code}
        self.encoder = nn.Sequential(
            *(nn.Conv2d(3, width, 4, 2, 1), nn.ReLU(), nn.Conv2d(width, 2 * width, 4, 2, 1), nn.ReLU()),
            nn.Conv2d(2 * width, code, 4, 2, 1),
        )
        self.decoder = nn.Sequential(
            *(nets.upsample(code, 2 * width, "pixel_shuffle", bias=True), nn.ReLU()),
            *(nets.upsample(2 * width, width, "pixel_shuffle", bias=True), nn.ReLU()),
            nets.upsample(width, 3, "pixel_shuffle", bias=True),
        )

    def forward(self, noisy: Tensor, sigma: Tensor | float | None = None) -> Tensor:
        return self.decoder(self.encoder(noisy))


# %% [markdown]
# All networks of this chapter learn from the same batches, by the `Task` of chapter 07: random squares of the training
# photographs, turned and mirrored, and spoiled. Here to spoil is to add noise, **new noise every time**, of a random
# level from 0 to 60. For half of the images the network is told the level.

# %% minigan="apps.denoise"
# STRONGEST, UNKNOWN, noise

# %% [markdown]
# Two lines there are about real pictures. A file cannot hold values below black or above white, so half of the noisy
# images are clamped, as a file is. Old photographs are grey, and their noise is the same in the three channels.
#
# The next network of this chapter belongs to the library, and its task comes with it. So the bottleneck has to wait for
# its rival.
#
# ## 4. Predict the noise
#
# The noisy picture is already *nearly right*. Whoever predicts the clean picture must first learn to copy, every edge
# and every colour, before the first grain is removed. Predict the noise instead and subtract it ([Zhang et al.
# 2017](https://arxiv.org/abs/1608.03981)):
#
# $$G(y) = y - R(y)$$
#
# $R$, the network proper, now has an easy start: $R = 0$ is the noisy picture itself.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Predict the noise, and doing nothing is a good start
#
# $$G(y) = y - R(y)$$
#
# $R = 0$ is the noisy picture itself.
#
# ???
# (3 min) Ask: a network shall give back the clean picture. What must it learn first? Usual answers: edges, textures.
# First of all it must learn to copy, every edge and every colour, before one grain is removed. The noise is the
# smaller thing to predict. Two details: squares of 2 by 2 pixels become channels, which makes a convolution cheap and
# far-sighted; and the level comes in as one more channel.

# %% minigan="apps.denoise"
# Denoiser, denoise

# %% [markdown]
# Three things there deserve a look.
#
# - **Squares of 2 x 2 pixels become 12 channels.** A convolution then costs a quarter and sees twice as far. Noise
#   cannot be judged from one pixel, so there is little to lose ([Zhang et al. 2018](https://arxiv.org/abs/1710.04026)).
# - **The level is a thirteenth channel.** One network serves all levels. Where nobody knows the level, the channel says
#   so, and the network has to guess from the picture.
# - **There is no bottleneck.** Between noisy and clean picture the side never falls below a half.

# %% minigan="apps.denoise"
# task

# %% [markdown]
# Now the three, with the same crops, the same noise and the same number of steps: the bottleneck; the residual network;
# and between them the residual network's twin, which differs in one line. It predicts the picture.


# %%
class Direct(Denoiser):
    """The same network, asked for the clean picture itself."""

    def forward(self, noisy: Tensor, sigma: Tensor | float | None = None) -> Tensor:
        return self.noise(noisy, sigma)


lessons = whole_photographs()
images = pick(quick=48, cpu=8_000, full=60_000)


def short(network: nn.Module, **changes: object) -> tuple[nn.Module, list[float]]:
    """Train a network by a short form of the task: the averaged network, and its PSNR on the training crops."""
    plan = task(network, images)
    plan = replace(plan, config=replace(plan.config, ema_half_life=500), **changes)
    state = learn(plan, begin(plan), lessons, quiet=True, log_every=images // 12)
    hardware.return_unused_memory()
    return state.average, [-10 * math.log10(entry["pixel"] / 4) for entry in state.history]


networks, courses = {}, {}
for name, kind in {"bottleneck": Autoencoder, "picture": Direct, "noise": Denoiser}.items():
    torch.manual_seed(0)
    network = kind() if kind is Autoencoder else kind(width=32, blocks=3)
    networks[name], courses[name] = short(network)
    count = sum(parameter.numel() for parameter in network.parameters())
    print(f"{name:10} {count / 1e3:3.0f} thousand weights, {len(networks[name](clean[:1])[0])} channels out")

# %% [markdown]
# **Predict** the order at the end. And how far apart will "picture" and "noise" be, with the same weights, the same
# loss and the same batches?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Picture, noise, bottleneck: which order, and how far apart?
#
# The same crops, the same noise, the same number of steps.
#
# ???
# (4 min) Take votes for the winner and for the distance. Most expect the noise to win by far, since they have just
# heard why. It starts higher, and its twin, which predicts the picture, overtakes it. There is no winner: in the table
# of the notebook noise is ahead at level 10, picture at level 50. Both have to copy something: what is clean in the
# input, or what is noisy in it. Diffusion models met the same question and take a mixture.

# %% slideshow={"slide_type": "fragment"}
alt = (
    "PSNR on training crops over the images seen. The network that predicts the noise starts higher; its twin that predicts "
    "the picture overtakes it early and stays a little ahead; the bottleneck stays some decibels below both."
)
plot.curves(
    courses,
    x=[(step + 1) * images // len(courses["noise"]) for step in range(len(courses["noise"]))],
    labels=("images seen", "PSNR in dB, levels 0 to 60"),
    alt=alt,
)
print("PSNR at level   " + "".join(f"{level:8}" for level in noisy))
print("noisy           " + "".join(f"{quality(one):8.2f}" for one in noisy.values()))
for name, network in networks.items():
    row = [quality(denoise(network, one, level)) for level, one in noisy.items()]
    print(f"{name:16}" + "".join(f"{value:8.2f}" for value in row))
print(f"the clean pictures through the bottleneck: {quality(denoise(networks['bottleneck'], clean)):.2f} dB")

# %% [markdown]
# Three things are in the table.
#
# **The bottleneck.** The last line shows what is wrong with it. Give it pictures without any noise, and it returns them
# spoiled. It was meant to have no room for noise; it has no room for the picture either. A photograph is not a digit.
#
# **Too little training.** At level 10 all three make the noisy picture *worse*. Where it is nearly right already, a few
# thousand crops are not enough to know what to leave alone.
#
# **Noise or picture?** There is no winner. At level 10 predicting the noise is ahead, at level 50 predicting the picture
# is, and by more. Both have to *copy* something: who predicts the picture copies what is clean in $y$, and who predicts
# the noise copies what is noisy in it. The weaker the noise, the more of $y$ is picture; the stronger, the more of it is
# noise, and the last layer has to give back large random numbers exactly. Diffusion models, which denoise at all levels
# at once, met the same question, and take a mixture that turns from the one to the other ([Salimans and Ho
# 2022](https://arxiv.org/abs/2202.00512)).
# The library predicts the noise, for weak noise is what photographs have.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## No room for noise is no room for the picture
#
# ???
# (3 min) Ask before: what does the bottleneck do to a picture without any noise? The usual answer: nothing, it gives
# it back. The notebook tries it, and the clean picture comes out hardly better than the noisy one does. A photograph
# is not a digit. The other two are close together, and a little blotchy after so short a training.

# %% slideshow={"slide_type": "-"} tags=["slide-title-1"]
alt = (
    "The eye of a cat: clean, and cleaned by the three networks at level 25. The bottleneck gives a blotchy blur; the networks "
    "that predict the picture and the noise are both much clearer, and a little blotchy in the fur."
)
side_by_side(
    {name: (lambda noisy, network=network: denoise(network, noisy, 25)) for name, network in networks.items()},
    alt,
)

# %% [markdown]
# ### The long training
#
# That was some minutes' work, with a small network. The network that comes with minigan has the same code, more
# channels and more blocks, and four times as many crops behind it (`benchmarks/shipped/apps.py`). From here on it is the
# one that is asked.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Edges are sharp, the eye shines, and the fur is felt
#
# ???
# (3 min) The same code, trained for longer. It is ahead of non-local means, whose settings were tuned for each level.
# Ask: which of the two pictures would you hang on a wall? Then send them to the fur and to the grass: the grain is
# gone, and with it all that was as fine and as faint as grain. Ask for the reason. "Too small a network" is the usual
# answer. It is wrong, and the next slides say why.

# %% slideshow={"slide_type": "-"}
network = weights.shipped_app("denoise", Denoiser)[0].to(device)
about = {(row["level"], row["method"]): row for row in found["rows"]}


def known(images: Tensor) -> Tensor:
    return denoise(network, images, 25)


print(f"these pieces: non-local means {quality(by_means):.2f} dB, the network {quality(known(noisy[25])):.2f} dB")
print(f"\n{found['photographs']} whole photographs (benchmarks/denoise.py), PSNR at level")
print(" " * 18 + "".join(f"{level:8}" for level in noisy))
for name in ("noisy", "Gaussian blur", "non-local means", "level known"):
    print(f"{name:18}" + "".join(f"{np.mean(about[level, name]['psnr']):8.2f}" for level in noisy))
gains = np.subtract(about[25, "level known"]["psnr"], about[25, "non-local means"]["psnr"])
print(
    f"at level 25 the network is ahead by {gains.mean():.2f} dB, at least {gains.min():.2f}, at most {gains.max():.2f}"
)
alt = (
    "The eye of a cat, and the legs of a bison in grass, clean, by non-local means and by the network. The network's eye and "
    "outlines are clean and sharp; the fur of both animals is smooth, where the clean pictures have hairs."
)
side_by_side({"non-local means": means, "network": known}, alt, 2)
hardware.return_unused_memory()

# %% [markdown]
# The learnt answer is well above the classical one, whose settings were tuned for each level. And yet: look at the fur.
# Edges are sharp, the eye shines, and where the coat should be there is felt. The grain is gone, and with it
# everything that was as fine and as faint as grain.
#
# The same as a figure. The *spectrum* of a picture says how strong it is at each fineness: slow changes on the left,
# changes from pixel to pixel on the right. White noise is equally strong everywhere, which is what "white" means. The
# picture is not.


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Below the noise, the network lets the picture go
#
# ???
# (3 min) Slow changes on the left, changes from pixel to pixel on the right; a logarithmic axis. Ask: why is the
# dotted line level? White noise is equally strong everywhere, which is what white means. Left of the crossing the
# network follows the picture. Right of it the network gives back far less than was there. Non-local means has as much
# as the clean picture there, and no merit: it is left-over noise. A spectrum says how much, not what.


# %% slideshow={"slide_type": "-"}
def spectrum(images: Tensor) -> Tensor:
    """Mean power at 0.02, 0.04, ... cycles per pixel, in squared grey levels per pixel; a constant counts for nothing."""
    side = images.shape[-1]
    window = torch.hann_window(side)[:, None] * torch.hann_window(side)
    centred = (images - images.mean((2, 3), keepdim=True)) * window * 127.5
    power = torch.fft.fft2(centred).abs().square().mean((0, 1)) / window.square().sum()
    frequency = torch.fft.fftfreq(side)
    bins = ((frequency[:, None].square() + frequency.square()).sqrt() / 0.02).round().long().clamp(max=25)
    total = torch.zeros(26).index_add_(0, bins.flatten(), power.flatten())
    return (total / bins.flatten().bincount(minlength=26))[1:25]


spectra = {
    "clean": clean,
    "noise": noisy[25] - clean,
    "non-local means": by_means,
    "network": known(noisy[25]),
}
frequencies = [0.02 * number for number in range(1, 25)]
alt = (
    "Power over cycles per pixel, on a logarithmic axis. The clean pictures fall steeply and cross the level line of the "
    "noise; the network follows them until about there, then falls far below them; non-local means stays with them."
)
with plot.figure(alt=alt, size=(6.4, 3.4)) as axis:
    for (name, one), style in zip(spectra.items(), ("-", ":", "--", "-"), strict=True):
        axis.plot(frequencies, spectrum(one.clamp(-1, 1) if name != "noise" else one), style, label=name)
    axis.set(yscale="log", xlabel="cycles per pixel", ylabel="power")
    axis.legend()

# %% [markdown]
# Where the line of the picture dives under that of the noise, the network lets go. What it gives back there is far less
# than what was there. It is not that the network cannot draw fine detail, for edges are fine detail too. It does not
# *know* the detail of the fur, and what it does where it does not know is the subject of the next section. (Non-local
# means has as much power there as the clean picture, which is no merit: what it has is left-over noise. A spectrum says
# how much, not what.)
#
# ## 5. The smallest error, exactly
#
# Let $y$ be given. Many clean pictures may have led to it, some more probably than others. Which single answer $a$ has
# the least squared error, on average over all of them? Write $m = \mathbb{E}[x \mid y]$ for their mean, each weighted by
# its probability. Then
#
# $$\mathbb{E}\big[\lVert x - a \rVert^2 \mid y\big] = \underbrace{\mathbb{E}\big[\lVert x - m \rVert^2 \mid
# y\big]}_{\text{no answer can change it}} + \lVert m - a \rVert^2$$
#
# (Write $x - a = (x - m) + (m - a)$ and square; the mixed term has mean 0.) So the best answer is $a = m$: **the mean
# of all pictures that fit.** Nothing was said about networks. Whatever minimises the squared error, with any
# architecture, tends to this mean.
#
# For photographs nobody can compute it, for nobody has the list of all photographs. So take a world that has a list. A
# picture there has 8 x 8 cells. Each cell is dark or bright, and has vertical stripes, two pixels wide, that begin at
# one of four places. That is eight kinds of cell, and $8^{64}$ pictures, all equally likely. Think of the brightness as
# what the picture shows, and of the stripes as fur.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The least error belongs to the mean of all that fit
#
# $$\mathbb{E}\big[\lVert x - a \rVert^2 \mid y\big] = \underbrace{\mathbb{E}\big[\lVert x - m \rVert^2 \mid y\big]}_{\text{no answer can change
# it}} + \lVert m - a \rVert^2$$
#
# $$m = \mathbb{E}[x \mid y]$$
#
# ???
# (3 min) The sentence of the chapter. Let them read it slowly: a is any answer, m the mean of all clean pictures that
# may have led to this y, each weighted by its probability. Write x - a as (x - m) + (m - a) and square; the mixed term
# has mean 0. Ask: where does the network stand in this formula? Nowhere. Whatever minimises the squared error tends to
# this mean. A larger network only comes nearer to it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## In a world of eight kinds of cell the mean can be computed
#
# $$m = \sum_k P(t_k \mid y)\, t_k$$
#
# $$P(t_k \mid y) = \frac{\exp(-\lVert y - t_k \rVert^2 / 2\sigma^2)}{\sum_j \exp(-\lVert y - t_j \rVert^2 / 2\sigma^2)}$$
#
# dark or bright, and stripes that begin at one of four places
#
# ???
# (3 min) For photographs nobody has the list of all that fit. So we take a world that has a list: cells of 8 by 8
# pixels, eight kinds, all equally likely. Brightness is what the picture shows, stripes are its fur. Ask who
# recognises the formula: it is a softmax. Ask for a prediction: at strong noise, what does the mean of four kinds of
# stripes look like?

# %%
CELL = 8


def kinds_of_cell(contrast: float = 30.0, brightness: float = 70.0) -> Tensor:
    """The eight kinds, as rows of 64 numbers in [-1, 1]; contrast and brightness in grey levels: (8, 64)."""
    places = torch.arange(CELL)
    stripes = torch.stack([((places + phase) // 2 % 2 * 2.0 - 1).expand(CELL, CELL) for phase in range(4)])
    cells = torch.cat([contrast * stripes - brightness, contrast * stripes + brightness])
    return cells.flatten(1) / 127.5


def cells_of(images: Tensor) -> Tensor:
    """Pictures (N, 1, 64, 64) cut into cells: (N * 64, 64)."""
    return images.unfold(2, CELL, CELL).unfold(3, CELL, CELL).reshape(-1, CELL * CELL)


def picture_of(cells: Tensor) -> Tensor:
    """The other way round: (N * 64, 64) -> (N, 1, 64, 64)."""
    return cells.view(-1, 8, 8, CELL, CELL).permute(0, 1, 3, 2, 4).reshape(-1, 1, 64, 64)


WORLD = kinds_of_cell()
HEART = "00000000 01100110 11111111 11111111 01111110 00111100 00011000 00000000"
random = torch.Generator().manual_seed(0)
bright = torch.tensor([int(digit) for digit in HEART.replace(" ", "")])
x = WORLD[4 * bright + torch.randint(4, (64,), generator=random)]  # the cells of one picture, its stripes at random

# %% [markdown]
# White noise treats each pixel by itself, and the cells do not depend on one another. So each cell can be answered
# alone, by Bayes' rule, with a sum over eight kinds $t_k$ in place of a sum over all pictures:
#
# $$P(t_k \mid y) = \frac{\exp(-\lVert y - t_k \rVert^2 / 2\sigma^2)}{\sum_j \exp(-\lVert y - t_j \rVert^2 / 2\sigma^2)},
# \qquad m = \sum_k P(t_k \mid y)\, t_k$$


# %% [markdown] slideshow={"slide_type": "slide"}
# ## The mean is not a picture of this world
#
# Noise of 50, 100 and 200.
#
# ???
# (4 min) Three noise levels, three answers. Point at the last row. The heart is found, dark and bright being far
# apart. The stripes are not: four kinds fit, and their mean is flat grey. There is the felt. No cell of this world is
# flat, so the mean is no picture of it; the other two answers are. Ask: which of the three has the smallest error?
# Many say "the most probable". Let them vote, and go on.


# %% slideshow={"slide_type": "-"}
def probabilities(y: Tensor, sigma: float) -> Tensor:
    """How probable each kind is for each noisy cell: (M, 64) -> (M, 8)."""
    return (-torch.cdist(y, WORLD).square() / (2 * (sigma / 127.5) ** 2)).softmax(1)


def answers(y: Tensor, sigma: float) -> dict[str, Tensor]:
    """Three answers for each noisy cell: the mean of all that fit, the most probable, and one drawn at random."""
    chances = probabilities(y, sigma)
    drawn = torch.multinomial(chances, 1, generator=random)[:, 0]
    return {
        "mean of all that fit": chances @ WORLD,
        "most probable": WORLD[chances.argmax(1)],
        "one that fits": WORLD[drawn],
    }


rows = {}
for sigma in (50, 100, 200):
    y = x + torch.randn(x.shape, generator=random) * sigma / 127.5
    shown = {"clean": x, "noisy": y, **answers(y, sigma)}
    rows[f"{sigma}"] = torch.cat([picture_of(one.clamp(-1, 1)) for one in shown.values()])
alt = (
    "A striped heart in a striped square, with noise of 50, 100 and 200. At 50 all answers show it exactly. At 200 the mean "
    "shows the heart with its stripes faded to flat grey in most cells; the most probable and the drawn one have full stripes everywhere."
)
plot.compare(rows, titles=list(shown), alt=alt, width=7.4)

# %% [markdown]
# There is the felt. At weak noise one kind fits each cell, and the mean of one is itself: sharp. At strong noise the
# heart is still found, since dark and bright are far apart. The stripes are not. Four kinds fit, and the mean of
# stripes that begin at four places is no stripes. The mean is **not a picture of this world**, which has no flat cell.
# The other two answers are.
#
# **Predict.** Which of the three has the smallest error? And by which factor does the largest exceed it?


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Looking real costs at most twice the smallest error
#
# | answer at level 200 | squared error | a picture of this world |
# | --- | --- | --- |
# | mean of all that fit | 1.00 | no |
# | most probable | 1.42 | yes |
# | one that fits | 1.98 | yes |
#
# $$\mathbb{E}\lVert x - x' \rVert^2 = 2\, \mathbb{E}\lVert x - m \rVert^2$$
#
# ???
# (3 min) Show the table after the vote. The mean wins, and is far from the world. The drawn answer has twice its
# error, and that is a law: truth and drawn picture are two independent draws from the same probabilities, so their
# distance is twice the variance. In decibels: 3. This is the whole price of looking real (Blau and Michaeli 2018), and
# no more than it.


# %%
def error(one: Tensor, other: Tensor) -> float:
    """The mean squared error in squared grey levels."""
    return float((one - other).square().mean()) * 127.5**2


def strangeness(cells: Tensor) -> float:
    """How far cells are from the nearest kind that exists, in squared grey levels: 0 for every picture of the world."""
    return float(torch.cdist(cells, WORLD).amin(1).square().mean()) / CELL**2 * 127.5**2


SIGMA = 200
truth = WORLD[torch.randint(8, (20_000,), generator=random)]
given = truth + torch.randn(truth.shape, generator=random) * SIGMA / 127.5
answered = answers(given, SIGMA)
smallest = error(truth, answered["mean of all that fit"])
print(f"{'sigma ' + str(SIGMA):22} squared error   the mean's being 1   distance to the world")
for name, one in answered.items():
    print(f"{name:22} {error(truth, one):13.1f} {error(truth, one) / smallest:20.2f} {strangeness(one):22.1f}")

# %% [markdown]
# The answer that was drawn at random has twice the error of the mean, and that is a law. $x$ and the drawn $x'$ are two
# independent draws from the same probabilities, so $\mathbb{E}\lVert x - x' \rVert^2$ is twice their variance, and the
# variance is the error of the mean. **A picture that is perfectly real need cost no more than twice the smallest error**
# ([Blau & Michaeli 2018](https://arxiv.org/abs/1711.06077), section 4): in PSNR, 3 dB.
#
# Does a network know any of this? Give it noisy cells and the squared error, nothing else.


# %% [markdown] slideshow={"slide_type": "slide"}
# ## It has never heard of Bayes, and computes the mean
#
# $$\min_G \; \mathbb{E}\, \lVert x - G(y) \rVert^2 \quad \Rightarrow \quad G(y) \approx \mathbb{E}[x \mid y]$$
#
# ???
# (2 min) Ask: an ordinary network gets noisy cells and the squared error. Which of the three answers will it give?
# Show. Its error is a little above that of the exact mean, and its answers are close to the exact mean. This is the
# whole secret of the smooth fur: where all fitting photographs agree the mean is sharp, where they differ it is felt.


# %% slideshow={"slide_type": "fragment"} tags=["slide-text"]
def taught(loss: Callable[[Tensor, Tensor], Tensor], steps: int = pick(quick=5, cpu=800, full=4_000)) -> nn.Module:
    """A network from noisy cells to cells, trained with `loss(real, fake)` on new cells and new noise at each step."""
    torch.manual_seed(0)
    network, random = nets.mlp(CELL**2, CELL**2), torch.Generator().manual_seed(1)
    adam = torch.optim.Adam(network.parameters(), 2e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
    for _ in range(steps):
        real = WORLD[torch.randint(8, (256,), generator=random)]
        fake = network(real + torch.randn(real.shape, generator=random) * SIGMA / 127.5)
        adam.zero_grad()
        loss(real, fake).backward()
        adam.step()
        schedule.step()
    return network.requires_grad_(False)


def squared(real: Tensor, fake: Tensor) -> Tensor:
    return (real - fake).square().mean()


for_squares = taught(squared)
learnt = for_squares(given)
print(f"error of the network {error(truth, learnt):.1f}, of the exact mean {smallest:.1f}")
print(f"squared difference of the two answers {error(learnt, answered['mean of all that fit']):.1f}")

# %% [markdown]
# It has never heard of Bayes, and it computes the mean. This is the whole secret of the smooth fur. The long training of
# section 4 minimises the squared error over photographs. The more it succeeds, the nearer it comes to the mean of all
# photographs that fit. Where they agree, as on an edge, the mean is sharp. Where they differ, as in the fur, it is
# felt. A larger network comes nearer to *this* answer, not to another one.
#
# ## 6. Ask for something else
#
# If the answer is wrong, change the question. What all fitting pictures have in common is *that* there are stripes.
# Only their places differ, and pixels know nothing but places. A feature that sees stripes wherever they begin would
# agree for all pictures that fit, and the mean of what agrees is not blurred.
#
# In the small world such a feature is one line: the strength of each frequency of a cell, without its phase. Add it to
# the pixels' error with a weight $\lambda$.


# %% [markdown] slideshow={"slide_type": "slide"}
# ## A feature that ignores places brings stripes back
#
# $$L = L_\mathrm{pixel} + \lambda L_{FD}$$
#
# ???
# (3 min) All fitting pictures agree *that* there are stripes. They differ in where these begin, and pixels know
# nothing but places. The feature here is the strength of each frequency, without its phase. Ask: are the stripes on
# the right the true ones? Most say yes, since it looks so convincing. Compare with the clean picture: some begin at
# the wrong place. The network has decided where nothing was known.


# %% slideshow={"slide_type": "-"}
def strengths(cells: Tensor) -> Tensor:
    """How strong each frequency of each cell is, wherever its waves begin; the mean is left out: (M, 64) -> (M, 39)."""
    waves = torch.fft.rfft2(cells.view(-1, CELL, CELL), norm="ortho").flatten(1)[:, 1:]
    return (waves.real.square() + waves.imag.square() + 1e-6).sqrt()


def with_features(weight: float) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda real, fake: squared(real, fake) + weight * squared(strengths(real), strengths(fake))


asked = {f"lambda {weight:g}": taught(with_features(weight)) for weight in (1, 3, 10)}
y = x + torch.randn(x.shape, generator=random) * SIGMA / 127.5
shown = {"clean": x, "noisy": y, "squared error": for_squares(y)} | {name: one(y) for name, one in asked.items()}
alt = (
    "The striped heart: clean, drowned in noise, as the squared error answers it, with many cells faded to grey, and with a "
    "growing weight of the features: the stripes come back at full strength, not all where they were."
)
plot.compare({"": torch.cat([picture_of(one.clamp(-1, 1)) for one in shown.values()])}, titles=list(shown), alt=alt)

# %% [markdown]
# The stripes are back. Compare them with the clean picture: some begin at the wrong place. The network has *decided*,
# cell by cell, where nothing was known. Was it worth it? It depends on the question, so put both questions on the axes
# of a plane: how far from the truth, and how far from any picture of this world. On both less is better.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Nothing lies left of the dotted line
#
# ???
# (3 min) To the right: farther from the truth. Upwards: farther from any picture of this world. Ask: where would you
# like to be? At the lower left, and nobody can be: the dotted line is the smallest error there is, and who sits on it
# pays in the other currency. Features buy well up to a point. With lambda 10 the pixels are hardly heard: strong
# stripes at places that nobody asked for.

# %% slideshow={"slide_type": "-"}
points = {"mean of all that fit": answered["mean of all that fit"], "squared error": learnt} | {
    name: one(given) for name, one in asked.items()
}
points |= {name: answered[name] for name in ("most probable", "one that fits")}
steps = torch.linspace(0, 1, 21)[:, None, None]
mixed = torch.lerp(points["mean of all that fit"][:4000], points["one that fits"][:4000], steps)
line = [(error(truth[:4000], one), strangeness(one)) for one in mixed]
alt = (
    "Squared error against the distance to the world. A line runs from the exact mean at the upper left down to the drawn "
    "picture at the lower right. The network of the squared error lies above the mean; lambda 1 and 3 lie below it, at hardly more error; "
    "lambda 10 lies far to the right and no lower."
)
with plot.figure(alt=alt, size=(6.4, 3.8)) as axis:
    axis.plot(*zip(*line, strict=True), color="#aaaaaa", lw=1, label="between the mean and a drawn picture")
    for name, one in points.items():
        place = error(truth, one), strangeness(one)
        exact = name in answered
        axis.plot(*place, "o", color=REAL if exact else FAKE)
        left = name == "mean of all that fit"  # where there is room
        said, away, side = ("mean of all\nthat fit", -7, "right") if left else (name, 7, "left")
        axis.annotate(said, place, xytext=(away, 3), textcoords="offset points", ha=side, fontsize=9)
    axis.axvline(smallest, color=REAL, ls=":", lw=1)
    axis.set(xlabel="squared error", ylabel="distance to the world", ylim=(-8, None))
    axis.margins(x=0.2)
    axis.legend()

# %% [markdown]
# Nothing lies left of the dotted line: it is the smallest error that there is. And whoever sits on it pays in the other
# currency. From there every step towards the world costs error. Features buy well up to a point: compare lambda 1 and 3
# with the squared error alone. With lambda 10 the pixels are hardly heard. The stripes are strong, and now many are at
# places that nobody asked for.
#
# ### On photographs
#
# The features are those of chapter 06 now, of a network that was trained on photographs. They see fur without insisting
# on each hair. The network that comes with the course as `denoise_features` went on from the one of section 4, with
# $\lambda L_{FD}$ beside the squared error. How large should $\lambda$ be? The two terms have no common unit, so look
# at what each is worth where the training begins.

# %%
lesson = replace(task(network, 8, features=1.0), size=64)
with torch.no_grad():
    batch = pairs(lessons, lesson.size, lesson.spoil)(begin(lesson))
    worth = {name: float(value) for name, value in lesson.terms(lesson.mend(network, batch), batch).items()}
del lesson
featured, about_it = weights.shipped_app("denoise_features", Denoiser)
featured.to(device)
print(
    f"squared error {worth['pixel']:.4f}, L_FD {worth['features']:.3f}: equal with lambda {worth['pixel'] / worth['features']:.3f}"
)
print(f"the shipped network: lambda 0.3, {about_it['images']:,} crops")
hardware.return_unused_memory()

# %% [markdown]
# The distance to "any photograph" is nothing that we can compute. In its place the judge of chapter 07 is asked: a
# network that trained nothing here. Mind what it measures. It compares with the clean picture, so it is a distance from
# the *truth*, in the judge's features. That is not the same as being far from all photographs.


# %% [markdown] slideshow={"slide_type": "slide"}
# ## On photographs one has to look for the gain
#
# ???
# (3 min) Ask: which column is with features? Cover the titles, or let them guess before they read. Hardly anybody can
# tell. In the small world the feature knew the eight kinds exactly and nothing else. A network's features know fur
# among ten thousand other things. By the numbers there is a step the right way, a little error for a little likeness.
# Say where each belongs: squared error for stars, features for the family picture, neither in court without saying
# which it was.


# %% slideshow={"slide_type": "-"}
def with_texture(images: Tensor) -> Tensor:
    return denoise(featured, images, 25)


alt = (
    "The eye of a cat, and the legs of a bison in grass: clean, cleaned for the squared error, and with features. The last two look "
    "alike; with features fur and grass have a little more contrast, but no hairs have come back."
)
side_by_side({"squared error": known, "with features": with_texture}, alt, 2)

# %%
cleaned = {
    "noisy": noisy[25],
    "non-local means": by_means,
    "squared error": known(noisy[25]),
    "with features": with_texture(noisy[25]),
}
cleaned["half of each"] = (cleaned["squared error"] + cleaned["with features"]) / 2
hardware.return_unused_memory()
eyes = judge().to(device)


@torch.no_grad()
def judged(images: Tensor) -> float:
    """The judge's distance of the held-out pieces, one at a time."""
    both = zip(clean.split(1), images.clamp(-1, 1).split(1), strict=True)
    found = [float(eyes(target.to(device), one.to(device))) for target, one in both]
    hardware.return_unused_memory()
    return sum(found) / len(found)


places = {name: (plane.error_of(quality(one)), judged(one)) for name, one in cleaned.items()}
for name, (pixels, seen_by_judge) in places.items():
    print(f"{name:16} error of the pixels {pixels:5.2f}   judge {seen_by_judge:.3f}")
del eyes
hardware.return_unused_memory()
plane.draw({"denoising, sigma 25": places})

# %% [markdown]
# This is the plane of chapter 07, with the same judge. Non-local means is beaten in both directions. Between the two
# networks there is a step the right way, a little error for a little likeness, and it is so small that the eye hardly
# sees it. What the small world showed in full, photographs show faintly here. There the feature knew the eight kinds of
# cell *exactly*, and nothing else. A network's features know fur among ten thousand other things, and they have had 6,000
# crops to teach it. Chapter 07 has trained a network on the judge itself, and even that gained little.
#
# The choice remains, whenever the gap is wide. For measuring stars, take the squared error: whatever it shows was in the
# data. For a family picture, take the features. For evidence in court, take neither without saying which it was.
#
# ## 7. The wrong level
#
# The network can be told the level of the noise. What if you tell it a wrong one?
#
# **Predict.** The noise has level 25. Which is worse: to say 10, or to say 40?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The noise is 25: is it worse to say 10, or to say 40?
#
# ???
# (4 min) Take hands. Most choose 10, since grain would be left. Show: told too little, the network does not believe
# you. It sees the grain and removes it all the same; the line is level on the left. Told too much, it takes texture
# for grain. In training the level was told rightly or not at all, so it has learnt to read it from the picture. An
# input that the network can work out by itself need not become a knob. The dashed lines: told nothing at all, it is
# about as good.

# %% slideshow={"slide_type": "fragment"}
told = (0, 5, 10, 15, 20, 25, 30, 40, 50, 60)
some = {level: (clean[:4], one[:4]) for level, one in noisy.items()}


def at(level: int, sigma: float | None) -> float:
    target, given = some[level]
    return float(metrics.psnr(target, denoise(network, given, sigma)).mean())


sweep = {level: [at(level, sigma) for sigma in told] for level in noisy}
blind = {level: at(level, None) for level in noisy}
alt = (
    "PSNR over the level that the network is told, for true levels of 10, 25 and 50, which dots mark. Each line is level where less is told, "
    "and falls where much more is told, steeply for 10. Dashed lines, where nothing is told, run close to the level parts."
)
with plot.figure(alt=alt, size=(6.4, 3.6)) as axis:
    for (level, values), colour in zip(sweep.items(), (REAL, FAKE, GREEN), strict=True):
        axis.plot(told, values, color=colour, label=f"true level {level}")
        axis.plot(level, at(level, level), "o", color=colour)
        axis.axhline(blind[level], color=colour, ls="--", lw=1)
    axis.set(xlabel="level that the network is told", ylabel="PSNR in dB")
    axis.legend()
print(
    f"true level 25: told 10 {at(25, 10):.2f} dB, told 25 {at(25, 25):.2f}, told 40 {at(25, 40):.2f}, blind {blind[25]:.2f}"
)

# %%
alt = (
    "The eye of a cat with noise of 25, cleaned with the level told as 10, 25 and 50. Told 10 and told 25 look alike, without grain; "
    "told 50, the fur and the finer lines of the eye are gone as well."
)
side_by_side(
    {f"told {sigma}": (lambda noisy, sigma=sigma: denoise(network, noisy, sigma)) for sigma in (10, 25, 50)}, alt
)

# %% [markdown]
# The two mistakes are not alike. Told too much, the network takes texture for grain, and smooths it away. Told too little,
# it does *not believe you*. It sees the grain, and removes it all the same.
#
# Why? In training the level was always told rightly, or not at all. In the second half of the cases the network had to
# read it from the picture, and it can: nothing in a photograph looks like even grain over everything. Having learnt to
# read it, it has little use for being told. What is told serves only as a hint that there may be more to remove than
# can be seen. An input that the network can work out by itself need not become a knob, even if we call it one.
#
# The dashed lines are the good news. Told nothing, the network is about as good as if it knew, at 50 even better. That is
# why `minigan denoise` is blind unless you say `--sigma`.
#
# ## 8. Noise of another kind
#
# All noise so far was white, like that in training. Real noise seldom is. Four kinds, chosen to be about equally strong:
#
# - **white**, as before;
# - **photons**: the noise of counting, strong where it is bright and weak in the dark;
# - **coarse**: white noise of a small picture that was then enlarged, as many cameras and programs do. Neighbouring
#   pixels now share their noise;
# - **JPEG**: no noise at all, but blocks and ripples.


# %%
def white(images: Tensor, random: torch.Generator) -> Tensor:
    return data.add_noise(images, 25, random)


def photons(images: Tensor, random: torch.Generator) -> Tensor:
    """Each value counts photons, 50 where it is white: mean and variance of a count are equal."""
    return torch.poisson((images + 1) * 25, generator=random) / 25 - 1


def coarse(images: Tensor, random: torch.Generator, level: float = 25.0) -> Tensor:
    """White noise at half the size, enlarged, and as strong as white noise of that level."""
    *batch, height, width = images.shape
    grain = torch.randn(*batch, height // 2 + 1, width // 2 + 1, generator=random)
    grain = F.interpolate(grain, scale_factor=2, mode="bilinear")[..., :height, :width]
    return images + grain / grain.std() * level / 127.5


def jpeg(images: Tensor, random: torch.Generator, strength: int = 8) -> Tensor:
    """Written as JPEG of a very low quality, and read again."""
    read = []
    for pixels in to_pixels(images):
        file = io.BytesIO()
        Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(file, "JPEG", quality=strength)
        read.append(torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1))
    return to_signed(torch.stack(read))


# %% [markdown]
# **Predict** for which of them the blind network helps.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A denoiser knows its own noise, and no other
#
# ???
# (3 min) Ask before: photons, coarse noise, JPEG. For which of them will it help? Most say for all, a little less
# each. Photons are close to what it knows. The coarse blotches stay, for smooth blotches are what pictures are made
# of; the blocks of JPEG stay too. No error is raised, and a benchmark with white noise would never show it.

# %% slideshow={"slide_type": "-"}
kinds = {"white": white, "photons": photons, "coarse": coarse, "JPEG": jpeg}
spoiled = {name: spoil(clean, torch.Generator().manual_seed(3)) for name, spoil in kinds.items()}
for name, one in spoiled.items():
    before, after = quality(one), quality(denoise(network, one))
    print(f"{name:8} spoiled {before:.2f} dB, cleaned blind {after:.2f} dB, gain {after - before:+.2f}")
    hardware.return_unused_memory()
shown = {name: spoil(pieces[:1], torch.Generator().manual_seed(3)) for name, spoil in kinds.items()}
del shown["white"]
rows = {
    "spoiled": torch.cat([inner(one) for one in shown.values()]),
    "cleaned": torch.cat([inner(denoise(network, one)) for one in shown.values()]),
}
alt = (
    "The eye of a cat with noise of photons, with coarse noise and as a strong JPEG, and cleaned. The photons' noise is "
    "gone below. Coarse noise stays as blotches; the blocks of JPEG stay too."
)
plot.compare(rows, titles=list(shown), alt=alt, width=4)

# %% [markdown]
# Photons are close enough to what it knows. Coarse noise is not: the network removes what is finest of it and keeps the
# blotches, for smooth blotches are what pictures are made of. Of JPEG's blocks it removes next to nothing. It has learnt
# what *white noise* looks like at least as much as what photographs look like. Nothing warns you. No error is raised, and
# with a benchmark of white noise you would never know.
#
# Two mends. The first needs no training. Coarse noise is white noise at another size, so make the picture as small as
# the noise was: `data.downscale` by 2. Half the resolution is lost, but it was noise for the most part.
#
# The second is general: **train with the noise that you have.** The task takes any way to spoil a picture, so a new one
# is a few lines.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A short right lesson beats a long wrong one
#
# ???
# (2 min) Ask: what would you do? Usual answers: a larger network, a longer training. The small network on the right
# saw coarse noise for a minute. Then ask what it does with white noise: it hardly helps, as the table in the notebook
# shows. A denoiser is a statement about the noise before it is one about the picture. Test it with yours.

# %% slideshow={"slide_type": "-"}
small_clean, small_noisy = (data.downscale(one, 2) for one in (clean, spoiled["coarse"]))
small_cleaned = denoise(network, small_noisy)
before, after = (float(metrics.psnr(small_clean, one).mean()) for one in (small_noisy, small_cleaned))
print(f"at half the size:     spoiled {before:.2f} dB, cleaned blind {after:.2f} dB, gain {after - before:+.2f}")


def spoil_coarsely(real: Tensor, random: torch.Generator) -> Batch:
    """Coarse noise of a random level, which nobody is told."""
    spoiled = torch.cat([coarse(one, random, 60 * float(torch.rand((), generator=random))) for one in real.split(1)])
    return {"real": real, "noisy": spoiled, "sigma": torch.full((len(real),), UNKNOWN)}


torch.manual_seed(0)
specialist, _ = short(Denoiser(width=32, blocks=3), spoil=spoil_coarsely)
before, after = quality(spoiled["coarse"]), quality(denoise(specialist, spoiled["coarse"]))
print(f"trained with it:      spoiled {before:.2f} dB, cleaned blind {after:.2f} dB, gain {after - before:+.2f}")
print(
    f"the same on white:    spoiled {quality(spoiled['white']):.2f} dB, cleaned blind {quality(denoise(specialist, spoiled['white'])):.2f} dB"
)
by_both = torch.cat([inner(denoise(one, shown["coarse"])) for one in (network, specialist)])
alt = (
    "The eye of a cat that had coarse noise: by the network trained with white noise, full of blotches; by the small "
    "network trained with coarse noise, with most of them gone."
)
plot.compare({"": by_both}, titles=["learnt white noise", "learnt coarse noise"], alt=alt, width=3.2)

# %% [markdown]
# A small network with a minute of the right noise does what the long-trained one cannot. A denoiser is a statement about
# the noise before it is one about the picture.
#
# ## 9. On your own photographs
#
# ```
# minigan denoise party.jpg -o clean.png              level unknown
# minigan denoise party.jpg -o clean.png --sigma 40   a stronger hand
# minigan denoise ./holiday -o ./clean                a whole folder
# minigan train ./sharp -o run --task denoise         learn from your own sharp pictures ...
# minigan denoise party.jpg -o clean.png --weights run    ... and use what was learnt
# ```
#
# A photograph from a telephone has been cleaned and sharpened and compressed already; section 8 says what to expect.
# Pictures straight from a sensor, scans of film and renderings with few rays are better customers.
#
# ## Summary
#
# - White noise of level $\sigma$ costs a squared error of $\sigma^2$. It can be averaged away over the neighbours, over
#   like places of the picture, or over all that a network has seen.
# - A bottleneck loses the picture with the noise. Predict the noise and subtract it, and the network starts where the
#   noisy picture is. That is right for weak noise; for strong noise the picture is easier to predict.
# - The smallest squared error belongs to the mean of all pictures that fit. Where they differ the mean is smooth, and it
#   is not itself such a picture. A picture that fits need cost no more than twice that error.
# - A feature that does not insist on places lets the texture come back, in part invented, for a little more error: fully
#   in a world that it knows exactly, faintly on photographs.
# - A level told too high takes texture; one told too low is not believed. Blind is about as good as knowing.
# - A denoiser knows its noise. Test it with yours, not with the one it was trained on.
#
# ## Try it
#
# **1. How noisy is it?** (15 minutes.) A picture that changes evenly from pixel to pixel gives 0 everywhere under the
# filter
#
# $$M = \begin{pmatrix} 1 & -2 & 1 \\ -2 & 4 & -2 \\ 1 & -2 & 1 \end{pmatrix}$$
#
# and noise does not: the filtered noise is normal with mean 0 and standard deviation $6 \sigma$ (the root of the sum of
# the squares of $M$). The mean *absolute* value of such numbers is $6 \sigma \sqrt{2 / \pi}$. So measure that mean, over
# all places where the filter fits and over all channels, and solve for $\sigma$ ([Immerkær
# 1996](https://doi.org/10.1006/cviu.1996.0060)). In grey levels, please: 127.5 to a unit.


# %%
def noise_level(images: Tensor) -> Tensor:
    """The level of white noise in each image, in grey levels: (N, C, H, W) in [-1, 1] -> (N,)."""
    raise NotImplementedError


hints = [
    "F.conv2d(images.flatten(0, 1)[:, None], M[None, None]) filters all channels of all images alike, without padding.",
    "The mean of the absolute values, times the root of pi / 2, divided by 6, times 127.5.",
]
spot = torch.zeros(1, 1, 5, 5)
spot[..., 2, 2] = 1.0
mistakes = {
    "The mean absolute value of normal numbers is not their standard deviation: it is sqrt(2 / pi) of it.": 37.778,
    "The filter makes the noise 6 times as strong: divide by 6.": 284.09,
    "In grey levels: 127.5 to a unit.": 0.37135,
    "Where the filter fits: without padding.": 17.045,
}
with suppress(NotYet), checking("How noisy is it", hints) as c:
    c.close(noise_level(spot), [47.348], "one bright pixel, by hand: 16 / 9 is the mean", 1e-3, mistakes)
    ramp = torch.linspace(-1, 1, 20).expand(2, 3, 20, 20)
    c.close(noise_level(ramp), [0.0, 0.0], "an even slope has no noise", 1e-3)
    flat = data.add_noise(torch.zeros(2, 3, 128, 128), 25, torch.Generator().manual_seed(0))
    c.close(noise_level(flat), [25.0, 25.0], "noise of 25 on grey", 0.02)

# %% [markdown]
# Then ask it about `noisy[10]` and `clean`. Why is it too high, and for which pictures most? Give its answer to the
# network as `sigma`. Is that better than blind?
#
# **2. Ask eight times** (15 minutes). Turn and mirror the noisy picture in the eight ways, clean each, turn back, and
# take the mean. By how much does the PSNR rise, and why can it hardly fall? (The squared error of a mean is at most the
# mean of the squared errors.) What does the judge say?
#
# **3. Another error** (20 minutes). Replace `squared` in section 5 by the mean *absolute* error. Which answer does it ask
# for, the mean of all that fit or something else? Look at a cell for which two kinds are likely. Then make stripes on
# black cells rarer than on bright ones, and look at what the prior does.
#
# **4. Noise in place of a clean picture** (30 minutes). Replace the clean target by a *second noisy version* of it, with
# new noise. What does the mean of all targets that fit become? Train both ways for the same time and compare ([Lehtinen et
# al. 2018](https://arxiv.org/abs/1803.04189)).
#
# **5. Your own grain** (an hour). Photograph a grey wall in the dark, with the sharpest pictures your camera gives. Is its
# noise white? (`spectrum` of section 4.) Write the spoiler that imitates it, and train `Denoiser` with it.
#
# More tasks, each with its check, stand in [the exercises to this chapter](../exercises/09_denoising/09_denoising.ipynb).
#
# ## References
#
# - A. Buades, B. Coll, J.-M. Morel, [A non-local algorithm for image
#   denoising](https://doi.org/10.1109/CVPR.2005.38), 2005.
# - P. Vincent, H. Larochelle, Y. Bengio, P.-A. Manzagol, [Extracting and composing robust features with denoising
#   autoencoders](https://doi.org/10.1145/1390156.1390294), 2008.
# - K. Zhang et al., [Beyond a Gaussian Denoiser: Residual Learning of Deep CNN for Image
#   Denoising](https://arxiv.org/abs/1608.03981), 2017.
# - T. Salimans, J. Ho, [Progressive Distillation for Fast Sampling of Diffusion
#   Models](https://arxiv.org/abs/2202.00512), 2022.
# - K. Zhang, W. Zuo, L. Zhang, [FFDNet: Toward a Fast and Flexible Solution for CNN based Image
#   Denoising](https://arxiv.org/abs/1710.04026), 2018.
# - Y. Blau, T. Michaeli, [The Perception-Distortion Tradeoff](https://arxiv.org/abs/1711.06077), 2018.
# - J. Lehtinen et al., [Noise2Noise: Learning Image Restoration without Clean
#   Data](https://arxiv.org/abs/1803.04189), 2018.
# - J. Immerkær, [Fast Noise Variance Estimation](https://doi.org/10.1006/cviu.1996.0060), 1996.
#
# **Next:** [10 Inpainting](10_inpainting.ipynb). What belongs in the hole, when many things could?
