"""Plans to learn from: the rules' own, in whole cells, with room between any two instances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import combinations

from planners import benchmarks, physics, rules, templates
from planners.planning import PlanOptions, wire_of
from planners.tuning import telling
from planners.wire import Cells, Wire
from planners.wire.scene import scene_problems, write_scene
from starvid_core import paths
from starvid_core.artifacts import read_json
from starvid_core.errors import InputError
from starvid_core.moving_emoji import cast
from starvid_core.moving_emoji.world import FULL, held_out
from starvid_core.scene import Box, Trajectory

# What the tuned model is asked: the shortest messages, and numbers of one or two digits.
OPTIONS = PlanOptions(template="short", wire=wire_of("short"))
_SIZES = (1.0, 0.92, 0.85, 0.78, 0.71, 0.65, 0.6)  # shares of the rules' sizes, tried in turn


def taught(prompt: str) -> Trajectory:
    """The plan that is taught for a prompt; InputError where the rules have none without fault."""
    planned = rules.plan(prompt, OPTIONS.frames)
    rows = next((rows for s in _SIZES if _roomy(rows := _in_cells(planned, s))), None)
    if rows is None:
        raise InputError(f"no cells between the instances of {prompt!r}")
    trajectory = Trajectory(planned.plan, rows)
    if broken := physics.check(trajectory):
        raise InputError(f"{prompt!r}: {broken[0]}")
    told = replace(
        planned.plan,
        motion=telling.motion(trajectory, OPTIONS.wire),
        reasoning=telling.reasoning(planned.plan),
    )
    if problems := scene_problems(told):
        raise InputError(problems[0])
    write_scene(told)  # an InputError if it is too long to be said
    return replace(trajectory, plan=told)


def kept(prompt: str) -> bool:
    """Whether it is a prompt of a benchmark, of a study or of the paper's examples."""
    return _plain(prompt) in _kept()


def together(lemmas: Sequence[str]) -> bool:
    """Whether two of the subjects are a pair that `world.held_out` keeps for tests.

    Every two subjects of a benchmark's prompt are such a pair.
    """
    drawn = [lemma for lemma in lemmas if lemma in cast.ROLES]
    return any(held_out(a, b, FULL) for a, b in combinations(drawn, 2))


@cache
def _kept() -> frozenset[str]:
    asked = [p.prompt for name in benchmarks.names() for p in benchmarks.load(name)]
    for study in sorted(paths.STUDIES.glob("*.json")):
        # What is no text is a part of a benchmark; who has none asks for those of another study.
        own = read_json(study).get("prompts", ())
        asked += [prompt for prompt in own if isinstance(prompt, str)]
    asked += [example.plan.prompt for example in templates.examples()]
    return frozenset(map(_plain, asked))


def _plain(prompt: str) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in prompt.lower()).split())


# Layout.


def _in_cells(planned: Trajectory, size: float) -> tuple[tuple[Box, ...], ...]:
    """The rules' boxes, each of that share of its size about its foot, on the wire's lattice.

    Sides are rounded before edges, so that whoever keeps its size keeps it in cells.
    """
    wire = OPTIONS.wire
    return tuple(
        tuple(wire.box(_cells(box, size, wire)) for box in row if box) for row in planned.boxes
    )


def _cells(box: Box, size: float, wire: Wire) -> Cells:
    width = max(wire.least, _whole(size * box.width * wire.columns))
    height = max(wire.least, _whole(size * box.height * wire.rows))
    left = _whole(box.center[0] * wire.columns - width / 2)
    bottom = _whole(box.y1 * wire.rows)
    left = min(max(left, 0), wire.columns - width)
    bottom = min(max(bottom, height), wire.rows)
    return left, left + width, bottom - height, bottom


def _whole(value: float) -> int:
    """Rounded the same on every machine."""
    return int(value + 0.5 + 1e-6)


def _roomy(rows: Sequence[Sequence[Box]]) -> bool:
    """Whether a cell lies between any two instances in every frame."""
    wire = OPTIONS.wire
    wide, high = 1 / wire.columns - 1e-6, 1 / wire.rows - 1e-6
    return all(
        a.x1 + wide <= b.x0 or b.x1 + wide <= a.x0 or a.y1 + high <= b.y0 or b.y1 + high <= a.y0
        for first, second in combinations(rows, 2)
        for a, b in zip(first, second, strict=True)
    )
