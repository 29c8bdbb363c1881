"""What makes a training step faster: each lever alone, then all together, in turns. For chapter 12 and its benchmark.

The step is that of `minigan train peeps`. Without a lever it is what a plain loop does: float32, the usual memory
layout, Adam weight by weight, the R1 penalty at every step.
"""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from minigan import data, hardware, train
from minigan.backbones import Backbone
from minigan.nets import Discriminator, Generator
from minigan.perceptual import FeatureDistance

Step = Callable[[], torch.Tensor]  # one step of training; its loss, still on the device
LAZY = 4  # steps between two R1 penalties, where they are lazy


@dataclass(frozen=True)
class Lever:
    """How a step is made."""

    channels_last: bool = False
    fused: bool = False  # Adam in one pass over all weights
    lazy: bool = False  # R1 in every LAZY-th step, LAZY times as strong
    precision: str = "float32"
    compile: bool = False


PLAIN = "plain loop"
LEVERS = {
    PLAIN: Lever(),
    "channels_last": Lever(channels_last=True),
    "fused Adam": Lever(fused=True),
    f"R1 every {LAZY}th step": Lever(lazy=True),
    "bfloat16": Lever(precision="bfloat16"),
    "bfloat16 and channels_last": Lever(precision="bfloat16", channels_last=True),
    "compile": Lever(compile=True),
}


def worthwhile() -> dict[str, Lever]:
    """The levers to try on this machine, and all that pay together: bfloat16 only where it is faster than float32."""
    precision = "bfloat16" if hardware.precision() == torch.bfloat16 else "float32"
    tried = {
        name: lever for name, lever in LEVERS.items() if not lever.compile and lever.precision in ("float32", precision)
    }
    return {**tried, "all together": Lever(True, True, True, precision)}


def gan_step(lever: Lever, width: int = 48, batch: int = 32) -> Step:
    """A function that makes one step of a GAN of heads, with new networks."""
    torch.manual_seed(0)
    config = train.TrainConfig(
        batch=batch,
        channels_last=lever.channels_last,
        precision=lever.precision,
        compile=lever.compile,
        r1_every=LAZY if lever.lazy else 1,
    )
    state, peeps = train.start(config, Generator(64, width=width), Discriminator(64, width=width)), data.load("peeps")
    if not lever.fused:
        state.g_optimizer, state.d_optimizer = (
            torch.optim.Adam(network.parameters(), config.rate, config.betas, foreach=False)
            for network in (state.generator, state.discriminator)
            if network is not None
        )
    return lambda: train.step(state, train.draw(state, peeps))["discriminator"]


def feature_steps(batch: int = 8, size: int = 64) -> dict[str, Step]:
    """Two functions that find the gradient of L_FD: features of the real pictures found anew, or once for all."""
    device = hardware.device()
    distance = FeatureDistance(Backbone("efficientnet_lite0", ["block2", "block4"])).to(device)
    real = data.resize(data.load("peeps")[:batch], size).to(device)
    fake = torch.zeros_like(real, requires_grad=True)
    with torch.no_grad():
        kept = distance.backbone(real)

    def step(cached: bool) -> torch.Tensor:
        with torch.no_grad():
            features = kept if cached else distance.backbone(real)
        loss = distance.from_features(features, distance.backbone(fake)).mean()
        loss.backward()
        return loss.detach()

    return {"features found anew": lambda: step(False), "features kept": lambda: step(True)}


def take_turns(steps: Mapping[str, Step], rounds: int, each: int = LAZY) -> dict[str, list[float]]:
    """Seconds a step of each contestant in each round. They take turns, so that all see the same weather."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(-1, rounds):  # the first round warms up
        for name, step in steps.items():
            began = time.perf_counter()
            for _ in range(each):
                loss = step()
            loss.item()  # waits for the device
            if number >= 0:
                seconds[name].append((time.perf_counter() - began) / each)
    return seconds


def times_as_fast(seconds: Mapping[str, list[float]], against: str = PLAIN) -> dict[str, tuple[float, float, float]]:
    """The median, the lowest and the highest ratio of each contestant to one of them, taken within the rounds."""
    ratios = {
        name: [other / own for other, own in zip(seconds[against], spent, strict=True)]
        for name, spent in seconds.items()
    }
    return {name: (statistics.median(each), min(each), max(each)) for name, each in ratios.items()}
