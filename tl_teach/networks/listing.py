"""A table of the networks: what each costs, what it can do, and whether it is here already."""

from __future__ import annotations

import html
import time
from importlib.util import find_spec
from statistics import median
from typing import Any

import torch

from ..wording import in_columns
from .families import FAMILIES
from .load import NETWORKS, load_network, where
from .network import Network
from .published import published_weights, weights_asset
from .text import TEXT_FAMILIES


class NetworkTable(list):
    """Facts of networks, a ``dict`` for each, that show as a table."""

    def _cells(self) -> list[tuple[str, ...]]:
        """The headings, then a row of words a network."""
        return [tuple(self[0]), *(tuple(map(_words, row.values())) for row in self)]

    def __repr__(self) -> str:
        return in_columns(self._cells())

    def _repr_html_(self) -> str:
        head, *rows = ([html.escape(cell) for cell in row] for row in self._cells())
        top = "".join(f'<th scope="col">{cell}</th>' for cell in head)
        body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
        return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def list_networks(*, speed: bool = False) -> NetworkTable:
    """List the networks by name, with what each costs and what it can do.

    Any other classification network of torchvision, and of timm as ``"timm/..."``, loads by name
    too. Inception and GoogLeNet come without the auxiliary heads that they were trained with,
    which are not counted. Networks for texts are listed where the package transformers is
    installed.

    Parameters
    ----------
    speed : bool
        Run each a few times on this machine, at its own input size. Takes about a minute.

    Returns
    -------
    NetworkTable
        A list of dictionaries that shows as a table. ``MB`` is the size of the weights in 10^6
        bytes; ``top-1`` is the publisher's accuracy on ImageNet in percent, ``px`` height and
        width of the input (neither for texts), ``weights`` tells whether they are shipped, cached
        here or must be downloaded, and ``pictures/s`` is measured here. Nothing is fetched.

    Examples
    --------
    >>> import tl_teach as tl
    >>> row = next(row for row in tl.list_networks() if row["name"] == "resnet18")
    >>> row["year"], row["px"], row["stages"]
    (2015, 224, 'stem block1 block2 block3 block4 head')
    """
    import torchvision.models  # noqa: F401 - here, since PyTorch 2.7 cannot import it under "meta"

    texts = find_spec("transformers") is not None
    known = [name for name in NETWORKS if texts or name not in TEXT_FAMILIES]
    return NetworkTable(_facts(name, speed) for name in known)


def _facts(name: str, speed: bool) -> dict[str, Any]:
    with torch.device("cpu" if speed else "meta"):  # meta: shapes without numbers
        net = load_network(name, "random")
    family = FAMILIES.get(name)
    parameters = sum(parameter.numel() for parameter in net.parameters()) / 1e6
    facts: dict[str, Any] = {
        "name": name,
        "year": None,
        "parameters (M)": parameters,
        "MB": 4 * parameters,
        "top-1": None,
        "px": getattr(net.preprocess, "size", None),
        "stages": " ".join(net.stage_names),
        "weights": where(name),
        "licence": "Apache-2.0",
        "paper": "",
    }
    if family:
        asset, metrics = weights_asset(name), published_weights(name).meta["_metrics"]
        facts |= {
            "year": family.year,
            "MB": asset.size / 1e6,
            "top-1": metrics["ImageNet-1K"]["acc@1"],
            "licence": asset.licence,
            "paper": f"https://arxiv.org/abs/{family.arxiv}",
        }
    if name in TEXT_FAMILIES:
        about = TEXT_FAMILIES[name]
        facts |= {"year": about.year, "licence": about.licence, "paper": about.paper}
    return facts | ({"pictures/s": _speed(net)} if speed else {})


def _speed(net: Network, batch: int = 4, passes: int = 3) -> float:
    pictures, seconds = torch.zeros(batch, *net.preprocess.shape, dtype=net.preprocess.dtype), []
    with torch.no_grad():
        for _ in range(1 + passes):  # the first warms up
            start = time.perf_counter()
            net(pictures)
            seconds.append(time.perf_counter() - start)
    return batch / median(seconds[1:])


def _words(fact: object) -> str:
    return f"{fact:.1f}" if isinstance(fact, float) else "" if fact is None else str(fact)
