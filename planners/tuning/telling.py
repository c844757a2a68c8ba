"""A plan in few words, as stage one is taught to tell it: who goes by which boxes, and why."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from planners.tracks import motion_of
from planners.wire import Cells, Wire
from starvid_core.scene import ScenePlan, Subject, Trajectory

_DETOUR = 2  # cells off the straight way that are worth telling
_DOES = {
    "cross": "go",
    "swim": "swim",
    "still": "rest",
    "stay": "stay",
    "sway": "sway",
    "bob": "bob",
    "hop": "hop",
    "bounce": "bounce",
    "fall": "fall",
    "dive": "dive",
    "rise": "rise",
}
_WHY = {
    "cross": "travel is steady",
    "swim": "swimmers rock with the waves",
    "still": "whoever rests keeps its box",
    "stay": "work in place keeps its box",
    "sway": "a dance sways about one place",
    "bob": "floating bodies bob in place",
    "hop": "a jump goes up and comes down",
    "bounce": "every bounce is lower",
    "fall": "a fall gets faster",
    "dive": "a dive gets faster",
    "rise": "a rise is even",
}
_CAMERAS = {"zoom in": "all grows", "zoom out": "all shrinks", "pan": "all shifts the other way"}


def motion(trajectory: Trajectory, wire: Wire) -> str:
    """A sentence for every subject, with the boxes of each instance that its way is drawn by.

    These are the first one, the farthest from the straight way where that is far, and the last one
    if it is another: what is between them is left to stage two. Numbers are the wire's.
    """
    rows = iter(trajectory.boxes)
    sentences = []
    for subject in trajectory.plan.subjects:
        own = [next(rows) for _ in range(subject.number)]
        ways = (_way([wire.cells(box) for box in row if box]) for row in own)
        sentences.append(f"{_does(subject)} {', '.join(ways)}.")
    return " ".join(sentences)


def reasoning(plan: ScenePlan) -> str:
    """A clause for every kind of motion, for the camera, and for the lanes."""
    clauses = list(dict.fromkeys(_WHY[_family(subject)] for subject in plan.subjects))
    clauses += [why for move, why in _CAMERAS.items() if plan.camera.startswith(move)]
    clauses += ["lanes keep all apart"] if len(plan.instances) > 1 else []
    text = ", ".join(clauses)
    return f"{text[0].upper()}{text[1:]}."


def _family(subject: Subject) -> str:
    """What the motion is called like; one that is unheard of stays."""
    known = motion_of(subject)
    return known.family if known else "stay"


def _does(subject: Subject) -> str:
    verb = _DOES[_family(subject)]
    if subject.number > 1:
        return f"{subject.number} {subject.noun} {verb}"
    return f"{subject.noun} {verb}{'es' if verb.endswith('o') else 's'}"


def _way(boxes: Sequence[Cells]) -> str:
    track = np.array(boxes)
    off = abs(track - np.linspace(track[0], track[-1], len(track))).max(1)
    told = [_numbers(boxes[0])]
    if off.max() >= _DETOUR:
        told.append(f"by {_numbers(boxes[int(off.argmax())])}")
    if len(told) > 1 or boxes[-1] != boxes[0]:
        told.append(f"to {_numbers(boxes[-1])}")
    return " ".join(told)


def _numbers(cells: Cells) -> str:
    return f"({','.join(map(str, cells))})"
