"""Install the course from this folder, without a network: python install.py [FOLDER].

It checks that nothing of the kit is damaged, copies the course to FOLDER (by default `minigan` in your home folder),
makes an environment in it, installs the wheels, and asks `minigan doctor`. After a fault run it again; your files stay.

This file uses only what every Python since 3.7 brings along, so that an old one is told what is missing.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

KIT = Path(__file__).resolve().parent
WINDOWS = os.name == "nt"


class Stop(Exception):
    """A reason to stop, in one sentence."""


def facts(kit: Path) -> dict:
    """What the kit holds. Stops where it was not finished."""
    try:
        held = json.loads((kit / "kit.json").read_text(encoding="utf-8"))
        if held["targets"] and (kit / "SHA256SUMS").is_file():
            return held
    except (OSError, ValueError, KeyError):
        pass
    raise Stop(f"{kit} is not a whole kit; copy it again, or make it again with: minigan kit")


def fitting(held: dict, python: str, system: str, machine: str) -> dict:
    """What the kit holds for this computer. Stops, with what it holds instead."""
    for target in held["targets"]:
        if (target["python"], target["system"], target["machine"]) == (python, system, machine):
            return target
    names = ", ".join(target["name"] for target in held["targets"])
    raise Stop(
        f"this is Python {python} for {system} on {machine}, and the kit holds: {names}; "
        "install a Python that the kit is for, or ask for a kit for yours"
    )


def check(kit: Path) -> None:
    """Compare every file with its checksum. Stops at what is missing or damaged."""
    lines = (kit / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    print(f"checking {len(lines)} files", flush=True)
    for line in lines:
        wanted, name = line.split(None, 1)
        if not (kit / name).is_file():
            raise Stop(f"{name} is missing; copy the kit again")
        if checksum(kit / name) != wanted:
            raise Stop(f"{name} is damaged; copy the kit again")


def checksum(path: Path) -> str:
    """The SHA-256 of a file."""
    total = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(2**20), b""):
            total.update(block)
    return total.hexdigest()


def copy_course(kit: Path, folder: Path) -> int:
    """Copy the course. Files that are there already are left as they are; returns how many of them differ."""
    kept = 0
    for path in sorted((kit / "course").rglob("*")):
        there = folder / path.relative_to(kit / "course")
        if path.is_dir():
            there.mkdir(parents=True, exist_ok=True)
        elif not there.exists():
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, there)
        elif checksum(path) != checksum(there):
            kept += 1
    return kept


def program(folder: Path, name: str) -> Path:
    """A program of the environment in the folder."""
    return folder / ".venv" / ("Scripts" if WINDOWS else "bin") / (name + (".exe" if WINDOWS else ""))


def make_environment(folder: Path) -> None:
    """Make .venv in the folder. Stops where this Python cannot."""
    done = subprocess.run([sys.executable, "-m", "venv", str(folder / ".venv")], capture_output=True, text=True)
    if done.returncode:
        debian = (
            "on Debian and Ubuntu: sudo apt install python3-venv; " if "ensurepip" in done.stdout + done.stderr else ""
        )
        last = (done.stderr or done.stdout or "no reason given").strip().splitlines()[-1]
        raise Stop(
            f"this Python cannot make environments ({last}); {debian}install Python from python.org or your system"
        )


def install(kit: Path, folder: Path, extras: list[str]) -> None:
    """Install the course, and what it needs, from the wheels of the kit alone."""
    project = str(folder) + (f"[{','.join(extras)}]" if extras else "")
    line = [
        str(program(folder, "python")),
        "-m",
        "pip",
        "--isolated",
        "install",
        "--no-index",
        "--disable-pip-version-check",
    ]
    line += ["--find-links", str(kit / "wheels"), "-c", str(folder / "constraints.txt"), "-e", project]
    if subprocess.run(line).returncode:
        raise Stop("pip could not install the wheels; its words stand above")


def main(arguments: list[str]) -> int:
    """Install, and say what comes next. 0: all is well; 1: it was said why not."""
    try:
        held = facts(KIT)
        here = fitting(held, "{}.{}".format(*sys.version_info), platform.system(), platform.machine())
        if arguments == ["--fits"]:
            return 0
        folder = Path(arguments[0] if arguments else Path.home() / "minigan").expanduser().resolve()
        print(f"the course goes to {folder}", flush=True)
        check(KIT)
        folder.mkdir(parents=True, exist_ok=True)
        free, needed = shutil.disk_usage(str(folder)).free, here["bytes"] + 200 * 10**6
        if free < needed and not program(folder, "minigan").exists():
            raise Stop(
                f"{folder} has {free / 1e9:.1f} GB free, and the course needs {needed / 1e9:.1f} GB; make room first"
            )
        kept = copy_course(KIT, folder)
        if kept:
            print(f"{kept} files in {folder} differ from the kit's and were left as they are")
        print("installing; this takes minutes and needs no network", flush=True)
        make_environment(folder)
        install(KIT, folder, held["extras"])
    except (Stop, OSError) as reason:
        print(f"install: {reason}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("install: interrupted; run it again, and it goes on", file=sys.stderr)
        return 130
    subprocess.run([str(program(folder, "minigan")), "doctor"])
    print(f"\nTo begin, type this into a terminal:\n\n    {program(folder, 'minigan')} lab\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
