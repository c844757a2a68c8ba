"""Sides of a thing: where a subject stands left, right and on top of it, and the way between.

All in fractions of the frame; heights count up from the ground. Worlds and planners share it.
"""

from __future__ import annotations

from dataclasses import dataclass

Size = tuple[float, float]
Point = tuple[float, float]  # center x, and height of the feet above the ground

ROOM = 0.90  # height between the ground and just below the upper edge
GAP = 0.04
EDGE = 0.01
REST = 0.2  # share of a clip for which a subject stays at either end of its way
# Scales that are tried in turn, each with the most that both may be tall: where that is more than
# there is room for, the subject covers the upper edge of the thing.
SCALES = ((0.92, 0.92), (0.75, 1.02), (0.6, 1.02), (0.45, 1.02), (0.3, 2.0))
# The motion in which a thing is drawn that stays where it is.
STILL = {
    "vehicle": "sitting",
    "boat": "sitting",
    "aircraft": "flying",
    "floater": "flying",
    "ball": "bouncing",
}


@dataclass(frozen=True)
class Way:
    """From one place to another on a curve that bends at `bend`; still at both ends."""

    first: Point
    last: Point
    bend: Point

    @classmethod
    def still(cls, at: Point) -> Way:
        return cls(at, at, at)

    def travelled(self, t: float) -> float:
        """The share of the way that lies behind at time `t` in [0, 1]."""
        if self.first == self.last:
            return 0.0
        u = min(max((t - REST) / (1 - 2 * REST), 0.0), 1.0)
        return u * u * (3 - 2 * u)

    def at(self, t: float) -> Point:
        u = self.travelled(t)
        terms = zip(self.first, self.bend, self.last, strict=True)
        x, height = (a * (1 - u) ** 2 + b * 2 * u * (1 - u) + c * u**2 for a, b, c in terms)
        return x, height


@dataclass(frozen=True)
class Sides:
    """A thing standing at `x` and the places of a subject beside and upon it."""

    x: float
    subject: Size
    thing: Size
    scale: float

    @classmethod
    def fitted(cls, subject: Size, thing: Size, x: float = 0.5) -> Sides:
        """Both at the largest scale at which they have room beside and on top of each other."""
        tall, wide = subject[1] + thing[1], 2 * (subject[0] + GAP + EDGE) + thing[0]
        fits = (s for s, most in SCALES if s * tall <= most and s * wide <= 1)
        scale = next(fits, SCALES[-1][0])
        small, still = ((scale * width, scale * height) for width, height in (subject, thing))
        return cls(x, small, still, scale)

    @property
    def places(self) -> dict[str, Point]:
        away = (self.subject[0] + self.thing[0]) / 2 + GAP
        edge = self.subject[0] / 2 + EDGE
        left, right = max(self.x - away, edge), min(self.x + away, 1 - edge)
        return {"L": (left, 0.0), "R": (right, 0.0), "T": (self.x, self.top)}

    @property
    def top(self) -> float:
        """On the thing, or as high as the frame has room."""
        return max(min(self.thing[1], ROOM - self.subject[1]), 0.0)

    def way(self, course: str) -> Way:
        """The way of a type such as "LR"; "LL" stays. Sideways over the thing, never through."""
        first, last = (self.places[side] for side in course)
        if course[0] == course[1]:
            return Way.still(first)
        if "T" not in course:
            return Way(first, last, (self.x, 2 * self.top))
        below = last if course[0] == "T" else first
        return Way(first, last, (below[0], self.top))
