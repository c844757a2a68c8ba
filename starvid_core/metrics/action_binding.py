"""Action binding (T2V-CompBench, Table I): does every subject do what was asked of it?"""

from __future__ import annotations

import numpy as np

from starvid_core.metrics.base import Unscored, check_video
from starvid_core.metrics.tracks import tracks
from starvid_core.perception.base import Judge
from starvid_core.scene import Trajectory
from starvid_core.video import Video


def validate(video: Video, trajectory: Trajectory) -> None:
    """Refuse what is no video, and a plan that says nowhere which motions it wants."""
    check_video(video)
    if still := [s.noun for s in trajectory.plan.subjects if not s.motion]:
        raise Unscored(f"no motion is known of {still[0]!r}; give a plan that names it")


def score(video: Video, trajectory: Trajectory, judge: Judge) -> dict[str, float]:
    """Shares of planned instances, in [0, 1].

    `action_binding`: seen in at least half of the frames and judged to do their own motion;
    `leakage`: seen, but judged to do the motion of another subject of the prompt.
    """
    validate(video, trajectory)
    rows = tracks(judge.detect(video), trajectory)
    instances = trajectory.plan.instances
    right, leaked = [], []
    for subject, row in zip(instances, rows, strict=True):
        others = {s.motion for s in instances} - {subject.motion}
        motion = _motion(video, row, judge)
        right.append(motion == subject.motion)
        leaked.append(motion in others)
    return {"action_binding": float(np.mean(right)), "leakage": float(np.mean(leaked))}


def _motion(video: np.ndarray, row: tuple, judge: Judge) -> str | None:
    """The motion that the judge sees, None for a subject that is missing in most frames."""
    if sum(box is not None for box in row) < len(row) / 2:
        return None
    probabilities = judge.motion(video, row)
    return max(probabilities, key=probabilities.__getitem__)
