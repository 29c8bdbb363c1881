"""Remove noise from the held-out photographs: the shipped networks against a blur and non-local means.

    python benchmarks/denoise.py            ten minutes of one core; writes benchmarks/results/denoise.{json,md,png}
    python benchmarks/denoise.py --quick    a trial within a minute, nothing kept

White Gaussian noise of 10, 25 and 50 grey levels is added, not clamped, from one seed for each photograph and level, so
that all methods get the same pictures. What comes out is clamped and compared with the clean photograph. The blur and
scikit-image's non-local means know the level; their settings are those with the best PSNR on pieces of the training
photographs, searched for each level. The network is told the level, not told it, or told a
wrong one: half of it, or double, at most 60, the highest that it has learnt.

PSNR and SSIM are higher for better pictures. The judge's distance is lower: `minigan.course.judge`, a feature
network that nothing here was trained with. It is asked at one level only, 25, that of the plane of chapter 07.
"""

import time
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import bench
import numpy as np
import torch
import typer
from skimage.filters import gaussian
from skimage.restoration import denoise_nl_means
from torch import Tensor

from minigan import data, metrics, plot, weights
from minigan.apps import denoise
from minigan.course.judge import judge
from minigan.perceptual import FeatureDistance

LEVELS = (10, 25, 50)
TOLD = (0, 5, 10, 15, 20, 25, 30, 40, 50, 60)
BLURS = (0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.2, 1.5, 1.8)
STRENGTHS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)  # h / sigma
PATCHES, DISTANCES = (5, 7), (6, 11)
SHOWN = {"chelsea": (70, 150), "coffee": (60, 170), "china": (70, 160), "bison": (150, 120)}  # corners, of 112 pixels
JUDGED = 25  # the level at which the judge is asked
SWEPT = 6  # photographs for the curves of the wrong level
Method = Callable[[Tensor, float], Tensor]


def as_array(images: Tensor) -> np.ndarray:
    return ((images[0].permute(1, 2, 0) + 1) / 2).double().numpy()


def as_images(array: np.ndarray) -> Tensor:
    return (torch.from_numpy(array).float().permute(2, 0, 1)[None] * 2 - 1).clamp(-1, 1)


def blurred(noisy: Tensor, sigma: float, width: float) -> Tensor:
    return as_images(gaussian(as_array(noisy), width, channel_axis=-1))


def non_local(noisy: Tensor, sigma: float, strength: float, patch: int, distance: int) -> Tensor:
    """scikit-image's non-local means, fast mode, which knows the level."""
    level = sigma / 255
    options = {"h": strength * level, "sigma": level, "patch_size": patch, "patch_distance": distance}
    return as_images(denoise_nl_means(as_array(noisy), fast_mode=True, channel_axis=-1, **options))


def noisy_version(clean: Tensor, number: int, level: int) -> Tensor:
    return data.add_noise(clean, level, torch.Generator().manual_seed(1000 * level + number))


def best(method: Callable[..., Tensor], settings: list[tuple], pieces: list[Tensor], level: int) -> tuple:
    """The setting with the highest mean PSNR on these pieces."""
    noisy = [noisy_version(piece, number, level) for number, piece in enumerate(pieces)]

    def quality(setting: tuple) -> float:
        pairs = zip(pieces, noisy, strict=True)
        return sum(float(metrics.psnr(clean, method(one, level, *setting))) for clean, one in pairs)

    return max(settings, key=quality)


def tuned(pieces: list[Tensor]) -> dict[int, dict[str, tuple]]:
    """The best settings of blur and non-local means for each level, on pieces of training photographs."""
    blurs, searches = [(width,) for width in BLURS], list(product(STRENGTHS, PATCHES, DISTANCES))
    return {
        level: {"blur": best(blurred, blurs, pieces, level), "means": best(non_local, searches, pieces, level)}
        for level in LEVELS
    }


def methods(found: dict[int, dict[str, tuple]]) -> dict[str, Method]:
    """All that is compared: from noisy images and their true level to clean images."""
    network = weights.shipped_app("denoise", denoise.Denoiser)[0]
    named: dict[str, Method] = {
        "noisy": lambda noisy, level: noisy.clamp(-1, 1),
        "Gaussian blur": lambda noisy, level: blurred(noisy, level, *found[level]["blur"]),
        "non-local means": lambda noisy, level: non_local(noisy, level, *found[level]["means"]),
        "level known": lambda noisy, level: denoise.denoise(network, noisy, level),
        "blind": lambda noisy, level: denoise.denoise(network, noisy),
        "told half": lambda noisy, level: denoise.denoise(network, noisy, level / 2),
        "told double": lambda noisy, level: denoise.denoise(network, noisy, min(2 * level, denoise.STRONGEST)),
    }
    if (weights.SHIPPED / "apps" / "denoise_features.safetensors").is_file():  # its training comes after the other's
        features = weights.shipped_app("denoise_features", denoise.Denoiser)[0]
        named["features"] = lambda noisy, level: denoise.denoise(features, noisy, level)
    return named


