"""The pairs of maps that Eqs. (4) and (5) compare, over neighboring frames (Fig. 4)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from starvid_core.plotting.style import FAINT, INK, LARGE, NORMAL, SMALL, Sheet, picture

MAP, APART, MARGIN, TITLE, LETTER = 1.3, 1.05, 0.15, 0.3, 0.075
NEAR, FAR = "#029E73", "#D55E00"

Maps = Float[np.ndarray, "word frame h w"]
Distances = Float[np.ndarray, "frame frame"]


def plot_contrast(
    names: Sequence[str], maps: Maps, near: Distances, far: Distances, first: int
) -> Figure:
    """Maps of the verb, its noun and another word in 2n + 1 frames, joined where a loss compares.

    `near[f, k]` is the distance of noun^f from verb^k, `far[f, k]` that from the other word's;
    `first` is the number of the first frame shown.
    """
    frames = maps.shape[1]
    tall = MAP * maps.shape[2] / maps.shape[3]
    step = MAP + 0.75
    left = 3 * MARGIN + LETTER * max(map(len, names))
    sheet = Sheet.new(left + frames * step + MARGIN, TITLE + 3 * tall + 2 * APART + 0.5)
    rows = [TITLE + 0.1 + row * (tall + APART) for row in range(3)]
    for name, top, row in zip(names, rows, maps, strict=True):
        sheet.text(MARGIN, top + tall / 2, name, size=NORMAL, weight="bold")
        for column, A in enumerate(row):
            axes = sheet.axes(left + column * step, top, MAP, tall)
            picture(axes, A, cmap="magma", vmin=0, vmax=max(float(A.max()), 1e-12))
    for column in range(frames):
        shift = column - frames // 2
        here = f"f {'−' if shift < 0 else '+'} {abs(shift)}" if shift else "f"
        place = left + column * step + MAP / 2
        text = f"frame {first + column + 1} ({here})"
        sheet.text(place, TITLE / 2, text, size=NORMAL, color=FAINT, ha="center")
    columns = [left + column * step + MAP / 2 for column in range(frames)]
    _join(sheet, columns, (rows[1], rows[0] + tall), near, NEAR)
    _join(sheet, columns, (rows[1] + tall, rows[2]), far, FAR)
    bottom = rows[2] + tall + 0.2
    sheet.text(MARGIN, bottom, "Eq. (4): pulled together", size=LARGE, color=NEAR)
    sheet.text(2.4, bottom, "Eq. (5): pushed apart", size=LARGE, color=FAR)
    said = "numbers: symmetric KL divergence of the two maps"
    sheet.text(4.4, bottom, said, size=SMALL, color=INK)
    return sheet.figure


def _join(
    sheet: Sheet,
    columns: Sequence[float],
    heights: tuple[float, float],
    distances: Distances,
    color: str,
) -> None:
    """Lines of the middle frame: its noun to all others, and its other word to all nouns."""
    middle = len(columns) // 2
    pairs = {(middle, k) for k in range(len(columns))} | {(k, middle) for k in range(len(columns))}
    for noun, other in sorted(pairs):
        start, end = (columns[noun], heights[0]), (columns[other], heights[1])
        _arrow(sheet, start, end, color)
        share = 0.5 if noun == other else 0.26 if noun == middle else 0.74
        x, y = (a + (b - a) * share for a, b in zip(end, start, strict=True))
        style = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
        number = f"{distances[noun, other]:.2f}"
        sheet.text(x, y, number, size=SMALL, color=color, ha="center", bbox=style)


def _arrow(sheet: Sheet, start: tuple[float, float], end: tuple[float, float], color: str) -> None:
    wide, tall = sheet.figure.get_size_inches()
    ends = [(x / wide, 1 - y / tall) for x, y in (start, end)]
    sheet.figure.add_artist(
        FancyArrowPatch(
            *ends,
            arrowstyle="<->",
            mutation_scale=7,
            lw=1.0,
            color=color,
            shrinkA=2,
            shrinkB=2,
            transform=sheet.figure.transFigure,
        )
    )
