"""Verb groups: the words that say one motion, helpers and object included."""

from __future__ import annotations

from dataclasses import dataclass, replace

from planners.language import lexicon
from planners.language.inflection import gerund
from planners.language.lexicon import Verb
from planners.language.tags import Line
from starvid_core.moving_emoji.cast import MOTIONS

STAYING = "sitting"
_OBJECT_PREPS = frozenset({"on", "upon", "onto", "atop", "with", "off"})
_BEFORE_OBJECT = ("DET", "NUM", "OTHER", "ADV", "POSS", "SKIP")
_BEFORE_VERB = ("DET", "ADV", "OTHER", "NEG", "AUX")
_TOWARDS_VERB = frozenset({"to", "for", "on", "about"})
_LONGEST_OBJECT = 7


@dataclass(frozen=True)
class VerbGroup:
    """A verb with its object, its motion, and how it stands in the clause."""

    text: str
    motion: str
    lemma: str
    start: int  # number of the first word, helpers included, and of the one after the last
    end: int
    bare: bool = False  # without helper and person: "sitting there", "(see it) run"
    passive: bool = False
    weak: bool = False  # says little of the motion: "is happy", "wearing a hat"
    phrase: bool = False  # the object belongs to the motion: "plays golf"

    @property
    def rank(self) -> int:
        """Of two verbs of one subject the one of higher rank tells its motion."""
        if self.weak:
            return -1
        return 0 if self.motion not in MOTIONS else 1 if self.motion == STAYING else 2


@dataclass(frozen=True)
class _Helpers:
    """What stands before the main verb at word `end`."""

    end: int
    helped: bool
    negated: bool


def verb_group(line: Line, i: int) -> VerbGroup | None:
    """The verb group that starts at word `i`, a copula with what follows included."""
    helpers = _helpers(line, i)
    found = _main(line, i, helpers)
    if found is None:
        return _copula(line, i, helpers.end) if helpers.helped else None
    return replace(found, motion=STAYING, phrase=False) if helpers.negated else found


def attribute(line: Line, i: int) -> VerbGroup | None:
    """The participle at word `i` in front of its noun: "a stopped car"."""
    verb = line.words[i].verb
    return _known(line, verb, (i, i + 1), i) if verb else None


def _helpers(line: Line, i: int) -> _Helpers:
    k = i
    while line.tag(k) in ("AUX", "NEG", "ADV"):
        k += 1
    before = line.words[i:k]
    return _Helpers(
        _past_light_verb(line, i, k),
        any(w.tag == "AUX" for w in before),
        any(w.tag == "NEG" or w.word.endswith("n't") for w in before),
    )


def _past_light_verb(line: Line, i: int, k: int) -> int:
    """The verb behind "starts to", "goes for a" and "is about to", else `k` itself."""
    verb = line.words[k].verb if line.tag(k) == "VERB" else None
    light = verb is not None and verb.lemma in lexicon.lemmas("light")
    if not light and not (k > i and line.word(k) in ("about", "to")):
        return k
    for m in range(k + 1, k + 6):
        if line.tag(m) in ("VERB", "EVENT"):
            return m
        if line.tag(m) not in _BEFORE_VERB and line.word(m) not in _TOWARDS_VERB:
            break
    return k


def _main(line: Line, i: int, helpers: _Helpers) -> VerbGroup | None:
    k, helped = helpers.end, helpers.helped
    if helped and (found := _object_first(line, i, k)):
        return found
    if line.tag(k) not in ("VERB", "EVENT") or (line.tag(k) == "EVENT" and k == i):
        return _unknown(line, i, k, helped)
    verb = line.words[k].verb
    if verb is None:
        return None
    end, motion = _object(line, k, verb.lemma)
    group = _known(line, verb, (k, end), i)
    group = replace(group, bare=not helped and verb.form in ("ing", "base"))
    if motion:
        return replace(group, motion=motion, phrase=True, weak=False)
    passive = verb.form == "past" and (helped or line.word(end) == "by")
    return replace(group, passive=passive)


def _known(line: Line, verb: Verb, span: tuple[int, int], start: int) -> VerbGroup:
    weak = verb.lemma in lexicon.lemmas("weak")
    text = line.text(*span)
    return VerbGroup(text, verb.motion, verb.lemma, start, span[1], bare=True, weak=weak)


def _unknown(line: Line, i: int, k: int, helped: bool) -> VerbGroup | None:
    """A verb that no dictionary knows: "is glorping", "a dog zorps"."""
    word = line.word(k)
    if line.tag(k) != "OTHER" or len(word) < 4 or not word.isalpha():
        return None
    named = line.tag(i - 1) == "OTHER" and line.tag(i - 2) in ("DET", "NUM")
    behind_noun = (line.tag(i - 1) == "NOUN" or named) and not helped
    ending = next((e for e in ("ing", "ed", "s") if word.endswith(e)), "")
    if not ending or not (behind_noun or (helped and ending == "ing")):
        return None
    lemma = word.removesuffix(ending)
    bare = ending == "ing" and not helped
    return VerbGroup(line.text(k, k + 1), gerund(lemma), lemma, i, k + 1, bare=bare)


def _object(line: Line, k: int, lemma: str) -> tuple[int, str]:
    """End and name of a motion made of verb and object; the verb's own end and "" without one."""
    preps = 0
    for m in range(k + 1, k + 1 + _LONGEST_OBJECT):
        motion = lexicon.motion_with(lemma, line.word(m))
        if motion and line.tag(m + 1) not in ("POSS", "NOUN"):
            return m + 1, motion
        preposition = line.word(m) in _OBJECT_PREPS
        compound = line.tag(m) == "NOUN" and line.tag(m + 1) == "NOUN"
        preps += preposition
        if preps > 1 or not (preposition or compound or line.tag(m) in _BEFORE_OBJECT):
            break
    return k + 1, ""


def _object_first(line: Line, i: int, k: int) -> VerbGroup | None:
    """ "is weight lifting", "is horse riding"."""
    verb = line.words[k + 1].verb if line.tag(k + 1) == "VERB" else None
    motion = lexicon.motion_with(verb.lemma, line.word(k)) if verb and verb.form == "ing" else None
    if verb is None or motion is None:
        return None
    return VerbGroup(line.text(k, k + 2), motion, verb.lemma, i, k + 2, phrase=True)


def _copula(line: Line, i: int, k: int) -> VerbGroup | None:
    """ "is on the sofa", "is asleep", "is happy": whoever is so stays in place."""
    be = max(j for j in range(i, k) if line.tag(j) == "AUX")
    following = line.tag(k)
    if following == "PREP":
        end, motion = _object(line, k - 1, "be")
        if motion:
            return VerbGroup(line.text(be, end), motion, "be", i, end, phrase=True)
    if following in ("PREP", "STATE"):
        first = be if following == "PREP" else k
        end = k if following == "PREP" else k + 1
        return VerbGroup(line.text(first, k + 1), STAYING, "be", i, end)
    if following == "OTHER" or k > be + 1:
        end = k + 1 if following == "OTHER" else k
        return VerbGroup(line.text(be, end), STAYING, "be", i, end, weak=True)
    return None
