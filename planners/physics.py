"""Checks of a trajectory against its plan and everyday physics (the rules of Table IX).

The motion checks hold the camera still: a trajectory with a camera move is checked for the frame,
for overlap, for speed and for perspective. Laws need `SHORTEST` frames to show.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise

from planners import lexicon
from starvid_core.scene import Box, Trajectory

GRID = (10, 18)  # rows and columns of the attention maps on which a box must hold a cell's center
SHORTEST = 5
EDGE = 0.01 / 320  # a hundredth of a pixel of the plan file
MOST_GROWTH = 2.0  # of a length over the clip
MOST_SPEED = {"bounce": 4.0, "": 2.2}  # frame sizes per clip at the fastest step
MOST_REST = {"still": 0.02, "stay": 0.05}
LEAST_TRAVEL = 0.03
LEAST_NEARING = 1.1  # growth that counts as coming nearer or going away
LEAST_HEIGHT = 0.02
LEAST_PERSPECTIVE = 1.03
LEAST_PAN = 0.01
_PANS = {"pan left": (0, 1), "pan right": (0, -1), "pan up": (1, 1), "pan down": (1, -1)}


@dataclass(frozen=True)
class Violation:
    """A rule that a trajectory breaks: where, what was measured, and the limit that it passes."""

    code: str
    frame: int
    instance: int
    value: float
    limit: float

    def __str__(self) -> str:
        meaning = MEANINGS[self.code]
        place = f"instance {self.instance}, frame {self.frame}"
        return f"{self.code}: {place}: {meaning} is {self.value:.4g}, the limit {self.limit:.4g}"


MEANINGS = {
    "inside": "the part of the frame's size that the box reaches outside",
    "area": f"the number of {GRID[0]}x{GRID[1]} cells with their center in the box",
    "apart": "the overlap with another instance",
    "size": "the growth of a length over the clip",
    "speed": "the fastest step in frame sizes per clip",
    "still": "the travel of a subject that stays",
    "moves": "the travel of a subject that goes",
    "gravity": "the height gained, or the later over the earlier fall",
    "bounce": "the rebound as a share of the fall",
    "perspective": "the growth or shift of a subject that stays under a moving camera",
}


@dataclass(frozen=True)
class _Track:
    """One instance's boxes in the frames where it is in sight, and the family of its motion."""

    instance: int
    family: str
    frames: tuple[int, ...]
    boxes: tuple[Box, ...]

    @property
    def growth(self) -> float:
        """Last over first length."""
        return _length(self.boxes[-1]) / _length(self.boxes[0])

    @property
    def travel(self) -> float:
        """Farthest way from the first place."""
        return max(math.dist(self.boxes[0].center, box.center) for box in self.boxes)

    @property
    def heights(self) -> list[float]:
        """Heights of the center above the bottom of the frame."""
        return [1 - box.center[1] for box in self.boxes]

    def broken(self, code: str, value: float, limit: float) -> Violation:
        return Violation(code, self.frames[-1], self.instance, value, limit)


def check(trajectory: Trajectory) -> tuple[Violation, ...]:
    """Every rule that the trajectory breaks, rule after rule."""
    return tuple(found for rule in CHECKS.values() for found in rule(trajectory))


def _boxes(trajectory: Trajectory) -> Iterator[tuple[int, int, Box]]:
    """Instance, frame and box wherever somebody is in sight."""
    for instance, row in enumerate(trajectory.boxes):
        yield from ((instance, frame, box) for frame, box in enumerate(row) if box is not None)


def _tracks(trajectory: Trajectory, *families: str) -> Iterator[_Track]:
    """Instances that are ever in sight, of some families of motion or of all."""
    for n, (subject, row) in enumerate(
        zip(trajectory.plan.instances, trajectory.boxes, strict=True)
    ):
        motion = lexicon.motion(subject.motion) or lexicon.motion(subject.verb)
        family = motion.family if motion else ""
        seen = {frame: box for frame, box in enumerate(row) if box is not None}
        if seen and (family in families or not families):
            yield _Track(n, family, tuple(seen), tuple(seen.values()))


def _laws(trajectory: Trajectory, *families: str) -> Iterator[_Track]:
    """Tracks long enough to show a law, under a camera that rests."""
    if trajectory.plan.camera == "static":
        yield from (t for t in _tracks(trajectory, *families) if len(t.boxes) >= SHORTEST)


def _length(box: Box) -> float:
    return math.sqrt(box.width * box.height)


def inside(trajectory: Trajectory) -> Iterator[Violation]:
    """Boxes lie in the frame."""
    for instance, frame, box in _boxes(trajectory):
        beyond = max(-box.x0, -box.y0, box.x1 - 1, box.y1 - 1)
        if beyond > EDGE:
            yield Violation("inside", frame, instance, beyond, 0.0)


def area(trajectory: Trajectory) -> Iterator[Violation]:
    """Boxes hold the center of a cell, so that no mask is empty."""
    rows, columns = GRID
    for instance, frame, box in _boxes(trajectory):
        cells = _centers(box.y0, box.y1, rows) * _centers(box.x0, box.x1, columns)
        if cells < 1:
            yield Violation("area", frame, instance, cells, 1.0)


