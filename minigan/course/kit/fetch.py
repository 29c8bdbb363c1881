"""One wheel at a time by pip, into the kit's folder: whole or not at all, with what pip says put into one sentence."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from minigan.course.kit.targets import Target

SILENT = r"NewConnection|NameResolution|ConnectTimeout|ReadTimeout|Proxy|SSLError|unreachable|getaddrinfo|refused|reset"
FULL = r"No space left|not enough space|Errno 28"
NOT_FOUND = r"No matching distribution|Could not find a version|ResolutionImpossible"


@dataclass(frozen=True)
class Pip:
    """Fetches wheels into `folder`; `index` is a further package index."""

    folder: Path
    index: str | None
    grows: Callable[[str, int], None]  # is told what is being fetched, and how many bytes of it are there

    def fetch(self, target: Target, requirement: str) -> Path:
        """Fetch the wheel for a computer, and return it. A package that has no wheel is built, if it is pure Python.

        Raises ConnectionError, OSError or ValueError that says what failed and what to do.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=".partial-", ignore_cleanup_errors=True) as name:
            partial = Path(name)
            only = ["--only-binary=:all:", *target.for_pip]
            said = self._run(["download", *only, "-d", str(partial / "got")], requirement, partial)
            if said is not None and re.search(NOT_FOUND, said) and not re.search(SILENT, said):
                built = self._run(["wheel", "-w", str(partial / "got")], requirement, partial)
                said = said if built is not None or not list(partial.glob("got/*-none-any.whl")) else None
            if said is not None:
                raise explained(said, requirement, target, self.folder)
            (wheel,) = partial.glob("got/*.whl")
            return wheel.replace(self.folder / wheel.name)

    def _run(self, command: list[str], requirement: str, partial: Path) -> str | None:
        """Run pip. Returns None where it worked, and what it said where it did not."""
        options = ["--no-deps", "--no-input", "--disable-pip-version-check", "--retries", "2", "--timeout", "30"]
        options += ["--extra-index-url", self.index] if self.index else []
        line = [sys.executable, "-m", "pip", *command, *options, requirement]
        own = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(partial))  # pip loads into the kit's disk, not the system's
        process = subprocess.Popen(
            line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=os.environ | own
        )
        try:
            while True:
                self.grows(Requirement(requirement).name, size(partial))
                with suppress(subprocess.TimeoutExpired):
                    said, _ = process.communicate(timeout=0.5)
                    return said if process.returncode else None
        finally:
            process.terminate()
            process.wait()


def size(folder: Path) -> int:
    """Bytes in a folder in which another process writes and removes."""
    total = 0
    for place, _, names in os.walk(folder):  # unlike rglob, it passes over a folder that has just gone
        for name in names:
            with suppress(OSError):
                total += Path(place, name).stat().st_size
    return total


def explained(said: str, requirement: str, target: Target, folder: Path) -> Exception:
    """The error that pip's own words amount to."""
    kept = "what is in the kit stays, so run the same command again"
    if re.search(FULL, said):
        free = shutil.disk_usage(folder).free / 1e9
        return OSError(f"{folder} has {free:.1f} GB free, too little for {requirement}; make room there, and {kept}")
    if re.search(SILENT, said):
        return ConnectionError(f"the package index does not answer for {requirement}; connect to a network, and {kept}")
    if "No module named pip" in said:
        return ValueError(f"{sys.executable} has no pip, which fetches the wheels; install it: uv pip install pip")
    if re.search(NOT_FOUND, said):
        return ValueError(
            f"there is no wheel of {requirement} for {target}; choose another --python-version or --platform"
        )
    errors = [line for line in said.splitlines() if line.startswith("ERROR")] or said.splitlines()[-1:] or ["nothing"]
    return ValueError(f"pip could not fetch {requirement}: {errors[-1].removeprefix('ERROR: ')}")
