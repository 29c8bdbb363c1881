"""Live progress of a training run: a bar in a terminal, lines in a log, one picture redrawn in place in a notebook.

No widgets. Shown in no chapter: it is the display of `train.fit`.
"""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

from IPython.core.getipython import get_ipython
from IPython.display import display
from tqdm import tqdm

from minigan import plot

if TYPE_CHECKING:
    from minigan.train import TrainState

PATIENCE = {"picture": 4.0, "bar": 0.0, "line": 30.0, "nothing": 0.0}  # seconds between two shows; tqdm has its own


class Progress:
    """Shows a `TrainState` while it trains: `update` after each look at the losses."""

    def __init__(self, state: TrainState, title: str, quiet: bool = False, patience: float | None = None):
        self.state, self.title = state, title
        self.how = "nothing" if quiet else place()
        self.patience = PATIENCE[self.how] if patience is None else patience
        self.shown = self.began = time.monotonic()
        self.first = state.seen
        self.handle: Any = None
        self.bar: Any = None
        if self.how == "bar":
            total = state.config.images
            options: dict[str, Any] = {"unit": " images", "unit_scale": True, "file": sys.stderr}
            self.bar = tqdm(total=total, initial=state.seen, desc=title, **options)

    def __enter__(self) -> Progress:
        return self

    def update(self) -> None:
        """Show the newest losses, at most every `patience` seconds."""
        if time.monotonic() - self.shown >= self.patience:
            self._show()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.state.history:
            self._show()
        if self.bar is not None:
            self.bar.close()

    def _show(self) -> None:
        if self.how == "bar":
            self.bar.set_postfix_str(self._losses(), refresh=False)
            self.bar.update(self.state.seen - self.bar.n)
        elif self.how == "line":
            print(f"{self.title}: {self._headline()}: {self._losses()}", file=sys.stderr, flush=True)
        elif self.how == "picture":
            self._draw()
        self.shown = time.monotonic()

    def _draw(self) -> None:
        picture = plot.training(self.state.history, self._samples(), f"{self.title}: {self._headline()}")
        if self.handle is None:
            self.handle = display(picture, display_id=True)
        else:
            self.handle.update(picture)

    def _samples(self) -> Any:
        return self.state.sample() if hasattr(self.state.generator, "latents") else None

    def _losses(self) -> str:
        newest = self.state.history[-1]
        return ", ".join(f"{name} {value:.2f}" for name, value in newest.items() if name not in ("images", "seconds"))

    def _headline(self) -> str:
        seen, total = self.state.seen, self.state.config.images
        spent = f"{seen:,} images in {self.state.seconds:.0f} s"
        if seen >= total:
            return spent
        left = (time.monotonic() - self.began) / max(seen - self.first, 1) * (total - seen)
        return f"{spent}, about {left:.0f} s left"


def place() -> str:
    """What can be shown here: a picture in a notebook, a bar in a terminal, lines in a log."""
    if hasattr(get_ipython(), "kernel"):  # IPython in a terminal has none
        return "picture"
    return "bar" if sys.stderr.isatty() else "line"
