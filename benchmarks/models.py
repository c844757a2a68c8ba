"""Models with random weights: what a pass takes does not depend on them."""

from __future__ import annotations

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet3DConditionModel
from diffusers.models.resnet import TemporalConvLayer
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from benchmarks.variants import Setting
from starvid_core import paths
from starvid_core.autoencoder import FrameCodec
from starvid_core.backbones.base import Backbone
from starvid_core.config import SamplingConfig
from starvid_core.unet import UNet

TOKENS = 77


def unet(width: int = 320, heads: int = 64, text: int = 1024) -> UNet3DConditionModel:
    """ZeroScope's shape at any width; its frames touch each other, which at birth they do not."""
    made = UNet3DConditionModel(
        block_out_channels=(width, 2 * width, 4 * width, 4 * width),
        attention_head_dim=heads,
        cross_attention_dim=text,
    )
    for module in made.modules():
        if isinstance(module, TemporalConvLayer):
            nn.init.normal_(module.conv4[-1].weight, std=0.01)
    return made.eval()


def setting(model: UNet3DConditionModel, frames: int, h: int, w: int) -> Setting:
    """One video's noise and text for a model, on its device."""
    like = {"device": model.device, "dtype": model.dtype}
    z = torch.randn(1, 4, frames, h, w).to(**like)
    text = torch.randn(1, TOKENS, model.config["cross_attention_dim"]).to(**like)
    return Setting(UNet(model), z, text)


def backbone(model: UNet3DConditionModel, frames: int, height: int, width: int) -> Backbone:
    """A whole backbone around a model, to make clips of nothing in the time of real ones."""
    like = {"device": model.device, "dtype": model.dtype}
    tokenizer = CLIPTokenizer.from_pretrained(paths.CHECKPOINTS / "emoji" / "tokenizer")
    tokenizer.model_max_length = TOKENS
    reader = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=model.config["cross_attention_dim"],
        intermediate_size=4 * model.config["cross_attention_dim"],
        num_hidden_layers=23,
        num_attention_heads=16,
        max_position_embeddings=TOKENS,
    )
    codec = AutoencoderKL(
        block_out_channels=(128, 256, 512, 512),
        layers_per_block=2,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
    )
    return Backbone(
        name="random",
        network=UNet(model),
        scheduler=DDIMScheduler(beta_schedule="scaled_linear", clip_sample=False),
        tokenizer=tokenizer,
        text_encoder=CLIPTextModel(reader).to(**like).eval(),
        codec=FrameCodec(codec.to(**like).eval()),
        frames=frames,
        height=height,
        width=width,
        downscale=8,
        sampling=SamplingConfig(),
        fingerprint="0" * 64,
    )
