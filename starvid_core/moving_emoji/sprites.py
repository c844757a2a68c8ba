"""Cut the shipped sprites out of the Noto Color Emoji font, once, on a machine that has it.

`python -m starvid_core.moving_emoji.sprites [FONT]` (Debian: fonts-noto-color-emoji 2.042).
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from starvid_core.artifacts import writing
from starvid_core.errors import InputError
from starvid_core.paths import SPRITES

FONT = Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")
BITMAP_SIZE = 109  # the one size that the font holds
SIDE = 160
EMOJI: dict[str, str] = {
    "man": "\U0001f468",
    "woman": "\U0001f469",
    "boy": "\U0001f466",
    "girl": "\U0001f467",
    "robot": "\U0001f916",
    "dog": "\U0001f415",
    "cat": "\U0001f408",
    "tiger": "\U0001f405",
    "bear": "\U0001f43b",
    "lion": "\U0001f981",
    "elephant": "\U0001f418",
    "bird": "\U0001f426",
    "horse": "\U0001f40e",
    "cow": "\U0001f404",
    "sheep": "\U0001f411",
    "dolphin": "\U0001f42c",
    "fish": "\U0001f41f",
    "football": "\u26bd",
    "basketball": "\U0001f3c0",
    "car": "\U0001f697",
    "motorcycle": "\U0001f3cd\ufe0f",
    "airplane": "\u2708\ufe0f",
    "kite": "\U0001fa81",
    "balloon": "\U0001f388",
    "boat": "\u26f5",
    "bicycle": "\U0001f6b2",
    "guitar": "\U0001f3b8",
}


def cut(text: str, font: ImageFont.FreeTypeFont) -> Image.Image:
    """One emoji, cropped to its pixels."""
    image = Image.new("RGBA", (SIDE, SIDE), (0, 0, 0, 0))
    ImageDraw.Draw(image).text((10, 10), text, font=font, embedded_color=True)
    return image.crop(image.getbbox())


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else FONT
    if not path.is_file():
        raise InputError(f"no font at {path}; install Noto Color Emoji or name its file")
    font = ImageFont.truetype(str(path), BITMAP_SIZE)
    for name, text in EMOJI.items():
        with writing(SPRITES / f"{name}.png") as place:
            cut(text, font).save(place, "PNG", optimize=True)


if __name__ == "__main__":
    main()
