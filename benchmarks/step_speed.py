"""How fast is minigan's training step against the loop that most tutorials use, and against libraries for GANs?

    python benchmarks/step_speed.py            five minutes; writes benchmarks/results/step_speed.{json,md,png}
    python benchmarks/step_speed.py --quick    a trial within a minute, nothing kept

Same networks, batches, latents and losses. Each contestant lives in a process of its own, and the processes take turns,
block by block, so that all see the same weather on the machine. The ratio is taken within each round, and its median
counts.

- tutorial: the loop of PyTorch's DCGAN tutorial: float32, the usual memory layout, one fake batch, gradients of the
  generator's loss into D's weights too, Adam with the tutorial's settings, losses read out at each step.
- Lightning: the same sums in a LightningModule with manual optimisation, run by its Trainer.
- torchgan: its Trainer with its own steps for the two losses. They draw their latents and fakes anew for each network.
- minigan: its step, the moving average of the weights included.

Training that does the same sums in another order drifts apart by rounding; the losses of the first 20 steps show by how
much. A profile of some steps shows what share of the time is convolution, which no training loop can save.
"""

import logging
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import bench
import torch
import torch.nn.functional as F
import typer
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from minigan import data, nets, train

CONFIG = train.TrainConfig(images=10**9, r1=0.0, rate=2e-4, betas=(0.5, 0.999))
RATES: dict[str, Any] = {"lr": CONFIG.rate, "betas": CONFIG.betas}
Batches = Iterator[tuple[Tensor, Tensor]]  # real images, latents
Losses = list[tuple[float, float]]  # of D and G, a pair a step
BASE = "tutorial"
OURS = ("minigan float32", "minigan bfloat16")


def networks(size: int) -> tuple[nets.Generator, nets.Discriminator]:
    """The networks of `minigan train peeps`, with the same weights each time."""
    torch.manual_seed(0)
    return nets.Generator(size), nets.Discriminator(size)


def tutorial_step(
    generator: nn.Module, discriminator: nn.Module, backward: Callable[[Tensor], Any] = Tensor.backward
) -> Callable[..., tuple[Tensor, Tensor]]:
    """The step of PyTorch's DCGAN tutorial: from real images, latents and two optimizers to the losses of D and G."""
    bce = F.binary_cross_entropy_with_logits

    def step(real: Tensor, latents: Tensor, adam_d: Any, adam_g: Any) -> tuple[Tensor, Tensor]:
        ones, zeros = torch.ones(len(real)), torch.zeros(len(real))
        discriminator.zero_grad()
        error_real = bce(discriminator(real), ones)
        backward(error_real)
        fake = generator(latents)
        error_fake = bce(discriminator(fake.detach()), zeros)
        backward(error_fake)
        adam_d.step()
        generator.zero_grad()
        error_g = bce(discriminator(fake), ones)
        backward(error_g)
        adam_g.step()
        return error_real + error_fake, error_g

    return step


def tutorial(batches: Batches, losses: Losses, size: int) -> None:
    """The loop of the tutorial."""
    generator, discriminator = networks(size)
    adam_d, adam_g = (torch.optim.Adam(net.parameters(), **RATES) for net in (discriminator, generator))
    step = tutorial_step(generator, discriminator)
    for real, latents in batches:
        error_d, error_g = step(real, latents, adam_d, adam_g)
        losses.append((error_d.item(), error_g.item()))


