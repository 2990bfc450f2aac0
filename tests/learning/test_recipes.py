import json
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch

import tl_teach as tl
from tests.tasks import tiny
from tl_teach.learning import looks, studies
from tl_teach.learning.loop import Loop

FROZEN = {"epochs": 2, "lr": 1e-2}


def recipe(*phases, **options):
    return tl.Recipe(tiny.network(), *(phases or (tl.Phase(True, **FROZEN),)), **options)


# --- Recipes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("freeze, trained", [
    (False, ("stem", "block1", "block2", "head")),
    (True, ("head",)),
    ("stem", ("block1", "block2", "head")),
])  # fmt: skip
def test_a_phase_moves_the_boundary_wherever_it_was(freeze, trained):
    net = tl.freeze(tiny.network(), through="block1")
    assert tl.Phase(freeze, epochs=1).run(net, tiny.task()).trained == trained


def test_a_recipe_is_its_calls_written_by_hand():
    task = tiny.task()
    by_recipe, histories = recipe(
        tl.Phase(True, epochs=2, lr=1e-2), tl.Phase("stem", epochs=1, lr=1e-3, lr_decay=0.5)
    ).train(task, seed=3)
    by_hand = tl.freeze(tl.replace_head(tiny.network(), task, seed=3))
    tl.fit(by_hand, task, epochs=2, lr=1e-2, seed=3)
    tl.freeze(by_hand, through="stem")
    tl.fit(by_hand, task, epochs=1, lr=1e-3, lr_decay=0.5, seed=3)
    assert tl.fingerprint(by_recipe) == tl.fingerprint(by_hand) and len(histories) == 2


def test_a_recipe_leaves_the_network_that_it_was_given():
    net = tiny.network()
    before = tl.fingerprint(net)
    tl.Recipe(net, tl.Phase(epochs=1)).train(tiny.task())
    assert tl.fingerprint(net) == before and net.frozen_through is None


@pytest.mark.parametrize("option", [{"weights": "random"}, {"image_size": 96}])
def test_what_does_nothing_for_a_network_of_ones_own_is_refused(option):
    with pytest.raises(ValueError, match=rf"{next(iter(option))}=.* does nothing for a network of"):
        recipe(**option)


def test_random_weights_differ_by_seed_and_copied_ones_do_not():
    for weights, equal in (("random", False), ("pretrained", True)):
        made = tl.Recipe("letters-resnet", tl.Phase(), weights=weights)
        stems = [
            made.build(tl.load_task("printed-digits", 1), seed).stages["stem"] for seed in (0, 1)
        ]
        assert (tl.fingerprint(stems[0]) == tl.fingerprint(stems[1])) == equal


def test_gradual_unfreezing_lets_one_more_stage_learn_in_each_phase():
    task = tl.load_task("printed-digits", labels_per_class=1)
    _, histories = tl.gradual_unfreezing("letters-resnet", epochs=1, lr=1e-3).train(task)
    assert [len(history.trained) for history in histories] == [1, 2, 3, 4, 5]


def test_a_probe_comes_before_fine_tuning():
    made = tl.probe_then_fine_tune("letters-resnet", epochs=3, probe_lr=1e-2, lr=1e-3, batch_size=8)
    assert [phase.freeze for phase in made.phases] == [True, False]
    assert [phase.options["lr"] for phase in made.phases] == [1e-2, 1e-3]


def test_what_is_no_phase_is_refused():
    with pytest.raises(
        TypeError, match=r"needs phases, but got True; give one or several tl\.Phase"
    ):
        tl.Recipe("letters-resnet", True)
    with pytest.raises(TypeError, match="needs phases, but got None"):
        tl.Recipe("letters-resnet")
    with pytest.raises(
        ValueError, match=r"no option of tl\.fit for a phase named 'epoch'.*'epochs'"
    ):
        tl.Phase(True, epoch=3)
    with pytest.raises(ValueError, match="named 'seed'"):  # the recipe's, not the phase's
        tl.Phase(True, seed=3)


# --- Studies -------------------------------------------------------------------------------------


def study(**options):
    recipes = {"frozen": recipe(), "free": recipe(tl.Phase(False, epochs=2, lr=1e-2))}
    return tl.compare(recipes, tiny.task(40), [2, 5], range(3), **options)


