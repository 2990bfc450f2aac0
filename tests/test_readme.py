"""The README's example runs as it stands."""

import re
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"


def test_the_example_in_the_readme_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(example, "README.md", "exec"), {})
    assert "accuracy" in capsys.readouterr().out
    assert (tmp_path / "network.png").stat().st_size > 0


def test_its_times_are_those_of_the_measured_page():
    readme = README.read_text(encoding="utf-8")
    _, _, rest = readme.partition("<!-- speed -->")
    rows = [line.split("|")[1:-1] for line in rest.split("<!-- end")[0].splitlines() if "|" in line]
    results = (README.parent / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8")
    section = results.split("\n## Head only\n")[1].split("The same for 25 epochs")[0]
    measured = {line.split("|")[1].strip(): line for line in section.splitlines() if "|" in line}
    assert len(rows) > 2
    for name, *numbers in (row for row in rows[2:]):
        assert all(number.strip() in measured[name.strip()] for number in numbers), name
