"""The doctor: each thing that can be wrong is found, with its remedy, and the verdict follows."""

import hashlib
import json
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from minigan.course import doctor
from minigan.course.chapters import chapters
from minigan.course.doctor import Examination, Finding, installation, machine
from minigan.course.doctor.limits import Limits
from minigan.course.doctor.places import COLAB, HERE
from minigan.course.probe import probe, speeds

GB = 2**30


def states(findings):
    return [finding.state for finding in findings]


def test_the_probe_measures_speed_and_leaves_the_session_as_it_was():
    torch.manual_seed(3)
    state, threads = torch.random.get_rng_state(), torch.get_num_threads()
    measured = speeds(0.1)
    assert probe(0.1) > 0
    assert all(speed > 0 for speed in measured.values())
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_a_probe_that_is_stopped_gives_the_threads_back(monkeypatch):
    def stopped(seconds, on):
        raise KeyboardInterrupt

    threads = torch.get_num_threads()
    monkeypatch.setattr("minigan.course.probe._steps_per_second", stopped)
    try:
        torch.set_num_threads(2)
        with pytest.raises(KeyboardInterrupt):
            speeds()
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)


def test_times_are_scaled_by_the_probe():
    taken = {"01_gan_theory": {"cpu": {"seconds": 60.0, "peak_mb": 500, "probe": 10.0}}}
    assert doctor.predict(taken, "cpu", 20.0)["01_gan_theory"] == 30.0
    assert doctor.predict(taken, "cpu", 5.0)["01_gan_theory"] == 120.0
    assert doctor.predict(taken, "cpu", 5.0)["00_start_here"] is None
    assert doctor.predict(taken, "full", 5.0)["01_gan_theory"] is None


def test_python():
    assert states(installation.python()) == ["fine"]
    (old,) = installation.python(running=(3, 10))
    assert old.state == "blocks"
    assert "3.11" in old.remedy


def test_a_missing_package():
    def installed(name):
        if name == "jupyterlab":
            raise PackageNotFoundError(name)
        return {"torch": "2.14.1", "torchvision": "0.29.1"}.get(name, "1.0")

    assert states(installation.packages()) == ["fine"]
    findings = installation.packages(HERE, installed)
    assert [(f.what, f.state) for f in findings] == [("packages", "fine"), ("jupyterlab", "blocks")]
    assert "pip install" in findings[1].remedy
    assert states(installation.packages(COLAB, installed)) == ["fine"]  # Colab shows notebooks without it


@pytest.mark.parametrize("fitting", [("2.6.0", "0.21.0"), ("2.14.1+cpu", "0.29.1+cpu"), ("3.0.0", "0.30.0")])
def test_torch_and_torchvision_that_fit(fitting):
    assert installation.pair(*fitting) == []


def test_torch_and_torchvision_that_do_not_fit(monkeypatch):
    (finding,) = installation.pair("2.14.1", "0.28.0")
    assert finding.state == "blocks"
    assert finding.remedy.endswith(": pip install torchvision==0.29.*")
    (finding,) = installation.pair("2.9.0+cpu", "0.25.0", COLAB)
    assert finding.remedy.endswith(": %pip install torchvision==0.24.* (then menu Runtime, Restart session)")

    def broken(name):
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr(installation.importlib, "import_module", broken)
    (finding,) = installation.pair("2.14.1", "0.29.1")
    assert (finding.state, "nms" in finding.value) == ("blocks", True)


def test_another_environment(tmp_path):
    (tmp_path / ".venv").mkdir()
    (other,) = installation.environment(str(tmp_path / "other"), tmp_path, "")
    assert (other.state, ".venv" in other.value, "doctor" in other.remedy) == ("unsure", True, True)
    assert states(installation.environment(str(tmp_path / ".venv"), tmp_path, "")) == ["fine"]
    assert states(installation.environment("/conda", tmp_path / "elsewhere", "")) == ["fine"]
    (active,) = installation.environment("/conda", tmp_path / "elsewhere", str(tmp_path / "active"))
    assert (active.state, "active is activated" in active.value) == ("unsure", True)


