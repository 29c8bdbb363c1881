"""What does grading cost beside the students' own code, and do two workers halve the time?

    python benchmarks/grading.py            fifteen minutes; writes benchmarks/results/grading.{json,md,png}
    python benchmarks/grading.py --quick    a trial within a minute: two submissions, nothing kept

The submissions are the solution of one chapter, many times over. Their own code is the seconds that its cells take in
a kernel without a sandbox, canaries or nbgrader. What a submission takes beyond that is the overhead: the sandbox, the
start of Python and of the kernel, the canaries, nbgrader and the gradebook. One worker and two take turns, each into a
fresh folder; the ratio is taken within each round, and its median counts.
"""

import contextlib
import io
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import bench
import nbformat
import typer
from nbclient import NotebookClient

from minigan import plot
from minigan.course.exercises import Master
from minigan.course.grading.batch import Batch, grade

ROOT = bench.ROOT


def own_seconds(master: Master) -> float:
    """How long the cells of the solution take, the start of the kernel left out."""
    notebook = nbformat.read(master.notebook, as_version=4)
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(master.notebook.parent)}})
    with client.setup_kernel(env={**os.environ, "MINIGAN_SCALE": "quick", "OMP_NUM_THREADS": "1"}):
        began = time.monotonic()
        for index, cell in enumerate(notebook.cells):
            client.execute_cell(cell, index)
        return time.monotonic() - began


def batch_seconds(master: Master, submissions: int, workers: int) -> float:
    """How long a batch of equal submissions takes, from the call to the written report."""
    with tempfile.TemporaryDirectory() as folder:
        for number in range(submissions):
            target = Path(folder, "submissions", f"student{number:03d}", master.notebook.name)
            target.parent.mkdir(parents=True)
            shutil.copyfile(master.notebook, target)
        batch = Batch(ROOT, Path(folder, "submissions"), Path(folder, "out"), workers=workers)
        began = time.monotonic()
        with contextlib.redirect_stderr(io.StringIO()):
            outcome = grade(batch)
        spent = time.monotonic() - began
        if any(record.state != "graded" for record in outcome.done):
            raise RuntimeError(f"not all were graded: {[record.reason for record in outcome.done if record.reason]}")
        return spent


def measure(master: Master, submissions: int, rounds: int) -> dict[str, Any]:
    """Seconds of batches with one and two workers, and of a batch of one, which holds what is done once."""
    own = [own_seconds(master) for _ in range(max(rounds, 2))]
    turns = []
    for turn in range(rounds):
        seconds = {"once": batch_seconds(master, 1, 1)}
        for workers in (1, 2) if turn % 2 == 0 else (2, 1):
            seconds[str(workers)] = batch_seconds(master, submissions, workers)
        turns.append(seconds)
        typer.echo(f"round {turn + 1}: {seconds}")
    each = [(turn["1"] - turn["once"]) / max(submissions - 1, 1) for turn in turns]
    return {
        "exercise": master.name,
        "submissions": submissions,
        "own seconds": round(min(own), 2),
        "seconds a submission, one worker": round(statistics.median(each), 2),
        "overhead a submission": round(statistics.median(each) - min(own), 2),
        "times as fast with two workers": round(statistics.median(turn["1"] / turn["2"] for turn in turns), 2),
        "rounds": turns,
    }


def text(found: bench.Found) -> str:
    """The results in Markdown."""
    rows = [(key, value) for key, value in found.items() if key not in ("rounds", "machine")]
    return (
        "# What grading costs\n\n"
        f"`python benchmarks/grading.py` on {found['machine']}. Own seconds: the solution's cells in a kernel without "
        "sandbox. Overhead: what a submission takes beyond that with one worker, canaries and nbgrader included.\n\n"
        f"{bench.table(('what', 'value'), rows)}\n\n"
        "![Bars of the seconds of a batch, with one worker and two](grading.png)\n"
    )


def claim(found: bench.Found) -> str:
    return (
        f"Grading costs {found['overhead a submission']} s a submission beside the students' own code; two workers are "
        f"{found['times as fast with two workers']} times as fast as one"
    )


def draw(found: bench.Found, folder: Path) -> None:
    """Seconds of each batch."""
    rounds = found["rounds"]
    alt = "Seconds of a batch in each round: " + "; ".join(
        f"with {workers} worker{'s' * (workers == '2')} " + ", ".join(f"{turn[workers]:.0f}" for turn in rounds)
        for workers in ("1", "2")
    )
    with plot.figure(alt=alt, size=(5, 2), save=folder / "grading.png") as axis:
        for place, workers in enumerate(("1", "2")):
            axis.barh(place, statistics.median(turn[workers] for turn in rounds), color=(plot.FAKE, plot.REAL)[place])
            axis.plot([turn[workers] for turn in rounds], [place] * len(rounds), "o", color="black", ms=3)
        axis.set_yticks((0, 1), ("one worker", "two workers"))
        axis.set(xlabel=f"seconds for {found['submissions']} submissions", xlim=(0, None))


def main(
    quick: bench.Quick = False,
    chapter: Annotated[str, typer.Option(help="The exercise.")] = "02_minimax_loss",
) -> None:
    """Measure what grading costs."""
    conditions = bench.conditions()
    found = measure(Master(ROOT, chapter), submissions=2 if quick else 24, rounds=1 if quick else 3) | conditions
    bench.publish(__file__, found, text, draw, quick=quick)


if __name__ == "__main__":
    typer.run(main)
