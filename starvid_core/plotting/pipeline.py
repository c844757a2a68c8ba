"""The way from a prompt to a video, drawn from what one run really computed (Fig. 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from starvid_core.plotting.style import (
    FAINT,
    LARGE,
    NORMAL,
    SMALL,
    SUBJECTS,
    Sheet,
    colors,
    outline,
    picture,
)
from starvid_core.scene import Trajectory

WIDTH, MARGIN, GAP, TITLE = 8.6, 0.12, 0.06, 0.3
CURVE, LABEL = 2.1, 0.62

Video = UInt8[np.ndarray, "frame height width 3"]


@dataclass(frozen=True)
class Guided:
    """A phase of guidance: its loss after every update, and the maps at a step inside it.

    `maps` of the plain and of the guided run are those of noun, verb, noun, verb, ... in one frame.
    """

    title: str
    losses: Sequence[float]
    starts: Sequence[int]
    step: int
    maps: Mapping[str, Float[np.ndarray, "word h w"]] = field(repr=False)


def plot_pipeline(
    planned: Trajectory, phases: Sequence[Guided], clips: Mapping[str, Video], frame: int
) -> Figure:
    """Prompt and plan, one row for every phase, and the finished clips.

    `frame` is the one whose maps are shown; boxes stand on what was guided by them.
    """
    video = next(iter(clips.values()))
    planned = planned.resample(len(video))
    shown = np.linspace(0, len(video) - 1, 4).round().astype(int)
    wide = (WIDTH - 2 * MARGIN - LABEL - 3 * GAP) / 4
    tall = wide * video.shape[1] / video.shape[2]
    small = (WIDTH - 2 * MARGIN - CURVE - LABEL - 3 * GAP) / 4 / 2
    heights = [2 * TITLE + tall, *[TITLE + 0.2 + 2 * (small + GAP) + 0.25 for _ in phases]]
    sheet = Sheet.new(WIDTH, sum(heights) + TITLE + len(clips) * (tall + GAP) + 2 * MARGIN)
    y = _plan(sheet, MARGIN, planned, (wide, tall), shown)
    for number, phase in enumerate(phases, 2):
        _phase(sheet, y, f"{number}  {phase.title}", phase, planned, frame)
        y += heights[number - 1]
    _finished(sheet, y, len(phases) + 2, planned, clips, (wide, tall), shown)
    return sheet.figure


def _plan(
    sheet: Sheet,
    y: float,
    planned: Trajectory,
    size: tuple[float, float],
    shown: np.ndarray,
) -> float:
    """The prompt and the box of every subject in some frames, before there is a video."""
    wide, tall = size
    subjects = planned.plan.instances
    sheet.text(MARGIN, y + TITLE / 2, "1  The planner reads the prompt", size=LARGE, weight="bold")
    prompt = f"“{planned.plan.prompt}”"
    sheet.text(MARGIN + LABEL, y + 1.4 * TITLE, prompt, size=NORMAL, style="italic")
    sheet.legend(WIDTH - MARGIN, y + 1.65 * TITLE, tuple(f"{s.noun}, {s.verb}" for s in subjects))
    rows = planned.boxes
    for column, frame in enumerate(shown):
        axes = sheet.axes(MARGIN + LABEL + column * (wide + GAP), y + 1.9 * TITLE, wide, tall)
        picture(axes, np.full((1, 1, 3), 0.96))
        for row, color in zip(rows, colors(len(rows)), strict=True):
            outline(axes, row[frame], color)
        axes.text(0.02, 0.05, f"frame {frame + 1}", size=SMALL, color=FAINT, va="top")
    return y + 2 * TITLE + tall + MARGIN


def _phase(
    sheet: Sheet, y: float, title: str, phase: Guided, planned: Trajectory, frame: int
) -> None:
    """A loss over the updates, and the maps of every word without and with guidance."""
    sheet.text(MARGIN, y + TITLE / 2, title, size=LARGE, weight="bold")
    count = len(next(iter(phase.maps.values())))
    wide = (WIDTH - 2 * MARGIN - CURVE - LABEL - (count - 1) * GAP) / count
    tall = wide / 2
    top = y + TITLE + 0.2
    axes = sheet.axes(MARGIN + 0.55, top, CURVE - 0.85, 2 * tall + GAP)
    _curve(axes, phase)
    words = [w for s in planned.plan.instances for w in (s.noun, s.verb)]
    inks = [color for color in colors(len(words) // 2) for _ in ("noun", "verb")]
    boxes = [row[frame] for row in planned.boxes for _ in ("noun", "verb")]
    left = MARGIN + CURVE + LABEL
    for line, (name, maps) in enumerate(phase.maps.items()):
        place = top + line * (tall + GAP)
        sheet.text(left - 0.08, place + tall / 2, name, size=NORMAL, ha="right")
        for column, (A, ink) in enumerate(zip(maps, inks, strict=True)):
            axes = sheet.axes(left + column * (wide + GAP), place, wide, tall)
            picture(axes, A, cmap="magma", vmin=0, vmax=max(float(A.max()), 1e-12))
            outline(axes, boxes[column], ink)
    for column, (word, ink) in enumerate(zip(words, inks, strict=True)):
        middle = left + column * (wide + GAP) + wide / 2
        sheet.text(middle, top - 0.1, word, color=ink, size=NORMAL, ha="center")


def _curve(axes: Axes, phase: Guided) -> None:
    axes.plot(range(1, len(phase.losses) + 1), phase.losses, lw=1.2, color=SUBJECTS[1])
    for start in phase.starts:
        axes.axvline(start + 0.5, lw=0.5, color="#CCCCCC", zorder=0)
    axes.set_ylim(0, None)
    axes.set_xlabel("update", labelpad=1)
    axes.set_ylabel("loss", labelpad=4)
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.tick_params(labelsize=SMALL, pad=1.5)


def _finished(
    sheet: Sheet,
    y: float,
    number: int,
    planned: Trajectory,
    clips: Mapping[str, Video],
    size: tuple[float, float],
    shown: np.ndarray,
) -> None:
    wide, tall = size
    title = f"{number}  The finished clip, and the plain model's from the same noise"
    sheet.text(MARGIN, y + TITLE / 2, title, size=LARGE, weight="bold")
    for line, (name, video) in enumerate(clips.items()):
        top = y + TITLE + line * (tall + GAP)
        sheet.text(MARGIN + LABEL - 0.08, top + tall / 2, name, size=NORMAL, ha="right")
        rows = planned.boxes if name == "StarVid" else ()
        for column, frame in enumerate(shown):
            axes = sheet.axes(MARGIN + LABEL + column * (wide + GAP), top, wide, tall)
            picture(axes, video[frame])
            for row, color in zip(rows, colors(len(rows)), strict=True):
                outline(axes, row[frame], color)
