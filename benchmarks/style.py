"""How fast does a style come, and which ways are better? Photographs of the test split, styles drawn by code.

    python benchmarks/style.py            ten minutes; writes benchmarks/results/style.{json,md,png} and others
    python benchmarks/style.py --quick    a trial within a minute, nothing kept

Style transfer has no true result to compare with, so there is no PSNR here and no place on the plane of distortion and
perception. What can be measured is how far the two demands are met: "style" and "content" are the terms of
`minigan.apps.style.StyleLoss`, 0 where they are met, and as a yardstick stands what the untouched photograph has.
A network that has painted flatters its own painting. So the style is also judged by another one, the judge of
`minigan.course.judge` (VGG-16 for edges), with the same formula on its layers.

Clocks start when the weights are loaded: the features of both pictures count. The painting is stopped by the clock, so
the quality after so many seconds depends on the machine; the ratio of a step to a pass hardly does.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import bench
import torch
import typer
from torch import Tensor, nn

from minigan import data, hardware, plot, weights
from minigan.apps import style as app
from minigan.apps.patterns import PATTERNS
from minigan.apps.tasks import STYLES
from minigan.backbones import Backbone
from minigan.course.gallery import shrink_file
from minigan.course.judge import LAYERS as JUDGE_LAYERS
from minigan.course.judge import judge

SIZE = 256  # pixels of the longer side
TIMES = (2, 5, 10, 20)  # seconds after which a painting is looked at
SHOWN = (("china", "whirls"), ("chelsea", "mosaic"), ("statueofLiberty", "engraving"), ("flower", "whirls"))
COMPARED = (("chelsea", "whirls"), ("petra", "mosaic"))
PASSED = ("chelsea", "china", "coffee")
Row = dict[str, Any]


def content(name: str) -> Tensor:
    return app.within(data.photo(name), SIZE)


def total(terms: dict[str, Tensor]) -> float:
    return sum(app.WEIGHTS[name] * float(term) for name, term in terms.items())


class Clamped(nn.Module):
    """A canvas of plain pixels that are clamped after each step, as in many tutorials."""

    def __init__(self, start: Tensor):
        super().__init__()
        self.pixels = nn.Parameter(start.clone())

    def forward(self) -> Tensor:
        with torch.no_grad():
            self.pixels.clamp_(-1, 1)
        return self.pixels


Descent = Iterator[tuple[float, dict[str, Tensor]]]  # the clock at each look at the loss, and the terms


def adam(canvas: nn.Module, loss: app.StyleLoss, target: Tensor) -> Descent:
    """Paint as the library does."""
    for terms in app.paint(canvas, loss, target, steps=10**6):
        yield time.perf_counter(), terms


def lbfgs(canvas: nn.Module, loss: app.StyleLoss, target: Tensor) -> Descent:
    """Paint by L-BFGS with a line search, ten steps at a time; each look at the loss counts, and there are many."""
    optimizer = torch.optim.LBFGS(canvas.parameters(), max_iter=10, history_size=20, line_search_fn="strong_wolfe")
    seen: list[tuple[float, dict[str, Tensor]]] = []

    def look() -> Tensor:
        optimizer.zero_grad()
        terms = loss(target, canvas())
        value = torch.stack([app.WEIGHTS[name] * term for name, term in terms.items()]).sum()
        value.backward()
        seen.append((time.perf_counter(), {name: term.detach() for name, term in terms.items()}))
        return value

    while True:
        optimizer.step(look)
        yield from seen
        seen.clear()


def painted_in(seconds: float, descent: Descent) -> list[tuple[float, float]]:
    """Run a descent for so long; the seconds and the total loss at each look."""
    began, course = time.perf_counter(), []
    for now, terms in descent:
        course.append((round(now - began, 3), total(terms)))
        if course[-1][0] >= seconds:
            break
    return course


def by_the_clock(pairs: tuple, times: tuple) -> tuple[list[Row], dict]:
    """Paint each pair until the last of the times; a row and a picture for each."""
    rows, pictures = [], {}
    for name, pattern in pairs:
        picture, style = content(name), PATTERNS[pattern](SIZE)
        backbone = Backbone("efficientnet_lite0", app.LAYERS)
        began = time.perf_counter()
        loss = app.StyleLoss(style, backbone)
        target, canvas = loss.target(picture), app.Canvas(picture)
        descent = app.paint(canvas, loss, target, steps=10**6)
        snapshots, waiting = [picture], list(times)
        for steps, _ in enumerate(descent, 1):
            if time.perf_counter() - began >= waiting[0]:
                snapshots.append(canvas().detach())
                rows.append({"content": name, "style": pattern, "seconds": waiting.pop(0), "steps": steps})
                if not waiting:
                    break
        first = judged(loss, target, picture, style)
        for row, snapshot in zip(rows[-len(times) :], snapshots[1:], strict=True):
            found = judged(loss, target, snapshot, style)
            row |= {"style_left": found["style"] / first["style"], "kept": found["content"]}
            row["judge_left"] = found["judge"] / first["judge"]
            typer.echo(str(row))
        pictures[f"{name}\n{pattern}"] = [app.within(style, SIZE), *snapshots]
    return rows, pictures


@cache
def second_network() -> Backbone:
    """The features of the judge, loaded once."""
    return judge().backbone


def judged(loss: app.StyleLoss, target: Tensor, picture: Tensor, style: Tensor) -> dict[str, float]:
    """The terms of a picture, and its style as another network sees it."""
    other = app.StyleLoss(style, second_network(), JUDGE_LAYERS[-1])
    with torch.no_grad():
        return {**{key: float(term) for key, term in loss(target, picture).items()}} | {
            "judge": float(other(None, picture)["style"])
        }


def canvases(picture: Tensor) -> dict[str, Callable[[], nn.Module]]:
    """Three things to paint on, and their names."""
    return {
        "pyramid": lambda: app.Canvas(picture),
        "plain pixels": lambda: app.Canvas(picture, smallest=10_000),
        "clamped pixels": lambda: Clamped(picture),
    }


def ways(pairs: tuple, seconds: float) -> tuple[list[Row], dict[str, list], dict[str, list[Tensor]]]:
    """Canvas, optimiser and network compared at equal seconds: rows, courses of the first pair, pictures."""
    rows: list[Row] = []
    courses: dict[str, list] = {}
    pictures: dict[str, list[Tensor]] = {}
    random = torch.Generator().manual_seed(0)
    for name, pattern in pairs:
        picture, style = content(name), PATTERNS[pattern](SIZE)
        loss = app.StyleLoss(style)
        target = loss.target(picture)
        first = judged(loss, target, picture, style)
        named: dict[str, tuple[nn.Module, Descent]] = {}
        for kind, make in canvases(picture).items():
            canvas = make()
            named[f"Adam, {kind}"] = canvas, adam(canvas, loss, target)
            if kind != "clamped pixels":
                canvas = make()
                named[f"L-BFGS, {kind}"] = canvas, lbfgs(canvas, loss, target)
        strange = app.StyleLoss(
            style, Backbone("efficientnet_lite0", app.LAYERS, weights=None, generator=random.manual_seed(0))
        )
        canvas = app.Canvas(picture)
        named["random weights"] = canvas, adam(canvas, strange, strange.target(picture))
        shown = [picture]
        for way, (canvas, descent) in named.items():
            course = painted_in(seconds, descent)
            with torch.no_grad():
                result = canvas().clamp(-1, 1)
            found = judged(loss, target, result, style)
            row = {"content": name, "style": pattern, "way": way, "evaluations": len(course)}
            row |= {"total": total({key: torch.tensor(found[key]) for key in app.WEIGHTS}), "kept": found["content"]}
            row |= {"style_left": found["style"] / first["style"], "judge_left": found["judge"] / first["judge"]}
            row["variation"] = found["variation"]
            rows.append(row)
            typer.echo(str(row))
            shown.append(result)
            if name == pairs[0][0] and way != "random weights":
                courses[way] = course
        pictures[f"{name}\n{pattern}"] = shown
    return rows, courses, pictures


def median_ms(run: Callable[[], Any], times: int) -> float:
    """The median of the milliseconds that a call takes, after two that do not count."""
    found = []
    for number in range(times + 2):
        began = time.perf_counter()
        run()
        if number >= 2:
            found.append(1000 * (time.perf_counter() - began))
    return statistics.median(found)


def speed(network: app.Stylist) -> Row:
    """Milliseconds of a step and of a pass, in turns, for a square picture of SIZE pixels."""
    picture = data.load("photos", "test", SIZE)[:1]
    loss = app.StyleLoss(PATTERNS["whirls"](SIZE))
    descent = app.paint(app.Canvas(picture), loss, loss.target(picture), steps=10**6)

    def passed() -> None:
        with torch.inference_mode():
            network(picture)

    steps, passes = [], []
    for _ in range(5):
        steps.append(median_ms(lambda: next(descent), 5))
        passes.append(median_ms(passed, 5))
    step, once = statistics.median(steps), statistics.median(passes)
    ratios = [500 * a / b for a, b in zip(steps, passes, strict=True)]
    return {"step_ms": step, "pass_ms": once, "times": 500 * step / once, "least": min(ratios), "most": max(ratios)}


def against_steps(network: app.Stylist, names: tuple, steps: int) -> tuple[list[Row], dict[str, list[Tensor]]]:
    """The network's pass, and how many steps of descent have a lower total loss; pictures."""
    style = PATTERNS["whirls"](SIZE)
    loss = app.StyleLoss(style)
    rows, pictures = [], {}
    for name in names:
        picture = content(name)
        target, canvas = loss.target(picture), app.Canvas(picture)
        with torch.no_grad():
            made = network(picture)
        found, first = judged(loss, target, made, style), judged(loss, target, picture, style)
        reached = [total(terms) for terms in app.paint(canvas, loss, target, steps=steps)]
        mine = total({key: torch.tensor(found[key]) for key in app.WEIGHTS})
        last = judged(loss, target, canvas().detach(), style)
        row = {"content": name, "total": mine, "painted_total": reached[-1], "kept": found["content"]}
        row |= {"style_left": found["style"] / first["style"], "judge_left": found["judge"] / first["judge"]}
        row |= {"painted_style_left": last["style"] / first["style"], "painted_kept": last["content"]}
        row |= {"painted_judge_left": last["judge"] / first["judge"]}
        row["worth_steps"] = next((number for number, value in enumerate(reached) if value <= mine), None)
        rows.append(row)
        typer.echo(str(row))
        pictures[name] = [picture, made, canvas().detach()]
    return rows, pictures


