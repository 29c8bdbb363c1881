"""Training: one step of named terms, the loop around it, checkpoints that resume bit for bit. Built in chapter 02."""

import io
import math
import signal
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from minigan import hardware
from minigan.augment import AUGMENTATIONS, augment
from minigan.data import ImageSet
from minigan.files import whole_file
from minigan.losses import ADVERSARIAL, gradient_penalty, r1_penalty
from minigan.names import known
from minigan.nets import Generator
from minigan.plot import tile
from minigan.progress import Progress
from minigan.weights import save_network

Batch = dict[str, Tensor]  # "real" is what D takes for real; an application adds what its generator needs
Generate = Callable[[Batch], Tensor]
Terms = Callable[[Tensor, Batch], dict[str, Tensor]]


@dataclass(frozen=True)
class TrainConfig:
    """How to train. Lengths of time are counted in real images seen, so that they mean the same at any batch size."""

    images: int = 120_000  # when training ends
    batch: int = 32  # images a step
    loss: str = "non_saturating"  # a key of losses.ADVERSARIAL
    weights: dict[str, float] = field(default_factory=dict)  # of the generator's terms; 1 where nothing is said
    rate: float = 4e-4  # Adam's learning rate, for both networks
    betas: tuple[float, float] = (0.0, 0.99)  # Adam's; the first is its momentum
    r1: float = 0.5  # gamma of the R1 penalty; 0 for none
    r1_every: int = 16  # steps between two R1 penalties, each weighted by as much
    gradient_penalty: float = 0.0  # lambda of the WGAN gradient penalty
    augment: tuple[str, ...] = ()  # keys of augment.AUGMENTATIONS
    ema_half_life: int = 5_000  # images after which the average has forgotten half
    ema_ramp_up: float = 0.05  # the half-life is at most this share of the images seen; 0 for no limit, to fine-tune
    seed: int = 0
    precision: str = "auto"  # float32, bfloat16, or auto: what is faster here
    channels_last: bool = True  # memory layout of the convolutions
    compile: bool = False  # torch.compile both networks; worth its minute on a GPU

    def __post_init__(self) -> None:
        object.__setattr__(self, "loss", known(self.loss, ADVERSARIAL, "loss"))  # frozen for everybody else
        names = tuple(known(name, AUGMENTATIONS, "augmentation") for name in self.augment)
        object.__setattr__(self, "augment", names)
        for name in ("images", "batch", "r1_every", "ema_half_life", "rate"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}, expected a positive number")


@dataclass
class TrainState:
    """All that a training run is: what is saved, and what a resume needs. Made by `start`."""

    config: TrainConfig
    generator: nn.Module
    discriminator: nn.Module | None  # None for networks that train without an adversarial term
    average: nn.Module  # the generator with the moving average of its weights, which draws the better pictures
    g_optimizer: torch.optim.Optimizer
    d_optimizer: torch.optim.Optimizer | None
    random: torch.Generator  # the only source of randomness, on the CPU
    dtype: torch.dtype  # of the convolutions under autocast
    latents: Tensor  # fixed ones, for the grids of samples
    facts: dict[str, Any] = field(default_factory=dict)  # what a reader of the weights should know, such as the data
    seen: int = 0  # real images so far
    steps: int = 0
    seconds: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)

    @property
    def device(self) -> torch.device:
        return next(self.generator.parameters()).device

    def to_device(self, images: Tensor) -> Tensor:
        """Images where the networks are, in the memory layout that they are fastest with."""
        layout = torch.channels_last if self.config.channels_last else torch.contiguous_format
        return images.to(self.device, non_blocking=True, memory_format=layout)

    def noise(self, count: int) -> Tensor:
        """Fresh latents (count, latents), standard normal."""
        return torch.randn(count, self.latents.shape[1], generator=self.random).to(self.device, non_blocking=True)

    @torch.no_grad()
    def sample(self) -> Tensor:
        """What the averaged generator makes of the fixed latents."""
        self.average.eval()
        with hardware.autocast(self.device, self.dtype):
            return self.average(self.latents).float().cpu()


