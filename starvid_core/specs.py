"""What a run is: a spec holds all that a video depends on, checked before anything is made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from planners import rules, schema, variants
from planners.language import lexicon
from planners.planning import Unplanned
from starvid_core import adapters, paths
from starvid_core.artifacts import (
    canonical_json,
    fingerprint,
    read_json,
    sha256_files,
    sha256_text,
)
from starvid_core.config import MODES, SamplingConfig
from starvid_core.errors import InputError
from starvid_core.options import changed, check_options, choices, known, parsed
from starvid_core.scene import Trajectory

if TYPE_CHECKING:
    from starvid_core.backbones import Backbone
else:  # planning and checking must not wait for torch
    Backbone = Any

# Raised by hand whenever the same spec would give another video, so also with every default of a
# method that changes: every cached run is then redone.
NUMERICS = 1
BACKBONE, RULES = "emoji", "rules"


class OutOfVocabulary(InputError):
    """A subject or a motion that the model never saw."""


@dataclass(frozen=True)
class RunSpec:
    """All that a video depends on. Build it with `spec`, which plans and checks.

    `config` is the method's own `Config`; `judge` is empty unless the method chooses by a judge,
    `lora` unless the model has one.
    """

    prompt: str
    method: str
    backbone: str
    planner: str
    seed: int
    plan_json: str
    checkpoint: str
    sampling: SamplingConfig
    config: Any
    record: tuple[int, ...] = ()
    judge: str = ""
    lora: str = ""
    lora_sha256: str = ""

    @cached_property
    def method_options(self) -> dict[str, Any]:
        """The method's numbers that are not its defaults; so a new option changes no key."""
        defaults, own = asdict(type(self.config)()), asdict(self.config)
        return {name: value for name, value in own.items() if value != defaults[name]}

    @cached_property
    def facts(self) -> dict[str, Any]:
        facts = {field.name: getattr(self, field.name) for field in fields(self)}
        del facts["config"]
        if not self.lora:  # so that runs without one keep their keys
            del facts["lora"], facts["lora_sha256"]
        facts |= {"sampling": self.sampling.facts, "method_options": self.method_options}
        return {"numerics": NUMERICS, **facts}

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
            self.judge,
            self.lora,
            self.lora_sha256,
        )

    @property
    def trajectory(self) -> Trajectory:
        return schema.loads(self.plan_json)


def spec(
    prompt: str,
    method: str = "starvid",
    seed: int = 0,
    backbone: str | Backbone = BACKBONE,
    plan: Trajectory | None = None,
    planner: str = RULES,
    lora: str = "",
    **options: Any,
) -> RunSpec:
    """Plan `prompt` unless a plan is given, check everything, say what is to be run.

    `planner` is rules, or one of data/planners.json whose replies are recorded; `lora` is the name
    or the folder of a LoRA of the backbone. `options` are `record` (steps whose attention maps are
    kept), `mode` (one of `MODES`, whose numbers the others come before) and any field of
    `SamplingConfig` and of the method's own `Config`; the defaults of the former are the
    backbone's, of the latter those that were published.
    """
    known("method", method, choices("methods"))
    name, checkpoint = _identity(backbone)
    trajectory = plan or _planned(planner, prompt)
    if trajectory.plan.prompt != prompt:
        raise InputError(f"the plan is for {trajectory.plan.prompt!r}, not for {prompt!r}")
    check_vocabulary(trajectory, backbone)
    base = defaults(method)
    choosable = {"record": (), **asdict(SamplingConfig()), **asdict(base)}
    options = _in_mode(options, choosable)
    check_options(method, choosable, options)
    sampling = changed(_sampling(backbone, options), options)
    said = "given" if plan else planner
    return RunSpec(
        prompt=prompt,
        method=method,
        backbone=name,
        planner=said,
        seed=_seed(seed),
        plan_json=schema.dumps(trajectory, said),
        checkpoint=checkpoint,
        sampling=sampling,
        config=changed(base, options),
        record=_record(options.get("record", ()), sampling.steps),
        judge=judging() if hasattr(_method(method), "best") else "",
        lora=lora,
        lora_sha256=_lora(lora, name, checkpoint) if lora else "",
    )


