"""The bank of wrong and of other right answers to the exercises, and how each is judged without a kernel.

A bank is `tests/bank/NAME.py` in py:percent; each cell is an answer that takes the place of the solution's:

    # %% task="pairs" wrong="sign turned" hint="a real that beats its fake"
    # %% task="pairs" right="log-sigmoid"

`hint` is a piece of the hint that this mistake must draw at the first try. An answer that passes the visible checks and
fails the hidden tests alone, such as the visible values typed in, says `hint="hidden"`.
"""

import contextlib
import io
import json
import linecache
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jupytext
import pytest
import torch

from minigan.course import exercises, hidden
from minigan.course.checking import _tries

ROOT = Path(__file__).parents[1]
BANK = ROOT / "tests" / "bank"


@dataclass(frozen=True)
class Answer:
    """One entry of the bank."""

    exercise: str
    task: str
    name: str
    right: bool
    hint: str
    source: str


@dataclass(frozen=True)
class Verdict:
    """What an answer got: whether the visible checks passed, what was shown, and what the hidden tests found."""

    visible: bool
    shown: str
    hidden: str

    @property
    def passed(self) -> bool:
        return self.visible and not self.hidden


def bank(exercise: str) -> list[Answer]:
    """The answers of one exercise. Raises ValueError for an entry that is neither right nor wrong."""
    path = BANK / f"{exercise}.py"
    found = []
    for number, cell in enumerate(jupytext.read(path, fmt="py:percent").cells if path.exists() else []):
        marks = {key: value for key, value in cell.metadata.items() if key != "lines_to_next_cell"}
        right, wrong = marks.pop("right", ""), marks.pop("wrong", "")
        if bool(right) == bool(wrong) or set(marks) - {"task", "hint"} or bool(marks.get("hint")) != bool(wrong):
            raise ValueError(f'{path.name}, cell {number}: expected task="..." right="..." or wrong="..." hint="..."')
        found.append(Answer(exercise, marks["task"], right or wrong, bool(right), marks.get("hint", ""), cell.source))
    return found


class Exercise:
    """A master that runs in this process, cell by cell, in one namespace for each answer."""

    def __init__(self, name: str) -> None:
        self.cells = [c for c in exercises.compose(exercises.Master(ROOT, name)).cells if c.cell_type == "code"]
        self.name = name
        self.before: dict[str, dict[str, Any]] = {}  # task -> the namespace right before its answer
        self.expected: dict[str, list[dict]] = {}  # task -> what the solution sends
        inputs: dict[str, Any] = {}
        namespace: dict[str, Any] = {"__name__": "__main__"}
        threads = torch.get_num_threads()  # exercises set them, and this process has other tests to run
        for index, cell in enumerate(self.cells):
            role, task = self._role(index)
            if role == "answer":
                self.before[task] = dict(namespace)
            with recording(hidden.SEED, "7") as sent, contextlib.redirect_stdout(io.StringIO()):
                self._run(index, cell.source, namespace)
            if role == "check":
                self.expected.setdefault(task, []).extend(message for message in sent if "probe" in message)
            inputs |= {message["given"]: message["value"] for message in sent if "given" in message}
        torch.set_num_threads(threads)
        self.inputs = Path(tempfile.mkdtemp()) / "given.json"
        self.inputs.write_text(json.dumps(inputs))

    def judge(self, task: str, source: str) -> Verdict:
        """Put an answer in the solution's place, and run the cells from there to the task's last check."""
        threads = torch.get_num_threads()
        try:
            return self._judge(task, source)
        finally:
            torch.set_num_threads(threads)

    def _judge(self, task: str, source: str) -> Verdict:
        namespace = dict(self.before[task])
        first = next(i for i in range(len(self.cells)) if self._role(i) == ("answer", task))
        last = max(i for i in range(len(self.cells)) if self._role(i) == ("check", task))
        shown = io.StringIO()
        _tries.clear()
        with contextlib.redirect_stdout(shown), recording(hidden.GIVEN, str(self.inputs)) as sent:
            for index in range(first, last + 1):
                role, whose = self._role(index)
                if role and whose != task:
                    continue
                visible, _, tests = (source if index == first else self.cells[index].source).partition(exercises.HIDDEN)
                try:
                    self._run(index, visible, namespace)
                except Exception as error:
                    return Verdict(False, shown.getvalue() or f"{type(error).__name__}: {error}", "")
                try:
                    self._run(index, tests, namespace)
                except Exception as error:
                    return Verdict(True, shown.getvalue(), f"{type(error).__name__}: {error}")
        return Verdict(True, shown.getvalue(), hidden.first_complaint(self.expected[task], sent))

    def _role(self, index: int) -> tuple[str, str]:
        marks = self.cells[index].metadata.get("minigan", {})
        return next(((role, marks[role]) for role in ("answer", "check") if role in marks), ("", ""))

    def _run(self, index: int, source: str, namespace: dict[str, Any]) -> None:
        name = f"<{self.name}, cell {index}>"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        exec(compile(source, name, "exec"), namespace)


@contextlib.contextmanager
def recording(variable: str, value: str) -> Iterator[list[dict]]:
    """Collect what `given` and `probe` send, as the grader does, with its variable of the environment set."""
    sent: list[dict] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hidden, "_send", sent.append)
        patch.setenv(variable, value)
        yield sent


@cache
def exercise(name: str) -> Exercise:
    return Exercise(name)
