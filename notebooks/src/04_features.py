# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 04 Pretrained features
#
# **What does a pretrained network know?**
#
# Somebody has shown a network a million photographs and asked it for a thousand names, for days on many machines. The
# names are of no use to us: we want to *make* pictures. But on its way to a name the network turns a picture into
# numbers, layer by layer, and these numbers are the most useful thing in this course. They judge pictures (chapter 03),
# they are the structure that fine-tuning starts from (05), and they are the distance of the perceptual loss (06):
#
# $$\mathcal{L}_\mathrm{FD} = \sum_{i=1}^{N} \lVert F_i(G(z)) - F_i(x) \rVert^2$$
#
# This chapter is about the $F_i$. What is in them? What is not? And how much of it was *learnt*? To answer the last
# question, a twin with random weights stands beside the pretrained network from beginning to end. Whatever the twin
# can do as well, pretraining has not done.
#
# | | |
# | --- | --- |
# | **You will learn** | how VGG-16, ResNet-50 and EfficientNet-Lite0 are built; to take features from any layer; what a unit sees, in theory and as measured; why statistics belong to the weights; what "frozen" must mean; which layer finds the same thing in another style; what survives at each depth; to choose a network by measurement |
# | **You need** | chapters 00 and 02, convolutions. No GPU and no network |
# | **It takes** | about 80 minutes to read. The machine needs about a minute and a half on two CPU cores |

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What the twin can do as well, pretraining has not done
#
# $$\mathcal{L}_\mathrm{FD} = \sum_{i=1}^{N} \lVert F_i(G(z)) - F_i(x) \rVert^2$$
#
# Beside each pretrained network: its twin with random weights.
#
# ???
# (3 min) The chapter is about the F in this formula. Ask what of a network comes from its training, and what is there
# already because it is a row of convolutions. Expect that nobody asks for a control. The twin has the same layers and
# random weights, and it stays beside the trained one to the end.

# %%
import copy
import gc
import re
import tempfile
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise, product, zip_longest
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, fx, nn
from torchvision.models import get_model, get_model_weights  # for its architectures and ImageNet's names

from minigan import data, hardware, plot
from minigan.backbones import (
    BACKBONES,
    IMAGENET,
    Backbone,
    Frozen,
    build,
    find_layer,
    find_weights,
    load_weights,
    prepare,
    start_at_random,
    up_to,
)
from minigan.course import checking, measured, pick
from minigan.course.checking import NotYet
from minigan.course.suitability import agreement, cost, distances, draw, milliseconds, partner_rate, sketches, triplets
from minigan.data import check_images, known
from minigan.files import CLASSIFIER, answers_within
from minigan.perceptual import total_variation  # chapter 06
from minigan.plot import FAKE, GOLD, GREEN, PINK, REAL

network = "efficientnet_lite0"  # where a network is: "vgg16" or "resnet50", downloaded once

# %% [markdown]
# Everything below runs with EfficientNet-Lite0, whose weights came with the installation. With `network = "vgg16"` the
# same cells measure VGG-16. Its weights are 528 MB and need the internet once, and it takes about ten times as long. What
# the text says was seen with EfficientNet-Lite0.
#
# ## 1. Three networks, opened
#
# All three read a picture of 224 x 224 pixels and end in a thousand numbers. In between they trade: fewer places, more
# channels. A *stage* is a row of layers at one size of map. The *stride* of a layer is how many pixels of the picture
# lie between two neighbouring places of its map.
#
# **VGG-16** ([Simonyan and Zisserman 2015](https://arxiv.org/abs/1409.1556)) is a single idea: 3 x 3 convolutions, a
# ReLU after each, and a maximum over 2 x 2 places wherever the side is halved. **ResNet-50**
# ([He et al. 2016](https://arxiv.org/abs/1512.03385)) adds the input of each block to its output, so that a gradient
# has a short way back past every layer. **EfficientNet-Lite0** is a small EfficientNet
# ([Tan and Le 2019](https://arxiv.org/abs/1905.11946)), made for telephones.
#
# The first two come from torchvision. Only their layers get other names, those of the literature for VGG: `relu3_3` is
# the ReLU after the third convolution of the third stage.

# %% minigan="backbones"
# name_vgg, name_resnet

# %% [markdown]
# EfficientNet-Lite0 we build ourselves, because its block shows how a network is made cheap
# ([Sandler et al. 2018](https://arxiv.org/abs/1801.04381)). An ordinary convolution mixes places and channels at once:
# a 3 x 3 kernel from 240 channels to 240 channels has $9 \cdot 240 \cdot 240 = 518{,}400$ weights. This block does the
# two things one after the other. A 1 x 1 convolution widens from 40 to 240 channels, which mixes channels only. A
# *depthwise* convolution filters each of the 240 by itself, which mixes places only, with
# $9 \cdot 240 = 2{,}160$ weights. Another 1 x 1 convolution narrows again.
#
# **Predict.** After the narrowing there is no activation. What would a ReLU destroy there?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Filter each channel by itself: 240 times fewer weights
#
# $$9 \cdot 240 \cdot 240 = 518{,}400 \qquad\text{against}\qquad 9 \cdot 240 = 2{,}160$$
#
# Mix channels, then places, then channels again.
#
# ???
# (3 min) An ordinary 3 x 3 convolution mixes places and channels at once, left. A depthwise one mixes places only,
# right; 1 x 1 convolutions around it mix the channels. Ask: after the last 1 x 1 convolution, from 240 channels to 40,
# there is no ReLU. What would it destroy? It sets half of the numbers to zero; in 240 channels the same stands several
# times, in 40 it would be lost.

# %% minigan="backbones"
# SameConv2d, convolution, InvertedResidual, efficientnet_lite0

# %% [markdown]
# A ReLU sets half of the numbers to zero. In 240 channels the same information stands several times, and enough
# survives; in 40 channels it would be lost. For us this means: the output of a block, such as `block4`, has negative
# values, and `block4.expand` inside it has none.
#
# Here are the three side by side. The ledger counts, for each stage, the weights and the multiplications that one
# picture of 224 pixels costs. It runs on the device `meta`, where tensors have shapes but no numbers: nothing is
# computed, and no weights are needed.


# %%
def ledger(net: nn.Sequential, side: int = 224) -> list[tuple[str, int, int, float, float]]:
    """Each stage's (name, channels, side of its map, millions of weights, millions of multiplications a picture)."""
    rows = []
    features = torch.empty(1, 3, side, side, device="meta")
    for name, stage in net.to("meta").eval().named_children():
        features, weights, work = cost(stage, features)
        rows.append((name, features.shape[1], features.shape[-1], weights / 1e6, work / 1e6))
    return rows


def whole_vgg() -> nn.Sequential:
    """VGG-16 with its classifier, which a `Backbone` leaves out."""
    with torch.device("meta"):
        model = get_model("vgg16", weights=None)
    stages = OrderedDict(name_vgg(model.features).named_children())
    return nn.Sequential(OrderedDict(**stages, flat=nn.Flatten(), classifier=model.classifier))


with torch.device("meta"):
    opened = {
        "VGG-16": ledger(whole_vgg()),
        "ResNet-50": ledger(name_resnet(get_model("resnet50", weights=None))),
        "EfficientNet-Lite0": ledger(efficientnet_lite0()),
    }
for name, rows in opened.items():
    weights, work = (sum(row[i] for row in rows) for i in (3, 4))
    print(f"{name:20} {weights:6.1f} million weights, {work / 1e3:5.2f} thousand million multiplications a picture")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Three networks spend their work in three places
#
# Height: the side of the map. Width: its channels. Dark: much of the work.
#
# ???
# (4 min) Ask where VGG-16 keeps its weights. Nine of ten are in the three layers that give names, and generation has no
# use for those. It works on large maps, ResNet-50 shrinks the picture at once, and EfficientNet-Lite0 does with a tenth
# of the work of ResNet-50. The slabs above tell it, the bars below are for those who read on.

