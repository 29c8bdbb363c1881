"""Sources become notebooks: library code filled in, ids and outputs kept, nothing lost when a cell fails."""

import json

import nbformat
import pytest
from typer.testing import CliRunner

from minigan.course import build as builder
from minigan.course import chapters
from minigan.course.build import Paths, build, compose, execute, record, select
from minigan.course.chapters import MARKS, readme_table, with_table
from minigan.course.commands import app
from minigan.course.librarycells import definitions, expand, names_in, public, segment

TWICE = '@staticmethod\ndef twice(x):\n    """Return 2x."""\n    # why\n    return 2 * x'
LEVELS = 'LEVELS = {\n    "low": 0.0,  # a comment that stays\n}'


@pytest.fixture(autouse=True)
def no_probe(monkeypatch):
    monkeypatch.setattr("minigan.course.probe.probe", lambda: 10.0)


@pytest.fixture
def paths(repository):
    return Paths(repository, "07_tiny")


def append(paths, cell):
    paths.source.write_text(paths.source.read_text() + f"\n# %%\n{cell}\n")


def test_expand_takes_the_source_character_for_character(repository):
    assert expand(["LEVELS", "twice"], "tiny", repository) == f"{LEVELS}\n\n\n{TWICE}"
    assert expand(["_private"], "tiny", repository) == "def _private():\n    return math.pi"


def test_expand_shows_a_shared_assignment_once(repository):
    (repository / "minigan" / "pair.py").write_text("FIRST, SECOND = 1, 2\n")
    assert expand(["FIRST", "SECOND"], "pair", repository) == "FIRST, SECOND = 1, 2"


def test_expand_reads_modules_in_folders(repository):
    (repository / "minigan" / "apps").mkdir()
    (repository / "minigan" / "apps" / "style.py").write_text("RATE: float = 0.1\n")
    assert expand(["RATE"], "apps.style", repository) == "RATE: float = 0.1"


@pytest.mark.parametrize(
    ("names", "module", "said"),
    [
        (["twise"], "tiny", "in minigan.tiny, definition 'twise' is not known; did you mean 'twice'"),
        (["twice"], "tinny", "library module 'tinny' is not known; did you mean 'tiny'"),
    ],
)
def test_expand_offers_the_nearest(names, module, said, repository):
    with pytest.raises(ValueError, match=said):
        expand(names, module, repository)


def test_names_of_a_library_cell():
    assert names_in("# hinge_d, linear_g,\n# r1_penalty") == ["hinge_d", "linear_g", "r1_penalty"]
    for bad in ("", "hinge_d", "# hinge_d\nx = 1", "# two words"):
        with pytest.raises(ValueError, match="expected one comment with names"):
            names_in(bad)


def test_public_definitions():
    source = "import os\nA: int = 1\n_B = 2\n__all__ = []\nclass C:\n    D = 1\nasync def e(): pass\nC.f = 3\n"
    assert public(source) == ["A", "C", "e"]
    assert segment(source, definitions(source)["C"]) == "class C:\n    D = 1"


def test_a_notebook_is_composed_from_its_source(paths):
    notebook = compose(paths)
    assert [cell.cell_type for cell in notebook.cells] == ["markdown", "code", "code", "markdown", "code"]
    assert notebook.cells[2].source == f"{LEVELS}\n\n\n{TWICE}"
    assert notebook.cells[2].metadata == {"minigan": "tiny"}
    assert notebook.metadata.kernelspec.name == "python3"
    assert "jupytext" not in notebook.metadata  # not paired
    nbformat.validate(notebook)


def test_ids_stay_when_other_cells_or_the_library_change(paths):
    before = [cell.id for cell in compose(paths).cells]
    assert len(set(before)) == len(before)
    module = paths.root / "minigan" / "tiny.py"
    module.write_text(module.read_text().replace("2 * x", "x + x"))
    paths.source.write_text("# %%\nnew = 1\n\n" + paths.source.read_text() + "\n# %%\nx = 1\n\n# %%\nx = 1\n")
    after = compose(paths).cells
    assert [cell.id for cell in after[1:6]] == before
    assert len({cell.id for cell in after}) == len(after)


def test_a_mistake_in_a_library_cell_names_source_and_cell(paths):
    paths.source.write_text(paths.source.read_text().replace("# LEVELS, twice", "# twise"))
    with pytest.raises(ValueError, match=r"07_tiny.py, cell 2: in minigan.tiny, definition 'twise'"):
        compose(paths)


