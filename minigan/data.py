"""Pictures as tensors in [-1, 1]: the pack that comes with minigan, torchvision's sets, any folder.

Built in chapter 00.

This is the one door through which pictures come in. Inside minigan a batch of images is a float tensor (N, 3, H, W)
or (N, 1, H, W) in [-1, 1]; nothing else is passed around.
"""

import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from minigan.files import PACK, answers_within, cache_folder, picture_files, read_folder, read_image, square
from minigan.names import known

FASHION = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")

# name: (file in the pack, licence, source)
PACKED = {
    "peeps": ("avatars64.npz", "CC0-1.0", "Open Peeps by Pablo Stanley"),
    "micah": ("avatars64.npz", "CC-BY-4.0", "Avatar Illustration System by Micah Lanier, remixed by DiceBear"),
    "adventurer": ("avatars64.npz", "CC-BY-4.0", "Adventurer by Lisa Wischofsky, remixed by DiceBear"),
    "pixelart": ("avatars64.npz", "CC0-1.0", "Pixel Art by DiceBear"),
    "noto": ("emoji64.npz", "Apache-2.0", "Noto Emoji, (c) Google"),
    "twemoji": ("emoji64.npz", "CC-BY-4.0", "Twemoji, (c) Twitter, Inc and other contributors"),
    "photos": ("photos", "public domain, CC0 or CC-BY, see pack/photos/ATTRIBUTION.csv", "photographs by many hands"),
    "fashion": ("fashion28.npz", "MIT", "Fashion-MNIST, (c) 2017 Zalando SE"),
}

# name: (class in torchvision.datasets, licence, source)
TORCHVISION = {
    "mnist": ("MNIST", "CC-BY-SA-3.0", "MNIST by LeCun, Cortes and Burges"),
    "fashionmnist": ("FashionMNIST", "MIT", "Fashion-MNIST, (c) 2017 Zalando SE"),
    "cifar10": ("CIFAR10", "not stated", "CIFAR-10 by Krizhevsky"),
    "stl10": ("STL10", "not stated", "STL-10 by Coates, Lee and Ng"),
    "celeba": ("CelebA", "non-commercial research only", "CelebA by Liu, Luo, Wang and Tang"),
}


def to_signed(pixels: Tensor) -> Tensor:
    """uint8 pixels in 0..255 -> float32 images in [-1, 1]. Any shape."""
    if pixels.dtype != torch.uint8:
        raise TypeError(
            f"pixels are {pixels.dtype}, expected torch.uint8 in 0..255; floats in [0, 1] become signed by 2 * x - 1"
        )
    return pixels.float().div_(127.5).sub_(1)


def to_pixels(images: Tensor) -> Tensor:
    """float images in [-1, 1] -> uint8 pixels in 0..255, rounded to the nearest. Values outside are clamped."""
    return images.detach().float().add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)


def check_images(images: Tensor) -> Tensor:
    """Return `images` unchanged, or raise what is wrong with their shape, type or range."""
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        shape = tuple(images.shape)
        raise ValueError(
            f"images have shape {shape}, expected (N, 3, H, W) or (N, 1, H, W); images[None] adds a batch dimension"
        )
    if images.numel() == 0:
        raise ValueError(
            f"images have shape {tuple(images.shape)}, expected at least one pixel; give one image or more"
        )
    if not images.is_floating_point():
        raise TypeError(
            f"images are {images.dtype}, expected floats in [-1, 1]; pass them through minigan.data.to_signed first"
        )
    low, high = (float(bound) for bound in torch.aminmax(images.detach()))
    if not (low >= -1.001 and high <= 1.001):  # NaN fails too
        hint = "pass uint8 pixels through minigan.data.to_signed first, and clamp what a filter overshot"
        raise ValueError(f"images span [{low:.2f}, {high:.2f}], expected [-1, 1]; {hint}")
    return images


