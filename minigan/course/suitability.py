"""Is a network's sense of likeness any use? Three small measurements for chapter 04 and benchmarks/backbones.py.

Partners: is a drawing's nearest neighbour among drawings in another style the same thing? Triplets: is a picture that
was moved by a pixel, which nobody sees, nearer than one that was damaged, which everybody sees? And what
does the network cost where it is used as a loss?
"""

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minigan import plot
from minigan.backbones import Backbone


def sketch(features: Tensor, side: int = 4) -> Tensor:
    """Feature maps (N, C, H, W) -> vectors (N, C side side): the mean in each field of a coarse grid. Vectors stay."""
    return F.adaptive_avg_pool2d(features, side).flatten(1) if features.ndim == 4 else features


@torch.no_grad()
def sketches(backbone: Backbone, images: Tensor, side: int = 4, batch: int = 8) -> dict[str, Tensor]:
    """What a network sees in each image, as one vector for each layer: {layer: (N, D)}."""
    found = [{layer: sketch(maps, side) for layer, maps in backbone(part).items()} for part in images.split(batch)]
    return {layer: torch.cat([part[layer] for part in found]) for layer in backbone.layers}


def distances(a: Tensor, b: Tensor, distance: str = "cosine") -> Tensor:
    """Each row of a (N, D) against each row of b (M, D): Euclidean distances, or 1 - cosine of the angle. (N, M)."""
    if distance == "euclidean":
        return torch.cdist(a, b)
    return 1 - F.normalize(a, dim=1) @ F.normalize(b, dim=1).mT


def partner_rate(a: Tensor, b: Tensor, distance: str = "cosine") -> float:
    """How often the nearest row of b to the i-th row of a is the i-th."""
    nearest = distances(a, b, distance).argmin(1)
    return float((nearest == torch.arange(len(a))).float().mean())


def blurred(images: Tensor, sigma: float) -> Tensor:
    """A Gaussian blur of standard deviation `sigma` pixels."""
    places = torch.arange(-24.0, 25.0)
    kernel = torch.exp(-places.square() / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).repeat(3, 1, 1, 1)
    images = F.pad(images, (24, 24, 24, 24), mode="reflect")
    return F.conv2d(F.conv2d(images, kernel, groups=3), kernel.mT, groups=3)


