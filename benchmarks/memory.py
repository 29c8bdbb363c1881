"""How much memory and time does a photograph of 12 megapixels take, in each command that mends pictures?

    python benchmarks/memory.py            fifteen minutes; writes benchmarks/results/memory.{json,md}
    python benchmarks/memory.py --quick    a trial within a minute, nothing kept

The photograph is one of the pack, enlarged to 4000 x 3000 pixels, with the grain of a sensor. Each command runs as a
user starts it, in a process of its own. What counts is the peak of all memory that this process held, with Python,
torch and the writing of the file.
"""

import os
import subprocess
import sys
import time
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import bench
import torch
import typer
from torch import Tensor

from minigan import data
from minigan.apps.pictures import Picture, write_picture

SIZE = (3000, 4000)  # height and width
SPOTS = 60  # of up to 16 pixels: dust and scratches
LARGE = (200, 800)  # pixels of one hole in the middle
PHOTOGRAPH = "photograph.jpg"


def photograph(shape: tuple[int, int]) -> Picture:
    """A photograph of the pack, larger than it is, with the grain of a sensor."""
    large = data.resize(data.photo("coffee"), shape)
    return Picture.of(data.to_pixels(data.add_noise(large, 4.0, torch.Generator().manual_seed(0)))[0])


def spots(shape: tuple[int, int]) -> Tensor:
    """A mask (H, W) with small holes all over the picture, white as a user would paint it."""
    random, mask = torch.Generator().manual_seed(0), torch.zeros(shape, dtype=torch.uint8)
    for _ in range(SPOTS):
        top, left, height, width = (
            int(torch.randint(*ends, (1,), generator=random))
            for ends in ((0, shape[0] - 16), (0, shape[1] - 16), (4, 17), (4, 17))
        )
        mask[top : top + height, left : left + width] = 255
    return mask


def one_hole(shape: tuple[int, int], side: int) -> Tensor:
    """A mask (H, W) with a square hole in the middle."""
    mask = torch.zeros(shape, dtype=torch.uint8)
    top, left = ((whole - side) // 2 for whole in shape)
    mask[top : top + side, left : left + side] = 255
    return mask


def prepare(folder: Path, shape: tuple[int, int], sides: tuple[int, ...]) -> None:
    """Write the photograph and its masks."""
    write_picture(folder / PHOTOGRAPH, photograph(shape))
    for name, mask in [("spots", spots(shape)), *((str(side), one_hole(shape, side)) for side in sides)]:
        write_picture(folder / f"{name}.png", Picture.of(mask.expand(3, -1, -1)))


def commands(sides: tuple[int, ...]) -> dict[str, list[str]]:
    """What each command is told beside the photograph and the output, in the words of the table."""
    holes = {f"inpaint, one hole of {side} pixels": ["inpaint", "--mask", f"{side}.png"] for side in sides}
    return {
        "upscale, four times the side": ["upscale"],
        "upscale, twice the side": ["upscale", "--scale", "2"],
        "denoise": ["denoise"],
        f"inpaint, {SPOTS} small holes": ["inpaint", "--mask", "spots.png"],
        **holes,
        "stylize, by a network": ["stylize", "whirls"],
        "stylize, three steps of painting": ["stylize", "whirls", "--steps", "3"],
    }


def run(words: list[str], folder: Path) -> dict[str, Any]:
    """Peak of memory and seconds of one command in a process of its own."""
    name, *options = words
    line = [sys.executable, "-m", "minigan", name, PHOTOGRAPH, *options, "-o", "result.png", "--force"]
    began = time.perf_counter()
    process = subprocess.Popen(line, cwd=folder, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)  # so that nobody waits for it again
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, line)
    return {
        "peak of memory, MB": round(bench.megabytes(used.ru_maxrss)),
        "seconds": round(time.perf_counter() - began, 1),
        "of the processor": round(used.ru_utime + used.ru_stime, 1),
    }


def measure(quick: bool) -> bench.Found:
    """A row for each command."""
    shape, sides = ((300, 400), (50,)) if quick else (SIZE, LARGE)
    found, rows = bench.conditions(), []
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with get_context("spawn").Pool(1) as other:  # a child inherits the peak of its parent, which has to stay small
            other.apply(prepare, (folder, shape, sides))
        for name, words in commands(sides).items():
            rows.append({"command": name, **run(words, folder)})
            typer.echo(str(rows[-1]))
    return found | {"shape": shape, "rows": rows}


def text(found: bench.Found) -> str:
    """The results in Markdown."""
    height, width = found["shape"]
    return (
        "# Memory of the commands that mend pictures\n\n"
        f"`python benchmarks/memory.py` on {found['machine']}: a photograph of {width} x {height} pixels."
        f"{bench.load(found)} Memory is the peak of the whole process, with Python, torch and the writing of the "
        "file.\n\n"
        f"{bench.table(found['rows'][0], (row.values() for row in found['rows']))}\n"
    )


def claim(found: bench.Found) -> str:
    peaks = {row["command"]: f"{row['peak of memory, MB'] / 1000:.1f} GB" for row in found["rows"]}
    most, *_, least = sorted(peaks, key=lambda command: peaks[command], reverse=True)
    pixels = found["shape"][0] * found["shape"][1] / 1e6
    return (
        f"A photograph of {pixels:.0f} megapixels takes {peaks[least]} of memory ({least}) to {peaks[most]} ({most}), "
        "torch included"
    )


def main(quick: bench.Quick = False) -> None:
    """Measure memory and time of the commands on a large photograph."""
    bench.publish(__file__, measure(quick), text, quick=quick)


if __name__ == "__main__":
    typer.run(main)
