"""The two switches and the curves: start, boundary, number of labels, seed."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from ..learning import mean_interval
from ..learning.studies import Study, counted_by, require_study
from .frame import Control, Explorer, View
from .parts import Chart, Point, share, svg

_CHART = Chart()


@cache
def shipped_study() -> Study:
    """Give the study of handwritten digits that comes with the library.

    Returns
    -------
    Study
        letters-resnet, copied and random, with five freeze boundaries; 1, 5, 20 and 50 labels per
        class; five seeds. ``book/_tools/explorer_study.py`` makes it.
    """
    import pandas as pd

    text = (files("tl_teach.explore") / "studies" / "digits.json").read_text(encoding="utf-8")
    kept = json.loads(text)
    columns = ["recipe", "labels_per_class", "labels", "seed", "score"]
    table = pd.DataFrame(kept["rows"], columns=columns)
    return Study(table.assign(seconds=np.nan), kept["metric"], kept["constant_guess"])


def boundary_scores(study: Study, stage: str | None) -> dict[int, float]:
    """Give the mean score with a copied start, by labels per class, for one boundary.

    Parameters
    ----------
    study : Study
        Whose recipes are named after the last frozen stage, or ``"none"``.
    stage : str or None
        The last frozen stage.
    """
    names = [stage, f"copied, frozen through {stage}"] if stage else ["none", _NOTHING]
    rows = study.table[study.table.recipe.isin(names)]
    means = rows.groupby("labels_per_class").score.mean()
    return {int(count): float(value) for count, value in means.items()}


_NOTHING = "copied, nothing frozen"


def explore_study(study: Study | None = None) -> Explorer:
    """Look at one recipe of a study, at one number of labels, over all seeds or with one.

    Parameters
    ----------
    study : Study, optional
        From `compare`. By default the study of handwritten digits that comes with the library:
        copied or random, and frozen through which stage.

    Returns
    -------
    Explorer
        All recipes as thin lines, the chosen one as a thick line with its 95 % interval, and
        the finding in words.

    Raises
    ------
    TypeError
        If it is no study.
    ValueError
        If it holds no score.

    Examples
    --------
    >>> import tl_teach as tl
    >>> tl.explore_study().view(0, 0, 1, 0).words
    'copied, frozen through block3: accuracy 79% with 5 labels per class ...'
    """
    study = shipped_study() if study is None else require_study(study)
    table, counts = study.table, counted_by(study)
    recipes = list(dict.fromkeys(table.recipe))
    amounts = sorted(int(count) for count in table[counts].dropna().unique())
    seeds = sorted(int(seed) for seed in table.seed.unique())
    unit = counts.replace("_", " ")
    means = table.pivot_table("score", "recipe", counts, sort=False)
    lines = "".join(_CHART.line(_points(means.loc[r], amounts), "thin") for r in recipes)
    guess = _CHART.line([(0, study.constant_guess), (1, study.constant_guess)], "grid")
    ticks = {_across(count, amounts): str(count) for count in amounts}
    background = _CHART.axes(ticks, unit) + guess + lines
    name = f"lines-{zlib.crc32(background.encode()):x}"
    common = (
        f'<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs>'
        f'<g id="{name}" class="lines">{background}</g></defs></svg>'
    )
    switches, chosen = _switches(recipes)

    def draw(*setting: int) -> View:
        *which, count, seed = setting
        recipe, amount = chosen(which), amounts[count]
        rows = table[table.recipe == recipe]
        line = rows if seed == 0 else rows[rows.seed == seeds[seed - 1]]
        values = line.groupby(counts).score.mean()
        if amount not in values:
            words = f"{recipe} was not run with {_counted(amount, unit)} and this seed."
            return View(svg(f'<use href="#{name}"/>', words), words)
        scores = rows[rows[counts] == amount].sort_values("seed").score.to_numpy()
        finding = f"{recipe}: {study.metric} {share(values[amount])} with {_counted(amount, unit)}"
        x = _across(amount, amounts)
        band = ""
        if seed == 0 and len(scores) > 1:
            interval = mean_interval(scores)
            ends = [(x, max(0, interval.low)), (x, min(1, interval.high))]
            band = _CHART.line(ends, f"bold c-{_look(recipe)}")
            finding += f" ({share(interval.low)} to {share(interval.high)})"
        finding += f". A constant guess gets {share(study.constant_guess)}."
        look = _look(recipe)
        drawing = f'<use href="#{name}"/>' + _CHART.line(_points(values, amounts), f"bold c-{look}")
        drawing += band + _CHART.mark((x, float(values[amount])), f"f-{look}")
        return View(svg(drawing, finding), finding)

    controls = [
        *switches,
        Control(unit, tuple(map(str, amounts)), min(1, len(amounts) - 1)),
        Control("seed", ("mean of all", *map(str, seeds)), slides=False),
    ]
    return Explorer("the curves of a study", controls, draw, common)


def _counted(amount: int, unit: str) -> str:
    return f"{amount} {unit.replace('labels', 'label') if amount == 1 else unit}"


def _switches(recipes: Sequence[str]) -> tuple[list[Control], Any]:
    """Two switches where the names are made of two parts in all combinations, otherwise one."""
    parts = [recipe.split(", ") for recipe in recipes]
    firsts, seconds = (list(dict.fromkeys(part[place] for part in parts)) for place in (0, -1))
    names = [[f"{first}, {second}" for second in seconds] for first in firsts]
    if sorted(name for row in names for name in row) == sorted(recipes):
        switches = [
            Control("start", tuple(firsts), slides=False),
            Control("boundary", tuple(seconds)),
        ]
        return switches, lambda which: names[which[0]][which[1]]
    return [Control("recipe", tuple(recipes), slides=False)], lambda which: recipes[which[0]]


def _look(recipe: str) -> str:
    """A role's colour where the name tells the role."""
    frozen = "block3" in recipe or recipe == "frozen"
    if recipe.startswith(("random", "from scratch")):
        return "idle" if frozen or "and frozen" in recipe else "new"
    return "frozen" if frozen else "fine-tuned"


def _across(count: int, amounts: Sequence[int]) -> float:
    """Steps of equal width: small numbers of labels matter most."""
    return amounts.index(count) / max(1, len(amounts) - 1)


def _points(values: Any, amounts: Sequence[int]) -> list[Point]:
    return [
        (_across(int(count), amounts), float(value)) for count, value in values.dropna().items()
    ]
