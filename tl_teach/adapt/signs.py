"""Signs: what can be seen of an adaptation without a label of the target."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch.nn import functional as F

from ..learning.feed import feed
from ..learning.predicting import evaluating, predict
from ..networks import Network
from ..tasks import Split, Task


def entropy(outputs: torch.Tensor) -> torch.Tensor:
    r"""Tell how unsure each prediction is.

    .. math:: H(p) = -\sum_k p_k \ln p_k, \qquad p = \mathrm{softmax}(\mathrm{outputs})

    Parameters
    ----------
    outputs : torch.Tensor
        Logits, shape (N, classes).

    Returns
    -------
    torch.Tensor
        In nats, shape (N,): from 0 (one class for certain) to ln(classes) (all alike). A network
        may be sure and wrong: low entropy is a sign, and no proof.

    Examples
    --------
    >>> entropy(torch.tensor([[0.0, 0.0], [9.0, 0.0]])).tolist()
    [0.693..., 0.001...]
    """
    log = F.log_softmax(outputs, dim=1)
    return -(log.exp() * log).sum(1)


def agreement(first: torch.Tensor, second: torch.Tensor) -> float:
    """Share of the items for which two networks choose the same class.

    Parameters
    ----------
    first, second : torch.Tensor
        Logits for the same items, shape (N, classes).

    Returns
    -------
    float
        0..1.

    Examples
    --------
    >>> agreement(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[2.0, 1.0], [2.0, 1.0]]))
    0.5
    """
    return float((first.argmax(1) == second.argmax(1)).float().mean())


def class_shares(outputs: torch.Tensor) -> list[float]:
    """How the predictions divide into classes.

    Parameters
    ----------
    outputs : torch.Tensor
        Logits, shape (N, classes).

    Returns
    -------
    list of float
        One share a class, in their order; they sum to 1.

    Examples
    --------
    >>> class_shares(torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [3.0, 0.0]]))
    [0.75, 0.25]
    """
    counts = torch.bincount(outputs.argmax(1), minlength=outputs.shape[1])
    return [float(share) for share in counts / len(outputs)]


@dataclass(repr=False)
class Signs:
    """One list a quantity, one number a step; no number knows a label of the target.

    Attributes
    ----------
    steps : list of str
        ``"before"``, then what the method did.
    entropy : list of float
        Mean entropy of the predictions on the target, in nats.
    shares : list of list of float
        Share of each class among the predictions on the target.
    agreement : list of float
        Share of the target's items on which the unadapted network says the same.
    source_loss, source_accuracy : list of float
        On the source's validation part; empty where no source was given.
    others : dict of str to list of float
        What only one method can tell; nan for a step that it cannot tell it of.
    """

    steps: list[str] = field(default_factory=list)
    entropy: list[float] = field(default_factory=list)
    shares: list[list[float]] = field(default_factory=list)
    agreement: list[float] = field(default_factory=list)
    source_loss: list[float] = field(default_factory=list)
    source_accuracy: list[float] = field(default_factory=list)
    others: dict[str, list[float]] = field(default_factory=dict)

    def __repr__(self) -> str:
        columns = {"entropy": self.entropy, "agreement": self.agreement}
        if self.source_loss:
            columns |= {
                "source loss": self.source_loss,
                "source accuracy": self.source_accuracy,
            }
        columns |= self.others
        width = max(map(len, self.steps), default=0)
        lines = [" " * width + "".join(f"  {name}" for name in columns)]
        for place, step in enumerate(self.steps):
            cells = (f"{column[place]:{len(name) + 2}.3f}" for name, column in columns.items())
            lines.append(step.ljust(width) + "".join(cells))
        return "\n".join(lines)


class Watch:
    """Takes the signs of a network while it is adapted.

    Parameters
    ----------
    net : Network
        The network that changes; its state now is what later ones are compared with.
    unlabelled : Split
        The target's pictures.
    source : Task or None
        Whose validation part is watched.
    """

    def __init__(self, net: Network, unlabelled: Split, source: Task | None):
        self.signs = Signs()
        self._net, self._unlabelled = net, unlabelled
        self._validation = None if source is None else source.validation
        self._before: torch.Tensor | None = None
        self("before")

    def __call__(self, step: str, **others: float) -> None:
        """Take the signs after a step.

        Parameters
        ----------
        step : str
            What was done.
        **others : float
            Numbers that only the method knows.
        """
        signs, outputs = self.signs, outputs_of(self._net, self._unlabelled)
        self._before = outputs if self._before is None else self._before
        signs.steps.append(step)
        signs.entropy.append(float(entropy(outputs).mean()))
        signs.shares.append(class_shares(outputs))
        signs.agreement.append(agreement(self._before, outputs))
        if self._validation is not None:
            outputs, targets = outputs_of(self._net, self._validation), self._validation.targets
            signs.source_loss.append(float(F.cross_entropy(outputs, targets)))
            signs.source_accuracy.append(float((outputs.argmax(1) == targets).float().mean()))
        for name, value in others.items():
            unknown = [float("nan")] * (len(signs.steps) - 1)
            signs.others.setdefault(name.replace("_", " "), unknown).append(value)


def outputs_of(net: Network, split: Split) -> torch.Tensor:
    """Give a network's outputs for every item of a split, as `evaluate` sees them.

    Parameters
    ----------
    net : Network
        Left as it is.
    split : Split
        Preprocessed for `net`.

    Returns
    -------
    torch.Tensor
        Shape (N, outputs).
    """
    # With nothing frozen, features are kept instead of pictures: less memory, and a head that is
    # trained on them later finds them.
    through = net.frozen_through or net.stage_names[-2]
    with evaluating(net):
        return predict(net, feed(net, split, through=through))
