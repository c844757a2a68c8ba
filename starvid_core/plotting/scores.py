"""Scores of many clips as means with bootstrap intervals, the paper's values beside ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from starvid_core.plotting.style import FAINT, INK, NORMAL, SMALL, VARIANTS, Sheet

METRICS = {
    "numeracy": "Numeracy",
    "exact_frames": "Exact frames",
    "iou": "IoU with plan",
    "action_binding": "Action binding",
}
RESAMPLES = 10_000
CROWD = 20  # clips above which their dots are drawn smaller
OTHER = "#555555"
OURS = "disk: mean of all clips, bar: 95 % bootstrap interval, dots: clips (larger: more clips)"
THEIRS = "the paper's value (ZeroScope, other prompts and judges: compare orders, not heights)"
ROW, TITLE, AXIS, KEY, GAP = 0.27, 0.24, 0.2, 0.22, 0.2

Values = Float[np.ndarray, " clip"]
Samples = Mapping[str, Mapping[str, np.ndarray]]
Paper = Mapping[str, Mapping[str, float]]


def interval(values: Values, share: float = 0.95) -> tuple[float, float]:
    """Bootstrap interval of the mean over clips: percentiles of 10,000 fixed resamples."""
    means = values[_resamples(len(values))].mean(axis=1)
    low, high = np.quantile(means, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)


@lru_cache(maxsize=4)
def _resamples(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(count, size=(RESAMPLES, count))


def samples(table: Any, metrics: Iterable[str] = METRICS) -> dict[str, dict[str, np.ndarray]]:
    """The columns of a table of clips as one array for every variant and metric, in its order."""
    variant = np.asarray(table["variant"], dtype=object)
    return {
        name: {metric: np.asarray(table[metric], float)[variant == name] for metric in metrics}
        for name in dict.fromkeys(variant)
    }


def summary(samples: Samples, reference: str, paper: Paper | None = None) -> list[dict[str, Any]]:
    """A row for every variant and metric, beside the paper's value.

    `difference` is to `reference`, clip by clip; the verdict is "open" when its interval holds 0.
    Clips without a value are left out.
    """
    return [
        {"variant": variant, "metric": metric, "n": int((~np.isnan(values)).sum())}
        | {"paper": (paper or {}).get(variant, {}).get(metric, np.nan)}
        | _spread(values, "")
        | _compared(values - samples[reference][metric], variant == reference)
        for variant, metrics in samples.items()
        for metric, values in metrics.items()
    ]


def chart_height(rows: int, paper: bool) -> float:
    """Inches that `draw_scores` needs."""
    return TITLE + rows * ROW + AXIS + (1 + paper) * KEY


def plot_scores(samples: Samples, titles: Mapping[str, str], label: float = 1.7) -> Figure:
    """One panel a metric and one line a variant, whose names have `label` inches on the left."""
    width = label + 1.65 * len(titles) + 0.1
    sheet = Sheet.new(width, chart_height(len(samples), False) + 0.2)
    draw_scores(sheet, (label, 0.1, width - label - 0.1), samples, titles)
    return sheet.figure


def draw_scores(
    sheet: Sheet,
    place: tuple[float, float, float],
    samples: Samples,
    titles: Mapping[str, str],
    paper: Paper | None = None,
    limits: tuple[float, float] = (0.0, 1.0),
) -> None:
    """One panel a metric and one line a variant; `place` is left edge, top and width in inches.

    The names of the variants stand left of the left edge.
    """
    x, y, width = place
    each = (width - GAP * (len(titles) - 1)) / len(titles)
    tall = len(samples) * ROW
    for column, (metric, title) in enumerate(titles.items()):
        left = x + column * (each + GAP)
        sheet.text(left, y + 0.1, title, size=NORMAL, weight="bold")
        axes = sheet.axes(left, y + TITLE, each, tall)
        values = {variant: metrics[metric] for variant, metrics in samples.items()}
        scale(axes, len(values), limits)
        _panel(axes, values, {v: found.get(metric) for v, found in (paper or {}).items()})
    for row, variant in enumerate(samples):
        sheet.label(x - 0.1, y + TITLE + (row + 0.6) * ROW, variant, size=NORMAL, ha="right")
    _key(sheet, x, y + TITLE + tall + AXIS + KEY / 2, bool(paper))


def draw_values(axes: Axes, row: int, clips: Values, color: str) -> None:
    """One line of a panel: the mean, its interval, and all clips below."""
    places, counts = np.unique(clips.round(2), return_counts=True)
    sizes = 5 * counts * min(1.0, CROWD / len(clips))
    axes.scatter(places, np.full(len(places), row + 0.3), s=sizes, lw=0, color=color, alpha=0.5)
    axes.plot(interval(clips), (row, row), lw=1.4, color=color, solid_capstyle="butt")
    axes.plot(clips.mean(), row, "o", ms=4.2, color=color, mec="white", mew=0.5, zorder=3)


def _panel(axes: Axes, values: Mapping[str, np.ndarray], paper: Mapping[str, float | None]) -> None:
    for row, (variant, clips) in enumerate(values.items()):
        draw_values(axes, row, clips, VARIANTS.get(variant.partition(",")[0], OTHER))
        published = paper.get(variant)
        if published is not None:
            axes.plot(published, row, "D", ms=3.6, mfc="none", mec=INK, mew=0.9, zorder=4)


def scale(axes: Axes, rows: int, limits: tuple[float, float]) -> None:
    """Three ticks across, and room for so many lines."""
    low, high = limits
    room = 0.03 * (high - low)
    axes.set(xlim=(low - room, high + room), ylim=(rows - 0.4, -0.6), yticks=[])
    ticks = low, (low + high) / 2, high
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.tick_params(axis="x", pad=1.5)
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)


def _key(sheet: Sheet, x: float, y: float, paper: bool) -> None:
    sheet.text(x, y, OURS, size=SMALL, color=FAINT)
    if paper:
        axes = sheet.axes(x, y + KEY - 0.08, 0.16, 0.16)
        axes.plot(0, 0, "D", ms=3.6, mfc="none", mec=INK, mew=0.9)
        axes.axis("off")
        sheet.text(x + 0.2, y + KEY, THEIRS, size=SMALL, color=FAINT)


def _spread(values: np.ndarray, name: str) -> dict[str, Any]:
    there = values[~np.isnan(values)]
    mean = float(there.mean()) if len(there) else np.nan
    low, high = interval(there) if len(there) else (np.nan, np.nan)
    prefix = f"{name}_" if name else ""
    return {name or "mean": mean, f"{prefix}low": low, f"{prefix}high": high}


def _compared(differences: np.ndarray, is_reference: bool) -> dict[str, Any]:
    spread = _spread(differences, "difference")
    if is_reference:
        return spread | {"verdict": "reference"}
    higher, lower = spread["difference_low"] > 0, spread["difference_high"] < 0
    return spread | {"verdict": "higher" if higher else "lower" if lower else "open"}


def note_lines(scores: Mapping[str, float], names: Iterable[str] = METRICS) -> dict[str, str]:
    """Short titles and numbers for the margin of a row of frames."""
    return {METRICS[name]: f"{scores[name]:.2f}" for name in names}


def draw_note(sheet: Sheet, x: float, y: float, width: float, lines: Mapping[str, str]) -> None:
    """Titles on the left, numbers on the right of a narrow column centered at height `y`."""
    step = 0.145
    top = y - step * (len(lines) - 1) / 2
    for number, (title, value) in enumerate(lines.items()):
        sheet.text(x, top + number * step, title, size=SMALL, color=FAINT)
        sheet.text(x + width, top + number * step, value, size=SMALL, ha="right")


def rounded(rows: Sequence[Mapping[str, str | float]]) -> list[dict[str, str | float | None]]:
    """Rows for a file: numbers to four places, null for what does not exist."""
    return [{key: _short(value) for key, value in row.items()} for row in rows]


def _short(value: str | float) -> str | float | None:
    if not isinstance(value, float):
        return value
    return round(value, 4) if value == value else None
