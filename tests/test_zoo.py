"""The ward of chapter 02: each patient has its one fault, and the sign that is said to decide shows it."""

import pytest
import torch
from torch import nn

from minigan import plot
from minigan.course import zoo

STEPS = 60


@pytest.fixture(scope="module")
def charts() -> dict[int, tuple[zoo.Chart, zoo.Chart]]:
    """Of each patient: the chart of the sick run and that of its healthy twin."""
    return {
        number: (zoo.examine(zoo.sick(number), STEPS), zoo.examine(zoo.mended(number), STEPS))
        for number in zoo.PATIENTS
    }


def test_a_patient_with_too_slow_a_discriminator_makes_one_picture(charts):
    sick, twin = charts[1]
    assert sick.of("variety")[-1] < 0.6 * twin.of("variety")[-1]


def test_a_generator_that_hardly_moves_has_a_large_gradient_and_loses(charts):
    sick, twin = charts[2]
    assert sick.of("D loss")[-1] < 0.1 < twin.of("D loss")[-1]
    assert sick.of("G gradient")[-1] > 1


def test_data_in_another_range_show_in_the_values(charts):
    low, high = (float(bound) for bound in charts[3][0].real.aminmax())
    assert low == pytest.approx(0, abs=1e-6)
    assert high <= 1
    assert charts[6][0].real.max() > 1.5 > 1 >= charts[6][0].samples.abs().max()
    assert charts[3][1].real.min() == -1


def test_without_detach_the_gradients_cancel(charts):
    sick, twin = charts[4]
    assert sick.of("G gradient")[-1] < 0.02 * twin.of("G gradient")[-1]
    assert sick.of("variety")[-1] < 0.3 < twin.of("variety")[-1]


def test_a_norm_over_the_batch_flattens_the_critic(charts):
    sick, twin = charts[5]
    assert sick.of("slope")[-1] < 0.5 * twin.of("slope")[-1]


@pytest.mark.parametrize(("norm_over", "penalty"), [("image", (3 - 1) ** 2), ("batch", (3 * 4 - 1) ** 2)])
def test_the_penalty_of_a_linear_critic(norm_over, penalty):
    linear = nn.Sequential(nn.Flatten(), nn.Linear(9, 1, bias=False))
    nn.init.ones_(linear[1].weight)
    images = torch.zeros(16, 1, 3, 3)
    found = zoo.slope_penalty(linear, images, images, zoo.Regime(norm_over=norm_over))
    torch.testing.assert_close(found, torch.tensor(float(penalty)))


def test_a_run_repeats_itself_and_leaves_the_callers_randomness_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = zoo.examine.__wrapped__(zoo.Regime(), 3)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first.samples, zoo.examine.__wrapped__(zoo.Regime(), 3).samples)
    assert [entry["step"] for entry in first.signs] == [0, 2]


def test_the_charts_are_drawn_without_the_diagnosis(monkeypatch):
    shown = []
    monkeypatch.setattr(plot.Picture, "show", lambda picture, save=None: shown.append(picture.alt))
    for number in zoo.PATIENTS:
        zoo.show(number, STEPS)
        zoo.show_mended(number, STEPS)
    assert len(set(shown)) == 2 * len(zoo.PATIENTS)
    assert not any(word in alt for alt in shown for word in ("detach", "collapse", "range", "batch"))
