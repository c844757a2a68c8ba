"""What kind of word every token is; words that can be noun and verb are settled by context."""

from __future__ import annotations

from dataclasses import dataclass

from planners.language import lexicon
from planners.language.lexicon import Noun, Verb
from planners.language.text import Token

_BREAKS = {",": "COMMA", **dict.fromkeys(".;!?:", "STOP"), **dict.fromkeys("()–—", "COMMA")}
_NEEDING_OF = frozenset(
    {"pair", "couple", "trio", "group", "flock", "herd", "pack", "school", "team", "bunch", "crowd"}
    | {"number", "quartet", "lots", "lot"}
)
_CONTRACTING = frozenset({"there", "it", "he", "she", "that", "who", "what", "here"})
_DOING = frozenset({"do", "does", "did"})
_ONE = frozenset({"a", "an", "one", "another", "each", "every"})


@dataclass(frozen=True)
class Tagged:
    """A token with its tag, and the dictionary's entry that the tag speaks of.

    Tags: NOUN VERB EVENT (a verb used as noun, "a run") DET NUM OF POSS AUX NEG STATE PREP CONJ SUB
    REL PRON ADV COMMA STOP SKIP OTHER.
    """

    token: Token
    tag: str
    noun: Noun | None = None
    verb: Verb | None = None
    number: int = 0

    @property
    def word(self) -> str:
        return self.token.word


@dataclass(frozen=True)
class Line:
    """A prompt with its tagged words; outside the line all is "STOP"."""

    prompt: str
    words: tuple[Tagged, ...]

    def tag(self, i: int) -> str:
        return self.words[i].tag if 0 <= i < len(self.words) else "STOP"

    def word(self, i: int) -> str:
        return self.words[i].word if 0 <= i < len(self.words) else ""

    def text(self, i: int, j: int) -> str:
        """The prompt from word `i` up to word `j`, as it stands there."""
        return self.prompt[self.words[i].token.start : self.words[j - 1].token.end]

    def fresh(self, i: int) -> bool:
        """Whether a clause may start at word `i`."""
        return self.tag(i - 1) in ("COMMA", "STOP", "SUB", "CONJ")


def read(prompt: str, tokens: tuple[Token, ...]) -> Line:
    """The tokens with their tags, decided from left to right."""
    done: list[Tagged] = []
    words = [t.word for t in tokens]
    for i, token in enumerate(tokens):
        done.append(_tagged(token, words[i + 1 :], done))
    return Line(prompt, tuple(done))


def _tagged(token: Token, after: list[str], done: list[Tagged]) -> Tagged:
    word = token.word
    if word in _BREAKS or not token.text[0].isalnum() and word[0] != "'":
        return Tagged(token, _BREAKS.get(word, "SKIP"))
    number = _number(word, after)
    if number is not None:
        return Tagged(token, "NUM", number=number)
    if (kind := _function(word, after, done)) is not None:
        return Tagged(token, kind)
    noun, verb = lexicon.noun(word), lexicon.verb(word)
    if noun and (verb is None or _is_noun(noun, verb, after, done)):
        return Tagged(token, "NOUN", noun=noun)
    if verb:
        return Tagged(token, "EVENT" if _is_event(verb, done) else "VERB", verb=verb)
    return Tagged(token, "ADV" if word.endswith("ly") else "OTHER")


def _number(word: str, after: list[str]) -> int | None:
    if word in lexicon.quantities() and (word not in _NEEDING_OF or after[:1] == ["of"]):
        return lexicon.quantities()[word]
    return lexicon.count(word)


def _function(word: str, after: list[str], done: list[Tagged]) -> str | None:
    """Tag of a function word."""
    before = done[-1].tag if done else "STOP"
    if word == "'s":
        return "AUX" if _contracts(after, done) else "POSS"
    if word == "of" and before == "NUM":
        return "OF"
    if word == "that":
        return "REL" if before == "NOUN" else "DET"
    if word == "as" and any(t.word == "as" for t in done[-3:]):
        return "PREP"
    if word in _DOING and after and _opens_object(after[0]):
        return None  # "does a trick", where it helps no verb
    if word in lexicon.STATES and before == "AUX":
        return "ADV" if after and lexicon.verb(after[0]) else "STATE"
    return lexicon.closed().get(word)


def _opens_object(word: str) -> bool:
    thing = lexicon.noun(word) and not lexicon.verb(word)
    return bool(thing) or lexicon.closed().get(word) in ("DET", "POSS")


def _contracts(after: list[str], done: list[Tagged]) -> bool:
    """ "A man's running" is short for "is"; "a man's running shoes" is not."""
    if done and done[-1].word in _CONTRACTING:
        return True
    verb = lexicon.verb(after[0]) if after else None
    return bool(verb and verb.form == "ing" and not (after[1:] and lexicon.noun(after[1])))


def _is_event(verb: Verb, done: list[Tagged]) -> bool:
    """ "a run", "the long walk": a plain form where a determiner wants a noun."""
    last = done[-1] if done else None
    if verb.form not in ("base", "s") or last is None:
        return False
    if last.tag in ("DET", "POSS"):
        return True
    opened = last.tag == "OTHER" and verb.form == "base" and not last.word.endswith("s")
    return opened and _determiner(done) is not None


def _determiner(done: list[Tagged]) -> Tagged | None:
    """The determiner of a noun phrase that has no noun yet."""
    for item in reversed(done):
        if item.tag in ("DET", "NUM", "POSS"):
            return item
        if item.tag not in ("OTHER", "ADV", "EVENT"):
            return None
    return None


def _is_noun(noun: Noun, verb: Verb, after: list[str], done: list[Tagged]) -> bool:
    """Whether a word that can be both is a noun here."""
    earlier = [t for t in done if t.tag not in ("ADV", "SKIP")]
    last = earlier[-1].tag if earlier else "STOP"
    if last in ("DET", "NUM", "OF", "POSS", "OTHER", "EVENT"):
        opener = _determiner(done)
        return not (noun.plural and last == "OTHER" and opener and opener.word in _ONE)
    if last == "NOUN":
        return not _agrees(earlier, verb) or _finite(after)
    if last in ("AUX", "PRON", "REL", "NEG"):
        return False
    if last == "PREP":
        to = earlier[-1].word == "to" and [t.word for t in earlier[-2:-1]] != ["next"]
        return not (to and verb.form == "base")
    if last == "CONJ" and any(t.tag == "VERB" for t in earlier):
        return _finite(after) or verb.form == "ing"
    return verb.form != "ing"


def _agrees(earlier: list[Tagged], verb: Verb) -> bool:
    """Whether the verb's form fits the noun before it as its subject."""
    subject = earlier[-1].noun
    if subject is None or verb.form in ("past", "ing"):
        return True
    together = [t.tag for t in earlier[-3:-1]] == ["NUM", "OF"]  # "a flock of gulls circles"
    return verb.form == ("base" if subject.plural else "s") or subject.fixed or together


def _finite(after: list[str]) -> bool:
    """Whether the next word can only be a finite verb."""
    if not after or lexicon.noun(after[0]):
        return False
    verb = lexicon.verb(after[0])
    return lexicon.closed().get(after[0]) == "AUX" or bool(verb and verb.form != "ing")
