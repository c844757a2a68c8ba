"""What a metric needs of a judge, whichever model is behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from starvid_core.scene import Box


@dataclass(frozen=True)
class Detection:
    """One subject seen in one frame, its box in fractions of the frame."""

    name: str
    box: Box
    score: float


@runtime_checkable
class Judge(Protocol):
    """Sees which subjects are where, and what a tracked one does."""

    def detect(self, video: np.ndarray) -> Sequence[Sequence[Detection]]:
        """The subjects of every frame of uint8 `[frame, height, width, 3]`, best first."""

    def motion(self, video: np.ndarray, row: tuple[Box | None, ...]) -> dict[str, float]:
        """Probability of every motion for the subject tracked by one box (or None) a frame."""


@runtime_checkable
class Tracker(Protocol):
    """Finds what is asked for by name, and follows it through a video."""

    def find(self, video: np.ndarray, names: Sequence[str]) -> Sequence[Sequence[Detection]]:
        """What of `names` is in every frame of uint8 `[frame, height, width, 3]`, best first."""

    def follow(
        self, video: np.ndarray, frame: int, boxes: Sequence[Box]
    ) -> Sequence[tuple[Box | None, ...]]:
        """A box (or None) a frame for each of the boxes that stand in one frame."""
