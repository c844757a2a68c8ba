"""Screening for DSR-Score: which videos show one subject and one object, by their labels alone.

A video that does not is INVALID (the paper's one-animal-one-object criterion): it counts as a
failure and never becomes half of a preference pair.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Names = tuple[str, str]  # the subject's and the object's
Labels = Sequence[Sequence[str]]


@dataclass(frozen=True)
class DSRConfig:
    """How many frames count, and how many are needed; the defaults are the paper's, of 81."""

    head: int = 3
    tail: int = 3
    min_valid: int = 20
    max_redundant: int = 16
    min_run: int = 4


PAPER = DSRConfig()


def scaled(frames: int) -> DSRConfig:
    """The paper's numbers for a video of another length; ours."""
    share = frames / 81
    ends = max(1, round(3 * share))
    return DSRConfig(
        head=ends,
        tail=ends,
        min_valid=max(4, math.ceil(20 * share)),
        max_redundant=math.floor(16 * share),
        min_run=max(2, math.ceil(4 * share)),
    )


@dataclass(frozen=True)
class Screening:
    """What every frame shows; `reason` is empty for a valid video.

    `seed` is the first frame of the first run of valid ones, from which a tracker starts.
    """

    statuses: tuple[str, ...]
    seed: int = 0
    reason: str = ""

    def count(self, status: str) -> int:
        return self.statuses.count(status)


def screen(labels: Labels, names: Names, config: DSRConfig) -> Screening:
    """Judge a video by the labels that are seen in each of its frames; they must equal the names:
    a "black cat" is no "cat"."""
    statuses = tuple(_status(found, names) for found in labels)
    made = Screening(statuses)
    if made.count("redundant") > config.max_redundant:
        return Screening(statuses, reason="redundant")
    if made.count("valid") < config.min_valid:
        return Screening(statuses, reason="too_few_valid")
    seed = _first_run(statuses, config.min_run)
    return Screening(statuses, reason="no_run") if seed is None else Screening(statuses, seed)


def _status(labels: Sequence[str], names: Names) -> str:
    if len(labels) < 2:
        return "miss"
    return "valid" if sorted(labels) == sorted(names) else "redundant"


def _first_run(statuses: Sequence[str], length: int) -> int | None:
    starts = range(len(statuses) - length + 1)
    return next((n for n in starts if set(statuses[n : n + length]) == {"valid"}), None)
