"""Cold start: from starting Python to the import, the first picture, the first prediction."""

from __future__ import annotations

from typing import Any

from .harness import Plan, Side, from_json, take_turns
from .report import quantity, table, times

TITLE = "Start-up"

_NET = "import tl_teach as tl; net = tl.load_network('letters-resnet'); "
CODE = {
    "Python itself": "pass",
    "import torch": "import torch",
    "import tl_teach": "import tl_teach",
    "first picture": _NET + "tl.show_network(net)._repr_mimebundle_()",
    "first prediction": _NET
    + "task = tl.load_task('handwriting'); net(task.validation[0][0][None])",
    "first prediction, mobilenet_v2": "import tl_teach as tl; net = tl.load_network('mobilenet_v2'"
    ", image_size=160); task = tl.load_task('solar-cells').for_network(net); "
    "net(task.validation[0][0][None])",
}
PEERS = {
    "import fastai.vision.all": ("import fastai.vision.all", "fastai"),
    "import lightning": ("import lightning", "lightning"),
    "import keras": ("import keras", "keras"),
    "transformers' Trainer": ("from transformers import Trainer", "transformers"),
}


def measure(plan: Plan) -> dict[str, Any]:
    function = "benchmarks.startup:execute"
    sides = [Side(name, function, {"code": code}) for name, code in CODE.items()]
    sides += [
        Side(name, function, {"code": code}, (module,)) for name, (code, module) in PEERS.items()
    ]
    return take_turns(sides, plan)


def report(data: dict[str, Any]) -> str:
    runs = from_json(data["runs"])
    rows = [
        [
            name,
            times(quantity(runs, name, "process")),
            f"{max(quantity(runs, name, 'peak_mb')):,.0f}",
        ]
        for name in runs
    ]
    return "\n\n".join(
        [
            "A fresh process each time; files that were read before may still be in the system's "
            "memory. Seconds for the whole process.",
            table(["what", "seconds", "peak MB"], rows),
        ]
    )


def execute(code: str) -> dict[str, Any]:
    exec(code, {})
    return {}
