"""Several processes train as one: two or four real ones, talking by Gloo; the shares; one's end is the end of all."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import shared_training
import torch
from shared_training import BATCH, STEPS
from torch import nn

from minigan import distributed, nets, processes, train

PATIENCE = 240  # seconds, on a busy machine, for what takes five


def free_port() -> str:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


@pytest.fixture(scope="module")
def two(tmp_path_factory) -> tuple[Path, dict, dict]:
    """The folder where two processes worked, and what each has found."""
    folder = tmp_path_factory.mktemp("two")
    environment = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port(), "WORLD_SIZE": "2"}
    environment |= {"MINIGAN_DEVICE": "cpu", "MINIGAN_CACHE": str(folder / "cache")}
    command = [sys.executable, shared_training.__file__, str(folder)]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    started = [subprocess.Popen(command, env={**environment, "RANK": str(rank)}, **options) for rank in range(2)]
    try:
        said = [process.communicate(timeout=PATIENCE)[0] for process in started]
    finally:
        for process in started:
            process.kill()
    assert [process.returncode for process in started] == [0, 0], "\n".join(said)
    return folder, torch.load(folder / "0.pt"), torch.load(folder / "1.pt")


@pytest.fixture(scope="module")
def one() -> dict:
    """What one process finds."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MINIGAN_DEVICE", "cpu")
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        results = dict(shared_training.as_one())
        torch.set_num_threads(threads)
    return results


@pytest.fixture(autouse=True)
def device(monkeypatch):
    monkeypatch.setenv("MINIGAN_DEVICE", "cpu")


def leaves(value, place=""):
    """Every value in what a training has changed, by its place."""
    if isinstance(value, dict | list | tuple):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, f"{place}.{key}")
    else:
        yield place, value


def assert_same(found: dict, expected: dict, rounding: bool = False) -> None:
    """Equal to the last bit, or but for the rounding of sums."""
    ours, theirs = dict(leaves(found)), dict(leaves(expected))
    assert ours.keys() == theirs.keys() and len(ours) > 10
    tolerance = {"rtol": 1e-3, "atol": 1e-6} if rounding else {"rtol": 0, "atol": 0}
    for place, leaf in ours.items():
        if isinstance(leaf, torch.Tensor | float):
            torch.testing.assert_close(leaf, theirs[place], **tolerance, msg=lambda said, at=place: f"{at}: {said}")
        else:
            assert leaf == theirs[place], place


# Two processes and one


@pytest.mark.parametrize("name", ["augmented", "gradient penalty", "spectral norm", "denoise", "superres"])
def test_two_processes_find_what_one_finds(name, one, two):
    """The same networks, averages, optimisers, losses, counts and random stream, but for the rounding of sums."""
    _, first, second = two
    assert first[name]["seen"] == STEPS * BATCH and len(first[name]["history"]) == STEPS // 2
    assert_same(first[name], one[name], rounding=True)
    assert_same(second[name], first[name])
    assert torch.equal(first[name]["random"], one[name]["random"])


@pytest.mark.parametrize("name", ["broadcast", "batch norm"])
def test_all_processes_have_the_same_networks(name, two):
    _, first, second = two
    assert_same(first[name], second[name])


def test_the_broadcast_is_that_of_process_0_to_the_last_bit(two):
    torch.manual_seed(0)
    network = nets.Generator(16, width=4).state_dict()
    network["blocks.1.num_batches_tracked"] += 2**24 + 1
    torch.testing.assert_close(two[2]["broadcast"]["generator"], network, rtol=0, atol=0)


def test_batch_norm_of_shares_is_near_that_of_the_batch(two):
    """Its statistics are those of the shares, averaged: they have moved from where they start, and are finite."""
    networks = [two[1]["batch norm"][name] for name in ("generator", "discriminator", "average")]
    means = [value for network in networks for name, value in network.items() if name.endswith("running_mean")]
    assert len(means) > 3 and all(float(mean.abs().max()) > 1e-4 for mean in means)
    torch.testing.assert_close(networks[0]["blocks.1.running_mean"], networks[2]["blocks.1.running_mean"])


def test_an_average_by_hand(two):
    for results in two[1:]:
        assert [tensor.tolist() for tensor in results["average"]] == [[1.5], [[5.0], [5.0]]]


# Resume


def without_log(found: dict) -> dict:
    """A pause adds an entry to the history."""
    return {name: part for name, part in found.items() if name != "history"}


