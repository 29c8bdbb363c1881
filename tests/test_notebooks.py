"""The committed notebooks: built from their sources, executed, showing the library as it is, readable everywhere.

Each check is first shown to fail on a small bad notebook; pytest's nbval plugin runs the notebooks themselves.
"""

from pathlib import Path

import nbformat
import pytest

from minigan.course import audit
from minigan.course.build import Paths, code_hash, compose, select
from minigan.course.chapters import MARKS, chapters, readme_table, timings, with_table

ROOT = Path(__file__).parents[1]
CHAPTERS = select(ROOT, [])
ALT = "A grid of sixteen drawn heads, all different."


# The course as it stands


@pytest.mark.parametrize("paths", CHAPTERS, ids=lambda paths: paths.name)
def test_notebook_is_fit_to_be_committed(paths):
    assert audit.audit(paths) == []


def test_sources_and_notebooks_are_those_of_the_written_chapters():
    written = [chapter.name for chapter in chapters() if chapter.written]
    assert [paths.name for paths in CHAPTERS] == written
    assert sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb")) == written


def test_every_public_definition_is_shown_exactly_once():
    sources = [paths.source for paths in CHAPTERS]
    assert audit.coverage(ROOT, sources, audit.shown_modules(ROOT), audit.pending_definitions()) == []


def test_chapters_are_numbered_in_order():
    assert [chapter.number for chapter in chapters()] == list(range(13))
    built = [module for chapter in chapters() for module in chapter.builds]
    assert len(built) == len(set(built))


def test_every_written_chapter_was_timed_at_the_scale_of_a_laptop():
    for chapter in chapters():
        if chapter.written:
            timing = timings()[chapter.name]["cpu"]
            assert 0 < timing["seconds"] < 240
            assert timing["probe"] > 0
            assert timing["peak_mb"] is None or timing["peak_mb"] < 1200


def test_the_readme_shows_the_chapters():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert with_table(readme) == readme


def test_the_readme_table_follows_the_list_and_the_timings(monkeypatch):
    timing = {"cpu": {"seconds": 90.0, "peak_mb": 500, "probe": 5.0}}
    monkeypatch.setattr("minigan.course.chapters.timings", lambda: {"00_start_here": timing})
    rows = readme_table().splitlines()[2:]
    assert len(rows) == 13
    assert rows[0].startswith("| 00 | [Start here](notebooks/00_start_here.ipynb) |")
    assert rows[0].endswith("| 1.5 |")
    assert rows[1].endswith("| not timed |")
    assert all(row.endswith("| in preparation |") == (not c.written) for row, c in zip(rows, chapters(), strict=True))
    assert MARKS[0] not in readme_table()


# Each check can fail


@pytest.fixture
def good(repository):
    """A notebook without a fault, and where it lies."""
    paths = Paths(repository, "07_tiny")
    notebook = compose(paths)
    for count, (_, cell) in enumerate(audit.code_cells(notebook), start=1):
        cell.execution_count = count
    notebook.cells[4].outputs = [picture(ALT)]
    notebook.metadata["minigan"] = {"executed": code_hash(notebook), "scale": "quick", "seconds": 0.1}
    nbformat.write(notebook, paths.notebook)
    return notebook, paths


def picture(alt, kind="image/png"):
    metadata = {kind: {"alt": alt}} if alt is not None else {}
    return nbformat.v4.new_output("display_data", data={kind: "iVBORw0KGgo="}, metadata=metadata)


def html(text):
    return nbformat.v4.new_output("display_data", data={"text/html": text})


def complaints_after(good, change) -> str:
    """Spoil a good notebook, write it, and return what the whole audit says."""
    notebook, paths = good
    change(notebook)
    nbformat.write(notebook, paths.notebook)
    return "\n".join(audit.audit(paths))


def test_a_good_notebook_has_no_complaints(good):
    assert audit.audit(good[1]) == []


def test_a_notebook_that_is_not_built(good):
    good[1].notebook.unlink()
    assert audit.audit(good[1]) == ["07_tiny.ipynb is not built; run python -m minigan.course build --execute 07_tiny"]


