"""Answers as data: how a student's results leave the process that computed them.

Numbers, texts, lists, dictionaries, arrays, tensors and networks become JSON and are built anew
from it, so nothing that could run comes along. A function stays where it is: it is asked, and its
results travel.
"""

from __future__ import annotations

import base64
import json
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from ..networks import Network

_KINDS = "a number, text, list, dictionary, array, tensor, network or function"
_DEEPEST = 20  # lists in lists
_LONGEST = 1024  # bits of a whole number
_NUMERIC = "biuf"  # numpy's kinds: truth values, whole numbers with and without sign, decimals


class AnswerError(Exception):
    """An answer cannot be taken as data, or could not be computed; the message says why."""


class NotAsked(BaseException):
    """A check asks a function what it did not ask of the solution: the master's mistake."""


def encode(value: object, depth: int = 0) -> Any:
    """Turn an answer into what JSON can hold.

    Parameters
    ----------
    value : object
        The answer.
    depth : int
        How many lists and dictionaries it stands in already.

    Returns
    -------
    object
        Numbers and texts as they are, everything else as a dictionary with one entry: its kind.

    Raises
    ------
    AnswerError
        If it is of another kind, or nested too deeply.

    Examples
    --------
    >>> encode({1: (0.5, "b")})
    {'dict': [[1, {'tuple': [0.5, 'b']}]]}
    """
    if depth > _DEEPEST:
        raise AnswerError(f"holds lists in lists more than {_DEEPEST} deep")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and value.bit_length() > _LONGEST:
        raise AnswerError("is a number with hundreds of digits")
    for plain in (int, float, str):  # numpy's float64 is a float, and becomes a plain one
        if isinstance(value, plain):
            return plain(value)
    if isinstance(value, list | tuple):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [encode(item, depth + 1) for item in value]}
    if isinstance(value, Mapping):
        pairs = [[encode(key, depth + 1), encode(value[key], depth + 1)] for key in value]
        return {"dict": pairs}
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    if numpy and isinstance(value, numpy.generic):
        return encode(value.item(), depth)
    if numpy and isinstance(value, numpy.ndarray):
        return encode(value.tolist(), depth) if value.dtype.kind == "U" else _array("array", value)
    if torch and isinstance(value, torch.Tensor):
        tensor = value.detach().cpu()
        half = tensor.dtype in (torch.bfloat16, torch.float16)
        return _array("tensor", (tensor.float() if half else tensor).numpy())
    if hasattr(value, "stages") and hasattr(value, "preprocess"):
        return {"network": _network(value)}  # type: ignore[arg-type]
    if callable(value) and not isinstance(value, type):
        return {"function": True}
    raise AnswerError(f"is a {type(value).__name__}, not {_KINDS}")


def decode(document: Any) -> Any:
    """Build an answer from what `encode` made; the document may come from anyone.

    Parameters
    ----------
    document : object
        What JSON gave.

    Returns
    -------
    object
        An equal answer, made of plain objects only.

    Raises
    ------
    AnswerError
        If the document is not what `encode` makes.

    Examples
    --------
    >>> decode({"dict": [[1, {"tuple": [0.5, "b"]}]]})
    {1: (0.5, 'b')}
    """
    if document is None or isinstance(document, bool | int | float | str):
        return document
    try:
        ((kind, content),) = document.items()
        return _BUILD[kind](content)
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError, RecursionError):
        raise AnswerError("did not arrive as data that can be read") from None


def read_json(text: str, unread: Any = None) -> Any:
    """Read JSON text that anyone may have written; what is none is `unread`.

    Examples
    --------
    >>> read_json("[1]"), read_json("[" * 10**6, "?")
    ([1], '?')
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return unread


def canonical(document: Any) -> str:
    """Give equal documents equal text."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


