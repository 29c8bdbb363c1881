"""Which lever makes a training step faster, and by how much?

    python benchmarks/levers.py            some four minutes; writes benchmarks/results/levers.{json,md}
    python benchmarks/levers.py --quick    a trial without results on disk

The step of a GAN of heads at 64 pixels, each lever alone against a plain loop, then all that pay together. The
contestants take turns in one process; the ratio is taken within each round, and its median counts. `compile` stands in
the same table, and the time that it takes before its first step beside it. bfloat16 is measured on every machine, also
where it has to be emulated.
"""

import json
import platform
import statistics
import time
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from minigan import hardware
from minigan.course import levers

RESULTS = Path(__file__).parent / "results"
SLOW = "bfloat16"  # hundreds of times slower on some machines: fewer rounds


def compiled(width: int) -> tuple[levers.Step | None, float, str]:
    """A compiled step, the seconds until it ran at full speed, and why there is none."""
    began = time.perf_counter()
    try:
        step = levers.gan_step(levers.LEVERS["compile"], width)
        for _ in range(3):
            step().item()
    except Exception as error:  # a missing compiler shows in many ways
        return None, 0.0, f"{type(error).__name__}: {str(error).splitlines()[0][:80]}"
    return step, time.perf_counter() - began, ""


def measure(width: int, rounds: int) -> dict[str, Any]:
    """All contests of one run."""
    emulated = hardware.precision() != torch.bfloat16
    tried = levers.worthwhile()
    steps = {name: levers.gan_step(lever, width) for name, lever in tried.items()}
    step, warm_up, reason = compiled(width)
    if step:
        steps["compile"] = step
    seconds = levers.take_turns(steps, rounds)
    ratios = levers.times_as_fast(seconds)
    if emulated:
        pair = {levers.PLAIN: steps[levers.PLAIN], SLOW: levers.gan_step(levers.LEVERS[SLOW], width)}
        few = levers.take_turns(pair, 1 if width < 48 else 3, 1)
        ratios[SLOW], seconds[SLOW] = levers.times_as_fast(few)[SLOW], few[SLOW]
    features = levers.take_turns(levers.feature_steps(), rounds)
    return {
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}",
        "device": hardware.device().type,
        "width": width,
        "rounds": rounds,
        "bfloat16": "emulated" if emulated else "in hardware",
        "milliseconds a step": {name: round(1e3 * statistics.median(own), 1) for name, own in seconds.items()},
        "times as fast": {name: [round(value, 2) for value in ratio] for name, ratio in ratios.items()},
        "seconds until compiled": round(warm_up, 1),
        "not compiled because": reason,
        "features": {
            "milliseconds": {name: round(1e3 * statistics.median(own), 1) for name, own in features.items()},
            "times as fast": round(levers.times_as_fast(features, "features found anew")["features kept"][0], 2),
        },
    }


def write(found: dict[str, Any]) -> None:
    """The results as JSON and Markdown."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "levers.json").write_text(json.dumps(found, indent=1) + "\n")
    milliseconds, ratios = found["milliseconds a step"], found["times as fast"]
    rows = "\n".join(f"| {name} | {milliseconds[name]} | {a} | {b} to {c} |" for name, (a, b, c) in ratios.items())
    compiled = found["not compiled because"] or f"its first steps took {found['seconds until compiled']} s"
    features = found["features"]
    (RESULTS / "levers.md").write_text(
        "# Levers of speed\n\n"
        f"`python benchmarks/levers.py` on {found['machine']}, {found['device']}: one step of a GAN of `peeps`, 64 px, "
        f"batch 32, {found['rounds']} rounds in turns. bfloat16 is {found['bfloat16']} here.\n\n"
        "| lever | ms a step (median) | times as fast (median) | smallest to largest |\n| --- | --- | --- | --- |\n"
        f"{rows}\n\n"
        f"compile: {compiled}.\n\n"
        f"The gradient of a feature loss, features of the real pictures kept instead of found anew: "
        f"{features['times as fast']} times as fast.\n"
    )


def main(quick: Annotated[bool, typer.Option("--quick", help="One short round, nothing written.")] = False) -> None:
    """Measure each lever alone and all together."""
    found = measure(*((8, 1) if quick else (48, 8)))
    typer.echo(json.dumps(found, indent=1))
    if not quick:
        write(found)


if __name__ == "__main__":
    typer.run(main)
