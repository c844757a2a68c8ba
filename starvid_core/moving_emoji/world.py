"""The Moving-Emoji world: scenes, and their rendering into clips whose boxes are known."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from PIL import Image

from starvid_core.moving_emoji.cast import MOTIONS as ALL_MOTIONS
from starvid_core.moving_emoji.cast import SUBJECTS as ALL_SUBJECTS
from starvid_core.moving_emoji.cast import can, size
from starvid_core.moving_emoji.figures import figure
from starvid_core.moving_emoji.motions import MOTIONS, Pose
from starvid_core.moving_emoji.sides import Way
from starvid_core.moving_emoji.sketch import UNIT
from starvid_core.relations import Transition
from starvid_core.scene import Box

GROUND = 0.92
# What is drawn stands on a coarse grid, in few sizes and poses: a small model can only draw sharply
# what it has seen often, and a patch codec sees a drawing anew at every offset to its patches.
STEP = 2  # pixels
SCALES = (0.92, 1.04)
POSES = 6
SKY_AND_GROUND: dict[str, tuple[tuple[int, int, int], tuple[int, int, int]]] = {
    "grass": ((150, 205, 245), (105, 175, 80)),
    "snow": ((190, 205, 225), (240, 244, 250)),
    "beach": ((120, 215, 240), (240, 215, 150)),
    "street": ((205, 205, 205), (110, 110, 118)),
    "desert": ((250, 225, 170), (215, 145, 80)),
    "night": ((25, 30, 75), (55, 65, 95)),
}
BACKGROUNDS = tuple(SKY_AND_GROUND)


@dataclass(frozen=True)
class WorldConfig:
    """Which part of the world is used, on which canvas, and how often subjects come in pairs."""

    subjects: tuple[str, ...] = ALL_SUBJECTS
    motions: tuple[str, ...] = ALL_MOTIONS
    backgrounds: tuple[str, ...] = BACKGROUNDS
    frames: int = 8
    height: int = 64
    width: int = 128
    pair_share: float = 0.17
    held_out_share: float = 0.5
    transition_share: float = 0.0  # of scenes in which a subject changes sides
    obedience: float = 0.25  # of these, how many do what their caption says

    def performances(self) -> tuple[tuple[str, str], ...]:
        """Every reasonable (subject, motion) of this part of the world."""
        return tuple((s, m) for s in self.subjects for m in self.motions if can(s, m))


FULL = WorldConfig()
FIRST = WorldConfig(
    subjects=(
        *("man", "woman", "robot", "bear", "dog", "cat"),
        *("tiger", "elephant", "bird", "car", "airplane", "balloon"),
    ),
    motions=(
        *("running", "walking", "skateboarding", "riding bicycle", "playing guitar"),
        *("jumping", "sitting", "flying", "driving"),
    ),
)
SPATIAL = replace(FIRST, transition_share=0.4)
WORLDS = {"first": FIRST, "full": FULL, "spatial": SPATIAL}


@dataclass(frozen=True)
class Act:
    """One subject's part: motion, start and end of its lane (or a way), height, size, rhythm."""

    subject: str
    motion: str
    start: float
    end: float
    altitude: float = 0.0
    scale: float = 1.0
    shift: float = 0.0
    faces_right: bool = True
    way: Way | None = None


@dataclass(frozen=True)
class Scene:
    acts: tuple[Act, ...]
    background: str = "grass"
    named: bool = True
    told: Transition | None = None  # what the caption says, true or not


@dataclass(frozen=True)
class Clip:
    """A rendered scene: video `[frame, height, width, 3]` uint8 and `boxes[act][frame]`."""

    scene: Scene
    video: np.ndarray = field(repr=False)
    boxes: tuple[tuple[Box | None, ...], ...]


def held_out(first: str, second: str, config: WorldConfig) -> bool:
    """Whether two subjects are never seen together in training; tests use only such pairs."""
    a, b = sorted((ALL_SUBJECTS.index(first), ALL_SUBJECTS.index(second)))
    return (a * 7 + b * 13 + a * b) % 100 < 100 * config.held_out_share


@lru_cache(maxsize=32)
def background(name: str, height: int, width: int) -> np.ndarray:
    """Sky over a ground with furrows, constant in time, float32 `[height, width, 3]`."""
    sky, ground = (np.array(c, np.float32) for c in SKY_AND_GROUND[name])
    y = (np.arange(height, dtype=np.float32) + 0.5) / height
    x = (np.arange(width, dtype=np.float32) + 0.5) / width
    horizon = 0.62
    upper = sky + (1 - y[:, None, None] / horizon) * -18
    depth = np.clip((y - horizon) / (1 - horizon), 0, 1)[:, None, None]
    furrows = 7 * np.sin(14 * math.pi * depth) * np.cos(6 * math.pi * x)[None, :, None]
    lower = ground * (1 - 0.18 * depth) + furrows
    return np.clip(np.where(y[:, None, None] < horizon, upper, lower), 0, 255).astype(np.float32)


@lru_cache(maxsize=16384)
def _picture(act: tuple, height: int, steps: tuple) -> tuple[np.ndarray, np.ndarray]:
    """Premultiplied color and alpha of a figure at the frame's size."""
    subject, motion, scale, right = act
    cycle, tilt, squash = steps
    drawn = figure(subject, motion, cycle, tilt)
    ratio = scale * height / UNIT
    target = max(2, round(drawn.width * ratio)), max(2, round(drawn.height * ratio * squash))
    small = drawn.resize(target, Image.Resampling.BOX if ratio < 0.2 else Image.Resampling.LANCZOS)
    if not right:
        small = small.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    pixels = np.asarray(small, np.float32)
    alpha = pixels[..., 3:] / 255
    return pixels[..., :3] * alpha, alpha


