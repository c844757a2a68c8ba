"""Scenes of chosen subjects, and the same with one thing changed, which a reader must tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from starvid_core.moving_emoji.cast import can
from starvid_core.moving_emoji.world import Act, Scene, WorldConfig, act, performance

MOST = 4  # subjects of a scene
ROOM = 0.36  # the lane of a new act, in frame widths
PLACES = np.linspace(0.15, 0.85, 8)

Edit = Callable[[np.random.Generator, Scene, WorldConfig], Scene | None]


def other_subject(rng: np.random.Generator, scene: Scene, world: WorldConfig) -> Scene | None:
    """Another subject in the place of one, doing the same where it can."""
    k = int(rng.integers(len(scene.acts)))
    old = scene.acts[k]
    others = [s for s in world.subjects if s != old.subject and can(s, old.motion)]
    if not others:
        return None
    return _with(scene, k, _again(rng, old, str(rng.choice(others)), old.motion))


def other_motion(rng: np.random.Generator, scene: Scene, world: WorldConfig) -> Scene | None:
    """Another motion of one subject."""
    k = int(rng.integers(len(scene.acts)))
    old = scene.acts[k]
    others = [m for m in world.motions if m != old.motion and can(old.subject, m)]
    if not others:
        return None
    return _with(scene, k, _again(rng, old, old.subject, str(rng.choice(others))))


def other_place(rng: np.random.Generator, scene: Scene, world: WorldConfig) -> Scene | None:
    """The same acts somewhere else, the place named."""
    others = [name for name in world.backgrounds if name != scene.background]
    return replace(scene, background=str(rng.choice(others)), named=True) if others else None


def other_number(rng: np.random.Generator, scene: Scene, world: WorldConfig) -> Scene | None:
    """One subject more, half of the time of a kind that is there, or one less."""
    fewer = len(scene.acts) == MOST or (len(scene.acts) > 1 and rng.random() < 0.5)
    if fewer:
        k = int(rng.integers(len(scene.acts)))
        return replace(scene, acts=(*scene.acts[:k], *scene.acts[k + 1 :]))
    like = scene.acts[int(rng.integers(len(scene.acts)))]
    copied = rng.random() < 0.5
    subject, motion = (like.subject, like.motion) if copied else performance(rng, world)
    return replace(scene, acts=(*scene.acts, act(rng, subject, motion, free_lane(scene), 0.0)))


def other_binding(rng: np.random.Generator, scene: Scene, world: WorldConfig) -> Scene | None:
    """Two subjects take each other's motions."""
    pairs = [
        (i, j)
        for i, a in enumerate(scene.acts)
        for j, b in enumerate(scene.acts[:i])
        if a.subject != b.subject and a.motion != b.motion
        if can(a.subject, b.motion) and can(b.subject, a.motion)
    ]
    if not pairs:
        return None
    i, j = pairs[int(rng.integers(len(pairs)))]
    first, second = scene.acts[i], scene.acts[j]
    swapped = _with(scene, i, _again(rng, first, first.subject, second.motion))
    return _with(swapped, j, _again(rng, second, second.subject, first.motion))


EDITS: dict[str, Edit] = {
    "subject": other_subject,
    "motion": other_motion,
    "place": other_place,
    "number": other_number,
    "binding": other_binding,
}


def edited(rng: np.random.Generator, scene: Scene, world: WorldConfig) -> tuple[str, Scene]:
    """The scene after one random edit of those that it admits, and the edit's name."""
    names = [list(EDITS)[k] for k in rng.permutation(len(EDITS))]
    tried = ((name, EDITS[name](rng, scene, world)) for name in names)
    return next((name, changed) for name, changed in tried if changed is not None)


def assembled(
    rng: np.random.Generator,
    performances: Iterable[tuple[str, str]],
    background: str,
    named: bool = True,
) -> Scene:
    """A scene of these subjects and motions, each as far from the others as the frame lets it."""
    wanted = list(performances)
    scene = Scene((), background, named)
    for subject, motion in wanted:
        lane = (0.0, 1.0) if len(wanted) == 1 else free_lane(scene)
        scene = replace(scene, acts=(*scene.acts, act(rng, subject, motion, lane, 0.0)))
    return scene


def free_lane(scene: Scene) -> tuple[float, float]:
    """A lane around the place that is farthest from every subject of the scene."""
    middles = [(a.start + a.end) / 2 for a in scene.acts]
    return _lane(max(PLACES, key=lambda x: min((abs(x - m) for m in middles), default=0.0)))


def _again(rng: np.random.Generator, old: Act, subject: str, motion: str) -> Act:
    return act(rng, subject, motion, _lane((old.start + old.end) / 2), 0.0)


def _lane(middle: float) -> tuple[float, float]:
    left = min(max(middle - ROOM / 2, 0.0), 1 - ROOM)
    return left, left + ROOM


def _with(scene: Scene, k: int, new: Act) -> Scene:
    return replace(scene, acts=(*scene.acts[:k], new, *scene.acts[k + 1 :]))
