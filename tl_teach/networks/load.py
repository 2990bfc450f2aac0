"""The networks by name, with pre-trained, random or the reader's own weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from .. import assets
from ..wording import require_count, unknown
from .families import FAMILIES
from .find_stages import timm_network
from .letters_resnet import SHIPPED, letters_resnet
from .network import Network
from .published import is_known, torchvision_network, weights_asset
from .safetensors import WeightsError, load_safetensors
from .saved import fill, read_about, read_state, rebuild
from .seeding import seeded
from .text import TEXT_FAMILIES, text_network

NETWORKS = (SHIPPED, *FAMILIES, *TEXT_FAMILIES)
"""The networks that the book uses, by name."""


def load_network(
    name: str,
    weights: str | Path = "pretrained",
    *,
    seed: int = 0,
    image_size: int | None = None,
    pooling: str | None = None,
    length: int | None = None,
) -> Network:
    """Load a network as a row of named stages.

    Parameters
    ----------
    name : str
        ``"letters-resnet"`` (pre-trained on printed letters), one of `list_networks` (on ImageNet,
        or, as ``"minilm"``, on texts), any other classification network of torchvision, or
        ``"timm/"`` and a name in timm.
    weights : str or pathlib.Path
        ``"pretrained"``, ``"random"``, or a file that `save_network` wrote (a safetensors file,
        or a state dict from `torch.save`).
    seed : int
        Fixes random weights.
    image_size : int, optional
        Height and width of the pictures, in pixels, instead of those it was trained on. A smaller
        picture costs less time; whole pictures are resized to it.
    pooling : str, optional
        How the tokens of a text become one row of features: their ``"mean"``, or the ``"first"``
        or ``"last"`` of them; as the network was trained by default.
    length : int, optional
        Tokens of a text that are read, at most; 32 by default. A shorter text costs less time.

    Returns
    -------
    Network
        In eval mode, with nothing frozen. Auxiliary heads, which Inception and GoogLeNet have for
        training from scratch, are left out.

    Raises
    ------
    ValueError
        If there is no such network, the weights do not fit it, or an option makes no sense.
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
    reads_texts = name in TEXT_FAMILIES
    if image_size is not None:
        require_count("image_size", image_size)
    others = {"image_size": image_size} if reads_texts else {"pooling": pooling, "length": length}
    for option, given in others.items():
        if given is not None:
            raise ValueError(
                f"{name!r} reads {'texts' if reads_texts else 'pictures'}, so {option}= says "
                "nothing to it; leave it out."
            )
    with seeded(seed):
        net = _build(name, weights == "pretrained", pooling)
    if weights not in ("pretrained", "random"):
        path = Path(weights)
        state = read_state(path)
        about = read_about(path) if path.suffix == ".safetensors" else None
        if about is not None and about["name"] == name:
            rebuild(net, about, state)
        fill(net, state, weights)
    if length is not None:
        net.preprocess = replace(net.preprocess, length=length)
    if image_size is not None:
        net.preprocess = replace(net.preprocess, size=image_size, resize=image_size)
    return net.eval()


def open_network(path: str | Path) -> Network:
    """Open a network that `save_network` wrote, ready to predict.

    Parameters
    ----------
    path : str or pathlib.Path
        A safetensors file. It names its architecture, classes and preprocessing itself; nothing
        in it is executed.

    Returns
    -------
    Network
        In eval mode, with nothing frozen.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    WeightsError
        If the file does not say what network it holds, or says what cannot be.

    Examples
    --------
    >>> import tempfile
    >>> import tl_teach as tl
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = tl.save_network(tl.load_network("letters-resnet"), f"{folder}/net.safetensors")
    ...     tl.open_network(path).classes[:3]
    ('A', 'B', 'C')
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {str(path)!r}; give one by tl.save_network.")
    about = read_about(path)
    if about is None:
        raise WeightsError(
            f"{path} does not say what network it holds, so tl.save_network did not write it; "
            "name the network: tl.load_network(name, weights=path)."
        )
    state = load_safetensors(path)
    with seeded(0):
        net = _build(about["name"], False)
    rebuild(net, about, state)
    fill(net, state, path)
    return net.eval()


def load_first_available(names: Sequence[str], **options: Any) -> Network:
    """Load the first of several networks whose weights can be had here.

    Parameters
    ----------
    names : sequence of str
        The one that is wanted, then those that would do. If another than the first is loaded, one
        printed sentence says so.
    **options
        Handed on to `load_network`.

    Returns
    -------
    Network
        The first that could be loaded.

    Raises
    ------
    ValueError
        If there is no list of names, or one of them is unknown.
    AssetError
        If none could.

    Examples
    --------
    >>> import tl_teach as tl
    >>> tl.load_first_available(["letters-resnet", "mobilenet_v2"]).name
    'letters-resnet'
    """
    if isinstance(names, str) or not names:
        raise ValueError(f"names={names!r} does not work: expected a list of networks' names.")
    for name in names:
        try:
            net = load_network(name, **options)
        except assets.AssetError as error:
            failure = error
            continue
        if name != names[0]:
            print(f"The weights of {names[0]!r} cannot be fetched here, so this is {name!r}.")
        return net
    raise failure


def where(name: str) -> str:
    """Say whether a network's weights are ``"shipped"``, ``"cached"`` or a ``"download"``."""
    if name == SHIPPED:
        return "shipped"
    if name in TEXT_FAMILIES and (repository := TEXT_FAMILIES[name].repository):
        try:
            kept = assets.in_hub_cache(repository, "model.safetensors") is not None
        except ImportError:
            kept = False
    else:
        asset = assets.catalogue[name] if name in TEXT_FAMILIES else weights_asset(name)
        kept = assets.present(asset)
    return "cached" if kept else "download"


def _build(name: str, pretrained: bool, pooling: str | None = None) -> Network:
    try:
        if name == SHIPPED:
            net = letters_resnet()
            if pretrained:
                with as_file(files(__package__) / "weights" / f"{SHIPPED}.safetensors") as path:
                    fill(net, load_safetensors(path), path)
            return net
        if name in TEXT_FAMILIES:
            return text_network(name, pretrained, pooling)
        if str(name).startswith("timm/"):
            return timm_network(name, pretrained)
        if is_known(name):
            return torchvision_network(name, pretrained)
    except assets.AssetError as error:
        kin = [known for known in NETWORKS if (known in TEXT_FAMILIES) == (name in TEXT_FAMILIES)]
        here = " or ".join(repr(known) for known in kin if where(known) != "download")
        sentence = str(error).rstrip(".")
        instead = f"; without a connection, load {here}" if here else ""
        raise assets.AssetError(f"{sentence}{instead}.") from error
    raise ValueError(unknown("network", name, NETWORKS))