def test_a_resume_by_two_is_bit_for_bit(two):
    folder, first, _ = two
    assert_same(without_log(first["resumed"]), without_log(first["augmented"]))
    assert train.read_checkpoint(folder / "run")["seen"] == STEPS * BATCH


def test_what_two_have_begun_one_completes(one, two):
    resumed = shared_training.found(lambda: shared_training.gan(two[0] / "begun", augment=shared_training.AUGMENT))
    assert_same(without_log(resumed), without_log(one["augmented"]), rounding=True)


# Shares, in this process alone


@pytest.fixture
def third_of_three(monkeypatch):
    monkeypatch.setattr(distributed, "count", lambda: 3)
    monkeypatch.setattr(distributed, "rank", lambda: 2)


def test_a_share_by_hand(third_of_three):
    batch = {"real": torch.arange(6)[:, None], "sigma": torch.arange(6) * 10}
    own = distributed.share(batch)
    assert own["real"].tolist() == [[4], [5]] and own["sigma"].tolist() == [40, 50]


def test_what_is_drawn_for_a_share_is_the_share_of_what_is_drawn_for_all(third_of_three):
    draws = [
        lambda rows, random: torch.rand(rows, 1, 1, 1, generator=random),
        lambda rows, random: torch.randn((rows, 20), generator=random),
    ]
    for draw in draws:
        whole, random = draw(6, torch.Generator().manual_seed(0)), torch.Generator().manual_seed(0)
        with distributed.SharedRandom(random) as shared:
            shared.on = True
            own = draw(2, random)
            assert torch.rand(2, generator=torch.Generator()).shape == (2,)  # another stream is left alone
            shared.on = False
            further = torch.rand(2, generator=random)
        assert torch.equal(own, whole[4:])
        again = torch.Generator().manual_seed(0)
        draw(6, again)
        assert torch.equal(further, torch.rand(2, generator=again))


def test_counts_and_average_are_those_of_the_whole_batch(third_of_three):
    """After the others are counted, the step's own share makes it the whole."""
    states = [train.start(shared_training.config(batch=6, ema_half_life=20), nn.Linear(2, 2)) for _ in range(2)]
    for state in states:
        with torch.no_grad():
            state.generator.weight.fill_(1.0)
            state.average.weight.fill_(0.0)
    whole, shared = states
    whole.seen += 6
    train.update_average(whole, 6)
    distributed.count_the_others(shared)
    shared.seen += 2
    train.update_average(shared, 2)
    assert shared.seen == whole.seen == 6
    torch.testing.assert_close(shared.average.weight, whole.average.weight)


def test_a_process_of_its_own_stays_as_it_is(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with processes.joined():
        assert (processes.count(), processes.rank()) == (1, 0)
        state, batch = train.start(shared_training.config(), nn.Linear(2, 2)), {"real": torch.zeros(3)}
        with distributed.together(state) as share:
            assert share(batch) is batch and not state.g_optimizer._optimizer_step_pre_hooks
        with pytest.raises(OSError, match="mine"), processes.one_fate():
            raise OSError("mine")


@pytest.mark.parametrize(
    ("kind", "place", "gpus", "said"),
    [
        ("mps", 0, 0, "the device is mps, expected cuda or cpu"),
        ("cuda", 1, 1, "process 1 has no GPU, there are 1 here"),
    ],
)
def test_devices_that_several_processes_cannot_use(kind, place, gpus, said, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_RANK", str(place))
    monkeypatch.setattr(processes.hardware, "device", lambda: torch.device(kind))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    with pytest.raises(ValueError, match=said), processes.joined():
        pass


# The end


def test_a_signal_to_one_stops_all_after_the_same_step_and_saves_once(two):
    folder, first, second = two
    assert first["interrupted"]["seen"] == second["interrupted"]["seen"] == 3 * BATCH
    assert train.read_checkpoint(folder / "interrupted")["seen"] == 3 * BATCH


def test_the_clock_of_process_0_ends_the_training_of_all(two):
    assert two[1]["late"]["seen"] == two[2]["late"]["seen"] == BATCH


def test_a_loss_that_is_not_finite_in_one_stops_all(two):
    for results in two[1:]:
        assert results["not a number"].startswith(f"FloatingPointError: training failed at image {3 * BATCH}")
    assert train.read_checkpoint(two[0] / "failed")["seen"] == 2 * BATCH


def test_a_fault_in_one_is_told_by_process_0(two):
    assert two[1]["fate"] == "ValueError: a file is missing here"
    assert two[2]["fate"] == "SystemExit: 2"


def test_a_batch_that_cannot_be_shared(two):
    for results in two[1:]:
        assert results["unequal"] == "ValueError: a batch of 7 images has no equal shares for 2 processes; choose 8"


# The command line under torchrun


def children(process: subprocess.Popen) -> list[psutil.Process]:
    """The processes of minigan that a torchrun has started, in the order of their numbers."""
    found = psutil.Process(process.pid).children(recursive=True)
    return sorted((child for child in found if "minigan" in child.cmdline()), key=lambda child: child.pid)


@pytest.fixture
def torchrun(tmp_path):
    """Start processes that train a small denoiser, and end them in any case."""
    started = []

    def start(*options: object, count: int = 2) -> subprocess.Popen:
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count)]
        words = ["-m", "minigan", "train", "photos", "-o", tmp_path / "run", *options]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen([*command, *map(str, words)], env=environment, **streams)
        started.append(process)
        return process

    yield start
    for process in started:
        for one in [*psutil.Process(process.pid).children(recursive=True)] if process.poll() is None else []:
            one.kill()
        process.kill()
        process.communicate()


