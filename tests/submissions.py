"""A small exercise without torch, and the submissions to it that a grader must survive, honest and hostile."""

import copy
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat

from minigan.course import exercises
from minigan.course.grading.sandbox import obstacle

NAME = "01_tiny"
SOURCE = """# %% [markdown]
# # A tiny exercise

# %%
import math

from minigan.course.checking import checking

# %% [markdown] task="mean" kind="complete" minutes=2 points=2 trains="a mean"
# ## A mean
#
# Write the mean of a list of numbers.

# %% answer="mean"
def mean(values):
    ### BEGIN SOLUTION
    return sum(values) / len(values)
    ### END SOLUTION

# %% check="mean"
with checking("A mean", ["Divide the sum by the count."]) as c:
    c.close(mean([1.0, 2.0, 6.0]), 3.0, "the mean of 1, 2 and 6 is 3")
### BEGIN HIDDEN TESTS
secret_values = given("secret values", lambda g: __import__("torch").rand(5, generator=g).tolist())
probe("secret mean", mean(secret_values))
### END HIDDEN TESTS

# %% [markdown] task="largest" kind="mend" minutes=2 points=3 trains="a maximum"
# ## The largest
#
# It forgets negative numbers.

# %% given="largest"
def largest(values):
    found = 0
    for value in values:
        found = max(found, value)
    return found

# %% answer="largest"
def largest(values):
    found = -math.inf
    for value in values:
        found = max(found, value)
    return found

# %% check="largest"
with checking("The largest", ["Where does it start?"]) as c:
    c.equal(largest([-3.0, -1.0, -2.0]), -1.0, "the largest of -3, -1 and -2 is -1")
### BEGIN HIDDEN TESTS
secret_depths = given("secret depths", lambda g: (-__import__("torch").rand(5, generator=g)).tolist())
probe("secret largest", largest(secret_depths))
### END HIDDEN TESTS

# %% [markdown] task="why" kind="explain" minutes=3 points=4 trains="words"
# ## Why
#
# Why is the mean no good middle of incomes?

# %% [markdown] explain="why"
# A few very rich people pull it up.
#
# **Rubric.**
#
# - 4 points: it follows outliers.
"""
MEAN = "def mean(values):\n    return sum(values) / len(values)\n"
LARGEST = "def largest(values):\n    return max(values)\n"
WRONG = "def mean(values):\n    return 3.0\n"  # passes what can be seen


@dataclass(frozen=True)
class Hostile:
    """A submission, what may become of it, and the points of its two tests; None where either is fair."""

    name: str
    states: str
    mean: int | None
    largest: int | None
    cells: Callable[[dict], None]


def sandboxed() -> str:
    """Why tests of the grader are skipped here, or an empty text. In CI a missing sandbox is a failure."""
    reason = obstacle() or ""
    if reason and os.environ.get("CI") == "true":
        raise RuntimeError(reason)
    return reason


def repository(root: Path) -> exercises.Master:
    """A repository that holds the tiny exercise, built but not executed."""
    master = exercises.Master(root, NAME)
    master.source.parent.mkdir(parents=True)
    (root / "notebooks" / "src").mkdir(parents=True)
    master.source.write_text(SOURCE, encoding="utf-8")
    exercises.release(master)
    return master


def answered(master: exercises.Master, **answers: str) -> dict:
    """What learners get, with answers put in by the names of the tasks, as plain data."""
    notebook = json.loads(master.release.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if grade_id in answers:
            cell["source"] = answers[grade_id]
    return notebook


def correct(master: exercises.Master) -> dict:
    return answered(master, mean=MEAN, largest=LARGEST, why="Outliers pull it.")


def write(folder: Path, student: str, notebook: dict | bytes) -> Path:
    path = folder / student / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_bytes(notebook if isinstance(notebook, bytes) else json.dumps(notebook).encode())
    return path


def cell_of(notebook: dict, grade_id: str) -> dict:
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == grade_id)


def before(task: str, code: str) -> Callable[[dict], None]:
    """Put code before the answer of a task."""

    def change(notebook: dict) -> None:
        cell = cell_of(notebook, task)
        cell["source"] = code + "\n" + "".join(cell["source"])

    return change


