"""Noised latents and what a model should say of them, for every kind of prediction."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from starvid_core.errors import InputError

Latents = Float[Tensor, "batch channel frame h w"]
TIMESTEPS = 1000


class Noised(NamedTuple):
    """Latents at one timestep, in the units that the model takes, and the target y."""

    z: Latents
    timestep: Tensor
    target: Latents


def noised(scheduler: Any, z: Latents, noise: Latents, t: int) -> Noised:
    """Diffuse `z` to step `t` of 1000; y is the noise, the velocity, or the flow noise - z.

    Raises InputError for a scheduler whose kind of prediction is unknown.
    """
    kind = scheduler.config.get("prediction_type", "flow_prediction")
    if kind == "flow_prediction":
        return _flow(scheduler, z, noise, t)
    if kind not in ("epsilon", "v_prediction"):
        raise InputError(f"prediction {kind!r} cannot be trained; epsilon, v_prediction, flow can")
    at = torch.full((len(z),), t, device=z.device)
    target = noise if kind == "epsilon" else scheduler.get_velocity(z, noise, at)
    return Noised(scheduler.add_noise(z, noise, at), at, target)


def _flow(scheduler: Any, z: Latents, noise: Latents, t: int) -> Noised:
    """x_t = (1 - sigma) x_0 + sigma noise, sigma shifted as the scheduler shifts it."""
    config = scheduler.config
    shift = float(config.get("flow_shift") or config.get("shift") or 1.0)
    u = (t + 1) / TIMESTEPS
    sigma = shift * u / (1 + (shift - 1) * u)
    at = torch.full((len(z),), sigma * TIMESTEPS, device=z.device)
    return Noised((1 - sigma) * z + sigma * noise, at, noise - z)
