"""Whoever chooses the boxes one by one, the plan breaks no rule."""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from planners import physics, rules
from planners.stepwise import Choose, decode
from planners.wire import Cells, Wire
from starvid_core.errors import InputError
from starvid_core.scene import CAMERA_MOVES, ScenePlan, Subject, Trajectory

TABLE = [row[0] for row in json.loads(Path(__file__).with_name("prompts.json").read_text("utf-8"))]
MOTIONS = [
    *(("man", "running"), ("bird", "flying"), ("fish", "swimming"), ("cat", "sitting")),
    *(("man", "singing"), ("woman", "dancing"), ("boat", "floating"), ("tiger", "jumping")),
    *(("ball", "bouncing"), ("boy", "falling"), ("girl", "diving"), ("balloon", "rising")),
    *(("gizmo", "glorping"), ("car", "driving"), ("dog", "")),
]
WIRES = (Wire(1), Wire(16), Wire(1, named=False), Wire(8), Wire(16, named=False))


def _area(cells: Cells) -> int:
    left, right, top, bottom = cells
    return (right - left) * (bottom - top)


def _distance(cells: Cells, other: Cells) -> int:
    (a, b, c, d), (p, q, r, s) = cells, other
    return abs(a + b - p - q) + abs(c + d - r - s)


class Nearest:
    """Keeps everybody as close to the others as it can."""

    def __init__(self) -> None:
        self.last: dict[int, Cells] = {}

    def __call__(self, text: str, allowed: tuple[Cells, ...], instance: int) -> Cells:
        others = [cells for n, cells in self.last.items() if n != instance]
        chosen = min(allowed, key=lambda c: min((_distance(c, o) for o in others), default=0))
        self.last[instance] = chosen
        return chosen


def _by(choice: Callable[[tuple[Cells, ...]], Cells]) -> Choose:
    return lambda text, allowed, instance: choice(allowed)


