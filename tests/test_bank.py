"""The bank: each wrong answer loses its points and draws the hint written for it, each right one keeps them all."""

from collections import Counter

import pytest
from answers import ROOT, bank, exercise

from minigan.course import exercises

MASTERS = [master.name for master in exercises.select(ROOT, [])]
CODE = ("complete", "mend", "improve")
ANSWERS = [answer for name in MASTERS for answer in bank(name)]


def tasks(name: str) -> list[exercises.Task]:
    return exercises.facts(exercises.Master(ROOT, name))


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda a: f"{a.exercise[:2]}-{a.task}-{a.name.replace(' ', '_')}")
def test_answer(answer):
    verdict = exercise(answer.exercise).judge(answer.task, answer.source)
    if answer.right:
        assert verdict.passed, f"{verdict.shown}\n{verdict.hidden}"
    elif answer.hint == "hidden":
        assert verdict.visible, verdict.shown
        assert verdict.hidden
    else:
        assert not verdict.visible, verdict.shown
        hint = verdict.shown[verdict.shown.find("Hint") :]
        assert answer.hint in hint, verdict.shown


@pytest.mark.parametrize("name", MASTERS)
def test_the_solution_passes_and_what_is_given_does_not(name):
    for task in exercise(name).before:
        cell = next(cell for cell in exercise(name).cells if cell.metadata.get("minigan", {}).get("answer") == task)
        verdict = exercise(name).judge(task, cell.source)
        assert verdict.passed, f"{task}: {verdict.shown}\n{verdict.hidden}"
        start = cell.metadata["minigan"].get("given", f"{exercises.CODE_STUB}")
        assert not exercise(name).judge(task, start).passed, f"{task} passes as it is handed out"


@pytest.mark.parametrize("name", MASTERS)
def test_the_bank_is_large_enough(name):
    right = Counter(answer.task for answer in bank(name) if answer.right)
    wrong = Counter(answer.task for answer in bank(name) if not answer.right)
    assert set(right) | set(wrong) <= {task.task for task in tasks(name)}
    for task in tasks(name):
        if task.kind in CODE:
            assert wrong[task.task] >= 6, f"{task.task} has {wrong[task.task]} wrong answers, expected 6 or more"
            assert right[task.task] >= 2, f"{task.task} has {right[task.task]} other right answers, expected 2 or more"
        elif task.kind == "predict":
            assert wrong[task.task] >= 2, f"{task.task} has {wrong[task.task]} wrong predictions, expected 2 or more"


def test_the_bank_as_a_whole():
    assert sum(not answer.right for answer in ANSWERS) >= 100


def test_every_bank_belongs_to_an_exercise():
    assert {path.stem for path in (ROOT / "tests" / "bank").glob("*.py")} <= set(MASTERS)
