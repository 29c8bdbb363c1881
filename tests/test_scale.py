"""How much a chapter computes, and what the benchmarks found."""

from importlib import import_module

import pytest
import torch

from minigan import hardware
from minigan.course import measured, pick, scale


@pytest.mark.parametrize("name", ["quick", "cpu", "full"])
def test_the_environment_decides(name, monkeypatch):
    monkeypatch.setenv("MINIGAN_SCALE", name)
    assert scale() == name
    assert pick(quick="quick", cpu="cpu", full="full") == name


@pytest.mark.parametrize(("device", "expected"), [("cpu", "cpu"), ("cuda", "full"), ("mps", "full")])
@pytest.mark.parametrize("wanted", ["auto", "", None])
def test_auto_asks_for_the_device(device, expected, wanted, monkeypatch):
    if wanted is None:
        monkeypatch.delenv("MINIGAN_SCALE", raising=False)
    else:
        monkeypatch.setenv("MINIGAN_SCALE", wanted)
    monkeypatch.setattr(hardware, "device", lambda: torch.device(device))
    assert scale() == expected


def test_a_wrong_scale_is_refused_with_the_nearest(monkeypatch):
    monkeypatch.setenv("MINIGAN_SCALE", "quik")
    with pytest.raises(ValueError, match="MINIGAN_SCALE 'quik' is not known; did you mean 'quick'"):
        scale()
    monkeypatch.setenv("MINIGAN_SCALE", "zzz")
    with pytest.raises(ValueError, match="choose one of quick, cpu, full, auto"):
        scale()


def test_results_of_a_benchmark_are_read_and_missing_ones_explained(tmp_path, monkeypatch, refuses):
    monkeypatch.setattr(import_module("minigan.course.measured"), "RESULTS", tmp_path)
    (tmp_path / "speed.json").write_text('{"ratio": 1.5}')
    assert measured("speed") == {"ratio": 1.5}
    with refuses(FileNotFoundError, "no results of the benchmark 'sped'", "there are: speed", "run the script"):
        measured("sped")
