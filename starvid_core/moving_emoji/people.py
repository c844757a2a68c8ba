"""People, the robot and the bear: a head on a drawn body whose limbs follow the motion."""

from __future__ import annotations

import math

from starvid_core.moving_emoji.props import (
    board,
    dust,
    jump_marks,
    notes,
    stool,
    water,
)
from starvid_core.moving_emoji.sketch import Color, Drawing, Point, Sketch, wave

SKIN: Color = (255, 200, 60)
STEEL: Color = (90, 95, 105)
CLOTHES: dict[str, tuple[Color, Color]] = {
    "man": ((35, 90, 210), (40, 45, 70)),
    "woman": ((215, 40, 140), (120, 30, 110)),
    "boy": ((30, 160, 70), (120, 85, 50)),
    "girl": ((245, 130, 30), (200, 60, 60)),
    "robot": ((130, 150, 165), (90, 110, 130)),
    "bear": ((128, 88, 75), (110, 74, 62)),
}


def limb(s: Sketch, start: Point, angle: float, bend: float, length: float, color: Color) -> Point:
    """Two segments from `start`: degrees from straight down, forward positive; returns the end."""
    half = length / 2
    a, b = math.radians(angle), math.radians(angle + bend)
    knee = (start[0] + half * math.sin(a), start[1] - half * math.cos(a))
    end = (knee[0] + half * math.sin(b), knee[1] - half * math.cos(b))
    s.line([start, knee, end], color, 9)
    return end


def skin_of(who: str) -> Color:
    return CLOTHES[who][0] if who in ("robot", "bear") else SKIN


def person(
    s: Sketch,
    who: str,
    *,
    base: float = 0.0,
    lean: float = 0.0,
    arms: tuple[tuple[float, float], tuple[float, float]] = ((-15, 10), (15, 10)),
    legs: tuple[tuple[float, float], tuple[float, float]] = ((-8, 0), (8, 0)),
    reach: float = 30.0,
) -> tuple[Point, Point]:
    """A standing figure `base` above the ground; each limb is (angle, bend); returns the hands."""
    shirt, trousers = CLOTHES[who]
    small = 0.9 if who in ("boy", "girl") else 1.0
    hip = (0.0, base + 24 * small)
    tilt = math.radians(lean)
    neck = (hip[0] + 24 * small * math.sin(tilt), hip[1] + 24 * small * math.cos(tilt))
    skin = skin_of(who)
    back_hand = limb(s, neck, *arms[0], reach * small, skin)
    for k, leg in enumerate(legs):
        foot = limb(s, (hip[0] - 4 + 8 * k, hip[1]), *leg, 22 * small, trousers)
        s.disc((foot[0] + 3, foot[1] + 1), 7, (60, 40, 40), 5)
    s.line([hip, neck], shirt, 26 * small)
    if who in ("woman", "girl"):
        s.shape([(hip[0] - 20, hip[1] - 6), (hip[0] + 20, hip[1] - 6), neck], shirt)
    head = (neck[0] + 24 * math.sin(tilt), neck[1] + 24 * small * math.cos(tilt))
    s.stamp(who, head, 54 * small, -lean / 2)
    front_hand = limb(s, neck, *arms[1], reach * small, skin)
    s.disc(front_hand, 5, skin)
    return back_hand, front_hand


def person_running(s: Sketch, who: str, cycle: float) -> None:
    w = wave(cycle)
    dust(s, -20, cycle)
    pose = ((55 * w, -50 if w < 0 else -15), (-55 * w, -50 if w > 0 else -15))
    person(s, who, base=3 + 4 * abs(w), lean=18, arms=((-60 * w, 70), (60 * w, 70)), legs=pose)


def person_walking(s: Sketch, who: str, cycle: float) -> None:
    w = wave(cycle)
    person(s, who, arms=((-28 * w, 8), (28 * w, 8)), legs=((24 * w, 0), (-24 * w, 0)))


def person_skateboarding(s: Sketch, who: str, cycle: float) -> None:
    board(s, 30)
    w = 10 * wave(cycle)
    person(s, who, base=12, lean=8, arms=((-85 + w, -10), (80 + w, 10)), legs=((-30, 30), (30, 10)))


def person_riding_bicycle(s: Sketch, who: str, cycle: float) -> None:
    s.stamp("bicycle", (0, 30), 90)
    turn = 2 * math.pi * cycle
    legs = (
        (35 + 22 * math.sin(turn), -45 + 20 * math.cos(turn)),
        (35 - 22 * math.sin(turn), -45 - 20 * math.cos(turn)),
    )
    person(s, who, base=22, lean=14, arms=((55, 15), (60, 10)), legs=legs)


