"""What users give by mistake, kind by kind: each is a name and the command line that it is given to.

`KINDS` holds them all; `test_fuzz.py` runs them. A kind writes what it needs into a `Place` and returns the words of the
command. Whatever varies, such as where a file is cut off, is drawn by hypothesis.
"""

import json
import os
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import load_file, save_file

Draw = Callable[[st.SearchStrategy], Any]
SMALL = ("--images", 8, "--batch", 4, "--size", 16, "--width", 2, "--precision", "float32")


@dataclass(frozen=True)
class Place:
    """Where a kind works: good files to begin with, and a folder of its own for bad ones."""

    good: Path  # picture.png, mask.png, pictures/, run/, task/ and the weights in them
    own: Path

    @property
    def out(self) -> Path:
        return self.own / "out.png"

    def write(self, name: str, content: bytes) -> Path:
        (self.own / name).parent.mkdir(parents=True, exist_ok=True)
        (self.own / name).write_bytes(content)
        return self.own / name

    def treat(self, source: Any, draw: Draw, output: Any = None) -> list:
        """A command that changes pictures, any of them."""
        mask, denoiser = self.good / "mask.png", self.good / "task"
        commands = {
            "denoise": ["denoise", source, "--weights", denoiser],
            "upscale": ["upscale", source],
            "inpaint": ["inpaint", source, "--mask", mask],
            "content": ["stylize", source, "whirls", "--size", 32],
            "style": ["stylize", self.good / "picture.png", source, "--size", 32, "--steps", 1],
            "mask": ["inpaint", self.good / "picture.png", "--mask", source],
        }
        return [*commands[draw(st.sampled_from(sorted(commands)))], "-o", output or self.out]

    def train(self, source: Any, *options: Any) -> list:
        return ["train", source, "-o", self.own / "run", *SMALL, *options]

    def draw_from(self, origin: Any, *options: Any) -> list:
        return ["generate", origin, "-o", self.out, "--count", 2, *options]

    def resume(self, run: Path | None = None, *options: Any) -> list:
        return ["train", "peeps", "-o", run or self.own / "run", "--resume", *options]


@dataclass(frozen=True)
class Kind:
    """One kind of input: what is written and asked, whether it may be accepted, and the environment it needs."""

    make: Callable[[Place, Draw], list]
    odd: bool = False  # valid after all, or refused: both are right, but a traceback is not
    environment: dict[str, str] = field(default_factory=dict)
    examples: int = 2


KINDS: dict[str, Kind] = {}


def kind(name: str, **options: Any) -> Callable:
    """Enter what follows under a name."""

    def enter(make: Callable[[Place, Draw], list]) -> Callable[[Place, Draw], list]:
        assert name not in KINDS, name
        KINDS[name] = Kind(make, **options)
        return make

    return enter


def words(name: str, *line: Any, **options: Any) -> None:
    """A kind that is a command line alone. OUT, GOOD and OWN stand for a new file and the two folders."""

    def make(place: Place, draw: Draw) -> list:
        places = {"OUT": place.out, "GOOD": place.good, "OWN": place.own}
        drawn = [draw(word) if isinstance(word, st.SearchStrategy) else word for word in line]
        return [part if not isinstance(part, str) else _replaced(part, places) for part in drawn]

    kind(name, **options)(make)


def _replaced(word: str, places: dict[str, Path]) -> str:
    head, slash, rest = word.partition("/")
    return f"{places[head]}{slash}{rest}" if head in places else word


# Pictures


def encoded(form: str, draw: Draw, size: tuple[int, int] = (24, 20)) -> bytes:
    """Noise in a format of pictures."""
    import io

    pixels = np.random.default_rng(draw(st.integers(0, 9))).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form)
    return buffer.getvalue()


