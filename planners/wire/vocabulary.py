"""What a reply about a prompt may name: its words that can be subjects or motions, and the camera.

A language model may read a prompt otherwise than the rules do, but only with the prompt's own words
and numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from planners.language import clauses, hints, lexicon, reading, tags, text
from planners.language.clauses import Seat
from planners.language.inflection import gerund
from planners.language.nounphrases import NounPhrase
from planners.language.reading import MOST_INSTANCES
from planners.language.tags import Line, Tagged
from planners.language.text import Token
from planners.language.verbgroups import VerbGroup, verb_group
from starvid_core.errors import InputError
from starvid_core.scene import CAMERA_MOVES

MOST_PLACES = 64
_LONGEST_NOUN = 200
_ANY = tuple(range(1, MOST_INSTANCES + 1))
_SEVERAL = _ANY[1:]
_SINGLE = frozenset({"a", "an", "another", "this", "one", "each", "every"})
_CAMERA = frozenset({"camera", "view", "lens", "shot", "frame"})
_ENDINGS = ("ing", "ed", "s")


@dataclass(frozen=True)
class Place:
    """A word of the prompt that can be a subject, and the numbers that it can have there."""

    noun: str
    numbers: tuple[int, ...]


@dataclass(frozen=True)
class Vocabulary:
    """The words of one prompt: nouns in their order, verbs with their motions, camera moves."""

    prompt: str
    places: tuple[Place, ...]
    verbs: Mapping[str, str]
    cameras: tuple[str, ...]
    told: Mapping[tuple[str, str], str]  # motions of pairs that the rules read alike

    @property
    def nouns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(place.noun for place in self.places))

    @property
    def most_instances(self) -> int:
        """No scene of these words has more."""
        return min(sum(max(place.numbers) for place in self.places), MOST_INSTANCES)

    def motion(self, noun: str, verb: str) -> str:
        """The canonical motion: a car that is "moving" drives."""
        return self.told.get((noun, verb), self.verbs[verb])


def vocabulary(prompt: str) -> Vocabulary:
    """The words of a prompt, or why in one line no scene can be planned of them."""
    return _vocabulary(text.checked(prompt))


@lru_cache(maxsize=256)
def _vocabulary(prompt: str) -> Vocabulary:
    moves = hints.camera_moves(prompt)
    line = tags.read(prompt, tuple(_tokens(prompt, moves)))
    seats = clauses.seats(line)
    _check_count(line, seats)
    told = {i for s in seats if _known(s) for i in range(s.phrase.start, s.phrase.end)}
    groups = list(_groups(line, told))
    acts = {i for group in groups for i in range(group.start, group.end)}
    places = tuple(_places(line, seats, told | acts))
    verbs = dict(_verbs(line, seats, groups, told))
    if not places or not verbs:
        raise reading.no_subject(prompt)
    if len(places) > MOST_PLACES:
        raise InputError(
            f"{len(places)} words of the prompt could be subjects; keep it to {MOST_PLACES}"
        )
    return Vocabulary(prompt, places, verbs, _cameras(line, moves), _told(prompt))


def _tokens(prompt: str, moves: Iterable[tuple[str, int, int]]) -> list[Token]:
    """The words of the prompt with a comma in place of every camera move."""
    spans = [(start, end) for _, start, end in moves]
    words = [t for t in text.tokens(prompt) if not any(a <= t.start < b for a, b in spans)]
    return sorted([*words, *(Token(",", a, a + 1) for a, _ in spans)], key=lambda t: t.start)


def _told(prompt: str) -> dict[tuple[str, str], str]:
    """Motions as the rules read them; prompts that are beyond the rules have none."""
    try:
        subjects = [part.subject for part in reading.read(prompt).parts]
    except InputError:
        return {}
    return {(s.noun, s.verb): s.motion for s in subjects}


def _cameras(line: Line, moves: tuple[tuple[str, int, int], ...]) -> tuple[str, ...]:
    """The move that the prompt names; any one if it speaks of the camera in other words."""
    if moves:
        return (hints.camera(moves),)
    acts = ("VERB", "AUX", "ADV", "OTHER")
    free = any(w.word in _CAMERA and line.tag(i + 1) in acts for i, w in enumerate(line.words))
    return CAMERA_MOVES if free else ("static",)


def _check_count(line: Line, seats: list[Seat]) -> None:
    """Refuse a crowd, rather than plan a part of it."""
    told = [s for s in seats if s.verb or s.role == "subject"]
    acting = [s for s in told if s.kind not in lexicon.NOT_SUBJECTS]
    clear = [s for s in acting if not (s.kind == "thing" and s.verb and s.verb.weak)]
    reading.refuse_crowd(sum(s.phrase.number for s in clear if not _again(line, s, seats)))


def _again(line: Line, seat: Seat, seats: list[Seat]) -> bool:
    """ "the dog" where "a dog" has been introduced before."""
    phrase = seat.phrase
    bare = line.word(phrase.start) == "the" and phrase.end - phrase.start == 2
    earlier = (s.phrase for s in seats[: seats.index(seat)])
    known = {p.noun.lemma for p in earlier if line.word(p.start) != "the"}
    return bare and seat.role == "subject" and phrase.noun.lemma in known


# Subjects.


def _known(seat: Seat) -> bool:
    """Whether the words of the phrase only tell more of a noun that the dictionary knows."""
    return lexicon.noun(seat.phrase.head.word) is not None


def _places(line: Line, seats: list[Seat], taken: set[int]) -> list[Place]:
    """Heads of noun phrases and other words that can be nouns; scenery only where all is."""
    heads = {s.phrase.head.start: s for s in seats}
    acting, scenery = list[Place](), list[Place]()
    for i, word in enumerate(line.words):
        seat = heads.get(word.token.start)
        if seat is None:
            if i not in taken and _may_be_noun(word):
                acting.append(Place(word.token.text, _loose_numbers(line, i)))
        elif not _again(line, seat, seats):
            found = scenery if _is_backdrop(seat) else acting
            found.append(Place(word.token.text, _numbers(line, seat.phrase)))
    return [p for p in acting or scenery if p.numbers and len(p.noun) <= _LONGEST_NOUN]


def _is_backdrop(seat: Seat) -> bool:
    idle = seat.kind == "prop" and seat.verb is None
    return idle or seat.kind in ("scene", "part")


def _may_be_noun(word: Tagged) -> bool:
    """Whether the word is a noun, or unknown; "Emily" ends like an adverb."""
    first, known = word.token.text[0], word.word in lexicon.closed()
    if word.tag == "NOUN":
        return word.noun is not None and word.noun.like not in lexicon.NOT_SUBJECTS
    unknown = word.tag == "OTHER" or (word.tag == "ADV" and first.isupper())
    return unknown and not known and first.isalnum() and any(c.isalpha() for c in word.word)


def _loose_numbers(line: Line, i: int) -> tuple[int, ...]:
    """Numbers of a word outside of the noun phrases: the one before it, or what its form tells."""
    if line.tag(i - 1) == "NUM":
        return _exactly(line.words[i - 1].number)
    noun = lexicon.noun(line.word(i))
    if noun is None or noun.fixed:
        return _ANY
    return _SEVERAL if noun.plural else (1,)


def _exactly(number: int) -> tuple[int, ...]:
    """The number, unless nobody or a crowd is meant."""
    return (number,) if number in _ANY else ()


def _numbers(line: Line, phrase: NounPhrase) -> tuple[int, ...]:
    """Numbers that the prompt allows: an exact one, several, one, or any."""
    words = [w for w in line.words[phrase.start : phrase.end] if w.token.start < phrase.head.start]
    counts = [w.word for w in words if w.tag == "NUM"]
    if any(lexicon.count(word) is not None for word in counts):
        return _exactly(phrase.number)
    if counts:
        return _SEVERAL if phrase.number <= MOST_INSTANCES else ()
    if phrase.noun.plural or phrase.number > 1:
        return _SEVERAL
    unknown = lexicon.noun(phrase.noun.lemma) is None
    single = any(w.word in _SINGLE for w in words)
    return _ANY if (unknown or phrase.noun.fixed) and not single else (1,)


# Motions.


def _groups(line: Line, told: set[int]) -> Iterator[VerbGroup]:
    """Verb groups one after the other, wherever one can start outside of a noun's phrase."""
    i = 0
    while i < len(line.words):
        starts = i not in told and line.tag(i) not in ("EVENT", "ADV")
        group = verb_group(line, i) if starts else None
        if group is not None:
            yield group
        i = max(group.end, i + 1) if group else i + 1


def _verbs(
    line: Line, seats: list[Seat], groups: list[VerbGroup], told: set[int]
) -> Iterator[tuple[str, str]]:
    """Words of motions with their canonical motion; of two entries the later counts."""
    for i, word in enumerate(line.words):
        lemma = _unknown_lemma(word)
        if lemma and i not in told:
            yield word.token.text, gerund(lemma)
    strong = [group for group in groups if not group.weak]
    yield from ((group.text, group.motion) for group in strong or groups)
    yield from ((s.verb.text, s.verb.motion) for s in seats if s.verb)


def _unknown_lemma(word: Tagged) -> str:
    """What is left of an unknown word without a verb's ending."""
    ending = next((e for e in _ENDINGS if word.word.endswith(e)), "")
    verbal = ending and word.tag == "OTHER" and len(word.word) > 3 and word.word.isalpha()
    return word.word.removesuffix(ending) if verbal else ""
