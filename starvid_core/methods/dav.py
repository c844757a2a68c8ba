"""DAV: a subject's words are seen in its box alone; no gradients.

Shiyuan Yang, Liang Hou, Haibin Huang, Chongyang Ma, Pengfei Wan, Di Zhang, Xiaodong Chen, Jing
Liao: "Direct-a-Video: Customized Video Generation with User-Directed Camera Movement and Object
Motion", SIGGRAPH 2024, arXiv:2402.03162; numbers of `src/t2v_pipeline.py` in
ysy31415/direct_a_video (commit fa3ff99), written afresh. Only its control of object motion, as the
paper compares it. Left out is what changes the text itself: the phrase "in a beautiful place",
which its pipeline appends for the background, and the embeddings of phrases encoded alone.
"""

import math
from dataclasses import dataclass
from functools import cache

import torch
from einops import rearrange, reduce
from jaxtyping import Float
from torch import Tensor

from starvid_core.backbones.base import Backbone
from starvid_core.bias import Bias
from starvid_core.config import check_numbers
from starvid_core.losses import choose
from starvid_core.methods.base import PHRASES, Scene, scene
from starvid_core.phases import Guide
from starvid_core.scene import Trajectory


@dataclass(frozen=True)
class Config:
    """The published setting."""

    amplification: float = 25.0  # attn_lambda
    amplified: float = 0.05  # 1 - attn_tau, the part of the steps that amplify, rounded up
    phrase: str = "noun"  # as published; "noun+verb" gives a subject's verb its box, too

    def __post_init__(self) -> None:
        check_numbers(self)
        choose(PHRASES, self.phrase, "phrase")


def guide(
    trajectory: Trajectory,
    backbone: Backbone,
    config: Config | None = None,
    steps: int | None = None,
) -> Guide:
    """A bias on the text that all spatial layers of the conditional half read, at all steps."""
    config, seen = config or Config(), scene(trajectory, backbone)
    amplified = math.ceil(config.amplified * (steps or backbone.sampling.steps))

    @cache
    def text(h: int, w: int, amplification: float) -> Tensor:
        return logits(seen, config.phrase, seen.masks(h, w), amplification)

    def bias(kind: str, step: int, h: int, w: int) -> Tensor | None:
        if kind != "text":
            return None
        return text(h, w, config.amplification if step < amplified else 0.0)

    return Guide(subjects=seen.subjects, bias=Bias(bias))


def logits(
    seen: Scene, phrase: str, M: Float[Tensor, "subject frame h w"], amplification: float
) -> Float[Tensor, "frame pixel token"]:
    """-inf for a word outside its subjects' boxes, so everywhere for a word that has none; inside,
    `amplification` times the part of the frame that the box leaves free."""
    M = rearrange(M, "subject frame h w -> subject frame (h w) 1")
    members = rearrange(seen.phrases(phrase), "subject token -> subject 1 1 token")
    free = 1 - reduce(M, "subject frame pixel 1 -> subject frame 1 1", "mean")
    gain = reduce(M * free * members, "subject frame pixel token -> frame pixel token", "max")
    region = reduce(M * members, "subject frame pixel token -> frame pixel token", "max")
    word = torch.zeros(seen.length, dtype=torch.bool, device=M.device)
    word[list(seen.prompt)] = True
    return (amplification * gain).masked_fill(word & (region == 0), -math.inf)
