"""A study: 5 label counts x 5 seeds x 4 recipes on handwriting, by `compare` and by a plain loop.

The recipes are the four settings of two switches: the body is copied or random, and it may learn
or not. Both sides train ``letters-resnet`` with the same settings and score the same validation
digits.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from .harness import Plan, Runs, Side, from_json, pairwise, take_turns
from .report import Target, cost, table, times

TITLE = "A study over seeds and label counts"
OURS, PLAIN = "tl_teach", "plain PyTorch loop"
LABELS, SEEDS, EPOCHS, LR, BATCH = (1, 2, 5, 10, 50), range(5), 30, 3e-3, 32
RECIPES = {
    "frozen": ("pretrained", True),
    "fine-tuned": ("pretrained", False),
    "from scratch": ("random", False),
    "random and frozen": ("random", True),
}


def measure(plan: Plan) -> dict[str, Any]:
    options = {"quick": plan.quick}
    sides = [
        Side(OURS, "benchmarks.study:ours", options),
        Side(PLAIN, "benchmarks.study:plain", options),
    ]
    return take_turns(sides, plan)


def report(data: dict[str, Any]) -> str:
    runs = from_json(data["runs"])
    rows = [cost(runs, name, OURS) for name in runs]
    scores, spent = [], []
    for recipe, (_, frozen) in RECIPES.items():
        seconds = {
            name: [run.result["spent"][recipe] for run in done] for name, done in runs.items()
        }
        spent.append([recipe, "head" if frozen else "all", *map(times, seconds.values())])
        cells = []
        for name in runs:
            grid = runs[name][0].result["scores"]
            by_budget: dict[int, list[float]] = {}
            for given, labels, _, score in grid:
                if given == recipe:
                    by_budget.setdefault(labels, []).append(score)
            cells.append(" / ".join(f"{np.mean(by_budget[n]):.3f}" for n in sorted(by_budget)))
        scores.append([recipe, *cells])
    return "\n\n".join(
        [
            f"{len(LABELS)} label counts x {len(SEEDS)} seeds x {len(RECIPES)} recipes in a full "
            f"run, {EPOCHS} epochs each, letters-resnet on handwriting.",
            table(["side", "study, s", "times ours", "whole process, s", "peak MB"], rows),
            "Seconds for each recipe (ours: of both processes together):",
            table(["recipe", "what learns", *runs], spent),
            _bound(runs),
            "Mean accuracy over seeds, by labels per class:",
            table(["recipe", *runs], scores),
            Target("Against a plain loop over the same grid", 5).judge(
                pairwise(runs, PLAIN, OURS, "train")
            ),
        ]
    )


def _bound(runs: Runs) -> str:
    """What can be gained at most where half of the recipes train everything."""
    spent = runs[PLAIN][0].result["spent"]
    whole = sum(seconds for name, seconds in spent.items() if not RECIPES[name][1])
    share = whole / sum(spent.values())
    return (
        f"Where all layers learn nothing can be kept: these recipes take {share:.0%} of the plain "
        f"loop's time, so a study whose frozen recipes cost nothing at all would be "
        f"{1 / share:.1f} times as fast, and no more."
    )


def _grid(quick: bool) -> Iterator[tuple[str, int, int]]:
    for labels in LABELS[:2] if quick else LABELS:
        for seed in list(SEEDS)[:1] if quick else SEEDS:
            for recipe in RECIPES:
                yield recipe, labels, seed


def ours(quick: bool) -> dict[str, Any]:
    import torchvision.transforms.v2  # noqa: F401

    import tl_teach as tl

    recipes = {
        name: tl.Recipe(
            "letters-resnet",
            tl.Phase(frozen, epochs=EPOCHS, lr=LR, batch_size=BATCH),
            weights=weights,
        )
        for name, (weights, frozen) in RECIPES.items()
    }
    _, counts, seeds = (sorted(set(column)) for column in zip(*_grid(quick), strict=True))
    tl.fit  # noqa: B018  # a name is imported when it is first used
    started = time.perf_counter()
    study = tl.compare(
        recipes,
        "handwriting",
        counts,
        seeds,
        workers=os.cpu_count() or 1,
        progress=False,
    )
    seconds = time.perf_counter() - started
    columns = ["recipe", "labels_per_class", "seed", "score"]
    scores = [[r, int(n), int(s), float(x)] for r, n, s, x in study.table[columns].to_numpy()]
    spent = study.table.groupby("recipe").seconds.sum().to_dict()
    return {"train": seconds, "scores": scores, "spent": spent}


def plain(quick: bool) -> dict[str, Any]:
    """Do the same with a `DataLoader` and a loop; the digits are read once and kept in memory."""
    import gzip

    import torch
    from torch.nn.functional import cross_entropy
    from torch.utils.data import DataLoader, TensorDataset

    import tl_teach as tl
    from tl_teach import assets

    splits = {
        (labels, seed): tl.load_task("handwriting", labels_per_class=labels, seed=seed)
        for _, labels, seed in _grid(quick)
    }
    started = time.perf_counter()
    with gzip.open(assets.path("mnist-5k"), "rt") as file:
        digits = torch.from_numpy(np.loadtxt(file, delimiter=",", dtype=np.uint8))
    pictures = (digits[:, :-1].reshape(-1, 1, 28, 28) / 255 - 0.1307) / 0.3081
    classes = digits[:, -1].long()
    scores, spent = [], dict.fromkeys(RECIPES, 0.0)
    for recipe, labels, seed in _grid(quick):
        began = time.perf_counter()
        weights, frozen = RECIPES[recipe]
        task = splits[labels, seed]
        train, validation = (
            torch.from_numpy(part.indices) for part in (task.train, task.validation)
        )
        torch.manual_seed(seed)
        net = _letters_resnet(weights, seed)
        head = net[-1][-1]
        if frozen:
            net.eval().requires_grad_(False)
            head.train().requires_grad_(True)
        else:
            net.train()
        learning = [parameter for parameter in net.parameters() if parameter.requires_grad]
        optimiser = torch.optim.AdamW(learning, lr=LR, weight_decay=0.0, fused=True)
        batches = DataLoader(TensorDataset(pictures[train], classes[train]), BATCH, shuffle=True)
        for _ in range(EPOCHS):
            for inputs, targets in batches:
                optimiser.zero_grad()
                cross_entropy(net(inputs), targets).backward()
                optimiser.step()
        net.eval()
        with torch.no_grad():
            guesses = torch.cat([net(pictures[i]).argmax(1) for i in validation.split(128)])
        scores.append(
            (recipe, labels, seed, float((guesses == classes[validation]).float().mean()))
        )
        spent[recipe] += time.perf_counter() - began
    return {"train": time.perf_counter() - started, "scores": scores, "spent": spent}


def _letters_resnet(weights: str, seed: int) -> Any:
    """Give the same network as an ordinary module without a boundary."""
    import torch

    import tl_teach as tl

    net = tl.replace_head(tl.load_network("letters-resnet", weights=weights, seed=seed), 10)
    return torch.nn.Sequential(*net.stages.values())
