"""First boxes of an instance, and every lawful path from there, on a lattice of cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from planners import laws, layout
from planners.actors import Actor, actors
from planners.language import lexicon
from planners.language.reading import Part
from planners.path_checks import Paths, lawful
from planners.physics import MOST_SPEED, SHORTEST
from planners.plan_file import HEIGHT, WIDTH
from planners.tracks import motion_of
from starvid_core.errors import InputError
from starvid_core.scene import ScenePlan, Subject

_STEPS = (8, 4, 2)  # pixels of a cell where the wire's unit is finer: the first slow enough
_STRIDE = 1.1  # frame heights per clip that are slow enough for steps of one cell
_GAP = 8  # pixels between two instances
_LEAST_SIDE = 32  # pixels that hold the center of a cell of the maps wherever they are
_LEAST_FIRST = 48
_MOST_SIDE = 0.75  # of the frame
_SIZES = (0.8, 1.0, 1.2)
_LOWEST = 0.95  # of all ground lines
_SKY = (0.02, 0.32)  # where tops are at first
_DROPS = {"fall": _SKY, "dive": _SKY, "bounce": (0.02, 0.5)}
_PLACES = (18, 6)  # first boxes of one size in a row, and rows
_FIRST_WAYS = 64  # from each first box
_MOST_FIRST = 1_000_000  # boxes of all paths that are looked at first
_GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class Level:
    """What is offered: shares of the usual size and way, and the highest ground line."""

    size: float
    way: float
    ground: float


# The more crowded the scene, the smaller its instances, and the more rows they stand in.
LEVELS = (
    Level(1.0, 1.0, 0.84),
    Level(0.9, 0.8, 0.84),
    Level(0.8, 0.65, 0.8),
    Level(0.7, 0.5, 0.7),
    Level(0.6, 0.4, 0.6),
    Level(0.5, 0.35, 0.5),
    Level(0.4, 0.3, 0.4),
    Level(0.33, 0.25, 0.3),
    Level(0.27, 0.2, 0.25),
)


@dataclass(frozen=True)
class Lattice:
    """Cells of `step` pixels on the canvas, and the camera and key frames that move on it."""

    step: int
    camera: str
    frames: int

    @property
    def columns(self) -> int:
        return WIDTH // self.step

    @property
    def rows(self) -> int:
        return HEIGHT // self.step

    @property
    def gap(self) -> int:
        return self.cells(_GAP)

    @property
    def times(self) -> np.ndarray:
        return np.linspace(0.0, 1.0, self.frames) if self.frames > 1 else np.zeros(1)

    @property
    def zoom(self) -> np.ndarray:
        """Scale of the world at every key frame."""
        first, last = layout.ZOOMS.get(self.camera, (1.0, 1.0))
        return first + (last - first) * self.times

    def cells(self, pixels: int) -> int:
        return ceil(pixels / self.step)

    def row(self, down: float) -> int:
        """The row of a height of the world as the camera sees it first."""
        return round((0.5 + float(self.zoom[0]) * (down - 0.5)) * self.rows)


def lattice(camera: str, frames: int, unit: int) -> Lattice:
    """The lattice of the wire's own unit, or one as coarse as the number of frames allows."""
    if (frames - 1) * unit > MOST_SPEED[""] * WIDTH:
        raise InputError(
            f"steps of {unit} pixels are too fast for {frames} frames; give fewer frames or a wire "
            "with a smaller unit"
        )
    fine = (step for step in _STEPS if step > unit and (frames - 1) * step <= _STRIDE * HEIGHT)
    return Lattice(next(fine, unit), camera, frames)


def bodies(plan: ScenePlan) -> tuple[Actor, ...]:
    """Every instance as a body; as for the checks, the motion tells its family, else the verb."""
    return actors(tuple(_part(subject) for subject in plan.subjects))


def _part(subject: Subject) -> Part:
    known = motion_of(subject)
    noun = lexicon.noun(subject.noun.lower().split()[-1])
    like = "thing" if noun is None or noun.like in lexicon.NOT_SUBJECTS else noun.like
    return Part(replace(subject, motion=known.name if known else ""), like)


def crowded(cast: tuple[Actor, ...], level: Level) -> bool:
    """Whether instances of the level's usual size would fill more than half of the frame."""
    return sum(actor.width * actor.height for actor in cast) * level.size**2 > 0.5


