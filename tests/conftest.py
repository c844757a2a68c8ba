"""A tiny backbone of the real classes, made without files or network, and a scene for it."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import pytest
import torch
from diffusers import DDIMScheduler, UNet3DConditionModel
from diffusers.models.resnet import TemporalConvLayer
from diffusers.models.transformers.transformer_temporal import TransformerTemporalModel
from einops import repeat
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from torch import Tensor, nn
from torch.nn.functional import avg_pool3d
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from starvid_core import cli, paths
from starvid_core.artifacts import fingerprint
from starvid_core.backbones.base import Backbone
from starvid_core.config import SamplingConfig
from starvid_core.perception.emoji_clip import EmojiClip, Sizes, build
from starvid_core.perception.emoji_preference import PreferenceHead
from starvid_core.scene import Box, ScenePlan, Subject, Trajectory
from starvid_core.unet import UNet

CAPTIONS = (
    "a dog runs and a cat jumps on the grass",
    "a man rides a bicycle while a woman is playing golf",
    "the boy and the girl are skateboarding in the snow",
    "a bird flies over two horses",
)
TOKENS = 77


class TinyCodec(nn.Module):
    """Every latent cell is the mean color of 4x4 pixels, and their mean brightness."""

    def encode(self, video: Tensor) -> Tensor:
        cells = avg_pool3d(video, (1, 4, 4))
        return torch.cat([cells, cells.mean(1, keepdim=True)], 1)

    def decode(self, latents: Tensor) -> Tensor:
        return repeat(
            latents[:, :3].tanh(),
            "batch channel frame h w -> batch channel frame (h 4) (w 4)",
        )


def make_tokenizer() -> CLIPTokenizer:
    """CLIP's tokenizer with a vocabulary learned from a few captions; every byte is in it."""
    learner = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    learner.pre_tokenizer = pre_tokenizers.Whitespace()
    learner.train_from_iterator(
        [*CAPTIONS] * 3,
        trainers.BpeTrainer(vocab_size=120, end_of_word_suffix="</w>", show_progress=False),
    )
    merges = [tuple(pair) for pair in json.loads(learner.to_str())["model"]["merges"]]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = [*alphabet, *(f"{byte}</w>" for byte in alphabet), *("".join(m) for m in merges)]
    pieces += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=TOKENS)


def make_unet() -> UNet3DConditionModel:
    """Three levels, text at the upper two; 8x12 latents give 4x6 maps."""
    unet = UNet3DConditionModel(
        down_block_types=("CrossAttnDownBlock3D", "CrossAttnDownBlock3D", "DownBlock3D"),
        up_block_types=("UpBlock3D", "CrossAttnUpBlock3D", "CrossAttnUpBlock3D"),
        block_out_channels=(8, 16, 16),
        layers_per_block=1,
        norm_num_groups=4,
        cross_attention_dim=16,
        attention_head_dim=4,
    )
    # Zero at birth, so that frames would not touch each other and gradients would be blind there.
    for module in unet.modules():
        if isinstance(module, TemporalConvLayer):
            nn.init.normal_(module.conv4[-1].weight, std=0.1)
        if isinstance(module, TransformerTemporalModel):
            nn.init.normal_(module.proj_out.weight, std=0.1)
    return unet.eval()


def make_text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=TOKENS,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return CLIPTextModel(config).eval()


@pytest.fixture(scope="session")
def tokenizer() -> CLIPTokenizer:
    return make_tokenizer()


@pytest.fixture(scope="session")
def tiny_backbone(tokenizer: CLIPTokenizer) -> Backbone:
    """Three frames of 32x48 pixels; do not change its parts, every test shares them."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        unet, text_encoder = make_unet(), make_text_encoder(tokenizer)
    return Backbone(
        name="tiny",
        network=UNet(unet),
        scheduler=DDIMScheduler(beta_schedule="scaled_linear", clip_sample=False),
        tokenizer=tokenizer,
        text_encoder=text_encoder,
        codec=TinyCodec(),
        frames=3,
        height=32,
        width=48,
        downscale=4,
        sampling=SamplingConfig(steps=4, guidance_scale=3.0),
        fingerprint="0" * 64,
    )


@pytest.fixture(scope="session")
def tiny_sizes() -> Sizes:
    return Sizes((8, 16), (1, 1), text_width=16, text_layers=1, text_heads=2, dim=8)


@pytest.fixture(scope="session")
def tiny_embedding(tiny_sizes: Sizes, tokenizer: CLIPTokenizer) -> EmojiClip:
    """The embedding's real classes with random weights; do not change its parts."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build(tiny_sizes, tokenizer).eval().requires_grad_(False)
        return EmojiClip(model, tokenizer, PreferenceHead(16, 8, 8).eval(), "0" * 64)


@pytest.fixture(scope="session")
def tiny_emoji(tiny_backbone: Backbone) -> Backbone:
    """The tiny backbone in the place of the shipped one: with its name and its tokenizer."""
    shipped = paths.CHECKPOINTS / "emoji"
    tokenizer = CLIPTokenizer.from_pretrained(shipped / "tokenizer")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        text_encoder = make_text_encoder(tokenizer)
    return replace(
        tiny_backbone,
        name="emoji",
        tokenizer=tokenizer,
        text_encoder=text_encoder,
        fingerprint=fingerprint(shipped),
    )


@pytest.fixture(scope="session")
def two_subject_trajectory() -> Trajectory:
    """A dog that crosses the left half while a cat jumps on the right."""
    subjects = (
        Subject(0, "dog", "runs", motion="running"),
        Subject(1, "cat", "jumps", motion="jumping"),
    )
    plan = ScenePlan("a dog runs and a cat jumps on the grass", subjects, "running, jumping")
    dog = (Box(0.02, 0.4, 0.3, 0.9), Box(0.2, 0.4, 0.48, 0.9))
    cat = (Box(0.6, 0.5, 0.9, 0.95), Box(0.6, 0.2, 0.9, 0.65))
    return Trajectory(plan, (dog, cat))


@pytest.fixture
def starvid(monkeypatch, capsys):
    """Run the command; return exit code, output and errors."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["starvid", *map(str, arguments)])
        monkeypatch.setattr(sys, "excepthook", sys.excepthook)
        with pytest.raises(SystemExit) as end:
            cli.main()
        written = capsys.readouterr()
        return end.value.code, written.out, written.err

    return run
