"""How alike the frames of a video are: CLIP-I's embedded counterpart, on `perception.emoji_clip`.

The model saw only the Moving-Emoji world, so the number is not a CLIP-I (Table I). It was taught to
see through grain, so it tells a subject or a place that changes; grain is `metrics.flicker`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from starvid_core.errors import InputError
from starvid_core.video import Video

if TYPE_CHECKING:
    from starvid_core.perception.emoji_clip import EmojiClip
else:  # the arithmetic needs no torch
    EmojiClip = Any


def score(video: Video, embedding: EmojiClip) -> dict[str, float]:
    """`emoji_clip_i`: cosine of consecutive frames, mean over them, 1 where nothing changes;
    `emoji_clip_i_all`: the same over all pairs of frames, as the paper says of CLIP-I."""
    if len(video) < 2:
        raise InputError("1 frame has no consistency; give a video of two at least")
    frames = embedding.frames(video)
    pairs = np.triu_indices(len(frames), k=1)
    return {
        "emoji_clip_i": float((frames[1:] * frames[:-1]).sum(-1).mean()),
        "emoji_clip_i_all": float((frames @ frames.T)[pairs].mean()),
    }
