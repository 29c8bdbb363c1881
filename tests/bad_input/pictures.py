"""Files that are no pictures, or unusual ones."""

import io
import os
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from PIL import Image

from bad_input.kinds import Draw, Make, Place, blank, cut, flipped, kind, line, odd, pick


def encoded(form: str, size: tuple[int, int] = (24, 20)) -> bytes:
    """Noise in a format of pictures."""
    pixels, buffer = np.random.default_rng(0).integers(0, 256, (*size[::-1], 3), dtype=np.uint8), io.BytesIO()
    Image.fromarray(pixels).save(buffer, form)
    return buffer.getvalue()


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it has so many pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def of_picture(suffix: str, content: Callable[[Draw], bytes]) -> Make:
    """A file with this content, given to any command that reads pictures."""
    return lambda place, draw: place.treat(place.write(f"x{suffix}", content(draw)), draw)


FORMS = {"PNG": ".png", "JPEG": ".jpg", "GIF": ".gif", "WEBP": ".webp", "TIFF": ".tif", "BMP": ".bmp", "PPM": ".ppm"}
for form, suffix in FORMS.items():
    kind(f"a {form} cut off", of_picture(suffix, lambda draw, form=form: cut(encoded(form), draw)), examples=4)

HUGE_BMP = struct.pack("<IHHIIiiHHIIiiII", 999, 0, 0, 54, 40, 90_000, 90_000, 1, 24, 0, 0, 1, 1, 0, 0)
HUGE_GIF = b"\xff" * 4 + b"\0\0\0,\0\0\0\0" + b"\xff" * 4 + b"\0\2\0;"
CONTENT = {
    "an empty picture": (".png", lambda draw: b""),
    "a PNG that ends in zeros": (".png", lambda draw: blank(encoded("PNG"), draw)),
    "a PNG with one byte changed": (".png", lambda draw: flipped(encoded("PNG"), draw)),
    "a text for a picture": (".png", lambda draw: draw(st.text(max_size=40)).encode()),
    "a web page for a picture": (".jpg", lambda draw: b"<!doctype html><title>404</title>"),
    "a drawing in SVG": (".png", lambda draw: b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
    "any bytes for a picture": (".webp", lambda draw: draw(st.binary(max_size=200))),
    "a bomb of a PNG": (".png", lambda draw: claiming(draw(pick([60_000, 2**31 - 1])), 60_000)),
    "a bomb of a GIF": (".gif", lambda draw: b"GIF89a" + HUGE_GIF),
    "a bomb of a BMP": (".bmp", lambda draw: b"BM" + HUGE_BMP),
    "a PNG without pixels": (".png", lambda draw: claiming(*draw(pick([(0, 0), (0, 8), (8, 0)])))),
    "a GIF without pixels": (".gif", lambda draw: b"GIF89a\0\0\0\0\0\0\0;"),
    "a PPM that promises too much": (".ppm", lambda draw: b"P6 9 9 255\n" + draw(st.binary(max_size=100))),
    "a PPM of no numbers": (".ppm", lambda draw: b"P6 a b c\n"),
}
for name, (suffix, content) in CONTENT.items():
    kind(name, of_picture(suffix, content), examples=3)


def at(make: Callable[[Place, Draw], Any]) -> Make:
    """What `make` leaves at x.png, or at the path that it returns, given to any command that reads pictures."""
    return lambda place, draw: place.treat(make(place, draw) or place.own / "x.png", draw)


def link(*targets: str) -> Make:
    return at(lambda place, draw: (place.own / "x.png").symlink_to(draw(pick(targets))))


kind("a picture that is not there", at(lambda place, draw: place.own / "nowhere.png"))
kind("a folder in place of a picture", at(lambda place, draw: (place.own / "x.png").mkdir()))
kind("a path through a file", at(lambda place, draw: place.good / "picture.png" / "x.png"))
kind("a pipe in place of a picture", at(lambda place, draw: os.mkfifo(place.own / "x.png")))
kind("a link to itself", link("x.png"))
kind("a link to nowhere", link("gone.png"))
kind("a device in place of a picture", link("/dev/zero", "/dev/null", "/dev/full"))
kind("a picture that the system will not read", link("/proc/self/mem"))  # not even to root
kind("a name longer than names can be", at(lambda place, draw: place.own / (draw(pick("xä頭")) * 300 + ".png")))
ODD_NAMES = ["a\nb", "a\tb", "\x1b[31mred", "頭", "ä" * 60, "a'b\"c", " ", "-o", "%s{}", "a;b", "\udcff", ".x"]
kind(
    "a text under a strange name", at(lambda place, draw: place.write(f"{draw(pick(ODD_NAMES))}.png", b"x")), examples=6
)


def saved(mode: str, name: str, size: tuple[int, int] = (9, 7), **options: Any) -> Make:
    """A valid picture of an unusual kind."""

    def make(place: Place, draw: Draw) -> None:
        pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
        picture = Image.new(mode, size, 999) if mode == "I;16" else Image.fromarray(pixels).convert(mode)
        picture.save(place.own / name, **options)
        return place.own / name

    return at(make)


odd("a picture of one pixel", saved("RGB", "x.png", (1, 1)))
odd("a picture one pixel high", saved("RGB", "x.png", (40, 1)))
odd("a picture one pixel wide", saved("RGB", "x.bmp", (1, 33)))
odd("a JPEG in CMYK", saved("CMYK", "x.jpg"))
odd("a PNG of 16 bits", saved("I;16", "x.png"))
odd("a TIFF of floats", saved("F", "x.tif"))
odd("a picture of one bit", saved("1", "x.png"))
odd("a palette with a transparent colour", saved("P", "x.png", transparency=0))
odd("grey with alpha", saved("LA", "x.png"))
odd("a PNG that is called .jpg", saved("RGB", "x.jpg", format="PNG"))
odd("a suffix in capitals", saved("RGB", "x.JPEG"))


@odd("an animation", examples=3)
@at
def _(place: Place, draw: Draw) -> Any:
    frames = [Image.new("RGB", (9, 7), colour) for colour in ("red", "blue", "lime")]
    path = place.own / draw(pick(["x.gif", "x.webp", "x.png"]))
    frames[0].save(path, save_all=True, append_images=frames[1:])
    return path


@odd("odd words of a camera", examples=3)
@at
def _(place: Place, draw: Draw) -> Any:
    words = draw(pick([b"II*\0", b"MM\0*", b""])) + draw(st.binary(max_size=30))
    Image.new("RGB", (9, 7)).save(place.own / "x.jpg", exif=b"Exif\0\0" + words)
    return place.own / "x.jpg"


@odd("a good picture under a strange name", examples=6)
def _(place: Place, draw: Draw) -> list:
    path = place.write(f"{draw(pick([*ODD_NAMES, 'x' * 251]))}.png", encoded("PNG"))
    return place.treat(path, draw, place.own / "out")


@kind("a result that is too large")
def _(place: Place, draw: Draw) -> list:
    Image.new("1", (8000, 8000)).save(place.own / "x.png")
    return ["upscale", place.own / "x.png", "-o", place.out]


def masked(width: int | None, colour: int) -> Make:
    def make(place: Place, draw: Draw) -> list:
        Image.new("L", (width or draw(st.integers(1, 23)), 20), colour).save(place.own / "m.png")
        return ["inpaint", place.good / "picture.png", "--mask", place.own / "m.png", "-o", place.out]

    return make


kind("a mask of another size", masked(None, 255))
kind("a mask without a hole", masked(24, 0))
kind("a mask that is all hole", masked(24, 255))
line("a folder of masks without the mask", "inpaint GOOD/picture.png --mask GOOD/pictures -o OUT")
