"""Which stage of a network knows what: a linear probe behind each."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..discover import linear_probe
from ..learning import baseline, extract_features
from ..networks import Network, require_network
from ..tasks import Task, require_task
from .palette import look
from .picture import Picture, blank, style


def show_layers(net: Network, questions: Mapping[str, Task]) -> Picture:
    """Ask each stage of a network several questions, by a linear probe for each.

    Parameters
    ----------
    net : Network
        Left as it is.
    questions : mapping of str to Task
        What to ask, by name. The probe learns from the training part and is scored on validation.

    Returns
    -------
    Picture
        One line a question: the probe's score by stage, with what a constant guess gets (dotted).
        ``.scores`` holds the numbers by question, one a stage.

    Raises
    ------
    TypeError
        If `net` is no network, or a question no task.
    ValueError
        If there is no question with a name.

    Notes
    -----
    Tokens, or the places of a feature map, are averaged first. A probe says that something can be
    read off, not that the network uses it.

    References
    ----------
    Alain, Bengio (2017), "Understanding intermediate layers using linear classifier probes",
    https://arxiv.org/abs/1610.01644

    Jawahar, Sagot, Seddah (2019), "What does BERT learn about the structure of language?",
    https://doi.org/10.18653/v1/P19-1356

    Examples
    --------
    >>> import tl_teach as tl
    >>> task = tl.load_task("printed-digits", labels_per_class=5)
    >>> print(tl.show_layers(tl.load_network("letters-resnet"), {"which digit": task}).alt)
    Score of a linear probe behind each stage of letters-resnet. which digit: stem ..., block1 ...,
    block2 ..., block3 ...; a constant guess gets 0.10.
    """
    net = require_network(net)
    if not isinstance(questions, Mapping) or not questions:
        raise ValueError(
            f"There is no question with a name in this {type(questions).__name__}; give tasks by "
            "name, such as {'sentiment': task}."
        )
    stages = net.stage_names[:-1]
    scores = {name: _scores(net, task, stages) for name, task in questions.items()}
    figure = blank(6.4, 3.6)
    axes = figure.add_subplot()
    style(axes, xlabel="stage", ylabel="score of a linear probe")
    places, words = np.arange(len(stages)), []
    for number, (name, values) in enumerate(scores.items()):
        guess = baseline(questions[name]).score
        colour, marker = look(number)
        axes.plot(places, values, marker=marker, color=colour, label=name)
        axes.axhline(guess, color=colour, linestyle=":", linewidth=1.4)
        listed = ", ".join(
            f"{stage} {value:.2f}" for stage, value in zip(stages, values, strict=True)
        )
        words.append(f"{name}: {listed}; a constant guess gets {guess:.2f}")
    axes.set_xticks(places, stages, rotation=20 if len(stages) > 5 else 0)
    axes.legend(frameon=False, fontsize=10)
    axes.set_title("dotted: a constant guess", fontsize=10, loc="right")
    title = f"Score of a linear probe behind each stage of {net.name}."
    return Picture(figure, f"{title} {'. '.join(words)}.", scores)


def _scores(net: Network, task: Task, stages: tuple[str, ...]) -> list[float]:
    task = require_task(task)
    parts = (task.train, task.validation)
    return [
        linear_probe(*(extract_features(net, part, stage) for part in parts)) for stage in stages
    ]
