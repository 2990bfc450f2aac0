"""How errors are worded: what was given, what was expected, the next step."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from numbers import Integral, Real
from typing import Any, TypeGuard, TypeVar

__all__ = [
    "in_columns",
    "is_number",
    "need",
    "require_count",
    "require_kind",
    "require_share",
    "say",
    "unknown",
]

Kind = TypeVar("Kind")


def unknown(what: str, given: object, known: Iterable[object]) -> str:
    """
    Say that a name is not known, which names are, and which was probably meant.

    Parameters
    ----------
    what : str
        The kind of thing, in the singular: ``"task"``, ``"stage"``.
    given : object
        What the caller wrote.
    known : iterable
        The names that would have worked, in the order to show them.

    Returns
    -------
    str
        One sentence, ready to be an exception's message.

    Examples
    --------
    >>> unknown("task", "handwritting", ["handwriting", "solar-cells"])
    "There is no task named 'handwritting'; expected one of 'handwriting', 'solar-cells'; \
did you mean 'handwriting'?"
    """
    names = {str(name).lower(): str(name) for name in known}
    expected = f"expected one of {', '.join(map(repr, names.values()))}" if names else "none exists"
    close = difflib.get_close_matches(str(given).lower(), names, n=1)
    meant = f"; did you mean {names[close[0]]!r}?" if close else "."
    return f"There is no {what} named {given!r}; {expected}{meant}"


def in_columns(rows: Sequence[Sequence[str]]) -> str:
    """
    Write rows of words under each other, each column as wide as it needs.

    Parameters
    ----------
    rows : sequence of sequence of str
        Of equal length.

    Returns
    -------
    str
        A line a row, without blanks at the end.

    Examples
    --------
    >>> print(in_columns([("", "accuracy"), ("frozen", "0.91")]))
            accuracy
    frozen  0.91
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def require_count(name: str, given: object, least: int = 1) -> None:
    """
    Refuse what is not a whole number, or too small a one, in one sentence.

    Parameters
    ----------
    name : str
        The argument's name.
    given : object
        What the caller gave for it.
    least : int
        The smallest that works.

    Raises
    ------
    ValueError
        If it is something else.

    Examples
    --------
    >>> require_count("epochs", 0)
    Traceback (most recent call last):
    ...
    ValueError: epochs=0 does not work: expected a whole number, at least 1.
    """
    if isinstance(given, bool) or not isinstance(given, Integral) or given < least:
        raise ValueError(
            f"{name}={given!r} does not work: expected a whole number, at least {least}."
        )


def require_share(name: str, given: object, without: float | None = None) -> None:
    """
    Refuse what is not a number from 0 to 1, in one sentence.

    Parameters
    ----------
    name : str
        The argument's name.
    given : object
        What the caller gave for it.
    without : float, optional
        The end that does not work either.

    Raises
    ------
    ValueError
        If it is something else.

    Examples
    --------
    >>> require_share("dropout", 1, without=1)
    Traceback (most recent call last):
    ...
    ValueError: dropout=1 does not work: expected a number from 0 to 1, without 1.
    """
    if not is_number(given) or not 0 <= given <= 1 or given == without:
        end = "" if without is None else f", without {without:g}"
        raise ValueError(f"{name}={given!r} does not work: expected a number from 0 to 1{end}.")


def require_kind(given: object, kind: type[Kind], what: str, advice: str) -> Kind:
    """
    Refuse what is not of a kind, in one sentence.

    Parameters
    ----------
    given : object
        What the caller gave.
    kind : type
        What it has to be.
    what : str
        The kind in words, with its article.
    advice : str
        How to get one.

    Returns
    -------
    object
        The same object.

    Raises
    ------
    TypeError
        If it is something else.

    Examples
    --------
    >>> require_kind("net.pt", list, "a list of names", "give ['net.pt']")
    Traceback (most recent call last):
    ...
    TypeError: Expected a list of names, but got str; give ['net.pt'].
    """
    if not isinstance(given, kind):
        raise TypeError(f"Expected {what}, but got {type(given).__name__}; {advice}.")
    return given


def say(text: str) -> None:
    r"""
    Print a line, also where the output cannot show every letter of it.

    A pipe on Windows knows the letters of one language, and a computer without a locale those of
    ASCII. Other letters are written as escapes there.

    Parameters
    ----------
    text : str
        The line.

    Examples
    --------
    >>> say("a mark, such as in \u2713 done")
    a mark, such as in ✓ done
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding))


def need(module: str, extra: str, purpose: str) -> Any:
    """
    Import a package that only some uses need, or say how to get it.

    Parameters
    ----------
    module : str
        The module to import.
    extra : str
        The library's extra that brings it.
    purpose : str
        What needs it, as the beginning of a sentence.

    Returns
    -------
    module
        Imported.

    Raises
    ------
    ImportError
        If it is missing.

    Examples
    --------
    >>> need("nowhere", "text", "A network for texts")
    Traceback (most recent call last):
    ...
    ImportError: A network for texts needs the package nowhere, which is not installed; \
run: pip install "tl-teach[text]".
    """
    try:
        return import_module(module)
    except ImportError:
        raise ImportError(
            f"{purpose} needs the package {module}, which is not installed; "
            f'run: pip install "tl-teach[{extra}]".'
        ) from None


def is_number(given: Any) -> TypeGuard[float]:
    """
    Tell a real number from everything else, ``True`` and ``nan`` included.

    Parameters
    ----------
    given : object
        What the caller gave.

    Examples
    --------
    >>> is_number(1e-3), is_number(True), is_number("1e-3"), is_number(float("nan"))
    (True, False, False, False)
    """
    return isinstance(given, Real) and not isinstance(given, bool) and given == given