def test_the_device(monkeypatch):
    monkeypatch.delenv("MINIGAN_DEVICE", raising=False)
    assert [f.what for f in machine.device()] == ["device", "threads", "bfloat16"]
    monkeypatch.setenv("MINIGAN_DEVICE", "tpu")
    (finding,) = machine.device()
    assert (finding.state, "tpu" in finding.value, "MINIGAN_DEVICE" in finding.remedy) == ("blocks", True, True)


def test_one_thread_of_many_cores(monkeypatch):
    monkeypatch.setenv("MINIGAN_DEVICE", "cpu")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    monkeypatch.setattr(machine.os, "cpu_count", lambda: 8)
    threads = machine.device()[1]
    assert (threads.value, threads.state, "OMP_NUM_THREADS" in threads.remedy) == ("1 of 8 cores", "unsure", True)


def test_more_threads_than_cores(monkeypatch):
    monkeypatch.setattr(machine.os, "cpu_count", lambda: 16)
    assert machine.threads(16) == Finding("threads", "16 of 16 cores")
    many = machine.threads(16, Limits(cores=1.5))
    assert many.value == "16, and 1.5 of 16 cores may be used: they wait for each other"
    assert (many.state, "set_num_threads(2)" in many.remedy) == ("unsure", True)
    assert machine.threads(2, Limits(cores=1.5)).state == "fine"
    assert machine.threads(1, Limits(cores=0.5)).state == "fine"
    assert machine.threads(16, Limits(cores=1.5), computes=False).state == "fine"  # a GPU computes


def test_busy_cores():
    (busy,) = machine.load({1: 30.0, 2: 5.0})
    assert (busy.state, "busy" in busy.value) == ("unsure", True)
    assert states(machine.load({1: 30.0, 2: 50.0})) == ["fine"]
    assert machine.load({1: 30.0}) == []


def test_the_data(tmp_path):
    assert states(installation.data()) == ["fine"]
    assert states(installation.data(tmp_path)) == ["blocks"]
    (tmp_path / "a.npz").write_bytes(b"a")
    (tmp_path / "SHA256SUMS").write_text(f"{hashlib.sha256(b'a').hexdigest()}  ./a.npz\n")
    assert installation.data(tmp_path) == [Finding("data", "1 files, all checksums right")]
    (tmp_path / "a.npz").write_bytes(b"b")
    (damaged,) = installation.data(tmp_path)
    assert (damaged.state, damaged.value) == ("blocks", "1 of 1 files damaged, first a.npz")
    (tmp_path / "a.npz").unlink()
    (missing,) = installation.data(tmp_path)
    assert (missing.value, "git checkout" in missing.remedy) == ("1 of 1 files missing, first a.npz", True)


def test_the_weights(tmp_path):
    assert states(installation.weights(tmp_path)) == ["fine"]
    save_file({"a": torch.zeros(2)}, tmp_path / "heads.safetensors")
    assert installation.weights(tmp_path)[0].value == "heads"
    (tmp_path / "heads.safetensors").write_bytes(b"no header")
    (damaged,) = installation.weights(tmp_path)
    assert (damaged.state, "heads.safetensors is damaged" in damaged.value) == ("blocks", True)


