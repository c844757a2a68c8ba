"""Action binding as a vision-language model sees it (T2V-CompBench v1 and v2, Table I).

As published for two subjects; for more, the mean over all pairs of them.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TypeVar

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from planners.engines.base import Engine, Message, Picture, Request
from starvid_core.metrics import mllm_questions as questions
from starvid_core.metrics.base import Unscored, check_video
from starvid_core.metrics.mllm_questions import Form
from starvid_core.metrics.numeracy import sampled
from starvid_core.options import known
from starvid_core.scene import ScenePlan, Subject, Trajectory
from starvid_core.video import Video

COLUMNS, ROWS = 2, 3
TEMPERATURE = {"v1": 0.2, "v2": 0.1}
# Version 1 names no seed; ours makes its one draw the same again.
SEEDS = {"v1": (0,), "v2": (0, 1, 2)}
MOST = {"v1": 5.0, "v2": 10.0}
LEAST = {"v1": 0.0, "v2": 1.0}
# What two choices of A (clear), B (not clear), C (not shown) are worth, in any order.
BOTH = {"AA": 10, "AB": 9, "AC": 8, "BB": 7, "BC": 6, "CC": 5}
ONE = {"A": 4, "B": 3, "C": 2}
NEITHER = 1

Grid = UInt8[np.ndarray, "tall wide 3"]
Pair = tuple[Subject, Subject]
T = TypeVar("T")


def validate(video: Video, trajectory: Trajectory) -> None:
    """Refuse what is no video, and a scene in which nothing can be bound to the wrong subject."""
    check_video(video)
    subjects = trajectory.plan.subjects
    if len(subjects) < 2:
        raise Unscored("one subject alone: there is nobody else whose action it could take")
    if still := [s.noun for s in subjects if not s.verb]:
        raise Unscored(f"nothing says what {still[0]!r} does; give prompts with actions")


def score(
    video: Video, trajectory: Trajectory, engine: Engine, version: str = "v1"
) -> dict[str, float]:
    """`action_binding`: the judge's score of both subjects and both actions, scaled to [0, 1],
    mean over seeds and pairs; `action_binding_pairs`: how many pairs that was."""
    judge = VERSIONS[known("version", version, list(VERSIONS))]
    validate(video, trajectory)
    scene = trajectory.plan
    pairs = list(combinations(scene.subjects, 2))
    shown, found = picture(grid(video)), []
    for seed in SEEDS[version]:
        begun = _described(shown, version, Talk(engine, TEMPERATURE[version], seed))
        found += [judge(begun, scene, pair) for pair in pairs]
    scaled = (np.mean(found) - LEAST[version]) / (MOST[version] - LEAST[version])
    return {"action_binding": float(scaled), "action_binding_pairs": float(len(pairs))}


def grid(video: Video) -> Grid:
    """Six frames at even distances of the sixteen that Numeracy sees, in three rows of two."""
    shown = sampled(video)
    places = np.linspace(0, len(shown) - 1, ROWS * COLUMNS).astype(int)
    frames = iter(shown[places])
    rows = [np.concatenate([next(frames) for _ in range(COLUMNS)], axis=1) for _ in range(ROWS)]
    return np.concatenate(rows)


def picture(pixels: Grid) -> Picture:
    """Pixels as a PNG with their own hash."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    shape = repr(pixels.shape).encode()
    return Picture(file.getvalue(), hashlib.sha256(shape + pixels.tobytes()).hexdigest())


@dataclass(frozen=True)
class Talk:
    """A chat so far; every question makes a longer one."""

    engine: Engine
    temperature: float
    seed: int
    messages: tuple[Message, ...] = ()

    def ask(self, text: str, form: Form[T], pictures: Sequence[Picture] = ()) -> tuple[T, Talk]:
        """The reply, which has its form, and the chat with it."""
        asked = (*self.messages, Message("user", text, tuple(pictures)))
        request = Request(
            asked, form.grammar, form.schema, form.tokens, self.temperature, self.seed
        )
        reply = self.engine.complete(request).text
        value = form.read(reply)
        heard = value if isinstance(value, str) else reply
        return value, replace(self, messages=(*asked, Message("assistant", heard)))


def _described(shown: Picture, version: str, talk: Talk) -> Talk:
    form = questions.DESCRIPTION[version]
    return talk.ask(questions.DESCRIBE[version], form, [shown])[1]


def _rated(talk: Talk, scene: ScenePlan, pair: Pair) -> int:
    """Version 1: the score itself, from 0 to 5."""
    return talk.ask(questions.rate(scene.prompt, pair), questions.RATING)[0].score


def _answered(talk: Talk, scene: ScenePlan, pair: Pair) -> int:
    """Version 2: who is there, then what they do, from 1 to 10."""
    text = questions.presence(scene.prompt, pair)
    seen, talk = talk.ask(text, questions.PRESENCE)
    there = {"A": pair, "B": pair[:1], "C": pair[1:], "D": ()}[seen.adjust]
    if not there:
        return NEITHER
    if len(there) == 1:
        return ONE[talk.ask(questions.action(there), questions.ACTION)[0].adjust]
    both = talk.ask(questions.action(there), questions.ACTIONS)[0]
    return BOTH["".join(sorted(both.first.adjust + both.second.adjust))]


VERSIONS: dict[str, Callable[[Talk, ScenePlan, Pair], int]] = {"v1": _rated, "v2": _answered}
