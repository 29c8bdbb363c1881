"""Everything that Sphinx reads, written into a folder: pages, pictures, downloads, thumbnails.

What has not changed is not written again, so that Sphinx makes only the rest anew; what is no page any more goes.
"""

import json
import tomllib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from minigan.course.chapters import chapters, timings
from minigan.course.site import front, reference
from minigan.course.site.links import Linker, from_page
from minigan.course.site.notebooks import Figure, Shown, figures, stage_chapter, stage_exercise
from minigan.course.site.pages import GLOSSARY, Page, homepage, plan

ALTS = "docs/pictures.toml"  # what is to be seen on pictures of the benchmarks and the model cards


@dataclass
class Stage:
    """The staging folder: `source` is what Sphinx reads, `extra` what is copied beside the pages."""

    root: Path
    folder: Path
    pages: dict[str, Page]
    linker: Linker
    figures: list[Figure] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    written: set[Path] = field(default_factory=set)

    @property
    def source(self) -> Path:
        return self.folder / "source"

    @property
    def extra(self) -> Path:
        return self.folder / "extra"

    def write(self, path: Path, content: str | bytes) -> None:
        """Write a file of the stage, unless it is there with the same content."""
        data = content.encode() if isinstance(content, str) else content
        self.written.add(path)
        if not path.exists() or path.read_bytes() != data:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def sweep(self) -> None:
        """Remove what earlier runs left and this one did not write."""
        for path in [path for path in self.folder.rglob("*") if path.is_file() and path not in self.written]:
            path.unlink()


def begin(root: Path, folder: Path, only: Collection[str] = ()) -> Stage:
    """An empty stage for the site, with its plan."""
    pages = plan(root, only)
    alts = tomllib.loads((root / ALTS).read_text(encoding="utf-8")) if (root / ALTS).exists() else {}
    return Stage(root, folder, pages, Linker(root, pages, homepage(root), alts))


def fill(stage: Stage, step: Callable[[str], None] = lambda name: None) -> None:
    """Write all pages. `step` is called with the name of each."""
    for page in stage.pages.values():
        step(page.name)
        if page.source.endswith(".ipynb"):
            notebook_page(stage, page)
        else:
            text = (stage.root / page.source).read_text(encoding="utf-8")
            stage.write(stage.source / page.staged, stage.linker.led(text, page.source, page.name))
    for name, text in made_pages(stage):
        step(name)
        stage.write(stage.source / f"{name}.md", text)
    step("index")
    front.write(stage)
    for target, picture in stage.linker.copies.items():
        stage.write(stage.source / target, (stage.root / picture).read_bytes())
    facts: dict[str, list[tuple[str, str, str]]] = {}
    for figure in stage.figures:
        facts.setdefault(figure.page, []).append((figure.digest, figure.alt, figure.anchor))
    stage.write(stage.folder / "figures.json", json.dumps(facts))
    stage.sweep()


def notebook_page(stage: Stage, page: Page) -> None:
    """A chapter or an exercise, and the notebook itself to be downloaded."""
    path = stage.root / page.source
    notebook = nbformat.read(path, as_version=4)
    stage.write(stage.extra / "download" / page.source, path.read_bytes())
    if page.group == "Chapters":
        found = figures(notebook, page.name)
        stage.figures += found
        stage.shown += stage_chapter(notebook, page, chapter_tools(stage, page), stage.linker)
    else:
        stage_exercise(notebook, page, exercise_tools(stage, page, notebook), stage.linker)
    stage.write(stage.source / page.staged, nbformat.writes(notebook))


def download(page: Page) -> str:
    """The link by which a notebook is downloaded, as a page writes it."""
    address = from_page(page.name, f"download/{page.source}")
    return f'<a class="download" href="{address}" download>Download this notebook</a>'


def chapter_tools(stage: Stage, page: Page) -> str:
    """The line under a chapter's title: the notebook, the exercises, the minutes."""
    name = page.name.rpartition("/")[2]
    chapter = next(chapter for chapter in chapters() if chapter.name == name)
    parts = [download(page)]
    exercise = f"exercises/{name}/{name}.ipynb"
    if exercise in stage.pages:
        parts.append(f"[Exercises]({from_page(page.name, stage.pages[exercise].staged)})")
    taken = timings().get(name, {}).get("cpu")
    runs = f", {taken['seconds'] / 60:.1f} to run on two CPU cores" if taken else ""
    parts.append(f"{chapter.reading} minutes to read{runs}")
    return "{.page-tools}\n" + " · ".join(parts)


