"""MobileNetV2, the real world's network that works offline."""

from __future__ import annotations

import torch
from torch import nn

from .. import assets
from ..tasks import Preprocess
from ..tasks.preprocess import IMAGENET_MEAN, IMAGENET_STD
from .heads import pooled_head
from .network import Network

# Where torchvision's 19 blocks are cut: a new stage begins where the picture shrinks or the
# number of channels grows.
_CUTS = {
    "stem": (0, 2),
    "block1": (2, 4),
    "block2": (4, 7),
    "block3": (7, 11),
    "block4": (11, 14),
    "block5": (14, 17),
    "block6": (17, 19),
}


def mobilenet_v2() -> Network:
    """Build torchvision's MobileNetV2 with random weights, cut into eight stages.

    Returns
    -------
    Network
        About 3.5 million parameters; colour pictures to 1,000 ImageNet classes.

    References
    ----------
    Sandler, Howard, Zhu, Zhmoginov, Chen (2018), "MobileNetV2: Inverted residuals and linear
    bottlenecks", https://arxiv.org/abs/1801.04381
    """
    from torchvision.models import MobileNet_V2_Weights
    from torchvision.models import mobilenet_v2 as torchvision_mobilenet_v2

    theirs = torchvision_mobilenet_v2(weights=None)
    stages: dict[str, nn.Module] = {
        name: theirs.features[first:last] for name, (first, last) in _CUTS.items()
    }
    stages["head"] = pooled_head(theirs.last_channel, 1000, dropout=0.2)
    stages["head"].output = theirs.classifier[1]
    preprocess = Preprocess(224, 3, IMAGENET_MEAN, IMAGENET_STD, resize=256)
    classes = tuple(MobileNet_V2_Weights.IMAGENET1K_V1.meta["categories"])
    return Network("mobilenet_v2", stages, preprocess, classes)


def imagenet_weights() -> dict[str, torch.Tensor]:
    """Read torchvision's ImageNet weights, under the names that our stages give them.

    Returns
    -------
    dict of str to torch.Tensor
        A state dict for `mobilenet_v2`.
    """
    theirs = torch.load(assets.path("mobilenet_v2-imagenet"), weights_only=True)
    return {_rename(name): tensor for name, tensor in theirs.items()}


def _rename(name: str) -> str:
    part, number, rest = name.split(".", 2)
    if part == "classifier":
        return f"stages.head.output.{rest}"
    for stage, (first, last) in _CUTS.items():
        if first <= int(number) < last:
            return f"stages.{stage}.{number}.{rest}"
    raise ValueError(f"Unexpected weight {name!r} in the file of MobileNetV2.")