def lightning(batches: Batches, losses: Losses, size: int) -> None:
    """The same step, as a module of Lightning that its Trainer runs."""
    import pytorch_lightning as pl
    from torch.utils.data import DataLoader, IterableDataset

    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)

    class Stream(IterableDataset):
        def __iter__(self) -> Batches:
            return batches

    class Gan(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.automatic_optimization = False
            self.generator, self.discriminator = networks(size)
            self.take = tutorial_step(self.generator, self.discriminator, self.manual_backward)

        def training_step(self, batch: Any, index: int) -> None:
            error_d, error_g = self.take(*batch, *self.optimizers())
            self.log_dict({"discriminator": error_d, "generator": error_g})
            losses.append((error_d.item(), error_g.item()))

        def configure_optimizers(self) -> list[torch.optim.Optimizer]:
            return [torch.optim.Adam(net.parameters(), **RATES) for net in (self.discriminator, self.generator)]

    quiet = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
    pl.Trainer(max_epochs=1, accelerator="cpu", **quiet).fit(Gan(), DataLoader(Stream(), batch_size=None))


def torchgan(batches: Batches, losses: Losses, size: int) -> None:
    """The trainer of torchgan with our networks under its base classes."""
    from torchgan.losses import MinimaxDiscriminatorLoss, MinimaxGeneratorLoss
    from torchgan.models import Discriminator, Generator
    from torchgan.trainer import Trainer

    generator, discriminator = networks(size)

    class Ours(Generator):
        def __init__(self) -> None:
            super().__init__(generator.latents)
            self.net = generator

        def forward(self, latents: Tensor) -> Tensor:
            return self.net(latents)

    class Judge(Discriminator):
        def __init__(self) -> None:
            super().__init__(3)
            self.net = discriminator

        def forward(self, images: Tensor) -> Tensor:
            return self.net(images)

    def only_images() -> Iterator[Tensor]:
        for real, _ in batches:
            trainer.batch_size = len(real)
            yield real

    adam = {"name": torch.optim.Adam, "args": RATES}
    parts = {"generator": {"name": Ours, "optimizer": adam}, "discriminator": {"name": Judge, "optimizer": adam}}
    with TemporaryDirectory() as folder:
        trainer = Trainer(
            parts,
            [MinimaxGeneratorLoss(), MinimaxDiscriminatorLoss()],
            device=torch.device("cpu"),
            checkpoints=f"{folder}/gan",
            recon=f"{folder}/images",
        )
        trainer.logger.logger_mid_epoch[1].log_console = lambda *_: None  # it would print at each step
        trainer.train(only_images())


def minigan(batches: Batches, losses: Losses, size: int, precision: str) -> None:
    """minigan's step."""
    state = train.start(replace(CONFIG, precision=precision), *networks(size))
    for real, latents in batches:
        batch = {"real": state.to_device(real), "latents": latents}
        found = train.step(state, batch, lambda batch: state.generator(batch["latents"]))
        losses.append((found["discriminator"].item(), found["adversarial"].item()))


CONTESTANTS: dict[str, Callable[[Batches, Losses, int], None]] = {
    BASE: tutorial,
    "Lightning": lightning,
    "torchgan": torchgan,
    OURS[0]: lambda *given: minigan(*given, "float32"),
    OURS[1]: lambda *given: minigan(*given, "bfloat16"),
}


def pairs(size: int, batch: int) -> Batches:
    """Batches of heads, and latents: the same for all contestants."""
    images, random = data.load("peeps"), torch.Generator().manual_seed(CONFIG.seed)
    while True:
        real = images[torch.randint(len(images), (batch,), generator=random)]
        yield data.resize(real, size), torch.randn(batch, 128, generator=random)


def on_demand(pipe: Connection, losses: Losses, size: int, batch: int) -> Batches:
    """As many batches as the pipe asks for; then it is told the seconds until the next one was wanted."""
    source = pairs(size, batch)
    while steps := pipe.recv():
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(steps):
            yield next(source)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        peak = bench.megabytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        pipe.send((wall, cpu, peak, list(losses)))


def contest(name: str, threads: int, pipe: Connection, size: int, batch: int) -> None:
    """In a process of its own: train for as long as the pipe asks for steps; where it fails, send the reason."""
    torch.set_num_threads(threads)
    bench.peers()
    losses: Losses = []
    try:
        CONTESTANTS[name](on_demand(pipe, losses, size, batch), losses, size)
    except Exception as error:
        pipe.send(bench.reason(error))


def take_turns(
    names: list[str], rounds: int, steps: int, size: int = 64, batch: int = CONFIG.batch, warm_up: int = 20
) -> tuple[bench.Turns, dict[str, Losses], dict[str, float], dict[str, str]]:
    """Seconds a step, the losses of the first steps, the peak of memory in MB, and why a contestant does not run."""
    context, pipes, processes = get_context("spawn"), {}, []
    for name in names:
        pipes[name], theirs = context.Pipe()
        settings = name, torch.get_num_threads(), theirs, size, batch
        processes.append(context.Process(target=contest, args=settings, daemon=True))
        processes[-1].start()
    turns, losses, peaks, missing = bench.Turns(), {}, {}, {}
    for number in range(-1, rounds):  # the first round warms up
        for name, pipe in list(pipes.items())[:: -1 if number % 2 else 1]:
            pipe.send(warm_up if number < 0 else steps)
            answer = pipe.recv()
            if isinstance(answer, str):
                missing[name] = answer
                del pipes[name]
                continue
            wall, cpu, peaks[name], seen = answer
            if number < 0:
                losses[name] = seen
            else:
                turns.wall.setdefault(name, []).append(wall / steps)
                turns.cpu.setdefault(name, []).append(cpu / steps)
    for process in processes:
        process.kill()  # a framework would take a polite signal for an interruption and write files
    return turns, losses, {name: round(peak) for name, peak in peaks.items()}, missing


def apart(losses: dict[str, Losses], one: str, other: str) -> float:
    """The largest difference of two contestants' losses in the steps that both have made."""
    both = list(zip(losses[one], losses[other], strict=False))
    return max(abs(a - b) for first, second in both for a, b in zip(first, second, strict=True))


def in_convolutions(name: str, steps: int) -> bench.Found:
    """Milliseconds a step inside of convolutions and outside of them, by PyTorch's profiler, after two steps."""
    source, losses = pairs(64, CONFIG.batch), []

    def some() -> Batches:
        yield from (next(source) for _ in range(2))
        with profile(activities=[ProfilerActivity.CPU]) as watched:
            yield from (next(source) for _ in range(steps))
        spent.extend((event.key, event.self_cpu_time_total) for event in watched.key_averages())

    spent: list[tuple[str, float]] = []
    CONTESTANTS[name](some(), losses, 64)
    inside = sum(microseconds for key, microseconds in spent if "conv" in key)
    everything = sum(microseconds for _, microseconds in spent)
    return {part: round(time / steps / 1e3, 1) for part, time in (("inside", inside), ("outside", everything - inside))}


def measure(quick: bool) -> bench.Found:
    """All that stands in the results."""
    found = bench.conditions()
    names = list(CONTESTANTS)
    rounds, steps, warm_up = (1, 2, 3) if quick else (15, 10, 20)
    turns, losses, peaks, missing = take_turns(names, rounds, steps, warm_up=warm_up)
    drift = {name: apart(losses, BASE, name) for name in ("Lightning", OURS[0]) if name in losses}
    return found | {
        "batch": CONFIG.batch,
        "size": 64,
        **bench.compared(turns, BASE),
        "peak of memory, MB": peaks,
        "does not run": missing,
        "largest difference of losses in 20 steps of float32": drift,
        "convolutions": {name: in_convolutions(name, 1 if quick else 5) for name in (BASE, *OURS)},
    }


def text(found: bench.Found) -> str:
    """The results in Markdown."""
    names = list(found["milliseconds"])
    rows = [[name, *bench.contest_cells(found, name), found["peak of memory, MB"][name]] for name in names]
    missing = "".join(f"{name} does not run here: {why}.\n\n" for name, why in found["does not run"].items())
    drift = found["largest difference of losses in 20 steps of float32"]
    parts = [[name, spent["inside"], spent["outside"]] for name, spent in found["convolutions"].items()]
    return (
        "# Training step against the tutorial loop\n\n"
        f"`python benchmarks/step_speed.py` on {found['machine']}: `peeps`, {found['size']} px, batch "
        f"{found['batch']}, {statistics.median(found['rounds'].values()):.0f} rounds in turns.{bench.load(found)}\n\n"
        f"{bench.table(['contestant', *bench.contest_heads(), 'peak of memory, MB'], rows)}\n\n{missing}"
        "Largest difference from the tutorial's losses in the first 20 steps of float32: "
        f"{', '.join(f'{name} {value:.1e}' for name, value in drift.items())}. torchgan draws its own latents.\n\n"
        "## Where a step's time goes\n\n"
        f"{bench.table(['contestant', 'ms inside of convolutions', 'ms outside'], parts)}\n\n"
        "By PyTorch's profiler, which costs time itself. Convolutions are the same sums in every loop; minigan leaves "
        "out those that lead to D's weights in G's update.\n\n"
        "![Bars of the times as fast as the tutorial](step_speed.png)\n"
    )


def claim(found: bench.Found) -> str:
    times = found["times as fast"]
    said = " and ".join(f"{times[name][0]} times in {name.split()[1]}" for name in OURS)
    return f"A training step of minigan is {said} as fast as the tutorial loop"


def draw(found: bench.Found, folder: Path) -> None:
    """A bar for each contestant."""
    alt = "Bars of the times as fast as the tutorial loop a training step is:"
    bench.bars(found["times as fast"], OURS, folder / "step_speed.png", "times as fast as the tutorial loop", alt)


def main(quick: bench.Quick = False) -> None:
    """Measure minigan's training step against others."""
    if not bench.computes_bfloat16():
        typer.echo("this machine emulates bfloat16, so that contestant will be slow")
    bench.publish(__file__, measure(quick), text, draw, quick=quick)


if __name__ == "__main__":
    typer.run(main)
