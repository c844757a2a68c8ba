"""Prompts of transitions for training by preferences and for evaluation, which share no scene.

A subject, a thing and a type that evaluation asks for together are never trained on together.
`python -m starvid_core.moving_emoji.transition_prompts` writes them again, the same everywhere.
"""

from __future__ import annotations

import json
from itertools import chain, product
from pathlib import Path
from typing import Any

import numpy as np

from starvid_core import paths
from starvid_core.artifacts import write_text
from starvid_core.errors import InputError
from starvid_core.moving_emoji.captions import VERBS
from starvid_core.moving_emoji.data import generator
from starvid_core.moving_emoji.transitions import BACKGROUND, couples, goings
from starvid_core.moving_emoji.world import FIRST, WorldConfig
from starvid_core.relations import TYPES, Transition, parse

SEED = 2602  # the month of the paper
COUNTS = {"train": 40, "eval": 10}  # of every type: 240 and 60 in all
HELD_BACK = 3  # of a type's couples, for evaluation
# Two cores, stated before the first run.
HOURS = {"dpo": 1.5, "with_starvid": 1.0}
BACKBONE = "emoji_spatial"
PLAIN = {"method": "none"}
METRICS = ["dsr_correct", "dsr_strict", "dsr_invalid", "numeracy", "exact_frames"]
# Variants of the comparison and the names that `starvid align` gives their LoRAs.
LORAS = {
    "base": "",
    "SFT on winners": "sft",
    "ZO-DPO, lambda 0": "unregularized",
    "ZO-DPO, lambda 0.5": "zo_dpo",
    "ZO-DPO, lambda 1": "zo_dpo_1",
    "ZO-DPO, lambda 2": "zo_dpo_2",
    "DPO and SFT": "dpo_sft",
    "Diffusion-DPO": "diffusion_dpo_beta50",
}


def prompts(world: WorldConfig, seed: int = SEED) -> dict[str, list[Transition]]:
    """The prompts of both sets, types in turn, every couple of a type about equally often."""
    split: dict[str, list[list[Transition]]] = {name: [] for name in COUNTS}
    for number, kind in enumerate(TYPES):
        rng = generator(seed, number)
        every = [couples(world)[k] for k in rng.permutation(len(couples(world)))]
        parts = {"train": every[HELD_BACK:], "eval": every[:HELD_BACK]}
        for name, count in COUNTS.items():
            split[name].append(_of_type(rng, kind, parts[name], count, world))
    return {name: list(chain(*zip(*of, strict=True))) for name, of in split.items()}


def _of_type(
    rng: np.random.Generator,
    kind: str,
    pairs: list[tuple[str, str]],
    count: int,
    world: WorldConfig,
) -> list[Transition]:
    """Different prompts, couples in turn."""
    left = {pair: _scenes(rng, pair, world) for pair in pairs}
    chosen = []
    for number in range(count):
        subject, thing = pairs[number % len(pairs)]
        place, verb = left[subject, thing].pop()
        chosen.append(Transition(place, subject, kind[0], thing, kind[1], verb))
    return chosen


def _scenes(
    rng: np.random.Generator, pair: tuple[str, str], world: WorldConfig
) -> list[tuple[str, str]]:
    """Every place and verb of a couple, shuffled."""
    places = [phrase for phrase, name in BACKGROUND.items() if name in world.backgrounds]
    verbs = [VERBS[motion][1] for motion in goings(pair[0], world)]
    every = list(product(places, verbs))
    return [every[k] for k in rng.permutation(len(every))]


def path(name: str) -> Path:
    return paths.PROMPTS / "spatialalign" / f"{name}.jsonl"


def load(name: str) -> tuple[Transition, ...]:
    """The shipped prompts of a set, train or eval; a file that is damaged is an InputError."""
    if name not in COUNTS:
        raise InputError(f"unknown prompts {name!r}, expected {', '.join(COUNTS)}")
    lines = path(name).read_text(encoding="utf-8").splitlines()
    return tuple(parse(json.loads(line)["prompt"]) for line in lines)


def studies(asked: list[str]) -> dict[str, dict[str, Any]]:
    """What is measured on the prompts of evaluation: the losses, and SpatialAlign with StarVid."""
    best = {"method": "best_of_n", "config": {"by": ["dsr_correct", "numeracy"]}}
    aligned = {"options": {"lora": "zo_dpo"}}
    common = {"prompts": asked, "metrics": METRICS, "quick": {"seeds": 2, "steps": 4}}
    common |= {"options": {"backbone": BACKBONE}, "made_by": "study"}
    losses = {
        label: PLAIN | ({"options": {"lora": name}} if name else {})
        for label, name in LORAS.items()
    }
    together = {
        "base": PLAIN,
        "SpatialAlign": PLAIN | aligned,
        "base, best of 3": best,
        "SpatialAlign, best of 3": best | aligned,
        "StarVid": {"method": "starvid"},
        "StarVid and SpatialAlign": {"method": "starvid"} | aligned,
    }
    return {
        "spatialalign_dpo": common | {"seeds": [0, 1], "hours": HOURS["dpo"], "variants": losses},
        "spatialalign_with_starvid": {"like": "spatialalign_dpo"}
        | {"seeds": [0, 1], "hours": HOURS["with_starvid"], "variants": together},
    }


def main() -> None:
    made = prompts(FIRST)
    for name, study in studies([told.prompt for told in made["eval"]]).items():
        # Not in alphabetical order: the first variant is what the others are compared with.
        write_text(paths.STUDIES / f"{name}.json", json.dumps(study, indent=1) + "\n")
    for name, told in made.items():
        rows = [{"prompt": t.prompt, "type": t.kind} | _words(t) for t in told]
        write_text(path(name), "".join(json.dumps(row) + "\n" for row in rows))


def _words(told: Transition) -> dict[str, str]:
    return {"subject": told.subject, "object": told.object, "verb": told.verb, "scene": told.scene}


if __name__ == "__main__":
    main()
