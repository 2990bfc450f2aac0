"""Sentences of four domains that people have rated from negative to positive."""

from __future__ import annotations

import html
import io
import tarfile
from collections.abc import Callable
from functools import lru_cache, partial

import numpy as np

from .. import assets
from .split import TaskInfo
from .task import Collection
from .text import Texts
from .tokens import UNCASED
from .words import CITATION, FOLDER, read_member

_FILES = {
    "tweets": "tweets",
    "films": "movieReviewSnippets",
    "products": "amazonReviewSnippets",
    "editorials": "nytEditorialSnippets",
}
_INNER = f"{FOLDER}/additional_resources/hutto_ICWSM_2014.tar.gz"  # an archive in the archive


def sentence_sentiment(domain: str | None = None) -> Collection:
    """Tell negative from positive sentences, by the sign of the mean of 20 people's ratings.

    Parameters
    ----------
    domain : str, optional
        ``"tweets"``, ``"films"``, ``"products"`` or ``"editorials"``; all four by default.

    Returns
    -------
    Collection
        About 4,200, 10,600, 3,700 and 5,200 sentences. Those of one review, or of one editorial,
        are a group.
    """
    parts = [_sentences(name) for name in (_FILES if domain is None else [domain])]
    texts = [text for part in parts for text, _, _ in part]
    ratings = np.array([rating for part in parts for _, rating, _ in part])
    owners = [(number, group) for number, part in enumerate(parts) for _, _, group in part]
    numbers = {owner: number for number, owner in enumerate(dict.fromkeys(owners))}
    info = TaskInfo(
        name="sentence-sentiment" if domain is None else domain,
        kind="classification",
        classes=("negative", "positive"),
        positive=None,
        citation=CITATION,
        licence="MIT",
        caution=(
            "Tweets and reviews hold words that hurt: screen what you display. The network may "
            "have met product reviews, and posts such as these, while it was pre-trained."
        ),
    )
    groups = np.array([numbers[owner] for owner in owners])
    return Collection(
        info, Texts(texts), (ratings > 0).astype(np.int64), UNCASED, 0.2, groups=groups
    )


SENTENCES: dict[str, Callable[[], Collection]] = {
    domain: partial(sentence_sentiment, domain) for domain in _FILES
}
"""The four domains by name."""


@lru_cache(maxsize=4)
def _sentences(domain: str) -> list[tuple[str, float, str]]:
    """Text, mean rating and group of each sentence whose mean rating is not 0."""
    with tarfile.open(assets.path("vader")) as archive:
        inner = io.BytesIO(read_member(archive, _INNER))
    with tarfile.open(fileobj=inner) as archive:
        data = read_member(archive, f"hutto_ICWSM_2014/{_FILES[domain]}_GroundTruth.txt")
    rows = [_decoded(line).split("\t", 2) for line in data.splitlines() if line.strip()]
    return [
        (html.unescape(text).strip(), float(rating), number.partition("_")[0])
        for number, rating, text in rows
        if float(rating)
    ]


def _decoded(line: bytes) -> str:
    """The files mix two encodings."""
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")
