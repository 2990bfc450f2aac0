"""Rewriting: layers that stand still, in a form that gives the same numbers sooner.

Three things, each of which would be lost at the next training step and holds for ever here: a
convolution swallows the BatchNorm that follows it; it adds the shortcut and clamps by itself,
before its outputs leave the processor's cache, where other layers would fetch them once more; and
its weights lie in memory as the processor likes to read them. The channels of a pixel lie side by
side.

Early layers give large feature maps and late ones small ones. So a batch passes the early layers in
pieces whose maps fit the cache, and the late ones, which would rather have more to do at a time, as
a whole.
"""

from __future__ import annotations

import copy
import itertools
import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import fx, nn

TOLERANCE = 1e-4
"""How far the rewritten layers may be from the plain ones, relative to the largest activation."""

# What oneDNN, which computes PyTorch's convolutions on a processor, calls these layers.
_RELU: tuple[str, list[float]] = ("relu", [])
_CLAMPS: dict[Any, tuple[str, list[float]]] = {
    nn.ReLU: _RELU,
    torch.relu: _RELU,
    nn.functional.relu: _RELU,
    nn.ReLU6: ("hardtanh", [0.0, 6.0]),
}
_ADDITIONS: tuple[Callable[..., Any], ...] = (operator.add, operator.iadd, torch.add)


# Bytes of the largest feature map of one piece. Whatever fits the cache of a core is fastest; a few
# times as much costs little, and fewer pieces have less to do anew each time.
_NEAR = 12 * 2**20


def rewritten(plain: nn.Sequential, example: torch.Tensor) -> nn.Module:
    """Rewrite layers, if the numbers stay.

    Parameters
    ----------
    plain : torch.nn.Sequential
        Left as it is.
    example : torch.Tensor
        What they are tried with, shape (N, C, H, W).

    Returns
    -------
    torch.nn.Module
        Gives what `plain` gives in eval mode, up to `TOLERANCE`. Where torch.fx cannot follow some
        layers, or their numbers would change, a copy of the plain ones.
    """
    plain = copy.deepcopy(plain).eval().requires_grad_(False)
    parts: list[nn.Module] = [_ChannelsLast()]
    values = example
    for most, layers in _alike(plain, example):
        part = nn.Sequential(*layers)
        given, values = values, part(values)
        parts.append(_InPieces(_rewritten(part, given, values), most))
    fast = nn.Sequential(*parts)
    return fast if _close(fast(example), values) else plain


def _rewritten(plain: nn.Module, example: torch.Tensor, expected: torch.Tensor) -> nn.Module:
    for rewrite in (_fused, _folded):
        try:
            fast = rewrite(plain)
            if _close(fast(_ChannelsLast()(example)), expected):
                return fast
        except Exception:  # torch.fx follows most networks, not all; oneDNN is not everywhere
            continue
    return plain


