"""Figures in one style: arrays, boxes and tables in, `matplotlib.figure.Figure` out."""

from starvid_core.plotting.compute import Point, plot_compute
from starvid_core.plotting.contrast import plot_contrast
from starvid_core.plotting.frames import Group, Strip, group, plot_study
from starvid_core.plotting.grid import plot_table
from starvid_core.plotting.maps import OVERLAPS, Case, overlaps, plot_attention, word_maps
from starvid_core.plotting.pipeline import Guided, plot_pipeline
from starvid_core.plotting.scores import METRICS, interval, samples, summary
from starvid_core.plotting.style import save, use_style, watermark

__all__ = [
    "METRICS",
    "OVERLAPS",
    "Case",
    "Group",
    "Guided",
    "Point",
    "Strip",
    "group",
    "interval",
    "overlaps",
    "plot_attention",
    "plot_compute",
    "plot_contrast",
    "plot_pipeline",
    "plot_study",
    "plot_table",
    "samples",
    "save",
    "summary",
    "use_style",
    "watermark",
    "word_maps",
]
