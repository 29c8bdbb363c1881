"""Whole pictures through a network: of any size, in tiles; one file or a folder; alpha kept; what fails is named.

Shown in no chapter: it is the care that every command which changes pictures needs.
"""

import sys
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from tqdm import tqdm

from minigan.data import resize, to_pixels, to_signed
from minigan.files import SUFFIXES, picture_files, read_image, whole_file

Process = Callable[[Tensor], Tensor]  # images (1, 3, H, W) in [-1, 1] -> images, H and W times the scale
WRITABLE = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"})
WITHOUT_ALPHA = frozenset({".jpg", ".jpeg", ".bmp"})
LARGEST = 200_000_000  # pixels of a result: 12 megapixels four times as large on each side; 800 MB as Pillow keeps it


@dataclass(frozen=True)
class Picture:
    """A picture as Pillow keeps it, RGB or RGBA, so that a large one is read and written without a copy.

    Under a transparent pixel the colour is that of the file, so that what alpha hides can be shown again.
    """

    image: Image.Image

    @classmethod
    def of(cls, pixels: Tensor, alpha: Tensor | None = None) -> "Picture":
        """The picture of bytes (3, H, W) and, where it has one, its alpha channel (1, H, W)."""
        return cls(as_image(pixels if alpha is None else torch.cat([pixels, alpha])))

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.image.height, self.image.width

    @property
    def pixels(self) -> Tensor:
        """A copy of the colours as bytes (3, H, W)."""
        return as_tensor(self.image)[:3]

    @property
    def alpha(self) -> Tensor | None:
        """A copy of the alpha channel as bytes (1, H, W), or None."""
        return as_tensor(self.image)[3:] if self.transparent else None

    @property
    def transparent(self) -> bool:
        """Whether it has an alpha channel."""
        return self.image.mode == "RGBA"

    @property
    def grey(self) -> bool:
        """Whether its three colours are everywhere the same."""
        pixels = self.pixels
        return bool((pixels == pixels[:1]).all())


def read_picture(path: Path) -> Picture:
    """The picture in a file, upright, in RGB, with its alpha channel where it has one that hides something.

    Raises `OSError` or `FileNotFoundError` as `minigan.files.read_image` does.
    """
    rgb = read_image(path)  # checks and reads every mode; transparency is laid on white
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        with Image.open(path) as file:
            if "A" not in file.getbands() and "transparency" not in file.info:
                return Picture(rgb)
            rgba = ImageOps.exif_transpose(file).convert("RGBA")
    return Picture(rgb if rgba.getchannel("A").getextrema() == (255, 255) else rgba)


def as_tensor(picture: Image.Image) -> Tensor:
    """A Pillow picture as bytes (C, H, W)."""
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1)


def as_image(pixels: Tensor) -> Image.Image:
    """Bytes (C, H, W) as a Pillow picture: RGB where C is 3, RGBA where it is 4."""
    return Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy())


def write_picture(path: Path, picture: Picture) -> None:
    """Write a picture whole or not at all, in the format that the name ends in; JPEG and WebP at quality 95."""
    with whole_file(path) as temporary:
        picture.image.save(temporary, quality=95)


def in_tiles(process: Process, picture: Picture, tile: int, margin: int, scale: int = 1) -> Iterator[Picture]:
    """Run a network over a picture tile by tile; gives nothing but steps, then the result, `scale` times as large.

    Each tile is read with `margin` pixels around it, repeated at the picture's edge, and the result's margin is cut
    off. Where the margin is at least the network's reach, the tiles fit without a seam. Alpha is enlarged along. Yields
    the unfinished result after each tile, so that the caller can show progress and stop.
    """
    height, width = picture.shape
    source = as_tensor(picture.image)
    result = Picture(Image.new(picture.image.mode, (width * scale, height * scale)))
    inner = slice(margin * scale, -margin * scale or None)
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            rows = torch.arange(top - margin, min(top + tile, height) + margin).clamp(0, height - 1)
            columns = torch.arange(left - margin, min(left + tile, width) + margin).clamp(0, width - 1)
            images = to_signed(source[:, rows][:, :, columns])[None]
            with torch.inference_mode():
                made = process(images[:, :3]).cpu().expand(-1, 3, -1, -1)
                if picture.transparent:
                    made = torch.cat([made, resize(images[:, 3:], (made.shape[2], made.shape[3]))], 1)
            result.image.paste(as_image(to_pixels(made)[0, :, inner, inner]), (left * scale, top * scale))
            yield result


