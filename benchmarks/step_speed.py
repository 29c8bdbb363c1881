"""How fast is minigan's training step against the loop that most tutorials use?

    python benchmarks/step_speed.py            about two minutes; writes benchmarks/results/step_speed.{json,md,png}
    python benchmarks/step_speed.py --quick    a trial without results on disk

Same networks, data, seeds and losses. Each contestant lives in a process of its own, and the processes take
turns, block by block, so that all see the same weather on the machine. The ratio is taken within each round, and
its median counts.

The tutorial loop is that of PyTorch's DCGAN tutorial: float32, the usual memory layout, one fake batch, gradients of
the generator's loss into D's weights too, Adam with the tutorial's settings, losses read out at each step. Training
that does the same sums in another order drifts apart by rounding; the losses of the first 20 steps show by how much.
"""

import json
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Annotated, Any

import torch
import torch.nn.functional as F
import typer
from torch import Tensor

from minigan import data, hardware, nets, plot, train

RESULTS = Path(__file__).parent / "results"
CONFIG = train.TrainConfig(images=10**9, r1=0.0, rate=2e-4, betas=(0.5, 0.999))
Losses = tuple[float, float]


def networks() -> tuple[nets.Generator, nets.Discriminator]:
    """The networks of `minigan train peeps`, with the same weights each time."""
    torch.manual_seed(0)
    return nets.Generator(64), nets.Discriminator(64)


def tutorial() -> Callable[[], Losses]:
    """The training step of PyTorch's DCGAN tutorial, on the batches and latents that minigan draws."""
    images = data.load("peeps")
    generator, discriminator = networks()
    random = torch.Generator().manual_seed(CONFIG.seed)
    torch.randn(64, generator.latents, generator=random)  # minigan draws its fixed latents first
    adam_d = torch.optim.Adam(discriminator.parameters(), lr=CONFIG.rate, betas=CONFIG.betas)
    adam_g = torch.optim.Adam(generator.parameters(), lr=CONFIG.rate, betas=CONFIG.betas)
    bce = F.binary_cross_entropy_with_logits
    ones, zeros = torch.ones(CONFIG.batch), torch.zeros(CONFIG.batch)

    def step() -> Losses:
        real = images[torch.randint(len(images), (CONFIG.batch,), generator=random)]
        discriminator.zero_grad()
        error_real = bce(discriminator(real), ones)
        error_real.backward()
        fake = generator(torch.randn(CONFIG.batch, generator.latents, generator=random))
        error_fake = bce(discriminator(fake.detach()), zeros)
        error_fake.backward()
        adam_d.step()
        generator.zero_grad()
        error_g: Tensor = bce(discriminator(fake), ones)
        error_g.backward()
        adam_g.step()
        return error_real.item() + error_fake.item(), error_g.item()

    return step


def ours(precision: str) -> Callable[[], Losses]:
    """minigan's step, the moving average of the weights included."""
    images = data.load("peeps")
    state = train.start(replace(CONFIG, precision=precision), *networks())

    def step() -> Losses:
        losses = train.step(state, train.draw(state, images))
        return losses["discriminator"].item(), losses["adversarial"].item()

    return step


CONTESTANTS: dict[str, Callable[[], Callable[[], Losses]]] = {
    "tutorial": tutorial,
    "minigan float32": lambda: ours("float32"),
    "minigan bfloat16": lambda: ours("bfloat16"),
}


def contest(name: str, threads: int, pipe: Connection) -> None:
    """In a process of its own: run as many steps as the pipe asks for, answer with seconds and losses."""
    torch.set_num_threads(threads)
    step = CONTESTANTS[name]()
    while steps := pipe.recv():
        began = time.perf_counter()
        losses = [step() for _ in range(steps)]
        pipe.send((time.perf_counter() - began, losses))


