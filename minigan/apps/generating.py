"""`minigan generate`: pictures, walks and changes of one attribute, drawn by a trained generator.

Shown in no chapter: it reads wishes, and writes one picture, many, or an animation. Heavy imports stand inside the
functions, so that `minigan --help` is instant.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from minigan.apps.commands import Device, Force, Seed, a_number, choose_device

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from minigan.apps.generate import Truncated
    from minigan.nets import Generator

    Artist = Generator | Truncated

SIDE = 256  # pixels that a frame of an animation is enlarged to, or a little less
FRAME = 60  # milliseconds
MEASURED = 512  # pictures on which an attribute is measured to find its direction
REACH = 3.0  # standard deviations that a direction is followed both ways
ATTRIBUTES = ("brightness", "colour", "detail")


@dataclass(frozen=True)
class Wish:
    """What is to be drawn: rows of latents, in each row those of one picture's kind."""

    rows: int
    columns: int
    labels: list[int] | None  # of each row, for a generator that is told the class
    way: str  # "" for pictures that have nothing to do with each other, "walks", "round trip" or an attribute


Run = Annotated[str, typer.Argument(metavar="RUN", help="A run's folder, a weights file, or a shipped name.")]
Output = Annotated[
    Path, typer.Option("-o", "--output", help="A .png for a grid, a .gif for a walk, or a folder of pictures.")
]
Count = Annotated[int | None, typer.Option(min=1, max=10_000, help="How many to draw; 64 by default.")]
Columns = Annotated[int, typer.Option(min=1, max=1_000, help="How many in a row, or steps of a walk.")]
Classes = Annotated[
    str | None, typer.Option(help="Classes with commas between, a row each in turn, such as 'dress, ankle boot'.")
]
Truncation = Annotated[
    float,
    typer.Option(
        min=0,
        max=2,
        callback=a_number,
        help="1 for none; 0.7 draws plainer pictures with fewer mishaps, 0 always the same.",
    ),
]
Interpolate = Annotated[
    int | None, typer.Option(min=1, max=1_000, metavar="N", help="N walks from one picture to another.")
]
Vary = Annotated[
    str | None, typer.Option(help=f"In each row one picture with less and more of: {', '.join(ATTRIBUTES)}.")
]


