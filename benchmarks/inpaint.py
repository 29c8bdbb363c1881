"""Fill holes in held-out photographs and drawn heads: diffusion, scikit-image's biharmonic fill, the shipped networks.

    python benchmarks/inpaint.py            twenty minutes; writes benchmarks/results/inpaint.{json,md,png}
    python benchmarks/inpaint.py --quick    a trial within a minute, nothing kept

Photographs: the middle 128 x 128 pixels of each. Heads: 64 x 64 pixels. One hole in each picture, of one seed for each
size, so that all methods get the same holes. PSNR is that of the pixels in the holes of all pictures together. The
judge's distance is lower for better pictures and is taken over the whole picture: `minigan.course.judge`, a feature
network that nothing here was trained with.

The plane is measured on the first heads of the held-out split, because a search takes seconds for each. "One fill" is
the mean over the fills of a search, "mean of the fills" is the fill that averages them.
"""

import math
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import bench
import torch
import typer
from skimage.restoration import inpaint_biharmonic
from torch import Tensor

from minigan import data, plot, weights
from minigan.apps import inpaint as app
from minigan.course.judge import judge
from minigan.data import hole_masks
from minigan.perceptual import FeatureDistance

SIZES = {"photos": (4, 8, 16, 24, 32), "peeps": (8, 16, 24, 32)}
HOLE, FILLS = 28, 8  # of the plane: pixels of the hole, fills of a search
Fill = Callable[[Tensor, Tensor], Tensor]


