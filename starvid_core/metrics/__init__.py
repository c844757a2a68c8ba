"""Scores of a video against its plan, read by a judge; one file for each (Table I)."""

from types import ModuleType

from starvid_core.metrics import action_binding, dsr_score, layout, numeracy
from starvid_core.scene import Trajectory

METRICS = {
    "numeracy": numeracy,
    "action_binding": action_binding,
    "layout": layout,
    "dsr": dsr_score,
}


def fitting(trajectory: Trajectory) -> list[ModuleType]:
    """The metrics that have something to say about this prompt: `dsr` has of transitions only."""
    return [m for m in METRICS.values() if getattr(m, "applies", lambda _: True)(trajectory)]


__all__ = ["METRICS", "fitting"]
