"""Each chapter as a learner meets it: opened in JupyterLab and run all, in a real browser."""

import re

import chromium
import pytest
from learner import Learner, opened

pytestmark = chromium.needed

NAMES = sorted(path.stem for path in (chromium.ROOT / "notebooks").glob("*.ipynb"))
CHOSEN = NAMES if chromium.EVERYTHING else NAMES[:1]
FORMULA = re.compile(r"\$\$.+?\$\$|(?<!\\)\$[^$\n]+?\$", re.DOTALL)
SCROLL = "(panel, top) => new Promise(done => { panel.scrollTop = top; requestAnimationFrame(done) })"
TALL = 3000  # pixels of the window: few screenshots hold a chapter


@pytest.mark.parametrize("name", CHOSEN)
def test_chapter_runs_in_the_browser(name, browser, lab):
    with opened(browser, lab, f"notebooks/{name}.ipynb", height=TALL) as learner:
        learner.run_all(seconds=400)
        look(learner, name)
        assert complaints(learner) == []
    assert lab.ask("api/kernels") == []


def complaints(learner: Learner) -> list[str]:
    """What is wrong with a notebook after it has run, a line for each; what the page asked for is part of it."""
    found = learner.record.complaints()
    for number, (source, cell) in enumerate(zip(learner.notebook["cells"], learner.cells(), strict=True)):
        text, tags = "".join(source["source"]), source["metadata"].get("tags", [])
        formulas = len(FORMULA.findall(without_code(text))) if source["cell_type"] == "markdown" else 0
        if (cell.formulas, cell.broken) != (formulas, 0):
            found.append(
                f"cell {number}: {cell.formulas} formulas are set and {cell.broken} broken, expected {formulas}"
            )
        if source["cell_type"] == "code" and not cell.count:
            found.append(f"cell {number} did not run")
        if bool(error := cell.text("error")) != ("raises-exception" in tags):
            found.append(f"cell {number}: {error or 'no error, but it is tagged raises-exception'}")
        if warning := cell.text("stderr"):
            found.append(f"cell {number}: {warning}")
        found += [f"cell {number}: a picture {p}" for p in cell.pictures if len(p["alt"]) < 30 or not p["width"]]
    return found + [f"a formula that is not set: {words}" for words in learner.words() if "$" in words]


def without_code(text: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]+`", "", text, flags=re.DOTALL)


def look(learner: Learner, name: str) -> None:
    """Keep screenshots of the whole notebook."""
    panel = learner.page.locator(".jp-WindowedPanel-outer")
    height, window = panel.evaluate("panel => [panel.scrollHeight, panel.clientHeight]")
    for number, top in enumerate(range(0, height, window)):
        panel.evaluate(SCROLL, top)
        chromium.keep(learner.page, f"chapter-{name}-{number}")
