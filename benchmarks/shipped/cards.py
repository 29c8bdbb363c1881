"""What the model cards of all shipped networks share."""

from collections.abc import Mapping
from typing import Any


def in_words(settings: Mapping[str, Any]) -> str:
    """Settings in a line: {"batch": 32, "augment": ()} -> "`batch` 32, `augment` none"."""
    return ", ".join(f"`{name}` {written(value)}" for name, value in settings.items())


def written(value: Any) -> str:
    """A setting's value as a reader expects it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return " + ".join(f"{weight:g} {term}" for term, weight in value.items()) or "all 1"
    if isinstance(value, tuple | list):
        return " and ".join(map(written, value)) or "none"
    return f"{value:,}" if isinstance(value, int) else str(value)
