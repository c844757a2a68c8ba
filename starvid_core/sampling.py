"""The denoising loop (Algorithm 1, line 17, and what the paper leaves out around it).

z: latents.  A: cross-attention maps.  `step` counts from 0, `timestep` is the scheduler's t.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from jaxtyping import Float, UInt8
from torch import Tensor

from starvid_core.backbones.base import Backbone
from starvid_core.config import SamplingConfig
from starvid_core.errors import InputError
from starvid_core.guidance import LossValue, broken, refocus
from starvid_core.noise import noise
from starvid_core.phases import Guide
from starvid_core.prompted import Prompted, refuse_biases
from starvid_core.schedules import Schedule, sampler

Latents = Float[Tensor, "batch channel frame h w"]


@dataclass(frozen=True)
class Step:
    """One denoising step: the latents after it; losses and new warnings of every prompt.

    `maps` are the conditional A of the refocused latents, only at the steps to be recorded. In the
    rows `reused`, the conditional half of the prediction began as a pass of the guidance.
    """

    index: int
    timestep: int
    z: Latents
    losses: tuple[tuple[LossValue, ...], ...]
    warnings: tuple[tuple[str, ...], ...]
    maps: Float[Tensor, "batch token frame _h _w"] | None = None
    reused: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Clip:
    """A finished video, `rate` frames a second, and what happened; `maps` are keyed by step.

    In `reused` steps a pass of the guidance went on to be the conditional half of the prediction.
    """

    prompt: str
    seed: int
    video: UInt8[np.ndarray, "frame height width 3"]
    losses: tuple[LossValue, ...]
    warnings: tuple[str, ...]
    maps: Mapping[int, Float[Tensor, "token frame h w"]]
    rate: int = 8
    reused: int = 0


def sample(
    backbone: Backbone,
    prompts: Sequence[str],
    guides: Sequence[Guide],
    seeds: Sequence[int],
    config: SamplingConfig | None = None,
    record: Collection[int] = (),
    watch: Callable[[Iterator[Step]], Iterable[Step]] = iter,
) -> list[Clip]:
    """A batch of videos from their prompts, guides and seeds, one of each for every video.

    `watch` sees the steps go by: a progress bar, for example.
    """
    z = backbone.initial_noise(seeds)
    config = config or backbone.sampling
    steps = [*watch(denoise(backbone, prompts, guides, z, config, record=record, seeds=seeds))]
    videos = backbone.decode(steps[-1].z)
    return [
        Clip(
            prompt,
            seed,
            video,
            tuple(value for step in steps for value in step.losses[row]),
            tuple(warning for step in steps for warning in step.warnings[row]),
            {step.index: step.maps[row] for step in steps if step.maps is not None},
            backbone.rate,
            sum(row in step.reused for step in steps),
        )
        for row, (prompt, seed, video) in enumerate(zip(prompts, seeds, videos, strict=True))
    ]


def denoise(
    backbone: Backbone,
    prompts: Sequence[str],
    guides: Sequence[Guide],
    z: Latents,
    config: SamplingConfig,
    *,
    record: Collection[int] = (),
    seeds: Sequence[int] | None = None,
) -> Iterator[Step]:
    """Algorithm 1 for all steps: refocus the latents, then an ordinary step of the scheduler.

    Without phases and biases this is the loop of the model's pipeline in diffusers, for UNets bit
    for bit. `record` holds the steps whose maps are kept; `seeds` are needed for an eta above 0.
    """
    scheduler = sampler(backbone.scheduler, config.sampler)
    _check(backbone, prompts, guides, z, config, scheduler)
    schedule = Schedule(scheduler, len(prompts), config.steps, z.device)
    if config.compiled:
        refuse_biases(guides)
    model = Prompted(backbone, prompts, config)
    warned: list[set[str]] = [set() for _ in prompts]
    past: list[dict[str, float]] = [{} for _ in prompts]
    for index, t, alphabar in schedule:
        with model.ready():
            turn = refocus(model.watch(t), z, index, guides, prompts, alphabar, past)
        past = [
            last | {v.name: v.value for v in new}
            for last, new in zip(past, turn.losses, strict=True)
        ]
        # Not around the whole loop: the caller's own code runs between two steps.
        with torch.no_grad(), model.ready():
            prediction, maps = model.predict(turn, t, index, guides, index in record)
            fresh = _fresh_noise(z, config.eta, seeds, index)
            z = schedule.advance(prediction, t, turn.z, z, **fresh)
        _check_finite(z, index, prompts)
        warnings = tuple(_unseen(*pair) for pair in zip(turn.warnings, warned, strict=True))
        yield Step(index, int(t), z, turn.losses, warnings, maps, frozenset(turn.halted))


def _check(
    backbone: Backbone,
    prompts: Sequence[str],
    guides: Sequence[Guide],
    z: Latents,
    config: SamplingConfig,
    scheduler: Any,
) -> None:
    if not len(prompts) == len(guides) == len(z) or not prompts:
        raise InputError(
            "every video needs a prompt, a guide and latents; "
            f"got {len(prompts)}, {len(guides)} and {len(z)}"
        )
    if z.shape[1:] != backbone.latent_shape:
        raise InputError(f"latents must be {backbone.latent_shape}, got {tuple(z.shape[1:])}")
    if backbone.network.module.training:
        raise InputError("the model is in training mode, where dropout acts; call its eval()")
    if config.eta and not isinstance(scheduler, DDIMScheduler):
        raise InputError(
            f"the {type(scheduler).__name__} of {backbone.name} adds no fresh noise; leave eta at 0"
        )
    until = max((phase.steps.stop for guide in guides for phase in guide.phases), default=0)
    if until > config.steps:
        raise InputError(
            f"a guide acts until step {until} of a run of {config.steps}; "
            "make it for the same number of steps"
        )


def _fresh_noise(z: Latents, eta: float, seeds: Sequence[int] | None, index: int) -> dict[str, Any]:
    """The noise that DDIM adds with an eta above 0."""
    if eta == 0:
        return {}
    if seeds is None:
        raise InputError(f"an eta of {eta} draws noise in every step and needs the videos' seeds")
    fresh = [noise(z.shape[1:], seed, f"step {index}") for seed in seeds]
    return {"eta": eta, "variance_noise": torch.stack(fresh).to(z)}


def _check_finite(z: Latents, index: int, prompts: Sequence[str]) -> None:
    for latents, prompt in zip(z, prompts, strict=True):
        if not latents.isfinite().all():
            raise broken("the latents are no longer finite", index, prompt, latents)


def _unseen(warnings: tuple[str, ...], seen: set[str]) -> tuple[str, ...]:
    """The warnings that this prompt has not had in an earlier step."""
    new = tuple(warning for warning in warnings if warning not in seen)
    seen.update(new)
    return new
