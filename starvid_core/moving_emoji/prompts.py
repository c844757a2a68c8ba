"""Test prompts of the world: held-out pairs and single subjects, as studies the workflow can run.

`python -m starvid_core.moving_emoji.prompts` writes them again, the same on every machine.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from starvid_core import paths
from starvid_core.artifacts import write_json
from starvid_core.moving_emoji.captions import caption
from starvid_core.moving_emoji.cast import can
from starvid_core.moving_emoji.data import generator
from starvid_core.moving_emoji.world import FULL, Act, Scene, WorldConfig, held_out

SEED = 2026
COUNT = 104
METHODS = {"plain": {"method": "none"}, "StarVid": {"method": "starvid"}}
# No notebook draws them; `starvid study` runs them.
MADE = {"seeds": [0], "made_by": "study", "notebooks": {}}
HOURS = {"pairs": 0.37, "singles": 0.1}


def held_out_pairs(world: WorldConfig) -> list[tuple[str, str]]:
    """Every pair of subjects that training never shows together."""
    names = world.subjects
    return [(a, b) for i, a in enumerate(names) for b in names[i + 1 :] if held_out(a, b, world)]


def two_subjects(world: WorldConfig, count: int, seed: int = SEED) -> list[str]:
    """`count` different prompts, every held-out pair about equally often, motions distinct."""
    rng = generator(seed, 0)
    pairs = held_out_pairs(world)
    prompts: dict[str, None] = {}
    while len(prompts) < count:
        a, b = pairs[len(prompts) % len(pairs)]
        a, b = (a, b) if rng.random() < 0.5 else (b, a)
        m, n = _motion(rng, a, world), _motion(rng, b, world)
        if m != n:
            prompts[_worded(rng, ((a, m), (b, n)), world)] = None
    return list(prompts)


def one_subject(world: WorldConfig, count: int, seed: int = SEED) -> list[str]:
    """`count` different prompts, every subject about equally often."""
    rng = generator(seed, 1)
    prompts: dict[str, None] = {}
    while len(prompts) < count:
        subject = world.subjects[len(prompts) % len(world.subjects)]
        prompts[_worded(rng, ((subject, _motion(rng, subject, world)),), world)] = None
    return list(prompts)


def _motion(rng: np.random.Generator, subject: str, world: WorldConfig) -> str:
    return str(rng.choice([m for m in world.motions if can(subject, m)]))


def _worded(
    rng: np.random.Generator, parts: tuple[tuple[str, str], ...], world: WorldConfig
) -> str:
    acts = tuple(Act(subject, motion, 0.0, 0.0) for subject, motion in parts)
    place = str(rng.choice(world.backgrounds))
    return caption(Scene(acts, place, named=place != "grass" or rng.random() < 0.5), rng)


def main() -> None:
    pairs: dict[str, Any] = {"prompts": two_subjects(FULL, COUNT), "variants": METHODS}
    singles = {"prompts": one_subject(FULL, COUNT), "variants": {"plain": METHODS["plain"]}}
    for name, declared in {"pairs": pairs, "singles": singles}.items():
        whole = declared | MADE | {"hours": HOURS[name]}
        write_json(paths.STUDIES / f"benchmark_{name}.json", whole)


if __name__ == "__main__":
    main()
