"""How the house is built: imports go downward, definitions fit a cell, set-up files agree, no host path is kept."""

import shutil
import subprocess
import tomllib
from pathlib import Path

import house
import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

# module: the modules of minigan that it may import. `course` and `cli` stand above all of them.
ALLOWED: dict[str, set[str]] = {
    "hardware": set(),
    "files": set(),
    "names": set(),
    "toy": set(),
    "nets": set(),
    "losses": set(),
    "augment": set(),
    "data": {"files"},
    "plot": {"data", "files"},
    "metrics": {"data"},
    "backbones": {"data", "files"},
    "perceptual": {"backbones", "data"},
    "weights": {"nets", "data", "files"},
    "progress": {"plot"},
    "transfer": {"backbones", "nets"},
    "apps.__init__": set(),
    "apps.pictures": {"data", "files"},
    "apps.denoise": {"apps.photographs", "train"},
    "apps.inpaint": {"apps.photographs", "backbones", "data", "nets", "train", "transfer", "weights"},
    "apps.generate": {"data", "nets", "train"},
    "apps.generating": {
        *("apps.commands", "apps.generate", "data", "files", "hardware", "nets", "plot", "weights"),
    },
    "apps.holes": {"apps.inpaint", "apps.pictures", "data", "files"},
    "apps.patterns": {"data"},
    "apps.style": {"apps.photographs", "backbones", "data", "hardware", "perceptual", "train"},
    "apps.painting": {
        *("apps.patterns", "apps.pictures", "apps.style", "apps.tasks"),
        *("data", "files", "hardware", "train", "weights"),
    },
    "apps.photographs": {"backbones", "data", "hardware", "perceptual", "train"},
    "apps.superres": {"apps.photographs", "data", "nets", "train"},
    "apps.commands": {
        *("apps.denoise", "apps.holes", "apps.inpaint", "apps.painting", "apps.pictures", "apps.superres"),
        *("apps.tasks", "data", "hardware", "weights"),
    },
    "train": {"augment", "data", "files", "hardware", "losses", "nets", "plot", "progress", "weights"},
    "processes": {"hardware"},
    "distributed": {"processes", "train"},
    "apps.tasks": {
        "hardware",
        *("apps.denoise", "apps.inpaint", "apps.patterns", "apps.photographs", "apps.pictures", "apps.style"),
        *("apps.superres", "data", "files", "plot", "processes", "train", "weights"),
    },
    "apps.training": {
        *("apps.commands", "apps.photographs", "apps.tasks"),
        *("data", "distributed", "nets", "processes", "train", "weights"),
    },
}
ALLOWED = {module: below | ({"names"} - {module}) for module, below in ALLOWED.items()}  # all may look a name up


def library() -> dict[str, str]:
    """Return the source of every library module, by name."""
    top = ROOT / "minigan"
    files = [path for path in top.rglob("*.py") if path.relative_to(top).parts[0] not in ("course", "pack", "weights")]
    names = {".".join(path.relative_to(top).with_suffix("").parts): path for path in files}
    above = ("cli", "__main__", "__init__")
    return {name: path.read_text(encoding="utf-8") for name, path in names.items() if name not in above}


def test_imports_go_downward():
    assert house.upward_imports(library(), ALLOWED) == []
    assert house.cycles(ALLOWED) == []


@pytest.mark.parametrize(
    "line",
    [
        "import minigan.train",
        "from minigan import train",
        "from minigan.train import fit",
        "from . import train",
        "from .train import fit",
        "def f():\n    from minigan.train import fit",
    ],
)
def test_an_upward_import_is_found(line):
    assert house.upward_imports({"nets": line}, {"nets": set()}) == [
        "nets imports train, which the table does not allow"
    ]
    assert house.upward_imports({"nets": line}, {"nets": {"train"}}) == []


def test_imports_in_folders_and_from_elsewhere():
    assert house.imported("from minigan.apps.style import a\nimport torch\nfrom os import path", "cli") == {
        "apps.style"
    }
    assert house.imported("from .style import a\nfrom ..data import b", "apps.superres") == {"apps.style", "data"}
    assert house.imported("from minigan.apps import style, superres", "cli") == {"apps.style", "apps.superres"}


def test_a_module_outside_the_table_and_a_circle_are_found():
    assert house.upward_imports({"new": ""}, {}) == ["new is not in the table of imports"]
    assert house.cycles({"a": {"b"}, "b": {"a"}, "c": set()}) == ["a is above itself", "b is above itself"]


@pytest.mark.parametrize("module", sorted(library()))
def test_public_definitions_fit_a_cell(module):
    assert house.long_definitions(library()[module], module) == []


def test_a_long_definition_is_found():
    def source(lines):
        return "@decorated\ndef f():\n" + "    x = 1\n" * (lines - 2)

    assert house.long_definitions(source(45), "m") == []
    assert house.long_definitions(source(46), "m") == ["m.f has 46 lines, expected 45 at most"]
    assert house.long_definitions(source(46).replace("def f", "def _f"), "m") == []
    assert house.long_definitions("class C:\n" + "    x = 1\n" * 45, "m") == ["m.C has 46 lines, expected 45 at most"]


def test_the_conda_environment_is_the_projects():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert house.environment_differs(environment, PROJECT) == []


