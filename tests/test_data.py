"""Pictures as tensors: the contract, loading by name, degradations, and every way in which loading fails."""

import socket

import numpy as np
import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch.testing import assert_close

from minigan import data
from minigan.data import (
    FASHION,
    PACKED,
    TORCHVISION,
    ImageSet,
    add_noise,
    check_images,
    downscale,
    from_pack,
    hole_masks,
    known,
    load,
    load_folder,
    load_packed,
    load_photos,
    load_torchvision,
    photo,
    resize,
    to_pixels,
    to_signed,
)

REINSTALL = "; install minigan again"


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def pack(tmp_path, monkeypatch):
    """An empty pack in the place of the real one; nothing decoded before is remembered."""
    monkeypatch.setattr(data, "PACK", tmp_path)
    load_packed.cache_clear()
    yield tmp_path
    load_packed.cache_clear()


@pytest.fixture
def folder(tmp_path):
    """A folder with a red and a blue picture."""
    place = tmp_path / "holiday"
    place.mkdir()
    for name, colour in (("b", "blue"), ("a", "red")):
        Image.new("RGB", (12, 8), colour).save(place / f"{name}.png")
    return place


# The contract


def test_to_signed_by_hand():
    images = to_signed(torch.tensor([0, 51, 255], dtype=torch.uint8))
    assert_close(images, torch.tensor([-1.0, -0.6, 1.0]))
    assert images.dtype == torch.float32


def test_to_pixels_rounds_and_clamps():
    images = torch.tensor([-1.0, -0.6, 0.0, 1.0, -3.0, 3.0, -0.5961, -0.5960])  # the last two: 51.50 - 0.002, + 0.01
    expected = torch.tensor([0, 51, 128, 255, 0, 255, 51, 52], dtype=torch.uint8)
    assert_close(to_pixels(images), expected)


def test_pixels_come_back_as_they_were():
    every = torch.arange(256, dtype=torch.uint8)
    assert_close(to_pixels(to_signed(every)), every)


def test_to_pixels_takes_images_with_gradient_and_of_half_precision():
    every = torch.arange(256, dtype=torch.uint8)
    assert_close(to_pixels(to_signed(every).requires_grad_()), every)
    assert to_pixels(to_signed(every).to(torch.bfloat16)).dtype == torch.uint8


@pytest.mark.parametrize("dtype", [torch.float32, torch.int64])
def test_to_signed_refuses_what_are_not_bytes(refuses, dtype):
    with refuses(
        TypeError, f"pixels are {dtype}", "expected torch.uint8 in 0..255", "; floats in [0, 1] become signed"
    ):
        to_signed(torch.zeros(2, dtype=dtype))


def test_check_images_returns_what_it_got():
    images = torch.linspace(-1, 1, 24).view(2, 3, 2, 2)
    assert check_images(images) is images
    assert check_images(images[:, :1]).shape == (2, 1, 2, 2)
    check_images(images.requires_grad_())


@pytest.mark.parametrize("shape", [(3, 4, 4), (2, 2, 4, 4), (2, 4, 4, 3), (4,)])
def test_check_images_refuses_other_shapes(refuses, shape):
    with refuses(ValueError, f"images have shape {shape}", "expected (N, 3, H, W)", "; images[None] adds"):
        check_images(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(0, 3, 4, 4), (2, 1, 0, 4)])
def test_check_images_refuses_nothing(refuses, shape):
    with refuses(ValueError, f"images have shape {shape}", "expected at least one pixel", "; give one image"):
        check_images(torch.zeros(shape))


def test_check_images_refuses_bytes(refuses):
    with refuses(TypeError, "images are torch.uint8", "expected floats in [-1, 1]", "; pass them through", "to_signed"):
        check_images(torch.zeros(1, 3, 2, 2, dtype=torch.uint8))


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0, 255, "[0.00, 255.00]"),
        (-1.01, 0, "[-1.01, 0.00]"),
        (-1, 1.01, "[-1.00, 1.01]"),
        (float("nan"), 0, "[nan, nan]"),
        (-float("inf"), 0, "[-inf, 0.00]"),
    ],
)
def test_check_images_refuses_other_ranges(refuses, low, high, said):
    images = torch.tensor([low, high, 0.0]).view(1, 3, 1, 1)
    with refuses(ValueError, f"images span {said}", "expected [-1, 1]", "; pass uint8 pixels through"):
        check_images(images)


