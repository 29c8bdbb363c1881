"""Train the networks of the applications, and write each with its model card into minigan/weights/apps/.

    python benchmarks/shipped/apps.py denoise --run runs/denoise             train (the same command goes on)
    python benchmarks/shipped/apps.py denoise --run runs/denoise --publish   write the weights, the log and the card

What is trained and how stands in `minigan.apps.tasks`. Names with `_features` or `_adversarial` begin with the shipped
network of the squared or absolute error, so that one is trained and published first. `--images` ends a run earlier or
later than planned; the learning rate falls to 0 at its end.
"""

import json
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import cards
import typer

from minigan import data, train, weights
from minigan.apps import tasks
from minigan.apps.photographs import Task

FOLDER = weights.SHIPPED / "apps"
CARD = Path(__file__).with_suffix(".md").read_text(encoding="utf-8")
DATA = {
    "photos": "The 65 training photographs of the pack, whole",
    "peeps": "peeps (train): 2,400 drawn heads of 64 x 64 pixels",
}
LIMITS = {
    "style_whirls": "It knows one style, the brush strokes that `minigan.apps.patterns.whirls` draws (our own code, no "
    "painting was copied), at the size of stroke that it has learnt: large pictures are to be painted small.",
    "denoise": "Fine texture comes out smooth, as the squared error asks. Real noise is seldom white: a scaled or "
    "compressed picture keeps part of it.",
    "denoise_features": "A little nearer to photographs than with the squared error alone, by a step that the eye "
    "hardly sees.",
    "inpaint_photos": "It continues edges and shading over some 10 pixels from the edge of a hole. What is farther "
    "away, and fine texture, comes out smooth; a larger hole is filled at a smaller scale.",
    "inpaint_peeps": "It knows drawn heads of 64 x 64 pixels and nothing else. What is uncertain comes out as the mean "
    "of all that could be there.",
    "inpaint_peeps_adversarial": "It knows drawn heads of 64 x 64 pixels and nothing else. What it puts into a hole is "
    "one of many things that could be there.",
    "pixel": "Fine texture comes out smooth, as the pixels' error asks. It has seen small pictures without noise or "
    "compression only.",
    "features": "Sharper than with the pixels alone; some of the texture is invented. It has seen small pictures "
    "without noise or compression only.",
    "adversarial": "Much of the finest texture is invented, so it is no evidence of what was there. It has seen small "
    "pictures without noise or compression only.",
}


def publish(name: str, task: Task, state: train.TrainState) -> None:
    """Write weights, log and card of a finished run."""
    network = state.average
    weights.save_network(FOLDER / f"{name}.safetensors", network, half=True, **state.facts, images=state.seen)
    log = {"settings": asdict(state.config), "history": state.history}
    (FOLDER / f"{name}.json").write_text(json.dumps(log, indent=0))
    recipe = tasks.recipes()[name]
    card = CARD.format(
        name=name,
        module=f"{type(network).__module__}.{type(network).__name__}",
        count=sum(parameter.numel() for parameter in network.parameters()) / 1e6,
        size=task.size,
        turned="turned and mirrored" if task.turned else "mirrored",
        terms=" + ".join(f"{state.config.weights.get(term, 1):g} {term}" for term in losses(state)),
        seen=state.seen,
        minutes=state.seconds / 60,
        machine=f"{platform.machine()} processor in {str(state.dtype).removeprefix('torch.')}",
        origin=f", begun with the network `{recipe.origin}`" if recipe.origin else "",
        seed=state.config.seed,
        benchmark=name.partition("_")[0],
        data=DATA[recipe.pictures],
        licence=data.load(recipe.pictures).licence,
        limits=LIMITS.get(name) or LIMITS[name.rpartition("_")[2]],
        settings=cards.in_words(asdict(state.config)),
    )
    (FOLDER / f"{name}.md").write_text(card)


def losses(state: train.TrainState) -> list[str]:
    """The names of the generator's terms."""
    others = ("images", "seconds", "discriminator", "real score", "fake score")
    return [name for name in state.history[-1] if name not in others]


def main(
    name: Annotated[str, typer.Argument(help=f"one of {', '.join(tasks.recipes())}")],
    run: Annotated[Path, typer.Option(help="folder of the run")],
    images: Annotated[int | None, typer.Option(help="crops in all, where other than planned")] = None,
    publishing: Annotated[bool, typer.Option("--publish", help="write what is trained so far")] = False,
) -> None:
    """Train one of the networks, or publish it."""
    pictures = tasks.recipes()[name].pictures
    task, state = tasks.prepare(name, images, data=pictures)
    if (run / "checkpoint.pt").exists():
        train.resume(state, run)
    if publishing:
        publish(name, task, state)
    else:
        tasks.carry_out(task, state, tasks.photographs(pictures)[0], run, title=name, save_every=8_000)


if __name__ == "__main__":
    typer.run(main)
