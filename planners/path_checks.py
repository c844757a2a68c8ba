"""The checks of `planners.physics` for many paths of one body at once, on a lattice of cells.

A path that passes here passes there wherever it is on the frame: limits are kept with some slack,
and heights are compared in whole cells.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from planners import physics
from planners.layout import PANS
from planners.paths import STAYING_FAMILIES

_SLACK = 1e-6


@dataclass(frozen=True)
class Paths:
    """Paths of one body as [path, key frame, (left, right, top, bottom)] in whole cells.

    `columns` and `rows` count the cells of the frame.
    """

    cells: np.ndarray
    columns: int
    rows: int

    @property
    def frames(self) -> int:
        return self.cells.shape[1]

    @property
    def centers(self) -> np.ndarray:
        """[path, frame, (x, y)] in fractions of the frame."""
        left, right, top, bottom = np.moveaxis(self.cells, -1, 0)
        both = (left + right) / (2 * self.columns), (top + bottom) / (2 * self.rows)
        return np.stack(both, axis=-1)

    @property
    def heights(self) -> np.ndarray:
        """[path, frame]: twice the height of the center in cells, so that equal means equal."""
        return -(self.cells[..., 2] + self.cells[..., 3]).astype(int)

    @property
    def lengths(self) -> np.ndarray:
        left, right, top, bottom = np.moveaxis(self.cells.astype(float), -1, 0)
        return np.sqrt((right - left) * (bottom - top))


def lawful(paths: Paths, family: str, camera: str) -> np.ndarray:
    """Which paths break none of the checks of speed, size, motion and perspective."""
    sound = _slow(paths, physics.MOST_SPEED.get(family, physics.MOST_SPEED[""]))
    lengths = paths.lengths
    if camera == "static":
        sound &= lengths.max(axis=1) / lengths.min(axis=1) < physics.MOST_GROWTH - _SLACK
    elif family in STAYING_FAMILIES and paths.frames > 1:
        sound &= _in_perspective(paths, camera)
    if camera == "static" and paths.frames >= physics.SHORTEST and family in _MOTIONS:
        sound &= _MOTIONS[family](paths)
    return sound


def _slow(paths: Paths, limit: float) -> np.ndarray:
    if paths.frames < physics.SHORTEST:
        return np.ones(len(paths.cells), dtype=bool)
    steps = np.hypot(*np.moveaxis(np.diff(paths.centers, axis=1), -1, 0))
    return steps.max(axis=1) * (paths.frames - 1) < limit - _SLACK


def _in_perspective(paths: Paths, camera: str) -> np.ndarray:
    if camera in PANS:
        shift = paths.centers[:, -1] - paths.centers[:, 0]
        return shift @ np.sign(PANS[camera]) > physics.LEAST_PAN + _SLACK
    growth = paths.lengths[:, -1] / paths.lengths[:, 0]
    return (growth if camera == "zoom in" else 1 / growth) > physics.LEAST_PERSPECTIVE + _SLACK


def _travel(paths: Paths) -> np.ndarray:
    centers = paths.centers
    return np.linalg.norm(centers - centers[:, :1], axis=-1).max(axis=1)


def _rests(paths: Paths, most: float) -> np.ndarray:
    return _travel(paths) < most - _SLACK


def _goes(paths: Paths) -> np.ndarray:
    growth = paths.lengths[:, -1] / paths.lengths[:, 0]
    nears = np.maximum(growth, 1 / growth) > physics.LEAST_NEARING + _SLACK
    return nears | (_travel(paths) > physics.LEAST_TRAVEL + _SLACK)


def _high(paths: Paths, gained: np.ndarray) -> np.ndarray:
    """Which gains of twice the cells count as height."""
    return gained > 2 * paths.rows * physics.LEAST_HEIGHT + _SLACK


def _leaps(paths: Paths) -> np.ndarray:
    heights = paths.heights
    return _high(paths, heights.max(axis=1) - np.maximum(heights[:, 0], heights[:, -1]))


def _rises(paths: Paths) -> np.ndarray:
    return _high(paths, paths.heights[:, -1] - paths.heights[:, 0])


def _falls(paths: Paths) -> np.ndarray:
    heights, middle = paths.heights, paths.frames // 2
    early = heights[:, 0] - heights[:, middle]
    late = heights[:, -1 - middle] - heights[:, -1]
    return _high(paths, heights[:, 0] - heights[:, -1]) & (late > early)


def _bounces(paths: Paths) -> np.ndarray:
    """Which fall faster and faster to the ground, and rebound no higher, if they keep their size.

    Rebounds as high as the fall would differ from it by rounding errors else.
    """
    heights, frame = paths.heights, np.arange(paths.frames)
    steps = heights[:, :-1] - heights[:, 1:]
    top = np.argmax(steps > 0, axis=1)[:, None]
    rebounds = (steps < 0) & (frame[:-1] >= top)
    ground = np.argmax(rebounds, axis=1)[:, None]
    low = np.take_along_axis(heights, ground, axis=1)[:, 0]
    fall = np.where(frame < ground, heights, heights.min()).max(axis=1) - low
    rebound = np.where(frame >= ground, heights, heights.min()).max(axis=1) - low
    falling = np.where((frame[:-1] >= top) & (frame[:-1] < ground), steps, 0).max(axis=1)
    faster = falling > np.take_along_axis(steps, top, axis=1)[:, 0]
    fell = (steps > 0).any(axis=1) & rebounds.any(axis=1) & _high(paths, fall)
    return fell & (rebound <= fall) & (faster | (ground - top <= 1)[:, 0])


_MOTIONS: dict[str, Callable[[Paths], np.ndarray]] = {
    **{family: partial(_rests, most=most) for family, most in physics.MOST_REST.items()},
    "cross": _goes,
    "swim": _goes,
    "hop": _leaps,
    "rise": _rises,
    "fall": _falls,
    "dive": _falls,
    "bounce": _bounces,
}
