"""Checks that a learner runs on an answer: ticks, crosses, the line to look at, and a stronger hint at each try.

    with checking("Generator loss", hints=["Which label should the generator's images get?"]) as c:
        c.close(generator_loss(torch.zeros(4)), math.log(2), "undecided logits cost log 2")

A check that fails raises `NotYet`, so that the cell errs for a grader too, but its traceback is one line.
"""

import html
import linecache
import math
import re
import sys
import sysconfig
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import EllipsisType, TracebackType
from typing import Any, Self

import numpy as np

from minigan.course import journal

_tries: dict[str, int] = {}  # failed tries in this session, by title


class NotYet(Exception):
    """An answer does not pass its checks yet. A notebook shows it in one line."""

    def _render_traceback_(self) -> list[str]:  # IPython prints this in place of a traceback
        return [f"{type(self).__name__}: {self}"]


class _Blank(NotImplementedError):
    """What is checked is still the `...` that was handed out."""


@dataclass(frozen=True)
class Row:
    """One check: what was expected, whether it held, and what was found instead."""

    what: str
    passed: bool
    found: str = ""


@dataclass
class Report:
    """All checks of one answer, as text and as HTML."""

    title: str
    rows: list[Row]
    hint: str = ""
    stopped: bool = False  # an exception ended the checks early
    unstarted: bool = False  # the answer is still what was handed out

    @property
    def headline(self) -> str:
        passed = sum(row.passed for row in self.rows)
        if passed == len(self.rows):
            return f"{self.title}: {'the check passes' if passed == 1 else f'all {passed} checks pass'}"
        if self.unstarted:
            return f"{self.title}: waiting for your answer"
        if self.stopped:
            return f"{self.title}: the checks could not finish"
        return f"{self.title}: {passed} of {len(self.rows)} checks pass"

    def __repr__(self) -> str:
        lines = [self.headline]
        for row in self.rows:
            lines.append(f"  {'✓' if row.passed else '✗'} {row.what}")
            if row.found and not row.passed:
                lines.append(f"      {row.found}")
        return "\n".join([*lines, f"  {self.hint}"] if self.hint else lines)

    def _repr_html_(self) -> str:
        items = []
        for row in self.rows:
            mark, colour = ("✓", "--jp-success-color0, #1b5e20") if row.passed else ("✗", "--jp-error-color1, #c62828")
            found = f'<br><span style="margin-left:1.4em">{_as_html(row.found)}</span>' if row.found else ""
            items.append(
                f'<li style="list-style:none"><span style="color:var({colour});font-weight:bold">{mark}</span> '
                f"{_as_html(row.what)}{'' if row.passed else found}</li>"
            )
        hint = f'<p style="margin:.4em 0 0 0"><em>{_as_html(self.hint)}</em></p>' if self.hint else ""
        rows = f'<ul style="margin:.2em 0;padding-left:.6em">{"".join(items)}</ul>'
        return f"<div><strong>{_as_html(self.headline)}</strong>{rows}{hint}</div>"


