"""How much a chapter computes: seconds in a test, minutes on a laptop, everything on a GPU."""

import os
from typing import TypeVar

from minigan.names import known

SCALES = ("quick", "cpu", "full")

Choice = TypeVar("Choice")


def scale() -> str:
    """Return "quick", "cpu" or "full": what MINIGAN_SCALE says.

    When it says "auto" or nothing: "full" where there is an accelerator, else "cpu". Raises ValueError for the rest.
    """
    wanted = os.environ.get("MINIGAN_SCALE") or "auto"
    wanted = known(wanted, (*SCALES, "auto"), "MINIGAN_SCALE")
    if wanted in SCALES:
        return wanted
    from minigan.hardware import device  # here, because it imports torch, and a scale that is set needs none

    return "cpu" if device().type == "cpu" else "full"


def pick(*, quick: Choice, cpu: Choice, full: Choice) -> Choice:
    """Return the value that belongs to this machine's scale: `steps = pick(quick=3, cpu=400, full=20_000)`."""
    return {"quick": quick, "cpu": cpu, "full": full}[scale()]
