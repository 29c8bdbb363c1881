"""Of two copies with equal squared error, which is nearer? How often distances agree with what is known of the eye.

    python benchmarks/triplets.py            five minutes; writes benchmarks/results/triplets.{json,md,png}
    python benchmarks/triplets.py --quick    a trial within a minute, nothing kept

A triplet is a picture and two copies, each damaged in its own way, with strengths that give both the same squared
error: that of the picture moved by one pixel. Squared error cannot tell them apart. People can. No people were asked
here: which copy they call nearer is taken from the literature, which showed such pictures or measured what the eye
sees.

- brightness and contrast are changed: nearer than blur, compression and noise of equal error. Wang et al. 2004
  (https://doi.org/10.1109/TIP.2003.819861), figure 2.
- moved by a pixel, turned by a little: nearer than blur, compression and noise, even where their error is larger. Wang
  & Bovik 2009 (https://doi.org/10.1109/MSP.2008.930649), figure 2.
- noise in textured places: nearer than noise in smooth ones, for texture masks it. Teo & Heeger 1994
  (https://doi.org/10.1109/ICIP.1994.413502). Photographs only: drawn heads have outlines and no texture.
- noise of colour alone: nearer than noise of grey, for the eye sees fine colour badly. Mullen 1985
  (https://doi.org/10.1113/jphysiol.1985.sp015591).
- fine noise: nearer than coarse noise, for the eye is most sensitive to medium frequencies. Mannos & Sakrison 1974
  (https://doi.org/10.1109/TIT.1974.1055250).

For noise, compression and blur against one another no order is counted: it depends on the picture and the strength.
The table says which one each distance prefers.

Photographs of the held-out split at 128 pixels, and held-out heads of four styles at 64. A seed decides the direction
of the move and of the turn, the noise, and the random weights of the controls.
"""

import math
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from pathlib import Path
from statistics import fmean

import bench
import torch
import torch.nn.functional as F
import typer
from torch import Tensor

from minigan import data, metrics, plot
from minigan.backbones import Backbone
from minigan.course.gallery import shrink_file
from minigan.course.judge import LAYERS, judge
from minigan.course.suitability import blocky, blurred, noisy, with_error
from minigan.perceptual import LPIPS, FeatureDistance

MARGIN = 8  # pixels around a picture, into which it is moved and turned
DAMAGES = ("blur", "compression", "noise")
ORDERS = {  # the nearer one: the ones farther away
    **{harmless: DAMAGES for harmless in ("brightness", "contrast", "moved", "turned")},
    "noise in texture": ("noise in smooth places",),
    "noise of colour": ("noise of grey",),
    "fine noise": ("coarse noise",),
}
NOT_OF_HEADS = "noise in texture"
OPEN = (("noise", "compression"), ("noise", "blur"), ("compression", "blur"))
STYLES = ("peeps", "micah", "adventurer", "pixelart")
GREY = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)  # what each colour adds to brightness
TIE = "squared error"
Distance = Callable[[Tensor, Tensor], Tensor]  # (N, 3, H, W) twice -> (N,)
Damage = Callable[[Tensor, float], Tensor]


def middle(wide: Tensor, down: int = 0, right: int = 0) -> Tensor:
    """The picture inside of its margin, or what stands a little beside."""
    side = wide.shape[-1] - 2 * MARGIN
    return wide[..., MARGIN + down : MARGIN + down + side, MARGIN + right : MARGIN + right + side]


