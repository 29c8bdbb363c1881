"""How good does training from scratch become, and how soon? What is a pretrained network worth as the eyes of D?

    python benchmarks/from_scratch.py             an hour; writes benchmarks/results/from_scratch.{json,md,png}
    python benchmarks/from_scratch.py --report    write the results from what has been trained so far
    python benchmarks/from_scratch.py --quick     a trial within a minute: two runs of a few steps, nothing kept

33 runs, each of half a minute to five minutes on one core; `--workers` of them at once; finished ones stay. Garments
of 28 pixels and heads of 32, 64 and 128 (those of 128 are enlarged: larger networks, no more detail), three seeds each:

- plain: a discriminator that starts at random, with the settings of the shipped networks;
- ImageNet: a projected discriminator (Sauer et al. 2021), small heads on the frozen features of EfficientNet-Lite0;
- random: the same on random features, which shows what the architecture alone brings;
- in-domain: the same on our classifier of such garments.

The generator is the same for all. Every snapshot is the averaged generator; 500 of its pictures are compared with 500
held-out ones by feature nets that no training used: the judge (VGG-16 for edges) and a ResNet-18 with random weights.
Minutes are of the processor, on one core, so that other work beside it hardly counts.
"""

import json
import math
import os
import time
import warnings
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import bench
import numpy as np
import torch
import typer
from fine_tuning import HEADS, over, train_all
from torch import Tensor, nn

from minigan import data, metrics, nets, plot, train, transfer
from minigan.backbones import Backbone
from minigan.course.gallery import shrink_file
from minigan.course.judge import judge
from minigan.files import whole_file

Curve = list[dict[str, Any]]  # what was found of each snapshot of a run
SEEDS = (0, 1, 2)
JUDGES = ("edge_vgg16", "random_resnet18")
COUNT = 500
GARMENTS = {"rate": 5e-4, "betas": (0.5, 0.999), "r1": 0.0}
PROJECTED = {"r1": 0.0}

# (data, pixels): {way: images seen}, so that each takes some minutes of a core: a projected D is dearer by far
PLAN = {
    ("fashion", 28): {"plain": 36_000, "ImageNet": 7_000, "random": 7_000, "in-domain": 18_000},
    ("peeps", 32): {"plain": 24_000, "ImageNet": 5_000},
    ("peeps", 64): {"plain": 24_000, "ImageNet": 7_000, "random": 7_000},
    ("peeps", 128): {"plain": 8_000, "ImageNet": 2_400},
}
SHARES = (0.05, 0.1, 0.2, 0.4, 0.7, 1.0)  # of the images, when a snapshot is judged


@dataclass(frozen=True)
class Run:
    """One training: the data and their size, the way, how many images, the seed."""

    data: str
    size: int
    way: str
    images: int
    seed: int

    @property
    def name(self) -> str:
        return f"{self.data}{self.size}-{self.way}-{self.seed}"

    @property
    def snapshots(self) -> list[int]:
        return [round(share * self.images) for share in SHARES] if self.images > 1_000 else [self.images]


def plan() -> list[Run]:
    """All runs, all ways with the first seed before the second."""
    settings = [(*on, way, images) for on, ways in PLAN.items() for way, images in ways.items()]
    return [Run(*setting, seed) for seed, setting in product(SEEDS, settings)]


@cache
def pictures(name: str, size: int, split: str = "train") -> data.ImageSet:
    """The pictures of a split, brought to this size."""
    found = data.load(name, split)
    parts = [data.to_pixels(data.resize(found[start : start + 200], size)) for start in range(0, len(found), 200)]
    return found if found.size == size else replace(found, pixels=torch.cat(parts))


def eyes(way: str, size: int, seed: int) -> nn.Module:
    """The projected discriminator of a way."""
    random = torch.Generator().manual_seed(seed)
    if way == "in-domain":
        return transfer.ProjectedDiscriminator(Backbone("fashion_classifier"), generator=random)
    weights = "default" if way == "ImageNet" else None
    backbone = Backbone("efficientnet_lite0", weights=weights, size=max(size, 64), generator=random)
    return transfer.ProjectedDiscriminator(backbone, generator=random)


