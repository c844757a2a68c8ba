"""A person's count of generated clips beside the judge's: `data/judge_handcount/<name>.json`.

The form holds what the person saw and nothing of the judge, so that the count is blind; the judge's
reading lies beside it in `<name>_judge.json`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from starvid_core import experiment, paths
from starvid_core.artifacts import read_json, write_json
from starvid_core.errors import InputError
from starvid_core.experiment import Run, RunSpec
from starvid_core.metrics.tracks import name_of
from starvid_core.moving_emoji.cast import SUBJECTS
from starvid_core.options import known
from starvid_core.perception.base import Detection
from starvid_core.scene import Trajectory

if TYPE_CHECKING:
    from starvid_core.perception.base import Judge
else:  # the command line must not wait for torch
    Judge = Any

HOW = (
    "For every clip, write what most of its frames show: {} for nothing, "
    '{"dog": 1, "cat": 2} for a dog and two cats; count what can be told, whole or not. '
    "null is not counted yet."
)
EXAMPLE = 'give a count such as {"dog": 1}, {} for nothing'
Count = Mapping[str, int]


@dataclass(frozen=True)
class Rate:
    """`right` of `asked`, with the 95 % interval of Wilson."""

    right: int
    asked: int

    @property
    def share(self) -> float:
        return self.right / self.asked if self.asked else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        from scipy.stats import binomtest

        if not self.asked:
            return float("nan"), float("nan")
        found = binomtest(self.right, self.asked).proportion_ci(method="wilson")
        return float(found.low), float(found.high)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.share:.3f} [{low:.3f}, {high:.3f}] ({self.right} of {self.asked})"


@dataclass(frozen=True)
class Presence:
    """In how many clips a subject is seen by both, by the person alone, by the judge alone."""

    both: int
    person_only: int
    judge_only: int

    @property
    def found(self) -> Rate:
        """Of the clips where the person sees it, those where the judge does."""
        return Rate(self.both, self.both + self.person_only)

    @property
    def right(self) -> Rate:
        """Of the clips where the judge sees it, those where the person does."""
        return Rate(self.both, self.both + self.judge_only)


@dataclass(frozen=True)
class Agreement:
    """How a judge's reading of clips agrees with a person's.

    `exact`: the same subjects in the same numbers; `presence`: every subject, all added up;
    `as_asked`: clips that show exactly what was asked for, by the person and by the judge.
    """

    clips: int
    uncounted: int
    exact: Rate
    presence: Presence
    subjects: Mapping[str, Presence]
    as_asked: Mapping[str, Rate]
    differing: tuple[str, ...]


def usual(frames: Sequence[Sequence[Detection]]) -> dict[str, int]:
    """What most frames show: the median number of each subject, the lower one of two."""
    names = {d.name for frame in frames for d in frame}
    counts = {n: sorted(sum(d.name == n for d in frame) for frame in frames) for n in names}
    medians = {n: row[(len(row) - 1) // 2] for n, row in counts.items()}
    return {n: medians[n] for n in sorted(medians) if medians[n]}


def asked_for(trajectory: Trajectory) -> dict[str, int]:
    """The subjects of a plan as a judge calls them, with their numbers."""
    return dict(sorted(Counter(name_of(s) for s in trajectory.plan.instances).items()))


def chosen(specs: Iterable[RunSpec], count: int, seed: int = 0) -> list[RunSpec]:
    """`count` different clips drawn evenly from all, in an order that says nothing of them."""
    clips = list(dict.fromkeys(specs))
    if not 0 < count <= len(clips):
        raise InputError(f"cannot draw {count} of {len(clips)} clips; give a number up to that")
    return [clips[k] for k in np.random.default_rng(seed).permutation(len(clips))[:count]]


def make(name: str, runs: Sequence[Run], judge: Judge) -> Path:
    """Write the form and the judge's reading of the clips; a form that is there is kept."""
    form = check_new(name)
    reading = {
        number: {
            "run": run.folder.name,
            "prompt": run.trajectory.plan.prompt,
            "asked": asked_for(run.trajectory),
            "judge": usual(judge.detect(run.video)),
        }
        for number, run in zip(numbers(len(runs)), runs, strict=True)
    }
    facts = {"judging": experiment.judging(), "clips": reading}
    write_json(_reading(name), facts)
    write_json(form, {"how": HOW, "counted_by": "", "clips": dict.fromkeys(reading)})
    return form


def check_new(name: str) -> Path:
    """Where a new form may be written; one that is there may hold somebody's work."""
    form = _form(name)
    if form.exists():
        raise InputError(f"{form} is there already; count on, or give another name")
    return form


def numbers(count: int) -> list[str]:
    """What the clips of a count are called on its sheets: "001" and on."""
    return [f"{number:03}" for number in range(1, count + 1)]


def load(name: str) -> tuple[dict[str, Count | None], dict[str, dict[str, Any]]]:
    """The person's count and the judge's reading of every clip.

    Raises InputError where they are not of the same clips, or a count is none.
    """
    form, reading = read_json(_form(name)), read_json(_reading(name))
    person = form.get("clips") if isinstance(form, dict) else None
    judge = reading.get("clips") if isinstance(reading, dict) else None
    if not isinstance(person, dict) or not isinstance(judge, dict) or set(person) != set(judge):
        raise InputError(f"{_form(name)} and {_reading(name)} are not of the same clips")
    for number, count in person.items():
        if count is not None and not _is_count(count):
            raise InputError(f"{_form(name)}: clip {number} has {count!r}; {EXAMPLE}")
        for subject in count or ():
            known(f"subject of clip {number}", subject, SUBJECTS)
    return person, judge


def agreement(name: str) -> Agreement:
    """The judge's agreement with the person, on the clips that the person has counted."""
    person, read = load(name)
    both = [
        (n, dict(c), read[n]["judge"], read[n]["asked"]) for n, c in person.items() if c is not None
    ]
    if not both:
        raise InputError(f"{_form(name)} has no counted clip yet; fill in its clips")
    differing = [n for n, p, j, _ in both if p != j]
    seen = sorted({s for _, p, j, _ in both for s in (*p, *j)})
    subjects = {s: _presence([(s in p, s in j) for _, p, j, _ in both]) for s in seen}
    return Agreement(
        clips=len(both),
        uncounted=len(person) - len(both),
        exact=Rate(len(both) - len(differing), len(both)),
        presence=_presence([(s in p, s in j) for _, p, j, _ in both for s in seen]),
        subjects=subjects,
        as_asked={
            "person": _rate([p == a for _, p, _, a in both]),
            "judge": _rate([j == a for _, _, j, a in both]),
        },
        differing=tuple(differing),
    )


def _presence(pairs: Sequence[tuple[bool, bool]]) -> Presence:
    """Of pairs (seen by the person, seen by the judge)."""
    counts = Counter(pairs)
    return Presence(counts[True, True], counts[True, False], counts[False, True])


def _rate(right: Sequence[bool]) -> Rate:
    return Rate(sum(right), len(right))


def _is_count(count: Any) -> bool:
    return isinstance(count, dict) and all(
        isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in count.values()
    )


def _form(name: str) -> Path:
    if Path(name).name != name:
        raise InputError(f"a count's name is a file's without its folder, got {name!r}")
    return paths.HANDCOUNTS / f"{name}.json"


def _reading(name: str) -> Path:
    return paths.HANDCOUNTS / f"{name}_judge.json"