@pytest.mark.parametrize(("free", "state"), [(50 * 2**20, "blocks"), (GB // 2, "unsure"), (5 * GB, "fine")])
def test_the_disk(free, state):
    assert states(machine.disk(free)) == [state]


@pytest.mark.parametrize(("free", "state"), [(GB // 2, "blocks"), (GB * 3 // 2, "unsure"), (4 * GB, "fine")])
def test_the_memory(free, state):
    assert states(machine.memory(total=8 * GB, free=free)) == [state]


def test_memory_is_what_the_place_allows():
    (limited,) = machine.memory(HERE, Limits(memory=2 * GB, used=GB // 2), total=64 * GB, free=60 * GB)
    assert (limited.value, limited.state) == ("2.0 GB may be used, of 64.0 GB, 1.5 GB free", "unsure")
    (full,) = machine.memory(COLAB, Limits(memory=2 * GB, used=3 * GB), total=64 * GB, free=60 * GB)
    assert (full.state, full.remedy) == ("blocks", f"{COLAB.memory}: a chapter needs up to 1200 MB")
    (unknown,) = machine.memory(HERE, Limits(memory=8 * GB), total=64 * GB, free=60 * GB)
    assert (unknown.value, unknown.state) == ("8.0 GB may be used, of 64.0 GB, 8.0 GB free", "fine")
    (larger,) = machine.memory(HERE, Limits(memory=99 * GB, used=0), total=64 * GB, free=60 * GB)
    assert larger.value == "64.0 GB, 60.0 GB free"


def test_the_notebooks(tmp_path, monkeypatch):
    (tmp_path / "00_start_here.ipynb").touch()
    assert installation.notebooks(tmp_path)[0].value.startswith("1 in ")
    assert states(installation.notebooks(tmp_path / "none")) == ["unsure"]
    monkeypatch.setattr(installation.os, "access", lambda path, mode: False)
    (finding,) = installation.notebooks(tmp_path)
    assert (finding.state, "copy the project" in finding.remedy) == ("blocks", True)


def test_every_problem_has_a_remedy_and_the_verdict_comes_first():
    fine, unsure = Finding("disk", "5 GB"), Finding("memory", "1 GB", "unsure", "close other programs")
    blocked = Finding("data", "missing", "blocks", "install again")
    seconds = {"00_start_here": 30.0}
    assert Examination([fine], "cpu", seconds).verdict == "Ready for the course."
    assert Examination([fine, unsure], "cpu", seconds).verdict == "Ready for the course, with a remark."
    assert Examination([fine, blocked], "cpu", {}).verdict == "Not ready: one thing stands in the way."
    text = Examination([fine, unsure, blocked, blocked], "cpu", seconds).as_text().splitlines()
    assert text[0] == "Not ready: 2 things stand in the way."
    assert text[2].startswith("✗ data")
    assert text[3].endswith("-> install again")
    assert [line[0] for line in text[2:9] if line[0] != " "] == ["✗", "✗", "!", "✓"]
    assert any(line.split()[:2] == ["0.5", "00"] for line in text)


def test_the_report_as_json():
    examination = Examination([Finding("data", "missing", "blocks", "install again")], "cpu", {"00_start_here": 1.0})
    report = json.loads(examination.as_json())
    assert (report["ready"], report["scale"], report["seconds"]) == (False, "cpu", {"00_start_here": 1.0})
    assert report["findings"] == [{"what": "data", "value": "missing", "state": "blocks", "remedy": "install again"}]


def test_this_machine_is_examined(monkeypatch):
    monkeypatch.setattr("minigan.course.probe.speeds", lambda: {1: 10.0, 2: 20.0})
    examination = doctor.examine()
    looked_at = [finding.what for finding in examination.findings]
    assert looked_at[:2] == ["Python", "packages"]
    assert "place" not in looked_at  # a computer of one's own needs no name
    assert {"data", "weights", "disk", "memory", "device", "bfloat16", "threads", "network", "load"} <= set(looked_at)
    assert set(examination.seconds) == {chapter.name for chapter in chapters()}
    assert all(finding.remedy for finding in examination.findings if finding.state != "fine")


def test_a_broken_torch_is_a_finding_and_no_crash(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    for module in ("minigan.hardware", "minigan.course.probe"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    examination = doctor.examine()
    assert not examination.ready
    broken = next(finding for finding in examination.findings if finding.what == "device")
    assert (broken.state, "torch" in broken.value, "pip install" in broken.remedy) == ("blocks", True, True)
    assert examination.as_text()
    assert Path(installation.ROOT, "pyproject.toml").exists()
