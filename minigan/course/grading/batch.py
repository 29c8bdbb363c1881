"""A batch: takes submissions in, runs what is new in a pool of workers, and writes what came of it into OUT."""

import hashlib
import logging
import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import nbformat

from minigan.course.chapters import choose
from minigan.course.exercises import Master
from minigan.course.grading import clean, intake, report, steps
from minigan.course.grading.gradebook import Gradebook
from minigan.course.grading.judge import Verdict, digest, solve
from minigan.course.grading.progress import Progress
from minigan.course.grading.records import Record, Records
from minigan.course.grading.results import gather
from minigan.course.grading.roster import Student
from minigan.course.grading.sandbox import Limits, obstacle

VERSION = 1  # count up when the grader would score the same file otherwise


@dataclass
class Batch:
    """Where a batch comes from, where it goes, and how it is run."""

    root: Path  # the repository that holds solutions/ and exercises/
    source: Path
    out: Path
    chapters: Sequence[str] = ()  # all by default
    workers: int = 2
    roster: dict[str, Student] | None = None
    limits: Limits = field(default_factory=Limits)
    again: bool = False

    @property
    def home(self) -> Path:
        return self.out / "nbgrader"

    @property
    def records(self) -> Records:
        return Records(self.home / "records")

    @property
    def hide(self) -> list[str]:
        """What no submission may see, wherever it lies."""
        return [str(self.root / "solutions"), str(self.source.resolve()), str(self.out.resolve())]

    def gradebook(self) -> Gradebook:
        return Gradebook(self.home, self.limits, self.hide)

    def master(self, chapter: str) -> Master:
        return Master(self.root, chapter)

    def key(self, content: bytes, chapter: str) -> str:
        """A number that changes with the submission's file, its master and the grader."""
        master = self.master(chapter)
        mine = hashlib.sha256(content).hexdigest()[:24]
        return f"{VERSION}-{mine}-{digest(master.notebook, master.release)}"


@dataclass
class Outcome:
    """What a batch did: records of this run, records that were up to date, and what the instructor should know."""

    done: list[Record] = field(default_factory=list)
    skipped: list[Record] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)

    @property
    def to_look_at(self) -> list[Record]:
        return [record for record in self.done + self.skipped if record.state != "graded"]


def grade(batch: Batch) -> Outcome:
    """Grade a batch. Raises OSError where there is no sandbox, before anything is read; ValueError for a wrong call."""
    if reason := obstacle():
        raise OSError(f"nothing was graded: {reason}")
    _check(batch)
    found = intake.take_in(batch.source, _exercises(batch), batch.roster, _chosen(batch))  # before anything is written
    with _alone(batch.out), _log(batch.out) as log:
        book = batch.gradebook()
        book.create()
        outcome = Outcome(notes=found.notes, names=found.names)
        try:
            _work(batch, book, found.submissions, outcome, log)
        finally:  # after Ctrl-C as well: what is done is done
            for note in outcome.notes:
                log.info("%s", note)
            results = gather(batch.home, book, batch.records, outcome.names)
            report.write_all(results, batch.out, outcome.notes)
    return outcome


def _work(
    batch: Batch, book: Gradebook, submissions: Sequence[intake.Submission], outcome: Outcome, log: logging.Logger
) -> None:
    """Grade what is new; the outcome grows with each submission that is done."""
    waiting = list(_prepare(batch, submissions, outcome, log))
    if batch.roster:
        book.add_students({one.student: (one.name, one.email) for one in batch.roster.values()})
    for chapter in dict.fromkeys(record.chapter for record in waiting):
        book.add_master(batch.master(chapter))
    with Progress(len(waiting)) as progress:
        for record in _run(batch, waiting):
            batch.records.write(record)
            outcome.done.append(record)
            log.info("%s %s: %s %s", record.student, record.chapter, record.state, record.reason)
            progress.step(f"{record.student} {record.chapter}: {record.state}")


def _check(batch: Batch) -> None:
    out, source = batch.out.resolve(), batch.source.resolve()
    if not source.exists():
        raise FileNotFoundError(f"{batch.source} does not exist; check the path")
    if out.is_relative_to(batch.root.resolve()):
        raise ValueError(f"{batch.out} lies in the repository, where nothing is written; choose a folder outside it")
    if out.is_relative_to(source) or source.is_relative_to(out):
        raise ValueError(f"{batch.out} and {batch.source} lie in each other; choose a folder outside the submissions")


def _exercises(batch: Batch) -> list[str]:
    """The exercises that the repository holds."""
    folders = sorted(path.parent.name for path in (batch.root / "solutions").glob("*/*.ipynb"))
    if there := [name for name in folders if batch.master(name).release.exists()]:
        return there
    raise FileNotFoundError(f"no exercises in {batch.root}; build them: minigan course release --execute")


def _chosen(batch: Batch) -> list[str]:
    """The exercises that are graded: those asked for, or all."""
    return choose(batch.chapters, _exercises(batch), "exercise")


