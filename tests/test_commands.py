"""Every command that changes pictures, on a folder of what people have: each one treated, or refused by name.

With small networks of random weights, given by `--weights`, so that nothing depends on what is shipped.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from test_pictures import odd_pictures
from torch import nn

from minigan import cli, weights
from minigan.apps import denoise, inpaint, style, superres
from minigan.apps.pictures import read_picture
from minigan.apps.tasks import NETWORK


@dataclass(frozen=True)
class Command:
    """A command under test: a small network for it, its words, and what is peculiar to it."""

    network: Callable[[], nn.Module]
    words: Callable[[Path, Path, Path], list]  # (folder of a run, masks, pictures) -> the words without the output
    scale: int = 1
    refuses: set[str] = field(default_factory=set)  # pictures that it cannot treat


COMMANDS = {
    "denoise": Command(
        lambda: denoise.Denoiser(8, 1), lambda run, masks, source: ["denoise", source, "--weights", run]
    ),
    "upscale": Command(
        lambda: superres.Upscaler(2, 8, 1), lambda run, masks, source: ["upscale", source, "--weights", run], scale=2
    ),
    "inpaint": Command(
        lambda: inpaint.Inpainter(),
        lambda run, masks, source: ["inpaint", source, "--mask", masks, "--weights", run],
        refuses={"one.png"},  # a single pixel is known, or it is not
    ),
    "stylize": Command(lambda: style.Stylist(4, 1), lambda run, masks, source: ["stylize", source, run]),
}


def test_no_command_is_forgotten():
    those = [one for one in cli.app.registered_commands if one.callback.__module__ == "minigan.apps.commands"]
    assert {one.callback.__name__ for one in those} == set(COMMANDS)


@pytest.fixture(autouse=True)
def device(monkeypatch):
    monkeypatch.setenv("MINIGAN_DEVICE", "cpu")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    """The folder, with a picture from a camera that was held upright."""
    folder = tmp_path_factory.mktemp("odd") / "in"
    folder.mkdir()
    odd_pictures(folder)
    (folder / "sub" / "one.png").rename(folder / "sub" / "inner.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (9, 14, 3), dtype=np.uint8)).save(
        folder / "upright.jpg", exif=exif
    )
    return folder


@pytest.fixture(scope="module")
def masks(pictures, tmp_path_factory) -> Path:
    """For each picture a mask of its size, with a hole in the middle."""
    folder = tmp_path_factory.mktemp("masks")
    for file in pictures.rglob("*.*"):
        try:
            height, width = read_picture(file).pixels.shape[1:]
        except OSError:
            height, width = 8, 8
        mask = np.zeros((height, width), np.uint8)
        mask[height // 3 : height // 3 + 4, width // 3 : width // 3 + 4] = 255
        Image.fromarray(mask).save(folder / f"{file.stem}.png")
    return folder


@pytest.fixture(params=COMMANDS)
def command(request) -> Command:
    return COMMANDS[request.param]


@pytest.fixture
def run(command, tmp_path) -> Path:
    """A run's folder with a network whose random weights change every picture."""
    torch.manual_seed(0)
    network = command.network()
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim > 1 and not parameter.any():  # last layers start at 0
                parameter.normal_(0, 0.05)
    weights.save_network(tmp_path / "run" / NETWORK, network)
    return tmp_path / "run"


