"""Who handed in what: names of files and folders, zips, rosters, and what is refused before anything runs."""

import copy
import json
import os
import zipfile
from pathlib import Path, PurePosixPath

import pytest
import submissions as tiny

from minigan.course.grading import clean, intake, roster, tables
from minigan.course.grading.roster import Student

CHAPTERS = ["01_tiny", "02_minimax_loss"]
ROSTER = {
    one.student: one
    for one in (Student("ada1", "Ada Lovelace"), Student("678", "Änne Müller"), Student("x9", "Zoe von Ach"))
}


@pytest.mark.parametrize(
    ("path", "student"),
    [
        ("ada/02_minimax_loss/02_minimax_loss.ipynb", "ada"),
        ("week 3/ada/02_minimax_loss/02_minimax_loss.ipynb", "ada"),
        ("ada/02_minimax_loss.ipynb", "ada"),
        ("ada/02_minimax_loss (1).ipynb", "ada"),
        ("02_minimax_loss/ada.ipynb", "ada"),
        ("02_minimax_loss/ada-late (2).ipynb", "ada"),
        ("ada_02_minimax_loss.ipynb", "ada"),
        ("12345_02_minimax_loss.ipynb", "12345"),
        ("lovelaceada_12345_678_02_minimax_loss.ipynb", "lovelaceada_12345"),
        ("last_first_12345_678_02_minimax_loss-1.ipynb", "last_first_12345"),
        ("Ada Lovelace_345_assignsubmission_file_/02_minimax_loss.ipynb", "Ada_Lovelace"),
        ("02_minimax_loss.ipynb", None),
        ("ada/other.ipynb", None),
        ("ada/102_minimax_losses.ipynb", None),
    ],
)
def test_a_path_says_who_and_for_what(path, student):
    placed = intake.place(PurePosixPath(path), CHAPTERS)
    if student is None:
        assert placed is None
    else:
        assert placed is not None
        assert (intake._who(placed[0], None), placed[1]) == (student, "02_minimax_loss")


@pytest.mark.parametrize(
    ("label", "student"),
    [
        ("ada1", "ada1"),
        ("ADA1", "ada1"),
        ("lovelaceada_12_9", "ada1"),
        ("Lovelace, Ada", "ada1"),
        ("x_678_02", "678"),
        ("Muller Anne_4_assignsubmission_file_", "678"),
        ("Zoe von Ach_11_assignsubmission_file_", "x9"),
        ("nobody", None),
        ("Ada", None),
    ],
)
def test_a_label_finds_its_student_in_the_roster(label, student):
    found = roster.find(label, ROSTER.values())
    assert (found.student if found else None) == student


def test_two_students_of_one_name_are_not_guessed():
    twins = [Student("a1", "Anna Berg"), Student("a2", "Anna Berg")]
    assert roster.find("anna berg", twins) is None
    assert roster.find("berg_anna_a2", twins) == twins[1]


@pytest.mark.parametrize("separator", [",", ";"])
def test_a_roster_is_read_whatever_separates_it(tmp_path, separator):
    path = tmp_path / "roster.csv"
    lines = [["Name", "ID", "E-Mail"], ["Ada Lovelace", "ada1", "ada@example.org"], ["", "", ""], ["Änne", "678", ""]]
    path.write_text("\ufeff" + "\n".join(separator.join(line) for line in lines), encoding="utf-8")
    assert list(roster.read_roster(path).values()) == [
        Student("ada1", "Ada Lovelace", "ada@example.org"),
        Student("678", "Änne"),
    ]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("name,email\nAda,a@b", ("columns name, email", "expected student")),
        ("student\n../etc", ("line 2", "'../etc'", "use letters")),
        ("student\nada\nada", ("line 3", "'ada' stands twice")),
        ("", ("none", "expected student")),
    ],
)
def test_a_roster_that_is_none_is_refused(tmp_path, refuses, text, parts):
    path = tmp_path / "roster.csv"
    path.write_text(text, encoding="utf-8")
    with refuses(ValueError, *parts):
        roster.read_roster(path)


