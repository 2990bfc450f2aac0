"""Networks that others trained on ImageNet, each cut into a row of named stages by a table."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from .. import assets
from ..tasks import Preprocess
from .find_stages import find_stages
from .network import Network


@dataclass(frozen=True)
class Family:
    """How one of torchvision's networks becomes a row of stages, and who thought of it.

    Attributes
    ----------
    stages : mapping of str to str
        For each stage, the layers that it is made of, in the order in which they run. A layer is
        a path in torchvision's module, ``layer1``; ``features[2:4]`` takes a slice, and a name
        can be given: ``output=fc``. What torchvision does between its modules stands in `FORMS`.
    year : int
        When it was published.
    paper : str
        Where.
    """

    stages: Mapping[str, str]
    year: int
    paper: str


class PatchTokens(nn.Module):
    """The stem of a vision transformer: patches become tokens that know where they stand.

    Pictures of another size than the one it was trained on get positions in between.

    Parameters
    ----------
    theirs : torchvision.models.VisionTransformer
        Whose layers are used.

    References
    ----------
    Dosovitskiy et al. (2021), "An image is worth 16x16 words", https://arxiv.org/abs/2010.11929
    """

    def __init__(self, theirs: Any):
        super().__init__()
        self.conv_proj, self.dropout = theirs.conv_proj, theirs.encoder.dropout
        self.class_token, self.pos_embedding = theirs.class_token, theirs.encoder.pos_embedding

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, 3, H, W) to (N, 1 + patches, D), the class token first.

        Parameters
        ----------
        x : torch.Tensor
            Pictures.
        """
        patches = self.conv_proj(x)
        tokens = patches.flatten(2).transpose(1, 2)
        tokens = torch.cat([self.class_token.expand(x.shape[0], -1, -1), tokens], dim=1)
        return self.dropout(tokens + self._positions(patches.shape[-2], patches.shape[-1]))

    def _positions(self, height: int, width: int) -> torch.Tensor:
        side = round((self.pos_embedding.shape[1] - 1) ** 0.5)
        if (height, width) == (side, side):
            return self.pos_embedding
        own, rest = self.pos_embedding[:, :1], self.pos_embedding[:, 1:]
        grid = rest.transpose(1, 2).unflatten(2, (side, side))
        grid = functional.interpolate(grid, (height, width), mode="bicubic", align_corners=True)
        return torch.cat([own, grid.flatten(2).transpose(1, 2)], dim=1)


class FirstToken(nn.Module):
    """Keep the class token alone: (N, T, D) becomes (N, D)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Take the first token.

        Parameters
        ----------
        x : torch.Tensor
            Tokens.
        """
        return x[:, 0]


