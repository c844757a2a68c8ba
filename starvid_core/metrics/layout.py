"""Layout adherence (Fig. 7): how close the subjects are to their planned boxes; ours."""

from __future__ import annotations

import numpy as np

from starvid_core.metrics.base import check_boxes, check_video
from starvid_core.metrics.tracks import tracks
from starvid_core.perception.base import Detector
from starvid_core.scene import Box, Trajectory
from starvid_core.video import Video


def validate(video: Video, trajectory: Trajectory) -> None:
    """Refuse what is no video, and a plan without boxes."""
    check_video(video)
    check_boxes(trajectory)


def score(video: Video, trajectory: Trajectory, detector: Detector) -> dict[str, float]:
    """`iou`: mean overlap of seen and planned boxes, 0 where a subject is not seen;
    `center_error`: mean distance of their centers in frame fractions, over what is seen;
    `unseen`: share of planned boxes left out of `center_error`."""
    validate(video, trajectory)
    seen = tracks(detector.detect(video), trajectory)
    planned = trajectory.resample(len(video)).boxes
    pairs = [
        (a, b)
        for row, plan in zip(seen, planned, strict=True)
        for a, b in zip(row, plan, strict=True)
        if b is not None
    ]
    apart = [_distance(a, b) for a, b in pairs if a is not None]
    return {
        "iou": float(np.mean([a.overlap(b) if a else 0.0 for a, b in pairs])) if pairs else 0.0,
        "center_error": float(np.mean(apart)) if apart else float("nan"),
        "unseen": 1 - len(apart) / len(pairs) if pairs else 1.0,
    }


def _distance(a: Box, b: Box) -> float:
    return float(np.hypot(a.center[0] - b.center[0], a.center[1] - b.center[1]))