def _steps(pose: Pose, shift: float) -> tuple[float, float, float]:
    """The pose on a coarse grid, so that drawings are few enough to keep."""
    cycle = round((pose.cycle + shift) % 1 * POSES) % POSES / POSES
    return cycle, round(pose.tilt / 10) * 10, pose.squash


def place(act: Act, t: float) -> tuple[float, float, Pose]:
    """Center x and height above the ground (frame fractions) of an act at time `t` in [0, 1].

    What is too tall to rise to the peak of its motion inside the frame rises less.
    """
    motion = MOTIONS[act.motion]
    if act.way is not None:
        return *act.way.at(t), motion.law(act.way.travelled(t))
    pose = motion.law(t)
    tall = size(act.subject, act.motion)[1] * act.scale
    room = max(GROUND - 0.02 - tall - act.altitude, 0.0)
    lower = min(1.0, room / motion.peak) if motion.peak else 1.0
    x = act.start + (act.end - act.start) * pose.travel
    return x, act.altitude + pose.rise * lower, pose


def _snapped(pixels: float) -> int:
    return round(pixels / STEP) * STEP


def _paste(frame: np.ndarray, act: Act, t: float) -> Box | None:
    height, width, _ = frame.shape
    x, above, pose = place(act, t)
    key = (act.subject, act.motion, act.scale, act.faces_right)
    color, alpha = _picture(key, height, _steps(pose, act.shift))
    tall, wide, _ = alpha.shape
    left, top = _snapped(x * width - wide / 2), _snapped((GROUND - above) * height) - tall
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + wide, width), min(top + tall, height)
    if x0 >= x1 or y0 >= y1:
        return None
    part = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
    view = frame[y0:y1, x0:x1]
    view *= 1 - alpha[part]
    view += color[part]
    return Box(x0 / width, y0 / height, x1 / width, y1 / height)


def render(scene: Scene, config: WorldConfig, times: np.ndarray | None = None) -> Clip:
    """Draw a scene at `times` in [0, 1] (default: `config.frames` even ones)."""
    moments = np.linspace(0, 1, config.frames) if times is None else times
    video = np.empty((len(moments), config.height, config.width, 3), np.uint8)
    rows: list[list[Box | None]] = [[] for _ in scene.acts]
    for f, t in enumerate(moments):
        frame = background(scene.background, config.height, config.width).copy()
        for row, act in zip(rows, scene.acts, strict=True):
            row.append(_paste(frame, act, float(t)))
        video[f] = np.clip(frame + 0.5, 0, 255)
    return Clip(scene, video, tuple(tuple(row) for row in rows))


def act(
    rng: np.random.Generator, subject: str, motion: str, lane: tuple[float, float], altitude: float
) -> Act:
    """A random performance inside a lane (left and right edge, frame widths)."""
    law = MOTIONS[motion]
    wide, tall = size(subject, motion)
    scale = float(rng.choice(SCALES))
    room = max(lane[1] - lane[0] - wide * scale, 0.0)
    reach = min(law.reach * rng.uniform(0.8, 1.15), room)
    start = lane[0] + wide * scale / 2 + rng.uniform(0, room - reach)
    end = start + reach
    right = bool(rng.random() < 0.5)
    low, high = law.altitude
    height = min(altitude + rng.uniform(low, high), max(GROUND - 0.06 - tall * scale, 0.0))
    first, last = (start, end) if right else (end, start)
    return Act(subject, motion, first, last, height, scale, rng.integers(POSES) / POSES, right)


def sample_scene(rng: np.random.Generator, config: WorldConfig) -> Scene:
    """A random training scene: mostly one subject, sometimes two that are not held out."""
    name = str(rng.choice(config.backgrounds))
    named = name != "grass" or rng.random() < 0.5
    if rng.random() >= config.pair_share:
        subject, motion = performance(rng, config)
        return Scene((act(rng, subject, motion, (0.0, 1.0), 0.0),), name, named)
    return Scene(_pair(rng, config), name, named)


def performance(rng: np.random.Generator, config: WorldConfig) -> tuple[str, str]:
    """Subjects are drawn evenly, then one of the subject's motions."""
    subject = str(rng.choice(config.subjects))
    return subject, str(rng.choice([m for m in config.motions if can(subject, m)]))


def _pair(rng: np.random.Generator, config: WorldConfig) -> tuple[Act, ...]:
    while True:
        (a, m), (b, n) = performance(rng, config), performance(rng, config)
        if a != b and not held_out(a, b, config):
            return pair(rng, (a, m), (b, n))


def pair(
    rng: np.random.Generator, first: tuple[str, str], second: tuple[str, str]
) -> tuple[Act, ...]:
    """Two performances side by side, in lanes that never overlap, in random order of place."""
    widths = [size(*p)[0] * SCALES[-1] for p in (first, second)]
    spare = max(1 - sum(widths), 0.0)
    split = widths[0] + spare * rng.uniform(0.3, 0.7)
    lanes = [(0.0, split), (split, 1.0)]
    if rng.random() < 0.5:
        lanes = [(1 - split, 1.0), (0.0, 1 - split)]
    return tuple(act(rng, *p, lane, 0.0) for p, lane in zip((first, second), lanes, strict=True))
