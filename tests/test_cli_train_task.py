"""`minigan train --task`: the applications on pictures of any sizes, resumed, applied, and refused with a sentence."""

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import typer
from PIL import Image
from test_cli_train import same_run

from minigan import cli, train, weights
from minigan.apps import denoise, superres, tasks, training

FEW = ["--images", 8, "--batch", 4, "--precision", "float32"]


@pytest.fixture(autouse=True)
def device(monkeypatch):
    monkeypatch.setenv("MINIGAN_DEVICE", "cpu")


def small_denoiser(network=None):
    return denoise.task(network or denoise.Denoiser(8, 1))


def small_upscaler(network=None):
    return superres.task(4, network=network or superres.Upscaler(4, 8, 1))


@pytest.fixture
def small(monkeypatch):
    """Tasks with small networks, in place of those that are shipped."""
    found = {
        "denoise": tasks.Recipe(small_denoiser, denoise.Denoiser),
        "superres_x4_pixel": tasks.Recipe(small_upscaler, superres.Upscaler),
        "denoise_further": tasks.Recipe(small_denoiser, denoise.Denoiser, "denoise_missing"),
    }
    monkeypatch.setattr(tasks, "recipes", lambda: found)


def picture(path: Path, height: int, width: int) -> None:
    pixels = np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def folder(tmp_path) -> Path:
    """Five pictures of different sizes, one that is too small and one that is broken."""
    place = tmp_path / "my pictures"
    place.mkdir()
    for number in range(5):
        picture(place / f"{number}.png", 100 + number, 130 - number)
    picture(place / "thin.png", 47, 200)
    (place / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    return place


# What goes well


def test_a_network_is_trained_and_used(small, minigan, folder, tmp_path):
    run = tmp_path / "my run"
    code, said, complained = minigan("train", folder, "-o", run, "--task", "denoise", *FEW)
    assert code == 0, complained
    lines = said.splitlines()
    assert lines[0] == "my pictures: 5 pictures, of which denoise learns from squares of 48 pixels"
    assert [line.split()[0] for line in lines[1:3]] == ["generator", "device"]
    use = f"minigan denoise IN -o OUT --weights '{run}'"
    assert re.fullmatch(rf"8 images in \d+ s; use it with: {re.escape(use)}", lines[3]) and len(lines) == 4
    assert complained.splitlines()[0] == "skipped 2 of 7 pictures:"
    assert "broken.jpg is not a readable picture" in complained
    assert f"{folder / 'thin.png'}: it has 200 x 47 pixels, expected 48 x 48 or more" in complained
    assert sorted(path.name for path in run.iterdir()) == ["checkpoint.pt", "examples.png", "network.safetensors"]
    network, facts = weights.load_network(run / "network.safetensors", denoise.Denoiser)
    assert network.arguments == {"width": 8, "blocks": 1}
    assert facts == {"task": "denoise", "data": "my pictures", "pictures": 5, "size": 48, "images": 8}
    output = tmp_path / "clean.png"
    assert minigan("denoise", folder / "thin.png", "-o", output, "--weights", run)[0] == 0
    with Image.open(output) as cleaned:
        assert cleaned.size == (200, 47)


def test_the_resumed_run_is_the_undisturbed_one_without_repeating_options(small, minigan, folder, tmp_path):
    run, undisturbed = tmp_path / "run", tmp_path / "undisturbed"
    options = ["--task", "superres", "--size", 64, "--batch", 2, "--rate", 0.01, "--seed", 3, "--precision", "float32"]
    assert minigan("train", folder, "-o", run, "--images", 8, *options, "--minutes", 0.00001)[0] == 0
    assert train.read_checkpoint(run)["seen"] == 2
    code, said, complained = minigan("train", folder, "-o", run, "--resume")
    assert code == 0, complained
    assert said.splitlines()[-1].startswith("8 images in ")
    assert minigan("train", folder, "-o", undisturbed, "--images", 8, *options)[0] == 0
    assert same_run(run, undisturbed, least=20)
    settings = train.saved_settings(run)
    assert (settings["task"], settings["size"], settings["rate"]) == ("superres_x4_pixel", 64, 0.01)
    assert minigan("train", folder, "-o", run, "--resume", "--task", "superres", "--images", 10)[0] == 0


def test_a_style_of_ones_own(minigan, refused, folder, tmp_path):
    run, drawn = tmp_path / "run", tmp_path / "drawn"
    picture(tmp_path / "painting.png", 40, 60)
    own, few = ["--task", "style", "--style", tmp_path / "painting.png"], ["--size", 32, "--precision", "float32"]
    code, said, complained = minigan("train", folder, "-o", run, *own, *few, "--images", 2)
    assert code == 0, complained
    assert said.splitlines()[-1].endswith(f"use it with: minigan stylize IN {run} -o OUT")
    assert train.saved_settings(run)["style"] == str(tmp_path / "painting.png")
    assert minigan("train", folder, "-o", run, "--resume", "--task", "style")[0] == 0
    assert minigan("train", folder, "-o", drawn, *own[:3], "mosaic", *few, "--images", 2)[0] == 0
    first, second = (weights.load_network(place / "network.safetensors", *tasks.kinds())[0] for place in (run, drawn))
    assert any(not torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    parts = ("under other settings", "style: ", "painting.png there, mosaic here")
    refused("train", folder, "-o", run, "--resume", "--style", "mosaic", parts=parts)
    new = ["train", folder, "-o", tmp_path / "new"]
    refused(*new, "--task", "style", "--style", "cubes", parts=("cubes is no picture's file and no style", "mosaic"))
    refused(*new, "--task", "denoise", "--style", "mosaic", parts=("--style mosaic is for --task style alone",))
    refused(*new, "--style", "mosaic", parts=("--style mosaic is for --task style alone",))


def test_the_recipe_stands_where_nothing_is_said(small, minigan, folder, tmp_path):
    planned = small_denoiser()
    assert minigan("train", folder, "-o", tmp_path / "run", "--task", "denoise", "--minutes", 0.00001)[0] == 0
    settings = train.saved_settings(tmp_path / "run")
    assert settings["images"] == planned.config.images == 32_000
    assert (settings["batch"], settings["rate"], settings["size"]) == (16, 1e-3, planned.size)


def test_ctrl_c_saves_the_network_as_well(small, minigan, folder, tmp_path, monkeypatch):
    step = train.step

    def interrupted(state, *given):
        if state.steps == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return step(state, *given)

    monkeypatch.setattr(train, "step", interrupted)
    run = tmp_path / "run"
    code, said, complained = minigan("train", folder, "-o", run, "--task", "denoise", "--batch", 4)
    assert code == 130 and complained.splitlines()[-1] == "minigan: interrupted"
    assert said.splitlines()[-1] == f"to go on: minigan train '{folder}' -o {run} --resume"
    assert train.read_checkpoint(run)["seen"] == 12
    assert (run / "network.safetensors").exists()


def test_a_run_that_was_killed_goes_on_bit_for_bit(minigan, folder, tmp_path):
    """A real kill of a real process: what it had not saved is done again."""
    run, again = tmp_path / "run", tmp_path / "again"
    options = ["--task", "denoise", "--size", 16, "--batch", 2, "--precision", "float32", "--images"]
    assert minigan("train", folder, "-o", run, *options, 4)[0] == 0
    command = [sys.executable, "-m", "minigan", "train", folder, "-o", run, "--resume", "--images", "1000000"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        for _ in range(3):  # what it says before the first step
            process.stdout.readline()
        time.sleep(0.5)
    finally:
        process.kill()
    assert process.wait(timeout=60) == -signal.SIGKILL
    process.stdout.close()
    assert train.read_checkpoint(run)["seen"] == 4
    assert minigan("train", folder, "-o", run, "--resume", "--images", 8)[0] == 0
    assert minigan("train", folder, "-o", again, *options, 4)[0] == 0
    assert minigan("train", folder, "-o", again, "--resume", "--images", 8)[0] == 0
    assert train.read_checkpoint(run)["seen"] == 8 and same_run(run, again, least=20)


def test_sets_by_name(small, minigan, tmp_path):
    for name, count in (("photos", 65), ("fashion", 10_000)):
        options = ["--task", "denoise", "--size", 16, *FEW]
        code, said, complained = minigan("train", name, "-o", tmp_path / name, *options)
        assert code == 0, complained
        assert said.startswith(f"{name}: {count:,} pictures, of which denoise learns from squares of 16 pixels")


@pytest.mark.parametrize("name", tasks.recipes())
def test_every_task_has_a_command_that_uses_its_network(name):
    words = tasks.COMMANDS[name.partition("_")[0]].split()
    assert "RUN" in words
    parameters = typer.main.get_command(cli.app).commands[words[0]].params
    options = {option for parameter in parameters for option in parameter.opts}
    assert {word for word in words if word.startswith("-")} <= options
    takes = [parameter for parameter in parameters if parameter.param_type_name == "argument"]
    plain = [word for place, word in enumerate(words[1:], 1) if word[0] != "-" and words[place - 1][0] != "-"]
    assert len(plain) == len(takes)


# Pictures to learn from


def test_large_photographs_are_shrunk_by_their_shorter_side():
    sizes = {(800, 1600): (768, 1536), (1600, 800): (1536, 768), (768, 5000): (768, 5000), (20, 30): (20, 30)}
    for size, expected in sizes.items():
        assert tasks.moderate(Image.new("RGB", size), 20).size == expected


def test_the_pictures_that_find_no_room_are_named(folder, monkeypatch):
    monkeypatch.setattr(tasks, "MEMORY", 3 * 100 * 130 + 3 * 101 * 129)
    found, skipped = tasks.photographs(str(folder), 48)
    assert [tuple(one.shape) for one in found] == [(3, 100, 130), (3, 101, 129)]
    assert sum("there is no room for it" in reason for reason in skipped) == 3


def test_a_set_goes_before_a_folder_of_its_name(tmp_path, monkeypatch, folder):
    monkeypatch.chdir(tmp_path)
    folder.rename("micah")
    assert len(tasks.photographs("micah")[0]) == 100
    assert len(tasks.photographs("./micah", 48)[0]) == 5


# What is in the way


@pytest.mark.parametrize("option", training.OF_A_GAN)
def test_options_of_a_gan_are_refused_by_name(option, small, refused, folder, tmp_path):
    value = {"start": "peeps", "width": 8, "r1": 1}.get(option, "none")
    options = ["--task", "denoise", f"--{option}", value]
    refused("train", folder, "-o", tmp_path / "run", *options, parts=(f"--{option} cannot be chosen", "denoise"))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["--task", "denois"], ("task 'denois' is not known", "did you mean 'denoise'")),
        (["--task", "denoise", "--size", "500"], ("none of the 7 pictures", "0.png: it has 130 x 100 pixels")),
        (["--task", "superres", "--size", "50"], ("images are 50 x 50, which 4 does not divide", "48 x 48")),
        (["--task", "denoise_further"], ("begins with the network denoise_missing", "not there")),
        (["--task", "denoise", "--rate", "0"], ("rate is 0", "expected a positive number")),
        (["--task", "denoise", "--precision", "float16"], ("precision is 'float16'",)),
        (["--task", "denoise", "--resume"], ("checkpoint.pt does not exist",)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_trained_is_said_and_leaves_nothing(options, parts, small, refused, folder, tmp_path):
    refused("train", folder, "-o", tmp_path / "run", *options, parts=parts)
    assert not (tmp_path / "run").exists()


def test_a_size_that_a_network_cannot_take(small, refused, folder, tmp_path, monkeypatch):
    def mend(network, batch):
        raise RuntimeError("sizes of tensors must match\nand more")

    recipe = tasks.Recipe(lambda network: replace(small_denoiser(), mend=mend), denoise.Denoiser)
    monkeypatch.setattr(tasks, "recipes", lambda: {"denoise": recipe})
    parts = ("--size 50 does not suit the task denoise (sizes of tensors must match)", "leave it out")
    refused("train", folder, "-o", tmp_path / "run", "--task", "denoise", "--size", 50, parts=parts)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("empty", ("holds no pictures", "files that end in")),
        ("missing", ("missing does not exist", "check the path")),
        ("tiny", ("none of the 1 pictures in", "can be used", "a.png: it has 20 x 20 pixels, expected 48 x 48")),
        ("broken", ("none of the 1 pictures in", "b.png is not a readable picture")),
    ],
)
def test_folders_without_a_picture_to_learn_from(name, parts, small, refused, tmp_path):
    for place in ("empty", "tiny", "broken"):
        (tmp_path / place).mkdir()
    picture(tmp_path / "tiny" / "a.png", 20, 20)
    (tmp_path / "broken" / "b.png").write_text("no picture")
    refused("train", tmp_path / name, "-o", tmp_path / "run", "--task", "denoise", parts=parts)


def test_a_run_stays_with_its_task(small, minigan, refused, folder, tmp_path):
    run, other = tmp_path / "run", tmp_path / "gan"
    assert minigan("train", folder, "-o", run, "--task", "denoise", *FEW)[0] == 0
    refused("train", folder, "-o", run, "--task", "denoise", parts=("holds a run already", "--resume"))
    parts = ("holds a run of the task denoise, --task says superres", "leave --task out")
    refused("train", folder, "-o", run, "--resume", "--task", "superres", parts=parts)
    refused("train", folder, "-o", run, "--resume", "--width", 8, parts=("--width cannot be chosen",))
    refused("train", folder, "-o", run, "--resume", "--rate", 0.5, parts=("under other settings", "0.001 there, 0.5"))
    tiny = ["--size", 16, "--width", 4]
    assert minigan("train", "peeps", "-o", other, *tiny, *FEW)[0] == 0
    refused("train", "peeps", "-o", other, "--resume", "--task", "denoise", parts=("holds a run of a GAN",))


def test_other_pictures_are_found_out(small, minigan, refused, folder, tmp_path):
    assert minigan("train", folder, "-o", tmp_path / "run", "--task", "denoise", *FEW)[0] == 0
    (folder / "0.png").unlink()
    parts = ("written under other settings", "pictures: 5 there, 4 here")
    refused("train", folder, "-o", tmp_path / "run", "--resume", parts=parts)


def test_a_run_that_has_not_ended_has_no_network_yet(small, minigan, refused, folder, tmp_path):
    run = tmp_path / "run"
    assert minigan("train", folder, "-o", run, "--task", "denoise", *FEW)[0] == 0
    (run / "network.safetensors").unlink()
    parts = (str(run / "network.safetensors"),)
    refused("denoise", folder / "0.png", "-o", tmp_path / "a.png", "--weights", run, parts=parts)


def test_trying_a_task_leaves_its_random_stream(small):
    task, state = tasks.prepare("denoise", seed=5, settings={"precision": "float32"})
    before = state.random.get_state()
    real, made = tasks.tried(task, state, [torch.full((3, 60, 60), 9, dtype=torch.uint8)])
    assert torch.equal(state.random.get_state(), before) and real.shape == made.shape == (16, 3, 48, 48)
