"""Where the time goes: our own work under PyTorch's profiler, beside what its products need.

A promise that is not met is explained here: what is left of the time once the multiplications have
theirs, and how much of it the multiplications would need on cores that do nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from . import cells, extraction, limit, sentences, study
from .harness import Plan, Side, from_json, spread, take_turns
from .report import table

TITLE = "Where the time goes"

# What a call of PyTorch is for, by parts of its name; the first that fits counts.
KINDS = {
    "products": ("convolution", "addmm", "::mm", "bmm", "attention", "linear"),
    "normalising": ("batch_norm", "layer_norm"),
    "activations": ("hardtanh", "relu", "clamp", "threshold", "gelu"),
    "optimiser": ("adam",),
    "moving": ("copy", "cat", "index", "stack", "fill", "empty", "resize", "zero", "sub", "div"),
}
WORKS = {
    "a step, boundary in the middle": ("step", {"boundary": 14}),
    "a step, nothing frozen": ("step", {"boundary": 0}),
    "a step of the study": ("small_step", {}),
    "frozen part, pictures": ("pictures", {}),
    "frozen part, sentences": ("texts", {}),
}


def measure(plan: Plan) -> dict[str, Any]:
    sides = [
        Side(name, f"benchmarks.profile:{function}", options | {"quick": plan.quick})
        for name, (function, options) in WORKS.items()
    ]
    return take_turns([*sides, Side(limit.NAME, limit.FUNCTION)], plan)


def report(data: dict[str, Any]) -> str:
    runs = from_json(data["runs"])
    product = runs.pop(limit.NAME, [])
    most = spread([run.result["macs_per_second"] for run in product])[0] if product else None
    rows = [[name, *_row(done, most)] for name, done in runs.items()]
    head = ["what", "ms", *KINDS, "the rest", "products at the limit"]
    return (
        "Ours alone, under PyTorch's profiler. *Products* are convolutions, matrix products and "
        "attention; *moving* is copying, gathering and scaling of numbers; *the rest* is Python, "
        "reading, and cores that wait. *Products at the limit* is the share of the time that the "
        "multiply-adds would take at the speed of a large matrix product on the same cores: "
        "nothing that computes the same numbers can be shorter than that.\n\n" + table(head, rows)
    )


def _row(runs: list[Any], most: float | None) -> list[str]:
    def middle(share: Callable[[dict[str, Any]], float]) -> float:
        return spread([share(run.result) for run in runs])[0]

    shares = [middle(lambda r, k=kind: r["kinds"][k] / r["core_seconds"]) for kind in KINDS]
    return [
        f"{1e3 * middle(lambda r: r['seconds'] / r['pieces']):,.1f}",
        *(f"{share:.0%}" for share in shares),
        f"{max(0.0, 1 - sum(shares)):.0%}",
        f"{middle(lambda r: r['macs'] / most / r['seconds']):.0%}" if most else "-",
    ]


# --- The work ---


def step(boundary: int, quick: bool) -> dict[str, Any]:
    import tl_teach as tl

    task = tl.load_task("solar-cells", labels=64 if quick else cells.TRAIN)

    def network() -> Any:
        net = tl.replace_head(tl.load_network("mobilenet_v2", image_size=cells.SIZE), task)
        return tl.freeze(net, through=cells.STAGE[boundary]) if boundary else net

    return _training(network, task, cells.BATCH, lr=3e-4)


def small_step(quick: bool) -> dict[str, Any]:
    import tl_teach as tl

    task = tl.load_task("handwriting", labels_per_class=5 if quick else 50)
    return _training(
        lambda: tl.replace_head(tl.load_network("letters-resnet"), task),
        task,
        study.BATCH,
        lr=study.LR,
    )


def _training(network: Callable[[], Any], task: Any, batch: int, lr: float) -> dict[str, Any]:
    """Profile two epochs whose frozen part is known already."""
    import tl_teach as tl

    def train(net: Any, epochs: int) -> None:
        tl.fit(net, task, epochs=epochs, lr=lr, batch_size=batch, progress=False)

    train(network(), 1)
    net, epochs, count = network(), 2, len(task.train)
    measured = _profiled(lambda: train(net, epochs), lanes=1)
    macs = epochs * count * _learning_from_one(network(), task)
    return measured | {"macs": macs, "pieces": epochs * -(-count // batch)}


def _learning_from_one(net: Any, task: Any) -> int:
    """Multiply-adds of a step for each picture.

    Each layer multiplies as often again for its weights' gradient, and once more for its inputs'
    gradient, which nobody asks the first layer for.
    """
    import torch
    from torch import nn

    picture = task.train.for_network(net)[0][0][None]
    learning = nn.ModuleList(net.stages[name] for name in net.learning)
    with torch.no_grad():
        forward = limit.multiply_adds(learning, lambda: net.eval()(picture))
    return 3 * sum(forward) - forward[0]


def pictures(quick: bool) -> dict[str, Any]:
    import numpy as np
    import torch

    import tl_teach as tl
    from tl_teach.tasks import ArrayImages, Split

    count = 64 if quick else 512
    stock = np.random.default_rng(0).integers(0, 256, (count, cells.SIZE, cells.SIZE), np.uint8)
    info = tl.load_task("solar-cells", labels=1).info
    net = tl.load_network("mobilenet_v2", image_size=cells.SIZE)
    images = ArrayImages(stock)

    def part(first: int, last: int) -> Split:
        return Split(images, np.arange(first, last), None, info, "unlabelled", net.preprocess)

    tl.extract_features(net, part(0, 32))
    measured = _profiled(
        lambda: tl.extract_features(net, part(32, count)), lanes=torch.get_num_threads()
    )
    pieces = count - 32
    return measured | {"macs": pieces * extraction.multiply_adds(), "pieces": pieces}


def texts(quick: bool) -> dict[str, Any]:
    import torch

    import tl_teach as tl

    count = 64 if quick else 1000
    net, task = sentences.prepared(count, 0)
    tl.extract_features(net, task.validation[:32])
    measured = _profiled(
        lambda: tl.extract_features(net, task.train), lanes=torch.get_num_threads()
    )
    return measured | {"macs": sentences.work(count)["macs"], "pieces": count}


def _profiled(work: Callable[[], object], lanes: int) -> dict[str, Any]:
    """Run something under the profiler, which follows every thread that calls PyTorch."""
    import torch
    from torch.profiler import ProfilerActivity, profile

    settings = torch._C._profiler._ExperimentalConfig(profile_all_threads=True)
    with profile(activities=[ProfilerActivity.CPU], experimental_config=settings) as profiler:
        started = time.perf_counter()
        work()
        seconds = time.perf_counter() - started
    kinds = dict.fromkeys(KINDS, 0.0)
    for event in profiler.key_averages():
        for kind, parts in KINDS.items():
            if any(part in event.key.lower() for part in parts):
                kinds[kind] += event.self_cpu_time_total / 1e6
                break
    return {"seconds": seconds, "core_seconds": lanes * seconds, "kinds": kinds}
