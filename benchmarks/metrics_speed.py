"""How fast is minigan's Frechet distance against the usual recipes?

    python benchmarks/metrics_speed.py            fifteen minutes; writes benchmarks/results/metrics_speed.{json,md}
    python benchmarks/metrics_speed.py --quick    a trial on narrow features, nothing written

The same features for all: normal, correlated, 2048 wide as those of Inception. In one process the contestants take
turns, round by round, and the ratio to minigan is taken within each round; its median counts. Each one's time holds all
that it needs from two feature sets to the number. A round stops for a contestant that has had its share of time. The
last case has dead channels, 0 for all images, as networks with ReLU have: there the covariance is singular at any n.

- scipy sqrtm: means and covariances with numpy, then scipy.linalg.sqrtm of their product; where its root is not finite,
  again with 1e-6 on both diagonals. The recipe of the original code and of pytorch-fid.
- torchmetrics: eigenvalues of the product of the covariances, as its FrechetInceptionDistance; where it is installed.
"""

import importlib.util
import json
import platform
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import scipy
import scipy.linalg
import torch
import typer
from torch import Tensor, nn

from minigan import metrics

RESULTS = Path(__file__).parent / "results"
Contestant = Callable[[Tensor, Tensor], float]


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


def with_sqrtm(real: Tensor, fake: Tensor) -> float:
    """The matrix square root of the product of the covariances."""
    x, y = real.numpy(), fake.numpy()
    covariance_x, covariance_y = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = scipy.linalg.sqrtm(covariance_x @ covariance_y)
    if not np.isfinite(root).all():
        offset = 1e-6 * np.eye(len(covariance_x))
        root = scipy.linalg.sqrtm((covariance_x + offset) @ (covariance_y + offset))
    difference = x.mean(0) - y.mean(0)
    return float(difference @ difference + np.trace(covariance_x + covariance_y - 2 * np.real(root)))


def with_torchmetrics(real: Tensor, fake: Tensor) -> float:
    """torchmetrics' own class, given features in place of images."""
    from torchmetrics.image.fid import FrechetInceptionDistance

    as_it_is = nn.Identity()
    as_it_is.num_features = real.shape[1]  # type: ignore[assignment]
    distance = FrechetInceptionDistance(feature=as_it_is).set_dtype(torch.float64)
    distance.update(real, real=True)
    distance.update(fake, real=False)
    return float(distance.compute())


def contestants() -> dict[str, Contestant]:
    """Ours first, then what is installed."""
    found: dict[str, Contestant] = {"minigan": ours, "scipy sqrtm": with_sqrtm}
    if importlib.util.find_spec("torchmetrics"):
        found["torchmetrics"] = with_torchmetrics
    return found


def take_turns(n: int, width: int, rounds: int, patience: float, dead: int = 0) -> dict[str, Any]:
    """Seconds of each contestant in each round, its distance, and how many times as long as minigan it takes.

    After `patience` seconds in all a contestant sits out the further rounds.
    """
    real, fake = features(n, width, 0, dead), features(n, width, 1, dead)
    seconds: dict[str, list[float]] = {name: [] for name in contestants()}
    values: dict[str, float] = {}
    for _ in range(rounds):
        for name, distance in contestants().items():
            if sum(seconds[name]) > patience:
                continue
            began = time.perf_counter()
            values[name] = distance(real, fake)
            seconds[name].append(time.perf_counter() - began)
    ratios = {
        name: [theirs / mine for theirs, mine in zip(own, seconds["minigan"], strict=False)]
        for name, own in seconds.items()
    }
    return {
        "n": n,
        "width": width,
        "dead": dead,
        "seconds": {name: round(statistics.median(own), 3) for name, own in seconds.items()},
        "times as long": {name: round(statistics.median(own), 2) for name, own in ratios.items()},
        "spread": {name: [round(min(own), 2), round(max(own), 2)] for name, own in ratios.items()},
        "rounds": {name: len(own) for name, own in seconds.items()},
        "distance": values,
    }


def write(found: dict[str, Any]) -> None:
    """The results as JSON and Markdown."""
    rows = []
    for size in found["sizes"]:
        for name, seconds in size["seconds"].items():
            low, high = size["spread"][name]
            ratio = f"{size['times as long'][name]} ({low} to {high})"
            cells = (
                size["n"],
                size["dead"],
                name,
                seconds,
                ratio,
                size["rounds"][name],
                f"{size['distance'][name]:.9g}",
            )
            rows.append(f"| {' | '.join(map(str, cells))} |")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "metrics_speed.json").write_text(json.dumps(found, indent=1) + "\n")
    (RESULTS / "metrics_speed.md").write_text(
        "# Frechet distance without a matrix square root\n\n"
        f"`python benchmarks/metrics_speed.py` on {found['machine']}: {found['sizes'][0]['width']} features, "
        "contestants in turns.\n\n"
        "| n of each set | dead channels | | seconds (median) | times as long as minigan (smallest to largest) "
        "| rounds | distance |\n| --- | --- | --- | --- | --- | --- | --- |\n" + "\n".join(rows) + "\n\n"
        "Below n = width the covariances are singular: there the recipes with a matrix root may drift from the value.\n"
    )


def main(quick: Annotated[bool, typer.Option("--quick", help="Narrow features, nothing written.")] = False) -> None:
    """Measure minigan's Frechet distance against the usual recipes."""
    warnings.simplefilter("ignore")  # too few images, a singular matrix: known, and the distances are in the table
    width, counts = (128, (64, 320)) if quick else (2048, (1000, 5000))
    take_turns(50, 32, rounds=1, patience=1)  # loads what is loaded at the first call
    sizes = [take_turns(n, width, rounds=3, patience=120) for n in counts]
    sizes.append(take_turns(counts[-1], width, rounds=3, patience=120, dead=width // 16))
    threads = torch.get_num_threads()
    versions = f"torch {torch.__version__}, scipy {scipy.__version__}, numpy {np.__version__}"
    found = {"machine": f"{platform.machine()}, {threads} threads, {versions}", "sizes": sizes}
    typer.echo(json.dumps(found, indent=1))
    if not quick:
        write(found)


if __name__ == "__main__":
    typer.run(main)
