"""The reports of a room: read in whatever encoding they come, and told as one table."""

import json

import pytest

from minigan.course.doctor import Examination, Finding
from minigan.course.doctor.room import read_room, room_table

FINE = Finding("disk", "5 GB free")
UNSURE = Finding("memory", "4.0 GB, 1.5 GB free", "unsure", "close other programs")
BLOCKED = Finding("data", "1 of 9 files missing", "blocks", "install again")


def report(findings, minutes=1.0, scale="cpu"):
    seconds = {"00_start_here": minutes * 60, "01_gan_theory": None}
    return Examination(findings, scale, seconds).as_json()


def test_a_room(tmp_path, minigan):
    (tmp_path / "ada.json").write_text(report([FINE], 1))
    (tmp_path / "bob.json").write_text(report([FINE, UNSURE, BLOCKED], 6), encoding="utf-16")  # as PowerShell writes
    (tmp_path / "Cleo.JSON").write_text(report([UNSURE], 2), encoding="utf-8-sig")
    (tmp_path / "dan.json").write_text("ready")
    (tmp_path / "notes.txt").write_text("no report")
    code, told, _ = minigan("doctor", "--room", tmp_path)
    assert code == 1
    assert told.splitlines() == [
        "4 laptops: 1 ready, 1 ready with a remark, 1 not ready, 1 unread.",
        "",
        "? dan   dan.json is no report of `minigan doctor --json`; ask for it again",
        "✗ bob   data: 1 of 9 files missing -> install again",
        "        memory: 4.0 GB, 1.5 GB free -> close other programs",
        "! Cleo  memory: 4.0 GB, 1.5 GB free -> close other programs",
        "✓ ada",
        "",
        "Minutes per chapter at scale 'cpu': median, slowest, whose",
        "    2.0   6.0  00 Start here  (bob)",
    ]


def test_a_room_that_is_ready(tmp_path, minigan):
    (tmp_path / "ada.json").write_text(report([FINE, UNSURE]))
    code, told, _ = minigan("doctor", "--room", tmp_path)
    assert (code, told.splitlines()[0]) == (0, "1 laptop: 1 ready with a remark.")


def test_laptops_at_another_scale_are_counted_apart(tmp_path):
    for name, minutes, scale in (("a", 1, "cpu"), ("b", 3, "cpu"), ("c", 50, "full")):
        (tmp_path / f"{name}.json").write_text(report([FINE], minutes, scale))
    table = room_table(read_room(tmp_path))
    assert "2.0   3.0  00 Start here  (b)" in table
    assert table.splitlines()[-1] == "1 at another scale are left out; MINIGAN_SCALE=cpu makes them run the same"


def test_a_room_without_times_has_no_times(tmp_path):
    (tmp_path / "a.json").write_text(Examination([BLOCKED], "unknown", {}).as_json())
    assert "Minutes" not in room_table(read_room(tmp_path))


@pytest.mark.parametrize("change", [{"findings": [{"what": "disk"}]}, {"seconds": 3}, {"findings": [{"state": "ill"}]}])
def test_a_report_that_was_changed_is_unread(tmp_path, change):
    (tmp_path / "a.json").write_text(json.dumps(json.loads(report([FINE])) | change))
    (laptop,) = read_room(tmp_path)
    assert (laptop.state, "ask for it again" in laptop.fault) == ("unread", True)


def test_a_state_that_is_none_is_unread(tmp_path):
    changed = json.loads(report([FINE]))
    changed["findings"][0]["state"] = "ill"
    (tmp_path / "a.json").write_text(json.dumps(changed))
    assert read_room(tmp_path)[0].state == "unread"


def test_nothing_to_read(tmp_path, refused):
    refused("doctor", "--room", tmp_path / "gone", parts=("gone does not exist", "check the path"))
    refused("doctor", "--room", tmp_path, parts=("holds no reports", "minigan doctor --json > ada.json"))
    (tmp_path / "ada.json").touch()
    refused("doctor", "--room", tmp_path / "ada.json", parts=("is a file, expected the folder",))
