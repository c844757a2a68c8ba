"""The paper's tables beside ours: published values, ours with intervals, differences, verdicts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starvid_core import paths
from starvid_core.artifacts import read_json, write_text
from starvid_core.errors import InputError
from starvid_core.options import known
from starvid_core.plotting import scores
from starvid_core.plotting.compute import Point
from starvid_core.studies import latex, results
from starvid_core.studies.results import Results

if TYPE_CHECKING:
    from pandas import DataFrame
else:
    DataFrame = Any

METRICS = {
    "numeracy": "Numeracy ↑",
    "action_binding": "Action binding ↑",
    "leakage": "Motion leakage ↓",
    "exact_frames": "Exact frames ↑",
    "iou": "IoU with plan ↑",
}
# The embedding's, for the paper's CLIP-T, CLIP-I and PickScore; not of their scale.
COUNTERPARTS = {
    "emoji_clip_t": "emoji CLIP-T ↑",
    "emoji_clip_i": "emoji CLIP-I ↑",
    "emoji_preference": "emoji preference ↑",
}
BENCHMARKS = {
    "llm_benchmark": "LLM-generated benchmark",
    "action_binding": "Action binding benchmark",
    "": "Prompts of its own",
}
SLACK = 1.05  # times are measured to a few per cent
PRINTED = ("numeracy", "action_binding", "leakage")
REFERENCE, SAME, OPEN, OPPOSITE = "reference", "same direction", "not significant", "opposite"


def published(table: str, part: str) -> dict[str, dict[str, float]]:
    """The rows of a table of the paper as it prints them; none for a part that it has not."""
    found = read_json(paths.DATA / "paper" / "tables.json")
    return found[known("table of the paper", table, list(found))].get(part, {})


def compare(found: Results, reference: str = "") -> DataFrame:
    """A row for every benchmark, variant and metric of a study, in their order.

    `mean` has the interval `low` to `high`; `difference` is to the reference, prompt by prompt,
    with its own interval; `paper_difference` is the paper's for the same two rows.
    """
    import pandas

    metrics = [name for name in (*METRICS, *COUNTERPARTS) if name in found.table]
    reference = known("variant", reference or found.study.reference, list(found.study.variants))
    rows = []
    benchmarks = found.table["benchmark"].fillna("")
    for benchmark in dict.fromkeys(benchmarks):
        part = found.table[benchmarks == benchmark]
        paper = _paper(found.study.paper, benchmark)
        samples = scores.samples(results.by_prompt(part, tuple(metrics)), metrics)
        for row in scores.summary(samples, reference, paper):
            place = f"{BENCHMARKS.get(benchmark, benchmark)}, {row['n']} prompts"
            block = ": ".join(filter(None, [found.study.title, place]))
            rows.append({"block": block, **_judged(row, paper.get(reference, {}))})
    return pandas.DataFrame(rows).assign(profile=found.facts["profile"])


def verdict(paper_difference: float, low: float, high: float) -> str:
    """Has our difference from the reference, `low` to `high`, the sign of the paper's?

    "higher" and "lower" stand where the paper gives no difference to agree with.
    """
    if not low > 0 and not high < 0:
        return OPEN
    if math.isnan(paper_difference) or paper_difference == 0:
        return "higher" if low > 0 else "lower"
    return SAME if (low > 0) == (paper_difference > 0) else OPPOSITE


def costs(found: Results) -> DataFrame:
    """Mean cost of a clip of every variant; `times` is its part of the plain model's time."""
    names = ["seconds", "core_seconds", "passes", "gradients"]
    if found.table["seconds"].isna().any():
        raise InputError(
            f"{found.study.name} has clips from before costs were kept; remove their folders in "
            f"{paths.RUNS} and run `{found.facts['command']}` again"
        )
    mean = found.table.groupby("variant", sort=False)[names].mean()
    return mean.assign(times=mean["core_seconds"] / mean["core_seconds"][plain(found)])


def plain(found: Results) -> str:
    """The variant of a study that only samples."""
    for variant, options in found.study.variants.items():
        if options.get("method") == "none":
            return variant
    raise InputError(f"{found.study.name} has no variant of the method none to compare costs with")


def sizes(found: Results) -> dict[str, int]:
    """How many clips each variant chooses from: those of `best_of_n`, and the plain one."""
    chosen = {v: o for v, o in found.study.variants.items() if o.get("method") == "best_of_n"}
    return {plain(found): 1} | {variant: options["n"] for variant, options in chosen.items()}


def equal_compute(found: Results) -> DataFrame:
    """Every other variant against the best of as many plain clips as its time buys.

    The `rival` is the smallest n whose clips take at least as long; where there is none, the
    largest, so that the method then had more time than its rival.
    """
    import pandas

    spent, rivals = costs(found)["core_seconds"], sizes(found)
    blocks = []
    for variant in [v for v in spent.index if v not in rivals]:
        enough = [v for v in rivals if spent[v] * SLACK >= spent[variant]]
        rival = (min if enough else max)(enough or rivals, key=lambda v: rivals[v])
        duel = found.table[found.table["variant"].isin([variant, rival])]
        rows = compare(replace(found, table=duel), rival)
        blocks.append(rows[rows["variant"] == variant].assign(rival=rival))
    return pandas.concat(blocks, ignore_index=True)


