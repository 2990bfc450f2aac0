"""The truth at the end: finished networks sit a target's exam together, once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import torch

from ..networks import Network, fingerprint, require_network
from ..tasks import SealedError, Target, Task, TaskInfo
from ..wording import unknown
from .evaluation import METRICS, Evaluation, evaluate
from .exam import _taken
from .intervals import mean_interval
from .predicting import require_fit

Measure = Callable[[Evaluation], float]
Recipes: TypeAlias = Network | Mapping[str, Network | Sequence[Network]]


@dataclass(frozen=True, repr=False, eq=False)
class Revealed:
    """How finished networks do on a target, all of them side by side.

    Attributes
    ----------
    results : dict of str to list of Evaluation
        For each recipe one evaluation a network, in the order given.
    """

    results: dict[str, list[Evaluation]]

    @property
    def measures(self) -> tuple[str, ...]:
        """What `scores` can give, accuracy first."""
        return tuple(_measures(self._first.info))

    def scores(self, measure: str = "accuracy") -> dict[str, list[float]]:
        """Give one number a network.

        Parameters
        ----------
        measure : str
            One of `measures`: ``"accuracy"``, ``"balanced accuracy"`` (the mean of the shares
            that are found of each class) or, for two classes, ``"AUC"`` (how often an item of
            the positive class is ranked before one of the other).

        Returns
        -------
        dict of str to list of float
            By recipe, in the order of the networks.
        """
        known = _measures(self._first.info)
        if measure not in known:
            raise ValueError(unknown("measure", measure, known))
        of, _ = known[measure]
        return {name: [of(result) for result in row] for name, row in self.results.items()}

    @property
    def _first(self) -> Evaluation:
        return next(iter(self.results.values()))[0]

    def __getitem__(self, recipe: str) -> list[Evaluation]:
        return self.results[recipe]

    def __repr__(self) -> str:
        first, measures = self._first, _measures(self._first.info)
        lines = [["", *measures]]
        for name, row in self.results.items():
            lines.append([name, *(_words([of(one) for one in row]) for of, _ in measures.values())])
        guess = [f"{constant(first):.3f}" for _, constant in measures.values()]
        lines.append(["a constant guess", *guess])
        widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
        table = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        ]
        title = f"{first.info.name}: {len(first.targets):,} {first.role} items"
        return "\n".join([title, *table] + ([first.note] if first.note else []))


def reveal(nets: Recipes, target: Task, *, break_seal: bool = False) -> Revealed:
    """Open a target's sealed test for all networks that are compared, together and once.

    Without labels nothing in the target tells which recipe is best, so a comparison shows all of
    them at the end, whatever came out. Afterwards the labels count as seen: other networks
    are refused, and `adapt` says so.

    Parameters
    ----------
    nets : Network, or mapping of str to Network or sequence of Network
        Finished networks by recipe; of several networks in one recipe, one is for each seed.
    target : Target
        From `load_domains`.
    break_seal : bool
        Look once more with other networks all the same; the results say so.

    Returns
    -------
    Revealed
        A table of mean scores, with 95 % intervals over the networks of a recipe.

    Raises
    ------
    SealedError
        If other networks have sat this exam in this process.
    TypeError
        If `target` is an ordinary task, whose validation part is there to compare by.

    Examples
    --------
    >>> import tl_teach as tl
    >>> source, target = tl.load_domains("digits", source="printed", target="8x8")
    >>> net = tl.replace_head(tl.load_network("letters-resnet"), source)
    >>> adapted = tl.adapt(net, target.unlabelled, method="adabn").net
    >>> truth = tl.reveal({"as it was": net, "adapted": adapted}, target)
    >>> truth.measures, len(truth["adapted"])
    (('accuracy', 'balanced accuracy'), 1)
    """
    recipes = _recipes(nets)
    if not isinstance(target, Target):
        raise TypeError(
            f"reveal needs a target, but got {type(target).__name__}; where labels may be used, "
            "compare networks on task.validation, and sit tl.final_exam(net, task) with one."
        )
    test = target.test._open_for_exam()
    sat = _taken.setdefault(target.test._identity, {})
    everyone = [net for row in recipes.values() for net in row]
    for net in everyone:
        require_fit(net, test)
    if sat and not break_seal and any(candidate(net) not in sat for net in everyone):
        raise SealedError(
            f"The labels of {target.name!r} have been seen, and a network that was not there may "
            "have been chosen by them. To look all the same, say so: "
            "tl.reveal(nets, target, break_seal=True)."
        )
    note = "The seal was broken: this is not the first look at this test."
    note = note if sat or target.test.seal_broken else ""
    new = {candidate(net): net for net in everyone if candidate(net) not in sat}
    sat.update({key: replace(evaluate(net, test), note=note) for key, net in new.items()})
    return Revealed({name: [sat[candidate(net)] for net in row] for name, row in recipes.items()})


def candidate(net: Network) -> str:
    """Name a network for an exam: other weights or other inputs make another candidate.

    Parameters
    ----------
    net : Network
        The network.

    Returns
    -------
    str
        The same for the same network.
    """
    return f"{fingerprint(net)} {net.preprocess}"


def seen_by(info: TaskInfo) -> set[str]:
    """Give the candidates that have sat a task's exam in this process.

    Parameters
    ----------
    info : TaskInfo
        What the task is about.

    Returns
    -------
    set of str
        Empty as long as nobody has seen the labels.
    """
    everyone = (pair for sat in _taken.values() for pair in sat.items())
    return {candidate for candidate, result in everyone if result.info.name == info.name}


def _recipes(nets: Recipes) -> dict[str, list[Network]]:
    if not isinstance(nets, Mapping):
        net = require_network(nets)
        return {net.name: [net]}
    rows = {
        str(name): [row] if isinstance(row, Network) else [require_network(net) for net in row]
        for name, row in nets.items()
    }
    if not rows or not all(rows.values()):
        raise ValueError(
            "reveal needs at least one network in each recipe; "
            "give {'source only': net, 'adabn': adapted}."
        )
    return rows


def _measures(info: TaskInfo) -> dict[str, tuple[Measure, Measure]]:
    """How each number is had from an evaluation, and what a constant guess gets."""
    measures: dict[str, tuple[Measure, Measure]] = {
        METRICS[info.kind]: (lambda result: result.score, lambda result: result.constant_guess)
    }
    if info.kind == "classification":
        measures["balanced accuracy"] = _balanced, lambda result: 1 / len(result.targets.unique())
        if info.positive is not None and len(info.classes) == 2:
            measures["AUC"] = _auc, lambda result: 0.5
    return measures


def _balanced(result: Evaluation) -> float:
    right = (result.predictions == result.targets).double()
    found = [right[result.targets == label].mean() for label in result.targets.unique()]
    return float(torch.stack(found).mean())


def _auc(result: Evaluation) -> float:
    from sklearn.metrics import roc_auc_score

    positive = result.info.classes.index(str(result.info.positive))
    scores = result.outputs[:, positive] - result.outputs[:, 1 - positive]
    return float(roc_auc_score(result.targets == positive, scores))


def _words(values: list[float]) -> str:
    if len(values) == 1:
        return f"{values[0]:.3f}"
    mean, low, high = mean_interval(values)
    return f"{mean:.3f} ({low:.3f} to {high:.3f})"
