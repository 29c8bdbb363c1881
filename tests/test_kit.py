"""The kit: the right wheels for each laptop, nothing of the instructor's, an installer that works without a network.

The packages are tiny wheels made here, and pip's index is a folder.
"""

import hashlib
import io
import json
import platform
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from minigan.course.kit import install
from minigan.course.kit.fetch import Pip, explained
from minigan.course.kit.make import Kit, make
from minigan.course.kit.targets import SYSTEMS, Target, targets, this_system
from minigan.course.kit.wheels import Wheel, gather, pinned

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
LINUX, WINDOWS, MACOS = (Target(system, "3.12") for system in ("linux", "windows", "macos"))


def wheel(
    folder: Path, name: str, version: str = "1.0", requires: tuple[str, ...] = (), tag: str = "py3-none-any"
) -> Path:
    """Write a wheel of one module, which asks for these."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-{tag}.whl"
    facts = [
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}",
        *(f"Requires-Dist: {line}" for line in requires),
    ]
    inside = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"version = {version!r}\n",
        f"{inside}/METADATA": "\n".join(facts) + "\n",
        f"{inside}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
        f"{inside}/RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for inner, text in files.items():
            archive.writestr(inner, text)
    return path


class Shelf:
    """Gives wheels from a folder as pip would, and remembers what it was asked for."""

    def __init__(self, folder: Path):
        self.folder, self.asked = folder, []

    def __call__(self, target: Target, requirement: str) -> Path:
        self.asked.append(requirement)
        wanted = Requirement(requirement)
        fitting = [
            path
            for path in sorted(self.folder.glob(f"{wanted.name.replace('-', '_')}-*.whl"))
            if Wheel(path).runs_on(target) and wanted.specifier.contains(Wheel(path).version)
        ]
        return fitting[-1]


def gathered(shelf, target, *wanted, pins=(), there=()):
    return sorted(
        w.path.name.rpartition("-")[0]
        for w in gather(target, map(Requirement, wanted), dict(pins), lambda: there, shelf)
    )


# Laptops


def test_laptops_are_every_pair_and_this_one_by_default():
    assert targets(["windows", "MacOS"], ["3.12", "3.13"]) == [
        Target("windows", "3.12"),
        Target("windows", "3.13"),
        Target("macos", "3.12"),
        Target("macos", "3.13"),
    ]
    assert targets([], []) == [Target(this_system(), PYTHON)]


def test_laptops_that_cannot_be(refuses, monkeypatch):
    with refuses(ValueError, "platform 'window'", "'windows'"):
        targets(["window"], [])
    for version in ("3.10", "2.7", "3", "three"):
        with refuses(ValueError, f"{version!r}", "3.11 or newer"):
            targets(["linux"], [version])
    monkeypatch.setattr(platform, "machine", lambda: "i686")
    with refuses(ValueError, "i686 has no wheels of torch", "--platform"):
        targets([], [])


@pytest.mark.parametrize(
    ("tag", "runs_on"),
    [
        ("py3-none-any", "linux windows macos"),
        ("py2.py3-none-any", "linux windows macos"),
        ("cp312-cp312-manylinux_2_28_x86_64", "linux"),
        ("cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64", "linux"),
        ("cp39-abi3-manylinux2014_x86_64", "linux"),
        ("py3-none-manylinux2014_x86_64", "linux"),
        ("cp312-cp312-manylinux_2_34_x86_64", ""),
        ("cp312-cp312-manylinux_2_28_aarch64", ""),
        ("cp311-cp311-manylinux_2_28_x86_64", ""),
        ("cp312-cp312-win_amd64", "windows"),
        ("cp310-abi3-macosx_11_0_arm64", "macos"),
        ("cp312-cp312-macosx_10_13_universal2", "macos"),
        ("cp312-cp312-macosx_11_0_x86_64", ""),
    ],
)
def test_a_wheel_runs_where_its_tag_says(tag, runs_on):
    path = Wheel(Path(f"a-1.0-{tag}.whl"))
    assert [t.platform for t in (LINUX, WINDOWS, MACOS) if path.runs_on(t)] == runs_on.split()


def test_the_markers_of_this_computer_are_right():
    from packaging.markers import default_environment

    here = default_environment()
    told = Target(this_system(), PYTHON).environment
    same = set(told) - {"python_full_version", "implementation_version", "platform_release", "platform_version"}
    assert {name: told[name] for name in same} == {name: here[name] for name in same}


# Which wheels


@pytest.fixture
def shelf(tmp_path):
    folder = tmp_path / "shelf"
    wheel(folder, "torch", "2.14.1", ("cuda ; platform_system == 'Linux'", "sympy>=1.1"))
    wheel(folder, "torch", "2.15.0")
    wheel(folder, "cuda", tag="py3-none-manylinux2014_x86_64")
    wheel(folder, "sympy", "1.14.0")
    wheel(
        folder, "typer", requires=("colorama ; sys_platform == 'win32'", "rich ; extra == 'all'", "Typing.Extensions")
    )
    wheel(folder, "colorama")
    wheel(folder, "rich", requires=("typer",))
    wheel(folder, "typing_extensions")
    return Shelf(folder)


def test_each_system_gets_what_its_markers_ask_for(shelf):
    pins = {"torch": "2.14.1"}
    both = ["sympy-1.14.0-py3-none", "torch-2.14.1-py3-none", "typer-1.0-py3-none", "typing_extensions-1.0-py3-none"]
    assert gathered(shelf, LINUX, "torch>=2.6", "typer", pins=pins) == sorted(["cuda-1.0-py3-none", *both])
    assert gathered(shelf, WINDOWS, "torch>=2.6", "typer", pins=pins) == sorted(["colorama-1.0-py3-none", *both])
    assert gathered(shelf, MACOS, "torch>=2.6", "typer", pins=pins) == both
    assert "torch==2.14.1" in shelf.asked


def test_without_a_pin_the_range_is_asked_for(shelf):
    assert gathered(shelf, MACOS, "torch>=2.6") == ["torch-2.15.0-py3-none"]
    assert shelf.asked == ["torch>=2.6"]


def test_an_extra_is_followed_also_when_it_is_asked_for_later(shelf):
    assert "rich-1.0-py3-none" not in gathered(shelf, MACOS, "typer")
    assert "rich-1.0-py3-none" in gathered(shelf, MACOS, "typer[all]")
    assert "rich-1.0-py3-none" in gathered(shelf, MACOS, "typer", "typer[all]")


def test_what_is_there_is_not_asked_for(shelf, tmp_path):
    there = [wheel(tmp_path / "kit", "typer"), wheel(tmp_path / "kit", "typing_extensions")]
    gathered(shelf, MACOS, "typer", there=there)
    assert shelf.asked == []
    there = [wheel(tmp_path / "kit", "torch", "2.14.1"), wheel(tmp_path / "kit", "torch", "2.14.1+cpu")]
    names = gathered(shelf, MACOS, "torch", there=there, pins={"torch": "2.14.1"})
    assert names == ["torch-2.14.1+cpu-py3-none"]  # as pip chooses


def test_versions_that_exclude_each_other(shelf, refuses):
    wheel(shelf.folder, "old", requires=("sympy<1.0",))
    with refuses(ValueError, "old 1.0 asks for sympy<1.0", "1.14.0", "constraints.txt"):
        gathered(shelf, MACOS, "sympy", "old")


def test_pins_are_read():
    text = "# tested\nTyping_Extensions==4.1\nnumpy==2.4 # why\n\n"
    assert pinned(text) == {"typing-extensions": "4.1", "numpy": "2.4"}


# pip


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder that is pip's only index."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name, value in {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "PIP_CONFIG_FILE": "/dev/null"}.items():
        monkeypatch.setenv(name, value)
    return folder


BACKEND = """
import base64, zipfile
from pathlib import Path

