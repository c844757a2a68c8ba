"""The backbone alone: the unguided rows of Table I."""

from starvid_core.backbones.base import Backbone
from starvid_core.config import StarVidConfig
from starvid_core.guidance import Guide
from starvid_core.scene import Trajectory


def guide(
    trajectory: Trajectory,
    backbone: Backbone,
    config: StarVidConfig | None = None,
    steps: int | None = None,
) -> Guide:
    """No phases: the trajectory is planned and ignored."""
    return Guide()
