"""`minigan generate`: grids, folders and animations; classes, truncation, walks, attributes; what cannot be asked."""

import numpy as np
import pytest
import torch
from PIL import Image

from minigan import weights
from minigan.apps import generating
from minigan.apps.generate import ConditionalGenerator, Truncated, direction, walk
from minigan.nets import Generator

GARMENTS = ["dress", "coat", "ankle boot"]


@pytest.fixture(autouse=True)
def device(monkeypatch):
    monkeypatch.setenv("MINIGAN_DEVICE", "cpu")


@pytest.fixture
def plain(tmp_path):
    """A run that draws pictures of 8 pixels in colour."""
    torch.manual_seed(0)
    network = Generator(8, 3, 5, 4).eval()
    weights.save_network(tmp_path / "run" / "generator.safetensors", network, data="heads")
    return tmp_path / "run", network


@pytest.fixture
def told(tmp_path):
    """A file of weights that is told one of three classes."""
    torch.manual_seed(0)
    network = ConditionalGenerator(8, 1, 3, 5, 4).eval()
    weights.save_network(tmp_path / "told.safetensors", network, data="fashion", classes=GARMENTS)
    return tmp_path / "told.safetensors", network


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def pixels(network, *given):
    with torch.no_grad():
        images = network(*given)
    return ((images.expand(-1, 3, -1, -1) + 1) * 127.5).round().permute(0, 2, 3, 1).to(torch.uint8).numpy()


def cells(path, side=8, gap=2):
    """The pictures of a grid, row by row: (rows, columns, side, side, 3)."""
    sheet = np.asarray(Image.open(path))
    places = [
        [top, left] for top in range(0, sheet.shape[0], side + gap) for left in range(0, sheet.shape[1], side + gap)
    ]
    columns = (sheet.shape[1] + gap) // (side + gap)
    return np.stack([sheet[top : top + side, left : left + side] for top, left in places]).reshape(
        -1, columns, side, side, 3
    )


def alike(one, other):
    """Equal but for rounding, which may differ with the size of a batch."""
    return one.shape == other.shape and np.abs(one.astype(int) - other.astype(int)).max() <= 1


def test_a_grid_and_what_is_said(plain, minigan, tmp_path):
    run, network = plain
    output = tmp_path / "a.png"
    code, said, complained = minigan("generate", run, "-o", output, "--count", 6, "--columns", 3, "--seed", 4)
    assert (code, complained) == (0, "")
    assert said == f"wrote {output}: 6 pictures drawn by the generator {run}, trained on heads, seed 4\n"
    assert alike(cells(output).reshape(6, 8, 8, 3), pixels(network, noise(6, 5, seed=4)))


def test_a_last_row_need_not_be_full(plain, minigan, tmp_path):
    assert minigan("generate", plain[0], "-o", tmp_path / "a.png", "--count", 5, "--columns", 3)[0] == 0
    grid = cells(tmp_path / "a.png").reshape(6, -1)
    assert (grid[5] == 255).all() and not (grid[4] == 255).all()


def test_truncation_is_that_of_the_chapter(plain, minigan, tmp_path):
    run, network = plain
    for psi in (0.5, 0):
        minigan("generate", run, "-o", tmp_path / f"{psi}.png", "--count", 4, "--truncation", psi)
        expected = pixels(Truncated(network, psi), noise(8, 5)[:4])
        assert alike(cells(tmp_path / f"{psi}.png").reshape(4, 8, 8, 3), expected)
    assert np.ptp(cells(tmp_path / "0.png").reshape(4, -1).astype(int), axis=0).max() <= 1


def test_each_row_is_one_of_the_classes(told, minigan, tmp_path):
    file, network = told
    command = ["generate", file, "-o", tmp_path / "a.png", "--count", 6, "--columns", 2]
    assert minigan(*command, "--classes", "ankle boot, DRESS")[0] == 0
    expected = pixels(network, noise(6, 5), torch.tensor([2, 2, 0, 0, 2, 2]))
    assert alike(cells(tmp_path / "a.png").reshape(6, 8, 8, 3), expected)
    assert minigan(*command, "--force")[0] == 0  # all of them where nothing is said
    expected = pixels(network, noise(6, 5), torch.tensor([0, 0, 1, 1, 2, 2]))
    assert alike(cells(tmp_path / "a.png").reshape(6, 8, 8, 3), expected)


def test_walks_begin_and_end_with_pictures(plain, minigan, tmp_path):
    run, network = plain
    code, said, _ = minigan("generate", run, "-o", tmp_path / "a.png", "--interpolate", 3, "--columns", 5)
    assert code == 0 and "a.png: 3 walks drawn by" in said
    grid, ends = cells(tmp_path / "a.png"), noise(3, 2, 5)
    assert grid.shape[:2] == (3, 5)
    for row, pair in zip(grid, ends, strict=True):
        assert alike(row, pixels(network, walk(pair, 4)))


def test_an_animation_is_a_round_trip(plain, minigan, tmp_path):
    run, _ = plain
    command = ["generate", run, "-o", tmp_path / "a.gif", "--columns", 4, "--interpolate"]
    code, said, _ = minigan(*command, 3)
    assert code == 0 and "a round trip through 3 pictures" in said
    with Image.open(tmp_path / "a.gif") as film:
        assert (film.n_frames, film.size, film.info["loop"]) == (12, (256, 256), 0)
        assert film.info["duration"] == generating.FRAME
    assert minigan(*command, 1, "--force")[0] == 0  # there and nowhere else


