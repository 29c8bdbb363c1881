"""How many images a second does training see, and how much memory does it take, at which batch and image size?

    python benchmarks/throughput.py            ten minutes; writes benchmarks/results/throughput.{json,md,png}
    python benchmarks/throughput.py --quick    a trial within a minute, nothing kept

The step of a GAN of heads, made larger or smaller, as in step_speed.py: the tutorial loop in float32 against minigan in
float32 and, where the processor computes with it, in bfloat16. Each contestant lives in a process of its own, and they
take turns. The memory is the peak of that process, libraries and data included.
"""

from pathlib import Path

import bench
import typer
from step_speed import BASE, OURS, take_turns

from minigan import plot

SIZES = {32: (16, 32, 64, 128), 64: (8, 16, 32, 64), 128: (8, 16, 32)}  # pixels: batches


def measure(quick: bool) -> bench.Found:
    """A row for each image size, batch and contestant."""
    found, rows = bench.conditions(), []
    names = [BASE, *OURS] if bench.computes_bfloat16() else [BASE, OURS[0]]
    for size, batches in ({32: (8,)} if quick else SIZES).items():
        for batch in batches:
            rounds, steps = (1, 1) if quick else (5, max(2, round(400_000 / size**2 / batch)))
            turns, _, peaks, _ = take_turns(names, rounds, steps, size, batch, warm_up=2)
            contest = bench.compared(turns, BASE)
            for name in names:
                row = {"size": size, "batch": batch, "name": name, "peak of memory, MB": peaks[name]}
                row["images a second"] = round(1e3 * batch / contest["milliseconds"][name], 1)
                rows.append(row | {"times as fast": contest["times as fast"][name], "rounds": rounds})
                typer.echo(str(rows[-1]))
    return found | {"rows": rows}


def text(found: bench.Found) -> str:
    """The results in Markdown."""
    heads = ("pixels", "batch", "contestant", "images a second", "times as fast (median)", "smallest to largest")
    rows = []
    for row in found["rows"]:
        middle, low, high = row["times as fast"]
        cells = [row["size"], row["batch"], row["name"], row["images a second"], middle, f"{low:.2f} to {high:.2f}"]
        rows.append([*cells, row["peak of memory, MB"]])
    return (
        "# Throughput and memory of training\n\n"
        f"`python benchmarks/throughput.py` on {found['machine']}: `peeps` resized, "
        f"{found['rows'][0]['rounds']} rounds in turns.{bench.load(found)}\n\n"
        f"{bench.table([*heads, 'peak of memory, MB'], rows)}\n\n"
        "![Images a second over the batch](throughput.png)\n"
    )


def claim(found: bench.Found) -> str:
    best = max((row for row in found["rows"] if row["size"] == 64), key=lambda row: row["images a second"])
    return (
        f"At 64 pixels {best['name']} sees up to {best['images a second']:.0f} images a second, at a batch of "
        f"{best['batch']}; a run takes {min(row['peak of memory, MB'] for row in found['rows']):,} to "
        f"{max(row['peak of memory, MB'] for row in found['rows']):,} MB"
    )


def draw(found: bench.Found, folder: Path) -> None:
    """Images a second over the batch: a panel for each image size, a line for each contestant."""
    rows, sizes = found["rows"], list(dict.fromkeys(row["size"] for row in found["rows"]))
    alt = "Images a second over the batch, a panel for each image size: " + "; ".join(
        f"{row['name']}, {row['size']} px, batch {row['batch']}: {row['images a second']:g}" for row in rows
    )
    with plot.figure(len(sizes), alt=alt, size=(3.2, 3), save=folder / "throughput.png") as axes:
        for axis, size in zip([axes] if len(sizes) == 1 else axes, sizes, strict=True):
            for name in dict.fromkeys(row["name"] for row in rows):
                line = [(r["batch"], r["images a second"]) for r in rows if (r["size"], r["name"]) == (size, name)]
                axis.plot(*zip(*line, strict=True), marker="o", label=name)
            batches = [row["batch"] for row in rows if row["size"] == size]
            axis.set(title=f"{size} px", xlabel="batch", xscale="log", ylim=(0, None))
            axis.set_xticks(batches, [str(batch) for batch in batches])
            axis.minorticks_off()
            if size == sizes[0]:
                axis.set_ylabel("images a second")
                axis.legend(fontsize=8.5)


def main(quick: bench.Quick = False) -> None:
    """Measure throughput and memory over batch and image size."""
    bench.publish(__file__, measure(quick), text, draw, quick=quick)


if __name__ == "__main__":
    typer.run(main)
