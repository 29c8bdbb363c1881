"""Numbers, names and their combinations on the command line, and the environment."""

from bad_input.kinds import line, pick

DRAWN = "generate GOOD/run -o OUT"
TRAINED = "train GOOD/pictures -o OWN/run SMALL"
TREATED = "denoise GOOD/picture.png -o OUT --weights GOOD/task"
PAINTED = "stylize GOOD/picture.png whirls -o OUT --size 32"
UPSCALED = "upscale GOOD/picture.png -o OUT"

# Numbers

NEVER = {  # what has to be above 0
    TRAINED: ("--images", "--batch", "--width", "--size", "--rate"),
    DRAWN: ("--count", "--columns", "--interpolate"),
    PAINTED: ("--steps", "--size"),
}
NO_NUMBER = {
    TRAINED: ("--images", "--rate", "--seed"),
    DRAWN: ("--truncation",),
    TREATED: ("--sigma",),
    PAINTED: ("--strength",),
    UPSCALED: ("--scale",),
}
NOT_FINITE = {
    TRAINED: ("--rate", "--r1", "--minutes"),
    DRAWN: ("--truncation",),
    TREATED: ("--sigma",),
    PAINTED: ("--strength",),
}
for what, table, values in (
    ("of nothing", NEVER, [0, -1, -(10**9)]),
    ("that is no number", NO_NUMBER, ["", "x", "1e", "0x10", "ten", "1,5", "--", "½"]),
    ("that is not finite", NOT_FINITE, ["nan", "inf", "-inf", "1e999"]),
):
    for command, options in table.items():
        for option in options:
            line(f"{command.split()[0]} {option} {what}", f"{command} {option} {{}}", pick(values), examples=3)
for option, huge in (
    ("--batch", 10**13),
    ("--batch", 10**30),
    ("--width", 10**7),
    ("--width", 10**30),
    ("--size", 10**9),
):
    line(f"train {option} of {huge:.0e}", f"{TRAINED} {option} {huge}", examples=1)
for command in (TRAINED, DRAWN, TREATED):
    line(
        f"{command.split()[0]} with a seed too large",
        f"{command} --seed {{}}",
        pick([2**64, -(2**64), 10**40]),
        examples=3,
    )
line(
    "networks larger than the memory", "train GOOD/pictures -o OWN/run --size 256 --width 4096 --device cpu", examples=1
)
line("a count beyond the largest", f"{DRAWN} --count 10001", examples=1)
line("noise beyond the strongest", f"{TREATED} --sigma 61", examples=1)
line("a truncation beyond the widest", f"{DRAWN} --truncation 2.1", examples=1)
line("a scale that is none", f"{UPSCALED} --scale {{}}", pick([0, 1, 3, 8, -2]), examples=3)
line("a size that cannot be doubled", f"{TRAINED} --size {{}}", pick([9, 30, 100, 255]), examples=3)

# Names

line("an option that is not known", f"{TRAINED} {{}} 1", pick(["--epochs", "--lr=1", "--rat", "-x"]), examples=4)
line("a command that is not known", "{} peeps", pick(["trian", "draw", "Train", ""]), examples=4)
line("no output", "train peeps", examples=1)
line("nothing to train on", "train -o OWN/run", examples=1)
line("too many words", f"{DRAWN} and more", examples=1)
line("an option without its value", "train peeps -o", examples=1)
for name, option, near in (
    ("loss", "--loss", "hing"),
    ("norm", "--norm", "instance"),
    ("upsampling", "--upsampling", "bicubic"),
    ("augmentation", "--augment", "flip"),
    ("precision", "--precision", "float16"),
    ("device", "--device", "tpu"),
    ("start", "--start", "peep"),
    ("task", "--task", "denoising"),
):
    begin = "train GOOD/pictures -o OWN/run" if name in ("start", "task") else TRAINED
    line(f"an unknown {name}", f"{begin} {option} {{}}", pick([near, "", "none of these", "ä"]), examples=4)
DEVICES = pick(["cuda:99", "cpu:x", "cpu:-1", "cuda", ":", "CPU", "0"])
line("a device that is not there", f"{TRAINED} --device {{}}", DEVICES, examples=6)
line("an unknown set", "train {} -o OWN/run", pick(["peep", "", "Peeps!", "mnits"]), examples=4)
line("a set to download", "train {} -o OWN/run", pick(["mnist", "cifar10", "stl10", "celeba"]), examples=4)
line("an unknown attribute", f"{DRAWN} --vary {{}}", pick(["brightnes", "smile", ""]), examples=3)
line("an unknown class", "generate fashion_classes -o OUT --classes {}", pick(["dres", ",", "", "hat"]), examples=4)
line("an unknown way to upscale", f"{UPSCALED} --style {{}}", pick(["pixels", "", "nice"]), examples=3)
line("an unknown style", "stylize GOOD/picture.png {} -o OUT", pick(["whirl", "monet", "", "no.png"]), examples=4)
line("an unknown chapter", "course check {}", pick(["99", "x", "-", ""]), examples=4)
line("an unknown scale", "course build --execute --scale {} 00", pick(["quik", "", "huge"]), examples=3)
line("progress of an unknown exercise", "progress {}", pick(["99", "x", ""]), examples=3)

# Contradictions

line("classes of a network without classes", f"{DRAWN} --classes dress", examples=1)
line("two ways to walk", f"{DRAWN} --interpolate 3 --vary colour", examples=1)
line("a count beside a walk", f"{DRAWN} --interpolate 3 --count 5", examples=1)
line("an animation that does not move", "generate GOOD/run -o OWN/x.gif", examples=1)
line("a start of another size", "train micah -o OWN/run --start peeps --size 32", examples=1)
line("a start of other channels", "train fashion -o OWN/run --start peeps", examples=1)
line("a style without a task", f"{TRAINED} --style whirls", examples=1)
line("a style beside another task", "train photos -o OWN/run --task denoise --style whirls", examples=1)
line("options of a GAN beside a task", "train photos -o OWN/run --task denoise --width 8 --loss hinge", examples=1)
SIZES = pick([0, -5, 10**6])
line("a size that a task cannot have", "train GOOD/pictures -o OWN/run --task denoise --size {}", SIZES, examples=3)
line("a style that is no picture", "train photos -o OWN/run --task style --style GOOD/run/checkpoint.pt", examples=1)
line("more than a network enlarges", f"{UPSCALED} --weights GOOD/upscaler.safetensors --scale 4", examples=1)


# The environment


def under(name: str, variable: str, values: list[str], words: str, odd: bool = False) -> None:
    """A kind for each value of a variable of the environment."""
    for value in values:
        line(f"{name}: {value!r}", words, environment={variable: value}, odd=odd, examples=1)


under("a wrong MINIGAN_DEVICE", "MINIGAN_DEVICE", ["x", "cuda:7", "CPU ", "cpu:-1"], DRAWN)
under("a wrong WORLD_SIZE", "WORLD_SIZE", ["x", "0", "-3", "2.5"], TRAINED)
under("processes that do not meet", "WORLD_SIZE", ["2"], TRAINED)
under("a wrong RANK alone", "RANK", ["x"], TRAINED, odd=True)
under("a cache that cannot be", "MINIGAN_CACHE", ["/proc/nowhere", "/dev/null/x"], TRAINED, odd=True)
under("a wrong MPLBACKEND", "MPLBACKEND", ["nonsense"], DRAWN, odd=True)
