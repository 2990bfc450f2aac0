"""``tl-teach predict``: say what a saved network sees in photographs."""

from __future__ import annotations

import argparse
import glob
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .answer import complain

if TYPE_CHECKING:
    from ..networks import Network


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    predict = commands.add_parser("predict", help="say what a saved network sees in photographs")
    predict.add_argument("network", type=Path, metavar="FILE", help="from tl.save_network")
    predict.add_argument("photos", nargs="+", metavar="PHOTO", help="pictures in any usual format")
    predict.add_argument("--json", action="store_true", help="answer as JSON, with every class")
    predict.set_defaults(run=_predict)


def _predict(arguments: argparse.Namespace) -> int:
    from .. import networks
    from ..tasks import reads_texts

    net = networks.open_network(arguments.network)
    if reads_texts(net):
        raise ValueError(
            f"{arguments.network} reads texts, and tl-teach predict looks at photographs; ask it "
            "in Python: net(net.preprocess([text])) with net = tl.open_network(file)."
        )
    code = 0
    records: list[dict[str, Any]] = []
    for photo in _named(arguments.photos):
        try:
            records.append({"photo": photo, "unit": net.unit, "values": _outputs(net, photo)})
        except ValueError as error:
            code = complain(error)
            records.append({"photo": photo, "error": str(error)})
        if not arguments.json and "error" not in records[-1]:
            print(f"{photo}: {_in_words(net, records[-1]['values'])}")
    if arguments.json:
        print(json.dumps({"kind": net.kind, "photos": records}, indent=2))
    return code


def _named(photos: list[str]) -> Iterator[str]:
    """Find what ``*.jpg`` stands for, where no shell has done so."""
    for photo in photos:
        found = [] if Path(photo).exists() else sorted(glob.glob(photo))
        yield from found or [photo]


def _outputs(net: Network, photo: str) -> dict[str, float]:
    """Give the probability of each class, or the value of each output of a regression."""
    import torch

    from ..learning.predicting import shares
    from ..tasks.own.files import Unusable, read_picture

    try:
        picture = read_picture(Path(photo))
    except Unusable as error:
        why = getattr(error.__cause__, "strerror", None) or error  # "No such file" says more
        raise ValueError(f"Cannot look at {photo} ({why}).") from error
    with torch.no_grad():
        outputs = net(net.preprocess(picture)[None])[0]
    return dict(zip(net.classes, shares(outputs, net.kind).tolist(), strict=True))


def _in_words(net: Network, values: dict[str, float], most: int = 5) -> str:
    if net.kind == "regression":
        return ", ".join(
            f"{name} {value:.4g} {net.unit}".rstrip() for name, value in values.items()
        )
    best = sorted(values.items(), key=lambda item: -item[1])[:most]
    return ", ".join(f"{name} {probability:.1%}" for name, probability in best)
