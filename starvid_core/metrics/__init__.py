"""Scores of a video against its plan, read by a judge; one file for each (Table I)."""

from starvid_core.metrics import action_binding, layout, numeracy

METRICS = {"numeracy": numeracy, "action_binding": action_binding, "layout": layout}

__all__ = ["METRICS"]
