"""torchvision's networks with the weights that it publishes."""

from __future__ import annotations

import re
from typing import Any

import torch

from .. import assets
from ..tasks import Preprocess
from .families import FAMILIES, compose
from .find_stages import find_stages
from .letters_resnet import SHIPPED
from .network import Network
from .text import TEXT_FAMILIES


def is_known(name: str) -> bool:
    """Tell whether `load_network` can build a network of this name."""
    if name in (SHIPPED, *FAMILIES, *TEXT_FAMILIES) or str(name).startswith("timm/"):
        return True
    from torchvision import models

    return name in models.list_models(module=models)


def torchvision_network(name: str, pretrained: bool) -> Network:
    """Build one of torchvision's classification networks, of `FAMILIES` or not, as a row of stages.

    The auxiliary heads of Inception and GoogLeNet, which help only in training from scratch, are
    left out of the row, so that outputs are one tensor in every mode.
    """
    from torchvision.models import get_model

    weights = published_weights(name)
    options = {"init_weights": True} if name in ("inception_v3", "googlenet") else {}
    theirs = get_model(name, weights=None, **options)
    if pretrained:
        theirs.load_state_dict(_state(weights_asset(name)))
    preprocess = _preprocess(weights, hasattr(theirs, "transform_input"))
    if name in FAMILIES:
        stages = compose(theirs, FAMILIES[name])
    else:
        stages = find_stages(theirs, name, preprocess.shape)
    return Network(name, stages, preprocess, tuple(weights.meta["categories"]), pretrained)


def published_weights(name: str) -> Any:
    """Give torchvision's record of the ImageNet weights that we use: ``url``, ``meta`` and more.

    The first published ones, IMAGENET1K_V1, wherever they exist: they are those of the papers that
    compare networks, and frozen features made with losses and regularisers of the later kind tend
    to transfer less well although their ImageNet accuracy is higher (Kornblith, Chen, Lee, Norouzi,
    2021, "Why do better loss functions lead to less transferable features?",
    https://arxiv.org/abs/2010.16402).
    """
    from torchvision.models import get_model_weights

    choices = get_model_weights(name)
    return getattr(choices, "IMAGENET1K_V1", choices.DEFAULT)


def weights_asset(name: str) -> assets.Asset:
    """Describe the file that holds a network's ImageNet weights.

    The catalogue's entry, where it has one; else torchvision's own address, whose file name
    carries the first digits of the checksum, as ``torch.hub`` verifies them.
    """
    if f"{name}-imagenet" in assets.catalogue:
        return assets.catalogue[f"{name}-imagenet"]
    weights = published_weights(name)
    filename = weights.url.rsplit("/", 1)[-1]
    (digits,) = re.findall(r"-([0-9a-f]{8,})\.pth$", filename)
    return assets.Asset(
        name=f"{name}-imagenet",
        title=f"{name}, ImageNet weights",
        filename=filename,
        size=round(weights.meta["_file_size"] * 2**20),
        sha256=digits,
        licence=weights.meta.get("license", "BSD-3-Clause"),
        citation=f"torchvision's {weights.name} weights, {weights.meta['recipe']}",
        mirrors=(assets.Download(weights.url),),
        slack=2**10,  # torchvision rounds to thousandths of a mebibyte
    )


def _state(asset: assets.Asset) -> dict[str, torch.Tensor]:
    state = torch.load(assets.path(asset), map_location="cpu", weights_only=True)
    # DenseNet's file has dots in names that modules may no longer have.
    old = re.compile(r"(denselayer\d+\.(?:norm|conv))\.(?=[12]\.)")
    return {old.sub(r"\1", name): tensor for name, tensor in state.items()}


def _preprocess(weights: Any, rescales: bool) -> Preprocess:
    """Say in our terms what torchvision's weights expect of a picture.

    Inception and GoogLeNet were trained on values from -1 to 1. torchvision normalises a picture
    as for all its networks and lets these two turn that back (``transform_input``); we begin with
    what they were trained on, which gives the same numbers.
    """
    theirs = weights.transforms()
    half = (0.5, 0.5, 0.5)
    return Preprocess(
        size=theirs.crop_size[0],
        channels=3,
        mean=half if rescales else tuple(theirs.mean),
        std=half if rescales else tuple(theirs.std),
        resize=theirs.resize_size[0],
        interpolation=theirs.interpolation.value,
    )
