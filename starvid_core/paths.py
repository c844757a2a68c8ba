"""Where things are: every path of the repository stands here and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(os.environ.get("STARVID_HOME", Path(__file__).resolve().parent.parent))
DATA = ROOT / "data"
SPRITES = DATA / "sprites"
CHECKPOINTS = DATA / "checkpoints"
WEIGHTS = DATA / "weights"
LORAS = CHECKPOINTS / "loras"
TRANSCRIPTS = DATA / "transcripts"
PROMPTS = DATA / "prompts"
PLANNERS = DATA / "planners.json"
STUDIES = DATA / "studies"
RESULTS = DATA / "results"
RUNS = DATA / "runs"
HANDCOUNTS = DATA / "judge_handcount"
FIGURES = ROOT / "figures"
NOTEBOOKS = ROOT / "notebooks"
PROFILES = ROOT / "profiles"
BUILD = ROOT / "build"


def figure_folder(quick: bool = False) -> Path:
    """Where notebooks put their figures: quick ones are for smoke tests and never replace these."""
    return BUILD / "quick" if quick else FIGURES


def executed(notebook: str, quick: bool = False) -> Path:
    """Where the executed copy of a notebook lies, with its outputs."""
    return (figure_folder(quick) if quick else BUILD) / "notebooks" / f"{notebook}.ipynb"
