"""Tiny models of the published classes, saved as the folders that the hub would give."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL, DDIMScheduler, TextToVideoSDPipeline


@pytest.fixture(scope="session")
def text_to_video(tiny_backbone, tmp_path_factory) -> TextToVideoSDPipeline:
    """Diffusers' pipeline of ZeroScope's kind; its folder is in `config._name_or_path`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        vae = AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            block_out_channels=(4, 4),
            norm_num_groups=2,
        ).eval()
    # As the schedulers of both repositories are configured.
    scheduler = DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )
    b = tiny_backbone
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the class is deprecated
        made = TextToVideoSDPipeline(vae, b.text_encoder, b.tokenizer, b.network.module, scheduler)
    made.set_progress_bar_config(disable=True)
    return made


@pytest.fixture(scope="session")
def text_to_video_folder(text_to_video, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("text_to_video")
    text_to_video.save_pretrained(folder)
    return folder
