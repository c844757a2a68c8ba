"""Plan files come back as they were written, and nothing wrong is read."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from planners import rules, schema, strict_json
from starvid_core.errors import InputError
from starvid_core.scene import Box, ScenePlan, Subject, Trajectory

PROMPT = "Two dogs are running while a cat sits"
TRAJECTORY = rules.plan(PROMPT)
WRITTEN = schema.dumps(TRAJECTORY)
TABLE = json.loads(Path(__file__).with_name("prompts.json").read_text(encoding="utf-8"))


def _refused(written: str) -> str:
    with pytest.raises(InputError) as caught:
        schema.loads(written)
    message = str(caught.value)
    assert message.startswith("plan.json: ") and "\n" not in message and len(message) <= 600
    return message


def test_a_plan_comes_back_to_a_hundredth_of_a_pixel() -> None:
    back = schema.loads(WRITTEN)
    assert back.plan == TRAJECTORY.plan
    for before, after in zip(TRAJECTORY.boxes, back.boxes, strict=True):
        for a, b in zip(before, after, strict=True):
            assert a is not None and b is not None
            assert abs(a.x0 - b.x0) * 576 <= 0.011 and abs(a.x1 - b.x1) * 576 <= 0.011
            assert abs(a.y0 - b.y0) * 320 <= 0.011 and abs(a.y1 - b.y1) * 320 <= 0.011


@pytest.mark.parametrize("prompt", [row[0] for row in TABLE[::3]], ids=str)
def test_writing_again_gives_the_same_bytes(prompt: str) -> None:
    written = schema.dumps(rules.plan(prompt))
    assert schema.dumps(schema.loads(written)) == written


def test_keys_stand_in_the_order_of_the_specification() -> None:
    assert list(json.loads(WRITTEN)) == [
        *("version", "planner", "prompt", "canvas", "camera", "motion", "reasoning"),
        *("subjects", "frames"),
    ]
    assert json.loads(schema.dumps(TRAJECTORY, "two_stage"))["planner"] == "two_stage"


def test_instances_are_numbered_over_all_subjects() -> None:
    frame = json.loads(WRITTEN)["frames"][0]
    assert [(entry["id"], entry["name"]) for entry in frame] == [
        (0, "dogs"),
        (1, "dogs"),
        (2, "cat"),
    ]


def test_a_box_out_of_sight_is_null() -> None:
    row = TRAJECTORY.boxes[0]
    hidden = Trajectory(TRAJECTORY.plan, ((None, *row[1:]), *TRAJECTORY.boxes[1:]))
    written = schema.dumps(hidden)
    assert json.loads(written)["frames"][0][0]["box"] is None
    assert schema.loads(written).boxes[0][0] is None


def test_a_trajectory_that_leaves_the_frame_is_not_written() -> None:
    plan = ScenePlan("A dog is running", (Subject(0, "dog", "running", 1, "running"),))
    with pytest.raises(InputError, match="this trajectory: frames"):
        schema.dumps(Trajectory(plan, ((Box(0.9, 0.1, 1.2, 0.5),),)))


def _with(change: Callable[[Any], object]) -> str:
    plan = json.loads(WRITTEN)
    change(plan)
    return json.dumps(plan)


def _set(*path: Any) -> Callable[[Any], object]:
    """A change that puts the last of `path` where the rest leads."""
    *steps, last, value = path

    def change(plan: Any) -> None:
        for step in steps:
            plan = plan[step]
        plan[last] = value

    return change


def _delete(*path: Any) -> Callable[[Any], object]:
    *steps, last = path

    def change(plan: Any) -> None:
        for step in steps:
            plan = plan[step]
        del plan[last]

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_set("version", 2), "version: "),
        (_set("version", True), "version: "),
        (_set("version", "1"), "version: "),
        (_set("planner", ""), "planner: "),
        (_set("planner", 3), "planner: "),
        (_set("prompt", 3), "prompt: "),
        (_set("prompt", "A dog\u0000"), "control character U+0000"),
        (_set("prompt", "A man is walking"), 'subjects[0].noun: "dogs" is not in the prompt'),
        (_set("canvas", [320, 576]), "canvas: [320, 576] is not [576, 320]"),
        (_set("canvas", [576.0, 320]), "canvas[0]: "),
        (_set("camera", "roll"), "camera: "),
        (_set("motion", None), "motion: "),
        (_set("subjects", []), "subjects: "),
        (_set("subjects", {}), "subjects: "),
        (_set("subjects", 0, "id", 1), "subjects[0].id: 1 is out of order"),
        (_set("subjects", 0, "id", "0"), "subjects[0].id: "),
        (_set("subjects", 0, "id", False), "subjects[0].id: "),
        (_set("subjects", 0, "number", 3), "frames[0]: 3 boxes for 4 instances"),
        (_set("subjects", 0, "number", 0), "subjects[0].number: "),
        (_set("subjects", 0, "number", 2.0), "subjects[0].number: "),
        (_set("subjects", 0, "noun", "dog"), '"dog" is not in the prompt'),
        (_set("subjects", 1, "verb", "sit"), 'subjects[1].verb: "sit" is not in the prompt'),
        (_set("subjects", 1, "verb", ""), "subjects[1].verb: "),
        (_set("subjects", 0, "color", "red"), "subjects[0].color: this key is unknown; remove it"),
        (_delete("subjects", 0, "motion"), "subjects[0].motion: this key is missing; add it"),
        (_delete("frames"), "frames: this key is missing"),
        (_set("extra", 1), "extra: this key is unknown"),
        (_set("frames", []), "frames: "),
        (_set("frames", 3, []), "frames[3]: 0 boxes for 3 instances"),
        (_delete("frames", 3, 0), "frames[3]: 2 boxes for 3 instances"),
        (_set("frames", 3, 0, "id", 1), "frames[3][0].id: 1 is out of order"),
        (_set("frames", 3, 1, "id", 0), "frames[3][1].id: 0 is out of order"),
        (_set("frames", 3, 2, "name", "dogs"), "frames[3][2].name: "),
        (_set("frames", 3, 0, "box", [1, 2, 3]), "frames[3][0].box: "),
        (_set("frames", 3, 0, "box", "1,2,3,4"), "frames[3][0].box: "),
        (_set("frames", 3, 0, "box", ["1", 2, 3, 4]), "frames[3][0].box[0]: "),
        (_set("frames", 3, 0, "box", [True, 2, 3, 4]), "frames[3][0].box[0]: "),
        (_set("frames", 3, 0, "box", [1, 2, None, 4]), "frames[3][0].box[2]: "),
        (
            _set("frames", 3, 0, "box", [500, 2, 100, 4]),
            "plan.json: frames[3][0].box: x + w = 600 leaves the 576 px canvas; keep x + w <= 576",
        ),
        (_set("frames", 3, 0, "box", [5, 300, 10, 40]), "y + h = 340 leaves the 320 px canvas"),
        (_set("frames", 3, 0, "box", [-1, 2, 30, 40]), "x = -1 is outside the canvas"),
        (_set("frames", 3, 0, "box", [1, -0.02, 30, 40]), "y = -0.02 is outside the canvas"),
        (_set("frames", 3, 0, "box", [1, 2, -30, 40]), "w = -30 is not a size"),
        (_set("frames", 3, 0, "box", [1, 2, 30, 0]), "h = 0 is not a size"),
        (_set("frames", [[{"id": n, "name": m, "box": None} for n, m in enumerate(
            ("dogs", "dogs", "cat"))]]), "instance 0 (dogs) is never in sight"),
    ],
)  # fmt: skip
def test_every_fault_of_a_plan_is_named(change: Callable[[Any], object], message: str) -> None:
    assert message in _refused(_with(change))


def test_one_noun_cannot_be_two_subjects() -> None:
    plan = json.loads(WRITTEN)
    plan["subjects"][1]["noun"] = "dogs"
    for frame in plan["frames"]:
        frame[2]["name"] = "dogs"
    assert 'use one with a "number"' in _refused(json.dumps(plan))


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("", "not JSON at line 1 column 1"),
        ("{", "not JSON"),
        (WRITTEN[:-20], "not JSON"),
        (WRITTEN + "x", "not JSON"),
        ("\ufeff" + WRITTEN, "not JSON"),
        ("// a plan\n" + WRITTEN, "not JSON"),
        ("[]", "should be"),
        ("null", "should be"),
        ("NaN", "NaN is not a number of JSON"),
        ('{"version":1,"version":1}', "the key 'version' stands twice"),
        (WRITTEN.replace('"version":1', '"version":NaN'), "NaN is not a number"),
        (WRITTEN.replace('"version":1', '"version":-Infinity'), "-Infinity is not a number"),
        (WRITTEN.replace('"version":1', '"version":1e999'), "1e999 is too large"),
        (WRITTEN.replace('"version":1', '"version":' + "1" * 5000), "a number has 5000 digits"),
        ("[" * 40 + "]" * 40, "nested deeper than 32"),
        ("[" * 500_000, "nested deeper than 32"),
        ('{"a":' * 100_000, "nested deeper than 32"),
        (" " * 1_000_001, "1000001 bytes; a plan has 1000000 at most"),
        (WRITTEN.replace("dogs are", "\\ud800dogs are"), "D800"),
        ('"' + "[" * 50 + '"', "should be"),
    ],
    ids=range(20),
)  # fmt: skip
def test_every_fault_of_the_json_is_named(written: str, message: str) -> None:
    assert message.lower() in _refused(written).lower()


def test_text_that_is_no_text_is_refused() -> None:
    with pytest.raises(InputError, match="a plan is text, got bytes"):
        schema.loads(b"{}")  # type: ignore[arg-type]


def test_names_of_keys_are_escaped_and_cut() -> None:
    plan = json.loads(WRITTEN)
    plan["\u202e\n" + "k" * 2000] = 1
    message = _refused(json.dumps(plan))
    assert message.isascii()


def test_a_file_is_read_and_its_name_stands_in_the_error(tmp_path: Path) -> None:
    path = tmp_path / "my plan.json"
    path.write_text(WRITTEN, encoding="utf-8")
    assert schema.load(path) == schema.loads(WRITTEN)
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="my plan.json: version: this key is missing"):
        schema.load(path)


def test_a_file_that_cannot_be_read_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        schema.load(tmp_path / "missing.json")
    with pytest.raises(InputError, match="Is a directory"):
        schema.load(tmp_path)
    with pytest.raises(InputError, match="null"):
        schema.load("a\0b")
    (tmp_path / "latin.json").write_bytes('{"prompt":"caf\xe9"}'.encode("latin-1"))
    with pytest.raises(InputError, match="byte 14 is not UTF-8"):
        schema.load(tmp_path / "latin.json")
    (tmp_path / "long.json").write_bytes(b" " * (strict_json.MOST_BYTES + 1))
    with pytest.raises(InputError, match="a plan has 1000000 at most"):
        schema.load(tmp_path / "long.json")
