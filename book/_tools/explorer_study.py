"""Run the study that the explorers show where no other is given: minutes, so its scores are kept.

    python book/_tools/explorer_study.py

The handwritten digits: five freeze boundaries, with a copied start and with a random one; 1, 5, 20
and 50 labels per class; five seeds. The settings are step 4's, but with fewer epochs at 20 and 50
labels, where a random start still gains from more.
"""

from __future__ import annotations

import json
from pathlib import Path

import tl_teach as tl

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "tl_teach" / "explore" / "studies" / "digits.json"
LABELS = (1, 5, 20, 50)
EPOCHS = {10: 16, 50: 12, 200: 4, 500: 3}


def take_over(weights: str, freeze: bool | str, lr: float):  # type: ignore[no-untyped-def]
    """Give a function that trains once and gives the score."""

    def run(task: tl.tasks.Task, seed: int) -> float:
        epochs = EPOCHS[len(task.train)]
        phase = tl.Phase(freeze, epochs=epochs, lr=lr, batch_size=16, schedule="one-cycle")
        net, _ = tl.Recipe("letters-resnet", phase, weights=weights).train(task, seed)
        return tl.evaluate(net, task.validation[:300]).score

    return run


def main() -> None:
    recipes = {
        "copied, frozen through block3": take_over("pretrained", True, 3e-2),
        "copied, frozen through block2": take_over("pretrained", "block2", 3e-3),
        "copied, frozen through block1": take_over("pretrained", "block1", 3e-3),
        "copied, frozen through stem": take_over("pretrained", "stem", 3e-3),
        "copied, nothing frozen": take_over("pretrained", False, 3e-3),
        "random, frozen through block3": take_over("random", True, 3e-2),
        "random, frozen through block2": take_over("random", "block2", 1e-2),
        "random, frozen through block1": take_over("random", "block1", 1e-2),
        "random, frozen through stem": take_over("random", "stem", 1e-2),
        "random, nothing frozen": take_over("random", False, 1e-2),
    }
    study = tl.compare(recipes, "handwriting", LABELS, range(5))
    rows = [
        [row.recipe, int(row.labels_per_class), int(row.labels), int(row.seed), round(row.score, 4)]
        for row in study.table.itertuples()
    ]
    kept = {"metric": study.metric, "constant_guess": round(study.constant_guess, 4), "rows": rows}
    text = json.dumps(kept, separators=(",", ":")).replace("],[", "],\n[")
    TARGET.write_text(text + "\n", encoding="utf-8", newline="\n")
    print(study)


if __name__ == "__main__":
    main()
