"""Results: the scores of a study as small files in `data/results`, with what they stand on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from starvid_core import paths, specs, studies
from starvid_core.artifacts import fingerprint, write_json, write_text
from starvid_core.errors import InputError
from starvid_core.plotting import scores as drawn

if TYPE_CHECKING:
    from pandas import DataFrame
else:
    DataFrame = Any

METRICS = (
    *("numeracy", "exact_frames", "exact", "present", "extra"),
    *("iou", "unseen", "action_binding", "leakage"),
)


def report(name: str, quick: bool = False) -> Path:
    """Run a study to its end, score it, write `<name>.csv` (clips) and `<name>.json` (means).

    Every mean has a 95 % bootstrap interval; differences are to the first variant, clip by clip.
    """
    study = studies.load(name, quick)
    table = studies.scores(studies.ensure(study))
    folder = paths.BUILD / "results" if quick else paths.RESULTS
    write_text(folder / f"{name}.csv", table.to_csv(index=False, float_format="%.4f"))
    reference = next(iter(study.variants))
    rows = drawn.summary(drawn.samples(table, study.metrics or METRICS), reference)
    write_json(folder / f"{name}.json", _facts(study) | {"summary": [_short(r) for r in rows]})
    return folder / f"{name}.json"


def read(name: str, quick: bool = False) -> DataFrame:
    """The clips of a study as they were written; InputError with its command if they were not."""
    import pandas

    path = (paths.BUILD / "results" if quick else paths.RESULTS) / f"{name}.csv"
    if not path.is_file():
        also = " --quick" if quick else ""
        raise InputError(f"no results in {path}; make them with `starvid study {name}{also}`")
    return pandas.read_csv(path)


def by_prompt(table: DataFrame, metric: str) -> dict[str, np.ndarray]:
    """A column as arrays `[prompt, seed]`, one for every variant in its order."""
    return {
        variant: rows.pivot(index="prompt", columns="seed", values=metric).to_numpy(float)
        for variant, rows in table.groupby("variant", sort=False)
    }


def _facts(study: studies.Study) -> dict[str, Any]:
    return {
        "command": f"starvid study {study.name}",
        "prompts": len(study.prompts),
        "seeds": list(study.seeds),
        "checkpoint": fingerprint(paths.CHECKPOINTS / "emoji")[:12],
        "judge": fingerprint(paths.CHECKPOINTS / "judge")[:12],
        "numerics": specs.NUMERICS,
    }


def _short(row: dict[str, str | float]) -> dict[str, str | float | None]:
    """Numbers to four places; what does not exist is null."""
    return {
        key: (round(value, 4) if value == value else None) if isinstance(value, float) else value
        for key, value in row.items()
    }
