"""How key frames stand in a reply: compact JSON of whole numbers, frame by frame, strictly read.

A box is `left, right` and `top, bottom`. Its second numbers are enumerated after the first, so that
no box that the grammar allows leaves the frame.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import floor
from typing import Any

from planners import gbnf
from planners.gbnf import Grammar, literal, sequence
from planners.plan_file import HEIGHT, WIDTH
from planners.rules import MOST_FRAMES
from planners.wire import boxes
from planners.wire.boxes import Cells
from planners.wire.json_schema import Schema, closed, exactly, listed, whole
from planners.wire.reply import END, compact, fault, parsed
from starvid_core.errors import InputError
from starvid_core.scene import Box, ScenePlan, Trajectory

UNITS = (1, 2, 4, 8, 16)
_LEAST = 16  # pixels of a side


@dataclass(frozen=True)
class Wire:
    """Pixels to a number, and whether every box says its instance's number and name.

    A named box is `{"id":0,"name":"man","x":[left,right],"y":[top,bottom]}`, a plain one is
    `[left,right,top,bottom]`. What stands before its first number is the box's opening.
    """

    unit: int = 1
    named: bool = True

    def __post_init__(self) -> None:
        if type(self.unit) is not int or self.unit not in UNITS:
            known = ", ".join(map(str, UNITS))
            raise InputError(f"the wire's unit is {self.unit!r}; give one of {known} pixels")

    @property
    def columns(self) -> int:
        return WIDTH // self.unit

    @property
    def rows(self) -> int:
        return HEIGHT // self.unit

    @property
    def least(self) -> int:
        """Units of the shortest side of a box."""
        return max(_LEAST // self.unit, 2)

    def box(self, cells: Cells) -> Box:
        """The box that the numbers mean."""
        left, right, top, bottom = cells
        return Box(left / self.columns, top / self.rows, right / self.columns, bottom / self.rows)

    def cells(self, box: Box | None, path: str = "box") -> Cells:
        """The numbers of a box; edges are rounded, so that neighbors that touch still do."""
        if box is None:
            raise fault(path, "it is out of sight, which a reply cannot say; give a box")
        left, right = (_rounded(v * self.columns) for v in (box.x0, box.x1))
        top, bottom = (_rounded(v * self.rows) for v in (box.y0, box.y1))
        return self._checked((left, right, top, bottom), path)

    def _checked(self, cells: Cells, path: str) -> Cells:
        """The numbers if they are a box in the frame."""
        for axis, low, high, most in (
            ("x", *cells[:2], self.columns),
            ("y", *cells[2:], self.rows),
        ):
            first, second = ("left", "right") if axis == "x" else ("top", "bottom")
            where = f"{path}.{axis}" if self.named else path
            if low < 0 or high > most:
                rule = f"keep 0 <= {first} < {second} <= {most}"
                raise fault(where, f"[{low},{high}] is outside the frame; {rule}")
            if high - low < self.least:
                rule = f"keep {second} - {first} >= {self.least}"
                raise fault(where, f"{first} = {low}, {second} = {high} are no side; {rule}")
        return cells

    # A whole reply.

    def frames_grammar(self, plan: ScenePlan, frames: int) -> str:
        """Exactly so many frames, each with a box for every instance, in order."""
        grammar = Grammar()
        openings = [literal(self._opening(plan, n)) for n in range(len(plan.instances))]
        numbers = self.numbers_rule(grammar)
        return grammar.text(frames_rule(grammar, [(o, numbers) for o in openings], frames))

    def numbers_rule(self, grammar: Grammar) -> str:
        """A rule for what follows the opening of a box."""
        across, down = (
            grammar.share(gbnf.tree(_sides(grammar, most, self.least)))
            for most in (self.columns, self.rows)
        )
        end = literal("]" + self._closing)
        return grammar.share(sequence(across, literal(self._middle), down, end))

    def frames_schema(self, plan: ScenePlan, frames: int) -> Schema:
        """The same as far as JSON Schema can say it: sides may be negative there."""
        frame = [
            self.box_schema(whole(n, n), {"const": subject.noun})
            for n, subject in enumerate(plan.instances)
        ]
        return listed(exactly(frame), checked(frames), frames)

    def box_schema(self, number: Schema, name: Schema) -> Schema:
        across, down = (
            [whole(0, most - self.least), whole(self.least, most)]
            for most in (self.columns, self.rows)
        )
        if not self.named:
            return exactly([*across, *down])
        return closed({"id": number, "name": name, "x": exactly(across), "y": exactly(down)})

    def frames_tokens(self, plan: ScenePlan, frames: int) -> int:
        """No reply has more tokens, as each stands for one byte at least."""
        row = [self._largest] * len(plan.instances)
        return len(self._text(plan, [row] * checked(frames)).encode()) + END

    def read_frames(self, text: str, plan: ScenePlan, frames: int) -> Trajectory:
        """The trajectory that a reply stands for, or InputError that names the field."""
        return self.trajectory(parsed(text), plan, frames)

    def trajectory(self, value: Any, plan: ScenePlan, frames: int) -> Trajectory:
        """The trajectory of a reply's JSON value."""
        nouns = [subject.noun for subject in plan.instances]
        read = boxes.read(value, nouns, checked(frames), self.named)
        rows = [
            [self.box(self._checked(cells, f"frames[{f}][{n}]")) for n, cells in enumerate(frame)]
            for f, frame in enumerate(read)
        ]
        return Trajectory(plan, tuple(zip(*rows, strict=True)))

    def write_frames(self, trajectory: Trajectory) -> str:
        """The reply that stands for a trajectory."""
        frames = [
            [self.cells(box, f"frames[{f}][{n}]") for n, box in enumerate(frame)]
            for f, frame in enumerate(zip(*trajectory.boxes, strict=True))
        ]
        return self._text(trajectory.plan, frames)

    def _text(self, plan: ScenePlan, frames: Sequence[Sequence[Cells]]) -> str:
        written = (
            self.before(plan, f, n) + "".join(self._numbers(cells))
            for f, frame in enumerate(frames)
            for n, cells in enumerate(frame)
        )
        return "".join(written) + self.after()

    # A reply box by box: before + box + before + box + ... + after.

    def before(self, plan: ScenePlan, frame: int, instance: int) -> str:
        """What stands between the box before this one and this one's first number."""
        if frame == instance == 0:
            return "[[" + self._opening(plan, instance)
        between = "," if instance else "],["
        return self._closing + between + self._opening(plan, instance)

    def after(self) -> str:
        return self._closing + "]]"

    def box_grammar(self, choices: Collection[Cells], plan: ScenePlan, instance: int) -> str:
        """Exactly these boxes, each from its first number to the bracket behind its last."""
        if not choices:
            raise fault(f"box of instance {instance}", "there is none to choose from; offer one")
        grammar, downs = Grammar(), dict[str, list[str]]()
        for cells in sorted(choices):
            across, down = self._numbers(cells)
            downs.setdefault(across, []).append(down)
        endings = {across: grammar.share(gbnf.one_of(down)) for across, down in downs.items()}
        return grammar.text(gbnf.tree(endings))

    def box_tokens(self) -> int:
        """No box has more tokens."""
        return len("".join(self._numbers(self._largest))) + END

    def write_box(self, cells: Cells, plan: ScenePlan, instance: int) -> str:
        return "".join(self._numbers(self._checked(cells, f"box of instance {instance}")))

    def read_box(self, text: str, plan: ScenePlan, instance: int) -> Cells:
        """The numbers of a reply that is one box."""
        opened = '{"x":[' if self.named else "["
        value = parsed(opened + text + self._closing)
        path = f"box of instance {instance}"
        return self._checked(boxes.read_box(value, path, self.named), path)

    # The text around the numbers.

    def opening_rule(self, instance: int, names: str) -> str:
        """An expression for what stands before the first number, given one for the name."""
        if not self.named:
            return literal("[")
        return sequence(literal(f'{{"id":{instance},"name":'), names, literal(',"x":['))

    def _opening(self, plan: ScenePlan, instance: int) -> str:
        name = compact(plan.instances[instance].noun)
        return f'{{"id":{instance},"name":{name},"x":[' if self.named else "["

    def _numbers(self, cells: Cells) -> tuple[str, str]:
        left, right, top, bottom = cells
        return f"{left},{right}{self._middle}", f"{top},{bottom}]"

    @property
    def _middle(self) -> str:
        return '],"y":[' if self.named else ","

    @property
    def _closing(self) -> str:
        return "}" if self.named else ""

    @property
    def _largest(self) -> Cells:
        return self.columns - self.least, self.columns, self.rows - self.least, self.rows


def checked(frames: int) -> int:
    """The number of frames if a plan may have it."""
    if not isinstance(frames, int) or isinstance(frames, bool) or not 1 <= frames <= MOST_FRAMES:
        raise InputError(f"frames is {frames!r}; give a whole number from 1 to {MOST_FRAMES}")
    return frames


def frames_rule(grammar: Grammar, parts: Sequence[tuple[str, str]], frames: int) -> str:
    """A rule for frames of boxes, of which the expressions of opening and numbers are given."""
    row = f" {literal(',')} ".join(sequence(*part) for part in parts)
    frame = grammar.share(sequence(literal("["), row, literal("]")))
    others = [literal(","), frame] * (checked(frames) - 1)
    return grammar.share(sequence(literal("["), frame, *others, literal("]")))


def _rounded(value: float) -> int:
    """The nearest whole number; a half, give or take rounding errors, goes up."""
    return floor(value + 0.5 + 1e-6)


def _sides(grammar: Grammar, most: int, least: int) -> dict[str, str]:
    """Every first number with the rule of its second numbers."""
    return {
        f"{low},": grammar.share(gbnf.number_range(low + least, most))
        for low in range(most - least + 1)
    }
