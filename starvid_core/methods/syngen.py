"""SynGen: a noun's map near its modifier's and far from those of all other words.

Royi Rassin, Eran Hirsch, Daniel Glickman, Shauli Ravfogel, Yoav Goldberg, Gal Chechik: "Linguistic
Binding in Diffusion Models", NeurIPS 2023, arXiv:2306.08877; numbers of
`syngen_diffusion_pipeline.py` in RoyiRa/Linguistic-Binding-in-Diffusion-Models (commit 5f40926),
written afresh. It binds adjectives to nouns in images. Here a subject's verb stands in the
adjective's place, as in StarVid's syntax loss, which builds on it; on video its loss is the mean
over frames. A word of several tokens has their mean map.
"""

from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from starvid_core.backbones.base import Backbone
from starvid_core.config import check_numbers, check_stages, share
from starvid_core.losses import kl, word_maps
from starvid_core.methods.base import Scene, scene
from starvid_core.phases import Guide, Phase
from starvid_core.scene import Trajectory


@dataclass(frozen=True)
class Config:
    """The published setting for Stable Diffusion 1.4."""

    until: int = 25  # max_iter_to_alter
    of_steps: int = 50  # num_inference_steps
    iterations: int = 1  # one `_syngen_step` a step
    weight: float = 20.0  # syngen_step_size
    stages: tuple[str, ...] = ("down", "up")  # the 16x16 maps, which the mid block has not

    def __post_init__(self) -> None:
        check_numbers(self)
        check_stages(self.stages)


def guide(
    trajectory: Trajectory,
    backbone: Backbone,
    config: Config | None = None,
    steps: int | None = None,
) -> Guide:
    """One phase with an update a step; the boxes play no part."""
    config, seen = config or Config(), scene(trajectory, backbone)
    until = share(config.until, config.of_steps, steps or backbone.sampling.steps)
    phase = Phase(
        "syngen", partial(loss, seen=seen), range(until), config.iterations, config.weight
    )
    return Guide((phase,), config.stages, seen.subjects)


def loss(A: Float[Tensor, "token frame h w"], seen: Scene) -> Float[Tensor, " subject"]:
    """The distance to the modifier minus the mean distance of both to the words of no pair's."""
    nouns, verbs = word_maps(A, seen.nouns), word_maps(A, seen.verbs)
    return torch.stack(
        [
            _of_pair(noun, verb, word_maps(A, others))
            for noun, verb, others in zip(nouns, verbs, seen.words.others, strict=True)
        ]
    )


def _of_pair(
    noun: Float[Tensor, "frame h w"],
    modifier: Float[Tensor, "frame h w"],
    others: Float[Tensor, "word frame h w"],
) -> Float[Tensor, ""]:
    near = kl(noun, modifier).mean()
    if not len(others):
        return near
    return near - (kl(noun, others).mean() + kl(modifier, others).mean()) / 2