# A set


@pytest.fixture
def tiny():
    pixels = torch.arange(4 * 3 * 2 * 2, dtype=torch.uint8).view(4, 3, 2, 2)
    labels, classes, names = torch.tensor([0, 1, 2, 1]), ("cat", "dog", "cow"), ("a", "b", "c", "d")
    return ImageSet(pixels, "zoo", "test", "CC0-1.0", "By hand", labels, classes, names)


def test_a_set_gives_images_by_any_index(tiny):
    assert len(tiny) == 4 and tiny.size == 2
    assert_close(tiny[:], to_signed(tiny.pixels))
    assert_close(tiny[1], to_signed(tiny.pixels[1]))
    assert_close(tiny[torch.tensor([3, 0])], to_signed(tiny.pixels[[3, 0]]))


def test_a_set_says_what_it_is(tiny):
    assert repr(tiny) == "zoo (test): 4 images, 3 x 2 x 2, 3 classes. By hand, CC0-1.0."


def test_only_keeps_the_images_of_the_classes_with_their_numbers(tiny):
    dogs = tiny.only("dog")
    assert_close(dogs.pixels, tiny.pixels[[1, 3]])
    assert (dogs.labels.tolist(), dogs.names, dogs.classes) == ([1, 1], ("b", "d"), tiny.classes)
    assert tiny.only("cow", "Cat").labels.tolist() == [0, 2]


def test_only_refuses_unknown_classes_and_sets_without_labels(refuses, tiny):
    with refuses(ValueError, "class 'dgo' is not known", "; did you mean 'dog'"):
        tiny.only("dgo")
    with refuses(ValueError, "micah has no labels", "; use a labelled set"):
        load("micah").only("head")


# Names


def test_known_minds_no_capitals():
    assert known("PEEPS", PACKED, "data set") == "peeps"
    assert known("sneaker", FASHION, "class") == "sneaker"
    assert known("t-SHIRT", FASHION, "class") == "T-shirt"


@pytest.mark.parametrize(
    ("name", "offer"),
    [("peps", "'peeps'"), ("fashon", "'fashion'"), ("emoji-noto", "'noto'"), ("CIFAR-10", "'cifar10'")],
)
def test_a_wrong_name_is_answered_with_the_nearest(refuses, name, offer):
    with refuses(ValueError, f"data set {name!r} is not known", "; did you mean", offer):
        load(name)


@pytest.mark.parametrize("name", ["zzz", ""])
def test_a_name_near_to_nothing_is_answered_with_all(refuses, name):
    with refuses(ValueError, f"data set {name!r} is not known", "; choose one of", *PACKED, *TORCHVISION):
        load(name)


def test_photographs_are_found_by_name_too(refuses):
    coffee = photo("coffee")
    with Image.open(data.PACK / "photos" / "test" / "coffee.jpg") as file:
        expected = torch.from_numpy(np.array(file)).permute(2, 0, 1)[None]
    assert_close(to_pixels(check_images(coffee)), expected)
    with refuses(ValueError, "photograph 'cofee' is not known", "; did you mean 'coffee'"):
        photo("cofee")


# Loading


def test_a_packed_set_comes_with_its_facts():
    fashion = load("fashion", "test")
    assert (fashion.name, fashion.split, fashion.licence) == ("fashion", "test", "MIT")
    assert "Zalando" in fashion.source
    assert fashion.classes == FASHION and fashion.labels.shape == (2000,)
    with np.load(data.PACK / "fashion28.npz") as arrays:
        assert_close(fashion.pixels[:, 0], torch.from_numpy(arrays["test"]))
        assert_close(fashion.labels, torch.from_numpy(arrays["test_label"]).long())