def _centers(low: float, high: float, count: int) -> int:
    """Cells of one axis whose center is between two fractions of the frame."""
    return sum(low <= (cell + 0.5) / count < high for cell in range(count))


def apart(trajectory: Trajectory) -> Iterator[Violation]:
    """No two instances overlap."""
    for (_, first), (n, second) in combinations(enumerate(trajectory.boxes), 2):
        for frame, (a, b) in enumerate(zip(first, second, strict=True)):
            shared = a.overlap(b) if a and b else 0.0
            if shared > 0:
                yield Violation("apart", frame, n, shared, 0.0)


def size(trajectory: Trajectory) -> Iterator[Violation]:
    """Nobody grows or shrinks much while the camera rests."""
    if trajectory.plan.camera != "static":
        return
    for track in _tracks(trajectory):
        lengths = [_length(box) for box in track.boxes]
        growth = max(lengths) / min(lengths)
        if growth > MOST_GROWTH:
            yield track.broken("size", growth, MOST_GROWTH)


def speed(trajectory: Trajectory) -> Iterator[Violation]:
    """Nobody jumps from place to place."""
    for track in _tracks(trajectory):
        limit = MOST_SPEED.get(track.family, MOST_SPEED[""])
        steps = zip(pairwise(track.frames), pairwise(track.boxes), strict=True)
        for (before, frame), (a, b) in steps:
            pace = math.dist(a.center, b.center) / (frame - before) * (trajectory.frames - 1)
            if pace > limit and trajectory.frames >= SHORTEST:
                yield Violation("speed", frame, track.instance, pace, limit)


def still(trajectory: Trajectory) -> Iterator[Violation]:
    """Who sits, or does something in place, stays there."""
    for track in _laws(trajectory, *MOST_REST):
        if track.travel > MOST_REST[track.family]:
            yield track.broken("still", track.travel, MOST_REST[track.family])


def moves(trajectory: Trajectory) -> Iterator[Violation]:
    """Who runs, drives or flies goes somewhere, if only towards the camera."""
    for track in _laws(trajectory, "cross", "swim"):
        nearing = max(track.growth, 1 / track.growth)
        if track.travel < LEAST_TRAVEL and nearing < LEAST_NEARING:
            yield track.broken("moves", track.travel, LEAST_TRAVEL)


def gravity(trajectory: Trajectory) -> Iterator[Violation]:
    """Jumps leave the ground and come back, falls gain speed, and who rises gains height."""
    for track in _laws(trajectory, "hop", "fall", "dive", "rise"):
        heights = track.heights
        if track.family in ("fall", "dive"):
            yield from _falls(track)
            continue
        end = heights[0] if track.family == "rise" else max(heights[0], heights[-1])
        gained = (heights[-1] if track.family == "rise" else max(heights)) - end
        if gained < LEAST_HEIGHT:
            yield track.broken("gravity", gained, LEAST_HEIGHT)


def _falls(track: _Track) -> Iterator[Violation]:
    heights = track.heights
    middle = len(heights) // 2
    early, late = heights[0] - heights[middle], heights[-1 - middle] - heights[-1]
    if heights[0] - heights[-1] < LEAST_HEIGHT:
        yield track.broken("gravity", heights[0] - heights[-1], LEAST_HEIGHT)
    elif late < early:
        yield track.broken("gravity", late / early, 1.0)


def bounce(trajectory: Trajectory) -> Iterator[Violation]:
    """A bouncing body falls faster and faster, then rebounds, never higher than it fell from."""
    for track in _laws(trajectory, "bounce"):
        heights = track.heights
        ground = next((i for i, (a, b) in enumerate(pairwise(heights)) if i and b > a), None)
        if ground is None:
            yield track.broken("bounce", 0.0, LEAST_HEIGHT)
            continue
        steps = [a - b for a, b in pairwise(heights[: ground + 1])]
        fall, rebound = max(heights[:ground]) - heights[ground], max(heights[ground:])
        if fall < LEAST_HEIGHT or (len(steps) > 1 and max(steps) <= steps[0]):
            yield Violation("bounce", track.frames[ground], track.instance, 0.0, LEAST_HEIGHT)
        elif rebound - heights[ground] > fall:
            share = (rebound - heights[ground]) / fall
            yield Violation("bounce", track.frames[ground], track.instance, share, 1.0)


def perspective(trajectory: Trajectory) -> Iterator[Violation]:
    """A zoom makes who stays larger or smaller, and a pan shifts who stays the other way."""
    camera = trajectory.plan.camera
    for track in _tracks(trajectory, *MOST_REST) if camera != "static" else ():
        if len(track.boxes) < 2:
            continue
        if camera in _PANS:
            axis, sign = _PANS[camera]
            seen = sign * (track.boxes[-1].center[axis] - track.boxes[0].center[axis])
        else:
            seen = track.growth if camera == "zoom in" else 1 / track.growth
        least = LEAST_PAN if camera in _PANS else LEAST_PERSPECTIVE
        if seen < least:
            yield track.broken("perspective", seen, least)


CHECKS: dict[str, Callable[[Trajectory], Iterator[Violation]]] = {
    "inside": inside,
    "area": area,
    "apart": apart,
    "size": size,
    "speed": speed,
    "still": still,
    "moves": moves,
    "gravity": gravity,
    "bounce": bounce,
    "perspective": perspective,
}
