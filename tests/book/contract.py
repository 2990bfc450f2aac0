"""The chapter contract, as rules a machine can check.

A chapter is a notebook in ``book/start``, ``book/steps``, ``book/types`` or ``book/practice``.
Its parts, in this order, with the exact markers that the rules look for:

1.  The first cell is markdown and opens the chapter::

        # Fine-tuning

        **In one sentence:** You decide, stage by stage, what to keep and what to train.

        **Time:** 20 minutes to read, 1 minute to run, 30 minutes for the exercises.

        [Open in Colab](https://colab.research.google.com/github/OWNER/NAME/blob/main/book/steps/2-fine-tuning.ipynb)
        or [run it on your own machine](https://github.com/OWNER/NAME#run-it-on-your-own-machine).

        ## Objectives

        - Three to five list items, each something the reader will be able to do.

    ``make notebooks`` writes the repository's address (it stands in ``_config.yml``) and the
    notebook's path into the Colab link, so copying another chapter's first cell is fine. "seconds"
    works as well as "minutes" for the time to run. ``# `` appears once, here.

2.  One code cell tagged ``setup``, the first code cell: it installs in Colab and Kaggle, as
    another chapter's does, from the repository's address, and imports.

3.  The ideas, each under a heading ``## ...`` of its own choosing. Among them:

    - at least one heading that starts with ``What happened inside`` (the step in plain PyTorch);
    - at least one question with three or more choices, as HTML with no empty line inside (an empty
      line ends HTML in Markdown), each choice with its reason after ``</summary>``::

        <div class="predict" role="group" aria-label="Predict first">
        <p><strong>Predict first.</strong> Question text?</p>
        <details name="q-1"><summary>Answer A</summary><p>Why it is wrong or right.</p></details>
        <details name="q-1"><summary>Answer B</summary><p>Why it is wrong or right.</p></details>
        <details name="q-1"><summary>Answer C</summary><p>Why it is wrong or right.</p></details>
        </div>

      The ``name`` is shared by the choices of one question and by no other question;
    - at least one call of ``tl.claim(`` in a code cell.

    Code cells hold at most 12 non-blank lines (the set-up cell four more: those that install). One
    cell a chapter may carry the tag ``long`` and hold 18. No code cell follows another code cell
    directly: words stand between them (the set-up cell and solutions are free of this).

4.  ``## Exercises``, with ``### Exercise 1: ...`` to ``### Exercise 3: ...``. Under each, at least
    one executed code cell with the tags ``solution`` and ``hide-cell``. Words that explain a
    solution stand after it in ``<details class="found">``, folded as it is.

5.  ``## Summary``: a list of exactly five items.

6.  ``## When this fails``: at least one sentence.

7.  ``## References``: a list whose items each hold a link.

Everywhere:

- No result is typed by hand. Prose holds no decimals (0.87, .87), percentages (87 %) or "points":
  code shows them. Free of this are `code spans`, maths, the text of a choice (it is a guess), the
  words "95 % interval" and a sentence with a link to another site (a figure of others, cited) or
  with the comment ``<!-- not a result -->``.
- Links to other hosts are https. A link to the glossary leads to a term. Nothing is loaded from
  another host (no remote images).
- Every image has alt text: ``![words](file)`` in prose, ``metadata["image/png"]["alt"]`` in an
  output.
- Outputs are committed, from one run from top to bottom by ``make notebooks``; no cell has an
  error, but those tagged ``raises-exception``.
- The run took at most 120 seconds and 2,048 MB (``book/_status.json``): 90 on a processor with
  AVX-512, half as much again on one without.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CHAPTER_FOLDERS = ("start", "steps", "types", "practice")
MOST_LINES = 12
MOST_LINES_IF_LONG = 18
INSTALLING = 4  # lines of the set-up cell
MOST_SECONDS = 120
MOST_MEGABYTES = 2048


@dataclass
class Cell:
    """A notebook cell, with what the rules ask of it."""

    kind: str
    source: str
    tags: list[str]
    outputs: list[dict[str, Any]] = field(default_factory=list)
    execution_count: int | None = None

    @property
    def is_code(self) -> bool:
        return self.kind == "code"

    @property
    def lines(self) -> int:
        return sum(1 for line in self.source.splitlines() if line.strip())

    def __str__(self) -> str:
        first = next((line for line in self.source.splitlines() if line.strip()), "")
        return f"the {self.kind} cell that starts {first[:60]!r}"


@dataclass
class Chapter:
    """A notebook, its path in the repository and the repository's address."""

    path: str
    notebook: dict[str, Any]
    repository: str
    status: dict[str, dict[str, float]]

    @classmethod
    def read(cls, file: Path, repository: str) -> Chapter:
        status = ROOT / "book" / "_status.json"
        return cls(
            path=file.relative_to(ROOT).as_posix(),
            notebook=json.loads(file.read_text(encoding="utf-8")),
            repository=repository,
            status=json.loads(status.read_text(encoding="utf-8")) if status.exists() else {},
        )

    @cached_property
    def cells(self) -> list[Cell]:
        return [
            Cell(
                kind=cell["cell_type"],
                source="".join(cell["source"]),
                tags=cell.get("metadata", {}).get("tags", []),
                outputs=cell.get("outputs", []),
                execution_count=cell.get("execution_count"),
            )
            for cell in self.notebook["cells"]
        ]

    @property
    def code(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.is_code]

    @property
    def prose(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.kind == "markdown"]

    @cached_property
    def headings(self) -> list[tuple[int, str]]:
        """Level and text of every heading, in order."""
        return [
            (len(match[1]), match[2].strip())
            for cell in self.prose
            for match in re.finditer(r"^(#{1,6}) +(.+)$", _without_fences(cell.source), re.M)
        ]

    def section(self, heading: str) -> str | None:
        """The prose from a level-2 heading to the next, or None if there is no such heading."""
        prose = "\n\n".join(_without_fences(cell.source) for cell in self.prose)
        match = re.search(rf"^## +{re.escape(heading)}\s*$(.*?)(?=^## |\Z)", prose, re.M | re.S)
        return match[1].strip() if match else None

    @property
    def colab_address(self) -> str:
        owner_and_name = self.repository.removeprefix("https://github.com/")
        return f"https://colab.research.google.com/github/{owner_and_name}/blob/main/{self.path}"


