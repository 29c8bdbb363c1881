"""The computers that a kit is for: a system with its processor, and a Python."""

import platform
import sys
from dataclasses import dataclass
from functools import cached_property

from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms

from minigan.names import known

GLIBC = 28  # of 2.28: the oldest that torch's wheels for Linux run on


@dataclass(frozen=True)
class System:
    """How Python on it names itself (sys.platform, os.name, platform.system(), platform.machine()), and its wheels."""

    sys_platform: str
    os_name: str
    system: str
    machine: str
    wheels: tuple[str, ...]


def _glibc(machine: str) -> tuple[str, ...]:
    old = [f"{name}_{machine}" for name in ("manylinux2014", "manylinux2010", "manylinux1", "linux")]
    return (*(f"manylinux_2_{minor}_{machine}" for minor in range(GLIBC, 4, -1)), *old)


SYSTEMS = {
    "linux": System("linux", "posix", "Linux", "x86_64", _glibc("x86_64")),
    "linux-arm": System("linux", "posix", "Linux", "aarch64", _glibc("aarch64")),
    "windows": System("win32", "nt", "Windows", "AMD64", ("win_amd64",)),
    "macos": System("darwin", "posix", "Darwin", "arm64", tuple(mac_platforms((14, 0), "arm64"))),
}


@dataclass(frozen=True)
class Target:
    """One kind of laptop: `platform` is a name of SYSTEMS, `python` is such as "3.12"."""

    platform: str
    python: str

    def __str__(self) -> str:
        return f"{self.platform} with Python {self.python}"

    @property
    def version(self) -> tuple[int, int]:
        major, minor = self.python.split(".")
        return int(major), int(minor)

    @cached_property
    def tags(self) -> frozenset[Tag]:
        """The wheels that run there."""
        wheels = SYSTEMS[self.platform].wheels
        interpreter = f"cp{self.python.replace('.', '')}"
        own = cpython_tags(self.version, platforms=wheels, abis=[interpreter])
        return frozenset([*own, *compatible_tags(self.version, interpreter, wheels)])

    @cached_property
    def environment(self) -> dict[str, str]:
        """What the markers of a requirement ask about, as it is there (PEP 508)."""
        system = SYSTEMS[self.platform]
        return {
            "sys_platform": system.sys_platform,
            "os_name": system.os_name,
            "platform_system": system.system,
            "platform_machine": system.machine,
            "platform_python_implementation": "CPython",
            "implementation_name": "cpython",
            "python_version": self.python,
            "python_full_version": f"{self.python}.0",
            "implementation_version": f"{self.python}.0",
            "platform_release": "",
            "platform_version": "",
        }

    @property
    def for_pip(self) -> list[str]:
        """The options with which pip looks for wheels of that computer instead of this one."""
        wheels = [option for wheel in SYSTEMS[self.platform].wheels for option in ("--platform", wheel)]
        return [*wheels, "--python-version", self.python, "--implementation", "cp"]


def targets(platforms: list[str], pythons: list[str]) -> list[Target]:
    """Every pair of the two; what is not named is as here. Raises ValueError for what torch has no wheels for."""
    systems = [known(name, SYSTEMS, "platform") for name in platforms] or [this_system()]
    versions = pythons or [f"{sys.version_info.major}.{sys.version_info.minor}"]
    for version in versions:
        major, _, minor = version.partition(".")
        if major != "3" or not minor.isdigit() or int(minor) < 11:
            raise ValueError(f"--python-version is {version!r}, expected 3.11 or newer, such as 3.12")
    return [Target(system, version) for system in dict.fromkeys(systems) for version in dict.fromkeys(versions)]


def this_system() -> str:
    """The name of this computer's system. Raises ValueError where there is none."""
    here = (platform.system(), platform.machine())
    for name, system in SYSTEMS.items():
        if here == (system.system, system.machine):
            return name
    raise ValueError(
        f"{' '.join(here)} has no wheels of torch; name the laptops' system: --platform {'|'.join(SYSTEMS)}"
    )
