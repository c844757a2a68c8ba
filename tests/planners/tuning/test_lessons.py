"""One plan that is taught, looked at closely, and prompts that cannot be taught."""

from __future__ import annotations

import numpy as np
import pytest

from planners.tuning import wording
from planners.tuning.lessons import OPTIONS, taught
from starvid_core.errors import InputError


def test_a_plan_is_told_in_few_words() -> None:
    plan = taught(
        "Two dogs run to the left while a man plays guitar as the camera pans right."
    ).plan
    assert plan.motion == (
        "2 dogs go (12,19,10,18) to (1,8,10,18), (20,27,10,18) to (10,17,10,18). "
        "man stays (29,35,9,18) to (25,31,9,18)."
    )
    assert plan.reasoning == (
        "Travel is steady, work in place keeps its box, all shifts the other way, "
        "lanes keep all apart."
    )


@pytest.mark.parametrize(
    ("prompt", "told"),
    [
        ("A ball is bouncing.", "ball bounces (12,19,1,8) by (13,20,11,18) to (17,24,9,16)."),
        ("A woman walks towards the camera.", "woman goes (16,21,8,18) to (15,21,4,18)."),
        ("A leaf falls.", "leaf falls (14,22,0,8) by (14,22,2,10) to (14,22,10,18)."),
    ],
)
def test_single_subjects(prompt: str, told: str) -> None:
    assert taught(prompt).plan.motion == told


def test_whoever_keeps_its_size_keeps_it_in_cells() -> None:
    trajectory = taught("A dog is running and a cat is jumping.")
    for row in trajectory.boxes:
        sides = {
            (right - left, bottom - top)
            for left, right, top, bottom in (OPTIONS.wire.cells(box) for box in row)
        }
        assert len(sides) == 1


def test_a_prompt_that_the_rules_cannot_plan_has_no_lesson() -> None:
    with pytest.raises(InputError, match="no subject with a motion"):
        taught("Hello there.")


def test_nearly_every_wording_is_read_as_it_is_meant() -> None:
    right, count = 0, 100
    for index in range(count):
        drawn = wording.drawn(np.random.default_rng(index))
        try:
            read = [(s.noun.casefold(), s.number) for s in taught(drawn.prompt).plan.subjects]
        except InputError:
            continue
        right += read == [(noun.casefold(), number) for noun, number in drawn.subjects]
    assert right >= 0.9 * count
