import pytest

from tl_teach.classroom import CheckFailed, check_all, expect, question
from tl_teach.classroom import questions as room


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(room, "_asked", {})


def ask(body, **answers):
    """Run a check cell in a notebook that holds these answers."""
    notebook = {"question": question, "expect": expect, **answers}
    exec(body, notebook)
    return notebook


SCORE = """
@question("3")
def score_is_possible(score):
    '''a score between 0 and 1'''
    expect(0 <= score <= 1, "a share, not per cents", "Divide by 100")
"""


def test_a_pass_is_one_line(capsys):
    ask(SCORE, score=0.5)
    assert capsys.readouterr().out == "✓ Question 3: a score between 0 and 1\n"


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ({"score": 50}, "✗ Question 3: expected a share, not per cents. Divide by 100."),
        ({}, "✗ Question 3: nothing is called score yet. Run the cells above this one"),
        ({"score": "0.5"}, "✗ Question 3: expected a score between 0 and 1. Your answer is not of"),
        ({"score": {0.5}}, "✗ Question 3: score is a set, not a number, text, list"),
        ({"score": len}, "✗ Question 3: expected a score between 0 and 1. Your answer is not of"),
    ],
)
def test_a_failure_names_question_expectation_and_hint(answers, says):
    with pytest.raises(CheckFailed) as failed:
        ask(SCORE, **answers)
    assert str(failed.value).startswith(says)
    assert failed.value._render_traceback_() == [str(failed.value)]


@pytest.mark.parametrize("hint", ["Which part is it?", "Look at part two", "Look there."])
def test_a_sentence_ends_once(hint):
    with pytest.raises(CheckFailed) as failed:
        ask(
            f"@question('1')\ndef is_right(value):\n    'x'\n    expect(False, 'y', {hint!r})",
            value=1,
        )
    assert (
        str(failed.value)
        == f"✗ Question 1: expected y. {hint.rstrip('.')}{'' if '?' in hint else '.'}"
    )


def test_a_check_leaves_no_trace_in_the_notebook():
    values = [3, 1]
    before = set(ask("", values=values))
    body = "@question('1')\ndef sorts(values):\n    'x'\n    values.sort()\n"
    after = ask(body + "    expect(values == [1, 3], 'y')", values=values)
    assert values == [3, 1] and set(after) - before == {"sorts"}


def test_all_checks_are_asked_again_in_order(capsys):
    notebook = ask(SCORE, score=0.5)
    notebook["score"] = 50
    capsys.readouterr()
    check_all("3", "4")
    assert capsys.readouterr().out.splitlines() == [
        "✗ Question 3: expected a share, not per cents. Divide by 100.",
        "– Question 4: not checked yet; run the cells of this question first.",
    ]


def test_a_function_is_asked_with_copies():
    body = "@question('1')\ndef f_works(f):\n    'x'\n    expect(f([1]) == [1, 2], 'two')"
    ask(body, f=lambda values: [*values, 2])
    with pytest.raises(CheckFailed, match=r"f raised TypeError"):
        ask(body, f=lambda: 1)
