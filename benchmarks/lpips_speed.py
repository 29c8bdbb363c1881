"""How fast is minigan's LPIPS against the package of its authors?

    python benchmarks/lpips_speed.py            three minutes; writes benchmarks/results/lpips_speed.{json,md}
    python benchmarks/lpips_speed.py --quick    a trial on one small batch, nothing written

VGG-16 with equal random weights and the package's learnt heads on both sides, so that no download is needed: speed does
not depend on the weights. First the distances of each pair are compared. Then the contestants take turns, round by
round, and the ratio is taken within each round; its median counts.

- forward: the distances alone, without a graph, as an evaluation asks for them.
- forward + backward: the mean distance and its gradient in the fakes, as a training step asks for them. The package
  leaves the gradient of VGG's weights on; its weights are frozen here as ours are, so that both do the same work.
"""

import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import lpips
import torch
import typer
from torch import Tensor, nn

from minigan.backbones import Backbone
from minigan.perceptual import LPIPS

RESULTS = Path(__file__).parent / "results"
Distance = Callable[[Tensor, Tensor], Tensor]


def pair_of_images(batch: int, size: int) -> tuple[Tensor, Tensor]:
    """Random images in [-1, 1], and the same with noise."""
    generator = torch.Generator().manual_seed(0)
    real = torch.rand(batch, 3, size, size, generator=generator) * 2 - 1
    return real, (real + 0.2 * torch.randn(real.shape, generator=generator)).clamp(-1, 1)


def ours() -> LPIPS:
    """minigan's module on random weights of seed 0."""
    return LPIPS(Backbone("vgg16", weights=None, generator=torch.Generator().manual_seed(0)))


def theirs() -> nn.Module:
    """The package's module on the same weights; it is given our layers where it asks torchvision for VGG.

    Their ReLUs are set to work in place, as torchvision's do.
    """
    layers = list(Backbone("vgg16", range(30), weights=None, generator=torch.Generator().manual_seed(0)).net.children())
    for layer in layers:
        if isinstance(layer, nn.ReLU):
            layer.inplace = True
    vgg = SimpleNamespace(features=layers)
    built_by_torchvision = lpips.pretrained_networks.tv.vgg16
    lpips.pretrained_networks.tv.vgg16 = lambda pretrained: vgg
    try:
        module: nn.Module = lpips.LPIPS(net="vgg", pnet_rand=True, verbose=False)
    finally:
        lpips.pretrained_networks.tv.vgg16 = built_by_torchvision
    return module.requires_grad_(False)


def forward(distance: Distance, real: Tensor, fake: Tensor) -> None:
    """The distances alone."""
    with torch.no_grad():
        distance(real, fake)


def forward_and_backward(distance: Distance, real: Tensor, fake: Tensor) -> None:
    """The mean distance and its gradient in the fakes."""
    fake = fake.clone().requires_grad_()
    torch.autograd.grad(distance(real, fake).mean(), fake)


WORK: dict[str, Callable[[Distance, Tensor, Tensor], None]] = {
    "forward": forward,
    "forward + backward": forward_and_backward,
}


def largest_difference(contestants: dict[str, Distance], batch: int, size: int) -> float:
    """Of the distances of each pair, relative to the package's."""
    real, fake = pair_of_images(batch, size)
    with torch.no_grad():
        mine, other = (contestants[name](real, fake).flatten() for name in ("minigan", "lpips"))
    return float(((mine - other) / other).abs().max())


def take_turns(contestants: dict[str, Distance], work: str, batch: int, size: int, rounds: int) -> dict[str, Any]:
    """Milliseconds of each contestant in each round, and how many times as long as minigan the package takes."""
    real, fake = pair_of_images(batch, size)
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(-1, rounds):  # the first round warms up
        for name, distance in list(contestants.items())[:: 1 if number % 2 else -1]:  # and each is first in turn
            began = time.perf_counter()
            WORK[work](distance, real, fake)
            if number >= 0:
                seconds[name].append(time.perf_counter() - began)
    ratios = [theirs / mine for theirs, mine in zip(seconds["lpips"], seconds["minigan"], strict=True)]
    return {
        "work": work,
        "batch": batch,
        "size": size,
        "milliseconds": {name: round(1e3 * statistics.median(own), 1) for name, own in seconds.items()},
        "times as long": round(statistics.median(ratios), 3),
        "spread": [round(min(ratios), 3), round(max(ratios), 3)],
        "rounds": rounds,
    }


def write(found: dict[str, Any]) -> None:
    """The results as JSON and Markdown."""
    rows = []
    for run in found["runs"]:
        low, high = run["spread"]
        own, package = run["milliseconds"]["minigan"], run["milliseconds"]["lpips"]
        ratio = f"{run['times as long']} ({low} to {high})"
        rows.append(f"| {run['work']} | {run['batch']} | {run['size']} | {own} | {package} | {ratio} |")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "lpips_speed.json").write_text(json.dumps(found, indent=1) + "\n")
    (RESULTS / "lpips_speed.md").write_text(
        "# LPIPS against the package of its authors\n\n"
        f"`python benchmarks/lpips_speed.py` on {found['machine']}: VGG-16 with equal random weights, "
        f"{found['runs'][0]['rounds']} rounds in turns. Largest relative difference of a distance: "
        f"{found['largest relative difference']:.1e}.\n\n"
        "| | batch | pixels | minigan, ms | lpips, ms | times as long as minigan (smallest to largest) |\n"
        "| --- | --- | --- | --- | --- | --- |\n" + "\n".join(rows) + "\n"
    )


def main(quick: Annotated[bool, typer.Option("--quick", help="One small batch, nothing written.")] = False) -> None:
    """Measure minigan's LPIPS against the lpips package."""
    mine = ours()
    contestants: dict[str, Distance] = {"minigan": mine.per_image, "lpips": theirs()}
    sizes, rounds = ([(2, 32)], 3) if quick else ([(4, 64), (8, 64), (2, 128)], 15)
    found = {
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}",
        "largest relative difference": max(largest_difference(contestants, *size) for size in sizes),
        "runs": [take_turns(contestants, work, *size, rounds=rounds) for work in WORK for size in sizes],
    }
    typer.echo(json.dumps(found, indent=1))
    if not quick:
        write(found)


if __name__ == "__main__":
    typer.run(main)