# %% slideshow={"slide_type": "-"}
alt = (
    "Each network as a row of slabs from left to right, as high as the map's side and as wide as its channels are many; colour "
    "shows the share of multiplications. VGG-16 keeps large maps for long. Below: weights and multiplications by the size of the map."
)
with plot.figure(3, 2, alt=alt, size=(3.6, 2.4)) as axes:
    for column, (name, rows) in enumerate(opened.items()):
        slabs, bars = axes[0, column], axes[1, column]
        whole = sum(row[4] for row in rows)
        left, groups = 0.0, {}
        for stage, channels, side, weights, work in rows:
            flat = stage in ("pool", "flat", "logits", "classifier")
            groups.setdefault(0 if flat else side, []).append((weights, work))
            if flat or not work:
                continue
            width, height = (channels / 64) ** 0.5, side**0.5
            corners = [left, left, left + width, left + width], [-height / 2, height / 2, height / 2, -height / 2]
            slabs.fill(*corners, color=REAL, alpha=min(1.0, 0.08 + 4 * work / whole), lw=0)
            slabs.plot([*corners[0], left], [*corners[1], -height / 2], color="0.3", lw=0.6)
            left += width + 0.35
        slabs.set(xlim=(-0.5, left + 0.5), ylim=(-8, 8), title=name)
        slabs.axis("off")
        labels = [f"{side} px" if side else "names" for side in groups]
        places = torch.arange(len(groups))
        for shift, i, colour, what in ((-0.2, 0, FAKE, "weights"), (0.2, 1, REAL, "multiplications")):
            total = sum(entry[i] for entries in groups.values() for entry in entries)
            share = [100 * sum(entry[i] for entry in entries) / total for entries in groups.values()]
            bars.bar(places + shift, share, 0.4, color=colour, label=what)
        bars.set_xticks(places, labels, fontsize=8)
        bars.set(ylim=(0, 100), ylabel="per cent" if column == 0 else "")
    axes[1, 1].legend(loc="upper left", fontsize=8.5)

# %% [markdown]
# Three ways of spending. VGG-16 does nearly all of its work on large maps, with many channels from the first layer on,
# and keeps nine of ten weights in the three fully connected layers that give names. Generation has no use for those: a
# `Backbone` leaves them out, and of 138 million weights 15 million remain. ResNet-50 shrinks the picture at once.
# EfficientNet-Lite0 is nearly as accurate as ResNet-50 for a tenth of the work (section 11 has the numbers): behind its
# first layer only the depthwise convolutions look at neighbours, and those are nearly free.
#
# The fourth network of the chapter is our own: a classifier of garments that was trained on Fashion-MNIST alone, with a
# twentieth of the weights. It is the specialist beside the generalists.

# %% minigan="backbones"
# fashion_classifier

# %% [markdown]
# ## 2. A network as a row of feature maps
#
# Three demands on a network that only *looks*. Its weights stay as they are. Its statistics stay as they are, which is
# less obvious (section 7). And a gradient still runs through it to the picture, because the picture, or what drew it,
# is what learns.

# %% minigan="backbones"
# Frozen

# %% [markdown]
# It is tempting to write `with torch.no_grad():` around such a network. That would cut the third demand: no error
# appears, and the generator learns nothing. `requires_grad_(False)` stops the gradient from being stored in the
# weights. It does not stop it from passing.
#
# `Backbone` is a frozen network that returns the maps of the layers that were asked for, by name.

# %% minigan="backbones"
# IMAGENET, HALF, BACKBONES, Backbone, at_64_pixels, large_enough, prepare

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Fewer places, more channels: a row of feature maps
#
# `Backbone("efficientnet_lite0")` on a picture of 224 pixels:
#
# ???
# (3 min) Before the printed lines: a picture of 224 pixels goes in, how large is the map after the last block? Then
# read the table: each line halves the side and widens the channels. The backbone is frozen, but a gradient still runs
# through it to the picture. Ask what `with torch.no_grad():` around it would do: no error, and a generator that learns
# nothing.

# %% slideshow={"slide_type": "-"} tags=["nbval-check-output", "slide-text"]
backbone = Backbone("efficientnet_lite0")
for layer, maps in backbone(torch.zeros(1, 3, 224, 224)).items():
    print(f"{layer:8} stride {backbone.strides[layer]:2}  {tuple(maps.shape)}")

# %% [markdown]
# One layer for each size of map is the default. `layers=["block4.expand", "pool"]` asks for others, and
# `layers=[3, 8, 15, 22, 29]` for VGG's by torchvision's numbers, as many programs write them. Behind the last layer
# that is asked for nothing is computed.
#
# How does it get at the inside of a network? torch writes the computation down as a graph, each node with the layer it
# belongs to. The nodes that were asked for become the output, and what no longer leads to it is deleted. Hooks would do
# as well, but they keep computing to the end, and leave features in a list that somebody must empty.

# %% minigan="backbones"
# Tracer, up_to, find_layer, is_empty

# %% [markdown]
# And the twin? He initialisation keeps the size of the signal from layer to layer, so that random weights at least pass
# everything on. `weights=None` says openly that a control is meant. A name without weights at hand is an error, never
# silently this.

# %% minigan="backbones"
# start_at_random

# %%
layers = BACKBONES[network][1]


def twins(layers: Sequence[str], size: int | None = None) -> dict[str, Backbone]:
    """The pretrained network and its twin with random weights."""
    random = torch.Generator().manual_seed(0)
    return {
        "pretrained": Backbone(network, layers, size=size),
        "random": Backbone(network, layers, weights=None, size=size, generator=random),
    }


def middle(name: str, side: int) -> Tensor:
    """The middle square of a photograph of the pack: (1, 3, side, side)."""
    picture = data.photo(name)
    height, width = picture.shape[-2:]
    edge = min(height, width)
    top, left = (height - edge) // 2, (width - edge) // 2
    return data.resize(picture[..., top : top + edge, left : left + edge], side)


# %% [markdown]
# ## 3. What the layers see in one photograph
#
# **Predict.** A kitten with a ball of wool on a red carpet. What will be left of it in the first layers, what in the
# last? And what in the twin's?


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Random filters find edges too
#
# Left pretrained, right random. From which row on does training show?
#
# ???
# (5 min) Let people walk up to the screen if they like. Expect the first row, because its maps look like a kitten; but
# so do the twin's. The difference comes with depth: by the fourth row the twin has stirred the kitten into noise, and
# the trained layers have kept some order. That a map looks like the picture is no sign that the network knows anything.


# %% slideshow={"slide_type": "-"}
def liveliest(maps: Tensor, count: int) -> Tensor:
    """The channels of (1, C, H, W) that vary most over the picture: (count, H, W)."""
    spread = maps[0].flatten(1).std(1)
    return maps[0, spread.topk(count).indices]


def as_pictures(maps: Tensor, side: int = 72) -> Tensor:
    """Channels (K, H, W) as grey pictures (K, 1, side, side), each from its own darkest to its own lightest value."""
    low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
    scaled = 2 * (maps - low) / (high - low).clamp(min=1e-12) - 1
    return F.interpolate(scaled[:, None], side, mode="nearest")


kitten = middle("cat", 224)
rows = {}
with torch.no_grad():
    seen = {name: net(kitten) for name, net in twins(layers).items()}
for layer in layers:
    both = [as_pictures(liveliest(maps[layer], 5)) for maps in seen.values()]
    between = data.resize(kitten, 72) if layer == layers[0] else torch.ones(1, 3, 72, 72)
    row = [both[0].expand(-1, 3, -1, -1), between, both[1].expand(-1, 3, -1, -1)]
    rows[f"{layer}\n{seen['pretrained'][layer].shape[-1]} px"] = torch.cat(row)
alt = (
    "Five rows of grey feature maps of a kitten, pretrained on the left, random on the right. Pretrained: fine edges first, then "
    "outlines and the wool, at the end a few coarse spots on kitten and wool. Random: the kitten at first, noise in the last two rows."
)
plot.compare(rows, titles=["", "", "pretrained", "", "", "picture", "", "", "random", "", ""], width=7.4, alt=alt)

# %% [markdown]
# Look at the left half. `block0` draws edges and contrasts of colour. `block2` and `block4` are about outlines and texture:
# the wool, the rim of the fur. In `block10` a place stands for 16 pixels. In `block15` a map has 7 x 7 places, and the
# picture is gone: a channel says *something of my kind is about here*, at the head of the kitten or at the ball.
#
# The right half holds a surprise. In its first rows the twin shows the kitten just as well. Random filters find edges too:
# **that a map looks like the picture is no sign that the network knows anything.** The difference comes with depth. Each
# random layer mixes without choosing, and by `block10` the twin has stirred the kitten into noise, while the trained
# layers have kept some order. The last map of the trained network is coarse, but it is smooth.
#
# ## 4. How far a unit sees
#
# A unit at place $(i, j)$ of a deep map knows only a part of the picture: its *receptive field*. Go from the picture to
# the layer. A convolution with kernel $k$ looks at $k$ neighbouring places of the map before it, and those lie $s$
# pixels apart, where $s$ is the stride up to there. So each layer adds to the field's side $r$
#
# $$r \leftarrow r + (k - 1)\, s, \qquad s \leftarrow s \cdot \text{its own stride}, \qquad \text{from } r = s = 1.$$
#
# **Predict.** How much of a picture of 224 pixels does a unit of VGG-16's last layer see? And one of ResNet-50's?


# %% [markdown] slideshow={"slide_type": "slide"}
# ## How much of the picture can a unit see?
#
# $$r \leftarrow r + (k - 1)\, s, \qquad s \leftarrow s \cdot \text{its own stride}$$
#
# VGG-16's last layer, on 224 pixels: how many?
#
# ???
# (3 min) Start with r = s = 1 and do two layers of 3 x 3 on the board: 3, then 5 pixels. Expect "all of it" for the
# last layer. It is 212 after the last pooling, so VGG-16 never sees the whole picture, only its fully connected layers
# do. ResNet and EfficientNet pass beyond the edges. But this counts what can matter, not what does.


