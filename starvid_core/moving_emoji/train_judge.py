"""Training of the judge on renders of the world, and its accuracy on renders it has not seen.

Run as `starvid train judge` or `python -m starvid_core.moving_emoji.train_judge`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset
from tqdm.auto import tqdm

from starvid_core.artifacts import write_json, write_manifest, writing_folder
from starvid_core.moving_emoji.data import generator
from starvid_core.moving_emoji.world import (
    WORLDS,
    Act,
    Clip,
    Scene,
    WorldConfig,
    _performance,
    act,
    render,
)
from starvid_core.paths import BUILD
from starvid_core.perception.emoji import (
    STRIDE,
    Detector,
    Judge,
    MotionClassifier,
    complete,
    crop,
    path_of,
    to_input,
)
from starvid_core.scene import Box

SEED = 77


@dataclass(frozen=True)
class JudgeConfig:
    """Recipe of the judge."""

    world: str = "first"
    detector_steps: int = 2600
    detector_batch: int = 48
    motion_steps: int = 1500
    motion_batch: int = 24
    learning_rate: float = 2e-3


def crowd(rng: np.random.Generator, world: WorldConfig) -> Scene:
    """One to four subjects anywhere, the same one twice now and then."""
    count = int(rng.choice((1, 2, 2, 3, 4)))
    acts: list[Act] = []
    for _ in range(count):
        subject, motion = _performance(rng, world)
        if acts and rng.random() < 0.15:
            subject, motion = acts[-1].subject, acts[-1].motion
        left = float(rng.uniform(-0.1, 0.75))
        rise = float(rng.choice((0.0, rng.uniform(0, 0.35))))
        acts.append(act(rng, subject, motion, (left, left + 0.45), rise))
    return Scene(tuple(acts), str(rng.choice(world.backgrounds)))


def readable(boxes: tuple[tuple[Box | None, ...], ...]) -> bool:
    """Whether no subject hides another in the (only) frame."""
    shown = [row[0] for row in boxes if row[0] is not None]
    return all(a.overlap(b) < 0.25 for i, a in enumerate(shown) for b in shown[:i])


def worn(frames: Tensor, rng: np.random.Generator) -> Tensor:
    """Frames as a generator would leave them: grain, blur, other contrast."""
    if rng.random() < 0.5:
        frames = frames + torch.from_numpy(
            rng.normal(0, rng.uniform(0, 0.14), frames.shape).astype(np.float32)
        )
    if rng.random() < 0.4:
        small = functional.interpolate(frames, scale_factor=rng.uniform(0.55, 0.9), mode="area")
        frames = functional.interpolate(small, frames.shape[-2:], mode="bilinear")
    return (frames * rng.uniform(0.85, 1.1) + rng.uniform(-0.08, 0.08)).clamp(-1, 1)


def stretched(frames: Tensor, rng: np.random.Generator) -> tuple[Tensor, np.ndarray]:
    """A view that squeezes or stretches the frame; returns it and `(sx, sy, tx, ty)` of the view."""
    sx, sy = rng.uniform(0.8, 1.2, 2)
    tx, ty = rng.uniform(-0.1, 0.1, 2)
    theta = torch.tensor([[sx, 0, tx], [0, sy, ty]], dtype=torch.float32)[None]
    grid = functional.affine_grid(theta, [1, *frames.shape[1:]], align_corners=False)
    view = functional.grid_sample(frames, grid, padding_mode="border", align_corners=False)
    return view, np.array([sx, sy, tx, ty])


def seen_through(box: Box, view: np.ndarray) -> tuple[float, float, float, float]:
    """Center and size of a box, in frame fractions, after `stretched`."""
    sx, sy, tx, ty = view
    x0, x1 = (((2 * x - 1) - tx) / sx / 2 + 0.5 for x in (box.x0, box.x1))
    y0, y1 = (((2 * y - 1) - ty) / sy / 2 + 0.5 for y in (box.y0, box.y1))
    x0, x1, y0, y1 = max(x0, 0), min(x1, 1), max(y0, 0), min(y1, 1)
    return (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0


def targets(
    clip: Clip, view: np.ndarray, subjects: tuple[str, ...], size: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor]:
    """Gaussian heat `[subject, h, w]`, shape `[4, h, w]` and its mask, of one frame."""
    rows, columns = size
    heat = torch.zeros(len(subjects), rows, columns)
    shape, mask = torch.zeros(4, rows, columns), torch.zeros(rows, columns)
    ys, xs = torch.arange(rows)[:, None] + 0.5, torch.arange(columns)[None] + 0.5
    for part, row in zip(clip.scene.acts, clip.boxes, strict=True):
        if row[0] is None:
            continue
        x, y, wide, tall = seen_through(row[0], view)
        if wide * columns < 1.2 or tall * rows < 1.2:
            continue
        x, y, wide, tall = x * columns, y * rows, wide * columns, tall * rows
        bump = torch.exp(-((xs - x) ** 2 + (ys - y) ** 2) / (2 * 0.8**2))
        channel = subjects.index(part.subject)
        heat[channel] = torch.maximum(heat[channel], bump)
        j, i = min(int(y), rows - 1), min(int(x), columns - 1)
        heat[channel, j, i] = 1.0
        for v, u in ((j, i), (j - 1, i), (j + 1, i), (j, i - 1), (j, i + 1)):
            if 0 <= v < rows and 0 <= u < columns:
                shape[:, v, u] = torch.tensor([x - u - 0.5, y - v - 0.5, wide, tall])
                mask[v, u] = 1.0
    return heat, shape, mask


@dataclass
class Frames(Dataset):
    """Single worn frames with their heat and shape targets."""

    world: WorldConfig
    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, k: int) -> tuple[Tensor, ...]:
        rng = generator(SEED, k)
        clip = render(crowd(rng, self.world), self.world, rng.uniform(0, 1, 1))
        while not readable(clip.boxes):
            clip = render(crowd(rng, self.world), self.world, rng.uniform(0, 1, 1))
        frames, view = stretched(to_input(clip.video), rng)
        size = (self.world.height // STRIDE, self.world.width // STRIDE)
        return worn(frames, rng)[0], *targets(clip, view, self.world.subjects, size)


@dataclass
class Tracks(Dataset):
    """One subject's crops and box path with its motion, boxes a little off as detected ones are."""

    world: WorldConfig
    count: int
    seed: int = SEED + 1
    clean: bool = False

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, k: int) -> tuple[Tensor, Tensor, Tensor]:
        rng = generator(self.seed, k)
        while True:
            subject, motion = _performance(rng, self.world)
            left = float(rng.uniform(0, 0.4))
            part = act(rng, subject, motion, (left, left + 0.6), 0.0)
            scene = Scene((part,), str(rng.choice(self.world.backgrounds)))
            clip = render(scene, self.world)
            if any(box is not None for box in clip.boxes[0]):
                break
        frames, boxes = to_input(clip.video), complete(clip.boxes[0])
        if not self.clean:
            frames = worn(frames, rng)
            boxes = boxes + torch.from_numpy(rng.normal(0, 0.012, boxes.shape)).float()
        label = self.world.motions.index(motion)
        return crop(frames, boxes, 0.25), path_of(boxes), torch.tensor(label)


