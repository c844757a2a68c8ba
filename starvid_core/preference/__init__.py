"""The preference study of Table II: a page of A/B questions, and what its answers say."""

from starvid_core.preference.analysis import analyse
from starvid_core.preference.answers import Votes, read, votes
from starvid_core.preference.page import make
from starvid_core.preference.simulated import Simulation, simulate
from starvid_core.preference.study import QUESTIONS, Study, build, load

__all__ = [
    "QUESTIONS",
    "Simulation",
    "Study",
    "Votes",
    "analyse",
    "build",
    "load",
    "make",
    "read",
    "simulate",
    "votes",
]
