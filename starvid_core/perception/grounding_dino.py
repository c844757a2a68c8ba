"""GroundingDINO (SwinT): where in every frame is what words name?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from starvid_core import machine
from starvid_core.perception.base import Detection
from starvid_core.perception.latest import Latest
from starvid_core.published import loading
from starvid_core.published.pretrained import Found
from starvid_core.scene import Box
from starvid_core.video import Video

BOX_THRESHOLD, TEXT_THRESHOLD = 0.4, 0.25  # T2V-CompBench, generative numeracy
BATCH = 8

Seen = tuple[tuple[Detection, ...], ...]


@dataclass(frozen=True, eq=False)
class GroundingDino:
    """The detector with its processor; in full precision, as published."""

    model: Any
    processor: Any
    batch: int = BATCH
    _latest: Latest[Seen] = field(default_factory=Latest)

    def find(self, video: Video, names: Sequence[str]) -> Seen:
        """What is seen in every frame when each name is asked for alone, in the model's order.

        A detection is called what the model read of its query, which may be less than the name.
        """
        return self._latest.of(video, lambda: self._find(video, names), tuple(names))

    def _find(self, video: Video, names: Sequence[str]) -> Seen:
        by_name = [self.query(video, [name]) for name in dict.fromkeys(names)]
        frames = zip(*by_name, strict=True)
        return tuple(tuple(d for found in frame for d in found) for frame in frames)

    @torch.no_grad()
    def query(
        self, video: Video, names: Sequence[str], text_threshold: float = TEXT_THRESHOLD
    ) -> Seen:
        """What is seen in every frame when all names are asked for at once, as "cat. box."."""
        text = " ".join(f"{name.lower().strip()}." for name in names)
        found = []
        for first in range(0, len(video), self.batch):
            pictures = list(video[first : first + self.batch])
            given = self.processor(
                images=pictures, text=[text] * len(pictures), return_tensors="pt"
            )
            seen = self.model(**given.to(self.model.device))
            found += self.processor.post_process_grounded_object_detection(
                seen,
                given.input_ids,
                threshold=BOX_THRESHOLD,
                text_threshold=text_threshold,
            )
        return tuple(_detections(f["text_labels"], f["boxes"], f["scores"]) for f in found)


@dataclass(frozen=True)
class Looking:
    """A judge that looks for these names alone."""

    detector: GroundingDino
    names: tuple[str, ...]

    def detect(self, video: Video) -> Seen:
        return self.detector.find(video, self.names)


def load(found: Found, device: str = "auto", batch: int = BATCH) -> GroundingDino:
    """The detector of a folder.

    Raises InputError for weights that are damaged, and for a folder that lacks a part.
    """
    from transformers import (
        AutoTokenizer,
        GroundingDinoForObjectDetection,
        GroundingDinoImageProcessorPil,
        GroundingDinoProcessor,
    )

    place = machine.device(device)
    model = loading.model(GroundingDinoForObjectDetection, found.folder).to(place)
    pictures = loading.processor(GroundingDinoImageProcessorPil, found.folder)
    size = model.config.text_config.vocab_size
    words = loading.tokenizer(AutoTokenizer, found.folder, size)
    return GroundingDino(model, GroundingDinoProcessor(pictures, words), batch)


def _detections(names: Sequence[str], boxes: Tensor, scores: Tensor) -> tuple[Detection, ...]:
    """In the model's order; a box without area is none."""
    # Where transformers finds no box it still decodes one empty name.
    rows = zip(names, boxes.tolist(), scores.tolist(), strict=len(boxes) > 0)
    return tuple(
        Detection(name, Box(x0, y0, x1, y1), score)
        for name, (x0, y0, x1, y1), score in rows
        if x0 < x1 and y0 < y1
    )
