"""Cross-attention maps of nouns and verbs beside the video they led to (Fig. 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.figure import Figure

from starvid_core.plotting.frames import FRAME, GAP, MARGIN
from starvid_core.plotting.scores import Samples, chart_height, draw_note, draw_scores, note_lines
from starvid_core.plotting.style import (
    FAINT,
    LARGE,
    NORMAL,
    SMALL,
    Sheet,
    colors,
    outline,
    picture,
)
from starvid_core.scene import Box, Trajectory

OVERLAPS = {
    "nouns": "Noun 1 and noun 2",
    "own": "Verb and its own noun",
    "other": "Verb and the other noun",
}
SCALE = "attention: black is 0, the lightest cell is the maximum of its map"
HEADING, WORDS, STEP, NOTE = 0.34, 0.2, 0.62, 1.12

Maps = Float[np.ndarray, "step word frame h w"]


@dataclass(frozen=True)
class Case:
    """A clip and the maps of its words at some steps; `words` are noun, verb, noun, verb, ..."""

    title: str
    video: UInt8[np.ndarray, "frame height width 3"] = field(repr=False)
    maps: Maps = field(repr=False)
    scores: Mapping[str, float]
    planned: Trajectory | None = None

    def boxes(self, frame: int) -> list[Box | None]:
        """The box that each word's attention was guided to."""
        if self.planned is None:
            return [None] * self.maps.shape[1]
        rows = self.planned.resample(len(self.video)).boxes
        return [row[frame] for row in rows for _ in ("noun", "verb")]


def word_maps(
    recorded: Mapping[int, Float[np.ndarray, "token frame h w"]],
    steps: Sequence[int],
    words: Sequence[Sequence[int]],
) -> Maps:
    """The maps of words, each the mean over its tokens, at some of the recorded steps."""
    return np.stack([[recorded[step][list(word)].mean(axis=0) for word in words] for step in steps])


def overlaps(maps: Float[np.ndarray, "word frame h w"]) -> dict[str, float]:
    """How much attention words share, in [0, 1]; the words are noun, verb, noun, verb."""
    noun, verb, second, its_verb = maps
    return {
        "nouns": _shared(noun, second),
        "own": (_shared(noun, verb) + _shared(second, its_verb)) / 2,
        "other": (_shared(noun, its_verb) + _shared(second, verb)) / 2,
    }


def plot_attention(
    cases: Sequence[Case],
    words: Sequence[str],
    steps: Sequence[str],
    shared: Samples,
    frame: int,
) -> Figure:
    """One case below another: the final frame, and the maps of every word at every step.

    `shared[variant][overlap]` holds one value a clip, see `overlaps`.
    """
    tall = FRAME / 2
    block = HEADING + WORDS + len(steps) * (tall + GAP)
    width = 2 * MARGIN + NOTE + _left(len(steps)) + len(words) * (FRAME + GAP)
    chart = chart_height(len(shared), False) + 0.3
    sheet = Sheet.new(width, len(cases) * block + chart + 5 * MARGIN)
    right = width - 2 * MARGIN - NOTE
    sheet.text(right, MARGIN + HEADING / 2 + 0.04, SCALE, size=SMALL, color=FAINT, ha="right")
    for number, case in enumerate(cases):
        _draw_case(sheet, MARGIN + number * block, case, (words, steps), frame)
    y = 3.2 * MARGIN + len(cases) * block
    title = "Attention that two words share (0: apart, 1: in the same places), every seed"
    sheet.text(MARGIN, y + 0.1, title, size=LARGE, weight="bold")
    place = (1.4, y + 0.3, width - 1.4 - 3 * MARGIN)
    draw_scores(sheet, place, shared, OVERLAPS, limits=_limits(shared))
    return sheet.figure


def _limits(shared: Samples) -> tuple[float, float]:
    """Tenths that hold all values, one range for all panels."""
    values = np.concatenate([clips for overlap in shared.values() for clips in overlap.values()])
    low, high = np.floor(values.min() * 10) / 10, np.ceil(values.max() * 10) / 10
    return float(low), float(max(high, low + 0.1))


def _left(steps: int) -> float:
    """Inches from the left margin to the maps: a frame as high as the rows of maps."""
    return 2 * (steps * (FRAME / 2 + GAP) - GAP) + STEP


def _draw_case(
    sheet: Sheet,
    y: float,
    case: Case,
    axes_of: tuple[Sequence[str], Sequence[str]],
    frame: int,
) -> None:
    words, steps = axes_of
    tall = FRAME / 2
    high = len(steps) * (tall + GAP) - GAP
    top, left = y + HEADING + WORDS, MARGIN + _left(len(steps))
    sheet.text(MARGIN, y + HEADING / 2 + 0.04, case.title, size=LARGE, weight="bold")
    label = f"frame {frame + 1} of the finished clip"
    sheet.text(MARGIN, top - 0.1, label, size=SMALL, color=FAINT)
    final = sheet.axes(MARGIN, top, 2 * high, high)
    picture(final, case.video[frame])
    boxes = case.boxes(frame)
    inks = [color for color in colors(len(words) // 2) for _ in ("noun", "verb")]
    for box, color in list(zip(boxes, inks, strict=True))[::2]:
        outline(final, box, color)
    for column, (word, ink) in enumerate(zip(words, inks, strict=True)):
        x = left + column * (FRAME + GAP)
        sheet.text(x + FRAME / 2, top - 0.1, word, color=ink, size=NORMAL, ha="center")
        for row in range(len(steps)):
            axes = sheet.axes(x, top + row * (tall + GAP), FRAME, tall)
            A = case.maps[row, column, frame]
            picture(axes, A, cmap="magma", vmin=0, vmax=max(float(A.max()), 1e-12))
            outline(axes, boxes[column], ink)
    for row, step in enumerate(steps):
        sheet.text(left - 0.08, top + row * (tall + GAP) + tall / 2, step, size=NORMAL, ha="right")
    note = left + len(words) * (FRAME + GAP) + 0.06
    draw_note(sheet, note, top + high / 2, NOTE - 0.06, note_lines(case.scores))


def _shared(A: Float[np.ndarray, "frame h w"], B: Float[np.ndarray, "frame h w"]) -> float:
    """Sum of the smaller of two maps that each sum to 1, mean over frames."""
    tiny = np.finfo(A.dtype).tiny
    p, q = (m / np.maximum(m.sum(axis=(1, 2), keepdims=True), tiny) for m in (A, B))
    return float(np.minimum(p, q).sum(axis=(1, 2)).mean())
