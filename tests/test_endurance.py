"""Training that is killed goes on bit for bit, and no file that is half there, or changed, is taken for a whole one."""

import signal
import subprocess
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from minigan import cli, data, train, weights
from minigan.apps.tasks import kinds
from minigan.files import UNFINISHED, cache_folder, read_image

FOLDER = Path(__file__).parents[1] / "benchmarks"
SMALL = ("--batch", "16", "--size", "16", "--precision", "float32", "--device", "cpu")
OFTEN = """
import os, signal
from pathlib import Path
from minigan import cli, train

write, left = Path.write_bytes, int(os.environ.get("KILLED_AT_WRITE", "0"))

def perhaps_half(path, content):
    global left
    left -= 1
    if left == 0:
        write(path, content[: len(content) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
    return write(path, content)

Path.write_bytes = perhaps_half
train.fit.__kwdefaults__.update(save_every=800, log_every=160)
cli.main()
"""


@pytest.fixture(scope="module")
def endurance() -> Iterator[ModuleType]:
    """The benchmark, which stands in no package."""
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(FOLDER)
        yield import_module("endurance")


# Kills


@pytest.mark.timeout(300)
def test_a_training_killed_at_four_moments_ends_as_the_undisturbed_one(endurance, tmp_path):
    """Real processes, killed in the imports, in the middle of a checkpoint, in the steps, and in the very last file."""
    run, undisturbed = tmp_path / "run", tmp_path / "undisturbed"
    words = ("peeps", "--width", "4", "--augment", "translation", *SMALL)
    training = endurance.Training(words, 6_400, ("-c", OFTEN))

    def killed_at(write: int) -> int:
        environment = {**endurance.environment(), "KILLED_AT_WRITE": str(write)}
        done = subprocess.run(training.command(run), env=environment, capture_output=True, text=True)
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert endurance.broken(run) == []
        return train.read_checkpoint(run)["seen"]

    training.complete(undisturbed)
    assert endurance.killed(training.command(run), run, "imports", lambda seconds, files: seconds > 0.3).seen == 0
    assert killed_at(5) == 800  # checkpoint and weights at 0 and 800, and half of the checkpoint at 1600
    third = run / "samples" / "000003200.png"
    kill = endurance.killed(training.command(run), run, "steps", lambda seconds, files: third.exists(), 0.02)
    assert kill.complaints == () and 3200 <= kill.seen < 6400
    assert killed_at(2 + (6400 - kill.seen) // 400) == 6400  # the checkpoint is there, the weights are half there
    assert "generator.safetensors" in endurance.differences(run, undisturbed)
    training.complete(run)
    assert endurance.differences(run, undisturbed) == []
    names = {path.relative_to(run).as_posix() for path in run.rglob("*.*")}
    expected = {"checkpoint.pt", "generator.safetensors", *(f"samples/{n:09}.png" for n in range(0, 6401, 800))}
    assert {name for name in names if UNFINISHED not in name} == expected


# Damage

Change = tuple[str, int, int]
CHANGES = st.tuples(st.sampled_from(["cut", "zeros", "flip"]), st.integers(0, 2**32), st.integers(1, 255))


def changed(content: bytes, change: Change) -> bytes:
    """The content cut off, with zeros to the end as after a loss of power, or with one byte changed."""
    how, place, flip = change
    place %= len(content)
    if how == "cut":
        return content[:place]
    if how == "zeros":
        return content[:place] + bytes(len(content) - place)
    return content[:place] + bytes([content[place] ^ flip]) + content[place + 1 :]


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    """A folder with the finished runs of a GAN and of an application, and two pictures that have been decoded."""
    folder = tmp_path_factory.mktemp("runs")
    tiny = ("--images", "16", "--batch", "8", "--size", "16", "--precision", "float32", "--device", "cpu")
    gan, task = ["peeps", "-o", folder / "gan", "--width", "4"], ["photos", "-o", folder / "task", "--task", "denoise"]
    for words in (gan, task):
        done = CliRunner().invoke(cli.app, ["train", *map(str, words), *tiny])
        assert done.exit_code == 0, done.output
    (folder / "pictures").mkdir()
    for name, colour in (("a", "red"), ("b", "blue")):
        Image.new("RGB", (9, 7), colour).save(folder / "pictures" / f"{name}.png")
    return folder


def plain(found: object) -> list:
    """Tensors and pictures as bytes, in lists that can be compared."""
    if isinstance(found, torch.Tensor):
        return [str(found.dtype), list(found.shape), found.reshape(-1).view(torch.uint8).numpy().tobytes()]
    if isinstance(found, dict | list | tuple):
        pairs = found.items() if isinstance(found, dict) else enumerate(found)
        return [[key, plain(value)] for key, value in pairs]
    return [repr(found)]


def network(path: Path) -> list:
    found, facts = weights.load_network(path, *kinds())
    return plain([type(found).__name__, found.state_dict(), facts])


READ = {  # what a run leaves, and how it is read
    "gan/checkpoint.pt": lambda path: plain(train.read_checkpoint(path.parent)),
    "gan/generator.safetensors": network,
    "gan/samples/000000016.png": lambda path: read_image(path).tobytes(),
    "task/checkpoint.pt": lambda path: plain(train.read_checkpoint(path.parent)),
    "task/network.safetensors": network,
    "task/examples.png": lambda path: read_image(path).tobytes(),
}


@pytest.mark.parametrize("name", READ)
def test_a_changed_file_of_a_run_is_refused_or_holds_what_it_held(name, runs, tmp_path_factory):
    whole, read = (runs / name).read_bytes(), READ[name]
    path = tmp_path_factory.mktemp("changed") / Path(name).name
    path.write_bytes(whole)
    expected, refused = read(path), 0

    @settings(max_examples=150, deadline=None, derandomize=True)
    @given(CHANGES)
    def check(change: Change) -> None:
        nonlocal refused
        path.write_bytes(changed(whole, change))
        try:
            found = read(path)
        except OSError as error:
            refused += 1
            assert str(error).startswith(str(path)) and "\n" not in str(error)
        else:
            assert found == expected

    check()
    assert refused > 40


@settings(max_examples=40, deadline=None, derandomize=True)
@given(change=CHANGES)
def test_a_changed_cache_of_pictures_is_decoded_again(change, runs):
    expected = data.load(runs / "pictures", size=8)
    (kept,) = (cache_folder() / "decoded").iterdir()
    kept.write_bytes(changed(kept.read_bytes(), change))
    found = data.load(runs / "pictures", size=8)
    assert torch.equal(found.pixels, expected.pixels) and found.names == expected.names
