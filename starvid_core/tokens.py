"""Words of a prompt as token positions: the pairs S* and every pair's other words U_i.

A word is a run of letters and digits, hyphens and apostrophes between them included; a phrase is
several words. Articles never belong to a noun or a verb. Characters lead from words to tokens, so
any tokenizer that reports offsets will do.
"""

import re
import textwrap
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from transformers import PreTrainedTokenizerBase

from starvid_core.errors import InputError
from starvid_core.scene import Subject

ARTICLES = frozenset({"a", "an", "the"})
_PART = re.compile("[^\\W_](?:[^\\W_]|[\u0300-\u036f])*")  # combining accents are not in \w
_WORD = re.compile(f"{_PART.pattern}(?:[-'\u2019\u2010\u2011]{_PART.pattern})*")

Positions = tuple[int, ...]


@dataclass(frozen=True)
class Pair:
    """A member of S*: the token positions of a subject's noun and of its verb."""

    noun: Positions
    verb: Positions


@dataclass(frozen=True)
class Words:
    """S* and, for every pair of it, the token positions of each word in U_i."""

    pairs: tuple[Pair, ...]
    others: tuple[tuple[Positions, ...], ...]


def align(prompt: str, subjects: Sequence[Subject], tokenizer: PreTrainedTokenizerBase) -> Words:
    """Find every subject's noun and verb in the prompt, and the tokens of all its words.

    The k-th subject with a noun takes the noun's k-th place. A verb that stands there as often as
    subjects have it goes to them in order, else each subject takes the nearest. Raises InputError
    for a word that is not in the prompt or is cut off by the tokenizer's limit.
    """
    text = _Text(prompt)
    tokens = _Tokens(prompt, tokenizer)
    nouns = _noun_places(text, subjects)
    verbs = _verb_places(text, subjects, nouns)
    pairs, others = [], []
    for noun, verb in zip(nouns, verbs, strict=True):
        pairs.append(Pair(tokens.of(text.spans(noun)), tokens.of(text.spans(verb))))
        taken = text.words_within(noun) | text.words_within(verb)
        rest = [span for number, span in enumerate(text.words) if number not in taken]
        others.append(tuple(tokens.of([span]) for span in rest))
    return Words(tuple(pairs), tuple(others))


def prompt_tokens(prompt: str, tokenizer: PreTrainedTokenizerBase) -> Positions:
    """All tokens but start and end: words, articles, punctuation."""
    coded = tokenizer(prompt, return_special_tokens_mask=True, verbose=False)
    return tuple(n for n, special in enumerate(coded["special_tokens_mask"]) if not special)


Place = tuple[int, ...]  # numbers of the parts that a phrase covers, articles left out


class _Part(NamedTuple):
    """A word, or one part of a hyphenated word: its comparable form and its characters."""

    form: str
    start: int
    end: int
    word: int


class _Text:
    """A prompt in words, and these in parts."""

    def __init__(self, prompt: str) -> None:
        self.prompt = prompt
        self.words = [match.span() for match in _WORD.finditer(prompt)]
        self.parts = [
            _Part(_form(match.group()), *match.span(), number)
            for number, span in enumerate(self.words)
            for match in _PART.finditer(prompt, *span)
        ]

    def find(self, phrase: str, what: str) -> list[Place]:
        """Places of a phrase, articles disregarded; parts of hyphenated words only if no others."""
        forms = _content(phrase)
        if not forms:
            raise InputError(f"the {what} {phrase!r} has no word; name one of the prompt's words")
        content = [n for n, part in enumerate(self.parts) if part.form not in ARTICLES]
        runs = (tuple(content[n : n + len(forms)]) for n in range(len(content)))
        places = [run for run in runs if tuple(self.parts[n].form for n in run) == forms]
        if not places:
            raise InputError(
                f"the {what} {phrase!r} is not in the prompt "
                f"{textwrap.shorten(self.prompt, 120)!r}; use a word as it stands there"
            )
        return [place for place in places if self._is_whole(place)] or places

    def spans(self, place: Place) -> list[tuple[int, int]]:
        """Characters of a place: its parts, and hyphens between two of them."""
        parts = [self.parts[n] for n in place]
        ends = [
            after.start if after.word == part.word else part.end
            for part, after in zip(parts, parts[1:], strict=False)
        ]
        return list(zip((p.start for p in parts), [*ends, parts[-1].end], strict=True))

    def words_within(self, place: Place) -> set[int]:
        """Words from a place's first to its last, so with the articles between them."""
        return {part.word for part in self.parts[place[0] : place[-1] + 1]}

    def _is_whole(self, place: Place) -> bool:
        words = {self.parts[n].word for n in place}
        return all(n in place for n, part in enumerate(self.parts) if part.word in words)


