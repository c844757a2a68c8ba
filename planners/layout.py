"""Lanes on the frame: every instance gets room of its own, so that no two ever meet."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from planners import paths
from planners.actors import Actor
from starvid_core.scene import Box

GROUND = 0.90
TOP = 0.02
GAP = 0.012
_LIFT = 0.05  # highest distance of flying things from the top
_FAR_UP = 0.03  # distance above the ground line of things far away
_MOST_GROWTH = 0.4  # how far a way may be longer than its motion likes, where there is room
# Size and length of way that are tried in turn until all fit, in shares of what they like.
LEVELS = (
    *((1.0, 1.0), (1.0, 0.8), (0.96, 0.7), (0.92, 0.65), (0.88, 0.6), (0.84, 0.55), (0.80, 0.5)),
    *((0.80, 0.45), (0.80, 0.40), (0.80, 0.35), (0.75, 0.35), (0.70, 0.35), (0.65, 0.35)),
    *((0.60, 0.35), (0.55, 0.35), (0.50, 0.32), (0.45, 0.30), (0.40, 0.28), (0.36, 0.25)),
    *((0.32, 0.20), (0.28, 0.15), (0.25, 0.10)),
)
LEAST = (0.09, 0.165)  # width and height that hold a cell of the maps even zoomed and far away
_SPLIT_WORTH = 0.65  # a second row on the ground must be worth it: things stand on one line
# Zoom shows the world from the first to the second scale; a pan shifts it as far either way.
ZOOMS = {"zoom in": (0.82, 1.05), "zoom out": (1.05, 0.82)}
PANS = {
    "pan left": (0.05, 0.0),
    "pan right": (-0.05, 0.0),
    "pan up": (0.0, 0.02),
    "pan down": (0.0, -0.02),
}

Row = tuple[int, ...]


@dataclass(frozen=True)
class Stage:
    """The part of the frame that stays visible whatever the camera does."""

    left: float
    top: float

    @property
    def width(self) -> float:
        return 1 - 2 * self.left

    @property
    def height(self) -> float:
        return GROUND - self.top


@dataclass(frozen=True)
class Slot:
    """Where one instance lives: its size, the start and length of its way, and its heights."""

    x: float
    width: float
    height: float
    reach: float
    bottom: float
    rise: float
    leftward: bool


def stage(camera: str) -> Stage:
    if camera in ZOOMS:
        margin = 0.5 - 0.5 / max(ZOOMS[camera])
        return Stage(margin + 0.01, margin + TOP)
    across, upright = PANS.get(camera, (0.0, 0.0))
    return Stage(abs(across) + 0.01, abs(upright) + TOP)


def boxes(cast: tuple[Actor, ...], camera: str, frames: int) -> tuple[tuple[Box, ...], ...]:
    """`boxes[instance][frame]` of a cast in front of a camera."""
    slots = arrange(cast, stage(camera))
    times = [f / (frames - 1) if frames > 1 else 0.0 for f in range(frames)]
    return tuple(
        tuple(_seen(_box(actor, slots[n], u), camera, u) for u in times)
        for n, actor in enumerate(cast)
    )


def arrange(cast: tuple[Actor, ...], room: Stage) -> dict[int, Slot]:
    """The slots of the least shrunk arrangement in rows."""
    found = [
        (-worth * size, -way, number, rows, (size, way))
        for number, (rows, worth) in enumerate(_arrangements(cast))
        for size, way in _fitting(cast, rows, room)
    ]
    *_, rows, shares = min(found)
    return _slots(cast, rows, shares, room)


def _arrangements(cast: tuple[Actor, ...]) -> Iterator[tuple[tuple[Row, ...], float]]:
    """Rows from the top down and their worth: sky over ground, one row, or more for a crowd."""
    order = _from_left(cast)
    high = tuple(n for n in order if cast[n].high)
    low = tuple(n for n in order if not cast[n].high)
    if high and low:
        yield (high, low), 1.0
    yield (order,), 1.0
    layers = (*high, *low)
    for count in range(2, min(len(layers), 4) + 1):
        yield _split(layers, count), _SPLIT_WORTH
    if high and len(low) > 1:
        yield (high, *_split(low, 2)), _SPLIT_WORTH


def _from_left(cast: tuple[Actor, ...]) -> Row:
    """Instances from left to right: as the prompt places them, else in its order."""
    sides = {"left": -1, "": 0, "right": 1}
    return tuple(sorted(range(len(cast)), key=lambda n: sides[cast[n].part.side]))


def _split(row: Row, count: int) -> tuple[Row, ...]:
    cuts = [round(len(row) * k / count) for k in range(count + 1)]
    return tuple(tuple(row[a:b]) for a, b in zip(cuts[:-1], cuts[1:], strict=True))


def _fitting(cast: tuple[Actor, ...], rows: tuple[Row, ...], room: Stage) -> list[tuple]:
    """The first shares of size and way at which the rows fit, if any do."""

    def fits(shares: tuple[float, float]) -> bool:
        heights = sum(_row_height(cast, row, *shares) for row in rows) + GAP * (len(rows) - 1)
        widths = (_row_width(cast, row, *shares) for row in rows)
        return heights <= room.height and all(width <= room.width for width in widths)

    # Both shares only ever get smaller, so what fits once fits ever after.
    return list(LEVELS[bisect_left(LEVELS, True, key=fits) :][:1])


def _row_height(cast: tuple[Actor, ...], row: Row, size: float, way: float) -> float:
    return max(_sized(cast[n], size)[1] + way * cast[n].rise for n in row)


def _row_width(cast: tuple[Actor, ...], row: Row, size: float, way: float) -> float:
    boxes = sum(_sized(cast[n], size)[0] for n in row) + GAP * (len(row) + 1)
    return boxes + way * sum(cast[lane[0]].reach for lane in _lanes(cast, row))


def _sized(actor: Actor, size: float) -> tuple[float, float]:
    return max(size * actor.width, LEAST[0]), max(size * actor.height, LEAST[1])


def _lanes(cast: tuple[Actor, ...], row: Row) -> list[Row]:
    """Neighbors of one convoy share a lane; everybody else has one alone."""
    lanes: list[Row] = []
    for n in row:
        convoy = cast[n].convoy
        if lanes and convoy is not None and cast[lanes[-1][0]].convoy == convoy:
            lanes[-1] = (*lanes[-1], n)
        else:
            lanes.append((n,))
    return lanes


def _slots(
    cast: tuple[Actor, ...], rows: tuple[Row, ...], shares: tuple[float, float], room: Stage
) -> dict[int, Slot]:
    """Rows stand on one another from the ground up; what height is left is the top row's."""
    bottom, slots = GROUND, dict[int, Slot]()
    for row in reversed(rows):
        top = bottom - _row_height(cast, row, *shares)
        slots |= _row_slots(cast, row, shares, (room, room.top if row == rows[0] else top, bottom))
        bottom = top - GAP
    return slots


