"""Figures in one style: arrays, boxes and tables in, `matplotlib.figure.Figure` out."""

from starvid_core.plotting.compute import Point, plot_compute
from starvid_core.plotting.contrast import plot_contrast
from starvid_core.plotting.frames import Group, Strip, group, plot_study
from starvid_core.plotting.grid import plot_table
from starvid_core.plotting.maps import OVERLAPS, Case, overlaps, plot_attention, word_maps
from starvid_core.plotting.pipeline import Guided, plot_pipeline
from starvid_core.plotting.planners import Drawn, plot_planners
from starvid_core.plotting.preference import plot_preference
from starvid_core.plotting.published import plot_published
from starvid_core.plotting.scores import METRICS, interval, plot_scores, samples, summary
from starvid_core.plotting.style import save, use_style, watermark
from starvid_core.plotting.transitions import Case as TransitionCase
from starvid_core.plotting.transitions import by_prompt, correct, plot_cases, plot_correctness

__all__ = [
    "METRICS",
    "OVERLAPS",
    "Case",
    "Drawn",
    "Group",
    "Guided",
    "Point",
    "Strip",
    "TransitionCase",
    "by_prompt",
    "correct",
    "group",
    "interval",
    "overlaps",
    "plot_attention",
    "plot_cases",
    "plot_compute",
    "plot_contrast",
    "plot_correctness",
    "plot_pipeline",
    "plot_planners",
    "plot_preference",
    "plot_published",
    "plot_scores",
    "plot_study",
    "plot_table",
    "samples",
    "save",
    "summary",
    "use_style",
    "watermark",
    "word_maps",
]
