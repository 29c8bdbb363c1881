"""Whole pictures in a style, by optimisation or by a trained network: what `minigan stylize` does.

Shown in no chapter: it finds the style, shows progress and lets Ctrl-C end a painting without losing it.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from minigan import hardware, weights
from minigan.apps import style as app
from minigan.apps.patterns import PATTERNS
from minigan.apps.pictures import Picture, as_tensor
from minigan.apps.tasks import trained
from minigan.data import to_signed
from minigan.files import read_image
from minigan.names import known
from minigan.train import stopping


@dataclass
class Painter:
    """How pictures get a style: `change(small, title)` gives what is to be laid over a small picture (1, 3, h, w)."""

    change: Callable[[Tensor, str], Tensor]
    stopped: bool = False  # by Ctrl-C: the painting at work was ended early, and no other is begun


def painter(style: str, size: int, steps: int | None = None) -> Painter:
    """The painter of a style: a picture's file, one of `PATTERNS` by name, or the weights of a trained `Stylist`.

    With steps the picture is painted by optimisation, without them by a network where there is one.
    """
    path = Path(style)
    if path.is_dir() or path.suffix == ".safetensors":
        return by_network(trained(app.Stylist, style, path))
    if path.is_file():
        return by_steps(app.within(to_signed(as_tensor(read_image(path)))[None], size), steps or 200)
    try:
        name = known(style, PATTERNS, "style")
    except ValueError as error:
        raise ValueError(f"{error}; or give the file of a picture") from None
    if steps is None and f"style_{name}" in weights.shipped_app_names():
        return by_network(trained(app.Stylist, f"style_{name}"))
    return by_steps(PATTERNS[name](size), steps or 200)


def by_network(network: app.Stylist) -> Painter:
    """One pass for each picture."""

    def change(small: Tensor, title: str) -> Tensor:
        with torch.inference_mode():
            return network.change(small)

    return Painter(change)


def by_steps(style: Tensor, steps: int) -> Painter:
    """So many steps of descent for each picture, with a bar; Ctrl-C ends them."""
    loss = app.StyleLoss(style.to(hardware.device()))

    def change(small: Tensor, title: str) -> Tensor:
        canvas = app.Canvas(small)
        descent = app.paint(canvas, loss, loss.target(small), steps=steps)
        with (
            stopping() as stop,
            tqdm(descent, title, steps, unit="step", leave=False, disable=None, file=sys.stderr) as bar,
        ):
            for done, _ in enumerate(bar, 1):
                if stop.is_set():
                    ended.stopped = True
                    tqdm.write(f"{title}: stopped after {done} of {steps} steps, written as it is", file=sys.stderr)
                    break
        return canvas.change().detach()

    ended = Painter(change)
    return ended


def painted(picture: Picture, painter: Painter, size: int, strength: float = 1.0, title: str = "") -> Picture:
    """A picture in the style: painted at `size` pixels, the change laid over the whole; its alpha is kept."""
    if painter.stopped:
        raise KeyboardInterrupt
    pixels = picture.pixels
    small = app.within(to_signed(pixels)[None], size).to(hardware.device())
    change = painter.change(small, title).cpu()
    return Picture.of(app.over_pixels(pixels, change, strength), picture.alpha)
