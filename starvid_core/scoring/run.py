"""Scoring: every video by every metric, each result kept at once, so that a kill costs one look."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tqdm import tqdm

from planners.engines.base import EngineError
from starvid_core import paths, video
from starvid_core.artifacts import (
    canonical_json,
    read_json,
    sha256_file,
    sha256_files,
    sha256_text,
    write_json,
)
from starvid_core.errors import InputError
from starvid_core.scoring.cases import Case
from starvid_core.scoring.judges import Kind
from starvid_core.scoring.looks import Look, Options
from starvid_core.video import Video

# Raised by hand whenever a metric would give the same video another score.
METRICS = 1
# Failures of a server in a row after which it is taken for dead.
MOST_FAILURES = 5


@dataclass
class Row:
    """The scores of one video, and why it lacks the others."""

    case: Case
    values: dict[str, dict[str, float]] = field(default_factory=dict)
    dropped: dict[str, str] = field(default_factory=dict)


@dataclass
class Scores:
    """A row for every video, and the identity of the model behind every metric."""

    rows: list[Row]
    models: dict[str, str] = field(default_factory=dict)


def score(
    cases: Sequence[Case],
    chosen: Mapping[Kind, Sequence[str]],
    options: Options | None = None,
    progress: bool = True,
) -> Scores:
    """Score every case, one model after the other; what was scored before is not looked at again.

    What cannot be scored is in `dropped` of its row, with the reason. Raises InputError for a model
    that is missing and for a server that fails again and again.
    """
    made, kept = Scores([Row(case) for case in cases]), paths.BUILD / "scores"
    given = options or Options()
    for kind in chosen:
        kind.check(given)
    total = len(cases) * len(chosen)
    # `disable=None` leaves log files without a bar.
    with tqdm(total=total, unit="look", disable=None if progress else True) as bar:
        for kind, metrics in chosen.items():
            bar.set_description(", ".join(metrics))
            with kind.load(given) as look:
                made.models |= dict.fromkeys(metrics, look.identity)
                for _ in _scored(made.rows, metrics, look, kept):
                    bar.update()
    return made


def _scored(rows: Sequence[Row], metrics: Sequence[str], look: Look, kept: Path) -> Iterator[None]:
    failures = 0
    with ThreadPoolExecutor(look.concurrency) as pool:
        try:
            for error in pool.map(lambda row: _score(row, metrics, look, kept), rows):
                failures = failures + 1 if error else 0
                if error and failures == min(MOST_FAILURES, len(rows)):
                    raise error
                yield
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _score(row: Row, metrics: Sequence[str], look: Look, kept: Path) -> EngineError | None:
    """Fill the row; an error of the server is said once more, so that it can be counted."""
    clip, failed = _Clip(row.case.path), None
    for metric in metrics:
        try:
            place = kept / f"{_key(row.case, clip, metric, look)}.json"
            row.values[metric] = _kept(place) or _looked(row.case, clip, metric, look, place)
        except InputError as error:
            row.dropped[metric] = str(error)
            failed = error if isinstance(error, EngineError) else failed
    return failed


def _looked(case: Case, clip: _Clip, metric: str, look: Look, place: Path) -> dict[str, float]:
    found = look.score(metric, clip.frames, case)
    write_json(place, {name: None if math.isnan(v) else v for name, v in found.items()})
    return found


def _kept(place: Path) -> dict[str, float] | None:
    """The result of an earlier call, whole because it was written so."""
    if not place.is_file():
        return None
    return {name: math.nan if v is None else v for name, v in read_json(place).items()}


def _key(case: Case, clip: _Clip, metric: str, look: Look) -> str:
    """The hash of everything that a score depends on."""
    asked: dict[str, Any] = {"prompt": case.asked.prompt if case.asked else ""}
    if case.asked:
        asked["subjects"] = [vars(subject) for subject in case.asked.subjects]
    if case.plan:
        asked["boxes"] = [[box and vars(box) for box in row] for row in case.plan.boxes]
        asked["planned"] = [vars(subject) for subject in case.plan.plan.subjects]
    facts = [METRICS, clip.sha256, metric, look.identity, asked]
    return sha256_text(canonical_json(facts))[:24]


class _Clip:
    """The frames of a file, read when they are first needed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @cached_property
    def frames(self) -> Video:
        return video.load(self._path)

    @cached_property
    def sha256(self) -> str:
        try:
            if self._path.is_dir():
                return sha256_files(video.pictures(self._path))
            return sha256_file(self._path)
        except OSError as error:
            raise InputError(f"{self._path} cannot be read ({error.strerror})") from None
