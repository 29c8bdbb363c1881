"""Whole pictures with holes: masks from files, the scale at which a hole is small enough, tiles.

Shown in no chapter: it is the care that the command needs.
"""

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from minigan.apps.inpaint import DEEPEST, Inpainter, inpaint
from minigan.apps.pictures import Picture, read_picture, treated
from minigan.files import picture_files

STRIDE = 32  # pixels of the picture behind one of the network's coarsest map
MARGIN = 96  # pixels around a tile that the network sees beside it


def mask_finder(mask: Path) -> Callable[[str], Path]:
    """Which mask belongs to the picture of a file name: always the one that was given, or that of a folder by name.

    In a folder the mask has the picture's name; what the name ends in may differ. Raises `FileNotFoundError` where the
    folder has none, `ValueError` where it has several.
    """
    if not mask.exists():
        raise FileNotFoundError(f"the mask {mask} does not exist; check the path")
    if not mask.is_dir():
        return lambda title: mask
    files = picture_files(mask)

    def find(title: str) -> Path:
        found = [file for file in files if file.stem == Path(title).stem]
        if not found:
            wanted = f"{Path(title).stem}.png"
            raise FileNotFoundError(f"{title} has no mask in {mask}; put one there under the name {wanted}")
        if len(found) > 1:
            raise ValueError(f"{title} has several masks in {mask}: {', '.join(map(str, found))}; leave one")
        return found[0]

    return find


def read_mask(path: Path, shape: tuple[int, int]) -> Tensor:
    """The mask in a file as bytes (1, H, W): 255 where the picture is known, 0 in the hole, which is white in the file.

    `shape`: height and width of the picture, upright. What is transparent in the mask is known. Raises `ValueError`
    for another size, for a mask without a hole and for one that leaves nothing.
    """
    picture = read_picture(path)
    _, height, width = picture.pixels.shape
    if (height, width) != shape:
        sizes = f"{width} x {height} pixels, the picture {shape[1]} x {shape[0]}"
        raise ValueError(f"the mask {path} has {sizes}; they have to be of one size")
    hole = picture.pixels.float().mean(0, keepdim=True) > 127
    if picture.alpha is not None:
        hole &= picture.alpha > 127
    if not bool(hole.any()):
        raise ValueError(f"the mask {path} has no white part, so there is nothing to fill; paint the hole white")
    if bool(hole.all()):
        raise ValueError(f"the mask {path} is white throughout, so nothing is known; leave the known part black")
    return torch.where(hole, 0, 255).to(torch.uint8)


def shrinking(known: Tensor, deepest: int = DEEPEST) -> int:
    """By which power of two a picture has to shrink, so that no hole of (1, 1, H, W) is deeper than so many pixels."""
    factor, window = 1, 2 * deepest + 1
    while min(known.shape[-2:]) > 1:
        across = F.max_pool2d(known, (1, window), 1, (0, deepest))
        if bool(F.max_pool2d(across, (window, 1), 1, (deepest, 0)).all()):
            break
        known, factor = F.max_pool2d(known, 2, ceil_mode=True), 2 * factor
    return factor


def mended(network: Inpainter, picture: Picture, known: Tensor, title: str = "") -> Picture:
    """A picture of any size with its hole filled. `known`: bytes (1, H, W), 0 in the hole; the rest keeps every bit."""
    factor = shrinking(known[None].float())
    device = next(network.parameters()).device

    def process(images: Tensor) -> Tensor:
        images, seen = images[:, :3], (images[:, 3:] > 0).float()
        if bool(seen.all()):
            return images
        height, width = images.shape[-2:]
        wide = [0, -width % (STRIDE * factor), 0, -height % (STRIDE * factor)]  # so that all tiles lie on one grid
        images, seen = (F.pad(part, wide, mode="replicate").to(device) for part in (images, seen))
        return inpaint(network, images, seen, factor)[..., :height, :width].cpu()

    both = Picture(torch.cat([picture.pixels, known]), picture.alpha)
    made = treated(both, process, max(512, 64 * factor), MARGIN * factor, title=title)
    return Picture(torch.where(known > 0, picture.pixels, made.pixels), picture.alpha)
