"""How fast is minigan's LPIPS against the package of its authors?

    python benchmarks/lpips_speed.py            four minutes; writes benchmarks/results/lpips_speed.{json,md,png}
    python benchmarks/lpips_speed.py --quick    a trial within a minute, nothing kept

VGG-16 with equal random weights and the package's learnt heads on both sides, so that no download is needed: speed does
not depend on the weights. First the distances of each pair are compared. Then the contestants take turns, round by
round, and the ratio is taken within each round; its median counts.

- forward: the distances alone, without a graph, as an evaluation asks for them.
- forward + backward: the mean distance and its gradient in the fakes, as a training step asks for them. The package
  leaves the gradient of VGG's weights on; its weights are frozen here as ours are, so that both do the same work.
- features kept: where the targets stay the same, as those of a training set do, minigan's module takes their features
  instead of the pictures. The package has no such door.
"""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import bench
import lpips
import torch
import typer
from torch import Tensor, nn

from minigan.backbones import Backbone
from minigan.perceptual import LPIPS

PACKAGE = "lpips"
OURS = ("minigan", "minigan, features kept")
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
        mine, other = (contestants[name](real, fake).flatten() for name in ("minigan", PACKAGE))
    return float(((mine - other) / other).abs().max())


def contest(mine: LPIPS, package: nn.Module, work: str, batch: int, size: int, rounds: int) -> bench.Found:
    """One kind of work at one size: the package, ours, and ours with the features of the real images kept."""
    real, fake = pair_of_images(batch, size)
    with torch.no_grad():
        kept = mine.backbone(real)

    def with_kept(real: Tensor, fake: Tensor) -> Tensor:
        return mine.from_features(kept, mine.backbone(fake))

    distances = dict(zip((PACKAGE, *OURS), (package, mine.per_image, with_kept), strict=True))
    each = {name: (lambda one=one: WORK[work](one, real, fake)) for name, one in distances.items()}
    turns = bench.take_turns(each, rounds)
    return {"work": work, "batch": batch, "size": size, **bench.compared(turns, PACKAGE, digits=3)}


def measure(quick: bool) -> bench.Found:
    """All kinds of work at all sizes."""
    found, mine, package = bench.conditions(), ours(), theirs()
    contestants: dict[str, Distance] = {"minigan": mine.per_image, PACKAGE: package}
    sizes, rounds = ([(2, 32)], 3) if quick else ([(4, 64), (8, 64), (2, 128)], 15)
    return found | {
        "largest relative difference": max(largest_difference(contestants, *size) for size in sizes),
        "runs": [contest(mine, package, work, *size, rounds=rounds) for work in WORK for size in sizes],
    }


def text(found: bench.Found) -> str:
    """The results in Markdown."""
    rows = [
        [run["work"], run["batch"], run["size"], name, *bench.contest_cells(run, name)]
        for run in found["runs"]
        for name in run["milliseconds"]
    ]
    return (
        "# LPIPS against the package of its authors\n\n"
        f"`python benchmarks/lpips_speed.py` on {found['machine']}: VGG-16 with equal random weights, "
        f"{found['runs'][0]['rounds'][PACKAGE]} rounds in turns.{bench.load(found)} Largest relative difference of a "
        f"distance: {found['largest relative difference']:.1e}.\n\n"
        f"{bench.table(['work', 'batch', 'pixels', 'contestant', *bench.contest_heads()], rows)}\n\n"
        "Times as fast as the package. Both spend their time in the same convolutions of VGG; what can be saved is the "
        "look at pictures that have been looked at.\n\n"
        "![Bars of the times as fast as the package](lpips_speed.png)\n"
    )


def claim(found: bench.Found) -> str:
    """The spans over all runs."""
    spans = []
    for name in OURS:
        times = [run["times as fast"][name][0] for run in found["runs"]]
        spans.append(f"{min(times):.2f} to {max(times):.2f}")
    return (
        f"LPIPS is equal to its authors' package to {found['largest relative difference']:.0e} and {spans[0]} times as "
        f"fast; {spans[1]} times with the features of the targets kept"
    )


def draw(found: bench.Found, folder: Path) -> None:
    """A bar for each run of ours."""
    rows = {
        f"{name}, {run['work']}, {run['batch']} x {run['size']} px": run["times as fast"][name]
        for name in OURS
        for run in found["runs"]
    }
    alt = "Bars of the times as fast as the package that LPIPS is:"
    bench.bars(rows, rows, folder / "lpips_speed.png", "times as fast as lpips", alt)


def main(quick: bench.Quick = False) -> None:
    """Measure minigan's LPIPS against the lpips package."""
    bench.publish(__file__, measure(quick), text, draw, quick=quick)


if __name__ == "__main__":
    typer.run(main)
