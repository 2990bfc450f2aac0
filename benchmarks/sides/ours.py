"""tl_teach, by its public functions."""

from __future__ import annotations

import time
from typing import Any

from ..cells import SIZE, STAGE, TRAIN, answer


def train(files: str, boundary: int, epochs: int, lr: float, seed: int) -> dict[str, Any]:
    # A name is imported when it is first used; the other sides import before their clock starts.
    import torchvision.transforms.v2  # noqa: F401

    import tl_teach as tl

    task = tl.load_task("solar-cells", labels=TRAIN)
    net = tl.replace_head(tl.load_network("mobilenet_v2", image_size=SIZE), task, seed=seed)
    if boundary:
        tl.freeze(net, through=STAGE[boundary])
    started = time.perf_counter()
    tl.fit(net, task, epochs=epochs, lr=lr, seed=seed, progress=False)
    seconds = time.perf_counter() - started
    return answer(seconds, tl.evaluate(net, task.validation).predictions.tolist(), files)
