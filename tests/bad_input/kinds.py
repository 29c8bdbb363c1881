"""What a kind of bad input is: something that is written, and the command line that it is given to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

Draw = Callable[[st.SearchStrategy], Any]
Make = Callable[["Place", Draw], list]
SMALL = ("--images", 8, "--batch", 4, "--size", 16, "--width", 2, "--precision", "float32")
pick = st.sampled_from
WRONG = pick([None, "x", [], {}, -1, 0, 3.5, 10**12, True, "8", float("nan")])  # in place of whatever JSON can hold


@dataclass(frozen=True)
class Place:
    """Where a kind works: good files to begin with, and a folder of its own for bad ones."""

    good: Path  # picture.png, mask.png, pictures/, run/, task/ with the networks of two runs, and single networks
    own: Path

    @property
    def out(self) -> Path:
        return self.own / "out.png"

    def write(self, name: str, content: bytes) -> Path:
        (self.own / name).parent.mkdir(parents=True, exist_ok=True)
        (self.own / name).write_bytes(content)
        return self.own / name

    def treat(self, source: Any, draw: Draw, output: Any = None) -> list:
        """A command that reads a picture, any of them: as what is changed, as a style, as a mask."""
        picture, mask = self.good / "picture.png", self.good / "mask.png"
        ways = [
            ["denoise", source, "--weights", self.good / "task"],
            ["upscale", source, "--weights", self.good / "upscaler.safetensors"],
            ["inpaint", source, "--mask", mask],
            ["stylize", source, "whirls", "--size", 32],
            ["stylize", picture, source, "--size", 32, "--steps", 1],
            ["inpaint", picture, "--mask", source],
        ]
        return [*draw(pick(ways)), "-o", output or self.out]

    def draw_from(self, origin: Any) -> list:
        return ["generate", origin, "-o", self.out, "--count", 2]

    def denoise_with(self, weights: Path) -> list:
        return ["denoise", self.good / "picture.png", "-o", self.out, "--weights", weights]

    def resume(self) -> list:
        return ["train", self.good / "pictures", "-o", self.own / "run", "--resume"]


@dataclass(frozen=True)
class Kind:
    """One kind of input: how it is made, whether it may be accepted, and the environment it needs."""

    make: Make
    odd: bool = False  # unusual and valid, or refused: both are right, but a traceback is not
    environment: dict[str, str] = field(default_factory=dict)
    examples: int = 2


KINDS: dict[str, Kind] = {}


def kind(name: str, make: Make | None = None, **options: Any) -> Callable[[Make], Make]:
    """Enter what makes a kind under a name; as a decorator, or at once."""

    def enter(make: Make) -> Make:
        assert name not in KINDS, name
        KINDS[name] = Kind(make, **options)
        return make

    if make is not None:
        enter(make)
    return enter


def odd(name: str, make: Make | None = None, **options: Any) -> Callable[[Make], Make]:
    """A kind that may be accepted."""
    return kind(name, make, odd=True, **options)


def line(name: str, words: str, *drawn: st.SearchStrategy | object, **options: Any) -> None:
    """A kind that is a command line alone.

    OUT, GOOD and OWN stand for a new file and the two folders, SMALL for options, {} for what is drawn.
    """

    def make(place: Place, draw: Draw) -> list:
        values, found = iter(drawn), []
        for word in words.split():
            value = next(values) if word == "{}" else word
            found.append(in_place(draw(value) if isinstance(value, st.SearchStrategy) else value, place))
        at = found.index("SMALL") if "SMALL" in found else None
        return found if at is None else [*found[:at], *SMALL, *found[at + 1 :]]

    kind(name, make, **options)


def in_place(word: Any, place: Place) -> Any:
    head, slash, rest = str(word).partition("/")
    folders = {"OUT": place.out, "GOOD": place.good, "OWN": place.own}
    return f"{folders[head]}{slash}{rest}" if head in folders else word


# What is done to the bytes of a good file


def cut(content: bytes, draw: Draw) -> bytes:
    """The beginning of a file, at most nine tenths of it."""
    return content[: draw(st.integers(0, len(content) * 9 // 10))]


def blank(content: bytes, draw: Draw) -> bytes:
    """A file that ends in zeros, as after a loss of power."""
    half = cut(content, draw)
    return half + bytes(len(content) - len(half))


def flipped(content: bytes, draw: Draw) -> bytes:
    """One byte is another."""
    place = draw(st.integers(0, len(content) - 1))
    return content[:place] + bytes([content[place] ^ draw(st.integers(1, 255))]) + content[place + 1 :]
