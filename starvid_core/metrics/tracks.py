"""Tracks: which detection of each frame belongs to which planned subject."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from planners.language import lexicon
from starvid_core.perception.base import Detection
from starvid_core.scene import Box, Subject, Trajectory

Seen = Sequence[Sequence[Detection]]
Track = tuple[Box | None, ...]


def name_of(subject: Subject) -> str:
    """What a judge calls the subject: "dog" for "dogs"."""
    noun = lexicon.noun(subject.noun.lower())
    return noun.lemma if noun else subject.noun.lower()


def tracks(seen: Seen, trajectory: Trajectory) -> tuple[Track, ...]:
    """One row of boxes for every planned instance, None where it is not seen.

    Detections of the same subject go to the instances whose planned boxes are nearest; a subject
    that is there once takes the detection with the highest score.
    """
    planned = trajectory.resample(len(seen))
    rows: list[list[Box | None]] = [[None] * len(seen) for _ in planned.boxes]
    for f, frame in enumerate(seen):
        for noun in {name_of(s) for s in planned.plan.subjects}:
            wanted = [i for i, s in enumerate(planned.plan.instances) if name_of(s) == noun]
            alike = [d for d in frame if d.name == noun]
            found = sorted(alike, key=lambda d: -d.score)[: len(wanted)]
            for i, box in _assign(found, wanted, planned, f):
                rows[i][f] = box
    return tuple(tuple(row) for row in rows)


def _assign(
    found: Sequence[Detection], wanted: Sequence[int], planned: Trajectory, frame: int
) -> list[tuple[int, Box]]:
    cost = np.array([[_apart(d.box, planned.boxes[i][frame]) for i in wanted] for d in found])
    if not cost.size:
        return []
    chosen = zip(*linear_sum_assignment(cost), strict=True)
    return [(wanted[i], found[d].box) for d, i in chosen]


def _apart(a: Box, b: Box | None) -> float:
    if b is None:
        return 2.0
    return float(np.hypot(a.center[0] - b.center[0], a.center[1] - b.center[1]))
