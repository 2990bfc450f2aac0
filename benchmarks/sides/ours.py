"""tl_teach, by its public functions."""

from __future__ import annotations

import time
from typing import Any

from ..cells import SIZE, STAGE, answer, read_list


def train(files: str, boundary: int, epochs: int, lr: float, seed: int) -> dict[str, Any]:
    # A name is imported when it is first used; the other sides import before their clock starts.
    import torchvision.transforms.v2  # noqa: F401

    import tl_teach as tl

    train, validation = (read_list(files, split)[1] for split in ("train", "validation"))
    task = tl.load_task("solar-cells", labels=len(train))
    net = tl.replace_head(tl.load_network("mobilenet_v2", image_size=SIZE), task, seed=seed)
    if boundary:
        tl.freeze(net, through=STAGE[boundary])
    started = time.perf_counter()
    tl.fit(net, task, epochs=epochs, lr=lr, seed=seed, progress=False)
    seconds = time.perf_counter() - started
    predictions = tl.evaluate(net, task.validation).predictions.tolist()
    return answer(seconds, predictions[: len(validation)], files)
