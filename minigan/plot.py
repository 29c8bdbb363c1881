"""Pictures out: grids of images, comparisons, curves. The only place that knows matplotlib. Built in chapter 00.

Every figure needs an alternative text that says what is to be seen. In Jupyter a figure is shown at once; `save`
writes it too.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import torch
from cycler import cycler
from IPython.core.getipython import get_ipython
from IPython.display import display
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from minigan.data import check_images, to_pixels
from minigan.files import whole_file

# Okabe & Ito 2008: told apart by colour-blind readers and in grey print.
REAL, FAKE, GREEN, GOLD, SKY, PINK = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#56B4E9", "#CC79A7"

STYLE: Any = {
    "figure.dpi": 90,
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.prop_cycle": cycler(color=[REAL, FAKE, GREEN, GOLD, PINK, SKY, "#555555"]),
    "legend.frameon": False,
    "image.interpolation": "auto",
    "lines.linewidth": 1.8,
}


class Picture:
    """A finished figure: the bytes of a PNG and its alternative text, which Jupyter keeps with it."""

    def __init__(self, png: bytes, alt: str):
        if len(alt) < 30:
            raise ValueError(f"alt is {alt!r}; say in a sentence what is to be seen, for those who cannot see it")
        self.png, self.alt = png, alt

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        return {"image/png": self.png, "text/plain": self.alt}, {"image/png": {"alt": self.alt}}

    def show(self, save: str | Path | None = None) -> None:
        """Display the picture where there is a notebook, and write it to `save` where that is given."""
        if save is not None:
            with whole_file(Path(save)) as temporary:
                temporary.write_bytes(self.png)
        if in_notebook():
            display(self)


def in_notebook() -> bool:
    """Whether a notebook is there to show pictures. IPython in a terminal has no kernel."""
    return hasattr(get_ipython(), "kernel")


@contextmanager
def figure(
    columns: int = 1, rows: int = 1, *, alt: str, size: tuple[float, float] = (4.2, 3.2), save: Any = None
) -> Iterator[Any]:
    """Matplotlib axes to draw on, one or `rows` x `columns`, shown when the block ends. `size`: of each, in inches."""
    with mpl.rc_context(STYLE):
        canvas = Figure(figsize=(size[0] * columns, size[1] * rows), layout="constrained")
        axes = canvas.subplots(rows, columns)
        yield axes
        picture = Picture(rendered(canvas), alt)
    picture.show(save)


def rendered(canvas: Figure, palette: bool = False) -> bytes:
    """A matplotlib figure as the bytes of a PNG. A palette, which few colours get anyway, halves their number."""
    drawn, written = io.BytesIO(), io.BytesIO()
    canvas.savefig(drawn, format="png")
    picture = Image.open(drawn).convert("RGB")
    if palette or picture.getcolors(4096):  # None where there are more, as in a photograph
        picture = picture.quantize(256, dither=Image.Dither.NONE)
    picture.save(written, "PNG", optimize=True)
    return written.getvalue()


def tile(images: Tensor, columns: int = 8, gap: int = 2) -> np.ndarray:
    """Images (N, C, H, W) in [-1, 1] laid out in rows on white, `gap` pixels apart: one uint8 picture (H', W', 3)."""
    pixels = to_pixels(check_images(images)).cpu()
    count, _, height, width = pixels.shape
    if columns < 1:
        raise ValueError(f"columns is {columns}, expected 1 or more; {count} would put all images in one row")
    columns = min(columns, count)
    rows = -(-count // columns)
    sheet = torch.full((3, rows * (height + gap), columns * (width + gap)), 255, dtype=torch.uint8)
    for i, image in enumerate(pixels):
        top, left = i // columns * (height + gap), i % columns * (width + gap)
        sheet[:, top : top + height, left : left + width] = image
    return sheet[:, : sheet.shape[1] - gap, : sheet.shape[2] - gap].permute(1, 2, 0).numpy()


def grid(
    images: Tensor, *, alt: str, columns: int = 8, zoom: int | None = None, save: str | Path | None = None
) -> None:
    """Show images in rows, pixel for pixel, each enlarged `zoom` times (by default to fill 760 pixels)."""
    sheet = tile(images, columns)
    factor = zoom or max(1, 760 // sheet.shape[1])
    buffer = io.BytesIO()
    Image.fromarray(sheet.repeat(factor, 0).repeat(factor, 1)).save(buffer, "PNG", optimize=True)
    Picture(buffer.getvalue(), alt).show(save)


def compare(
    rows: Mapping[str, Tensor],
    *,
    alt: str,
    titles: Sequence[str] = (),
    width: float = 8.5,
    save: str | Path | None = None,
) -> None:
    """Show batches under one another, a named row each. `titles` stand over the columns."""
    sheets = {name: tile(images, len(images)) for name, images in rows.items()}
    shapes = [sheet.shape[0] / sheet.shape[1] for sheet in sheets.values()]
    with mpl.rc_context(STYLE):
        canvas = Figure(figsize=(width, 1))
        axes = canvas.subplots(len(sheets), 1, squeeze=False, height_ratios=shapes)[:, 0]
        for axis, (name, sheet) in zip(axes, sheets.items(), strict=True):
            axis.imshow(sheet)
            axis.set_xticks([])
            axis.set_yticks([])
            axis.spines[:].set_visible(False)
            axis.set_ylabel(name, rotation=0, ha="right", va="center")
        if titles:
            step = next(iter(sheets.values())).shape[1] / len(titles)
            axes[0].xaxis.tick_top()
            axes[0].set_xticks([step * (i + 0.5) for i in range(len(titles))], titles)
            axes[0].tick_params(length=0)
        # all in inches: the names, what they leave to the sheets, a gap below each, room for the titles
        names = max(axis.yaxis.label.get_window_extent().width for axis in axes) / canvas.dpi
        lines = max((1 + title.count("\n") for title in titles), default=0)
        room, gap, above = width - names - 0.15, 0.1, 0.1 + 0.18 * lines
        height = sum(shapes) * room + len(sheets) * gap + above
        canvas.set_figheight(height)
        between = gap * len(sheets) / (sum(shapes) * room)  # as a share of a mean sheet
        canvas.subplots_adjust((names + 0.1) / width, gap / height, 1 - 0.05 / width, 1 - above / height, 0, between)
        picture = Picture(rendered(canvas), alt)
    picture.show(save)


def curves(
    series: Mapping[str, Sequence[float]],
    *,
    alt: str,
    x: Sequence[float] | None = None,
    labels: tuple[str, str] = ("step", "loss"),
    save: str | Path | None = None,
) -> None:
    """Show named series as lines over a common `x`, with the names at the lines' ends instead of a legend."""
    with figure(alt=alt, size=(6.4, 3.2), save=save) as axis:
        lines = {}
        for name, values in series.items():
            if len(values) == 0:
                raise ValueError(
                    f"series {name!r} is empty, expected one value or more; leave it out or run a step first"
                )
            places = range(len(values)) if x is None else x
            (lines[name],) = axis.plot(places, values)
        low, high = axis.get_ylim()
        heights = apart({name: float(values[-1]) for name, values in series.items()}, (high - low) / 14)
        for name, line in lines.items():
            end = (places[-1], heights[name])
            axis.annotate(f" {name}", end, color=line.get_color(), va="center", annotation_clip=False)
        axis.set_xlabel(labels[0])
        axis.set_ylabel(labels[1])


