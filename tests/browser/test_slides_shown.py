"""The slides in a real browser: nothing exceeds its slide, letters are large, notes stay with the speaker, no network.

`make browser` looks at every deck in every way; otherwise each deck is looked at once, and two of them thoroughly.
"""

from importlib.util import find_spec

import chromium
import pytest

from minigan.course import slidepages, slides
from minigan.course.build import select
from minigan.course.chapters import chapters, repository

pytestmark = [
    chromium.needed,
    pytest.mark.skipif(not find_spec("sphinx_revealjs"), reason="slides need pip install 'minigan[docs]'"),
]

NAMES = [chapter.name for chapter in chapters() if chapter.written]
THOROUGH = NAMES if chromium.EVERYTHING else [NAMES[0], NAMES[2]]
FORMULAS = "mjx-assistive-mml, mjx-assistive-mml *, svg *"  # letters of formulas have boxes of their own

# Complaints about the slide that is shown. `least`: pixels of titles, of text, of code, and the least enlargement.
LOOK = """(least) => {
  const slide = Reveal.getCurrentSlide().querySelector(".slide");
  const scale = Reveal.getScale(), box = slide.getBoundingClientRect(), found = [];
  const name = slide.querySelector("h1, h2").textContent.trim();
  const complain = (what) => found.push(`${name}: ${what}`);
  for (const element of slide.querySelectorAll("*")) {
    if (element.matches(FORMULAS)) continue;
    const at = element.getBoundingClientRect();
    if (at.left < box.left - 1 || at.top < box.top - 1 || at.right > box.right + 1 || at.bottom > box.bottom + 1)
      complain(`${element.tagName} exceeds the slide`);
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    const kind = element.closest("h1, h2") ? "title" : element.closest("pre") ? "code" : "text";
    if (own && parseFloat(getComputedStyle(element).fontSize) < least[kind])
      complain(`letters of ${getComputedStyle(element).fontSize} in ${element.tagName}`);
    if (element.matches("pre") && element.scrollWidth > element.clientWidth + 1) complain("a line is cut");
    if (element.matches("img")) {
      if (!element.complete || !element.naturalWidth) complain(`${element.src} is not there`);
      const enlarged = Math.min(at.width / element.naturalWidth, at.height / element.naturalHeight) / scale;
      if (enlarged < least.figure) complain(`a figure is shown at ${enlarged.toFixed(2)} of its size`);
      const visible = getComputedStyle(element.closest("figure")).visibility === "visible";
      if (!visible) complain("a figure is not shown");
    }
  }
  const parts = [...slide.children].map((child) => child.getBoundingClientRect());
  for (const one of parts)
    for (const other of parts)
      if (one !== other && Math.min(one.right, other.right) > Math.max(one.left, other.left) + 1)
        if (Math.min(one.bottom, other.bottom) > Math.max(one.top, other.top) + 1) complain("its parts overlap");
  if (slide.querySelector("mjx-merror, [data-mjx-error]")) complain("a formula has an error");
  if (/\\$|\\?\\?\\?/.test(slide.innerText)) complain("it shows raw marks");
  return [...new Set(found)];
}""".replace("FORMULAS", f"{FORMULAS!r}")
FIRST_FRAGMENT = "[...document.querySelectorAll('.slide')].findIndex(s => s.querySelector('figure.fragment'))"
WIDE = {"title": 40, "text": 28, "code": 20, "figure": 0.9}
TALL = {"title": 40, "text": 28, "code": 10, "figure": 0.3}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """All decks, built."""
    out = tmp_path_factory.mktemp("slides")
    slidepages.assets(out)
    decks = [slides.read(paths) for paths in select(repository(), [])]
    for deck in decks:
        slidepages.write(deck, out)
    slidepages.contents(decks, out)
    return out


def opened(page, folder, name, query=""):
    page.goto(f"{(folder / name).as_uri()}.html{query}")
    page.wait_for_selector("html.ready")


def complaints(page, least) -> list[str]:
    found = []
    for number in range(page.evaluate("Reveal.getTotalSlides()")):
        page.evaluate("number => Reveal.slide(number, 0, 99)", number)  # 99: with all that comes at a key
        found += page.evaluate(LOOK, least)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_everything_fits_and_is_large(name, browser, folder):
    with chromium.visit(browser, 1280, 720) as (page, record):
        opened(page, folder, name)
        assert complaints(page, WIDE) == []
        assert record.complaints() == []


