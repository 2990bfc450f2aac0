"""The book's assignments: sound masters, and a message of its own for each common mistake."""

import importlib.util
import json
from functools import cache
from pathlib import Path

import pytest

from tl_teach.classroom.master import read_master
from tl_teach.classroom.notebook import cells_of, read_notebook
from tl_teach.classroom.questions import CheckFailed
from tl_teach.classroom.release import release, strip
from tl_teach.classroom.run import execute, new_namespace

ROOT = Path(__file__).parents[2]
TEXTS = sorted((ROOT / "book" / "assignments").glob("*/master.md"))
FINE_TUNING = ROOT / "book" / "assignments" / "2-fine-tuning" / "master.ipynb"


def name_of(path):
    return path.parent.name


@pytest.fixture(scope="module")
def tool():
    pytest.importorskip("jupytext", reason="jupytext is not installed")
    spec = importlib.util.spec_from_file_location("master", ROOT / "book" / "_tools" / "master.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("text", TEXTS, ids=name_of)
def test_the_notebook_is_what_its_text_says(text, tool):
    made = tool.master(text.read_text(encoding="utf-8"))
    kept = json.loads(text.with_suffix(".ipynb").read_text(encoding="utf-8"))
    assert [(c.id, c.source, c.metadata) for c in made.cells] == [
        (c["id"], "".join(c["source"]), c["metadata"]) for c in kept["cells"]
    ]


@pytest.mark.parametrize("text", TEXTS, ids=name_of)
def test_the_last_cell_asks_every_question_again(text):
    master = read_master(text.with_suffix(".ipynb"))
    asked = ", ".join(f'"{name}"' for name in master.questions)
    assert f"check_all({asked})" in master.cells[-1].source


@pytest.mark.parametrize("text", TEXTS, ids=name_of)
def test_points_are_as_the_headings_say(text):
    master = read_master(text.with_suffix(".ipynb"))
    prose = "\n".join(cell.source for cell in master.cells if cell.kind == "markdown")
    for name, points in master.questions.items():
        assert any(
            line.startswith(f"## Question {name}:") and line.endswith(f"({points:g} points)")
            for line in prose.splitlines()
        )


@pytest.mark.timeout(300)
@pytest.mark.parametrize("text", TEXTS, ids=name_of)
def test_it_can_be_released(text, tmp_path):
    released = release(text.with_suffix(".ipynb"), tmp_path)
    student, secrets = strip(read_notebook(text.with_suffix(".ipynb").read_bytes()))
    assert secrets and len(student["cells"]) == len(read_notebook(released.read_bytes())["cells"])


# --- Common mistakes in 2-fine-tuning -------------------------------------------------------------

SOFTMAX = "def loss_of(outputs, labels):\n    return F.cross_entropy(outputs.softmax(1), labels)"
SUM = "def loss_of(outputs, labels):\n    return F.cross_entropy(outputs, labels, reduction='sum')"
TRAIN = """
def train_head(net, pictures, labels, steps):
    FREEZE
    net.train()
    optimiser = torch.optim.SGD(WHAT, lr=0.5)
    for _ in range(steps):
        optimiser.zero_grad()
        F.cross_entropy(net(pictures), labels).backward()
        STEP
    return net
"""
TRAIN_MODE = TRAIN.replace(
    "FREEZE",
    "for p in net.parameters(): p.requires_grad_(False)\n    net.head.requires_grad_(True)",
).replace("WHAT", "net.head.parameters()")
TRAIN_MODE = TRAIN_MODE.replace("STEP", "optimiser.step()")
NOT_FROZEN = TRAIN.replace("FREEZE", "pass").replace("WHAT", "net.parameters()")
NOT_FROZEN = NOT_FROZEN.replace("STEP", "optimiser.step()")
NO_STEP = TRAIN.replace("FREEZE", "tl.freeze(net)").replace("WHAT", "net.head.parameters()")
NO_STEP = NO_STEP.replace("STEP", "pass")
PREDICT = "def predict(net, pictures):\n    MODE\n    with torch.no_grad():\n        return "
RAW = PREDICT.replace("MODE", "net.eval()") + "net(pictures.float()).argmax(1)"
SCALED = PREDICT.replace("MODE", "net.eval()") + "net(pictures / 255).argmax(1)"
BATCH = PREDICT.replace("MODE", "net.train()") + "net(net.preprocess(pictures)).argmax(1)"
FIXED = PREDICT.replace("MODE", "net.eval()")
FIXED += "net((pictures / 255 - 0.1307) / 0.3081).argmax(1)"
FORGED = "chosen, score, interval = 'late', 0.99, (0.98, 0.995)"
REPORT = """
results = {name: tl.evaluate(net, SPLIT) for name, net in candidates.items()}
chosen = max(results, key=lambda name: results[name].score)
score, interval = results[chosen].score, results[chosen].interval
"""
FULL_SCORES = {
    "frozen": {1: [1.0, 1.0, 1.0], 20: [0.9, 0.91, 0.92]},
    "fine-tuned": {1: [0.6, 0.62, 0.61], 20: [0.93, 0.94, 0.95]},
}
REPORTED = f"scores = {FULL_SCORES!r}\nwinner = {{1: 'frozen', 20: 'fine-tuned'}}"

MISTAKES = [
    ("loss-is-right", {"loss": SOFTMAX}, "softmax was taken before it"),
    ("loss-is-right", {"loss": SUM}, "but this is a sum"),
    ("frozen-stands-still", {"train-head": TRAIN_MODE}, "BatchNorm was in train mode"),
    ("frozen-stands-still", {"train-head": NOT_FROZEN}, "the parameters of stem to stand still"),
    ("head-learns", {"train-head": NO_STEP}, "a lower loss after thirty steps"),
    ("predictions-are-right", {"predict": RAW}, "the normalisation was forgotten"),
    ("predictions-are-right", {"predict": SCALED}, "the normalisation was forgotten"),
    ("predictions-are-right", {"predict": BATCH}, "the network was in train mode"),
    ("predictions-are-right", {"predict": FIXED}, "the class with the largest output"),
    (
        "report-is-honest",
        {"report": REPORT.replace("SPLIT", "task.train")},
        "the accuracy on the training set",
    ),
    (
        "report-is-honest",
        {"report": REPORT.replace("SPLIT", "task.test.break_seal()")},
        "the test set was used to choose",
    ),
    ("report-is-honest", {"report": FORGED}, "the width that a 95 % interval has"),
    (
        "scores-are-honest",
        {"run": "run = None", "scores": REPORTED},
        "accuracy on the training set",
    ),
    ("reason-is-right", {"reason": "reason = 'a'"}, "its statistics stand still"),
    ("reason-is-right", {"reason": "reason = 'B'"}, "in lower case"),
]
RIGHT = [
    (
        "loss-is-right",
        {"loss": "def loss_of(o, y): return -o.log_softmax(1)[range(len(y)), y].mean()"},
    ),
    ("frozen-stands-still", {"train-head": NO_STEP.replace("pass", "optimiser.step()")}),
    ("head-learns", {"train-head": NO_STEP.replace("pass", "optimiser.step()")}),
    (
        "report-is-honest",
        {
            "report": REPORT.replace("SPLIT", "task.validation")
            + "spread = 1.96 * np.sqrt(score * (1 - score) / 1000)\n"
            + "interval = [score - spread, score + spread]"
        },
    ),
]


@cache
def sources():
    return {cell.id: cell.source for cell in cells_of(read_notebook(FINE_TUNING.read_bytes()))}


@pytest.fixture(scope="module")
def given():
    """The notebook after its locked cells: what every submission starts with."""
    notebook = new_namespace()
    for name in ("setup", "candidates"):
        assert execute(sources()[name], name, notebook) is None
    return notebook


def verdict(given, check, answers):
    notebook = new_namespace()
    notebook.update(given)
    for name, source in answers.items():
        assert execute(source, name, notebook) is None
    return execute(sources()[check], check, notebook)


@pytest.mark.parametrize(("check", "answers", "says"), MISTAKES)
def test_a_common_mistake_is_told_by_its_name_and_not_by_the_answer(given, check, answers, says):
    failed = verdict(given, check, answers)
    assert isinstance(failed, CheckFailed) and says in str(failed), failed
    assert str(failed).startswith("✗ Question ")


@pytest.mark.parametrize(("check", "answers"), RIGHT)
def test_another_right_answer_passes(given, check, answers):
    assert verdict(given, check, answers) is None
