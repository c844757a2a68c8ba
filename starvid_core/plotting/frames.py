"""Videos as rows of frames, planned boxes drawn in them, and scores below (Figs. 5, 9 and 11)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import UInt8
from matplotlib.figure import Figure

from starvid_core.plotting.scores import (
    METRICS,
    Paper,
    Samples,
    chart_height,
    draw_note,
    draw_scores,
    note_lines,
)
from starvid_core.plotting.style import (
    DPI,
    FAINT,
    LARGE,
    NORMAL,
    SMALL,
    Sheet,
    colors,
    legend_width,
    outline,
    picture,
    readable,
    wrapped,
)
from starvid_core.scene import Box, Trajectory

FRAME, GAP, BETWEEN = 1.44, 0.05, 0.14
HEADING, HEADING_LINE, NUMBERS, MARGIN = 0.27, 0.17, 0.16, 0.1
LABEL, NOTE = 1.3, 1.12

Video = UInt8[np.ndarray, "frame height width 3"]
Boxes = tuple[tuple[Box | None, ...], ...]


@dataclass(frozen=True)
class Strip:
    """One video as a row of frames: its name on the left, numbers on the right, boxes within."""

    label: str
    video: Video = field(repr=False)
    note: Mapping[str, str] = field(default_factory=dict)
    boxes: Boxes = ()


@dataclass(frozen=True)
class Group:
    """Rows under one prompt; `subjects` are named in the colors of their boxes."""

    prompt: str
    subjects: tuple[str, ...]
    strips: tuple[Strip, ...]


def group(
    planned: Trajectory,
    clips: Mapping[str, tuple[Video, Mapping[str, float]]],
    guided: Collection[str],
) -> Group:
    """The clips of one prompt with the judge's numbers; boxes in those that were guided by them."""
    strips = []
    for label, (video, scores) in clips.items():
        boxes = planned.resample(len(video)).boxes if label in guided else ()
        strips.append(Strip(label, video, note_lines(scores), boxes))
    nouns = tuple(subject.noun for subject in planned.plan.instances)
    return Group(planned.plan.prompt, nouns, tuple(strips))


def plot_study(
    groups: Sequence[Group],
    samples: Samples,
    paper: Paper | None = None,
    shown: int = 4,
    titles: Mapping[str, str] = METRICS,
) -> Figure:
    """Frames of one clip a row, and below them every variant's scores over all clips.

    `samples[variant][metric]` holds one value a clip; `paper[variant][metric]` what was published;
    `titles` names the metrics. Without samples there is no chart.
    """
    wide, tall = frame_size(groups[0].strips[0].video)
    line = LABEL + shown * (wide + GAP) + NOTE
    rows = [_group_height(group, tall, line) for group in groups]
    chart = chart_height(len(samples), bool(paper)) if samples else 0
    sheet = Sheet.new(line + 2 * MARGIN, sum(rows) + BETWEEN * len(rows) + chart + 3 * MARGIN)
    y = MARGIN
    for group, height in zip(groups, rows, strict=True):
        _draw_group(sheet, y, group, shown)
        y += height + BETWEEN
    if samples:
        place = (MARGIN + LABEL, y + MARGIN, line - LABEL)
        draw_scores(sheet, place, samples, titles, paper)
    return sheet.figure


def frame_size(video: Video) -> tuple[float, float]:
    """Inches of a frame: small ones are enlarged by a whole number of pixels."""
    height, width = video.shape[1:3]
    factor = round(FRAME * DPI / width)
    wide = factor * width / DPI if factor else FRAME
    return wide, wide * height / width


def _group_height(group: Group, tall: float, line: float) -> float:
    return _heading_height(_heading(group, line)) + NUMBERS + len(group.strips) * (tall + GAP)


def _heading(group: Group, line: float) -> list[str]:
    """The prompt in lines that leave room for the legend at their right; `line` is in inches."""
    room = line - legend_width(group.subjects)
    return wrapped(readable(group.prompt, 200), room, LARGE, "bold")


def _heading_height(heading: list[str]) -> float:
    return HEADING + (len(heading) - 1) * HEADING_LINE


def _draw_group(sheet: Sheet, y: float, group: Group, shown: int) -> None:
    video = group.strips[0].video
    wide, tall = frame_size(video)
    left = MARGIN + LABEL
    right = left + shown * (wide + GAP) + NOTE
    chosen = np.linspace(0, len(video) - 1, shown).round().astype(int)
    heading = _heading(group, right - MARGIN)
    for number, words in enumerate(heading):
        place = MARGIN, y + HEADING / 2 + number * HEADING_LINE
        sheet.text(*place, words, size=LARGE, weight="bold")
    if any(one.boxes for one in group.strips):
        sheet.legend(right, y + 0.19, group.subjects)
    y += _heading_height(heading)
    for column, frame in enumerate(chosen):
        middle = left + column * (wide + GAP) + wide / 2
        sheet.text(middle, y + 0.07, f"frame {frame + 1}", size=SMALL, color=FAINT, ha="center")
    for row, one in enumerate(group.strips):
        _draw_strip(sheet, y + NUMBERS + row * (tall + GAP), one, chosen)


def _draw_strip(sheet: Sheet, y: float, one: Strip, chosen: np.ndarray) -> None:
    wide, tall = frame_size(one.video)
    left = MARGIN + LABEL
    sheet.label(left - 0.1, y + tall / 2, one.label, size=NORMAL, ha="right")
    for column, frame in enumerate(chosen):
        axes = sheet.axes(left + column * (wide + GAP), y, wide, tall)
        picture(axes, one.video[frame])
        for row, color in zip(one.boxes, colors(len(one.boxes)), strict=True):
            outline(axes, row[frame], color)
    note = left + len(chosen) * (wide + GAP) + 0.06
    draw_note(sheet, note, y + tall / 2, NOTE - 0.06, one.note)
