"""Captions that count: "Two dogs are running and a cat is sitting in the snow."."""

from __future__ import annotations

from collections import Counter

import numpy as np

from planners.language.inflection import FIXED_NOUNS, plurals
from starvid_core.moving_emoji.captions import JOINTS, PLACES, clause, varied
from starvid_core.moving_emoji.world import Act, Scene

NUMBERS = {2: "two", 3: "three", 4: "four"}


def told(scene: Scene, rng: np.random.Generator) -> str:
    """One random caption that is true of the scene and names all its subjects."""
    counts = Counter((a.subject, a.motion) for a in scene.acts)
    if max(counts.values()) == 1:
        return varied(scene, rng)
    clauses = [_clause(Act(*p, 0.0, 0.0), n, int(rng.integers(2))) for p, n in counts.items()]
    text = str(rng.choice(JOINTS)).join(clauses)
    if scene.named:
        text = f"{text} {rng.choice(PLACES[scene.background])}"
    return f"{text[0].upper()}{text[1:]}."


def _clause(act: Act, number: int, form: int) -> str:
    """ "two dogs are running" (form 0) or "two dogs run" (form 1)."""
    one = clause(act, form)
    if number == 1:
        return one
    verb = one.removeprefix(one[: one.index(act.subject) + len(act.subject) + 1])
    noun = act.subject if act.subject in FIXED_NOUNS else plurals(act.subject)[0]
    return f"{NUMBERS[number]} {noun} {_plural_verb(verb)}"


def _plural_verb(verb: str) -> str:
    """ "is running" makes "are running", "flies" makes "fly", "lifts weights" "lift weights"."""
    first, *rest = verb.split()
    if first == "is":
        return " ".join(["are", *rest])
    base = f"{first[:-3]}y" if first.endswith("ies") else first[:-1]
    return " ".join([base, *rest])
