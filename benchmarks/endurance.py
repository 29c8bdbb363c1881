"""Does a training that is killed again and again end as one that nobody has disturbed?

    python benchmarks/endurance.py            fifteen minutes; writes benchmarks/results/endurance.{json,md}
    python benchmarks/endurance.py --quick    two kills of each, nothing kept

A real `minigan train` is killed with SIGKILL, which no program can catch, and resumed with --resume. Half of the kills
come at a moment that is drawn at random, from the first import on; the others while a file is being written. After each
kill every file of the run is looked at. In the end the networks, the averages, the optimisers, the random stream, the
log but for its seconds, the weights for use and all pictures have to be those of an undisturbed run, bit for bit.
"""

import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import bench
import psutil
import torch
import typer
from PIL import Image

from minigan import train, weights
from minigan.apps.tasks import kinds
from minigan.files import UNFINISHED

SMALL = ("--batch", "64", "--size", "16", "--precision", "float32", "--device", "cpu", "--seed", "3")
RUNS = (  # what is trained, images, kills, files of two saves; one comes every 12,000 images, and the kills take many
    ("a GAN", ("peeps", "--width", "4"), 480_000, 20, 6),
    ("an application", ("photos", "--task", "denoise"), 72_000, 6, 2),
)
HEADS = ("kills", "in the middle of a write", "broken files", "values compared", "differences")


@dataclass(frozen=True)
class Kill:
    """One kill: what it waited for, the seconds that the process computed, and what stood in the folder then."""

    waited_for: str
    seconds: float
    seen: int  # images, by the checkpoint
    unfinished: int  # files that were being written
    complaints: tuple[str, ...] = ()  # files that are neither whole nor refused


@dataclass(frozen=True)
class Training:
    """A command that trains: what Python is given to run, the words of a new run, and how many images it sees."""

    words: tuple[str, ...]
    images: int
    program: tuple[str, ...] = ("-m", "minigan")

    def command(self, run: Path) -> list[str]:
        """The command that begins the run in a folder, or goes on with it."""
        begun = (run / "checkpoint.pt").exists()
        further = [self.words[0], "--resume"] if begun else [*self.words, "--images", str(self.images)]
        return [sys.executable, *self.program, "train", *further, "-o", str(run)]

    def complete(self, run: Path) -> float:
        """Train to the end; the seconds of the processor that it took."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(self.command(run), env=environment(), check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "MINIGAN_DEBUG": "1"}


def unfinished(run: Path) -> list[Path]:
    """The files in a run's folder that are being written, or were when the process was killed."""
    return [path for folder in (run, run / "samples") for path in folder.glob(f"{UNFINISHED}*")]


def killed(command: Sequence[str], run: Path, what: str, due: Callable[[float, int], bool], late: float = 0) -> Kill:
    """Start a command and kill it, `late` seconds after it is `due(seconds, files)`.

    The seconds are those that the process has computed, so that a busy machine changes nothing; the files those that it
    has begun to write. Raises `RuntimeError` where the process has ended before.
    """
    before = set(unfinished(run))
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, env=environment(), stdout=said, stderr=said)
        watched, begun, spent = psutil.Process(process.pid), set(), 0.0
        try:
            while process.poll() is None and not due(spent, len(begun)):
                time.sleep(0.0005)
                times = watched.cpu_times()
                spent = times.user + times.system
                begun |= set(unfinished(run)) - before
            time.sleep(late)
        finally:
            process.kill()
            code = process.wait()
        if code != -signal.SIGKILL:
            said.seek(0)
            raise RuntimeError(f"the training ended with {code} before it was killed: {said.read()[-2000:]}")
    seen = train.read_checkpoint(run)["seen"] if (run / "checkpoint.pt").exists() else 0
    return Kill(what, round(spent, 2), seen, len(set(unfinished(run)) - before), tuple(broken(run)))


def moment(
    number: int, chance: random.Random, longest: float, most: int
) -> tuple[str, Callable[[float, int], bool], float]:
    """When the kill of that number is due: in turns at a random moment, and while one of the first files is written."""
    if number % 2:
        write = chance.randint(1, most)
        return f"file {write}", lambda seconds, files: files >= write, chance.uniform(0, 0.004)
    after = chance.uniform(0, longest)
    return f"{after:.2f} s", lambda seconds, files: seconds >= after, 0.0


