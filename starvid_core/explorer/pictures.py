"""Videos and attention maps as bytes that the page paints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import matplotlib
import numpy as np

from starvid_core.backbones.base import Backbone
from starvid_core.plotting.style import FAINT, colors
from starvid_core.sampling import Clip
from starvid_core.scene import Trajectory
from starvid_core.tokens import Positions, align
from starvid_core.video import Video


class Word(NamedTuple):
    """A word of the prompt: what is written on its button, in which color, and its tokens."""

    text: str
    color: str
    tokens: Positions


def words(trajectory: Trajectory, backbone: Backbone) -> list[Word]:
    """The noun and the verb of every subject, then the prompt's other words."""
    plan = trajectory.plan
    found = align(plan.prompt, plan.subjects, backbone.tokenizer)
    inks = colors(len(plan.instances))
    first = [sum(s.number for s in plan.subjects[:n]) for n in range(len(plan.subjects))]
    chosen = [
        Word(text, inks[first[n]], tokens)
        for n, (subject, pair) in enumerate(zip(plan.subjects, found.pairs, strict=True))
        for text, tokens in ((subject.noun, pair.noun), (subject.verb, pair.verb))
    ]
    taken = {token for word in chosen for token in word.tokens}
    ids = backbone.tokenizer(plan.prompt).input_ids
    rest = sorted({u for others in found.others for u in others if not set(u) & taken})
    return chosen + [Word(backbone.tokenizer.decode([ids[t] for t in u]), FAINT, u) for u in rest]


def video(frames: Video) -> dict[str, Any]:
    """All frames, red, green and blue bytes one after the other."""
    return {"shape": list(frames.shape[:3]), "pixels": np.ascontiguousarray(frames).tobytes()}


def maps(clips: Mapping[str, Clip], shown: list[Word], of: int) -> dict[str, Any]:
    """Every word's map at every recorded step of a run of so many, bytes [step word frame h w].

    Each is scaled to its own maximum over the clip.
    """
    steps = sorted(next(iter(clips.values())).maps)
    stacks = {
        name: np.stack([_maps(clip, step, shown) for step in steps]) for name, clip in clips.items()
    }
    shape = next(iter(stacks.values())).shape
    return {
        "words": [{"text": word.text, "color": word.color} for word in shown],
        "steps": [step + 1 for step in steps],
        "of": of,
        "shape": list(shape),
        "palette": (255 * matplotlib.colormaps["magma"](np.arange(256))[:, :3])
        .round()
        .astype(np.uint8)
        .tobytes(),
        **{name: stack.tobytes() for name, stack in stacks.items()},
    }


def _maps(clip: Clip, step: int, shown: list[Word]) -> np.ndarray:
    """Bytes `[word, frame, h, w]`."""
    A = clip.maps[step].float().cpu().numpy()
    found = np.stack([A[list(word.tokens)].mean(axis=0) for word in shown])
    highest = np.maximum(found.max(axis=(1, 2, 3), keepdims=True), np.finfo(np.float32).tiny)
    return (255 * found / highest).round().astype(np.uint8)