def _row_slots(
    cast: tuple[Actor, ...],
    row: Row,
    shares: tuple[float, float],
    strip: tuple[Stage, float, float],
) -> dict[int, Slot]:
    """Lanes side by side; room that is left makes the ways longer, then the gaps wider."""
    size, way = shares
    room, top, bottom = strip
    lanes = _lanes(cast, row)
    left_over = room.width - _row_width(cast, row, size, way)
    ways = way * sum(cast[lane[0]].reach for lane in lanes)
    longer = 1 + min(_MOST_GROWTH, left_over / ways) if ways else 1.0
    spare = (left_over - ways * (longer - 1)) / (len(lanes) + 1)
    x, slots = room.left, dict[int, Slot]()
    for lane in lanes:
        x += spare
        reach = way * longer * cast[lane[0]].reach
        for n in lane:
            x += GAP
            slots[n] = _slot(cast, n, (x, reach), (size, top, bottom))
            x += slots[n].width
        x += reach
    return {n: _aimed(cast, n, slots) for n in slots}


def _slot(
    cast: tuple[Actor, ...], n: int, way: tuple[float, float], strip: tuple[float, float, float]
) -> Slot:
    actor, (x, reach), (size, top, bottom) = cast[n], way, strip
    width, height = _sized(actor, size)
    free = bottom - top - height
    rise = min(paths.COLUMN_FAMILIES.get(actor.family, actor.rise), free)
    if actor.high:
        bottom = top + height + rise + min(_LIFT, (free - rise) / 2)
    elif actor.part.depth:
        bottom -= min(_FAR_UP, free - rise)
    leftward = actor.part.heading == "left"
    return Slot(x, width, height, reach, bottom, rise, leftward)


def _aimed(cast: tuple[Actor, ...], n: int, slots: dict[int, Slot]) -> Slot:
    """Turn who goes towards a subject on its left."""
    slot, target = slots[n], cast[n].part.target
    goal = [m for m in slots if target is not None and cast[m].part.subject.id == target]
    if not goal or cast[n].part.heading or slots[goal[0]].x > slot.x:
        return slot
    return Slot(**{**slot.__dict__, "leftward": True})


def _box(actor: Actor, slot: Slot, u: float) -> Box:
    """The box at share `u` of the clip; who comes nearer grows about its foot."""
    place = paths.LAWS[actor.family](u)
    along = 1 - place.along if slot.leftward else place.along
    first, last = actor.nearing
    share = (first + (last - first) * u) / max(first, last)
    middle = slot.x + slot.width / 2 + slot.reach * along
    bottom = slot.bottom - slot.rise * place.height
    half = share * slot.width / 2
    return Box(middle - half, bottom - share * slot.height, middle + half, bottom)


def _seen(box: Box, camera: str, u: float) -> Box:
    """What a moving camera makes of a box."""
    if camera in ZOOMS:
        first, last = ZOOMS[camera]
        scale = first + (last - first) * u
        return Box(*(0.5 + scale * (v - 0.5) for v in (box.x0, box.y0, box.x1, box.y1)))
    across, upright = (side * (2 * u - 1) for side in PANS.get(camera, (0.0, 0.0)))
    return Box(box.x0 + across, box.y0 + upright, box.x1 + across, box.y1 + upright)
