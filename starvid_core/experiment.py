"""Runs: one prompt, method and seed to one folder, named by everything that it depends on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from planners import schema
from starvid_core import adapters, costs, paths
from starvid_core.artifacts import (
    canonical_json,
    read_json,
    sweep,
    verify_manifest,
    write_json,
    write_manifest,
    write_text,
    writing,
    writing_folder,
)
from starvid_core.costs import Cost, Stopwatch
from starvid_core.errors import InputError
from starvid_core.scene import Trajectory
from starvid_core.specs import RunSpec, asked, defaults, judging, parse_spec, spec
from starvid_core.video import Video

if TYPE_CHECKING:
    from starvid_core.backbones import Backbone
    from starvid_core.methods.base import Chooser
    from starvid_core.perception.base import Judge
    from starvid_core.sampling import Clip
else:  # finding runs must not wait for torch
    Backbone = Chooser = Clip = Judge = Any

__all__ = ["Run", "RunSpec", "ensure", "generate", "score", "scores", "spec"]


@dataclass(frozen=True)
class Run:
    """A finished run: its folder holds video, plan, losses, cost and recorded maps."""

    folder: Path

    @property
    def spec(self) -> RunSpec:
        return parse_spec(read_json(self.folder / "spec.json"))

    @property
    def video(self) -> Video:
        return np.load(self.folder / "video.npy", allow_pickle=False)

    @property
    def trajectory(self) -> Trajectory:
        return schema.load(self.folder / "plan.json")

    @property
    def losses(self) -> list[dict[str, Any]]:
        """One row for every guided update, in order."""
        return read_json(self.folder / "losses.json")["losses"]

    @property
    def warnings(self) -> list[str]:
        return read_json(self.folder / "losses.json")["warnings"]

    @property
    def cost(self) -> Cost:
        return costs.read(self.folder)

    @property
    def maps(self) -> dict[int, np.ndarray]:
        """The attention maps `[token, frame, h, w]` of every recorded step."""
        if not (self.folder / "maps.npz").is_file():
            raise InputError(f"run {self.folder.name} recorded no maps; ask for record=(steps...)")
        with np.load(self.folder / "maps.npz", allow_pickle=False) as stored:
            return {int(name): stored[name] for name in stored.files}


def ensure(
    specs: Iterable[RunSpec],
    backbone: Backbone | None = None,
    batch: int = 8,
    progress: bool = True,
) -> list[Run]:
    """The runs of `specs` in their order; only those that are missing or damaged are made."""
    from tqdm import tqdm

    wanted = list(specs)
    missing = [s for s in dict.fromkeys(wanted) if not finished(s)]
    sweep(paths.RUNS)
    # `disable=None` leaves log files without a bar.
    with tqdm(total=len(missing), unit="clip", disable=None if progress else True) as bar:
        bar.update(0)
        for group in batches(missing, batch):
            model = backbone or _load(group[0].backbone)
            watch = Stopwatch()
            clips = _sample(group, model)
            watch.stop()
            for one, clip in zip(group, clips, strict=True):
                cost = watch.cost(len(group), one.sampling, len(clip.losses), clip.reused)
                _store(one, clip, _cost(one) if one.judge else cost)
                bar.update()
    return [Run(paths.RUNS / s.key) for s in wanted]


def scores(runs: Iterable[Run], judge: Judge | None = None) -> list[dict[str, float]]:
    """What every metric says about each run; kept in files, so that the judge looks once."""
    found = []
    for run in runs:
        path = paths.RUNS / "scores" / f"{run.folder.name}-{judging()}.json"
        if judge or not path.is_file():
            row = score(run.video, run.trajectory, judge or _judge(), asked(run.spec))
            write_json(path, {k: None if math.isnan(v) else v for k, v in row.items()})
        found.append({k: math.nan if v is None else v for k, v in read_json(path).items()})
    return found


def generate(
    one: RunSpec, backbone: Backbone | None = None, watch: Callable[..., Any] | None = None
) -> Clip:
    """Make one run without looking for it or keeping it.

    `watch` sees its steps go by; without it a bar shows them on a terminal.
    """
    from tqdm.auto import tqdm

    bar = partial(tqdm, total=one.sampling.steps, unit="step", disable=None)
    return _sample([one], backbone, watch or bar)[0]


def save_maps(path: Path, clip: Clip) -> None:
    """Write the recorded attention maps, one array `[token, frame, h, w]` for every step."""
    arrays: dict[str, Any] = {str(step): A.detach().cpu().numpy() for step, A in clip.maps.items()}
    with writing(path) as temporary:
        np.savez_compressed(temporary, **arrays)


def score(
    video: Video,
    trajectory: Trajectory,
    judge: Judge | None = None,
    asked: Trajectory | None = None,
) -> dict[str, float]:
    """Every metric that the prompt can be asked for, of one video.

    Its layout is compared with its plan, all else with what was `asked`; without it the plan says
    that, too.
    """
    from starvid_core.metrics import fitting

    seen, wanted = judge or _judge(), asked or trajectory
    rows = [
        metric.score(video, trajectory if name == "layout" else wanted, seen)
        for name, metric in fitting(wanted).items()
    ]
    return {name: value for row in rows for name, value in row.items()}


def batches(specs: Sequence[RunSpec], size: int) -> Iterator[list[RunSpec]]:
    """Runs of equal settings side by side, at most `size` at a time."""
    groups: dict[Any, list[RunSpec]] = {}
    for one in specs:
        groups.setdefault((one.settings, one.trajectory.frames), []).append(one)
    for group in groups.values():
        for first in range(0, len(group), size):
            yield group[first : first + size]


def finished(one: RunSpec) -> bool:
    """Whether the folder of this run is there, whole, and really of this run."""
    folder = paths.RUNS / one.key
    try:
        verify_manifest(folder)
        return canonical_json(read_json(folder / "spec.json")) == canonical_json(one.facts)
    except InputError:
        return False


def _sample(
    group: Sequence[RunSpec], backbone: Backbone | None, watch: Callable[..., Any] = iter
) -> list[Clip]:
    # Torch is loaded here, with the first run that is really missing.
    from starvid_core import lora, methods, sampling
    from starvid_core.methods.base import Chooser

    shared = group[0]
    model = backbone or _load(shared.backbone)
    if model.fingerprint != shared.checkpoint:
        raise InputError(f"the weights of {model.name} are not those that the run was planned for")
    method = methods.load(shared.method)
    if isinstance(method, Chooser):
        return _chosen(group, method, model)
    guides = [method.guide(s.trajectory, model, s.config, s.sampling.steps) for s in group]
    prompts, seeds = [s.prompt for s in group], [s.seed for s in group]
    with lora.applied(model.network.module, _lora(shared)):
        return sampling.sample(model, prompts, guides, seeds, shared.sampling, shared.record, watch)


def _lora(one: RunSpec) -> Path | None:
    """The folder of the run's LoRA, if it still holds what the run was planned with."""
    if not one.lora:
        return None
    folder = adapters.find(one.lora)
    if adapters.identity(folder) != one.lora_sha256:
        raise InputError(f"the LoRA in {folder} is not the one that the run was planned for")
    return folder


