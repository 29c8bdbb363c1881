"""Whole pictures: tiles without seams, alpha, orientation, every odd file, and nothing destroyed."""

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch.utils._python_dispatch import TorchDispatchMode

from minigan.apps import pictures
from minigan.apps.pictures import Picture


def noise(height: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 256, (3, height, width), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


def save(path, array, mode=None, **options):
    Image.fromarray(array, mode).save(path, **options) if mode else Image.fromarray(array).save(path, **options)
    return path


def blur(images):
    """Five pixels wide, so its reach is two."""
    return F.avg_pool2d(images, 5, 1, 2, count_include_pad=False)


class Largest(TorchDispatchMode):
    """Inside this block, the bytes of the largest tensor that torch has made."""

    size = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        for one in made if isinstance(made, list | tuple) else [made]:
            if isinstance(one, torch.Tensor):
                self.size = max(self.size, one.numel() * one.element_size())
        return made


def last(steps):
    *_, result = steps
    return result.pixels


@pytest.mark.parametrize(("height", "width"), [(64, 64), (97, 131), (1, 1), (3, 200), (50, 17)])
def test_tiles_have_no_seams(height, width):
    picture = Picture.of(noise(height, width))
    whole = last(pictures.in_tiles(blur, picture, tile=1000, margin=2))
    tiled = last(pictures.in_tiles(blur, picture, tile=16, margin=2))
    torch.testing.assert_close(tiled, whole, rtol=0, atol=0)


def test_a_margin_that_is_too_small_shows_as_a_seam():
    picture = Picture.of(noise(64, 64))
    whole = last(pictures.in_tiles(blur, picture, tile=1000, margin=2))
    assert not torch.equal(last(pictures.in_tiles(blur, picture, tile=16, margin=0)), whole)


def test_tiles_of_a_network_that_enlarges():
    pixels = noise(33, 47)
    result = last(
        pictures.in_tiles(
            lambda x: F.interpolate(x, scale_factor=4, mode="nearest"), Picture.of(pixels), 16, margin=3, scale=4
        )
    )
    torch.testing.assert_close(result, pixels.repeat_interleave(4, 1).repeat_interleave(4, 2), rtol=0, atol=0)


def test_alpha_is_kept_and_grows_along():
    alpha = torch.zeros(1, 8, 8, dtype=torch.uint8)
    alpha[:, 2:6, 2:6] = 200
    double = pictures.treated(
        Picture.of(noise(8, 8), alpha), lambda x: F.interpolate(x, scale_factor=2), margin=0, scale=2
    )
    assert double.pixels.shape == (3, 16, 16)
    assert double.alpha is not None and double.alpha.shape == (1, 16, 16)
    assert int(double.alpha[0, 8, 8]) == 200 and int(double.alpha[0, 0, 0]) == 0


def test_colours_under_transparency_survive(tmp_path):
    colours = noise(6, 5).permute(1, 2, 0).numpy()
    alpha = np.full((6, 5, 1), 7, np.uint8)
    picture = pictures.read_picture(save(tmp_path / "a.png", np.concatenate([colours, alpha], 2)))
    assert np.array_equal(picture.pixels.permute(1, 2, 0).numpy(), colours)
    pictures.write_picture(tmp_path / "b.png", picture)
    again = pictures.read_picture(tmp_path / "b.png")
    assert torch.equal(again.pixels, picture.pixels) and torch.equal(again.alpha, picture.alpha)


def test_full_alpha_is_no_alpha(tmp_path):
    array = np.concatenate([np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 1), 255, np.uint8)], 2)
    assert pictures.read_picture(save(tmp_path / "a.png", array)).alpha is None


def test_a_camera_that_was_held_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    array = np.concatenate([noise(4, 9).permute(1, 2, 0).numpy(), np.full((4, 9, 1), 99, np.uint8)], 2)
    picture = pictures.read_picture(save(tmp_path / "a.png", array, exif=exif))
    assert picture.pixels.shape == (3, 9, 4) and picture.alpha is not None and picture.alpha.shape == (1, 9, 4)


def test_no_tensor_is_as_large_as_an_enlarged_picture():
    picture = Picture.of(noise(120, 160), noise(120, 160)[:1])
    with Largest() as largest:
        result = pictures.treated(picture, partial(F.interpolate, scale_factor=4), tile=16, margin=2, scale=4)
    assert result.shape == (480, 640)
    assert 0 < largest.size < 480 * 640  # a byte for each of its pixels


def test_a_result_that_is_too_large_is_refused():
    with pytest.raises(ValueError, match="60000 x 4000 pixels, expected 200,000,000 at most"):
        pictures.treated(Picture(Image.new("RGB", (15000, 1000))), lambda x: x, scale=4)


def odd_pictures(folder):
    """A folder of what people have: name -> whether it can be read."""
    rgb = noise(20, 30).permute(1, 2, 0).numpy()
    save(folder / "one.png", rgb[:1, :1])
    save(folder / "long.png", np.tile(rgb[:17], (1, 134, 1))[:, :4000])
    save(folder / "grey.png", rgb[..., 0])
    save(folder / "rgba.png", np.concatenate([rgb, rgb[..., :1]], 2))
    Image.fromarray(rgb).convert("CMYK").save(folder / "cmyk.jpg")
    save(folder / "deep.png", rgb[..., 0].astype(np.uint16) * 257)
    Image.fromarray(rgb).convert("P").save(folder / "palette.png")
    frames = [Image.fromarray(np.roll(rgb, i, 1)) for i in range(3)]
    frames[0].save(folder / "animated.gif", save_all=True, append_images=frames[1:])
    save(folder / "whole.png", noise(200, 200).permute(1, 2, 0).numpy())
    (folder / "truncated.png").write_bytes((folder / "whole.png").read_bytes()[:5000])
    (folder / "text.png").write_text("this is no picture")
    (folder / "sub").mkdir()
    save(folder / "sub" / "one.png", rgb)


