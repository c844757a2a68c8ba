"""What the loop asks of a scheduler: how much signal is left in the latents, and the next ones."""

import copy
from collections.abc import Iterator
from typing import Any

import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler
from jaxtyping import Float
from torch import Tensor

from starvid_core.errors import InputError

Latents = Float[Tensor, "batch channel frame h w"]


SAMPLERS = {"dpmsolver++": DPMSolverMultistepScheduler, "unipc": UniPCMultistepScheduler}


def sampler(scheduler: Any, name: str) -> Any:
    """Another sampler for the same model, or its own for an empty name.

    It begins at the noisiest timestep however few its steps are. Raises InputError for a name that
    is none, and for a model whose scheduler is not DDIM's own class.
    """
    if not name:
        return scheduler
    if name not in SAMPLERS:
        raise InputError(f"sampler must be one of {', '.join(SAMPLERS)} or empty, got {name!r}")
    if type(scheduler) is not DDIMScheduler:
        raise InputError(
            f"sampler {name} needs a model of DDIM, this one has {type(scheduler).__name__}; "
            "leave sampler empty"
        )
    return SAMPLERS[name].from_config(scheduler.config, timestep_spacing="trailing")


class Schedule:
    """A scheduler for every video of a batch, since what one remembers belongs to one video."""

    def __init__(self, scheduler: Any, videos: int, steps: int, device: torch.device) -> None:
        self.schedulers = [copy.deepcopy(scheduler) for _ in range(videos)]
        for one in self.schedulers:
            one.set_timesteps(steps, device=device)
            if hasattr(one, "set_begin_index"):
                one.set_begin_index(0)

    def __iter__(self) -> Iterator[tuple[int, Tensor, float]]:
        """Every step with its timestep and its alphabar."""
        first = self.schedulers[0]
        for index, t in enumerate(first.timesteps):
            yield index, t, alphabar(first, index)

    def advance(
        self, prediction: Latents, t: Tensor, z: Latents, before: Latents, **noise: Any
    ) -> Latents:
        """The latents after a step that took them from `before` to `z` and predicted there.

        `noise` are the eta and the variance_noise of a step that adds fresh noise.
        """
        fresh = noise.pop("variance_noise", None)
        rows = []
        for row, one in enumerate(self.schedulers):
            here = slice(row, row + 1)
            if getattr(one, "last_sample", None) is not None and not z[here].equal(before[here]):
                # UniPC corrects where it is by where it was, which would undo the guidance.
                one.last_sample = None
            own = noise if fresh is None else {**noise, "variance_noise": fresh[here]}
            rows.append(one.step(prediction[here], t, z[here], return_dict=False, **own)[0])
        return torch.cat(rows).to(z.dtype)


def alphabar(scheduler: Any, index: int) -> float:
    """alphabar_t of DDIM; for flow matching that of latents with as much signal per noise.

    DDIM has z = sqrt(alphabar) x0 + sqrt(1 - alphabar) e, flow matching z = (1 - sigma) x0 + sigma
    e. Divided by c = sqrt((1 - sigma)^2 + sigma^2) the latter is the former with alphabar =
    ((1 - sigma) / c)^2. A gradient step of rate r on the latents divided by c would be one of rate
    c^2 r on z itself; that factor, 1 at the noisy end and never below 1/2, is left out: Eq. (7)
    speaks of the latents that the model is given.
    """
    if scheduler.config.get("use_flow_sigmas") or not hasattr(scheduler, "alphas_cumprod"):
        sigma = float(scheduler.sigmas[index])
        return (1 - sigma) ** 2 / ((1 - sigma) ** 2 + sigma**2)
    return float(scheduler.alphas_cumprod[int(scheduler.timesteps[index])])
