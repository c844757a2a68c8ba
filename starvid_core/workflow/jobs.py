"""The jobs of `Snakefile`: `python -m starvid_core.workflow.jobs STAGE NAME QUICK OUT [INPUT]`."""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from starvid_core import experiment, paths, specs, studies
from starvid_core.artifacts import lock, lock_of, read_json, sha256_file, write_json, write_text
from starvid_core.errors import InputError
from starvid_core.studies import progress, results
from starvid_core.workflow import drawings, offline, ranks, reproduce, status

UNKNOWN = "the shipped model does not know their subjects or motions"


def plans(name: str, quick: bool, output: Path) -> dict[str, Any]:
    """Plan every prompt of the study; the specs hold the plans."""
    study = studies.load(name, quick)
    for benchmark, count in study.chosen.left_out.items():
        if count:
            sys.stdout.write(f"{name}: {count} prompts of {benchmark} left out: {UNKNOWN}\n")
    wanted = dict.fromkeys(study.specs.values())
    return {"specs": [one.facts for one in wanted]}


def clips(name: str, quick: bool, output: Path, planned: Path) -> dict[str, Any]:
    """Make the runs of one shard with one loading of the model; say how long the others take."""
    wanted = shard(planned, output)
    experiment.ensure(ranks.mine(wanted))
    ranks.wait()
    made = [run.folder.name for run in experiment.ensure(wanted, progress=False)]
    hours = 0.0 if quick else studies.load(name).hours
    return {"runs": made, "note": progress.note(_specs(planned), hours)}


def scores(name: str, quick: bool, output: Path, planned: Path) -> dict[str, Any]:
    """Let the judge see the videos of one shard."""
    runs = experiment.ensure(shard(planned, output), progress=False)
    experiment.scores(runs)
    return {"runs": [run.folder.name for run in runs]}


def report(name: str, quick: bool, output: Path) -> dict[str, Any]:
    """Gather the scores of a study into its results."""
    results.report(name, quick)
    return {"files": _hashed(results.files(name, quick))}


def drawing(name: str, quick: bool, output: Path) -> dict[str, Any]:
    """Execute the notebook, which finds its runs made, and check that it drew its figure."""
    files, _ = drawings.draw(name, {"quick": quick}, quick)
    if not {".png", ".pdf"} <= {f.suffix for f in files}:
        raise InputError(f"{name}.ipynb did not write {name}.png and {name}.pdf")
    return {"files": _hashed(files)}


def shard(planned: Path, output: Path) -> list[experiment.RunSpec]:
    """The specs of shard i of n, as the name of the output says.

    Neighbors stay together: they are of one variant and go through the model side by side.
    """
    number, count = (int(n) for n in output.stem.rpartition("-")[2].split("of"))
    wanted = _specs(planned)
    first, last = (k * len(wanted) // count for k in (number - 1, number))
    return wanted[first:last]


def _specs(planned: Path) -> list[experiment.RunSpec]:
    return [specs.parse_spec(facts) for facts in read_json(planned)["specs"]]


def _hashed(files: Sequence[Path]) -> dict[str, str]:
    return {str(file.relative_to(paths.ROOT)): sha256_file(file) for file in files}


JOBS: dict[str, Callable[..., dict[str, Any]]] = {
    "plans": plans,
    "clips": clips,
    "scores": scores,
    "results": report,
    "drawing": drawing,
}


def main(arguments: Sequence[str]) -> int:
    """Do one job, write its output whole, and say in one line what was done.

    Who is asked for what another process is making waits for it: a driver that was killed may have
    left its jobs on a cluster.
    """
    offline.apply()
    _end_with_parent()
    stage, name, _, output, *_ = arguments
    target = Path(output)
    sys.excepthook = partial(_say_in_one_line, f"{name} {stage}", target.with_suffix(".error.txt"))
    if not ranks.first():
        return _done(arguments)
    with lock(lock_of(target.with_suffix("")), f"{name} {stage}", wait=True):
        return 0 if target.is_file() else _done(arguments)


def _done(arguments: Sequence[str]) -> int:
    """The exit code of the job; the first of several processes leaves its output."""
    stage, name, quick, output, *inputs = arguments
    target = Path(output)
    start = time.perf_counter()
    try:
        with status.running(target):
            result = JOBS[stage](name, quick == "1", target, *map(Path, inputs))
    except InputError as error:
        sys.stdout.write(f"{name} {stage}: {error}\n")
        return 2
    if ranks.first():
        spent = round(time.perf_counter() - start, 2)
        write_json(target, {"seconds": spent, **result})
        part = f" {target.stem.rpartition('-')[2].replace('of', '/')}" if inputs else ""
        sys.stdout.write(f"{name} {stage}{part}: {spent:.0f} s{result.get('note', '')}\n")
    return 0


def _say_in_one_line(
    job: str, details: Path, kind: type[BaseException], error: BaseException, trace: Any
) -> None:
    """An error that nobody foresaw: one line on the terminal, where it arose in a file."""
    write_text(details, "".join(traceback.format_exception(kind, error, trace)))
    said = " ".join(str(error).split())
    sys.stdout.write(f"{job}: unexpected {kind.__name__}: {said}; see {details}\n")


def _end_with_parent() -> None:
    """A job here must not go on when `starvid reproduce`, which holds the lock, was killed."""
    parent = int(os.environ.get(reproduce.PARENT, "0"))
    if parent:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while Path(f"/proc/{parent}").exists():
        time.sleep(0.5)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
