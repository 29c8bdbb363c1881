"""Trained networks as files: safetensors with the arguments that rebuild the network.

What a training run writes and what comes with minigan have the same form.
"""

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from minigan.files import whole_file
from minigan.names import known
from minigan.nets import Discriminator, Generator

SHIPPED = Path(__file__).parent / "weights"
NETWORKS: dict[str, type[nn.Module]] = {"Generator": Generator, "Discriminator": Discriminator}
LARGEST = 256  # of the whole numbers that say how a network is built, or as large as a side of its weights


def save_network(path: Path, network: nn.Module, half: bool = False, **facts: Any) -> None:
    """Write the weights, the class and arguments of `network`, and any facts about its training that JSON can hold.

    `half`: in half precision, which halves the file; a loaded network computes in float32 all the same.
    """
    about: dict[str, Any] = {"network": type(network).__name__, "arguments": network.arguments, "facts": facts}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    if half:
        tensors = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
    about["checksum"] = checksum(about, tensors)
    with whole_file(path) as temporary:
        temporary.write_bytes(save(tensors, metadata={"minigan": json.dumps(about)}))


def checksum(about: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> int:
    """A number that any other bit would change: safetensors itself notices a file that is too short, and no more."""
    found = zlib.crc32(json.dumps(about).encode())
    for name, tensor in sorted(tensors.items()):
        found = zlib.crc32(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode(), found)
        found = zlib.crc32(tensor.reshape(-1).view(torch.uint8).numpy().data, found)
    return found


def load_network(path: Path, *others: type[nn.Module]) -> tuple[nn.Module, dict[str, Any]]:
    """The network in a file, in eval mode on the CPU, and the facts written with it.

    Only classes that are known are built: minigan's generator and discriminator, and the `others`.
    Raises `FileNotFoundError` for a missing file, `OSError` for one that is damaged or that minigan has not written.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no weights at {path}; check the path, or train them with: minigan train peeps -o run")
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})["minigan"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a dict
        kept = about.pop("checksum", None)  # the oldest files have none
        if kept not in (None, checksum(about, tensors)):
            raise ValueError("its checksum is another")
        classes = NETWORKS | {kind.__name__: kind for kind in others}
        network = rebuilt(classes[known(about["network"], classes, "network")], about["arguments"], tensors)
        facts: dict[str, Any] = dict(about["facts"])
    except Exception as error:  # what came from somewhere else is wrong in ways that cannot be listed
        reason = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
        raise OSError(
            f"{path} is damaged or no network of minigan ({reason}); write it again or install again"
        ) from error
    return network.eval(), facts


def rebuilt(kind: type[nn.Module], arguments: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> nn.Module:
    """A network of that class with these weights. Raises where they do not fit, or are no numbers."""
    largest = max(LARGEST, len(tensors), *(side for tensor in tensors.values() for side in tensor.shape))
    if large := [f"{name} {value}" for name, value in arguments.items() if isinstance(value, int) and value > largest]:
        raise ValueError(f"{', '.join(large)}, expected {largest} at most")  # or making it would fill the memory
    if strange := [name for name, tensor in tensors.items() if not bool(tensor.isfinite().all())]:
        raise ValueError(f"{strange[0]} holds numbers that are not finite")
    network = kind(**arguments)
    for name, part in network.state_dict().items():
        if name not in tensors:
            raise ValueError(f"{name} is missing")
        if tensors[name].is_floating_point() != part.is_floating_point():
            raise ValueError(f"{name} is {tensors[name].dtype}, expected {part.dtype}")
    network.load_state_dict(tensors)
    return network


def load_generator(path: Path, *others: type[Generator]) -> tuple[Generator, dict[str, Any]]:
    """As `load_network`, for a file that must hold a generator."""
    network, facts = load_network(path, *others)
    if not isinstance(network, Generator):
        raise ValueError(f"{path} holds a {type(network).__name__}, expected a Generator")
    return network, facts


def find(source: str, *others: type[Generator]) -> tuple[Generator, dict[str, Any]]:
    """A generator from a run's folder, a weights file, or by its shipped name; of the `others` those of `apps` too.

    Raises `FileNotFoundError` that says where it was looked for and which names there are.
    """
    path, inside = Path(source), Path(source) / "generator.safetensors"
    files = {name: SHIPPED / f"{name}.safetensors" for name in shipped_names()}
    in_apps = {name: SHIPPED / "apps" / f"{name}.safetensors" for name in shipped_app_names()} if others else {}
    files |= {name: file for name, file in in_apps.items() if kind(file) in [other.__name__ for other in others]}
    if source in files and not inside.exists():
        return load_generator(files[source], *others)
    if path.is_dir() or path.is_file():
        return load_generator(inside if path.is_dir() else path, *others)
    names = ", ".join(files) or "none yet"
    raise FileNotFoundError(f"{source} is no run's folder, no weights file and no shipped network (shipped: {names})")


def kind(path: Path) -> str:
    """The class of the network in a file, by its name; an empty string where minigan has not written it."""
    try:
        with safe_open(path, framework="pt") as file:
            return str(json.loads((file.metadata() or {})["minigan"])["network"])
    except (SafetensorError, KeyError, TypeError, ValueError, OSError, RecursionError):
        return ""


def shipped(name: str) -> tuple[nn.Module, dict[str, Any]]:
    """A trained network that comes with minigan, with the facts about its training. Names: `shipped_names()`."""
    return load_network(SHIPPED / f"{known(name, shipped_names(), 'shipped network')}.safetensors")


def shipped_app(name: str, kind: type[nn.Module]) -> tuple[nn.Module, dict[str, Any]]:
    """A trained network of an application, such as "superres_x4_pixel", that comes with minigan, and its facts."""
    return load_network(SHIPPED / "apps" / f"{known(name, shipped_app_names(), 'shipped network')}.safetensors", kind)


def shipped_app_names() -> list[str]:
    """The names of the applications' trained networks that came with this installation."""
    return sorted(path.stem for path in (SHIPPED / "apps").glob("*.safetensors"))


def shipped_pair(name: str) -> tuple[Generator, Discriminator]:
    """A shipped generator with the discriminator that it was trained against, to go on from. Names: those with both."""
    names = shipped_names()
    name = known(name, [both for both in names if f"{both}-discriminator" in names], "start with a discriminator")
    generator, discriminator = shipped(name)[0], shipped(f"{name}-discriminator")[0]
    assert isinstance(generator, Generator) and isinstance(discriminator, Discriminator)
    return generator, discriminator


def shipped_names() -> list[str]:
    """The names of the trained networks that came with this installation."""
    return sorted(path.stem for path in SHIPPED.glob("*.safetensors"))
