"""Results: the scores of a study as small files in `data/results`, with what they stand on.

`<name>.csv` has a row for every clip, `<name>.json` the means and the facts, and `<name>.webp` some
frames of the clips that figures show, one clip a row. Notebooks draw from them without any run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from planners import schema
from starvid_core import experiment, manifests, paths, specs, standins, studies
from starvid_core.artifacts import (
    canonical_json,
    fingerprint,
    read_json,
    sha256_text,
    write_json,
    write_text,
)
from starvid_core.errors import InputError
from starvid_core.experiment import Run
from starvid_core.plotting import scores as drawn
from starvid_core.scene import Trajectory
from starvid_core.studies import Cell, Study, contact, examples
from starvid_core.video import Video

if TYPE_CHECKING:
    from pandas import DataFrame
else:
    DataFrame = Any

METRICS = (
    *("numeracy", "exact_frames", "exact", "present", "extra"),
    *("iou", "unseen", "action_binding", "leakage"),
)
COUNTERPARTS = ("emoji_clip_t", "emoji_clip_i", "emoji_preference")
FULL, QUICK = "full", "quick"


@dataclass(frozen=True)
class Results:
    """A finished study: `table` has a row for every clip, with scores and costs."""

    study: Study
    facts: Mapping[str, Any]
    table: DataFrame = field(repr=False)
    folder: Path

    @property
    def source(self) -> str:
        """Where the numbers come from, in one line."""
        facts = self.facts
        asked = [
            f"{facts['benchmarks'][name]} of {name or 'its own'}"
            + (f" ({facts['left_out'][name]} unknown to the model)" if name else "")
            for name in dict.fromkeys(self.table["benchmark"].fillna(""))
        ]
        made = f"model {facts['checkpoint']}, judge {facts['judge']}, numerics {facts['numerics']}"
        return (
            f"{facts['profile']} profile of {self.study.name}: prompts {', '.join(asked)}; "
            f"{facts['steps']} steps; {made}{self._note()}"
        )

    def _note(self) -> str:
        if self.study.quick:
            return "; a smoke test, not a result"
        if changed := outdated(self.facts):
            return f"; OUTDATED: another {changed} ships now, run `{self.facts['command']}` again"
        return ""

    @property
    def shown(self) -> list[Cell]:
        """The clips of which frames were kept."""
        return [Cell(*row) for row in self.facts["shown"]]

    def clip(self, cell: Cell) -> Video:
        """A clip that figures show; frames that were not kept are black."""
        shown = self.shown
        if cell not in shown:
            raise InputError(f"{self.study.name} keeps no frames of {tuple(cell)}; see its `shown`")
        sheet = contact.read(self.folder / f"{self.study.name}.webp")
        return contact.clip(sheet, shown.index(cell), len(shown), self.facts["frames"])

    def trajectory(self, prompt: str) -> Trajectory:
        """The plan of a prompt that figures show."""
        return schema.loads(canonical_json(self.facts["plans"][prompt]))


def exists(name: str) -> bool:
    """Whether the results of the full study are there."""
    return (paths.RESULTS / f"{name}.json").is_file()


def outdated(facts: Mapping[str, Any]) -> str:
    """What ships now in another version than the one that results were made with."""
    now = _versions(facts.get("backbone", specs.BACKBONE), "embedding" in facts)
    return ", ".join(name for name, value in now.items() if facts[name] != value)


def state(name: str) -> str:
    """Whether the full results are there and of what ships now, in a few words."""
    if not exists(name):
        return "no results yet"
    facts = read_json(paths.RESULTS / f"{name}.json")
    changed = outdated(facts)
    took = f", took {facts['hours']:.2f} h" if "hours" in facts else ""
    return f"outdated: another {changed}" if changed else f"done{took}"


def files(name: str, quick: bool = False) -> list[Path]:
    """The files of a study's results that are there."""
    return [file for file in _files(name, _folder(quick)) if file.is_file()]


def load(name: str, quick: bool = False) -> Results:
    """The results of a study; quick ones are made where they are missing, full ones never."""
    import pandas

    study = studies.load(name, quick)
    path = _folder(quick) / f"{name}.json"
    if quick and not _made_of(path, study):
        report(name, quick)
    if not path.is_file():
        raise InputError(
            f"{name} has no results yet; make them with `starvid study {name}` "
            f"(about {study.hours:.1f} h on 2 cores)"
        )
    manifests.check(files(name, quick))
    table = pandas.read_csv(path.with_suffix(".csv"), dtype={"benchmark": str})
    return Results(study, read_json(path), table, path.parent)