def blocky(images: Tensor, step: float) -> Tensor:
    """Cosine coefficients of blocks of 8 x 8 pixels rounded to multiples of `step`, as JPEG does; means are kept."""
    count, channels, height, width = images.shape
    places = torch.arange(8.0)
    waves = torch.cos(math.pi * (2 * places + 1) * places[:, None] / 16) / 2
    waves[0] /= math.sqrt(2)  # now orthonormal
    blocks = images.view(count, channels, height // 8, 8, width // 8, 8).transpose(3, 4)
    exact = waves @ blocks @ waves.mT
    rounded = (exact / step).round() * step
    rounded[..., 0, 0] = exact[..., 0, 0]
    return (waves.mT @ rounded @ waves).transpose(3, 4).reshape(images.shape).clamp(-1, 1)


def noisy(images: Tensor, strength: float, noise: Tensor) -> Tensor:
    """`strength` times this noise added, and clamped."""
    return (images + strength * noise).clamp(-1, 1)


def with_error(
    damage: Callable[[Tensor, float], Tensor], image: Tensor, error: float, low: float, high: float
) -> Tensor:
    """The image damaged with the strength, between `low` and `high`, whose squared error is nearest below `error`."""
    for _ in range(20):
        strength = math.sqrt(low * high)
        if (damage(image, strength) - image).square().mean() <= error:
            low = strength
        else:
            high = strength
    return damage(image, low)


def triplets(photos: Tensor, share: float, seed: int = 0) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Photographs, the same moved by one pixel, and damaged ones with `share` of the squared error of the moved ones.

    `photos`: (N, 3, S, S) with S one above a multiple of 8. Gives (reference, moved, {damage: images}) of side S - 1.
    """
    reference, moved = photos[..., :-1, :-1], photos[..., :-1, 1:]
    noise = torch.randn(reference.shape[1:], generator=torch.Generator().manual_seed(seed))
    makers: dict[str, tuple[Callable[[Tensor, float], Tensor], float, float]] = {
        "blur": (blurred, 0.1, 20.0),
        "blocks": (blocky, 0.01, 40.0),
        "noise": (partial(noisy, noise=noise), 0.001, 3.0),
    }
    damaged: dict[str, list[Tensor]] = {name: [] for name in makers}
    for image, shifted in zip(reference.split(1), moved.split(1), strict=True):
        error = share * float((image - shifted).square().mean())
        for name, (maker, low, high) in makers.items():
            damaged[name].append(with_error(maker, image, error, low, high))
    return reference, moved, {name: torch.cat(images) for name, images in damaged.items()}


def apart(real: Tensor, fake: Tensor) -> Tensor:
    """1 - cosine of the angle between the features at each place, averaged over places: (N, C, H, W) -> (N,)."""
    alike = F.cosine_similarity(real, fake, dim=1)
    return 1 - (alike.flatten(1).mean(1) if alike.ndim > 1 else alike)


@torch.no_grad()
def agreement(
    backbone: Backbone, reference: Tensor, moved: Tensor, damaged: Mapping[str, Tensor]
) -> dict[str, dict[str, float]]:
    """How often the moved picture is nearer to the reference than the damaged one: {layer: {damage: share}}."""
    agreed = {layer: dict.fromkeys(damaged, 0) for layer in backbone.layers}
    for i in range(len(reference)):  # one by one: large maps of many pictures take much memory
        copies = [images[i : i + 1] for images in (reference, moved, *damaged.values())]
        for layer, maps in backbone(torch.cat(copies)).items():
            shifted, *worse = apart(maps[:1].expand_as(maps[1:]), maps[1:]).tolist()
            for name, distance in zip(damaged, worse, strict=True):
                agreed[layer][name] += shifted < distance
    return {layer: {name: n / len(reference) for name, n in counts.items()} for layer, counts in agreed.items()}


def cost(module: nn.Module, inputs: Tensor) -> tuple[Any, int, int]:
    """(outputs, weights, multiplications for each image) of a module. On the device "meta" nothing is computed."""
    spent: list[int] = []

    def count(layer: nn.Module, _: Any, outputs: Tensor) -> None:
        spent.append(outputs[0].numel() * layer.get_parameter("weight")[0].numel())

    layers = [layer for layer in module.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    outputs = module(inputs)
    for hook in hooks:
        hook.remove()
    return outputs, sum(parameter.numel() for parameter in module.parameters()), sum(spent)


def milliseconds(backbone: Backbone, size: int = 128, batch: int = 4, rounds: int = 3) -> float:
    """Median time of a forward pass and a backward pass to the image, for each image of a batch."""
    images = torch.zeros(batch, 3, size, size, requires_grad=True)
    taken = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        torch.autograd.grad(torch.stack([maps.square().mean() for maps in backbone(images).values()]).sum(), images)
        taken.append(time.perf_counter() - began)
    return 1e3 * statistics.median(taken[1:]) / batch  # the first round warms up


def draw(rows: Sequence[Mapping[str, Any]], alt: str, save: Path | None = None) -> None:
    """The networks of the benchmark: what each costs, against how good it is at both tasks."""
    with plot.figure(2, alt=alt, size=(4.6, 3.3), save=save) as axes:
        for axis, task in zip(axes, ("partners", "agreement"), strict=True):
            for row in rows:
                spent, own = row["milliseconds"], row["pretrained"]
                control = [found[task]["per cent"] for found in row["random"]]
                axis.plot([spent] * len(control), control, "o", color=plot.FAKE, ms=5)
                if own:
                    axis.plot(spent, own[task]["per cent"], "o", color=plot.REAL, ms=9)
                else:
                    axis.axvline(spent, color="0.8", lw=1, ls=":", zorder=0)
                short = row["network"].replace("efficientnet_lite0", "EfficientNet-\nLite0").replace("_", "\n")
                above = (spent, own[task]["per cent"] if own else max(control))
                axis.annotate(short, above, (0, 8), textcoords="offset points", ha="center", fontsize=8.5)
            axis.set(xscale="log", ylim=(-5, 125), yticks=range(0, 101, 20), xlabel="ms an image, forward and backward")
            low, high = (end(row["milliseconds"] for row in rows) for end in (min, max))
            ticks = [n * 10**power for power in range(-1, 5) for n in (1, 3) if low / 2 < n * 10**power < high * 2]
            axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            axis.minorticks_off()
            axis.margins(x=0.15)
        for label, look in {
            "trained": {"marker": "o", "color": plot.REAL, "ms": 9, "ls": ""},
            "random weights": {"marker": "o", "color": plot.FAKE, "ms": 5, "ls": ""},
            "weights not at hand": {"color": "0.8", "ls": ":", "lw": 1},
        }.items():
            axes[0].plot([], [], label=label, **look)
        axes[0].legend(loc="upper right", fontsize=8.5)
        axes[0].set(title="partners found", ylabel="per cent")
        axes[1].set(title="agrees with people")
