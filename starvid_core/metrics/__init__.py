"""Scores of a video against its plan, read by a judge; one file for each (Table I).

Those named `emoji_...` read the embedding instead: the counterparts of CLIP-T, CLIP-I and PickScore
in the embedded world (`starvid_core.standins`).
"""

from starvid_core.metrics import action_binding, flicker, layout, numeracy

METRICS = {
    "numeracy": numeracy,
    "action_binding": action_binding,
    "layout": layout,
    "flicker": flicker,
}

__all__ = ["METRICS"]
