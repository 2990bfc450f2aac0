"""``tl-teach pretrain``: remake pre-trained weights from nothing."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..files import require_folder


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    pretrain = commands.add_parser("pretrain", help="remake pre-trained weights from nothing")
    pretrain.add_argument("name", metavar="NETWORK", help="for example letters-resnet")
    pretrain.add_argument("--seed", type=int, default=0, help="default: 0")
    pretrain.add_argument(
        "--output", type=Path, metavar="FILE", help="default: NETWORK.safetensors, in this folder"
    )
    pretrain.set_defaults(run=_pretrain)


def _pretrain(arguments: argparse.Namespace) -> int:
    output = require_folder(arguments.output or f"{arguments.name}.safetensors")
    from .. import learning  # imports torch, which takes seconds

    learning.pretrain(arguments.name, seed=arguments.seed, output=output)
    print(f"{arguments.name}: written to {output}")
    return 0
