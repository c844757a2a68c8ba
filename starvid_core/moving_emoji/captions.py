"""Captions of scenes in the wording of the paper's prompts."""

from __future__ import annotations

import numpy as np

from starvid_core.moving_emoji.world import Act, Scene

VERBS: dict[str, tuple[str, ...]] = {
    "running": ("is running", "runs"),
    "walking": ("is walking", "walks"),
    "skateboarding": ("is skateboarding", "skateboards"),
    "flying": ("is flying", "flies"),
    "riding bicycle": ("is riding a bicycle", "rides a bicycle"),
    "swimming": ("is swimming", "swims"),
    "driving": ("is driving", "drives"),
    "riding horse": ("is riding a horse", "rides a horse"),
    "sailing": ("is sailing", "sails"),
    "jumping": ("is jumping", "jumps"),
    "bouncing": ("is bouncing", "bounces"),
    "playing golf": ("is playing golf", "plays golf"),
    "weightlifting": ("is weightlifting", "lifts weights"),
    "playing guitar": ("is playing guitar", "plays guitar"),
    "playing football": ("is playing football", "plays football"),
    "dancing": ("is dancing", "dances"),
    "diving": ("is diving", "dives"),
    "sitting": ("is sitting", "sits"),
}
STOPPING = ("is stopping", "stops")
PLACES: dict[str, tuple[str, ...]] = {
    "grass": ("on the grass", "in the park"),
    "snow": ("in the snow",),
    "beach": ("on the beach", "at the beach"),
    "street": ("on the street", "on the road"),
    "desert": ("in the desert",),
    "night": ("at night",),
}
JOINTS = (" and ", ", and ", " while ", " as ")


def article(noun: str) -> str:
    return "an" if noun[0] in "aeiou" else "a"


def clause(act: Act, form: int) -> str:
    """ "a dog is running" (form 0) or "a dog runs" (form 1)."""
    stands = act.motion == "sitting" and act.subject in ("car", "motorcycle", "tank", "boat")
    verb = (STOPPING if stands else VERBS[act.motion])[form]
    return f"{article(act.subject)} {act.subject} {verb}"


def caption(scene: Scene, rng: np.random.Generator) -> str:
    """One random wording of the scene, its place named where the scene says so."""
    clauses = [clause(act, int(rng.integers(2))) for act in scene.acts]
    text = str(rng.choice(JOINTS)).join(clauses)
    if scene.named:
        place = str(rng.choice(PLACES[scene.background]))
        text = f"{place}, {text}" if rng.random() < 0.3 else f"{text} {place}"
    return text[0].upper() + text[1:] + "."
