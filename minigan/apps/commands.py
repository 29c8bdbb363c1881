"""The commands that change the learner's own pictures: what they share. Heavy imports stand inside the functions."""

import math
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from minigan.names import one_line

if TYPE_CHECKING:
    from torch import Tensor

    from minigan.apps.pictures import Picture

Input = Annotated[Path, typer.Argument(metavar="IN", help="A picture, or a folder of pictures.")]
Output = Annotated[Path, typer.Option("-o", "--output", help="The file or folder to write.")]
Force = Annotated[bool, typer.Option("--force", help="Replace existing files, but never the originals.")]
Skip = Annotated[
    bool, typer.Option("--skip-existing", help="Pass over pictures whose result exists: goes on after Ctrl-C.")
]
Device = Annotated[str | None, typer.Option(help="cpu, cuda or mps; by default the best.")]
Seed = Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seed of all that is random.")]
Weights = Annotated[Path | None, typer.Option(help="A run's folder or a file of weights, in place of what is shipped.")]


def a_number(value: float | None) -> float | None:
    """The value of an option, unless it is no number: `nan` lies in every range of some versions of typer."""
    if value is not None and math.isnan(value):
        raise typer.BadParameter("nan, expected a number")
    return value


Sigma = Annotated[
    float | None,
    typer.Option(min=0, max=60, callback=a_number, help="Level of the noise in grey levels; by default blind."),
]
Strength = Annotated[
    float, typer.Option(min=0, max=1, callback=a_number, help="How much of the change: 0 none, 1 all of it.")
]


def choose_device(device: str | None) -> None:
    """Make `minigan.hardware.device` answer what the user asked for. Raises `ValueError` for what is no device."""
    wanted = (os.environ.get("MINIGAN_DEVICE") or "auto") if device is None else device
    if not re.fullmatch(r"[a-z]+(:\d{1,3})?", wanted):
        raise ValueError(f"the device is {wanted!r}, expected cpu, cuda or mps, or one of several such as cuda:1")
    os.environ["MINIGAN_DEVICE"] = wanted


def treat(
    source: Path,
    output: Path,
    change: Callable[["Picture", str], "Picture"],
    force: bool,
    skip: bool,
    keep: Sequence[Path] = (),
) -> None:
    """Change one picture or all of a folder, and say what became of them. What is in `keep` is never replaced.

    A refused picture is named with the reason on stderr, and the exit code is then 1; 2 where none could be changed;
    130 where Ctrl-C left some undone.
    """
    from minigan.apps.pictures import treat_all

    if force and skip:
        raise ValueError("--force replaces existing files and --skip-existing leaves them; give one of the two")
    outcome = treat_all(source, output, change, force, skip, keep)
    written, refused, there = outcome.written, outcome.refused, outcome.there
    if len(refused) == 1 and not written and not there and not outcome.left:
        raise ValueError(refused[0])
    for reason in refused:
        typer.echo(f"minigan: {one_line(reason)}", err=True)
    if written or not outcome.left:
        wrote = str(written[0]) if len(written) == 1 else f"{len(written)} pictures to {output}"
        typer.echo(f"wrote {wrote}" + (f"; {there} were there and stay" if there else ""))
    if outcome.left:
        if source.is_dir():
            typer.echo(f"minigan: pictures left undone: {outcome.left}; --skip-existing does them", err=True)
        raise typer.Exit(130)
    if refused:
        raise typer.Exit(1 if written or there else 2)


def denoise(
    source: Input,
    output: Output,
    sigma: Sigma = None,
    weights: Weights = None,
    force: Force = False,
    skip: Skip = False,
    device: Device = None,
    seed: Seed = 0,
) -> None:
    """Remove noise from a picture, or from all pictures of a folder.

    The network was trained with white noise, like a sensor's. It leaves other faults alone, such as the blocks of JPEG.

    Examples:

        minigan denoise party.jpg -o clean.png

        minigan denoise party.jpg -o clean.png --sigma 25

        minigan denoise ./holiday -o ./clean

        minigan denoise party.jpg -o clean.png --weights run
    """
    choose_device(device)
    import torch

    from minigan.apps import denoise as app
    from minigan.apps.pictures import treated
    from minigan.apps.tasks import trained

    torch.manual_seed(seed)
    denoiser = trained(app.Denoiser, "denoise", weights)

    def change(picture: "Picture", title: str) -> "Picture":
        channels = 1 if picture.grey else 3  # grey stays grey

        def process(images: "Tensor") -> "Tensor":
            return app.denoise(denoiser, images[:, :channels], sigma)

        return treated(picture, process, 512, denoiser.reach, title=title)

    treat(source, output, change, force, skip)


