"""Run ``tl-teach`` as ``python -m tl_teach``."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
