"""The web site: how pages are staged, and what the whole site must hold to. The browser looks in tests/browser."""

import base64
import html
import io
import json
import re
from pathlib import Path

import built_site
import jupytext
import nbformat
import pytest
from built_site import ROOT
from PIL import Image

from minigan.course import chapters, exercises, librarycells
from minigan.course.site import build, checks, front, glossary, links, listings, notebooks, pages, reference

CHAPTERS = [chapter.name for chapter in chapters.chapters()]


# Links


def linker(root: Path, **files: str) -> links.Linker:
    """A linker for a repository with two pages, a picture and a file without a page."""
    for name in ("notebooks/01_a.ipynb", "docs/b.md", "docs/b.png", "minigan/x.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    found = [pages.Page("notebooks/01_a.ipynb", "chapters/01_a", "Chapters"), pages.Page("docs/b.md", "b", "Teaching")]
    return links.Linker(
        root, {page.source: page for page in found}, "https://example.org/minigan", {"docs/b.png": "A b"}
    )


@pytest.mark.parametrize(
    ("text", "led"),
    [
        ("[b](../docs/b.md)", "[b](../b.md)"),
        ("[b](../docs/b.md#part)", "[b](../b.md#part)"),
        ("[x](../minigan/x.py)", "[x](https://example.org/minigan/blob/main/minigan/x.py)"),
        ("[the library](../minigan)", "[the library](../reference/index.md)"),
        ("[docs](../docs)", "[docs](https://example.org/minigan/tree/main/docs)"),
        ("[a](https://doi.org/10.1/x(92)y)", "[a](https://doi.org/10.1/x(92)y)"),
        ("[here](#part)", "[here](#part)"),
        ("[two\nlines](../docs/b.md) and [`code`](../docs/b.md)", "[two\nlines](../b.md) and [`code`](../b.md)"),
        ("`[b](../docs/b.md)`", "`[b](../docs/b.md)`"),
        ("```\n[b](../docs/b.md)\n```\n[b](../docs/b.md)", "```\n[b](../docs/b.md)\n```\n[b](../b.md)"),
        ("![short](../docs/b.png)", "![A b](../pictures/docs_b.png)"),
    ],
)
def test_links_are_led_to_pages_or_to_the_projects_address(tmp_path, text, led):
    there = linker(tmp_path)
    assert there.led(text, "notebooks/01_a.ipynb", "chapters/01_a") == led
    assert there.copies == ({"pictures/docs_b.png": "docs/b.png"} if "![" in text else {})


@pytest.mark.parametrize("text", ["[c](../docs/c.md)", "![c](c.png)", "[out](../../other.md)"])
def test_a_link_to_nothing_is_refused(tmp_path, refuses, text):
    with refuses(ValueError, "notebooks/01_a.ipynb", "which is not in the repository", "mend the link"):
        linker(tmp_path).led(text, "notebooks/01_a.ipynb", "chapters/01_a")


def test_a_picture_of_another_host_is_refused(tmp_path, refuses):
    with refuses(ValueError, "docs/b.md shows https://example.org/c.png", "keep the picture here"):
        linker(tmp_path).led("![c](https://example.org/c.png)", "docs/b.md", "b")


# Notebooks


def picture(kind: str = "PNG", colour: str = "red") -> bytes:
    buffer = io.BytesIO()
    frames = [Image.new("RGB", (40, 20), c) for c in (colour, "blue")]
    frames[0].save(buffer, kind, **({"save_all": True, "append_images": frames[1:]} if kind == "GIF" else {}))
    return buffer.getvalue()


def output(data: bytes, alt: str = "", kind: str = "image/png", text: str = "<Figure>") -> nbformat.NotebookNode:
    bundle = {kind: base64.b64encode(data).decode(), "text/plain": text}
    return nbformat.v4.new_output("display_data", bundle, metadata={kind: {"alt": alt}} if alt else {})


ALT = "A red field, twice as wide as it is high."


def test_figures_are_found_with_their_texts():
    cell = nbformat.v4.new_code_cell(
        "draw()", outputs=[output(picture(), ALT), output(b"gif", kind="image/gif", text=ALT)]
    )
    one, two = notebooks.figures(nbformat.v4.new_notebook(cells=[cell]), "chapters/01_a")
    assert (one.data, one.alt, one.anchor) == (picture(), ALT, "figure-1")
    assert (two.data, two.alt, two.anchor) == (b"gif", ALT, "figure-2")


def test_a_figure_without_a_text_is_refused(refuses):
    cell = nbformat.v4.new_code_cell("draw()", outputs=[output(picture())])
    with refuses(ValueError, "chapters/01_a: figure 1", "'<Figure>'", "say what it shows"):
        notebooks.figures(nbformat.v4.new_notebook(cells=[cell]), "chapters/01_a")


def test_a_thumbnail_is_small_and_keeps_its_shape():
    small = front.shrunk(picture("GIF"))
    assert small.size == (40, 20)  # never enlarged
    buffer = io.BytesIO()
    Image.new("RGB", (2000, 500)).save(buffer, "PNG")
    assert front.shrunk(buffer.getvalue()).size == (832, 208)


def staged(*cells: nbformat.NotebookNode, tmp_path: Path) -> tuple[list[nbformat.NotebookNode], list[notebooks.Shown]]:
    """The cells of a chapter with a title and these cells, as its page has them."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# 01 A\n\nText."), *cells])
    page = pages.Page("notebooks/01_a.ipynb", "chapters/01_a", "Chapters")
    shown = notebooks.stage_chapter(notebook, page, "TOOLS", linker(tmp_path))
    return notebook.cells, shown


def test_a_chapter_gets_its_tools(tmp_path):
    code = nbformat.v4.new_code_cell("print(1)", metadata={"tags": ["nbval-check-output"]})
    cells, shown = staged(code, tmp_path=tmp_path)
    assert cells[0].source == "# 01 A\n\nTOOLS\n\nText."
    assert (cells[1].source, shown) == ("print(1)", [])


def test_a_page_without_a_title_is_refused(tmp_path, refuses):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("Text.")])
    with refuses(ValueError, "begins with 'Text.'", "expected a title"):
        notebooks.lead(notebook, pages.Page("notebooks/01_a.ipynb", "chapters/01_a", "Chapters"), "", linker(tmp_path))


def test_a_library_cell_is_tied_to_the_reference(tmp_path):
    heading = nbformat.v4.new_markdown_cell("## 2. Losses\n\nText.")
    library = nbformat.v4.new_code_cell(
        "A = 1\n\n\ndef f(x):\n    return x\n\n\ndef _g(): ...", metadata={"minigan": "losses"}
    )
    cells, (shown,) = staged(heading, library, tmp_path=tmp_path)
    assert (shown.module, shown.names, shown.section, shown.label) == (
        "losses",
        ("A", "f"),
        "2. Losses",
        "library-01-1",
    )
    assert cells[2].source.startswith("(library-01-1)=")
    assert "{py:obj}`f <minigan.losses.f>`" in cells[2].source
    assert cells[3].metadata["tags"] == ["library"]


def test_long_imports_and_checks_are_folded(tmp_path):
    lines = [f"import m{i}" for i in range(9)]
    cells, _ = staged(
        nbformat.v4.new_code_cell("\n".join([*lines[:4], "from m import (", "    a,", "    b,", "    c,", ")"])),
        nbformat.v4.new_code_cell("\n".join([*lines, "x = 1", "y = 2", "z = 3", "w = 4"])),
        nbformat.v4.new_code_cell("\n".join(lines[:3])),
        tmp_path=tmp_path,
    )
    assert [cell.metadata.get("tags") for cell in cells[1:]] == [["hide-input"], None, None]
    check = nbformat.v4.new_code_cell("with checking('A') as c: ...", metadata={"minigan": {"check": "a"}})
    answer = nbformat.v4.new_code_cell("raise NotImplementedError", metadata={"minigan": {"answer": "a"}})
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Exercises"), answer, check])
    page = pages.Page("exercises/01_a/01_a.ipynb", "exercises/01_a", "Exercises")
    notebooks.stage_exercise(notebook, page, "TOOLS", linker(tmp_path))
    assert [cell.metadata.get("tags") for cell in notebook.cells] == [None, None, ["hide-input"]]


def test_explain_tasks_show_what_their_solution_has_drawn():
    """Only given cells of explain tasks: neither the answer of another task nor its check."""

    def exercise(output):
        cells = [
            nbformat.v4.new_code_cell("import torch", id="setup"),
            nbformat.v4.new_markdown_cell("## 1. A", id="t1", metadata={"minigan": {"kind": "complete"}}),
            nbformat.v4.new_code_cell("def f(): ...", id="a1", metadata={"minigan": {"answer": "one"}}),
            nbformat.v4.new_code_cell("f()", id="given1"),
            nbformat.v4.new_markdown_cell("## 2. B", id="t2", metadata={"minigan": {"kind": "explain"}}),
            nbformat.v4.new_code_cell("draw()", id="given2"),
            nbformat.v4.new_code_cell("check", id="check", metadata={"minigan": {"check": "two"}}),
        ]
        for cell in cells:
            if output and cell.cell_type == "code":
                cell.outputs = [nbformat.v4.new_output("stream", text=cell.id)]
        return nbformat.v4.new_notebook(cells=cells)

    released = exercise(output=False)
    notebooks.borrow_outputs(released, exercise(output=True))
    assert {cell.id: cell.outputs[0].text for cell in released.cells if cell.get("outputs")} == {"given2": "given2"}


@built_site.needed
def test_a_full_stop_stays_with_its_formula():
    from docutils import nodes, utils

    from minigan.course.site import extension

    document, paragraph = utils.new_document("page"), nodes.paragraph()
    paragraph += [
        nodes.math("", "x"),
        nodes.Text("). Then "),
        nodes.math("", "y"),
        nodes.Text(" is "),
        nodes.math("", "z"),
    ]
    document += paragraph
    extension.tie_formulas(None, document)
    assert [type(node).__name__ for node in paragraph] == ["inline", "Text", "math", "Text", "math"]
    assert (paragraph[0].astext(), paragraph[1].astext()) == ("x).", " Then ")


# The glossary

WORDS = """# Glossary

## mode
<!-- only: modes -->

A cluster.

## mode collapse
<!-- also: collapse -->

Few *modes* are left: see [chapter 01](../a.md). More.

## FID
<!-- chapters: 03-05 -->

A distance.
"""


def test_the_glossary_is_read():
    mode, collapse, fid = glossary.read(WORDS)
    assert (mode.forms, mode.exact, mode.text) == (("modes",), True, "A cluster.")
    assert (collapse.forms, collapse.anchor) == (("mode collapse", "collapse"), "mode-collapse")
    assert collapse.first_sentence == "Few modes are left"
    assert [fid.used_in(chapter) for chapter in (2, 3, 5, 6)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It has modes, and mode collapse.", ["modes", "mode collapse"]),
        ("Mode collapse: it collapses.", ["Mode collapse"]),
        ("a mode\ncollapse", ["mode\ncollapse"]),
        ("in training mode", []),
        ("Modes", ["Modes"]),
        ("fid and FID and FIDs", ["FID"]),
        ("a collapse-free life", []),
    ],
)
def test_first_uses_are_found(text, found):
    uses = glossary.first_uses(text, glossary.read(WORDS))
    assert [text[start:end] for start, end, _ in uses] == found


def test_a_faulty_glossary_is_refused(refuses):
    with refuses(ValueError, "docs/glossary.md has no terms", "'## name'"):
        glossary.read("# Glossary\n")
    with refuses(ValueError, "the form 'a' under 'a' and 'b'", "drop one"):
        glossary.read("## a\n\nx\n\n## b\n<!-- also: a -->\n\ny\n")


# The reference

SOURCE = '''"""First sentence (Zhao et al. 2020, eq. 2). Second. Built in chapter 02."""

# why there are two
REAL, FAKE = "blue", "orange"


@dataclass
class State:
    """A state."""

    rate: float = 0.1  # of Adam
    kind: str = 'a'  # in quotes, also on the page
    _hidden: int = 0

    @property
    def size(self) -> int:
        """How large."""

    def draw(self, count: int = 3) -> Tensor:
        """Draw 2 * x_i of `a_b`."""

    def _own(self): ...


class Net(nn.Module):
    def __init__(self, width: int, *, depth: int = 2) -> None: ...


def loss(real: Tensor, fake: Tensor | None = None) -> "State":
    """||F(x)||^2 < 1."""
'''


def test_a_module_becomes_a_page():
    module = reference.Module("losses", SOURCE)
    assert module.summary == "First sentence (Zhao et al. 2020, eq. 2)."
    shown = notebooks.Shown("losses", ("loss",), "chapters/02_a", "1. `A` $x$", "library-02-1")
    page = reference.page(module, [shown], "[chapter 02](../chapters/02_a.ipynb)")
    assert "Built in [chapter 02](../chapters/02_a.ipynb)." in page
    assert page.count("chapter 02.") == 0  # the docstring's own sentence has gone
    for line in (
        ":::::{py:data} REAL\n\n\n\n:::::\n\n:::::{py:data} FAKE\n",
        "why there are two",
        ":::::{py:class} State\n",
        '::::{py:attribute} rate\n:no-contents-entry:\n:type: float\n:value: "0.1"\n\nof Adam',
        ":type: str\n:value: \"'a'\"\n",
        "::::{py:property} size\n:type: int",
        "::::{py:method} draw(count: int=3) -> Tensor",
        r"Draw 2 \* x\_i of `a_b`.",
        ":::::{py:class} Net(width: int, *, depth: int=2)\n",
        "A `nn.Module`.",
        ":::::{py:function} loss(real: Tensor, fake: Tensor | None=None) -> State",
        r"||F(x)||^2 \< 1.",
        "Shown in {ref}`chapter 02, 1. A x <library-02-1>`",
    ):
        assert line in page, line
    assert "_hidden" not in page
    assert "_own" not in page


def test_benchmarks_and_cards_are_listed_with_what_they_say(tmp_path):
    rows = "| script | claim |\n| --- | --- |\n| [a](a.py) | a is 2 times b; c is not | minutes |\n"
    rows += "| [b](b.py) | Is it? | minutes |\n"
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "README.md").write_text(rows, encoding="utf-8")
    assert listings.claims(tmp_path) == {
        "benchmarks/results/a.md": "a is 2 times b; c is not",
        "benchmarks/results/b.md": "Is it?",
    }
    (tmp_path / "c.md").write_text("# c\n\n| | |\n| --- | --- |\n| What | A net. |\n| Data | x |\n", encoding="utf-8")
    assert listings.kinds(tmp_path, [pages.Page("c.md", "cards/c", "Cards")]) == {"c.md": "A net."}
    cards = [page for page in pages.plan(ROOT).values() if page.group == "Cards"]
    assert set(listings.kinds(ROOT, cards)) == {page.source for page in cards}


def test_all_modules_that_chapters_build_are_in_the_reference():
    known = {module.name for group in reference.modules(ROOT).values() for module in group}
    assert {name for chapter in chapters.chapters() for name in chapter.builds} <= known
    assert known == {name for names in reference.GROUPS.values() for name in names}  # each has its file


# The checks of a finished site

PAGE = '<html><body id="top"><a href="b.html#place">b</a><img src="a.png" alt="A picture of a field."></body></html>'


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ('<script src="https://cdn.example.org/x.js"></script>', "a.html: fetches https://cdn.example.org/x.js"),
        ('<link rel="stylesheet" href="//example.org/x.css">', "a.html: fetches //example.org/x.css"),
        ('<p style="background: url(https://example.org/x.png)">', "a.html: fetches https://example.org/x.png"),
        ('<img src="a.png">', "a.html: no alternative text for a.png"),
        ('<img src="a.png" alt="">', "a.html: no alternative text for a.png"),
        ('<img src="a.png" alt="a.png">', "a.html: the alternative text of a.png is 'a.png'; say what is to be seen"),
        ('<a href="c.html">c</a>', "a.html: the link c.html leads to no file"),
        ('<a href="b.html#nowhere">b</a>', "a.html: the link b.html#nowhere leads to no place of that page"),
        ('<a href="#nowhere">b</a>', "a.html: the link #nowhere leads to no place of that page"),
        ('<a href="https://nohost">b</a>', "a.html: the link 'https://nohost' names no host"),
        (
            '<a href="https://a.org/b c">b</a>',
            "a.html: the link 'https://a.org/b c' holds signs that no address may hold",
        ),
        (
            '<a href="htps://a.org">b</a>',
            "a.html: the link 'htps://a.org' begins with htps:, expected https: or a path",
        ),
    ],
)
def test_a_fault_of_a_site_is_found(tmp_path, added, said):
    (tmp_path / "a.html").write_text(PAGE.replace("</body>", added + "</body>"))
    (tmp_path / "b.html").write_text('<p id="place"><a href="https://example.org/x">x</a></p>')
    found = checks.look(tmp_path)
    assert found.complaints == [said]
    assert found.elsewhere == {"https://example.org/x": ["b.html"]}


def test_a_sound_site_draws_no_complaint_and_a_style_sheet_is_read(tmp_path):
    (tmp_path / "a.html").write_text(PAGE)
    (tmp_path / "b.html").write_text('<p id="place">')
    assert checks.look(tmp_path).complaints == []
    (tmp_path / "a.css").write_text('@import "https://example.org/x.css"; a { background: url("own.png") }')
    assert checks.look(tmp_path).complaints == ["a.css: fetches https://example.org/x.css"]


# The command


def test_what_a_user_can_do_wrong(refused, tmp_path, monkeypatch):
    refused("course", "site", "02", parts=("a site of some chapters needs a folder of its own", "--out"))
    refused(
        "course", "site", "2_minimx", "--out", tmp_path, parts=("chapter '2_minimx' is not known", "02_minimax_loss")
    )
    (tmp_path / "letter.txt").touch()
    refused("course", "site", "--out", tmp_path, parts=("holds files that are no site", "--out"))
    assert (tmp_path / "letter.txt").exists()
    monkeypatch.setattr(build, "find_spec", lambda name: None if name == "myst_nb" else True)
    refused("course", "site", parts=("the site was not made", "myst_nb not installed", "pip install", "[docs]"))


# The whole site


@pytest.fixture(scope="module")
def site() -> Path:
    return built_site.site()


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@built_site.needed
def test_each_part_has_its_pages(site):
    for name in CHAPTERS:
        assert (site / "chapters" / f"{name}.html").exists()
        assert (site / "exercises" / f"{name}.html").exists()
    for path in (ROOT / "docs").glob("*.md"):
        assert (site / f"{path.stem}.html").exists()
    for path in (ROOT / "benchmarks" / "results").glob("*.md"):
        assert (site / "benchmarks" / f"{path.stem}.html").exists()
    for name in ("index", "search", "glossary", "readme", "contributing", "attribution", "cards/peeps"):
        assert (site / f"{name}.html").exists()
    assert (site / "_static" / "mathjax" / "tex-svg.js").stat().st_size > 1_000_000
    assert "arxiv.org" in text_of(site / "links.txt")


@built_site.needed
@pytest.mark.parametrize("name", CHAPTERS)
def test_figures_have_their_texts_and_stand_in_the_gallery(site, name):
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    drawn = notebooks.figures(notebook, f"chapters/{name}")
    images = [tag for tag in checks.read(site / "chapters" / f"{name}.html").tags if tag[0] == "img"]
    kept = {attributes["id"]: attributes for _, attributes in images if attributes.get("id", "").startswith("figure-")}
    assert {anchor: attributes["alt"] for anchor, attributes in kept.items()} == {
        figure.anchor: figure.alt for figure in drawn
    }
    assert all(attributes["loading"] == "lazy" and int(attributes["width"]) for attributes in kept.values())
    gallery = text_of(site / "index.html")
    for figure in drawn:
        assert f'href="chapters/{name}.html#{figure.anchor}"' in gallery
        assert html.escape(figure.alt, quote=True).replace("&#x27;", "&#39;") in gallery


@built_site.needed
def test_the_gallery_is_small(site):
    sizes = [path.stat().st_size for path in (site / "thumbs").iterdir()]
    assert len(sizes) > 150
    assert sum(sizes) < 4_000_000


TERM = re.compile(r'<a class="[^"]*\bterm\b[^"]*" href="../glossary.html#([a-z0-9-]+)" title="[^"]+">([^<]+)</a>')


@built_site.needed
def test_terms_are_linked_at_their_first_use(site):
    terms = {term.anchor: term for term in glossary.read(text_of(ROOT / "docs" / "glossary.md"))}
    assert len(terms) >= 50
    used: set[str] = set()
    for name in CHAPTERS:
        page = text_of(site / "chapters" / f"{name}.html")
        found = TERM.findall(page)
        anchors = [anchor for anchor, _ in found]
        assert len(anchors) >= 8, name
        assert len(anchors) == len(set(anchors)), name
        assert all(terms[anchor].pattern.fullmatch(html.unescape(word)) for anchor, word in found)
        headings = re.findall(r"<h[1-6]>.*?</h[1-6]>", page, re.DOTALL)
        code = re.findall(r"<pre>.*?</pre>", page, re.DOTALL)
        assert not any(TERM.search(part) for part in headings + code)
        used |= set(anchors)
    assert set(terms) - used <= {"feature-extractor"}  # the README's word


@built_site.needed
def test_notebooks_can_be_downloaded_as_they_are(site):
    for folder, page in (("notebooks/{0}.ipynb", "chapters"), ("exercises/{0}/{0}.ipynb", "exercises")):
        for name in CHAPTERS:
            source = folder.format(name)
            assert (site / "download" / source).read_bytes() == (ROOT / source).read_bytes()
            assert f'href="../download/{source}" download' in text_of(site / page / f"{name}.html")


@built_site.needed
@pytest.mark.parametrize("chapter", chapters.chapters(), ids=lambda chapter: chapter.name)
def test_chapters_and_the_reference_lead_to_each_other(site, chapter):
    page = text_of(site / "chapters" / f"{chapter.name}.html")
    notebook = nbformat.read(ROOT / "notebooks" / f"{chapter.name}.ipynb", as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and "minigan" in cell.metadata]
    assert cells
    for number, cell in enumerate(cells, 1):
        module, label = cell.metadata["minigan"], f"library-{chapter.number:02d}-{number}"
        there = text_of(site / "reference" / f"{module}.html")
        assert f'href="../chapters/{chapter.name}.html#{label}"' in there
        assert f'id="{label}"' in page
        for name in librarycells.public(cell.source):
            assert f'href="../reference/{module}.html#minigan.{module}.{name}"' in page, name
            assert f'id="minigan.{module}.{name}"' in there, name
    for module in chapter.builds:
        assert f'href="../chapters/{chapter.name}.html"' in text_of(site / "reference" / f"{module}.html")


@built_site.needed
def test_no_solution_is_on_the_site(site):
    """Lines of solutions, model answers and hidden tests that stand nowhere in what learners get."""
    secret: set[str] = set()
    for path in sorted((ROOT / "solutions" / "src").glob("*.py")):
        for cell in jupytext.read(path, fmt="py:percent").cells:
            hidden = re.findall(r"### BEGIN (?:SOLUTION|HIDDEN TESTS)\n(.*?)### END", cell.source, re.DOTALL)
            marks = cell.metadata
            whole = [cell.source] if "explain" in marks or "answer" in marks else []
            secret |= {line.strip() for part in hidden + whole for line in part.splitlines() if len(line.strip()) >= 30}
    sources = [*(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "exercises").rglob("*.ipynb")]
    public = "\n".join(cell.source for path in sources for cell in nbformat.read(path, as_version=4).cells)
    public += "\n".join(text_of(path) for path in (ROOT / "minigan").rglob("*.py"))
    secret = {line for line in secret if line not in public}
    assert len(secret) > 300
    for path in [path for path in site.rglob("*") if path.suffix in (".html", ".ipynb", ".js", ".txt")]:
        if "_static" not in path.parts:
            shown = text_of(path)
            if path.suffix == ".html":
                shown = html.unescape(re.sub(r"<[^>]+>", "", shown))
            elif path.suffix == ".ipynb":
                shown = "\n".join(cell.source for cell in nbformat.reads(shown, as_version=4).cells)
            found = [line for line in secret if line in shown]
            assert found == [], path.relative_to(site)


@built_site.needed
def test_each_set_of_exercises_shows_a_picture_to_explain(site):
    for chapter in chapters.chapters():
        page = text_of(site / "exercises" / f"{chapter.name}.html")
        alts = re.findall(r'<img[^>]+alt="([^"]+)"[^>]*src="\.\./_images/', page)
        assert alts and all(len(alt) >= 30 for alt in alts), chapter.name


@built_site.needed
def test_the_search_knows_the_words(site):
    index = text_of(site / "searchindex.js").removeprefix("Search.setIndex(").rstrip(");\n")
    found = json.loads(index)
    assert any(name == "glossary" for name in found["docnames"])
    assert "mode collapse" in found["alltitles"]


def test_exercises_and_chapters_have_the_same_names():
    assert [master.name for master in exercises.select(ROOT, [])] == CHAPTERS