def chapter_files() -> list[Path]:
    """Every chapter of the book, in reading order."""
    return [
        file
        for folder in CHAPTER_FOLDERS
        for file in sorted((ROOT / "book" / folder).glob("*.ipynb"))
    ]


def _without_fences(markdown: str) -> str:
    return re.sub(r"^(```+|~~~+).*?^\1\s*?$", "", markdown, flags=re.M | re.S)


def _list_items(markdown: str) -> list[str]:
    return re.findall(r"^(?:[-*+]|\d+[.)]) +(.+(?:\n(?![-*+\n]|\d+[.)]).+)*)", markdown, re.M)


# --- The rules: each yields what is wrong and what to do about it --------------------------------

Rule = Callable[[Chapter], Iterator[str]]


def opening(chapter: Chapter) -> Iterator[str]:
    """Title, promise, times, Colab and the local route stand in the first cell."""
    first = chapter.cells[0]
    if first.is_code or not re.match(r"# +\S", first.source):
        yield "Open with a markdown cell whose first line is '# Title'."
    if sum(1 for level, _ in chapter.headings if level == 1) != 1:
        yield "Keep exactly one '# ' heading, the title; use '## ' for the sections."
    promise = re.search(r"^\*\*In one sentence:\*\* (.+?)(?:\n\s*\n|\Z)", first.source, re.M | re.S)
    if not promise:
        yield "Add the promise to the first cell: '**In one sentence:** You ...'."
    elif len(re.findall(r"[.!?](?=\s|$)", promise[1])) != 1:
        yield "Make the promise one sentence that ends with a full stop."
    unit = r"\d+ (?:seconds?|minutes?)"
    if not re.search(
        rf"^\*\*Time:\*\* {unit} to read, {unit} to run, {unit} for the exercises\.",
        first.source,
        re.M,
    ):
        yield (
            "Add the times to the first cell: '**Time:** 20 minutes to read, 1 minute to run, "
            "30 minutes for the exercises.'"
        )
    if f"[Open in Colab]({chapter.colab_address})" not in first.source:
        yield (
            f"Add '[Open in Colab]({chapter.colab_address})' to the first cell "
            "(`make notebooks` corrects the address)."
        )
    if not re.search(r"\[[^\]]*your own machine\]\([^)]+\)", first.source):
        yield "Beside the Colab link, add the local route: '[run it on your own machine](...)'."


