"""When does a GAN begin to copy its training pictures, and what shows it first?

    python benchmarks/memorisation.py            some ten minutes on one core; writes results/memorisation.{json,md,png}
    python benchmarks/memorisation.py --quick    a trial without results on disk

The shipped GAN of garments has never seen a bag. It is fine-tuned on 5, 20, 100 and 500 of them, without augmentation,
and looked at on the way. Two thirds of the measures are about the generator: how far its bags are from held-out ones,
and how many of them lie nearer to a training picture than a new bag does. One is about the discriminator (Karras et
al. 2020, eq. 1): how far it has moved new real pictures, which it has not seen, towards the fakes. 0: it takes new
bags for what they are; 1: it takes them for fakes.
"""

import json
import platform
import statistics
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from torch import Tensor, nn

from minigan import data, metrics, plot, train, weights
from minigan.backbones import Backbone
from minigan.data import ImageSet

RESULTS = Path(__file__).parent / "results"
COUNTS = (5, 20, 100, 500)
CONFIG = train.TrainConfig(
    images=24_000, rate=5e-4, betas=(0.5, 0.999), r1=0.0, ema_half_life=500, ema_ramp_up=0.0, precision="float32"
)
EVERY = 2_000  # images between two looks


def few(pictures: ImageSet, count: int, seed: int) -> ImageSet:
    """So many random pictures of a set."""
    chosen = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(seed))[:count]
    return replace(pictures, pixels=pictures.pixels[chosen], labels=None)


@torch.no_grad()
def in_parts(network: nn.Module, inputs: Tensor) -> Tensor:
    """What a network says to many inputs, in eval mode; it is put back into training after that."""
    training = network.training
    found = torch.cat([network.eval()(part) for part in inputs.split(100)])
    network.train(training)
    return found


def overfitting(discriminator: nn.Module, training: Tensor, new: Tensor, fake: Tensor) -> float:
    """(E D(training) - E D(new)) / (E D(training) - E D(fake)): Karras et al. 2020, eq. 1."""
    high, middle, low = (float(in_parts(discriminator, images).mean()) for images in (training, new, fake))
    return (high - middle) / (high - low)


def look(state: train.TrainState, training: ImageSet, new: Tensor, eyes: Backbone) -> dict[str, float]:
    """All measures of one moment."""
    latents = torch.randn(len(new), state.latents.shape[1], generator=torch.Generator().manual_seed(5))
    fake = in_parts(state.average, latents)
    seen = {
        name: metrics.embed(images, eyes)
        for name, images in {"training": training[:], "new": new, "fake": fake}.items()
    }
    assert state.discriminator is not None
    return {
        "images": state.seen,
        "KID": metrics.kernel_distance(seen["new"], seen["fake"]).value,
        "recall": metrics.precision_recall(seen["new"], seen["fake"])[1].value,
        "nearer, pixels": metrics.share_nearer(fake, training[:], new),
        "nearer, features": metrics.share_nearer(seen["fake"], seen["training"], seen["new"]),
        "overfitting of D": overfitting(state.discriminator, training[:], new, fake),
    }


def run(count: int, seed: int, images: int) -> tuple[list[dict[str, float]], Tensor]:
    """The looks at one training, and its last bags (10, ...) over the nearest training pictures (10, ...)."""
    training = few(data.load("fashion").only("bag"), count, seed)
    new, eyes = data.load("fashion", "test").only("bag")[:], Backbone("fashion_classifier", ["features"])
    state = train.start(replace(CONFIG, images=images, seed=seed), *weights.shipped_pair("fashion"))
    looks = [look(state, training, new, eyes)]
    while state.seen < images:
        train.step(state, train.draw(state, training))
        if train.passed(state.seen - CONFIG.batch, state.seen, EVERY):
            looks.append(look(state, training, new, eyes))
    fake = state.sample()[:10]
    return looks, torch.cat([fake, training[metrics.nearest(fake, training[:])[1]]])


def floors() -> dict[str, float]:
    """What as many other real bags get: nobody can be better."""
    bags, eyes = data.load("fashion").only("bag"), Backbone("fashion_classifier", ["features"])
    new = metrics.embed(data.load("fashion", "test").only("bag")[:], eyes)
    others = metrics.embed(bags[-len(new) :], eyes)
    return {
        "KID": metrics.kernel_distance(new, others).value,
        "recall": metrics.precision_recall(new, others)[1].value,
    }


def write(found: dict[str, Any], pictures: dict[int, Tensor]) -> None:
    """The results as JSON, Markdown and a picture."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "memorisation.json").write_text(json.dumps(found, indent=1) + "\n")
    names = [name for name in found["runs"][0]["looks"][0] if name != "images"]
    rows = []
    for count in COUNTS:
        last = [one["looks"][-1] for one in found["runs"] if one["count"] == count]
        values = " | ".join(f"{statistics.fmean(entry[name] for entry in last):.2f}" for name in names)
        rows.append(f"| {count} | {values} |")
    (RESULTS / "memorisation.md").write_text(
        "# When a GAN begins to copy\n\n"
        f"`python benchmarks/memorisation.py` on {found['machine']}: the shipped GAN of garments, which has never seen "
        f"a bag, after {found['images']:,} images of fine-tuning on few bags; means of {found['seeds']} seeds.\n\n"
        f"| pictures | {' | '.join(names)} |\n| --- |{' --- |' * len(names)}\n" + "\n".join(rows) + "\n\n"
        f"Other real bags get a KID of {found['floor']['KID']:.2f} and a recall of {found['floor']['recall']:.2f}; a half "
        "would be nearer if all were well.\n\n"
        "![Bags over their nearest training pictures](memorisation.png)\n"
    )
    alt = (
        "For each number of training pictures a row of ten bags that the generator has drawn, and below each the training "
        "picture that is nearest to it."
    )
    shown = {}
    for count, images in pictures.items():
        shown[f"drawn, from {count}"], shown[" " * count + "nearest"] = images.chunk(2)
    plot.compare(shown, alt=alt, width=6, save=RESULTS / "memorisation.png")


def main(quick: Annotated[bool, typer.Option("--quick", help="Short runs, nothing written.")] = False) -> None:
    """Fine-tune on fewer and fewer bags, and watch."""
    warnings.simplefilter("ignore", UserWarning)
    images, seeds = (64, 1) if quick else (CONFIG.images, 2)
    runs, pictures = [], {}
    for seed in range(seeds):
        for count in COUNTS:
            looks, drawn = run(count, seed, images)
            runs.append({"count": count, "seed": seed, "looks": looks})
            pictures.setdefault(count, drawn)
            typer.echo(f"{count} pictures, seed {seed}: {json.dumps(looks[-1])}")
    machine = f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    found = {"machine": machine, "images": images, "seeds": seeds, "floor": floors(), "runs": runs}
    if not quick:
        write(found, pictures)


if __name__ == "__main__":
    typer.run(main)
