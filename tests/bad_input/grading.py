"""Submissions and rosters that cannot be taken in."""

import os
import zipfile
from pathlib import Path

from bad_input.folders import filled
from bad_input.kinds import Draw, Make, Place, cut, kind, line, pick

CHAPTER = "01_gan_theory"


def graded(make: Make) -> Make:
    """Submissions with options, and where their scores go."""
    return lambda place, draw: ["grade", *make(place, draw), "-o", place.own / "out"]


def handed_in(place: Place) -> Path:
    """One submission, by its name."""
    return place.write(f"in/ada/{CHAPTER}.ipynb", b"{}").parents[1]


def zipped(place: Place, *names: str) -> Path:
    with zipfile.ZipFile(place.own / "in.zip", "w") as archive:
        for name in names:
            archive.writestr(name, b"{}" * 99)
    return place.own / "in.zip"


def pipe(place: Place) -> Path:
    os.mkfifo(place.own / "pipe")
    return place.own / "pipe"


def cut_zip(place: Place, draw: Draw) -> list:
    return [place.write("cut.zip", cut(zipped(place, f"ada/{CHAPTER}.ipynb").read_bytes(), draw))]


SUBMISSIONS: dict[str, Make] = {
    "submissions that are not there": lambda place, draw: [place.own / "nowhere"],
    "a text for submissions": lambda place, draw: [place.write("in.zip", b"text")],
    "an empty folder of submissions": lambda place, draw: [filled("in")(place, draw)],
    "submissions that belong to nothing": lambda place, draw: [filled("in", ("a/b.ipynb", b"{}"))(place, draw)],
    "a zip that is cut off": cut_zip,
    "a zip that leads out": lambda place, draw: [zipped(place, f"../../{CHAPTER}.ipynb", f"/etc/{CHAPTER}.ipynb")],
    "an empty zip": lambda place, draw: [zipped(place)],
    "an unknown exercise to grade": lambda place, draw: [handed_in(place), "--chapter", draw(pick(["99", "", "x"]))],
    "a roster that is not there": lambda place, draw: [handed_in(place), "--roster", place.own / "none.csv"],
    "a pipe for submissions": lambda place, draw: [pipe(place)],
    "a pipe for a roster": lambda place, draw: [handed_in(place), "--roster", pipe(place)],
    "a folder for a roster": lambda place, draw: [handed_in(place), "--roster", place.own],
}
for name, make in SUBMISSIONS.items():
    kind(name, graded(make), examples=3)

ROSTERS = {
    "a roster of no text": [b"\xff\xfe\x00student", b"\x80abc"],
    "a roster without its columns": [b"", b"\n\n", b"first,last\nAda,Lovelace\n", b"{}"],
    "a roster with wrong lines": [b"id\n../x\n", b"id\na\na\n", b"id,name\n,Ada\n", b"id\n\x00\n"],
    "a roster with an endless cell": [b'id,name\na,"' + b"x" * 200_000 + b'"\n'],
}
for name, texts in ROSTERS.items():

    def with_roster(place: Place, draw: Draw, texts: list[bytes] = texts) -> list:
        return [handed_in(place), "--roster", place.write("roster.csv", draw(pick(texts)))]

    kind(name, graded(with_roster), examples=len(texts))

for option, value in (
    ("--workers", 0),
    ("--workers", "many"),
    ("--cell-seconds", 0),
    ("--notebook-seconds", -1),
    ("--memory", 1),
):
    line(f"grading with {option} {value}", f"grade GOOD/pictures -o OWN/out {option} {value}", examples=1)


@kind("scores among the submissions")
def _(place: Place, draw: Draw) -> list:
    return ["grade", handed_in(place), "-o", place.own / "in" / "out"]


@kind("scores into a file")
def _(place: Place, draw: Draw) -> list:
    return ["grade", handed_in(place), "-o", place.write("scores", b"mine")]


# What learners have


def exercise_of(*contents: bytes) -> Make:
    """A folder of exercises in which one is not as it came; `minigan progress` looks where it is called."""

    def make(place: Place, draw: Draw) -> list:
        place.write(f"exercises/{CHAPTER}/{CHAPTER}.ipynb", draw(pick(contents)))
        return ["progress"]

    return make


kind("an exercise that is no notebook", exercise_of(b"", b"{", b"[]", b"3", b"\xff\xfe"), examples=4)
kind("an exercise whose cells are none", exercise_of(b"{}", b'{"cells": 3}', b'{"cells": [3]}'), examples=3)
CELL = b'{"cells": [{"metadata": {"minigan": %s}, "source": ""}]}'
kind(
    "an exercise whose marks are none",
    exercise_of(CELL % b"3", CELL % b'{"task": 1}', CELL % b'{"explain": []}'),
    examples=3,
)
line("progress where there are no exercises", "progress", examples=1)
