"""Instances of the subjects as bodies: size, room to move, and where they belong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from planners import paths
from planners.language import lexicon
from planners.language.reading import Part
from starvid_core.moving_emoji import cast

_THING = (0.20, 0.36)
_TOWARD = (0.80, 1.05)  # size at the start and at the end of a way towards the camera
_FAR = 0.88
_MOUNTS = {"driving": "car", "riding car": "car", "sailing": "boat", "rowing": "boat"}
_PROPS = ("riding bicycle", "riding horse", "skateboarding", "playing golf", "weightlifting",
          "playing guitar", "playing football")  # fmt: skip
_HIGH_KINDS = ("aircraft", "floater", "bird")
_HIGH_MOTIONS = ("flying", "hovering")
_FLIGHTLESS = frozenset(
    {"penguin", "ostrich", "emu", "chicken", "hen", "rooster", "turkey", "duckling", "chick"}
    | {"cygnet", "worm", "caterpillar"}
)
_OPPOSITE = {"apart": ("left", "right"), "together": ("right", "left")}


@dataclass(frozen=True)
class Actor:
    """One instance: its full size and the room that its motion likes, in fractions of the frame."""

    part: Part
    motion: lexicon.Motion
    width: float
    height: float
    reach: float
    rise: float

    @property
    def family(self) -> str:
        """The law of its way: a crossing body may circle, or come nearer where it is."""
        crosses = self.motion.family in ("cross", "swim")
        if crosses and self.part.heading in ("toward", "away"):
            return "still"
        return "round" if crosses and self.part.path else self.motion.family

    @property
    def nearing(self) -> tuple[float, float]:
        """Share of its size at the start and at the end."""
        if self.motion.family not in ("cross", "swim"):
            return 1.0, 1.0
        ways = {"toward": _TOWARD, "away": _TOWARD[::-1]}
        return ways.get(self.part.heading, (1.0, 1.0))

    @property
    def high(self) -> bool:
        """Whether it belongs to the sky."""
        if self.motion.name in _HIGH_MOTIONS:
            return self.motion.name == "flying" or self._airy
        return self._airy and self.motion.family == "cross"

    @property
    def _airy(self) -> bool:
        """Whether what it does is done in the air unless the prompt says that it flies."""
        kind, noun = lexicon.kind(self.part.like), lexicon.noun(self.part.subject.noun.lower())
        if kind == "bird":
            on_foot = self.motion.name in lexicon.MOTIONS
            return not (on_foot or (noun and noun.lemma in _FLIGHTLESS))
        return kind in _HIGH_KINDS

    @property
    def convoy(self) -> tuple | None:
        """Neighbors of one convoy go one way at one speed, so that they can share a lane."""
        alike = self.family in ("cross", "swim")
        way = (self.motion.name, self.part.heading, self.part.side, self.part.target)
        return way if alike else None


def actors(parts: tuple[Part, ...]) -> tuple[Actor, ...]:
    """Every single instance of the subjects, in order."""
    return tuple(_actor(part) for part in _headed(parts))


def _headed(parts: tuple[Part, ...]) -> Iterator[Part]:
    """The part of every instance; of those that go apart or together each half has its side."""
    found = [part for part in parts for _ in range(part.subject.number)]
    order = {way: [n for n, part in enumerate(found) if part.heading == way] for way in _OPPOSITE}
    for n, part in enumerate(found):
        alike = order.get(part.heading, [])
        second = 2 * alike.index(n) >= len(alike) if alike else False
        yield replace(part, heading=_OPPOSITE[part.heading][second]) if alike else part


def _actor(part: Part) -> Actor:
    motion = lexicon.planned(part.subject.motion)
    width, height = size(part.like, motion.name)
    share = _FAR if part.depth else max(_TOWARD) if part.heading in ("toward", "away") else 1.0
    crosses = motion.family in ("cross", "swim")
    stays = crosses and part.heading in ("toward", "away")
    rise = 0.03 if crosses and part.path else paths.RISES.get(motion.family, 0.0)
    reach = 0.0 if stays else motion.reach
    return Actor(part, motion, width * share, height * share, reach, rise)


def size(like: str, motion: str) -> tuple[float, float]:
    """The drawn size of a subject in a motion; one never drawn so takes after its kin."""
    if like not in cast.ROLES:
        return _THING
    if motion in cast.MOTIONS and cast.can(like, motion):
        return cast.size(like, motion)
    if motion in _MOUNTS:
        return cast.size(_MOUNTS[motion], _usual(_MOUNTS[motion]))
    width, height = cast.size(like, _usual(like))
    grow_width, grow_height = _growth(motion)
    return min(width * grow_width, 0.5), min(height * grow_height, 0.9)


def _usual(like: str) -> str:
    """The plainest motion that a subject is drawn in."""
    order = ("walking", "flying", "driving", "sailing", "swimming", *cast.MOTIONS)
    return next(motion for motion in order if cast.can(like, motion))


def _growth(motion: str) -> tuple[float, float]:
    """How much larger a man is drawn with the motion's prop than walking."""
    mounted = motion.startswith("riding ") and motion != "riding horse"
    drawn = "riding bicycle" if mounted else motion
    if drawn not in _PROPS:
        return 1.0, 1.0
    plain, grown = cast.size("man", "walking"), cast.size("man", drawn)
    return grown[0] / plain[0], grown[1] / plain[1]
