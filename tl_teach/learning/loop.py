"""The training loop: batches, a step, an epoch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from ..networks import Network
from .feed import Feed
from .losses import Loss
from .team import Team


@dataclass
class Loop:
    """What one training is made of.

    Attributes
    ----------
    net : Network
        Learns right of its freeze boundary.
    train : Feed
        Gives what crosses the boundary.
    targets : torch.Tensor
        One an item of the feed.
    loss : callable
        A mean over items.
    optimiser, scheduler
        Of torch.
    layout : torch.memory_format
        Of feature maps.
    team : Team
        The processes that train together.
    keep_statistics : bool
        In copied stages BatchNorm goes on with the mean and variance that it came with.
    """

    net: Network
    train: Feed
    targets: torch.Tensor
    loss: Loss
    optimiser: Optimizer
    scheduler: LRScheduler
    layout: torch.memory_format
    team: Team
    keep_statistics: bool = False

    def __post_init__(self) -> None:
        self.device = self.net.device
        self._half = self.device.type == "cuda"  # half precision pays on a graphics card only
        self._scaler = torch.amp.GradScaler(self.device.type, enabled=self._half)

    def step(self, items: torch.Tensor, views: int = 1) -> torch.Tensor:
        """Learn from one batch.

        Parameters
        ----------
        items : torch.Tensor
            Their numbers.
        views : int
            How many follow each other that show one picture.

        Returns
        -------
        torch.Tensor
            The batch's mean loss, or this process's part of it.
        """
        mine = self.team.share(items, views)
        value = torch.zeros((), device=self.device)
        self.optimiser.zero_grad()
        if len(mine):
            values = self.train(mine)
            if values.ndim == 4:
                values = values.contiguous(memory_format=self.layout)
            with torch.autocast(self.device.type, torch.float16, enabled=self._half):
                outputs = self.train.prefix.rest(values)
            outputs = outputs.float() if self._half else outputs
            value = self.loss(outputs, self.targets[mine].to(self.device))
            value = value * (len(mine) / len(items))
        scaled = self._scaler.scale(value)
        if len(mine):
            scaled.backward()
        self.team.add_gradients(self._learning)
        self._scaler.step(self.optimiser)
        self._scaler.update()
        self.scheduler.step()
        return value.detach()

    @property
    def _learning(self) -> Iterator[nn.Parameter]:
        return (p for group in self.optimiser.param_groups for p in group["params"])

    def epoch(self, count: int, batch_size: int, view: int = 0, views: int = 1) -> Iterator:
        """Learn from every item once, in random order.

        Parameters
        ----------
        count : int
            Pictures.
        batch_size : int
            Items a step.
        view, views : int
            Which of how many fixed views of each picture to show.

        Yields
        ------
        items : int
            How many were learned from in this step.
        loss : torch.Tensor
            Their mean loss.
        """
        self.net.train()
        for name in self.net.learning:
            if self.keep_statistics and self.net.copied[name]:
                for module in self.net.stages[name].modules():
                    if isinstance(module, _BatchNorm):
                        module.eval()
        order = self.team.agree(torch.randperm(count))
        for items in order.split(batches(count, batch_size)):
            yield len(items), self.step(items * views + view, views)
        for name in self.net.learning:
            self.team.average_buffers(self.net.stages[name])


def batches(count: int, size: int) -> list[int]:
    """Sizes of the batches; no rest of one item stands alone: BatchNorm may need two.

    Parameters
    ----------
    count, size : int
        How many items, and how many in a batch.

    Examples
    --------
    >>> batches(13, 4)
    [4, 4, 5]
    """
    sizes = [size] * (count // size) + ([count % size] if count % size else [])
    if len(sizes) > 1 and sizes[-1] == 1 < size:
        sizes[-2:] = [size + 1]
    return sizes