SPOILED = {
    "text": (lambda n: n.cells[0].update(source="# Another"), "cell 0 differs from the source in its source"),
    "code": (lambda n: n.cells[4].update(source="print(3)"), "cell 4 differs from the source in its source"),
    "kind": (
        lambda n: n.cells[0].update(nbformat.v4.new_raw_cell("# A chapter")),
        "differs from the source in its cell_type",
    ),
    "tag": (lambda n: n.cells[4].metadata.update(tags=["hide"]), "cell 4 differs from the source in its metadata"),
    "id": (lambda n: n.cells[4].update(id="another"), "cell 4 differs from the source in its id"),
    "a cell more": (lambda n: n.cells.append(nbformat.v4.new_markdown_cell("x")), "it has 6 cells, its source 5"),
    "stale": (lambda n: n.metadata.minigan.update(executed="0"), "its outputs are not those of its code"),
    "never executed": (lambda n: n.metadata.pop("minigan"), "its outputs are not those of its code"),
    "one not executed": (lambda n: n.cells[4].update(execution_count=None), "some cells are not executed"),
    "out of order": (lambda n: n.cells[4].update(execution_count=9), "not in order"),
    "error": (
        lambda n: n.cells[4].outputs.append(
            nbformat.v4.new_output("error", ename="KeyError", evalue="k", traceback=[])
        ),
        "cell 4 failed with KeyError: k",
    ),
    "stderr": (
        lambda n: n.cells[4].outputs.append(nbformat.v4.new_output("stream", name="stderr", text="50%|###")),
        "cell 4 writes to stderr: '50%|###'",
    ),
    "library": (
        lambda n: n.cells[2].update(source=n.cells[2].source.replace("2 * x", "x * 2")),
        "library cell 2 differs from minigan.tiny",
    ),
    "library comment": (
        lambda n: n.cells[2].update(source=n.cells[2].source.replace("# why", "# because")),
        "library cell 2 differs from minigan.tiny",
    ),
    "library import": (
        lambda n: n.cells[2].update(source="def twice(x):\n    import math\n    return x"),
        "library cell 2 holds an import",
    ),
    "library unknown": (
        lambda n: n.cells[2].update(source="def twize(x):\n    return x"),
        "library cell 2: in minigan.tiny, definition 'twize' is not known",
    ),
    "library empty": (lambda n: n.cells[2].update(source="print(1)"), "library cell 2 differs from minigan.tiny"),
    "no alt": (lambda n: n.cells[4].outputs.append(picture(None)), "cell 4 has a picture with the alt text ''"),
    "short alt": (lambda n: n.cells[4].outputs.append(picture("Heads.")), "the alt text 'Heads.'"),
    "same alt": (lambda n: n.cells[4].outputs.append(picture(ALT)), f"2 pictures share the alt text {ALT!r}"),
    "gif without alt": (lambda n: n.cells[4].outputs.append(picture("", "image/gif")), "the alt text ''"),
    "html without alt": (lambda n: n.cells[4].outputs.append(html('<img src="a.png">')), "the alt text ''"),
    "markdown without alt": (lambda n: n.cells[0].update(source="![](a.png)"), "the alt text ''"),
    "widget state": (lambda n: n.metadata.update(widgets={}), "it keeps the state of widgets"),
    "widget": (
        lambda n: n.cells[4].outputs[0].data.update({"application/vnd.jupyter.widget-view+json": {"model_id": "a"}}),
        "cell 4 keeps a widget",
    ),
    "jshtml": (lambda n: n.cells[4].outputs.append(html('<div class="animation">')), "cell 4 keeps a jshtml animation"),
    "address": (lambda n: n.cells[4].outputs.append(html("<f at 0x7f1234567890>")), "cell 4 keeps a memory address"),
    "times": (lambda n: n.cells[4].metadata.update(execution={"a": "b"}), "cell 4 keeps the times of its execution"),
    "size": (
        lambda n: n.cells[4].outputs.append(html("x" * audit.LARGEST)),
        "it has 1.50 MB, expected less than 1.5 MB",
    ),
    "device": (lambda n: n.cells[4].update(source='x.to("cuda")'), "cell 4 names cuda"),
    "year": (lambda n: n.cells[0].update(source="- A. Author, [Title](x),\n  2018."), "an item of a list: '2018.'"),
    "minus": (lambda n: n.cells[0].update(source="which gives $2x\n- 1$ again"), "an item of a list: '- 1$ again'"),
}


@pytest.mark.parametrize("fault", SPOILED)
def test_a_fault_is_found(fault, good):
    change, said = SPOILED[fault]
    assert said in complaints_after(good, change)


def test_a_library_that_changed_is_found(good):
    module = good[1].root / "minigan" / "tiny.py"
    module.write_text(module.read_text().replace("2 * x", "x + x"))
    assert "library cell 2 differs from minigan.tiny" in complaints_after(good, lambda notebook: None)


def test_what_is_allowed_is_not_complained_about(good):
    notebook, _ = good
    error = nbformat.v4.new_output("error", ename="ValueError", evalue="shown", traceback=[])
    notebook.cells[4].metadata["tags"] = ["raises-exception"]
    notebook.cells[4].outputs.append(error)
    notebook.cells[4].outputs.append(html(f'<img alt="{ALT} Twice." src="a.png">'))
    notebook.cells[2].source += "  # cuda"
    notebook.cells[0].source = "1. one,\n   who goes on\n2. two\n\n- three\n- four\n\n$$x\n- 1$$"
    assert audit.holds_errors(notebook) == []
    assert audit.lacks_alt_text(notebook) == []
    assert audit.names_a_device(notebook) == []
    assert audit.begins_a_list(notebook) == []


def cover(repository, pending=None, modules=("tiny",)):
    sources = sorted((repository / "notebooks" / "src").glob("*.py"))
    return audit.coverage(repository, sources, list(modules), pending or {})


def test_coverage_finds_what_is_shown_never_or_twice(repository):
    assert cover(repository) == ["tiny.thrice is shown in no chapter"]
    assert cover(repository, {"tiny": ["thrice"]}) == []
    (repository / "notebooks" / "src" / "08_more.py").write_text('# %% minigan="tiny"\n# thrice, twice\n')
    assert cover(repository) == ["tiny.twice is shown more than once: 07_tiny, 08_more"]


def test_the_pending_list_only_shrinks(repository):
    said = cover(repository, {"tiny": ["thrice", "twice", "gone", "_private"], "other": ["x"]})
    assert said == [
        "tiny.twice is shown in 07_tiny; take it off the pending list",
        "tiny.gone is pending but does not exist",
        "tiny._private is pending but does not exist",
        "other is pending but is no shown module",
    ]