class ClassMaps(nn.Module):
    """SqueezeNet's last layer: one rectified map a class, averaged over the picture.

    It rectifies *before* it averages, so no linear layer gives the same numbers.

    Parameters
    ----------
    conv : torch.nn.Conv2d
        From features to classes, 1 x 1 pixels.

    References
    ----------
    Iandola et al. (2016), "SqueezeNet", https://arxiv.org/abs/1602.07360
    """

    def __init__(self, conv: nn.Conv2d):
        super().__init__()
        self.conv = conv
        self.in_features, self.out_features = conv.in_channels, conv.out_channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, in_features, H, W) to (N, out_features).

        Parameters
        ----------
        x : torch.Tensor
            Feature maps.
        """
        return functional.adaptive_avg_pool2d(torch.relu(self.conv(x)), 1).flatten(1)


def _permute(*order: int) -> nn.Module:
    from torchvision.ops.misc import Permute

    return Permute(list(order))


FORMS: dict[str, Callable[[Any], nn.Module]] = {
    "flatten": lambda theirs: nn.Flatten(),
    "pool": lambda theirs: nn.AdaptiveAvgPool2d(1),
    "relu": lambda theirs: nn.ReLU(),
    "patches": PatchTokens,
    "token": lambda theirs: FirstToken(),
    "class_maps": lambda theirs: ClassMaps(theirs.classifier[1]),
    # Swin computes with channels last; between stages they come second, as everywhere else.
    "channels_last": lambda theirs: _permute(0, 2, 3, 1),
    "channels_second": lambda theirs: _permute(0, 3, 1, 2),
}


def _row(*bodies: str, head: str, hidden: str = "") -> dict[str, str]:
    names = ["stem", *(f"block{number}" for number in range(1, len(bodies)))]
    stages = dict(zip(names, bodies, strict=True))
    return {**stages, **({"hidden": hidden} if hidden else {}), "head": head}


# A new stage begins where the picture shrinks or the channels grow. Fully connected layers with
# copied weights before the last are a stage of their own, so that a new head is new.
_RESNET = _row(
    "conv1 bn1 relu=relu maxpool", "layer1", "layer2", "layer3", "layer4",
    head="pool=avgpool flatten output=fc",
)  # fmt: skip
_CONNECTED = {
    "head": "output=classifier[6]",
    "hidden": "pool=avgpool flatten classifier[0:6]",
}
_POOLED = "pool=avgpool flatten dropout=classifier[0] output=classifier[1]"
_HIDDEN = {
    "head": "dropout=classifier[2] output=classifier[3]",
    "hidden": "pool=avgpool flatten classifier[0:2]",
}

FAMILIES: dict[str, Family] = {
    **dict.fromkeys(
        ("resnet18", "resnet34", "resnet50"),
        Family(_RESNET, 2015, "https://arxiv.org/abs/1512.03385"),
    ),
    "vgg11_bn": Family(
        _row(
            "features[0:4]", "features[4:8]", "features[8:15]", "features[15:22]",
            "features[22:29]", **_CONNECTED,
        ),
        2014, "https://arxiv.org/abs/1409.1556",
    ),
    "vgg16": Family(
        _row(
            "features[0:5]", "features[5:10]", "features[10:17]", "features[17:24]",
            "features[24:31]", **_CONNECTED,
        ),
        2014, "https://arxiv.org/abs/1409.1556",
    ),
    "inception_v3": Family(
        _row(
            "Conv2d_1a_3x3 Conv2d_2a_3x3 Conv2d_2b_3x3 maxpool1",
            "Conv2d_3b_1x1 Conv2d_4a_3x3 maxpool2",
            "Mixed_5b Mixed_5c Mixed_5d",
            "Mixed_6a Mixed_6b Mixed_6c Mixed_6d Mixed_6e",
            "Mixed_7a Mixed_7b Mixed_7c",
            head="pool=avgpool dropout flatten output=fc",
        ),
        2015, "https://arxiv.org/abs/1512.00567",
    ),
    "googlenet": Family(
        _row(
            "conv1 maxpool1",
            "conv2 conv3 maxpool2",
            "inception3a inception3b maxpool3",
            "inception4a inception4b inception4c inception4d inception4e maxpool4",
            "inception5a inception5b",
            head="pool=avgpool flatten dropout output=fc",
        ),
        2014, "https://arxiv.org/abs/1409.4842",
    ),
    "densenet121": Family(
        _row(
            "features[0:4]", "features[4:6]", "features[6:8]", "features[8:10]",
            "features[10:12] relu", head="pool flatten output=classifier",
        ),
        2016, "https://arxiv.org/abs/1608.06993",
    ),
    "squeezenet1_1": Family(
        _row(
            "features[0:3]", "features[3:6]", "features[6:9]", "features[9:13]",
            head="dropout=classifier[0] output=class_maps",
        ),
        2016, "https://arxiv.org/abs/1602.07360",
    ),
    "mobilenet_v2": Family(
        _row(
            "features[0:2]", "features[2:4]", "features[4:7]", "features[7:11]",
            "features[11:14]", "features[14:17]", "features[17:19]",
            head="pool flatten dropout=classifier[0] output=classifier[1]",
        ),
        2018, "https://arxiv.org/abs/1801.04381",
    ),
    "mobilenet_v3_small": Family(
        _row(
            "features[0:1]", "features[1:2]", "features[2:4]", "features[4:9]", "features[9:13]",
            **_HIDDEN,
        ),
        2019, "https://arxiv.org/abs/1905.02244",
    ),
    "mobilenet_v3_large": Family(
        _row(
            "features[0:2]", "features[2:4]", "features[4:7]", "features[7:13]",
            "features[13:17]", **_HIDDEN,
        ),
        2019, "https://arxiv.org/abs/1905.02244",
    ),
    "efficientnet_b0": Family(
        _row(
            "features[0:2]", "features[2]", "features[3]", "features[4:6]", "features[6:9]",
            head=_POOLED,
        ),
        2019, "https://arxiv.org/abs/1905.11946",
    ),
    "convnext_tiny": Family(
        _row(
            "features[0]", "features[1]", "features[2:4]", "features[4:6]", "features[6:8]",
            head="pool=avgpool norm=classifier[0] flatten output=classifier[2]",
        ),
        2022, "https://arxiv.org/abs/2201.03545",
    ),
    "vit_b_16": Family(
        _row(
            "patches", "encoder.layers[0:3]", "encoder.layers[3:6]", "encoder.layers[6:9]",
            "encoder.layers[9:12]", head="token norm=encoder.ln output=heads.head",
        ),
        2020, "https://arxiv.org/abs/2010.11929",
    ),
    "swin_t": Family(
        _row(
            "features[0] channels_second",
            "channels_last features[1] channels_second",
            "channels_last features[2:4] channels_second",
            "channels_last features[4:6] channels_second",
            "channels_last features[6:8] norm channels_second",
            head="pool=avgpool flatten output=head",
        ),
        2021, "https://arxiv.org/abs/2103.14030",
    ),
}  # fmt: skip
"""torchvision's networks by name."""