def begin(run: Run, dtype: str) -> train.TrainState:
    """The networks, which start equal for equal seeds, and the settings of the way."""
    torch.manual_seed(run.seed)
    settings: dict[str, Any] = {"images": run.images, "seed": run.seed, "precision": dtype}
    if run.data == "fashion":
        generator, discriminator = nets.Generator(28, 1, 64, 64), nets.Discriminator(28, 1, 64, "batch")
        settings |= GARMENTS
    else:
        width = 24 if run.size == 128 else 48
        generator, discriminator = nets.Generator(run.size, width=width), nets.Discriminator(run.size, width=width)
        settings["augment"] = HEADS
    if run.way == "plain":
        return train.start(train.TrainConfig(**settings), generator, discriminator)
    settings = {key: value for key, value in settings.items() if key not in GARMENTS} | PROJECTED
    return train.start(train.TrainConfig(**settings), generator, eyes(run.way, run.size, run.seed))


@cache
def judges() -> dict[str, Backbone]:
    """The feature nets by name. Pictures below 64 pixels are enlarged to that."""
    edges = judge().backbone
    edges.size = 64
    random = torch.Generator().manual_seed(0)
    return dict(zip(JUDGES, (edges, Backbone("resnet18", ["layer3"], None, 64, random)), strict=True))


def look(name: str, images: Tensor) -> Tensor:
    """The features of images in one of the nets, at its last layer."""
    net = judges()[name]
    return metrics.embed(images, lambda part: net(part)[net.layers[-1]])


@cache
def real_features(name: str, of: str, size: int, split: str = "test") -> Tensor:
    return look(name, pictures(of, size, split)[:COUNT])


def draw_some(state: train.TrainState) -> Tensor:
    """Pictures of the averaged generator, from latents that are the same for all."""
    return bench.drawings(state.average, COUNT, seed=1234)


def judged(run: Run, fakes: Tensor) -> dict[str, float]:
    """The distance of pictures to the held-out ones, for each judge."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the held-out set may be smaller than the features are wide
        return {
            name: round(float(metrics.frechet_distance(real_features(name, run.data, run.size), look(name, fakes))), 4)
            for name in JUDGES
        }


def carry_out(run: Run, folder: Path, dtype: str) -> str:
    """Train, judge each snapshot, and write the findings and a sheet of pictures."""
    torch.set_num_threads(1)
    state, images = begin(run, dtype), pictures(run.data, run.size)
    curve, wall, cpu = [], 0.0, 0.0
    for goal in run.snapshots:
        began = time.perf_counter(), time.process_time()
        state.config = replace(state.config, images=goal)
        train.fit(state, images, quiet=True)
        wall, cpu = wall + time.perf_counter() - began[0], cpu + time.process_time() - began[1]
        fakes = draw_some(state)
        spent = {"seconds": round(wall, 1), "of the processor": round(cpu, 1)}
        curve.append({"images": state.seen, **spent, **judged(run, fakes)})
    plot.grid(fakes[:16], alt=f"16 pictures drawn after the run {run.name}", zoom=1, save=folder / f"{run.name}.png")
    torch.save(data.to_pixels(fakes[:8]), folder / f"{run.name}.pt")
    conditions = {"machine": bench.conditions()["machine"], "dtype": dtype}
    with whole_file(folder / f"{run.name}.json") as path:
        path.write_text(json.dumps({"run": asdict(run), **conditions, "curve": curve}))
    last = ", ".join(f"{name} {curve[-1][name]:.4g}" for name in JUDGES)
    return f"{run.name}: {last}, {wall / 60:.1f} minutes, {cpu / 60:.1f} of the processor"


def apart(of: str, size: int) -> dict[str, float]:
    """The distance of other real pictures to the held-out ones: what a perfect generator would get."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # as in `judged`
        sides = {name: [real_features(name, of, size, split) for split in ("test", "train")] for name in JUDGES}
        return {name: round(float(metrics.frechet_distance(*both)), 4) for name, both in sides.items()}


