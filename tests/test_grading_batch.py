"""A batch of honest and hostile submissions: all end with a state and a reason, and nothing outside changes."""

import csv
import hashlib
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil
import pytest
import submissions as tiny

import minigan
from minigan.course.grading.batch import Batch, Outcome, grade
from minigan.course.grading.records import Record
from minigan.course.grading.sandbox import Limits
from minigan.course.grading.steps import hidden_lines, verdict_file

pytestmark = pytest.mark.skipif(bool(tiny.sandboxed()), reason=tiny.sandboxed() or "sandboxed")
PATIENT = Limits(memory_mib=768, disk_mib=16)  # torch alone maps 500 MiB and more
HONEST = {"ada": (2, 3), "bob": (2, 0), "cyd": (0, 0)}  # their points
SECRET = "a-secret-of-the-instructor"


@dataclass
class Graded:
    """A batch after it was graded, and what was seen of this machine before and after."""

    batch: Batch
    outcome: Outcome
    master: tiny.exercises.Master
    trees: tuple[dict[str, str], dict[str, str]]
    heard: list[bytes] = field(default_factory=list)
    temporary: Path = Path()

    @property
    def records(self) -> dict[str, Record]:
        return {record.student: record for record in self.outcome.done}

    def points(self, student: str) -> dict[str, float | None]:
        scores = self.batch.gradebook().scores()
        return {score.grade_id: score.points for score in scores if score.student == student}


def limits() -> Limits:
    """Short ones for what never ends; longer ones while this machine is busy, for the solution imports torch."""
    busy = min(4, max(1, round(psutil.getloadavg()[0] / (os.cpu_count() or 1))))
    return replace(PATIENT, cell_seconds=8 * busy, notebook_seconds=30 * busy)


def tree(*folders: Path) -> dict[str, str]:
    """All files below folders: their modes and a digest of what they hold."""
    found = {}
    for path in (path for folder in folders for path in folder.rglob("*") if "__pycache__" not in path.parts):
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        found[str(path)] = f"{path.lstat().st_mode} {hashlib.sha256(content).hexdigest()}"
    return found


def listen(heard: list[bytes]) -> int:
    """A server on this machine, over TCP and UDP, that notes what it hears. Returns its port."""
    stream = socket.create_server(("127.0.0.1", 0))
    port = stream.getsockname()[1]
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(("127.0.0.1", port))
    threading.Thread(target=lambda: heard.append(stream.accept()[0].recv(10)), daemon=True).start()
    threading.Thread(target=lambda: heard.append(datagrams.recv(10)), daemon=True).start()
    return port


def submissions(folder: Path, master: tiny.exercises.Master, hostile: list[tiny.Hostile]) -> None:
    tiny.write(folder, "ada", tiny.correct(master))
    tiny.write(folder, "bob", tiny.answered(master, mean=tiny.MEAN))
    tiny.write(folder, "cyd", tiny.answered(master))
    for one in hostile:
        notebook = tiny.correct(master)
        one.cells(notebook)
        tiny.write(folder, one.name, notebook)


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graded]:
    """The whole batch, graded once for all tests of this file."""
    with pytest.MonkeyPatch.context() as patch:
        base = tmp_path_factory.mktemp("batch")
        temporary = Path(tempfile.mkdtemp(dir="/tmp"))
        temporary.chmod(0o755)  # as root the sandbox goes down to a user who must come through here
        patch.setenv("TMPDIR", str(temporary))
        patch.setattr("tempfile.tempdir", str(temporary))
        patch.setenv("INSTRUCTORS_SECRET", SECRET)
        master, heard = tiny.repository(base / "repository"), []
        hostile = tiny.hostile(str(base / "repository" / "solutions"), str(base / "out"), listen(heard))
        source = base / "submissions"
        submissions(source, master, hostile)
        (source / "link").mkdir()
        (source / "link" / f"{tiny.NAME}.ipynb").symlink_to(source / "ada" / f"{tiny.NAME}.ipynb")
        tiny.write(source, "bad_json", b'{"cells": [')
        tiny.write(source, "oversized", b" " * 21_000_000)
        tiny.write(source, "nested", b"[" * 200_000)
        (source / "nothing").mkdir()
        (source / "numpy.py").write_text("raise SystemExit")
        package = Path(minigan.__file__).parent  # it is shown in the sandbox
        watched = (base / "repository", source, package)
        before = tree(*watched)
        batch = Batch(base / "repository", source, base / "out", limits=limits())
        outcome = grade(batch)
        yield Graded(batch, outcome, master, (before, tree(*watched)), heard, temporary)
        shutil.rmtree(temporary)


