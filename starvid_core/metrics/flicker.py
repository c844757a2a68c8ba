"""Flicker: how much of a clip changes between frames where nothing moves; ours.

The ground of the Moving-Emoji world stands still, so real renders have none.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, UInt8

from starvid_core.perception.base import Detection, Judge
from starvid_core.scene import Box, Trajectory

MARGIN = 0.25  # of a box's size, added on each side: a judge's boxes are a little off


def score(
    video: UInt8[np.ndarray, "frame height width 3"], trajectory: Trajectory, judge: Judge
) -> dict[str, float]:
    """Of the pixels outside every seen box, in gray levels (0 to 255), mean over frame changes.

    `background_change`: of a pixel (grain and flicker); `background_drift`: of their mean color
    (flicker alone, for grain averages out); `background_covered`: share of pixels left out. The
    first two are not a number where boxes cover everything.
    """
    height, width = video.shape[1:3]
    clear = np.array([_clear(frame, height, width) for frame in judge.detect(video)])
    both = clear[1:] & clear[:-1]
    steps = np.diff(video.astype(np.float64), axis=0)
    seen = [k for k, mask in enumerate(both) if mask.any()]
    return {
        "background_change": _mean([np.abs(steps[k][both[k]]).mean() for k in seen]),
        "background_drift": _mean([np.abs(steps[k][both[k]].mean(0)).mean() for k in seen]),
        "background_covered": _mean(list(1 - both.mean((1, 2)))),
    }


def _clear(found: Sequence[Detection], height: int, width: int) -> Bool[np.ndarray, "height width"]:
    """Where no subject is seen."""
    y = (np.arange(height) + 0.5)[:, None] / height
    x = (np.arange(width) + 0.5)[None] / width
    clear = np.ones((height, width), bool)
    for detection in found:
        clear &= ~_inside(detection.box, x, y)
    return clear


def _inside(
    box: Box, x: Float[np.ndarray, "1 width"], y: Float[np.ndarray, "height 1"]
) -> Bool[np.ndarray, "height width"]:
    wide, tall = MARGIN * box.width, MARGIN * box.height
    across = (x >= box.x0 - wide) & (x <= box.x1 + wide)
    return across & (y >= box.y0 - tall) & (y <= box.y1 + tall)


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else float("nan")