# %%
def receptive_fields(net: nn.Sequential) -> dict[str, tuple[int, int]]:
    """{stage: (side of its receptive field, stride)} in pixels, along the longest way through each block."""
    field, stride, found = 1, 1, {}
    for stage, module in net.named_children():
        for name, layer in module.named_modules():
            if isinstance(layer, nn.Conv2d | nn.MaxPool2d) and "downsample" not in name:  # that is the short way
                kernel, step = (
                    size if isinstance(size, int) else size[0] for size in (layer.kernel_size, layer.stride)
                )
                field, stride = field + (kernel - 1) * stride, stride * step
        if stage != "pool":
            found[stage] = field, stride
    return found


with torch.device("meta"):
    fields = {
        "VGG-16": receptive_fields(name_vgg(get_model("vgg16", weights=None).features)),
        "ResNet-50": receptive_fields(name_resnet(get_model("resnet50", weights=None))),
        "EfficientNet-Lite0": receptive_fields(efficientnet_lite0()),
    }
for name, stages in fields.items():
    last = [stage for stage in stages if stage not in ("head", "logits")][-1]
    print(f"{name:20} {last:8} sees {stages[last][0]} pixels a side, stride {stages[last][1]}")

# %% [markdown]
# The formula counts which pixels *can* matter. How much they do is another question, and the network answers it itself.
# Take one unit in the middle of a layer and ask for the gradient of what it says with respect to the picture: a pixel
# that it ignores has gradient 0 ([Luo et al. 2016](https://arxiv.org/abs/1701.04128) call the result the *effective*
# receptive field). One picture and one channel would be an anecdote. So we mix the channels with random signs and
# average the squared gradients over photographs.


# %%
def heat(backbone: Backbone, images: Tensor) -> dict[str, Tensor]:
    """The mean squared gradient of each layer's middle unit with respect to each pixel: {layer: (H, W)}."""
    found = {layer: torch.zeros(images.shape[-2:]) for layer in backbone.layers}
    random = torch.Generator().manual_seed(1)
    for image in images.split(1):
        image.requires_grad_()
        for layer, maps in backbone(image).items():
            i, j = (side // 2 for side in maps.shape[-2:])
            unit = maps[0, :, i, j] @ torch.randn(maps.shape[1], generator=random)
            (gradient,) = torch.autograd.grad(unit, image, retain_graph=True)
            found[layer] += gradient.square().sum((0, 1)) / len(images)
    return found


def side_of(heat: Tensor, share: float = 0.9) -> int:
    """The side of the square around the centre of the heat that holds this share of it."""
    places = torch.arange(len(heat))
    i, j = (round(float((heat.sum(axis) * places).sum() / heat.sum())) for axis in (1, 0))
    for reach in range(len(heat)):
        inside = heat[max(0, i - reach) : i + reach + 1, max(0, j - reach) : j + reach + 1]
        if inside.sum() >= share * heat.sum():
            return 2 * reach + 1
    return len(heat)


edge = 192
landscapes = data.load("photos", size=edge)[: pick(quick=1, cpu=8, full=64)]
warm = {name: heat(net, landscapes) for name, net in twins(layers).items()}
hardware.return_unused_memory()  # it would stay with the kernel

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A unit uses far less than it could see
#
# Bright: pixels that change what the middle unit says. Dashed: the theory.
#
# ???
# (5 min) Ask first which of the two rows will have the larger spots. Expect the trained one. Here it is the random
# twin, up to the fourth column. The paper by Luo and others found the reverse for its networks, so the only safe rule
# is to measure it for the network at hand. What counts in choosing a layer is what the unit uses.

# %% slideshow={"slide_type": "-"}
theory = receptive_fields(build(network)[0])
alt = (
    "Two rows of five squares, pretrained above, random below. A small bright spot in the middle grows from layer to layer. "
    "It fills only a part of the dashed square of the theory, and the pretrained spot is smaller than the random one."
)
with plot.figure(5, 2, alt=alt, size=(1.4, 1.6)) as axes:
    for row, (name, maps) in zip(axes, warm.items(), strict=True):
        for axis, (layer, found) in zip(row, maps.items(), strict=True):
            axis.imshow((found / found.max()).sqrt(), cmap="magma", vmin=0, vmax=1)
            half = theory[layer][0] / 2
            square = [edge / 2 - half, edge / 2 + half]
            axis.plot([*square, *square[::-1], square[0]], [*[square[0]] * 2, *[square[1]] * 2, square[0]], "w--", lw=1)
            axis.set(xlim=(0, edge), ylim=(edge, 0), xticks=[], yticks=[])
            axis.set_title(f"{layer}: {theory[layer][0]} px" if name == "pretrained" else "", fontsize=9)
            axis.set_xlabel(f"90% in {side_of(found)} px", fontsize=8.5)
        row[0].set_ylabel(name)

# %% [markdown]
# A unit of the fourth layer could see more than the whole picture, and listens to a part of it; the outer pixels
# reach it on few paths, those in the middle on very many. Bear this in mind when you choose a layer for a task: what
# counts is what the unit *uses*.
#
# And the twin uses more. Up to the fourth column, the pretrained network looks much closer than the random one; in the
# last, the picture ends too soon to tell. The paper by Luo
# et al. reports the reverse for the networks that it trained: there the effective field grew with training. Both can be
# true, because it depends on the architecture and on how the random weights are drawn. What is safe is only this:
# **measure it for the network at hand**, and don't read it off a table of theoretical fields.
#
# The theory has its own surprise. A VGG-16 unit in the last convolution sees 196 pixels of 224, and after the last
# pooling 212. It never sees the whole picture; only its fully connected layers do. ResNet and EfficientNet pass beyond
# the edges, into the padding.
#
# ## 5. It gives things names
#
# The last layer has a thousand logits, and a softmax makes shares of them. What does the network say about five
# photographs that it has never seen?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## It has no word for giraffe, and answers by the coat
#
# A thousand names. What will it say to a cat, a cup, a dahlia, a rocket, a giraffe?
#
# ???
# (4 min) The room gives its three names for each picture, then press the key. The rocket is first of all a drilling
# platform, but missile, projectile and space shuttle together are ahead of it: a first name is a poor summary. The
# giraffe becomes a spotted cat. Such features forgive a wrong shape sooner than a wrong texture; keep it in mind when
# they judge generated pictures.

# %% slideshow={"slide_type": "fragment"}
categories = get_model_weights("resnet18")["IMAGENET1K_V1"].meta["categories"]
namer = Backbone("efficientnet_lite0", ["logits"])  # a VGG ends before its names


def crop(names: Sequence[str]) -> Tensor:
    """The usual view for naming: the middle 224 pixels of a square of 256."""
    return torch.cat([middle(name, 256)[..., 16:-16, 16:-16] for name in names])


asked = ["chelsea", "coffee", "flower", "rocket", "giraffe"]
pictures = crop(asked)
with torch.no_grad():
    shares = torch.cat([namer(picture[None])["logits"].softmax(1) for picture in pictures])
alt = (
    "Five photographs with bars of the three likeliest names. A cat: three kinds of cat. A cup: espresso. A flower: daisy. "
    "A rocket on its pad: drilling platform, missile, projectile. A giraffe: cheetah, leopard, gazelle."
)
with plot.figure(5, 2, alt=alt, size=(1.3, 1.4)) as axes:
    for picture, share, (above, below) in zip(pictures, shares, axes.T, strict=True):
        above.imshow((picture.permute(1, 2, 0) + 1) / 2)
        above.axis("off")
        best = share.topk(3)
        below.barh(range(3), best.values, color=REAL, alpha=0.35)
        below.set(xlim=(0, 1), ylim=(2.6, -0.6), xticks=[0, 1], yticks=[])
        for place, index in enumerate(best.indices.tolist()):
            below.text(0.03, place, categories[index], va="center", fontsize=8.5)

rocket = dict(zip(categories, shares[3].tolist(), strict=True))
together = sum(rocket[name] for name in ("missile", "projectile", "space shuttle"))
first = max(rocket, key=lambda name: rocket[name])
print(f"the rocket: {first} {rocket[first]:.2f}; missile, projectile and space shuttle together {together:.2f}")
print("among the thousand names:", {name: name in categories for name in ("giraffe", "dahlia", "daisy")})

# %% [markdown]
# The espresso is certain, and the cat is divided between three names for cats, which is as good as right. The flower is a
# dahlia. That is no word of ImageNet, and *daisy* is as near as it comes. The other two teach more.
#
# **The rocket** is, first of all, a *drilling platform*. ImageNet has no rocket. Among its thousand names are missile,
# projectile and space shuttle; they share what a rocket would get, and together they are ahead of the platform. A first
# name is a poor summary of what a network knows.
#
# **The giraffe** has no name in ImageNet either. The network answers with spotted cats, then a long-legged grazer. It
# goes by the *coat*. That networks trained on ImageNet judge by texture more than by shape was shown by
# [Geirhos et al. 2019](https://arxiv.org/abs/1811.12231), with cats in elephant's skin. For people it is the reverse.
# Keep it in mind when such features judge generated pictures: they forgive a wrong shape sooner than a wrong texture.
#
# It also says what to expect abroad. A network knows its thousand names and what was needed to tell them apart: a
# hundred breeds of dog, and no drawn faces at all.
#
# ## 6. The statistics belong to the weights
#
# A network learns on pictures that were prepared in one way: so much subtracted, divided by so much. Its first layer is
# tuned to that. EfficientNet-Lite0 was trained on $2x - 1$ of pictures $x$ in [0, 1]; torchvision's networks on
# $(x - \mu) / \sigma$ with the mean and spread of ImageNet's colours. Whoever mixes them up gets no error.
#
# This is why a `Backbone` takes [-1, 1] like everything else here, and keeps $\mu$ and $\sigma$ as buffers beside the
# weights. To see what it protects from, we get it wrong on purpose.
#
# **Predict.** For how many of 84 photographs does the first name change if the network gets [0, 1] instead of [-1, 1]?
# If it gets 0 to 255?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A picture in the wrong range raises no error
#
# Of 84 photographs, how many change their first name if the net gets $[0, 1]$ instead of $[-1, 1]$?
#
# ???
# (4 min) Collect numbers, then press the key. Expect "nearly all". Most keep their name, and that is the trouble:
# whoever tries the code on one clear photograph finds nothing wrong, while the features have moved a noticeable part of
# the way to another photograph. Only 0 to 255 can be caught. So one contract for all pictures, and one place that knows
# the statistics.

# %% slideshow={"slide_type": "fragment"}
photos = torch.cat([data.load("photos", split, size=128)[:] for split in ("train", "test")])
photos = photos[: pick(quick=12, cpu=len(photos), full=len(photos))]
named = Backbone("efficientnet_lite0", ["block15", "logits"])


@torch.no_grad()
def read(standardised: Tensor) -> tuple[Tensor, Tensor]:
    """The first name, and the mean features of the last block, of images as the bare network would get them."""
    parts = [named.net(part) for part in standardised.split(7)]
    names = torch.cat([part["logits"].argmax(1) for part in parts])
    return names, torch.cat([part["block15"].mean((2, 3)) for part in parts])


mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in IMAGENET)
right_names, right_features = read(photos)  # its mean and spread are 0.5: [-1, 1] already is what it wants
apart = distances(right_features, right_features).fill_diagonal_(torch.inf).amin(1).median()
wrong: dict[str, Callable[[Tensor], Tensor]] = {
    "[0, 1]": lambda images: (images + 1) / 2,
    "ImageNet's statistics": lambda images: ((images + 1) / 2 - mean) / std,
    "blue and red exchanged": lambda images: images.flip(1),
    "ImageNet's, applied twice": lambda images: (((images + 1) / 2 - mean) / std - mean) / std,
    "0 to 255": lambda images: (images + 1) * 127.5,
}
changed, moved = {}, {}
for name, prepared in wrong.items():
    names, features = read(prepared(photos))
    changed[name] = 100 * float((names != right_names).float().mean())
    moved[name] = float(distances(features, right_features).diag().median() / apart)

