"""Latent codec: principal components of patches, and a decoder that learned what they leave out.

The encoder is fixed and linear. The decoder adds to the components' own picture the detail that the
world has there, and takes noise off the latents: a sampler never hits them exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from diffusers.models.autoencoders.vae import Decoder
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from starvid_core.weights import fill

Frames = Float[Tensor, "batch 3 frame height width"]
Latents = Float[Tensor, "batch channel frame h w"]


@dataclass(frozen=True)
class CodecConfig:
    """A latent of `channels` numbers for `patch` x `patch` pixels; `widths` of the decoder."""

    patch: int = 8
    channels: int = 24
    widths: tuple[int, ...] = (96, 128)
    groups: int = 16


class PatchCodec(ModelMixin, ConfigMixin):
    """Frames to latents and back, one at a time."""

    @register_to_config
    def __init__(
        self,
        patch: int = CodecConfig.patch,
        channels: int = CodecConfig.channels,
        widths: Sequence[int] = CodecConfig.widths,
        groups: int = CodecConfig.groups,
    ) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(3 * patch * patch))
        self.register_buffer("basis", torch.eye(3 * patch * patch)[:channels])
        self.register_buffer("gain", torch.ones(channels))
        self.spread = patch // 2 ** (len(widths) - 1)  # pixels a side of what the decoder draws
        self.detail = Decoder(
            in_channels=channels,
            out_channels=3 * self.spread**2,
            up_block_types=("UpDecoderBlock2D",) * len(widths),
            block_out_channels=tuple(widths),
            layers_per_block=1,
            norm_num_groups=groups,
            mid_block_add_attention=False,
        )
        nn.init.zeros_(self.detail.conv_out.weight)
        nn.init.zeros_(self.detail.conv_out.bias)

    def encode(self, video: Frames) -> Latents:
        """Video in [-1, 1] to latents of about unit variance."""
        p = self.config.patch
        patches = rearrange(video, "b c f (h p) (w q) -> b f h w (c p q)", p=p, q=p)
        coded = (patches - self.mean) @ self.basis.T * self.gain
        return rearrange(coded, "b f h w c -> b c f h w")

    def decode(self, z: Latents) -> Frames:
        """Latents to video in [-1, 1]."""
        return (self.linear(z) + self.learned(z)).clamp(-1, 1)

    def linear(self, z: Latents) -> Frames:
        """The picture that the components make."""
        p = self.config.patch
        coded = rearrange(z, "b c f h w -> b f h w c") / self.gain
        patches = coded @ self.basis + self.mean
        return rearrange(patches, "b f h w (c p q) -> b c f (h p) (w q)", p=p, q=p)

    def learned(self, z: Latents) -> Frames:
        """What the decoder adds to it."""
        drawn = self.detail(rearrange(z, "b c f h w -> (b f) c h w"))
        into = "(b f) (c p q) h w -> b c f (h p) (w q)"
        return rearrange(drawn, into, b=len(z), p=self.spread, q=self.spread)

    def fit(self, video: Frames) -> None:
        """Principal components of the patches; gains are deviation^-1/2, then unit mean variance.

        Full whitening would spend the model on faint detail, none would hide that detail.
        """
        p, channels = self.config.patch, self.config.channels
        patches = rearrange(video, "b c f (h p) (w q) -> (b f h w) (c p q)", p=p, q=p).double()
        mean = patches.mean(0)
        values, vectors = torch.linalg.eigh((patches - mean).T @ (patches - mean) / len(patches))
        deviation = values.flip(0)[:channels].clamp(min=1e-8).sqrt()
        self.mean.copy_(mean)
        self.basis.copy_(vectors.flip(1)[:, :channels].T)
        self.gain.copy_(deviation.rsqrt() * deviation.mean().rsqrt())


def load_codec(folder: Path, device: str = "cpu", dtype: torch.dtype = torch.float32) -> PatchCodec:
    """The codec in `folder`; raises InputError for weights that do not fit its config."""
    return fill(PatchCodec.from_config(PatchCodec.load_config(folder)), folder, dtype).to(device)


def to_float(video: Tensor) -> Tensor:
    """uint8 `[batch, frame, height, width, 3]` to float `[batch, 3, frame, height, width]`."""
    return rearrange(video, "b f h w c -> b c f h w").float() / 127.5 - 1


def psnr(a: Tensor, b: Tensor) -> float:
    """Peak signal-to-noise ratio in dB of videos in [-1, 1]."""
    return float(10 * torch.log10(4 / functional.mse_loss(a, b)))
