"""`minigan train` and `minigan generate`: from pictures to pictures, and one sentence for whatever is in the way."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from minigan import cli, train, weights

SMALL = ["--width", "4", "--batch", "8", "--size", "16", "--precision", "float32", "--device", "cpu"]


@pytest.fixture(autouse=True)
def device(monkeypatch):
    monkeypatch.setenv("MINIGAN_DEVICE", "cpu")  # put back afterwards, whatever --device sets


@pytest.fixture
def folder(tmp_path) -> Path:
    """Twelve pictures and a broken one."""
    place = tmp_path / "my pictures"
    place.mkdir()
    random = np.random.default_rng(0)
    for number in range(12):
        Image.fromarray(random.integers(0, 256, (20, 24, 3), dtype=np.uint8)).save(place / f"{number:02}.png")
    (place / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    return place


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A run of 64 peeps that several tests look at and none changes."""
    run = tmp_path_factory.mktemp("finished") / "run"
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MINIGAN_DEVICE", "cpu")
        done = CliRunner().invoke(cli.app, ["train", "peeps", "-o", str(run), "--images", "64", *SMALL])
    assert done.exit_code == 0, done.output
    return run


def checkpoint(run: Path) -> dict:
    """All that a run is, but for the time that it took and its end."""
    saved = train.read_checkpoint(run)
    del saved["seconds"], saved["history"]
    saved["settings"].pop("images")
    return saved


