"""The tables of speed are what the kept runs say, and nobody has touched them since."""

from pathlib import Path

import pytest

from benchmarks import __main__ as program
from benchmarks import head_only
from benchmarks.__main__ import KEPT, RESULTS, SCENARIOS, kept_runs, page

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
