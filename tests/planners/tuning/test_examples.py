"""What the small model learns: our own requests, lawful plans, and nothing that tests keep."""

from __future__ import annotations

import itertools

import pytest

from planners import benchmarks, physics, templates, two_stage
from planners.tracks import motion_of
from planners.tuning import examples, lessons
from planners.tuning.lessons import OPTIONS, kept, together
from planners.wire.scene import read_scene, scene_problems
from planners.wire.scene_grammar import scene_grammar
from planners.wire.whole_plan import plan_grammar, read_plan
from starvid_core.moving_emoji import cast
from starvid_core.scene import Trajectory

SEED, COUNT = 3, 80


@pytest.fixture(scope="module")
def plans() -> list[Trajectory]:
    return [examples.plan(SEED, index) for index in range(COUNT)]


def test_an_example_is_the_same_wherever_the_stream_begins() -> None:
    whole = list(examples.examples(SEED, 0, 6, one_stage=0.3))
    assert (
        list(examples.examples(SEED, 0, 4, 0.3)) + list(examples.examples(SEED, 4, 2, 0.3)) == whole
    )
    assert [e.stage for e in whole].count("plan") == 3
    assert examples.plan(SEED + 1, 0) != examples.plan(SEED, 0)


def test_the_first_stage_is_told_more_often_than_the_second() -> None:
    told = [e.stage for e in examples.examples(SEED, 0, 60, one_stage=0.2, frames=0.3)]
    assert told.count("plan") == 12 and told.count("scene") == 48
    assert 12 <= told.count("frames") <= 17


def test_every_plan_keeps_the_laws_with_room_to_spare(plans) -> None:
    for plan in plans:
        assert physics.check(plan) == () and scene_problems(plan.plan) == ()
        assert lessons._roomy(plan.boxes)


def test_every_reply_is_read_as_the_plan_that_it_stands_for(plans) -> None:
    wire = OPTIONS.wire
    for plan in plans:
        scene, frames = examples.stages(plan)
        assert read_scene(scene.reply, plan.plan.prompt) == plan.plan
        assert wire.read_frames(frames.reply, plan.plan, OPTIONS.frames) == plan
        read = read_plan(examples.whole(plan).reply, plan.plan.prompt, wire, OPTIONS.frames)
        assert read.boxes == plan.boxes


def test_the_grammars_of_the_requests_take_the_replies(plans, guide) -> None:
    wire, frames = OPTIONS.wire, OPTIONS.frames
    for plan in plans[:12]:
        scene, boxes = (example.reply for example in examples.stages(plan))
        prompt = plan.plan.prompt
        assert guide(scene_grammar(prompt)).accepts(scene)
        assert guide(wire.frames_grammar(plan.plan, frames)).accepts(boxes)
        whole = examples.whole(plan).reply
        assert guide(plan_grammar(prompt, wire, frames)).accepts(whole)


def test_the_messages_are_those_that_the_planner_sends(plans, scripted) -> None:
    for plan in plans[:5]:
        lesson = examples.stages(plan)
        engine = scripted([example.reply for example in lesson])
        made = two_stage.plan(plan.plan.prompt, engine, OPTIONS)
        assert made.trajectory == plan and made.violations == ()
        assert [request.messages for request in engine.asked] == [e.messages for e in lesson]


def test_no_two_subjects_of_a_benchmark_prompt_are_learned_together(plans) -> None:
    asked = [prompt for name in benchmarks.names() for prompt in benchmarks.load(name)]
    for prompt in asked:
        assert kept(prompt.prompt)
        for pair in itertools.combinations(prompt.subjects, 2):
            assert together([subject.subject for subject in pair])
    for plan in plans:
        nouns = [subject.noun.lower() for subject in plan.plan.subjects]
        assert not kept(plan.plan.prompt) and not together(nouns)


def test_prompts_that_are_kept_are_known_in_any_spelling() -> None:
    [example, *_] = templates.examples()
    assert kept(example.plan.prompt) and kept(f"  {example.plan.prompt.upper()}!! ")
    assert not kept("A wizard juggles.")


def test_held_out_plans_have_a_pair_that_no_other_has() -> None:
    for index in range(8):
        plan = examples.plan(SEED, index, held_out=True)
        nouns = [s.noun.lower() for s in plan.plan.subjects]
        assert together(nouns) or any(s.number > 1 for s in plan.plan.subjects)
        assert physics.check(plan) == ()


def test_the_stream_is_varied(plans) -> None:
    subjects = [subject for plan in plans for subject in plan.plan.subjects]
    assert len({plan.plan.prompt for plan in plans}) == COUNT
    assert {len(plan.plan.subjects) for plan in plans} == {1, 2, 3, 4}
    assert {1, 2, 3} <= {subject.number for subject in subjects}
    assert len({plan.plan.camera for plan in plans}) >= 4
    assert len({subject.noun for subject in subjects} - set(cast.ROLES)) > 40
    motions = [motion_of(subject) for subject in subjects]
    assert {"cross", "swim", "still", "stay", "hop"} <= {m.family for m in motions if m}
    ways = {row for plan in plans for row in plan.boxes}
    assert len(ways) > 0.8 * sum(len(plan.boxes) for plan in plans)