def test_colour_arrays_are_laid_channels_first():
    peeps = load("peeps", "test")
    with np.load(data.PACK / "avatars64.npz") as arrays:
        assert_close(peeps.pixels.permute(0, 2, 3, 1), torch.from_numpy(arrays["peeps_test"]))


def test_emoji_have_names_and_categories():
    noto = load("noto", "test")
    with np.load(data.PACK / "emoji64.npz") as arrays:
        assert noto.names == tuple(arrays["name_test"].tolist())
        assert noto.classes == tuple(arrays["categories"].tolist())
        assert_close(noto.labels, torch.from_numpy(arrays["category_test"]).long())


def test_a_packed_set_is_decoded_once():
    assert load("micah").pixels is load("Micah").pixels


def test_the_packed_photographs_are_middle_squares_with_names():
    photos = load_photos("test", 32)
    assert photos.pixels.shape == (19, 3, 32, 32)
    assert "coffee" in photos.names and photos.skipped == ()
    assert load("photos", "test", 32).pixels.equal(photos.pixels)


def test_another_size_is_the_resized_set():
    small = load("micah", size=16)
    assert small.size == 16 and small.name == "micah" and len(small) == 100
    assert_close(small.pixels, to_pixels(resize(load("micah")[:], 16)))
    assert load("micah", size=64).pixels is load("micah").pixels


def test_resizing_a_large_set_keeps_its_order():
    fashion = load("fashion", "test", size=8)
    for place in (0, 499, 500, 1999):  # it goes in parts of 500
        assert_close(
            fashion.pixels[place : place + 1], to_pixels(resize(load("fashion", "test")[place : place + 1], 8))
        )


@pytest.mark.parametrize("size", [3, 0, -64, 5000])
def test_a_size_out_of_range(refuses, size):
    with refuses(ValueError, f"size is {size}", "expected 4 to 4096"):
        load("peeps", size=size)


def test_an_unknown_split(refuses):
    with refuses(ValueError, "split is 'valid'", "expected 'train' or 'test'"):
        load("peeps", "valid")


# A folder


def test_a_folder_gives_squares_in_alphabetical_order(folder):
    images = load(folder, size=8)
    assert images.names == ("a", "b") and images.name == "holiday" and images.source == str(folder)
    expected = torch.tensor([[255, 0, 0], [0, 0, 255]], dtype=torch.uint8)[:, :, None, None].expand(2, 3, 8, 8)
    assert_close(images.pixels, expected)
    assert load_folder(folder, "train", 8).pixels.equal(images.pixels)
    assert load(folder).size == 256


