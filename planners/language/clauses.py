"""A small grammar of scene descriptions: which noun goes with which verb."""

from __future__ import annotations

from dataclasses import dataclass, field

from planners.language import lexicon
from planners.language.nounphrases import NounPhrase, noun_phrase
from planners.language.tags import Line
from planners.language.verbgroups import VerbGroup, verb_group

_COMPANY = frozenset({"with", "alongside", "by", "after"})


@dataclass
class Seat:
    """A noun phrase that may become a subject, and the verb that it has so far."""

    phrase: NounPhrase
    role: str  # subject | object | oblique
    verb: VerbGroup | None = None
    preposition: str = ""
    joined: Seat | VerbGroup | None = None  # whose motion it shares if it has none of its own

    @property
    def kind(self) -> str:
        return lexicon.kind(self.phrase.noun.like)

    @property
    def capable(self) -> bool:
        """Whether it could be a subject without standing as one: not scenery, not a thing."""
        return self.kind not in (*lexicon.NOT_SUBJECTS, "thing", "ball")

    def take(self, verb: VerbGroup) -> None:
        """Keep the verb that tells more of the motion, the first of equals."""
        # "A ball rolls, followed by a dog": to be followed makes nobody walk who has no feet.
        done_to = verb.passive and self.kind not in lexicon.LIVING
        if self.verb is None or (verb.rank > self.verb.rank and not done_to):
            self.verb = verb


@dataclass
class _Reader:
    """Where the reading of a line stands."""

    line: Line
    seats: list[Seat] = field(default_factory=list)
    pending: list[Seat] = field(default_factory=list)  # subjects that wait for their verb
    current: list[Seat] = field(default_factory=list)  # subjects of the latest verb
    beside: Seat | None = None  # the noun phrase just read, if it is no subject
    preposition: str = ""
    verb: VerbGroup | None = None  # the latest verb of this clause
    orphan: VerbGroup | None = None  # a verb that came before its subject
    relative: bool = False
    sentence: int = 0  # number of seats before this sentence

    def noun(self, phrase: NounPhrase) -> None:
        seat = Seat(phrase, "subject")
        self.seats.append(seat)
        if self.preposition and not self._is_shown():
            self._oblique(seat)
        elif self.verb is not None and phrase.start <= self._after_verb():
            self._behind_verb(seat, self.verb)
        else:
            self.pending.append(seat)
            self.beside = None
        self.preposition = ""
        self.relative = False

    def _is_shown(self) -> bool:
        """ "a video of a dog": the dog is what the sentence is about."""
        sentence = self.seats[self.sentence : -1]
        quiet = self.verb is None and self.orphan is None and not self.current
        return self.preposition == "of" and quiet and not any(s.capable for s in sentence)

    def _after_verb(self) -> int:
        """First word that is not an adverb behind the latest verb."""
        i = self.verb.end if self.verb else 0
        while self.line.tag(i) in ("ADV", "SKIP"):
            i += 1
        return i

    def _oblique(self, seat: Seat) -> None:
        seat.role, seat.preposition = "oblique", self.preposition
        self.beside = seat
        by_passive = self.preposition != "by" or (self.verb is not None and self.verb.passive)
        if self.preposition in _COMPANY and by_passive and seat.kind in lexicon.LIVING:
            waiting = self.pending[-1] if self.pending else None
            verb = self.verb if self.verb and not self.verb.phrase else None
            seat.joined = waiting or verb

    def _behind_verb(self, seat: Seat, verb: VerbGroup) -> None:
        if verb is self.orphan and not verb.bare:
            seat.verb, self.orphan = verb, None
            self.current = [seat]
            return
        seat.role = "object"
        self.beside = seat
        if verb.lemma in lexicon.lemmas("joins") and seat.capable and not verb.passive:
            seat.joined = verb
        elif verb.lemma == "fly" and seat.phrase.noun.lemma == "kite":
            _fly_kite(self.current, seat, verb)

    def act(self, verb: VerbGroup) -> None:
        takers = self._takers(verb)
        for seat in takers:
            seat.take(verb)
        if takers:
            self.current = takers
        elif self.orphan is None:
            self.orphan = verb
        self.verb = verb
        self.preposition = ""
        self.relative = False

    def _takers(self, verb: VerbGroup) -> list[Seat]:
        last = self.seats[-1] if self.seats else None
        if self.relative and last:
            self.pending = [seat for seat in self.pending if seat is not last]
            return [last]
        if self.beside and self.beside.capable and verb.bare and self._touches(verb):
            return [self.beside]
        if not self.pending:
            return self.current
        takers = self.pending
        if not (verb.bare and verb.weak):
            self.pending = []
        return takers

    def _touches(self, verb: VerbGroup) -> bool:
        """Whether only adverbs stand between the noun just read and the verb."""
        end = self.beside.phrase.end if self.beside else 0
        return all(self.line.tag(i) in ("ADV", "SKIP") for i in range(end, verb.start))

    def pause(self, tag: str) -> None:
        self.beside, self.verb, self.preposition, self.relative = None, None, "", False
        if tag in ("SUB", "STOP"):
            self.pending = [seat for seat in self.pending if seat.verb is None]
        if tag == "STOP":
            self._settle()

    def _settle(self) -> None:
        """End of a sentence: seats without a verb get the one that they share."""
        sentence = self.seats[self.sentence :]
        verbs = [seat.verb for seat in sentence if seat.verb]
        for before, seat in zip([None, *sentence], sentence, strict=False):
            if seat.verb is None:
                seat.verb = self._shared(seat, before, verbs)
        self.pending, self.current, self.orphan = [], [], None
        self.sentence = len(self.seats)

    def _shared(self, seat: Seat, before: Seat | None, verbs: list[VerbGroup]) -> VerbGroup | None:
        attribute = seat.phrase.attribute
        if attribute and (seat.role == "subject" or seat.capable):
            return attribute
        if isinstance(seat.joined, Seat):
            verb = seat.joined.verb
            return None if verb and verb.phrase else verb
        if seat.joined or seat.role != "subject":
            return seat.joined
        listed = before is None or before.role == "subject"
        earlier = [v for v in verbs if v.start < seat.phrase.start]
        return self.orphan or (earlier[-1] if listed and earlier and seat.capable else None)