def _as_html(text: str) -> str:
    """A line of a report, in which code stands between backticks."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


class checking:  # read as a statement: `with checking("Generator loss") as c`
    """Collect the checks of one answer, and show them when the block ends.

    hints: from weak to strong; each failed try shows the next one. A check can also know a common mistake, by the value
    that it gives: `mistakes={"Take the mean over the batch, not the sum.": 5.54}` shows that hint to whoever gets 5.54;
    or by failing at all: `hint="The gradient must not reach D."`. The first mistake that is known is the one told; the
    hints join it from the second try on.
    In the folder of an exercise the result is kept for `minigan progress`.
    """

    def __init__(self, title: str, hints: Sequence[str] = ()) -> None:
        if isinstance(hints, str):
            raise TypeError(f"hints is the string {hints!r}; give a list of strings, from weak to strong")
        self.title, self.hints = title, list(hints)
        self.rows: list[Row] = []
        self.known_mistake = ""

    def __enter__(self) -> Self:
        return self

    def true(self, condition: object, what: str, otherwise: str = "", hint: str = "") -> None:
        """`condition` holds; `otherwise` says what is wrong when it does not."""
        try:
            passed = bool(condition)
        except (ValueError, TypeError, RuntimeError):  # an array of several truths
            passed, otherwise = False, f"expected one yes or no, got {_short(condition)}"
        self._add(Row(what, passed, otherwise), hint)

    def equal(
        self,
        actual: object,
        expected: object,
        what: str,
        mistakes: Mapping[str, object] | None = None,
        hint: str = "",
    ) -> None:
        """`actual` equals `expected`, exactly; arrays and tensors element by element."""
        self._compare(actual, expected, what, mistakes, hint, tolerance=0.0)

    def close(
        self,
        actual: object,
        expected: object,
        what: str,
        tolerance: float = 1e-4,
        mistakes: Mapping[str, object] | None = None,
        hint: str = "",
    ) -> None:
        """`actual`, a number or an array or a tensor, has the shape of `expected` and the same values.

        They may differ by `tolerance`, absolute or relative to `expected`.
        """
        self._compare(actual, expected, what, mistakes, hint, tolerance)

    def predicted(
        self,
        prediction: object,
        measured: float,
        what: str,
        within: float,
        mistakes: Mapping[str, float] | None = None,
    ) -> None:
        """`prediction` is one number, less than `within` from what was measured; the report keeps that back."""
        _refuse_blank(prediction)
        numbers = _numbers(prediction)
        if numbers is None or numbers.size != 1:
            self._add(Row(what, False, f"expected a number, got {_kind(prediction)}"))
            return
        guess = float(numbers.reshape(()))
        passed = abs(guess - measured) < within  # this way round, nan is wrong
        known = [mistake for mistake, wrong in (mistakes or {}).items() if abs(guess - wrong) < within]
        found = f"running gives another number than {_number(guess)}"
        self._add(Row(what, passed, found), next(iter(known), ""))

    def shape(self, actual: object, expected: Sequence[int | EllipsisType], what: str, hint: str = "") -> None:
        """`actual` has the shape `expected`, in which `...` stands for any one length: `(..., 3, 64, 64)`."""
        wanted = "(" + ", ".join("any" if n is ... else str(n) for n in expected) + ")"
        got = getattr(actual, "shape", None)
        if got is None:
            found = f"expected a tensor of shape {wanted}, got {_kind(actual)}"
            self._add(Row(what, False, found), hint)
            return
        passed = len(got) == len(expected) and all(e is ... or n == e for n, e in zip(got, expected, strict=True))
        self._add(Row(what, passed, f"got shape {tuple(got)}, expected {wanted}"), hint)

    def raises(self, error: type[Exception], call: Callable[[], object], what: str, hint: str = "") -> None:
        """`call()` raises `error`: `c.raises(ValueError, lambda: generator(bad), "a wrong shape is refused")`."""
        try:
            result = call()
        except error:
            self._add(Row(what, True))
        except Exception as other:
            found = f"expected {error.__name__}, got {type(other).__name__}: {other}"
            self._add(Row(what, False, found), hint)
        else:
            self._add(Row(what, False, f"expected {error.__name__}, but it returned {_short(result)}"), hint)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is not None and not isinstance(error, Exception):
            return False  # Ctrl-C and exit are no answers
        unstarted = bool(_left_blank(error))
        if error is not None:
            self.rows.append(_row_of(error, trace))
        elif not self.rows:
            raise ValueError(f"the block of checking({self.title!r}) checks nothing; call c.close, c.equal or another")
        if all(row.passed for row in self.rows):
            _tries.pop(self.title, None)
            journal.record(self.title, solved=True)
            _show(Report(self.title, self.rows))
            return True
        if not unstarted:
            journal.record(self.title, solved=False)
        hint = "" if unstarted else self._next_hint()
        report = Report(self.title, self.rows, hint, stopped=error is not None, unstarted=unstarted)
        _show(report)
        raise NotYet(report.headline) from None

    def _compare(
        self,
        actual: object,
        expected: object,
        what: str,
        mistakes: Mapping[str, object] | None,
        hint: str,
        tolerance: float,
    ) -> None:
        _refuse_blank(actual)
        found = _difference(actual, expected, tolerance)
        known = [
            mistake
            for mistake, wrong in (mistakes or {}).items()
            if found and not _difference(actual, wrong, tolerance)
        ]
        self._add(Row(what, not found, found), next(iter(known), hint))

    def _add(self, row: Row, hint: str = "") -> None:
        """Keep a check; the first that fails and knows why gives the hint."""
        self.rows.append(row)
        if not row.passed and not self.known_mistake:
            self.known_mistake = hint

    def _next_hint(self) -> str:
        tried = _tries[self.title] = _tries.get(self.title, 0) + 1
        if self.known_mistake:
            more = f" {self.hints[min(tried - 1, len(self.hints)) - 1]}" if tried > 1 and self.hints else ""
            return f"Hint: {self.known_mistake}{more}"
        if not self.hints:
            return ""
        number = min(tried, len(self.hints))
        return f"Hint {number} of {len(self.hints)}: {self.hints[number - 1]}"


def _difference(actual: object, expected: object, tolerance: float) -> str:
    """Say how `actual` differs from `expected`; an empty string when it does not."""
    wanted = _numbers(expected)
    if wanted is None:
        same = type(expected) is type(actual) and expected == actual
        return "" if same else f"got {_short(actual)}, expected {_short(expected)}"
    got = _numbers(actual)
    if got is None:
        return f"expected {'a number' if wanted.ndim == 0 else 'numbers'}, got {_kind(actual)}"
    if got.shape != wanted.shape:
        return f"got shape {got.shape}, expected {wanted.shape}"
    with np.errstate(invalid="ignore"):  # inf - inf; such elements are compared by equality
        gap = np.where((got == wanted) | (np.isnan(got) & np.isnan(wanted)), 0.0, np.abs(got - wanted))
        limit = tolerance * np.maximum(1.0, np.where(np.isfinite(wanted), np.abs(wanted), 0.0))
    wrong = ~(gap <= limit)  # this way round, nan is wrong
    if not wrong.any():
        return ""
    if wanted.ndim == 0:
        return f"got {_number(got)}, expected {_number(wanted)}"
    worst = np.unravel_index(np.argmax(np.where(wrong, np.nan_to_num(gap, nan=np.inf), -1.0)), gap.shape)
    place = ", ".join(str(int(i)) for i in worst)
    share = f"{int(wrong.sum())} of {wrong.size} values differ; the furthest is at [{place}]"
    return f"{share}: got {_number(got[worst])}, expected {_number(wanted[worst])}"


def _numbers(value: object) -> np.ndarray | None:
    """Return the numbers in a tensor, array, list or number as float64; None where there are none."""
    if value is None or isinstance(value, str | bytes):
        return None  # numpy would read None as nan and "1" as 1
    try:
        if hasattr(value, "detach"):  # a tensor; by its methods, so that this file needs no torch
            value = value.detach().cpu().double().numpy()
        return np.asarray(value, dtype=np.float64)
    except Exception:  # an object of the learner's can raise anything here
        return None


def _number(value: Any) -> str:
    number = float(value)
    return str(int(number)) if math.isfinite(number) and number == int(number) else f"{number:.6g}"


def _kind(value: object) -> str:
    return "None; does the function return its result?" if value is None else f"{type(value).__name__} {_short(value)}"


def _short(value: object, length: int = 80) -> str:
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a broken __repr__ of the learner's
        text = f"a {type(value).__name__}"
    return text if len(text) <= length else text[: length - 1] + "…"


def _refuse_blank(value: object) -> None:
    """Raise _Blank for the `...` of a task, alone or among the values of a list."""
    if value is ... or (isinstance(value, list | tuple) and any(item is ... for item in value)):
        raise _Blank


def _left_blank(error: BaseException | None) -> str:
    """What stands in an answer that was not begun, by the error that it gave; an empty text for any other error.

    An error with a message, such as that of a module without `forward`, comes from code that was begun.
    """
    if isinstance(error, _Blank):
        return "..."
    return "raise NotImplementedError" if isinstance(error, NotImplementedError) and not error.args else ""


def _row_of(error: Exception, trace: TracebackType | None) -> Row:
    """Turn an exception from the learner's code into a failed check that points at the line."""
    if left := _left_blank(error):
        return Row("the answer is written", False, f"not started yet: replace `{left}` by your answer")
    found = f"{type(error).__name__}: {error}"
    if isinstance(error, NameError):
        found += "; run the cell that defines it first"
    return Row("your code runs", False, found + _place(trace))


