"""Alignment against compute: every method, and the best of n plain clips as their rival."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from starvid_core.plotting.scores import interval
from starvid_core.plotting.style import FAINT, NORMAL, SMALL, SUBJECTS, VARIANTS, Sheet

PANEL, TALL, LEFT, TOP, GAP, AXIS, KEY = 3.55, 2.4, 0.62, 0.45, 0.5, 0.4, 0.75
RIVAL = "the best of n plain clips, kept by the judge that also scores (n = 1: the plain model)"

Look = dict[str, Any]


@dataclass(frozen=True)
class Point:
    """A variant: its time as a multiple of the plain model's, and its scores, one a prompt."""

    variant: str
    times: float
    scores: np.ndarray


def plot_compute(
    panels: Mapping[str, Sequence[Point]], rivals: Mapping[str, int], note: str
) -> Figure:
    """One panel for every title, two in a row.

    `rivals` are the variants that only sample, with the number of their clips; a line joins them.
    """
    rows = -(-len(panels) // 2)
    each = TOP + TALL + AXIS
    sheet = Sheet.new(LEFT + 2 * PANEL + GAP, rows * each + KEY)
    methods = [p.variant for p in next(iter(panels.values())) if p.variant not in rivals]
    looks = _looks(methods)
    for number, (title, points) in enumerate(panels.items()):
        row, column = divmod(number, 2)
        x, y = LEFT + column * (PANEL + GAP), TOP + row * each
        sheet.text(x, y - 0.15, title, size=NORMAL, weight="bold")
        _panel(sheet.axes(x, y, PANEL - 0.1, TALL), points, rivals, looks)
    _key(sheet, rows * each, looks, note)
    return sheet.figure


def _looks(methods: Sequence[str]) -> dict[str, Look]:
    """A color and a marker for every method; StarVid has its own as everywhere."""
    inks = cycle([SUBJECTS[0], SUBJECTS[2], SUBJECTS[3], "#555555"])
    markers = cycle("s^vDP<X>")
    own = {"StarVid": {"color": VARIANTS["StarVid"], "marker": "o"}}
    return {m: own.get(m) or {"color": next(inks), "marker": next(markers)} for m in methods}


def _panel(
    axes: Axes, points: Sequence[Point], rivals: Mapping[str, int], looks: Mapping[str, Look]
) -> None:
    selected = sorted((p for p in points if p.variant in rivals), key=lambda p: rivals[p.variant])
    ink = VARIANTS["plain"]
    means = [p.scores.mean() for p in selected]
    ends = np.array([interval(p.scores) for p in selected])
    times = [p.times for p in selected]
    axes.fill_between(times, ends[:, 0], ends[:, 1], color=ink, alpha=0.15, lw=0)
    axes.plot(times, means, "o-", lw=1.1, ms=3.5, color=ink)
    for point, mean in zip(selected, means, strict=True):
        place = (point.times, mean)
        text = f"n = {rivals[point.variant]}"
        axes.annotate(
            text, place, (0, -9), textcoords="offset points", size=SMALL, color=ink, ha="center"
        )
    for point in points:
        if look := looks.get(point.variant):
            ends = np.array(interval(point.scores))
            axes.plot([point.times] * 2, ends, lw=1.0, color=look["color"], alpha=0.5)
            axes.plot(point.times, point.scores.mean(), ms=5, mec="white", mew=0.5, **look)
    lowest = min(interval(p.scores)[0] for p in points)
    axes.set(xlim=(0, max(p.times for p in points) * 1.08), ylim=(max(lowest - 0.05, 0), 1.02))
    axes.set_xlabel("time of a clip, as a multiple of the plain model's", labelpad=2)
    axes.tick_params(labelsize=SMALL, pad=1.5)
    axes.grid(axis="y")
    axes.set_axisbelow(True)


def _key(sheet: Sheet, y: float, looks: Mapping[str, Look], note: str) -> None:
    handles = [Line2D([], [], lw=0, ms=5, label=name, **look) for name, look in looks.items()]
    wide, tall = sheet.figure.get_size_inches()
    sheet.figure.legend(
        handles=handles,
        ncols=5,
        loc="upper left",
        frameon=False,
        fontsize=SMALL,
        handletextpad=0.2,
        columnspacing=1.0,
        borderpad=0,
        bbox_to_anchor=(LEFT / wide, 1 - y / tall),
    )
    said = f"bars and band: 95 % bootstrap intervals over prompts; line: {RIVAL}"
    sheet.text(LEFT, y + 0.45, said, limit=160, size=SMALL, color=FAINT)
    sheet.text(LEFT, y + 0.6, note, limit=160, size=SMALL, color=FAINT)
