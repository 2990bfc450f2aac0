"""Networks in files: their weights, and what must be known to use them again."""

from __future__ import annotations

import hashlib
import json
import textwrap
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..tasks import AnyPreprocess, Preprocess, TextPreprocess
from ..tasks.labels import KINDS
from .families import FirstToken
from .network import Network, require_network
from .outputs import output_like
from .published import is_known
from .safetensors import WeightsError, load_metadata, load_safetensors, save_safetensors
from .seeding import seeded
from .text import LastToken, MeanOfTokens

State = Mapping[str, torch.Tensor]


# The layers that a head may be built from when a file is read: a file can name one of these or a
# layer that the architecture's own head has, and nothing else. Sizes come from the tensors.
HEAD_LAYERS: dict[str, Callable[[State], nn.Module]] = {
    "AdaptiveAvgPool2d": lambda state: nn.AdaptiveAvgPool2d(1),
    "Dropout": lambda state: nn.Dropout(),
    "FirstToken": lambda state: FirstToken(),
    "Flatten": lambda state: nn.Flatten(),
    "GELU": lambda state: nn.GELU(),
    "LastToken": lambda state: LastToken(),
    "Linear": output_like,
    "MeanOfTokens": lambda state: MeanOfTokens(),
    "RangedLinear": output_like,
    "ReLU": lambda state: nn.ReLU(),
    "ScaledLinear": output_like,
}


def save_network(net: Network, path: str | Path) -> Path:
    """Save a network, whole or not at all.

    The file holds the weights, and in words the architecture, the head's layers, the classes, the
    kind of task and the preprocessing, so that `open_network` needs the file alone.

    Parameters
    ----------
    net : Network
        Parameters and buffers are saved; the freeze boundary is not.
    path : str or pathlib.Path
        Usually ends in ``.safetensors``.

    Returns
    -------
    pathlib.Path
        The file, for ``open_network(path)`` or ``load_network(name, weights=path)``.

    Raises
    ------
    TypeError
        If it is no network.
    ValueError
        If it is a network of your own making, which `open_network` could not build again.
    OSError
        If the file cannot be written; one that was there before is left as it was.

    Examples
    --------
    >>> import tempfile
    >>> import tl_teach as tl
    >>> net = tl.replace_head(tl.load_network("letters-resnet"), 10)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = tl.save_network(net, f"{folder}/digits.safetensors")
    ...     again = tl.open_network(path)
    >>> tl.fingerprint(again) == tl.fingerprint(net)
    True
    """
    net = require_network(net)
    if not is_known(net.name):
        raise ValueError(
            f"{net.name!r} is a network of your own, which tl.open_network could not build again; "
            "save its weights with torch.save(net.state_dict(), path), and read them into one that "
            "you have built with net.load_state_dict(torch.load(path))."
        )
    about = {
        "name": net.name,
        "kind": net.kind,
        "unit": net.unit,
        "classes": net.classes,
        "preprocess": asdict(net.preprocess),
        "head": head_layers(net),
    }
    return save_safetensors(net.state_dict(), path, {"tl_teach": json.dumps(about)})


def fingerprint(module: nn.Module) -> str:
    """Give one short text that changes when any parameter or buffer changes.

    Parameters
    ----------
    module : torch.nn.Module
        A network, or one of its stages.

    Returns
    -------
    str
        The first 16 hexadecimal digits of a SHA-256 over names and values.

    Examples
    --------
    >>> import tl_teach as tl
    >>> net = tl.load_network("letters-resnet")
    >>> before = tl.fingerprint(net)
    >>> with torch.no_grad():
    ...     _ = net.stages["stem"].bn.running_mean.add_(1)
    >>> tl.fingerprint(net) == before
    False
    """
    digest = hashlib.sha256()
    state = module.state_dict()
    unsaved = {name: buffer for name, buffer in module.named_buffers() if name not in state}
    for name, tensor in (*state.items(), *unsaved.items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()[:16]


def read_about(path: Path) -> dict[str, Any] | None:
    """Read and check what `save_network` wrote about a network; None where it says nothing."""
    words = load_metadata(path).get("tl_teach")
    if words is None:
        return None
    try:
        about = json.loads(words)
        about["preprocess"] = checked_preprocess(about["preprocess"])
        about["classes"] = tuple(map(str, about["classes"]))
        about["name"], about["unit"] = str(about["name"]), str(about["unit"])
        about["head"] = checked_layers(about["head"])
        if about["kind"] not in KINDS:
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, RuntimeError):
        raise WeightsError(
            f"{path} says things about its network that tl.save_network does not write; "
            "name the network: tl.load_network(name, weights=path)."
        ) from None
    return about


