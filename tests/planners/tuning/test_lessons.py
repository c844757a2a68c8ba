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
    assert (
        plan.motion == "The 2 dogs go from the middle to the left. The man stays on the far right."
    )
    assert plan.reasoning == (
        "Travel is steady, work in place keeps its box, all shifts the other way, "
        "lanes keep all apart."
    )


@pytest.mark.parametrize(
    ("prompt", "told"),
    [
        ("A ball is bouncing.", "The ball bounces right in the middle."),
        ("A woman walks towards the camera.", "The woman goes nearer in the middle."),
        ("A leaf falls.", "The leaf falls in the middle."),
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