@pytest.mark.parametrize("label", ["../../etc", "a/b", "x\n", "=cmd", "-rf", ".hidden", "a" * 500, "Ä ö+*?[x]"])
def test_an_id_is_safe_as_a_folder(label):
    safe = roster.safe(label)
    assert safe == roster.safe(safe)
    assert not set(safe) & set("/\\\n*?[]+= ")
    assert not safe.startswith((".", "-", "_"))
    assert len(safe) <= roster.LONGEST


def submit(path: Path, text: str = "{}", when: float = 1e9) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.utime(path, (when, when))


def test_of_several_files_the_newest_counts(tmp_path):
    submit(tmp_path / "ada" / "01_tiny.ipynb", when=1e9)
    submit(tmp_path / "ada" / "01_tiny (1).ipynb", when=2e9)
    submit(tmp_path / "bob_01_tiny.ipynb")
    found = intake.take_in(tmp_path, CHAPTERS)
    assert [(one.student, str(one.entry.path)) for one in found.submissions] == [
        ("ada", "ada/01_tiny (1).ipynb"),
        ("bob", "bob_01_tiny.ipynb"),
    ]
    assert found.notes == ["ada handed in 2 files for 01_tiny; the newest counts: ada/01_tiny (1).ipynb"]


def test_namesakes_are_kept_apart(tmp_path):
    for number in (11, 22):
        submit(tmp_path / f"Anna Berg_{number}_assignsubmission_file_" / "01_tiny.ipynb")
    (found,) = intake.take_in(tmp_path, CHAPTERS).submissions
    assert "may be different people; say who is who with --roster" in found.refused


def test_the_roster_says_who_is_missing_and_who_is_strange(tmp_path):
    submit(tmp_path / "lovelace_ada_5_6_01_tiny.ipynb")
    submit(tmp_path / "stranger_01_tiny.ipynb")
    submit(tmp_path / "ada1" / "notes.ipynb")
    found = intake.take_in(tmp_path, CHAPTERS, ROSTER)
    assert [one.student for one in found.submissions] == ["ada1"]
    assert found.names["678"] == "Änne Müller"
    assert found.notes == [
        "ada1/notes.ipynb belongs to no exercise; it was left out",
        "stranger_01_tiny.ipynb: 'stranger' is not in the roster, or fits several; it was left out",
        "678 handed in nothing",
        "x9 handed in nothing",
    ]


def test_other_exercises_are_left_alone_where_one_is_wanted(tmp_path):
    submit(tmp_path / "ada" / "01_tiny.ipynb")
    submit(tmp_path / "ada" / "02_minimax_loss.ipynb")
    found = intake.take_in(tmp_path, CHAPTERS, wanted=["01_tiny"])
    assert ([one.chapter for one in found.submissions], found.notes) == (["01_tiny"], [])


def test_a_zip_is_read_without_unpacking(tmp_path):
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ada/01_tiny.ipynb", "one")
        archive.writestr("../../eve/01_tiny.ipynb", "two")
        archive.writestr("/etc/01_tiny/mallory.ipynb", "three")
        archive.writestr("__MACOSX/ada/._01_tiny.ipynb", "four")
        archive.writestr("bomb/01_tiny.ipynb", b"0" * 30_000_000)
        link = zipfile.ZipInfo("link/01_tiny.ipynb")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    found = intake.take_in(path, CHAPTERS)
    states = {one.student: one.refused for one in found.submissions}
    assert set(states) == {"ada", "bomb", "link"}
    assert (states["ada"], "30 MB" in states["bomb"], "a link" in states["link"]) == ("", True, True)
    assert found.submissions[0].entry.read() == b"one"
    assert [note.partition(" ")[2] for note in found.notes] == ["leads out of the zip; it was left out"] * 2
    assert sorted(tmp_path.iterdir()) == [path]


def test_a_zip_that_lies_about_a_size_is_read_no_further(tmp_path, monkeypatch):
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ada/01_tiny.ipynb", b"0" * 1000)
    monkeypatch.setattr(intake, "LARGEST", 10)
    assert len(intake.Entry(PurePosixPath("a"), 0, 5, path, "ada/01_tiny.ipynb").read()) == 11