def test_a_study_has_a_row_for_every_combination():
    made = study()
    combinations = set(
        zip(*(made.table[name] for name in ("recipe", "labels", "seed")), strict=True)
    )
    assert len(made.table) == len(combinations) == 2 * 2 * 3
    assert set(made.table.labels) == {6, 15} and made.metric == "accuracy"
    assert made.constant_guess == tl.baseline(tiny.task(40)).score
    assert "12 cells: 2 recipes, 2 label counts, 3 seeds" in repr(made)


def test_networks_that_see_other_pictures_are_other_recipes(tmp_path):
    small, large = tiny.network(), tiny.network()
    large.preprocess = replace(large.preprocess, size=16)
    nets = {"small": small, "large": large}
    recipes = {name: tl.Recipe(net, tl.Phase(True, **FROZEN)) for name, net in nets.items()}
    tl.compare(recipes, tiny.task(), seeds=[0], save_to=tmp_path / "study.json")
    assert len(json.loads((tmp_path / "study.json").read_text())["cells"]) == 2


def test_a_cell_is_the_recipe_run_by_hand():
    score = study().table.query("recipe == 'free' and labels == 15 and seed == 2").score.item()
    task = tiny.task(40, labels_per_class=5, split_seed=2)
    net, _ = recipe(tl.Phase(False, epochs=2, lr=1e-2)).train(task, seed=2)
    assert score == tl.evaluate(net, task.validation).score


def test_recipes_are_compared_seed_by_seed():
    made = study()
    expected = made.scores("free", 5) - made.scores("frozen", 5)
    assert made.difference("free", "frozen", 5) == tl.mean_interval(expected)
    assert made.means().loc["free", 15] == pytest.approx(made.scores("free", 5).mean())


def test_seeds_that_differ_are_no_pairs():
    made = tl.compare({"a": lambda task, seed: 0.1, "b": lambda task, seed: 0.2}, tiny.task())
    table = made.table[~((made.table.recipe == "a") & (made.table.seed == 2))]
    torn = replace(made, table=table[~((table.recipe == "b") & (table.seed == 3))])
    with pytest.raises(ValueError, match="'a' and 'b' were not both run with every seed"):
        torn.difference("a", "b")


def test_all_labels_of_a_task_with_groups_are_one_count():
    groups = np.repeat(np.arange(30), np.tile([2, 5, 9], 10))
    labels = groups % 2
    task = tl.make_task(tiny.pictures(labels), labels, groups=groups, preprocess=tiny.TINY8)
    sizes = {len(task.with_labels(seed=seed).train) for seed in range(5)}
    assert len(sizes) > 1, "whole groups make parts of unequal size"
    study = tl.compare({"one": lambda task, seed: seed}, task)
    assert study.scores("one").tolist() == [0, 1, 2, 3, 4]
    assert study.means().shape == (1, 1)


def test_tasks_without_classes_count_labels_in_all():
    values = {"values": recipe(tl.Phase(True, epochs=1))}
    made = tl.compare(values, tiny.regression_task(), seeds=range(2), labels=[10, 20])
    assert made.metric == "R2" and len(made.scores("values", labels=20)) == 2
    with pytest.raises(ValueError, match=r"labels=None does not work: this study has \[10, 20\]"):
        made.scores("values")


def test_a_function_may_give_a_score_or_a_network():
    recipes = {"score": lambda task, seed: seed / 10, "network": lambda task, seed: tiny.network()}
    made = tl.compare(recipes, tiny.task(), seeds=[1, 4])
    assert made.scores("score").tolist() == [0.1, 0.4]
    assert (made.scores("network") >= 0).all()


def test_functions_that_differ_by_their_closure_alone_are_different_cells(tmp_path):
    def gives(score):
        return lambda task, seed: score

    file = tmp_path / "study.json"
    made = tl.compare({"a": gives(0.1), "b": gives(0.2)}, tiny.task(), seeds=[0], save_to=file)
    assert made.table.score.tolist() == [0.1, 0.2]
    again = tl.compare({"a": gives(0.3)}, tiny.task(), seeds=[0], save_to=file)
    assert again.table.score.tolist() == [0.3]


def test_recipes_that_differ_by_an_unnamed_function_are_different_cells():
    ways = {name: recipe(tl.Phase(True, epochs=1, loss=loss)) for name, loss in {
        "as it is": lambda outputs, targets: outputs.square().mean(),
        "away": lambda outputs, targets: -outputs.square().mean(),
    }.items()}  # fmt: skip
    keys = [studies._key(studies.described(way), tiny.task(), 0) for way in ways.values()]
    assert len(set(keys)) == 2


