"""The web site, made once for all tests that look at it."""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def unavailable() -> str:
    """Why the site cannot be made here, or an empty text. In CI that is a failure."""
    if find_spec("sphinx") is not None and find_spec("myst_nb") is not None:
        return ""
    reason = "the site needs Sphinx; install it: pip install -c constraints.txt -e '.[docs]'"
    if os.environ.get("CI") == "true":
        raise RuntimeError(reason)
    return reason


needed = pytest.mark.skipif(bool(unavailable()), reason=unavailable() or "there is Sphinx")


@cache
def made() -> tuple[Path, int, str]:
    """Make the whole site in a folder that goes with the tests: (folder, exit code, what the command said)."""
    folder = Path(tempfile.mkdtemp(prefix="minigan-site-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    command = [sys.executable, "-m", "minigan.course", "site", "--out", str(folder / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return folder / "site", done.returncode, done.stdout + done.stderr


def site() -> Path:
    """The folder of the made site."""
    folder, code, said = made()
    assert code == 0, said
    return folder