@dataclass(frozen=True)
class ImageSet:
    """Pictures of one size, with what is known about them. `peeps[:16]` is a batch of images in [-1, 1].

    `pixels` (N, C, H, W) are kept as bytes, which takes a quarter of the memory. `labels` (N,) are numbers into
    `classes`; `names` has one for each picture; `skipped` lists the files of a folder that could not be read, with
    the reason.
    """

    pixels: Tensor
    name: str
    split: str = "train"
    licence: str = "unknown"
    source: str = "unknown"
    labels: Tensor | None = None
    classes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: Any) -> Tensor:
        return to_signed(self.pixels[index])

    def __repr__(self) -> str:
        count, channels, height, width = self.pixels.shape
        shape = f"{channels} x {height} x {width}"
        labelled = f", {len(self.classes)} classes" if self.classes else ""
        return f"{self.name} ({self.split}): {count:,} images, {shape}{labelled}. {self.source}, {self.licence}."

    @property
    def size(self) -> int:
        """Pixels of a side."""
        return self.pixels.shape[-1]

    def only(self, *classes: str) -> "ImageSet":
        """The images of these classes. Labels keep their numbers."""
        if self.labels is None:
            raise ValueError(f"{self.name} has no labels to choose by; use a labelled set such as 'fashion'")
        wanted = [self.classes.index(known(name, self.classes, "class")) for name in classes]
        keep = torch.isin(self.labels, torch.tensor(wanted)).nonzero()[:, 0]
        names = tuple(self.names[i] for i in keep.tolist()) if self.names else ()
        return replace(self, pixels=self.pixels[keep], labels=self.labels[keep], names=names)


def load(name: str | Path, split: str = "train", size: int | None = None) -> ImageSet:
    """Load a set of square pictures by name, or all pictures below a folder.

    `name`: in the pack (peeps, micah, adventurer, pixelart, noto, twemoji, photos, fashion), in torchvision (mnist,
    fashionmnist, cifar10, stl10, celeba; downloaded once), or a path such as "./holiday". `split`: "train" or "test",
    which is held out; a folder has only "train". `size`: pixels of a side, by default the set's own; photographs and
    folders give their middle square, by default at 256. Raises `ValueError` for what cannot be asked, `OSError` for
    what is missing, damaged or out of reach.
    """
    if split not in ("train", "test"):
        raise ValueError(f"split is {split!r}, expected 'train' or 'test'")
    if size is not None and not 4 <= size <= 4096:
        raise ValueError(f"size is {size}, expected 4 to 4096 pixels")
    if isinstance(name, Path) or "/" in name or os.sep in name or name.startswith("."):
        return load_folder(Path(name).expanduser(), split, size or 256)
    if name and name.lower() not in [*PACKED, *TORCHVISION] and Path(name).is_dir():
        raise ValueError(f"data set {name!r} is not known; to load the folder of that name write './{name}'")
    name = known(name, [*PACKED, *TORCHVISION], "data set")
    if name == "photos":
        return load_photos(split, size or 256)
    images = load_packed(name, split) if name in PACKED else load_torchvision(name, split, size)
    if size in (None, images.size):
        return images
    parts = [to_pixels(resize(to_signed(part), size)) for part in images.pixels.split(500)]  # floats take much memory
    return replace(images, pixels=torch.cat(parts))


@cache
def load_packed(name: str, split: str) -> ImageSet:
    """One of the arrays of the pack, decoded once a session."""
    file, licence, source = PACKED[name]
    labels: Tensor | None = None
    classes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    with from_pack(file) as path, path.open("rb") as archive, np.load(archive, allow_pickle=False) as arrays:
        pixels = torch.from_numpy(arrays[split if name == "fashion" else f"{name}_{split}"])
        if name == "fashion":
            labels, classes = torch.from_numpy(arrays[f"{split}_label"]).long(), FASHION
        elif name in ("noto", "twemoji"):
            labels, classes = torch.from_numpy(arrays[f"category_{split}"]).long(), tuple(arrays["categories"].tolist())
            names = tuple(arrays[f"name_{split}"].tolist())
    pixels = pixels[:, None] if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2).contiguous()
    return ImageSet(pixels, name, split, licence, source, labels, classes, names)


def load_photos(split: str, size: int) -> ImageSet:
    """The photographs of the pack as their middle squares."""
    with from_pack("photos") as folder:
        pixels, names, skipped = read_folder(folder / split, size)
        if skipped:
            raise OSError(skipped[0])
    return ImageSet(torch.from_numpy(pixels), "photos", split, *PACKED["photos"][1:], names=tuple(names))


@contextmanager
def from_pack(file: str | Path) -> Iterator[Path]:
    """The path of a file or folder of the pack, to be read in the block.

    Where it is missing or damaged, an `OSError` gives its name and the remedy.
    """
    path = PACK / file
    remedy = "install minigan again, or in a clone: git checkout -- minigan/pack"
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing, it should have come with minigan; {remedy}")
    try:
        yield path
    except (ValueError, EOFError, KeyError, OSError, zipfile.BadZipFile, zlib.error) as error:
        reason = str(error).partition("; ")[0] or type(error).__name__
        raise OSError(f"{path} is damaged ({reason}); {remedy}") from error


