"""Verbs, nouns and quantities as data, with every inflection derived once on first use."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from planners.language.inflection import FIXED_NOUNS, conjugated, gerund, plurals
from starvid_core.moving_emoji import cast

WORDS = Path(__file__).with_name("words")


@dataclass(frozen=True)
class Motion:
    """How a motion behaves: its family of physics and the way it likes to go, in frame widths."""

    name: str
    family: str  # still | stay | sway | cross | swim | bob | hop | bounce | fall | dive | rise
    reach: float = 0.0


@dataclass(frozen=True)
class Noun:
    """A noun's dictionary form, the subject of the cast it looks like, and its number."""

    lemma: str
    like: str  # a subject of the cast, or thing | scene | part | prop
    plural: bool
    fixed: bool = False  # one form for both numbers ("sheep")


@dataclass(frozen=True)
class Verb:
    lemma: str
    motion: str
    form: str  # base | s | past | ing


MOTIONS: dict[str, Motion] = {
    m.name: m
    for m in (
        Motion("running", "cross", 0.45),
        Motion("walking", "cross", 0.26),
        Motion("skateboarding", "cross", 0.40),
        Motion("flying", "cross", 0.42),
        Motion("riding bicycle", "cross", 0.38),
        Motion("swimming", "swim", 0.28),
        Motion("driving", "cross", 0.45),
        Motion("riding horse", "cross", 0.38),
        Motion("sailing", "cross", 0.24),
        Motion("jumping", "hop", 0.20),
        Motion("bouncing", "bounce", 0.10),
        Motion("playing golf", "stay"),
        Motion("weightlifting", "stay"),
        Motion("playing guitar", "stay"),
        Motion("playing football", "stay"),
        Motion("dancing", "sway", 0.08),
        Motion("diving", "dive", 0.16),
        Motion("sitting", "still"),
        Motion("floating", "bob"),
        Motion("hovering", "bob"),
        Motion("spinning", "stay"),
        Motion("shining", "stay"),
        Motion("falling", "fall"),
        Motion("rising", "rise"),
        Motion("playing basketball", "sway", 0.06),
        Motion("rolling", "cross", 0.35),
        *(Motion(f"riding {mount}", "cross", 0.38) for mount in ("motorcycle", "elephant", "car")),
        *(Motion(name, "cross", 0.38) for name in ("riding", "skating", "skiing", "surfing")),
        Motion("rowing", "cross", 0.24),
        Motion("flying kite", "stay"),
    )
}
OWN_REACH = {"cross": 0.30, "stay": 0.0}
NOT_SUBJECTS = ("scene", "part", "prop")
LIVING = ("person", "animal", "bird", "swimmer")

BARE_PLURAL = 2
# Adjectives that say after "is" that somebody stays in place.
STATES = frozenset(
    {"still", "motionless", "asleep", "stationary", "immobile", "seated", "idle", "unmoving"}
)


def read(name: str) -> dict:
    """One of the word lists beside this file."""
    return json.loads((WORDS / f"{name}.json").read_text(encoding="utf-8"))


@cache
def closed() -> dict[str, str]:
    """Function words and what they are; of two entries the later counts."""
    return {word: tag for tag, words in read("closed").items() for word in words.split()}


@cache
def counts() -> dict[str, int]:
    """Exact number words."""
    return read("numbers")["exact"]


@cache
def quantities() -> dict[str, int]:
    """Vague quantities and the number that stands for them here."""
    return read("numbers")["vague"]


@cache
def nouns() -> dict[str, Noun]:
    """Every form of every noun; of two entries the earlier counts."""
    table: dict[str, Noun] = {}
    for like, lines in read("nouns").items():
        for lemma in " ".join(lines).split():
            fixed = lemma in FIXED_NOUNS or lemma.endswith("fish")
            table.setdefault(lemma, Noun(lemma, like, False, fixed))
            for form in () if fixed else plurals(lemma):
                table.setdefault(form, Noun(lemma, like, True))
    return table


@cache
def verbs() -> dict[str, Verb]:
    """Every form of every verb; of two entries the earlier counts."""
    table: dict[str, Verb] = {}
    for motion, entry in _verb_entries():
        forms = list(conjugated(entry))
        lemma = forms[0][1]
        for form, word in forms:
            table.setdefault(word, Verb(lemma, motion or gerund(lemma), form))
    return table


@cache
def lemmas(group: str) -> frozenset[str]:
    """Lemmas of the verbs in one of the groups "weak", "light", "joins"."""
    return frozenset(entry.split(":")[0] for entry in read("verbs")[group].split())


def noun(word: str) -> Noun | None:
    """The noun that `word` is a form of; the last part of a hyphenated word decides."""
    known = nouns().get(word)
    return known if known or "-" not in word else nouns().get(word.rsplit("-", 1)[1])


def verb(word: str) -> Verb | None:
    """The verb that `word` is a form of: "playing-golf" and "roller-skating" are, too."""
    table = verbs()
    known = table.get(word)
    if known or "-" not in word:
        return known
    first, *rest = word.split("-")
    if first in table and (name := motion_of_words([first, *rest])) != table[first].motion:
        return Verb(table[first].lemma, str(name), table[first].form)
    return table.get(word.replace("-", "")) or table.get(rest[-1])


def motion_with(lemma: str, thing: str) -> str | None:
    """Motion of a verb with its object: "ride" and "bike" make "riding bicycle"."""
    known = nouns().get(thing)
    return _phrases().get((lemma, known.lemma if known else thing))


def motion(name: str) -> Motion | None:
    """The motion of a canonical name, or of any form of a verb ("walks", "playing-golf")."""
    if name in MOTIONS:
        return MOTIONS[name]
    known = motion_of_words(name.lower().replace("-", " ").split())
    return _own(known) if known else None


def motion_of_words(words: list[str]) -> str | None:
    """Canonical motion of a verb phrase given as words."""
    if not words or (known := verb(words[0])) is None:
        return None
    objects = (motion_with(known.lemma, word) for word in words[1:])
    return next((found for found in objects if found), known.motion)


def planned(name: str) -> Motion:
    """The motion of a canonical name; an unknown one stays where it is."""
    return motion(name) or Motion(name, "stay")


def count(word: str) -> int | None:
    """A number word or whole number; too many digits stand for very many."""
    if word.isascii() and word.isdigit():
        return int(word) if len(word) < 7 else 10**6
    return counts().get(word)


def kind(like: str) -> str:
    return cast.ROLES[like].kind if like in cast.ROLES else like


@cache
def _phrases() -> dict[tuple[str, str], str]:
    return {
        (lemma, thing): name
        for lemma, motions in read("phrases").items()
        for name, things in motions.items()
        for thing in things.split()
    }


@cache
def _own_families() -> dict[str, str]:
    """Canonical names of the motions that are called like their verb, with their families."""
    return {
        gerund(entry.split(":")[0]): family
        for family, entries in read("verbs")["own"].items()
        for entry in entries.split()
    }


def _own(name: str) -> Motion:
    family = _own_families().get(name, "stay")
    return MOTIONS.get(name) or Motion(name, family, OWN_REACH[family])


def _verb_entries() -> Iterator[tuple[str, str]]:
    data = read("verbs")
    for name, entries in data["named"].items():
        yield from ((name, entry) for entry in entries.split())
    for entries in (*data["own"].values(), data["weak"], data["light"]):
        yield from (("", entry) for entry in entries.split())
