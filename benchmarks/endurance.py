"""Does a training that is killed again and again end as one that nobody has disturbed?

    python benchmarks/endurance.py            five minutes; writes benchmarks/results/endurance.{json,md}
    python benchmarks/endurance.py --quick    four kills, nothing written

A real `minigan train` is killed with SIGKILL, which no program can catch, and resumed with --resume. Half of the kills
come at a moment that is drawn at random, from the first import on; the others while a file is being written. After each
kill every file of the run is looked at. In the end the networks, the averages, the optimisers, the random stream, the
log but for its seconds, the weights for use and all pictures have to be those of an undisturbed run, bit for bit.
"""

import json
import os
import platform
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
from typing import Annotated, Any

import psutil
import torch
import typer
from PIL import Image

from minigan import train, weights
from minigan.apps.tasks import kinds
from minigan.files import UNFINISHED

RESULTS = Path(__file__).parent / "results"
SMALL = ("--batch", "16", "--size", "16", "--precision", "float32", "--device", "cpu", "--seed", "3")


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


def moment(number: int, chance: random.Random, longest: float) -> tuple[str, Callable[[float, int], bool], float]:
    """When the kill of that number is due: in turns at a random moment, and while a file is being written."""
    if number % 2:
        write = chance.randint(1, 6)
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


def endure(training: Training, kills: int, folder: Path, seed: int = 0) -> dict[str, Any]:
    """Train undisturbed, then with so many kills, and compare."""
    undisturbed, run = folder / "undisturbed", folder / "killed"
    seconds, chance, found = training.complete(undisturbed), random.Random(seed), []
    for number in range(kills):
        found.append(killed(training.command(run), run, *moment(number, chance, max(seconds / 10, 8))))
        typer.echo(found[-1])
    training.complete(run)
    return {
        "kills": [asdict(kill) for kill in found],
        "in the middle of a write": sum(kill.unfinished > 0 for kill in found),
        "files that were broken": sum(len(kill.complaints) for kill in found),
        "values compared": len(list(leaves(train.read_checkpoint(run)))),
        "differences": differences(run, undisturbed),
    }


def write(found: dict[str, Any], machine: str) -> None:
    """The results as JSON and Markdown."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "endurance.json").write_text(json.dumps({"machine": machine, **found}, indent=1) + "\n")
    heads = ("kills", "in the middle of a write", "files that were broken", "values compared", "differences")
    rows = [
        f"| {name} | " + " | ".join(str(len(v) if isinstance(v := one[head], list) else v) for head in heads) + " |"
        for name, one in found.items()
    ]
    (RESULTS / "endurance.md").write_text(
        "# A training that is killed again and again\n\n"
        f"`python benchmarks/endurance.py` on {machine}. Each run is killed with SIGKILL and resumed, in turns "
        "at a random moment and while a file is being written, and compared bit for bit with a run that nobody has "
        "disturbed: networks, averages, optimisers, random stream, log, weights for use, pictures.\n\n"
        f"| | {' | '.join(heads)} |\n|{' --- |' * (len(heads) + 1)}\n" + "\n".join(rows) + "\n"
    )


def main(quick: Annotated[bool, typer.Option("--quick", help="Four kills, nothing written.")] = False) -> None:
    """Kill trainings and compare them with undisturbed ones."""
    torch.set_num_threads(1)
    runs = {  # a checkpoint is written every 12,000 images
        "a GAN": (Training(("peeps", "--width", "4", *SMALL), 60_000 if quick else 300_000), 2 if quick else 20),
        "an application": (Training(("photos", "--task", "denoise", *SMALL), 60_000), 2 if quick else 6),
    }
    found = {}
    for name, (training, kills) in runs.items():
        with tempfile.TemporaryDirectory() as folder:
            found[name] = endure(training, kills, Path(folder))
    typer.echo(json.dumps(found, indent=1))
    if not quick:
        write(found, f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}")
    if any(one["differences"] or one["files that were broken"] for one in found.values()):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
