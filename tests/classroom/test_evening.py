"""A teacher's evening: all assignments go out, two hundred notebooks come back."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tl_teach import cli
from tl_teach.classroom.journal import Journal
from tl_teach.classroom.master import read_master
from tl_teach.classroom.notebook import read_notebook
from tl_teach.classroom.release import strip

from .mistakes import MISTAKES
from .small import HERE, code, write
from .test_grade import rows

ASSIGNMENTS = Path(__file__).parents[2] / "book" / "assignments"
MASTER = ASSIGNMENTS / "language" / "master.ipynb"
FULL, CLASS = 17.0, 200
HOSTILE = {
    "leaves": "import os\nos._exit(0)",
    "never ends": "while True:\n    pass",
    "forks": "import os\nwhile True:\n    os.fork()",
    "eats memory": "held = []\nwhile True:\n    held.append(bytearray(2**24))",
    "fills the disk": "while True:\n    open('full', 'ab').write(b'x' * 2**22)",
    "talks": "while True:\n    print('x' * 2**20)",
    "reads": "open('/etc/passwd').read()",
    "calls home": "import socket\nsocket.create_connection(('127.0.0.1', 80), 1)",
    "says yes": "from tl_teach.classroom import questions\nquestions._run = lambda *_: '✓'",
    "bends": "np.allclose = np.array_equal = lambda *_: True\nabs = lambda _: 0",
}
ANSWER_OF = {
    "padding-does-not-count": "pool",
    "closest-is-found": "closest",
    "reviews-stay-whole": "divide",
    "detour-is-added": "detour",
    "share-is-small": "learning-share",
    "first-is-right": "first",
}


def class_of_students(folder):
    """Two hundred notebooks; gives the points that each deserves, None where chance decides."""
    master = read_notebook(MASTER.read_bytes())
    empty, _ = strip(master)
    points = {check.id: check.points for check in read_master(MASTER).checks.values()}
    mistakes = [(check, each[0]) for of, check, _, each in MISTAKES if of == "language"]
    due = {}

    def hand_in(student, document, deserved):
        write(folder / student / "language.ipynb", document)
        due[student] = deserved

    def wrong(document, check, source):
        changed = json.loads(json.dumps(document))
        for cell in changed["cells"]:
            if cell["id"] == ANSWER_OF[check]:
                cell["source"] = source
        return changed

    for number in range(90):
        hand_in(f"right-{number:03}", master, FULL)
    for number in range(70):
        check, source = mistakes[number % len(mistakes)]
        hand_in(f"partly-{number:03}", wrong(master, check, source), FULL - points[check])
    for number in range(10):
        hand_in(f"empty-{number:03}", empty, 0.0)
    for number in range(20):
        (folder / f"broken-{number:03}").mkdir(parents=True)
        text = json.dumps(master).encode()[: 50 + 7 * number]
        (folder / f"broken-{number:03}" / "language.ipynb").write_bytes(text)
        due[f"broken-{number:03}"] = 0.0
    harmless = {"reads", "calls home", "says yes", "bends", "talks", "never ends", "fills the disk"}
    for name, source in HOSTILE.items():
        bad = json.loads(json.dumps(empty if name in ("says yes", "bends") else master))
        bad["cells"].insert(2, code(source))
        forged = name in ("says yes", "bends")
        hand_in(f"hostile {name}", bad, 0.0 if forged else FULL if name in harmless else None)
    return due


@pytest.mark.timeout(900)
def test_all_goes_out_two_hundred_come_back_and_each_earns_what_it_deserves(slot, tmp_path, capsys):
    masters = sorted(ASSIGNMENTS.glob("*/master.ipynb"))
    for master in masters:
        student, secrets = strip(read_notebook(master.read_bytes()))
        assert secrets and "BEGIN SOLUTION" not in json.dumps(student)
    assert cli.main(["assignment", "release", str(MASTER), "-o", str(tmp_path / "out")]) == 0
    due, out = class_of_students(tmp_path / "in"), tmp_path / "grades.csv"
    assert len(due) == CLASS
    command = [sys.executable, "-m", "tl_teach", "assignment", "grade", str(tmp_path / "in")]
    command += ["--master", str(MASTER), "--out", str(out), "--workers", "2"]
    command += ["--seconds", "4", "--memory", "400"]
    environment, journal = HERE | {"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}, Journal(out)
    started = time.monotonic()
    with subprocess.Popen(command, env=environment) as first:
        while len(list(journal.folder.glob("*.json"))) < CLASS // 3:
            assert first.poll() is None, "it ended by itself"
            time.sleep(0.05)
        first.send_signal(signal.SIGKILL)
    kept = len(journal.entries())
    second = subprocess.run(command, env=environment, capture_output=True, text=True)
    seconds = time.monotonic() - started
    assert second.returncode == 0, second.stderr
    points = {student: float(row["points"]) for student, row in rows(out).items()}
    unfair = {
        name: (points[name], due[name]) for name in due if due[name] not in (None, points[name])
    }
    assert len(points) == CLASS and not unfair
    page = tmp_path / "report.html"
    command = ["assignment", "report", str(out), "--master", str(MASTER), "-o", str(page)]
    assert cli.main(command) == 0 and f"{CLASS} submissions" in page.read_text("utf-8")
    with capsys.disabled():
        print(
            f"\n{len(masters)} assignments stripped; {CLASS} submissions graded in "
            f"{seconds:.0f} s, "
            f"{seconds / CLASS * 1000:.0f} ms each, with one kill after {kept} of them; "
            f"{sum(point == FULL for point in points.values())} earned all points, "
            f"{sum(point == 0 for point in points.values())} none."
        )
