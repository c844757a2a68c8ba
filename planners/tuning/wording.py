"""Prompts of many wordings, with the subjects that each is meant to have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from planners.language.inflection import conjugated, gerund
from planners.tuning import acts as casting
from planners.tuning.acts import Act, chance, one, words
from starvid_core.moving_emoji import captions
from starvid_core.moving_emoji.world import FULL, sample_scene

_CAPTIONS, _CAMERA = 0.06, 0.12  # shares of prompts
_COUNTS: dict[int, tuple[str, ...]] = {
    2: ("two", "two", "2", "a pair of"),
    3: ("three", "three", "3", "several", "a group of"),
    4: ("four", "4", "many"),
}


@dataclass(frozen=True)
class Wording:
    """A prompt, and the nouns and numbers of its subjects in their order."""

    prompt: str
    subjects: tuple[tuple[str, int], ...]
    lemmas: tuple[str, ...]


def drawn(rng: np.random.Generator) -> Wording:
    """One prompt: a caption of the world now and then, or else any subjects and wording."""
    if chance(rng, _CAPTIONS):
        scene = sample_scene(rng, FULL)
        names = tuple(act.subject for act in scene.acts)
        return Wording(captions.varied(scene, rng), tuple((name, 1) for name in names), names)
    acts = casting.drawn(rng)
    text = one(rng, _SHAPES)(rng, acts)
    text = _with_camera(rng, text) if chance(rng, _CAMERA) else text
    text = text[0].upper() + text[1:]
    if not chance(rng, 0.12):
        text += "."
    told = tuple((act.noun, act.number) for act in acts)
    return Wording(text, told, tuple(act.lemma for act in acts))


# Phrases.


def _who(rng: np.random.Generator, act: Act, attribute: str = "") -> str:
    """ "a big dog", "two dogs", with a participle: "a running dog"."""
    looks = [one(rng, words()["looks"])] if chance(rng, 0.3) else []
    looks += [one(rng, words()["looks"])] if looks and chance(rng, 0.15) else []
    if act.named:
        return act.lemma
    phrase = " ".join([*dict.fromkeys(looks), *([attribute] if attribute else []), act.noun])
    if act.number > 1:
        return f"{one(rng, _COUNTS[act.number])} {phrase}"
    return f"{one(rng, ('the', 'one')) if chance(rng, 0.18) else _article(phrase)} {phrase}"


def _article(phrase: str) -> str:
    return "an" if phrase[0].lower() in "aeiou" and phrase[:2] != "un" else "a"


def _ing(verb: str) -> str:
    first, _, rest = verb.partition(" ")
    return f"{gerund(first.partition(':')[0])} {rest}".strip()


def _does(rng: np.random.Generator, act: Act) -> str:
    """ "is running" or "runs"."""
    if chance(rng, 0.5):
        return f"{'are' if act.number > 1 else 'is'} {_ing(act.verb)}"
    first, _, rest = act.verb.partition(" ")
    forms = dict(conjugated(first))
    return f"{forms['base' if act.number > 1 else 's']} {rest}".strip()


def _aside(rng: np.random.Generator, act: Act, share: float = 0.4) -> str:
    """Words behind a verb that say where, how or which way, or none."""
    if not chance(rng, share):
        return ""
    kinds = ("places", "places", "places", "adverbs", "sides", "depths")
    kind = one(rng, (*kinds, "ways", "ways") if act.goes else kinds)
    return f" {one(rng, words()[kind])}"


def _clause(rng: np.random.Generator, act: Act) -> str:
    return f"{_who(rng, act)} {_does(rng, act)}{_aside(rng, act)}"


def _seen(rng: np.random.Generator, act: Act) -> str:
    """ "a dog running in the park"."""
    return f"{_who(rng, act)} {_ing(act.verb)}{_aside(rng, act)}"


def _listed(rng: np.random.Generator, parts: Sequence[str], joint: str = "") -> str:
    """The parts in one sentence or in several; three and more often as a list."""
    joint = joint or one(rng, words()["joints"])
    if joint == ". ":
        return ". ".join([parts[0], *(part[0].upper() + part[1:] for part in parts[1:])])
    if len(parts) > 2 and chance(rng, 0.6):
        last = one(rng, (", and ", " and ", ", while "))
        return ", ".join(parts[:-1]) + last + parts[-1]
    return joint.join(parts)


# Sentences.


def _plain(rng: np.random.Generator, acts: tuple[Act, ...]) -> str:
    """A clause for everybody, the place in front of all now and then."""
    text = _listed(rng, [_clause(rng, act) for act in acts])
    return f"{one(rng, words()['places'])}, {text}" if chance(rng, 0.15) else text


def _there(rng: np.random.Generator, acts: tuple[Act, ...]) -> str:
    be = "There are" if acts[0].number > 1 else "There is"
    rest = [_clause(rng, act) for act in acts[1:]]
    return _listed(rng, [f"{be} {_seen(rng, acts[0])}", *rest])


def _opened(rng: np.random.Generator, acts: tuple[Act, ...]) -> str:
    """ "A video of a dog running and a cat sitting"."""
    opening = one(rng, words()["openings"])
    if not opening.endswith("of "):
        return opening + _plain(rng, acts)
    return opening + _listed(rng, [_seen(rng, act) for act in acts], " and ")


def _attributes(rng: np.random.Generator, acts: tuple[Act, ...]) -> str:
    """ "A running dog and a sitting cat"."""
    if any(" " in act.verb or act.named for act in acts):
        return _plain(rng, acts)
    parts = [_who(rng, act, _ing(act.verb)) + _aside(rng, act, 0.2) for act in acts]
    return _listed(rng, parts, " and ")


def _turned(rng: np.random.Generator, acts: tuple[Act, ...]) -> str:
    """ "On the left sits a cat, and ..."."""
    first, *rest = acts
    if first.deed != "sitting" or " " in first.verb:
        return _plain(rng, acts)
    verb = dict(conjugated(first.verb))["base" if first.number > 1 else "s"]
    side = one(rng, words()["sides"])
    parts = [f"{side} {verb} {_who(rng, first)}", *(_clause(rng, act) for act in rest)]
    return _listed(rng, parts)


_SHAPES = (*([_plain] * 8), _there, _opened, _opened, _attributes, _turned)


def _with_camera(rng: np.random.Generator, text: str) -> str:
    move = one(rng, one(rng, list(words()["cameras"].values())))
    way = int(rng.integers(4))
    if way == 0:
        return f"{move[0].upper()}{move[1:]}. {text[0].upper()}{text[1:]}"
    if way == 1:
        return f"As {move}, {text}"
    return f"{text}. {move[0].upper()}{move[1:]}" if way == 2 else f"{text} as {move}"
