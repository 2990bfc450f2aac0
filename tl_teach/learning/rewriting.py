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
from collections import Counter
from typing import Any

import torch
from torch import fx, nn

TOLERANCE = 1e-4
"""How far rewritten layers may be from plain ones, relative to a picture's largest activation."""

# What oneDNN, which computes PyTorch's convolutions on a processor, calls these layers.
_RELU: tuple[str, list[float]] = ("relu", [])
_CLAMPS: dict[Any, tuple[str, list[float]]] = {
    nn.ReLU: _RELU,
    torch.relu: _RELU,
    nn.functional.relu: _RELU,
    nn.ReLU6: ("hardtanh", [0.0, 6.0]),
}
_ADDITIONS = (operator.add, torch.add)
_IDLE = (nn.Identity, nn.Dropout)  # in evaluation mode

# Bytes of the largest feature map of one piece, for each core that works at it. Whatever fits the
# cache of a core is fastest; a few times as much costs little, and fewer pieces have less to do
# anew each time.
_NEAR = 12 * 2**20
_WHOLE = 1 << 30  # pictures in a piece, where there are to be no pieces


def rewritten(plain: nn.Sequential, example: torch.Tensor) -> nn.Module | None:
    """Rewrite layers, if the numbers stay.

    Parameters
    ----------
    plain : torch.nn.Sequential
        Left as it is.
    example : torch.Tensor
        The layers are tried with the first two of these pictures, shape (N, C, H, W).

    Returns
    -------
    torch.nn.Module or None
        Gives what `plain` gives in eval mode, up to `TOLERANCE`; a copy of it where that fails.
        A stage that torch.fx cannot follow keeps its plain layers. None where `plain` cannot be
        copied: its own layers may learn later, and then give something else.
    """
    try:
        plain = copy.deepcopy(plain).eval().requires_grad_(False)
    except Exception:  # a stage that holds a lock, or an open file
        return None
    try:
        pictures = _tried_with(example)
        fast = _assembled(plain, pictures)
        if _close(fast(pictures.clone()), plain(pictures.clone())):
            return fast
    except Exception:  # layers that hand on something else than one tensor, and whatever there is
        pass
    return plain


def _tried_with(example: torch.Tensor) -> torch.Tensor:
    """Put another picture beside the first: what looks at a whole batch will give itself away."""
    ramp = torch.linspace(-1, 1, example[0].numel(), dtype=example.dtype, device=example.device)
    return torch.cat([example[:2], ramp.view_as(example[:1])])


def _assembled(plain: nn.Sequential, pictures: torch.Tensor) -> nn.Module:
    """Rewrite layers group by group, and let each group take as many pictures as suit it."""
    on_processor = pictures.device.type == "cpu"
    most = [_most_at_a_time(size) for size in _largest_maps(plain, pictures)]
    parts: list[nn.Module] = [_ChannelsLast()]
    values = parts[0](pictures.clone())
    groups = itertools.groupby(zip(most, plain, strict=True), key=operator.itemgetter(0))
    for count, group in groups:
        layers = nn.Sequential(*(layer for _, layer in group))
        part = _rewritten(layers, values, on_processor)
        outputs = part(values.clone())
        alone = on_processor and _alone(part, values, outputs)
        parts.append(_InPieces(part, count if alone else _WHOLE))
        values = outputs
    return nn.Sequential(*parts)


def _rewritten(plain: nn.Module, values: torch.Tensor, on_processor: bool) -> nn.Module:
    expected = plain(values.clone())
    for rewrite in (_fused, _folded) if on_processor else (_folded,):
        try:
            fast = rewrite(plain, values)
            if _close(fast(values.clone()), expected):
                return fast
        except Exception:  # torch.fx follows most networks, not all; oneDNN is not everywhere
            continue
    return plain


def _alone(part: nn.Module, values: torch.Tensor, together: torch.Tensor) -> bool:
    """Whether each picture gets what it would get by itself."""
    one_by_one = [part(value.clone()) for value in values.split(1)]
    if any(len(output) != 1 for output in one_by_one):
        return False
    return _close(torch.cat(one_by_one), together)


