"""Sweeps from a notebook or a script: runs as jobs of submitit, on this machine or on Slurm."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any, TypeVar

from starvid_core import experiment, paths
from starvid_core.errors import InputError
from starvid_core.experiment import Run, RunSpec
from starvid_core.options import known

if TYPE_CHECKING:
    from submitit import Job
else:
    Job = Any

T = TypeVar("T")
CLUSTERS = ("local", "slurm", "debug")
LOGS = paths.BUILD / "sweeps"


@dataclass(frozen=True)
class Sweep:
    """Runs that jobs are at work on."""

    specs: tuple[RunSpec, ...]
    jobs: tuple[Job, ...]

    def runs(self) -> list[Run]:
        """Every run in the order of the specs, when all jobs have ended.

        Raises InputError for a job that failed, with the file that says why; started again, the
        sweep makes only what is not there.
        """
        for job in self.jobs:
            if error := job.exception():
                why = str(error).strip().rpartition("\n")[2] or type(error).__name__
                log = job.paths.stderr
                raise InputError(f"job {job.job_id} of the sweep failed: {why}; see {log}")
        return [Run(paths.RUNS / one.key) for one in self.specs]


def start(
    specs: Iterable[RunSpec], cluster: str = "local", jobs: int = 2, **parameters: Any
) -> Sweep:
    """Make what is missing of these runs in so many jobs, each with one loading of the model.

    `cluster` is "local" (processes of this machine), "slurm" or "debug" (in this process).
    `parameters` are submitit's, e.g. `timeout_min=240, gpus_per_node=1, slurm_partition="gpu"`;
    their names without a prefix mean the same everywhere.
    """
    known("cluster", cluster, CLUSTERS)
    if jobs < 1:
        raise InputError(f"jobs is {jobs}; give 1 at least")
    with _installed():
        from submitit import AutoExecutor
    wanted = tuple(specs)
    missing = [one for one in dict.fromkeys(wanted) if not experiment.finished(one)]
    executor = AutoExecutor(folder=LOGS / "%j", cluster=cluster)
    executor.update_parameters(**{"name": "starvid", "timeout_min": 240} | parameters)
    started = executor.map_array(_make, parts(missing, jobs)) if missing else ()
    return Sweep(wanted, tuple(started))


def parts(work: Sequence[T], count: int) -> list[list[T]]:
    """At most `count` runs of neighbors, which go through the model side by side."""
    size = max(1, ceil(len(work) / count))
    return [list(work[first : first + size]) for first in range(0, len(work), size)]


def _make(specs: Sequence[RunSpec]) -> list[str]:
    return [run.folder.name for run in experiment.ensure(specs, progress=False)]


@contextmanager
def _installed() -> Iterator[None]:
    try:
        yield
    except ImportError:
        raise InputError("sweeps need submitit; run `pip install -e '.[cluster]'`") from None
