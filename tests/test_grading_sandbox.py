"""The sandbox by itself: what it shows, what it holds back, its limits, and what happens where there is none."""

import json
import re
import shutil
import socket
import struct
import sys
from pathlib import Path

import nbformat
import psutil
import pytest
import submissions as tiny

import minigan
from minigan.course import hidden
from minigan.course.grading import canaries, execute, judge, kernel, sandbox, seccomp
from minigan.course.grading.batch import Batch, grade
from minigan.course.grading.sandbox import Job, Limits

needs_sandbox = pytest.mark.skipif(bool(tiny.sandboxed()), reason=tiny.sandboxed() or "sandboxed")


def inside(code: str, limits: Limits | None = None, **options) -> str:
    """Run Python in the sandbox and return what it prints."""
    job = sandbox.new_job(limits or Limits(), {}, **options)
    try:
        with sandbox.start(job, [sys.executable, "-c", code]) as process:
            return process.communicate(timeout=60)[0].decode()
    finally:
        shutil.rmtree(job.run)


@needs_sandbox
def test_the_sandbox_shows_minigan_and_nothing_of_the_repository():
    package = Path(minigan.__file__).parent
    said = inside(
        f"import os, minigan; print(sorted(os.listdir({str(package.parent)!r})), os.listdir('/submission'),"
        f" os.path.exists({str(package.parent / 'solutions')!r}), minigan.__file__)"
    )
    names, _, rest = said.partition("] ")
    allowed = {"minigan", Path(sys.prefix).name} if Path(sys.prefix).is_relative_to(package.parent) else {"minigan"}
    assert set(json.loads(names.replace("'", '"') + "]")) <= allowed
    assert rest.startswith("[] False")


@needs_sandbox
def test_a_hidden_folder_is_empty_even_where_it_lies_in_one_that_is_shown():
    hidden = Path(minigan.__file__).parent / "course" / "jupyter"
    assert inside(f"import os; print(os.listdir({str(hidden)!r}))", hidden=[hidden]).strip() == "[]"


@needs_sandbox
def test_nothing_can_be_written_and_nobody_be_become():
    code = (
        "import os\nfor path in ('/usr/x', '/x', '/dev/x', minigan + '/x', '/etc/x'):\n"
        "    try: open(path, 'w'); print('WROTE', path)\n    except OSError: pass\n"
        "try: os.setuid(0); print('ROOT')\nexcept OSError: pass\n"
        "print(os.getuid(), open('/proc/self/status').read().split('CapEff:')[1].split()[0])"
    )
    assert inside(f"minigan = {str(Path(minigan.__file__).parent)!r}\n{code}").split() == ["1000", "0" * 16]


@needs_sandbox
def test_the_environment_is_clean_and_the_command_line_tells_nothing(monkeypatch):
    monkeypatch.setenv("INSTRUCTORS_SECRET", "hush")
    said = inside(
        "import os; print(sorted(os.environ), open('/proc/1/environ').read(), open('/proc/1/cmdline').read())"
    )
    assert "NBGRADER_EXECUTION" in said
    assert "hush" not in said
    assert "stage" not in said


@needs_sandbox
def test_there_is_no_network():
    with socket.create_server(("127.0.0.1", 0)) as server:
        code = (
            "import socket\ntry: socket.create_connection(('127.0.0.1', %d), 2); print('REACHED')\n"
            "except OSError: print('none')\nprint([name for _, name in socket.if_nameindex()])"
        )
        assert inside(code % server.getsockname()[1]).split("\n")[:2] == ["none", "['lo']"]


@needs_sandbox
@pytest.mark.skipif(not seccomp.program(), reason="the numbers of the system calls are not known here")
def test_memory_cannot_be_hidden_in_unmapped_files():
    code = "import os\ntry: os.memfd_create('x'); print('MADE')\nexcept OSError as error: print(error.errno)"
    assert inside(code).strip() == "38"


