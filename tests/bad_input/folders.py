"""Folders to learn from, or to change as a whole."""

import os
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from bad_input.kinds import SMALL, Draw, Make, Place, kind, line, odd, pick


def of_folder(make: Callable[[Place, Draw], Path]) -> Make:
    """A folder, given to what takes folders: a GAN, an application, a command that changes pictures."""

    def given(place: Place, draw: Draw) -> list:
        folder, run = make(place, draw), place.own / "run"
        task = ["--task", "denoise", "--size", 16, "--images", 4, "--batch", 2]
        ways = [
            ["train", folder, "-o", run, *SMALL],
            ["train", folder, "-o", run, *task],
            ["denoise", folder, "-o", place.own / "out", "--weights", place.good / "task"],
        ]
        return draw(pick(ways))

    return given


def filled(name: str, *files: tuple[str, bytes | tuple[int, int]]) -> Callable[[Place, Draw], Path]:
    """A folder with these files: content as bytes, or the size of a picture."""

    def make(place: Place, draw: Draw) -> Path:
        (place.own / name).mkdir()
        for file, content in files:
            path = place.write(f"{name}/{file}", content if isinstance(content, bytes) else b"")
            if not isinstance(content, bytes):
                Image.new("RGB", content, "red").save(path)
        return place.own / name

    return make


BAD = {
    "an empty folder": filled("empty"),
    "a folder of texts": filled("texts", ("a.txt", b"a"), ("b.md", b"b")),
    "a folder of broken pictures": filled("broken", ("a.png", b"a"), ("b.jpg", b"")),
    "a folder of hidden pictures": filled("hidden", (".a.png", (20, 20)), (".b/c.png", (20, 20))),
    "a folder that is not there": lambda place, draw: place.own / "nowhere",
}
GOOD = {
    "a folder with one picture": filled("one", ("a.png", (20, 20))),
    "a folder of mixed sizes": filled("mixed", ("a.png", (20, 99)), ("b.jpg", (300, 16)), ("c.png", (16, 16))),
    "a folder in folders": filled("deep", ("a/b/c/d.png", (20, 20))),
    "a folder with dots and spaces": filled("my. pictures ", ("a.png", (20, 20))),
}
for name, make in BAD.items():
    kind(name, of_folder(make), examples=3)
for name, make in GOOD.items():
    odd(name, of_folder(make), examples=3)


@kind("a folder of folders that are called pictures", examples=3)
@of_folder
def _(place: Place, draw: Draw) -> Path:
    (place.own / "in" / "a.png").mkdir(parents=True)
    return place.own / "in"


@kind("a folder of pipes", examples=3)
@of_folder
def _(place: Place, draw: Draw) -> Path:
    (place.own / "in").mkdir()
    os.mkfifo(place.own / "in" / "a.png")
    return place.own / "in"


@odd("a folder that holds itself", examples=3)
@of_folder
def _(place: Place, draw: Draw) -> Path:
    folder = filled("in", ("a.png", (20, 20)))(place, draw)
    (folder / "again").symlink_to(folder)
    return folder


@kind("pictures too small for a task", examples=3)
def _(place: Place, draw: Draw) -> list:
    folder = filled("small", ("a.png", (9, 9)))(place, draw)
    return ["train", folder, "-o", place.own / "run", "--task", draw(pick(["denoise", "superres", "inpaint"]))]


line("a picture in place of a folder to train on", "train GOOD/picture.png -o OWN/run SMALL")


@kind("a folder without its dot and slash")
def _(place: Place, draw: Draw) -> list:
    return ["train", filled("mine", ("a.png", (20, 20)))(place, draw).name, "-o", place.own / "run", *SMALL]
