"""A drawing surface for figures: lines, discs and sprites around the subject's feet.

Units are 1/160 of the frame height, the origin is at the feet, x goes forward and y up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

from PIL import Image, ImageDraw

from starvid_core.moving_emoji.cast import ROLES
from starvid_core.paths import SPRITES

UNIT = 160
SIDE = 384
ORIGIN = (SIDE // 2, SIDE - 96)
Point = tuple[float, float]
Color = tuple[int, int, int]

WOOD: Color = (150, 95, 50)
FACES_RIGHT = {"kite", "balloon", "football", "basketball", "boat", "tank", "robot"}


class Sketch:
    """A drawing whose coordinates are relative to the feet, x forward and y up."""

    def __init__(self) -> None:
        self.image = Image.new("RGBA", (SIDE, SIDE), (0, 0, 0, 0))
        self.draw = ImageDraw.Draw(self.image)

    def at(self, x: float, y: float) -> Point:
        return ORIGIN[0] + x, ORIGIN[1] - y

    def line(self, points: Sequence[Point], color: Color, width: float) -> None:
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

    def shape(self, points: Sequence[Point], color: Color) -> None:
        self.draw.polygon([self.at(*p) for p in points], fill=(*color, 255))

    def stamp(self, name: str, center: Point, width: float, tilt: float = 0.0) -> None:
        """Paste the sprite `name`, `width` units wide, turned `tilt` degrees counterclockwise."""
        picture = sprite(name)
        scale = width / picture.width
        small = picture.resize(
            (round(width), max(1, round(picture.height * scale))), Image.Resampling.LANCZOS
        )
        turned = small.rotate(tilt, resample=Image.Resampling.BICUBIC, expand=True)
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


Drawing = Callable[[Sketch, str, float], None]
