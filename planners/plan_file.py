"""The plan file's data: its types, and what types cannot say."""

from __future__ import annotations

import re
from collections import Counter
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from planners.language import text
from planners.language.reading import MOST_INSTANCES
from planners.rules import MOST_FRAMES

WIDTH, HEIGHT = 576, 320
TOLERANCE = 0.01 + 1e-9  # pixels

Short = Annotated[str, Field(min_length=1, max_length=200)]
Long = Annotated[str, Field(max_length=4000)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class SubjectEntry(_Strict):
    """A subject as the plan file writes it."""

    id: Annotated[int, Field(ge=0, lt=MOST_INSTANCES)]
    noun: Short
    verb: Annotated[str, Field(min_length=1, max_length=text.LONGEST_PROMPT)]
    number: Annotated[int, Field(ge=1, le=MOST_INSTANCES)]
    motion: Annotated[str, Field(max_length=200)]


class BoxEntry(_Strict):
    """An instance in one frame: number, noun, and its box or null when it is out of sight."""

    id: Annotated[int, Field(ge=0, lt=MOST_INSTANCES)]
    name: Short
    box: Annotated[list[Number], Field(min_length=4, max_length=4)] | None


class PlanFile(_Strict):
    """The whole plan file; the order of the fields is the order in the file."""

    version: Annotated[int, Field(ge=1, le=1)]
    planner: Short
    prompt: Annotated[str, Field(min_length=1, max_length=text.LONGEST_PROMPT)]
    canvas: Annotated[list[int], Field(min_length=2, max_length=2)]
    camera: Literal["static", "zoom in", "zoom out", "pan left", "pan right", "pan up", "pan down"]
    motion: Long
    reasoning: Long
    subjects: Annotated[list[SubjectEntry], Field(min_length=1, max_length=MOST_INSTANCES)]
    frames: Annotated[list[list[BoxEntry]], Field(min_length=1, max_length=MOST_FRAMES)]


class Wrong(ValueError):
    """A fault of a plan: `path: reason`."""


def check(file: PlanFile) -> None:
    """Raise `Wrong` for the first fault that types cannot see."""
    text.checked(file.prompt)
    if file.canvas != [WIDTH, HEIGHT]:
        raise Wrong(f"canvas: {file.canvas} is not [{WIDTH}, {HEIGHT}]; use that canvas")
    _check_subjects(file)
    nouns = [s.noun for s in file.subjects for _ in range(s.number)]
    if len(nouns) > MOST_INSTANCES:
        raise Wrong(f"subjects: {len(nouns)} instances; keep them to {MOST_INSTANCES}")
    for f, frame in enumerate(file.frames):
        _check_frame(f, frame, nouns)
    for n, noun in enumerate(nouns):
        if all(frame[n].box is None for frame in file.frames):
            raise Wrong(f"frames: instance {n} ({noun}) is never in sight; give it a box")


def _check_subjects(file: PlanFile) -> None:
    for number, subject in enumerate(file.subjects):
        where = f"subjects[{number}]"
        if subject.id != number:
            raise Wrong(
                f"{where}.id: {subject.id} is out of order; ids count from 0, write {number}"
            )
        for key in ("noun", "verb"):
            word = getattr(subject, key)
            if not _places(word, file.prompt):
                raise Wrong(
                    f"{where}.{key}: {text.quoted(word)} is not in the prompt; copy it from there"
                )
    for noun, needed in Counter(subject.noun for subject in file.subjects).items():
        if _places(noun, file.prompt) < needed:
            raise Wrong(
                f"subjects: {needed} subjects are called {text.quoted(noun)}, which the prompt "
                'says less often; use one with a "number"'
            )


def _places(word: str, prompt: str) -> int:
    """How often a word stands in the prompt as it is written, not as a part of another."""
    first = r"(?<!\w)" if word[0].isalnum() else ""
    last = r"(?!\w)" if word[-1].isalnum() else ""
    return len(re.findall(first + re.escape(word) + last, prompt))


def _check_frame(f: int, frame: list[BoxEntry], nouns: list[str]) -> None:
    if len(frame) != len(nouns):
        raise Wrong(
            f"frames[{f}]: {len(frame)} boxes for {len(nouns)} instances; write one for each, "
            'with "box":null when it is out of sight'
        )
    for n, (entry, noun) in enumerate(zip(frame, nouns, strict=True)):
        where = f"frames[{f}][{n}]"
        if entry.id != n:
            raise Wrong(f"{where}.id: {entry.id} is out of order; instance ids are 0, 1, 2, ...")
        if entry.name != noun:
            given = text.quoted(entry.name)
            raise Wrong(f"{where}.name: {given} is not instance {n}'s noun; write {noun!r}")
        if entry.box is not None:
            _check_box(f"{where}.box", entry.box)


def _check_box(where: str, box: list[float]) -> None:
    x, y, w, h = box
    for name, low, length, most in (("x", x, w, WIDTH), ("y", y, h, HEIGHT)):
        side = "w" if name == "x" else "h"
        if length <= 0:
            raise Wrong(f"{where}: {side} = {length:g} is not a size; keep {side} > 0")
        if low < -TOLERANCE:
            raise Wrong(f"{where}: {name} = {low:g} is outside the canvas; keep {name} >= 0")
        if low + length > most + TOLERANCE:
            raise Wrong(
                f"{where}: {name} + {side} = {low + length:g} leaves the {most} px canvas; "
                f"keep {name} + {side} <= {most}"
            )
