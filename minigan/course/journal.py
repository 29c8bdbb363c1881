"""What a learner has solved: kept in a file beside the exercise, for `minigan progress`, and sent nowhere."""

import json
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from minigan.course.chapters import choose, heading

FILE = "progress.json"  # in the folder of each exercise
BAR = 10  # characters
TEXT_STUB = "*Your answer here.*"  # what stands where a text is to be written


@dataclass(frozen=True)
class Task:
    """One task of an exercise in a learner's folder, and how far it is: "open", "tried", "solved" or "answered".

    "answered" is a text that a person has to read.
    """

    title: str
    kind: str
    minutes: int
    points: int
    state: str
    tries: int

    @property
    def done(self) -> bool:
        return self.state in ("solved", "answered")


def record(title: str, solved: bool) -> None:
    """Note a try at the task of that title, where the working directory is the folder of an exercise.

    What was solved once stays solved. A folder that cannot be written is no reason to fail a check.
    """
    folder = Path.cwd()
    if "NBGRADER_EXECUTION" in os.environ or folder.parent.name == "solutions" or not _is_exercise(folder):
        return
    from minigan.files import whole_file  # here, because it imports Pillow, and most checks need none

    with suppress(OSError):
        known = read(folder)
        entry = known.setdefault(title, {"tries": 0})
        if "solved" in entry:
            return
        entry["tries"] += 1
        if solved:
            entry["solved"] = datetime.now().astimezone().isoformat(timespec="seconds")
        with whole_file(folder / FILE) as temporary:
            temporary.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read(folder: Path) -> dict[str, dict]:
    """What is recorded in an exercise's folder: title -> {"tries": n, "solved": when}; nothing of a damaged file."""
    try:
        known = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return (
        {title: entry for title, entry in known.items() if isinstance(entry, dict)} if isinstance(known, dict) else {}
    )


def find(here: Path | None = None) -> Path:
    """The folder `exercises` that a learner is in, or above, or beside. Raises FileNotFoundError when there is none."""
    here = here or Path.cwd()
    for folder in (here, *here.parents):
        for candidate in (folder, folder / "exercises"):
            if any(_is_exercise(inner) for inner in candidate.glob("[0-9][0-9]_*")):
                return candidate
    raise FileNotFoundError(f"no exercises in {here} or above it; go to the folder of the course and try again")


def tasks(folder: Path) -> list[Task]:
    """The tasks of one exercise, in order. Raises ValueError for a notebook that cannot be read."""
    path = folder / f"{folder.name}.ipynb"
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        recorded, found = read(folder), []
        answers = {_marks(cell)["explain"]: "".join(cell["source"]) for cell in cells if "explain" in _marks(cell)}
        for facts in (_marks(cell) for cell in cells if "task" in _marks(cell)):
            entry = recorded.get(facts["title"], {})
            state = "solved" if "solved" in entry else "tried" if entry else "open"
            if facts["task"] in answers:
                state = "answered" if _is_answered(answers[facts["task"]]) else "open"
            title, kind, minutes, points = (facts[key] for key in ("title", "kind", "minutes", "points"))
            found.append(Task(title, kind, minutes, points, state, int(entry.get("tries", 0))))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} cannot be read ({type(error).__name__}); get it anew from the course") from None
    return found


def overview(exercises: Path, names: Sequence[str] = ()) -> str:
    """A line for each exercise, the tasks of those that are asked for or begun, and what comes next."""
    there = {folder.name: folder for folder in sorted(exercises.glob("[0-9][0-9]_*")) if _is_exercise(folder)}
    found = {name: tasks(there[name]) for name in choose(names, list(there), "exercise")}
    lines: list[str] = []
    for name, those in found.items():
        lines.append(_line(name, those))
        begun = any(task.state != "open" for task in those) and not all(task.done for task in those)
        lines += [_item(number, task) for number, task in enumerate(those, 1)] if names or begun else []
    every = [task for those in found.values() for task in those]
    if len(found) > 1:
        lines += ["", _line("together", every)]
    left = [(name, task) for name, those in found.items() for task in those if not task.done]
    if left:
        name, task = left[0]
        lines += ["", f"next: {task.title} ({task.minutes} minutes), in {name}/{name}.ipynb"]
    return "\n".join(lines)


def _line(name: str, those: list[Task]) -> str:
    done = [task for task in those if task.done]
    filled = round(BAR * len(done) / len(those)) if those else 0
    points = f"{sum(task.points for task in done)} of {sum(task.points for task in those)} points"
    left = sum(task.minutes for task in those if not task.done)
    rest = f"{left} minutes left" if left else "done"
    bar = "█" * filled + "░" * (BAR - filled)
    return f"{heading(name):28} {bar} {len(done):2} of {len(those):2} tasks, {points:>16}, {rest}"


def _item(number: int, task: Task) -> str:
    mark = {"solved": "✓", "answered": "✓", "tried": "✗", "open": "·"}[task.state]
    tries = f", {task.tries} {'try' if task.tries == 1 else 'tries'}" if task.tries else ""
    said = ", answered: your instructor reads it" if task.state == "answered" else tries
    return f"   {mark} {number}. {task.title} ({task.minutes} minutes, {task.points} points{said})"


def _marks(cell: dict) -> dict:
    """What the course has written about a cell."""
    return cell.get("metadata", {}).get("minigan", {})


def _is_answered(text: str) -> bool:
    return text.strip() not in ("", TEXT_STUB)


def _is_exercise(folder: Path) -> bool:
    return bool(re.fullmatch(r"\d\d_\w+", folder.name)) and (folder / f"{folder.name}.ipynb").exists()
