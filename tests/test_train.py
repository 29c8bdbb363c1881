"""Training against a hand-written loop and hand-worked numbers; resuming bit for bit; every way in which runs break."""

import errno
import itertools
import math
import os
import pickle
import resource
import signal
import subprocess
import sys
import threading
import time
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from minigan import hardware, train, weights
from minigan.data import ImageSet
from minigan.losses import ADVERSARIAL
from minigan.nets import Discriminator, Generator
from minigan.train import TrainConfig, TrainState, fit, resume, save, start, step

SETTINGS = {"batch": 4, "images": 40, "precision": "float32", "r1": 0.0, "channels_last": False}


@pytest.fixture(autouse=True)
def on_cpu(monkeypatch):
    monkeypatch.setenv("MINIGAN_DEVICE", "cpu")


def pictures(count: int = 24, size: int = 8, seed: int = 0) -> ImageSet:
    random = torch.Generator().manual_seed(seed)
    return ImageSet(torch.randint(256, (count, 3, size, size), dtype=torch.uint8, generator=random), "noise")


def small(width: int = 4, **settings) -> TrainState:
    """A training of the smallest networks there are."""
    config = TrainConfig(**{**SETTINGS, **settings})
    torch.manual_seed(config.seed)
    return start(config, Generator(8, latents=4, width=width), Discriminator(8, width=width), data="noise")


def quietly(state: TrainState, **options) -> TrainState:
    return fit(state, options.pop("images", pictures()), **{"quiet": True, "log_every": 8, "save_every": 20, **options})


def everything(state: TrainState) -> dict:
    """All that a run is, but for the time it took."""
    found = deepcopy(train.contents(state))
    del found["seconds"]
    found["history"] = [{key: value for key, value in row.items() if key != "seconds"} for row in found["history"]]
    return found


