"""Laws of motion of the world: where a subject is, and in which pose, at every moment.

A law maps time in [0, 1] to a `Pose`: `travel` along the subject's lane (0 to 1), `rise` above its
resting height (in frame heights), `cycle` of its rhythm, `tilt` in degrees, and vertical `squash`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Pose:
    travel: float = 0.0
    rise: float = 0.0
    cycle: float = 0.0
    tilt: float = 0.0
    squash: float = 1.0


def arc(u: float) -> float:
    """Height of a thrown body at share `u` of its flight, 1 at the top."""
    return 4 * u * (1 - u)


def going(beats: float, bob: float = 0.0) -> Callable[[float], Pose]:
    """Steady travel with `beats` cycles of gait over the clip."""

    def law(t: float) -> Pose:
        return Pose(travel=t, cycle=beats * t, rise=bob * abs(math.sin(math.pi * beats * t)))

    return law


def flying(t: float) -> Pose:
    return Pose(travel=t, rise=0.05 * math.sin(2 * math.pi * t), cycle=3 * t)


def jumping(t: float) -> Pose:
    """Two ballistic hops with a crouch at each landing."""
    u = (2 * t) % 1
    squash = 0.88 if u < 0.08 or u > 0.92 else 1.0
    return Pose(travel=t, rise=0.22 * arc(u), cycle=u, squash=squash)


def bouncing(t: float) -> Pose:
    """A fall from rest, then bounces that keep 60 % of the height."""
    fall = 0.3
    if t < fall:
        return Pose(travel=t, rise=0.42 * (1 - (t / fall) ** 2), cycle=t)
    height, start, length = 0.25, fall, 2 * fall * math.sqrt(0.25 / 0.42)
    while t > start + length:
        start, length, height = start + length, length * math.sqrt(0.6), height * 0.6
    u = (t - start) / length
    return Pose(
        travel=t, rise=height * arc(u), cycle=t, squash=0.85 if min(u, 1 - u) < 0.07 else 1.0
    )


def diving(t: float) -> Pose:
    """Up a little, over, and down head first."""
    return Pose(travel=t, rise=0.30 * (1 - t * t), tilt=-40 - 130 * t, cycle=t)


def staying(beats: float) -> Callable[[float], Pose]:
    """A rhythm without travel."""
    return lambda t: Pose(cycle=beats * t)


def dancing(t: float) -> Pose:
    return Pose(travel=0.5 + 0.5 * math.sin(4 * math.pi * t), cycle=2 * t)


@dataclass(frozen=True)
class Motion:
    """A law with the lane length it likes (frame widths), its rest height and its highest rise."""

    law: Callable[[float], Pose]
    reach: float = 0.0
    altitude: tuple[float, float] = (0.0, 0.0)
    peak: float = 0.0


MOTIONS: dict[str, Motion] = {
    "running": Motion(going(3), 0.55),
    "walking": Motion(going(1.75), 0.28),
    "skateboarding": Motion(going(1), 0.45),
    "flying": Motion(flying, 0.45, (0.30, 0.42)),
    "riding bicycle": Motion(going(2), 0.42),
    "swimming": Motion(going(1.5, 0.02), 0.30),
    "driving": Motion(going(4), 0.50),
    "riding horse": Motion(going(2.5, 0.04), 0.40),
    "sailing": Motion(going(1), 0.25),
    "jumping": Motion(jumping, 0.25, peak=0.22),
    "bouncing": Motion(bouncing, 0.25, peak=0.42),
    "playing golf": Motion(staying(2)),
    "weightlifting": Motion(staying(1.5)),
    "playing guitar": Motion(staying(3)),
    "playing football": Motion(staying(2)),
    "dancing": Motion(dancing, 0.08),
    "diving": Motion(diving, 0.20, peak=0.30),
    "sitting": Motion(staying(0)),
}
