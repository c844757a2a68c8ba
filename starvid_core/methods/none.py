"""The backbone alone: the unguided rows of Table I."""

from dataclasses import dataclass

from starvid_core.backbones.base import Backbone
from starvid_core.phases import Guide
from starvid_core.scene import Trajectory


@dataclass(frozen=True)
class Config:
    """There is nothing to choose."""


def guide(
    trajectory: Trajectory,
    backbone: Backbone,
    config: Config | None = None,
    steps: int | None = None,
) -> Guide:
    """No phases: the trajectory is planned and ignored."""
    return Guide()
