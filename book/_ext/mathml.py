"""Maths as MathML, made while the book is built.

Every current browser draws MathML by itself: no script is loaded, screen readers read it, and a
mistake in a formula stops the build instead of showing on a reader's screen. What a browser may
lack is a font with the shapes of mathematics, so STIX Two Math goes along, cut down to what a book
of this kind can use (about 200 KB, fetched by pages with maths only).
"""

from __future__ import annotations

from html import escape
from importlib.resources import as_file, files
from itertools import chain
from pathlib import Path

from docutils import nodes
from fontTools import subset
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

logger = logging.getLogger(__name__)

FONT = "stix-two-math.woff"
CHARACTERS = chain(
    range(0x20, 0x7F),  # Latin
    range(0xA0, 0x100),
    range(0x391, 0x3F7),  # Greek
    range(0x2010, 0x2035),  # dashes, dots, primes
    range(0x2061, 0x2065),  # the unseen operators
    range(0x20D0, 0x20E2),  # accents
    range(0x2100, 0x2140),  # letters of number sets
    range(0x2190, 0x21D5),  # arrows
    range(0x2200, 0x2300),  # operators
    range(0x2308, 0x230C),  # floor and ceiling
    range(0x23DC, 0x23E0),  # braces above and below
    range(0x27E8, 0x27EA),  # angle brackets
    range(0x1D400, 0x1D468),  # bold and italic letters
    range(0x1D49C, 0x1D4D0),  # script letters
    range(0x1D538, 0x1D56C),  # double-struck letters
    range(0x1D6A8, 0x1D71C),  # bold and italic Greek
    range(0x1D7CE, 0x1D7E2),  # bold and double-struck digits
)


def to_mathml(node: nodes.Element, display: str) -> str:
    """Return the formula of `node` as a <math> element."""
    formula = node.astext().strip()
    try:
        return convert(formula, display=display)
    except Exception as error:  # the converter has no error class of its own
        logger.warning("Cannot read the formula %r: %r", formula, error, location=node)
        return f"<code>{escape(formula)}</code>"


def visit_inline(translator: HTML5Translator, node: nodes.math) -> None:
    translator.body.append(f'<span class="math">{to_mathml(node, "inline")}</span>')
    raise nodes.SkipNode


def visit_block(translator: HTML5Translator, node: nodes.math_block) -> None:
    # A wide formula scrolls by itself, so it can be reached with the keyboard: tabindex.
    translator.body.append(translator.starttag(node, "div", CLASS="math", tabindex="0"))
    translator.body.append(to_mathml(node, "block"))
    if node.get("number"):
        number = get_node_equation_number(translator, node)
        translator.body.append(f'<span class="eqno">({number})</span>')
    translator.body.append("</div>\n")
    raise nodes.SkipNode


def write_font(app: Sphinx, error: Exception | None) -> None:
    """Put the font beside the style sheet, which names it."""
    target = Path(app.outdir, "_static", FONT)
    if error or target.exists() or app.builder.format != "html":
        return
    options = subset.Options(flavor="woff", layout_features=["*"], hinting=False)
    with as_file(files("ziamath.fonts") / "STIXTwoMath-Regular.ttf") as source:
        font = subset.load_font(str(source), options)
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=CHARACTERS)
        subsetter.subset(font)
        subset.save_font(font, str(target), options)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_html_math_renderer(
        "mathml", inline_renderers=(visit_inline, None), block_renderers=(visit_block, None)
    )
    app.connect("build-finished", write_font)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
