"""Picture files in and out: every mode that a camera or a painting program writes, and what to say of the others.

Shown in no chapter: reading files is Pillow's work, and the rest is care. Nothing here needs torch, whose import takes
longer than most of what is done with a file.
"""

import hashlib
import json
import os
import socket
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

PACK = Path(__file__).parent / "pack"  # the pictures that come with minigan
CLASSIFIER = Path(__file__).parent / "weights" / "backbones" / "fashion_classifier.safetensors"
UNFINISHED = ".minigan-"  # how the name of a file begins that is being written
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"})


def read_image(path: Path) -> Image.Image:
    """The picture in a file as 8-bit RGB, upright.

    Grey becomes RGB, transparency is laid on white, 16 bits become 8, CMYK is converted, the first frame of an
    animation is taken, the camera's orientation is obeyed. Raises `FileNotFoundError` or `OSError` that names the
    file and what is wrong with it.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; check the path")
    try:
        if not path.is_file() and not path.is_dir():
            raise ValueError("it is a pipe or a device")  # which might keep a reader waiting for ever
        with path.open("rb") as plain:
            plain.read(1)  # what the system says here is clearer than what Pillow makes of it
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # Pillow comments on odd metadata; the pixels are what matters
            with Image.open(path) as file:
                file.load()
                picture = to_rgb(ImageOps.exif_transpose(file))
            with Image.open(path) as file:
                file.verify()  # a PNG has checksums, which reading alone does not compare
            return picture
    except Exception as error:  # Pillow raises many kinds, some undocumented, on damaged files
        said = str(error).replace(repr(str(path)), "").replace(str(path), "")
        reason = said.strip(" :'\"") or type(error).__name__
        raise OSError(
            f"{path} is not a readable picture ({reason}); open and save it again with a picture program, or remove it"
        ) from error


def to_rgb(picture: Image.Image) -> Image.Image:
    """Any Pillow mode as 8-bit RGB: deep grey scaled down, transparency laid on white."""
    if picture.mode.startswith(("I", "F")):
        values = np.asarray(picture).astype(np.float32)
        highest = 65535.0 if picture.mode.startswith("I;16") else values.max(initial=0)
        usual = (1, 255) if picture.mode == "F" else (255,)  # float pictures are often in [0, 1]
        peak = next((peak for peak in usual if highest <= peak), 65535)
        picture = Image.fromarray(np.uint8(np.clip(values * (255 / peak), 0, 255).round()))
    if "A" in picture.getbands() or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return picture.convert("RGB")


def square(picture: Image.Image, size: int) -> np.ndarray:
    """The middle square of a picture, resized: uint8 (3, size, size)."""
    fitted = ImageOps.fit(picture, (size, size), Image.Resampling.LANCZOS)
    return np.asarray(fitted).transpose(2, 0, 1)


def picture_files(folder: Path) -> list[Path]:
    """The files below a folder whose names end like a picture's, hidden ones left out, in alphabetical order."""
    if not folder.exists():
        raise FileNotFoundError(f"folder {folder} does not exist; check the path")
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file, expected a folder of pictures; name the folder that holds it")
    inside = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    files = sorted(path for path in inside if not any(part.startswith(".") for part in path.relative_to(folder).parts))
    if not files:
        raise FileNotFoundError(f"{folder} holds no pictures, expected files that end in {', '.join(sorted(SUFFIXES))}")
    return files


def read_folder(folder: Path, size: int) -> tuple[np.ndarray, list[str], list[str]]:
    """Every picture below a folder as its middle square, uint8 (N, 3, size, size); the names; the skipped, why.

    Decoded pictures are kept in the cache, so that the next start is quick; a changed file is noticed. Raises
    `OSError` when no picture can be read.
    """
    files = picture_files(folder)
    facts = [(str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    decoder = 1  # count up when `square` or `to_rgb` changes what it gives
    key = hashlib.sha256(json.dumps([decoder, size, facts]).encode()).hexdigest()[:24]
    kept = cache_folder() / "decoded" / f"{key}.npz"
    with (
        suppress(Exception),
        kept.open("rb") as archive,
        np.load(archive, allow_pickle=False) as arrays,
    ):  # whatever is wrong with a cache, decode again
        return arrays["pixels"], arrays["names"].tolist(), arrays["skipped"].tolist()
    squares, names, skipped = [], [], []
    for path in files:
        try:
            squares.append(square(read_image(path), size))
            names.append(path.relative_to(folder).with_suffix("").as_posix())
        except OSError as error:
            skipped.append(str(error))
    if not squares:
        raise OSError(f"none of the {len(files)} pictures in {folder} can be read; the first: {skipped[0]}")
    pixels = np.stack(squares)
    with suppress(OSError), whole_file(kept) as temporary:  # a full or read-only disk costs the cache, nothing else
        np.savez(temporary, pixels=pixels, names=np.array(names), skipped=np.array(skipped, dtype=str))
    return pixels, names, skipped


def cache_folder() -> Path:
    """Where downloads and decoded pictures are kept: `MINIGAN_CACHE`, or `minigan` in the user's cache folder."""
    own = os.environ.get("MINIGAN_CACHE")
    return Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "minigan"


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Write `path` whole or not at all: the block writes the temporary path it is given, which then takes the name.

    A crash, a full disk or Ctrl-C in between leaves what was there before. Raises `OSError` that names the file.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_unfinished(path.parent)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=UNFINISHED, suffix=path.suffix)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        what = error.strerror or str(error)
        raise OSError(
            f"{path} cannot be written ({what}); free some space or choose a folder where you may write"
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def remove_unfinished(folder: Path, age: float = 3600) -> None:
    """Remove what a killed program has left unfinished in a folder. No write takes so many seconds."""
    for left in folder.glob(f"{UNFINISHED}*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > age:
                left.unlink()


@contextmanager
def answers_within(seconds: float) -> Iterator[None]:
    """Downloads inside the block wait for an answer no longer than this."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
