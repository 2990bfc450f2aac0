"""Which recipe wins, with how many labels, and whether that is more than luck."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.patches import Rectangle

from ..learning import Study, mean_interval
from ..learning.studies import counted_by, require_study
from ..wording import unknown
from .curves import show_scores
from .matrix import matrix, short, write
from .palette import look
from .picture import INK, QUIET, Picture, blank, style
from .roles import ROLES

if TYPE_CHECKING:
    import pandas as pd

Scores = Mapping[int, float]  # by seed


class _Count(NamedTuple):
    """One number of labels, and what each recipe scored with it."""

    name: str
    x: float
    scores: dict[str, Scores]

    def mean(self, recipe: str) -> float:
        return float(np.mean(list(self.scores[recipe].values())))

    @property
    def best(self) -> str:
        return max(self.scores, key=self.mean)

    def lead(self, recipe: str) -> tuple[float, float, float]:
        """By how much the best beats this one, with its interval, over the seeds of both."""
        first, second = self.scores[self.best], self.scores[recipe]
        gains = [first[seed] - second[seed] for seed in first if seed in second]
        return mean_interval(gains) if len(gains) > 1 else (0.0, 0.0, 0.0)

    @property
    def tied(self) -> list[str]:
        """Recipes that the seeds do not tell apart from the best."""
        others = [recipe for recipe in self.scores if recipe != self.best]
        return [recipe for recipe in others if self.lead(recipe)[1] <= 0]


def show_study(study: Study, kind: str = "curves") -> Picture:
    """Draw how recipes score by number of labels.

    Parameters
    ----------
    study : Study
        From `compare`.
    kind : str
        ``"curves"``, or ``"heatmap"`` for the means as a table.

    Returns
    -------
    Picture
        Curves: the mean of each recipe, with the band of its 95 % interval over the seeds. Heat
        map: the best recipe for each number of labels in a frame, those that are not told apart
        from it in a dotted one.

    Raises
    ------
    TypeError
        If it is no study.
    ValueError
        If it holds no score, or there is no such kind of picture.

    Notes
    -----
    Two recipes are told apart if the 95 % interval of their difference, seed by seed, leaves out
    0: with the same seed they see the same labels, so that what luck they share drops out. The
    best of many recipes is a little too good by chance; new seeds would tell.

    Examples
    --------
    >>> import pandas as pd
    >>> import tl_teach as tl
    >>> from tl_teach.learning import Study
    >>> rows = [("frozen", 1, 0, 0.6), ("frozen", 1, 1, 0.7), ("frozen", 9, 0, 0.8),
    ...         ("frozen", 9, 1, 0.8), ("new", 1, 0, 0.2), ("new", 1, 1, 0.3), ("new", 9, 0, 0.7),
    ...         ("new", 9, 1, 0.9)]
    >>> table = pd.DataFrame(rows, columns=["recipe", "labels_per_class", "seed", "score"])
    >>> print(tl.show_study(Study(table, metric="accuracy", constant_guess=0.1)).alt)
    Mean accuracy of 2 recipes over 2 seeds. At 1 label per class frozen 0.65, ahead of new by
    0.40 (0.40 to 0.40); at 9 frozen 0.80, not told apart from new 0.80. A constant guess gets
    0.10.
    """
    counts, labels = _counts(study)
    recipes = list(dict.fromkeys(study.table.recipe))
    words = _words(study, counts, labels)
    if kind == "heatmap":
        return Picture(_table(counts, recipes, labels, study.metric), words)
    if kind != "curves":
        raise ValueError(unknown("kind of picture", kind, ["curves", "heatmap"]))
    if len(counts) == 1:  # no line can be drawn through one point
        scores = {name: list(cells.values()) for name, cells in counts[0].scores.items()}
        drawn = show_scores(scores, score=study.metric, constant_guess=study.constant_guess)
        return Picture(drawn.figure, words)
    return Picture(_curves(counts, recipes, labels, study), words)


def _counts(study: Study) -> tuple[list[_Count], str]:
    """The scores by number of labels, fewest first; and what is counted."""
    table, counted = require_study(study).table, counted_by(study)
    column = table[counted]
    known = sorted(int(value) for value in column.dropna().unique())
    counts = []
    for value in known:
        counts.append(_Count(f"{value:,}", value, _scores(table[column == value])))
    if column.isna().any():
        beyond = known[-1] * max(2.0, known[-1] / known[0]) ** 0.5 if known else 1.0
        counts.append(_Count("all", beyond, _scores(table[column.isna()])))
    return counts, counted.replace("_", " ")


def _scores(rows: pd.DataFrame) -> dict[str, Scores]:
    return {
        str(name): dict(zip(some.seed.tolist(), some.score.astype(float).tolist(), strict=True))
        for name, some in rows.groupby("recipe", sort=False)
    }


def _curves(counts: list[_Count], recipes: list[str], labels: str, study: Study) -> Any:
    figure = blank(6.4, 4.1 + 0.25 * (len(recipes) // 2))
    axes: Any = figure.add_subplot()
    style(axes, xlabel=labels, ylabel=study.metric)
    for recipe, line in zip(recipes, _lines(recipes), strict=True):
        here = [count for count in counts if recipe in count.scores]
        places = [count.x for count in here]
        means = [count.mean(recipe) for count in here]
        axes.plot(places, means, label=short(recipe, 30), linewidth=2, markersize=6, **line)
        ends = [_interval(count.scores[recipe]) for count in here]
        axes.fill_between(places, *zip(*ends, strict=True), color=line["color"], alpha=0.15, lw=0)
    guess = f"constant guess {study.constant_guess:.2f}"
    axes.axhline(study.constant_guess, color=QUIET, linestyle=":", linewidth=1.6, label=guess)
    axes.set_xscale("log")
    axes.minorticks_off()
    axes.set_xticks([count.x for count in counts], _ticks(counts))
    if study.table.score.max() <= 1:  # an interval may reach beyond what a score can be
        axes.set_ylim(top=min(axes.get_ylim()[1], 1.02))
    legend: dict[str, Any] = {
        "loc": "outside lower left",
        "ncols": 2,
        "fontsize": 10,
        "labelcolor": INK,
    }
    figure.legend(frameon=False, handlelength=3, **legend)
    return figure


def _interval(scores: Scores) -> tuple[float, float]:
    values = list(scores.values())
    low, high = mean_interval(values)[1:] if len(values) > 1 else (values[0], values[0])
    return low, high


def _ticks(counts: list[_Count]) -> list[str]:
    """The numbers of labels, without those that would stand too close to the one before."""
    reach = np.log(counts[-1].x / counts[0].x)
    texts, last = [], -np.inf
    for count in counts:
        place = np.log(count.x / counts[0].x) / reach
        texts.append(count.name if place - last >= 0.065 else "")
        last = place if texts[-1] else last
    return texts


def _lines(recipes: list[str]) -> list[dict[str, Any]]:
    """A colour, a marker and a line for each recipe; the roles' own for recipes named after one."""
    own = {
        "frozen": {"color": ROLES["frozen"].ink, "marker": "s", "linestyle": "--"},
        "fine-tuned": {"color": ROLES["fine-tuned"].ink, "marker": "o", "linestyle": "-"},
        "new": {"color": ROLES["new"].ink, "marker": "^", "linestyle": ":"},
        "random and frozen": {"color": QUIET, "marker": "X", "linestyle": "-."},
    }
    own["from scratch"] = own["new"]
    others = iter(look(place) for turn in range(99) for place in (4, 6, 9, 5, 8))
    styles = ("-", "--", "-.", ":")
    return [
        own.get(recipe)
        or dict(zip(("color", "marker"), next(others), strict=True))
        | {"linestyle": styles[number % len(styles)]}
        for number, recipe in enumerate(recipes)
    ]


