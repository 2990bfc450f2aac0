"""DANN: features that a second classifier cannot tell apart by their domain."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import LambdaLR

from ..learning.feed import feed
from ..learning.progress import progress_bar
from ..networks import Network, seeded
from ..tasks import Split, Task
from ..wording import require_count
from .requirements import last_layer, require_source
from .reversal import ReverseGradient, rising_strength
from .signs import Watch


def dann(
    net: Network,
    unlabelled: Split,
    source: Task | None,
    watch: Watch,
    *,
    seed: int = 0,
    epochs: int = 10,
    lr: float = 1e-2,
    batch_size: int = 32,
    strength: float = 1.0,
    hidden: int = 64,
) -> None:
    r"""Train the stages that are not frozen against a classifier of domains.

    With features :math:`f`, class logits :math:`y(f)` and a domain classifier :math:`d`, which
    sees them through a layer :math:`R` that turns the gradient round,

    .. math:: L = \mathrm{CE}(y(f_s), \text{labels}_s) + \tfrac{1}{2} \left(
              \mathrm{BCE}(d(R_\lambda(f_s)), 0) + \mathrm{BCE}(d(R_\lambda(f_t)), 1) \right)

    so that :math:`d` learns to tell the domains apart, and the features learn that it cannot.

    Parameters
    ----------
    net : Network
        What is not frozen learns; what is frozen is computed once.
    unlabelled : Split
        The target's pictures.
    source : Task
        Its training part has the labels.
    watch : Watch
        Takes the signs after each epoch; ``domain_accuracy`` is the domain classifier's, 0.5 when
        it is left guessing.
    seed : int
        Fixes the order, dropout and the domain classifier's random start.
    epochs : int
        Passes over the source's training part.
    lr : float
        Learning rate of SGD with momentum 0.9; it falls as :math:`(1 + 10 p)^{-3/4}` with the
        progress :math:`p`, as in the paper.
    batch_size : int
        Pictures of each domain in a step.
    strength : float
        The most that :math:`\lambda` rises to; see `rising_strength`.
    hidden : int
        Width of the domain classifier, which is thrown away at the end.

    Raises
    ------
    ValueError
        If there is no source, or nothing before the last layer can learn.

    Notes
    -----
    Both domains pass together: in the stages that learn, BatchNorm normalises by the mixed batch
    and its running statistics become those of the mixture. In frozen stages it stands still.

    References
    ----------
    Ganin et al. (2016), "Domain-adversarial training of neural networks",
    https://arxiv.org/abs/1505.07818
    """
    source, layer = require_source(source, "dann"), last_layer(net)
    for name, count in (("epochs", epochs), ("batch_size", batch_size), ("hidden", hidden)):
        require_count(name, count)
    last = {id(parameter) for parameter in layer.parameters()}
    learning = [parameter for parameter in net.parameters() if parameter.requires_grad]
    if all(id(parameter) in last for parameter in learning):
        raise ValueError(
            "Everything before the last layer is frozen, so the reversed gradient of DANN has "
            f"nothing to move; let more learn: tl.unfreeze(net, from_={net.stage_names[-2]!r})."
        )
    ours, theirs = feed(net, source.train), feed(net, unlabelled)
    targets = source.train.targets.to(net.device)
    steps = -(-len(targets) // batch_size)
    with seeded(seed), progress_bar(epochs * steps, "dann", "steps") as bar:
        judge = nn.Sequential(nn.Linear(layer.in_features, hidden), nn.ReLU(), nn.Linear(hidden, 1))
        judge.to(net.device)
        optimiser = torch.optim.SGD([*learning, *judge.parameters()], lr=lr, momentum=0.9)
        falling = LambdaLR(optimiser, lambda step: (1 + 10 * step / (epochs * steps)) ** -0.75)
        for epoch in range(epochs):
            net.train()
            right, shown = 0, 0
            order = torch.randperm(len(targets)).tensor_split(steps)
            others = _as_many(len(theirs), len(targets)).tensor_split(steps)
            for step, (items, more) in enumerate(zip(order, others, strict=True)):
                progress = (epoch + step / steps) / epochs
                values = torch.cat([ours(items), theirs(more)])
                features = ours.prefix.rest(values, but_last=True)
                turned = ReverseGradient.apply(features, strength * rising_strength(progress))
                domain = judge(turned).squeeze(1)
                truth = (torch.arange(len(values)) >= len(items)).float()  # 1 is the target
                truth = truth.to(net.device)
                loss = F.cross_entropy(layer(features[: len(items)]), targets[items])
                loss = loss + F.binary_cross_entropy_with_logits(domain, truth)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                falling.step()
                right += int(((domain > 0) == (truth > 0)).sum())
                shown += len(values)
                bar.update()
            watch(f"epoch {epoch + 1}", domain_accuracy=right / shown)


def _as_many(available: int, wanted: int) -> torch.Tensor:
    """Random items, each as often as any other or once more."""
    rounds = -(-wanted // available)
    return torch.cat([torch.randperm(available) for _ in range(rounds)])[:wanted]
