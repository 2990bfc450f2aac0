import base64
import copy
import json
import subprocess
import sys

import pytest

from tl_teach import cli
from tl_teach.classroom.check import check_file
from tl_teach.classroom.master import read_master
from tl_teach.classroom.notebook import cut
from tl_teach.classroom.release import Leak, release

from .small import ANSWERS, HERE, IMPORTS, MASTER, SECRET, check, code, notebook, solution, write


def markdown(source, **more):
    return {"cell_type": "markdown", "metadata": {}, "source": source, "id": "prose", **more}


@pytest.fixture
def released(tmp_path, master_path):
    return release(master_path, tmp_path)


def cells(path):
    return {cell["id"]: cell for cell in json.loads(path.read_text("utf-8"))["cells"]}


def test_solutions_and_hidden_checks_are_gone(released):
    text = released.read_text("utf-8")
    assert SECRET not in text and "HIDDEN" not in text and "BEGIN" not in text
    assert ANSWERS["total"] not in text and "sum(values)" not in text
    assert cells(released)["total"]["source"] == "# YOUR CODE HERE\nraise NotImplementedError()"


def test_what_is_given_stays(released):
    given = cells(released)
    assert given["setup"]["source"] == MASTER["cells"][0]["source"]
    assert "the mean of three numbers" in given["mean-check"]["source"]
    assert given["mean-check"]["metadata"]["nbgrader"]["points"] == 2
    assert given["mean-check"]["metadata"]["jupyter"] == {"source_hidden": True}


def test_outputs_of_visible_checks_are_the_reference_and_no_others(released):
    for name, cell in cells(released).items():
        if name.endswith(("-check", "-hidden")):
            (output,) = cell["outputs"]
            assert output["text"].startswith("✓ Question ")
            assert "nbval-check-output" in cell["metadata"]["tags"]
            assert cell["execution_count"] is not None
        else:
            assert cell["outputs"] == [] and cell["execution_count"] is None


def test_the_name_is_the_assignments(released):
    assert released.name == "small.ipynb"


SOLUTION = "answer = sum(value for value in data if value > 3)"
CHECK = (
    f"{IMPORTS}@question('1')\ndef right(answer):\n    'a number'\n    expect(answer == 12, 'x')"
)


def master_with(*extra, **changes):
    given = code("data = [12, 3]", "setup", locked=True)
    answer = solution(SOLUTION, "answer")
    answer.update(changes)
    return notebook(given, answer, check(CHECK, "right", 1), *extra)


encoded = base64.b64encode(f"see: {SOLUTION}".encode()).decode()
LEAKS = {
    "another cell": [code(SOLUTION)],
    "a comment": [code(f"# {SOLUTION}\npass")],
    "prose": [markdown(f"For example: `{SOLUTION.replace(' ', '  ')}`")],
    "an attachment": [markdown("x", attachments={"a.txt": {"text/plain": encoded}})],
    "a tag": [code("pass") | {"metadata": {"tags": [SOLUTION]}}],
    "a cell's name": [markdown("x") | {"id": SOLUTION}],
    "a check": [check(CHECK.replace("'a number'", f"'''{SOLUTION}'''"), "again", 1)],
}


@pytest.mark.parametrize("name", LEAKS)
def test_a_leak_is_refused_and_nothing_is_written(tmp_path, name):
    path = write(tmp_path / "m.ipynb", master_with(*LEAKS[name]))
    with pytest.raises(Leak, match=r"A solution would leak, in the .*; reword it"):
        release(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_check_that_prints_the_solution_is_refused(tmp_path):
    document = master_with()
    printing = CHECK.replace("    expect", f"    print({SOLUTION!r}[::-1][::-1])\n    expect")
    document["cells"][2]["source"] = printing.replace(
        repr(SOLUTION), "open(__import__('os').environ['S']).read()"
    )
    path = write(tmp_path / "m.ipynb", document)
    (tmp_path / "s").write_text(SOLUTION)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Leak, match="outputs"):
        patch.setenv("S", str(tmp_path / "s"))
        release(path, tmp_path / "out")


def test_outputs_and_metadata_of_the_master_do_not_travel(tmp_path):
    output = {"output_type": "stream", "name": "stdout", "text": SOLUTION}
    document = master_with(outputs=[output])
    document["cells"][1]["metadata"]["notes"] = SOLUTION
    document["metadata"]["author"] = {"remark": SOLUTION}
    released = release(write(tmp_path / "m.ipynb", document), tmp_path / "out")
    assert SOLUTION not in released.read_text("utf-8")


def test_a_short_answer_is_a_secret_too(tmp_path):
    document = notebook(
        solution('reason = "b"', "reason"),
        check(CHECK.replace("answer == 12", "reason").replace("answer", "reason"), "right", 1),
        markdown('It is `reason = "b"`.'),
    )
    with pytest.raises(Leak):
        release(write(tmp_path / "m.ipynb", document), tmp_path / "out")


def test_a_line_may_be_shown_if_its_author_says_so(tmp_path):
    shown = code(SOLUTION) | {"metadata": {"tags": ["not-secret"]}}
    assert release(write(tmp_path / "m.ipynb", master_with(shown)), tmp_path / "out").exists()


def test_a_solution_in_a_cell_that_is_not_marked_is_refused(tmp_path):
    document = master_with(code("### BEGIN SOLUTION\nx = 1\n### END SOLUTION"))
    with pytest.raises(Leak, match="not marked"):
        release(write(tmp_path / "m.ipynb", document), tmp_path / "out")


