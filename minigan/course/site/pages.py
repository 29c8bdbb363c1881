"""Which file of the repository becomes which page of the site, and under which heading it is listed."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from minigan.course.chapters import chapters

GROUPS = ("Chapters", "Exercises", "Library", "Measured", "Teaching", "About")
GLOSSARY = "docs/glossary.md"
MADE = {  # pages that are made here, by the folder of the repository that they stand for
    "exercises": "exercises/index",
    "minigan": "reference/index",
    "benchmarks": "benchmarks/index",
    "minigan/weights": "cards/index",
}


@dataclass(frozen=True)
class Page:
    """A page of the site: the file that it is made from, its name there, and its heading in the list of pages."""

    source: str  # in the repository: "notebooks/02_minimax_loss.ipynb"
    name: str  # on the site, without suffix: "chapters/02_minimax_loss"
    group: str
    title: str = ""  # in the list of pages, where it is not that of the page

    @property
    def staged(self) -> str:
        """The file that Sphinx reads, in the staging folder."""
        return self.name + Path(self.source).suffix


def plan(root: Path, only: Collection[str] = ()) -> dict[str, Page]:
    """All pages that have a file of their own, by that file. `only`: names of the chapters; all when empty."""
    pages = []
    for chapter in chapters():
        if not only or chapter.name in only:
            pages.append(Page(f"notebooks/{chapter.name}.ipynb", f"chapters/{chapter.name}", "Chapters"))
            exercise = f"exercises/{chapter.name}/{chapter.name}.ipynb"
            title = f"{chapter.number:02d} {chapter.title}"
            pages.append(Page(exercise, f"exercises/{chapter.name}", "Exercises", title))
    for path in sorted((root / "benchmarks" / "results").glob("*.md")):
        pages.append(Page(f"benchmarks/results/{path.name}", f"benchmarks/{path.stem}", "Measured"))
    cards = (root / "minigan" / "weights").rglob("*.md")
    for path in sorted(cards, key=lambda path: (path.parent, path.stem)):  # generators, applications, backbones
        pages.append(Page(path.relative_to(root).as_posix(), f"cards/{path.stem}", "Cards"))
    for path in sorted((root / "docs").glob("*.md")):
        group = "Library" if path.stem == "glossary" else "Teaching"
        pages.append(Page(f"docs/{path.name}", path.stem, group))
    pages.append(Page("README.md", "readme", "About", "Set up and use"))
    pages.append(Page("CONTRIBUTING.md", "contributing", "About"))
    pages.append(Page("minigan/pack/ATTRIBUTION.md", "attribution", "About"))
    return {page.source: page for page in pages if (root / page.source).is_file()}


def homepage(root: Path) -> str:
    """The project's address, from pyproject.toml: what has no page on the site is linked there."""
    found = re.search(r'^Homepage = "(.+)"', (root / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    if not found:
        raise ValueError("pyproject.toml has no line 'Homepage = \"...\"'; the site links files to that address")
    return found[1]
