"""Keras 3 on PyTorch: `fit`, and the lighter way of its transfer-learning guide."""

from __future__ import annotations

import time
from typing import Any

from ..cells import BATCH, BODY, answer, halves, loader, predict


def train(
    files: str, boundary: int, epochs: int, lr: float, workers: int, seed: int
) -> dict[str, Any]:
    """Run the whole network each epoch; the frozen part with ``training=False``."""
    import keras
    import torch
    from keras.layers import TorchModuleWrapper

    torch.manual_seed(seed)
    frozen, learning = halves(boundary)

    class Transfer(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.base = TorchModuleWrapper(frozen.requires_grad_(False)) if boundary else None
            self.head = TorchModuleWrapper(learning)

        def call(self, pictures: Any, training: bool = False) -> Any:
            if self.base is not None:
                with torch.no_grad():
                    pictures = self.base(pictures, training=False)
            return self.head(pictures, training=training)

    model = Transfer()
    _compile(model, lr)
    started = time.perf_counter()
    model.fit(loader(files, "train", workers), epochs=epochs, verbose=0)
    seconds = time.perf_counter() - started
    net = torch.nn.Sequential(frozen, learning).eval()
    return answer(seconds, predict(net, files, workers), files)


def features_first(files: str, epochs: int, lr: float, workers: int, seed: int) -> dict[str, Any]:
    """Run the base once, keep what it gives, and train a small model on that."""
    import keras
    import torch
    from keras.layers import TorchModuleWrapper

    torch.manual_seed(seed)
    frozen, learning = halves(BODY)
    frozen.eval()
    model = keras.Sequential([TorchModuleWrapper(learning)])
    _compile(model, lr)
    started = time.perf_counter()
    with torch.no_grad():
        parts = [
            (frozen(pictures), labels)
            for pictures, labels in loader(files, "train", workers, shuffle=False)
        ]
    features, labels = (torch.cat(column).numpy() for column in zip(*parts, strict=True))
    model.fit(features, labels, batch_size=BATCH, epochs=epochs, verbose=0)
    seconds = time.perf_counter() - started
    net = torch.nn.Sequential(frozen, learning).eval()
    return answer(seconds, predict(net, files, workers), files)


def _compile(model: Any, lr: float) -> None:
    import keras

    model.compile(
        optimizer=keras.optimizers.AdamW(lr, weight_decay=0.0),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
