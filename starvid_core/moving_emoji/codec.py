"""Latent codec: the principal components of 4x4 patches, a fixed linear autoencoder."""

from __future__ import annotations

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from einops import rearrange
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


class PatchCodec(ModelMixin, ConfigMixin):
    """Frames to latents and back: each patch of `patch` x `patch` pixels is `channels` numbers."""

    @register_to_config
    def __init__(self, patch: int = 4, channels: int = 16) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(3 * patch * patch))
        self.register_buffer("basis", torch.eye(3 * patch * patch)[:channels])
        self.register_buffer("gain", torch.ones(channels))

    def encode(
        self, video: Float[Tensor, "batch 3 frame height width"]
    ) -> Float[Tensor, "batch channel frame h w"]:
        """Video in [-1, 1] to latents of about unit variance."""
        p = self.config.patch
        patches = rearrange(video, "b c f (h p) (w q) -> b f h w (c p q)", p=p, q=p)
        coded = (patches - self.mean) @ self.basis.T * self.gain
        return rearrange(coded, "b f h w c -> b c f h w")

    def decode(
        self, z: Float[Tensor, "batch channel frame h w"]
    ) -> Float[Tensor, "batch 3 frame height width"]:
        """Latents to video in [-1, 1]."""
        p = self.config.patch
        coded = rearrange(z, "b c f h w -> b f h w c") / self.gain
        patches = coded @ self.basis + self.mean
        return rearrange(patches, "b f h w (c p q) -> b c f (h p) (w q)", p=p, q=p).clamp(-1, 1)

    @classmethod
    def fit(cls, video: Float[Tensor, "batch 3 frame height width"], channels: int) -> PatchCodec:
        """Principal components of the patches; gains are deviation^-1/2, then unit mean variance.

        Full whitening would spend the model on faint detail, none would hide that detail.
        """
        codec = cls(channels=channels)
        p = codec.config.patch
        patches = rearrange(video, "b c f (h p) (w q) -> (b f h w) (c p q)", p=p, q=p).double()
        mean = patches.mean(0)
        values, vectors = torch.linalg.eigh((patches - mean).T @ (patches - mean) / len(patches))
        deviation = values.flip(0)[:channels].clamp(min=1e-8).sqrt()
        gain = deviation.rsqrt() * deviation.mean().rsqrt()
        codec.mean.copy_(mean)
        codec.basis.copy_(vectors.flip(1)[:, :channels].T)
        codec.gain.copy_(gain)
        return codec


def to_float(video: Tensor) -> Tensor:
    """uint8 `[batch, frame, height, width, 3]` to float `[batch, 3, frame, height, width]`."""
    return rearrange(video, "b f h w c -> b c f h w").float() / 127.5 - 1


def psnr(a: Tensor, b: Tensor) -> float:
    """Peak signal-to-noise ratio in dB of videos in [-1, 1]."""
    return float(10 * torch.log10(4 / functional.mse_loss(a, b)))