def _alike(plain: nn.Sequential, example: torch.Tensor) -> list[tuple[int, list[nn.Module]]]:
    """Group neighbouring layers by how many pictures may pass them together."""
    most, values = [], example
    for layer in plain:
        largest, values = _largest_map(layer, values)
        most.append(_power_of_two(_NEAR // max(1, largest // len(example))))
    pairs = itertools.groupby(zip(most, plain, strict=True), key=operator.itemgetter(0))
    return [(count, [layer for _, layer in group]) for count, group in pairs]


def _largest_map(layer: nn.Module, inputs: torch.Tensor) -> tuple[int, torch.Tensor]:
    """Run a layer; give the bytes of the largest tensor within, and what comes out."""
    seen = [inputs.nbytes]

    def look(_: nn.Module, __: Any, outputs: Any) -> None:
        if isinstance(outputs, torch.Tensor):
            seen.append(outputs.nbytes)

    hooks = [module.register_forward_hook(look) for module in layer.modules()]
    outputs = layer(inputs)
    for hook in hooks:
        hook.remove()
    return max(seen), outputs


def _power_of_two(number: int) -> int:
    """The largest power of two that is no larger; at least 1."""
    return 1 << max(0, number.bit_length() - 1)


def _close(given: torch.Tensor, expected: torch.Tensor) -> bool:
    largest = expected.nan_to_num().abs().max().clamp(min=1e-12)
    return torch.allclose(given, expected, rtol=0, atol=float(TOLERANCE * largest), equal_nan=True)


def _folded(plain: nn.Module) -> fx.GraphModule:
    """Fold each BatchNorm into its convolution."""
    from torch.fx.experimental.optimization import fuse

    folded: fx.GraphModule = fuse(plain)  # type: ignore[assignment]
    return folded.to(memory_format=torch.channels_last)


def _fused(plain: nn.Module) -> fx.GraphModule:
    """Let each convolution add and clamp as well, and lay its weights out for oneDNN."""
    fast = _folded(plain)
    layers: dict[str, Any] = dict(fast.named_modules())

    def kind(node: fx.Node) -> Any:
        return type(layers[str(node.target)]) if node.op == "call_module" else node.target

    for node in list(fast.graph.nodes):
        if kind(node) is nn.Identity:
            node.replace_all_uses_with(node.all_input_nodes[0])
            fast.graph.erase_node(node)
    for node in list(fast.graph.nodes):
        layer = layers.get(node.target) if kind(node) is nn.Conv2d else None
        if layer is None or layer.padding_mode != "zeros":
            continue
        shortcut = _shortcut(node)
        if shortcut is not None:
            _swallow_next(node)
            node.args = (*node.args, shortcut)
        clamp = _CLAMPS.get(kind(following)) if (following := _only_user(node)) else None
        if clamp and (shortcut is None or clamp is _RELU):  # oneDNN adds and clamps like this only
            _swallow_next(node)
        else:
            clamp = ("none", [])
        parent, _, name = node.target.rpartition(".")
        setattr(fast.get_submodule(parent), name, FusedConvolution(layer, *clamp))
    fast.graph.lint()
    fast.recompile()
    fast.delete_all_unused_submodules()
    return fast


def _shortcut(node: fx.Node) -> fx.Node | None:
    """Give what is added to a convolution's outputs next, if that is known before it."""
    added = _only_user(node)
    if added is None or added.target not in _ADDITIONS or added.kwargs:
        return None
    others = [one for one in added.args if isinstance(one, fx.Node) and one is not node]
    return others[0] if len(others) == 1 and others[0] < node else None


def _only_user(node: fx.Node) -> fx.Node | None:
    users = list(node.users)
    return users[0] if len(users) == 1 else None


def _swallow_next(node: fx.Node) -> None:
    """Let a node stand for the only one that follows it."""
    (following,) = node.users
    following.replace_all_uses_with(node)
    following.graph.erase_node(following)


class FusedConvolution(nn.Module):
    """A convolution that stands still, and adds and clamps what it gives.

    Parameters
    ----------
    layer : torch.nn.Conv2d
        On a processor, in float32.
    clamp : str
        oneDNN's name for what follows: ``"none"``, ``"relu"`` or ``"hardtanh"``.
    bounds : list of float
        What the clamp needs.
    """

    def __init__(self, layer: nn.Conv2d, clamp: str, bounds: list[float]):
        super().__init__()
        self._how = (layer.padding, layer.stride, layer.dilation, layer.groups)
        self._clamp, self._bounds = clamp, bounds
        self._bias, self._weight = layer.bias, layer.weight
        self._laid_out: tuple[torch.Size, torch.Tensor] = torch.Size(), layer.weight

    def forward(self, x: torch.Tensor, shortcut: torch.Tensor | None = None) -> torch.Tensor:
        """Give feature maps, shape (N, C, H, W), to which a shortcut of that shape was added."""
        shape, weight = self._laid_out
        if shape != x.shape:  # weights that lie as another shape likes them are moved at each call
            weight = torch.ops.mkldnn._reorder_convolution_weight(
                self._weight, *self._how, list(x.shape)
            )
            self._laid_out = x.shape, weight
        convolution = torch.ops.mkldnn._convolution_pointwise
        if shortcut is None:
            return convolution(x, weight, self._bias, *self._how, self._clamp, self._bounds, "")
        clamp = None if self._clamp == "none" else self._clamp
        return convolution.binary(
            x, shortcut, weight, self._bias, *self._how, "add", 1.0, clamp, self._bounds, None
        )


class _InPieces(nn.Module):
    """Pass a batch in pieces.

    Parameters
    ----------
    layers : torch.nn.Module
        What to pass.
    most : int
        Pictures in a piece.
    """

    def __init__(self, layers: nn.Module, most: int):
        super().__init__()
        self.layers, self.most = layers, most

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Give what the layers give, one piece after the other."""
        if len(x) <= self.most:
            return self.layers(x)
        return torch.cat([self.layers(piece) for piece in x.split(self.most)])


class _ChannelsLast(nn.Module):
    """Lay the channels of each pixel side by side in memory."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x
