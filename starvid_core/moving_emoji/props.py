"""Props and marks that make a motion visible in a single frame."""

from __future__ import annotations

import math

from starvid_core.moving_emoji.sketch import WOOD, Color, Sketch, wave

WATER: Color = (40, 130, 220)
FOAM: Color = (200, 232, 255)
DUST: Color = (226, 214, 190)


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
