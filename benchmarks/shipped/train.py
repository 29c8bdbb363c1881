"""Train the networks that come with minigan, and write each with its model card into minigan/weights/.

    python benchmarks/shipped/train.py peeps --run runs/peeps             train (Ctrl-C saves; the same command goes on)
    python benchmarks/shipped/train.py peeps --run runs/peeps --publish   write the weights, the card and the log

The run folder keeps the checkpoint and a grid of samples every 12,000 images. `micah`, `adventurer` and `pixelart`
begin with the shipped `peeps` networks, so those are trained first. `fashion_classes`, which is told the class that it
draws, goes into minigan/weights/apps/. The Fashion classifier has a script of its own, classifier.py.
"""

import json
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import cards
import torch
import typer

from minigan import data, nets, plot, train, weights
from minigan.apps import generate
from minigan.names import known

HEADS = ("brightness", "saturation", "translation")
ON_HEADS = "64 pixels. Rare parts of the data, such as masks and turbans, are drawn less well than common ones."


@dataclass(frozen=True)
class Recipe:
    """What is trained on what, and what a reader of the card should know."""

    data: str
    config: train.TrainConfig
    use: str
    limits: str
    generator: dict[str, int] = field(default_factory=dict)
    discriminator: dict[str, int | str] = field(default_factory=dict)
    without: str = ""  # a class of the data that is left out
    origin: str = ""  # the shipped networks to begin with
    discriminator_too: bool = True  # whether D is worth its megabytes: a start for fine-tuning
    told: bool = False  # whether the networks are told the class

    def images(self) -> data.ImageSet:
        images = data.load(self.data)
        return images.only(*(name for name in images.classes if name != self.without)) if self.without else images

    def networks(self, images: data.ImageSet) -> tuple[torch.nn.Module, torch.nn.Module]:
        if self.origin:
            return weights.shipped_pair(self.origin)
        channels, classes = images.pixels.shape[1], len(images.classes)
        if self.told:
            generator = generate.ConditionalGenerator(images.size, channels, classes, **self.generator)
            return generator, generate.ConditionalDiscriminator(images.size, channels, classes, **self.discriminator)
        generator = nets.Generator(images.size, channels, **self.generator)
        return generator, nets.Discriminator(images.size, channels, **self.discriminator)


def fine_tuned(name: str) -> Recipe:
    """The shipped peeps networks, trained on with the 100 pictures of another style."""
    config = train.TrainConfig(images=40_000, rate=1e-4, augment=HEADS, ema_half_life=4_000, ema_ramp_up=0.0)
    use = f"The finished result of chapter 05: heads in the style of {name} from 100 pictures"
    limits = "64 pixels. Trained on 100 pictures, and speckled: chapter 05 shows where it fails."
    return Recipe(name, config, use, limits, origin="peeps", discriminator_too=False)


RECIPES = {
    "peeps": Recipe(
        "peeps",
        train.TrainConfig(images=400_000, augment=HEADS, ema_half_life=10_000),
        "The course's finished example, and the start of fine-tuning. It draws heads in the style of Open Peeps",
        ON_HEADS,
    ),
    "fashion": Recipe(
        "fashion",
        train.TrainConfig(images=600_000, rate=5e-4, betas=(0.5, 0.999), r1=0.0, ema_half_life=20_000),
        "Chapter 03 judges it; the class that it has never seen is there to be learnt from few examples",
        "28 pixels, grey. It has never seen a bag.",
        generator={"latents": 64, "width": 64},
        discriminator={"width": 64, "norm": "batch"},
        without="bag",
    ),
    "fashion_classes": Recipe(
        "fashion",
        train.TrainConfig(images=100_000, rate=5e-4, betas=(0.5, 0.999), r1=0.0, ema_half_life=20_000),
        "Chapter 11: pictures of a class that is asked for",
        "28 pixels, grey. Shirts, coats and pullovers are mixed up now and then, as people mix them up.",
        generator={"latents": 64, "width": 64},
        discriminator={"width": 64, "norm": "batch"},
        discriminator_too=False,
        told=True,
    ),
    **{name: fine_tuned(name) for name in ("micah", "adventurer", "pixelart")},
}

CARD = (Path(__file__).parent / "card.md").read_text(encoding="utf-8")


def begin(name: str) -> tuple[train.TrainState, data.ImageSet]:
    """The fresh state of one recipe, and its data."""
    recipe = RECIPES[known(name, RECIPES, "recipe")]
    images = recipe.images()
    torch.manual_seed(recipe.config.seed)  # the networks' first weights
    facts: dict[str, Any] = {"data": recipe.data} | ({"without": recipe.without} if recipe.without else {})
    facts |= {"origin": recipe.origin} if recipe.origin else {}
    facts |= {"classes": list(images.classes)} if recipe.told else {}
    return train.start(recipe.config, *recipe.networks(images), **facts), images


def publish(name: str, state: train.TrainState, images: data.ImageSet) -> None:
    """Write weights, log, samples and card of a finished run."""
    recipe = RECIPES[name]
    folder = weights.SHIPPED / "apps" if recipe.told else weights.SHIPPED
    kept = {"": state.average} | ({"-discriminator": state.discriminator} if recipe.discriminator_too else {})
    for role, network in kept.items():
        assert network is not None
        weights.save_network(folder / f"{name}{role}.safetensors", network, half=True, **state.facts, images=state.seen)
    log = {"settings": asdict(state.config), "history": state.history}
    (folder / f"{name}.json").write_text(json.dumps(log, indent=0))
    plot.grid(
        state.sample(), alt=f"64 pictures drawn by the shipped generator {name}", save=folder / f"{name}.png", zoom=1
    )
    card = CARD.format(
        title=f"{name}: a small GAN trained on {images.name}",
        module=f"{type(state.average).__module__}.{type(state.average).__name__}",
        size=images.size,
        latents=state.latents.shape[1],
        data=images,
        without=f" Without the class {recipe.without}, of 10." if recipe.without else "",
        pair=f"; the discriminator is in `{name}-discriminator.safetensors`" if recipe.discriminator_too else "",
        origin=f", begun with the networks `{recipe.origin}`" if recipe.origin else "",
        seen=state.seen,
        minutes=state.seconds / 60,
        machine=f"{platform.machine()} processor in {str(state.dtype).removeprefix('torch.')}",
        seed=state.config.seed,
        name=name,
        licence=images.licence,
        use=recipe.use,
        limits=recipe.limits,
        settings=cards.in_words(asdict(state.config)),
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
        fit = generate.learn if RECIPES[name].told else train.fit
        fit(state, images, run=run, title=name)


if __name__ == "__main__":
    typer.run(main)
