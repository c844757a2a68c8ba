"""Studies: the clips that tables and figures stand on, declared once in `data/studies/<name>.json`.

The workflow makes these runs in shards and a notebook asks for the same ones, so both agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from planners import variants as planning
from starvid_core import adapters, experiment, paths
from starvid_core import specs as running
from starvid_core.artifacts import read_json
from starvid_core.errors import InputError
from starvid_core.experiment import Run, RunSpec
from starvid_core.options import known
from starvid_core.studies.selection import Selection, choose

if TYPE_CHECKING:
    from pandas import DataFrame
else:
    DataFrame = Any

QUICK = {"prompts": 2, "seeds": 1, "steps": 4}
REPRODUCE, STUDY = "reproduce", "study"


class Cell(NamedTuple):
    """One place of the grid that a study is."""

    variant: str
    prompt: str
    seed: int


@dataclass(frozen=True)
class Shown:
    """Which clips leave frames in the results: the first prompts with the first seed, each in
    these variants (none: in all), and of the kinds of Fig. 1 the clearest example."""

    prompts: int = 0
    variants: Sequence[str] = ()
    misalignments: bool = False


@dataclass(frozen=True)
class Study:
    """Every variant on every prompt with every seed; a variant is a set of options of `spec`.

    `chosen` knows the benchmark of every prompt, gives each of a benchmark noise of its own, and
    counts those that the shipped model cannot be asked.
    """

    name: str
    variants: dict[str, dict[str, Any]]
    prompts: tuple[str, ...]
    seeds: tuple[int, ...]
    quick: bool = False
    reference: str = ""
    title: str = ""
    hours: float = 0.0
    chosen: Selection = Selection()
    paper: Mapping[str, Any] = field(default_factory=dict)
    shown: Shown = Shown()
    metrics: tuple[str, ...] = ()  # those that its results have means of; none: the usual ones
    counterparts: bool = False  # whether the embedding scores its clips, too

    @property
    def backbone(self) -> str:
        """The model of all its variants."""
        return next(iter(self.variants.values())).get("backbone", running.BACKBONE)

    @property
    def cells(self) -> list[Cell]:
        return [
            Cell(variant, prompt, self.chosen.noise(prompt, seed))
            for variant, prompt, seed in product(self.variants, self.prompts, self.seeds)
        ]

    @property
    def specs(self) -> dict[Cell, RunSpec]:
        return {
            cell: running.attempted(cell.prompt, seed=cell.seed, **self.variants[cell.variant])
            for cell in self.cells
        }


@dataclass(frozen=True)
class Declaration:
    """A study file as it stands.

    `made_by` is "reproduce" when the notebook's clips are made together with its figure, "study"
    when `starvid study` has to leave results in `data/results` first. `notebooks` draw from the
    study; beside a notebook stand the further figures that it draws. `hours` are what the full
    study takes on two cores, without the clips that it shares with `tab03_constraints`. `like`
    names a study that says what this one does not. With `counterparts` its clips get the scores of
    the embedding (`standins`) beside those of the judge. `after` are results of other commands
    that a notebook reads too, each with its command.
    """

    prompts: list[Any]
    variants: dict[str, dict[str, Any]]
    seeds: Sequence[int] = (0,)
    options: dict[str, Any] = field(default_factory=dict)
    quick: dict[str, Any] = field(default_factory=dict)
    made_by: str = REPRODUCE
    notebooks: dict[str, list[str]] | None = None
    hours: float = 0.0
    reference: str = ""
    title: str = ""
    paper: dict[str, Any] = field(default_factory=dict)
    shown: dict[str, Any] = field(default_factory=dict)
    like: str = ""
    metrics: Sequence[str] = ()
    counterparts: bool = False
    after: dict[str, str] = field(default_factory=dict)


def names() -> list[str]:
    return sorted(path.stem for path in paths.STUDIES.glob("*.json"))


def declaration(name: str) -> Declaration:
    """What the file of a study says, with what it takes over from the one it is like."""
    path = paths.STUDIES / f"{known('study', name, names())}.json"
    found = read_json(path)
    if isinstance(found, dict) and found.get("like"):
        taken = paths.STUDIES / f"{known('study', found['like'], names())}.json"
        found = read_json(taken) | found
    allowed = {f.name for f in fields(Declaration)}
    if not isinstance(found, dict) or not {"prompts", "variants"} <= set(found) <= allowed:
        raise InputError(
            f"{path} needs prompts and variants, and may have {', '.join(sorted(allowed))}"
        )
    one = Declaration(**found)
    known(f"maker of {name}", one.made_by, [REPRODUCE, STUDY])
    _parts(f"quick in {name}", one.quick, [*QUICK, "variants"])
    _parts(f"shown in {name}", one.shown, [f.name for f in fields(Shown)])
    for label, own in one.variants.items():
        _parts(f"{label!r} in {name}", own, ["method", "config", "options"])
    return one


def load(name: str, quick: bool = False) -> Study:
    """A study; `quick` takes its first prompts and seeds, a few steps and perhaps few variants.

    Variants whose planner has no transcript or whose LoRA is not trained here are left out.
    """
    one = declaration(name)
    chosen = choose(one.prompts)
    prompts, seeds = chosen.prompts, tuple(one.seeds)
    variants, steps = one.variants, {}
    if quick:
        few = QUICK | one.quick
        prompts, seeds = prompts[: few["prompts"]], seeds[: few["seeds"]]
        variants = {label: variants[label] for label in few.get("variants", variants)}
        steps = {"steps": few["steps"]}
    wanted = {label: one.options | _variant(v) | steps for label, v in variants.items()}
    there = {label: options for label, options in wanted.items() if _ready(options)}
    if not prompts:
        raise InputError(f"the shipped model knows no prompt of the study {name}")
    return Study(
        name,
        there,
        prompts,
        seeds,
        quick,
        one.reference or next(iter(there)),
        one.title,
        one.hours * len(chosen.prompts) / (len(chosen.prompts) + sum(chosen.left_out.values())),
        chosen,
        one.paper,
        Shown(**one.shown),
        tuple(one.metrics),
        one.counterparts,
    )


def _parts(whole: str, declared: Iterable[str], allowed: Sequence[str]) -> None:
    for key in declared:
        known(f"part of {whole}", key, allowed)


def _variant(own: dict[str, Any]) -> dict[str, Any]:
    """{"method": ..., "config": {...}, "options": {...}} as options of `spec`."""
    method = {"method": own["method"]} if "method" in own else {}
    return method | own.get("options", {}) | own.get("config", {})


def _ready(options: Mapping[str, Any]) -> bool:
    """Whether the planner of a variant can plan here, and its LoRA is trained."""
    planner, lora = options.get("planner", running.RULES), options.get("lora", "")
    recorded = planner == running.RULES or planning.find(planner).recorded
    return recorded and (not lora or adapters.exists(lora))


def sources(name: str) -> list[Path]:
    """The files that the plans of a study, and those that its planners are compared by, are of."""
    one = declaration(name)
    files = [paths.STUDIES / f"{study}.json" for study in (name, one.like) if study]
    asked = [_variant(own).get("planner", running.RULES) for own in one.variants.values()]
    transcripts = [planning.find(p).transcript for p in asked if p != running.RULES]
    if transcripts:
        files += [paths.PLANNERS, *(file for file in transcripts if file.is_file())]
    return files + sorted(paths.PROMPTS.glob("*.jsonl"))


def accelerated(name: str) -> bool:
    """Whether clips of the study come from a model that wants a GPU; the shipped one does not."""
    one = declaration(name)
    options = [one.options | _variant(own) for own in one.variants.values()]
    backbones = {o.get("backbone", running.BACKBONE) for o in options}
    return not all((paths.CHECKPOINTS / backbone).is_dir() for backbone in backbones)


def of(notebook: str) -> list[str]:
    """The studies that a notebook draws from: none for one of boxes and curves alone."""
    return [name for name in names() if notebook in drawings(name)]


def drawings(name: str) -> dict[str, list[str]]:
    """The notebooks that draw from a study, by default the one of its name, and what else each
    draws beside the figure of its own name."""
    said = declaration(name).notebooks
    return {name: []} if said is None else said


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
