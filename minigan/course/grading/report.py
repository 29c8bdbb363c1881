"""The pages of a batch: one for the instructor, and feedback for each student."""

import html
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from minigan.course.chapters import heading
from minigan.course.grading.records import STATES, Record
from minigan.course.grading.results import Result, Results, Row, Task, order
from minigan.course.grading.tables import number, write_grades, write_tasks
from minigan.files import whole_file

BINS = 10


def write_all(results: Results, out: Path, notes: list[str]) -> None:
    """Write grades.csv, tasks.csv, report.html and feedback/STUDENT.html."""
    write_grades(results, out / "grades.csv")
    write_tasks(results, out / "tasks.csv")
    pages = _templates()
    with whole_file(out / "report.html") as path:
        path.write_text(pages.get_template("report.html.j2").render(**_overview(results, notes)), encoding="utf-8")
    feedback = pages.get_template("feedback.html.j2")
    for student, name in results.names.items():
        if rows := results.of(student):
            with whole_file(out / "feedback" / f"{student}.html") as path:
                page = feedback.render(student=student, name=name, rows=rows, results=results, **_sums(rows))
                path.write_text(page, encoding="utf-8")


def summary(done: Sequence[Record], skipped: Sequence[Record]) -> str:
    """What a run did, in one line."""
    counts = Counter(record.state for record in done)
    said = [f"{counts[state]} {state}" for state in ("graded", "flagged", "stopped", "refused") if counts[state]]
    if skipped:
        said.append(f"{len(skipped)} unchanged")
    return ", ".join(said)


def histogram(shares: list[float]) -> str:
    """The distribution of scores in per cent as an inline picture in SVG."""
    counts = Counter(min(int(share * BINS), BINS - 1) for share in shares)
    highest = max(counts.values(), default=1)
    said = ", ".join(f"{100 * b // BINS} to {100 * (b + 1) // BINS} %: {counts[b]}" for b in range(BINS) if counts[b])
    bars = []
    for place in range(BINS):
        tall, left = 100 * counts[place] / highest, 12 + 48 * place
        bars.append(f'<rect class="bar" x="{left}" y="{124 - tall:.1f}" width="44" height="{tall:.1f}"/>')
        if counts[place]:
            bars.append(f'<text x="{left + 22}" y="{118 - tall:.1f}" text-anchor="middle">{counts[place]}</text>')
        bars.append(f'<text x="{left - 2}" y="142" text-anchor="middle">{100 * place // BINS}</text>')
    alt = html.escape(f"Distribution of scores in per cent of all points. {said or 'None yet'}.")
    return (
        f'<svg role="img" aria-label="{alt}" viewBox="0 0 504 162"><title>{alt}</title>{"".join(bars)}'
        '<line class="axis" x1="8" y1="124.5" x2="496" y2="124.5"/>'
        '<text x="490" y="142" text-anchor="middle">100</text>'
        '<text x="252" y="158" text-anchor="middle">per cent of the points, students</text></svg>'
    )


def _overview(results: Results, notes: list[str]) -> dict[str, Any]:
    """What the instructor's page shows."""
    records = order([row.record for row in results.rows.values() if row.record is not None])
    totals = {student: results.total(student) for student in results.names}
    shares = [total / results.most for total in totals.values() if total is not None and results.most]
    return {
        "results": results,
        "records": records,
        "to_look_at": [record for record in records if record.state != "graded"],
        "counts": Counter(record.state for record in records),
        "states": STATES,
        "to_read": _to_read(results),
        "tasks": [_statistics(results, task) for tasks in results.tasks.values() for task in tasks],
        "totals": totals,
        "histogram": histogram(shares),
        "notes": notes,
    }


def _to_read(results: Results) -> list[tuple[Task, list[tuple[Row, Result]]]]:
    """The answers that a person has to read, by task."""
    unread = [(row, result) for row in results.rows.values() for result in row.results if result.unread]
    tasks = [task for tasks in results.tasks.values() for task in tasks]
    by_task = [(task, [pair for pair in unread if pair[1].task == task]) for task in tasks]
    return [(task, pairs) for task, pairs in by_task if pairs]


def _statistics(results: Results, task: Task) -> dict[str, Any]:
    """How a task went over all students, with the most frequent reasons for lost points."""
    found = [
        result
        for row in results.rows.values()
        for result in row.results
        if result.task.grade_id == task.grade_id and row.chapter == task.chapter and result.points is not None
    ]
    reasons = Counter(result.why for result in found if result.why)
    return {
        "task": task,
        "count": len(found),
        "full": sum(result.points == task.most for result in found),
        "share": sum(result.points or 0 for result in found) / (task.most * len(found)) if found else None,
        "reasons": reasons.most_common(3),
    }


def _sums(rows: list[Row]) -> dict[str, Any]:
    scored = [row for row in rows if row.scored]
    most = sum(result.task.most for row in scored for result in row.results)
    return {"points": sum(row.points for row in scored), "most": most}


def _templates() -> Any:
    from jinja2 import Environment, PackageLoader
    from markupsafe import Markup
    from nbconvert.filters import markdown2html

    pages = Environment(
        loader=PackageLoader("minigan.course.grading"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    pages.filters["title"] = heading
    pages.filters["number"] = number
    pages.filters["capitalize_first"] = lambda text: text[:1].upper() + text[1:]
    pages.filters["sum_unread"] = lambda tasks: sum(len(pairs) for _, pairs in tasks)
    pages.filters["link"] = lambda student: quote(f"feedback/{student}.html")
    pages.filters["author"] = lambda text: Markup(markdown2html(text))  # of the course's authors, never a student's
    return pages
