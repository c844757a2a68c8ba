"""Recipes: which world, which model, and how it is trained, stage by stage."""

from __future__ import annotations

from dataclasses import dataclass

from starvid_core.moving_emoji.model import ModelConfig


@dataclass(frozen=True)
class Stage:
    """One pass of training: how many steps of how many examples, and how fast to learn."""

    name: str
    steps: int
    batch: int
    learning_rate: float
    images: bool
    spatial_rate: float = 1.0
    warmup: int = 200
    decay: float = 0.4


@dataclass(frozen=True)
class TrainConfig:
    """The recipe of one shipped model."""

    world: str = "full"
    model: ModelConfig = ModelConfig()
    stages: tuple[Stage, ...] = (
        Stage("images", 7000, 48, 1e-3, images=True, decay=0.3),
        Stage("videos", 3000, 6, 7e-4, images=False, decay=0.6),
        Stage("videos again", 1900, 6, 6e-4, images=False, decay=0.8),
        Stage("videos to pure noise", 1500, 6, 6e-4, images=False, decay=0.8),
        Stage("videos to pure noise, longer", 2400, 6, 6e-4, images=False, decay=0.8),
    )
    seed: int = 0
    caption_dropout: float = 0.1
    ema_decay: float = 0.9985
    checkpoint_every: int = 200
    workers: int = 1
    learning: str = ""  # what learns, a pattern of names; empty: everything


# From the shipped model on: `starvid train model --world spatial --start data/checkpoints/emoji`.
# What draws (the convolutions) stays; where and when things are is learned, and ships on its own.
SPATIAL = TrainConfig(
    world="spatial",
    stages=(
        Stage("images of transitions", 1500, 48, 6e-4, images=True, decay=0.5),
        Stage("transitions", 3000, 6, 6e-4, images=False, decay=0.6),
    ),
    seed=2,
    learning="attentions|transformer_in|text_encoder",
)
RECIPES = {"full": TrainConfig(), "first": TrainConfig(world="first"), "spatial": SPATIAL}


def schedule(step: int, steps: int, warmup: int, decay: float) -> float:
    """Linear warm-up, flat, then a linear fall to a twentieth over the last share `decay`."""
    rise = min(1.0, (step + 1) / warmup)
    left = (steps - step) / (decay * steps)
    return rise * max(0.05, min(1.0, left))
