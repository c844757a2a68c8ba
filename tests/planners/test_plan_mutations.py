"""Damaged plan files are refused, or read exactly as they stand."""

import json
import random

import pytest

from planners import rules, schema
from starvid_core.errors import InputError
from starvid_core.scene import Trajectory

WRITTEN = schema.dumps(rules.plan("Two dogs are running while a cat sits"))


def _value_equal(written: str, trajectory: Trajectory) -> bool:
    """An independent reading of the text: field by field what the trajectory holds."""
    plan = json.loads(written)
    subjects = [vars(subject) for subject in trajectory.plan.subjects]
    heads = all(plan[k] == getattr(trajectory.plan, k) for k in ("prompt", "motion", "camera"))
    boxes = all(
        (given is None and box is None)
        or (
            box is not None
            and [box.x0 * 576, box.y0 * 320, box.width * 576, box.height * 320]
            == pytest.approx(given, abs=1e-6)
        )
        for f, frame in enumerate(plan["frames"])
        for given, box in zip(
            (e["box"] for e in frame), (row[f] for row in trajectory.boxes), strict=True
        )
    )
    return plan["subjects"] == subjects and heads and boxes


TOKENS = (
    *("null", "true", "-1", "0", "1e400", "NaN", "[]", "{}", '"x"', "[", "]", "{", "}", ",", ":"),
    *('"id":0', "576", "\\u0000", "é", "\x00", '"', "1" * 30, "-0.005", "  ", "\n"),
)


def _mutated(draw: random.Random) -> str:
    """The plan with one to three pieces deleted, doubled, swapped or replaced."""
    text = WRITTEN
    for _ in range(draw.randint(1, 3)):
        a = draw.randrange(len(text))
        b = min(len(text), a + draw.choice((1, 1, 2, 5, 40)))
        piece = draw.choice(("", text[a:b] * 2, draw.choice(TOKENS), str(draw.randint(0, 700))))
        text = text[:a] + piece + text[b:]
    return text


def test_a_thousand_mutated_plans_are_refused_or_read_as_they_stand() -> None:
    draw, read = random.Random(3), 0
    for _ in range(1000):
        written = _mutated(draw)
        try:
            trajectory = schema.loads(written)
        except InputError as error:
            assert "\n" not in str(error) and len(str(error)) <= 600
        else:
            read += 1
            assert _value_equal(written, trajectory), written
    assert 0 < read < 700
