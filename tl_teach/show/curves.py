"""Pictures of numbers: losses by epoch, scores with their spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..learning import History, mean_interval
from ..wording import require_kind
from .picture import ACCENT, INK, QUIET, Picture, blank, style


def show_history(history: History) -> Picture:
    """Draw what happened while a network learned.

    Parameters
    ----------
    history : History
        From `fit`.

    Returns
    -------
    Picture
        Loss by epoch, and the validation score if it was asked for; the best epoch is marked.

    Raises
    ------
    TypeError
        If it is no history.
    ValueError
        If it is empty.

    Examples
    --------
    >>> import tl_teach as tl
    >>> task = tl.load_task("printed-digits", labels_per_class=5)
    >>> net = tl.freeze(tl.replace_head(tl.load_network("letters-resnet"), task))
    >>> print(tl.show_history(tl.fit(net, task, epochs=2, lr=1e-2)).alt)
    Training loss over 2 epochs, from ... to ...
    """
    history = require_kind(
        history, History, "the history of a training", "give what tl.fit(net, task) returned"
    )
    if not history.epochs:
        raise ValueError("The history holds no epoch; fit the network first.")
    panels = 2 if history.validation_score else 1
    figure = blank(6.4, 2.6)
    axes = figure.subplots(1, panels, squeeze=False)[0]
    epochs = np.arange(1, history.epochs + 1)
    style(axes[0], xlabel="epoch", ylabel="loss")
    axes[0].plot(epochs, history.train_loss, color=ACCENT, marker="o", markersize=3, label="train")
    words = (
        f"Training loss over {history.epochs} epochs, from {history.train_loss[0]:.2f} "
        f"to {history.train_loss[-1]:.2f}"
    )
    if history.validation_score:
        line = {"color": INK, "linestyle": "--", "marker": "s", "markersize": 3}
        axes[0].plot(epochs, history.validation_loss, label="validation", **line)
        style(axes[1], xlabel="epoch", ylabel="validation score")
        axes[1].plot(epochs, history.validation_score, **line)
        for panel in axes:
            panel.axvline(history.best_epoch, color=QUIET, linestyle=":", linewidth=1.4)
        best = history.validation_score[history.best_epoch - 1]
        axes[1].set_title("dotted: best epoch", fontsize=10, color=QUIET, loc="right")
        words += (
            f"; validation loss is lowest at epoch {history.best_epoch}, "
            f"where the validation score is {best:.2f}"
        )
    axes[0].legend(frameon=False, fontsize=10, labelcolor=INK)
    for panel in axes:
        panel.xaxis.get_major_locator().set_params(integer=True)
    return Picture(figure, words + ".")


def show_scores(
    scores: Mapping[str, Sequence[float]],
    *,
    score: str = "accuracy",
    constant_guess: float | None = None,
) -> Picture:
    """Compare recipes over repetitions: a dot a seed, the mean, and its 95 % interval.

    Parameters
    ----------
    scores : mapping of str to sequence of float
        For each recipe one score a seed, at least two.
    score : str
        What was measured.
    constant_guess : float, optional
        What a constant answer would get, drawn as a line.

    Returns
    -------
    Picture
        One row a recipe.

    Raises
    ------
    TypeError
        If the scores are not given by recipe.
    ValueError
        If there is no recipe, or one has fewer than two scores.

    Examples
    --------
    >>> import tl_teach as tl
    >>> print(tl.show_scores({"frozen": [0.8, 0.9], "scratch": [0.2, 0.3]}).alt)
    Mean accuracy by recipe, with its 95 % interval: frozen 0.85 (0.21 to 1.49), scratch 0.25
    (-0.39 to 0.89).
    """
    if not isinstance(scores, Mapping):
        raise TypeError(
            f"Expected scores by recipe, but got {type(scores).__name__}; "
            'give a dictionary such as {"frozen": [0.8, 0.9]}.'
        )
    if not scores:
        raise ValueError("There are no scores to compare; give at least one recipe.")
    figure = blank(6.4, 0.55 * len(scores) + 0.8)
    axes = figure.add_subplot()
    style(axes, xlabel=score)
    words = []
    for row, (recipe, values) in enumerate(scores.items()):
        mean, low, high = mean_interval(values)
        words.append(f"{recipe} {mean:.2f} ({low:.2f} to {high:.2f})")
        axes.plot([low, high], [row, row], color=INK, linewidth=2, solid_capstyle="butt")
        axes.plot(mean, row, "D", color=INK, markersize=6)
        axes.plot(values, np.full(len(values), row), "o", color=ACCENT, alpha=0.55, markersize=5)
    axes.set_yticks(range(len(scores)), list(scores), fontsize=10.5, color=INK)
    axes.set_ylim(len(scores) - 0.4, -0.6)
    axes.tick_params(axis="y", colors=INK, length=0)
    text = f"Mean {score} by recipe, with its 95 % interval: {', '.join(words)}"
    if constant_guess is not None:
        axes.axvline(constant_guess, color=QUIET, linestyle=":", linewidth=1.6)
        note: dict[str, Any] = {"fontsize": 9, "color": QUIET, "ha": "center", "va": "bottom"}
        axes.text(constant_guess, -0.62, "constant guess", **note)
        text += f"; a constant guess gets {constant_guess:.2f}"
    return Picture(figure, text + ".")
