"""How fast this machine trains: two seconds of one fixed small network."""

import time

import torch
from torch import nn

from minigan.hardware import device


def probe(seconds: float = 2.0) -> float:
    """Return training steps per second of a fixed small convolutional network on this machine's device.

    Chapters are timed together with this number, so that their times can be scaled to another machine.
    """
    return max(speeds(seconds).values())


def speeds(seconds: float = 2.0) -> dict[int, float]:
    """Return the steps per second by the number of threads: one, and as many as torch takes.

    Several threads are slower than one where other programs hold the cores, since each operation waits for the last.
    """
    on = device()
    threads = torch.get_num_threads()
    counts = sorted({1, threads}) if on.type == "cpu" else [threads]
    measured = {}
    try:
        for count in counts:
            torch.set_num_threads(count)
            measured[count] = _steps_per_second(seconds / len(counts), on)
    finally:
        torch.set_num_threads(threads)
    return measured


def _steps_per_second(seconds: float, on: torch.device) -> float:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = nn.Sequential(
            nn.Conv2d(3, 32, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(32, 64, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.ConvTranspose2d(64, 32, 4, 2, 1),
            nn.ReLU(),
            nn.ConvTranspose2d(32, 3, 4, 2, 1),
        ).to(on)
        images = torch.randn(8, 3, 64, 64).to(on)
    optimizer = torch.optim.Adam(net.parameters())

    def step() -> None:
        loss = (net(images) - images).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()  # waits for the device

    for _ in range(2):  # warm up
        step()
    start, steps = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        step()
        steps += 1
    return steps / (time.perf_counter() - start)
