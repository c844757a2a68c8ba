"""Tables as pictures: blocks of lines, intervals in small print, colored verdicts."""

from __future__ import annotations

import textwrap
from itertools import groupby
from typing import Any

from matplotlib.figure import Figure

from starvid_core.plotting.style import FAINT, INK, LARGE, NORMAL, SMALL, Sheet

ROW, HEAD, BLOCK, MARGIN, LINE = 0.31, 0.2, 0.27, 0.12, 0.15
NAME, LETTERS = 1.55, 18  # inches of the names; letters of a note on an inch
NARROWEST = 5.2  # inches, for the note
WIDTHS = {"paper": 0.5, "ours": 0.86, "difference": 0.92, "verdict": 0.98}
VERDICTS = {
    "same direction": "#029E73",
    "opposite": "#D55E00",
    "not significant": FAINT,
    "reference": FAINT,
}
KEY = (
    "ours: mean [95 % bootstrap interval over prompts]; difference: to the reference, or to the "
    "rival, on the same prompts. Verdict: whether the interval of the difference leaves out 0, on "
    "the side of the paper's difference or on the other."
)


def plot_table(lines: Any, title: str, note: str, key: str = KEY) -> Figure:
    """A table of texts: rows are named (block, name), columns (title, kind).

    "0.83 [0.78, 0.87]" is set in two lines. `key` says what the columns are, `note` where the
    numbers come from.
    """
    widths = [WIDTHS.get(kind, 0.6) for _, kind in lines.columns]
    width = max(2 * MARGIN + NAME + sum(widths), NARROWEST)
    blocks = [(block, part) for block, part in lines.groupby(level=0, sort=False)]
    letters = int(width * LETTERS)
    said = [part for text in (key, note) for part in textwrap.wrap(text, letters)]
    height = BLOCK + 2 * HEAD + len(lines) * ROW + len(blocks) * BLOCK + len(said) * LINE
    sheet = Sheet.new(width, height + 3.5 * MARGIN)
    lefts = [MARGIN + NAME + sum(widths[:i]) for i in range(len(widths))]
    sheet.text(MARGIN, MARGIN + BLOCK / 2, title, size=LARGE, weight="bold")
    y = _head(sheet, MARGIN + BLOCK, lines.columns, lefts, widths)
    for block, part in blocks:
        y = _block(sheet, y, (block, part), lefts, widths)
    sheet.rule(MARGIN, y + 0.02, lefts[-1] + widths[-1] - MARGIN)
    for number, text in enumerate(said):
        place = MARGIN, y + MARGIN + (number + 0.5) * LINE
        sheet.text(*place, text, limit=letters, size=SMALL, color=FAINT)
    return sheet.figure


def _head(sheet: Sheet, y: float, columns: Any, lefts: list[float], widths: list[float]) -> float:
    """Titles over the kinds of their columns."""
    sheet.rule(MARGIN, y, lefts[-1] + widths[-1] - MARGIN)
    for title, group in groupby(enumerate(columns), key=lambda pair: pair[1][0]):
        places = [number for number, _ in group]
        left, right = lefts[places[0]], lefts[places[-1]] + widths[places[-1]]
        center = (left + right) / 2
        sheet.text(center, y + HEAD / 2, title, size=NORMAL, weight="bold", ha="center")
        sheet.rule(left + 0.06, y + HEAD, right - left - 0.12)
    for (_, kind), left, width in zip(columns, lefts, widths, strict=True):
        sheet.text(left + width / 2, y + 1.5 * HEAD, kind, size=SMALL, color=FAINT, ha="center")
    return y + 2 * HEAD


def _block(
    sheet: Sheet, y: float, block: tuple[str, Any], lefts: list[float], widths: list[float]
) -> float:
    name, part = block
    sheet.rule(MARGIN, y, lefts[-1] + widths[-1] - MARGIN)
    sheet.text(MARGIN, y + BLOCK / 2, name, size=NORMAL, style="italic")
    y += BLOCK
    for variant, row in zip(part.index.get_level_values(1), part.to_numpy(), strict=True):
        sheet.label(MARGIN + 0.1, y + ROW / 2, variant, size=NORMAL)
        for text, left, width in zip(row, lefts, widths, strict=True):
            _cell(sheet, left + width / 2, y + ROW / 2, text)
        y += ROW
    return y


def _cell(sheet: Sheet, x: float, y: float, text: str) -> None:
    value, bracket, interval = text.partition(" [")
    color = VERDICTS.get(text, INK)
    shift = 0.055 if bracket else 0.0
    sheet.text(x, y - shift, value, size=NORMAL, color=color, ha="center")
    if bracket:
        sheet.text(x, y + 0.085, f"[{interval}", size=SMALL, color=FAINT, ha="center")
