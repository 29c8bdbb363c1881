"""`minigan train`: a GAN, or with --task the network of an application; alone, or as one of several processes.

Heavy imports stand inside the functions, so that `minigan --help` is instant.
"""

import math
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from minigan.apps.commands import Seed, choose_device

if TYPE_CHECKING:
    from minigan.train import Batch, TrainConfig, TrainState

OF_A_GAN = ("start", "width", "upsampling", "norm", "loss", "r1", "augment")  # a task has its own
MOST = {"images": 10**9, "batch": 10**6, "width": 1024}  # of what is counted

gan_option = partial(typer.Option, rich_help_panel="Options for GANs alone")

Task = Annotated[
    str | None,
    typer.Option(
        help="Train an application in place of a GAN: denoise, superres, inpaint, style, or a recipe of one such as "
        "superres_x2_features."
    ),
]
Style = Annotated[
    str | None, typer.Option(help="With --task style: a picture whose style is learnt, or whirls, mosaic, engraving.")
]
Start = Annotated[str | None, gan_option(help="Fine-tune shipped networks, such as peeps, on these data.")]
Images = Annotated[
    int | None,
    typer.Option(min=1, max=MOST["images"], help="Images to show in all; 120,000, 30,000 with --start, or the task's."),
]
Size = Annotated[
    int | None, typer.Option(help="Pixels of a side of a picture; by default the data's, at most 64, or the task's.")
]
Width = Annotated[
    int, gan_option(min=1, max=MOST["width"], help="Channels before the picture; the depth doubles from there.")
]
Upsampling = Annotated[str, gan_option(help="transposed, pixel_shuffle or resize.")]
Batches = Annotated[
    int | None, typer.Option(min=1, max=MOST["batch"], help="Images a step, of all processes; 32, or the task's.")
]
Rate = Annotated[
    float | None, typer.Option(help="Adam's learning rate; 4e-4, 2e-4 with --start, or the task's to begin with.")
]
Augment = Annotated[str, gan_option(help="Augmentations with commas between; 'none' for none.")]


@dataclass(frozen=True)
class Job:
    """What is to be trained, and how to go about it."""

    state: "TrainState"
    title: str  # the name of the data
    about: str  # the pictures in one line
    skipped: Sequence[str]  # a sentence for each picture that cannot be used
    fit: Callable[..., Any]  # (share, **options of `train.fit`)
    finish: Callable[[Path], Any]  # writes what a finished run has beside its checkpoint
    use: Callable[[Path], list[str]]  # what to do with a finished run, and the words of the command that does it


def train(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="DATA", help="A set by name, such as peeps, or a folder, ./pictures.")],
    run: Annotated[Path, typer.Option("-o", "--output", help="Folder for checkpoints, weights and samples.")],
    task: Task = None,
    style: Style = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the output folder.")] = False,
    start: Start = None,
    images: Images = None,
    minutes: Annotated[float, typer.Option(min=0, help="Stop after this time; 0 for no limit.")] = 0,
    size: Size = None,
    width: Width = 48,
    upsampling: Upsampling = "transposed",
    norm: Annotated[str, gan_option(help="The discriminator's: none, batch or spectral.")] = "none",
    loss: Annotated[str, gan_option(help="A name from minigan.losses.ADVERSARIAL.")] = "non_saturating",
    batch: Batches = None,
    rate: Rate = None,
    r1: Annotated[float, gan_option(min=0, help="Strength of the R1 penalty.")] = 0.5,
    augment: Augment = "auto",
    seed: Seed = 0,
    precision: Annotated[str, typer.Option(help="float32, bfloat16 or auto.")] = "auto",
    device: Annotated[str | None, typer.Option(help="cpu, cuda or mps; by default the best.")] = None,
) -> None:
    """Train a GAN, or with --task an application, on pictures. Ctrl-C saves; --resume goes on bit for bit.

    With --resume, settings that are not given are those of the run. Several processes under torchrun share each batch.

    Examples:

        minigan train peeps -o run

        minigan train peeps -o run --resume --images 300000

        minigan train ./my_heads -o run --start peeps --minutes 5

        minigan train ./holiday -o run --task denoise --minutes 30

        minigan train ./holiday -o run --task style --style painting.jpg

        torchrun --nproc-per-node 2 -m minigan train peeps -o run
    """
    choose_device(device)
    begin_or_resume(run, resume, minutes, context.params, given(context))


def given(context: typer.Context) -> dict[str, Any]:
    """The options that the user has given, without those that stand at their default."""
    found = {key: context.get_parameter_source(key) for key in context.params}
    return {key: context.params[key] for key, place in found.items() if place and place.name == "COMMANDLINE"}


def begin_or_resume(run: Path, resume: bool, minutes: float, options: dict[str, Any], given: dict[str, Any]) -> None:
    """Train with these options until all images are seen, the time is up, or Ctrl-C; with other processes, if any."""
    from minigan import processes, train

    with processes.joined():
        first = processes.rank() == 0
        with processes.one_fate():
            job = prepare(run, resume, options, given)
        with processes.one_fate():
            if first:
                introduce(job)
                train.save(job.state, run)  # a folder that cannot be written is found out now; a resume makes all whole
        began, limit = job.state.seconds, 60 * minutes or math.inf
        fit(job, run, limit)
        if first:
            conclude(job, run, options["name"], limited=job.state.seconds - began >= limit)