@torch.no_grad()
def measure(photographs: dict[str, Tensor], named: dict[str, Method], eyes: FeatureDistance) -> list[dict[str, Any]]:
    """A row for each level and method: every photograph's scores, and the seconds for all of them."""
    found: dict[tuple[int, str], dict[str, Any]] = {
        (level, name): {"level": level, "method": name, "seconds": 0.0, "psnr": [], "ssim": [], "distance": []}
        for level, name in product(LEVELS, named)
    }
    for number, (title, clean) in enumerate(photographs.items()):
        seen = eyes.backbone(clean)
        for level in LEVELS:
            noisy = noisy_version(clean, number, level)
            for name, method in named.items():
                row = found[level, name]
                began = time.perf_counter()
                result = method(noisy, level)
                row["seconds"] += time.perf_counter() - began
                row["psnr"].append(float(metrics.psnr(clean, result)))
                row["ssim"].append(float(metrics.ssim(clean, result)))
                if level == JUDGED:
                    row["distance"].append(float(eyes.from_features(seen, eyes.backbone(result))))
        typer.echo(f"{title}: " + ", ".join(f"{name} {found[25, name]['psnr'][-1]:.2f}" for name in named))
    return [{**row, "seconds": round(row["seconds"], 2)} for row in found.values()]


def sweep(photographs: dict[str, Tensor]) -> dict[str, dict[str, list[float] | float]]:
    """The mean PSNR for each true level over the level that the network is told, and where it is told none."""
    network = weights.shipped_app("denoise", denoise.Denoiser)[0]
    photographs = dict(list(photographs.items())[:SWEPT])
    found: dict[str, dict[str, list[float] | float]] = {}
    for level in LEVELS:
        noisy = {name: noisy_version(clean, number, level) for number, (name, clean) in enumerate(photographs.items())}

        def quality(told: float | None, noisy: dict[str, Tensor] = noisy) -> float:
            cleaned = {name: denoise.denoise(network, one, told) for name, one in noisy.items()}
            return float(np.mean([float(metrics.psnr(photographs[name], one)) for name, one in cleaned.items()]))

        found[str(level)] = {"told": [quality(told) for told in TOLD], "blind": quality(None)}
    return found


def line(row: dict[str, Any]) -> list[Any]:
    """One row of the table: means, and standard deviations over the photographs."""
    cells = [f"{np.mean(row[key]):.{d}f} ± {np.std(row[key]):.{d}f}" for key, d in (("psnr", 2), ("ssim", 3))]
    cells.append(f"{np.mean(row['distance']):.3f} ± {np.std(row['distance']):.3f}" if row["distance"] else "")
    return [row["level"], row["method"], *cells, f"{row['seconds']:.1f}"]


def margin(rows: list[dict[str, Any]], level: int, name: str) -> list[Any]:
    """How far one of our results is above non-local means, over the photographs."""
    ours, rival = (
        np.array(next(row["psnr"] for row in rows if (row["level"], row["method"]) == (level, method)))
        for method in (name, "non-local means")
    )
    gain = ours - rival
    above = f"{int((gain > 0).sum())} of {len(gain)}"
    return [level, name, f"{gain.mean():+.2f}", f"{gain.min():+.2f} to {gain.max():+.2f}", above]


def pictures(photographs: dict[str, Tensor], named: dict[str, Method], found: bench.Found, folder: Path) -> None:
    """Pieces of the shown photographs at level 25."""
    rows: dict[str, list[Tensor]] = {}
    named = {name: method for name, method in named.items() if not name.startswith("told")}
    for name, (top, left) in SHOWN.items():
        if name not in photographs:
            continue
        clean = photographs[name]
        noisy = noisy_version(clean, list(photographs).index(name), 25)
        results = {"clean": clean} | {key: method(noisy, 25) for key, method in named.items()}
        rows[name] = [one[..., top : top + 112, left : left + 112] for one in results.values()]
    alt = (
        f"Pieces of {len(SHOWN)} photographs, clean, noisy, blurred, by non-local means, and by the network: with the "
        "level known and blind. The network's edges are cleaner; fur and grass come out smooth in all."
    )
    titles = ["clean", *named]
    drawn = {name: torch.cat(pieces) for name, pieces in rows.items()}
    plot.compare(drawn, titles=titles, width=13, alt=alt, save=folder / "denoise.png")


