"""Figures of the world: every subject in the pose, and with the prop, that its motion needs.

A figure is drawn large, facing right, and reduced later: one drawing serves every frame size.
"""

from __future__ import annotations

from functools import lru_cache

from PIL import Image

from starvid_core.moving_emoji import animals
from starvid_core.moving_emoji.cast import ROLES
from starvid_core.moving_emoji.people import PERSON
from starvid_core.moving_emoji.sketch import Drawing, Sketch

DRAWINGS: dict[str, dict[str, Drawing]] = {
    "person": PERSON,
    "animal": animals.ANIMAL,
    "swimmer": animals.ANIMAL,
    "bird": animals.BIRD,
    "aircraft": animals.AIRCRAFT,
    "floater": animals.FLOATER,
    "vehicle": animals.VEHICLE,
    "boat": animals.BOAT,
    "ball": animals.BALL,
}


@lru_cache(maxsize=8192)
def figure(subject: str, motion: str, cycle: float, tilt: float = 0.0) -> Image.Image:
    """The subject doing the motion at `cycle` in [0, 1) of its rhythm, cropped to its pixels.

    The crop keeps 1/`UNIT` of the frame height a pixel; `tilt` turns the whole figure.
    """
    sketch = Sketch()
    kind = "person" if subject == "bear" else ROLES[subject].kind
    DRAWINGS[kind][motion](sketch, subject, cycle)
    image = sketch.image.rotate(tilt, resample=Image.Resampling.BICUBIC) if tilt else sketch.image
    return image.crop(image.getbbox())
