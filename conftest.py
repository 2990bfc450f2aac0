"""Settings that every test run shares, with or without make."""

import os

os.environ.setdefault("TQDM_DISABLE", "1")  # progress bars would stand among the outputs
