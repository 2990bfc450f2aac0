"""Where in a picture an answer comes from, through captum: what its methods share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import torch

from ..learning.predicting import evaluating, require_fit
from ..networks import Network
from ..tasks import Split, TaskInfo, require_pictures, require_split
from ..wording import need, unknown
from .answers import answer_in_words, in_words
from .feature_maps import as_seen
from .matrix import short
from .picture import INK, Picture, credit, grid, tile

_EVEN = "The middle half of height and width is 25 % of a picture."


def captum_methods() -> Any:
    """Give captum's methods, or say how to get them.

    Returns
    -------
    module
        ``captum.attr``.

    Raises
    ------
    ImportError
        If captum is not installed.
    """
    return need("captum", "attribution", "Attribution").attr


@dataclass(frozen=True)
class Method:
    """What distinguishes one way of attribution from another.

    Attributes
    ----------
    name : str
        As the words begin.
    key : str
        How to read its colours.
    heat : callable
        From inputs (N, C, H, W) and N class numbers to what each pixel adds, (N, H, W).
    draw : callable
        From a picture and its heat to the picture that stands beside it.
    say : callable
        From a heat and the name of the class to a part of a sentence.
    """

    name: str
    key: str
    heat: Callable[[torch.Tensor, list[int]], torch.Tensor]
    draw: Callable[[np.ndarray, np.ndarray], np.ndarray]
    say: Callable[[np.ndarray, str], str]


def explain(
    net: Network,
    split: Split,
    items: int | Sequence[int],
    target: str | int | None,
    method: Method,
) -> Picture:
    """Draw pictures beside the heat of a method, and say where it lies.

    Parameters
    ----------
    net : Network
        Left as it is.
    split : Split
        Where the pictures are.
    items : int or sequence of int
        Their positions.
    target : str, int or None
        The class that is asked for; None for what the network answers.
    method : Method
        How the heat is computed, drawn and worded.

    Returns
    -------
    Picture
        Two pictures an item.

    Raises
    ------
    ValueError
        If there is no such item or class, or the network does not fit the task.
    """
    split = require_split(split).for_network(net)
    require_pictures(net)
    require_fit(net, split)
    places = _places(split, items)
    inputs = torch.stack([split.preprocess(split.pixels(place)) for place in places])
    inputs = inputs.to(net.device)
    with evaluating(net):
        outputs = net(inputs).cpu()
    asked = _target(split.info, target)
    targets = outputs.argmax(1).tolist() if asked is None else [asked] * len(places)
    with evaluating(net), torch.enable_grad():
        heats = method.heat(inputs, targets).detach().cpu().numpy()
    figure, tiles = grid(2 * len(places), 2 * min(len(places), 2), 0.4, rest=0.5, gap=0.02)
    figure.suptitle(method.key, fontsize=9.5, color=INK, x=0.01, ha="left")
    words = []
    for number, place in enumerate(places):
        seen, heat = as_seen(inputs[number], net.preprocess), heats[number]
        answer = answer_in_words(split.info, outputs[number])
        labels = [f"said: {short(answer, 20)}"]
        text = f"Item {place}"
        if split.labels is not None:
            true = in_words(split.info, split.labels[place])
            labels.insert(0, f"true: {short(true)}")
            text += f", true {true}"
        about = split.classes[targets[number]]
        tile(tiles[2 * number], seen, "\n".join(labels))
        tile(
            tiles[2 * number + 1],
            method.draw(seen, heat),
            f"for {short(about)}" if heat.max() > 0 else f"nothing for {short(about, 8)}",
        )
        words.append(f"{text}, answered {answer}: {method.say(heat, about)}.")
    credit(figure, split.info)
    return Picture(figure, f"{method.name} of {net.name}. " + " ".join([*words, _EVEN]))


def _places(split: Split, items: int | Sequence[int]) -> list[int]:
    places = list(items) if isinstance(items, Iterable) else [items]
    if not places or not all(
        isinstance(place, Integral) and 0 <= place < len(split) for place in places
    ):
        raise ValueError(
            f"items={items!r} does not work: the {split.role} part of {split.info.name!r} has the "
            f"items 0 to {len(split) - 1}; give one of them, or a list."
        )
    return [int(place) for place in places]


def _target(info: TaskInfo, target: str | int | None) -> int | None:
    if isinstance(target, str):
        if target not in info.classes:
            raise ValueError(unknown(f"class of {info.name!r}", target, info.classes))
        return info.classes.index(target)
    if target is not None and not 0 <= target < len(info.classes):
        raise ValueError(
            f"target={target!r} does not work: {info.name!r} has the classes 0 to "
            f"{len(info.classes) - 1}; give a number or a name."
        )
    return target


def where(heat: np.ndarray, about: str) -> str:
    """Say where in the picture the heat that speaks for a class lies.

    Parameters
    ----------
    heat : numpy.ndarray
        Shape (H, W); what is below 0 speaks against the class.
    about : str
        The class.

    Returns
    -------
    str
        A part of a sentence.
    """
    warm = heat.clip(min=0)
    if not warm.any():
        return f"no region speaks for {about}"
    thirds = [
        [part.sum() for part in np.array_split(band, 3, axis=1)]
        for band in np.array_split(warm, 3, axis=0)
    ]
    row, column = divmod(int(np.argmax(thirds)), 3)
    place = f"{('top', 'middle', 'bottom')[row]} {('left', 'centre', 'right')[column]}"
    height, width = warm.shape
    middle = warm[height // 4 : height - height // 4, width // 4 : width - width // 4]
    share = 100 * middle.sum() / warm.sum()
    return f"what speaks for {about} is strongest in the {place}, {share:.0f} % in the middle half"
