"""From an exercise's source to the instructor's master, and from the master to what learners get.

A source is `solutions/src/NAME.py` in py:percent. Its cells carry one mark at most; all else follows from it:

    # %% [markdown] task="pairs" kind="complete" minutes=10 points=3 trains="a formula as stable code"
    # ## Pairs
    #
    # What is asked.

    # %% given="pairs"           (optional: what learners find in the answer's cell, as code with a bug to mend)
    # %% answer="pairs"          (the solution; where nothing is given, `### BEGIN SOLUTION` ... are replaced by a stub)
    # %% check="pairs"           (`with checking("Pairs", ...)`, then `### BEGIN HIDDEN TESTS` ...)
    # %% [markdown] explain="x"  (a model answer with its rubric, read and marked by a person)

The master `solutions/NAME/NAME.ipynb` carries nbgrader's metadata; nbgrader makes `exercises/NAME/NAME.ipynb` from it.
"""

import hashlib
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbformat import NotebookNode

from minigan.course import build
from minigan.course.chapters import choose
from minigan.course.journal import TEXT_STUB
from minigan.files import whole_file
from minigan.names import known

KINDS = {
    "complete": "complete a function",
    "predict": "predict, then run",
    "mend": "find and mend the bug",
    "explain": "explain; read by a person",
    "improve": "improve a score",
}
CLOSED = "# Run this to check your answer. The code inside holds the hints that come later."
CODE_STUB = "raise NotImplementedError  # your code here"
HIDDEN = "### BEGIN HIDDEN TESTS"
IMPORT = "from minigan.course.hidden import given, probe"


@dataclass(frozen=True)
class Task:
    """One task of an exercise, as its source states it."""

    task: str
    title: str
    kind: str
    minutes: int
    points: int
    trains: str


@dataclass(frozen=True)
class Master(build.Paths):
    """Where an exercise lies: its source, the instructor's master, and what learners get."""

    @property
    def source(self) -> Path:
        return self.root / "solutions" / "src" / f"{self.name}.py"

    @property
    def notebook(self) -> Path:
        return self.root / "solutions" / self.name / f"{self.name}.ipynb"

    @property
    def release(self) -> Path:
        return self.root / "exercises" / self.name / f"{self.name}.ipynb"


def select(root: Path, names: list[str]) -> list[Master]:
    """The exercises that are asked for, or all: "02", "02_minimax_loss" and a path to a file of it are one."""
    there = sorted(path.stem for path in (root / "solutions" / "src").glob("*.py"))
    return [Master(root, name) for name in choose(names, there, "exercise")]


def compose(master: Master) -> NotebookNode:
    """The master that a source describes, with nbgrader's metadata and ids that follow from the tasks; no outputs.

    Raises ValueError that names the cell for a mark that is unknown or does not fit.
    """
    source = jupytext.read(master.source, fmt="py:percent")
    tasks = read_tasks(source, master.source.name)
    notebook = nbformat.v4.new_notebook(
        cells=[], metadata={"kernelspec": build.KERNEL, "language_info": {"name": "python"}}
    )
    given = {cell.metadata["given"]: cell.source for cell in source.cells if "given" in cell.metadata}
    plain = 0
    for number, cell in enumerate(source.cells):
        marks = {key: value for key, value in cell.metadata.items() if key != "lines_to_next_cell"}
        if "given" in marks:
            continue
        try:
            new = _cell(cell, marks, tasks, given)
        except ValueError as error:
            raise ValueError(f"{master.source.name}, cell {number}: {error}") from None
        if "nbgrader" not in new.metadata and new.cell_type == "code":
            plain += 1
            new.metadata["nbgrader"] = _nbgrader(f"code-{plain:02d}", locked=True)
        grade_id = new.metadata.get("nbgrader", {}).get("grade_id")
        new.id = grade_id or hashlib.sha256(f"{number}\0{cell.source}".encode()).hexdigest()[:10]
        notebook.cells.append(new)
    notebook.cells.insert(1, _overview(tasks))
    _hold_together(notebook, tasks, master.source.name)
    nbformat.validate(notebook)
    return notebook


def read_tasks(source: NotebookNode, name: str) -> dict[str, Task]:
    """The tasks of a source by their names, in order. Raises ValueError for one that is not whole."""
    tasks: dict[str, Task] = {}
    for cell in source.cells:
        if "task" in cell.metadata:
            marks = {key: cell.metadata.get(key) for key in ("task", "kind", "minutes", "points", "trains")}
            if missing := [key for key, value in marks.items() if not value]:
                raise ValueError(f"{name}: task {marks['task']!r} lacks {', '.join(missing)}")
            known(marks["kind"], KINDS, "kind of task")
            heading = re.match(r"## (.+)", cell.source)
            if not heading:
                raise ValueError(
                    f"{name}: task {marks['task']!r} begins with {cell.source[:30]!r}, expected a heading ## ..."
                )
            if marks["task"] in tasks:
                raise ValueError(f"{name}: task {marks['task']!r} stands twice")
            tasks[marks["task"]] = Task(title=heading[1].strip(), **marks)
    if not tasks:
        raise ValueError(f'{name} has no task; mark its text with # %% [markdown] task="name" kind="complete" ...')
    return tasks


