"""Vocabulary of a planned scene (Section III-C.1): boxes, subjects, scene plans, trajectories."""

from __future__ import annotations

import math
from dataclasses import dataclass

from starvid_core.errors import InputError

CAMERA_MOVES = ("static", "zoom in", "zoom out", "pan left", "pan right", "pan up", "pan down")


@dataclass(frozen=True)
class Box:
    """Corners of a box as fractions of the frame, x to the right and y down; may reach outside."""

    x0: float
    y0: float
    x1: float
    y1: float

    def __post_init__(self) -> None:
        if not all(math.isfinite(v) for v in (self.x0, self.y0, self.x1, self.y1)):
            raise InputError(f"a box needs four finite numbers, got {self}")
        if self.x1 <= self.x0 or self.y1 <= self.y0:
            raise InputError(f"a box needs x0 < x1 and y0 < y1, got {self}")

    @property
    def width(self) -> float:
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        return self.y1 - self.y0

    @property
    def center(self) -> tuple[float, float]:
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2

    def overlap(self, other: Box) -> float:
        """Intersection over union with `other`, in [0, 1]."""
        width = min(self.x1, other.x1) - max(self.x0, other.x0)
        height = min(self.y1, other.y1) - max(self.y0, other.y0)
        if width <= 0 or height <= 0:
            return 0.0
        shared = width * height
        return shared / (self.width * self.height + other.width * other.height - shared)

    def blend(self, other: Box, share: float) -> Box:
        """The box `share` of the way from this one to `other`."""
        ends = zip(
            (self.x0, self.y0, self.x1, self.y1),
            (other.x0, other.y0, other.x1, other.y1),
            strict=True,
        )
        return Box(*(a + share * (b - a) for a, b in ends))


@dataclass(frozen=True)
class Subject:
    """One subject of the prompt: its noun and verb as they stand there, how many, which motion.

    `verb` may be a phrase ("rides a bicycle"). `motion` is the canonical name ("riding bicycle").
    """

    id: int
    noun: str
    verb: str
    number: int = 1
    motion: str = ""


@dataclass(frozen=True)
class ScenePlan:
    """Stage one of the planner: who is in the scene, what each does, and why."""

    prompt: str
    subjects: tuple[Subject, ...]
    motion: str = ""
    reasoning: str = ""
    camera: str = "static"

    def __post_init__(self) -> None:
        if self.camera not in CAMERA_MOVES:
            raise InputError(f"camera move {self.camera!r} is not one of {', '.join(CAMERA_MOVES)}")

    @property
    def instances(self) -> tuple[Subject, ...]:
        """Every single subject in order: a subject with `number` 2 stands here twice."""
        return tuple(s for s in self.subjects for _ in range(s.number))


@dataclass(frozen=True)
class Trajectory:
    """Stage two: `boxes[instance][key frame]`, None where the subject is out of sight."""

    plan: ScenePlan
    boxes: tuple[tuple[Box | None, ...], ...]

    def __post_init__(self) -> None:
        if len(self.boxes) != len(self.plan.instances):
            raise InputError(
                f"{len(self.boxes)} rows of boxes for {len(self.plan.instances)} subjects"
            )
        if not self.boxes or len({len(row) for row in self.boxes}) != 1 or not self.boxes[0]:
            raise InputError("every subject needs the same number of frames, one at least")

    @property
    def frames(self) -> int:
        return len(self.boxes[0])

    def resample(self, frames: int) -> Trajectory:
        """Linear interpolation of the key frames to `frames` frames; both ends are kept."""
        return Trajectory(self.plan, tuple(_resample(row, frames) for row in self.boxes))


def _resample(row: tuple[Box | None, ...], frames: int) -> tuple[Box | None, ...]:
    last = len(row) - 1
    places = [last * f / (frames - 1) if frames > 1 else 0.0 for f in range(frames)]
    return tuple(_between(row, place) for place in places)


def _between(row: tuple[Box | None, ...], place: float) -> Box | None:
    low = min(int(place), len(row) - 1)
    before, after = row[low], row[min(low + 1, len(row) - 1)]
    if before is None or after is None:
        return before if place - low < 0.5 else after
    return before.blend(after, place - low)
