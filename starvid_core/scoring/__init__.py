"""Scores of any folder of videos: `cases` finds them, `judges` looks, `run` keeps and resumes."""

from starvid_core.scoring.cases import Case, find
from starvid_core.scoring.judges import JUDGES, Options, chosen
from starvid_core.scoring.report import summary, table, write
from starvid_core.scoring.run import Row, score

__all__ = [
    "JUDGES",
    "Case",
    "Options",
    "Row",
    "chosen",
    "find",
    "score",
    "summary",
    "table",
    "write",
]
