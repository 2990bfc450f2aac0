"""Networks that others trained on ImageNet, each cut into a row of named stages by a table.

The table names, for each stage, torchvision's layers in the order in which they run. A layer is a
path in torchvision's module, such as ``layer1``; ``features[2:4]`` takes a slice, and ``output=fc``
gives a name. What torchvision computes between its modules stands in `FORMS`. A new stage begins
where the picture shrinks or the channels grow. Fully connected layers before the last one are a
stage of their own, ``hidden``: they are copied, so that a new head is new.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional


@dataclass(frozen=True)
class Family:
    """How one of torchvision's networks becomes a row of stages, and who thought of it.

    Attributes
    ----------
    body : str
        The layers of the stem and the blocks; ``|`` stands between stages.
    tail : str
        Those of the head, the last of which is ``output``, or of the hidden stage and the head.
    year : int
        When it was published.
    arxiv : str
        Where.
    """

    body: str
    tail: str
    year: int
    arxiv: str

    @property
    def stages(self) -> dict[str, str]:
        """The layers of each stage by its name."""
        body, tail = self.body.split("|"), self.tail.split("|")
        blocks = [f"block{number}" for number in range(1, len(body))]
        names = ["stem", *blocks, *["hidden", "head"][-len(tail) :]]
        return dict(zip(names, [*body, *tail], strict=True))


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
        """Map pictures (N, 3, H, W) to (N, 1 + patches, D), the class token first."""
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
    """Keep the class token alone."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map tokens (N, T, D) to (N, D)."""
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
        """Map feature maps (N, in_features, H, W) to (N, out_features)."""
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

_RESNET = Family(
    "conv1 bn1 relu maxpool | layer1 | layer2 | layer3 | layer4",
    "pool=avgpool flatten output=fc", 2015, "1512.03385",
)  # fmt: skip
_DROPOUT = "pool flatten dropout=classifier[0] output=classifier[1]"
_VGG = "pool=avgpool flatten classifier[0:6] | output=classifier[6]"
_V3 = "pool flatten classifier[0:2] | dropout=classifier[2] output=classifier[3]"

FAMILIES: dict[str, Family] = {
    "resnet18": _RESNET,
    "resnet34": _RESNET,
    "resnet50": _RESNET,
    "vgg11_bn": Family(
        "features[0:4] | features[4:8] | features[8:15] | features[15:22] | features[22:29]",
        _VGG, 2014, "1409.1556",
    ),
    "vgg16": Family(
        "features[0:5] | features[5:10] | features[10:17] | features[17:24] | features[24:31]",
        _VGG, 2014, "1409.1556",
    ),
    "inception_v3": Family(
        "Conv2d_1a_3x3 Conv2d_2a_3x3 Conv2d_2b_3x3 maxpool1 | Conv2d_3b_1x1 Conv2d_4a_3x3 maxpool2"
        " | Mixed_5b Mixed_5c Mixed_5d | Mixed_6a Mixed_6b Mixed_6c Mixed_6d Mixed_6e"
        " | Mixed_7a Mixed_7b Mixed_7c",
        "pool=avgpool dropout flatten output=fc", 2015, "1512.00567",
    ),
    "googlenet": Family(
        "conv1 maxpool1 | conv2 conv3 maxpool2 | inception3a inception3b maxpool3"
        " | inception4a inception4b inception4c inception4d inception4e maxpool4"
        " | inception5a inception5b",
        "pool=avgpool flatten dropout output=fc", 2014, "1409.4842",
    ),
    "densenet121": Family(
        "features[0:4] | features[4:6] | features[6:8] | features[8:10] | features[10:12] relu",
        "pool flatten output=classifier", 2016, "1608.06993",
    ),
    "squeezenet1_1": Family(
        "features[0:3] | features[3:6] | features[6:9] | features[9:13]",
        "dropout=classifier[0] output=class_maps", 2016, "1602.07360",
    ),
    "mobilenet_v2": Family(
        "features[0:2] | features[2:4] | features[4:7] | features[7:11] | features[11:14]"
        " | features[14:17] | features[17:19]", _DROPOUT, 2018, "1801.04381",
    ),
    "mobilenet_v3_small": Family(
        "features[0] | features[1] | features[2:4] | features[4:9] | features[9:13]",
        _V3, 2019, "1905.02244",
    ),
    "mobilenet_v3_large": Family(
        "features[0:2] | features[2:4] | features[4:7] | features[7:13] | features[13:17]",
        _V3, 2019, "1905.02244",
    ),
    "efficientnet_b0": Family(
        "features[0:2] | features[2] | features[3] | features[4:6] | features[6:9]",
        _DROPOUT, 2019, "1905.11946",
    ),
    "convnext_tiny": Family(
        "features[0] | features[1] | features[2:4] | features[4:6] | features[6:8]",
        "pool norm=classifier[0] flatten output=classifier[2]", 2022, "2201.03545",
    ),
    "vit_b_16": Family(
        "patches | encoder.layers[0:3] | encoder.layers[3:6] | encoder.layers[6:9]"
        " | encoder.layers[9:12]", "token norm=encoder.ln output=heads.head", 2020, "2010.11929",
    ),
    "swin_t": Family(
        "features[0] channels_second | channels_last features[1] channels_second"
        " | channels_last features[2:4] channels_second"
        " | channels_last features[4:6] channels_second"
        " | channels_last features[6:8] norm channels_second",
        "pool flatten output=head", 2021, "2103.14030",
    ),
}  # fmt: skip
"""torchvision's networks by name."""


def compose(theirs: nn.Module, family: Family) -> dict[str, nn.Module]:
    """Put torchvision's layers, not copies of them, into a row of stages."""
    row: dict[str, nn.Module] = {}
    for stage, words in family.stages.items():
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
