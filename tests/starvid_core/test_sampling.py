"""The loop against diffusers' own, and what it yields on the way."""

import copy
import math
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, TextToVideoSDPipeline
from torch import Tensor

from starvid_core.config import SamplingConfig
from starvid_core.errors import InputError
from starvid_core.guidance import GuidanceError
from starvid_core.noise import noise
from starvid_core.passes.prefix import attention_maps
from starvid_core.phases import Guide, Phase
from starvid_core.sampling import denoise, sample
from starvid_core.unet import UNet

PROMPTS = ("a dog runs and a cat jumps", "a bird flies")
CONFIG = SamplingConfig(steps=3, guidance_scale=3.0, negative_prompt="snow")


def final(backbone, guides, config: SamplingConfig = CONFIG, **options) -> Tensor:
    z = backbone.initial_noise([1, 2])
    return list(denoise(backbone, PROMPTS, guides, z, config, **options))[-1].z


def left_half(A: Tensor) -> Tensor:
    """The share of the second token's attention in the left half, as one subject."""
    return (A[2, ..., :3].sum() / A[2].sum())[None]


PHASE = Phase("left", left_half, range(1, 2), iterations=2, weight=30.0)


@torch.no_grad()
def test_without_phases_the_result_is_bit_equal_to_the_loop_written_out(tiny_backbone) -> None:
    b, z = tiny_backbone, tiny_backbone.initial_noise([1, 2])
    scheduler = copy.deepcopy(b.scheduler)
    scheduler.set_timesteps(3)
    text = torch.cat([b.encode_text(["snow", "snow"]), b.encode_text(PROMPTS)])
    for t in scheduler.timesteps:
        both = b.network.module(torch.cat([z, z]), t, encoder_hidden_states=text).sample
        negative, conditional = both.chunk(2)
        z = scheduler.step(negative + 3.0 * (conditional - negative), t, z).prev_sample
    assert final(b, [Guide(), Guide()]).equal(z)


def test_without_phases_the_result_is_bit_equal_to_the_pipeline_of_diffusers(
    tiny_backbone,
) -> None:
    b = tiny_backbone
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        codec = AutoencoderKL(norm_num_groups=4, block_out_channels=(4,))
        parts = (codec, b.text_encoder, b.tokenizer, b.network.module, copy.deepcopy(b.scheduler))
        pipeline = TextToVideoSDPipeline(*parts)
        pipeline.set_progress_bar_config(disable=True)
        (expected,) = pipeline(
            list(PROMPTS),
            height=b.height,
            width=b.width,
            num_frames=b.frames,
            num_inference_steps=3,
            guidance_scale=3.0,
            negative_prompt=["snow", "snow"],
            latents=b.initial_noise([1, 2]),
            output_type="latent",
            return_dict=False,
        )
    assert final(b, [Guide(), Guide()]).equal(expected)


@torch.no_grad()
def test_a_guidance_scale_of_one_takes_the_conditional_half_alone(tiny_backbone) -> None:
    b, z = tiny_backbone, tiny_backbone.initial_noise([1, 2])
    scheduler = copy.deepcopy(b.scheduler)
    scheduler.set_timesteps(3)
    text = b.encode_text(PROMPTS)
    for t in scheduler.timesteps:
        z = scheduler.step(
            b.network.module(z, t, encoder_hidden_states=text).sample, t, z
        ).prev_sample
    assert final(b, [Guide(), Guide()], replace(CONFIG, guidance_scale=1.0)).equal(z)


def test_a_weight_of_zero_is_bit_equal_to_no_phase(tiny_backbone) -> None:
    silent = Guide((replace(PHASE, weight=0.0),))
    plain = final(tiny_backbone, [Guide(), Guide()])
    assert final(tiny_backbone, [silent, silent]).equal(plain)


def test_guidance_changes_its_own_prompt_from_its_first_step_on(tiny_backbone) -> None:
    z = tiny_backbone.initial_noise([1, 2])
    plain = list(denoise(tiny_backbone, PROMPTS, [Guide(), Guide()], z, CONFIG))
    guided = list(denoise(tiny_backbone, PROMPTS, [Guide((PHASE,)), Guide()], z, CONFIG))
    assert guided[0].z.equal(plain[0].z)
    assert not torch.allclose(guided[1].z[0], plain[1].z[0], atol=1e-4)
    assert guided[2].z[1].equal(plain[2].z[1])
    assert [len(step.losses[0]) for step in guided] == [0, 2, 0]
    first, second = guided[1].losses[0]
    assert second.value < first.value


def test_steps_count_up_while_timesteps_fall(tiny_backbone) -> None:
    z = tiny_backbone.initial_noise([1, 2])
    steps = list(denoise(tiny_backbone, PROMPTS, [Guide(), Guide()], z, CONFIG))
    assert [step.index for step in steps] == [0, 1, 2]
    assert [step.timestep for step in steps] == [666, 333, 0]


