"""What a training shows: a bar in a terminal, lines in a log, one picture redrawn in a notebook, nothing when quiet."""

import io
import re
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from minigan import plot, progress, train
from minigan.plot import Picture
from minigan.progress import Progress
from minigan.train import TrainConfig


class Generator(nn.Module):
    """Makes one learnt picture of every latent."""

    latents = 2

    def __init__(self):
        super().__init__()
        self.picture = nn.Parameter(torch.zeros(1, 3, 4, 4))

    def forward(self, latents):
        return self.picture.expand(len(latents), -1, -1, -1)


@pytest.fixture
def state(monkeypatch):
    monkeypatch.setenv("MINIGAN_DEVICE", "cpu")
    return train.start(TrainConfig(images=1000, batch=10, precision="float32"), Generator())


def go_on(state, images: int, loss: float) -> None:
    state.seen, state.seconds = images, images / 10
    state.history.append({"images": images, "seconds": state.seconds, "discriminator": loss, "real score": 0.125})


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch):
    screen = Screen()
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=screen))
    return screen


@pytest.fixture
def notebook(monkeypatch):
    """A notebook that notes what is displayed and redrawn."""
    shown = SimpleNamespace(displayed=[], redrawn=[])

    def display(thing, display_id=None):
        assert display_id is True
        shown.displayed.append(thing)
        return SimpleNamespace(update=shown.redrawn.append)

    monkeypatch.setattr(plot, "get_ipython", lambda: SimpleNamespace(kernel=True))
    monkeypatch.setattr(progress, "display", display)
    return shown


def test_a_terminal_has_a_bar_that_ends_where_training_ends(state, terminal, capsys):
    go_on(state, 100, 2.0)
    with Progress(state, "peeps") as shown:
        for images in range(200, 1001, 100):
            go_on(state, images, images / 1000)
            shown.update()
        assert shown.bar.n == 1000
    last = terminal.getvalue().split("\r")[-1]
    assert re.search(r"peeps: 100%.*1.00k/1.00k .*images/s, discriminator 1\.00, real score 0\.12\]\n$", last)
    assert terminal.getvalue().count("\n") == 1
    assert "10%" in terminal.getvalue().split("\r")[1]  # a resumed training begins where it stands
    assert capsys.readouterr().out == ""


def test_a_log_has_lines(state, capsys):
    with Progress(state, "peeps", patience=0) as shown:
        for images in (500, 1000):
            go_on(state, images, images / 1000)
            shown.update()
    told = capsys.readouterr()
    first, *others = told.err.splitlines()
    assert re.fullmatch(r"peeps: 500 images in 50 s, about \d+ s left: discriminator 0\.50, real score 0\.12", first)
    assert others == ["peeps: 1,000 images in 100 s: discriminator 1.00, real score 0.12"] * 2
    assert ("\r" in told.err, told.out) == (False, "")


def test_a_log_is_not_flooded(state, capsys, monkeypatch):
    """Looks at 0, 10, ... 90 s: a line each half minute, and one at the end."""
    now = iter(range(0, 10**6, 10))
    current = [0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: current[0])
    with Progress(state, "peeps") as shown:
        for current[0] in [next(now) for _ in range(10)]:
            go_on(state, 10 + current[0], 1.0)
            shown.update()
    seen = [int(line.split()[1]) for line in capsys.readouterr().err.splitlines()]
    assert seen == [40, 70, 100, 100]


def test_a_notebook_has_one_picture_redrawn(state, notebook, capsys):
    with Progress(state, "peeps", patience=0) as shown:
        for images in (500, 1000):
            go_on(state, images, images / 1000)
            shown.update()
    assert (len(notebook.displayed), len(notebook.redrawn)) == (1, 2)
    pictures = [*notebook.displayed, *notebook.redrawn]
    assert all(isinstance(picture, Picture) for picture in pictures)
    assert pictures[0].alt.startswith("peeps: 500 images in 50 s, about ")
    assert pictures[-1].alt.startswith("peeps: 1,000 images in 100 s. Left: samples")
    assert "discriminator 1.00" in pictures[-1].alt
    assert pictures[0].png.startswith(b"\x89PNG")
    assert capsys.readouterr() == ("", "")


def test_a_notebook_is_not_redrawn_all_the_time(state, notebook):
    with Progress(state, "peeps", patience=1000) as shown:
        go_on(state, 500, 1.0)
        shown.update()
        assert not notebook.displayed
    assert (len(notebook.displayed), len(notebook.redrawn)) == (1, 0)  # the end is always shown


def test_networks_without_latents_have_no_samples(state, notebook):
    del type(state.generator).latents
    try:
        with Progress(state, "super-resolution"):
            go_on(state, 500, 1.0)
    finally:
        type(state.generator).latents = 2
    assert notebook.displayed[0].alt.startswith("super-resolution: 500 images")


@pytest.mark.parametrize("place", ["bar", "picture", "line"])
def test_an_error_ends_the_display_and_goes_through(place, state, terminal, notebook, monkeypatch):
    monkeypatch.setattr(progress, "place", lambda: place)
    with pytest.raises(KeyboardInterrupt), Progress(state, "peeps"):
        go_on(state, 500, 1.0)
        raise KeyboardInterrupt
    assert (len(notebook.displayed), terminal.getvalue().count("500")) == ((1, 0) if place == "picture" else (0, 1))
    assert terminal.getvalue().endswith("" if place == "picture" else "\n")


def test_quiet_is_silent(state, notebook, capsys):
    with Progress(state, "peeps", quiet=True, patience=0) as shown:
        go_on(state, 500, 1.0)
        shown.update()
    assert not notebook.displayed
    assert capsys.readouterr() == ("", "")


def test_a_training_without_a_step_shows_nothing_in_a_notebook(state, notebook):
    with Progress(state, "peeps"):
        pass
    assert not notebook.displayed


def test_the_place_is_found(monkeypatch, terminal):
    assert progress.place() == "bar"
    monkeypatch.setattr(plot, "get_ipython", lambda: SimpleNamespace())  # IPython in a terminal
    assert progress.place() == "bar"
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=io.StringIO()))
    assert progress.place() == "line"
    monkeypatch.setattr(plot, "get_ipython", lambda: SimpleNamespace(kernel=True))
    assert progress.place() == "picture"


def test_fit_shows_its_progress(state, capsys):
    """One line at the end, and the losses of all looks in the history."""
    state.config = TrainConfig(images=40, batch=10, precision="float32")
    real = {"real": torch.full((10, 3, 4, 4), 0.5)}
    train.fit(
        state, lambda _: real, terms=lambda fake, batch: {"pixel": (fake - batch["real"]).abs().mean()},
        log_every=10, title="noise",
    )  # fmt: skip
    assert re.fullmatch(r"noise: 40 images in \d+ s: pixel 0\.50\n", capsys.readouterr().err)
    assert len(state.history) == 4
