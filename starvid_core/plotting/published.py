"""Published scores of systems, and ours beside them: a panel for every metric (Table I)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from starvid_core.plotting.style import FAINT, INK, NORMAL, SMALL, VARIANTS, Sheet

TITLES = {
    "pick_score": "PickScore",
    "clip_i": "CLIP-I",
    "clip_t": "CLIP-T",
    "numeracy": "Numeracy",
    "action_binding": "Action Binding",
}
# Where the axes begin and end, unless a value lies beyond.
LIMITS = {
    "pick_score": (19.0, 22.0),
    "clip_i": (0.9, 1.0),
    "clip_t": (20.0, 30.0),
    "numeracy": (0.0, 1.0),
    "action_binding": (0.0, 1.0),
}
WIDTH, MARGIN, LABEL, GAP = 7.2, 0.16, 1.55, 0.26
HEAD, ROW, AXIS, FOOT = 0.34, 0.27, 0.3, 0.5
OURS = "disk and bar: scored here, mean and 95 % bootstrap interval over prompts"
THEIRS = "the paper's value"

Scores = Mapping[str, Mapping[str, Any]]


def plot_published(
    paper: Mapping[str, Mapping[str, float]],
    ours: Mapping[str, Scores],
    notes: Sequence[str] = (),
) -> Figure:
    """A line for every system of the paper, then for every system scored here.

    `ours` has for each system what `scoring.summary` says of every value; `notes` stand below.
    """
    rows = [*paper, *ours]
    tall = ROW * len(rows)
    sheet = Sheet.new(WIDTH, MARGIN + HEAD + tall + AXIS + FOOT + 0.15 * max(len(notes) - 1, 0))
    top, each = MARGIN + HEAD, (WIDTH - 2 * MARGIN - LABEL - 4 * GAP) / 5
    for n, name in enumerate(rows):
        sheet.label(MARGIN + LABEL - 0.1, top + (n + 0.5) * ROW, name, size=NORMAL, ha="right")
    for column, (metric, title) in enumerate(TITLES.items()):
        left = MARGIN + LABEL + column * (each + GAP)
        sheet.text(left, MARGIN + 0.14, title, size=NORMAL, weight="bold")
        axes = sheet.axes(left, top, each, tall)
        _panel(axes, metric, paper, ours)
        _scale(axes, len(rows), LIMITS[metric])
    bottom = top + tall + AXIS
    axes = sheet.axes(MARGIN, bottom + 0.06, 0.16, 0.16)
    axes.plot(0, 0, "D", ms=3.6, mfc="white", mec=INK, mew=0.9)
    axes.axis("off")
    said = f"{THEIRS}; {OURS}" if ours else THEIRS
    sheet.text(MARGIN + 0.22, bottom + 0.14, said, size=SMALL, color=FAINT)
    for n, note in enumerate(notes):
        sheet.text(MARGIN, bottom + 0.34 + 0.15 * n, note, size=SMALL, color=FAINT)
    return sheet.figure


def _panel(
    axes: Axes,
    metric: str,
    paper: Mapping[str, Mapping[str, float]],
    ours: Mapping[str, Scores],
) -> None:
    for row, values in enumerate(paper.values()):
        if metric in values:
            axes.plot(values[metric], row, "D", ms=3.6, mfc="white", mec=INK, mew=0.9)
    for row, (name, scores) in enumerate(ours.items(), len(paper)):
        found = scores.get(metric) or {"mean": None}
        if found["mean"] is not None:
            color = VARIANTS.get(name.partition(",")[0], "#555555")
            axes.plot((found["low"], found["high"]), (row, row), lw=1.4, color=color)
            axes.plot(found["mean"], row, "o", ms=4.2, color=color, mec="white", mew=0.5)


def _scale(axes: Axes, rows: int, limits: tuple[float, float]) -> None:
    low, high = limits
    if axes.has_data():
        low, high = min(low, axes.dataLim.xmin), max(high, axes.dataLim.xmax)
    room = 0.03 * (high - low)
    axes.set(xlim=(low - room, high + room), ylim=(rows - 0.5, -0.5), yticks=[])
    ticks = np.linspace(low, high, 3)
    axes.set_xticks(ticks, [f"{tick:.3g}" for tick in ticks])
    axes.tick_params(axis="x", pad=1.5)
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
