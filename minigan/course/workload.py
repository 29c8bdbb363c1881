"""How long the course takes: the table in `docs/workshops.md`, from the chapters and the exercises."""

from pathlib import Path

from minigan.course.chapters import between, chapters, timings
from minigan.course.exercises import facts, select
from minigan.files import whole_file

MARKS = ("<!-- minutes: written by `minigan course release` -->", "<!-- end of minutes -->")


def table(root: Path) -> str:
    """Minutes to read each chapter, to run it on two cores, and to do its exercises, in Markdown."""
    sets = {master.name: facts(master) for master in select(root, [])}
    lines = ["| | chapter | read | run | exercises | tasks: minutes each | points |", "|---|---|---|---|---|---|---|"]
    reading, running, doing, worth = 0, 0.0, 0, 0
    for chapter in chapters():
        tasks = sets.get(chapter.name, [])
        minutes, points = sum(task.minutes for task in tasks), sum(task.points for task in tasks)
        timing = timings().get(chapter.name, {}).get("cpu")
        seconds = timing["seconds"] if timing else 0.0
        each = ", ".join(f"{task.title} {task.minutes}" for task in tasks)
        run = f"{seconds / 60:.1f}"
        row = (f"{chapter.number:02d}", chapter.title, chapter.reading, run, minutes, each, points)
        lines.append("| " + " | ".join(map(str, row)) + " |")
        reading, running, doing, worth = reading + chapter.reading, running + seconds, doing + minutes, worth + points
    return "\n".join([*lines, f"| | together | {reading} | {running / 60:.0f} | {doing} | | {worth} |"])


def with_table(text: str, root: Path) -> str:
    """The page with its table brought up to date."""
    return between(text, MARKS, table(root), "docs/workshops.md")


def update(root: Path) -> None:
    """Bring the table of `docs/workshops.md` up to date."""
    path = root / "docs" / "workshops.md"
    if path.exists() and (new := with_table(old := path.read_text(encoding="utf-8"), root)) != old:
        with whole_file(path) as temporary:
            temporary.write_text(new, encoding="utf-8")
