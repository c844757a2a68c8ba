"""Numeracy (T2V-CompBench, Table I): is every subject there, in the number that was asked for?"""

from __future__ import annotations

from collections import Counter

import numpy as np
from jaxtyping import UInt8

from starvid_core.metrics.tracks import name_of
from starvid_core.perception.base import Judge
from starvid_core.scene import Trajectory

EXACT_SHARE = 0.7


def score(
    video: UInt8[np.ndarray, "frame height width 3"], trajectory: Trajectory, judge: Judge
) -> dict[str, float]:
    """Shares in [0, 1].

    `numeracy`: planned subjects whose count is exact, mean over frames; `exact_frames`: frames that
    show exactly the planned subjects and no other; `exact`: 1 where at least 70 % of the frames
    are; `present`: planned instances seen; `extra`: frames with anything that was not asked for.
    """
    wanted = Counter(name_of(s) for s in trajectory.plan.instances)
    counts = [Counter(d.name for d in frame) for frame in judge.detect(video)]
    exact = [float(c == wanted) for c in counts]
    return {
        "numeracy": float(np.mean([[c[n] == k for n, k in wanted.items()] for c in counts])),
        "exact_frames": float(np.mean(exact)),
        "exact": float(np.mean(exact) >= EXACT_SHARE),
        "present": float(np.mean([_seen(c, wanted) for c in counts])),
        "extra": float(np.mean([bool(c - wanted) for c in counts])),
    }


def _seen(count: Counter[str], wanted: Counter[str]) -> float:
    return (count & wanted).total() / wanted.total()
