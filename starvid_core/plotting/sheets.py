"""Contact sheets: clips as numbered rows of frames for a person to look through."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import UInt8
from matplotlib.figure import Figure

from starvid_core.plotting.style import DPI, FAINT, LARGE, SMALL, Sheet, colors, outline, picture
from starvid_core.scene import Box

FRAME, GAP, MARGIN, NUMBER, CAPTION = 0.96, 0.02, 0.08, 0.34, 0.16
SHOWN = 8  # frames of a clip
ROWS = 10  # clips on a sheet

Video = UInt8[np.ndarray, "frame height width 3"]
Named = tuple[str, Box]


@dataclass(frozen=True)
class Row:
    """One clip: its number, what is said of it, and what is seen where in every frame."""

    number: str
    video: Video = field(repr=False)
    caption: str = ""
    seen: tuple[tuple[Named, ...], ...] = ()


def contact_sheets(rows: Sequence[Row], each: int = ROWS) -> Iterator[Figure]:
    """The rows on as many sheets as they need."""
    for first in range(0, len(rows), each):
        yield _sheet(rows[first : first + each])


def _sheet(rows: Sequence[Row]) -> Figure:
    height, width = rows[0].video.shape[1:3]
    wide = max(1, round(FRAME * DPI / width)) * width / DPI
    tall = wide * height / width
    caption = CAPTION if any(row.caption for row in rows) else 0.0
    step = tall + caption + MARGIN
    columns = min(SHOWN, len(rows[0].video))
    across = 2 * MARGIN + NUMBER + columns * (wide + GAP)
    sheet = Sheet.new(across, len(rows) * step + MARGIN)
    for k, row in enumerate(rows):
        y = MARGIN + k * step
        sheet.text(MARGIN, y + caption + tall / 2, row.number, size=LARGE, weight="bold")
        sheet.text(MARGIN + NUMBER, y + caption / 2, row.caption, size=SMALL, color=FAINT)
        _frames(sheet, row, (MARGIN + NUMBER, y + caption, wide, tall))
    return sheet.figure


def _frames(sheet: Sheet, row: Row, place: tuple[float, float, float, float]) -> None:
    x, y, wide, tall = place
    names = sorted({name for frame in row.seen for name, _ in frame})
    color = dict(zip(names, colors(len(names)), strict=True))
    shown = np.linspace(0, len(row.video) - 1, min(SHOWN, len(row.video))).round().astype(int)
    for column, frame in enumerate(shown):
        axes = sheet.axes(x + column * (wide + GAP), y, wide, tall)
        picture(axes, row.video[frame])
        for name, box in row.seen[frame] if row.seen else ():
            outline(axes, box, color[name])
            patch = {"facecolor": color[name], "edgecolor": "none", "pad": 0.4}
            axes.text(box.x0, box.y0, name, size=4.5, color="white", va="top", bbox=patch)