def test_what_counts_as_a_path(refuses, folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    monkeypatch.setenv("HOME", str(folder.parent))
    monkeypatch.setenv("USERPROFILE", str(folder.parent))
    for path in ("./holiday", "holiday/", str(folder), "~/holiday", folder):
        assert load(path, size=8).names == ("a", "b")
    monkeypatch.chdir(folder)
    assert load(".", size=8).name == "holiday"


def test_a_bare_name_is_never_a_folder(refuses, folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    with refuses(ValueError, "data set 'holiday' is not known", "; to load the folder", "'./holiday'"):
        load("holiday")
    (folder.parent / "peeps").mkdir()
    assert load("peeps").licence == "CC0-1.0"


def test_a_folder_has_no_held_out_split(refuses, folder):
    with refuses(ValueError, f"folder {folder} has no held-out split", "; load two folders"):
        load(folder, "test")


def test_an_unreadable_picture_among_good_ones_is_skipped_by_name(folder):
    (folder / "c.jpg").write_text("not a picture")
    images = load(folder, size=8)
    assert images.names == ("a", "b")
    (reason,) = images.skipped
    assert reason.startswith(f"{folder / 'c.jpg'} is not a readable picture")


# The pack missing or damaged


@pytest.mark.parametrize("name", [name for name in PACKED if name != "photos"])
def test_a_missing_archive(refuses, pack, name):
    with refuses(FileNotFoundError, str(pack / PACKED[name][0]), "is missing", "should have come with", REINSTALL):
        load(name)


@pytest.mark.parametrize("damage", ["text", "empty", "truncated", "flipped", "stream", "member", "pickle"])
def test_a_damaged_archive(refuses, pack, damage):
    path = pack / "avatars64.npz"
    pixels = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), dtype=np.uint8)
    arrays = {"other": pixels} if damage == "member" else {"peeps_train": pixels}
    if damage == "pickle":
        arrays["peeps_train"] = np.array([{}], dtype=object)
    np.savez_compressed(path, **arrays)
    whole = path.read_bytes()
    middle = len(whole) // 2
    names = int.from_bytes(whole[26:28], "little") + int.from_bytes(whole[28:30], "little")
    start = 30 + names  # where the deflated bytes begin; no stream begins with ones
    path.write_bytes(
        {
            "text": b"<html>not found</html>",
            "empty": b"",
            "truncated": whole[:middle],
            "stream": whole[:start] + b"\xff" * 8 + whole[start + 8 :],
            "flipped": whole[:middle]
            + bytes(255 - byte for byte in whole[middle : middle + 64])
            + whole[middle + 64 :],
        }.get(damage, whole)
    )
    with refuses(OSError, str(path), "is damaged (", REINSTALL):
        load("peeps")


def test_a_damaged_archive_is_read_again_after_repair(pack):
    path = pack / "avatars64.npz"
    path.write_bytes(b"nothing")
    with pytest.raises(OSError, match="is damaged"):
        load("peeps")
    np.savez(path, peeps_train=np.zeros((2, 8, 8, 3), dtype=np.uint8))
    assert len(load("peeps")) == 2


@pytest.mark.parametrize("call", [lambda: load("photos"), lambda: photo("coffee")], ids=["load", "photo"])
def test_missing_photographs(refuses, pack, call):
    with refuses(FileNotFoundError, str(pack / "photos"), "is missing", REINSTALL):
        call()
    (pack / "photos" / "train").mkdir(parents=True)
    with refuses(OSError, str(pack / "photos"), "is damaged", "holds no pictures", REINSTALL):
        call()


def test_a_truncated_photograph(refuses, pack):
    path = pack / "photos" / "train" / "cat.jpg"
    path.parent.mkdir(parents=True)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    Image.fromarray(noise).save(path.with_name("dog.jpg"))
    path.write_bytes(path.read_bytes()[:2000])
    with refuses(OSError, str(path), "is damaged", "truncated", REINSTALL):
        photo("cat")
    with refuses(OSError, str(pack / "photos"), "is damaged", str(path), "truncated", REINSTALL):
        load("photos")


def test_from_pack_lets_other_errors_through(pack):
    with pytest.raises(ZeroDivisionError), from_pack("."):
        _ = 1 / 0


# torchvision


class Fake:
    """What torchvision gives, without a download."""

    classes = ("zero", "one")

    def __init__(self, root, download, train):
        count = 3 if train else 2
        self.targets = [i % 2 for i in range(count)]
        self.labels = np.array(self.targets, dtype=np.uint8)
        self.data = self.arrays(count)
        self.pictures = [Image.new("RGB", (20, 30), "red") for _ in range(count)]

    def arrays(self, count):
        return torch.full((count, 28, 28), 7, dtype=torch.uint8)

    def __iter__(self):
        return iter((picture, torch.zeros(40)) for picture in self.pictures)


class FakeColour(Fake):
    def arrays(self, count):
        red = np.zeros((count, 32, 32, 3), dtype=np.uint8)
        red[..., 0] = 255
        return red


class FakeSplit(Fake):
    """Those that name their split and do not say `train=`."""

    def __init__(self, root, download, split):
        super().__init__(root, download, {"train": True, "test": False}[split])
        del self.targets  # their labels have another name


