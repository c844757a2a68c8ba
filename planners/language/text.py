"""Prompts as checked text and as words with their places."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from starvid_core.errors import InputError

LONGEST_PROMPT = 1000
# Marks that turn the writing direction make a terminal or a figure show another text.
_DIRECTION_MARKS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")
_HYPHENS = str.maketrans("\u2010\u2011", "--")
_TOKEN = re.compile(
    r"\d+(?:[.,]\d+)+"
    r"|[^\W_](?:[^\W_]|[\u0300-\u036f])*"
    r"(?:[-\u2010\u2011][^\W_]+|['’](?!(?:s|re|ve|ll|d|m)\b)[^\W_]+)*"
    r"|['’](?:s|re|ve|ll|d|m)\b"
    r"|\S"
)


@dataclass(frozen=True)
class Token:
    """A word or a mark of punctuation and where it stands in the prompt."""

    text: str
    start: int
    end: int

    @property
    def word(self) -> str:
        """The text as the word lists write it."""
        return self.text.lower().replace("\u2019", "'").translate(_HYPHENS)


def tokens(prompt: str) -> tuple[Token, ...]:
    return tuple(Token(m.group(), m.start(), m.end()) for m in _TOKEN.finditer(prompt))


def checked(prompt: str) -> str:
    """The prompt itself if it is one line of ordinary text, else InputError."""
    if not isinstance(prompt, str):
        raise InputError(f"a prompt is text, got {type(prompt).__name__}; pass a string")
    if not prompt.strip():
        raise InputError('the prompt is empty; write who does what, e.g. "A dog is running"')
    if len(prompt) > LONGEST_PROMPT:
        raise InputError(
            f"the prompt has {len(prompt)} characters; shorten it to {LONGEST_PROMPT} at most"
        )
    for place, character in enumerate(prompt):
        if unicodedata.category(character) in ("Cc", "Cs") or character in _DIRECTION_MARKS:
            raise InputError(
                f"the prompt has the control character U+{ord(character):04X} at place {place}; "
                "write it as one line of ordinary text"
            )
    return prompt


def quoted(text: str, longest: int = 120) -> str:
    """The text in quotes, cut where it is long and escaped where it cannot be printed."""
    shown = text if len(text) <= longest else text[: longest - 3] + "..."
    plain = shown.encode("unicode_escape").decode("ascii") if _odd(shown) else shown
    return f'"{plain}"'


def _odd(text: str) -> bool:
    return any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in text)
