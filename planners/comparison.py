"""What a plan is worth (Fig. 8): whether it is one, obeys the checks, and says what was asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np

from planners import templates
from planners.benchmarks import BenchmarkPrompt, BenchmarkSubject
from planners.physics import CHECKS
from planners.planning import Exchange, Planned, Unplanned
from planners.tracks import tracks
from planners.variants import Variant
from planners.wire import Cells, Wire
from starvid_core.errors import InputError
from starvid_core.scene import Box, Subject, Trajectory

NAN = float("nan")


@dataclass(frozen=True)
class Row:
    """One planner on one prompt; what only a plan has is nan, or no violations, without one."""

    planner: str
    model: str
    prompt: str
    subjects: int  # that the prompt asks for
    planned: bool
    valid: bool  # breaks no check
    subjects_right: bool  # stage one names exactly the subjects and their numbers
    motions_right: bool  # and what each of them does
    overlap: float
    acceleration: float
    copied_boxes: float
    copied_track: float
    requests: int
    prompt_tokens: int
    tokens: int
    seconds: float  # of the model's replies
    violations: dict[str, int]  # by the code of the check
    problem: str  # why there is no plan

    @property
    def flat(self) -> dict[str, Any]:
        """The row of a table: a number for every check, empty without a plan."""
        facts = {k: v for k, v in vars(self).items() if k not in ("violations", "problem")}
        broken = {code: self.violations.get(code, 0) if self.planned else NAN for code in CHECKS}
        return facts | broken | {"problem": self.problem}


def rows(planner: Variant, asked: Sequence[BenchmarkPrompt], replay: bool = False) -> list[Row]:
    """How good the answers of a planner to some prompts are; with `replay` no model is asked."""
    answers = planner.plans([line.prompt for line in asked], replay)
    who, wire = (planner.name, answers.model), planner.wire
    return [row(who, line, made, wire) for line, made in zip(asked, answers.plans, strict=True)]


def row(
    who: tuple[str, str], asked: BenchmarkPrompt, made: Planned | InputError, wire: Wire
) -> Row:
    """One answer of a planner and its model; `wire` is how its boxes were written."""
    trajectory = made.trajectory if isinstance(made, Planned) else None
    said = trajectory.plan.subjects if trajectory else ()
    return Row(
        planner=who[0],
        model=who[1],
        prompt=asked.prompt,
        subjects=sum(subject.number for subject in asked.subjects),
        planned=trajectory is not None,
        valid=isinstance(made, Planned) and not made.violations,
        subjects_right=_listed(said) == _listed(asked.subjects),
        motions_right=_listed(said, True) == _listed(asked.subjects, True),
        overlap=overlap(trajectory) if trajectory else NAN,
        acceleration=acceleration(trajectory) if trajectory else NAN,
        copied_boxes=copied_boxes(trajectory, wire) if trajectory else NAN,
        copied_track=float(copied_track(trajectory, wire)) if trajectory else NAN,
        violations=dict(Counter(v.code for v in getattr(made, "violations", ()))),
        problem=str(made) if isinstance(made, InputError) else "",
        **_cost(made.exchanges if isinstance(made, Planned | Unplanned) else ()),
    )


def seen(made: Planned | InputError) -> tuple[Trajectory | None, tuple[str, ...]]:
    """The plan, if it is one, and the codes of the checks that it breaks."""
    if isinstance(made, InputError):
        return None, ()
    return made.trajectory, tuple(dict.fromkeys(v.code for v in made.violations))


def overlap(trajectory: Trajectory) -> float:
    """Mean intersection over union of two instances, over pairs and frames; nan for one alone."""
    pairs = combinations(trajectory.boxes, 2)
    met = (both for pair in pairs for both in zip(*pair, strict=True))
    shared = [a.overlap(b) for a, b in met if a and b]
    return float(np.mean(shared)) if shared else NAN


def acceleration(trajectory: Trajectory) -> float:
    """Mean second difference of centers from key frame to key frame, in sizes of the frame.

    0 is an even motion or none. Bounces have much, and so has a plan that jumps to and fro: compare
    planners on the same prompts.
    """
    ways = (np.array([box.center for box in track.boxes]) for track in tracks(trajectory))
    changes = [np.linalg.norm(np.diff(way, n=2, axis=0), axis=1) for way in ways if len(way) > 2]
    return float(np.mean(np.concatenate(changes))) if changes else NAN


def copied_boxes(trajectory: Trajectory, wire: Wire) -> float:
    """Share of the boxes that stand in the in-context examples, rounded as the wire writes them."""
    known = {cells for track in _examples(wire, trajectory.frames) for cells in track}
    boxes = [cells for row in trajectory.boxes for cells in _written(row, wire)]
    return sum(cells in known for cells in boxes) / len(boxes)


def copied_track(trajectory: Trajectory, wire: Wire) -> bool:
    """Whether somebody goes the whole way of somebody of the in-context examples."""
    known = _examples(wire, trajectory.frames)
    return any(_written(row, wire) in known for row in trajectory.boxes)


@cache
def _examples(wire: Wire, frames: int) -> frozenset[tuple[Cells | None, ...]]:
    shown = (example.resample(frames) for example in templates.examples())
    return frozenset(_written(row, wire) for example in shown for row in example.boxes)


def _written(row: tuple[Box | None, ...], wire: Wire) -> tuple[Cells | None, ...]:
    """The numbers of boxes, None for one that this wire cannot write."""

    def numbers(box: Box | None) -> Cells | None:
        try:
            return wire.cells(box)
        except InputError:
            return None

    return tuple(map(numbers, row))


def _listed(
    subjects: Iterable[Subject | BenchmarkSubject], motions: bool = False
) -> Counter[tuple[str | int, ...]]:
    entries = ((s.noun, s.number, s.motion) for s in subjects)
    return Counter(entry if motions else entry[:2] for entry in entries)


def _cost(exchanges: tuple[Exchange, ...]) -> dict[str, Any]:
    replies = [exchange.reply for exchange in exchanges]
    return {
        "requests": len(replies),
        "prompt_tokens": sum(reply.prompt_tokens for reply in replies),
        "tokens": sum(reply.tokens for reply in replies),
        "seconds": round(sum(reply.seconds for reply in replies), 3),
    }
