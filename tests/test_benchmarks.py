"""The benchmarks: each has its results, the texts agree with them, what they share counts right, the cheap ones run."""

import asyncio
import json
import math
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
import typer
from nbformat import v4

from minigan import train
from minigan.backbones import Backbone
from minigan.course.build import KERNEL, Paths, kernel_client, kernel_environment

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "benchmarks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in ("__main__", "bench", "index"))

# Scripts whose results are still to be written, or were written by an earlier version. This list only shrinks.
PENDING: set[str] = set()  # scripts whose results are not there yet
CHEAP = ("backbone_speed", "course", "lpips_speed", "triplets")  # a trial of each takes seconds

Load = Callable[[str], ModuleType]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    """A script or what they share, as a module."""
    monkeypatch.syspath_prepend(FOLDER)

    def found(name: str) -> ModuleType:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what other packages say at their import
            return import_module(name)

    return found


# Every script


@pytest.mark.parametrize("name", NAMES)
def test_a_script_says_how_it_is_run(load: Load, name: str):
    script = load("index").scripts()[name]
    assert script.question.endswith((".", "?"))
    assert script.takes, f"the head of {name}.py has no line 'python benchmarks/{name}.py    MINUTES; writes ...'"
    assert f"python benchmarks/{name}.py --quick" in script.head
    assert f"benchmarks/results/{name}." in script.head


@pytest.mark.parametrize("name", sorted(set(NAMES) - PENDING))
def test_a_script_has_its_results(name: str):
    results = FOLDER / "results"
    assert (results / f"{name}.md").is_file()
    text = (results / f"{name}.md").read_text(encoding="utf-8")
    assert json.loads((results / f"{name}.json").read_text(encoding="utf-8"))
    shown = re.findall(r"!\[(.+?)\]\((.+?)\)", text)
    assert all(len(alt) > 10 and (results / file).is_file() for alt, file in shown)


def test_what_is_pending_is_a_script():
    assert set(NAMES) >= PENDING


@pytest.mark.parametrize("name", sorted(set(NAMES) - PENDING))
def test_the_table_is_what_the_script_says_of_its_numbers(load: Load, name: str):
    """Nobody has changed a number by hand, and the script can still read what it wrote."""
    module = load(name)
    if not hasattr(module, "text"):
        pytest.skip("this script writes its table in its own way")
    found = load("bench").kept(name)
    assert module.text(found) == (FOLDER / "results" / f"{name}.md").read_text(encoding="utf-8")
    assert module.claim(found)


def test_the_index_is_current(load: Load):
    written = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert load("index").index() == written, "write it again: python benchmarks --index"


def test_no_results_without_a_script(load: Load):
    owned = {path for script in load("index").scripts().values() for path in script.results}
    assert sorted(set((FOLDER / "results").iterdir()) - owned) == []


def test_no_chapter_holds_the_tests_up():
    """Forty seconds at the scale `quick`; what a chapter may take at `cpu` is a test of its own (test_notebooks.py)."""
    rows = json.loads((FOLDER / "results" / "course.json").read_text(encoding="utf-8"))["notebooks"]
    assert len(rows) == 13
    for row in rows:
        assert row["seconds at the scale quick"] < 40, row["chapter"]


# What the README quotes


def test_the_readme_quotes_the_step():
    found = json.loads((FOLDER / "results" / "step_speed.json").read_text(encoding="utf-8"))["times as fast"]
    middle = {name: times[0] if isinstance(times, list) else times for name, times in found.items()}
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert f"{middle['minigan float32']} times as fast in float32" in text
    assert f"{middle['minigan bfloat16']} times in bfloat16" in text


# What they share


def test_ratios_are_taken_within_the_rounds(load: Load):
    bench = load("bench")
    turns = bench.Turns({"a": [2.0, 4.0, 9.0], "b": [1.0, 1.0, 3.0]}, {"a": [1.0, 1.0, 1.0], "b": [0.5, 0.5, 0.5]})
    found = bench.compared(turns, "a")
    assert found["times as fast"] == {"a": [1, 1, 1], "b": [3, 2, 4]}
    assert found["milliseconds"] == {"a": 4000, "b": 1000}
    assert found["by the processor"]["b"] == 2
    assert bench.compared(turns, "b", "long")["times as long"]["a"] == [3, 2, 4]
    assert bench.contest_cells(found, "b") == [1000, 500, 3, "2.0 to 4.0", 2]
    assert len(bench.contest_heads()) == 5


def test_contestants_take_turns(load: Load):
    called: list[str] = []
    contestants = {name: (lambda name=name: called.append(name) or name) for name in "ab"}
    turns = load("bench").take_turns(contestants, rounds=2, each=2)
    assert called == list("bbaa" + "aabb" + "bbaa")  # the first round warms up; every other one goes backwards
    assert [len(spent) for spent in turns.wall.values()] == [2, 2]
    assert turns.last == {"a": "a", "b": "b"}