def test_two_studies_that_share_a_file_lose_no_cell(tmp_path):
    file = tmp_path / "study.json"
    one, other = studies._Finished(file), studies._Finished(file)
    one["a"], other["b"] = {"score": 0.1}, {"score": 0.2}
    assert set(studies._Finished(file)) == {"a", "b"}


def test_finished_cells_are_not_run_again(tmp_path, monkeypatch):
    first = study(save_to=tmp_path / "study.json")
    monkeypatch.setattr(studies, "_run", lambda *cell: pytest.fail("run again"))
    again = study(save_to=tmp_path / "study.json")
    assert again.table.equals(first.table)
    assert [file.name for file in tmp_path.iterdir()] == ["study.json"]


def test_an_interrupted_study_keeps_its_cells_and_goes_on(tmp_path, monkeypatch):
    real, runs = studies._run, []

    def run(*cell):
        runs.append(1)
        if len(runs) == 5:
            raise KeyboardInterrupt
        return real(*cell)

    monkeypatch.setattr(studies, "_run", run)
    with pytest.warns(UserWarning, match="interrupted"):
        part = study(save_to=tmp_path / "study.json")
    assert part.interrupted and len(part.table) == 4
    whole = study(save_to=tmp_path / "study.json")
    assert not whole.interrupted and len(runs) == 5 + 8
    monkeypatch.setattr(studies, "_run", real)
    assert whole.table.score.tolist() == study().table.score.tolist()


def test_two_processes_give_the_study_that_one_gives(tmp_path):
    factor = 0.5

    def constant(task, seed):  # sent by value, with what it reaches, as a notebook's functions are
        return factor * seed + 0 * tl.baseline(task).score

    recipes = {"frozen": recipe(), "constant": constant}
    alone = tl.compare(recipes, tiny.task(), [2, 4], range(2))
    before = looks.log()
    shared = tl.compare(recipes, tiny.task(), [2, 4], range(2), workers=2, save_to=tmp_path / "s")
    seen = looks.log() - before
    assert sum(seen.values()) == 4  # what other processes look at counts here too
    columns = ["recipe", "labels_per_class", "labels", "seed"]
    assert shared.table[columns].equals(alone.table[columns])
    assert shared.table.score.to_numpy() == pytest.approx(alone.table.score.to_numpy(), abs=0.05)
    again = tl.compare(recipes, tiny.task(), [2, 4], range(2), save_to=tmp_path / "s")
    assert again.table.equals(shared.table)


def test_an_interrupt_in_another_process_keeps_what_was_finished(tmp_path):
    def impatient(task, seed):
        if seed == 3:
            raise KeyboardInterrupt
        return 0.5

    with pytest.warns(UserWarning, match="interrupted"):
        part = tl.compare({"one": impatient}, tiny.task(), [2], range(4), workers=2)
    assert part.interrupted and 3 not in set(part.table.seed)


def test_a_mistake_in_another_process_says_what_it_is():
    def broken(task, seed):
        return "good"

    with pytest.raises(TypeError, match="A recipe gave 'good'; expected a network"):
        tl.compare({"broken": broken}, tiny.task(), [2], range(2), workers=2)
    lock = threading.Lock()
    with pytest.raises(
        TypeError, match=r"cannot be sent to another process .*cannot pickle .*leave workers"
    ):
        held = {"held": lambda task, seed: float(lock.locked())}
        tl.compare(held, tiny.task(), [2], range(2), workers=2)
    with pytest.raises(ValueError, match="workers=0"):
        tl.compare({"frozen": recipe()}, tiny.task(), [2], range(2), workers=0)


def test_an_interrupt_inside_a_training_is_no_cell(monkeypatch):
    def stop(module, inputs):
        raise KeyboardInterrupt

    net = tiny.network()
    net.stages["stem"].register_forward_pre_hook(stop)
    with pytest.warns(UserWarning, match="interrupted"):
        made = tl.compare({"a": tl.Recipe(net, tl.Phase(epochs=1))}, tiny.task())
    assert made.interrupted and made.table.empty


@pytest.mark.parametrize("change", ["recipe", "data", "version"])
def test_a_cell_of_something_else_is_not_taken(tmp_path, monkeypatch, change):
    recipes, task = {"a": recipe()}, tiny.task(40)
    tl.compare(recipes, task, [2], range(2), save_to=tmp_path / "study.json")
    if change == "recipe":
        recipes = {"a": recipe(tl.Phase(True, epochs=3, lr=1e-2))}
    elif change == "data":
        task = tiny.task(40, seed=1)
    else:
        monkeypatch.setattr(studies, "__version__", "0.0.0")
    tl.compare(recipes, task, [2], range(2), save_to=tmp_path / "study.json")
    assert len(json.loads((tmp_path / "study.json").read_text())["cells"]) == 4