def instead(task: str, code: str) -> Callable[[dict], None]:
    def change(notebook: dict) -> None:
        cell_of(notebook, task)["source"] = code

    return change


def both(*changes: Callable[[dict], None]) -> Callable[[dict], None]:
    def change(notebook: dict) -> None:
        for one in changes:
            one(notebook)

    return change


def tagged(notebook: dict) -> None:
    for cell in notebook["cells"]:
        cell["metadata"]["tags"] = ["skip-execution", "raises-exception"]


def deleted(grade_id: str) -> Callable[[dict], None]:
    def change(notebook: dict) -> None:
        notebook["cells"].remove(cell_of(notebook, grade_id))

    return change


def doubled(notebook: dict) -> None:
    notebook["cells"].append(copy.deepcopy(cell_of(notebook, "mean-check")))


def renamed(notebook: dict) -> None:
    cell_of(notebook, "mean-check")["metadata"]["nbgrader"]["grade_id"] = "mean-chock"


def a_hundred(notebook: dict) -> None:
    cell_of(notebook, "mean-check")["metadata"]["nbgrader"]["points"] = 100


def other_kernel(notebook: dict) -> None:
    notebook["metadata"]["kernelspec"] = {"name": "bash", "display_name": "Bash", "language": "bash"}


def to_text(notebook: dict) -> None:
    cell = cell_of(notebook, "mean-check")
    cell["cell_type"] = "markdown"
    del cell["outputs"], cell["execution_count"]


FORK_AND_EAT = """
import os, time
for _ in range(20):
    if os.fork() == 0:
        eaten = []
        while True:
            eaten.append(bytearray(os.urandom(1_000_000)))
time.sleep(60)
"""
DAEMON = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(1234)
    os._exit(0)
"""
STRIP = """
import ast
class Strip(ast.NodeTransformer):
    def visit_Assert(self, node): return ast.copy_location(ast.Pass(), node)
    def visit_With(self, node): return ast.copy_location(ast.Pass(), node)
get_ipython().ast_transformers.append(Strip())
"""
RUN_CELL = """
from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult
async def nothing(source, *a, **k):
    result = ExecutionResult(ExecutionInfo(source, False, False, False, None))
    return result
shell = get_ipython()
shell.run_cell_async = nothing
shell.run_cell = lambda *a, **k: nothing("")
"""
PATCH = """
import sys, numpy, minigan.course.checking, minigan.course.hidden as hidden
checks = sys.modules["minigan.course.checking"]  # the package's name for it is the class
checks._difference = lambda *a, **k: ""
numpy.testing.assert_allclose = numpy.allclose = lambda *a, **k: True
hidden.complaint = lambda *a, **k: ""
"""
PATCH_TORCH = f"""{PATCH}
import torch, torch.testing
torch.testing.assert_close = torch.allclose = torch.equal = lambda *a, **k: True
"""
EQUAL = """
class Any(float):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __sub__(self, other): return Any(0)
    __rsub__ = __sub__
    def __abs__(self): return Any(0)
    def __le__(self, other): return True
    def __hash__(self): return 1
def mean(values): return Any(3)
"""
GRAB = """
import base64
seen = []
def grab(info): seen.append(info.raw_cell); print("GRABBED", info.raw_cell)
get_ipython().events.register("pre_run_cell", grab)
"""
TELLS = """
seen = []
get_ipython().events.register("pre_run_cell", lambda info: seen.append(info.raw_cell))
class checking:
    def __init__(self, *a, **k): pass
    def __enter__(self): raise type(seen[-1], (Exception,), {})(seen[-1])
    def __exit__(self, *a): return False
"""
TELLS_OF_A_STOP = "class Stopped(Exception): pass\n" + TELLS.replace("type(seen[-1], (Exception,), {})", "Stopped")
SEARCH = """
import os
found = []
for folder, inner, names in os.walk("/"):
    inner[:] = [name for name in inner if name not in ("proc", "usr", "site-packages")]
    found += [f"{{folder}}/{{name}}" for name in names if name.endswith((".ipynb", ".db")) or name == "expected.json"]
