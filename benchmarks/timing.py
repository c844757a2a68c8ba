"""Times of several pieces of work side by side: in turn, round after round, in one process."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np
import torch

Clock = Callable[[], float]


def processor() -> float:
    """Seconds that this process took of all cores, whoever else is at work on them."""
    return time.process_time()


def device() -> float:
    """Seconds by the clock, once the accelerator has done what it was given."""
    torch.accelerator.synchronize()
    return time.perf_counter()


def rounds(
    works: Mapping[str, Callable[[], object]], count: int, clock: Clock = processor, warm: int = 1
) -> dict[str, np.ndarray]:
    """Seconds of every work in every round, after `warm` rounds that are not counted."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for number in range(warm + count):
        for name, work in works.items():
            start = clock()
            work()
            seconds = clock() - start
            if number >= warm:
                taken[name].append(seconds)
    return {name: np.array(seconds) for name, seconds in taken.items()}


def ratios(taken: Mapping[str, np.ndarray], base: str) -> dict[str, dict[str, float]]:
    """Of every work to the base: median over the rounds, its 95 % bootstrap interval, seconds."""
    draw = np.random.default_rng(0).integers(0, len(taken[base]), (2000, len(taken[base])))
    rows = {}
    for name, seconds in taken.items():
        each = seconds / taken[base]
        low, high = np.percentile(np.median(each[draw], 1), [2.5, 97.5])
        rows[name] = {
            "seconds": float(np.median(seconds)),
            "ratio": float(np.median(each)),
            "low": float(low),
            "high": float(high),
        }
    return rows
