"""Checks of a trajectory against its plan and everyday physics (the rules of Table IX).

Under a moving camera the laws of motion rest, and laws need `SHORTEST` frames to show.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise

from planners.tracks import Track, boxes, tracks
from starvid_core.scene import Trajectory

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


def _broken(track: Track, code: str, value: float, limit: float) -> Violation:
    """A rule that holds for a whole track is broken in its last frame."""
    return Violation(code, track.frames[-1], track.instance, value, limit)


def check(trajectory: Trajectory) -> tuple[Violation, ...]:
    """Every rule that the trajectory breaks, rule after rule."""
    return tuple(found for rule in CHECKS.values() for found in rule(trajectory))


def _laws(trajectory: Trajectory, *families: str) -> Iterator[Track]:
    """Tracks long enough to show a law, under a camera that rests."""
    if trajectory.plan.camera == "static":
        yield from (t for t in tracks(trajectory, *families) if len(t.boxes) >= SHORTEST)


def inside(trajectory: Trajectory) -> Iterator[Violation]:
    """Boxes lie in the frame."""
    for instance, frame, box in boxes(trajectory):
        beyond = max(-box.x0, -box.y0, box.x1 - 1, box.y1 - 1)
        if beyond > EDGE:
            yield Violation("inside", frame, instance, beyond, 0.0)


def area(trajectory: Trajectory) -> Iterator[Violation]:
    """Boxes hold the center of a cell, so that no mask is empty."""
    rows, columns = GRID
    for instance, frame, box in boxes(trajectory):
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
    for track in tracks(trajectory):
        growth = max(track.lengths) / min(track.lengths)
        if growth > MOST_GROWTH:
            yield _broken(track, "size", growth, MOST_GROWTH)


def speed(trajectory: Trajectory) -> Iterator[Violation]:
    """Nobody jumps from place to place."""
    for track in tracks(trajectory):
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
            yield _broken(track, "still", track.travel, MOST_REST[track.family])


def moves(trajectory: Trajectory) -> Iterator[Violation]:
    """Who runs, drives or flies goes somewhere, if only towards the camera."""
    for track in _laws(trajectory, "cross", "swim"):
        nearing = max(track.growth, 1 / track.growth)
        if track.travel < LEAST_TRAVEL and nearing < LEAST_NEARING:
            yield _broken(track, "moves", track.travel, LEAST_TRAVEL)


def gravity(trajectory: Trajectory) -> Iterator[Violation]:
    """Jumps leave the ground and come back, falls gain speed, and who rises gains height."""
    for track in _laws(trajectory, "hop", "rise"):
        first, *_, last = track.heights
        rises = track.family == "rise"
        gained = last - first if rises else max(track.heights) - max(first, last)
        if gained < LEAST_HEIGHT:
            yield _broken(track, "gravity", gained, LEAST_HEIGHT)
    for track in _laws(trajectory, "fall", "dive"):
        yield from _falls(track)


def _falls(track: Track) -> Iterator[Violation]:
    heights = track.heights
    middle = len(heights) // 2
    early, late = heights[0] - heights[middle], heights[-1 - middle] - heights[-1]
    if heights[0] - heights[-1] < LEAST_HEIGHT:
        yield _broken(track, "gravity", heights[0] - heights[-1], LEAST_HEIGHT)
    elif late < early - EDGE:
        yield _broken(track, "gravity", late / early if early > EDGE else 0.0, 1.0)


def bounce(trajectory: Trajectory) -> Iterator[Violation]:
    """A bouncing body falls faster and faster, then rebounds, never higher than it fell from."""
    for track in _laws(trajectory, "bounce"):
        heights = track.heights
        steps = [a - b for a, b in pairwise(heights)]
        top = next((i for i, step in enumerate(steps) if step > 0), len(steps))
        ground = next((i for i in range(top, len(steps)) if steps[i] < 0), None)
        if ground is None:
            yield _broken(track, "bounce", 0.0, LEAST_HEIGHT)
            continue
        fall, rebound = (
            max(part) - heights[ground] for part in (heights[:ground], heights[ground:])
        )
        steady = ground - top > 1 and max(steps[top:ground]) <= steps[top]
        if fall < LEAST_HEIGHT or steady or rebound > fall:
            value, limit = (rebound / fall, 1.0) if rebound > fall > 0 else (0.0, LEAST_HEIGHT)
            yield Violation("bounce", track.frames[ground], track.instance, value, limit)


def perspective(trajectory: Trajectory) -> Iterator[Violation]:
    """A zoom makes who stays larger or smaller, and a pan shifts who stays the other way."""
    camera = trajectory.plan.camera
    for track in tracks(trajectory, *MOST_REST) if camera != "static" else ():
        if len(track.boxes) < 2:
            continue
        if camera in _PANS:
            axis, sign = _PANS[camera]
            seen = sign * (track.boxes[-1].center[axis] - track.boxes[0].center[axis])
        else:
            seen = track.growth if camera == "zoom in" else 1 / track.growth
        least = LEAST_PAN if camera in _PANS else LEAST_PERSPECTIVE
        if seen < least:
            yield _broken(track, "perspective", seen, least)


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
