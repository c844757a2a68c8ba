"""The embedded backbone: the Moving-Emoji model that this repository trained and ships."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import DDIMScheduler, UNet3DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from starvid_core import paths
from starvid_core.artifacts import read_json, verify_manifest
from starvid_core.backbones.base import Backbone
from starvid_core.config import SamplingConfig
from starvid_core.moving_emoji.codec import load_codec
from starvid_core.unet import UNet
from starvid_core.weights import fill

SAMPLING = SamplingConfig(steps=25, guidance_scale=3.0)


def load(
    weights: Path | None = None, device: str = "cpu", dtype: torch.dtype = torch.float32
) -> Backbone:
    """The model in the folder `weights`, by default the shipped one; every file has its hash.

    Raises InputError for files that are missing, changed, incomplete or not finite.
    """
    place = Path(weights or paths.CHECKPOINTS / "emoji")
    fingerprint = verify_manifest(place)
    unet = UNet3DConditionModel.from_config(UNet3DConditionModel.load_config(place / "unet"))
    codec = load_codec(place / "codec", device, dtype)
    text_encoder = CLIPTextModel(CLIPTextConfig.from_pretrained(place / "text_encoder"))
    world = read_json(place / "world.json")
    return Backbone(
        name="emoji",
        network=UNet(fill(unet, place / "unet", dtype).to(device)),
        scheduler=DDIMScheduler.from_pretrained(place / "scheduler"),
        tokenizer=CLIPTokenizer.from_pretrained(place / "tokenizer"),
        text_encoder=fill(text_encoder, place / "text_encoder", dtype).to(device),
        codec=codec,
        frames=world["frames"],
        height=world["height"],
        width=world["width"],
        downscale=codec.config.patch,
        sampling=SAMPLING,
        fingerprint=fingerprint,
        subjects=frozenset(world["subjects"]),
        motions=frozenset(world["motions"]),
    )
