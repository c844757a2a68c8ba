"""Stable Diffusion's autoencoder on videos, a slice of frames at a time."""

from dataclasses import dataclass

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from einops import rearrange
from torch import Tensor

TO_FRAMES = "batch channel frame h w -> (batch frame) channel h w"
TO_VIDEO = "(batch frame) channel h w -> batch channel frame h w"


@dataclass(frozen=True)
class FrameCodec:
    """Every frame is an image; with `slice` of them at once memory does not grow with the video."""

    vae: AutoencoderKL
    slice: int = 1

    def encode(self, video: Tensor) -> Tensor:
        """[batch, 3, frame, height, width] in [-1, 1] to the means of the latents, scaled."""
        images = rearrange(video.to(self.vae.dtype), TO_FRAMES).split(self.slice)
        latents = torch.cat([self.vae.encode(image).latent_dist.mode() for image in images])
        scaled = latents * self.vae.config["scaling_factor"]
        return rearrange(scaled, TO_VIDEO, batch=len(video))

    def decode(self, latents: Tensor) -> Tensor:
        """[batch, channel, frame, h, w] to [batch, 3, frame, height, width]."""
        unscaled = latents.to(self.vae.dtype) / self.vae.config["scaling_factor"]
        frames = rearrange(unscaled, TO_FRAMES).split(self.slice)
        images = torch.cat([self.vae.decode(frame).sample for frame in frames])
        return rearrange(images, TO_VIDEO, batch=len(latents))
