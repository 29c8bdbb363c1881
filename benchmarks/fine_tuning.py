"""What is a pretrained GAN worth when there are 10, 30 or 100 pictures of another style?

    python benchmarks/fine_tuning.py --runs runs/fine_tuning             train all; finished runs are kept
    python benchmarks/fine_tuning.py --runs runs/fine_tuning --report    write benchmarks/results/fine_tuning.*
    python benchmarks/fine_tuning.py --runs /tmp/trial --quick           a trial: two runs of a few steps

72 runs, each of one to six minutes on one idle core; `--workers` of them at once. The start is the shipped `peeps`
generator and discriminator. Every snapshot is the averaged generator. It draws 300 heads from the same latents, and
feature nets that no training used compare them with the 300 held-out pictures of the style: EfficientNet-Lite0
(ImageNet), our Fashion classifier, and a ResNet-18 with random weights, which still sees colours and shapes (Naeem et
al. 2020 judge with a random VGG). Length is counted in images seen, because the runs share the cores.
"""

import json
import os
import platform
import statistics
import time
import warnings
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from torch import Tensor

from minigan import data, hardware, metrics, nets, plot, train, transfer, weights
from minigan.backbones import Backbone
from minigan.files import whole_file

RESULTS = Path(__file__).parent / "results"
STYLES = {"micah": "near", "adventurer": "middle", "pixelart": "far"}
COUNTS = (10, 30, 100)
SEEDS = (0, 1, 2)
HEADS = ("brightness", "saturation", "translation")
SNAPSHOTS = (0, 2_000, 4_000, 8_000)
LONG = (*SNAPSHOTS, 16_000, 24_000, 32_000, 40_000)
JUDGES = ("efficientnet_lite0", "fashion_classifier", "random_resnet18")

# way: (the generator starts as, the discriminator starts as, what is special)
WAYS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "fine-tuned": ("pretrained", "pretrained", {}),
    "from scratch": ("new", "new", {"rate": 4e-4}),
    "new D": ("pretrained", "new", {}),
    "D's first 2 layers frozen": ("pretrained", "pretrained", {"frozen": 2}),
    "D's first 4 layers frozen": ("pretrained", "pretrained", {"frozen": 4}),
    "not augmented": ("pretrained", "pretrained", {"augment": ()}),
    "rates by depth": ("pretrained", "pretrained", {"decay": 0.6}),
    "projected D": ("pretrained", "projected", {}),
    "projected D, G from scratch": ("new", "projected", {"rate": 4e-4}),
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
    runs = [Run("fine-tuned", seed=seed) for seed in SEEDS]
    runs += [Run("from scratch", seed=seed, snapshots=LONG) for seed in SEEDS]
    runs += [Run("fine-tuned", style, count, seed) for seed in SEEDS for style in STYLES for count in COUNTS]
    at_both = ("not augmented", "D's first 2 layers frozen", "D's first 4 layers frozen")
    runs += [Run(way, "micah", count, seed) for seed in SEEDS for way in at_both for count in (10, 100)]
    runs += [Run(way, seed=seed) for seed in SEEDS for way in ("new D", "rates by depth")]
    runs += [Run("from scratch", style, 100, seed) for seed in SEEDS for style in ("adventurer", "pixelart")]
    projected = [way for way in WAYS if "projected" in way]
    runs += [Run(way, seed=seed, snapshots=SNAPSHOTS[:3]) for seed in SEEDS for way in projected]
    runs += [Run("from scratch", "micah", count, seed) for seed in SEEDS for count in COUNTS[:2]]
    return list({run.name: run for run in reversed(runs)}.values())[::-1]  # each once, at its first place


def begin(run: Run, dtype: str) -> tuple[train.TrainState, data.ImageSet]:
    """The networks as the way wants them, and the pictures that it may learn from."""
    g_start, d_start, special = WAYS[run.way]
    pictures = data.load(run.style)
    chosen = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(run.seed))[: run.count]
    settings: dict[str, Any] = {"rate": 2e-4, "augment": HEADS, "ema_half_life": 1_000, **special}
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


@torch.no_grad()
def draw(state: train.TrainState) -> Tensor:
    """300 heads of the averaged generator, from latents that are the same in all runs."""
    latents = torch.randn(300, 128, generator=torch.Generator().manual_seed(1234))
    return torch.cat([state.average(part) for part in latents.split(50)])


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


def train_all(runs: Iterable[Run], folder: Path, workers: int) -> None:
    """Each run in a process of one thread: two of these do more together than one with two threads."""
    os.environ["OMP_NUM_THREADS"] = "1"
    folder.mkdir(parents=True, exist_ok=True)
    open_ = [run for run in runs if not (folder / f"{run.name}.json").exists()]
    dtype = str(hardware.precision("auto", torch.device("cpu"))).removeprefix("torch.")  # the same for all
    typer.echo(f"{len(open_)} runs to go, in {dtype}")
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        going = [pool.submit(carry_out, run, folder, dtype) for run in open_]
        try:
            for number, done in enumerate(as_completed(going), 1):
                typer.echo(f"{time.strftime('%H:%M:%S')} {number}/{len(open_)} {done.result()}")
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def main(
    runs: Annotated[Path, typer.Option(help="folder of the runs")],
    workers: Annotated[int, typer.Option(help="runs at once")] = 2,
    reporting: Annotated[bool, typer.Option("--report", help="write the results of what has been run")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="two runs of a few steps")] = False,
) -> None:
    """Fine-tuning against training from scratch, and what helps on the way."""
    if reporting:
        report(runs)
    elif quick:
        train_all([Run("fine-tuned", snapshots=(0, 64)), Run("projected D", snapshots=(0, 64))], runs, workers)
    else:
        train_all(plan(), runs, workers)


if __name__ == "__main__":
    typer.run(main)