def build_wheel(folder, settings=None, metadata=None):
    name = f"{NAME}-1.0-py3-none-any.whl"
    entry = "[console_scripts]\\nminigan = minigan:main\\n"
    facts = f"Metadata-Version: 2.1\\nName: {NAME}\\nVersion: 1.0\\nRequires-Dist: small\\n"
    with zipfile.ZipFile(Path(folder, name), "w") as archive:
        inside = f"{NAME}-1.0.dist-info/"
        archive.writestr(f"{NAME}.pth", str(Path.cwd()))
        archive.writestr(inside + "METADATA", facts)
        archive.writestr(inside + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        archive.writestr(inside + "entry_points.txt", entry)
        archive.writestr(inside + "RECORD", "")
    return name

build_editable = build_wheel
"""
BUILT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


def backend(name: str) -> str:
    return f"NAME = {name!r}\n{BACKEND}"


def test_pip_fetches_for_another_computer_and_builds_what_has_no_wheel(index, tmp_path):
    wheel(index, "small", "1.0")
    wheel(index, "small", "2.0", tag="cp312-cp312-win_amd64")
    with tarfile.open(index / "source-1.0.tar.gz", "w:gz") as archive:
        for name, text in {
            "pyproject.toml": BUILT,
            "backend.py": backend("source"),
            "PKG-INFO": "Name: source",
        }.items():
            entry = tarfile.TarInfo(f"source-1.0/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    grown = []
    pip = Pip(tmp_path / "kit", None, lambda name, size: grown.append(name))
    assert pip.fetch(WINDOWS, "small").name == "small-2.0-cp312-cp312-win_amd64.whl"
    assert pip.fetch(LINUX, "small").name == "small-1.0-py3-none-any.whl"
    assert pip.fetch(LINUX, "source==1.0").name == "source-1.0-py3-none-any.whl"
    assert len(list((tmp_path / "kit").iterdir())) == 3  # nothing half done is left
    assert set(grown) == {"small", "source"}


def test_pip_finds_nothing(index, tmp_path, refuses):
    with refuses(ValueError, "no wheel of gone==1.0 for windows with Python 3.12", "--python-version"):
        Pip(tmp_path / "kit", None, lambda name, size: None).fetch(WINDOWS, "gone==1.0")


@pytest.mark.parametrize(
    ("said", "kind", "parts"),
    [
        (
            "WARNING: Retrying: NewConnectionError('[Errno -3] Temporary failure in name resolution')\n"
            "ERROR: Could not find a version that satisfies the requirement a (from versions: none)",
            ConnectionError,
            ("index does not answer for a", "connect", "run the same command again"),
        ),
        ("OSError: [Errno 28] No space left on device", OSError, ("GB free, too little for a", "make room")),
        ("/usr/bin/python: No module named pip", ValueError, ("has no pip", "uv pip install pip")),
        ("ERROR: first\nERROR: hash does not match\n", ValueError, ("could not fetch a: hash does not match",)),
        ("", ValueError, ("could not fetch a: nothing",)),
    ],
)
def test_what_pip_says_becomes_a_sentence(said, kind, parts, tmp_path, refuses):
    with refuses(kind, *parts):
        raise explained(said, "a", LINUX, tmp_path)
    assert type(explained(said, "a", LINUX, tmp_path)) is kind


# The whole


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A small project under git, of the course's shape: `minigan` says that it is ready."""
    root = tmp_path / "clone"
    extras = 'optional-dependencies = {test = ["more"], docs = [], grading = []}'
    facts = f'[project]\nname = "minigan"\ndependencies = ["small"]\n{extras}\n'
    files = {
        "pyproject.toml": BUILT + facts,
        "backend.py": backend("minigan"),
        "constraints.txt": "small==1.0\n",
        "minigan.py": "import small, sys\ndef main(): print('ready', small.version, *sys.argv[1:])\n",
        "notebooks/01.ipynb": "{}",
        "exercises/01.ipynb": "{}",
        "solutions/01.ipynb": "the answer",
        "tests/bank/01.py": "wrong answers",
        "conftest.py": "",
        ".gitignore": "private.txt\n",
        "private.txt": "grades",
        "new.txt": "not yet added",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    subprocess.run(["git", "add", "--all", "--", ".", ":!new.txt"], cwd=root, check=True)
    monkeypatch.setattr("minigan.course.kit.make.ROUGH_MB", dict.fromkeys(SYSTEMS, 1))
    return root


def course(folder):
    return {p.relative_to(folder / "course").as_posix() for p in (folder / "course").rglob("*") if p.is_file()}


LEARNERS = {
    "pyproject.toml",
    "backend.py",
    "constraints.txt",
    "minigan.py",
    "notebooks/01.ipynb",
    "exercises/01.ipynb",
    ".gitignore",
}


def test_a_kit_installs_and_runs_without_a_network(index, clone, tmp_path, monkeypatch):
    """The one test of the whole way: make, check by hand, install into a new environment, run, spoil, refuse."""
    wheel(index, "small", "1.0")
    folder = tmp_path / "kit"
    said = make(Kit(folder, targets([], [])), clone)
    assert f"for {targets([], [])[0]}" in said
    assert "Left out, because git does not track it: new.txt" in said
    assert course(folder) == LEARNERS
    listed = dict(line.split("  ")[::-1] for line in (folder / "SHA256SUMS").read_text().splitlines())
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert there - set(listed) == {"SHA256SUMS", "wheels/SHA256SUMS"}
    assert all(hashlib.sha256((folder / name).read_bytes()).hexdigest() == sum_ for name, sum_ in listed.items())

    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nothing"))
    place = tmp_path / "laptop" / "my course"
    command = ["sh", str(folder / "install.sh"), str(place)]
    environment = {"PYTHON": sys.executable, "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (done.returncode, "ready 1.0 doctor" in done.stdout) == (0, True), done.stdout + done.stderr
    assert done.stdout.rstrip().endswith(f"{place / '.venv' / 'bin' / 'minigan'} lab")

    (folder / "wheels" / "small-1.0-py3-none-any.whl").write_bytes(b"spoilt on the way")
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr) == (
        1,
        "install: wheels/small-1.0-py3-none-any.whl is damaged; copy the kit again\n",
    )


def test_what_is_there_is_not_fetched_again(index, clone, tmp_path, monkeypatch):
    wheel(index, "small", "1.0")
    kit = Kit(tmp_path / "kit", targets(["linux", "windows"], ["3.12"]))
    make(kit, clone)
    first = (kit.folder / "SHA256SUMS").read_text()
    real, asked = Pip.fetch, []
    monkeypatch.setattr(
        Pip, "fetch", lambda self, target, requirement: asked.append(requirement) or real(self, target, requirement)
    )
    make(kit, clone)
    assert (asked, (kit.folder / "SHA256SUMS").read_text()) == ([], first)
    (kit.folder / "wheels" / "small-1.0-py3-none-any.whl").write_bytes(b"half")
    (kit.folder / "wheels" / ".partial-of-a-killed-run").mkdir()
    make(kit, clone)
    assert (asked, (kit.folder / "SHA256SUMS").read_text()) == (["small==1.0"], first)
    assert not list(kit.folder.glob("wheels/.partial*"))


def test_a_stopped_run_keeps_its_wheels_and_cannot_be_installed(index, clone, tmp_path, monkeypatch, refuses):
    wheel(index, "small", "1.0", ("more",))
    kit = Kit(tmp_path / "kit", targets([], []))
    with refuses(ValueError, "no wheel of more"):
        make(kit, clone)
    with refuses(install.Stop, "is not a whole kit"):
        install.facts(kit.folder)
    wheel(index, "more")
    (index / "small-1.0-py3-none-any.whl").unlink()
    make(kit, clone)
    assert install.facts(kit.folder)["targets"][0]["python"] == PYTHON
    (clone / "constraints.txt").write_text("small==2.0\n")
    with refuses(ValueError, "no wheel of small==2.0"):
        make(kit, clone)
    with refuses(install.Stop, "is not a whole kit"):  # although it was one
        install.facts(kit.folder)


def test_the_instructors_kit_and_then_the_learners(index, clone, tmp_path):
    wheel(index, "small", "1.0")
    wheel(index, "more")
    folder = tmp_path / "kit"
    make(Kit(folder, targets([], []), ("test", "docs"), instructor=True), clone)
    assert {"solutions/01.ipynb", "tests/bank/01.py", "conftest.py"} <= course(folder)
    assert json.loads((folder / "kit.json").read_text())["extras"] == ["test", "docs"]
    said = make(Kit(folder, targets([], [])), clone)
    assert course(folder) == LEARNERS
    assert "1 wheels in" in said
    assert "more" not in (folder / "SHA256SUMS").read_text()


def test_a_cpu_wheel_of_a_further_index_comes_first(tmp_path, clone, monkeypatch):
    """As with PyTorch's own index: 1.0+cpu fits the pin 1.0 and is preferred."""
    for name, version in (("usual", "1.0"), ("further", "1.0+cpu")):
        made = wheel(tmp_path / name / "small", "small", version)
        (made.parent / "index.html").write_text(f'<a href="{made.name.replace("+", "%2B")}">{made.name}</a>')
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", (tmp_path / "usual").as_uri())
    make(Kit(tmp_path / "kit", targets([], []), index=(tmp_path / "further").as_uri()), clone)
    assert [path.name for path in (tmp_path / "kit" / "wheels").glob("*.whl")] == ["small-1.0+cpu-py3-none-any.whl"]


def test_folders_that_cannot_be_a_kit(clone, tmp_path, refuses, monkeypatch):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").touch()
    (tmp_path / "file").touch()
    here = targets([], [])
    with refuses(ValueError, "photos holds other files", "new or empty"):
        make(Kit(tmp_path / "photos", here), clone)
    with refuses(ValueError, "is a file, expected a folder"):
        make(Kit(tmp_path / "file", here), clone)
    with refuses(ValueError, "extra 'tset'", "'test'"):
        make(Kit(tmp_path / "kit", here, ("tset",)), clone)
    monkeypatch.setattr("minigan.course.kit.make.ROUGH_MB", dict.fromkeys(SYSTEMS, 10**9))
    with refuses(OSError, "GB free", "needs about", "make room"):
        make(Kit(tmp_path / "kit", here), clone)


def test_a_kit_is_made_from_a_clone(clone, tmp_path, refuses, monkeypatch):
    subprocess.run(["rm", "-rf", str(clone / ".git")], check=True)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    with refuses(ValueError, "no clone that git tracks", "git clone"):
        make(Kit(tmp_path / "kit", targets([], [])), clone)


def test_the_command(minigan, clone, index, tmp_path, monkeypatch, refused):
    wheel(index, "small", "1.0")
    monkeypatch.setattr("minigan.course.chapters.repository", lambda: clone)
    code, told, said = minigan("kit", tmp_path / "kit", "--platform", "windows", "--python-version", "3.13")
    assert (code, told.startswith(f"made {tmp_path / 'kit'}: ")) == (0, True)
    assert said.splitlines()[0] == "windows with Python 3.13: collecting"
    assert re.search(r"^ +1 +0\.0 MB  small-1\.0-py3-none-any\.whl$", said, re.MULTILINE)
    assert b"\r\n" in (tmp_path / "kit" / "install.bat").read_bytes()
    assert "- windows with Python 3.13: 0.0 GB of room" in (tmp_path / "kit" / "README.md").read_text()
    refused("kit", tmp_path / "kit", "--platform", "amiga", parts=("platform 'amiga'", "choose one of", "windows"))


# The installer


def test_a_computer_that_the_kit_is_not_for(refuses):
    held = {
        "targets": [{"name": "windows with Python 3.12", "python": "3.12", "system": "Windows", "machine": "AMD64"}]
    }
    assert install.fitting(held, "3.12", "Windows", "AMD64")["name"] == "windows with Python 3.12"
    for here in (("3.13", "Windows", "AMD64"), ("3.12", "Linux", "AMD64"), ("3.12", "Windows", "ARM64")):
        with refuses(
            install.Stop, f"Python {here[0]} for {here[1]} on {here[2]}", "windows with Python 3.12", "ask for a kit"
        ):
            install.fitting(held, *here)


def test_files_of_a_kit_that_are_missing(tmp_path, refuses, capsys):
    (tmp_path / "SHA256SUMS").write_text(f"{'0' * 64}  wheels/a b.whl\n")
    with refuses(install.Stop, "wheels/a b.whl is missing", "copy the kit again"):
        install.check(tmp_path)


def test_a_learners_own_files_stay(tmp_path):
    for name in ("course/notebooks/01.ipynb", "course/exercises/02.ipynb"):
        (tmp_path / "kit" / name).parent.mkdir(parents=True)
        (tmp_path / "kit" / name).write_text("new")
    (tmp_path / "mine" / "notebooks").mkdir(parents=True)
    (tmp_path / "mine" / "notebooks" / "01.ipynb").write_text("my answer")
    assert install.copy_course(tmp_path / "kit", tmp_path / "mine") == 1
    assert (tmp_path / "mine" / "notebooks" / "01.ipynb").read_text() == "my answer"
    assert (tmp_path / "mine" / "exercises" / "02.ipynb").read_text() == "new"


def test_a_python_that_makes_no_environments(tmp_path, monkeypatch, refuses):
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'ensurepip is not available' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    with refuses(
        install.Stop, "cannot make environments", "ensurepip is not available", "sudo apt install python3-venv"
    ):
        install.make_environment(tmp_path / "course")


def test_a_disk_that_is_too_small(tmp_path, monkeypatch, capsys):
    here = {
        "python": PYTHON,
        "system": platform.system(),
        "machine": platform.machine(),
        "name": "here",
        "bytes": 10**18,
    }
    (tmp_path / "kit.json").write_text(json.dumps({"targets": [here], "extras": []}))
    (tmp_path / "SHA256SUMS").touch()
    monkeypatch.setattr(install, "KIT", tmp_path)
    assert install.main([str(tmp_path / "course")]) == 1
    assert re.fullmatch(
        r"install: .* GB free, and the course needs 1000000000.2 GB; make room first\n", capsys.readouterr().err
    )
    assert install.main(["--fits"]) == 0


def test_the_starter_takes_the_python_that_fits(tmp_path):
    kit = Path(install.__file__).parent / "install.sh"
    (tmp_path / "install.sh").write_text(kit.read_text())
    for name, fits in (("python3", 1), ("python3.13", 0), ("python3.12", 0)):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'#!/bin/sh\ncase "$2" in --fits) exit {fits};; esac\necho "{name} $2"\n')
        path.chmod(0o755)
    path = f"{tmp_path / 'bin'}:/usr/bin:/bin"
    run = ["/bin/sh", str(tmp_path / "install.sh"), "there"]
    assert subprocess.run(run, capture_output=True, text=True, env={"PATH": path}).stdout == "python3.13 there\n"
    for name in ("python3.13", "python3.12"):
        (tmp_path / "bin" / name).unlink()
    path = f"{tmp_path / 'bin'}:{tmp_path / 'tools'}"
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "dirname").symlink_to("/usr/bin/dirname")
    assert subprocess.run(run, capture_output=True, text=True, env={"PATH": path}).stdout == "python3 there\n"
    (tmp_path / "bin" / "python3").unlink()
    done = subprocess.run(run, capture_output=True, text=True, env={"PATH": path})
    assert (done.returncode, "no Python was found" in done.stderr) == (1, True)
