"""The graph of work behind `starvid reproduce`: plans, clips, scores, drawings of every figure.

Snakemake runs the graph (see `Snakefile`). Each output is named by a hash of all it depends on, so
that what is finished is known from its name alone: file times and old records play no part.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import planners
from starvid_core import notebooks, paths, specs, studies
from starvid_core.artifacts import (
    canonical_json,
    lock,
    read_json,
    sha256_file,
    sha256_files,
    sha256_text,
)
from starvid_core.errors import InputError

SHARD = 16
PARENT = "STARVID_PARENT"
FOLDER = paths.BUILD / "reproduce"
PACKAGE = Path(__file__).parent
LOG = FOLDER / "snakemake.log"
STAGES = ("plans", "clips", "scores", "drawing")


@dataclass(frozen=True)
class Figure:
    """The files that stand for the stages of one figure; a file is there when its stage is done."""

    name: str
    plans: Path
    clips: tuple[Path, ...]
    scores: tuple[Path, ...]
    drawing: Path

    @property
    def files(self) -> dict[str, tuple[Path, ...]]:
        return {
            "plans": (self.plans,) if self.clips else (),
            "clips": self.clips,
            "scores": self.scores,
            "drawing": (self.drawing,),
        }


def figures(quick: bool = False) -> list[Figure]:
    """Every figure that has a notebook, with the files its stages are to write.

    Those that wait for results are left out; quick ones draw from what is there.
    """
    names = [name for name in notebooks.figures() if quick or not studies.waiting(name)]
    return [figure(name, quick) for name in names]


def left_out() -> dict[str, list[str]]:
    """The figures that wait for results, with the commands that make those."""
    waiting = {name: list(studies.waiting(name).values()) for name in notebooks.figures()}
    return {name: commands for name, commands in waiting.items() if commands}


def figure(name: str, quick: bool = False) -> Figure:
    """The stages of one figure; each key holds the keys before it, so a change passes down."""
    shards = ceil(len(studies.load(name, quick).cells) / SHARD) if studies.declared(name) else 0
    folder = FOLDER / name
    keys = stage_keys(name, quick)
    numbered = [f"{shard}of{shards}" for shard in range(1, shards + 1)]
    return Figure(
        name,
        folder / f"plans-{keys['plans']}.json",
        tuple(folder / f"clips-{keys['clips']}-{n}.json" for n in numbered),
        tuple(folder / f"scores-{keys['scores']}-{n}.json" for n in numbered),
        folder / f"drawing-{keys['drawing']}.json",
    )


def stage_keys(name: str, quick: bool = False) -> dict[str, str]:
    """A hash for each stage: its inputs, its code, and the key of the stage before."""
    planning = [PACKAGE / f"{m}.py" for m in ("config", "options", "scene", "specs", "studies")]
    planning += _sources(Path(planners.__path__[0]))
    planning += _sources(PACKAGE / "methods")
    scoring = _sources(PACKAGE / "metrics") + _sources(PACKAGE / "perception")
    inputs: dict[str, Any] = {
        "plans": [quick, sha256_files([*studies.sources(name), *planning])],
        "clips": [specs.NUMERICS, sha256_files(_manifests())],
        "scores": [sha256_files(scoring)],
        "drawing": [sha256_files([notebooks.find(name), *_sources(PACKAGE)])],
    }
    keys: dict[str, str] = {}
    before = ""
    for stage in STAGES:
        before = sha256_text(canonical_json([before, inputs[stage]]))[:12]
        keys[stage] = before
    return keys


def reproduce(cores: int, quick: bool = False) -> list[Figure]:
    """Bring every figure up to date; a killed call leaves nothing locked and is taken up again."""
    with lock(FOLDER / "lock", "the figures of this repository"):
        wanted = figures(quick)
        for one in wanted:
            _forget_if_changed(one.drawing)
        if any(not path.is_file() for one in wanted for path in one.files["drawing"]):
            _snakemake(cores, quick)
    return wanted


def seconds(one: Figure) -> dict[str, float]:
    """How long each stage of a figure took when it was made."""
    return {
        stage: sum(read_json(path)["seconds"] for path in files if path.is_file())
        for stage, files in one.files.items()
    }


def drawn(name: str, quick: bool) -> list[Path]:
    """The files of a figure: picture, print and every table beside them."""
    folder = paths.figure_folder(quick)
    found = [f for f in folder.glob(f"{name}*") if f.suffix in (".png", ".pdf", ".csv")]
    return sorted(f for f in found if f.stem == name or f.stem.startswith(f"{name}_"))


def _snakemake(cores: int, quick: bool) -> None:
    command = [
        *(sys.executable, "-m", "snakemake"),
        *("--snakefile", str(paths.ROOT / "Snakefile"), "--directory", str(paths.ROOT)),
        *("--cores", str(cores), "--config", f"quick={int(quick)}"),
        # Names tell what is finished; our lock is freed by the kernel, Snakemake's is not.
        *("--rerun-triggers", "input", "--rerun-incomplete", "--nolock"),
        *("--nocolor", "--printshellcmds"),
    ]
    environment = os.environ | {
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "2"),
        "XDG_CACHE_HOME": str(paths.BUILD / "cache"),
        PARENT: str(os.getpid()),
    }
    with LOG.open("w") as log:
        # Jobs write to our terminal; what Snakemake says about itself goes to the log.
        code = subprocess.run(command, env=environment, stderr=log, cwd=paths.ROOT).returncode
    if code:
        raise InputError(f"not every figure was made; the reason stands above and in {LOG}")


def _forget_if_changed(drawing: Path) -> None:
    """A figure that was removed or edited since is drawn again."""
    if not drawing.is_file():
        return
    files = {paths.ROOT / name: digest for name, digest in read_json(drawing)["files"].items()}
    if not all(file.is_file() and sha256_file(file) == sha for file, sha in files.items()):
        drawing.unlink()


def _manifests() -> list[Path]:
    return sorted(paths.CHECKPOINTS.glob("*/manifest.json"))


def _sources(folder: Path) -> list[Path]:
    return sorted(f for f in folder.rglob("*") if f.suffix in (".py", ".json") and f.is_file())