def _chooser(number: int) -> Choose:
    """Chance every second time, else one of the contrary ones."""
    contrary = [
        _by(lambda allowed: allowed[0]),
        _by(lambda allowed: allowed[-1]),
        _by(lambda allowed: max(allowed, key=_area)),
        _by(lambda allowed: min(allowed, key=_area)),
        _by(lambda allowed: min(allowed, key=lambda c: c[0])),
        _by(lambda allowed: min(allowed, key=lambda c: c[2])),
        _by(lambda allowed: max(allowed, key=lambda c: c[3])),
        Nearest(),
    ]
    by_chance = _by(random.Random(number).choice)
    return by_chance if number % 2 else contrary[number // 2 % len(contrary)]


class Recorded:
    """Another chooser, and what it was offered."""

    def __init__(self, choose: Choose) -> None:
        self.choose = choose
        self.texts: list[str] = []
        self.offers: list[tuple[Cells, ...]] = []
        self.chosen: list[Cells] = []

    def __call__(self, text: str, allowed: tuple[Cells, ...], instance: int) -> Cells:
        self.texts.append(text)
        self.offers.append(allowed)
        self.chosen.append(self.choose(text, allowed, instance))
        return self.chosen[-1]


def _plan(*cast: tuple[str, str, int], camera: str = "static") -> ScenePlan:
    subjects = (Subject(n, noun, verb, count, verb) for n, (noun, verb, count) in enumerate(cast))
    return ScenePlan("a prompt", tuple(subjects), camera=camera)


def _assert_sound(plan: ScenePlan, frames: int, wire: Wire, number: int) -> Trajectory:
    recorded = Recorded(_chooser(number))
    trajectory = decode(plan, frames, wire, recorded)
    assert physics.check(trajectory) == (), (plan, frames, wire, number)
    assert trajectory.plan == plan and trajectory.frames == frames
    assert all(0 < len(allowed) <= 400 for allowed in recorded.offers)
    last = len(plan.instances) - 1
    text = recorded.texts[-1] + wire.write_box(recorded.chosen[-1], plan, last) + wire.after()
    assert wire.read_frames(text, plan, frames) == trajectory
    return trajectory


@pytest.mark.parametrize("slice_", range(2))
def test_plans_of_the_table_break_no_rule(slice_: int) -> None:
    for number, prompt in list(enumerate(TABLE))[slice_::8]:
        plan = rules.plan(prompt).plan
        _assert_sound(plan, 8, WIRES[number % 2], number // 8)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(16))
def test_plans_of_the_table_break_no_rule_whoever_chooses(number: int) -> None:
    for n, prompt in enumerate(TABLE):
        plan = rules.plan(prompt).plan
        plan = replace(plan, camera=CAMERA_MOVES[(n + number) % 7]) if number % 3 else plan
        _assert_sound(plan, (8, 5, 2, 16, 1, 7)[(n + number) % 6], WIRES[n % 5], number)


@pytest.mark.parametrize(("noun", "verb"), MOTIONS)
def test_every_family_of_motion_obeys_at_any_number_of_frames(noun: str, verb: str) -> None:
    for number, frames in enumerate((1, 2, 5, 8, 16)):
        number += len(noun) + len(verb)
        camera = CAMERA_MOVES[number % 7] if number % 2 else "static"
        _assert_sound(_plan((noun, verb, 1), camera=camera), frames, WIRES[number % 5], number)


@pytest.mark.parametrize("camera", CAMERA_MOVES)
def test_every_camera_move_obeys(camera: str) -> None:
    plan = _plan(("man", "walking", 1), ("cat", "sitting", 1), ("ball", "bouncing", 1))
    for number, wire in enumerate((Wire(1), Wire(16))):
        _assert_sound(replace(plan, camera=camera), 8, wire, CAMERA_MOVES.index(camera) + number)


@pytest.mark.parametrize("count", [2, 3, 5, 8])
def test_crowds_find_room(count: int) -> None:
    _assert_sound(_plan(("dog", "running", count)), 8, Wire(16), count)
    cast = [(noun, verb, 1) for noun, verb in MOTIONS[:count]]
    _assert_sound(_plan(*cast, camera="zoom out" if count == 3 else "static"), 8, Wire(1), count)


def test_a_subject_sits_where_it_was_put() -> None:
    recorded = Recorded(_chooser(1))
    trajectory = decode(_plan(("cat", "sitting", 1)), 8, Wire(), recorded)
    assert len(set(trajectory.boxes[0])) == 1
    assert [len(allowed) for allowed in recorded.offers[1:]] == [1] * 7


def test_who_runs_may_go_either_way_and_slow_or_fast() -> None:
    recorded = Recorded(_by(lambda allowed: allowed[len(allowed) // 2]))
    decode(_plan(("man", "running", 1)), 8, Wire(), recorded)
    first, second = recorded.offers[:2]
    moves = {cells[0] - recorded.chosen[0][0] for cells in second}
    assert len(first) > 100 and min(moves) < 0 < max(moves) and len(moves) >= 6


def test_bodies_are_offered_where_they_belong() -> None:
    recorded = Recorded(_by(lambda allowed: allowed[0]))
    decode(_plan(("bird", "flying", 1), ("dog", "running", 1)), 8, Wire(), recorded)
    bird, dog = recorded.offers[:2]
    assert all(top <= 0.35 * 320 for _, _, top, _ in bird)
    assert all(bottom >= 0.8 * 320 for *_, bottom in dog)


@pytest.mark.parametrize(("unit", "cell"), [(1, 8), (2, 8), (4, 8), (8, 8), (16, 16)])
def test_boxes_are_on_a_lattice(unit: int, cell: int) -> None:
    recorded = Recorded(_chooser(3))
    decode(_plan(("dog", "running", 1), ("cat", "sitting", 1)), 8, Wire(unit), recorded)
    numbers = {v * unit for cells in recorded.chosen for v in cells}
    assert all(v % cell == 0 for v in numbers)


def test_many_frames_take_a_finer_lattice() -> None:
    _assert_sound(_plan(("dog", "running", 1), ("ball", "bouncing", 1)), 64, Wire(1), 5)


def test_plans_depend_on_the_choices_only() -> None:
    plan = _plan(("dog", "running", 2), ("bird", "flying", 1))
    once, again = (Recorded(_chooser(7)) for _ in range(2))
    assert decode(plan, 8, Wire(), once) == decode(plan, 8, Wire(), again)
    assert once.texts == again.texts and once.offers == again.offers


def test_offers_are_sorted_and_different() -> None:
    recorded = Recorded(_chooser(9))
    decode(_plan(("dog", "running", 2)), 8, Wire(), recorded)
    assert all(list(allowed) == sorted(set(allowed)) for allowed in recorded.offers)


def test_a_box_that_is_not_offered_is_refused() -> None:
    with pytest.raises(InputError, match=r"box \(0, 1, 0, 1\) is not offered; choose one of the"):
        decode(_plan(("dog", "running", 1)), 8, Wire(), _by(lambda allowed: (0, 1, 0, 1)))


@pytest.mark.parametrize("frames", [0, -1, 257, 2.0, "8", True])
def test_a_bad_number_of_frames_is_refused(frames: object) -> None:
    with pytest.raises(InputError, match="give a whole number from 1 to 256"):
        decode(_plan(("dog", "running", 1)), frames, Wire(), _chooser(0))  # type: ignore[arg-type]


def test_too_many_instances_are_refused() -> None:
    with pytest.raises(InputError, match="no plan has room for 90 instances .* give fewer"):
        decode(_plan(("dog", "running", 90)), 8, Wire(), _chooser(0))


def test_too_many_frames_for_a_coarse_wire_are_refused() -> None:
    with pytest.raises(InputError, match="steps of 16 pixels are too fast for 256 frames"):
        decode(_plan(("dog", "running", 1)), 256, Wire(16), _chooser(0))


def test_no_way_to_bounce_in_steps_of_many_pixels_is_refused() -> None:
    with pytest.raises(InputError, match="64 frames on cells of 16 pixels; .* a finer wire"):
        decode(_plan(("ball", "bouncing", 1)), 64, Wire(16), _chooser(0))


def test_a_plan_without_subjects_is_refused() -> None:
    with pytest.raises(InputError, match="no subjects"):
        decode(ScenePlan("a prompt", ()), 8, Wire(), _chooser(0))