print("FOUND", found, os.path.exists({solutions!r}), os.path.exists({out!r}))
assert not found and not os.path.exists({solutions!r}) and not os.path.exists({out!r})
"""
NETWORK = """
import socket
socket.setdefaulttimeout(1)
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
    for address in (("127.0.0.1", {port}), ("10.255.255.1", 53), ("8.8.8.8", 53)):
        try:
            with socket.socket(socket.AF_INET, kind) as s:
                s.connect(address)
                s.send(b"hello")
                print("SENT", address)
        except OSError:
            pass
"""
SECRETS = """
import os, glob
print("SEEN", dict(os.environ))
for path in glob.glob("/proc/*/environ"):
    try: print(open(path).read())
    except OSError: pass
"""
DELETE = """
import os, shutil, glob
for path in glob.glob("/*"): shutil.rmtree(path, ignore_errors=True)
for path in glob.glob("/submission/*"): os.remove(path)
"""
DATABASE = """
import os, sqlite3
for path in ({out!r} + "/nbgrader/gradebook.db", "/tmp/gradebook.db"):
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        sqlite3.connect(path).execute("create table grade (auto_score)")
    except Exception: pass
"""
DISK = """
for folder in ("/tmp", "/submission", "/dev/shm", "/home/student"):
    try:
        for number in range(100):
            with open(f"{folder}/{number}", "wb") as file: file.write(bytes(60_000_000))
    except OSError as error: print(error)
"""
SOCKETS = """
import glob, os
folder = glob.glob("/tmp/**/connection", recursive=True)[0]
for number in range(10):
    with open(f"{folder}/{number}", "wb") as file: file.write(bytes(10_000_000))
import time; time.sleep(3)
"""
STUBBORN = """
import time
def largest(values):
    while True:
        try: time.sleep(100)
        except BaseException: pass
"""
HTML = """
from IPython.display import HTML, Javascript, display
evil = "<script>alert('EVIL')</script>"
display(HTML(evil)); display(Javascript("alert('EVIL')")); print(evil)
"""
DEEP = """
from IPython.display import publish_display_data
import minigan.course.hidden as hidden
value = []
for _ in range(400): value = [value]
send = hidden._send
def worse(message):
    send({**message, "value": value}); send({**message, "value": {"array": "AAAA", "kind": ["x"], "shape": [-1]}})
    send({**message, "value": {"number": "1" * 5000}}); send({**message, "value": 10 ** 400})
