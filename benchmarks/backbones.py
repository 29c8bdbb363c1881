"""Which pretrained network for what? Cost, accuracy and two kinds of suitability, measured in the same way for all.

    python benchmarks/backbones.py            four minutes; writes benchmarks/results/backbones.{json,md,png}
    python benchmarks/backbones.py --quick    a trial within a minute, nothing kept

Cost is measured with any weights: those up to the last layer used, and the time of a forward and a backward pass to the
image. Suitability needs the trained weights. Where they are not at hand and cannot be had, the cells stay empty: the
table says so, and a run with a network fills them in. Each network's twin with random weights, over two seeds, shows
what the architecture alone brings.

- partners: of drawings in one style (Noto), the share whose nearest in another (Twemoji) is the same thing;
- agreement: of photographs, the share where a copy moved by one pixel, which nobody sees, is nearer than a blurred, a
  blocky or a noisy copy with a quarter of its squared error, which everybody sees.

Both are given for the layer that is best at them. The accuracy on ImageNet is not ours: it is quoted from its source.
"""

from pathlib import Path
from typing import Annotated, Any

import bench
import torch
import typer
from torch import Tensor
from torchvision.models import get_model_weights

from minigan import data
from minigan.backbones import Backbone
from minigan.course.suitability import agreement, cost, draw, milliseconds, partner_rate, sketches, triplets

NAMES = ("fashion_classifier", "efficientnet_lite0", "resnet18", "resnet50", "vgg16")
LITE = "https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite"
SIZE = 128


def published(name: str) -> dict[str, Any] | None:
    """The accuracy on ImageNet that the makers of the weights report, top 1 in per cent, and where."""
    if name == "fashion_classifier":
        return None
    if name == "efficientnet_lite0":
        return {"top 1": 75.1, "source": LITE}
    metrics = get_model_weights(name)["IMAGENET1K_V1"].meta["_metrics"]["ImageNet-1K"]
    return {"top 1": metrics["acc@1"], "source": "torchvision, IMAGENET1K_V1"}


def suitability(backbone: Backbone, pairs: int, photos: Tensor) -> dict[str, dict[str, float]]:
    """Partners found and agreement with people at each layer, in per cent."""
    chosen = torch.randperm(889, generator=torch.Generator().manual_seed(0))[:pairs]
    ours, theirs = (sketches(backbone, data.load(style)[chosen]) for style in ("noto", "twemoji"))
    agrees = agreement(backbone, *triplets(photos, share=0.25))
    return {
        "partners": {layer: 100 * partner_rate(ours[layer], theirs[layer]) for layer in backbone.layers},
        "agreement": {layer: 100 * sum(found.values()) / len(found) for layer, found in agrees.items()},
    }


def best(found: dict[str, dict[str, float]]) -> dict[str, Any]:
    """The layer that is best at each task, and its rate."""
    tops = {task: max(rates, key=lambda layer, rates=rates: rates[layer]) for task, rates in found.items()}
    return {task: {"layer": layer, "per cent": round(found[task][layer], 1)} for task, layer in tops.items()}


def measure(name: str, pairs: int, photos: Tensor, seeds: int) -> dict[str, Any]:
    """One network's row."""
    size = None if name == "fashion_classifier" else SIZE  # it was made for small pictures
    twins = [
        Backbone(name, weights=None, size=size, generator=torch.Generator().manual_seed(seed)) for seed in range(seeds)
    ]
    _, weights, work = cost(twins[0].net, torch.zeros(1, 3, 224, 224))
    row = {
        "network": name,
        "million weights": round(weights / 1e6, 2),
        "million multiplications": round(work / 1e6),
        "milliseconds": round(milliseconds(twins[0], SIZE), 1),
        "imagenet": published(name),
        "random": [best(suitability(twin, pairs, photos)) for twin in twins],
    }
    try:
        pretrained = Backbone(name, size=size)
    except OSError as error:
        return row | {"pretrained": None, "by layer": None, "missing": str(error).partition(" (")[0].split("/")[-1]}
    found = suitability(pretrained, pairs, photos)
    return row | {"pretrained": best(found), "by layer": found}


def cells(row: dict[str, Any]) -> list[str]:
    """One line of the table."""
    accuracy = f"{row['imagenet']['top 1']:.1f}" if row["imagenet"] else "none: garments only"
    written = [row["network"], accuracy, row["million weights"], row["million multiplications"], row["milliseconds"]]
    for task in ("partners", "agreement"):
        own = row["pretrained"] and row["pretrained"][task]
        written.append(f"{own['per cent']:.0f} ({own['layer']})" if own else "weights not at hand")
        control = [found[task]["per cent"] for found in row["random"]]
        written.append(f"{min(control):.0f} to {max(control):.0f}")
    return [str(cell) for cell in written]


def text(found: bench.Found) -> str:
    """The results in Markdown."""
    heads = ["network", "ImageNet top 1, quoted", "million weights, as used", "million multiplications, 224 px"]
    heads += [f"ms an image, {SIZE} px", "partners, %", "with random weights", "agreement, %", "with random weights"]
    sources = sorted({row["imagenet"]["source"] for row in found["rows"] if row["imagenet"]})
    return (
        "# Choosing a pretrained network\n\n"
        f"`python benchmarks/backbones.py` on {found['machine']}: {found['pairs']} pairs of emoji, {found['photos']} "
        f"photographs, {found['seeds']} seeds of random weights. Milliseconds: forward, and backward to the image."
        f"{bench.load(found)}\n\n{bench.table(heads, map(cells, found['rows']))}\n\n"
        f"Accuracies are quoted, not measured: {'; '.join(sources)}. An empty measurement means that the weights were "
        "not at hand and there was no network to fetch them.\n\n![Cost against suitability](backbones.png)\n"
    )


def claim(found: bench.Found) -> str:
    there = [row for row in found["rows"] if row["pretrained"]]
    best = max(there, key=lambda row: row["pretrained"]["partners"]["per cent"])
    partners, agreement = (best["pretrained"][task]["per cent"] for task in ("partners", "agreement"))
    return (
        f"{best['network']} finds {partners:.0f}% of the partners and agrees with people on {agreement:.0f}% of the "
        f"triplets, at {best['milliseconds']:.0f} ms an image"
    )


def picture(found: bench.Found, folder: Path) -> None:
    """What each network costs, against what it is good for."""
    alt = "Two panels of networks: milliseconds an image against partners found, and against agreement with people."
    draw(found["rows"], alt=alt, save=folder / "backbones.png")


def main(
    quick: bench.Quick = False,
    only: Annotated[list[str] | None, typer.Option(help="Networks, by default five.")] = None,
) -> None:
    """Measure cost and suitability of pretrained networks."""
    conditions = bench.conditions()
    pairs, seeds = (16, 1) if quick else (200, 2)
    photos = data.load("photos", "test", size=SIZE + 1)[: 3 if quick else None]
    rows = []
    for name in only or (NAMES[:2] if quick else NAMES):
        rows.append(measure(name, pairs, photos, seeds))
        typer.echo(" | ".join(cells(rows[-1])))
    found = conditions | {"pairs": pairs, "photos": len(photos), "seeds": seeds, "size": SIZE, "rows": rows}
    bench.publish(__file__, found, text, picture, quick=quick)


if __name__ == "__main__":
    typer.run(main)
