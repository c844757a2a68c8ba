"""Best of n: several plain clips, of which the one is kept that the judge prefers.

Not a published method but the rival of equal compute: Table XIV has StarVid at 3.01 times the time
of the plain model, so that 3 clips cost as much. Measured by the judge that also chooses, it is as
good as selection can be. The first clip starts from the run's own noise; the others from seeds that
no other run of a benchmark has.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starvid_core.backbones.base import Backbone
from starvid_core.config import check_numbers
from starvid_core.errors import InputError
from starvid_core.losses import choose
from starvid_core.phases import Guide
from starvid_core.scene import Trajectory

APART = 2**32


@dataclass(frozen=True)
class Config:
    """How many, and the sum of which scores decides."""

    n: int = 3  # Table XIV
    by: tuple[str, ...] = ("numeracy", "action_binding")  # the scores of Table I that are ours

    def __post_init__(self) -> None:
        check_numbers(self)
        if self.n < 1 or not self.by:
            raise InputError(f"n must be 1 or more, by 1 score or more; got {self.n}, {self.by}")


def guide(
    trajectory: Trajectory,
    backbone: Backbone,
    config: Config | None = None,
    steps: int | None = None,
) -> Guide:
    """Every clip is a plain one."""
    return Guide()


def seeds(seed: int, config: Config) -> tuple[int, ...]:
    """The seeds of the clips of which one is kept; the first is the run's own."""
    return tuple(seed + number * APART for number in range(config.n))


def best(scores: Sequence[Mapping[str, float]], config: Config) -> int:
    """The clip with the largest sum of scores, of equal ones the first."""
    sums = [sum(choose(row, name, "score") for name in config.by) for row in scores]
    return sums.index(max(sums))
