"""Prompts of transitions for training by preferences and for evaluation, which share no scene.

A subject, a thing and a type that evaluation asks for together are never trained on together.
`python -m starvid_core.moving_emoji.transition_prompts` writes them again, the same everywhere.
"""

from __future__ import annotations

import json
from itertools import chain, product
from pathlib import Path

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
    return paths.PROMPTS / f"spatialalign_{name}.jsonl"


def load(name: str) -> tuple[Transition, ...]:
    """The shipped prompts of a set, train or eval; a file that is damaged is an InputError."""
    if name not in COUNTS:
        raise InputError(f"unknown prompts {name!r}, expected {', '.join(COUNTS)}")
    lines = path(name).read_text(encoding="utf-8").splitlines()
    return tuple(parse(json.loads(line)["prompt"]) for line in lines)


def main() -> None:
    for name, told in prompts(FIRST).items():
        rows = [{"prompt": t.prompt, "type": t.kind} | _words(t) for t in told]
        write_text(path(name), "".join(json.dumps(row) + "\n" for row in rows))


def _words(told: Transition) -> dict[str, str]:
    return {"subject": told.subject, "object": told.object, "verb": told.verb, "scene": told.scene}


if __name__ == "__main__":
    main()
