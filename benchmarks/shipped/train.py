"""Train the networks that come with minigan, and write each with its model card into minigan/weights/.

    python benchmarks/shipped/train.py peeps --run runs/peeps             train (Ctrl-C saves; the same command goes on)
    python benchmarks/shipped/train.py peeps --run runs/peeps --publish   write the weights, the card and the log

The run folder keeps the checkpoint and a grid of samples every 12,000 images.
"""

import json
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import torch
import typer

from minigan import data, nets, plot, train, weights

RECIPES = {
    "peeps": train.TrainConfig(
        images=400_000, augment=("brightness", "saturation", "translation"), ema_half_life=10_000
    ),
}

CARD = (Path(__file__).parent / "card.md").read_text(encoding="utf-8")


def begin(name: str) -> tuple[train.TrainState, data.ImageSet]:
    """The fresh state of one recipe, and its data."""
    config = RECIPES[data.known(name, RECIPES, "recipe")]
    images = data.load(name)
    torch.manual_seed(config.seed)  # the networks' first weights
    return train.start(config, nets.Generator(images.size), nets.Discriminator(images.size), data=name), images


def publish(name: str, state: train.TrainState, images: data.ImageSet) -> None:
    """Write weights, log, samples and card of a finished run."""
    folder = weights.SHIPPED
    for role, network in (("", state.average), ("-discriminator", state.discriminator)):
        assert network is not None
        weights.save_network(folder / f"{name}{role}.safetensors", network, **state.facts, images=state.seen)
    log = {"settings": asdict(state.config), "history": state.history}
    (folder / f"{name}.json").write_text(json.dumps(log, indent=0))
    plot.grid(
        state.sample(), alt=f"64 drawn heads by the shipped generator {name}", save=folder / f"{name}.png", zoom=1
    )
    card = CARD.format(
        title=f"{name}: a small GAN trained on {images.name}",
        size=images.size,
        latents=state.latents.shape[1],
        data=images,
        seen=state.seen,
        minutes=state.seconds / 60,
        machine=f"{platform.machine()} processor in {str(state.dtype).removeprefix('torch.')}",
        seed=state.config.seed,
        name=name,
        settings=asdict(state.config),
    )
    (folder / f"{name}.md").write_text(card)


def main(
    name: Annotated[str, typer.Argument(help=f"one of {', '.join(RECIPES)}")],
    run: Annotated[Path, typer.Option(help="folder of the run")],
    publishing: Annotated[bool, typer.Option("--publish", help="write what is trained so far")] = False,
) -> None:
    state, images = begin(name)
    if (run / "checkpoint.pt").exists():
        train.resume(state, run)
    if publishing:
        publish(name, state, images)
    else:
        train.fit(state, images, run=run, title=name)


if __name__ == "__main__":
    typer.run(main)
