"""Boxes for DSR-Score: where the subject and the object are in every frame of a video."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from starvid_core.metrics.dsr_screening import DSRConfig, Labels, Names, Screening, screen
from starvid_core.metrics.tracks import Seen, Track
from starvid_core.perception.base import Detection, Judge, Tracker
from starvid_core.scene import Box
from starvid_core.video import Video

Boxes = Float[np.ndarray, "frame 4"]  # x0, y0, x1, y1 in pixels; NaN where nothing is seen


def locate(
    video: Video, names: Names, eye: Judge | Tracker, config: DSRConfig
) -> tuple[Screening, Boxes, Boxes]:
    """Screen a video and find the subject's and the object's box in every frame, in pixels.

    A tracker follows both from the seed; what only detects gives the boxes of the valid frames.
    """
    if isinstance(eye, Tracker):
        seen = eye.find(video, names)
        screening = screen(_labels(seen), names, config)
        rows = _followed(video, seen, names, eye, screening)
    else:
        seen = eye.detect(video)
        screening = screen(_labels(seen), names, config)
        shown = zip(seen, screening.statuses, strict=True)
        valid = [frame if status == "valid" else () for frame, status in shown]
        rows = [tuple(_box(frame, name) for frame in valid) for name in names]
    subject, thing = (_pixels(row, video.shape[1:3]) for row in rows)
    return screening, subject, thing


def _followed(
    video: Video, seen: Seen, names: Names, eye: Tracker, screening: Screening
) -> Sequence[Track]:
    if screening.reason:
        return [(None,) * len(video)] * 2
    start = [_box(seen[screening.seed], name) for name in names]
    return eye.follow(video, screening.seed, [box for box in start if box is not None])


def _labels(seen: Seen) -> Labels:
    return [[detection.name for detection in frame] for frame in seen]


def _box(frame: Sequence[Detection], name: str) -> Box | None:
    return next((detection.box for detection in frame if detection.name == name), None)


def _pixels(row: Track, size: tuple[int, int]) -> Boxes:
    height, width = size
    corners = [(b.x0, b.y0, b.x1, b.y1) if b else (np.nan,) * 4 for b in row]
    return np.array(corners, float) * (width, height, width, height)