def start(
    config: TrainConfig, generator: nn.Module, discriminator: nn.Module | None = None, **facts: Any
) -> TrainState:
    """Put the networks on the device and make what training needs beside them. `facts` are written with the weights."""
    device = hardware.device()
    hardware.keep_freed_memory()
    torch.set_float32_matmul_precision("high")  # TF32 where a GPU has it; no change elsewhere
    networks = [network for network in (generator, discriminator) if network is not None]
    for network in networks:
        network.to(device)
        if config.channels_last:
            network.to(memory_format=torch.channels_last)
    optimizers = [torch.optim.Adam(network.parameters(), config.rate, config.betas, fused=True) for network in networks]
    random = torch.Generator().manual_seed(config.seed)
    latents = torch.randn(64, getattr(generator, "latents", 1), generator=random).to(device)
    average = deepcopy(generator).eval().requires_grad_(False)
    if config.compile:
        for network in networks:
            network.compile()
    return TrainState(
        config=config,
        generator=generator.train(),
        discriminator=discriminator and discriminator.train(),
        average=average,
        g_optimizer=optimizers[0],
        d_optimizer=optimizers[1] if discriminator else None,
        random=random,
        dtype=hardware.precision(config.precision, device),
        latents=latents,
        facts=facts,
    )


def describe(state: TrainState) -> str:
    """What is about to be trained, and with what: networks, device, precision."""
    rows = []
    for name in ("generator", "discriminator"):
        network = getattr(state, name)
        if network is not None:
            count = sum(parameter.numel() for parameter in network.parameters())
            arguments = ", ".join(f"{key} {value}" for key, value in getattr(network, "arguments", {}).items())
            rows.append(f"{name:14} {count / 1e6:.2f} million parameters: {arguments}")
    gain = hardware.bf16_speedup(state.device.type)
    why = f"bfloat16 trains {gain:.1f} times as fast as float32 here" if gain else "no bfloat16 here"
    threads = f" with {torch.get_num_threads()} threads" if state.device.type == "cpu" else ""
    rows.append(f"{'device':14} {state.device.type}{threads}, {state.dtype} ({why})".replace("torch.", ""))
    return "\n".join(rows)


def step(state: TrainState, batch: Batch, generate: Generate | None = None, terms: Terms | None = None) -> Batch:
    """Update D once and G once, on one batch of fakes. Returns the losses by name, still on the device.

    The generator's loss is the sum of its named terms, L = sum_k w_k L_k with w from `config.weights`. "adversarial" is
    there where a discriminator is; `terms(fake, batch)` adds others, as {"features": L_FD}: L = L_adv + lambda L_FD.
    """
    config, random = state.config, state.random
    with hardware.autocast(state.device, state.dtype):
        fake = generate(batch) if generate else state.generator(state.noise(len(batch["real"])))
    fake = fake.float()
    losses = terms(fake, batch) if terms else {}
    logged: Batch = {}
    if state.discriminator is not None:
        judged = augment(fake, config.augment, random)  # what D sees of the fakes, the same in both updates
        logged = discriminator_step(state, augment(batch["real"], config.augment, random), judged.detach())
        with hardware.autocast(state.device, state.dtype):
            fake_logits = state.discriminator(judged)
        losses = {"adversarial": ADVERSARIAL[config.loss][1](fake_logits.float()), **losses}
    if not losses or config.weights.keys() - losses.keys():
        weighted = ", ".join(config.weights) or "nothing"
        raise ValueError(
            f"the terms are {', '.join(losses) or 'none'}, weighted are {weighted}; weight only terms that are there, "
            "and train with a discriminator or terms"
        )
    total = torch.stack([config.weights.get(name, 1.0) * loss for name, loss in losses.items()]).sum()
    state.g_optimizer.zero_grad()
    total.backward(inputs=learning(state.generator))  # and not D's: half of D's backward pass is saved
    state.g_optimizer.step()
    state.steps += 1
    state.seen += len(batch["real"])
    update_average(state, len(batch["real"]))
    return {name: loss.detach() for name, loss in {**logged, **losses}.items()}


def learning(network: nn.Module) -> list[nn.Parameter]:
    """The parameters that are trained: all but the frozen ones."""
    return [parameter for parameter in network.parameters() if parameter.requires_grad]


def discriminator_step(state: TrainState, real: Tensor, fake: Tensor) -> Batch:
    """Update D once on real images and detached fakes. The penalties run in float32."""
    config, discriminator, optimizer = state.config, state.discriminator, state.d_optimizer
    assert discriminator is not None and optimizer is not None
    penalties: list[Tensor] = []
    with hardware.autocast(state.device, state.dtype):
        fake_logits = discriminator(fake)
        real_logits = discriminator(real)
    if config.r1 and state.steps % config.r1_every == 0:
        penalties.append(config.r1 * config.r1_every * r1_penalty(discriminator, real))
    if config.gradient_penalty:
        penalties.append(config.gradient_penalty * gradient_penalty(discriminator, real, fake, state.random))
    loss = ADVERSARIAL[config.loss][0](real_logits.float(), fake_logits.float())
    optimizer.zero_grad()
    sum(penalties, loss).backward()
    optimizer.step()
    means = {"real score": real_logits.detach().float().mean(), "fake score": fake_logits.detach().float().mean()}
    return {"discriminator": loss, **means}