alt = (
    "Two bar charts for five wrong preparations. Left: the share of photographs whose first name changes, small for [0, 1], nearly all for "
    "0 to 255. Right: how far the features move, in units of the distance to the most similar other photograph."
)
with plot.figure(2, alt=alt, size=(4.4, 2.5)) as (left, right):
    left.barh(list(changed), list(changed.values()), color=FAKE)
    right.barh(list(moved), list(moved.values()), color=FAKE)
    right.axvline(1, color="0.4", ls="--", lw=1)
    left.set(title="photographs with another first name", xlabel="per cent", xlim=(0, 100))
    right.set(title="how far the features move", xlabel="1: to the most similar photograph", yticks=[])
    left.invert_yaxis()
    right.invert_yaxis()
for name in wrong:
    print(f"{name:26} {changed[name]:5.1f} % renamed, features moved by {moved[name]:.2f}")
del named, landscapes
gc.collect()
hardware.return_unused_memory()

# %% [markdown]
# Nothing has failed, and that is the trouble. With [0, 1] in place of [-1, 1], or with ImageNet's statistics in place of its
# own, most photographs keep their name. The espresso stays an espresso. Who tries the new code on one clear
# photograph finds nothing wrong: it is the harder ones that tip. The features have moved all the same, by a noticeable part
# of the way to the most similar other photograph. Real pictures prepared in one way and fakes in another are told apart by
# that alone, and a feature distance measures the preparation.
#
# Statistics applied twice happen where a data loader normalises and the network does too. 0 to 255 leaves nothing. That
# one can be caught, and is:

# %% tags=["nbval-check-output"]
try:
    namer((crop(["coffee"]) + 1) * 127.5)
except ValueError as error:
    print(error)

# %% [markdown]
# The others cannot: pictures in [0, 1] lie inside [-1, 1]. The only help is one contract for all pictures, and one place
# that knows the statistics.
#
# ## 7. Frozen means the statistics too
#
# Batch norm has weights, which the optimiser moves, and a running mean and variance, which *every forward pass* in
# training mode moves. Here is how a well-meant program spoils its feature network. It sets `requires_grad_(False)`, and
# some lines later calls `.train()` on the model that contains it, as every training loop does.
#
# **Predict.** The network looks at batches of 16 drawn heads in training mode. No optimiser exists. After how many
# batches does it still know its photographs?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## No weight has moved, and the network has forgotten
#
# `requires_grad_(False)`, no optimiser, batches of drawn heads in training mode. How long does it know its photographs?
#
# ???
# (4 min) Expect "for ever, nothing learns". Press the key. Batch norm moves its running mean and variance in every
# forward pass of training mode, and the parent's train() reaches every part inside. Calling eval() once after loading
# does not help. Frozen answers train() by staying in eval mode. Test for it by comparing the whole state dict, buffers
# included.

# %% slideshow={"slide_type": "fragment"}
heads = data.resize(data.load("micah")[:64], 128)
known_photos = data.load("photos", "test", size=128)[: pick(quick=4, cpu=19, full=19)]
batches = pick(quick=2, cpu=12, full=40)


class Judge(nn.Module):
    """A model that contains a feature network, as a perceptual loss or a projected discriminator does."""

    def __init__(self, features: nn.Module):
        super().__init__()
        self.features = features
        self.head = nn.Linear(1000, 1)


@torch.no_grad()
def drift(features: nn.Module, batches: int) -> list[float]:
    """The share of photographs that keep their first name, after each batch of heads under the parent's `train()`."""
    judge, kept = Judge(features), []
    expected = judge.eval().features(known_photos).argmax(1)
    random = torch.Generator().manual_seed(0)
    for _ in range(batches):
        judge.train()
        judge.features(heads[torch.randint(len(heads), (16,), generator=random)])
        judge.eval()
        kept.append(100 * float((judge.features(known_photos).argmax(1) == expected).float().mean()))
    return [100.0, *kept]


def fresh() -> nn.Sequential:
    """The whole network with its weights, not yet frozen."""
    net = efficientnet_lite0()
    load_weights(net, find_weights("efficientnet_lite0", "default"))
    return net


careless = fresh().requires_grad_(False)
weights_before = copy.deepcopy(dict(careless.named_parameters()))
spoilt = drift(careless, batches)
frozen = Frozen(fresh())
kept = drift(frozen, batches)
same = all(torch.equal(parameter, weights_before[name]) for name, parameter in careless.named_parameters())
print(f"careless: weights unchanged: {same}; photographs that keep their name: {spoilt[-1]:.0f} %")
print(f"Frozen:   photographs that keep their name: {kept[-1]:.0f} %")
del careless, frozen, weights_before, heads
gc.collect()
hardware.return_unused_memory()
alt = (
    "The share of photographs that keep their first name against the batches of heads seen. With requires_grad_(False) alone it falls from "
    "100 per cent towards 0 within some ten batches. With Frozen it stays at 100."
)
plot.curves(
    {"requires_grad_(False)": spoilt, "Frozen": kept}, labels=("batches of heads seen", "names kept, per cent"), alt=alt
)

