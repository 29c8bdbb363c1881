"""What an examination finds, and how it is told: in words, and as JSON for `minigan doctor --room`."""

import json
from dataclasses import asdict, dataclass
from typing import Literal

from minigan.course.chapters import chapters

MARKS = {"fine": "✓", "unsure": "!", "blocks": "✗"}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `blocks`: the course does not run like this; `unsure`: it may run badly."""

    what: str
    value: str
    state: Literal["fine", "unsure", "blocks"] = "fine"
    remedy: str = ""


@dataclass(frozen=True)
class Examination:
    """All findings, and the seconds that each chapter will take here (None: not written or not timed at this scale)."""

    findings: list[Finding]
    scale: str
    seconds: dict[str, float | None]

    @property
    def ready(self) -> bool:
        return all(finding.state != "blocks" for finding in self.findings)

    @property
    def verdict(self) -> str:
        problems = [finding for finding in self.findings if finding.state != "fine"]
        if not self.ready:
            count = sum(finding.state == "blocks" for finding in problems)
            return f"Not ready: {'one thing stands' if count == 1 else f'{count} things stand'} in the way."
        return "Ready for the course." if not problems else "Ready for the course, with a remark."

    def as_json(self) -> str:
        findings = [asdict(finding) for finding in self.findings]
        report = {"ready": self.ready, "verdict": self.verdict, "scale": self.scale}
        return json.dumps(report | {"findings": findings, "seconds": self.seconds}, indent=2)

    def as_text(self) -> str:
        lines = [self.verdict, ""]
        for finding in sorted(self.findings, key=lambda finding: list(MARKS)[::-1].index(finding.state)):
            lines.append(f"{MARKS[finding.state]} {finding.what:<12} {finding.value}")
            if finding.remedy:
                lines.append(f"  {'':<12} -> {finding.remedy}")
        known = [seconds for seconds in self.seconds.values() if seconds is not None]
        lines += ["", f"Minutes per chapter on this machine, at scale {self.scale!r}:" if known else "Chapters:"]
        for chapter in chapters():
            seconds = self.seconds.get(chapter.name)
            minutes = f"{seconds / 60:5.1f}" if seconds is not None else "    -"
            note = "" if chapter.written else "  (in preparation)"
            lines.append(f"  {minutes}  {chapter.number:02d} {chapter.title}{note}")
        return "\n".join(lines)
