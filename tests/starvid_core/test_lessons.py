"""The checks of the exercises: right, wrong and unanswered are told apart in words."""

import numpy as np
import pytest
import torch

from starvid_core import lessons


@pytest.mark.parametrize(
    ("answer", "truth"),
    [
        (" StarVid ", "starvid"),
        (True, True),
        (60, 60.0),
        (0.12345, torch.tensor(0.12346)),
        ([1.0, 2.0], np.array([1.0, 2.0])),
        (np.float32(3), 3),
    ],
)
def test_a_right_answer_is_right(answer, truth):
    assert lessons.check(answer, truth) == "Right."


@pytest.mark.parametrize(
    ("answer", "truth"),
    [
        ("plain", "StarVid"),
        (1, True),
        ("60", "sixty"),
        (61, 60.0),
        ([1.0], np.array([1.0, 2.0])),
        ({"a": 1}, 1.0),
        (float("nan"), 1.0),
        (torch.ones(2, requires_grad=True).detach() * 2, torch.ones(2)),
    ],
)
def test_a_wrong_answer_gets_the_hint(answer, truth):
    assert lessons.check(answer, truth, "look at Eq. (1).") == "Not yet: look at Eq. (1)."


def test_no_answer_is_neither():
    assert lessons.check(None, 1.0).startswith("No answer yet")
