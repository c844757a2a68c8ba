"""Measure the drawn figures: `python -m starvid_core.moving_emoji.measure` writes `sizes.json`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from starvid_core.artifacts import write_text
from starvid_core.moving_emoji.cast import SUBJECTS, can
from starvid_core.moving_emoji.figures import figure
from starvid_core.moving_emoji.motions import MOTIONS
from starvid_core.moving_emoji.sketch import UNIT

ASPECT = 2.0


def measured(subject: str, motion: str) -> tuple[float, float]:
    """Mean width and height over the motion, in fractions of a frame of aspect `ASPECT`."""
    poses = [MOTIONS[motion].law(k / 11) for k in range(12)]
    drawn = [figure(subject, motion, p.cycle % 1, p.tilt) for p in poses]
    width = float(np.mean([d.width for d in drawn])) / (UNIT * ASPECT)
    return round(width, 3), round(float(np.mean([d.height for d in drawn])) / UNIT, 3)


def main() -> None:
    pairs = [(s, m) for s in SUBJECTS for m in MOTIONS if can(s, m)]
    table = {f"{s} {m}": measured(s, m) for s, m in pairs}
    write_text(Path(__file__).parent / "sizes.json", json.dumps(table, indent=0) + "\n")


if __name__ == "__main__":
    main()
