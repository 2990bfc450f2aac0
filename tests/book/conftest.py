"""The book's Sphinx extensions can be imported by name, as Jupyter Book imports them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "book" / "_ext"))
