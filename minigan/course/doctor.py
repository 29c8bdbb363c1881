"""Is this machine ready for the course? What it has, what is missing and its remedy, how long the chapters take.

It must speak on a broken installation too, so everything that can be broken is imported inside the check that needs it.
"""

import hashlib
import importlib
import json
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from minigan.course.chapters import Timing, chapters, timings

PACKAGE = Path(__file__).parents[1]
ROOT = PACKAGE.parent
INSTALL = "run `make env`, or `pip install -c constraints.txt -e '.[test]'` in the project's environment"
KERNEL_MB = 1200  # what the largest chapter may use, held by a test
MARKS = {"fine": "✓", "unsure": "!", "blocks": "✗"}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `blocks`: the course does not run like this; `unsure`: it may run badly."""

    what: str
    value: str
    state: Literal["fine", "unsure", "blocks"] = "fine"
    remedy: str = ""


@dataclass(frozen=True)
class Examination:
    """All findings, and the seconds that each chapter will take here (None: not written or not timed at this scale)."""

    findings: list[Finding]
    scale: str
    seconds: dict[str, float | None]

    @property
    def ready(self) -> bool:
        return all(finding.state != "blocks" for finding in self.findings)

    @property
    def verdict(self) -> str:
        problems = [finding for finding in self.findings if finding.state != "fine"]
        if not self.ready:
            count = sum(finding.state == "blocks" for finding in problems)
            return f"Not ready: {'one thing stands' if count == 1 else f'{count} things stand'} in the way."
        return "Ready for the course." if not problems else "Ready for the course, with a remark."

    def as_json(self) -> str:
        findings = [asdict(finding) for finding in self.findings]
        report = {"ready": self.ready, "verdict": self.verdict, "scale": self.scale}
        return json.dumps(report | {"findings": findings, "seconds": self.seconds}, indent=2)

    def as_text(self) -> str:
        lines = [self.verdict, ""]
        for finding in sorted(self.findings, key=lambda finding: list(MARKS)[::-1].index(finding.state)):
            lines.append(f"{MARKS[finding.state]} {finding.what:<12} {finding.value}")
            if finding.remedy:
                lines.append(f"  {'':<12} -> {finding.remedy}")
        known = [seconds for seconds in self.seconds.values() if seconds is not None]
        lines += ["", f"Minutes per chapter on this machine, at scale {self.scale!r}:" if known else "Chapters:"]
        for chapter in chapters():
            seconds = self.seconds.get(chapter.name)
            minutes = f"{seconds / 60:5.1f}" if seconds is not None else "    -"
            note = "" if chapter.written else "  (in preparation)"
            lines.append(f"  {minutes}  {chapter.number:02d} {chapter.title}{note}")
        return "\n".join(lines)


def examine() -> Examination:
    """Look at everything, in about ten seconds. A check that fails by itself becomes a finding."""
    checks: dict[str, Callable[[], Iterable[Finding]]] = {
        "Python": python,
        "packages": packages,
        "environment": environment,
        "device": device,
        "data": data,
        "weights": weights,
        "disk": disk,
        "memory": memory,
        "notebooks": notebooks,
    }
    findings: list[Finding] = []
    for what, check in checks.items():
        try:
            findings += check()
        except Exception as error:
            findings.append(Finding(what, f"{type(error).__name__}: {error}", "blocks", INSTALL))
    findings.append(Finding("network", "not needed: data and weights come with minigan"))
    try:
        from minigan.course.probe import speeds
        from minigan.course.scale import scale

        measured = speeds()
        return Examination(findings + load(measured), scale(), predict(timings(), scale(), max(measured.values())))
    except Exception:  # torch is broken, and is among the findings
        return Examination(findings, "unknown", {})


def predict(taken: dict[str, dict[str, Timing]], scale: str, speed: float) -> dict[str, float | None]:
    """Return the seconds that each chapter will take on a machine whose probe gives `speed` steps per second."""
    seconds: dict[str, float | None] = {}
    for chapter in chapters():
        timing = taken.get(chapter.name, {}).get(scale)
        seconds[chapter.name] = round(timing["seconds"] * timing["probe"] / speed, 1) if timing else None
    return seconds


def python(running: tuple[int, ...] = sys.version_info[:2]) -> list[Finding]:
    """The interpreter is new enough."""
    value = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if running < (3, 11):
        return [Finding("Python", value, "blocks", "install Python 3.11 or newer, then run `make env` again")]
    return [Finding("Python", value)]


def packages(installed: Callable[[str], str] = version) -> list[Finding]:
    """The packages that a chapter needs are there, and fit together."""
    found: dict[str, str] = {}
    findings: list[Finding] = []
    for name in ("minigan", "torch", "torchvision", "numpy", "matplotlib", "jupyterlab", "ipykernel"):
        try:
            found[name] = installed(name)
        except PackageNotFoundError:
            findings.append(Finding(name, "not installed", "blocks", INSTALL))
    findings.insert(0, Finding("packages", ", ".join(f"{name} {number}" for name, number in found.items())))
    if "torch" in found and "torchvision" in found:
        findings += pair(found["torch"], found["torchvision"])
    return findings


def pair(torch: str, torchvision: str) -> list[Finding]:
    """torchvision is compiled for one torch: 0.21 for 2.6, and both count up together."""
    major, minor = (int(part) for part in torch.split(".")[:2])
    fitting = f"0.{minor + 15}"
    if major == 2 and torchvision.split(".")[:2] != fitting.split("."):
        value = f"torch {torch} with torchvision {torchvision}"
        return [Finding("pair", value, "blocks", f"install the pair that fits: pip install torchvision=={fitting}.*")]
    try:
        importlib.import_module("torchvision.ops")
    except (ImportError, RuntimeError, OSError) as error:
        value = f"torchvision does not load: {error}"
        return [Finding("pair", value, "blocks", "install torch and torchvision again, both from the same index")]
    return []


def environment(prefix: str = sys.prefix, root: Path = ROOT, active: str | None = None) -> list[Finding]:
    """This Python is the one that the project's environment, or the active one, means."""
    own, running = root / ".venv", Path(prefix).resolve()
    active = os.environ.get("VIRTUAL_ENV") if active is None else active
    if own.is_dir() and running != own.resolve():
        start = own / ("Scripts" if os.name == "nt" else "bin") / "minigan"
        remedy = f"start with `{start} doctor`, or `make lab`, which does"
        return [Finding("environment", f"{running}, but the project has its own in {own}", "unsure", remedy)]
    if active and Path(active).resolve() != running:
        remedy = "deactivate it, or install minigan in it"
        return [Finding("environment", f"{running}, while {active} is activated", "unsure", remedy)]
    return [Finding("environment", str(running))]


