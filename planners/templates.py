"""The messages of every request: the texts and examples in `prompts/` and the prompt as data."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from string import Template

from planners.engines.base import Message
from planners.plan_file import HEIGHT, WIDTH
from planners.planning import PlanOptions
from planners.wire import Wire
from planners.wire.reply import compact
from planners.wire.scene import write_scene
from planners.wire.whole_plan import write_plan
from starvid_core.scene import Box, ScenePlan, Subject, Trajectory

PROMPTS = Path(__file__).with_name("prompts")
SECONDS = 2  # of the clip that the key frames span
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"')
_MARKS = re.compile(r"[<>\[\]{}|]")


def scene_messages(prompt: str, options: PlanOptions) -> tuple[Message, ...]:
    """Stage one: from a prompt to its subjects and a plan in words."""
    turns = [(_question(e.plan.prompt), write_scene(e.plan)) for e in _examples(options)]
    return _chat("reasoning", options, turns, _question(prompt))


def frames_messages(scene: ScenePlan, options: PlanOptions) -> tuple[Message, ...]:
    """Stage two: from the scene of stage one, as data, to boxes."""
    write = options.wire.write_frames
    turns = [(_scene(e.plan, options.wire), write(e)) for e in _examples(options)]
    return _chat("prediction", options, turns, _scene(scene, options.wire))


def plan_messages(prompt: str, options: PlanOptions) -> tuple[Message, ...]:
    """Both stages at once."""
    turns = [(_question(e.plan.prompt), write_plan(e, options.wire)) for e in _examples(options)]
    return _chat("one_stage", options, turns, _question(prompt))


def again(reply: str, problems: Sequence[str]) -> tuple[Message, Message]:
    """What follows a refused reply: the reply itself, and its problems."""
    request = f"{_text('again')}\n{data({'problems': list(problems)})}"
    return Message("assistant", reply), Message("user", request)


def data(value: object) -> str:
    """JSON in which no text can be taken for a bracket or for a mark of a chat (`<|end|>`)."""

    def plain(string: re.Match[str]) -> str:
        return _MARKS.sub(lambda mark: f"\\u{ord(mark.group()):04x}", string.group())

    return _STRINGS.sub(plain, compact(value))


def _chat(
    name: str, options: PlanOptions, turns: Sequence[tuple[str, str]], question: str
) -> tuple[Message, ...]:
    short = "short_" if options.template == "short" else ""
    messages = [Message("system", _filled(short + name, options))]
    for user, assistant in turns:
        messages += [Message("user", user), Message("assistant", assistant)]
    return (*messages, Message("user", question))


def _question(prompt: str) -> str:
    return data({"prompt": prompt})


def _scene(scene: ScenePlan, wire: Wire) -> str:
    instances = [{"id": n, "name": s.noun, "motion": s.verb} for n, s in enumerate(scene.instances)]
    return data(
        {
            "prompt": scene.prompt,
            "objects": instances,
            "camera": scene.camera,
            "motion planner": scene.motion,
            "reasoning": scene.reasoning,
        }
    )


def _filled(name: str, options: PlanOptions) -> str:
    """A text with our own numbers in it; nobody else's words ever are."""
    wire = options.wire
    return Template(_text(name)).substitute(
        frames=options.frames,
        rate=f"{options.frames / SECONDS:g}",
        width=wire.columns,
        height=wire.rows,
        boxes=_text("boxes_named" if wire.named else "boxes_plain"),
    )


@cache
def _text(name: str) -> str:
    return (PROMPTS / f"{name}.md").read_text(encoding="utf-8").strip()


def _examples(options: PlanOptions) -> tuple[Trajectory, ...]:
    if options.template == "short":
        return ()
    return tuple(example.resample(options.frames) for example in examples())


@cache
def examples() -> tuple[Trajectory, ...]:
    """The paper's three examples; see `prompts/README.md` for what is corrected in them."""
    read = json.loads((PROMPTS / "examples.json").read_text(encoding="utf-8"))
    return tuple(_example(entry) for entry in read)


def _example(entry: dict) -> Trajectory:
    subjects = tuple(Subject(n, **subject) for n, subject in enumerate(entry["subjects"]))
    texts = (entry["motion planner"], entry["reasoning"], entry["camera"])
    rows = tuple(tuple(_box(*box) for box in row) for row in entry["boxes"])
    return Trajectory(ScenePlan(entry["prompt"], subjects, *texts), rows)


def _box(x: int, y: int, width: int, height: int) -> Box:
    return Box(x / WIDTH, y / HEIGHT, (x + width) / WIDTH, (y + height) / HEIGHT)