def take_turns(names: list[str], rounds: int, steps: int) -> tuple[dict[str, list[float]], dict[str, list[Losses]]]:
    """Seconds a step for each contestant and round, and the losses of each one's first 20 steps."""
    context = get_context("spawn")
    pipes = {}
    for name in names:
        pipes[name], theirs = context.Pipe()
        context.Process(target=contest, args=(name, torch.get_num_threads(), theirs), daemon=True).start()
    seconds: dict[str, list[float]] = {name: [] for name in names}
    losses: dict[str, list[Losses]] = {}
    for number in range(-1, rounds):  # the first round warms up
        for name, pipe in pipes.items():
            pipe.send(20 if number < 0 else steps)
            spent, seen = pipe.recv()
            if number < 0:
                losses[name] = seen
            else:
                seconds[name].append(spent / steps)
    for pipe in pipes.values():
        pipe.send(0)
    return seconds, losses


def report(seconds: dict[str, list[float]], losses: dict[str, list[Losses]]) -> dict[str, Any]:
    """Medians, ratios within rounds, and how far the losses of the first 20 steps lie apart in float32."""
    ratios = {name: [a / b for a, b in zip(seconds["tutorial"], own, strict=True)] for name, own in seconds.items()}
    apart = torch.tensor(losses["tutorial"]) - torch.tensor(losses["minigan float32"])
    return {
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}",
        "batch": CONFIG.batch,
        "size": 64,
        "milliseconds a step": {name: round(1e3 * statistics.median(own), 1) for name, own in seconds.items()},
        "times as fast": {name: round(statistics.median(own), 2) for name, own in ratios.items()},
        "spread": {name: [round(min(own), 2), round(max(own), 2)] for name, own in ratios.items()},
        "largest difference of losses in 20 steps of float32": float(apart.abs().max()),
        "rounds": len(seconds["tutorial"]),
    }


def write(found: dict[str, Any]) -> None:
    """The results as JSON, Markdown and a picture."""
    names = list(CONTESTANTS)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "step_speed.json").write_text(json.dumps(found, indent=1) + "\n")
    milliseconds, ratio, spread = found["milliseconds a step"], found["times as fast"], found["spread"]
    rows = "\n".join(f"| {n} | {milliseconds[n]} | {ratio[n]} | {' to '.join(map(str, spread[n]))} |" for n in names)
    (RESULTS / "step_speed.md").write_text(
        "# Training step against the tutorial loop\n\n"
        f"`python benchmarks/step_speed.py` on {found['machine']}: `peeps`, {found['size']} px, batch "
        f"{found['batch']}, {found['rounds']} rounds in turns.\n\n"
        "| | ms a step (median) | times as fast (median) | smallest to largest |\n| --- | --- | --- | --- |\n"
        f"{rows}\n\n"
        "Largest difference of the losses in the first 20 steps of float32: "
        f"{found['largest difference of losses in 20 steps of float32']:.1e}.\n\n"
        "![Bars of the milliseconds a step](step_speed.png)\n"
    )
    alt = "Three bars, the milliseconds of a training step: the tutorial loop, minigan in float32, minigan in bfloat16."
    with plot.figure(alt=alt, size=(6, 1.8), save=RESULTS / "step_speed.png") as axis:
        bars = axis.barh(names, [milliseconds[name] for name in names], color=[plot.FAKE, plot.REAL, plot.REAL])
        axis.bar_label(bars, [f" {ratio[name]:.2f}x" for name in names])
        axis.invert_yaxis()
        axis.set_xlabel("milliseconds a step, less is better")


def main(quick: Annotated[bool, typer.Option("--quick", help="Two short rounds, nothing written.")] = False) -> None:
    """Measure minigan's training step against the tutorial loop."""
    names = list(CONTESTANTS)
    if hardware.bf16_speedup() < 1:
        typer.echo("this machine emulates bfloat16, so that contestant will be slow")
    found = report(*take_turns(names, rounds=2 if quick else 15, steps=5 if quick else 10))
    typer.echo(json.dumps(found, indent=1))
    if not quick:
        write(found)


if __name__ == "__main__":
    typer.run(main)