def test_recording_changes_no_bit_and_keeps_the_maps_of_the_refocused_latents(
    tiny_backbone,
) -> None:
    b, z = tiny_backbone, tiny_backbone.initial_noise([1, 2])
    guides = [Guide((replace(PHASE, steps=range(0, 1)),)), Guide(stages=("down", "mid"))]
    steps = list(denoise(b, PROMPTS, guides, z, CONFIG, record={0, 2}))
    assert [step.maps is None for step in steps] == [False, True, False]
    assert steps[-1].z.equal(final(b, guides))
    text = b.encode_text(PROMPTS)
    expected = attention_maps(b.network, z[1:], steps[0].timestep, text[1:], guides[1].stages)
    torch.testing.assert_close(steps[0].maps[1:], expected.detach(), rtol=1e-4, atol=1e-6)
    before = attention_maps(b.network, z[:1], steps[0].timestep, text[:1]).detach()[0]
    assert left_half(steps[0].maps[0]).item() < left_half(before).item()


def test_the_loop_leaves_gradients_modes_and_the_scheduler_as_they_were(tiny_backbone) -> None:
    steps = tiny_backbone.scheduler.num_inference_steps
    z = tiny_backbone.initial_noise([1, 2])
    for step in denoise(tiny_backbone, PROMPTS, [Guide((PHASE,))] * 2, z, CONFIG):
        assert torch.is_grad_enabled()
        assert not step.z.requires_grad
    assert all(parameter.grad is None for parameter in tiny_backbone.network.module.parameters())
    assert tiny_backbone.scheduler.num_inference_steps == steps


def test_a_warning_is_given_once_for_all_steps(tiny_backbone) -> None:
    mute = Phase("mute", lambda A: A[:1].sum((1, 2, 3)) * 0, range(0, 3), 2, 1.0)
    (clip,) = sample(tiny_backbone, PROMPTS[:1], [Guide((mute,), subjects=("dog",))], [1], CONFIG)
    assert len(clip.warnings) == 1
    assert "the mute loss does not act on dog" in clip.warnings[0]


def test_a_clip_carries_its_video_losses_and_maps(tiny_backbone) -> None:
    clips = sample(tiny_backbone, PROMPTS, [Guide((PHASE,)), Guide()], [5, 6], CONFIG, record=[1])
    assert [(clip.prompt, clip.seed) for clip in clips] == list(zip(PROMPTS, (5, 6), strict=True))
    assert [value.step for value in clips[0].losses] == [1, 1]
    assert clips[1].losses == ()
    assert clips[0].maps[1].shape == (77, 3, 4, 6)
    assert clips[0].video.shape == (3, 32, 48, 3)
    assert clips[0].video.dtype == np.uint8


def test_a_clip_depends_on_its_seed_and_not_on_its_neighbors(tiny_backbone) -> None:
    together = sample(tiny_backbone, PROMPTS, [Guide(), Guide()], [5, 6], CONFIG)
    (alone,) = sample(tiny_backbone, PROMPTS[1:], [Guide()], [6], CONFIG)
    (other,) = sample(tiny_backbone, PROMPTS[1:], [Guide()], [7], CONFIG)
    assert np.abs(together[1].video.astype(int) - alone.video).max() <= 1
    assert np.abs(other.video.astype(int) - alone.video).max() > 1


def test_eta_draws_its_noise_by_seed_and_step(tiny_backbone) -> None:
    b, config = tiny_backbone, replace(CONFIG, eta=1.0, guidance_scale=1.0, steps=2)
    scheduler = copy.deepcopy(b.scheduler)
    scheduler.set_timesteps(2)
    z, text = b.initial_noise([1, 2]), b.encode_text(PROMPTS)
    for index, t in enumerate(scheduler.timesteps):
        fresh = torch.stack([noise(b.latent_shape, seed, f"step {index}") for seed in (1, 2)])
        with torch.no_grad():
            prediction = b.network.module(z, t, encoder_hidden_states=text).sample
        z = scheduler.step(prediction, t, z, eta=1.0, variance_noise=fresh).prev_sample
    assert final(b, [Guide(), Guide()], config, seeds=[1, 2]).equal(z)
    with pytest.raises(InputError, match="needs the videos' seeds"):
        final(b, [Guide(), Guide()], config)


def test_latents_that_are_no_longer_finite_stop_the_run(tiny_backbone) -> None:
    z = tiny_backbone.initial_noise([1, 2])
    z[1, 0, 0, 0, 0] = math.nan
    with pytest.raises(GuidanceError, match=r"no longer finite at step 0 .*'a bird flies'"):
        list(denoise(tiny_backbone, PROMPTS, [Guide(), Guide()], z, CONFIG))


def test_a_batch_that_does_not_fit_together_is_refused(tiny_backbone) -> None:
    z = tiny_backbone.initial_noise([1, 2])
    with pytest.raises(InputError, match="got 2, 1 and 2"):
        list(denoise(tiny_backbone, PROMPTS, [Guide()], z, CONFIG))
    with pytest.raises(InputError, match="latents must be"):
        list(denoise(tiny_backbone, PROMPTS, [Guide()] * 2, z[..., :4], CONFIG))
    late = Guide((replace(PHASE, steps=range(0, 25)),))
    with pytest.raises(InputError, match="acts until step 25 of a run of 3"):
        list(denoise(tiny_backbone, PROMPTS, [late, late], z, CONFIG))


def test_a_unet_in_training_mode_is_refused(tiny_backbone) -> None:
    training = replace(
        tiny_backbone, network=UNet(copy.deepcopy(tiny_backbone.network.module).train())
    )
    with pytest.raises(InputError, match="training mode"):
        final(training, [Guide(), Guide()])
