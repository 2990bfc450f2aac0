"""Hostile and broken submissions: each is contained, and earns what its own answers deserve.

All of them run in the jail only, after its limits have been tried with harmless code.
"""

import json
import sys
import time
from pathlib import Path

import pytest

import tl_teach
from tl_teach.classroom.marking import earned, mark_submission, rehearse

from .small import ANSWERS, LIMITS, MASTER, POINTS, SECRET, answered, as_bytes, code

pytestmark = pytest.mark.timeout(60)
# What a jail shows of the system; it may lie in any folder, that of the students' files included.
ENVIRONMENT = [sys.prefix, sys.base_prefix, str(Path(tl_teach.__file__).parent)]
ALL, NONE = POINTS, dict.fromkeys(POINTS, 0.0)


def points(**changed):
    return POINTS | {name.removeprefix("q"): value for name, value in changed.items()}


# What runs before right answers; what may be earned; what the result must say.
CONTAINED = {
    "an infinite loop": ("while True: pass", ALL, "CellTimeout"),
    "a loop that catches everything": (
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        None,
        "",
    ),
    "a fork bomb": ("import os\nwhile True: os.fork()", None, ""),
    "a fork bomb that leaves the session": (
        "import os\nwhile True:\n    if os.fork() == 0:\n        os.setsid()",
        None,
        "",
    ),
    "a memory bomb": ("held = []\nwhile True: held.append(bytes(2**24))", ALL, "MemoryError"),
    "a memory bomb in many processes": (
        "import os, time\nfor _ in range(8):\n    if os.fork() == 0:\n"
        "        held = b'x' * (100 * 2**20)\n        time.sleep(60)\ntime.sleep(60)",
        NONE,
        "MB of memory",
    ),
    "a disk filler": (
        "for n in range(1000):\n    open(f'{n}', 'wb').write(b'x' * 2**20)",
        ALL,
        "No space left",
    ),
    "endless small files": (
        "for n in range(10**6):\n    open(f'{n}', 'w').close()",
        ALL,
        "",
    ),
    "endless output": ("while True: print('x' * 1000)", ALL, "CellTimeout"),
    "endless output past Python": (
        "import os\nwhile True: os.write(1, b'x' * 1000)",
        ALL,
        "CellTimeout",
    ),
    "a network call": (
        "import urllib.request\nurllib.request.urlopen('http://127.0.0.1')",
        ALL,
        "URLError",
    ),
    "reading /etc": ("open('/etc/passwd').read()", ALL, "FileNotFoundError"),
    "input": ("input('name?')", ALL, "EOFError"),
    "leaving by exit": ("exit()", ALL, "SystemExit"),
    "leaving by sys.exit": ("import sys\nsys.exit(0)", ALL, "SystemExit"),
    "leaving by os._exit": ("import os\nos._exit(0)", NONE, "before its last cell"),
    "a crash": ("import ctypes\nctypes.string_at(0)", NONE, "signal 11"),
    "killing everyone": ("import os\nos.kill(-1, 9)", ALL, ""),
    "killing the first process": ("import os\nos.kill(1, 9)", None, ""),
    "killing its group": ("import os\nos.killpg(0, 9)", NONE, "signal 9"),
    "a sleeping thread": (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()",
        ALL,
        "",
    ),
    "a process that stays": (
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(600)",
        ALL,
        "",
    ),
    "sleep": ("import time\ntime.sleep(600)", NONE, "stopped after 6 s"),
    "closing every file": ("import os\nos.closerange(0, 100)", NONE, ""),
    "endless recursion": ("def f(): f()\nf()", ALL, "RecursionError"),
    "redefining what everyone uses": (
        "import builtins, json\nbuiltins.print = builtins.isinstance = None\n"
        "builtins.sum = lambda values: 27\nnp.sort = lambda values: np.array([4, 8, 15])",
        None,
        "",
    ),
    "a tracing function": ("import sys\nsys.settrace(lambda *a: 1 / 0)", None, ""),
    "many answers": ("data = list(range(10**6))", None, ""),
    "shell lines": ("!rm -rf /\n%cd /\n%pip install x\nx = 1", ALL, ""),
    "another language": ("%%bash\nrm -rf /", ALL, ""),
    "broken text": ("x = '\ud800'", ALL, "Unicode"),
    "no Python at all": ("def (", ALL, "SyntaxError"),
    "a null byte": ("x = 1\0", ALL, "Error"),
}


