"""How a LoRA of SpatialAlign is trained: the paper's numbers, and those for the embedded model."""

from __future__ import annotations

import math
from dataclasses import dataclass

from starvid_core import lora
from starvid_core.errors import InputError
from starvid_core.finetuning.dpo import OBJECTIVES, Objective

PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class Recipe:
    """`pairs` of every step pass through the model `part` at a time; `warmup` is a share of the
    steps. Training ends early when winners got worse over the last `window` steps, if it may."""

    objective: Objective = OBJECTIVES["zo_dpo"]
    steps: int = 600
    pairs: int = 8
    part: int = 4
    learning_rate: float = 1e-3
    warmup: float = 0.1  # 300 of 3,000 steps
    rank: int = lora.RANK
    alpha: int = lora.ALPHA
    seed: int = 0
    precision: str = "float32"
    stop: bool = True
    window: int = 100
    checkpoint_every: int = 25

    def __post_init__(self) -> None:
        for name in ("steps", "pairs", "part", "window", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be 1 or more, got {getattr(self, name)}")
        if self.pairs % self.part:
            raise InputError(f"{self.pairs} pairs do not divide into parts of {self.part}")
        if not 0 < self.learning_rate < math.inf:
            raise InputError(f"learning_rate must be a number above 0, got {self.learning_rate}")
        if self.precision not in PRECISIONS:
            expected = ", ".join(PRECISIONS)
            raise InputError(f"unknown precision {self.precision!r}, expected {expected}")

    def rate(self, step: int) -> float:
        """The learning rate of a step from 0: a linear rise, then a cosine to 0."""
        rise = max(round(self.warmup * self.steps), 1)
        if step < rise:
            return self.learning_rate * (step + 1) / rise
        share = (step - rise) / max(self.steps - rise, 1)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * share))


# `run_train.sh` of SpatialAlign for Wan 2.1 1.3B: 4 accelerators x 1 pair x 12 accumulated.
PAPER = Recipe(steps=3000, pairs=48, part=1, learning_rate=1e-4, precision="bfloat16")
RECIPES = {"small": Recipe(), "paper": PAPER}
