"""How fast are minigan's metrics against the usual recipes and packages?

    python benchmarks/metrics_speed.py            fifteen minutes; writes benchmarks/results/metrics_speed.{json,md,png}
    python benchmarks/metrics_speed.py --quick    a trial within a minute, nothing kept

The contestants take turns in one process, round by round, and the ratio is taken within each round; its median counts.
A contestant that has had its share of time sits out the further rounds.

The Fréchet distance alone, from two feature sets to the number. The features are normal, correlated, 2048 wide as those
of Inception. The last case has dead channels, 0 for all images, as networks with ReLU have: there the covariance is
singular at any n. Means and covariances are found with numpy for all that want them.

- scipy sqrtm: scipy.linalg.sqrtm of the product of the covariances; where its root is not finite, again with 1e-6 on
  both diagonals. The recipe of the original code.
- pytorch-fid, clean-fid: their functions for two means and covariances, which follow the same recipe.
- torch-fidelity: its function for the same, eigenvalues of the product.
- torchmetrics: eigenvalues of the product, as its FrechetInceptionDistance finds them from features.

The suite: from pictures to Fréchet and kernel distance, precision and recall, density and coverage, with the same
network for all. minigan looks at each picture once. The other way is what one puts together from packages: a class of
torchmetrics for each distance, which looks at the pictures itself, and prdc on features found once more.
"""

import contextlib
import io
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import bench
import numpy as np
import scipy
import scipy.linalg
import torch
import typer
from torch import Tensor, nn

from minigan import data, metrics, weights
from minigan.backbones import Backbone

Contestant = Callable[[Tensor, Tensor], float]
SUITE = "minigan: each picture once"


def features(n: int, width: int, seed: int, dead: int = 0) -> Tensor:
    """Correlated normal features whose variances fall off as 1 / rank, as those of pretrained networks do.

    The last `dead` channels are 0.
    """
    generator = torch.Generator().manual_seed(seed)
    directions = torch.linalg.qr(torch.randn(width, width, generator=generator, dtype=torch.float64)).Q
    scales = torch.arange(1, width + 1, dtype=torch.float64).rsqrt()
    means = torch.rand(width, generator=generator, dtype=torch.float64)
    found = torch.randn(n, width, generator=generator, dtype=torch.float64) * scales @ directions + means
    found[:, width - dead :] = 0
    return found


def ours(real: Tensor, fake: Tensor) -> float:
    """The nuclear norm of the centred features."""
    return float(metrics.frechet_distance(real, fake))


