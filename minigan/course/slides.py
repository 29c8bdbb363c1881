"""The slides of a chapter: words from its source, figures from its executed notebook. Nothing is executed.

`slidemarks` says how a source is marked, `slidepages` writes the pages.
"""

import base64
import re
import struct
from dataclasses import dataclass, field, replace
from typing import Any

import nbformat
from nbformat import NotebookNode

from minigan.course import exercises
from minigan.course.build import Paths, compose, keep_outputs
from minigan.course.chapters import Chapter, chapters
from minigan.course.slidemarks import CODE, TEXT, TITLE, Words, chosen, fitting, kind, words

ROOM, SQUARE = 2.4, 1.45  # width by height: of what the title leaves; of a picture that leaves room for text beside it
FEWEST, MOST = 15, 25  # slides of a chapter, its first and its last included


@dataclass
class Part:
    """What stands under the text of a slide: a picture, or lines of code or of what it prints."""

    kind: str  # "picture", "code" or "printed"
    content: Any  # the bytes of a picture; text
    alt: str = ""
    fragment: bool = False
    file: str = ""  # where a picture lies beside the slides

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows: of pixels (PNG, GIF), or of characters."""
        if self.kind != "picture":
            lines = self.content.splitlines()
            return max(map(len, lines), default=1), len(lines)
        if self.content[:3] == b"GIF":
            return struct.unpack("<HH", self.content[6:10])
        return struct.unpack(">II", self.content[16:24])


@dataclass
class Slide:
    """One slide: its words, what stands under them, and how it is laid out."""

    words: Words
    parts: list[Part] = field(default_factory=list)
    layout: str = "plain"  # "plain", "title" or "last"

    @property
    def arrangement(self) -> str:
        """How its parts stand: "below" or "beside" one another, or "split" from the text; "bare" without a picture."""
        ratios = [columns / rows for columns, rows in (part.size for part in self.parts if part.kind == "picture")]
        if not ratios:
            return "bare"
        if len(ratios) == len(self.parts) == 1 and self.words.body and ratios[0] < SQUARE and self.layout == "plain":
            return "split"
        if len(ratios) < 2:
            return "below"
        wide, high = sum(ratios), sum(1 / ratio for ratio in ratios)
        side_by_side = min(1, ROOM / wide) ** 2 * wide  # the area of all, where each has the same height
        stacked = min(ROOM, 1 / high) ** 2 * high  # where each has the same width
        return "beside" if side_by_side > stacked else "below"


@dataclass
class Deck:
    """The slides of a chapter."""

    chapter: Chapter
    slides: list[Slide]

    @property
    def minutes(self) -> int:
        return sum(slide.words.minutes for slide in self.slides)

    def complaint(self) -> str | None:
        """What is wrong with the number of slides."""
        if FEWEST <= (count := len(self.slides)) <= MOST:
            return None
        return f"{self.chapter.name} has {count} slides, expected {FEWEST} to {MOST}"


def read(paths: Paths) -> Deck:
    """Read a chapter's slides: words from its source, figures from its executed notebook.

    Raises ValueError that names the cell where a mark is wrong, and where a figure is missing.
    """
    chapter = next(chapter for chapter in chapters() if chapter.name == paths.name)
    notebook = compose(paths, slides=True)
    if paths.notebook.exists():
        keep_outputs(notebook, nbformat.read(paths.notebook, as_version=4))
    first = Slide(Words(chapter.title, chapter.question, "", 1), layout="title")
    slides, above = [first], None  # above: the last cell of code that is on the slides
    for at, cell in enumerate(notebook.cells):
        try:
            if number := chosen(cell, TITLE):
                first.parts += _pictures(cell, chapter.title, number)
            role = kind(cell)
            if role == "slide":
                slides.append(Slide(words(cell.source)))
                if number := chosen(cell):
                    slides[-1].parts += _pictures(above, slides[-1].words.title, number)
            elif role:
                slides[-1].parts += _parts(cell, slides[-1].words.title, fragment=role == "fragment")
                above = cell
        except ValueError as error:
            raise ValueError(f"{paths.source.name}, cell {at}: {error}") from None
    slides.append(_last(paths, chapter))
    deck = Deck(chapter, slides)
    first.words = _first(chapter, needs(notebook), deck.minutes)
    for at, slide in enumerate(slides):
        for place, part in enumerate(part for part in slide.parts if part.kind == "picture"):
            ending = "gif" if part.content[:3] == b"GIF" else "png"
            part.file = f"figures/{paths.name}/{at + 1:02d}-{place + 1}.{ending}"
    return deck


def needs(notebook: NotebookNode) -> str:
    """What a chapter needs, as its head says it; empty where it does not say."""
    found = re.search(r"\*\*You need\*\*[\s|]*(.+?)\s*(?:\||\n\n|\Z)", notebook.cells[0].source, re.DOTALL)
    return " ".join(found[1].split()).removesuffix(".") if found else ""


def _parts(cell: NotebookNode, title: str, fragment: bool) -> list[Part]:
    """What a code cell puts onto its slide. Raises ValueError where that is nothing, or does not fit."""
    parts, tags = [], cell.metadata.get("tags", [])
    if CODE in tags:
        parts.append(Part("code", fitting(cell.source, f"the code on the slide {title!r}")))
    if TEXT in tags:
        for output in cell.outputs:
            printed = output.get("text") or output.get("data", {}).get("text/plain")
            if printed and not _image(output):
                parts.append(Part("printed", fitting(printed, f"what is printed on the slide {title!r}")))
    if chosen(cell) or any(map(_image, cell.outputs)):
        parts += _pictures(cell, title, chosen(cell))
    if not parts:
        raise ValueError(
            f"this cell puts nothing onto the slide {title!r}; build the chapter with --execute, or tag it"
        )
    return [replace(part, fragment=fragment) for part in parts]


def _pictures(cell: NotebookNode | None, title: str, only: int | None) -> list[Part]:
    """The pictures of a code cell, or the one with this number. Raises ValueError where one lacks its alt text."""
    parts = []
    for output in cell.outputs if cell else []:
        if image := _image(output):
            alt = output.metadata.get(image, {}).get("alt", "")
            if not alt:
                raise ValueError(f"the picture on the slide {title!r} has no alt text; see minigan.plot")
            parts.append(Part("picture", base64.b64decode(output.data[image]), alt))
    if only is None:
        return parts
    if only > len(parts):
        raise ValueError(f"the slide {title!r} wants picture {only} of a cell that has {len(parts)}")
    return [parts[only - 1]]


def _image(output: NotebookNode) -> str | None:
    """The kind of picture that an output is, if it is one."""
    return next((name for name in output.get("data", {}) if name in ("image/png", "image/gif")), None)


def _first(chapter: Chapter, needed: str, minutes: int) -> Words:
    """The title slide."""
    body = f"{chapter.question}\n\n**{minutes} minutes.**" + (f" You need {needed}." if needed else "")
    notes = "Read the question aloud. Let everybody find an answer of their own before you go on. "
    return Words(chapter.title, body, notes + f"The slides take about {minutes} minutes, the tasks not counted.", 1)


def _last(paths: Paths, chapter: Chapter) -> Slide:
    """The last slide: the exercise's tasks with their minutes, and where the course goes on."""
    master = exercises.Master(paths.root, paths.name)
    tasks = exercises.facts(master) if master.source.exists() else []
    lines = [f"{n}. {task.title} · {task.minutes} min" for n, task in enumerate(tasks, 1)]
    following = next((other for other in chapters() if other.number == chapter.number + 1), None)
    if following:
        lines += ["", f"**Next:** {following.number:02d} {following.title}. {following.question}"]
    total = sum(task.minutes for task in tasks)
    notes = f"Open the folder exercises/{paths.name}. All tasks take {total} minutes; in a room, choose one or two. "
    notes += "The check under a task answers at once. Two people at one laptop solve more than two at two."
    return Slide(Words("Your turn", "\n".join(lines), notes, 1), layout="last")
