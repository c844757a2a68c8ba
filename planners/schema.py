"""The plan file: canonical JSON of a trajectory, read strictly and never repaired.

Only here are boxes pixels `[x, y, w, h]` of a 576x320 canvas, rounded to a hundredth.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from planners import plan_file, strict_json
from planners.plan_file import HEIGHT, WIDTH, PlanFile, SubjectEntry
from planners.wire.reply import LONGEST_MESSAGE, compact, reason
from starvid_core.errors import InputError
from starvid_core.scene import Box, ScenePlan, Subject, Trajectory

VERSION = 1
_DIGITS = 2


def dumps(trajectory: Trajectory, planner: str = "rules") -> str:
    """Canonical JSON: fixed order of keys, a line for each of them and for every frame."""
    plan = trajectory.plan
    head: dict[str, Any] = {
        "version": VERSION,
        "planner": planner,
        "prompt": plan.prompt,
        "canvas": [WIDTH, HEIGHT],
        "camera": plan.camera,
        "motion": plan.motion,
        "reasoning": plan.reasoning,
        "subjects": [{k: getattr(s, k) for k in SubjectEntry.model_fields} for s in plan.subjects],
    }
    lines = [f"{compact(key)}:{compact(value)}" for key, value in head.items()]
    frames = ",\n".join(compact(_frame(trajectory, f)) for f in range(trajectory.frames))
    written = "{\n" + ",\n".join([*lines, f'"frames":[\n{frames}\n]']) + "\n}\n"
    loads(written, "this trajectory")
    return written


def _frame(trajectory: Trajectory, frame: int) -> list[dict[str, Any]]:
    instances = zip(trajectory.plan.instances, trajectory.boxes, strict=True)
    return [
        {"id": n, "name": subject.noun, "box": _pixels(row[frame])}
        for n, (subject, row) in enumerate(instances)
    ]


def _pixels(box: Box | None) -> list[float] | None:
    """Edges are rounded, so that neighbors that touch still do."""
    if box is None:
        return None
    x0, x1 = (round(v * WIDTH, _DIGITS) + 0.0 for v in (box.x0, box.x1))
    y0, y1 = (round(v * HEIGHT, _DIGITS) + 0.0 for v in (box.y0, box.y1))
    return [x0, y0, round(x1 - x0, _DIGITS), round(y1 - y0, _DIGITS)]


def load(path: str | Path) -> Trajectory:
    """Read a plan file."""
    try:
        content = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _input_error(path, "", f"cannot be read ({reason}); give a plan file") from None
    if len(content) > strict_json.MOST_BYTES:
        raise _input_error(path, "", strict_json.too_long(len(content)))
    try:
        written = content.decode("utf-8")
    except UnicodeDecodeError as error:
        reason = f"byte {error.start} is not UTF-8; save the plan as UTF-8"
        raise _input_error(path, "", reason) from None
    return loads(written, str(path))


def loads(written: str, source: str = "plan.json") -> Trajectory:
    """The trajectory of a plan file's text, or InputError `source: path: reason`."""
    try:
        file = PlanFile.model_validate(strict_json.parse(written))
        plan_file.check(file)
        return _trajectory(file)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise _input_error(source, _path(first["loc"]), reason(first)) from None
    except (strict_json.Malformed, plan_file.Wrong, InputError) as error:
        raise _input_error(source, "", str(error)) from None


def _input_error(source: str | Path, path: str, reason: str) -> InputError:
    parts = [str(source)[-200:], path, reason] if path else [str(source)[-200:], reason]
    message = ": ".join(parts).encode("unicode_escape").decode("ascii")
    return InputError(message[:LONGEST_MESSAGE])


def _path(location: tuple[int | str, ...]) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return "".join(steps).removeprefix(".")[:200]


def _trajectory(file: PlanFile) -> Trajectory:
    subjects = tuple(Subject(**entry.model_dump()) for entry in file.subjects)
    plan = ScenePlan(file.prompt, subjects, file.motion, file.reasoning, file.camera)
    rows = zip(*file.frames, strict=True)
    return Trajectory(plan, tuple(tuple(_box(entry.box) for entry in row) for row in rows))


def _box(box: list[float] | None) -> Box | None:
    if box is None:
        return None
    x, y, w, h = box
    return Box(x / WIDTH, y / HEIGHT, (x + w) / WIDTH, (y + h) / HEIGHT)
