"""DSR-Score (SpatialAlign): does the subject pass from the first relation to the last?

r: relation of one frame, in [-1, 1].  g: gap, half of what r gains.  The formulas are those of the
released code; `strict`, displacement and jump are ours, and so are the relations B, F and H.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from starvid_core import relations
from starvid_core.errors import InputError
from starvid_core.metrics.base import Unscored, check_video
from starvid_core.metrics.dsr_boxes import Boxes, locate
from starvid_core.metrics.dsr_quality import identity
from starvid_core.metrics.dsr_screening import PAPER, DSRConfig, Screening, scaled
from starvid_core.perception.base import Judge, Tracker
from starvid_core.scene import Trajectory
from starvid_core.video import Video

Frames = Float[np.ndarray, " frame"]

WINNER = 0.7  # a video of this score or more is correct and can win a pair
STRICT = (
    0.5  # ours: what both ends must reach, since 0.7 accepts a subject that stops on the object
)
DIRECTIONS = {"L": (-1, 0), "R": (1, 0), "T": (0, -1), "B": (0, 1)}
DEPTH = {"F": 1, "H": -1}
LETTERS = ", ".join([*DIRECTIONS, *DEPTH])
# Not `np.arange(0, 1, 0.1)`, whose eighth number is above 0.7.
THRESHOLDS = np.arange(10) / 10


@dataclass(frozen=True)
class DSR:
    """The score of a video with its four components; `score` is None for an INVALID one."""

    score: float | None
    frames: int
    r_init: float = math.nan
    g_init: float = math.nan
    r_final: float = math.nan
    g_final: float = math.nan
    reason: str = ""

    @property
    def strict(self) -> bool:
        """Ours: the subject really stood in the first relation and really ends in the last."""
        return self.score is not None and min(self.r_init, self.r_final) >= STRICT


def ssr(subject: Boxes, thing: Boxes, relation: str, front: Frames | None = None) -> Frames:
    """SSR-Score r of every frame: direction of the centers times how far the boxes are apart.

    NaN where a box is missing, empty or not finite. `front` is needed for F and H only: 1 where the
    subject covers the object, -1 where the object covers the subject.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        v = _centers(subject) - _centers(thing)
        sizes = _sizes(subject), _sizes(thing)
        apart = np.minimum(1, np.abs(v) / ((sizes[0] + sizes[1]) / 2))
        if relation in DEPTH:
            r = DEPTH[relation] * _ordered(front, len(v)) * (1 - apart[:, 0])
        else:
            distance = np.linalg.norm(v, axis=1, keepdims=True)
            toward = np.where(distance > 0, v / distance, 0.0)
            r = (toward * apart) @ np.array(DIRECTIONS[relation], float)
        seen = np.isfinite(subject).all(1) & np.isfinite(thing).all(1)
        full = (sizes[0] > 0).all(1) & (sizes[1] > 0).all(1)
    return np.where(seen & full, r, np.nan)


def dsr(
    subject: Boxes,
    thing: Boxes,
    kind: str,
    config: DSRConfig = PAPER,
    front: Frames | None = None,
) -> DSR:
    """DSR-Score of a type such as "LR": 1/2 + (r_init + g_init + r_final + g_final) / 8."""
    if len(kind) != 2 or not set(kind) <= {*DIRECTIONS, *DEPTH}:
        raise InputError(f"a type is two letters of {LETTERS}, as LR; got {kind!r}")
    first, last = (ssr(subject, thing, relation, front) for relation in kind)
    valid = np.isfinite(first) & np.isfinite(last)
    first, last = first[valid], last[valid]
    if len(first) < max(config.min_valid, 1):
        return DSR(None, len(first), reason="too few frames with both boxes")
    r_init, g_init = first[: config.head].mean(), (first[0] - first[-1]) / 2
    r_final, g_final = last[-config.tail :].mean(), (last[-1] - last[0]) / 2
    score = 0.5 + (r_init + g_init + r_final + g_final) / 8
    return DSR(
        float(score), len(first), float(r_init), float(g_init), float(r_final), float(g_final)
    )