def _largest_maps(plain: nn.Sequential, pictures: torch.Tensor) -> list[int]:
    """Bytes of the largest tensor that goes into or comes out of the modules of each layer."""
    largest = [0] * len(plain)

    def look(place: int, tensors: Any) -> None:
        sizes = (tensor.nbytes for tensor in tensors if isinstance(tensor, torch.Tensor))
        largest[place] = max(largest[place], *sizes, 0)

    hooks = [
        module.register_forward_hook(lambda _, given, out, place=place: look(place, (*given, out)))
        for place, layer in enumerate(plain)
        for module in layer.modules()
    ]
    try:
        plain(pictures.clone())
    finally:
        for hook in hooks:
            hook.remove()
    return [size // len(pictures) for size in largest]


def _most_at_a_time(size: int) -> int:
    """A power of two, so that a batch divides evenly and neighbours seldom differ."""
    return 1 << (max(1, _NEAR // max(1, size)).bit_length() - 1)


def _close(given: torch.Tensor, expected: torch.Tensor) -> bool:
    """Whether each picture's numbers are as near as `TOLERANCE` says to its own largest one."""
    if given.shape != expected.shape:
        return False
    pairs = zip(given.flatten(1), expected.flatten(1), strict=True)
    return all(
        torch.allclose(
            ours, theirs, rtol=0, atol=float(TOLERANCE * _largest(theirs)), equal_nan=True
        )
        for ours, theirs in pairs
    )


def _largest(values: torch.Tensor) -> torch.Tensor:
    return values.nan_to_num().abs().max().clamp(min=1e-12)


def _folded(plain: nn.Module, _: torch.Tensor) -> fx.GraphModule:
    """Fold each BatchNorm into its convolution."""
    from torch.fx.experimental.optimization import fuse

    folded: fx.GraphModule = fuse(plain)  # type: ignore[assignment]
    return folded.to(memory_format=torch.channels_last)


def _fused(plain: nn.Module, example: torch.Tensor) -> fx.GraphModule:
    """Let each convolution add and clamp as well, and lay its weights out for oneDNN."""
    from torch.fx.passes.shape_prop import ShapeProp

    fast = _folded(plain, example)
    layers: dict[str, Any] = dict(fast.named_modules())

    def kind(node: fx.Node) -> Any:
        return type(layers[str(node.target)]) if node.op == "call_module" else node.target

    for node in list(fast.graph.nodes):
        if kind(node) in _IDLE:
            node.replace_all_uses_with(node.all_input_nodes[0])
            fast.graph.erase_node(node)
    ShapeProp(fast).propagate(example.clone())
    uses = Counter(node.target for node in fast.graph.nodes)
    for node in list(fast.graph.nodes):
        layer = layers.get(node.target) if kind(node) is nn.Conv2d else None
        if layer is None or uses[node.target] > 1 or not _is_known_to_onednn(layer):
            continue
        shortcut = _shortcut(node) if layer.groups == 1 else None
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


def _is_known_to_onednn(layer: nn.Conv2d) -> bool:
    plainly_padded = layer.padding_mode == "zeros" and not isinstance(layer.padding, str)
    return plainly_padded and layer.weight.dtype is torch.float32


def _shortcut(node: fx.Node) -> fx.Node | None:
    """Give what is added to a convolution's outputs next, if it is known before and as large."""
    added = _only_user(node)
    if added is None or added.target not in _ADDITIONS or added.kwargs:
        return None
    others = [one for one in added.args if isinstance(one, fx.Node) and one is not node]
    if len(others) != 1 or not others[0] < node:
        return None
    shapes = [getattr(one.meta.get("tensor_meta"), "shape", None) for one in (others[0], node)]
    return others[0] if shapes[0] == shapes[1] else None


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
        if shape != x.shape[1:]:  # weights that lie as others like them are moved at each call
            weight = torch.ops.mkldnn._reorder_convolution_weight(
                self._weight, *self._how, list(x.shape)
            )
            self._laid_out = x.shape[1:], weight
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
        Pictures in a piece, for each core that works at it.
    """

    def __init__(self, layers: nn.Module, most: int):
        super().__init__()
        self.layers, self.most = layers, most

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Give what the layers give, one piece after the other."""
        most = self.most * torch.get_num_threads()
        if len(x) <= most:
            return self.layers(x)
        return torch.cat([self.layers(piece) for piece in x.split(most)])


class _ChannelsLast(nn.Module):
    """Lay the channels of each pixel side by side in memory."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x