@pytest.mark.parametrize("name", THOROUGH)
def test_everything_fits_a_narrow_window(name, browser, folder):
    with chromium.visit(browser, 390, 844) as (page, record):
        opened(page, folder, name)
        assert complaints(page, TALL) == []
        assert record.complaints() == []


@pytest.mark.parametrize("name", THOROUGH)
def test_everybody_can_read_them(name, browser, folder):
    with chromium.visit(browser, 1280, 720) as (page, _):
        opened(page, folder, name, "?print-pdf")  # all slides at once
        assert page.locator(".pdf-page").count() == page.locator(".slide").count()
        assert chromium.faults(page) == []


def test_notes_are_the_speakers(browser, folder):
    with chromium.visit(browser, 1280, 720) as (page, record):
        opened(page, folder, NAMES[2])
        assert page.locator("aside.notes >> visible=true").count() == 0
        assert page.locator(".slide-number").inner_text().split() == ["1", "/", str(page.locator(".slide").count())]
        with page.expect_popup() as popup:
            page.keyboard.press("s")
        page.keyboard.press("ArrowRight")
        notes = popup.value.locator(".speaker-controls-notes .value")
        wanted = page.locator("aside.notes").nth(1).evaluate("notes => notes.innerText").strip()
        notes.filter(has_text=wanted[:40]).wait_for()
        assert notes.inner_text().strip().startswith("(3 min)")
        popup.value.locator(".pacing-title").filter(visible=True).wait_for()  # each slide's minutes, counted down
        assert record.complaints() == []


def test_a_figure_waits_for_the_prediction(browser, folder):
    with chromium.visit(browser, 1280, 720) as (page, _):
        opened(page, folder, NAMES[2])
        at = page.evaluate(
            "[...document.querySelectorAll('.slide')].findIndex(s => s.querySelector('figure.fragment'))"
        )
        page.evaluate("number => Reveal.slide(number)", at)
        shown = "getComputedStyle(Reveal.getCurrentSlide().querySelector('figure.fragment')).visibility"
        assert page.evaluate(shown) == "hidden"
        page.keyboard.press("ArrowRight")
        assert page.evaluate(shown) == "visible"
        assert page.evaluate("Reveal.getIndices().h") == at


def test_the_list_of_decks(browser, folder):
    for width in (1280, 390):
        with chromium.visit(browser, width, 800) as (page, record):
            page.goto((folder / "index.html").as_uri())
            assert page.locator("li").count() == len(NAMES)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert record.complaints() == []
            assert chromium.faults(page) == []


SPOILT = {  # what is done to a slide: what the look then says
    "slide.querySelector('.text').style.width = '1500px'": "exceeds the slide",
    "slide.querySelector('.text').style.fontSize = '20px'": "letters of 20px",
    "slide.querySelector('.text').style.height = '640px'": "of its size",
    "slide.querySelector('.text').style.marginTop = '-60px'": "its parts overlap",
    "slide.querySelector('.text').append(' $x$')": "raw marks",
    "slide.querySelector('img').src = 'none.png'": "is not there",
}


def test_the_look_finds_what_is_wrong(browser, folder):
    with chromium.visit(browser, 1280, 720) as (page, _):
        opened(page, folder, NAMES[2])
        page.evaluate("number => Reveal.slide(number, 0, 99)", page.evaluate(FIRST_FRAGMENT))
        whole = page.evaluate("Reveal.getCurrentSlide().innerHTML")
        for spoil, said in SPOILT.items():
            page.evaluate("whole => { Reveal.getCurrentSlide().innerHTML = whole }", whole)
            page.wait_for_function("Reveal.getCurrentSlide().querySelector('img').complete")
            assert page.evaluate(LOOK, WIDE) == []
            page.evaluate(f"() => {{ const slide = Reveal.getCurrentSlide().querySelector('.slide'); {spoil}; }}")
            assert said in "\n".join(page.evaluate(LOOK, WIDE)), spoil
