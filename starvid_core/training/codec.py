"""Training of the latent codec on crowded frames of the world.

Run as a part of `starvid train model`; it goes on where it was stopped.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import Dataset

from starvid_core.artifacts import write_json, write_manifest, writing_folder
from starvid_core.moving_emoji.codec import CodecConfig, PatchCodec, psnr, to_float
from starvid_core.moving_emoji.data import generator
from starvid_core.moving_emoji.world import WORLDS, WorldConfig, render
from starvid_core.paths import BUILD
from starvid_core.training.fit import Fit, fit
from starvid_core.training.judge_data import crowd

SEED = 33
RECIPE = Fit("codec", 2500, 16)
MOST_NOISE = 0.3  # of the latents, whose deviation is 1


@dataclass
class Stills(Dataset):
    """Single frames with one to four subjects, float `[3, 1, height, width]`."""

    world: WorldConfig
    count: int
    seed: int = SEED

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, k: int) -> Tensor:
        rng = generator(self.seed, k)
        clip = render(crowd(rng, self.world), self.world, rng.uniform(0, 1, 1))
        return to_float(torch.from_numpy(clip.video[None]))[0]


def loss_of(codec: PatchCodec, video: Tensor) -> Tensor:
    """Absolute and squared error of the colors, from latents with more or less noise."""
    with torch.no_grad():
        z = codec.encode(video)
        z = z + MOST_NOISE * torch.rand(len(z), 1, 1, 1, 1) * torch.randn_like(z)
        left = video - codec.linear(z)
    with torch.autocast(video.device.type, torch.bfloat16):
        added = codec.learned(z)
    error = added.float() - left
    return error.abs().mean() + 2 * error.square().mean()


def frames(world: WorldConfig, count: int, seed: int) -> Tensor:
    return torch.stack([Stills(world, count, seed)[k] for k in range(count)])


@torch.no_grad()
def accuracy(codec: PatchCodec, world: WorldConfig, count: int = 256) -> dict[str, float]:
    """In dB, on frames never trained on: of the components alone, and of the whole codec."""
    video = frames(world, count, SEED + 2)
    z = codec.encode(video)
    linear, whole = psnr(codec.linear(z), video), psnr(codec.decode(z), video)
    return {"linear_psnr": round(linear, 2), "psnr": round(whole, 2), "frames": count}


def train(
    world_name: str = "full", config: CodecConfig | None = None, recipe: Fit = RECIPE
) -> Path:
    """Fit the encoder of a world and train its decoder; returns their folder."""
    torch.manual_seed(SEED)
    world, folder = WORLDS[world_name], BUILD / "train" / f"codec-{world_name}"
    codec = PatchCodec(**asdict(config or CodecConfig()))
    codec.fit(frames(world, 512, SEED + 1))
    fit(codec, Stills(world, recipe.steps * recipe.batch), recipe, folder, loss_of)
    return export(codec, world, folder / "model")


def export(codec: PatchCodec, world: WorldConfig, folder: Path) -> Path:
    """Write the codec in half precision with its accuracy on unseen frames."""
    with writing_folder(folder) as place:
        write_json(place / "accuracy.json", accuracy(codec, world))
        codec.half().save_pretrained(place / "codec")
        write_manifest(place)
    return folder
