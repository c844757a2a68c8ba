"""The paper's planner: a language model says who does what, then where everybody is."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from planners import stepwise, templates
from planners.asking import Refused, Talk
from planners.engines.base import Engine, Message, Request
from planners.language import text
from planners.planning import DEFAULT, Planned, PlanOptions, batch
from planners.wire import Cells
from planners.wire.scene import read_scene, scene_problems
from planners.wire.scene_grammar import scene_grammar, scene_schema, scene_tokens
from starvid_core.errors import InputError
from starvid_core.scene import ScenePlan, Trajectory


def plan(prompt: str, engine: Engine, options: PlanOptions = DEFAULT) -> Planned:
    """A plan in two requests or, stepwise, in one and as many as there are boxes."""
    if options.decode == "stepwise" and not engine.grammars:
        raise InputError(
            f"engine {engine.name!r} takes no grammars, which decode 'stepwise' needs; "
            "choose decode 'oneshot' or another engine"
        )
    talk = Talk(text.checked(prompt), engine, options)
    scene = talk.ask("scene", _scene_request(prompt, options), partial(_scene, prompt))
    locate = _stepwise if options.decode == "stepwise" else _oneshot
    return talk.planned(locate(talk, scene))


def plans(
    prompts: Sequence[str], engine: Engine, options: PlanOptions = DEFAULT
) -> list[Planned | InputError]:
    """The plans of many prompts, as many at a time as the engine takes."""
    return batch(partial(plan, engine=engine, options=options), prompts, engine.concurrency)


def _scene_request(prompt: str, options: PlanOptions) -> Request:
    return Request(
        templates.scene_messages(prompt, options),
        scene_grammar(prompt),
        scene_schema(prompt),
        scene_tokens(prompt),
        options.temperature,
    )


def _scene(prompt: str, reply: str) -> ScenePlan:
    scene = read_scene(reply, prompt)
    if problems := scene_problems(scene):
        raise Refused(problems)
    return scene


def _oneshot(talk: Talk, scene: ScenePlan) -> Trajectory:
    options = talk.options
    wire, frames = options.wire, options.frames
    request = Request(
        templates.frames_messages(scene, options),
        wire.frames_grammar(scene, frames),
        wire.frames_schema(scene, frames),
        wire.frames_tokens(scene, frames),
        options.temperature,
    )

    def read(reply: str) -> Trajectory:
        return talk.accepted(wire.read_frames(reply, scene, frames))

    return talk.ask("frames", request, read)


def _stepwise(talk: Talk, scene: ScenePlan) -> Trajectory:
    options, problems = talk.options, tuple[str, ...]()
    messages = templates.frames_messages(scene, options)
    for temperature in talk.temperatures():
        choose = partial(_chosen, talk, scene, messages, temperature)
        try:
            return talk.accepted(stepwise.decode(scene, options.frames, options.wire, choose))
        except Refused as refused:
            problems = refused.problems
            talk.blame("box", problems)
    raise talk.failed(problems)


def _chosen(
    talk: Talk,
    scene: ScenePlan,
    messages: tuple[Message, ...],
    temperature: float,
    said: str,
    allowed: tuple[Cells, ...],
    instance: int,
) -> Cells:
    """The model's choice of the boxes that are allowed after the text so far."""
    if len(allowed) == 1:
        return allowed[0]
    wire = talk.options.wire
    request = Request(
        (*messages, Message("assistant", said)),
        wire.box_grammar(allowed, scene, instance),
        None,
        wire.box_tokens(),
        temperature,
    )
    reply = talk.reply(request)
    talk.note("box", request, reply)
    try:
        cells = wire.read_box(reply.text, scene, instance)
    except InputError as error:
        raise Refused([str(error)]) from None
    if cells not in allowed:
        raise Refused([f"box of instance {instance}: {list(cells)} is none of those offered"])
    return cells
