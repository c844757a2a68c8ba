"""Thousands of plans without a server: all that is asked next goes into one file, for all prompts.

A plan takes several requests, each of which depends on the reply before it. So there are rounds:
everybody is planned as far as the replies go that are there, and what is lacking is asked together.
Replies stand in a transcript, so that a round that was killed costs that round and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from planners import one_stage, two_stage
from planners.engines.base import Engine, EngineError, Reply, Request, checked
from planners.engines.recorded import Line, NotRecorded, read, save
from planners.planning import Planned, PlanOptions
from planners.serving.batch_files import Replies
from starvid_core.errors import InputError

WAYS = {1: one_stage.plan, 2: two_stage.plan}
# Gets what is lacking; gives replies, perhaps not to all of it.
Ask = Callable[[dict[str, Request]], Replies]


class Ahead(Engine):
    """A transcript that notes what it has no reply to."""

    def __init__(self, model: str, lines: dict[str, Line], failed: dict[str, str]) -> None:
        self.name, self.model, self.concurrency, self.grammars = "batch", model, 1, True
        self.lacking: dict[str, Request] = {}
        self._lines, self._failed = lines, failed

    def complete(self, request: Request) -> Reply:
        """The reply that is there; if there is none, NotRecorded, and the request is noted."""
        key = request.key(self.model)
        if key in self._failed:
            raise EngineError(f"the batch runner did not answer: {self._failed[key]}")
        if key not in self._lines:
            self.lacking[key] = request
            raise NotRecorded(f"not asked yet ({key[:12]})")
        return checked(self._lines[key].reply, request, f"the model {self.model}")

    def close(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True)
class Round:
    """The plan of every prompt, or why it has none; what has to be asked for the others."""

    plans: tuple[Planned | InputError, ...]
    lacking: dict[str, Request]


@dataclass(frozen=True)
class Batch:
    """Prompts to be planned by a model in `stages`; `transcript` is the file of its replies."""

    prompts: Sequence[str]
    model: str
    transcript: Path
    stages: int
    options: PlanOptions

    def __post_init__(self) -> None:
        if self.stages not in WAYS:
            raise InputError(f"stages is {self.stages!r}; give 2, as in the paper, or 1")

    def round(self, failed: dict[str, str] | None = None) -> Round:
        """Everybody as far as the replies go that are there; `failed` says why some never come."""
        engine = Ahead(self.model, self._lines, failed or {})
        plan = partial(WAYS[self.stages], engine=engine, options=self.options)
        return Round(tuple(_attempt(plan, prompt) for prompt in self.prompts), engine.lacking)

    def take(self, replies: Replies) -> int:
        """Add replies to the transcript; says how many of them are new."""
        lines = self._lines
        fresh = {
            key: Line.of(key, reply, self.model)
            for key, reply in replies.found.items()
            if key not in lines
        }
        if fresh:
            save(self.transcript, lines | fresh)
        return len(fresh)

    def finish(self, ask: Ask) -> Round:
        """Ask in rounds until nothing is lacking; what is never answered ends as an error."""
        failed: dict[str, str] = {}
        while (done := self.round(failed)).lacking:
            replies = ask(done.lacking)
            failed |= replies.failed
            if not self.take(replies) and not replies.failed:
                raise EngineError(f"the batch runner answered none of {len(done.lacking)} requests")
        return done

    @property
    def _lines(self) -> dict[str, Line]:
        return read(self.transcript) if self.transcript.exists() else {}


def _attempt(plan: Callable[[str], Planned], prompt: str) -> Planned | InputError:
    try:
        return plan(prompt)
    except InputError as error:
        return error