def checked_preprocess(facts: dict[str, Any]) -> AnyPreprocess:
    """Build what a network expects of its inputs, from what others wrote about it."""
    if "tokenizer" in facts:
        return TextPreprocess(**facts)
    mean, std = (tuple(map(float, facts[name])) for name in ("mean", "std"))
    return Preprocess(**{**facts, "mean": mean, "std": std})


Layers = list[tuple[str, str, float | None]]


def head_layers(net: Network) -> Layers:
    """Name the layers of a head: how each is called, what it is, and the share that it drops."""
    return [
        (name, type(layer).__name__, getattr(layer, "p", None))
        for name, layer in net.head.named_children()
    ]


def checked_layers(layers: Any) -> Layers:
    """Check the form of what others wrote about a head."""
    return [(str(name), str(kind), p and float(p)) for name, kind, p in layers]


def read_state(path: Path) -> dict[str, torch.Tensor]:
    """Read tensors from a safetensors file or a state dict; nothing in the file is executed."""
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no weights file {str(path)!r}; "
            "give 'pretrained', 'random', or a file that tl.save_network wrote."
        )
    if path.suffix == ".safetensors":
        return load_safetensors(path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        if not all(isinstance(value, torch.Tensor) for value in state.values()):
            raise TypeError
    except Exception as reason:  # torch raises many kinds for a file that is not what it says
        raise WeightsError(
            f"{path} holds no plain state dict ({type(reason).__name__}); pickled objects are "
            "never loaded, because loading can execute them: save with tl.save_network(net, path)."
        ) from None
    return state


def rebuild(net: Network, about: dict[str, Any], state: State) -> None:
    """Give a network the head, classes and preprocessing of the one that a file tells about."""
    head = set_head(net, about["head"], state)
    outputs = getattr(head[-1], "out_features", None)
    if outputs != len(about["classes"]):
        raise WeightsError(f"The file names {len(about['classes'])} classes for {outputs} outputs.")
    net.classes, net.preprocess = about["classes"], about["preprocess"]
    net.kind, net.unit = about["kind"], about["unit"]


def set_head(net: Network, layers: Layers, state: State) -> nn.Sequential:
    """Give a network a head of these layers, as large as the weights say; `fill` fills it."""
    stage = net.stage_names[-1]
    try:
        with seeded(0):  # the weights fill what is random here
            head = _head(net.head, f"stages.{stage}.", layers, state)
        head[-1]
    except (KeyError, IndexError) as reason:
        raise WeightsError(
            f"The file's head has a layer that cannot be built from it ({reason}); expected one of "
            f"{', '.join(HEAD_LAYERS)} with its weights, or what {net.name!r} has itself."
        ) from None
    net.stages[stage] = head
    return head


def _head(own: nn.Module, prefix: str, layers: list, state: State) -> nn.Sequential:
    head: OrderedDict[str, nn.Module] = OrderedDict()
    for name, kind, p in layers:
        start = f"{prefix}{name}."
        weights = {n.removeprefix(start): t for n, t in state.items() if n.startswith(start)}
        theirs = getattr(own, name, None)
        usable = type(theirs).__name__ == kind and not isinstance(theirs, nn.Linear)
        layer: Any = theirs if usable else HEAD_LAYERS[kind](weights)
        if p is not None:
            layer.p = p
        head[name] = layer
    return nn.Sequential(head)


def fill(net: Network, state: State, source: object) -> None:
    """Copy weights into the network; they decide how many outputs a linear head has."""
    output, prefix = getattr(net.head, "output", None), f"stages.{net.stage_names[-1]}.output."
    if isinstance(output, nn.Linear) and f"{prefix}weight" in state:
        with seeded(0):  # the state fills it; the caller's random numbers stay as they are
            theirs = output_like(
                {n.removeprefix(prefix): t for n, t in state.items() if n.startswith(prefix)}
            )
        if type(theirs) is not nn.Linear:
            net.kind = "regression"
        if theirs.out_features != len(net.classes):
            net.classes = tuple(str(number) for number in range(theirs.out_features))
        net.head.output = theirs
    try:
        net.load_state_dict(state)
    except RuntimeError as reason:
        first = str(reason).splitlines()[1].strip() if "\n" in str(reason) else str(reason)
        raise WeightsError(
            f"The weights {str(source)!r} do not fit the network {net.name!r}: "
            + textwrap.shorten(first, 160, placeholder=" ...")
        ) from None
    net.copied = dict.fromkeys(net.stages, True)
