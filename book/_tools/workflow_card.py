"""Draw the workflow card: the four steps on one page, as book/_static/workflow-card.svg.

python book/_tools/workflow_card.py
"""

from __future__ import annotations

from html import escape
from pathlib import Path

CARD = Path(__file__).resolve().parents[1] / "_static" / "workflow-card.svg"

WIDTH, HEIGHT = 1120, 790  # an A4 page on its side, with margins
COLUMN, GAP, LEFT, TOP = 250, 24, 24, 96

INK, SOFT, LINE = "#1c2430", "#55606e", "#d5dce5"
ROLES = {  # fill, ink, dashes; as in the pictures of the library
    "copied": ("#f6f8fb", "#55606e", ""),
    "frozen": ("#e4eefa", "#1f5fa8", ""),
    "fine-tuned": ("#fdebdb", "#a84b00", ""),
    "new": ("#e3f4e8", "#1b7340", "3 3"),
}

STEPS = [
    {
        "title": ["Start with a", "pre-trained network"],
        "ask": [
            "What was it trained on?",
            "Do its classes overlap mine?",
            "What does it say already?",
            "How must inputs look?",
            "Whose data, which licence?",
        ],
        "calls": ["tl.load_network", "tl.list_networks", "tl.extract_features"],
        "book": "Step 1, pre-training",
        "row": ["copied"] * 5,
    },
    {
        "title": ["Adapt its last layers,", "or all of it"],
        "ask": [
            "Classes, values, several labels?",
            "Few labels: train the head.",
            "More: late stages change too.",
            "Is frozen really frozen?",
            "BatchNorm and optimiser too?",
        ],
        "calls": ["tl.replace_head", "tl.freeze", "tl.unfreeze", "tl.show_network"],
        "book": "Steps 2 and 3, fine-tuning and architecture",
        "row": ["frozen", "frozen", "frozen", "fine-tuned", "new"],
    },
    {
        "title": ["Train on", "the new data"],
        "ask": [
            "Split by what must not leak.",
            "Small rates for copied stages.",
            "Keep the best epoch.",
            "Which changes keep the answer?",
            "The same budget for the rival.",
        ],
        "calls": ["tl.load_task", "tl.audit", "tl.fit", "tl.show_history", "tl.tune"],
        "book": "Step 4, training",
        "row": ["frozen", "frozen", "frozen", "fine-tuned", "new"],
    },
    {
        "title": ["Evaluate", "and refine"],
        "ask": [
            "Better than a constant guess?",
            "With which interval?",
            "Does a tuned rival do it too?",
            "Look at the worst mistakes.",
            "The test: once, at the end.",
        ],
        "calls": ["tl.evaluate", "tl.compare", "tl.show_errors", "tl.final_exam"],
        "book": "Step 5, evaluating and refining",
        "row": [],
    },
]

ALT = (
    "The workflow card. Four steps side by side, with an arrow from the last back to the second: "
    "start with a pre-trained network; adapt its last layers, or all of it; train on the new data; "
    "evaluate and refine. Each has five questions, the calls of the library and the chapter."
)


def text(x: float, y: float, words: str, size: int = 14, **attributes: str) -> str:
    """One line of text."""
    given = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in attributes.items())
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}"{given}>{escape(words)}</text>'


def stage(x: float, y: float, role: str) -> str:
    """A stage in the look of its role."""
    fill, ink, dashes = ROLES[role]
    box = f'x="{x:g}" y="{y:g}" width="34" height="38" rx="5"'
    parts = [f'<rect {box} fill="{fill}"/>']
    if role == "frozen":
        parts.append(f'<rect {box} fill="url(#hatch)"/>')
    line = f' stroke-dasharray="{dashes}"' if dashes else ""
    parts.append(f'<rect {box} fill="none" stroke="{ink}" stroke-width="2"{line}/>')
    return "".join(parts)


def row(x: float, y: float, roles: list[str]) -> list[str]:
    """A network as a row of stages, with the freeze boundary."""
    parts = [stage(x + 42 * place, y, role) for place, role in enumerate(roles)]
    if "frozen" in roles:
        bar = x + 42 * roles.count("frozen") - 4
        parts.append(f'<path d="M{bar:g} {y - 8:g}v54" stroke="{INK}" stroke-width="3"/>')
    return parts


