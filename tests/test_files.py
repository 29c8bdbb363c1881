"""Picture files of every mode and kind of damage, folders of them, the cache of decoded ones, whole files."""

import errno
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch.testing import assert_close

from minigan import files
from minigan.files import cache_folder, picture_files, read_folder, read_image, square, to_rgb, whole_file

RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)


def noise(width: int = 16, height: int = 16) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def pixels_of(picture: Image.Image) -> list:
    assert picture.mode == "RGB"
    return [tuple(pixel) for pixel in np.asarray(picture).reshape(-1, 3).tolist()]


@pytest.fixture
def folder(tmp_path) -> Path:
    """Three pictures, one of them deeper."""
    place = tmp_path / "pictures"
    (place / "more").mkdir(parents=True)
    for name, colour in (("b.png", "blue"), ("a.PNG", "red"), ("more/c.bmp", "lime")):
        Image.new("RGB", (8, 8), colour).save(place / name)
    return place


# Modes


def test_modes_by_hand():
    """One picture of each mode against the colours that a person would see."""
    grey = Image.new("L", (1, 1), 100)
    one_bit = Image.new("1", (2, 1))
    one_bit.putpixel((1, 0), 255)
    palette = Image.new("P", (2, 1))
    palette.putpalette([*RED, *BLUE])
    palette.putpixel((1, 0), 1)
    half = Image.new("RGBA", (1, 1), (255, 0, 0, 128))
    assert pixels_of(to_rgb(grey)) == [(100, 100, 100)]
    assert pixels_of(to_rgb(one_bit)) == [BLACK, WHITE]
    assert pixels_of(to_rgb(palette)) == [RED, BLUE]
    assert pixels_of(to_rgb(half)) == [(255, 127, 127)]  # half red, half white
    assert pixels_of(to_rgb(Image.new("RGBA", (1, 1), (9, 9, 9, 0)))) == [WHITE]
    assert pixels_of(to_rgb(Image.new("LA", (1, 1), (0, 128)))) == [(127, 127, 127)]
    assert pixels_of(to_rgb(Image.new("CMYK", (1, 1), (0, 255, 255, 0)))) == [RED]
    assert pixels_of(to_rgb(Image.new("HSV", (1, 1), (0, 255, 255)))) == [RED]
    assert pixels_of(to_rgb(Image.new("YCbCr", (1, 1), (100, 128, 128)))) == [(100, 100, 100)]


def test_rgb_stays_as_it_is():
    picture = noise()
    assert pixels_of(to_rgb(picture)) == pixels_of(picture)


def test_deep_grey_is_scaled_to_8_bits():
    deep = Image.fromarray(np.array([[0, 257, 25_700, 65_535]], dtype=np.uint16))
    assert pixels_of(to_rgb(deep)) == [(level,) * 3 for level in (0, 1, 100, 255)]
    dark = Image.fromarray(np.array([[0, 200]], dtype=np.uint16))
    assert pixels_of(to_rgb(dark)) == [BLACK, (1, 1, 1)]  # 16 bits stay 16 bits, be they ever so dark
    wide = Image.fromarray(np.array([[0, 25_700, 65_535]], dtype=np.int32))
    assert pixels_of(to_rgb(wide)) == [(level,) * 3 for level in (0, 100, 255)]
    floats = Image.fromarray(np.array([[-5.0, 100.4, 255.0]], dtype=np.float32))
    assert pixels_of(to_rgb(floats)) == [(level,) * 3 for level in (0, 100, 255)]
    shares = Image.fromarray(np.array([[0.0, 0.2, 1.0]], dtype=np.float32))
    assert pixels_of(to_rgb(shares)) == [(level,) * 3 for level in (0, 51, 255)]


@pytest.mark.parametrize("transparent", ["P", "L", "RGB"])
def test_transparency_without_an_alpha_channel_is_laid_on_white(tmp_path, transparent):
    picture = Image.new(transparent, (2, 1), 0)
    if transparent == "P":
        picture.putpalette([*RED, *BLUE])
    picture.putpixel((1, 0), {"P": 1, "L": 50, "RGB": BLUE}[transparent])
    picture.save(tmp_path / "x.png", transparency={"P": 0, "L": 0, "RGB": BLACK}[transparent])
    assert pixels_of(read_image(tmp_path / "x.png")) == [WHITE, (50, 50, 50) if transparent == "L" else BLUE]


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGB", "RGBA", "CMYK", "1", "I;16", "I", "F", "YCbCr", "LAB"])
def test_every_mode_that_a_file_can_have(tmp_path, mode):
    path = tmp_path / "x.tif"
    how = {"compression": "jpeg"} if mode == "YCbCr" else {}  # without, Pillow before 12 does not read what it writes
    Image.new(mode, (5, 3)).save(path, **how)
    read = read_image(path)
    assert (read.mode, read.size) == ("RGB", (5, 3))


