"""Times of single passes on a processor, as multiples of each other.

`python -m benchmarks.ratios [ROUNDS]` takes ZeroScope's shape a tenth as wide and writes
data/results/tab14_ratios.json. It reads processor time, not the clock, which others slow down.
"""

from __future__ import annotations

import sys

import torch

from benchmarks import models, timing
from benchmarks.report import table, write
from benchmarks.variants import Setting, Work, finish, halted, materialized, naive, step, truncated
from starvid_core import machine

NAME = "tab14_ratios"
ROUNDS = 9


def works(setting: Setting) -> dict[str, Work]:
    """What is compared, by name."""
    return {
        "step": lambda: step(setting),
        "naive": lambda: naive(setting),
        "naive, materialized": lambda: materialized(setting),
        "truncated": lambda: truncated(setting),
        "recompute 1": lambda: truncated(setting, 1),
        "recompute 4": lambda: truncated(setting, 4),
        "lean": lambda: truncated(setting, 0, True),
        "halted": lambda: halted(setting),
        "finish": lambda: finish(setting),
    }


def measure(setting: Setting, rounds: int) -> dict[str, dict[str, float]]:
    """Ratios to the iteration that follows the whole model."""
    return timing.ratios(timing.rounds(works(setting), rounds), "naive")


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    setting = models.setting(models.unet(32, 16, 128), frames=16, h=16, w=24)
    rows = measure(setting, int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
    sys.stdout.write(f"{table(rows)}\nload {machine.facts()['load']}\n")
    write(NAME, {"passes": rows, "base": "naive"})


if __name__ == "__main__":
    main()
