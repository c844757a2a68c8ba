"""Boxes as the page has them, lists of fractions of the frame, and as the planner has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from planners import planner, variants
from planners.planner import Planner
from planners.planning import Planned
from starvid_core.errors import InputError
from starvid_core.plotting.style import colors
from starvid_core.scene import Box, ScenePlan, Trajectory

Rows = list[list[list[float] | None]]
PLACES = 5


def rows(trajectory: Trajectory) -> Rows:
    """`rows[instance][key frame]` is [x0, y0, x1, y1], or None out of sight."""
    return [[_corners(box) for box in row] for row in trajectory.boxes]


def trajectory(plan: ScenePlan, given: Any) -> Trajectory:
    """The trajectory of rows that come from the page; InputError for what is none."""
    if not isinstance(given, list) or not all(isinstance(row, list) for row in given):
        raise InputError("boxes must be a list of rows, one for every subject")
    return Trajectory(plan, tuple(tuple(_box(box) for box in row) for row in given))


def instances(plan: ScenePlan) -> list[dict[str, str]]:
    """Every single subject with the color of its boxes."""
    found = plan.instances
    return [
        {"noun": one.noun, "verb": one.verb, "color": color}
        for one, color in zip(found, colors(len(found)), strict=True)
    ]


def offered(more: Mapping[str, Planner] | None = None) -> dict[str, Callable[[str], Planned]]:
    """Planners by name: the rules, those whose replies are recorded, and the given ones."""
    recorded = [n for n in variants.names() if n != planner.RULES and variants.find(n).recorded]
    return {
        planner.RULES: planner.load().plan,
        **{name: partial(_replayed, name) for name in recorded},
        **{name: one.plan for name, one in (more or {}).items()},
    }


def _replayed(name: str, prompt: str) -> Planned:
    return variants.find(name).plan(prompt)


def _corners(box: Box | None) -> list[float] | None:
    return None if box is None else [round(v, PLACES) for v in (box.x0, box.y0, box.x1, box.y1)]


def _box(given: Any) -> Box | None:
    if given is None:
        return None
    numbers = isinstance(given, list) and all(
        isinstance(v, int | float) and not isinstance(v, bool) for v in given
    )
    if not numbers or len(given) != 4:
        raise InputError(f"a box is [x0, y0, x1, y1] or nothing, got {str(given)[:80]}")
    return Box(*map(float, given))
