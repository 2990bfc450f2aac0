"""Where in a picture an answer comes from: Grad-CAM and integrated gradients, through captum."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import torch

from ..learning.evaluation import evaluating, require_fit
from ..networks import Network, require_network
from ..tasks import Split, TaskInfo, require_split
from ..wording import unknown
from .answers import answer_in_words, in_words
from .feature_maps import as_seen
from .matrix import short
from .picture import INK, Picture, blank, credit, tile

_STEPS = 50  # of the path from black to the picture
_AT_ONCE = 25  # points of it that are run at a time
_EVEN = "The middle half of height and width is 25 % of a picture."


def show_grad_cam(
    net: Network,
    split: Split,
    items: int | Sequence[int],
    target: str | int | None = None,
    *,
    stage: str | None = None,
) -> Picture:
    """Show with Grad-CAM which regions of a picture speak for a class.

    A stage's feature maps are averaged, each weighted by how much the class's output rises with
    it. What remains above 0 is the heat: as coarse as the maps are.

    Parameters
    ----------
    net : Network
        Left as it is; it may be frozen.
    split : Split
        Where the pictures are. A sealed test refuses.
    items : int or sequence of int
        Their positions in the split.
    target : str or int, optional
        The class that is asked for; by default what the network answers.
    stage : str, optional
        Whose feature maps are read; by default those of the last stage before the head.

    Returns
    -------
    Picture
        Each picture as the network gets it, and the heat over it.

    Raises
    ------
    ImportError
        If captum is not installed.
    ValueError
        If there is no such item, class or stage, or the stage gives no feature maps.

    Notes
    -----
    A convincing picture is no proof. Adebayo et al. found methods of this family that show nearly
    the same for a network with random weights. Grad-CAM passed their test; try it all the same:
    call this with ``tl.load_network(name, "random")``.

    References
    ----------
    Selvaraju, Cogswell, Das, Vedantam, Parikh, Batra (2017), "Grad-CAM: Visual explanations from
    deep networks via gradient-based localization", https://arxiv.org/abs/1610.02391

    Adebayo, Gilmer, Muelly, Goodfellow, Hardt, Kim (2018), "Sanity checks for saliency maps",
    https://arxiv.org/abs/1810.03292

    Examples
    --------
    >>> import tl_teach as tl
    >>> task = tl.load_task("printed-letters")
    >>> print(tl.show_grad_cam(tl.load_network("letters-resnet"), task.validation, 0).alt)
    Grad-CAM at stage block3 of letters-resnet. Item 0, true ..., answered ...: what speaks for ...
    is strongest in the ..., ... % in the middle half. The middle half of height and width is 25 %
    of a picture.
    """
    attr = _captum()
    net = require_network(net)
    stage = net.stage_names[-2] if stage is None else stage
    if net.position(stage) == len(net.stages) - 1:
        raise ValueError(
            f"The head of {net.name!r} gives no feature maps; "
            f"choose one of {', '.join(net.stage_names[:-1])}."
        )

    def heat(inputs: torch.Tensor, targets: list[int]) -> torch.Tensor:
        cam = attr.LayerGradCam(net, net.stages[stage])
        maps = cam.attribute(inputs, target=targets, relu_attributions=True)
        if maps.ndim != 4:
            raise ValueError(
                f"The stage {stage!r} of {net.name!r} gives no feature maps; choose another of "
                f"{', '.join(net.stage_names[:-1])}."
            )
        return attr.LayerAttribution.interpolate(maps, inputs.shape[-2:], "bilinear")[:, 0]

    key = f"{stage}: bright regions speak for the class"
    method = _Method(f"Grad-CAM at stage {stage}", key, heat, _overlay, _where)
    return _show(net, split, items, target, method)


def show_integrated_gradients(
    net: Network,
    split: Split,
    items: int | Sequence[int],
    target: str | int | None = None,
) -> Picture:
    """Show with integrated gradients which pixels speak for a class, and which against it.

    The gradient of the class's output is averaged on the straight path from a black picture to
    this one. The attributions of all pixels add up to the difference of the two outputs.

    Parameters
    ----------
    net : Network
        Left as it is; it may be frozen.
    split : Split
        Where the pictures are. A sealed test refuses.
    items : int or sequence of int
        Their positions in the split.
    target : str or int, optional
        The class that is asked for; by default what the network answers.

    Returns
    -------
    Picture
        Each picture as the network gets it, and beside it what each pixel adds to the class's
        output (orange) or takes from it (violet).

    Raises
    ------
    ImportError
        If captum is not installed.
    ValueError
        If there is no such item or class.

    Notes
    -----
    The black picture is a choice: what is black in the picture itself can get no attribution.
    A convincing picture is no proof: edges of the input shine through whatever was learned.
    Compare with a network of random weights (``tl.load_network(name, "random")``), as Adebayo et
    al. did.

    References
    ----------
    Sundararajan, Taly, Yan (2017), "Axiomatic attribution for deep networks",
    https://arxiv.org/abs/1703.01365

    Adebayo, Gilmer, Muelly, Goodfellow, Hardt, Kim (2018), "Sanity checks for saliency maps",
    https://arxiv.org/abs/1810.03292

    Examples
    --------
    >>> import tl_teach as tl
    >>> task, net = tl.load_task("printed-letters"), tl.load_network("letters-resnet")
    >>> print(tl.show_integrated_gradients(net, task.validation, 0).alt)
    Integrated gradients of letters-resnet. Item 0, true ..., answered ...: what speaks for ...
    """
    attr = _captum()
    net = require_network(net)

    def heat(inputs: torch.Tensor, targets: list[int]) -> torch.Tensor:
        shape = (net.preprocess.channels, *inputs.shape[-2:])
        black = net.preprocess(torch.zeros(shape, dtype=torch.uint8))[None]
        path = {"n_steps": _STEPS, "internal_batch_size": _AT_ONCE}
        gradients = attr.IntegratedGradients(net).attribute(inputs, black, target=targets, **path)
        return gradients.sum(1)

    key = "orange pixels speak for the class, violet ones against it"
    method = _Method("Integrated gradients", key, heat, _beside, _where_and_sum)
    return _show(net, split, items, target, method)


def _captum() -> Any:
    try:
        from captum import attr
    except ImportError:
        raise ImportError(
            "Attributions are computed by captum, which is not installed; run: pip install captum."
        ) from None
    return attr


@dataclass(frozen=True)
class _Method:
    """What distinguishes one way of attribution from another."""

    name: str
    key: str  # how to read its colours
    heat: Callable[[torch.Tensor, list[int]], torch.Tensor]
    draw: Callable[[np.ndarray, np.ndarray], np.ndarray]
    say: Callable[[np.ndarray, str], str]


def _show(
    net: Network,
    split: Split,
    items: int | Sequence[int],
    target: str | int | None,
    method: _Method,
) -> Picture:
    split = require_split(split).for_network(net)
    require_fit(net, split)
    places = _places(split, items)
    inputs = torch.stack([split.preprocess(split.pixels(place)) for place in places])
    with evaluating(net):
        outputs = net(inputs)
    asked = _target(split.info, target)
    targets = outputs.argmax(1).tolist() if asked is None else [asked] * len(places)
    with evaluating(net), torch.enable_grad():
        heats = method.heat(inputs, targets).detach().numpy()
    columns = min(len(places), 2)
    rows = -(-len(places) // columns)
    figure = blank(6.4, rows * (3.2 / columns + 0.4) + 0.5, gap=0.02)
    figure.suptitle(method.key, fontsize=9.5, color=INK, x=0.01, ha="left")
    grid = figure.subplots(rows, 2 * columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    words = []
    for number, place in enumerate(places):
        row, column = divmod(number, columns)
        seen, heat = as_seen(inputs[number], net.preprocess), heats[number]
        answer = answer_in_words(split.info, outputs[number])
        labels = [f"said: {short(answer, 20)}"]
        text = f"Item {place}"
        if split.labels is not None:
            true = in_words(split.info, split.labels[place])
            labels.insert(0, f"true: {short(true)}")
            text += f", true {true}"
        about = split.classes[targets[number]]
        tile(grid[row, 2 * column], seen, "\n".join(labels))
        tile(
            grid[row, 2 * column + 1],
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


def _overlay(seen: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Lay the heat over the picture in grey: the hotter, the more it covers."""
    from matplotlib import colormaps

    grey = np.repeat(seen[..., None], 3, axis=2) if seen.ndim == 2 else seen
    grey = np.repeat(grey.mean(2, keepdims=True), 3, axis=2)
    share = heat / heat.max() if heat.max() > 0 else heat
    cover = 0.7 * np.clip(2 * share, 0, 1)[..., None]
    return grey * (1 - cover) + colormaps["inferno"](share)[..., :3] * cover


def _beside(seen: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Orange where a pixel speaks for the class, violet where it speaks against it."""
    from matplotlib import colormaps

    most = np.quantile(np.abs(heat), 0.995) or 1.0  # single pixels would leave all others pale
    return colormaps["PuOr_r"](0.5 + np.clip(heat / most, -1, 1) / 2)[..., :3]


def _where(heat: np.ndarray, about: str) -> str:
    """Where in the picture the heat that speaks for a class lies."""
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


def _where_and_sum(heat: np.ndarray, about: str) -> str:
    change = "adds" if heat.sum() > 0 else "takes"
    way = "to" if heat.sum() > 0 else "from"
    return (
        f"{_where(heat, about)}; against a black picture, this one {change} "
        f"{abs(heat.sum()):.1f} {way} the output for {about}"
    )