# %% [markdown]
# No weight has changed. But `.train()` on the parent reached every part inside, and there batch norm did two things: it
# normalised each batch by *the batch*, and it moved its running mean and variance a tenth of the way towards drawn heads.
# Twelve such steps go seven tenths of the way. The network now has the statistics of drawn heads on white, and weights
# that were made for photographs.
#
# Calling `.eval()` once, after loading, does not help: the parent's next `.train()` undoes it. `Frozen` answers `.train()`
# by staying in eval mode. Test for it as the tests of this course do: train something, then compare the whole *state
# dict*, buffers included, bit by bit.
#
# ## 8. Near and far
#
# Features make a space, and in a space there are neighbours. The two distances in use are
#
# $$\lVert u - v \rVert^2 = \lVert u \rVert^2 + \lVert v \rVert^2 - 2\, u \cdot v \qquad \text{and} \qquad
# 1 - \cos(u, v) = 1 - \frac{u \cdot v}{\lVert u \rVert\, \lVert v \rVert}.$$
#
# For vectors of length 1 they are the same up to a factor of 2. They differ in what they make of *length*. A feature
# vector is long where there is much to see: contrast, edges, many things. The cosine drops the length and keeps the
# direction, which is *what* is seen.
#
# First photographs. To each of four, the two nearest of all the others.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The cosine drops the length of a feature vector
#
# $$\lVert u - v \rVert^2 \qquad\text{or}\qquad 1 - \frac{u \cdot v}{\lVert u \rVert\, \lVert v \rVert}$$
#
# Length is contrast and how much there is to see. Direction is *what* is seen.
#
# ???
# (3 min) Ask when the two give different neighbours. For vectors of length 1 never; else where lengths differ. Let the
# room name a case in which contrast should not count (naming in fog) and one in which it should (restoring a picture).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## No name for the rocket, and yet towers beside it
#
# To each of four photographs the two nearest, in three spaces.
#
# ???
# (4 min) Cover the right columns if you can, and ask for the two nearest of the pyramid by pixels. By pixels neighbours
# have the same layout, bright above and dark below. The twin's are hard to explain at all. The trained features put
# pyramids beside the pyramid, and towers beside the rocket, whose name the network does not know: a thing need have no
# name to have a place.

# %% slideshow={"slide_type": "-"}
shelf = [name for split in ("train", "test") for name in data.load("photos", split, size=128).names][: len(photos)]
twin = twins([layers[-1]])
spaces = {
    "pixels": data.resize(photos, 16).flatten(1),
    "random": sketches(twin["random"], photos, side=1)[layers[-1]],
    "pretrained": sketches(twin["pretrained"], photos, side=1)[layers[-1]],
}
queries = [name for name in ("bentPyramid", "chicken", "koala", "rocket") if name in shelf] or shelf[:2]
rows, white = {}, torch.ones(1, 3, 72, 72)
for name in queries:
    place = shelf.index(name)
    row = [data.resize(photos[[place]], 72)]
    for vectors in spaces.values():
        far = distances(vectors[[place]], vectors)[0]
        far[place] = torch.inf  # a photograph is no neighbour of itself
        row += [white, data.resize(photos[far.topk(2, largest=False).indices], 72)]
    rows[name] = torch.cat(row)
titles = ["photograph", "", "by", "pixels", "", "by", "random", "", "by", "trained"]
alt = (
    "Four photographs, each with its two nearest others. By pixels: pictures of the same brightness. By random weights: no "
    "reason to be seen. Pretrained: pyramids for the pyramid, farm animals for the hens, furry animals for the koala, a tower and a castle for the rocket."
)
plot.compare(rows, titles=titles, width=6, alt=alt)

# %% [markdown]
# By pixels, neighbours have the same *layout*: bright above and dark below. The twin's neighbours are hard to explain at
# all. The pretrained features put pyramids to the pyramid, farm animals to the hens, furry animals to the koala. The rocket,
# whose name the network did not know, stands beside the Eiffel Tower and a castle with towers: tall things against the
# sky. A thing need have no name to have a place.
#
# **In fog.** When do the two distances differ? When length does. Take photographs and fade them to an eighth of their
# contrast, as fog does. Is the nearest to the faded one still its original?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## In fog the last layers still find the original
#
# Faded to an eighth of the contrast. Is the nearest photograph still the original?
#
# ???
# (4 min) Let the room predict early or late layers, and which distance wins, then press the key. Early layers measure
# contrast and fail. Nobody has told the network that fog does not matter: it has seen the same things in all lights
# under the same name. In block10 the cosine finds far more than the Euclidean distance, for fading has shortened the
# vectors.

# %% slideshow={"slide_type": "fragment"}
clear = photos[: pick(quick=4, cpu=40, full=84)]
level = clear.mean((1, 2, 3), keepdim=True)
faded = level + (clear - level) / 8
kept_in_fog = {}
for name, net in twins(layers).items():
    before, after = sketches(net, clear, side=1), sketches(net, faded, side=1)
    for how in ("cosine", "euclidean"):
        kept_in_fog[name, how] = [100 * partner_rate(after[layer], before[layer], how) for layer in layers]
alt = (
    "Left: photographs of a fig, a drum and mountains, clear above and faded below. Right: how often the faded photograph is nearest to "
    "its original. Pretrained, the last layers find nearly all, by the cosine more than by the Euclidean distance. Random finds few."
)
with plot.figure(2, alt=alt, size=(4.2, 3.0)) as (left, right):
    left.imshow(plot.tile(data.resize(torch.cat([clear[:3], faded[:3]]), 72), 3))
    left.axis("off")
    for (name, how), rates in kept_in_fog.items():
        colour, style = REAL if name == "pretrained" else FAKE, "o-" if how == "cosine" else "o--"
        right.plot(layers, rates, style, color=colour, label=f"{name}, {how}", ms=5)
    right.set(title="originals found, per cent", ylim=(-4, 104))
    right.legend(loc="center left", fontsize=8.5)
for (name, how), rates in kept_in_fog.items():
    print(f"{name:11} {how:10}", "  ".join(f"{layer} {rate:.0f} %" for layer, rate in zip(layers, rates, strict=True)))

# %% [markdown]
# Faded to an eighth of its contrast, a photograph is hard to recognise, and by pixels it is nearest to whatever is greyest.
# The early layers fare no better: contrast is what they measure. The last pretrained layer still finds nearly every original.
# Nobody told the network that fog does not matter. It has seen the same things in all lights, under the same name.
#
# And here the distances part. In `block10` the angle finds far more originals than the Euclidean distance does: fading has
# shortened the vectors, and other photographs with short vectors come nearer. **Take the cosine where brightness and
# contrast should not count, and the Euclidean distance where they should.** In a loss for restoring pictures, they should.
#
# Photographs leave room for taste. Emoji do not: the pack has 889 things drawn twice, by two studios, in two styles.
# Take a drawing of one studio and ask for the nearest among the other's. It should be the same thing. Guessing is right
# once in as many tries as there are drawings.
#
# **Predict.** At which of the five layers is the partner found most often? Does the last one win? And where does the
# random twin peak?
#
# From each layer we take a coarse sketch: the mean of each channel in 4 x 4 fields, so that the layers are compared
# with equal knowledge of places.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The gap between the curves is what training has brought
#
# Two studios have drawn the same things. At which layer is the partner found most often, and where does the twin peak?
#
# ???
# (5 min) Everybody draws two curves over five layers, then press the key. Most of the gain is made by block2, and it
# grows slowly to the end. The twin rises a little above the pixels, for local averaging helps, and then falls: after a
# few layers what the architecture brings is spent.

# %% slideshow={"slide_type": "fragment"}
pairs = torch.randperm(889, generator=torch.Generator().manual_seed(0))[: pick(quick=24, cpu=200, full=889)]
ours, theirs = data.load("noto")[pairs], data.load("twemoji")[pairs]
found: dict[str, dict[str, list[float]]] = {}
drawn = {}
for name, net in twins(layers, size=128).items():
    drawn[name] = sketches(net, ours), sketches(net, theirs)
    found[name] = {
        how: [100 * partner_rate(drawn[name][0][layer], drawn[name][1][layer], how) for layer in layers]
        for how in ("cosine", "euclidean")
    }
by_pixels = 100 * partner_rate(ours.flatten(1), theirs.flatten(1))
gc.collect()
hardware.return_unused_memory()

alt = (
    "The share of partners found over five layers. Pretrained rises steeply from the first to the second and slowly after; cosine and "
    "Euclidean are alike. Random weights rise a little above the line of the pixels, and fall far below it at the last layer."
)
with plot.figure(alt=alt, size=(6.2, 3.2)) as axis:
    for name, colour in (("pretrained", REAL), ("random", FAKE)):
        axis.plot(layers, found[name]["cosine"], "o-", color=colour, label=f"{name}, cosine")
        axis.plot(layers, found[name]["euclidean"], "o--", color=colour, lw=1.2, ms=4, label=f"{name}, Euclidean")
    axis.axhline(by_pixels, color="0.4", lw=1)
    axis.text(3.9, by_pixels + 1.5, "pixels", fontsize=9, color="0.4", ha="right")
    axis.set(title=f"partners found among {len(pairs)} drawings", ylabel="per cent", ylim=(0, 100))
    axis.legend(loc="upper right", ncols=2, fontsize=8.5)
