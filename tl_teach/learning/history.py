"""What happened while a network learned."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class History:
    """One list a quantity, one number an epoch.

    Attributes
    ----------
    train_loss : list of float
        Mean loss over the epoch's batches, while the weights were changing.
    validation_loss, validation_score : list of float
        Loss and score on the validation split after each epoch; empty if it was not asked for.
    best_epoch : int
        The epoch, counted from 1, whose weights the network has now: the one with the lowest
        validation loss, or the last where there was no validation.
    seconds : float
        Wall time of the whole fit.
    trained : tuple of str
        The stages that learned.
    interrupted : bool
        Whether it was stopped from outside before its time.
    """

    train_loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_score: list[float] = field(default_factory=list)
    best_epoch: int = 0
    seconds: float = 0.0
    trained: tuple[str, ...] = ()
    interrupted: bool = False

    @property
    def epochs(self) -> int:
        """How many epochs were run."""
        return len(self.train_loss)

    def __repr__(self) -> str:
        text = f"<history: {self.epochs} epochs of {', '.join(self.trained)}"
        if self.train_loss:
            text += f"; train loss {self.train_loss[0]:.3f} to {self.train_loss[-1]:.3f}"
        if self.validation_loss:
            text += (
                f"; best epoch {self.best_epoch} with validation loss "
                f"{self.validation_loss[self.best_epoch - 1]:.3f}"
            )
        return text + f"; {self.seconds:.1f} s{', interrupted' if self.interrupted else ''}>"
