"""Contact sheet of the whole world: `make world`."""

from __future__ import annotations

from PIL import Image, ImageDraw

from starvid_core import paths
from starvid_core.artifacts import writing
from starvid_core.moving_emoji.world import FULL, Act, Scene, WorldConfig, render

CELL, COLUMNS, MARGIN = (216, 108), 8, 14
CANVAS = WorldConfig(frames=5, height=CELL[1], width=CELL[0])


def cell(subject: str, motion: str, number: int) -> Image.Image:
    """One moment of a performance, its name below."""
    place = FULL.backgrounds[number % len(FULL.backgrounds)]
    height = 0.3 if motion == "flying" else 0.0
    scene = Scene((Act(subject, motion, 0.35, 0.65, height),), place)
    image = Image.new("RGB", (CELL[0], CELL[1] + MARGIN), "white")
    image.paste(Image.fromarray(render(scene, CANVAS).video[1]))
    ImageDraw.Draw(image).text((3, CELL[1] + 1), f"{subject} {motion}", fill=(40, 40, 40))
    return image


def sheet() -> Image.Image:
    """Every reasonable pair of subject and motion."""
    pairs = FULL.performances()
    rows = -(-len(pairs) // COLUMNS)
    size = (COLUMNS * (CELL[0] + 4), rows * (CELL[1] + MARGIN + 4))
    image = Image.new("RGB", size, "white")
    for k, (subject, motion) in enumerate(pairs):
        corner = k % COLUMNS * (CELL[0] + 4), k // COLUMNS * (CELL[1] + MARGIN + 4)
        image.paste(cell(subject, motion, k), corner)
    return image


def main() -> None:
    with writing(paths.FIGURES / "moving_emoji_world.png") as place:
        sheet().save(place, "PNG", optimize=True)


if __name__ == "__main__":
    main()