NAMES = [one.name for one in tiny.hostile("", "", 0)]


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_submission_ends_with_a_state_and_earns_nothing_by_it(graded, name):
    expected = next(one for one in tiny.hostile("", "", 0) if one.name == name)
    record = graded.records[name]
    assert record.state in expected.states.split(), record
    if record.state == "refused":
        assert record.reason
        assert graded.points(name) == {}
        return
    assert bool(record.reason) == (record.state != "graded")
    points = graded.points(name)
    for task in ("mean", "largest"):
        wanted = getattr(expected, task)
        assert wanted is None or points[f"{task}-check"] == wanted, record


@pytest.mark.parametrize("student", HONEST)
def test_honest_scores_do_not_move(graded, student):
    points = graded.points(student)
    assert (points["mean-check"], points["largest-check"]) == HONEST[student]
    assert graded.records[student].state == "graded"
    assert points["why"] == (0 if student == "cyd" or student == "bob" else None)  # an untouched text is no answer


@pytest.mark.parametrize(
    ("student", "reason"),
    [
        ("link", "a link"),
        ("bad_json", "cannot be read as JSON"),
        ("nested", "cannot be read as JSON"),
        ("oversized", "21 MB"),
    ],
)
def test_what_is_no_notebook_is_refused_before_anything_runs(graded, student, reason):
    record = graded.records[student]
    assert (record.state, reason in record.reason, record.seconds) == ("refused", True, 0.0)
    assert graded.points(student) == {}


def test_every_submission_is_in_the_records_with_a_state(graded):
    handed_in = {path.name for path in graded.batch.source.iterdir() if path.is_dir()} - {"nothing"}
    assert set(graded.records) == handed_in
    assert {record.student for record in graded.batch.records} == handed_in
    assert {record.student for record in graded.outcome.to_look_at} == {
        record.student for record in graded.outcome.done if record.state != "graded"
    }


def test_nothing_outside_changes(graded):
    assert graded.trees[0] == graded.trees[1]


def test_no_process_survives_and_no_folder_stays(graded):
    left = []
    for process in psutil.process_iter(["cmdline", "status"]):
        words = " ".join(process.info["cmdline"] or [])
        if str(graded.temporary) in words and process.info["status"] != psutil.STATUS_ZOMBIE:
            left.append(words)
    assert left == []
    assert [path.name for path in graded.temporary.glob("minigan-*")] == []


def autograded(graded: Graded, student: str) -> str:
    path = graded.batch.home / "autograded" / student / tiny.NAME / f"{tiny.NAME}.ipynb"
    return path.read_text(encoding="utf-8")


def test_no_packet_leaves(graded):
    assert graded.heard == []
    notebook = tiny.nbformat.reads(autograded(graded, "network"), as_version=4)
    said = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))
    assert not any(address in said for address in ("10.255.255.1", "8.8.8.8"))  # what is sent to itself stays inside


def test_no_secret_of_this_machine_is_seen(graded):
    seen = autograded(graded, "secrets")
    assert "SEEN" in seen
    assert SECRET not in seen
    assert str(graded.batch.root) not in seen


def test_the_repository_and_other_submissions_are_not_seen(graded):
    assert "FOUND [] False False" in autograded(graded, "search")


def test_no_hidden_test_and_nothing_active_reaches_students(graded):
    secrets = hidden_lines(tiny.nbformat.read(graded.master.notebook, as_version=4))
    assert any("secret_values" in line for line in secrets)
    pages = sorted((graded.batch.out / "feedback").glob("*.html"))
    assert {page.stem for page in pages} == set(graded.records)
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not any(line in text for line in secrets), page
        assert "secret_" not in text
        assert "secret mean" not in text
        assert "Traceback" not in text
        assert "<script" not in text
        assert "<img src=x" not in text
        assert 'href="javascript' not in text