def objectives(chapter: Chapter) -> Iterator[str]:
    """Three to five objectives."""
    section = chapter.section("Objectives")
    if section is None:
        yield "Add '## Objectives' to the first cell."
    elif not 3 <= (count := len(_list_items(section))) <= 5:
        yield f"'## Objectives' has {count} list items; write 3 to 5."


def setup_cell(chapter: Chapter) -> Iterator[str]:
    """One set-up cell, the first code cell, which installs in Colab and Kaggle only."""
    tagged = [cell for cell in chapter.code if "setup" in cell.tags]
    if len(tagged) != 1:
        yield f"{len(tagged)} code cells are tagged 'setup'; tag exactly one."
        return
    if chapter.code[0] is not tagged[0]:
        yield "Make the set-up cell the first code cell."
    hosted = """if "google.colab" in sys.modules or "KAGGLE_URL_BASE" in os.environ:"""
    if hosted not in tagged[0].source:
        yield f"Let the set-up cell install below {hosted!r}, and nowhere else."
    if chapter.repository not in tagged[0].source:
        yield f"Let the set-up cell install from {chapter.repository}."


def sections(chapter: Chapter) -> Iterator[str]:
    """The closing sections exist, in order, and heading levels do not jump."""
    wanted = ["Objectives", "Exercises", "Summary", "When this fails", "References"]
    found = [text for level, text in chapter.headings if level == 2 and text in wanted]
    if found != wanted:
        yield f"Have each of these '## ' headings once, in this order: {wanted}; found {found}."
    for (above, _), (level, text) in zip(chapter.headings, chapter.headings[1:], strict=False):
        if level > above + 1:
            yield f"Heading {text!r} jumps from level {above} to {level}; use level {above + 1}."
    if not any(text.startswith("What happened inside") for _, text in chapter.headings):
        yield "Add a heading 'What happened inside' with the same step in plain PyTorch."


def code_size(chapter: Chapter) -> Iterator[str]:
    """Code cells are short, and words stand between them."""
    if sum("long" in cell.tags for cell in chapter.code) > 1:
        yield "Tag at most one code cell 'long'."
    for cell in chapter.code:
        most = MOST_LINES_IF_LONG if "long" in cell.tags else MOST_LINES
        most += INSTALLING if "setup" in cell.tags else 0
        if cell.lines > most:
            yield f"{cell} has {cell.lines} non-blank lines; split it (at most {most})."
    for before, cell in zip(chapter.cells, chapter.cells[1:], strict=False):
        free = {"setup", "solution"} & {*before.tags, *cell.tags}
        if before.is_code and cell.is_code and not free:
            yield f"Put a sentence in front of {cell}: two code cells stand next to each other."


class _Questions(HTMLParser):
    """Collects the predict-first questions of a text: for each, its (name, choice, reason)s."""

    def __init__(self) -> None:
        super().__init__()
        self.questions: list[list[list[str]]] = []
        self._depth = 0  # of <div>s, counted from the question's own
        self._into: int | None = None  # which text collects: 1 the choice, 2 the reason

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "div":
            if self._depth:
                self._depth += 1
            elif "predict" in (attributes.get("class") or "").split():
                self._depth = 1
                self.questions.append([])
        elif self._depth and tag == "details":
            self.questions[-1].append([attributes.get("name") or "", "", ""])
            self._into = 2
        elif self._into and tag == "summary":
            self._into = 1

    def handle_endtag(self, tag: str) -> None:
        if tag == "div" and self._depth:
            self._depth -= 1
        elif tag == "summary" and self._into:
            self._into = 2
        elif tag == "details":
            self._into = None

    def handle_data(self, data: str) -> None:
        if self._into:
            self.questions[-1][-1][self._into] += data.strip()


def right_places(chapter: Chapter) -> list[int]:
    """Where the right choice stands in each predict-first question, counted from 0."""
    parser = _Questions()
    for cell in chapter.prose:
        parser.feed(cell.source + "\n")
    return [
        place
        for choices in parser.questions
        for place, (_, _, reason) in enumerate(choices)
        if reason.startswith("Right")
    ]


