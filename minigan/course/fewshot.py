"""What benchmarks/fine_tuning.py found, as tables and pictures: for its report and for chapter 05.

`found` is the contents of benchmarks/results/fine_tuning.json. It may be of some of the runs only: what has not been
run is left out of every table and picture.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from minigan import plot

Found = Mapping[str, Any]
Entry = Mapping[str, Any]  # what the judges say of one snapshot

JUDGES = {
    "random_resnet18": "ResNet-18, random",
    "fashion_classifier": "Fashion classifier",
    "efficientnet_lite0": "EfficientNet-Lite0",
}
DISTANCE_OF_STYLE = {"micah": "near", "adventurer": "middle", "pixelart": "far"}
COLOURS = {"micah": plot.REAL, "adventurer": plot.GREEN, "pixelart": plot.FAKE}
SHADES = {10: plot.GOLD, 30: plot.GREEN, 100: plot.REAL}


def runs(found: Found, way: str, style: str = "micah", count: int = 100) -> list[Any]:
    """The runs of one way, style and number of pictures, one for each seed."""
    wanted = {"way": way, "style": style, "count": count}
    return [run for run in found["runs"] if all(run[key] == value for key, value in wanted.items())]


def at(run: Mapping[str, Any], images: int) -> Entry | None:
    """The snapshot of a run after so many images, or the few that filled its last batch."""
    return next((entry for entry in run["curve"] if 0 <= entry["images"] - images < 32), None)


def values(chosen: Iterable[Any], images: int, judge: str, measure: str = "FID") -> list[float]:
    """One number for each of these runs that has a snapshot there."""
    entries = [at(run, images) for run in chosen]
    return [entry[judge][measure] for entry in entries if entry is not None]


def spread(numbers: Sequence[float], digits: int = 3) -> str:
    """The mean, and in brackets the lowest and the highest: `12.3 (11.9 to 12.8)`."""
    if not numbers:
        return "not run"
    written = [f"{number:.{digits}g}" if number < 1000 else f"{number:.0f}" for number in numbers]
    low, high = (written[numbers.index(end(numbers))] for end in (min, max))
    whole = mean(numbers)
    centre = f"{whole:.{digits}g}" if whole < 1000 else f"{whole:.0f}"
    return centre if len(numbers) == 1 else f"{centre} ({low} to {high})"


def at_least(times: float) -> str:
    """A factor rounded down to a tenth, so that "at least" stays true: 1.58 -> `1.5`."""
    return f"{math.floor(10 * times) / 10:g}"


def print_table(head: str, columns: Sequence[str], rows: Mapping[str, Sequence[str]]) -> None:
    """Print columns of text under one another, as wide as what stands in them; nothing where there are no rows."""
    lines = [(head, *columns), *((name, *row) for name, row in rows.items())]
    widths = [max(map(len, column)) + 2 for column in zip(*lines, strict=True)]
    for line in lines if rows else []:
        print("".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def verdict(
    found: Found, way: str, count: int, images: int, baseline: str = "fine-tuned"
) -> tuple[str, dict[str, float]]:
    """What a way changes against plain fine-tuning with the same seeds, and the mean ratio of distances by judge.

    "helps" or "hurts" where all judges and all seeds agree; else "unclear".
    """
    plain = {run["seed"]: at(run, images) for run in runs(found, baseline, count=count)}
    ratios: dict[str, list[float]] = {judge: [] for judge in JUDGES}
    for run in runs(found, way, count=count):
        one, other = at(run, images), plain.get(run["seed"])
        if one is not None and other is not None:
            for judge in JUDGES:
                ratios[judge].append(one[judge]["FID"] / other[judge]["FID"])
    everything = [ratio for each in ratios.values() for ratio in each]
    if not everything:
        return "not run", {}
    said = "helps" if max(everything) < 1 else "hurts" if min(everything) > 1 else "unclear"
    return said, {judge: mean(each) for judge, each in ratios.items()}


def catching_up(found: Found, style: str = "micah", count: int = 100) -> list[dict[str, Any]]:
    """When training from scratch reaches what fine-tuning has reached, for each judge, seed and snapshot.

    `late`: images after which it was still worse; `there`: images after which it was not, or None for never. The
    factor `times` counts from `late`, so that it is at least so much.
    """
    rows = []
    scratch = {run["seed"]: run["curve"] for run in runs(found, "from scratch", style, count)}
    for run in runs(found, "fine-tuned", style, count):
        for entry in [entry for entry in run["curve"] if entry["images"] and run["seed"] in scratch]:
            for judge in JUDGES:
                curve, wanted = scratch[run["seed"]], entry[judge]["FID"]
                there = next((other["images"] for other in curve if other[judge]["FID"] <= wanted), None)
                late = max((o["images"] for o in curve if there is None or o["images"] < there), default=0)
                row = {"judge": judge, "seed": run["seed"], "images": entry["images"], "distance": wanted}
                rows.append({**row, "late": late, "there": there, "times": late / entry["images"]})
    return rows


def draw_curves(found: Found, alt: str, save: Path | None = None) -> None:
    """Distance over images seen on `micah`: fine-tuned on 10, 30 and 100 pictures, and from scratch; a line a seed."""
    lines = [("fine-tuned", count, colour, "-") for count, colour in SHADES.items()]
    lines.append(("from scratch", 100, "0.45", "--"))
    with plot.figure(len(JUDGES), alt=alt, size=(3.3, 3.2), save=save) as axes:
        for axis, (judge, title) in zip(axes, JUDGES.items(), strict=True):
            for way, count, colour, style in lines:
                label: str | None = f"{way}, {count} pictures"
                for run in runs(found, way, count=count):
                    seen = [entry["images"] / 1000 for entry in run["curve"]]
                    axis.plot(seen, values_of(run, judge), color=colour, ls=style, lw=1.3, label=label)
                    axis.set_yscale("log")  # here, because an empty axis has none
                    label = None
            axis.axhline(found["floor"]["micah"][judge], color="0.6", ls=":", lw=1)
            axis.set(title=title, xlabel="thousand images seen", xlim=(0, None))
        axes[0].set_ylabel("FID, n = 300")
        if len(axes[0].lines) > 1:  # matplotlib warns of a legend of nothing
            axes[0].legend(fontsize=8, loc="upper right")


def values_of(run: Mapping[str, Any], judge: str, measure: str = "FID") -> list[float]:
    """One measure along a run."""
    return [entry[judge][measure] for entry in run["curve"]]


def draw_counts(found: Found, alt: str, images: int = 8_000, save: Path | None = None) -> None:
    """Distance and memorisation over the number of pictures, for the three styles: means, and a dot for each seed."""
    rows = {"FID": "FID, n = 300", "nearer to training than new": "share nearer than new"}
    with plot.figure(len(JUDGES), len(rows), alt=alt, size=(3.2, 2.5), save=save) as axes:
        for line, (measure, label) in enumerate(rows.items()):
            for axis, (judge, title) in zip(axes[line], JUDGES.items(), strict=True):
                for style, colour in COLOURS.items():
                    points = {n: values(runs(found, "fine-tuned", style, n), images, judge, measure) for n in SHADES}
                    points = {n: each for n, each in points.items() if each}
                    means = [mean(each) for each in points.values()]
                    axis.plot(list(points), means, color=colour, label=f"{style} ({DISTANCE_OF_STYLE[style]})")
                    for n, each in points.items():
                        axis.plot([n] * len(each), each, "o", color=colour, ms=3.5)
                axis.set(xscale="log", xlim=(8, 125))
                axis.set_xticks(list(SHADES), [str(n) for n in SHADES])
                axis.minorticks_off()
                if line == 0:
                    axis.set(title=title, ylim=(0, None))
                else:
                    axis.axhline(0.5, color="0.6", ls=":", lw=1)
                    axis.set(ylim=(-0.05, 1.05), xlabel="pictures")
            axes[line, 0].set_ylabel(label)
        axes[0, 0].legend(fontsize=8)


def draw_ways(found: Found, alt: str, images: int = 4_000, save: Path | None = None) -> None:
    """Each way against plain fine-tuning with the same seed, after equally many images: the ratio of the distances."""
    found_ways = dict.fromkeys(run["way"] for run in found["runs"] if run["way"] != "fine-tuned")
    rows = [(way, n) for way in found_ways for n in (100, 10) if verdict(found, way, n, images)[1]]
    with plot.figure(len(JUDGES), alt=alt, size=(3.2, 0.8 + 0.27 * max(len(rows), 3)), save=save) as axes:
        for axis, (judge, title) in zip(axes, JUDGES.items(), strict=True):
            axis.axvline(1, color="0.6", lw=1)
            for place, (way, count) in enumerate(reversed(rows)):
                plain = {run["seed"]: values([run], images, judge) for run in runs(found, "fine-tuned", count=count)}
                for run in runs(found, way, count=count):
                    for value, base in zip(values([run], images, judge), plain.get(run["seed"], []), strict=False):
                        axis.plot(
                            value / base, place, "o", color=plot.REAL if count == 100 else plot.GOLD, ms=5, alpha=0.8
                        )
            axis.set(title=title, xscale="log", ylim=(-0.6, len(rows) - 0.4), xlabel="FID / FID of fine-tuned")
            axis.set_yticks(range(len(rows)), [f"{way}, {n}" for way, n in reversed(rows)] if axis is axes[0] else [])
            axis.grid(axis="y", color="0.9")
            ticks = [
                tick for tick in (0.25, 0.5, 1, 2, 4, 8, 16, 32, 64) if axis.get_xlim()[0] <= tick <= axis.get_xlim()[1]
            ]
            axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            axis.minorticks_off()
