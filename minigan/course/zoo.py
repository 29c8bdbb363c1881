"""Sick training runs, to be diagnosed in chapter 02 from their samples and curves. Reading on gives them away.

A patient is a healthy run with one thing wrong. The loop is the plain one that most tutorials write, with the fault in
it; the pictures are small, so that a run takes seconds.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector

from minigan import data, plot
from minigan.losses import ADVERSARIAL, squared_gradient_norm
from minigan.nets import Discriminator, Generator

CLASSES = ("T-shirt", "trouser", "bag", "ankle boot")
BATCH = 32


@dataclass(frozen=True)
class Regime:
    """How a run is trained. The defaults are healthy."""

    loss: str = "non_saturating"
    norm: str = "batch"  # of the discriminator
    generator_rate: float = 1e-3
    discriminator_rate: float = 1e-3
    detach: bool = True
    shift: float = 0.0  # data x in [-1, 1] become (x - shift) / spread
    spread: float = 1.0
    penalty: float = 0.0
    norm_over: str = "image"


CRITIC = Regime(loss="wasserstein", norm="none", penalty=10.0)

# number: (a healthy regime, what is wrong with the patient)
PATIENTS: dict[int, tuple[Regime, dict[str, object]]] = {
    1: (Regime(norm="none", generator_rate=2e-3, discriminator_rate=2e-3), {"discriminator_rate": 1.5e-4}),
    2: (Regime(), {"generator_rate": 3e-5}),
    3: (Regime(), {"shift": -1.0, "spread": 2.0}),
    4: (Regime(loss="minimax"), {"detach": False}),
    5: (CRITIC, {"norm_over": "batch"}),
    6: (Regime(), {"shift": -0.43, "spread": 0.71}),
}


@dataclass
class Chart:
    """What is known of a run: its vital signs every 20 steps, and pictures at its end."""

    signs: list[dict[str, float]] = field(default_factory=list)
    samples: Tensor = field(default_factory=lambda: torch.empty(0))
    real: Tensor = field(default_factory=lambda: torch.empty(0))  # as the discriminator sees them

    def of(self, sign: str) -> list[float]:
        return [entry[sign] for entry in self.signs]


def sick(number: int) -> Regime:
    """The regime of a patient."""
    healthy, fault = PATIENTS[number]
    return replace(healthy, **fault)  # type: ignore[arg-type]


def mended(number: int) -> Regime:
    """The same with the one thing put right."""
    return PATIENTS[number][0]


@cache
def examine(regime: Regime, steps: int, seed: int = 0) -> Chart:
    """Train from scratch and keep the chart. The same regime is trained once a session."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        generator, discriminator = Generator(16, 1, 32, width=16), Discriminator(16, 1, 16, norm=regime.norm)
        chart, latents = Chart(), torch.randn(32, 32)
        for step, (real, fake, losses) in enumerate(training(regime, generator, discriminator, steps)):
            if step % 20 == 0 or step == steps - 1:
                chart.signs.append({"step": step, **losses, **vital_signs(generator, discriminator, real, fake)})
        with torch.no_grad():
            chart.real, chart.samples = real, generator(latents)
    return chart


def training(
    regime: Regime, generator: Generator, discriminator: Discriminator, steps: int
) -> Iterator[tuple[Tensor, Tensor, dict[str, float]]]:
    """The plain training loop. After each step: the real batch, the fake one, the two losses."""
    images = data.load("fashion", size=16).only(*CLASSES)
    d_loss, g_loss = ADVERSARIAL[regime.loss]
    d_optimizer = torch.optim.Adam(discriminator.parameters(), regime.discriminator_rate, (0.5, 0.99))
    g_optimizer = torch.optim.Adam(generator.parameters(), regime.generator_rate, (0.5, 0.99))
    for _ in range(steps):
        real = (images[torch.randint(len(images), (BATCH,))] - regime.shift) / regime.spread
        fake = generator(torch.randn(BATCH, 32))
        judged = fake.detach() if regime.detach else fake
        loss_d = d_loss(discriminator(real), discriminator(judged))
        total = loss_d + (regime.penalty * slope_penalty(discriminator, real, fake, regime) if regime.penalty else 0)
        d_optimizer.zero_grad()
        if not regime.detach:
            g_optimizer.zero_grad()
        total.backward(retain_graph=not regime.detach)
        d_optimizer.step()
        if regime.detach:
            g_optimizer.zero_grad()
        loss_g = g_loss(discriminator(fake))
        loss_g.backward()
        g_optimizer.step()
        yield real, fake.detach(), {"D loss": loss_d.item(), "G loss": loss_g.item()}


