"""A teacher's evening in small: a class is graded, the grader is killed, goes on, and reports."""

import contextlib
import csv
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tl_teach import cli
from tl_teach.classroom import grade as room
from tl_teach.classroom import slot as slot_module
from tl_teach.classroom.feedback import write_feedback
from tl_teach.classroom.grade import Bench, Settings, grade
from tl_teach.classroom.journal import Journal
from tl_teach.classroom.limits import Limits, NoIsolation
from tl_teach.classroom.marking import rehearse, require_passing
from tl_teach.classroom.master import read_master
from tl_teach.classroom.report import report
from tl_teach.classroom.similar import similar_pairs
from tl_teach.classroom.slot import Lost, WarmParent

from .small import (
    HERE,
    IMPORTS,
    LIMITS,
    MASTER,
    answered,
    as_bytes,
    check,
    code,
    notebook,
    solution,
    write,
)

pytestmark = pytest.mark.timeout(120)
SETTINGS = Settings(limits=LIMITS)
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="submissions are graded on Linux")

LONG = """def mean_of(values):
    result = 0.0
    for position, value in enumerate(values):
        weight = 1 / (position + 1)
        result = result + weight * (value - result)
        if position > 10 ** 6:
            break
    return result"""
SLOW = "import time\ntime.sleep(0.3)"


def class_of_students(folder):
    """Twenty submissions: right, partly right, wrong, alike, broken and hostile ones."""
    wrong = {"total": "total = 26"}
    students = {f"right{n:02}": answered(SLOW) for n in range(8)}
    students |= {f"wrong{n:02}": answered(SLOW, **wrong) for n in range(5)}
    renamed = LONG.replace("value", "entry").replace("result", "so_far")
    students |= {"copy": answered(mean=LONG), "paste": answered(mean=renamed)}
    students["=HYPERLINK(1)"] = answered()
    students["<script>alert(1)</script>"] = answered(total="raise Exception('<script>x</script>')")
    students["leaver"] = answered(order="import os\nos._exit(0)")
    for name, document in students.items():
        path = folder / name.replace("/", "\u2215") / "small.ipynb"
        write(path, document)
    (folder / "broken").mkdir(parents=True)
    (folder / "broken" / "small.ipynb").write_bytes(b"{" * 1000)
    (folder / "empty").mkdir()
    (folder / "empty" / "work.zip").write_bytes(b"")
    return folder


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def evening(tmp_path_factory, master_path, slot):
    """The table after a grading that was killed with its work half done, and started again."""
    folder = tmp_path_factory.mktemp("evening")
    submissions, out = class_of_students(folder / "in"), folder / "grades.csv"
    command = [sys.executable, "-m", "tl_teach", "assignment", "grade", str(submissions)]
    command += ["--master", str(master_path), "--out", str(out), "--workers", "2"]
    command += ["--seconds", "10", "--memory", "400"]
    environment = HERE | {"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1", "HOME": str(folder)}
    journal = Journal(out)
    with subprocess.Popen(command, env=environment) as first:
        while len(journal.entries()) < 6:
            assert first.poll() is None, "it ended by itself"
            time.sleep(0.02)
        assert len(of_that_grader(folder)) > 4  # itself, its warm parent, slots
        first.send_signal(signal.SIGKILL)
    done = {entry["student"]: entry for entry in journal.entries()}
    stamps = {path: path.stat().st_mtime_ns for path in journal.folder.glob("*-*.json")}
    again = [*command, "--feedback", str(folder / "feedback"), "--similar"]
    second = subprocess.run(again, env=environment, capture_output=True, text=True, timeout=100)
    assert second.returncode == 0, second.stderr
    return folder, submissions, out, done, stamps, second.stdout


def test_every_student_has_a_row_with_the_points_that_are_due(evening):
    _, _, out, *_ = evening
    table = rows(out)
    assert len(table) == 20
    points = {name: float(row["points"]) for name, row in table.items()}
    assert {points[f"right{n:02}"] for n in range(8)} == {7.0}
    assert {points[f"wrong{n:02}"] for n in range(5)} == {5.0}
    assert (points["broken"], points["empty"], points["leaver"]) == (0.0, 0.0, 3.0)
    assert "no notebook" in table["empty"]["note"]
    assert "JSON" in table["broken"]["note"] or "nested" in table["broken"]["note"]
    assert all(row["of"] == "7" for row in table.values())


def test_what_was_done_before_the_kill_is_not_done_again(evening):
    _, _, out, done, stamps, _ = evening
    assert 6 <= len(done) < 20
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    after = {entry["student"]: entry for entry in Journal(out).entries()}
    assert all(after[name] == entry for name, entry in done.items())


def test_nothing_of_the_killed_grader_is_left(evening):
    folder = evening[0]
    end = time.monotonic() + 10
    while (left := of_that_grader(folder)) and time.monotonic() < end:
        time.sleep(0.1)
    assert left == []
    assert not list(folder.rglob("*.part"))  # no half-written file


def of_that_grader(folder):
    """Processes whose environment names a folder: the grader, its warm parents, slots and jails."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            if os.fsencode(folder) in Path(f"/proc/{pid}/environ").read_bytes():
                found.append(pid)
    return found


def test_names_are_texts_for_a_spreadsheet(evening):
    assert "'=HYPERLINK(1)" in rows(evening[2])


def test_feedback_is_one_harmless_page_for_each_student(evening):
    folder = evening[0]
    pages = sorted((folder / "feedback").glob("*.html"))
    assert len(pages) == 20
    texts = {page.name: page.read_text("utf-8") for page in pages}
    for text in texts.values():
        assert "<script" not in text and not re.search(r"(src|href|url)\s*[=(]", text)
    wrong = next(text for name, text in texts.items() if name.startswith("wrong00"))
    assert "Question 2: 1 of 3" in wrong and "expected the sum of all data." in wrong
    assert "Is one left out?" in wrong and "27" not in wrong
    leaver = next(text for name, text in texts.items() if name.startswith("leaver"))
    assert "did not run to its end" in leaver or "did not answer" in leaver


def test_alike_pairs_are_listed_also_with_other_names(evening):
    assert "copy and paste" in evening[5]
    assert "right" not in evening[5].replace("copyright", "")


def test_the_report_shows_the_class_and_names_nobody(evening, master_path, tmp_path):
    _, _, out, *_ = evening
    page = tmp_path / "report.html"
    command = ["assignment", "report", str(out), "--master", str(master_path), "-o", str(page)]
    assert cli.main(command) == 0
    text = page.read_text("utf-8")
    assert "20 submissions" in text and "expected the sum of all data" in text
    assert not any(entry["student"] in text for entry in Journal(out).entries())
    assert "http" not in text and "<script" not in text
    counts = [int(n) for n in re.findall(r"(\d+) from", text)]
    assert sum(counts) == 20


def test_a_changed_question_is_graded_again_for_all_and_no_other(evening, master, tmp_path):
    _, submissions, out, *_ = evening
    document = json.loads(as_bytes(MASTER))
    for cell in document["cells"]:
        cell["source"] = cell["source"].replace("4 + 8 + 15", "26").replace("sum(data)", "26")
        cell["source"] = cell["source"].replace("order.tolist()", "len(order) and [0]")
    changed = write(tmp_path / "small" / "master.ipynb", document)
    with pytest.raises(ValueError, match=r"does not pass itself: .*✗ Question 3: ") as refusal:
        grade(submissions, changed, out, SETTINGS)
    assert "\n" not in str(refusal.value)
    document["cells"][-1]["source"] = MASTER["cells"][-1]["source"]
    write(changed, document)
    chosen = tmp_path / "two"
    for name in ("right00", "wrong00"):
        write(
            chosen / name / "small.ipynb",
            json.loads((submissions / name / "small.ipynb").read_text()),
        )
    before = rows(out)
    grade(chosen, changed, out, Settings(limits=LIMITS, regrade="2"))
    after = rows(out)
    assert (after["right00"]["question 2 (of 3)"], after["wrong00"]["question 2 (of 3)"]) == (
        "1",
        "3",
    )
    for name in ("right00", "wrong00"):
        assert after[name]["question 1 (of 2)"] == before[name]["question 1 (of 2)"] == "2"


@on_linux
def test_an_unknown_question_is_one_sentence(master_path, tmp_path, capsys):
    command = ["assignment", "grade", str(tmp_path), "--master", str(master_path), "--regrade", "9"]
    assert cli.main([*command, "--out", str(tmp_path / "g.csv")]) == 1
    assert "no question named '9'" in capsys.readouterr().err


def test_only_what_was_handed_in_anew_is_graded_again(slot, master_path, tmp_path):
    folder, out = tmp_path / "in", tmp_path / "grades.csv"
    for name in ("ada", "bob"):
        write(folder / name / "small.ipynb", answered(total="total = 0"))
    grade(folder, master_path, out, SETTINGS)
    stamp = {path.name: path.stat().st_mtime_ns for path in Journal(out).folder.glob("*.json")}
    write(folder / "bob" / "small.ipynb", answered())
    grade(folder, master_path, out, SETTINGS)
    changed = {
        p.name for p in Journal(out).folder.glob("*.json") if stamp[p.name] != p.stat().st_mtime_ns
    }
    assert {name.partition("-")[0] for name in changed} == {"bob"}
    assert rows(out)["bob"]["points"] == "7"


def test_one_who_takes_the_grader_along_does_not_stop_the_evening(warm, rehearsal, monkeypatch):
    with Bench(SETTINGS, warm, rehearsal) as bench:
        first = bench.desks
        mark = room.mark_submission

        def fatal(desks, *rest):
            os.kill(desks.cells.process, signal.SIGKILL)  # as if the machine had taken it
            return mark(desks, *rest)

        monkeypatch.setattr(room, "mark_submission", fatal)
        assert bench.mark(as_bytes(answered()))["ended"] == "the grader lost it"
        monkeypatch.setattr(room, "mark_submission", mark)
        assert bench.mark(as_bytes(answered()))["ended"] == "" and bench.desks != first


def test_a_warm_parent_that_was_ended_is_started_again(master, rehearsal):
    with WarmParent(master) as warm:
        warm.learn(rehearsal.modules)
        with Bench(SETTINGS, warm, rehearsal) as bench:
            warm.process.kill()
            warm.process.wait()
            assert bench.mark(as_bytes(answered()))["ended"] == ""  # slots stand by themselves
            for slot in bench.desks:
                os.kill(slot.process, signal.SIGKILL)
            assert bench.mark(as_bytes(answered()))["ended"] == ""


def test_odd_modules_do_not_end_or_hang_the_warm_parent(slot, tmp_path, monkeypatch):
    odd = "import socket\nsocket.setdefaulttimeout(0.05)\nraise SystemExit"
    (tmp_path / "odd.py").write_text(odd)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    master = read_master(write(tmp_path / "master.ipynb", MASTER))
    with WarmParent(master) as warm:
        warm.learn(["odd", *(f"no_such_module_{'x' * 200}_{n}" for n in range(2000))])
        with Bench(SETTINGS, warm, rehearse(slot, master, LIMITS)) as bench:
            assert bench.desks
            time.sleep(0.2)  # longer than what the module set for all sockets
            desks = bench.desks
            result = bench.mark(as_bytes(answered()))
            assert (result["ended"], bench.desks) == ("", desks)


@on_linux
def test_a_fork_that_fails_is_told_and_the_warm_parent_stays(master, monkeypatch):
    with WarmParent(master) as warm:
        hear, process = slot_module._hear, warm.process

        def failed(control):
            hear(control)
            raise Lost("no memory")

        monkeypatch.setattr(slot_module, "_hear", failed)
        with pytest.raises(Lost, match="no memory"):
            warm.slot()
        assert warm.process is process and process.poll() is None
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b'{"lost": "no memory"}')
        with pytest.raises(Lost, match=r"could not start another process \(no memory\)"):
            hear(ours)


FEATURES = f"""{IMPORTS}@question("1")
def features_are_right(features):
    \"\"\"the features of ten digits\"\"\"
    import tl_teach as tl
    part = tl.load_task("handwriting", labels_per_class=1, seed=0).train
    right = tl.extract_features(tl.load_network("letters-resnet"), part, "block1").values
    expect(abs(features - right).max() == 0, "the features of block1", "Which stage is it?")
"""
FOUND = """import sys
store = sys.modules.get("tl_teach.learning.store")
found = None if store is None else [len(shelf.rows) for shelf in store.STORE._shelves.values()]
"""


@pytest.fixture(scope="module")
def with_features(slot, tmp_path_factory):
    """A master whose solution and check both need what frozen stages give."""
    solution_of = """task = tl.load_task("handwriting", labels_per_class=1, seed=0)
net = tl.load_network("letters-resnet")
features = tl.extract_features(net, task.train, "block1").values"""
    document = notebook(
        code("import tl_teach as tl"),
        solution(solution_of, "features"),
        check(FEATURES, "features-check", 1),
    )
    path = tmp_path_factory.mktemp("with-features") / "master.ipynb"
    return read_master(write(path, document))


def test_what_frozen_stages_gave_to_the_master_is_where_checks_run_and_nowhere_else(with_features):
    limits = Limits(seconds=30, cell_seconds=30, wall=100, memory=2**30)
    with WarmParent(with_features) as warm:
        with warm.slot() as slot:
            rehearsal = rehearse(slot, with_features, limits)
        assert "tl_teach.learning.features" in rehearsal.modules and len(rehearsal.kept) > 640
        warm.learn(rehearsal.modules)
        with Bench(Settings(limits=limits), warm, rehearsal) as bench:
            require_passing(bench.desks, with_features, rehearsal, limits)
            steps = [
                {"label": "a", "source": FOUND},
                {"label": "b", "check": "b", "names": ["found"]},
            ]
            job = {"part": "sit", "cell_seconds": 5, "steps": steps, "room": 1000}
            found = [slot.run(job, limits, then=list).of("answers")["b"] for slot in bench.desks]
    assert found == ['{"found": {"list": []}}\n', '{"found": {"list": [10]}}\n']


def test_a_flaw_of_the_graders_own_does_not_stop_the_evening(
    slot, master_path, tmp_path, monkeypatch
):
    for name in ("ada", "bob"):
        write(tmp_path / "in" / name / "small.ipynb", answered())
    write(tmp_path / "in" / "eve.ipynb", answered(total="total = 0"))
    out, work = tmp_path / "grades.csv", room.mark_submission

    def flawed(desks, master, probes, data, limits):
        if b"total = 0" in data:
            raise OverflowError("int too large to convert to float")
        return work(desks, master, probes, data, limits)

    monkeypatch.setattr(room, "mark_submission", flawed)
    grade(tmp_path / "in", master_path, out, SETTINGS)
    table = rows(out)
    assert [table[name]["points"] for name in ("ada", "bob", "eve")] == ["7", "7", "0"]
    assert table["eve"]["note"].startswith("the grader lost it (OverflowError: int too large")
    monkeypatch.setattr(room, "mark_submission", work)
    grade(tmp_path / "in", master_path, out, SETTINGS)
    assert (rows(out)["eve"]["points"], rows(out)["eve"]["note"]) == ("5", "")


@pytest.mark.parametrize("error", [NoIsolation("not here"), KeyboardInterrupt()])
def test_without_isolation_or_at_a_key_all_stops(warm, rehearsal, monkeypatch, error):
    def stop(*_):
        raise error

    monkeypatch.setattr(room, "mark_submission", stop)
    with Bench(SETTINGS, warm, rehearsal) as bench, pytest.raises(type(error)):
        bench.mark(as_bytes(answered()))


@pytest.fixture
def zero(slot, master_path, tmp_path):
    """A class of one, Ada, who first handed in what earns nothing; grades again, one question."""
    folder, out = tmp_path / "in", tmp_path / "grades.csv"

    def again(document, changed=MASTER, **result):
        journal = Journal(out)
        ((entry, path),) = [
            (json.loads(path.read_text()), path) for path in journal.folder.glob("ada-*.json")
        ]
        entry["result"] |= result
        path.write_text(json.dumps(entry))
        write(folder / "ada" / "small.ipynb", document)
        master = write(tmp_path / "small" / "master.ipynb", changed)
        grade(folder, master, out, Settings(limits=LIMITS, regrade="2"))
        return rows(out)["ada"]["points"]

    write(folder / "ada" / "small.ipynb", answered("raise SystemExit", order="order = 0"))
    grade(folder, master_path, out, SETTINGS)
    assert rows(out)["ada"]["points"] == "5"
    return again


CHANGED = json.loads(as_bytes(MASTER).replace(b"the sum of all data", b"a sum"))


def test_who_handed_in_again_is_graded_anew_also_when_one_question_is(zero):
    assert zero(answered(), CHANGED) == "7"


@pytest.mark.parametrize("before", [{"refused": "No notebook."}, {"ended": room.LOST}])
def test_what_was_not_marked_is_not_kept_when_one_question_is_graded_anew(zero, before):
    same = answered("raise SystemExit", order="order = 0")
    nothing = dict.fromkeys(["mean-check", "total-check", "total-hidden", "order-check"], "✗ no")
    assert zero(same, CHANGED, checks=nothing, **before) == "5"


def test_what_was_earned_stands_if_the_new_run_is_lost(zero, monkeypatch):
    same, work = answered("raise SystemExit", order="order = 0"), room.mark_submission
    monkeypatch.setattr(room, "mark_submission", lambda *_: room.unmarked(_[1], ended=room.LOST))
    assert zero(same, CHANGED) == "5"
    monkeypatch.setattr(room, "mark_submission", work)
    assert zero(same, CHANGED) == "5"


def test_a_check_that_draws_by_chance_asks_the_same_of_all(slot, tmp_path):
    source = f"""{IMPORTS}@question("1")
def twice(double):
    \"\"\"twice a number\"\"\"
    number = __import__("torch").rand(1).item()  # an import that nobody sees beforehand
    expect(double(number) == 2 * number, "twice", "Add it to itself.")
"""
    right = solution("def double(x):\n    return x + x", "double")
    document = notebook(right, check(source, "twice", 1))
    write(tmp_path / "in" / "ada.ipynb", document)
    limits = Limits(seconds=30, cell_seconds=30, wall=100, memory=2**30)
    master, out = write(tmp_path / "master.ipynb", document), tmp_path / "grades.csv"
    grade(tmp_path / "in", master, out, Settings(limits=limits))
    assert rows(out)["ada"]["points"] == "1"


@pytest.mark.parametrize(
    "old",
    [
        {},
        {"made_with": "another version"},
        {"made_with": room._versions()},  # but what it kept is damaged
        {"made_with": room._versions(), "kept": "", "probes": [1]},
    ],
)
def test_what_another_version_kept_is_not_used_nor_what_is_damaged(
    slot, master, master_path, tmp_path, old
):
    write(tmp_path / "in" / "ada.ipynb", answered())
    journal = Journal(tmp_path / "grades.csv")
    known = {"digest": master.digest, "probes": [["no-check", "no_name", {}]], "modules": []}
    journal.write("master", known | {"kept": "no base64"} | old)
    grade(tmp_path / "in", master_path, journal.grades, SETTINGS)
    assert rows(journal.grades)["ada"]["points"] == "7"
    assert journal.read("master")["probes"] != known["probes"]


@pytest.mark.parametrize("damaged", ["{}", '{"result": {}}', "[" * 10**5, "null", '{"student": 1}'])
def test_a_damaged_journal_is_no_journal(slot, master_path, tmp_path, damaged):
    write(tmp_path / "in" / "ada.ipynb", answered())
    out = tmp_path / "grades.csv"
    grade(tmp_path / "in", master_path, out, SETTINGS)
    for entry in Journal(out).folder.glob("*.json"):
        entry.write_text(damaged)
    assert Journal(out).entries() == []
    grade(tmp_path / "in", master_path, out, SETTINGS)
    assert rows(out)["ada"]["points"] == "7" and len(Journal(out).entries()) == 1


def test_a_report_is_of_what_this_master_graded(slot, master_path, tmp_path):
    write(tmp_path / "in" / "ada.ipynb", answered())
    out, page = tmp_path / "grades.csv", tmp_path / "report.html"
    grade(tmp_path / "in", master_path, out, SETTINGS)
    other = write(tmp_path / "other.ipynb", CHANGED)
    with pytest.raises(ValueError, match=r"was graded by .*other.ipynb as it is now"):
        report(out, other, page)
    write(tmp_path / "again" / "bob.ipynb", answered())
    grade(tmp_path / "again", other, out, SETTINGS)
    report(out, other, page)
    assert "<p>1 submissions; mean 7.0" in page.read_text("utf-8")
    assert " 1 others were graded by another master" in page.read_text("utf-8")


@on_linux
@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ("IN --master M --seconds 0", 2, "'0' does not work: expected a number from 1 to"),
        ("IN --master M --seconds=-1", 2, "'-1' does not work: expected a number from 1 to"),
        ("IN --master M --seconds nan", 2, "'nan' does not work"),
        ("IN --master M --memory 1", 2, "'1' does not work: expected a number from 64 to"),
        ("IN --master M --memory inf", 2, "'inf' does not work"),
        ("IN --master M --workers x", 2, "'x' does not work: expected a whole number from 1"),
        ("IN/ada.ipynb --master M", 1, "expected a folder or a zip file."),
        ("EMPTY --master M", 1, "There are no submissions in"),
        ("IN --master M --out IN", 1, "is no file for grades"),
        ("IN --master M --out g.journal", 1, "is no file for grades"),
        ("IN --master EMPTY", 1, "cannot be used here: is a directory; give another."),
        ("IN --master none", 1, "'none' cannot be used here: no such file or directory"),
        ("IN --master M --feedback M", 1, "cannot be used here: file exists"),
    ],
)
def test_wrong_usage_is_one_sentence_before_any_work(
    master_path, tmp_path, capsys, monkeypatch, arguments, code, says
):
    monkeypatch.setattr(room, "WarmParent", lambda *_: pytest.fail("it began to work"))
    write(tmp_path / "IN" / "ada.ipynb", answered())
    (tmp_path / "EMPTY").mkdir()
    monkeypatch.chdir(tmp_path)
    words = [str(master_path) if word == "M" else word for word in arguments.split()]
    assert cli.main(["assignment", "grade", *words]) == code
    assert says in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "grades.csv").exists()


@pytest.mark.parametrize("command", ["check none", "release none", "report none --master none"])
def test_a_file_that_is_not_there_is_one_sentence(capsys, command):
    assert cli.main(["assignment", *command.split()]) == 1
    said = "tl-teach: 'none' cannot be used here: no such file or directory; give another.\n"
    assert capsys.readouterr().err == said


@pytest.mark.parametrize("begun", ["lock", "master.json"])  # the warm parent starts; it has a jail
@pytest.mark.parametrize(("stop", "says"), [("a key", "Interrupted.\n"), ("a kill", "")])
def test_a_grader_that_is_stopped_leaves_no_traceback(
    slot, master_path, tmp_path, begun, stop, says
):
    write(tmp_path / "in" / "ada.ipynb", answered("import time\ntime.sleep(5)"))
    command = [sys.executable, "-m", "tl_teach", "assignment", "grade", str(tmp_path / "in")]
    command += ["--master", str(master_path), "--out", str(tmp_path / "grades.csv")]
    environment = HERE | {"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    quiet = {"env": environment, "start_new_session": True, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **quiet) as grader:
        while not (tmp_path / "grades.journal" / begun).exists():
            assert grader.poll() is None, "it ended by itself"
            time.sleep(0.02)
        time.sleep(0.2)
        if stop == "a key":
            os.killpg(grader.pid, signal.SIGINT)  # as a terminal does
        else:
            grader.kill()
        assert grader.communicate(timeout=60)[1] == says  # once all who could speak have ended


@on_linux
def test_two_graders_do_not_write_one_table(master_path, tmp_path):
    write(tmp_path / "in" / "ada.ipynb", answered())
    out = tmp_path / "grades.csv"
    with Journal(out).alone(), pytest.raises(ValueError, match="Another grader is writing"):
        grade(tmp_path / "in", master_path, out, SETTINGS)


def test_without_isolation_only_by_name(slot, master_path, tmp_path, capsys):
    write(
        tmp_path / "in" / "ada.ipynb", answered("import os\nuser = os.getuid()", total="total = 27")
    )
    command = ["assignment", "grade", str(tmp_path / "in"), "--master", str(master_path)]
    out = tmp_path / "grades.csv"
    assert cli.main([*command, "--out", str(out), "--no-isolation", "--workers", "1"]) == 0
    assert rows(out)["ada"]["points"] == "7"


def test_a_given_cell_that_was_changed_is_told_to_teacher_and_student(slot, master_path, tmp_path):
    for name, added in (("ada", "\nimport statistics"), ("bob", "  \n")):  # blanks are no change
        submission = answered()
        (setup,) = (cell for cell in submission["cells"] if cell["id"] == "setup")
        setup["source"] += added
        write(tmp_path / "in" / f"{name}.ipynb", submission)
    out = tmp_path / "grades.csv"
    command = ["assignment", "grade", str(tmp_path / "in"), "--master", str(master_path)]
    command += ["--out", str(out), "--feedback", str(tmp_path / "pages"), "--workers", "1"]
    assert cli.main(command) == 0
    assert rows(out)["ada"]["note"] == "given cell changed: setup" and not rows(out)["bob"]["note"]
    (page,) = (tmp_path / "pages").glob("ada*.html")
    assert "You changed what was given to you (setup); it was graded as given." in page.read_text()


def test_short_answers_are_not_compared(master):
    notebooks = {name: as_bytes(answered()) for name in ("ada", "bob", "eve")}
    assert similar_pairs(master, notebooks) == []


def test_feedback_is_only_written_for_what_was_graded(master, tmp_path):
    write_feedback(Journal(tmp_path / "none.csv"), [], master, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_two_may_write_one_file_and_what_a_killed_one_left_is_no_entry(tmp_path):
    journal = Journal(tmp_path / "grades.csv")
    entry = {"student": "ant", "number": "", "notes": [], "digest": "d", "master": "m"}
    entry["result"] = {"checks": {}, "errors": {}, "broken": {}, "refused": "", "ended": ""}
    with ThreadPoolExecutor(4) as threads:
        for _ in threads.map(lambda _: journal.write("ant", entry), range(100)):
            pass
    (journal.folder / ".0123.ant.json").write_text((journal.folder / "ant.json").read_text())
    assert journal.entries() == [entry]
