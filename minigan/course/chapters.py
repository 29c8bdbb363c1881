"""The chapters of the course, and how long each took when it was last executed."""

import json
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypedDict

from minigan.names import known

HERE = Path(__file__).parent
TIMINGS = HERE / "timings.json"
MARKS = ("<!-- chapters: written by `python -m minigan.course build` -->", "<!-- end of chapters -->")


@dataclass(frozen=True)
class Chapter:
    """One chapter: its file name without suffix, what it asks, minutes to read, and the library modules it builds."""

    name: str
    title: str
    question: str
    reading: int
    builds: tuple[str, ...]
    written: bool = True

    @property
    def number(self) -> int:
        return int(self.name[:2])


class Timing(TypedDict):
    """One execution of a chapter: wall-clock seconds, peak memory of its kernel, and `probe()` on that machine."""

    seconds: float
    peak_mb: int | None
    probe: float


@cache
def chapters() -> tuple[Chapter, ...]:
    """Return all chapters in order."""
    entries = tomllib.loads((HERE / "chapters.toml").read_text(encoding="utf-8"))["chapter"]
    return tuple(Chapter(**{**entry, "builds": tuple(entry["builds"])}) for entry in entries)


def heading(name: str) -> str:
    """ "02 The minimax game as code" for "02_minimax_loss"; a name that is no chapter's stays as it is."""
    return next((f"{chapter.number:02d} {chapter.title}" for chapter in chapters() if chapter.name == name), name)


def timings(path: Path = TIMINGS) -> dict[str, dict[str, Timing]]:
    """Return what the last executions took: chapter -> scale -> timing. Empty when none was recorded."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def choose(names: Iterable[str], there: Sequence[str], what: str = "chapter") -> list[str]:
    """The names of `there` that are asked for, or all: "02", "02_minimax_loss" and a path to a file of it are one.

    Raises ValueError that offers the nearest for a name that is not there.
    """
    chosen = []
    for name in names:
        stem = Path(name).stem
        same = [other for other in there if stem == other or (stem and stem.zfill(2) == other[:2])]
        if not same:
            same = [known(stem, there, what)]
        chosen.append(same[0])
    return list(dict.fromkeys(chosen)) or list(there)


def repository() -> Path:
    """Return the root of the clone that holds the sources: minigan's own, or the working directory."""
    for root in (Path(__file__).parents[2], Path.cwd()):
        if (root / "notebooks" / "src").is_dir():
            return root
    raise FileNotFoundError(f"no notebooks/src in {Path.cwd()}; chapters are built inside a clone of the repository")


def readme_table() -> str:
    """Return the README's table of chapters in Markdown."""
    taken = timings()
    lines = ["| | chapter | its question | builds | minutes on a CPU |", "|---|---|---|---|---|"]
    for chapter in chapters():
        title = f"[{chapter.title}](notebooks/{chapter.name}.ipynb)" if chapter.written else chapter.title
        built = ", ".join(f"`{module}`" for module in chapter.builds)
        timing = taken.get(chapter.name, {}).get("cpu")
        minutes = (
            "in preparation" if not chapter.written else f"{timing['seconds'] / 60:.1f}" if timing else "not timed"
        )
        lines.append(f"| {chapter.number:02d} | {title} | {chapter.question} | {built} | {minutes} |")
    return "\n".join(lines)


def with_table(readme: str) -> str:
    """Return the README with the table of chapters between its two marks brought up to date.

    Raises ValueError where the marks are missing.
    """
    return between(readme, MARKS, readme_table(), "README.md")


def between(text: str, marks: tuple[str, str], content: str, name: str) -> str:
    """The text with `content` between its two marks. Raises ValueError where they are missing."""
    start, end = (text.find(mark) for mark in marks)
    if start < 0 or end < start:
        raise ValueError(f"{name} lacks the lines {marks[0]!r} and {marks[1]!r}, between which the table stands")
    return text[: start + len(marks[0])] + "\n" + content + "\n" + text[end:]
