"""The worst mistakes: where a network was sure and wrong."""

from __future__ import annotations

import torch
from matplotlib.figure import Figure

from ..learning import Evaluation, evaluate
from ..learning.calibration import confidences
from ..networks import Network
from ..tasks import Split, reads_texts
from ..wording import require_count
from .answers import in_words
from .examples import as_image
from .matrix import short
from .picture import INK, Picture, blank, credit, grid, tile
from .text_rows import text_rows

_COLUMNS = 4


def show_errors(net: Network, split: Split, count: int = 8) -> Picture:
    """Show the pictures, or texts, on which a network is most sure, and wrong.

    Look at them before you change anything: a wrong label, a cut-off picture and a class that
    even you could not tell ask for different remedies.

    Parameters
    ----------
    net : Network
        Left as it is.
    split : Split
        Usually ``task.validation``. A sealed test refuses.
    count : int
        At most how many.

    Returns
    -------
    Picture
        The mistakes with the highest confidence in a wrong answer, or of a regression the largest
        residuals, worst first; each with what is true, what the network said and how sure it was.

    Raises
    ------
    SealedError
        If the split is a sealed test, or has no labels.
    ValueError
        If the network does not fit the task, the split is empty, an answer is no number, or
        `count` is no count.

    Examples
    --------
    >>> import tl_teach as tl
    >>> task = tl.load_task("printed-letters")
    >>> print(tl.show_errors(tl.load_network("letters-resnet"), task.validation, count=2).alt)
    The 2 worst of ... mistakes that letters-resnet makes on 1,295 validation items of
    printed-letters: ...
    """
    require_count("count", count)
    evaluation = evaluate(net, split)
    evaluation.require_answers()
    severity = _severity(evaluation)
    order = severity.argsort(descending=True, stable=True)[: int((severity > 0).sum())]
    items = order[:count].tolist()
    about = f"{len(severity):,} {evaluation.role} items of {evaluation.info.name}"
    if not items:
        figure = blank(6.4, 0.6)
        figure.text(0.02, 0.5, f"no mistake on {about}", color=INK, fontsize=11, va="center")
        return Picture(figure, f"{net.name} makes no mistake on {about}.")
    labels, said = [], []
    for item in items:
        true, answer = (
            in_words(evaluation.info, values[item])
            for values in (evaluation.targets, evaluation.predictions)
        )
        lines, sure = [f"true: {short(true)}", f"said: {short(answer)}"], ""
        if evaluation.info.kind != "regression":
            lines.append(f"sure: {severity[item]:.2f}")
            sure = f" ({severity[item]:.2f})"
        labels.append("\n".join(lines))
        said.append(f"{true} taken for {answer}{sure}")
    alt = (
        f"The {len(items)} worst of {len(order):,} mistakes that {net.name} makes on {about}: "
        f"{', '.join(said)}."
    )
    if reads_texts(split):
        texts = [split.text(item) for item in items]
        return text_rows(labels, texts, split.info, alt)
    return Picture(_tiles(split, items, labels), alt)


def _tiles(split: Split, items: list[int], labels: list[str]) -> Figure:
    figure, tiles = grid(len(items), _COLUMNS, 0.6)
    for axes, item, label in zip(tiles, items, labels, strict=False):
        tile(axes, as_image(split.pixels(item)), label)
    credit(figure, split.info)
    return figure


def _severity(evaluation: Evaluation) -> torch.Tensor:
    """How bad each item's mistake is: its residual, or the confidence in it; 0 for none."""
    targets = evaluation.targets.reshape(evaluation.predictions.shape)
    if evaluation.info.kind == "regression":
        severity = (evaluation.predictions - targets).abs()
    else:
        severity = confidences(evaluation) * (evaluation.predictions != targets)
    return severity.reshape(len(targets), -1).amax(1)
