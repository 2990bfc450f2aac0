"""One object, two bodies, and what each explorer shows."""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import tl_teach as tl
from tests.tasks import tiny
from tl_teach.explore import Control, Explorer, View
from tl_teach.explore import frame as frames
from tl_teach.explore.study import shipped_study
from tl_teach.learning import Study
from tl_teach.networks import stage_change

WIDGET = "application/vnd.jupyter.widget-view+json"


def squares(**options) -> Explorer:
    sizes = Control("side", ("1", "2", "3"), 1)
    colours = Control("colour", ("red", "blue"), slides=False)

    def draw(size: int, colour: int) -> View:
        side = size + 1
        return View(f"<b>{side}</b>", f"A {colours.options[colour]} square of area {side**2}.")

    return Explorer("squares", [sizes, colours], draw, **options)


@pytest.fixture(scope="module")
def tuned():
    task = tiny.task()
    before = tl.freeze(tl.replace_head(tiny.network(), task), through="block1")
    after = copy.deepcopy(before)
    tl.fit(after, task, epochs=2, lr=1e-2, progress=False)
    return before, after, task


# --- The frame ------------------------------------------------------------------------------------


def test_without_a_kernel_there_is_only_the_page():
    assert set(squares()._repr_mimebundle_()) == {"text/html", "text/plain"}


def test_with_a_kernel_there_is_a_widget_beside_the_page(monkeypatch):
    monkeypatch.setattr(frames, "_kernel_runs", lambda: True)
    bundle = squares()._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain", WIDGET}
    assert bundle[WIDGET]["version_major"] == 2
    assert bundle[WIDGET]["model_id"]


def test_the_widget_shows_what_its_controls_say():
    box = squares().widget()
    size, colour, drawing = box.children
    assert "A red square of area 4." in drawing.value
    size.value, colour.value = 2, 1
    assert "<b>3</b>" in drawing.value
    assert "A blue square of area 9." in drawing.value


def test_the_page_holds_every_setting():
    page = squares().page
    for words in ("red square of area 1", "blue square of area 9"):
        assert words in page


def test_the_page_shows_the_first_setting_without_scripts():
    page = re.sub(r"<script>.*?</script>", "", squares().page, flags=re.S)
    assert "<b>2</b>" in page
    assert "A red square of area 4." in page
    assert "side 3, colour red: A red square of area 9." in page


def test_the_page_is_sandboxed_and_asks_no_other_host():
    html = squares().html
    assert 'sandbox="allow-scripts"' in html
    assert "allow-same-origin" not in html
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", html)  # a name, no address


def test_the_page_does_not_change_from_run_to_run():
    assert squares().html == squares().html


def test_text_cannot_leave_its_place():
    hostile = "</script><script>alert('x')</script>\"'&"
    explorer = Explorer(hostile, [Control(hostile, (hostile, "b"))], lambda i: View("", hostile))
    assert explorer.html.count("<iframe") == 1
    assert "alert('" not in explorer.html  # a quote would end the attribute
    assert explorer.page.count("</script>") == 1


def test_its_words_are_its_plain_text():
    text = squares()._repr_mimebundle_()["text/plain"]
    assert text.startswith(
        "[Explorer] squares, by side (1, 2, 3); colour (red, blue). A red square"
    )


def test_a_drawing_is_made_once():
    calls = []
    explorer = Explorer(
        "calls", [Control("n", ("a", "b"))], lambda i: (calls.append(i), View("", "x"))[1]
    )
    explorer.html, explorer.view(0), explorer.widget()
    assert sorted(calls) == [0, 1]


def test_nbval_compares_no_explorer():
    from nbval.plugin import get_sanitize_patterns

    rules = Path(__file__).parents[1] / "book" / "nbval-sanitize.cfg"
    patterns = get_sanitize_patterns(rules.read_text(encoding="utf-8"))
    for value in (squares().html, repr(squares())):
        for pattern, replacement in patterns:
            value = re.sub(pattern, replacement, value)
        assert value == "EXPLORER"


