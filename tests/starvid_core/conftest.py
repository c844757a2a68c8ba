"""A tiny embedding of the real classes, with random weights."""

from __future__ import annotations

import pytest
import torch
from transformers import CLIPTokenizer

from starvid_core.perception.emoji_clip import EmojiClip, Sizes, build
from starvid_core.perception.emoji_preference import PreferenceHead

TINY_SIZES = Sizes((8, 16), (1, 1), text_width=16, text_layers=1, text_heads=2, dim=8)


@pytest.fixture(scope="session")
def tiny_sizes() -> Sizes:
    return TINY_SIZES


@pytest.fixture(scope="session")
def tiny_embedding(tokenizer: CLIPTokenizer) -> EmojiClip:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build(TINY_SIZES, tokenizer).eval().requires_grad_(False)
        return EmojiClip(model, tokenizer, PreferenceHead(16, 8, 8).eval(), "0" * 64)
