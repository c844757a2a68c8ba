"""The embedded counterpart of CLIP, of this repository's making: frames and captions as vectors.

A dual encoder of transformers' classes (ConvNeXt for frames, CLIP's text model for captions) that
saw nothing but the Moving-Emoji world. It is not OpenAI's CLIP, and its cosines compare with no
published ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor
from torch.nn import functional
from transformers import (
    CLIPTextConfig,
    CLIPTokenizer,
    ConvNextConfig,
    VisionTextDualEncoderConfig,
    VisionTextDualEncoderModel,
)

from starvid_core import paths
from starvid_core.artifacts import verify_manifest
from starvid_core.perception.emoji import to_input
from starvid_core.perception.emoji_preference import PreferenceHead
from starvid_core.weights import fill

SIZE = (48, 96)  # height and width that every frame is brought to

Video = UInt8[np.ndarray, "frame height width 3"]


@dataclass(frozen=True)
class Sizes:
    """Sizes of both encoders and of the vectors that they share."""

    channels: tuple[int, ...] = (64, 128)
    depths: tuple[int, ...] = (2, 4)
    text_width: int = 128
    text_layers: int = 2
    text_heads: int = 4
    dim: int = 128


def build(sizes: Sizes, tokenizer: CLIPTokenizer) -> VisionTextDualEncoderModel:
    """Both encoders with random weights."""
    vision = ConvNextConfig(
        num_stages=len(sizes.channels),
        hidden_sizes=list(sizes.channels),
        depths=list(sizes.depths),
        patch_size=4,
        layer_scale_init_value=0.0,
        hidden_size=sizes.channels[-1],
    )
    text = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=sizes.text_width,
        intermediate_size=4 * sizes.text_width,
        num_hidden_layers=sizes.text_layers,
        num_attention_heads=sizes.text_heads,
        max_position_embeddings=tokenizer.model_max_length,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    both = VisionTextDualEncoderConfig.from_vision_text_configs(
        vision, text, projection_dim=sizes.dim
    )
    return VisionTextDualEncoderModel(both)


def to_frames(video: Video) -> Float[Tensor, "frame 3 h w"]:
    """Frames in [-1, 1] at `SIZE`, whatever their canvas."""
    frames = to_input(video)
    if frames.shape[-2:] == SIZE:
        return frames
    return functional.interpolate(frames, SIZE, mode="bilinear", antialias=True)


def tokenized(tokenizer: CLIPTokenizer, texts: Sequence[str]) -> Int[Tensor, "caption token"]:
    """Token ids, padded to the tokenizer's full length."""
    return tokenizer(
        list(texts), padding="max_length", truncation=True, return_tensors="pt"
    ).input_ids


def image_features(
    model: VisionTextDualEncoderModel, frames: Float[Tensor, "frame 3 h w"]
) -> tuple[Float[Tensor, "frame channel"], Float[Tensor, "frame dim"]]:
    """What the vision tower pools, and the unit vectors that lie beside those of captions."""
    pooled = model.vision_model(pixel_values=frames).pooler_output
    seen = model.visual_projection(pooled)
    return pooled.float(), functional.normalize(seen.float(), dim=-1)


def text_features(
    model: VisionTextDualEncoderModel, ids: Int[Tensor, "caption token"]
) -> Float[Tensor, "caption dim"]:
    """Unit vectors of captions; padding is cut, which changes nothing under a causal mask."""
    ends = (ids == model.config.text_config.eos_token_id).int().argmax(-1)
    said = model.get_text_features(input_ids=ids[:, : int(ends.max()) + 1]).pooler_output
    return functional.normalize(said.float(), dim=-1)


@dataclass(frozen=True)
class EmojiClip:
    """Reads Moving-Emoji frames and captions; `preference` is the head on top of both."""

    model: VisionTextDualEncoderModel
    tokenizer: CLIPTokenizer
    head: PreferenceHead
    fingerprint: str = ""

    @torch.no_grad()
    def frames(self, video: Video) -> Float[np.ndarray, "frame dim"]:
        """A unit vector for every frame."""
        return image_features(self.model, to_frames(video))[1].numpy()

    @torch.no_grad()
    def text(self, prompt: str) -> Float[np.ndarray, " dim"]:
        """The unit vector of a prompt."""
        return text_features(self.model, tokenized(self.tokenizer, [prompt]))[0].numpy()

    def cut(self, prompt: str) -> int:
        """How many tokens of the prompt are beyond what the model reads."""
        whole = self.tokenizer(prompt, verbose=False).input_ids
        return max(len(whole) - self.tokenizer.model_max_length, 0)

    @torch.no_grad()
    def preference(self, video: Video, prompt: str) -> float:
        """How good a clip is as one of the prompt; only differences between clips mean something.

        See `perception.emoji_preference` for what taught it.
        """
        pooled, seen = image_features(self.model, to_frames(video))
        said = text_features(self.model, tokenized(self.tokenizer, [prompt]))
        return float(self.head(pooled[None], seen[None], said)[0])


def load(folder: Path | None = None) -> EmojiClip:
    """The embedding shipped in `data/checkpoints/embedding`, its files checked by their hashes."""
    place = folder or paths.CHECKPOINTS / "embedding"
    fingerprint = verify_manifest(place)
    config = VisionTextDualEncoderConfig.from_pretrained(place / "model")
    model = fill(VisionTextDualEncoderModel(config), place / "model")
    head = PreferenceHead.from_config(PreferenceHead.load_config(place / "preference"))
    return EmojiClip(
        model,
        CLIPTokenizer.from_pretrained(place / "tokenizer"),
        fill(head, place / "preference"),
        fingerprint,
    )
