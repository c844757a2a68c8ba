"""What a vision-language model is asked about two subjects, and the only replies it can give.

T2V-CompBench's steps, criteria and choices; the wording is ours, because its own has no licence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from pydantic import Field, TypeAdapter

from planners import gbnf
from planners.templates import data
from planners.wire import json_schema as schema
from planners.wire.reply import END, Strict, compact, parsed, validated
from starvid_core.errors import InputError
from starvid_core.metrics.base import Unscored
from starvid_core.moving_emoji.captions import article
from starvid_core.scene import Subject

EXPLANATION = 400  # characters
# Printable, without what ends a string or spells a mark of a chat.
_CHARACTER = "[ !#-;=?-Z_-z]"
T = TypeVar("T")

_GRID = "The picture shows frames of one video, in order from left to right and from top to bottom."
_WHO = "every character and object that appears, and what each of them does."
DESCRIBE = {
    "v1": f"{_GRID} Say in at most 20 words what the video shows: {_WHO}",
    "v2": f"{_GRID} It was made by a model. Describe the video: name {_WHO}",
}
_TEXT = (
    "The text that the video should show, the two subjects of it, and what each of them should do, "
    "as JSON: {facts}\n"
)
_RATE = (
    _TEXT + "By the video and by your description, give the score that fits best.\n"
    "5: both subjects are there, and both actions are shown.\n"
    "4: both subjects are there, but only one of the actions is shown.\n"
    "3: both subjects are there, and neither action is shown.\n"
    "2: only one of the subjects is there, and its action is shown.\n"
    "1: only one of the subjects is there, and its action is not shown.\n"
    "0: neither subject is there.\n"
    'Reply in JSON: "score", then "explanation" in at most 20 words.'
)
_ANSWER = (
    'In JSON, reply "option", then "explanation" in at most 50 words, then "adjust": the option '
    "that you hold right after your explanation."
)
_PRESENCE = (
    _TEXT + "By the video and by your description, which of the subjects can be seen?\n"
    "A: both, and clearly.\nB: only the first one.\nC: only the second one.\nD: neither.\n"
    + _ANSWER
)
_DEPICTED = "A: it is clearly shown.\nB: it is not clear whether it is.\nC: it is not shown.\n"
_ACTION = "Is this shown in the video, as JSON: {facts}\n" + _DEPICTED + _ANSWER
_ACTIONS = (
    "Are these two actions shown in the video, as JSON: {facts}\nFor each of them, choose:\n"
    + _DEPICTED
    + 'Give your answers as "first" and "second". '
    + _ANSWER
)


class Rating(Strict):
    """The reply of version 1."""

    score: int = Field(ge=0, le=5)
    explanation: str


class Presence(Strict):
    """Who is there; `adjust`, what the model holds right once it has explained it, counts."""

    option: Literal["A", "B", "C", "D"]
    explanation: str
    adjust: Literal["A", "B", "C", "D"]


class Action(Strict):
    """Whether an action is shown; `adjust` counts."""

    option: Literal["A", "B", "C"]
    explanation: str
    adjust: Literal["A", "B", "C"]


class Actions(Strict):
    """The same for both subjects."""

    first: Action
    second: Action


@dataclass(frozen=True)
class Form(Generic[T]):
    """What a reply can be: its type, grammar and schema, and the tokens that it has at most."""

    kind: type[T]
    grammar: str
    schema: Mapping[str, Any]
    tokens: int

    def read(self, reply: str) -> T:
        """The reply as its type; one that is of another form is no score."""
        try:
            return validated(TypeAdapter(self.kind), parsed(reply), "the judge's reply")
        except InputError as error:
            raise Unscored(str(error)) from None


def said(subject: Subject) -> tuple[str, str]:
    """A subject as a phrase, and with what it does: "a dog" and "a dog runs"."""
    noun = subject.noun.lower()
    phrase = f"{subject.number} {noun}" if subject.number > 1 else f"{article(noun)} {noun}"
    return phrase, f"{phrase} {subject.verb}"


def rate(prompt: str, pair: Sequence[Subject]) -> str:
    return _RATE.format(facts=_facts(prompt, pair))


def presence(prompt: str, pair: Sequence[Subject]) -> str:
    return _PRESENCE.format(facts=_facts(prompt, pair))


def action(subjects: Sequence[Subject]) -> str:
    """The question of one action, or of two at once."""
    question = _ACTION if len(subjects) == 1 else _ACTIONS
    return question.format(facts=data([said(subject)[1] for subject in subjects]))


def _facts(prompt: str, pair: Sequence[Subject]) -> str:
    phrases, actions = zip(*map(said, pair), strict=True)
    return data({"text": prompt, "subjects": list(phrases), "actions": list(actions)})


def _string(longest: int) -> str:
    quote = gbnf.literal('"')
    return gbnf.sequence(quote, f"{_CHARACTER}{{1,{longest}}}", quote)


def _description(longest: int) -> Form[str]:
    return Form(str, f"root ::= {_string(longest)}\n", schema.text(longest), longest + 2 + END)


def _object(parts: Mapping[str, str]) -> str:
    """An object with these keys in this order, each before the expression of its value."""
    pieces = []
    for n, (key, value) in enumerate(parts.items()):
        pieces += [gbnf.literal(f"{',' if n else '{'}{compact(key)}:"), value]
    return gbnf.sequence(*pieces, gbnf.literal("}"))


def _answer(choices: str) -> tuple[str, schema.Schema]:
    choice = gbnf.one_of([compact(c) for c in choices])
    rule = _object({"option": choice, "explanation": _string(EXPLANATION), "adjust": choice})
    known = schema.one_of(list(choices))
    parts = {"option": known, "explanation": schema.text(EXPLANATION), "adjust": known}
    return rule, schema.closed(parts)


def _one(kind: type[T], choices: str) -> Form[T]:
    rule, shape = _answer(choices)
    return Form(kind, f"root ::= {rule}\n", shape, EXPLANATION + 60 + END)


def _two() -> Form[Actions]:
    rule, shape = _answer("ABC")
    root = _object({"first": "answer", "second": "answer"})
    grammar = f"root ::= {root}\nanswer ::= {rule}\n"
    parts = {"first": shape, "second": shape}
    return Form(Actions, grammar, schema.closed(parts), 2 * (EXPLANATION + 80) + END)


def _rating() -> Form[Rating]:
    rule = _object({"score": gbnf.number_range(0, 5), "explanation": _string(EXPLANATION)})
    parts = {"score": schema.whole(0, 5), "explanation": schema.text(EXPLANATION)}
    return Form(Rating, f"root ::= {rule}\n", schema.closed(parts), EXPLANATION + 40 + END)


# A description of version 1 has 20 words, one of version 2 has no bound but the model's.
DESCRIPTION = {"v1": _description(300), "v2": _description(900)}
RATING, ACTIONS = _rating(), _two()
PRESENCE, ACTION = _one(Presence, "ABCD"), _one(Action, "ABC")
