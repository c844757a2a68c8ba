"""Figures in one style: arrays, boxes and tables in, `matplotlib.figure.Figure` out."""

from starvid_core.plotting.frames import Group, Strip, group, plot_study
from starvid_core.plotting.maps import OVERLAPS, Case, overlaps, plot_attention, word_maps
from starvid_core.plotting.preference import plot_preference
from starvid_core.plotting.published import plot_published
from starvid_core.plotting.scores import METRICS, interval, samples, summary
from starvid_core.plotting.style import save, use_style

__all__ = [
    "METRICS",
    "OVERLAPS",
    "Case",
    "Group",
    "Strip",
    "group",
    "interval",
    "overlaps",
    "plot_attention",
    "plot_preference",
    "plot_published",
    "plot_study",
    "samples",
    "save",
    "summary",
    "use_style",
    "word_maps",
]