def draw_sweep(found: bench.Found, folder: Path) -> None:
    """The curves of the wrong levels."""
    alt = (
        "Mean PSNR over the level that the network is told, a curve for each true level of 10, 25 and 50. A "
        "dotted line marks the truth for each curve, a dashed one its blind result."
    )
    with plot.figure(alt=alt, size=(6, 3.6), save=folder / "denoise_levels.png") as axis:
        for level, colour in zip(LEVELS, (plot.REAL, plot.FAKE, plot.GREEN), strict=True):
            curve = found["sweep"][str(level)]
            axis.plot(TOLD, curve["told"], color=colour, marker=".", label=f"true level {level}")
            axis.axhline(curve["blind"], color=colour, ls="--", lw=1)
            axis.axvline(level, color=colour, ls=":", lw=1)
        axis.set(xlabel="level that the network is told", ylabel="PSNR in dB")
        axis.legend(loc="upper left", bbox_to_anchor=(1, 1))


def text(found: bench.Found) -> str:
    """The results in Markdown."""
    rows = found["rows"]
    settings = "; ".join(
        f"level {level}: blur {one['blur'][0]}, means h = {one['means'][0]} sigma, patches {one['means'][1]}, "
        f"distance {one['means'][2]}"
        for level, one in found["settings"].items()
    )
    heads = ("level", "method", "PSNR, dB", "SSIM", "distance to the judge", "seconds in all")
    ours = [name for name in ("level known", "blind", "features") if any(row["method"] == name for row in rows)]
    gains = [margin(rows, level, name) for level in LEVELS for name in ours]
    return (
        "# Removing noise\n\n"
        f"`python benchmarks/denoise.py` on {found['machine']}: {found['photographs']} held-out photographs in their "
        "own size; mean ± standard deviation over the photographs."
        f"{bench.load(found)}\n\n{bench.table(heads, map(line, rows))}\n\n"
        "## Against non-local means\n\n"
        "PSNR of the network less that of scikit-image's non-local means on the same picture:\n\n"
        f"{bench.table(('level', 'network', 'mean, dB', 'range, dB', 'photographs above it'), gains)}\n\n"
        f"Settings found on pieces of training photographs: {settings}.\n\n"
        "The distance is that of `minigan.course.judge`, a feature network that no training used; it is asked at "
        f"level {JUDGED} only. The curves of the wrong level are means of the first {SWEPT} photographs.\n\n"
        "![Pieces of four photographs at level 25](denoise.png)\n\n![The wrong level](denoise_levels.png)\n"
    )


def claim(found: bench.Found) -> str:
    def mean(method: str, level: int) -> float:
        return float(np.mean(next(r["psnr"] for r in found["rows"] if (r["method"], r["level"]) == (method, level))))

    gains = [f"{mean('blind', level) - mean('non-local means', level):+.2f} dB at level {level}" for level in LEVELS]
    return f"The shipped network, not told the level, against non-local means that know it: {', '.join(gains)}"


def main(quick: bench.Quick = False) -> None:
    """Compare the ways of removing noise."""
    conditions = bench.conditions()
    names = data.load("photos").names
    lessons = [data.photo(name) for name in (names[:1] if quick else names[:18:3])]
    pieces = [photograph[..., 60:160, 100:200] for photograph in lessons]
    settings = tuned(pieces)
    typer.echo(str(settings))
    names = data.load("photos", "test").names
    photographs = {name: data.photo(name) for name in (tuple(SHOWN)[:1] if quick else names)}
    if quick:
        photographs = {name: image[..., :192, :272] for name, image in photographs.items()}
    named = methods(settings)
    rows = measure(photographs, named, judge())
    found = conditions | {"photographs": len(photographs), "names": list(photographs), "settings": settings}
    found |= {"rows": rows, "told": TOLD, "sweep": sweep(photographs)}
    bench.publish(__file__, found, text, partial(pictures, photographs, named), draw_sweep, quick=quick)


if __name__ == "__main__":
    typer.run(main)