def test_a_source_that_is_none_is_refused(tmp_path, refuses):
    with refuses(FileNotFoundError, "nowhere does not exist", "check the path"):
        intake.take_in(tmp_path / "nowhere", CHAPTERS)
    with refuses(ValueError, "holds no submissions", "STUDENT/01_tiny.ipynb"):
        intake.take_in(tmp_path, CHAPTERS)
    (tmp_path / "text").write_text("no zip")
    with refuses(ValueError, "neither a folder nor a zip"):
        intake.take_in(tmp_path / "text", CHAPTERS)


@pytest.fixture(scope="module")
def master(tmp_path_factory):
    return tiny.repository(tmp_path_factory.mktemp("repository"))


def cleaned(master, notebook):
    return clean.clean(json.dumps(notebook).encode(), tiny.release_of(master))


def test_an_honest_notebook_stays_what_it_is(master):
    submitted = tiny.correct(master)
    submitted["cells"].insert(3, {"cell_type": "code", "source": ["x = 1\n", "y = 2"], "metadata": {"tags": ["a"]}})
    notebook, notes = cleaned(master, submitted)
    assert notes == []
    assert [cell.source for cell in notebook.cells] == ["".join(cell["source"]) for cell in submitted["cells"]]
    assert notebook.cells[3].metadata == {}
    assert not any("tags" in cell.metadata for cell in notebook.cells)


def test_what_was_deleted_comes_back_in_its_place(master):
    whole = tiny.correct(master)
    for missing in (["mean-check"], ["code-01"], ["why"], ["code-01", "mean", "mean-check"]):
        submitted = copy.deepcopy(whole)
        for grade_id in missing:
            tiny.deleted(grade_id)(submitted)
        notebook, notes = cleaned(master, submitted)
        named = [cell.metadata["nbgrader"]["grade_id"] for cell in notebook.cells if "nbgrader" in cell.metadata]
        assert named == ["code-01", "mean", "mean-check", "largest", "largest-check", "why"]
        assert notes == [f"{grade_id} was missing and was put back" for grade_id in missing]


def test_changed_tests_points_and_tags_do_not_count(master):
    submitted = tiny.correct(master)
    tiny.cell_of(submitted, "mean-check")["source"] = "pass"
    tiny.a_hundred(submitted)
    tiny.tagged(submitted)
    notebook, notes = cleaned(master, submitted)
    test = next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == "mean-check")
    assert (test.metadata["nbgrader"]["points"], "tags" in test.metadata, "checking" in test.source) == (2, False, True)
    assert len(notes) == 2


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (tiny.doubled, ("'mean-check' stands 2 times", "delete the copies")),
        (tiny.renamed, ("'mean-chock' is not in this exercise",)),
        (tiny.to_text, ("'mean-check' became markdown, expected code",)),
        (lambda notebook: notebook.update(nbformat=3), ("no notebook of format 4",)),
        (lambda notebook: notebook.update(cells="x"), ("no notebook of format 4",)),
        (lambda notebook: notebook["cells"].append({"cell_type": "magic"}), ("no kind that is known",)),
        (lambda notebook: notebook["cells"].append({"cell_type": "code", "source": 3}), ("a cell has no text",)),
        (lambda notebook: notebook.update(cells=notebook["cells"][:1]), ("holds no cell of this exercise",)),
        (lambda n: n["cells"].append({"cell_type": "raw", "source": "x" * 3_000_000}), ("oversized",)),
    ],
)
def test_what_cannot_be_put_right_is_refused(master, refuses, change, parts):
    submitted = tiny.correct(master)
    change(submitted)
    with refuses(ValueError, *parts):
        cleaned(master, submitted)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"[]", b"3", b'{"nbformat": 4}'])
def test_what_is_no_notebook_is_refused(master, content):
    with pytest.raises(ValueError, match="no notebook"):
        clean.clean(content, tiny.release_of(master))


@pytest.mark.parametrize(
    ("cell", "shown"),
    [("=1+1", "'=1+1"), ("+x", "'+x"), ("-x", "'-x"), ("@x", "'@x"), (" =x", "' =x"), ("\tx", "'\tx"), ("Ada", "Ada")],
)
def test_no_cell_of_a_table_is_a_formula(cell, shown):
    assert tables.plain(cell) == shown
