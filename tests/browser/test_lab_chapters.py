"""Each chapter as a learner meets it: opened in JupyterLab and run all, in a real browser."""

import chromium
import pytest
from learner import Learner, complaints, opened

pytestmark = [chromium.needed, pytest.mark.timeout(chromium.LONGEST)]

NAMES = sorted(path.stem for path in (chromium.ROOT / "notebooks").glob("*.ipynb"))
CHOSEN = NAMES if chromium.EVERYTHING else NAMES[:1]
SCROLL = "(panel, top) => new Promise(done => { panel.scrollTop = top; requestAnimationFrame(done) })"
TALL = {"width": 1400, "height": 3000}  # pixels of the window: few screenshots hold a chapter


@pytest.mark.parametrize("name", CHOSEN)
def test_chapter_runs_in_the_browser(name, browser, lab):
    with opened(browser, lab, f"notebooks/{name}.ipynb") as learner:
        learner.run_all(seconds=chromium.LONGEST)
        look(learner, name)
        assert complaints(learner, meant_to_fail(learner.notebook)) == []
        assert learner.page.evaluate("notebook.breaks()") == ["normal"], "numbers may be broken"
        open_answers(learner, name)
    assert lab.ask("api/kernels") == []


def meant_to_fail(notebook: dict) -> set[int]:
    return {i for i, cell in enumerate(notebook["cells"]) if "raises-exception" in cell["metadata"].get("tags", [])}


def open_answers(learner: Learner, name: str) -> None:
    """Open and close each hidden answer, the one kind of control that chapters have, by keyboard."""
    numbers = [i for i, cell in enumerate(learner.notebook["cells"]) if "<details>" in "".join(cell["source"])]
    for number in numbers:
        learner.go_to(number)
        learner.tab_to("summary")
        is_open = f"notebook.nodes()[{number}].querySelector('details').open"
        learner.page.keyboard.press("Enter")
        learner.wait(is_open)
        if number == numbers[0]:
            chromium.keep(learner.page, f"chapter-{name}-answer")
        learner.page.keyboard.press("Space")
        learner.wait(f"!{is_open}")


def look(learner: Learner, name: str) -> None:
    """Keep screenshots of the whole notebook, in place of those of before."""
    for old in chromium.PICTURES.glob(f"chapter-{name}-*.png"):
        old.unlink()
    usual = learner.page.viewport_size
    learner.page.set_viewport_size(TALL)
    panel = learner.page.locator(".jp-WindowedPanel-outer")
    visible, number = panel.evaluate("panel => panel.clientHeight"), 0
    while number * visible < learner.page.evaluate("notebook.height()"):  # which grows as cells come into sight
        panel.evaluate(SCROLL, number * visible)
        chromium.keep(learner.page, f"chapter-{name}-{number}")
        number += 1
    learner.page.set_viewport_size(usual)
