"""A plan in few words, as stage one is taught to tell it: who goes from where to where, and why."""

from __future__ import annotations

from planners.tracks import motion_of
from starvid_core.scene import Box, ScenePlan, Subject, Trajectory

_COLUMNS = ("far left", "left", "middle", "right", "far right")
_LEAST_WAY = 0.05  # in frame widths
_LEAST_GROWTH = 1.1
_IN_PLACE = ("still", "stay", "sway", "bob")
_DOES = {
    "cross": "go",
    "swim": "swim",
    "still": "rest",
    "stay": "stay",
    "sway": "sway",
    "bob": "bob",
    "hop": "hop",
    "bounce": "bounce",
    "fall": "fall",
    "dive": "dive",
    "rise": "rise",
}
_WHY = {
    "cross": "travel is steady",
    "swim": "swimmers rock with the waves",
    "still": "whoever rests keeps its box",
    "stay": "work in place keeps its box",
    "sway": "a dance sways about one place",
    "bob": "floating bodies bob in place",
    "hop": "a jump goes up and comes down",
    "bounce": "every bounce is lower",
    "fall": "a fall gets faster",
    "dive": "a dive gets faster",
    "rise": "a rise is even",
}
_CAMERAS = {"zoom in": "all grows", "zoom out": "all shrinks", "pan": "all shifts the other way"}


def motion(trajectory: Trajectory) -> str:
    """A sentence for every subject."""
    sentences, first = [], 0
    for subject in trajectory.plan.subjects:
        rows = trajectory.boxes[first : first + subject.number]
        boxes = [[box for box in row if box] for row in rows]
        sentences.append(_sentence(subject, boxes, trajectory.plan.camera))
        first += subject.number
    return " ".join(sentences)


def reasoning(plan: ScenePlan) -> str:
    """A clause for every kind of motion, for the camera, and for the lanes."""
    clauses = list(dict.fromkeys(_WHY[_family(subject)] for subject in plan.subjects))
    clauses += [why for move, why in _CAMERAS.items() if plan.camera.startswith(move)]
    clauses += ["lanes keep all apart"] if len(plan.instances) > 1 else []
    text = ", ".join(clauses)
    return f"{text[0].upper()}{text[1:]}."


def _family(subject: Subject) -> str:
    """What the motion is called like; one that is unheard of stays."""
    known = motion_of(subject)
    return known.family if known else "stay"


def _sentence(subject: Subject, rows: list[list[Box]], camera: str) -> str:
    family = _family(subject)
    verb = _DOES[family]
    if subject.number == 1:
        verb += "es" if verb.endswith("o") else "s"
    who = f"{subject.number} {subject.noun}" if subject.number > 1 else subject.noun
    start, end = (sum(row[f].center[0] for row in rows) / len(rows) for f in (0, -1))
    growth = rows[0][-1].height / rows[0][0].height if camera == "static" else 1.0
    where = _at(start) if family in _IN_PLACE else _way(start, end, growth)
    return f"The {who} {verb} {where}."


def _way(start: float, end: float, growth: float) -> str:
    """From which column of the frame to which, or in which, and whether it comes nearer there."""
    if growth > _LEAST_GROWTH or growth < 1 / _LEAST_GROWTH:
        return f"{'nearer' if growth > 1 else 'farther'} {_at(start)}"
    if _column(start) != _column(end):
        return f"from the {_column(start)} to the {_column(end)}"
    if abs(end - start) < _LEAST_WAY:
        return _at(start)
    return f"{'right' if end > start else 'left'} {_at(start)}"


def _column(x: float) -> str:
    return _COLUMNS[min(int(5 * x), 4)]


def _at(x: float) -> str:
    return f"{'in' if _column(x) == 'middle' else 'on'} the {_column(x)}"
