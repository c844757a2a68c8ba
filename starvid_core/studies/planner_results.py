"""What planners are worth on a benchmark (Fig. 8), as small files in `data/results`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from planners import benchmarks, comparison, physics, variants
from planners.benchmarks import BenchmarkPrompt
from planners.variants import Variant
from starvid_core import manifests, paths
from starvid_core.artifacts import write_json, write_text
from starvid_core.errors import InputError
from starvid_core.plotting import scores as drawn

if TYPE_CHECKING:
    from pandas import DataFrame
else:
    DataFrame = Any

NAME = "planner_comparison"
BENCHMARK, PROMPTS = "llm_benchmark", 100
MEASURES = (
    *("planned", "valid", "subjects_right", "motions_right"),
    *("overlap", "acceleration", "copied_boxes", "copied_track"),
    *("requests", "prompt_tokens", "tokens", "seconds"),
)
BASELINE = "one_stage"  # of Fig. 8


def prompts(benchmark: str, count: int | None = None) -> tuple[BenchmarkPrompt, ...]:
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


def report(
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
        "summary": drawn.rounded(summarize(table)),
    }
    write_text(folder / f"{NAME}.csv", table.to_csv(index=False, float_format="%.4f"))
    write_json(folder / f"{NAME}.json", facts)
    manifests.relist([folder / f"{NAME}.{kind}" for kind in ("csv", "json")])
    manifests.relist([one.transcript for one in there if one.transcript.is_file()])
    return folder / f"{NAME}.json"


def _command(names: Sequence[str], benchmark: str, count: int | None) -> str:
    other = ["--benchmark", benchmark] if benchmark != BENCHMARK else []
    few = ["--prompts", str(count)] if count is not None else []
    return " ".join(["starvid compare-planners", *names, *other, *few])
