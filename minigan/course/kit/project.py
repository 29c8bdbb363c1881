"""The course in the kit: the files that git tracks, without what is the instructor's alone."""

import filecmp
import os
import shutil
import subprocess
from pathlib import Path

OURS = ("solutions/", "tests/", ".ci/", "conftest.py")  # solutions, hidden tests, wrong answers with their hints


def tracked(root: Path, instructor: bool) -> list[str]:
    """The files for the kit, by their paths in the repository. Raises ValueError where git knows no project there."""
    names = [name for name in _listed(root, "--cached") if (root / name).is_file()]
    if "pyproject.toml" not in names:
        raise ValueError(
            f"{root} is no clone that git tracks, and a kit is made from one: git clone, then make the kit"
        )
    return [name for name in names if instructor or not name.startswith(OURS)]


def untracked(root: Path, kit: Path) -> list[str]:
    """Files that git neither tracks nor ignores: they are left out of the kit, and may have been meant for it."""
    names = _listed(root, "--others", "--exclude-standard")
    return [name for name in names if not (root / name).is_relative_to(kit.resolve())]


def _listed(root: Path, *options: str) -> list[str]:
    command = ["git", "ls-files", "-z", *options]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, encoding="utf-8")
    except FileNotFoundError:
        raise ValueError("git is not installed, and a kit holds what git tracks; install git") from None
    return sorted(name for name in done.stdout.split("\0") if name)


def copy(root: Path, names: list[str], folder: Path) -> None:
    """Make `folder` hold these files and no others: a solution that an earlier kit held must not stay."""
    for name in names:
        here, there = root / name, folder / name
        if not there.is_file() or not filecmp.cmp(here, there, shallow=False):
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(here, there)
    wanted = set(names)
    for place, _, files in os.walk(folder):
        for file in files:
            path = Path(place, file)
            if path.relative_to(folder).as_posix() not in wanted:
                path.unlink()
