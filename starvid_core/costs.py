"""Costs: what a clip took in time and in passes of the UNet, kept with its run (Table XIV)."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from starvid_core.artifacts import read_json, write_json
from starvid_core.config import SamplingConfig

FILE = "cost.json"


@dataclass(frozen=True)
class Cost:
    """Of one clip; nan where it is not known.

    `seconds` by the clock and `core_seconds` of all processor cores together are its part of the
    batch it was made in. `passes` counts forward passes of the UNet for one video, `gradients`
    those among them that guidance reads maps from and follows back.
    """

    seconds: float = math.nan
    core_seconds: float = math.nan
    passes: float = math.nan
    gradients: float = math.nan


class Stopwatch:
    """The time from its making until it is stopped."""

    def __init__(self) -> None:
        self.clock, self.cores = -time.perf_counter(), -time.process_time()

    def stop(self) -> None:
        self.clock += time.perf_counter()
        self.cores += time.process_time()

    def cost(self, clips: int, sampling: SamplingConfig, readings: int, reused: int = 0) -> Cost:
        """Of one of the `clips` made in this time, whose guidance read its maps so often.

        `reused` of these passes were gone on with instead of another one.
        """
        halves = 1 if sampling.guidance_scale == 1 else 2
        passes = sampling.steps * halves + readings - reused
        return Cost(self.clock / clips, self.cores / clips, passes, readings)


def total(costs: Iterable[Cost]) -> Cost:
    """The cost of several clips together."""
    rows = [asdict(cost) for cost in costs]
    return Cost(**{name: sum(row[name] for row in rows) for name in asdict(Cost())})


def write(folder: Path, cost: Cost) -> None:
    rounded = {name: round(value, 3) for name, value in asdict(cost).items() if value == value}
    write_json(folder / FILE, rounded)


def read(folder: Path) -> Cost:
    """What a run cost; nan for one that was made before costs were kept."""
    path = folder / FILE
    return Cost(**read_json(path)) if path.is_file() else Cost()
