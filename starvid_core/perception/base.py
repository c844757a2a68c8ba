"""What a metric needs of a model, whichever one is behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from starvid_core.scene import Box


@dataclass(frozen=True)
class Detection:
    """One subject seen in one frame, its box in fractions of the frame."""

    name: str
    box: Box
    score: float


@runtime_checkable
class Detector(Protocol):
    """Sees which subjects are where."""

    def detect(self, video: np.ndarray) -> Sequence[Sequence[Detection]]:
        """The subjects of every frame of uint8 `[frame, height, width, 3]`."""


@runtime_checkable
class Judge(Detector, Protocol):
    """Sees as well what a tracked subject does."""

    def motion(self, video: np.ndarray, row: tuple[Box | None, ...]) -> dict[str, float]:
        """Probability of every motion for the subject tracked by one box (or None) a frame."""


@runtime_checkable
class Embedder(Protocol):
    """Pictures and prompts as unit vectors of one space."""

    @property
    def scale(self) -> float:
        """What a preference model multiplies a cosine with."""

    def frames(self, video: np.ndarray) -> Float[np.ndarray, "frame dim"]:
        """Every frame of uint8 `[frame, height, width, 3]`."""

    def text(self, prompt: str) -> Float[np.ndarray, " dim"]:
        """The prompt, or as much of it as the model reads."""

    def cut(self, prompt: str) -> int:
        """How many tokens of the prompt the model does not read."""


@runtime_checkable
class Tracker(Protocol):
    """Finds what is asked for by name, and follows it through a video."""

    def find(self, video: np.ndarray, names: Sequence[str]) -> Sequence[Sequence[Detection]]:
        """What of `names` is in every frame of uint8 `[frame, height, width, 3]`, best first."""

    def follow(
        self, video: np.ndarray, frame: int, boxes: Sequence[Box]
    ) -> Sequence[tuple[Box | None, ...]]:
        """A box (or None) a frame for each of the boxes that stand in one frame."""
