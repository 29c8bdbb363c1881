"""What hidden tests are made of: `given` inputs, and `probe`s that send an answer's values out to the grader.

    ### BEGIN HIDDEN TESTS
    logits = given("logits", lambda generator: torch.randn(16, generator=generator))
    probe("loss", generator_loss(logits))
    ### END HIDDEN TESTS

The same lines run three times. In the *solution*, with a seed that is new for each batch of submissions, `given` makes
the inputs and sends them to the grader, and `probe` sends the values that are expected. In a *submission* `given` reads
those inputs, and `probe` sends what the student's code makes of them. The grader compares. So neither the seed nor an
expected value is ever where a student's code runs. Elsewhere, as when an author runs the notebook, nothing is sent.
"""

import base64
import binascii
import hashlib
import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

MIME = "application/vnd.minigan.probe+json"
SEED = "MINIGAN_HIDDEN_SEED"  # set where the solution runs
GIVEN = "MINIGAN_HIDDEN_GIVEN"  # set where a submission runs: the file of inputs
KINDS = frozenset({"float32", "float64", "int64", "int32", "uint8", "bool"})


def given(name: str, make: Callable[[Any], Any]) -> Any:
    """The inputs that `make(generator)` gives: tensors, numbers, texts, and lists of these.

    generator: a `torch.Generator`, seeded from the name and the batch's seed. A submission gets the same inputs from a
    file, without `make` being called. Tuples come back as lists.
    """
    if path := os.environ.get(GIVEN):
        return unpack(json.loads(Path(path).read_text(encoding="utf-8"))[name], tensors=True)
    import torch

    seed = os.environ.get(SEED, "0")
    digest = hashlib.sha256(f"{seed}\0{name}".encode()).digest()
    packed = pack(make(torch.Generator().manual_seed(int.from_bytes(digest[:6], "big"))))
    if SEED in os.environ:
        _send({"given": name, "value": packed})
    return unpack(packed, tensors=True)  # what the submission will get, and no more


def probe(
    name: str,
    value: Any,
    truth: Callable[[], Any] | None = None,
    within: float = 1e-4,
    mean_square: bool = False,
) -> None:
    """Send `value` to the grader, to be compared with the solution's value, or with `truth()` where that is given.

    Each number may differ by `within`, absolute or relative; with `mean_square` the mean squared difference may be
    `within` at most: for an answer that is to come near the truth, as a clean picture. `truth` is called for the
    solution only.
    """
    message = {"probe": name, "value": pack(value)}
    if SEED in os.environ:
        message |= {"value": pack(truth()) if truth else message["value"], "within": within, "mean_square": mean_square}
    if SEED in os.environ or GIVEN in os.environ:
        _send(message)


def messages(outputs: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What the cells sent, from the outputs of a notebook's cell. Anything that is no such message is left out."""
    found = [output.get("data", {}).get(MIME) for output in outputs]
    return [dict(message) for message in found if isinstance(message, Mapping)]


def complaint(expected: Mapping[str, Any], sent: Any) -> str:
    """Say how a value that a submission sent fails the solution's message; an empty text when it does not.

    `sent` is whatever came: it is read as data, and never run.
    """
    wanted, within = unpack(expected["value"]), expected["within"]
    try:
        got = unpack(sent)
    except (ValueError, TypeError, KeyError):
        return "not a value that can be compared"
    if expected["mean_square"]:
        wanted, got = _numbers(wanted), _numbers(got)
        if wanted is None or got is None or got.shape != wanted.shape:
            return f"expected numbers of shape {_shape(wanted)}, got {_shape(got)}"
        error = float(((got - wanted) ** 2).mean())
        return "" if error <= within else f"the mean squared error is {error:.4g}, expected {within:.4g} at most"
    return _differs(wanted, got, within)


def first_complaint(expected: Sequence[Mapping[str, Any]], sent: Sequence[Mapping[str, Any]]) -> str:
    """What is wrong with the first probe that fails, of the messages of a solution and of a submission, or nothing."""
    values = {str(message.get("probe")): message.get("value") for message in sent}
    for message in expected:
        name = str(message["probe"])
        if name not in values:
            return f"{name}: no value came"
        try:
            said = complaint(message, values[name])
        except Exception:  # what was sent can be anything
            said = "not a value that can be compared"
        if said:
            return f"{name}: {said}"
    return ""


def pack(value: Any) -> Any:
    """A value as JSON. Raises TypeError for what is neither a tensor, an array, a number, a text, None nor a list."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        return value if math.isfinite(value) else {"number": str(value)}
    if isinstance(value, list | tuple):
        return [pack(item) for item in value]
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = (value if str(value.dtype).removeprefix("torch.") in KINDS else value.float()).numpy()
    if isinstance(value, np.generic | np.ndarray):
        array = np.asarray(value)
        array = array if array.dtype.name in KINDS else array.astype(np.float64)
        text = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
        return {"array": text, "kind": array.dtype.name, "shape": list(array.shape)}
    raise TypeError(
        f"cannot send {type(value).__name__}; expected a tensor, an array, a number, a text or a list of these"
    )


def unpack(packed: Any, tensors: bool = False) -> Any:
    """The value that was packed: arrays, or tensors. Raises ValueError for what `pack` never makes."""
    if packed is None or isinstance(packed, bool | str | int | float):
        return packed
    if isinstance(packed, list):
        return [unpack(item, tensors) for item in packed]
    if not isinstance(packed, Mapping):
        raise ValueError(f"no packed value: {type(packed).__name__}")
    if "number" in packed:
        return float(packed["number"])
    if packed.get("kind") not in KINDS:
        raise ValueError(f"no packed array: kind {packed.get('kind')!r}")
    try:
        flat = np.frombuffer(base64.b64decode(packed["array"], validate=True), dtype=packed["kind"])
    except binascii.Error as error:
        raise ValueError("no packed array: not base64") from error
    array = flat.reshape([int(n) for n in packed["shape"]]).copy()
    if tensors:
        import torch

        return torch.from_numpy(array)
    return array


def _send(message: dict[str, Any]) -> None:
    from IPython.display import publish_display_data

    publish_display_data({MIME: message})


def _differs(wanted: Any, got: Any, within: float) -> str:
    if isinstance(wanted, list) and (not isinstance(got, list) or len(got) != len(wanted)):
        if (numbers := _numbers(wanted)) is not None:  # a list of numbers may come as an array
            return _differs(numbers, got, within)
        return f"expected {len(wanted)} values, got {len(got) if isinstance(got, list) else _shape(_numbers(got))}"
    if isinstance(wanted, list):
        return next((found for w, g in zip(wanted, got, strict=True) if (found := _differs(w, g, within))), "")
    if wanted is None or isinstance(wanted, str):
        return "" if type(got) is type(wanted) and got == wanted else "another value"
    wanted, got = _numbers(wanted), _numbers(got)
    if got is None or got.shape != wanted.shape:
        return f"expected numbers of shape {_shape(wanted)}, got {_shape(got)}"
    return "" if np.allclose(got, wanted, rtol=within, atol=within, equal_nan=True) else "another value"


def _numbers(value: Any) -> np.ndarray | None:
    if value is None or isinstance(value, str):
        return None
    try:
        return np.asarray(value, dtype=np.float64)
    except (ValueError, TypeError):
        return None


def _shape(numbers: np.ndarray | None) -> str:
    return "no numbers" if numbers is None else str(numbers.shape)
