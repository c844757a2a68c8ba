"""The two-stage planner: refused replies are asked again with their problems, never mended."""

import json
import random
from dataclasses import replace

import pytest

from planners import physics, rules, schema, two_stage
from planners.engines.base import EngineError, Request
from planners.planning import Planned, PlanOptions, Unplanned
from planners.wire import Wire
from planners.wire.scene import write_scene
from starvid_core.errors import InputError
from starvid_core.scene import Trajectory

PROMPT = "A man is running and a dog sits"
GOOD = rules.plan(PROMPT)
SCENE = write_scene(replace(GOOD.plan, motion="The man goes right.", reasoning="He runs."))
FRAMES = Wire().write_frames(GOOD)
OPTIONS = PlanOptions(template="short")


def _still() -> str:
    """The man does not move, and the dog stands where he does in the last frame."""
    man, dog = ((row[0],) * 8 for row in GOOD.boxes)
    return Wire().write_frames(Trajectory(GOOD.plan, (man, (*dog[:7], man[0]))))


def test_two_requests_make_a_plan(scripted) -> None:
    engine = scripted([SCENE, FRAMES])
    planned = two_stage.plan(PROMPT, engine, OPTIONS)
    assert planned.trajectory.plan.motion == "The man goes right."
    assert planned.trajectory == Wire().read_frames(FRAMES, planned.trajectory.plan, 8)
    assert planned.violations == ()
    assert [(e.stage, e.problem, e.reply.text) for e in planned.exchanges] == [
        ("scene", "", SCENE),
        ("frames", "", FRAMES),
    ]
    keys = [request.key(engine.model) for request in engine.asked]
    assert [exchange.request_key for exchange in planned.exchanges] == keys
    assert (planned.seconds, planned.tokens) == (1.0, 10)
    assert schema.loads(schema.dumps(planned.trajectory, "two_stage")).plan.prompt == PROMPT


def test_what_is_asked_has_grammar_schema_and_a_computed_length(scripted, guide) -> None:
    engine = scripted([SCENE, FRAMES])
    two_stage.plan(PROMPT, engine, OPTIONS)
    for request, text in zip(engine.asked, (SCENE, FRAMES), strict=True):
        assert guide(request.grammar).accepts(text) and guide(dict(request.schema)).accepts(text)
        assert len(text) < request.max_tokens < len(text) + 700
        assert request.temperature == 0
    told = json.loads(engine.asked[1].messages[-1].content)
    assert told["motion planner"] == "The man goes right."


def test_a_refused_scene_is_asked_again_with_its_problem(scripted) -> None:
    wrong = SCENE.replace('"man"', '"horse"')
    engine = scripted([wrong, "{", SCENE, FRAMES])
    planned = two_stage.plan(PROMPT, engine, OPTIONS)
    assert [e.stage for e in planned.exchanges] == ["scene", "scene", "scene", "frames"]
    assert [bool(e.problem) for e in planned.exchanges] == [True, True, False, False]
    first, second, third, _ = engine.asked
    assert second.messages[: len(first.messages)] == first.messages
    *_, said, problems = second.messages
    assert (said.role, said.content) == ("assistant", wrong)
    (problem,) = json.loads(problems.content.split("\n")[-1])["problems"]
    assert 'scene[0].subject: "horse" is no word of the prompt' in problem
    assert len(third.messages) == len(second.messages), "only the last refused reply is shown"
    assert [r.temperature for r in engine.asked] == [0, 0.7, 0.7, 0]
    assert (first.grammar, first.schema) == (second.grammar, second.schema)


def test_a_scene_that_the_prompt_does_not_tell_is_asked_again(scripted) -> None:
    crowd = SCENE.replace('"number":1', '"number":2')
    planned = two_stage.plan(PROMPT, scripted([crowd, SCENE, FRAMES]), OPTIONS)
    problem = planned.exchanges[0].problem
    assert "scene[0].number: [2] of 'man'; the prompt allows [1]" in problem
    assert "scene[1].number: [2] of 'dog'" in problem


def test_a_plan_that_breaks_a_check_is_asked_again_with_its_violations(scripted) -> None:
    engine = scripted([SCENE, _still(), FRAMES])
    planned = two_stage.plan(PROMPT, engine, OPTIONS)
    assert planned.violations == ()
    told = json.loads(engine.asked[2].messages[-1].content.split("\n")[-1])["problems"]
    assert 1 < len(told) <= 10
    assert any(p.startswith("frames[7][1]: apart: the overlap with another") for p in told)
    assert any(p.startswith("frames[7][0]: moves: the travel of a subject that goes") for p in told)


def test_a_plan_that_need_not_be_valid_keeps_its_violations(scripted) -> None:
    options = replace(OPTIONS, valid=False)
    planned = two_stage.plan(PROMPT, scripted([SCENE, _still()]), options)
    assert {v.code for v in planned.violations} >= {"apart", "moves", "still"}
    assert planned.violations == physics.check(planned.trajectory)
    assert [e.problem for e in planned.exchanges] == ["", ""]


def test_never_more_than_ten_problems_are_told(scripted) -> None:
    prompt = "Eight men are running"
    plan = rules.plan(prompt)
    scene = write_scene(replace(plan.plan, motion="a", reasoning="b"))
    heap = Trajectory(plan.plan, ((plan.boxes[0][0],) * 8,) * 8)
    engine = scripted([scene, Wire().write_frames(heap), Wire().write_frames(plan)])
    two_stage.plan(prompt, engine, OPTIONS)
    told = json.loads(engine.asked[2].messages[-1].content.split("\n")[-1])["problems"]
    assert len(told) == 10


