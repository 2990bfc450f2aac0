"""Pseudo-labels: what the network is sure of in the target becomes a label for the next round."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from ..learning import fit
from ..learning.progress import progress_bar
from ..networks import Network
from ..tasks import Images, Split, Task
from ..wording import require_count, require_share
from .requirements import last_layer, require_source
from .signs import Watch, outputs_of


def pseudo_label(
    net: Network,
    unlabelled: Split,
    source: Task | None,
    watch: Watch,
    *,
    seed: int = 0,
    threshold: float = 0.95,
    rounds: int = 5,
    epochs: int = 3,
    lr: float = 1e-3,
    batch_size: int = 32,
) -> None:
    r"""Take confident predictions as labels, train on them and the source, and repeat.

    A picture :math:`x` of the target is taken with the label
    :math:`\arg\max_k p_k(x)` where :math:`\max_k p_k(x) \geq` `threshold`; each round takes them
    anew. Every picture, of the source or taken, counts the same in the loss.

    Parameters
    ----------
    net : Network
        What is not frozen learns, by `fit`; what is frozen is computed once.
    unlabelled : Split
        The target's pictures.
    source : Task
        Its training part has the true labels.
    watch : Watch
        Takes the signs after each round; ``taken`` is the share of the target that got a label.
    seed : int
        Fixes order and dropout.
    threshold : float
        How sure a prediction must be, 0..1.
    rounds : int
        How often pictures are taken. It ends sooner if no picture is sure enough.
    epochs : int
        Passes over source and taken pictures in a round.
    lr, batch_size : float, int
        See `fit`.

    Notes
    -----
    BatchNorm in the stages that learn normalises by mixed batches of source and target; in frozen
    stages it stands still. Wrong but confident predictions are learned like right ones: where
    they lean to one class, the next round leans further.

    References
    ----------
    Lee (2013), "Pseudo-label: the simple and efficient semi-supervised learning method for deep
    neural networks", ICML workshop on challenges in representation learning.
    """
    source = require_source(source, "pseudo-label")
    last_layer(net)
    require_count("rounds", rounds)
    require_share("threshold", threshold)
    with progress_bar(rounds, "pseudo-label", "rounds") as bar:
        for number in range(rounds):
            sure, labels = outputs_of(net, unlabelled).softmax(1).max(1)
            taken = torch.nonzero(sure >= threshold).flatten()
            if len(taken) == 0:
                break
            more = _joined(source.train, unlabelled, taken, labels[taken])
            task = replace(source, train=more)
            fit(net, task, epochs=epochs, lr=lr, batch_size=batch_size, seed=seed + number)
            watch(f"round {number + 1}", taken=len(taken) / len(unlabelled))
            bar.update()


class JoinedImages(Images):
    """Two collections of pictures, one numbered after the other.

    Parameters
    ----------
    first, second : Images
        The pictures.
    """

    def __init__(self, first: Images, second: Images):
        self._first, self._second = first, second

    def __len__(self) -> int:
        return len(self._first) + len(self._second)

    def pixels(self, index: int) -> torch.Tensor:
        """Picture `index` as a uint8 tensor of shape (C, H, W)."""
        images, index = self._find(index)
        return images.pixels(index)

    def text(self, index: int) -> str:
        """Text `index`, where the items are texts."""
        images, index = self._find(index)
        return images.text(index)

    def digest(self, index: int) -> bytes:
        """SHA-256 of what picture `index` holds."""
        images, index = self._find(index)
        return images.digest(index)

    def _find(self, index: int) -> tuple[Images, int]:
        count = len(self._first)
        return (self._first, index) if index < count else (self._second, index - count)


def _joined(train: Split, unlabelled: Split, taken: torch.Tensor, labels: torch.Tensor) -> Split:
    theirs = unlabelled.indices[taken.numpy()] + len(train.images)
    return replace(
        train,
        images=JoinedImages(train.images, unlabelled.images),
        indices=np.concatenate([train.indices, theirs]),
        labels=torch.cat([train.targets, labels]),
    )
