"""CogVideoX-2B: a transformer in which words and pixels attend to each other in one sequence.

Zhuoyi Yang et al.: "CogVideoX: Text-to-Video Diffusion Models with An Expert Transformer",
arXiv:2408.06072. Licence Apache-2.0. Its maps are the block of the joint attention whose queries
are pixels and whose keys are words: shares of a softmax over words and pixels, so that those of one
pixel sum to less than 1. The 5B models, with rotary positions, are not supported.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKLCogVideoX,
    CogVideoXDDIMScheduler,
    CogVideoXTransformer3DModel,
)
from diffusers.models.attention_processor import Attention
from einops import rearrange
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad, scaled_dot_product_attention
from transformers import AutoTokenizer, T5EncoderModel

from starvid_core.backbones.base import Backbone
from starvid_core.config import SamplingConfig
from starvid_core.errors import InputError
from starvid_core.network import Call, Shape, Site, check_blocks, refuse_stages
from starvid_core.published.hub import Published, read, setting

WEIGHTS = Published(
    name="cogvideox",
    repository="zai-org/CogVideoX-2b",
    revision="1137dacfc2c9c012bed6a0793f4ecf2ca8e7ba01",
    gigabytes=13.8,
    pipeline="CogVideoXPipeline",
    parts=("transformer", "vae", "text_encoder"),
    # Which blocks carry layout is not measured yet: every second one of the middle third.
    options={"height": 480, "width": 720, "frames": 49, "blocks": (10, 12, 14, 16, 18)},
    unit=16,
    stride=4,
)
SAMPLING = SamplingConfig(steps=50, guidance_scale=6.0)  # of the model card


def load(
    weights: str | Path | None = None,
    device: str | None = None,
    dtype: torch.dtype | None = None,
    **options: Any,
) -> Backbone:
    """CogVideoX-2B from a folder or a repository in the cache.

    Options are height, width, frames, and the `blocks` whose attention gives the maps A. Raises
    InputError, with the command that fetches them, when the weights are not there.
    """
    chosen, place = WEIGHTS.chosen(options), WEIGHTS.find(weights)
    where, precision = setting(device, dtype, torch.float16)
    transformer = read(place, "transformer", CogVideoXTransformer3DModel, precision).to(where)
    vae = read(place, "vae", AutoencoderKLCogVideoX, precision).to(where)
    return Backbone(
        name=WEIGHTS.name,
        network=CogVideoX(transformer, tuple(chosen["blocks"])),
        scheduler=CogVideoXDDIMScheduler.from_pretrained(place / "scheduler"),
        tokenizer=AutoTokenizer.from_pretrained(
            place / "tokenizer",
            model_max_length=transformer.config["max_text_seq_length"],
            local_files_only=True,
        ),
        text_encoder=read(place, "text_encoder", T5EncoderModel, precision).to(where),
        codec=CogVideoXCodec(vae),
        frames=chosen["frames"],
        height=chosen["height"],
        width=chosen["width"],
        downscale=2 ** (len(vae.config["block_out_channels"]) - 1),
        stride=int(vae.config["temporal_compression_ratio"]),
        sampling=SAMPLING,
        fingerprint=WEIGHTS.identity(place, options),
    )


@dataclass(frozen=True)
class CogVideoX:
    """A `CogVideoXTransformer3DModel` as a network; its sites are the attention of all blocks.

    Its own latents have their frames before their channels, and its sequence has the words first,
    then the pixels in the order frame, h, w.
    """

    module: CogVideoXTransformer3DModel
    blocks: tuple[int, ...]

    def __post_init__(self) -> None:
        check_blocks(self.blocks, len(self.module.transformer_blocks))
        config = self.module.config
        if config["use_rotary_positional_embeddings"] or config["patch_size_t"]:
            raise InputError(
                "of CogVideoX only 2B is supported; this one has rotary positions or patches of "
                "several frames"
            )

    @property
    def channels(self) -> int:
        return self.module.config["in_channels"]

    @property
    def patch(self) -> int:
        return self.module.config["patch_size"]

    def predict(self, z: Tensor, timestep: Tensor | int, text: Tensor) -> Tensor:
        prediction = self.module(
            hidden_states=rearrange(z, "batch channel frame h w -> batch frame channel h w"),
            encoder_hidden_states=text,
            timestep=torch.as_tensor(timestep, device=z.device).expand(len(z)),
            return_dict=False,
        )[0]
        # In float32 from here on, as in diffusers' own pipeline.
        return rearrange(prediction.float(), "batch frame channel h w -> batch channel frame h w")

    def shape(self, args: tuple, kwargs: dict[str, Any]) -> Shape:
        _, frames, _, h, w = kwargs["hidden_states"].shape
        return Shape(frames, h, w)

    def sites(self) -> dict[str, Site]:
        layers = [block.attn1 for block in self.module.transformer_blocks]
        return {
            _name(n): Site(
                layer,
                "text",
                layer.heads,
                self.map_size,
                partial(masked, layer),
                partial(probabilities, layer),
            )
            for n, layer in enumerate(layers)
        }

    def units(self) -> dict[str, int]:
        return {f"transformer_blocks.{n}": 0 for n in range(len(self.module.transformer_blocks))}

    def select(self, stages: tuple[str, ...]) -> tuple[str, ...]:
        refuse_stages(stages)
        return tuple(_name(n) for n in self.blocks)

    def map_size(self, h: int, w: int) -> tuple[int, int]:
        return h // self.patch, w // self.patch


def _name(block: int) -> str:
    return f"transformer_blocks.{block}.attn1"


def masked(layer: Attention, args: tuple, kwargs: dict[str, Any], logits: Tensor) -> Call:
    """Logits for pixels that look at words; pixels and words look at everything else as before.

    One mask serves all heads: the layer would copy it for each, 30 times 600 MB at full size, so
    that its method for this stands aside until the call is over.
    """
    words, pixels = kwargs["encoder_hidden_states"].shape[1], kwargs["hidden_states"].shape[1]
    block = rearrange(logits, "batch frame pixel token -> batch 1 (frame pixel) token")
    mask = pad(block, (0, pixels, words, 0)).to(kwargs["hidden_states"])

    def undo(*_: object) -> None:
        del layer.prepare_attention_mask
        hook.remove()

    layer.prepare_attention_mask = lambda given, *_: given
    hook = layer.register_forward_hook(undo, always_call=True)
    return args, kwargs | {"attention_mask": mask.expand(-1, layer.heads, -1, -1)}


def probabilities(
    layer: Attention, args: tuple, kwargs: dict[str, Any], shape: Shape
) -> Float[Tensor, "batch frame head pixel token"]:
    """What pixels give to words of a softmax over words and pixels, in float32.

    Attention with the unit matrix for the values of the words and zeros for those of the pixels
    returns just these columns, so that a fused kernel never holds the whole square.
    """
    words, pixels = kwargs["encoder_hidden_states"], kwargs["hidden_states"]
    split = partial(rearrange, pattern=SPLIT, head=layer.heads)
    query = layer.norm_q(split(layer.to_q(pixels))).float()
    key = layer.norm_k(split(layer.to_k(torch.cat([words, pixels], 1)))).float()
    count = words.shape[1]
    # Fused kernels want widths of whole multiples of 8.
    unit = pad(torch.eye(count, device=key.device), (0, -count % 8, 0, pixels.shape[1]))
    value = unit.expand(*key.shape[:2], -1, -1)
    mask = kwargs.get("attention_mask")
    rows = None if mask is None else mask[:, :, count:].float()
    shares = scaled_dot_product_attention(query, key, value, rows, scale=layer.scale)
    pattern = "batch head (frame pixel) token -> batch frame head pixel token"
    return rearrange(shares[..., :count], pattern, frame=shape.frames)


SPLIT = "batch token (head dim) -> batch head token dim"


@dataclass(frozen=True)
class CogVideoXCodec:
    """CogVideoX's causal autoencoder."""

    vae: AutoencoderKLCogVideoX

    def encode(self, video: Tensor) -> Tensor:
        """[batch, 3, frame, height, width] in [-1, 1] to the means of the latents, scaled."""
        latents = self.vae.encode(video.to(self.vae.dtype)).latent_dist.mode()
        return latents * self.vae.config["scaling_factor"]

    def decode(self, latents: Tensor) -> Tensor:
        """[batch, channel, frame, h, w] to [batch, 3, frame, height, width], one at a time."""
        videos = (latents.to(self.vae.dtype) / self.vae.config["scaling_factor"]).split(1)
        return torch.cat([self.vae.decode(video).sample for video in videos])