def test_an_attribute_is_varied_along_its_direction(plain, minigan, tmp_path):
    run, network = plain
    command = ["generate", run, "-o", tmp_path / "a.png", "--vary", "brightness", "--count", 6, "--columns", 3]
    code, said, _ = minigan(*command)
    assert code == 0 and "2 pictures with less and more brightness" in said
    random = torch.Generator().manual_seed(0)
    starts = torch.randn(2, 5, generator=random)
    sample = torch.randn(generating.MEASURED, 1, 5, generator=random)[:, 0]
    with torch.no_grad():
        towards = direction(sample, network(sample).mean((1, 2, 3)))
    for row, start in zip(cells(tmp_path / "a.png"), starts, strict=True):
        steps = torch.tensor([-3.0, 0.0, 3.0])[:, None]
        assert alike(row, pixels(network, start + steps * towards))


def test_measures_by_hand():
    image = -torch.ones(1, 3, 2, 2)
    image[0, 0] = torch.tensor([[1.0, -1.0], [-1.0, -1.0]])
    found = {name: float(generating.measured(image, name)) for name in generating.ATTRIBUTES}
    assert found == pytest.approx({"brightness": -5 / 6, "colour": 0.5, "detail": 2 / 3})


def test_a_folder_of_single_pictures(told, minigan, tmp_path):
    file, network = told
    command = ["generate", file, "-o", tmp_path / "out", "--count", 5, "--columns", 2, "--classes", "coat,ankle boot"]
    code, said, _ = minigan(*command)
    assert code == 0 and f"wrote {tmp_path / 'out'}: 5 pictures" in said
    names = ["0000_coat", "0001_coat", "0002_ankle_boot", "0003_ankle_boot", "0004_coat"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"{name}.png" for name in names]
    expected = pixels(network, noise(6, 5), torch.tensor([1, 1, 2, 2, 1, 1]))
    for name, picture in zip(names, expected, strict=False):
        assert alike(np.asarray(Image.open(tmp_path / "out" / f"{name}.png")), picture)
    (tmp_path / "out" / "mine.txt").write_text("mine")
    code, _, complained = minigan(*command)
    assert code == 2 and "0000_coat.png exists already" in complained and "--force" in complained
    assert minigan(*command, "--force")[0] == 0 and (tmp_path / "out" / "mine.txt").exists()


def test_a_folder_that_is_called_like_a_picture(plain, minigan, tmp_path):
    (tmp_path / "a.png").mkdir()
    assert minigan("generate", plain[0], "-o", tmp_path / "a.png", "--count", 2)[0] == 0
    assert len(list((tmp_path / "a.png").iterdir())) == 2


def test_the_shipped_one_by_name(minigan, tmp_path):
    code, said, _ = minigan("generate", "fashion_classes", "-o", tmp_path / "a.png", "--classes", "bag", "--count", 2)
    assert code == 0 and "2 pictures drawn by the generator fashion_classes, trained on fashion" in said


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["-o", "a.jpg"], ("a.jpg", "expected a name that ends in .png or .gif, or that of a folder")),
        (["-o", "a.gif"], ("a.gif would be an animation", "add --interpolate 5")),
        (["-o", "a.png", "--interpolate", 2, "--vary", "colour"], ("--interpolate and --vary", "choose one")),
        (["-o", "a.png", "--interpolate", 2, "--count", 4], ("--count is 4 beside --interpolate 2", "leave it out")),
        (["-o", "a.png", "--vary", "colours"], ("attribute 'colours' is not known", "did you mean 'colour'")),
        (["-o", "a.png", "--vary", "hair"], ("attribute 'hair' is not known", "brightness, colour, detail")),
        (["-o", "a.png", "--device", "tpu"], ("tpu", "this machine has")),
    ],
)
def test_what_cannot_be_asked(words, parts, plain, refused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused("generate", plain[0], *words, parts=parts)
    assert not (tmp_path / "a.png").exists()


def test_classes_that_cannot_be(plain, told, refused, tmp_path):
    command = ["-o", tmp_path / "a.png", "--classes"]
    refused("generate", plain[0], *command, "dress", parts=("was not told classes", "leave it out"))
    refused("generate", told[0], *command, "dres", parts=("class 'dres' is not known", "did you mean 'dress'?"))
    refused("generate", told[0], *command, "zzzz", parts=("class 'zzzz' is not known", "choose one of dress, coat"))
    refused("generate", told[0], *command, " , ", parts=("expected some of dress, coat, ankle boot",))


def test_a_grey_generator_has_no_colour_to_vary(told, refused, tmp_path):
    parts = ("the attribute is 0 for all pictures", "expected one that varies")
    refused("generate", told[0], "-o", tmp_path / "a.png", "--vary", "colour", parts=parts)


def test_names_of_classes_are_numbers_where_none_were_written(tmp_path, minigan):
    weights.save_network(tmp_path / "a.safetensors", ConditionalGenerator(8, 1, 3, 5, 4))
    command = ["generate", tmp_path / "a.safetensors", "-o", tmp_path / "out", "--count", 1, "--classes", "2"]
    assert minigan(*command)[0] == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["0000_2.png"]


def test_what_is_no_generator(refused, tmp_path):
    refused("generate", "heads", "-o", tmp_path / "a.png", parts=("heads is no run's folder", "fashion_classes"))
    refused("generate", "denoise", "-o", tmp_path / "a.png", parts=("denoise is no run's folder", "peeps"))
