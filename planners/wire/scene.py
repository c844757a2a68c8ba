"""Stage one's reply: who is in the scene, how many, doing what, and the plan in a few words.

A JSON list like the paper's Table VIII: an object for every subject, then one with the camera, the
motion plan and the reasoning. Subjects and motions are words of the prompt.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import permutations
from typing import Any

from pydantic import Field, TypeAdapter

from planners.language import text
from planners.language.reading import MOST_INSTANCES
from planners.wire.reply import Strict, compact, fault, parsed, validated
from planners.wire.scene_grammar import LONGEST_TEXT
from planners.wire.vocabulary import Vocabulary, vocabulary
from starvid_core.scene import CAMERA_MOVES, ScenePlan, Subject


class SubjectEntry(Strict):
    """A subject as a reply writes it."""

    id: int
    subject: str
    number: int
    motion: str


class Telling(Strict):
    """The end of a reply."""

    camera: str
    motion_planner: str = Field(alias="motion planner")
    reasoning: str


_ENTRIES, _TELLING = TypeAdapter(list[SubjectEntry]), TypeAdapter(Telling)


def read_scene(text: str, prompt: str) -> ScenePlan:
    """The scene that a reply stands for, or InputError that names the field."""
    value = parsed(text)
    if not isinstance(value, list) or len(value) < 2:
        shape = "a list of an object for every subject and one with camera, plan and reasoning"
        raise fault("scene", f"{compact(value)[:80]} is not {shape}")
    told = validated(_TELLING, value[-1], f"scene[{len(value) - 1}]")
    end = f"scene[{len(value) - 1}]"
    _check_text(f"{end}.motion planner", told.motion_planner)
    _check_text(f"{end}.reasoning", told.reasoning)
    check_camera(f"{end}.camera", told.camera)
    subjects = read_subjects(value[:-1], prompt, "scene")
    return ScenePlan(prompt, subjects, told.motion_planner, told.reasoning, told.camera)


def read_subjects(value: Any, prompt: str, path: str) -> tuple[Subject, ...]:
    """The subjects of a reply's JSON value."""
    words, listed = vocabulary(prompt), validated(_ENTRIES, value, path)
    for n, entry in enumerate(listed):
        where = f"{path}[{n}]"
        if entry.id != n:
            raise fault(f"{where}.id", f"{entry.id} is out of order; ids count from 0, write {n}")
        if not 1 <= entry.number <= MOST_INSTANCES:
            raise fault(f"{where}.number", f"{entry.number}; write 1 to {MOST_INSTANCES}")
        _check_word(f"{where}.subject", entry.subject, "subject", words.nouns)
        _check_word(f"{where}.motion", entry.motion, "motion", list(words.verbs))
    count = sum(entry.number for entry in listed)
    if not 1 <= count <= MOST_INSTANCES:
        raise fault(path, f"{count} instances; write subjects of 1 to {MOST_INSTANCES} in all")
    return tuple(
        Subject(e.id, e.subject, e.motion, e.number, words.motion(e.subject, e.motion))
        for e in listed
    )


def check_camera(path: str, camera: str) -> None:
    if camera not in CAMERA_MOVES:
        raise fault(path, f"{text.quoted(camera)} is no move; choose of {', '.join(CAMERA_MOVES)}")


def _check_word(path: str, word: str, kind: str, words: Sequence[str]) -> None:
    if word not in words:
        known = ", ".join(words)
        given = text.quoted(word)
        raise fault(path, f"{given} is no word of the prompt that can be a {kind}; use {known}")


def _check_text(path: str, said: str) -> None:
    if not 1 <= len(said) <= LONGEST_TEXT:
        raise fault(path, f"{len(said)} characters; write 1 to {LONGEST_TEXT}")
    odd = next((c for c in said if not c.isprintable() or c in '"\\'), "")
    if odd:
        raise fault(
            path, f"holds the character {text.quoted(odd)}; write plain sentences without quotes"
        )


def write_scene(plan: ScenePlan) -> str:
    """The reply that stands for a scene."""
    telling = {"camera": plan.camera, "motion planner": plan.motion, "reasoning": plan.reasoning}
    written = compact([*entries(plan), telling])
    read_scene(written, plan.prompt)
    return written


def entries(plan: ScenePlan) -> list[dict[str, Any]]:
    """The subjects as a reply writes them."""
    return [
        {"id": s.id, "subject": s.noun, "number": s.number, "motion": s.verb} for s in plan.subjects
    ]


def scene_problems(plan: ScenePlan, path: str = "scene") -> tuple[str, ...]:
    """Where a scene of the prompt's words is not what the prompt says."""
    words, found = vocabulary(plan.prompt), list[str]()
    if plan.camera not in words.cameras:
        known = " or ".join(words.cameras)
        found.append(f"camera: {plan.camera!r} is not what the prompt says; write {known!r}")
    for noun, subjects in _by_noun(plan).items():
        found += _place_problems(path, noun, subjects, words)
    return tuple(found)


def _by_noun(plan: ScenePlan) -> dict[str, list[Subject]]:
    groups = defaultdict(list)
    for subject in plan.subjects:
        groups[subject.noun].append(subject)
    return groups


def _place_problems(path: str, noun: str, subjects: list[Subject], words: Vocabulary) -> list[str]:
    """Every subject needs a place of its own in the prompt that allows its number."""
    places = [place.numbers for place in words.places if place.noun == noun]
    given = tuple(s.number for s in subjects)
    where = f"{path}[{subjects[-1].id}]"
    if len(given) > len(places):
        rule = 'give each word of the prompt one subject, with a "number"'
        counts = f"{len(given)} subjects for {len(places)} {noun!r} of the prompt"
        return [f"{where}.subject: {counts}; {rule}"]
    fits = (
        all(n in allowed for n, allowed in zip(given, order, strict=False))
        for order in permutations(places, len(given))
    )
    if any(fits):
        return []
    allowed = sorted({n for place in places for n in place})
    return [f"{where}.number: {list(given)} of {noun!r}; the prompt allows {allowed}"]