def person_riding_horse(s: Sketch, who: str, cycle: float) -> None:
    rock = 7 * wave(cycle)
    dust(s, -44, cycle)
    person(
        s, who, base=34 + rock / 2, lean=6, arms=((50, 10), (60, 5)), legs=((20, -20), (30, -30))
    )
    s.stamp("horse", (4, 31 + rock / 2), 88, rock)


def person_swimming(s: Sketch, who: str, cycle: float) -> None:
    turn = 360 * cycle
    person(s, who, base=-14, lean=20, arms=((turn, 15), (turn + 180, 15)))
    water(s, 46, 22, cycle)


def person_jumping(s: Sketch, who: str, cycle: float) -> None:
    jump_marks(s)
    arms = ((-112, -30), (112, 30))
    person(s, who, base=16, arms=arms, legs=((-48, -55), (48, 55)), reach=60)


def person_golf(s: Sketch, who: str, cycle: float) -> None:
    swing = -70 + 150 * abs(wave(cycle / 2))
    arms = ((swing * 0.5, 0), (swing * 0.5 + 10, 0))
    hands = person(s, who, lean=8, arms=arms, legs=((-14, 0), (14, 0)))
    grip, a = hands[1], math.radians(swing)
    tip = (grip[0] + 46 * math.sin(a), max(3.0, grip[1] - 34 * math.cos(a)))
    s.line([grip, tip], (70, 70, 80), 4)
    s.disc((tip[0] + 3, tip[1]), 6, (70, 70, 80), 4)
    s.line([(46, 0), (46, 8)], (230, 60, 60), 4)
    s.disc((46, 12), 6, (255, 255, 255))


def person_weightlifting(s: Sketch, who: str, cycle: float) -> None:
    up = 0.5 + 0.5 * wave(cycle)
    height = 58 + 40 * up
    for x in (-44, 44):
        s.block(x - 6, height - 20, x + 6, height + 20, (60, 60, 70))
        s.block(x - 11, height - 13, x + 11, height + 13, (200, 50, 50))
    angle = 80 + 45 * up
    arms = ((-angle, -20), (angle, 20))
    person(s, who, arms=arms, legs=((-22, 14), (22, -14)), reach=50)
    s.line([(-58, height), (58, height)], STEEL, 5)


def person_guitar(s: Sketch, who: str, cycle: float) -> None:
    w = wave(cycle)
    person(s, who, lean=3 * w, arms=((-30, 70), (60 + 10 * w, 30)))
    s.stamp("guitar", (8, 30), 58, 4 * w)
    s.line([(-10, 40), (-4, 24 + 7 * w)], skin_of(who), 8)
    notes(s, 36, 78, cycle)


def person_football(s: Sketch, who: str, cycle: float) -> None:
    kick = max(0.0, wave(cycle))
    person(s, who, lean=-8, arms=((-60, 10), (50, -10)), legs=((-14, 0), (75 * kick, -8)))
    s.stamp("football", (36 + 28 * kick, 13 + 18 * kick), 26, -360 * cycle)


def person_dancing(s: Sketch, who: str, cycle: float) -> None:
    w = wave(cycle)
    arms = ((-100 - 55 * w, -20), (100 - 55 * w, 20))
    legs = ((-16 - 14 * w, 10), (16 - 14 * w, -10))
    person(s, who, base=3 * abs(w), lean=14 * w, arms=arms, legs=legs, reach=52)
    notes(s, -46, 60, cycle)


def person_diving(s: Sketch, who: str, cycle: float) -> None:
    person(s, who, base=10, arms=((-140, -25), (140, 25)), legs=((-4, 0), (4, 0)), reach=64)


def person_sitting(s: Sketch, who: str, cycle: float) -> None:
    stool(s, 22, 22)
    person(s, who, base=4, arms=((20, 20), (24, 20)), legs=((80, -75), (86, -80)))


PERSON: dict[str, Drawing] = {
    "running": person_running,
    "walking": person_walking,
    "skateboarding": person_skateboarding,
    "riding bicycle": person_riding_bicycle,
    "swimming": person_swimming,
    "riding horse": person_riding_horse,
    "jumping": person_jumping,
    "playing golf": person_golf,
    "weightlifting": person_weightlifting,
    "playing guitar": person_guitar,
    "playing football": person_football,
    "dancing": person_dancing,
    "diving": person_diving,
    "sitting": person_sitting,
}
