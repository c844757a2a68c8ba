"""LVD: attention of an object high in its box and low outside, by gradients until a threshold.

Long Lian, Baifeng Shi, Adam Yala, Trevor Darrell, Boyi Li: "LLM-grounded Video Diffusion Models",
ICLR 2024, arXiv:2309.17444; numbers of `generation/lvd.py` in the authors' repository,
TonyLianLong/LLM-groundedVideoDiffusion (commit 22d90d2), written afresh. Its own DPM-Solver++ and
negative prompt are left out: all methods denoise alike. On another model than ZeroScope, layers and
threshold follow by rule.
"""

from dataclasses import dataclass
from functools import partial

import torch
from einops import rearrange, reduce
from jaxtyping import Float
from torch import Tensor

from starvid_core.backbones.base import Backbone
from starvid_core.config import check_numbers, share
from starvid_core.layers import level, map_level, text_layers
from starvid_core.losses import choose
from starvid_core.methods.base import Scene, scene, top_mean
from starvid_core.network import Network
from starvid_core.phases import SCALES, Guide, Phase
from starvid_core.scene import Trajectory
from starvid_core.unet import UNet

# Heads of the six layers on ZeroScope times the 16 frames of the published setting.
PUBLISHED_MAPS = (10 + 20 + 20 + 20 + 20 + 10) / 6 * 16


@dataclass(frozen=True)
class Config:
    """The published setting for ZeroScope."""

    until: int = 10  # max_index_step
    of_steps: int = 40  # num_inference_steps
    iterations: int = 5  # max_iter
    threshold: float = 200.0  # loss_threshold; a sum over heads and frames, see `of_maps`
    of_maps: float = PUBLISHED_MAPS  # heads times frames that the threshold refers to
    weight: float = 5.0  # loss_scale
    foreground: float = 1.0  # fg_weight
    background: float = 4.0  # bg_weight
    top: float = 0.75  # fg_top_p and bg_top_p
    gradient_scale: str = "sqrt(1-alphabar)"  # models/pipelines.py, latent_backward_guidance

    def __post_init__(self) -> None:
        check_numbers(self)
        choose(SCALES, self.gradient_scale, "gradient scale")


def guide(
    trajectory: Trajectory,
    backbone: Backbone,
    config: Config | None = None,
    steps: int | None = None,
) -> Guide:
    """One phase: the nouns' maps of every head of six layers, the last loss carried over."""
    config, seen = config or Config(), scene(trajectory, backbone)
    chosen, sites = layers(backbone.network), backbone.network.sites()
    heads = sum(sites[name].heads for name in chosen) / len(chosen)
    frames = len(backbone.spans)
    phase = Phase(
        "lvd",
        partial(loss, seen=seen, config=config),
        range(share(config.until, config.of_steps, steps or backbone.sampling.steps)),
        config.iterations,
        config.weight,
        threshold=config.threshold * heads * frames / config.of_maps,
        carry=True,
        scale=SCALES[config.gradient_scale],
        layers=chosen,
    )
    return Guide((phase,), subjects=seen.subjects)


def layers(network: Network) -> tuple[str, ...]:
    """Down 1.0, 2.0, 2.1 and up 1.0, 1.1, 2.2 on ZeroScope (block.attention).

    The rule behind them: on the grid of the maps A all layers of the down path and as many of the
    up path; on the next finer grid the first of the down path and the last of the up path. A model
    that reads no text on the finer grid, as the embedded one, has only the former. A transformer
    has one grid, and the layers of A.
    """
    if not isinstance(network, UNet):
        return network.select(("down", "up"))
    unet = network.module
    coarse = map_level(unet)
    down, up, finer_down, finer_up = (
        [n for n in text_layers(unet) if n.startswith(path) and level(unet, n) == depth]
        for depth in (coarse, coarse - 1)
        for path in ("down_blocks", "up_blocks")
    )
    return (*finer_down[:1], *down, *up[: len(down)], *finer_up[-1:])


def loss(
    *maps: Float[Tensor, "_head token frame _h _w"], seen: Scene, config: Config
) -> Float[Tensor, " subject"]:
    """L: its parts, one for each object, summed over layers, heads, frames and tokens."""
    each = [_of_layer(A, seen, config) for A in maps]
    return torch.stack(each).sum(0) / (len(seen.nouns) * len(maps))


def _of_layer(
    A: Float[Tensor, "head token frame h w"], seen: Scene, config: Config
) -> Float[Tensor, " subject"]:
    M = rearrange(seen.masks(*A.shape[-2:]), "subject frame h w -> subject frame (h w)")
    A = rearrange(A, "head token frame h w -> head token frame (h w)")
    return torch.stack(
        [_of_object(A[:, list(noun)], m, config) for noun, m in zip(seen.nouns, M, strict=True)]
    )


def _of_object(
    A: Float[Tensor, "head token frame pixel"], M: Float[Tensor, "frame pixel"], config: Config
) -> Float[Tensor, ""]:
    """L_o: 1 - the mean of the largest shares inside, the mean of the largest outside.

    An object out of sight has the second part only.
    """
    visible = reduce(M, "frame pixel -> frame", "max")
    inside = visible * (1 - top_mean(A * M, M, config.top))
    outside = top_mean(A * (1 - M), 1 - M, config.top)
    return (config.foreground * inside + config.background * outside).sum() / A.shape[1]
