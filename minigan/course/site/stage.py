"""Everything that Sphinx reads, written into a folder: pages, pictures, downloads, thumbnails.

What has not changed is not written again, so that Sphinx makes only the rest anew; what is no page any more goes.
"""

import json
import tomllib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from minigan.course.chapters import chapters, timings
from minigan.course.site import front, listings
from minigan.course.site.links import Linker, from_page
from minigan.course.site.notebooks import Figure, Shown, borrow_outputs, figures, stage_chapter, stage_exercise
from minigan.course.site.pages import Page, homepage, plan

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


def fill(stage: Stage, step: Callable[[str], object] = lambda name: None) -> None:
    """Write all pages. `step` is called with the name of each."""
    for page in stage.pages.values():
        step(page.name)
        if page.source.endswith(".ipynb"):
            notebook_page(stage, page)
        else:
            text = (stage.root / page.source).read_text(encoding="utf-8") + more_pictures(stage, page)
            stage.write(stage.source / page.staged, stage.linker.led(text, page.source, page.name))
    for name, text in listings.made(stage):
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
        stage.shown += stage_chapter(notebook, page, chapter_tools(stage, page), stage.linker)
    else:
        stage_exercise(notebook, page, exercise_tools(stage, page, notebook), stage.linker)
        solved = stage.root / page.source.replace("exercises/", "solutions/", 1)
        borrow_outputs(notebook, nbformat.read(solved, as_version=4))
    stage.figures += figures(notebook, page.name)
    stage.write(stage.source / page.staged, nbformat.writes(notebook))


def more_pictures(stage: Stage, page: Page) -> str:
    """The pictures of a benchmark that its page does not show by itself, in Markdown."""
    if page.group != "Measured":
        return ""
    path = stage.root / page.source
    there = [*path.parent.glob(f"{path.stem}.png"), *sorted(path.parent.glob(f"{path.stem}_*.png"))]
    missing = [picture.name for picture in there if picture.name not in path.read_text(encoding="utf-8")]
    for name in missing:
        if str(Path(page.source).with_name(name)) not in stage.linker.alts:
            raise ValueError(
                f"{ALTS} says nothing about {name}, which no page shows; add a line that says what it shows"
            )
    return "".join(f"\n\n![{name}]({name})" for name in missing)


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
    tasks = listings.task_facts(notebook)
    minutes, points = (sum(task[key] for task in tasks) for key in ("minutes", "points"))
    return f"{{.page-tools}}\n{download(page)} · {len(tasks)} tasks · {minutes} minutes · {points} points"