NEW = ["--task", "denoise", "--size", 16, "--batch", 4, "--precision", "float32"]


@pytest.mark.timeout(2 * PATIENCE)
def test_the_end_of_one_is_the_end_of_all_and_the_run_goes_on(torchrun, tmp_path, minigan):
    """Process 1 is killed: all end, none hangs, and one process goes on with what two have begun."""
    run = tmp_path / "run"
    process = torchrun(*NEW, "--images", 1_000_000)
    lines = [process.stdout.readline() for _ in range(4)]
    assert lines[3] == "processes      2, which share each batch of 4\n", lines
    first, second = children(process)
    time.sleep(1)
    second.kill()
    said, complained = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1, said
    assert not first.is_running()
    assert "minigan: process 0 has lost the others" in complained or "Signal 15" in complained
    assert train.read_checkpoint(run)["seen"] == 0
    assert minigan("train", "photos", "-o", run, "--resume", "--images", 8)[0] == 0
    assert train.read_checkpoint(run)["seen"] == 8


@pytest.mark.timeout(3 * PATIENCE)
def test_four_processes_of_which_one_is_killed_go_on_and_find_what_one_finds(torchrun, tmp_path, minigan):
    """One process begins; four go on until the third is killed; four complete it. Another run is left to one alone."""
    run, alone = tmp_path / "run", tmp_path / "alone"
    assert minigan("train", "photos", "-o", alone, *NEW, "--images", 8)[0] == 0
    shutil.copytree(alone, run)
    assert minigan("train", "photos", "-o", alone, "--resume", "--images", 16)[0] == 0

    process = torchrun("--resume", "--images", 1_000_000, count=4)
    lines = [process.stdout.readline() for _ in range(4)]
    assert lines[3] == "processes      4, which share each batch of 4\n", lines
    all_four = children(process)
    all_four[2].kill()
    said, complained = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1, said
    assert len(all_four) == 4 and not any(one.is_running() for one in all_four)
    assert "has lost the others, which have ended or do not answer; the run goes on" in complained, complained
    assert train.read_checkpoint(run)["seen"] == 8

    said, complained = torchrun("--resume", "--images", 16, count=4).communicate(timeout=PATIENCE)
    assert "16 images in" in said, complained
    ours, theirs = train.read_checkpoint(run), train.read_checkpoint(alone)
    for saved in (ours, theirs):
        for entry in (saved, *saved["history"]):
            del entry["seconds"]
    assert_same(ours, theirs, rounding=True)
    assert torch.equal(ours["random"], theirs["random"])


@pytest.mark.timeout(2 * PATIENCE)
def test_ctrl_c_under_torchrun_saves_once(torchrun, tmp_path):
    process = torchrun(*NEW, "--images", 1_000_000)
    for _ in range(4):
        process.stdout.readline()
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    said, complained = process.communicate(timeout=PATIENCE)
    assert process.returncode != 0
    assert said.count("to go on: minigan train photos") == 1 and said.count("use it with") == 1, complained
    assert train.read_checkpoint(tmp_path / "run")["seen"] % 4 == 0
    assert (tmp_path / "run" / "network.safetensors").exists()
