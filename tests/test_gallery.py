"""Rows of named pictures, pixel for pixel."""

import numpy as np
import torch
from PIL import Image

from minigan.course.gallery import rows

ALT = "Two rows of grey and white squares with their names."


def test_rows_hold_each_picture_pixel_for_pixel(tmp_path):
    batches = {"grey": torch.zeros(3, 1, 8, 6), "white": torch.ones(2, 3, 8, 6)}
    rows(batches, alt=ALT, zoom=2, save=tmp_path / "a.png")
    sheet = np.asarray(Image.open(tmp_path / "a.png").convert("RGB"))
    assert sheet.shape[0] == 2 * 16 + 6
    left = sheet.shape[1] - 2 * (3 * 6 + 2 * 2)
    first = sheet[:16, left:]
    assert (np.abs(first[:, :12].astype(int) - 128) <= 1).all() and (first[:, 12:16] == 255).all()
    assert (sheet[:16, :left] < 200).any() and (sheet[22:, :left] < 200).any()  # the names
    assert (sheet[22:, left:] == 255).all()


def test_titles_stand_over_their_columns(tmp_path):
    pictures = {"a": torch.ones(2, 3, 40, 40)}
    rows(pictures, alt=ALT, titles=["I", "I\nI"], save=tmp_path / "a.png")
    sheet = np.asarray(Image.open(tmp_path / "a.png").convert("L"))
    top, left = sheet.shape[0] - 40, sheet.shape[1] - 82
    ink = sheet[:top, left:] < 128
    upper, lower = ink[: top // 2], ink[top // 2 :]
    assert not upper[:, :40].any() and upper[:, 42:].any()  # a single line stands next to the pictures
    for half, part in ((0, lower[:, :40]), (1, lower[:, 42:])):
        assert abs(part.any(0).nonzero()[0].mean() - 19.5) < 3, half
