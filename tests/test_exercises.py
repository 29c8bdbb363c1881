"""The exercises: masters from their sources, what learners get from the masters, and nothing of the solutions in it."""

import re
from collections import Counter
from pathlib import Path

import nbformat
import pytest

from minigan.course import audit, exercises, journal, workload
from minigan.course.build import KERNEL
from minigan.course.chapters import chapters

ROOT = Path(__file__).parents[1]
MASTERS = exercises.select(ROOT, [])

SOURCE = '''# %% [markdown]
# # Exercises

# %%
import math

# %% [markdown] task="twice" kind="complete" minutes=5 points=2 trains="care"
# ## Twice
#
# Double it.


# %% answer="twice"
def twice(x):
    """Return 2x."""
    ### BEGIN SOLUTION
    return x + x  # the secret
    ### END SOLUTION


# %% check="twice"
with checking("Twice") as c:
    c.equal(twice(2), 4, "two")
### BEGIN HIDDEN TESTS
probe("seven", twice(given("n", lambda g: 7)))
### END HIDDEN TESTS

# %% [markdown] task="half" kind="mend" minutes=5 points=1 trains="care"
# ## Half
#
# Mend it.


# %% given="half"
def half(x):
    return x / 3


# %% answer="half"
def half(x):
    return x / 2  # two, not three


# %% check="half"
with checking("Half") as c:
    c.equal(half(2), 1, "two")
### BEGIN HIDDEN TESTS
probe("nine", half(given("m", lambda g: 9)))
### END HIDDEN TESTS

# %% [markdown] task="why" kind="explain" minutes=5 points=3 trains="thought"
# ## Why
#
# Say why.

# %% [markdown] explain="why"
# Because of the model answer.
'''


@pytest.fixture
def master(tmp_path):
    """A small exercise in a repository of its own, not built."""
    (tmp_path / "solutions" / "src").mkdir(parents=True)
    made = exercises.Master(tmp_path, "07_small")
    made.source.write_text(SOURCE, encoding="utf-8")
    return made


