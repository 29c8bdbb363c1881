"""The commands for those who write the course: `minigan course build`, `release`, `check` and `slides`.

Heavy imports stand inside the commands, so that `--help` is instant.
"""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="markdown", add_completion=False, pretty_exceptions_enable=False
)

Names = Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Chapters, such as 02; all by default.")]


@app.callback()
def course() -> None:
    """Build the notebooks of the course from their sources, and check them."""


@app.command()
def build(
    names: Names = None,
    execute: Annotated[bool, typer.Option("--execute", help="Run the notebooks and keep their outputs.")] = False,
    scale: Annotated[str, typer.Option(help="How much they compute: quick, cpu or full.")] = "cpu",
) -> None:
    """Build notebooks/NAME.ipynb from notebooks/src/NAME.py, with the library's code filled in.

    Without --execute, outputs of unchanged cells are kept. A notebook is replaced whole or not at all.

    Examples:

        minigan course build

        minigan course build --execute 01 02

        minigan course build --execute --scale quick 01_gan_theory
    """
    from minigan.course import build as builder
    from minigan.course import chapters, workload
    from minigan.course.scale import SCALES
    from minigan.names import known

    scale = known(scale, SCALES, "scale")
    root = chapters.repository()
    for paths in builder.select(root, names or []):
        timing = builder.build(paths, scale if execute else None)
        line = f"built {paths.notebook.relative_to(root)}"
        if timing:
            builder.record(root, paths.name, scale, timing)
            memory = f", {timing['peak_mb']} MB at most" if timing["peak_mb"] else ""
            line += f": {timing['seconds']:.1f} s{memory}"
        typer.echo(line)
    builder.update_readme(root)
    workload.update(root)


@app.command()
def release(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Exercises, such as 02; all.")] = None,
    execute: Annotated[bool, typer.Option("--execute", help="Run the solutions and keep their outputs.")] = False,
) -> None:
    """Build solutions/NAME/ and exercises/NAME/ from solutions/src/NAME.py.

    The solution is the instructor's; what learners get has neither solutions, hidden tests nor outputs. nbgrader makes
    it: pip install 'minigan[grading]'.

    Examples:

        minigan course release

        minigan course release --execute 02
    """
    from minigan.course import chapters, exercises, workload

    root = chapters.repository()
    for master in exercises.select(root, names or []):
        timing = exercises.release(master, "cpu" if execute else None)
        took = f": the solution took {timing['seconds']:.1f} s" if timing else ""
        typer.echo(f"built {master.release.relative_to(root)}{took}")
    workload.update(root)


@app.command()
def check(names: Names = None) -> None:
    """Say which notebooks are out of date or otherwise not fit to be committed; exit with 1 if any is.

    Examples:

        minigan course check

        minigan course check 02
    """
    from minigan.course import audit, chapters
    from minigan.course.build import select

    root = chapters.repository()
    chosen = select(root, names or [])
    complaints = [complaint for paths in chosen for complaint in audit.audit(paths)]
    if not names:
        sources = [paths.source for paths in chosen]
        modules = audit.shown_modules(root)
        complaints += audit.coverage(root, sources, modules, audit.pending_definitions())
    typer.echo("\n".join(complaints) or f"{len(chosen)} notebooks are up to date")
    raise typer.Exit(1 if complaints else 0)


@app.command()
def slides(
    names: Names = None,
    out: Annotated[Path | None, typer.Option(help="The folder for the slides; docs/_build/slides by default.")] = None,
) -> None:
    """Build slides of the chapters, with speaker's notes, from their sources and executed notebooks.

    Open index.html in the folder; press S for the notes. Nothing is executed, and nothing needs a network.

    Examples:

        minigan course slides

        minigan course slides 02 --out talk
    """
    from minigan.course import chapters, slidepages
    from minigan.course.build import select
    from minigan.course.slides import read

    root = chapters.repository()
    chosen, out = select(root, names or []), out or root / "docs" / "_build" / "slides"
    slidepages.assets(out)
    for paths in chosen:
        deck = read(paths)
        page = slidepages.write(deck, out)
        typer.echo(f"built {page.name}: {len(deck.slides)} slides, {deck.minutes} minutes")
        if complaint := deck.complaint():
            typer.echo(complaint, err=True)
    there = [paths for paths in select(root, []) if (out / f"{paths.name}.html").exists()]
    typer.echo(f"built {slidepages.contents([read(paths) for paths in there], out)}")


@app.command()
def site(
    names: Names = None,
    out: Annotated[Path | None, typer.Option(help="The folder for the site; docs/_build/site by default.")] = None,
    check_links: Annotated[bool, typer.Option(help="Look for broken links and other faults of the pages.")] = True,
    picture: Annotated[Path | None, typer.Option(help="Save a picture of the front page; needs Chromium.")] = None,
) -> None:
    """Build the web site from the executed notebooks; nothing is executed, and nothing needs a network.

    Open index.html in the folder. Only what has changed is made anew. With names, a site of these chapters alone is
    made in the folder --out. Addresses of other hosts are listed in links.txt there; nobody is asked whether they
    answer. Needs Sphinx: pip install -c constraints.txt -e '.[docs]'. Exits with 1 if Sphinx warns or a link is broken.

    Examples:

        minigan course site

        minigan course site 02 05 --out part

        minigan course site --picture docs/front_page.png
    """
    from minigan.course import chapters
    from minigan.course.build import select
    from minigan.course.site import build as builder
    from minigan.course.site.picture import take

    root = chapters.repository()
    if names and out is None:
        raise ValueError("a site of some chapters needs a folder of its own; name it with --out")
    chosen = [paths.name for paths in select(root, names)] if names else []
    made = builder.make(root, out, chosen, check_links)
    typer.echo("\n".join(made.complaints), err=True, nl=bool(made.complaints))
    typer.echo(f"built {made.front}: {made.pages} pages, {len(made.elsewhere)} addresses of other hosts")
    if picture:
        take(made.front, picture)
        typer.echo(f"saved {picture}")
    raise typer.Exit(1 if made.complaints else 0)
