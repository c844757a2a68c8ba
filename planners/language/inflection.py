"""English inflection: the forms of verbs and nouns."""

from __future__ import annotations

import re
from collections.abc import Iterator

IRREGULAR_NOUNS = {
    **{"child": "children", "person": "people", "mouse": "mice", "goose": "geese", "ox": "oxen"},
    **{"foot": "feet", "wolf": "wolves", "calf": "calves", "elf": "elves", "leaf": "leaves"},
    **{"thief": "thieves", "dice": "dice"},
}
FIXED_NOUNS = frozenset(
    {"sheep", "deer", "moose", "bison", "salmon", "trout", "tuna", "cattle", "squid", "carp", "elk"}
    | {"aircraft", "spacecraft"}
)
_SHORT = re.compile(r"[^aeiou]*(?:qu)?[aeiou][^aeiouwxy]")
_ALSO_DOUBLED = frozenset({"backflip", "travel", "pedal"})


def gerund(lemma: str) -> str:
    """ "run" makes "running"."""
    if lemma.endswith("ie"):
        return lemma[:-2] + "ying"
    if lemma.endswith("e") and not lemma.endswith(("ee", "oe", "ye")):
        return lemma[:-1] + "ing"
    return _doubled(lemma) + "ing"


def conjugated(entry: str) -> Iterator[tuple[str, str]]:
    """Every form of a verb given as "ride" or as "ride:rode:ridden"."""
    lemma, *past = entry.split(":")
    yield "base", lemma
    yield "s", _with_s(lemma)
    yield "ing", gerund(lemma)
    yield from (("past", word) for word in past or [_past(lemma)])
    if lemma in _ALSO_DOUBLED:
        yield from (("ing", lemma + lemma[-1] + "ing"), ("past", lemma + lemma[-1] + "ed"))


def _past(lemma: str) -> str:
    if lemma.endswith("e"):
        return lemma + "d"
    if lemma.endswith("y") and lemma[-2] not in "aeiou":
        return lemma[:-1] + "ied"
    return _doubled(lemma) + "ed"


def _doubled(lemma: str) -> str:
    return lemma + lemma[-1] if _SHORT.fullmatch(lemma) else lemma


def _with_s(word: str) -> str:
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "z", "ch", "sh", "o")) else "s")


def plurals(lemma: str) -> tuple[str, ...]:
    """Plural forms of a noun, the usual one first."""
    if lemma in IRREGULAR_NOUNS:
        return (IRREGULAR_NOUNS[lemma], lemma + "s")
    if lemma.endswith("man") and lemma != "human":
        return (lemma[:-3] + "men",)
    return (_with_s(lemma), lemma + "s") if lemma.endswith("o") else (_with_s(lemma),)