@pytest.mark.parametrize(
    ("dependencies", "said"),
    [
        (["python=3.10", "pip", {"pip": ["-e .[test]"]}], "by conda"),
        (["python>=3.11", "pip", {"pip": ["-e .[test]"]}], "by conda"),
        (["python=3", "pip", {"pip": ["-e .[test]"]}], "by conda"),
        (["python=3.11.7", "pip", {"pip": ["-e .[test]"]}], "by conda"),
        (["python=3.11", "pip", "numpy", {"pip": ["-e .[test]"]}], "by conda"),
        (["python=3.11", "pip", {"pip": ["-e .[test]", "scipy"]}], "by pip"),
        (["python=3.11", "pip", {"pip": ["-e ."]}], "by pip"),
        (["python=3.11", "pip"], "by pip"),
        (["python=3.11", "pip", {"pip": ["-e .[test,missing]"]}], "the extra 'missing'"),
    ],
)
def test_a_conda_environment_that_differs_is_found(dependencies, said):
    project = {"project": {"requires-python": ">=3.11", "optional-dependencies": {"test": []}}}
    assert said in "\n".join(house.environment_differs({"dependencies": dependencies}, project))


def test_every_requirement_has_a_tested_version():
    requirements = PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["test"]
    assert house.unpinned(requirements, (ROOT / "constraints.txt").read_text(encoding="utf-8")) == []


def test_a_missing_or_wrong_pin_is_found():
    assert house.unpinned(["numpy>=2"], "# none\n") == ["numpy has no tested version"]
    assert house.unpinned(["numpy>=2"], "numpy==1.26.4\n") == ["numpy 1.26.4 is outside >=2"]
    assert house.unpinned(["PyYAML>=6"], "pyyaml==6.0.3\nnvidia-cublas==13.1\nx @ file:///y") == [
        "x @ file:///y is not of the form name==version",
        "nvidia-cublas is for one platform only",
    ]


def test_no_file_names_a_path_of_this_machine():
    complaints = []
    for path in house.tracked(ROOT):
        if path.suffix in (".py", ".md", ".toml", ".txt", ".yml", ".cff", ".json", ".ipynb", ".csv", ""):
            found = house.host_paths(path.read_text(encoding="utf-8"))
            complaints += [f"{path.relative_to(ROOT)}: {complaint}" for complaint in found]
    assert complaints == []


def test_a_path_of_a_machine_is_found(tmp_path):
    home = "/".join(["", "home", "ada", "minigan"])
    assert house.host_paths(f"see {home}") == [f"a home folder: {home.removesuffix('minigan')}"]
    assert house.host_paths("in ipykernel" + "_123/4.py") != []
    here = str(ROOT / "minigan")
    for text in (f"see {here}.", f'open("{here}")', f"`{here}`", f"({here})"):
        assert house.host_paths(text, exists=lambda path: True) != []
    for text in (
        "https://example.org/a/b",
        "#!/usr/bin/env bash",
        "notebooks/src/a.py",
        "and/or/not",
        "./a/b",
        "/data/mine",
    ):
        assert house.host_paths(text, exists=lambda path: path != "/data/mine") == []


def test_tracked_files_are_found():
    names = {path.relative_to(ROOT).as_posix() for path in house.tracked(ROOT)}
    assert {"pyproject.toml", "tests/house.py", "minigan/cli.py"} <= names
    assert not any(name.startswith(".venv/") for name in names)


# The first thing that a newcomer runs


def make_env(folder: Path, python: str) -> str:
    """Run `make env` beside a copy of the Makefile, with these Pythons to choose from; return what it says."""
    (folder / "Makefile").write_text((ROOT / "Makefile").read_text(encoding="utf-8"), encoding="utf-8")
    for name in ("pyproject.toml", "constraints.txt"):
        (folder / name).touch()
    done = subprocess.run(["make", "env", f"PYTHON={python}"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 2
    assert not (folder / ".venv").exists()
    return done.stderr.splitlines()[0]


def fake_python(folder: Path, fails_at: str) -> str:
    """Write a program that fails when the code it is given names `fails_at`."""
    path = folder / "python3"
    path.write_text(f'#!/bin/sh\ncase "$*" in *{fails_at}*) exit 1;; esac\n', encoding="utf-8")
    path.chmod(0o755)
    return str(path)


needs_make = pytest.mark.skipif(not shutil.which("make"), reason="the Makefile is for systems that have make")


@needs_make
def test_make_says_what_python_it_needs(tmp_path):
    said = "no Python 3.11 or newer was found; install one from https://www.python.org/downloads, or name it: "
    assert make_env(tmp_path, "no-such-python").startswith(said)
    assert make_env(tmp_path, fake_python(tmp_path, "version_info")).startswith(said)


@needs_make
def test_make_says_when_python_makes_no_environments(tmp_path):
    said = make_env(tmp_path, fake_python(tmp_path, "ensurepip"))
    assert said.endswith("on Debian and Ubuntu: sudo apt install python3-venv")


@needs_make
def test_pytest_comes_last_in_make_test():
    command = ["make", "--no-print-directory", "-n", "test"]  # make, when it runs the tests, would say where it is
    planned = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    commands = [line for line in planned.stdout.splitlines() if "ruff" in line or "mypy" in line or "pytest" in line]
    assert [command.split()[0].rpartition("/")[2] for command in commands] == ["ruff", "ruff", "mypy", "python"]
    assert planned.stdout.splitlines()[-1].endswith("-m pytest")
