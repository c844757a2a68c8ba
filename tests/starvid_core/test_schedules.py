"""How much signal a scheduler leaves, and that every video has its own memory of the past."""

from __future__ import annotations

import math

import pytest
import torch
from diffusers import (
    CogVideoXDDIMScheduler,
    DDIMScheduler,
    FlowMatchEulerDiscreteScheduler,
    UniPCMultistepScheduler,
)

from starvid_core.noise import noise
from starvid_core.schedules import Schedule, alphabar

FLOW = {"prediction_type": "flow_prediction", "use_flow_sigmas": True, "flow_shift": 3.0}


def test_ddim_says_its_alphabar() -> None:
    for scheduler in (DDIMScheduler(), CogVideoXDDIMScheduler(rescale_betas_zero_snr=True)):
        scheduler.set_timesteps(4)
        for index, t in enumerate(scheduler.timesteps):
            assert alphabar(scheduler, index) == float(scheduler.alphas_cumprod[t])


@pytest.mark.parametrize(
    "scheduler", [FlowMatchEulerDiscreteScheduler(shift=3.0), UniPCMultistepScheduler(**FLOW)]
)
def test_flow_matching_has_the_alphabar_of_as_much_signal_per_noise(scheduler) -> None:
    """z / c is DDIM's mixture of the same x0 and e, c being the size of flow matching's."""
    scheduler.set_timesteps(6)
    x0, e = noise((4,), 0, "x0"), noise((4,), 0, "e")
    values = []
    for index in range(6):
        sigma = float(scheduler.sigmas[index])
        bar = alphabar(scheduler, index)
        c = math.hypot(1 - sigma, sigma)
        z = ((1 - sigma) * x0 + sigma * e) / c
        torch.testing.assert_close(z, math.sqrt(bar) * x0 + math.sqrt(1 - bar) * e)
        values.append(bar)
    assert values == sorted(values) and values[0] < 0.01 and 0 <= min(values) <= max(values) <= 1


def test_rows_step_as_a_batch_does() -> None:
    z, e = noise((2, 4, 1, 2, 2), 0, "z"), noise((2, 4, 1, 2, 2), 0, "e")
    for scheduler in (DDIMScheduler(), UniPCMultistepScheduler(**FLOW)):
        schedule = Schedule(scheduler, 2, 3, z.device)
        scheduler.set_timesteps(3)
        rows = batch = z
        for index, t, bar in schedule:
            assert t == scheduler.timesteps[index] and bar == alphabar(scheduler, index)
            rows = schedule.advance(e, t, rows, rows)
            batch = scheduler.step(e, t, batch).prev_sample
        torch.testing.assert_close(rows, batch, rtol=1e-6, atol=1e-6)


def test_a_moved_row_forgets_where_it_was_and_the_other_does_not() -> None:
    z, e = noise((2, 4, 1, 2, 2), 0, "z"), noise((2, 4, 1, 2, 2), 0, "e")
    schedule = Schedule(UniPCMultistepScheduler(**FLOW), 2, 3, z.device)
    plain = Schedule(UniPCMultistepScheduler(**FLOW), 2, 3, z.device)
    for index, t, _ in schedule:
        moved = z.clone()
        moved[0] += 1.0 if index == 1 else 0.0
        stepped, other = schedule.advance(e, t, moved, z), plain.advance(e, t, z, z)
        assert stepped[1].equal(other[1])
        if index < 2:
            assert stepped[0].equal(other[0]) == (index == 0)
