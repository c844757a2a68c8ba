"""ModelScope's text-to-video model, 1.7 billion parameters with all its parts.

Jiuniu Wang, Hangjie Yuan, Dayou Chen, Yingya Zhang, Xiang Wang, Shiwei Zhang: "ModelScope
Text-to-Video Technical Report", arXiv:2308.06571. Licence CC-BY-NC-4.0. Of ZeroScope's kind, with
other weights and another size: 256x256 pixels.
"""

from __future__ import annotations

from pathlib import Path

import torch

from starvid_core.backbones import zeroscope
from starvid_core.backbones.base import Backbone
from starvid_core.config import SamplingConfig
from starvid_core.published.hub import Published

WEIGHTS = Published(
    name="modelscope",
    repository="ali-vilab/text-to-video-ms-1.7b",
    revision="8227dddca75a8561bf858d604cc5dae52b954d01",
    gigabytes=7.3,
    pipeline="TextToVideoSDPipeline",
    parts=("unet", "vae", "text_encoder"),
    options={"height": 256, "width": 256, "frames": 16},
    excluded=("*.bin", "*.fp16.safetensors"),
)
SAMPLING = SamplingConfig(steps=50, guidance_scale=9.0)


def load(
    weights: str | Path | None = None,
    device: str | None = None,
    dtype: torch.dtype | None = None,
    **options: int,
) -> Backbone:
    """ModelScope from a folder or a repository in the cache; options are height, width, frames."""
    return zeroscope.assemble(WEIGHTS, SAMPLING, weights, device, dtype, options)