def table(rows: list[Row], columns: dict[str, str]) -> str:
    """A table in Markdown; `columns`: heading by key."""

    def cell(value: Any) -> Any:
        return f"{value:.3g}" if isinstance(value, float) else value

    return bench.table(columns.values(), [[cell(row.get(key)) for key in columns] for row in rows])


def text(found: bench.Found) -> str:
    """The results in Markdown."""
    terms = {"style_left": "style left", "judge_left": "style left, by the judge", "kept": "content lost"}
    pair = {"content": "photograph", "style": "style"}
    clock = table(found["clock"], pair | {"seconds": "seconds", "steps": "steps"} | terms)
    compared = table(
        found["ways"],
        pair | {"way": "way", "evaluations": "evaluations", "total": "total"} | terms | {"variation": "variation"},
    )
    fast, parts = found.get("speed"), []
    if fast:
        painted = {"total": "total", "painted_total": f"total after {found['steps']} steps"}
        passed = {"content": "photograph"} | painted | {"worth_steps": "steps until as low"}
        passed |= terms | {
            "painted_judge_left": "style left by the judge, painted",
            "painted_kept": "content lost, painted",
        }
        parts = [
            "## One pass of the network against the descent\n\n"
            f"A square of {SIZE} pixels: {fast['step_ms']:.0f} ms a step, {fast['pass_ms']:.0f} ms a pass. **One pass "
            f"is {fast['times']:.0f} times as fast as 500 steps** ({fast['least']:.0f} to {fast['most']:.0f} in five "
            f"rounds). How good it is, in the style it was trained for:\n\n{table(found['passes'], passed)}\n\n"
            "![Photographs, one pass, and the descent](style_pass.png)\n",
        ]
    lines = [
        "# Style transfer\n",
        f"`python benchmarks/style.py` on {found['machine']}: photographs of the test split at {SIZE} pixels. "
        "*Style left* and *by the judge* are shares of what the untouched photograph has, so that 1 is no style and 0 "
        "is the style picture's. *Content lost* is 0 for the photograph itself and about 1 for another picture. There "
        f"is no true result to compare with.{bench.load(found)}\n",
        "## By the clock\n",
        f"{clock}\n",
        "![Style, photograph, and the painting after some seconds](style.png)\n",
        f"## Ways to paint, {found['seconds']:.0f} seconds each\n",
        f"*Total* is what is minimised, also for random weights, which minimise their own.\n\n{compared}\n",
        "![Paintings by each way](style_ways.png)\n\n![The loss over the seconds](style_courses.png)\n",
        *parts,
    ]
    return "\n".join(lines)


