"""Grammar and schema of stage one's reply: subjects in the order of the prompt, then the telling.

Every subject is a word of the prompt, used once, in a number that the prompt allows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from planners import gbnf
from planners.gbnf import Grammar, choice, literal, sequence
from planners.language.reading import MOST_INSTANCES
from planners.wire import json_schema as schema
from planners.wire.reply import END, compact
from planners.wire.vocabulary import Vocabulary, vocabulary

LONGEST_TEXT = 240
# Printable, without what ends a string, opens a list or spells a mark of a chat.
_TEXT = f"[ !#-;=?-Z_-z]{{1,{LONGEST_TEXT}}}"


def scene_grammar(prompt: str) -> str:
    """Subjects in the order of the prompt, each of its words once, in numbers that it allows."""
    words, grammar = vocabulary(prompt), Grammar()
    said = grammar.share(_TEXT)
    telling = grammar.share(
        sequence(
            literal('{"camera":'),
            cameras_rule(words),
            literal(',"motion planner":"'),
            said,
            literal('","reasoning":"'),
            said,
            literal('"}]'),
        )
    )
    subjects = Listing(words, grammar, lambda instances: sequence(literal(","), telling)).rule()
    return grammar.text(sequence(literal("["), subjects))


def cameras_rule(words: Vocabulary) -> str:
    return gbnf.one_of(compact(camera) for camera in words.cameras)


@dataclass
class Listing:
    """Rules for the list of subjects, which know how many instances there are at its end."""

    words: Vocabulary
    grammar: Grammar
    end: Callable[[int], str]  # what follows the last subject of so many instances
    _made: dict[tuple[int, int, int], str] = field(default_factory=dict)

    def rule(self) -> str:
        return self._subject(0, 0, 0)

    def _subject(self, number: int, instances: int, place: int) -> str:
        """The next subject, of this place in the prompt or a later one; "" where none fits."""
        names = self._names(number, instances, place)
        opening = literal(f'{{"id":{number},"subject":')
        return self.grammar.share(sequence(opening, names)) if names else ""

    def _names(self, number: int, instances: int, place: int) -> str:
        key = number, instances, place
        if place == len(self.words.places):
            return ""
        if key not in self._made:
            here = self._name(number, instances, place)
            later = self._names(number, instances, place + 1)
            options = [option for option in (here, later) if option]
            self._made[key] = self.grammar.share(choice(options)) if options else ""
        return self._made[key]

    def _name(self, number: int, instances: int, place: int) -> str:
        here = self.words.places[place]
        counts = {
            f'{count},"motion":': sequence(
                self._motion(), self._rest(number + 1, instances + count, place + 1)
            )
            for count in here.numbers
            if instances + count <= MOST_INSTANCES
        }
        opening = literal(f'{compact(here.noun)},"number":')
        return sequence(opening, gbnf.tree(counts)) if counts else ""

    def _motion(self) -> str:
        return self.grammar.share(gbnf.one_of(compact(verb) for verb in self.words.verbs))

    def _rest(self, number: int, instances: int, place: int) -> str:
        more = self._subject(number, instances, place)
        options = [sequence(literal("}"), self.end(instances))]
        options += [sequence(literal("},"), more)] if more else []
        return self.grammar.share(choice(options))


def entry_schema(words: Vocabulary) -> schema.Schema:
    number = schema.whole(1, MOST_INSTANCES)
    return schema.closed(
        {
            "id": schema.whole(0, MOST_INSTANCES - 1),
            "subject": schema.one_of(words.nouns),
            "number": number,
            "motion": schema.one_of(list(words.verbs)),
        }
    )


def scene_schema(prompt: str) -> schema.Schema:
    """The same as far as JSON Schema can say it: order and numbers are free there."""
    words = vocabulary(prompt)
    telling = schema.closed(
        {
            "camera": schema.one_of(words.cameras),
            "motion planner": schema.text(LONGEST_TEXT),
            "reasoning": schema.text(LONGEST_TEXT),
        }
    )
    either = {"anyOf": [entry_schema(words), telling]}
    return schema.listed(either, 2, MOST_INSTANCES + 1)


def subjects_tokens(prompt: str) -> int:
    """No list of subjects has more tokens, as each stands for one byte at least."""
    words = vocabulary(prompt)
    noun, verb = (max((compact(w) for w in ws), key=_bytes) for ws in (words.nouns, words.verbs))
    entry = f'{{"id":0,"subject":{noun},"number":8,"motion":{verb}}},'
    return min(len(words.places), MOST_INSTANCES) * _bytes(entry)


def scene_tokens(prompt: str) -> int:
    """No reply has more tokens."""
    telling = {"camera": "pan right", "motion planner": "", "reasoning": ""}
    return subjects_tokens(prompt) + _bytes(f"[{compact(telling)}]") + 2 * LONGEST_TEXT + END


def _bytes(written: str) -> int:
    return len(written.encode())
