"""``tl-teach assets``: list, fetch or verify weights and data."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .. import assets
from ..wording import in_columns
from .answer import complain


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
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
    print(in_columns(rows))
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


def _fetch(arguments: argparse.Namespace) -> int:
    return _for_each(arguments.names or list(assets.catalogue), assets.path, "cached as")


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
            code = complain(error)
    return code
