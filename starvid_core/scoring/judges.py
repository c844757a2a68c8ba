"""Who judges: the embedded judge or the published models, each metric by the look that it needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starvid_core import paths
from starvid_core.artifacts import fingerprint
from starvid_core.errors import InputError
from starvid_core.options import known
from starvid_core.published.pretrained import CLIP_VIT_L, GROUNDING_DINO, PICK_SCORE, Pretrained
from starvid_core.scoring.looks import (
    Asking,
    Detecting,
    Embedding,
    Emoji,
    Following,
    Look,
    Options,
)


@dataclass(frozen=True)
class Kind:
    """How a look is made, and what can be said against it before any video is looked at."""

    load: Callable[[Options], Look]
    check: Callable[[Options], object]


def of_weights(look: Callable[[Options, Pretrained], Look], source: Pretrained) -> Kind:
    """A look by these weights, which have to be here."""
    return Kind(lambda o: look(o, source), lambda o: source.folder(o.models))


EMOJI = Kind(Emoji, lambda options: fingerprint(paths.CHECKPOINTS / "judge"))
CLIP = of_weights(Embedding, CLIP_VIT_L)
PREFERENCE = of_weights(Embedding, PICK_SCORE)
DETECTOR = of_weights(Detecting, GROUNDING_DINO)
TRACKER = Kind(Following, Following.check)
MLLM = Kind(Asking, Asking.check)

# What each judge can say, in the order of the paper's tables.
JUDGES: dict[str, dict[str, Kind]] = {
    "emoji": {"numeracy": EMOJI, "action_binding": EMOJI, "layout": EMOJI, "dsr": EMOJI},
    "published": {
        "pick_score": PREFERENCE,
        "clip_i": CLIP,
        "clip_t": CLIP,
        "numeracy": DETECTOR,
        "action_binding": MLLM,
        "layout": DETECTOR,
        "dsr": TRACKER,
    },
}
# Metrics of prompts of one kind, which are scored when they are named.
NAMED = ("dsr",)


def chosen(judge: str, metrics: Sequence[str] = ()) -> dict[Kind, list[str]]:
    """These metrics of a judge, or all that any prompt can be asked for, by look, so that each
    model is loaded once.

    Raises InputError for a judge or a metric that there is not.
    """
    served = JUDGES[known("judge", judge, list(JUDGES))]
    looks: dict[Kind, list[str]] = {}
    for name in dict.fromkeys(metrics) or [name for name in served if name not in NAMED]:
        kind = served[known(f"metric of the {judge} judge", name, list(served))]
        looks.setdefault(kind, []).append(name)
    return looks


def missing(judge: str, options: Options, metrics: Sequence[str] = ()) -> dict[str, str]:
    """The metrics that cannot be scored here, each with what to do."""
    found: dict[str, str] = {}
    for kind, names in chosen(judge, metrics).items():
        try:
            kind.check(options)
        except InputError as error:
            found |= dict.fromkeys(names, str(error))
    return found
