"""`minigan`: the command line.

Heavy imports stand inside the commands, so that `minigan --help` is instant.
"""

import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from minigan.course import commands

if TYPE_CHECKING:
    from minigan.data import ImageSet
    from minigan.train import TrainConfig, TrainState

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="markdown", add_completion=False, pretty_exceptions_enable=False
)
app.add_typer(commands.app, name="course")


def show_version(wanted: bool) -> None:
    """Print the version and stop."""
    if wanted:
        typer.echo(f"minigan {version('minigan')}")
        raise typer.Exit


@app.callback()
def minigan(
    _version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    """Pretrained models in image generation: a course and its small library.

    With --debug after any command, an error shows its traceback.

    Examples:

        minigan doctor

        minigan lab

        minigan train peeps -o run

        minigan generate run -o heads.png
    """


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Say whether this machine is ready for the course, and how long each chapter will take on it.

    Every problem comes with its remedy. Exits with 1 if something stands in the way.

    Examples:

        minigan doctor

        minigan doctor --json > laptop.json
    """
    from minigan.course.doctor import examine

    findings = examine()
    typer.echo(findings.as_json() if as_json else findings.as_text())
    raise typer.Exit(0 if findings.ready else 1)


@app.command()
def train(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="DATA", help="A set by name, such as peeps, or a folder, ./pictures.")],
    run: Annotated[Path, typer.Option("-o", "--output", help="Folder for checkpoints, weights and samples.")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the output folder.")] = False,
    start: Annotated[str | None, typer.Option(help="Fine-tune shipped networks, such as peeps, on these data.")] = None,
    images: Annotated[
        int | None, typer.Option(min=1, help="Real images to show in all; 120,000, or 30,000 with --start.")
    ] = None,
    minutes: Annotated[float, typer.Option(min=0, help="Stop after this time; 0 for no limit.")] = 0,
    size: Annotated[int | None, typer.Option(help="Pixels of a side; by default the data's, at most 64.")] = None,
    width: Annotated[int, typer.Option(min=1, help="Channels before the picture; the depth doubles from there.")] = 48,
    upsampling: Annotated[str, typer.Option(help="transposed, pixel_shuffle or resize.")] = "transposed",
    norm: Annotated[str, typer.Option(help="The discriminator's: none, batch or spectral.")] = "none",
    loss: Annotated[str, typer.Option(help="A name from minigan.losses.ADVERSARIAL.")] = "non_saturating",
    batch: Annotated[int, typer.Option(min=1, help="Images a step.")] = 32,
    rate: Annotated[float | None, typer.Option(help="Adam's learning rate; 4e-4, or 2e-4 with --start.")] = None,
    r1: Annotated[float, typer.Option(min=0, help="Strength of the R1 penalty.")] = 0.5,
    augment: Annotated[str, typer.Option(help="Augmentations with commas between; 'none' for none.")] = "auto",
    seed: Annotated[int, typer.Option(help="Seed of weights, latents and batches.")] = 0,
    precision: Annotated[str, typer.Option(help="float32, bfloat16 or auto.")] = "auto",
    device: Annotated[str | None, typer.Option(help="cpu, cuda or mps; by default the best.")] = None,
) -> None:
    """Train a GAN on a set of pictures. Ctrl-C saves; --resume goes on bit for bit where it stopped.

    With --resume, settings that are not given are those of the run.

    Examples:

        minigan train peeps -o run

        minigan train peeps -o run --resume --images 300000

        minigan train ./holiday -o run --size 64 --minutes 30

        minigan train ./my_heads -o run --start peeps --minutes 5
    """
    if device:
        os.environ["MINIGAN_DEVICE"] = device
    given = {key: value for key, value in context.params.items() if source(context, key) == "COMMANDLINE"}
    begin_or_resume(name, run, resume, {**context.params, **kept_settings(run, resume, given)}, minutes)


def source(context: typer.Context, option: str) -> str:
    """Where the value of an option comes from: "COMMANDLINE", or "DEFAULT" where the user said nothing."""
    found = context.get_parameter_source(option)
    return found.name if found else "DEFAULT"


def kept_settings(run: Path, resume: bool, given: dict[str, Any]) -> dict[str, Any]:
    """The settings of the run in a folder, but for those given anew.

    Nothing for a new run, whose folder must be free.
    """
    from minigan.train import saved_settings

    if not resume:
        if (run / "checkpoint.pt").exists():
            raise FileExistsError(f"{run} holds a run already; add --resume to go on with it, or choose another folder")
        return {}
    there = saved_settings(run)
    flat = {**there, **there["discriminator"], **there["generator"], "augment": ",".join(there["augment"]) or "none"}
    return {key: value for key, value in flat.items() if key not in given}


def begin_or_resume(name: str, run: Path, resume: bool, options: dict[str, Any], minutes: float) -> None:
    """Train with these options until all images are seen, the time is up, or Ctrl-C."""
    import math
    import shlex

    from minigan import train

    state, pictures = prepare(name, options)
    if resume:
        train.resume(state, run)
    began = state.seconds
    typer.echo(f"{pictures}\n{train.describe(state)}")
    if pictures.skipped:
        counted = f"skipped {len(pictures.skipped)} of {len(pictures.skipped) + len(pictures)} pictures:"
        typer.echo("\n".join([counted, *pictures.skipped]), err=True)
    if not resume:
        train.save(state, run)  # a folder that cannot be written is found out now
    train.fit(state, pictures, run=run, seconds=60 * minutes or math.inf, title=pictures.name)
    draw = ["minigan", "generate", str(run), "-o", f"{pictures.name}.png"]
    typer.echo(f"{state.seen:,} images in {state.seconds:.0f} s; draw with: {shlex.join(draw)}")
    if state.seen < state.config.images:
        typer.echo(f"to go on: {shlex.join(['minigan', 'train', name, '-o', str(run), '--resume'])}")
        if not minutes or state.seconds - began < 60 * minutes:
            raise typer.Exit(130)


def prepare(name: str, options: dict[str, Any]) -> "tuple[TrainState, ImageSet]":
    """A fresh training state from the options of the command line, and the pictures."""
    import torch

    from minigan import data, nets, train, weights

    pictures = data.load(name, size=options["size"])
    size = options["size"] or min(pictures.size, 64)
    facts = {"data": pictures.name, "pictures": len(pictures)}
    if options.get("start"):
        generator, discriminator = weights.shipped_pair(options["start"])
        shape, size = generator.arguments, generator.arguments["size"]
        if pictures.pixels.shape[1] != shape["channels"] or options["size"] not in (None, size):
            wanted = f"{options['size'] or size} pixels, {pictures.pixels.shape[1]} channels"
            drawn = f"{options['start']} draws {size} pixels, {shape['channels']} channels"
            raise ValueError(f"{drawn}, the data would have {wanted}; choose other data, or train without --start")
        facts["start"] = options["start"]
    else:
        torch.manual_seed(options["seed"])  # the networks' first weights
        channels = pictures.pixels.shape[1]
        generator = nets.Generator(size, channels, width=options["width"], upsampling=options["upsampling"])
        discriminator = nets.Discriminator(size, channels, options["width"], options["norm"])
    if size != pictures.size:
        pictures = data.load(name, size=size)
    return train.start(configure(options, pictures.pixels.shape[1]), generator, discriminator, **facts), pictures


def configure(options: dict[str, Any], channels: int) -> "TrainConfig":
    """The training configuration in the options of the command line."""
    from minigan.train import TrainConfig

    usual = "brightness,saturation,translation" if channels == 3 else "none"
    augment = usual if options["augment"] == "auto" else options["augment"]
    names = tuple(part.strip() for part in augment.split(",") if part.strip() != "none")
    same = ("loss", "batch", "r1", "seed", "precision")
    tuned = bool(options.get("start"))
    images = (30_000 if tuned else 120_000) if options["images"] is None else options["images"]
    rate = (2e-4 if tuned else 4e-4) if options["rate"] is None else options["rate"]
    return TrainConfig(augment=names, images=images, rate=rate, **{key: options[key] for key in same})


@app.command()
def generate(
    origin: Annotated[str, typer.Argument(metavar="RUN", help="A run's folder, a weights file, or a shipped name.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The picture to write.")],
    count: Annotated[int, typer.Option(min=1, max=10_000, help="How many to draw.")] = 64,
    columns: Annotated[int, typer.Option(min=1, help="How many in a row.")] = 8,
    seed: Annotated[int, typer.Option(help="Another seed, other pictures.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing picture.")] = False,
) -> None:
    """Draw pictures with a trained generator.

    Examples:

        minigan generate run -o heads.png

        minigan generate peeps -o heads.png --count 16 --columns 4 --seed 7
    """
    import torch

    from minigan import hardware, plot, weights

    if output.exists() and not force:
        raise FileExistsError(f"{output} exists already; choose another name, or add --force to replace it")
    if output.suffix.lower() != ".png":
        raise ValueError(f"the output is {output}, expected a name that ends in .png")
    network, facts = weights.find(origin)
    device = hardware.device()
    latents = torch.randn(count, network.latents, generator=torch.Generator().manual_seed(seed))
    with torch.inference_mode():
        drawn = [network.to(device)(part.to(device)).float().cpu() for part in latents.split(64)]
    title = f"{count} pictures drawn by the generator {origin}, trained on {facts.get('data', 'unknown data')}"
    plot.grid(torch.cat(drawn), columns=columns, zoom=1, alt=title, save=output)
    typer.echo(f"wrote {output}: {title}, seed {seed}")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def lab(context: typer.Context) -> None:
    """Open JupyterLab on the first chapter. Options that follow are JupyterLab's.

    Examples:

        minigan lab

        minigan lab --no-browser --port 8899
    """
    from minigan.course.lab import open_lab

    open_lab(context.args)


def run(command: typer.Typer) -> None:
    """Run a command line. A user's fault ends in one sentence and exit code 2, Ctrl-C in 130.

    `--debug` anywhere on the line, or MINIGAN_DEBUG=1, shows the traceback instead.
    """
    debug = "--debug" in sys.argv or os.environ.get("MINIGAN_DEBUG", "0") not in ("", "0")
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # a console without our signs still reads
    try:
        command([argument for argument in sys.argv[1:] if argument != "--debug"])
    except (ValueError, OSError, FloatingPointError) as error:
        if debug:
            raise
        sys.exit(fail(str(error), 2))
    except SystemExit as stop:
        if stop.code == 130:  # typer turns Ctrl-C into it
            fail("interrupted", 130)
        raise


def fail(reason: str, code: int) -> int:
    """Print one sentence to stderr and return the exit code."""
    print(f"minigan: {' '.join(reason.split())}", file=sys.stderr)
    return code


def main() -> None:
    """Run `minigan`."""
    run(app)
