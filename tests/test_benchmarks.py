"""The tables of speed are what the kept runs say, and nobody has touched them since."""

import json
import subprocess
from pathlib import Path

import pytest

from benchmarks import __main__ as program
from benchmarks import extraction, harness, head_only
from benchmarks.__main__ import KEPT, RESULTS, SCENARIOS, kept_runs, page
from benchmarks.harness import Plan, Run, Side, pairwise, take_turns
from benchmarks.report import difference_in_points
from benchmarks.transfer import OURS

README = Path(__file__).parent.parent / "README.md"


@pytest.fixture(scope="module")
def kept():
    return kept_runs()


def test_every_kept_run_belongs_to_a_scenario(kept):
    assert {file.stem for file in KEPT.iterdir()} == set(kept) <= set(SCENARIOS)
    assert len(kept) > 5


def test_the_results_are_those_of_the_kept_runs(kept):
    assert RESULTS.read_text(encoding="utf-8") == page(kept)


def test_the_readme_shows_the_kept_runs_too(kept):
    text = README.read_text(encoding="utf-8")
    assert text == head_only.in_readme(text, kept["head_only"])


def test_no_accuracy_differs_where_the_readme_says_so(kept):
    assert "no accuracy differs from ours\nbeyond its 95 % interval" in README.read_text("utf-8")
    runs = harness.from_json(kept["head_only"]["data"]["runs"])
    for name in runs:
        if name != OURS and "25 epochs" not in name:
            _, low, high = difference_in_points(runs, name, OURS)
            assert low < 0 < high, name


def answered(*rights):
    return [Run(turn, 1.0, 1.0, {"right": right}) for turn, right in enumerate(rights)]


def test_a_difference_is_paired_and_holds_the_luck_of_training():
    sure, half = [1] * 200, [1, 0] * 100
    for turns, width in (((half,), (10, 16)), ((half, half), (10, 16)), ((half, sure), (45, 55))):
        runs = {"ours": answered(*[sure] * 2), "theirs": answered(*turns)}
        mean, low, high = difference_in_points(runs, "theirs", "ours")
        assert mean == -50 * sum(turn is half for turn in turns) / len(turns)
        assert low <= mean <= high and width[0] < high - low < width[1]
    alone = {"ours": answered(half, sure), "theirs": answered(half)}
    assert difference_in_points(alone, "theirs", "ours") == (0, 0, 0), "the same turn only"


def test_each_part_says_on_which_machine_where_there_were_two(kept):
    slow = kept["study"] | {"machine": kept["study"]["machine"] | {"processor": "an abacus"}}
    text = page(kept | {"study": slow})
    assert "an abacus" in text
    assert "on machine B" in text


