"""The passes that are compared: what a step without guidance takes, and one iteration of guidance.

An iteration is a pass to the maps and its way back to the latents; the loss itself costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from starvid_core.attention import Recorder, record_attention
from starvid_core.network import Network
from starvid_core.passes.memory import Memory
from starvid_core.passes.parts import frozen
from starvid_core.passes.prefix import MAPS, State, prefix, resume

STAGES = ("down", "up")
Work = Callable[[], object]


@dataclass(frozen=True)
class Setting:
    """A model with latents and a text of one video."""

    network: Network
    z: Tensor
    text: Tensor
    timestep: Tensor | int = 500


def step(setting: Setting) -> Tensor:
    """A denoising step of the plain model: both halves of classifier-free guidance."""
    z, text = (torch.cat([one, one]) for one in (setting.z, setting.text))
    with torch.no_grad():
        return setting.network.predict(z, setting.timestep, text)


def naive(setting: Setting) -> Tensor:
    """The whole model on the graph, as the methods of this family have it."""
    z = setting.z.clone().requires_grad_()
    with frozen(setting.network.module), record_attention(setting.network, STAGES) as recorder:
        prediction = setting.network.predict(z, setting.timestep, setting.text)
        gradient = _back(recorder.maps(), z)
    assert prediction.requires_grad
    return gradient


def materialized(setting: Setting) -> Tensor:
    """As naive, with the square of every attention in memory."""
    kernel = sdpa_kernel(SDPBackend.MATH) if setting.z.device.type != "meta" else nullcontext()
    with kernel:
        return naive(setting)


def truncated(setting: Setting, levels: int = 0, lean: bool = False) -> Tensor:
    """To the last layer of the maps, and back."""
    z = setting.z.clone().requires_grad_()
    memory = Memory(levels, lean, outputs=False)
    asked = (setting.network, z, setting.timestep, setting.text, STAGES, (), memory)
    recorder = prefix(*asked)[0]
    return _back(recorder.maps(), z)


def layered(setting: Setting, layers: tuple[str, ...]) -> Tensor:
    """To the last of some layers, each with its heads, and back: an iteration of LVD."""
    z = setting.z.clone().requires_grad_()
    asked = (setting.network, z, setting.timestep, setting.text, (), layers, MAPS)
    recorder = prefix(*asked)[0]
    losses = [A.square().sum() for A in recorder.each(layers)]
    return torch.autograd.grad(torch.stack(losses).sum(), z)[0]


def finish(setting: Setting) -> Tensor:
    """From the maps on to the prediction."""
    _, state = halted(setting)
    return resume(state)


def halted(setting: Setting) -> tuple[Recorder, State]:
    """To the maps, with nothing on the graph."""
    with torch.no_grad():
        return prefix(setting.network, setting.z, setting.timestep, setting.text, STAGES)


def _back(maps: Tensor, z: Tensor) -> Tensor:
    return torch.autograd.grad(maps.square().sum(), z)[0]
