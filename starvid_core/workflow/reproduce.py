"""The graph of work behind `starvid reproduce` and `starvid study`: plans, clips, scores, results
and drawings.

Snakemake runs the graph (see `Snakefile`). Each output is named by a hash of all it depends on, so
that what is finished is known from its name alone: file times and old records play no part.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import planners
from starvid_core import manifests, paths, specs, studies
from starvid_core.artifacts import (
    canonical_json,
    check_writable,
    lock,
    read_json,
    sha256_file,
    sha256_files,
    sha256_text,
)
from starvid_core.errors import InputError
from starvid_core.studies import results
from starvid_core.workflow import notebooks
from starvid_core.workflow.places import Place

SHARD = 32
PARENT = "STARVID_PARENT"
FOLDER = paths.BUILD / "reproduce"
PACKAGE = Path(__file__).parent.parent
LOG = FOLDER / "snakemake.log"
STAGES = ("plans", "clips", "scores", "drawing")
PLANNING = ("config", "options", "scene", "specs", "studies/declared", "studies/selection")


@dataclass(frozen=True)
class Work:
    """The files that stand for the stages of a study; a file is there when its stage is done."""

    name: str
    plans: Path
    clips: tuple[Path, ...]
    scores: tuple[Path, ...]
    results: Path


@dataclass(frozen=True)
class Figure:
    """The drawing of a notebook, and the studies whose clips have to be made for it."""

    name: str
    drawing: Path
    works: tuple[Work, ...] = ()

    @property
    def files(self) -> dict[str, tuple[Path, ...]]:
        """The files of each stage; a study of another name is counted there."""
        own = [work for work in self.works if work.name == self.name]
        return {
            "plans": tuple(work.plans for work in own),
            "clips": tuple(path for work in own for path in work.clips),
            "scores": tuple(path for work in own for path in work.scores),
            "drawing": (self.drawing,),
        }


def figures(quick: bool = False) -> list[Figure]:
    """Every figure that has a notebook and does not wait for results.

    Quick ones draw from what is there.
    """
    return [figure(name, quick) for name in notebooks.figures() if quick or not missing(name)]


def missing(notebook: str) -> list[str]:
    """The commands whose results have to be there before this notebook can draw."""
    found = []
    for name in studies.of(notebook):
        if not _made_here(name) and not results.exists(name):
            found.append(f"starvid study {name}")
        after = studies.declaration(name).after
        found += [by for file, by in after.items() if not (paths.RESULTS / file).is_file()]
    return found


def figure(name: str, quick: bool = False) -> Figure:
    """The drawing of a notebook, named by all it depends on."""
    wanted = studies.of(name)
    works = tuple(work(study, quick) for study in wanted if quick or _made_here(study))
    key = _key([stage_keys(w.name, quick)["scores"] for w in works], _drawing(name, wanted, quick))
    return Figure(name, FOLDER / name / f"drawing-{key}.json", works)


def works(quick: bool = False) -> list[Work]:
    return [work(name, quick) for name in studies.names()]


def work(name: str, quick: bool = False) -> Work:
    """The stages of a study; each key holds the keys before it, so a change passes down."""
    shards = ceil(len(studies.load(name, quick).cells) / SHARD)
    folder, keys = FOLDER / name, stage_keys(name, quick)
    numbered = [f"{shard}of{shards}" for shard in range(1, shards + 1)]
    return Work(
        name,
        folder / f"plans-{keys['plans']}.json",
        tuple(folder / f"clips-{keys['clips']}-{n}.json" for n in numbered),
        tuple(folder / f"scores-{keys['scores']}-{n}.json" for n in numbered),
        folder / f"results-{keys['results']}.json",
    )


def stage_keys(name: str, quick: bool = False) -> dict[str, str]:
    """A hash for each stage of a study: its inputs, its code, and the key of the stage before."""
    planning = [PACKAGE / f"{module}.py" for module in PLANNING]
    planning += _sources(Path(planners.__path__[0])) + _sources(PACKAGE / "methods")
    planning += [*studies.sources(name), *_manifests()]
    # A run of best_of_n is named by the metrics that chose it, too.
    planning += _sources(PACKAGE / "metrics")
    scoring = _sources(PACKAGE / "perception")
    reporting = [PACKAGE / "studies" / f"{m}.py" for m in ("results", "contact", "examples")]
    inputs: dict[str, Any] = {
        "plans": [quick, specs.NUMERICS, sha256_files(planning)],
        "clips": [],
        "scores": [sha256_files(scoring)],
        "results": [sha256_files([*reporting, PACKAGE / "plotting" / "scores.py"])],
    }
    keys: dict[str, str] = {}
    before = ""
    for stage, found in inputs.items():
        before = keys[stage] = _key(before, found)
    return keys


def reproduce(
    cores: int | None, quick: bool = False, profile: str = "", recompute: bool = False
) -> list[Figure]:
    """Bring every figure up to date; a killed call leaves nothing locked and is taken up again.

    `recompute` makes the results of every study first, in place of the committed ones.
    """
    place = Place(cores, profile)
    with lock(FOLDER / "lock", "the figures of this repository"):
        manifests.check_inputs(results=not quick and not recompute)
        if recompute:
            made = [name for name in studies.names() if not _made_here(name)]
            _finish([work(name, quick).results for name in made], place, quick)
        wanted = figures(quick)
        _finish([one.drawing for one in wanted], place, quick)
    return wanted


def study(names: Sequence[str], cores: int | None, quick: bool = False, profile: str = "") -> None:
    """Bring the results of studies up to date, with what is there already."""
    place = Place(cores, profile)
    with lock(FOLDER / "lock", "the studies of this repository"):
        manifests.check_inputs(results=False)
        _finish([work(name, quick).results for name in names], place, quick)


def seconds(one: Figure) -> dict[str, float]:
    """How long each stage of a figure took when it was made."""
    return {
        stage: sum(read_json(path)["seconds"] for path in files if path.is_file())
        for stage, files in one.files.items()
    }


def intact(record: Path) -> bool:
    """Whether the files that a finished job wrote are as it left them."""
    files = {paths.ROOT / name: digest for name, digest in read_json(record)["files"].items()}
    return all(file.is_file() and sha256_file(file) == sha for file, sha in files.items())


def _finish(wanted: Sequence[Path], place: Place, quick: bool) -> None:
    for one in wanted:
        _forget_if_changed(one)
    lacking = [one for one in wanted if not one.is_file()]
    if lacking:
        _snakemake(lacking, place, quick)


def _snakemake(targets: Iterable[Path], place: Place, quick: bool) -> None:
    command = [
        *(sys.executable, "-m", "snakemake"),
        *(str(path.relative_to(paths.ROOT)) for path in targets),
        *("--snakefile", str(paths.ROOT / "Snakefile"), "--directory", str(paths.ROOT)),
        *place.arguments,
        *("--config", f"quick={int(quick)}"),
        # Names tell what is finished; our lock is freed by the kernel, Snakemake's is not.
        *("--rerun-triggers", "input", "--rerun-incomplete", "--nolock"),
        *("--nocolor", "--printshellcmds"),
    ]
    environment = os.environ | {
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "2"),
        # A thread that waits must not count as work in the cost of a clip.
        "OMP_WAIT_POLICY": os.environ.get("OMP_WAIT_POLICY", "passive"),
        "XDG_CACHE_HOME": str(paths.BUILD / "cache"),
        PARENT: "0" if place.remote else str(os.getpid()),
    }
    check_writable(LOG)
    with LOG.open("w") as log:
        # Jobs write to our terminal; what Snakemake says about itself goes to the log.
        code = subprocess.run(
            command, env=environment, stderr=log, cwd=paths.ROOT, preexec_fn=place.leash
        ).returncode
    if code:
        raise InputError(f"not everything was made; the reason stands above and in {LOG}")


def _forget_if_changed(record: Path) -> None:
    """A figure or a result that was removed or edited since is made again."""
    if record.is_file() and not intact(record):
        record.unlink()


def _drawing(name: str, wanted: Iterable[str], quick: bool) -> list[Any]:
    """What a drawing depends on beside clips: code, notebook, the paper, committed results."""
    read = _manifests() + sorted((paths.DATA / "paper").glob("*.json"))
    if not quick:
        read += [f for s in wanted if not _made_here(s) for f in results.files(s)]
        after = dict.fromkeys(file for s in wanted for file in studies.declaration(s).after)
        read += [path for file in after if (path := paths.RESULTS / file).is_file()]
    return [quick, sha256_files([notebooks.find(name), *_sources(PACKAGE), *read])]


def _made_here(study: str) -> bool:
    return studies.declaration(study).made_by == studies.REPRODUCE


def _key(before: Any, inputs: Any) -> str:
    return sha256_text(canonical_json([before, inputs]))[:12]


def _manifests() -> list[Path]:
    return sorted(paths.CHECKPOINTS.glob("*/manifest.json"))


def _sources(folder: Path) -> list[Path]:
    return sorted(f for f in folder.rglob("*") if f.suffix in (".py", ".json") and f.is_file())