def tensors(value):
    """Every tensor in a checkpoint, by its place."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from tensors(inner)


def same_run(one: Path, other: Path, least: int = 50) -> bool:
    left, right = checkpoint(one), checkpoint(other)
    ours, theirs = list(tensors(left)), list(tensors(right))
    assert len(ours) > least
    same_tensors = len(ours) == len(theirs) and all(map(torch.equal, ours, theirs))
    return same_tensors and left["settings"] == right["settings"]


# What goes well


def test_train_and_generate(finished, minigan, tmp_path):
    assert sorted(path.relative_to(finished).as_posix() for path in finished.rglob("*.*")) == [
        "checkpoint.pt", "generator.safetensors", "samples/000000000.png", "samples/000000064.png"
    ]  # fmt: skip
    output = tmp_path / "new" / "heads.png"
    code, said, complained = minigan("generate", finished, "-o", output, "--count", 6, "--columns", 3)
    assert (code, complained) == (0, "")
    assert said == f"wrote {output}: 6 pictures drawn by the generator {finished}, trained on peeps, seed 0\n"
    with Image.open(output) as picture:
        assert (picture.size, picture.mode) == ((3 * 16 + 2 * 2, 2 * 16 + 2), "RGB")
        first = np.asarray(picture).copy()
    again, other = tmp_path / "again.png", tmp_path / "other.png"
    minigan("generate", finished / "generator.safetensors", "-o", again, "--count", 6, "--columns", 3)
    minigan("generate", finished, "-o", other, "--count", 6, "--columns", 3, "--seed", 1)
    assert np.array_equal(np.asarray(Image.open(again)), first)
    assert not np.array_equal(np.asarray(Image.open(other)), first)
    network, _ = weights.find(str(finished))
    latents = torch.randn(6, 128, generator=torch.Generator().manual_seed(0))
    expected = ((network(latents[:1])[0].detach() + 1) * 127.5).round().permute(1, 2, 0).numpy()
    assert np.array_equal(first[:16, :16], expected.astype(np.uint8))


def test_train_says_what_it_does(minigan, tmp_path):
    run = tmp_path / "my run"
    code, said, complained = minigan("train", "fashion", "-o", run, "--images", 16, *SMALL)
    assert code == 0
    lines = said.splitlines()
    assert lines[0].startswith("fashion (train): 10,000 images, 1 x 16 x 16, 10 classes")
    assert [line.split()[0] for line in lines[1:4]] == ["generator", "discriminator", "device"]
    assert re.fullmatch(rf"16 images in \d+ s; draw with: minigan generate '{run}' -o fashion.png", lines[4])
    assert len(lines) == 5
    assert re.fullmatch(r"fashion: 16 images in \d+ s: discriminator .*\n", complained)
    assert train.saved_settings(run)["augment"] == ()  # grey pictures have no saturation


def test_the_resumed_run_is_the_undisturbed_one_without_repeating_options(finished, minigan, tmp_path):
    """The settings of the run are taken over, also its end; only what is given anew changes."""
    run = tmp_path / "run"
    options = ["--seed", 3, "--norm", "batch", "--augment", "translation", "--loss", "hinge", "--r1", 0, *SMALL]
    assert minigan("train", "peeps", "-o", run, "--images", 32, *options)[0] == 0
    code, said, _ = minigan("train", "peeps", "-o", run, "--resume")
    assert (code, said.splitlines()[-1].startswith("32 images in ")) == (0, True)
    code, said, _ = minigan("train", "peeps", "-o", run, "--resume", "--images", 64)
    assert (code, said.splitlines()[-1].startswith("64 images in ")) == (0, True)
    minigan("train", "peeps", "-o", tmp_path / "undisturbed", "--images", 64, *options)
    assert same_run(run, tmp_path / "undisturbed")
    assert not same_run(run, finished)


def test_unreadable_pictures_are_named_and_training_goes_on(folder, minigan, tmp_path):
    code, said, complained = minigan("train", folder, "-o", tmp_path / "run", "--images", 16, *SMALL)
    assert code == 0
    assert said.startswith("my pictures (train): 12 images, 3 x 16 x 16")
    counted, named, _ = complained.splitlines()
    assert counted == "skipped 1 of 13 pictures:"
    assert named.startswith(f"{folder / 'broken.jpg'} is not a readable picture")


def test_minutes_end_the_training_and_say_how_to_go_on(folder, minigan, tmp_path):
    run = tmp_path / "run"
    for _ in range(2):  # the second time the limit counts from the resume on
        began = time.perf_counter()
        code, said, _ = minigan("train", folder, "-o", run, "--minutes", 0.005, *(SMALL if _ == 0 else ["--resume"]))
        assert code == 0
        assert time.perf_counter() - began > 0.3
        assert said.splitlines()[-1] == f"to go on: minigan train '{folder}' -o {run} --resume"
    assert train.read_checkpoint(run)["seconds"] > 0.6


def test_ctrl_c_saves_says_how_to_go_on_and_exits_with_130(finished, minigan, tmp_path):
    """A real signal to a real process, and the resumed run ends as the undisturbed one."""
    run = tmp_path / "run"
    command = [sys.executable, "-m", "minigan", "train", "peeps", "-o", run, "--images", "1000000", *SMALL]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + 60
        while not list(run.glob("samples/*.png")) and time.monotonic() < until and process.poll() is None:
            time.sleep(0.05)
        time.sleep(0.5)  # into the first steps
        process.send_signal(signal.SIGINT)
        said, complained = process.communicate(timeout=60)
    assert process.returncode == 130, complained
    assert "Traceback" not in complained
    assert complained.splitlines()[-1] == "minigan: interrupted"
    assert said.splitlines()[-1] == f"to go on: minigan train peeps -o {run} --resume"
    seen = train.read_checkpoint(run)["seen"]
    assert said.splitlines()[-2].startswith(f"{seen:,} images in ")
    assert 0 < seen < 1_000_000
    assert seen % 8 == 0
    end = str(seen + 16)
    assert minigan("train", "peeps", "-o", run, "--resume", "--images", end)[0] == 0
    assert minigan("train", "peeps", "-o", tmp_path / "undisturbed", "--images", end, *SMALL)[0] == 0
    assert same_run(run, tmp_path / "undisturbed")


# What is in the way


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["peep"], ("data set 'peep' is not known", "did you mean 'peeps'")),
        (["./nowhere"], ("folder nowhere does not exist", "check the path")),
        (["peeps", "--loss", "hinges"], ("loss 'hinges' is not known", "did you mean 'hinge'")),
        (["peeps", "--norm", "instance"], ("norm is 'instance'", "none, batch, spectral")),
        (["peeps", "--upsampling", "bicubic"], ("upsampling is 'bicubic'", "transposed, pixel_shuffle, resize")),
        (["peeps", "--augment", "translation,flip"], ("augmentation 'flip' is not known", "choose one of")),
        (["peeps", "--precision", "float16"], ("precision is 'float16'", "auto, float32, bfloat16")),
        (["peeps", "--device", "tpu"], ("'tpu'", "cpu")),
        (["peeps", "--size", "30"], ("size is 30 pixels", "the nearest are 28 and 32")),
        (["peeps", "--size", "3"], ("size is 3", "expected 4 to 4096 pixels")),
        (["peeps", "--rate", "0"], ("rate is 0", "expected a positive number")),
        (["peeps", "--resume"], ("checkpoint.pt does not exist", "without resume")),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_trained_is_said_and_leaves_nothing(options, parts, refused, tmp_path):
    refused("train", *options, "-o", tmp_path / "run", parts=parts)
    assert not (tmp_path / "run").exists()  # so that the corrected command works


@pytest.mark.parametrize(
    "option", [["--batch", "0"], ["--images", "0"], ["--r1", "-1"], ["--rate", "much"], ["--rat", "1"]]
)
def test_options_out_of_range_are_refused_by_name(option, minigan, tmp_path):
    code, _, complained = minigan("train", "peeps", "-o", tmp_path / "run", *option)
    assert (code, option[0] in complained, "Traceback" in complained) == (2, True, False)


def test_a_folder_without_pictures(refused, tmp_path):
    (tmp_path / "empty").mkdir()
    refused("train", tmp_path / "empty", "-o", tmp_path / "run", parts=("holds no pictures", "files that end in"))


def test_a_folder_of_broken_pictures(refused, folder, tmp_path):
    for path in folder.glob("*.png"):
        path.unlink()
    refused("train", folder, "-o", tmp_path / "run", parts=("none of the 1 pictures", "can be read", "broken.jpg"))


def test_an_existing_run_is_not_overwritten(finished, refused):
    before = (finished / "checkpoint.pt").read_bytes()
    again = ["train", "peeps", "-o", finished, "--images", "8", *SMALL]
    refused(*again, parts=(f"{finished} holds a run already", "--resume"))
    assert (finished / "checkpoint.pt").read_bytes() == before


def test_resuming_under_other_settings_shows_the_difference(finished, refused):
    parts = ("written under other settings", "loss: non_saturating there, hinge here")
    refused("train", "peeps", "-o", finished, "--resume", "--loss", "hinge", parts=parts)
    refused("train", "micah", "-o", finished, "--resume", parts=("data: peeps there, micah here",))


def test_resuming_with_other_pictures_of_the_same_name_is_refused(folder, minigan, refused, tmp_path):
    minigan("train", folder, "-o", tmp_path / "run", "--images", 8, *SMALL)
    (folder / "00.png").unlink()
    parts = ("written under other settings", "pictures: 12 there, 11 here")
    refused("train", folder, "-o", tmp_path / "run", "--resume", parts=parts)


def test_a_damaged_checkpoint(refused, tmp_path):
    (tmp_path / "checkpoint.pt").write_bytes(b"PK and no more")
    refused("train", "peeps", "-o", tmp_path, "--resume", parts=(f"{tmp_path / 'checkpoint.pt'} is damaged",))


@pytest.mark.parametrize(
    "command", [["train", "peeps", *SMALL, "-o", "{}/run"], ["generate", "{run}", "-o", "{}/a.png"]]
)
def test_a_place_where_nothing_can_be_written(command, finished, refused, tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    refused(*(part.format(file, run=finished) for part in command), parts=(f"{file}", "cannot be written", "choose"))
    assert file.read_text() == "mine"


def test_generate_replaces_only_when_forced(finished, minigan, refused, tmp_path):
    output = tmp_path / "heads.png"
    output.write_text("mine")
    refused("generate", finished, "-o", output, parts=(f"{output} exists already", "--force"))
    assert output.read_text() == "mine"
    assert minigan("generate", finished, "-o", output, "--count", 2, "--force")[0] == 0
    with Image.open(output) as picture:
        assert picture.size == (16 + 2 + 16, 16)


def test_generate_from_nothing(refused, tmp_path):
    refused("generate", "heads", "-o", tmp_path / "a.png", parts=("heads is no run's folder", "shipped"))
    refused("generate", tmp_path, "-o", tmp_path / "a.png", parts=("no weights at", "minigan train"))
    (tmp_path / "net.safetensors").write_bytes(b"damaged")
    refused("generate", tmp_path / "net.safetensors", "-o", tmp_path / "a.png", parts=("is damaged",))
    refused("generate", "heads", "-o", tmp_path / "a.jpg", parts=("a.jpg", "expected a name that ends in .png"))


def test_a_training_that_fails_says_why(minigan, folder, tmp_path, monkeypatch):
    """The run is saved where all was well, and can be resumed."""
    ordinary = train.step

    def step(state, *given):
        losses = ordinary(state, *given)
        return {**losses, "adversarial": losses["adversarial"] * (torch.nan if state.steps == 2 else 1)}

    monkeypatch.setattr(train, "step", step)
    code, _, complained = minigan("train", folder, "-o", tmp_path / "run", "--images", 64, *SMALL)
    assert (code, "Traceback" in complained) == (2, False)
    assert "minigan: training failed at image 16: the loss 'adversarial' is nan" in complained
    assert train.read_checkpoint(tmp_path / "run")["seen"] == 0
    monkeypatch.setattr(train, "step", ordinary)
    assert minigan("train", folder, "-o", tmp_path / "run", "--resume")[0] == 0


# Fine-tuning


def test_a_start_is_fine_tuned_and_resumed(minigan, tmp_path):
    run = tmp_path / "run"
    few = ["--images", 16, "--batch", 8, "--precision", "float32"]
    code, said, complained = minigan("train", "micah", "-o", run, "--start", "peeps", *few)
    assert code == 0 and "micah (train): 100 images" in said, complained
    settings = train.saved_settings(run)
    assert (settings["rate"], settings["start"], settings["data"]) == (2e-4, "peeps", "micah")
    tuned, peeps = weights.find(str(run))[0], weights.find("peeps")[0]
    apart = [
        float((a - b).norm().detach() / b.norm().detach())
        for a, b in zip(tuned.parameters(), peeps.parameters(), strict=True)
    ]
    assert 0 < max(apart) < 0.1  # it started there, and went on
    code, said, complained = minigan("train", "micah", "-o", run, "--resume", "--images", 24)
    assert code == 0 and train.read_checkpoint(run)["seen"] == 24, complained


def test_starts_that_do_not_fit(minigan, tmp_path):
    for arguments, message in (
        (["micah", "--start", "peep"], "start with a discriminator 'peep' is not known; did you mean 'peeps'?"),
        (
            ["fashion", "--start", "peeps"],
            "peeps draws 64 pixels, 3 channels, the data would have 64 pixels, 1 channels",
        ),
        (
            ["micah", "--start", "peeps", "--size", 32],
            "peeps draws 64 pixels, 3 channels, the data would have 32 pixels",
        ),
    ):
        code, _, complained = minigan("train", *arguments, "-o", tmp_path / "run")
        assert code == 2 and message in complained, complained
