"""Transitions: frames beside the curves that DSR-Score reads, and correctness of several models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from starvid_core.plotting.frames import Video
from starvid_core.plotting.style import (
    DPI,
    FAINT,
    INK,
    LARGE,
    NORMAL,
    SMALL,
    SUBJECTS,
    Sheet,
    picture,
)

RESAMPLES = 2000
THRESHOLDS = np.arange(10) / 10
FIRST, LAST = SUBJECTS[0], SUBJECTS[1]  # colors of the two relations
LABEL, CURVE, NOTE, GAP, MARGIN, HEAD = 1.5, 1.5, 1.05, 0.05, 0.12, 0.62

Scores = Float[np.ndarray, "prompt seed"]  # NaN where a video is INVALID
Frames = Float[np.ndarray, " frame"]


@dataclass(frozen=True)
class Case:
    """One video with r of the first and of the last relation in every frame (NaN: skipped)."""

    label: str
    video: Video = field(repr=False)
    first: Frames = field(repr=False)
    last: Frames = field(repr=False)
    note: Sequence[str] = ()


def plot_cases(title: str, names: tuple[str, str], cases: Sequence[Case], shown: int = 5) -> Figure:
    """A row a case: frames, the two curves, and what the score says."""
    height, width = cases[0].video.shape[1:3]
    wide = 2 * width / DPI
    tall = wide * height / width
    across = LABEL + shown * (wide + GAP) + 0.3 + CURVE + 0.1 + NOTE + 2 * MARGIN
    sheet = Sheet.new(across, HEAD + len(cases) * (tall + 0.12) + 0.3)
    sheet.text(MARGIN, 0.16, title, size=LARGE, weight="bold")
    left = MARGIN + LABEL + shown * (wide + GAP) + 0.3
    for row, (name, color) in enumerate(zip(names, (FIRST, LAST), strict=True)):
        sheet.text(left, 0.34 + 0.14 * row, f"r: {name}", size=SMALL, color=color)
    for row, case in enumerate(cases):
        y = HEAD + row * (tall + 0.12)
        _draw_case(sheet, y, case, (wide, tall), shown)
        axes = sheet.axes(left, y, CURVE, tall)
        _curves(axes, case, last=row == len(cases) - 1)
        for line, text in enumerate(case.note):
            at = y + tall / 2 + 0.14 * (line - (len(case.note) - 1) / 2)
            sheet.text(left + CURVE + 0.1, at, text, size=SMALL)
    return sheet.figure


def _draw_case(sheet: Sheet, y: float, case: Case, size: tuple[float, float], shown: int) -> None:
    wide, tall = size
    sheet.text(MARGIN + LABEL - 0.1, y + tall / 2, case.label, size=NORMAL, ha="right")
    chosen = np.linspace(0, len(case.video) - 1, shown).round().astype(int)
    for column, frame in enumerate(chosen):
        axes = sheet.axes(MARGIN + LABEL + column * (wide + GAP), y, wide, tall)
        picture(axes, case.video[frame])


def _curves(axes: Axes, case: Case, last: bool) -> None:
    frames = np.arange(1, len(case.first) + 1)
    for values, color in ((case.first, FIRST), (case.last, LAST)):
        axes.plot(frames, values, "-o", color=color, lw=1.0, ms=2.2, clip_on=False)
    axes.axhline(0, color=FAINT, lw=0.4)
    axes.set(xlim=(1, len(frames)), ylim=(-1.08, 1.08))
    axes.set_yticks([-1, 0, 1], ["-1", "0", "1"], fontsize=SMALL)
    ends = [1, len(frames)]
    axes.set_xticks(ends, [f"frame {n}" for n in ends] if last else ["", ""])


def correct(scores: Scores) -> Float[np.ndarray, "prompt threshold"]:
    """The share of a prompt's videos that reach each threshold; INVALID ones never do."""
    reached = np.where(np.isnan(scores), -np.inf, scores)
    return (reached[..., None] >= THRESHOLDS).mean(1)


def by_prompt(values: Float[np.ndarray, "prompt ..."]) -> Float[np.ndarray, "bound ..."]:
    """Mean over prompts and its 95 % bootstrap interval: mean, low, high. Prompts are resampled,
    since the seeds of one prompt are alike."""
    draws = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
    means = np.stack([values[rows].mean(0) for rows in draws])
    return np.stack([values.mean(0), *np.quantile(means, (0.025, 0.975), axis=0)])


def plot_correctness(
    scores: Mapping[str, Scores], cost: Mapping[str, float], cost_name: str, threshold: float = 0.7
) -> Figure:
    """C(tau) of every variant, and C at one threshold against what it cost."""
    sheet = Sheet.new(7.2, 3.0 + 0.16 * len(scores))
    found = {name: by_prompt(correct(values)) for name, values in scores.items()}
    tau = int(np.flatnonzero(np.isclose(THRESHOLDS, threshold))[0])
    curves = sheet.axes(0.55, 0.4, 2.85, 2.2)
    pareto = sheet.axes(4.15, 0.4, 2.85, 2.2)
    for name, (mean, low, high) in found.items():
        color, style = _look(name, tuple(scores))
        curves.fill_between(THRESHOLDS, low, high, color=color, alpha=0.1, lw=0)
        curves.plot(THRESHOLDS, mean, style, color=color, lw=1.3)
        bar = [[mean[tau] - low[tau]], [high[tau] - mean[tau]]]
        pareto.errorbar(cost[name], mean[tau], bar, fmt="o", color=color, ms=4.5, lw=1)
        number = str(list(scores).index(name) + 1)
        at = (cost[name], mean[tau])
        pareto.annotate(number, at, (4, 3), textcoords="offset points", color=color, size=SMALL)
    curves.axvline(threshold, color=FAINT, lw=0.6, ls=":")
    curves.set(xlim=(0, 0.9), ylim=(0, 1.02), xlabel="threshold")
    pareto.set(ylim=(0, 1.02), xlabel=cost_name)
    pareto.set_xlim(0, 1.15 * max(cost.values()))
    for axes in (curves, pareto):
        axes.grid(True)
        axes.set_axisbelow(True)
        axes.tick_params(labelsize=SMALL)
    sheet.text(0.55, 0.22, "Correctness of every threshold", size=NORMAL, weight="bold")
    sheet.text(4.15, 0.22, f"Correctness at {threshold:g}", size=NORMAL, weight="bold")
    _names(sheet, 3.06, found, tau, tuple(scores))
    return sheet.figure


def _names(
    sheet: Sheet, y: float, found: Mapping[str, np.ndarray], tau: int, order: Sequence[str]
) -> None:
    for row, (name, (mean, low, high)) in enumerate(found.items()):
        at = y + 0.16 * row
        color, style = _look(name, order)
        axes = sheet.axes(0.55, at - 0.05, 0.3, 0.1)
        axes.plot((0, 1), (0, 0), style, color=color, lw=1.5)
        axes.axis("off")
        sheet.label(0.95, at, f"{row + 1}  {name}", size=SMALL)
        said = f"{mean[tau]:.3f}  [{low[tau]:.3f}, {high[tau]:.3f}]"
        sheet.text(2.9, at, said, size=SMALL, color=INK)


def _look(name: str, order: Sequence[str]) -> tuple[str, str]:
    """A color and a dash for every variant; the base, which is first, is gray."""
    number = list(order).index(name)
    if number == 0:
        return FAINT, "-"
    return SUBJECTS[(number - 1) % 4], ("-", "--", ":")[(number - 1) // 4 % 3]
