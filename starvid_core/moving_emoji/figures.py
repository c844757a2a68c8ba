"""Figures of the world: every subject in the pose, and with the prop, that its motion needs.

A figure is drawn on a large canvas in units of 1/160 of the frame height, feet at the origin,
facing right, and reduced later, so that one drawing serves every frame size.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

from PIL import Image, ImageDraw

from starvid_core.moving_emoji.cast import ROLES
from starvid_core.paths import SPRITES

UNIT = 160
SIDE = 384
ORIGIN = (SIDE // 2, SIDE - 96)
Point = tuple[float, float]
Color = tuple[int, int, int]

SKIN: Color = (255, 200, 60)
WOOD: Color = (150, 95, 50)
STEEL: Color = (90, 95, 105)
WATER: Color = (40, 130, 220)
FOAM: Color = (200, 232, 255)
DUST: Color = (226, 214, 190)
CLOTHES: dict[str, tuple[Color, Color]] = {
    "man": ((35, 90, 210), (40, 45, 70)),
    "woman": ((215, 40, 140), (120, 30, 110)),
    "boy": ((30, 160, 70), (120, 85, 50)),
    "girl": ((245, 130, 30), (200, 60, 60)),
    "robot": ((130, 150, 165), (90, 110, 130)),
    "bear": ((128, 88, 75), (110, 74, 62)),
}
FACES_RIGHT = {"kite", "balloon", "football", "basketball", "boat", "tank", "robot"}


class Sketch:
    """A drawing whose coordinates are relative to the feet, x forward and y up."""

    def __init__(self) -> None:
        self.image = Image.new("RGBA", (SIDE, SIDE), (0, 0, 0, 0))
        self.draw = ImageDraw.Draw(self.image)

    def at(self, x: float, y: float) -> Point:
        return ORIGIN[0] + x, ORIGIN[1] - y

    def line(self, points: list[Point], color: Color, width: float) -> None:
        places = [self.at(*p) for p in points]
        self.draw.line(places, fill=(*color, 255), width=round(width), joint="curve")
        for x, y in places:
            r = width / 2
            self.draw.ellipse((x - r, y - r, x + r, y + r), fill=(*color, 255))

    def disc(self, center: Point, radius: float, color: Color, height: float = 0) -> None:
        x, y = self.at(*center)
        up = height or radius
        self.draw.ellipse((x - radius, y - up, x + radius, y + up), fill=(*color, 255))

    def block(self, left: float, bottom: float, right: float, top: float, color: Color) -> None:
        x0, y0 = self.at(left, top)
        x1, y1 = self.at(right, bottom)
        radius = min(x1 - x0, y1 - y0) / 3
        self.draw.rounded_rectangle((x0, y0, x1, y1), radius, fill=(*color, 255))

    def shape(self, points: list[Point], color: Color) -> None:
        self.draw.polygon([self.at(*p) for p in points], fill=(*color, 255))

    def stamp(self, name: str, center: Point, width: float, tilt: float = 0.0) -> None:
        """Paste the sprite `name`, `width` units wide, turned `tilt` degrees counterclockwise."""
        picture = sprite(name)
        scale = width / picture.width
        small = picture.resize((round(width), max(1, round(picture.height * scale))), Image.LANCZOS)
        turned = small.rotate(tilt, resample=Image.BICUBIC, expand=True)
        x, y = self.at(*center)
        corner = (round(x - turned.width / 2), round(y - turned.height / 2))
        self.image.alpha_composite(turned, corner)
        self.draw = ImageDraw.Draw(self.image)


@lru_cache(maxsize=64)
def sprite(name: str) -> Image.Image:
    """The sprite as shipped in data/sprites, turned to face right."""
    picture = Image.open(SPRITES / f"{name}.png").convert("RGBA")
    if name in ROLES and name not in FACES_RIGHT:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return picture


def wave(cycle: float, shift: float = 0.0) -> float:
    return math.sin(2 * math.pi * (cycle + shift))


# --- props -----------------------------------------------------------------------------------


def dust(s: Sketch, back: float, cycle: float) -> None:
    for k in range(3):
        grow = (cycle + k / 3) % 1
        s.disc((back - 22 * grow, 5 + 8 * grow), 3.5 + 5 * (1 - grow), DUST)


def speed_lines(s: Sketch, back: float, heights: tuple[float, ...]) -> None:
    for k, height in enumerate(heights):
        s.line([(back, height), (back - 18 - 8 * (k % 2), height)], (245, 245, 250), 4)


def board(s: Sketch, half: float) -> None:
    s.line([(-half - 8, 17), (-half, 12), (half, 12), (half + 8, 17)], (45, 40, 60), 7)
    for x in (-half * 0.65, half * 0.65):
        s.disc((x, 5), 6.5, (235, 60, 60))
        s.disc((x, 5), 2.5, (255, 235, 235))


def water(s: Sketch, half: float, top: float, cycle: float) -> None:
    """Waves in front of a swimmer: they hide all below `top`."""
    crest = [
        (x, top + 4 * math.sin(x / 9 + 2 * math.pi * cycle))
        for x in range(-round(half), round(half) + 1, 2)
    ]
    s.shape([*crest, (half - 6, 0), (-half + 6, 0)], WATER)
    s.line(crest, FOAM, 5)


def notes(s: Sketch, x: float, y: float, cycle: float) -> None:
    for k in (0, 1):
        rise = (cycle + k / 2) % 1
        cx, cy = x + 8 * k, y + 16 * rise
        s.disc((cx, cy), 4.5, (120, 30, 160), 3.5)
        s.line([(cx + 3.5, cy), (cx + 3.5, cy + 14), (cx + 9, cy + 11)], (120, 30, 160), 3)


def jump_marks(s: Sketch) -> None:
    for x in (-16, 0, 16):
        s.line([(x, 0), (x, 9 if x else 5)], (250, 250, 255), 4)


def splash(s: Sketch, x: float, cycle: float) -> None:
    for k in (-2, -1, 0, 1, 2):
        s.disc((x + 9 * k, 10 + 12 * abs(wave(cycle, k / 7))), 4.5, (120, 200, 255))


def stool(s: Sketch, half: float, top: float) -> None:
    s.block(-half, top - 8, half, top, WOOD)
    for x in (-half + 5, half - 5):
        s.line([(x, top - 8), (x, 3)], WOOD, 6)


def cushion(s: Sketch, half: float) -> None:
    s.disc((0, 8), half, (150, 45, 170), 9)
    s.disc((0, 11), half * 0.8, (185, 85, 205), 5)


def cone(s: Sketch, x: float) -> None:
    s.shape([(x - 12, 0), (x + 12, 0), (x + 3, 34), (x - 3, 34)], (255, 120, 20))
    s.shape([(x - 8, 12), (x + 8, 12), (x + 6, 20), (x - 6, 20)], (255, 255, 255))


# --- people: a head on a drawn body ------------------------------------------------------------


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
    person(s, who, base=34 + rock / 2, lean=6, arms=((50, 10), (60, 5)), legs=((20, -20), (30, -30)))
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


# --- animals and things: one sprite, moved and dressed ------------------------------------------


def body(s: Sketch, who: str, base: float = 0.0, tilt: float = 0.0, stretch: float = 1.0) -> None:
    """The subject's own sprite standing `base` above the ground, at its size in the cast."""
    if who == "tank":
        return tank(s, base, tilt)
    if who == "lion":
        return lion(s, base, tilt, stretch)
    picture = sprite(who)
    width = min(ROLES[who].width * 2 * UNIT, ROLES[who].height * UNIT * picture.width / picture.height)
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


