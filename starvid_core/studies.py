"""Studies: the runs that a figure is drawn from, declared once in `data/studies/<figure>.json`.

The workflow makes these runs in shards and the notebook asks for the same ones, so both agree.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from planners import variants
from starvid_core import experiment, paths, specs
from starvid_core.artifacts import read_json
from starvid_core.errors import InputError
from starvid_core.experiment import Run, RunSpec

if TYPE_CHECKING:
    from pandas import DataFrame
else:
    DataFrame = Any

NEEDED = {"prompts", "variants"}
OPTIONAL = ("seeds", "options", "quick", "after", "metrics")
QUICK = {"prompts": 2, "seeds": 1, "steps": 4}


class Cell(NamedTuple):
    """One place of the grid that a study is."""

    variant: str
    prompt: str
    seed: int


@dataclass(frozen=True)
class Study:
    """Every variant on every prompt with every seed; a variant is a set of options of `spec`."""

    name: str
    variants: dict[str, dict[str, Any]]
    prompts: tuple[str, ...]
    seeds: tuple[int, ...]
    metrics: tuple[str, ...] = ()  # those that its report has means of; none: the usual ones

    @property
    def cells(self) -> list[Cell]:
        return [Cell(*c) for c in product(self.variants, self.prompts, self.seeds)]

    @property
    def specs(self) -> dict[Cell, RunSpec]:
        return {
            cell: specs.attempted(cell.prompt, seed=cell.seed, **self.variants[cell.variant])
            for cell in self.cells
        }


def load(name: str, quick: bool = False) -> Study:
    """The study of a figure; `quick` takes its first prompts and seeds and a few steps.

    Variants whose planner has no transcript here are left out.
    """
    path = paths.STUDIES / f"{name}.json"
    declared = read_json(path)
    if not isinstance(declared, dict) or not NEEDED <= set(declared) <= NEEDED | {*OPTIONAL}:
        raise InputError(f"{path} needs prompts and variants, may have {', '.join(OPTIONAL)}")
    prompts, seeds = declared["prompts"], declared.get("seeds", [0])
    options = dict(declared.get("options", {}))
    if quick:
        few = QUICK | declared.get("quick", {})
        prompts, seeds = prompts[: few["prompts"]], seeds[: few["seeds"]]
        options["steps"] = few["steps"]
    chosen = {label: options | own for label, own in declared["variants"].items()}
    there = {label: own for label, own in chosen.items() if _recorded(own)}
    return Study(name, there, tuple(prompts), tuple(seeds), tuple(declared.get("metrics", ())))


def sources(name: str) -> list[Path]:
    """The files that the plans of a study, and those that its planners are compared by, are of."""
    path = paths.STUDIES / f"{name}.json"
    if not path.is_file():
        return []
    named = [own.get("planner", specs.RULES) for own in read_json(path)["variants"].values()]
    transcripts = [variants.find(one).transcript for one in named if one != specs.RULES]
    if not transcripts:
        return [path]
    prompts = sorted(paths.PROMPTS.glob("*.jsonl"))
    return [path, paths.PLANNERS, *prompts, *(file for file in transcripts if file.is_file())]


def _recorded(options: dict[str, Any]) -> bool:
    """Whether the variant's planner can plan here; those that cannot are left out."""
    planner = options.get("planner", specs.RULES)
    return planner == specs.RULES or variants.find(planner).recorded


def waiting(name: str) -> dict[str, str]:
    """The results in data/results that a figure comes after and that are not there yet.

    Each with the command that makes them, which takes too long to be a part of `reproduce`.
    """
    after = read_json(paths.STUDIES / f"{name}.json").get("after", {}) if declared(name) else {}
    return {one: by for one, by in after.items() if not (paths.RESULTS / one).is_file()}


def declared(name: str) -> bool:
    """Whether this figure has a study: a figure of boxes and curves alone has none."""
    return (paths.STUDIES / f"{name}.json").is_file()


def ensure(study: Study, progress: bool = True) -> dict[Cell, Run]:
    """Every run of the study; only the missing ones are made."""
    specs = study.specs
    return dict(zip(specs, experiment.ensure(specs.values(), progress=progress), strict=True))


def scores(runs: dict[Cell, Run]) -> DataFrame:
    """One row for every run: variant, prompt, seed and every metric of the judge."""
    import pandas

    return pandas.DataFrame(_rows(runs, experiment.scores(runs.values())))


def _rows(runs: dict[Cell, Run], scored: Iterable[dict[str, float]]) -> list[dict[str, Any]]:
    return [cell._asdict() | row for cell, row in zip(runs, scored, strict=True)]
