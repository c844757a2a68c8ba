"""Videos that test a score of transitions: what obeys, and the ways of not obeying."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from starvid_core.moving_emoji.data import generator
from starvid_core.moving_emoji.sides import Way
from starvid_core.moving_emoji.transitions import scene
from starvid_core.moving_emoji.world import Scene, WorldConfig, render
from starvid_core.relations import Transition
from starvid_core.video import Video


def cases(told: Transition, world: WorldConfig, seed: int = 0) -> dict[str, Video]:
    """Videos by what happens in them, for a prompt that asks to go from left to right."""
    draw = {course: _drawn(told, course, world, seed) for course in ("LR", "LT", "RL", "LL", "RR")}
    video = {course: render(drawn, world).video for course, drawn in draw.items()}
    thing, mover = draw["LR"].acts
    empty = _rendered(replace(draw["LR"], acts=(thing,)), world)
    half, part = world.frames // 2, world.frames // 4
    return {
        "obeys": video["LR"],
        "goes the other way": video["RL"],
        "stays": video["LL"],
        "stops on the object": _rendered(_halfway(draw["LR"]), world),
        "ends on top instead": video["LT"],
        "comes back": np.concatenate([video["LR"][::2], video["LR"][::-2]])[: world.frames],
        "jumps in one frame": np.concatenate([video["LL"][:half], video["RR"][half:]]),
        "is gone in between": np.concatenate(
            [video["LR"][:part], empty[part:-part], video["LR"][-part:]]
        ),
        "the object moves instead": _rendered(_exchanged(draw["LR"]), world),
        "a second subject": np.concatenate(
            [video["LR"][:1], _rendered(_doubled(draw["LL"], draw["RR"]), world)[1:]]
        ),
    }


def _drawn(told: Transition, course: str, world: WorldConfig, seed: int) -> Scene:
    return scene(told, course, generator(seed, 0))


def _rendered(drawn: Scene, world: WorldConfig) -> Video:
    return render(drawn, world).video


def _halfway(drawn: Scene) -> Scene:
    """The subject walks until it stands before the object."""
    thing, mover = drawn.acts
    assert thing.way is not None and mover.way is not None
    first, there = mover.way.first, thing.way.first
    way = Way(first, there, ((first[0] + there[0]) / 2, 0.0))
    return replace(drawn, acts=(thing, replace(mover, way=way)))


def _exchanged(drawn: Scene) -> Scene:
    """The subject stays in the middle, and the object passes it from right to left."""
    thing, mover = drawn.acts
    assert thing.way is not None and mover.way is not None
    middle, way = thing.way.first, mover.way
    away = Way(way.last, way.first, way.bend)
    acts = (replace(thing, way=away), replace(mover, way=Way.still(middle)))
    return replace(drawn, acts=acts)


def _doubled(left: Scene, right: Scene) -> Scene:
    """The subject stands on both sides at once."""
    return replace(left, acts=(*left.acts, right.acts[1]))
