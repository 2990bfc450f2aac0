"""A student's own check, from the command line: the notebook's cells and its visible checks."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

from .notebook import cells_of, read_notebook
from .questions import CheckFailed
from .run import execute, new_namespace, working_in


def check_file(path: Path) -> bool:
    """Run a notebook from top to bottom and print what its checks say, as the notebook would.

    Parameters
    ----------
    path : pathlib.Path
        A released notebook, with a student's answers.

    Returns
    -------
    bool
        Whether every check passed.

    Raises
    ------
    Refused
        If it is no notebook.
    """
    notebook, passed, failed = new_namespace(), 0, 0
    cells = [cell for cell in cells_of(read_notebook(path.read_bytes())) if cell.kind == "code"]
    for number, cell in enumerate(cells, start=1):
        if cell.as_given not in ("", cell.digest):
            print(
                f"– Code cell {number} was given to you and has been changed. It is graded as it "
                "was given; put code of your own into a cell of your own."
            )
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), working_in(path.parent):
            error = execute(cell.source, f"code cell {number}", notebook)
        if cell.role == "check":
            passed, failed = passed + (error is None), failed + (error is not None)
        if isinstance(error, CheckFailed):
            print(error)
        elif isinstance(error, NotImplementedError):
            print(f"– Code cell {number} is not written yet.")
        elif error is not None:
            print(f"✗ Code cell {number} raises {type(error).__name__}: {error}")
        elif cell.role == "check":
            print(printed.getvalue().rstrip())
    print(f"{passed} of {passed + failed} checks passed.")
    return failed == 0