def correctness(scores: Sequence[float | None]) -> Float[np.ndarray, " threshold"]:
    """C(tau) for tau = 0, 0.1 ... 0.9: the share of all videos that reach it; None never does."""
    reached = np.array([-np.inf if score is None else score for score in scores])
    return (reached >= THRESHOLDS[:, None]).mean(1)


def displacement(boxes: Boxes, size: tuple[int, int]) -> float:
    """Ours: how far a center gets from where it was first seen, in diagonals of the frame."""
    centers = _seen(boxes)
    away = np.linalg.norm(centers - centers[:1], axis=1)
    return float(away.max() / math.hypot(*size)) if len(away) else math.nan


def jump(boxes: Boxes, size: tuple[int, int]) -> float:
    """Ours: the longest way of a center between frames where it is seen, in diagonals."""
    steps = np.linalg.norm(np.diff(_seen(boxes), axis=0), axis=1)
    return float(steps.max() / math.hypot(*size)) if len(steps) else math.nan


def _centers(boxes: Boxes) -> Float[np.ndarray, "frame 2"]:
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def _sizes(boxes: Boxes) -> Float[np.ndarray, "frame 2"]:
    return boxes[:, 2:] - boxes[:, :2]


def _seen(boxes: Boxes) -> Float[np.ndarray, "_seen 2"]:
    return _centers(boxes[np.isfinite(boxes).all(1)])


def _ordered(front: Frames | None, frames: int) -> Frames:
    if front is None:
        raise InputError("relations of depth (F, H) need `front`, the order of depth of each frame")
    return np.broadcast_to(front, frames)


@dataclass(frozen=True)
class Reading:
    """What was seen of a transition in one video, and its score."""

    screening: Screening
    subject: Boxes
    thing: Boxes
    result: DSR


def read(
    video: Video, told: relations.Transition, eye: Judge | Tracker, config: DSRConfig
) -> Reading:
    """Look for both things in a video and score what they do; INVALID if the screening fails."""
    names = told.subject, told.object
    screening, subject, thing = locate(video, names, eye, config)
    if screening.reason:
        return Reading(screening, subject, thing, DSR(None, 0, reason=screening.reason))
    return Reading(screening, subject, thing, dsr(subject, thing, told.kind, config))


def validate(video: Video, trajectory: Trajectory) -> None:
    """Refuse what is no video, and a prompt that tells of no change of place."""
    check_video(video)
    if not applies(trajectory):
        said = f"{trajectory.plan.prompt[:80]!r} tells of no change of place"
        raise Unscored(f"{said}; write {relations.FORM!r}")


def applies(trajectory: Trajectory) -> bool:
    """Whether the prompt tells of a transition, so that it can be scored."""
    return relations.find(trajectory.plan.prompt) is not None


def score(video: Video, trajectory: Trajectory, judge: Judge | Tracker) -> dict[str, float]:
    """`dsr` in [0, 1] and its components, NaN for an INVALID video.

    `dsr_correct`: 1 from 0.7 on, 0 for an INVALID video; `dsr_invalid`; ours: `dsr_strict`, the way
    of the object and the longest jump of the subject in diagonals, and `identity`.
    """
    validate(video, trajectory)
    told = relations.parse(trajectory.plan.prompt)
    found = read(video, told, judge, scaled(len(video)))
    result, size = found.result, video.shape[1:3]
    return {
        "dsr": math.nan if result.score is None else result.score,
        "dsr_correct": float(result.score is not None and result.score >= WINNER),
        "dsr_strict": float(result.strict),
        "dsr_invalid": float(result.score is None),
        "dsr_frames": float(found.screening.count("valid")),
        "dsr_redundant": float(found.screening.count("redundant")),
        "r_init": result.r_init,
        "g_init": result.g_init,
        "r_final": result.r_final,
        "g_final": result.g_final,
        "displacement": displacement(found.thing, size),
        "jump": jump(found.subject, size),
        "identity": identity(video, found.subject),
    }


NAMES = (
    *("dsr", "dsr_correct", "dsr_strict", "dsr_invalid", "dsr_frames", "dsr_redundant"),
    *("r_init", "g_init", "r_final", "g_final"),
    *("displacement", "jump", "identity"),
)
