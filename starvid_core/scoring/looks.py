"""One look for each model: what it needs to know of a video, and which metrics it serves."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from starvid_core import paths, specs, video
from starvid_core.artifacts import fingerprint
from starvid_core.errors import InputError
from starvid_core.options import known
from starvid_core.perception.latest import Latest
from starvid_core.published.pretrained import GROUNDING_DINO, LLAVA, SAM, Pretrained
from starvid_core.scoring.cases import Case
from starvid_core.video import Video


@dataclass(frozen=True)
class Options:
    """Where models are, and how they are run.

    `engine` and its options name what serves the vision-language model, `record` is a transcript
    that keeps its replies, `binding` the version of action binding; `pairs` of frames that CLIP-I
    compares are "all" or "adjacent".
    """

    models: Path | None = None
    device: str = "auto"
    batch: int = 16
    engine: str = ""
    engine_options: Mapping[str, Any] = field(default_factory=dict)
    record: Path | None = None
    binding: str = "v1"
    pairs: str = "all"

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise InputError(f"batch is {self.batch}; give 1 or more frames")
        known("pairs", self.pairs, ["all", "adjacent"])


class Look(AbstractContextManager["Look"]):
    """A model and the metrics that it serves; loaded when the first video is really looked at.

    `identity` names all that a score depends on beside the video and what was asked; `concurrency`
    is how many videos may be looked at at once.
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
        from starvid_core import machine

        self._options, self._found = options, source.find(options.models)
        precision = machine.precision(machine.device(options.device))
        self.identity = f"{source.repository} {self._found.sha256[:12]} {precision}"
        if options.pairs != "all":
            self.identity += f", {options.pairs} pairs"

    @cached_property
    def _clip(self) -> Any:
        from starvid_core.perception import clip

        return clip.load(self._found, self._options.device, self._options.batch)

    def score(self, metric: str, clip: Video, case: Case) -> dict[str, float]:
        from starvid_core.metrics import clip_i, clip_t, pick_score

        if metric == "clip_i":
            return clip_i.score(clip, self._clip, self._options.pairs)
        score = {"clip_t": clip_t.score, "pick_score": pick_score.score}[metric]
        return score(clip, case.prompt, self._clip)


class Detecting(Look):
    """GroundingDINO: Numeracy, and layout adherence."""

    def __init__(self, options: Options, source: Pretrained = GROUNDING_DINO) -> None:
        self._options, self._found = options, source.find(options.models)
        self.identity = f"{source.repository} {self._found.sha256[:12]}"
        self._shown: Latest[Video] = Latest()

    @cached_property
    def _detector(self) -> Any:
        from starvid_core.perception import grounding_dino

        return grounding_dino.load(self._found, self._options.device, self._options.batch)

    def score(self, metric: str, clip: Video, case: Case) -> dict[str, float]:
        from starvid_core.metrics import layout, numeracy
        from starvid_core.metrics.tracks import name_of
        from starvid_core.perception.grounding_dino import Looking

        module = {"numeracy": numeracy, "layout": layout}[metric]
        trajectory = case.trajectory
        module.validate(clip, trajectory)
        names = tuple(dict.fromkeys(name_of(s) for s in trajectory.plan.subjects))
        shown = self._shown.of(clip, lambda: numeracy.sampled(clip))
        return module.score(shown, trajectory, Looking(self._detector, names))


class Following(Look):
    """GroundingDINO and SAM 2.1: DSR-Score."""

    def __init__(self, options: Options) -> None:
        from starvid_core.perception import grounded_sam

        self._options = options
        self.identity = grounded_sam.identity(*grounded_sam.find(options.models))

    @staticmethod
    def check(options: Options) -> None:
        """Refuse to go without the weights of either."""
        for source in (GROUNDING_DINO, SAM):
            source.folder(options.models)

    @cached_property
    def _tracker(self) -> Any:
        from starvid_core.perception import grounded_sam

        return grounded_sam.load(self._options.models, self._options.device, self._options.batch)

    def score(self, metric: str, clip: Video, case: Case) -> dict[str, float]:
        from starvid_core.metrics import dsr_score

        return dsr_score.score(clip, case.trajectory, self._tracker)


class Asking(Look):
    """A vision-language model behind an engine: action binding."""

    def __init__(self, options: Options) -> None:
        from planners import engines
        from planners.engines.recorded import recorded

        asked = engines.load(options.engine, **options.engine_options)
        self._engine = recorded(asked, options.record) if options.record else asked
        self._version, self.concurrency = options.binding, self._engine.concurrency
        self.identity = f"{self._engine.model}, action binding {self._version}"
        if not self._engine.pictures:
            self._engine.close()
            raise InputError(
                f"engine {options.engine!r} cannot be shown pictures; take openai or vllm with a "
                "model that sees, or recorded"
            )

    @staticmethod
    def check(options: Options) -> None:
        """Refuse to go without an engine, or by a version that there is not."""
        from starvid_core.metrics.mllm_binding import VERSIONS

        known("version of action binding", options.binding, list(VERSIONS))
        if not options.engine:
            raise InputError(
                "action_binding needs a vision-language model: --engine vllm -O model=FOLDER, or "
                "openai -O url=URL, or recorded -O transcripts=FILE; the published one is "
                f"{LLAVA.repository} ({LLAVA.gigabytes:g} GB), `{LLAVA.command(Path(LLAVA.name))}`"
            )

    def score(self, metric: str, clip: Video, case: Case) -> dict[str, float]:
        from starvid_core.metrics import mllm_binding

        return mllm_binding.score(clip, case.trajectory, self._engine, self._version)

    def __exit__(self, *error: object) -> None:
        self._engine.close()
