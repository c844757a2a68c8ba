"""Tiny models of the published classes, saved as the folders that the hub would give."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderKLCogVideoX,
    AutoencoderKLWan,
    CogVideoXDDIMScheduler,
    CogVideoXPipeline,
    CogVideoXTransformer3DModel,
    DDIMScheduler,
    DiffusionPipeline,
    TextToVideoSDPipeline,
    UniPCMultistepScheduler,
    WanPipeline,
    WanTransformer3DModel,
)
from transformers import T5Config, T5EncoderModel, T5Tokenizer, UMT5Config, UMT5EncoderModel


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


CAPTIONS = ("a dog runs and a cat jumps on the grass", "a bird flies in the snow")


@pytest.fixture(scope="session")
def t5_tokenizer() -> T5Tokenizer:
    """Whole words of a few captions, and letters for all else."""
    words = sorted({word for caption in CAPTIONS for word in caption.split()})
    pieces = [*(f"\u2581{word}" for word in words), "\u2581", *"abcdefghijklmnopqrstuvwxyz."]
    special = [(name, 0.0) for name in ("<pad>", "</s>", "<unk>")]
    vocabulary = [(piece, -1.0 - len(piece) % 2) for piece in pieces]
    return T5Tokenizer(vocab=[*special, *vocabulary], extra_ids=0)


def t5_config(tokenizer: T5Tokenizer, kind: type) -> T5Config | UMT5Config:
    return kind(
        vocab_size=len(tokenizer),
        d_model=16,
        d_kv=8,
        d_ff=16,
        num_layers=1,
        num_heads=2,
        tie_word_embeddings=False,
    )


@pytest.fixture(scope="session")
def wan_pipeline(t5_tokenizer) -> WanPipeline:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        transformer = WanTransformer3DModel(
            num_attention_heads=2,
            attention_head_dim=12,
            in_channels=4,
            out_channels=4,
            text_dim=16,
            freq_dim=16,
            ffn_dim=32,
            num_layers=3,
            rope_max_seq_len=32,
        )
        vae = AutoencoderKLWan(
            base_dim=4,
            z_dim=4,
            dim_mult=[1, 1, 1, 1],
            num_res_blocks=1,
            latents_mean=[0.1, -0.2, 0.3, 0.0],
            latents_std=[2.0, 1.5, 1.0, 0.5],
        )
        text_encoder = UMT5EncoderModel(t5_config(t5_tokenizer, UMT5Config))
    # As the repository's scheduler is configured.
    scheduler = UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
    )
    return _quiet(
        WanPipeline(t5_tokenizer, text_encoder.eval(), vae.eval(), scheduler, transformer.eval())
    )


@pytest.fixture(scope="session")
def cogvideox_pipeline(t5_tokenizer) -> CogVideoXPipeline:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        transformer = CogVideoXTransformer3DModel(
            num_attention_heads=2,
            attention_head_dim=8,
            in_channels=4,
            out_channels=4,
            time_embed_dim=8,
            text_embed_dim=16,
            num_layers=3,
            sample_width=12,
            sample_height=8,
            sample_frames=9,
            max_text_seq_length=26,
        )
        vae = AutoencoderKLCogVideoX(
            block_out_channels=(8, 8, 8, 8),
            latent_channels=4,
            layers_per_block=1,
            norm_num_groups=2,
        )
        text_encoder = T5EncoderModel(t5_config(t5_tokenizer, T5Config))
    # As the repository's scheduler is configured.
    scheduler = CogVideoXDDIMScheduler(
        clip_sample=False,
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        snr_shift_scale=3.0,
        timestep_spacing="trailing",
    )
    return _quiet(
        CogVideoXPipeline(
            t5_tokenizer, text_encoder.eval(), vae.eval(), transformer.eval(), scheduler
        )
    )


def _quiet(pipeline: DiffusionPipeline) -> DiffusionPipeline:
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.fixture(scope="session")
def folders(wan_pipeline, cogvideox_pipeline, tmp_path_factory) -> dict[str, Path]:
    """What the hub would give, of every transformer."""
    made = {}
    for name, pipeline in (("wan", wan_pipeline), ("cogvideox", cogvideox_pipeline)):
        made[name] = tmp_path_factory.mktemp(name)
        pipeline.save_pretrained(made[name])
    return made
