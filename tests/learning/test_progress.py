import pytest
from tqdm import tqdm

import tl_teach as tl
from tests.tasks import tiny
from tl_teach.learning import progress
from tl_teach.learning.feed import feed
from tl_teach.learning.team import Team


@pytest.fixture
def bars(monkeypatch):
    """The names of the bars that may appear."""
    shown = []

    def noted(*, desc, disable=False, **options):
        shown.extend([] if disable else [desc])
        return tqdm(desc=desc, disable=True, **options)

    monkeypatch.setattr(progress, "tqdm", noted)
    return shown


def frozen():
    return tl.freeze(tiny.network(), through="block1")


def test_training_shows_a_bar_for_the_frozen_part_and_one_of_its_own(bars):
    tl.fit(frozen(), tiny.task(), 1)
    assert bars == ["frozen part, 0 of 36 known", "training"]


def test_without_progress_training_shows_no_bar_at_all(bars):
    tl.fit(frozen(), tiny.task(), 1, validate=True, progress=False)
    assert bars == []


def test_of_a_team_the_first_process_alone_shows_a_bar(bars):
    team = Team()
    team.rank, team.size = 1, 2
    feed(frozen(), tiny.task().train, team=team)
    assert bars == []


def study(**options):
    recipes = {"frozen": tl.Recipe(tiny.network(), tl.Phase("block1", epochs=1))}
    return tl.compare(recipes, tiny.task(), [2], [0, 1], **options)


def test_a_study_shows_its_own_bar_and_those_of_frozen_parts(bars):
    study()
    assert bars[0] == "study" and "training" not in bars
    assert all(bar.startswith("frozen part") for bar in bars[1:]) and len(bars) > 1


def test_without_progress_a_study_shows_no_bar_at_all(bars):
    study(progress=False)
    assert bars == []
    tl.fit(frozen(), tiny.task(seed=1), 1)
    assert len(bars) == 2  # hidden for the study alone
