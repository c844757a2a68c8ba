"""How long a study will still take, by what its finished clips took."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import mean
from typing import Any

from starvid_core import costs, experiment, paths
from starvid_core.specs import RunSpec


def seconds_left(wanted: Sequence[RunSpec], hours: float = 0.0) -> float:
    """Seconds for the runs that are not there: each as long as the mean of those with its settings,
    or as the mean of all; before any run its part of the `hours` of the whole study."""
    took: dict[Any, list[float]] = defaultdict(list)
    missing = []
    clips = dict.fromkeys(clip for one in wanted for clip in experiment.rivals(one))
    for one in clips:
        folder = paths.RUNS / one.key
        seconds = costs.read(folder).seconds
        if seconds == seconds:
            took[one.settings].append(seconds)
        elif not folder.is_dir():
            missing.append(one)
    found = [mean(times) for times in took.values()]
    usual = mean(found) if found else 3600 * hours / max(len(clips), 1)
    return sum(mean(took[s]) if (s := one.settings) in took else usual for one in missing)


def note(wanted: Sequence[RunSpec], hours: float = 0.0) -> str:
    """For the end of a line: "; 32 of 76 clips, about 12 min left", or nothing when all is done."""
    done = sum((paths.RUNS / one.key).is_dir() for one in wanted)
    if done == len(wanted):
        return ""
    left = seconds_left(wanted, hours)
    return f"; {done} of {len(wanted)} clips, about {duration(left)} left"


def duration(seconds: float) -> str:
    """In the unit that a person would use."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
