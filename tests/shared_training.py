"""Trainings that one process does, or several: `python shared_training.py FOLDER` writes what each process has found.

Small networks, most of them without batch norm, so that several processes have to find what one finds.
"""

import math
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from minigan import data, distributed, nets, processes, train
from minigan.apps import denoise, superres
from minigan.apps.photographs import Task, begin, learn

BATCH, STEPS = 8, 6
AUGMENT = ("brightness", "saturation", "translation")


class Draws(nn.Module):
    """Latents (N, 8) -> images (N, 3, 16, 16)."""

    def __init__(self):
        super().__init__()
        self.latents = 8
        self.net = nn.Sequential(nn.Linear(8, 12 * 16), nn.ReLU(), nn.Unflatten(1, (12, 4, 4)), nn.PixelShuffle(2))
        self.to_image = nn.ConvTranspose2d(3, 3, 4, 2, 1)

    def forward(self, latents):
        return torch.tanh(self.to_image(self.net(latents)))


def config(**settings) -> train.TrainConfig:
    usual = {"images": STEPS * BATCH, "batch": BATCH, "r1_every": 2, "precision": "float32", "ema_half_life": 30}
    return train.TrainConfig(**{**usual, **settings})


def gan(
    run: Path | None = None,
    generator: nn.Module | None = None,
    norm: str = "none",
    draw=None,
    limit=math.inf,
    **settings,
) -> train.TrainState:
    """A GAN on emoji; resumed, where the folder of the run holds one."""
    torch.manual_seed(0)
    state = train.start(config(**settings), generator or Draws(), nets.Discriminator(16, width=8, norm=norm))
    if run and (run / "checkpoint.pt").exists():
        train.resume(state, run)
    pictures = data.load("noto", size=16)
    draw = draw or train.draw
    with distributed.together(state, limit) as share:
        train.fit(
            state,
            lambda state: share(draw(state, pictures)),
            run=run if processes.rank() == 0 else None,
            log_every=2 * BATCH,
            quiet=True,
        )
    return state


def on_photographs(task: Task) -> train.TrainState:
    """An application, learnt from noise of odd sizes."""
    own = task.config
    task = replace(task, config=config(weights=own.weights, betas=own.betas, r1=own.r1), size=32)
    random = torch.Generator().manual_seed(0)
    pictures = [torch.randint(256, (3, 40, 32 + n), generator=random, dtype=torch.uint8) for n in range(3)]
    state = begin(task)
    with distributed.together(state) as share:
        spoil = task.spoil
        shared = replace(task, spoil=lambda real, random: share({"real": real, **spoil(real, random)}))
        learn(shared, state, pictures, quiet=True, log_every=2 * BATCH)
    return state


def adversarial() -> Task:
    """The task of an upscaler with a critic, without the features."""
    pixel = superres.task(2, network=superres.Upscaler(2, 8, 1))
    return replace(pixel, discriminator=superres.PatchDiscriminator(4), config=replace(pixel.config, r1=0.1))


def found(case: Callable[[], train.TrainState]) -> dict[str, Any]:
    """All that a training has changed, but for the time."""
    torch.manual_seed(0)
    kept = train.contents(case())
    del kept["seconds"]
    for entry in kept["history"]:
        del entry["seconds"]
    return kept


def as_one() -> Iterator[tuple[str, dict[str, Any]]]:
    """Trainings of which several processes have to find what one finds."""
    yield "augmented", found(lambda: gan(augment=AUGMENT))
    yield "gradient penalty", found(lambda: gan(loss="wasserstein", gradient_penalty=1.0, r1=0, ema_ramp_up=0))
    yield "spectral norm", found(lambda: gan(norm="spectral", loss="hinge"))
    yield "denoise", found(lambda: on_photographs(denoise.task(denoise.Denoiser(8, 1))))
    yield "superres", found(lambda: on_photographs(adversarial()))


def raised(case: Callable[[], Any]) -> str:
    """What a case raises: its kind and its words."""
    try:
        case()
    except (Exception, SystemExit) as error:
        return f"{type(error).__name__}: {error}"
    return "nothing"


def a_fault_in_one() -> None:
    with processes.one_fate():
        if processes.rank() == 1:
            raise OSError("a file is missing here")


def spoilt(state: train.TrainState, pictures: data.ImageSet) -> train.Batch:
    """A batch, of which the last image is not a number in the third step."""
    batch = train.draw(state, pictures)
    if state.steps == 2:
        batch["real"][-1] = math.nan
    return batch


def interrupted(state: train.TrainState, pictures: data.ImageSet) -> train.Batch:
    """A batch; in its third step, process 1 is told to stop."""
    if state.steps == 2 and processes.rank() == 1:
        os.kill(os.getpid(), signal.SIGINT)
    return train.draw(state, pictures)


def as_several(folder: Path) -> Iterator[tuple[str, Any]]:
    """What only several processes do."""
    rank = processes.rank()
    numbers = [torch.tensor([1.0 + rank]), torch.full((2, 1), 10.0 * rank)]
    distributed.average(numbers)
    yield "average", numbers
    torch.manual_seed(rank)
    state = train.start(config(seed=rank), nets.Generator(16, width=4), nets.Discriminator(16, width=4))
    state.generator.blocks[1].num_batches_tracked += 2**24 + 1 - rank  # more than float32 can count
    distributed.broadcast(state)
    yield "broadcast", {name: value for name, value in train.contents(state).items() if "optimizer" not in name}
    yield "batch norm", found(lambda: gan(generator=nets.Generator(16, width=4), norm="batch"))
    found(lambda: gan(folder / "run", augment=AUGMENT, images=3 * BATCH))
    torch.distributed.barrier()  # until process 0 has written its checkpoint
    yield "resumed", found(lambda: gan(folder / "run", augment=AUGMENT))
    found(lambda: gan(folder / "begun", augment=AUGMENT, images=3 * BATCH))
    yield "interrupted", found(lambda: gan(folder / "interrupted", draw=interrupted))
    yield "late", found(lambda: gan(limit=0.0 if rank == 0 else math.inf))
    yield "not a number", raised(lambda: gan(folder / "failed", draw=spoilt, augment=AUGMENT))
    yield "unequal", raised(lambda: gan(batch=7))
    yield "fate", raised(a_fault_in_one)


if __name__ == "__main__":
    torch.set_num_threads(1)
    with processes.joined(patience=100):
        results = {**dict(as_one()), **dict(as_several(Path(sys.argv[1])))}
        torch.save(results, Path(sys.argv[1]) / f"{processes.rank()}.pt")
