"""What became of each submission, kept in OUT so that a rerun knows what is done."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from minigan.files import whole_file

STATES = {
    "flagged": "tests seem to be switched off: score zero until a person has looked",
    "stopped": "the run was ended before the last cell",
    "refused": "not run, not scored",
    "graded": "graded",
}


@dataclass
class Record:
    """One submission: its state is one of STATES."""

    student: str
    chapter: str
    state: str
    reason: str = ""
    path: str = ""  # where it stood among the submissions
    key: str = ""  # of the file and the master: while it stays, nothing has to be graded again
    limits: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)


class Records:
    """The records in a folder: CHAPTER/STUDENT.json."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, record: Record) -> None:
        with whole_file(self._file(record.student, record.chapter)) as path:
            path.write_text(json.dumps(asdict(record), indent=1, ensure_ascii=False), encoding="utf-8")

    def read(self, student: str, chapter: str) -> Record | None:
        """The record of a submission; None where there is none that can be read."""
        try:
            return Record(**json.loads(self._file(student, chapter).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def __iter__(self) -> Iterator[Record]:
        for path in sorted(self.folder.glob("*/*.json")):
            if (record := self.read(path.stem, path.parent.name)) is not None:
                yield record

    def _file(self, student: str, chapter: str) -> Path:
        return self.folder / chapter / f"{student}.json"
