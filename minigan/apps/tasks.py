"""How each application is trained: the shipped networks, and `minigan train --task` on pictures of your own."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch
from PIL import Image
from torch import Tensor, nn
from tqdm import tqdm

from minigan import hardware, plot, weights
from minigan.apps import denoise, inpaint, patterns, style, superres
from minigan.apps.photographs import Task, begin, learn, pairs, whole_photographs
from minigan.apps.pictures import as_tensor
from minigan.data import PACKED, TORCHVISION, load, to_signed
from minigan.files import picture_files, read_image
from minigan.names import known
from minigan.processes import rank
from minigan.train import TrainState

Network = TypeVar("Network", bound=nn.Module)

NETWORK = "network.safetensors"  # what a run of an application leaves beside its checkpoint
SHORT = {"superres": "superres_x4_pixel", "style": "style_whirls", "inpaint": "inpaint_photos"}
STYLES = ("whirls",)  # of `patterns`, those for which a network is trained
COMMANDS = {  # the first word of a task's name: how the network of a RUN is used
    "denoise": "denoise IN -o OUT --weights RUN",
    "superres": "upscale IN -o OUT --weights RUN",
    "inpaint": "inpaint IN --mask MASK -o OUT --weights RUN",
    "style": "stylize IN RUN -o OUT",
}
STYLE_SIZE = 256  # pixels of the longer side of a style
SHORTER_SIDE = 768  # pixels; what a large photograph shows is learnt at this size
MEMORY = 2_000_000_000  # bytes of all photographs together


@dataclass(frozen=True)
class Recipe:
    """How a network of an application is made: its task, its class, and the shipped network that it begins with."""

    task: Callable[..., Task]
    kind: type[nn.Module]
    origin: str = ""
    pictures: str = "photos"  # what the shipped network has learnt from


def recipes() -> dict[str, Recipe]:
    """All tasks by name, which is that of the shipped network as well."""
    found = {
        "denoise": Recipe(denoise.task, denoise.Denoiser),
        "denoise_features": Recipe(partial(denoise.task, features=0.3, images=6_000), denoise.Denoiser, "denoise"),
    }
    found["superres_x4_pixel"] = Recipe(partial(superres.task, 4, images=26_000), superres.Upscaler)
    for kind, before, crops in (("features", "pixel", 8_000), ("adversarial", "features", 22_000)):
        further = partial(superres.task, 4, kind, images=crops)
        found[f"superres_x4_{kind}"] = Recipe(further, superres.Upscaler, f"superres_x4_{before}")
    x2 = partial(superres.task, 2, images=8_000)  # not shipped
    found["superres_x2_pixel"] = Recipe(x2, superres.Upscaler, "superres_x4_pixel")
    found["inpaint_photos"] = Recipe(partial(inpaint.task, images=16_000), inpaint.Inpainter)
    heads = partial(inpaint.task, pictures="peeps")
    found["inpaint_peeps"] = Recipe(heads, inpaint.Inpainter, pictures="peeps")
    further = partial(heads, adversarial=0.03, images=24_000)
    found["inpaint_peeps_adversarial"] = Recipe(further, inpaint.Inpainter, "inpaint_peeps", "peeps")
    for name in STYLES:
        found[f"style_{name}"] = Recipe(partial(in_style, name), style.Stylist)
    return found


def in_style(name: str, network: nn.Module | None = None) -> Task:
    """The task of a network for one style: one that is drawn by code, by its name, or that of a picture's file."""
    if name in patterns.PATTERNS:
        return style.task(patterns.PATTERNS[name](), network)
    if not Path(name).is_file():
        raise FileNotFoundError(
            f"{name} is no picture's file and no style; the styles are {', '.join(patterns.PATTERNS)}"
        )
    picture = to_signed(as_tensor(read_image(Path(name))))[None]
    return style.task(style.within(picture, STYLE_SIZE), network)


def kinds() -> set[type[nn.Module]]:
    """The classes of the networks of all applications."""
    return {recipe.kind for recipe in recipes().values()}


def trained(kind: type[Network], name: str, source: Path | None = None) -> Network:
    """A trained network, on the device: the shipped one of that name, or that of a run's folder or of a file.

    Raises `FileNotFoundError` where there is none, `ValueError` where it is of another kind.
    """
    if source is None:
        found, _ = weights.shipped_app(name, kind)
    else:
        file = source / NETWORK if source.is_dir() else source
        if not file.is_file():
            remedy = f"give the folder of a run that has ended, which holds {NETWORK}, or a file of weights"
            raise FileNotFoundError(f"no network at {file}; {remedy}")
        found, _ = weights.load_network(file, kind, *kinds())
    if not isinstance(found, kind):
        what = f"{source or name} holds a {type(found).__name__}, expected a {kind.__name__}"
        raise ValueError(f"{what}; give the weights of this task")
    return found.to(hardware.device()).to(memory_format=torch.channels_last)


def full_name(name: str) -> str:
    """The name of a task as it stands in `recipes`. Raises `ValueError` for an unknown one, with the nearest."""
    return known(SHORT.get(name, name), recipes(), "task")


