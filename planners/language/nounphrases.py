"""Noun phrases: a subject's noun with its number and the words in front of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from planners.language import lexicon
from planners.language.lexicon import Noun
from planners.language.tags import Line
from planners.language.text import Token
from planners.language.verbgroups import VerbGroup, attribute

_BEFORE_NOUN = ("DET", "NUM", "OF", "OTHER", "ADV", "EVENT", "SKIP")
_SINGLE = frozenset({"a", "an", "another", "this", "one"})


@dataclass(frozen=True)
class NounPhrase:
    """A noun, how many it speaks of, and the motion in front of it ("a running dog")."""

    head: Token
    noun: Noun
    number: int
    start: int
    end: int
    attribute: VerbGroup | None = None


@dataclass
class _Scan:
    """How far a phrase has been read, where its noun is and where its participle."""

    start: int
    end: int
    head: int | None = None
    attribute: int | None = None


def noun_phrase(line: Line, i: int) -> NounPhrase | None:
    """The noun phrase that starts at word `i`."""
    scan = _Scan(i, i)
    while _extends(line, scan):
        scan.end += 1
    if scan.head is not None:
        return _built(line, scan, scan.head)
    for end in (*_unknown_verbs(line, i, scan.end), scan.end, scan.end - 1):
        if end > i and line.tag(end - 1) == "OTHER" and _speaks(line, i, end):
            scan.end = end
            return _built(line, scan, end - 1)
    return None


def _extends(line: Line, scan: _Scan) -> bool:
    """Take the next word into the phrase if it belongs there."""
    end, tag = scan.end, line.tag(scan.end)
    if tag == "NOUN" and scan.head in (None, end - 1):
        scan.head = end
    elif tag == "POSS" and scan.head is not None:
        scan.head = None
    elif scan.head is not None:
        return False
    elif _is_attribute(line, scan):
        scan.attribute = end
    else:
        return _precedes(line, scan)
    return True


def _precedes(line: Line, scan: _Scan) -> bool:
    """Whether the next word may stand in front of the noun: "a black and white (cat)"."""
    end, tag = scan.end, line.tag(scan.end)
    if end == scan.start:
        return tag in ("DET", "NUM", "OTHER")
    pair = (line.tag(end - 1), line.tag(end + 1)) == ("OTHER", "OTHER")
    if tag in ("CONJ", "COMMA"):
        return pair and line.tag(scan.start) != "OTHER" and line.tag(end + 2) in ("NOUN", "OTHER")
    opens = tag == "DET" and line.tag(end - 1) == "OTHER"  # "overtakes a (truck)"
    return tag in _BEFORE_NOUN and not opens


def _is_attribute(line: Line, scan: _Scan) -> bool:
    """A participle in front of a noun: "a stopped car", or "Running dogs" as a clause starts."""
    end = scan.end
    verb = line.words[end].verb if line.tag(end) == "VERB" else None
    if verb is None or verb.form not in ("ing", "past"):
        return False
    if end > scan.start:
        return line.tag(end - 1) != "SKIP"
    if verb.form != "ing" or not line.fresh(end) or line.tag(end + 1) != "NOUN":
        return False
    return lexicon.motion_with(verb.lemma, line.word(end + 1)) is None


def _speaks(line: Line, i: int, end: int) -> bool:
    """Whether words without a known noun name somebody: "a zorblax is running"."""
    if line.tag(i) == "OTHER":
        return line.fresh(i) and end == i + 1 and _acts(line, end)
    listed = line.tag(end) in ("CONJ", "COMMA") and line.tag(end + 1) in ("DET", "NUM")
    verbless = line.tag(end) == "OTHER" and line.word(end).endswith(("s", "ed", "ing"))
    return listed or verbless or line.tag(end) in ("AUX", "VERB", "REL", "ADV")


def _unknown_verbs(line: Line, i: int, end: int) -> Iterator[int]:
    """Where a verb may stand among words that no dictionary knows: "a vendor sells fruits"."""
    for k in range(i + 2, end if line.word(i) in _SINGLE else 0):
        unknown = line.tag(k - 1) == line.tag(k) == "OTHER"
        if unknown and line.word(k).endswith("s") and not line.word(k).endswith(("ss", "us")):
            yield k


def _acts(line: Line, end: int) -> bool:
    """Whether a finite verb follows, so that one unknown word is a name: "Pikachu is running"."""
    verb = line.words[end].verb if line.tag(end) == "VERB" else None
    finite = verb is not None and verb.form != "base" and verb.lemma not in lexicon.lemmas("weak")
    return finite or line.tag(end) == "AUX"


def _built(line: Line, scan: _Scan, head: int) -> NounPhrase:
    word = line.words[head]
    noun = word.noun or Noun(word.word, "thing", False)
    group = None if scan.attribute is None else attribute(line, scan.attribute)
    number = _number(line, scan.start, head, noun)
    return NounPhrase(word.token, noun, number, scan.start, scan.end, group)


def _number(line: Line, i: int, head: int, noun: Noun) -> int:
    """The exact number if one stands there, else a vague one, else what the noun's form tells."""
    numbers = [w for w in line.words[i:head] if w.tag == "NUM"]
    exact = [w.number for w in numbers if w.word not in lexicon.quantities()]
    if numbers:
        return exact[0] if exact else max(w.number for w in numbers)
    many = noun.plural or noun.lemma == "couple" or (noun.fixed and _several(line, i, head))
    return lexicon.BARE_PLURAL if many else 1


def _several(line: Line, i: int, head: int) -> bool:
    """Whether a noun of one form ("sheep") means several: "the sheep are running"."""
    if any(w.word in _SINGLE for w in line.words[i:head]):
        return False
    verb = line.words[head + 1].verb if line.tag(head + 1) == "VERB" else None
    plural = line.word(head + 1) in ("are", "were", "have")
    return plural or bool(verb and verb.form == "base")
