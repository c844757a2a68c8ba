"""CLIP: pictures and prompts as unit vectors, by ViT-L/14 and by PickScore's tuned ViT-H/14."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch.nn import functional

from starvid_core import machine
from starvid_core.perception.latest import Latest
from starvid_core.published import loading
from starvid_core.published.pretrained import Found
from starvid_core.video import Video

BATCH = 32


@dataclass(frozen=True, eq=False)
class Clip:
    """A CLIP model with its tokenizer and image processor."""

    model: Any
    tokenizer: Any
    processor: Any
    scale: float  # what PickScore multiplies a cosine with
    batch: int = BATCH
    _latest: Latest[np.ndarray] = field(default_factory=Latest)

    def frames(self, video: Video) -> Float[np.ndarray, "frame dim"]:
        """Every frame as a unit vector, `batch` of them at a time."""
        return self._latest.of(video, lambda: self._embed(video))

    @torch.no_grad()
    def _embed(self, video: Video) -> np.ndarray:
        found = []
        for first in range(0, len(video), self.batch):
            pictures = list(video[first : first + self.batch])
            pixels = self.processor(images=pictures, return_tensors="pt").pixel_values
            seen = self.model.get_image_features(pixel_values=self._placed(pixels)).pooler_output
            found.append(_unit(seen))
        return np.concatenate(found)

    @torch.no_grad()
    def text(self, prompt: str) -> Float[np.ndarray, " dim"]:
        """The prompt as a unit vector; words beyond the tokenizer's limit are cut."""
        words = self.tokenizer(
            prompt, truncation=True, max_length=self._longest, return_tensors="pt"
        ).to(self.model.device)
        return _unit(self.model.get_text_features(**words).pooler_output)[0]

    def cut(self, prompt: str) -> int:
        """How many tokens of the prompt the model does not read."""
        return max(len(self.tokenizer(prompt, verbose=False).input_ids) - self._longest, 0)

    @property
    def _longest(self) -> int:
        return int(self.model.config.text_config.max_position_embeddings)

    def _placed(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels.to(self.model.device, self.model.dtype)


def load(found: Found, device: str = "auto", batch: int = BATCH) -> Clip:
    """The model of a folder, in half precision on an accelerator.

    Raises InputError for weights that are damaged, and for a folder that lacks a part.
    """
    from transformers import CLIPImageProcessorPil, CLIPModel, CLIPTokenizer

    place = machine.device(device)
    model = loading.model(CLIPModel, found.folder)
    # In half precision it would be off by up to 0.2 %, more than systems differ by.
    scale = float(model.logit_scale.exp())
    words = model.config.text_config.vocab_size
    tokenizer = loading.tokenizer(CLIPTokenizer, found.folder, words)
    processor = loading.processor(CLIPImageProcessorPil, found.folder)
    return Clip(model.to(place, machine.precision(place)), tokenizer, processor, scale, batch)


def _unit(features: torch.Tensor) -> np.ndarray:
    return functional.normalize(features.float(), dim=-1).cpu().numpy()
