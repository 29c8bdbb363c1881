"""Live progress of a training run: a bar in a terminal, lines in a log, one picture redrawn in place in a notebook.

No widgets. Shown in no chapter: it is the display of `train.fit`.
"""

import sys
import time
from types import TracebackType
from typing import Any, Protocol, Self

from IPython.display import display
from torch import Tensor
from tqdm import tqdm

from minigan import plot

PATIENCE = {"picture": 4.0, "bar": 0.0, "line": 30.0, "nothing": 0.0}  # seconds between two shows; tqdm has its own


class Run(Protocol):
    """What is shown of a training run. `train.TrainState` is one."""

    config: Any  # with `images`, when training ends
    generator: Any
    history: list[dict[str, float]]
    seen: int
    seconds: float

    def sample(self) -> Tensor: ...


class Progress:
    """Shows a run while it trains: `update` after each look at the losses."""

    def __init__(self, run: Run, title: str, quiet: bool = False, patience: float | None = None):
        self.run, self.title = run, title
        self.how = "nothing" if quiet else place()
        self.patience = PATIENCE[self.how] if patience is None else patience
        self.shown = self.began = time.monotonic()
        self.first = run.seen
        self.handle: Any = None
        self.bar: Any = None
        if self.how == "bar":
            options: dict[str, Any] = {"unit": " images", "unit_scale": True, "file": sys.stderr}
            self.bar = tqdm(total=run.config.images, initial=run.seen, desc=title, **options)

    def __enter__(self) -> Self:
        return self

    def update(self) -> None:
        """Show the newest losses, at most every `patience` seconds."""
        if time.monotonic() - self.shown >= self.patience:
            self._show()

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None) -> None:
        if self.run.history:
            self._show()
        if self.bar is not None:
            self.bar.close()

    def _show(self) -> None:
        title = f"{self.title}: {headline(self.run, time.monotonic() - self.began, self.first)}"
        if self.how == "bar":
            self.bar.set_postfix_str(newest_losses(self.run), refresh=False)
            self.bar.update(self.run.seen - self.bar.n)
        elif self.how == "line":
            print(f"{title}: {newest_losses(self.run)}", file=sys.stderr, flush=True)
        elif self.how == "picture":
            self.handle = redraw(self.handle, self.run, title)
        self.shown = time.monotonic()


def place() -> str:
    """What can be shown here: a picture in a notebook, a bar in a terminal, lines in a log."""
    if plot.in_notebook():
        return "picture"
    return "bar" if sys.stderr.isatty() else "line"


def redraw(handle: Any, run: Run, title: str) -> Any:
    """Draw the run where it was drawn before, or for the first time. Returns the place."""
    samples = run.sample() if hasattr(run.generator, "latents") else None
    picture = plot.training(run.history, samples, title)
    if handle is None:
        return display(picture, display_id=True)
    handle.update(picture)
    return handle


def headline(run: Run, spent: float, first: int) -> str:
    """How far the run is, and how long it will take at the pace since image `first`, `spent` seconds ago."""
    seen, total = run.seen, run.config.images
    so_far = f"{seen:,} images in {run.seconds:.0f} s"
    if seen >= total:
        return so_far
    return f"{so_far}, about {spent / max(seen - first, 1) * (total - seen):.0f} s left"


def newest_losses(run: Run) -> str:
    """The last entry of the history in words."""
    named = ((name, value) for name, value in run.history[-1].items() if name not in ("images", "seconds"))
    return ", ".join(f"{name} {value:.2f}" for name, value in named)
