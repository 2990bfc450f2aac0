"""Several processes that train one network together, each with its own share of the pictures.

Started by ``torchrun`` or ``accelerate launch``, every process runs the same program. Picture
``i`` belongs to process ``i % size``: it alone computes and keeps what crosses the freeze boundary
for it. In each step the processes add up their gradients, so that all take the same step that one
process would take alone with the whole batch.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

import torch
from torch import distributed, nn


class Team:
    """A process and its place among those that train together.

    Parameters
    ----------
    alone : bool
        This process does all the work itself, whoever else was launched.

    Attributes
    ----------
    rank : int
        Number of this process, from 0.
    size : int
        How many there are.
    """

    def __init__(self, alone: bool = False) -> None:
        if alone or not distributed.is_available():
            self.rank, self.size = 0, 1
            return
        launched = int(os.environ.get("WORLD_SIZE", "1")) > 1 and "RANK" in os.environ
        if launched and not distributed.is_initialized():
            # What is agreed on lies on the processor, gradients where the network is.
            cards = torch.cuda.is_available()
            distributed.init_process_group("cpu:gloo,cuda:nccl" if cards else "gloo")
        together = distributed.is_initialized()
        self.rank = distributed.get_rank() if together else 0
        self.size = distributed.get_world_size() if together else 1

    def share(self, items: torch.Tensor, views: int = 1) -> torch.Tensor:
        """Give those of some items that belong to this process, all views of a picture together."""
        return items if self.size == 1 else items[items // views % self.size == self.rank]

    def agree(self, order: torch.Tensor) -> torch.Tensor:
        """Give every process the numbers that the first one drew."""
        if self.size > 1:
            distributed.broadcast(order, 0)
        return order

    def add(self, values: torch.Tensor) -> torch.Tensor:
        """Add up, in place, what the processes hold."""
        if self.size > 1:
            distributed.all_reduce(values)
        return values

    def add_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Add up the gradients; a process without a picture in the batch adds nothing."""
        if self.size > 1:
            for parameter in parameters:
                if parameter.grad is None:
                    parameter.grad = torch.zeros_like(parameter)
                distributed.all_reduce(parameter.grad)

    def average_buffers(self, module: nn.Module) -> None:
        """Average running statistics, which each process took from its own pictures."""
        if self.size > 1:
            for buffer in module.buffers():
                if buffer.is_floating_point():
                    distributed.all_reduce(buffer)
                    buffer /= self.size
