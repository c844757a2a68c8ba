"""Stage two's replies: boxes inside the frame by construction, read as they stand or refused."""

import json
import random
import time
from pathlib import Path

import pytest

from planners import physics, rules, schema
from planners.wire import Wire
from starvid_core.errors import InputError
from starvid_core.scene import Box, ScenePlan, Subject, Trajectory

HERE = Path(__file__).parents[1]
TABLE = [row[0] for row in json.loads((HERE / "prompts.json").read_text(encoding="utf-8"))]
SCENES = [rules.plan(prompt, 3) for prompt in TABLE[::4]]
PLAN = ScenePlan(
    "a man runs and a dog sits", (Subject(0, "man", "runs"), Subject(1, "dog", "sits"))
)
NASTY = ScenePlan("-", (Subject(0, 'd"o\\g', "-"), Subject(1, "猫[]{}", "-", 2)))
WIRES = [Wire(unit, named) for unit in (1, 2, 4, 8, 16) for named in (True, False)]
COARSE = [Wire(16), Wire(16, named=False)]
MAN = {"id": 0, "name": "man", "x": [10, 60], "y": [20, 90]}
DOG = {"id": 1, "name": "dog", "x": [100, 160], "y": [20, 90]}


def _reply(*frames: object) -> str:
    return json.dumps(frames, separators=(",", ":"))


def _inside(trajectory: Trajectory) -> bool:
    return not list(physics.inside(trajectory))


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.plan.prompt[:50])
def test_whatever_a_model_says_under_the_grammar_is_a_plan_in_the_frame(guide, scene) -> None:
    for wire in COARSE:
        grammar = guide(wire.frames_grammar(scene.plan, 3))
        for seed in range(3):
            reply = grammar.walk(random.Random(seed), wire.frames_tokens(scene.plan, 3))
            trajectory = wire.read_frames(reply, scene.plan, 3)
            assert _inside(trajectory)
            assert wire.write_frames(trajectory) == reply
            assert schema.loads(schema.dumps(trajectory)).plan == scene.plan


@pytest.mark.parametrize("plan", [PLAN, NASTY], ids=["plain", "nasty"])
def test_at_pixels_too(guide, plan: ScenePlan) -> None:
    for wire in (Wire(), Wire(named=False)):
        start = time.process_time()
        grammar = guide(wire.frames_grammar(plan, 8))
        assert time.process_time() - start < 1
        for seed in range(4):
            reply = grammar.walk(random.Random(seed), wire.frames_tokens(plan, 8))
            trajectory = wire.read_frames(reply, plan, 8)
            assert _inside(trajectory) and wire.write_frames(trajectory) == reply
    assert len(Wire().frames_grammar(plan, 8)) < 100_000


@pytest.mark.parametrize("wire", WIRES, ids=str)
def test_plans_of_the_rules_can_be_said_and_stay_apart(wire: Wire) -> None:
    for scene in SCENES:
        written = wire.write_frames(scene)
        read = wire.read_frames(written, scene.plan, 3)
        assert wire.write_frames(read) == written
        assert not list(physics.apart(read)) and _inside(read)
        for row, told in zip(scene.boxes, read.boxes, strict=True):
            for box, near in zip(row, told, strict=True):
                assert box and abs(box.x0 - near.x0) <= 0.51 / wire.columns
                assert abs(box.y1 - near.y1) <= 0.51 / wire.rows


def test_the_grammar_takes_every_box_in_the_frame_and_no_other(guide) -> None:
    for wire in (Wire(16), Wire(8, named=False)):
        one = ScenePlan("a man runs", (Subject(0, "man", "runs"),))
        grammar, draw = guide(wire.frames_grammar(one, 1)), random.Random(1)
        for _ in range(200):
            left, right = draw.randint(0, wire.columns), draw.randint(0, wire.columns + 3)
            top, bottom = draw.randint(0, wire.rows), draw.randint(0, wire.rows + 3)
            fits = right - left >= wire.least and bottom - top >= wire.least
            fits = fits and right <= wire.columns and bottom <= wire.rows
            named = {"id": 0, "name": "man", "x": [left, right], "y": [top, bottom]}
            box = named if wire.named else [left, right, top, bottom]
            assert grammar.accepts(_reply([box])) == fits, box
        for reply in ("[[]]", "[]", _reply([], []), _reply([named]) + " ", '[[{"id":00}]]'):
            assert not grammar.accepts(reply)