def broken(run: Path) -> list[str]:
    """What is wrong with the files of a run, those left aside that are known to be unfinished."""
    complaints = []
    for path in sorted(run.rglob("*.*")):
        try:
            if path.name.startswith(UNFINISHED):
                continue
            if path.suffix == ".pt":
                train.read_checkpoint(path.parent)
            elif path.suffix == ".safetensors":
                weights.load_network(path, *kinds())
            else:
                with Image.open(path) as picture:
                    picture.load()
        except Exception as error:  # whatever it is
            complaints.append(f"{path.relative_to(run)}: {type(error).__name__}: {error}")
    return complaints


def leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a checkpoint by its place, but for the seconds."""
    if isinstance(value, Mapping | list | tuple):
        for key, inner in value.items() if isinstance(value, Mapping) else enumerate(value):
            if key != "seconds":
                yield from leaves(inner, f"{place}.{key}")
    else:
        yield place, value


def same(one: Any, other: Any) -> bool:
    """Equal to the last bit."""
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    return type(one) is type(other) and bool(one == other)


def differences(run: Path, undisturbed: Path) -> list[str]:
    """In what two runs differ: each value of their checkpoints, each byte of their other files."""
    ours, theirs = (dict(leaves(train.read_checkpoint(folder))) for folder in (run, undisturbed))
    found = [place for place in {**ours, **theirs} if not same(ours.get(place), theirs.get(place))]
    files = [
        {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*.*")
            if path.suffix != ".pt" and not path.name.startswith(UNFINISHED)
        }
        for folder in (run, undisturbed)
    ]
    return found + [name for name in {**files[0], **files[1]} if files[0].get(name) != files[1].get(name)]


def endure(training: Training, kills: int, files: int, folder: Path, seed: int = 0) -> dict[str, Any]:
    """Train undisturbed, then with so many kills, at a random moment or in the first `files` of a process; compare."""
    undisturbed, run = folder / "undisturbed", folder / "killed"
    seconds, chance, found = training.complete(undisturbed), random.Random(seed), []
    longest = max(min(0.8 * seconds, 8), seconds / 10)
    for number in range(kills):
        found.append(killed(training.command(run), run, *moment(number, chance, longest, files)))
        typer.echo(found[-1])
    training.complete(run)
    return {
        "kills": [asdict(kill) for kill in found],
        "in the middle of a write": sum(kill.unfinished > 0 for kill in found),
        "broken files": [complaint for kill in found for complaint in kill.complaints],
        "values compared": len(list(leaves(train.read_checkpoint(run)))),
        "differences": differences(run, undisturbed),
    }


def measure(quick: bool) -> bench.Found:
    """What has become of each training."""
    found: bench.Found = bench.conditions() | {"runs": {}}
    for name, words, images, kills, files in RUNS:
        with tempfile.TemporaryDirectory() as folder:
            training = Training((*words, *SMALL), 24_000 if quick else images)
            found["runs"][name] = endure(training, 2 if quick else kills, files, Path(folder))
    return found


def rows(found: bench.Found) -> list[list[Any]]:
    """A row for each training, its name first, then the numbers of `HEADS`."""
    return [
        [name, *(len(value) if isinstance(value := one[head], list) else value for head in HEADS)]
        for name, one in found["runs"].items()
    ]


def text(found: bench.Found) -> str:
    """The results in Markdown."""
    return (
        "# A training that is killed again and again\n\n"
        f"`python benchmarks/endurance.py` on {found['machine']}.{bench.load(found)} Each run is killed with SIGKILL "
        "and resumed, in turns at a random moment and while a file is being written, and compared bit for bit with a "
        "run that nobody has disturbed: networks, averages, optimisers, random stream, log, weights for use, pictures."
        "\n\n"
        f"{bench.table(['training', *HEADS], rows(found))}\n"
    )


def claim(found: bench.Found) -> str:
    every = list(found["runs"].values())
    kills, broken, other = (sum(len(one[key]) for one in every) for key in ("kills", "broken files", "differences"))
    cut = sum(one["in the middle of a write"] for one in every)
    return (
        f"After {kills} kills, {cut} of them in the middle of a file, {broken} files were broken, and the trainings "
        f"ended with {other} differences from undisturbed ones"
    )


def main(quick: bench.Quick = False) -> None:
    """Kill trainings and compare them with undisturbed ones."""
    torch.set_num_threads(1)
    found = measure(quick)
    bench.publish(__file__, found, text, quick=quick)
    if any(one["differences"] or one["broken files"] for one in found["runs"].values()):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
