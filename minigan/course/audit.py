"""What is wrong with a committed notebook. Each check returns its complaints, one sentence each; none is best.

The tests run all of them, and so does `python -m minigan.course check`.
"""

import ast
import json
import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from minigan.course.build import Paths, code_hash, compose
from minigan.course.chapters import chapters
from minigan.course.librarycells import definitions, expand, module_path, public

PENDING = Path(__file__).parent / "pending.toml"
LARGEST = 1_500_000  # bytes
SHORTEST_ALT = 30  # characters
CLUTTER = {
    r"application/vnd\.jupyter\.widget": "a widget, which is blank when the notebook is opened without being run",
    r"class=\\?\"animation": "a jshtml animation, which is large and needs scripts; write a GIF",
    r"\bat 0x[0-9a-f]{6,}": "a memory address, which differs at each run",
}
ITEM = re.compile(r"\s*([-+*]|\d+[.)])(\s|$)")
YEAR = re.compile(r"\s*\d{2,}[.)](\s|$)")


def differs_from_source(notebook: NotebookNode, composed: NotebookNode) -> list[str]:
    """The notebook is what its source describes, cell by cell."""
    if len(notebook.cells) != len(composed.cells):
        return [f"it has {len(notebook.cells)} cells, its source {len(composed.cells)}; build it again"]
    complaints = []
    for index, (cell, wanted) in enumerate(zip(notebook.cells, composed.cells, strict=True)):
        for key in ("cell_type", "source", "metadata", "id"):
            if cell.get(key) != wanted.get(key):
                complaints.append(f"cell {index} differs from the source in its {key}; build it again")
                break
    return complaints


def is_stale(notebook: NotebookNode) -> list[str]:
    """The outputs come from the code that stands there, each code cell executed, in order."""
    kept = notebook.metadata.get("minigan", {}).get("executed")
    complaints = (
        [] if kept == code_hash(notebook) else ["its outputs are not those of its code; build it with --execute"]
    )
    counts = [cell.execution_count for _, cell in code_cells(notebook) if cell.source.strip()]
    if counts != list(range(1, len(counts) + 1)):
        complaints.append("some cells are not executed, or not in order; build it with --execute")
    return complaints


def holds_errors(notebook: NotebookNode) -> list[str]:
    """No cell failed, but for those that are tagged to show an error; nothing went to stderr."""
    complaints = []
    for index, cell in code_cells(notebook):
        for output in cell.outputs:
            if output.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", []):
                complaints.append(f"cell {index} failed with {output.ename}: {output.evalue}")
            if output.output_type == "stream" and output.name == "stderr":
                complaints.append(f"cell {index} writes to stderr: {output.text[:80]!r}")
    return complaints


def library_cells_differ(notebook: NotebookNode, root: Path) -> list[str]:
    """Each library cell is, character for character, the definitions of its module, and holds no import."""
    complaints = []
    for index, cell in code_cells(notebook):
        if "minigan" not in cell.metadata:
            continue
        module, tree = cell.metadata["minigan"], ast.parse(cell.source)
        if any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(tree)):
            complaints.append(f"library cell {index} holds an import; import it in an ordinary cell above")
        names = list(definitions(cell.source))
        try:
            same = names and cell.source == expand(names, module, root)
        except ValueError as error:
            complaints.append(f"library cell {index}: {error}")
        else:
            if not same:
                complaints.append(f"library cell {index} differs from minigan.{module}; build it again")
    return complaints


def lacks_alt_text(notebook: NotebookNode) -> list[str]:
    """Each picture has a text that says what is to be seen, and no two the same."""
    complaints, texts = [], Counter[str]()
    for index, alt in pictures(notebook):
        texts[alt] += 1
        if len(alt) < SHORTEST_ALT:
            complaints.append(
                f"cell {index} has a picture with the alt text {alt!r}; say in {SHORTEST_ALT} characters "
                "or more what is to be seen"
            )
    return complaints + [f"{n} pictures share the alt text {alt!r}" for alt, n in texts.items() if n > 1 and alt]


def holds_clutter(notebook: NotebookNode) -> list[str]:
    """Nothing is kept that breaks, or changes, when the notebook is opened elsewhere."""
    complaints = ["it keeps the state of widgets"] if "widgets" in notebook.metadata else []
    for index, cell in code_cells(notebook):
        if "execution" in cell.metadata:
            complaints.append(f"cell {index} keeps the times of its execution")
        kept = json.dumps([{k: v for k, v in output.items() if k != "metadata"} for output in cell.outputs])
        complaints += [f"cell {index} keeps {what}" for pattern, what in CLUTTER.items() if re.search(pattern, kept)]
    return complaints


