"""Which lever makes a training step faster, and by how much?

    python benchmarks/levers.py            three minutes; writes benchmarks/results/levers.{json,md,png}
    python benchmarks/levers.py --quick    a trial within a minute, nothing kept

The step of a GAN of heads at 64 pixels, each lever alone against a plain loop, then all that pay together. The
contestants take turns in one process; the ratio is taken within each round, and its median counts. `compile` stands in
the same table, and the time that it takes before its first step beside it. bfloat16 is measured on every machine, also
where it has to be emulated.

A compiler may refuse the penalty, a gradient of a gradient; so `compile` has a pair of its own without it.

Some levers leave sums away that a common loop makes. Each of these is measured as a pair, with and without:

- one batch of fakes: D and G learn from the same fakes, instead of fakes drawn anew for G's update;
- no gradient for D in G's update: G's loss is not derived by D's weights, where the common loop finds these gradients
  and throws them away;
- features kept: a feature loss finds the features of the real pictures once, and not at each step;
- batch norm folded: in a frozen network its factors go into the weights of the convolution before it.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import bench
import torch
import torch.nn.functional as F
import typer
from backbone_speed import folded
from torch import Tensor, nn

from minigan import data, hardware, nets, train
from minigan.backbones import Backbone
from minigan.course import levers

SLOW = "bfloat16"  # hundreds of times slower on some machines: fewer rounds
Pair = Mapping[str, Callable[[], Any]]  # without the lever, with it


def compiled(width: int, penalty: bool) -> tuple[levers.Step | None, float, str]:
    """A compiled step, the seconds until it ran at full speed, and why there is none."""
    began = time.perf_counter()
    try:
        step = levers.gan_step(levers.LEVERS["compile"], width) if penalty else without_penalty(width, True)
        for _ in range(3):
            step().item()
    except Exception as error:  # a missing compiler shows in many ways
        return None, 0.0, bench.reason(error)
    return step, time.perf_counter() - began, ""


def without_penalty(width: int, compile: bool) -> levers.Step:
    """The step of `minigan train` without the R1 penalty, whose gradient of a gradient a compiler may refuse."""
    torch.manual_seed(0)
    config, peeps = train.TrainConfig(r1=0.0, compile=compile), data.load("peeps")
    state = train.start(config, nets.Generator(64, width=width), nets.Discriminator(64, width=width))
    return lambda: train.step(state, train.draw(state, peeps))["discriminator"]


def alternating(width: int, batch: int = 32) -> Callable[[bool, bool], None]:
    """A step of both networks that may share the fakes, and may leave out D's gradients in G's update."""
    torch.manual_seed(0)
    generator, discriminator = nets.Generator(64, width=width), nets.Discriminator(64, width=width)
    images, random = data.load("peeps")[:batch], torch.Generator().manual_seed(0)
    adam_d, adam_g = (torch.optim.Adam(net.parameters(), 2e-4, fused=True) for net in (discriminator, generator))

    def drawn() -> Tensor:
        return generator(torch.randn(batch, generator.latents, generator=random))

    def step(shared: bool, to_g_alone: bool) -> None:
        fake = drawn()
        loss = F.softplus(-discriminator(images)).mean() + F.softplus(discriminator(fake.detach())).mean()
        adam_d.zero_grad()
        loss.backward()
        adam_d.step()
        loss = F.softplus(-discriminator(fake if shared else drawn())).mean()
        adam_g.zero_grad()
        loss.backward(inputs=list(generator.parameters()) if to_g_alone else None)
        adam_g.step()

    return step


def frozen_pair(name: str, batch: int = 8, size: int = 128) -> Pair:
    """The gradient of a frozen network's features by the pictures, with batch norms and with folded ones."""
    network = Backbone(name, weights=None, generator=torch.Generator().manual_seed(0))
    images = torch.rand(batch, 3, size, size).contiguous(memory_format=torch.channels_last).requires_grad_()

    def gradient(of: nn.Module) -> Callable[[], Any]:
        return lambda: torch.autograd.grad(sum(maps.square().mean() for maps in of(images).values()), images)

    return {"with batch norm": gradient(network.net), "folded": gradient(folded(network.net))}


def pairs(width: int) -> dict[str, Pair]:
    """The levers that leave sums away, and the common way beside each."""
    step = alternating(width)
    return {
        "one batch of fakes": {"two batches": lambda: step(False, True), "one batch": lambda: step(True, True)},
        "no gradient for D in G's update": {"with it": lambda: step(True, False), "without": lambda: step(True, True)},
        "both": {"neither": lambda: step(False, False), "both": lambda: step(True, True)},
        "features kept": levers.feature_steps(),
        "batch norm folded, EfficientNet-Lite0": frozen_pair("efficientnet_lite0"),
        "batch norm folded, ResNet-18": frozen_pair("resnet18"),
    }