def report(name: str, quick: bool = False) -> Path:
    """Run a study to its end, score it, and write its results.

    Every mean has a 95 % bootstrap interval; differences are to the study's reference, prompt by
    prompt.
    """
    study = studies.load(name, quick)
    runs = studies.ensure(study)
    table = studies.scores(runs).assign(
        benchmark=[study.chosen.benchmark(cell.prompt) for cell in runs],
        run=[run.folder.name for run in runs.values()],
        **_costs(list(runs.values())),
        **(_counterparts(list(runs.values())) if study.counterparts else {}),
    )
    folder = _folder(quick)
    write_text(folder / f"{name}.csv", table.to_csv(index=False, float_format="%.4f"))
    shown = _shown(study, table)
    if shown:
        contact.write(folder / f"{name}.webp", [runs[cell].video for cell in shown])
    metrics = (study.metrics or METRICS) + (COUNTERPARTS if study.counterparts else ())
    rows = drawn.summary(drawn.samples(by_prompt(table, metrics), metrics), study.reference)
    facts = _facts(study, runs) | _versions(study.backbone, study.counterparts)
    facts["shown"] = [list(cell) for cell in shown]
    facts["plans"] = {c.prompt: read_json(runs[c].folder / "plan.json") for c in shown}
    write_json(folder / f"{name}.json", facts | {"summary": drawn.rounded(rows)})
    manifests.relist(_files(name, folder))
    return folder / f"{name}.json"


def by_prompt(table: DataFrame, metrics: tuple[str, ...]) -> DataFrame:
    """The mean over the seeds of each prompt: clips of one prompt are not independent."""
    groups = table.groupby(["variant", "prompt"], sort=False)
    return groups[list(metrics)].mean().reset_index()


def arrays(table: DataFrame, metric: str) -> dict[str, np.ndarray]:
    """A column as arrays `[prompt, seed]`, one for every variant in its order."""
    return {
        variant: rows.pivot(index="prompt", columns="seed", values=metric).to_numpy(float)
        for variant, rows in table.groupby("variant", sort=False)
    }


def _files(name: str, folder: Path) -> list[Path]:
    return [folder / f"{name}{suffix}" for suffix in (".csv", ".json", ".webp")]


def _folder(quick: bool) -> Path:
    return paths.BUILD / "results" if quick else paths.RESULTS


def _costs(runs: list[Run]) -> dict[str, list[float]]:
    rows = [asdict(run.cost) for run in runs]
    return {name: [row[name] for row in rows] for name in rows[0]}


def _counterparts(runs: list[Run]) -> dict[str, list[float]]:
    rows = standins.scores(runs)
    return {name: [row[name] for row in rows] for name in COUNTERPARTS}


def _shown(study: Study, table: DataFrame) -> list[Cell]:
    """The clips whose frames are kept."""
    said = study.shown
    variants = [v for v in said.variants or study.variants if v in study.variants]
    first = study.seeds[0]
    lines = {(p, study.chosen.noise(p, first)) for p in study.prompts[: said.prompts]}
    if said.misalignments:
        kinds = examples.misalignments(table).values()
        lines |= {(cell.prompt, cell.seed) for cell, _ in kinds}
    return [c for c in study.cells if c[1:] in lines and c.variant in variants]


def _facts(study: Study, runs: Mapping[Cell, Run]) -> dict[str, Any]:
    benchmarks = [study.chosen.benchmark(prompt) for prompt in study.prompts]
    made = {rival.key for spec in study.specs.values() for rival in experiment.rivals(spec)}
    seconds = [Run(paths.RUNS / key).cost.seconds for key in sorted(made)]
    length = len(next(iter(runs.values())).video)
    return {
        "command": f"starvid study {study.name}",
        "profile": QUICK if study.quick else FULL,
        "prompts": len(study.prompts),
        "benchmarks": {name: benchmarks.count(name) for name in dict.fromkeys(benchmarks)},
        "left_out": {name: count for name, count in study.chosen.left_out.items()},
        "seeds": list(study.seeds),
        "steps": next(iter(runs.values())).spec.sampling.steps,
        "hours": round(sum(s for s in seconds if s == s) / 3600, 3),
        "runs": _runs_hash([run.folder.name for run in runs.values()]),
        "frames": length,
        "backbone": study.backbone,
    }


def _runs_hash(keys: list[str]) -> str:
    return sha256_text(canonical_json(keys))[:12]


def _made_of(path: Path, study: Study) -> bool:
    """Whether quick results are those of the runs that the study would have now."""
    keys = [spec.key for spec in study.specs.values()]
    wanted = {"runs": _runs_hash(keys)} | _versions(study.backbone, study.counterparts)
    return path.is_file() and wanted.items() <= read_json(path).items()


def _versions(backbone: str, counterparts: bool) -> dict[str, Any]:
    read = ("judge", "embedding") if counterparts else ("judge",)
    versions = {name: fingerprint(paths.CHECKPOINTS / name)[:12] for name in read}
    made = {"checkpoint": fingerprint(paths.CHECKPOINTS / backbone)[:12]}
    return made | versions | {"numerics": specs.NUMERICS}