def code(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def test_the_master_follows_from_its_source(master):
    notebook = exercises.compose(master)
    assert [cell.id for cell in notebook.cells if "nbgrader" in cell.metadata] == [
        *("code-01", "twice", "twice-check", "half", "half-check", "why")
    ]
    marks = {cell.id: cell.metadata["nbgrader"] for cell in notebook.cells if "nbgrader" in cell.metadata}
    assert {name: mark.get("points") for name, mark in marks.items() if mark["grade"]} == {
        "twice-check": 2,
        "half-check": 1,
        "why": 3,
    }
    assert [name for name, mark in marks.items() if mark["locked"]] == ["code-01", "twice-check", "half-check"]
    assert [name for name, mark in marks.items() if mark["solution"]] == ["twice", "half", "why"]
    text = "\n".join(cell.source for cell in notebook.cells)
    assert "## 1. Twice\n\n*Complete a function · 5 minutes · 2 points · trains: care*" in text
    assert "| | together | | 15 | 6 |" in text
    assert text.count(exercises.IMPORT) == 2


def test_what_learners_get(master):
    exercises.release(master)
    notebook = nbformat.read(master.release, as_version=4)
    assert code(notebook) == [
        "import math",
        'def twice(x):\n    """Return 2x."""\n    raise NotImplementedError  # your code here',
        f'{exercises.CLOSED}\nwith checking("Twice") as c:\n    c.equal(twice(2), 4, "two")',
        "def half(x):\n    return x / 3",
        f'{exercises.CLOSED}\nwith checking("Half") as c:\n    c.equal(half(2), 1, "two")',
    ]
    closed = [cell.source for cell in notebook.cells if cell.metadata.get("jupyter") == {"source_hidden": True}]
    assert [source.partition("\n")[0] for source in closed] == [exercises.CLOSED] * 2
    assert notebook.cells[-1].source == journal.TEXT_STUB
    assert "secret" not in master.release.read_text()
    assert "two, not three" not in master.release.read_text()
    assert [task.title for task in journal.tasks(master.release.parent)] == ["Twice", "Half", "Why"]
    before = master.release.read_bytes()
    exercises.release(master)
    assert master.release.read_bytes() == before


def test_a_prediction_keeps_its_own_place_and_no_error_under_it(master):
    answer = SOURCE.partition('answer="twice"\n')[2].partition("\n\n\n")[0]
    prediction = "prediction = ...\n### BEGIN SOLUTION\nprediction = 4\n### END SOLUTION"
    master.source.write_text(SOURCE.replace(answer, prediction), encoding="utf-8")
    exercises.release(master)
    assert "### END SOLUTION" in answer
    assert code(nbformat.read(master.release, as_version=4))[1] == "prediction = ..."


def test_secrets_are_what_learners_must_not_see(master):
    assert exercises.secrets(exercises.compose(master)) == {
        "return x + x  # the secret",
        'probe("seven", twice(given("n", lambda g: 7)))',
        exercises.IMPORT,
        "return x / 2  # two, not three",
        'probe("nine", half(given("m", lambda g: 9)))',
        "Because of the model answer.",
        *("### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS", "### BEGIN SOLUTION", "### END SOLUTION"),
    }


WRONG = {
    "a task without points": ("points=2 ", "", "'twice' lacks points"),
    "a kind": ('kind="mend"', 'kind="bend"', "kind of task 'bend' is not known"),
    "a heading": ("# ## Twice", "# Twice", "expected a heading"),
    "twice a task": ('task="half"', 'task="twice"', "stands twice"),
    "a mark": ('check="twice"', 'chekc="twice"', "unknown marks chekc"),
    "another task": ('check="twice"', 'check="twise"', "task 'twise' is not known"),
    "no solution": ("    ### BEGIN SOLUTION\n", "", "holds no ### BEGIN SOLUTION"),
    "no check": ('# %% check="half"', "# %%", "has the cells ['task', 'answer']"),
    "points": ('# %% check="half"', '# %% check="half" points=2', "worth 2 points, its task says 1"),
    "a title": ('checking("Half")', 'checking("A half")', 'holds no checking("Half"'),
    "no hidden tests": ('### BEGIN HIDDEN TESTS\nprobe("nine"', 'probe("nine"', "has no hidden tests"),
}


@pytest.mark.parametrize(("old", "new", "said"), WRONG.values(), ids=WRONG.keys())
def test_a_source_that_does_not_hold_together(master, old, new, said):
    assert old in SOURCE
    master.source.write_text(SOURCE.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(said)):
        exercises.compose(master)


def test_a_source_without_tasks(master):
    master.source.write_text("# %%\nx = 1\n", encoding="utf-8")
    with pytest.raises(ValueError, match="has no task"):
        exercises.compose(master)


# The exercises of the course


def test_every_chapter_has_its_exercise():
    assert [master.name for master in MASTERS] == [chapter.name for chapter in chapters()]
    for folder in ("solutions", "exercises"):
        there = sorted(path.relative_to(ROOT / folder) for path in (ROOT / folder).glob("*/*.ipynb"))
        assert there == [Path(master.name, f"{master.name}.ipynb") for master in MASTERS]


@pytest.mark.parametrize("master", MASTERS, ids=lambda master: master.name)
def test_a_master_is_fit_to_be_committed(master):
    notebook = nbformat.read(master.notebook, as_version=4)
    assert audit.differs_from_source(notebook, exercises.compose(master)) == []
    assert audit.is_stale(notebook) == []
    assert audit.holds_errors(notebook) == []
    assert audit.lacks_alt_text(notebook) == []
    assert audit.holds_clutter(notebook) == []
    assert audit.is_large(master.notebook) == []
    assert audit.names_a_device(notebook) == []
    assert audit.begins_a_list(notebook) == []


@pytest.mark.parametrize("master", MASTERS, ids=lambda master: master.name)
def test_exercises_are_built_byte_for_byte_and_hold_no_secret(master, tmp_path):
    copy = exercises.Master(tmp_path, master.name)
    copy.notebook.parent.mkdir(parents=True)
    copy.notebook.write_bytes(master.notebook.read_bytes())
    exercises.publish(copy)
    assert copy.release.read_bytes() == master.release.read_bytes()
    secrets = exercises.secrets(nbformat.read(master.notebook, as_version=4))
    assert len(secrets) > 10
    lines = {
        line.strip() for cell in nbformat.read(master.release, as_version=4).cells for line in cell.source.splitlines()
    }
    assert secrets & lines == set()
    assert [path.name for path in master.release.parent.iterdir() if path.name != journal.FILE] == [master.release.name]


def test_the_sets_are_what_an_exercise_is():
    titles: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    for master in MASTERS:
        tasks = exercises.facts(master)
        assert 4 <= len(tasks) <= 6, master.name
        of_kind = Counter(task.kind for task in tasks)
        assert of_kind["explain"] >= 1, master.name
        assert of_kind["complete"] + of_kind["mend"] + of_kind["improve"] >= 2, master.name
        titles.update(task.title for task in tasks)
        kinds += of_kind
    assert [title for title, n in titles.items() if n > 1] == []
    assert set(kinds) == set(exercises.KINDS)


@pytest.mark.parametrize("master", MASTERS, ids=lambda master: master.name)
def test_code_tasks_are_worth_more_from_one_to_the_next_or_as_much(master):
    points = [task.points for task in exercises.facts(master) if task.kind in ("complete", "mend", "improve")]
    assert points == sorted(points)


@pytest.mark.parametrize("master", MASTERS, ids=lambda master: master.name)
def test_the_rubric_of_a_text_adds_up_to_its_points(master):
    notebook = nbformat.read(master.notebook, as_version=4)
    texts = [cell for cell in notebook.cells if "explain" in cell.metadata.get("minigan", {})]
    assert texts
    for cell in texts:
        answer, found, rubric = cell.source.partition("**Rubric.**")
        assert answer.strip()
        assert found
        parts = re.findall(r"^- (\d+) points?:", rubric, flags=re.MULTILINE)
        assert sum(map(int, parts)) == cell.metadata["nbgrader"]["points"], cell.id


def test_masters_and_exercises_name_the_usual_kernel():
    for master in MASTERS:
        for path in (master.notebook, master.release):
            assert nbformat.read(path, as_version=4).metadata["kernelspec"] == KERNEL


def test_the_minutes_in_the_workshop_plans_are_those_of_chapters_and_exercises():
    page = (ROOT / "docs" / "workshops.md").read_text(encoding="utf-8")
    assert workload.with_table(page, ROOT) == page
    for chapter in chapters():
        source = (ROOT / "notebooks" / "src" / f"{chapter.name}.py").read_text(encoding="utf-8")
        assert f"about {chapter.reading} minutes to read" in source, chapter.name
