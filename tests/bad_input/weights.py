"""Weights: damaged, of another network, with a card that says something else, and what is none."""

import json
import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from bad_input.kinds import WRONG, Draw, Make, Place, blank, cut, flipped, kind, line, odd, pick

Tensors = dict[str, torch.Tensor]
About = dict[str, Any]
GENERATOR, DENOISER = "run/generator.safetensors", "task/network.safetensors"


def of_bytes(change: Callable[[bytes, Draw], bytes]) -> Make:
    """The bytes of weights after a change, to draw with or to denoise with."""

    def make(place: Place, draw: Draw) -> list:
        network = draw(pick([GENERATOR, DENOISER]))
        path = place.write("x.safetensors", change((place.good / network).read_bytes(), draw))
        return place.draw_from(path) if network == GENERATOR else place.denoise_with(path)

    return make


BYTES = {
    "weights cut off": cut,
    "weights that end in zeros": blank,
    "weights with a byte changed": flipped,
    "empty weights": lambda whole, draw: b"",
    "a text for weights": lambda whole, draw: b"weights",
    "weights with a header of any length": lambda whole, draw: (
        struct.pack("<Q", draw(st.integers(0, 2**64 - 1))) + whole[8:]
    ),
    "weights with a header that is no JSON": lambda whole, draw: struct.pack("<Q", 9) + b"{not json" + whole[17:],
    "weights by pickle": lambda whole, draw: pickle.dumps({"start.0.weight": [1.0]}),
}
for name, change in BYTES.items():
    kind(name, of_bytes(change), examples=4)


def of_card(change: Callable[[Tensors, About, Draw], Any]) -> Make:
    """Weights that are written anew after a change of the tensors or of the card; a card may become a string."""

    def make(place: Place, draw: Draw) -> list:
        path = place.good / GENERATOR
        with safe_open(path, framework="pt") as file:
            about = json.loads(file.metadata()["minigan"])
        del about["checksum"]
        tensors = load_file(path)
        said = change(tensors, about, draw)
        card = said if isinstance(said, str) else json.dumps(about)
        save_file(tensors, place.own / "x.safetensors", metadata={"minigan": card} if card else None)
        return place.draw_from(place.own / "x.safetensors")

    return make


def one_of(those: dict[str, Any], draw: Draw) -> str:
    return draw(pick(sorted(those)))


def whole_numbers(tensors: Tensors, about: About, draw: Draw) -> None:
    kinds = pick([torch.int8, torch.bool, torch.int64])
    tensors.update({name: tensor.to(draw(kinds)) for name, tensor in tensors.items()})


def halves(tensors: Tensors, about: About, draw: Draw) -> None:
    tensors.update({name: tensor.half() for name, tensor in tensors.items() if tensor.is_floating_point()})


CARDS: dict[str, Callable[[Tensors, About, Draw], Any]] = {
    "weights with one tensor more": lambda tensors, about, draw: tensors.update(more=torch.zeros(2)),
    "weights without a tensor": lambda tensors, about, draw: tensors.__delitem__(one_of(tensors, draw)),
    "weights of other shapes": lambda tensors, about, draw: tensors.update({one_of(tensors, draw): torch.zeros(3, 5)}),
    "weights that are not finite": lambda tensors, about, draw: tensors.update(
        {"to_image.bias": torch.full((3,), draw(pick([float("nan"), float("inf")])))}
    ),
    "weights of whole numbers": whole_numbers,
    "weights without a card": lambda tensors, about, draw: "",
    "a card that is no JSON": lambda tensors, about, draw: draw(st.text(min_size=1, max_size=20)),
    "a card that is JSON of another kind": lambda tensors, about, draw: draw(pick(["[]", "3", "null", '"x"', "[[]]"])),
    "a card too deep to read": lambda tensors, about, draw: '{"network":' * 20_000,
    "a card without its parts": lambda tensors, about, draw: about.__delitem__(one_of(about, draw)),
    "a card of an unknown network": lambda tensors, about, draw: about.update(
        network=draw(pick(["Generatr", "", "os", 3]))
    ),
    "a card with arguments of a wrong type": lambda tensors, about, draw: about["arguments"].update(
        {one_of(about["arguments"], draw): draw(WRONG)}
    ),
    "a card whose arguments are none": lambda tensors, about, draw: about.update(
        arguments=draw(pick([None, [], "x", 3]))
    ),
    "a card with more arguments": lambda tensors, about, draw: about["arguments"].update(depth=3),
    "a card whose facts are none": lambda tensors, about, draw: about.update(facts=draw(pick([None, 3, "x", [1]]))),
}
for name, change in CARDS.items():
    kind(name, of_card(change), examples=8 if "type" in name else 3)
odd("weights of half precision", of_card(halves))
odd(
    "a card with strange facts",
    of_card(
        lambda tensors, about, draw: about["facts"].update(classes=draw(WRONG), data=draw(WRONG), images=draw(WRONG))
    ),
    examples=6,
)


@kind("weights of another task", examples=4)
def _(place: Place, draw: Draw) -> list:
    wrong, picture = place.good / draw(pick([GENERATOR, "discriminator.safetensors"])), place.good / "picture.png"
    ways = [
        ["stylize", picture, wrong],
        ["denoise", picture, "--weights", wrong],
        ["upscale", picture, "--weights", wrong],
    ]
    return [*draw(pick(ways)), "-o", place.out]


def at(make: Callable[[Path], Any]) -> Make:
    """What is no file, to draw with or to denoise with."""

    def given(place: Place, draw: Draw) -> list:
        path = place.own / "x.safetensors"
        make(path)
        return place.draw_from(path) if draw(st.booleans()) else place.denoise_with(path)

    return given


kind("a folder for weights", at(Path.mkdir))
kind("a pipe for weights", at(os.mkfifo))
kind("a link to itself for weights", at(lambda path: path.symlink_to(path)))
kind("a device for weights", at(lambda path: path.symlink_to("/dev/zero")))
line("a discriminator to draw with", "generate GOOD/discriminator.safetensors -o OUT")
line("weights that are not there", "denoise GOOD/picture.png -o OUT --weights OWN/nowhere")
line("a network by a wrong name", "generate {} -o OUT", pick(["peep", "heads", "", "peeps.safetensors"]), examples=4)
