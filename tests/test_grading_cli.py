"""`minigan grade` as an instructor calls it, and nbgrader's own commands on the same gradebook."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import asdict
from pathlib import Path

import nbformat
import pytest
import submissions as tiny

from minigan.course import chapters
from minigan.course.grading import batch, progress, report
from minigan.course.grading.batch import Batch, grade
from minigan.course.grading.records import Record, Records
from minigan.course.grading.roster import Student
from minigan.course.grading.sandbox import Limits

needs_sandbox = pytest.mark.skipif(bool(tiny.sandboxed()), reason=tiny.sandboxed() or "sandboxed")


@pytest.fixture
def master(tmp_path, monkeypatch):
    master = tiny.repository(tmp_path / "repository")
    monkeypatch.setattr(chapters, "repository", lambda: tmp_path / "repository")
    return master


@needs_sandbox
def test_from_a_zip_and_a_roster_to_scores_and_feedback(master, minigan, tmp_path):
    with zipfile.ZipFile(tmp_path / "week.zip", "w") as archive:
        archive.writestr(f"lovelaceada_5_6_{tiny.NAME}.ipynb", json.dumps(tiny.correct(master)))
        archive.writestr(f"bob_7_8_{tiny.NAME}.ipynb", "{")
    (tmp_path / "roster.csv").write_text("id,name,email\na1,Ada Lovelace,a@example.org\nbob,=Bob,\nzoe,Zoe,\n")
    call = ("grade", tmp_path / "week.zip", "-o", tmp_path / "out", "--roster", tmp_path / "roster.csv", "--workers", 1)
    code, told, complained = minigan(*call, "--chapter", "1")
    assert code == 1
    assert told.splitlines()[0] == "1 graded, 1 refused"
    assert "minigan: zoe handed in nothing" in complained
    assert "minigan: 1 need a person; see " in complained
    assert (tmp_path / "out" / "grades.csv").read_text().splitlines() == [
        "student,name,01_tiny,total,max,to read",
        "a1,Ada Lovelace,5,5,9,1",
        "bob,'=Bob,,,9,0",
        "zoe,Zoe,,,9,0",
    ]
    assert sorted(path.name for path in (tmp_path / "out" / "feedback").iterdir()) == ["a1.html", "bob.html"]
    assert "bob 01_tiny: refused" in (tmp_path / "out" / "log.txt").read_text()
    code, told, _ = minigan(*call)
    assert (code, told.splitlines()[0]) == (1, "1 refused, 1 unchanged")


@needs_sandbox
def test_nbgraders_own_commands_use_the_gradebook_and_the_sandbox(master, tmp_path):
    tiny.write(tmp_path / "submissions", "ada", tiny.answered(master, mean=tiny.WRONG, largest=tiny.LARGEST))
    hostile = tiny.correct(master)
    tiny.before("mean", tiny.GRAB)(hostile)
    tiny.write(tmp_path / "submissions", "eve", hostile)
    done = Batch(tmp_path / "repository", tmp_path / "submissions", tmp_path / "out", workers=1)
    assert {record.student: record.state for record in grade(done).done} == {"ada": "graded", "eve": "graded"}
    notebook = done.home / "submitted" / "ada" / tiny.NAME / f"{tiny.NAME}.ipynb"
    mended = nbformat.read(notebook, as_version=4)
    next(cell for cell in mended.cells if "return 3.0" in cell.source).source = tiny.MEAN
    nbformat.write(mended, notebook)
    for command in (["autograde", tiny.NAME, "--force"], ["generate_feedback", tiny.NAME], ["export"]):
        said = subprocess.run(
            [sys.executable, "-m", "nbgrader", *command],
            cwd=done.home,
            capture_output=True,
            text=True,
            env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        )
        assert said.returncode == 0, said.stderr
    points = {score.grade_id: score.points for score in done.gradebook().scores() if score.student == "ada"}
    assert points == {"mean-check": 2, "largest-check": 3, "why": 0}
    pages = {
        student: (done.home / "feedback" / student / tiny.NAME / f"{tiny.NAME}.html").read_text()
        for student in ("ada", "eve")
    }
    assert "secret" not in pages["ada"]
    assert "GRABBED" in pages["eve"]  # the rest of what it prints stays
    assert "secret" not in pages["eve"]
    table = (done.home / "grades.csv").read_text().splitlines()
    assert [",5.0," in line for line in table if ",ada," in line] == [True]


def test_lines_of_hidden_tests_are_left_out_of_what_a_submission_says():
    from minigan.course.grading.steps import HideTests, hidden_lines, without

    secret = 'probe("mean", mean(secret_values))'
    new = nbformat.v4
    cell = new.new_code_cell(
        f"with checking('A mean') as c:\n    ...\n### BEGIN HIDDEN TESTS\n{secret}\n### END HIDDEN TESTS"
    )
    cell.outputs = [
        new.new_output("stream", name="stderr", text=f"before\n>> {secret}\nafter"),
        new.new_output("display_data", data={"text/plain": f"shown\n    {secret}"}),
        new.new_output("error", ename=f"Told\n{secret}", evalue=secret, traceback=[secret]),
    ]
    notebook = new.new_notebook(cells=[cell])
    lines = hidden_lines(notebook)
    assert lines == {secret, "### END HIDDEN TESTS"}
    shown, _ = HideTests().preprocess(notebook, {})
    texts = [output.get("text") or output.data["text/plain"] for output in shown.cells[0].outputs]
    assert texts == ["before\n(left out)\nafter\n", "shown\n(left out)", "Told\n(left out)\n"]
    assert "secret" not in nbformat.writes(shown)
    assert without(lines, f"kept to a length:\n{secret[:20]}") == "kept to a length:\n(left out)"
    assert without(lines, "\x1b[31mpro\x1b[0m" + secret[3:]) == "(left out)"
    assert without(lines, "a problem\nprobe") == "a problem\nprobe"


def test_the_walk_for_instructors_writes_beside_the_repository():
    root = Path(__file__).parents[1]
    lines = (root / "docs" / "instructor.md").read_text().splitlines()
    lines += [line for line in (root / "README.md").read_text().splitlines() if "minigan grade" in line]
    folders = [folder for line in lines for folder in re.findall(r"minigan grade .* -o (\S+)", line)]
    assert len(folders) == 3
    assert [folder for folder in folders if not folder.startswith("../")] == []


def test_without_a_terminal_progress_is_a_line_now_and_then(capsys, monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    with progress.Progress(2) as shown:
        shown.step("a")
        shown.step("b")
    first, last = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"1 of 2 submissions graded, about \d+ s left", first)
    assert last == "2 of 2 submissions graded"
    monkeypatch.setattr(progress, "PATIENCE", 60.0)
    with progress.Progress(2) as shown:
        shown.step("a")
    assert capsys.readouterr().err == ""


@needs_sandbox
def test_ctrl_c_keeps_what_is_done_and_leaves_no_process(master, tmp_path):
    tiny.write(tmp_path / "submissions", "ada", tiny.correct(master))
    slow = tiny.correct(master)
    tiny.before("mean", "import time\ntime.sleep(50)")(slow)
    tiny.write(tmp_path / "submissions", "bob", slow)
    code = (
        "import sys; from pathlib import Path; from minigan.course.grading.batch import Batch, grade\n"
        "if __name__ == '__main__':\n"
        "    grade(Batch(*map(Path, sys.argv[1:]), workers=1))"
    )
    script = tmp_path / "script.py"
    script.write_text(code)
    out = tmp_path / "out"
    command = [sys.executable, str(script), str(tmp_path / "repository"), str(tmp_path / "submissions"), str(out)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        deadline = time.monotonic() + 120
        while not (out / "nbgrader" / "records" / tiny.NAME / "ada.json").exists() and time.monotonic() < deadline:
            time.sleep(0.2)
        time.sleep(2)
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=60)
    assert "ada,,5,5,9,1" in (out / "grades.csv").read_text()
    assert [record.student for record in Records(out / "nbgrader" / "records")] == ["ada"]


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (("nowhere", "-o", "out"), ("nowhere does not exist", "check the path")),
        (("submissions", "-o", "repository/out"), ("lies in the repository", "outside it")),
        (("submissions", "-o", "submissions/out"), ("lie in each other", "outside the submissions")),
        (("submissions", "-o", "out", "--chapter", "99"), ("exercise '99' is not known", "01_tiny")),
        (("submissions", "-o", "out", "--roster", "none.csv"), ("none.csv",)),
    ],
)
def test_a_wrong_call_is_one_sentence(master, refused, tmp_path, monkeypatch, options, parts):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(batch, "obstacle", lambda: None)
    tiny.write(tmp_path / "submissions", "ada", tiny.correct(master))
    refused("grade", *options, parts=parts)


def test_without_a_sandbox_the_command_says_what_is_missing(master, refused, tmp_path, monkeypatch):
    monkeypatch.setattr(batch, "obstacle", lambda: "grading needs bubblewrap, which is not installed")
    tiny.write(tmp_path / "submissions", "ada", tiny.correct(master))
    refused("grade", tmp_path / "submissions", "-o", tmp_path / "out", parts=("nothing was graded", "needs bubblewrap"))
    assert not (tmp_path / "out").exists()


def test_two_runs_into_one_folder_do_not_mix(tmp_path, refuses):
    with batch._alone(tmp_path), refuses(OSError, "another run is grading into", "wait for it"), batch._alone(tmp_path):
        pass


def test_a_key_changes_with_the_file_and_the_master(master, tmp_path):
    one = Batch(tmp_path / "repository", tmp_path, tmp_path / "out")
    key = one.key(b"x", tiny.NAME)
    assert key == one.key(b"x", tiny.NAME) != one.key(b"y", tiny.NAME)
    master.notebook.write_text(master.notebook.read_text() + " ")
    assert one.key(b"x", tiny.NAME) != key


def test_a_worker_that_dies_takes_no_other_submission_with_it(master, tmp_path, monkeypatch):
    def pool(batch, waiting, solved, workers):
        solved.add(tiny.NAME)
        for record in waiting:
            if record.student == "eve":
                raise batch_module.BrokenProcessPool
            yield record

    batch_module = batch
    monkeypatch.setattr(batch, "_pool", pool)
    waiting = [Record(student, tiny.NAME, "graded") for student in ("ada", "eve", "zoe")]
    states = {record.student: record.state for record in batch._run(Batch(tmp_path, tmp_path, tmp_path), waiting)}
    assert states == {"ada": "graded", "eve": "stopped", "zoe": "graded"}


def test_workers_that_do_not_start_are_nobodys_fault(tmp_path, monkeypatch, refuses):
    def pool(batch, waiting, solved, workers):
        raise batch_module.BrokenProcessPool
        yield

    batch_module = batch
    monkeypatch.setattr(batch, "_pool", pool)
    with refuses(OSError, "died before any submission ran"):
        list(batch._run(Batch(tmp_path, tmp_path, tmp_path), [Record("ada", tiny.NAME, "graded")]))


def test_a_stop_is_tried_again_under_other_limits_only(tmp_path):
    before = Record("ada", tiny.NAME, "stopped", limits=asdict(Limits()))
    assert not batch._again(Batch(tmp_path, tmp_path, tmp_path), before)
    assert batch._again(Batch(tmp_path, tmp_path, tmp_path, limits=Limits(cell_seconds=120)), before)
    before.state = "graded"
    assert not batch._again(Batch(tmp_path, tmp_path, tmp_path, limits=Limits(cell_seconds=120)), before)
    assert batch._again(Batch(tmp_path, tmp_path, tmp_path, again=True), before)


def test_damaged_records_are_graded_again(tmp_path):
    records = Records(tmp_path)
    records.write(Record("ada", "01_tiny", "graded", key="k"))
    assert records.read("ada", "01_tiny") == Record("ada", "01_tiny", "graded", key="k")
    (tmp_path / "01_tiny" / "bob.json").write_text("{")
    assert [record.student for record in records] == ["ada"]
    assert records.read("bob", "01_tiny") is None


def test_the_picture_of_scores_says_what_it_shows():
    picture = report.histogram([0.0, 0.05, 0.55, 1.0])
    assert "0 to 10 %: 2, 50 to 60 %: 1, 90 to 100 %: 1." in picture
    assert picture.count('class="bar"') == report.BINS
    assert "None yet" in report.histogram([])


def test_the_summary_counts():
    done = [Record("a", "01", "graded"), Record("b", "01", "flagged"), Record("c", "01", "graded")]
    assert report.summary(done, [Record("d", "01", "graded")]) == "2 graded, 1 flagged, 1 unchanged"


def test_limits_leave_torch_room():
    assert Limits(memory_mib=300).address_space == 16 * 2**30
    assert Limits(memory_mib=4096).address_space == 32 * 2**30
    assert Student("a").name == ""


def test_learners_see_nothing_of_nbgrader_in_jupyterlab():
    from minigan.course.lab import SETTINGS

    page = json.loads((SETTINGS / "labconfig" / "page_config.json").read_text())
    assert page["disabledExtensions"]["@jupyter/nbgrader"] is True
    server = json.loads((SETTINGS / "jupyter_server_config.d" / "minigan.json").read_text())
    extensions = server["ServerApp"]["jpserver_extensions"]
    shipped = Path(sys.prefix) / "etc" / "jupyter" / "jupyter_server_config.d" / "nbgrader.json"
    if shipped.exists():  # all that nbgrader turns on is turned off
        theirs = json.loads(shipped.read_text())["ServerApp"]["jpserver_extensions"]
        assert set(theirs) <= set(extensions)
    assert not any(extensions.values())
