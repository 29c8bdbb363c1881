"""JupyterLab as `minigan lab` serves it, on a copy of the course, and with no trace left of it afterwards."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from chromium import ROOT

PATIENCE = 300  # seconds for the server to come up, and to go
# `minigan lab` serves the clone that it belongs to; here it serves the copy that comes first among the arguments.
START = """
import sys
from pathlib import Path
from minigan.course import lab
lab.repository = lambda: Path(sys.argv[1])
lab.open_lab(sys.argv[2:])
"""


@dataclass(frozen=True)
class Lab:
    """A server that runs: its address, its token, and the folder that it serves."""

    address: str
    token: str
    folder: Path

    def page(self, path: str) -> str:
        """The address of a file in JupyterLab, in a workspace without other tabs."""
        return f"{self.address}lab/tree/{path}?token={self.token}&reset"

    def export(self, path: str) -> str:
        """The address of a notebook as HTML, as the menu's "Save and Export Notebook As" makes it."""
        return f"{self.address}nbconvert/html/{path}?token={self.token}&download=false"

    def ask(self, path: str, method: str = "GET") -> Any:
        """What the server answers, as data."""
        headers = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(f"{self.address}{path}", method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or "null")

    def end_kernels(self) -> None:
        """Shut down the kernel of every open notebook."""
        for session in self.ask("api/sessions"):
            self.ask(f"api/sessions/{session['id']}", "DELETE")


@contextmanager
def served(folder: Path) -> Iterator[Lab]:
    """Serve a copy of the notebooks in `folder`, at quick scale, until the block ends.

    Nothing is read from the user's own settings and nothing written into them. Raises AssertionError where a process
    of the server is left over.
    """
    course = folder / "course"
    for part in ("notebooks", "exercises", "solutions"):
        shutil.copytree(ROOT / part, course / part, ignore=shutil.ignore_patterns(".*", "__pycache__", "src", "*.json"))
    token = secrets.token_hex(16)
    arguments = ["--no-browser", "--allow-root", "--ServerApp.port=0", f"--IdentityProvider.token={token}"]
    arguments += ["--LabApp.expose_app_in_browser=True"]  # so that a test can read what a cell holds
    with (folder / "server.log").open("w") as log:
        command = [sys.executable, "-c", START, str(course), *arguments]
        server = subprocess.Popen(command, cwd=course, env=_environment(folder), stdout=log, stderr=log)
    try:
        yield Lab(_address(server, folder), token, course)
    finally:
        children = psutil.Process(server.pid).children(recursive=True) if server.poll() is None else []
        server.terminate()
        server.wait(PATIENCE)
        _, left = psutil.wait_procs(children, 10)
        for process in left:
            process.kill()
        assert not left, f"still there after the server: {left}"


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "PYDEVD", "IPYTHON"))}
    own = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "MINIGAN_CACHE")
    own += ("JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR")
    folders = {name: str(folder / name.lower()) for name in own}
    return kept | folders | {"MINIGAN_SCALE": "quick", "OMP_NUM_THREADS": "1"}


def _address(server: subprocess.Popen, folder: Path) -> str:
    """Wait until the server says where it is."""
    said = folder / "jupyter_runtime_dir" / f"jpserver-{server.pid}.json"
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.poll() is None:
        try:
            return f"http://127.0.0.1:{json.loads(said.read_text())['port']}/"
        except (OSError, ValueError):  # not yet there, or half written
            time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start:\n{(folder / 'server.log').read_text()}")
