"""What a gradebook says, put together for tables and pages: masters, students, and what became of each task."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from minigan.course.grading.gradebook import Gradebook, Score
from minigan.course.grading.judge import FLAGGED, Check, Verdict
from minigan.course.grading.judge import HIDDEN as HIDDEN_FAILED
from minigan.course.grading.records import STATES, Record, Records
from minigan.course.grading.steps import hidden_lines, verdict_file, without


@dataclass(frozen=True)
class Task:
    """What is worth points in a chapter."""

    chapter: str
    grade_id: str
    title: str
    asked: str  # Markdown of the author's
    answer: str  # the grade id of the cell that holds the answer
    most: float
    rubric: str = ""  # for what a person reads


@dataclass
class Result:
    """One student in one task."""

    task: Task
    points: float | None
    answer: str
    state: str  # a few words
    report: str = ""  # the check's, without hidden tests
    why: str = ""  # for the instructor
    comment: str = ""
    unread: bool = False


@dataclass
class Row:
    """One student in one chapter."""

    student: str
    chapter: str
    record: Record | None
    results: list[Result] = field(default_factory=list)

    @property
    def scored(self) -> bool:
        return bool(self.results)

    @property
    def points(self) -> float:
        return sum(result.points or 0.0 for result in self.results)


@dataclass
class Results:
    """A whole gradebook."""

    tasks: dict[str, list[Task]]  # by chapter
    names: dict[str, str]  # of all students
    rows: dict[tuple[str, str], Row]  # by student and chapter

    @property
    def most(self) -> float:
        return sum(task.most for tasks in self.tasks.values() for task in tasks)

    def of(self, student: str) -> list[Row]:
        return [self.rows[student, chapter] for chapter in self.tasks if (student, chapter) in self.rows]

    def total(self, student: str) -> float | None:
        """The points of all chapters; None where nothing was scored."""
        scored = [row for row in self.of(student) if row.scored]
        return sum(row.points for row in scored) if scored else None

    def unread(self, student: str) -> int:
        return sum(result.unread for row in self.of(student) for result in row.results)


def gather(home: Path, book: Gradebook, records: Records, names: dict[str, str]) -> Results:
    """Read everything that a gradebook's folder holds."""
    masters = {path.stem: nbformat.read(path, as_version=4) for path in sorted((home / "source").glob("*/*.ipynb"))}
    tasks = {chapter: tasks_of(chapter, master) for chapter, master in masters.items()}
    known = {record.student: "" for record in records} | book.names() | {k: v for k, v in names.items() if v}
    known |= {student: known.get(student, "") for student in names}
    results = Results(tasks, dict(sorted(known.items())), {})
    scores = {(score.student, score.chapter, score.grade_id): score for score in book.scores()}
    for record in records:
        row = Row(record.student, record.chapter, record)
        results.rows[record.student, record.chapter] = row
        if record.state != "refused" and record.chapter in masters:
            row.results = _results(home, row, tasks[record.chapter], scores, hidden_lines(masters[record.chapter]))
    return results


def tasks_of(chapter: str, master: NotebookNode) -> list[Task]:
    """The tasks of a master, in order."""
    asked = {c.metadata["minigan"]["task"]: c for c in master.cells if "task" in c.metadata.get("minigan", {})}
    found = []
    for cell in master.cells:
        marks = cell.metadata.get("nbgrader", {})
        if not marks.get("grade"):
            continue
        task = next(cell.metadata["minigan"][role] for role in ("check", "explain") if role in cell.metadata["minigan"])
        rubric = cell.source if cell.cell_type == "markdown" else ""
        title = str(asked[task].metadata["minigan"]["title"])
        found.append(Task(chapter, marks["grade_id"], title, asked[task].source, task, float(marks["points"]), rubric))
    return found


def _results(
    home: Path, row: Row, tasks: Sequence[Task], scores: dict[tuple[str, str, str], Score], hidden: set[str]
) -> list[Result]:
    kept = verdict_file(home / "verdicts", row.chapter, row.student)
    if not kept.exists():  # the grader's own process died on it
        return []
    verdict = Verdict.read(kept)
    notebook = nbformat.read(home / "submitted" / row.student / row.chapter / f"{row.chapter}.ipynb", as_version=4)
    answers = {
        cell.metadata["nbgrader"]["grade_id"]: cell.source for cell in notebook.cells if "nbgrader" in cell.metadata
    }
    found = []
    for task in tasks:
        score = scores.get((row.student, row.chapter, task.grade_id))
        if score is None:
            continue
        check = verdict.checks.get(task.grade_id)
        state = without(hidden, _state(score, check))  # the error's name and text are the student's
        result = Result(task, score.points, answers.get(task.answer, ""), state, comment=score.comment)
        result.unread = score.unread and score.manual is None
        if check is not None:
            result.report, result.why = without(hidden, check.report), _why(check)
        found.append(result)
    return found


def _why(check: Check) -> str:
    """Why a test failed, for the instructor: the first line of the report that does not hold, where it has one."""
    crosses = [line.strip() for line in check.report.splitlines() if line.strip().startswith("✗")]
    return crosses[0] if crosses and check.error == "NotYet" else check.why


def _state(score: Score, check: Check | None) -> str:
    """What became of a task, in a few words that a student may read."""
    if score.manual is not None:
        return "marked by a person"
    if check is None:
        return "to be read by a person" if score.unread else "no answer"
    if check.passed:
        return "all tests passed"
    if check.error == FLAGGED:
        return "not scored; a person will look at it"
    if check.error == HIDDEN_FAILED:
        return "the checks that you see pass, but your answer gives other values on other inputs"
    if check.error in ("Stopped", "NotRun"):
        return f"not finished: {check.why}"
    if not check.report:
        return f"your code ended with {check.error}"
    return "a check does not pass"


def order(records: Sequence[Record]) -> list[Record]:
    """Flagged, stopped and refused ones first."""
    ranks = list(STATES)
    return sorted(records, key=lambda record: (ranks.index(record.state), record.chapter, record.student))