def is_large(path: Path) -> list[str]:
    """The file loads quickly, also on the web."""
    size = path.stat().st_size
    return [] if size < LARGEST else [f"it has {size / 1e6:.2f} MB, expected less than {LARGEST / 1e6:.1f} MB"]


def names_a_device(notebook: NotebookNode) -> list[str]:
    """Chapters run on every device: only minigan itself names one."""
    ours = [(i, cell) for i, cell in enumerate(notebook.cells) if "minigan" not in cell.metadata]
    return [
        f"cell {i} names cuda; use minigan.hardware.device()" for i, cell in ours if re.search(r"\bcuda\b", cell.source)
    ]


def begins_a_list(notebook: NotebookNode) -> list[str]:
    """No sentence is broken so that its next line begins as an item of a list does, with "2018." or "- 1"."""
    complaints = []
    texts = [(index, cell.source) for index, cell in enumerate(notebook.cells) if cell.cell_type == "markdown"]
    for index, text in texts:
        lines = re.sub(r"\$\$.*?\$\$|```.*?```", "", text, flags=re.DOTALL).splitlines()
        for before, line in pairwise(lines):
            in_a_sentence = before[:1].strip() and not ITEM.match(before)
            if YEAR.match(line) or (in_a_sentence and ITEM.match(line)):
                complaints.append(f"cell {index} has a line that reads as an item of a list: {line.strip()[:40]!r}")
    return complaints


def audit(paths: Paths) -> list[str]:
    """Return every complaint about a chapter's notebook."""
    if not paths.notebook.exists():
        return [f"{paths.name}.ipynb is not built; run python -m minigan.course build --execute {paths.name}"]
    notebook = nbformat.read(paths.notebook, as_version=4)
    complaints = [
        *differs_from_source(notebook, compose(paths)),
        *is_stale(notebook),
        *holds_errors(notebook),
        *library_cells_differ(notebook, paths.root),
        *lacks_alt_text(notebook),
        *holds_clutter(notebook),
        *is_large(paths.notebook),
        *names_a_device(notebook),
        *begins_a_list(notebook),
    ]
    return [f"{paths.name}: {complaint}" for complaint in complaints]


def coverage(root: Path, sources: Iterable[Path], modules: Iterable[str], pending: dict[str, list[str]]) -> list[str]:
    """Each public definition of the modules is shown by exactly one library cell, but for those still pending."""
    shown = defaultdict(list)
    for source in sources:
        for _, cell in code_cells(compose(Paths(root, source.stem))):
            for name in definitions(cell.source) if "minigan" in cell.metadata else ():
                shown[cell.metadata["minigan"], name].append(source.stem)
    complaints = []
    for module in modules:
        names = public(module_path(root, module).read_text(encoding="utf-8"))
        awaited = pending.get(module, [])
        for name in names:
            places = shown[module, name]
            if len(places) > 1:
                complaints.append(f"{module}.{name} is shown more than once: {', '.join(places)}")
            elif places and name in awaited:
                complaints.append(f"{module}.{name} is shown in {places[0]}; take it off the pending list")
            elif not places and name not in awaited:
                complaints.append(f"{module}.{name} is shown in no chapter")
        complaints += [f"{module}.{name} is pending but does not exist" for name in awaited if name not in names]
    return complaints + [f"{module} is pending but is no shown module" for module in pending if module not in modules]


def pending_definitions() -> dict[str, list[str]]:
    """Return what no chapter shows yet: module -> names."""
    return tomllib.loads(PENDING.read_text(encoding="utf-8"))


def shown_modules(root: Path) -> list[str]:
    """Return the library modules that the chapters build, as far as they exist; those of written chapters must."""
    built = [(module, chapter.written) for chapter in chapters() for module in chapter.builds]
    return [module for module, written in built if written or module_path(root, module).exists()]


def code_cells(notebook: NotebookNode) -> Iterator[tuple[int, NotebookNode]]:
    """Yield the code cells with their positions in the notebook."""
    return ((index, cell) for index, cell in enumerate(notebook.cells) if cell.cell_type == "code")


def pictures(notebook: NotebookNode) -> Iterator[tuple[int, str]]:
    """Yield the alt text of every picture with the number of its cell: outputs, HTML and Markdown alike."""
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            yield from ((index, alt) for alt in re.findall(r"!\[([^]]*)]\(", cell.source))
        for output in cell.get("outputs", []):
            data: dict[str, Any] = output.get("data", {})
            for kind in (kind for kind in data if kind.startswith("image/")):
                yield index, output.metadata.get(kind, {}).get("alt", "")
            for tag in re.findall(r"<img\b[^>]*>", data.get("text/html", "")):
                found = re.search(r'\balt="([^"]*)"', tag)
                yield index, found[1] if found else ""