def test_a_slow_contestant_sits_out(load: Load, monkeypatch: pytest.MonkeyPatch):
    bench, now = load("bench"), [0.0]
    monkeypatch.setattr(bench.time, "perf_counter", lambda: now[0])

    def takes(seconds: float) -> Callable[[], None]:
        return lambda: now.__setitem__(0, now[0] + seconds)

    turns = bench.take_turns({"slow": takes(10), "fast": takes(1)}, rounds=3, patience=15, warm_up=False)
    assert turns.wall == {"slow": [10, 10], "fast": [1, 1, 1]}
    assert bench.compared(turns, "slow")["times as fast"]["fast"] == [10, 10, 10]


def test_the_machine_is_named(load: Load):
    found = load("bench").conditions()
    for part in (" cores, ", "thread", "bfloat16 ", f"torch {torch.__version__}"):
        assert part in found["machine"]
    assert load("bench").load({}) == ""
    assert "0.5" in load("bench").load({"load before": 0.5})


def test_a_trial_writes_and_keeps_nothing(load: Load, tmp_path: Path):
    bench, drawn = load("bench"), []
    given: dict[str, Any] = {"a": 1}

    def draw(found: dict[str, Any], folder: Path) -> None:
        assert (folder / "x.json").is_file()
        drawn.append(folder)

    bench.publish("x.py", given, lambda found: f"{found['a']}\n", draw, quick=True, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert not drawn[0].exists()
    bench.publish("x.py", given, lambda found: f"{found['a']}\n", draw, folder=tmp_path)
    assert (tmp_path / "x.md").read_text() == "1\n"
    assert json.loads((tmp_path / "x.json").read_text()) == given


def test_bars_are_drawn_with_their_numbers(load: Load, tmp_path: Path):
    alt = "Bars of how fast each contestant is:"
    load("bench").bars({"a": [1, 0.5, 2], "b": [3, 3, 3]}, ["b"], tmp_path / "bars.png", "times as fast", alt)
    assert (tmp_path / "bars.png").stat().st_size > 1000


def test_all_are_run_although_one_fails(
    load: Load, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    path = FOLDER / "__main__.py"
    source = compile(path.read_text(encoding="utf-8"), str(path), "exec")
    load("bench")
    space: dict[str, Any] = {"__name__": "all_benchmarks", "__file__": str(path)}
    exec(source, space)
    ran: list[str] = []

    def run(script: SimpleNamespace, quick: bool) -> tuple[int, float]:
        ran.append(script.name)
        return (3 if script.name == "b" else 0), 60.0

    space |= {"scripts": lambda: {name: SimpleNamespace(name=name) for name in "abc"}, "run": run}
    with pytest.raises(typer.Exit) as stopped:
        space["main"](quick=True, only=None, listing=False, indexing=False)
    told = capsys.readouterr()
    assert (ran, stopped.value.exit_code) == (["a", "b", "c"], 1)
    assert "1 of 3 benchmarks failed: b" in told.err
    assert "failed, exit code 3" in told.out
    space["main"](quick=True, only=["a"], listing=False, indexing=False)
    with pytest.raises(typer.BadParameter, match="not known"):
        space["main"](quick=True, only=["z"], listing=False, indexing=False)


@pytest.mark.parametrize("name", CHEAP)
def test_a_trial_runs(name: str):
    before = {path: path.stat().st_mtime_ns for path in (FOLDER / "results").iterdir()}
    done = subprocess.run(
        [sys.executable, FOLDER / f"{name}.py", "--quick"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.partition("# ")[2]
    assert {path: path.stat().st_mtime_ns for path in (FOLDER / "results").iterdir()} == before


# Single scripts


def test_tutorial_and_library_find_the_same_losses(load: Load, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MINIGAN_DEVICE", "cpu")
    step_speed = load("step_speed")

    def losses(contestant: Callable[..., None], *more: Any) -> torch.Tensor:
        found: list[tuple[float, float]] = []
        source = step_speed.pairs(32, 4)
        contestant((next(source) for _ in range(3)), found, 32, *more)
        return torch.tensor(found)

    expected = losses(step_speed.tutorial)
    torch.testing.assert_close(losses(step_speed.minigan, "float32"), expected, rtol=1e-3, atol=1e-3)
    assert step_speed.apart({"a": [(1.0, 2.0)], "b": [(1.5, 2.0), (9.0, 9.0)]}, "a", "b") == 0.5


def test_folding_changes_no_feature(load: Load):
    backbone = Backbone("efficientnet_lite0", weights=None, generator=torch.Generator().manual_seed(0))
    norms = [part for part in backbone.net.modules() if isinstance(part, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.running_mean.uniform_(-1, 1, generator=torch.Generator().manual_seed(0))
        norm.running_var.uniform_(0.5, 2, generator=torch.Generator().manual_seed(1))
    folded = load("backbone_speed").folded(backbone.net)
    assert norms and not any(isinstance(part, torch.nn.BatchNorm2d) for part in folded.modules())
    images = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(folded(images), backbone.net(images), rtol=1e-3, atol=1e-3)


def test_copies_have_one_squared_error(load: Load):
    triplets = load("triplets")
    kind, wide = next(iter(triplets.pictures(True)))
    made = triplets.copies(wide, 3)
    image = made.pop("")
    errors = {name: float((image - one).square().mean()) for name, one in made.items()}
    assert kind == "photographs"
    assert set(made) == {*triplets.ORDERS, *(far for others in triplets.ORDERS.values() for far in others)}
    for name, error in errors.items():
        assert error == pytest.approx(errors["moved"], rel=1e-3), name
    grey = ((made["noise of colour"] - image) * triplets.GREY).sum(1)
    assert float(grey.std()) < 0.3 * float((made["noise of grey"] - image).std())


def test_agreement_by_hand(load: Load):
    triplets = load("triplets")
    pairs = [f"{near} < {far}" for near, others in triplets.ORDERS.items() for far in others]
    shares = {pair: [100.0, 0.0] for pair in pairs} | {"brightness < blur": [40.0, 40.0]}
    assert triplets.agreement(shares, {"brightness": ("blur", "noise")}) == [70, 20]
    assert triplets.NOT_OF_HEADS not in triplets.orders("heads")
    assert triplets.spread([50.0, 60.0]) == "55 (50 to 60)"


def test_snapshots_after_equal_minutes_best_and_last(load: Load):
    from_scratch = load("from_scratch")
    curves = [
        [{"images": n, "of the processor": 60 * n, **dict.fromkeys(from_scratch.JUDGES, value)} for n, value in curve]
        for curve in ([(1, 5.0), (2, 7.0)], [(1, 3.0), (2, 1.0)])
    ]
    found = from_scratch.summarise(curves, math.sqrt(2))  # halfway between the snapshots, in the logarithm
    assert found["images"] == 2 and found["minutes"]["mean"] == 2
    judged = found[from_scratch.JUDGES[0]]
    assert judged["equal"]["low"] == pytest.approx(math.sqrt(3), abs=1e-2)
    assert judged["equal"]["high"] == pytest.approx(math.sqrt(35), abs=1e-2)
    runs = [{"run": {"data": of, "size": 28}, "curve": curves[0]} for of in ("fashion", "peeps")]
    runs[0]["curve"] = curves[0][:1]
    assert [from_scratch.equal_minutes(runs, of, 28) for of in ("fashion", "peeps")] == [1, 2]
    assert judged["last"] == {"mean": 4, "low": 1, "high": 7}
    assert judged["best"] == {"mean": 3, "low": 1, "high": 5}


def test_equal_seeds_start_with_equal_generators(load: Load, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MINIGAN_DEVICE", "cpu")
    from_scratch = load("from_scratch")
    assert len(from_scratch.plan()) == len({run.name for run in from_scratch.plan()}) == 33
    states: list[train.TrainState] = [
        from_scratch.begin(from_scratch.Run("fashion", 28, way, 32, 1), "float32") for way in ("plain", "in-domain")
    ]
    for one, other in zip(*(state.generator.parameters() for state in states), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_kernels_work_at_once_and_live_until_the_last_has_finished(load: Load, repository: Path):
    kernels = load("kernels")
    sources = (
        "held = bytes([1]) * 300 * 2**20",
        "import time; time.sleep(2)",
        "1 / 0",
    )
    notebooks = [
        v4.new_notebook(cells=[v4.new_code_cell(source)], metadata={"kernelspec": KERNEL}) for source in sources
    ]
    clients = [kernel_client(notebook, Paths(repository, "07_tiny")) for notebook in notebooks]
    done, memory = asyncio.run(kernels.at_once(clients, kernel_environment("quick")))
    assert [row["failure"] for row in done] == ["", "", "ZeroDivisionError: division by zero"]
    assert done[1]["seconds"] >= 2
    assert done[0]["peak, MB"] - done[1]["peak, MB"] == pytest.approx(300, abs=30)
    assert memory.peaks[0] - memory.peaks[1] == pytest.approx(300, abs=30)
    assert memory.together[-1][1] == pytest.approx(sum(memory.peaks), rel=0.1)  # nobody has left


def test_memory_of_kernels_by_hand(load: Load):
    kernels = load("kernels")
    rows = [
        {"chapter": "00 a", "peak, MB": 1_100, "its share, MB": 700, "failure": ""},
        {"chapter": "01 b", "peak, MB": 1_250, "its share, MB": 800, "failure": "MemoryError: "},
    ]
    found = {"rows": rows, "seconds, MB of all": [[0.0, 900], [2.0, 1_500]], "seconds": 60.0}
    assert kernels.most(found) == (1_250, 1_500)
    assert kernels.too_much(found) == ["01 b: MemoryError: ", "a kernel took 1250 MB, expected less than 1200"]
    assert kernels.claim(found).startswith(
        "1 of 2 notebooks at once finish, in 1 minutes; a kernel takes at most 1,250"
    )
