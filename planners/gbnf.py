"""Grammar text in the part of GBNF that llama.cpp, xgrammar and llguidance read alike.

An expression is a piece of the right side of a rule; names of rules are letters, digits, hyphens.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from os.path import commonprefix


def literal(text: str) -> str:
    """Exactly this text. Unicode stands as it is: escapes for it are read in three ways."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def sequence(*parts: str) -> str:
    """One expression after the other; empty ones are left out."""
    return " ".join(part for part in parts if part)


def choice(parts: Iterable[str]) -> str:
    """Any one of the expressions."""
    options = list(dict.fromkeys(parts))
    return options[0] if len(options) == 1 else f"({' | '.join(options)})"


def tree(endings: Mapping[str, str]) -> str:
    """Any of the texts and then the expression that ends it; common beginnings stand once."""
    branches = [_branch(group) for group in _by_first_character(endings)]
    if "" not in endings:
        return choice(branches)
    if not branches:
        return endings[""]
    return choice([endings[""], *branches]) if endings[""] else f"({' | '.join(branches)})?"


def one_of(texts: Iterable[str]) -> str:
    """Any of the texts."""
    return tree(dict.fromkeys(texts, ""))


def _by_first_character(endings: Mapping[str, str]) -> list[dict[str, str]]:
    groups: dict[str, dict[str, str]] = {}
    for text, ending in endings.items():
        if text:
            groups.setdefault(text[0], {})[text] = ending
    return list(groups.values())


def _branch(group: Mapping[str, str]) -> str:
    shared = commonprefix(list(group))
    rest = tree({text[len(shared) :]: ending for text, ending in group.items()})
    return sequence(literal(shared), rest)


def number_range(low: int, high: int) -> str:
    """The whole numbers from `low` to `high`, digit by digit and without leading zeros."""
    if not 0 <= low <= high:
        raise ValueError(f"no numbers from {low} to {high}")
    options: list[str] = []
    for length in range(len(str(low)), len(str(high)) + 1):
        shortest = 0 if length == 1 else 10 ** (length - 1)
        first, last = max(low, shortest), min(high, 10**length - 1)
        options += _digits(str(first), str(last))
    return choice(options)


def _digits(low: str, high: str) -> list[str]:
    """Expressions for the numbers of one length from `low` to `high`."""
    rest = len(low) - 1
    if low[1:] == "0" * rest and high[1:] == "9" * rest:
        return [sequence(_digit(low[0], high[0]), *["[0-9]"] * rest)]
    if low[0] == high[0]:
        return [sequence(literal(low[0]), choice(_digits(low[1:], high[1:])))]
    parts: list[str] = []
    first, last = int(low[0]), int(high[0])
    if low[1:] != "0" * rest:
        parts += _digits(low, low[0] + "9" * rest)
        first += 1
    whole = last if high[1:] == "9" * rest else last - 1
    if first <= whole:
        parts.append(sequence(_digit(str(first), str(whole)), *["[0-9]"] * rest))
    if whole < last:
        parts += _digits(high[0] + "0" * rest, high)
    return parts


def _digit(low: str, high: str) -> str:
    return literal(low) if low == high else f"[{low}-{high}]"


@dataclass
class Grammar:
    """Rules in the order in which they were added."""

    rules: dict[str, str] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, body: str) -> str:
        """Name an expression; returns the name."""
        self.rules[name] = body
        return name

    def share(self, body: str, prefix: str = "r") -> str:
        """A rule for the expression, the same one every time."""
        if body not in self._names:
            self._names[body] = self.add(f"{prefix}{len(self.rules)}", body)
        return self._names[body]

    def text(self, root: str) -> str:
        """The whole grammar for the expression `root`, a rule a line."""
        lines = {"root": root, **self.rules}
        return "".join(f"{name} ::= {body}\n" for name, body in lines.items())
