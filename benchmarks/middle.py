"""The boundary in the middle: everything before `features[14]` is frozen; 10 epochs."""

from __future__ import annotations

from typing import Any

from . import transfer
from .harness import Plan, from_json, pairwise
from .report import Target, training_table
from .transfer import OURS, TUTORIAL

TITLE = "Boundary in the middle"


def measure(plan: Plan) -> dict[str, Any]:
    epochs = 1 if plan.quick else 10
    return transfer.measure(lambda files: transfer.sides(files, 14, epochs, lr=3e-4), plan)


def report(data: dict[str, Any]) -> str:
    runs = from_json(data["runs"])
    return "\n\n".join(
        [
            "480 solar cells from PNG at 160 pixels; the first 14 of MobileNetV2's 19 feature "
            "blocks are frozen, the others and a new head learn (10 epochs in a full run).",
            transfer.COLUMNS,
            training_table(runs, OURS),
            Target("Against the tutorial's loop, 10 epochs", 6).judge(
                pairwise(runs, TUTORIAL, OURS, "train")
            ),
        ]
    )
