"""The stream of examples: what our planners would send for a prompt, and the reply to learn.

Example `index` of a seed is the same on every machine and is drawn when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from planners import templates
from planners.engines.base import Message
from planners.tuning.lessons import OPTIONS, kept, taught, together
from planners.tuning.wording import Wording, drawn
from planners.wire.scene import write_scene
from planners.wire.whole_plan import write_plan
from starvid_core.errors import InputError
from starvid_core.scene import Trajectory


@dataclass(frozen=True)
class Example:
    """The messages of a request and the reply that is wanted."""

    stage: str  # scene | frames | plan
    messages: tuple[Message, ...]
    reply: str


def plan(seed: int, index: int, held_out: bool = False) -> Trajectory:
    """Plan number `index`: the first of its prompts that the rules read as it was meant.

    `held_out` gives prompts with a pair of subjects that all others are without.
    """
    rng = np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, index, int(held_out)]))
    while True:
        wording = drawn(rng)
        if kept(wording.prompt) or together(wording.lemmas) != held_out:
            continue
        try:
            trajectory = taught(wording.prompt)
        except InputError:
            continue
        if _as_meant(trajectory, wording):
            return trajectory


def _as_meant(trajectory: Trajectory, wording: Wording) -> bool:
    read = [(s.noun.casefold(), s.number) for s in trajectory.plan.subjects]
    return read == [(noun.casefold(), number) for noun, number in wording.subjects]


def stages(trajectory: Trajectory) -> tuple[Example, Example]:
    """Both stages of a plan."""
    scene = trajectory.plan
    return (
        Example("scene", templates.scene_messages(scene.prompt, OPTIONS), write_scene(scene)),
        Example(
            "frames",
            templates.frames_messages(scene, OPTIONS),
            OPTIONS.wire.write_frames(trajectory),
        ),
    )


def whole(trajectory: Trajectory) -> Example:
    """A plan in one stage."""
    messages = templates.plan_messages(trajectory.plan.prompt, OPTIONS)
    return Example("plan", messages, write_plan(trajectory, OPTIONS.wire))


def examples(
    seed: int,
    first: int,
    count: int,
    one_stage: float = 0.0,
    frames: float = 1.0,
    held_out: bool = False,
) -> Iterator[Example]:
    """Those of `count` plans from `first` on; a share of the plans is told in one stage.

    Of the others the first stage is told, and the second of a share `frames` of them.
    """
    for index in range(first, first + count):
        trajectory = plan(seed, index, held_out)
        # Multiples of such numbers fall below a share as often as the share says.
        if index * 0.6180339887498949 % 1 < one_stage:
            yield whole(trajectory)
        else:
            yield from stages(trajectory)[: 1 + (index * 0.4142135623730951 % 1 < frames)]
