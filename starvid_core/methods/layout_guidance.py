"""Layout guidance (backward): the share of an object's attention that falls inside its box.

Minghao Chen, Iro Laina, Andrea Vedaldi: "Training-Free Layout Control with Cross-Attention
Guidance", WACV 2024, arXiv:2304.03373; numbers of `conf/base_config.yaml` in
silent-chen/layout-guidance (commit 60937c5), written afresh. For images; on video the loss is the
mean over the frames in which the object is seen.
"""

from dataclasses import dataclass
from functools import partial

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from starvid_core.backbones.base import Backbone
from starvid_core.config import check_numbers, check_stages, share
from starvid_core.losses import choose, foreground
from starvid_core.methods.base import Scene, scene
from starvid_core.phases import SCALES, Guide, Phase
from starvid_core.scene import Trajectory


@dataclass(frozen=True)
class Config:
    """The published setting for Stable Diffusion 1.5."""

    until: int = 10  # max_index_step
    of_steps: int = 51  # timesteps
    iterations: int = 5  # max_iter
    threshold: float = 0.2  # loss_threshold
    weight: float = 30.0  # loss_scale
    # inference.py: times sigma^2 on latents of the size x / sqrt(alphabar)
    gradient_scale: str = "sigma^2"
    stages: tuple[str, ...] = ("mid", "up")  # utils.py: the mid block and the first up block

    def __post_init__(self) -> None:
        check_numbers(self)
        check_stages(self.stages)
        choose(SCALES, self.gradient_scale, "gradient scale")


def guide(
    trajectory: Trajectory,
    backbone: Backbone,
    config: Config | None = None,
    steps: int | None = None,
) -> Guide:
    """One phase: the nouns' maps of every head, the last loss carried over."""
    config, seen = config or Config(), scene(trajectory, backbone)
    phase = Phase(
        "layout",
        partial(loss, seen=seen),
        range(share(config.until, config.of_steps, steps or backbone.sampling.steps)),
        config.iterations,
        config.weight,
        threshold=config.threshold,
        carry=True,
        scale=SCALES[config.gradient_scale],
        layers=backbone.network.select(config.stages),
    )
    return Guide((phase,), subjects=seen.subjects)


def loss(*maps: Float[Tensor, "_head token frame _h _w"], seen: Scene) -> Float[Tensor, " subject"]:
    """(1 - sum(A*M) / sum(A))^2: mean over heads, frames and tokens, layers and objects."""
    return torch.stack([_of_layer(A, seen) for A in maps]).mean(0) / len(seen.nouns)


def _of_layer(A: Float[Tensor, "head token frame h w"], seen: Scene) -> Float[Tensor, " subject"]:
    M = seen.masks(*A.shape[-2:])
    return torch.stack(
        [_of_object(A[:, list(noun)], m) for noun, m in zip(seen.nouns, M, strict=True)]
    )


def _of_object(
    A: Float[Tensor, "head token frame h w"], M: Float[Tensor, "frame h w"]
) -> Float[Tensor, ""]:
    """Every head and token as a word of Eq. (1), which is the same formula."""
    words = rearrange(A, "head token frame h w -> (head token) frame h w")
    return foreground(words, M.expand_as(words)).mean()