def test_executing_keeps_outputs_and_says_what_they_are_of(paths):
    append(paths, "import os\nprint(os.environ['MINIGAN_SCALE'], os.path.basename(os.getcwd()))")
    timing = build(paths, "full")
    notebook = nbformat.read(paths.notebook, as_version=4)
    assert notebook.cells[4].outputs[0].text == "2\n"
    assert notebook.cells[5].outputs[0].text == "full notebooks\n"
    assert [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"] == [1, 2, 3, 4]
    assert notebook.metadata.minigan == {
        "executed": builder.code_hash(notebook),
        "scale": "full",
        "seconds": timing["seconds"],
    }
    assert notebook.metadata.language_info == {"name": "python"}
    assert not any("execution" in cell.metadata for cell in notebook.cells)
    assert timing["probe"] == 10.0
    assert timing["peak_mb"] is None or 20 < timing["peak_mb"] < 500


def test_a_notebook_is_written_whole_or_not_at_all(paths, monkeypatch):
    build(paths)
    before = paths.notebook.read_text()

    def disk_is_full(notebook, path):
        path.write_text("{")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(builder.nbformat, "write", disk_is_full)
    with pytest.raises(OSError, match="No space left on device"):
        build(paths)
    assert paths.notebook.read_text() == before
    assert {path.name for path in paths.notebook.parent.iterdir()} == {"07_tiny.ipynb", "src"}


def test_building_keeps_the_outputs_of_unchanged_cells(paths):
    build(paths, "quick")
    first = paths.notebook.read_text()
    build(paths)
    assert paths.notebook.read_text() == first
    paths.source.write_text(paths.source.read_text().replace("# ## Counting", "# ## New words"))
    append(paths, "y = 2")
    build(paths)
    notebook = nbformat.read(paths.notebook, as_version=4)
    assert notebook.cells[3].source == "## New words"
    assert notebook.cells[4].outputs[0].text == "2\n"
    assert notebook.cells[5].execution_count is None
    assert notebook.metadata.minigan.executed != builder.code_hash(notebook)


def test_a_failing_cell_is_named_and_the_old_notebook_stays(paths):
    build(paths)
    before = paths.notebook.read_text()
    append(paths, "def f():\n    raise KeyError('k')\n\nf()")
    said = r"^07_tiny, cell 5 under 'Counting': KeyError: 'k' \(line 4: `f\(\)`\)$"
    with pytest.raises(ValueError, match=said):
        build(paths, "quick")
    assert paths.notebook.read_text() == before
    assert {path.name for path in paths.notebook.parent.iterdir()} == {"07_tiny.ipynb", "src"}


def test_a_dying_kernel_is_said_in_one_sentence(paths):
    append(paths, "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(ValueError, match="cell 5 under 'Counting': its kernel died"):
        build(paths, "quick")
    assert not paths.notebook.exists()


def test_ctrl_c_leaves_the_old_notebook_and_no_kernel(paths, monkeypatch):
    build(paths)
    before = paths.notebook.read_text()

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(builder.NotebookClient, "execute_cell", interrupted)
    started = []
    setup = builder.NotebookClient.start_new_kernel
    monkeypatch.setattr(builder.NotebookClient, "start_new_kernel", lambda c, **k: (setup(c, **k), started.append(c)))
    with pytest.raises(KeyboardInterrupt):
        build(paths, "quick")
    assert paths.notebook.read_text() == before
    assert len(started) == 1
    assert started[0].km is None or not started[0].km.has_kernel


def test_a_cell_may_fail_on_purpose(paths):
    paths.source.write_text(paths.source.read_text() + '\n# %% tags=["raises-exception"]\n1 / 0\n')
    notebook = compose(paths)
    execute(notebook, paths, "quick")
    assert notebook.cells[5].outputs[0].ename == "ZeroDivisionError"


def test_chapters_are_chosen_by_number_name_or_file(repository):
    (repository / "notebooks" / "src" / "08_other.py").write_text("# %%\n1\n")
    for name in ("07", "7", "07_tiny", "notebooks/src/07_tiny.py", "notebooks/07_tiny.ipynb"):
        assert [paths.name for paths in select(repository, [name])] == ["07_tiny"]
    assert [paths.name for paths in select(repository, [])] == ["07_tiny", "08_other"]
    assert [paths.name for paths in select(repository, ["08", "07", "8"])] == ["08_other", "07_tiny"]
    with pytest.raises(ValueError, match="chapter '07_tyni' is not known; did you mean '07_tiny'"):
        select(repository, ["07_tyni"])


def test_timings_are_kept_by_chapter_and_scale(repository):
    timing = {"seconds": 12.3, "peak_mb": 456, "probe": 7.8}
    record(repository, "07_tiny", "cpu", timing)
    record(repository, "07_tiny", "quick", timing)
    record(repository, "08_other", "full", timing)
    kept = json.loads((repository / "minigan" / "course" / "timings.json").read_text())
    assert kept == {"07_tiny": {"cpu": timing}, "08_other": {"full": timing}}


def test_the_readme_table_is_replaced_between_its_marks():
    readme = f"before\n{MARKS[0]}\nold\n{MARKS[1]}\nafter\n"
    assert with_table(readme) == f"before\n{MARKS[0]}\n{readme_table()}\n{MARKS[1]}\nafter\n"
    assert with_table(with_table(readme)) == with_table(readme)
    with pytest.raises(ValueError, match=r"README.md lacks the lines"):
        with_table("no marks")


def test_the_command_builds_what_is_asked_for(repository, monkeypatch):
    monkeypatch.setattr(chapters, "repository", lambda: repository)
    done = CliRunner().invoke(app, ["build", "7"])
    assert (done.exit_code, done.stdout) == (0, "built notebooks/07_tiny.ipynb\n")
    done = CliRunner().invoke(app, ["build", "--execute", "--scale", "full", "7"])
    assert done.stdout.startswith("built notebooks/07_tiny.ipynb: 0.")
    kept = json.loads((repository / "minigan" / "course" / "timings.json").read_text())
    assert list(kept["07_tiny"]) == ["full"]
