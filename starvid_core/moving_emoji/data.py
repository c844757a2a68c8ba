"""Training examples, drawn when asked for: example k is the same on every machine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset
from transformers import CLIPTokenizer

from starvid_core.moving_emoji import transitions
from starvid_core.moving_emoji.captions import varied
from starvid_core.moving_emoji.world import Clip, WorldConfig, render, sample_scene


def generator(seed: int, index: int) -> np.random.Generator:
    """The random stream of example `index`."""
    return np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, index, 0]))


def example(world: WorldConfig, seed: int, index: int, images: bool) -> tuple[Clip, str]:
    """Clip and caption number `index`; `images` gives one frame at a random moment."""
    rng = generator(seed, index)
    changes = world.transition_share and rng.random() < world.transition_share
    scene = transitions.sample_scene(rng, world) if changes else sample_scene(rng, world)
    times = rng.uniform(0, 1, 1) if images else None
    text = scene.told.prompt if scene.told else varied(scene, rng)
    return render(scene, world, times), text


@dataclass
class Clips(Dataset):
    """Examples `first` and on, as `(uint8 [frame, height, width, 3], token ids)`."""

    world: WorldConfig
    tokenizer: CLIPTokenizer
    seed: int
    first: int
    count: int
    images: bool

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, k: int) -> tuple[Tensor, Tensor]:
        clip, text = example(self.world, self.seed, self.first + k, self.images)
        ids = self.tokenizer(
            text, padding="max_length", truncation=True, max_length=self.tokenizer.model_max_length
        ).input_ids
        return torch.from_numpy(clip.video), torch.tensor(ids)
