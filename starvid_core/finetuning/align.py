"""SpatialAlign end to end: videos of the base model, their scores, pairs, a LoRA; all resumes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from starvid_core import backbones, experiment, paths, specs
from starvid_core.artifacts import canonical_json, fingerprint, read_json, sha256_file, sha256_text
from starvid_core.backbones import Backbone
from starvid_core.errors import InputError
from starvid_core.finetuning import pairs
from starvid_core.finetuning.clips import Clips
from starvid_core.finetuning.dpo import OBJECTIVES, Objective
from starvid_core.finetuning.pairs import Record
from starvid_core.finetuning.recipe import Recipe
from starvid_core.finetuning.training import train
from starvid_core.metrics.dsr_screening import scaled
from starvid_core.moving_emoji import transition_prompts
from starvid_core.options import known
from starvid_core.perception import emoji
from starvid_core.perception.base import Judge, Tracker
from starvid_core.relations import parse

COMMAND = "starvid align --pairs-only"


@dataclass(frozen=True)
class Source:
    """Whose videos the pairs are of: `samples` of every prompt of a shipped set, or of a file."""

    backbone: str = transition_prompts.BACKBONE
    prompts: str = "train"
    samples: int = pairs.SAMPLES
    judge: str = "emoji"
    models: Path | None = None
    device: str = "cpu"
    batch: int = 8

    @property
    def table(self) -> str:
        """The name of the table of scores."""
        plain = self.backbone == transition_prompts.BACKBONE and self.prompts == "train"
        also = "" if plain else f"_{self.backbone}_{Path(self.prompts).stem}"
        return f"spatialalign_pairs{also}"

    @property
    def texts(self) -> list[str]:
        """The prompts; all must tell of a transition."""
        if self.prompts in transition_prompts.COUNTS:
            return [told.prompt for told in transition_prompts.load(self.prompts)]
        try:
            lines = Path(self.prompts).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = f"{error}; give train, eval, or a file with a prompt a line"
            raise InputError(f"prompts {self.prompts} cannot be read: {reason}") from None
        return [parse(line.strip()).prompt for line in lines if line.strip()]


def load(source: Source) -> Backbone:
    return backbones.load(source.backbone, device=source.device)


def judge_of(source: Source) -> tuple[Judge | Tracker, str]:
    """Who scores, and what it is named by."""
    known("judge", source.judge, ["emoji", "grounded_sam"])
    if source.judge == "emoji":
        return emoji.load(), fingerprint(paths.CHECKPOINTS / "judge")[:12]
    from starvid_core.perception import grounded_sam

    tracker = grounded_sam.load(source.models, source.device, source.batch)
    return tracker, tracker.identity


def sampled(source: Source, backbone: Backbone) -> list[Record]:
    """The scored videos of the base model; what its table holds already is not looked at again."""
    judge, identity = judge_of(source)
    facts = _facts(source, backbone, identity)
    written = pairs.table(source.table).with_suffix(".json")
    if written.is_file() and facts.items() <= read_json(written).items():
        return pairs.read(source.table)
    wanted = pairs.specs(backbone, source.texts, source.samples)
    found = pairs.sample(wanted, backbone, judge, source.batch)
    pairs.write(source.table, found, facts)
    return found


def _facts(source: Source, backbone: Backbone, judge: str) -> dict[str, Any]:
    return {
        "command": COMMAND,
        "backbone": backbone.name,
        "checkpoint": backbone.fingerprint,
        "judge": judge,
        "samples": source.samples,
        "prompts_sha256": sha256_text(canonical_json(source.texts)),
        "threshold": pairs.WINNER,
        "dsr": asdict(scaled(backbone.frames)),
        "sampling": asdict(backbone.sampling),
        "numerics": specs.NUMERICS,
    }


def align(source: Source, recipe: Recipe, name: str) -> Path:
    """Train the LoRA `name` from the base model's own videos; returns its folder."""
    check_name(name)
    backbone = load(source)
    chosen = pairs.build_pairs(sampled(source, backbone))
    used = [r for c in chosen.values() for r in (*c.winners, *c.losers)]
    _keep(used, backbone, source.batch)
    clips = Clips(backbone, chosen, recipe.seed, recipe.objective.shared_noise)
    facts = {
        "pairs": {
            "table": source.table,
            "sha256": sha256_file(pairs.table(source.table)),
            "prompts": len(chosen),
            "winners": sum(len(c.winners) for c in chosen.values()),
            "losers": sum(len(c.losers) for c in chosen.values()),
        }
    }
    folder = paths.BUILD / "train" / "lora" / name
    return train(backbone, clips, recipe, folder, paths.LORAS / name, facts)


def _keep(records: Sequence[Record], backbone: Backbone, batch: int) -> None:
    """Make the videos again that are no longer kept."""
    wanted = [experiment.spec(r.prompt, "none", r.seed, backbone) for r in records]
    for one, record in zip(wanted, records, strict=True):
        if one.key != record.run:
            raise InputError(f"the scores are of other runs than today's; make them: `{COMMAND}`")
    experiment.ensure(wanted, backbone, batch)


def check_name(name: str) -> None:
    """Refuse a name that is no plain name of a folder."""
    if not name or not all(c.isalnum() or c in "_-." for c in name) or name.startswith("."):
        raise InputError(f"a LoRA's name is letters, digits, _, - and dots; got {name!r}")


def objective(loss: str, weight: float | None, beta: float | None) -> tuple[Objective, str]:
    """The row of the comparison with its own numbers, and a name that tells which are changed."""
    chosen = OBJECTIVES[known("loss", loss, list(OBJECTIVES))]
    name = loss
    if weight is not None and weight != chosen.weight:
        chosen, name = replace(chosen, weight=weight), f"{name}_{weight:g}"
    if beta is not None and beta != chosen.beta:
        chosen, name = replace(chosen, beta=beta), f"{name}_beta{beta:g}"
    return chosen, name
