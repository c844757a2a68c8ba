"""Pairs for SpatialAlign: several videos of every prompt by the base model, scored and sorted.

What is made is kept as runs and so never made twice; the table of scores is small and ships.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starvid_core import experiment, manifests, paths, relations
from starvid_core.artifacts import read_json, sha256_file, write_json, write_text
from starvid_core.errors import InputError
from starvid_core.experiment import Run, RunSpec

if TYPE_CHECKING:
    from starvid_core.backbones import Backbone
    from starvid_core.perception.base import Judge, Tracker
else:  # tables are read without torch
    Backbone = Judge = Tracker = Any

WINNER = 0.7  # SpatialAlign: what a winner's DSR-Score reaches; a loser is valid and below
SAMPLES = 10  # videos of a prompt; the paper's detector loop allows as many
COLUMNS = ("prompt", "seed", "run", "dsr", "strict")


@dataclass(frozen=True)
class Record:
    """One video of the base model; `score` is None where it is INVALID."""

    prompt: str
    seed: int
    run: str
    score: float | None
    strict: bool = False


@dataclass(frozen=True)
class Choice:
    """The winners and the losers among the videos of one prompt."""

    winners: tuple[Record, ...]
    losers: tuple[Record, ...]


def build_pairs(records: Iterable[Record], threshold: float = WINNER) -> dict[str, Choice]:
    """The prompts that have at least one winner and one loser, in order; INVALID is neither."""
    by_prompt: dict[str, list[Record]] = {}
    for record in records:
        by_prompt.setdefault(record.prompt, []).append(record)
    choices = {prompt: _choice(found, threshold) for prompt, found in by_prompt.items()}
    return {prompt: c for prompt, c in choices.items() if c.winners and c.losers}


def _choice(records: Sequence[Record], threshold: float) -> Choice:
    valid = [(r, r.score) for r in records if r.score is not None]
    return Choice(
        tuple(r for r, score in valid if score >= threshold),
        tuple(r for r, score in valid if score < threshold),
    )


def specs(
    backbone: str | Backbone, prompts: Iterable[str], samples: int = SAMPLES
) -> list[RunSpec]:
    """The runs of the base model, seeds 0, 1 ... of every prompt."""
    if samples < 2:
        raise InputError(f"{samples} videos of a prompt make no pair; take 2 or more")
    return [
        experiment.spec(prompt, "none", seed, backbone)
        for prompt in prompts
        for seed in range(samples)
    ]


def sample(
    wanted: Sequence[RunSpec], backbone: Backbone, judge: Judge | Tracker, batch: int
) -> list[Record]:
    """Make the runs that are missing, and score all; killed, it goes on where it was."""
    from tqdm import tqdm

    runs = experiment.ensure(wanted, backbone, batch)
    return [_record(one, run, judge) for one, run in zip(wanted, tqdm(runs, "DSR"), strict=True)]


def _record(one: RunSpec, run: Run, judge: Judge | Tracker) -> Record:
    from starvid_core.metrics import dsr_score

    video = run.video
    told = relations.parse(one.prompt)
    found = dsr_score.read(video, told, judge, dsr_score.scaled(len(video))).result
    score = None if found.score is None else round(found.score, 6)
    return Record(one.prompt, one.seed, one.key, score, found.strict)


def table(name: str) -> Path:
    """Where the scores of a set of samples are kept."""
    return paths.RESULTS / f"{name}.csv"


def write(name: str, records: Sequence[Record], facts: Mapping[str, Any]) -> Path:
    """Write the scores, and beside them what they stand on with the sha256 of the table."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for r in records:
        score = "" if r.score is None else r.score
        writer.writerow((r.prompt, r.seed, r.run, score, int(r.strict)))
    write_text(table(name), text.getvalue())
    counted = summary(records) | {"sha256": sha256_file(table(name))}
    write_json(table(name).with_suffix(".json"), dict(facts) | counted)
    manifests.relist([table(name), table(name).with_suffix(".json")])
    return table(name)


def read(name: str) -> list[Record]:
    """The scores that were written; InputError for a table that is missing or was changed."""
    path = table(name)
    if not path.is_file():
        raise InputError(f"no scores in {path}; make them with `starvid align --pairs-only`")
    if read_json(path.with_suffix(".json")).get("sha256") != sha256_file(path):
        raise InputError(f"{path} was changed; make it again with `starvid align --pairs-only`")
    rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")))
    return [
        Record(
            row["prompt"],
            int(row["seed"]),
            row["run"],
            float(row["dsr"]) if row["dsr"] else None,
            row["strict"] == "1",
        )
        for row in rows
    ]


def summary(records: Sequence[Record]) -> dict[str, Any]:
    """Counts of a set of samples: videos, winners, INVALID, prompts that give pairs."""
    chosen = build_pairs(records)
    return {
        "videos": len(records),
        "winners": sum(r.score is not None and r.score >= WINNER for r in records),
        "strict": sum(r.strict for r in records),
        "invalid": sum(r.score is None for r in records),
        "prompts": len({r.prompt for r in records}),
        "prompts_with_pairs": len(chosen),
    }
