"""Which videos there are, and what each was asked to show."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from planners import prompt_files, schema
from planners.prompt_files import Asked
from starvid_core import video
from starvid_core.errors import InputError
from starvid_core.metrics.base import Unscored
from starvid_core.scene import ScenePlan, Trajectory

TABLE = ".csv"


@dataclass(frozen=True)
class Case:
    """One video file or folder of frames; without a prompt or a plan, `asked` or `plan` is None."""

    name: str
    path: Path
    asked: Asked | None = None
    plan: Trajectory | None = None
    problem: str = ""  # why there is no prompt or plan

    @property
    def stem(self) -> str:
        """The name without the suffix of a file."""
        return self.name if self.path.is_dir() else str(Path(self.name).with_suffix(""))

    @property
    def prompt(self) -> str:
        if self.asked is None:
            raise Unscored(self.problem or "no prompt; give --prompts or --plan")
        return self.asked.prompt

    @property
    def trajectory(self) -> Trajectory:
        """The plan; without one, its subjects in places that nobody planned."""
        if self.plan:
            return self.plan
        scene = ScenePlan(self.prompt, self.asked.subjects if self.asked else ())
        if not scene.subjects:
            raise Unscored(f"the prompt's subjects are not known: {self._unread}")
        return Trajectory(scene, ((None,),) * len(scene.instances))

    @property
    def _unread(self) -> str:
        return (self.asked.unread if self.asked else "") or "none is named"


def find(videos: Path, prompts: str = "", plans: Path | None = None) -> list[Case]:
    """Every video below `videos`, or itself, with its prompt and its plan; InputError for none.

    `prompts` is a shipped benchmark, a file of prompts (see `planners.prompt_files`) whose lines
    the numbers of the videos count, or a table (.csv) with the columns video and prompt. `plans` is
    a plan file for all, or a folder of plan files called like the videos.
    """
    paths = list(_videos(videos))
    if not paths:
        raise InputError(f"no video in {videos}; give {', '.join(video.READERS)} or frames")
    root = videos if videos not in paths else videos.parent
    found = [Case(path.relative_to(root).as_posix(), path) for path in paths]
    ask = _asking(prompts, len(found)) if prompts else lambda case: case
    return [_planned(ask(case), plans) for case in found]


def _videos(place: Path) -> Iterator[Path]:
    """Video files, and folders that hold frames, in the order in which people count."""
    if place.is_file():
        yield place
        return
    if not place.is_dir():
        raise InputError(f"{place} does not exist; give a video or a folder of videos")
    if video.pictures(place):
        yield place
        return
    for inner in sorted(place.iterdir(), key=lambda p: video.in_order(p.name)):
        if inner.is_dir() and not inner.name.startswith("."):
            yield from _videos(inner)
        elif inner.suffix.lower() in video.READERS and not inner.name.startswith("."):
            yield inner


def _asking(prompts: str, videos: int) -> Callable[[Case], Case]:
    if Path(prompts).suffix.lower() == TABLE:
        listed = _table(Path(prompts))
        return lambda case: _by_name(case, listed)
    lines = prompt_files.read(prompts)
    alone = videos == len(lines) == 1
    return lambda case: replace(case, asked=lines[0]) if alone else _by_number(case, lines)


def _by_number(case: Case, lines: Sequence[Asked]) -> Case:
    """`0012.mp4`, `12-seed1.mp4` and `0012/seed1.mp4` are of line 12, as in T2V-CompBench."""
    parts = reversed(Path(case.name).parts)
    number = next((int(m[0]) for part in parts if (m := re.match(r"\d{1,9}", part))), None)
    if number is None:
        return replace(case, problem="its name does not begin with the number of a prompt")
    if number == 0:  # all others would be scored for their neighbour's prompt
        raise InputError(
            f"{case.name} has the number 0, and videos count the lines of prompts from 1; rename "
            "the videos, or give a table (.csv) with the columns video and prompt"
        )
    if number > len(lines):
        return replace(case, problem=f"there are prompts 1 to {len(lines)}, and none {number}")
    return replace(case, asked=lines[number - 1])


def _by_name(case: Case, listed: dict[str, Asked]) -> Case:
    for key in (case.name, case.stem):
        if key in listed:
            return replace(case, asked=listed[key])
    return replace(case, problem="the table of prompts does not name it")


def _table(path: Path) -> dict[str, Asked]:
    try:
        read = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig")), strict=True)
        rows = list(read)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"prompts {path} cannot be read ({error})") from None
    if not {"video", "prompt"} <= set(read.fieldnames or ()):
        raise InputError(f"prompts {path} needs the columns video and prompt")
    listed = {row["video"]: prompt_files.written(row["prompt"] or "") for row in rows}
    if len(listed) < len(rows):
        raise InputError(f"prompts {path} names a video twice; keep one line for each")
    return listed


def _planned(case: Case, plans: Path | None) -> Case:
    if plans is None:
        return case
    path = plans / f"{case.stem}.json" if plans.is_dir() else plans
    if plans.is_dir() and not path.is_file():
        return case
    plan = schema.load(path)
    if case.asked is None:
        return replace(case, plan=plan, asked=Asked(plan.plan.prompt, plan.plan.subjects))
    if plan.plan.prompt != case.asked.prompt:
        raise InputError(f"{path} is a plan of {plan.plan.prompt!r}, not of {case.asked.prompt!r}")
    return replace(case, plan=plan)
