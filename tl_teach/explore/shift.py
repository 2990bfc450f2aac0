"""Two classes in two domains: how far they overlap, and how they are mixed."""

from __future__ import annotations

from functools import cache

import numpy as np

from ..wording import require_count
from .frame import Control, Explorer, View
from .parts import share, svg, table

_DISTANCES = (4.0, 3.0, 2.2, 1.5, 0.8)  # between the classes, in standard deviations
_MIXES = (0.5, 0.6, 0.7, 0.8, 0.9)  # share of the first class in the target
_SEEDS = 10
_SHIFT = np.array([1.5, 1.0])  # the target's style: another place,
_STRETCH = 1.4  # and another spread


def explore_shift(points: int = 120) -> Explorer:
    """Slide along the overlap of two classes and their mix in the target.

    Two features, two classes, half of the source each. The target has another style (moved and
    stretched) and perhaps another class mix. A straight line is learned in the source and judged
    in the target, as it is and after adaptation, which gives each domain mean 0 and spread 1, as
    AdaBN does inside a network. K-means looks for two groups in the target, without any label.

    Parameters
    ----------
    points : int
        Items a domain.

    Returns
    -------
    Explorer
        One draw as a picture, and means over ten draws: accuracy before and after adaptation,
        and K-means' agreement with the classes (adjusted Rand index, 1 is perfect, 0 is chance).

    Raises
    ------
    ValueError
        If there are fewer than 20 points.

    References
    ----------
    Li, Wang, Shi, Liu, Hou (2017), "Revisiting batch normalization for practical domain
    adaptation", https://arxiv.org/abs/1603.04779

    Examples
    --------
    >>> import tl_teach as tl
    >>> tl.explore_shift(40).view(0, 0, 1).words
    'Drawn after adaptation: classes well apart, 50% of the target is class A. ...'
    """
    require_count("points", points, least=20)
    score = cache(lambda overlap, mix: _mean_scores(points, _DISTANCES[overlap], _MIXES[mix]))
    apart = ("well apart", "apart", "touching", "overlapping", "nearly one")

    def draw(overlap: int, mix: int, adapted: int) -> View:
        before, after, agreement = score(overlap, mix)
        always = max(_MIXES[mix], 1 - _MIXES[mix])
        source, labels, target, truth = _draw(points, _DISTANCES[overlap], _MIXES[mix], 0)
        if adapted:
            source, target = _standardise(source), _standardise(target)
        gain = after - before
        effect = "helps" if gain > 0.02 else "hurts" if gain < -0.02 else "changes little"
        words = (
            f"Drawn {'after adaptation' if adapted else 'as they are'}: classes {apart[overlap]}, "
            f"{share(_MIXES[mix])} of the target is class A. Adaptation {effect}: over {_SEEDS} "
            f"draws accuracy {share(before)} before, {share(after)} after; always giving the "
            f"commoner class gets {share(always)}. K-means agrees with the classes by "
            f"{agreement:.2f}."
        )
        rows = {
            "accuracy before adaptation": share(before),
            "accuracy after": share(after),
            "always the commoner class": share(always),
            "K-means, adjusted Rand index": f"{agreement:.2f}",
        }
        drawing = _scatter(source, labels, target, truth)
        return View(svg(drawing, words, 300) + table(rows), words)

    controls = [
        Control("the two classes are", apart, 1),
        Control("class A in the target", tuple(share(mix) for mix in _MIXES)),
        Control("domains", ("as they are", "adapted"), slides=False),
    ]
    return Explorer("a shift between two domains", controls, draw)


Draw = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def _draw(points: int, distance: float, mix: float, seed: int) -> Draw:
    rng = np.random.default_rng(seed)
    labels = (np.arange(points) >= points / 2).astype(int)
    truth = (np.arange(points) >= round(points * mix)).astype(int)
    centres = np.array([[-distance / 2, 0], [distance / 2, 0]])
    source = centres[labels] + rng.normal(size=(points, 2))
    target = centres[truth] + rng.normal(size=(points, 2))
    return source, labels, target * _STRETCH + _SHIFT, truth


def _standardise(values: np.ndarray) -> np.ndarray:
    return (values - values.mean(0)) / values.std(0)


def _line(values: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, float]:
    """The line halfway between the classes, by linear discriminant analysis."""
    one, two = values[labels == 0], values[labels == 1]
    within = (np.cov(one.T) + np.cov(two.T)) / 2
    weights = np.linalg.solve(within, two.mean(0) - one.mean(0))
    return weights, float(weights @ (one.mean(0) + two.mean(0)) / 2)


def _mean_scores(points: int, distance: float, mix: float) -> tuple[float, float, float]:
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score

    found = []
    for seed in range(_SEEDS):
        source, labels, target, truth = _draw(points, distance, mix, seed)
        scores = []
        for one, other in ((source, target), (_standardise(source), _standardise(target))):
            weights, middle = _line(one, labels)
            scores.append(float(((other @ weights > middle) == truth).mean()))
        groups = KMeans(2, n_init=1, random_state=seed).fit_predict(target)
        found.append([*scores, adjusted_rand_score(truth, groups)])
    before, after, agreement = np.mean(found, axis=0)
    return float(before), float(after), float(agreement)


def _scatter(source: np.ndarray, labels: np.ndarray, target: np.ndarray, truth: np.ndarray) -> str:
    both = np.concatenate([source, target])
    low, high = both.min(0), both.max(0)
    scale = min(420 / (high[0] - low[0]), 240 / (high[1] - low[1]))
    corner = np.array([220, 135]) - scale * (low + high) / 2

    def path(values: np.ndarray, look: str) -> str:
        places = np.round(values * scale + corner).astype(int)
        return f'<path class="{look}" d="{"".join(f"M{x},{y}h0" for x, y in places)}"/>'

    weights, middle = _line(source, labels)
    # The classes lie side by side, so that the line has a place on every height.
    ends = [[(middle - weights[1] * y) / weights[0], y] for y in (low[1], high[1])]
    (x0, y0), (x1, y1) = np.round(np.array(ends) * scale + corner).astype(int)
    edge = f'<path class="grid" style="stroke:var(--ink)" d="M{x0},{y0}L{x1},{y1}"/>'
    dim = '<g opacity=".35">'
    return (
        dim
        + path(source[labels == 0], "dots c-frozen")
        + path(source[labels == 1], "squares c-fine-tuned")
        + "</g>"
        + path(target[truth == 0], "dots c-frozen")
        + path(target[truth == 1], "squares c-fine-tuned")
        + edge
        + '<text x="8" y="294">round A, square B; pale: source; the line: learned there</text>'
    )
