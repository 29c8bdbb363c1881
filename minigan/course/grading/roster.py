"""Who takes the course: a CSV with the columns `student` (or `id`), `name` and `email`."""

import csv
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

HEADS = {
    "student": ("student", "id", "student id", "student_id"),
    "name": ("name",),
    "email": ("email", "e-mail", "mail"),
}
LONGEST = 60  # characters of an id


@dataclass(frozen=True)
class Student:
    """One line of a roster."""

    student: str
    name: str = ""
    email: str = ""


def read_roster(path: Path) -> dict[str, Student]:
    """The students of a CSV by their ids; separated by commas or semicolons. Raises ValueError that says why."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} is no file; name the CSV with the students")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not a text in UTF-8; save it again as CSV UTF-8") from None
    head = text.partition("\n")[0]
    try:
        rows = list(csv.reader(text.splitlines(), delimiter=";" if head.count(";") > head.count(",") else ","))
    except csv.Error as error:
        raise ValueError(f"{path} is not a CSV ({error}); save it again as CSV UTF-8") from None
    heads = [cell.strip().lower() for cell in rows[0]] if rows else []
    places = {key: next((heads.index(head) for head in known if head in heads), None) for key, known in HEADS.items()}
    if places["student"] is None:
        raise ValueError(f"{path} has the columns {', '.join(heads) or 'none'}, expected student (or id), name, email")
    students: dict[str, Student] = {}
    for number, row in enumerate(rows[1:], 2):
        if not any(cell.strip() for cell in row):
            continue
        values = {
            key: row[place].strip() if place is not None and place < len(row) else "" for key, place in places.items()
        }
        student = values["student"]
        if not student or student != safe(student):
            raise ValueError(
                f"{path}, line {number}: the id {student!r} cannot name a folder; use letters, digits, - and _"
            )
        if values["student"] in students:
            raise ValueError(f"{path}, line {number}: the id {values['student']!r} stands twice")
        students[values["student"]] = Student(**values)
    return students


def safe(label: str) -> str:
    """A label as an id that can name a folder everywhere: letters of any language, digits, and . _ @ - inside."""
    text = unicodedata.normalize("NFC", label).strip()
    text = re.sub(r"[^\w.@-]+", "_", text).strip("._-@ ")
    return text[:LONGEST].rstrip("._-@ ")


def find(label: str, students: Iterable[Student]) -> Student | None:
    """The student that a label means: by the id, as a whole or between separators; then by the name, in any order.

    None where nobody or more than one fits.
    """
    students = list(students)
    whole = [student for student in students if student.student.casefold() == label.casefold()]
    parts = re.split(r"[\s_,;()]+", label.casefold())
    within = [student for student in students if student.student.casefold() in parts]
    letters, joined = _letters(label), re.sub(r"[\W\d_]+", "", _plain(label))
    with_names = [student for student in students if student.name]
    named = [student for student in with_names if _letters(student.name) <= letters]
    glued = [student for student in with_names if any("".join(order) in joined for order in _orders(student.name))]
    for found in (whole, within, named, glued):
        if len(found) == 1:
            return found[0]
    return None


def _orders(name: str) -> list[list[str]]:
    """A name's parts as they stand, and with the last one first: an LMS writes `lovelaceada`."""
    parts = _plain(name).split()
    return [parts, parts[-1:] + parts[:-1]]


def _letters(label: str) -> set[str]:
    return {part for part in re.split(r"[\W\d_]+", _plain(label)) if part}


def _plain(text: str) -> str:
    """Lower case, accents taken off."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))
