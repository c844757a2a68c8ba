"""Wan 2.1, 1.3 billion parameters: a transformer with cross-attention, trained by flow matching.

Team Wan: "Wan: Open and Advanced Large-Scale Video Generative Models", arXiv:2503.20314. Licence
Apache-2.0. Two halves of classifier-free guidance go through it in one batch, where diffusers' own
pipeline runs it twice. Prompts are read as they are written; the pipeline also unescapes HTML.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanTransformer3DModel
from einops import einsum, rearrange
from jaxtyping import Float
from torch import Tensor, nn
from transformers import AutoTokenizer, UMT5EncoderModel

from starvid_core.backbones.base import Backbone
from starvid_core.config import SamplingConfig
from starvid_core.network import Call, Shape, Site, check_blocks, refuse_stages
from starvid_core.published.hub import Published, read, setting

WEIGHTS = Published(
    name="wan",
    repository="Wan-AI/Wan2.1-T2V-1.3B-Diffusers",
    revision="0fad780a534b6463e45facd96134c9f345acfa5b",
    gigabytes=28.9,
    pipeline="WanPipeline",
    parts=("transformer", "vae", "text_encoder"),
    # Which blocks carry layout is not measured yet: every second one of the middle third.
    options={"height": 480, "width": 832, "frames": 81, "blocks": (10, 12, 14, 16, 18)},
    unit=16,
    stride=4,
)
SAMPLING = SamplingConfig(steps=50, guidance_scale=5.0)  # defaults of diffusers' WanPipeline
TOKENS = 512  # of a prompt; the pipeline's max_sequence_length


def load(
    weights: str | Path | None = None,
    device: str | None = None,
    dtype: torch.dtype | None = None,
    **options: Any,
) -> Backbone:
    """Wan 2.1 from a folder or a repository in the cache.

    Options are height, width, frames, and the `blocks` whose cross-attention gives the maps A.
    Raises InputError, with the command that fetches them, when the weights are not there.
    """
    chosen, place = WEIGHTS.chosen(options), WEIGHTS.find(weights)
    where, precision = setting(device, dtype, torch.bfloat16)
    transformer = read(place, "transformer", WanTransformer3DModel, precision).to(where)
    # In float32, as the model's authors run it.
    vae = read(place, "vae", AutoencoderKLWan, torch.float32).to(where)
    return Backbone(
        name=WEIGHTS.name,
        network=Wan(transformer, tuple(chosen["blocks"])),
        scheduler=UniPCMultistepScheduler.from_pretrained(place / "scheduler"),
        tokenizer=AutoTokenizer.from_pretrained(
            place / "tokenizer", model_max_length=TOKENS, local_files_only=True
        ),
        text_encoder=read(place, "text_encoder", UMT5EncoderModel, precision).to(where),
        codec=WanCodec(vae),
        frames=chosen["frames"],
        height=chosen["height"],
        width=chosen["width"],
        downscale=vae.config["scale_factor_spatial"],
        stride=vae.config["scale_factor_temporal"],
        rate=16,
        latent_dtype=torch.float32,
        embed=trimmed,
        sampling=SAMPLING,
        fingerprint=WEIGHTS.identity(place, options),
    )


def trimmed(text_encoder: nn.Module, ids: Tensor, mask: Tensor) -> Tensor:
    """The embeddings of the prompt's own tokens, then zeros."""
    text = text_encoder(ids, attention_mask=mask).last_hidden_state
    return text.masked_fill(mask[..., None] == 0, 0)


