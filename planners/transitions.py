"""Plans of SpatialAlign's prompts: a subject changes sides of a thing that stays."""

from __future__ import annotations

from planners.actors import size
from planners.language import lexicon
from starvid_core.errors import InputError
from starvid_core.moving_emoji.sides import STILL, Point, Sides, Size
from starvid_core.relations import PHRASES, PUBLISHED, Transition
from starvid_core.scene import Box, ScenePlan, Subject, Trajectory

GROUND = 0.92  # of the Moving-Emoji world
RESTING = "sitting"


def plan(told: Transition, frames: int) -> Trajectory:
    """Boxes of the subject on its way and of the thing, at every key frame.

    What has no verb takes the second mention of its noun for one: guidance wants two words each.
    """
    if not set(told.kind) <= set(PUBLISHED):
        spoken = " and ".join(repr(PHRASES[letter][0]) for letter in told.kind)
        raise InputError(f"no plan for {spoken}; the rules know left of, right of, on the top of")
    moving = lexicon.planned(lexicon.motion_of_words(told.verb.split()) or told.verb).name
    still = STILL.get(lexicon.kind(_like(told.object)), RESTING)
    sides = Sides.fitted(size(_like(told.subject), moving), size(_like(told.object), still))
    way = sides.way(told.kind)
    times = [f / (frames - 1) if frames > 1 else 0.0 for f in range(frames)]
    rows = (
        tuple(_box(way.at(t), sides.subject) for t in times),
        tuple(_box((sides.x, 0.0), sides.thing) for _ in times),
    )
    subjects = (
        Subject(0, told.subject, told.verb, motion=moving),
        Subject(1, told.object, told.object, motion=still),
    )
    first, last = (PHRASES[letter][0] for letter in told.kind)
    motion = f"The {told.subject} ({moving}): {first}, then {last} the {told.object}, which stays."
    reasoning = "The way leads over the thing, never through it, so both stay in sight."
    return Trajectory(ScenePlan(told.prompt, subjects, motion, reasoning), rows)


def _like(noun: str) -> str:
    """The subject of the cast that the last word of a noun looks like."""
    known = lexicon.noun(noun.split()[-1].lower())
    return known.like if known else noun


def _box(at: Point, body: Size) -> Box:
    (x, height), (wide, tall) = at, body
    bottom = GROUND - height
    return Box(x - wide / 2, bottom - tall, x + wide / 2, bottom)
