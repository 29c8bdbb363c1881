"""The web site in a real browser, from files: nothing is asked of a host, formulas are set, all kinds of pages are fit."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import built_site
import chromium
import pytest

pytestmark = [chromium.needed, built_site.needed]

KINDS = {  # one page of each kind
    "front": "index.html",
    "chapter": "chapters/06_perceptual_loss.html",
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
DARK = "localStorage.setItem('mode', 'dark'); localStorage.setItem('theme', 'dark')"
WIDE, NARROW = 1400, 390
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
UNREACHED = """regions => regions.filter(region => region.scrollWidth > region.clientWidth + 1
    && getComputedStyle(region).overflowX !== 'visible' && region.tabIndex < 0).map(region => region.className)"""


@pytest.fixture(scope="module")
def site() -> Path:
    return built_site.site()


@contextmanager
def shown(browser, site: Path, address: str, width: int = WIDE, dark: bool = False) -> Iterator[tuple]:
    """A page of the site, opened from its file, with its formulas set."""
    with chromium.visit(browser, width=width) as (page, record):
        page.set_default_timeout(120_000)  # two cores may be busy
        if dark:
            page.add_init_script(DARK)
        page.goto(f"{site.as_uri()}/{address}")
        if page.evaluate("typeof MathJax !== 'undefined'"):
            page.evaluate("MathJax.startup.promise.then(() => true)")
        yield page, record


def addresses(site: Path) -> list[str]:
    """Every page of the site, or one of each kind and a few chapters."""
    if not chromium.EVERYTHING:
        return [*KINDS.values(), "chapters/02_minimax_loss.html", "chapters/10_inpainting.html"]
    return [path.relative_to(site).as_posix() for path in sorted(site.rglob("*.html")) if "_static" not in path.parts]


def test_no_page_asks_another_host_or_errs(browser, site):
    complaints = []
    for address in addresses(site):
        with shown(browser, site, address) as (page, record):
            broken = page.locator("mjx-merror, [data-mjx-error]").count()
            waiting = page.evaluate(
                "[...document.querySelectorAll('.math')].filter(m => !m.querySelector('mjx-container')).length"
            )
            complaints += [f"{address}: {complaint}" for complaint in record.complaints()]
            complaints += [f"{address}: {broken} broken and {waiting} unset formulas"] if broken or waiting else []
    assert complaints == []


@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_no_serious_fault(browser, site, kind):
    with shown(browser, site, KINDS[kind]) as (page, _):
        chromium.keep(page, f"site-{kind}")
        assert chromium.faults(page) == []
        page.evaluate("document.documentElement.dataset.theme = 'dark'")
        chromium.keep(page, f"site-{kind}-dark")
        assert chromium.faults(page) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_narrow_window_does_not_scroll_sideways(browser, site, kind):
    with shown(browser, site, KINDS[kind], width=NARROW) as (page, _):
        page.wait_for_function(f"{SIDEWAYS} === 0", timeout=10_000)
        regions = page.locator("pre, .pst-scrollable-table-container, div.math").all()
        assert not regions or page.eval_on_selector_all("pre, .pst-scrollable-table-container", UNREACHED) == []
        chromium.keep(page, f"site-{kind}-narrow")


def test_lines_of_code_fit_a_wide_window(browser, site):
    with shown(browser, site, KINDS["chapter"]) as (page, _):
        over = "blocks => blocks.filter(block => block.scrollWidth > block.clientWidth + 1).map(b => b.textContent)"
        assert page.eval_on_selector_all(".cell_input pre", over) == []


def test_figures_stand_on_white_in_the_dark(browser, site):
    with shown(browser, site, KINDS["chapter"], dark=True) as (page, _):
        colour = "images => [...new Set(images.map(image => getComputedStyle(image).backgroundColor))]"
        assert page.eval_on_selector_all(".cell_output img", colour) == ["rgb(255, 255, 255)"]
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"


def test_the_search_works_from_a_file(browser, site):
    with shown(browser, site, "glossary.html") as (page, record):
        page.keyboard.press("Control+k")
        page.keyboard.type("mode collapse")
        page.keyboard.press("Enter")
        page.wait_for_selector("#search-results li a")
        found = page.locator("#search-results li a").all_inner_texts()
        assert any("Glossary" in title and "mode collapse" in title for title in found)
        page.locator("#search-results li a", has_text="01 What can a GAN learn?").first.click()
        page.wait_for_selector("h1")
        assert "01_gan_theory" in page.url
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
        assert caption.inner_text() == thumb.locator("img").get_attribute("alt")
        box = caption.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= WIDE
        page.keyboard.press("Enter")
        page.wait_for_selector("img:target")
        assert page.locator("img:target").get_attribute("alt") == caption_of(site, page.url)


def caption_of(site: Path, url: str) -> str | None:
    """The alternative text of the thumbnail that leads to an address."""
    from minigan.course.site import checks

    tags = checks.read(site / "index.html").tags
    links = [
        i for i, (name, attributes) in enumerate(tags) if name == "a" and url.endswith(attributes.get("href", "?"))
    ]
    return tags[links[0] + 1][1].get("alt")


def test_a_notebook_is_downloaded_by_its_link(browser, site, tmp_path):
    with shown(browser, site, KINDS["chapter"]) as (page, _):
        with page.expect_download() as started:
            page.locator("a.download").click()
        started.value.save_as(tmp_path / "got.ipynb")
    original = chromium.ROOT / "notebooks" / "06_perceptual_loss.ipynb"
    assert (tmp_path / "got.ipynb").read_bytes() == original.read_bytes()


def test_an_overlong_line_can_be_scrolled_by_keyboard(browser, site):
    with shown(browser, site, KINDS["chapter"], width=NARROW) as (page, _):
        block = page.locator(".cell_input pre[tabindex='0']").first
        block.focus()
        before = block.evaluate("block => block.scrollLeft")
        page.keyboard.press("ArrowRight")
        page.wait_for_function("([b, x]) => b.scrollLeft > x", arg=[block.element_handle(), before])