def focal(logits: Tensor, heat: Tensor) -> Tensor:
    """Penalty-reduced focal loss of center heatmaps."""
    p = logits.sigmoid().clamp(1e-4, 1 - 1e-4)
    hit = heat.eq(1).float()
    positive = -(1 - p) ** 2 * p.log() * hit
    negative = -((1 - heat) ** 4) * p**2 * (1 - p).log() * (1 - hit)
    return (positive + negative).sum() / hit.sum().clamp(min=1)


def fit(model: nn.Module, loader: DataLoader, rate: float, name: str) -> None:
    """AdamW with one cosine cycle."""
    optimizer = torch.optim.AdamW(model.parameters(), rate, weight_decay=0.01)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=len(loader))
    model.train()
    bar = tqdm(loader, desc=name, mininterval=5)
    for batch in bar:
        loss = loss_of(model, batch)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        cycle.step()
        bar.set_postfix(loss=f"{float(loss.detach()):.4f}")
    model.eval()


def loss_of(model: nn.Module, batch: list[Tensor]) -> Tensor:
    if isinstance(model, Detector):
        frames, heat, shape, mask = batch
        logits, guess = model(frames)
        off = (guess - shape).abs().sum(1) * mask
        return focal(logits, heat) + 0.3 * off.sum() / mask.sum().clamp(min=1)
    crops, path, label = batch
    return functional.cross_entropy(model(crops, path), label)


@torch.no_grad()
def accuracy(judge: Judge, world: WorldConfig, count: int = 500) -> dict[str, float]:
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
    return all(b is not None and 0 < b.x0 and b.x1 < 1 and 0 < b.y0 for b in boxes)


def train(world_name: str = "first", config: JudgeConfig | None = None) -> Path:
    """Train both networks of the judge; returns their folder."""
    config = config or JudgeConfig(world=world_name)
    torch.manual_seed(SEED)
    random.seed(SEED)
    world = WORLDS[config.world]
    detector, classifier = Detector(world.subjects), MotionClassifier(world.motions)
    frames = Frames(world, config.detector_steps * config.detector_batch)
    fit(
        detector,
        DataLoader(frames, config.detector_batch, num_workers=1, prefetch_factor=4),
        config.learning_rate,
        "detector",
    )
    tracks = Tracks(world, config.motion_steps * config.motion_batch)
    fit(
        classifier,
        DataLoader(tracks, config.motion_batch, num_workers=1, prefetch_factor=4),
        config.learning_rate,
        "motion",
    )
    return export(Judge(detector, classifier), world, BUILD / "train" / "judge" / "model")


def export(judge: Judge, world: WorldConfig, folder: Path) -> Path:
    """Write both networks in half precision with their accuracy on unseen renders."""
    with writing_folder(folder) as place:
        write_json(place / "accuracy.json", accuracy(judge, world))
        judge.detector.half().save_pretrained(place / "detector")
        judge.classifier.half().save_pretrained(place / "motion")
        write_manifest(place)
    return folder


if __name__ == "__main__":
    train()
