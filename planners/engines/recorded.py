"""Replies that a model once gave, kept by the hash of the whole request, and how they are kept."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from planners.engines.base import Engine, EngineError, Reply, Request, checked
from starvid_core import artifacts, paths
from starvid_core.errors import InputError

SUFFIX = ".jsonl"
RECORD = "starvid plan PROMPT --engine llama_cpp --record"
_SAVE_EVERY = 5.0  # seconds of work that a kill may cost

Count = Annotated[int, Field(ge=0)]


class NotRecorded(EngineError):
    """A transcript without a reply to what is asked."""


class Line(BaseModel):
    """One reply in a transcript."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    key: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    model: Annotated[str, Field(min_length=1)]
    grammars: bool
    text: str
    finish: str
    prompt_tokens: Count
    tokens: Count
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]

    @classmethod
    def of(cls, key: str, reply: Reply, model: str, grammars: bool = True) -> Line:
        """What a transcript keeps of a reply."""
        kept = {name: value for name, value in vars(reply).items() if name in cls.model_fields}
        return cls(key=key, model=model, grammars=grammars, **kept)

    @property
    def reply(self) -> Reply:
        return Reply(self.text, self.finish, self.prompt_tokens, self.tokens, self.seconds)


def load(transcripts: str = "", model: str = "") -> Recorded:
    """Replay the replies of a transcript.

    `transcripts` is a file, or the name of one in data/transcripts. `model` says whose replies, if
    the file holds those of several.
    """
    path = find(transcripts)
    lines = read(path)
    models = sorted({line.model for line in lines.values()})
    if not model and len(models) != 1:
        raise InputError(
            f"{path} holds replies of {', '.join(models) or 'nobody'}; name one: model"
        )
    if model and model not in models:
        raise InputError(f"{path} holds no reply of {model!r}; it has {', '.join(models)}")
    return Recorded(path, model or models[0], lines)


class Recorded(Engine):
    """A transcript that answers as the model did."""

    def __init__(self, path: Path, model: str, lines: dict[str, Line]) -> None:
        self.name, self.model, self.concurrency, self.pictures = "recorded", model, 16, True
        self.grammars = all(line.grammars for line in lines.values() if line.model == model)
        self._path, self._lines = path, lines

    def complete(self, request: Request) -> Reply:
        """The reply that was recorded for exactly this request."""
        key = request.key(self.model)
        if key not in self._lines:
            raise NotRecorded(
                f"{self._path} has no reply of {self.model} to this request ({key[:12]}); record "
                f"it: `{RECORD}`"
            )
        return checked(self._lines[key].reply, request, str(self._path))

    def close(self) -> None:
        """Nothing is open."""


class Recording(Engine):
    """An engine whose replies are kept in a file; what the file has is not asked again."""

    def __init__(self, engine: Engine, path: Path) -> None:
        self.name, self.model = engine.name, engine.model
        self.concurrency, self.grammars = engine.concurrency, engine.grammars
        self.pictures, self.tuned = engine.pictures, engine.tuned
        self._engine, self._path, self._turn = engine, path, threading.Lock()
        self._held = contextlib.ExitStack()
        lock = artifacts.lock(artifacts.lock_of(path), f"the transcript {path}")
        self._held.enter_context(lock)
        try:
            self._lines = read(path) if path.exists() else {}
            artifacts.check_writable(path)
        except BaseException:
            self._held.close()
            raise
        self._saved, self._fresh = time.monotonic(), False

    def complete(self, request: Request) -> Reply:
        """The reply that is in the file, or the engine's."""
        key = request.key(self.model)
        if key in self._lines:
            return checked(self._lines[key].reply, request, str(self._path))
        answer = self._engine.complete(request)
        reply = replace(answer, seconds=round(answer.seconds, 3))  # what the file will say
        self._keep(key, reply)
        return reply

    def close(self) -> None:
        """Write what is not written yet, and close the engine."""
        try:
            with self._turn, self._held:
                self._save()
        finally:
            self._engine.close()

    def _keep(self, key: str, reply: Reply) -> None:
        line = Line.of(key, reply, self.model, self.grammars)
        with self._turn:
            self._lines[key], self._fresh = line, True
            if time.monotonic() - self._saved > _SAVE_EVERY:
                self._save()

    def _save(self) -> None:
        if self._fresh:
            save(self._path, self._lines)
        self._saved, self._fresh = time.monotonic(), False


def recorded(engine: Engine, path: Path) -> Engine:
    """The engine with its replies kept in a file; it is closed where that cannot be."""
    try:
        return Recording(engine, path)
    except BaseException:
        engine.close()
        raise


def find(transcripts: str) -> Path:
    """The file of a transcript, by path or by name."""
    if not transcripts:
        raise InputError("name a transcript: transcripts (a file, or a name in data/transcripts)")
    path = Path(transcripts)
    by_path = path.suffix == SUFFIX or path.parent != Path()
    return path if by_path else paths.TRANSCRIPTS / f"{transcripts}{SUFFIX}"


def save(path: Path, lines: dict[str, Line]) -> None:
    """Write a transcript in the order of its keys."""
    ordered = (lines[key] for key in sorted(lines))
    written = (artifacts.canonical_json(line.model_dump()) + "\n" for line in ordered)
    artifacts.write_text(path, "".join(written))


def read(path: Path) -> dict[str, Line]:
    """The lines of a transcript by key; a line that is not whole is refused by its number."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"transcript {path} cannot be read ({error.strerror}); record it: `{RECORD}`"
        ) from None
    lines: dict[str, Line] = {}
    for number, written in enumerate(content.splitlines(), 1):
        line = _line(f"{path}:{number}", written)
        if line.key in lines:
            raise InputError(f"{path}:{number}: key {line.key[:12]} stands twice; remove one line")
        lines[line.key] = line
    return lines


def _line(where: str, written: bytes) -> Line:
    try:
        return Line.model_validate_json(written)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(step) for step in first["loc"])
        problem = f"{field}: {first['msg']}" if field else first["msg"]
        raise InputError(f"{where}: {problem}; restore the file or record it again") from None
