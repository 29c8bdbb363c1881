"""What is a pretrained GAN worth when there are 10, 30 or 100 pictures of another style?

    python benchmarks/fine_tuning.py             three hours; writes benchmarks/results/fine_tuning.{json,md,png}
    python benchmarks/fine_tuning.py --report    write the results from what has been trained so far
    python benchmarks/fine_tuning.py --quick     a trial within a minute: two runs of a few steps, nothing kept

59 runs, each of one to six minutes on one idle core; `--workers` of them at once, and finished runs are kept. They
start with the shipped `peeps` generator and discriminator. Every snapshot is the averaged generator. It draws 300 heads
from the same latents, and feature nets that no training used compare them with the 300 held-out pictures of the style:
EfficientNet-Lite0 (ImageNet), our Fashion classifier, and a ResNet-18 with random weights, which still sees colours and
shapes (Naeem et al. 2020 judge with a random VGG). Length is counted in images seen, because the runs share the cores.
"""

import json
import os
import statistics
import time
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from multiprocessing import get_context, parent_process
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Annotated, Any

import bench
import numpy as np
import torch
import typer
from torch import Tensor

from minigan import data, hardware, metrics, nets, plot, train, transfer, weights
from minigan.backbones import Backbone
from minigan.course import fewshot
from minigan.course.gallery import shrink_file
from minigan.files import whole_file

STYLES = fewshot.DISTANCE_OF_STYLE  # from near to far
COUNTS = (10, 30, 100)
SEEDS = (0, 1, 2)
HEADS = ("brightness", "saturation", "translation")
SNAPSHOTS = (0, 2_000, 4_000, 8_000)
MIDDLE = SNAPSHOTS[2:]
LONG = (*SNAPSHOTS, 16_000, 24_000, 32_000, 40_000)
JUDGES = ("efficientnet_lite0", "fashion_classifier", "random_resnet18")

SCRATCH = {"rate": 4e-4, "ema_ramp_up": 0.05}  # the library's own settings; with the others a new G learns more slowly

# way: (the generator starts as, the discriminator starts as, what is special)
WAYS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "fine-tuned": ("pretrained", "pretrained", {}),
    "from scratch": ("new", "new", SCRATCH),
    "new D": ("pretrained", "new", {}),
    "D's first 2 layers frozen": ("pretrained", "pretrained", {"frozen": 2}),
    "D's first 4 layers frozen": ("pretrained", "pretrained", {"frozen": 4}),
    "not augmented": ("pretrained", "pretrained", {"augment": ()}),
    "rates by depth": ("pretrained", "pretrained", {"decay": 0.6}),
    "projected D": ("pretrained", "projected", {}),
    "projected D, G from scratch": ("new", "projected", SCRATCH),
}

# which heads stand in which picture
SHOWN = {
    "ways": ("fine-tuned", "from scratch", "D's first 2 layers frozen", "not augmented"),
    "discriminators": ("new D", "projected D", "rates by depth"),
}


@dataclass(frozen=True)
class Run:
    """One training: its way, style, number of pictures and seed."""

    way: str
    style: str = "micah"
    count: int = 100
    seed: int = 0
    snapshots: tuple[int, ...] = SNAPSHOTS

    @property
    def name(self) -> str:
        return f"{self.way.replace(' ', '_').replace(chr(39), '')}-{self.style}-{self.count}-{self.seed}"


