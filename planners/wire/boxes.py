"""The shape of the frames in a reply: which lists and keys, whose box stands where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from planners.language import text
from planners.wire.reply import Strict, fault, validated

Cells = tuple[int, int, int, int]  # left, right, top, bottom
Whole = Annotated[int, Field(strict=True)]  # outside of a strict model, too
Pair = Annotated[list[Whole], Field(min_length=2, max_length=2)]
Four = Annotated[list[Whole], Field(min_length=4, max_length=4)]


class Sides(Strict):
    """The numbers of a box by axis."""

    x: Pair
    y: Pair


class NamedBox(Sides):
    """A box that says whose it is."""

    id: int
    name: str


_NAMED, _PLAIN = TypeAdapter(list[list[NamedBox]]), TypeAdapter(list[list[Four]])
_SIDES, _FOUR = TypeAdapter(Sides), TypeAdapter(Four)


def read(value: Any, nouns: Sequence[str], frames: int, named: bool) -> list[list[Cells]]:
    """`[frame][instance]` of a reply's JSON value, or InputError that names the field."""
    if not named:
        plain = validated(_PLAIN, value, "frames")
        _check_counts(plain, nouns, frames)
        return [[_cells(box) for box in frame] for frame in plain]
    boxes = validated(_NAMED, value, "frames")
    _check_counts(boxes, nouns, frames)
    for f, frame in enumerate(boxes):
        for n, box in enumerate(frame):
            _check_owner(f"frames[{f}][{n}]", box, n, nouns[n])
    return [[_cells([*box.x, *box.y]) for box in frame] for frame in boxes]


def read_box(value: Any, path: str, named: bool) -> Cells:
    """One box: `{"x":[left,right],"y":[top,bottom]}` or `[left,right,top,bottom]`."""
    if not named:
        return _cells(validated(_FOUR, value, path))
    sides = validated(_SIDES, value, path)
    return _cells([*sides.x, *sides.y])


def _cells(numbers: list[int]) -> Cells:
    left, right, top, bottom = numbers
    return left, right, top, bottom


def _check_counts(boxes: Sequence[Sequence[object]], nouns: Sequence[str], frames: int) -> None:
    if len(boxes) != frames:
        raise fault("frames", f"holds {len(boxes)} instead of {frames}; write exactly {frames}")
    for f, frame in enumerate(boxes):
        if len(frame) != len(nouns):
            raise fault(
                f"frames[{f}]",
                f"holds {len(frame)} boxes for {', '.join(nouns)}; write one for each, "
                f"{len(nouns)} in all",
            )


def _check_owner(path: str, box: NamedBox, number: int, noun: str) -> None:
    if box.id != number:
        raise fault(f"{path}.id", f"{box.id} is out of order; ids count from 0, write {number}")
    if box.name != noun:
        given = text.quoted(box.name)
        raise fault(f"{path}.name", f"{given} is not instance {number}'s name; write {noun!r}")
