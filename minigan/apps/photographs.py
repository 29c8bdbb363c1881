"""What the applications on photographs share: pairs to learn from, a block, the loss, a task. Built in chapter 07.

A pair costs nothing: a photograph, and the same photograph spoiled in the way that is to be mended.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minigan import hardware, train
from minigan.backbones import Backbone
from minigan.data import load, photo, to_pixels, to_signed
from minigan.perceptual import FeatureDistance
from minigan.train import Batch, Terms, TrainConfig, TrainState

Spoil = Callable[[Tensor, torch.Generator], Batch]
Draw = Callable[[TrainState], Batch]
EYES = ("block1.expand", "block2.expand", "block4.expand")  # of EfficientNet-Lite0: textures at strides 2, 4 and 8


def whole_photographs(split: str = "train") -> list[Tensor]:
    """The photographs of the pack in their own sizes, as bytes (3, H, W)."""
    return [to_pixels(photo(name))[0] for name in load("photos", split).names]


def random_crop(photographs: Sequence[Tensor], size: int, random: torch.Generator, turned: bool = True) -> Tensor:
    """A random square of a random photograph, perhaps mirrored: (3, size, size).

    `turned`: by a multiple of 90 degrees too. Each photograph is as likely as any other, whatever its size.
    """
    which, top, left, turns, mirrored = torch.randint(2**31, (5,), generator=random).tolist()
    photograph = photographs[which % len(photographs)]
    height, width = photograph.shape[-2:]
    top, left = top % (height - size + 1), left % (width - size + 1)
    crop = photograph[:, top : top + size, left : left + size].rot90(turns % 4 if turned else 0, (1, 2))
    return crop.flip(-1) if mirrored % 2 else crop


def pairs(photographs: Sequence[Tensor], size: int, spoil: Spoil, turned: bool = True) -> Draw:
    """What `train.fit` draws batches with, from photographs as bytes (3, H, W): random squares and their spoiled twins.

    A batch holds "real" images (N, 3, size, size), what `spoil(real, random)` makes of them under names of its own,
    and "offset", two numbers from 0 to 7 by which the `terms` move their window. Photographs with a side below `size`
    are left out; a `ValueError` where none remains.
    """
    fitting = [photograph for photograph in photographs if min(photograph.shape[-2:]) >= size]
    if not fitting:
        raise ValueError(f"none of the {len(photographs)} pictures has {size} x {size} pixels; give larger ones")

    def draw(state: TrainState) -> Batch:
        random = state.random
        crops = [random_crop(fitting, size, random, turned) for _ in range(state.config.batch)]
        real = to_signed(torch.stack(crops))
        images = {"real": real, **spoil(real, random)}
        offset = torch.randint(8, (2,), generator=random)
        on_device = {name: state.to_device(part) if part.ndim == 4 else part for name, part in images.items()}
        return {**on_device, "offset": offset}

    return draw


class ResidualBlock(nn.Module):
    """x + conv(relu(conv(x))), (N, width, H, W) -> the same (He et al. 2016, without batch norm: Lim et al. 2017).

    The second convolution starts at 0, so a block starts as x itself, and many can be stacked.
    """

    def __init__(self, width: int):
        super().__init__()
        last = nn.Conv2d(width, width, 3, 1, 1)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)  # type: ignore[arg-type]  # it has one
        self.body = nn.Sequential(nn.Conv2d(width, width, 3, 1, 1), nn.ReLU(), last)

    def forward(self, features: Tensor) -> Tensor:
        return features + self.body(features)


def feature_distance(layers: Sequence[str] = EYES) -> FeatureDistance:
    """L_FD by the cosine distance, which needs no weights for the layers, on the features of EfficientNet-Lite0."""
    return FeatureDistance(Backbone("efficientnet_lite0", layers).to(hardware.device()), distance="cosine")


def terms(
    distance: FeatureDistance | None = None, error: Callable[[Tensor, Tensor], Tensor] = F.l1_loss, moving: bool = True
) -> Terms:
    """The terms of `train.step` by name: "pixel", an error of the pixels, and "features" where there is a distance.

    The feature network looks at every second, fourth, ... pixel. Seen through a window that never moves, the same
    pixels would be pulled at each step, and a hatching grows. So the window is `moving`, by the batch's "offset".
    """

    def named(fake: Tensor, batch: Batch) -> Batch:
        losses = {"pixel": error(fake, batch["real"])}
        if distance is not None:
            down, right = batch["offset"].tolist() if moving else (0, 0)
            seen = fake.clamp(-1, 1)[..., down:, right:]  # what is beyond white or black, no picture shows
            losses["features"] = distance(batch["real"][..., down:, right:], seen)
        return losses

    return named


@dataclass(frozen=True)
class Task:
    """All that it takes to train an application on photographs: for the chapters, and for `minigan train --task`."""

    network: nn.Module
    spoil: Spoil
    mend: Callable[[nn.Module, Batch], Tensor]  # what the network makes of a spoiled batch
    terms: Terms
    config: TrainConfig
    size: int = 96  # pixels of a crop
    turned: bool = True  # not where a network may know what is up
    discriminator: nn.Module | None = None


def begin(task: Task, **facts: Any) -> TrainState:
    """A fresh training state for `learn`; `facts` are written with the weights."""
    return train.start(task.config, task.network, task.discriminator, **facts)


def learn(task: Task, state: TrainState, photographs: Sequence[Tensor], **options: Any) -> TrainState:
    """Train on photographs as bytes (3, H, W); `options` are those of `train.fit`.

    The learning rates fall as half a cosine, from the configuration's to 0 at its last image: small steps at the end
    take out what noise the large ones have left in the weights (Loshchilov & Hutter 2017, eq. 5, a single period).
    """
    draw = pairs(photographs, task.size, task.spoil, task.turned)

    def draw_at_this_rate(state: TrainState) -> Batch:
        rate = state.config.rate * (1 + math.cos(math.pi * min(1.0, state.seen / state.config.images))) / 2
        for optimizer in filter(None, (state.g_optimizer, state.d_optimizer)):
            for group in optimizer.param_groups:
                group["lr"] = rate
        return draw(state)

    def mended(batch: Batch) -> Tensor:
        return task.mend(state.generator, batch)

    return train.fit(state, draw_at_this_rate, generate=mended, terms=task.terms, **options)