def prepare(
    name: str,
    images: int | None = None,
    seed: int = 0,
    size: int | None = None,
    settings: Mapping[str, Any] | None = None,
    own_style: str | None = None,
    **facts: Any,
) -> tuple[Task, TrainState]:
    """The task of that name and its fresh state.

    `images`: when training ends; `size`: pixels of a crop; `settings`: others of the configuration; `own_style`: for
    `in_style`; where not as planned. `facts` are written with the weights.
    """
    recipe = recipes()[full_name(name)]
    torch.manual_seed(seed)  # the network's first weights
    origin = shipped_origin(name, recipe) if recipe.origin else None
    task = in_style(own_style, origin) if own_style else recipe.task(network=origin)
    config = replace(task.config, images=images or task.config.images, seed=seed, **(settings or {}))
    task = replace(task, config=config, size=size or task.size)
    facts |= {"origin": recipe.origin} if recipe.origin else {}
    return task, begin(task, **facts)


def shipped_origin(name: str, recipe: Recipe) -> nn.Module:
    """The shipped network that a task begins with."""
    file = weights.SHIPPED / "apps" / f"{recipe.origin}.safetensors"
    if not file.is_file():
        raise FileNotFoundError(
            f"the task {name} begins with the network {recipe.origin}, which is not there ({file}); install minigan "
            f"again, or train the task {recipe.origin}"
        )
    return weights.load_network(file, recipe.kind)[0]


def photographs(source: str, smallest: int = 1) -> tuple[list[Tensor], list[str]]:
    """Pictures to learn from, as bytes (3, H, W), and a sentence for each file that cannot be used.

    `source`: a set by name, such as "photos", or a folder, whose pictures keep their shapes; large ones are shrunk.
    `smallest`: pixels that a side has to have. Raises `OSError` where no picture can be used.
    """
    if source == "photos":
        return whole_photographs(), []
    folder = Path(source).expanduser()
    if source.lower() in {*PACKED, *TORCHVISION} or not folder.is_dir():
        return list(load(source).pixels.expand(-1, 3, -1, -1)), []
    found: list[Tensor] = []
    skipped: list[str] = []
    files, room = picture_files(folder), MEMORY
    quiet = True if rank() else None  # None: shown in a terminal, not in a log
    for file in tqdm(files, "reading", unit="picture", leave=False, delay=2, disable=quiet, file=sys.stderr):
        try:
            photograph = as_tensor(moderate(read_image(file), smallest))
            room -= photograph.numel()
            if room < 0:
                raise ValueError(f"there is no room for it, the pictures before it fill {MEMORY / 1e9:g} GB")
            found.append(photograph)
        except (ValueError, OSError) as error:
            skipped.append(str(error) if str(file) in str(error) else f"{file}: {error}")
    if not found:
        raise OSError(f"none of the {len(files)} pictures in {source} can be used; the first: {skipped[0]}")
    return found, skipped


def moderate(photograph: Image.Image, smallest: int) -> Image.Image:
    """A photograph whose shorter side has `SHORTER_SIDE` pixels or less. Raises `ValueError` for one too small."""
    shorter = min(photograph.size)
    if shorter < smallest:
        size = " x ".join(map(str, photograph.size))
        raise ValueError(f"it has {size} pixels, expected {smallest} x {smallest} or more")
    if shorter <= SHORTER_SIDE:
        return photograph
    width, height = (round(side * SHORTER_SIDE / shorter) for side in photograph.size)
    return photograph.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3)


def carry_out(task: Task, state: TrainState, pictures: Sequence[Tensor], run: Path, **options: Any) -> TrainState:
    """Train, and leave in the folder of the run what `finish` writes."""
    learn(task, state, pictures, run=run, **options)
    finish(task, state, pictures, run)
    return state


def finish(task: Task, state: TrainState, pictures: Sequence[Tensor], run: Path) -> None:
    """Write the averaged network, and a picture of what it does, into the folder of a run."""
    weights.save_network(run / NETWORK, state.average, **state.facts, images=state.seen)
    show(task, state, pictures, run / "examples.png")


@torch.no_grad()
def tried(task: Task, state: TrainState, pictures: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Crops as they should be, and what the averaged network makes of them spoiled. The state stays as it was."""
    random, state.random = state.random, torch.Generator().manual_seed(0)
    batch = pairs(pictures, task.size, task.spoil, task.turned)(state)
    state.random = random  # a resume goes on as if nothing had been drawn
    return batch["real"], task.mend(state.average, batch)


def show(task: Task, state: TrainState, pictures: Sequence[Tensor], path: Path) -> None:
    """Draw what the averaged network makes of eight crops, over the crops as they were."""
    real, made = (images[:8].float().clamp(-1, 1).cpu() for images in tried(task, state, pictures))
    rows = {"made by the network": made, "as it should be": real}
    plot.compare(
        rows, alt="Eight pieces of the training pictures, as the network makes them and as they are.", save=path
    )