def measure(quick: bool) -> bench.Found:
    """All contests of one run."""
    width, rounds = (8, 1) if quick else (48, 8)
    found = bench.conditions()
    emulated = not bench.computes_bfloat16()
    steps = {name: levers.gan_step(lever, width) for name, lever in levers.worthwhile().items()}
    step, warm_up, reason = compiled(width, penalty=True)
    if step:
        steps["compile"] = step
    alone, alone_warm_up, alone_reason = compiled(width, penalty=False)
    # `each`: whole periods of the lazy penalty; read out, so that a device has finished
    turns = bench.take_turns({name: (lambda s=s: s().item()) for name, s in steps.items()}, rounds, each=levers.LAZY)
    contest = bench.compared(turns, levers.PLAIN)
    if emulated:
        pair = {levers.PLAIN: steps[levers.PLAIN], SLOW: levers.gan_step(levers.LEVERS[SLOW], width)}
        few = bench.compared(bench.take_turns(pair, 1 if quick else 3), levers.PLAIN)
        contest = {key: {**contest[key], SLOW: few[key][SLOW]} for key in contest}
    left_out = {}
    tried = pairs(width)
    if alone:
        plain = without_penalty(width, False)
        tried["compile, no penalty"] = {"as it is": lambda: plain().item(), "compiled": lambda: alone().item()}
    for name, pair in tried.items():
        without, with_it = pair
        left_out[name] = bench.compared(bench.take_turns(pair, rounds), without)
        typer.echo(f"{name}: {left_out[name]['times as fast'][with_it]}")
    return found | {
        "device": hardware.device().type,
        "width": width,
        **contest,
        "bfloat16": "emulated" if emulated else "in hardware",
        "seconds until compiled": round(warm_up, 1),
        "not compiled because": reason,
        "without a penalty": {"seconds until compiled": round(alone_warm_up, 1), "not compiled because": alone_reason},
        "pairs": left_out,
    }


def on_compiling(found: bench.Found) -> str:
    """Why there is no compiled step, or how long its first steps took."""
    return found["not compiled because"] or f"its first steps took {found['seconds until compiled']} s"


def text(found: bench.Found) -> str:
    """The results in Markdown."""
    alone = [[name, *bench.contest_cells(found, name)] for name in found["milliseconds"]]
    rows = []
    for name, contest in found["pairs"].items():
        without, with_it = contest["milliseconds"]
        rows.append([name, contest["milliseconds"][without], *bench.contest_cells(contest, with_it)])
    return (
        "# Levers of speed\n\n"
        f"`python benchmarks/levers.py` on {found['machine']}, {found['device']}: one step of a GAN of `peeps`, 64 px, "
        f"batch 32, {found['rounds'][levers.PLAIN]} rounds in turns.{bench.load(found)}\n\n"
        f"{bench.table(['lever', *bench.contest_heads()], alone)}\n\n"
        f"compile, with the penalty: {on_compiling(found)}; without: "
        f"{on_compiling(found['without a penalty'])}.\n\n"
        "## Sums that are left away\n\n"
        f"{bench.table(['lever', 'ms without it', *bench.contest_heads()], rows)}\n\n"
        "The first three: a step of both networks without a penalty. The features: the gradient of a feature loss by "
        "the pictures. Folded batch norm: the gradient of a frozen network's features by the pictures.\n\n"
        "![Bars of the times as fast with each lever](levers.png)\n"
    )


def with_lever(contest: bench.Found) -> tuple[float, float, float]:
    """The ratio of the second of a pair."""
    return tuple(list(contest["times as fast"].values())[1])


def claim(found: bench.Found) -> str:
    times = found["times as fast"]
    kept = with_lever(found["pairs"]["features kept"])[0]
    return (
        "Against a plain loop with a penalty at every step, all levers together make a step "
        f"{times['all together'][0]} times as fast; keeping the features of real pictures makes a feature loss {kept} "
        "times as fast"
    )


def draw(found: bench.Found, folder: Path) -> None:
    """A bar for each lever, those of the step and those that leave sums away."""
    rows = {name: tuple(values) for name, values in found["times as fast"].items() if name != levers.PLAIN}
    left_out = {name: with_lever(contest) for name, contest in found["pairs"].items()}
    alt = "Bars of the times as fast that each lever makes what it is pulled on:"
    bench.bars(rows | left_out, left_out, folder / "levers.png", "times as fast as without the lever", alt)


def main(quick: bench.Quick = False) -> None:
    """Measure each lever alone and all together."""
    bench.publish(__file__, measure(quick), text, draw, quick=quick)


if __name__ == "__main__":
    typer.run(main)
