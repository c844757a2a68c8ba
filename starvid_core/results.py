"""Results: the scores of a study, or of planners, as small files, with what they stand on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from planners import benchmarks, comparison, physics, variants
from planners.benchmarks import BenchmarkPrompt
from planners.variants import Variant
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
BENCHMARK, PROMPTS = "llm_benchmark", 100
MEASURES = (
    *("planned", "valid", "subjects_right", "motions_right"),
    *("overlap", "acceleration", "copied_boxes", "copied_track"),
    *("requests", "prompt_tokens", "tokens", "seconds"),
)
BASELINE = "one_stage"  # of Fig. 8


def report(name: str, quick: bool = False) -> Path:
    """Run a study to its end, score it, write `<name>.csv` (clips) and `<name>.json` (means).

    Every mean has a 95 % bootstrap interval; differences are to the first variant, clip by clip.
    """
    study = studies.load(name, quick)
    table = studies.scores(studies.ensure(study))
    reference = next(iter(study.variants))
    rows = drawn.summary(drawn.samples(table, study.metrics or METRICS), reference)
    folder = paths.BUILD / "results" if quick else paths.RESULTS
    return _write(folder / name, table, _facts(study) | {"summary": [_short(r) for r in rows]})


def prompts(benchmark: str, count: int | None) -> tuple[BenchmarkPrompt, ...]:
    """`count` prompts spread evenly over a benchmark; without a count a hundred, or all."""
    listed = benchmarks.load(benchmark)
    wanted = min(PROMPTS, len(listed)) if count is None else count
    if not 1 <= wanted <= len(listed):
        most = len(listed)
        raise InputError(f"prompts is {wanted}; {benchmark} has {most}, give 1 to {most}")
    return tuple(listed[n * len(listed) // wanted] for n in range(wanted))


def compare(
    planners: Sequence[Variant], asked: Sequence[BenchmarkPrompt], replay: bool = False
) -> DataFrame:
    """A row for every planner and prompt; with `replay` from transcripts alone."""
    import pandas

    rows = [row.flat for one in planners for row in comparison.rows(one, asked, replay)]
    return pandas.DataFrame(rows)


def summarize(table: DataFrame) -> list[dict[str, Any]]:
    """The mean of every measure, and for every check the share of plans that break it.

    Differences are to the one-stage planner, prompt by prompt, or to the first if it is not there.
    """
    broken = {
        f"breaks_{code}": table[code].gt(0).astype(float).where(table[code].notna())
        for code in physics.CHECKS
    }
    named = table.rename(columns={"planner": "variant"}).assign(**broken)
    present = dict.fromkeys(named["variant"])
    reference = BASELINE if BASELINE in present else next(iter(present))
    return drawn.summary(drawn.samples(named, (*MEASURES, *broken)), reference)


def report_planners(
    names: Sequence[str] = (),
    benchmark: str = BENCHMARK,
    count: int | None = None,
    replay: bool = False,
) -> Path:
    """Compare planners, write `planner_comparison.csv` (plans) and `.json` (means).

    Without names all are compared that have their model or a transcript here. Only the whole
    comparison goes to data/results.
    """
    chosen = [variants.find(name) for name in names or variants.names()]
    asked = prompts(benchmark, count)
    absent = [one for one in chosen if one.absent]
    if names and absent:
        raise InputError(absent[0].absent)
    there = [one for one in chosen if not one.absent]
    table = compare(there, asked, replay)
    models = dict(zip(table["planner"], table["model"], strict=True))
    whole = not names and benchmark == BENCHMARK and count is None
    folder = paths.RESULTS if whole else paths.BUILD / "results"
    facts = {
        "command": _command(names, benchmark, count),
        "benchmark": benchmark,
        "prompts": len(asked),
        "planners": [
            {"name": one.name, "model": models[one.name], **one.entry.model_dump()} for one in there
        ],
        "left_out": [one.absent for one in absent],
        "summary": [_short(row) for row in summarize(table)],
    }
    return _write(folder / "planner_comparison", table, facts)


def _command(names: Sequence[str], benchmark: str, count: int | None) -> str:
    other = ["--benchmark", benchmark] if benchmark != BENCHMARK else []
    few = ["--prompts", str(count)] if count is not None else []
    return " ".join(["starvid compare-planners", *names, *other, *few])


def _write(stem: Path, table: DataFrame, facts: dict[str, Any]) -> Path:
    write_text(stem.with_suffix(".csv"), table.to_csv(index=False, float_format="%.4f"))
    write_json(stem.with_suffix(".json"), facts)
    return stem.with_suffix(".json")


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