def _place(trace: TracebackType | None) -> str:
    """Name the deepest line that the learner wrote: not the library's, not Python's."""
    frames = [f for f in traceback.extract_tb(trace) if _is_learners(f.filename)]
    if not frames:
        return ""
    last = frames[-1]
    line = (last.line or linecache.getline(last.filename, last.lineno or 0)).strip()
    return f" (in {_cell_name(last.filename)}, line {last.lineno}: `{line}`)"


def _is_learners(filename: str) -> bool:
    if filename.startswith("<frozen"):
        return False
    paths = sysconfig.get_paths()
    ours = [Path(__file__).parents[1], *(Path(paths[key]) for key in ("stdlib", "platstdlib", "purelib", "platlib"))]
    return not any(Path(filename).is_relative_to(folder) for folder in ours)


def _cell_name(filename: str) -> str:
    """Return "Cell In[3]" for the temporary file of a notebook cell, the file's name for any other."""
    shell = _shell()
    named = shell.compile.format_code_name(filename) if shell is not None else None
    return " ".join(named).replace("Cell In ", "Cell In") if named else Path(filename).name


def _shell() -> Any:
    """Return the running IPython shell, or None; IPython is not imported for it."""
    return sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None


def _show(report: Report) -> None:
    if _shell() is None:
        print(report)
        return
    from IPython.display import display

    display(report)