def middle(name: str, side: int = 128) -> Tensor:
    """The middle of a photograph, not scaled: (1, 3, side, side)."""
    picture = data.photo(name)
    top, left = ((length - side) // 2 for length in picture.shape[-2:])
    return picture[..., top : top + side, left : left + side]


def diffusion(images: Tensor, known: Tensor) -> Tensor:
    """Our harmonic fill."""
    return app.diffuse(images, known).clamp(-1, 1)


def biharmonic(images: Tensor, known: Tensor) -> Tensor:
    """The surface of least bending, by scikit-image."""
    made = []
    for image, mask in zip(images, known, strict=True):
        array = image.permute(1, 2, 0).double().numpy()
        filled = inpaint_biharmonic(array, mask[0].numpy() == 0, channel_axis=-1)
        made.append(torch.from_numpy(filled).float().permute(2, 0, 1))
    return torch.stack(made).clamp(-1, 1)


def network(name: str) -> Fill:
    """One of the shipped networks."""
    found = weights.shipped_app(name, app.Inpainter)[0]
    assert isinstance(found, app.Inpainter)

    def fill(images: Tensor, known: Tensor) -> Tensor:
        pairs = zip(images.split(12), known.split(12), strict=True)
        return torch.cat([app.inpaint(found, part, mask) for part, mask in pairs])

    return fill


def in_the_hole(real: Tensor, fake: Tensor, known: Tensor) -> float:
    """PSNR of the pixels in the holes, of all images together."""
    hole = (known == 0).expand_as(real)
    return 10 * math.log10(4 / float((real - fake)[hole].square().mean()))


@torch.no_grad()
def distance(referee: FeatureDistance, real: Tensor, fake: Tensor) -> float:
    """The judge's mean distance."""
    parts = zip(real.split(12), fake.split(12), strict=True)
    return float(torch.cat([referee.per_image(one, other) for one, other in parts]).mean())


def compared(
    images: Tensor, sizes: tuple[int, ...], fills: dict[str, Fill], referee: FeatureDistance
) -> dict[str, dict[str, dict[str, float]]]:
    """PSNR in the hole and the judge's distance of each method: {kind of hole: {method: ...}}."""
    count, size = len(images), images.shape[-1]
    masks = {f"{side} px": hole_masks(count, size, side, torch.Generator().manual_seed(side)) for side in sizes}
    masks["strokes"] = app.strokes(count, size, size // 16, torch.Generator().manual_seed(0))
    found: dict[str, dict[str, dict[str, float]]] = {}
    for kind, known in masks.items():
        found[kind] = {}
        for name, fill in fills.items():
            made = fill(images, known)
            found[kind][name] = {
                "psnr": in_the_hole(images, made, known),
                "distance": distance(referee, images, made),
            }
        print(kind, {name: round(one["psnr"], 2) for name, one in found[kind].items()}, flush=True)
    return found


def searched(images: Tensor, known: Tensor, quick: bool) -> Tensor:
    """The fills of a search for each image: (N, FILLS, 3, 64, 64)."""
    generator, critic = (one.eval().requires_grad_(False) for one in weights.shipped_pair("peeps"))
    found = []
    for number, (image, mask) in enumerate(zip(images, known, strict=True)):
        random = torch.Generator().manual_seed(number)
        settings: dict[str, Any] = {"candidates": 64, "steps": 2} if quick else {}
        fills = app.search(generator, image[None], mask[None], FILLS, critic=critic, random=random, **settings)
        found.append(fills)
    return torch.stack(found)


def plane(
    images: Tensor, fills: dict[str, Fill], referee: FeatureDistance, quick: bool
) -> tuple[dict[str, dict[str, float]], dict[str, Tensor]]:
    """The points of the plane, and the pictures behind them."""
    known = hole_masks(len(images), 64, HOLE, torch.Generator().manual_seed(4))
    made = {name: fill(images, known) for name, fill in fills.items()}
    points = {
        name: {"psnr": in_the_hole(images, one, known), "distance": distance(referee, images, one)}
        for name, one in made.items()
    }
    many = searched(images, known, quick)
    flat, copies = many.flatten(0, 1), images.repeat_interleave(FILLS, 0)
    points["one fill"] = {
        "psnr": in_the_hole(copies, flat, known.repeat_interleave(FILLS, 0)),
        "distance": distance(referee, copies, flat),
    }
    mean = many.mean(1)
    points["mean of the fills"] = {
        "psnr": in_the_hole(images, mean, known),
        "distance": distance(referee, images, mean),
    }
    holes = torch.where(known > 0, images, torch.tensor([0.6, -0.05, 0.31]).view(1, 3, 1, 1))
    rows = {
        "hole": holes,
        **made,
        "one fill": many[:, 0],
        "another": many[:, 1],
        "mean of eight": mean,
        "truth": images,
    }
    return points, rows


def table(found: dict[str, dict[str, dict[str, float]]]) -> str:
    """PSNR, and the judge's distance behind it, a row for each kind of hole."""
    methods = list(next(iter(found.values())))
    rows = [
        [kind, *(f"{row[method]['psnr']:.2f} ({row[method]['distance']:.4f})" for method in methods)]
        for kind, row in found.items()
    ]
    return bench.table(["hole", *methods], rows)


def text(results: bench.Found) -> str:
    """The tables in words and numbers."""
    points = [(name, f"{of['psnr']:.2f}", f"{of['distance']:.4f}") for name, of in results["plane"].items()]
    return "\n".join(
        [
            "# Inpainting",
            "",
            "PSNR in the hole in dB, higher is better; in brackets the judge's distance of the whole picture, lower is",
            f"better. {results['photographs']} photographs, 128 x 128 pixels:",
            "",
            table(results["photos"]),
            "",
            f"{results['all heads']} drawn heads of 64 x 64 pixels:",
            "",
            table(results["peeps"]),
            "",
            f"The plane: {results['heads']} heads, a hole of {results['hole']} pixels, searches of {FILLS} fills",
            "",
            bench.table(("method", "PSNR, dB", "distance"), points),
            "",
            f"Written by `python benchmarks/inpaint.py` in {results['seconds']:.0f} s on {results['machine']}."
            + bench.load(results),
            "Judge: the cosine distance on the edge-trained VGG-16 of `minigan.course.judge`.",
            "",
        ]
    )


def claim(found: bench.Found) -> str:
    fill, squared = (found["plane"][name] for name in ("one fill", "squared error"))
    photos = {name: row["psnr"] for name, row in found["photos"]["8 px"].items()}
    return (
        f"In holes of 8 pixels in photographs the network is {photos['network'] - photos['biharmonic']:+.2f} dB "
        f"against the biharmonic fill; in heads with a hole of {found['hole']} pixels one searched fill is "
        f"{fill['psnr'] - squared['psnr']:+.2f} dB against the network of squared error, at a distance of "
        f"{fill['distance']:.3f} against {squared['distance']:.3f}"
    )


def pictures(rows: dict[str, Tensor], found: bench.Found, folder: Path) -> None:
    """Eight heads filled in each way."""
    alt = (
        "Eight heads with holes, filled by diffusion, by the biharmonic surface, by two networks, twice by search, by "
        "the mean of eight searches, and the truth."
    )
    plot.compare({name: images[:8] for name, images in rows.items()}, alt=alt, save=folder / "inpaint.png")


def main(quick: bench.Quick = False) -> None:
    """Fill holes in all ways."""
    conditions, began, referee = bench.conditions(), time.perf_counter(), judge()
    names = data.load("photos", "test").names
    photographs = torch.cat([middle(name) for name in names[: 1 if quick else None]])
    heads = data.load("peeps", "test")[: 2 if quick else 60]
    classical: dict[str, Fill] = {"diffusion": diffusion, "biharmonic": biharmonic}
    drawn = classical | {"squared error": network("inpaint_peeps")}
    if (weights.SHIPPED / "apps" / "inpaint_peeps_adversarial.safetensors").is_file():
        drawn["with adversary"] = network("inpaint_peeps_adversarial")
    few = heads[: 2 if quick else 16]
    points, rows = plane(few, drawn, referee, quick)
    print({name: {key: round(value, 4) for key, value in point.items()} for name, point in points.items()}, flush=True)
    results = conditions | {
        "plane": points,
        "rows": [{"method": name} | {key: [value] for key, value in point.items()} for name, point in points.items()],
        "photos": compared(photographs, SIZES["photos"], classical | {"network": network("inpaint_photos")}, referee),
        "peeps": compared(heads, SIZES["peeps"], drawn, referee),
        "photographs": len(photographs),
        "all heads": len(heads),
        "heads": len(few),
        "hole": HOLE,
        "seconds": time.perf_counter() - began,
    }
    bench.publish(__file__, results, text, partial(pictures, rows), quick=quick)


if __name__ == "__main__":
    typer.run(main)
