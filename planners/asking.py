"""Asking an engine until a reply can be used: what is refused is asked again, never mended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from planners import physics, templates
from planners.engines.base import Engine, Reply, Request, checked
from planners.language import text
from planners.physics import MEANINGS, Violation
from planners.planning import Exchange, Planned, PlanOptions, Unplanned
from planners.wire.reply import fault
from starvid_core.errors import InputError
from starvid_core.scene import Trajectory

MOST_PROBLEMS = 10
_MOST_QUOTED = 20_000  # characters of a refused reply that the model is shown
_WARM = 0.7  # the temperature of later attempts, where a greedy model would repeat itself
T = TypeVar("T")


class Refused(InputError):
    """A reply, and everything that is wrong with it."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems[:MOST_PROBLEMS])


@dataclass
class Talk:
    """Everything that is asked of an engine for one plan."""

    prompt: str
    engine: Engine
    options: PlanOptions
    exchanges: list[Exchange] = field(default_factory=list)

    def ask(self, stage: str, request: Request, read: Callable[[str], T]) -> T:
        """What `read` makes of the first reply that it takes."""
        asked, problems = request, tuple[str, ...]()
        for temperature in self.temperatures():
            if problems:
                asked = self._again(request, problems, temperature)
            reply = self.reply(asked)
            self.note(stage, asked, reply)
            try:
                value = read(reply.text)
            except InputError as error:
                problems = error.problems if isinstance(error, Refused) else (str(error),)
                self.blame(stage, problems)
            else:
                return value
        raise self.failed(problems)

    def temperatures(self) -> Iterator[float]:
        """One for every attempt."""
        yield self.options.temperature
        for _ in range(self.options.attempts - 1):
            yield self.options.temperature or _WARM

    def reply(self, request: Request) -> Reply:
        return checked(self.engine.complete(request), request, f"the model {self.engine.model}")

    def note(self, stage: str, request: Request, reply: Reply) -> None:
        self.exchanges.append(Exchange(request.key(self.engine.model), stage, reply))

    def blame(self, stage: str, problems: Sequence[str]) -> None:
        """Write down why the last reply of that stage was refused."""
        last = self.exchanges[-1]
        if last.stage == stage:
            self.exchanges[-1] = replace(last, problem="; ".join(problems))

    def failed(self, problems: Sequence[str]) -> Unplanned:
        who = f"{self.engine.model} in {self.options.attempts} attempts"
        path = f"no plan for {text.quoted(self.prompt, 60)} from {who}"
        return Unplanned(str(fault(path, "; ".join(problems))), tuple(self.exchanges))

    def planned(self, trajectory: Trajectory) -> Planned:
        return Planned(trajectory, physics.check(trajectory), tuple(self.exchanges))

    def accepted(self, trajectory: Trajectory) -> Trajectory:
        """The trajectory itself, unless it has to be valid and is not."""
        violations = physics.check(trajectory) if self.options.valid else ()
        if violations:
            raise Refused(problems_of(violations))
        return trajectory

    def _again(self, request: Request, problems: Sequence[str], temperature: float) -> Request:
        said = self.exchanges[-1].reply.text[:_MOST_QUOTED]
        messages = (*request.messages, *templates.again(said, problems))
        return replace(request, messages=messages, temperature=temperature)


def problems_of(violations: Sequence[Violation]) -> tuple[str, ...]:
    """A line for each kind of violation of each instance, where it is met first."""
    kinds = {(v.code, v.instance): v for v in reversed(violations)}
    return tuple(
        f"frames[{v.frame}][{v.instance}]: {v.code}: {MEANINGS[v.code]} is {v.value:.4g}, "
        f"the limit {v.limit:.4g}"
        for v in sorted(kinds.values(), key=lambda v: v.frame)
    )[:MOST_PROBLEMS]
