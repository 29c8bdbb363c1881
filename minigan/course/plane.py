"""The plane of distortion and perception (Blau & Michaeli 2018), on which the results of chapters 07 to 10 are points.

To the right: the error of the pixels. Upwards: the distance that the judge sees, a network that trained nothing here.
Down and to the left is better, and no method can be at the corner.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

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


def label_heights(found: Mapping[str, Points], width: float, least: float) -> dict[tuple[str, str], float]:
    """How high each name stands: beside its point, or moved, where names within `width` of each other would meet."""
    places = {(title, name): place for title, methods in found.items() for name, place in methods.items()}
    groups: list[list[tuple[str, str]]] = []
    for label in sorted(places, key=places.__getitem__):
        if groups and places[label][0] - places[groups[-1][-1]][0] < width:
            groups[-1].append(label)
        else:
            groups.append([label])
    heights = {label: places[label][1] for label in places}
    for group in groups:
        heights |= plot.apart({label: heights[label] for label in group}, least)
    return heights


def draw(found: Mapping[str, Points], size: tuple[float, float] = (6.4, 4.2), save: Any = None) -> None:
    """The plane with named points, a colour for each application."""
    paths = {application.title: application.path for application in APPLICATIONS.values()}
    colours = dict(zip(found, (plot.REAL, plot.FAKE, plot.GREEN, plot.PINK), strict=False))
    with plot.figure(alt=in_words(found), size=size, save=save) as axis:
        for title, methods in found.items():
            path = [methods[name] for name in paths.get(title, ()) if name in methods]
            if path:
                axis.plot(*zip(*path, strict=True), color=colours[title], lw=1, alpha=0.6)
            axis.scatter(*zip(*methods.values(), strict=True), color=colours[title], s=28, label=title, zorder=3)
        axis.set(xlabel="distortion: error of the pixels in grey levels", ylabel="perception: distance to the judge")
        axis.margins(0.16)
        (left, right), (low, high) = axis.get_xlim(), axis.get_ylim()
        across, up = right - left, high - low
        for (title, name), height in label_heights(found, 0.3 * across, 0.055 * up).items():
            error, distance = found[title][name]
            beside = (error + 0.03 * across, height)
            line = {"arrowstyle": "-", "color": colours[title], "lw": 0.6, "shrinkB": 3}
            axis.annotate(
                name, (error, distance), beside, fontsize=9, color=colours[title], va="center", arrowprops=line
            )
        if len(found) > 1:
            axis.legend(loc="best")
        else:
            axis.set_title("".join(found))