print(f"pixels {by_pixels:.0f} %, guessing {100 / len(pairs):.1f} %")
for name in found:
    print(
        f"{name:11}",
        "  ".join(f"{layer} {rate:.0f} %" for layer, rate in zip(layers, found[name]["cosine"], strict=True)),
    )

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Pixels match outlines, the last layer matches things
#
# Asked in one style, answered in the other.
#
# Last row: the right answer.
#
# ???
# (4 min) Go down one column: what does each layer take for the same thing? By pixels an all-purpose answer wins again
# and again, a grey receipt. Where the last layer errs it often stays in the family. Ask which row you would want in a
# loss that compares a drawing with a photograph.

# %% slideshow={"slide_type": "-"}
spaces = {"pixels": (ours.flatten(1), theirs.flatten(1))}
spaces |= {
    layer: (drawn["pretrained"][0][layer], drawn["pretrained"][1][layer])
    for layer in (layers[0], layers[2], layers[-1])
}
answers = {name: distances(*vectors).argmin(1) for name, vectors in spaces.items()}
right = torch.stack([answer == torch.arange(len(pairs)) for answer in answers.values()]).sum(0)
telling = [int(i) for count in (1, 2, 3) for i in (right == count).nonzero()[:, 0][:2]][:6]
rows = {"asked": ours[telling]} | {f"  {name}": theirs[answer[telling]] for name, answer in answers.items()}
rows["partner"] = theirs[telling]
alt = (
    "Six emoji in one style, and below each the nearest in another style, by pixels, by an early, a middle and the last layer. "
    "Pixels match colours and outlines, the same few answers again and again; the last layer mostly finds the same thing."
)
plot.compare(rows, width=4.8, alt=alt)

# %% [markdown]
# By pixels, an all-purpose answer wins again and again: a grey receipt is near to many things. The deepest layer sees past
# colour, slant and shading. Where it errs, it often stays in the family: a tram for a monorail.
#
# Compare the curves. Most of the gain has been made by `block2`, where a unit uses a patch of some ten pixels; from
# there on it grows slowly. The twin has its best rate there too, above the pixels, and then falls: what an untrained *architecture*
# brings is local averaging, and after a few layers it is spent. The gap between the two curves is what training has
# brought, and it widens to the very end. Cosine and Euclidean distance hardly differ here: nobody has faded the emoji.
#
# One often reads that the last layer is the best for likeness. That holds here for a sketch of 4 x 4 fields. Try it with
# `sketches(..., side=1)`, which forgets all places.
#
# ## 9. What survives
#
# A layer is a summary. What has it left out? Forget the picture, keep only its features at one layer, and look for a
# picture that has the same ([Mahendran and Vedaldi 2015](https://arxiv.org/abs/1412.0035)):
#
# $$\hat x = \arg\min_{x'} \; \lVert F_i(x') - F_i(x) \rVert^2 + \lambda \, \mathrm{TV}(x')$$
#
# Many pictures fit. TV, the total variation (chapter 06 builds it), is the sum of differences between neighbouring
# pixels: it prefers the smooth ones.
#
# Done naively, on pixels, this gives coloured noise. Two tricks, well described by
# [Olah et al. 2017](https://distill.pub/2017/feature-visualization/), make the search see like a picture. The picture
# is a **pyramid**, a sum of grids from coarse to fine, and the coarse ones learn faster. And the three numbers of a
# grid's cell are not red, green and blue, but the three **directions in which colours of photographs vary**: first
# brightness, by far the most.
#
# **Predict.** What is lost first: position, colour, texture, or outline?


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Forget the picture, keep its features, and look for it again
#
# $$\hat x = \arg\min_{x'} \; \lVert F_i(x') - F_i(x) \rVert^2 + \lambda \, \mathrm{TV}(x')$$
#
# What is lost first: position, colour, texture, or outline?
#
# ???
# (3 min) A layer is a summary, and this asks what it has left out. TV prefers smooth pictures among the many that fit.
# Take votes for all four and write the order on the board; it is compared on the next slide.


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Colour goes before shape, exact place before rough place
#
# ???
# (5 min) Compare with the votes. Up to block10 the search has met the features, so the pictures say something about the
# layer; for the trained block15 it has failed, which says something about the search only. The twin's block10 is the
# lesson: a coloured fog has the features of a cup of coffee, so a loss on that layer would be content with fog.


# %% slideshow={"slide_type": "-"} tags=["slide-title-1"]
def natural_colours() -> Tensor:
    """(3, 3): columns are the directions in which the colours of photographs vary, as long as they vary much."""
    colours = data.load("photos", size=32)[:].permute(1, 0, 2, 3).flatten(1)
    variances, directions = torch.linalg.eigh(torch.cov(colours))
    return 2 * directions * variances.sqrt()


def invert(backbone: Backbone, target: Tensor, side: int, steps: int) -> tuple[Tensor, float]:
    """A picture with nearly the features `target` at the backbone's only layer, and which share of them is missed."""
    random = torch.Generator().manual_seed(0)  # from exactly grey, the bias-free twin gets no gradient
    grids = [0.01 * torch.randn(1, 3, side >> level, side >> level, generator=random) for level in range(6)]
    rates = [{"params": [grid.requires_grad_()], "lr": 0.04 * 0.6 ** (5 - level)} for level, grid in enumerate(grids)]
    optimizer = torch.optim.Adam(rates)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    mix = natural_colours()
    size = target.var((2, 3)).mean()

    def picture() -> Tensor:
        blended = sum(F.interpolate(grid, side, mode="bilinear") for grid in grids)
        return torch.tanh(torch.einsum("rc,nchw->nrhw", mix, blended))

    for _ in range(steps):
        image = picture()
        (maps,) = backbone(image).values()
        missed = ((maps - target).square() / size).mean()
        optimizer.zero_grad()
        (missed + 0.05 * total_variation(image)).backward()
        optimizer.step()
        schedule.step()
    return picture().detach(), float(missed.detach())


