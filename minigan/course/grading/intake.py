"""From a folder or a zip of submissions to notebooks that may run: who handed in what, and what is refused and why.

Known are `STUDENT/NN_name/NN_name.ipynb`, `STUDENT/NN_name.ipynb`, `NN_name/STUDENT.ipynb`, `STUDENT_NN_name.ipynb`,
and the names that learning management systems make of these. Nothing of a submission is run or followed here.
"""

import os
import re
import stat
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from minigan.course.grading.roster import Student, find, safe

LARGEST = 20_000_000  # bytes of one notebook, with its pictures
TOTAL = 4_000_000_000  # bytes of all that a zip holds
MOST = 20_000  # files
AFTER = re.compile(r"([ _-]*(\(\d+\)|late|copy|attempt[ _-]?\d+|v?\d+))*$", re.IGNORECASE)  # what an LMS adds
LINK = "it is a link or a device, not a notebook"
MOODLE = re.compile(r"_\d+_assign\w*$", re.IGNORECASE)
SUBMISSION = re.compile(r"(_late)?_\d+$", re.IGNORECASE)


@dataclass(frozen=True)
class Entry:
    """One file among the submissions: where it stands, when it was written, and how to read it."""

    path: PurePosixPath
    when: float
    size: int
    source: Path  # the file, or the zip that holds it
    member: str = ""
    trouble: str = ""  # why it must not be read

    def read(self) -> bytes:
        """What the file holds, one byte more than allowed at most. Raises OSError or ValueError for a damaged one."""
        if self.member:
            try:
                with zipfile.ZipFile(self.source) as archive, archive.open(self.member) as packed:
                    return packed.read(LARGEST + 1)
            except (zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error) as error:
                raise ValueError(f"it cannot be unpacked ({error})") from error
        handle = os.open(self.source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            return file.read(LARGEST + 1)


@dataclass(frozen=True)
class Submission:
    """One student's notebook for one chapter."""

    student: str
    chapter: str
    entry: Entry
    refused: str = ""


@dataclass
class Intake:
    """What was found among the submissions."""

    submissions: list[Submission] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # what to tell the instructor
    names: dict[str, str] = field(default_factory=dict)  # student -> name, as far as known


def take_in(
    source: Path,
    chapters: Sequence[str],
    roster: Mapping[str, Student] | None = None,
    wanted: Sequence[str] | None = None,
) -> Intake:
    """Find the submissions in a folder or a zip; of several of one student for a chapter the newest counts.

    chapters: all exercises there are. wanted: those that are looked at; all by default.

    Raises OSError or ValueError for a source that cannot be read or holds none.
    """
    intake = Intake()
    found: dict[tuple[str, str], list[tuple[str, Entry]]] = defaultdict(list)
    for entry in _entries(source, intake.notes):
        placed = place(entry.path, chapters)
        if placed is None:
            intake.notes.append(f"{entry.path} belongs to no exercise; it was left out")
            continue
        label, chapter = placed
        if wanted is not None and chapter not in wanted:
            continue
        student = _who(label, roster)
        if student is None:
            intake.notes.append(f"{entry.path}: {label!r} is not in the roster, or fits several; it was left out")
            continue
        found[student, chapter].append((label, entry))
    for (student, chapter), candidates in sorted(found.items()):
        intake.submissions.append(_choose(student, chapter, candidates, roster is not None, intake.notes))
    if roster is not None:
        intake.names = {student.student: student.name for student in roster.values()}
        missing = [student for student in roster if not any(student == one for one, _ in found)]
        intake.notes += [f"{student} handed in nothing" for student in missing]
    if not intake.submissions:
        raise ValueError(f"{source} holds no submissions; expected files such as STUDENT/{chapters[0]}.ipynb")
    return intake


def place(path: PurePosixPath, chapters: Sequence[str]) -> tuple[str, str] | None:
    """Who handed in a file, as its path says it, and for which chapter; None where it says neither."""
    stem = path.stem
    folders = [part for part in path.parts[:-1] if part not in (".", "..")]
    chapter = next((name for name in chapters if re.search(rf"(^|[^a-z0-9]){re.escape(name)}(?![a-z0-9])", stem)), None)
    if chapter is not None:
        before = stem[: stem.index(chapter)].strip("_- ")
        while folders and folders[-1] in chapters:
            folders.pop()
        label = before or (folders[-1] if folders else "")
    else:
        chapter = next((part for part in reversed(folders) if part in chapters), None)
        label = AFTER.sub("", stem) or stem
    if chapter is None or not safe(label):
        return None
    return label, chapter


def _who(label: str, roster: Mapping[str, Student] | None) -> str | None:
    """The id of the student that a label means. Without a roster: the label, less what an LMS adds."""
    if roster is not None:
        student = find(label, roster.values())
        return student.student if student else None
    label = MOODLE.sub("", label)
    if len(re.findall(r"_\d+", label)) >= 2:  # Canvas: name, number of the person, number of the submission
        label = SUBMISSION.sub("", label)
    return safe(label)


def _choose(
    student: str, chapter: str, candidates: list[tuple[str, Entry]], known: bool, notes: list[str]
) -> Submission:
    """The newest of a student's files for a chapter; different people without a roster are kept apart."""
    newest = max((entry for _, entry in candidates), key=lambda entry: (entry.when, str(entry.path)))
    people = sorted({label for label, _ in candidates if MOODLE.search(label)})
    refused = newest.trouble
    if len(people) > 1 and not known:
        refused = f"{' and '.join(people)} may be different people; say who is who with --roster"
    elif len(candidates) > 1:
        notes.append(f"{student} handed in {len(candidates)} files for {chapter}; the newest counts: {newest.path}")
    if not refused and newest.size > LARGEST:
        refused = f"it has {newest.size / 1e6:.0f} MB, allowed are {LARGEST / 1e6:.0f}"
    return Submission(student, chapter, newest, refused)


def _entries(source: Path, notes: list[str]) -> Iterator[Entry]:
    """All notebooks in a folder or a zip, links named but not followed."""
    if not source.exists():
        raise FileNotFoundError(f"{source} does not exist; check the path")
    if source.is_dir():
        yield from _of_folder(source, source)
    elif source.is_file() and zipfile.is_zipfile(source):
        yield from _of_zip(source, notes)
    else:
        raise ValueError(f"{source} is neither a folder nor a zip; name the folder of submissions, or the zip of it")


def _of_folder(top: Path, folder: Path) -> Iterator[Entry]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "__MACOSX")):
            continue
        facts = path.lstat()
        if stat.S_ISDIR(facts.st_mode):
            yield from _of_folder(top, path)
        elif path.suffix.lower() == ".ipynb" or (stat.S_ISLNK(facts.st_mode) and path.suffix == ""):
            trouble = "" if stat.S_ISREG(facts.st_mode) else LINK
            name = PurePosixPath(path.relative_to(top).as_posix())
            yield Entry(name, facts.st_mtime, facts.st_size, path, trouble=trouble)


def _of_zip(source: Path, notes: list[str]) -> Iterator[Entry]:
    with zipfile.ZipFile(source) as archive:
        members = archive.infolist()
    if len(members) > MOST or sum(member.file_size for member in members) > TOTAL:
        raise ValueError(f"{source} holds too much: {len(members)} files; unpack it and hand in the folder")
    for member in members:
        path = PurePosixPath(member.filename)
        if member.is_dir() or path.suffix.lower() != ".ipynb" or path.name.startswith("."):
            continue
        if "__MACOSX" in path.parts:
            continue
        if path.is_absolute() or ".." in path.parts or "\\" in member.filename:
            notes.append(f"{member.filename!r} leads out of the zip; it was left out")
            continue
        trouble = LINK if stat.S_ISLNK(member.external_attr >> 16) else ""
        yield Entry(path, _zip_time(member), member.file_size, source, member.filename, trouble)


def _zip_time(member: zipfile.ZipInfo) -> float:
    """The time that a zip says, as a number that sorts."""
    year, month, day, hour, minute, second = member.date_time
    return ((((year * 12 + month) * 31 + day) * 24 + hour) * 60 + minute) * 60.0 + second
