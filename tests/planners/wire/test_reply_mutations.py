"""Ten thousand damaged replies are refused in one line, or read exactly as they stand."""

import json
import random
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planners import rules
from planners.wire import Wire
from planners.wire.scene import read_scene, write_scene
from planners.wire.whole_plan import read_plan, write_plan
from starvid_core.errors import InputError
from starvid_core.scene import Box, ScenePlan, Trajectory

PROMPT = "Two dogs are running while a cat sits"
TRAJECTORY = rules.plan(PROMPT, 2)
PLAN = replace(TRAJECTORY.plan, motion="The dogs go right.", reasoning="Dogs run.")
NAMED, PLAIN = Wire(), Wire(16, named=False)
PIECES = (
    *("null", "true", "-1", "0", "1e400", "NaN", "[]", "{}", '"x"', "[", "]", "{", "}", ",", ":"),
    *(
        '"id":0',
        "576",
        "\\u0000",
        "é",
        "\x00",
        '"',
        "1" * 30,
        "2.0",
        "  ",
        "\n",
        '"dogs"',
        "\ud800",
    ),
)


def _scene_equal(value: list, plan: ScenePlan) -> bool:
    """An independent reading of the text: field by field what the plan holds."""
    *entries, told = value
    subjects = [{"id": s.id, "subject": s.noun, "number": s.number, "motion": s.verb}
                for s in plan.subjects]  # fmt: skip
    texts = {"camera": plan.camera, "motion planner": plan.motion, "reasoning": plan.reasoning}
    return repr(_sorted(entries)) == repr(_sorted(subjects)) and told == texts


def _sorted(entries: list) -> list:
    return [sorted(entry.items()) for entry in entries]


def _frames_equal(value: list, trajectory: Trajectory, wire: Wire) -> bool:
    read = [[_numbers(box, wire) for box in row] for row in zip(*trajectory.boxes, strict=True)]
    given = [[[*b["x"], *b["y"]] if wire.named else b for b in frame] for frame in value]
    names = [[b["name"] for b in frame] for frame in value] if wire.named else []
    nouns = [s.noun for s in trajectory.plan.instances]
    return repr(read) == repr(given) and all(row == nouns for row in names)


def _numbers(box: Box | None, wire: Wire) -> list[int]:
    assert box is not None
    return [round(v * n) for v, n in ((box.x0, wire.columns), (box.x1, wire.columns),
                                      (box.y0, wire.rows), (box.y1, wire.rows))]  # fmt: skip


def _plan_equal(value: dict, trajectory: Trajectory) -> bool:
    told = {"camera": trajectory.plan.camera, "motion planner": "", "reasoning": ""}
    scene = _scene_equal([*value["subjects"], told], trajectory.plan)
    return scene and value["camera"] == told["camera"] and _frames_equal(
        value["frames"], trajectory, PLAIN
    )  # fmt: skip


def _check(text: str, kind: str) -> bool:
    """Whether a text is read, and then as it stands."""
    try:
        if kind == "scene":
            same = partial(_scene_equal, plan=read_scene(text, PROMPT))
        elif kind == "plan":
            same = partial(_plan_equal, trajectory=read_plan(text, PROMPT, PLAIN, 2))
        else:
            wire = NAMED if kind == "named" else PLAIN
            same = partial(_frames_equal, trajectory=wire.read_frames(text, PLAN, 2), wire=wire)
    except InputError as error:
        assert "\n" not in str(error) and len(str(error)) <= 600
        return False
    assert same(json.loads(text)), text
    return True


WRITTEN = {
    "scene": write_scene(PLAN),
    "named": NAMED.write_frames(TRAJECTORY),
    "plain": PLAIN.write_frames(TRAJECTORY),
    "plan": write_plan(TRAJECTORY, PLAIN),
}


def _mutated(text: str, draw: random.Random) -> str:
    """The reply with one to three pieces deleted, doubled, moved or replaced."""
    for _ in range(draw.choice((1, 1, 2, 3))):
        a = draw.randrange(len(text))
        b = min(len(text), a + draw.choice((1, 1, 2, 5, 40)))
        moved = text[draw.randrange(len(text)) :][: b - a]
        piece = draw.choice(
            ("", text[a:b] * 2, moved, draw.choice(PIECES), str(draw.randint(0, 700)))
        )
        text = text[:a] + piece + text[b:]
    return text


@pytest.mark.parametrize("kind", list(WRITTEN))
def test_2500_mutated_replies_are_refused_or_read_as_they_stand(kind: str) -> None:
    draw, read = random.Random(kind), 0
    for _ in range(2500):
        read += _check(_mutated(WRITTEN[kind], draw), kind)
    assert 0 < read < 1500
    assert _check(WRITTEN[kind], kind)


LEAVES = st.none() | st.booleans() | st.integers(-5, 600) | st.floats(allow_nan=False)
KEYS = st.sampled_from(["id", "name", "x", "y", "camera", "subject", "z"])
VALUES = st.recursive(
    LEAVES | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(VALUES, st.sampled_from(list(WRITTEN)))
def test_other_json_is_refused_in_one_line(value: object, kind: str) -> None:
    assert not _check(json.dumps(value), kind)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(st.text(max_size=80), st.sampled_from(list(WRITTEN)))
def test_other_text_is_refused_in_one_line(text: str, kind: str) -> None:
    assert not _check(text, kind)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(st.data(), st.sampled_from(list(WRITTEN)))
def test_a_reply_with_one_value_changed_is_refused_or_read_as_it_stands(data, kind: str) -> None:
    value = json.loads(WRITTEN[kind])
    holder = value
    while True:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(holder[key], (dict, list)) or data.draw(st.booleans()):
            break
        holder = holder[key]
    holder[key] = data.draw(VALUES)
    _check(json.dumps(value), kind)
