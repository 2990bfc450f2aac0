"""A role has one colour: in pictures, in explorers and on the page."""

import re
from pathlib import Path

import pytest

from tl_teach import explore
from tl_teach.show.roles import ROLES

PAGE = Path(__file__).parents[2] / "book/_static/book.css"
FRAME = Path(explore.__file__).parent / "frame.css"


@pytest.mark.parametrize("sheet", [PAGE, FRAME], ids=lambda sheet: sheet.name)
@pytest.mark.parametrize("role", ["frozen", "fine-tuned", "new"])
def test_style_sheets_and_pictures_agree(sheet, role):
    text = sheet.read_text(encoding="utf-8")
    ink, fill = (re.search(rf"--{name}:\s*(#\w+)", text) for name in (role, f"{role}-tint"))
    assert ink and fill
    assert (ink[1], fill[1]) == (ROLES[role].ink, ROLES[role].fill)
