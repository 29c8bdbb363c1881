"""The scores as CSV, for a spreadsheet or a learning management system."""

import csv
from pathlib import Path

from minigan.course.grading.results import Results
from minigan.files import whole_file


def write_grades(results: Results, path: Path) -> None:
    """One line a student: the points of each chapter, empty where nothing was scored, and their sum."""
    rows = [["student", "name", *results.tasks, "total", "max", "to read"]]
    for student, name in results.names.items():
        by_chapter = {row.chapter: number(row.points) for row in results.of(student) if row.scored}
        points = [by_chapter.get(chapter, "") for chapter in results.tasks]
        total = results.total(student)
        end = ["" if total is None else number(total), number(results.most), str(results.unread(student))]
        rows.append([student, name, *points, *end])
    _write(rows, path)


def write_tasks(results: Results, path: Path) -> None:
    """One line a student, one column a task; empty where nothing was scored, or is not read yet."""
    tasks = [task for chapter in results.tasks.values() for task in chapter]
    rows = [["student", "name", *(f"{task.chapter} {task.answer}" for task in tasks)]]
    for student, name in results.names.items():
        points = {
            (row.chapter, result.task.grade_id): result.points for row in results.of(student) for result in row.results
        }
        found = [points.get((task.chapter, task.grade_id)) for task in tasks]
        rows.append([student, name, *("" if one is None else number(one) for one in found)])
    _write(rows, path)


def number(points: float) -> str:
    """Points without needless decimals."""
    return f"{points:.2f}".rstrip("0").rstrip(".")


def plain(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.lstrip().startswith(("=", "+", "-", "@")) or cell.startswith(("\t", "\r")) else cell


def _write(rows: list[list[str]], path: Path) -> None:
    with whole_file(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([plain(cell) for cell in row] for row in rows)
