"""The laptops of a room: the reports of `minigan doctor --json`, gathered in a folder, as one table."""

import codecs
import json
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from minigan.course.chapters import heading
from minigan.course.doctor.findings import MARKS, Examination, Finding

BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


@dataclass(frozen=True)
class Laptop:
    """One report: whose (the name of its file), what was found, or why the file cannot be read."""

    name: str
    report: Examination | None
    fault: str = ""

    @property
    def state(self) -> str:
        if self.report is None:
            return "unread"
        states = {finding.state for finding in self.report.findings}
        return next(state for state in ("blocks", "unsure", "fine") if state in states | {"fine"})


def read_room(folder: Path) -> list[Laptop]:
    """Read every .json of a folder. Raises FileNotFoundError or NotADirectoryError where there is none to read."""
    if not folder.exists():
        raise FileNotFoundError(f"folder {folder} does not exist; check the path")
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file, expected the folder that holds the reports")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".json")
    if not files:
        raise FileNotFoundError(
            f"{folder} holds no reports, expected files such as ada.json, made by: minigan doctor --json > ada.json"
        )
    return [read_report(path) for path in files]


def read_report(path: Path) -> Laptop:
    """Read one report, in whichever encoding a shell wrote it (PowerShell writes UTF-16)."""
    raw = path.read_bytes()
    encoding = next((name for bom, name in BOMS.items() if raw.startswith(bom)), "utf-8")
    try:
        report = json.loads(raw.decode(encoding))
        findings = [Finding(**finding) for finding in report["findings"]]
        if any(finding.state not in MARKS for finding in findings):
            raise ValueError
        seconds = {str(name): value and float(value) for name, value in report["seconds"].items()}
        return Laptop(path.stem, Examination(findings, str(report["scale"]), seconds))
    except (ValueError, KeyError, TypeError, AttributeError):
        return Laptop(path.stem, None, f"{path.name} is no report of `minigan doctor --json`; ask for it again")


def room_table(laptops: list[Laptop]) -> str:
    """Who is ready, who is not and why, and how long each chapter takes: at the median, and for the slowest."""
    states = [laptop.state for laptop in laptops]
    words = {"fine": "ready", "unsure": "ready with a remark", "blocks": "not ready", "unread": "unread"}
    told = ", ".join(f"{states.count(state)} {word}" for state, word in words.items() if state in states)
    lines = [f"{len(laptops)} {'laptop' if len(laptops) == 1 else 'laptops'}: {told}.", ""]
    width = max(len(laptop.name) for laptop in laptops)
    for laptop in sorted(laptops, key=lambda laptop: ["unread", *list(MARKS)[::-1]].index(laptop.state)):
        findings = laptop.report.findings if laptop.report else []
        worst_first = sorted(findings, key=lambda finding: finding.state)  # "blocks" before "unsure"
        problems = [f"{f.what}: {f.value} -> {f.remedy}" for f in worst_first if f.state != "fine"]
        head = f"{MARKS.get(laptop.state, '?')} {laptop.name:<{width}}"
        said = problems or [laptop.fault] if laptop.state != "fine" else [""]
        lines += [f"{head if not place else ' ' * len(head)}  {text}".rstrip() for place, text in enumerate(said)]
    return "\n".join(lines + chapter_table(laptops))


def chapter_table(laptops: list[Laptop]) -> list[str]:
    """A line for each chapter that was timed, over the laptops that run at the scale of most."""
    reports = {laptop.name: laptop.report for laptop in laptops if laptop.report and laptop.report.seconds}
    if not reports:
        return []
    scales = [report.scale for report in reports.values()]
    scale = max(sorted(set(scales)), key=scales.count)
    timed = {name: report.seconds for name, report in reports.items() if report.scale == scale}
    others = len(reports) - len(timed)
    lines = ["", f"Minutes per chapter at scale {scale!r}: median, slowest, whose"]
    for chapter in next(iter(timed.values())):
        minutes = sorted((value / 60, name) for name, seconds in timed.items() if (value := seconds.get(chapter)))
        if minutes:
            middle = median(value for value, _ in minutes)
            lines.append(f"  {middle:5.1f} {minutes[-1][0]:5.1f}  {heading(chapter)}  ({minutes[-1][1]})")
    if others:
        lines.append(f"{others} at another scale are left out; MINIGAN_SCALE={scale} makes them run the same")
    return lines