def _table(counts: list[_Count], recipes: list[str], labels: str, metric: str) -> Any:
    values = np.array(
        [[c.mean(recipe) if recipe in c.scores else np.nan for c in counts] for recipe in recipes]
    )
    figure = blank(6.4, 0.45 * len(recipes) + 1.3)
    axes = figure.add_subplot()
    names = [count.name for count in counts]
    matrix(axes, values, recipes, names, xlabel=labels, ylabel="")
    title = f"mean {metric}; frame: best, dotted: not told apart from it"
    axes.set_title(title, fontsize=10, color=INK, loc="left")
    for column, count in enumerate(counts):
        for row, recipe in enumerate(recipes):
            if recipe in count.scores:
                first = recipe == count.best
                write(axes, row, column, f"{values[row, column]:.2f}", bold=first)
                if first or recipe in count.tied:
                    frame: dict[str, Any] = {"facecolor": "none", "edgecolor": INK, "linewidth": 2}
                    frame["linestyle"] = "-" if first else ":"
                    axes.add_patch(Rectangle((column - 0.46, row - 0.44), 0.92, 0.88, **frame))
    return figure


def _words(study: Study, counts: list[_Count], labels: str) -> str:
    seeds, recipes = study.table.seed.nunique(), study.table.recipe.nunique()
    verdicts = [f"at {count.name} {_verdict(count)}" for count in counts]
    unit = labels.replace("labels", "label") if counts[0].name == "1" else labels
    verdicts[0] = f"At {counts[0].name} {unit} {_verdict(counts[0])}"
    text = (
        f"Mean {study.metric} of {recipes} recipe{'s' * (recipes != 1)} over {seeds} "
        f"seed{'s' * (seeds != 1)}. {'; '.join(verdicts)}. "
        f"A constant guess gets {study.constant_guess:.2f}."
    )
    if study.interrupted:
        text += " The study was interrupted: some trainings are missing."
    return text


def _verdict(count: _Count) -> str:
    text = f"{count.best} {count.mean(count.best):.2f}"
    if count.tied:
        return f"{text}, not told apart from " + ", ".join(
            f"{recipe} {count.mean(recipe):.2f}" for recipe in count.tied
        )
    others = [recipe for recipe in count.scores if recipe != count.best]
    if not others:
        return text
    second = max(others, key=count.mean)
    mean, low, high = count.lead(second)
    return f"{text}, ahead of {second} by {mean:.2f} ({low:.2f} to {high:.2f})"
