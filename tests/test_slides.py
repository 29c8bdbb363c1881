"""Slides: the marks in a source, what learners' notebooks keep of them (nothing), and each chapter's deck."""

import base64
import re
import struct
from importlib.util import find_spec

import nbformat
import pytest
from typer.testing import CliRunner

from minigan import plot
from minigan.course import audit, slidemarks, slidepages, slides
from minigan.course.build import Paths, build, code_hash, compose, select
from minigan.course.chapters import chapters, repository
from minigan.course.commands import app

GOOD = "## A title\n\n$$x^2$$\n\nOne line.\n\n???\n(3 min) Ask the room."
SLIDE = "\n".join(
    [
        '# %% [markdown] slideshow={{"slide_type": "slide"}}',
        "# ## {}",
        "#",
        "# Words.",
        "#",
        "# ???",
        "# (2 min) Say it.",
    ]
)
PLAIN = """# %% [markdown]
# # A chapter
#
# **You need** a pencil. No
# network.

# %%
x = 1

# %% tags=["raises-exception"]
y = 2

# %% [markdown]
# The end.
"""
ALT = "A grid of sixteen drawn heads, all different."


def png(columns: int = 20, rows: int = 10) -> bytes:
    """As much of a PNG as is read: its signature and its size."""
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", columns, rows)


def picture(alt: str = ALT):
    data = {"image/png": base64.b64encode(png()).decode()}
    return nbformat.v4.new_output("display_data", data=data, metadata={"image/png": {"alt": alt}} if alt else {})


def printed(text: str):
    return nbformat.v4.new_output("stream", name="stdout", text=text)


@pytest.fixture
def chapter(repository):
    """A function that writes a chapter's source and its executed notebook, and says where they lie."""

    def write(source: str, outputs=()) -> Paths:
        paths = Paths(repository, "07_super_resolution")
        paths.source.write_text(source, encoding="utf-8")
        build(paths)
        notebook = nbformat.read(paths.notebook, as_version=4)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        for cell, given in zip(code, outputs, strict=False):
            cell.outputs = list(given)
        nbformat.write(notebook, paths.notebook)
        return paths

    return write


def marked(first: str, second: str = '# %% tags=["raises-exception"]') -> str:
    """The plain chapter with two slides and these lines at the head of its two code cells."""
    source = PLAIN.replace("# %%\nx = 1", f"{SLIDE.format('One')}\n\n{first}\nx = 1")
    return source.replace('# %% tags=["raises-exception"]', f"{SLIDE.format('Two')}\n\n{second}")


MARKED = marked(
    '# %% slideshow={"slide_type": "-"} tags=["slide-code"]',
    '# %% slideshow={"slide_type": "fragment"} tags=["raises-exception", "slide-text"]',
)


# The marks


def test_a_slide_is_read():
    found = slidemarks.words(GOOD)
    assert found == slidemarks.Words("A title", "$$x^2$$\n\nOne line.", "Ask the room.", 3)


SPOILT = {
    "no title": (GOOD.replace("## A", "# A"), ("expected its title",)),
    "no notes": (GOOD.split("???")[0], ("'A title' has 0 lines ???", "expected one")),
    "two notes": (GOOD + "\n???\n(1 min) More.", ("has 2 lines ???",)),
    "no minutes": (GOOD.replace("(3 min) ", ""), ("begin with 'Ask the room.'", "such as (3 min)")),
    "minutes without words": (GOOD.replace(" Ask the room.", ""), ("begin with '(3 min)'",)),
    "a formula in the notes": (GOOD + " $x$", ("hold a $", "say it in words")),
    "too many words": (GOOD.replace("One line.", "word " * 46), ("has 46 words, expected 45",)),
}


@pytest.mark.parametrize("case", SPOILT)
def test_a_slide_that_is_not_whole_is_refused(case, refuses):
    source, parts = SPOILT[case]
    with refuses(ValueError, *parts):
        slidemarks.words(source)


def test_formulas_are_no_words():
    assert slidemarks.words(GOOD.replace("One line.", "word " * 45 + "$a + b$ $$c = d$$")).minutes == 3


def test_code_fits_a_slide(refuses):
    assert slidemarks.fitting("\n" + "x = 1\n" * 14, "the code") == "\n".join(["x = 1"] * 14)
    with refuses(ValueError, "the code has 15 lines, expected 14 at most"):
        slidemarks.fitting("x = 1\n" * 15, "the code")
    with refuses(ValueError, "the code is 81 characters wide, expected 80 at most"):
        slidemarks.fitting("x" * 81, "the code")


@pytest.mark.parametrize(("kind", "word"), [("markdown", "fragment"), ("code", "slide"), ("code", "skip")])
def test_an_unknown_mark_is_refused(kind, word, refuses):
    cell = getattr(nbformat.v4, f"new_{kind}_cell")("x", metadata={"slideshow": {"slide_type": word}})
    with refuses(ValueError, f"a {kind} cell has the slide_type {word!r}, expected"):
        slidemarks.kind(nbformat.from_dict(cell))


