"""Studies: recipes, label counts and seeds, every combination, one table."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from pickle import PicklingError
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..files import replacing, require_folder
from ..networks import Network
from ..tasks import Task, load_task
from ..version import __version__
from ..wording import require_count, require_kind, unknown
from . import looks
from .described import described
from .evaluation import baseline, evaluate
from .intervals import Interval, mean_interval
from .progress import progress_bar, without_bars
from .recipes import Recipe

if TYPE_CHECKING:
    import pandas as pd

Run = Recipe | Callable[[Task, int], "Network | float"]


@dataclass(frozen=True, eq=False)
class Study:
    """Scores of several recipes, by number of labels and seed.

    Attributes
    ----------
    table : pandas.DataFrame
        One row a finished cell: ``recipe``, ``labels_per_class``, ``labels``, ``seed``,
        ``score`` on validation, ``seconds``.
    metric : str
        What the score is.
    constant_guess : float
        What the best constant answer gets.
    interrupted : bool
        Whether cells are missing.
    """

    table: pd.DataFrame
    metric: str
    constant_guess: float
    interrupted: bool = False

    def scores(
        self, recipe: str, labels_per_class: int | None = None, *, labels: int | None = None
    ) -> np.ndarray:
        """Give one score a seed, in the order of the seeds.

        Parameters
        ----------
        recipe : str
            One of the names that the study was given.
        labels_per_class, labels : int, optional
            Which label count, a class or in all; not needed where there is one.
        """
        return self._cells(recipe, labels_per_class, labels).score.to_numpy()

    def _cells(self, recipe: str, labels_per_class: int | None, labels: int | None) -> pd.DataFrame:
        rows = self.table[self.table.recipe == recipe]
        if rows.empty:
            raise ValueError(unknown("recipe in this study", recipe, self.table.recipe.unique()))
        if labels_per_class is not None:
            rows = rows[rows.labels_per_class == labels_per_class]
        if labels is not None:
            rows = rows[rows.labels == labels]
        if rows.empty or rows.labels.nunique() > 1:
            by_class = labels is None and self.table.labels_per_class.notna().any()
            counts = "labels_per_class" if by_class else "labels"
            known = sorted(self.table[counts].dropna().astype(int).unique().tolist())
            raise ValueError(
                f"{counts}={labels_per_class if by_class else labels!r} does not work: this study "
                f"has {known}; name one of them."
            )
        return rows.sort_values("seed")

    def difference(
        self,
        first: str,
        second: str,
        labels_per_class: int | None = None,
        *,
        labels: int | None = None,
    ) -> Interval:
        """Compare two recipes seed by seed.

        Parameters
        ----------
        first, second : str
            Names of recipes.
        labels_per_class, labels : int, optional
            Which label count, a class or in all; not needed where there is one.

        Returns
        -------
        Interval
            Of the mean of ``first - second``. If it holds 0, the two are not told apart.
        """
        pair = [self._cells(one, labels_per_class, labels) for one in (first, second)]
        if pair[0].seed.tolist() != pair[1].seed.tolist():
            raise ValueError(f"{first!r} and {second!r} were not both run with every seed.")
        return mean_interval(pair[0].score.to_numpy() - pair[1].score.to_numpy())

    def means(self) -> pd.DataFrame:
        """Give the mean score of each recipe (row) at each number of labels (column)."""
        return self.table.pivot_table("score", "recipe", "labels", sort=False)

    def __repr__(self) -> str:
        table = self.table
        size = f"{len(table)} cells: {table.recipe.nunique()} recipes, "
        size += f"{table.labels.nunique()} label counts, {table.seed.nunique()} seeds"
        return (
            f"<study of {size}{', interrupted' if self.interrupted else ''}>\n"
            f"mean {self.metric} by number of labels:\n{self.means().round(3).to_string()}\n"
            f"a constant guess gets {self.constant_guess:.3f}"
        )


def compare(
    recipes: Mapping[str, Run],
    task: str | Task,
    labels_per_class: Sequence[int] | None = None,
    seeds: Sequence[int] = range(5),
    *,
    labels: Sequence[int] | None = None,
    save_to: str | Path | None = None,
    workers: int = 1,
    progress: bool = True,
) -> Study:
    """Run every recipe at every number of labels with every seed, and score it on validation.

    A seed fixes which items are labelled and which validate, the order in training, and what is
    random in a network; recipes with equal seeds see the same items, so they can be compared
    seed by seed. What frozen stages give is computed once for all cells that share it.

    Parameters
    ----------
    recipes : mapping of str to Recipe or callable
        What to compare. A function gets the task and the seed, and gives a network, or a score
        of its own on ``task.validation``.
    task : str or Task
        A name for `load_task`, or a task; its labels are counted anew.
    labels_per_class : sequence of int, optional
        The numbers of labels to try; all labels by default.
    seeds : sequence of int
        At least two, for intervals.
    labels : sequence of int, optional
        The numbers of labels in all, for tasks without classes.
    save_to : str or pathlib.Path, optional
        Keep finished cells in this file, and take from it those that are known already.
    workers : int
        Processes that take cells in turn; each has its share of the cores. A small network keeps
        one core busy and no more, so that two processes get through more cells than one with two
        cores. Scores may differ by rounding: one core adds up in another order than two.
    progress : bool
        Show a progress bar when it takes longer than two seconds, for frozen parts too.

    Returns
    -------
    Study
        Whoever interrupts gets the cells that were finished.

    Raises
    ------
    TypeError
        If a recipe is none, or cannot be sent to another process.
    ValueError
        If there is no recipe or no seed, or a number of labels does not fit the task.

    Examples
    --------
    >>> import tl_teach as tl
    >>> frozen = tl.Recipe("letters-resnet", tl.Phase(True, epochs=10, lr=3e-2))
    >>> chance = tl.Recipe("letters-resnet", tl.Phase(True, epochs=10), weights="random")
    >>> study = tl.compare({"copied": frozen, "random": chance}, "printed-digits", [2], range(2))
    >>> study.difference("copied", "random").mean > 0.1
    True
    """
    import pandas as pd

    _check(recipes)
    require_count("workers", workers)
    seeds = _numbers("seeds", seeds, "range(5)")
    labels_per_class = _numbers("labels_per_class", labels_per_class, "[1, 5, 20]")
    labels = _numbers("labels", labels, "[100, 500]")
    if not seeds:
        raise ValueError("compare needs at least one seed; for intervals, two or more.")
    source = task if isinstance(task, Task) else load_task(task)
    finished = _Finished(save_to)
    what = {name: _what(name, recipe) for name, recipe in recipes.items()}
    budgets = [{"labels_per_class": count} for count in labels_per_class]
    budgets += [{"labels": count} for count in labels]
    rows, todo = [], {}
    counts: dict[str, int] = {}
    for budget, seed in itertools.product(budgets or [{}], seeds):
        part = source.with_labels(seed=seed, **budget)
        # Where groups stay together, all labels are not always as many: the first seed's count.
        count = counts.setdefault(str(budget), len(part.train))
        place = {"labels_per_class": budget.get("labels_per_class"), "labels": count}
        for name, recipe in recipes.items():
            key = _key(what[name], part, seed)
            rows.append((key, {"recipe": name, **place, "seed": seed}))
            if key not in finished:
                todo[key] = (recipe, part, seed)
    interrupted = False
    try:
        bars = nullcontext() if progress else without_bars()
        with bars, progress_bar(len(todo), "study", "cells") as bar:
            for key, cell in _run_all(todo, workers):
                finished[key] = cell
                bar.update()
    except KeyboardInterrupt:
        interrupted = True
        warnings.warn("The study was interrupted; it holds the finished cells.", stacklevel=2)
    table = [row | finished[key] for key, row in rows if key in finished]
    columns = ["recipe", "labels_per_class", "labels", "seed", "score", "seconds"]
    guess = baseline(source).score
    return Study(pd.DataFrame(table, columns=columns), source.metric, guess, interrupted)


def require_study(given: object) -> Study:
    """Refuse what is not a study, or holds no score, in one sentence."""
    study = require_kind(given, Study, "a study", "make one with tl.compare(recipes, task)")
    if study.table.empty:
        raise ValueError("The study holds no score; let it finish at least one training.")
    return study


def counted_by(study: Study) -> str:
    """Name the column by which all cells of a study can be told apart.

    Parameters
    ----------
    study : Study
        With numbers of labels per class, in all, or both.

    Returns
    -------
    str
        ``"labels_per_class"`` where each cell has such a number, otherwise ``"labels"``.
    """
    table = study.table
    in_all = "labels" in table and table.labels_per_class.isna().any()
    return "labels" if in_all else "labels_per_class"


Cell = tuple[Run, Task, int]


def _run_all(cells: Mapping[str, Cell], workers: int) -> Iterator[tuple[str, dict[str, float]]]:
    """Run cells, here or in processes of their own, and give each when it is done."""
    if workers == 1 or len(cells) < 2:
        yield from ((key, _run(*cell)) for key, cell in cells.items())
        return
    from joblib import Parallel, delayed, parallel_config

    cores = max(1, (os.cpu_count() or 1) // workers)
    with parallel_config("loky", n_jobs=workers, inner_max_num_threads=cores):
        jobs = (delayed(_run_apart)(key, *cell) for key, cell in cells.items())
        try:
            for key, cell, seen in Parallel(return_as="generator_unordered")(jobs):
                looks.add(seen)
                yield key, cell
        except PicklingError as reason:
            *_, why = str(reason.__cause__).strip('"\n').splitlines()
            raise TypeError(
                f"A recipe or the task cannot be sent to another process ({why}); "
                "leave workers out, or let the recipe make what it needs itself."
            ) from None


def _run_apart(key: str, *cell: Any) -> tuple[str, dict[str, float], looks.Log]:
    before = looks.log()
    with without_bars():  # several processes would write into one another's lines
        return key, _run(*cell), looks.log() - before


def _run(recipe: Run, task: Task, seed: int) -> dict[str, float]:
    started = time.perf_counter()
    if isinstance(recipe, Recipe):
        outcome, histories = recipe.train(task, seed)
        if histories[-1].interrupted:  # fit gives the history so far; a half-trained cell is none
            raise KeyboardInterrupt
    else:
        outcome = recipe(task, seed)  # type: ignore[assignment]
    score = evaluate(outcome, task.validation).score if isinstance(outcome, Network) else outcome
    try:
        return {"score": float(score), "seconds": time.perf_counter() - started}
    except (TypeError, ValueError):
        raise TypeError(
            f"A recipe gave {score!r}; expected a network, or a number: its score on "
            "task.validation, such as tl.evaluate(net, task.validation).score."
        ) from None


def _what(name: str, recipe: Run) -> str:
    """A recipe by what it does. Not all of a function is seen: its name tells it from others."""
    return described(recipe if isinstance(recipe, Recipe) else (name, recipe))


def _key(recipe: str, task: Task, seed: int) -> str:
    """What a cell's score depends on."""
    digest = hashlib.sha256(recipe.encode())
    for split in (task.train, task.validation):
        digest.update(split.fingerprint().encode())
    digest.update(f"{seed} {__version__} {torch.__version__}".encode())
    return digest.hexdigest()[:32]


