"""The command `starvid`. Torch is imported inside the commands, so that help answers at once."""

from starvid_core.cli import align, figures, generate, plan, train
from starvid_core.cli.app import app, main

__all__ = ["align", "app", "figures", "generate", "main", "plan", "train"]
