"""What is counted about a plan, on plans where the right numbers are plain to see."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from planners import comparison, physics, rules, templates
from planners.benchmarks import BenchmarkPrompt, BenchmarkSubject
from planners.engines.base import Reply
from planners.planning import Exchange, Planned, Unplanned
from planners.wire import Wire
from starvid_core.errors import InputError
from starvid_core.scene import Box, ScenePlan, Subject, Trajectory

PROMPT = "A man is running and a dog sits"
ASKED = BenchmarkPrompt(
    PROMPT,
    (
        BenchmarkSubject("man", "man", "running", "running"),
        BenchmarkSubject("dog", "dog", "sits", "sitting"),
    ),
)
RULES = rules.plan(PROMPT)
WIRE = Wire(16)
WHO = ("mine", "tiny@0")
ANSWER = Exchange("0" * 64, "plan", Reply("", "stop", 100, 20, 1.5))


def planned(trajectory: Trajectory) -> Planned:
    return Planned(trajectory, physics.check(trajectory), (ANSWER, ANSWER))


def scored(trajectory: Trajectory) -> comparison.Row:
    return comparison.row(WHO, ASKED, planned(trajectory), WIRE)


def said(*subjects: Subject) -> Trajectory:
    """The boxes of a row of equal boxes, whoever is in them."""
    count = sum(subject.number for subject in subjects)
    return Trajectory(ScenePlan(PROMPT, subjects), (RULES.boxes[0],) * count)


def walk(xs: list[float], ys: list[float] | None = None) -> Trajectory:
    subject = Subject(0, "man", "running", 1, "running")
    row = tuple(Box(x, y, x + 0.2, y + 0.2) for x, y in zip(xs, ys or [0.1] * len(xs), strict=True))
    return Trajectory(ScenePlan(PROMPT, (subject,)), (row,))


def test_a_good_plan_is_right_in_everything() -> None:
    row = scored(RULES)
    assert row.planned and row.valid and row.subjects_right and row.motions_right
    assert (row.overlap, row.copied_track, row.violations, row.problem) == (0, 0, {}, "")
    assert (row.requests, row.prompt_tokens, row.tokens, row.seconds) == (2, 200, 40, 3.0)
    assert (row.planner, row.model, row.prompt, row.subjects) == ("mine", "tiny@0", PROMPT, 2)


def test_broken_checks_are_counted_by_their_code() -> None:
    man = RULES.boxes[0]
    row = scored(replace(RULES, boxes=(man, man)))
    assert row.planned and not row.valid
    assert row.violations == {"apart": 8, "still": 1}
    assert (row.flat["apart"], row.flat["still"], row.flat["speed"]) == (8, 1, 0)
    assert row.overlap == 1


def test_no_plan_says_why_and_has_no_numbers() -> None:
    refused = Unplanned("reply: not JSON", (ANSWER,))
    row = comparison.row(WHO, ASKED, refused, WIRE)
    assert not (row.planned or row.valid or row.subjects_right or row.motions_right)
    assert (row.requests, row.tokens, row.problem) == (1, 20, "reply: not JSON")
    flat = row.flat
    empty = ("overlap", "acceleration", "copied_boxes", "copied_track", *physics.CHECKS)
    assert all(math.isnan(flat[key]) for key in empty)
    assert comparison.row(WHO, ASKED, InputError("no"), WIRE).requests == 0


def test_overlap_is_the_mean_over_pairs_and_frames() -> None:
    half = Box(0.1, 0.0, 0.3, 0.2)
    rows = ((Box(0, 0, 0.2, 0.2),) * 2, (half, Box(0.5, 0.5, 0.7, 0.7)), (None, None))
    three = tuple(Subject(n, noun, "sits") for n, noun in enumerate(("man", "dog", "cat")))
    trajectory = Trajectory(ScenePlan("man dog cat sits", three), rows)
    assert comparison.overlap(trajectory) == pytest.approx((1 / 3 + 0) / 2)
    assert math.isnan(comparison.overlap(walk([0.1, 0.2])))


def test_acceleration_is_nothing_for_an_even_way_and_much_for_a_jumpy_one() -> None:
    assert comparison.acceleration(walk([0.1 * n for n in range(8)])) == pytest.approx(0)
    assert comparison.acceleration(walk([0.1] * 8)) == 0
    assert comparison.acceleration(walk([0.0, 0.3, 0.0, 0.3])) == pytest.approx(0.6)
    fall = comparison.acceleration(walk([0.1] * 4, [0.0, 0.01, 0.04, 0.09]))
    assert fall == pytest.approx(0.02)
    assert math.isnan(comparison.acceleration(walk([0.1, 0.2])))


@pytest.mark.parametrize("wire", [Wire(1), Wire(16), Wire(16, named=False)])
def test_a_copied_example_is_found_out(wire: Wire) -> None:
    for example in templates.examples():
        assert comparison.copied_boxes(example, wire) == 1
        assert comparison.copied_track(example, wire)


def test_one_copied_way_among_others_is_found_out() -> None:
    ball = templates.examples()[0].boxes[1]
    trajectory = replace(RULES, boxes=(RULES.boxes[0], ball))
    assert comparison.copied_track(trajectory, WIRE)
    assert comparison.copied_boxes(trajectory, WIRE) == pytest.approx(0.5, abs=0.1)
    late = replace(RULES, boxes=(RULES.boxes[0], (*ball[1:], ball[0])))
    assert not comparison.copied_track(late, WIRE), "the same boxes at other times are another way"


def test_a_box_that_the_wire_cannot_write_is_nobodys_copy() -> None:
    small = Box(0.5, 0.5, 0.51, 0.51)
    rows = ((None, *RULES.boxes[0][1:]), (small,) * 8)
    assert comparison.copied_boxes(replace(RULES, boxes=rows), WIRE) == 0


MAN, DOG = Subject(0, "man", "running", 1, "running"), Subject(1, "dog", "sits", 1, "sitting")


@pytest.mark.parametrize(
    ("subjects", "named", "bound"),
    [
        ((MAN, DOG), True, True),
        ((replace(DOG, id=0), replace(MAN, id=1)), True, True),
        ((MAN,), False, False),
        ((MAN, replace(DOG, number=2)), False, False),
        ((MAN, replace(DOG, motion="running")), True, False),
        ((replace(MAN, motion="sitting"), replace(DOG, motion="running")), True, False),
        ((MAN, replace(DOG, noun="man")), False, False),
    ],
    ids=["right", "order", "missing", "number", "motion", "swapped", "noun"],
)
def test_stage_one_has_to_name_exactly_who_is_asked_for(subjects, named, bound) -> None:
    row = scored(said(*subjects))
    assert (row.subjects_right, row.motions_right) == (named, bound)
