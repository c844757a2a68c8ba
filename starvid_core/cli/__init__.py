"""The command `starvid`. Torch is imported inside the commands, so that help answers at once."""

from starvid_core.cli import benchmark, figures, generate, plan, preference, score, train
from starvid_core.cli.app import app, main

__all__ = [
    "app",
    "benchmark",
    "figures",
    "generate",
    "main",
    "plan",
    "preference",
    "score",
    "train",
]
