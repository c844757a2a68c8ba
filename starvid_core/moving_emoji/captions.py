"""Captions of scenes: in the wording of the paper's prompts, and as varied as people write.

Half of what training reads is varied: words that say nothing of the picture must not disturb it.
"""

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
STANDING = (("is standing", "stands"), ("is standing still", "stands still"))
PARKED = (("is parked", "halts"), STOPPING)
PLACES: dict[str, tuple[str, ...]] = {
    "grass": ("on the grass", "in the park"),
    "snow": ("in the snow",),
    "beach": ("on the beach", "at the beach"),
    "street": ("on the street", "on the road"),
    "desert": ("in the desert",),
    "night": ("at night",),
}
SCENERY: dict[str, tuple[str, ...]] = {
    "grass": ("in the meadow", "across the lawn", "in the garden", "on the farm", "in the field"),
    "snow": ("through the snow", "in the snowy field", "on a white winter day"),
    "beach": ("by the sea", "in the sand", "along the shore", "near the waves", "by the water"),
    "street": ("down the street", "along the road", "in the city", "on the sidewalk", "in town"),
    "desert": ("through the desert", "over the dunes", "among the dunes", "in the hot sand"),
    "night": ("in the dark", "under the stars", "under the moon", "late at night"),
}
ASIDES = (
    *("under a tree", "by the fence", "near a rock", "by the house", "next to a wall", "ahead"),
    *("in the background", "in front", "nearby", "in the distance", "at the side", "over there"),
    *("by the lake", "beside the river", "near the bridge", "past the old gate", "far away"),
    *("slowly", "quickly", "happily", "quietly", "again", "all alone", "with joy", "as always"),
)
OPENINGS = ("In this video, ", "Today, ", "Look: ", "Here ", "Nearby, ", "In the background, ")
LOOKS = ("big", "small", "young", "old", "happy", "lone", "tired", "busy", "funny", "lovely")
JOINTS = (" and ", ", and ", " while ", " as ")
VARIED_JOINTS = (
    *(*JOINTS, ", while ", "; ", ", and nearby ", " next to where ", " behind which "),
    *(", and in the background ", " just as ", ", and beside it ", " not far from where "),
)


def article(noun: str) -> str:
    return "an" if noun[0] in "aeiou" else "a"


def clause(act: Act, form: int) -> str:
    """ "a dog is running" (form 0) or "a dog runs" (form 1)."""
    stands = act.motion == "sitting" and act.subject in ("car", "motorcycle", "tank", "boat")
    verb = (STOPPING if stands else VERBS[act.motion])[form]
    return f"{article(act.subject)} {act.subject} {verb}"


def caption(scene: Scene, rng: np.random.Generator) -> str:
    """One random plain wording of the scene, its place named where the scene says so."""
    clauses = [clause(act, int(rng.integers(2))) for act in scene.acts]
    text = str(rng.choice(JOINTS)).join(clauses)
    if scene.named:
        place = str(rng.choice(PLACES[scene.background]))
        text = f"{place}, {text}" if rng.random() < 0.3 else f"{text} {place}"
    return _sentence(text)


def varied(scene: Scene, rng: np.random.Generator) -> str:
    """A caption for training: plain, or with looks, asides, scenery and other joints."""
    if rng.random() < 0.5:
        return caption(scene, rng)
    clauses = [_varied_clause(act, rng, len(scene.acts)) for act in scene.acts]
    text = str(rng.choice(VARIED_JOINTS)).join(clauses)
    if scene.named:
        background = scene.background
        place = str(rng.choice((*PLACES[background], *SCENERY[background])))
        text = f"{place}, {text}" if rng.random() < 0.4 else f"{text} {place}"
    return _sentence(f"{rng.choice(OPENINGS)}{text}" if rng.random() < 0.1 else text)


def _varied_clause(act: Act, rng: np.random.Generator, subjects: int) -> str:
    forms = VERBS[act.motion]
    if act.motion == "sitting":
        moves = act.subject in ("car", "motorcycle", "tank", "boat")
        others = PARKED if moves else (*STANDING, VERBS["sitting"])
        forms = others[int(rng.integers(len(others)))]
    verb = forms[int(rng.integers(2))]
    if subjects == 1 and verb.startswith("is ") and rng.random() < 0.3:
        verb = verb.removeprefix("is ")
    look = f"{rng.choice(LOOKS)} " if rng.random() < 0.3 else ""
    noun = f"{look}{act.subject}"
    first = "the" if rng.random() < 0.15 else article(noun)
    aside = f" {rng.choice(ASIDES)}" if rng.random() < 0.35 else ""
    return f"{first} {noun} {verb}{aside}"


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."