def collect(folder: Path) -> bench.Found:
    """What the finished runs have found."""
    runs = [json.loads(file.read_text()) for run in plan() if (file := folder / f"{run.name}.json").is_file()]
    if not runs:
        raise FileNotFoundError(f"no finished runs in {folder}; train some first, without --report")
    floors = {f"{of} {size}": apart(of, size) for of, size in PLAN}
    machines = list(dict.fromkeys(run.pop("machine") for run in runs))
    summary = {}
    for run in runs:
        summary.setdefault((run["run"]["data"], run["run"]["size"], run["run"]["way"]), []).append(run["curve"])
    rows = [
        {"data": of, "size": size, "way": way, "seeds": len(curves), **summarise(curves, equal_minutes(runs, of, size))}
        for (of, size, way), curves in summary.items()
    ]
    settings = {"machine": "; ".join(machines), "planned": len(plan()), "done": len(runs), "n": COUNT}
    return {**settings, "floor": floors, "rows": rows, "runs": runs}


def equal_minutes(runs: list[dict[str, Any]], of: str, size: int) -> float:
    """How many minutes of the processor all runs on these data have had."""
    chosen = [run["curve"] for run in runs if (run["run"]["data"], run["run"]["size"]) == (of, size)]
    return min(curve[-1]["of the processor"] for curve in chosen) / 60


def after(curve: Curve, minutes: float, name: str) -> float:
    """The distance after so many minutes of the processor; between two snapshots, that of a line in the logarithms."""
    times = [math.log(entry["of the processor"] / 60) for entry in curve]
    return math.exp(np.interp(math.log(minutes), times, [math.log(entry[name]) for entry in curve]))


def summarise(curves: list[Curve], minutes: float) -> dict[str, Any]:
    """Over the seeds: after these minutes, which all have had, the last snapshot, and the best one of each run."""
    found: dict[str, Any] = {"images": curves[0][-1]["images"], "equal minutes": round(minutes, 2)}
    found["minutes"] = over([curve[-1]["of the processor"] / 60 for curve in curves])
    for name in JUDGES:
        found[name] = {
            "equal": over([after(curve, minutes, name) for curve in curves]),
            "last": over([curve[-1][name] for curve in curves]),
            "best": over([min(entry[name] for entry in curve) for curve in curves]),
        }
    return found


def spread(of: dict[str, float]) -> str:
    """Mean, and in brackets the lowest and highest of the seeds."""
    mean, low, high = (f"{of[key]:,.0f}" if of[key] >= 1000 else f"{of[key]:.3g}" for key in ("mean", "low", "high"))
    return f"{mean} ({low} to {high})"


def side_by_side(found: bench.Found) -> str:
    """A table of what the ways have reached in equal time: a line for each feature net and data set."""
    ways = list(dict.fromkeys(way for ways in PLAN.values() for way in ways))
    lines = []
    for name, (of, size) in product(JUDGES, PLAN):
        rows = {row["way"]: row for row in found["rows"] if (row["data"], row["size"]) == (of, size)}
        if rows:
            minutes = min(row["equal minutes"] for row in rows.values())
            cells = [spread(rows[way][name]["equal"]) if way in rows else "" for way in ways]
            lines.append([f"{of}, {size} px", f"{minutes:.2f}", name, *cells])
    return bench.table(["data", "minutes of a core", "feature net", *ways], lines)


def text(found: bench.Found) -> str:
    """The results in Markdown."""
    rows = []
    for row in found["rows"]:
        cells = [spread(row[name][when]) for name in JUDGES for when in ("last", "best")]
        floor = found["floor"][f"{row['data']} {row['size']}"]
        real = ", ".join(f"{floor[name]:.3g}" for name in JUDGES)
        rows.append([row["data"], row["size"], row["way"], f"{row['images']:,}", spread(row["minutes"]), *cells, real])
    heads = ["data", "pixels", "D", "images seen", "minutes of a core"]
    heads += [f"FID[{name}, n={found['n']}], {when}" for name in JUDGES for when in ("last", "best")]
    return (
        "# Training from scratch, and a pretrained network as the eyes of D\n\n"
        f"`python benchmarks/from_scratch.py` on {found['machine']}: {found['done']} of {found['planned']} runs. Mean "
        "(lowest to highest) over the seeds, of the last snapshot and of the best one of each run. Both feature nets "
        "have trained nothing here.\n\n"
        f"## The distance after equal time\n\n{side_by_side(found)}\n\n"
        f"## The last and the best snapshots\n\n{bench.table([*heads, 'other real pictures'], rows)}\n\n"
        "![Distance over the minutes](from_scratch.png)\n\n"
        "![Pictures after each kind of training](from_scratch_pictures.png)\n"
    )


