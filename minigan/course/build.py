"""From a chapter's source to its notebook: library cells filled in, unchanged outputs kept, or executed afresh.

A source is `notebooks/src/NAME.py` in jupytext's py:percent; its notebook is `notebooks/NAME.ipynb`. The two are not
paired in the metadata, so a learner who saves a notebook does not rewrite its source.
"""

import hashlib
import json
import os
import re
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode
from tqdm import tqdm

from minigan.course.chapters import MARKS, Timing, choose, timings, with_table
from minigan.course.librarycells import expand, names_in
from minigan.course.slidemarks import leave_out
from minigan.files import whole_file

KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
QUIET_KERNEL = {"PYDEVD_DISABLE_FILE_VALIDATION": "1"}
ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Paths:
    """Where a chapter lies."""

    root: Path
    name: str

    @property
    def source(self) -> Path:
        return self.root / "notebooks" / "src" / f"{self.name}.py"

    @property
    def notebook(self) -> Path:
        return self.root / "notebooks" / f"{self.name}.ipynb"


def select(root: Path, names: list[str]) -> list[Paths]:
    """Return the chapters that are asked for, or all: "02", "02_minimax_loss" and a path to either file are one."""
    there = sorted(path.stem for path in (root / "notebooks" / "src").glob("*.py"))
    if names and not there:
        raise FileNotFoundError(f"no sources in {root / 'notebooks' / 'src'}; there is nothing to build")
    return [Paths(root, name) for name in choose(names, there)]


def compose(paths: Paths, slides: bool = False) -> NotebookNode:
    """Return the notebook that a source describes: library cells filled in, stable ids, no outputs.

    What stands on slides only is left out, so that it changes nothing for learners; with `slides` it stays.
    """
    notebook = jupytext.read(paths.source, fmt="py:percent")
    if not slides:
        leave_out(notebook)
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})
    notebook.nbformat_minor = 5
    seen: dict[str, int] = defaultdict(int)
    for number, cell in enumerate(notebook.cells):
        cell.metadata.pop("lines_to_next_cell", None)
        # The id comes from the source, so that a change in one cell, or in the library, leaves all other ids alone.
        digest = hashlib.sha256(f"{cell.cell_type}\0{cell.source}".encode()).hexdigest()[:10]
        seen[digest] += 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
        if "minigan" in cell.metadata:
            try:
                cell.source = expand(names_in(cell.source), cell.metadata["minigan"], paths.root)
            except ValueError as error:
                raise ValueError(f"{paths.source.name}, cell {number}: {error}") from None
    return notebook


def code_hash(notebook: NotebookNode) -> str:
    """Return a digest of all code cells; outputs are current when it is the one kept at their execution."""
    code = "\0".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    return hashlib.sha256(code.encode()).hexdigest()[:16]


def keep_outputs(notebook: NotebookNode, old: NotebookNode) -> None:
    """Give each code cell the outputs that a cell with the same code had in the old notebook."""
    pool = defaultdict(list)
    for cell in old.cells:
        if cell.cell_type == "code":
            pool[cell.source].append(cell)
    for cell in notebook.cells:
        if cell.cell_type == "code" and pool[cell.source]:
            twin = pool[cell.source].pop(0)
            cell.outputs, cell.execution_count = twin.outputs, twin.execution_count
    if "minigan" in old.metadata:
        notebook.metadata["minigan"] = old.metadata["minigan"]


def kernel_client(notebook: NotebookNode, paths: Paths) -> NotebookClient:
    """What runs the cells of a chapter in a kernel of its own, in the folder of the notebooks."""
    return NotebookClient(
        notebook,
        timeout=None,
        record_timing=False,
        coalesce_streams=True,
        store_widget_state=False,
        extra_arguments=["--log-level=CRITICAL"],
        resources={"metadata": {"path": str(paths.notebook.parent)}},
    )


def kernel_environment(scale: str) -> dict[str, str]:
    """The environment of such a kernel."""
    return {**os.environ, **QUIET_KERNEL, "MINIGAN_SCALE": scale}


