"""Checkpoints: a training that was interrupted goes on as if it had not been."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from ..files import replacing, require_folder
from ..networks import Network, fingerprint
from ..tasks import Task
from .history import History
from .loop import Loop


class CheckpointError(ValueError):
    """A checkpoint belongs to another training, or is damaged."""


class Checkpoint:
    """The state of a training after its last complete epoch, in a file.

    Parameters
    ----------
    path : str or pathlib.Path
        Written under another name and renamed, so that it is always whole.
    net : Network
        As it is before the training.
    task : Task
        Preprocessed for `net`.
    settings : dict
        All other arguments of the training.
    """

    def __init__(self, path: str | Path, net: Network, task: Task, settings: dict[str, Any]):
        self.path = require_folder(path)
        digest = hashlib.sha256(f"{fingerprint(net)} {net.frozen_through}".encode())
        for split in (task.train, task.validation):
            digest.update(f"{split.fingerprint()} {split.preprocess}".encode())
        digest.update(repr(sorted(settings.items())).encode())
        self._key = digest.hexdigest()

    def save(self, loop: Loop, history: History, best: dict | None, best_loss: float) -> None:
        """Write what the next epoch depends on.

        Parameters
        ----------
        loop : Loop
            Its network, optimiser and scheduler.
        history : History
            So far.
        best : dict of str to torch.Tensor or None
            The best weights so far.
        best_loss : float
            Their validation loss.
        """
        state = {
            "training": self._key,
            "moving": moving_state(loop.net),
            "optimiser": loop.optimiser.state_dict(),
            "scheduler": loop.scheduler.state_dict(),
            "random": torch.get_rng_state(),
            "history": asdict(history),
            "best": best,
            "best_loss": best_loss,
        }
        with replacing(self.path) as part:
            torch.save(state, part)

    def resume(self, loop: Loop) -> tuple[History, dict | None, float] | None:
        """Put a training into the state that was saved, if there is one.

        Parameters
        ----------
        loop : Loop
            Of a training with the same settings; torch's random state is set too.

        Returns
        -------
        tuple of History, dict or None, float; or None
            The history, the best weights and their loss; None where there is no file.

        Raises
        ------
        CheckpointError
            If the file belongs to another training, or is no checkpoint.
        """
        if not self.path.exists():
            return None
        try:
            state = torch.load(self.path, map_location=loop.device, weights_only=True)
            key = state["training"]
        except Exception as reason:  # torch raises many kinds for a file that is not what it says
            raise CheckpointError(
                f"{str(self.path)!r} is no checkpoint of a training ({type(reason).__name__}); "
                "give another name, or remove it to start anew."
            ) from None
        if key != self._key:
            raise CheckpointError(
                f"The checkpoint {str(self.path)!r} belongs to a training with other weights, "
                "data or settings. To go on from it, begin with the network as it was before the "
                "training: load it and give it its head again. To start anew, give another name, "
                "or remove the file."
            )
        loop.net.load_state_dict(state["moving"], strict=False)
        _load(loop.optimiser, state["optimiser"])
        loop.scheduler.load_state_dict(state["scheduler"])
        torch.set_rng_state(state["random"].cpu())
        history = History(**{**state["history"], "trained": tuple(state["history"]["trained"])})
        return history, state["best"], state["best_loss"]


def _load(optimiser: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Take over the averages and rates, but not the way in which another machine took its steps."""
    for group in state["param_groups"]:
        group["fused"] = optimiser.defaults["fused"]
    optimiser.load_state_dict(state)
    for parameter, averages in optimiser.state.items():
        for name, value in averages.items():
            if value.shape == parameter.shape:  # and lies in memory as a fused step expects it
                averages[name] = torch.empty_like(parameter).copy_(value)


def moving_state(net: Network) -> dict[str, torch.Tensor]:
    """Copy what can change: parameters and buffers of the stages that learn.

    Parameters
    ----------
    net : Network
        The network.

    Returns
    -------
    dict of str to torch.Tensor
        A part of its state dict.
    """
    moving = tuple(f"stages.{name}." for name in net.learning)
    state = net.state_dict()
    return {name: value.clone() for name, value in state.items() if name.startswith(moving)}