def load_folder(folder: Path, split: str, size: int) -> ImageSet:
    """Every picture below a folder as its middle square; what cannot be read is named in `skipped`."""
    if split == "test":
        raise ValueError(f"folder {folder} has no held-out split; load two folders, one of them kept for testing")
    pixels, names, skipped = read_folder(folder, size)
    images = ImageSet(torch.from_numpy(pixels), folder.resolve().name, "train", source=str(folder), names=tuple(names))
    return replace(images, skipped=tuple(skipped))


def load_torchvision(name: str, split: str, size: int | None = None, patience: float = 20) -> ImageSet:
    """One of torchvision's sets, from its folder in the cache or by download.

    `patience`: seconds to wait for an answer.

    CelebA's files are read as middle squares of `size` pixels, 64 by default; the others come in their own size.
    """
    datasets = import_module("torchvision.datasets")  # slow to import, so only where it is used
    class_name, licence, source = TORCHVISION[name]
    root = cache_folder() / "torchvision"
    which = {"split": split} if name in ("stl10", "celeba") else {"train": split == "train"}
    try:
        with answers_within(patience), redirect_stdout(StringIO()):
            found = getattr(datasets, class_name)(root, download=True, **which)
    except Exception as error:  # the network, the disk, a changed address: torchvision raises many kinds
        reason = " ".join(f"{type(error).__name__}: {error}".split())  # torchvision writes several lines
        offline = "'fashion' and 'peeps' come with minigan and need no network"
        raise OSError(f"{name} is not in {root} and cannot be downloaded ({reason}); {offline}") from error
    if name == "celeba":
        squares = np.stack([square(picture, size or 64) for picture, _ in found])
        return ImageSet(torch.from_numpy(squares), name, split, licence, source)
    pixels = torch.as_tensor(found.data)
    labels = torch.as_tensor(found.labels if name == "stl10" else found.targets).long()
    if pixels.ndim == 3:
        pixels = pixels[:, None]
    elif pixels.shape[-1] == 3:
        pixels = pixels.permute(0, 3, 1, 2)
    return ImageSet(pixels.contiguous(), name, split, licence, source, labels, tuple(found.classes))


def photo(name: str) -> Tensor:
    """One photograph of the pack, whole and in its own size: an image (1, 3, H, W). `photo("coffee")`."""
    with from_pack("photos") as folder:
        files = {path.stem: path for path in picture_files(folder)}
    with from_pack(files[known(name, files, "photograph")]) as file:
        pixels = np.array(read_image(file))
    return to_signed(torch.from_numpy(pixels).permute(2, 0, 1))[None]


def resize(images: Tensor, size: int | tuple[int, int]) -> Tensor:
    """Bicubic, with a low-pass filter where pictures shrink, so that fine patterns do not alias. Clamped to [-1, 1]."""
    shape = (size, size) if isinstance(size, int) else size
    return F.interpolate(images, shape, mode="bicubic", antialias=True, align_corners=False).clamp(-1, 1)


def downscale(images: Tensor, factor: int) -> Tensor:
    """Shrink (N, C, H, W) to (N, C, H / factor, W / factor).

    Raises `ValueError` where a side does not divide, with the sizes that do.
    """
    height, width = images.shape[-2:]
    if not 1 <= factor <= min(height, width):
        raise ValueError(
            f"factor is {factor}, images are {height} x {width}; choose a factor from 1 to {min(height, width)}"
        )
    if height % factor or width % factor:
        fits = (height // factor * factor, width // factor * factor)
        raise ValueError(
            f"images are {height} x {width}, which {factor} does not divide; crop them to {fits[0]} x {fits[1]}"
        )
    return resize(images, (height // factor, width // factor))


def add_noise(images: Tensor, sigma: float, generator: torch.Generator | None = None) -> Tensor:
    """Add white Gaussian noise of standard deviation `sigma`, in grey levels of 0..255. Not clamped."""
    noise = torch.randn(images.shape, generator=generator).to(images)
    return images + noise * (sigma / 127.5)


def hole_masks(count: int, size: int, hole: int, generator: torch.Generator | None = None) -> Tensor:
    """Masks (count, 1, size, size): 1 where the picture is known, 0 in a randomly placed square of `hole` pixels."""
    if not 0 < hole <= size:
        raise ValueError(f"the hole is {hole} pixels, expected 1 to {size}, the size of the picture")
    corners = torch.randint(0, size - hole + 1, (count, 2, 1), generator=generator)
    inside = (torch.arange(size) >= corners) & (torch.arange(size) < corners + hole)  # (count, 2, size): rows, columns
    return 1 - (inside[:, 0, :, None] & inside[:, 1, None, :]).float()[:, None]
