"""The real exercises as submissions: the solution gets all points, what is given out none, both without a flag."""

import shutil
from collections import defaultdict
from pathlib import Path

import nbformat
import pytest
import submissions as tiny

from minigan.course.exercises import Master
from minigan.course.grading.batch import Batch, grade
from minigan.course.grading.gradebook import Score

ROOT = Path(__file__).parents[1]
CHAPTERS = sorted(path.parent.name for path in (ROOT / "solutions").glob("*/*.ipynb"))

pytestmark = pytest.mark.skipif(bool(tiny.sandboxed()), reason=tiny.sandboxed() or "sandboxed")


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[tuple[str, str], list[Score]], Batch]:
    """All exercises, graded in one batch: the scores by student and chapter."""
    base = tmp_path_factory.mktemp("masters")
    for chapter in CHAPTERS:
        master = Master(ROOT, chapter)
        for student, path in (("solution", master.notebook), ("empty", master.release)):
            target = base / "submissions" / student / chapter / path.name
            target.parent.mkdir(parents=True)
            shutil.copyfile(path, target)
    batch = Batch(ROOT, base / "submissions", base / "out")
    grade(batch)
    scores = defaultdict(list)
    for score in batch.gradebook().scores():
        scores[score.student, score.chapter].append(score)
    return scores, batch


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_solution_gets_all_points_and_an_empty_release_none(scored, chapter):
    scores, batch = scored
    for student in ("solution", "empty"):
        record = batch.records.read(student, chapter)
        assert record is not None
        assert (record.state, record.reason) == ("graded", "")
    for score in scores["solution", chapter]:
        assert score.points == (None if _is_text(chapter, score.grade_id) else score.most), score
    for score in scores["empty", chapter]:
        assert score.points == 0, score
        assert not score.unread


def _is_text(chapter: str, grade_id: str) -> bool:
    """Whether a person reads the answer."""
    cells = nbformat.read(Master(ROOT, chapter).notebook, as_version=4).cells
    return next(c for c in cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id).cell_type == "markdown"
