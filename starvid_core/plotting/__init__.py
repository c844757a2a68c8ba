"""Figures in one style: arrays, boxes and tables in, `matplotlib.figure.Figure` out."""

from starvid_core.plotting.frames import Group, Strip, plot_study, strip
from starvid_core.plotting.maps import Case, overlaps, plot_attention
from starvid_core.plotting.scores import METRICS, interval, summary
from starvid_core.plotting.style import save, use_style

__all__ = [
    "METRICS",
    "Case",
    "Group",
    "Strip",
    "interval",
    "overlaps",
    "plot_attention",
    "plot_study",
    "save",
    "strip",
    "summary",
    "use_style",
]
