"""Contact sheets: a few frames of every clip in one picture, one clip a row, without loss."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from starvid_core.artifacts import writing
from starvid_core.errors import InputError
from starvid_core.video import Video

KEPT = 4

Sheet = UInt8[np.ndarray, "_height _width 3"]


def kept(frames: int, count: int = KEPT) -> list[int]:
    """The frames that stand for a clip: from the first to the last at equal distances."""
    return np.linspace(0, frames - 1, count).round().astype(int).tolist()


def write(path: Path, clips: Sequence[Video]) -> None:
    """Write the kept frames of clips of one size."""
    rows = [np.concatenate(list(clip[kept(len(clip))]), axis=1) for clip in clips]
    with writing(path) as temporary:
        Image.fromarray(np.concatenate(rows)).save(temporary, "WEBP", lossless=True)


def read(path: Path) -> Sheet:
    try:
        with Image.open(path, formats=["WEBP"]) as opened:
            return np.asarray(opened.convert("RGB"))
    except OSError as error:
        raise InputError(f"{path} is no contact sheet: {error}") from None


def clip(sheet: Sheet, row: int, rows: int, frames: int) -> Video:
    """The clip of a row with all its frames; those that were not kept are black."""
    height, width = sheet.shape[0] // rows, sheet.shape[1] // KEPT
    found = np.zeros((frames, height, width, 3), np.uint8)
    line = sheet[row * height : (row + 1) * height]
    for column, frame in enumerate(kept(frames)):
        found[frame] = line[:, column * width : (column + 1) * width]
    return found