class _Tokens:
    """Character ranges of the tokens, and how many of them the text encoder reads."""

    def __init__(self, prompt: str, tokenizer: PreTrainedTokenizerBase) -> None:
        if not tokenizer.is_fast:
            raise InputError("words need a tokenizer that reports offsets; load its fast version")
        coded = tokenizer(
            prompt, return_offsets_mapping=True, return_special_tokens_mask=True, verbose=False
        )
        special = coded["special_tokens_mask"]
        self.prompt, self.limit = prompt, tokenizer.model_max_length
        self.offsets = [
            (0, 0) if s else span for s, span in zip(special, coded["offset_mapping"], strict=True)
        ]
        ending = next((n for n, s in enumerate(reversed(special)) if not s), 0)
        self.readable = self.limit - (ending if len(special) > self.limit else 0)

    def of(self, spans: Sequence[tuple[int, int]]) -> Positions:
        """Positions of the tokens that touch these characters."""
        positions = tuple(
            n
            for n, (start, end) in enumerate(self.offsets)
            if any(start < last and first < end for first, last in spans)
        )
        word = textwrap.shorten(self.prompt[spans[0][0] : spans[-1][1]], 60)
        if not positions:
            raise InputError(f"the tokenizer makes no token of the word {word!r}; leave it out")
        if positions[-1] >= self.readable:
            raise InputError(
                f"the word {word!r} is cut off: the text encoder reads {self.limit} tokens and the "
                f"prompt has {len(self.offsets)}; shorten the prompt"
            )
        return positions


def _form(word: str) -> str:
    return unicodedata.normalize("NFC", word).casefold()


def _content(phrase: str) -> tuple[str, ...]:
    forms = (_form(word) for word in _PART.findall(phrase))
    return tuple(form for form in forms if form not in ARTICLES)


def _noun_places(text: _Text, subjects: Sequence[Subject]) -> list[Place]:
    """A noun that also stands in somebody's verb phrase ("rides a horse") is sought outside it."""
    phrases = [place for s in subjects for place in text.find(s.verb, "verb") if len(place) > 1]
    seen: dict[tuple, int] = {}
    chosen = []
    for subject in subjects:
        places = text.find(subject.noun, "noun")
        places = [p for p in places if not any(set(p) & set(v) for v in phrases)] or places
        number = seen.get(_content(subject.noun), 0)
        seen[_content(subject.noun)] = number + 1
        chosen.append(places[min(number, len(places) - 1)])
    return chosen


def _verb_places(text: _Text, subjects: Sequence[Subject], nouns: list[Place]) -> list[Place]:
    taken = {part for noun in nouns for part in noun}
    chosen = []
    for subject, noun in zip(subjects, nouns, strict=True):
        places = text.find(subject.verb, "verb")
        places = [place for place in places if not set(place) & taken] or places
        sharing = [
            other
            for s, other in zip(subjects, nouns, strict=True)
            if _content(s.verb) == _content(subject.verb)
        ]
        if len(places) == len(sharing):
            chosen.append(places[sorted(sharing).index(noun)])
        else:
            chosen.append(min(places, key=partial(_distance, noun)))
    return chosen


def _distance(noun: Place, verb: Place) -> float:
    """Words from a noun to a verb; of two equally near the one after the noun counts."""
    return verb[0] - noun[-1] if verb[0] > noun[-1] else noun[0] - verb[-1] + 0.5
