"""nbgrader underneath: one gradebook in OUT/nbgrader, which its formgrader and its own commands open as well."""

import logging
import os
import shutil
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from traitlets.config import Config

from minigan.course import exercises
from minigan.course.exercises import Master
from minigan.course.grading.sandbox import Limits
from minigan.files import whole_file

CONFIG = '''"""nbgrader's settings for this gradebook, written by `minigan grade` for its own commands."""

from pathlib import Path

from minigan.course.grading.gradebook import settings

c = get_config()  # noqa: F821
c.merge(settings(Path(__file__).parent, hide={hide!r}, **{limits!r}))
'''


@dataclass(frozen=True)
class Score:
    """What a student has in one task."""

    student: str
    chapter: str
    grade_id: str
    automatic: float | None
    manual: float | None
    most: float
    comment: str
    unread: bool  # a person has to read it, or to look at it again

    @property
    def points(self) -> float | None:
        return self.automatic if self.manual is None else self.manual


def settings(folder: Path, hide: Sequence[str] = (), **limits: int) -> Config:
    """nbgrader's settings for the gradebook in a folder; all its paths are absolute and lie in it."""
    from nbgrader import preprocessors as steps

    from minigan.course.grading.steps import HideTests, RunInSandbox, StripStudentMetadata

    folder = folder.resolve()
    config = exercises.settings(folder)
    course = config.CourseDirectory
    course.db_url = f"sqlite:///{folder / 'gradebook.db'}"
    for name in ("source", "release", "submitted", "autograded", "feedback", "solution"):
        course[f"{name}_directory"] = str(folder / name)
    given = exercises.preprocessors()
    before = [step.__name__ for step in given].index("ClearHiddenTests")
    config.GenerateAssignment.preprocessors = [
        *given[:before],
        steps.ComputeChecksums,
        steps.SaveCells,
        *given[before:],
    ]
    config.Autograde.sanitize_preprocessors = [
        *(StripStudentMetadata, steps.ClearOutput, steps.DeduplicateIds, steps.OverwriteKernelspec),
        *(steps.OverwriteCells, steps.CheckCellMetadata),
    ]
    config.Autograde.autograde_preprocessors = [
        *(RunInSandbox, steps.LimitOutput, steps.SaveAutoGrades, steps.AssignLatePenalties, steps.CheckCellMetadata)
    ]
    config.OverwriteCells.add_missing_cells = True
    run = config.RunInSandbox
    run.masters, run.secrets, run.verdicts = (str(folder / name) for name in ("source", "secrets", "verdicts"))
    run.hide, run.limits = [str(folder.parent), *hide], dict(limits)
    config.GenerateFeedback.preprocessors = [steps.GetGrades, HideTests]
    config.HTMLExporter.sanitize_html = True
    return config


class Gradebook:
    """The gradebook of one OUT: made where it is missing, kept where it is there."""

    def __init__(self, folder: Path, limits: Limits, hide: Sequence[str] = ()) -> None:
        self.folder, self.limits, self.hide = folder, limits, list(hide)
        self.config = settings(folder, self.hide, **asdict(limits))
        self.url: str = self.config.CourseDirectory.db_url

    def create(self) -> None:
        """Make the folder, the settings for nbgrader's own commands, and an empty gradebook where there is none."""
        from nbgrader.api import Gradebook as Book

        self.folder.mkdir(parents=True, exist_ok=True)
        before = os.environ.get("PATH", "")
        os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{before}"
        try:
            with Book(self.url):  # nbgrader asks the program alembic for a version
                pass
        finally:
            os.environ["PATH"] = before
        with whole_file(self.folder / "nbgrader_config.py") as path:
            path.write_text(CONFIG.format(hide=self.hide, limits=asdict(self.limits)), encoding="utf-8")

    def add_master(self, master: Master) -> None:
        """Copy a master into the gradebook's folder, and let nbgrader note its cells. Nothing else is written."""
        from nbgrader.converters import GenerateAssignment

        target = self.folder / "source" / master.name / f"{master.name}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(master.notebook, target)
        try:
            self._convert(GenerateAssignment, master.name)
        except RuntimeError as error:
            raise ValueError(
                f"the tasks of {master.name} are not those that were graded before ({error}); grade into a new folder"
            ) from error

    def add_students(self, students: Mapping[str, tuple[str, str]]) -> None:
        """Note names and addresses of students: id -> (name, e-mail)."""
        from nbgrader.api import Gradebook as Book

        with Book(self.url) as book:
            for student, (name, email) in students.items():
                first, _, last = name.rpartition(" ")
                book.update_or_create_student(
                    student, first_name=first or None, last_name=last or None, email=email or None
                )

    def autograde(self, student: str, chapter: str) -> None:
        """Run and score one submission that lies in `submitted`. Raises RuntimeError when nbgrader cannot."""
        from nbgrader.converters import Autograde

        self._convert(Autograde, chapter, student)

    def names(self) -> dict[str, str]:
        """The students in the gradebook, and their names as far as they are known."""
        from nbgrader.api import Gradebook as Book

        with Book(self.url) as book:
            return {one.id: " ".join(filter(None, (one.first_name, one.last_name))) for one in book.students}

    def scores(self) -> list[Score]:
        """All scores, by student, chapter and the order of the tasks."""
        from nbgrader.api import Grade
        from nbgrader.api import Gradebook as Book

        found = []
        with Book(self.url) as book:
            for grade in book.db.query(Grade).all():
                found.append(
                    Score(
                        student=grade.student.id,
                        chapter=grade.assignment.name,
                        grade_id=grade.name,
                        automatic=grade.auto_score,
                        manual=grade.manual_score,
                        most=grade.max_score,
                        comment=_comment(grade),
                        unread=bool(grade.needs_manual_grade),
                    )
                )
        return found

    def _convert(self, kind: Any, chapter: str, student: str = "*") -> None:
        """Run one of nbgrader's converters as its command would, and quietly."""
        from nbgrader.converters import NbGraderException
        from nbgrader.coursedir import CourseDirectory

        config = Config()
        config.merge(self.config)
        config.CourseDirectory.assignment_id, config.CourseDirectory.student_id = chapter, student
        course = CourseDirectory(config=config)
        converter = kind(coursedir=course, config=config)
        converter.force = True
        said = _Said()
        log = logging.Logger("nbgrader")  # of its own: nothing of it reaches the terminal
        log.addHandler(said)
        converter.log = course.log = log
        try:
            with _quiet():
                converter.start()
        except NbGraderException as error:
            raise RuntimeError(f"nbgrader could not handle {chapter} of {student}: {said.last or error}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """SQLAlchemy warns of the way in which nbgrader adds a submission; nothing is wrong with it."""
    from sqlalchemy.exc import SAWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)
        yield


class _Said(logging.Handler):
    """Keeps the last line of the last complaint."""

    last = ""

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR and "Traceback" in record.getMessage():
            self.last = record.getMessage().strip().splitlines()[-1]


def _comment(grade: Any) -> str:
    """A person's comment on a task that is an answer itself."""
    for comment in grade.notebook.comments:
        if comment.name == grade.name:
            return comment.manual_comment or ""
    return ""