def inpaint(
    source: Input,
    output: Output,
    mask: Annotated[
        Path, typer.Option(help="A picture of the same size, white where IN is to be filled, or a folder of them.")
    ],
    weights: Weights = None,
    force: Force = False,
    skip: Skip = False,
    device: Device = None,
    seed: Seed = 0,
) -> None:
    """Fill holes in a picture, or in all pictures of a folder: scratches, spots, what should not be there.

    The mask is white where the picture is to be filled and black, or transparent, where it is known. In a folder of
    masks each has the name of its picture. Outside the hole every pixel stays as it is; write .png to keep that, for
    .jpg changes all a little. The fill is a guess: what the hole has hidden cannot be known. Large holes come out
    smooth.

    Examples:

        minigan inpaint portrait.jpg --mask scratches.png -o mended.png

        minigan inpaint ./scans --mask ./masks -o ./mended
    """
    choose_device(device)
    import torch

    from minigan.apps import holes
    from minigan.apps.inpaint import Inpainter
    from minigan.apps.tasks import trained

    torch.manual_seed(seed)
    find, inpainter = holes.mask_finder(mask), trained(Inpainter, "inpaint_photos", weights)

    def change(picture: "Picture", title: str) -> "Picture":
        return holes.mended(inpainter, picture, holes.read_mask(find(title), picture.shape), title)

    treat(source, output, change, force, skip, list(mask.iterdir()) if mask.is_dir() else [mask])


def upscale(
    source: Input,
    output: Output,
    scale: Annotated[int | None, typer.Option(help="2 or 4 times the side; 4 where nothing is said.")] = None,
    style: Annotated[str, typer.Option(help="pixel, features or adversarial: ever more invented detail.")] = "pixel",
    weights: Weights = None,
    force: Force = False,
    skip: Skip = False,
    device: Device = None,
    seed: Seed = 0,
) -> None:
    """Enlarge a picture, or all pictures of a folder, to twice or four times the side.

    Detail that the small picture lacks is guessed, most of all with --style adversarial: it is no evidence of what was
    there. Noise and the blocks of a strong JPEG compression are enlarged along. For --scale 2 the result is halved.

    Examples:

        minigan upscale stamp.png -o large.png

        minigan upscale ./stamps -o ./large --scale 2 --style adversarial
    """
    choose_device(device)
    import torch

    from minigan.apps.pictures import treated
    from minigan.apps.superres import STYLES, Upscaler, magnified
    from minigan.apps.tasks import trained
    from minigan.names import known

    torch.manual_seed(seed)
    if scale not in (None, 2, 4):
        raise ValueError(f"scale is {scale}, expected 2 or 4; enlarge twice, or shrink the result, for others")
    upscaler = trained(Upscaler, f"superres_x4_{known(style, STYLES, 'style')}", weights)
    times = scale or upscaler.scale
    if times > upscaler.scale:
        raise ValueError(f"{weights} enlarges {upscaler.scale} times, --scale says {times}; leave --scale out")
    place, margin = next(upscaler.parameters()).device, upscaler.reach + 1

    def change(picture: "Picture", title: str) -> "Picture":
        return treated(picture, lambda images: magnified(upscaler, images.to(place), times), 192, margin, times, title)

    treat(source, output, change, force, skip)


def stylize(
    source: Annotated[Path, typer.Argument(metavar="CONTENT", help="A picture, or a folder of pictures.")],
    style: Annotated[
        str, typer.Argument(metavar="STYLE", help="A picture, a style by name such as whirls, or a trained run.")
    ],
    output: Output,
    size: Annotated[int, typer.Option(min=32, max=2048, help="Pixels of the longer side when it is painted.")] = 512,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Steps of painting; 200, or one pass of a trained run.")
    ] = None,
    strength: Strength = 1.0,
    force: Force = False,
    skip: Skip = False,
    device: Device = None,
    seed: Seed = 0,
) -> None:
    """Paint a picture, or all pictures of a folder, in the style of another.

    The style is a picture of yours, or one of those that minigan draws: whirls, mosaic, engraving. With a trained run
    in place of a style a picture needs one pass and no steps. A large picture is painted at --size, and the change is
    laid over the whole; a smaller --size gives coarser strokes. Ctrl-C ends the painting and writes the picture as it
    is by then.

    Examples:

        minigan stylize cat.jpg whirls -o cat_whirls.png

        minigan stylize cat.jpg painting.jpg -o painted.png --steps 400

        minigan stylize ./holiday mosaic -o ./painted --size 384 --strength 0.7
    """
    choose_device(device)
    import torch

    from minigan.apps import painting

    torch.manual_seed(seed)
    painter = painting.painter(style, size, steps)

    def change(picture: "Picture", title: str) -> "Picture":
        return painting.painted(picture, painter, size, strength, title)

    treat(source, output, change, force, skip, [Path(style)])
    if painter.stopped:
        raise typer.Exit(130)
