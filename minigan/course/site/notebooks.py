"""Chapters and exercises as pages: figures found, links led, library cells tied to the reference, long imports
and checks folded."""

import ast
import base64
import hashlib
import re
from dataclasses import dataclass
from typing import Any

import nbformat
from nbformat import NotebookNode

from minigan.course.librarycells import public
from minigan.course.site.links import Linker
from minigan.course.site.pages import Page

PICTURES = ("image/gif", "image/png", "image/jpeg")
LONG_IMPORTS = 8  # lines of a cell of imports that is folded
BESIDES = 3  # lines of it that may be something else


@dataclass(frozen=True)
class Figure:
    """One figure of a page: its number there, its bytes, and what is to be seen."""

    page: str
    number: int
    data: bytes
    alt: str

    @property
    def digest(self) -> str:
        """The name under which MyST-NB keeps the picture."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def anchor(self) -> str:
        return f"figure-{self.number}"


@dataclass(frozen=True)
class Shown:
    """One library cell of a chapter: which definitions of which module stand there, and how to lead there."""

    module: str
    names: tuple[str, ...]
    chapter: str  # the name of its page
    section: str
    label: str


def figures(notebook: NotebookNode, page: str) -> list[Figure]:
    """All figures among the outputs, in their order. Raises ValueError for one without an alternative text."""
    found: list[Figure] = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            kind = next((kind for kind in PICTURES if kind in output.get("data", {})), None)
            if kind is None:
                continue
            alt = output.metadata.get(kind, {}).get("alt") or output.data.get("text/plain", "")
            if len(alt) < 30:
                raise ValueError(f"{page}: figure {len(found) + 1} has the alternative text {alt!r}; say what it shows")
            found.append(Figure(page, len(found) + 1, base64.b64decode(output.data[kind]), alt))
    return found


def stage_chapter(notebook: NotebookNode, page: Page, tools: str, linker: Linker) -> list[Shown]:
    """Make a chapter's notebook a page, in place; return the library cells that it shows."""
    lead(notebook, page, tools, linker)
    section, shown, cells = "", list[Shown](), list[NotebookNode]()
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            headings = re.findall(r"^##+ (.+)$", cell.source, re.MULTILINE)
            section = headings[-1] if headings else section
        elif is_long_imports(cell):
            fold(cell, "the imports")
        elif "minigan" in cell.metadata:
            label = f"library-{page.name.rpartition('/')[2][:2]}-{len(shown) + 1}"
            shown.append(Shown(cell.metadata["minigan"], tuple(public(cell.source)), page.name, section, label))
            cells.append(markdown_cell(note(shown[-1]), label))
            add_tag(cell, "library")
        cells.append(cell)
    notebook.cells = cells
    return shown


def stage_exercise(notebook: NotebookNode, page: Page, tools: str, linker: Linker) -> None:
    """Make an exercise's notebook a page, in place: the checks are folded, for they are long."""
    lead(notebook, page, tools, linker)
    for cell in notebook.cells:
        mark: Any = cell.metadata.get("minigan", {})
        if cell.cell_type == "code" and "check" in mark:
            fold(cell, "the check")


def borrow_outputs(notebook: NotebookNode, solved: NotebookNode) -> None:
    """Give an exercise what its explain tasks show, from its executed solution.

    A page is not run, and a picture cannot be explained unseen. Only cells that learners are given are looked at.
    """
    outputs = {cell.id: cell.outputs for cell in solved.cells if cell.cell_type == "code"}
    explaining = False
    for cell in notebook.cells:
        mark: Any = cell.metadata.get("minigan", {})
        explaining = mark["kind"] == "explain" if "kind" in mark else explaining
        if explaining and cell.cell_type == "code" and not mark:
            cell.outputs = outputs.get(cell.id, [])


def lead(notebook: NotebookNode, page: Page, tools: str, linker: Linker) -> None:
    """Lead all links of the texts to pages of the site, and put the `tools` under the title."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = linker.led(cell.source, page.source, page.name)
    title, _, rest = notebook.cells[0].source.partition("\n")
    if not title.startswith("# "):
        raise ValueError(
            f"{page.source} begins with {title!r}; expected a title, as in '# 02 The minimax game as code'"
        )
    notebook.cells[0].source = f"{title}\n\n{tools}\n{rest}"


def note(shown: Shown) -> str:
    """The line above a library cell: what it shows, with links to the reference."""
    names = ", ".join(f"{{py:obj}}`{name} <minigan.{shown.module}.{name}>`" for name in shown.names)
    return f"({shown.label})=\n{{.library-note}}\nLibrary code, `minigan.{shown.module}`: {names}"


def markdown_cell(source: str, name: str) -> NotebookNode:
    cell = nbformat.v4.new_markdown_cell(source)
    cell.id = name  # else it is random, and the page would be made anew each time
    return cell


def is_long_imports(cell: NotebookNode) -> bool:
    """Whether a cell holds imports and little else: there is no need to read it."""
    if cell.cell_type != "code" or cell.source.lstrip().startswith(("%", "!")):
        return False
    lines = sum(bool(line.strip()) for line in cell.source.splitlines())
    imports = [node for node in ast.parse(cell.source).body if isinstance(node, ast.Import | ast.ImportFrom)]
    imported = sum((node.end_lineno or node.lineno) - node.lineno + 1 for node in imports)
    return lines >= LONG_IMPORTS and lines - imported <= BESIDES


def fold(cell: NotebookNode, what: str) -> None:
    """Fold a cell's code under a line that opens it."""
    add_tag(cell, "hide-input")
    cell.metadata["mystnb"] = {"code_prompt_show": f"Show {what}", "code_prompt_hide": f"Fold {what}"}


def add_tag(cell: NotebookNode, tag: str) -> None:
    cell.metadata["tags"] = [*cell.metadata.get("tags", []), tag]