def test_learners_see_nothing_of_slides(chapter):
    plain = compose(chapter(PLAIN))
    paths = chapter(MARKED)
    notebook = compose(paths)
    assert audit.differs_from_source(notebook, plain) == []
    assert code_hash(notebook) == code_hash(plain)
    written = paths.notebook.read_text(encoding="utf-8")
    assert "slide" not in written and "???" not in written
    assert [cell.metadata for cell in notebook.cells if cell.cell_type == "code"] == [
        {},
        {"tags": ["raises-exception"]},
    ]
    assert len(compose(paths, slides=True).cells) == len(plain.cells) + 2


# From marks to a deck


def test_a_deck_takes_what_is_marked(chapter):
    deck = slides.read(chapter(MARKED, [[picture(), printed("1")], [printed("2\n")]]))
    title, one, two, last = deck.slides
    assert [slide.layout for slide in deck.slides] == ["title", "plain", "plain", "last"]
    assert [(part.kind, part.fragment) for part in one.parts] == [("code", False), ("picture", False)]
    assert (one.parts[0].content, one.parts[1].alt, one.parts[1].size) == ("x = 1", ALT, (20, 10))
    assert one.parts[1].file == "figures/07_super_resolution/02-1.png"
    assert [(part.kind, part.content, part.fragment) for part in two.parts] == [("printed", "2", True)]
    assert deck.minutes == 1 + 2 + 2 + 1
    assert deck.complaint() == "07_super_resolution has 4 slides, expected 15 to 25"
    assert "**6 minutes.** You need a pencil. No network." in title.words.body
    assert "**Next:** 08 Style transfer." in last.words.body


def test_a_figure_above_the_first_slide_stands_on_the_title_slide(chapter):
    source = PLAIN.replace("# %%\nx = 1", '# %% slideshow={"slide_type": "-"}\nx = 1')
    deck = slides.read(chapter(source, [[picture()]]))
    assert [len(slide.parts) for slide in deck.slides] == [1, 0]


def test_a_figure_stands_on_the_title_slide_as_well(chapter, refuses):
    source = marked('# %% slideshow={"slide_type": "-"} tags=["slide-title-2"]')
    outputs = [[picture(), picture("The second figure of the two.")]]
    paths = chapter(source, outputs)
    deck = slides.read(paths)
    assert [part.alt for part in deck.slides[0].parts] == ["The second figure of the two."]
    assert [part.file for part in deck.slides[1].parts] == [f"figures/{paths.name}/02-{n}.png" for n in (1, 2)]
    assert "slide" not in paths.notebook.read_text(encoding="utf-8")
    with refuses(ValueError, "the slide 'Super-resolution' wants picture 2 of a cell that has 1"):
        slides.read(chapter(source, [outputs[0][:1]]))


def test_one_of_several_figures_is_chosen(chapter, refuses):
    source = marked('# %% slideshow={"slide_type": "-"} tags=["slide-figure-1"]')
    two = source.index("# %% [markdown] slideshow", source.index("x = 1"))
    head, tail = source[:two], source[two:].replace('"slide"}\n', '"slide"} tags=["slide-figure-2"]\n', 1)
    outputs = [[picture("The first figure of the two."), picture("The second figure of the two.")]]
    deck = slides.read(chapter(head + tail, outputs))
    alts = [[part.alt for part in slide.parts] for slide in deck.slides]
    assert alts == [[], ["The first figure of the two."], ["The second figure of the two."], []]
    assert "slide" not in chapter(head + tail, outputs).notebook.read_text(encoding="utf-8")
    paths = chapter(head + tail, [outputs[0][:1]])
    with refuses(ValueError, "the slide 'Two' wants picture 2 of a cell that has 1"):
        slides.read(paths)
    paths = chapter(head.replace("figure-1", "figure-one") + tail, outputs)
    with refuses(ValueError, "the tag 'slide-figure-one' ends in 'one', expected a figure's number"):
        slides.read(paths)


@pytest.mark.parametrize(
    ("outputs", "parts"),
    [
        ([], ("07_super_resolution.py, cell 4: ", "puts nothing onto the slide 'Two'", "--execute")),
        ([picture("")], ("the picture on the slide 'Two' has no alt text",)),
        ([printed("x" * 90)], ("what is printed on the slide 'Two' is 90 characters wide",)),
    ],
)
def test_a_cell_that_gives_no_figure_is_refused(outputs, parts, chapter, refuses):
    paths = chapter(MARKED, [[picture()], outputs])
    with refuses(ValueError, *parts):
        slides.read(paths)