# --- The network ----------------------------------------------------------------------------------


def test_the_boundary_decides_how_much_learns():
    net = tl.replace_head(tl.load_network("letters-resnet"), 10)
    explorer = tl.explore_network(net)
    for frozen, name in enumerate(("nothing", "stem", "block1", "block2", "block3")):
        there = tl.unfreeze(copy.deepcopy(net))
        if frozen:
            tl.freeze(there, through=name)
        learn = sum(p.numel() for p in there.parameters() if p.requires_grad)
        assert f"{learn:,} of 77,754 parameters learn" in explorer.view(frozen).words


@pytest.mark.parametrize("through", [None, "stem", "block1", "head"])
def test_it_starts_where_the_boundary_stands(through):
    net = tl.replace_head(tiny.network(), 3)
    if through:
        tl.freeze(net, through=through)
    explorer = tl.explore_network(net)
    expected = through if through in ("stem", "block1") else "block2"
    assert explorer.controls[0].options[explorer.start[0]] == expected


@pytest.mark.parametrize("place", range(5))
def test_the_memory_of_a_step_is_what_one_keeps(place):
    net = tl.load_network("letters-resnet").train().requires_grad_(True)
    words = tl.explore_network(net, batch_size=16).view(place).html
    told = float(re.search(r"memory of a step of 16</t[hd]><td>([\d.]+) MB", words)[1])
    pictures = torch.rand(16, *net.preprocess.shape)
    weights = {each.untyped_storage().data_ptr() for each in net.parameters()}
    blocks = {}

    def note(tensor):
        memory = tensor.untyped_storage()
        if memory.data_ptr() not in weights:
            blocks[memory.data_ptr()] = memory.nbytes()
        return tensor

    with torch.no_grad():
        for name in net.stage_names[:place]:
            pictures = net.stages[name](pictures)
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        for name in net.stage_names[place:]:
            pictures = net.stages[name](pictures)
    learning = sum(p.numel() for n in net.stage_names[place:] for p in net.stages[n].parameters())
    numbers = sum(p.numel() for p in net.parameters()) + 3 * learning
    assert told == pytest.approx((4 * numbers + sum(blocks.values())) / 1e6, abs=0.06)


def test_less_memory_right_of_a_later_boundary():
    explorer = tl.explore_network(tl.replace_head(tl.load_network("letters-resnet"), 10))
    megabytes = [
        float(re.search(r"([\d.]+) MB", explorer.view(place).html)[1]) for place in range(5)
    ]
    assert megabytes == sorted(megabytes, reverse=True)


def test_the_expected_accuracy_is_that_of_the_study():
    explorer = tl.explore_network(tl.replace_head(tl.load_network("letters-resnet"), 10))
    scores = shipped_study().scores("copied, frozen through block2", 5)
    assert f"{scores.mean():.0%} with 5" in explorer.view(3).words


def test_exploring_a_network_leaves_it_as_it_was(tuned):
    net, _, _ = tuned
    before, mode = tl.fingerprint(net), net.training
    assert tl.explore_network(net).html
    assert tl.fingerprint(net) == before
    assert net.training == mode
    assert net.frozen_through == "block1"
    assert all(parameter.grad is None for parameter in net.stages["stem"].parameters())


# --- The study ------------------------------------------------------------------------------------


def test_the_two_switches_name_the_recipe():
    explorer = tl.explore_study()
    assert [control.label for control in explorer.controls] == [
        "start",
        "boundary",
        "labels per class",
        "seed",
    ]
    mean = shipped_study().scores("random, nothing frozen", 20).mean()
    start, boundary = (control.options for control in explorer.controls[:2])
    view = explorer.view(start.index("random"), boundary.index("nothing frozen"), 2, 0)
    assert view.words.startswith(f"random, nothing frozen: accuracy {mean:.0%} with 20")


def test_a_seed_shows_its_own_score():
    scores = shipped_study().scores("copied, frozen through block3", 1)
    for seed, score in enumerate(scores):
        assert f"accuracy {score:.0%} with 1" in tl.explore_study().view(0, 0, 0, seed + 1).words