@pytest.mark.parametrize(
    ("replies", "message"),
    [
        (["{"] * 3, "reply: not JSON at line 1 column 2"),
        ([SCENE, "[]", "[[]]", FRAMES[:-1]], "reply: not JSON"),
        ([SCENE, *[FRAMES.replace('"man"', '"men"')] * 3], 'frames[0][0].name: "men" is not'),
        ([SCENE, *[_still()] * 3], "frames[7][0]: moves: "),
    ],
)
def test_attempts_end_with_one_line_that_names_the_field(scripted, replies, message) -> None:
    with pytest.raises(Unplanned) as caught:
        two_stage.plan(PROMPT, scripted(replies), OPTIONS)
    assert f'no plan for "{PROMPT}" from scripted@0 in 3 attempts: ' in str(caught.value)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value) and len(str(caught.value)) <= 600
    assert [e.reply.text for e in caught.value.exchanges] == replies
    assert all(e.problem for e in caught.value.exchanges[-3:])


def test_the_number_of_attempts_and_the_temperature_are_as_asked(scripted) -> None:
    engine = scripted(["{"] * 5)
    with pytest.raises(Unplanned, match="in 5 attempts"):
        two_stage.plan(PROMPT, engine, replace(OPTIONS, attempts=5, temperature=0.4))
    assert [request.temperature for request in engine.asked] == [0.4] * 5


def test_a_huge_refused_reply_is_not_shown_whole(scripted) -> None:
    engine = scripted(["x" * 900_000, SCENE, FRAMES])
    two_stage.plan(PROMPT, engine, OPTIONS)
    assert len(engine.asked[1].messages[-2].content) == 20_000


@pytest.mark.parametrize("finish", ["length", "content_filter", ""])
def test_a_reply_that_was_cut_is_never_read(scripted, finish: str) -> None:
    engine = scripted([SCENE], finish=finish)
    with pytest.raises(EngineError, match="finish_reason"):
        two_stage.plan(PROMPT, engine, OPTIONS)
    assert len(engine.asked) == 1


@pytest.mark.parametrize("prompt", ["", "twelve dogs run", "a\x00b runs", "dog " * 3000, "the sky"])
def test_a_bad_prompt_is_refused_before_anything_is_asked(scripted, prompt: str) -> None:
    engine = scripted([])
    with pytest.raises(InputError):
        two_stage.plan(prompt, engine, OPTIONS)
    assert engine.asked == []


def _first(guide):
    """A model without sense that keeps to the grammar."""
    draw = random.Random(0)

    def say(request: Request) -> str:
        return guide(request.grammar).walk(draw, request.max_tokens)

    return say


def test_a_model_without_sense_makes_a_plan_in_the_frame(scripted, guide) -> None:
    options = replace(OPTIONS, valid=False, wire=Wire(16), attempts=1)
    planned = two_stage.plan("Two dogs run and a cat sits", scripted(_first(guide)), options)
    assert not list(physics.inside(planned.trajectory))


def test_stepwise_a_model_without_sense_makes_a_valid_plan(scripted, guide) -> None:
    options = replace(OPTIONS, decode="stepwise", wire=Wire(16), frames=6)
    engine = scripted(_first(guide))
    planned = two_stage.plan(PROMPT, engine, options)
    assert planned.violations == () and planned.trajectory.frames == 6
    asked = engine.asked[1:]
    assert asked and all(r.continues and r.schema is None for r in asked)
    assert {exchange.stage for exchange in planned.exchanges[1:]} == {"box"}
    whole = Wire(16).write_frames(planned.trajectory)
    assert all(whole.startswith(request.messages[-1].content) for request in asked)


def test_stepwise_a_box_that_was_not_offered_is_refused(scripted) -> None:
    def say(request: Request) -> str:
        return '0,2],"y":[0,2]' if request.continues else SCENE

    options = replace(OPTIONS, decode="stepwise", wire=Wire(16), attempts=2)
    with pytest.raises(Unplanned) as caught:
        two_stage.plan(PROMPT, scripted(say), options)
    assert "box of instance 0: [0, 2, 0, 2] is none of those offered" in str(caught.value)
    assert [bool(e.problem) for e in caught.value.exchanges] == [False, True, True]


def test_stepwise_needs_grammars(scripted) -> None:
    engine = scripted([SCENE], grammars=False)
    with pytest.raises(InputError, match="engine 'scripted' takes no grammars, which decode"):
        two_stage.plan(PROMPT, engine, replace(OPTIONS, decode="stepwise"))
    assert engine.asked == []


def test_many_prompts_are_planned_in_their_order(scripted) -> None:
    def say(request: Request) -> str:
        told = json.loads(request.messages[-1].content)
        plan = rules.plan(told["prompt"])
        if "objects" in told:
            return Wire().write_frames(plan)
        return write_scene(replace(plan.plan, motion="a", reasoning="b"))

    prompts = [PROMPT, "twelve dogs run", "A cat sits"]
    found = two_stage.plans(prompts, scripted(say, concurrency=2), OPTIONS)
    assert isinstance(found[0], Planned) and isinstance(found[2], Planned)
    assert found[2].trajectory.plan.prompt == "A cat sits"
    assert "asks for 12 subjects" in str(found[1])
