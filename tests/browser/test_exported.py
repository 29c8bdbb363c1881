"""Notebooks as JupyterLab exports them to HTML: axe-core finds no serious fault in them, and no line is cut off."""

import chromium
import pytest

pytestmark = chromium.needed

PATHS = sorted(
    path.relative_to(chromium.ROOT).as_posix()
    for pattern in ("notebooks/*.ipynb", "solutions/*/*.ipynb")  # the latter with the outputs of checks
    for path in chromium.ROOT.glob(pattern)
)
CHOSEN = PATHS if chromium.EVERYTHING else PATHS[:1]
TOO_WIDE = """() => [...document.querySelectorAll('pre, table, img, .jp-RenderedMarkdown')]
  .filter(part => part.scrollWidth > part.clientWidth + 1 && part.scrollWidth > document.documentElement.clientWidth)
  .map(part => part.textContent.slice(0, 80))"""


@pytest.mark.parametrize("path", CHOSEN)
def test_axe_finds_no_serious_fault_in_an_export(path, browser, lab):
    with chromium.visit(browser, width=1000) as (page, _):  # formulas would come from another host
        page.goto(lab.export(path))
        assert page.title() == path.rpartition("/")[2].removesuffix(".ipynb")
        assert page.locator(".jp-Cell").count() > 10
        chromium.keep(page, f"export-{path.replace('/', '-')}".removesuffix(".ipynb"))
        assert chromium.faults(page) == []
        assert page.evaluate(TOO_WIDE) == []
