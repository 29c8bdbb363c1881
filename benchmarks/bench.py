"""What all benchmarks share: the machine in words, contestants in turns, results as JSON, Markdown and pictures.

A script measures into a dictionary that JSON can hold. Its `text` says in Markdown what stands there, its `claim` says
it in a sentence, for README.md of this folder. `python benchmarks` runs them all.
"""

import json
import math
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import torch
import typer
from torch import Tensor

from minigan import hardware, nets, plot
from minigan.files import whole_file

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
PEERS = ROOT / "runs" / "peers"  # what is only measured against: see peers.txt
Found = dict[str, Any]
Draw = Callable[[Found, Path], None]

Quick = Annotated[bool, typer.Option("--quick", help="A trial within a minute; nothing is kept.")]


# The machine


def told_by_linux(*keys: str) -> str:
    """What Linux says of the processor under the first of these keys that it knows; "" elsewhere."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key.strip() in keys:
                return value.strip()
    return ""


def processor() -> str:
    """The name of the processor, as far as the system tells it."""
    return told_by_linux("model name") or platform.processor() or platform.machine()


def computes_bfloat16() -> bool:
    """Whether this processor has instructions for bfloat16, or at least is faster with it than with float32."""
    flags = told_by_linux("flags", "Features").split()
    return bool({"avx512_bf16", "amx_bf16", "bf16"} & set(flags)) if flags else hardware.bf16_speedup() > 1


def megabytes(peak: int) -> float:
    """The peak of memory that the system says of a process (`ru_maxrss`), which macOS counts in bytes, in megabytes."""
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def conditions() -> Found:
    """What a number depends on beside the code: asked before anything is measured, because of the load."""
    threads = torch.get_num_threads()
    machine = f"{processor()} ({platform.machine()}), {os.cpu_count()} cores, {threads} thread{'s' * (threads != 1)}"
    load = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None
    kind = "in hardware" if computes_bfloat16() else "emulated"
    return {"machine": f"{machine}, bfloat16 {kind}, torch {torch.__version__}", "load before": load}


def load(found: Found) -> str:
    """A sentence on the load, where it was kept: other programs make times longer, and processor times hardly."""
    return f" Load of the machine before the run: {found['load before']}." if "load before" in found else ""


def peers() -> None:
    """Let packages be found that stand in `PEERS`, behind what is installed."""
    if PEERS.is_dir() and str(PEERS) not in sys.path:
        sys.path.append(str(PEERS))


def reason(error: BaseException) -> str:
    """Why a contestant does not run, in a line without paths."""
    if isinstance(error, ModuleNotFoundError):
        return f"{error.name} is not installed"
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said[:120]}"


# Contestants in turns


@dataclass
class Turns:
    """Seconds of each contestant in each round, by the clock and of the processor (all threads of this process)."""

    wall: dict[str, list[float]] = field(default_factory=dict)
    cpu: dict[str, list[float]] = field(default_factory=dict)
    last: dict[str, Any] = field(default_factory=dict)  # what each gave in its last turn


def take_turns(
    contestants: Mapping[str, Callable[[], Any]],
    rounds: int,
    each: int = 1,
    patience: float = math.inf,
    warm_up: bool = True,
) -> Turns:
    """Run all contestants `each` times in every round, so that all see the same weather on the machine.

    Every other round goes backwards. The first round warms up and does not count. After `patience` seconds in all a
    contestant sits out the further rounds.
    """
    turns = Turns({name: [] for name in contestants}, {name: [] for name in contestants})
    for number in range(-1 if warm_up else 0, rounds):
        for name, work in list(contestants.items())[:: -1 if number % 2 else 1]:
            if sum(turns.wall[name]) > patience:
                continue
            wall, cpu = time.perf_counter(), time.process_time()
            for _ in range(each):
                turns.last[name] = work()
            if number >= 0:
                turns.wall[name].append((time.perf_counter() - wall) / each)
                turns.cpu[name].append((time.process_time() - cpu) / each)
    return turns


def compared(turns: Turns, against: str, how: str = "fast", digits: int = 2) -> Found:
    """Medians in milliseconds, and how many times as fast as `against` each one is: (median, smallest, largest).

    `how`: "fast", or "long" for how many times as long each one takes. The ratios are taken within the rounds. Times of
    the processor have a ratio of their own, of which the median counts.
    """

    def ratios(seconds: Mapping[str, list[float]], name: str) -> list[float]:
        pairs = zip(seconds[against], seconds[name], strict=False)  # some sat out the last rounds
        return [other / own if how == "fast" else own / other for other, own in pairs]

    def ms(seconds: list[float]) -> float:
        return round(1e3 * median(seconds), 1)

    times = {name: ratios(turns.wall, name) for name in turns.wall}
    return {
        "milliseconds": {name: ms(seconds) for name, seconds in turns.wall.items()},
        "of the processor": {name: ms(seconds) for name, seconds in turns.cpu.items()},
        f"times as {how}": {
            name: [round(value, digits) for value in (median(each), min(each), max(each))]
            for name, each in times.items()
        },
        "by the processor": {name: round(median(ratios(turns.cpu, name)), digits) for name in turns.cpu},
        "rounds": {name: len(seconds) for name, seconds in turns.wall.items()},
    }


def contest_heads(how: str = "fast") -> tuple[str, ...]:
    """The heads of `contest_cells`."""
    return "ms (median)", "ms of CPU time", f"times as {how} (median)", "smallest to largest", "by CPU time"


def contest_cells(contest: Found, name: str) -> list[Any]:
    """What a contest says of one contestant."""
    times = contest["times as fast"] if "times as fast" in contest else contest["times as long"]
    middle, *ends = times[name]
    spent = contest["milliseconds"][name], contest["of the processor"][name]
    return [*spent, middle, " to ".join(written(ends)), contest["by the processor"][name]]


# Pictures


@torch.no_grad()
def drawings(generator: nets.Generator, count: int, seed: int) -> Tensor:
    """Pictures of a generator as it is, from latents that are the same for an equal seed, few at a time."""
    latents = torch.randn(count, generator.latents, generator=torch.Generator().manual_seed(seed))
    return torch.cat([generator(part) for part in latents.split(50)])


# Results


def table(heads: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """A table in Markdown. Numbers stand to the right, those of a column with equally many decimal places."""
    heads = list(heads)
    columns = [written(column) for column in zip(*rows, strict=True)] or [[] for _ in heads]
    rule = ["---:" if any(column) and all(map(is_number, filter(None, column))) else "---" for column in columns]
    return "\n".join("| " + " | ".join(row) + " |" for row in (heads, rule, *zip(*columns, strict=True)))


def written(column: Iterable[Any]) -> list[str]:
    """The cells of a column as text: floats with as many decimal places as the longest of them has, None as nothing."""
    cells = ["" if cell is None else cell for cell in column]
    places = max((len(str(cell).partition(".")[2]) for cell in cells if isinstance(cell, float)), default=0)
    return [f"{cell:.{places}f}" if isinstance(cell, float) else str(cell) for cell in cells]


def is_number(cell: str) -> bool:
    """Whether a cell is a number, or begins with one: "0.12", "+3.5 dB", "1.0 to 1.2", "x4", "57%"."""
    return cell.lstrip("+-x<")[:1].isdigit()


def kept(script: str) -> Found:
    """The results of the script of this name that are there; {} before its first run."""
    path = RESULTS / f"{Path(script).stem}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def publish(
    script: str, found: Found, text: Callable[[Found], str], *draw: Draw, quick: bool = False, folder: Path = RESULTS
) -> None:
    """Write the results of the script of this name: JSON, what `text` says of them in Markdown, and the pictures.

    A trial writes the same into a folder that goes away, so that all of the script is tried.
    """
    typer.echo(said := text(found))
    with TemporaryDirectory() as temporary:
        place = Path(temporary) if quick else folder
        place.mkdir(exist_ok=True)
        name = Path(script).stem
        for suffix, content in ((".json", json.dumps(found, indent=1) + "\n"), (".md", said)):
            with whole_file(place / f"{name}{suffix}") as path:
                path.write_text(content, encoding="utf-8")
        for one in draw:
            one(found, place)


def bars(found: Mapping[str, Iterable[float]], own: Iterable[str], save: Path, what: str, alt: str) -> None:
    """A bar for each contestant, how many times as fast it is, with a line from the smallest to the largest ratio.

    `own`: the contestants that are ours, in their own colour. `alt` is followed by all names and medians.
    """
    own = set(own)
    spans = {name: tuple(values) for name, values in found.items()}
    alt = alt + " " + "; ".join(f"{name} {middle:g}" for name, (middle, *_) in spans.items())
    with plot.figure(alt=alt, size=(6.4, 0.7 + 0.3 * len(spans)), save=save) as axis:
        for place, (name, (middle, low, high)) in enumerate(spans.items()):
            axis.barh(place, middle, color=plot.REAL if name in own else "0.7")
            axis.plot([low, high], [place, place], color="black", lw=1)
            end, beside = (max(middle, high), place), (5, 0)
            free = {"color": "white", "pad": 1}  # the line at 1 ends at the number
            axis.annotate(f"{middle:.2f}", end, beside, textcoords="offset points", va="center", fontsize=9, bbox=free)
        axis.axvline(1, color="0.4", lw=1, zorder=0.5)
        axis.set_yticks(range(len(spans)), list(spans))
        axis.invert_yaxis()
        axis.set(xlabel=what, xlim=(0, 1.2 * max(max(span) for span in spans.values())))
