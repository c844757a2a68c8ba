"""A backbone: the parts of a video diffusion model that the sampler and the methods use."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from starvid_core.config import SamplingConfig, check_frames, check_size
from starvid_core.discovery import find
from starvid_core.errors import InputError
from starvid_core.network import Network
from starvid_core.noise import noise

Video = UInt8[np.ndarray, "frame height width 3"]


@runtime_checkable
class Codec(Protocol):
    """Videos in [-1, 1] to latents at the model's scale and back."""

    def encode(self, video: Tensor) -> Tensor:
        """[batch, 3, frame, height, width] to [batch, channel, frame, h, w]."""

    def decode(self, latents: Tensor) -> Tensor:
        """[batch, channel, frame, h, w] to [batch, 3, frame, height, width]."""


def last_hidden_state(text_encoder: nn.Module, ids: Tensor, mask: Tensor) -> Tensor:
    """The embeddings of all tokens, padding among them, which is read unless the encoder says no.

    `mask` is 1 at the tokens of the prompt.
    """
    masked = getattr(text_encoder.config, "use_attention_mask", False)
    return text_encoder(ids, attention_mask=mask if masked else None)[0]


@dataclass(frozen=True)
class Backbone:
    """A text-to-video model in parts, all on one device; sizes in pixels.

    `subjects` and `motions` are the closed vocabulary of a small model, None for an open one. A
    latent of the grid stands for `downscale` pixels a side; a latent frame for `stride` frames of
    the video, but the first for one; `rate` of these make a second. Latents have the model's dtype
    unless `latent_dtype` is given. `embed` reads the tokens with the text encoder.
    """

    name: str
    network: Network
    scheduler: Any
    tokenizer: PreTrainedTokenizerBase
    text_encoder: nn.Module
    codec: Codec
    frames: int
    height: int
    width: int
    downscale: int
    sampling: SamplingConfig
    fingerprint: str
    subjects: frozenset[str] | None = None
    motions: frozenset[str] | None = None
    stride: int = 1
    rate: int = 8
    latent_dtype: torch.dtype | None = None
    embed: Callable[[nn.Module, Tensor, Tensor], Tensor] = last_hidden_state

    def __post_init__(self) -> None:
        unit = self.downscale * self.network.patch
        check_size(self.name, self.height, self.width, unit)
        check_frames(self.name, self.frames, self.stride)

    @property
    def latent_shape(self) -> tuple[int, int, int, int]:
        """Channels, frames, h and w of one video's latents."""
        size = self.height // self.downscale, self.width // self.downscale
        return (self.network.channels, len(self.spans), *size)

    @property
    def spans(self) -> tuple[range, ...]:
        """The video frames that every latent frame holds."""
        return (range(1), *(range(f, f + self.stride) for f in range(1, self.frames, self.stride)))

    @property
    def device(self) -> torch.device:
        return self.network.module.device

    @property
    def dtype(self) -> torch.dtype:
        return self.network.module.dtype

    @torch.no_grad()
    def encode_text(self, prompts: Sequence[str]) -> Float[Tensor, "batch token dim"]:
        """Text embeddings as the pipelines of diffusers make them; no prompt is ever cut short."""
        limit = self.tokenizer.model_max_length
        for prompt in prompts:
            tokens = len(self.tokenizer(prompt, verbose=False).input_ids)
            if tokens > limit:
                raise InputError(
                    f"a prompt has {tokens} tokens and {self.name} reads {limit}; "
                    f"shorten it: {prompt[:80]!r}..."
                )
        padded = self.tokenizer(
            list(prompts), padding="max_length", max_length=limit, return_tensors="pt"
        )
        ids, mask = padded.input_ids.to(self.device), padded.attention_mask.to(self.device)
        return self.embed(self.text_encoder, ids, mask).to(self.dtype)

    @torch.no_grad()
    def decode(self, z: Float[Tensor, "batch channel _frame h w"]) -> list[Video]:
        """Latents to videos of bytes."""
        pixels = (self.codec.decode(z).float().clamp(-1, 1) + 1) * 127.5
        videos = rearrange(
            pixels.round().byte().cpu(),
            "batch channel frame height width -> batch frame height width channel",
        )
        return list(videos.numpy())

    def initial_noise(self, seeds: Sequence[int]) -> Float[Tensor, "batch channel frame h w"]:
        """The latents z_T of every seed, equal on all machines and whatever the prompt is."""
        latents = torch.stack([noise(self.latent_shape, seed, "latents") for seed in seeds])
        # Flow matching begins with noise of size 1, and not all of its schedulers say so.
        sigma = getattr(self.scheduler, "init_noise_sigma", 1.0)
        return latents.to(self.device, self.latent_dtype or self.dtype) * sigma


def load(name: str, **options: Any) -> Backbone:
    """The backbone of the file `backbones/<name>.py`; an unknown name is an InputError."""
    return find(sys.modules[__package__], name).load(**options)