class FakeChannelsFirst(FakeSplit):
    def arrays(self, count):
        return FakeColour.arrays(self, count).transpose(0, 3, 1, 2)


@pytest.mark.parametrize(("split", "count"), [("train", 3), ("test", 2)])
@pytest.mark.parametrize(
    ("name", "fake", "shape"),
    [
        ("mnist", Fake, (1, 28, 28)),
        ("fashionmnist", Fake, (1, 28, 28)),
        ("cifar10", FakeColour, (3, 32, 32)),
        ("stl10", FakeChannelsFirst, (3, 32, 32)),
    ],
)
def test_a_set_of_torchvision(monkeypatch, name, fake, shape, split, count):
    monkeypatch.setattr(torchvision.datasets, TORCHVISION[name][0], fake)
    images = load(name, split)
    assert images.pixels.shape == (count, *shape) and images.pixels.dtype == torch.uint8
    assert images.labels.tolist() == [i % 2 for i in range(count)] and images.classes == ("zero", "one")
    assert (images.name, images.split, images.licence) == (name, split, TORCHVISION[name][1])
    if shape[0] == 3:
        assert_close(images[0].mean((1, 2)), torch.tensor([1.0, -1.0, -1.0]))
    assert load(name, split, size=16).size == 16


def test_celeba_is_read_as_squares(monkeypatch):
    monkeypatch.setattr(torchvision.datasets, "CelebA", FakeSplit)
    images = load("celeba", size=8)
    assert images.pixels.shape == (3, 3, 8, 8) and images.labels is None
    assert_close(images[0].mean((1, 2)), torch.tensor([1.0, -1.0, -1.0]))
    assert load("CelebA").size == 64


def test_every_named_set_is_one_of_torchvision():
    for class_name, *_ in TORCHVISION.values():
        assert hasattr(torchvision.datasets, class_name)


@pytest.mark.parametrize("name", TORCHVISION)
@pytest.mark.parametrize("error", [OSError("no route to host"), RuntimeError("Error downloading x"), TimeoutError()])
def test_no_network(refuses, monkeypatch, own_cache, name, error):
    before, during = 7.0, []
    socket.setdefaulttimeout(before)

    def download(*_, **__):
        during.append(socket.getdefaulttimeout())
        raise error

    monkeypatch.setattr(torchvision.datasets, TORCHVISION[name][0], download)
    parts = (f"{name} is not in {own_cache / 'torchvision'}", "cannot be downloaded", type(error).__name__)
    with refuses(OSError, *parts, "; 'fashion' and 'peeps' come with minigan"):
        load(name)
    assert during == [20]  # a dead network is noticed within this time
    after = socket.getdefaulttimeout()
    socket.setdefaulttimeout(None)
    assert after == before


def test_a_real_download_fails_at_the_first_socket(refuses):
    """torchvision's own code, on a machine whose network the tests have closed."""
    with refuses(
        OSError,
        "mnist is not in",
        "cannot be downloaded",
        "a test wants to reach",
        "; 'fashion' and 'peeps' come with minigan",
    ):
        load_torchvision("mnist", "train")


# Degradations


def test_resize_agrees_with_pillow():
    """Pillow's bicubic has the same low-pass filter. It is asked in floats: in bytes it rounds after each direction."""
    image = load("peeps", "test")[:1]
    for width, height in ((16, 16), (24, 40), (100, 64)):
        for ours, channel in zip(resize(image, (height, width))[0], image[0], strict=True):
            picture = Image.fromarray(channel.numpy()).resize((width, height), Image.Resampling.BICUBIC)
            assert_close(ours, torch.from_numpy(np.array(picture)).clamp(-1, 1), atol=1e-4, rtol=0)


def test_resize_keeps_flat_pictures_and_the_range():
    assert_close(resize(torch.full((1, 3, 9, 9), 0.25), (4, 30)), torch.full((1, 3, 4, 30), 0.25))
    edge = torch.tensor([-1.0, -1, 1, 1]).expand(1, 1, 4, 4)
    check_images(resize(edge, 16))  # bicubic overshoots at an edge


