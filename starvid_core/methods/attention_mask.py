"""Attention masks: in the first steps, subjects and background do not see each other.

Yash Jain, Anshul Nasery, Vibhav Vineet, Harkirat Behl: "Peekaboo: Interactive Video Generation via
Masked-Diffusion", CVPR 2024, arXiv:2312.07509; numbers of `src/generate.py` in microsoft/Peekaboo
(commit 5fc80c4), written afresh. No gradients. All three of its masks, in all spatial layers and
the temporal layers behind them, in both halves of classifier-free guidance as in its code:
cross-attention (a subject's pixels see its own words, the background's all words of no subject;
the start token is open to all), self-attention over space, and attention over time (a pixel sees
the frames in which it belongs to the same subject, or to none). The masks over time are those of
its paper; its code masks keys alone. With several subjects, pixels of one do not see another's.
"""

import math
from dataclasses import dataclass
from functools import cache

import torch
from einops import einsum, rearrange, reduce
from jaxtyping import Bool, Float
from torch import Tensor

from starvid_core.backbones.base import Backbone
from starvid_core.bias import Bias
from starvid_core.config import check_numbers, share
from starvid_core.errors import InputError
from starvid_core.losses import choose
from starvid_core.methods.base import PHRASES, scene
from starvid_core.phases import Guide
from starvid_core.scene import Trajectory

START = 0  # the token that everybody sees


@dataclass(frozen=True)
class Config:
    """The published setting for ZeroScope."""

    until: int = 2  # frozen_steps
    of_steps: int = 50  # num_inference_steps
    phrase: str = "noun"  # fg_object
    masked: tuple[str, ...] = ("text", "space", "time")  # Section 3.2 of the paper
    both: bool = True  # the masks are repeated for the unconditional half

    def __post_init__(self) -> None:
        check_numbers(self)
        choose(PHRASES, self.phrase, "phrase")
        for kind in self.masked:
            choose(MASKS, kind, "mask")


def guide(
    trajectory: Trajectory,
    backbone: Backbone,
    config: Config | None = None,
    steps: int | None = None,
) -> Guide:
    """A bias of 0 where pixels may look and of -inf where they may not, in the first steps."""
    config, seen = config or Config(), scene(trajectory, backbone)
    _check(config, backbone)
    until = share(config.until, config.of_steps, steps or backbone.sampling.steps)
    members = seen.phrases(config.phrase)

    @cache
    def closed(kind: str, h: int, w: int) -> Tensor:
        regions = rearrange(seen.masks(h, w), "subject frame h w -> subject frame (h w)")
        open_to = MASKS[kind](regions, members)
        return torch.zeros(open_to.shape, device=regions.device).masked_fill(~open_to, -math.inf)

    def bias(kind: str, step: int, h: int, w: int) -> Tensor | None:
        return closed(kind, h, w) if kind in config.masked and step < until else None

    return Guide(subjects=seen.subjects, bias=Bias(bias, config.both))


def _check(config: Config, backbone: Backbone) -> None:
    """A transformer attends to space and time at once, where these masks have no place."""
    kinds = {site.kind for site in backbone.network.sites().values()}
    if set(config.masked) - kinds:
        raise InputError(
            f"{backbone.name} has layers of {', '.join(sorted(kinds))} to mask, not of "
            f"{', '.join(config.masked)}; give masked=({', '.join(map(repr, sorted(kinds)))},)"
        )


Regions = Float[Tensor, "subject frame pixel"]


def text_mask(
    R: Regions, members: Float[Tensor, "subject token"]
) -> Bool[Tensor, "frame pixel token"]:
    """Which words each pixel sees: its own subject's, or with none the words of none."""
    own = einsum(R, members, "subject frame pixel, subject token -> frame pixel token") > 0
    nobody = _background(R)[..., None] & (reduce(members, "subject token -> token", "max") == 0)
    open_to = own | nobody
    open_to[..., START] = True
    return open_to


def space_mask(R: Regions, members: Tensor) -> Bool[Tensor, "frame pixel pixel"]:
    """Which pixels of its frame each pixel sees."""
    same = einsum(R, R, "subject frame pixel, subject frame seen -> frame pixel seen") > 0
    nobody = _background(R)
    return same | nobody[..., None] & nobody[:, None]


def time_mask(R: Regions, members: Tensor) -> Bool[Tensor, "pixel frame frame"]:
    """Which frames of its place each pixel sees."""
    same = einsum(R, R, "subject frame pixel, subject seen pixel -> pixel frame seen") > 0
    nobody = rearrange(_background(R), "frame pixel -> pixel frame")
    return same | nobody[..., None] & nobody[:, None]


MASKS = {"text": text_mask, "space": space_mask, "time": time_mask}


def _background(R: Regions) -> Bool[Tensor, "frame pixel"]:
    return reduce(R, "subject frame pixel -> frame pixel", "max") == 0