def questions(chapter: Chapter) -> Iterator[str]:
    """At least one predict-first question; every choice of every question has its reason."""
    parser = _Questions()
    for cell in chapter.prose:
        parser.feed(cell.source + "\n")
        for block in re.findall(r'<div class="predict".*?</div>', cell.source, re.S):
            if re.search(r"\n\s*\n", block):
                yield f"Remove the empty lines inside the question in {cell}: they end the HTML."
            if not re.match(
                r'<div class="predict" role="group" aria-label="[^"]+">\s*<p><strong>', block
            ):
                yield (
                    f'Open the question in {cell} with <div class="predict" role="group" '
                    'aria-label="Predict first"> and <p><strong>Predict first.</strong> ...</p>.'
                )
    if not parser.questions:
        yield 'Add a predict-first question: <div class="predict" role="group" ...>.'
    taken: set[str] = set()
    for choices in parser.questions:
        if len(choices) < 3:
            yield f"A question has {len(choices)} choices; give at least 3 <details>."
        names = {name for name, _, _ in choices}
        if len(names) != 1 or "" in names:
            yield f"Give the choices of one question one shared name=...; found {sorted(names)}."
        elif names & taken:
            yield f"The name {names.pop()!r} is used by two questions; number them q-1, q-2, ..."
        taken |= names
        for _, choice, reason in choices:
            if not choice or len(reason) < 15:
                yield f"The choice {choice!r} needs a reason of a sentence after </summary>."


def claims(chapter: Chapter) -> Iterator[str]:
    """What the prose says about results is guarded."""
    if not any("tl.claim(" in cell.source for cell in chapter.code):
        yield "Guard what the prose says with at least one tl.claim(...)."


_HINT = 60  # characters between the cells of one solution that give nothing away


def _before_headings(text: str) -> str:
    return re.split(r"^#", text, maxsplit=1, flags=re.M)[0].strip()


def exercises(chapter: Chapter) -> Iterator[str]:
    """Three exercises, each with a hidden, executed solution."""
    solved: dict[str, int] = {}
    current = None
    for cell in chapter.cells:
        if cell.kind == "markdown":
            for level, text in re.findall(r"^(#+) +(.+)$", _without_fences(cell.source), re.M):
                current = text if level == "###" and re.match(r"Exercise \d", text) else None
                if current:
                    solved[current] = 0
        if "solution" in cell.tags:
            if "hide-cell" not in cell.tags or not cell.is_code:
                yield f"Make {cell} a code cell tagged 'hide-cell' as well as 'solution'."
            if cell.execution_count is None:
                yield f"Run `make notebooks`: the solution in {cell} was not executed."
            if current is None:
                yield f"Put {cell} under a heading '### Exercise N: ...'."
            else:
                solved[current] += 1
    for before, cell in itertools.pairwise(chapter.cells):
        told = _before_headings(cell.source) if cell.kind == "markdown" else ""
        if "solution" in before.tags and len(told) > _HINT and "<details" not in told:
            yield f'Fold what explains the solution in {cell}: <details class="found">.'
    for number in (1, 2, 3):
        if not any(re.match(rf"Exercise {number}: \S", title) for title in solved):
            yield f"Add '### Exercise {number}: ...' under '## Exercises'."
    for title, count in solved.items():
        if not count:
            yield f"{title!r} has no code cell tagged 'solution' and 'hide-cell'."


def closing(chapter: Chapter) -> Iterator[str]:
    """Summary of five, failures told, references linked."""
    summary = _list_items(chapter.section("Summary") or "")
    if len(summary) != 5:
        yield f"'## Summary' has {len(summary)} list items; write exactly 5."
    if len((chapter.section("When this fails") or "").split()) < 10:
        yield "Say under '## When this fails' when this fails, in at least a sentence."
    references = _list_items(chapter.section("References") or "")
    if not references:
        yield "List at least one reference under '## References'."
    for item in references:
        if not re.search(r"\]\([^)]+\)|<https://[^>]+>|\{cite", item):
            yield f"Link the reference {item[:60]!r}."