def test_a_fine_pattern_becomes_grey_and_does_not_alias():
    stripes = torch.tensor([-1.0, 1.0]).repeat(32).expand(1, 1, 64, 64)
    assert_close(resize(stripes, 16)[..., 2:-2], torch.zeros(1, 1, 16, 12), atol=0.02, rtol=0)


def test_downscale_divides_the_sides():
    images = torch.rand(2, 3, 12, 8)
    assert downscale(images, 4).shape == (2, 3, 3, 2)
    assert_close(downscale(images, 4), resize(images, (3, 2)))
    assert_close(downscale(images, 1), images)


def test_downscale_refuses_sides_that_do_not_divide(refuses):
    with refuses(ValueError, "images are 97 x 131", "which 4 does not divide", "; crop them to 96 x 128"):
        downscale(torch.zeros(1, 3, 97, 131), 4)
    for shape, fits in (((96, 131), "96 x 128"), ((97, 128), "96 x 128")):
        with refuses(ValueError, "which 4 does not divide", f"; crop them to {fits}"):
            downscale(torch.zeros(1, 3, *shape), 4)
    for factor in (0, -2, 16):
        with refuses(ValueError, f"factor is {factor}", "images are 12 x 8", "; choose a factor from 1 to 8"):
            downscale(torch.zeros(1, 3, 12, 8), factor)


def test_noise_has_the_stated_deviation_in_grey_levels():
    images = torch.zeros(4, 3, 64, 64)
    noise = add_noise(images, 25, generator()) * 127.5
    assert_close(noise.std().item(), 25.0, rtol=0.02, atol=0)
    assert_close(noise.mean().item(), 0.0, rtol=0, atol=0.5)
    assert noise.abs().max() > 75  # not clamped, not uniform


def test_noise_is_white_and_follows_its_seed():
    images = torch.zeros(1, 1, 128, 128)
    noise = add_noise(images, 127.5, generator())
    assert_close((noise[..., 1:] * noise[..., :-1]).mean().item(), 0.0, rtol=0, atol=0.03)
    assert_close(add_noise(images, 127.5, generator()), noise)
    assert not add_noise(images, 127.5, generator(1)).equal(noise)
    assert_close(add_noise(images + 0.5, 0, generator()), images + 0.5)


def test_degradations_let_gradients_through():
    images = load("peeps", "test")[:2].requires_grad_()
    for degrade in (lambda x: downscale(x, 4), lambda x: add_noise(x, 10, generator()), lambda x: resize(x, 48)):
        (gradient,) = torch.autograd.grad(degrade(images * 0.5).sum(), images)
        assert_close(gradient.sum().item(), 0.5 * degrade(images).numel(), rtol=1e-3, atol=0)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 24), st.integers(0, 24), st.integers(0, 99))
def test_a_mask_has_one_square_hole(hole, margin, seed):
    size = hole + margin
    masks = hole_masks(3, size, hole, generator(seed))
    assert masks.shape == (3, 1, size, size)
    for mask in masks[:, 0]:
        rows, columns = (mask == 0).nonzero(as_tuple=True)
        assert len(rows) == hole**2 == int((1 - mask).sum())
        assert rows.max() - rows.min() == columns.max() - columns.min() == hole - 1


def test_holes_fall_everywhere_and_follow_their_seed():
    masks = hole_masks(500, 6, 5, generator())
    corners = {tuple((mask == 0).nonzero()[0].tolist()) for mask in masks[:, 0]}
    assert corners == {(0, 0), (0, 1), (1, 0), (1, 1)}
    assert_close(hole_masks(500, 6, 5, generator()), masks)


@pytest.mark.parametrize("hole", [0, -1, 9])
def test_a_hole_that_does_not_fit(refuses, hole):
    with refuses(ValueError, f"the hole is {hole} pixels", "expected 1 to 8"):
        hole_masks(1, 8, hole)
