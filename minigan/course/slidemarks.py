"""How a chapter's source says what stands on its slides.

These are the marks. A cell without one is not on the slides.

    # %% [markdown] slideshow={"slide_type": "slide"}
    # ## Title
    #
    # At most a formula and three short lines.
    #
    # ???
    # (3 min) What the speaker says and asks. Learners never see this cell.

    # %% slideshow={"slide_type": "-"}                        (its figure stands on the slide above)
    # %% slideshow={"slide_type": "fragment"}                 (its figure comes at the next key)
    # %% slideshow={"slide_type": "-"} tags=["slide-code"]    (its code stands there as well)
    # %% slideshow={"slide_type": "-"} tags=["slide-text"]    (what it prints stands there as well)
    # %% slideshow={"slide_type": "-"} tags=["slide-figure-1"]    (of its figures only the first)
    # %% tags=["slide-title-1"]                               (its first figure stands on the title slide)

A slide whose own cell is tagged slide-figure-2 shows the second figure of the code above, which is on an earlier slide.
Learners' notebooks hold neither the text of slides nor these marks.
"""

import re
from dataclasses import dataclass

from nbformat import NotebookNode

CODE, TEXT, FIGURE, TITLE = "slide-code", "slide-text", "slide-figure-", "slide-title-"
NOTES = "???"
WORDS = 45  # on a slide, formulas not counted
LINES, COLUMNS = 14, 80  # of code, and of what is printed


@dataclass(frozen=True)
class Words:
    """What an author writes for one slide: Markdown, and the minutes it takes."""

    title: str
    body: str
    notes: str
    minutes: int


def kind(cell: NotebookNode) -> str | None:
    """What the cell is on the slides: "slide", "-" or "fragment"; None where it is not there.

    Raises ValueError for another word, and for one that does not suit the cell.
    """
    if "slideshow" not in cell.metadata:
        return None
    found = cell.metadata["slideshow"].get("slide_type")
    allowed = ("slide",) if cell.cell_type == "markdown" else ("-", "fragment")
    if found not in allowed:
        raise ValueError(f"a {cell.cell_type} cell has the slide_type {found!r}, expected {' or '.join(allowed)}")
    return found


def chosen(cell: NotebookNode, mark: str = FIGURE) -> int | None:
    """The number, from 1, of the one figure that a tag asks for; None without it. Raises ValueError for no number."""
    for tag in cell.metadata.get("tags", []):
        if tag.startswith(mark):
            if not re.fullmatch("[1-9]", number := tag.removeprefix(mark)):
                raise ValueError(f"the tag {tag!r} ends in {number!r}, expected a figure's number, such as {mark}1")
            return int(number)
    return None


def leave_out(notebook: NotebookNode) -> None:
    """Take out, in place, what stands on slides only: whole cells of text, and the marks of code cells."""
    notebook.cells = [c for c in notebook.cells if c.cell_type != "markdown" or "slideshow" not in c.metadata]
    for cell in notebook.cells:
        cell.metadata.pop("slideshow", None)
        if tags := cell.metadata.pop("tags", []):
            kept = [tag for tag in tags if tag not in (CODE, TEXT) and not tag.startswith((FIGURE, TITLE))]
            if kept:
                cell.metadata["tags"] = kept


def words(source: str) -> Words:
    """Read a slide's cell. Raises ValueError that says which part is missing or too long."""
    heading = re.match(r"## (.+)\n?", source)
    if not heading:
        raise ValueError(f"a slide begins with {source[:30]!r}, expected its title: ## Title")
    title, (body, *notes) = heading[1].strip(), re.split(r"(?m)^\?\?\?\s*$", source[heading.end() :])
    if len(notes) != 1:
        raise ValueError(f"the slide {title!r} has {len(notes)} lines {NOTES}, expected one, with the notes after it")
    minutes = re.match(r"\s*\((\d+) min\)\s*(\S.*)", notes[0], re.DOTALL)
    if not minutes:
        raise ValueError(
            f"the notes of {title!r} begin with {notes[0].strip()[:20]!r}, expected such as (3 min) Ask ..."
        )
    if "$" in notes[0]:
        raise ValueError(f"the notes of {title!r} hold a $; the speaker's window shows no formulas, so say it in words")
    shown = re.sub(r"\$\$.*?\$\$|\$[^$]*\$", " ", body, flags=re.DOTALL)
    if (count := len(re.findall(r"\w[\w'’.-]*", shown))) > WORDS:
        raise ValueError(f"the slide {title!r} has {count} words, expected {WORDS} at most; say the rest in the notes")
    return Words(title, body.strip(), minutes[2].strip(), int(minutes[1]))


def fitting(text: str, what: str) -> str:
    """Lines of code, or printed ones, as they stand on a slide. Raises ValueError where they do not fit."""
    lines = text.strip("\n").splitlines()
    if len(lines) > LINES:
        raise ValueError(f"{what} has {len(lines)} lines, expected {LINES} at most")
    if (width := max(map(len, lines), default=0)) > COLUMNS:
        raise ValueError(f"{what} is {width} characters wide, expected {COLUMNS} at most")
    return "\n".join(lines)
