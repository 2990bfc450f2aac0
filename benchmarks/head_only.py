"""Only the head learns: 480 solar cells, MobileNetV2, 160 pixels, 10 and 25 epochs."""

from __future__ import annotations

import re
import statistics
from typing import Any

from . import transfer
from .cells import BODY
from .harness import Plan, Side, from_json, pairwise
from .report import Target, quantity, ratios, table, times, training_table
from .transfer import OURS, TUTORIAL

TITLE = "Head only"
SKLEARN = "scikit-learn on features"


def measure(plan: Plan) -> dict[str, Any]:
    def choose(files: str) -> list[Side]:
        if plan.quick:
            return transfer.sides(files, BODY, epochs=2, lr=1e-3)
        longer = transfer.sides(files, BODY, epochs=25, lr=1e-3, mark=", 25 epochs")
        few = (f"{OURS}, 25 epochs", f"{TUTORIAL}, 25 epochs")
        return [
            *transfer.sides(files, BODY, epochs=10, lr=1e-3),
            *(side for side in longer if side.name in few),
        ]

    return transfer.measure(choose, plan)


def report(data: dict[str, Any]) -> str:
    runs = from_json(data["runs"])
    short = {name: done for name, done in runs.items() if "25 epochs" not in name}
    long = {name: done for name, done in runs.items() if name not in short}
    parts = [
        "480 solar cells from PNG at 160 pixels; MobileNetV2 with everything frozen but a new "
        "linear head (10 epochs in a full run).",
        transfer.COLUMNS,
        training_table(short, OURS),
    ]
    if long:
        parts += ["The same for 25 epochs:", training_table(long, f"{OURS}, 25 epochs")]
    ten = pairwise(short, TUTORIAL, OURS, "train")
    more = pairwise(long, f"{TUTORIAL}, 25 epochs", f"{OURS}, 25 epochs", "train")
    rival = pairwise(short, SKLEARN, OURS, "train")
    parts.append(
        "\n".join(
            [
                Target("Against the tutorial's loop, 10 epochs", 25).judge(ten),
                Target("Against the tutorial's loop, 25 epochs", 60).judge(more),
                Target("Against features once and scikit-learn (aim)", 1).judge(rival),
            ]
        )
    )
    return "\n\n".join(parts)


def in_readme(text: str, kept: dict[str, Any]) -> str:
    """Put the short table between its two marks.

    Parameters
    ----------
    text : str
        The README.
    kept : dict
        A measured scenario with its machine and date.

    Returns
    -------
    str
        The README with the table of that run.
    """
    runs = from_json(kept["data"]["runs"])
    rows = [
        [
            name,
            times(quantity(runs, name, "train")),
            ratios(pairwise(runs, name, OURS, "train")),
            f"{statistics.median(quantity(runs, name, 'accuracy')):.3f}",
        ]
        for name in sorted(runs, key=lambda name: statistics.median(quantity(runs, name, "train")))
        if "25 epochs" not in name
    ]
    words = [
        table(["side", "training, s", "times ours", "accuracy"], rows),
        f"(480 pictures of solar cells from PNG files, MobileNetV2 frozen but for a new head, 10 "
        f"epochs, the first included; {kept['machine']['cores']} cores of an "
        f"{kept['machine']['processor']}; {kept['date']}. Medians, smallest and largest in "
        "brackets.)",
    ]
    marked = re.compile("(<!-- speed -->\n).*(<!-- end of speed -->)", re.DOTALL)
    if not marked.search(text):
        raise ValueError(
            "The README has no '<!-- speed -->' and '<!-- end of speed -->'; put them."
        )
    return marked.sub(lambda found: found[1] + "\n" + "\n\n".join(words) + "\n\n" + found[2], text)