def test_any_study_can_be_explored():
    import pandas as pd

    rows = [("a", 1, 0, 0.5), ("a", 1, 1, 0.7), ("b", 1, 0, 0.2), ("b", 1, 1, 0.2)]
    table = pd.DataFrame(rows, columns=["recipe", "labels_per_class", "seed", "score"])
    study = Study(table, "accuracy", 0.1)
    explorer = tl.explore_study(study)
    assert explorer.controls[0].options == ("a", "b")
    assert "b: accuracy 20% with 1" in explorer.view(1, 0, 0).words


def test_a_study_by_class_and_in_all_is_explored_by_the_labels_in_all():
    recipes = {"half": lambda task, seed: 0.5}
    study = tl.compare(recipes, "printed-digits", [1, 5], range(2), labels=[100])
    explorer = tl.explore_study(study)
    assert [control.options for control in explorer.controls[1:2]] == [("10", "50", "100")]
    assert "half: accuracy 50% with 100 labels" in explorer.view(0, 2, 0).words
    assert "At 10 labels half 0.50; at 50 half 0.50; at 100 half" in tl.show_study(study).alt


@pytest.mark.parametrize("explore", [
    tl.explore_study,
    lambda study: tl.explore_network(tl.load_network("letters-resnet"), study),
])  # fmt: skip
def test_what_is_no_study_is_not_explored(explore):
    with pytest.raises(TypeError, match=r"Expected a study, but got str; make one with tl\.comp"):
        explore("x")
    empty = replace(shipped_study(), table=shipped_study().table[:0])
    with pytest.raises(ValueError, match=r"The study holds no score; let it finish"):
        explore(empty)


def test_a_cell_that_was_not_run_is_told():
    study = shipped_study()
    missing = (study.table.labels_per_class == 50) & (study.table.seed == 4)
    explorer = tl.explore_study(replace(study, table=study.table[~missing]))
    assert "was not run with 50" in explorer.view(0, 0, 3, 5).words
    assert explorer.page


# --- Feature maps ---------------------------------------------------------------------------------


def test_the_change_of_a_frozen_stage_is_nothing(tuned):
    before, after, task = tuned
    images = [task.validation[i][0] for i in range(2)]
    explorer = tl.explore_feature_maps(before, images, after=after, channels=2)
    assert "changed by 0% of its size" in explorer.view(0, 0, 0).words
    deepest = explorer.view(0, 2, 0)
    assert "changed by 0% " not in deepest.words
    assert deepest.html.count("<img") == 4


def test_the_first_channel_is_the_strongest():
    net, task = tiny.network(), tiny.task()
    image = task.validation[0][0]
    explorer = tl.explore_feature_maps(net, [image], channels=2)
    strongest = net.run(image[None], through="stem")[0].clamp(min=0).mean((1, 2)).argmax()
    assert explorer.view(0, 0, 0).words.startswith(f"Channel {int(strongest)} of stem")


def test_your_own_picture_is_preprocessed():
    picture = np.full((40, 40), 200, dtype=np.uint8)
    assert tl.explore_feature_maps(tiny.network(), [picture], channels=1).view(0, 0, 0).html


def test_without_pictures_it_says_so():
    with pytest.raises(ValueError, match="at least one picture"):
        tl.explore_feature_maps(tiny.network(), [])


def test_items_of_a_split_are_not_pictures_alone():
    with pytest.raises(TypeError, match="Expected a picture, but got a tuple; give one input"):
        tl.explore_feature_maps(tiny.network(), tiny.task().train)


def test_networks_of_other_shapes_are_refused(tuned):
    with pytest.raises(ValueError, match="two states of one architecture"):
        tl.explore_feature_maps(
            tuned[0], [tuned[2].validation[0][0]], after=tl.load_network("letters-resnet")
        )


# --- Shift ----------------------------------------------------------------------------------------


