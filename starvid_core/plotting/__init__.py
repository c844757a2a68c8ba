"""Figures in one style: arrays, boxes and tables in, `matplotlib.figure.Figure` out."""

from starvid_core.plotting.frames import Group, Strip, group, plot_study
from starvid_core.plotting.maps import OVERLAPS, Case, overlaps, plot_attention, word_maps
from starvid_core.plotting.planners import Drawn, plot_planners
from starvid_core.plotting.preference import plot_preference
from starvid_core.plotting.published import plot_published
from starvid_core.plotting.scores import METRICS, interval, plot_scores, samples, summary
from starvid_core.plotting.style import save, use_style
from starvid_core.plotting.transitions import Case as TransitionCase
from starvid_core.plotting.transitions import by_prompt, correct, plot_cases, plot_correctness

__all__ = [
    "METRICS",
    "OVERLAPS",
    "Case",
    "Drawn",
    "Group",
    "Strip",
    "TransitionCase",
    "by_prompt",
    "correct",
    "group",
    "interval",
    "overlaps",
    "plot_attention",
    "plot_cases",
    "plot_correctness",
    "plot_planners",
    "plot_preference",
    "plot_scores",
    "plot_published",
    "plot_study",
    "samples",
    "save",
    "summary",
    "use_style",
    "word_maps",
]
