"""Several processes train one network: broadcast once, average the gradients at every step. Built in chapter 12.

`torchrun --nproc-per-node N -m minigan train ...` starts N processes. Each computes the gradient on its share of every
batch. The mean of the shares' gradients is the gradient of the whole batch, so all take the same step, and their
networks stay equal. The configuration is that of the whole: its batch, its images, its half-life are what all processes
see together. A run is therefore the same for any N, to float rounding, and may be resumed with another N.

Two things are not quite the same. Batch norm sees a share instead of the batch; its running statistics are averaged. A
term that is no mean over images, such as a ratio, becomes the mean of what the shares give.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle

from minigan.processes import Agreement, count, heard, rank
from minigan.train import Batch, TrainState, learning, update_average


def networks(state: TrainState) -> list[nn.Module]:
    """The networks of a state that are trained."""
    return [network for network in (state.generator, state.discriminator) if network is not None]


def broadcast(state: TrainState) -> None:
    """Give all processes the networks, the average and the random stream of process 0.

    Raises `ValueError` where this one has not been resumed from the same checkpoint.
    """
    parts = [*networks(state), state.average]
    tensors = [tensor.detach() for part in parts for tensor in (*part.parameters(), *part.buffers())]
    flat = torch.cat([tensor.double().flatten() for tensor in tensors])  # exact for whole numbers as well
    rest: list[Any] = [state.random.get_state(), state.dtype, state.steps]
    with heard():
        dist.broadcast(flat, 0)
        dist.broadcast_object_list(rest, 0)
    if rest[2] != state.steps:
        raise ValueError(f"process 0 is at step {rest[2]}, this one at {state.steps}; resume all from one checkpoint")
    for tensor, values in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(values.view(tensor.shape))
    state.random.set_state(rest[0])
    state.dtype = rest[1]


def average(tensors: Sequence[Tensor]) -> None:
    """Replace each tensor by its mean over the processes. All travel as one vector: one message instead of many."""
    flat = torch.cat([tensor.detach().flatten() for tensor in tensors])
    with heard():
        dist.all_reduce(flat)
    means = (flat / count()).split([tensor.numel() for tensor in tensors])
    for tensor, mean in zip(tensors, means, strict=True):
        tensor.copy_(mean.view(tensor.shape))


def gradients(network: nn.Module) -> list[Tensor]:
    """The gradients that a step is about to use."""
    return [parameter.grad for parameter in learning(network) if parameter.grad is not None]


def statistics(state: TrainState) -> list[Tensor]:
    """What forward passes have changed in the networks, such as the running statistics of batch norm."""
    return [buffer for network in networks(state) for buffer in network.buffers() if buffer.is_floating_point()]


def check_shares(state: TrainState) -> None:
    """Raise `ValueError` where the processes cannot share a batch equally; then the mean would not be that of all."""
    batch, above = state.config.batch, math.ceil(state.config.batch / count()) * count()
    if batch != above:
        raise ValueError(f"a batch of {batch} images has no equal shares for {count()} processes; choose {above}")


def share(batch: Batch) -> Batch:
    """This process' part of a whole batch, in which every tensor has one row for each image."""
    size = len(batch["real"]) // count()
    return {name: rows[rank() * size : (rank() + 1) * size] for name, rows in batch.items()}


class SharedRandom(TorchFunctionMode):
    """While `on`, numbers from a random stream are drawn for the images of all processes; each keeps its share.

    So the latents and augmentations of a step are those that one process would draw for the whole batch, and the
    streams of all processes stay equal. What is drawn has one row for each image.
    """

    def __init__(self, stream: torch.Generator):
        super().__init__()
        self.stream, self.on = stream, False

    def __torch_function__(self, function: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        options = options or {}
        if not self.on or function not in (torch.rand, torch.randn) or options.get("generator") is not self.stream:
            return function(*arguments, **options)
        rows, *others = arguments[0] if isinstance(arguments[0], Sequence) else arguments
        return function(count() * rows, *others, **options)[rank() * rows : (rank() + 1) * rows]


def count_the_others(state: TrainState) -> None:
    """Move the average, and the count of images, by what the other processes have seen in this step.

    `train.step` goes on to add what this process has seen.
    """
    mine = state.config.batch // count()
    state.seen += state.config.batch  # the half-life depends on all that have been seen
    update_average(state, state.config.batch - mine)
    state.seen -= mine


def average_new_losses(state: TrainState, known: int) -> int:
    """Average what was logged after the first `known` entries of the history. Returns how many are known now."""
    for entry in state.history[known:]:
        losses = {name: value for name, value in entry.items() if name not in ("images", "seconds")}
        values = torch.tensor(list(losses.values()), dtype=torch.float64, device=state.device)
        average([values])
        entry.update(zip(losses, values.tolist(), strict=True))
    return len(state.history)


def hooks(state: TrainState, after_the_step: Callable[..., None]) -> list[RemovableHandle]:
    """Average what each process has found, when `train.step` is about to use it or `train.fit` to keep it."""
    generator, discriminator, known = state.generator, state.discriminator, len(state.history)

    def before_keeping(*_: Any) -> None:
        nonlocal known
        known = average_new_losses(state, known)

    attached = [
        state.g_optimizer.register_step_pre_hook(lambda *_: average(gradients(generator) + statistics(state))),
        state.g_optimizer.register_step_post_hook(after_the_step),
        state.g_optimizer.register_state_dict_pre_hook(before_keeping),  # asked for as soon as losses are logged
    ]
    if discriminator is not None and state.d_optimizer is not None:
        attached.append(state.d_optimizer.register_step_pre_hook(lambda *_: average(gradients(discriminator))))
    return attached


@contextmanager
def together(state: TrainState, seconds: float = math.inf) -> Iterator[Callable[[Batch], Batch]]:
    """Inside the block, `train.step` and `train.fit` train this state as one of several processes. Alone: as ever.

    Gives the function that takes this process' share of a batch; it has to be applied to every batch that is drawn,
    whole. `seconds`: when all stop, in place of the limit of `train.fit`, as clocks differ. Raises `ValueError` for a
    batch that cannot be shared equally.
    """
    if count() == 1:
        yield lambda batch: batch
        return
    check_shares(state)
    broadcast(state)
    until = state.seconds + seconds
    agreement = Agreement(state.device, lambda: rank() == 0 and state.seconds >= until)
    random = SharedRandom(state.random)

    def take_share(batch: Batch) -> Batch:
        random.on = True  # what is drawn from here on is for the images of this batch
        return share(batch)

    def after_the_step(*_: Any) -> None:
        random.on = False
        count_the_others(state)
        agreement.reach()

    attached = hooks(state, after_the_step)
    try:
        with random:
            yield take_share
    finally:
        agreement.release()
        for hook in attached:
            hook.remove()
