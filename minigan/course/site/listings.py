"""The pages that list others, and those of the reference: made here, without a file of their own in the repository."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from nbformat import NotebookNode

from minigan.course.site import reference
from minigan.course.site.links import from_page
from minigan.course.site.pages import Page

if TYPE_CHECKING:
    from minigan.course.site.stage import Stage

MEASURED = """Every number that the course states comes from a script in `benchmarks/` or from a cell that you can run.
Each script writes a table, and a picture where there is something to see."""
CARDS = """What the networks that come with the course are, what they learnt from, and what they cannot do."""
EXERCISES = """Each chapter has a set of tasks. A notebook with its checks runs in JupyterLab: `make lab`, then the
folder `exercises`. The check under a task answers at once, and gives a stronger hint at each try."""
LIBRARY = """The chapters build this library piece by piece: a cell that shows library code shows it character for
character. Here the same definitions stand by module, each with a link to the cell that shows it. An image batch is a
float tensor (N, channels, height, width) in [-1, 1] everywhere."""
CLAIM = re.compile(r"^\| \[(\w+)\]\(\w+\.py\) \| ([^|]+?) \|", re.MULTILINE)  # a row of benchmarks/README.md
KIND = re.compile(r"^\| What \| (.+) \|$", re.MULTILINE)  # a row of a model card


def made(stage: "Stage") -> Iterator[tuple[str, str]]:
    """All pages that are made here: name and text."""
    pages = list(stage.pages.values())
    yield "exercises/index", exercises(stage)
    measured = [page for page in pages if page.group == "Measured"]
    yield "benchmarks/index", listing(stage, "benchmarks/index", "Benchmarks", MEASURED, measured, claims(stage.root))
    cards = [page for page in pages if page.group == "Cards"]
    yield "cards/index", listing(stage, "cards/index", "Model cards", CARDS, cards, kinds(stage.root, cards))
    found = reference.modules(stage.root)
    yield "reference/index", library(stage, found)
    for module in [module for group in found.values() for module in group]:
        yield module.page, reference.page(module, stage.shown, built_in(stage, module, module.page))


def hidden(names: list[str]) -> str:
    """The list of pages below one, which the sidebar shows."""
    return "```{toctree}\n:hidden:\n\n" + "\n".join(names) + "\n```\n"


def listing(stage: "Stage", name: str, title: str, text: str, pages: list[Page], said: dict[str, str]) -> str:
    """A page that lists others by their titles, each with what is `said` of it."""
    lines = ["| | |", "|---|---|"]
    for page in pages:
        heading = (stage.root / page.source).read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        lines.append(f"| [{heading}]({from_page(name, page.staged)}) | {said.get(page.source, '')} |")
    names = [from_page(name, page.name) for page in pages]
    return "\n\n".join([f"# {title}", text, "\n".join(lines), hidden(names)])


def claims(root: Path) -> dict[str, str]:
    """What each benchmark claims, by the file of its results; its question where it claims nothing yet."""
    index = root / "benchmarks" / "README.md"
    found = CLAIM.findall(index.read_text(encoding="utf-8")) if index.is_file() else []
    return {f"benchmarks/results/{name}.md": claim for name, claim in found}


def kinds(root: Path, pages: list[Page]) -> dict[str, str]:
    """What each network is, by the file of its model card."""
    found = {page.source: KIND.search((root / page.source).read_text(encoding="utf-8")) for page in pages}
    return {source: kind[1] for source, kind in found.items() if kind}


def task_facts(notebook: NotebookNode) -> list[dict[str, Any]]:
    """The tasks of a released exercise, by the metadata of their texts."""
    marks = [cell.metadata.get("minigan", {}) for cell in notebook.cells if cell.cell_type == "markdown"]
    return [mark for mark in marks if "minutes" in mark]


def exercises(stage: "Stage") -> str:
    """The page that lists the exercises, with their tasks."""
    lines = ["| exercise | tasks | minutes | points |", "|---|---|---:|---:|"]
    pages = [page for page in stage.pages.values() if page.group == "Exercises"]
    for page in pages:
        tasks = task_facts(nbformat.read(stage.root / page.source, as_version=4))
        minutes, points = (sum(task[key] for task in tasks) for key in ("minutes", "points"))
        titles = "; ".join(task["title"] for task in tasks)
        link = f"[{page.title}]({from_page('exercises/index', page.staged)})"
        lines.append(f"| {link} | {titles} | {minutes} | {points} |")
    names = [f"{page.title} <{from_page('exercises/index', page.name)}>" for page in pages]
    return "\n\n".join(["# Exercises", EXERCISES, "\n".join(lines), hidden(names)])


def built_in(stage: "Stage", module: reference.Module, name: str) -> str:
    """A link from the page `name` to the chapter that builds a module; empty where that has no page."""
    page = stage.pages.get(f"notebooks/{module.built}.ipynb")
    return f"[chapter\u00a0{module.built[:2]}]({from_page(name, page.staged)})" if page else ""


def library(stage: "Stage", found: dict[str, list[reference.Module]]) -> str:
    """The reference's first page: all modules with their first sentence."""
    parts = ["# The library", LIBRARY]
    for group, modules in found.items():
        rows = [
            f"| [minigan.{module.name}]({module.name}.md) | {reference.prose(module.summary)} "
            f"| {built_in(stage, module, 'reference/index')} |"
            for module in modules
        ]
        parts.append("\n".join([f"## {group}", "", "| module | what it holds | built in |", "|---|---|---|", *rows]))
    names = [module.name for modules in found.values() for module in modules]
    return "\n\n".join([*parts, hidden([f"{name} <{name}>" for name in names])])  # without "minigan.", to fit
