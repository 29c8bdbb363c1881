"""Places where nothing can be written, or where something would be lost."""

from bad_input.kinds import Draw, Place, kind, line, pick

TREAT = "denoise GOOD/picture.png --weights GOOD/task -o"
line("a picture over itself", f"{TREAT} GOOD/picture.png --force", examples=1)
line("a picture over itself by another way", f"{TREAT} GOOD/pictures/../picture.png --force", examples=1)
line("a picture over another", f"{TREAT} GOOD/mask.png", examples=1)
line("drawings over a picture", "generate GOOD/run -o GOOD/mask.png", examples=1)
line("a file in place of a folder", "generate GOOD/run -o GOOD/picture.png/x.png", examples=1)
line("a run inside of a file", "train GOOD/pictures -o GOOD/picture.png/run SMALL", examples=1)
line("a folder to a picture", "denoise GOOD/pictures --weights GOOD/task -o OUT", examples=1)
line(
    "a format that cannot be written",
    f"{TREAT} {{}}",
    pick(["OWN/x.gif", "OWN/x.txt", "OWN/x.pdf", "OWN/x.ppm"]),
    examples=4,
)
line("drawings in another format", "generate GOOD/run -o {}", pick(["OWN/x.jpg", "OWN/x.mp4"]))
line(
    "a place of the system",
    "generate GOOD/run -o {}",
    pick(["/proc/x.png", "/sys/x.png", "/proc/self/x.png"]),
    examples=3,
)
line("a run in a place of the system", "train GOOD/pictures -o /proc/run SMALL", examples=1)
line("an output with too long a name", f"{TREAT} OWN/{'x' * 300}.png", examples=1)
line("drawings with too long a name", f"generate GOOD/run -o OWN/{'x' * 300}.png", examples=1)
line("a run with too long a name", f"train GOOD/pictures -o OWN/{'x' * 300} SMALL", examples=1)
line("an empty output", "generate GOOD/run -o {}", "", examples=1)


@kind("a folder of that name")
def _(place: Place, draw: Draw) -> list:
    place.write("0000.png/mine.txt", b"mine")
    return ["generate", place.good / "run", "-o", place.own, "--count", 1, *draw(pick([["--force"], []]))]


@kind("an output that is a link to itself")
def _(place: Place, draw: Draw) -> list:
    (place.own / "x").symlink_to(place.own / "x")
    return ["generate", place.good / "run", "-o", place.own / "x" / "y.png"]


@kind("a style that would be painted over")
def _(place: Place, draw: Draw) -> list:
    style = place.write("style.png", (place.good / "picture.png").read_bytes())
    return ["stylize", place.good / "picture.png", style, "-o", style, "--force", "--steps", 1, "--size", 32]


@kind("a mask that would be painted over")
def _(place: Place, draw: Draw) -> list:
    mask = place.write("masks/picture.png", (place.good / "mask.png").read_bytes())
    given, output = draw(pick([(mask, mask), (mask.parent, mask.parent)]))
    return ["inpaint", place.good / "picture.png", "--mask", given, "-o", output, "--force"]


@kind("a picture that another would replace")
def _(place: Place, draw: Draw) -> list:
    """x.gif becomes x.png, which is an original of the same folder."""
    from PIL import Image

    for name in ("x.gif", "x.png"):
        place.write(f"in/{name}", b"")
        Image.new("RGB", (9, 9), "red").save(place.own / "in" / name)
    return ["denoise", place.own / "in", "-o", place.own / "in", "--force", "--weights", place.good / "task"]