side = pick(quick=64, cpu=128, full=224)
cup = middle("coffee", side)
del ours, theirs, spaces, twin, namer
rows, misses = {}, {}
for name in ("trained", "random"):
    survived = [cup]
    for layer in layers:
        gc.collect()  # the graphs of earlier networks refer to themselves, and wait for this
        hardware.return_unused_memory()
        trained = "default" if name == "trained" else None
        net = Backbone(network, [layer], weights=trained, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            target = net(cup)[layer]
        image, misses[name, layer] = invert(net, target, side, pick(quick=2, cpu=120, full=600))
        survived.append(image)
    rows[name] = torch.cat(survived)
alt = (
    "A cup of coffee from above, and what can be got back from each layer. Pretrained: nearly all from the first, then softer colours and "
    "doubled outlines, at the fourth a ghost of the cup, from the last only smudges. The random twin is in the row below."
)
plot.compare(rows, titles=["picture", *layers], width=6.6, alt=alt)
for name in rows:
    print(f"{name:11} features missed:", "  ".join(f"{layer} {misses[name, layer]:.2f}" for layer in layers))

# %% [markdown]
# Read the pictures together with the printed numbers. A picture says something about a layer only where the search has met
# the features, that is, where little of them is missed.
#
# It is so up to `block10`. The trained network keeps nearly the whole cup in its first layers. Then the colours fade and
# outlines double: position has become vague, and colour counts for little. In `block10` the table has turned blue, and the
# cup, its handle and its spoon still stand in their places. **Colour goes before shape, and exact place before rough
# place.** This is what a perceptual loss on such a layer forgives.
#
# The twin is the lesson. For its `block10` the search has met most of the features, with a coloured fog. The fog *has*
# the features of a cup of coffee. So the layer does not hold the cup any more, and a loss on it would be content with fog.
#
# For the trained `block15` the search has failed: all is missed. That says something about our search, not about the layer. Section 8 has
# shown that the layer knows a cup when it sees one. To *draw* what it knows takes more than going downhill on pixels: it
# takes a generator.
#
# ## 10. Likeness, as people see it
#
# One more thing can be asked of features, and it is the one that chapter 06 lives on. Take a photograph. Move it by one
# pixel: nobody sees a difference. Now blur another copy, or press it into the blocks of a strong compression, or add
# noise, until its squared pixel error is *the same*, or a half, or a quarter. Everybody sees that.
#
# So the right answer is known by construction: the moved one is nearer.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A quarter of the error, and everybody sees it
#
# Which one is nearest to the photograph?
#
# ???
# (4 min) The second column is moved by one pixel. The three others have a quarter of its squared error. Let the room
# rank them and expect the moved one first. So the right answer is known by construction: the moved one is nearer, and
# pixels are wrong every time. How often will a layer be right, and the same layer with random weights?

# %% slideshow={"slide_type": "-"}
reference, moved_by_one, damaged = triplets(data.load("photos", "test", size=129)[:][[4, 9]], share=0.25)
rows = {"photograph": reference, "moved": moved_by_one} | damaged
errors = {name: float((images - reference).square().mean()) for name, images in rows.items()}
shown = {
    what: torch.cat([images[[i], :, 28:92, 28:92] for images in rows.values()])
    for i, what in enumerate(("  cat", "  flower"))
}
alt = (
    "Two photographs, each beside four changed copies, cut out and enlarged: moved by one pixel, which cannot be seen, blurred, in blocks, and noisy, "
    "which can. The three damaged ones have a quarter of the pixel error of the moved one."
)
plot.compare(shown, titles=list(rows), width=5.4, alt=alt)
for name, error in errors.items():
    print(f"{name:14} mean squared error {error:.4f}")

# %% [markdown]
# **Predict.** The pixel error is wrong every time here: it puts each damaged picture before the moved one. How often is
# a layer right? And the same layer with random weights, at equal error, and at a quarter?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A control is worth as much as the test is hard
#
# From left to right the damaged picture's error shrinks, and the test grows harder.
#
# ???
# (5 min) Cover all but the left end: what would one conclude from the test at equal error? That the architecture does
# it all, for the twin does nearly as well there. At half the error the twin has fallen to the level of the pixels, and
# the deep trained layers are hardly disturbed at an eighth. Ask which layer you would leave out of a perceptual loss.

# %% slideshow={"slide_type": "-"}
del photos, clear, faded, known_photos
gc.collect()
hardware.return_unused_memory()
shares = pick(quick=[1.0, 0.25], cpu=[1.0, 0.5, 0.25, 0.125], full=[1.0, 0.5, 0.25, 0.125])
judged = data.load("photos", "test", size=129)[: pick(quick=2, cpu=19, full=19)]
right: dict[tuple[str, str], list[float]] = {}
for share in shares:
    trio = triplets(judged, share)
    for name, net in twins(layers).items():
        for layer, by_damage in agreement(net, *trio).items():
            right.setdefault((name, layer), []).append(100 * sum(by_damage.values()) / len(by_damage))
        hardware.return_unused_memory()
alt = (
    "How often five layers agree with people, against the pixel error of the damaged picture. The pretrained layers stay near 100 per cent "
    "for a quarter of the error, the deep ones longest. The random twin starts near 90 at equal error and drops to 0 at a half or a quarter."
)
with plot.figure(2, alt=alt, size=(4.4, 3.1)) as axes:
    for axis, name in zip(axes, ("pretrained", "random"), strict=True):
        for layer, colour in zip(layers, (GOLD, PINK, GREEN, REAL, "0.2"), strict=True):
            axis.plot(range(len(shares)), right[name, layer], "o-", color=colour, label=layer)
        axis.set_xticks(range(len(shares)), [f"{share:g}" for share in shares])
        axis.set(title=name, xlabel="its pixel error, moved = 1", ylim=(-4, 104))
    axes[0].set_ylabel("agrees with people, per cent")
    axes[0].legend(loc="lower left", fontsize=8.5)

# %% [markdown]
# At equal error the twin does well: its third layer agrees with people nearly as often as a trained one. A test that ends
# here would conclude that the architecture does it all. It would only have been too easy. At half the error the twin
# falls nearly to the level of the pixels, which are never right. The trained layers from `block4` on are hardly disturbed
# at a quarter. **A control is worth as much as the test is hard.**
#
# And depth matters. `block0`, a layer of edges, soon sides with the pixels. What a perceptual loss takes from depth, and
# what it pays for it (section 9: sharpness), is the subject of chapter 06.
#
# ### More kinds of difference
#
# A shift is one kind of change that people forgive. The literature knows more, and `benchmarks/triplets.py` makes them:
# from each picture two copies, changed in two ways, with **exactly the same squared error**. Squared error cannot tell
# them apart. The eye can. No people were asked here; which copy is nearer is taken from studies that the script names.
#
# | nearer to people | than | because |
# | --- | --- | --- |
# | brighter or darker, more or less contrast | blur, compression, noise | the structure is whole ([Wang et al. 2004](https://doi.org/10.1109/TIP.2003.819861)) |
# | moved by a pixel, turned a little | blur, compression, noise | the same ([Wang & Bovik 2009](https://doi.org/10.1109/MSP.2008.930649)) |
# | noise in textured places | noise in smooth places | texture hides it ([Teo & Heeger 1994](https://doi.org/10.1109/ICIP.1994.413502)) |
# | noise of colour alone | noise of grey | we see fine colour badly ([Mullen 1985](https://doi.org/10.1113/jphysiol.1985.sp015591)) |
# | fine noise | coarse noise | we see medium frequencies best ([Mannos & Sakrison 1974](https://doi.org/10.1109/TIT.1974.1055250)) |
#
# [Look at them](../benchmarks/results/triplets_copies.png): all columns but the first have one squared error.
#
# **Predict.** On which of these five rows will features with random weights fail?

# %%
agreed = measured("triplets")["shares"]
asked = {
    "EfficientNet-Lite0": "features",
    "EfficientNet-Lite0, random weights": "random",
    "Fashion classifier": "garments",
}
asked |= {"SSIM": "SSIM", "absolute error": "|error|"}
kinds = ("brightness", "contrast", "moved", "turned", "noise in texture", "noise of colour", "fine noise")
print(f"{'agrees with the eye, per cent':31}" + "".join(f"{short:>10}" for short in asked.values()))
for what, kind in product(agreed, kinds):
    if (what, kind) != ("heads", "noise in texture"):  # drawn heads have no texture
        pairs = [pair for pair in agreed[what]["SSIM"] if pair.startswith(f"{kind} <")]
        each = [fmean(fmean(agreed[what][name][pair]) for pair in pairs) for name in asked]
        print(f"{what:12} {kind:18}" + "".join(f"{value:10.0f}" for value in each))

# %% [markdown]
# Read it by rows. The trained features are right almost everywhere: 100 per cent on photographs, and on heads they miss
# one row, fine noise on a flat drawing. The random twin forgives a shift or a change of light like the trained network,
# so *that* comes with convolution and pooling. It fails where the eye's own habits are asked: colour, texture, the scale
# of noise. SSIM, made by hand to see as we see, does well and has a blind spot of its own: it prefers coarse noise every
# time. And training on something else can take away as well as give. The garment classifier prefers coarse noise; with
# random weights the same architecture is right in 98 of 100 ([the whole table](../benchmarks/results/triplets.md)). A
# measure is known by the questions that it gets wrong.
#
# ## 11. Choosing a network
#
# Three questions decide. *Performance*: how good is it at what it was trained for? *Complexity*: what does a forward
# pass cost, and a backward pass to the image, which is what a loss or a discriminator pays at each step?
# *Suitability*: how good is it at what **we** want of it? The first is in every list, the second in some. The third you
# must measure yourself, on your pictures.
#
# `benchmarks/backbones.py` does so for five networks with the two tasks of this chapter, partners and people. The
# accuracies are quoted from those who made the weights. Where weights were not at hand, the cell says so; the cost and
# the random twins are measured all the same. To fill the gaps, run the script where a network is.

# %%
results = measured("backbones")
heads = ("network", "ImageNet", "weights", "ms", "partners", "random", "agrees", "random")
print("{:20} {:>8} {:>9} {:>7} {:>9} {:>9} {:>8} {:>9}".format(*heads))
for row in results["rows"]:
    quoted = f"{row['imagenet']['top 1']:.1f} %" if row["imagenet"] else "-"
    cells = [row["network"], quoted, f"{row['million weights']:.1f} M", f"{row['milliseconds']:.0f}"]
    for task in ("partners", "agreement"):
        cells.append(f"{row['pretrained'][task]['per cent']:.0f} %" if row["pretrained"] else "not here")
        control = [twin[task]["per cent"] for twin in row["random"]]
        cells.append(f"{min(control):.0f}-{max(control):.0f} %")
    print("{:20} {:>8} {:>9} {:>7} {:>9} {:>9} {:>8} {:>9}".format(*cells))
print(f"\n{results['machine']}; {results['pairs']} pairs, {results['photos']} photographs, {results['size']} px")
live = milliseconds(Backbone(network), size=results["size"], rounds=pick(quick=1, cpu=3, full=5))
print(f"{network} on this machine, now: {live:.0f} ms an image")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Choose a network by a measurement of your own
#
# Performance, complexity, suitability: the third stands in no list.
#
# ???
# (3 min) Ask which network people usually take for a feature loss: VGG-16, at ten times the cost. Whether it earns that
# here the empty cells will say when somebody fills them. The garment classifier knows not one cat, and still agrees
# with people on photographs. Begin with the cheapest network whose domain is near to yours, and measure on twenty of
# your own pictures, beside a random twin.

# %% slideshow={"slide_type": "-"}
alt = (
    "Two panels, cost on a logarithmic axis. EfficientNet-Lite0 stands far above its random twins in both tasks; ResNet and VGG-16 have "
    "only random twins and a dotted line at their cost. The garment classifier is cheapest, and hardly better than its twin."
)
draw(results["rows"], alt=alt)

# %% [markdown]
# What the table says, and what it does not:
#
# - **Cost and accuracy are two things.** VGG-16 costs ten times as much as EfficientNet-Lite0 and names fewer photographs
#   rightly. It is still the usual choice for feature losses. Whether it earns that here, the empty cells will say when you
#   fill them.
# - **Accuracy and suitability are two things.** The classifier of garments knows ten names and not one cat. It finds
#   partners hardly better than its random twin. But on photographs it agrees with people four times in five: from
#   garments alone it has learnt that a shift matters less than a blur. On ImageNet networks
#   [Kumar et al. 2022](https://arxiv.org/abs/2203.04946) found that beyond some point better classifiers are *worse*
#   judges of likeness.
# - **Architecture helps a little.** The random twins of VGG-16 and ResNet-50 agree with people more often than the
#   others, and come nowhere near a trained network.
#
# A rule of thumb for this course, then. Begin with the cheapest network whose domain is near to yours. Take several
# layers. Measure it on twenty of your own pictures with a test whose right answer you know, and beside it a random twin.
#
# ## 12. Where the weights come from
#
# The rest of `minigan.backbones` is plumbing, and it has one principle: **what is not at hand is an error, never random
# numbers**. A network with random weights runs, gives features of the right shape, and spoils every result without a
# word.
#
# `build` makes a network by its name, with its statistics and the names that its tensors bear in files.
# `overwrite_nothing` is against a trap that chapter 06 shows at work: an in-place ReLU writes its result over the
# features in front of it, and whoever has asked for `conv1_2` gets `relu1_2` without noticing.

# %% minigan="backbones"
# Built, build, overwrite_nothing, from_timm

# %% minigan="backbones"
# find_weights, installed, from_torchvision, from_hub

# %% minigan="backbones"
# read_tensors, load_weights

# %% [markdown]
# Two errors, so that you know them when you meet them: a layer that does not exist, and the weights of another network.

# %% tags=["nbval-check-output"]
with tempfile.TemporaryDirectory() as folder:
    other = Path(folder) / "mine.pth"  # weights of ResNet-18, taken for those of ResNet-50
    torch.save({name: tensor.half() for name, tensor in get_model("resnet18").state_dict().items()}, other)
    for arguments in ({"layers": ["layer5"], "weights": None}, {"weights": other}):
        try:
            Backbone("resnet50", **arguments)
        except ValueError as error:
            print(str(error).replace(f"{folder}/", ""), end="\n\n")

# %% [markdown]
# ## Summary
#
# - A pretrained network is a row of feature maps: fewer places, more channels, each layer a summary of the one before.
# - A unit *could* see far more than it uses. Measure it with a gradient.
# - Random filters find edges too. What training brings is order in depth: the same thing in another style, in fog, or
#   moved by a pixel, is found by the deep layers of the trained network and by none of its twin's.
# - Statistics belong to the weights. A wrong range mostly goes unnoticed: most names stay.
# - Frozen is three things: weights, running statistics, and a gradient that still passes. `.train()` on a parent breaks
#   the second without moving a weight.
# - Early layers keep the picture, late layers keep what it is of. Neither is better; a task decides.
# - Cosine drops the length of a feature vector, and with it contrast. Decide whether you want that.
# - Choose by performance, complexity and suitability. Only the last is yours to measure, and it needs a control and a test
#   that is hard enough.
#
# ## Try it
#
# **1. Two witnesses** (15 minutes). A nearest neighbour is a claim by one side. Among the emoji of section 8, some
# drawings are nearest to many others: every claim on them but one is false. Keep only the pairs that choose *each
# other*. Write the function, and run the check. Then ask it about the emoji, with the distances
# `distances(*(side["block15"] for side in drawn["pretrained"]))`: how many pairs are left, and which share of them is
# right?


# %%
def mutual_pairs(table: Tensor) -> list[tuple[int, int]]:
    """Of distances (N, M): all (i, j) where j is nearest to i among the columns, and i nearest to j among the rows."""
    raise NotImplementedError


hints = [
    "Find the nearest column of each row, and the nearest row of each column. Two calls of argmin.",
    "i and j = column_of[i] choose each other when row_of[j] == i.",
]
table = torch.tensor([[0.1, 0.5, 0.9], [0.2, 0.6, 0.8], [0.7, 0.4, 0.3]])
mistakes = {
    "This is the choice of the rows alone; ask the columns too.": [(0, 0), (1, 0), (2, 2)],
    "This is the choice of the columns alone; ask the rows too.": [(0, 0), (2, 1), (2, 2)],
    "Rows come first: (i, j) with i in 0..N-1.": [(0, 0), (2, 2), (1, 2)],
}
with suppress(NotYet), checking("Two witnesses", hints) as c:
    c.equal(
        sorted(mutual_pairs(table)), [(0, 0), (2, 2)], "three rows, two of them want the same column", mistakes=mistakes
    )
    c.equal(mutual_pairs(torch.tensor([[2.0, 1.0, 3.0]])), [(0, 1)], "one row and three columns")
    c.equal(sorted(mutual_pairs(1 - torch.eye(4))), [(i, i) for i in range(4)], "each its own")

# %% [markdown]
# **2. Predict, then count** (10 minutes). A colleague wants features that see at least 100 pixels of the picture, from
# VGG-16, as early as possible. Which layer do you name? Check with `receptive_fields`. What does that layer *use*? A
# first look needs no weights: `heat(Backbone("vgg16", [...], weights=None), kitten)`.
#
# **3. A dilated convolution** (15 minutes). With dilation $d$ the $k$ places that a kernel looks at lie $d$ places
# apart. Write the rule of section 4 for it, and extend `receptive_fields`. Three layers of 3 x 3 with dilations 1, 2
# and 4 and stride 1 see 15 pixels: does yours?
#
# **4. Find and mend** (20 minutes). This generator does not learn, and its critic gets worse from batch to batch. "But
# the features are frozen, the pictures are in [-1, 1], and there is no error", says the author. Two lines are to blame.
# Which, and what would you write instead?
#
# ```python
# features = efficientnet_lite0()
# load_weights(features, find_weights("efficientnet_lite0", "default"))
# critic = nn.Sequential(features.eval().requires_grad_(False), nn.Linear(1000, 1))
# for _ in range(steps):
#     critic.train()
#     optimizer.zero_grad()
#     with torch.no_grad():
#         fake = generator(torch.randn(16, 128))
#     (-critic(fake).mean()).backward()
#     optimizer.step()
# ```
#
# **5. A network of your own choice** (an hour, needs the internet). `minigan.backbones` takes any convolutional network
# of the package timm: `Backbone("timm:convnext_tiny")`. Add it to `NAMES` in `benchmarks/backbones.py`, and run the
# script. Predict its place in the figure of section 11 first. Is a network that is better at ImageNet better at
# partners?
#
# More tasks, each with its check, stand in [the exercises to this chapter](../exercises/04_features/04_features.ipynb).
#
# ## References
#
# - K. Simonyan, A. Zisserman,
#   [Very Deep Convolutional Networks for Large-Scale Image Recognition](https://arxiv.org/abs/1409.1556), 2015.
# - K. He et al., [Deep Residual Learning for Image Recognition](https://arxiv.org/abs/1512.03385), 2016.
# - M. Tan, Q. V. Le, [EfficientNet](https://arxiv.org/abs/1905.11946), 2019, and the
#   [Lite variants](https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite), 2020.
# - M. Sandler et al., [MobileNetV2](https://arxiv.org/abs/1801.04381), 2018: the block of section 1.
# - W. Luo et al., [Understanding the Effective Receptive Field in Deep Convolutional Neural
#   Networks](https://arxiv.org/abs/1701.04128), 2016.
# - M. D. Zeiler, R. Fergus,
#   [Visualizing and Understanding Convolutional Networks](https://arxiv.org/abs/1311.2901), 2014.
# - A. Mahendran, A. Vedaldi,
#   [Understanding Deep Image Representations by Inverting Them](https://arxiv.org/abs/1412.0035), 2015.
# - C. Olah, A. Mordvintsev, L. Schubert,
#   [Feature Visualization](https://distill.pub/2017/feature-visualization/), 2017.
# - R. Geirhos et al.,
#   [ImageNet-trained CNNs are biased towards texture](https://arxiv.org/abs/1811.12231), 2019.
# - M. Kumar et al.,
#   [Do better ImageNet classifiers assess perceptual similarity better?](https://arxiv.org/abs/2203.04946), 2022.
# - R. Zhang et al.,
#   [The Unreasonable Effectiveness of Deep Features as a Perceptual Metric](https://arxiv.org/abs/1801.03924), 2018.
# - O. Russakovsky et al., [ImageNet Large Scale Visual Recognition Challenge](https://arxiv.org/abs/1409.0575), 2015.
#
# **Next:** [05 Fine-tuning](05_fine_tuning.ipynb). How little data is enough when we start from what is known?
