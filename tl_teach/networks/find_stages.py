"""Any other network: find its stages by looking at what its layers do to a picture."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import floor
from typing import Any

import torch
from torch import nn

from .. import assets
from ..tasks import Preprocess
from ..wording import need
from .network import Network

_Layer = tuple[str, nn.Module]


def find_stages(model: nn.Module, name: str, shape: Sequence[int]) -> dict[str, nn.Module]:
    """Cut a classification network into stages where the picture shrinks.

    The layers, used and not copied, are run one after another and must give what the network
    itself gives for pictures of `shape` (C, H, W): a guess is verified, not trusted, and else
    refused with a `ValueError`. Feature maps are handed on as the network does, some networks with
    channels last.
    """
    linear = [module for module in model.modules() if isinstance(module, nn.Linear)]
    if not linear:
        raise ValueError(_cannot(name, "it has no linear layer at its end"))
    model.eval()
    picture = torch.randn(2, *shape, generator=torch.Generator().manual_seed(0))
    for row in _guesses(model, linear[-1]):
        if _same_numbers(model, row, picture):
            return _stages(row, picture)
    raise ValueError(_cannot(name, "its layers, one after another, do not give what it gives"))


def timm_network(name: str, pretrained: bool) -> Network:
    """Build a network of the package timm (Wightman, 2019) as a row of stages.

    timm fetches its weights itself, verifies them and keeps them in its own cache; without a
    connection its hub asks for most of a minute before it gives up.
    """
    timm = need("timm", "timm", repr(name))
    theirs = name.removeprefix("timm/")
    if not timm.is_model(theirs):
        raise ValueError(f"There is no network named {theirs!r} in timm; see timm.list_models().")
    try:
        model = timm.create_model(theirs, pretrained=pretrained)
    except (OSError, RuntimeError) as error:  # the hub's own errors are kinds of OSError
        raise assets.AssetError(
            f"Cannot get the weights of {name!r} from timm's hub ({type(error).__name__}); check "
            "the internet connection and that timm publishes weights for it."
        ) from error
    facts = timm.data.resolve_model_data_config(model)
    channels, _, size = facts["input_size"]
    preprocess = Preprocess(
        size=size,
        channels=channels,
        mean=tuple(facts["mean"]),
        std=tuple(facts["std"]),
        resize=floor(size / facts["crop_pct"]),
        interpolation=facts["interpolation"],
    )
    stages = find_stages(model, name, preprocess.shape)
    head: Any = stages["head"]
    classes = tuple(map(str, range(head.output.out_features)))
    return Network(name, stages, preprocess, classes, pretrained)


def _cannot(name: str, reason: str) -> str:
    return (
        f"The stages of {name!r} cannot be found: {reason}; "
        "build tl.Network(name, stages, ...) from its modules yourself."
    )


# What networks do between their last feature maps and their head without a module for it.
_BETWEEN: tuple[tuple[_Layer, ...], ...] = (
    (),
    (("flatten", nn.Flatten()),),
    (("pool", nn.AdaptiveAvgPool2d(1)), ("flatten", nn.Flatten())),
    (("relu", nn.ReLU()), ("pool", nn.AdaptiveAvgPool2d(1)), ("flatten", nn.Flatten())),
)


def _guesses(model: nn.Module, output: nn.Module) -> Iterator[list[_Layer]]:
    """All layers up to the output, with something between body and head that has no module."""
    body: list[_Layer] = []
    for name, part in model.named_children():
        if _holds(part, output):
            head = list(_layers(name, part, output))
            break
        body += _layers(name, part, output)
    for between in _BETWEEN:
        yield [*body, *between, *head]


def _layers(name: str, part: nn.Module, output: nn.Module) -> Iterator[_Layer]:
    """Take sequences apart, and whatever holds the output, which comes last."""
    if part is output:
        yield "output", part
    elif type(part) in (nn.Sequential, nn.ModuleList) or _holds(part, output):
        for inner, layer in part.named_children():
            yield from _layers(f"{name}_{inner}", layer, output)
            if _holds(layer, output):
                return
    else:
        yield name, part


def _holds(part: nn.Module, output: nn.Module) -> bool:
    return any(module is output for module in part.modules())


def _same_numbers(model: nn.Module, row: list[_Layer], picture: torch.Tensor) -> bool:
    """Compare scores, and what the last layer reads: a layer of zeros would hide anything."""
    read: list[torch.Tensor] = []
    hook = row[-1][1].register_forward_pre_hook(lambda _, given: read.append(given[0]))
    try:
        with torch.no_grad():
            scores = [network(picture.clone()) for network in (model, _together(row))]
    except Exception:  # layers that do not fit together fail in many ways
        return False
    finally:
        hook.remove()
    return all(
        theirs.shape == ours.shape and torch.allclose(theirs, ours, atol=1e-5)
        for theirs, ours in (scores, read)
    )


def _stages(row: list[_Layer], picture: torch.Tensor) -> dict[str, nn.Module]:
    """Begin a stage wherever the picture shrinks; the head begins after the last feature maps."""
    sides, values = [], picture
    with torch.no_grad():
        for _, layer in row:
            values = layer(values)
            sides.append(values.shape[2] if values.ndim == 4 else 0)
    # The last layer with a matrix of weights, and what follows it without changing the size.
    head = max(place for place, (_, layer) in enumerate(row[:-1]) if _has_matrix(layer)) + 1
    while head < len(row) - 1 and sides[head] == sides[head - 1]:
        head += 1
    starts = [0, *(i for i in range(1, head) if sides[i] < sides[i - 1]), head, len(row)]
    names = ["stem", *(f"block{number}" for number in range(1, len(starts) - 2)), "head"]
    return {
        name: _together(row[first:last])
        for name, (first, last) in zip(names, pairwise(starts), strict=True)
    }


def _has_matrix(layer: nn.Module) -> bool:
    return any(parameter.ndim > 1 for parameter in layer.parameters())


def _together(layers: list[_Layer]) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))
