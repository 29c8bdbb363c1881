"""Runs a notebook's cells in the sandbox. Whatever they do, the notebook comes back, with the reason of a stop."""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import zmq
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_output

from minigan.course.grading.kernel import PATIENCE
from minigan.course.grading.sandbox import Job
from minigan.course.hidden import MIME

MESSAGE = 8_000_000  # bytes of one message
WAITING = 64  # messages that may wait in a socket
CELL, TOTAL = 1_000_000, 20_000_000  # bytes of output that are kept of a cell, and after which the kernel is stopped
STARTUP = 60  # seconds until a kernel answers
STOPPED, NOT_RUN = "Stopped", "NotRun"  # names of the errors that such cells show
TIMED_OUT = {"ename": "TimedOut", "evalue": "it took too long", "traceback": ["it took too long"]}


@dataclass
class Run:
    """How a notebook's execution went."""

    seconds: float
    stopped: str = ""  # why it was ended before its last cell
    cell: int = -1  # the cell it was ended in


def run_cells(cells: Sequence[NotebookNode], job: Job) -> Run:
    """Execute cells in order, in place, in one sandboxed kernel. An error in a cell is an output like any other.

    Raises RuntimeError when the sandbox does not start, which is never the submission's fault.
    """
    notebook = NotebookNode(cells=list(cells), metadata={}, nbformat=4, nbformat_minor=5)
    client = Client(notebook, job)
    began = time.monotonic()
    run = Run(0.0)
    try:
        with client.setup_kernel(env={Job.VARIABLE: job.as_text()}, cwd="/"):
            client.started = time.monotonic()
            for index, cell in enumerate(notebook.cells):
                if cell.cell_type != "code":
                    continue
                if run.stopped:
                    cell.outputs = [problem(NOT_RUN, run.stopped)]
                elif reason := client.run_cell(cell, index):
                    run.stopped, run.cell = reason, index
            client.end()
    except RuntimeError as error:  # before the first cell, or while the kernel is put away
        if client.started is None:
            raise RuntimeError(f"the sandbox did not start: {error} {client.note()}") from error
    finally:
        client.end()
        shutil.rmtree(job.run, ignore_errors=True)
    run.seconds = time.monotonic() - began
    return run


def problem(name: str, text: str) -> NotebookNode:
    """An error among the outputs of a cell."""
    return new_output("error", ename=name, evalue=text, traceback=[f"{name}: {text}"])


class Manager(AsyncKernelManager):
    """Starts kernels by `minigan.course.grading.kernel`, whatever a notebook names."""

    @property
    def kernel_spec(self) -> KernelSpec:
        argv = [sys.executable, "-m", "minigan.course.grading.kernel", "{connection_file}"]
        return KernelSpec(argv=argv, display_name="sandbox", language="python", interrupt_mode="message")


class Client(NotebookClient):
    """A notebook's client that counts what comes, and ends the sandbox for too much of it."""

    def __init__(self, notebook: NotebookNode, job: Job) -> None:
        super().__init__(
            notebook,
            allow_errors=True,
            interrupt_on_timeout=True,
            error_on_timeout=TIMED_OUT,
            iopub_timeout=4,
            raise_on_iopub_timeout=True,
            startup_timeout=STARTUP,
            record_timing=False,
            store_widget_state=False,
            shutdown_kernel="immediate",
            kernel_manager_class=Manager,
        )
        self.job = job
        self.started: float | None = None  # when the kernel was ready
        self.received = self.of_cell = 0
        self.current = -1
        self.flooded = ""

    def create_kernel_manager(self) -> Any:
        manager = Manager(transport="ipc", connection_file=str(self.job.connection / "k.json"))
        manager.context.setsockopt(zmq.MAXMSGSIZE, MESSAGE)
        manager.context.setsockopt(zmq.RCVHWM, WAITING)
        self.km = manager
        return manager

    def run_cell(self, cell: NotebookNode, index: int) -> str:
        """Execute one cell; return why the kernel is lost, or an empty text."""
        assert self.started is not None
        limits = self.job.limits
        left = limits.notebook_seconds - (time.monotonic() - self.started)
        self.timeout = max(1, min(limits.cell_seconds, round(left)))
        reason = f"the notebook took longer than {limits.notebook_seconds} s" if left <= 0 else ""
        try:
            if not reason:
                self.execute_cell(cell, index)
        except CellTimeoutError:
            reason = f"the cell took longer than {self.timeout} s and could not be interrupted"
        except DeadKernelError:
            reason = self.flooded or self.note() or "the cell ended its own process"
        except Exception as error:  # whatever a hostile kernel sends
            reason = f"the kernel sent what cannot be read ({type(error).__name__})"
        if reason:
            kept = [output for output in cell.outputs if output.output_type == "stream"][:1]
            cell.outputs = [*kept, problem(STOPPED, reason)]
            self.end()
        return reason

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> NotebookNode | None:
        size = sum(len(part) for part in msg.get("buffers", [])) + _size(msg["content"])
        if cell_index != self.current:
            self.current, self.of_cell = cell_index, 0
        self.received, self.of_cell = self.received + size, self.of_cell + size
        if self.received > TOTAL and not self.flooded:
            self.flooded = f"the notebook sent more than {TOTAL // 10**6} MB of output"
            self.end(wait=False)
        shown = msg["header"]["msg_type"] in ("stream", "display_data", "execute_result", "update_display_data")
        if shown and self.of_cell > CELL and MIME not in msg["content"].get("data", {}):
            return None
        return super().process_message(msg, cell, cell_index)

    def note(self) -> str:
        """Why the watcher ended the sandbox; it may be about to say so."""
        try:
            return self.job.note.read_text()
        except OSError:
            return ""

    def end(self, wait: bool = True) -> None:
        """End the sandbox with all its processes."""
        process = getattr(getattr(self.km, "provisioner", None), "process", None)
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)  # it ends what is inside, then itself
        if wait:
            try:
                process.wait(timeout=2 * PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()  # bubblewrap dies with its parent, and all that is inside with bubblewrap
                process.wait()


def _size(content: Mapping[str, Any]) -> int:
    return len(json.dumps(content, default=str))
