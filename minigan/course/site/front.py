"""The front page: what the course is, how to start, and all figures of all chapters as a gallery.

Its HTML is `docs/_templates/front.html`; here is what goes into it. Each figure gets a thumbnail, named by its content,
so that it is made once.
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from minigan.course.chapters import Chapter, chapters, timings
from minigan.course.site.notebooks import Figure
from minigan.course.site.pages import GROUPS

if TYPE_CHECKING:
    from minigan.course.site.stage import Stage

TITLE = "Pretrained models in image generation"
HEAD = '<h1 class="placeholder"></h1>'  # where the extension puts the page's title
ROW, WIDEST = 150, 520  # pixels of a thumbnail on the page: its height in a row, and its width at most
SHARPNESS = 1.6  # pixels of a thumbnail's file for each on the page, for dense screens
ONE_PAGE = {"Exercises": ["exercises/index"], "Measured": ["benchmarks/index", "cards/index"]}


@dataclass(frozen=True)
class Thumb:
    """A figure on the front page: where it leads, its small picture, and how wide that is for its height."""

    link: str
    file: str
    alt: str
    width: int
    height: int

    @property
    def ratio(self) -> float:
        return round(self.width / self.height, 3)


@dataclass(frozen=True)
class Group:
    """A chapter on the front page."""

    chapter: Chapter
    link: str
    exercises: str
    minutes: str
    thumbs: list[Thumb]


def write(stage: "Stage") -> None:
    """Write the front page into the stage: the HTML, the thumbnails, and the list of all pages around it."""
    from jinja2 import Environment, FileSystemLoader

    templates = Environment(loader=FileSystemLoader(stage.root / "docs" / "_templates"), autoescape=True)
    groups = [group(stage, chapter) for chapter in chapters() if f"notebooks/{chapter.name}.ipynb" in stage.pages]
    stage.write(stage.extra / "heads.webp", webp(heads(stage.root / "docs" / "heads.png")))

    def to(source: str) -> str:
        """Where a link to a file of the repository leads from the front page."""
        page = stage.pages.get(source)
        return f"{page.name}.html" if page else stage.linker.target(source, "", "index")

    facts: dict[str, Any] = {"groups": groups, "to": to, "count": sum(len(one.thumbs) for one in groups), "head": HEAD}
    stage.write(stage.source / "front.html", templates.get_template("front.html").render(**facts))
    stage.write(stage.source / "index.md", index(stage))


def index(stage: "Stage") -> str:
    """The front page as Sphinx reads it: the title, the HTML, and the list of pages that the sidebar shows."""
    parts = [
        "---\nhtml_theme.sidebar_secondary.remove: true\n---",
        f"# {TITLE}",
        "```{raw} html\n:file: front.html\n```",
    ]
    for name in GROUPS:
        listed = [page for page in stage.pages.values() if page.group == name]
        lines = ONE_PAGE.get(name) or [f"{page.title} <{page.name}>" if page.title else page.name for page in listed]
        lines = (["reference/index"] if name == "Library" else []) + lines
        parts.append(f"```{{toctree}}\n:caption: {name}\n:hidden:\n\n" + "\n".join(lines) + "\n```")
    return "\n\n".join(parts) + "\n"


def group(stage: "Stage", chapter: Chapter) -> Group:
    """A chapter with its figures."""
    page = stage.pages[f"notebooks/{chapter.name}.ipynb"]
    exercise = stage.pages.get(f"exercises/{chapter.name}/{chapter.name}.ipynb")
    taken = timings().get(chapter.name, {}).get("cpu")
    minutes = f"{chapter.reading} minutes to read" + (f", {taken['seconds'] / 60:.1f} to run" if taken else "")
    thumbs = [thumb(stage, figure) for figure in stage.figures if figure.page == page.name]
    return Group(chapter, f"{page.name}.html", f"{exercise.name}.html" if exercise else "", minutes, thumbs)


def thumb(stage: "Stage", figure: Figure) -> Thumb:
    """A figure's thumbnail, made unless an earlier run has made it."""
    path = stage.extra / "thumbs" / f"{figure.digest[:16]}.webp"
    data = path.read_bytes() if path.exists() else webp(shrunk(figure.data))
    stage.write(path, data)
    with Image.open(io.BytesIO(data)) as picture:
        width, height = picture.size
    return Thumb(f"{figure.page}.html#{figure.anchor}", f"thumbs/{path.name}", figure.alt, width, height)


def shrunk(data: bytes) -> Image.Image:
    """A figure at the size of a thumbnail; of an animation its first picture."""
    with Image.open(io.BytesIO(data)) as picture:
        small = picture.convert("RGB")
    factor = min(1.0, ROW * SHARPNESS / small.height, WIDEST * SHARPNESS / small.width)
    size = (max(1, round(small.width * factor)), max(1, round(small.height * factor)))
    return small.resize(size, Image.Resampling.LANCZOS)


def heads(path: Path) -> Image.Image:
    """The first eight of twelve columns of the course's heads: the picture at the top of the page."""
    with Image.open(path) as picture:
        return picture.convert("RGB").crop((0, 0, picture.width * 8 // 12, picture.height))


def webp(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=78, method=4)
    return buffer.getvalue()