def framed(images: list[Tensor], height: int = 192, width: int = 256) -> Tensor:
    """Pictures of any shape as one batch: shrunk where they must be, on white."""
    sheet = torch.ones(len(images), 3, height, width)
    for place, image in zip(sheet, images, strict=True):
        scale = min(height / image.shape[-2], width / image.shape[-1])
        small = data.resize(image.clamp(-1, 1), (int(image.shape[-2] * scale), int(image.shape[-1] * scale)))[0]
        top, left = (height - small.shape[-2]) // 2, (width - small.shape[-1]) // 2
        place[:, top : top + small.shape[-2], left : left + small.shape[-1]] = small
    return sheet


def draw(pictures: dict[str, list[Tensor]], titles: list[str], alt: str, file: str) -> bench.Draw:
    """Rows of pictures of any shape."""

    def drawn(found: bench.Found, folder: Path) -> None:
        rows = {name: framed(images) for name, images in pictures.items()}
        plot.compare(rows, titles=titles, alt=alt, width=13, save=folder / file)
        shrink_file(folder / file)

    return drawn


def draw_courses(courses: dict[str, list], found: bench.Found, folder: Path) -> None:
    """The total loss over the seconds for each way."""
    alt = (
        "Total loss over the seconds on logarithmic axes, for Adam and L-BFGS on a pyramid and on plain pixels and for "
        "Adam with clamped pixels."
    )
    with plot.figure(alt=alt, size=(6.4, 3.8), save=folder / "style_courses.png") as axis:
        for way, course in courses.items():
            seconds, values = zip(*course, strict=True)
            lowest = torch.tensor(values).cummin(0).values  # a line search tries worse places too
            axis.plot(seconds, lowest, label=way, ls="--" if way.startswith("L") else "-")
        axis.set(xlabel="seconds", ylabel="total loss, the lowest so far", xscale="log", yscale="log")
        axis.legend()


