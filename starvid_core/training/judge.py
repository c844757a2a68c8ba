"""Training of the judge on renders of the world, and its accuracy on renders it has not seen.

Run as `starvid train judge`; it goes on where it was stopped.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader

from starvid_core.artifacts import write_json, write_manifest, writing_folder
from starvid_core.moving_emoji.data import generator
from starvid_core.moving_emoji.world import WORLDS, Clip, WorldConfig, render
from starvid_core.paths import BUILD
from starvid_core.perception.emoji import Detector, EmojiJudge, MotionClassifier
from starvid_core.training.fit import Fit, fit
from starvid_core.training.judge_data import SEED, Frames, Tracks, crowd, readable

DETECTOR = Fit("detector", 4000, 48)
MOTION = Fit("motion", 1500, 24)


def focal(logits: Tensor, heat: Tensor) -> Tensor:
    """Penalty-reduced focal loss of center heatmaps."""
    p = logits.sigmoid().clamp(1e-4, 1 - 1e-4)
    hit = heat.eq(1).float()
    positive = -((1 - p) ** 2) * p.log() * hit
    negative = -((1 - heat) ** 4) * p**2 * (1 - p).log() * (1 - hit)
    return (positive + negative).sum() / hit.sum().clamp(min=1)


def loss_of(model: nn.Module, batch: list[Tensor]) -> Tensor:
    if isinstance(model, Detector):
        frames, heat, shape, mask = batch
        logits, guess = model(frames)
        off = (guess - shape).abs().sum(1) * mask
        return focal(logits, heat) + 0.3 * off.sum() / mask.sum().clamp(min=1)
    crops, path, label = batch
    return functional.cross_entropy(model(crops, path), label)


@torch.no_grad()
def accuracy(judge: EmojiJudge, world: WorldConfig, count: int = 2000) -> dict[str, float]:
    """On clean renders never trained on: exact subject sets, box overlap, motions from boxes."""
    exact, overlaps, right, tracks = 0, [], 0, 0
    for k in range(count):
        rng = generator(SEED + 2, k)
        clip = render(crowd(rng, world), world, rng.uniform(0, 1, 1))
        while not readable(clip.boxes) or not whole(clip):
            clip = render(crowd(rng, world), world, rng.uniform(0, 1, 1))
        seen = judge.detect(clip.video)[0]
        exact += sorted(d.name for d in seen) == sorted(a.subject for a in clip.scene.acts)
        for part, row in zip(clip.scene.acts, clip.boxes, strict=True):
            ious = [d.box.overlap(row[0]) for d in seen if d.name == part.subject and row[0]]
            overlaps.append(max(ious, default=0.0))
    for crops, path, label in DataLoader(Tracks(world, count, SEED + 3, clean=True), 50):
        right += int((judge.classifier(crops, path).argmax(-1) == label).sum())
        tracks += len(label)
    return {
        "exact_sets": exact / count,
        "box_iou": float(np.mean(overlaps)),
        "motion": right / tracks,
        "frames": count,
        "tracks": tracks,
    }


def whole(clip: Clip) -> bool:
    """Whether every subject is in the frame, away from its edge."""
    boxes = [row[0] for row in clip.boxes]
    return all(b is not None and b.x0 > 0 and b.x1 < 1 and b.y0 > 0 for b in boxes)


def train(world_name: str = "full", detector: Fit = DETECTOR, motion: Fit = MOTION) -> Path:
    """Train both networks of the judge of a world; returns their folder."""
    torch.manual_seed(SEED)
    world, folder = WORLDS[world_name], BUILD / "train" / f"judge-{world_name}"
    judge = EmojiJudge(Detector(world.subjects), MotionClassifier(world.motions))
    fit(judge.detector, Frames(world, detector.steps * detector.batch), detector, folder, loss_of)
    fit(judge.classifier, Tracks(world, motion.steps * motion.batch), motion, folder, loss_of)
    return export(judge, world, folder / "model")


def export(judge: EmojiJudge, world: WorldConfig, folder: Path) -> Path:
    """Write both networks in half precision with their accuracy on unseen renders."""
    with writing_folder(folder) as place:
        write_json(place / "accuracy.json", accuracy(judge, world))
        judge.detector.half().save_pretrained(place / "detector")
        judge.classifier.half().save_pretrained(place / "motion")
        write_manifest(place)
    return folder
