"""Animals and things: one sprite, moved as a whole and dressed with props."""

from __future__ import annotations

import math

from starvid_core.moving_emoji.cast import ROLES
from starvid_core.moving_emoji.props import (
    board,
    cone,
    cushion,
    dust,
    jump_marks,
    notes,
    speed_lines,
    splash,
    water,
)
from starvid_core.moving_emoji.sketch import UNIT, WOOD, Drawing, Sketch, sprite, wave


def body(s: Sketch, who: str, base: float = 0.0, tilt: float = 0.0, stretch: float = 1.0) -> None:
    """The subject's own sprite standing `base` above the ground, at its size in the cast."""
    if who == "tank":
        return tank(s, base, tilt)
    if who == "lion":
        return lion(s, base, tilt, stretch)
    picture = sprite(who)
    width = min(
        ROLES[who].width * 2 * UNIT, ROLES[who].height * UNIT * picture.width / picture.height
    )
    height = width * picture.height / picture.width
    s.stamp(who, (0, base + height / 2), width * stretch, tilt)
    return None


def lion(s: Sketch, base: float, tilt: float, stretch: float) -> None:
    gold, dark = (235, 165, 50), (200, 130, 35)
    lift = 14 * math.sin(math.radians(tilt))
    for x in (-30, -18, 14, 26):
        s.line([(x, base + 26), (x + lift / 3, base + 4)], dark, 9)
    s.line([(-34, base + 36 - lift), (-46, base + 52), (-42, base + 60)], dark, 5)
    s.line([(-26, base + 34 - lift), (20, base + 34 + lift)], gold, 30)
    s.stamp("lion", (26, base + 50 + lift), 56 * stretch, tilt)


def tank(s: Sketch, base: float, tilt: float) -> None:
    green, dark = (85, 115, 60), (50, 60, 45)
    s.block(-50, base, 50, base + 22, dark)
    for x in (-36, -18, 0, 18, 36):
        s.disc((x, base + 11), 8, (120, 130, 110))
    s.block(-46, base + 20, 46, base + 38, green)
    s.block(-22, base + 36, 18, base + 58, green)
    s.line([(14, base + 48), (56, base + 50 + tilt)], dark, 7)


def animal_running(s: Sketch, who: str, cycle: float) -> None:
    w = wave(cycle)
    dust(s, -34, cycle)
    body(s, who, 4 + 7 * abs(w), 12 * w, 1.08)


def animal_walking(s: Sketch, who: str, cycle: float) -> None:
    body(s, who, 2 * abs(wave(cycle)), 4 * wave(cycle))


def animal_skateboarding(s: Sketch, who: str, cycle: float) -> None:
    board(s, 38)
    body(s, who, 16, 3 * wave(cycle))


def animal_jumping(s: Sketch, who: str, cycle: float) -> None:
    jump_marks(s)
    body(s, who, 14, 20 - 40 * (cycle % 1), 1.05)


def animal_sitting(s: Sketch, who: str, cycle: float) -> None:
    cushion(s, 42)
    body(s, who, 8)


def animal_swimming(s: Sketch, who: str, cycle: float) -> None:
    body(s, who, 4 + 3 * wave(cycle), 6 * wave(cycle))
    water(s, 46, 24, cycle)


def animal_guitar(s: Sketch, who: str, cycle: float) -> None:
    body(s, who, 0, 3 * wave(cycle))
    s.stamp("guitar", (8, 28), 62, 4 * wave(cycle))
    notes(s, 38, 62, cycle)


def animal_diving(s: Sketch, who: str, cycle: float) -> None:
    body(s, who, 2, -50)
    splash(s, 24, cycle)


def bird_flying(s: Sketch, who: str, cycle: float) -> None:
    body(s, who, 0, 8)
    up = 30 * wave(cycle)
    s.shape([(-16, 34), (14, 34), (-8, 36 + up), (-26, 34 + up)], (25, 90, 160))


def bird_sitting(s: Sketch, who: str, cycle: float) -> None:
    s.line([(-44, 8), (44, 10)], WOOD, 9)
    s.disc((36, 18), 9, (60, 160, 60), 6)
    body(s, who, 9)


def airplane_flying(s: Sketch, who: str, cycle: float) -> None:
    speed_lines(s, -36, (20, 34, 48))
    s.stamp("airplane", (0, 34), 70, 45 + 4 * wave(cycle))


def floater_flying(s: Sketch, who: str, cycle: float) -> None:
    body(s, who, 0, 12 * wave(cycle))


def vehicle_driving(s: Sketch, who: str, cycle: float) -> None:
    dust(s, -52, cycle)
    speed_lines(s, -54, (30, 46))
    body(s, who, 2.5 * abs(wave(cycle)), 1.5 * wave(cycle))


def vehicle_stopping(s: Sketch, who: str, cycle: float) -> None:
    body(s, who)
    cone(s, 64)


def boat_sailing(s: Sketch, who: str, cycle: float) -> None:
    body(s, who, 6, 7 * wave(cycle))
    water(s, 50, 16, cycle)


def boat_stopping(s: Sketch, who: str, cycle: float) -> None:
    body(s, who, 6)
    water(s, 50, 14, 0.0)
    s.disc((40, 20), 10, (230, 60, 40))
    s.disc((40, 20), 4, (255, 255, 255))


def ball_bouncing(s: Sketch, who: str, cycle: float) -> None:
    body(s, who, 0, -360 * cycle)


def balloon_bouncing(s: Sketch, who: str, cycle: float) -> None:
    body(s, who, 0, 14 * wave(cycle))


ANIMAL: dict[str, Drawing] = {
    "running": animal_running,
    "walking": animal_walking,
    "skateboarding": animal_skateboarding,
    "swimming": animal_swimming,
    "jumping": animal_jumping,
    "playing guitar": animal_guitar,
    "diving": animal_diving,
    "sitting": animal_sitting,
}
BIRD: dict[str, Drawing] = {"flying": bird_flying, "sitting": bird_sitting}
AIRCRAFT: dict[str, Drawing] = {"flying": airplane_flying}
FLOATER: dict[str, Drawing] = {"flying": floater_flying, "bouncing": balloon_bouncing}
VEHICLE: dict[str, Drawing] = {"driving": vehicle_driving, "sitting": vehicle_stopping}
BOAT: dict[str, Drawing] = {"sailing": boat_sailing, "sitting": boat_stopping}
BALL: dict[str, Drawing] = {"bouncing": ball_bouncing}
