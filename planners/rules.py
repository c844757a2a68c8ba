"""The planner that needs no language model: a small grammar and the laws of motion."""

from __future__ import annotations

from planners import description, layout, transitions
from planners.actors import actors
from planners.language.reading import read
from planners.language.text import checked
from starvid_core import relations
from starvid_core.errors import InputError
from starvid_core.scene import ScenePlan, Trajectory

MOST_FRAMES = 256


def plan(prompt: str, frames: int = 8) -> Trajectory:
    """Who does what, where, at every key frame; InputError for a prompt that it cannot read."""
    if not isinstance(frames, int) or isinstance(frames, bool) or not 1 <= frames <= MOST_FRAMES:
        raise InputError(f"frames is {frames!r}; give a whole number from 1 to {MOST_FRAMES}")
    told = relations.find(checked(prompt))
    if told is not None:
        return transitions.plan(told, frames)
    reading = read(prompt)
    rows = layout.boxes(actors(reading.parts), reading.camera, frames)
    scene = ScenePlan(
        prompt=prompt,
        subjects=tuple(part.subject for part in reading.parts),
        motion=description.motion(reading, rows),
        reasoning=description.reasoning(reading),
        camera=reading.camera,
    )
    return Trajectory(scene, rows)
