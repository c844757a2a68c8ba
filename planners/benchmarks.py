"""Benchmarks of prompts with what each asks for: `data/prompts/<name>.jsonl`, read strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planners import strict_json
from planners.language import text
from planners.strict_json import Malformed
from starvid_core import paths
from starvid_core.errors import InputError
from starvid_core.moving_emoji import cast
from starvid_core.moving_emoji.world import BACKGROUNDS

_LINE = {"prompt": str, "subjects": list, "places": str}
_SUBJECT = {"noun": str, "subject": str, "verb": str, "motion": str, "number": int}
_WANTED = {str: "give a text", list: "give a list", int: "give a whole number"}


@dataclass(frozen=True)
class BenchmarkSubject:
    """A subject: its noun and verb phrase as the prompt has them, and what the cast calls both."""

    noun: str
    subject: str
    verb: str
    motion: str
    number: int = 1


@dataclass(frozen=True)
class BenchmarkPrompt:
    """A prompt, its subjects, and the background of the world that it names, or ""."""

    prompt: str
    subjects: tuple[BenchmarkSubject, ...]
    places: str = ""


def names(folder: Path = paths.PROMPTS) -> tuple[str, ...]:
    """The benchmarks that there are."""
    return tuple(sorted(path.stem for path in folder.glob("*.jsonl")))


def load(name: str, folder: Path = paths.PROMPTS) -> tuple[BenchmarkPrompt, ...]:
    """Every prompt of a benchmark in the order of its file."""
    known = names(folder)
    if name not in known:
        raise InputError(
            f"benchmark {text.quoted(str(name))} is unknown; choose one of {', '.join(known)}"
        )
    lines = (folder / f"{name}.jsonl").read_bytes().splitlines()
    return tuple(_read(line, f"{name}.jsonl line {k}") for k, line in enumerate(lines, 1))


def _read(line: bytes, source: str) -> BenchmarkPrompt:
    try:
        return _prompt(strict_json.parse(line.decode("utf-8")))
    except UnicodeDecodeError as error:
        raise InputError(f"{source}: byte {error.start} is not UTF-8; save it as UTF-8") from None
    except (Malformed, InputError) as error:
        raise InputError(f"{source}: {error}") from None


def _prompt(value: Any) -> BenchmarkPrompt:
    fields = _typed(value, _LINE)
    text.checked(fields["prompt"])
    if fields["places"] not in ("", *BACKGROUNDS):
        raise Malformed(_not_one_of("places", fields["places"], ('""', *BACKGROUNDS)))
    subjects = tuple(BenchmarkSubject(**_typed(s, _SUBJECT)) for s in fields["subjects"])
    if not subjects:
        raise Malformed("subjects is empty; give one at least")
    for subject in subjects:
        _check(subject, fields["prompt"])
    return BenchmarkPrompt(fields["prompt"], subjects, fields["places"])


def _typed(value: Any, fields: Mapping[str, type]) -> dict[str, Any]:
    """The JSON object itself if it has these keys, no others, with values of these types."""
    if not isinstance(value, dict) or set(value) != set(fields):
        given = ", ".join(value) if isinstance(value, dict) else type(value).__name__
        raise Malformed(f"got {given or 'no keys'}; give an object of {', '.join(fields)}")
    for key, kind in fields.items():
        if type(value[key]) is not kind:
            raise Malformed(f"{key} is {str(value[key])[:80]!r}; {_WANTED[kind]}")
    return value


def _check(subject: BenchmarkSubject, prompt: str) -> None:
    """The words stand in the prompt, and the cast knows who does what."""
    for words in (subject.noun, subject.verb):
        if not re.search(rf"(?<!\w){re.escape(words)}(?!\w)", prompt) or not words:
            raise Malformed(f"{words!r} does not stand in the prompt; write it as it stands there")
    if subject.subject not in cast.SUBJECTS:
        raise Malformed(_not_one_of("subject", subject.subject, cast.SUBJECTS))
    if subject.motion not in cast.MOTIONS:
        raise Malformed(_not_one_of("motion", subject.motion, cast.MOTIONS))
    if not cast.can(subject.subject, subject.motion):
        raise Malformed(f"no {subject.subject} is {subject.motion}; see moving_emoji/cast.py")
    if subject.number < 1:
        raise Malformed(f"number is {subject.number}; give 1 or more")


def _not_one_of(key: str, given: str, known: tuple[str, ...]) -> str:
    return f"{key} is {given[:80]!r}; choose one of {', '.join(known)}"
