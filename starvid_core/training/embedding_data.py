"""Examples for the embedding: twin frames that differ in one thing, and captions of both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor
from torch.nn import functional
from torch.utils.data import Dataset
from transformers import CLIPTokenizer

from starvid_core.moving_emoji.counts import told
from starvid_core.moving_emoji.data import generator
from starvid_core.moving_emoji.edits import MOST, assembled, edited
from starvid_core.moving_emoji.world import Clip, Scene, WorldConfig, performance, render
from starvid_core.perception.emoji_clip import to_frames, tokenized
from starvid_core.scene import Box
from starvid_core.training.judge_data import readable, seen_through, stretched, worn

SEED = 131
COUNTS = {1: 0.45, 2: 0.35, 3: 0.12, 4: 0.08}
TWICE = 0.2  # how often a further subject is like the one before
NAMED = 0.6  # how often the caption says where
TORN = 0.25  # how often the pixels of a frame are scattered
KEPT = 0.7  # share of a subject's width that a stretched view must keep
ANYWHERE = -1
TRIES = 4


def gathering(rng: np.random.Generator, world: WorldConfig) -> Scene:
    """One to four subjects side by side, some of a kind; the place is named now and then."""
    count = int(rng.choice(list(COUNTS), p=list(COUNTS.values())))
    chosen = [performance(rng, world)]
    while len(chosen) < count:
        chosen.append(chosen[-1] if rng.random() < TWICE else performance(rng, world))
    place = str(rng.choice(world.backgrounds))
    return assembled(rng, chosen, place, named=bool(rng.random() < NAMED))


def facts(scene: Scene, world: WorldConfig, told: bool) -> list[int]:
    """Who does what (sorted, padded) and where: `told` says no place where the caption says none.

    A caption is true of a frame exactly if `true_of` says so of their facts.
    """
    known = {pair: k for k, pair in enumerate(world.performances())}
    acts = sorted(known[a.subject, a.motion] for a in scene.acts)
    place = world.backgrounds.index(scene.background)
    padded = [*acts, *[ANYWHERE] * (MOST - len(acts))]
    return [*padded, ANYWHERE if told and not scene.named else place]


def true_of(
    captions: Int[Tensor, "caption fact"], frames: Int[Tensor, "frame fact"]
) -> Bool[Tensor, "frame caption"]:
    """Which caption is true of which frame."""
    acts = (frames[:, None, :-1] == captions[None, :, :-1]).all(-1)
    place = (captions[None, :, -1] == ANYWHERE) | (frames[:, None, -1] == captions[None, :, -1])
    return acts & place


def moment(rng: np.random.Generator, scene: Scene, world: WorldConfig) -> Clip:
    """One frame at a random time, drawn again a few times where one subject hides another."""
    for _ in range(TRIES):
        clip = render(scene, world, rng.uniform(0, 1, 1))
        if readable(clip.boxes):
            break
    return clip


def viewed(clip: Clip, rng: np.random.Generator) -> Tensor:
    """The one frame `[3, *SIZE]` of a clip as a generator would leave it: stretched and worn."""
    frames = to_frames(clip.video)
    view, how = stretched(frames, rng)
    if all(_kept(row[0], how) for row in clip.boxes):
        frames = view
    if rng.random() < TORN:
        frames = scattered(frames, rng, rng.uniform(1, 2.5))
    return worn(frames, rng)[0]


def scattered(frames: Tensor, rng: np.random.Generator, reach: float) -> Tensor:
    """Every pixel from a random place at most `reach` pixels away: texture without form."""
    count, _, height, width = frames.shape
    scale = np.array([2 / width, 2 / height]) * reach
    moved = rng.uniform(-1, 1, (count, height, width, 2)) * scale
    still = torch.eye(2, 3).expand(count, 2, 3)
    grid = functional.affine_grid(still, list(frames.shape), align_corners=False)
    grid = grid + torch.from_numpy(moved).float()
    return functional.grid_sample(
        frames, grid, mode="nearest", padding_mode="border", align_corners=False
    )


def _kept(box: Box | None, view: np.ndarray) -> bool:
    """Whether a stretched view still shows enough of a subject to be told by."""
    if box is None:
        return False
    return bool(seen_through(box, view)[2] * view[0] >= KEPT * box.width)


@dataclass
class Twins(Dataset):
    """Two worn frames, the second with one thing changed, and four captions.

    Captions 0 and 1 are those of the frames, 2 and 3 those of further changes of each, which no
    frame shows. An item is `(frames [2, 3, h, w], token ids [4, token], facts of the frames
    [2, fact], facts of the captions [4, fact])`.
    """

    world: WorldConfig
    tokenizer: CLIPTokenizer
    count: int
    seed: int = SEED

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, k: int) -> tuple[Tensor, ...]:
        rng = generator(self.seed, k)
        first = gathering(rng, self.world)
        second = edited(rng, first, self.world)[1]
        told_of = [first, second, *(edited(rng, s, self.world)[1] for s in (first, second))]
        clips = [moment(rng, scene, self.world) for scene in (first, second)]
        ids = tokenized(self.tokenizer, [told(scene, rng) for scene in told_of])
        shown = [facts(scene, self.world, told=False) for scene in (first, second)]
        said = [facts(scene, self.world, told=True) for scene in told_of]
        frames = torch.stack([viewed(clip, rng) for clip in clips])
        return frames, ids, torch.tensor(shown), torch.tensor(said)