def device() -> list[Finding]:
    """What computes, with how many threads, and whether bfloat16 is worth its while."""
    import torch

    from minigan import hardware

    try:
        on = hardware.device()
    except ValueError as error:
        return [Finding("device", str(error), "blocks", "unset MINIGAN_DEVICE")]
    name = torch.cuda.get_device_name(on) if on.type == "cuda" else platform.processor() or platform.machine()
    threads = torch.get_num_threads()
    remark = {"state": "unsure", "remedy": "unset OMP_NUM_THREADS, or close what binds the process to one core"}
    single = on.type == "cpu" and threads == 1 and (os.cpu_count() or 1) > 1
    usable = hardware.precision(on=on) == torch.bfloat16
    speedup = f"{hardware.bf16_speedup(on.type):.1f} times as fast as float32"
    return [
        Finding("device", f"{on} ({name})"),
        Finding("threads", f"{threads} of {os.cpu_count()} cores", **(remark if single else {})),  # type: ignore[arg-type]
        Finding("bfloat16", f"used: {speedup}" if usable else f"not used: {speedup}; float32 is"),
    ]


def load(speeds: dict[int, float]) -> list[Finding]:
    """The cores are free: several threads are not slower than one. `speeds`: from `minigan.course.probe`."""
    most = max(speeds)
    value = f"{most} threads {speeds[most] / speeds[min(speeds)]:.1f} times as fast as one"
    if speeds[most] < 0.8 * speeds[min(speeds)]:
        remedy = "close other programs that compute, or set OMP_NUM_THREADS=1 while they run"
        return [Finding("load", f"{value}: the cores are busy", "unsure", remedy)]
    return [Finding("load", value)] if len(speeds) > 1 else []


