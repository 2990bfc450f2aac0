import os
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch

import tl_teach as tl
from tests.tasks import tiny
from tl_teach.learning.store import STORE
from tl_teach.learning.team import Team

ROOT = Path(__file__).resolve().parents[2]


def test_all_views_of_a_picture_belong_to_one_process():
    team = Team()
    shares = []
    for team.rank in range(2):
        team.size = 2
        shares.append((team.share(torch.arange(12), views=2) // 2).unique().tolist())
    assert shares == [[0, 2, 4], [1, 3, 5]]
    assert Team(alone=True).size == 1


PROGRAM = """
import sys
import torch
import tl_teach as tl
from tests.tasks import tiny
from tl_teach.learning.store import STORE

net = tl.freeze(tiny.network(), through=sys.argv[2])
history = tl.fit(net, tiny.task(), epochs=3, lr=1e-2, batch_size=10, validate=True)
rank = torch.distributed.get_rank()
rows = sum(len(shelf.rows) for shelf in STORE._shelves.values())
torch.save(
    {"weights": net.state_dict(), "loss": history.train_loss, "score": history.validation_score,
     "rows": rows},
    f"{sys.argv[1]}/{rank}.pt",
)
torch.distributed.destroy_process_group()
"""


def launch(command, folder, program, through="block2"):
    (folder / "program.py").write_text(program)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *command, str(folder / "program.py"), str(folder), through],
        env=environment, capture_output=True, text=True, timeout=240, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(2)]


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return str(listening.getsockname()[1])


# On a processor `accelerate launch` wants MPI; its own launcher for tests starts the same thing.
ACCELERATED = f"""
from accelerate import Accelerator, debug_launcher

def run():
    Accelerator(cpu=True)
{textwrap.indent(PROGRAM, "    ")}

if __name__ == "__main__":
    debug_launcher(run, num_processes=2)
"""


@pytest.mark.parametrize("cards, backend", [(True, "cpu:gloo,cuda:nccl"), (False, "gloo")])
def test_what_lies_on_the_processor_can_be_agreed_on_beside_graphics_cards(
    monkeypatch, cards, backend
):
    begun = []
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cards)
    monkeypatch.setattr(torch.distributed, "init_process_group", begun.append)
    Team()
    assert begun == [backend]


@pytest.mark.skipif(sys.platform == "win32", reason="gloo is not built for Windows everywhere")
@pytest.mark.parametrize("launcher", ["torchrun", "accelerate"])
def test_two_processes_train_the_weights_of_one(tmp_path, launcher):
    if launcher == "accelerate":
        pytest.importorskip("accelerate")
        ranks = launch([], tmp_path, ACCELERATED)
    else:
        command = ["-m", "torch.distributed.run", "--nproc-per-node=2"]
        ranks = launch([*command, f"--master-port={free_port()}"], tmp_path, PROGRAM)
    alone, task = tl.freeze(tiny.network(), through="block2"), tiny.task()
    history = tl.fit(alone, task, epochs=3, lr=1e-2, batch_size=10, validate=True)
    for rank in ranks:
        assert rank["loss"] == pytest.approx(history.train_loss, rel=1e-4)
        assert rank["score"] == history.validation_score
        for name, value in alone.state_dict().items():
            assert torch.allclose(rank["weights"][name], value, atol=1e-5)
    rows = sum(len(shelf.rows) for shelf in STORE._shelves.values())
    # Each keeps its own half: of train and of validation, rounded up at most once each.
    assert sum(rank["rows"] for rank in ranks) == rows
    assert max(rank["rows"] for rank in ranks) <= rows // 2 + 2
