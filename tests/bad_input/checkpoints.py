"""Checkpoints to go on from: damaged, foreign, of other settings, and what is none."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from bad_input.kinds import Draw, Make, Place, blank, cut, flipped, kind, line, odd, pick

SETTINGS = pick(
    ["generator", "discriminator", "augment", "batch", "rate", "loss", "betas", "precision", "seed", "pictures"]
)
PARTS = pick(
    ["generator", "average", "g_optimizer", "d_optimizer", "random", "seen", "steps", "seconds", "history", "dtype"]
)
NOTHING = pick([None, "x", [3], {"x": 1}, torch.zeros(2), 10**12, 0, True])
NO_SETTING = pick([None, "x", [], {}, -1, 3.5, "8", float("nan"), 10**12, 0, True])


def of_bytes(change: Callable[[bytes, Draw], bytes]) -> Make:
    """The bytes of a checkpoint after a change."""

    def make(place: Place, draw: Draw) -> list:
        place.write("run/checkpoint.pt", change((place.good / "run" / "checkpoint.pt").read_bytes(), draw))
        return place.resume()

    return make


def of_parts(change: Callable[[dict, Draw], Any]) -> Make:
    """A checkpoint that is written anew after a change of what it holds, or with what the change returns."""

    def make(place: Place, draw: Draw) -> list:
        saved = torch.load(place.good / "run" / "checkpoint.pt", weights_only=True)
        said = change(saved, draw)
        (place.own / "run").mkdir()
        torch.save(saved if said is None else said, place.own / "run" / "checkpoint.pt")
        return place.resume()

    return make


class Opens:
    """Would write a file if it were unpickled."""

    def __reduce__(self) -> tuple:
        return (Path.touch, (Path("executed by a checkpoint"),))


BYTES = {
    "a checkpoint cut off": cut,
    "a checkpoint that ends in zeros": blank,
    "an empty checkpoint": lambda whole, draw: b"",
    "a text for a checkpoint": lambda whole, draw: b"state",
    "a bare pickle for a checkpoint": lambda whole, draw: pickle.dumps({"settings": {}}),
}
for name, change in BYTES.items():
    kind(name, of_bytes(change), examples=4)
odd("a checkpoint with a byte changed", of_bytes(flipped), examples=8)  # some bytes of a zip mean nothing

HELD: dict[str, Callable[[dict, Draw], Any]] = {
    "a checkpoint of another program": lambda saved, draw: {"model": saved["generator"]},
    "a checkpoint that is a list": lambda saved, draw: [1, 2],
    "a checkpoint that would run a program": lambda saved, draw: {**saved, "history": Opens()},
    "a checkpoint without its parts": lambda saved, draw: saved.__delitem__(draw(pick(sorted(saved)))),
    "a checkpoint whose settings are none": lambda saved, draw: saved.update(
        settings=draw(pick([None, 3, [], {}, "x"]))
    ),
    "a checkpoint without a setting": lambda saved, draw: saved["settings"].__delitem__(draw(SETTINGS)),
    "a checkpoint with a wrong setting": lambda saved, draw: saved["settings"].update(
        {draw(SETTINGS): draw(NO_SETTING)}
    ),
    "a checkpoint of a later version": lambda saved, draw: saved["settings"].update(temperature=1.0),
    "a checkpoint of other shapes": lambda saved, draw: saved["generator"].update({"to_image.bias": torch.zeros(7)}),
    "a checkpoint with a part of a wrong type": lambda saved, draw: saved.update({draw(PARTS): draw(NOTHING)}),
}
for name, change in HELD.items():
    kind(name, of_parts(change), examples=8 if "wrong" in name else 4, odd="wrong" in name)  # another number may do


@kind("a folder or a pipe for a checkpoint")
def _(place: Place, draw: Draw) -> list:
    (place.own / "run").mkdir()
    draw(pick([Path.mkdir, os.mkfifo]))(place.own / "run" / "checkpoint.pt")
    return place.resume()


line("nothing to resume", "train GOOD/pictures -o OWN/run --resume")
line("a resume of other data", "train micah -o GOOD/run --resume")
line(
    "a resume under other settings",
    "train GOOD/pictures -o GOOD/run --resume {} {}",
    pick(["--loss"]),
    pick(["hinge", "relativistic"]),
)
line("a resume of another task", "train GOOD/pictures -o GOOD/run --resume --task denoise")
line("a resume with networks of another width", "train GOOD/pictures -o GOOD/run --resume --width 7")
line("a new run over an old one", "train GOOD/pictures -o GOOD/run SMALL")
line("a run that is a file", "train GOOD/pictures -o GOOD/picture.png SMALL")
