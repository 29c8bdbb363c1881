"""The command `minigan grade`. Heavy imports stand inside, so that `--help` is instant."""

from pathlib import Path
from typing import Annotated

import typer


def grade(
    submissions: Annotated[Path, typer.Argument(metavar="SUBMISSIONS", help="A folder of notebooks, or a zip of it.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder for scores, feedback and the gradebook.")],
    chapter: Annotated[list[str] | None, typer.Option(help="Only this exercise, such as 02; may be repeated.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Submissions that run at the same time.")] = 2,
    roster: Annotated[Path | None, typer.Option(help="A CSV with the columns student (or id), name and email.")] = None,
    cell_seconds: Annotated[int, typer.Option(min=1, help="Seconds that one cell may take.")] = 60,
    notebook_seconds: Annotated[int, typer.Option(min=1, help="Seconds that one notebook may take.")] = 300,
    memory: Annotated[int, typer.Option(min=200, help="MiB that all processes of a submission may take.")] = 2048,
    again: Annotated[bool, typer.Option("--again", help="Grade unchanged submissions again, too.")] = False,
) -> None:
    """Grade submitted exercises, each in a sandbox without network.

    A submission is STUDENT/NN_name.ipynb, NN_name/STUDENT.ipynb or STUDENT_NN_name.ipynb, also with what a learning
    management system adds to such names. The folder then holds grades.csv, tasks.csv, feedback for each student,
    report.html with what needs a person, log.txt, and nbgrader's gradebook for marks by hand, which stay. What was
    graded and has not changed is skipped, so a run can be stopped and started again.

    Needs Linux, bubblewrap (sudo apt install bubblewrap) and nbgrader (pip install 'minigan[grading]'). Exits with 1 if
    a submission is flagged, stopped or refused: a person has to look.

    Examples:

        minigan grade submissions -o ../grades

        minigan grade week3.zip -o ../grades --chapter 02 --roster course.csv

        minigan grade submissions -o ../grades --workers 4 --cell-seconds 120
    """
    from importlib.util import find_spec

    if find_spec("nbgrader") is None:
        raise ValueError("nothing was graded: nbgrader is not installed; pip install 'minigan[grading]'")
    from minigan.course import chapters
    from minigan.course.grading import report
    from minigan.course.grading.batch import Batch, grade
    from minigan.course.grading.roster import read_roster
    from minigan.course.grading.sandbox import Limits

    batch = Batch(
        root=chapters.repository(),
        source=submissions,
        out=output,
        chapters=chapter or (),
        workers=workers,
        roster=read_roster(roster) if roster else None,
        limits=Limits(cell_seconds, notebook_seconds, memory),
        again=again,
    )
    outcome = grade(batch)
    for note in outcome.notes:
        typer.echo(f"minigan: {note}", err=True)
    typer.echo(report.summary(outcome.done, outcome.skipped))
    typer.echo(f"wrote {output / 'grades.csv'}, {output / 'report.html'} and {output / 'feedback'}")
    if outcome.to_look_at:
        typer.echo(f"minigan: {len(outcome.to_look_at)} need a person; see {output / 'report.html'}", err=True)
        raise typer.Exit(1)
