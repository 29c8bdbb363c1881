"""Runs a solution or a submission, with canaries, and says what each of its tests found."""

import copy
import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from minigan.course import hidden
from minigan.course.grading.canaries import answers_of, with_canaries
from minigan.course.grading.execute import Run, problem, run_cells
from minigan.course.grading.sandbox import INPUTS, Limits, new_job
from minigan.files import whole_file

FLAGGED, HIDDEN = "Flagged", "HiddenTest"  # names of the errors that tests show
REPORT = 4000  # characters of a check's report that are kept


@dataclass
class Check:
    """What one test found: whether it passed, its report as the student sees it, and why it failed."""

    passed: bool
    report: str = ""
    error: str = ""  # the name of the error
    why: str = ""  # for the instructor
    hidden: bool = False  # only the hidden tests failed


@dataclass
class Verdict:
    """What the run of one submission showed."""

    seconds: float = 0.0
    stopped: str = ""
    flags: list[str] = field(default_factory=list)
    checks: dict[str, Check] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        with whole_file(path) as temporary:
            temporary.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "Verdict":
        values = json.loads(path.read_text(encoding="utf-8"))
        return cls(**{**values, "checks": {name: Check(**check) for name, check in values["checks"].items()}})


def solve(master: NotebookNode, folder: Path, limits: Limits, hide: Sequence[Path]) -> None:
    """Run a solution with a fresh seed; keep the inputs that it made and the values that it expects.

    folder: gets `given.json` and `expected.json`, which belong together. Raises ValueError when the solution does not
    pass its own tests.
    """
    plan = with_canaries(_bare(master), answers_of(master))
    run = run_cells(plan.cells, new_job(limits, {hidden.SEED: str(secrets.randbits(62))}, hidden=hide))
    given: dict[str, Any] = {}
    expected: dict[str, list[dict[str, Any]]] = {}
    for cell in plan.cells:
        if cell.cell_type != "code" or "nbgrader" not in cell.metadata:  # a text, or a canary
            continue
        if failed := next((output for output in cell.outputs if output.output_type == "error"), None):
            said = f"{failed.ename}: {failed.evalue}"
            raise ValueError(f"the solution fails in the sandbox: {said}; mend it and try again")
        for message in hidden.messages(cell.outputs):
            if "given" in message:
                given[message["given"]] = message["value"]
            else:
                expected.setdefault(cell.metadata["nbgrader"]["grade_id"], []).append(message)
    if trouble := run.stopped or "; ".join(plan.flags()):
        raise ValueError(f"the solution does not stand its own tests: {trouble}; mend it and try again")
    for name, value in (("given", given), ("expected", expected)):
        with whole_file(folder / f"{name}.json") as path:
            path.write_text(json.dumps(value), encoding="utf-8")


def judge(notebook: NotebookNode, master: NotebookNode, folder: Path, limits: Limits, hide: Sequence[Path]) -> Verdict:
    """Run a submission in place and put into each test's outputs what it is worth.

    notebook: with the tests of the master, hidden ones as well; its cells keep their outputs, made harmless.
    folder: what `solve` has kept.
    """
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    plan = with_canaries(notebook, answers_of(master))
    run = run_cells(plan.cells, new_job(limits, {hidden.GIVEN: INPUTS}, folder / "given.json", hide))
    flags = plan.flags()
    verdict = Verdict(round(run.seconds, 2), _where(run, plan.cells), flags)
    for cell in notebook.cells:
        marks = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code" and marks.get("grade"):
            check = _look(cell, expected.get(marks["grade_id"], []), flags)
            verdict.checks[marks["grade_id"]] = check
    for cell in notebook.cells:
        make_harmless(cell)
    return verdict


def digest(*paths: Path) -> str:
    """One number for what some files hold."""
    total = hashlib.sha256()
    for path in paths:
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:24]


def make_harmless(cell: NotebookNode) -> None:
    """Leave of a cell nothing that a browser would run: text and pictures only."""
    if cell.cell_type == "markdown" and not cell.metadata.get("nbgrader", {}).get("locked"):
        cell.source = cell.source.replace("<", "&lt;").replace("javascript:", "javascript :")
    for output in cell.get("outputs", []):
        output.pop("metadata", None)
        if "data" in output:
            kept = {kind: output.data.get(kind) for kind in ("text/plain", "image/png", "image/jpeg")}
            texts = {kind: value for kind, value in kept.items() if isinstance(value, str)}
            output.data, output.metadata = nbformat.from_dict(texts or {"text/plain": ""}), NotebookNode()


def _look(cell: NotebookNode, expected: list[dict[str, Any]], flags: list[str]) -> Check:
    """What one test found; its outputs then say to nbgrader whether it passed."""
    sent = hidden.messages(cell.outputs)
    report = "\n".join(_text(output) for output in cell.outputs if output.output_type == "display_data")
    error = next((output for output in cell.outputs if output.output_type == "error"), None)
    outputs = [_plain(output) for output in cell.outputs if hidden.MIME not in output.get("data", {})]
    check = Check(error is None, report.strip()[:REPORT])
    if error is not None:
        check.error, check.why = str(error.ename), str(error.evalue)[:400]
    elif complaint := hidden.first_complaint(expected, sent):
        check.passed, check.hidden, check.error, check.why = False, True, HIDDEN, complaint
        outputs.insert(0, problem(HIDDEN, complaint))
    if flags:
        check.passed, check.error, check.why = False, FLAGGED, "; ".join(flags[:3])
        outputs = [problem(FLAGGED, check.why)]
    cell.outputs = outputs
    return check


def _plain(output: NotebookNode) -> NotebookNode:
    """An output as nbgrader must read it: stderr costs nothing, and no result is taken for a score."""
    if output.output_type == "stream":
        output.name = "stdout"
    elif output.output_type == "execute_result":
        output.output_type = "display_data"
        output.pop("execution_count", None)
    return output


def _text(output: NotebookNode) -> str:
    text = output.get("data", {}).get("text/plain", "")
    return text if isinstance(text, str) else ""


def _where(run: Run, cells: Sequence[NotebookNode]) -> str:
    """Why a run was stopped, with the nearest named cell at or before the place."""
    if not run.stopped:
        return ""
    named = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in cells[: run.cell + 1]]
    last = next((name for name in reversed(named) if name), None)
    return f"{run.stopped} (at {last})" if last else run.stopped


def _bare(master: NotebookNode) -> NotebookNode:
    bare = copy.deepcopy(master)
    for cell in bare.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return bare
