"""Names that people type: found whatever their capitals, or the nearest offered; and what may be said of them.

Shown in no chapter: it is about spelling, and needs neither pictures nor networks, so that a command which only looks
a name up starts at once.
"""

import difflib
from collections.abc import Iterable


def known(name: str, names: Iterable[str], what: str) -> str:
    """`name` as it stands in `names`, whatever its capitals; otherwise a `ValueError` that offers the nearest."""
    names = list(names)
    spelled = {candidate.lower(): candidate for candidate in names}
    if name.lower() in spelled:
        return spelled[name.lower()]
    close = [spelled[match] for match in difflib.get_close_matches(name.lower(), spelled, cutoff=0.5)]
    offer = f"did you mean {' or '.join(map(repr, close))}?" if close else f"choose one of {', '.join(names)}"
    raise ValueError(f"{what} {name!r} is not known; {offer}")


def one_line(said: str) -> str:
    """A text in one line without what a terminal would obey: names of files may hold anything."""
    return "".join(letter if letter.isprintable() else "?" for letter in " ".join(said.split()))