def statistics(features: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance."""
    array = features.numpy()
    return array.mean(0), np.cov(array, rowvar=False)


def with_sqrtm(real: Tensor, fake: Tensor) -> float:
    """The matrix square root of the product of the covariances."""
    (mean_x, covariance_x), (mean_y, covariance_y) = statistics(real), statistics(fake)
    root = scipy.linalg.sqrtm(covariance_x @ covariance_y)
    if not np.isfinite(root).all():
        offset = 1e-6 * np.eye(len(covariance_x))
        root = scipy.linalg.sqrtm((covariance_x + offset) @ (covariance_y + offset))
    difference = mean_x - mean_y
    return float(difference @ difference + np.trace(covariance_x + covariance_y - 2 * np.real(root)))


def with_pytorch_fid(real: Tensor, fake: Tensor) -> float:
    from pytorch_fid.fid_score import calculate_frechet_distance

    return float(calculate_frechet_distance(*statistics(real), *statistics(fake)))


def with_clean_fid(real: Tensor, fake: Tensor) -> float:
    from cleanfid.fid import frechet_distance

    return float(frechet_distance(*statistics(real), *statistics(fake)))


def with_torch_fidelity(real: Tensor, fake: Tensor) -> float:
    from torch_fidelity.metric_fid import fid_statistics_to_metric

    both = [dict(zip(("mu", "sigma"), statistics(side), strict=True)) for side in (real, fake)]
    return float(fid_statistics_to_metric(*both, verbose=False)["frechet_inception_distance"])


def with_torchmetrics(real: Tensor, fake: Tensor) -> float:
    """torchmetrics' own class, given features in place of images."""
    from torchmetrics.image.fid import FrechetInceptionDistance

    as_it_is = nn.Identity()
    as_it_is.num_features = real.shape[1]  # type: ignore[assignment]
    distance = FrechetInceptionDistance(feature=as_it_is).set_dtype(torch.float64)
    distance.update(real, real=True)
    distance.update(fake, real=False)
    return float(distance.compute())


ALL: dict[str, Contestant] = {
    "minigan": ours,
    "scipy sqrtm": with_sqrtm,
    "pytorch-fid": with_pytorch_fid,
    "clean-fid": with_clean_fid,
    "torch-fidelity": with_torch_fidelity,
    "torchmetrics": with_torchmetrics,
}


@cache
def running() -> tuple[dict[str, Contestant], dict[str, str]]:
    """The contestants that run here, and why the others do not. What a first call loads is then loaded."""
    there, missing = {}, {}
    for name, contestant in ALL.items():
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                contestant(features(50, 32, 0), features(50, 32, 1))
            there[name] = contestant
        except Exception as error:
            missing[name] = bench.reason(error)
    return there, missing


def distances(n: int, width: int, rounds: int, patience: float, dead: int = 0) -> bench.Found:
    """The contest of one size, and the distance that each contestant finds."""
    real, fake = features(n, width, 0, dead), features(n, width, 1, dead)
    contestants = {name: (lambda one=one: one(real, fake)) for name, one in running()[0].items()}
    with contextlib.redirect_stdout(io.StringIO()):  # some say where a product is singular
        turns = bench.take_turns(contestants, rounds, patience=patience, warm_up=False)
    return {"n": n, "width": width, "dead": dead, **bench.compared(turns, "minigan", "long"), "distance": turns.last}


class Looking(nn.Module):
    """The network of the suite as both sides want it: images in [-1, 1] -> vectors, and how wide they are."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = Backbone("efficientnet_lite0", ["pool"])
        self.num_features = self.backbone.channels["pool"]

    def forward(self, images: Tensor) -> Tensor:
        return self.backbone(images)["pool"]


def suite(real: Tensor, fake: Tensor, look: nn.Module) -> dict[str, Callable[[], Any]]:
    """Two ways from pictures to six numbers."""
    half = len(real) // 2

    def at_once() -> list[float]:
        x, y = metrics.embed(real, look), metrics.embed(fake, look)
        pairs = *metrics.precision_recall(x, y, k=5), *metrics.density_coverage(x, y, k=5)
        return [float(one) for one in (metrics.frechet_distance(x, y), metrics.kernel_distance(x, y), *pairs)]

    def from_packages() -> list[float]:
        import prdc
        from torchmetrics.image.fid import FrechetInceptionDistance
        from torchmetrics.image.kid import KernelInceptionDistance

        frechet = FrechetInceptionDistance(feature=look).set_dtype(torch.float64)
        kernel = KernelInceptionDistance(feature=look, subset_size=half)
        for metric in (frechet, kernel):
            for side, images in ((True, real), (False, fake)):
                for part in images.split(16):
                    metric.update(part, real=side)
        with torch.no_grad(), contextlib.redirect_stdout(io.StringIO()):
            x, y = (torch.cat([look(part) for part in images.split(16)]).numpy() for images in (real, fake))
            four = prdc.compute_prdc(x, y, nearest_k=5)
        return [float(frechet.compute()), float(kernel.compute()[0]), *map(float, four.values())]

    return {SUITE: at_once, "a pass for each metric": from_packages}


def whole_suite(quick: bool) -> bench.Found:
    """The contest of both ways on real and generated heads, or why there is none."""
    n, rounds = (16, 1) if quick else (400, 3)
    real, fake = data.load("peeps")[:n], bench.drawings(weights.shipped_pair("peeps")[0].eval(), n, seed=0)
    try:
        turns = bench.take_turns(suite(real, fake, Looking()), rounds)
    except ImportError as error:
        return {"n": n, "does not run": bench.reason(error)}
    return {"n": n, **bench.compared(turns, "a pass for each metric"), "values": turns.last}


def measure(quick: bool) -> bench.Found:
    """All sizes, and the suite."""
    warnings.simplefilter("ignore")  # too few images, a singular matrix: known, and the distances are in the table
    bench.peers()
    found = bench.conditions() | {"scipy": scipy.__version__, "numpy": np.__version__}
    width, counts = (64, (32, 160)) if quick else (2048, (1000, 5000))
    suite_found = whole_suite(quick)
    sizes = [distances(n, width, 3, 60) for n in counts]
    sizes.append(distances(counts[-1], width, 3, 60, dead=width // 16))
    return found | {"does not run": running()[1], "sizes": sizes, "suite": suite_found}


def text(found: bench.Found) -> str:
    """The results in Markdown."""
    rows = []
    for size in found["sizes"]:
        for name in size["milliseconds"]:
            cells = bench.contest_cells(size, name)
            rows.append([size["n"], size["dead"], name, *cells, size["rounds"][name], f"{size['distance'][name]:.9g}"])
    heads = ["n of each set", "dead channels", "contestant", *bench.contest_heads("long"), "rounds", "distance"]
    missing = "".join(f"{name} does not run here: {why}.\n\n" for name, why in found["does not run"].items())
    return (
        "# Metrics against the usual recipes\n\n"
        f"`python benchmarks/metrics_speed.py` on {found['machine']}, scipy {found['scipy']}, numpy {found['numpy']}; "
        f"contestants in turns.{bench.load(found)}\n\n"
        f"## Fréchet distance of {found['sizes'][0]['width']} features\n\n"
        f"{bench.table(heads, rows)}\n\n{missing}"
        "Times as long as minigan takes. Below n = width the covariances are singular: there the recipes with a matrix "
        "root may drift from the value.\n\n"
        f"## The whole suite\n\n{on_suite(found['suite'])}\n\n![Bars of the seconds](metrics_speed.png)\n"
    )


def on_suite(suite: bench.Found) -> str:
    """The table of the suite, or why there is none."""
    if "does not run" in suite:
        return f"The packages do not run here: {suite['does not run']}."
    rows = [[name, *bench.contest_cells(suite, name)] for name in suite["milliseconds"]]
    names = ("Fréchet distance", "kernel distance", "precision", "recall", "density", "coverage")
    values = [[what, *(f"{each[i]:.6g}" for each in suite["values"].values())] for i, what in enumerate(names)]
    return (
        f"{suite['n']} pictures of 64 pixels on each side, EfficientNet-Lite0.\n\n"
        f"{bench.table(['way', *bench.contest_heads()], rows)}\n\n"
        f"{bench.table(['metric', *suite['values']], values)}\n\n"
        "The kernel distances are means over random subsets, each its own; torchmetrics leaves the features in float32."
    )


def claim(found: bench.Found) -> str:
    said = []
    for size in found["sizes"][:2]:
        longer = [middle for name, (middle, *_) in size["times as long"].items() if name != "minigan"]
        said.append(f"{min(longer):.1f} to {max(longer):.1f} times as fast as by the others at n = {size['n']:,}")
    suite = found["suite"]
    if "times as fast" in suite:
        said.append(f"the whole suite {suite['times as fast'][SUITE][0]} times as fast as separate calls")
    return f"The Fréchet distance of 2048 features is found {'; '.join(said)}"


def draw(found: bench.Found, folder: Path) -> None:
    """How long the others take at the largest n."""
    size = found["sizes"][1]
    alt = f"Bars of how long a Fréchet distance takes at n = {size['n']}, in minigan's times:"
    bench.bars(size["times as long"], ["minigan"], folder / "metrics_speed.png", "times as long as minigan", alt)


def main(quick: bench.Quick = False) -> None:
    """Measure minigan's metrics against the usual recipes."""
    bench.publish(__file__, measure(quick), text, draw, quick=quick)


if __name__ == "__main__":
    typer.run(main)