def same(one, other) -> bool:
    """Equal bit for bit, however deep."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def flat(parameters) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in parameters])


class Linear(nn.Module):
    """D(x) = <w, x>, whose gradient is w everywhere."""

    def __init__(self, w: torch.Tensor):
        super().__init__()
        self.w = nn.Parameter(w)

    def forward(self, images):
        return (images * self.w).flatten(1).sum(1)


class Constant(nn.Module):
    """A generator that makes one learnt picture of everything. It has no statistics."""

    latents = 2

    def __init__(self, value: float = 0.0):
        super().__init__()
        self.picture = nn.Parameter(torch.full((1, 1, 2, 2), value))

    def forward(self, latents):
        return self.picture.expand(len(latents), -1, -1, -1)


def linear(w: torch.Tensor, generator: nn.Module | None = None, **settings) -> TrainState:
    """A Wasserstein game with a linear critic and plain gradient descent, to be worked out by hand."""
    config = TrainConfig(**{**SETTINGS, "loss": "wasserstein", **settings})
    state = start(config, generator or Constant(), Linear(w.clone()))
    state.g_optimizer = torch.optim.SGD(state.generator.parameters(), 1.0)
    state.d_optimizer = torch.optim.SGD(state.discriminator.parameters(), 1.0)
    return state


# One step


def d_loss_by_hand(name, real, fake):
    ones, zeros = torch.ones_like(real), torch.zeros_like(fake)
    return {
        "least_squares": lambda: (F.mse_loss(real, ones) + F.mse_loss(fake, zeros)) / 2,
        "hinge": lambda: torch.clamp(1 - real, min=0).mean() + torch.clamp(1 + fake, min=0).mean(),
        "wasserstein": lambda: -(real.mean() - fake.mean()),
    }.get(
        name, lambda: F.binary_cross_entropy_with_logits(real, ones) + F.binary_cross_entropy_with_logits(fake, zeros)
    )()


def g_loss_by_hand(name, fake):
    return {
        "minimax": lambda: -F.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake)),
        "non_saturating": lambda: F.binary_cross_entropy_with_logits(fake, torch.ones_like(fake)),
        "least_squares": lambda: F.mse_loss(fake, torch.ones_like(fake)) / 2,
    }.get(name, lambda: -fake.mean())()


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("loss", ADVERSARIAL)
def test_a_step_is_the_step_of_the_tutorials(loss, channels_last):
    """The same losses, gradients and weights as the usual loop, which lets all gradients flow and throws some away."""
    state = small(loss=loss, weights={"adversarial": 0.7, "pixel": 3.0, "mean": 0.1}, channels_last=channels_last)
    generator, discriminator = deepcopy(state.generator), deepcopy(state.discriminator)
    adam = {"lr": 4e-4, "betas": (0.0, 0.99), "fused": False, "foreach": False}
    g_adam = torch.optim.Adam(generator.parameters(), **adam)
    d_adam = torch.optim.Adam(discriminator.parameters(), **adam)
    random = torch.Generator().manual_seed(state.config.seed)
    torch.randn(64, 4, generator=random)  # the fixed latents
    for batch in pictures()[:12].split(4):

        def terms(fake, given):
            return {"pixel": F.l1_loss(fake, given["real"]), "mean": fake.mean().square()}

        found = step(state, {"real": batch}, terms=terms)
        fake = generator(torch.randn(4, 4, generator=random))
        d_loss = d_loss_by_hand(loss, discriminator(batch), discriminator(fake.detach()))
        d_adam.zero_grad()
        d_loss.backward()
        d_gradients = [parameter.grad.clone() for parameter in discriminator.parameters()]
        d_adam.step()
        g_loss, others = g_loss_by_hand(loss, discriminator(fake)), terms(fake, {"real": batch})
        g_adam.zero_grad()
        (0.7 * g_loss + 3.0 * others["pixel"] + 0.1 * others["mean"]).backward()  # L = sum_k w_k L_k
        g_adam.step()
        assert_close(found["discriminator"], d_loss.detach())
        assert_close(found["adversarial"], g_loss.detach())
        assert_close(found["pixel"], others["pixel"].detach())
        # G's update has left nothing in D's gradients
        assert_close([p.grad for p in state.discriminator.parameters()], d_gradients, rtol=1e-4, atol=1e-6)
        assert_close(
            [p.grad for p in state.generator.parameters()],
            [p.grad for p in generator.parameters()],
            rtol=1e-4,
            atol=1e-6,
        )
    # Adam divides by the gradient's size, which magnifies rounding where it is near zero; a tenth of one update is kept
    assert_close(flat(state.generator.parameters()), flat(generator.parameters()), rtol=0, atol=4e-5)
    assert_close(flat(state.discriminator.parameters()), flat(discriminator.parameters()), rtol=0, atol=4e-5)
    assert (state.steps, state.seen) == (3, 12)


def test_the_generator_has_no_gradient_from_the_discriminators_update():
    state = small()
    before = flat(state.generator.parameters())
    real, fake = pictures()[:8].split(4)
    train.discriminator_step(state, real, fake.requires_grad_().detach())
    assert all(parameter.grad is None for parameter in state.generator.parameters())
    assert torch.equal(flat(state.generator.parameters()), before)


def test_a_step_by_hand():
    """D(x) = <w, x>, G(z) = c: the critic moves to w + real - fake, then the picture by the new w."""
    w, real = torch.tensor([[[1.0, 0.0], [0.0, -1.0]]]), torch.full((4, 1, 2, 2), 0.5)
    state = linear(w)
    found = step(state, {"real": real})
    assert_close(state.discriminator.w.detach(), w + 0.5)
    assert_close(state.generator.picture.detach()[0], w + 0.5)
    assert_close(
        {name: value.item() for name, value in found.items()},
        {"discriminator": 0.0, "real score": 0.0, "fake score": 0.0, "adversarial": 0.0},
    )


def test_r1_comes_every_so_many_steps_with_so_many_times_the_weight():
    """1/2 ||w||^2 has the gradient w: with real = fake, w shrinks by gamma * every at steps 0, 4, 8."""
    w, fixed = torch.full((1, 2, 2), 1.0), Constant(0.5)
    state = linear(w, fixed, r1=0.05, r1_every=4)
    state.g_optimizer = torch.optim.SGD(fixed.parameters(), 0.0)
    sizes = []
    for _ in range(9):
        step(state, {"real": torch.full((4, 1, 2, 2), 0.5)})
        sizes.append(state.discriminator.w.detach().mean().item())
    shrunk = 1 - 0.05 * 4
    assert_close(torch.tensor(sizes), torch.tensor([shrunk] * 4 + [shrunk**2] * 4 + [shrunk**3]))


def test_the_gradient_penalty_pulls_the_critics_slope_to_one():
    """(||w|| - 1)^2 with ||w|| = 3 has the gradient 2 (3 - 1) w / 3."""
    w, fixed = torch.full((1, 2, 2), 1.5), Constant(0.5)
    state = linear(w, fixed, gradient_penalty=0.1)
    step(state, {"real": torch.full((4, 1, 2, 2), 0.5)})
    assert_close(state.discriminator.w.detach(), w - 0.1 * 4 / 3 * w)


def test_without_a_discriminator_the_terms_alone_train():
    """G(z) = c with L = 2 (c - x)^2: the gradient is 4 (c - x)."""
    config = TrainConfig(**SETTINGS, weights={"pixel": 2.0})
    state = start(config, Constant(0.25))
    state.g_optimizer = torch.optim.SGD(state.generator.parameters(), 0.1)
    real = torch.full((4, 1, 2, 2), 0.75)
    batch = {"real": real, "small": torch.zeros(4, 2)}
    found = step(
        state,
        batch,
        lambda given: state.generator(given["small"]),
        lambda fake, b: {"pixel": (fake - b["real"]).square().sum() / 4},
    )
    assert found.keys() == {"pixel"}
    assert_close(found["pixel"].item(), 1.0)
    assert_close(state.generator.picture.detach(), torch.full((1, 1, 2, 2), 0.25 + 0.1 * 4 * 0.5))
    fit(
        replace(state), lambda _: batch, terms=lambda fake, b: {"pixel": (fake - b["real"]).square().mean()}, quiet=True
    )


def test_discriminator_and_terms_see_unaugmented_targets_and_augmented_judgement(monkeypatch):
    """Real and fake are both augmented before D; the terms compare what came out with what went in."""
    state = small(augment=("brightness",))
    judged, compared = [], []
    state.discriminator.register_forward_pre_hook(lambda module, inputs: judged.append(inputs[0].detach()))
    monkeypatch.setattr(train, "augment", lambda images, names, random: images * 0 + 0.5)
    real = pictures()[:4]

    def terms(fake, batch):
        compared.append((fake.detach(), batch["real"]))
        return {"pixel": (fake - batch["real"]).abs().mean()}

    step(state, {"real": real}, terms=terms)
    assert len(judged) == 3
    assert all(torch.equal(images, torch.full_like(images, 0.5)) for images in judged)
    assert torch.equal(compared[0][1], real)
    assert compared[0][0].std() > 0


@pytest.mark.parametrize(
    ("discriminator", "given", "said"),
    [(True, {"pixle": 9.0}, "weighted are pixle"), (False, {}, "the terms are none")],
)
def test_weights_and_terms_that_do_not_fit_are_refused(discriminator, given, said, refuses):
    state = small(weights=given)
    state.discriminator = state.discriminator if discriminator else None
    with refuses(ValueError, said, "weight only terms that are there"):
        step(state, {"real": pictures()[:4]})


def test_a_multiple_is_passed_whatever_the_batches():
    seen = [0, 30, 60, 101, 199, 200, 230]
    steps = list(itertools.pairwise(seen))
    assert [after for before, after in steps if train.passed(before, after, 100)] == [101, 200]


# The average


def test_the_average_forgets_half_in_a_half_life():
    state = small(ema_half_life=100, batch=10)
    state.seen = 10**6
    first, target = flat(state.average.parameters()), flat(state.generator.parameters()) + 1.0
    with torch.no_grad():
        for parameter in state.generator.parameters():
            parameter += 1.0
    for _ in range(10):  # of 10 images
        train.update_average(state, 10)
    assert_close(flat(state.average.parameters()), (first + target) / 2)


def test_the_average_of_a_fine_tuned_generator_needs_no_ramp():
    state = small(ema_half_life=4, ema_ramp_up=0.0, batch=4)
    state.seen = 4
    with torch.no_grad():
        for parameter in state.generator.parameters():
            parameter += 1
    before = flat(state.average.parameters())
    train.update_average(state, 4)
    assert_close(flat(state.average.parameters()), before + 0.5)


def test_the_average_warms_up_and_takes_the_statistics_as_they_are():
    """After n images the half-life is n / 20 at most: the beginner's weights are soon forgotten."""
    state = small(ema_half_life=10**6, batch=4)
    state.seen = 80
    with torch.no_grad():
        for tensor in [*state.generator.parameters(), *state.generator.buffers()]:
            tensor += 1
    before = flat(state.average.parameters())
    train.update_average(state, 4)  # half-life 4 images
    assert_close(flat(state.average.parameters()), before + 0.5)
    assert_close(list(state.average.buffers()), list(state.generator.buffers()), rtol=0, atol=0)


