"""Features once, then scikit-learn: what people do who know that a frozen body stands still."""

from __future__ import annotations

import time
from typing import Any

from ..cells import BODY, answer, halves, loader


def train(files: str, workers: int, seed: int) -> dict[str, Any]:
    """Extract with a plain loop (channels_last, no gradients), then a logistic regression."""
    import torch
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    body, _ = halves(BODY)
    body.to(memory_format=torch.channels_last).eval()

    def features(split: str) -> tuple[Any, Any]:
        with torch.inference_mode():
            parts = [
                (body(pictures.to(memory_format=torch.channels_last)).mean((2, 3)), labels)
                for pictures, labels in loader(files, split, workers, shuffle=False)
            ]
        values, labels = (torch.cat(column).numpy() for column in zip(*parts, strict=True))
        return values, labels

    started = time.perf_counter()
    model = make_pipeline(
        StandardScaler(), LogisticRegression(C=0.01, max_iter=1000, random_state=seed)
    )
    model.fit(*features("train"))
    seconds = time.perf_counter() - started
    return answer(seconds, model.predict(features("validation")[0]).tolist(), files)