@pytest.mark.parametrize("name", CONTAINED)
def test_it_is_contained_and_the_rest_counts(mark, master, name):
    extra, deserved, says = CONTAINED[name]
    started = time.monotonic()
    result = mark(extra)
    assert time.monotonic() - started < 2 * LIMITS.wall + 2
    assert says in " ".join([result["ended"], *result["errors"].values()])
    got = earned(master, result)
    assert deserved is None or got == deserved, result
    assert earned(master, mark()) == ALL  # and the next one is as if nothing had been


# Tries to earn without an answer: the wrong answers, before which something is tried.
WRONG = {"mean": "def mean_of(values): return 0", "total": "total = 0", "order": "order = data"}
FORGED = {
    "patching the checker": (
        "import tl_teach.classroom.questions as q, tl_teach.classroom.run as r\n"
        "q.expect = r.mark = lambda *a, **k: None\nq._run = lambda *a: 'fine'\n"
        "r._export = lambda *a: False"
    ),
    "patching the checks' comparison": (
        "import builtins\nbuiltins.bool = lambda *a: True\nnp.diff = lambda a: np.ones(3)"
    ),
    "redefining assert": "import builtins\nbuiltins.AssertionError = Warning\n__debug__",
    "writing marks itself": (
        "import os\nfor fd in range(3, 30):\n    try:\n"
        "        for name in ('mean-check', 'total-check', 'total-hidden', 'order-check'):\n"
        "            os.write(fd, f'mark\\t{name}\\tnull\\n'.encode())\n"
        "    except OSError: pass"
    ),
    "saying it has ended": (
        "import os\nfor fd in range(3, 30):\n    try: os.write(fd, b'done\\t\\tnull\\n')\n"
        "    except OSError: pass"
    ),
    "speaking nonsense": (
        "import os\nfor fd in range(3, 30):\n"
        "    try:\n        os.write(fd, b'answers\\ttotal-check\\t[[[{\\n\\xff\\xfe\\n')\n"
        "        os.write(fd, b'\\t\\t\\t\\ncall\\t0\\t7\\n')\n"
        "    except OSError: pass"
    ),
    "leaving results in files": (
        "import os, json\nfor name in ('grades.csv', 'result.json'):\n"
        "    open(name, 'w').write(json.dumps({'points': 7}))"
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_nothing_is_earned_without_an_answer(mark, master, name):
    got = earned(master, mark(FORGED[name], **WRONG))
    assert got["1"] == got["3"] == 0 and got["2"] <= 1  # total = 0 is a number: one honest point


YES = "class Yes(int):\n    __eq__ = __ne__ = lambda *a: True\n    __hash__ = None\n"


@pytest.mark.parametrize(
    ("answers", "deserved"),
    [
        ({"total": YES + "total = Yes(3)"}, points(q2=1)),
        ({"total": YES.replace("(int)", "") + "total = Yes()"}, points(q2=0)),
        ({"total": "total = float('nan')"}, points(q2=0)),
        ({"total": "total = 10 ** 5000"}, points(q2=0)),
        ({"total": "total = [[]]\nfor _ in range(900): total = [total]"}, points(q2=0)),
        ({"total": "total = []\ntotal.append(total)"}, points(q2=0)),
        ({"order": "order = np.array([object()])"}, points(q3=0)),
        ({"order": "order = [4, 8, 15]"}, points(q3=0)),  # a list has no tolist
        ({"order": "order = np.zeros(10**6)"}, points(q3=0)),
        ({"mean": "def mean_of(values):\n    while True: pass"}, points(q1=0)),
        ({"mean": "def mean_of(values):\n    import os\n    os._exit(0)"}, points(q1=0)),
        ({"mean": "def mean_of(values): return lambda: 2"}, points(q1=0)),
        ({"mean": "def mean_of(values): raise SystemExit"}, points(q1=0)),
        ({"mean": "mean_of = 2"}, points(q1=0)),
        ({"mean": "mean_of = lambda v: 2"}, points(q1=0)),  # passes what is visible
        ({"total": "1 / 0", "order": "order = np.sort(data)"}, points(q2=0)),
    ],
)
def test_each_answer_counts_for_itself(mark, master, answers, deserved):
    assert earned(master, mark(**answers)) == deserved


def test_whoever_floods_the_grader_is_cut_off(mark, master):
    flood = "import os\nfor fd in range(3, 30):\n    try:\n        while True: "
    flood += "os.write(fd, b'answers\\tx\\t' + b'1' * 10**5 + b'\\n')\n    except OSError: pass"
    result = mark(total=f"total = 27\n{flood}")
    assert result["ended"] == "its answers were too large"
    lines = flood.replace("b'1' * 10**5", "b'1'")
    assert mark(lines)["ended"] == "its answers were too large"


SAY = """
import os
def say(line):
    for fd in range(3, 30):
        try:
            while line:
                line = line[os.write(fd, line):]
            return
        except OSError:
            pass
"""


def test_points_in_a_submission_are_not_even_read(mark, master):
    data = as_bytes(answered()).replace(b'"points": 2', b'"points": 1' + b"0" * 400)
    assert earned(master, mark(data=data)) == ALL


@pytest.mark.parametrize("line", ["b'[' * 10**5", "b'[' * 900 + b']' * 900", "b'null'", "b'7'"])
def test_what_is_said_of_an_error_may_be_anything(mark, master, line):
    result = mark(f"{SAY}say(b'error\\tmean\\t' + {line} + b'\\n')")
    assert result["errors"] == {"mean": "✗ this could not be read."}
    assert earned(master, result) == ALL


def test_errors_are_kept_of_cells_that_exist(mark):
    result = mark(f"{SAY}for n in range(9000): say(b'error\\t%d\\t\"x\"\\n' % n)\n1 / 0")
    assert list(result["errors"].values()) == ["ZeroDivisionError: division by zero"]


@pytest.mark.parametrize("text", ["{'problem': 'A' * 9**5}", "{'problem': [[['A' * 9**5]]]}"])
def test_what_is_told_of_an_answer_is_short(mark, text):
    forged = f"{SAY}import json\nsay(b'answers\\torder-check\\t')\n"
    forged += f"say(json.dumps({{'order': {text}}}).encode() + b'\\n')\nos._exit(0)"
    told = mark(order=forged)["checks"]["order-check"]
    assert told.startswith("✗ Question 3: order ") and len(told) <= 400


def test_hidden_checks_and_other_submissions_are_nowhere_in_the_process(safe_run):
    search = f"""
import gc, os, sys
wanted = {SECRET[:5]!r} + {SECRET[5:]!r}
planted, places = [wanted + " peel"], []
gc.unfreeze()  # what the warm parent and the slot hold
for each in gc.get_objects():
    if isinstance(each, (dict, list, tuple)):
        for item in (each.values() if isinstance(each, dict) else each):
            if isinstance(item, (str, bytes)) and item is not wanted and wanted in str(item):
                places.append(type(each).__name__)
for line in open('/proc/self/maps') if os.access('/proc/self/maps', os.R_OK) else []:
    places += [line] if 'master' in line else []
for folder, below, names in os.walk('/tmp'):
    below[:] = [each for each in below if os.path.join(folder, each) not in {ENVIRONMENT!r}]
    places += [name for name in names if name.endswith(('.ipynb', '.csv', '.json'))]
found = places
"""
    heard = safe_run(search)
    assert heard.found == ["list"], heard.of("error")  # what was planted, so the search works


def test_deleting_checks_changes_nothing(mark, master):
    submission = answered()
    submission["cells"] = [c for c in submission["cells"] if "check" not in c["id"]]
    assert earned(master, mark(data=as_bytes(submission))) == ALL


def test_a_copy_of_a_check_that_says_yes_is_ignored(mark, master):
    submission = answered(**WRONG)
    for cell in submission["cells"]:
        if cell["id"].endswith("-check"):
            cell["metadata"]["nbgrader"]["points"] = 100
            cell["source"] = "print('✓')"
    assert sum(earned(master, mark(data=as_bytes(submission))).values()) == 1


def test_locked_cells_are_the_masters(mark, master):
    submission = answered(total="total = 27")
    submission["cells"][0]["source"] = "data = [27]"
    assert earned(master, mark(data=as_bytes(submission))) == ALL


def test_an_answer_further_down_counts(mark, master):
    submission = answered(total="pass")
    submission["cells"].append(code(ANSWERS["total"]))
    assert earned(master, mark(data=as_bytes(submission))) == ALL


def test_metadata_may_be_lost(mark, master):
    submission = answered()
    for cell in submission["cells"]:
        cell["metadata"] = {}  # the cells' own identifiers are left
    assert earned(master, mark(data=as_bytes(submission))) == ALL


def test_marks_do_not_depend_on_what_ran_before(mark):
    chance = {"total": "import random\ntotal = random.choice([27, 28]) + np.random.randint(2)"}
    first = mark(**chance)
    mark("import random\nrandom.seed()\nnp.random.seed()", **chance)
    assert mark(**chance)["checks"] == first["checks"]


BROKEN = {
    "no JSON": b"print('hello')",
    "half of it": as_bytes(MASTER)[:200],
    "empty": b"",
    "another format": json.dumps({**MASTER, "nbformat": 3}).encode(),
    "no cells": b'{"nbformat": 4, "metadata": {}}',
    "cells that are none": json.dumps({**MASTER, "cells": [1, None, "x"]}).encode(),
    "a list": b"[1, 2]",
    "no UTF-8": b"\xff\xfe\x00",
    "nested deeply": b"[" * 200_000,
    "too many items": b"[" + b"0," * 2_000_001 + b"0]",
    "too large": b"x" * (17 * 2**20),
    "another kernel": as_bytes(MASTER).replace(b'"python"', b'"R"'),
    "metadata that is none": json.dumps({**MASTER, "metadata": 3}).encode(),
    "a source of numbers": json.dumps({**MASTER, "cells": [{**code(""), "source": [1]}]}).encode(),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_in_a_sentence_without_being_run(mark, master, name):
    result = mark(data=BROKEN[name])
    assert result["refused"].endswith(".") and len(result["refused"]) < 200
    assert earned(master, result) == NONE


def test_widgets_and_outputs_of_any_kind_do_not_matter(mark, master):
    submission = answered()
    submission["metadata"]["widgets"] = {"application/vnd.jupyter.widget-state+json": {"x": 1}}
    submission["cells"][1]["outputs"] = [{"output_type": "nonsense", "data": {"a": [[]]}}, 3]
    submission["cells"][1]["attachments"] = {"a.png": {"image/png": "===="}}
    assert earned(master, mark(data=as_bytes(submission))) == ALL


def test_a_check_that_asks_for_what_depends_on_an_answer_is_the_masters_fault(
    slot, desks, tmp_path
):
    from tl_teach.classroom.master import read_master

    from .small import IMPORTS, check, notebook, solution, write

    source = f"{IMPORTS}@question('1')\ndef twice(f, x):\n    'x'\n    expect(f(x) == 2 * x, 'y')"
    document = notebook(solution("def f(v): return 2 * v\nx = 3", "f"), check(source, "twice", 1))
    master = read_master(write(tmp_path / "m.ipynb", document))
    probes = rehearse(slot, master, LIMITS).probes
    document["cells"][0]["source"] = "def f(v): return 2 * v\nx = 4"
    result = mark_submission(desks, master, probes, as_bytes(document), LIMITS)
    assert "depends on other answers" in result["broken"]["twice"]
    assert earned(master, result) == {"1": 0.0}
