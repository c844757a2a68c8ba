"""Scores of a video against its plan, read by a judge; one file for each (Table I).

Those named `emoji_...` read the embedding instead: the counterparts of CLIP-T, CLIP-I and PickScore
in the embedded world (`starvid_core.standins`).
"""

from types import ModuleType

from starvid_core.metrics import action_binding, dsr_score, flicker, layout, numeracy
from starvid_core.scene import Trajectory

METRICS = {
    "numeracy": numeracy,
    "action_binding": action_binding,
    "layout": layout,
    "flicker": flicker,
    "dsr": dsr_score,
}


def fitting(trajectory: Trajectory) -> dict[str, ModuleType]:
    """The metrics that have something to say about this prompt: `dsr` has of transitions only."""
    return {
        name: m for name, m in METRICS.items() if name != "dsr" or dsr_score.applies(trajectory)
    }


__all__ = ["METRICS", "fitting"]