@pytest.mark.parametrize("suffix", sorted(files.SUFFIXES))
def test_every_suffix(tmp_path, suffix):
    path = tmp_path / f"x{suffix.upper()}"
    Image.new("L" if suffix == ".pgm" else "RGB", (8, 8), "white").save(path)
    assert picture_files(tmp_path) == [path]
    assert pixels_of(read_image(path)) == [WHITE] * 64


def test_the_first_frame_of_an_animation(tmp_path):
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    for name in ("x.gif", "x.webp", "x.png", "x.tif"):
        lossless = {"lossless": True} if name == "x.webp" else {}
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], **lossless)
        assert pixels_of(read_image(tmp_path / name)) == [RED] * 16


@pytest.mark.parametrize(
    ("orientation", "expected"),
    [(1, [RED, BLUE]), (2, [BLUE, RED]), (3, [BLUE, RED]), (6, [RED, BLUE]), (8, [BLUE, RED])],
)
def test_the_orientation_of_the_camera_is_obeyed(tmp_path, orientation, expected):
    picture = Image.new("RGB", (2, 1), "red")
    picture.putpixel((1, 0), BLUE)
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture.save(tmp_path / "x.png", exif=exif)
    read = read_image(tmp_path / "x.png")
    assert read.size == ((2, 1) if orientation < 5 else (1, 2))
    assert pixels_of(read) == expected


def test_odd_metadata_is_passed_over_in_silence(tmp_path):
    """An EXIF block that is cut off, as some phones write it: Pillow warns, and the pixels are whole."""
    Image.new("RGB", (8, 8), "white").save(tmp_path / "x.jpg", exif=b"Exif\0\0II*\0\x08\0\0\0\x05\0")
    with pytest.warns(UserWarning, match="Corrupt EXIF"), Image.open(tmp_path / "x.jpg") as file:
        file.getexif()
    assert pixels_of(read_image(tmp_path / "x.jpg")) == [WHITE] * 64


# Damage


def test_a_missing_picture(refuses, tmp_path):
    with refuses(FileNotFoundError, f"{tmp_path / 'x.png'} does not exist", "; check the path"):
        read_image(tmp_path / "x.png")


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"just text", "cannot identify image file"), (b"", "cannot identify image file"), (None, "truncated")],
)
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_what_is_not_a_picture(refuses, tmp_path, suffix, content, reason):
    path = tmp_path / f"x{suffix}"
    noise(64, 64).save(path)
    path.write_bytes(path.read_bytes()[:2000] if content is None else content)
    with refuses(
        OSError, str(path), "is not a readable picture (", reason, "); open and save it again", "or remove it"
    ):
        read_image(path)


def test_a_folder_is_not_a_picture(refuses, tmp_path):
    with refuses(OSError, str(tmp_path), "is not a readable picture (", "irectory); open and save it again"):
        read_image(tmp_path)