class Live:
    """A student's function where it lives; it gets copies and gives copies.

    Attributes
    ----------
    calls : list
        What it was asked, encoded: positional arguments, and the others by name.
    """

    def __init__(self, name: str, function: Callable[..., Any]):
        self.name, self.function = name, function
        self.calls: list[Any] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Answer as it would from another process."""
        question = encode((args, kwargs))
        self.calls.append(question)
        return decode(self.ask(question))

    def ask(self, question: Any) -> Any:
        """Answer an encoded question by an encoded result, or raise `AnswerError`."""
        args, kwargs = decode(question)
        try:
            result = self.function(*args, **kwargs)
        except NotImplementedError:
            raise AnswerError(f"{self.name} is not written yet") from None
        except Exception as error:
            raise AnswerError(f"{self.name} raised {type(error).__name__}: {error}") from None
        try:
            return encode(result)
        except AnswerError as error:
            raise AnswerError(f"what {self.name} returns {error}") from None


class Replay:
    """The same function in the checker's process, which knows what the student's has answered.

    Its `results` hold, for each question as canonical JSON, True and the result, False and what
    went wrong, or None where no answer came.
    """

    def __init__(self, name: str, results: Mapping[str, tuple[bool, Any] | None]):
        self.name, self.results = name, results

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Give what the student's function answered to this question."""
        question = canonical(encode((args, kwargs)))
        if question not in self.results:
            raise NotAsked(f"{self.name} is asked for what depends on other answers")
        given, result = self.results[question] or (False, f"{self.name} did not answer in time")
        if not given:
            raise AnswerError(str(result))
        return decode(result)


def _array(kind: str, array: np.ndarray) -> dict[str, list]:
    if array.dtype.kind not in _NUMERIC:
        raise AnswerError(f"is an array of {array.dtype}, not of numbers")
    array = array.astype(array.dtype.newbyteorder("<"))
    return {kind: [array.dtype.str, list(array.shape), base64.b64encode(array.tobytes()).decode()]}


def _build_array(content: Any) -> np.ndarray:
    import numpy as np

    name, shape, text = content
    dtype, data = np.dtype(str(name)), base64.b64decode(text, validate=True)
    if dtype.kind not in _NUMERIC or math.prod(shape) * dtype.itemsize != len(data):
        raise ValueError("an array that is not as large as it says")
    return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="))


def _build_tensor(content: Any) -> Any:
    import torch

    return torch.from_numpy(_build_array(content))


def _network(net: Network) -> dict[str, Any]:
    """A network of the library is its name, its head, its tensors, and what may change in it."""
    from ..networks.saved import head_layers

    return {
        "name": net.name,
        "classes": list(net.classes),
        "kind": net.kind,
        "unit": net.unit,
        "head": head_layers(net),
        "state": {name: encode(tensor) for name, tensor in net.state_dict().items()},
        "frozen": sum(net.is_frozen(stage) for stage in net.stages),
        "copied": [bool(net.copied.get(stage)) for stage in net.stages],
        "learning": [name for name, each in net.named_parameters() if each.requires_grad],
        "training": [name for name, module in net.named_modules() if module.training],
        "preprocess": encode(asdict(net.preprocess)),
    }


def _build_network(content: Any) -> Network:
    from ..networks import NETWORKS, load_network
    from ..networks.safetensors import WeightsError
    from ..networks.saved import checked_layers, checked_preprocess, fill, set_head

    if content["name"] not in NETWORKS:
        raise AnswerError(f"is a network that the library does not know: {content['name']!r}")
    state = {name: decode(tensor) for name, tensor in content["state"].items()}
    net = load_network(content["name"], "random")
    try:
        set_head(net, checked_layers(content["head"]), state)
    except WeightsError:
        raise AnswerError("is a network whose head has a layer that does not travel") from None
    fill(net, state, "the answer")
    net.classes = tuple(str(name) for name in content["classes"])
    net.kind, net.unit = str(content["kind"]), str(content["unit"])
    net.set_boundary(int(content["frozen"]))
    net.copied = dict(zip(net.stages, map(bool, content["copied"]), strict=True))
    net.preprocess = checked_preprocess(decode(content["preprocess"]))
    for name, parameter in net.named_parameters():
        parameter.requires_grad_(name in content["learning"])
    for name, module in net.named_modules():
        module.training = name in content["training"]
    return net


_BUILD: dict[str, Callable[[Any], Any]] = {
    "list": lambda items: [decode(item) for item in items],
    "tuple": lambda items: tuple(decode(item) for item in items),
    "dict": lambda pairs: {decode(key): decode(value) for key, value in pairs},
    "array": _build_array,
    "tensor": _build_tensor,
    "network": _build_network,
}
