"""Prompts that videos were made of: our benchmarks, lines of text, T2V-CompBench's own files.

T2V-CompBench has no licence and is not shipped. Its files, of version 1 and 2 alike, are read as
they are: `prompts/*.txt`, `meta_data/action_binding.json`, `meta_data/generative_numeracy.json`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, TypeAdapter

from planners import benchmarks, strict_json
from planners.language import reading, text
from planners.strict_json import Malformed
from planners.wire.reply import Strict, validated
from starvid_core.errors import InputError
from starvid_core.scene import Subject

_ARTICLE = re.compile(r"(?:an?|the)\s+", re.IGNORECASE)


@dataclass(frozen=True)
class Asked:
    """A prompt and the subjects that it asks for; where they are not known, `unread` says why."""

    prompt: str
    subjects: tuple[Subject, ...] = ()
    unread: str = ""


class Bound(Strict):
    """An entry of T2V-CompBench's action binding: a subject and a sentence of it, twice."""

    prompt: str
    phrase_0: list[str] = Field(min_length=2, max_length=2)
    phrase_1: list[str] = Field(min_length=2, max_length=2)

    def asked(self) -> Asked:
        phrases = (self.phrase_0, self.phrase_1)
        return Asked(self.prompt, tuple(_subject(n, *p) for n, p in enumerate(phrases)))


class Counted(Strict):
    """An entry of T2V-CompBench's numeracy: subjects and how many, both with commas between."""

    prompt: str
    objects: str
    numbers: str

    def asked(self) -> Asked:
        nouns = [noun.strip() for noun in self.objects.split(",")]
        numbers = [number.strip() for number in self.numbers.split(",")]
        if len(nouns) != len(numbers) or not all(nouns):
            raise InputError(f"{self.numbers!r} are no numbers of {self.objects!r}; give one each")
        return Asked(
            self.prompt,
            tuple(
                Subject(n, noun, "", _number(number))
                for n, (noun, number) in enumerate(zip(nouns, numbers, strict=True))
            ),
        )


def read(given: str | Path) -> tuple[Asked, ...]:
    """Every prompt of a file (.txt, .json, .jsonl) or of a shipped benchmark, in its order."""
    path = Path(given)
    read_as = READERS.get(path.suffix.lower())
    if read_as is None:
        return _benchmark(str(given), None)
    try:
        return read_as(path)
    except OSError as error:
        raise InputError(f"prompts {path} cannot be read ({error.strerror})") from None


def written(prompt: str) -> Asked:
    """A prompt on its own: its subjects as the rules planner reads them."""
    text.checked(prompt)
    try:
        return Asked(prompt, tuple(part.subject for part in reading.read(prompt).parts))
    except InputError as error:
        return Asked(prompt, unread=str(error))


def _benchmark(name: str, folder: Path | None) -> tuple[Asked, ...]:
    lines = benchmarks.load(name, folder) if folder else benchmarks.load(name)
    return tuple(
        Asked(
            line.prompt,
            tuple(
                Subject(n, s.noun, s.verb, s.number, s.motion) for n, s in enumerate(line.subjects)
            ),
        )
        for line in lines
    )


def _jsonl(path: Path) -> tuple[Asked, ...]:
    path.read_bytes()  # says why, where the benchmarks would only not find it
    return _benchmark(path.stem, path.parent)


def _lines(path: Path) -> tuple[Asked, ...]:
    lines = _decoded(path).rstrip().splitlines()
    if not lines:
        raise InputError(f"prompts {path} is empty; write a prompt a line")
    return tuple(_placed(f"{path}:{n}", written, line.strip()) for n, line in enumerate(lines, 1))


def _entries(path: Path) -> tuple[Asked, ...]:
    try:
        value = strict_json.parse(_decoded(path))
    except Malformed as error:
        raise InputError(f"prompts {path}: {error}") from None
    known = "prompt and phrase_0, phrase_1, or objects, numbers"
    if not isinstance(value, list) or not all(isinstance(v, dict) for v in value) or not value:
        raise InputError(f"prompts {path}: give a list of objects with {known}")
    kind: TypeAdapter[Any] = TypeAdapter(list[Counted] if "objects" in value[0] else list[Bound])
    entries = validated(kind, value, f"prompts {path}")
    return tuple(_placed(f"{path}: entry {n}", e.asked) for n, e in enumerate(entries, 1))


def _placed(where: str, make: Callable[..., Asked], *given: str) -> Asked:
    try:
        return make(*given)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _decoded(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"prompts {path}: byte {error.start} is not UTF-8; save it as UTF-8"
        ) from None


def _subject(number: int, phrase: str, sentence: str) -> Subject:
    """ "a dog?" and "a dog runs?" are a dog that "runs"."""
    who, what = (said.strip().rstrip("?").rstrip() for said in (phrase, sentence))
    noun = _ARTICLE.sub("", who, count=1)
    verb = what.removeprefix(who).strip()
    if not noun or verb == what or not verb:
        raise InputError(f"{sentence!r} does not go on from {phrase!r}; write what it does")
    return Subject(number, noun, verb)


def _number(written: str) -> int:
    if not written.isascii() or not written.isdigit() or not 1 <= int(written[:4]) <= 99:
        raise InputError(f"{written!r} is not a number of subjects; give 1 to 99")
    return int(written)


READERS: dict[str, Callable[[Path], tuple[Asked, ...]]] = {
    ".txt": _lines,
    ".json": _entries,
    ".jsonl": _jsonl,
}