def score(x: float, y: float) -> list[str]:
    """A score with its interval, beside the constant guess."""
    return [
        f'<path d="M{x + 60:g} {y - 8:g}v54" stroke="{SOFT}" stroke-dasharray="3 3"/>',
        f'<path d="M{x + 120:g} {y + 19:g}h70" stroke="{INK}" stroke-width="3"/>',
        f'<circle cx="{x + 158:g}" cy="{y + 19:g}" r="7" fill="{ROLES["fine-tuned"][1]}"/>',
        text(x, y + 62, "constant guess", 12, fill=SOFT),
        text(x + 122, y + 62, "score, interval", 12, fill=SOFT),
    ]


def column(number: int, step: dict) -> list[str]:
    """One of the four steps."""
    x, height = LEFT + (number - 1) * (COLUMN + GAP), 580
    inner = x + 18
    parts = [
        f'<rect x="{x}" y="{TOP}" width="{COLUMN}" height="{height}" rx="12" fill="#ffffff" '
        f'stroke="{LINE}" stroke-width="2"/>',
        f'<circle cx="{inner + 14}" cy="{TOP + 36}" r="17" fill="{INK}"/>',
        text(inner + 14, TOP + 42, str(number), 18, fill="#ffffff", text_anchor="middle",
             font_weight="bold"),
    ]  # fmt: skip
    for place, words in enumerate(step["title"]):
        parts.append(text(inner + 42, TOP + 32 + 20 * place, words, 15, font_weight="bold"))
    parts += row(inner, TOP + 92, step["row"]) if step["row"] else score(inner, TOP + 92)
    for place, words in enumerate(step["ask"]):
        parts.append(text(inner, TOP + 194 + 26 * place, words, 13))
    parts.append(text(inner, TOP + 352, "in the library", 12, fill=SOFT))
    for place, words in enumerate(step["calls"]):
        parts.append(text(inner, TOP + 378 + 24 * place, words, 15, font_family="monospace"))
    parts.append(text(inner, TOP + 518, "in the book", 12, fill=SOFT))
    first, _, second = step["book"].partition(", ")
    parts.append(text(inner, TOP + 540, first, 14, font_weight="bold"))
    parts.append(text(inner, TOP + 560, second, 13))
    return parts


def card() -> str:
    """Return the card as SVG."""
    arrow = TOP + 580
    back, forth = LEFT + 3.5 * COLUMN + 3 * GAP, LEFT + 1.5 * COLUMN + GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'font-family="DejaVu Sans, Verdana, sans-serif" fill="{INK}">',
        f"<title>The workflow card</title><desc>{escape(ALT)}</desc>",
        '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><path d="M0 0v6" stroke="#1f5fa8" stroke-opacity=".35" '
        'stroke-width="1.5"/></pattern><marker id="tip" viewBox="0 0 8 8" refX="6" refY="4" '
        f'markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="{SOFT}"/>'
        "</marker></defs>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fdfdfb"/>',
        text(LEFT, 44, "Transfer learning in four steps", 28, font_weight="bold"),
        text(LEFT, 72, "Of every stage ask: is it copied or new, and may it change?", 16,
             fill=SOFT),
    ]  # fmt: skip
    for number, step in enumerate(STEPS, start=1):
        parts += column(number, step)
    parts.append(
        f'<path d="M{back:g} {arrow}v26H{forth:g}v-20" fill="none" stroke="{SOFT}" '
        'stroke-width="2" marker-end="url(#tip)"/>'
    )
    middle = (back + forth) / 2
    parts.append(text(middle, arrow + 46, "not good enough? look at the mistakes, then go back",
                      13, fill=SOFT, text_anchor="middle"))  # fmt: skip
    legend = {"frozen": "frozen: copied, fixed", "fine-tuned": "fine-tuned: copied, learns",
              "new": "new: random, learns"}  # fmt: skip
    for place, (role, words) in enumerate(legend.items()):
        x = LEFT + 250 * place
        parts += [stage(x, 742, role), text(x + 44, 766, words, 14, fill=ROLES[role][1])]
    parts.append(text(WIDTH - LEFT, 766, "How Does Transfer Learning Work? CC BY 4.0", 12,
                      fill=SOFT, text_anchor="end"))  # fmt: skip
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    CARD.write_text(card(), encoding="utf-8", newline="\n")
