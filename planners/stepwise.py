"""Box-by-box decoding: whoever chooses gets only boxes that still lead to a plan without faults.

A few worlds are kept, complete plans that agree with all choices so far and break no check. A box
is offered when it continues one of them, so that no choice ever leads to a dead end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from random import Random

import numpy as np

from planners import candidates
from planners.candidates import Candidates, Lattice
from planners.wire import Cells, Wire
from planners.wire.frames import checked
from starvid_core.errors import InputError
from starvid_core.scene import ScenePlan, Trajectory

# Gets the text so far, the boxes that are allowed next, and the instance; gives one of the boxes.
Choose = Callable[[str, tuple[Cells, ...], int], Cells]
# The path of every instance as [key frame, (left, right, top, bottom)].
World = tuple[np.ndarray, ...]

_WORLDS = 10
_ENOUGH = 6  # worlds that make a scene roomy
_TRIES = 48
_DRAWN = 800  # paths that are looked at for a place in a world


def decode(plan: ScenePlan, frames: int, wire: Wire, choose: Choose) -> Trajectory:
    """Ask for one box after the other, all instances of the first frame, then of the next."""
    grid = candidates.lattice(plan.camera, checked(frames), wire.unit)
    state, offers = _begin(plan, grid)
    rows: list[list[Cells]] = [[] for _ in offers]
    text = ""
    for frame, instance in product(range(frames), range(len(offers))):
        text += wire.before(plan, frame, instance)
        clear, boxes = state.clear(instance), state.paths[instance][:, frame]
        free = np.unique(boxes[clear.any(axis=0)], axis=0)
        allowed = {_cells(box, grid.step // wire.unit): box for box in free}
        cells = choose(text, tuple(allowed), instance)
        _check(cells, tuple(allowed))
        box = allowed[cells]
        state = state.after(instance, (boxes == box).all(axis=1), clear)
        if frame == 0:
            state = state.opened(instance, offers[instance].onward(box))
        state = state.varied()
        text += wire.write_box(cells, plan, instance)
        rows[instance].append(cells)
    return Trajectory(plan, tuple(tuple(map(wire.box, row)) for row in rows))


def _cells(box: np.ndarray, units: int) -> Cells:
    left, right, top, bottom = (int(v) * units for v in box)
    return left, right, top, bottom


def _check(cells: Cells, allowed: tuple[Cells, ...]) -> None:
    if cells not in allowed:
        raise InputError(
            f"the chosen box {cells!r} is not offered; choose one of the {len(allowed)} boxes "
            f"that are, e.g. {allowed[0]}"
        )


@dataclass(frozen=True)
class State:
    """Paths that are open to every instance, and worlds made of them."""

    paths: tuple[np.ndarray, ...]
    worlds: tuple[World, ...]
    gap: int

    def clear(self, instance: int) -> np.ndarray:
        """[world, path]: whether the instance can take the open path there."""
        paths = self.paths[instance]
        others = (world[:instance] + world[instance + 1 :] for world in self.worlds)
        return np.stack([_apart(paths, other, self.gap) for other in others])

    def after(self, instance: int, chosen: np.ndarray, clear: np.ndarray) -> State:
        """The state when the instance keeps to the chosen paths; worlds change to one of them."""
        worlds = []
        for number, world in enumerate(self.worlds):
            free = self.paths[instance][chosen & clear[number]]
            if len(free):
                stays = (free == world[instance]).all(axis=(1, 2)).any()
                path = world[instance] if stays else free[len(free) * number // len(self.worlds)]
                worlds.append(_with(world, instance, path))
        return replace(self, worlds=tuple(worlds)).opened(instance, self.paths[instance][chosen])

    def opened(self, instance: int, paths: np.ndarray) -> State:
        """The state with other paths for an instance, among them those that the worlds use."""
        return replace(self, paths=_with(self.paths, instance, paths))

    def varied(self) -> State:
        """More worlds of the open paths, up to the usual number."""
        draw, worlds = Random(0), list(self.worlds)
        for number in range(_TRIES):
            if len(worlds) >= _WORLDS:
                break
            worlds += self._world(draw, 1 + number // 4)
        return replace(self, worlds=tuple(worlds))

    def _world(self, draw: Random, tight: int) -> list[World]:
        """One more world, one instance placed after the other, or none if somebody has no room."""
        placed: dict[int, np.ndarray] = {}
        # Whoever has fewer ways is likely to go first.
        turns = [draw.random() * len(paths) for paths in self.paths]
        for instance in sorted(range(len(turns)), key=turns.__getitem__):
            drawn = _thinned(self.paths[instance], draw)
            free = drawn[_apart(drawn, tuple(placed.values()), self.gap)]
            if not len(free):
                return []
            few = free[[int(draw.random() * len(free)) for _ in range(tight)]]
            placed[instance] = few[np.argmin(_swept(few))]
        return [tuple(placed[instance] for instance in range(len(turns)))]


def _with(paths: tuple[np.ndarray, ...], instance: int, new: np.ndarray) -> tuple[np.ndarray, ...]:
    return (*paths[:instance], new, *paths[instance + 1 :])


def _thinned(paths: np.ndarray, draw: Random) -> np.ndarray:
    """Some of the paths, evenly from all."""
    step = max(1, len(paths) // _DRAWN)
    return paths[int(draw.random() * step) :: step]


def _apart(paths: np.ndarray, others: World, gap: int) -> np.ndarray:
    """Which paths keep the gap to all the others in all frames."""
    left, right, top, bottom = np.moveaxis(paths, -1, 0)
    apart = np.ones(len(paths), dtype=bool)
    for other in others:
        x0, x1, y0, y1 = other.T
        near = (left < x1 + gap) & (right + gap > x0) & (top < y1 + gap) & (bottom + gap > y0)
        apart &= ~near.any(axis=1)
    return apart


def _swept(paths: np.ndarray) -> np.ndarray:
    """The area that each whole path takes."""
    low, high = paths.min(axis=1).astype(int), paths.max(axis=1).astype(int)
    return (high[:, 1] - low[:, 0]) * (high[:, 3] - low[:, 2])


def _begin(plan: ScenePlan, grid: Lattice) -> tuple[State, list[Candidates]]:
    """The least crowded level at which there are worlds enough, or else the one with most."""
    cast = candidates.bodies(plan)
    if not cast:
        raise InputError("the plan has no subjects; give one at least")
    best, most = None, 0
    for level in candidates.LEVELS:
        if candidates.crowded(cast, level):
            continue
        offers = [Candidates(actor, level, grid) for actor in cast]
        first = {offer: offer.first() for offer in dict.fromkeys(offers)}
        if not all(len(paths) for paths in first.values()):
            continue
        state = State(tuple(first[offer] for offer in offers), (), grid.gap).varied()
        if len(state.worlds) > most:
            best, most = (state, offers), len(state.worlds)
        if most >= _ENOUGH:
            break
    if best is None:
        raise InputError(
            f"no plan has room for {len(cast)} instances apart from one another in {grid.frames} "
            f"frames on cells of {grid.step} pixels; give fewer of either, or a finer wire"
        )
    return best
