"""`minigan`: the command line.

Heavy imports stand inside the commands, so that `minigan --help` is instant.
"""

import os
import re
import sys
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import typer

from minigan.apps import commands as apps
from minigan.apps import generating, training
from minigan.course import commands
from minigan.course.grading import command as grading
from minigan.course.kit import command as kits
from minigan.names import one_line

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
    room: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Show such reports of many as a table.")] = None,
) -> None:
    """Say whether this machine is ready for the course, and how long each chapter will take on it.

    Every problem comes with its remedy. Exits with 1 if something stands in the way.

    Examples:

        minigan doctor

        minigan doctor --json > ada.json

        minigan doctor --room reports        # a folder of them: who is ready, who is not, and why
    """
    if room is not None:
        from minigan.course.doctor.room import read_room, room_table

        laptops = read_room(room)
        typer.echo(room_table(laptops))
        raise typer.Exit(1 if any(laptop.state in ("blocks", "unread") for laptop in laptops) else 0)
    from minigan.course.doctor import examine

    findings = examine()
    typer.echo(findings.as_json() if as_json else findings.as_text())
    raise typer.Exit(0 if findings.ready else 1)


app.command()(training.train)
app.command()(generating.generate)
app.command()(grading.grade)
app.command()(kits.kit)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def lab(context: typer.Context) -> None:
    """Open JupyterLab on the first chapter. Options that follow are JupyterLab's.

    Examples:

        minigan lab

        minigan lab --no-browser --port 8899
    """
    from minigan.course.lab import open_lab

    open_lab(context.args)


@app.command()
def progress(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Exercises, such as 02; all.")] = None,
) -> None:
    """Show which exercises are solved, which are open, and how many minutes are left.

    It reads `progress.json` beside each exercise in this folder. The checks write it, and nothing is sent anywhere.

    Examples:

        minigan progress

        minigan progress 02
    """
    from minigan.course import journal

    typer.echo(journal.overview(journal.find(), names or []))


app.command()(apps.denoise)
app.command()(apps.inpaint)
app.command()(apps.stylize)
app.command()(apps.upscale)


def run(command: typer.Typer) -> None:
    """Run a command line. A user's fault ends in one sentence and exit code 2, Ctrl-C in 130.

    `--debug` anywhere on the line, or MINIGAN_DEBUG=1, shows the traceback instead.
    """
    debug = "--debug" in sys.argv or os.environ.get("MINIGAN_DEBUG", "0") not in ("", "0")
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # a console without our signs still reads
    words = [argument for argument in sys.argv[1:] if argument != "--debug"]
    try:
        if any(option in ("-o", "--output") and not value for option, value in pairwise(words)):
            raise ValueError("the output is empty, expected a path; a variable of the shell may be unset")  # not "."
        command(words)
    except (ValueError, OSError, FloatingPointError) as error:
        if debug:
            raise
        sys.exit(fail(in_words(error), 2))
    except (MemoryError, RuntimeError) as error:
        if debug or not (isinstance(error, MemoryError) or re.search("allocate|out of memory", str(error))):
            raise
        sys.exit(fail(f"the memory is not enough ({error}); choose smaller pictures, a smaller batch or network", 2))
    except SystemExit as stop:
        if stop.code == 130:  # typer turns Ctrl-C into it
            fail("interrupted", 130)
        raise


def in_words(error: Exception) -> str:
    """What an error says; of the system's own errors without their numbers."""
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{os.fspath(error.filename)!r} cannot be used ({error.strerror}); check the path"
    return str(error)


def fail(reason: str, code: int) -> int:
    """Print one sentence to stderr and return the exit code."""
    print(f"minigan: {one_line(reason)}", file=sys.stderr)
    return code


def main() -> None:
    """Run `minigan`."""
    run(app)
