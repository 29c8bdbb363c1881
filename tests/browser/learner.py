"""Someone with one notebook open in JupyterLab, who uses nothing but the keyboard to walk, write and run."""

import json
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import chromium

if TYPE_CHECKING:
    from labserver import Lab
    from playwright.sync_api import Browser, Locator, Page

EYES = Path(__file__).with_name("notebook.js")
LOADING = 600  # seconds that JupyterLab may take to show a notebook, on a busy machine
POLLING = 100  # milliseconds between two looks at what is waited for; a look at each frame costs a core
FORMULA = re.compile(r"\$\$.+?\$\$|(?<!\\)\$[^$]+?\$", re.DOTALL)
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)


@dataclass(frozen=True)
class Cell:
    """What a reader sees of one cell: its execution count (0 for none), formulas, outputs and pictures."""

    count: int
    rendered: bool  # a text that is shown, not edited
    formulas: int
    broken: int
    outputs: list[dict[str, str]]
    pictures: list[dict[str, Any]]
    controls: list[str]  # sliders, players and the like, as HTML

    def text(self, kind: str) -> str:
        """What its outputs of a kind say, such as "error" or "stderr"; empty where there are none."""
        return "\n".join(output["text"] for output in self.outputs if output["kind"] == kind)


class Learner:
    """The user of one notebook. Cells are named by their numbers, from 0."""

    def __init__(self, page: "Page", record: chromium.Record, notebook: dict) -> None:
        self.page, self.record, self.notebook = page, record, notebook

    def cells(self) -> list[Cell]:
        return [Cell(**cell) for cell in self.page.evaluate("notebook.cells()")]

    def words(self) -> list[str]:
        """The rendered texts, each without code and formulas."""
        return self.page.evaluate("notebook.words()")

    def cell(self, number: int) -> "Locator":
        return self.page.locator(".jp-Notebook-cell").nth(number)

    def run_all(self, seconds: float) -> None:
        """Choose Run All Cells, and wait until nothing runs any more: all went well, or a cell erred."""
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        self.wait("notebook.waiting()")  # the counts of earlier runs are gone from then on
        self.wait("notebook.done()", seconds)

    def go_to(self, number: int) -> None:
        """Walk to a cell with the arrow keys."""
        if self.page.evaluate("notebook.editing()"):
            self.page.keyboard.press("Escape")
        while (here := self.page.evaluate("notebook.active()")) != number:
            self.page.keyboard.press("ArrowDown" if number > here else "ArrowUp")
            self.wait(f"notebook.active() !== {here}")

    def write(self, number: int, text: str) -> None:
        """Put a text in the place of what a cell holds: one line key by key, several as if they were pasted."""
        self.go_to(number)
        self.page.keyboard.press("Enter")
        self.wait("notebook.editing()")
        self.page.keyboard.press("ControlOrMeta+A")
        if "\n" in text:
            self.page.keyboard.insert_text(text)
        else:
            self.page.keyboard.type(text)
        written = self.page.evaluate("notebook.source()")
        assert written == text, f"typed {text!r}, but the cell holds {written!r}"

    def run(self, number: int, seconds: float = 300) -> Cell:
        """Run a cell with Shift and Enter, and return what it shows when it is done."""
        if self.page.evaluate("notebook.active()") != number:
            self.go_to(number)
        before = max(cell.count for cell in self.cells())
        last = number == len(self.notebook["cells"]) - 1
        self.page.keyboard.press("ControlOrMeta+Enter" if last else "Shift+Enter")  # the latter would add a cell
        if self.notebook["cells"][number]["cell_type"] == "code":
            self.wait(f"notebook.count({number}) > {before} && notebook.done()", seconds)
        else:
            self.wait(f"notebook.cells()[{number}].rendered")
        return self.cells()[number]

    def tab_to(self, selector: str) -> None:
        """Press the Tab key, from the active cell on, until the focus is at such an element."""
        for _ in range(60):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"the Tab key does not lead to {selector}")

    def save(self) -> None:
        """Save with Control and S."""
        self.page.keyboard.press("ControlOrMeta+S")
        self.wait("notebook.saved()")

    def wait(self, condition: str, seconds: float = 300) -> None:
        """Wait until a condition of JavaScript holds. Raises Playwright's TimeoutError where it does not in time."""
        self.page.wait_for_function(condition, timeout=1000 * seconds, polling=POLLING)


def complaints(learner: Learner, failing: Collection[int] = ()) -> list[str]:
    """What is wrong with a notebook after it has run, a line for each, with what the page asked for.

    failing: the cells that must end with an error, as all others must not.
    """
    found = learner.record.complaints()
    for number, (source, cell) in enumerate(zip(learner.notebook["cells"], learner.cells(), strict=True)):
        is_code = source["cell_type"] == "code"
        formulas = 0 if is_code else len(FORMULA.findall(CODE.sub("", "".join(source["source"]))))
        faults = [f"a control without a static picture: {control}" for control in cell.controls]
        faults += [f"a picture {p}" for p in cell.pictures if len(p["alt"]) < 30 or not p["width"]]
        if (cell.formulas, cell.broken) != (formulas, 0):
            faults.append(f"{cell.formulas} formulas are set and {cell.broken} broken, expected {formulas}")
        if is_code and not cell.count:
            faults.append("it did not run")
        if bool(error := cell.text("error")) != (number in failing):
            faults.append(error or "no error, but it is meant to fail")
        if warning := cell.text("stderr"):
            faults.append(warning)
        found += [f"cell {number}: {fault}" for fault in faults]
    return found + [f"a formula that is not set: {words}" for words in learner.words() if "$" in words]


@contextmanager
def opened(browser: "Browser", lab: "Lab", path: str) -> Iterator[Learner]:
    """Open a notebook of the course's folder in JupyterLab, and shut its kernel down afterwards."""
    notebook = json.loads((lab.folder / path).read_text(encoding="utf-8"))
    with chromium.visit(browser) as (page, record):
        page.add_init_script(path=EYES)
        page.goto(lab.page(path))
        learner = Learner(page, record, notebook)
        learner.wait(f"notebook.ready({len(notebook['cells'])})", LOADING)
        yield learner
    lab.end_kernels()
