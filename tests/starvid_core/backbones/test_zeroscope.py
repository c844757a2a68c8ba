"""ZeroScope and ModelScope: tiny models of their classes, and their own sizes without weights."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from diffusers import UNet3DConditionModel

from starvid_core import methods
from starvid_core.attention import record_attention
from starvid_core.backbones import modelscope, zeroscope
from starvid_core.backbones.base import Backbone
from starvid_core.config import SamplingConfig
from starvid_core.errors import InputError
from starvid_core.phases import Guide
from starvid_core.sampling import denoise, sample
from starvid_core.unet import UNet

PROMPTS = ("a dog runs and a cat jumps", "a bird flies")
SIZE = {"height": 16, "width": 24, "frames": 3}
CONFIG = SamplingConfig(steps=3, guidance_scale=9.0)


@pytest.fixture(scope="module")
def small(text_to_video_folder: Path) -> Backbone:
    return zeroscope.load(text_to_video_folder, device="cpu", **SIZE)


def test_the_weights_are_those_of_the_folder(small, text_to_video) -> None:
    parts = {
        "unet": small.network.module,
        "vae": small.codec.vae,
        "text_encoder": small.text_encoder,
    }
    for name, part in parts.items():
        wanted = getattr(text_to_video, name).state_dict()
        assert all(wanted[key].equal(value) for key, value in part.state_dict().items())
        assert not part.training and not any(p.requires_grad for p in part.parameters())
    wanted = text_to_video.scheduler
    assert small.scheduler.alphas_cumprod.equal(wanted.alphas_cumprod)
    assert small.scheduler.config.steps_offset == wanted.config.steps_offset == 1


def test_it_is_the_pipeline_of_diffusers_bit_for_bit(small, text_to_video) -> None:
    pipeline = copy.copy(text_to_video)
    pipeline.unet, pipeline.vae = small.network.module, small.codec.vae
    pipeline.text_encoder, pipeline.tokenizer = small.text_encoder, small.tokenizer
    z = small.initial_noise([1, 2])
    common = {
        "prompt": list(PROMPTS),
        "height": 16,
        "width": 24,
        "num_frames": 3,
        "num_inference_steps": 3,
        "guidance_scale": 9.0,
        "latents": z,
        "return_dict": False,
    }
    (expected,) = pipeline(**common, output_type="latent")
    got = list(denoise(small, PROMPTS, [Guide()] * 2, z, CONFIG))[-1].z
    assert got.equal(expected)
    (frames,) = pipeline(**common, output_type="np")
    assert np.abs(np.stack(small.decode(got)) / 255 - frames).max() <= 0.5 / 255 + 1e-5


def test_frames_are_decoded_alike_in_slices_of_any_length(small) -> None:
    z = small.initial_noise([1, 2])
    whole = replace(small.codec, slice=6).decode(z)
    for length in (1, 4):
        torch.testing.assert_close(replace(small.codec, slice=length).decode(z), whole)
    assert whole.shape == (2, 3, 3, 16, 24)
    back = small.codec.encode(whole)
    assert back.shape == z.shape


@pytest.mark.parametrize("backbone", [zeroscope, modelscope])
def test_the_published_setting_is_the_default(
    backbone: ModuleType, text_to_video_folder: Path
) -> None:
    b = backbone.load(text_to_video_folder, device="cpu", height=16, width=16)
    assert b.name == backbone.WEIGHTS.name == backbone.__name__.rpartition(".")[2]
    assert (b.frames, b.height, b.dtype, b.sampling.steps) == (16, 16, torch.float32, 50)
    assert b.downscale == 2 and b.latent_shape == (4, 16, 8, 8)
    assert len(backbone.WEIGHTS.revision) == 40
    half = backbone.load(text_to_video_folder, "cpu", torch.bfloat16, height=16, width=16)
    assert {p.dtype for p in half.text_encoder.parameters()} == {half.dtype} == {torch.bfloat16}
    assert half.fingerprint == b.fingerprint
    assert half.fingerprint != backbone.load(text_to_video_folder, height=32).fingerprint


def test_starvid_lowers_its_loss(small, two_subject_trajectory) -> None:
    guide = methods.load("starvid").guide(two_subject_trajectory, small, steps=3)
    prompt = two_subject_trajectory.plan.prompt
    (clip,) = sample(small, [prompt], [guide], [0], CONFIG)
    first = [value.value for value in clip.losses if value.step == 0]
    assert len(first) == 10 and first[-1] < first[0]
    assert clip.video.shape == (3, 16, 24, 3)


def test_a_size_that_does_not_fit_is_refused(text_to_video_folder: Path) -> None:
    with pytest.raises(InputError, match="17x24 pixels must be divisible by 8 for zeroscope"):
        zeroscope.load(text_to_video_folder, height=17, width=24)
    with pytest.raises(InputError, match="unknown option of zeroscope 'heigth'.*did you mean"):
        zeroscope.load(text_to_video_folder, heigth=16)


@pytest.fixture(scope="module")
def full_size() -> UNet3DConditionModel:
    """The configuration of both repositories' unet, without weights."""
    with torch.device("meta"):
        return UNet3DConditionModel(
            sample_size=32,
            in_channels=4,
            out_channels=4,
            down_block_types=(*("CrossAttnDownBlock3D",) * 3, "DownBlock3D"),
            up_block_types=("UpBlock3D", *("CrossAttnUpBlock3D",) * 3),
            block_out_channels=(320, 640, 1280, 1280),
            layers_per_block=2,
            norm_num_groups=32,
            cross_attention_dim=1024,
            attention_head_dim=64,
        ).eval()


def test_the_maps_of_zeroscope_are_10_by_18_of_five_layers(full_size) -> None:
    network = UNet(full_size)
    assert sum(p.numel() for p in full_size.parameters()) == 1_411_233_860
    names = network.select(("down", "up"))
    assert [name.split(".transformer")[0] for name in names] == [
        "down_blocks.2.attentions.0",
        "down_blocks.2.attentions.1",
        "up_blocks.1.attentions.0",
        "up_blocks.1.attentions.1",
        "up_blocks.1.attentions.2",
    ]
    height, width = (zeroscope.WEIGHTS.options[side] // 8 for side in ("height", "width"))
    assert network.map_size(height, width) == (10, 18)
    assert {network.sites()[name].size(height, width) for name in names} == {(10, 18)}


@torch.no_grad()
def test_a_full_size_pass_gives_maps_of_all_77_tokens(full_size) -> None:
    network = UNet(full_size)
    with torch.device("meta"):
        z, text = torch.zeros(1, 4, 2, 40, 72), torch.zeros(1, 77, 1024)
        with record_attention(network) as recorder:
            assert network.predict(z, 500, text).shape == z.shape
    assert recorder.maps().shape == (1, 77, 2, 10, 18)