def test_the_grammar_counts_frames_and_boxes(guide) -> None:
    grammar = guide(Wire().frames_grammar(PLAN, 2))
    assert grammar.accepts(_reply([MAN, DOG], [MAN, DOG]))
    for frames in (
        [[MAN, DOG]],
        [[MAN, DOG]] * 3,
        [[MAN], [MAN, DOG]],
        [[DOG, MAN], [MAN, DOG]],
        [[MAN | {"name": "dog"}, DOG], [MAN, DOG]],
        [[MAN | {"id": 1}, DOG], [MAN, DOG]],
    ):
        assert not grammar.accepts(_reply(*frames))


def _two(**changes: object) -> str:
    return _reply([MAN, DOG], [MAN, DOG | changes])


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ("", "reply: not JSON at line 1 column 1"),
        (_two()[:-1], "reply: not JSON"),
        (_two()[:-20], "reply: not JSON"),
        (_two() + "]", "reply: not JSON at line 1 column 194 (Extra data)"),
        ("Frame 1: " + _two(), "reply: not JSON"),
        ("null", "frames: input should be a valid list, got null"),
        ("{}", "frames: input should be a valid list"),
        ('{"frames":[]}', "frames: input should be a valid list"),
        (_reply([MAN, DOG]), "frames: holds 1 instead of 2; write exactly 2"),
        (_reply(*[[MAN, DOG]] * 3), "frames: holds 3 instead of 2"),
        (_reply([MAN, DOG], [MAN]), "frames[1]: holds 1 boxes for man, dog; write one for"),
        (_reply([MAN, DOG, DOG], [MAN, DOG]), "frames[0]: holds 3 boxes for man, dog"),
        (_reply([MAN, DOG], [MAN, [1, 2, 3, 4]]), "frames[1][1]: input should be a valid dict"),
        (_reply([MAN, DOG], [MAN, None]), "frames[1][1]: input should be a valid dictionary"),
        (_two(id=0), "frames[1][1].id: 0 is out of order; ids count from 0, write 1"),
        (_two(id=True), "frames[1][1].id: input should be a valid integer"),
        (_two(name="cat"), "frames[1][1].name: \"cat\" is not instance 1's name; write 'dog'"),
        (_two(name="Dog"), "frames[1][1].name"),
        (_two(name=7), "frames[1][1].name: input should be a valid string, got 7"),
        (_two(box=[1]), "frames[1][1].box: this key is unknown; remove it"),
        (_two().replace('"name":"dog",', ""), "frames[0][1].name: this key is missing; add it"),
        (_two(x=[1, 50.5]), "frames[1][1].x[1]: input should be a valid integer, got 50.5"),
        (_two(x=[1, 50.0]), "frames[1][1].x[1]: input should be a valid integer, got 50.0"),
        (_two(x=["1", 50]), 'frames[1][1].x[0]: input should be a valid integer, got "1"'),
        (_two(x=[1]), "frames[1][1].x: list should have at least 2 items"),
        (_two(x=[1, 2, 3]), "frames[1][1].x: list should have at most 2 items"),
        (_two(x=[60, 20]),
         "frames[1][1].x: left = 60, right = 20 are no side; keep right - left >= 16"),
        (_two(x=[60, 60]), "frames[1][1].x: left = 60, right = 60 are no side"),
        (_two(y=[60, 70]), "frames[1][1].y: top = 60, bottom = 70 are no side"),
        (_two(x=[-1, 60]),
         "frames[1][1].x: [-1,60] is outside the frame; keep 0 <= left < right <= 576"),
        (_two(x=[500, 577]), "frames[1][1].x: [500,577] is outside the frame"),
        (_two(y=[300, 321]), "frames[1][1].y: [300,321] is outside the frame"),
        (_two(y=[10**24, 1]), "frames[1][1].y: "),
        (_two(x=[10**30, 1]), "reply: a number has 31 digits"),
        (_two().replace("60", "6e1"), "frames[0][0].x[1]: input should be a valid integer"),
        (_two().replace("60", "Infinity"), "reply: Infinity is not a number of JSON"),
        (_two().replace('"id":1', '"id":1,"id":1'), "reply: the key 'id' stands twice"),
    ],
    ids=lambda value: value[-60:].encode("unicode_escape").decode(),
)  # fmt: skip
def test_other_replies_are_refused_with_the_field(reply: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        Wire().read_frames(reply, PLAN, 2)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value) and len(str(caught.value)) <= 600


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ([1, 2, 3], "frames[0][1]: list should have at least 4 items"),
        ([1, 2, 3, 4, 5], "frames[0][1]: list should have at most 4 items"),
        ([5, 5, 3, 9], "frames[0][1]: left = 5, right = 5 are no side; keep right - left >= 2"),
        ([1, 5, 3, 21], "frames[0][1]: [3,21] is outside the frame; keep 0 <= top < bottom <= 20"),
        ([1, 5.0, 3, 9], "frames[0][1][1]: input should be a valid integer, got 5.0"),
        ([1, 5, "3", 9], "frames[0][1][2]: input should be a valid integer"),
        ([True, 5, 3, 9], "frames[0][1][0]: input should be a valid integer"),
        ([1, 5, 3, "x"], "frames[0][1][3]: input should be a valid integer"),
        ({"x": 1}, "frames[0][1]: input should be a valid list"),
    ],
)
def test_plain_boxes_are_refused_with_their_place(box: object, message: str) -> None:
    with pytest.raises(InputError) as caught:
        Wire(16, named=False).read_frames(_reply([[1, 5, 2, 8], box]), PLAN, 1)
    assert message in str(caught.value)


