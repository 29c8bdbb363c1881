"""Slides as pages: reveal.js through nbconvert, with all that it needs beside it, so that no page asks another host.

Each slide becomes one cell of text that carries its figures in its metadata; nbconvert lays the cells out by the
template in `deck/`.
"""

import shutil
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import nbformat

from minigan.course.slides import Deck
from minigan.files import whole_file

DECK = Path(__file__).parent / "deck"
REVEAL = {  # file of reveal.js: where it lies beside the slides
    "dist/reveal.js": "reveal.js",
    "dist/reveal.css": "reveal.css",
    "plugin/notes/notes.js": "notes.js",
    "dist/theme/fonts/source-sans-pro/source-sans-pro-regular.woff": "regular.woff",
    "dist/theme/fonts/source-sans-pro/source-sans-pro-italic.woff": "italic.woff",
    "dist/theme/fonts/source-sans-pro/source-sans-pro-semibold.woff": "semibold.woff",
    "dist/theme/fonts/source-sans-pro/LICENSE": "LICENSE-source-sans-pro",
    "LICENSE": "LICENSE-reveal",
}


def write(deck: Deck, out: Path) -> Path:
    """Write a deck and its pictures into a folder, which `assets` completes; return the page."""
    figures = out / "figures" / deck.chapter.name
    shutil.rmtree(figures, ignore_errors=True)
    for part in (part for slide in deck.slides for part in slide.parts if part.kind == "picture"):
        with whole_file(out / part.file) as temporary:
            temporary.write_bytes(part.content)
    page = out / f"{deck.chapter.name}.html"
    with whole_file(page) as temporary:
        temporary.write_text(rendered(deck), encoding="utf-8")
    return page


def rendered(deck: Deck) -> str:
    """The page of a deck, as nbconvert writes it."""
    from nbconvert.exporters import SlidesExporter

    notebook = nbformat.v4.new_notebook()
    for slide in deck.slides:
        cell = nbformat.v4.new_markdown_cell(slide.words.body)
        cell.metadata.slide = slide  # for the template alone; this notebook is never written
        notebook.cells.append(cell)
    exporter = SlidesExporter(template_name=DECK.name, extra_template_basedirs=[str(DECK.parent)])
    page, _ = exporter.from_notebook_node(notebook, resources={"deck": deck})
    return page


def assets(out: Path) -> None:
    """Copy what the pages need beside them: reveal.js, MathJax, the style. Raises OSError where it is not installed."""
    reveal, mathjax = _installed()
    files = {reveal / source: f"reveal/{name}" for source, name in REVEAL.items()}
    files[mathjax / "tex-svg-full.js"] = "mathjax/tex-svg-full.js"
    files |= {DECK / name: name for name in ("deck.css", "deck.js")}
    for source, name in files.items():
        with whole_file(out / name) as temporary:
            shutil.copyfile(source, temporary)


def contents(decks: list[Deck], out: Path) -> Path:
    """Write `index.html`, which lists the decks."""
    from jinja2 import Environment, FileSystemLoader

    template = Environment(loader=FileSystemLoader(DECK), autoescape=True).get_template("contents.html.j2")
    page = out / "index.html"
    with whole_file(page) as temporary:
        temporary.write_text(template.render(decks=decks), encoding="utf-8")
    return page


@cache
def _installed() -> tuple[Path, Path]:
    """The folders of reveal.js and of MathJax that Python packages brought."""
    found = []
    for package, below in (("sphinx_revealjs", "_static/revealjs"), ("sphinx-mathjax-offline", "static/mathjax")):
        spec = find_spec(package)
        folder = Path(spec.origin).parent / below if spec and spec.origin else None
        if folder is None or not folder.is_dir():
            name = package.replace("_", "-")
            raise FileNotFoundError(
                f"slides need the package {name}, which is not installed; pip install 'minigan[docs]'"
            )
        found.append(folder)
    return found[0], found[1]
