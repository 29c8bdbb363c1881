"""Pictures out: the layout of sheets pixel for pixel, alternative texts, what is written and what Jupyter gets."""

import errno
import io
import os
from pathlib import Path
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.testing import assert_close

from minigan import plot
from minigan.data import to_pixels, to_signed
from minigan.plot import Picture, compare, curves, figure, grid, rendered, tile, training

ALT = "Two grey squares side by side, the left one darker."
WHITE = 255


def flat(*levels: int, channels: int = 3, height: int = 2, width: int = 2) -> Tensor:
    """Images of one grey level each."""
    pixels = torch.tensor(levels, dtype=torch.uint8).view(-1, 1, 1, 1)
    return to_signed(pixels.expand(-1, channels, height, width))


def opened(path: Path) -> np.ndarray:
    with Image.open(path) as file:
        return np.asarray(file.convert("RGB"))


@pytest.fixture
def shown(monkeypatch) -> list[Picture]:
    """What a notebook would have displayed."""
    pictures: list[Picture] = []
    monkeypatch.setattr(plot, "get_ipython", lambda: SimpleNamespace(kernel=True))
    monkeypatch.setattr(plot, "display", pictures.append)
    return pictures


# Sheets


def test_tile_by_hand():
    sheet = tile(flat(10, 20, 30, height=1, width=2), columns=2, gap=1)
    expected = np.array([[10, 10, WHITE, 20, 20], [WHITE] * 5, [30, 30, WHITE, WHITE, WHITE]], dtype=np.uint8)
    np.testing.assert_array_equal(sheet, np.broadcast_to(expected[..., None], (3, 5, 3)))


def test_tile_keeps_the_channels_apart():
    pixels = torch.tensor([1, 2, 3], dtype=torch.uint8).view(1, 3, 1, 1).expand(1, 3, 4, 5)
    sheet = tile(to_signed(pixels))
    np.testing.assert_array_equal(sheet, np.broadcast_to(np.array([1, 2, 3], dtype=np.uint8), (4, 5, 3)))


