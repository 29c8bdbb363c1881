"""What the machine gives: the device, threads, processors, memory, disk, with the limits of the place."""

import math
import os
import platform
import shutil

from minigan.course.doctor.findings import Finding
from minigan.course.doctor.installation import ROOT
from minigan.course.doctor.limits import NONE, Limits
from minigan.course.doctor.places import HERE, Place

KERNEL_MB = 1200  # what the largest chapter may use, held by a test


def device(allowed: Limits = NONE) -> list[Finding]:
    """What computes, with how many threads, and whether bfloat16 is worth its while."""
    import torch

    from minigan import hardware

    try:
        on = hardware.device()
    except ValueError as error:
        return [Finding("device", str(error), "blocks", "unset MINIGAN_DEVICE")]
    name = torch.cuda.get_device_name(on) if on.type == "cuda" else platform.processor() or platform.machine()
    usable = hardware.precision(on=on) == torch.bfloat16
    speedup = f"{hardware.bf16_speedup(on.type):.1f} times as fast as float32"
    return [
        Finding("device", f"{on} ({name})"),
        threads(torch.get_num_threads(), allowed, computes=on.type == "cpu"),
        Finding("bfloat16", f"used: {speedup}" if usable else f"not used: {speedup}; float32 is"),
    ]


def threads(count: int, allowed: Limits = NONE, computes: bool = True) -> Finding:
    """As many threads as cores that may be used: fewer leave some idle, more wait for each other."""
    there = os.cpu_count() or 1
    cores = max(1, min(there, math.ceil(allowed.cores or there)))
    value = f"{count} of {cores} cores"
    if cores < there:
        value = f"{count}, and {allowed.cores:g} of {there} cores may be used"
    if computes and count == 1 and cores > 1:
        remedy = "unset OMP_NUM_THREADS, or close what binds the process to one core"
        return Finding("threads", value, "unsure", remedy)
    if computes and count > cores:
        remedy = f"run `import torch; torch.set_num_threads({cores})` in the first cell, or set OMP_NUM_THREADS={cores}"
        return Finding("threads", f"{value}: they wait for each other", "unsure", remedy)
    return Finding("threads", value)


def load(speeds: dict[int, float], where: Place = HERE) -> list[Finding]:
    """The cores are free: several threads are not slower than one. `speeds`: from `minigan.course.probe`."""
    most = max(speeds)
    value = f"{most} threads {speeds[most] / speeds[min(speeds)]:.1f} times as fast as one"
    if speeds[most] < 0.8 * speeds[min(speeds)]:
        return [Finding("load", f"{value}: the cores are busy", "unsure", where.busy)]
    return [Finding("load", value)] if len(speeds) > 1 else []


def disk(free: int | None = None) -> list[Finding]:
    """There is room for checkpoints and pictures."""
    free_mb = (shutil.disk_usage(ROOT).free if free is None else free) // 2**20
    value = f"{free_mb / 1024:.1f} GB free"
    if free_mb < 100:
        return [Finding("disk", value, "blocks", "free at least 1 GB: notebooks and checkpoints cannot be saved")]
    if free_mb < 1024:
        return [Finding("disk", value, "unsure", "free about 1 GB, for checkpoints and pictures")]
    return [Finding("disk", value)]


def memory(
    where: Place = HERE, allowed: Limits = NONE, total: int | None = None, free: int | None = None
) -> list[Finding]:
    """The largest chapter fits into memory: into what this place allows, which may be less than the machine has."""
    if total is None or free is None:
        import psutil

        total, free = psutil.virtual_memory().total, psutil.virtual_memory().available
    limited = allowed.memory is not None and allowed.memory < total
    if allowed.memory is not None:
        free = min(free, max(allowed.memory - (allowed.used or 0), 0))
    have = f"{gigabytes(allowed.memory)} may be used, of {gigabytes(total)}" if limited else gigabytes(total)
    value, free_mb = f"{have}, {gigabytes(free)} free", free // 2**20
    remedy = f"{where.memory}: a chapter needs up to {KERNEL_MB} MB"
    if free_mb < KERNEL_MB // 2:
        return [Finding("memory", value, "blocks", remedy)]
    return [Finding("memory", value, "unsure", remedy) if free_mb < KERNEL_MB * 3 // 2 else Finding("memory", value)]


def gigabytes(size: int | None) -> str:
    """A size in bytes as people read it."""
    return f"{(size or 0) / 2**30:.1f} GB"
