"""The networks by name, with pre-trained, random or the reader's own weights."""

from __future__ import annotations

import hashlib
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.resources import as_file, files
from pathlib import Path

import torch
from torch import nn

from ..wording import require_count, unknown
from .letters_resnet import letters_resnet
from .mobilenet import imagenet_weights, mobilenet_v2
from .network import Network, require_network
from .outputs import output_like
from .safetensors import WeightsError, load_safetensors, save_safetensors
from .seeding import seeded


@dataclass(frozen=True)
class Architecture:
    """How a network is built, and where its pre-trained weights come from.

    Attributes
    ----------
    build : callable
        Gives the network with random weights.
    pretrained : callable
        Gives a state dict for it.
    """

    build: Callable[[], Network]
    pretrained: Callable[[], dict[str, torch.Tensor]]


def _shipped(filename: str) -> dict[str, torch.Tensor]:
    with as_file(files(__package__) / "weights" / filename) as path:
        return load_safetensors(path)


NETWORKS: dict[str, Architecture] = {
    "letters-resnet": Architecture(letters_resnet, lambda: _shipped("letters-resnet.safetensors")),
    "mobilenet_v2": Architecture(mobilenet_v2, imagenet_weights),
}


def load_network(
    name: str,
    weights: str | Path = "pretrained",
    *,
    seed: int = 0,
    image_size: int | None = None,
) -> Network:
    """Load a network as a row of named stages.

    Parameters
    ----------
    name : str
        ``"letters-resnet"`` (pre-trained on printed letters) or ``"mobilenet_v2"`` (on ImageNet).
    weights : str or pathlib.Path
        ``"pretrained"``, ``"random"``, or a file that `save_network` wrote (a safetensors file,
        or a state dict from `torch.save`).
    seed : int
        Fixes random weights.
    image_size : int, optional
        Height and width of the pictures, in pixels, instead of those it was trained on. A smaller
        picture costs less time; whole pictures are resized to it.

    Returns
    -------
    Network
        In eval mode, with nothing frozen.

    Raises
    ------
    ValueError
        If there is no such network, the weights do not fit it, or `image_size` makes no sense.
    AssetError
        If the weights must be fetched and cannot be.

    Examples
    --------
    >>> import tl_teach as tl
    >>> net = tl.load_network("letters-resnet")
    >>> net.stage_names
    ('stem', 'block1', 'block2', 'block3', 'head')
    >>> tl.load_network("letters-resnet18")
    Traceback (most recent call last):
    ...
    ValueError: There is no network named 'letters-resnet18'; ...
    """
    if name not in NETWORKS:
        raise ValueError(unknown("network", name, NETWORKS))
    if image_size is not None:
        require_count("image_size", image_size)
    with seeded(seed):
        net = NETWORKS[name].build()
    if weights != "random":
        state = NETWORKS[name].pretrained() if weights == "pretrained" else _read(Path(weights))
        _fill(net, state, weights)
    if image_size is not None:
        net.preprocess = replace(net.preprocess, size=image_size, resize=image_size)
    return net.eval()


def save_network(net: Network, path: str | Path) -> Path:
    """Save a network's weights, whole or not at all.

    Parameters
    ----------
    net : Network
        Parameters and buffers are saved; the freeze boundary is not.
    path : str or pathlib.Path
        Usually ends in ``.safetensors``.

    Returns
    -------
    pathlib.Path
        The file, for ``load_network(name, weights=path)``.

    Raises
    ------
    OSError
        If the file cannot be written; one that was there before is left as it was.

    Examples
    --------
    >>> import tempfile
    >>> import tl_teach as tl
    >>> net = tl.replace_head(tl.load_network("letters-resnet"), 10)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = tl.save_network(net, f"{folder}/digits.safetensors")
    ...     again = tl.load_network("letters-resnet", weights=path)
    >>> tl.fingerprint(again) == tl.fingerprint(net)
    True
    """
    return save_safetensors(require_network(net).state_dict(), path)


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
    for name, tensor in module.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()[:16]


def _read(path: Path) -> dict[str, torch.Tensor]:
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


def _shape_head(net: Network, state: dict[str, torch.Tensor], head: str) -> None:
    if f"{head}hidden.weight" in state and not hasattr(net.head, "hidden"):
        width, features = state[f"{head}hidden.weight"].shape
        del net.head.output
        net.head.hidden, net.head.relu = nn.Linear(features, width), nn.ReLU()
    output = output_like(state, f"{head}output.")
    if type(output) is not nn.Linear:
        net.kind = "regression"
    if output.out_features != len(net.classes):
        net.classes = tuple(str(number) for number in range(output.out_features))
    net.head.output = output


def _fill(net: Network, state: dict[str, torch.Tensor], source: object) -> None:
    """Copy weights into the network; the file decides what the head's layers are."""
    head = f"stages.{net.stage_names[-1]}."
    if f"{head}output.weight" in state:
        with seeded(0):  # the file fills them; the caller's random numbers stay as they are
            _shape_head(net, state, head)
    try:
        net.load_state_dict(state)
    except RuntimeError as reason:
        first = str(reason).splitlines()[1].strip() if "\n" in str(reason) else str(reason)
        raise WeightsError(
            f"The weights {str(source)!r} do not fit the network {net.name!r}: "
            + textwrap.shorten(first, 160, placeholder=" ...")
        ) from None
    net.copied = dict.fromkeys(net.stages, True)
