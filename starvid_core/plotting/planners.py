"""Planned boxes over time, and what plans of a planner are worth: one row a planner (Fig. 8)."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from starvid_core.plotting.scores import AXIS, OTHER, Samples, draw_values, interval, scale
from starvid_core.plotting.style import (
    FAINT,
    INK,
    LARGE,
    NORMAL,
    SMALL,
    Sheet,
    colors,
)
from starvid_core.scene import Box, Trajectory

WIDE, TALL = 1.44, 0.8  # a frame of 576x320
LABEL, COLUMN, GAP, MARGIN = 1.25, 0.92, 0.12, 0.1
HEADING, NOTE = 0.86, 0.2
LETTERS = 28  # of a prompt in a line above its frames
GOOD, BAD = "#029E73", "#B03A00"
FIRST = 0.16  # opacity of the first frame
KEYS = (
    "boxes: the first key frame is the faintest, the last the strongest, its center a dot",
    "disk: mean, bar: 95 % bootstrap interval, dots: prompts (larger: more of them)",
)


@dataclass(frozen=True)
class Drawn:
    """A plan and the checks that it breaks; without a plan its row stays empty."""

    plan: Trajectory | None
    breaks: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        if self.plan is None:
            return "no plan"
        told = f"breaks {', '.join(self.breaks)}" if self.breaks else "valid"
        return textwrap.shorten(told, LETTERS, placeholder=" …")


def plot_planners(
    cases: Mapping[str, Mapping[str, Drawn]],
    subjects: Mapping[str, Sequence[str]],
    parts: Sequence[tuple[str, Samples, Mapping[str, str]]],
) -> Figure:
    """A row for every planner: its plans of some prompts, then its scores.

    `cases[planner][prompt]`; `subjects[prompt]` are the nouns in the order of their colors. A part
    is a title, samples `[planner][measure]`, and the titles of its measures.
    """
    rows = list(dict.fromkeys([*cases, *(name for _, samples, _ in parts for name in samples)]))
    each = TALL + NOTE
    columns = sum(len(titles) for *_, titles in parts)
    left = MARGIN + LABEL + len(subjects) * (WIDE + GAP)
    width = left + columns * (COLUMN + GAP) + len(parts) * GAP + MARGIN
    sheet = Sheet.new(width, HEADING + len(rows) * each + AXIS + 0.3 + MARGIN)
    for row, name in enumerate(rows):
        y = HEADING + row * each
        sheet.label(MARGIN + LABEL - 0.1, y + TALL / 2, name, size=NORMAL, ha="right")
        for column, prompt in enumerate(subjects):
            x = MARGIN + LABEL + column * (WIDE + GAP)
            if name in cases:
                _draw_case(sheet, (x, y), cases[name][prompt], subjects[prompt])
    for column, (prompt, nouns) in enumerate(subjects.items()):
        _draw_heading(sheet, MARGIN + LABEL + column * (WIDE + GAP), prompt, nouns)
    for title, samples, titles in parts:
        left += GAP
        sheet.text(left, 0.22, title, size=LARGE, weight="bold")
        for measure, name in titles.items():
            _draw_measure(sheet, left, name, [samples.get(r, {}).get(measure) for r in rows])
            left += COLUMN + GAP
    for number, key in enumerate(KEYS):
        y = HEADING + len(rows) * each + AXIS + 0.1 + number * 0.15
        sheet.text(MARGIN + LABEL, y, key, size=SMALL, color=FAINT)
    return sheet.figure


def _draw_heading(sheet: Sheet, x: float, prompt: str, nouns: Sequence[str]) -> None:
    for number, line in enumerate(textwrap.wrap(prompt, LETTERS, max_lines=3, placeholder=" …")):
        sheet.text(x, 0.2 + number * 0.14, line, size=SMALL)
    sheet.legend(x + WIDE, HEADING - 0.03, tuple(nouns))


def _draw_case(
    sheet: Sheet, place: tuple[float, float], drawn: Drawn, nouns: Sequence[str]
) -> None:
    x, y = place
    axes = sheet.axes(x, y, WIDE, TALL)
    axes.set(xticks=[], yticks=[], xlim=(0, 1), ylim=(1, 0))
    for spine in axes.spines.values():
        spine.set(visible=True, linewidth=0.4, color=FAINT)
    inks = dict(zip(nouns, colors(len(nouns)), strict=True))
    if drawn.plan is not None:
        instances = zip(drawn.plan.plan.instances, drawn.plan.boxes, strict=True)
        for number, (subject, row) in enumerate(instances):
            # The first lines are broader, so that equal boxes are seen to be two.
            _draw_track(axes, row, inks.get(subject.noun, FAINT), max(1.3 - 0.6 * number, 0.7))
    color = GOOD if drawn.verdict == "valid" else BAD
    sheet.text(x, y + TALL + 0.07, drawn.verdict, size=SMALL, color=color)


def _draw_track(axes: Axes, row: Sequence[Box | None], color: str, line: float) -> None:
    """Boxes from faint to strong, and the way of their centers."""
    seen = [box for box in row if box is not None]
    shares = np.linspace(1.0, FIRST, len(seen))[::-1]
    for box, share in zip(seen, shares, strict=True):
        corner = (box.x0, box.y0)
        style = {"fill": False, "ec": color, "lw": line, "alpha": share}
        axes.add_patch(Rectangle(corner, box.width, box.height, **style))
    ways = np.array([box.center for box in seen])
    if len(ways):
        axes.plot(*ways.T, lw=0.6, color=color, alpha=0.7)
        axes.plot(*ways[-1], "o", ms=2.4, color=color, mec="white", mew=0.3)


def _draw_measure(sheet: Sheet, x: float, title: str, rows: Sequence[np.ndarray | None]) -> None:
    """A column of means; a row without values stays empty."""
    each = TALL + NOTE
    sheet.text(x, HEADING - 0.14, title, size=NORMAL, weight="bold")
    axes = sheet.axes(x, HEADING, COLUMN, len(rows) * each)
    scale(axes, len(rows), (0.0, 1.0))
    # Rows stand at whole numbers, in the middle of their frames.
    axes.set_ylim(len(rows) - TALL / 2 / each, -TALL / 2 / each)
    for row, values in enumerate(rows):
        there = np.zeros(0) if values is None else values[~np.isnan(values)]
        if not len(there):
            continue
        draw_values(axes, row, there, OTHER)
        low, high = interval(there)
        said = f"{there.mean():.2f} [{low:.2f}, {high:.2f}]"
        sheet.text(x, HEADING + row * each + TALL / 2 - 0.17, said, size=SMALL, color=INK)
