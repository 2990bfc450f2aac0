import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import tl_teach as tl
from tests.tasks import tiny
from tl_teach.learning import CheckpointError
from tl_teach.learning import checkpoint as room

SETTINGS = {"epochs": 5, "lr": 1e-2, "validate": True, "schedule": "one-cycle"}


def start(through="stem"):
    net = tiny.network(dropout=0.4)
    return tl.freeze(net, through=through) if through else net


@pytest.fixture
def stopped(monkeypatch):
    """A training that breaks off right after a number of epochs were saved."""

    def run(path, after, through="stem", **settings):
        class Stop(Exception):
            pass

        saves, real = [], room.Checkpoint.save

        def save(self, *state):
            real(self, *state)
            saves.append(1)
            if len(saves) == after:
                raise Stop

        monkeypatch.setattr(room.Checkpoint, "save", save)
        with pytest.raises(Stop):
            tl.fit(start(through), tiny.task(), checkpoint=path, **settings)
        monkeypatch.setattr(room.Checkpoint, "save", real)

    return run


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one-cycle"])
@pytest.mark.parametrize("through", [None, "stem", "block2"])
def test_a_resumed_training_is_an_uninterrupted_one_bit_for_bit(
    tmp_path, stopped, through, schedule
):
    settings = {**SETTINGS, "schedule": schedule, "lr_decay": 0.5}
    stopped(tmp_path / "run.pt", 2, through, **settings)
    resumed, whole = start(through), start(through)
    second = tl.fit(resumed, tiny.task(), checkpoint=tmp_path / "run.pt", **settings)
    first = tl.fit(whole, tiny.task(), **settings)
    assert tl.fingerprint(resumed) == tl.fingerprint(whole)
    assert replace(first, seconds=0) == replace(second, seconds=0)


def test_a_checkpoint_of_another_machine_is_gone_on_with_in_this_one_s_way(tmp_path, stopped):
    path = tmp_path / "run.pt"
    stopped(path, 2, **SETTINGS)
    state = torch.load(path, weights_only=True)
    for group in state["optimiser"]["param_groups"]:
        group["fused"] = None  # as an earlier version of the library wrote it
    for averages in state["optimiser"]["state"].values():  # and in another order in memory
        for name, value in averages.items():
            if value.ndim > 1:
                averages[name] = value.mT.contiguous().mT
    torch.save(state, path)
    used, real = [], room.Checkpoint.resume

    def resume(self, loop):
        history = real(self, loop)
        used.append(loop.optimiser)
        return history

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room.Checkpoint, "resume", resume)
        resumed, whole = start(), start()
        tl.fit(resumed, tiny.task(), checkpoint=path, **SETTINGS)
    tl.fit(whole, tiny.task(), **SETTINGS)
    assert all(group["fused"] for group in used[0].param_groups)
    assert tl.fingerprint(resumed) == tl.fingerprint(whole)


def test_early_stopping_goes_on_counting(tmp_path, stopped):
    settings = {**SETTINGS, "epochs": 40, "patience": 3, "lr": 0.1}
    stopped(tmp_path / "run.pt", 2, **settings)
    resumed, whole = start(), start()
    second = tl.fit(resumed, tiny.task(), checkpoint=tmp_path / "run.pt", **settings)
    first = tl.fit(whole, tiny.task(), **settings)
    assert first.epochs == second.epochs < 40
    assert tl.fingerprint(resumed) == tl.fingerprint(whole)


@pytest.mark.parametrize("numbers", [
    {"lr": np.float64(1e-2)},
    {"lr": {name: np.float32(1e-2) for name in ("block1", "block2", "head")}},
    {"weight_decay": np.float64(1e-3), "lr_decay": np.float64(0.5)},
    {"epochs": np.int64(5), "seed": np.int64(1), "batch_size": np.int64(8)},
    {"patience": np.int64(5), "min_change": np.float64(0.0)},
])  # fmt: skip
def test_numbers_of_numpy_can_be_gone_on_with(tmp_path, stopped, numbers):
    settings = {**SETTINGS, **numbers}
    stopped(tmp_path / "run.pt", 2, **settings)
    resumed, whole = start(), start()
    tl.fit(resumed, tiny.task(), checkpoint=tmp_path / "run.pt", **settings)
    tl.fit(whole, tiny.task(), **settings)
    assert tl.fingerprint(resumed) == tl.fingerprint(whole)


def test_a_finished_training_is_not_run_again(tmp_path):
    first, again = start(), start()
    tl.fit(first, tiny.task(), checkpoint=tmp_path / "run.pt", **SETTINGS)
    again.stages["head"].register_forward_pre_hook(lambda module, inputs: pytest.fail("trained"))
    tl.fit(again, tiny.task(), checkpoint=tmp_path / "run.pt", **SETTINGS)
    assert tl.fingerprint(first) == tl.fingerprint(again)


@pytest.mark.parametrize("change", ["weights", "boundary", "data", "settings", "statistics"])
def test_the_checkpoint_of_another_training_is_refused(tmp_path, change):
    tl.fit(start(), tiny.task(), checkpoint=tmp_path / "run.pt", **SETTINGS)
    net, task, settings = start(), tiny.task(), SETTINGS
    if change == "weights":
        net = tl.freeze(tiny.network(seed=1, dropout=0.4), through="stem")
    elif change == "boundary":
        tl.freeze(net, through="block1")
    elif change == "data":
        task = tiny.task(split_seed=1)
    elif change == "settings":
        settings = {**SETTINGS, "lr": 2e-2}
    else:
        settings = {**SETTINGS, "keep_statistics": True}
    with pytest.raises(CheckpointError, match=r"belongs to a training with other .* start anew"):
        tl.fit(net, task, checkpoint=tmp_path / "run.pt", **settings)


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04" + b"0" * 100])
def test_a_damaged_checkpoint_is_named(tmp_path, content):
    (tmp_path / "run.pt").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"run\.pt' is no checkpoint .* start anew"):
        tl.fit(start(), tiny.task(), checkpoint=tmp_path / "run.pt", **SETTINGS)


def test_a_pickled_checkpoint_is_not_executed(tmp_path):
    class Payload:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    torch.save({"training": Payload()}, tmp_path / "run.pt")
    with pytest.raises(CheckpointError, match="is no checkpoint"):
        tl.fit(start(), tiny.task(), checkpoint=tmp_path / "run.pt", **SETTINGS)
    assert not (tmp_path / "executed").exists()


def test_nothing_but_the_checkpoint_is_left_in_its_folder(tmp_path):
    tl.fit(start(), tiny.task(), checkpoint=tmp_path / "run.pt", **SETTINGS)
    assert [file.name for file in tmp_path.iterdir()] == ["run.pt"]


PROGRAM = """
import sys
import tl_teach as tl
from tests.tasks import tiny
from tl_teach.learning import checkpoint

real = checkpoint.Checkpoint.save

def save(self, *state):
    real(self, *state)
    print("saved", flush=True)

checkpoint.Checkpoint.save = save
net = tl.freeze(tiny.network(), through="stem")
tl.fit(net, tiny.task(), epochs=10_000, checkpoint=sys.argv[1])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_training_loses_at_most_one_epoch(tmp_path):
    path = tmp_path / "run.pt"
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM), str(path)]
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as running:
        said = [running.stdout.readline() for _ in range(5)]
        running.send_signal(signal.SIGKILL)
        said += running.stdout.readlines()
    saved = torch.load(path, weights_only=True)["history"]["train_loss"]
    assert len(saved) - said.count("saved\n") in (0, 1)  # killed between saving and saying so