hidden._send = worse
"""


def hostile(solutions: str, out: str, port: int) -> list[Hostile]:
    """The list. solutions, out: paths that must not be seen. port: of a server here that must hear nothing."""
    fill = {"solutions": solutions, "out": out, "port": port}

    def code(template: str) -> str:
        return template.format(**fill)

    kill = "import os, signal\nfor pid in (os.getppid(), 1, -1): os.kill(pid, signal.SIGKILL)\n"
    creep = "import time\nkept = []\nwhile True: kept.append(bytearray(b'x' * 20_000_000))"
    script = "<script>alert('EVIL')</script> [a](javascript:alert('EVIL')) <img src=x onerror=alert('EVIL')>"
    forks = "import os, time\nfor _ in range(300):\n    if os.fork() == 0: time.sleep(100)\n"
    wrong_mean = instead("mean", WRONG.replace("3", "4"))  # passes nothing, unless the checks are patched
    wrong_and_tagged = both(instead("mean", WRONG), tagged)
    return [
        Hostile("half", "graded", 2, 0, instead("largest", "def largest(values):\n    return values[0]\n")),
        Hostile("syntax", "graded", 0, 3, instead("mean", "def mean(values:\n")),
        Hostile("hard_coded", "graded", 0, 3, instead("mean", WRONG)),
        Hostile("loop", "graded", 0, 3, instead("mean", "while True: pass")),
        Hostile("stubborn", "stopped", 2, 0, instead("largest", STUBBORN)),
        Hostile("gigabytes", "graded", 0, 3, instead("mean", "huge = bytearray(50_000_000_000)")),
        Hostile("creep", "stopped", 2, 0, before("largest", creep)),
        Hostile("forks", "graded stopped", 2, None, before("largest", forks)),
        Hostile("fork_and_eat", "stopped", 2, 0, before("largest", FORK_AND_EAT)),
        Hostile("daemon", "graded", 2, 3, before("mean", DAEMON)),
        Hostile("flood", "stopped", 2, 0, before("largest", "while True: print('x' * 100_000)")),
        Hostile("message", "graded stopped", 2, None, before("largest", "print('x' * 150_000_000)")),
        Hostile("disk", "graded", 2, 3, before("mean", DISK)),
        Hostile("sockets", "stopped", 2, 0, before("largest", SOCKETS)),
        Hostile("exit_hard", "stopped", 2, 0, before("largest", "import os\nos._exit(0)")),
        Hostile("segfault", "stopped", 2, 0, before("largest", "import ctypes\nctypes.string_at(0)")),
        Hostile("kill", "graded stopped", 2, 0, before("largest", kill)),
        Hostile("delete", "graded stopped", None, None, before("mean", DELETE)),
        Hostile("network", "graded", 2, 3, before("mean", code(NETWORK))),
        Hostile("search", "graded", 2, 3, before("mean", code(SEARCH))),
        Hostile("database", "graded", 2, 3, before("mean", code(DATABASE))),
        Hostile("own_link", "graded", 2, 3, before("mean", f"import os\nos.symlink('/etc/passwd', '{NAME}.ipynb')")),
        Hostile("secrets", "graded", 2, 3, before("mean", SECRETS)),
        Hostile("tags", "graded", 0, 3, wrong_and_tagged),
        Hostile("run_cell", "flagged", 0, 0, before("mean", RUN_CELL)),
        Hostile("strip", "flagged", 0, 0, before("mean", STRIP)),
        Hostile("patch", "graded flagged", 0, None, both(wrong_mean, before("mean", PATCH))),
        Hostile("patch_torch", "graded flagged stopped", 0, None, both(wrong_mean, before("mean", PATCH_TORCH))),
        Hostile("equal", "graded", 0, 3, instead("mean", EQUAL)),
        Hostile("deep", "graded", 0, 0, before("mean", DEEP)),
        Hostile("no_test", "graded", 0, 3, both(instead("mean", WRONG), deleted("mean-check"))),
        Hostile("no_tests", "graded", 2, 3, both(deleted("mean-check"), deleted("largest-check"), deleted("code-01"))),
        Hostile("no_answer", "graded", 0, 3, deleted("mean")),
        Hostile("two_tests", "refused", None, None, doubled),
        Hostile("other_test", "refused", None, None, renamed),
        Hostile("text_test", "refused", None, None, to_text),
        Hostile("hundred", "graded", 2, 3, a_hundred),
        Hostile("grab", "graded", 0, 3, both(instead("mean", WRONG), before("mean", GRAB))),
        Hostile("tells", "graded", 0, 0, before("mean", TELLS)),
        Hostile("tells_of_a_stop", "graded", 0, 0, before("mean", TELLS_OF_A_STOP)),
        Hostile("html", "graded", 2, 3, both(before("mean", HTML), instead("why", script))),
        Hostile("asks", "graded", 0, 3, before("mean", "input('password?')")),
        Hostile("sys_exit", "graded stopped", 0, None, before("mean", "import sys\nsys.exit(0)")),
        Hostile("quits", "graded stopped", None, None, before("largest", "exit()")),
        Hostile("kernelspec", "graded", 2, 3, other_kernel),
        Hostile("shadow", "graded", 2, 3, before("mean", "open('numpy.py', 'w').write('allclose = None')")),
        Hostile("slow", "graded", 2, 3, before("mean", "import time\ntime.sleep(2)")),
        Hostile("warns", "graded", 2, 3, before("mean", "import warnings\nwarnings.warn('a warning')")),
        Hostile(
            "warns_later",
            "graded",
            2,
            3,
            instead("mean", "import sys\n" + MEAN.replace("    ", "    print('!', file=sys.stderr)\n    ")),
        ),
    ]


def release_of(master: exercises.Master) -> nbformat.NotebookNode:
    return nbformat.read(master.release, as_version=4)