@torch.no_grad()
def update_average(state: TrainState, images: int) -> None:
    """Move the average towards the generator after a step of so many images.

    In the beginning the half-life is shorter (`config.ema_ramp_up`), so that the beginner's weights are soon forgotten.
    """
    config = state.config
    half_life = min(config.ema_half_life, config.ema_ramp_up * state.seen or math.inf)
    keep = 0.5 ** (images / half_life)
    torch._foreach_lerp_(list(state.average.parameters()), list(state.generator.parameters()), 1 - keep)
    if buffers := list(state.average.buffers()):
        torch._foreach_copy_(buffers, list(state.generator.buffers()))


def draw(state: TrainState, images: ImageSet) -> Batch:
    """A batch of random images, each as likely as any other at every step, so that a resume needs no place in it."""
    chosen = torch.randint(len(images), (state.config.batch,), generator=state.random)
    return {"real": state.to_device(images[chosen])}


def fit(
    state: TrainState,
    images: ImageSet | Callable[[TrainState], Batch],
    *,
    generate: Generate | None = None,
    terms: Terms | None = None,
    run: Path | None = None,
    seconds: float = math.inf,
    log_every: int = 1_600,
    save_every: int = 12_000,
    title: str = "training",
    quiet: bool = False,
) -> TrainState:
    """Train until `config.images` have been seen, or for `seconds` more. A resumed state goes on where it stands.

    `images`: a set, or a function that draws a batch. `run`: a folder for checkpoints and grids of samples. Every
    `log_every` images the losses are averaged into `state.history`; every `save_every`, and at the end, the run is
    saved. Ctrl-C finishes the step, saves and returns. A loss that is not finite raises `FloatingPointError`, and the
    state goes back to the last place where all was well.
    """
    batches = (lambda: draw(state, images)) if isinstance(images, ImageSet) else (lambda: images(state))
    pending: list[Batch] = []
    good = deepcopy(contents(state))
    began = time.perf_counter() - state.seconds
    until = state.seconds + seconds
    with stopping() as stop, Progress(state, title, quiet) as progress:
        ended = state.seen >= state.config.images
        while not ended:
            before = state.seen
            pending.append(step(state, batches(), generate, terms))
            state.seconds = time.perf_counter() - began
            ended = state.seen >= state.config.images or state.seconds >= until or stop.is_set()
            due = ended or passed(before, state.seen, save_every)
            if due or passed(before, state.seen, log_every):  # what is saved has been looked at
                averages = mean_losses(pending)
                if not finite(state, averages):
                    raise FloatingPointError(go_back(state, good, pending, run))
                state.history.append({"images": state.seen, "seconds": round(state.seconds, 3), **averages})
                good, pending = {}, []  # the old copy goes before the new one comes: together they take much memory
                good = deepcopy(contents(state))
                progress.update()
                hardware.return_unused_memory()  # what drawing and copying have left
            if run and due:
                save(state, run)
    return state


def passed(before: int, after: int, every: int) -> bool:
    """Whether a multiple of `every` images lies between the numbers seen before and after a step."""
    return after // every > before // every


def mean_losses(losses: list[Batch]) -> dict[str, float]:
    """The mean of each loss over some steps: the one place where the device is waited for."""
    return {name: torch.stack([one[name] for one in losses]).mean().item() for name in losses[0]}


def finite(state: TrainState, averages: dict[str, float]) -> bool:
    """Whether all losses and weights are finite. A step that spoils the weights shows in the losses of the next."""
    networks = [network for network in (state.generator, state.discriminator) if network is not None]
    weights = [weight.isfinite().all() for network in networks for weight in network.parameters()]
    return all(map(math.isfinite, averages.values())) and bool(torch.stack(weights).all())


