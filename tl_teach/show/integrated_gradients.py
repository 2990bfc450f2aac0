"""Which pixels speak for a class and which against it, by integrated gradients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..networks import Network, require_network
from ..tasks import Split
from .attribution import Method, captum_methods, explain, where
from .picture import Picture

_STEPS = 50  # of the path from black to the picture
_AT_ONCE = 25  # points of it that are run at a time


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
    TypeError
        If `net` is no network.
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
    attr = captum_methods()
    net = require_network(net)

    def heat(inputs: torch.Tensor, targets: list[int]) -> torch.Tensor:
        shape = (net.preprocess.channels, *inputs.shape[-2:])
        black = net.preprocess(torch.zeros(shape, dtype=torch.uint8))[None].to(inputs.device)
        path = {"n_steps": _STEPS, "internal_batch_size": _AT_ONCE}
        gradients = attr.IntegratedGradients(net).attribute(inputs, black, target=targets, **path)
        return gradients.sum(1)

    key = "orange pixels speak for the class, violet ones against it"
    method = Method("Integrated gradients", key, heat, _beside, _where_and_sum)
    return explain(net, split, items, target, method)


def _beside(seen: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Orange where a pixel speaks for the class, violet where it speaks against it."""
    from matplotlib import colormaps

    most = np.quantile(np.abs(heat), 0.995) or 1.0  # single pixels would leave all others pale
    return colormaps["PuOr_r"](0.5 + np.clip(heat / most, -1, 1) / 2)[..., :3]


def _where_and_sum(heat: np.ndarray, about: str) -> str:
    change = "adds" if heat.sum() > 0 else "takes"
    way = "to" if heat.sum() > 0 else "from"
    return (
        f"{where(heat, about)}; against a black picture, this one {change} "
        f"{abs(heat.sum()):.1f} {way} the output for {about}"
    )