def facts(master: Master) -> list[Task]:
    """The tasks of an exercise, in order."""
    return list(read_tasks(jupytext.read(master.source, fmt="py:percent"), master.source.name).values())


def publish(master: Master) -> None:
    """Let nbgrader make what learners get from the built master, and replace the old one whole.

    Solutions become stubs or what is given, hidden tests and outputs go.
    """
    with tempfile.TemporaryDirectory() as temporary:
        course = Path(temporary)
        shutil.copytree(master.notebook.parent, course / "source" / master.name)
        _generate(course, master.name)
        notebook = nbformat.read(course / "release" / master.name / f"{master.name}.ipynb", as_version=4)
    notebook.metadata = nbformat.from_dict({"kernelspec": build.KERNEL, "language_info": {"name": "python"}})
    master.release.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(master.release) as path:
        nbformat.write(notebook, path)


def release(master: Master, scale: str | None = None) -> Any:
    """Write an exercise's master, executed where a scale is given, and what learners get; return what it took."""
    notebook = compose(master)
    master.notebook.parent.mkdir(parents=True, exist_ok=True)
    timing = None
    if scale:
        timing = build.execute(notebook, master, scale)
    elif master.notebook.exists():
        build.keep_outputs(notebook, nbformat.read(master.notebook, as_version=4))
    with whole_file(master.notebook) as path:
        nbformat.write(notebook, path)
    publish(master)
    return timing


def secrets(notebook: NotebookNode) -> set[str]:
    """The lines of a master that learners must not see: of solutions, hidden tests and rubrics."""
    found, shown = set(), set()
    for cell in notebook.cells:
        if "answer" in cell.metadata.get("minigan", {}) and "given" in cell.metadata["minigan"]:
            found |= set(cell.source.splitlines())
            shown |= set(cell.metadata["minigan"]["given"].splitlines())
            continue
        whole = cell.cell_type == "markdown" and "nbgrader" in cell.metadata
        hidden = whole
        for line in cell.source.splitlines():
            hidden = hidden or bool(re.match(r"\s*### BEGIN", line))
            (found if hidden else shown).add(line)
            hidden = hidden and (whole or not re.match(r"\s*### END", line))
    lines = {line.strip() for line in found} - {line.strip() for line in shown}
    return {line for line in lines if len(line) >= 12}


def _cell(cell: NotebookNode, marks: dict[str, Any], tasks: dict[str, Task], given: dict[str, str]) -> NotebookNode:
    """The master's cell: its text, and what nbgrader and `minigan progress` are to know of it."""
    role = next((role for role in ("task", "answer", "check", "explain") if role in marks), None)
    if unknown := set(marks) - {role, *(() if role is None else ("kind", "minutes", "points", "trains"))} - {"tags"}:
        raise ValueError(f"unknown marks {', '.join(sorted(unknown))}; see the head of minigan/course/exercises.py")
    if role is None:
        return _new(cell.cell_type, cell.source, {"tags": marks["tags"]} if "tags" in marks else {})
    task = tasks[known(marks[role], tasks, "task")]
    if role == "task":
        text = _with_facts(cell.source, task, 1 + list(tasks).index(task.task))
        return _new("markdown", text, {"minigan": vars(task)})
    if role == "answer":
        start = {"given": given[task.task]} if task.task in given else {}
        if not start and "### BEGIN SOLUTION" not in cell.source:
            raise ValueError(f"the answer of {task.task!r} holds no ### BEGIN SOLUTION, and nothing is given instead")
        return _new(
            "code",
            cell.source,
            {"minigan": {"answer": task.task, **start}, "nbgrader": _nbgrader(task.task, solution=True)},
        )
    points = marks.get("points", task.points)
    if role == "check":
        source = re.sub(rf"^( *){HIDDEN}$", rf"\1{HIDDEN}\n\1{IMPORT}", cell.source, flags=re.MULTILINE)
        suffix = f"check-{marks['points']}" if "points" in marks else "check"
        named = _nbgrader(f"{task.task}-{suffix}", locked=True, grade=True, points=points)
        return _new("code", source, {"minigan": {"check": task.task}, "nbgrader": named})
    return _new(
        "markdown",
        cell.source,
        {"minigan": {"explain": task.task}, "nbgrader": _nbgrader(task.task, solution=True, grade=True, points=points)},
    )


def _new(kind: str, source: str, metadata: dict[str, Any]) -> NotebookNode:
    make = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
    return make(source, metadata=nbformat.from_dict(metadata))


def _nbgrader(
    grade_id: str, locked: bool = False, solution: bool = False, grade: bool = False, points: int = 0
) -> dict:
    marks = {
        "grade": grade,
        "grade_id": grade_id,
        "locked": locked,
        "schema_version": 3,
        "solution": solution,
        "task": False,
    }
    return marks | ({"points": points} if grade else {})