def generate(
    origin: Run,
    output: Output,
    count: Count = None,
    columns: Columns = 8,
    classes: Classes = None,
    truncation: Truncation = 1.0,
    interpolate: Interpolate = None,
    vary: Vary = None,
    seed: Seed = 0,
    force: Force = False,
    device: Device = None,
) -> None:
    """Draw pictures with a trained generator: a grid, a folder of single pictures, or an animated walk.

    Shipped are peeps, fashion, fashion_classes, which takes --classes, micah, adventurer and pixelart.

    Examples:

        minigan generate run -o heads.png

        minigan generate peeps -o heads.png --count 16 --columns 4 --seed 7 --truncation 0.7

        minigan generate fashion_classes -o garments.png --classes "dress, ankle boot" --count 32

        minigan generate peeps -o walk.gif --interpolate 5 --columns 16

        minigan generate peeps -o lighter.png --vary brightness

        minigan generate peeps -o ./heads --count 1000
    """
    choose_device(device)
    check_wishes(output, count, interpolate, vary, force)
    rows = interpolate or -(-(count or 64) // columns)
    walking = "round trip" if output.suffix.lower() == ".gif" else "walks"
    wish = Wish(rows, columns, None, vary.lower() if vary else walking if interpolate else "")
    draw_and_write(origin, output, wish, count or 64, classes, truncation, seed, force)


def draw_and_write(
    origin: str,
    output: Path,
    wish: Wish,
    count: int,
    classes: str | None,
    truncation: float,
    seed: int,
    force: bool,
) -> None:
    """Find the generator, draw what is wished, write it, and say so."""
    from minigan import hardware, weights
    from minigan.apps.generate import ConditionalGenerator, Truncated

    network, facts = weights.find(origin, ConditionalGenerator)
    names = class_names(network, facts)
    chosen = choose(names, classes, origin)
    labels = [chosen[row % len(chosen)] for row in range(wish.rows)] if chosen else None
    network.to(hardware.device())
    artist = network if truncation == 1 else Truncated(network, truncation)
    latents, about = in_rows(artist, replace(wish, labels=labels), seed)
    images = drawn(artist, latents, labels)[: None if wish.way else count]
    title = f"{about or f'{len(images)} pictures'} drawn by the generator {origin}"
    title += f", trained on {facts.get('data', 'unknown data')}"
    kinds = [names[label] for label in labels for _ in range(latents.shape[1])] if labels else []
    write(output, images, kinds, wish.columns, title, force)
    typer.echo(f"wrote {output}: {title}, seed {seed}")


def check_wishes(output: Path, count: int | None, interpolate: int | None, vary: str | None, force: bool) -> None:
    """Raise what cannot be asked, before anything is loaded."""
    from minigan.names import known

    kind = output.suffix.lower()
    if kind not in (".png", ".gif", "") and not output.is_dir():
        raise ValueError(f"the output is {output}, expected a name that ends in .png or .gif, or that of a folder")
    if interpolate and vary:
        raise ValueError("--interpolate and --vary are two ways through the latents; choose one of them")
    if interpolate and count:
        raise ValueError(
            f"--count is {count} beside --interpolate {interpolate}, which says how many rows; leave it out"
        )
    if kind == ".gif" and not interpolate:
        raise ValueError(f"{output} would be an animation, which shows a walk; add --interpolate 5, or write a .png")
    if vary is not None:
        known(vary, ATTRIBUTES, "attribute")
    if output.is_file() and not force:
        raise FileExistsError(f"{output} exists already; choose another name, or add --force to replace it")


def class_names(network: "Generator", facts: dict[str, Any]) -> list[str]:
    """The names of the classes that a generator can be asked for, numbers where it has none; none for other nets."""
    count = getattr(network, "classes", 0)
    named = facts.get("classes")
    return [str(name) for name in (named if isinstance(named, list) else range(count))][:count]


def choose(names: Sequence[str], wanted: str | None, origin: str) -> list[int] | None:
    """The numbers of the classes that are asked for; all where nothing is said; None for nets that know no classes."""
    from minigan.names import known

    if wanted is None:
        return list(range(len(names))) or None
    if not names:
        raise ValueError(
            f"{origin} was not told classes, so --classes cannot choose; leave it out, or use fashion_classes"
        )
    asked = [part.strip() for part in wanted.split(",") if part.strip()]
    if not asked:
        raise ValueError(f"--classes is {wanted!r}, expected some of {', '.join(names)}, with commas between")
    return [names.index(known(name, names, "class")) for name in asked]


def in_rows(network: "Artist", wish: Wish, seed: int) -> tuple["Tensor", str]:
    """The latents of all pictures (rows, columns, D), and what they show where it is more than pictures."""
    import torch

    from minigan.apps.generate import along, walk

    random = torch.Generator().manual_seed(seed)
    rows, columns = wish.rows, wish.columns

    def noise(*shape: int) -> "Tensor":
        return torch.randn(*shape, network.latents, generator=random)

    if wish.way == "round trip":
        stations = noise(rows)
        path = walk(torch.cat([stations, stations[:1]]), columns)[:-1]
        return path[None], f"a round trip through {rows} pictures"
    if wish.way == "walks":
        ends = noise(rows, 2)
        return torch.stack([walk(pair, max(columns - 1, 1))[:columns] for pair in ends]), f"{rows} walks"
    if wish.way:
        starts = noise(rows)
        towards = towards_more(network, wish.way, wish.labels, random)
        steps = torch.linspace(-REACH, REACH, columns) if columns > 1 else torch.zeros(1)
        return along(starts, towards, steps), f"{rows} pictures with less and more {wish.way}"
    return noise(rows, columns), ""


def towards_more(network: "Artist", attribute: str, labels: list[int] | None, random: "torch.Generator") -> "Tensor":
    """The direction in which an attribute grows, measured on pictures of the same generator, of these classes."""
    import torch

    from minigan.apps.generate import direction

    latents = torch.randn(MEASURED, 1, network.latents, generator=random)
    in_turn = [labels[place % len(labels)] for place in range(MEASURED)] if labels else None
    return direction(latents[:, 0], measured(drawn(network, latents, in_turn), attribute))


def measured(images: "Tensor", attribute: str) -> "Tensor":
    """One of `ATTRIBUTES` on each of the images (N, C, H, W): (N,)."""
    if attribute == "brightness":
        return images.mean((1, 2, 3))
    if attribute == "colour":
        return (images.amax(1) - images.amin(1)).mean((1, 2))
    return images.diff(dim=-1).abs().mean((1, 2, 3)) + images.diff(dim=-2).abs().mean((1, 2, 3))


def drawn(network: "Artist", latents: "Tensor", labels: list[int] | None) -> "Tensor":
    """The pictures of latents (R, S, D), row by row, on the CPU: (R S, C, H, W). A label for each row, or none."""
    import torch

    place = next(network.parameters()).device
    given = [latents.flatten(0, 1)]
    if labels:
        given.append(torch.tensor(labels[: len(latents)]).repeat_interleave(latents.shape[1]))
    with torch.inference_mode():
        parts = [
            network(*(one.to(place) for one in part)) for part in zip(*(one.split(64) for one in given), strict=True)
        ]
        return torch.cat([part.float().cpu() for part in parts])


def write(output: Path, images: "Tensor", kinds: Sequence[str], columns: int, title: str, force: bool = False) -> None:
    """Write a grid, an animation, or one file for each picture, named by number and kind where there are kinds."""
    from PIL import Image

    from minigan import plot
    from minigan.files import whole_file

    single = [Image.fromarray(plot.tile(image[None])) for image in images]
    if output.suffix.lower() not in (".png", ".gif") or output.is_dir():
        names = [f"_{kind.replace(' ', '_').replace('/', '_')}" for kind in kinds[: len(images)]] or [""] * len(images)
        files = [output / f"{number:04d}{name}.png" for number, name in enumerate(names)]
        if not force and (there := [file for file in files if file.exists()]):
            raise FileExistsError(f"{there[0]} exists already; choose another folder, or add --force to replace it")
        for file, picture in zip(files, single, strict=True):
            with whole_file(file) as temporary:
                picture.save(temporary)
    elif output.suffix.lower() == ".gif":
        side = images.shape[-1] * max(1, SIDE // images.shape[-1])
        frames = [picture.resize((side, side), Image.Resampling.NEAREST) for picture in single]
        with whole_file(output) as temporary:
            frames[0].save(temporary, save_all=True, append_images=frames[1:], duration=FRAME, loop=0)
    else:
        plot.grid(images, columns=columns, zoom=1, alt=title, save=output)