def test_the_average_is_what_samples_are_drawn_with():
    state = quietly(small(images=8))
    assert_close(state.sample(), state.average(state.latents).detach())
    assert (state.sample().abs() <= 1).all()
    assert not torch.equal(state.sample(), state.generator.eval()(state.latents).detach())
    assert state.sample().shape == (64, 3, 8, 8)


# Batches


def test_draw_is_uniform_and_follows_the_seed():
    state = small(batch=64)
    numbered = ImageSet(torch.arange(10, dtype=torch.uint8)[:, None, None, None].expand(10, 3, 8, 8), "numbers")
    drawn = [((train.draw(state, numbered)["real"][:, 0, 0, 0] + 1) * 127.5).round().long() for _ in range(50)]
    counts = torch.bincount(torch.cat(drawn), minlength=10).double()
    assert len(counts) == 10
    assert ((counts - 320).square() / 320).sum() < 27.9  # chi-squared with 9 degrees of freedom: one in a thousand
    first, again, other = (train.draw(small(seed=seed), pictures())["real"] for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_nothing_reads_the_global_random_state():
    torch.manual_seed(1)
    one = quietly(small(images=16, r1=0.5, augment=("brightness", "translation"), gradient_penalty=1.0))
    two = small(images=16, r1=0.5, augment=("brightness", "translation"), gradient_penalty=1.0)
    torch.manual_seed(2)
    before = torch.get_rng_state()
    assert same(everything(quietly(two)), everything(one))
    assert torch.equal(torch.get_rng_state(), before)


def test_to_device_keeps_the_pictures_and_chooses_the_layout():
    images = pictures()[:4]
    for channels_last in (False, True):
        moved = small(channels_last=channels_last).to_device(images)
        assert torch.equal(moved, images)
        assert moved.is_contiguous(memory_format=torch.channels_last) == channels_last


def test_all_tensors_are_where_the_device_is(monkeypatch):
    """The meta device stands for any other: a tensor that stays on the CPU would be refused by the first operation."""
    monkeypatch.setattr(hardware, "device", lambda: torch.device("meta"))
    monkeypatch.setattr(hardware, "autocast", lambda on, dtype: torch.autocast("cpu", enabled=False))
    state = small(r1=0.5, augment=("brightness", "saturation", "translation"), gradient_penalty=1.0)
    state.g_optimizer = torch.optim.SGD(state.generator.parameters())  # Adam's fused form knows no meta device
    state.d_optimizer = torch.optim.SGD(state.discriminator.parameters())
    losses = step(state, train.draw(state, pictures()))
    assert {loss.device.type for loss in losses.values()} == {"meta"}
    assert state.random.device.type == "cpu"


# The loop


def test_fit_ends_looks_and_saves_when_it_should(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(train, "save", lambda state, run: seen.append(state.seen))
    state = quietly(small(images=50), run=tmp_path, log_every=12, save_every=20)
    assert (state.seen, state.steps) == (52, 13)  # the first step that reaches the end
    assert seen == [20, 40, 52]
    assert [row["images"] for row in state.history] == [12, 20, 24, 36, 40, 48, 52]
    assert state.history[0].keys() == {"images", "seconds", "discriminator", "real score", "fake score", "adversarial"}
    quietly(state, run=tmp_path)
    assert (state.seen, len(state.history)) == (52, 7)  # nothing more to do


def test_the_history_holds_means():
    state, kept = small(images=12), []
    ordinary = train.step
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(train, "step", lambda *given: kept.append(ordinary(*given)) or kept[-1])
        quietly(state, log_every=12)
    assert_close(
        state.history[0]["adversarial"], sum(loss["adversarial"].item() for loss in kept) / 3, rtol=1e-6, atol=0
    )


def test_fit_stops_when_the_time_is_up():
    state = small(images=10**9)
    state.seconds = 100.0
    began = time.perf_counter()
    quietly(state, seconds=0.3)
    assert 0.3 <= time.perf_counter() - began < 3
    assert 100.3 <= state.seconds < 103
    assert 0 < state.seen < 10**9
    assert state.history[-1]["images"] == state.seen


def test_describe_says_what_is_trained(monkeypatch):
    monkeypatch.setattr(hardware, "bf16_speedup", lambda kind: 1.5)
    state = small(precision="bfloat16")
    lines = train.describe(state).splitlines()
    millions = sum(parameter.numel() for parameter in state.generator.parameters()) / 1e6
    assert lines[0] == (
        f"generator      {millions:.2f} million parameters: "
        "size 8, channels 3, latents 4, width 4, upsampling transposed"
    )
    assert lines[1].startswith("discriminator ")
    threads = torch.get_num_threads()
    assert (
        lines[2]
        == f"device         cpu with {threads} threads, bfloat16 (bfloat16 trains 1.5 times as fast as float32 here)"
    )
    state.discriminator = None
    assert len(train.describe(state).splitlines()) == 2


@pytest.mark.parametrize(
    ("settings", "parts"),
    [
        ({"loss": "hinges"}, ("loss 'hinges'", "did you mean 'hinge'")),
        ({"augment": ("brightnes",)}, ("augmentation 'brightnes'", "did you mean 'brightness'")),
        ({"batch": 0}, ("batch is 0", "expected a positive number")),
        ({"images": -1}, ("images is -1",)),
        ({"r1_every": 0}, ("r1_every is 0",)),
        ({"ema_half_life": 0}, ("ema_half_life is 0",)),
        ({"rate": math.nan}, ("rate is nan",)),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, parts, refuses):
    with refuses(ValueError, *parts):
        TrainConfig(**settings)


def test_names_may_be_spelt_with_capitals():
    config = TrainConfig(loss="Hinge", augment=("Brightness",))
    assert (config.loss, config.augment) == ("hinge", ("brightness",))


def test_a_wrong_precision_is_refused(refuses):
    with refuses(ValueError, "precision is 'float16'", "bfloat16"):
        small(precision="float16")


# Resuming


def scrambled(state: TrainState) -> TrainState:
    """The state with other weights and at another place of the random numbers: nothing may be left of it."""
    with torch.no_grad():
        for network in (state.generator, state.discriminator, state.average):
            for parameter in network.parameters():
                parameter.normal_()
    state.random.manual_seed(12345)
    return state


VARIANTS = {
    "plain": {},
    "all": {"r1": 0.5, "r1_every": 3, "augment": ("brightness", "saturation", "translation"), "gradient_penalty": 1.0},
    "bfloat16": {"precision": "bfloat16", "r1": 0.5, "r1_every": 2},
    "channels_last": {"channels_last": True, "loss": "hinge"},
}


@pytest.mark.parametrize("settings", VARIANTS.values(), ids=VARIANTS)
def test_ten_steps_equal_five_save_resume_five(settings, tmp_path):
    ten = quietly(small(**settings, images=40), log_every=20)
    quietly(small(**settings, images=20), run=tmp_path, log_every=20)
    five = resume(scrambled(small(**settings, images=40)), tmp_path)
    assert (five.steps, five.seen) == (5, 20)
    assert not same(everything(five), everything(ten))
    assert same(everything(quietly(five, log_every=20)), everything(ten))


def test_a_run_without_a_discriminator_resumes_too(tmp_path):
    def fresh(images):
        return start(TrainConfig(**{**SETTINGS, "images": images}), Constant())

    def go(state, **options):
        terms = {"terms": lambda fake, batch: {"pixel": (fake - batch["real"][:, :1, :2, :2]).abs().mean()}}
        return quietly(state, log_every=20, **terms, **options)

    go(fresh(20), run=tmp_path)
    assert same(everything(go(resume(fresh(40), tmp_path))), everything(go(fresh(40))))
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]  # only a Generator has weights to show


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_finishes_the_step_and_saves(number, tmp_path):
    state = small(images=40)
    calls = itertools.count(1)

    def batches(state):
        if next(calls) == 5:
            signal.raise_signal(number)
        return train.draw(state, pictures())

    before = signal.getsignal(number)
    quietly(state, images=batches, run=tmp_path)
    assert (state.steps, state.seen) == (5, 20)
    assert signal.getsignal(number) == before
    gone_on = quietly(resume(small(images=40), tmp_path))
    assert same(everything(gone_on), everything(quietly(small(images=40))))


def test_a_second_ctrl_c_stops_at_once():
    with pytest.raises(KeyboardInterrupt), train.stopping() as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.is_set()
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_training_works_in_another_thread():
    states = []
    thread = threading.Thread(target=lambda: states.append(quietly(small(images=8))))
    thread.start()
    thread.join()
    assert states[0].seen == 8


KILLED = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from test_train import quietly, small
quietly(small(images=10**6, r1=0.5), run=Path(sys.argv[2]))
"""


def test_a_killed_run_goes_on_from_its_last_whole_checkpoint(tmp_path):
    """SIGKILL at a moment that nobody chose: the checkpoint is whole, and the end is that of an undisturbed run."""
    command = [sys.executable, "-c", KILLED, str(Path(__file__).parent), str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + 60
        while len(list(tmp_path.glob("samples/*.png"))) < 3 and time.monotonic() < until and process.poll() is None:
            time.sleep(0.01)
        process.kill()
        said = process.stderr.read()
    assert process.returncode == -signal.SIGKILL, said
    state = resume(small(images=10**6, r1=0.5), tmp_path)
    assert state.seen % 20 == 0
    assert state.seen >= 40
    end = state.seen + 20
    state.config = replace(state.config, images=end)
    assert same(everything(quietly(state)), everything(quietly(small(images=end, r1=0.5))))


# Checkpoints that do not fit, or are broken


@pytest.fixture
def run(tmp_path) -> Path:
    """A saved run of five steps."""
    quietly(small(images=20), run=tmp_path / "run")
    return tmp_path / "run"


@pytest.mark.parametrize(
    ("make", "difference"),
    [
        (lambda: small(batch=8), "batch: 4 there, 8 here"),
        (lambda: small(width=2), "'width': 4, 'upsampling': 'transposed'} there"),
        (lambda: small(loss="hinge", rate=1.0), "loss: non_saturating there, hinge here; rate: 0.0004 there, 1.0 here"),
        (lambda: small(augment=("brightness",)), "augment: () there, ('brightness',) here"),
        (lambda: start(small().config, Generator(8, latents=4, width=4), Discriminator(8, width=4), data="other"),
         "data: noise there, other here"),
        (lambda: start(small().config, Generator(8, latents=4, width=4), data="noise"), "there, {} here"),
        (lambda: small(weights={"pixel": 2.0}), "weights: {} there, {'pixel': 2.0} here"),
    ],
)  # fmt: skip
def test_other_settings_are_refused_with_the_difference(make, difference, run, refuses):
    state = make()
    before = everything(state)
    with refuses(
        ValueError, "checkpoint.pt was written under other settings", difference, "start anew in another folder"
    ):
        resume(state, run)
    assert same(everything(state), before)


def test_the_end_of_training_may_be_moved(run):
    assert resume(small(images=1000), run).config.images == 1000
    assert train.saved_settings(run)["images"] == 20


class Exploit:
    def __reduce__(self):
        return (os.system, (f"touch {Exploit.target}",))


def damage(path: Path, how: str) -> None:
    content = path.read_bytes()
    if how == "empty":
        path.write_bytes(b"")
    elif how == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif how == "flipped":  # one bit of one weight
        middle = len(content) // 2
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    elif how == "text":
        path.write_text("not a checkpoint")
    elif how == "list":
        torch.save([1, 2], path)
    elif how == "foreign":
        torch.save({"model": {}}, path)
    elif how == "code":
        Exploit.target = path.parent / "executed"
        torch.save({**torch.load(path, weights_only=True), "facts": Exploit()}, path)
    elif how == "pickle":
        Exploit.target = path.parent / "executed"
        path.write_bytes(pickle.dumps(Exploit()))


@pytest.mark.parametrize("how", ["empty", "truncated", "flipped", "text", "list", "foreign", "code", "pickle"])
def test_a_broken_checkpoint_is_refused_and_never_executed(how, run, refuses):
    damage(run / "checkpoint.pt", how)
    state = small()
    before = everything(state)
    what = ("is no checkpoint of minigan", "generator", "settings") if how == "foreign" else ("is damaged (",)
    with refuses(OSError, str(run / "checkpoint.pt"), *what, "start anew"):
        resume(state, run)
    assert same(everything(state), before)
    assert not (run / "executed").exists()


def test_a_missing_checkpoint_is_said(tmp_path, refuses):
    with refuses(FileNotFoundError, f"{tmp_path / 'checkpoint.pt'} does not exist", "start anew"):
        resume(small(), tmp_path)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_run_holds_a_checkpoint_the_average_and_samples(run):
    assert snapshot(run).keys() == {"checkpoint.pt", "generator.safetensors", "samples/000000020.png"}
    network, facts = weights.find(str(run))
    state = resume(small(), run)
    assert facts == {"data": "noise", "images": 20}
    assert_close(network(state.latents).detach(), state.sample(), rtol=0, atol=0)


def full_disk(monkeypatch):
    """Every write ends with "no space left"."""

    def fail(self, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", fail)


def small_disk(monkeypatch):
    """The system itself refuses to write more than 2,000 bytes to a file, in the middle of it."""
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))


@pytest.mark.parametrize("disk", [full_disk, small_disk])
def test_a_failing_write_leaves_the_run_as_it_was(disk, run, monkeypatch, refuses):
    before, limits = snapshot(run), resource.getrlimit(resource.RLIMIT_FSIZE)
    state = resume(small(images=40), run)
    disk(monkeypatch)
    try:
        with refuses(OSError, f"{run / 'checkpoint.pt'} cannot be written (", "free some space"):
            quietly(state, run=run)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert snapshot(run) == before
    assert resume(small(), run).seen == 20
    monkeypatch.undo()
    monkeypatch.setenv("MINIGAN_DEVICE", "cpu")
    save(state, run)  # what is in memory is not lost either
    assert resume(small(images=40), run).seen == state.seen


# Losses that are no numbers


def poisoned(state: TrainState, at: int, value: float):
    """A pixel term that is `value` at one step."""
    return lambda fake, batch: {"pixel": (fake - batch["real"]).abs().mean() * (value if state.steps == at else 1.0)}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_no_number_stops_and_goes_back(value, tmp_path, refuses):
    state = small(images=40)
    said = ("training failed at image 28", f": the loss 'pixel' is {value};", "back at image 24", "smaller rate")
    with refuses(FloatingPointError, *said):
        quietly(state, run=tmp_path, terms=poisoned(state, 6, value))
    well = small(images=24)
    quietly(well, terms=poisoned(well, -1, value))
    assert same(everything(state), everything(well))
    assert same(everything(resume(small(), tmp_path)), everything(well))
    quietly(state, run=tmp_path, terms=poisoned(state, -1, value))  # and it can go on from there
    undisturbed = small(images=40)
    assert same(everything(state), everything(quietly(undisturbed, terms=poisoned(undisturbed, -1, value))))


def test_a_failure_before_the_first_look_goes_back_to_the_start(refuses):
    state = small(images=40)
    before = everything(state)
    with refuses(FloatingPointError, "at image 4", "back at image 0"):
        quietly(state, terms=poisoned(state, 0, math.nan))
    assert same(everything(state), before)


def test_weights_that_are_no_numbers_are_never_saved(tmp_path, refuses):
    """The square root of 0 is 0 and has an infinite slope: the loss is well, and the weights are not."""
    state = small(images=40)

    def terms(fake, batch):
        return {"pixel": (0 * fake).square().sum().sqrt() if state.steps == 4 else fake.square().mean()}

    saved = []
    with (
        pytest.MonkeyPatch.context() as patched,
        refuses(FloatingPointError, "at image 20", "the weights are not finite"),
    ):
        patched.setattr(train, "save", lambda state, run: saved.append(flat(state.generator.parameters())))
        quietly(state, run=tmp_path, terms=terms, log_every=1000, save_every=20)
    assert all(one.isfinite().all() for one in saved)
    assert flat(state.generator.parameters()).isfinite().all()