@pytest.mark.parametrize("machine", seccomp.ARCHITECTURES)
def test_the_filter_refuses_what_it_names_and_lets_the_rest_pass(machine):
    audit, calls = seccomp.ARCHITECTURES[machine]
    assert verdict(seccomp.program(machine), audit, 0) == seccomp.ALLOW
    assert verdict(seccomp.program(machine), audit, 1) == seccomp.ALLOW
    assert verdict(seccomp.program(machine), audit, 0x40000001) == seccomp.REFUSE
    assert verdict(seccomp.program(machine), 0x40000003, 1) == seccomp.KILL
    for number in calls.values():
        assert verdict(seccomp.program(machine), audit, number) == seccomp.REFUSE
        for beside in {number - 1, number + 1} - set(calls.values()):
            assert verdict(seccomp.program(machine), audit, beside) == seccomp.ALLOW
    assert seccomp.program("abacus") == b""


def verdict(program: bytes, audit: int, call: int) -> int:
    """What a filter says to a system call: a BPF machine as small as it gets."""
    steps = [struct.unpack_from("HBBI", program, at) for at in range(0, len(program), 8)]
    place, loaded = 0, 0
    while True:
        code, yes, no, value = steps[place]
        place += 1
        if code == seccomp.LOAD:
            loaded = audit if value == 4 else call
        elif code == seccomp.JUMP_EQUAL:
            place += yes if loaded == value else no
        elif code == seccomp.JUMP_AT_LEAST:
            place += yes if loaded >= value else no
        else:
            return value


def run(*sources: str, **limits: int) -> tuple[list[nbformat.NotebookNode], execute.Run]:
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    return cells, execute.run_cells(cells, sandbox.new_job(Limits(**limits), {}))


@needs_sandbox
def test_an_error_costs_only_its_cell_and_a_stop_what_follows():
    cells, done = run("1/0", "print(1)", "import os; os._exit(0)", "print(2)")
    assert [cell.outputs[-1].get("ename") for cell in cells] == ["ZeroDivisionError", None, "Stopped", "NotRun"]
    assert (done.stopped, done.cell) == ("the cell ended its own process", 2)


@needs_sandbox
def test_a_notebook_ends_at_its_limit():
    cells, done = run(
        "import time; time.sleep(2)", *["import time\ntime.sleep(9)"] * 3, cell_seconds=3, notebook_seconds=5
    )
    assert done.stopped == "the notebook took longer than 5 s"
    assert cells[1].outputs[-1].ename in ("KeyboardInterrupt", "TimedOut")
    assert done.seconds < 40


@needs_sandbox
def test_a_notebook_that_sends_too_much_is_stopped():
    flood = "import time\nfor _ in range(400): print('x' * 100_000, flush=True); time.sleep(0.01)"
    cells, done = run(flood, "print(1)")
    assert (done.stopped, done.cell) == ("the notebook sent more than 20 MB of output", 0)
    assert cells[1].outputs[-1].ename == "NotRun"
    assert sum(len(output.get("text", "")) for output in cells[0].outputs) <= execute.CELL


FORK = """
import os, time
made = 0
try:
    for _ in range(200):
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        made += 1
except BlockingIOError:
    print(made, "processes")
"""
WRITE = """
try:
    with open("/tmp/large", "wb") as file:
        for _ in range(30): file.write(bytes(1 << 20))
    print("30 MiB written")
except OSError as error:
    print(error.strerror)
"""
OPEN = """
try:
    kept = [open("/dev/null") for _ in range(200)]
    print("200 files open")
except OSError as error:
    print(error.strerror)
"""


@needs_sandbox
@pytest.mark.parametrize(
    ("code", "limits", "said"),
    [
        (FORK, Limits(processes=20), r"1?\d processes"),
        (WRITE, Limits(disk_mib=16), "No space left on device"),
        ("import signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)" + WRITE, Limits(file_mib=8), "File too large"),
        (OPEN, Limits(open_files=50), "Too many open files"),
        (WRITE, Limits(), "30 MiB written"),
        (OPEN, Limits(), "200 files open"),
    ],
    ids=["processes", "disk", "a file", "open files", "a file that fits", "files that may be open"],
)
def test_what_a_submission_may_use(code, limits, said):
    assert re.fullmatch(said, inside(code, limits).strip())


