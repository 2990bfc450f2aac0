"""``tl-teach doctor``: what this machine has, how fast it is, and what is missing."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import time
import uuid
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

from .. import assets
from ..version import __version__
from ..wording import in_columns

REQUIRED = (
    "torch", "torchvision", "numpy", "scipy", "scikit-learn", "joblib", "matplotlib", "pillow",
    "ipywidgets", "pooch", "tqdm", "pandas", "threadpoolctl",
)  # fmt: skip
OPTIONAL = {
    "optuna": ("tuning", "tl.tune"),
    "captum": ("attribution", "Grad-CAM, integrated gradients"),
    "timm": ("timm", "networks named timm/..."),
    "onnx": ("export", "ONNX files"),
    "onnxscript": ("export", "ONNX files"),
    "transformers": ("text", "networks that read text"),
    "nbval": ("classroom", "checking assignments with pytest"),
    "pyseccomp": ("classroom", "grading in isolation"),
    "accelerate": ("distributed", "training on several processes"),
    "distributed": ("distributed", "grading on several machines"),
}
PROGRAMS = {"chromium": "the browser tests"}


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    doctor = commands.add_parser("doctor", help="say what works here, how fast, what is missing")
    doctor.add_argument("--json", action="store_true", help="answer as JSON")
    doctor.set_defaults(run=_doctor)


def _doctor(arguments: argparse.Namespace) -> int:
    found = examine()
    if arguments.json:
        print(json.dumps(found, indent=2))
    else:
        _print(found)
    return 1 if found["broken"] else 0


def examine() -> dict[str, Any]:
    """
    Look at this machine; nothing is fetched and nothing stays behind.

    Returns
    -------
    dict
        ``machine``, ``packages`` and ``optional`` (names to versions, None where missing),
        ``programs`` (None where missing), ``cache``, ``assets``, ``speed`` (pictures a second) and
        ``broken``: one sentence for each thing without which the library cannot work.
    """
    packages = {name: _version(name) for name in REQUIRED}
    broken = [
        f"{name} is not installed; run: pip install {name}."
        for name, installed in packages.items()
        if installed is None
    ]
    folder = assets.folder()
    if reason := _cannot_write(folder):
        broken.append(
            f"The cache folder {folder} cannot be written ({reason}); "
            "set TL_TEACH_CACHE to one that can."
        )
    entries, mirror = assets.status(), assets.mirror()
    return {
        "tl-teach": __version__,
        "machine": _machine(),
        "packages": packages,
        "optional": {name: _version(name) for name in OPTIONAL},
        "programs": {name: shutil.which(name) for name in PROGRAMS},
        "cache": {"folder": str(folder), "mirror": mirror and str(mirror)},
        "assets": {
            "present": [entry.asset.name for entry in entries if entry.present],
            "missing": {
                entry.asset.name: entry.asset.size for entry in entries if not entry.present
            },
        },
        "speed": None if packages["torch"] is None else _speed(),
        "broken": broken,
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _machine() -> dict[str, Any]:
    facts: dict[str, Any] = {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "accelerator": None,
    }
    if _version("torch"):
        import torch

        facts["threads"] = torch.get_num_threads()
        if torch.cuda.is_available():
            facts["accelerator"] = torch.cuda.get_device_name()
        elif torch.backends.mps.is_available():
            facts["accelerator"] = "Apple GPU (mps)"
    return facts


def _cannot_write(folder: Path) -> str | None:
    """Say why nothing can be written there, or None; a folder that is not there yet may be made."""
    while not os.path.exists(folder) and folder != folder.parent:  # a drive may be missing, too
        folder = folder.parent
    probe = folder / f".{uuid.uuid4().hex}"  # tempfile would try for ever on Windows
    try:
        probe.open("xb").close()
        probe.unlink()
    except OSError as error:
        return error.strerror or str(error)
    return None


def _speed() -> dict[str, float]:
    """Run the shipped network forwards, and forwards and backwards, on 64 pictures a few times."""
    import torch
    from torch.nn.functional import cross_entropy

    from ..networks import load_network

    net = load_network("letters-resnet", "random", seed=0)
    pictures = torch.zeros(64, 1, 28, 28)
    targets = torch.zeros(64, dtype=torch.long)

    def forwards() -> None:
        with torch.inference_mode():
            net(pictures)

    def both_ways() -> None:
        cross_entropy(net(pictures), targets).backward()

    result: dict[str, float] = {}
    for name, run in (("forwards", forwards), ("training", both_ways)):
        seconds = []
        for _ in range(6):
            started = time.perf_counter()
            run()
            seconds.append(time.perf_counter() - started)
        result[name] = round(len(pictures) / median(seconds[1:]))  # the first one warms up
    return result


def _print(found: dict[str, Any]) -> None:
    machine, speed = found["machine"], found["speed"]
    print(f"tl-teach {found['tl-teach']}, Python {machine['python']}, {machine['system']}")
    print(
        f"{machine['cores']} cores, {machine.get('threads', 'no')} threads for torch, "
        f"{machine['accelerator'] or 'no accelerator (none is needed)'}"
    )
    if speed:
        print(
            f"letters-resnet: {speed['forwards']:,} pictures/s forwards, "
            f"{speed['training']:,} pictures/s in training"
        )
    rows = [("PACKAGE", "VERSION", "FOR")]
    rows += [(name, has or "missing", "everything") for name, has in found["packages"].items()]
    for name, has in found["optional"].items():
        extra, purpose = OPTIONAL[name]
        how = "" if has else f'; pip install "tl-teach[{extra}]"'
        rows.append((name, has or "-", purpose + how))
    rows += [(name, "yes" if at else "-", PROGRAMS[name]) for name, at in found["programs"].items()]
    print()
    print(in_columns(rows))
    cache, held = found["cache"], found["assets"]
    print(f"\nCache: {cache['folder']}" + (f", mirror: {cache['mirror']}" * bool(cache["mirror"])))
    print(f"Here already: {', '.join(held['present']) or 'nothing'}")
    for name, size in held["missing"].items():
        print(f"Not here yet: {name} ({size / 1e6:.0f} MB), tl-teach assets fetch {name}")
    for sentence in found["broken"]:
        print(sentence, file=sys.stderr)
    if not found["broken"]:
        print("\nEverything that is needed is here.")
