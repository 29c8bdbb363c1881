"""Live progress of a training run: a line in a terminal, one picture redrawn in place in a notebook. No widgets.

Shown in no chapter: it is the display of `train.fit`.
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


class Progress:
    """Shows a `TrainState` while it trains: `update` after each look at the losses."""

    def __init__(self, state: TrainState, title: str, quiet: bool = False, patience: float = 4.0):
        self.state, self.title, self.patience = state, title, patience
        self.in_notebook = get_ipython() is not None and not quiet
        self.bar = None if quiet or self.in_notebook else self._bar()
        self.handle: Any = None
        self.drawn = self.began = time.monotonic()
        self.first = state.seen

    def _bar(self) -> tqdm[None]:
        """tqdm on a terminal; in a log file a line each half minute."""
        interval = 0.5 if sys.stderr.isatty() else 30.0
        total, seen = self.state.config.images, self.state.seen
        return tqdm(
            total=total,
            initial=seen,
            unit=" images",
            unit_scale=True,
            desc=self.title,
            mininterval=interval,
            miniters=1,
        )

    def __enter__(self) -> Progress:
        return self

    def update(self) -> None:
        """Show the newest losses. The picture is redrawn at most every `patience` seconds."""
        if self.bar is not None:
            newest = self.state.history[-1]
            skipped = ("images", "seconds")
            losses = {name: f"{value:.2f}" for name, value in newest.items() if name not in skipped}
            self.bar.set_postfix(losses, refresh=False)
            self.bar.update(self.state.seen - self.bar.n)
        elif self.in_notebook and time.monotonic() - self.drawn > self.patience:
            self._draw()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.close()
        if self.in_notebook and self.state.history:
            self._draw()

    def _draw(self) -> None:
        picture = plot.training(self.state.history, self._samples(), f"{self.title}: {self._headline()}")
        if self.handle is None:
            self.handle = display(picture, display_id=True)
        else:
            self.handle.update(picture)
        self.drawn = time.monotonic()

    def _samples(self) -> Any:
        return self.state.sample() if hasattr(self.state.generator, "latents") else None

    def _headline(self) -> str:
        seen, total = self.state.seen, self.state.config.images
        spent = f"{seen:,} images in {self.state.seconds:.0f} s"
        if seen >= total:
            return spent
        left = (time.monotonic() - self.began) / max(seen - self.first, 1) * (total - seen)
        return f"{spent}, about {left:.0f} s left"