_RESULT = re.compile(
    r"(?<![\w.])\d*\.\d+(?![\w]|\.\d)"  # 0.87 or .87, but not a version such as 2.14.1
    r"|\d+(?:\.\d+)?\s?(?:%|per\s?cent\b|(?:percentage\s)?points\b)"
)


def numbers(chapter: Chapter) -> Iterator[str]:
    """No result is typed by hand."""
    for cell in chapter.prose:
        text = _without_fences(cell.source)
        text = re.sub(r"<summary>.*?</summary>", "", text, flags=re.S)
        text = re.sub(r"\$\$.+?\$\$|\$[^$\n]+\$|`[^`\n]+`", " … ", text, flags=re.S)
        text = re.sub(r"\b95\s?%(?=\s(?:confidence\s)?intervals?\b)", "", text)
        for block in re.split(r"\n\s*\n|\n(?=[-*+|#<] ?)", text):
            for sentence in re.split(r"(?<=[.!?])\s+", block):
                cited = re.search(r"\]\(https://|<https://|\{cite|<!-- not a result -->", sentence)
                bare = re.sub(r"\]\([^)]*\)|<[^>]+>", "", sentence)
                for found in [] if cited else _RESULT.findall(bare):
                    yield (
                        f"{found!r} is typed by hand in {sentence.strip()[:80]!r}: let code show "
                        "it, or cite whose figure it is in the same sentence."
                    )


def links(chapter: Chapter) -> Iterator[str]:
    """Other hosts are named by https, nothing is loaded from them, and terms are linked as such."""
    for cell in chapter.prose:
        if re.search(r"glossary\.md(?!#term-)", cell.source):
            yield f"Link the term in {cell}, not the whole glossary: glossary.md#term-..."
        for address in re.findall(r"http://[^\s)>\"']+", cell.source):
            yield f"Link {address} by https."
        loaded = (
            r"!\[[^\]]*\]\((https?:[^)\s]+)|<(?:img|script|iframe|link)[^>]+(https?:[^\"'\s>]+)"
        )
        for found in re.findall(loaded, cell.source):
            yield f"{''.join(found)} would be loaded from another host; keep the file in book/."


def alt_text(chapter: Chapter) -> Iterator[str]:
    """Every picture carries its words."""
    for cell in chapter.prose:
        if re.search(r"!\[\s*\]\(", cell.source):
            yield f"Write the alt text of the image in {cell}: ![words](file)."
    for cell in chapter.code:
        for output in cell.outputs:
            for kind in (k for k in output.get("data", {}) if k.startswith("image/")):
                if len(output.get("metadata", {}).get(kind, {}).get("alt", "").split()) < 3:
                    yield (
                        f"The picture of {cell} has no words: return a tl_teach picture, "
                        "which describes itself."
                    )


def outputs(chapter: Chapter) -> Iterator[str]:
    """The outputs of one whole run are committed, without errors."""
    executed = [cell for cell in chapter.code if cell.source.strip()]
    if [cell.execution_count for cell in executed] != list(range(1, len(executed) + 1)):
        yield f"Run `make notebooks NB={chapter.path}`: not every cell was run, top to bottom."
    if not any(cell.outputs for cell in chapter.code):
        yield f"Run `make notebooks NB={chapter.path}`: no outputs are committed."
    for cell in chapter.code:
        for output in cell.outputs:
            if output["output_type"] == "error" and "raises-exception" not in cell.tags:
                yield f"{cell} failed with {output['ename']}; mend it, or tag it raises-exception."


def cost(chapter: Chapter) -> Iterator[str]:
    """The chapter runs in the time and memory that Colab and a laptop have."""
    measured = chapter.status.get(chapter.path)
    if measured is None:
        yield f"Run `make notebooks NB={chapter.path}`: its time is not in book/_status.json."
        return
    if measured["seconds"] > MOST_SECONDS:
        yield f"It runs for {measured['seconds']} s; at most {MOST_SECONDS} are allowed."
    if measured["megabytes"] > MOST_MEGABYTES:
        yield f"It needs {measured['megabytes']} MB; at most {MOST_MEGABYTES} are allowed."


RULES: tuple[Rule, ...] = (
    opening,
    objectives,
    setup_cell,
    sections,
    code_size,
    questions,
    claims,
    exercises,
    closing,
    numbers,
    links,
    alt_text,
    outputs,
    cost,
)
