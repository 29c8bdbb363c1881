"""How much memory do sixteen notebooks take that are executed at once on one machine, and do all of them finish?

    python benchmarks/kernels.py            fifteen minutes; writes benchmarks/results/kernels.{json,md,png}
    python benchmarks/kernels.py --quick    chapter 00 twice, nothing kept

A hub, or a class on one server: every chapter, and the three that take most memory a second time, each in a kernel of
its own, from the first cell to the last, at the scale `quick`. All start at the same moment with an empty cache, and no
kernel is closed before the last one has finished, as nobody closes notebooks.

Each kernel computes with one thread (OMP_NUM_THREADS=1), as the README advises whoever runs a hub. With a thread for
every core, those of many kernels wait for each other: compare `--threads 2`.

The peak of a kernel is what the system says of its process (VmHWM). It counts every page that the process maps,
although kernels share those of the libraries. So there is a second number, looked at every two seconds, in which a page
that several map is divided among them (PSS), children included. These may be added up.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import bench
import psutil
import typer
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

from minigan import plot
from minigan.course.build import compose, kernel_client, kernel_environment, peak_memory, select
from minigan.course.chapters import Chapter, chapters, timings

TWICE = 3  # chapters that are executed a second time
KERNEL, ROOM = 1_200, 24 * 1_024  # megabytes that a kernel, and all of them, may take
EVERY = 2.0  # seconds between two looks at the memory
PATIENCE = 600  # seconds for a kernel to start, while others compute


def classroom(quick: bool) -> list[Chapter]:
    """The chapters that are executed, some of them twice."""
    every = [chapter for chapter in chapters() if chapter.written]
    if quick:
        return every[:1] * 2
    peaks = {name: scales["cpu"]["peak_mb"] or 0 for name, scales in timings().items()}
    return every + sorted(every, key=lambda chapter: peaks[chapter.name], reverse=True)[:TWICE]


def client(chapter: Chapter) -> NotebookClient:
    """What executes a chapter, patient at the start."""
    (paths,) = select(bench.ROOT, [chapter.name])
    found = kernel_client(compose(paths), paths)
    found.startup_timeout = PATIENCE
    return found


# Memory


def held(process: psutil.Process) -> float:
    """Megabytes that a process and its children hold; 0 for one that is gone."""
    family, total = [process], 0
    with suppress(psutil.Error):
        family += process.children(recursive=True)
    for one in family:
        with suppress(psutil.Error):
            memory = one.memory_full_info()
            total += getattr(memory, "pss", memory.uss)  # only Linux knows the shares
    return total / 2**20


@dataclass
class Memory:
    """What kernels have held over the time."""

    processes: Sequence[psutil.Process]
    peaks: list[float] = field(init=False)  # of each kernel, in megabytes
    together: list[tuple[float, float]] = field(default_factory=list)  # (seconds, megabytes of all)
    began: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        self.peaks = [0.0] * len(self.processes)

    def look(self) -> None:
        """Take down what the kernels hold now."""
        now = [held(process) for process in self.processes]
        self.peaks = [max(pair) for pair in zip(self.peaks, now, strict=True)]
        self.together.append((round(time.perf_counter() - self.began, 1), round(sum(now))))

    async def watch(self) -> None:
        """Look again and again, until this is cancelled."""
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(EVERY)


# Kernels


async def work(one: NotebookClient) -> bench.Found:
    """Execute all cells of a notebook whose kernel runs: the seconds, the peak of memory, the reason of a failure."""
    began, failure = time.perf_counter(), ""
    try:
        for index, cell in enumerate(one.nb.cells):
            if cell.cell_type == "code":
                await one.async_execute_cell(cell, index)
    except CellExecutionError as error:
        failure = f"{error.ename}: {error.evalue}"
    except DeadKernelError:
        failure = "its kernel died; most often memory ran out"
    return {"seconds": round(time.perf_counter() - began, 1), "peak, MB": peak_memory(one), "failure": failure}


async def at_once(clients: Sequence[NotebookClient], environment: dict[str, str]) -> tuple[list[bench.Found], Memory]:
    """Execute all notebooks at the same time; every kernel lives until the last one has finished."""
    async with AsyncExitStack() as kernels:
        starts = (kernels.enter_async_context(one.async_setup_kernel(env=environment)) for one in clients)
        await asyncio.gather(*starts)
        memory = Memory([psutil.Process(one.km.provisioner.pid) for one in clients])
        watching = asyncio.create_task(memory.watch())
        found = await asyncio.gather(*map(work, clients))
        watching.cancel()
        memory.look()
    return list(found), memory


def measure(quick: bool, threads: int = 1) -> bench.Found:
    """A row for each kernel, and what all hold together over the time."""
    found, learners = bench.conditions() | {"threads of a kernel": threads}, classroom(quick)
    began = time.perf_counter()
    with TemporaryDirectory() as cache:
        environment = kernel_environment("quick") | {"MINIGAN_CACHE": cache, "OMP_NUM_THREADS": str(threads)}
        done, memory = asyncio.run(at_once([client(chapter) for chapter in learners], environment))
    rows = [
        {"chapter": f"{chapter.number:02d} {chapter.title}", **row, "its share, MB": round(share)}
        for chapter, row, share in zip(learners, done, memory.peaks, strict=True)
    ]
    return found | {
        "seconds": round(time.perf_counter() - began, 1),
        "memory of the machine, MB": psutil.virtual_memory().total // 2**20,
        "rows": rows,
        "seconds, MB of all": memory.together,
    }


# Results


def most(found: bench.Found) -> tuple[int, int]:
    """Megabytes: the highest peak of a kernel, and the most that all have held together."""
    kernels = (row["peak, MB"] or row["its share, MB"] for row in found["rows"])
    return max(kernels), max(held for _, held in found["seconds, MB of all"])


def failures(found: bench.Found) -> list[str]:
    """The kernels that did not finish."""
    return [f"{row['chapter']}: {row['failure']}" for row in found["rows"] if row["failure"]]


def text(found: bench.Found) -> str:
    """The results in Markdown."""
    rows, (kernel, together) = found["rows"], most(found)
    failed = failures(found)
    ended = f"these failed: {'; '.join(failed)}" if failed else "all finished"
    cells = [[row["chapter"], row["seconds"], row["peak, MB"], row["its share, MB"]] for row in rows]
    return (
        f"# {len(rows)} notebooks at once\n\n"
        f"`python benchmarks/kernels.py` on {found['machine']}.{bench.load(found)} All kernels start at the same "
        f"moment, at the scale `quick`; threads of a kernel: {found['threads of a kernel']}. None is closed before "
        "the last one has finished.\n\n"
        f"In {found['seconds'] / 60:.1f} minutes {ended}. A kernel held at most {kernel:,} MB, all of them together "
        f"{together:,} MB, of the machine's {found['memory of the machine, MB']:,} MB. The peak of a kernel counts all "
        "pages that it maps; in its share, a page that several kernels map is divided among them. The share of chapter "
        "12 holds that of two more processes, which it starts.\n\n"
        f"{bench.table(['notebook', 'seconds', 'peak, MB', 'its share, MB'], cells)}\n\n"
        "![Memory of each kernel, and of all over the time](kernels.png)\n"
    )


def claim(found: bench.Found) -> str:
    kernel, together = most(found)
    finished = len(found["rows"]) - len(failures(found))
    return (
        f"{finished} of {len(found['rows'])} notebooks at once finish, in {found['seconds'] / 60:.0f} minutes; a "
        f"kernel takes at most {kernel:,} MB, all together {together / 1024:.1f} GiB"
    )


def draw(found: bench.Found, folder: Path) -> None:
    """The memory of each kernel, and of all over the time."""
    rows, times = found["rows"], found["seconds, MB of all"]
    alt = "A bar for the peak of memory of each kernel, in MB, and in front of it its share: " + "; ".join(
        f"{row['chapter']} {row['peak, MB']} and {row['its share, MB']}" for row in rows
    )
    alt += f". Beside it a line of the memory of all kernels over the time, {most(found)[1]} MB at most."
    with plot.figure(2, alt=alt, size=(4.6, 4.2), save=folder / "kernels.png") as axes:
        places = range(len(rows))
        axes[0].barh(places, [row["peak, MB"] or 0 for row in rows], color="0.8", label="peak")
        axes[0].barh(places, [row["its share, MB"] for row in rows], height=0.5, color=plot.REAL, label="its share")
        axes[0].axvline(KERNEL, color="0.4", lw=1)
        axes[0].set_yticks(places, [row["chapter"] for row in rows])
        axes[0].invert_yaxis()
        axes[0].set(xlabel="MB of a kernel")
        axes[0].legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, fontsize=8.5)
        axes[1].plot([second / 60 for second, _ in times], [held / 1024 for _, held in times], color=plot.REAL)
        axes[1].axhline(ROOM / 1024, color="0.4", lw=1)
        axes[1].set(xlabel="minutes", ylabel="GiB of all kernels", ylim=(0, None))


def too_much(found: bench.Found) -> list[str]:
    """What is not as it should be."""
    kernel, together = most(found)
    over = [f"a kernel took {kernel} MB, expected less than {KERNEL}"] if kernel >= KERNEL else []
    over += [f"all took {together} MB, expected less than {ROOM}"] if together >= ROOM else []
    return failures(found) + over


def main(
    threads: Annotated[int, typer.Option(min=1, help="threads of each kernel")] = 1, quick: bench.Quick = False
) -> None:
    """Execute sixteen notebooks at once."""
    found = measure(quick, threads)
    bench.publish(__file__, found, text, draw, quick=quick)
    if wrong := too_much(found):
        typer.echo("\n".join(wrong), err=True)
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
