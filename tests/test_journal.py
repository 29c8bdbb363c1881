"""What a learner has solved: written by the checks, read by `minigan progress`, and nothing else."""

import json

import nbformat
import pytest

from minigan.course import checking, journal
from minigan.course.checking import NotYet


@pytest.fixture
def exercise(tmp_path, monkeypatch):
    """The folder of an exercise with a task to solve and a text to write; it is the working directory."""
    folder = tmp_path / "course" / "exercises" / "07_super_resolution"
    folder.mkdir(parents=True)
    facts = {"kind": "complete", "minutes": 10, "points": 3, "trains": "care"}
    cells = [
        nbformat.v4.new_markdown_cell("## 1", metadata={"minigan": {"task": "twice", "title": "Twice", **facts}}),
        nbformat.v4.new_markdown_cell("## 2", metadata={"minigan": {"task": "why", "title": "Why", **facts}}),
        nbformat.v4.new_markdown_cell(journal.TEXT_STUB, metadata={"minigan": {"explain": "why"}}),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / f"{folder.name}.ipynb")
    monkeypatch.chdir(folder)
    return folder


def attempt(passes: bool) -> None:
    with checking("Twice") as c:
        c.true(passes, "it holds")


def states(folder):
    return [(task.title, task.state, task.tries) for task in journal.tasks(folder)]


def test_a_check_writes_down_tries_until_it_is_solved(exercise, capsys):
    assert states(exercise) == [("Twice", "open", 0), ("Why", "open", 0)]
    with pytest.raises(NotYet):
        attempt(False)
    assert states(exercise)[0] == ("Twice", "tried", 1)
    attempt(True)
    assert states(exercise)[0] == ("Twice", "solved", 2)
    with pytest.raises(NotYet):
        attempt(False)
    assert states(exercise)[0] == ("Twice", "solved", 2)
    assert {path.name for path in exercise.iterdir()} == {"07_super_resolution.ipynb", journal.FILE}


def test_an_answer_that_is_not_begun_is_no_try(exercise, capsys):
    with pytest.raises(NotYet), checking("Twice"):
        raise NotImplementedError
    assert states(exercise)[0] == ("Twice", "open", 0)


def test_nothing_is_written_elsewhere_nor_for_a_grader(exercise, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    attempt(True)
    monkeypatch.delenv("NBGRADER_EXECUTION")
    monkeypatch.chdir(tmp_path)
    attempt(True)
    assert not list(tmp_path.rglob(journal.FILE))


@pytest.mark.parametrize("text", ["{", "[]", '{"Twice": 3}', "\xff"])
def test_a_damaged_journal_is_begun_anew(exercise, text, capsys):
    (exercise / journal.FILE).write_text(text, encoding="latin-1")
    attempt(True)
    assert states(exercise)[0] == ("Twice", "solved", 1)


def test_a_folder_that_cannot_be_written_fails_no_check(exercise, capsys, monkeypatch):
    (exercise / journal.FILE).mkdir()
    attempt(True)
    assert "the check passes" in capsys.readouterr().out


def test_a_text_counts_when_it_is_written(exercise):
    path = exercise / "07_super_resolution.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[2].source = "Because."
    nbformat.write(notebook, path)
    assert states(exercise)[1] == ("Why", "answered", 0)


def test_the_overview(exercise, capsys):
    attempt(True)
    assert journal.overview(journal.find()).splitlines() == [
        "07 Super-resolution          █████░░░░░  1 of  2 tasks,    3 of 6 points, 10 minutes left",
        "   ✓ 1. Twice (10 minutes, 3 points, 1 try)",
        "   · 2. Why (10 minutes, 3 points)",
        "",
        "next: Why (10 minutes), in 07_super_resolution/07_super_resolution.ipynb",
    ]


def test_exercises_are_found_from_wherever_a_learner_is(exercise, tmp_path):
    root = exercise.parent
    assert journal.find(exercise) == journal.find(root) == journal.find(root.parent) == root
    with pytest.raises(FileNotFoundError, match="go to the folder of the course"):
        journal.find(tmp_path)


def test_a_notebook_that_cannot_be_read_is_named(exercise):
    (exercise / "07_super_resolution.ipynb").write_text("{")
    with pytest.raises(ValueError, match=r"07_super_resolution\.ipynb cannot be read"):
        journal.overview(journal.find())


def test_what_is_kept_is_plain(exercise, capsys):
    attempt(True)
    kept = json.loads((exercise / journal.FILE).read_text())
    assert list(kept) == ["Twice"]
    assert set(kept["Twice"]) == {"tries", "solved"}
