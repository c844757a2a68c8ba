"""GroundedSAM as SpatialAlign has it: GroundingDINO finds both things, SAM 2.1 follows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from einops import rearrange
from torch import Tensor
from torch.nn import functional

from starvid_core import machine
from starvid_core.artifacts import sha256_text
from starvid_core.perception import grounding_dino
from starvid_core.perception.grounding_dino import BATCH, GroundingDino, Seen
from starvid_core.published import loading
from starvid_core.published.pretrained import GROUNDING_DINO, SAM, Found
from starvid_core.scene import Box
from starvid_core.video import Video

TEXT_THRESHOLD = 0.3  # SpatialAlign, `detection.py`
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_CORNERS = (2, 3)  # what SAM calls the two corners of a box among its points

Row = tuple[Box | None, ...]


@dataclass(frozen=True, eq=False)
class GroundedSam:
    """A tracker of what is named; `identity` stands for the weights of both models."""

    detector: GroundingDino
    segmenter: Any
    identity: str

    def find(self, video: Video, names: Sequence[str]) -> Seen:
        """All names in one query: a detection is called by the words that it fits; best first."""
        found = self.detector.query(video, names, TEXT_THRESHOLD)
        return tuple(tuple(sorted(frame, key=lambda d: -d.score)) for frame in found)

    @torch.no_grad()
    def follow(self, video: Video, frame: int, boxes: Sequence[Box]) -> tuple[Row, ...]:
        """The extents of the masks that grow from `boxes`, forwards and backwards from `frame`."""
        rows: list[list[Box | None]] = [[None] * len(video) for _ in boxes]
        for number, masks in self._masks(video, frame, boxes):
            for row, mask in zip(rows, masks, strict=True):
                row[number] = extent(mask)
        return tuple(tuple(row) for row in rows)

    def _masks(
        self, video: Video, frame: int, boxes: Sequence[Box]
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Frame numbers with boolean masks `[box, height, width]` in the video's own size."""
        side, size = self.segmenter.config.image_size, video.shape[1:3]
        session = self._session(video, side)
        for number, box in enumerate(boxes):
            corners = torch.tensor([[box.x0, box.y0], [box.x1, box.y1]]) * side
            points = {
                "point_coords": corners[None, None],
                "point_labels": torch.tensor([[_CORNERS]], dtype=torch.int32),
            }
            session.add_point_inputs(session.obj_id_to_idx(number), frame, points)
        session.obj_with_new_inputs = list(range(len(boxes)))
        self.segmenter(session, frame_idx=frame)
        for reverse in (False, True):
            steps = self.segmenter.propagate_in_video_iterator(
                session, start_frame_idx=frame, reverse=reverse
            )
            for step in steps:
                masks = functional.interpolate(step.pred_masks.float(), size, mode="bilinear")
                yield step.frame_idx, (masks[:, 0] > 0).cpu().numpy()

    def _session(self, video: Video, side: int) -> Any:
        from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

        place = self.segmenter.device
        return Sam2VideoInferenceSession(
            video=pixels(video, side),
            video_height=video.shape[1],
            video_width=video.shape[2],
            inference_device=place,
            inference_state_device=place,
            video_storage_device="cpu",
            dtype=self.segmenter.dtype,
        )


def pixels(video: Video, side: int) -> Tensor:
    """Frames as SAM takes them: squares of `side` pixels, each channel of about unit variance."""
    frames = rearrange(torch.from_numpy(np.array(video)), "f y x c -> f c y x").float() / 255
    square = functional.interpolate(frames, (side, side), mode="bilinear", antialias=True)
    mean, deviation = (torch.tensor(v)[:, None, None] for v in (MEAN, DEVIATION))
    return (square - mean) / deviation


def extent(mask: np.ndarray) -> Box | None:
    """The box around a mask in fractions of the frame, None for an empty one."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    height, width = mask.shape
    x0, x1 = columns[0] / width, (columns[-1] + 1) / width
    return Box(x0, rows[0] / height, x1, (rows[-1] + 1) / height)


def find(models: Path | None = None) -> tuple[Found, Found]:
    """The weights of both, or an InputError with the command that fetches what is missing."""
    return GROUNDING_DINO.find(models), SAM.find(models)


def identity(words: Found, masks: Found) -> str:
    return f"grounded_sam {sha256_text(words.sha256 + masks.sha256)[:12]}"


def load(models: Path | None = None, device: str = "cpu", batch: int = BATCH) -> GroundedSam:
    """Both models from folders of `models`, or from the cache of Hugging Face; nothing is fetched.

    Raises InputError for weights that are missing, with the command that fetches them.
    """
    from transformers import Sam2VideoModel

    place = machine.device(device)
    words, masks = find(models)
    return GroundedSam(
        grounding_dino.load(words, device, batch),
        loading.model(Sam2VideoModel, masks.folder).to(place),
        identity(words, masks),
    )
