"""The truth at the end: finished networks sit a target's exam together, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from ..networks import Network, require_network
from ..tasks import SealedError, Target, Task
from ..wording import in_columns, unknown
from . import measures
from .evaluation import Evaluation, evaluate
from .exam import _taken, candidate
from .intervals import mean_interval
from .predicting import require_fit

Networks: TypeAlias = Network | Mapping[str, Network | Sequence[Network]]


@dataclass(frozen=True, repr=False, eq=False)
class Revealed:
    """How finished networks do on a target, all of them side by side.

    Attributes
    ----------
    results : dict of str to list of Evaluation
        For each method one evaluation a network, in the order given.
    """

    results: dict[str, list[Evaluation]]

    @property
    def measures(self) -> tuple[str, ...]:
        """What `scores` can give, the usual score first."""
        return tuple(self._guesses)

    @property
    def _guesses(self) -> dict[str, float]:
        """What a constant guess gets, by measure."""
        first = self._first
        found = {first.info.metric: first.constant_guess}
        if first.info.kind == "classification":
            found["balanced accuracy"] = 1 / len(first.targets.unique())
            if first.info.positive is not None and len(first.info.classes) == 2:
                found["AUC"] = 0.5
        return found

    def scores(self, measure: str | None = None) -> dict[str, list[float]]:
        """Give one number a network.

        Parameters
        ----------
        measure : str, optional
            One of `measures`, the first by default: ``"accuracy"`` (``"R2"`` for regression),
            ``"balanced accuracy"`` (the mean of the shares that are found of each class) or, for
            two classes, ``"AUC"`` (how often an item of the positive class is ranked before one
            of the other).

        Returns
        -------
        dict of str to list of float
            By method, in the order of the networks.
        """
        usual, *others = self.measures
        if measure not in (None, usual, *others):
            raise ValueError(unknown("measure", measure, self.measures))

        def of(result: Evaluation) -> float:
            return measures.point(result, measure) if measure in others else result.score

        return {name: [of(result) for result in row] for name, row in self.results.items()}

    @property
    def _first(self) -> Evaluation:
        return next(iter(self.results.values()))[0]

    def __getitem__(self, method: str) -> list[Evaluation]:
        return self.results[method]

    def __repr__(self) -> str:
        first, columns = self._first, [self.scores(measure) for measure in self.measures]
        rows = [["", *self.measures]]
        rows += [[name, *(_words(column[name]) for column in columns)] for name in self.results]
        rows.append(["a constant guess", *(f"{guess:.3f}" for guess in self._guesses.values())])
        title = f"{first.info.name}: {len(first.targets):,} {first.role} items"
        return "\n".join([title, in_columns(rows), *filter(None, [first.note])])


def reveal(nets: Networks, target: Task, *, break_seal: bool = False) -> Revealed:
    """Open a target's sealed test for all networks that are compared, together and once.

    Without labels nothing in the target tells which method is best, so a comparison shows all of
    them at the end, whatever came out. Afterwards the labels count as seen: other networks
    are refused, and `adapt` says so.

    Parameters
    ----------
    nets : Network, or mapping of str to Network or sequence of Network
        Finished networks by method; of several networks of one method, one is for each seed.
    target : Target
        From `load_domains`.
    break_seal : bool
        Look once more with other networks all the same; the results say so.

    Returns
    -------
    Revealed
        A table of mean scores, with 95 % intervals over the networks of a method.

    Raises
    ------
    SealedError
        If other networks have sat this exam in this process.
    TypeError
        If `target` is an ordinary task, whose validation part is there to compare by, or a
        network is none.
    ValueError
        If there is no network of a method, or its head does not fit the target.

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
    rows = {name: [(candidate(net), net) for net in row] for name, row in _by_method(nets).items()}
    if not isinstance(target, Target):
        raise TypeError(
            f"reveal needs a target, but got {type(target).__name__}; where labels may be used, "
            "compare networks on task.validation, and sit tl.final_exam(net, task) with one."
        )
    test = target.test._open_for_exam()
    sat = _taken.setdefault(target.test._identity, {})
    everyone = {key: net for row in rows.values() for key, net in row}
    for net in everyone.values():
        require_fit(net, test)
    new = {key: net for key, net in everyone.items() if key not in sat}
    if sat and new and not break_seal:
        raise SealedError(
            f"The labels of {target.name!r} have been seen, and a network that was not there may "
            "have been chosen by them. To look all the same, say so: "
            "tl.reveal(nets, target, break_seal=True)."
        )
    note = "The seal was broken: this is not the first look at this test."
    note = note if sat or target.test.seal_broken else ""
    sat.update({key: replace(evaluate(net, test), note=note) for key, net in new.items()})
    return Revealed({name: [sat[key] for key, _ in row] for name, row in rows.items()})


def _by_method(nets: Networks) -> dict[str, list[Network]]:
    if not isinstance(nets, Mapping):
        net = require_network(nets)
        return {net.name: [net]}
    rows = {
        str(name): [row] if isinstance(row, Network) else [require_network(net) for net in row]
        for name, row in nets.items()
    }
    if not rows or not all(rows.values()):
        raise ValueError(
            "reveal needs at least one network of each method; "
            "give {'source only': net, 'adabn': adapted}."
        )
    return rows


def _words(values: list[float]) -> str:
    if len(values) == 1:
        return f"{values[0]:.3f}"
    mean, low, high = mean_interval(values)
    return f"{mean:.3f} ({low:.3f} to {high:.3f})"
