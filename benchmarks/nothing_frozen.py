"""Nothing is frozen: the whole network learns, so nothing can be kept; 3 epochs."""

from __future__ import annotations

import statistics
from typing import Any

from . import transfer
from .harness import Plan, from_json, pairwise
from .report import Target, quantity, training_table
from .transfer import OURS

TITLE = "Nothing frozen"


def measure(plan: Plan) -> dict[str, Any]:
    epochs = 1 if plan.quick else 3
    return transfer.measure(lambda files: transfer.sides(files, 0, epochs, lr=3e-4), plan)


def report(data: dict[str, Any]) -> str:
    runs = from_json(data["runs"])
    others = [name for name in runs if name != OURS]
    best = min(others, key=lambda name: statistics.median(quantity(runs, name, "train")))
    return "\n\n".join(
        [
            "480 solar cells from PNG at 160 pixels; all of MobileNetV2 learns (3 epochs in a "
            "full run).",
            transfer.COLUMNS,
            training_table(runs, OURS),
            Target(f"Against the best of the others ({best})", 1).judge(
                pairwise(runs, best, OURS, "train")
            ),
        ]
    )
