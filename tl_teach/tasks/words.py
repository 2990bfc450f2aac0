"""Words that people have rated from very negative to very positive (the lexicon of VADER)."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from typing import IO

import numpy as np

from .. import assets
from .split import TaskInfo
from .task import Collection
from .text import Texts
from .tokens import UNCASED

CITATION = (
    'Hutto, Gilbert (2014), "VADER: a parsimonious rule-based model for sentiment analysis of '
    'social media text", https://doi.org/10.1609/icwsm.v8i1.14550'
)
FOLDER = "vaderSentiment-3.3.2"
_MOST = 10_000_000  # bytes of one file in the archive; the largest has 2.4 million


def word_sentiment() -> Collection:
    """Tell negative from positive words.

    Returns
    -------
    Collection
        About 7,200 English words with the sign of the mean of ten people's ratings.
    """
    words, valence = _rated_words()
    info = _info("word-sentiment", "classification", ("negative", "positive"))
    return Collection(info, Texts(words), (valence > 0).astype(np.int64), UNCASED, 0.25)


def word_valence() -> Collection:
    """Predict how negative or positive a word is, from -4 to 4.

    Returns
    -------
    Collection
        The words of `word_sentiment` with the mean of ten people's ratings.
    """
    words, valence = _rated_words()
    info = _info("word-valence", "regression", ("valence",))
    return Collection(info, Texts(words), valence.astype(np.float32), UNCASED, 0.25)


WORDS: dict[str, Callable[[], Collection]] = {
    "word-sentiment": word_sentiment,
    "word-valence": word_valence,
}


def _info(name: str, kind: str, classes: tuple[str, ...]) -> TaskInfo:
    regression = kind == "regression"
    return TaskInfo(
        name=name,
        kind=kind,
        classes=classes,
        positive=None,
        citation=CITATION,
        licence="MIT",
        range=(-4.0, 4.0) if regression else None,
        unit="points of valence" if regression else "",
        caution=(
            "Forms of one word (abuse, abused, abuser) stand on both sides of the division, which "
            "helps every method, and most of all one that reads letters. Neutral words are absent. "
            "Some words hurt: screen what you display."
        ),
    )


def _rated_words() -> tuple[list[str], np.ndarray]:
    """Words made of small letters alone, without signs such as ``:-)``, and their mean rating."""
    with tarfile.open(assets.path("vader")) as archive:
        text = read_member(archive, f"{FOLDER}/vaderSentiment/vader_lexicon.txt").decode()
    rows = [line.split("\t")[:2] for line in text.splitlines() if line.strip()]
    words = [word for word, _ in rows]
    valence = np.array([float(value) for _, value in rows])
    kept = [i for i, word in enumerate(words) if word.isascii() and word.isalpha()]
    kept = [i for i in kept if words[i].islower() and valence[i]]
    return [words[i] for i in kept], valence[kept]


def read_member(archive: tarfile.TarFile, name: str) -> bytes:
    """Read one file of an archive into memory; nothing is unpacked, and nothing executed.

    Parameters
    ----------
    archive : tarfile.TarFile
        Open.
    name : str
        The file's whole name in the archive.

    Returns
    -------
    bytes
        What it holds.

    Raises
    ------
    AssetError
        If there is no such file, it is a link or a folder, or it is larger than it may be.
    """
    try:
        member = archive.getmember(name)
    except KeyError:
        raise assets.AssetError(f"The archive holds no {name!r}; fetch it again.") from None
    stream: IO[bytes] | None = archive.extractfile(member) if member.isfile() else None
    if stream is None or member.size > _MOST:
        raise assets.AssetError(
            f"{name!r} in the archive is no plain file of at most {_MOST:,} bytes, so it is not "
            "read; fetch the archive again."
        )
    return stream.read()
