"""Targets and answers in words, whatever the kind of task."""

from __future__ import annotations

import torch

from ..tasks import TaskInfo


def in_words(info: TaskInfo, value: torch.Tensor) -> str:
    """Name a target, or an answer of the same form.

    Parameters
    ----------
    info : TaskInfo
        What the task is about.
    value : torch.Tensor
        A class number, one 0 or 1 a class, or a value of a regression.

    Returns
    -------
    str
        The class, the classes that hold joined by ``+``, or the value with its unit.
    """
    if info.kind == "regression":
        return (
            f"{', '.join(f'{one:.3g}' for one in value.reshape(-1).tolist())} {info.unit}".strip()
        )
    if info.kind == "multilabel":
        held = [name for name, holds in zip(info.classes, value, strict=True) if holds]
        return "+".join(held) or "none"
    return info.classes[int(value)]


def answer_in_words(info: TaskInfo, output: torch.Tensor) -> str:
    """Name what a network answers, with its confidence where it has one.

    Parameters
    ----------
    info : TaskInfo
        What the task is about.
    output : torch.Tensor
        The network's outputs for one item, shape (outputs,).

    Returns
    -------
    str
        Such as ``"sound (0.98)"``.
    """
    if info.kind == "regression":
        return in_words(info, output)
    if info.kind == "multilabel":
        return in_words(info, output > 0)
    return f"{in_words(info, output.argmax())} ({output.softmax(0).max():.2f})"
