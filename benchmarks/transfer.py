"""What the three training scenarios share: who takes part, and how they are reported."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .cells import BODY, export
from .harness import Plan, Side, take_turns

OURS, TUTORIAL, TUNED = "tl_teach", "PyTorch, tutorial's loop", "PyTorch, tuned loop"

# As many worker processes as there are cores, as PyTorch advises, but no more than four.
WORKERS = min(4, os.cpu_count() or 1)


def sides(
    files: str, boundary: int, epochs: int, lr: float, sgd_lr: float = 8e-3, mark: str = ""
) -> list[Side]:
    """Give everyone who can train with this boundary.

    Parameters
    ----------
    files : str
        The list that `cells.export` wrote.
    boundary : int
        How many of the 19 feature blocks are frozen.
    epochs : int
        Passes over the training cells.
    lr : float
        Learning rate of all that use Adam.
    sgd_lr : float
        Learning rate of the tutorial's SGD.
    mark : str
        Stands after each name.
    """
    ours: dict[str, Any] = {
        "files": files,
        "boundary": boundary,
        "epochs": epochs,
        "lr": lr,
        "seed": 0,
    }
    theirs = ours | {"workers": WORKERS}
    once = {name: value for name, value in theirs.items() if name != "boundary"}
    here = "benchmarks.sides"
    everyone = [
        Side(OURS, f"{here}.ours:train", ours),
        Side(TUTORIAL, f"{here}.plain:tutorial", theirs | {"lr": sgd_lr}),
        Side(TUNED, f"{here}.plain:tuned", theirs),
        Side("fastai", f"{here}.with_fastai:train", theirs | {"lr": 2 * lr}, ("fastai",)),
        Side("Lightning", f"{here}.with_lightning:train", theirs, ("lightning",)),
        Side("Keras 3 on PyTorch", f"{here}.with_keras:train", theirs, ("keras",)),
        Side(
            "Hugging Face Trainer",
            f"{here}.with_trainer:train",
            theirs,
            ("transformers", "accelerate"),
        ),
    ]
    if boundary == BODY:
        everyone += [
            Side("Keras 3, features first", f"{here}.with_keras:features_first", once, ("keras",)),
            Side(
                "scikit-learn on features",
                f"{here}.with_sklearn:train",
                {"files": files, "workers": WORKERS, "seed": 0},
            ),
        ]
    return [
        Side(side.name + mark, side.function, side.options, side.needs, side.repetitions)
        for side in everyone
    ]


def measure(choose: Callable[[str], list[Side]], plan: Plan) -> dict[str, Any]:
    """Export the cells and let the sides take turns.

    Parameters
    ----------
    choose : callable
        Gives the sides for the list of files.
    plan : Plan
        A quick one has a handful of cells only.
    """
    few = {"train": 64, "validation": 64} if plan.quick else {}
    with tempfile.TemporaryDirectory() as folder:
        files = str(export(Path(folder), **few))
        return take_turns(choose(files), plan)


COLUMNS = """\
*Training* is the training call alone, from untouched PNG files to a trained network: first epoch
included, imports and loading of weights excluded. *Whole process* has everything in it, from
starting Python to the last prediction. *Times ours* compares neighbours, turn by turn. *Minus ours*
is the difference in accuracy on the same 556 validation cells in the same turns, with a 95 %
interval from a paired bootstrap over cells and turns: after one turn it cannot hold the luck of a
training, which moves a network that learns as a whole by several points. Medians, smallest and
largest in brackets.
"""