def test_a_file_that_is_no_study_is_named(tmp_path):
    (tmp_path / "study.json").write_text("[1, 2]")
    with pytest.raises(ValueError, match=r"study\.json' holds no study; give another name"):
        study(save_to=tmp_path / "study.json")


def test_what_cannot_be_compared_is_refused():
    for given in ({}, [recipe()], None):
        with pytest.raises(ValueError, match="compare needs recipes by name"):
            tl.compare(given, tiny.task())
    with pytest.raises(TypeError, match=r"The recipe 'a' is 'frozen'; expected a tl\.Recipe"):
        tl.compare({"a": "frozen"}, tiny.task())
    with pytest.raises(ValueError, match="at least one seed"):
        tl.compare({"a": recipe()}, tiny.task(), seeds=[])
    with pytest.raises(ValueError, match="labels_per_class=900 does not work"):
        tl.compare({"a": recipe()}, tiny.task(), [900])
    for name in ("labels_per_class", "labels", "seeds"):
        with pytest.raises(ValueError, match=f"{name}=5 does not work: expected several"):
            tl.compare({"a": recipe()}, tiny.task(), **{name: 5})
    with pytest.raises(TypeError, match=r"A recipe gave None; expected a network, or a number"):
        tl.compare({"a": lambda task, seed: None}, tiny.task())
    with pytest.raises(FileNotFoundError, match=r"no folder 'nowhere' for"):
        tl.compare({"a": recipe()}, tiny.task(), save_to="nowhere/study.json")
    assert len(tl.compare({"a": recipe()}, tiny.task(), seeds=iter([0, 1])).table) == 2
    made = study()
    with pytest.raises(ValueError, match=r"no recipe in this study named 'fozen'.*'frozen'"):
        made.scores("fozen", 2)
    with pytest.raises(
        ValueError, match=r"labels_per_class=None does not work: this study has \[2, 5\]"
    ):
        made.scores("frozen")


# --- Tuning --------------------------------------------------------------------------------------

optuna = pytest.importorskip("optuna")


def tuning(**options):
    options = {"trials": 5, "epochs": 2, **options}
    return tl.tune(tiny.network(), tiny.task(), **options)


def test_a_search_tries_what_it_was_allowed_to():
    made = tuning()
    assert len(made.table) == 5 and made.best_score == made.table.score.max()
    assert {"lr", "batch_size", "weight_decay", "freeze"} < set(made.table.columns)
    assert made.table.lr.between(1e-4, 1e-1).all() and "5 trials" in repr(made)


def test_the_best_recipe_gives_the_best_score_again():
    made = tuning(search={"lr": (1e-3, 1e-1), "freeze": [True, "stem"]})
    net, _ = made.best.train(tiny.task(), seed=0)
    assert tl.evaluate(net, tiny.task().validation).score == made.best_score


def test_the_same_seed_searches_the_same_settings():
    first, second = (tuning().table.drop(columns="seconds") for _ in range(2))
    assert first.equals(second)


def test_a_search_goes_on_from_its_file(tmp_path):
    tuning(trials=3, save_to=tmp_path / "tuning.log")
    more = tuning(trials=5, save_to=tmp_path / "tuning.log")
    assert more.table.trial.tolist() == [0, 1, 2, 3, 4]
    assert len(tuning(trials=5, save_to=tmp_path / "tuning.log").table) == 5
    at_once = tuning(trials=5)
    assert more.table.drop(columns="seconds").equals(at_once.table.drop(columns="seconds"))


@pytest.mark.parametrize("change", [
    {"seed": 1}, {"epochs": 1}, {"freeze": True, "search": {"lr": [1e-2]}},
])  # fmt: skip
def test_a_search_does_not_go_on_from_anothers_file(tmp_path, change):
    tuning(trials=1, save_to=tmp_path / "tuning.log")
    with pytest.raises(ValueError, match=r"tuning\.log' holds a search with another network, task"):
        tuning(trials=1, save_to=tmp_path / "tuning.log", **change)


