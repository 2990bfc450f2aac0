"""Fastai: what `fine_tune` does before and after it unfreezes, for any boundary."""

from __future__ import annotations

import time
from typing import Any

from ..cells import BATCH, SIZE, answer, halves, read_list


def train(
    files: str, boundary: int, epochs: int, lr: float, workers: int, seed: int
) -> dict[str, Any]:
    """Train with the one-cycle policy and fastai's own Adam, as its documentation advises.

    `train_bn=False` and `BnFreeze` keep frozen BatchNorm layers frozen: by default fastai trains
    them, which costs a backward pass through everything. With nothing frozen, this is the second
    half of `fine_tune`. The head is ours, so that all sides train the same network.
    """
    import fastai.callback.schedule  # noqa: F401  (gives a Learner its fit_one_cycle)
    import torch
    from fastai.callback.core import Callback, CancelValidException
    from fastai.callback.training import BnFreeze
    from fastai.data.block import CategoryBlock, DataBlock
    from fastai.data.transforms import ColReader, IndexSplitter, Normalize
    from fastai.learner import Learner
    from fastai.torch_core import params
    from fastai.vision.augment import Resize, ResizeMethod
    from fastai.vision.core import imagenet_stats
    from fastai.vision.data import ImageBlock
    from pandas import DataFrame

    class NoValidation(Callback):
        def before_validate(self) -> None:
            raise CancelValidException

    torch.manual_seed(seed)
    rows = [read_list(files, split) for split in ("train", "validation")]
    table = DataFrame({"path": rows[0][0] + rows[1][0], "label": rows[0][1] + rows[1][1]})
    validation = list(range(len(rows[0][0]), len(table)))
    block = DataBlock(
        (ImageBlock, CategoryBlock(vocab=[0, 1])),
        get_x=ColReader("path"),
        get_y=ColReader("label"),
        splitter=IndexSplitter(validation),
        item_tfms=Resize(SIZE, method=ResizeMethod.Squish),
        batch_tfms=Normalize.from_stats(*imagenet_stats),
    )
    data = block.dataloaders(table, bs=BATCH, num_workers=workers)
    frozen, learning = halves(boundary)
    learner = Learner(
        data,
        torch.nn.Sequential(frozen, learning),
        splitter=(lambda net: [params(net[0]), params(net[1])]) if boundary else params,
        train_bn=False,
        cbs=[NoValidation(), BnFreeze()],
    )
    if boundary:
        learner.freeze()

    started = time.perf_counter()
    with learner.no_bar(), learner.no_logging():
        learner.fit_one_cycle(epochs, lr)
    seconds = time.perf_counter() - started
    learner.remove_cbs(learner.cbs.filter(lambda c: isinstance(c, NoValidation)))
    with learner.no_bar():
        outputs, _ = learner.get_preds()
    return answer(seconds, outputs.argmax(1).tolist(), files)