def slope_penalty(discriminator: nn.Module, real: Tensor, fake: Tensor, regime: Regime) -> Tensor:
    """The penalty of Gulrajani et al. 2017, or what becomes of it."""
    between = torch.lerp(real, fake.detach(), torch.rand(len(real), 1, 1, 1)).requires_grad_(True)
    (gradient,) = torch.autograd.grad(discriminator(between).sum(), between, create_graph=True)
    norm = gradient.flatten(1).norm(dim=1) if regime.norm_over == "image" else gradient.norm()
    return (norm - 1).square().mean()


def vital_signs(generator: nn.Module, discriminator: nn.Module, real: Tensor, fake: Tensor) -> dict[str, float]:
    """Three numbers that no loss shows: G's gradient, the variety of the fakes, the slope of D."""
    gradient = parameters_to_vector([p.grad for p in generator.parameters() if p.grad is not None])
    variety = torch.pdist(fake.flatten(1)).mean() / torch.pdist(real.flatten(1)).mean()
    slope = squared_gradient_norm(discriminator, real).sqrt().mean()
    return {"G gradient": gradient.norm().item(), "variety": variety.item(), "slope": slope.item()}


def show(number: int, steps: int) -> None:
    """Draw a patient's chart: samples and vital signs, with its healthy twin in grey."""
    chart, twin = examine(sick(number), steps), examine(mended(number), steps)
    alt = (
        f"Patient {number}: samples, losses, the size of the generator's gradient, variety, the slope of the "
        "discriminator and the values of pixels, each beside those of a healthy run"
    )
    with plot.figure(3, 2, alt=alt, size=(2.9, 2.0)) as axes:
        pictures, losses, gradient, variety, slope, pixels = axes.flat
        pictures.imshow(plot.tile(chart.samples, 8))
        pictures.axis("off")
        pictures.set_title(f"Patient {number}: samples")
        for panel, title, names in (
            (losses, "losses: D blue, G orange", ("D loss", "G loss")),
            (gradient, "size of G's gradient", ("G gradient",)),
            (variety, "variety: distance of fakes / of real", ("variety",)),
            (slope, r"slope of D: mean of $\|\nabla_x D(x)\|$", ("slope",)),
        ):
            for name in names:
                panel.plot(twin.of("step"), twin.of(name), color="0.75", lw=1.2)
            for name, colour in zip(names, (plot.REAL, plot.FAKE), strict=False):
                panel.plot(chart.of("step"), chart.of(name), color=colour)
            panel.set_title(title)
        for panel in (variety, slope):
            panel.set_xlabel("step", labelpad=1)
        gradient.set_yscale("log")
        edges = torch.linspace(-1.1, 2.3, 52).tolist()
        for values, name, colour in ((chart.real, "real", plot.REAL), (chart.samples, "fake", plot.FAKE)):
            pixels.hist(values.flatten().tolist(), edges, histtype="step", color=colour, label=name, density=True)
        pixels.set_yscale("log")
        pixels.legend(loc="upper right", fontsize=8)
        pixels.set_title("values of pixels that D sees")


def show_mended(number: int, steps: int) -> None:
    """Draw a patient's samples over those of the mended run."""
    pictures = torch.cat([examine(regime, steps).samples[:12] for regime in (sick(number), mended(number))])
    plot.grid(pictures, columns=12, zoom=2, alt=f"Patient {number}: above samples of the sick run, below of the mended")
