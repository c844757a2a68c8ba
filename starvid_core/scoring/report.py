"""What was scored: a line for every video, and means with what was left out of them, and why."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from starvid_core.artifacts import write_json, write_text
from starvid_core.plotting.scores import interval
from starvid_core.scoring.run import Row, Scores

INTERVAL = "95 % bootstrap interval of the mean over prompts; videos of one prompt stay together"


def columns(scores: Scores) -> list[str]:
    """The names of all values, metric by metric."""
    found = (name for row in scores.rows for values in row.values.values() for name in values)
    order = {metric: n for n, metric in enumerate(scores.models)}
    owner = {
        name: metric
        for row in scores.rows
        for metric, values in row.values.items()
        for name in values
    }
    return sorted(dict.fromkeys(found), key=lambda name: order[owner[name]])


def table(scores: Scores) -> list[dict[str, Any]]:
    """A line for every video: its prompt, every value that it has, and what it lacks and why."""
    return [_line(row, columns(scores)) for row in scores.rows]


def summary(scores: Scores) -> dict[str, Any]:
    """Means with their intervals, and the videos that each metric had to leave out, by reason."""
    return {
        "videos": len(scores.rows),
        "prompts": len({_prompt(row) for row in scores.rows} - {""}),
        "models": scores.models,
        "interval": INTERVAL,
        "scores": {name: mean(scores.rows, name) for name in columns(scores)},
        "dropped": {
            metric: {"videos": len(found), "reasons": _reasons(found)}
            for metric in scores.models
            if (
                found := {
                    r.case.name: r.dropped[metric] for r in scores.rows if metric in r.dropped
                }
            )
        },
    }


def mean(rows: Sequence[Row], name: str) -> dict[str, Any]:
    """Mean of one value over the videos that have it, and its interval; null where none has."""
    groups: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        value = _value(row, name)
        if not math.isnan(value):
            groups[_prompt(row) or row.case.name].append(value)
    count = sum(len(group) for group in groups.values())
    if not count:
        return {"n": 0, "mean": None, "low": None, "high": None}
    low, high = interval(np.array([np.mean(group) for group in groups.values()]))
    whole = float(np.mean([value for group in groups.values() for value in group]))
    return {"n": count, "mean": whole, "low": low, "high": high}


def write(scores: Scores, folder: Path, facts: dict[str, Any]) -> None:
    """`scores.csv` and `summary.json`, each whole or not at all; `facts` say how they were made."""
    import pandas

    lines = pandas.DataFrame(table(scores))
    write_text(folder / "scores.csv", lines.to_csv(index=False, float_format="%.6g"))
    write_json(folder / "summary.json", facts | summary(scores))


def _line(row: Row, names: Sequence[str]) -> dict[str, Any]:
    reasons = "; ".join(f"{metric}: {reason}" for metric, reason in row.dropped.items())
    values = {name: _value(row, name) for name in names}
    return {"video": row.case.name, "prompt": _prompt(row), **values, "dropped": reasons}


def _value(row: Row, name: str) -> float:
    return next((values[name] for values in row.values.values() if name in values), math.nan)


def _prompt(row: Row) -> str:
    return row.case.asked.prompt if row.case.asked else ""


def _reasons(found: dict[str, str]) -> dict[str, list[str]]:
    reasons: dict[str, list[str]] = defaultdict(list)
    for video, reason in found.items():
        reasons[reason].append(video)
    return dict(reasons)
