"""The embedded judge of Moving-Emoji videos: a subject detector and a motion classifier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional

from starvid_core import paths
from starvid_core.artifacts import verify_manifest
from starvid_core.perception.base import Detection
from starvid_core.scene import Box
from starvid_core.weights import fill

STRIDE = 4
CROP = 24
RARE = -4.0  # the logit that a subject starts with at a cell
Video = UInt8[np.ndarray, "frame height width 3"]


class Block(nn.Module):
    """Residual convolution block, dilated so that one cell sees a whole sprite."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation),
            nn.GroupNorm(8, width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.GroupNorm(8, width),
        )

    def forward(self, x: Tensor) -> Tensor:
        return functional.silu(x + self.layers(x))


def stem(width: int) -> nn.Sequential:
    """Pixels to cells of 4x4."""
    return nn.Sequential(
        nn.Conv2d(3, width // 2, 5, stride=2, padding=2),
        nn.GroupNorm(8, width // 2),
        nn.SiLU(),
        nn.Conv2d(width // 2, width, 3, stride=2, padding=1),
        nn.GroupNorm(8, width),
        nn.SiLU(),
    )


class Detector(ModelMixin, ConfigMixin):
    """Center heatmaps: a score for every subject, and center offset and size, at every cell."""

    @register_to_config
    def __init__(self, subjects: Sequence[str] = ("dog",), width: int = 64) -> None:
        super().__init__()
        self.body = nn.Sequential(stem(width), *(Block(width, d) for d in (1, 2, 3, 1)))
        self.heat = nn.Conv2d(width, len(subjects), 1)
        self.shape = nn.Conv2d(width, 4, 1)
        self.heat.bias = nn.Parameter(torch.full((len(subjects),), RARE))

    def forward(self, frames: Float[Tensor, "frame 3 height width"]) -> tuple[Tensor, Tensor]:
        """Heat logits `[frame, subject, h, w]` and `(dx, dy, width, height)` in cells."""
        features = self.body(frames)
        return self.heat(features), self.shape(features)


class MotionClassifier(ModelMixin, ConfigMixin):
    """What one tracked subject does, from its crops and the path of its box."""

    @register_to_config
    def __init__(self, motions: Sequence[str] = ("sitting",), width: int = 48) -> None:
        super().__init__()
        self.look = nn.Sequential(stem(width), Block(width, 1), nn.AdaptiveAvgPool2d(3))
        self.join = nn.Linear(9 * width + 8, 2 * width)
        self.time = nn.Sequential(
            nn.Conv1d(2 * width, 2 * width, 3, padding=1),
            nn.SiLU(),
            nn.Conv1d(2 * width, 2 * width, 3, padding=1),
            nn.SiLU(),
        )
        self.head = nn.Linear(4 * width, len(motions))

    def forward(
        self,
        crops: Float[Tensor, "batch frame 3 side side"],
        path: Float[Tensor, "batch frame 8"],
    ) -> Float[Tensor, "batch motion"]:
        """Logits over motions; `path` is the box of every frame and its change since the last."""
        seen = self.look(rearrange(crops, "b f c y x -> (b f) c y x"))
        seen = rearrange(seen, "(b f) c y x -> b f (c y x)", b=len(crops))
        joined = functional.silu(self.join(torch.cat([seen, path], -1)))
        moved = self.time(rearrange(joined, "b f d -> b d f"))
        return self.head(torch.cat([moved.mean(-1), moved.amax(-1)], -1))


def to_input(video: Video) -> Float[Tensor, "frame 3 height width"]:
    return rearrange(torch.from_numpy(np.array(video)), "f y x c -> f c y x").float() / 127.5 - 1


def crop(
    frames: Float[Tensor, "frame 3 height width"], boxes: Float[Tensor, "frame 4"], margin: float
) -> Float[Tensor, "frame 3 side side"]:
    """Square views of each frame's box with a margin around it."""
    center, half = (boxes[:, :2] + boxes[:, 2:]) - 1, (boxes[:, 2:] - boxes[:, :2]) * (1 + margin)
    zero = torch.zeros_like(half[:, 0])
    rows = [torch.stack([half[:, 0], zero, center[:, 0]], -1)]
    rows.append(torch.stack([zero, half[:, 1], center[:, 1]], -1))
    grid = functional.affine_grid(
        torch.stack(rows, 1), [len(frames), 3, CROP, CROP], align_corners=False
    )
    return functional.grid_sample(frames, grid, padding_mode="border", align_corners=False)


def path_of(boxes: Float[Tensor, "frame 4"]) -> Float[Tensor, "frame 8"]:
    """Boxes and their steps, scaled to about unit size."""
    steps = torch.diff(boxes, dim=0, prepend=boxes[:1])
    return torch.cat([boxes * 2 - 1, steps * 10], -1)


def complete(row: tuple[Box | None, ...]) -> Float[Tensor, "frame 4"]:
    """A track as a tensor; frames without a box take the nearest frame that has one."""
    known = [f for f, box in enumerate(row) if box is not None]
    nearest = [min(known, key=lambda k: abs(k - f)) for f in range(len(row))]
    boxes = [row[k] for k in nearest]
    return torch.tensor([[b.x0, b.y0, b.x1, b.y1] for b in boxes if b is not None])


@dataclass(frozen=True)
class EmojiJudge:
    """Reads Moving-Emoji videos: `detect` and `motion`."""

    detector: Detector
    classifier: MotionClassifier
    fingerprint: str = ""
    threshold: float = 0.35
    apart: float = 0.5

    @property
    def subjects(self) -> tuple[str, ...]:
        return tuple(self.detector.config.subjects)

    @property
    def motions(self) -> tuple[str, ...]:
        return tuple(self.classifier.config.motions)

    @torch.no_grad()
    def detect(self, video: Video) -> tuple[tuple[Detection, ...], ...]:
        """The subjects of every frame, best first."""
        heat, shape = self.detector(to_input(video))
        heat = heat.sigmoid()
        peaks = heat * (heat == functional.max_pool2d(heat, 3, stride=1, padding=1))
        return tuple(self._read(p, s) for p, s in zip(peaks, shape, strict=True))

    def _read(self, peaks: Tensor, shape: Tensor) -> tuple[Detection, ...]:
        size = peaks.shape[-2:]
        found = []
        for c, y, x in (peaks > self.threshold).nonzero().tolist():
            box = cell_box(shape[:, y, x].tolist(), x, y, size)
            if box is not None:
                found.append(Detection(self.subjects[c], box, float(peaks[c, y, x])))
        found.sort(key=lambda d: -d.score)
        kept: list[Detection] = []
        for seen in found:
            if all(seen.box.overlap(k.box) < self.apart for k in kept):
                kept.append(seen)
        return tuple(kept)

    @torch.no_grad()
    def motion(self, video: Video, row: tuple[Box | None, ...]) -> dict[str, float]:
        """Probability of every motion for the subject tracked by `row` (one box a frame)."""
        if all(box is None for box in row):
            return dict.fromkeys(self.motions, 0.0)
        boxes = complete(row)
        crops = crop(to_input(video), boxes, 0.25)
        logits = self.classifier(crops[None], path_of(boxes)[None])[0]
        return dict(zip(self.motions, logits.softmax(-1).tolist(), strict=True))


def cell_box(shape: list[float], x: int, y: int, size: Sequence[int]) -> Box | None:
    """The box that a cell predicts, cut to the frame."""
    rows, columns = size
    dx, dy, wide, tall = shape
    center_x, center_y = (x + 0.5 + dx) / columns, (y + 0.5 + dy) / rows
    half_x, half_y = max(wide, 0.2) / columns / 2, max(tall, 0.2) / rows / 2
    x0, x1 = max(center_x - half_x, 0.0), min(center_x + half_x, 1.0)
    y0, y1 = max(center_y - half_y, 0.0), min(center_y + half_y, 1.0)
    return Box(x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def load(folder: Path | None = None) -> EmojiJudge:
    """The judge shipped in `data/checkpoints/judge`, its files checked against their hashes."""
    place = folder or paths.CHECKPOINTS / "judge"
    fingerprint = verify_manifest(place)
    detector = Detector.from_config(Detector.load_config(place / "detector"))
    classifier = MotionClassifier.from_config(MotionClassifier.load_config(place / "motion"))
    return EmojiJudge(
        fill(detector, place / "detector"), fill(classifier, place / "motion"), fingerprint
    )
