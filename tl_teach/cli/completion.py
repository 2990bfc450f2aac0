"""``tl-teach completion``: let the shell complete commands and options."""

from __future__ import annotations

import argparse
from typing import Any

from ..wording import need

SHELLS = ("bash", "zsh", "tcsh")


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    completion = commands.add_parser(
        "completion",
        help="print a script that completes tl-teach's commands in your shell",
        description="For bash: tl-teach completion bash >> ~/.bash_completion",
    )
    completion.add_argument("shell", choices=SHELLS)
    completion.set_defaults(run=_completion)


def _completion(arguments: argparse.Namespace) -> int:
    from . import parser

    shtab = need("shtab", "completion", "A completion script")
    print(shtab.complete(parser(), arguments.shell))
    return 0
