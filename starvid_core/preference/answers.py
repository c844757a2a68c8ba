"""Answers of raters, read strictly against the study that they are of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, ValidationError

from planners.wire.reply import Strict, reason
from starvid_core.errors import InputError
from starvid_core.preference.study import FORMAT, QUESTIONS, Study

if TYPE_CHECKING:
    from pandas import DataFrame
else:
    DataFrame = Any

MOST_BYTES = 10_000_000


class Answer(Strict):
    """One choice between the clips on the left and on the right."""

    trial: str
    question: str
    left: str
    right: str
    chosen: str
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Answers(Strict):
    """The file that the page saves; `simulated` is true of those that no person gave."""

    format: int
    study: str
    rater: Annotated[str, Field(min_length=1, max_length=60)]
    simulated: bool
    started: str
    finished: str | None
    answers: list[Answer]


@dataclass(frozen=True)
class Votes:
    """Every answer of every rater.

    `table` has the columns rater, trial, question, system (the one chosen), side (left or right)
    and seconds; `missing` counts questions without an answer, by rater.
    """

    study: Study
    table: DataFrame
    missing: dict[str, int]
    simulated: bool


def read(study: Study, files: Iterable[Path]) -> Votes:
    """The answers in these files, or in folders of them.

    Raises InputError for a file that is none, is of another study, or repeats a rater; and where
    people's answers and simulated ones are mixed.
    """
    paths = [path for place in files for path in _files(place)]
    if not paths:
        raise InputError("no answers; give the files that raters saved, answers-*.json")
    given = {path: _load(path, study) for path in paths}
    twice = [name for name, n in Counter(a.rater for a in given.values()).items() if n > 1]
    if twice:
        raise InputError(f"rater {twice[0]!r} answered in two files; keep one of them")
    if len({answers.simulated for answers in given.values()}) > 1:
        raise InputError("some answers are simulated and some are people's; give one kind")
    return votes(study, list(given.values()))


def votes(study: Study, given: Sequence[Answers]) -> Votes:
    """Answers as a table."""
    import pandas

    trials, expected = study.by_id, len(study.trials) * len(QUESTIONS)
    rows = [
        {
            "rater": answers.rater,
            "trial": one.trial,
            "question": one.question,
            "system": trials[one.trial].system(one.chosen),
            "side": "left" if one.chosen == one.left else "right",
            "seconds": one.seconds,
        }
        for answers in given
        for one in answers.answers
    ]
    missing = {a.rater: expected - len(a.answers) for a in given if len(a.answers) < expected}
    return Votes(study, pandas.DataFrame(rows), missing, any(a.simulated for a in given))


def _files(place: Path) -> list[Path]:
    return sorted(place.glob("answers*.json")) if place.is_dir() else [place]


def _load(path: Path, study: Study) -> Answers:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})") from None
    if len(content) > MOST_BYTES:
        raise InputError(f"{path} has {len(content)} bytes; answers have {MOST_BYTES} at most")
    try:
        answers = Answers.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise InputError(f"{path}: {where or 'the file'}: {reason(first)}") from None
    if answers.format != FORMAT or answers.study != study.id:
        raise InputError(f"{path} answers study {answers.study!r}, not {study.id}")
    for problem in _problems(answers, study):
        raise InputError(f"{path}: {problem}")
    return answers


def _problems(answers: Answers, study: Study) -> Iterable[str]:
    """What cannot have been answered on the page of this study."""
    trials, asked = study.by_id, {question.id for question in QUESTIONS}
    seen = Counter((one.trial, one.question) for one in answers.answers)
    for n, one in enumerate(answers.answers):
        known = one.trial in trials and one.question in asked
        if not known or {one.left, one.right} != set(trials[one.trial].clips):
            yield f"answer {n} is to {one.question!r} of {one.trial!r}, which this study lacks"
        elif one.chosen not in (one.left, one.right):
            yield f"answer {n} chooses {one.chosen!r}, which was not shown"
        elif seen[one.trial, one.question] > 1:
            yield f"answer {n} repeats {one.question!r} of {one.trial!r}"
