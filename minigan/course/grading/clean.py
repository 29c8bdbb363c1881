"""What a submitted notebook must be before it runs, and the notebook that then runs.

The master's cells come back where they were changed or deleted, and so does its metadata. A student's own cells stay,
but not their metadata. What cannot be put right with certainty is refused, with the reason.
"""

import copy
import json
from collections import Counter

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from minigan.course.build import KERNEL
from minigan.course.grading.intake import LARGEST

CELLS, CHARACTERS = 1000, 2_000_000  # of a notebook: cells, and characters of all its sources


def clean(content: bytes, release: NotebookNode) -> tuple[NotebookNode, list[str]]:
    """A submitted file as a notebook to run, and what was put right in it. Raises ValueError for what is refused.

    release: what learners get, to which the submission must belong.
    """
    submitted = parse(content)
    known = {cell.metadata["nbgrader"]["grade_id"]: cell for cell in release.cells if "nbgrader" in cell.metadata}
    _same_cells(submitted, known)
    notes: list[str] = []
    cells = []
    for number, cell in enumerate(submitted["cells"]):
        grade_id = _grade_id(cell)
        source = _text(cell["source"])
        if grade_id is None:
            make = new_code_cell if cell["cell_type"] == "code" else new_markdown_cell
            own = make(source)
            own.id = f"own-{number}"
            cells.append(own)
            continue
        master = copy.deepcopy(known[grade_id])
        if master.metadata["nbgrader"].get("locked"):
            if source.strip() != master.source.strip():
                notes.append(f"{grade_id} was changed; the instructor's version ran")
        else:
            master.source = source
        if (marks := cell["metadata"]["nbgrader"]).get("points") != master.metadata["nbgrader"].get("points"):
            notes.append(f"{grade_id} says {marks.get('points')!r} points; the instructor's points count")
        cells.append(master)
    notes += _restore(cells, list(known.values()))
    notebook = new_notebook(cells=cells, metadata={"kernelspec": KERNEL, "language_info": {"name": "python"}})
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.validate(notebook)
    return notebook, notes


def parse(content: bytes) -> dict:
    """A file as the plain data of a notebook of format 4. Raises ValueError that says what is wrong."""
    if len(content) > LARGEST:
        raise ValueError(f"it has more than {LARGEST / 1e6:.0f} MB")
    try:
        data = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise ValueError("it is no notebook: it cannot be read as JSON") from None
    if not isinstance(data, dict) or data.get("nbformat") != 4 or not isinstance(data.get("cells"), list):
        raise ValueError("it is no notebook of format 4; open and save it in JupyterLab")
    for cell in data["cells"]:
        whole = isinstance(cell, dict) and cell.get("cell_type") in ("code", "markdown", "raw")
        if not whole or not isinstance(cell.get("metadata", {}), dict):
            raise ValueError("it is no notebook: a cell has no kind that is known")
        if not isinstance(cell.get("source"), str | list):
            raise ValueError("it is no notebook: a cell has no text")
        cell.setdefault("metadata", {})
    length = sum(len(_text(cell["source"])) for cell in data["cells"])
    if len(data["cells"]) > CELLS or length > CHARACTERS:
        raise ValueError(f"it is oversized: {len(data['cells'])} cells with {length:,} characters")
    return data


def _same_cells(submitted: dict, known: dict[str, NotebookNode]) -> None:
    """The cells that count are the master's: none twice, none under another name or of another kind."""
    named = Counter(grade_id for cell in submitted["cells"] if (grade_id := _grade_id(cell)) is not None)
    if strange := sorted(set(named) - set(known)):
        raise ValueError(f"the cell {strange[0][:60]!r} is not in this exercise; it was renamed, or is of another one")
    if not named:
        raise ValueError("it holds no cell of this exercise; hand in the notebook that was given out")
    if twice := sorted(grade_id for grade_id, count in named.items() if count > 1):
        raise ValueError(f"the cell {twice[0]!r} stands {named[twice[0]]} times; delete the copies and hand in again")
    for cell in submitted["cells"]:
        grade_id = _grade_id(cell)
        if grade_id is not None and cell["cell_type"] != known[grade_id].cell_type:
            raise ValueError(f"the cell {grade_id!r} became {cell['cell_type']}, expected {known[grade_id].cell_type}")


def _restore(cells: list[NotebookNode], wanted: list[NotebookNode]) -> list[str]:
    """Put the master's missing cells back, each after the one that it follows there."""
    notes = []
    previous = -1
    for master in wanted:
        grade_id = master.metadata["nbgrader"]["grade_id"]
        places = [place for place, cell in enumerate(cells) if _grade_id(cell) == grade_id]
        if not places:
            cells.insert(previous + 1, copy.deepcopy(master))
            places = [previous + 1]
            notes.append(f"{grade_id} was missing and was put back")
        previous = max(previous, places[0])
    return notes


def _grade_id(cell: dict) -> str | None:
    marks = cell["metadata"].get("nbgrader")
    if not isinstance(marks, dict) or "grade_id" not in marks:
        return None
    return str(marks["grade_id"])


def _text(source: object) -> str:
    text = source if isinstance(source, str) else "".join(part for part in source if isinstance(part, str))  # type: ignore[attr-defined]
    return text.encode("utf-8", errors="replace").decode()