def means(found: bench.Found, of: str, size: int, judge_: str = "random_resnet18") -> dict[str, float]:
    """The mean distance of each way after equal time."""
    chosen = [row for row in found["rows"] if (row["data"], row["size"]) == (of, size)]
    return {row["way"]: row[judge_]["equal"]["mean"] for row in chosen}


def claim(found: bench.Found) -> str:
    said = []
    for (of, size), ways in PLAN.items():
        mean = means(found, of, size)
        parts = ", ".join(f"{way} {mean[way]:.3g}" for way in ways if way in mean)
        said.append(f"{of} {size} px: {parts}")
    return f"Distance after equal minutes from scratch (ResNet-18, random), by what D sees with: {'; '.join(said)}"


def draw(found: bench.Found, folder: Path) -> None:
    """Distance over the minutes of a core: a row for each judge, a column for each data set, a line for each seed."""
    colours = dict(
        zip(("plain", "ImageNet", "random", "in-domain"), ("0.3", plot.REAL, plot.FAKE, plot.GREEN), strict=True)
    )
    alt = "Distance to held-out pictures over the minutes of training, a line for each seed. " + claim(found)
    with plot.figure(len(PLAN), len(JUDGES), alt=alt, size=(2.9, 2.5), save=folder / "from_scratch.png") as axes:
        for line, name in enumerate(JUDGES):
            for axis, (of, size) in zip(axes[line], PLAN, strict=True):
                labelled = set()
                for run in found["runs"]:
                    about = run["run"]
                    if (about["data"], about["size"]) == (of, size):
                        minutes = [entry["of the processor"] / 60 for entry in run["curve"]]
                        label = None if about["way"] in labelled else about["way"]
                        labelled.add(about["way"])
                        values = [entry[name] for entry in run["curve"]]
                        axis.plot(minutes, values, color=colours[about["way"]], lw=1.2, label=label)
                        axis.set(xscale="log", yscale="log")
                axis.axhline(found["floor"][f"{of} {size}"][name], color="0.6", ls=":", lw=1)
                if line == 0:
                    axis.set_title(f"{of}, {size} px")
                    if labelled:
                        axis.legend(fontsize=7.5)
                else:
                    axis.set_xlabel("minutes of a core")
            axes[line, 0].set_ylabel(f"FID, {name}")


def draw_pictures(runs: Path, found: bench.Found, folder: Path) -> None:
    """Eight pictures of each way, seed 0, where the folder of the runs has them."""
    rows = {}
    for (of, size), ways in PLAN.items():
        for way in ways:
            file = runs / f"{of}{size}-{way}-0.pt"
            if file.is_file():
                images = data.to_signed(torch.load(file, weights_only=True)).expand(-1, 3, -1, -1)
                rows[f"{of} {size}, {way}"] = data.resize(images, 64).clamp(-1, 1)
    if rows:
        alt = "Eight pictures of each kind of training, seed 0, after its last image: " + ", ".join(rows)
        plot.compare(rows, alt=alt, width=7.5, save=folder / "from_scratch_pictures.png")
        shrink_file(folder / "from_scratch_pictures.png")


def main(
    runs: Annotated[Path, typer.Option(help="folder of the runs")] = Path("runs/from_scratch"),
    workers: Annotated[int, typer.Option(help="runs at once")] = min(2, os.cpu_count() or 1),
    reporting: Annotated[bool, typer.Option("--report", help="write the results of what has been run")] = False,
    quick: bench.Quick = False,
) -> None:
    """Training from scratch, and what pretrained eyes are worth."""
    if quick:
        with TemporaryDirectory() as folder:
            trial = [Run("fashion", 28, "plain", 640, 0), Run("peeps", 32, "ImageNet", 64, 0)]
            train_all(trial, Path(folder), workers, carry_out)
        return
    if not reporting:
        train_all(plan(), runs, workers, carry_out)
    bench.publish(__file__, collect(runs), text, draw, partial(draw_pictures, runs))


if __name__ == "__main__":
    typer.run(main)