def claim(found: bench.Found) -> str:
    fast = found["speed"]
    lbfgs, adam = (
        [row["total"] for row in found["ways"] if row["way"] == f"{how}, pyramid"] for how in ("L-BFGS", "Adam")
    )
    lower = ", ".join(f"{1 - a / b:.0%}" for a, b in zip(lbfgs, adam, strict=True))
    return (
        f"One pass of a network is {fast['times']:.0f} times as fast as 500 steps of painting; after equal seconds "
        f"L-BFGS on a pyramid has a lower loss than Adam, by {lower}"
    )


def main(quick: bench.Quick = False) -> None:
    """Measure style transfer."""
    conditions = bench.conditions()
    hardware.keep_freed_memory()
    times: tuple = (1, 2) if quick else TIMES
    clock, pictures = by_the_clock(SHOWN[:1] if quick else SHOWN, times)
    seconds = 2.0 if quick else 8.0
    rows, courses, painted = ways(COMPARED[:1] if quick else COMPARED, seconds)
    found: Row = conditions | {"clock": clock, "seconds": seconds, "ways": rows, "steps": 5 if quick else 200}
    passed: dict[str, list[Tensor]] = {}
    if (weights.SHIPPED / "apps" / f"style_{STYLES[0]}.safetensors").is_file():
        network = weights.shipped_app(f"style_{STYLES[0]}", app.Stylist)[0]
        assert isinstance(network, app.Stylist)
        found["speed"] = speed(network)
        typer.echo(str(found["speed"]))
        found["passes"], passed = against_steps(network, PASSED[:1] if quick else PASSED, found["steps"])
    bench.publish(__file__, found, text, *drawings(found, times, pictures, painted, passed, courses), quick=quick)


def drawings(
    found: Row, times: tuple, pictures: Row, painted: Row, passed: Row, courses: dict[str, list]
) -> Iterator[bench.Draw]:
    """The pictures of all that was painted."""
    yield draw(
        pictures,
        ["style", "photograph", *(f"{seconds} s" for seconds in times)],
        "Four rows: a style drawn by code, a photograph, and its painting after 2, 5, 10 and 20 seconds. The style is "
        "plain to see after 5 seconds and hardly changes after 10.",
        "style.png",
    )
    names = ["photograph", *(row["way"] for row in found["ways"] if row["content"] == COMPARED[0][0])]
    alt = (
        "Two rows: a photograph and its painting by Adam and L-BFGS on a pyramid and on plain pixels, by clamped "
        "pixels, and with a network of random weights."
    )
    yield draw(painted, names, alt, "style_ways.png")
    yield partial(draw_courses, courses)
    if passed:
        alt = "Three photographs, each beside one pass of the network and 200 steps of descent in the same style."
        yield draw(passed, ["photograph", "one pass", f"{found['steps']} steps"], alt, "style_pass.png")


if __name__ == "__main__":
    typer.run(main)