def attempted(prompt: str, **options: Any) -> RunSpec:
    """The spec, or that of the plain clip if its planner has no plan that the model can draw.

    A planner is then judged by what its user gets: without a plan nothing is guided.
    """
    try:
        return spec(prompt, **options)
    except (Unplanned, OutOfVocabulary):
        if options.get("planner", RULES) == RULES:
            raise
    shared = {"seed", "backbone", "lora", "record", *asdict(SamplingConfig())}
    plain = {name: value for name, value in options.items() if name in shared}
    return spec(prompt, method="none", **plain)


def asked(one: RunSpec) -> Trajectory:
    """Who has to be in the video: what rules read in the prompt, whatever a model took from it."""
    by_model = one.planner not in (RULES, "given")
    return rules.plan(one.prompt, one.trajectory.frames) if by_model else one.trajectory


def _planned(planner: str, prompt: str) -> Trajectory:
    return (
        rules.plan(prompt) if planner == RULES else variants.find(planner).plan(prompt).trajectory
    )


def defaults(method: str) -> Any:
    """The published numbers of a method: its `Config` as it stands in its file."""
    return _method(method).Config()


def typed(method: str, texts: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Options of the sampling and of a method's `Config` from the words of a command line."""
    own = asdict(defaults(known("method", method, choices("methods"))))
    return parsed(method, asdict(SamplingConfig()) | own | {"mode": "exact"}, texts)


def _in_mode(options: dict[str, Any], choosable: dict[str, Any]) -> dict[str, Any]:
    """The options with what their mode adds to them, as far as the method has it."""
    mode = options.get("mode", "exact")
    numbers = MODES[known("mode", mode, list(MODES))]
    added = {name: value for name, value in numbers.items() if name in choosable}
    return added | {name: value for name, value in options.items() if name != "mode"}


def _method(name: str) -> Any:
    return import_module(f"starvid_core.methods.{name}")


@cache
def judging() -> str:
    """Names the judge's weights and the metrics' code."""
    code = sorted((Path(__file__).parent / "metrics").glob("*.py"))
    return sha256_text(fingerprint(paths.CHECKPOINTS / "judge") + sha256_files(code))[:12]


def parse_spec(facts: dict[str, Any]) -> RunSpec:
    """The spec that was written as `facts`."""
    values = {k: v for k, v in facts.items() if k != "numerics"}
    config = changed(defaults(values["method"]), values.pop("method_options"))
    sampling = changed(SamplingConfig(), values.pop("sampling"))
    return RunSpec(config=config, sampling=sampling, record=tuple(values.pop("record")), **values)


def _identity(backbone: str | Backbone) -> tuple[str, str]:
    if not isinstance(backbone, str):
        return backbone.name, backbone.fingerprint
    known("backbone", backbone, choices("backbones"))
    return backbone, _checkpoint(backbone)


def _checkpoint(backbone: str) -> str:
    """Names the shipped weights by their manifest, published ones by what was fetched of them."""
    shipped = paths.CHECKPOINTS / backbone
    if shipped.is_dir():
        return fingerprint(shipped)
    module = import_module(f"starvid_core.backbones.{backbone}")
    if not hasattr(module, "WEIGHTS"):
        return fingerprint(shipped)
    return module.WEIGHTS.identity(module.WEIGHTS.find(), {})


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
        raise OutOfVocabulary(f"{name} does not know the {kind} {word!r}; it knows {listed}")


def _lora(lora: str, backbone: str, checkpoint: str) -> str:
    folder = adapters.find(lora)
    adapters.check_base(folder, backbone, checkpoint)
    return adapters.identity(folder)


def _seed(seed: int) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise InputError(f"a seed is a whole number from 0 up, got {seed!r}")
    return seed


def _record(record: Iterable[int], steps: int) -> tuple[int, ...]:
    chosen = tuple(sorted(set(record)))
    if chosen and not 0 <= chosen[0] <= chosen[-1] < steps:
        raise InputError(f"steps to record must lie in 0..{steps - 1}, got {chosen}")
    return chosen


def _sampling(backbone: str | Backbone, options: dict[str, Any]) -> SamplingConfig:
    """The backbone's own defaults; with a shipped one that needs none of them, without torch."""
    if not isinstance(backbone, str):
        return backbone.sampling
    shipped = (paths.CHECKPOINTS / backbone).is_dir()
    if shipped and {"steps", "guidance_scale"} <= set(options):
        return SamplingConfig()
    return import_module(f"starvid_core.backbones.{backbone}").SAMPLING