def cut(content: bytes, draw: Draw, least: int = 0) -> bytes:
    """The beginning of a file, at most nine tenths of it."""
    return content[: draw(st.integers(least, len(content) * 9 // 10))]


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it has so many pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def of_picture(suffix: str, content: Callable[[Draw], bytes]) -> Callable[[Place, Draw], list]:
    """A file with this content, given to any command that takes pictures."""
    return lambda place, draw: place.treat(place.write(f"x{suffix}", content(draw)), draw)


for form, suffix in (
    ("PNG", ".png"),
    ("JPEG", ".jpg"),
    ("GIF", ".gif"),
    ("WEBP", ".webp"),
    ("TIFF", ".tif"),
    ("BMP", ".bmp"),
):
    kind(f"a {form} cut off", examples=4)(of_picture(suffix, lambda draw, form=form: cut(encoded(form, draw), draw)))


@kind("a PNG with one byte changed", examples=4)
def _(place: Place, draw: Draw) -> list:
    content = bytearray(encoded("PNG", draw))
    content[draw(st.integers(50, len(content) - 20))] ^= draw(st.integers(1, 255))
    return place.treat(place.write("x.png", bytes(content)), draw)


@kind("a PNG that ends in zeros")
def _(place: Place, draw: Draw) -> list:
    content = encoded("PNG", draw)
    half = cut(content, draw)
    return place.treat(place.write("x.png", half + bytes(len(content) - len(half))), draw)


kind("an empty picture")(of_picture(".png", lambda draw: b""))
kind("a text for a picture")(of_picture(".png", lambda draw: draw(st.text(max_size=40)).encode()))
kind("a web page for a picture")(of_picture(".jpg", lambda draw: b"<!doctype html><title>404</title>"))
kind("any bytes for a picture", examples=6)(of_picture(".webp", lambda draw: draw(st.binary(max_size=200))))
kind("a drawing in SVG")(
    of_picture(".png", lambda draw: b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
)
kind("a bomb of a PNG")(of_picture(".png", lambda draw: claiming(draw(st.sampled_from([60_000, 2**31 - 1])), 60_000)))
kind("a bomb of a GIF")(
    of_picture(".gif", lambda draw: b"GIF89a" + b"\xff" * 4 + b"\0\0\0,\0\0\0\0" + b"\xff" * 4 + b"\0\2\0;")
)
kind("a bomb of a BMP")(
    of_picture(
        ".bmp",
        lambda draw: (
            b"BM" + struct.pack("<IHHIIiiHHIIiiII", 999, 0, 0, 54, 40, 90_000, 90_000, 1, 24, 0, 0, 1, 1, 0, 0)
        ),
    )
)
kind("a PNG without pixels")(
    of_picture(".png", lambda draw: claiming(*draw(st.sampled_from([(0, 0), (0, 8), (8, 0)]))))
)
kind("a GIF without pixels")(of_picture(".gif", lambda draw: b"GIF89a\0\0\0\0\0\0\0;"))
kind("a PPM that promises too much")(of_picture(".ppm", lambda draw: b"P6 9 9 255\n" + draw(st.binary(max_size=100))))
kind("a PPM of no numbers")(of_picture(".ppm", lambda draw: b"P6 a b c\n"))


@kind("a picture that is not there")
def _(place: Place, draw: Draw) -> list:
    return place.treat(place.own / "nowhere.png", draw)


@kind("a folder in place of a picture")
def _(place: Place, draw: Draw) -> list:
    (place.own / "x.png").mkdir()
    return place.treat(place.own / "x.png", draw)


@kind("a path through a file")
def _(place: Place, draw: Draw) -> list:
    return place.treat(place.good / "picture.png" / "x.png", draw)


@kind("a link to itself")
def _(place: Place, draw: Draw) -> list:
    (place.own / "x.png").symlink_to(place.own / "x.png")
    return place.treat(place.own / "x.png", draw)


@kind("a link to nowhere")
def _(place: Place, draw: Draw) -> list:
    (place.own / "x.png").symlink_to(place.own / "gone.png")
    return place.treat(place.own / "x.png", draw)


@kind("a pipe in place of a picture")
def _(place: Place, draw: Draw) -> list:
    os.mkfifo(place.own / "x.png")
    return place.treat(place.own / "x.png", draw)


@kind("a device in place of a picture")
def _(place: Place, draw: Draw) -> list:
    (place.own / "x.png").symlink_to(draw(st.sampled_from(["/dev/zero", "/dev/null", "/dev/full"])))
    return place.treat(place.own / "x.png", draw)


@kind("a picture that the system will not read")
def _(place: Place, draw: Draw) -> list:
    (place.own / "x.png").symlink_to("/proc/self/mem")  # which not even root may read at its beginning
    return place.treat(place.own / "x.png", draw)


@kind("a name longer than names can be")
def _(place: Place, draw: Draw) -> list:
    return place.treat(place.own / (draw(st.sampled_from("xä頭")) * 300 + ".png"), draw)


@kind("a text under a strange name", examples=6)
def _(place: Place, draw: Draw) -> list:
    name = draw(
        st.sampled_from(["a\nb", "a\tb", "\x1b[31mred", "頭", "ä" * 60, "a'b\"c", " ", "-o", "%s{}", "a;b", "\udcff"])
    )
    return place.treat(place.write(f"{name}.png", b"text"), draw)


def picture_of(mode: str, name: str, size: tuple[int, int] = (9, 7), **options: Any) -> Callable[[Place, Draw], list]:
    """A valid picture of an unusual kind."""

    def make(place: Place, draw: Draw) -> list:
        pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
        picture = Image.fromarray(pixels).convert(mode) if not mode.startswith("I;16") else Image.new(mode, size, 999)
        if mode == "P":
            options.setdefault("transparency", 0)
        picture.save(place.own / name, **options)
        return place.treat(place.own / name, draw)

    return make


odd = partial(kind, odd=True)
odd("a picture of one pixel")(picture_of("RGB", "x.png", (1, 1)))
odd("a picture one pixel high")(picture_of("RGB", "x.png", (40, 1)))
odd("a picture one pixel wide")(picture_of("RGB", "x.bmp", (1, 33)))
odd("a JPEG in CMYK")(picture_of("CMYK", "x.jpg"))
odd("a PNG of 16 bits")(picture_of("I;16", "x.png"))
odd("a TIFF of floats")(picture_of("F", "x.tif"))
odd("a picture of one bit")(picture_of("1", "x.png"))
odd("a palette with a transparent colour")(picture_of("P", "x.png"))
odd("grey with alpha")(picture_of("LA", "x.png"))
odd("a PNG that is called .jpg")(picture_of("RGB", "x.jpg", format="PNG"))
odd("an odd suffix")(picture_of("RGB", "x.JPEG"))


@odd("an animation")
def _(place: Place, draw: Draw) -> list:
    frames = [Image.new("RGB", (9, 7), colour) for colour in ("red", "blue", "lime")]
    name = draw(st.sampled_from(["x.gif", "x.webp", "x.png"]))
    frames[0].save(place.own / name, save_all=True, append_images=frames[1:])
    return place.treat(place.own / name, draw)


@odd("odd words of a camera")
def _(place: Place, draw: Draw) -> list:
    body = draw(st.binary(max_size=30))
    Image.new("RGB", (9, 7)).save(
        place.own / "x.jpg", exif=b"Exif\0\0" + draw(st.sampled_from([b"II*\0", b"MM\0*", b""])) + body
    )
    return place.treat(place.own / "x.jpg", draw)


@odd("a good picture under a strange name")
def _(place: Place, draw: Draw) -> list:
    name = draw(
        st.sampled_from(["a\nb.png", "頭.png", "ä b.png", "-x.png", "%d.png", ".hidden.png", "x" * 251 + ".png"])
    )
    Image.new("RGB", (24, 20)).save(place.own / name)
    return place.treat(place.own / name, draw, place.own / "out")


@kind("a result that is too large")
def _(place: Place, draw: Draw) -> list:
    Image.new("1", (8000, 8000)).save(place.own / "x.png")
    return ["upscale", place.own / "x.png", "-o", place.out]


@kind("a mask of another size")
def _(place: Place, draw: Draw) -> list:
    Image.new("L", (draw(st.integers(1, 23)), 20), 255).save(place.own / "m.png")
    return ["inpaint", place.good / "picture.png", "--mask", place.own / "m.png", "-o", place.out]


@kind("a mask of one colour")
def _(place: Place, draw: Draw) -> list:
    Image.new("L", (24, 20), draw(st.sampled_from([0, 255]))).save(place.own / "m.png")
    return ["inpaint", place.good / "picture.png", "--mask", place.own / "m.png", "-o", place.out]


@kind("a folder of masks without the mask")
def _(place: Place, draw: Draw) -> list:
    return ["inpaint", place.good / "picture.png", "--mask", place.good / "pictures", "-o", place.out]


# Folders of pictures


def folder_of(make: Callable[[Place, Draw], Path]) -> Callable[[Place, Draw], list]:
    """A folder, given to what takes folders."""

    def given(place: Place, draw: Draw) -> list:
        folder = make(place, draw)
        way = draw(st.sampled_from(["train", "task", "treat"]))
        if way == "train":
            return place.train(folder)
        if way == "task":
            return [
                "train",
                folder,
                "-o",
                place.own / "run",
                "--task",
                "denoise",
                "--size",
                16,
                "--images",
                4,
                "--batch",
                2,
            ]
        return ["denoise", folder, "-o", place.own / "out", "--weights", place.good / "task"]

    return given


def filled(name: str, *files: tuple[str, bytes | tuple[int, int]]) -> Callable[[Place, Draw], Path]:
    """A folder with these files: content as bytes, or the size of a picture."""

    def make(place: Place, draw: Draw) -> Path:
        folder = place.own / name
        folder.mkdir()
        for file, content in files:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                (folder / file).write_bytes(content)
            else:
                Image.new("RGB", content, "red").save(folder / file)
        return folder

    return make


kind("an empty folder", examples=3)(folder_of(filled("empty")))
kind("a folder of texts", examples=3)(folder_of(filled("texts", ("a.txt", b"a"), ("b.md", b"b"))))
kind("a folder of broken pictures", examples=3)(folder_of(filled("broken", ("a.png", b"a"), ("b.jpg", b""))))
kind("a folder of hidden pictures", examples=3)(
    folder_of(filled("hidden", (".a.png", (20, 20)), (".b/c.png", (20, 20))))
)
kind("a folder that is not there", examples=3)(folder_of(lambda place, draw: place.own / "nowhere"))
odd("a folder with one picture", examples=3)(folder_of(filled("one", ("a.png", (20, 20)))))
odd("a folder of mixed sizes", examples=3)(
    folder_of(filled("mixed", ("a.png", (20, 99)), ("b.jpg", (300, 16)), ("c.png", (16, 16))))
)
odd("a folder in folders", examples=3)(folder_of(filled("deep", ("a/b/c/d.png", (20, 20)))))
odd("a folder with dots and spaces", examples=3)(folder_of(filled("my. pictures ", ("a.png", (20, 20)))))


@kind("a folder of folders that are called pictures", examples=3)
@folder_of
def _(place: Place, draw: Draw) -> Path:
    (place.own / "in" / "a.png").mkdir(parents=True)
    return place.own / "in"


@kind("a folder of pipes", examples=3)
@folder_of
def _(place: Place, draw: Draw) -> Path:
    (place.own / "in").mkdir()
    os.mkfifo(place.own / "in" / "a.png")
    return place.own / "in"


@odd("a folder that holds itself", examples=3)
@folder_of
def _(place: Place, draw: Draw) -> Path:
    folder = filled("in", ("a.png", (20, 20)))(place, draw)
    (folder / "again").symlink_to(folder)
    return folder


@kind("pictures too small for a task")
def _(place: Place, draw: Draw) -> list:
    folder = filled("small", ("a.png", (9, 9)))(place, draw)
    return [
        "train",
        folder,
        "-o",
        place.own / "run",
        "--task",
        draw(st.sampled_from(["denoise", "superres", "inpaint"])),
    ]


@kind("a picture in place of a folder to train on")
def _(place: Place, draw: Draw) -> list:
    return place.train(place.good / "picture.png")


# Weights

Tensors = dict[str, torch.Tensor]
About = dict[str, Any]


def weights_of(change: Callable[[Tensors, About, Draw], Any]) -> Callable[[Place, Draw], list]:
    """Weights that are written anew after a change of the tensors or of the card; a card may become a string."""

    def make(place: Place, draw: Draw) -> list:
        tensors, about = changed_weights(place.good / "run" / "generator.safetensors")
        instead = change(tensors, about, draw)
        card = json.dumps(about) if instead is None else instead
        save_file(tensors, place.own / "x.safetensors", metadata={"minigan": card} if card else None)
        return place.draw_from(place.own / "x.safetensors")

    return make


def drop(those: dict, name: str) -> None:
    del those[name]


def changed_weights(path: Path) -> tuple[Tensors, About]:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        about = json.loads(file.metadata()["minigan"])
    del about["checksum"]
    return load_file(path), about


def raw_weights(change: Callable[[bytes, Draw], bytes]) -> Callable[[Place, Draw], list]:
    """The bytes of weights after a change, given to all that takes weights."""

    def make(place: Place, draw: Draw) -> list:
        network = draw(st.sampled_from(["run/generator.safetensors", "task/network.safetensors"]))
        path = place.write("x.safetensors", change((place.good / network).read_bytes(), draw))
        if network.startswith("run"):
            return place.draw_from(path)
        return ["denoise", place.good / "picture.png", "-o", place.out, "--weights", path]

    return make


def flipped(content: bytes, draw: Draw) -> bytes:
    place = draw(st.integers(0, len(content) - 1))
    return content[:place] + bytes([content[place] ^ draw(st.integers(1, 255))]) + content[place + 1 :]


kind("weights cut off", examples=4)(raw_weights(cut))
kind("weights with a byte changed", examples=6)(raw_weights(flipped))
kind("weights that end in zeros", examples=3)(
    raw_weights(lambda whole, draw: (half := cut(whole, draw)) + bytes(len(whole) - len(half)))
)
kind("empty weights")(raw_weights(lambda whole, draw: b""))
kind("a text for weights")(raw_weights(lambda whole, draw: b"weights"))
kind("weights with a header of any length", examples=4)(
    raw_weights(lambda whole, draw: struct.pack("<Q", draw(st.integers(0, 2**64 - 1))) + whole[8:])
)
kind("weights with a header of no JSON")(
    raw_weights(lambda whole, draw: struct.pack("<Q", 9) + b"{not json" + whole[17:])
)
kind("weights by pickle")(raw_weights(lambda whole, draw: pickle.dumps({"start.0.weight": [1.0]})))
kind("weights of other tensors")(weights_of(lambda tensors, about, draw: tensors.update(more=torch.zeros(2))))
kind("weights without a tensor")(
    weights_of(lambda tensors, about, draw: drop(tensors, draw(st.sampled_from(sorted(tensors)))))
)
kind("weights of other shapes", examples=3)(
    weights_of(
        lambda tensors, about, draw: tensors.update(
            {(name := draw(st.sampled_from(sorted(tensors)))): torch.zeros(3, 5)}
        )
    )
)
kind("weights that are no numbers", examples=3)(
    weights_of(
        lambda tensors, about, draw: tensors.update(
            {"to_image.bias": torch.full((3,), draw(st.sampled_from([float("nan"), float("inf")])))}
        )
    )
)
kind("weights without a card")(weights_of(lambda tensors, about, draw: ""))
kind("a card that is no JSON", examples=4)(
    weights_of(lambda tensors, about, draw: draw(st.text(min_size=1, max_size=20)))
)
kind("a card that is JSON of another kind")(
    weights_of(lambda tensors, about, draw: draw(st.sampled_from(["[]", "3", "null", '"x"', "[[]]"])))
)
kind("a card too deep to read")(weights_of(lambda tensors, about, draw: '{"network":' * 20_000))
kind("a card without its parts", examples=3)(
    weights_of(lambda tensors, about, draw: drop(about, draw(st.sampled_from(["network", "arguments", "facts"]))))
)
kind("a card of an unknown network")(
    weights_of(
        lambda tensors, about, draw: about.update(network=draw(st.sampled_from(["Generatr", "", "os.system", "3"])))
    )
)
WRONG = st.sampled_from([None, "x", [], {}, -1, 0, 3.5, 10**12, True, "8", float("nan")])
kind("a card with arguments of a wrong type", examples=8)(
    weights_of(
        lambda tensors, about, draw: about["arguments"].update(
            {draw(st.sampled_from(sorted(about["arguments"]))): draw(WRONG)}
        )
    )
)
kind("a card whose arguments are none")(
    weights_of(lambda tensors, about, draw: about.update(arguments=draw(st.sampled_from([None, [], "x", 3]))))
)
kind("a card with more arguments")(weights_of(lambda tensors, about, draw: about["arguments"].update(depth=3)))
kind("a card whose facts are none")(
    weights_of(lambda tensors, about, draw: about.update(facts=draw(st.sampled_from([None, 3, "x", [1]]))))
)
odd("a card with strange facts", examples=4)(
    weights_of(
        lambda tensors, about, draw: about["facts"].update(classes=draw(WRONG), data=draw(WRONG), images=draw(WRONG))
    )
)
odd("weights of another precision")(
    weights_of(lambda tensors, about, draw: tensors.update({name: tensor.half() for name, tensor in tensors.items()}))
)


@kind("weights of whole numbers")
@weights_of
def _(tensors: Tensors, about: About, draw: Draw) -> None:
    tensors.update(
        {name: tensor.to(draw(st.sampled_from([torch.int8, torch.bool]))) for name, tensor in tensors.items()}
    )


@kind("weights of another task", examples=4)
def _(place: Place, draw: Draw) -> list:
    wrong = draw(
        st.sampled_from([place.good / "run" / "generator.safetensors", place.good / "discriminator.safetensors"])
    )
    command = draw(st.sampled_from(["denoise", "upscale", "style"]))
    if command == "style":
        return ["stylize", place.good / "picture.png", wrong, "-o", place.out]
    return [command, place.good / "picture.png", "-o", place.out, "--weights", wrong]


@kind("a discriminator to draw with")
def _(place: Place, draw: Draw) -> list:
    return place.draw_from(place.good / "discriminator.safetensors")


@kind("a folder, a pipe or a link for weights", examples=4)
def _(place: Place, draw: Draw) -> list:
    path, what = place.own / "x.safetensors", draw(st.sampled_from(["folder", "pipe", "loop", "zeros"]))
    if what == "folder":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(path if what == "loop" else "/dev/zero")
    if draw(st.booleans()):
        return place.draw_from(path)
    return ["denoise", place.good / "picture.png", "-o", place.out, "--weights", path]


words("weights that are not there", "denoise", "GOOD/picture.png", "-o", "OUT", "--weights", "OWN/nowhere")
words("a network by a wrong name", "generate", st.sampled_from(["peep", "heads", "", "peeps.safetensors"]), "-o", "OUT")


# Checkpoints


def run_of(change: Callable[[dict, Draw], Any]) -> Callable[[Place, Draw], list]:
    """A checkpoint that is written anew after a change of what it holds."""

    def make(place: Place, draw: Draw) -> list:
        saved = torch.load(place.good / "run" / "checkpoint.pt", weights_only=True)
        saved = change(saved, draw) or saved
        (place.own / "run").mkdir()
        torch.save(saved, place.own / "run" / "checkpoint.pt")
        return place.resume()

    return make


def raw_run(change: Callable[[bytes, Draw], bytes]) -> Callable[[Place, Draw], list]:
    """The bytes of a checkpoint after a change."""

    def make(place: Place, draw: Draw) -> list:
        place.write("run/checkpoint.pt", change((place.good / "run" / "checkpoint.pt").read_bytes(), draw))
        return place.resume()

    return make


class Opens:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple:
        return (Path.touch, (self.path,))


kind("a checkpoint cut off", examples=4)(raw_run(cut))
odd("a checkpoint with a byte changed", examples=8)(raw_run(flipped))
kind("an empty checkpoint")(raw_run(lambda whole, draw: b""))
kind("a text for a checkpoint")(raw_run(lambda whole, draw: b"state"))
kind("a bare pickle for a checkpoint")(raw_run(lambda whole, draw: pickle.dumps({"settings": {}})))
kind("a checkpoint of another program")(run_of(lambda saved, draw: {"model": saved["generator"]}))
kind("a checkpoint that is a list")(run_of(lambda saved, draw: [1, 2]))
kind("a checkpoint without its parts", examples=6)(
    run_of(lambda saved, draw: drop(saved, draw(st.sampled_from(sorted(saved)))))
)
kind("a checkpoint with settings of a wrong type", examples=3)(
    run_of(lambda saved, draw: saved.update(settings=draw(st.sampled_from([None, 3, [], {}, "x"]))))
)
SETTINGS = st.sampled_from(
    ["generator", "discriminator", "augment", "batch", "rate", "loss", "betas", "precision", "seed", "pictures"]
)
kind("a checkpoint without a setting", examples=6)(run_of(lambda saved, draw: drop(saved["settings"], draw(SETTINGS))))
kind("a checkpoint with a wrong setting", examples=12)(
    run_of(lambda saved, draw: saved["settings"].update({draw(SETTINGS): draw(WRONG)}))
)
kind("a checkpoint of a later version")(run_of(lambda saved, draw: saved["settings"].update(temperature=1.0)))
kind("a checkpoint of other shapes")(
    run_of(lambda saved, draw: saved["generator"].update({"to_image.bias": torch.zeros(7)}))
)
PARTS = st.sampled_from(
    ["generator", "average", "g_optimizer", "d_optimizer", "random", "seen", "steps", "seconds", "history", "dtype"]
)
kind("a checkpoint with a part of a wrong type", examples=12)(
    run_of(
        lambda saved, draw: saved.update(
            {draw(PARTS): draw(st.sampled_from([None, "x", [3], {"x": 1}, torch.zeros(2)]))}
        )
    )
)


@kind("a checkpoint that would run a program")
def _(place: Place, draw: Draw) -> list:
    saved = torch.load(place.good / "run" / "checkpoint.pt", weights_only=True)
    (place.own / "run").mkdir()
    torch.save({**saved, "history": Opens(place.own / "executed")}, place.own / "run" / "checkpoint.pt")
    return place.resume()


@kind("a folder or a pipe for a checkpoint")
def _(place: Place, draw: Draw) -> list:
    (place.own / "run").mkdir()
    path = place.own / "run" / "checkpoint.pt"
    path.mkdir() if draw(st.booleans()) else os.mkfifo(path)
    return place.resume()


words("nothing to resume", "train", "peeps", "-o", "OWN/run", "--resume")
words("a resume of other data", "train", "micah", "-o", "GOOD/run", "--resume")
words("a resume under other settings", "train", "peeps", "-o", "GOOD/run", "--resume", "--loss", "hinge")
words("a resume of another task", "train", "peeps", "-o", "GOOD/run", "--resume", "--task", "denoise")
words("a resume with networks of another width", "train", "peeps", "-o", "GOOD/run", "--resume", "--width", 7)
words("a new run over an old one", "train", "peeps", "-o", "GOOD/run", *SMALL)
words("a run that is a file", "train", "peeps", "-o", "GOOD/picture.png", *SMALL)


# Numbers and names

DRAWN = ("generate", "GOOD/run", "-o", "OUT")
TRAINED = ("train", "peeps", "-o", "OWN/run", *SMALL)
TREATED = ("denoise", "GOOD/picture.png", "-o", "OUT", "--weights", "GOOD/task")
PAINTED = ("stylize", "GOOD/picture.png", "whirls", "-o", "OUT", "--size", 32)
NO_NUMBER = st.sampled_from(["", "x", "1e", "0x10", "ten", "1,5", "--", "½"])
NEVER = st.sampled_from([0, -1, -(10**9)])
for command, option in (
    (TRAINED, "--images"), (TRAINED, "--batch"), (TRAINED, "--width"), (DRAWN, "--count"), (DRAWN, "--columns"),
    (DRAWN, "--interpolate"), (PAINTED, "--steps"), (PAINTED, "--size"), (TRAINED, "--size"), (TRAINED, "--rate"),
):  # fmt: skip
    words(f"{command[0]} {option} of nothing", *command, option, NEVER)
for command, option in (
    (TRAINED, "--images"), (TRAINED, "--rate"), (TRAINED, "--seed"), (DRAWN, "--truncation"), (TREATED, "--sigma"),
    (PAINTED, "--strength"), (("upscale", "GOOD/picture.png", "-o", "OUT"), "--scale"),
):  # fmt: skip
    words(f"{command[0]} {option} that is no number", *command, option, NO_NUMBER)
NOT_FINITE = st.sampled_from(["nan", "inf", "-inf", "1e999"])
for command, option in (
    (TRAINED, "--rate"),
    (TRAINED, "--r1"),
    (DRAWN, "--truncation"),
    (TREATED, "--sigma"),
    (PAINTED, "--strength"),
):
    words(f"{command[0]} {option} that is not finite", *command, option, NOT_FINITE, examples=4)
words("minutes that are not a number", *TRAINED, "--minutes", st.sampled_from(["nan", "-1", "-inf", "x"]), examples=4)
for option, huge in (
    ("--batch", 10**13),
    ("--width", 10**7),
    ("--size", 10**9),
    ("--width", 10**30),
    ("--batch", 10**30),
):
    words(f"train {option} of {huge:.0e}", *TRAINED, option, huge)
words("a seed that is too large", *TRAINED, "--seed", st.sampled_from([2**64, -(2**64), 10**40]), examples=3)
words("a seed to draw with that is too large", *DRAWN, "--seed", st.sampled_from([2**64, -(2**64), 10**40]), examples=3)
words(
    "a seed to treat with that is too large", *TREATED, "--seed", st.sampled_from([2**64, -(2**64), 10**40]), examples=3
)
words("a count beyond the largest", *DRAWN, "--count", 10_001)
words("noise beyond the strongest", *TREATED, "--sigma", 61)
words("a truncation beyond the widest", *DRAWN, "--truncation", 2.1)
words(
    "a scale that is none",
    "upscale",
    "GOOD/picture.png",
    "-o",
    "OUT",
    "--scale",
    st.sampled_from([0, 1, 3, 8, -2]),
    examples=4,
)
words("a size that cannot be doubled", *TRAINED, "--size", st.sampled_from([9, 30, 100, 255]), examples=3)
words("an option that is not known", *TRAINED, st.sampled_from(["--epochs", "--lr=1", "--rat", "-x"]), 1, examples=4)
words("a command that is not known", st.sampled_from(["trian", "draw", "Train", ""]), "peeps", examples=4)
words("no output", "train", "peeps")
words("nothing to train on", "train", "-o", "OWN/run")
words("too many words", *DRAWN, "and", "more")
words("an option without its value", "train", "peeps", "-o")
for name, option, wrong in (
    ("loss", "--loss", "hing"), ("norm", "--norm", "instance"), ("upsampling", "--upsampling", "bicubic"),
    ("augmentation", "--augment", "flip"), ("precision", "--precision", "float16"), ("start", "--start", "peep"),
    ("task", "--task", "denoising"), ("device", "--device", "tpu"),
):  # fmt: skip
    line = ["train", "peeps", "-o", "OWN/run"] if option in ("--task", "--start") else TRAINED
    words(f"an unknown {name}", *line, option, st.sampled_from([wrong, "", "none of these", "ä"]), examples=3)
words(
    "a device number that is not there",
    *TRAINED,
    "--device",
    st.sampled_from(["cuda:99", "cpu:x", "cpu:-1", "cuda", ":"]),
    examples=5,
)
words("an unknown set", "train", st.sampled_from(["peep", "", "Peeps!", "mnits"]), "-o", "OWN/run", examples=4)
words(
    "a set that has to be downloaded",
    "train",
    st.sampled_from(["mnist", "cifar10", "stl10", "celeba"]),
    "-o",
    "OWN/run",
    examples=4,
)
words("an unknown attribute", *DRAWN, "--vary", st.sampled_from(["brightnes", "smile", ""]), examples=3)
words(
    "an unknown class",
    "generate",
    "fashion_classes",
    "-o",
    "OUT",
    "--classes",
    st.sampled_from(["dres", ",", "", "hat"]),
    examples=4,
)
words(
    "an unknown style to upscale in",
    "upscale",
    "GOOD/picture.png",
    "-o",
    "OUT",
    "--style",
    st.sampled_from(["pixels", "", "nice"]),
)
words(
    "an unknown style",
    "stylize",
    "GOOD/picture.png",
    st.sampled_from(["whirl", "monet", "", "nowhere.png"]),
    "-o",
    "OUT",
    examples=4,
)
words("an unknown chapter", "course", "check", st.sampled_from(["99", "x", "-", "2.5"]), examples=3)
words(
    "an unknown scale",
    "course",
    "build",
    "--execute",
    "--scale",
    st.sampled_from(["quik", "", "huge"]),
    "00",
    examples=3,
)
words("progress of an unknown exercise", "progress", st.sampled_from(["99", "x", ""]), examples=3)


# Contradictions

words("classes of a network without classes", *DRAWN, "--classes", "dress")
words("two ways to walk", *DRAWN, "--interpolate", 3, "--vary", "colour")
words("a count beside a walk", *DRAWN, "--interpolate", 3, "--count", 5)
words("an animation that does not move", "generate", "GOOD/run", "-o", "OWN/x.gif")
words("a start of another size", "train", "micah", "-o", "OWN/run", "--start", "peeps", "--size", 32)
words("a start of other channels", "train", "fashion", "-o", "OWN/run", "--start", "peeps")
words("a style without a task", *TRAINED, "--style", "whirls")
words("a style beside another task", "train", "photos", "-o", "OWN/run", "--task", "denoise", "--style", "whirls")
words(
    "options of a GAN beside a task",
    "train",
    "photos",
    "-o",
    "OWN/run",
    "--task",
    "denoise",
    "--width",
    8,
    "--loss",
    "hinge",
)
words(
    "a size that a task cannot have",
    "train",
    "photos",
    "-o",
    "OWN/run",
    "--task",
    "inpaint",
    "--size",
    4,
    "--images",
    4,
    "--batch",
    2,
)
words(
    "a style that is no picture",
    "train",
    "photos",
    "-o",
    "OWN/run",
    "--task",
    "style",
    "--style",
    "GOOD/run/checkpoint.pt",
)
words(
    "more than the network enlarges",
    "upscale",
    "GOOD/picture.png",
    "-o",
    "OUT",
    "--weights",
    "GOOD/upscaler.safetensors",
    "--scale",
    4,
)


# Outputs

words(
    "a picture over itself",
    "denoise",
    "OWN/../good/picture.png",
    "-o",
    "GOOD/picture.png",
    "--weights",
    "GOOD/task",
    "--force",
)
words("a picture over another", *TREATED[:3], "GOOD/mask.png", *TREATED[4:])
words("drawings over a picture", "generate", "GOOD/run", "-o", "GOOD/mask.png")
words("a file in place of a folder", "generate", "GOOD/run", "-o", "GOOD/picture.png/x.png")
words("a run inside of a file", "train", "peeps", "-o", "GOOD/picture.png/run", *SMALL)
words("a folder to a picture", "denoise", "GOOD/pictures", "-o", "OUT", "--weights", "GOOD/task")
words(
    "a format that cannot be written",
    *TREATED[:3],
    st.sampled_from(["OWN/x.gif", "OWN/x.txt", "OWN/x.pdf", "OWN/x.ppm"]),
    *TREATED[4:],
    examples=4,
)
words("drawings in another format", "generate", "GOOD/run", "-o", st.sampled_from(["OWN/x.jpg", "OWN/x.mp4"]))
words(
    "a place of the system",
    "generate",
    "GOOD/run",
    "-o",
    st.sampled_from(["/proc/x.png", "/sys/x.png", "/proc/self/x.png"]),
    examples=3,
)
words("a run in a place of the system", "train", "peeps", "-o", "/proc/run", *SMALL)
words("an output with too long a name", *TREATED[:3], "OWN/" + "x" * 300 + ".png", *TREATED[4:])
words("a run with too long a name", "train", "peeps", "-o", "OWN/" + "x" * 300, *SMALL)


@kind("a folder where a file is to be written")
def _(place: Place, draw: Draw) -> list:
    place.write("x.png/mine.txt", b"mine")
    return ["generate", place.good / "run", "-o", place.own / "x.png" / "y.png" / "z.png"]


@kind("an output that is a link to itself")
def _(place: Place, draw: Draw) -> list:
    (place.own / "x").symlink_to(place.own / "x")
    return ["denoise", place.good / "picture.png", "-o", place.own / "x" / "y.png", "--weights", place.good / "task"]


@kind("a style that would be painted over")
def _(place: Place, draw: Draw) -> list:
    Image.new("RGB", (24, 20), "red").save(place.own / "style.png")
    return [
        "stylize",
        place.good / "picture.png",
        place.own / "style.png",
        "-o",
        place.own / "style.png",
        "--force",
        "--steps",
        1,
    ]


@kind("a mask that would be painted over")
def _(place: Place, draw: Draw) -> list:
    mask = place.write("mask.png", (place.good / "mask.png").read_bytes())
    return ["inpaint", place.good / "picture.png", "--mask", mask, "-o", mask, "--force"]


# The environment


def under(name: str, variable: str, values: list[str], *line: Any, odd: bool = False) -> None:
    """A kind for each value of a variable of the environment."""
    for value in values:
        words(f"{name}: {value!r}", *line, environment={variable: value}, odd=odd, examples=1)


under("a wrong MINIGAN_DEVICE", "MINIGAN_DEVICE", ["x", "cuda:7", "CPU "], *DRAWN)
under("a wrong WORLD_SIZE", "WORLD_SIZE", ["x", "0", "-3", "2.5"], *TRAINED)
under("a wrong LOCAL_RANK or RANK", "RANK", ["x"], *TRAINED, odd=True)
under("processes that do not meet", "WORLD_SIZE", ["2"], *TRAINED)
under(
    "a cache that cannot be",
    "MINIGAN_CACHE",
    ["/proc/nowhere", "/dev/null/x"],
    "train",
    "GOOD/pictures",
    "-o",
    "OWN/run",
    *SMALL,
    odd=True,
)
under("a wrong MPLBACKEND", "MPLBACKEND", ["nonsense"], *DRAWN, odd=True)
under("a wrong MINIGAN_DEBUG", "MINIGAN_DEBUG", ["0", ""], *DRAWN, "--count", 0)


# Grading


def graded(make: Callable[[Place, Draw], list]) -> Callable[[Place, Draw], list]:
    """Submissions, and where their scores go."""
    return lambda place, draw: ["grade", *make(place, draw), "-o", place.own / "out"]


def handed_in(place: Place) -> Path:
    """One honest submission, by its name."""
    return place.write("in/ada/01_gan_theory.ipynb", b"{}").parents[1]


def zipped(place: Place, *members: tuple[str, bytes]) -> Path:
    with zipfile.ZipFile(place.own / "in.zip", "w") as archive:
        for name, content in members:
            archive.writestr(name, content)
    return place.own / "in.zip"


def roster_of(*texts: bytes) -> Callable[[Place, Draw], list]:
    return graded(
        lambda place, draw: [handed_in(place), "--roster", place.write("roster.csv", draw(st.sampled_from(texts)))]
    )


kind("submissions that are not there")(graded(lambda place, draw: [place.own / "nowhere"]))
kind("a text for submissions")(graded(lambda place, draw: [place.write("in.zip", b"text")]))
kind("an empty folder of submissions")(graded(lambda place, draw: [filled("in")(place, draw)]))
kind("submissions that belong to nothing")(
    graded(lambda place, draw: [filled("in", ("a/b.ipynb", b"{}"))(place, draw)])
)
kind("a zip that is cut off", examples=3)(
    graded(
        lambda place, draw: [
            place.write("cut.zip", cut(zipped(place, ("ada/01_gan_theory.ipynb", b"{}" * 99)).read_bytes(), draw))
        ]
    )
)
kind("a zip that leads out")(
    graded(
        lambda place, draw: [zipped(place, ("../../01_gan_theory.ipynb", b"{}"), ("/etc/01_gan_theory.ipynb", b"{}"))]
    )
)
kind("an empty zip")(graded(lambda place, draw: [zipped(place)]))
kind("an unknown exercise to grade")(
    graded(lambda place, draw: [handed_in(place), "--chapter", draw(st.sampled_from(["99", "", "x"]))])
)
kind("a roster that is not there")(graded(lambda place, draw: [handed_in(place), "--roster", place.own / "none.csv"]))
kind("a folder for a roster")(graded(lambda place, draw: [handed_in(place), "--roster", place.own]))
kind("a roster of no text")(roster_of(b"\xff\xfe\x00student", b"\x80abc"))
kind("a roster without its columns", examples=4)(roster_of(b"", b"\n\n", b"first,last\nAda,Lovelace\n", b"{}"))
kind("a roster with wrong lines", examples=4)(
    roster_of(b"id\n../x\n", b"id\na\na\n", b"id,name\n,Ada\n", b"id\n\x00\n")
)
kind("a roster with an endless cell")(roster_of(b'id,name\na,"' + b"x" * 200_000 + b'"\n'))
for option, value in (
    ("--workers", 0),
    ("--workers", "many"),
    ("--cell-seconds", 0),
    ("--notebook-seconds", -1),
    ("--memory", 1),
):
    kind(f"grading with {option} {value}")(
        graded(lambda place, draw, option=option, value=value: [handed_in(place), option, value])
    )


@kind("scores among the submissions")
def _(place: Place, draw: Draw) -> list:
    return ["grade", handed_in(place), "-o", place.own / "in" / "out"]


@kind("scores into a file")
def _(place: Place, draw: Draw) -> list:
    return ["grade", handed_in(place), "-o", place.write("scores", b"mine")]
