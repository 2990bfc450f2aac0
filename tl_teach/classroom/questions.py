"""What stands in a check cell: a question, and what is expected of its answers.

The same cell runs in the student's notebook, under nbval, under nbgrader and in the grader, and
says the same everywhere, since it sees answers as the grader does: as copies made from data.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from ..wording import say
from .answers import AnswerError, Live, Replay, decode, encode

CheckFunction = Callable[..., None]

_asked: dict[str, dict[str, CheckFunction]] = {}  # by question, then by the check's name


class CheckFailed(AssertionError):
    """An answer is not as expected; the message names the question and gives a hint."""

    def _render_traceback_(self) -> list[str]:
        """Show students the sentence alone; IPython asks for this."""
        return [str(self)]


class _NotAsExpected(Exception):
    pass


def expect(holds: object, what: str, hint: str = "") -> None:
    """Expect something of an answer.

    Parameters
    ----------
    holds : bool
        Whether it is so.
    what : str
        What was expected, in words, to follow "expected". Never the answer.
    hint : str
        One sentence on where to look.

    Examples
    --------
    >>> expect(0.9 > 0.5, "a score above that of a constant guess")
    """
    if not holds:
        raise _NotAsExpected(_sentence(what, hint))


def question(name: str) -> Callable[[CheckFunction], CheckFunction]:
    """Ask a question now: run the decorated check on the answers that its parameters name.

    Parameters
    ----------
    name : str
        The question's number, such as ``"2"``. Several checks may belong to one.

    Returns
    -------
    callable
        A decorator. The check's parameters are names in the notebook; the first line of its
        docstring says what it expects as a whole.

    Raises
    ------
    CheckFailed
        If an answer is missing, cannot be taken as data, or is not as expected.

    Examples
    --------
    >>> score = 0.91
    >>> @question("3")
    ... def score_is_possible(score):
    ...     '''a score between 0 and 1'''
    ...     expect(0 <= score <= 1, "a share, not per cents", hint="Divide by 100.")
    ✓ Question 3: a score between 0 and 1
    """

    def ask(check: CheckFunction) -> CheckFunction:
        _asked.setdefault(name, {})[check.__name__] = check
        print(_run(name, check))
        return check

    return ask


def check_all(*names: str) -> None:
    """Ask all questions again whose cells have been run, and print one line for each check.

    Parameters
    ----------
    *names : str
        The notebook's questions, in order.

    Examples
    --------
    >>> check_all("0")
    – Question 0: not checked yet; run the cells of this question first.
    """
    for name in names:
        if name not in _asked:
            say(f"– Question {name}: not checked yet; run the cells of this question first.")
        for check in _asked.get(name, {}).values():
            try:
                say(_run(name, check))
            except CheckFailed as failed:
                say(str(failed))


def title_of(check: CheckFunction) -> str:
    """First line of a check's docstring: what it expects as a whole."""
    return (inspect.getdoc(check) or check.__name__.replace("_", " ")).splitlines()[0]


def _run(name: str, check: CheckFunction) -> str:
    title = title_of(check)
    try:
        check(**_collect(check))
    except (_NotAsExpected, AnswerError) as failed:
        reason = str(failed) if str(failed).endswith((".", "?", "!")) else f"{failed}."
    except Exception as error:
        given = f"{type(error).__name__}: {error}"
        reason = _sentence(title, f"Your answer is not of the kind that was asked for ({given}).")
    else:
        return f"✓ Question {name}: {title}"
    raise CheckFailed(f"✗ Question {name}: {reason}")


def _collect(check: CheckFunction) -> dict[str, Any]:
    """Take the answers out of the notebook, as data."""
    notebook, answers = check.__globals__, {}
    for name in inspect.signature(check).parameters:
        if name not in notebook:
            hint = "Run the cells above this one, and keep the names that they use."
            raise _NotAsExpected(f"nothing is called {name} yet. {hint}")
        value = notebook[name]
        if isinstance(value, AnswerError):  # what came out of the student's process
            raise _NotAsExpected(f"{name} {value}.")
        if isinstance(value, Live | Replay):
            answers[name] = value
            continue
        try:
            document = encode(value)
            function = document == {"function": True}
            answers[name] = Live(name, value) if function else decode(document)
        except AnswerError as error:
            raise _NotAsExpected(f"{name} {error}.") from None
    return answers


def _sentence(what: str, hint: str) -> str:
    return f"expected {what}." + (f" {hint}" if hint else "")
