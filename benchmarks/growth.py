"""How time and memory grow with the number of images, the boundary, the epochs, the image size."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .cells import SIZE
from .harness import Plan, Side, from_json, spread, take_turns
from .report import quantity, table, times

TITLE = "Growth"
PICTURE = Path(__file__).parent / "growth.svg"
STAGES = (None, "block1", "block3", "block5", "block6")
AXES: dict[str, Sequence[Any]] = {
    "items": (500, 2_000, 8_000, 50_000),
    "through": STAGES,
    "epochs": (1, 5, 50),
    "size": (96, 160, 224),
}
STRAIGHT = ("items", "epochs")  # against these, time should be a straight line
WORDS = {
    "items": "number of images",
    "through": "last frozen stage",
    "epochs": "epochs",
    "size": "image size, pixels",
}
USUAL: dict[str, Any] = {"items": 500, "through": "block6", "epochs": 5, "size": SIZE}


def measure(plan: Plan) -> dict[str, Any]:
    return take_turns(_sides(plan.quick), plan)


def _sides(quick: bool) -> list[Side]:
    sides = {}
    for axis, values in AXES.items():
        for value in (values[0], values[-1]) if quick else values:
            options = USUAL | {axis: value}
            if quick:
                options |= {"items": min(options["items"] // 10, 150)}
                options |= {"epochs": min(options["epochs"], 3)}
            few = 1 if options["items"] >= 20_000 else 3
            name = f"{axis}={value}"
            sides[name] = Side(name, "benchmarks.growth:train", options, repetitions=few)
    return list(sides.values())


def train(items: int, through: str | None, epochs: int, size: int) -> dict[str, Any]:
    """Train on as many cells as are asked for; beyond 2,223 the same ones come again, shifted."""
    import torch
    import torchvision.transforms.v2  # noqa: F401

    import tl_teach as tl
    from tl_teach.tasks import TASKS, Images, Split

    cells = TASKS["solar-cells"]()

    class Shifted(Images):
        """The same pictures, each round moved by one row more, so that none stands twice."""

        def __len__(self) -> int:
            return items

        def pixels(self, index: int) -> torch.Tensor:
            turn, cell = divmod(index, len(cells.images))
            return cells.images.pixels(cell).roll(turn, dims=1)

        def digest(self, index: int) -> bytes:
            turn, cell = divmod(index, len(cells.images))
            return cells.images.digest(cell) + bytes([turn])

    labels = torch.as_tensor(np.resize(cells.labels, items))
    split = Split(Shifted(), np.arange(items), labels, cells.info, "train", cells.preprocess)
    task = replace(tl.load_task("solar-cells", labels=32), train=split)
    net = tl.replace_head(tl.load_network("mobilenet_v2", image_size=size), task)
    if through is not None:
        tl.freeze(net, through=through)
    started = time.perf_counter()
    tl.fit(net, task, epochs=epochs, progress=False)
    return {"train": time.perf_counter() - started}


def report(data: dict[str, Any]) -> str:
    runs = from_json(data["runs"])
    parts = [
        "`fit` on MobileNetV2; what is not varied is "
        f"{USUAL['items']} images, frozen through `{USUAL['through']}`, {USUAL['epochs']} epochs, "
        f"{USUAL['size']} pixels.",
        "![Four pairs of curves, time on the left and peak memory on the right, against the number "
        "of images, the last frozen stage, the number of epochs, and the image size.]"
        f"({PICTURE.name})",
    ]
    for axis, values in AXES.items():
        names = [f"{axis}={value}" for value in values if f"{axis}={value}" in runs]
        rows = [
            [
                _named(name.partition("=")[2]),
                times(quantity(runs, name, "train")),
                f"{max(quantity(runs, name, 'peak_mb')):,.0f}",
            ]
            for name in names
        ]
        parts.append(table([WORDS[axis], "training, s", "peak MB"], rows))
        if axis in STRAIGHT and len(names) > 2:
            x = np.array([float(name.partition("=")[2]) for name in names])
            y = np.array([spread(quantity(runs, name, "train"))[0] for name in names])
            slope, start = np.polyfit(x, y, 1)
            off = np.abs(np.polyval([slope, start], x) - y).max() / y.max()
            parts.append(
                f"A straight line fits the time within {off:.1%} of its largest value: "
                f"{1000 * slope:.2f} ms for each more, and {start:.1f} s at the start."
            )
    return "\n\n".join(parts)


def draw(data: dict[str, Any], path: Path = PICTURE) -> None:
    """Draw time and memory against each quantity."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "tl_teach"
    from matplotlib import pyplot as plt

    runs = from_json(data["runs"])
    figure, panels = plt.subplots(len(AXES), 2, figsize=(7, 9), layout="constrained")
    for row, (axis, values) in zip(panels, AXES.items(), strict=True):
        present = [value for value in values if f"{axis}={value}" in runs]
        x = range(len(present)) if axis == "through" else present
        for panel, of, what in zip(row, ("train", "peak_mb"), ("seconds", "peak MB"), strict=True):
            middles, lows, highs = zip(
                *(spread(quantity(runs, f"{axis}={value}", of)) for value in present), strict=True
            )
            panel.plot(x, middles, marker="o", color="#0b5cad")
            panel.fill_between(x, lows, highs, alpha=0.25, color="#0b5cad")
            panel.set_ylim(0, 1.1 * max(highs))
            panel.grid(alpha=0.3)
            panel.set_ylabel(what)
            panel.set_xlabel(WORDS[axis])
            if axis == "through":
                panel.set_xticks(list(x), [_named(str(value)) for value in present])
            elif axis == "items":
                panel.set_xticks([0, 20_000, 40_000], ["0", "20,000", "40,000"])
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _named(value: str) -> str:
    return "nothing" if value == "None" else f"{int(value):,}" if value.isdigit() else value
