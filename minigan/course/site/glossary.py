"""The glossary: what `docs/glossary.md` holds, and the first use of each term in a text.

A term is a heading of the second level. Comments under it say in which forms it stands in the texts:

    ## mode collapse
    <!-- also: collapse, collapsed -->       other forms; a plural in s is found anyway
    <!-- only: modes -->                     these forms as they stand, and no others
    <!-- chapters: 03-12 -->                 where the word means this; everywhere when nothing is said

    A generator that puts nearly all samples on one mode ...
"""

import re
from dataclasses import dataclass
from functools import cached_property

HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
COMMENT = re.compile(r"^<!-- (also|only|chapters): (.+) -->\n", re.MULTILINE)


@dataclass(frozen=True)
class Term:
    """A term, the forms in which it is found, the chapters that use it so, and what the glossary says."""

    name: str
    forms: tuple[str, ...]
    exact: bool  # the forms as they stand, without a plural
    chapters: tuple[int, int]  # first and last
    text: str

    def used_in(self, chapter: int) -> bool:
        """Whether the word means this in a chapter."""
        return self.chapters[0] <= chapter <= self.chapters[1]

    @property
    def anchor(self) -> str:
        """The id of its heading."""
        plain = self.name.lower().translate(str.maketrans("éä", "ea"))
        return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")

    @property
    def first_sentence(self) -> str:
        """For the little window that a pointer opens: without marks and links."""
        text = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", self.text.replace("\n", " "))
        return re.split(r"(?<=[.:])\s", re.sub(r"[*`$\\]", "", text), maxsplit=1)[0].strip().rstrip(":")

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Finds the term in one of its forms. The first letter may be a capital, spaces may be line breaks."""
        return re.compile("|".join(spelled(form, self.exact) for form in sorted(self.forms, key=len, reverse=True)))


def spelled(form: str, exact: bool) -> str:
    """A pattern for one form."""
    words = re.escape(form).replace(r"\ ", r"\s+")
    if form[0].islower():
        words = f"[{form[0]}{form[0].upper()}]{words[1:]}"
    return rf"(?<![\w-]){words}{'' if exact else '(?:s|es)?'}(?![\w-])"


def read(text: str) -> list[Term]:
    """The terms of the glossary. Raises ValueError for a file without any, and for a form that is there twice."""
    pieces = HEADING.split(text)[1:]
    terms = [term(name.strip(), body) for name, body in zip(pieces[::2], pieces[1::2], strict=True)]
    if not terms:
        raise ValueError("docs/glossary.md has no terms; a term is a line '## name', with its text below")
    seen: dict[str, str] = {}
    for found in terms:
        for form in found.forms:
            if form in seen:
                raise ValueError(
                    f"docs/glossary.md has the form {form!r} under {seen[form]!r} and {found.name!r}; drop one"
                )
            seen[form] = found.name
    return terms


def term(name: str, body: str) -> Term:
    """One term from the text under its heading."""
    said = {key: [form.strip() for form in forms.split(",")] for key, forms in COMMENT.findall(body)}
    forms = said.get("only") or [name, *said.get("also", [])]
    first, last = said.get("chapters", ["00-99"])[0].split("-")
    return Term(name, tuple(forms), "only" in said, (int(first), int(last)), COMMENT.sub("", body).strip())


def first_uses(text: str, terms: list[Term]) -> list[tuple[int, int, Term]]:
    """Where terms stand in a text for the first time: (start, end, term), in order, none inside of another.

    Where two begin at one place the longer one is taken: "mode collapse" is no use of "mode".
    """
    open_terms, uses, place = list(terms), [], 0
    while open_terms:
        found = [
            (match.start(), -match.end(), term) for term in open_terms if (match := term.pattern.search(text, place))
        ]
        if not found:
            break
        start, end, term = min(found, key=lambda use: use[:2])
        uses.append((start, -end, term))
        open_terms.remove(term)
        place = -end
    return uses