def plan() -> list[Run]:
    """All runs, those that matter most first."""
    far = ("adventurer", "pixelart")
    variants = ("not augmented", "D's first 2 layers frozen")
    projected = [way for way in WAYS if "projected" in way]
    runs = [Run("fine-tuned", seed=seed, snapshots=LONG[:6]) for seed in SEEDS[:2]]
    runs += [Run("from scratch", seed=seed, snapshots=LONG) for seed in SEEDS[:2]]
    runs += [Run("fine-tuned", seed=2)]
    runs += [Run("fine-tuned", "micah", count, seed) for seed in SEEDS[:2] for count in COUNTS[:2]]
    for seed in SEEDS[:2]:
        runs += [Run(way, "micah", count, seed, MIDDLE) for way in variants for count in (10, 100)]
        runs += [Run("fine-tuned", style, 100, seed) for style in far]
    runs += [Run("new D", seed=0), Run("rates by depth", seed=0, snapshots=MIDDLE)]
    runs += [Run(way, seed=0, snapshots=MIDDLE[:1]) for way in projected]
    runs += [Run("fine-tuned", style, count, 0) for style in far for count in COUNTS[:2]]
    runs += [Run("from scratch", style, 100, 0) for style in far]
    runs += [Run("from scratch", seed=2, snapshots=LONG[:7])]
    for seed in SEEDS[1:]:
        runs += [Run("fine-tuned", style, count, seed) for style in STYLES for count in COUNTS]
        runs += [Run(way, "micah", count, seed, MIDDLE) for way in variants for count in (10, 100)]
        runs += [Run(way, seed=seed, snapshots=MIDDLE) for way in ("new D", "rates by depth")]
        runs += [Run(way, seed=seed, snapshots=MIDDLE[:1]) for way in projected]
    runs += [Run("D's first 4 layers frozen", seed=seed, snapshots=MIDDLE) for seed in SEEDS]
    return unique(runs)


def unique(runs: list[Run]) -> list[Run]:
    """Each run once, where it stands first."""
    names: dict[str, Run] = {}
    for run in runs:
        names.setdefault(run.name, run)
    return list(names.values())


def begin(run: Run, dtype: str) -> tuple[train.TrainState, data.ImageSet]:
    """The networks as the way wants them, and the pictures that it may learn from."""
    g_start, d_start, special = WAYS[run.way]
    pictures = data.load(run.style)
    chosen = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(run.seed))[: run.count]
    settings: dict[str, Any] = {"rate": 1e-4, "augment": HEADS, "ema_half_life": 1_000, "ema_ramp_up": 0.0, **special}
    frozen, decay = settings.pop("frozen", 0), settings.pop("decay", 1.0)
    if d_start == "projected":
        settings |= {"r1": 0.0}
    config = train.TrainConfig(images=run.snapshots[-1], seed=run.seed, precision=dtype, **settings)
    torch.manual_seed(run.seed)
    generator = weights.shipped("peeps")[0] if g_start == "pretrained" else nets.Generator(64)
    discriminator: torch.nn.Module = nets.Discriminator(64)
    if d_start == "pretrained":
        discriminator = transfer.freeze(weights.shipped("peeps-discriminator")[0], frozen)
    elif d_start == "projected":
        eyes = Backbone("efficientnet_lite0", size=128)
        discriminator = transfer.ProjectedDiscriminator(eyes, generator=torch.Generator().manual_seed(run.seed))
    state = train.start(config, generator, discriminator)
    if decay < 1:
        state.d_optimizer = torch.optim.Adam(
            transfer.parameter_groups(discriminator, config.rate, decay), betas=config.betas
        )
        state.g_optimizer = torch.optim.Adam(
            transfer.parameter_groups(generator, config.rate, decay), betas=config.betas
        )
    return state, replace(pictures, pixels=pictures.pixels[chosen])


@cache
def judges() -> dict[str, Any]:
    """The feature nets by name."""
    random = torch.Generator().manual_seed(0)
    nets = (
        Backbone("efficientnet_lite0", ["pool"], size=128),
        Backbone("fashion_classifier", ["features"]),
        Backbone("resnet18", ["layer3"], weights=None, generator=random),
    )
    return dict(zip(JUDGES, nets, strict=True))


def look(judge: str, images: Tensor) -> Tensor:
    """The features of images in one of the nets; the Fashion classifier gets its 28 pixels."""
    net = judges()[judge]
    pictures = data.resize(images, 28) if judge == "fashion_classifier" else images
    return metrics.embed(pictures, lambda part: net(part)[net.layers[0]])


@cache
def real_features(judge: str, style: str) -> Tensor:
    return look(judge, data.load(style, "test")[:300])


def draw(state: train.TrainState) -> Tensor:
    """300 heads of the averaged generator, from latents that are the same in all runs."""
    return bench.drawings(state.average, 300, seed=1234)


