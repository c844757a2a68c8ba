"""BoxDiff: attention high inside the box, low outside, and the box filled to its edges.

Jinheng Xie, Yuexiang Li, Yawen Huang, Haozhe Liu, Wentian Zhang, Yefeng Zheng, Mike Zheng Shou:
"BoxDiff: Text-to-Image Synthesis with Training-Free Box-Constrained Diffusion", ICCV 2023,
arXiv:2307.10816; P and L of the commands in the README of showlab/BoxDiff, the rest of its
`config.py` (commit 1bb2dbf), written afresh. It takes maps and schedule from Attend-and-Excite. For
images; on video the loss is the mean over the frames in which the subject is seen.
"""

from dataclasses import dataclass
from functools import partial

import torch
from einops import rearrange, reduce
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from starvid_core.backbones.base import Backbone
from starvid_core.methods import attend_and_excite
from starvid_core.methods.base import Scene, scene, top_mean
from starvid_core.phases import Guide
from starvid_core.scene import Trajectory


@dataclass(frozen=True)
class Config(attend_and_excite.Config):
    """The published setting for Stable Diffusion 2.1."""

    top: float = 0.2  # P, the share of the cells that count
    corner: int = 1  # L, cells on either side of an edge


def guide(
    trajectory: Trajectory,
    backbone: Backbone,
    config: Config | None = None,
    steps: int | None = None,
) -> Guide:
    """An update a step; refined is the inner part alone, until the worst subject is attended."""
    config, seen = config or Config(), scene(trajectory, backbone)
    phases = attend_and_excite.schedule(
        "box",
        partial(loss, seen=seen, config=config),
        partial(neglect, seen=seen, config=config),
        config,
        steps or backbone.sampling.steps,
    )
    return Guide(phases, config.stages, seen.subjects)


def loss(
    A: Float[Tensor, "token frame h w"], seen: Scene, config: Config
) -> Float[Tensor, " subject"]:
    """Inner-box, outer-box and corner constraint of every subject, mean over its frames."""
    maps, M = attend_and_excite.salience(A, seen), seen.M
    parts = _empty(maps, M, config.top) + _spilled(maps, M, config.top) + _ragged(maps, M, config)
    visible = reduce(M, "subject frame h w -> subject frame", "max")
    return (parts * visible).sum(-1) / visible.sum(-1).clamp_min(1)


def neglect(A: Float[Tensor, "token frame h w"], seen: Scene, config: Config) -> Float[Tensor, "1"]:
    """The inner-box constraint of the worst subject, mean over frames."""
    visible = reduce(seen.M, "subject frame h w -> subject frame", "max")
    empty = _empty(attend_and_excite.salience(A, seen), seen.M, config.top)
    return (empty * visible).amax(0).mean()[None]


def _empty(
    maps: Float[Tensor, "subject frame h w"], M: Float[Tensor, "subject frame h w"], part: float
) -> Float[Tensor, "subject frame"]:
    """1 - the mean of the largest values inside the box."""
    return 1 - _top(maps * M, M, part)


def _spilled(
    maps: Float[Tensor, "subject frame h w"], M: Float[Tensor, "subject frame h w"], part: float
) -> Float[Tensor, "subject frame"]:
    """The mean of the largest values outside."""
    return _top(maps * (1 - M), 1 - M, part)


def _top(
    maps: Float[Tensor, "subject frame h w"], M: Float[Tensor, "subject frame h w"], part: float
) -> Float[Tensor, "subject frame"]:
    flat = "subject frame h w -> subject frame (h w)"
    return top_mean(rearrange(maps, flat), rearrange(M, flat), part)


def _ragged(
    maps: Float[Tensor, "subject frame h w"], M: Float[Tensor, "subject frame h w"], config: Config
) -> Float[Tensor, "subject frame"]:
    """How far the maps' projections on both axes are from the box's, near the box's edges."""
    apart = []
    for axis in ("w", "h"):
        pattern = f"subject frame h w -> subject frame {axis}"
        shown, box = reduce(maps, pattern, "max"), reduce(M, pattern, "max")
        apart.append(((shown - box).abs() * _near_edges(box, config.corner)).mean(-1))
    return apart[0] + apart[1]


def _near_edges(
    box: Float[Tensor, "subject frame cell"], cells: int
) -> Float[Tensor, "subject frame cell"]:
    """1 at the cells from `cells` before an edge to `cells` after it; an edge is a first cell."""
    edges = (functional.pad(box, (1, 1)).diff(dim=-1) != 0).float()
    cell = torch.arange(edges.shape[-1], device=box.device)
    within = ((cell[:, None] - cell[:-1]).abs() <= cells).float()
    return (edges @ within > 0).float()