def with_bar(tiles: Iterable[Any], count: int, title: str) -> Iterable[Any]:
    """The same with a bar on stderr where there are several tiles and somebody to look at it."""
    return tqdm(tiles, title, count, unit="tile", leave=False, disable=None if count > 1 else True, file=sys.stderr)


def treated(
    picture: Picture, process: Process, tile: int = 256, margin: int = 16, scale: int = 1, title: str = ""
) -> Picture:
    """A picture through a network, tile by tile, with a bar for the tiles; its alpha is resized along."""
    height, width = picture.shape
    if height * width * scale**2 > LARGEST:
        size = f"{width * scale} x {height * scale}"
        raise ValueError(f"the result would have {size} pixels, expected {LARGEST:,} at most; take a smaller picture")
    count = -(-height // tile) * -(-width // tile)
    *_, result = with_bar(in_tiles(process, picture, tile, margin, scale), count, title)
    return result


def jobs(source: Path, output: Path, force: bool = False) -> list[tuple[Path, Path]]:
    """Which file becomes which: a file to a file or into a folder, a folder to a folder of the same structure.

    A name whose format cannot be written, such as .gif, becomes .png. Raises for what cannot be asked.
    """
    if not source.exists():
        raise FileNotFoundError(f"{source} does not exist; check the path")
    if source.is_dir():
        if output.suffix.lower() in SUFFIXES or output.is_file():
            raise ValueError(f"the input is the folder {source}, the output {output} is a file; name a folder")
        return [(file, output / writable(file.relative_to(source))) for file in picture_files(source)]
    if output.is_dir() or not output.suffix:
        output = output / writable(Path(source.name))
    if output.suffix.lower() not in WRITABLE:
        raise ValueError(f"the output is {output}, expected a name that ends in {', '.join(sorted(WRITABLE))}")
    return [(source, output)]


def writable(name: Path) -> Path:
    """The same name in a format that can be written."""
    return name if name.suffix.lower() in WRITABLE else name.with_suffix(".png")


@dataclass
class Outcome:
    """What became of the pictures that a command was given."""

    written: list[Path] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)  # a sentence for each, which names it
    there: int = 0  # whose result existed, and stays
    left: int = 0  # that Ctrl-C left undone


def treat_all(
    source: Path,
    output: Path,
    change: Callable[[Picture, str], Picture],
    force: bool = False,
    skip: bool = False,
    keep: Sequence[Path] = (),
) -> Outcome:
    """Change each picture and write it.

    `change(picture, title)` gives the new picture. The originals are never replaced, nor what else is read and is in
    `keep`, nor any other file without `force`; with `skip` a picture whose result exists is passed over. One bad
    picture stops no other; Ctrl-C leaves whole files only.
    """
    outcome = Outcome()
    work = jobs(source, output)
    kept = {path.resolve() for path in (*(file for file, _ in work), *keep)}
    bar = tqdm(work, unit="picture", disable=None if len(work) > 1 else True, file=sys.stderr)
    for done, (file, target) in enumerate(bar):
        if skip and target.exists() and target not in outcome.written and target.resolve() not in kept:
            outcome.there += 1
            continue
        try:
            target = check_target(file, target, force, outcome.written, kept)
            picture = read_picture(file)
            result = change(picture, file.name)
            if result.transparent and target.suffix.lower() in WITHOUT_ALPHA:
                target = check_target(file, target.with_suffix(".png"), force, outcome.written, kept)
            write_picture(target, result)
            outcome.written.append(target)
        except (ValueError, OSError) as error:
            reason = str(error)
            outcome.refused.append(reason if str(file) in reason or str(target) in reason else f"{file}: {reason}")
        except KeyboardInterrupt:
            outcome.left = len(work) - done
            break
    bar.close()
    return outcome


def check_target(
    file: Path, target: Path, force: bool, written: Sequence[Path] = (), kept: Collection[Path] = ()
) -> Path:
    """Return `target`, or raise where writing it would destroy something."""
    if target in written:
        raise FileExistsError(f"{target} has just been made from another picture; rename {file}")
    if target.exists() and target.samefile(file):
        raise FileExistsError(f"{file} would be replaced by its own result; choose another output")
    if target.resolve() in kept:
        raise FileExistsError(f"{target} is read as well and would be lost under the result; choose another output")
    if target.exists() and not force:
        raise FileExistsError(f"{target} exists already; choose another output, or add --force to replace it")
    return target
