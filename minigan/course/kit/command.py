"""The command `minigan kit`. Heavy imports stand inside, so that `--help` is instant."""

from pathlib import Path
from typing import Annotated

import typer


def kit(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make, on a USB stick for instance.")],
    platform: Annotated[
        list[str] | None,
        typer.Option(help="The laptops' system: windows, macos (14, Apple's own chips), linux, linux-arm; repeat it."),
    ] = None,
    python_version: Annotated[list[str] | None, typer.Option(help="Such as 3.12; may be repeated.")] = None,
    extra: Annotated[list[str] | None, typer.Option(help="An extra of the project, such as test.")] = None,
    instructor: Annotated[
        bool, typer.Option("--instructor", help="With solutions, tests and what grading needs.")
    ] = False,
    index: Annotated[str | None, typer.Option(metavar="URL", help="A further package index.")] = None,
) -> None:
    """Make a folder from which the course is installed without a network: for a workshop.

    It holds the packages for the laptops that are named (by default: like this one, with this Python), the course
    without its solutions, an installer for each system, and checksums. Run it in a clone, with a network. It can be
    stopped and started again: what is there and whole is not fetched twice.

    A kit for Windows or macOS has about 0.3 GB, one for Linux 3 GB, because the wheel of PyTorch for Linux asks for the
    libraries for GPUs and does not start without them. PyTorch's own index has wheels without, whose address stands on
    PyTorch's page: name it with --index.

    Examples:

        minigan kit /media/stick/minigan-kit

        minigan kit kit --platform windows --platform macos --python-version 3.12 --python-version 3.13

        minigan kit mine --instructor
    """
    from minigan.course.chapters import repository
    from minigan.course.kit.make import INSTRUCTOR, Kit, make
    from minigan.course.kit.targets import targets

    extras = tuple(dict.fromkeys([*(INSTRUCTOR if instructor else ()), *(extra or [])]))
    asked = Kit(folder, targets(platform or [], python_version or []), extras, instructor, index)
    typer.echo(make(asked, repository()))
