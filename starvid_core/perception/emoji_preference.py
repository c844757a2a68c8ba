"""The embedded counterpart of PickScore, of this repository's making: which of two clips is better.

No person's choice is in it. It learned from pairs that we made: a clean render of a caption against
a spoiled or wrong one (grain, a subject missing, too many, of another kind or half drawn, frozen,
flickering), see `training.preference_data`. It is not PickScore and compares with no PickScore.
"""

from __future__ import annotations

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from jaxtyping import Float
from torch import Tensor, nn


class PreferenceHead(ModelMixin, ConfigMixin):
    """A score of a clip for its caption, from the embedding of its frames and of their changes."""

    @register_to_config
    def __init__(self, channels: int = 128, dim: int = 128, width: int = 96) -> None:
        super().__init__()
        self.still = nn.Sequential(
            nn.Linear(channels + 2 * dim, width), nn.SiLU(), nn.Linear(width, 1)
        )
        self.moving = nn.Sequential(
            nn.Linear(2 * channels + dim, width), nn.SiLU(), nn.Linear(width, 1)
        )

    def forward(
        self,
        pooled: Float[Tensor, "batch frame channel"],
        seen: Float[Tensor, "batch frame dim"],
        said: Float[Tensor, "batch dim"],
    ) -> Float[Tensor, " batch"]:
        """The logit of being preferred: the mean over frames, and what their changes add."""
        caption = said[:, None].expand_as(seen)
        scale = said.shape[-1] ** 0.5  # unit vectors to unit variance
        frames = self.still(torch.cat([pooled, scale**2 * seen * caption, scale * caption], -1))
        changes = pooled.diff(dim=1).abs()
        if not changes.shape[1]:
            changes = torch.zeros_like(pooled[:, :1])
        summary = [changes.mean(1), changes.amax(1), scale * said]
        return frames.mean((1, 2)) + self.moving(torch.cat(summary, -1))[:, 0]
