"""A plan in words: what moves where, and why."""

from __future__ import annotations

from planners.language import lexicon
from planners.language.reading import Reading
from starvid_core.scene import Box, Subject

_REASONS = {
    "cross": "steady travel changes x evenly and keeps the height",
    "swim": "a swimmer travels evenly and rocks with the waves",
    "bob": "a floating body rocks in place",
    "still": "whoever sits, stands or stops keeps its box",
    "stay": "an activity in place keeps its box",
    "sway": "a dance sways about one place",
    "hop": "a jump is a throw: up and down under gravity",
    "bounce": "a ball falls faster and faster, and every bounce is lower than the last",
    "fall": "gravity makes a fall faster and faster",
    "dive": "a dive goes down faster and faster",
    "rise": "a rising body gains height evenly",
}
_CAMERAS = {
    "zoom in": "zooming in makes everything larger and moves it outward",
    "zoom out": "zooming out makes everything smaller and moves it inward",
    "pan left": "a camera panning left moves everything to the right",
    "pan right": "a camera panning right moves everything to the left",
    "pan up": "a camera panning up moves everything down",
    "pan down": "a camera panning down moves everything up",
}


def motion(reading: Reading, rows: tuple[tuple[Box, ...], ...]) -> str:
    """One sentence for every subject: where it starts and where it ends."""
    first, sentences = 0, []
    for part in reading.parts:
        instances = rows[first : first + part.subject.number]
        sentences.append(_sentence(part.subject, instances))
        first += part.subject.number
    return " ".join(sentences)


def reasoning(reading: Reading) -> str:
    """One clause for every kind of motion, and what was left out."""
    families = [lexicon.planned(p.subject.motion).family for p in reading.parts]
    clauses = [_REASONS[family] for family in dict.fromkeys(families)]
    if reading.camera in _CAMERAS:
        clauses.append(_CAMERAS[reading.camera])
    clauses.append("every instance has a lane of its own, so no boxes overlap")
    if reading.scenery:
        names = ", ".join(dict.fromkeys(reading.scenery))
        clauses.append(f"no motion is told of {names}, so no box is planned")
    text = "; ".join(clauses)
    return text[0].upper() + text[1:] + "."


def _sentence(subject: Subject, rows: tuple[tuple[Box, ...], ...]) -> str:
    who = f"The {subject.noun}" if subject.number == 1 else f"The {subject.number} {subject.noun}"
    start = sum(row[0].center[0] for row in rows) / len(rows)
    end = sum(row[-1].center[0] for row in rows) / len(rows)
    if abs(end - start) < 0.05:
        return f"{who} ({subject.motion}): {_column(start)}."
    way = "right" if end > start else "left"
    return f"{who} ({subject.motion}): {_column(start)}, going {way} to x = {end:.2f}."


def _column(x: float) -> str:
    return "on the left" if x < 0.36 else "on the right" if x > 0.64 else "in the middle"
