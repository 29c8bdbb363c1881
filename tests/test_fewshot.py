"""What the fine-tuning benchmark's tables and verdicts say, on numbers small enough to check by eye."""

import pytest

from minigan.course import fewshot


def run(way="fine-tuned", seed=0, count=100, style="micah", **distances):
    """A run whose snapshots have these distances by all judges: run(at_0=9.0, at_2016=5.0)."""
    curve = []
    for name, distance in distances.items():
        judged = {judge: {"FID": distance, "nearer to training than new": 0.5} for judge in fewshot.JUDGES}
        curve.append({"images": int(name.removeprefix("at_")), "seconds": 1.0, **judged})
    return {"way": way, "style": style, "count": count, "seed": seed, "curve": curve}


def found(*runs):
    floor = {style: dict.fromkeys(fewshot.JUDGES, 1.0) for style in fewshot.COLOURS}
    return {"runs": list(runs), "floor": floor}


def test_a_snapshot_is_found_though_its_last_batch_went_over():
    one = run(at_0=9.0, at_2016=5.0)
    assert fewshot.at(one, 2_000)["images"] == 2016
    assert fewshot.at(one, 4_000) is None
    assert fewshot.values([one, run(at_0=1.0)], 2_000, "random_resnet18") == [5.0]


def test_at_least_never_rounds_up():
    assert [fewshot.at_least(times) for times in (1.58, 3.99, 4.0, 12.0)] == ["1.5", "3.9", "4", "12"]


def test_a_table_is_as_wide_as_its_columns(capsys):
    fewshot.print_table("FID", ["one judge", "b"], {"before": ["1", "22"], "a long way": ["333", ""]})
    assert capsys.readouterr().out == "FID         one judge  b\nbefore      1          22\na long way  333\n"
    fewshot.print_table("FID", ["one judge"], {})
    assert capsys.readouterr().out == ""


def test_runs_are_chosen_by_way_style_and_count():
    every = found(run(), run(count=10), run(style="pixelart"), run("new D"), run(seed=1))
    assert [one["seed"] for one in fewshot.runs(every, "fine-tuned")] == [0, 1]
    assert fewshot.runs(every, "fine-tuned", "pixelart", 10) == []


@pytest.mark.parametrize(
    ("numbers", "said"),
    [([], "not run"), ([2.0], "2"), ([1.0, 2.0, 6.0], "3 (1 to 6)"), ([1500.0, 2500.0], "2000 (1500 to 2500)")],
)
def test_spread(numbers, said):
    assert fewshot.spread(numbers) == said


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (4.0, 8.0, "helps"),
        (11.0, 22.0, "hurts"),
        (4.0, 22.0, "unclear"),
        (10.0, 8.0, "unclear"),
    ],
)
def test_a_verdict_needs_all_seeds(first, second, said):
    plain = run(at_4000=10.0), run(seed=1, at_4000=20.0)
    every = found(*plain, run("new D", at_4000=first), run("new D", seed=1, at_4000=second))
    got, ratios = fewshot.verdict(every, "new D", 100, 4_000)
    assert got == said
    assert ratios == pytest.approx(dict.fromkeys(fewshot.JUDGES, (first / 10 + second / 20) / 2))


def test_a_verdict_needs_all_judges():
    other = run("new D", at_4000=5.0)
    other["curve"][0]["efficientnet_lite0"]["FID"] = 11.0
    assert fewshot.verdict(found(run(at_4000=10.0), other), "new D", 100, 4_000)[0] == "unclear"


def test_no_verdict_without_a_partner_of_the_same_seed():
    every = found(run(at_4000=10.0), run("new D", seed=1, at_4000=5.0))
    assert fewshot.verdict(every, "new D", 100, 4_000) == ("not run", {})
    assert fewshot.verdict(found(), "new D", 100, 4_000) == ("not run", {})


def test_catching_up_by_hand():
    tuned = run(at_0=50.0, at_2016=10.0, at_4000=4.0)
    scratch = run("from scratch", at_0=90.0, at_2016=30.0, at_4000=20.0, at_8000=9.0)
    rows = [row for row in fewshot.catching_up(found(tuned, scratch)) if row["judge"] == "random_resnet18"]
    assert [(row["images"], row["late"], row["there"]) for row in rows] == [(2016, 4000, 8000), (4000, 8000, None)]
    assert [row["times"] for row in rows] == pytest.approx([4000 / 2016, 2.0])


def test_no_catching_up_without_both():
    assert fewshot.catching_up(found(run(at_0=1.0, at_2016=1.0))) == []
    assert fewshot.catching_up(found(run("from scratch", at_0=1.0), run(seed=1, at_2016=1.0))) == []


@pytest.mark.parametrize("draw", [fewshot.draw_curves, fewshot.draw_counts, fewshot.draw_ways])
@pytest.mark.parametrize("some", [0, 1, 3])
def test_pictures_of_whatever_has_been_run(draw, some, tmp_path):
    runs = [run(at_0=9.0, at_4000=5.0, at_8000=3.0), run("new D", at_0=9.0, at_4000=20.0), run(count=10, at_8000=4.0)]
    path = tmp_path / "picture.png"
    draw(found(*runs[:some]), "A picture of what some of the runs have found.", save=path)
    assert path.read_bytes().startswith(b"\x89PNG")
