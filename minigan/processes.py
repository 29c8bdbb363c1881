"""Several processes that know of each other: who is who, one fate for all, and an end that all have agreed on.

Shown in no chapter: what they do together stands in `minigan.distributed`, and the rest is care.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

from minigan import hardware


def count() -> int:
    """How many processes work together; 1 where nobody has called them together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """The number of this process, from 0. Process 0 writes the files and speaks."""
    return dist.get_rank() if dist.is_initialized() else 0


def number(variable: str, least: int) -> int:
    """A number that torchrun has set in the environment; the least one where there is none."""
    said = os.environ.get(variable) or str(least)
    if not said.isdecimal() or int(said) < least:
        raise ValueError(
            f"{variable} is {said!r}, expected a number that torchrun sets; unset it, or start with torchrun"
        )
    return int(said)


@contextmanager
def joined(patience: float = 300) -> Iterator[None]:
    """Inside the block, the processes that torchrun has started know of each other. A process of its own stays alone.

    They talk by NCCL, each with a GPU of its own, or by Gloo on the CPU. `patience`: seconds without a word after which
    the others are given up. Raises `ValueError` where the device is none for several processes.
    """
    processes = number("WORLD_SIZE", 1)
    if processes == 1:
        yield
        return
    kind = hardware.device().type
    if kind == "cuda":
        place, gpus = number("LOCAL_RANK", 0), torch.cuda.device_count()
        if place >= gpus:
            raise ValueError(
                f"process {place} has no GPU, there are {gpus} here, expected one for each process; start fewer, or "
                "choose the device cpu"
            )
        torch.cuda.set_device(place)
    elif kind != "cpu":
        raise ValueError(f"the device is {kind}, expected cuda or cpu for several processes; start one, or choose cpu")
    with heard():
        dist.init_process_group("nccl" if kind == "cuda" else "gloo", timeout=timedelta(seconds=patience))
    try:
        yield
    finally:
        dist.destroy_process_group()


@contextmanager
def heard() -> Iterator[None]:
    """Say in one sentence that another process is gone."""
    try:
        yield
    except RuntimeError as error:  # what torch raises when a connection is closed, or nobody answers
        raise ConnectionError(
            f"process {rank()} has lost the others, which have ended or do not answer; the run goes on from its last "
            "checkpoint with --resume"
        ) from error


@contextmanager
def one_fate() -> Iterator[None]:
    """A fault of the user that one process finds inside the block stops all of them, and process 0 alone tells it.

    All have to come to the end of the block; nobody is then left waiting for one that has given up.
    """
    mine: Exception | None = None
    try:
        yield
    except (ValueError, OSError) as error:
        mine = error
    reasons = [str(mine) if mine else ""] * count()
    if count() > 1:
        with heard():
            dist.all_gather_object(reasons, reasons[0])
    if any(reasons):
        if rank():
            raise SystemExit(2)
        raise mine or ValueError(next(filter(None, reasons)))


class Agreement:
    """Makes the wish of one process to stop that of all, so that they end after the same step.

    A signal reaches the processes at different times, and the first to stop would leave the others waiting. So the
    signals are kept from the handlers of `train.fit`, which are called once all have agreed. `due()` says whether this
    process wishes to stop for another reason.
    """

    def __init__(self, device: torch.device, due: Callable[[], bool]):
        self.device, self.due = device, due
        self.wish = False
        self.handlers: dict[int, Any] = {}

    def note(self, number: int, frame: Any) -> None:
        """Take a signal; the second one stops at once."""
        if self.wish:
            raise KeyboardInterrupt
        self.wish = True

    def reach(self) -> None:
        """Ask all processes; each calls this once in every step, from inside of `train.fit`."""
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) != self.note:
                self.handlers[number] = signal.signal(number, self.note)
        wishes = torch.tensor(float(self.wish or self.due()), device=self.device)
        with heard():
            dist.all_reduce(wishes)
        if wishes > 0:
            self.handlers[signal.SIGINT](signal.SIGINT, None)

    def release(self) -> None:
        """Give the signals back, where nobody else has taken them."""
        for number, handler in self.handlers.items():
            if signal.getsignal(number) == self.note:
                signal.signal(number, handler)