def rivals(one: RunSpec) -> list[RunSpec]:
    """The plain runs of which a method that chooses keeps one; of another method the run itself."""
    if not one.judge:
        return [one]
    from starvid_core import methods

    seeds = cast(Chooser, methods.load(one.method)).seeds(one.seed, one.config)
    bare = replace(one, method="none", config=defaults("none"), judge="")
    return [replace(bare, seed=seed) for seed in seeds]


def _cost(one: RunSpec) -> Cost:
    """What all the clips took of which one was kept, whenever they were made."""
    return costs.total(Run(paths.RUNS / rival.key).cost for rival in rivals(one))


def _chosen(group: Sequence[RunSpec], method: Chooser, backbone: Backbone) -> list[Clip]:
    """Of every run's plain clips the one that the method prefers; they are runs of their own."""
    plain = [rivals(one) for one in group]
    runs = iter(ensure([s for specs in plain for s in specs], backbone, progress=False))
    made = [[next(runs) for _ in specs] for specs in plain]
    return [_best(one, found, method) for one, found in zip(group, made, strict=True)]


def _best(one: RunSpec, runs: Sequence[Run], method: Chooser) -> Clip:
    from torch import from_numpy

    from starvid_core.sampling import Clip

    number = method.best(scores(runs), one.config)
    maps = {step: from_numpy(A) for step, A in runs[number].maps.items()} if one.record else {}
    said = f"kept clip {number + 1} of {len(runs)}"
    return Clip(one.prompt, one.seed, runs[number].video, (), (said,), maps)


@cache
def _load(name: str) -> Backbone:
    from starvid_core import backbones

    return backbones.load(name)


@cache
def _judge() -> Judge:
    from starvid_core.perception import emoji

    return emoji.load()


def _store(one: RunSpec, clip: Clip, cost: Cost) -> None:
    with writing_folder(paths.RUNS / one.key) as folder:
        np.save(folder / "video.npy", clip.video)
        write_text(folder / "plan.json", one.plan_json)
        write_json(folder / "spec.json", one.facts)
        losses = [value._asdict() for value in clip.losses]
        write_json(folder / "losses.json", {"losses": losses, "warnings": list(clip.warnings)})
        costs.write(folder, cost)
        if one.record:
            save_maps(folder / "maps.npz", clip)
        write_manifest(folder)
