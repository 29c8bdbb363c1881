"""The plane of distortion and perception (Blau & Michaeli 2018), on which the results of chapters 07 to 10 are points.

To the right: the error of the pixels. Upwards: the distance that the judge sees, a network that trained nothing here.
Down and to the left is better, and no method can be at the corner.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise, product
from statistics import fmean
from typing import Any

from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

from minigan import plot
from minigan.course.measured import RESULTS, measured

Points = dict[str, tuple[float, float]]  # method: (error of the pixels, distance that the judge sees)


@dataclass(frozen=True)
class Application:
    """What the plane takes of a benchmark's rows: those with the `only` values, named by their method.

    `path`: methods of one network or family that are joined by a line, in their order.
    """

    title: str
    only: Mapping[str, Any] = field(default_factory=dict)
    leave: tuple[str, ...] = ()
    path: tuple[str, ...] = ()


APPLICATIONS = {
    "superres": Application(
        "super-resolution x4", {"scale": 4}, ("nearest",), ("bicubic", "pixel", "features", "adversarial")
    ),
    "denoise": Application(
        "denoising, sigma 25", {"level": 25}, ("told half", "told double", "Gaussian blur"), ("blind", "features")
    ),
    "inpaint": Application(
        "inpainting of heads", leave=("biharmonic",), path=("diffusion", "squared error", "with adversary")
    ),
}


def error_of(psnr: float) -> float:
    """The root mean squared error in grey levels of 0 to 255 that belongs to a PSNR in decibels."""
    return 255 * 10 ** (-psnr / 20)


def points_of(application: Application, rows: Iterable[Mapping[str, Any]]) -> Points:
    """The means over the photographs, by method. Each row has lists "psnr" and "distance", one entry a photograph."""
    chosen = [row for row in rows if all(row.get(key) == value for key, value in application.only.items())]
    return {
        row["method"]: (fmean(map(error_of, row["psnr"])), fmean(row["distance"]))
        for row in chosen
        if row["method"] not in application.leave
    }


def points() -> dict[str, Points]:
    """The points of each application whose benchmark has been run, by its title."""
    there = [name for name in APPLICATIONS if (RESULTS / f"{name}.json").is_file()]
    return {APPLICATIONS[name].title: points_of(APPLICATIONS[name], measured(name)["rows"]) for name in there}


def in_words(found: Mapping[str, Points]) -> str:
    """The alternative text of the plane: every point with its numbers."""
    said = [
        f"{title}: "
        + ", ".join(f"{name} {error:.1f} and {distance:.2f}" for name, (error, distance) in methods.items())
        for title, methods in found.items()
    ]
    return "The plane of distortion and perception. Error in grey levels and distance to the judge: " + "; ".join(said)


def name_point(axis: Axes, name: str, point: tuple[float, float], colour: str, busy: list[Bbox]) -> None:
    """Write a name at the nearest place beside its point that covers nothing `busy` (in pixels), and make it busy too.

    A name that is not close to its point is joined to it by a thin line.
    """
    x, y = axis.transData.transform(point)
    text = axis.text(*point, name, fontsize=9, color=colour, va="center", ha="center")
    size = text.get_window_extent()
    frame = axis.get_window_extent()
    places: list[tuple[float, int, int, tuple[float, float], Bbox]] = []
    for away, direction in product((8, 18, 28, 40, 54), (0, 45, -45, 90, -90, 135, -135, 180)):
        across, up = math.cos(math.radians(direction)), math.sin(math.radians(direction))
        middle = x + across * (away + size.width / 2), y + up * (away + size.height / 2)
        box = size.translated(*(middle - (size.p0 + size.p1) / 2))
        outside = not (frame.contains(*box.p0) and frame.contains(*box.p1))
        places.append((box.count_overlaps(busy) + 100 * outside, len(places), away, middle, box))
    _, _, away, middle, box = min(places)
    text.set_position(tuple(axis.transData.inverted().transform(middle)))
    if away > 8:
        line = {"arrowstyle": "-", "color": colour, "lw": 0.6, "shrinkA": 6, "shrinkB": 3}
        axis.annotate("", point, text.get_position(), arrowprops=line)
    busy.append(box)


def along(path: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Points in small steps along the line that joins the points of `path`."""
    return [
        (start[0] + (end[0] - start[0]) * step / 50, start[1] + (end[1] - start[1]) * step / 50)
        for start, end in pairwise(path)
        for step in range(51)
    ]


def draw(found: Mapping[str, Points], size: tuple[float, float] = (6.4, 4.2), save: Any = None) -> None:
    """The plane with named points, a colour for each application."""
    paths = {application.title: application.path for application in APPLICATIONS.values()}
    colours = dict(zip(found, (plot.REAL, plot.FAKE, plot.GREEN, plot.PINK), strict=False))
    with plot.figure(alt=in_words(found), size=size, save=save) as axis:
        lines = []
        for title, methods in found.items():
            path = [methods[name] for name in paths.get(title, ()) if name in methods]
            if path:
                axis.plot(*zip(*path, strict=True), color=colours[title], lw=1, alpha=0.6)
                lines.append(path)
            axis.scatter(*zip(*methods.values(), strict=True), color=colours[title], s=28, label=title, zorder=3)
        axis.set(xlabel="distortion: error of the pixels in grey levels", ylabel="perception: distance to the judge")
        axis.margins(0.16)
        if len(found) > 1:
            axis.legend(loc="upper right")
        else:
            axis.set_title("".join(found))
        axis.figure.draw_without_rendering()
        drawn = [spot for methods in found.values() for spot in methods.values()]
        drawn += [spot for path in lines for spot in along(path)]
        busy = [Bbox.from_bounds(x - 5, y - 5, 10, 10) for x, y in axis.transData.transform(drawn)]
        busy += [axis.get_legend().get_window_extent()] if axis.get_legend() else []
        for title, methods in found.items():
            for name, point in methods.items():
                name_point(axis, name, point, colours[title], busy)