def _prepare(
    batch: Batch, submissions: Sequence[intake.Submission], outcome: Outcome, log: logging.Logger
) -> Iterator[Record]:
    """Write what may run into the gradebook's folder; note the rest as refused, or as up to date."""
    for submission in submissions:
        record = Record(submission.student, submission.chapter, "refused", submission.refused)
        record.path, record.limits = str(submission.entry.path), asdict(batch.limits)
        try:
            content = b"" if submission.refused else submission.entry.read()
            record.key = batch.key(content, submission.chapter)
            before = batch.records.read(record.student, record.chapter)
            if before and before.key == record.key and not submission.refused and not _again(batch, before):
                outcome.skipped.append(before)
                continue
            if not submission.refused:
                release = nbformat.read(batch.master(submission.chapter).release, as_version=4)
                notebook, record.notes = clean.clean(content, release)
                record.state = "graded"
        except (OSError, ValueError) as error:
            record.reason = str(error)
        if record.state == "refused":
            batch.records.write(record)
            outcome.done.append(record)
            log.info("%s %s: refused: %s", record.student, record.chapter, record.reason)
            continue
        target = batch.home / "submitted" / record.student / record.chapter / f"{record.chapter}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, target)
        yield record


def _again(batch: Batch, before: Record) -> bool:
    """Whether to grade an unchanged file again: asked for, or refused, or stopped under other limits."""
    stopped = before.state == "stopped" and before.limits != asdict(batch.limits)
    return batch.again or before.state == "refused" or stopped


def _run(batch: Batch, waiting: Sequence[Record]) -> Iterator[Record]:
    """Grade records in a pool. Should a worker die, the rest goes on, one at a time, to find whose it was."""
    rest = {(record.student, record.chapter): record for record in waiting}
    solved: set[str] = set()
    workers = batch.workers
    while rest:
        try:
            for record in _pool(batch, list(rest.values()), solved, workers):
                del rest[record.student, record.chapter]
                yield record
        except BrokenProcessPool:
            if workers == 1 and {record.chapter for record in rest.values()} - solved:
                raise OSError("the grader's own process died before any submission ran; see --debug") from None
            if workers == 1:
                first = rest.pop(next(iter(rest)))
                first.state, first.reason = "stopped", "the grader's own process died on it"
                yield first
            workers = 1


def _pool(batch: Batch, waiting: Sequence[Record], solved: set[str], workers: int) -> Iterator[Record]:
    """Run the solutions that are not run yet, each with a fresh seed, then the submissions."""
    context = multiprocessing.get_context("spawn")
    settings = (batch.home, asdict(batch.limits), batch.hide, context.Lock())
    pool = ProcessPoolExecutor(min(workers, len(waiting)), context, initializer=_begin, initargs=settings)
    try:
        chapters = {record.chapter for record in waiting} - solved
        for chapter in pool.map(_solve_one, sorted(chapters)):
            solved.add(chapter)
        line = iter(waiting)
        running: set[Future[Record]] = set()
        while True:
            for record in line:
                running.add(pool.submit(_grade_one, record))
                if len(running) > workers:  # one waits, so that no worker does
                    break
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    finally:
        for process in list((pool._processes or {}).values()):
            process.terminate()  # idle, or in the middle after Ctrl-C; its sandbox ends with it
        pool.shutdown(wait=True, cancel_futures=True)


_book: Gradebook  # of a worker
_lock: Any


def _begin(home: Path, limits: dict[str, int], hide: list[str], turn: Any) -> None:
    """A worker begins: Ctrl-C is its owner's business."""
    global _book, _lock
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _book, _lock = Gradebook(home, Limits(**limits), hide), turn
    steps.take_turns(turn)


def _solve_one(chapter: str) -> str:
    """Run a solution in a worker, with a fresh seed, and keep what it expects. Raises ValueError that names it."""
    master = nbformat.read(_book.folder / "source" / chapter / f"{chapter}.ipynb", as_version=4)
    try:
        solve(master, _book.folder / "secrets" / chapter, _book.limits, [Path(path) for path in _book.hide])
    except ValueError as error:
        raise ValueError(f"{chapter}: {error}") from None
    return chapter


def _grade_one(record: Record) -> Record:
    """Grade one submission in a worker, which uses the gradebook only while it holds the lock."""
    verdict_file = steps.verdict_file(_book.folder / "verdicts", record.chapter, record.student)
    verdict_file.unlink(missing_ok=True)
    with _lock:
        try:
            _book.autograde(record.student, record.chapter)
        except RuntimeError as error:
            record.state, record.reason = "refused", str(error)
            return record
    verdict = Verdict.read(verdict_file)
    record.seconds = verdict.seconds
    if verdict.flags:
        record.state, record.reason = "flagged", "; ".join(verdict.flags[:2])
    elif verdict.stopped:
        record.state, record.reason = "stopped", verdict.stopped
    return record


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Hold OUT for this run. Raises OSError when another one does."""
    import fcntl  # not on Windows, where nobody comes this far

    (out / "nbgrader").mkdir(parents=True, exist_ok=True)
    with (out / "nbgrader" / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise OSError(f"another run is grading into {out}; wait for it, or choose another folder") from None
        yield


@contextmanager
def _log(out: Path) -> Iterator[logging.Logger]:
    """A log that goes to OUT/log.txt and nowhere else."""
    log = logging.Logger("minigan.grade")
    handler = logging.FileHandler(out / "log.txt", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    log.addHandler(handler)
    try:
        yield log
    finally:
        handler.close()
