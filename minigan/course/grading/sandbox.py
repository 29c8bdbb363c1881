"""The sandbox that a submission runs in: bubblewrap on Linux, and limits. Without it nothing is graded.

Inside there is a read-only system, Python with its packages, minigan's package folder, small folders in memory, and
nothing else: no network, no other process, no home, no repository, no environment. As root the sandbox goes down to an
unprivileged user first. `kernel` starts it and watches it from outside.
"""

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import minigan
from minigan.course.grading import seccomp

NOBODY = 65534
MIB = 1 << 20
INPUTS = "/given.json"  # where a submission finds the inputs of its hidden tests
WORK = "/submission"
LONGEST = 70  # characters of the folder for temporary files: the path of a socket has 107 at most
SYSTEM = ("ld.so.cache", "alternatives", "fonts", "localtime", "mime.types")  # of /etc
CLEAN = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


@dataclass(frozen=True)
class Limits:
    """What one submission may use."""

    cell_seconds: int = 60
    notebook_seconds: int = 300
    memory_mib: int = 2048  # of all its processes together
    disk_mib: int = 128  # of each folder that it can write
    file_mib: int = 64
    processes: int = 64
    open_files: int = 256

    @property
    def address_space(self) -> int:
        """Bytes that one process may map; torch maps 3.5 GB and more without using them."""
        return max(8 * self.memory_mib, 16 * 1024) * MIB


@dataclass(frozen=True)
class Job:
    """What the starter of a sandboxed kernel has to know; it travels in one variable of the environment."""

    run: str  # a private folder; the connection file lies in its folder `connection`
    limits: Limits = field(default_factory=Limits)
    environment: Mapping[str, str] = field(default_factory=dict)
    inputs: str = ""  # a file that is shown as INPUTS
    hidden: Sequence[str] = ()  # folders that must not be seen even where they lie in one that is shown
    grader: int = 0  # the process without which the sandbox must not go on

    VARIABLE = "MINIGAN_SANDBOX"

    def as_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> "Job":
        values = json.loads(text)
        return cls(**{**values, "limits": Limits(**values["limits"])})

    @property
    def connection(self) -> Path:
        return Path(self.run, "connection")

    @property
    def note(self) -> Path:
        """Where the watcher says why it killed."""
        return Path(self.run, "note")


def new_job(
    limits: Limits, environment: Mapping[str, str], inputs: Path | None = None, hidden: Sequence[Path] = ()
) -> Job:
    """A job with a fresh private folder, which `shutil.rmtree(job.run)` removes."""
    top = Path(tempfile.gettempdir())
    if len(str(top)) > LONGEST or (_is_root() and not _open_to_all(top)):
        top = Path("/tmp")
    run = Path(tempfile.mkdtemp(prefix="minigan-", dir=top))
    (run / "connection").mkdir()
    if inputs is not None:
        shutil.copyfile(inputs, run / "given.json")
    return Job(
        run=str(run),
        limits=limits,
        environment=environment,
        inputs=str(run / "given.json") if inputs is not None else "",
        hidden=[str(path) for path in hidden],
        grader=os.getpid(),
    )


def obstacle() -> str | None:
    """Why nothing can be graded here, in one sentence that says what to do; None where the sandbox works."""
    if sys.platform != "linux":
        return f"grading needs Linux, this is {sys.platform}; use a Linux machine, a virtual machine or WSL 2"
    wanted = {"bwrap": "bubblewrap", "prlimit": "util-linux"} | ({"setpriv": "util-linux"} if _is_root() else {})
    for program, package in wanted.items():
        if not shutil.which(program, path=CLEAN["PATH"]):
            return f"grading needs {package}, which is not installed; on Debian and Ubuntu: sudo apt install {package}"
    job = new_job(Limits(), {})
    try:
        with start(job, [sys.executable, "-c", "import zmq; print('ready')"]) as process:
            said = process.communicate(timeout=60)[0].decode(errors="replace")
    except subprocess.TimeoutExpired:
        process.kill()
        said = "it did not start within a minute"
    finally:
        shutil.rmtree(job.run, ignore_errors=True)
    return None if said.startswith("ready") else _explain(said)