def _fly_kite(flyers: list[Seat], kite: Seat, verb: VerbGroup) -> None:
    """Who flies a kite stands, and the kite flies."""
    kite.verb = verb
    for seat in flyers:
        if seat.verb is verb:
            seat.verb = VerbGroup(verb.text, "flying kite", "fly", verb.start, verb.end)


def seats(line: Line) -> list[Seat]:
    """Every noun phrase of the line with its verb, in the order of the prompt."""
    reader, i = _Reader(line), 0
    while i < len(line.words):
        i = _step(reader, line, i)
    reader.pause("STOP")
    return reader.seats


def _step(reader: _Reader, line: Line, i: int) -> int:
    """Read what starts at word `i`; returns the number of the next word to read."""
    named = line.tag(i - 1) == "NOUN" and line.tag(i) == "OTHER"  # "a helicopter rescues people"
    phrase = None if named and verb_group(line, i) else noun_phrase(line, i)
    if phrase is not None:
        reader.noun(phrase)
        return phrase.end
    group = verb_group(line, i) if line.tag(i) not in ("EVENT", "ADV") else None
    if group is not None:
        reader.act(group)
        return max(group.end, i + 1)
    return i + _mark(reader, line, i)


def _mark(reader: _Reader, line: Line, i: int) -> int:
    """Note a function word; returns how many words are done with."""
    tag = line.tag(i)
    if tag in ("COMMA", "STOP", "SUB", "CONJ"):
        reader.pause(tag)
    elif tag == "PREP":
        reader.preposition = line.word(i)
    elif tag == "REL":
        reader.relative = True
    elif tag == "PRON":
        reader.preposition = ""
    elif tag == "DET" and line.tag(i + 1) == "VERB":
        return 2
    return 1
