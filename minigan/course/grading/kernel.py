"""Starts a notebook's kernel in the sandbox and watches it from outside.

`python -m minigan.course.grading.kernel FILE`: FILE is jupyter's connection file, with sockets as files. The watcher
kills all of a sandbox that takes too much memory, writes too much beside the sockets, or has lost its grader, and notes
the reason.
"""

import ctypes
import json
import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

import psutil

from minigan.course.grading.sandbox import MIB, Job, start

PAUSE = 0.05  # seconds between two looks
PATIENCE = 10.0  # seconds until killed processes must be gone
PR_SET_CHILD_SUBREAPER = 36
SOCKETS_MIB, SOCKETS = 16, 64  # what may lie beside the connection file


def main() -> int:
    """Run the kernel until it ends or has to be ended."""
    job = Job.from_text(os.environ[Job.VARIABLE])
    connection = Path(sys.argv[1]).resolve()
    if json.loads(connection.read_text())["transport"] != "ipc":
        raise ValueError(f"{connection} asks for a network; the sandbox has none, so the transport must be ipc")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt travels as a message
    signal.signal(signal.SIGTERM, _leave)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)  # whoever loses its parent in there becomes a child of this
    arguments = ["-m", "ipykernel_launcher", "-f", str(connection), "--HistoryManager.enabled=False"]
    process = start(job, [sys.executable, *arguments])
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    try:
        while process.poll() is None:
            if reason := trouble(job) or ("the grader is gone" if os.getppid() != job.grader else ""):
                job.note.write_text(reason)
                break
            process.stdout.read()  # what the kernel says beside its messages is thrown away
            time.sleep(PAUSE)
    finally:
        end_all()
        if os.getppid() != job.grader:
            shutil.rmtree(job.run, ignore_errors=True)  # nobody else will
    return process.returncode or 0


def trouble(job: Job) -> str:
    """Why the sandbox must end at once, or an empty text."""
    used = memory_mib(psutil.Process().children(recursive=True), job.limits.memory_mib)
    if used > job.limits.memory_mib:
        return f"it took {used} MiB of memory, allowed are {job.limits.memory_mib}"
    entries = [entry.stat(follow_symlinks=False) for entry in os.scandir(job.connection)]
    written = sum(entry.st_size for entry in entries) // MIB
    if written > SOCKETS_MIB or len(entries) > SOCKETS:
        return f"it wrote {len(entries)} files with {written} MiB beside its connection"
    return ""


def memory_mib(processes: list[psutil.Process], allowed: int) -> int:
    """Memory of all processes together; what they share counts once, where the cheap count is too much already."""
    resident = {process: _resident(process) for process in processes}
    if sum(resident.values()) <= allowed * MIB:
        return sum(resident.values()) // MIB
    return sum(_proportional(process, most) for process, most in resident.items()) // MIB


def end_all() -> None:
    """Kill every process below this one, and wait until none is left."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            process.kill()
    deadline = time.monotonic() + PATIENCE
    with suppress(ChildProcessError):  # there are no children any more
        while time.monotonic() < deadline:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(PAUSE / 10)


def _resident(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0


def _proportional(process: psutil.Process, otherwise: int) -> int:
    try:
        text = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):  # it has ended since the cheap count, as the child of a fork does
        return 0
    except OSError:  # a process can forbid the look
        return otherwise
    return next((int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:")), otherwise)


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
