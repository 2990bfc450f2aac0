"""Extraction alone: how many pictures a second pass MobileNetV2's body, and what would be possible.

All sides are handed the same 8-bit grey pictures in memory, normalise them, run the body in
float32 and average over positions. Before the turns, each side that has a batch size tries a few,
and keeps its best.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from . import limit
from .cells import BODY, SIZE, halves, read_list
from .harness import Plan, Run, Side, from_json, pairwise, run_once, spread, take_turns
from .report import Target, quantity, table, times

TITLE = "Extraction alone"
OURS = "tl_teach"
WARM = 32  # pictures that belong to the start-up
NEAR_LIMIT = ("ONNX Runtime", "OpenVINO", "torch.compile")


def measure(plan: Plan) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        pictures = str(_pictures(Path(folder), plan.quick))

        def side(name: str, needs: tuple[str, ...] = (), **options: Any) -> Side:
            function = f"benchmarks.extraction:{options.pop('function')}"
            return Side(name, function, {"pictures": pictures, **options}, needs)

        sides = [
            side(OURS, function="ours"),
            side("PyTorch, as loaded", function="eager", batch=32, channels_last=False),
            side("PyTorch, channels_last", function="eager", batch=32, channels_last=True),
            side("torch.compile", function="compiled", batch=32),
            side("ONNX Runtime", ("onnx", "onnxscript", "onnxruntime"), function="onnx", batch=32),
            side("OpenVINO", ("openvino",), function="openvino", batch=32),
            Side(limit.NAME, limit.FUNCTION),
        ]
        if not plan.quick:
            sides = [_best_batch(side, plan) for side in sides]
        measured = take_turns(sides, plan)
    ran = {side.name: side.options.get("batch") for side in sides if side.name in measured["runs"]}
    return measured | {"batches": ran | plan.before.get("batches", {}), "macs": multiply_adds()}


def report(data: dict[str, Any]) -> str:
    runs = from_json(data["runs"])
    product = runs.pop(limit.NAME, [])
    most = spread([run.result["macs_per_second"] for run in product])[0] if product else None
    reference = np.array(runs["PyTorch, as loaded"][0].result["features"])
    rows = []
    for name, done in runs.items():
        images = done[0].result["images"]
        rate = [images / seconds for seconds in quantity(runs, name, "seconds")]
        everything = [
            (images + WARM) / (run.result["startup"] + run.result["seconds"]) for run in done
        ]
        features = np.array(done[0].result["features"])
        error = np.abs(features - reference).max() / np.abs(reference).max()
        middle = spread(rate)[0]
        rows.append(
            [
                name,
                str(data["batches"][name] or "its own"),
                times(rate),
                times(quantity(runs, name, "startup")),
                times(everything),
                f"{max(quantity(runs, name, 'peak_mb')):,.0f}",
                f"{error:.0e}",
                f"{middle * data['macs'] / most:.0%}" if most else "-",
            ]
        )
    head = ["side", "batch", "images/s", "start-up, s", "images/s with start-up", "peak MB"]
    present = [name for name in NEAR_LIMIT if name in runs]
    parts = [
        f"The body of MobileNetV2 at {SIZE} pixels, float32, pictures in memory: "
        f"{data['macs'] / 1e6:,.0f} million multiply-adds a picture. *Start-up* is everything "
        f"before the first {WARM} pictures are done: loading weights, exporting, compiling. "
        "*Error* is the largest difference to plain PyTorch, in parts of the largest feature, "
        "among a tenth of the features of eight pictures.",
        table([*head, "error", "of the limit"], rows),
    ]
    if most:
        parts.append(
            f"The limit: a product of two large float32 matrices reaches {most / 1e9:.0f} "
            "thousand million multiply-adds a second on the same cores."
        )
    if present:
        best = min(present, key=lambda name: spread(quantity(runs, name, "seconds"))[0])
        fair = min(present, key=lambda name: spread([_total(run) for run in runs[name]])[0])
        mine = {run.turn: _total(run) for run in runs[OURS]}
        with_start = [_total(run) / mine[run.turn] for run in runs[fair] if run.turn in mine]
        parts.append(
            "\n".join(
                [
                    Target(f"Against the best of the engines ({best})", 0.9).judge(
                        pairwise(runs, best, OURS, "seconds")
                    ),
                    Target(f"The same, start-up included ({fair})", 0.9).judge(with_start),
                ]
            )
        )
    return "\n\n".join(parts)


def _total(run: Run) -> float:
    return float(run.result["startup"] + run.result["seconds"])


def _pictures(folder: Path, quick: bool) -> Path:
    """Decode and resize all cells once, since here only the network is measured."""
    from PIL import Image

    from .cells import export

    files = str(export(folder, 64, 32) if quick else export(folder))
    paths = [path for split in ("train", "validation") for path in read_list(files, split)[0]]
    arrays = [np.asarray(Image.open(path).convert("L").resize((SIZE, SIZE))) for path in paths]
    np.save(folder / "pictures.npy", np.stack(arrays))
    return folder / "pictures.npy"


def _best_batch(side: Side, plan: Plan) -> Side:
    """Let a side try a few batch sizes, once."""
    here = not plan.only or side.name in plan.only
    if "batch" not in side.options or side.missing or not here:
        return side
    best = plan.before.get("batches", {}).get(side.name)
    if best is None:
        seconds = {}
        for batch in (1, 8, 32):
            trial = replace(side, options=side.options | {"batch": batch})
            seconds[batch] = run_once(trial).result["seconds"]
        best = min(seconds, key=lambda batch: seconds[batch])
        plan.tell(f"  {side.name}: its best batch size is {best}")
    return replace(side, options=side.options | {"batch": best})


def multiply_adds() -> int:
    """Count the multiplications in the convolutions of the body, for one picture."""
    import torch

    body = halves(BODY)[0].eval()
    with torch.no_grad():
        return sum(limit.multiply_adds(body, lambda: body(torch.zeros(1, 3, SIZE, SIZE))))


# --- The sides ---


def _measure(
    pictures: str, batch: int, build: Callable[[], Callable[[np.ndarray], np.ndarray]]
) -> dict[str, Any]:
    """Time `build` with the first few pictures, and then all others."""
    stock = np.load(pictures)
    warm, stock = stock[:WARM], stock[WARM:]
    stock = stock[: len(stock) // batch * batch]
    started = time.perf_counter()
    run = build()
    features = np.concatenate([run(_floats(part)) for part in np.split(warm, WARM // batch)])
    ready = time.perf_counter()
    for part in np.split(stock, len(stock) // batch):
        run(_floats(part))
    done = time.perf_counter()
    return {
        "startup": ready - started,
        "seconds": done - ready,
        "images": len(stock),
        "features": _some(features),
    }


def _some(features: np.ndarray) -> list[list[float]]:
    """Every tenth feature of a few pictures: enough to tell how far two sides are apart."""
    return features[:8, ::10].round(6).tolist()


def _floats(grey: np.ndarray) -> np.ndarray:
    """Scale and normalise, (N, H, W) in 8 bits to (N, 3, H, W)."""
    mean = np.array([0.485, 0.456, 0.406], np.float32) * 255
    std = np.array([0.229, 0.224, 0.225], np.float32) * 255
    out = np.empty((len(grey), 3, *grey.shape[1:]), np.float32)
    for channel in range(3):
        np.subtract(grey, mean[channel], out=out[:, channel])
        out[:, channel] *= 1 / std[channel]
    return out


def _body() -> Any:
    """Give the body with its average over positions, ready to be used."""
    from torch import nn

    body, _ = halves(BODY)
    return nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()


def ours(pictures: str) -> dict[str, Any]:
    import tl_teach as tl
    from tl_teach.tasks import ArrayImages, Split

    stock = np.load(pictures)
    info = tl.load_task("solar-cells", labels=1).info
    started = time.perf_counter()
    net = tl.load_network("mobilenet_v2", image_size=SIZE)
    images = ArrayImages(stock)

    def part(first: int, last: int) -> Split:
        return Split(images, np.arange(first, last), None, info, "unlabelled", net.preprocess)

    features = tl.extract_features(net, part(0, WARM)).values
    ready = time.perf_counter()
    tl.extract_features(net, part(WARM, len(stock)))
    return {
        "startup": ready - started,
        "seconds": time.perf_counter() - ready,
        "images": len(stock) - WARM,
        "features": _some(features),
    }


def eager(pictures: str, batch: int, channels_last: bool) -> dict[str, Any]:
    import torch

    layout = torch.channels_last if channels_last else torch.contiguous_format

    def build() -> Callable[[np.ndarray], np.ndarray]:
        body = _body().to(memory_format=layout)

        def run(floats: np.ndarray) -> np.ndarray:
            with torch.inference_mode():
                return body(torch.from_numpy(floats).contiguous(memory_format=layout)).numpy()

        return run

    return _measure(pictures, batch, build)


def compiled(pictures: str, batch: int) -> dict[str, Any]:
    """Compile with the weights frozen into the program, as advised for inference on a CPU."""
    import torch
    import torch._inductor.config as settings

    settings.freezing = True

    def build() -> Callable[[np.ndarray], np.ndarray]:
        body = torch.compile(_body().to(memory_format=torch.channels_last))

        def run(floats: np.ndarray) -> np.ndarray:
            inputs = torch.from_numpy(floats).contiguous(memory_format=torch.channels_last)
            with torch.no_grad():
                return body(inputs).numpy()

        return run

    # Nothing compiled by an earlier run may be found: compiling is this side's start-up.
    with tempfile.TemporaryDirectory() as folder:
        import os

        os.environ["TORCHINDUCTOR_CACHE_DIR"] = folder
        return _measure(pictures, batch, build)


def onnx(pictures: str, batch: int) -> dict[str, Any]:
    import onnxruntime

    def build() -> Callable[[np.ndarray], np.ndarray]:
        with tempfile.TemporaryDirectory() as folder:
            session = onnxruntime.InferenceSession(_export(Path(folder), batch))
        name = session.get_inputs()[0].name
        return lambda floats: session.run(None, {name: floats})[0]

    return _measure(pictures, batch, build)


def openvino(pictures: str, batch: int) -> dict[str, Any]:
    """Convert without a file, and keep several requests in flight, as advised for throughput.

    By default OpenVINO computes in bfloat16 where the processor can, which is faster and rounds
    at three digits; float32 is what all others compute in.
    """
    import openvino
    import torch

    def build() -> Callable[[np.ndarray], np.ndarray]:
        body = _body()
        model = openvino.convert_model(
            body, input=[batch, 3, SIZE, SIZE], example_input=torch.zeros(batch, 3, SIZE, SIZE)
        )
        settings = {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": "f32"}
        ready = openvino.compile_model(model, "CPU", settings)
        queue = openvino.AsyncInferQueue(ready)
        finished: dict[int, np.ndarray] = {}
        queue.set_callback(
            lambda request, place: finished.__setitem__(
                place, request.get_output_tensor().data.copy()
            )
        )
        turn = 0

        def run(floats: np.ndarray) -> np.ndarray:
            nonlocal turn
            if floats.shape[0] != batch:
                raise ValueError("OpenVINO was compiled for another batch size")
            queue.start_async([floats], userdata=turn)
            turn += 1
            if turn * batch <= WARM or turn * batch + batch > total:
                queue.wait_all()
                return finished[turn - 1]
            return np.empty(0)

        return run

    stock = len(np.load(pictures)) - WARM
    total = WARM + stock // batch * batch
    return _measure(pictures, batch, build)


def _export(folder: Path, batch: int) -> str:
    import torch

    file = str(folder / "body.onnx")
    torch.onnx.export(
        _body(), (torch.zeros(batch, 3, SIZE, SIZE),), file, dynamo=True, verbose=False
    )
    return file
