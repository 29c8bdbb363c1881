"""Each exercise as a learner solves it: in JupyterLab, in a real browser, with the keyboard alone.

First everything is run as it was handed out. Then each task gets a wrong answer of the bank, whose hint must come, and
the right answer, whose ticks must come.
"""

import json
import re
from dataclasses import dataclass, field

import chromium
import pytest
from answers import bank
from learner import Cell, Learner, complaints, opened

from minigan.course import journal

pytestmark = [chromium.needed, pytest.mark.timeout(chromium.LONGEST)]

NAMES = sorted(path.parent.name for path in (chromium.ROOT / "exercises").glob("*/*.ipynb"))
CHOSEN = NAMES if chromium.EVERYTHING else NAMES[2:3]
TEXT = "A picture of mine, and why it looks as it does."


@dataclass
class Task:
    """A task of an exercise, and the numbers of its cells: the answer, and all from there to its last check."""

    name: str
    title: str = ""
    kind: str = ""
    answer: int = 0
    checks: list[int] = field(default_factory=list)


@pytest.mark.parametrize("name", CHOSEN)
def test_exercise_is_solved_by_keyboard(name, browser, lab):
    path = f"exercises/{name}/{name}.ipynb"
    with opened(browser, lab, path) as learner:
        tasks = tasks_of(learner.notebook)
        checks = {number: task for task in tasks for number in task.checks}
        for number in range(len(learner.notebook["cells"])):
            cell = learner.run(number)
            if number in checks:
                assert said(cell, checks[number]) == "not yet", cell.outputs
        assert complaints(learner, checks) == []
        chromium.keep(learner.page, f"exercise-{name}-0")
        for task in tasks:
            solve(learner, name, task)
        learner.save()
        assert complaints(learner) == []
    found = journal.tasks(lab.folder / "exercises" / name)
    assert [task.title for task in found if not task.done] == []


def solve(learner: Learner, name: str, task: Task) -> None:
    """Give a wrong answer and see its hint, then the right one and see the ticks. A text is only written."""
    if task.kind == "explain":
        learner.write(task.answer, TEXT)
        learner.run(task.answer)
        assert TEXT in learner.cell(task.answer).locator(".jp-RenderedMarkdown").text_content()
        return
    wrong = next(answer for answer in bank(name) if answer.task == task.name and answer.hint not in ("", "hidden"))
    cell = attempt(learner, task, wrong.source)
    assert said(cell, task) == "not yet", cell.outputs
    hints = learner.cell(task.checks[-1]).locator(".jp-OutputArea em").all_text_contents()
    assert len(hints) == 1, cell.outputs
    assert wrong.hint in hints[0]
    look(learner, task, f"exercise-{name}-{task.name}-wrong")
    cell = attempt(learner, task, solution(name, task.name))
    assert said(cell, task) == "solved", cell.outputs
    look(learner, task, f"exercise-{name}-{task.name}")


def look(learner: Learner, task: Task, picture: str) -> None:
    """Keep a screenshot in which all that the task's last check says can be read."""
    report = learner.cell(task.checks[-1]).locator(".jp-OutputArea")
    report.evaluate("report => report.scrollIntoView({ block: 'end' })")
    chromium.keep(learner.page, picture)


def attempt(learner: Learner, task: Task, source: str) -> Cell:
    """Write an answer and run from there to the task's last check, or to the first that does not pass."""
    learner.write(task.answer, source)
    for number in range(task.answer, task.checks[-1] + 1):
        cell = learner.run(number)
        if number in task.checks and said(cell, task) != "solved":
            break
    return cell


def said(cell: Cell, task: Task) -> str:
    """ "solved" where a check shows ticks alone, "not yet" where it shows a cross and one line, else all it shows."""
    report, error = cell.text("display_data"), cell.text("error")
    if report.startswith(f"{task.title}: ") and "✓" in report and "✗" not in report and not error:
        return "solved"
    told = re.fullmatch(rf"NotYet: {re.escape(task.title)}: .*", error.strip())
    return "not yet" if report.startswith(f"{task.title}: ") and "✗" in report and told else f"{report}\n{error}"


def tasks_of(notebook: dict) -> list[Task]:
    """The tasks of an exercise, in order."""
    tasks: dict[str, Task] = {}
    for number, cell in enumerate(notebook["cells"]):
        marks = cell["metadata"].get("minigan", {})
        if "task" in marks:
            tasks[marks["task"]] = Task(marks["task"], marks["title"], marks["kind"])
        elif "check" in marks:
            tasks[marks["check"]].checks.append(number)
        elif marks:
            tasks[marks.get("answer") or marks["explain"]].answer = number
    return list(tasks.values())


def solution(name: str, task: str) -> str:
    """The answer to a task that stands in the instructor's master."""
    master = json.loads((chromium.ROOT / "solutions" / name / f"{name}.ipynb").read_text(encoding="utf-8"))
    cell = next(cell for cell in master["cells"] if cell["metadata"].get("minigan", {}).get("answer") == task)
    lines = "".join(cell["source"]).splitlines()
    return "\n".join(line for line in lines if "### BEGIN SOLUTION" not in line and "### END SOLUTION" not in line)