@needs_sandbox
def test_what_is_started_is_gone_afterwards():
    before = set(psutil.Process().children(recursive=True))
    run("import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(99)")
    assert set(psutil.Process().children(recursive=True)) <= before


@needs_sandbox
def test_a_sandbox_ends_with_its_grader():
    code = (
        "import os, subprocess, sys, time\n"
        "from minigan.course.grading.sandbox import Job, Limits, new_job\n"
        "job = new_job(Limits(), {})\n"
        "path = job.connection / 'k.json'\n"
        'path.write_text(\'{"transport": "ipc", "ip": "x", "key": ""}\')\n'
        "command = [sys.executable, '-m', 'minigan.course.grading.kernel', str(path)]\n"
        "child = subprocess.Popen(command, env={**os.environ, Job.VARIABLE: job.as_text()})\n"
        "print(child.pid, job.run, flush=True); time.sleep(60)"
    )
    with psutil.Popen([sys.executable, "-c", code], stdout=-1, text=True) as grader:
        pid, folder = grader.stdout.readline().split()
        starter = psutil.Process(int(pid))
        grader.kill()
    _, alive = psutil.wait_procs([starter], timeout=20)
    assert alive == [] or alive[0].status() == psutil.STATUS_ZOMBIE
    assert not Path(folder).exists()


def test_a_kernel_that_wants_a_network_is_refused(tmp_path, monkeypatch, refuses):
    (tmp_path / "k.json").write_text('{"transport": "tcp"}')
    monkeypatch.setenv(Job.VARIABLE, Job(str(tmp_path)).as_text())
    monkeypatch.setattr(sys, "argv", ["kernel", str(tmp_path / "k.json")])
    with refuses(ValueError, "asks for a network", "must be ipc"):
        kernel.main()


def test_a_process_that_has_ended_holds_no_memory():
    with psutil.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
        assert kernel.memory_mib([psutil.Process()], 1) > 1
        assert kernel._proportional(process, 10**9) == 0


def test_a_job_travels_as_text():
    job = Job("/run", Limits(cell_seconds=3), {"A": "b"}, "/given", ["/hidden"])
    assert Job.from_text(job.as_text()) == job


@pytest.mark.parametrize(
    ("said", "parts"),
    [
        ("bwrap: No permissions to create new namespace", ("no sandbox", "user namespaces")),
        ("bwrap: setting up uid map: Permission denied", ("no sandbox", "unprivileged_userns_clone")),
        ("", ("does not start here", "no reason given")),
    ],
)
def test_what_bubblewrap_says_becomes_a_remedy(said, parts, monkeypatch):
    monkeypatch.setattr(Path, "exists", lambda self: False)
    assert all(part in sandbox._explain(said) for part in parts)


def test_apparmor_is_recognised(monkeypatch):
    monkeypatch.setattr(Path, "exists", lambda self: True)
    monkeypatch.setattr(Path, "read_text", lambda self: "1\n")
    assert "AppArmor forbids" in sandbox._explain("bwrap: setting up uid map: Permission denied")