def test_without_a_run_there_is_nothing_to_write_from(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(program, "KEPT", tmp_path)
    monkeypatch.setattr(program, "RESULTS", tmp_path / "RESULTS.md")
    monkeypatch.setattr("sys.argv", ["benchmarks", "--write"])
    with pytest.raises(SystemExit):
        program.main()
    assert "measure without --write" in capsys.readouterr().err
    assert not program.RESULTS.exists()


@pytest.fixture
def quiet(monkeypatch):
    """Sides that take no time; the names of those that ran, in order."""
    ran = []

    def run_once(side, turn=0):
        if side.name == "broken":
            raise RuntimeError("it broke\n")
        if side.name == "stopped" and turn == 1:
            raise KeyboardInterrupt
        ran.append((side.name, turn))
        return Run(turn, 10.0, 1.0, {"seconds": 2.0 if side.name == "ours" else 6.0 + turn})

    monkeypatch.setattr(harness, "run_once", run_once)
    return ran


def sides(*names, **options):
    return [Side(name, "somewhere:something", **options) for name in names]


def silent(repetitions, **options):
    return Plan(repetitions, tell=lambda line: None, **options)


def test_sides_take_turns(quiet):
    data = take_turns(sides("ours", "theirs"), silent(2))
    assert quiet == [("ours", 0), ("theirs", 0), ("ours", 1), ("theirs", 1)]
    runs = harness.from_json(json.loads(json.dumps(data["runs"])))
    assert pairwise(runs, "theirs", "ours", "seconds") == [3.0, 3.5]


def test_turns_go_on_where_they_ended(quiet):
    before = take_turns(sides("ours", "theirs"), silent(1))
    data = take_turns(sides("ours", "theirs"), silent(2, before=before, only=["ours"]))
    assert quiet[2:] == [("ours", 1), ("ours", 2)]
    assert {name: len(done) for name, done in data["runs"].items()} == {"ours": 3, "theirs": 1}
    runs = harness.from_json(data["runs"])
    assert pairwise(runs, "theirs", "ours", "seconds") == [3.0], "neighbours only"


def test_whoever_is_slow_or_has_had_its_turns_gets_no_more(quiet):
    before = take_turns(sides("ours"), silent(1))
    assert len(take_turns(sides("ours"), silent(5, patience=25.0))["runs"]["ours"]) == 3
    rest = take_turns(sides("ours", repetitions=2), silent(5, before=before))
    assert len(rest["runs"]["ours"]) == 2


def test_what_fails_is_told_and_the_others_go_on(quiet):
    data = take_turns(sides("broken", "ours"), silent(1))
    assert list(data["runs"]) == ["ours"]
    assert data["missing"] == ["broken: failed: it broke"]
    absent = sides("absent", needs=("a_module_that_nobody_has",))
    again = take_turns([*absent, *sides("ours")], silent(1))
    more = take_turns([*absent, *sides("ours")], silent(1, before=again))
    assert more["missing"] == ["absent: not installed: a_module_that_nobody_has"]


def test_an_interrupted_measurement_keeps_its_turns(quiet):
    data = take_turns(sides("ours", "stopped"), silent(3))
    assert [len(done) for done in data["runs"].values()] == [2, 1]


@pytest.fixture
def elsewhere(monkeypatch, tmp_path):
    """The program, writing into a folder of the test."""
    monkeypatch.setattr(program, "ROOT", tmp_path)
    monkeypatch.setattr(program, "KEPT", tmp_path / "runs")
    monkeypatch.setattr(program, "RESULTS", tmp_path / "RESULTS.md")
    return tmp_path


def test_an_interruption_harms_no_kept_run_and_ends_the_whole(elsewhere, monkeypatch):
    monkeypatch.setattr(harness, "run_once", lambda side, turn: Run(turn, 1.0, 1.0, {}))
    words = ["benchmarks", "--only", "startup", "--repetitions", "1"]
    monkeypatch.setattr("sys.argv", words)
    program.main()
    kept = (elsewhere / "runs" / "startup.json").read_bytes()

    def interrupted(side, turn):
        asked.append(side.name)
        raise KeyboardInterrupt

    asked: list[str] = []
    monkeypatch.setattr(harness, "run_once", interrupted)
    monkeypatch.setattr("sys.argv", [*words, "--only", "study"])
    program.main()
    assert len(asked) == 1
    assert [file.name for file in (elsewhere / "runs").iterdir()] == ["startup.json"]
    assert (elsewhere / "runs" / "startup.json").read_bytes() == kept


def test_whoever_interrupts_leaves_nothing_running(monkeypatch):
    started = []

    class Interrupted(subprocess.Popen):
        def wait(self, timeout=None):
            if not started:
                started.append(self)
                raise KeyboardInterrupt
            return super().wait(timeout)

    monkeypatch.setattr(harness.subprocess, "Popen", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        harness.run_once(Side("a sleeper", "time:sleep", {}))
    assert started[0].returncode is not None


def test_a_side_that_ran_after_all_is_not_left_out(quiet):
    before = {"missing": ["ours: not installed: x", "broken: failed: it broke"]}
    before |= take_turns(sides("ours"), silent(1)) | {"missing": before["missing"]}
    data = take_turns(sides("ours"), silent(1, before=before))
    assert data["missing"] == ["broken: failed: it broke"]


def test_extraction_compares_neighbours_and_believes_no_batch_that_was_not_tried(
    quiet, monkeypatch, tmp_path
):
    monkeypatch.setattr(extraction, "_pictures", lambda folder, quick: folder)
    monkeypatch.setattr(extraction, "run_once", lambda side: Run(0, 1.0, 1.0, {"seconds": 1.0}))
    monkeypatch.setattr(extraction, "multiply_adds", lambda: 10**8)
    ours = extraction.measure(silent(1, only=["tl_teach"]))
    assert ours["batches"] == {"tl_teach": None}
    more = extraction.measure(silent(1, only=["PyTorch, as loaded"], before=ours))
    assert more["batches"] == {"tl_teach": None, "PyTorch, as loaded": 1}
    again = extraction.measure(silent(1, only=["tl_teach"], before=more))
    assert again["batches"] == more["batches"]

    result = {"seconds": 1.0, "startup": 1.0, "images": 100, "features": [1.0]}
    slow = result | {"seconds": 19.0}
    runs = {
        "tl_teach": [Run(0, 1.0, 1.0, result), Run(1, 1.0, 1.0, slow)],
        "PyTorch, as loaded": [Run(0, 1.0, 1.0, result)],
        "OpenVINO": [Run(1, 1.0, 1.0, slow)],
    }
    data = {"runs": harness.to_json(runs), "batches": {}, "macs": 1}
    text = extraction.report(data | {"batches": dict.fromkeys(runs)})
    assert "start-up included (OpenVINO): at least 0.9 promised, 1.00 measured" in text


def test_a_side_that_is_not_there_is_refused(quiet):
    with pytest.raises(ValueError, match="nobody: no such side; there are 'ours', 'theirs'"):
        take_turns(sides("ours", "theirs"), silent(1, only=["nobody"]))
    assert quiet == []


@pytest.mark.parametrize("what", ["machine", "code"])
def test_turns_of_another_machine_or_code_are_not_mixed(
    what, quiet, elsewhere, monkeypatch, capsys
):
    words = ["benchmarks", "--only", "startup", "--repetitions", "1", "--side", "Python itself"]
    for more in ([], ["--more"]):
        monkeypatch.setattr("sys.argv", [*words, *more])
        program.main()
    kept = json.loads((elsewhere / "runs" / "startup.json").read_text())
    assert [run["turn"] for run in kept["data"]["runs"]["Python itself"]] == [0, 1]
    assert "2 turns" in program.RESULTS.read_text()

    monkeypatch.setattr(program, what, lambda: "another one")
    with pytest.raises(SystemExit):
        program.main()
    assert f"measured with another {what}" in capsys.readouterr().err