def turned(wide: Tensor, image: Tensor, degrees: float) -> Tensor:
    """The picture turned about its centre, without empty corners."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    grid = F.affine_grid(torch.tensor([[[c, -s, 0.0], [s, c, 0.0]]]), list(wide.shape), align_corners=False)
    return middle(F.grid_sample(wide, grid, "bicubic", "border", align_corners=False)).clamp(-1, 1)


def activity(image: Tensor) -> Tensor:
    """How much goes on around each place: ranks of the local variance, from 0 to 1, (1, 1, H, W)."""
    grey = (image * GREY).sum(1, keepdim=True).expand(-1, 3, -1, -1)
    variance = (blurred(grey.square(), 2.0) - blurred(grey, 2.0).square())[:, :1]
    return variance.flatten().argsort().argsort().view_as(variance) / variance.numel()


def damages(image: Tensor, random: torch.Generator) -> dict[str, tuple[Damage, float, float]]:
    """Every way to change a picture with a strength, and the lowest and highest strength to look between."""
    white = torch.randn(image.shape, generator=random)
    grey = torch.randn((1, 1, *image.shape[-2:]), generator=random).expand_as(white)
    busy = activity(image)
    noises = {
        "noise": white,
        "noise in texture": white * busy**3,
        "noise in smooth places": white * (1 - busy) ** 3,
        "noise of grey": grey,
        "noise of colour": white - (white * GREY).sum(1, keepdim=True),
        "fine noise": white - blurred(white, 1.0),
        "coarse noise": blurred(white, 2.0),
    }
    found: dict[str, tuple[Damage, float, float]] = {
        name: (partial(noisy, noise=noise), 1e-4, 30.0) for name, noise in noises.items()
    }
    found["brightness"] = (lambda image, strength: (image + strength).clamp(-1, 1), 1e-4, 2.0)
    found["contrast"] = (lambda image, strength: (image + strength * (image - image.mean())).clamp(-1, 1), 1e-4, 50.0)
    if float((image == image.max()).float().mean()) > 0.2:  # a white ground: contrast can only be lowered
        found["contrast"] = (lambda image, strength: image - strength * (image - image.mean()), 1e-4, 0.95)
    return found | {"blur": (blurred, 0.1, 20.0), "compression": (blocky, 0.01, 40.0)}


def copies(wide: Tensor, seed: int) -> dict[str, Tensor]:
    """A picture with its margin (1, 3, S, S) -> the picture, and copies that all have the error of the moved one."""
    random = torch.Generator().manual_seed(seed)
    image = middle(wide).contiguous()
    down, right = [(d, r) for d, r in product((-1, 0, 1), repeat=2) if (d, r) != (0, 0)][
        int(torch.randint(8, (), generator=random))
    ]
    sign = 1 if torch.rand((), generator=random) < 0.5 else -1
    found = {"": image, "moved": middle(wide, down, right)}
    error = float((image - found["moved"]).square().mean())
    ways = damages(image, random)
    ways["turned"] = (lambda image, degrees: turned(wide, image, sign * degrees), 0.01, 20.0)
    if image.mean() > 0:  # away from the clamp
        ways["brightness"] = (lambda image, strength: (image - strength).clamp(-1, 1), *ways["brightness"][1:])
    near = {name: with_error(damage, image, error, low, high) for name, (damage, low, high) in ways.items()}
    return found | {name: exactly(image, copy, error) for name, copy in near.items()}


def exactly(image: Tensor, copy: Tensor, error: float) -> Tensor:
    """The copy with its difference from the picture made a little stronger, where rounding keeps it below the error."""
    for _ in range(5):  # clamping takes some of it back
        share = math.sqrt(error / float((copy - image).square().mean()))
        copy = (image + share * (copy - image)).clamp(-1, 1)
    return copy


def pictures(quick: bool) -> Iterator[tuple[str, Tensor]]:
    """The kind of each picture, and the picture with its margin."""
    photos = data.load("photos", "test", size=128 + 2 * MARGIN)
    for number in range(2 if quick else len(photos)):
        yield "photographs", photos[number : number + 1]
    for style in STYLES[:1] if quick else STYLES:
        for image in data.load(style, "test")[: 1 if quick else 4].split(1):
            yield "heads", F.pad(image, (MARGIN,) * 4, mode="replicate")


def network(name: str, layers: tuple[str, ...] | None, seed: int | None = None) -> FeatureDistance:
    """The cosine distance on all these layers. `seed` of random weights."""
    random = None if seed is None else torch.Generator().manual_seed(seed)
    size = 128 if name == "efficientnet_lite0" else None  # heads are enlarged, as in the chapters
    weights = "default" if seed is None else None
    return FeatureDistance(Backbone(name, layers, weights=weights, size=size, generator=random), distance="cosine")


def layerwise(label: str, distance: FeatureDistance, each: bool) -> Callable[[Tensor, Tensor], dict[str, Tensor]]:
    """One pass gives the distance on all layers together and, where wanted, on each."""

    def measured(real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        one = {layer: maps.expand(len(fake), -1, -1, -1) for layer, maps in distance.backbone(real[:1]).items()}
        found = distance.by_layer(one, distance.backbone(fake))
        together = {label: torch.stack(list(found.values())).sum(0)}
        return together | ({f"{label}, {layer}": value for layer, value in found.items()} if each else {})

    return measured


def distances(seed: int) -> tuple[list[Callable[[Tensor, Tensor], dict[str, Tensor]]], str]:
    """All that judge, and why LPIPS does not."""
    found = [
        lambda real, fake: {
            TIE: (real - fake).square().flatten(1).mean(1),
            "absolute error": (real - fake).abs().flatten(1).mean(1),
            "SSIM": 1 - metrics.ssim(real, fake),
        },
        layerwise("EfficientNet-Lite0", network("efficientnet_lite0", None), True),
        layerwise("EfficientNet-Lite0, random weights", network("efficientnet_lite0", None, seed), False),
        layerwise("Fashion classifier", network("fashion_classifier", None), False),
        layerwise("Fashion classifier, random weights", network("fashion_classifier", None, seed), False),
        layerwise("the judge (VGG-16 for edges)", judge(), False),
        layerwise("VGG-16, random weights", network("vgg16", LAYERS, seed), False),
    ]
    try:
        lpips = LPIPS()
    except OSError as error:
        return found, "the weights of VGG-16 are not at hand" if "vgg16" in str(error) else bench.reason(error)
    return [*found, layerwise("LPIPS, VGG-16", lpips, False)], ""


@torch.no_grad()
def judged(seed: int, quick: bool) -> tuple[dict[str, dict[str, dict[str, list[bool]]]], float, str]:
    """The answers, how far errors differ at most, and why LPIPS is missing.

    Answers: {kind: {distance: {"nearer < farther": whether it agreed, for each picture}}}.
    """
    judges, missing = distances(seed)
    answers: dict[str, dict[str, dict[str, list[bool]]]] = {}
    worst = 0.0
    pairs = [(near, far) for near, others in ORDERS.items() for far in others] + list(OPEN)
    for number, (kind, wide) in enumerate(pictures(quick)):
        made = copies(wide, 1000 * seed + number)
        image, names = made.pop(""), list(made)
        fake = torch.cat(list(made.values()))
        real = image.expand_as(fake)
        errors = (real - fake).square().flatten(1).mean(1)
        worst = max(worst, float((errors / errors[names.index("moved")] - 1).abs().max()))
        for judge_ in judges:
            for name, values in judge_(real, fake).items():
                table = answers.setdefault(kind, {}).setdefault(name, {})
                for near, far in pairs:
                    nearer = float(values[names.index(near)]), float(values[names.index(far)])
                    table.setdefault(f"{near} < {far}", []).append(nearer[0] < nearer[1])
    return answers, worst, missing


def measure(quick: bool) -> bench.Found:
    """Shares of triplets where a distance agrees, in per cent, for each seed."""
    found, seeds = bench.conditions(), range(1 if quick else 3)
    runs = []
    for seed in seeds:
        runs.append(judged(seed, quick))
        typer.echo(f"seed {seed} done, errors differ by {runs[-1][1]:.1%} at most")
    shares = {
        kind: {
            name: {pair: [round(100 * fmean(run[0][kind][name][pair]), 1) for run in runs] for pair in table}
            for name, table in tables.items()
        }
        for kind, tables in runs[0][0].items()
    }
    counts = {kind: len(next(iter(tables[TIE].values()))) for kind, tables in runs[0][0].items()}
    return found | {
        "seeds": len(seeds),
        "pictures": counts,
        "largest difference of errors": max(run[1] for run in runs),
        "no LPIPS because": runs[0][2],
        "shares": shares,
    }


def orders(kind: str) -> dict[str, tuple[str, ...]]:
    """What is ordered on this kind of pictures."""
    return {near: others for near, others in ORDERS.items() if (kind, near) != ("heads", NOT_OF_HEADS)}


def agreement(shares: dict[str, list[float]], ordered: dict[str, tuple[str, ...]]) -> list[float]:
    """The mean over the pairs that are ordered, each as much as another: one number for each seed."""
    pairs = [f"{near} < {far}" for near, others in ordered.items() for far in others]
    return [fmean(each) for each in zip(*(shares[pair] for pair in pairs), strict=True)]


def overall(found: bench.Found, name: str) -> list[float]:
    """The agreement of a distance on all kinds of pictures, each kind as much as another, for each seed."""
    kinds = found["shares"].items()
    return [
        fmean(each) for each in zip(*(agreement(tables[name], orders(kind)) for kind, tables in kinds), strict=True)
    ]


def spread(values: list[float]) -> str:
    """Mean, and in brackets the lowest and highest of the seeds."""
    low, high = (f"{end(values):.0f}" for end in (min, max))
    return f"{fmean(values):.0f}" if low == high else f"{fmean(values):.0f} ({low} to {high})"


def text(found: bench.Found) -> str:
    """The results in Markdown."""
    names = list(next(iter(found["shares"].values())))
    against = "; ".join(f"{near} against {', '.join(far)}" for near, far in ORDERS.items())
    counts = ", ".join(f"{count} {kind}" for kind, count in found["pictures"].items())
    missing = f"LPIPS is not among them: {found['no LPIPS because']}.\n\n" if found["no LPIPS because"] else ""
    parts = []
    for kind, tables in found["shares"].items():
        ordered = orders(kind)
        columns = [ordered, *({near: others} for near, others in ordered.items())]
        rows = [
            [name, *(spread(agreement(tables[name], column)) for column in columns)] for name in names if name != TIE
        ]
        parts.append(f"## {kind.capitalize()}\n\n{bench.table(['distance', 'all', *ordered], rows)}\n")
    heads = [f"{near} nearer than {far}" for near, far in OPEN]
    kind, tables = next(iter(found["shares"].items()))
    undecided = [
        [name, *(spread(tables[name][f"{near} < {far}"]) for near, far in OPEN)] for name in names if name != TIE
    ]
    return (
        "# Triplets of equal squared error\n\n"
        f"`python benchmarks/triplets.py` on {found['machine']}: {counts}, {found['seeds']} seeds.{bench.load(found)} "
        "Per cent of the triplets in which a distance calls that copy nearer which people call nearer, by the "
        "literature that the head of the script names; no people were asked here. Mean (lowest to highest) over the "
        "seeds. A coin has 50, and so has the squared error: the copies' errors differ by "
        f"{found['largest difference of errors']:.1%} at most.\n\n"
        f"The columns: {against}.\n\n{missing}"
        + "\n".join(parts)
        + f"\n## Not ordered\n\nHow often each distance prefers one, on {kind}:\n\n"
        f"{bench.table(['distance', *heads], undecided)}\n\n![Bars of the agreement](triplets.png)\n\n"
        "![Pictures and their copies, all of one squared error](triplets_copies.png)\n"
    )


def claim(found: bench.Found) -> str:
    said = [
        f"{name} on {fmean(overall(found, name)):.0f}%"
        for name in ("EfficientNet-Lite0", "the judge (VGG-16 for edges)", "SSIM", "EfficientNet-Lite0, random weights")
    ]
    return f"Of triplets with equal squared error, distances agree with what is known of the eye: {', '.join(said)}"


def draw(found: bench.Found, folder: Path) -> None:
    """The agreement of each distance, a dot for each seed."""
    names = [name for name in next(iter(found["shares"].values())) if name != TIE]
    alt = "Bars of the triplets on which each distance agrees with the eye, in per cent: " + "; ".join(
        f"{name} {fmean(overall(found, name)):.0f}" for name in names
    )
    with plot.figure(alt=alt, size=(7, 0.8 + 0.28 * len(names)), save=folder / "triplets.png") as axis:
        for place, name in enumerate(names):
            values = overall(found, name)
            axis.barh(place, fmean(values), color=plot.FAKE if "random" in name else plot.REAL, alpha=0.85)
            axis.plot(values, [place] * len(values), "o", color="black", ms=3)
        axis.axvline(50, color="0.4", lw=1, ls=":")
        axis.set_yticks(range(len(names)), names)
        axis.invert_yaxis()
        axis.set(xlim=(0, 100), xlabel="per cent of the triplets; dotted: a coin, and squared error")


def draw_copies(found: bench.Found, folder: Path) -> None:
    """Some pictures and their copies."""
    rows, every = {}, list(pictures(False))
    for number in (4, 6, 18, 21, 23) if found["seeds"] > 1 else (4,):
        kind, wide = every[number * len(every) // 35]
        made = copies(wide, number)
        order = [*ORDERS, *DAMAGES, *(far for others in ORDERS.values() for far in others if far not in DAMAGES)]
        sheet = torch.cat([made[""], *(made[name] for name in order)])
        rows[f"{kind[:-1]} {number + 1}"] = data.resize(sheet, 96).clamp(-1, 1)
    alt = (
        "Photographs and drawn heads, each with copies of one squared error: brighter, with other contrast, moved, "
        "turned, with noise of several kinds, blurred, compressed. Moved and turned ones look like the picture itself."
    )
    titles = ["picture", *(name.replace(" in ", "\nin ").replace(" of ", "\nof ") for name in order)]
    plot.compare(rows, titles=titles, width=15, alt=alt, save=folder / "triplets_copies.png")
    shrink_file(folder / "triplets_copies.png")


def main(quick: bench.Quick = False) -> None:
    """Ask distances which of two copies is nearer."""
    bench.publish(__file__, measure(quick), text, draw, draw_copies, quick=quick)


if __name__ == "__main__":
    typer.run(main)
