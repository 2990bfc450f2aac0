"""Which regions of a picture speak for a class, by Grad-CAM."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..networks import Network, require_network
from ..tasks import Split
from .attribution import Method, captum_methods, explain, where
from .feature_maps import no_maps
from .picture import Picture


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
    TypeError
        If `net` is no network.
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
    attr = captum_methods()
    net = require_network(net)
    stage = net.stage_names[-2] if stage is None else stage
    if net.position(stage) == len(net.stages) - 1:
        raise no_maps(net, stage)

    def heat(inputs: torch.Tensor, targets: list[int]) -> torch.Tensor:
        cam = attr.LayerGradCam(net, net.stages[stage])
        maps = cam.attribute(inputs, target=targets, relu_attributions=True)
        if maps.ndim != 4:
            raise no_maps(net, stage)
        return attr.LayerAttribution.interpolate(maps, inputs.shape[-2:], "bilinear")[:, 0]

    key = f"{stage}: bright regions speak for the class"
    method = Method(f"Grad-CAM at stage {stage}", key, heat, _overlay, where)
    return explain(net, split, items, target, method)


def _overlay(seen: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Lay the heat over the picture in grey: the hotter, the more it covers."""
    from matplotlib import colormaps

    grey = np.repeat(seen[..., None], 3, axis=2) if seen.ndim == 2 else seen
    grey = np.repeat(grey.mean(2, keepdims=True), 3, axis=2)
    share = heat / heat.max() if heat.max() > 0 else heat
    cover = 0.7 * np.clip(2 * share, 0, 1)[..., None]
    return grey * (1 - cover) + colormaps["inferno"](share)[..., :3] * cover