@pytest.mark.parametrize(
    ("patches", "said"),
    [
        ({"sys.platform": "darwin"}, "grading needs Linux, this is darwin"),
        ({"shutil.which": lambda *a, **k: None}, "apt install bubblewrap"),
        (
            {
                "minigan.course.grading.sandbox._is_root": lambda: True,
                "shutil.which": lambda name, **k: None if name == "setpriv" else f"/usr/bin/{name}",
            },
            "grading needs util-linux, which is not installed; on Debian and Ubuntu: sudo apt install util-linux",
        ),
        ({"minigan.course.grading.sandbox._system": lambda limits: ["--no-such-option"]}, "does not start here"),
    ],
)
def test_without_a_sandbox_nothing_runs_and_nothing_is_scored(tmp_path, monkeypatch, patches, said):
    if "Linux" not in said and sys.platform != "linux":
        pytest.skip("a fault of Linux systems")
    if "does not start" in said and tiny.sandboxed():
        pytest.skip(tiny.sandboxed())
    master = tiny.repository(tmp_path / "repository")
    tiny.write(tmp_path / "submissions", "ada", tiny.correct(master))
    for name, value in patches.items():
        monkeypatch.setattr(name, value)
    with pytest.raises(OSError, match="nothing was graded: ") as caught:
        grade(Batch(tmp_path / "repository", tmp_path / "submissions", tmp_path / "out"))
    assert said in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_nbgraders_own_autograde_runs_nothing_without_a_sandbox(monkeypatch):
    from minigan.course.grading import steps

    monkeypatch.setattr(steps, "obstacle", lambda: "no sandbox here")
    monkeypatch.setattr(steps, "judge", lambda *a: pytest.fail("it ran"))
    monkeypatch.setattr(nbformat, "read", lambda *a, **k: None)
    resources = {"nbgrader": {"assignment": "a", "notebook": "a", "student": "b"}}
    with pytest.raises(RuntimeError, match="no sandbox here"):
        steps.RunInSandbox().preprocess(nbformat.v4.new_notebook(), resources)


def test_the_names_that_a_solution_binds():
    source = "import math\nA, (b, *c) = 1, (2, 3)\nd: int = 3\ndef e(): f = 1\nclass G: h = 2\nA += 1\nx[0] = 3\n"
    assert canaries.bound(source) == ["A", "b", "c", "d", "e", "G", "x"]


def test_canaries_follow_each_test(tmp_path):
    master = nbformat.read(tiny.repository(tmp_path).notebook, as_version=4)
    assert canaries.answers_of(master) == {"mean-check": ["mean"], "largest-check": ["largest"]}
    plan = canaries.with_canaries(master, canaries.answers_of(master))
    assert [(grade_id, kind) for grade_id, kind, _ in plan.canaries] == [
        ("mean-check", "false"),
        ("mean-check", "junk"),
        ("largest-check", "false"),
        ("largest-check", "junk"),
    ]
    failed = nbformat.v4.new_output("error", ename="AssertionError", evalue="", traceback=[])
    for _, _, cell in plan.canaries[:-1]:
        cell.outputs = [failed]
    assert plan.flags() == ["the test largest-check passed with junk in the answer's place"]
    plan.canaries[-1][2].outputs = [failed]
    assert plan.flags() == []


def test_junk_leaves_no_trace():
    before, after = canaries._swap(["known", "unknown"])
    names = {"known": 3}
    exec(before.source, names)
    assert names["known"] is names["unknown"] is not None
    exec(after.source, names)
    assert set(names) - {"__builtins__"} == {"known"}
    assert names["known"] == 3


@pytest.mark.parametrize(
    "value", [None, [], {"array": "AA", "kind": []}, {"number": []}, 10**400, {"shape": [-1]}, "3"]
)
def test_a_value_that_is_none_is_wrong_and_never_an_error(value):
    message = {"probe": "x", "value": 3.0, "within": 1e-4, "mean_square": False}
    assert hidden.first_complaint([message], [{"probe": "x", "value": value}])
    assert hidden.first_complaint([message], []) == "x: no value came"
    assert hidden.first_complaint([message], [{"probe": "x", "value": 3.0}]) == ""


@needs_sandbox
@pytest.mark.parametrize("broken", ["return 4.0", "raise ValueError"])
def test_a_solution_that_fails_its_own_tests_is_named(tmp_path, broken):
    master = nbformat.read(tiny.repository(tmp_path).notebook, as_version=4)
    for cell in master.cells:
        cell.source = cell.source.replace("return sum(values) / len(values)", broken)
    with pytest.raises(ValueError, match="the solution fails in the sandbox: NotYet"):
        judge.solve(master, tmp_path / "secrets", Limits(), [])
    assert not (tmp_path / "secrets").exists()
