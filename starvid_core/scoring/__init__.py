"""Scores of any folder of videos: find the cases, choose judges, run them, report."""

from starvid_core.scoring.cases import Case, find
from starvid_core.scoring.judges import JUDGES, chosen, missing
from starvid_core.scoring.looks import Options
from starvid_core.scoring.report import summary, table, write
from starvid_core.scoring.run import Row, score

__all__ = [
    "JUDGES",
    "Case",
    "Options",
    "Row",
    "chosen",
    "find",
    "missing",
    "score",
    "summary",
    "table",
    "write",
]
