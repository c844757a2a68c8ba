"""The preference study of Table II: a page of A/B questions, and what its answers say."""

from starvid_core.preference.analysis import analyse
from starvid_core.preference.answers import Votes, read
from starvid_core.preference.page import make
from starvid_core.preference.simulated import simulate
from starvid_core.preference.study import QUESTIONS, Study, load

__all__ = ["QUESTIONS", "Study", "Votes", "analyse", "load", "make", "read", "simulate"]
