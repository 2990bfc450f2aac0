"""Settings that every test run shares, with or without make."""

import os
import sys

os.environ.setdefault("TQDM_DISABLE", "1")  # progress bars would stand among the outputs

# Jails are made of what Linux alone has.
collect_ignore = [
    f"tl_teach/classroom/{name}.py"
    for name in ("jail", "warm")
    if not sys.platform.startswith("linux")
]
