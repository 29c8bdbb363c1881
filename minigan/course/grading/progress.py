"""How far a batch is: a bar in a terminal, a line now and then in a log, each with the time that is left."""

import sys
import time
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm

PATIENCE = 15.0  # seconds between two lines in a log


class Progress:
    """Counts submissions on stderr."""

    def __init__(self, total: int) -> None:
        self.total, self.done = total, 0
        self.began = self.shown = time.monotonic()
        self.bar: Any = None
        if total and sys.stderr.isatty():
            self.bar = tqdm(total=total, unit=" submissions", desc="grading", file=sys.stderr)

    def __enter__(self) -> Self:
        return self

    def step(self, what: str) -> None:
        """One more is done."""
        self.done += 1
        if self.bar is not None:
            self.bar.set_postfix_str(what, refresh=False)
            self.bar.update()
            return
        now = time.monotonic()
        if now - self.shown >= PATIENCE or self.done == self.total:
            left = (now - self.began) / self.done * (self.total - self.done)
            rest = f", about {left:.0f} s left" if self.done < self.total else ""
            print(f"{self.done} of {self.total} submissions graded{rest}", file=sys.stderr, flush=True)
            self.shown = now

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None) -> None:
        if self.bar is not None:
            self.bar.close()