def figure(columns: int, rows: int, fragment: bool = False) -> slides.Part:
    return slides.Part("picture", png(columns, rows), ALT, fragment, f"{columns}.png")


@pytest.mark.parametrize(
    ("shapes", "body", "arrangement"),
    [
        ([], "x", "bare"),
        ([(800, 300)], "x", "below"),
        ([(600, 550)], "x", "split"),
        ([(600, 550)], "", "below"),
        ([(400, 300), (400, 300)], "x", "beside"),
        ([(900, 200), (900, 200)], "x", "below"),
    ],
)
def test_figures_stand_where_they_are_largest(shapes, body, arrangement):
    words = slidemarks.Words("A", body, "n", 1)
    assert slides.Slide(words, [figure(*shape) for shape in shapes]).arrangement == arrangement


def deck_of(*listed: slides.Slide) -> slides.Deck:
    return slides.Deck(chapters()[2], list(listed))


def test_a_page_holds_words_notes_figures_and_their_texts():
    words = slidemarks.Words("If `a < b`", "$$x < y$$\n\nSee **this**.", "Ask <why>.", 3)
    parts = [figure(20, 10, fragment=True), slides.Part("printed", "1 < 2"), slides.Part("code", "x = 1 < 2")]
    page = slidepages.rendered(deck_of(slides.Slide(words, parts)))
    assert re.search(r'<section data-timing="180">', page)
    assert re.search(r"<h2>If <code>a &lt; b</code></h2>", page)
    assert "$$x &lt; y$$" in page and "<strong>this</strong>" in page
    assert re.search(rf'<figure class="picture fragment"[^>]*><img alt="{ALT}"[^>]*src="20.png"', page)
    assert "<pre>1 &lt; 2</pre>" in page and 'class="highlight' in page
    notes = re.search(r'<aside class="notes">(.*?)</aside>', page, re.DOTALL)
    assert notes and "(3 min) Ask" in notes[1]
    assert "???" not in page


def test_a_missing_package_is_named(monkeypatch, refuses, tmp_path):
    slidepages._installed.cache_clear()
    monkeypatch.setattr(slidepages, "find_spec", lambda name: None)
    with refuses(OSError, "slides need the package sphinx-revealjs", "pip install 'minigan[docs]'"):
        slidepages.assets(tmp_path)


# The course as it stands


@pytest.fixture(scope="module")
def decks():
    return [slides.read(paths) for paths in select(repository(), [])]


def test_each_chapter_has_slides_with_notes_and_minutes(decks):
    assert [deck.chapter.name for deck in decks] == [chapter.name for chapter in chapters() if chapter.written]
    for deck in decks:
        assert deck.complaint() is None
        assert 0.75 < deck.minutes / deck.chapter.reading < 1.25, f"{deck.chapter.name}: {deck.minutes} minutes"
        for slide in deck.slides:
            assert slide.words.minutes >= 1 and len(slide.words.notes) > 60, slide.words.title
        titles = [slide.words.title for slide in deck.slides]
        assert len(titles) == len(set(titles)), deck.chapter.name


def test_each_slide_shows_something(decks):
    for deck in decks:
        pictures = [part for slide in deck.slides for part in slide.parts if part.kind == "picture"]
        assert len(pictures) >= 5, deck.chapter.name
        assert all(len(part.alt) >= audit.SHORTEST_ALT for part in pictures)
        bare = [slide for slide in deck.slides if not slide.parts and slide.layout != "last"]
        for slide in bare:  # a formula, code or a table
            assert re.search(r"\$|^```|^\|", slide.words.body, re.MULTILINE), (deck.chapter.name, slide.words.title)
        assert deck.slides[0].parts, deck.chapter.name


@pytest.mark.skipif(not find_spec("sphinx_revealjs"), reason="slides need pip install 'minigan[docs]'")
def test_the_command_writes_pages_that_ask_no_other_host(tmp_path):
    done = CliRunner().invoke(app, ["slides", "00", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert re.search(r"built 00_start_here\.html: \d+ slides, \d+ minutes\n", done.stdout)
    linked = re.compile(r"""(?:src|href)=["']([^"'#]+)["']|url\(([^)]+)\)|@import""")
    for page in [*tmp_path.glob("*.html"), tmp_path / "deck.css", tmp_path / "reveal" / "reveal.css"]:
        for found in linked.finditer(page.read_text(encoding="utf-8")):
            address = (found[1] or found[2] or "").strip("\"'")
            if not address.startswith("data:"):
                assert (page.parent / address).is_file(), f"{page.name} asks for {found[0]}"
    contents = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert contents.count("<li>") == 1 and "00 Start here</a>" in contents


def test_the_colours_are_those_of_the_figures():
    style = (slidepages.DECK / "deck.css").read_text(encoding="utf-8")
    assert f"--real: {plot.REAL};" in style and f"--fake: {plot.FAKE};" in style
