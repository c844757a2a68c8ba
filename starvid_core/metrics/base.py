"""What every metric asks of a video before any model looks at it."""

from __future__ import annotations

import numpy as np

from starvid_core.errors import InputError
from starvid_core.scene import Trajectory


class Unscored(InputError):
    """Why a metric has no score for a video: it is left out of the mean, counted and said."""


def check_video(video: np.ndarray, frames: int = 1) -> None:
    """Refuse what is no video of at least so many frames."""
    if video.dtype != np.uint8 or video.ndim != 4 or video.shape[-1] != 3 or not video.size:
        raise Unscored(f"{video.dtype} {video.shape} is no video; give uint8 [frame, h, w, 3]")
    if len(video) < frames:
        raise Unscored(f"{len(video)} frame where {frames} are needed")


def check_boxes(trajectory: Trajectory) -> None:
    """Refuse a plan that says nowhere where its subjects are to be."""
    if not any(box for row in trajectory.boxes for box in row):
        raise Unscored("no planned boxes; give the plan")


def finite(name: str, value: float) -> float:
    """The score, unless a model made no number of the video."""
    if not np.isfinite(value):
        raise Unscored(f"{name} is {value}: the model saw nothing that it can compare")
    return value
