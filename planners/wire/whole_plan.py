"""The reply of the one-stage planner: subjects, camera and frames in one JSON object.

Its grammar counts the boxes of a frame by the subjects before; which names these boxes have is
only checked by the reader.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import TypeAdapter

from planners import gbnf
from planners.gbnf import Grammar, literal, sequence
from planners.language.reading import MOST_INSTANCES
from planners.wire import json_schema as schema
from planners.wire.frames import Wire, checked, frames_rule
from planners.wire.reply import END, Strict, compact, parsed, validated
from planners.wire.scene import check_camera, entries, read_subjects
from planners.wire.scene_grammar import Listing, cameras_rule, entry_schema, subjects_tokens
from planners.wire.vocabulary import vocabulary
from starvid_core.scene import ScenePlan, Subject, Trajectory


class WholePlan(Strict):
    """The keys of a reply."""

    subjects: list[Any]
    camera: str
    frames: list[Any]


_WHOLE = TypeAdapter(WholePlan)


def plan_grammar(prompt: str, wire: Wire, frames: int) -> str:
    """Subjects like stage one's, then so many frames with a box for every instance."""
    words, grammar = vocabulary(prompt), Grammar()
    nouns = grammar.share(gbnf.one_of(compact(noun) for noun in words.nouns))
    numbers, cameras = wire.numbers_rule(grammar), cameras_rule(words)

    @cache
    def end(instances: int) -> str:
        boxes = [(wire.opening_rule(n, nouns), numbers) for n in range(instances)]
        listed = frames_rule(grammar, boxes, frames)
        return sequence(literal('],"camera":'), cameras, literal(',"frames":'), listed, '"}"')

    subjects = Listing(words, grammar, end).rule()
    return grammar.text(sequence(literal('{"subjects":['), subjects))


def plan_schema(prompt: str, wire: Wire, frames: int) -> schema.Schema:
    """The same as far as JSON Schema can say it: the lists need not agree there."""
    words = vocabulary(prompt)
    box = wire.box_schema(schema.whole(0, MOST_INSTANCES - 1), schema.one_of(words.nouns))
    frame = schema.listed(box, 1, MOST_INSTANCES)
    return schema.closed(
        {
            "subjects": schema.listed(entry_schema(words), 1, MOST_INSTANCES),
            "camera": schema.one_of(words.cameras),
            "frames": schema.listed(frame, checked(frames), frames),
        }
    )


def plan_tokens(prompt: str, wire: Wire, frames: int) -> int:
    """No reply has more tokens."""
    words = vocabulary(prompt)
    longest = max(words.nouns, key=lambda noun: len(compact(noun).encode()))
    crowd = ScenePlan(prompt, (Subject(0, longest, "", words.most_instances),))
    around = len('{"subjects":[],"camera":"pan right","frames":}')
    return subjects_tokens(prompt) + around + wire.frames_tokens(crowd, frames) + END


def read_plan(text: str, prompt: str, wire: Wire, frames: int) -> Trajectory:
    """The trajectory that a reply stands for, or InputError that names the field."""
    whole = validated(_WHOLE, parsed(text), "plan")
    check_camera("camera", whole.camera)
    subjects = read_subjects(whole.subjects, prompt, "subjects")
    return wire.trajectory(whole.frames, ScenePlan(prompt, subjects, camera=whole.camera), frames)


def write_plan(trajectory: Trajectory, wire: Wire) -> str:
    """The reply that stands for a trajectory; the motion plan and the reasoning are left out."""
    plan = trajectory.plan
    subjects, camera = compact(entries(plan)), compact(plan.camera)
    frames = wire.write_frames(trajectory)
    written = f'{{"subjects":{subjects},"camera":{camera},"frames":{frames}}}'
    read_plan(written, plan.prompt, wire, trajectory.frames)
    return written
