"""What does the course cost: minutes and memory of each notebook, room on the disk, time to set it up?

    python benchmarks/course.py            seconds; writes benchmarks/results/course.{json,md,png}
    python benchmarks/course.py --setup    ten minutes; clones the repository, runs `make env` there, and keeps the time
    python benchmarks/course.py --tests    five minutes; executes each notebook at the scale `quick`, keeps the time
    python benchmarks/course.py --quick    a trial within a minute, nothing kept

Minutes and the peak of memory of a notebook were kept when it was executed (`minigan course build --execute`), each
with the speed of a small probe on that machine: they are read from minigan/course/timings.json. The minutes at equal
speed are what `minigan doctor` would foretell for a machine with the median probe.

Room: the files that git tracks, the package without caches, the environment with the parts that take most of it. The
set-up starts from a fresh clone and from the package cache of this machine, so that no download counts; what a
download adds depends on the network.
"""

import subprocess
import sys
import sysconfig
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated

import bench
import typer

from minigan import plot
from minigan.course.build import compose, execute, select
from minigan.course.chapters import chapters, timings

SETUP = "seconds of `make env`"
TESTS = "seconds at the scale quick"


def megabytes(files: list[Path]) -> float:
    """What these files hold, links not followed."""
    return round(sum(path.lstat().st_size for path in files if path.is_file()) / 2**20, 1)


def inside(folder: Path) -> list[Path]:
    """All files below a folder, without Python's caches."""
    return [path for path in folder.rglob("*") if "__pycache__" not in path.parts]


def tracked() -> list[Path]:
    """The files that git tracks; none where this is no clone."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=bench.ROOT, capture_output=True, text=True, check=False)
    return [bench.ROOT / name for name in listed.stdout.split("\0") if name]


def room() -> dict[str, float]:
    """Megabytes of the repository, the package and the environment."""
    packages = Path(sysconfig.get_paths()["purelib"])
    environment = inside(Path(sys.prefix))
    return {
        "repository, tracked files": megabytes(tracked()),
        "package": megabytes(inside(bench.ROOT / "minigan")),
        "package, pictures": megabytes(inside(bench.ROOT / "minigan" / "pack")),
        "package, weights": megabytes(inside(bench.ROOT / "minigan" / "weights")),
        "notebooks with their pictures": megabytes(list((bench.ROOT / "notebooks").glob("*.ipynb"))),
        "environment": megabytes(environment),
        "environment, torch": megabytes([path for path in environment if packages / "torch" in path.parents]),
        "environment, libraries for GPUs": megabytes(
            [path for name in ("nvidia", "triton") for path in inside(packages / name)]
        ),
    }


def set_up() -> float:
    """Seconds of `make env` in a fresh clone, packages from the cache of this machine."""
    with TemporaryDirectory() as folder:
        subprocess.run(["git", "clone", "--quiet", str(bench.ROOT), f"{folder}/minigan"], check=True)
        began = time.perf_counter()
        subprocess.run(["make", "env", f"PYTHON={sys.executable}"], cwd=f"{folder}/minigan", check=True)
        return round(time.perf_counter() - began, 1)


def at_quick() -> dict[str, float]:
    """Seconds of each notebook at the scale of the tests, in a kernel of its own, one after the other."""
    return {paths.name: execute(compose(paths), paths, "quick")["seconds"] or 0 for paths in select(bench.ROOT, [])}


def notebooks(seconds: Mapping[str, float]) -> list[bench.Found]:
    """A row for each chapter that has been executed at the scale of a laptop."""
    taken = {name: scales["cpu"] for name, scales in timings().items() if "cpu" in scales}
    usual = median(timing["probe"] for timing in taken.values())
    rows = []
    for chapter in chapters():
        if timing := taken.get(chapter.name):
            equal = timing["seconds"] * timing["probe"] / usual / 60
            rows.append(
                {
                    "chapter": f"{chapter.number:02d} {chapter.title}",
                    "minutes": round(timing["seconds"] / 60, 1),
                    "minutes at equal speed": round(equal, 1),
                    **({TESTS: seconds[chapter.name]} if chapter.name in seconds else {}),
                    "peak of memory, MB": timing["peak_mb"],
                    "minutes to read": chapter.reading,
                }
            )
    return rows


def measure(setting_up: bool, testing: bool) -> bench.Found:
    """All that stands in the results; what is not measured anew as it was."""
    found = bench.conditions()
    before = bench.kept(__file__)
    seconds = at_quick() if testing else before.get(TESTS, {})
    found |= {TESTS: seconds, "notebooks": notebooks(seconds), "megabytes": room()}
    if setting_up:
        found[SETUP] = set_up()
        found["set up on"] = found["machine"]
    return found | {key: before[key] for key in (SETUP, "set up on") if key in before and not setting_up}


def text(found: bench.Found) -> str:
    """The results in Markdown."""
    rows = found["notebooks"]
    summed = [key for key in ("minutes", "minutes at equal speed", TESTS) if key in rows[0]]
    sums = [round(sum(row[key] for row in rows), 1) for key in summed]
    total = ["all", *sums, max(row["peak of memory, MB"] for row in rows), sum(row["minutes to read"] for row in rows)]
    setup = (
        f"`make env` in a fresh clone took {found[SETUP]:.0f} s on {found['set up on']}.\n\n" if SETUP in found else ""
    )
    return (
        "# What the course costs\n\n"
        f"`python benchmarks/course.py` on {found['machine']}.{bench.load(found)} Minutes and memory are those of the "
        "execution at the scale `cpu`, on two processor cores, not all of the same kind; the minutes at equal speed "
        "make up for that. Memory is the peak of the notebook's kernel.\n\n"
        f"{bench.table(rows[0], [*(row.values() for row in rows), total])}\n\n{setup}"
        f"{bench.table(('room on the disk', 'MB'), found['megabytes'].items())}\n\n"
        "![Minutes and memory of the notebooks](course.png)\n"
    )


def claim(found: bench.Found) -> str:
    rows, room = found["notebooks"], found["megabytes"]
    return (
        f"{len(rows)} notebooks take {sum(row['minutes'] for row in rows):.0f} minutes and at most "
        f"{max(row['peak of memory, MB'] for row in rows):,} MB each; the repository has "
        f"{room['repository, tracked files']:.0f} MB, the environment {room['environment'] / 1024:.1f} GB"
    )


def draw(found: bench.Found, folder: Path) -> None:
    """Minutes and memory of each notebook."""
    rows = found["notebooks"]
    names = [row["chapter"] for row in rows]
    alt = "Two panels of bars, minutes and megabytes of each notebook: " + "; ".join(
        f"{row['chapter']} {row['minutes']:g} and {row['peak of memory, MB']}" for row in rows
    )
    with plot.figure(2, alt=alt, size=(4.2, 3.6), save=folder / "course.png") as axes:
        for axis, key in zip(axes, ("minutes", "peak of memory, MB"), strict=True):
            axis.barh(names, [row[key] for row in rows], color=plot.REAL)
            axis.invert_yaxis()
            axis.set(title=key)
        axes[1].set_yticks([])


def main(
    quick: bench.Quick = False,
    setting_up: Annotated[bool, typer.Option("--setup", help="Clone, set up, and keep the time.")] = False,
    testing: Annotated[bool, typer.Option("--tests", help="Execute at the scale quick, and keep the time.")] = False,
) -> None:
    """Say what the course costs."""
    bench.publish(__file__, measure(setting_up and not quick, testing and not quick), text, draw, quick=quick)


if __name__ == "__main__":
    typer.run(main)
