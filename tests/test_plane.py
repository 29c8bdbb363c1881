"""The plane of distortion and perception, and the spectra of chapter 07, on answers that are known."""

import json
import math
from importlib import import_module

import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from minigan.course import plane
from minigan.course.spectrum import comb, drawn_and_right, rings, windowed_spectrum


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 0.3


def row(method, psnr, distance, **more):
    return {"method": method, "psnr": psnr, "distance": distance, **more}


# The plane


@pytest.mark.parametrize(("psnr", "error"), [(20 * math.log10(255), 1), (0, 255), (20, 25.5)])
def test_the_error_of_a_psnr(psnr, error):
    assert plane.error_of(psnr) == pytest.approx(error)


def test_points_are_means_over_the_photographs_of_the_chosen_rows():
    application = plane.Application("x", {"level": 25}, ("left out",))
    rows = [
        row("a", [20, 40], [0.1, 0.3], level=25),
        row("a", [1, 1], [9, 9], level=10),
        row("left out", [1], [1], level=25),
    ]
    assert plane.points_of(application, rows) == {"a": (pytest.approx((25.5 + 2.55) / 2), pytest.approx(0.2))}


def test_points_come_from_the_benchmarks_that_have_been_run(tmp_path, monkeypatch):
    for module in ("plane", "measured"):
        monkeypatch.setattr(import_module(f"minigan.course.{module}"), "RESULTS", tmp_path)
    assert plane.points() == {}
    rows = [row("pixel", [20], [0.5], scale=4), row("pixel", [30], [0.5], scale=2)]
    (tmp_path / "superres.json").write_text(json.dumps({"rows": rows}))
    found = plane.points()
    assert found == {"super-resolution x4": {"pixel": (pytest.approx(25.5), 0.5)}}
    assert "super-resolution x4: pixel 25.5 and 0.50" in plane.in_words(found)
    plane.draw(found, save=tmp_path / "plane.png")
    assert (tmp_path / "plane.png").stat().st_size > 1000


def test_names_cover_no_point_no_line_and_no_other_name():
    axis = Figure(figsize=(6, 4)).subplots()
    places = {"first": (10.0, 0.5), "second": (10.1, 0.5), "third": (10.2, 0.51), "fourth": (10.1, 0.49)}
    axis.set(xlim=(0, 40), ylim=(0, 1))
    spots = axis.transData.transform([*places.values(), *plane.along([(10.0, 0.5), (30.0, 0.9)])])
    busy = [Bbox.from_bounds(x - 2, y - 2, 4, 4) for x, y in spots]
    for name, point in places.items():
        plane.name_point(axis, name, point, "black", busy)
    names = [text.get_window_extent() for text in axis.texts if text.get_text()]
    assert len(names) == len(places)
    assert not any(box.count_overlaps([*names[:number], *busy[: len(spots)]]) for number, box in enumerate(names))
    assert all(axis.get_window_extent().contains(*corner) for box in names for corner in (box.p0, box.p1))


def test_points_along_a_line():
    between = plane.along([(0.0, 0.0), (1.0, 2.0), (1.0, 3.0)])
    assert between[0] == (0, 0) and between[-1] == (1, 3) and (0.5, 1.0) in between


# Spectra


def test_equal_pictures_are_drawn_and_right():
    images = noise(1, 3, 160, 200)
    drawn, right = drawn_and_right([(images, images)], side=64, count=8)
    torch.testing.assert_close(drawn, torch.ones(8, dtype=torch.float64))
    torch.testing.assert_close(right, torch.ones(8, dtype=torch.float64))
    drawn, right = drawn_and_right([(images, -0.5 * images)], side=64, count=8)
    torch.testing.assert_close(drawn, torch.full((8,), 0.25, dtype=torch.float64))
    torch.testing.assert_close(right, -torch.ones(8, dtype=torch.float64))


def test_unrelated_detail_is_drawn_and_not_right():
    drawn, right = drawn_and_right([(noise(1, 3, 256, 256), noise(1, 3, 256, 256, seed=1))], side=64, count=8)
    assert bool(((drawn[1:] - 1).abs() < 0.3).all()) and bool((right[1:].abs() < 0.15).all())


def test_a_mean_draws_what_it_knows():
    """Known plus unknown detail of equal power: the best guess is the known part, and drawn = right ** 2 = 1 / 2."""
    known, unknown = noise(1, 3, 512, 512), noise(1, 3, 512, 512, seed=1)
    drawn, right = drawn_and_right([(known + unknown, known)], side=64, count=4)
    torch.testing.assert_close(drawn, torch.full((4,), 0.5, dtype=torch.float64), rtol=0.2, atol=0)
    torch.testing.assert_close(right.square(), drawn, rtol=0.1, atol=0)


def test_rings_by_hand():
    inside = rings(8, 4)
    assert inside[0].tolist() == [0, 1, 2, 3, -1, 3, 2, 1]
    assert int(inside[1, 1]) == 1  # sqrt(2) / 8 periods in a pixel lie between 1 / 8 and 2 / 8
    assert torch.equal(inside, inside.T)


def test_a_stripe_is_one_frequency():
    stripes = torch.sin(2 * math.pi * torch.arange(64) / 4).expand(1, 3, 64, -1)
    power = windowed_spectrum(stripes, 64).abs().square()[0]
    row, column = divmod(int(power[:, :32].argmax()), 32)
    assert (row, column) == (0, 16)


@pytest.mark.parametrize("period", [2, 4])
def test_a_grid_stands_out_and_noise_does_not(period):
    images = noise(1, 3, 256, 256)
    assert abs(comb(images, period)) < 1.5
    grid = torch.zeros(1, 1, 256, 256)
    grid[..., ::period, ::period] = 1
    assert comb(images + 0.5 * grid, period) > comb(images + 0.2 * grid, period) > 3