def exercise_tools(stage: Stage, page: Page, notebook: NotebookNode) -> str:
    """The line under an exercise's title."""
    tasks = task_facts(notebook)
    minutes, points = (sum(task[key] for task in tasks) for key in ("minutes", "points"))
    return f"{{.page-tools}}\n{download(page)} · {len(tasks)} tasks · {minutes} minutes · {points} points"


def task_facts(notebook: NotebookNode) -> list[dict[str, int]]:
    """The tasks of a released exercise, by the metadata of their texts."""
    marks = [cell.metadata.get("minigan", {}) for cell in notebook.cells if cell.cell_type == "markdown"]
    return [mark for mark in marks if "minutes" in mark]


def made_pages(stage: Stage) -> Iterator[tuple[str, str]]:
    """The pages without a file of their own: name and text."""
    yield "exercises/index", exercises_index(stage)
    measured = [page for page in stage.pages.values() if page.group == "Measured"]
    cards = [page for page in stage.pages.values() if page.group == "Cards"]
    yield "benchmarks/index", listing(stage, "benchmarks/index", "Benchmarks", MEASURED, measured)
    yield "cards/index", listing(stage, "cards/index", "Model cards", CARDS, cards)
    found = reference.modules(stage.root)
    yield "reference/index", reference_index(stage, found)
    for module in [module for group in found.values() for module in group]:
        yield module.page, reference.page(module, stage.shown, built_in(stage, module, module.page))


MEASURED = """Every number that the course states comes from a script in `benchmarks/` or from a cell that you can run.
Each script writes a table, and a picture where there is something to see."""
CARDS = """What the networks that come with the course are, what they learnt from, and what they cannot do."""


def listing(stage: Stage, name: str, title: str, text: str, pages: list[Page]) -> str:
    """A page that lists others by their titles."""
    entries = []
    for page in pages:
        heading = (stage.root / page.source).read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        entries.append(f"- [{heading}]({from_page(name, page.staged)})")
    listed = "\n".join(Path(from_page(name, page.name)).as_posix() for page in pages)
    return f"# {title}\n\n{text}\n\n" + "\n".join(entries) + f"\n\n```{{toctree}}\n:hidden:\n\n{listed}\n```\n"


def exercises_index(stage: Stage) -> str:
    """The page that lists the exercises, with their tasks."""
    lines = ["| exercise | tasks | minutes | points |", "|---|---|---:|---:|"]
    names = []
    for page in stage.pages.values():
        if page.group == "Exercises":
            tasks = task_facts(nbformat.read(stage.root / page.source, as_version=4))
            minutes, points = (sum(task[key] for task in tasks) for key in ("minutes", "points"))
            titles = "; ".join(str(task["title"]) for task in tasks)
            link = f"[{page.title}]({from_page('exercises/index', page.staged)})"
            lines.append(f"| {link} | {titles} | {minutes} | {points} |")
            names.append(f"{page.title} <{from_page('exercises/index', page.name)}>")
    listed = "\n".join(names)
    return (
        "# Exercises\n\nEach chapter has a set of tasks. A notebook with its checks runs in JupyterLab: `make lab`, then the "
        "folder `exercises`. The check under a task answers at once, and gives a stronger hint at each try.\n\n"
        + "\n".join(lines)
        + f"\n\n```{{toctree}}\n:hidden:\n\n{listed}\n```\n"
    )


def built_in(stage: Stage, module: reference.Module, name: str) -> str:
    """A link from the page `name` to the chapter that builds a module; empty where that has no page."""
    page = stage.pages.get(f"notebooks/{module.built}.ipynb")
    return f"[chapter\u00a0{module.built[:2]}]({from_page(name, page.staged)})" if page else ""


def reference_index(stage: Stage, found: dict[str, list[reference.Module]]) -> str:
    """The reference's first page: all modules with their first sentence."""
    parts = ["# The library", LIBRARY]
    for group, modules in found.items():
        rows = [
            f"| [minigan.{module.name}]({module.name}.md) | {reference.prose(module.summary)} "
            f"| {built_in(stage, module, 'reference/index')} |"
            for module in modules
        ]
        parts.append("\n".join([f"## {group}", "", "| module | what it holds | built in |", "|---|---|---|", *rows]))
    listed = "\n".join(module.name for modules in found.values() for module in modules)
    return "\n\n".join(parts) + f"\n\n```{{toctree}}\n:hidden:\n\n{listed}\n```\n"


LIBRARY = """The chapters build this library piece by piece: a cell that shows library code shows it character for
character. Here the same definitions stand by module, each with a link to the cell that shows it. An image batch is a float
tensor (N, channels, height, width) in [-1, 1] everywhere."""