def test_white_space_between_values_changes_nothing() -> None:
    spaced = json.dumps(json.loads(_two()), indent=1)
    assert Wire().read_frames(spaced, PLAN, 2) == Wire().read_frames(_two(), PLAN, 2)


@pytest.mark.parametrize(
    ("box", "message"),
    [
        (None, "frames[0][0]: it is out of sight, which a reply cannot say"),
        (Box(-0.1, 0, 0.5, 0.5), "frames[0][0].x: [-58,288] is outside the frame"),
        (Box(0, 0, 0.01, 0.5), "frames[0][0].x: left = 0, right = 6 are no side"),
    ],
)
def test_boxes_that_no_reply_can_hold_are_not_written(box: Box | None, message: str) -> None:
    plan = ScenePlan("a man runs", (Subject(0, "man", "runs"),))
    with pytest.raises(InputError) as caught:
        Wire().write_frames(Trajectory(plan, ((box,),)))
    assert message in str(caught.value)


@pytest.mark.parametrize("unit", [0, 3, 32, -1, 1.0, "16", None, True])
def test_other_units_are_refused(unit: object) -> None:
    with pytest.raises(InputError, match="the wire's unit is .* give one of 1, 2, 4, 8, 16"):
        Wire(unit)  # type: ignore[arg-type]


@pytest.mark.parametrize("frames", [0, -1, 257, 2.0, True, "8"])
def test_other_numbers_of_frames_are_refused(frames: object) -> None:
    with pytest.raises(InputError, match="give a whole number from 1 to 256"):
        Wire().frames_grammar(PLAN, frames)  # type: ignore[arg-type]


@pytest.mark.parametrize("wire", COARSE, ids=str)
def test_the_schema_allows_what_the_grammar_allows(guide, wire: Wire) -> None:
    found = guide(wire.frames_schema(PLAN, 2))
    scene = Trajectory(PLAN, ((Box(0, 0, 0.5, 1), Box(0, 0, 0.5, 1)),) * 2)
    reply = wire.write_frames(scene)
    assert found.accepts(reply)
    assert not found.accepts(reply.replace("18", "37")) and not found.accepts(f"[{reply}]")


def test_the_longest_reply_has_as_many_tokens_as_were_computed() -> None:
    wide = Box(560 / 576, 304 / 320, 1, 1)
    for wire in WIRES[:4]:
        reply = wire.write_frames(Trajectory(NASTY, ((wide,) * 8,) * 3))
        bound = wire.frames_tokens(NASTY, 8)
        assert len(reply.encode()) < bound <= len(reply.encode()) + 2