@dataclass(frozen=True)
class Wan:
    """A `WanTransformer3DModel` as a network; its sites are the cross-attention of all blocks.

    Tokens of the video are in the order frame, h, w, with one frame to a patch.
    """

    module: WanTransformer3DModel
    blocks: tuple[int, ...]

    def __post_init__(self) -> None:
        check_blocks(self.blocks, len(self.module.blocks))

    @property
    def channels(self) -> int:
        return self.module.config["in_channels"]

    @property
    def patch(self) -> int:
        return self.module.config["patch_size"][-1]

    def predict(self, z: Tensor, timestep: Tensor | int, text: Tensor) -> Tensor:
        return self.module(
            hidden_states=z.to(self.module.dtype),
            timestep=torch.as_tensor(timestep, device=z.device).expand(len(z)),
            encoder_hidden_states=text,
            return_dict=False,
        )[0]

    def shape(self, args: tuple, kwargs: dict[str, Any]) -> Shape:
        return Shape(*kwargs["hidden_states"].shape[-3:])

    def sites(self) -> dict[str, Site]:
        layers = [block.attn2 for block in self.module.blocks]
        return {
            f"blocks.{n}.attn2": Site(
                layer,
                "text",
                layer.heads,
                self.map_size,
                masked,
                partial(probabilities, layer),
                (layer.to_k, layer.to_v),
            )
            for n, layer in enumerate(layers)
        }

    def units(self) -> dict[str, int]:
        return {f"blocks.{n}": 0 for n in range(len(self.module.blocks))}

    def select(self, stages: tuple[str, ...]) -> tuple[str, ...]:
        refuse_stages(stages)
        return tuple(f"blocks.{n}.attn2" for n in self.blocks)

    def map_size(self, h: int, w: int) -> tuple[int, int]:
        return h // self.patch, w // self.patch


def masked(args: tuple, kwargs: dict[str, Any], logits: Tensor) -> Call:
    """The mask is the third argument of a layer, for all heads."""
    mask = rearrange(logits, "batch frame pixel token -> batch 1 (frame pixel) token")
    hidden, text, _, *others = args
    return (hidden, text, mask.to(hidden), *others), kwargs


def probabilities(
    layer: Any, args: tuple, kwargs: dict[str, Any], shape: Shape
) -> Float[Tensor, "batch frame head pixel token"]:
    """Softmax over all tokens in float32; queries and keys are normed before they are split."""
    hidden, text, mask, *_ = args
    query = rearrange(
        layer.norm_q(layer.to_q(hidden)),
        "batch (frame pixel) (head dim) -> batch frame head pixel dim",
        frame=shape.frames,
        head=layer.heads,
    )
    key = rearrange(
        layer.norm_k(layer.to_k(text)),
        "batch token (head dim) -> batch head token dim",
        head=layer.heads,
    )
    scores = einsum(
        query.float() * query.shape[-1] ** -0.5,
        key.float(),
        "batch frame head pixel dim, batch head token dim -> batch frame head pixel token",
    )
    if mask is not None:
        pattern = "batch 1 (frame pixel) token -> batch frame 1 pixel token"
        scores = scores + rearrange(mask.float(), pattern, frame=shape.frames)
    return torch.softmax(scores, -1)


@dataclass(frozen=True)
class WanCodec:
    """Wan's causal autoencoder; every channel of the latents has its own mean and deviation."""

    vae: AutoencoderKLWan

    def _of_channels(self, name: str) -> Float[Tensor, "channel 1 1 1"]:
        values = torch.tensor(self.vae.config[name], device=self.vae.device)
        return rearrange(values, "channel -> channel 1 1 1").to(self.vae.dtype)

    def encode(self, video: Tensor) -> Tensor:
        """[batch, 3, frame, height, width] in [-1, 1] to the means of the latents, scaled."""
        latents = self.vae.encode(video.to(self.vae.dtype)).latent_dist.mode()
        return (latents - self._of_channels("latents_mean")) / self._of_channels("latents_std")

    def decode(self, latents: Tensor) -> Tensor:
        """[batch, channel, frame, h, w] to [batch, 3, frame, height, width], one at a time."""
        z = latents.to(self.vae.dtype) * self._of_channels("latents_std")
        videos = (z + self._of_channels("latents_mean")).split(1)
        return torch.cat([self.vae.decode(video).sample for video in videos])
