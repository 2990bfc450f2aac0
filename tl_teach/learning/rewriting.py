"""Rewriting: layers that stand still, in a form that gives the same numbers sooner.

Three things, each of which would be lost at the next training step and holds for ever here: a
convolution swallows the BatchNorm that follows it; it clamps its outputs itself, before they leave
the processor's cache, where a ReLU would fetch them once more; and its weights lie in memory as the
processor likes to read them. The channels of a pixel lie side by side.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import fx, nn

TOLERANCE = 1e-4
"""How far the rewritten layers may be from the plain ones, relative to the largest activation."""

# What oneDNN, which computes PyTorch's convolutions on a processor, calls these layers.
_CLAMPS: dict[type, tuple[str, list[float]]] = {
    nn.ReLU: ("relu", []),
    nn.ReLU6: ("hardtanh", [0.0, 6.0]),
}


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
        Gives what `plain` gives in eval mode, up to `TOLERANCE`. Where torch.fx cannot follow the
        layers, or their numbers would change, a copy of the plain ones.
    """
    plain = copy.deepcopy(plain).eval().requires_grad_(False)
    expected = plain(example)
    for rewrite in (_fused, _folded):
        try:
            fast = nn.Sequential(_ChannelsLast(), rewrite(plain))
            if _close(fast(example), expected):
                return fast
        except Exception:  # torch.fx follows most networks, not all; oneDNN is not everywhere
            continue
    return plain


def _close(given: torch.Tensor, expected: torch.Tensor) -> bool:
    largest = expected.nan_to_num().abs().max().clamp(min=1e-12)
    return torch.allclose(given, expected, rtol=0, atol=float(TOLERANCE * largest), equal_nan=True)


def _folded(plain: nn.Module) -> fx.GraphModule:
    """Fold each BatchNorm into its convolution."""
    from torch.fx.experimental.optimization import fuse

    folded: fx.GraphModule = fuse(plain)  # type: ignore[assignment]
    return folded.to(memory_format=torch.channels_last)


def _fused(plain: nn.Module) -> fx.GraphModule:
    """Let each convolution clamp as well, and lay its weights out for oneDNN."""
    fast = _folded(plain)
    layers: dict[str, Any] = dict(fast.named_modules())
    for node in list(fast.graph.nodes):
        layer = layers.get(node.target) if node.op == "call_module" else None
        if type(layer) is not nn.Conv2d or layer.padding_mode != "zeros":
            continue
        clamp: tuple[str, list[float]] = ("none", [])
        following = list(node.users)
        if len(following) == 1 and following[0].op == "call_module":
            clamp = _CLAMPS.get(type(layers[following[0].target]), clamp)
        if clamp[0] != "none":
            following[0].replace_all_uses_with(node)
            fast.graph.erase_node(following[0])
        parent, _, name = node.target.rpartition(".")
        setattr(fast.get_submodule(parent), name, FusedConvolution(layer, *clamp))
    fast.recompile()
    fast.delete_all_unused_submodules()
    return fast


class FusedConvolution(nn.Module):
    """A convolution that stands still and clamps what it gives.

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
        self._clamp, self._bias, self._weight = (clamp, bounds, ""), layer.bias, layer.weight
        self._laid_out: tuple[torch.Size, torch.Tensor] = torch.Size(), layer.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Give clamped feature maps, shape (N, C, H, W)."""
        shape, weight = self._laid_out
        if shape != x.shape:  # weights that lie as another shape likes them are moved at each call
            weight = torch.ops.mkldnn._reorder_convolution_weight(
                self._weight, *self._how, list(x.shape)
            )
            self._laid_out = x.shape, weight
        return torch.ops.mkldnn._convolution_pointwise(
            x, weight, self._bias, *self._how, *self._clamp
        )


class _ChannelsLast(nn.Module):
    """Lay the channels of each pixel side by side in memory."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x
