"""A planner: by rules, or a language model asked in one or in two stages; all answer alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from planners import physics, rules
from planners.planning import DEFAULT, Planned, PlanOptions, batch
from starvid_core import paths
from starvid_core.errors import InputError

RULES = "rules"
ADAPTER = paths.CHECKPOINTS / "planner" / "adapter.gguf"


@dataclass(frozen=True)
class Planner:
    """What turns prompts into plans; a context manager, which closes the engine behind it.

    `model` names the model that is asked, with the hash of its weights where they are known.
    """

    name: str
    plan: Callable[[str], Planned]
    concurrency: int = 1
    close: Callable[[], None] = lambda: None
    model: str = ""

    def plans(
        self, prompts: Sequence[str], fatal: tuple[type[InputError], ...] = ()
    ) -> list[Planned | InputError]:
        """The plan of every prompt in order, or why it has none; a `fatal` error ends all."""
        return batch(self.plan, prompts, self.concurrency, fatal)

    def __enter__(self) -> Planner:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def load(
    engine: str = RULES,
    stages: int = 2,
    options: PlanOptions = DEFAULT,
    record: Path | None = None,
    **engine_options: Any,
) -> Planner:
    """The planner on an engine, `rules` without one; `record` is a transcript to keep replies in.

    Raises InputError for what it does not know and for an engine that cannot be reached.
    """
    if engine == RULES:
        if engine_options or record:
            given = ", ".join((*engine_options, *(["record"] if record else [])))
            raise InputError(f"rules ask no model and have no {given}; leave it out, or name one")
        return Planner(RULES, partial(_by_rules, frames=options.frames))
    from planners import engines, one_stage, two_stage

    ways = {1: one_stage.plan, 2: two_stage.plan}
    if stages not in ways:
        raise InputError(f"stages is {stages!r}; give 2, as in the paper, or 1")
    asked = engines.load(engine, **_adapted(engine, engine_options))
    if record is not None:
        from planners.engines.recorded import recorded

        asked = recorded(asked, record)
    plan = partial(ways[stages], engine=asked, options=options.suited(asked.tuned))
    name = f"{engine}: {asked.model}"[:200]
    return Planner(name, plan, asked.concurrency, asked.close, asked.model)


def _adapted(engine: str, options: dict[str, Any]) -> dict[str, Any]:
    """SmolLM2 plans with the adapter of this repository, unless a model or an adapter is named."""
    plain = engine == "llama_cpp" and not {"model", "adapter"} & options.keys()
    return options | {"adapter": str(ADAPTER)} if plain else options


def _by_rules(prompt: str, frames: int) -> Planned:
    trajectory = rules.plan(prompt, frames)
    return Planned(trajectory, physics.check(trajectory), ())
