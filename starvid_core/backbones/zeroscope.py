"""ZeroScope v2 576w, ModelScope's text-to-video model after training on 576x320 pixels.

Licence CC-BY-NC-4.0. The repository's main branch holds pickles alone; the pinned commit is that of
the hub's own conversion to safetensors (refs/pr/46), in half precision.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet3DConditionModel
from transformers import AutoTokenizer, CLIPTextModel

from starvid_core.autoencoder import FrameCodec
from starvid_core.backbones.base import Backbone
from starvid_core.config import SamplingConfig
from starvid_core.published.hub import Published, read, setting
from starvid_core.unet import UNet

WEIGHTS = Published(
    name="zeroscope",
    repository="cerspense/zeroscope_v2_576w",
    revision="1f35e3dc3350d649f342bb7618fe34ac8fae5c9e",
    gigabytes=3.7,
    pipeline="TextToVideoSDPipeline",
    parts=("unet", "vae", "text_encoder"),
    options={"height": 320, "width": 576, "frames": 16},  # Section IV-A
    excluded=("*.bin", "*.pth", "zs2_576w/*"),
)
SAMPLING = SamplingConfig(steps=50, guidance_scale=9.0)  # Section IV-A; diffusers' default scale


def load(
    weights: str | Path | None = None,
    device: str | None = None,
    dtype: torch.dtype | None = None,
    **options: int,
) -> Backbone:
    """ZeroScope from a folder or a repository in the cache; options are height, width and frames.

    Raises InputError, with the command that fetches them, when the weights are not there.
    """
    return assemble(WEIGHTS, SAMPLING, weights, device, dtype, options)


def assemble(
    published: Published,
    sampling: SamplingConfig,
    weights: str | Path | None,
    device: str | None,
    dtype: torch.dtype | None,
    options: Mapping[str, int],
    scheduler: Any = DDIMScheduler,
) -> Backbone:
    """A backbone of ModelScope's kind from the parts of a folder of diffusers."""
    size, place = published.chosen(options), published.find(weights)
    where, precision = setting(device, dtype, torch.float16)
    vae = read(place, "vae", AutoencoderKL, precision).to(where)
    return Backbone(
        name=published.name,
        network=UNet(read(place, "unet", UNet3DConditionModel, precision).to(where)),
        scheduler=scheduler.from_pretrained(place / "scheduler"),
        tokenizer=AutoTokenizer.from_pretrained(place / "tokenizer", local_files_only=True),
        text_encoder=read(place, "text_encoder", CLIPTextModel, precision).to(where),
        codec=FrameCodec(vae),
        height=size["height"],
        width=size["width"],
        frames=size["frames"],
        downscale=2 ** (len(vae.config["block_out_channels"]) - 1),
        sampling=sampling,
        fingerprint=published.identity(place, options),
    )