@pytest.mark.parametrize("source", ["### BEGIN SOLUTION\nx", "x\n### END SOLUTION"])
def test_a_region_without_an_end_is_refused(source):
    with pytest.raises(ValueError, match="SOLUTION"):
        cut(source, "SOLUTION")


def test_a_master_that_fails_its_hidden_checks_is_refused(tmp_path):
    document = copy.deepcopy(MASTER)
    document["cells"][3]["source"] = "### BEGIN SOLUTION\ntotal = 26\n### END SOLUTION"
    with pytest.raises(ValueError, match=r"does not pass itself.*the sum of all data"):
        release(write(tmp_path / "m.ipynb", document), tmp_path / "out")


def test_masters_are_read_strictly(tmp_path):
    twice = notebook(code("x", "a", locked=True), code("y", "a", locked=True))
    with pytest.raises(ValueError, match="stands twice"):
        read_master(write(tmp_path / "m.ipynb", twice))
    with pytest.raises(ValueError, match="no cell that is graded"):
        read_master(write(tmp_path / "m.ipynb", notebook(code("x"))))
    for points in (-1, float("nan"), 10**400):
        with pytest.raises(ValueError, match="points; expected a number from 0 on"):
            read_master(write(tmp_path / "m.ipynb", master_with(check(CHECK, "more", points))))
    no_question = notebook(check("assert True", "a", 1))
    with pytest.raises(ValueError, match="no function under @question"):
        read_master(write(tmp_path / "m.ipynb", no_question)).checks


def answer(path, **answers):
    document = json.loads(path.read_text("utf-8"))
    for cell in document["cells"]:
        cell["source"] = answers.get(cell["id"], cell["source"])
    return write(path, document)


def test_students_own_check_says_what_the_cells_say(released, capsys):
    assert not check_file(released)
    printed = capsys.readouterr().out
    assert "✗ Question 1: mean_of is not" in printed or "nothing is called mean_of yet" in printed
    assert printed.endswith("0 of 4 checks passed.\n")
    answer(released, **ANSWERS)
    assert check_file(released)
    assert capsys.readouterr().out.count("✓") == 4


def test_a_given_cell_that_was_changed_is_named_at_home(released, capsys):
    answer(released, **ANSWERS)
    said = "was given to you and has been changed. It is graded as it was given"
    check_file(released)
    assert said not in capsys.readouterr().out
    document = json.loads(released.read_text("utf-8"))
    for cell in document["cells"]:
        if cell["id"].endswith("-check"):
            cell["source"] += "\n# a note\n"
            break
    write(released, document)
    check_file(released)
    assert capsys.readouterr().out.count(said) == 1


def test_the_command_says_it_by_its_exit_code(released, capsys, master_path, tmp_path):
    assert cli.main(["assignment", "check", str(released)]) == 1
    answer(released, **ANSWERS)
    assert cli.main(["assignment", "check", str(released)]) == 0
    again = ["assignment", "release", str(master_path), "-o", str(tmp_path / "again")]
    assert cli.main(again) == 0 and (tmp_path / "again" / "small.ipynb").exists()
    capsys.readouterr()
    assert cli.main(["assignment", "check", __file__]) == 1
    assert "it is not JSON" in capsys.readouterr().err


@pytest.mark.timeout(90)
def test_nbval_says_the_same(released, tmp_path, capsys):
    answer(released, **ANSWERS | {"total": "total = 'a'"})
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval-lax"]
    command += ["-n", "0", "--rootdir", str(tmp_path), str(released)]
    utf8 = {**HERE, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        command, capture_output=True, encoding="utf-8", cwd=tmp_path, env=utf8, timeout=80
    )
    assert "1 failed, 7 passed" in done.stdout, done.stdout
    check_file(released)
    failures = [line for line in capsys.readouterr().out.splitlines() if line.startswith("✗")]
    assert failures == ["✗ Question 2: expected a whole number in total. Use sum."]
    said = [line for line in done.stdout.splitlines() if line.startswith("✗")]
    assert list(dict.fromkeys(said)) == failures  # pytest says it again in the summary of a CI run


ELSEWHERE = """
import os, sys
sys.modules["resource"] = sys.modules["fcntl"] = None
for word in ("O_NONBLOCK", "O_NOFOLLOW", "sysconf"):
    delattr(os, word)
sys.platform = "win32"
from pathlib import Path
from tl_teach.classroom import check, layouts, release, report
from tl_teach.classroom.grade import Settings, grade
from tl_teach.classroom.limits import NoIsolation

master = Path(sys.argv[1])
print(release.release(master, Path("out")).name)
print(layouts.find_submissions(Path("out"))[0].read() == Path("out/small.ipynb").read_bytes())
try:
    grade(Path("out"), master, Path("grades.csv"), Settings())
except NoIsolation as reason:
    print(reason)
"""


def test_where_there_are_no_jails_everything_but_grading_works(master_path, tmp_path):
    command = [sys.executable, "-c", ELSEWHERE, str(master_path)]
    run = {"capture_output": True, "text": True, "timeout": 100}
    done = subprocess.run(command, env=HERE, cwd=tmp_path, **run)
    assert done.returncode == 0, done.stderr
    name, read, refusal = done.stdout.splitlines()
    assert (name, read) == ("small.ipynb", "True") and "needs Linux" in refusal
