"""The learner's own checks: what passes, what is shown when it does not, and which hint comes."""

import math
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from nbclient import NotebookClient

from minigan.course import checking
from minigan.course.checking import NotYet, _tries


@pytest.fixture(autouse=True)
def forget_tries():
    _tries.clear()


def failed(capsys, check, **options) -> str:
    """Run one check that must fail, and return what the learner sees."""
    with pytest.raises(NotYet), checking("Task", **options) as c:
        check(c)
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (1, 1.00005),
        (torch.ones(2, 3, requires_grad=True), np.ones((2, 3))),
        (torch.ones(2, dtype=torch.bfloat16), [1, 1]),
        (math.inf, math.inf),
        (math.nan, math.nan),
        (1e9 + 1, 1e9),
    ],
)
def test_close_accepts(actual, expected, capsys):
    with checking("Task") as c:
        c.close(actual, expected, "the value")
    assert capsys.readouterr().out == "Task: the check passes\n  ✓ the value\n"


@pytest.mark.parametrize(
    ("actual", "expected", "said"),
    [
        (2, 1, "got 2, expected 1"),
        (1.001, 1, "got 1.001, expected 1"),
        (math.nan, 1, "got nan, expected 1"),
        (1, math.inf, "got 1, expected inf"),
        (-math.inf, math.inf, "got -inf, expected inf"),
        (torch.ones(3), 1, "got shape (3,), expected ()"),
        (torch.ones(3, 1), torch.ones(3), "got shape (3, 1), expected (3,)"),
        (None, 1, "does the function return its result?"),
        ("1", 1, "expected a number, got str '1'"),
        ([1, 5, 3, 9], [1, 2, 3, 4], "2 of 4 values differ; the furthest is at [3]: got 9, expected 4"),
        ([1, math.nan], [1, 2], "1 of 2 values differ; the furthest is at [1]: got nan, expected 2"),
    ],
)
def test_close_refuses(actual, expected, said, capsys):
    shown = failed(capsys, lambda c: c.close(actual, expected, "the value"))
    assert "0 of 1 checks pass" in shown
    assert "✗ the value" in shown
    assert said in shown


def test_equal_is_exact_and_knows_other_things_than_numbers(capsys):
    with checking("Task") as c:
        c.equal(torch.tensor([1, 2]), [1, 2], "integers")
        c.equal("hinge", "hinge", "a name")
        c.equal({"a": 1}, {"a": 1}, "a dict")
    assert "all 3 checks pass" in capsys.readouterr().out
    assert "got 1, expected 1" in failed(capsys, lambda c: c.equal(1 + 1e-9, 1, "the value"))
    assert "got 'hing', expected 'hinge'" in failed(capsys, lambda c: c.equal("hing", "hinge", "a name"))


def test_an_object_equal_to_everything_passes_nothing(capsys):
    class Sly:
        def __eq__(self, other):
            return True

        __hash__ = None

        def __array__(self, *_, **__):
            raise RuntimeError("no")

        def __repr__(self):
            raise RuntimeError("no")

    assert "got a Sly" in failed(capsys, lambda c: c.equal(Sly(), "hinge", "a name"))
    assert "expected a number" in failed(capsys, lambda c: c.close(Sly(), 1, "a number"))


def test_true_shape_and_raises(capsys):
    with checking("Task") as c:
        c.true(torch.tensor(True), "one truth")
        c.shape(torch.ones(5, 3, 8, 8), (..., 3, 8, 8), "images")
        c.raises(ValueError, lambda: int("x"), "refused")
    assert "all 3 checks pass" in capsys.readouterr().out
    assert "too small" in failed(capsys, lambda c: c.true(0, "large", "too small"))
    assert "expected one yes or no" in failed(capsys, lambda c: c.true(torch.ones(2) > 0, "all"))
    assert "got shape (2,), expected (any, 3)" in failed(capsys, lambda c: c.shape(torch.ones(2), (..., 3), "s"))
    assert "expected a tensor of shape (3)" in failed(capsys, lambda c: c.shape(3, (3,), "s"))
    assert "returned 3" in failed(capsys, lambda c: c.raises(ValueError, lambda: 3, "refused"))
    assert "got KeyError: 'k'" in failed(capsys, lambda c: c.raises(ValueError, lambda: {}["k"], "refused"))


def test_hints_grow_stronger_and_start_again_after_success(capsys):
    def attempt(answer):
        return failed(capsys, lambda c: c.close(answer, 1, "the value"), hints=["weak", "strong"])

    assert "Hint 1 of 2: weak" in attempt(2)
    assert "Hint 2 of 2: strong" in attempt(2)
    assert "Hint 2 of 2: strong" in attempt(2)
    with checking("Task", hints=["weak"]) as c:
        c.close(1, 1, "the value")
    assert "Hint" not in capsys.readouterr().out
    assert "weak" in attempt(2)


def test_a_known_mistake_gets_its_own_hint(capsys):
    mistakes = {"Take the mean, not the sum.": 6.0}
    check = lambda got: lambda c: c.close(got, 2, "the loss", mistakes=mistakes)  # noqa: E731
    hints = ["weak", "strong"]
    shown = [failed(capsys, check(6), hints=hints).splitlines()[-1].strip() for _ in range(4)]
    known = "Hint: Take the mean, not the sum."
    assert shown == [known, f"{known} weak", f"{known} strong", f"{known} strong"]
    assert "Take the mean" not in failed(capsys, check(7), hints=["weak"])
    _tries.clear()
    shown = [failed(capsys, check(6)).splitlines()[-1].strip() for _ in range(2)]
    assert shown == [known, known]


