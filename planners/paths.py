"""Laws of motion: where on its way and how high a subject is at a share `u` of the clip."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

FALL = 2 / 7  # share of the clip that a bouncing body falls first, on a key frame of eight
KEPT = 0.6  # share of the height that a bounce keeps
RISES = {"hop": 0.20, "bounce": 0.40, "fall": 0.40, "dive": 0.28, "rise": 0.35, "swim": 0.04,
         "bob": 0.03}  # fmt: skip
# Bodies that fall or rise use what height there is, up to this share of the frame.
COLUMN_FAMILIES = {"bounce": 0.50, "fall": 0.60, "dive": 0.32, "rise": 0.50}
STAYING_FAMILIES = ("still", "stay")


@dataclass(frozen=True)
class Place:
    """Share of the way along the lane, and share of the full height above the lowest place."""

    along: float
    height: float = 0.0


def arc(u: float) -> float:
    """Height of a thrown body at share `u` of its flight, 1 at the top."""
    return 4 * u * (1 - u)


def crossing(u: float) -> Place:
    return Place(u)


def staying(u: float) -> Place:
    return Place(0.5)


def swaying(u: float) -> Place:
    return Place(0.5 + 0.5 * math.sin(4 * math.pi * u))


def swimming(u: float) -> Place:
    return Place(u, 0.5 + 0.5 * math.sin(3 * math.pi * u))


def bobbing(u: float) -> Place:
    return Place(0.5, 0.5 + 0.5 * math.sin(3 * math.pi * u))


def hopping(u: float) -> Place:
    """Two ballistic hops."""
    return Place(u, arc(2 * u % 1))


def bouncing(u: float) -> Place:
    """A fall from rest, then flights that keep a share of the height each time."""
    if u < FALL:
        return Place(u, 1 - (u / FALL) ** 2)
    height, start, length = KEPT, FALL, 2 * FALL * math.sqrt(KEPT)
    while u > start + length:
        start, length, height = start + length, length * math.sqrt(KEPT), height * KEPT
    return Place(u, height * arc((u - start) / length))


def falling(u: float) -> Place:
    return Place(0.5, 1 - u * u)


def diving(u: float) -> Place:
    return Place(u, 1 - u * u)


def rising(u: float) -> Place:
    return Place(0.5, u)


def circling(u: float) -> Place:
    """Once around, on the ground: out, up a little at the back, and home again."""
    return Place(0.5 - 0.5 * math.cos(2 * math.pi * u), 0.5 - 0.5 * math.cos(4 * math.pi * u))


LAWS: dict[str, Callable[[float], Place]] = {
    "cross": crossing,
    "still": staying,
    "stay": staying,
    "sway": swaying,
    "swim": swimming,
    "bob": bobbing,
    "hop": hopping,
    "bounce": bouncing,
    "fall": falling,
    "dive": diving,
    "rise": rising,
    "round": circling,
}
