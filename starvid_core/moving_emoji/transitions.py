"""Scenes in which a subject changes sides of a thing, as their captions say, or otherwise.

Half-true captions leave a model that knows the words and the motions, but binds them loosely: what
SpatialAlign is for.
"""

from __future__ import annotations

from dataclasses import asdict
from itertools import product
from typing import Any

import numpy as np

from starvid_core.errors import InputError
from starvid_core.moving_emoji.captions import PLACES, VERBS
from starvid_core.moving_emoji.cast import ROLES, can, size
from starvid_core.moving_emoji.sides import STILL, Sides, Way
from starvid_core.moving_emoji.world import POSES, Act, Scene, WorldConfig, held_out
from starvid_core.options import known
from starvid_core.relations import PUBLISHED, TYPES, Transition

MOVERS = ("person", "animal", "bird")
GOING = ("walking", "running", "jumping", "flying")
COURSES = tuple(a + b for a, b in product(PUBLISHED, repeat=2))  # the six types, and to stay
CENTERS = (0.47, 0.5, 0.53)
BACKGROUND = {phrase.capitalize(): name for name, said in PLACES.items() for phrase in said}


def facts(world: WorldConfig) -> dict[str, Any]:
    """A world as its model keeps it: of transitions nothing where there are none."""
    own = ("transition_share", "obedience")
    return {k: v for k, v in asdict(world).items() if world.transition_share or k not in own}


def couples(world: WorldConfig) -> tuple[tuple[str, str], ...]:
    """Every (subject, thing) of a world that training may show together."""
    movers = [s for s in world.subjects if ROLES[s].kind in MOVERS and goings(s, world)]
    things = [t for t in world.subjects if still(t) in world.motions]
    return tuple(c for c in product(movers, things) if not held_out(*c, world))


def goings(subject: str, world: WorldConfig) -> tuple[str, ...]:
    """The motions by which a subject may change sides."""
    return tuple(m for m in GOING if m in world.motions and can(subject, m))


def still(thing: str) -> str:
    """The motion in which a thing is drawn that stays, empty for what is no thing."""
    return STILL.get(ROLES[thing].kind, "")


def sides(subject: str, motion: str, thing: str, x: float = CENTERS[1]) -> Sides:
    """Where the two of a scene stand when the thing is at `x`."""
    return Sides.fitted(size(subject, motion), size(thing, still(thing)), x)


def sample_told(rng: np.random.Generator, world: WorldConfig) -> Transition:
    """A random caption."""
    every = couples(world)
    subject, thing = every[int(rng.integers(len(every)))]
    kind = str(rng.choice(TYPES))
    verb = VERBS[str(rng.choice(goings(subject, world)))][1]
    place = str(rng.choice(PLACES[str(rng.choice(world.backgrounds))])).capitalize()
    return Transition(place, subject, kind[0], thing, kind[1], verb)


def sample_scene(rng: np.random.Generator, world: WorldConfig) -> Scene:
    """A random caption, and a scene that obeys it now and then."""
    told = sample_told(rng, world)
    others = [course for course in COURSES if course != told.kind]
    obeys = rng.random() < world.obedience
    return scene(told, told.kind if obeys else str(rng.choice(others)), rng)


def scene(told: Transition, course: str, rng: np.random.Generator) -> Scene:
    """The subject on its course, whatever is told; the thing stays, behind it."""
    motion, background = motion_of(told), place_of(told)
    stand = sides(told.subject, motion, told.object, float(rng.choice(CENTERS)))
    way, scale = stand.way(course), stand.scale
    right = bool(rng.random() < 0.5) if way.first[0] == way.last[0] else way.first < way.last
    turned = bool(rng.random() < 0.5)
    begin = int(rng.integers(POSES)) / POSES
    at = Way.still((stand.x, 0.0))
    thing = Act(told.object, still(told.object), 0.0, 0.0, 0.0, scale, 0.0, turned, at)
    mover = Act(told.subject, motion, 0.0, 0.0, 0.0, scale, begin, right, way)
    return Scene((thing, mover), background, True, told)


def motion_of(told: Transition) -> str:
    """The motion that a verb of the captions means."""
    verbs = {VERBS[motion][1]: motion for motion in GOING}
    return verbs[known("verb", told.verb, list(verbs))]


def place_of(told: Transition) -> str:
    """The background that a scene's phrase names."""
    if told.scene not in BACKGROUND:
        raise InputError(f"unknown place {told.scene!r}, expected {', '.join(BACKGROUND)}")
    return BACKGROUND[told.scene]