def contents(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def complaints(said: str) -> list[str]:
    """The sentences of minigan among the progress bars."""
    return [line.rpartition("\r")[2] for line in said.splitlines() if "minigan: " in line]


def test_a_folder_of_odd_pictures(command, run, pictures, masks, minigan, tmp_path):
    before, output = contents(pictures), tmp_path / "out"
    words = [*command.words(run, masks, pictures), "-o", output]
    code, said, complained = minigan(*words)
    assert "Traceback" not in complained
    refused = {"text.png", "truncated.png", *command.refuses}
    sentences = complaints(complained)
    assert code == 1 and len(sentences) == len(refused), complained
    for name in refused:
        assert sum(str(pictures / name) in sentence for sentence in sentences) == 1, sentences
    made = {path.with_suffix("") for path in before if path.name not in refused}
    assert said.splitlines()[-1] == f"wrote {len(made)} pictures to {output}"
    written = contents(output)
    assert {path.with_suffix("") for path in written} == made  # nothing half done, nothing temporary
    assert contents(pictures) == before
    for path in written:
        source = next(file for file in pictures.rglob(f"{path.stem}.*"))
        ours, theirs = read_picture(output / path), read_picture(source)
        assert ours.pixels.shape[1:] == tuple(command.scale * side for side in theirs.pixels.shape[1:]), path
        assert (ours.alpha is None) == (theirs.alpha is None), path
        if command.scale == 1 and path.suffix == ".png":
            assert not torch.equal(ours.pixels, theirs.pixels), path
    for again, exit_code in ((words, 2), ([*words, "--skip-existing"], 1), ([*words, "--force"], 1)):
        code, said, complained = minigan(*again)
        assert code == exit_code and "Traceback" not in complained
        assert contents(output) == written  # kept without --force, and the same pictures with it
        assert ("--skip-existing" in again) == (f"wrote 0 pictures to {output}; {len(made)} were there" in said)
    assert contents(pictures) == before


def test_single_files(command, run, pictures, masks, minigan, tmp_path):
    """A good one is written where it was asked for; a bad one is refused in one sentence."""
    for name in ("rgba.png", "cmyk.jpg", "upright.jpg"):
        target = tmp_path / "new" / f"{Path(name).stem}.png"
        code, said, complained = minigan(*command.words(run, masks, pictures / name), "-o", target)
        assert (code, said) == (0, f"wrote {target}\n"), complained
        assert target.is_file()
    for name in ("text.png", "truncated.png", "missing.png"):
        target = tmp_path / "bad" / name
        code, said, complained = minigan(*command.words(run, masks, pictures / name), "-o", target)
        assert (code, said, "Traceback" in complained) == (2, "", False)
        assert len(complaints(complained)) == 1 and str(pictures / name) in complained
        assert not target.parent.exists()


def test_an_original_is_never_replaced(command, run, pictures, masks, minigan, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    shutil.copy(pictures / "grey.png", folder)
    before = contents(folder)
    for output in (folder, folder / "grey.png"):
        code, _, complained = minigan(*command.words(run, masks, folder / "grey.png"), "-o", output, "--force")
        assert code == 2 and "would be replaced by its own result" in complained
    assert contents(folder) == before


def test_force_and_skip_contradict_each_other(command, run, pictures, masks, minigan, tmp_path):
    words = command.words(run, masks, pictures)
    code, said, complained = minigan(*words, "-o", tmp_path / "out", "--force", "--skip-existing")
    assert (code, said) == (2, "") and "one of the two" in complained and not (tmp_path / "out").exists()


def test_what_cannot_be_asked(command, run, pictures, masks, minigan, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    for source, output, said in (
        (empty, tmp_path / "out", "holds no pictures"),
        (pictures, tmp_path / "out.png", "name a folder"),
        (pictures / "grey.png", tmp_path / "out.xyz", "expected a name that ends in"),
    ):
        code, _, complained = minigan(*command.words(run, masks, source), "-o", output)
        assert (code, "Traceback" in complained) == (2, False) and said in complained
        assert not output.exists()


def test_weights_that_are_none(command, run, pictures, masks, minigan, tmp_path):
    """No file, a damaged one, the network of another command: nothing is ever done with other weights instead."""
    damaged, other, none = tmp_path / "damaged.safetensors", tmp_path / "other", tmp_path / "none"
    damaged.write_bytes(b"no weights")
    none.mkdir()
    stranger = next(one for one in COMMANDS.values() if one is not command)
    weights.save_network(other / NETWORK, stranger.network())
    for source, said in ((none, "no "), (damaged, "is damaged"), (other, "expected a")):
        code, _, complained = minigan(*command.words(source, masks, pictures / "grey.png"), "-o", tmp_path / "a.png")
        assert (code, "Traceback" in complained) == (2, False), complained
        assert len(complaints(complained)) == 1 and said in complained, complained
    assert not (tmp_path / "a.png").exists()
