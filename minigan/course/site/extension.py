"""What Sphinx does not do by itself: alternative texts, places and sizes of figures, glossary links, MathJax here."""

import json
import re
import shutil
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from docutils import nodes
from PIL import Image
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

from minigan.course.site.front import HEAD
from minigan.course.site.glossary import Term, first_uses, read

MATHJAX = ("tex-svg.js", "input/tex/extensions")
NO_PROSE = (
    *(nodes.title, nodes.literal, nodes.literal_block, nodes.math, nodes.math_block, nodes.reference),
    *(nodes.table, nodes.raw, nodes.image, nodes.container),
)
NO_USES = ("page-tools", "library-note")
SIGNATURE = re.compile(r'(?P<open><span class="sig-paren">\(</span>\s*)<dl>(?P<lines>.*?)</dl>', re.DOTALL)
CHAPTERS = re.compile(r"\b[Cc]hapters?\s+[01]\d\b(?:(?:,\s+|,?\s+and\s+|\s+to\s+|\s+or\s+)[01]\d\b)*")
NUMBER = re.compile(r"\b[01]\d\b")
BESIDE = re.compile(r"^[.,;:?!)\]]+")  # what must not stand at the beginning of a line, when it follows a formula
IMAGE = re.compile(r'<img (?P<attributes>[^>]*src="(?P<url>[^"]+)"[^>]*)/>')


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_config_value("minigan_figures", "", "")  # a JSON file: page -> [[digest, alternative text, anchor], ...]
    app.add_config_value("minigan_glossary", "", "html")  # the text of docs/glossary.md
    app.add_post_transform(GlossaryLinks)
    app.add_post_transform(ChapterLinks)
    app.connect("doctree-read", name_figures)
    app.connect("doctree-read", mend_tables)
    app.connect("doctree-read", tie_formulas)
    app.connect("html-page-context", size_images, priority=900)
    app.connect("build-finished", copy_mathjax)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def name_figures(app: Sphinx, doctree: nodes.document) -> None:
    """Give the pictures among a page's outputs the alternative text that their notebook keeps, and an anchor."""
    facts = json.loads(Path(app.config.minigan_figures).read_text(encoding="utf-8"))
    waiting = list(facts.get(app.env.docname, []))
    for image in doctree.findall(nodes.image):
        fact = next((fact for fact in waiting if fact[0] in image["uri"]), None)
        if fact:
            waiting.remove(fact)
            image["alt"] = fact[1]
            image["ids"].append(fact[2])


def mend_tables(app: Sphinx, doctree: nodes.document) -> None:
    """Take away the empty head of a table without one, whose first column then is the head of its rows."""
    for table in doctree.findall(nodes.table):
        head = next(table.findall(nodes.thead), None)
        if head is not None and not head.astext().strip():
            head.parent.remove(head)
            table["classes"].append("facts")
            next(table.findall(nodes.colspec))["stub"] = 1


def tie_formulas(app: Sphinx, doctree: nodes.document) -> None:
    """Keep a formula in a sentence together with the comma or full stop that follows it."""
    for formula in list(doctree.findall(nodes.math)):
        text = formula.next_node(descend=False, siblings=True)
        found = BESIDE.match(text.astext()) if isinstance(text, nodes.Text) else None
        if found:
            tied = nodes.inline(classes=["tied"])
            formula.replace_self(tied)
            tied += [formula, nodes.Text(found[0])]
            text.parent.replace(text, nodes.Text(text.astext()[found.end() :]))


class ChapterLinks(SphinxPostTransform):
    """Make links of "chapter 06" and "chapters 07, 09 and 10", wherever a text says so."""

    default_priority = 690
    formats = ("html",)

    def run(self, **options: Any) -> None:
        builder, here = self.app.builder, self.env.docname
        pages = {name.rpartition("/")[2][:2]: name for name in self.env.found_docs if name.startswith("chapters/")}
        pages = {number: name for number, name in pages.items() if name != here}
        for text in list(self.document.findall(nodes.Text)):
            if not is_prose(text, allowed=(nodes.table,)):
                continue
            parts: list[nodes.Node] = []
            place, written = 0, text.astext()
            for start, end, number in mentions(written):
                if number in pages:
                    address = builder.get_relative_uri(here, pages[number])
                    link = nodes.reference("", written[start:end], refuri=address, internal=True, classes=["chapter"])
                    parts += [nodes.Text(written[place:start]), link]
                    place = end
            if parts:
                text.parent.replace(text, [*parts, nodes.Text(written[place:])])