def compose(theirs: nn.Module, stages: Mapping[str, str]) -> dict[str, nn.Module]:
    """Put the layers of a module into a row of stages.

    Parameters
    ----------
    theirs : torch.nn.Module
        Its layers are used, not copied.
    stages : mapping of str to str
        See `Family`.

    Returns
    -------
    dict of str to torch.nn.Module
        The stages in order; the head is a ``Sequential`` whose last layer is ``output``.
    """
    row: dict[str, nn.Module] = {}
    for stage, words in stages.items():
        layers = OrderedDict(layer for word in words.split() for layer in _layers(theirs, word))
        only_one = len(layers) == 1 and stage != "head"
        row[stage] = next(iter(layers.values())) if only_one else nn.Sequential(layers)
    return row


def _layers(theirs: nn.Module, word: str) -> Iterator[tuple[str, nn.Module]]:
    name, _, target = word.rpartition("=")
    path, _, cut = target.rstrip("]").partition("[")
    if path in FORMS:
        yield name or path, FORMS[path](theirs)
        return
    module = theirs.get_submodule(path)
    if ":" in cut:
        first, last = map(int, cut.split(":"))
        yield from list(module.named_children())[first:last]
    elif cut:
        yield name or cut, module.get_submodule(cut)
    else:
        yield name or path.split(".")[-1], module


def torchvision_network(name: str, pretrained: bool) -> Network:
    """Build one of torchvision's classification networks as a row of stages.

    The auxiliary heads of Inception and GoogLeNet, which help only in training from scratch, are
    left out of the row, so that outputs are one tensor in every mode.

    Parameters
    ----------
    name : str
        One of `FAMILIES`, or another name that ``torchvision.models.list_models`` gives.
    pretrained : bool
        Fill in the ImageNet weights.

    Returns
    -------
    Network
        Colour pictures to 1,000 ImageNet classes.

    Raises
    ------
    ValueError
        If the stages of another network cannot be found.
    AssetError
        If the weights cannot be fetched.
    """
    from torchvision.models import get_model

    published = published_weights(name)
    options = {"init_weights": True} if name in ("inception_v3", "googlenet") else {}
    theirs = get_model(name, weights=None, **options)
    if pretrained:
        theirs.load_state_dict(_state(weights_asset(name)))
    preprocess = _preprocess(published, hasattr(theirs, "transform_input"))
    stages = (
        compose(theirs, FAMILIES[name].stages)
        if name in FAMILIES
        else find_stages(theirs, name, preprocess.shape)
    )
    return Network(name, stages, preprocess, tuple(published.meta["categories"]), pretrained)


def published_weights(name: str) -> Any:
    """Give torchvision's record of the ImageNet weights that we use for a network.

    The first published ones, IMAGENET1K_V1, wherever they exist: they are those of the papers that
    compare networks, and features made with the later recipes transfer less well although their
    ImageNet accuracy is higher.

    Parameters
    ----------
    name : str
        A network of torchvision.

    Returns
    -------
    torchvision.models.WeightsEnum
        With ``url``, ``transforms`` and ``meta``.

    References
    ----------
    Kornblith, Chen, Lee, Norouzi (2021), "Why do better loss functions lead to less transferable
    features?", https://arxiv.org/abs/2010.16402
    """
    from torchvision.models import get_model_weights

    choices = get_model_weights(name)
    return getattr(choices, "IMAGENET1K_V1", choices.DEFAULT)


def weights_asset(name: str) -> assets.Asset:
    """Describe the file that holds a network's ImageNet weights.

    Parameters
    ----------
    name : str
        A network of torchvision.

    Returns
    -------
    Asset
        The catalogue's entry, where it has one. Else torchvision's own address, whose file name
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
        citation=f"torchvision's {weights.name} weights, {weights.meta.get('recipe', '')}",
        mirrors=(assets.Download(weights.url),),
        slack=2**10,  # torchvision rounds to thousandths of a mebibyte
    )


def _state(asset: assets.Asset) -> dict[str, torch.Tensor]:
    state = torch.load(assets.fetch(asset), map_location="cpu", weights_only=True)
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
