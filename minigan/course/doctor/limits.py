"""What this process may use of the machine: memory and processors as containers and hubs allot them.

In a container `psutil` and `os.cpu_count` speak of the whole machine. The limits stand in the files of Linux's control
groups (its documentation: cgroup-v2, cgroup-v1/memory, scheduler/sched-bwc), and a JupyterHub states its own in
MEM_LIMIT, in bytes, and CPU_LIMIT, in cores.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")


@dataclass(frozen=True)
class Limits:
    """Bytes of memory allowed, those of them in use, and processor cores allowed. None: no limit is known."""

    memory: int | None = None
    used: int | None = None
    cores: float | None = None


NONE = Limits()


def limits(environ: Mapping[str, str] = os.environ, groups: Path = GROUPS, own: Path = OWN) -> Limits:
    """Return the tightest limits that are stated anywhere: in a control group, above it, or by the hub."""
    memory: list[tuple[int, int | None]] = []
    cores: list[float] = []
    for folder in _folders(groups, own):
        new = _number(folder / "memory.max")
        limit = new if new is not None else _number(folder / "memory.limit_in_bytes")
        if limit is not None and limit < 2**60:  # version 1 says "no limit" by a huge number
            memory.append((limit, _used(folder)))
        cores += _cores(folder)
    if any(name.startswith("JUPYTERHUB_") for name in environ):
        with suppress(KeyError, ValueError):
            memory.append((int(environ["MEM_LIMIT"]), None))
        with suppress(KeyError, ValueError):
            cores.append(float(environ["CPU_LIMIT"]))
    limit, used = min(memory, key=lambda pair: pair[0]) if memory else (None, None)
    return Limits(limit, used, min((count for count in cores if count > 0), default=None))


def _folders(groups: Path, own: Path) -> Iterator[Path]:
    """The folders of this process's control groups and of those above, of both versions, as far as they are there."""
    try:
        lines = own.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []  # not Linux
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        mounts = [groups] if not controllers else [groups / controllers, *(groups / c for c in controllers.split(","))]
        for mount in dict.fromkeys(mounts):
            inside = mount / path.strip("/")
            while inside != mount:
                if inside.is_dir():
                    yield inside
                inside = inside.parent
            if mount.is_dir():
                yield mount


def _number(path: Path, word: int = 0) -> int | None:
    """A number in a file of a control group; None for "max", and where the file is missing."""
    with suppress(OSError, ValueError, IndexError):
        return int(path.read_text(encoding="utf-8").split()[word])
    return None


def _used(folder: Path) -> int | None:
    """Bytes in use, without the cache of files, which is given back when it is needed."""
    for usage, cache in (("memory.current", "inactive_file"), ("memory.usage_in_bytes", "total_inactive_file")):
        used = _number(folder / usage)
        if used is not None:
            with suppress(OSError, ValueError):
                statistics = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
                used -= int(statistics.get(cache, 0))
            return max(used, 0)
    return None


def _cores(folder: Path) -> list[float]:
    """Cores by the quota of this folder: microseconds of computing in each period."""
    quota, period = _number(folder / "cpu.max"), _number(folder / "cpu.max", 1)
    if quota is None:
        quota, period = _number(folder / "cpu.cfs_quota_us"), _number(folder / "cpu.cfs_period_us")
    return [quota / period] if quota and quota > 0 and period else []
