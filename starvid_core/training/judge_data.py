"""Examples for the judge: crowded frames with heat maps, and tracks with their motions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import Dataset

from starvid_core.moving_emoji import transitions
from starvid_core.moving_emoji.data import generator
from starvid_core.moving_emoji.world import Act, Clip, Scene, WorldConfig, act, performance, render
from starvid_core.perception.emoji import STRIDE, complete, crop, path_of, to_input
from starvid_core.scene import Box

SEED = 77


def crowd(rng: np.random.Generator, world: WorldConfig) -> Scene:
    """One to four subjects anywhere, the same one twice now and then; or a change of sides."""
    if world.transition_share and rng.random() < world.transition_share:
        return transitions.sample_scene(rng, world)
    count = int(rng.choice((1, 2, 2, 3, 4)))
    acts: list[Act] = []
    for _ in range(count):
        subject, motion = performance(rng, world)
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
    """A view that squeezes or stretches the frame, and its `(sx, sy, tx, ty)`."""
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
            subject, motion = performance(rng, self.world)
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
