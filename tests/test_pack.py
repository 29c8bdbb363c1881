"""The pack that comes with minigan: nothing damaged, nothing unlisted, nobody unnamed, nothing in both splits."""

import csv
import hashlib
import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from minigan.data import FASHION, PACK, PACKED, load

# name: (train, test, channels, size)
COUNTS = {
    "peeps": (2400, 400, 3, 64),
    "micah": (100, 300, 3, 64),
    "adventurer": (100, 300, 3, 64),
    "pixelart": (100, 300, 3, 64),
    "noto": (889, 128, 3, 64),
    "twemoji": (889, 128, 3, 64),
    "photos": (65, 19, 3, 64),
    "fashion": (10_000, 2_000, 1, 28),
}
ARCHIVES = ("avatars64.npz", "emoji64.npz", "fashion28.npz")


def attributions() -> list[dict[str, str]]:
    with (PACK / "photos" / "ATTRIBUTION.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def fingerprints(name: str, split: str) -> set[bytes]:
    size = None if name != "photos" else 64
    return {hashlib.sha256(pixels.numpy().tobytes()).digest() for pixels in load(name, split, size).pixels}


def test_every_file_has_the_listed_checksum():
    lines = (PACK / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    for line in lines:
        checksum, name = line.split(maxsplit=1)
        assert hashlib.sha256((PACK / name).read_bytes()).hexdigest() == checksum, f"{name} has changed"
    listed = {name.removeprefix("./") for _, name in (line.split(maxsplit=1) for line in lines)}
    there = {path.relative_to(PACK).as_posix() for path in PACK.rglob("*") if path.is_file()}
    assert there - listed == {"SHA256SUMS", "ATTRIBUTION.md"}  # the list, and the text about the whole
    assert listed - there == set()


@pytest.mark.parametrize("name", PACKED)
def test_counts_and_sizes(name):
    train, test, channels, size = COUNTS[name]
    wanted = size if name == "photos" else None
    assert load(name, "train", wanted).pixels.shape == (train, channels, size, size)
    assert load(name, "test", wanted).pixels.shape == (test, channels, size, size)


def test_every_set_of_the_pack_is_counted_here():
    assert set(COUNTS) == set(PACKED)


@pytest.mark.parametrize("name", PACKED)
def test_no_image_stands_twice_or_in_both_splits(name):
    train, test = fingerprints(name, "train"), fingerprints(name, "test")
    assert train & test == set()
    if name != "fashion":
        assert (len(train), len(test)) == COUNTS[name][:2]


def test_the_files_of_the_photographs_differ_too():
    files = sorted((PACK / "photos").rglob("*.jpg"))
    assert len({file.read_bytes() for file in files}) == len(files) == 65 + 19
    assert len({file.stem for file in files}) == len(files)  # photo(name) needs one file for each name


def test_the_two_emoji_styles_are_paired_and_the_splits_share_no_name():
    for split in ("train", "test"):
        noto, twemoji = load("noto", split), load("twemoji", split)
        assert noto.names == twemoji.names
        assert len(set(noto.names)) == len(noto)
        assert noto.labels.equal(twemoji.labels)
    assert set(load("noto", "train").names) & set(load("noto", "test").names) == set()


def test_fashion_is_balanced_and_its_classes_are_those_of_the_archive():
    for split, count in (("train", 1000), ("test", 200)):
        assert load("fashion", split).labels.bincount().tolist() == [count] * 10
    with np.load(PACK / "fashion28.npz", allow_pickle=False) as arrays:
        named = arrays["labels"].tolist()
    for ours, theirs in zip(FASHION, named, strict=True):
        assert ours.lower().replace("-", "").endswith(theirs)  # theirs are "tshirt" and "boot"


@pytest.mark.parametrize("archive", ARCHIVES)
def test_archives_hold_plain_arrays_and_no_pickle(archive):
    with zipfile.ZipFile(PACK / archive) as members:
        assert members.testzip() is None
        for name in members.namelist():
            array = np.lib.format.read_array(io.BytesIO(members.read(name)), allow_pickle=False)
            assert array.dtype == np.uint8 or array.dtype.kind == "U", (name, array.dtype)


def test_attribution_names_every_photograph_with_author_licence_and_source():
    rows = attributions()
    there = {path.relative_to(PACK).as_posix() for path in (PACK / "photos").rglob("*.jpg")}
    assert sorted(row["file"] for row in rows) == sorted(there)
    for row in rows:
        assert row["author"].strip(), row
        assert row["source"].strip() or row["package"].strip(), row
        assert row["licence"] in {"Public Domain", "CC0-1.0", "CC-BY-4.0", "CC-BY-2.0"}, row
        assert row["file"].split("/")[1] == row["split"]
        with Image.open(PACK / row["file"]) as picture:
            assert picture.size == (int(row["width"]), int(row["height"]))
            assert max(picture.size) <= 448 and picture.mode == "RGB"


@pytest.mark.parametrize("name", PACKED)
def test_attribution_names_every_archive_and_artist(name):
    text = (PACK / "ATTRIBUTION.md").read_text(encoding="utf-8")
    file, licence, source = PACKED[name]
    assert f"`{file}`" in text or f"`{file}/" in text
    if name == "photos":
        assert "photos/ATTRIBUTION.csv" in text and "ATTRIBUTION.csv" in licence
        return
    flat = " ".join(text.split())
    for word in (licence.rpartition("-")[0] or licence).split("-"):
        assert word in flat
    for artist in (
        "Pablo Stanley",
        "Micah Lanier",
        "Lisa Wischofsky",
        "DiceBear",
        "(c) Google",
        "(c) Twitter",
        "Zalando",
    ):
        assert artist in flat
        assert artist not in source or source.split(" by ")[0].split(",")[0] in flat
