"""AdaBN: the running statistics of BatchNorm are computed anew, on the target's pictures."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

import torch
from torch.nn.modules.batchnorm import _BatchNorm

from ..learning.feed import inputs
from ..learning.prefix import Prefix
from ..learning.progress import progress_bar
from ..networks import Network
from ..tasks import Split, Task
from ..wording import require_count
from .signs import Watch

_known: OrderedDict[str, dict[str, torch.Tensor]] = OrderedDict()
_MOST_KNOWN = 16


def adabn(
    net: Network,
    unlabelled: Split,
    source: Task | None,
    watch: Watch,
    *,
    seed: int = 0,
    batch_size: int = 64,
) -> None:
    r"""Give every BatchNorm layer the target's mean and variance.

    A BatchNorm layer gives, for the activations :math:`x` of a channel,

    .. math:: y = \gamma \frac{x - \mu_t}{\sqrt{\sigma_t^2 + \epsilon}} + \beta

    where :math:`\mu_t, \sigma_t^2` now are the means, over the target's batches, of a batch's mean
    and (unbiased) variance. The learned :math:`\gamma` and :math:`\beta` stay.

    Parameters
    ----------
    net : Network
        Its BatchNorm buffers change, those of frozen stages too: the one exception to frozen.
    unlabelled : Split
        The target's pictures. They pass once, in their order, in batches of almost one size.
    source : Task or None
        Only watched.
    watch : Watch
        Takes the signs.
    seed : int
        Changes nothing: nothing is drawn.
    batch_size : int
        Pictures at a time, at most.

    Raises
    ------
    ValueError
        If the network has no BatchNorm layer with running statistics.

    Notes
    -----
    All layers are computed in one pass: while it lasts a layer normalises by the batch, so
    that each layer sees what comes from layers which the target's statistics already normalise.

    AdaBN assumes that the domains differ in style and not in their mix of classes. A head on frozen
    features should be trained on features with the source's own statistics: run AdaBN on the
    source's pictures first.

    References
    ----------
    Li, Wang, Shi, Hou, Liu (2018), "Adaptive batch normalization for practical domain
    adaptation", https://arxiv.org/abs/1603.04779
    """
    require_count("batch_size", batch_size, least=2)
    layers = {
        name: module
        for name, module in net.named_modules()
        if isinstance(module, _BatchNorm) and module.running_mean is not None
    }
    if not layers:
        raise ValueError(
            f"The network {net.name!r} has no BatchNorm layer with running statistics, so AdaBN "
            "has nothing to adapt; use another method: 'coral', 'dann' or 'pseudo-label'."
        )
    key = _key(net, list(layers), unlabelled, batch_size)
    if key not in _known:
        _run(net, list(layers.values()), unlabelled, batch_size)
        _known[key] = {name: value.clone() for name, value in _statistics(layers).items()}
        while len(_known) > _MOST_KNOWN:
            _known.popitem(last=False)
    for name, value in _statistics(layers).items():
        value.copy_(_known[key][name])
    watch("adabn")


def _run(net: Network, layers: list[_BatchNorm], unlabelled: Split, batch_size: int) -> None:
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # the plain mean over all batches
        layer.train()
    net.to(memory_format=torch.channels_last)
    count = len(unlabelled)
    batches = torch.arange(count).tensor_split(-(-count // batch_size))
    try:
        with torch.no_grad(), progress_bar(count, "adabn", "pictures") as bar:
            for items in batches:
                values = inputs(unlabelled, items).to(net.device)
                values = values.contiguous(memory_format=torch.channels_last)
                for stage in net.stages.values():
                    values = stage(values)
                bar.update(len(items))
    finally:
        net.to(memory_format=torch.contiguous_format)
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
            layer.eval()


def _statistics(layers: dict[str, _BatchNorm]) -> dict[str, torch.Tensor]:
    return {
        f"{name}.{part}": buffer
        for name, layer in layers.items()
        for part, buffer in layer.named_buffers()
    }


def _key(net: Network, layers: list[str], unlabelled: Split, batch_size: int) -> str:
    """What the statistics depend on: other heads, as of other seeds, need no new pass."""
    last = max((name.split(".")[1] for name in layers), key=net.position)
    prefix = Prefix(net, last, exact=True, reduce=False)
    digest = hashlib.sha256(f"{prefix.key} {batch_size}".encode())
    for picture in unlabelled.digests():
        digest.update(picture)
    return digest.hexdigest()
