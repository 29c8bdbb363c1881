"""More than a hundred kinds of bad input: each ends in a sentence and exit code 2, quickly, and nothing is lost.

The kinds stand in `bad_input.py`. They run in this process, for speed; a sample of them in processes of their own.
"""

import contextlib
import hashlib
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from bad_input import KINDS, SMALL, Kind, Place
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from minigan import cli, nets, weights
from minigan.apps import denoise, superres
from minigan.apps.tasks import NETWORK
from minigan.course.grading import batch

QUICKLY = settings(  # a failure is not made smaller: the kinds are small already
    deadline=None, derandomize=True, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
SLOWEST = 10.0  # seconds that a refusal may compute; most take hundredths


@pytest.fixture(autouse=True)
def device(monkeypatch):
    monkeypatch.setenv("MINIGAN_DEVICE", "cpu")
    monkeypatch.setattr(batch, "obstacle", lambda: None)  # so that submissions are looked at, with a sandbox or without


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Path:
    """What is as it should be: a picture and its mask, a folder of pictures, runs and weights."""
    folder = tmp_path_factory.mktemp("fuzz") / "good"
    (folder / "pictures").mkdir(parents=True)
    random = np.random.default_rng(0)
    for name in ("picture", *(f"pictures/{n}" for n in range(3))):
        Image.fromarray(random.integers(0, 256, (20, 24, 3), dtype=np.uint8)).save(folder / f"{name}.png")
    mask = np.zeros((20, 24), np.uint8)
    mask[8:12, 8:12] = 255
    Image.fromarray(mask).save(folder / "mask.png")
    words = ["train", folder / "pictures", "-o", folder / "run", *SMALL, "--device", "cpu"]
    done = CliRunner().invoke(cli.app, list(map(str, words)))
    assert done.exit_code == 0, done.output
    torch.manual_seed(0)
    weights.save_network(folder / "task" / NETWORK, denoise.Denoiser(4, 1))
    weights.save_network(folder / "upscaler.safetensors", superres.Upscaler(2, 4, 1))
    weights.save_network(folder / "discriminator.safetensors", nets.Discriminator(16, width=2))
    return folder


def snapshot(*folders: Path) -> dict[Path, str]:
    """Every file, link and folder, and what it holds."""
    found = {}
    for path in itertools.chain.from_iterable(folder.rglob("*") for folder in folders):
        if path.is_symlink():
            found[path] = f"link to {path.readlink()}"
        elif path.is_file():
            found[path] = hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            found[path] = "folder" if path.is_dir() else "special"
    return found


def complaint(code: int, said: str) -> str:
    """What is wrong with the end of a command that was to be refused; an empty string where it is as it should be."""
    if "Traceback" in said:
        return "a traceback"
    if code != 2:
        return f"exit code {code}"
    if "─ Error ─" in said or "Usage: " in said:  # typer's own way, in a box
        return "" if "Error" in said else "no reason"
    sentences = [line for line in said.splitlines() if "minigan: " in line]
    if not sentences:
        return "no sentence"
    sentence = sentences[-1].partition("minigan: ")[2]
    if not 15 < len(sentence) < 1500:
        return "a sentence of no use"
    return ""


def outcome(kind: Kind, place: Place, words: list, run: Callable) -> str:
    """Run a command and say what is wrong with it: its end, its time, or what has become of the files."""
    before, began = snapshot(place.good, place.own), time.process_time()
    code, told, said = run(*words)
    if (spent := time.process_time() - began) > SLOWEST:
        return f"it computed for {spent:.0f} s"
    after, accepted = snapshot(place.good, place.own), code == 0 and kind.odd
    mine = [place.good] if accepted else [place.good, place.own]  # a run that is accepted goes on
    lost = [path for path, content in before.items() if after.get(path) != content]
    if lost := [path for path in lost if any(path.is_relative_to(folder) for folder in mine)]:
        return f"changed {lost}"
    if accepted:
        return "" if told else "accepted without a word"
    new = [path for path in after if path not in before]
    return complaint(code, said) or (f"left {new}" if new and not kind.odd else "")


def test_there_are_a_hundred_kinds():
    assert len(KINDS) - sum(kind.odd for kind in KINDS.values()) >= 150, len(KINDS)


def examine(kind: Kind, good: Path, folder: Path, run: Callable) -> None:
    """Run examples of a kind, each from a folder of its own; what a command leaves where it was called is noticed."""
    numbers = itertools.count()

    @settings(QUICKLY, max_examples=kind.examples)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        place = Place(good, folder / str(next(numbers)))
        place.own.mkdir()
        with contextlib.chdir(place.own):
            words = kind.make(place, data.draw)
            wrong = outcome(kind, place, words, run)
        assert not wrong, f"{wrong}: {words}"

    check()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", KINDS)
def test_bad_input_is_refused_in_a_sentence(name, good, minigan, monkeypatch, tmp_path):
    for variable, value in KINDS[name].environment.items():
        monkeypatch.setenv(variable, value)
    examine(KINDS[name], good, tmp_path, minigan)


def in_a_process(environment: dict[str, str]) -> Callable[..., tuple[int, str, str]]:
    """Run minigan as people do."""

    def run(*words: object) -> tuple[int, str, str]:
        command = [sys.executable, "-m", "minigan", *map(str, words)]
        done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=250)
        return done.returncode, done.stdout, done.stderr

    return run


SAMPLE = (
    *("a bomb of a PNG", "a device in place of a picture", "weights with a byte changed", "a checkpoint cut off"),
    *("train --rate of nothing", "a wrong WORLD_SIZE: 'x'", "a roster with wrong lines"),
)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", SAMPLE)
def test_a_sample_in_processes_of_their_own(name, good, tmp_path):
    kind = replace(KINDS[name], examples=1)
    examine(kind, good, tmp_path, in_a_process({"OMP_NUM_THREADS": "1", **kind.environment}))


@pytest.mark.timeout(300)
def test_a_wrong_number_of_threads_does_no_harm(good, tmp_path):
    """It is not ours: the library for threads says so itself, and goes on."""
    code, told, said = in_a_process({"OMP_NUM_THREADS": "x"})("generate", good / "run", "-o", tmp_path / "x.png")
    assert (code, "Traceback" in said, told.startswith("wrote ")) == (0, False, True), said