def test_a_folder_of_odd_pictures(tmp_path):
    source, output = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    odd_pictures(source)
    before = {path: path.read_bytes() for path in source.rglob("*") if path.is_file()}
    outcome = pictures.treat_all(source, output, lambda picture, title: picture)
    written, refused = outcome.written, outcome.refused
    readable = {path.relative_to(source).with_suffix("") for path in before if path.stem not in ("truncated", "text")}
    assert {path.relative_to(output).with_suffix("") for path in written} == readable
    assert output / "animated.png" in written
    assert len(refused) == 2 and "text.png" in refused[0] and "truncated.png" in refused[1]
    assert {path: path.read_bytes() for path in source.rglob("*") if path.is_file()} == before
    assert sorted(path for path in output.rglob("*") if path.is_file()) == sorted(written)
    assert pictures.read_picture(output / "rgba.png").alpha is not None


def test_nothing_is_replaced_without_force(tmp_path):
    file, target = save(tmp_path / "a.png", np.zeros((4, 4, 3), np.uint8)), tmp_path / "b.png"
    target.write_text("precious")
    outcome = pictures.treat_all(file, target, lambda picture, title: picture)
    assert not outcome.written and "exists already" in outcome.refused[0] and target.read_text() == "precious"
    outcome = pictures.treat_all(file, target, lambda picture, title: picture, force=True)
    assert outcome.written == [target] and not outcome.refused


def test_two_pictures_of_one_name(tmp_path):
    source = tmp_path / "in"
    source.mkdir()
    save(source / "a.png", np.zeros((4, 4, 3), np.uint8))
    Image.new("P", (4, 4)).save(source / "a.gif")
    for options in ({"force": True}, {"skip": True, "force": False}):
        outcome = pictures.treat_all(source, tmp_path / str(options), lambda picture, title: picture, **options)
        (refused,) = outcome.refused
        assert outcome.written == [tmp_path / str(options) / "a.png"]
        assert "a.png" in refused and "another picture" in refused


def test_an_original_is_never_replaced(tmp_path):
    file = save(tmp_path / "a.png", np.zeros((4, 4, 3), np.uint8))
    content = file.read_bytes()
    for options in ({"force": True}, {"skip": True}):
        outcome = pictures.treat_all(tmp_path, tmp_path, lambda picture, title: picture, **options)
        assert not outcome.written and "its own result" in outcome.refused[0] and file.read_bytes() == content


def test_what_ctrl_c_left_is_done_by_skipping_what_is_there(tmp_path):
    """The first picture is written and kept bit for bit, the second is begun again, the third was never begun."""
    source, output = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    for number, name in enumerate(("a.png", "b.png", "c.png")):
        save(source / name, np.full((4, 4, 3), number, np.uint8))
    begun = []

    def change(picture, title):
        begun.append(title)
        if begun == ["a.png", "b.png"]:
            raise KeyboardInterrupt
        return picture

    outcome = pictures.treat_all(source, output, change)
    assert (outcome.written, outcome.refused, outcome.left) == ([output / "a.png"], [], 2)
    assert [file.name for file in output.iterdir()] == ["a.png"]
    (output / "a.png").write_bytes(b"touched by hand")
    outcome = pictures.treat_all(source, output, change, skip=True)
    assert (outcome.written, outcome.there, outcome.left) == ([output / "b.png", output / "c.png"], 1, 0)
    assert (output / "a.png").read_bytes() == b"touched by hand" and begun == ["a.png", "b.png", "b.png", "c.png"]


def test_alpha_into_a_format_without_becomes_png(tmp_path):
    rgba = np.full((4, 4, 4), 100, np.uint8)
    outcome = pictures.treat_all(save(tmp_path / "a.png", rgba), tmp_path / "b.jpg", lambda picture, title: picture)
    assert outcome.written == [tmp_path / "b.png"]


@pytest.mark.parametrize(
    ("source", "output", "said"),
    [
        ("missing.png", "b.png", "does not exist"),
        ("a.png", "b.xyz", "expected a name that ends in"),
        (".", "b.png", "name a folder"),
    ],
)
def test_what_cannot_be_asked(tmp_path, source, output, said):
    save(tmp_path / "a.png", np.zeros((4, 4, 3), np.uint8))
    with pytest.raises((ValueError, OSError), match=said):
        pictures.jobs(tmp_path / source, tmp_path / output)


def test_a_file_into_a_folder_and_a_gif(tmp_path):
    (tmp_path / "out").mkdir()
    gif = tmp_path / "a.gif"
    Image.new("P", (4, 4)).save(gif)
    assert pictures.jobs(gif, tmp_path / "out") == [(gif, tmp_path / "out" / "a.png")]
    assert pictures.jobs(gif, tmp_path / "new") == [(gif, tmp_path / "new" / "a.png")]
