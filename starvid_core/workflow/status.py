"""What is done, running, stale or waiting, with times: for people who wait."""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from starvid_core.workflow import notebooks, reproduce
from starvid_core.workflow.reproduce import Figure

MARK = ".running"
DONE, STALE, CHANGED, TO_DO, RUNNING, WAITING = (
    *("done", "stale", "changed", "to do"),
    *("running", "waiting"),
)


@dataclass(frozen=True)
class State:
    """A figure: its state, how many files of each stage are there, and what they took.

    `made` is when it was drawn, in seconds since 1970; `waits` are the commands it waits for.
    """

    name: str
    state: str
    stages: dict[str, tuple[int, int]]
    seconds: float = 0.0
    made: float | None = None
    waits: tuple[str, ...] = ()


@contextlib.contextmanager
def running(target: Path) -> Iterator[None]:
    """Mark the job that makes `target`; the kernel takes the mark back when the job is killed."""
    mark = target.with_suffix(MARK)
    mark.parent.mkdir(parents=True, exist_ok=True)
    with mark.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        try:
            yield
        finally:
            mark.unlink(missing_ok=True)


def jobs() -> dict[str, float]:
    """The jobs at work now, `FIGURE/STAGE-KEY`, and for how many seconds."""
    marks = sorted(reproduce.FOLDER.glob(f"*/*{MARK}"))
    now = time.time()
    return {
        f"{mark.parent.name}/{mark.stem}": now - mark.stat().st_mtime
        for mark in marks
        if _held(mark)
    }


def figures(quick: bool = False) -> list[State]:
    """The state of every figure that has a notebook."""
    at_work = jobs()
    return [_state(name, quick, at_work) for name in notebooks.figures()]


def _state(name: str, quick: bool, at_work: dict[str, float]) -> State:
    waits = () if quick else tuple(reproduce.missing(name))
    figure = reproduce.figure(name, quick)
    stages = {
        stage: (sum(path.is_file() for path in files), len(files))
        for stage, files in figure.files.items()
    }
    mine = {f"{path.parent.name}/{path.stem}" for files in figure.files.values() for path in files}
    drawn = figure.drawing.is_file()
    return State(
        name,
        RUNNING if mine & at_work.keys() else WAITING if waits else _finished(figure),
        stages,
        sum(reproduce.seconds(figure).values()),
        figure.drawing.stat().st_mtime if drawn else None,
        waits,
    )


def _finished(figure: Figure) -> str:
    """Drawn from what is here now, drawn from something else, edited since, or not yet drawn."""
    if not figure.drawing.is_file():
        return STALE if any(figure.drawing.parent.glob("drawing-*.json")) else TO_DO
    return DONE if reproduce.intact(figure.drawing) else CHANGED


def _held(mark: Path) -> bool:
    with contextlib.suppress(FileNotFoundError), mark.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