def mentions(text: str) -> list[tuple[int, int, str]]:
    """Where chapters are named by number: (start, end, number); of "chapter 06" all, of a list each number."""
    found = []
    for match in CHAPTERS.finditer(text):
        numbers = list(NUMBER.finditer(text, match.start(), match.end()))
        alone = len(numbers) == 1
        found += [(match.start() if alone else one.start(), one.end(), one[0]) for one in numbers]
    return found


class GlossaryLinks(SphinxPostTransform):
    """Link the first use of each term in the running text of a chapter to the glossary."""

    default_priority = 700
    formats = ("html",)

    def run(self, **options: Any) -> None:
        if not self.env.docname.startswith("chapters/") or "glossary" not in self.env.found_docs:
            return
        number = int(self.env.docname.rpartition("/")[2][:2])
        terms = [term for term in glossary(self.config.minigan_glossary) if term.used_in(number)]
        address = self.app.builder.get_relative_uri(self.env.docname, "glossary")
        for text in list(self.document.findall(nodes.Text)):
            if not is_prose(text):
                continue
            parts: list[nodes.Node] = []
            place, written = 0, text.astext()
            for start, end, term in first_uses(written, terms):
                link = nodes.reference(
                    "", written[start:end], refuri=f"{address}#{term.anchor}", internal=True, classes=["term"]
                )
                link["reftitle"] = f"{term.name}: {term.first_sentence}"
                parts += [nodes.Text(written[place:start]), link]
                place = end
                terms.remove(term)
            if parts:
                text.parent.replace(text, [*parts, nodes.Text(written[place:])])


@cache
def glossary(text: str) -> tuple[Term, ...]:
    return tuple(read(text))


def is_prose(text: nodes.Text, allowed: tuple[type[nodes.Node], ...] = ()) -> bool:
    """Whether a text stands in a sentence: no heading, code, formula, link, table, output or list of references."""
    node = text.parent
    while node is not None:
        if isinstance(node, NO_PROSE) and not isinstance(node, allowed):
            return False
        if set(NO_USES) & set(node.get("classes", ())):
            return False
        if isinstance(node, nodes.section) and node[0].astext() == "References":
            return False
        node = node.parent
    return True


def size_images(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Write each picture's size beside it, so that nothing moves while pictures load, and let them load when seen."""
    files = {name: source for source, name in getattr(app.builder, "images", {}).items()}

    def sized(found: re.Match[str]) -> str:
        source = files.get(found["url"].rpartition("/")[2])
        if not source or "width=" in found["attributes"]:
            return found[0]
        width, height = size(Path(app.srcdir, source))
        return f'<img {found["attributes"].strip()} width="{width}" height="{height}" loading="lazy" decoding="async"/>'

    if doctree is not None and "body" in context:
        context["body"] = titled(SIGNATURE.sub(lines_of_signature, IMAGE.sub(sized, context["body"])))


def lines_of_signature(found: re.Match[str]) -> str:
    """A long signature, a line for each argument; Sphinx makes a list of definitions without terms of it."""
    lines = found["lines"].replace("<dd>", '<span class="sig-line">').replace("</dd>", "</span>")
    return f'{found["open"]}<span class="sig-lines">{lines}</span>'


def titled(body: str) -> str:
    """The front page's title moved to the place that its HTML keeps for it."""
    title = re.search(r"<h1>.*?</h1>", body, re.DOTALL)
    if HEAD not in body or title is None:
        return body
    return body.replace(title[0], "", 1).replace(HEAD, title[0])


@cache
def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


def copy_mathjax(app: Sphinx, error: Exception | None) -> None:
    """Put MathJax, which typesets the formulas in the browser, beside the pages."""
    found = find_spec("sphinx-mathjax-offline")
    if error or found is None or found.origin is None:
        return
    source, target = Path(found.origin).parent / "static" / "mathjax", Path(app.outdir) / "_static" / "mathjax"
    for name in MATHJAX:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name, dirs_exist_ok=True)
        else:
            shutil.copyfile(source / name, target / name)
