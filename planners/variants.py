"""The planners that are compared: `data/planners.json`, each with a transcript of its replies."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from planners import planner, strict_json
from planners.engines.base import EngineError
from planners.engines.recorded import SUFFIX, NotRecorded
from planners.planner import RULES, Planner
from planners.planning import Planned, PlanOptions
from planners.wire import Wire
from starvid_core import paths
from starvid_core.errors import InputError
from starvid_core.options import known

_OURS = "data/"  # an option that begins so is a path from the root


class Entry(BaseModel):
    """A planner as the file declares it; what it leaves out is the paper's."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    title: Annotated[str, Field(min_length=1, max_length=40)]
    engine: str = RULES
    stages: Literal[1, 2] = 2
    decode: str = "oneshot"
    template: str = "paper"
    unit: int = 1
    named: bool = True
    options: dict[str, str | int | float] = Field(default_factory=dict)


@dataclass(frozen=True)
class Answers:
    """What a planner made of prompts, in their order; `model` is empty for rules."""

    model: str
    plans: tuple[Planned | InputError, ...]


@dataclass(frozen=True)
class Variant:
    """One of the planners that are compared; it is asked once and takes what it says at first."""

    name: str
    entry: Entry

    @property
    def wire(self) -> Wire:
        return Wire(self.entry.unit, self.entry.named)

    @property
    def options(self) -> PlanOptions:
        """Plans that break a check are plans here, so that they can be counted."""
        asked = self.entry.decode, self.wire, self.entry.template
        return PlanOptions(8, *asked, attempts=1, valid=False)

    @property
    def transcript(self) -> Path:
        return paths.TRANSCRIPTS / f"{self.name}{SUFFIX}"

    @property
    def recorded(self) -> bool:
        """Whether it can plan something without its model."""
        return self.entry.engine == RULES or self.transcript.is_file()

    @property
    def absent(self) -> str:
        """Why it can plan nothing here, or nothing."""
        lacking = [str(path) for path in self._files.values() if not path.exists()]
        if self.recorded or not lacking:
            return ""
        return f"{self.name} is left out: {lacking[0]} does not exist, nor does its transcript"

    def plans(self, prompts: Sequence[str], replay: bool = False) -> Answers:
        """Its plans: from the transcript if that has every reply, else from its model.

        With `replay` the model is never asked, and a reply that is missing is an InputError.
        """
        if self.entry.engine == RULES:
            return _answers(planner.load(options=self.options), prompts)
        if self.recorded:
            with contextlib.suppress(NotRecorded):
                return _answers(self._load("recorded", transcripts=self.transcript), prompts)
        if replay:
            raise InputError(
                f"{self.transcript} does not hold every reply that {len(prompts)} prompts need; "
                f"record them: `starvid compare-planners {self.name}`, with the same prompts"
            )
        return _answers(self.open(self.transcript), prompts)

    def open(self, record: Path | None = None) -> Planner:
        """The planner on its model, which says everything anew, but for what `record` holds."""
        own: dict[str, Any] = self.entry.options | self._files
        return self._load(self.entry.engine, record, **own)

    def plan(self, prompt: str) -> Planned:
        """Its recorded plan of one prompt."""
        (made,) = self.plans([prompt], replay=True).plans
        if isinstance(made, InputError):
            raise made
        return made

    @property
    def _files(self) -> dict[str, Path]:
        given = {name: str(value) for name, value in self.entry.options.items()}
        return {n: paths.ROOT / value for n, value in given.items() if value.startswith(_OURS)}

    def _load(self, engine: str, record: Path | None = None, **options: Any) -> Planner:
        return planner.load(engine, self.entry.stages, self.options, record, **options)


def _answers(opened: Planner, prompts: Sequence[str]) -> Answers:
    """What a planner says; an engine that fails ends it, since that says nothing of its plans."""
    with opened as asked:
        return Answers(asked.model, tuple(asked.plans(prompts, fatal=(EngineError,))))


def names() -> tuple[str, ...]:
    """The planners in the order of the file."""
    return tuple(_read())


def find(name: str) -> Variant:
    """The planner of that name; an unknown one is an InputError with the nearest."""
    entries = _read()
    entry = entries[known("planner", name, list(entries))]
    try:
        return Variant(name, Entry.model_validate(entry))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(step) for step in (name, *first["loc"]))
        raise InputError(f"{paths.PLANNERS}: {field}: {first['msg']}; correct it") from None


def _read() -> dict[str, Any]:
    try:
        entries = strict_json.parse(paths.PLANNERS.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, strict_json.Malformed) as error:
        raise InputError(f"{paths.PLANNERS} cannot be read: {error}; restore it") from None
    if not isinstance(entries, dict) or not all(str(name).isidentifier() for name in entries):
        raise InputError(f"{paths.PLANNERS} needs an object of planners by name; correct it")
    return entries
