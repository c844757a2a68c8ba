"""Who judges: the embedded judge, or the published models; each metric names the look it needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from starvid_core import paths, specs, video
from starvid_core.artifacts import fingerprint
from starvid_core.errors import InputError
from starvid_core.options import known
from starvid_core.pretrained import Pretrained
from starvid_core.scene import Trajectory
from starvid_core.scoring.cases import Case
from starvid_core.video import Video


@dataclass(frozen=True)
class Options:
    """Where models are, and how they are run."""

    models: Path | None = None
    device: str = "auto"
    batch: int = 16

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise InputError(f"batch is {self.batch}; give 1 or more frames")


class Look(AbstractContextManager["Look"]):
    """A model and the metrics that it serves; loaded when the first video is really looked at.

    `identity` names all that a score depends on beside the video and what was asked.
    """

    identity: str
    concurrency = 1

    def score(self, metric: str, clip: Video, case: Case) -> dict[str, float]:
        raise NotImplementedError

    def __exit__(self, *error: object) -> None:
        """Nothing is open."""


class Emoji(Look):
    """The embedded judge of Moving-Emoji videos."""

    def __init__(self, options: Options) -> None:
        self.identity = f"emoji judge {fingerprint(paths.CHECKPOINTS / 'judge')[:12]}"
        self._world = specs.world(paths.CHECKPOINTS / "emoji")

    @cached_property
    def _judge(self) -> Any:
        from starvid_core.perception import emoji

        return emoji.load()

    def score(self, metric: str, clip: Video, case: Case) -> dict[str, float]:
        from starvid_core.metrics import METRICS

        trajectory = case.trajectory
        specs.check_vocabulary(trajectory, "emoji")
        small = video.shrink(clip, self._world["height"], self._world["width"])
        return METRICS[metric].score(small, trajectory, self._judge)


class Embedding(Look):
    """A CLIP model: CLIP-T and CLIP-I, or PickScore."""

    def __init__(self, options: Options, source: Pretrained) -> None:
        from starvid_core.perception import published

        self._options, self._found = options, source.find(options.models)
        precision = published.half(published.device(options.device))
        self.identity = f"{source.repository} {self._found.sha256[:12]} {precision}"

    @cached_property
    def _clip(self) -> Any:
        from starvid_core.perception import clip

        return clip.load(self._found, self._options.device, self._options.batch)

    def score(self, metric: str, clip: Video, case: Case) -> dict[str, float]:
        from starvid_core.metrics import clip_i, clip_t, pick_score

        if metric == "clip_i":
            return clip_i.score(clip, self._clip)
        score = {"clip_t": clip_t.score, "pick_score": pick_score.score}[metric]
        return score(clip, case.prompt, self._clip)


class Detecting(Look):
    """GroundingDINO: Numeracy, and layout adherence."""

    def __init__(self, options: Options) -> None:
        from starvid_core.perception.grounding_dino import SWIN_T

        self._options, self._found = options, SWIN_T.find(options.models)
        self.identity = f"{SWIN_T.repository} {self._found.sha256[:12]}"

    @cached_property
    def _detector(self) -> Any:
        from starvid_core.perception import grounding_dino

        return grounding_dino.load(self._found, self._options.device, self._options.batch)

    def score(self, metric: str, clip: Video, case: Case) -> dict[str, float]:
        from starvid_core.metrics import layout, numeracy
        from starvid_core.metrics.tracks import name_of
        from starvid_core.perception.grounding_dino import Looking

        module = {"numeracy": numeracy, "layout": layout}[metric]
        trajectory: Trajectory = case.trajectory
        module.validate(clip, trajectory)
        names = tuple(dict.fromkeys(name_of(s) for s in trajectory.plan.subjects))
        return module.score(numeracy.sampled(clip), trajectory, Looking(self._detector, names))


def _clip(options: Options) -> Look:
    from starvid_core.perception.clip import VIT_L

    return Embedding(options, VIT_L)


def _pick_score(options: Options) -> Look:
    from starvid_core.perception.clip import PICK_SCORE

    return Embedding(options, PICK_SCORE)


# What each judge can say, in the order of the paper's tables.
JUDGES: dict[str, dict[str, Callable[[Options], Look]]] = {
    "emoji": {"numeracy": Emoji, "action_binding": Emoji, "layout": Emoji},
    "published": {
        "pick_score": _pick_score,
        "clip_i": _clip,
        "clip_t": _clip,
        "numeracy": Detecting,
        "layout": Detecting,
    },
}


@dataclass(frozen=True)
class Chosen:
    """Metrics of one judge, by the look that serves them, so that each model is loaded once."""

    judge: str
    looks: dict[Callable[[Options], Look], list[str]] = field(default_factory=dict)

    @property
    def metrics(self) -> list[str]:
        asked = [name for names in self.looks.values() for name in names]
        return [name for name in JUDGES[self.judge] if name in asked]


def chosen(judge: str, metrics: Sequence[str] = ()) -> Chosen:
    """These metrics of a judge, all that it has if none is named; unknown ones are InputErrors."""
    served = JUDGES[known("judge", judge, list(JUDGES))]
    looks: dict[Callable[[Options], Look], list[str]] = {}
    for name in dict.fromkeys(metrics) or served:
        look = served[known(f"metric of the {judge} judge", name, list(served))]
        looks.setdefault(look, []).append(name)
    return Chosen(judge, looks)
