"""Differentiable augmentation for the discriminator (Zhao et al. 2020). Built in chapter 02.

Real and fake images pass through the same random changes before D sees them, and gradients flow through to G. D cannot
learn the few training images by heart, and G does not learn the changes, because D never sees an unchanged image.
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor


def one_each(images: Tensor, generator: torch.Generator | None) -> Tensor:
    """One uniform number in [0, 1) for each image, shaped (N, 1, 1, 1) to multiply it."""
    return torch.rand(len(images), 1, 1, 1, generator=generator).to(images)


def brightness(images: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Make each image lighter or darker by its own random amount, up to 0.25 either way."""
    return images + (one_each(images, generator) - 0.5) * 0.5


def saturation(images: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Multiply each pixel's distance from its own grey by a random factor in [0, 2), one for each image."""
    grey = images.mean(1, keepdim=True)
    return torch.lerp(grey.expand_as(images), images, 2 * one_each(images, generator))


def translation(images: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Move each image by up to an eighth of its side both ways; its border pixels are repeated into the gap."""
    count, _, height, width = images.shape
    reach = torch.tensor([height // 8, width // 8])
    shift = torch.rand(count, 2, generator=generator) * (2 * reach + 1) - 0.5
    shift = (shift.round() - reach).clamp(-reach, reach).to(images.device, torch.long)
    rows = (torch.arange(height, device=images.device) + shift[:, :1]).clamp(0, height - 1)  # (N, H): where from
    columns = (torch.arange(width, device=images.device) + shift[:, 1:]).clamp(0, width - 1)
    each = torch.arange(count, device=images.device)[:, None, None]
    return images.permute(0, 2, 3, 1)[each, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


AUGMENTATIONS: dict[str, Callable[[Tensor, torch.Generator | None], Tensor]] = {
    "brightness": brightness,
    "saturation": saturation,
    "translation": translation,
}


def augment(images: Tensor, names: Iterable[str], generator: torch.Generator | None = None) -> Tensor:
    """Apply the named augmentations in turn, with randomness from `generator`.

    Raises `ValueError` for an unknown name.
    """
    for name in names:
        if name not in AUGMENTATIONS:
            raise ValueError(f"augmentation {name!r} is not known, expected some of {', '.join(AUGMENTATIONS)}")
        images = AUGMENTATIONS[name](images, generator)
    return images
