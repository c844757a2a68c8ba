"""Pairs for the preference head: a clean render of a caption, and the same spoiled or wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from einops import rearrange
from torch import Tensor
from torch.utils.data import Dataset
from transformers import CLIPTokenizer

from starvid_core.moving_emoji.cast import can
from starvid_core.moving_emoji.counts import told
from starvid_core.moving_emoji.data import generator
from starvid_core.moving_emoji.edits import (
    MOST,
    free_lane,
    other_binding,
    other_motion,
    other_subject,
)
from starvid_core.moving_emoji.world import Clip, Scene, WorldConfig, act, performance, render
from starvid_core.perception.emoji import to_input
from starvid_core.perception.emoji_clip import to_frames, tokenized
from starvid_core.training.embedding_data import gathering, scattered
from starvid_core.training.judge_data import worn

SEED = 151
LENGTH = 4  # neighboring frames of a clip that an example shows
WORN = 0.5  # how often both clips of a pair are worn alike
GRAIN = (14.0, 50.0)  # standard deviation in gray levels
SCATTER = (1.2, 3.0)  # pixels

Spoil = Callable[[np.random.Generator, Clip, WorldConfig, np.ndarray], np.ndarray | None]


def grain(
    rng: np.random.Generator, clip: Clip, world: WorldConfig, times: np.ndarray
) -> np.ndarray:
    """Noise of its own in every frame, or the picture's own pixels scattered."""
    if rng.random() < 0.5:
        torn = scattered(to_input(clip.video), rng, rng.uniform(*SCATTER))
        return ((rearrange(torn, "f c y x -> f y x c") + 1) * 127.5).round().byte().numpy()
    noise = rng.normal(0, rng.uniform(*GRAIN), clip.video.shape)
    return np.clip(clip.video + noise, 0, 255).astype(np.uint8)


def missing(
    rng: np.random.Generator, clip: Clip, world: WorldConfig, times: np.ndarray
) -> np.ndarray:
    """One subject is not there."""
    k = int(rng.integers(len(clip.scene.acts)))
    acts = (*clip.scene.acts[:k], *clip.scene.acts[k + 1 :])
    return render(replace(clip.scene, acts=acts), world, times).video


def extra(
    rng: np.random.Generator, clip: Clip, world: WorldConfig, times: np.ndarray
) -> np.ndarray | None:
    """One subject more, half of the time a second copy of one that is there."""
    acts = clip.scene.acts
    if len(acts) == MOST:
        return None
    like = acts[int(rng.integers(len(acts)))]
    copied = rng.random() < 0.5
    subject, motion = (like.subject, like.motion) if copied else performance(rng, world)
    more = act(rng, subject, motion, free_lane(clip.scene), 0.0)
    return render(replace(clip.scene, acts=(*acts, more)), world, times).video


def half_drawn(
    rng: np.random.Generator, clip: Clip, world: WorldConfig, times: np.ndarray
) -> np.ndarray:
    """One subject is cut off or faint."""
    k = int(rng.integers(len(clip.scene.acts)))
    acts = (*clip.scene.acts[:k], *clip.scene.acts[k + 1 :])
    without = render(replace(clip.scene, acts=acts), world, times).video
    if rng.random() < 0.5:
        share = rng.uniform(0.3, 0.6)
        return np.round(share * clip.video + (1 - share) * without).astype(np.uint8)
    video, cut = clip.video.copy(), rng.uniform(0.35, 0.65)
    across, first = rng.random() < 0.5, rng.random() < 0.5
    for f, box in enumerate(clip.boxes[k]):
        if box is not None:
            ends = (box.x0, box.x1) if across else (box.y0, box.y1)
            size = world.width if across else world.height
            edge = round((ends[0] + cut * (ends[1] - ends[0])) * size)
            gone = slice(0, edge) if first else slice(edge, size)
            part = (f, slice(None), gone) if across else (f, gone)
            video[part] = without[part]
    return video


def frozen(
    rng: np.random.Generator, clip: Clip, world: WorldConfig, times: np.ndarray
) -> np.ndarray | None:
    """One frame stands still; what does not move anyway is not spoiled by it."""
    if np.array_equal(clip.video[0], clip.video[-1]):
        return None
    return np.repeat(clip.video[rng.integers(len(times))][None], len(times), 0)


def flickering(
    rng: np.random.Generator, clip: Clip, world: WorldConfig, times: np.ndarray
) -> np.ndarray | None:
    """The place, the light or a subject changes from frame to frame."""
    how = rng.choice(("place", "light", "subject"))
    if how == "light":
        light = rng.uniform(-40, 40, (len(times), 1, 1, 1))
        return np.clip(clip.video + light, 0, 255).astype(np.uint8)
    places = [replace(clip.scene, background=str(rng.choice(world.backgrounds))) for _ in times]
    scenes = places if how == "place" else _turns(rng, clip.scene, world, len(times))
    video = [render(s, world, times[f : f + 1]).video[0] for f, s in enumerate(scenes)]
    changed = np.stack(video)
    return None if np.array_equal(changed, clip.video) else changed


def _turns(rng: np.random.Generator, scene: Scene, world: WorldConfig, frames: int) -> list[Scene]:
    """One subject gives its place, and its motion if it can, to others and back."""
    k = int(rng.integers(len(scene.acts)))
    old = scene.acts[k]
    able = [s for s in world.subjects if can(s, old.motion)]
    chosen = [replace(old, subject=str(rng.choice(able))) for _ in range(frames)]
    return [replace(scene, acts=(*scene.acts[:k], a, *scene.acts[k + 1 :])) for a in chosen]


def wrong(
    rng: np.random.Generator, clip: Clip, world: WorldConfig, times: np.ndarray
) -> np.ndarray | None:
    """Another subject, another motion, or motions exchanged."""
    edits = (other_subject, other_motion, other_binding)
    changed = edits[int(rng.integers(len(edits)))](rng, clip.scene, world)
    return render(changed, world, times).video if changed else None


SPOILS: dict[str, Spoil] = {
    spoil.__name__: spoil
    for spoil in (grain, missing, extra, half_drawn, frozen, flickering, wrong)
}


@dataclass
class Pairs(Dataset):
    """`(clips [2, frame, 3, h, w], token ids [token], number in SPOILS)`; clip 0 is the good one.

    Half of the pairs are worn, both clips alike, so that a fault is seen through grain and blur.
    """

    world: WorldConfig
    tokenizer: CLIPTokenizer
    count: int
    seed: int = SEED

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, k: int) -> tuple[Tensor, Tensor, Tensor]:
        rng = generator(self.seed, k)
        kind = k % len(SPOILS)
        good, bad, caption = self.pair(rng, kind)
        clips = [to_frames(good), to_frames(bad)]
        if rng.random() < WORN:
            clips = [worn(clip, generator(self.seed + 1, k)) for clip in clips]
        ids = tokenized(self.tokenizer, [caption])[0]
        return torch.stack(clips), ids, torch.tensor(kind)

    def pair(self, rng: np.random.Generator, kind: int) -> tuple[np.ndarray, np.ndarray, str]:
        """A clean clip, the spoiled one and their caption; drawn again where `kind` spoils not."""
        spoil = list(SPOILS.values())[kind]
        while True:
            scene = gathering(rng, self.world)
            first = int(rng.integers(self.world.frames - LENGTH + 1))
            times = np.linspace(0, 1, self.world.frames)[first : first + LENGTH]
            clip = render(scene, self.world, times)
            bad = spoil(rng, clip, self.world, times)
            if bad is not None:
                return clip.video, bad, told(scene, rng)