def data(pack: Path = PACKAGE / "pack") -> list[Finding]:
    """Every file of the data pack is there and has its checksum."""
    remedy = "install minigan again, or in a clone: git checkout -- minigan/pack"
    listing = pack / "SHA256SUMS"
    if not listing.exists():
        return [Finding("data", f"{listing} is missing", "blocks", remedy)]
    wanted = dict(line.split(maxsplit=1)[::-1] for line in listing.read_text(encoding="utf-8").splitlines() if line)
    missing = [name for name in wanted if not (pack / name).exists()]
    damaged = [name for name in wanted if name not in missing and sha256(pack / name) != wanted[name]]
    for kind, names in (("missing", missing), ("damaged", damaged)):
        if names:
            value = f"{len(names)} of {len(wanted)} files {kind}, first {names[0].removeprefix('./')}"
            return [Finding("data", value, "blocks", remedy)]
    return [Finding("data", f"{len(wanted)} files, all checksums right")]


def sha256(path: Path) -> str:
    """Return the checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def weights(folder: Path = PACKAGE / "weights") -> list[Finding]:
    """The trained networks that come with minigan can be opened."""
    from safetensors import SafetensorError, safe_open

    files = sorted(folder.rglob("*.safetensors"))
    for path in files:
        try:
            with safe_open(path, framework="np") as file:
                file.keys()
        except (SafetensorError, OSError) as error:
            remedy = "install minigan again, or in a clone: git checkout -- minigan/weights"
            return [Finding("weights", f"{path.name} is damaged: {error}", "blocks", remedy)]
    return [Finding("weights", ", ".join(path.stem for path in files) or "none come with this version")]


def disk(free: int | None = None) -> list[Finding]:
    """There is room for checkpoints and pictures."""
    free_mb = (shutil.disk_usage(ROOT).free if free is None else free) // 2**20
    value = f"{free_mb / 1024:.1f} GB free"
    if free_mb < 100:
        return [Finding("disk", value, "blocks", "free at least 1 GB: notebooks and checkpoints cannot be saved")]
    if free_mb < 1024:
        return [Finding("disk", value, "unsure", "free about 1 GB, for checkpoints and pictures")]
    return [Finding("disk", value)]


def memory(total: int | None = None, free: int | None = None) -> list[Finding]:
    """The largest chapter fits into memory."""
    if total is None or free is None:
        import psutil

        total, free = psutil.virtual_memory().total, psutil.virtual_memory().available
    value, free_mb = f"{total / 2**30:.1f} GB, {free / 2**30:.1f} GB free", free // 2**20
    if free_mb < KERNEL_MB // 2:
        return [Finding("memory", value, "blocks", f"close other programs: a chapter needs up to {KERNEL_MB} MB")]
    if free_mb < KERNEL_MB * 3 // 2:
        remedy = f"close other programs, and shut down notebooks you have read: a chapter needs up to {KERNEL_MB} MB"
        return [Finding("memory", value, "unsure", remedy)]
    return [Finding("memory", value)]


def notebooks(folder: Path = ROOT / "notebooks") -> list[Finding]:
    """The notebooks are there and can be saved."""
    if not folder.is_dir():
        remedy = "clone the repository: the installed package holds the library, not the notebooks"
        return [Finding("notebooks", f"none in {folder}", "unsure", remedy)]
    if not os.access(folder, os.W_OK):
        remedy = f"copy the project to a folder of yours, or ask for the right to write in {folder}"
        return [Finding("notebooks", f"{folder} cannot be written", "blocks", remedy)]
    return [Finding("notebooks", f"{len(list(folder.glob('[0-9]*.ipynb')))} in {folder}")]