@pytest.mark.parametrize("gap", [0, 2])
@pytest.mark.parametrize(("count", "columns"), [(1, 8), (7, 3), (8, 4), (3, 1)])
def test_every_image_is_found_again_in_its_place(count, columns, gap):
    images = to_signed(torch.randint(0, 256, (count, 3, 4, 5), generator=torch.Generator().manual_seed(0)).byte())
    sheet = torch.from_numpy(tile(images, columns, gap)).permute(2, 0, 1)
    across = min(columns, count)
    assert sheet.shape == (3, -(-count // across) * (4 + gap) - gap, across * (5 + gap) - gap)
    for i, pixels in enumerate(to_pixels(images)):
        top, left = i // across * (4 + gap), i % across * (5 + gap)
        assert_close(sheet[:, top : top + 4, left : left + 5], pixels)


def test_grey_and_coloured_grey_look_the_same():
    np.testing.assert_array_equal(tile(flat(10, 90, channels=1)), tile(flat(10, 90, channels=3)))


@pytest.mark.parametrize(
    "show", [tile, lambda images: grid(images, alt=ALT), lambda images: compare({"a": images}, alt=ALT)]
)
def test_what_are_not_images_is_refused(refuses, show):
    with refuses(ValueError, "images span [0.00, 255.00]", "expected [-1, 1]", "to_signed"):
        show(torch.tensor([0.0, 255.0, 0.0]).view(1, 3, 1, 1))
    with refuses(TypeError, "images are torch.uint8", "to_signed"):
        show(torch.zeros(1, 3, 2, 2, dtype=torch.uint8))
    with refuses(ValueError, "images have shape (3, 2, 2)", "images[None]"):
        show(torch.zeros(3, 2, 2))
    with refuses(ValueError, "images have shape (0, 3, 2, 2)", "at least one"):
        show(torch.zeros(0, 3, 2, 2))


def test_columns_that_cannot_be(refuses):
    with refuses(ValueError, "columns is 0", "expected 1 or more", "; 4 would put all"):
        tile(flat(1, 2, 3, 4), columns=0)


# Alternative texts


@pytest.mark.parametrize("alt", ["", "a figure", "x" * 29])
def test_a_figure_without_a_sentence_is_refused(refuses, alt):
    refusal = (ValueError, f"alt is {alt!r}", "; say in a sentence what is to be seen")
    with refuses(*refusal):
        Picture(b"", alt)
    with refuses(*refusal):
        grid(flat(1), alt=alt)
    with refuses(*refusal):
        compare({"a": flat(1)}, alt=alt)
    with refuses(*refusal):
        curves({"a": [1.0]}, alt=alt)
    with refuses(*refusal), figure(alt=alt):
        pass


def test_the_mimebundle_carries_the_alternative_text():
    bundle, metadata = Picture(b"png", ALT)._repr_mimebundle_()
    assert bundle == {"image/png": b"png", "text/plain": ALT}
    assert metadata == {"image/png": {"alt": ALT}}


def test_a_notebook_gets_the_picture_and_a_script_does_not(shown, monkeypatch):
    grid(flat(0, 200), alt=ALT)
    assert [picture.alt for picture in shown] == [ALT]
    monkeypatch.setattr(plot, "get_ipython", lambda: None)
    grid(flat(0, 200), alt=ALT)
    assert len(shown) == 1


# Files


def test_grid_enlarges_pixel_for_pixel(tmp_path):
    images = flat(10, 20, 30)
    grid(images, alt=ALT, columns=2, zoom=3, save=tmp_path / "x.png")
    np.testing.assert_array_equal(opened(tmp_path / "x.png"), tile(images, 2).repeat(3, 0).repeat(3, 1))


@pytest.mark.parametrize(("width", "factor"), [(28, 27), (100, 7), (900, 1)])
def test_grid_fills_about_the_width_of_a_page(tmp_path, width, factor):
    grid(flat(10, width=width), alt=ALT, save=tmp_path / "x.png")
    assert opened(tmp_path / "x.png").shape == (2 * factor, width * factor, 3)


def test_a_picture_is_written_whole_or_not_at_all(refuses, tmp_path, monkeypatch):
    path = tmp_path / "x.png"
    path.write_bytes(b"before")

    def full(self: Path, content: bytes) -> None:
        with self.open("wb") as file:
            file.write(content[:10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with refuses(OSError, f"{path} cannot be written (No space left on device)", "; free some space"):
            grid(flat(10), alt=ALT, save=path)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]
    grid(flat(10), alt=ALT, save=str(path))
    assert opened(path)[0, 0].tolist() == [10, 10, 10]


def test_a_picture_in_a_place_that_cannot_be(refuses, tmp_path, shown):
    (tmp_path / "file").write_text("in the way")
    with refuses(OSError, "x.png cannot be written (", "; free some space"):
        grid(flat(10), alt=ALT, save=tmp_path / "file" / "x.png")
    assert shown == []


def test_a_refused_figure_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="alt is"):
        grid(flat(10), alt="", save=tmp_path / "x.png")
    assert list(tmp_path.iterdir()) == []


# Drawn figures


def test_a_figure_of_few_colours_gets_a_palette_and_a_colourful_one_keeps_every_colour():
    chart, photograph = mpl.figure.Figure(figsize=(2, 1)), mpl.figure.Figure(figsize=(2, 2), dpi=100)
    chart.subplots().plot([0, 1])
    axes = photograph.add_axes((0, 0, 1, 1))
    axes.imshow(np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8), aspect="auto")
    for canvas, palette, mode in ((chart, False, "P"), (photograph, False, "RGB"), (photograph, True, "P")):
        with Image.open(io.BytesIO(rendered(canvas, palette))) as picture:
            assert picture.mode == mode


def test_rendered_is_a_png_of_the_stated_size():
    canvas = mpl.figure.Figure(figsize=(2, 1), dpi=50)
    with Image.open(io.BytesIO(rendered(canvas))) as picture:
        assert (picture.format, picture.size) == ("PNG", (100, 50))


@pytest.mark.parametrize(("columns", "rows"), [(1, 1), (3, 1), (2, 2)])
def test_figure_gives_axes_and_shows_them_once(shown, tmp_path, columns, rows):
    with figure(columns, rows, alt=ALT, size=(2, 1), save=tmp_path / "x.png") as axes:
        assert np.shape(axes) == {(1, 1): (), (3, 1): (3,), (2, 2): (2, 2)}[columns, rows]
        assert shown == []
    assert len(shown) == 1
    dpi = plot.STYLE["figure.dpi"]
    assert opened(tmp_path / "x.png").shape == (rows * dpi, columns * 2 * dpi, 3)
    assert (tmp_path / "x.png").read_bytes() == shown[0].png


def test_a_figure_that_fails_shows_nothing_and_leaves_the_style_alone(shown):
    before = mpl.rcParams["font.size"], mpl.rcParams["axes.spines.top"]
    with pytest.raises(ZeroDivisionError), figure(alt=ALT):
        assert mpl.rcParams["axes.spines.top"] is False
        _ = 1 / 0
    assert shown == []
    assert (mpl.rcParams["font.size"], mpl.rcParams["axes.spines.top"]) == before


@pytest.fixture
def drawn(monkeypatch) -> list[mpl.figure.Figure]:
    """The matplotlib figures that are rendered from now on."""
    canvases: list[mpl.figure.Figure] = []

    def spy(canvas: mpl.figure.Figure, palette: bool = False) -> bytes:
        canvases.append(canvas)
        return rendered(canvas, palette)

    monkeypatch.setattr(plot, "rendered", spy)
    return canvases


def test_compare_puts_named_rows_under_one_another(drawn, shown):
    rows = {"real": flat(10, 20, 30), "fake": flat(40, 50, 60)}
    compare(rows, alt=ALT, titles=("a", "b", "c"))
    axes = drawn[0].axes
    assert [axis.get_ylabel() for axis in axes] == ["real", "fake"]
    for axis, images in zip(axes, rows.values(), strict=True):
        np.testing.assert_array_equal(axis.images[0].get_array(), tile(images, 3))
    assert [label.get_text() for label in axes[0].get_xticklabels()] == ["a", "b", "c"]
    width = tile(rows["real"], 3).shape[1]
    assert_close(torch.tensor(axes[0].get_xticks()), torch.tensor([width / 6, width / 2, width * 5 / 6]).double())
    assert list(axes[1].get_xticks()) == [] and len(shown) == 1


@pytest.mark.parametrize("width", [4, 8.5])
@pytest.mark.parametrize("name", ["x", "200", "with an adversary and more"])
def test_compare_leaves_room_for_the_names(drawn, shown, name, width):
    compare({"a": flat(10, 20, 30), name: flat(40, 50, 60)}, alt=ALT, titles=("a", "b\nb", "c"), width=width)
    for axis in drawn[0].axes:
        assert axis.yaxis.label.get_window_extent().x0 >= 0
        assert all(label.get_window_extent().y1 <= drawn[0].bbox.y1 for label in axis.get_xticklabels())
        box = axis.get_window_extent()
        assert box.width / box.height == pytest.approx(1 / (np.divide(*axis.images[0].get_array().shape[:2])), rel=0.01)


def test_names_too_near_each_other_move_apart_and_others_stay():
    moved = plot.apart({"a": 1.0, "b": 1.05, "far": 3.0}, 0.1)
    assert moved == {"a": pytest.approx(0.975), "b": pytest.approx(1.075), "far": 3.0}


def test_curves_draws_the_values_with_the_name_at_the_end(drawn, shown):
    curves({"D": [3.0, 2.0, 1.5], "G": [1.0, 1.0, 0.5]}, alt=ALT, x=[10, 20, 40], labels=("images", "bits"))
    (axis,) = drawn[0].axes
    for line, values in zip(axis.lines, ([3, 2, 1.5], [1, 1, 0.5]), strict=True):
        np.testing.assert_array_equal(line.get_xydata(), np.array([[10, 20, 40], values]).T)
    assert [(text.get_text().strip(), text.xy) for text in axis.texts] == [("D", (40, 1.5)), ("G", (40, 0.5))]
    for text, line in zip(axis.texts, axis.lines, strict=True):
        assert text.get_color() == line.get_color()
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("images", "bits")


def test_curves_counts_steps_where_no_places_are_given(drawn):
    curves({"D": [3.0, float("nan")], "G": torch.tensor([1.0, 2.0, 4.0])}, alt=ALT)
    np.testing.assert_array_equal(drawn[0].axes[0].lines[1].get_xdata(), [0, 1, 2])


def test_an_empty_curve(refuses):
    with refuses(ValueError, "series 'G' is empty", "expected one value or more", "; leave it out"):
        curves({"D": [1.0], "G": []}, alt=ALT)


@pytest.mark.parametrize("samples", [None, flat(*range(70))])
def test_training_draws_losses_apart_from_scores(drawn, samples):
    history = [
        {"images": 32, "seconds": 1.0, "d_loss": 1.4, "g_loss": 0.7, "real_score": 0.5},
        {"images": 64, "seconds": 2.0, "d_loss": 1.2, "g_loss": 0.9, "real_score": 0.6},
    ]
    picture = training(history, samples, "peeps, 64 images")
    lines = {line.get_label(): line for axis in drawn[0].axes for line in axis.lines}
    assert set(lines) == {"d_loss", "g_loss", "real_score"}
    np.testing.assert_array_equal(lines["d_loss"].get_xydata(), [[32, 1.4], [64, 1.2]])
    assert lines["d_loss"].axes is lines["g_loss"].axes is not lines["real_score"].axes
    sheets = [axis.images[0].get_array() for axis in drawn[0].axes if axis.images]
    assert len(sheets) == (samples is not None)
    if samples is not None:
        np.testing.assert_array_equal(sheets[0], tile(samples[:64]))
    assert "peeps, 64 images" in picture.alt and "g_loss 0.90" in picture.alt
    assert picture.png.startswith(b"\x89PNG")