def test_a_bomb_is_refused_and_not_unpacked(refuses, tmp_path):
    """A PNG of a few bytes that claims to be 60,000 x 60,000 pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    path = tmp_path / "x.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")))
    with refuses(OSError, str(path), "is not a readable picture (", "exceeds limit", "; open and save"):
        read_image(path)


def test_a_mode_that_cannot_be_converted_is_a_damaged_picture(refuses, tmp_path, monkeypatch):
    def fail(*_):
        raise ValueError("conversion from La to L not supported")

    noise().save(tmp_path / "x.png")
    monkeypatch.setattr(files, "to_rgb", fail)
    with refuses(OSError, "x.png is not a readable picture (conversion from La to L not supported); open and save"):
        read_image(tmp_path / "x.png")


# Squares


def test_square_takes_the_middle():
    picture = Image.new("RGB", (6, 2), "red")
    picture.paste(Image.new("RGB", (2, 2), "blue"), (2, 0))
    pixels = square(picture, 2)
    assert pixels.dtype == np.uint8
    assert_close(torch.from_numpy(pixels.copy()), torch.tensor(BLUE, dtype=torch.uint8)[:, None, None].expand(3, 2, 2))


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(4, 20))
def test_square_of_any_shape_keeps_a_flat_colour(width, height, size):
    pixels = square(Image.new("RGB", (width, height), (10, 20, 30)), size)
    expected = np.broadcast_to(np.array([10, 20, 30], dtype=np.uint8)[:, None, None], (3, size, size))
    np.testing.assert_array_equal(pixels, expected)


def test_square_of_a_line_and_of_a_point():
    assert square(noise(17, 400), 8).shape == (3, 8, 8)
    assert square(noise(1, 1), 8).shape == (3, 8, 8)


# Folders


def test_picture_files_go_deep_in_alphabetical_order(folder):
    (folder / "notes.txt").write_text("x")
    (folder / ".hidden.png").write_bytes(b"")
    (folder / ".thumbnails").mkdir()
    (folder / ".thumbnails" / "d.png").write_bytes(b"")
    (folder / "folder.png").mkdir()
    assert [path.relative_to(folder).as_posix() for path in picture_files(folder)] == ["a.PNG", "b.png", "more/c.bmp"]


def test_a_folder_below_a_hidden_one_is_read(tmp_path):
    place = tmp_path / ".cache" / "mine"
    place.mkdir(parents=True)
    noise().save(place / "x.png")
    assert picture_files(place) == [place / "x.png"]


def test_folders_that_hold_nothing(refuses, tmp_path):
    with refuses(FileNotFoundError, f"folder {tmp_path / 'no'} does not exist", "; check the path"):
        picture_files(tmp_path / "no")
    (tmp_path / "x.txt").write_text("x")
    with refuses(NotADirectoryError, "x.txt is a file", "expected a folder", "; name the folder"):
        picture_files(tmp_path / "x.txt")
    with refuses(FileNotFoundError, f"{tmp_path} holds no pictures", "expected files that end in .bmp, .gif"):
        picture_files(tmp_path)


def test_read_folder_by_hand(folder):
    pixels, names, skipped = read_folder(folder, 4)
    expected = torch.tensor([RED, BLUE, GREEN], dtype=torch.uint8)[:, :, None, None].expand(3, 3, 4, 4)
    assert_close(torch.from_numpy(pixels), expected)
    assert names == ["a", "b", "more/c"] and skipped == []


def test_read_folder_skips_the_unreadable_by_name(folder):
    (folder / "b.png").write_text("text")
    for _ in range(2):  # decoded, and from the cache
        pixels, names, skipped = read_folder(folder, 4)
        assert names == ["a", "more/c"] and len(pixels) == 2
        assert len(skipped) == 1
        assert skipped[0].startswith(f"{folder / 'b.png'} is not a readable picture (cannot identify image file)")


def test_read_folder_without_any_readable_picture(refuses, tmp_path):
    for name in ("a.png", "b.jpg"):
        (tmp_path / name).write_text("text")
    with refuses(
        OSError, f"none of the 2 pictures in {tmp_path} can be read", "the first:", "a.png", "; open and save"
    ):
        read_folder(tmp_path, 4)


# The cache


@pytest.fixture
def reads(monkeypatch) -> list[Path]:
    """The files that are decoded from now on."""
    seen: list[Path] = []

    def spy(path: Path) -> Image.Image:
        seen.append(path)
        return read_image(path)

    monkeypatch.setattr(files, "read_image", spy)
    return seen


def test_decoded_pictures_are_kept(folder, reads, own_cache):
    first = read_folder(folder, 4)
    assert len(reads) == 3
    assert len(list((own_cache / "decoded").iterdir())) == 1
    again = read_folder(folder, 4)
    assert len(reads) == 3
    assert_close(again[0], first[0])
    assert again[1:] == first[1:]


@pytest.mark.parametrize("change", ["content", "time", "added", "removed", "size"])
def test_a_change_is_noticed(folder, reads, change):
    read_folder(folder, 4)
    reads.clear()
    if change == "content":
        before = (folder / "b.png").stat().st_mtime_ns
        Image.new("RGB", (99, 99), "white").save(folder / "b.png")
        os.utime(folder / "b.png", ns=(before, before))  # another size is enough
    elif change == "time":
        os.utime(folder / "b.png", ns=(0, 0))
    elif change == "added":
        Image.new("RGB", (9, 9), "white").save(folder / "z.png")
    elif change == "removed":
        (folder / "b.png").unlink()
    pixels, names, _ = read_folder(folder, 5 if change == "size" else 4)
    assert len(reads) == len(names) == {"added": 4, "removed": 2}.get(change, 3)
    if change == "content":
        assert (pixels[1] == 255).all()


@pytest.mark.parametrize("damage", ["text", "truncated", "member", "empty", "array"])
def test_a_damaged_cache_is_decoded_again_and_mended(folder, reads, own_cache, damage):
    expected = read_folder(folder, 4)
    (kept,) = (own_cache / "decoded").iterdir()
    if damage == "member":
        np.savez(kept, other=np.zeros(3))
    elif damage == "array":
        with kept.open("wb") as file:
            np.save(file, np.zeros(3))
    else:
        kept.write_bytes({"text": b"nonsense", "truncated": kept.read_bytes()[:300], "empty": b""}[damage])
    reads.clear()
    for count in (3, 3):  # decoded once, then kept again
        pixels, *rest = read_folder(folder, 4)
        assert_close(pixels, expected[0])
        assert rest == list(expected[1:])
        assert len(reads) == count


def test_a_full_disk_costs_the_cache_and_nothing_else(folder, own_cache, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(np, "savez", full)
    assert read_folder(folder, 4)[1] == ["a", "b", "more/c"]
    assert list((own_cache / "decoded").iterdir()) == []


def test_a_cache_that_cannot_be_made_costs_nothing_else(folder, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MINIGAN_CACHE", str(tmp_path / "file" / "cache"))
    assert read_folder(folder, 4)[1] == ["a", "b", "more/c"]


def test_where_the_cache_is(monkeypatch, tmp_path):
    monkeypatch.setenv("MINIGAN_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"
    monkeypatch.setenv("MINIGAN_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "minigan"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "minigan"


# Whole files


def test_a_whole_file_is_there_and_nothing_beside_it(tmp_path):
    path = tmp_path / "new" / "x.txt"
    with whole_file(path) as temporary:
        temporary.write_text("all")
        assert not path.exists() and temporary.suffix == ".txt"
    assert path.read_text() == "all"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [RuntimeError("no"), KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left")])
def test_what_was_there_outlives_a_failed_write(tmp_path, error):
    path = tmp_path / "x.txt"
    path.write_text("before")
    with pytest.raises(type(error)), whole_file(path) as temporary:
        temporary.write_text("half")
        raise error
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk(refuses, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    with (
        refuses(OSError, f"{tmp_path / 'x.txt'} cannot be written (No space left on device)", "; free some space"),
        whole_file(tmp_path / "x.txt") as temporary,
    ):
        monkeypatch.setattr(Path, "write_text", full)
        temporary.write_text("x")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(files.tempfile, "mkstemp", full)
    with refuses(OSError, "cannot be written (No space left on device)"), whole_file(tmp_path / "x.txt"):
        pass


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EPERM])
def test_no_write_permission(refuses, tmp_path, monkeypatch, number):
    """Said by the system: for root, who may run the tests, a folder's permissions hold nothing back."""

    def forbid(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.tempfile, "mkstemp", forbid)
    said = f"{tmp_path / 'x.txt'} cannot be written ({os.strerror(number)})"
    with (
        refuses(OSError, said, "; free some space or choose a folder where you may write"),
        whole_file(tmp_path / "x.txt"),
    ):
        pytest.fail("the block is not reached")


def test_a_place_that_cannot_be(refuses, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with refuses(OSError, "x.txt cannot be written (", "; free some space"), whole_file(tmp_path / "file" / "x.txt"):
        pytest.fail("the block is not reached")
    with refuses(OSError, f"{tmp_path} cannot be written (", "; free some space"), whole_file(tmp_path) as temporary:
        temporary.write_text("x")
    assert (tmp_path / "file").read_text() == "in the way"


def test_what_a_killed_program_has_left_is_removed_and_nothing_else(tmp_path):
    """An hour later: a file that somebody else is writing at the same time stays, and so does what is the user's."""
    names = (".minigan-old.pt", ".minigan-new.pt", ".x-old.txt", "x-old.txt")
    for name in names:
        (tmp_path / name).write_text("half")
    for name in names[0], *names[2:]:
        os.utime(tmp_path / name, (0, 0))
    with whole_file(tmp_path / "x.txt") as temporary:
        temporary.write_text("all")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*names[1:], "x.txt"])


def test_the_longest_name_that_a_file_can_have_is_written(tmp_path):
    path = tmp_path / ("x" * 251 + ".txt")
    with whole_file(path) as temporary:
        temporary.write_text("all")
    assert path.read_text() == "all"
