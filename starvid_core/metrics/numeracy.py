"""Numeracy (T2V-CompBench v1, Table I): is every subject there, in the number that was asked for?

As published for one subject and two; for more, every subject counts the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import UInt8

from starvid_core.metrics.base import check_video
from starvid_core.metrics.tracks import name_of
from starvid_core.perception.base import Detection, Detector
from starvid_core.scene import Trajectory
from starvid_core.video import Video

Shown = UInt8[np.ndarray, "shown height width 3"]

EXACT_SHARE = 0.7
FRAMES = 16
# Two boxes that overlap more than 0.9 are one thing seen twice; an overlap of 0.9 is not more.
SAME = 0.9 + 1e-6


def validate(video: Video, trajectory: Trajectory) -> None:
    """Refuse what is no video."""
    check_video(video)


def sampled(video: Video, frames: int = FRAMES) -> Shown:
    """The frames that are looked at: all of them, or so many at even distances, both ends too."""
    if len(video) <= frames:
        return video
    return video[np.linspace(0, len(video) - 1, frames).astype(int)]


def score(video: Video, trajectory: Trajectory, detector: Detector) -> dict[str, float]:
    """Shares in [0, 1], and counts of detections that were left out.

    `numeracy`: planned subjects whose count is exact, mean over frames; `exact_frames`: frames that
    show exactly the planned subjects and no other; `exact`: 1 where at least 70 % of the frames
    are; `present`: planned instances seen; `extra`: frames with anything that was not asked for;
    `duplicates`: detections that another one of a higher score covers; `unasked`: detections by
    other names than those asked for.
    """
    validate(video, trajectory)
    wanted = Counter(name_of(s) for s in trajectory.plan.instances)
    seen = detector.detect(sampled(video))
    kept = [without_duplicates(frame) for frame in seen]
    counts = [Counter(d.name for d in frame) for frame in kept]
    exact = [float(c == wanted) for c in counts]
    return {
        "numeracy": float(np.mean([[c[n] == k for n, k in wanted.items()] for c in counts])),
        "exact_frames": float(np.mean(exact)),
        "exact": float(np.mean(exact) >= EXACT_SHARE),
        "present": float(np.mean([_seen(c, wanted) for c in counts])),
        "extra": float(np.mean([bool(c - wanted) for c in counts])),
        "duplicates": float(_total(seen) - _total(kept)),
        "unasked": float(sum(d.name not in wanted for frame in kept for d in frame)),
    }


def without_duplicates(frame: Iterable[Detection]) -> list[Detection]:
    """One detection after the other, against those kept so far: of two the higher score stays."""
    kept: list[Detection] = []
    for seen in frame:
        place = next((n for n, k in enumerate(kept) if seen.box.overlap(k.box) > SAME), None)
        if place is None:
            kept.append(seen)
        elif seen.score > kept[place].score:
            kept[place] = seen
    return kept


def _seen(count: Counter[str], wanted: Counter[str]) -> float:
    return (count & wanted).total() / wanted.total()


def _total(frames: Sequence[Sequence[Detection]]) -> int:
    return sum(len(frame) for frame in frames)
