"""The command `starvid`. Torch is imported inside the commands, so that help answers at once."""

from starvid_core.cli import figures, generate, plan, study, train
from starvid_core.cli.app import app, main

__all__ = ["app", "figures", "generate", "main", "plan", "study", "train"]
