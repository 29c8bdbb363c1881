"""Other ways to set up: repo2docker, Colab, old Pythons. Held here as far as it can be without those places."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from minigan.course.kit.wheels import pinned

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PINS = pinned((ROOT / "constraints.txt").read_text(encoding="utf-8"))
OLDEST = pinned((ROOT / "constraints-oldest.txt").read_text(encoding="utf-8"))
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
HOME = PROJECT["urls"]["Homepage"]


def test_repo2docker_finds_the_environment_and_nothing_that_overrides_it():
    """Its order: a Dockerfile, then environment.yml; a folder `binder` hides what stands in the root."""
    others = ("binder", ".binder", "Dockerfile", "environment.yaml", "runtime.txt", "postBuild", "apt.txt", "REQUIRE")
    assert [name for name in others if (ROOT / name).exists()] == []


def test_repo2docker_copies_the_project_before_it_installs_it():
    """It does so where a line of pip's begins with -c or -r or names a path, and runs pip in the project's folder."""
    (pip,) = (entry["pip"] for entry in ENVIRONMENT["dependencies"] if isinstance(entry, dict))
    paths = [line.split()[1].partition("[")[0] for line in pip]
    assert [line.split()[0] for line in pip] == ["-c", "-e"]
    assert all(not Path(path).is_absolute() and (ROOT / path).exists() for path in paths)


def colab_cell() -> list[str]:
    """The lines of the README that are run first in Colab."""
    return re.search(r"```\n(!git clone.*?)```", README, re.DOTALL)[1].splitlines()  # type: ignore[index]


def test_the_first_cell_for_colab_fits_the_project():
    clone, there, install, _, path = colab_cell()
    folder = clone.split()[-1]
    assert clone.split()[-2] == HOME
    assert there == f"%cd -q {folder}"
    assert path == f'import sys; sys.path.insert(0, "{folder}")'
    name, _, version = install.split()[-1].partition("==")
    assert "--no-deps" in install.split()  # else pip would replace the kernel on which Colab runs
    assert PINS[name] == version


# What Colab brought along in January 2026 (googlecolab/backend-info, pip-freeze.txt), of what the course asks for.
COLAB = {
    **{"torch": "2.9.0", "torchvision": "0.24.0", "numpy": "2.0.2", "pillow": "11.3.0", "matplotlib": "3.10.0"},
    **{"safetensors": "0.7.0", "tqdm": "4.67.1", "typer": "0.21.1", "jupytext": "1.18.1", "nbclient": "0.10.4"},
    **{"psutil": "5.9.5", "packaging": "25.0"},
}


def test_colab_has_what_its_first_cell_does_not_install():
    """Its kernel is older than the course asks for at home, and it shows notebooks without JupyterLab."""
    installed = {canonicalize_name(word.split("==")[0]) for word in colab_cell()[2].split()}
    missing = []
    for line in PROJECT["dependencies"]:
        needed = Requirement(line)
        if (
            needed.name not in installed | {"jupyterlab", "ipykernel"}
            and COLAB.get(needed.name) not in needed.specifier
        ):
            missing.append(line)
    assert missing == []


@pytest.mark.parametrize("name", sorted(PINS))
def test_the_oldest_python_of_the_project_runs_each_tested_version(name):
    """Debian 12 has Python 3.11.2, and a pin that asks for 3.11.5 would make every installation there fail."""
    (oldest,) = SpecifierSet(PROJECT["requires-python"])
    try:
        found = metadata(name)
    except PackageNotFoundError:
        pytest.skip("not needed on this system")
    if found["Version"] != PINS[name]:
        pytest.skip(f"{found['Version']} is installed")
    asks = found["Requires-Python"]
    assert not asks or SpecifierSet(asks).contains(f"{oldest.version}.0")


def test_the_oldest_versions_are_the_lower_bounds_of_the_project():
    """The browser is left out: `make test-oldest` does not open it."""
    extras = PROJECT["optional-dependencies"]
    admitted = {}
    for line in (*PROJECT["dependencies"], *extras["test"], *extras["docs"]):
        needed = Requirement(line)
        bounds = [bound.version for bound in needed.specifier if bound.operator == ">="]
        admitted |= {canonicalize_name(needed.name): bound for bound in bounds}
    assert admitted == OLDEST


@pytest.mark.parametrize("extra", ["", *PROJECT["optional-dependencies"]])
def test_the_tested_versions_are_admitted(extra):
    asked = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    needed = [Requirement(line) for line in asked]
    assert [str(one) for one in needed if PINS[canonicalize_name(one.name)] not in one.specifier] == []


def test_links_to_colab_and_binder_name_this_project_and_a_notebook_of_it():
    colab = re.search(r"colab\.research\.google\.com/github/([^)]+?)/blob/main/([^)]+)", README)
    binder = re.search(r"mybinder\.org/v2/gh/([^)]+?)/HEAD\?urlpath=lab/tree/([^)]+)", README)
    for found in (colab, binder):
        assert found
        assert HOME.endswith(f"/{found[1]}")
        assert (ROOT / found[2]).is_file()
