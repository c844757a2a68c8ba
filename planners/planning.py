"""What the planners on a language model take and give: options in, a plan with its record out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from tqdm import tqdm

from planners.engines.base import Reply
from planners.physics import Violation
from planners.wire import Wire, checked
from starvid_core.errors import InputError
from starvid_core.scene import Trajectory

DECODES = ("oneshot", "stepwise")
TEMPLATES = ("", "paper", "short")
CELL = 16  # pixels to a number in what a tuned model says
MOST_ATTEMPTS = 10


@dataclass(frozen=True)
class PlanOptions:
    """How a plan is asked for.

    `template` is the paper's, with its examples, or `short`, as a tuned model was taught; empty, it
    is the one that suits the model. `decode="stepwise"` asks for one box at a time and offers only
    lawful ones. A reply that cannot be read is asked for again, as is a plan that breaks a check
    unless `valid` is False, until there have been so many `attempts`.
    """

    frames: int = 8
    decode: str = "oneshot"
    wire: Wire = Wire()
    template: str = "paper"
    attempts: int = 3
    temperature: float = 0.0
    valid: bool = True

    def __post_init__(self) -> None:
        checked(self.frames)
        for name, known in (("decode", DECODES), ("template", TEMPLATES)):
            given = getattr(self, name)
            if given not in known:
                choice = " or ".join(filter(None, known))
                raise InputError(f"{name} is {given!r}; choose {choice}")
        if type(self.attempts) is not int or not 1 <= self.attempts <= MOST_ATTEMPTS:
            raise InputError(f"attempts is {self.attempts!r}; give 1 to {MOST_ATTEMPTS}")
        if not 0 <= self.temperature <= 2:
            raise InputError(f"temperature is {self.temperature!r}; give a number from 0 to 2")

    def suited(self, tuned: bool) -> PlanOptions:
        """Asked for as the model was taught, if no template was chosen."""
        if self.template:
            return self
        chosen = "short" if tuned else "paper"
        return replace(self, template=chosen, wire=wire_of(chosen) if tuned else self.wire)


def wire_of(template: str, unit: int | None = None) -> Wire:
    """How boxes are written: named and in pixels in the paper's template, bare in the short one."""
    short = template == "short"
    return Wire((CELL if short else 1) if unit is None else unit, named=not short)


DEFAULT = PlanOptions()


@dataclass(frozen=True)
class Exchange:
    """One request and its reply; `problem` says why the reply was refused, if it was."""

    request_key: str
    stage: str  # scene | frames | box | plan
    reply: Reply
    problem: str = ""


@dataclass(frozen=True)
class Planned:
    """A plan, the checks that it breaks, and what was asked and answered on the way."""

    trajectory: Trajectory
    violations: tuple[Violation, ...]
    exchanges: tuple[Exchange, ...]

    @property
    def seconds(self) -> float:
        return sum(exchange.reply.seconds for exchange in self.exchanges)

    @property
    def prompt_tokens(self) -> int:
        return sum(exchange.reply.prompt_tokens for exchange in self.exchanges)

    @property
    def tokens(self) -> int:
        return sum(exchange.reply.tokens for exchange in self.exchanges)


class Unplanned(InputError):
    """No reply was a plan; with what was asked and answered."""

    def __init__(self, message: str, exchanges: tuple[Exchange, ...]) -> None:
        super().__init__(message)
        self.exchanges = exchanges


def batch(
    plan: Callable[[str], Planned],
    prompts: Sequence[str],
    workers: int,
    fatal: tuple[type[InputError], ...] = (),
) -> list[Planned | InputError]:
    """The plan of every prompt, or why it has none, in their order; a `fatal` error ends all."""

    def answer(prompt: str) -> Planned | InputError:
        try:
            return plan(prompt)
        except fatal:
            raise
        except InputError as error:
            return error

    with ThreadPoolExecutor(max(workers, 1)) as pool:
        answers = pool.map(answer, prompts)
        return list(tqdm(answers, total=len(prompts), unit="plan", disable=None))