def judge(style: str, fakes: Tensor, training: Tensor) -> dict[str, Any]:
    """Distance to and coverage of the held-out pictures, share taken for the style, share nearer than new ones."""
    found: dict[str, Any] = {}
    for name in JUDGES:
        real, fake = real_features(name, style), look(name, fakes)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # 300 images in 1280 dimensions: the same n on all sides
            found[name] = {"FID": float(metrics.frechet_distance(real, fake))}
        found[name]["coverage"] = float(metrics.density_coverage(real, fake)[1])
        every = torch.cat([real_features(name, other) for other in (*STYLES, "peeps")])
        of = metrics.nearest(fake, every)[1] // 300
        found[name]["taken for it"] = float((of == list(STYLES).index(style)).float().mean())
        found[name]["nearer to training than new"] = metrics.share_nearer(fake, look(name, training), real)
    return found


def carry_out(run: Run, folder: Path, dtype: str) -> str:
    """Train, judge each snapshot, and write the findings and 64 heads."""
    torch.set_num_threads(1)
    state, pictures = begin(run, dtype)
    curve, seconds = [], 0.0
    for images in run.snapshots:
        if images:
            began = time.perf_counter()
            state.config = replace(state.config, images=images)
            train.fit(state, pictures, quiet=True)
            seconds += time.perf_counter() - began
        fakes = draw(state)
        curve.append({"images": state.seen, "seconds": round(seconds, 1), **judge(run.style, fakes, pictures[:])})
        if images == 8_000 or images == run.snapshots[-1]:
            np.save(folder / f"{run.name}-{images}.npy", data.to_pixels(fakes[:64]).numpy())
    with whole_file(folder / f"{run.name}.json") as path:
        path.write_text(json.dumps({"run": asdict(run), "curve": curve}))
    last = curve[-1]
    return f"{run.name}: " + ", ".join(f"{name} {last[name]['FID']:.4g}" for name in JUDGES) + f", {seconds:.0f} s"


def end_with_parent() -> None:
    """Let this process end when the one that has started it ends, however that happens: a worker has no other use."""

    def wait() -> None:
        parent_process().join()  # type: ignore[union-attr]  # a worker has one
        os._exit(1)

    Thread(target=wait, daemon=True).start()


def train_all(runs: Iterable[Any], folder: Path, workers: int, work: Callable[..., str] = carry_out) -> None:
    """Each run in a process of one thread: two of these do more together than one with two threads.

    A run has a name, and `work` leaves its JSON under that name in the folder: then it is finished.
    """
    os.environ["OMP_NUM_THREADS"] = "1"
    folder.mkdir(parents=True, exist_ok=True)
    open_ = [run for run in runs if not (folder / f"{run.name}.json").exists()]
    dtype = str(hardware.precision("auto", torch.device("cpu"))).removeprefix("torch.")  # the same for all
    typer.echo(f"{len(open_)} runs to go, in {dtype}")
    with ProcessPoolExecutor(workers, get_context("spawn"), end_with_parent) as pool:
        going = [pool.submit(work, run, folder, dtype) for run in open_]
        try:
            for number, done in enumerate(as_completed(going), 1):
                typer.echo(f"{time.strftime('%H:%M:%S')} {number}/{len(open_)} {done.result()}")
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def read(folder: Path) -> list[dict[str, Any]]:
    """The finished runs in the order of the plan: way, style, count, seed and curve."""
    found = []
    for run in [run for run in plan() if (folder / f"{run.name}.json").exists()]:
        curve = json.loads((folder / f"{run.name}.json").read_text())["curve"]
        if curve[-1]["images"] >= run.snapshots[-1]:  # a run that was stopped has written what it had
            found.append({"way": run.way, "style": run.style, "count": run.count, "seed": run.seed, "curve": curve})
    if not found:
        raise FileNotFoundError(f"no finished runs in {folder}; train some first, without --report")
    return found


