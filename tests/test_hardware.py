"""The device, the precision and the allocator, on machines that this one may not be."""

import ctypes
import sys
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from minigan import hardware
from minigan.hardware import autocast, bf16_speedup, device, keep_freed_memory, precision

CPU = torch.device("cpu")


@pytest.fixture
def machine(monkeypatch):
    """`machine("cuda", "mps")`: a machine that has these beside its CPU."""

    def have(*names: str) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: "cuda" in names)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: "mps" in names)

    monkeypatch.delenv("MINIGAN_DEVICE", raising=False)
    return have


@pytest.fixture
def speedup(monkeypatch):
    """`speedup(2.0)`: a machine on which bfloat16 is twice as fast."""
    return lambda factor: monkeypatch.setattr(hardware, "bf16_speedup", lambda kind="cpu": factor)


@pytest.mark.parametrize(
    ("names", "best"), [((), "cpu"), (("mps",), "mps"), (("cuda",), "cuda"), (("cuda", "mps"), "cuda")]
)
@pytest.mark.parametrize("wanted", [None, "auto", ""])
def test_the_best_device_is_chosen(machine, monkeypatch, names, best, wanted):
    machine(*names)
    if wanted is not None:
        monkeypatch.setenv("MINIGAN_DEVICE", wanted)
    assert device() == torch.device(best)


@pytest.mark.parametrize("wanted", ["cpu", "cuda", "cuda:1"])
def test_the_environment_overrides(machine, monkeypatch, wanted):
    machine("cuda")
    monkeypatch.setenv("MINIGAN_DEVICE", wanted)
    assert device() == torch.device(wanted)


@pytest.mark.parametrize("wanted", ["cuda", "cuda:0", "tpu"])
def test_a_device_that_is_not_there(refuses, machine, monkeypatch, wanted):
    machine("mps")
    monkeypatch.setenv("MINIGAN_DEVICE", wanted)
    with refuses(ValueError, f"MINIGAN_DEVICE is {wanted!r}", "this machine has mps, cpu", "; set it to one of these"):
        device()


@pytest.mark.parametrize(
    ("factor", "expected"), [(0.0, torch.float32), (1.1, torch.float32), (1.2, torch.bfloat16), (8.0, torch.bfloat16)]
)
def test_precision_follows_the_measurement(speedup, factor, expected):
    speedup(factor)
    assert precision() == expected
    assert precision("auto", CPU) == expected


@pytest.mark.parametrize("factor", [0.1, 5.0])
def test_precision_that_is_asked_for_is_given(speedup, factor):
    speedup(factor)
    assert precision("float32") == torch.float32
    assert precision("bfloat16") == torch.bfloat16


def test_precision_is_measured_on_the_device_in_question(monkeypatch):
    monkeypatch.setattr(hardware, "bf16_speedup", {"cpu": 0.1, "cuda": 3.0}.get)
    assert precision("auto", torch.device("cuda:1")) == torch.bfloat16
    assert precision("auto", CPU) == torch.float32


def test_an_unknown_precision(refuses):
    with refuses(ValueError, "precision is 'float16'", "expected one of auto, float32, bfloat16"):
        precision("float16")


def test_the_probe_divides_the_times(monkeypatch):
    """With a clock on which bfloat16 takes 1 s and float32 3 s, the speed-up is 3."""
    clock = SimpleNamespace(now=0.0)
    real = torch.autocast

    def watched(kind, dtype, enabled):
        clock.now += 1.0 if enabled else 3.0
        return real(kind, dtype, enabled=enabled)

    monkeypatch.setattr(torch, "autocast", watched)
    monkeypatch.setattr(hardware.time, "perf_counter", lambda: clock.now)
    assert_close(bf16_speedup.__wrapped__("cpu"), 3.0)


def test_the_probe_leaves_the_random_numbers_alone():
    torch.manual_seed(0)
    expected = torch.get_rng_state()
    bf16_speedup.__wrapped__("cpu")
    assert torch.get_rng_state().equal(expected)


def test_the_probe_is_taken_once():
    bf16_speedup.cache_clear()
    first = bf16_speedup("cpu")
    assert bf16_speedup("cpu") == first and bf16_speedup.cache_info().hits == 1
    assert first > 0


def test_no_bfloat16_where_the_device_lacks_it(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: False)
    assert bf16_speedup.__wrapped__("cuda") == 0.0
    assert bf16_speedup.__wrapped__("mps") == 0.0


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_autocast_runs_the_layer_in_the_precision_and_keeps_the_weights(dtype):
    layer, images = nn.Conv2d(3, 4, 3), torch.randn(2, 3, 8, 8)
    with autocast(CPU, dtype):
        features = layer(images)
    assert features.dtype == dtype
    features.float().sum().backward()
    assert layer.weight.dtype == layer.weight.grad.dtype == torch.float32


@pytest.mark.parametrize(("answers", "expected"), [((1, 1), True), ((0, 1), False), ((1, 0), False), (None, False)])
def test_memory_is_kept_where_glibc_obeys(monkeypatch, answers, expected):
    calls = []

    def mallopt(parameter, value):
        calls.append((parameter, value))
        return answers[len(calls) - 1]

    library = SimpleNamespace() if answers is None else SimpleNamespace(mallopt=mallopt)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    assert keep_freed_memory.__wrapped__() is expected
    if expected:
        assert calls == [(-3, 2**25), (-1, 2**31 - 1)]  # M_MMAP_THRESHOLD and M_TRIM_THRESHOLD of malloc.h


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_other_systems_are_left_alone(monkeypatch, platform):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: pytest.fail("glibc is not here"))
    assert keep_freed_memory.__wrapped__() is False


@pytest.mark.parametrize(("kept", "expected"), [(True, [0]), (False, [])])
def test_unused_memory_goes_back_where_it_was_kept(monkeypatch, kept, expected):
    calls = []
    monkeypatch.setattr(hardware, "keep_freed_memory", lambda: kept)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace(malloc_trim=calls.append))
    hardware.return_unused_memory()
    assert calls == expected
