"""The command `starvid`. Torch is imported inside the commands, so that help answers at once."""

from starvid_core.cli import compare, convert, figures, generate, judging, plan, train
from starvid_core.cli.app import app, main

__all__ = ["app", "compare", "convert", "figures", "generate", "judging", "main", "plan", "train"]
