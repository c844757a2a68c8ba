"""What the world says, the rule planner understands."""

import pytest

from planners import physics, rules
from starvid_core.moving_emoji.prompts import one_subject, two_subjects
from starvid_core.moving_emoji.world import FIRST, FULL

PROMPTS = [
    *two_subjects(FIRST, 104),
    *one_subject(FIRST, 104),
    *two_subjects(FULL, 200, seed=5),
    *one_subject(FULL, 200, seed=5),
]


@pytest.mark.parametrize("prompt", PROMPTS)
def test_the_rule_planner_reads_the_caption(prompt: str) -> None:
    trajectory = rules.plan(prompt)
    words = prompt.lower().replace(",", " ").replace(".", " ").split()
    nouns = [w for w in words if w in FULL.subjects]
    planned = [s.noun for s in trajectory.plan.subjects]
    # "rides a horse" and "plays football" name what is ridden or played, not a subject.
    assert planned == [n for n in nouns if n in planned][: len(planned)]
    assert 1 <= len(planned) <= 2
    assert all(s.motion in FULL.motions for s in trajectory.plan.subjects)
    assert physics.check(trajectory) == ()
