"""The baseline of Fig. 8: a language model says who does what and where in one reply."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from planners import templates
from planners.asking import Refused, Talk
from planners.engines.base import Engine, Request
from planners.language import text
from planners.planning import DEFAULT, Planned, PlanOptions, batch
from planners.wire.scene import scene_problems
from planners.wire.whole_plan import plan_grammar, plan_schema, plan_tokens, read_plan
from starvid_core.errors import InputError
from starvid_core.scene import Trajectory


def plan(prompt: str, engine: Engine, options: PlanOptions = DEFAULT) -> Planned:
    """A plan in one request."""
    if options.decode != "oneshot":
        raise InputError(f"the one-stage planner cannot decode {options.decode!r}; use 'oneshot'")
    wire, frames = options.wire, options.frames
    talk = Talk(text.checked(prompt), engine, options)
    request = Request(
        templates.plan_messages(prompt, options),
        plan_grammar(prompt, wire, frames),
        plan_schema(prompt, wire, frames),
        plan_tokens(prompt, wire, frames),
        options.temperature,
    )

    def read(reply: str) -> Trajectory:
        trajectory = read_plan(reply, prompt, wire, frames)
        if problems := scene_problems(trajectory.plan, "subjects"):
            raise Refused(problems)
        return talk.accepted(trajectory)

    return talk.planned(talk.ask("plan", request, read))


def plans(
    prompts: Sequence[str], engine: Engine, options: PlanOptions = DEFAULT
) -> list[Planned | InputError]:
    """The plans of many prompts, as many at a time as the engine takes."""
    return batch(partial(plan, engine=engine, options=options), prompts, engine.concurrency)
