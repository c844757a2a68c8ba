"""What a study asks, and its key: which clip is of which system. Raters never see the key."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from planners.wire.reply import Strict, reason
from starvid_core.artifacts import canonical_json, sha256_text
from starvid_core.errors import InputError

FORMAT = 1
PAGE, KEY = "page.html", "key.json"
_ID = 12


@dataclass(frozen=True)
class Question:
    """A question of the paper (Sec. IV-D), and the column of Table II that it fills."""

    id: str
    title: str
    text: str


QUESTIONS = (
    Question("quality", "Video quality", "Which option has the better video quality?"),
    Question("fluency", "Video fluency", "Which option is more coherent and smooth?"),
    Question("overall", "Overall preference", "Subjectively, which option do you prefer?"),
    Question(
        "number",
        "Number correctness",
        "Which option has the most consistent number of subjects with the prompt?",
    ),
    Question(
        "motion",
        "Motion correctness",
        "Based on the provided prompt, which option is the appropriate motion for the subjects?",
    ),
)


class Trial(Strict):
    """One pair: `clips` maps each clip's name on the page to its system and the video file."""

    id: str
    prompt: str
    clips: dict[str, tuple[str, str]] = Field(min_length=2, max_length=2)

    def system(self, clip: str) -> str:
        return self.clips[clip][0]


class Study(Strict):
    """The key of a study; its page has the same `id`."""

    format: int
    id: str
    seed: int
    systems: tuple[str, str]
    trials: Annotated[list[Trial], Field(min_length=1)]

    @property
    def by_id(self) -> dict[str, Trial]:
        return {trial.id: trial for trial in self.trials}


def build(pairs: Sequence[tuple[str, str, str]], systems: tuple[str, str], seed: int = 0) -> Study:
    """A study of prompts, each with a file of the first system and one of the second."""
    # Names of clips that say nothing.
    names = (f"{n:08x}" for n in random.Random(seed).sample(range(16**8), 2 * len(pairs)))
    trials = [
        Trial(
            id=f"pair{number:03d}",
            prompt=prompt,
            clips=dict(sorted((next(names), clip) for clip in zip(systems, files, strict=True))),
        )
        for number, (prompt, *files) in enumerate(pairs, 1)
    ]
    return Study(
        format=FORMAT,
        id=identity(seed, systems, trials),
        seed=seed,
        systems=systems,
        trials=trials,
    )


def identity(seed: int, systems: tuple[str, str], trials: list[Trial]) -> str:
    """A name that changes with anything that raters are shown or that answers stand for."""
    facts = [FORMAT, seed, systems, [trial.model_dump() for trial in trials]]
    return sha256_text(canonical_json(facts))[:_ID]


def load(place: Path) -> Study:
    """The key of a study's folder, or of the file itself."""
    path = place / KEY if place.is_dir() else place
    try:
        study = Study.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}); give the folder of `preference make`"
        ) from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise InputError(f"{path}: {where or 'the file'}: {reason(first)}") from None
    if study.format != FORMAT or study.id != identity(study.seed, study.systems, study.trials):
        raise InputError(f"{path} is not whole, or of another version; make the study again")
    return study
