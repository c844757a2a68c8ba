"""Whether the subject stays the same one while a transition happens."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float
from PIL import Image

from starvid_core.metrics.dsr_boxes import Boxes
from starvid_core.video import Video

SIDE = 16


def identity(video: Video, boxes: Boxes) -> float:
    """Mean over the frames of (cos(f_t, f_first) + cos(f_t, f_before)) / 2, NaN below two frames.

    The formula is SpatialAlign's ID consistency; f is not DINOv2 here but the pixels of the crop,
    less their mean.
    """
    whole = np.flatnonzero(np.isfinite(boxes).all(1))
    f = [_look(video[n], boxes[n]) for n in whole]
    pairs = zip(f[1:], f, strict=False)
    values = [(float(now @ f[0]) + float(now @ before)) / 2 for now, before in pairs]
    return float(np.mean(values)) if values else math.nan


def _look(frame: np.ndarray, box: np.ndarray) -> Float[np.ndarray, " pixel"]:
    x0, y0, x1, y1 = _whole(box)
    crop = Image.fromarray(frame[y0:y1, x0:x1]).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    values = np.asarray(crop, float).ravel()
    values -= values.mean()
    return values / max(float(np.linalg.norm(values)), 1e-9)


def _whole(box: np.ndarray) -> tuple[int, int, int, int]:
    x0, y0, x1, y1 = box
    left, top = max(math.floor(x0), 0), max(math.floor(y0), 0)
    return left, top, max(math.ceil(x1), left + 1), max(math.ceil(y1), top + 1)
