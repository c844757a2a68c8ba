"""How well the embedding and its preference head read renders that they were not trained on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from starvid_core.moving_emoji.counts import told
from starvid_core.moving_emoji.data import generator
from starvid_core.moving_emoji.edits import EDITS, edited
from starvid_core.moving_emoji.world import Scene, WorldConfig
from starvid_core.perception.emoji_clip import (
    EmojiClip,
    image_features,
    text_features,
    to_frames,
    tokenized,
)
from starvid_core.training.embedding_data import SEED, facts, gathering, moment, true_of, viewed
from starvid_core.training.preference_data import SPOILS, Pairs

CAPTIONS, HARD = 32, 8
HELD_OUT = SEED + 1000  # the streams of examples that no training draws from
# Ours, set before the first training: chance is 1/32 for retrieval and 1/2 for the others.
TARGETS = {"retrieval": 0.9, "retrieval_worn": 0.85, "against_each": 0.93, "preference": 0.9}


@dataclass
class Question:
    """One scene, its true caption first among 32, and which edit made each of the hard ones."""

    scene: Scene
    captions: list[str]
    edits: dict[int, str] = field(default_factory=dict)


def question(k: int, world: WorldConfig) -> Question:
    """A scene with 8 captions of single changes of it and 23 of other scenes, all untrue."""
    rng = generator(HELD_OUT, k)
    scene = gathering(rng, world)
    asked = Question(scene, [told(scene, rng)])
    for source, enough in ((_changes, 1 + HARD), (_others, CAPTIONS)):
        for kind, other in source(rng, scene, world):
            caption = told(other, rng)
            if caption not in asked.captions and not _true(other, scene, world):
                if kind:
                    asked.edits[len(asked.captions)] = kind
                asked.captions.append(caption)
            if len(asked.captions) == enough:
                break
    return asked


def _changes(
    rng: np.random.Generator, scene: Scene, world: WorldConfig
) -> Iterator[tuple[str, Scene]]:
    """Each edit that the scene admits, then any of them without end."""
    for name, edit in EDITS.items():
        changed = edit(rng, scene, world)
        if changed is not None:
            yield name, changed
    while True:
        yield edited(rng, scene, world)


def _others(
    rng: np.random.Generator, scene: Scene, world: WorldConfig
) -> Iterator[tuple[str, Scene]]:
    while True:
        yield "", gathering(rng, world)


def _true(said: Scene, shown: Scene, world: WorldConfig) -> bool:
    """Whether a caption of the one scene is true of the other."""
    captions = torch.tensor([facts(said, world, told=True)])
    return bool(true_of(captions, torch.tensor([facts(shown, world, told=False)])))


@torch.no_grad()
def retrieval(embedding: EmojiClip, world: WorldConfig, count: int) -> dict[str, object]:
    """Whether the true caption is the nearest of 32, and nearer than each kind of hard one."""
    right: dict[str, list[bool]] = defaultdict(list)
    against: dict[str, list[bool]] = defaultdict(list)
    for k in range(count):
        asked, rng = question(k, world), generator(HELD_OUT + 1, k)
        clip = moment(rng, asked.scene, world)
        frames = torch.stack([to_frames(clip.video)[0], viewed(clip, rng)])
        said = text_features(embedding.model, tokenized(embedding.tokenizer, asked.captions))
        clean, worn = image_features(embedding.model, frames)[1] @ said.T
        right["clean"].append(int(clean.argmax()) == 0)
        right["worn"].append(int(worn.argmax()) == 0)
        right[f"{len(asked.scene.acts)} subjects"].append(right["clean"][-1])
        for place, kind in asked.edits.items():
            against[kind].append(bool(clean[0] > clean[place]))
    by_number = {n: _share(right[n]) for n in sorted(right) if n[0].isdigit()}
    return {
        "retrieval": _share(right["clean"]),
        "retrieval_worn": _share(right["worn"]),
        "retrieval_by_number": by_number,
        "against": {kind: _share(won) for kind, won in sorted(against.items())},
        "captions": CAPTIONS,
        "hard_captions": HARD,
        "frames": count,
    }


@torch.no_grad()
def preference(embedding: EmojiClip, world: WorldConfig, count: int) -> dict[str, object]:
    """How often the clean clip of a pair is preferred, in all and for every kind of fault."""
    pairs = Pairs(world, embedding.tokenizer, count, HELD_OUT + 2)
    won: dict[str, list[bool]] = defaultdict(list)
    for clips, ids, kinds in DataLoader(pairs, 20):
        said = text_features(embedding.model, ids)
        good, bad = (_scores(embedding, part, said) for part in clips.unbind(1))
        for kind, better in zip(kinds.tolist(), (good > bad).tolist(), strict=True):
            won[list(SPOILS)[kind]].append(better)
    return {
        "preference": _share([w for part in won.values() for w in part]),
        "preference_by_fault": {kind: _share(part) for kind, part in won.items()},
        "pairs": count,
    }


def _scores(embedding: EmojiClip, clips: Tensor, said: Tensor) -> Tensor:
    pooled, seen = image_features(embedding.model, clips.flatten(0, 1))
    size = tuple(clips.shape[:2])
    return embedding.head(pooled.unflatten(0, size), seen.unflatten(0, size), said)


def accuracy(embedding: EmojiClip, world: WorldConfig, count: int = 500) -> dict[str, object]:
    """Both, with the targets that we set."""
    found = retrieval(embedding, world, count) | preference(embedding, world, count)
    return found | {"targets": TARGETS}


def _share(right: list[bool]) -> float:
    return round(float(np.mean(right)), 4)
