"""Instances of a trajectory as tracks: their boxes in sight, and how these change."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from planners.language import lexicon
from starvid_core.scene import Box, Subject, Trajectory


@dataclass(frozen=True)
class Track:
    """One instance's boxes in the frames where it is in sight, and the family of its motion."""

    instance: int
    family: str
    frames: tuple[int, ...]
    boxes: tuple[Box, ...]

    @property
    def lengths(self) -> list[float]:
        return [math.sqrt(box.width * box.height) for box in self.boxes]

    @property
    def growth(self) -> float:
        """Last over first length."""
        return self.lengths[-1] / self.lengths[0]

    @property
    def travel(self) -> float:
        """Farthest way from the first place."""
        return max(math.dist(self.boxes[0].center, box.center) for box in self.boxes)

    @property
    def heights(self) -> list[float]:
        """Heights of the center above the bottom of the frame."""
        return [1 - box.center[1] for box in self.boxes]


def motion_of(subject: Subject) -> lexicon.Motion | None:
    """The motion that a plan names, or else the one that its verb means, if either is known."""
    return lexicon.motion(subject.motion) or lexicon.motion(subject.verb)


def boxes(trajectory: Trajectory) -> Iterator[tuple[int, int, Box]]:
    """Instance, frame and box wherever somebody is in sight."""
    for instance, row in enumerate(trajectory.boxes):
        yield from ((instance, frame, box) for frame, box in enumerate(row) if box is not None)


def tracks(trajectory: Trajectory, *families: str) -> Iterator[Track]:
    """Instances that are ever in sight, of some families of motion or of all."""
    for n, (subject, row) in enumerate(
        zip(trajectory.plan.instances, trajectory.boxes, strict=True)
    ):
        motion = motion_of(subject)
        family = motion.family if motion else ""
        seen = {frame: box for frame, box in enumerate(row) if box is not None}
        if seen and (family in families or not families):
            yield Track(n, family, tuple(seen), tuple(seen.values()))
