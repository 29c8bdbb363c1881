"""Whole pictures with holes: masks from files, tiles, large holes by way of a smaller picture.

Shown in no chapter: it is the care that the command needs.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from minigan.apps.inpaint import DEEPEST, Inpainter, blend, halved, inpaint
from minigan.apps.pictures import Picture, read_picture, with_bar
from minigan.data import to_pixels, to_signed
from minigan.files import picture_files

STRIDE = 32  # pixels of the picture behind one of the network's coarsest map
TILE, MARGIN = 512, 96  # pixels of a tile, and around it that are seen beside it: whole strides, so that all fit
Guess = Callable[[Tensor, Tensor, slice, slice], Tensor]


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
    if picture.shape != shape:
        sizes = f"{picture.image.width} x {picture.image.height} pixels, the picture {shape[1]} x {shape[0]}"
        raise ValueError(f"the mask {path} has {sizes}; they have to be of one size")
    hole = picture.pixels.sum(0, keepdim=True, dtype=torch.int16) > 3 * 127
    if picture.alpha is not None:
        hole &= picture.alpha > 127
    if not bool(hole.any()):
        raise ValueError(f"the mask {path} has no white part, so there is nothing to fill; paint the hole white")
    if bool(hole.all()):
        raise ValueError(f"the mask {path} is white throughout, so nothing is known; leave the known part black")
    return torch.where(hole, 0, 255).to(torch.uint8)


def thick(known: Tensor, deepest: int = DEEPEST) -> Tensor:
    """Which part of the hole of bytes (1, H, W) is too deep for the network: squares of more than 2 `deepest` pixels.

    The opening of the hole, as morphology calls it: a scratch is no part of it, not even one that ends in a large hole.
    """

    def near(map: Tensor) -> Tensor:
        """Where something is set within so many pixels to each side."""
        across = F.avg_pool2d(map.float(), (1, 2 * deepest + 1), 1, (0, deepest))
        return F.avg_pool2d(across, (2 * deepest + 1, 1), 1, (deepest, 0)) > 0

    return near(~near(known > 0))


def fill(pixels: Tensor, known: Tensor, hole: Tensor, guess: Guess, title: str = "") -> None:
    """Fill a hole (1, H, W) of bytes (3, H, W) in place, tile by tile, and only where it is.

    The hole is all that is not `known`, or a part of it. `guess(images, seen, rows, columns)` gives a window of the
    picture without holes: images (1, 3, h, w) of which is seen what (1, 1, h, w) says -> images.
    """
    height, width = hole.shape[1:]
    corners = [
        (top, left)
        for top in range(0, height, TILE)
        for left in range(0, width, TILE)
        if bool(hole[:, top : top + TILE, left : left + TILE].any())
    ]
    for top, left in with_bar(corners, len(corners), title):
        rows, columns = (slice(max(0, first - MARGIN), first + TILE + MARGIN) for first in (top, left))
        window = to_signed(pixels[:, rows, columns])[None]
        made = to_pixels(guess(window, (known[:, rows, columns] > 0).float()[None], rows, columns))[0]
        inner = (slice(None), slice(top, top + TILE), slice(left, left + TILE))
        made = made[:, top - rows.start :, left - columns.start :][:, :TILE, :TILE]
        pixels[inner] = torch.where(hole[inner], made, pixels[inner])


def filled(network: Inpainter, pixels: Tensor, known: Tensor, title: str = "") -> Tensor:
    """Bytes (3, H, W) with the hole filled that `known` says, bytes (1, H, W), 0 in the hole and somewhere not.

    Where the hole is too deep for the network, the picture is filled at half the size first, and what comes of it is
    enlarged and blended into the hole. The network then fills what is left, the scratches beside it.
    """
    pixels, large = pixels.clone(), thick(known)
    if bool(large.any()):
        small = filled(network, *halved_bytes(pixels, known), title)
        fill(pixels, known, large, partial(by_enlarging, small), title)
        known = torch.where(large, 255, known)
    fill(pixels, known, known == 0, partial(by_network, network), title)
    return pixels


def halved_bytes(pixels: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """`halved` for bytes (3, H, W) and (1, H, W), one channel at a time, which takes little memory."""
    seen = (known > 0).float()[None]
    parts = [halved(to_signed(channel)[None], seen) for channel in pixels.split(1)]
    small, seen = torch.cat([part for part, _ in parts], 1), parts[0][1]
    return to_pixels(small)[0], torch.where(seen[0] > 0, 255, 0).to(torch.uint8)


def by_enlarging(small: Tensor, images: Tensor, seen: Tensor, rows: slice, columns: slice) -> Tensor:
    """A guess for `fill`: the bytes of the picture filled at half the size, fitted into the hole."""
    half = (slice(None), *(slice(side.start // 2, -(-side.stop // 2)) for side in (rows, columns)))
    large = F.interpolate(to_signed(small[half])[None], scale_factor=2, mode="bilinear", align_corners=False)
    return blend(images, large[..., : images.shape[-2], : images.shape[-1]], seen)


def by_network(network: Inpainter, images: Tensor, seen: Tensor, rows: slice, columns: slice) -> Tensor:
    """A guess for `fill`: what the network makes of the window."""
    height, width = images.shape[-2:]
    wide = [0, -width % STRIDE, 0, -height % STRIDE]
    device = next(network.parameters()).device
    images, seen = (F.pad(part, wide, mode="replicate").to(device) for part in (images, seen))
    return inpaint(network, images, seen)[..., :height, :width].cpu()


def mended(network: Inpainter, picture: Picture, known: Tensor, title: str = "") -> Picture:
    """A picture of any size with its hole filled. `known`: bytes (1, H, W), 0 in the hole; the rest keeps every bit."""
    return Picture.of(filled(network, picture.pixels, known, title), picture.alpha)
