"""What this machine has, and what is worth using of it: the device, bfloat16, the memory allocator.

Shown in chapter 00.
"""

import ctypes
import os
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache

import torch
from torch import nn


def device() -> torch.device:
    """The best device at hand: CUDA, then Apple's MPS, then the CPU. `MINIGAN_DEVICE` overrides.

    Raises `ValueError` when `MINIGAN_DEVICE` names a device that this machine lacks.
    """
    wanted = os.environ.get("MINIGAN_DEVICE") or "auto"
    found = [
        name
        for name, there in (("cuda", torch.cuda.is_available()), ("mps", torch.backends.mps.is_available()))
        if there
    ]
    found.append("cpu")
    if wanted == "auto":
        return torch.device(found[0])
    if wanted.split(":")[0] not in found:
        raise ValueError(
            f"MINIGAN_DEVICE is {wanted!r}, this machine has {', '.join(found)}; set it to one of these or to 'auto'"
        )
    return torch.device(wanted)


@cache
def bf16_speedup(kind: str = "cpu") -> float:
    """How many times faster a small convolution trains in bfloat16 than in float32 on this device, measured once.

    About 1.5 or more on a CPU with AVX512-BF16 or AMX and on a recent GPU, far below 1 on a CPU that must emulate it.
    """
    if kind == "mps" or (kind == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False)):
        return 0.0
    with torch.random.fork_rng(devices=[]):  # measuring must not change what the caller draws next
        layer = nn.Conv2d(64, 128, 4, 2, 1).to(kind).to(memory_format=torch.channels_last)
        images = torch.randn(16, 64, 16, 16).to(kind, memory_format=torch.channels_last)

    def seconds(dtype: torch.dtype, repeats: int = 6) -> float:
        times = []
        for _ in range(repeats):
            start = time.perf_counter()
            with torch.autocast(kind, dtype, enabled=dtype != torch.float32):
                loss = layer(images).square().mean()
            loss.backward()
            loss.item()  # waits for the device
            times.append(time.perf_counter() - start)
        return sorted(times)[repeats // 3]

    seconds(torch.bfloat16, 2)  # warm up
    return seconds(torch.float32) / seconds(torch.bfloat16)


def precision(wanted: str = "auto", on: torch.device | None = None) -> torch.dtype:
    """`torch.bfloat16` where it is at least a tenth faster on this device, else `torch.float32`.

    `wanted`: auto, float32 or bfloat16.
    """
    names = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    if wanted in names:
        return names[wanted]
    if wanted != "auto":
        raise ValueError(f"precision is {wanted!r}, expected one of auto, {', '.join(names)}")
    return torch.bfloat16 if bf16_speedup((on or device()).type) > 1.1 else torch.float32


def autocast(on: torch.device, dtype: torch.dtype) -> AbstractContextManager:
    """Run the operations that bear it in `dtype`, the others in float32. Weights stay float32."""
    return torch.autocast(on.type, dtype, enabled=dtype != torch.float32)


@cache
def keep_freed_memory() -> bool:
    """Ask glibc to keep freed memory instead of returning it to the system.

    True where that worked (Linux with glibc).

    A training step frees and asks again for the same large tensors. By default glibc maps each one afresh, and the
    system clears it page by page. The step that `benchmarks/step_speed.py` measures has it.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt: Callable[[int, int], int] | None = getattr(ctypes.CDLL(None), "mallopt", None)
    trim_threshold, mmap_threshold, largest = -1, -3, 2**31 - 1  # the numbers of mallopt(3)
    return bool(mallopt and mallopt(mmap_threshold, 2**25) and mallopt(trim_threshold, largest))


def return_unused_memory() -> None:
    """Give the system back what `keep_freed_memory` has kept and nobody uses now: some milliseconds, on glibc only."""
    if keep_freed_memory():
        ctypes.CDLL(None).malloc_trim(0)
