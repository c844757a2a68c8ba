"""Attend-and-Excite: no subject may be left without a place that looks at it.

Hila Chefer, Yuval Alaluf, Yael Vinker, Lior Wolf, Daniel Cohen-Or: "Attend-and-Excite: Attention-
Based Semantic Guidance for Text-to-Image Diffusion Models", SIGGRAPH 2023, arXiv:2301.13826;
numbers of `config.py` in yuval-alaluf/Attend-and-Excite (commit 15c30b1), written afresh. For
images; on video the loss is the mean over frames. The boxes play no part. Its refinement stops at
the pass that reaches the threshold, where the authors' code updates once more.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from einops import rearrange, reduce
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from starvid_core.backbones.base import Backbone
from starvid_core.config import check_numbers, check_stages, share
from starvid_core.errors import InputError
from starvid_core.losses import word_maps
from starvid_core.methods.base import Scene, scene
from starvid_core.phases import Guide, Phase
from starvid_core.scene import Trajectory

TEMPERATURE = 100  # `attention_for_text *= 100` before the second softmax
SIGMA = 0.5  # of the smoothing, on 3x3 cells


@dataclass(frozen=True)
class Config:
    """The published setting for Stable Diffusion 1.4."""

    until: int = 25  # max_iter_to_alter
    of_steps: int = 50  # n_inference_steps
    weight: float = 20.0  # scale_factor
    weight_range: tuple[float, ...] = (1.0, 0.5)  # scale_range, from the first step to the last
    refined: tuple[int, ...] = (0, 10, 20)  # thresholds: the steps that iterate ...
    reached: tuple[float, ...] = (0.05, 0.5, 0.8)  # ... until every subject has this attention
    iterations: int = 20  # max_refinement_steps
    stages: tuple[str, ...] = ("down", "up")  # the 16x16 maps, which the mid block has not

    def __post_init__(self) -> None:
        check_schedule(self)


def check_schedule(config: "Config") -> None:
    """Refuse a schedule that cannot run."""
    check_numbers(config)
    check_stages(config.stages)
    if len(config.refined) != len(config.reached) or len(config.weight_range) != 2:
        raise InputError(
            "refined and reached must be of one length and weight_range of two numbers, got "
            f"{config.refined}, {config.reached} and {config.weight_range}"
        )


def guide(
    trajectory: Trajectory,
    backbone: Backbone,
    config: Config | None = None,
    steps: int | None = None,
) -> Guide:
    """An update a step, with a weight that falls, and at some steps iterations before it."""
    config, seen = config or Config(), scene(trajectory, backbone)
    excite = partial(loss, seen=seen)
    phases = schedule("excite", excite, excite, config, steps or backbone.sampling.steps)
    return Guide(phases, config.stages, seen.subjects)


Loss = Callable[[Tensor], Tensor]


def schedule(
    name: str, update: Loss, refine: Loss, config: Config, steps: int
) -> tuple[Phase, ...]:
    """Of every step one update, and before it at the refined steps up to 20 iterations."""
    goals = zip(config.refined, config.reached, strict=True)
    refined = {number * steps // config.of_steps: 1 - goal for number, goal in goals}
    phases = []
    for step in range(share(config.until, config.of_steps, steps)):
        first, last = config.weight_range
        weight = config.weight * math.sqrt(first + (last - first) * step / max(steps - 1, 1))
        here = range(step, step + 1)
        if step in refined:
            until = refined[step]
            phases.append(
                Phase(f"{name} refine", refine, here, config.iterations, weight, threshold=until)
            )
        phases.append(Phase(name, update, here, 1, weight))
    return tuple(phases)


def loss(A: Float[Tensor, "token frame h w"], seen: Scene) -> Float[Tensor, "1"]:
    """max_s (1 - max A_s), mean over frames: one value, that of the most neglected subject."""
    peaks = reduce(salience(A, seen), "word frame h w -> word frame", "max")
    return (1 - peaks).amax(0).mean()[None]


def salience(A: Float[Tensor, "token frame h w"], seen: Scene) -> Float[Tensor, "word frame h w"]:
    """The nouns' maps, renormalized without the start token and smoothed."""
    shares = (TEMPERATURE * A.float()[1:]).softmax(0)
    return smooth(word_maps(shares, [[token - 1 for token in noun] for noun in seen.nouns]))


def smooth(maps: Float[Tensor, "word frame h w"]) -> Float[Tensor, "word frame h w"]:
    """3x3 weights exp(-(distance / 2 sigma)^2), as in the authors' code; borders are mirrored."""
    near = torch.exp(-((torch.arange(-1.0, 2.0) / (2 * SIGMA)) ** 2))
    kernel = torch.outer(near, near).to(maps)
    flat = rearrange(maps, "word frame h w -> (word frame) 1 h w")
    flat = functional.pad(flat, (1, 1, 1, 1), mode="reflect")
    flat = functional.conv2d(flat, (kernel / kernel.sum())[None, None])
    return rearrange(flat, "(word frame) 1 h w -> word frame h w", word=len(maps))