def execute(notebook: NotebookNode, paths: Paths, scale: str) -> Timing:
    """Run every cell in a fresh kernel, in place, as a learner would: in `notebooks/`, from top to bottom.

    Raises ValueError that names the first cell that fails.
    """
    from minigan.course.probe import probe  # here, because it imports torch; building alone does not

    client, before = kernel_client(notebook, paths), probe()
    with client.setup_kernel(env=kernel_environment(scale)):
        start = time.perf_counter()
        code = [(index, cell) for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
        for index, cell in tqdm(code, desc=paths.name, unit="cell", disable=None):
            try:
                client.execute_cell(cell, index)
            except CellExecutionError as error:
                raise ValueError(f"{paths.name}, {_describe(notebook, index)}: {_reason(cell, error)}") from None
            except DeadKernelError:
                why = "its kernel died; most often memory ran out"
                raise ValueError(f"{paths.name}, {_describe(notebook, index)}: {why}") from None
        seconds, peak = time.perf_counter() - start, peak_memory(client)
    notebook.metadata["language_info"] = nbformat.from_dict({"name": "python"})
    notebook.metadata["minigan"] = nbformat.from_dict(
        {"executed": code_hash(notebook), "scale": scale, "seconds": round(seconds, 1)}
    )
    return {"seconds": round(seconds, 1), "peak_mb": peak, "probe": round(mean((before, probe())), 2)}


def build(paths: Paths, scale: str | None = None) -> Timing | None:
    """Write a chapter's notebook; with a scale, execute it first and return what that took.

    The notebook is replaced whole when all went well, and stays as it is when a cell fails or Ctrl-C comes.
    """
    notebook = compose(paths)
    timing = None
    if scale:
        timing = execute(notebook, paths, scale)
    elif paths.notebook.exists():
        keep_outputs(notebook, nbformat.read(paths.notebook, as_version=4))
    nbformat.validate(notebook)
    with whole_file(paths.notebook) as temporary:
        nbformat.write(notebook, temporary)
    return timing


def record(root: Path, name: str, scale: str, timing: Timing) -> None:
    """Keep what an execution took, for `minigan doctor` and the README. A quick run, which is a test, is not kept."""
    path = root / "minigan" / "course" / "timings.json"
    taken = timings(path)
    if scale != "quick":
        taken.setdefault(name, {})[scale] = timing
        with whole_file(path) as temporary:
            temporary.write_text(json.dumps(taken, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def update_readme(root: Path) -> None:
    """Bring the README's table of chapters up to date."""
    path = root / "README.md"
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    if MARKS[0] in old and (new := with_table(old)) != old:
        with whole_file(path) as temporary:
            temporary.write_text(new, encoding="utf-8")


def _describe(notebook: NotebookNode, index: int) -> str:
    """Name a cell by its number and the heading above it."""
    headings = [
        line.lstrip("# ")
        for cell in notebook.cells[:index]
        if cell.cell_type == "markdown"
        for line in cell.source.splitlines()
        if line.startswith("#")
    ]
    return f"cell {index}" + (f" under {headings[-1]!r}" if headings else "")


def _reason(cell: NotebookNode, error: CellExecutionError) -> str:
    """Return the exception in one line, with the line of the cell where it came up."""
    trace = ANSI.sub("", "\n".join(line for output in cell.outputs for line in output.get("traceback", [])))
    at = re.search(r"^-+> (\d+) (.*)$", trace, re.MULTILINE)
    return f"{error.ename}: {error.evalue}" + (f" (line {at[1]}: `{at[2].strip()}`)" if at else "")


def peak_memory(client: NotebookClient) -> int | None:
    """Return the most memory that the kernel held, in MB; None where the system does not tell (no /proc)."""
    process = getattr(getattr(client.km, "provisioner", None), "pid", None)
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return None
    found = re.search(r"VmHWM:\s+(\d+) kB", status)  # nothing of a kernel that has died
    return int(found[1]) // 1024 if found else None