@dataclass(frozen=True)
class Candidates:
    """What a body may do at a level: paths as [path, key frame, (left, right, top, bottom)]."""

    actor: Actor
    level: Level
    grid: Lattice

    def first(self) -> np.ndarray:
        """Paths from all first boxes: of each some of the lawful ones, evenly drawn."""
        starts = np.array(list(self._starts()), dtype=float)
        # Multiples of the golden ratio spread evenly over whatever the ways vary in.
        spread = np.argsort(np.arange(len(self._ways)) * _GOLDEN % 1, kind="stable")
        most = min(_FIRST_WAYS, max(8, _MOST_FIRST // (len(starts) * self.grid.frames)))
        return self._paths(starts, self._ways[spread[:most]])

    def onward(self, box: np.ndarray) -> np.ndarray:
        """Every lawful path from one box."""
        return self._paths(box.astype(float)[None], self._ways)

    @property
    def _family(self) -> str:
        return self.actor.motion.family if self.actor.part.subject.motion else ""

    @property
    def _law(self) -> str:
        return "fly" if self._family == "cross" and self.actor.high else self._family

    @property
    def _ways(self) -> np.ndarray:
        ways = laws.ways(self._law, self.actor.motion.reach, self.grid.frames)
        return ways * (self.level.way, self.level.way, 1.0)

    def _starts(self) -> Iterator[tuple[int, int, int, int]]:
        for width, height in self._sizes():
            for bottom in self._bottoms(height):
                for left in _spread(0, self.grid.columns - width, _PLACES[0]):
                    yield left, left + width, bottom - height, bottom

    def _sizes(self) -> list[tuple[int, int]]:
        share, least = float(self.grid.zoom[0]) * self.level.size, self.grid.cells(_LEAST_FIRST)

        def side(length: float, cells: int) -> int:
            return max(least, round(min(share * length, _MOST_SIDE) * cells))

        sides = [(s * self.actor.width, s * self.actor.height) for s in _SIZES]
        return sorted({(side(w, self.grid.columns), side(h, self.grid.rows)) for w, h in sides})

    def _bottoms(self, height: int) -> list[int]:
        """Lower edges of first boxes: below the sky, or on the ground."""
        if self.actor.high or self._law in _DROPS:
            low, high = (self.grid.row(v) + height for v in _DROPS.get(self._law, _SKY))
        else:
            low, high = self.grid.row(self.level.ground), self.grid.row(_LOWEST)
        return [v for v in _spread(low, high, _PLACES[1]) if height <= v <= self.grid.rows]

    def _paths(self, starts: np.ndarray, ways: np.ndarray) -> np.ndarray:
        found = _seen(starts, ways, self.grid)
        found = np.unique(found[self._fits(found)], axis=0)
        paths = Paths(found, self.grid.columns, self.grid.rows)
        return found[lawful(paths, self._family, self.grid.camera)]

    def _fits(self, found: np.ndarray) -> np.ndarray:
        """Which paths stay in the frame, large enough for the maps, and bounce off the ground."""
        left, right, top, bottom = np.moveaxis(found, -1, 0)
        least = self.grid.cells(_LEAST_SIDE)
        within = (
            (left >= 0) & (right <= self.grid.columns) & (top >= 0) & (bottom <= self.grid.rows)
        )
        fits = (within & (right - left >= least) & (bottom - top >= least)).all(axis=1)
        if self._law == "bounce" and self.grid.frames >= SHORTEST:
            fits &= bottom.max(axis=1) >= self.grid.row(self.level.ground)
        return fits


def _spread(low: int, high: int, most: int) -> list[int]:
    """At most so many whole numbers, evenly from low to high."""
    count = min(most, high - low + 1)
    return sorted({round(v) for v in np.linspace(low, high, count)}) if count > 0 else []


def _seen(starts: np.ndarray, ways: np.ndarray, grid: Lattice) -> np.ndarray:
    """All ways from all starts, seen by the camera and put on the lattice."""
    left, right, top, bottom = (column[:, None, None] for column in starts.T)
    across, down, size = np.moveaxis(ways, -1, 0)
    zoom = grid.zoom / grid.zoom[0]
    pan_x, pan_y = (2 * way * grid.times for way in layout.PANS.get(grid.camera, (0.0, 0.0)))
    middle = 0.5 + zoom * ((left + right) / (2 * grid.columns) + across - 0.5) + pan_x
    foot = (0.5 + zoom * (bottom / grid.rows + down - 0.5) + pan_y) * grid.rows
    half, high = size * zoom * (right - left) / 2, size * zoom * (bottom - top)
    # Edges one by one: those of a body that grows or shrinks about a place move steadily so.
    sides = middle * grid.columns - half, middle * grid.columns + half, foot - high, foot
    edges = np.stack(np.broadcast_arrays(*map(_whole, sides)), axis=-1)
    return edges.reshape(-1, grid.frames, 4).astype(np.int16)


def _whole(values: np.ndarray) -> np.ndarray:
    """Rounded the same on every machine: a half, give or take rounding errors, goes up."""
    return np.floor(values + 0.5 + 1e-6)