Drawing = Callable[[Sketch, str, float], None]
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
DRAWINGS: dict[str, dict[str, Drawing]] = {
    "person": PERSON,
    "animal": ANIMAL,
    "swimmer": ANIMAL,
    "bird": {"flying": bird_flying, "sitting": bird_sitting},
    "aircraft": {"flying": airplane_flying},
    "floater": {"flying": floater_flying, "bouncing": balloon_bouncing},
    "vehicle": {"driving": vehicle_driving, "sitting": vehicle_stopping},
    "boat": {"sailing": boat_sailing, "sitting": boat_stopping},
    "ball": {"bouncing": ball_bouncing},
}


@lru_cache(maxsize=8192)
def figure(subject: str, motion: str, cycle: float, tilt: float = 0.0) -> Image.Image:
    """The subject doing the motion at `cycle` in [0, 1) of its rhythm, cropped to its pixels.

    The crop keeps 1/`UNIT` of the frame height a pixel; `tilt` turns the whole figure.
    """
    sketch = Sketch()
    kind = "person" if subject == "bear" else ROLES[subject].kind
    DRAWINGS[kind][motion](sketch, subject, cycle)
    image = sketch.image.rotate(tilt, resample=Image.BICUBIC) if tilt else sketch.image
    return image.crop(image.getbbox())