class _Finished(dict):
    """Finished cells, kept in a file as well where one is named.

    Others may add to the same file meanwhile, so what it holds is read again before it is written.
    A cell that two write in the same instant may be lost; then it is computed again.
    """

    def __init__(self, path: str | Path | None):
        super().__init__()
        self._path = None if path is None else require_folder(path)
        if self._path is not None:
            self._read()

    def _read(self) -> None:
        if self._path is None or not self._path.exists():
            return
        try:
            self.update(json.loads(self._path.read_text(encoding="utf-8"))["cells"])
        except (ValueError, KeyError, TypeError):
            raise ValueError(
                f"{str(self._path)!r} holds no study; give another name, or remove it."
            ) from None

    def __setitem__(self, key: str, cell: dict[str, float]) -> None:
        super().__setitem__(key, cell)
        if self._path is not None:
            self._read()
            with replacing(self._path) as part:
                part.write_text(json.dumps({"cells": dict(self)}), encoding="utf-8")


def _numbers(name: str, given: object, example: str) -> list[Any]:
    """Several numbers, given as anything that can be counted through; none for None."""
    if given is None:
        return []
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ValueError(f"{name}={given!r} does not work: expected several, such as {example}.")
    return list(given)


def _check(recipes: object) -> None:
    if not isinstance(recipes, Mapping) or not recipes:
        raise ValueError(
            'compare needs recipes by name, such as {"frozen": tl.Recipe("letters-resnet", '
            f"tl.Phase(True))}}, but got {recipes!r}."
        )
    for name, recipe in recipes.items():
        if not isinstance(recipe, Recipe) and not callable(recipe):
            raise TypeError(
                f"The recipe {name!r} is {recipe!r}; expected a tl.Recipe, or a function of a task "
                "and a seed that gives a network or a score."
            )
