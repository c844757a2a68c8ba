"""Replies of the one-stage planner: the frames fit the subjects that stand before them."""

import json
import random
import time
from pathlib import Path

import pytest

from planners import physics, rules
from planners.wire import Wire
from planners.wire.scene import scene_problems
from planners.wire.whole_plan import plan_grammar, plan_schema, plan_tokens, read_plan, write_plan
from starvid_core.errors import InputError

HERE = Path(__file__).parents[1]
TABLE = [row[0] for row in json.loads((HERE / "prompts.json").read_text(encoding="utf-8"))]
NASTY = json.loads((HERE / "nasty.json").read_text(encoding="utf-8"))
PROMPT = "Two dogs are running while a cat sits"
BOX = [1, 5, 2, 8]
REPLY = {
    "subjects": [
        {"id": 0, "subject": "dogs", "number": 2, "motion": "running"},
        {"id": 1, "subject": "cat", "number": 1, "motion": "sits"},
    ],
    "camera": "static",
    "frames": [[BOX, BOX, BOX]] * 2,
}
PLAIN = Wire(16, named=False)


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


@pytest.mark.parametrize("prompt", [*TABLE[::10], *NASTY])
def test_whatever_a_model_says_under_the_grammar_is_a_plan_in_the_frame(guide, prompt) -> None:
    start = time.process_time()
    grammar = guide(plan_grammar(prompt, PLAIN, 3))
    assert time.process_time() - start < 1
    for seed in range(3):
        reply = grammar.walk(random.Random(seed), plan_tokens(prompt, PLAIN, 3))
        trajectory = read_plan(reply, prompt, PLAIN, 3)
        assert scene_problems(trajectory.plan) == ()
        assert not list(physics.inside(trajectory))
        assert write_plan(trajectory, PLAIN) == reply


def test_named_boxes_need_a_second_look_at_their_names_only(guide) -> None:
    wire, named = Wire(16), 0
    grammar = guide(plan_grammar(PROMPT, wire, 1))
    for seed in range(30):
        reply = grammar.walk(random.Random(seed), plan_tokens(PROMPT, wire, 1))
        try:
            read_plan(reply, PROMPT, wire, 1)
        except InputError as error:
            assert "].name: " in str(error)
        else:
            named += 1
    assert 0 < named < 30


@pytest.mark.parametrize("wire", [Wire(16), PLAIN, Wire(1, named=False)], ids=str)
def test_plans_of_the_rules_can_be_said(guide, wire: Wire) -> None:
    for prompt in TABLE[2::30]:
        trajectory = rules.plan(prompt, 2)
        written = write_plan(trajectory, wire)
        read = read_plan(written, prompt, wire, 2)
        assert read.plan.subjects == trajectory.plan.subjects
        assert wire.write_frames(read) == wire.write_frames(trajectory)
        assert guide(plan_grammar(prompt, wire, 2)).accepts(written)
        assert guide(plan_schema(prompt, wire, 2)).accepts(written)


def test_the_grammar_counts_boxes_by_the_subjects(guide) -> None:
    grammar = guide(plan_grammar(PROMPT, PLAIN, 2))
    assert grammar.accepts(_compact(REPLY))
    for frames in ([[BOX] * 2] * 2, [[BOX] * 4] * 2, [[BOX] * 3], [[BOX] * 3] * 3):
        assert not grammar.accepts(_compact(REPLY | {"frames": frames}))


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ("[]", "plan: input should be a valid dictionary or instance of WholePlan, got []"),
        ("{}", "plan.subjects: this key is missing; add it"),
        (_compact(REPLY | {"note": "x"}), "plan.note: this key is unknown; remove it"),
        (_compact(REPLY | {"camera": "up"}), 'camera: "up" is no move'),
        (_compact(REPLY | {"camera": None}), "plan.camera: input should be a valid string"),
        (_compact(REPLY | {"subjects": []}), "subjects: 0 instances; write subjects of 1 to 8"),
        (_compact(REPLY | {"subjects": [{"id": 0}]}), "subjects[0].subject: this key is missing"),
        (_compact(REPLY | {"frames": [[BOX] * 3]}), "frames: holds 1 instead of 2"),
        (_compact(REPLY | {"frames": [[BOX] * 2] * 2}), "frames[0]: holds 2 boxes for dogs, dogs"),
        (_compact(REPLY | {"frames": 8}), "plan.frames: input should be a valid list, got 8"),
        (_compact(REPLY) + "!", "reply: not JSON"),
    ],
)
def test_other_replies_are_refused_with_the_field(reply: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_plan(reply, PROMPT, PLAIN, 2)
    assert message in str(caught.value)
