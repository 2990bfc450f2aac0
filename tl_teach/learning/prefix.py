"""The frozen prefix: what stands before the freeze boundary, in the form that computes fastest.

A frozen stage gives the same numbers for the same picture in every epoch, so they need computing
once. And since nothing in it learns, it may be rewritten, into layers that give the same numbers up
to rounding; whoever wants the same *bits* says ``exact=True``.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from functools import cache
from importlib.metadata import version

import torch
from torch import nn

from ..networks import FirstToken, LastToken, MeanOfTokens, Network, fingerprint
from ..tasks import TextPreprocess
from ..version import __version__
from .described import LIBRARIES, described, held_by, own_code
from .rewriting import rewritten

# Layers that a stage may begin with and that neither learn nor draw random numbers. What they
# give is stored instead of what they get: a pooled feature is a small part of a feature map.
_REDUCING = (
    nn.AdaptiveAvgPool2d,
    nn.AvgPool2d,
    nn.MaxPool2d,
    nn.Flatten,
    nn.Identity,
    FirstToken,
    LastToken,
    MeanOfTokens,
)

_ready: OrderedDict[str, nn.Module] = OrderedDict()
_MOST_READY = 4


class Prefix:
    """The first stages of a network, cut off at a boundary.

    Parameters
    ----------
    net : Network
        Left as it is.
    through : str or None
        The last stage of the prefix; None for no stage at all.
    exact : bool
        Keep the plain layers, so that the bits are those of ``net.run``.

    reduce : bool
        Compute the pooling that a head begins with as well, so that less must be kept.

    pool : bool
        Average feature maps, or tokens, over the picture; `rest` cannot follow then.

    Attributes
    ----------
    key : str
        Changes with everything that the prefix's numbers depend on, but for the pictures.
    is_changed : bool
        Somebody hung a hook on a layer, or gave it a ``forward`` of its own. The key does not
        know what that does, so nothing may be kept or rewritten.
    """

    def __init__(
        self,
        net: Network,
        through: str | None,
        *,
        exact: bool = False,
        reduce: bool = True,
        pool: bool = False,
    ):
        self.net, self.through, self.exact, self.pool = net, through, exact, pool
        names = net.stage_names
        count = 0 if through is None else net.position(through) + 1
        self.stages = [net.stages[name] for name in names[:count]]
        self._after = [net.stages[name] for name in names[count:]]
        self._stays_plain = False  # it cannot be copied, as was found when it was tried
        self._reduced = 0
        if reduce and self.stages and self._after:
            self._reduced = _reducing_layers(self._after[0])
        self.key = self._key(names[:count])
        self.is_changed = any(_has_own_code(m) for layer in self._layers() for m in layer.modules())

    def __call__(self, inputs: torch.Tensor) -> torch.Tensor:
        """Run the prefix.

        Parameters
        ----------
        inputs : torch.Tensor
            Preprocessed pictures of shape (N, C, H, W).

        Returns
        -------
        torch.Tensor
            What is handed on to `rest`; no gradient flows back.
        """
        if not self.stages:
            return inputs
        inputs = inputs.to(self.net.device)
        with torch.no_grad():
            plain = self.exact or self.is_changed or self._stays_plain or not self._foldable
            fast = None if plain else self._fast(inputs)
            values = self._plain(inputs) if fast is None else fast(inputs)
        return _averaged(values) if self.pool else self._padded(values)

    def rest(self, values: torch.Tensor, *, but_last: bool = False) -> torch.Tensor:
        """Run everything after the prefix, as the network itself would.

        Parameters
        ----------
        values : torch.Tensor
            What the prefix gave.
        but_last : bool
            Stop before the network's last layer.

        Returns
        -------
        torch.Tensor
            The network's outputs, or the features that its last layer reads.
        """
        values = values.to(self.net.device)
        layers = [*self._after]
        if self._reduced:
            layers[0] = layers[0][self._reduced :]  # type: ignore[index]
        if but_last:
            layers[-1] = layers[-1][:-1]  # type: ignore[index]
        for layer in layers:
            values = layer(values)
        return values

    def _padded(self, values: torch.Tensor) -> torch.Tensor:
        """Fill texts up to one length, so that those of all batches can stand side by side."""
        if not isinstance(self.net.preprocess, TextPreprocess) or values.ndim != 3:
            return values
        missing = self.net.preprocess.length - values.shape[1]
        return nn.functional.pad(values, (0, 0, 0, missing), value=torch.nan)

    def _plain(self, inputs: torch.Tensor) -> torch.Tensor:
        for stage in self._layers():
            inputs = stage(inputs)
        return inputs

    def _layers(self) -> list[nn.Module]:
        reducing = self._after[0][: self._reduced] if self._reduced else []  # type: ignore[index]
        return [*self.stages, *reducing]

    @property
    def _foldable(self) -> bool:
        """Whether there is anything to rewrite; a copy of a large network would be waste."""
        return any(isinstance(m, nn.Conv2d) for layer in self._layers() for m in layer.modules())

    def _fast(self, inputs: torch.Tensor) -> nn.Module | None:
        """Rewrite the prefix once, check it against the plain one, and keep it ready."""
        here = f"{self.key} {self.net.device}"
        if here not in _ready:
            fast = rewritten(nn.Sequential(*self._layers()), inputs[:2])
            if fast is None:
                self._stays_plain = True
                return None
            _ready[here] = fast
            while len(_ready) > _MOST_READY:
                _ready.popitem(last=False)
        _ready.move_to_end(here)
        return _ready[here]

    def _key(self, names: tuple[str, ...]) -> str:
        digest = hashlib.sha256()
        for name in names:
            digest.update(f"{name} {fingerprint(self.net.stages[name])} ".encode())
        for layer in self._layers():
            for module in layer.modules():
                digest.update(_description(module).encode())
        kind = self.net.device.type  # a graphics card rounds in another way
        facts = (self.net.preprocess, self.pool, self.exact, torch.get_default_dtype(), kind)
        modules = [module for layer in self._layers() for module in layer.modules()]
        roots = {type(module).__module__.partition(".")[0] for module in modules}
        versions = [
            _version(name) for name in LIBRARIES if name in {*roots, "torch", "torchvision"}
        ]
        digest.update(repr((facts, versions)).encode())
        return digest.hexdigest()[:32]


def _description(module: nn.Module) -> str:
    """What a layer does beside its weights: its class, and settings such as a stride or an eps.

    Of a class from a notebook the code counts too: its name stays when it is written anew.
    """
    kind = type(module)
    settings: dict[str, object] = {}
    other: dict[str, object] = {}
    for name, value in held_by(module).items():
        (settings if _is_plain(value) else other)[name] = value
    if code := own_code(kind):
        other["own code"] = code
    name = f"{kind.__module__}.{kind.__qualname__} {module.extra_repr()}"
    return f"{name} {sorted(settings.items())} {described(other) if other else ''}"


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple | list):
        return all(map(_is_plain, value))
    return isinstance(value, bool | int | float | str | None)


@cache
def _version(package: str) -> str:
    """Of an installed package, which need not be imported for it: that can take seconds."""
    if package == "tl_teach":
        return __version__
    return version(package)


def _has_own_code(module: nn.Module) -> bool:
    hooks = (module._forward_hooks, module._forward_pre_hooks)
    return any(hooks) or "forward" in vars(module)


def _reducing_layers(stage: nn.Module) -> int:
    """How many layers at a stage's beginning can be computed before storing."""
    if type(stage) is not nn.Sequential or _has_own_code(stage):
        return 0  # what somebody hung on it sees all that goes in
    count = 0
    while count < len(stage) and type(stage[count]) in _REDUCING:
        count += 1
    return count


def _averaged(values: torch.Tensor) -> torch.Tensor:
    """One number a channel: from feature maps (N, C, H, W) or tokens (N, T, C)."""
    places = {4: (2, 3), 3: (1,)}.get(values.ndim)
    return values if places is None else values.nanmean(places)  # NaN: no token stands there
