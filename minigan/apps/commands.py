"""The commands that change the learner's own pictures: what they share. Heavy imports stand inside the functions."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from minigan.apps.pictures import Picture

Input = Annotated[Path, typer.Argument(metavar="IN", help="A picture, or a folder of pictures.")]
Output = Annotated[Path, typer.Option("-o", "--output", help="The file or folder to write.")]
Force = Annotated[bool, typer.Option("--force", help="Replace existing files, but never the originals.")]
Device = Annotated[str | None, typer.Option(help="cpu, cuda or mps; by default the best.")]
Seed = Annotated[int, typer.Option(help="Seed of all that is random.")]


def choose_device(device: str | None) -> None:
    """Make `minigan.hardware.device` answer what the user asked for."""
    if device:
        os.environ["MINIGAN_DEVICE"] = device


def treat(source: Path, output: Path, change: Callable[["Picture", str], "Picture"], force: bool) -> None:
    """Change one picture or all of a folder, and say what became of them.

    A refused picture is named with the reason on stderr, and the exit code is then 1; 2 where none could be changed.
    """
    from minigan.apps.pictures import treat_all

    written, refused = treat_all(source, output, change, force)
    if len(refused) == 1 and not written:
        raise ValueError(refused[0])
    for reason in refused:
        typer.echo(f"minigan: {' '.join(reason.split())}", err=True)
    place = written[0] if len(written) == 1 else output
    typer.echo(f"wrote {place}" if len(written) == 1 else f"wrote {len(written)} pictures to {place}")
    if refused:
        raise typer.Exit(1 if written else 2)
