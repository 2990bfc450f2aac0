"""The command ``tl-teach``: one file a command; this one parses and keeps tracebacks away."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

from ..assets import AssetError
from ..version import __version__
from . import assets, assignment, cache, completion, doctor, new_chapter, predict, pretrain
from .answer import complain

COMMANDS = (assets, cache, pretrain, predict, assignment, doctor, completion, new_chapter)


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run ``tl-teach``.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; those of the process when not given.

    Returns
    -------
    int
        Exit code: 0 when all went well, 1 after an error (one sentence on standard error),
        2 for wrong usage, 130 when interrupted.

    Examples
    --------
    >>> main(["--version"])
    tl-teach ...
    0
    """
    for stream in (sys.stdout, sys.stderr):  # what a console cannot show is written as an escape
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        arguments = parser().parse_args(argv)
    except SystemExit as stop:  # argparse leaves this way after --help and wrong usage
        return int(stop.code or 0)
    try:
        code = int(arguments.run(arguments))
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # whoever reads the output, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (AssetError, ImportError, ValueError, OSError) as error:
        return complain(error)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    """Return the parser of every command."""
    top = argparse.ArgumentParser(
        prog="tl-teach",
        description="The companion of the book How Does Transfer Learning Work?",
        epilog="Exit codes: 0 done, 1 not done (one sentence on standard error says why), "
        "2 wrong usage, 130 interrupted.",
    )
    top.add_argument("--version", action="version", version=f"tl-teach {__version__}")
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_to(commands)
    return top
