"""The web site in a real browser, from files: no host is asked, formulas are set, all kinds of pages are fit to use."""

import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import built_site
import chromium
import pytest

from minigan.course.site import checks

pytestmark = [chromium.needed, built_site.needed]

CHAPTER = "chapters/06_perceptual_loss.html"
KINDS = {  # one page of each kind
    "front": "index.html",
    "start": "chapters/00_start_here.html",
    "chapter": CHAPTER,
    "exercise": "exercises/02_minimax_loss.html",
    "exercises": "exercises/index.html",
    "reference": "reference/train.html",
    "library": "reference/index.html",
    "glossary": "glossary.html",
    "benchmark": "benchmarks/superres.html",
    "card": "cards/peeps.html",
    "search": "search.html?q=mode+collapse",
    "guide": "instructor.html",
    "readme": "readme.html",
}
WIDE, NARROW = 1400, 390
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SCROLLING = "pre, .pst-scrollable-table-container, div.math"
UNREACHED = """regions => regions.filter(region => region.scrollWidth > region.clientWidth + 1
    && getComputedStyle(region).overflowX !== 'visible' && region.tabIndex < 0).map(region => region.className)"""
OVERLONG = """blocks => blocks.filter(block => block.scrollWidth > block.clientWidth + 1)
    .map(block => block.textContent).filter(text => Math.max(...text.split('\\n').map(line => line.length)) <= 120)"""
UNSET = "[...document.querySelectorAll('.math')].filter(formula => !formula.querySelector('mjx-container')).length"


@pytest.fixture(scope="module")
def site() -> Path:
    return built_site.site()


@contextmanager
def shown(browser, site: Path, address: str, width: int = WIDE) -> Iterator[tuple]:
    """A page of the site, opened from its file, with its formulas set."""
    with chromium.visit(browser, width=width) as (page, record):
        page.set_default_timeout(120_000)  # two cores may be busy
        page.goto(f"{site.as_uri()}/{address}")
        if page.evaluate("typeof MathJax !== 'undefined'"):
            page.evaluate("MathJax.startup.promise.then(() => true)")
        yield page, record


def darken(page) -> None:
    page.evaluate("document.documentElement.dataset.theme = 'dark'")


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_of_each_kind_is_fit_to_use(browser, site, kind):
    """Nothing from elsewhere, no error; axe content in light and dark; on a telephone nothing runs off the page."""
    with shown(browser, site, KINDS[kind]) as (page, record):
        assert page.locator("mjx-merror, [data-mjx-error]").count() == 0
        assert page.evaluate(UNSET) == 0
        assert record.complaints() == []  # before axe, which asks for the style sheets of a file in vain
        chromium.keep(page, f"site-{kind}")
        assert chromium.faults(page) == []
        darken(page)
        chromium.keep(page, f"site-{kind}-dark")
        assert chromium.faults(page) == []
        page.set_viewport_size({"width": NARROW, "height": 844})
        page.wait_for_function(f"{SIDEWAYS} === 0")
        page.wait_for_function(f"({UNREACHED})([...document.querySelectorAll('{SCROLLING}')]).length === 0")
        chromium.keep(page, f"site-{kind}-narrow")


@pytest.mark.skipif(not chromium.EVERYTHING, reason="`make browser` opens every page; without it one of each kind")
def test_no_page_asks_another_host_or_errs(browser, site):
    complaints = []
    for path in [path for path in sorted(site.rglob("*.html")) if "_static" not in path.parts]:
        address = path.relative_to(site).as_posix()
        with shown(browser, site, address) as (page, record):
            broken, unset = page.locator("mjx-merror, [data-mjx-error]").count(), page.evaluate(UNSET)
            complaints += [f"{address}: {complaint}" for complaint in record.complaints()]
            complaints += [f"{address}: {broken} broken and {unset} unset formulas"] if broken or unset else []
    assert complaints == []


def test_a_chapter_is_read_wide_dark_and_by_keyboard(browser, site):
    with shown(browser, site, CHAPTER) as (page, _):
        assert page.eval_on_selector_all(".cell_input pre", OVERLONG) == []
        darken(page)
        colour = "images => [...new Set(images.map(image => getComputedStyle(image).backgroundColor))]"
        assert page.eval_on_selector_all(".cell_output img", colour) == ["rgb(255, 255, 255)"]
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
        page.set_viewport_size({"width": NARROW, "height": 844})
        block = page.locator(".cell_input pre[tabindex='0']:visible").first
        block.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function("block => block.scrollLeft > 0", arg=block.element_handle())


def test_the_search_works_from_a_file(browser, site):
    with shown(browser, site, "glossary.html") as (page, record):
        page.keyboard.press("Control+k")
        page.keyboard.type("mode collapse")
        page.keyboard.press("Enter")
        page.wait_for_selector("#search-results li a")
        page.wait_for_function("document.querySelector('.search-summary').innerText.includes('finished')")
        found = page.locator("#search-results li a").all_inner_texts()
        assert any("Glossary" in title and "mode collapse" in title for title in found)
        page.locator("#search-results li a", has_text="01 What can a GAN learn?").first.click()
        page.wait_for_url("**/01_gan_theory.html*")
        assert record.complaints() == []


def test_the_gallery_leads_to_the_figures_and_says_what_they_show(browser, site):
    with shown(browser, site, "index.html") as (page, _):
        thumb = page.locator(".front-thumb").nth(20)
        caption = thumb.locator(".front-caption")
        assert not caption.is_visible()
        thumb.focus()
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Tab")  # by keyboard, so that the focus shows
        assert caption.is_visible()
        alt = thumb.locator("img").get_attribute("alt")
        assert caption.inner_text() == alt
        box = caption.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= WIDE
        page.keyboard.press("Enter")
        page.wait_for_selector("img:target")
        assert page.locator("img:target").get_attribute("alt") == alt


def test_the_numbers_of_chapters_are_links(browser, site):
    tags = checks.read(site / CHAPTER).tags
    linked = {
        attributes["href"] for name, attributes in tags if name == "a" and "chapter" in attributes.get("class", "")
    }
    assert {"02_minimax_loss.html", "04_features.html", "07_super_resolution.html"} <= linked


def test_a_notebook_is_downloaded_by_its_link(browser, site, tmp_path):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with chromium.visit(browser) as (page, record):
            page.goto(f"http://127.0.0.1:{server.server_port}/{CHAPTER}", timeout=120_000)
            with page.expect_download(timeout=120_000) as started:
                page.locator("a.download").click()
            started.value.save_as(tmp_path / "got.ipynb")
            assert record.complaints() == []
        server.shutdown()
    original = chromium.ROOT / "notebooks" / "06_perceptual_loss.ipynb"
    assert (tmp_path / "got.ipynb").read_bytes() == original.read_bytes()
