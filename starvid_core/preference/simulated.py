"""Raters that do not exist: to try a study's analysis before anybody has answered.

Their answers say so (`simulated`), and so does everything that is made of them.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from starvid_core.preference.answers import Answer, Answers
from starvid_core.preference.study import FORMAT, QUESTIONS, Study, Trial


@dataclass(frozen=True)
class Simulation:
    """How raters answer: for each question the chance that the first system is chosen.

    A `share` of raters' answers follow one opinion per trial that all raters share; the others are
    each rater's own, with the same chance.
    """

    rates: Mapping[str, float]
    share: float = 0.5


def simulate(study: Study, simulation: Simulation, raters: int, seed: int = 0) -> list[Answers]:
    """Answers of so many simulated raters."""
    rng = random.Random(seed)
    first = study.systems[0]
    shared = {
        (trial.id, question.id): rng.random() < simulation.rates[question.id]
        for trial in study.trials
        for question in QUESTIONS
    }
    return [
        Answers(
            format=FORMAT,
            study=study.id,
            rater=f"simulated {number}",
            simulated=True,
            started="",
            finished="",
            answers=[
                _answer(trial, question.id, first, simulation, shared, rng)
                for trial in study.trials
                for question in QUESTIONS
            ],
        )
        for number in range(1, raters + 1)
    ]


def _answer(
    trial: Trial,
    question: str,
    first: str,
    simulation: Simulation,
    shared: Mapping[tuple[str, str], bool],
    rng: random.Random,
) -> Answer:
    own = rng.random() < simulation.rates[question]
    prefers = shared[trial.id, question] if rng.random() < simulation.share else own
    left, right = rng.sample(list(trial.clips), 2)
    chosen = next(c for c in trial.clips if (trial.system(c) == first) == prefers)
    return Answer(
        trial=trial.id, question=question, left=left, right=right, chosen=chosen, seconds=1.0
    )
