"""The one-stage planner: one reply with subjects and boxes, held to the same rules."""

import json
from dataclasses import replace

import pytest

from planners import one_stage, rules
from planners.planning import Planned, PlanOptions, Unplanned
from planners.wire import Wire
from planners.wire.whole_plan import write_plan
from starvid_core.errors import InputError

PROMPT = "A man is running and a dog sits"
GOOD = rules.plan(PROMPT)
REPLY = write_plan(GOOD, Wire())
OPTIONS = PlanOptions(template="short")


def test_one_request_makes_a_plan(scripted, guide) -> None:
    engine = scripted([REPLY])
    planned = one_stage.plan(PROMPT, engine, OPTIONS)
    assert planned.trajectory.plan.subjects == GOOD.plan.subjects
    assert [(e.stage, e.problem) for e in planned.exchanges] == [("plan", "")]
    (request,) = engine.asked
    assert guide(request.grammar).accepts(REPLY) and len(REPLY) < request.max_tokens


def test_every_kind_of_problem_is_asked_again(scripted) -> None:
    crowd = REPLY.replace('"number":1,"motion":"sits"', '"number":2,"motion":"sits"')
    names = REPLY.replace('"name":"dog"', '"name":"cat"', 1)
    still = write_plan(replace(GOOD, boxes=((GOOD.boxes[0][0],) * 8, GOOD.boxes[1])), Wire())
    twice = REPLY.replace('"subject":"dog"', '"subject":"man"').replace(
        '"name":"dog"', '"name":"man"'
    )
    engine = scripted([crowd, names, still, twice, "{}", REPLY])
    planned = one_stage.plan(PROMPT, engine, replace(OPTIONS, attempts=6))
    problems = [exchange.problem for exchange in planned.exchanges]
    for problem, start in zip(
        problems,
        [
            "frames[0]: holds 2 boxes for man, dog, dog",
            'frames[0][1].name: "cat"',
            "frames[7][0]: moves: ",
            "subjects[1].subject: 2 subjects for 1 'man' of the prompt",
            "plan.subjects: this key is missing",
            "",
        ],
        strict=True,
    ):
        assert problem.startswith(start)
    told = json.loads(engine.asked[1].messages[-1].content.split("\n")[-1])
    assert told == {"problems": [problems[0]]}


def test_attempts_end_with_one_line(scripted) -> None:
    with pytest.raises(Unplanned, match="plan.subjects: this key is missing"):
        one_stage.plan(PROMPT, scripted(["{}"] * 3), OPTIONS)


def test_box_by_box_is_not_for_one_stage(scripted) -> None:
    with pytest.raises(InputError, match="cannot decode 'stepwise'; use 'oneshot'"):
        one_stage.plan(PROMPT, scripted([]), replace(OPTIONS, decode="stepwise"))


def test_many_prompts_are_planned_in_their_order(scripted) -> None:
    found = one_stage.plans([PROMPT, ""], scripted([REPLY]), OPTIONS)
    assert isinstance(found[0], Planned) and "the prompt is empty" in str(found[1])
