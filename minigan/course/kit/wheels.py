"""All wheels that a computer needs: found in the folder or fetched by pip, one after the other, until none is missing.

pip alone can't do it: `pip download --platform windows` evaluates markers such as `sys_platform == "win32"` for the
computer on which it runs. So the requirements of each wheel are read here, with the target's markers, and pip is asked
for one package at a time, at the version that constraints.txt states.
"""

import email
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

from minigan.course.kit.targets import Target

Fetch = Callable[[Target, str], Path]  # a target and "name==1.2": the wheel, in the folder


@dataclass(frozen=True)
class Wheel:
    """A wheel in the folder, by its file name."""

    path: Path

    @property
    def name(self) -> str:
        return parse_wheel_filename(self.path.name)[0]

    @property
    def version(self) -> Version:
        return parse_wheel_filename(self.path.name)[1]

    def runs_on(self, target: Target) -> bool:
        return bool(parse_wheel_filename(self.path.name)[3] & target.tags)

    def requirements(self) -> list[Requirement]:
        """What it asks for, from its metadata."""
        with zipfile.ZipFile(self.path) as archive:
            inside = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
            metadata = email.message_from_bytes(archive.read(inside))
        return [Requirement(line) for line in metadata.get_all("Requires-Dist", [])]

    def unpacked(self) -> int:
        """Bytes of its files when they are installed."""
        with zipfile.ZipFile(self.path) as archive:
            return sum(entry.file_size for entry in archive.infolist())


def gather(
    target: Target,
    wanted: Iterable[Requirement],
    pins: dict[str, str],
    there: Callable[[], Iterable[Path]],
    fetch: Fetch,
) -> list[Wheel]:
    """Return the wheels of `wanted` and of everything that they ask for on that computer.

    `pins`: the tested version of each package. `there`: the wheels of the folder whose checksums are right. Raises
    ValueError where two packages ask for versions that exclude each other.
    """
    chosen: dict[str, Wheel] = {}
    handled: set[tuple[str, str]] = set()  # a package and one of its extras, or ""
    waiting = [(requirement, "the course") for requirement in wanted]
    while waiting:
        requirement, asker = waiting.pop(0)
        name = canonicalize_name(requirement.name)
        allowed = SpecifierSet(f"=={pins[name]}") if name in pins else requirement.specifier
        if name not in chosen:
            found = [wheel for path in there() if (wheel := Wheel(path)).name == name and wheel.runs_on(target)]
            fitting = [wheel for wheel in found if allowed.contains(wheel.version, prereleases=True)]
            newest = max(fitting, key=lambda wheel: wheel.version, default=None)
            chosen[name] = newest or Wheel(fetch(target, f"{name}{allowed}"))
        wheel = chosen[name]
        if not requirement.specifier.contains(wheel.version, prereleases=True):
            raise ValueError(
                f"{asker} asks for {requirement}, and {wheel.version} was chosen for another; add it to constraints.txt"
            )
        for extra in {"", *requirement.extras} - {extra for package, extra in handled if package == name}:
            handled.add((name, extra))
            waiting += [(needed, f"{name} {wheel.version}") for needed in applying(wheel.requirements(), target, extra)]
    return list(chosen.values())


def applying(requirements: Iterable[Requirement], target: Target, extra: str) -> Iterator[Requirement]:
    """Those that hold on that computer: with the extra, and, for an extra, not without it as well."""
    for requirement in requirements:
        plain, asked = (
            requirement.marker is None or requirement.marker.evaluate(target.environment | {"extra": name})
            for name in ("", extra)
        )
        if asked and (not plain or not extra):
            yield requirement


def pinned(constraints: str) -> dict[str, str]:
    """The versions of constraints.txt, by package."""
    lines = [line.split("#")[0].strip() for line in constraints.splitlines()]
    pairs = [line.split("==") for line in lines if "==" in line]
    return {canonicalize_name(name): version for name, version in pairs}