def apart(heights: Mapping[Any, float], least: float) -> dict[Any, float]:
    """Heights of names that would lie on each other, moved until neighbours are `least` apart."""
    moved = dict(heights)
    for _ in range(50):
        for below, above in pairwise(sorted(moved, key=moved.__getitem__)):
            overlap = max(0.0, least - (moved[above] - moved[below]))
            moved[below] -= overlap / 2
            moved[above] += overlap / 2
    return moved


def training(history: Sequence[Mapping[str, float]], samples: Tensor | None, title: str) -> Picture:
    """A training run so far: up to 64 samples on the left, losses and scores over the images seen on the right."""
    names = [name for name in history[0] if name not in ("images", "seconds")]
    scores = [name for name in names if name.endswith("score")]
    panels = [panel for panel in ([name for name in names if name not in scores], scores) if panel]
    seen = [entry["images"] for entry in history]
    with mpl.rc_context(STYLE):
        canvas = Figure(figsize=(9.4, 4.8) if samples is not None else (5, 4), layout="constrained")
        frame = canvas.add_gridspec(
            len(panels), 1 + (samples is not None), width_ratios=[1.05, 1] if samples is not None else [1]
        )
        if samples is not None:
            axis = canvas.add_subplot(frame[:, 0])
            axis.imshow(tile(samples[:64]))
            axis.axis("off")
        for row, panel in enumerate(panels):
            axis = canvas.add_subplot(frame[row, -1])
            for name in panel:
                axis.plot(seen, [entry[name] for entry in history], label=name)
            axis.margins(y=0.25)  # room for the legend above the curves
            axis.legend(loc="upper right", ncols=2, fontsize=8.5)
        axis.set_xlabel("images seen")
        canvas.suptitle(title, x=0.01, ha="left", fontsize=10.5)
        last = ", ".join(f"{name} {history[-1][name]:.2f}" for name in names)
        left = "Left: samples of the averaged generator. Right: curves" if samples is not None else "Curves"
        return Picture(rendered(canvas, palette=True), f"{title}. {left}, ending at {last}.")
