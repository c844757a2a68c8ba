"""Generated clips beside real renders of the same subjects, motions and places: do they flicker?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from starvid_core import experiment, manifests, paths, standins, studies
from starvid_core.artifacts import write_json
from starvid_core.errors import InputError
from starvid_core.experiment import Run
from starvid_core.metrics.tracks import name_of
from starvid_core.moving_emoji.captions import PLACES, SCENERY
from starvid_core.moving_emoji.data import generator
from starvid_core.moving_emoji.edits import assembled
from starvid_core.moving_emoji.world import FULL, render
from starvid_core.plotting.scores import interval
from starvid_core.scene import Trajectory
from starvid_core.video import Video

if TYPE_CHECKING:
    from starvid_core.perception.base import Judge
    from starvid_core.perception.emoji_clip import EmojiClip
else:  # the command line must not wait for torch
    EmojiClip = Judge = Any

Both = tuple[dict[str, float], dict[str, float]]

SEED = 171
UNNAMED = "grass"  # where a caption names no place, see `world.sample_scene`
# How far the mean may be from that of real renders; the issue asks for 0.01 of the first, and gray
# levels that nobody sees are ours.
TOLERANCE = {
    "emoji_clip_i": 0.01,
    "emoji_clip_i_all": 0.01,
    "background_change": 4.0,
    "background_drift": 1.0,
}


@dataclass(frozen=True)
class Difference:
    """One measure of a variant's clips and of renders of the same scenes; mean over prompts."""

    variant: str
    measure: str
    clips: int
    left_out: int  # prompts without a number, where boxes cover every frame
    generated: float
    rendered: float
    difference: float
    low: float
    high: float
    tolerance: float

    @property
    def verdict(self) -> str:
        """Whether the 95 % interval lies within the tolerance, outside of it, or on its edge."""
        if max(abs(self.low), abs(self.high)) <= self.tolerance:
            return "within"
        outside = self.low > self.tolerance or self.high < -self.tolerance
        return "outside" if outside else "open"


def place_of(prompt: str) -> str:
    """The background that a prompt names, or the one of captions that name none."""
    said = prompt.lower()
    for place in PLACES:
        if any(phrase in said for phrase in (*PLACES[place], *SCENERY[place])):
            return place
    return UNNAMED


def rendered(trajectory: Trajectory, size: tuple[int, int, int], number: int = 0) -> Video:
    """A real render of a plan's subjects and motions, of `(frames, height, width)`."""
    plan = trajectory.plan
    acts = [(name_of(s), s.motion) for s in plan.instances]
    scene = assembled(generator(SEED, number), acts, place_of(plan.prompt))
    frames, height, width = size
    return render(scene, replace(FULL, frames=frames, height=height, width=width)).video


def steadiness(
    video: Video, trajectory: Trajectory, judge: Judge, embedding: EmojiClip
) -> dict[str, float]:
    """How steady a clip is: consistency of its frames, and change of its background."""
    from starvid_core.metrics import emoji_clip_i, flicker

    found = flicker.score(video, trajectory, judge) | emoji_clip_i.score(video, embedding)
    return {name: found[name] for name in TOLERANCE}


def compared(
    variant: str, runs: Iterable[Run], judge: Judge, embedding: EmojiClip
) -> list[Difference]:
    """Each run beside a render of its plan; clips of one prompt count as one."""
    pairs: dict[str, list[Both]] = {}
    for number, run in enumerate(runs):
        video, trajectory = run.video, run.trajectory
        real = rendered(trajectory, video.shape[:3], number)
        both = [steadiness(v, trajectory, judge, embedding) for v in (video, real)]
        pairs.setdefault(trajectory.plan.prompt, []).append((both[0], both[1]))
    return [_difference(variant, name, list(pairs.values())) for name in TOLERANCE]


def _difference(variant: str, name: str, prompts: list[list[Both]]) -> Difference:
    means = np.array([np.mean([(g[name], r[name]) for g, r in pairs], 0) for pairs in prompts])
    known = means[np.isfinite(means).all(1)]  # no background is left where boxes cover everything
    if not len(known):
        raise InputError(f"no clip of {variant} has a {name}; boxes cover every frame")
    apart = known[:, 0] - known[:, 1]
    low, high = interval(apart)
    generated, real = known.mean(0)
    return Difference(
        variant=variant,
        measure=name,
        clips=sum(map(len, prompts)),
        left_out=len(means) - len(known),
        generated=float(generated),
        rendered=float(real),
        difference=float(apart.mean()),
        low=low,
        high=high,
        tolerance=TOLERANCE[name],
    )


def report(name: str, quick: bool = False) -> tuple[list[Difference], Path]:
    """Every variant of a study beside renders; written as `flicker_<study>.json`."""
    from starvid_core.perception import emoji

    study = studies.load(name, quick)
    judge, embedding = emoji.load(), standins.shipped()
    runs = studies.ensure(study)
    rows = [
        row
        for variant in study.variants
        for row in compared(
            variant, [r for c, r in runs.items() if c.variant == variant], judge, embedding
        )
    ]
    folder = paths.BUILD / "results" if quick else paths.RESULTS
    facts = {"command": f"starvid flicker {name}", "judging": experiment.judging()}
    facts |= {"embedding": standins.reading()}
    written = [vars(row) | {"verdict": row.verdict} for row in rows]
    write_json(folder / f"flicker_{name}.json", facts | {"rows": written})
    manifests.relist([folder / f"flicker_{name}.json"])
    return rows, folder / f"flicker_{name}.json"
