"""Prompts of dynamic spatial relationships (SpatialAlign): a subject goes from side to side.

`<scene>, a <subject> is on the left of a <object>, then the <subject> <verb> to the right of the
<object>.` A type is two letters, the relation at first and the relation at last: "LR".
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass, replace

from starvid_core.errors import InputError

# How a relation is said at first and at last. The paper's are L, R and T; the others are ours.
PHRASES: dict[str, tuple[str, str]] = {
    "L": ("on the left of", "to the left of"),
    "R": ("on the right of", "to the right of"),
    "T": ("on the top of", "to the top of"),
    "B": ("below", "below"),
    "F": ("in front of", "in front of"),
    "H": ("behind", "behind"),
}
PUBLISHED = ("L", "R", "T")
TYPES = tuple(a + b for a in PUBLISHED for b in PUBLISHED if a != b)
FORM = (
    "<scene>, a <subject> is on the left of a <object>, "
    "then the <subject> <verb> to the right of the <object>."
)
_MIRROR = {"L": "R", "R": "L"}


def _any_of(which: int) -> str:
    return "|".join(phrases[which] for phrases in PHRASES.values())


_PROMPT = re.compile(
    rf"(?P<scene>\S.*?), an? (?P<subject>\S.*?) is (?P<first>{_any_of(0)}) an? (?P<object>\S.*?), "
    rf"then the (?P=subject) (?P<verb>\S.*?) (?P<last>{_any_of(1)}) the (?P=object)\."
)


@dataclass(frozen=True)
class Transition:
    """What such a prompt says; `first` and `last` are letters of `PHRASES`."""

    scene: str
    subject: str
    first: str
    object: str
    last: str
    verb: str

    def __post_init__(self) -> None:
        if self.first not in PHRASES or self.last not in PHRASES or self.first == self.last:
            raise InputError(
                f"a transition needs two different relations of {', '.join(PHRASES)}; "
                f"got {self.first!r} and {self.last!r}"
            )
        if self.subject == self.object:
            raise InputError(f"subject and object are both {self.object!r}; name two things")
        match = _PROMPT.fullmatch(self.prompt)
        words = (self.scene, self.subject, self.object, self.verb)
        if match is None or match.group("scene", "subject", "object", "verb") != words:
            raise InputError(f"{self.prompt!r} does not read back as {words}; use simpler words")

    @property
    def kind(self) -> str:
        """The type of SpatialAlign, such as "LR"."""
        return self.first + self.last

    @property
    def prompt(self) -> str:
        """The published form."""
        first, last = PHRASES[self.first][0], PHRASES[self.last][1]
        return (
            f"{self.scene}, {_article(self.subject)} {self.subject} is {first} "
            f"{_article(self.object)} {self.object}, then the {self.subject} {self.verb} {last} "
            f"the {self.object}."
        )

    @property
    def mirrored(self) -> Transition:
        """What the prompt says of the mirrored video: left and right are exchanged."""
        swapped = (_MIRROR.get(r, r) for r in self.kind)
        return replace(self, **dict(zip(("first", "last"), swapped, strict=True)))


def find(prompt: str) -> Transition | None:
    """The transition that a prompt of this form tells, None for any other prompt."""
    match = _PROMPT.fullmatch(prompt)
    if match is None:
        return None
    first, last = (_letter(match.group(name), n) for n, name in enumerate(("first", "last")))
    scene, subject, thing, verb = match.group("scene", "subject", "object", "verb")
    if first == last or subject == thing:
        return None
    return Transition(scene, subject, first, thing, last, verb)


def parse(prompt: str) -> Transition:
    """The transition that a prompt tells; InputError for one that is not of this form."""
    found = find(prompt)
    if found is None:
        raise InputError(
            f"{textwrap.shorten(prompt, 120)!r} tells of no change of place; write {FORM!r}"
        )
    return found


def _letter(phrase: str, which: int) -> str:
    return next(letter for letter, phrases in PHRASES.items() if phrases[which] == phrase)


def _article(noun: str) -> str:
    return "an" if noun[:1].lower() in tuple("aeiou") else "a"