def test_an_answer_not_started_costs_no_hint(capsys):
    def unstarted():
        raise NotImplementedError

    shown = failed(capsys, lambda c: c.close(unstarted(), 1, "the value"), hints=["weak"])
    assert "Task: waiting for your answer" in shown
    assert "not started yet" in shown
    assert "weak" not in shown
    assert "Hint 1 of 1" in failed(capsys, lambda c: c.close(2, 1, "the value"), hints=["weak"])


@pytest.mark.parametrize(
    "check",
    [
        lambda c: c.predicted(..., 1, "the value", within=0.1),
        lambda c: c.close([1, ...], [1, 2], "the values"),
        lambda c: c.equal(..., 1, "the value"),
    ],
)
def test_a_prediction_not_made_costs_no_hint(check, capsys):
    shown = failed(capsys, check, hints=["weak"])
    assert "not started yet: replace `...` by your answer" in shown
    assert "weak" not in shown


def test_an_error_that_only_looks_like_a_stub_is_told(capsys):
    class Headless(torch.nn.Module):
        pass

    shown = failed(capsys, lambda c: c.close(Headless()(torch.ones(1)), 1, "the value"), hints=["weak"])
    assert "not started" not in shown
    assert 'missing the required "forward"' in shown
    assert "weak" in shown


def test_an_exception_points_at_the_learners_line(capsys):
    def answer(images):
        return images @ torch.ones(7)

    shown = failed(capsys, lambda c: c.close(answer(torch.ones(3)), 1, "the value"))
    assert "the checks could not finish" in shown
    assert "RuntimeError" in shown
    assert f"in {Path(__file__).name}, line" in shown
    assert "`return images @ torch.ones(7)`" in shown


def test_interrupts_and_authors_mistakes_are_not_hidden():
    with pytest.raises(KeyboardInterrupt), checking("Task"):
        raise KeyboardInterrupt
    with pytest.raises(ValueError, match="checks nothing"), checking("Task"):
        pass
    with pytest.raises(TypeError, match="list of strings"):
        checking("Task", hints="one")


def test_a_notebook_shows_html_and_a_traceback_of_one_line():
    cells = [
        "from minigan.course import checking\ndef answer(x):\n    y = 1\n    return y / x",
        "with checking('<Task>', hints=['weak']) as c:\n    c.close(answer(1), 2, 'the value')",
        "with checking('<Task>') as c:\n    c.close(answer(0), 2, 'the value')",
        "with checking('<Task>') as c:\n    c.close(answer(2), 0.5, 'the value')",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, allow_errors=True, extra_arguments=["--log-level=CRITICAL"]).execute()
    wrong, broken, right = (cell.outputs for cell in notebook.cells[1:])
    assert "&lt;Task&gt;" in wrong[0].data["text/html"]
    assert "got 1, expected 2" in wrong[0].data["text/html"]
    assert wrong[1].traceback == ["NotYet: <Task>: 0 of 1 checks pass"]
    assert "ZeroDivisionError: division by zero (in Cell In[1], line 4: `return y / x`)" in broken[0].data["text/plain"]
    assert "line 4: <code>return y / x</code>" in broken[0].data["text/html"]
    assert len(broken[1].traceback) == 1
    assert [output.output_type for output in right] == ["display_data"]


def test_importing_the_checks_does_not_import_torch():
    code = "import sys, minigan.course; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_prediction_is_told_its_misconception_and_not_the_answer(capsys):
    mistakes = {"Twice as much as you think.": 2.0}
    for right in (4, 4.05, torch.tensor([4.0]), np.float32(4)):
        with checking("Task") as c:
            c.predicted(right, 4.0, "as measured", 0.1, mistakes)
    shown = failed(capsys, lambda c: c.predicted(torch.tensor(2.0), 4.0, "as measured", 0.1, mistakes))
    assert "Hint: Twice as much" in shown
    assert "4" not in shown.split("checks pass")[1]
    for wrong in (None, "4", [4, 4], math.nan):
        assert "✗ as measured" in failed(capsys, lambda c, wrong=wrong: c.predicted(wrong, 4.0, "as measured", 0.1))


ALONE = """
import sys
import numpy, torch
from minigan.course import checking


def refuse(event, arguments):
    if event.startswith("socket."):
        raise RuntimeError(f"a check asked for a {event}")


sys.addaudithook(refuse)
for answer in (2, 1):
    try:
        with checking("Task", hints=["Half of it."]) as c:
            c.close(torch.tensor(answer), 1, "the value")
    except Exception as error:
        print(type(error).__name__)
"""


def test_a_check_needs_neither_server_nor_network(tmp_path):
    ran = subprocess.run([sys.executable, "-c", ALONE], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "Half of it." in ran.stdout and "the check passes" in ran.stdout
    assert "NotYet" in ran.stdout and "RuntimeError" not in ran.stdout + ran.stderr
