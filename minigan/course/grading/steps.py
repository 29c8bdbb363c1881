"""nbgrader's steps that run in our sandbox and write our verdicts; its own commands use them through our settings."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Dict, List, Unicode

from minigan.course.exercises import HIDDEN
from minigan.course.grading.judge import judge, make_harmless
from minigan.course.grading.sandbox import Limits, obstacle

SHOWN = 12  # characters from which a line of a hidden test must not be shown
_turn: Any = None  # the lock of a pool's worker: whoever holds it may use the gradebook


def take_turns(lock: Any) -> None:
    """From now on this process gives the lock, which it holds while nbgrader works, away while a submission runs."""
    global _turn
    _turn = lock


class RunInSandbox(NbGraderPreprocessor):
    """Run a submission in the sandbox, let its tests fail where hidden ones do, and keep the verdict in a file.

    Raises RuntimeError where there is no sandbox: then nothing runs and nothing is scored.
    """

    masters = Unicode(help="The folder of the masters.").tag(config=True)
    secrets = Unicode(help="The folder of inputs and expected values, by chapter.").tag(config=True)
    verdicts = Unicode(help="The folder that verdicts are written to.").tag(config=True)
    hide = List(Unicode(), help="Folders that no submission may see.").tag(config=True)
    limits = Dict(help="What a submission may use; see sandbox.Limits.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        names = resources["nbgrader"]
        master = nbformat.read(Path(self.masters, names["assignment"], f"{names['notebook']}.ipynb"), as_version=4)
        folder = Path(self.secrets, names["assignment"])
        with _others_turn():
            if _turn is None and (reason := obstacle()):  # a pool's owner has asked before
                raise RuntimeError(reason)
            verdict = judge(nb, master, folder, Limits(**self.limits), [Path(path) for path in self.hide])
        verdict.write(verdict_file(Path(self.verdicts), names["assignment"], names["student"]))
        return nb, resources


class StripStudentMetadata(NbGraderPreprocessor):
    """Keep only what nbgrader wrote: a tag such as skip-execution would switch a test off."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        nb.metadata = nbformat.from_dict(
            {key: value for key, value in nb.metadata.items() if key in ("kernelspec", "language_info")}
        )
        for cell in nb.cells:
            marks = cell.metadata.get("nbgrader")
            cell.metadata = nbformat.from_dict({"nbgrader": marks} if isinstance(marks, dict) and marks else {})
            cell.pop("attachments", None)
        return nb, resources


class HideTests(NbGraderPreprocessor):
    """For nbgrader's own feedback: no hidden test, not even one that a submission prints; of an error its name only."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        self.hidden = hidden_lines(nb)
        return super().preprocess(nb, resources)

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict[str, Any], index: int
    ) -> tuple[NotebookNode, dict[str, Any]]:
        make_harmless(cell)
        cell.source = without_hidden(cell.source)
        for place, output in enumerate(cell.get("outputs", [])):
            if output.output_type == "error":
                output = nbformat.v4.new_output("stream", name="stdout", text=output.ename)
                cell.outputs[place] = output
            if output.output_type == "stream":
                output.text = without(self.hidden, output.text) + "\n"
            elif "text/plain" in output.data:
                output.data["text/plain"] = without(self.hidden, output.data["text/plain"])
        return cell, resources


def hidden_lines(notebook: NotebookNode) -> set[str]:
    """The lines of a notebook's hidden tests."""
    parts = [cell.source.partition(HIDDEN)[2] for cell in notebook.cells if cell.cell_type == "code"]
    return {line.strip() for part in parts for line in part.splitlines() if len(line.strip()) >= SHOWN}


def without(lines: set[str], text: str) -> str:
    """A text without the lines that hold one of those, or a beginning of one, whatever colours the terminal gave it."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    return "\n".join("(left out)" if _holds(line, lines) else line for line in plain.splitlines())


def _holds(line: str, lines: set[str]) -> bool:
    begun = line.strip()  # a text that is kept to a length may end inside a line
    return any(one in line or (len(begun) >= SHOWN and one.startswith(begun)) for one in lines)


def without_hidden(source: str) -> str:
    """A test's source without its hidden part."""
    kept, hidden = [], False
    for line in source.splitlines():
        if line.strip() == HIDDEN:
            hidden = True
            kept.append("# (hidden tests ran here)")
        if not hidden:
            kept.append(line)
        if line.strip() == "### END HIDDEN TESTS":
            hidden = False
    return "\n".join(kept)


def verdict_file(folder: Path, chapter: str, student: str) -> Path:
    return folder / chapter / f"{student}.json"


@contextmanager
def _others_turn() -> Iterator[None]:
    """Let the other workers use the gradebook in this block."""
    if _turn is None:
        yield
        return
    _turn.release()
    try:
        yield
    finally:
        _turn.acquire()
