"""The command ``tl-teach``: fetch what the chapters use, remake what the library ships."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from . import assets
from .classroom.commands import add_commands
from .version import __version__


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
    try:
        arguments = _parser().parse_args(argv)
    except SystemExit as stop:  # argparse leaves this way after --help and wrong usage
        return int(stop.code or 0)
    try:
        code = int(arguments.run(arguments))
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # whoever reads the output, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (assets.AssetError, ValueError, OSError) as error:
        return _complain(error)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tl-teach", description="The companion of the book How Does Transfer Learning Work?"
    )
    parser.add_argument("--version", action="version", version=f"tl-teach {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    listing = commands.add_parser("assets", help="list, fetch or verify weights and data")
    listing.add_argument("--json", action="store_true", help="list as JSON")
    listing.set_defaults(run=_list)
    actions = listing.add_subparsers(title="actions", metavar="ACTION")

    fetch = actions.add_parser("fetch", help="bring assets into the cache")
    chosen = fetch.add_mutually_exclusive_group(required=True)
    chosen.add_argument("names", nargs="*", default=[], metavar="NAME", help="what to fetch")
    chosen.add_argument("--all", action="store_true", help="fetch every asset")
    fetch.set_defaults(run=_fetch)

    verify = actions.add_parser("verify", help="compare cached assets with their checksums")
    verify.add_argument("names", nargs="*", metavar="NAME", help="all that are cached by default")
    verify.set_defaults(run=_verify)

    cache = commands.add_parser("cache", help="show or clear what frozen networks computed")
    cache.add_argument("--clear", action="store_true", help="remove it; it is computed again")
    cache.add_argument("--json", action="store_true", help="list as JSON")
    cache.set_defaults(run=_cache)

    pretrain = commands.add_parser("pretrain", help="remake pre-trained weights from nothing")
    pretrain.add_argument("name", metavar="NETWORK", help="for example letters-resnet")
    pretrain.add_argument("--seed", type=int, default=0, help="default: 0")
    pretrain.add_argument(
        "--output", type=Path, metavar="FILE", help="default: NETWORK.safetensors, in this folder"
    )
    pretrain.set_defaults(run=_pretrain)

    add_commands(commands)
    return parser


def _list(arguments: argparse.Namespace) -> int:
    entries = assets.status()
    if arguments.json:
        print(json.dumps([_record(entry) for entry in entries], indent=2))
        return 0
    rows = [("NAME", "WHAT", "SIZE", "LICENCE", "PRESENT", "FROM")]
    for entry in entries:
        asset, present = entry.asset, "yes" if entry.present else "no"
        size = f"{asset.size / 1e6:.1f} MB"
        rows.append((asset.name, asset.title, size, asset.licence, present, entry.source))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )
    print(f"\nCache: {assets.folder()}")
    return 0


def _record(entry: assets.Status) -> dict[str, object]:
    asset = entry.asset
    return {
        "name": asset.name,
        "title": asset.title,
        "filename": asset.filename,
        "size": asset.size,
        "sha256": asset.sha256,
        "licence": asset.licence,
        "citation": asset.citation,
        "present": entry.present,
        "path": str(entry.path),
        "source": entry.source,
    }


def _cache(arguments: argparse.Namespace) -> int:
    from .learning.store import DISK_BUDGET, STORE  # torch comes with it

    if arguments.clear:
        freed = sum(STORE.on_disk().values())
        STORE.clear()
        print(f"Removed {freed / 1e6:.1f} MB from {STORE.folder}")
        return 0
    shelves = STORE.on_disk()
    if arguments.json:
        print(json.dumps({"folder": str(STORE.folder), "shelves": shelves}, indent=2))
        return 0
    for key, nbytes in shelves.items():
        print(f"{key}  {nbytes / 1e6:.1f} MB")
    held = sum(shelves.values())
    print(f"{held / 1e6:.1f} MB of at most {DISK_BUDGET / 1e6:.0f} MB in {STORE.folder}")
    return 0


def _fetch(arguments: argparse.Namespace) -> int:
    return _for_each(arguments.names or list(assets.catalogue), assets.fetch, "cached as")


def _verify(arguments: argparse.Namespace) -> int:
    cached = [entry.asset.name for entry in assets.status() if entry.path.is_file()]
    if not arguments.names and not cached:
        print(f"No asset is in {assets.folder()} yet.")
    return _for_each(arguments.names or cached, assets.verify, "verified")


def _for_each(names: Sequence[str], action: Callable[[str], Path], done: str) -> int:
    """Go on after a failure, so that one missing asset does not hold up the others."""
    code = 0
    for name in names:
        try:
            print(f"{name}: {done} {action(name)}")
        except (assets.AssetError, ValueError) as error:
            code = _complain(error)
    return code


def _pretrain(arguments: argparse.Namespace) -> int:
    output = arguments.output or Path(f"{arguments.name}.safetensors")
    if not output.parent.is_dir():  # said now, not after the training
        raise ValueError(f"There is no folder {output.parent} to write {output.name} into.")
    from . import learning  # imports torch, which takes seconds

    learning.pretrain(arguments.name, seed=arguments.seed, output=output)
    print(f"{arguments.name}: written to {output}")
    return 0


def _complain(error: Exception) -> int:
    print(f"tl-teach: {error}", file=sys.stderr)
    return 1
