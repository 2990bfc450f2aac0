"""The one idea: a network is an ordered row of stages with a head at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

from ..tasks import AnyPreprocess
from ..wording import require_kind, unknown


class Network(nn.Module):
    """An ordinary PyTorch module whose stages have names and a freeze boundary.

    The stages before the boundary are *frozen*: their parameters need no gradient, and they
    stay in eval mode whatever `train` is called with, so that BatchNorm's running statistics
    (buffers, not parameters) stand still too.

    Parameters
    ----------
    name : str
        The architecture.
    stages : mapping of str to torch.nn.Module
        The row of stages, in order; the last is called ``"head"`` and ends in a layer named
        ``output``.
    preprocess : Preprocess or TextPreprocess
        What the network expects of a picture, or of a text.
    classes : tuple of str
        Names of the outputs.
    copied : bool
        True where the weights come from a source task, False where they are random.
    kind : str
        What the outputs are: ``"classification"``, ``"multilabel"`` or ``"regression"``.
    unit : str
        For regression, what the outputs are counted in.

    Attributes
    ----------
    stages : torch.nn.ModuleDict
        The stages by name, head last.

    Raises
    ------
    ValueError
        If there are fewer than two stages, or the last is not called ``"head"``.
    """

    def __init__(
        self,
        name: str,
        stages: Mapping[str, nn.Module],
        preprocess: AnyPreprocess,
        classes: tuple[str, ...],
        copied: bool = False,
        kind: str = "classification",
        unit: str = "",
    ):
        super().__init__()
        names = list(stages)
        if len(names) < 2 or names[-1] != "head":
            raise ValueError(
                f"The row of stages of {name!r} is {names}; expected one or more, which make "
                "features, and a last one called 'head', which turns them into outputs: "
                "{'body': ..., 'head': ...}."
            )
        self.name = name
        self.kind, self.unit = kind, unit
        self.stages = nn.ModuleDict(dict(stages))
        self.preprocess: Any = preprocess
        self.classes = classes
        self.copied = dict.fromkeys(self.stages, copied)
        self._frozen = 0  # how many stages stand before the boundary

    @property
    def stage_names(self) -> tuple[str, ...]:
        """Names of the stages in order, head last."""
        return tuple(self.stages)

    @property
    def head(self) -> nn.Module:
        """The last stage, which turns features into the task's outputs."""
        return self.stages[self.stage_names[-1]]

    @property
    def frozen(self) -> tuple[str, ...]:
        """Names of the stages before the freeze boundary."""
        return self.stage_names[: self._frozen]

    @property
    def learning(self) -> tuple[str, ...]:
        """Names of the stages after the freeze boundary."""
        return self.stage_names[self._frozen :]

    @property
    def device(self) -> torch.device:
        """Where the weights are; the CPU where there are none."""
        return next((one.device for one in self.parameters()), torch.device("cpu"))

    @property
    def frozen_through(self) -> str | None:
        """The last frozen stage, or None where nothing is frozen."""
        return self.stage_names[self._frozen - 1] if self._frozen else None

    def is_frozen(self, stage: str) -> bool:
        """Tell whether a stage stands before the freeze boundary.

        Parameters
        ----------
        stage : str
            One of `stage_names`.
        """
        return self.position(stage) < self._frozen

    def role(self, stage: str) -> str:
        """Give a stage's part in the transfer.

        Parameters
        ----------
        stage : str
            One of `stage_names`.

        Returns
        -------
        str
            ``"frozen"`` (copied, fixed), ``"fine-tuned"`` (copied, changes), ``"new"`` (random,
            learns) or ``"random and frozen"``, the one combination that nobody wants.
        """
        if self.is_frozen(stage):
            return "frozen" if self.copied[stage] else "random and frozen"
        return "fine-tuned" if self.copied[stage] else "new"

    def position(self, stage: str) -> int:
        """Give a stage's place in the row, from 0.

        Parameters
        ----------
        stage : str
            One of `stage_names`.

        Raises
        ------
        ValueError
            If there is no such stage.
        """
        if stage not in self.stage_names:
            raise ValueError(unknown(f"stage of {self.name!r}", stage, self.stage_names))
        return self.stage_names.index(stage)

    def set_boundary(self, frozen: int) -> None:
        """Freeze the first `frozen` stages and let all others learn.

        Parameters
        ----------
        frozen : int
            From 0 (nothing is frozen) to the number of stages.

        Raises
        ------
        ValueError
            If it is less or more.
        """
        if not 0 <= frozen <= len(self.stages):
            raise ValueError(
                f"frozen={frozen!r} does not work: {self.name!r} has {len(self.stages)} stages."
            )
        self._frozen = frozen
        for place, stage in enumerate(self.stages.values()):
            stage.requires_grad_(place >= frozen)
            if place < frozen:  # an optimiser would still apply a gradient, or momentum, left here
                stage.zero_grad(set_to_none=True)
        self.train(self.training)

    def train(self, mode: bool = True) -> Network:
        """Set the mode of every stage that is not frozen; frozen ones stay in eval mode.

        Parameters
        ----------
        mode : bool
            True for training, False for evaluation.
        """
        super().train(mode)
        for stage in list(self.stages.values())[: self._frozen]:
            stage.eval()
        return self

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Run the whole row.

        Parameters
        ----------
        x : torch.Tensor
            Preprocessed inputs of shape (N, C, H, W); (N, tokens) for texts.

        Returns
        -------
        torch.Tensor
            Outputs of shape (N, outputs): logits for classification.
        """
        return self.run(x)

    def run(
        self, x: torch.Tensor, *, after: str | None = None, through: str | None = None
    ) -> torch.Tensor:
        """Run a part of the row.

        Parameters
        ----------
        x : torch.Tensor
            What goes into the first stage of the part.
        after : str, optional
            Begin with the stage after this one; with the first stage by default.
        through : str, optional
            Stop after this stage; after the head by default.

        Returns
        -------
        torch.Tensor
            What comes out of the last stage of the part.
        """
        first = 0 if after is None else self.position(after) + 1
        last = len(self.stages) if through is None else self.position(through) + 1
        for place, stage in enumerate(self.stages.values()):
            if place < self._frozen and stage.training:
                stage.eval()  # .train() was called on the stage itself, past the network
            if first <= place < last:
                x = stage(x)
        return x

    def walk(self, x: torch.Tensor) -> Iterator[tuple[str, torch.Tensor]]:
        """Run the row stage by stage.

        Parameters
        ----------
        x : torch.Tensor
            As for `forward`, on any device.

        Yields
        ------
        name : str
            Of the stage.
        output : torch.Tensor
            What comes out of it, on the network's device.
        """
        x = x.to(self.device)
        for name, stage in self.stages.items():
            x = stage(x)
            yield name, x

    def __repr__(self) -> str:
        row = " ".join(f"[{name}: {self.role(name)}]" for name in self.stages)
        return f"<network {self.name!r}: {row}>"


def require_network(net: object) -> Network:
    """Refuse what is not a network with named stages, in one sentence."""
    return require_kind(
        net,
        Network,
        "a network with named stages",
        "load one with tl.load_network(name), or build tl.Network(name, stages, ...) from your own "
        "modules",
    )