def _with_facts(text: str, task: Task, number: int) -> str:
    """The task's text with its number, and under the heading what kind of work it is."""
    points = "1 point" if task.points == 1 else f"{task.points} points"
    facts = f"*{KINDS[task.kind].capitalize()} · {task.minutes} minutes · {points} · trains: {task.trains}*"
    return re.sub(r"^## .+", f"## {number}. {task.title}\n\n{facts}", text, count=1)


def _overview(tasks: dict[str, Task]) -> NotebookNode:
    """A table of the tasks, under the title."""
    lines = ["| | task | kind | minutes | points |", "|---|---|---|---|---|"]
    for number, task in enumerate(tasks.values(), 1):
        lines.append(f"| {number} | {task.title} | {KINDS[task.kind]} | {task.minutes} | {task.points} |")
    minutes, points = (sum(getattr(task, key) for task in tasks.values()) for key in ("minutes", "points"))
    cell = nbformat.v4.new_markdown_cell("\n".join([*lines, f"| | together | | {minutes} | {points} |"]))
    cell.id = "overview"
    return cell


def _hold_together(notebook: NotebookNode, tasks: dict[str, Task], name: str) -> None:
    """Each task has its answer and its checks, which are worth its points and bear its title."""
    for task in tasks.values():
        cells = [cell for cell in notebook.cells if task.task in list(cell.metadata.get("minigan", {}).values())[:1]]
        roles = [next(iter(cell.metadata["minigan"])) for cell in cells]
        wanted = ["task", "explain"] if task.kind == "explain" else ["task", "answer", "check"]
        if sorted(set(roles)) != sorted(wanted):
            raise ValueError(f"{name}: task {task.task!r} has the cells {roles}, expected {wanted}")
        points = sum(cell.metadata.get("nbgrader", {}).get("points", 0) for cell in cells)
        if points != task.points:
            raise ValueError(
                f"{name}: the checks of {task.task!r} are worth {points} points, its task says {task.points}"
            )
        for cell in (cell for cell, role in zip(cells, roles, strict=True) if role == "check"):
            if f'checking("{task.title}"' not in cell.source:
                raise ValueError(f'{name}: the check of {task.task!r} holds no checking("{task.title}", ...)')
            if HIDDEN not in cell.source:
                raise ValueError(f"{name}: the check of {task.task!r} has no hidden tests")


def _generate(course: Path, name: str) -> None:
    """Run nbgrader's generate_assignment in a folder of its own, without a database."""
    from nbgrader.converters import GenerateAssignment
    from nbgrader.coursedir import CourseDirectory

    config = settings(course)
    config.CourseDirectory.assignment_id = name
    config.GenerateAssignment.no_database = True
    config.GenerateAssignment.preprocessors = preprocessors()
    config.Application.log_level = "ERROR"
    coursedir = CourseDirectory(config=config)
    converter = GenerateAssignment(coursedir=coursedir, config=config)
    converter.log.setLevel("ERROR")
    converter.start()


def settings(course: Path) -> Any:
    """What nbgrader has to know of our exercises, wherever it works: for releases, and for a gradebook."""
    from traitlets.config import Config

    config = Config()
    config.CourseDirectory.root = str(course)
    config.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "*.py"]  # sources hold solutions
    config.ClearSolutions.code_stub, config.ClearSolutions.text_stub = {"python": CODE_STUB}, TEXT_STUB
    return config


def preprocessors() -> list:
    """nbgrader's own steps, with what is given put in the place of solutions, and checks closed."""
    from nbgrader import preprocessors as steps

    class GiveStart(steps.NbGraderPreprocessor):
        """Put what a task gives, as code with a bug, in the place of the stub; the master keeps it in its metadata."""

        def preprocess_cell(self, cell: NotebookNode, resources: dict, index: int) -> tuple[NotebookNode, dict]:
            start = cell.metadata.get("minigan", {}).pop("given", None)
            if start is not None:
                cell.source = start
            # A prediction has its place already, as `prediction = ...`: an error under it would be in the way.
            cell.source = re.sub(rf"\n{re.escape(CODE_STUB)}\Z", "", cell.source)
            return cell, resources

    class CloseChecks(steps.NbGraderPreprocessor):
        """Close the code of checks, which tells all hints and would push the report out of sight; say so on top."""

        def preprocess_cell(self, cell: NotebookNode, resources: dict, index: int) -> tuple[NotebookNode, dict]:
            if "check" in cell.metadata.get("minigan", {}):
                cell.metadata["jupyter"] = nbformat.from_dict({"source_hidden": True})
                cell.source = f"{CLOSED}\n{cell.source}"
            return cell, resources

    names = ("LockCells", "ClearSolutions", "ClearOutput", "CheckCellMetadata", "ClearHiddenTests", "ClearMarkScheme")
    chosen = [getattr(steps, name) for name in (*names, "ComputeChecksums", "CheckCellMetadata")]
    return [*chosen[:2], GiveStart, CloseChecks, *chosen[2:]]