def start(job: Job, program: Sequence[str]) -> "subprocess.Popen[bytes]":
    """Start a program in the sandbox; what it prints can be read from `.stdout` of the process."""
    outer, inner = _layers(job, program)
    handles = []
    if rules := seccomp.program():
        handles.append(_pipe(rules))
        inner = ["--seccomp", str(handles[0]), *inner]
    handles.append(_pipe(b"".join(argument.encode() + b"\0" for argument in inner)))  # not for /proc/1/cmdline
    command = [*outer, "bwrap", "--args", str(handles[-1]), "--", *_limited(job.limits), *program]
    try:
        return subprocess.Popen(
            command,
            pass_fds=handles,
            env=CLEAN,  # bubblewrap's own environment can be read inside
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    finally:
        for handle in handles:
            os.close(handle)


def _layers(job: Job, program: Sequence[str]) -> tuple[list[str], list[str]]:
    """The commands around bubblewrap, which root needs, and bubblewrap's arguments.

    Root first shows itself, in mounts of its own, all that the sandbox needs in a folder that `nobody` may enter: its
    Python can lie in a home that nobody else reads.
    """
    shown = {folder: folder for folder in _folders()}
    if job.inputs:
        shown[job.inputs] = INPUTS
    outer: list[str] = []
    if _is_root():
        staged, mounts = {}, []
        for number, (source, target) in enumerate(shown.items()):
            place = Path(job.run, f"stage{number}")
            if Path(source).is_dir():
                place.mkdir(exist_ok=True)
            else:
                place.touch()
            mounts += ["--ro-bind", source, str(place)]
            staged[str(place)] = target
        shown = staged
        for path in (Path(job.run), *Path(job.run).rglob("*")):
            os.chown(path, NOBODY, NOBODY)
        down = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs"]
        outer = ["bwrap", "--dev-bind", "/", "/", *mounts, "--die-with-parent", "--", *down]
    return outer, [*_system(job.limits), *_binds(shown, job), *_variables(job.environment)]


def _system(limits: Limits) -> list[str]:
    """Namespaces, the system's folders, and the folders in memory."""
    arguments = ["--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session"]
    arguments += ["--clearenv", "--uid", "1000", "--gid", "1000", "--hostname", "sandbox"]
    arguments += ["--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dev", "/dev"]
    for name in ("bin", "sbin", "lib", "lib32", "lib64"):
        path = Path("/", name)
        if path.is_symlink():
            arguments += ["--symlink", str(path.readlink()), str(path)]
        else:
            arguments += ["--ro-bind-try", str(path), str(path)]
    for name in SYSTEM:
        arguments += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    for folder in ("/tmp", "/home/student", WORK, "/dev/shm"):
        arguments += ["--size", str(limits.disk_mib * MIB), "--tmpfs", folder]
    return arguments


def _binds(shown: Mapping[str, str], job: Job) -> list[str]:
    """What is shown, read-only; what lies in it and must stay hidden; the folder of sockets; all else read-only."""
    arguments = []
    for source, target in shown.items():
        arguments += ["--ro-bind", source, target]
    for path in job.hidden:
        if any(Path(path).is_relative_to(folder) for folder in ("/usr", *shown.values())):
            arguments += ["--tmpfs", path]
    arguments += ["--bind", str(job.connection), str(job.connection)]
    return [*arguments, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", WORK]


def _variables(environment: Mapping[str, str]) -> list[str]:
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    variables = {
        "HOME": "/home/student",
        "USER": "student",
        "PATH": f"{sys.prefix}/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "MPLCONFIGDIR": "/tmp/matplotlib",
        "CUDA_VISIBLE_DEVICES": "",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
        "PYTHONHASHSEED": "0",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "NBGRADER_EXECUTION": "autograde",
        "MINIGAN_SCALE": "quick",
        **threads,
        **environment,
    }
    return [text for name, value in variables.items() for text in ("--setenv", name, value)]


def _limited(limits: Limits) -> list[str]:
    return [
        "prlimit",
        f"--as={limits.address_space}",
        f"--nproc={limits.processes}",
        f"--fsize={limits.file_mib * MIB}",
        f"--nofile={limits.open_files}",
        f"--cpu={limits.notebook_seconds + 30}",
        "--core=0",
        "--",
    ]


def _folders() -> list[str]:
    """Python, its packages and minigan, as few folders as hold them; of a clone of minigan its package only."""
    wanted = {sys.base_prefix, sys.prefix, str(Path(minigan.__file__).parent)}
    return [folder for folder in sorted(wanted) if not _within(folder, wanted - {folder} | {"/usr"})]


def _within(path: str, folders: set[str]) -> bool:
    return any(Path(path).is_relative_to(folder) for folder in folders)


def _open_to_all(folder: Path) -> bool:
    """Whether an unprivileged user can enter a folder."""
    return all(path.stat().st_mode & stat.S_IXOTH for path in (folder.resolve(), *folder.resolve().parents))


def _is_root() -> bool:
    return os.geteuid() == 0


def _pipe(content: bytes) -> int:
    """A handle to read content from; it must fit a pipe, 64 KiB."""
    read, write = os.pipe()
    with os.fdopen(write, "wb") as file:
        file.write(content)
    return read


def _explain(said: str) -> str:
    """What bubblewrap's complaint means, and the remedy."""
    reason = " ".join(said.split())[-200:] or "no reason given"
    restricted = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
    if restricted.exists() and restricted.read_text().strip() == "1":
        return (
            f"AppArmor forbids bubblewrap to make a sandbox here ({reason}); allow it with a profile for "
            "/usr/bin/bwrap that says `userns,`, or run: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"
        )
    if "namespace" in said or "uid map" in said or "Operation not permitted" in said:
        return (
            f"this system allows no sandbox ({reason}); allow user namespaces: sudo sysctl "
            "kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000, and in a container start it with "
            "--security-opt seccomp=unconfined --cap-add SYS_ADMIN"
        )
    return f"the sandbox does not start here ({reason}); see that bubblewrap 0.8 or newer is installed and works"
