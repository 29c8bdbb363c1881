"""Making a kit: wheels, the course, the installer, a page, checksums. A stopped run goes on where it was."""

import hashlib
import json
import shutil
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from minigan.course.kit import page, project
from minigan.course.kit.fetch import Pip
from minigan.course.kit.targets import Target
from minigan.course.kit.wheels import gather, pinned
from minigan.names import known

ROUGH_MB = {"linux": 3300, "linux-arm": 3300, "windows": 400, "macos": 400}  # wheels and the course, measured
INSTRUCTOR = ("test", "docs", "grading")  # extras with which tests, slides and grading run


@dataclass(frozen=True)
class Kit:
    """What is asked for. `index`: a further package index."""

    folder: Path
    targets: list[Target]
    extras: tuple[str, ...] = ()
    instructor: bool = False
    index: str | None = None


class Wheels:
    """The wheels of a folder whose checksums are right, and their list, which grows with each new one."""

    def __init__(self, folder: Path):
        self.folder, self.listing = folder, folder / "SHA256SUMS"
        folder.mkdir(parents=True, exist_ok=True)
        for partial in folder.glob(".partial-*"):  # of a run that was killed
            shutil.rmtree(partial, ignore_errors=True)
        lines = self.listing.read_text(encoding="utf-8").splitlines() if self.listing.exists() else []
        listed = dict(line.split(maxsplit=1)[::-1] for line in lines if line.strip())
        self.sums = {n: s for n, s in listed.items() if (folder / n).is_file() and checksum(folder / n) == s}

    def __iter__(self) -> Iterator[Path]:
        return (self.folder / name for name in self.sums)

    def add(self, path: Path) -> None:
        self.sums[path.name] = checksum(path)
        write_sums(self.listing, self.sums)


def make(kit: Kit, root: Path) -> str:
    """Make the kit, or bring it up to date, and return what there is to say about it.

    Raises ValueError or OSError in one sentence: a folder in use, an unknown extra, no wheel, no network, no room.
    """
    requirements = asked(tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8")), kit)
    names = project.tracked(root, kit.instructor)
    claim(kit)
    wheels = Wheels(kit.folder / "wheels")
    check_room(kit)
    pip = Pip(wheels.folder, kit.index, grows)

    def fetch(target: Target, requirement: str) -> Path:
        path = pip.fetch(target, requirement)
        wheels.add(path)
        tell(f"{len(wheels.sums):4d}  {path.stat().st_size / 1e6:7.1f} MB  {path.name}")
        return path

    pins, needed = pinned((root / "constraints.txt").read_text(encoding="utf-8")), {}
    try:
        for target in kit.targets:
            tell(f"{target}: collecting")
            needed[target] = gather(target, requirements, pins, lambda: wheels, fetch)
    finally:
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)  # what was being fetched
    project.copy(root, names, kit.folder / "course")
    chosen = {wheel.path.name for target in kit.targets for wheel in needed[target]}
    entries = {f"wheels/{name}": wheels.sums[name] for name in sorted(chosen)}
    unpacked = {target: sum(wheel.unpacked() for wheel in needed[target]) for target in kit.targets}
    for name, text in page.files(kit.targets, kit.extras, unpacked).items():
        (kit.folder / name).write_bytes(text.encode())
        entries[name] = checksum(kit.folder / name)
    entries |= {f"course/{name}": checksum(kit.folder / "course" / name) for name in names}
    write_sums(kit.folder / "SHA256SUMS", entries)
    return summary(kit, entries, unpacked, project.untracked(root, kit.folder), set(wheels.sums) - chosen)


def asked(pyproject: dict, kit: Kit) -> list[Requirement]:
    """What the project needs to be installed and run, with the extras of the kit."""
    offered = pyproject["project"].get("optional-dependencies", {})
    lines = [*pyproject["build-system"]["requires"], *pyproject["project"]["dependencies"]]
    for extra in kit.extras:
        lines += offered[known(extra, offered, "extra")]
    return [Requirement(line) for line in lines]


def claim(kit: Kit) -> None:
    """Make the folder this kit's. Raises ValueError where it holds something else."""
    folder = kit.folder
    if folder.is_file():
        raise ValueError(f"{folder} is a file, expected a folder for the kit; choose another name")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "kit.json").exists():
        raise ValueError(
            f"{folder} holds other files; name a folder that is new or empty, such as {folder / 'minigan-kit'}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = json.dumps({"made": "not yet"})  # the installer refuses it
    (folder / "kit.json").write_text(unfinished, encoding="utf-8")


def check_room(kit: Kit) -> None:
    """Raise OSError where the disk is too small for a kit of this kind, before hours of loading."""
    there = sum(path.stat().st_size for path in kit.folder.rglob("*") if path.is_file())
    needed = sum(ROUGH_MB[target.platform] for target in kit.targets) * 10**6 - there
    free = shutil.disk_usage(kit.folder).free
    if kit.index is None and free < needed:
        raise OSError(
            f"{kit.folder} has {free / 1e9:.1f} GB free, and this kit needs about {needed / 1e9:.1f} GB more; "
            "make room there, or choose another disk"
        )


def checksum(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_sums(path: Path, sums: dict[str, str]) -> None:
    """Write a list of checksums as `sha256sum` does, whole or not at all."""
    new = path.with_suffix(".new")
    new.write_text("".join(f"{value}  {name}\n" for name, value in sums.items()), encoding="utf-8", newline="\n")
    new.replace(path)


def summary(kit: Kit, entries: dict[str, str], unpacked: dict[Target, int], left: list[str], unused: set[str]) -> str:
    """What was made, how large it is, how long it takes, what is not in it."""
    total = sum((kit.folder / name).stat().st_size for name in entries)
    lines = [
        f"made {kit.folder}: {len(entries)} files, {total / 1e9:.1f} GB, "
        f"for {', '.join(map(str, kit.targets))}{'; with the solutions' if kit.instructor else ''}",
        f"A USB stick that writes 20 MB a second needs {max(total / 20e6 / 60, 1):.0f} min for it, a laptop "
        f"{max(unpacked.values()) / 1e9:.1f} GB of room. {kit.folder / 'README.md'} says the rest.",
    ]
    if left:
        lines.append(
            f"Left out, because git does not track it: {left[0]}" + (f" and {len(left) - 1} more" * (len(left) > 1))
        )
    if unused:
        lines.append(f"{len(unused)} wheels in {kit.folder / 'wheels'} are of an earlier kit; nothing here needs them.")
    return "\n".join(lines)


def tell(line: str) -> None:
    """Say that a step is done."""
    print(f"\r\033[K{line}" if sys.stderr.isatty() else line, file=sys.stderr, flush=True)


def grows(name: str, size: int) -> None:
    """Show what is being fetched, in a terminal: one line that is written again and again."""
    if sys.stderr.isatty():
        print(f"\r\033[K      {size / 1e6:7.1f} MB  {name}", end="", file=sys.stderr, flush=True)