def floor() -> dict[str, dict[str, float]]:
    """The distance of 300 other real pictures of each style: what a perfect generator would get."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # as in `judge`
        return {
            style: {
                name: round(
                    float(metrics.frechet_distance(real_features(name, style), look(name, data.load(style)[:300]))), 3
                )
                for name in JUDGES
            }
            for style in STYLES
        }


def summarise(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """For each way, style and count, at each snapshot: mean, lowest and highest over the seeds, of all measures."""
    groups: dict[tuple[str, str, int], list[dict[str, Any]]] = {}
    for run in found:
        groups.setdefault((run["way"], run["style"], run["count"]), []).append(run)
    rows = []
    for (way, style, count), group in groups.items():
        curve = []
        for entries in zip(*(run["curve"] for run in group), strict=False):  # as far as the shortest went
            row: dict[str, Any] = {"images": entries[0]["images"], "seconds": over([e["seconds"] for e in entries])}
            for name in JUDGES:
                row[name] = {measure: over([e[name][measure] for e in entries]) for measure in entries[0][name]}
            curve.append(row)
        seeds = [run["seed"] for run in group]
        rows.append({"way": way, "style": style, "count": count, "seeds": seeds, "curve": curve})
    return rows


def over(numbers: list[float]) -> dict[str, float]:
    """Mean, lowest and highest."""
    ends = {"mean": statistics.mean(numbers), "low": min(numbers), "high": max(numbers)}
    return {name: round(number, 4) for name, number in ends.items()}


MEASURES = {
    "coverage": "coverage",
    "taken for it": "taken for the style",
    "nearer to training than new": "nearer to training than new",
}
PICTURES = {  # what is to be seen on each
    "micah": (
        "Rows of heads from the same latents: real ones of the style micah, those before, after fine-tuning on "
        "100, 30 and 10 pictures, and from scratch, which are blurred or broken."
    ),
    "adventurer": (
        "Rows of heads: real ones of the style adventurer, those that the generator drew before, those after "
        "fine-tuning on 100, 30 and 10 pictures, and from scratch, which are blurred."
    ),
    "pixelart": (
        "Rows of heads: real ones of the style pixelart, made of large squares, those before, those after "
        "fine-tuning on 100, 30 and 10 pictures, which are blurred squares, and from scratch, which are fog."
    ),
    "counts": (
        "Six panels, two for each judge, over 10, 30 and 100 pictures of three styles: the distance falls a "
        "little with more pictures, and fewer heads lie nearer to the training pictures than new ones do."
    ),
    "copies": (
        "Heads drawn after fine-tuning on ten pictures, the nearest of the ten below each, and the nearest of "
        "pictures that no training saw."
    ),
    "compared": (
        "Dots for each way of training and each seed, one panel for each of three judges: its distance over that "
        "of plain fine-tuning. Left of the line at 1 is better."
    ),
    "ways": (
        "Rows of heads from the same latents: real ones, those before, fine-tuned, from scratch, with the first "
        "layers of the discriminator frozen, and without augmentation."
    ),
    "discriminators": (
        "Rows of heads from the same latents: real ones, those before, and those after training against a new "
        "discriminator, a projected one, and with learning rates by depth."
    ),
    "curves": (
        "The distance over the images seen, one panel for each judge: fine-tuning starts low and ends early, "
        "training from scratch comes down slowly."
    ),
}


def shown(*names: str) -> list[str]:
    """Pictures of the results as lines of Markdown."""
    return [line for name in names for line in (f"![{PICTURES[name]}](fine_tuning_{name}.png)", "")]


def by_style(found: dict[str, Any]) -> list[str]:
    """Fine-tuned and from scratch on each style and number of pictures, at the end of the short runs."""
    rows = []
    for way in ("fine-tuned", "from scratch"):
        for style, count in [(style, count) for style in STYLES for count in COUNTS]:
            if chosen := fewshot.runs(found, way, style, count):
                cells = [fewshot.spread(fewshot.values(chosen, 8_000, name)) for name in JUDGES]
                for measure in MEASURES:
                    cells.append(fewshot.spread(fewshot.values(chosen, 8_000, "random_resnet18", measure), 2))
                rows.append([way, f"{style} ({STYLES[style]})", str(count), *cells])
    rows += [
        ["300 other real pictures", style, "", *(f"{found['floor'][style][name]:.3g}" for name in JUDGES), "", "", ""]
        for style in STYLES
    ]
    heads = ["way", "style", "pictures", *(fewshot.JUDGES[name] for name in JUDGES), *MEASURES.values()]
    judged = len(JUDGES) + 3
    return [
        *("FID to 300 pictures, by three judges:", ""),
        *(bench.table(heads[:judged], [row[:judged] for row in rows]), ""),
        *("And by ResNet-18 with random weights:", ""),
        *(bench.table(heads[:3] + heads[judged:], [row[:3] + row[judged:] for row in rows if row[judged]]), ""),
    ]


def by_way(found: dict[str, Any]) -> list[str]:
    """All ways on `micah`, after 4,000 images, which every run has seen, and after 8,000."""
    rows = []
    for count, images in ((100, 4_000), (100, 8_000), (10, 4_000), (10, 8_000)):
        for way in WAYS:
            chosen = fewshot.runs(found, way, count=count)
            if fewshot.values(chosen, images, JUDGES[0]):
                cells = [fewshot.spread(fewshot.values(chosen, images, name)) for name in JUDGES]
                said = "" if way == "fine-tuned" else fewshot.verdict(found, way, count, images)[0]
                seconds = statistics.mean(entry["seconds"] for run in chosen if (entry := fewshot.at(run, images)))
                rows.append([str(count), f"{images:,}", way, *cells, said, f"{seconds:.0f}"])
    heads = ["pictures", "images", "way", *(f"FID, {fewshot.JUDGES[name]}" for name in JUDGES)]
    return [bench.table([*heads, "verdict", "seconds"], rows), ""]


def by_time(found: dict[str, Any]) -> list[str]:
    """When training from scratch catches up, for each judge and seed."""
    rows = []
    for style in STYLES:
        for row in fewshot.catching_up(found, style):
            there = f"{row['late']:,} to {row['there']:,}" if row["there"] is not None else f"never in {row['late']:,}"
            there = "at the start" if row["there"] == 0 else there
            cells = [style, row["judge"], str(row["seed"]), f"{row['images']:,}", f"{row['distance']:.4g}", there]
            rows.append([*cells, fewshot.at_least(row["times"])])
    heads = ["style", "judge", "seed", "images, fine-tuned", "FID", "from scratch reaches it after", "times, at least"]
    return [bench.table(heads, rows), ""]


def picture_of_heads(folder: Path, rows: dict[str, str], real: str, target: Path, picture: str) -> None:
    """Eight heads of each named run from the same latents, under eight real ones and those of the start.

    Heads lie in the folder of the runs, not in the results: where some are missing, the picture that is there stays.
    """
    path = target / f"fine_tuning_{picture}.png"
    if missing := [name for name in rows.values() if not (folder / f"{name}.npy").exists()]:
        typer.echo(f"{path.name} stays as it is, for {folder} lacks the heads of {', '.join(missing)}", err=True)
        return
    with torch.no_grad():
        latents = torch.randn(300, 128, generator=torch.Generator().manual_seed(1234))[:8]
        sheets = {f"real {real}": data.load(real)[:8], "before": weights.shipped("peeps")[0](latents)}
    for label, name in rows.items():
        sheets[label] = data.to_signed(torch.from_numpy(np.load(folder / f"{name}.npy")[:8]))
    plot.compare(sheets, alt=PICTURES[picture], width=6.4 if real == "micah" else 5.0, save=path)
    shrink_file(path)  # the chapter shows it


def draw_heads(folder: Path, target: Path) -> None:
    """The same latents after each kind of training; `folder` is that of the runs."""
    for style in STYLES:
        seed = 0 if style == "micah" else 1  # the one whose heads have been kept for all numbers of pictures
        rows = {f"{count} pictures": Run("fine-tuned", style, count, seed).name + "-8000" for count in reversed(COUNTS)}
        rows |= {"scratch, 100": Run("from scratch", style).name + "-8000"}
        rows |= {"scratch, longer": Run("from scratch", style).name + "-40000"} if style == "micah" else {}
        picture_of_heads(folder, rows, style, target, style)
    for picture, ways in SHOWN.items():
        rows = {way: f"{Run(way).name}-{4_000 if 'projected' in way else 8_000}" for way in ways}
        picture_of_heads(folder, rows, "micah", target, picture)


def draw_copies(folder: Path, target: Path) -> None:
    """The heads after fine-tuning on ten pictures that lie nearest to one of them, with their neighbours."""
    run = Run("fine-tuned", count=10)
    if not (file := folder / f"{run.name}-8000.npy").exists():
        return
    drawn, new = data.to_signed(torch.from_numpy(np.load(file))), data.load(run.style, "test")[:300]
    pictures = data.load(run.style)
    chosen = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(run.seed))[: run.count]
    features = look("random_resnet18", drawn)
    distance, which = metrics.nearest(features, look("random_resnet18", pictures[chosen]))
    closest = distance.argsort()[:8]
    unseen = metrics.nearest(features, real_features("random_resnet18", run.style))[1][closest]
    rows = {
        "drawn": drawn[closest],
        "nearest of the ten": pictures[chosen][which[closest]],
        "nearest unseen": new[unseen],
    }
    plot.compare(rows, alt=PICTURES["copies"], width=6.4, save=target / "fine_tuning_copies.png")
    shrink_file(target / "fine_tuning_copies.png")


def collect(runs: Path) -> bench.Found:
    """All that the finished runs have found."""
    done = read(runs)
    settings = {
        "torch": torch.__version__,
        "processor": bench.processor(),
        "planned": len(plan()),
        "done": len(done),
        "judges": list(JUDGES),
        "n": 300,
        "seconds": "of training, one process a core, other work beside it: compare images, not seconds",
    }
    found = {"settings": settings, "floor": floor(), "runs": done, "summary": summarise(done)}
    found["catching up"] = {style: fewshot.catching_up(found, style) for style in STYLES}
    return found


def text(found: bench.Found) -> str:
    """The results in Markdown."""
    settings = found["settings"]
    lines = [
        "# What is a pretrained GAN worth when there are few pictures?",
        "",
        f"By `benchmarks/fine_tuning.py`; {settings['done']} of {settings['planned']} runs, torch {settings['torch']}. "
        "Mean over seeds (lowest to highest). Coverage, share taken for the style and share nearer to the training "
        "pictures than new real ones are judged by ResNet-18 with random weights. Seconds are of training on one core, "
        "with other work beside it, on several processors, in bfloat16 where the processor has it and in float32 "
        "elsewhere: they are no speeds.",
        "",
        "## Styles and numbers of pictures, after 8,000 images",
        "",
        *by_style(found),
        *shown("micah", "adventurer", "pixelart", "counts", "copies"),
        "## Ways, on `micah`",
        "",
        "`helps` and `hurts`: all judges and all seeds agree.",
        "",
        *by_way(found),
        *shown("compared", "ways", "discriminators"),
        "## When training from scratch catches up",
        "",
        *shown("curves"),
        *by_time(found),
    ]
    return "\n".join(lines)


def claim(found: bench.Found) -> str:
    """What 100 pictures of the nearest style are worth, and for how long."""
    tuned = fewshot.values(fewshot.runs(found, "fine-tuned"), 8_000, "random_resnet18")
    scratch = fewshot.values(fewshot.runs(found, "from scratch"), 8_000, "random_resnet18")
    caught = [row for row in fewshot.catching_up(found) if row["images"] < 2_100]
    least = {
        title: fewshot.at_least(min(row["times"] for row in caught if row["judge"] == judge))
        for judge, title in fewshot.JUDGES.items()
    }
    return (
        "On 100 pictures of another style, fine-tuning for 8,000 images ends at a distance of "
        f"{statistics.mean(tuned):.0f}, training from scratch at {statistics.mean(scratch):.0f} (ResNet-18, random); "
        "what the one has after 2,000 images, the other has after so many times as many or more: "
        + ", ".join(f"{times} ({title})" for title, times in least.items())
    )


def draw_all(runs: Path, found: bench.Found, folder: Path) -> None:
    """Curves and bars of the results, and heads from the folder of the runs."""
    fewshot.draw_curves(found, PICTURES["curves"], save=folder / "fine_tuning_curves.png")
    fewshot.draw_counts(found, PICTURES["counts"], save=folder / "fine_tuning_counts.png")
    fewshot.draw_ways(found, PICTURES["compared"], save=folder / "fine_tuning_compared.png")
    draw_heads(runs, folder)
    draw_copies(runs, folder)


def main(
    runs: Annotated[Path, typer.Option(help="folder of the runs")] = Path("runs/fine_tuning"),
    workers: Annotated[int, typer.Option(help="runs at once")] = 2,
    reporting: Annotated[bool, typer.Option("--report", help="write the results of what has been run")] = False,
    quick: bench.Quick = False,
) -> None:
    """Fine-tuning against training from scratch, and what helps on the way."""
    if quick:
        with TemporaryDirectory() as folder:
            trial = [Run("fine-tuned", snapshots=(0, 64)), Run("projected D", snapshots=(0, 64))]
            train_all(trial, Path(folder), workers)
        return
    if not reporting:
        train_all(plan(), runs, workers)
    bench.publish(__file__, collect(runs), text, partial(draw_all, runs))


if __name__ == "__main__":
    typer.run(main)
