"""The checks speak where a plan is wrong, and are silent where it is right."""

from dataclasses import replace

import pytest

from planners import physics
from starvid_core.scene import Box, ScenePlan, Subject, Trajectory

Pixels = tuple[float, float, float, float]


def _trajectory(
    subjects: list[tuple[str, str]], rows: list[list[Pixels]], camera: str = "static"
) -> Trajectory:
    cast = tuple(Subject(n, noun, verb, 1, verb) for n, (noun, verb) in enumerate(subjects))
    boxes = tuple(
        tuple(Box(x / 576, y / 320, (x + w) / 576, (y + h) / 320) for x, y, w, h in row)
        for row in rows
    )
    return Trajectory(ScenePlan("a prompt", cast, camera=camera), boxes)


def _codes(trajectory: Trajectory) -> set[str]:
    return {violation.code for violation in physics.check(trajectory)}


KITE_AND_BALL = _trajectory(
    [("kite", "flies"), ("ball", "bouncing")],
    [
        [(x, 20, 50, 50) for x in (280, 240, 200, 160, 120, 80, 40, 0)],
        [(380, y, 40, 40) for y in (160, 180, 220, 260, 240, 210, 240, 260)],
    ],
)
DOG_AND_CAT = _trajectory(
    [("dog", "walking"), ("cat", "sitting")],
    [
        [(150, 200, 40, 60)] * 8,
        [(380 - 3 * f, 220 - 2 * f, 50 - 5 * f, 40 - 4 * f) for f in range(8)],
    ],
    "zoom out",
)
GOLF_AND_BICYCLE = _trajectory(
    [("man", "playing-golf"), ("boy", "rides")],
    [[(100, 100, 110, 180)] * 8, [(280 + 30 * f, 180, 65, 100) for f in range(8)]],
)


@pytest.mark.parametrize("trajectory", [KITE_AND_BALL, GOLF_AND_BICYCLE])
def test_two_examples_of_the_paper_break_no_rule(trajectory: Trajectory) -> None:
    assert physics.check(trajectory) == ()


def test_the_papers_cat_shrinks_until_it_holds_no_cell() -> None:
    found = physics.check(DOG_AND_CAT)
    assert {(v.code, v.instance) for v in found} == {("area", 1)}
    assert {v.frame for v in found} == {4, 5}


def _moving(verb: str, xs: list[float], camera: str = "static") -> Trajectory:
    return _trajectory([("dog", verb)], [[(x, 180, 100, 100) for x in xs]], camera)


def _rising(verb: str, ys: list[float]) -> Trajectory:
    return _trajectory([("ball", verb)], [[(200, y, 60, 60) for y in ys]])


EVEN = [40.0 * f for f in range(8)]
REST = [200.0] * 8


@pytest.mark.parametrize(
    ("trajectory", "code"),
    [
        (_moving("running", [420 + 10 * f for f in range(8)]), "inside"),
        (_moving("running", [-5 + 40 * f for f in range(8)]), "inside"),
        (_trajectory([("cat", "sitting")], [[(4, 4, 8, 8)] * 8]), "area"),
        (
            _trajectory(
                [("cat", "sitting"), ("dog", "sitting")],
                [[(100, 100, 90, 90)] * 8, [(180, 100, 90, 90)] * 8],
            ),
            "apart",
        ),
        (
            _trajectory(
                [("cat", "sitting")], [[(200, 100, 60 + 20 * f, 60 + 20 * f) for f in range(8)]]
            ),
            "size",
        ),
        (_moving("running", [0, 0, 0, 0, 400, 400, 400, 400]), "speed"),
        (_moving("sitting", EVEN), "still"),
        (_moving("reading", EVEN), "still"),
        (_moving("running", REST), "moves"),
        (_moving("drives", REST), "moves"),
        (_rising("jumping", REST), "gravity"),
        (_rising("falling", [200 - 20 * f for f in range(8)]), "gravity"),
        (_rising("falling", [20, 90, 140, 170, 190, 200, 205, 208]), "gravity"),
        (_rising("rising", [20 + 20 * f for f in range(8)]), "gravity"),
        (_rising("bouncing", [20 + 30 * f for f in range(8)]), "bounce"),
        (_rising("bouncing", [160, 180, 220, 260, 160, 60, 20, 10]), "bounce"),
        (_rising("bouncing", [20, 80, 140, 200, 160, 140, 160, 200]), "bounce"),
        (_moving("sitting", REST, "zoom in"), "perspective"),
        (_moving("sitting", REST, "pan left"), "perspective"),
        (_moving("sitting", [200.0 - 8 * f for f in range(8)], "pan left"), "perspective"),
    ],
)
def test_each_check_finds_its_own_fault(trajectory: Trajectory, code: str) -> None:
    assert code in _codes(trajectory)


def test_a_pan_shifts_who_sits_the_other_way() -> None:
    assert _codes(_moving("sitting", [200.0 + 8 * f for f in range(8)], "pan left")) == set()


def test_a_ball_may_start_on_the_ground() -> None:
    assert _codes(_rising("bouncing", [240, 160, 120, 150, 240, 190, 180, 200])) == set()


def test_a_fall_may_begin_at_rest() -> None:
    assert _codes(_rising("falling", [20, 20, 20, 20, 20, 60, 120, 200])) == set()


def test_a_fall_that_turns_back_has_no_ratio_of_a_rest() -> None:
    """Nothing was lost in the first half, so that there is nothing to divide the second by."""
    (found,) = physics.gravity(_rising("falling", [20, 60, 130, 200, 20, 60, 100, 140]))
    assert (found.code, found.frame, found.value, found.limit) == ("gravity", 7, 0.0, 1.0)


@pytest.mark.parametrize("step", [7, 13.1, 30.3])
def test_an_even_fall_is_judged_alike_whatever_its_rounding(step: float) -> None:
    assert _codes(_rising("falling", [20 + step * f for f in range(8)])) == set()


def test_boxes_that_touch_do_not_overlap() -> None:
    rows = [[(100.0, 100.0, 90.0, 90.0)] * 8, [(190.0, 100.0, 90.0, 90.0)] * 8]
    assert _codes(_trajectory([("cat", "sitting"), ("dog", "sitting")], rows)) == set()


def test_out_of_sight_is_no_fault() -> None:
    hidden = replace(
        KITE_AND_BALL, boxes=((None,) * 8, (*KITE_AND_BALL.boxes[1][:4], None, None, None, None))
    )
    assert _codes(hidden) <= {"bounce"}


def test_unknown_motions_are_checked_for_the_frame_only() -> None:
    assert _codes(_moving("glorping", EVEN)) == set()


def test_a_violation_reads_as_one_line() -> None:
    (first, *_) = physics.check(_moving("sitting", EVEN))
    assert str(first) == (
        "still: instance 0, frame 7: the travel of a subject that stays is 0.4861, the limit 0.02"
    )


def test_every_check_has_a_meaning() -> None:
    assert set(physics.CHECKS) == set(physics.MEANINGS)
