"""``tl-teach cache``: show or clear what frozen networks computed."""

from __future__ import annotations

import argparse
import json
from typing import Any


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    cache = commands.add_parser("cache", help="show or clear what frozen networks computed")
    cache.add_argument("--clear", action="store_true", help="remove it; it is computed again")
    cache.add_argument("--json", action="store_true", help="list as JSON")
    cache.set_defaults(run=_cache)


def _cache(arguments: argparse.Namespace) -> int:
    from ..learning.store import DISK_BUDGET, STORE  # torch comes with it

    if arguments.clear:
        held = sum(STORE.on_disk().values())
        STORE.clear()
        freed = held - sum(STORE.on_disk().values())
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
