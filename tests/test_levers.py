"""The levers of speed: the ratios by hand, and that each contestant is what its name says."""

import pytest
import torch

from minigan.course import levers


def test_ratios_are_taken_within_the_rounds():
    seconds = {"plain loop": [2.0, 4.0, 9.0], "faster": [1.0, 1.0, 3.0]}
    found = levers.times_as_fast(seconds)
    assert found["faster"] == (3.0, 2.0, 4.0)
    assert found["plain loop"] == (1.0, 1.0, 1.0)
    assert levers.times_as_fast(seconds, "faster")["plain loop"] == pytest.approx((1 / 3, 1 / 4, 1 / 2))


def test_contestants_take_turns_and_the_first_round_is_not_counted():
    called = []
    steps = {name: lambda name=name: called.append(name) or torch.zeros(()) for name in "ab"}
    seconds = levers.take_turns(steps, rounds=2, each=3)
    assert called == list("aaabbb" * 3)
    assert [len(spent) for spent in seconds.values()] == [2, 2]


def test_a_step_with_and_without_levers_finds_the_same_loss(monkeypatch):
    """Layout and optimiser change the speed and not the sums."""
    monkeypatch.setenv("MINIGAN_DEVICE", "cpu")
    plain, fast = (
        levers.gan_step(lever, width=4, batch=4)
        for lever in (levers.Lever(), levers.Lever(channels_last=True, fused=True))
    )
    for _ in range(3):
        torch.testing.assert_close(plain(), fast(), rtol=1e-4, atol=1e-5)


def test_kept_features_give_the_same_loss(monkeypatch):
    monkeypatch.setenv("MINIGAN_DEVICE", "cpu")
    anew, kept = levers.feature_steps(batch=2, size=32).values()
    torch.testing.assert_close(anew(), kept())


def test_only_what_pays_is_tried(monkeypatch):
    for dtype, there in ((torch.float32, False), (torch.bfloat16, True)):
        monkeypatch.setattr(levers.hardware, "precision", lambda dtype=dtype: dtype)
        tried = levers.worthwhile()
        assert ("bfloat16" in tried) == there == (tried["all together"].precision == "bfloat16")
        assert "compile" not in tried