def test_adaptation_helps_an_equal_mix_and_hurts_an_unequal_one():
    explorer = tl.explore_shift(60)
    assert "Adaptation helps" in explorer.view(1, 0, 0).words
    assert "Adaptation hurts" in explorer.view(1, 4, 0).words


def test_clusters_fade_as_classes_overlap():
    explorer = tl.explore_shift(60)
    agreement = [
        float(re.search(r"by (-?[\d.]+)\.$", explorer.view(overlap, 0, 0).words)[1])
        for overlap in range(5)
    ]
    assert agreement[0] > 0.8 > 0.2 > agreement[-1]


# --- Training -------------------------------------------------------------------------------------


def test_each_epoch_tells_what_moved(tuned):
    before, _, task = tuned
    state = tl.fingerprint(before)
    explorer = tl.explore_training(before, task, epochs=2, lr=1e-2)
    assert explorer.view(0).words.endswith("No stage has moved.")
    assert "block2 by" in explorer.view(2).words
    assert "stem by" not in explorer.view(2).words
    assert tl.fingerprint(before) == state


def test_pictures_are_shown_as_the_network_sees_them():
    net = tiny.network()
    net.stages["stem"].conv = nn.Conv2d(3, 4, 3, padding=1, bias=False)
    net.preprocess = replace(net.preprocess, channels=3, mean=(0.2,) * 3, std=(0.3,) * 3)
    explorer = tl.explore_training(net, tiny.task(), epochs=1)
    assert explorer.view(1).words.startswith("After 1 epoch: ")


def test_a_small_move_does_not_read_as_none(tuned):
    explorer = tl.explore_training(*tuned[::2], epochs=1, lr=1e-6)
    moves = re.findall(r"by ([\d.]+ ?%)", explorer.view(1).words)
    assert moves and all(float(move.rstrip(" %")) > 0 for move in moves)


def test_the_same_seed_tells_the_same(tuned):
    before, _, task = tuned
    one, other = (tl.explore_training(before, task, epochs=1, seed=3).html for _ in range(2))
    assert one == other
    assert stage_change(before, before)["stem"].parameters == 0


def test_other_tasks_are_refused():
    with pytest.raises(ValueError, match="shows classes"):
        tl.explore_training(tiny.network(1), tiny.regression_task())


# --- Embedding ------------------------------------------------------------------------------------


def test_every_item_can_be_reached_and_named(tuned):
    before, after, task = tuned
    explorer = tl.explore_embedding({"before": before, "after": after}, task.train, items=12)
    view = explorer.view(1, 2, 0)
    assert view.html.count('tabindex="0"') == 12
    assert 'aria-label="ant, item' in view.html
    assert view.words.startswith("after, block2, PCA")


@pytest.mark.parametrize("task", [tiny.regression_task(), tiny.multilabel_task()])
def test_points_without_classes_are_refused(task):
    with pytest.raises(ValueError, match=f"shows classes, but '{task.name}' is {task.kind}"):
        tl.explore_embedding(tiny.network(), task.train)


def test_no_network_at_all_is_refused():
    with pytest.raises(ValueError, match="no network to explore; give one, or several by name"):
        tl.explore_embedding({}, tiny.task().train)


def test_one_network_needs_no_switch(tuned):
    explorer = tl.explore_embedding(tuned[0], tuned[2].train, items=12)
    assert explorer.view(0, 0, 0).words.startswith("stem, PCA")


# --- Weight ---------------------------------------------------------------------------------------


def test_pages_weigh_less_than_300_kilobytes():
    task = tl.load_task("handwriting")
    net = tl.replace_head(tl.load_network("letters-resnet"), task)
    other = tl.replace_head(tl.load_network("letters-resnet", "random"), task)
    images = [task.validation[i][0] for i in range(3)]
    explorers = [
        tl.explore_network(net),
        tl.explore_study(),
        tl.explore_feature_maps(net, images, after=other),
        tl.explore_shift(),
        tl.explore_embedding({"before": net, "after": other}, task.validation),
    ]
    for explorer in explorers:
        assert len(explorer.html.encode()) <= 300_000, explorer.title