def test_the_formgrader_gets_nothing_active(graded):
    notebook = tiny.nbformat.reads(autograded(graded, "html"), as_version=4)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            assert set(output.get("data", {})) <= {"text/plain", "image/png", "image/jpeg"}
        if cell.cell_type == "markdown" and "EVIL" in cell.source:
            assert "<" not in cell.source
            assert "javascript:" not in cell.source


def test_a_deleted_test_comes_back_and_points_are_the_masters(graded):
    assert "mean-check was missing and was put back" in graded.records["no_test"].notes
    assert "mean-check says 100 points" in graded.records["hundred"].notes[0]
    most = {score.most for score in graded.batch.gradebook().scores() if score.grade_id == "mean-check"}
    assert most == {2.0}


def test_the_reasons_of_stops_are_plain(graded):
    reasons = {name: graded.records[name].reason for name in ("creep", "stubborn", "exit_hard", "segfault", "sockets")}
    assert "of memory, allowed are 768" in reasons["creep"]
    assert f"longer than {graded.batch.limits.cell_seconds} s and could not be interrupted" in reasons["stubborn"]
    assert "ended its own process" in reasons["exit_hard"]
    assert "ended its own process" in reasons["segfault"]
    assert "beside its connection" in reasons["sockets"]
    assert "(at largest" in reasons["creep"]


def test_the_table_holds_every_student_and_blanks_for_what_was_not_scored(graded):
    with (graded.batch.out / "grades.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert rows["ada"] == {"student": "ada", "name": "", tiny.NAME: "5", "total": "5", "max": "9", "to read": "1"}
    assert (rows["two_tests"][tiny.NAME], rows["two_tests"]["total"]) == ("", "")
    assert rows["run_cell"]["total"] == "0"


def test_the_report_names_what_needs_a_person_first(graded):
    text = (graded.batch.out / "report.html").read_text(encoding="utf-8")
    places = [
        text.index(f"<td>{name}") if name == "link" else text.index(f">{name}</a>") for name in ("strip", "creep")
    ]
    assert places == sorted(places)
    assert text.index("Needs a person") < text.index(">strip</a>") < text.index("Students</h2>")
    assert "it follows outliers" in text
    assert 'role="img" aria-label="Distribution of scores' in text
    assert "<script" not in text


def test_one_worker_agrees_with_two(graded, tmp_path):
    submissions(tmp_path / "submissions", graded.master, [])
    alone = Batch(graded.batch.root, tmp_path / "submissions", tmp_path / "out", workers=1, limits=PATIENT)
    grade(alone)
    for name in ("grades.csv", "tasks.csv"):
        lines = (alone.out / name).read_text(encoding="utf-8").splitlines()
        assert len(lines) == 1 + len(HONEST)
        assert set(lines) <= set((graded.batch.out / name).read_text(encoding="utf-8").splitlines())
    assert os.environ.get("NBGRADER_EXECUTION") is None


def test_a_rerun_keeps_manual_marks_and_does_only_what_is_new(graded, monkeypatch, tmp_path):
    from nbgrader.api import Gradebook

    monkeypatch.setenv("TMPDIR", str(graded.temporary))
    with Gradebook(graded.batch.gradebook().url) as book:
        book.find_grade("why", tiny.NAME, tiny.NAME, "ada").manual_score = 3.5
        book.find_comment("why", tiny.NAME, tiny.NAME, "ada").manual_comment = "Good <b>point</b>."
        book.db.commit()
    source = tmp_path / "again"
    tiny.write(source, "ada", tiny.correct(graded.master))
    tiny.write(source, "bob", tiny.correct(graded.master))  # he mended it
    batch = Batch(graded.batch.root, source, graded.batch.out, limits=PATIENT)
    outcome = grade(batch)
    assert [record.student for record in outcome.done] == ["bob"]
    assert [record.student for record in outcome.skipped] == ["ada"]
    assert graded.points("bob")["largest-check"] == 3
    batch.again = True
    assert {record.student for record in grade(batch).done} == {"ada", "bob"}
    assert graded.points("ada") == {"mean-check": 2, "largest-check": 3, "why": 3.5}
    page = (graded.batch.out / "feedback" / "ada.html").read_text(encoding="utf-8")
    assert "Good &lt;b&gt;point&lt;/b&gt;." in page
    assert "8.5 of 9" in page
    assert verdict_file(graded.batch.home / "verdicts", tiny.NAME, "ada").exists()