def go_back(state: TrainState, good: dict[str, Any], losses: list[Batch], run: Path | None) -> str:
    """Put the state back to `good`, save it, and say what went wrong first in the `losses` since then."""
    failed, reason = state.seen, "the weights are not finite"
    for number, one in enumerate(losses, 1):
        strange = {name: loss.item() for name, loss in one.items() if not loss.isfinite()}
        if strange:
            failed -= (len(losses) - number) * state.config.batch
            reason = " and ".join(f"the loss {name!r} is {value}" for name, value in strange.items())
            break
    restore(state, good)
    if run:
        save(state, run)
    return (
        f"training failed at image {failed:,}: {reason}; the state is back at image {state.seen:,}, where all was "
        "finite; go on with a smaller rate, a stronger r1 or precision float32"
    )


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """An event that Ctrl-C or a polite kill sets, so that the step is finished. A second Ctrl-C stops at once."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop  # Python delivers signals to the main thread alone
        return

    def handle(number: int, frame: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def parts(state: TrainState) -> dict[str, Any]:
    """The networks and optimizers of a state by name, those that it has."""
    names = ("generator", "discriminator", "average", "g_optimizer", "d_optimizer")
    return {name: part for name in names if (part := getattr(state, name)) is not None}


def contents(state: TrainState) -> dict[str, Any]:
    """All that changes during training, as tensors and plain values. Tensors are shared with the state, not copied."""
    counted = {name: getattr(state, name) for name in ("seen", "steps", "seconds", "history")}
    states = {name: part.state_dict() for name, part in parts(state).items()}
    return {**states, **counted, "random": state.random.get_state(), "dtype": str(state.dtype).removeprefix("torch.")}


def restore(state: TrainState, saved: dict[str, Any]) -> None:
    """Put back what `contents` returned."""
    for name, part in parts(state).items():
        part.load_state_dict(saved[name])
    for name in ("seen", "steps", "seconds", "history"):
        setattr(state, name, saved[name])
    state.random.set_state(saved["random"])
    state.dtype = getattr(torch, saved["dtype"])


def settings(state: TrainState) -> dict[str, Any]:
    """What makes a run what it is: the configuration, the networks, the data."""
    networks = {name: getattr(getattr(state, name), "arguments", {}) for name in ("generator", "discriminator")}
    return {**asdict(state.config), **state.facts, **networks}


def save(state: TrainState, run: Path) -> None:
    """Write `checkpoint.pt`, `generator.safetensors` (the average) and a grid of samples into `run`, each whole."""
    buffer = io.BytesIO()  # a disk that fills up under torch.save itself would be a RuntimeError without its reason
    torch.save({"settings": settings(state), **contents(state)}, buffer)
    with whole_file(run / "checkpoint.pt") as temporary:
        temporary.write_bytes(buffer.getbuffer())
    if isinstance(state.average, Generator):
        save_network(run / "generator.safetensors", state.average, **state.facts, images=state.seen)
        with whole_file(run / f"samples/{state.seen:09d}.png") as temporary:
            Image.fromarray(tile(state.sample())).save(temporary)


def read_checkpoint(run: Path) -> dict[str, Any]:
    """The contents of `checkpoint.pt` in the folder `run`, on the CPU. Nothing in the file is executed.

    Raises `FileNotFoundError` without a checkpoint and `OSError` for a damaged one.
    """
    path = run / "checkpoint.pt"
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist, so there is nothing to resume; start anew, without resume")
    try:
        with zipfile.ZipFile(path) as archive:
            if broken := archive.testzip():  # torch.load itself does not compare the checksums
                raise ValueError(broken)
        saved: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        missing = {"settings", "generator", "random", "history"} - saved.keys()
    except Exception as error:  # torch raises many kinds on a damaged file
        raise OSError(f"{path} is damaged ({type(error).__name__}); start anew in another folder") from error
    if missing:
        raise OSError(
            f"{path} is no checkpoint of minigan, it lacks {', '.join(sorted(missing))}; start anew elsewhere"
        )
    return saved


def saved_settings(run: Path) -> dict[str, Any]:
    """The settings under which the checkpoint in the folder `run` was written. Raises as `read_checkpoint` does."""
    there: dict[str, Any] = read_checkpoint(run)["settings"]
    return there


def resume(state: TrainState, run: Path) -> TrainState:
    """Go on from `checkpoint.pt` in the folder `run`, bit for bit as if nothing had happened.

    `state` comes fresh from `start`. Raises as `read_checkpoint` does, and `ValueError` for a checkpoint written under
    other settings, with the difference. Only the end of training, `images`, may be another.
    """
    saved = read_checkpoint(run)
    there, here = saved["settings"], settings(state)
    changed = [
        f"{key}: {there.get(key)} there, {here.get(key)} here"
        for key in {**there, **here}
        if key != "images" and there.get(key) != here.get(key)
    ]
    if changed:
        raise ValueError(
            f"{run / 'checkpoint.pt'} was written under other settings ({'; '.join(changed)}); resume with those, or "
            "start anew in another folder"
        )
    restore(state, saved)
    return state
