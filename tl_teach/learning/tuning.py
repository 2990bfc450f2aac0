"""Tuning: the settings that validation likes best, within a stated budget, by Optuna."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..files import require_folder
from ..networks import Network, load_network
from ..tasks import Task, require_task
from ..wording import is_number, need, require_count
from .described import described
from .evaluation import evaluate
from .recipes import Phase, Recipe

if TYPE_CHECKING:
    import optuna
    import pandas as pd

SEARCH: dict[str, Any] = {
    "lr": (1e-4, 1e-1),
    "batch_size": [8, 16, 32, 64],
    "weight_decay": (1e-6, 1e-1),
}
"""What is searched by default, besides the boundary: a pair is a range on a logarithmic scale, a
list holds choices."""


@dataclass(frozen=True, eq=False)
class Tuning:
    """What a search has tried.

    Attributes
    ----------
    table : pandas.DataFrame
        One row a trial: ``trial``, ``score`` on validation, ``seconds``, and the settings.
    recipes : list of Recipe
        The settings of each trial, ready to be repeated.
    metric : str
        What the score is.
    study : optuna.Study
        For Optuna's own analyses.
    """

    table: pd.DataFrame
    recipes: list[Recipe]
    metric: str
    study: optuna.Study

    @property
    def best(self) -> Recipe:
        """The recipe with the best score on validation; the first of equal ones."""
        return self.recipes[int(self.table.score.to_numpy().argmax())]

    @property
    def best_score(self) -> float:
        """Its score: too good to be true, since it was chosen for being the best of many."""
        return float(self.table.score.max())

    def __repr__(self) -> str:
        return (
            f"<tuning: {len(self.table)} trials, {self.table.seconds.sum():.0f} s; best "
            f"{self.metric} on validation {self.best_score:.3f} with {self.best.phases[0]}>"
        )


def tune(
    network: str | Network,
    task: Task,
    *,
    trials: int = 20,
    seconds: float | None = None,
    search: Mapping[str, Any] | None = None,
    weights: str = "pretrained",
    image_size: int | None = None,
    seed: int = 0,
    save_to: str | Path | None = None,
    **options: Any,
) -> Tuning:
    """Search learning rate, batch size, weight decay and boundary within a budget.

    Give a baseline the same budget: a rival that nobody tuned is easily beaten.

    Parameters
    ----------
    network : str or Network
        What to take over.
    task : Task
        Learns from ``task.train``, is scored on ``task.validation``.
    trials : int
        How many settings to try.
    seconds : float, optional
        Begin no further trial after this time.
    search : mapping of str to tuple or list, optional
        Options of `fit`, or ``"freeze"``, as in `Phase`: a pair of numbers is a range on a
        logarithmic scale (of whole numbers, if both are), a list holds choices. By default the
        learning rate, the batch size, weight decay and every boundary.
    weights : str
        ``"pretrained"`` or ``"random"``; for a network by name.
    image_size : int, optional
        See `load_network`; for a network by name.
    seed : int
        Fixes the search, and everything random in each trial.
    save_to : str or pathlib.Path, optional
        Keep trials in this file, and go on from those that it holds.
    **options
        As of `fit`, the same in every trial, such as ``epochs=10``.

    Returns
    -------
    Tuning
        ``.best`` is a recipe: train it anew, on this task or with other seeds.

    Raises
    ------
    TypeError
        If `task` is no task.
    ImportError
        If Optuna is not installed.
    ValueError
        If a range or a choice makes no sense, or the file holds another search.

    References
    ----------
    Akiba, Sano, Yanase, Ohta, Koyama (2019), "Optuna: a next-generation hyperparameter
    optimization framework", https://arxiv.org/abs/1907.10902

    Examples
    --------
    >>> import tl_teach as tl
    >>> task = tl.load_task("printed-digits", labels_per_class=2)
    >>> rates = {"lr": (1e-3, 1e-1)}
    >>> tuning = tl.tune("letters-resnet", task, trials=3, search=rates, freeze=True, epochs=3)
    >>> len(tuning.table), tuning.best.phases[0].freeze
    (3, True)
    """
    framework = _optuna()
    require_count("trials", trials)
    require_count("seed", seed, least=0)
    task = require_task(task)
    space = _space(network, search)

    def objective(trial: optuna.Trial) -> float:
        recipe = _recipe(_suggest(trial, space))
        net, histories = recipe.train(task, seed)
        if histories[-1].interrupted:
            raise KeyboardInterrupt
        return evaluate(net, task.validation).score

    def _recipe(settings: dict[str, Any]) -> Recipe:
        phase = Phase(**{**options, **settings})
        return Recipe(network, phase, weights=weights, image_size=image_size)

    _recipe({})  # refuses what cannot work before the first trial

    study = _opened(framework, save_to, described((network, task, space, weights, image_size,
                                                   seed, options)))  # fmt: skip
    finished = framework.trial.TrialState.COMPLETE
    known = study.get_trials(states=(finished,))
    study.sampler = _sampler(framework, seed, space, known)
    try:
        study.optimize(objective, n_trials=max(0, trials - len(known)), timeout=seconds)
    except KeyboardInterrupt:
        warnings.warn("The search was interrupted; it holds the finished trials.", stacklevel=2)
    done = study.get_trials(states=(finished,))
    if not done:
        raise ValueError(f"No trial was finished within seconds={seconds!r}; allow more time.")
    recipes = [_recipe(dict(one.params)) for one in done]
    return Tuning(_table(done), recipes, task.metric, study)


def _space(network: str | Network, search: Mapping[str, Any] | None) -> dict[str, Any]:
    if search is None:
        net = load_network(network, weights="random") if isinstance(network, str) else network
        return {**SEARCH, "freeze": [False, *net.stage_names[:-1]]}
    for name, given in search.items():
        pair = isinstance(given, tuple) and len(given) == 2 and all(map(is_number, given))
        choices = isinstance(given, Sequence) and not isinstance(given, str | tuple) and len(given)
        if not (pair and 0 < given[0] < given[1]) and not choices:
            raise ValueError(
                f"search[{name!r}]={given!r} does not work: expected a range (low, high) with "
                "0 < low < high, or a list of choices."
            )
    Phase(**dict.fromkeys(search, False))  # refuses what fit does not know
    return dict(search)


def _suggest(trial: optuna.Trial, space: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _suggested(trial, name, given) for name, given in space.items()}


def _suggested(trial: optuna.Trial, name: str, given: Any) -> Any:
    if not isinstance(given, tuple):
        return trial.suggest_categorical(name, list(given))
    whole = all(isinstance(end, int) for end in given)
    return (trial.suggest_int if whole else trial.suggest_float)(name, *given, log=True)


def _sampler(
    framework: Any, seed: int, space: Mapping[str, Any], known: list[optuna.trial.FrozenTrial]
) -> Any:
    """Give a sampler that has seen the known trials, as if it had not been interrupted."""
    sampler = framework.samplers.TPESampler(seed=seed)
    again = framework.create_study(direction="maximize", sampler=sampler)
    for one in known:
        trial = again.ask()
        _suggest(trial, space)
        again.tell(trial, one.value)
    return sampler


def _table(trials: list[optuna.trial.FrozenTrial]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        [
            {"trial": one.number, "score": one.value,
             "seconds": one.duration.total_seconds() if one.duration else 0.0, **one.params}
            for one in trials
        ]
    )  # fmt: skip


def _opened(framework: Any, path: str | Path | None, what: str) -> optuna.Study:
    """Begin a search, or open the one that the file holds if it is the same."""
    if path is None:
        return framework.create_study(direction="maximize")
    require_folder(path)
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    try:
        journal = JournalStorage(JournalFileBackend(str(path), JournalFileOpenLock(str(path))))
        study = framework.create_study(
            direction="maximize", storage=journal, study_name="tuning", load_if_exists=True
        )
    except OSError:
        raise
    except Exception:  # Optuna raises many kinds for a file that is not its own
        raise ValueError(
            f"{str(path)!r} holds no search; give another name, or remove it."
        ) from None
    digest = hashlib.sha256(what.encode()).hexdigest()
    if study.user_attrs.get("search", digest) != digest:
        raise ValueError(
            f"{str(path)!r} holds a search with another network, task, seed, range or option; "
            "give another name, or remove it."
        )
    study.set_user_attr("search", digest)
    return study


def _optuna() -> Any:
    optuna = need("optuna", "tuning", "tl.tune")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna
