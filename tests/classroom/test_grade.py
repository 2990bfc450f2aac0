"""A teacher's evening in small: a class is graded, the grader is killed, goes on, and reports."""

import contextlib
import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tl_teach import cli
from tl_teach.classroom import grade as room
from tl_teach.classroom.feedback import write_feedback
from tl_teach.classroom.grade import Bench, Settings, grade
from tl_teach.classroom.journal import Journal
from tl_teach.classroom.similar import similar_pairs

from .small import HERE, LIMITS, MASTER, answered, as_bytes, write

pytestmark = pytest.mark.timeout(120)
SETTINGS = Settings(limits=LIMITS)

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
    environment = HERE | {"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    journal = Journal(out)
    with subprocess.Popen(command, env=environment) as first:
        while len(journal.entries()) < 6:
            assert first.poll() is None, "it ended by itself"
            time.sleep(0.02)
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
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            assert str(folder).encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
    assert not list(folder.rglob("*.part"))  # no half-written file


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
    with pytest.raises(ValueError, match="does not pass itself"):
        grade(submissions, changed, out, SETTINGS)
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


def test_one_who_takes_the_grader_along_does_not_stop_the_evening(master, probes, monkeypatch):
    with Bench(SETTINGS, master, probes) as bench:
        first = bench.slot
        kill = room.mark_submission

        def fatal(slot, *rest):
            slot._process.kill()  # as if the machine had taken it
            return kill(slot, *rest)

        monkeypatch.setattr(room, "mark_submission", fatal)
        assert bench.mark(as_bytes(answered()))["ended"] == "the grader lost it"
        monkeypatch.setattr(room, "mark_submission", kill)
        assert bench.mark(as_bytes(answered()))["ended"] == "" and bench.slot is not first


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


def test_short_answers_are_not_compared(master):
    notebooks = {name: as_bytes(answered()) for name in ("ada", "bob", "eve")}
    assert similar_pairs(master, notebooks) == []


def test_feedback_is_only_written_for_what_was_graded(master, tmp_path):
    write_feedback(Journal(tmp_path / "none.csv"), [], master, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