def test_a_file_that_is_no_search_is_named(tmp_path):
    (tmp_path / "tuning.log").write_text("no search")
    with pytest.raises(ValueError, match=r"tuning\.log' holds no search; give another name"):
        tuning(trials=1, save_to=tmp_path / "tuning.log")
    with pytest.raises(FileNotFoundError, match=r"There is no folder .*nowhere"):
        tuning(trials=1, save_to=tmp_path / "nowhere" / "tuning.log")


def test_a_file_that_cannot_be_opened_is_named_as_such(tmp_path):
    with pytest.raises(OSError):
        tuning(trials=1, save_to=tmp_path)


def test_a_search_for_a_network_of_ones_own_takes_it_as_it_is():
    with pytest.raises(ValueError, match=r"weights='random' does nothing for a network of your"):
        tuning(weights="random")


def test_a_range_of_whole_numbers_gives_whole_numbers():
    made = tuning(trials=2, search={"batch_size": (2, 8)})
    assert all(isinstance(one.phases[0].options["batch_size"], int) for one in made.recipes)


def test_the_boundary_may_be_fixed():
    made = tuning(search={"lr": [1e-2]}, freeze="block1", trials=2)
    assert [one.phases[0].freeze for one in made.recipes] == ["block1", "block1"]


@pytest.mark.parametrize("search, words", [
    ({"lr": (0, 1)}, r"search\['lr'\]=\(0, 1\) does not work: expected a range"),
    ({"lr": (1, 1e-3)}, "0 < low < high"),
    ({"batch_size": []}, "or a list of choices"),
    ({"lr": 1e-3}, "expected a range"),
    ({"lrr": [1e-3]}, r"no option of tl\.fit for a phase named 'lrr'.*did you mean 'lr'"),
])  # fmt: skip
def test_a_search_that_makes_no_sense_is_refused(search, words):
    with pytest.raises(ValueError, match=words):
        tuning(search=search)


def test_a_budget_too_small_for_one_trial_is_named():
    with pytest.raises(ValueError, match="No trial was finished within seconds=1e-09"):
        tuning(seconds=1e-9)
    with pytest.raises(ValueError, match="trials=0 does not work"):
        tuning(trials=0)
    with pytest.raises(ValueError, match="named 'epoch'"):
        tuning(epoch=3)


def test_without_optuna_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ImportError, match=r"needs the package optuna.*tl-teach\[tuning\]"):
        tuning()


# --- The learning-rate range test ----------------------------------------------------------------


def test_the_range_test_leaves_the_network_and_random_numbers_alone():
    net, task = tl.freeze(tiny.network().train(), "stem"), tiny.task()
    before, state, modes = (
        tl.fingerprint(net),
        torch.get_rng_state(),
        [m.training for m in net.modules()],
    )
    found = tl.lr_range_test(net, task, steps=20)
    assert tl.fingerprint(net) == before and torch.equal(state, torch.get_rng_state())
    assert modes == [m.training for m in net.modules()] and net.frozen_through == "stem"
    assert len(found.rates) == len(found.losses) == 20


def test_the_range_test_stops_where_the_loss_is_no_number(monkeypatch):
    net = tiny.network()
    torch.nn.init.constant_(net.head.output.weight, 3e38)
    with pytest.raises(ValueError, match="no number from the first batch on"):
        tl.lr_range_test(net, tiny.task(), steps=50)
    honest, calls = Loop.step, iter(range(100))

    def step(*words):
        return honest(*words) * (float("nan") if next(calls) == 5 else 1)

    monkeypatch.setattr(Loop, "step", step)
    assert len(tl.lr_range_test(tiny.network(), tiny.task(), steps=50).rates) == 6


def test_rates_grow_by_a_constant_factor_and_the_test_stops_when_it_explodes():
    found = tl.lr_range_test(tiny.network(), tiny.task(), low=1e-4, high=1e4, steps=60)
    factors = np.diff(np.log(found.rates))
    assert factors == pytest.approx(np.full(len(factors), np.log(1e8) / 59))
    assert len(found.rates) < 60 and found.suggested < 1e2


@pytest.mark.parametrize("options", [
    {"low": 0}, {"low": 1, "high": 1e-3}, {"high": float("inf")}, {"steps": 1}, {"batch_size": 0},
    {"seed": -1},
])  # fmt: skip
def test_a_range_that_makes_no_sense_is_refused(options):
    with pytest.raises(ValueError, match=r"do(es)? not work: expected"):
        tl.lr_range_test(tiny.network(), tiny.task(), **options)
