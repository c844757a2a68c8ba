"""The paper's 26 subjects and 18 motions (Appendix C): kinds, sizes, and who can do what."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path


@dataclass(frozen=True)
class Role:
    """What a subject is and how large it is drawn, as fractions of the frame's width and height."""

    kind: str  # person | animal | swimmer | bird | aircraft | floater | vehicle | boat | ball
    width: float
    height: float


ROLES: dict[str, Role] = {
    "man": Role("person", 0.19, 0.60),
    "woman": Role("person", 0.19, 0.60),
    "boy": Role("person", 0.19, 0.54),
    "girl": Role("person", 0.19, 0.54),
    "robot": Role("person", 0.19, 0.60),
    "dog": Role("animal", 0.25, 0.46),
    "cat": Role("animal", 0.25, 0.44),
    "tiger": Role("animal", 0.29, 0.42),
    "bear": Role("animal", 0.26, 0.50),
    "lion": Role("animal", 0.27, 0.50),
    "elephant": Role("animal", 0.29, 0.52),
    "bird": Role("bird", 0.22, 0.40),
    "horse": Role("animal", 0.29, 0.52),
    "cow": Role("animal", 0.28, 0.46),
    "sheep": Role("animal", 0.26, 0.46),
    "dolphin": Role("swimmer", 0.27, 0.44),
    "fish": Role("swimmer", 0.24, 0.40),
    "football": Role("ball", 0.17, 0.34),
    "basketball": Role("ball", 0.17, 0.34),
    "car": Role("vehicle", 0.33, 0.36),
    "motorcycle": Role("vehicle", 0.30, 0.42),
    "tank": Role("vehicle", 0.33, 0.38),
    "airplane": Role("aircraft", 0.31, 0.42),
    "kite": Role("floater", 0.21, 0.44),
    "balloon": Role("floater", 0.17, 0.50),
    "boat": Role("boat", 0.27, 0.48),
}
SUBJECTS = tuple(ROLES)

LINEAR_MOTIONS = (
    "running",
    "walking",
    "skateboarding",
    "flying",
    "riding bicycle",
    "swimming",
    "driving",
    "riding horse",
    "sailing",
)
NONLINEAR_MOTIONS = (
    "jumping",
    "bouncing",
    "playing golf",
    "weightlifting",
    "playing guitar",
    "playing football",
    "dancing",
    "diving",
    "sitting",
)
MOTIONS = LINEAR_MOTIONS + NONLINEAR_MOTIONS

_PERFORMERS: dict[str, tuple[str, ...]] = {
    "running": ("person", "animal"),
    "walking": ("person", "animal"),
    "skateboarding": ("person", "dog", "cat", "bear"),
    "flying": ("bird", "aircraft", "floater"),
    "riding bicycle": ("person", "bear"),
    "swimming": ("person", "swimmer", "dog"),
    "driving": ("vehicle",),
    "riding horse": ("person",),
    "sailing": ("boat",),
    "jumping": ("person", "animal", "swimmer"),
    "bouncing": ("ball", "balloon"),
    "playing golf": ("person",),
    "weightlifting": ("person", "bear"),
    "playing guitar": ("person", "bear", "cat"),
    "playing football": ("person",),
    "dancing": ("person", "bear"),
    "diving": ("person", "swimmer"),
    "sitting": ("person", "animal", "bird", "vehicle", "boat"),
}


def can(subject: str, motion: str) -> bool:
    """Whether the pair is reasonable: "dog skateboarding" is, "elephant flying" is not."""
    performers = _PERFORMERS[motion]
    return subject in performers or ROLES[subject].kind in performers


@lru_cache(maxsize=1)
def _sizes() -> dict[str, list[float]]:
    return json.loads((Path(__file__).parent / "sizes.json").read_text())


def size(subject: str, motion: str) -> tuple[float, float]:
    """Typical width and height of the drawn subject with its prop, in fractions of the frame.

    Measured on renders by `python -m starvid_core.moving_emoji.measure`.
    """
    width, height = _sizes()[f"{subject} {motion}"]
    return width, height
