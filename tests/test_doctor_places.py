"""Where the doctor is: Colab, Binder, JupyterHub; and what is allowed there, of memory and of processors."""

import pytest

from minigan.course import doctor
from minigan.course.doctor import places
from minigan.course.doctor.limits import Limits, limits
from minigan.course.doctor.places import BINDER, COLAB, HERE, HUB, place

GB = 2**30
HUBS = {
    "JUPYTERHUB_API_URL": "http://10.0.0.1:8081/hub/api",
    "JUPYTERHUB_USER": "ada",
}  # as jupyterhub.spawner sets them


@pytest.mark.parametrize(
    ("environ", "modules", "expected"),
    [
        ({}, (), HERE),
        ({"PATH": "/bin", "JUPYTER_CONFIG_DIR": "x"}, (), HERE),
        (HUBS, (), HUB),
        ({"JUPYTERHUB_USER": "ada"}, (), HUB),
        (HUBS | {"BINDER_LAUNCH_HOST": "https://mybinder.org/"}, (), BINDER),
        (HUBS | {"BINDER_REPO_URL": "https://github.com/a/b"}, (), BINDER),
        ({"BINDER_SERVICE_HOST": "10.0.0.2"}, (), BINDER),
        ({"COLAB_RELEASE_TAG": "release-colab_20260112"}, (), COLAB),
        ({"COLAB_GPU": ""}, (), COLAB),
        ({}, ("google.colab",), COLAB),
        ({"COLAB_RELEASE_TAG": "x", "KAGGLE_KERNEL_RUN_TYPE": "Interactive"}, ("google.colab",), HERE),
    ],
)
def test_the_place_is_known_by_its_environment(environ, modules, expected):
    assert place(environ, modules) is expected


@pytest.mark.parametrize("where", [HUB, BINDER, COLAB])
def test_remedies_elsewhere_name_nothing_that_is_not_there(where):
    remedies = [where.install, where.pip, where.python, where.memory, where.busy, where.advice]
    assert all(remedies)
    assert not any("make " in remedy for remedy in remedies)
    (finding,) = places.whereabouts(where)
    assert (finding.state, finding.value.startswith(where.name), finding.remedy) == ("fine", True, where.advice)


def test_nothing_is_said_of_a_computer_of_ones_own():
    assert places.whereabouts(HERE) == []


def test_the_examination_names_the_place_first(monkeypatch):
    monkeypatch.setattr("minigan.course.probe.speeds", lambda: {1: 10.0, 2: 2.0})
    monkeypatch.setattr(doctor, "place", lambda: COLAB)
    monkeypatch.setattr(doctor, "limits", lambda: Limits(memory=1))
    examination = doctor.examine()
    found = {finding.what: finding for finding in examination.findings}
    assert examination.findings[0].what == "place"
    assert found["memory"].remedy.startswith(COLAB.memory)
    assert found["load"].remedy == COLAB.busy


UNLIMITED = "9223372036854771712"  # how version 1 says it


@pytest.fixture
def found(tmp_path):
    """The limits that are found when these are the files of the control groups, and "own" names this process's."""

    def find(files, environ=()):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(f"{text}\n")
        return limits(dict(environ), tmp_path / "groups", tmp_path / "own")

    return find


def test_no_control_groups(found):
    assert found({}) == Limits()


def test_version_2_in_a_container(found):
    files = {
        "groups/memory.max": 2 * GB,
        "groups/memory.current": GB,
        "groups/memory.stat": f"anon 5\ninactive_file {GB // 4}",
        "groups/cpu.max": "150000 100000",
        "own": "0::/",
    }
    assert found(files) == Limits(2 * GB, GB * 3 // 4, 1.5)


def test_version_2_without_limits(found):
    assert found({"groups/memory.max": "max", "groups/cpu.max": "max 100000", "own": "0::/"}) == Limits()


def test_the_tightest_of_nested_groups_counts(found):
    files = {
        "groups/user/memory.max": 3 * GB,
        "groups/user/memory.current": GB,
        "groups/user/me/memory.max": 8 * GB,
        "groups/user/me/memory.current": 7,
        "groups/user/cpu.max": "400000 100000",
        "groups/user/me/cpu.max": "200000 100000",
        "own": "0::/user/me/gone",
    }
    assert found(files) == Limits(3 * GB, GB, 2.0)


def test_version_1(found):
    files = {
        "groups/memory/docker/memory.limit_in_bytes": GB,
        "groups/memory/docker/memory.usage_in_bytes": GB // 2,
        "groups/memory/docker/memory.stat": f"total_inactive_file {GB // 4}",
        "groups/memory/memory.limit_in_bytes": UNLIMITED,
        "groups/cpu,cpuacct/cpu.cfs_quota_us": 50_000,
        "groups/cpu,cpuacct/cpu.cfs_period_us": 100_000,
        "own": "4:memory:/docker\n3:cpu,cpuacct:/docker\n1:name=systemd:/",
    }
    assert found(files) == Limits(GB, GB // 4, 0.5)


def test_version_1_without_limits(found):
    files = {
        "groups/memory/memory.limit_in_bytes": UNLIMITED,
        "groups/cpu/cpu.cfs_quota_us": -1,
        "groups/cpu/cpu.cfs_period_us": 100_000,
        "own": "4:memory:/\n3:cpu:/",
    }
    assert found(files) == Limits()


def test_what_the_hub_says_counts_on_a_hub_only(found):
    files = {"groups/memory.max": 2 * GB, "groups/memory.current": 5, "own": "0::/"}
    said = {"MEM_LIMIT": str(GB), "CPU_LIMIT": "0.5"}
    assert found(files, said) == Limits(2 * GB, 5)
    assert found(files, said | HUBS) == Limits(GB, None, 0.5)
    assert found(files, HUBS | {"MEM_LIMIT": "2G", "CPU_LIMIT": "many"}) == Limits(2 * GB, 5)
