"""Camera moves, directions and places, found by their wording."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_WHO = r"(?:the |a )?(?:camera|view|lens|shot|frame)"
_ADVERBS = r"(?:\s+(?:is|then|starts?|begins?|to|and|\w+ly))*"
_SIDE = r"(?:\s+(?:to|towards?))?(?:\s+the)?\s+(left|right|up|down)(?:wards?)?\b"
_CAMERA: tuple[tuple[str, str], ...] = (
    (rf"{_WHO}{_ADVERBS}\s+zoom(?:s|ed|ing)?(?:\s+\w+ly)?[\s-]+(in|out)\b", "zoom {}"),
    (r"\b(?:slow(?:ly)? )?zoom(?:ing)?[\s-](in|out)\b(?: slowly)?", "zoom {}"),
    (rf"{_WHO}{_ADVERBS}\s+(?:moves?|moving|comes?|goes|push(?:es)?|dollies) "
     r"(?:in|closer|forwards?|nearer)\b", "zoom in"),
    (rf"{_WHO}{_ADVERBS}\s+(?:moves?|moving|pulls?|pulling|goes|dollies) "
     r"(?:out|back|backwards?|away)\b", "zoom out"),
    (r"\bdolly (in|out)\b", "zoom {}"),
    (rf"{_WHO}{_ADVERBS}\s+(?:pan|tilt|move|track|slide|truck|shift|swing|turn)(?:s|ned|ning|ing"
     rf"|es|d|ed)?(?:\s+\w+ly)?{_SIDE}", "pan {}"),
    (rf"\b(?:pan|tilt)(?:s|ning|ing)?{_SIDE}", "pan {}"),
    (rf"{_WHO}{_ADVERBS}\s+pan(?:s|ning)?\b(?: across| over)?", "pan right"),
    (rf"{_WHO}{_ADVERBS}\s+(?:rises|ascends)\b", "pan up"),
    (rf"{_WHO}{_ADVERBS}\s+(?:descends|lowers)\b", "pan down"),
    (rf"\b(?:static|fixed|still) (?:camera|shot|view)\b|{_WHO} (?:is|stays|remains) "
     r"(?:static|still|fixed)\b", "static"),
    (rf"{_WHO}{_ADVERBS}\s+(?:follow|track|show|capture|film|focus)(?:s|es|ing)?(?: on)?\b",
     "static"),
)  # fmt: skip
_NO_DIRECTION = (
    r"(?!\s+(?:behind|next|beside|in|at|above|below|there|now|hand|side|foot|away|under|before|after"
    r"|to|leg|arm|corner|of)\b)"
)
_HINTS: tuple[tuple[str, str, str], ...] = (
    ("heading", "right", r"\b(?:from (?:the )?)?left to (?:the )?right\b|\bfrom (?:the )?left\b"),
    ("heading", "left", r"\b(?:from (?:the )?)?right to (?:the )?left\b|\bfrom (?:the )?right\b"),
    ("side", "left", r"\b(?:on|at|in) (?:the|its|his|her) (?:far |lower |upper )?left\b"),
    ("side", "right", r"\b(?:on|at|in) (?:the|its|his|her) (?:far |lower |upper )?right\b"),
    ("side", "left", r"\bto the left of\b"),
    ("side", "right", r"\bto the right of\b"),
    ("heading", "right", r"\b(?:to|towards?) the right\b|\brightwards?\b"),
    ("heading", "left", r"\b(?:to|towards?) the left\b|\bleftwards?\b"),
    ("heading", "right", rf"(?<!the )(?<!his )(?<!her )\bright\b{_NO_DIRECTION}"),
    ("heading", "left", rf"(?<!the )(?<!his )(?<!her )\bleft\b{_NO_DIRECTION}"),
    ("heading", "toward", r"\btowards? (?:us|(?:the )?(?:camera|viewer|audience|screen))\b"),
    ("heading", "apart", r"\bin (?:opposite|different) directions\b"),
    ("heading", "apart", r"\b(?:away )?from (?:each other|one another)\b"),
    ("heading", "together", r"\b(?:towards?|to|at) (?:each other|one another)\b"),
    ("heading", "away", r"\bfrom (?:the )?(?:camera|viewer)\b|\binto the (?:far )?distance\b"),
    ("heading", "away", r"(?<!far )\baway\b(?! from)"),
    ("depth", "far", r"\bin the (?:far )?(?:background|distance)\b|\bfar (?:away|off)\b"),
    ("path", "round", r"\bin (?:\w+ )?circles?\b|\bin a circle\b|\bround and round\b"),
)


@dataclass(frozen=True)
class Hint:
    """Words that say where a subject is or goes, and at which character they stand."""

    aspect: str  # heading | side | depth | path
    value: str
    start: int


def camera_moves(prompt: str) -> tuple[tuple[str, int, int], ...]:
    """Every camera move that the prompt names with the characters that name it."""
    found: list[tuple[str, int, int]] = []
    for pattern, name in _CAMERA:
        for match in re.finditer(pattern, prompt, re.IGNORECASE):
            if all(match.end() <= start or end <= match.start() for _, start, end in found):
                move = name.format(*(group.lower() for group in match.groups()))
                found.append((move, *match.span()))
    return tuple(sorted(found, key=lambda move: move[1]))


def camera(moves: Iterable[tuple[str, int, int]]) -> str:
    """The move among those named: the first that moves, else a camera at rest."""
    return next((name for name, _, _ in moves if name != "static"), "static")


def hints(text: str) -> tuple[Hint, ...]:
    """Every hint in the text; of overlapping ones the one listed first."""
    found: list[tuple[int, int, Hint]] = []
    for aspect, value, pattern in _HINTS:
        for match in re.finditer(pattern, text, re.IGNORECASE):
            if all(match.end() <= start or end <= match.start() for start, end, _ in found):
                found.append((*match.span(), Hint(aspect, value, match.start())))
    return tuple(hint for _, _, hint in sorted(found, key=lambda entry: entry[0]))
