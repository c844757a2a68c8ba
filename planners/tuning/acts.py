"""Who a prompt speaks of and what they do, drawn from word lists."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from planners.language import lexicon
from planners.language.inflection import plurals
from starvid_core.moving_emoji import cast

WORDS = Path(__file__).with_name("words.json")
MOST_INSTANCES = 5
_KINDS = (*lexicon.LIVING, "vehicle", "boat", "aircraft", "floater", "ball", "thing")
_SUBJECTS = (0.08, 0.40, 0.32, 0.20)  # shares of prompts with one subject, two, three, four
_NUMBERS = (0.86, 0.09, 0.04, 0.01)
_CAST, _STRANGERS = 0.5, 0.05  # shares of nouns that the world draws, and that nobody knows
T = TypeVar("T")


@dataclass(frozen=True)
class Act:
    """Who a prompt is meant to speak of, and what they do: "ride a bicycle"."""

    lemma: str
    number: int
    deed: str
    verb: str

    @property
    def noun(self) -> str:
        """As it stands in the prompt."""
        known = lexicon.noun(self.lemma)
        several = self.number > 1 and not (known and known.fixed)
        return plurals(self.lemma)[0] if several else self.lemma

    @property
    def named(self) -> bool:
        return self.lemma[0].isupper()

    @property
    def goes(self) -> bool:
        return lexicon.planned(self.deed).family in ("cross", "swim")


@cache
def words() -> dict[str, Any]:
    """The lists of `words.json`; those that are one text are taken apart."""
    read = json.loads(WORDS.read_text(encoding="utf-8"))
    return {name: v.split() if isinstance(v, str) else v for name, v in read.items()}


@cache
def _others() -> tuple[str, ...]:
    """Nouns that the dictionary knows and the world does not draw."""
    known = lexicon.nouns().values()
    fit = (n.lemma for n in known if lexicon.kind(n.like) in _KINDS and n.lemma not in cast.ROLES)
    return tuple(noun for noun in dict.fromkeys(fit) if noun not in words()["unfit"])


def drawn(rng: np.random.Generator) -> tuple[Act, ...]:
    """One to four subjects that differ, of so many instances that a plan has room for them."""
    count, acts = 1 + int(rng.choice(4, p=_SUBJECTS)), list[Act]()
    while len(acts) < count:
        noun = _noun(rng)
        room = MOST_INSTANCES - sum(a.number for a in acts) - (count - len(acts) - 1)
        number = min(1 + int(rng.choice(4, p=_NUMBERS)), room)
        deeds = _deeds(noun)
        if deeds and noun not in [act.lemma for act in acts]:
            deed = one(rng, list(deeds))
            number = 1 if noun[0].isupper() else number
            acts.append(Act(noun, number, deed, one(rng, deeds[deed])))
    return tuple(acts)


def _noun(rng: np.random.Generator) -> str:
    share = rng.random()
    if share < _CAST:
        return one(rng, cast.SUBJECTS)
    return one(rng, words()["strangers"] if share < _CAST + _STRANGERS else _others())


@cache
def _deeds(noun: str) -> dict[str, list[str]]:
    """Motions that are told of such a subject, with their verbs."""
    known = lexicon.noun(noun)
    like = known.like if known else "person"
    own = {noun, like, lexicon.kind(like) if known else "person"}
    found = {
        deed: [verb for kinds, verb in verbs if own & set(kinds.split())]
        for deed, verbs in words()["deeds"].items()
    }
    return {deed: verbs for deed, verbs in found.items() if verbs}


def chance(rng: np.random.Generator, share: float) -> bool:
    return bool(rng.random() < share)


def one(rng: np.random.Generator, options: Sequence[T]) -> T:
    return options[int(rng.integers(len(options)))]