def printed(rows: DataFrame, metrics: Sequence[str] = PRINTED) -> DataFrame:
    """The comparison as a reader wants it: a line for every variant, texts under every metric.

    Where the paper has no value of a metric, neither it nor a verdict on it is printed.
    """
    import pandas

    columns: dict[tuple[str, str], list[str]] = {}
    for metric in metrics:
        part = rows[rows["metric"] == metric].to_dict("records")
        title = (METRICS | COUNTERPARTS)[metric]
        judged = any(row["paper"] == row["paper"] for row in part)
        if judged:
            columns[title, "paper"] = [number(row["paper"], places=3) for row in part]
        columns[title, "ours"] = [_spread(row, "", "mean") for row in part]
        columns[title, "difference"] = [_change(row) for row in part]
        if judged:
            columns[title, "verdict"] = [row["verdict"] for row in part]
    first = rows[rows["metric"] == metrics[0]]
    index = pandas.MultiIndex.from_arrays([first["block"], first["variant"]])
    return pandas.DataFrame(columns, index=index)


def compute(found: Results, rows: DataFrame) -> DataFrame:
    """What every variant costs, and how it does against its rival: `rows` of `equal_compute`."""
    import pandas

    spent = costs(found)
    numeracy, binding = (rows[rows["metric"] == m].to_dict("records") for m in PRINTED[:2])
    own = spent.loc[[row["variant"] for row in numeracy]]
    columns = {
        ("Cost of a clip", "time"): [f"{v:.1f} ×" for v in own["times"]],
        ("Cost of a clip", "passes"): [f"{v:.0f}" for v in own["passes"]],
        ("Cost of a clip", "gradients"): [f"{v:.0f}" for v in own["gradients"]],
        ("Rival", ""): [row["rival"] for row in numeracy],
    }
    for metric, part in zip(PRINTED[:2], (numeracy, binding), strict=True):
        columns[METRICS[metric], "difference"] = [_change(row) for row in part]
        columns[METRICS[metric], "verdict"] = [row["verdict"] for row in part]
    names = [[row[key] for row in numeracy] for key in ("block", "variant")]
    return pandas.DataFrame(columns, index=pandas.MultiIndex.from_arrays(names))


def with_time(lines: DataFrame, found: Sequence[Results]) -> DataFrame:
    """The printed table with what a clip of each line costs, in multiples of the plain model's."""
    times = [f"{v:.1f} ×" for one in found for v in costs(one)["times"]]
    timed = lines.copy()
    timed["Time", ""] = times
    return timed


def points(found: Results, metric: str) -> list[Point]:
    """Every variant in the plane of time and a metric."""
    times = costs(found)["times"]
    samples = scores.samples(results.by_prompt(found.table, (metric,)), [metric])
    return [Point(v, float(times[v]), values[metric]) for v, values in samples.items()]


def save(stem: Path, rows: DataFrame, lines: DataFrame, note: str) -> None:
    """Write `stem`.csv with all numbers and `stem`.tex with what is printed."""
    write_text(stem.with_name(f"{stem.name}.csv"), rows.to_csv(index=False, float_format="%.4f"))
    write_text(stem.with_name(f"{stem.name}.tex"), latex.tabular(lines, note))


def paper(found: Results) -> dict[str, dict[str, float]]:
    """The paper's values of a study's variants, on the LLM-generated benchmark."""
    return _paper(found.study.paper, "llm_benchmark")


def _paper(said: Mapping[str, Any], benchmark: str) -> dict[str, dict[str, float]]:
    """The paper's values of the variants; a part of its own stands for the LLM benchmark."""
    if not said:
        return {}
    own = said.get("part") if benchmark == "llm_benchmark" else None
    rows = published(said["table"], own or benchmark)
    return {variant: rows[row] for variant, row in said["rows"].items() if row in rows}


def _judged(row: dict[str, Any], reference: Mapping[str, float]) -> dict[str, Any]:
    """The row with the paper's difference, and a verdict on ours against it."""
    theirs = row["paper"] - reference.get(row["metric"], math.nan)
    said = verdict(theirs, row["difference_low"], row["difference_high"])
    same = row["verdict"] == "reference"
    return row | {"paper_difference": theirs, "verdict": REFERENCE if same else said}


def _change(row: Mapping[str, Any]) -> str:
    return "" if row["verdict"] == REFERENCE else _spread(row, "difference_", "difference", "+")


def _spread(row: Mapping[str, Any], prefix: str, name: str, sign: str = "") -> str:
    low, high = (number(row[f"{prefix}{end}"], sign) for end in ("low", "high"))
    return f"{number(row[name], sign)} [{low}, {high}]"


def number(value: float, sign: str = "", places: int = 2) -> str:
    """Rounded, with a true minus, no sign for 0, and nothing for what does not exist."""
    if math.isnan(value):
        return ""
    text = f"{value:{sign}z.{places}f}"
    return (text if float(text) else text.lstrip("+")).replace("-", "−")
