"""What a run is: a spec holds all that a video depends on, checked before anything is made."""

from __future__ import annotations

import difflib
import pkgutil
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from planners import rules, schema
from planners.language import lexicon
from starvid_core import paths
from starvid_core.artifacts import canonical_json, fingerprint, read_json, sha256_text
from starvid_core.config import SamplingConfig, StarVidConfig
from starvid_core.errors import InputError
from starvid_core.scene import Trajectory

if TYPE_CHECKING:
    from starvid_core.backbones import Backbone
else:  # planning and checking must not wait for torch
    Backbone = Any

Config = TypeVar("Config", SamplingConfig, StarVidConfig)

# Raised by hand whenever the same spec would give another video: every cached run is then redone.
NUMERICS = 1


@dataclass(frozen=True)
class RunSpec:
    """All that a video depends on. Build it with `spec`, which plans and checks."""

    prompt: str
    method: str
    backbone: str
    planner: str
    seed: int
    plan_json: str
    checkpoint: str
    sampling: SamplingConfig
    config: StarVidConfig
    record: tuple[int, ...] = ()

    @cached_property
    def facts(self) -> dict[str, Any]:
        return {"numerics": NUMERICS, **asdict(self)}

    @cached_property
    def key(self) -> str:
        return sha256_text(canonical_json(self.facts))[:12]

    @property
    def settings(self) -> tuple[Any, ...]:
        """What the runs of one batch have in common."""
        return (
            self.method,
            self.backbone,
            self.checkpoint,
            self.sampling,
            self.config,
            self.record,
        )

    @property
    def trajectory(self) -> Trajectory:
        return schema.loads(self.plan_json)


def spec(
    prompt: str,
    method: str = "starvid",
    seed: int = 0,
    backbone: str | Backbone = "emoji",
    plan: Trajectory | None = None,
    **options: Any,
) -> RunSpec:
    """Plan `prompt` by rules unless a plan is given, check everything, say what is to be run.

    `options` are `record` (steps whose attention maps are kept) and any field of `SamplingConfig`
    and `StarVidConfig`; the defaults of the former are the backbone's, of the latter the paper's.
    """
    known("method", method, choices("methods"))
    name, checkpoint = _identity(backbone)
    trajectory = plan or rules.plan(prompt)
    if trajectory.plan.prompt != prompt:
        raise InputError(f"the plan is for {trajectory.plan.prompt!r}, not for {prompt!r}")
    check_vocabulary(trajectory, backbone)
    check_options(options)
    sampling = _changed(_sampling(backbone, options), options)
    planner = "given" if plan else "rules"
    return RunSpec(
        prompt=prompt,
        method=method,
        backbone=name,
        planner=planner,
        seed=_seed(seed),
        plan_json=schema.dumps(trajectory, planner),
        checkpoint=checkpoint,
        sampling=sampling,
        config=_changed(StarVidConfig(), options),
        record=_record(options.get("record", ()), sampling.steps),
    )


def choices(kind: str) -> list[str]:
    """What can be chosen from a folder of this package where every file is one choice."""
    found = pkgutil.iter_modules([str(Path(__file__).parent / kind)])
    return sorted(module.name for module in found if module.name != "base")


def known(kind: str, name: str, expected: Sequence[str]) -> str:
    """`name` if it is one of the expected; otherwise an error with the nearest one."""
    if name in expected:
        return name
    near = difflib.get_close_matches(name, expected, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise InputError(f"unknown {kind} {name!r}, expected {', '.join(expected)}{hint}")


def parse_spec(facts: dict[str, Any]) -> RunSpec:
    """The spec that was written as `facts`."""
    values = {k: v for k, v in facts.items() if k != "numerics"}
    config = _changed(StarVidConfig(), values.pop("config"))
    sampling = _changed(SamplingConfig(), values.pop("sampling"))
    return RunSpec(config=config, sampling=sampling, record=tuple(values.pop("record")), **values)


def _identity(backbone: str | Backbone) -> tuple[str, str]:
    if not isinstance(backbone, str):
        return backbone.name, backbone.fingerprint
    known("backbone", backbone, choices("backbones"))
    return backbone, fingerprint(paths.CHECKPOINTS / backbone)


def check_vocabulary(trajectory: Trajectory, backbone: str | Backbone) -> None:
    """Refuse a subject or a motion that a model with a closed vocabulary never saw."""
    name = backbone if isinstance(backbone, str) else backbone.name
    subjects, motions = _vocabulary(backbone)
    for subject in trajectory.plan.subjects:
        noun = lexicon.noun(subject.noun)
        _in_vocabulary("subject", noun.lemma if noun else subject.noun, subjects, name)
        _in_vocabulary("motion", subject.motion, motions, name)


def _vocabulary(backbone: str | Backbone) -> tuple[frozenset[str] | None, frozenset[str] | None]:
    if not isinstance(backbone, str):
        return backbone.subjects, backbone.motions
    facts = world(paths.CHECKPOINTS / backbone)
    if not facts:
        return None, None
    return frozenset(facts["subjects"]), frozenset(facts["motions"])


def world(checkpoint: Path) -> dict[str, Any]:
    """What a model with a closed vocabulary knows and how large its videos are; else nothing."""
    path = checkpoint / "world.json"
    return read_json(path) if path.is_file() else {}


def _in_vocabulary(kind: str, word: str, vocabulary: frozenset[str] | None, name: str) -> None:
    if vocabulary is not None and word not in vocabulary:
        listed = ", ".join(sorted(vocabulary))
        raise InputError(f"{name} does not know the {kind} {word!r}; it knows {listed}")


def _seed(seed: int) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise InputError(f"a seed is a whole number from 0 up, got {seed!r}")
    return seed


def _record(record: Iterable[int], steps: int) -> tuple[int, ...]:
    chosen = tuple(sorted(set(record)))
    if chosen and not 0 <= chosen[0] <= chosen[-1] < steps:
        raise InputError(f"steps to record must lie in 0..{steps - 1}, got {chosen}")
    return chosen


def check_options(options: dict[str, Any]) -> None:
    """Refuse an option that no configuration has, or a value of another type."""
    defaults = {"record": (), **asdict(SamplingConfig()), **asdict(StarVidConfig())}
    for name, value in options.items():
        known("option", name, list(defaults))
        if name != "record" and not _fits(value, defaults[name]):
            raise InputError(f"{name} must be like {defaults[name]!r}, got {value!r}")


def _fits(value: Any, default: Any) -> bool:
    if isinstance(default, tuple):
        return isinstance(value, list | tuple) and all(isinstance(v, str) for v in value)
    expected = (int, float) if isinstance(default, float) else type(default)
    return isinstance(value, expected) and not isinstance(value, bool)


def _sampling(backbone: str | Backbone, options: dict[str, Any]) -> SamplingConfig:
    """The backbone's own defaults; torch is not waited for when nothing is left to default."""
    if not isinstance(backbone, str):
        return backbone.sampling
    if {"steps", "guidance_scale"} <= set(options):
        return SamplingConfig()
    return import_module(f"starvid_core.backbones.{backbone}").SAMPLING


def _changed(base: Config, options: dict[str, Any]) -> Config:
    """`base` with its own among the options, in its own types: 3 and 3.0 are one spec."""
    own = {field.name: getattr(base, field.name) for field in fields(base)}
    return replace(base, **{k: type(own[k])(v) for k, v in options.items() if k in own})