def prepare(run: Path, resume: bool, options: dict[str, Any], given: dict[str, Any]) -> Job:
    """What these options ask for, as new or as the run in the folder has left it."""
    check_options(options)
    with ours(run) if resume else nullcontext():
        options = {**options, **kept_settings(run, resume, given)}
        check_numbers(options)
        return prepared(run, resume, options, given)


@contextmanager
def ours(run: Path) -> Iterator[None]:
    """What is wrong with a checkpoint that minigan has not written cannot be listed: whatever it is, say so."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError) as error:
        reason = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
        raise OSError(
            f"{run / 'checkpoint.pt'} is damaged or no checkpoint of minigan ({reason}); start anew in another folder"
        ) from error


def check_options(options: dict[str, Any]) -> None:
    """Raise `ValueError` for a number that is not finite, of which no training comes, and for an empty name."""
    for name, value in options.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"--{name} is {value}, expected a finite number")
        if value == "" and name in ("task", "start", "style"):
            raise ValueError(f"--{name} is empty, expected a name; leave it out where none is meant")


def check_numbers(options: dict[str, Any]) -> None:
    """Raise `ValueError` for a number that the command line would not take, and that comes from a checkpoint."""
    for name, most in MOST.items():
        value = options[name]
        if value is not None and not (type(value) is int and 1 <= value <= most):
            raise ValueError(f"{name} is {value!r}, expected a whole number from 1 to {most:,}")
    for name in ("rate", "r1", "seed"):
        if isinstance(options[name], bool):
            raise ValueError(f"{name} is {options[name]}, expected a number")


def prepared(run: Path, resume: bool, options: dict[str, Any], given: dict[str, Any]) -> Job:
    """What `prepare` gives, from options that are complete."""
    from minigan import distributed, train

    if options["style"] and not str(options["task"]).startswith("style"):
        raise ValueError(f"--style {options['style']} is for --task style alone; leave it out")
    job = an_application(options, given) if options["task"] else a_gan(options)
    distributed.check_shares(job.state)
    if resume:
        check_kept(train.resume(job.state, run))
    return job


def check_kept(state: "TrainState") -> None:
    """Raise `TypeError` for what a checkpoint of minigan never holds."""
    import torch

    counted = type(state.seen) is int and type(state.steps) is int and type(state.seconds) in (float, int)
    logged = isinstance(state.history, list) and all(isinstance(entry, dict) for entry in state.history)
    values = [value for entry in state.history for value in entry.values()] if logged else []
    if not (counted and logged and all(type(value) in (float, int) for value in values)):
        raise TypeError("its counts or its log are none")
    if state.steps < 0 or state.seen != state.steps * state.config.batch:
        raise TypeError(f"{state.seen} images are not {state.steps} steps of {state.config.batch}")
    if state.dtype not in (torch.float32, torch.bfloat16):
        raise TypeError(f"its precision is {state.dtype}")


def fit(job: Job, run: Path, limit: float) -> None:
    """Train, with the other processes if there are any. Process 0 alone writes and speaks."""
    from minigan import distributed, processes

    first = processes.rank() == 0
    own: dict[str, Any] = {"seconds": limit} if processes.count() == 1 else {"quiet": not first}
    with distributed.together(job.state, limit) as share:
        try:
            job.fit(share, run=run if first else None, title=job.title, **own)
        except FloatingPointError:
            if first:
                raise
            raise SystemExit(2) from None


def introduce(job: Job) -> None:
    """Say what is about to be trained on what."""
    from minigan import processes
    from minigan.train import describe

    typer.echo(f"{job.about}\n{describe(job.state)}")
    if processes.count() > 1:
        typer.echo(f"{'processes':14} {processes.count()}, which share each batch of {job.state.config.batch}")
    if job.skipped:
        total = job.state.facts["pictures"] + len(job.skipped)
        typer.echo("\n".join([f"skipped {len(job.skipped)} of {total} pictures:", *job.skipped]), err=True)


def conclude(job: Job, run: Path, name: str, limited: bool) -> None:
    """Write the rest, and say how to go on. Exits with 130 where neither the last image nor the limit was reached."""
    job.finish(run)
    state, (verb, *command) = job.state, job.use(run)
    typer.echo(f"{state.seen:,} images in {state.seconds:.0f} s; {verb} with: {shlex.join(command)}")
    if state.seen < state.config.images:
        typer.echo(f"to go on: {shlex.join(['minigan', 'train', name, '-o', str(run), '--resume'])}")
        if not limited:
            raise typer.Exit(130)


def kept_settings(run: Path, resume: bool, given: dict[str, Any]) -> dict[str, Any]:
    """The settings of the run in a folder, but for those given anew.

    Nothing for a new run, whose folder must be free.
    """
    from minigan.train import saved_settings

    if not resume:
        if (run / "checkpoint.pt").exists():
            raise FileExistsError(f"{run} holds a run already; add --resume to go on with it, or choose another folder")
        return {}
    there = saved_settings(run)
    if "task" in given and given["task"] != there.get("task"):
        refuse_another_task(given["task"], there.get("task"), run)
    of_networks = {} if "task" in there else {**there["discriminator"], **there["generator"]}
    flat = {**there, **of_networks, "augment": ",".join(there["augment"]) or "none"}
    return {key: value for key, value in flat.items() if key not in given}


def refuse_another_task(name: str, there: str | None, run: Path) -> None:
    """Raise `ValueError` where a run in a folder is not of the task of that name."""
    from minigan.apps.tasks import full_name

    if full_name(name) != there:
        kind = f"the task {there}" if there else "a GAN"
        raise ValueError(f"{run} holds a run of {kind}, --task says {name}; leave --task out, or choose another folder")


def a_gan(options: dict[str, Any]) -> Job:
    """A GAN on square pictures of one size."""
    import torch

    from minigan import data, nets, train, weights

    name, pictures = options["name"], data.load(options["name"], size=options["size"])
    size = options["size"] or min(pictures.size, 64)
    facts = {"data": pictures.name, "pictures": len(pictures)}
    if options["start"]:
        generator, discriminator = weights.shipped_pair(options["start"])
        shape, size = generator.arguments, generator.arguments["size"]
        if pictures.pixels.shape[1] != shape["channels"] or options["size"] not in (None, size):
            wanted = f"{options['size'] or size} pixels, {pictures.pixels.shape[1]} channels"
            drawn = f"{options['start']} draws {size} pixels, {shape['channels']} channels"
            raise ValueError(f"{drawn}, the data would have {wanted}; choose other data, or train without --start")
        facts["start"] = options["start"]
    else:
        torch.manual_seed(options["seed"])  # the networks' first weights
        channels = pictures.pixels.shape[1]
        generator = nets.Generator(size, channels, width=options["width"], upsampling=options["upsampling"])
        discriminator = nets.Discriminator(size, channels, options["width"], options["norm"])
    if size != pictures.size:
        pictures = data.load(name, size=size)
    state = train.start(configure(options, pictures.pixels.shape[1]), generator, discriminator, **facts)

    def fit(share: "Callable[[Batch], Batch]", **how: Any) -> None:
        train.fit(state, lambda state: share(train.draw(state, pictures)), **how)

    def use(run: Path) -> list[str]:
        return ["draw", "minigan", "generate", str(run), "-o", f"{pictures.name}.png"]

    return Job(state, pictures.name, repr(pictures), pictures.skipped, fit, lambda run: None, use)


def configure(options: dict[str, Any], channels: int) -> "TrainConfig":
    """The training configuration of a GAN in the options of the command line."""
    from minigan.train import TrainConfig

    fitting = "brightness,saturation,translation" if channels == 3 else "none"
    augment = fitting if options["augment"] == "auto" else options["augment"]
    names = tuple(part.strip() for part in augment.split(",") if part.strip() != "none")
    images, rate = (30_000, 2e-4) if options["start"] else (120_000, 4e-4)
    usual_numbers = {"images": images, "rate": rate, "batch": 32}
    chosen: dict[str, Any] = {key: options[key] for key in ("loss", "r1", "seed", "precision")}
    chosen |= {key: usual if options[key] is None else options[key] for key, usual in usual_numbers.items()}
    return TrainConfig(augment=names, **chosen)


def an_application(options: dict[str, Any], given: dict[str, Any]) -> Job:
    """The network of an application, on pictures of any sizes."""
    from minigan.apps import tasks
    from minigan.apps.photographs import learn

    style, source = options["style"], options["name"]
    name = "style" if style else tasks.full_name(options["task"])
    if wrong := [f"--{key}" for key in OF_A_GAN if key in given]:
        raise ValueError(f"{' and '.join(wrong)} cannot be chosen with --task {name}; leave out what is for GANs")
    settings = {key: options[key] for key in ("batch", "rate", "precision") if options[key] is not None}
    task, state = tasks.prepare(name, options["images"], options["seed"], options["size"], settings, style)
    pictures, skipped = tasks.photographs(source, task.size)
    title = Path(source).expanduser().resolve().name
    state.facts.update(task=name, data=title, pictures=len(pictures), size=task.size)
    if style:
        state.facts["style"] = style
    try:
        tasks.tried(task, state, pictures)
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"--size {task.size} does not suit the task {name} ({reason}); leave it out") from error

    def fit(share: "Callable[[Batch], Batch]", **how: Any) -> None:
        shared = replace(task, spoil=lambda real, random: share({"real": real, **task.spoil(real, random)}))
        learn(shared, state, pictures, **how)

    def use(run: Path) -> list[str]:
        words = tasks.COMMANDS[name.partition("_")[0]].split()
        return ["use it", "minigan", *(str(run) if word == "RUN" else word for word in words)]

    about = f"{title}: {len(pictures):,} pictures, of which {name} learns from squares of {task.size} pixels"
    return Job(state, title, about, skipped, fit, lambda run: tasks.finish(task, state, pictures, run), use)
